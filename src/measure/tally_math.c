/*-------------------------------------------------------------------------
 *
 * tally_math.c
 *	  Shares, means and variances of the answers in a tally.
 *
 * Sums are taken in double precision: exact up to 2^53 answers, and beyond
 * that they lose the last digit instead of overflowing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "measure/score.h"
#include "measure/tally_math.h"

/* The answers as promoters, passives and detractors. */
NpsClasses
nps_classes(const Tally *tally)
{
	NpsClasses	classes;

	classes.promoters = tally_sum_between(tally, SCORE_PROMOTER, TALLY_MAX_SCORE);
	classes.detractors = tally_sum_between(tally, 0, SCORE_PASSIVE - 1);
	classes.size = classes.detractors + classes.promoters +
		tally_sum_between(tally, SCORE_PASSIVE, SCORE_PROMOTER - 1);
	return classes;
}

/*
 * The classes with three made-up answers added, 3/4 promoter, 3/2 passive and
 * 3/4 detractor: the adjusted Wald method for NPS, whose intervals keep their
 * coverage in small samples (Rocks 2016, "Interval estimation for the Net
 * Promoter Score").
 */
NpsClasses
nps_adjusted(NpsClasses classes)
{
	classes.size += 3;
	classes.promoters += 0.75;
	classes.detractors += 0.75;
	return classes;
}

/* NPS in points, -100..100. */
double
nps_value(NpsClasses classes)
{
	return 100 * (classes.promoters - classes.detractors) / classes.size;
}

/* Variance of the NPS in points squared: ((p + d) - (p - d)^2) / n. */
double
nps_variance(NpsClasses classes)
{
	double		promoters = classes.promoters / classes.size;
	double		detractors = classes.detractors / classes.size;
	double		net = promoters - detractors;

	return 100 * 100 * Max(promoters + detractors - net * net, 0) / classes.size;
}

/* NPS of a tally that is not empty. */
double
tally_nps(const Tally *tally)
{
	return nps_value(nps_classes(tally));
}

/* Mean distance of the scores of a tally that is not empty from this one. */
double
tally_mean_from(const Tally *tally, int origin)
{
	double		sum = 0;

	for (int score = 0; score < TALLY_SCORES; score++)
		sum += (double) (score - origin) * (double) tally->counts[score];
	return sum / tally_size(tally);
}

/*
 * Mean score of a tally that is not empty.  Taken from the lowest score that
 * occurs, so that the mean of equal scores is that score whatever their number.
 */
double
tally_mean(const Tally *tally)
{
	int			lowest = 0;

	while (tally->counts[lowest] == 0)
		lowest++;
	return lowest + tally_mean_from(tally, lowest);
}

/* Sample variance (n - 1) of the scores of a tally with two answers or more. */
double
tally_variance(const Tally *tally)
{
	double		mean = tally_mean(tally);
	double		squares = 0;

	for (int score = 0; score < TALLY_SCORES; score++)
		squares += (double) tally->counts[score] * (score - mean) * (score - mean);
	return squares / (tally_size(tally) - 1);
}
