/*-------------------------------------------------------------------------
 *
 * forest_check.c
 *	  Whether options make sense, and whether what was stored can be a forest.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"

#include "compat.h"
#include "predict/forest.h"

#define LARGEST_GAIN 1e290		/* of a split: beyond those of any training, yet all of a forest have a sum */

/*
 * Options that do well on tables of customers: chosen by cross-validation on
 * churn of telephone customers and satisfaction of air passengers.
 */
ForestOptions
forest_default_options(bool is_probability)
{
	ForestOptions options = {
		.is_probability = is_probability,
		.trees = 1000,
		.depth = 6,
		.leaves = 0,
		.learning_rate = 0.03,
		.leaf_rows = 20,
		.penalty = 5,
		.row_share = 0.8,
		.feature_share = 0.5,
		.patience = 50,
		.seed = 1,
	};

	return options;
}

/* Refuse a whole number out of its range. */
static void
check_whole(const char *name, int value, int least, int most)
{
	if (value < least || value > most)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s %d is outside %d..%d", name, value, least, most)));
}

/* Refuse what is not a share. */
static void
check_share(const char *name, double value)
{
	if (!(value > 0 && value <= 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s %g is outside (0, 1]", name, value)));
}

/* Refuse options that a forest cannot be grown with; the names are those of the fields. */
void
forest_check_options(const ForestOptions *options, int features)
{
	check_whole("number of features", features, 1, MOST_FEATURES);
	check_whole("trees", options->trees, 1, FOREST_MOST_TREES);
	check_whole("depth", options->depth, 1, FOREST_MOST_DEPTH);
	if (options->leaves != 0)
		check_whole("leaves", options->leaves, 2, FOREST_MOST_LEAVES);
	check_whole("leaf_rows", options->leaf_rows, 1, PG_INT32_MAX);
	check_whole("patience", options->patience, 0, PG_INT32_MAX);
	check_share("learning_rate", options->learning_rate);
	check_share("row_share", options->row_share);
	check_share("feature_share", options->feature_share);
	if (!(options->penalty >= 0 && options->penalty <= 1e12))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("penalty %g is outside 0..1e12", options->penalty)));
	for (int feature = 0; options->monotone != NULL && feature < features; feature++)
	{
		check_whole("direction of a monotone feature", options->monotone[feature], -1, 1);
		if (options->monotone[feature] != 0 && options->is_category != NULL && options->is_category[feature])
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("feature %d is a category and cannot be monotone", feature + 1),
					 errhint("Its levels have no order; leave it out of the monotone features.")));
	}
}

/* Refuse stored bytes. */
pg_noreturn static void
malformed(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
			 errmsg("malformed forest: %s", what)));
}

/* Refuse a rank twice or out of range. */
static void
check_levels(const ForestLevels *levels)
{
	bool	   *is_taken;

	if (levels->count == 0)
		return;
	if (levels->count < 0 || levels->count > MOST_LEVELS)
		malformed("number of levels");
	is_taken = palloc0((levels->count + 1) * sizeof(bool));
	for (int level = 0; level <= levels->count; level++)
	{
		int32		rank = levels->ranks[level];

		if (rank < 0 || rank > levels->count || is_taken[rank])
			malformed("order of levels");
		is_taken[rank] = true;
	}
	pfree(is_taken);
}

/* Refuse a node that asks for what is not there, or sends rows where none can go. */
static void
check_split(const ForestNode *nodes, int node, int count, int features)
{
	const ForestNode *split = &nodes[node];

	if (split->feature < -1 || split->feature >= features)
		malformed("feature of a node");
	if (isnan(split->threshold))
		malformed("threshold of a node");
	if (split->left <= node || split->left >= count - 1 || split->right != split->left + 1)
		malformed("children of a node");
	if (nodes[split->left].rows + nodes[split->right].rows != split->rows)
		malformed("rows of a node");
	if (!(split->value >= 0 && split->value <= LARGEST_GAIN))
		malformed("gain of a node");
}

/* Refuse anything but one tree; depths has room for its nodes.  The largest value of a leaf. */
static double
check_tree(const ForestNode *nodes, int count, int features, int *depths)
{
	double		largest = 0;

	memset(depths, -1, count * sizeof(int));
	depths[0] = 0;
	for (int node = 0; node < count; node++)
	{
		if (depths[node] < 0 || depths[node] > FOREST_MOST_DEPTH)
			malformed("depth of a node");
		if (!isfinite(nodes[node].value) || !(nodes[node].rows > 0 && nodes[node].rows <= FOREST_MOST_ROWS))
			malformed("value or rows of a node");
		if (nodes[node].feature == -1)
		{
			largest = Max(largest, fabs(nodes[node].value));
			continue;
		}
		check_split(nodes, node, count, features);
		if (depths[nodes[node].left] >= 0 || depths[nodes[node].right] >= 0)
			malformed("node with two parents");
		depths[nodes[node].left] = depths[nodes[node].right] = depths[node] + 1;
	}
	return largest;
}

/* Refuse what was stored if it can be no forest for so many features. */
void
forest_check(const Forest *forest, int features)
{
	int		   *depths;
	double		largest = fabs(forest->base);

	if (forest->features != features)
		malformed("number of features");
	if (forest->tree_count < 0 || forest->tree_count > FOREST_MOST_TREES || forest->roots[0] != 0)
		malformed("number of trees");
	for (int feature = 0; forest->levels != NULL && feature < features; feature++)
		check_levels(&forest->levels[feature]);
	depths = palloc((2 * FOREST_MOST_LEAVES - 1) * sizeof(int));
	for (int tree = 0; tree < forest->tree_count; tree++)
	{
		int64		count = (int64) forest->roots[tree + 1] - forest->roots[tree];

		CHECK_FOR_INTERRUPTS();
		if (count < 1 || count > 2 * FOREST_MOST_LEAVES - 1)
			malformed("size of a tree");
		largest += check_tree(forest->nodes + forest->roots[tree], (int) count, features, depths);
	}
	pfree(depths);
	if (!isfinite(largest))
		malformed("values of leaves");
}
