/*-------------------------------------------------------------------------
 *
 * forest_bins.c
 *	  Values of features as numbers of bins, for learning forests.
 *
 * Up to 255 values have a bin each; more are parted into bins of about as many
 * rows each, judged by a sample.  The levels of a category are ordered by their
 * mean outcome in the training rows first, after which they are numbers like
 * any other.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "common/pg_prng.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "predict/forest_learn.h"

#define SAMPLE_ROWS 100000		/* that bounds are judged by */
#define LEVEL_PRIOR_ROWS 10		/* rows of the overall mean that each level is given, so that a rare one stands in the middle */
#define ROWS_AT_ONCE 4096		/* whose bins are written before those of the next feature */

/* A level of a category. */
typedef struct LevelMean
{
	int			level;
	double		mean;			/* of the outcome */
} LevelMean;

#define ST_SORT sort_doubles
#define ST_ELEMENT_TYPE double
#define ST_COMPARE(a, b) ((*(a) > *(b)) - (*(a) < *(b)))
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

#define ST_SORT sort_levels
#define ST_ELEMENT_TYPE LevelMean
#define ST_COMPARE(a, b) ((a)->mean != (b)->mean ? ((a)->mean > (b)->mean) - ((a)->mean < (b)->mean) : \
						  (a)->level - (b)->level)
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/* How many levels training rows show, of those that a model may tell apart. */
static int
count_levels(const double *values, int64 rows)
{
	int			count = 1;

	for (int64 row = 0; row < rows; row++)
		if (values[row] >= count && values[row] < MOST_LEVELS)
			count = (int) values[row] + 1;
	return count;
}

/* For each level, and last for any other value, the mean outcome of its training rows, drawn towards that of all. */
static LevelMean *
level_means(const double *values, const double *target, int64 rows, int count, MemoryContext context)
{
	LevelMean  *means = MemoryContextAllocZero(context, (count + 1) * sizeof(LevelMean));
	int64	   *counts = MemoryContextAllocZero(context, (count + 1) * sizeof(int64));
	double		mean = 0;

	for (int64 row = 0; row < rows; row++)
	{
		int			level = values[row] >= 0 && values[row] < count ? (int) values[row] : count;

		mean += (target[row] - mean) / (row + 1);
		if (isnan(values[row]))
			continue;
		means[level].mean += target[row];
		counts[level]++;
	}
	for (int level = 0; level <= count; level++)
	{
		means[level].level = level;
		means[level].mean = (means[level].mean + LEVEL_PRIOR_ROWS * mean) / (counts[level] + LEVEL_PRIOR_ROWS);
	}
	pfree(counts);
	return means;
}

/* Order the levels of a category by their mean outcome. */
static ForestLevels
order_levels(const double *values, const double *target, int64 rows, MemoryContext context)
{
	ForestLevels levels;
	LevelMean  *means;

	levels.count = count_levels(values, rows);
	levels.ranks = MemoryContextAlloc(context, (levels.count + 1) * sizeof(int32));
	means = level_means(values, target, rows, levels.count, context);
	sort_levels(means, levels.count + 1);
	for (int rank = 0; rank <= levels.count; rank++)
		levels.ranks[means[rank].level] = rank;
	pfree(means);
	return levels;
}

/* Draw values of a feature, one of each stretch of rows, and sort those that are not missing; their number. */
static int
draw_sorted(const double *values, const ForestLevels *levels, int64 rows, pg_prng_state *random, double *sample)
{
	int			draws = (int) Min(rows, SAMPLE_ROWS);
	int			count = 0;

	for (int i = 0; i < draws; i++)
	{
		int64		row = draws == rows ? i : (int64) ((i + pg_prng_double(random)) * ((double) rows / draws));
		double		value = forest_rank(levels, values[Min(row, rows - 1)]);

		if (!isnan(value))
			sample[count++] = value;
	}
	sort_doubles(sample, count);
	return count;
}

/* A threshold that parts two values: between them if there is room. */
static double
threshold_between(double lower, double upper)
{
	double		middle = lower / 2 + upper / 2;

	return middle >= lower && middle < upper ? middle : lower;
}

/* The end of the run of equal values. */
static int
end_of_equal(const double *sample, int count, int start)
{
	int			end = start + 1;

	while (end < count && sample[end] == sample[start])
		end++;
	return end;
}

/* How many different values there are, up to one more than there are bins. */
static int
count_different(const double *sample, int count)
{
	int			different = 0;

	for (int i = 0; i < count && different <= FOREST_BINS; i = end_of_equal(sample, count, i))
		different++;
	return different;
}

/*
 * Part sorted values into bins: each value its own if they are few, else a bin
 * ends when it has its share of the rows left, and before a value that has more
 * than that by itself.
 */
static int
part_sorted(const double *sample, int count, double *bounds)
{
	bool		is_few = count_different(sample, count) <= FOREST_BINS;
	int			bins = 0;
	int			bin_start = 0;
	int			end;

	for (int i = 0; i < count; i = end)
	{
		double		share = (double) (count - bin_start) / (FOREST_BINS - bins);
		int			next_end;

		end = end_of_equal(sample, count, i);
		if (end == count || bins == FOREST_BINS - 1)
			break;
		next_end = end_of_equal(sample, count, end);
		if (is_few || end - bin_start >= share || next_end - end >= share)
		{
			bounds[bins++] = threshold_between(sample[i], sample[end]);
			bin_start = end;
		}
	}
	bounds[bins++] = INFINITY;
	return bins;
}

/* The bin of a value: how many bounds are below it.  No step is a branch that the processor would have to guess. */
static inline uint8
find_bin(const double *bounds, int count, double value)
{
	int			low = 0;

	for (int length = count; length > 1; length -= length / 2)
		low += (length / 2) & -(bounds[low + length / 2 - 1] < value);
	return (uint8) low;
}

/* Write the bins of some rows of a feature. */
static void
write_codes(const ForestBins *bins, int feature, const double *values, int64 start, int64 end)
{
	const ForestLevels *levels = bins->levels == NULL || bins->levels[feature].count == 0 ? NULL : &bins->levels[feature];
	const double *bounds = bins->bounds[feature];
	int			count = bins->counts[feature];
	int			width = forest_block_width(bins, feature / FOREST_BLOCK);
	uint8	   *side_by_side = bins->blocks[feature / FOREST_BLOCK] + feature % FOREST_BLOCK;
	uint8	   *one_by_one = bins->columns[feature];

	for (int64 row = start; row < end; row++)
	{
		double		value = levels == NULL ? values[row] : forest_rank(levels, values[row]);

		one_by_one[row] = isnan(value) ? count : find_bin(bounds, count, value);
		side_by_side[row * width] = one_by_one[row];
	}
}

/* Write the bins of all rows, a stretch of rows at a time, for those of several features stand side by side. */
static void
write_all_codes(const ForestBins *bins, const FeatureMatrix *matrix)
{
	for (int64 start = 0; start < bins->rows; start += ROWS_AT_ONCE)
	{
		CHECK_FOR_INTERRUPTS();
		for (int feature = 0; feature < bins->features; feature++)
			write_codes(bins, feature, matrix->columns[feature], start, Min(start + ROWS_AT_ONCE, bins->rows));
	}
}

/* Find the levels and bounds of a feature; sample has room for SAMPLE_ROWS values. */
static void
find_bounds(ForestBins *bins, int feature, const double *values, int64 training_rows, pg_prng_state *random,
			double *sample, MemoryContext context)
{
	static const ForestLevels no_levels = {0, NULL};
	const ForestLevels *levels = bins->levels == NULL ? &no_levels : &bins->levels[feature];
	double		bounds[FOREST_BINS];
	int			count = draw_sorted(values, levels, training_rows, random, sample);

	bins->counts[feature] = part_sorted(sample, count, bounds);
	bins->bounds[feature] = MemoryContextAlloc(context, bins->counts[feature] * sizeof(double));
	memcpy(bins->bounds[feature], bounds, bins->counts[feature] * sizeof(double));
	bins->first_cells[feature] = bins->cells;
	bins->cells += bins->counts[feature] + 1;
}

/* Room for the bins of all rows, twice 1 byte each. */
static void
allocate_codes(ForestBins *bins, MemoryContext context)
{
	int			blocks = (bins->features + FOREST_BLOCK - 1) / FOREST_BLOCK;

	bins->blocks = MemoryContextAlloc(context, blocks * sizeof(uint8 *));
	for (int block = 0; block < blocks; block++)
		bins->blocks[block] = MemoryContextAllocHuge(context, mul_size(bins->rows, forest_block_width(bins, block)));
	bins->columns = MemoryContextAlloc(context, bins->features * sizeof(uint8 *));
	for (int feature = 0; feature < bins->features; feature++)
		bins->columns[feature] = MemoryContextAllocHuge(context, bins->rows);
}

/* Put the first rows of a matrix into bins, which only the training rows among them shape. */
ForestBins *
forest_bins_new(const FeatureMatrix *matrix, const double *target, int64 training_rows, int64 rows,
				const bool *is_category, uint64 seed, MemoryContext context)
{
	ForestBins *bins = MemoryContextAllocZero(context, sizeof(ForestBins));
	double	   *sample = MemoryContextAlloc(context, SAMPLE_ROWS * sizeof(double));
	pg_prng_state random;

	pg_prng_seed(&random, seed);
	bins->rows = rows;
	bins->features = matrix->features;
	bins->counts = MemoryContextAlloc(context, bins->features * sizeof(int));
	bins->bounds = MemoryContextAlloc(context, bins->features * sizeof(double *));
	bins->first_cells = MemoryContextAlloc(context, bins->features * sizeof(int));
	if (is_category != NULL)
		bins->levels = MemoryContextAllocZero(context, bins->features * sizeof(ForestLevels));
	for (int feature = 0; feature < bins->features; feature++)
	{
		CHECK_FOR_INTERRUPTS();
		if (is_category != NULL && is_category[feature])
			bins->levels[feature] = order_levels(matrix->columns[feature], target, training_rows, context);
		find_bounds(bins, feature, matrix->columns[feature], training_rows, &random, sample, context);
	}
	allocate_codes(bins, context);
	write_all_codes(bins, matrix);
	pfree(sample);
	return bins;
}
