/*-------------------------------------------------------------------------
 *
 * forest_score.c
 *	  Scores of a forest.
 *
 * For many rows the nodes are packed into 16 bytes each.  Several trees are
 * walked side by side without a branch on values, so that the processor need
 * not guess; a leaf leads to itself until the deepest tree is done.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "predict/forest.h"

#define TREES_AT_ONCE 8

/* A node, packed. */
typedef struct Step
{
	double		threshold;		/* in a leaf its value */
	int32		left;			/* step for values <= threshold, the right one is behind it; a leaf's own */
	uint16		feature;
	uint16		right_if;		/* LARGER and MISSING: what leads to the right; 0 in a leaf */
} Step;

#define LARGER 1
#define MISSING 2

/* A forest, packed. */
struct ForestSteps
{
	int			category_count;
	int		   *categories;		/* features whose values are levels */
	int		   *depths;			/* for each group of TREES_AT_ONCE trees, the last ones left over, how often to step */
	Step		steps[FLEXIBLE_ARRAY_MEMBER];
};

/* The number that thresholds compare with: the value itself, or the rank of a level. */
double
forest_rank(const ForestLevels *levels, double value)
{
	if (levels->count == 0 || isnan(value))
		return value;
	return levels->ranks[value >= 0 && value < levels->count ? (int) value : levels->count];
}

/* Pack a node; root is the step of its tree's root. */
static Step
pack_node(const ForestNode *node, int root, int position)
{
	Step		step;

	step.threshold = node->feature < 0 ? node->value : node->threshold;
	step.left = root + (node->feature < 0 ? position : node->left);
	step.feature = node->feature < 0 ? 0 : node->feature;
	step.right_if = node->feature < 0 ? 0 : LARGER | (node->missing_left ? 0 : MISSING);
	return step;
}

/* Most splits on the way from a node to a leaf. */
static int
depth_below(const ForestNode *nodes, int node)
{
	if (nodes[node].feature < 0)
		return 0;
	return 1 + Max(depth_below(nodes, nodes[node].left), depth_below(nodes, nodes[node].right));
}

/* Make a forest ready for scoring many rows; it lasts as long as the current memory context. */
void
forest_prepare(Forest *forest)
{
	int			nodes = forest->roots[forest->tree_count];
	ForestSteps *steps = palloc_extended(add_size(sizeof(ForestSteps), mul_size(nodes, sizeof(Step))), MCXT_ALLOC_HUGE);

	steps->category_count = 0;
	steps->categories = palloc(forest->features * sizeof(int));
	for (int feature = 0; forest->levels != NULL && feature < forest->features; feature++)
		if (forest->levels[feature].count > 0)
			steps->categories[steps->category_count++] = feature;
	steps->depths = palloc0((forest->tree_count / TREES_AT_ONCE + 1) * sizeof(int));
	for (int tree = 0; tree < forest->tree_count; tree++)
	{
		int			root = forest->roots[tree];
		int		   *depth = &steps->depths[tree / TREES_AT_ONCE];

		*depth = Max(*depth, depth_below(forest->nodes + root, 0));
		for (int node = root; node < forest->roots[tree + 1]; node++)
			steps->steps[node] = pack_node(&forest->nodes[node], root, node - root);
	}
	forest->steps = steps;
}

/* The step after one. */
static inline int32
next_step(const Step *steps, int32 at, const double *values)
{
	const Step *step = &steps[at];
	double		value = values[step->feature];
	int			found = (value > step->threshold) | (value != value) << 1;

	return step->left + ((found & step->right_if) != 0);
}

/* Add the leaves of some trees to a score, one after the other. */
static inline double
add_trees(const Step *steps, const int *roots, int trees, int depth, const double *values, double score)
{
	int32		at[TREES_AT_ONCE];

	for (int tree = 0; tree < trees; tree++)
		at[tree] = roots[tree];
	for (int level = 0; level < depth; level++)
		for (int tree = 0; tree < trees; tree++)
			at[tree] = next_step(steps, at[tree], values);
	for (int tree = 0; tree < trees; tree++)
		score += steps[at[tree]].threshold;
	return score;
}

/* The score of a row whose levels are ranks already. */
static double
score_prepared(const Forest *forest, const double *values)
{
	const ForestSteps *steps = forest->steps;
	double		score = forest->base;
	int			tree = 0;

	for (; tree + TREES_AT_ONCE <= forest->tree_count; tree += TREES_AT_ONCE)
		score = add_trees(steps->steps, &forest->roots[tree], TREES_AT_ONCE, steps->depths[tree / TREES_AT_ONCE],
						  values, score);
	return add_trees(steps->steps, &forest->roots[tree], forest->tree_count - tree, steps->depths[tree / TREES_AT_ONCE],
					 values, score);
}

/* Replace levels by their ranks. */
static void
rank_categories(const Forest *forest, const double *values, double *ranked)
{
	memcpy(ranked, values, forest->features * sizeof(double));
	for (int i = 0; i < forest->steps->category_count; i++)
	{
		int			feature = forest->steps->categories[i];

		ranked[feature] = forest_rank(&forest->levels[feature], values[feature]);
	}
}

/* The node below one that a row comes to. */
int
forest_child(const Forest *forest, const ForestNode *node, const double *values)
{
	double		value = values[node->feature];

	if (forest->levels != NULL)
		value = forest_rank(&forest->levels[node->feature], value);
	if (isnan(value))
		return node->missing_left ? node->left : node->right;
	return value <= node->threshold ? node->left : node->right;
}

/* The score of a row, as the stored nodes say. */
static double
score_stored(const Forest *forest, const double *values)
{
	double		score = forest->base;

	for (int tree = 0; tree < forest->tree_count; tree++)
	{
		const ForestNode *nodes = forest->nodes + forest->roots[tree];
		const ForestNode *node = nodes;

		while (node->feature >= 0)
			node = nodes + forest_child(forest, node, values);
		score += node->value;
	}
	return score;
}

/* The score of a row of features. */
double
forest_score(const Forest *forest, const double *values)
{
	double		ranked[MOST_FEATURES];

	if (forest->steps == NULL)
		return score_stored(forest, values);
	if (forest->steps->category_count == 0)
		return score_prepared(forest, values);
	rank_categories(forest, values, ranked);
	return score_prepared(forest, ranked);
}

/* The mean score of the training rows. */
double
forest_mean_score(const Forest *forest)
{
	double		mean = forest->base;

	for (int tree = 0; tree < forest->tree_count; tree++)
	{
		const ForestNode *nodes = forest->nodes + forest->roots[tree];
		double		sum = 0;

		for (int node = 0; node < forest->roots[tree + 1] - forest->roots[tree]; node++)
			if (nodes[node].feature < 0)
				sum += nodes[node].value * (nodes[node].rows / nodes[0].rows);
		mean += sum;
	}
	return mean;
}
