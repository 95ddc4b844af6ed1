/*-------------------------------------------------------------------------
 *
 * forest_explain.c
 *	  What each feature contributes to a score, and how much each one matters.
 *
 * The contribution of a feature is its Shapley value: the mean, over all orders
 * in which features could become known, of how much knowing it moves the
 * expected score.  What is expected while a feature is unknown is weighted by
 * the training rows of both branches.  TreeSHAP (Lundberg, Erion, Lee:
 * Consistent Individualized Feature Attribution for Tree Ensembles, 2018,
 * algorithm 2) follows all sets of known features down a tree together.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "predict/forest.h"

#define LONGEST_PATH (FOREST_MOST_DEPTH + 1)

/* A feature on the way to a node; the first of a path stands for none. */
typedef struct PathPart
{
	int			feature;
	double		unknown;		/* share of rows that go this way if it is unknown */
	double		known;			/* 1 if the row at hand goes this way, else 0: it is no share, so never divided by */
	double		weight;			/* of the sets with so many features known as this part's position */
} PathPart;

/* The features on the way to a node, each one once. */
typedef struct Path
{
	int			length;
	PathPart	parts[LONGEST_PATH];
} Path;

/* 1 / n for each length of a path. */
static const double share_of[LONGEST_PATH + 1] = {
	0, 1, 1.0 / 2, 1.0 / 3, 1.0 / 4, 1.0 / 5, 1.0 / 6, 1.0 / 7, 1.0 / 8, 1.0 / 9, 1.0 / 10, 1.0 / 11, 1.0 / 12,
	1.0 / 13, 1.0 / 14, 1.0 / 15, 1.0 / 16, 1.0 / 17
};

/* What a walk through a tree needs everywhere. */
typedef struct Explanation
{
	const Forest *forest;
	const ForestNode *nodes;	/* of the tree at hand */
	const double *values;		/* of the row at hand */
	double	   *contributions;
} Explanation;

/* Add a feature to the end of a path. */
static void
extend_path(Path *path, int feature, double unknown, double known)
{
	int			last = path->length++;
	PathPart   *parts = path->parts;

	parts[last].feature = feature;
	parts[last].unknown = unknown;
	parts[last].known = known;
	parts[last].weight = last == 0 ? 1 : 0;
	for (int i = last - 1; i >= 0; i--)
	{
		parts[i + 1].weight += known * parts[i].weight * (i + 1) * share_of[last + 1];
		parts[i].weight = unknown * parts[i].weight * (last - i) * share_of[last + 1];
	}
}

/*
 * The weights that a path has without one of its features, as if that had never
 * been added: their sum, and if wanted each one, which may be written over the
 * path's own.
 */
static double
unwind_weights(const Path *path, int position, PathPart *unwound)
{
	const PathPart *parts = path->parts;
	int			last = path->length - 1;
	double		unknown = parts[position].unknown;
	double		next = parts[last].weight;
	double		sum = 0;

	for (int i = last - 1; i >= 0; i--)
	{
		double		before = parts[i].weight;
		double		weight;

		if (parts[position].known != 0)
		{
			weight = next * ((last + 1) * share_of[i + 1]);
			next = before - weight * unknown * ((last - i) * share_of[last + 1]);
		}
		else
			weight = before * ((last + 1) * share_of[last - i]) / unknown;
		if (unwound != NULL)
			unwound[i].weight = weight;
		sum += weight;
	}
	return sum;
}

/* Take a feature out of a path. */
static void
unwind_path(Path *path, int position)
{
	PathPart   *parts = path->parts;

	unwind_weights(path, position, parts);
	path->length--;
	for (int i = position; i < path->length; i++)
	{
		parts[i].feature = parts[i + 1].feature;
		parts[i].unknown = parts[i + 1].unknown;
		parts[i].known = parts[i + 1].known;
	}
}

/* Share out the value of a leaf among the features on the way to it. */
static void
explain_leaf(const Explanation *explanation, const Path *path, double value)
{
	for (int i = 1; i < path->length; i++)
	{
		const PathPart *part = &path->parts[i];

		explanation->contributions[part->feature] +=
			unwind_weights(path, i, NULL) * (part->known - part->unknown) * value;
	}
}

/* Where a feature stands in a path, 0 if nowhere. */
static int
find_in_path(const Path *path, int feature)
{
	for (int i = 1; i < path->length; i++)
		if (path->parts[i].feature == feature)
			return i;
	return 0;
}

/* Go down from a node with the path that leads to it, which includes its own split's part. */
static void
explain_node(const Explanation *explanation, int position, const Path *above, int feature, double unknown, double known)
{
	const ForestNode *node = &explanation->nodes[position];
	Path		path;
	double		unknown_before = 1;
	double		known_before = 1;
	int			chosen;
	int			earlier;

	path.length = above->length;
	memcpy(path.parts, above->parts, above->length * sizeof(PathPart));
	extend_path(&path, feature, unknown, known);
	if (node->feature < 0)
	{
		explain_leaf(explanation, &path, node->value);
		return;
	}
	chosen = forest_child(explanation->forest, node, explanation->values);
	earlier = find_in_path(&path, node->feature);
	if (earlier > 0)
	{
		unknown_before = path.parts[earlier].unknown;
		known_before = path.parts[earlier].known;
		unwind_path(&path, earlier);
	}
	for (int child = node->left; child <= node->right; child++)
		explain_node(explanation, child, &path, node->feature,
					 unknown_before * explanation->nodes[child].rows / node->rows, child == chosen ? known_before : 0);
}

/*
 * What each feature adds to the score of a row; with forest_mean_score() they
 * add up to the score.
 */
void
forest_contributions(const Forest *forest, int features, const double *values, double *contributions)
{
	Explanation explanation = {forest, NULL, values, contributions};
	Path		path;

	path.length = 0;
	memset(contributions, 0, features * sizeof(double));
	for (int tree = 0; tree < forest->tree_count; tree++)
	{
		CHECK_FOR_INTERRUPTS();
		explanation.nodes = forest->nodes + forest->roots[tree];
		explain_node(&explanation, 0, &path, -1, 1, 1);
	}
}

/* For each feature its share of all that splits lowered the loss; all 0 if there are no splits. */
void
forest_importance(const Forest *forest, int features, double *importance)
{
	double		total = 0;

	memset(importance, 0, features * sizeof(double));
	for (int node = 0; node < forest->roots[forest->tree_count]; node++)
		if (forest->nodes[node].feature >= 0)
		{
			importance[forest->nodes[node].feature] += forest->nodes[node].value;
			total += forest->nodes[node].value;
		}
	for (int feature = 0; total > 0 && feature < features; feature++)
		importance[feature] /= total;
}
