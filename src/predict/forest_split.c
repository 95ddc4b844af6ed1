/*-------------------------------------------------------------------------
 *
 * forest_split.c
 *	  The best way of parting the rows of a leaf.
 *
 * The loss is taken as a parabola of the leaf's value w, g w + (h + penalty) w^2 / 2
 * with g and h summed over its rows, so its best value is -g / (h + penalty).
 * Missing values are tried on both sides.  A monotone feature must not part
 * rows into values of the wrong order; its bounds hold for all that grows below.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "predict/forest_learn.h"

#define LEAST_HESSIAN 1e-6		/* of a leaf: below it nothing can be learned */
#define LEAST_GAIN 1e-10		/* in parts of what is compared, for rounding gains nothing */

/* One leaf and one feature of it being looked at. */
typedef struct Search
{
	const ForestLearner *learner;
	const ForestLeaf *leaf;
	double		leaf_gain;		/* of the leaf as it is */
	bool		is_bounded;		/* whether values of leaves are subject to bounds */
	int			direction;		/* of a monotone feature */
	ForestSplit *best;
} Search;

/* The best value of rows between bounds. */
static inline double
bounded_value(const ForestLearner *learner, const ForestLeaf *leaf, GradientSum sum)
{
	double		hessian = gradient_hessian(&learner->scale, sum) + learner->options->penalty;
	double		value = -(sum.gradient * learner->scale.gradient_unit) / Max(hessian, LEAST_HESSIAN);

	return Min(Max(value, leaf->lower), leaf->upper);
}

/* The best value of a leaf. */
double
leaf_value(const ForestLearner *learner, const ForestLeaf *leaf)
{
	return bounded_value(learner, leaf, leaf->sum);
}

/* Twice what rows lower the loss with a value. */
static inline double
gain_of_value(const ForestLearner *learner, GradientSum sum, double value)
{
	double		gradient = sum.gradient * learner->scale.gradient_unit;
	double		hessian = gradient_hessian(&learner->scale, sum) + learner->options->penalty;

	return -(2 * gradient + hessian * value) * value;
}

/* Twice what rows lower the loss with their best value. */
static inline double
free_gain(const ForestLearner *learner, GradientSum sum)
{
	double		gradient = sum.gradient * learner->scale.gradient_unit;
	double		hessian = gradient_hessian(&learner->scale, sum) + learner->options->penalty;

	return gradient * gradient / Max(hessian, LEAST_HESSIAN);
}

/* Twice what two parts lower the loss; infinitely little if a monotone feature forbids them. */
static inline double
gain_of_parts(const Search *search, GradientSum left, GradientSum right)
{
	double		left_value;
	double		right_value;

	if (!search->is_bounded)
		return free_gain(search->learner, left) + free_gain(search->learner, right);
	left_value = bounded_value(search->learner, search->leaf, left);
	right_value = bounded_value(search->learner, search->leaf, right);
	if ((right_value - left_value) * search->direction < 0)
		return -INFINITY;
	return gain_of_value(search->learner, left, left_value) + gain_of_value(search->learner, right, right_value);
}

/* Remember a split if it is the best so far. */
static inline void
consider(const Search *search, int feature, int bin, bool missing_left, GradientSum left, GradientSum right)
{
	double		gain = gain_of_parts(search, left, right);

	if (gain - search->leaf_gain > search->best->gain && gain - search->leaf_gain > LEAST_GAIN * fabs(gain))
	{
		search->best->gain = gain - search->leaf_gain;
		search->best->feature = feature;
		search->best->bin = bin;
		search->best->missing_left = missing_left;
		search->best->left = left;
	}
}

/* Try all thresholds of a feature, with missing values on one side. */
static void
try_thresholds(const Search *search, int feature, const GradientSum *cells, bool has_missing, bool missing_left)
{
	const GradientScale *scale = &search->learner->scale;
	int			leaf_rows = search->learner->options->leaf_rows;
	int			count = search->learner->bins->counts[feature];
	int			thresholds = has_missing && !missing_left ? count : count - 1;
	GradientSum left = {0, 0};

	if (missing_left)
		left = cells[count];
	for (int bin = 0; bin < thresholds; bin++)
	{
		GradientSum right;

		if (cells[bin].weight == 0)
			continue;
		left.gradient += cells[bin].gradient;
		left.weight += cells[bin].weight;
		right.gradient = search->leaf->sum.gradient - left.gradient;
		right.weight = search->leaf->sum.weight - left.weight;
		if (gradient_rows(scale, right) < leaf_rows)
			return;
		if (gradient_rows(scale, left) >= leaf_rows)
			consider(search, feature, bin, missing_left, left, right);
	}
}

/* Rows that lack a feature which no row of the leaf lacks go where most rows go. */
static void
choose_side_of_missing(const Search *search, const GradientSum *histogram)
{
	const ForestBins *bins = search->learner->bins;
	const GradientScale *scale = &search->learner->scale;
	ForestSplit *best = search->best;

	if (histogram[bins->first_cells[best->feature] + bins->counts[best->feature]].weight == 0)
		best->missing_left = gradient_rows(scale, best->left) * 2 >= search->leaf->rows;
}

/* Set the values that the parts of the best split have. */
static void
set_values(const Search *search)
{
	ForestSplit *best = search->best;
	GradientSum right;

	right.gradient = search->leaf->sum.gradient - best->left.gradient;
	right.weight = search->leaf->sum.weight - best->left.weight;
	best->left_value = bounded_value(search->learner, search->leaf, best->left);
	best->right_value = bounded_value(search->learner, search->leaf, right);
}

/* The best split of a leaf by the features that were drawn. */
ForestSplit
leaf_best_split(const ForestLearner *learner, const ForestLeaf *leaf, const GradientSum *histogram)
{
	ForestSplit best = {0};
	Search		search;

	search.learner = learner;
	search.leaf = leaf;
	search.leaf_gain = gain_of_value(learner, leaf->sum, leaf->value);
	search.is_bounded = learner->options->monotone != NULL;
	search.best = &best;
	for (int i = 0; i < learner->drawn_feature_count; i++)
	{
		int			feature = learner->drawn_features[i];
		const GradientSum *cells = histogram + learner->bins->first_cells[feature];
		bool		has_missing = cells[learner->bins->counts[feature]].weight != 0;

		search.direction = search.is_bounded ? learner->options->monotone[feature] : 0;
		try_thresholds(&search, feature, cells, has_missing, false);
		if (has_missing)
			try_thresholds(&search, feature, cells, has_missing, true);
	}
	if (best.gain > 0)
	{
		choose_side_of_missing(&search, histogram);
		set_values(&search);
	}
	return best;
}
