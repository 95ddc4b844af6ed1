/*-------------------------------------------------------------------------
 *
 * forest_learn.h
 *	  What the parts of the learner of forests give each other.
 *
 * Values are replaced by the numbers of their bins, one byte each.  Gradients
 * are whole numbers of a small unit, so that sums of them are exact: neither
 * their order nor the machine makes a difference.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_FOREST_LEARN_H
#define CX_FOREST_LEARN_H

#include "predict/forest.h"

#define FOREST_BINS 255			/* most bins of values; the one behind them is that of missing values */
#define FOREST_BLOCK 32			/* features whose bins stand together, row after row */

/* The rows of a matrix in bins. */
typedef struct ForestBins
{
	int64		rows;
	int			features;
	int		   *counts;			/* for each feature its bins of values, which is also the number of the missing bin */
	double	  **bounds;			/* for each feature the threshold behind each bin, the last one infinite */
	int		   *first_cells;	/* for each feature its first cell in a histogram */
	int			cells;			/* of a histogram */
	ForestLevels *levels;		/* for each feature, or NULL */
	uint8	  **blocks;			/* for each block of features its bins, row after row, for histograms */
	uint8	  **columns;		/* for each feature the same bins, for parting rows */
} ForestBins;

/* Rows and their gradients, summed. */
typedef struct GradientSum
{
	int64		gradient;		/* of the loss by the score, in units of the scale */
	int64		weight;			/* rows, and below them second derivatives in units of the scale */
} GradientSum;

/* What the numbers of a GradientSum mean. */
typedef struct GradientScale
{
	double		gradient_unit;
	double		hessian_unit;	/* 0 if the second derivative is 1 for each row */
	int			row_shift;		/* bits of weight below the rows */
} GradientScale;

/* The best way of parting the rows of a leaf. */
typedef struct ForestSplit
{
	double		gain;			/* 0 if there is none */
	int			feature;
	int			bin;			/* rows up to this one go left */
	bool		missing_left;
	GradientSum left;			/* of the rows that go left */
	double		left_value;		/* of the leaves that it makes */
	double		right_value;
} ForestSplit;

/* A leaf that may be parted. */
typedef struct ForestLeaf
{
	int			node;			/* in the tree */
	int			depth;
	int64		first;			/* where its rows stand in the order of rows */
	int64		rows;
	GradientSum sum;
	double		lower;			/* bounds of its value, which monotone features set */
	double		upper;
	double		value;
	int			slot;			/* of its histogram, -1 if that is not kept */
	ForestSplit split;
} ForestLeaf;

/* A forest being grown. */
typedef struct ForestLearner
{
	const ForestOptions *options;
	const ForestBins *bins;
	MemoryContext context;		/* of all that training alone needs */
	int64		training_rows;	/* the first ones of the bins */
	GradientScale scale;
	GradientSum *gradients;		/* of each training row */
	uint32	   *order;			/* rows drawn for the tree at hand, those of a leaf together */
	uint32	   *spare;			/* as many */
	int64		drawn_rows;
	int		   *drawn_features; /* features drawn for the tree at hand, ascending */
	int			drawn_feature_count;
	GradientSum *histograms;	/* slots of bins->cells each */
	int			slots;
	int		   *slot_leaf;		/* the leaf that uses a slot, -1 if none does */
	ForestLeaf *leaves;
	int			leaf_count;
	ForestNode *nodes;			/* of the tree at hand */
	uint8	   *node_bins;		/* for each of them the bin of its threshold */
	int			node_count;
} ForestLearner;

/* How many features a block has. */
static inline int
forest_block_width(const ForestBins *bins, int block)
{
	return Min(FOREST_BLOCK, bins->features - block * FOREST_BLOCK);
}

/* Whether a row goes left at a node. */
static inline bool
forest_goes_left(int code, int bin, int missing, bool missing_left)
{
	return (code <= bin) | ((code == missing) & missing_left);
}

/* Rows in a sum. */
static inline int64
gradient_rows(const GradientScale *scale, GradientSum sum)
{
	return sum.weight >> scale->row_shift;
}

/* Sum of second derivatives. */
static inline double
gradient_hessian(const GradientScale *scale, GradientSum sum)
{
	int64		mask = (INT64CONST(1) << scale->row_shift) - 1;

	return scale->hessian_unit > 0 ? (double) (sum.weight & mask) * scale->hessian_unit :
		(double) gradient_rows(scale, sum);
}

extern ForestBins *forest_bins_new(const FeatureMatrix *matrix, const double *target, int64 training_rows, int64 rows,
								   const bool *is_category, uint64 seed, MemoryContext context);
extern GradientScale gradient_scale_for(bool is_probability, int64 rows);
extern void gradients_of_probability(const GradientScale *scale, const double *score, const double *outcome, int64 rows,
									 GradientSum *gradients);
extern void gradients_of_number(GradientScale *scale, const double *score, const double *outcome, int64 rows,
								GradientSum *gradients);
extern void histogram_build(const ForestLearner *learner, const ForestLeaf *leaf, GradientSum *histogram);
extern void histogram_subtract(GradientSum *histogram, const GradientSum *part, int cells);
extern double leaf_value(const ForestLearner *learner, const ForestLeaf *leaf);
extern ForestSplit leaf_best_split(const ForestLearner *learner, const ForestLeaf *leaf, const GradientSum *histogram);
extern void tree_grow(ForestLearner *learner);
extern double score_probability(double score);

#endif							/* CX_FOREST_LEARN_H */
