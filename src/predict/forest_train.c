/*-------------------------------------------------------------------------
 *
 * forest_train.c
 *	  Learn a forest: tree after tree, each from the gradients that those before
 *	  it left.
 *
 * The result depends on rows, options and seed only.  Besides the matrix and the
 * result, memory holds for each row 2 bytes for each feature and 41 bytes, and up
 * to 64 MB of histograms.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "common/pg_prng.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "predict/forest_learn.h"

#define HISTOGRAM_BYTES (64 * 1024 * 1024)	/* memory for those of the leaves of a tree, but two of them in any case */
#define LARGEST_OUTCOME 1e100	/* its square times the rows must be a number */
#define ROWS_AT_ONCE 65536		/* between looks for an interrupt */

/* What changes from tree to tree, beyond the tree itself. */
typedef struct Boosting
{
	ForestLearner learner;
	ForestOptions options;		/* learner->options; the number of leaves is what the depth allows */
	int64		rows;			/* of training and validation */
	double		unit;			/* 1 of the target is so much of the outcome */
	double	   *target;			/* outcome, in units that keep it within -1 and 1 */
	double	   *score;			/* of each row, in the same units */
	bool	   *is_drawn;		/* of each training row, if only some are drawn */
	pg_prng_state random;
	Forest	   *forest;
	int			room;			/* nodes that the forest has room for */
	double		best_loss;		/* on the validation rows */
	int			best_tree;		/* after this one */
	int			best_count;		/* trees in the forest then */
} Boosting;

/* Directions of features, or NULL if all of them are free. */
static const signed char *
directions_if_any(const ForestOptions *options, int features)
{
	for (int feature = 0; options->monotone != NULL && feature < features; feature++)
		if (options->monotone[feature] != 0)
			return options->monotone;
	return NULL;
}

/* Leaves that so many rows can tell apart; more than 31 seldom do better. */
static int
leaves_for_rows(int64 rows)
{
	return rows < 20000 ? 8 : rows < 100000 ? 16 : 31;
}

/* Refuse an outcome that cannot be learned. */
static void
check_outcome(const double *outcome, int64 rows, bool is_probability)
{
	for (int64 row = 0; row < rows; row++)
	{
		if (is_probability && outcome[row] != 0 && outcome[row] != 1)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("outcome %g is neither 0 nor 1", outcome[row])));
		if (!(fabs(outcome[row]) <= LARGEST_OUTCOME))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("outcome %g is outside %g..%g", outcome[row], -LARGEST_OUTCOME, LARGEST_OUTCOME),
					 errhint("Leave such rows out, or use a larger unit.")));
	}
}

/* Refuse numbers of rows that cannot be learned from. */
static void
check_rows(int64 training_rows, int64 validation_rows)
{
	if (training_rows < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there are no rows to learn from")));
	if (training_rows > FOREST_MOST_ROWS - validation_rows)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("more than %d rows to learn from", FOREST_MOST_ROWS),
				 errhint("Train on a random share of the rows.")));
}

/* Take the outcome as it is, or in units of the power of 2 that its largest value stays below. */
static void
set_target(Boosting *boosting, const double *outcome)
{
	double		largest = 0;
	int			exponent = 0;

	for (int64 row = 0; row < boosting->rows; row++)
		largest = Max(largest, fabs(outcome[row]));
	if (!boosting->options.is_probability)
		frexp(largest, &exponent);
	boosting->unit = ldexp(1, exponent);
	for (int64 row = 0; row < boosting->rows; row++)
		boosting->target[row] = exponent == 0 ? outcome[row] : ldexp(outcome[row], -exponent);
}

/* The score that fits the training rows best if it is the same for all; a probability is never taken for 0 or 1. */
static double
best_constant(const double *target, int64 rows, bool is_probability)
{
	double		mean = 0;

	for (int64 row = 0; row < rows; row++)
		mean += (target[row] - mean) / (row + 1);
	if (!is_probability)
		return mean;
	mean = Min(Max(mean, 0.5 / (rows + 1)), 1 - 0.5 / (rows + 1));
	return log(mean / (1 - mean));
}

/* The leaf that a row reaches in the tree at hand; if it is counted, the nodes on its way take note of it. */
static int
walk(const ForestLearner *learner, int64 row, bool is_counted)
{
	const ForestBins *bins = learner->bins;
	int			position = 0;

	for (;;)
	{
		ForestNode *node = &learner->nodes[position];

		if (is_counted)
			node->rows++;
		if (node->feature < 0)
			return position;
		position = forest_goes_left(bins->columns[node->feature][row], learner->node_bins[position],
									bins->counts[node->feature], node->missing_left) ? node->left : node->right;
	}
}

/* Add the tree at hand to the scores of the rows it was grown on, and count them in its leaves. */
static void
score_drawn_rows(Boosting *boosting)
{
	const ForestLearner *learner = &boosting->learner;

	for (int i = 0; i < learner->leaf_count; i++)
	{
		const ForestLeaf *leaf = &learner->leaves[i];
		double		value = learner->nodes[leaf->node].value;

		CHECK_FOR_INTERRUPTS();
		learner->nodes[leaf->node].rows = leaf->rows;
		for (int64 j = leaf->first; j < leaf->first + leaf->rows; j++)
			boosting->score[learner->order[j]] += value;
	}
	for (int i = learner->node_count - 1; i >= 0; i--)
		if (learner->nodes[i].feature >= 0)
			learner->nodes[i].rows = learner->nodes[learner->nodes[i].left].rows +
				learner->nodes[learner->nodes[i].right].rows;
}

/* Add the tree at hand to the scores of the other rows: those not drawn, and the validation rows. */
static void
score_other_rows(Boosting *boosting)
{
	const ForestLearner *learner = &boosting->learner;
	int64		first = learner->drawn_rows == learner->training_rows ? learner->training_rows : 0;

	for (int64 row = first; row < boosting->rows; row++)
	{
		bool		is_training = row < learner->training_rows;

		if (row % ROWS_AT_ONCE == 0)
			CHECK_FOR_INTERRUPTS();
		if (!is_training || !boosting->is_drawn[row])
			boosting->score[row] += learner->nodes[walk(learner, row, is_training)].value;
	}
}

/* Whether the next of so many things is among those drawn: each set of the wanted size has the same chance. */
static inline bool
is_drawn_next(Boosting *boosting, int64 wanted, int64 left)
{
	return wanted == left || (pg_prng_uint32(&boosting->random) * (uint64) left) >> 32 < (uint64) wanted;
}

/* Draw a share of the training rows for the next tree. */
static void
draw_rows(Boosting *boosting)
{
	ForestLearner *learner = &boosting->learner;
	int64		wanted = Max(1, (int64) rint(learner->training_rows * boosting->options.row_share));

	learner->drawn_rows = 0;
	for (int64 row = 0; row < learner->training_rows; row++)
	{
		bool		is_drawn = is_drawn_next(boosting, wanted - learner->drawn_rows, learner->training_rows - row);

		if (boosting->is_drawn != NULL)
			boosting->is_drawn[row] = is_drawn;
		if (is_drawn)
			learner->order[learner->drawn_rows++] = (uint32) row;
	}
}

/* Draw a share of the features in the same way. */
static void
draw_features(Boosting *boosting)
{
	ForestLearner *learner = &boosting->learner;
	int			features = learner->bins->features;
	int			wanted = Max(1, (int) rint(features * boosting->options.feature_share));

	learner->drawn_feature_count = 0;
	for (int feature = 0; feature < features; feature++)
		if (is_drawn_next(boosting, wanted - learner->drawn_feature_count, features - feature))
			learner->drawn_features[learner->drawn_feature_count++] = feature;
}

/* Gradients of the training rows at their scores. */
static void
set_gradients(Boosting *boosting)
{
	ForestLearner *learner = &boosting->learner;

	if (boosting->options.is_probability)
		gradients_of_probability(&learner->scale, boosting->score, boosting->target, learner->training_rows,
								 learner->gradients);
	else
		gradients_of_number(&learner->scale, boosting->score, boosting->target, learner->training_rows,
							learner->gradients);
}

/* Mean loss of the validation rows: logistic, or the squared error; NaN if there are none. */
static double
validation_loss(const Boosting *boosting)
{
	double		sum = 0;

	for (int64 row = boosting->learner.training_rows; row < boosting->rows; row++)
	{
		double		score = boosting->score[row];
		double		error = (score - boosting->target[row]) * boosting->unit;

		if (boosting->options.is_probability)
			sum += Max(score, 0) - score * boosting->target[row] + log1p(exp(-fabs(score)));
		else
			sum += error * error;
	}
	return sum / (boosting->rows - boosting->learner.training_rows);
}

/* Make room in the forest for the tree at hand. */
static void
reserve_nodes(Boosting *boosting, int count)
{
	Forest	   *forest = boosting->forest;

	if (boosting->room - forest->roots[forest->tree_count] >= count)
		return;
	boosting->room = Max(boosting->room * 2, forest->roots[forest->tree_count] + count);
	forest->nodes = repalloc_huge(forest->nodes, mul_size(boosting->room, sizeof(ForestNode)));
}

/* Put the tree at hand into the forest, in units of the outcome. */
static void
store_tree(Boosting *boosting)
{
	const ForestLearner *learner = &boosting->learner;
	Forest	   *forest = boosting->forest;
	ForestNode *nodes;

	reserve_nodes(boosting, learner->node_count);
	nodes = forest->nodes + forest->roots[forest->tree_count];
	memcpy(nodes, learner->nodes, learner->node_count * sizeof(ForestNode));
	for (int i = 0; i < learner->node_count; i++)
		nodes[i].value *= nodes[i].feature < 0 ? boosting->unit : boosting->unit * boosting->unit;
	forest->tree_count++;
	forest->roots[forest->tree_count] = forest->roots[forest->tree_count - 1] + learner->node_count;
}

/* Learn one more tree; false if the rows hold nothing more to learn. */
static bool
add_tree(Boosting *boosting)
{
	ForestLearner *learner = &boosting->learner;

	draw_rows(boosting);
	draw_features(boosting);
	set_gradients(boosting);
	tree_grow(learner);
	if (learner->leaf_count == 1)
		return boosting->options.row_share < 1 || boosting->options.feature_share < 1;
	for (int i = 0; i < learner->leaf_count; i++)
		learner->nodes[learner->leaves[i].node].value *= boosting->options.learning_rate;
	score_drawn_rows(boosting);
	score_other_rows(boosting);
	store_tree(boosting);
	return true;
}

/* Take note of the loss after a tree; false if there has been no improvement for long. */
static bool
is_worth_going_on(Boosting *boosting, int tree, double loss)
{
	if (isnan(loss))
		return true;
	if (loss < boosting->best_loss)
	{
		boosting->best_loss = loss;
		boosting->best_tree = tree;
		boosting->best_count = boosting->forest->tree_count;
	}
	return boosting->options.patience == 0 || tree - boosting->best_tree < boosting->options.patience;
}

/* Learn tree after tree, and go back to the number of them that was best on the validation rows. */
static void
boost(Boosting *boosting, ForestProgress progress, void *argument)
{
	boosting->best_loss = validation_loss(boosting);
	for (int tree = 1; tree <= boosting->options.trees; tree++)
	{
		double		loss;

		if (!add_tree(boosting))
			break;
		loss = validation_loss(boosting);
		if (progress != NULL)
			progress(tree, boosting->options.trees, loss, argument);
		if (!is_worth_going_on(boosting, tree, loss))
			break;
	}
	if (!isnan(boosting->best_loss))
		boosting->forest->tree_count = boosting->best_count;
}

/* Room for a number of things in the learner's own context. */
static void *
learner_room(const ForestLearner *learner, int64 count, Size size)
{
	return MemoryContextAllocHuge(learner->context, mul_size(Max(count, 1), size));
}

/* Set up what learning needs. */
static void
prepare_learner(Boosting *boosting, int64 training_rows)
{
	ForestLearner *learner = &boosting->learner;
	int			leaves = learner->options->leaves;

	learner->training_rows = training_rows;
	learner->scale = gradient_scale_for(learner->options->is_probability, training_rows);
	learner->gradients = learner_room(learner, training_rows, sizeof(GradientSum));
	learner->order = learner_room(learner, training_rows, sizeof(uint32));
	learner->spare = learner_room(learner, training_rows, sizeof(uint32));
	learner->drawn_features = learner_room(learner, learner->bins->features, sizeof(int));
	learner->slots = Max(2, Min(leaves, (int) (HISTOGRAM_BYTES / (learner->bins->cells * sizeof(GradientSum)))));
	learner->histograms = learner_room(learner, (int64) learner->slots * learner->bins->cells, sizeof(GradientSum));
	learner->slot_leaf = learner_room(learner, learner->slots, sizeof(int));
	learner->leaves = learner_room(learner, leaves, sizeof(ForestLeaf));
	learner->nodes = learner_room(learner, 2 * leaves - 1, sizeof(ForestNode));
	learner->node_bins = learner_room(learner, 2 * leaves - 1, sizeof(uint8));
}

/* Set up the rows: their target and score, and bins. */
static void
prepare_rows(Boosting *boosting, const FeatureMatrix *matrix, const double *outcome, int64 training_rows)
{
	ForestLearner *learner = &boosting->learner;

	boosting->target = learner_room(learner, boosting->rows, sizeof(double));
	boosting->score = learner_room(learner, boosting->rows, sizeof(double));
	boosting->is_drawn = boosting->options.row_share < 1 ? learner_room(learner, training_rows, sizeof(bool)) : NULL;
	set_target(boosting, outcome);
	learner->bins = forest_bins_new(matrix, boosting->target, training_rows, boosting->rows,
									boosting->options.is_category, boosting->options.seed, learner->context);
	boosting->forest->base = best_constant(boosting->target, training_rows, boosting->options.is_probability);
	for (int64 row = 0; row < boosting->rows; row++)
		boosting->score[row] = boosting->forest->base;
	boosting->forest->base *= boosting->unit;
}

/* A forest without trees. */
static Forest *
forest_new(int features, int trees)
{
	Forest	   *forest = palloc0(sizeof(Forest));

	forest->features = features;
	forest->roots = palloc0((trees + 1) * sizeof(int));
	forest->nodes = palloc(sizeof(ForestNode));
	return forest;
}

/* Copy the order of levels out of the learner's memory. */
static ForestLevels *
copy_levels(const ForestLevels *levels, int features)
{
	ForestLevels *copies = palloc0(features * sizeof(ForestLevels));

	for (int feature = 0; feature < features; feature++)
		if (levels[feature].count > 0)
		{
			Size		size = (levels[feature].count + 1) * sizeof(int32);

			copies[feature].count = levels[feature].count;
			copies[feature].ranks = palloc(size);
			memcpy(copies[feature].ranks, levels[feature].ranks, size);
		}
	return copies;
}

/*
 * Learn a forest from the first rows of a matrix; the validation rows, which
 * stand behind them, only say when to stop.
 */
Forest *
forest_train(const FeatureMatrix *matrix, const double *outcome, int64 training_rows, int64 validation_rows,
			 const ForestOptions *options, ForestProgress progress, void *argument)
{
	Boosting	boosting = {.options = *options,.rows = training_rows + validation_rows};
	ForestLearner *learner = &boosting.learner;

	Assert(boosting.rows <= matrix->rows);
	forest_check_options(options, matrix->features);
	check_rows(training_rows, validation_rows);
	check_outcome(outcome, boosting.rows, options->is_probability);
	boosting.options.leaves = Min(options->leaves == 0 ? leaves_for_rows(training_rows) : options->leaves,
								  1 << options->depth);
	boosting.options.monotone = directions_if_any(options, matrix->features);
	pg_prng_seed(&boosting.random, options->seed);
	learner->options = &boosting.options;
	learner->context = AllocSetContextCreate(CurrentMemoryContext, "cx learning a forest", ALLOCSET_DEFAULT_SIZES);
	boosting.forest = forest_new(matrix->features, options->trees);
	prepare_rows(&boosting, matrix, outcome, training_rows);
	prepare_learner(&boosting, training_rows);
	boost(&boosting, progress, argument);
	if (learner->bins->levels != NULL)
		boosting.forest->levels = copy_levels(learner->bins->levels, matrix->features);
	MemoryContextDelete(learner->context);
	return boosting.forest;
}
