/*-------------------------------------------------------------------------
 *
 * forest_tree.c
 *	  Grow one tree of a forest.
 *
 * The leaf whose split lowers the loss most is parted next, until there are as
 * many leaves as wanted.  Of two new leaves the smaller one's histogram is built
 * from its rows; what is left of the parent's is the other one's.  If memory for
 * histograms runs out, those of the least promising leaves are given up.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"

#include "predict/forest_learn.h"

#define ROWS_AT_ONCE 65536		/* between looks for an interrupt */
#define NO_SLOT (-1)

/* Let a leaf's histogram go. */
static void
free_slot(ForestLearner *learner, ForestLeaf *leaf)
{
	if (leaf->slot != NO_SLOT)
		learner->slot_leaf[leaf->slot] = -1;
	leaf->slot = NO_SLOT;
}

/* Let a leaf have the histogram in a slot. */
static void
use_slot(ForestLearner *learner, ForestLeaf *leaf, int slot)
{
	leaf->slot = slot;
	learner->slot_leaf[slot] = leaf - learner->leaves;
}

/* A slot for a new histogram: a free one, else that of the leaf which gains least, but for one that is still needed. */
static int
find_slot(ForestLearner *learner, int needed)
{
	int			least = NO_SLOT;

	for (int slot = 0; slot < learner->slots; slot++)
	{
		if (learner->slot_leaf[slot] == -1)
			return slot;
		if (slot != needed &&
			(least == NO_SLOT || learner->leaves[learner->slot_leaf[slot]].split.gain <
			 learner->leaves[learner->slot_leaf[least]].split.gain))
			least = slot;
	}
	free_slot(learner, &learner->leaves[learner->slot_leaf[least]]);
	return least;
}

/* The histogram in a slot. */
static GradientSum *
slot_histogram(const ForestLearner *learner, int slot)
{
	return learner->histograms + (Size) slot * learner->bins->cells;
}

/* Build a leaf's histogram from its rows. */
static void
build_leaf(ForestLearner *learner, ForestLeaf *leaf, int needed)
{
	use_slot(learner, leaf, find_slot(learner, needed));
	histogram_build(learner, leaf, slot_histogram(learner, leaf->slot));
}

/* Whether a leaf may be parted at all. */
static bool
can_split(const ForestLearner *learner, const ForestLeaf *leaf)
{
	return leaf->depth < learner->options->depth && leaf->rows >= 2 * (int64) learner->options->leaf_rows;
}

/* Find how a leaf would be parted; its histogram is kept only if it can be. */
static void
find_split(ForestLearner *learner, ForestLeaf *leaf)
{
	if (can_split(learner, leaf))
		leaf->split = leaf_best_split(learner, leaf, slot_histogram(learner, leaf->slot));
	if (leaf->split.gain <= 0)
		free_slot(learner, leaf);
}

/* Add a node, which is a leaf as yet. */
static int
add_node(ForestLearner *learner)
{
	ForestNode *node = &learner->nodes[learner->node_count];

	memset(node, 0, sizeof(ForestNode));
	node->feature = -1;
	return learner->node_count++;
}

/* Begin with one leaf of all rows drawn. */
static void
plant_root(ForestLearner *learner)
{
	ForestLeaf *root = &learner->leaves[0];

	memset(root, 0, sizeof(ForestLeaf));
	memset(learner->slot_leaf, -1, learner->slots * sizeof(int));
	learner->leaf_count = 1;
	learner->node_count = 0;
	root->node = add_node(learner);
	root->rows = learner->drawn_rows;
	root->lower = -INFINITY;
	root->upper = INFINITY;
	root->slot = NO_SLOT;
	for (int64 i = 0; i < learner->drawn_rows; i++)
	{
		root->sum.gradient += learner->gradients[learner->order[i]].gradient;
		root->sum.weight += learner->gradients[learner->order[i]].weight;
	}
	root->value = leaf_value(learner, root);
	if (can_split(learner, root))
	{
		build_leaf(learner, root, NO_SLOT);
		find_split(learner, root);
	}
}

/* Bring the rows of a leaf that go left to its front and the others behind them, both in their order; how many go left. */
static int64
part_rows(ForestLearner *learner, const ForestLeaf *leaf)
{
	const ForestSplit *split = &leaf->split;
	int			missing = learner->bins->counts[split->feature];
	const uint8 *codes = learner->bins->columns[split->feature];
	uint32	   *order = learner->order + leaf->first;
	int64		left = 0;
	int64		right = 0;

	for (int64 start = 0; start < leaf->rows; start += ROWS_AT_ONCE)
	{
		int64		end = Min(start + ROWS_AT_ONCE, leaf->rows);

		CHECK_FOR_INTERRUPTS();
		for (int64 i = start; i < end; i++)
		{
			uint32		row = order[i];
			bool		goes_left = forest_goes_left(codes[row], split->bin, missing, split->missing_left);

			order[left] = row;
			learner->spare[right] = row;
			left += goes_left;
			right += !goes_left;
		}
	}
	memcpy(order + left, learner->spare, right * sizeof(uint32));
	return left;
}

/* Make the node of a leaf ask for its split, with two new nodes below. */
static void
write_split(ForestLearner *learner, const ForestLeaf *leaf)
{
	const ForestSplit *split = &leaf->split;
	ForestNode *node = &learner->nodes[leaf->node];

	node->feature = split->feature;
	node->missing_left = split->missing_left;
	node->threshold = learner->bins->bounds[split->feature][split->bin];
	node->value = split->gain / 2;
	node->left = add_node(learner);
	node->right = add_node(learner);
	learner->node_bins[leaf->node] = split->bin;
}

/* Let the values of two leaves, and of all that grows from them, keep the order that a monotone feature wants. */
static void
bound_values(int direction, ForestLeaf *left, ForestLeaf *right)
{
	double		middle = left->value / 2 + right->value / 2;

	if (direction > 0)
	{
		left->upper = Min(left->upper, middle);
		right->lower = Max(right->lower, middle);
	}
	else if (direction < 0)
	{
		left->lower = Max(left->lower, middle);
		right->upper = Min(right->upper, middle);
	}
}

/* Part a leaf into itself and a new one; the histogram stays with the old one. */
static ForestLeaf *
part_leaf(ForestLearner *learner, ForestLeaf *left)
{
	const ForestOptions *options = learner->options;
	ForestLeaf *right = &learner->leaves[learner->leaf_count++];
	ForestSplit split = left->split;

	write_split(learner, left);
	*right = *left;
	right->slot = NO_SLOT;
	right->node = learner->nodes[left->node].right;
	left->node = learner->nodes[left->node].left;
	left->rows = part_rows(learner, right);
	right->rows -= left->rows;
	right->first += left->rows;
	right->sum.gradient -= split.left.gradient;
	right->sum.weight -= split.left.weight;
	left->sum = split.left;
	left->value = split.left_value;
	right->value = split.right_value;
	left->depth = ++right->depth;
	left->split.gain = right->split.gain = 0;
	if (options->monotone != NULL)
		bound_values(options->monotone[split.feature], left, right);
	return right;
}

/* Give two new leaves their histograms, as far as they can be parted; the first one has that of their parent, if it was kept. */
static void
build_pair(ForestLearner *learner, ForestLeaf *left, ForestLeaf *right)
{
	ForestLeaf *smaller = left->rows < right->rows ? left : right;
	ForestLeaf *larger = smaller == left ? right : left;
	int			parent = left->slot;

	if (!can_split(learner, larger))
		free_slot(learner, left);
	else if (parent == NO_SLOT)
	{
		build_leaf(learner, larger, NO_SLOT);
		if (can_split(learner, smaller))
			build_leaf(learner, smaller, larger->slot);
	}
	else
	{
		left->slot = NO_SLOT;
		use_slot(learner, larger, parent);
		build_leaf(learner, smaller, parent);
		histogram_subtract(slot_histogram(learner, parent), slot_histogram(learner, smaller->slot),
						   learner->bins->cells);
	}
}

/* The leaf whose split gains most, the first of equals; NULL if none can be parted. */
static ForestLeaf *
most_promising(ForestLearner *learner)
{
	ForestLeaf *best = NULL;

	for (int i = 0; i < learner->leaf_count; i++)
		if (learner->leaves[i].split.gain > (best == NULL ? 0 : best->split.gain))
			best = &learner->leaves[i];
	return best;
}

/* Grow a tree on the rows and features drawn; values of leaves are not yet multiplied by the learning rate. */
void
tree_grow(ForestLearner *learner)
{
	ForestLeaf *leaf;

	plant_root(learner);
	while (learner->leaf_count < learner->options->leaves && (leaf = most_promising(learner)) != NULL)
	{
		ForestLeaf *other = part_leaf(learner, leaf);

		if (learner->leaf_count == learner->options->leaves)
			break;
		build_pair(learner, leaf, other);
		find_split(learner, leaf);
		find_split(learner, other);
	}
	for (int i = 0; i < learner->leaf_count; i++)
		learner->nodes[learner->leaves[i].node].value = learner->leaves[i].value;
}
