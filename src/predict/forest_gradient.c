/*-------------------------------------------------------------------------
 *
 * forest_gradient.c
 *	  Gradients of the loss and their histograms, where learning a forest spends
 *	  its time.
 *
 * A gradient is a whole number of a unit so small that rounding to it does not
 * matter and so large that 64 bits hold the sum over all rows.  The second
 * derivative shares 64 bits with the count of rows.  So a histogram adds two
 * numbers for each value, and is the same whatever the order of rows, the
 * processor and its mathematical library.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "port/pg_bitutils.h"

#include "predict/forest_learn.h"
#include "predict/vectorise.h"

#define ROWS_AT_ONCE 65536		/* between looks for an interrupt */
#define GRADIENT_BITS 50		/* most of a gradient; more cannot be rounded by adding ROUNDER */
#define ROUNDER 6755399441055744.0	/* 1.5 * 2^52: a double of this size has no digits behind the point */
#define STEEPEST 40.0			/* log-odds beyond which a probability does not change any more */
#define SMALLEST_RESIDUAL 1e-30	/* of outcomes up to 1: what is smaller is nothing */
#define AHEAD 16				/* rows whose bins are asked for before they are needed */

/* The bits of a double. */
static inline int64
double_bits(double number)
{
	int64		bits;

	memcpy(&bits, &number, sizeof(bits));
	return bits;
}

/* The double with these bits. */
static inline double
bits_double(int64 bits)
{
	double		number;

	memcpy(&number, &bits, sizeof(number));
	return number;
}

/* The nearest whole number, of at most 2^51, in a way that compilers can do for several at once. */
static inline int64
round_to_whole(double number)
{
	return double_bits(number + ROUNDER) - double_bits(ROUNDER);
}

/*
 * e to the power of a number between -40 and 40, to 14 digits: 2 to a whole
 * power times a series.  That of the C library differs in the last digit from
 * one machine to the next.
 */
static inline double
exponential(double power)
{
	double		whole = (power * 1.4426950408889634 + ROUNDER) - ROUNDER;
	double		rest = (power - whole * 0.693147180369123816490) - whole * 1.90821492927058770002e-10;
	double		series = 1.0 / 39916800;

	series = series * rest + 1.0 / 3628800;
	series = series * rest + 1.0 / 362880;
	series = series * rest + 1.0 / 40320;
	series = series * rest + 1.0 / 5040;
	series = series * rest + 1.0 / 720;
	series = series * rest + 1.0 / 120;
	series = series * rest + 1.0 / 24;
	series = series * rest + 1.0 / 6;
	series = series * rest + 0.5;
	series = series * rest + 1;
	series = series * rest + 1;
	return bits_double(double_bits(series) + (int64) ((uint64) round_to_whole(whole) << 52));
}

/* The probability that a score in log-odds stands for. */
static inline double
probability_of(double score)
{
	double		bounded = score < STEEPEST ? score : STEEPEST;

	bounded = bounded > -STEEPEST ? bounded : -STEEPEST;
	return 1 / (1 + exponential(-bounded));
}

/* The same, for others. */
double
score_probability(double score)
{
	return probability_of(score);
}

/* Units for so many rows; gradients are at most 1, second derivatives at most 1/4. */
GradientScale
gradient_scale_for(bool is_probability, int64 rows)
{
	int			row_bits = pg_leftmost_one_pos64(rows) + 1;
	int			hessian_bits = is_probability ? Min(63 - 2 * row_bits, GRADIENT_BITS) : 0;
	GradientScale scale;

	scale.gradient_unit = ldexp(1, -Min(62 - row_bits, GRADIENT_BITS));
	scale.hessian_unit = is_probability ? ldexp(0.25, -hessian_bits) : 0;
	scale.row_shift = is_probability ? hessian_bits + row_bits : 0;
	return scale;
}

/*
 * Rounding up or down by turns, as near to evenly as can be: where the unit is
 * large, the sum over many rows stays right.
 */
static inline double
turn_of_row(int64 row)
{
	return (int32) ((uint32) row * 2654435769U) * (1.0 / 4294967296.0);
}

/* Gradients of the logistic loss. */
vectorised void
gradients_of_probability(const GradientScale *scale, const double *restrict score, const double *restrict outcome,
						 int64 rows, GradientSum *restrict gradients)
{
	double		gradient_factor = 1 / scale->gradient_unit;
	double		hessian_factor = 1 / scale->hessian_unit;
	int64		one_row = INT64CONST(1) << scale->row_shift;

	for (int64 row = 0; row < rows; row++)
	{
		double		probability = probability_of(score[row]);

		gradients[row].gradient = round_to_whole((probability - outcome[row]) * gradient_factor);
		gradients[row].weight = one_row + round_to_whole(probability * (1 - probability) * hessian_factor + turn_of_row(row));
	}
}

/* Gradients of half the squared error; their unit follows the largest one. */
void
gradients_of_number(GradientScale *scale, const double *restrict score, const double *restrict outcome,
					int64 rows, GradientSum *restrict gradients)
{
	double		largest = 0;
	double		factor;
	int			exponent;

	for (int64 row = 0; row < rows; row++)
		largest = fabs(score[row] - outcome[row]) > largest ? fabs(score[row] - outcome[row]) : largest;
	frexp(Max(largest, SMALLEST_RESIDUAL), &exponent);
	*scale = gradient_scale_for(false, rows);
	scale->gradient_unit = ldexp(scale->gradient_unit, exponent);
	factor = 1 / scale->gradient_unit;
	for (int64 row = 0; row < rows; row++)
	{
		gradients[row].gradient = round_to_whole((score[row] - outcome[row]) * factor);
		gradients[row].weight = 1;
	}
}

/* Add rows to the part of a histogram that belongs to a block of features. */
static void
add_to_block(GradientSum *restrict histogram, const int *restrict first_cells, const uint8 *restrict codes, int width,
			 const uint32 *restrict rows, int64 count, const GradientSum *restrict gradients)
{
	GradientSum *starts[FOREST_BLOCK];

	for (int feature = 0; feature < width; feature++)
		starts[feature] = histogram + first_cells[feature];
	for (int64 i = 0; i < count; i++)
	{
		const uint8 *row_codes = codes + (Size) rows[i] * width;
		GradientSum gradient = gradients[rows[i]];

		if (i + AHEAD < count)
		{
			__builtin_prefetch(codes + (Size) rows[i + AHEAD] * width);
			__builtin_prefetch(&gradients[rows[i + AHEAD]]);
		}
		for (int feature = 0; feature < width; feature++)
		{
			GradientSum *cell = &starts[feature][row_codes[feature]];

			cell->gradient += gradient.gradient;
			cell->weight += gradient.weight;
		}
	}
}

/* The histogram of the rows of a leaf. */
void
histogram_build(const ForestLearner *learner, const ForestLeaf *leaf, GradientSum *histogram)
{
	const ForestBins *bins = learner->bins;

	memset(histogram, 0, bins->cells * sizeof(GradientSum));
	for (int block = 0; block * FOREST_BLOCK < bins->features; block++)
		for (int64 start = 0; start < leaf->rows; start += ROWS_AT_ONCE)
		{
			CHECK_FOR_INTERRUPTS();
			add_to_block(histogram, bins->first_cells + block * FOREST_BLOCK, bins->blocks[block],
						 forest_block_width(bins, block), learner->order + leaf->first + start,
						 Min(leaf->rows - start, ROWS_AT_ONCE), learner->gradients);
		}
}

/* Take the rows of one part out of a histogram, so that those of the other part stay. */
void
histogram_subtract(GradientSum *restrict histogram, const GradientSum *restrict part, int cells)
{
	for (int cell = 0; cell < cells; cell++)
	{
		histogram[cell].gradient -= part[cell].gradient;
		histogram[cell].weight -= part[cell].weight;
	}
}
