/*-------------------------------------------------------------------------
 *
 * distribution.c
 *	  Normal, Student t, F and chi-square distributions, for intervals and p-values.
 *
 * Tails are computed as tails, never as one minus the bulk, so that small
 * p-values keep their digits.  Quantiles invert the tail by iteration from a
 * rough start and are as exact as the tail itself.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "measure/distribution.h"

/* Above this many degrees of freedom t is mapped to normal; p is within 1e-9 of itself up to t = 20. */
#define STUDENT_NEARLY_NORMAL 3e6

/* The confidence itself, after making sure that it is a share strictly between 0 and 1. */
double
check_confidence(double confidence)
{
	if (!(confidence > 0 && confidence < 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("confidence %g is outside (0, 1)", confidence),
				 errhint("Give a share such as 0.95.")));
	return confidence;
}

/* Chance that a standard normal value lies above z. */
static double
normal_upper_tail(double z)
{
	return 0.5 * erfc(z * M_SQRT1_2);
}

/* Two-sided p-value of a standard normal statistic. */
double
normal_p_value(double z)
{
	return erfc(fabs(z) * M_SQRT1_2);
}

/*
 * The value that a standard normal exceeds with this chance.  Start:
 * Abramowitz and Stegun 26.2.23, error below 5e-4; then Halley's method,
 * which triples the digits at every step.
 */
double
normal_upper_quantile(double tail)
{
	double		root;
	double		z;

	if (tail > 0.5)
		return -normal_upper_quantile(1 - tail);

	root = sqrt(-2 * log(tail));
	z = root - (2.515517 + root * (0.802853 + root * 0.010328)) /
		(1 + root * (1.432788 + root * (0.189269 + root * 0.001308)));
	for (int step = 0; step < 3; step++)
	{
		double		density = exp(-0.5 * z * z) * M_SQRT1_2 * M_2_SQRTPI / 2;
		double		newton = (normal_upper_tail(z) - tail) / density;

		z += newton / (1 - 0.5 * newton * z);
	}
	return z;
}

/* The z that encloses this share of a standard normal between -z and z. */
double
normal_critical(double confidence)
{
	return normal_upper_quantile((1 - confidence) / 2);
}

/*
 * log(gamma(a + 1/2) / gamma(a)).  Recurrence up to 20, then the asymptotic
 * series, whose next term is below 1e-15 there; unlike a difference of two
 * lgamma() it does not cancel for large a.
 */
static double
log_gamma_half_step(double a)
{
	double		sum = 0;
	double		inverse;
	double		square;

	for (; a < 20; a++)
		sum += log(a / (a + 0.5));
	inverse = 1 / a;
	square = inverse * inverse;
	return sum + 0.5 * log(a) -
		inverse * (1.0 / 8 - square * (1.0 / 192 - square * (1.0 / 640 -
															  square * (17.0 / 14336 - square * 31.0 / 18432))));
}

/*
 * Continued fraction of the incomplete beta function (Abramowitz and Stegun
 * 26.5.8) by Lentz's method; converges fast for x < (a + 1) / (a + b + 2).
 */
static double
beta_fraction(double a, double b, double x)
{
	const double tiny = 1e-300;
	double		numerator = 1;
	double		denominator = 1 - (a + b) * x / (a + 1);
	double		fraction;

	denominator = 1 / (fabs(denominator) < tiny ? tiny : denominator);
	fraction = denominator;
	for (int m = 1; m <= 10000; m++)
	{
		double		even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
		double		odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
		double		step;

		denominator = 1 + even * denominator;
		numerator = 1 + even / numerator;
		denominator = 1 / (fabs(denominator) < tiny ? tiny : denominator);
		numerator = fabs(numerator) < tiny ? tiny : numerator;
		fraction *= denominator * numerator;

		denominator = 1 + odd * denominator;
		numerator = 1 + odd / numerator;
		denominator = 1 / (fabs(denominator) < tiny ? tiny : denominator);
		numerator = fabs(numerator) < tiny ? tiny : numerator;
		step = denominator * numerator;
		fraction *= step;
		if (fabs(step - 1) < 1e-16)
			break;
	}
	return fraction;
}

/* Two-sided p-value of a t statistic: the incomplete beta I(df / (df + t^2); df/2, 1/2). */
double
student_p_value(double t, double df)
{
	double		half = df / 2;
	double		square = t * t;
	double		x = df / (df + square);
	double		y = square / (df + square);
	double		log_front;

	if (isnan(t) || isnan(df))
		return NAN;
	if (square == 0)
		return 1;
	if (isinf(square))
		return 0;
	if (df > STUDENT_NEARLY_NORMAL)		/* Wallace (1959) */
		return normal_p_value((8 * df + 1) / (8 * df + 3) * sqrt(df * log1p(square / df)));

	log_front = -half * log1p(square / df) + 0.5 * log(y) +
		log_gamma_half_step(half) - 0.5 * log(M_PI);
	if (x < (half + 1) / (half + 2.5))
		return exp(log_front) * beta_fraction(half, 0.5, x) / half;
	return 1 - exp(log_front) * beta_fraction(0.5, half, y) * 2;
}

/* log(gamma(a + halves / 2) / gamma(a)), without the cancellation of a difference of two lgamma(). */
static double
log_gamma_half_steps(double a, int halves)
{
	double		sum = halves % 2 == 0 ? 0 : log_gamma_half_step(a + halves / 2);

	for (int i = 0; i < halves / 2; i++)
		sum += log(a + i);
	return sum;
}

/*
 * Chance that an F statistic of so many degrees of freedom in numerator and
 * denominator is above f: the incomplete beta I(df / (df + terms f); df/2, terms/2).
 */
double
fisher_p_value(double f, int terms, double df)
{
	double		a = df / 2;
	double		b = terms / 2.0;
	double		ratio = terms * f / df;
	double		x = 1 / (1 + ratio);
	double		y = ratio / (1 + ratio);
	double		log_front;

	if (isnan(f) || isnan(df))
		return NAN;
	if (f <= 0)
		return 1;
	if (isinf(ratio))
		return 0;
	log_front = -a * log1p(ratio) + b * log(y) + log_gamma_half_steps(a, terms) - lgamma(b);
	if (x < (a + 1) / (a + b + 2))
		return exp(log_front) * beta_fraction(a, b, x) / a;
	return 1 - exp(log_front) * beta_fraction(b, a, y) / b;
}

/*
 * The t that encloses this share of Student's distribution between -t and t.
 * The p-value falls convexly in t, so Newton's method climbs to the root from
 * the normal quantile, which always lies below, and never passes it.
 */
double
student_critical(double confidence, double df)
{
	double		target = 1 - confidence;
	double		t = normal_critical(confidence);

	for (int step = 0; step < 1000; step++)
	{
		double		log_density = log_gamma_half_step(df / 2) - 0.5 * log(df * M_PI) -
			(df + 1) / 2 * log1p(t * t / df);
		double		advance = (student_p_value(t, df) - target) / (2 * exp(log_density));

		t += advance;
		if (!(advance > 1e-14 * t))
			break;
	}
	return t;
}

/*
 * Chance that a chi-square statistic of so many degrees of freedom lies above
 * this, by recurrence from one or two degrees (Abramowitz and Stegun 26.4.8):
 * all terms are positive, so that small tails keep their digits until they
 * underflow to 0 at about 1e-308.
 */
double
chi_square_p_value(double chi_square, int df)
{
	double		half = chi_square / 2;
	double		tail = df % 2 == 1 ? erfc(sqrt(half)) : exp(-half);

	if (isnan(chi_square) || df < 1)
		return NAN;
	if (half <= 0)
		return 1;
	for (int lower = df % 2 == 1 ? 1 : 2; lower < df; lower += 2)
		tail += exp(0.5 * lower * log(half) - half - lgamma(0.5 * lower + 1));
	return tail < 1 ? tail : 1;
}
