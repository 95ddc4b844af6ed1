/*-------------------------------------------------------------------------
 *
 * forest.h
 *	  Gradient-boosted trees: learning from histograms, scoring, and exact
 *	  contributions of features (TreeSHAP).
 *
 * A score is in log-odds if the outcome is a probability, in units of the
 * outcome if it is a number.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_FOREST_H
#define CX_FOREST_H

#include "predict/feature.h"

#define FOREST_MOST_TREES 10000
#define FOREST_MOST_DEPTH 16	/* splits between the root and a leaf, in any forest */
#define FOREST_MOST_LEAVES 4096 /* of a tree */
#define FOREST_MOST_ROWS 67108863	/* to learn from, for their gradients are summed in 64 bits */

/* How a forest is grown. */
typedef struct ForestOptions
{
	bool		is_probability; /* outcome 0 or 1, logistic loss; else a number, squared error */
	int			trees;			/* at most so many */
	int			depth;			/* most splits between the root and a leaf */
	int			leaves;			/* most leaves of a tree; 0: as many as suit the number of rows, 8 to 31 */
	double		learning_rate;	/* 0 < learning_rate <= 1 */
	int			leaf_rows;		/* fewest rows of a leaf */
	double		penalty;		/* of squared leaf values (lambda) */
	double		row_share;		/* share of rows drawn for each tree, 0 < share <= 1 */
	double		feature_share;	/* share of features drawn for each tree */
	int			patience;		/* trees without improvement on the validation rows after which to stop, 0 never; in any
								 * case those trees are dropped */
	const signed char *monotone;	/* for each feature +1 if the score may only rise with it, -1 only fall, 0 free; or
									 * NULL; of a category it must be 0 */
	const bool *is_category;	/* for each feature whether its values are level numbers, whose order says nothing; or NULL */
	uint64		seed;
} ForestOptions;

/* A node of a tree; children stand behind their parent. */
typedef struct ForestNode
{
	int32		feature;		/* feature asked for, -1 in a leaf */
	int32		left;			/* node for values <= threshold, counted from the tree's root; 0 in a leaf */
	int32		right;			/* node for larger ones, which stands right behind it; 0 in a leaf */
	bool		missing_left;	/* where rows go that lack the feature */
	double		threshold;		/* may be infinite: all rows that have the feature go left */
	double		value;			/* in a leaf what it adds to the score, else how much its split lowered the loss */
	double		rows;			/* training rows that come here, drawn for the tree or not */
} ForestNode;

/*
 * The order in which thresholds ask for the levels of a category: by the mean
 * outcome of their training rows.
 */
typedef struct ForestLevels
{
	int			count;			/* levels with a rank of their own, 0 if the feature is no category */
	int32	   *ranks;			/* count + 1 different numbers from 0 to count: of each level, and last of any other value */
} ForestLevels;

/* The nodes as scoring reads them. */
typedef struct ForestSteps ForestSteps;

/* A trained forest. */
typedef struct Forest
{
	double		base;			/* score before the first tree */
	int			features;		/* of the model */
	int			tree_count;
	int		   *roots;			/* for each tree its first node, and one more: the end */
	ForestNode *nodes;
	ForestLevels *levels;		/* for each feature; NULL if none is a category */
	ForestSteps *steps;			/* from forest_prepare(), not stored; NULL before it */
} Forest;

/* Called after each tree with the validation loss (NaN without validation rows). */
typedef void (*ForestProgress) (int tree, int trees, double loss, void *argument);

extern ForestOptions forest_default_options(bool is_probability);
extern void forest_check_options(const ForestOptions *options, int features);
extern Forest *forest_train(const FeatureMatrix *matrix, const double *outcome, int64 training_rows, int64 validation_rows,
							const ForestOptions *options, ForestProgress progress, void *argument);

/*
 * What is read from storage: look whether it can be a forest, then make it
 * ready for many rows.  The caller has made sure that there are as many nodes
 * and ranks as roots and levels say.
 */
extern void forest_check(const Forest *forest, int features);
extern void forest_prepare(Forest *forest);

extern double forest_score(const Forest *forest, const double *values);
extern double forest_mean_score(const Forest *forest);
extern void forest_contributions(const Forest *forest, int features, const double *values, double *contributions);
extern void forest_importance(const Forest *forest, int features, double *importance);
extern double forest_rank(const ForestLevels *levels, double value);
extern int	forest_child(const Forest *forest, const ForestNode *node, const double *values);

#endif							/* CX_FOREST_H */
