/*-------------------------------------------------------------------------
 *
 * model_pack.c
 *	  Packs a model into bytes, and reads it back.
 *
 * All numbers are in network order and all names in UTF-8, so the same bytes
 * mean the same model on every server.  Reading checks every rule again, for
 * anybody can make up bytes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>
#include <math.h>

#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/float.h"
#include "utils/memutils.h"

#include "compat.h"
#include "predict/model_pack.h"

/* Letters of the packed form. */
#define PACKED_PROBABILITY 'p'
#define PACKED_NUMBER 'n'
#define PACKED_OUTCOMES "pn"
#define PACKED_LINEAR 'l'
#define PACKED_FOREST 'f'
#define PACKED_ALGORITHMS "lf"
#define PACKED_TRUE 't'
#define PACKED_FALSE 'f'
#define PACKED_TRUTH "tf"
#define PACKED_KINDS "nbctl"

/* Fewest bytes of what there can be many of, against counts that promise more than there is. */
#define PACKED_LEVEL 4
#define PACKED_FEATURE 13
#define PACKED_RANK 4
#define PACKED_TERM 24
#define PACKED_NODE 18
#define PACKED_TREE (4 + PACKED_NODE)

/* The content that is not unpacked yet. */
typedef struct Unpacker
{
	const uint8 *next;
	const uint8 *end;
} Unpacker;

/* Append a double; every NaN is the same. */
static void
pack_float8(StringInfo content, double number)
{
	pq_sendfloat8(content, isnan(number) ? get_float8_nan() : number);
}

/* Append a string in UTF-8. */
static void
pack_string(StringInfo content, const char *string)
{
	char	   *utf8 = pg_server_to_any(string, strlen(string), PG_UTF8);

	pq_sendint32(content, strlen(utf8));
	appendBinaryStringInfo(content, utf8, strlen(utf8));
}

/* Append a feature. */
static void
pack_feature(StringInfo content, const Feature *feature)
{
	int			levels = feature->kind == FEATURE_CATEGORY ? feature->level_count : 0;

	pack_string(content, feature->column);
	pq_sendint32(content, feature->element);
	pq_sendbyte(content, feature->kind);
	pq_sendint32(content, levels);
	for (int i = 0; i < levels; i++)
		pack_string(content, feature->levels[i]);
}

/* Append what a linear model knows of each feature, then its terms. */
static void
pack_linear(StringInfo content, const LinearModel *linear, const Feature *features, int count)
{
	pack_float8(content, linear->intercept);
	pack_float8(content, linear->intercept_error);
	pack_float8(content, linear->freedom);
	for (int i = 0; i < count; i++)
	{
		pack_float8(content, features[i].kind == FEATURE_CATEGORY ? 0 : linear->fill[i]);
		pack_float8(content, linear->average[i]);
		pack_float8(content, linear->spread == NULL ? NAN : linear->spread[i]);
	}
	pq_sendint32(content, linear->term_count);
	for (int i = 0; i < linear->term_count; i++)
	{
		pq_sendint32(content, linear->terms[i].feature);
		pq_sendint32(content, linear->terms[i].level);
		pack_float8(content, linear->terms[i].coefficient);
		pack_float8(content, linear->terms[i].std_error);
	}
}

/* Append a node of a tree; only what a leaf or a split has, and one child, for the other one stands behind it. */
static void
pack_node(StringInfo content, const ForestNode *node)
{
	pq_sendint16(content, (uint16) node->feature);
	if (node->feature >= 0)
	{
		pq_sendint32(content, node->left);
		pq_sendbyte(content, node->missing_left ? PACKED_TRUE : PACKED_FALSE);
		pack_float8(content, node->threshold);
	}
	pack_float8(content, node->value);
	pack_float8(content, node->rows);
}

/* Append the order of a category's levels, nothing but a zero for other features. */
static void
pack_ranks(StringInfo content, const ForestLevels *levels)
{
	int			count = levels == NULL ? 0 : levels->count;

	pq_sendint32(content, count);
	for (int i = 0; count > 0 && i <= count; i++)
		pq_sendint32(content, levels->ranks[i]);
}

/* Append the trees of a forest over so many features. */
static void
pack_forest(StringInfo content, const Forest *forest, int features)
{
	pack_float8(content, forest->base);
	for (int i = 0; i < features; i++)
		pack_ranks(content, forest->levels == NULL ? NULL : &forest->levels[i]);
	pq_sendint32(content, forest->tree_count);
	for (int tree = 0; tree < forest->tree_count; tree++)
	{
		CHECK_FOR_INTERRUPTS();
		pq_sendint32(content, forest->roots[tree + 1] - forest->roots[tree]);
		for (int i = forest->roots[tree]; i < forest->roots[tree + 1]; i++)
			pack_node(content, &forest->nodes[i]);
	}
}

/* Append a whole model. */
void
pack_model(StringInfo content, const Model *model)
{
	pq_sendbyte(content, model->is_probability ? PACKED_PROBABILITY : PACKED_NUMBER);
	pq_sendbyte(content, model->linear != NULL ? PACKED_LINEAR : PACKED_FOREST);
	pack_float8(content, model->calibration_offset);
	pack_float8(content, model->calibration_slope);
	pq_sendint32(content, model->feature_count);
	for (int i = 0; i < model->feature_count; i++)
		pack_feature(content, &model->features[i]);
	if (model->linear != NULL)
		pack_linear(content, model->linear, model->features, model->feature_count);
	else
		pack_forest(content, model->forest, model->feature_count);
}

/* Refuse content that breaks a rule. */
pg_noreturn static void
unpack_reject(const char *reason)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("predictor is malformed: %s", reason),
			 errhint("Take it from where it was trained once more, or train it anew.")));
}

/* The next bytes. */
static const uint8 *
unpack_bytes(Unpacker *content, Size length)
{
	const uint8 *bytes = content->next;

	if ((Size) (content->end - content->next) < length)
		unpack_reject("it ends too early");
	content->next += length;
	return bytes;
}

/* The next number of so many bytes, without a sign. */
static uint64
unpack_unsigned(Unpacker *content, int length)
{
	const uint8 *bytes = unpack_bytes(content, length);
	uint64		number = 0;

	for (int i = 0; i < length; i++)
		number = number << 8 | bytes[i];
	return number;
}

/* The next integer. */
static int32
unpack_int32(Unpacker *content)
{
	return (int32) (uint32) unpack_unsigned(content, sizeof(int32));
}

/* The next double, whatever it is. */
static double
unpack_float8(Unpacker *content)
{
	union
	{
		uint64		bits;
		double		number;
	}			swap = {.bits = unpack_unsigned(content, sizeof(uint64))};

	return swap.number;
}

/* The next double, which must be finite. */
static double
unpack_finite(Unpacker *content)
{
	double		number = unpack_float8(content);

	if (!isfinite(number))
		unpack_reject("a number in it is not finite");
	return number;
}

/* The next double, which must be finite and not negative. */
static double
unpack_positive(Unpacker *content)
{
	double		number = unpack_finite(content);

	if (number < 0)
		unpack_reject("a number in it is negative");
	return number;
}

/* The next double, which must be finite and not negative unless it is not known. */
static double
unpack_error(Unpacker *content)
{
	double		number = unpack_float8(content);

	if (!isnan(number) && (!isfinite(number) || number < 0))
		unpack_reject("an error in it is negative or not finite");
	return number;
}

/* The next integer, which must be in low..high. */
static int32
unpack_between(Unpacker *content, int low, int high)
{
	int32		number = unpack_int32(content);

	if (number < low || number > high)
		unpack_reject("a number in it is out of range");
	return number;
}

/* The next number of things, which take at least so many bytes each. */
static int
unpack_count(Unpacker *content, int most, int bytes)
{
	int32		count = unpack_between(content, 0, most);

	if (count > (content->end - content->next) / bytes)
		unpack_reject("it ends too early");
	return count;
}

/* The next letter, one of the given ones. */
static char
unpack_letter(Unpacker *content, const char *letters)
{
	char		letter = (char) *unpack_bytes(content, 1);

	if (letter == '\0' || strchr(letters, letter) == NULL)
		unpack_reject("a letter in it is not known");
	return letter;
}

/* The next string, in the encoding of the database. */
static char *
unpack_string(Unpacker *content)
{
	int			length = unpack_count(content, INT_MAX, 1);
	char	   *utf8 = pnstrdup((const char *) unpack_bytes(content, length), length);

	if (strlen(utf8) != (Size) length)
		unpack_reject("a name in it contains a zero byte");
	return pg_any_to_server(utf8, length, PG_UTF8);
}

/* So many things of the given size, all zero. */
static void *
palloc0_huge(Size count, Size size)
{
	return palloc_extended(mul_size(count, size), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

/* Make sure that all names are different. */
static void
check_distinct(char *const *names, int count)
{
	LevelTable *table = level_table_new(names, count);

	for (int i = 0; i < count; i++)
		if (level_table_find(table, names[i], strlen(names[i])) != i)
			unpack_reject("a name in it occurs twice");
}

/* The levels of a category. */
static char **
unpack_levels(Unpacker *content, int count)
{
	char	  **levels = (char **) palloc(mul_size(count, sizeof(char *)));

	for (int i = 0; i < count; i++)
		levels[i] = unpack_string(content);
	check_distinct(levels, count);
	return levels;
}

/* Read a feature. */
static void
unpack_feature(Unpacker *content, Feature *feature)
{
	feature->column = unpack_string(content);
	feature->element = unpack_between(content, 0, MaxArraySize);
	feature->kind = (FeatureKind) unpack_letter(content, PACKED_KINDS);
	feature->level_count = unpack_count(content, MOST_LEVELS, PACKED_LEVEL);
	feature->levels = unpack_levels(content, feature->level_count);
	if (feature->column[0] == '\0')
		unpack_reject("a feature has no column");
	if (feature->element > 0 && feature->kind != FEATURE_NUMBER)
		unpack_reject("an element of an array is no number");
	if (feature->level_count > 0 && feature->kind != FEATURE_CATEGORY)
		unpack_reject("a feature that is no category has levels");
}

/* Read the features, all different. */
static void
unpack_features(Unpacker *content, Model *model)
{
	char	  **names;

	model->feature_count = unpack_count(content, MOST_FEATURES, PACKED_FEATURE);
	model->features = (Feature *) palloc(mul_size(model->feature_count, sizeof(Feature)));
	names = (char **) palloc(mul_size(model->feature_count, sizeof(char *)));
	for (int i = 0; i < model->feature_count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		unpack_feature(content, &model->features[i]);
		names[i] = psprintf("%d of %s", model->features[i].element, model->features[i].column);
	}
	check_distinct(names, model->feature_count);
}

/* Read a term, which must not be about a feature before that of the previous one. */
static void
unpack_term(Unpacker *content, LinearTerm *term, const Model *model, int previous)
{
	const Feature *feature;

	term->feature = unpack_between(content, previous, model->feature_count - 1);
	feature = &model->features[term->feature];
	term->level = unpack_between(content, TERM_MISSING, feature->level_count);
	term->coefficient = unpack_finite(content);
	term->std_error = unpack_error(content);
	if (term->level != TERM_MISSING && (term->level == TERM_VALUE) == (feature->kind == FEATURE_CATEGORY))
		unpack_reject("a term does not suit its feature");
}

/* Make sure that no two terms of a feature are about the same. */
static void
check_terms(const LinearModel *linear)
{
	int			seen[MOST_LEVELS - TERM_MISSING + 1] = {0}; /* by level, the last term about it, counted from 1 on */

	for (int i = 0; i < linear->term_count; i++)
	{
		int		   *last = &seen[linear->terms[i].level - TERM_MISSING];

		if (*last > 0 && linear->terms[*last - 1].feature == linear->terms[i].feature)
			unpack_reject("a term in it occurs twice");
		*last = i + 1;
	}
}

/* Read the terms, in order of their features. */
static void
unpack_terms(Unpacker *content, LinearModel *linear, const Model *model)
{
	int			previous = 0;

	linear->term_count = unpack_count(content, INT_MAX, PACKED_TERM);
	linear->terms = (LinearTerm *) palloc0_huge(linear->term_count, sizeof(LinearTerm));
	for (int i = 0; i < linear->term_count; i++)
	{
		unpack_term(content, &linear->terms[i], model, previous);
		previous = linear->terms[i].feature;
	}
	check_terms(linear);
}

/* Read a linear model of these features. */
static LinearModel *
unpack_linear(Unpacker *content, const Model *model)
{
	LinearModel *linear = (LinearModel *) palloc0(sizeof(LinearModel));
	Size		size = mul_size(model->feature_count, sizeof(double));

	linear->intercept = unpack_finite(content);
	linear->intercept_error = unpack_error(content);
	linear->freedom = unpack_positive(content);
	linear->fill = (double *) palloc(size);
	linear->average = (double *) palloc(size);
	linear->spread = (double *) palloc(size);
	for (int i = 0; i < model->feature_count; i++)
	{
		linear->fill[i] = unpack_finite(content);
		linear->average[i] = unpack_finite(content);
		linear->spread[i] = unpack_error(content);
	}
	unpack_terms(content, linear, model);
	return linear;
}

/* Read a node of a tree; where its branches lead is checked later. */
static void
unpack_node(Unpacker *content, ForestNode *node)
{
	node->feature = (int16) unpack_unsigned(content, sizeof(int16));
	if (node->feature < -1)
		unpack_reject("a node asks for no feature");
	if (node->feature >= 0)
	{
		node->left = unpack_between(content, 0, INT_MAX - 1);
		node->right = node->left + 1;
		node->missing_left = unpack_letter(content, PACKED_TRUTH) == PACKED_TRUE;
		node->threshold = unpack_float8(content);
		if (isnan(node->threshold))
			unpack_reject("a threshold is no number");
	}
	node->value = unpack_finite(content);
	node->rows = unpack_positive(content);
}

/* Read the order of the levels of each feature. */
static ForestLevels *
unpack_ranks(Unpacker *content, int features)
{
	ForestLevels *levels = (ForestLevels *) palloc0(mul_size(features, sizeof(ForestLevels)));
	bool		any = false;

	for (int i = 0; i < features; i++)
	{
		int			count = unpack_count(content, MOST_LEVELS, PACKED_RANK);

		levels[i].count = count;
		levels[i].ranks = (int32 *) palloc(mul_size(count + 1, sizeof(int32)));
		for (int level = 0; count > 0 && level <= count; level++)
			levels[i].ranks[level] = unpack_between(content, 0, count);
		any |= count > 0;
	}
	return any ? levels : NULL;
}

/* Read the trees of a forest over these features. */
static Forest *
unpack_forest(Unpacker *content, int features)
{
	Forest	   *forest = (Forest *) palloc0(sizeof(Forest));
	Size		most = (content->end - content->next) / PACKED_NODE;

	forest->base = unpack_finite(content);
	forest->features = features;
	forest->levels = unpack_ranks(content, features);
	forest->tree_count = unpack_count(content, FOREST_MOST_TREES, PACKED_TREE);
	forest->roots = (int *) palloc0_huge(add_size(forest->tree_count, 1), sizeof(int));
	forest->nodes = (ForestNode *) palloc0_huge(most, sizeof(ForestNode));
	for (int tree = 0; tree < forest->tree_count; tree++)
	{
		int			nodes = unpack_count(content, INT_MAX, PACKED_NODE);

		CHECK_FOR_INTERRUPTS();
		forest->roots[tree + 1] = forest->roots[tree] + nodes;
		for (int i = forest->roots[tree]; i < forest->roots[tree + 1]; i++)
			unpack_node(content, &forest->nodes[i]);
	}
	forest_check(forest, features);
	forest_prepare(forest);
	return forest;
}

/* The model in these bytes, in the current memory context; an error if they break any rule. */
Model *
unpack_model(const uint8 *bytes, Size length)
{
	Unpacker	content = {bytes, bytes + length};
	Model	   *model = (Model *) palloc0(sizeof(Model));
	bool		is_linear;

	model->is_probability = unpack_letter(&content, PACKED_OUTCOMES) == PACKED_PROBABILITY;
	is_linear = unpack_letter(&content, PACKED_ALGORITHMS) == PACKED_LINEAR;
	model->calibration_offset = unpack_finite(&content);
	model->calibration_slope = unpack_finite(&content);
	unpack_features(&content, model);
	if (is_linear)
		model->linear = unpack_linear(&content, model);
	else
		model->forest = unpack_forest(&content, model->feature_count);
	if (content.next != content.end)
		unpack_reject("something follows its end");
	return model;
}
