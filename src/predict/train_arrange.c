/*-------------------------------------------------------------------------
 *
 * train_arrange.c
 *	  Makes of the rows of a training query a matrix whose rows stand in the
 *	  order of their parts, and of the names of categories levels.
 *
 * A column is put in place in the memory of the column before, so that there is
 * never more than one column twice.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#include "predict/train_rows.h"

#define NOWHERE (-1)			/* place of a row that is left out */
#define PIECE 0x100000			/* rows between two looks for an interrupt */

/* A row and the hash of what is in it. */
typedef struct HashedRow
{
	uint64		hash;
	int64		row;
} HashedRow;

#define ST_SORT row_sort
#define ST_ELEMENT_TYPE HashedRow
#define ST_COMPARE(a, b) (((a)->hash > (b)->hash) - ((a)->hash < (b)->hash))
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#define ST_DECLARE
#include "lib/sort_template.h"

/* A name of a category and how frequent it is. */
typedef struct NameCount
{
	NameBytes	name;
	uint32		number;
	int64		rows;
} NameCount;

/* The most frequent ones first, then in the order of their bytes. */
static int
compare_counts(const void *a, const void *b)
{
	const NameCount *first = a;
	const NameCount *second = b;

	if (first->rows != second->rows)
		return first->rows > second->rows ? -1 : 1;
	return names_compare(first->name, second->name);
}

/* Whether all outcomes are 0 or 1; if not, other becomes one that is neither. */
static bool
all_binary(const double *outcome, int64 rows, double *other)
{
	for (int64 row = 0; row < rows; row++)
		if (outcome[row] != 0 && outcome[row] != 1)
		{
			*other = outcome[row];
			return false;
		}
	return true;
}

/* Whether the outcome is a probability. */
static bool
takes_probability(const TrainRows *rows)
{
	TrainOutcome outcome = rows->options->outcome;
	double		other;

	if (outcome == OUTCOME_NUMBER)
		return false;
	if (rows->is_boolean || all_binary(rows->outcome, rows->rows, &other))
	{
		if (!rows->is_boolean && outcome == OUTCOME_BY_TYPE)
			ereport(NOTICE,
					(errmsg("target \"%s\" is 0 or 1, so its probability is learnt", rows->options->target),
					 errhint("Option {\"outcome\": \"number\"} takes it for a number.")));
		return true;
	}
	if (outcome == OUTCOME_PROBABILITY)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("target \"%s\" is %g in a row", rows->options->target, other),
				 errhint("A probability is learnt from 0 and 1, or from a Boolean column.")));
	return false;
}

/*
 * Give rows their places in the order of their hashes: what is drawn by chance
 * then depends on the rows, not on the order in which a query, perhaps a
 * parallel one, happened to give them.
 */
static void
order_places(const TrainRows *rows, const uint8 *parts, int64 *next, int64 *places)
{
	const uint64 *hashes = rows->contents != NULL ? rows->contents : rows->hashes;
	HashedRow  *order = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(HashedRow) * Max(rows->rows, 1));

	for (int64 row = 0; row < rows->rows; row++)
		order[row] = (HashedRow) {hashes[row], row};
	row_sort(order, rows->rows);
	for (int64 i = 0; i < rows->rows; i++)
		places[order[i].row] = parts[order[i].row] == PART_NONE ? NOWHERE : next[parts[order[i].row]]++;
	pfree(order);
}

/* Divide the rows, and give the place of each in the matrix, or NULL if they stay where they are. */
static int64 *
find_places(const TrainRows *rows, TrainData *data)
{
	const TrainOptions *options = rows->options;
	bool		uses_validation = options->is_boosting || (data->is_probability && options->calibrate);
	SplitRule	rule = {options->holdout, uses_validation ? options->validation : 0, rows->flags != NULL, options->key != NULL};
	uint8	   *parts = MemoryContextAllocHuge(CurrentMemoryContext, Max(rows->rows, 1));
	int64	   *places = NULL;
	int64		next[PARTS] = {0};

	if (options->key == NULL && rows->hashes != NULL)
		split_number_copies(rows->hashes, rows->rows);
	split_rows(&rule, rows->hashes, rows->flags, rows->rows, parts);
	for (int64 row = 0; row < rows->rows; row++)
		data->part_rows[parts[row]]++;
	for (int part = 1; part < PARTS; part++)
		next[part] = next[part - 1] + data->part_rows[part - 1];
	if (options->is_boosting || data->part_rows[PART_TRAINING] < rows->rows)
		places = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(int64) * Max(rows->rows, 1));
	if (options->is_boosting)
		order_places(rows, parts, next, places);
	else if (places != NULL)
		for (int64 row = 0; row < rows->rows; row++)
			places[row] = parts[row] == PART_NONE ? NOWHERE : next[parts[row]]++;
	pfree(parts);
	return places;
}

/* Put one feature's values at their places, if they are not there already: into spare, and what they were in becomes spare. */
static double *
put_in_place(const TrainRows *rows, double *values, const int64 *places, double **spare)
{
	double	   *placed = *spare;

	if (places == NULL)
		return values;
	for (int64 start = 0; start < rows->rows; start += PIECE)
	{
		int64		end = Min(start + PIECE, rows->rows);

		CHECK_FOR_INTERRUPTS();
		for (int64 row = start; row < end; row++)
			if (places[row] != NOWHERE)
				placed[places[row]] = values[row];
	}
	*spare = values;
	return placed;
}

/* How often each name occurs in the rows that train. */
static NameCount *
count_names(const Names *names, const double *values, int64 rows)
{
	NameCount  *counts = palloc_extended(sizeof(NameCount) * Max(names->count, 1), MCXT_ALLOC_HUGE);

	for (uint32 i = 0; i < names->count; i++)
		counts[i] = (NameCount) {names->names[i], i, 0};
	for (int64 row = 0; row < rows; row++)
		if (!isnan(values[row]) && values[row] != NO_NAME)
			counts[(uint32) values[row]].rows++;
	qsort(counts, names->count, sizeof(NameCount), compare_counts);
	return counts;
}

/* Make levels of the names that are frequent enough in the rows that train, and number the values by them. */
static void
make_levels(Feature *feature, const Names *names, double *values, int64 training_rows, int64 kept, const TrainOptions *options)
{
	NameCount  *counts = count_names(names, values, training_rows);
	double	   *level_of = palloc_extended(sizeof(double) * Max(names->count, 1), MCXT_ALLOC_HUGE);
	int			most = Min(options->max_levels, (int) names->count);

	feature->levels = palloc(sizeof(char *) * Max(most, 1));
	while (feature->level_count < most && counts[feature->level_count].rows >= options->level_rows)
	{
		NameBytes	name = counts[feature->level_count].name;

		feature->levels[feature->level_count++] = pnstrdup(name.bytes, name.length);
	}
	for (uint32 i = 0; i < names->count; i++)
		level_of[counts[i].number] = Min((int) i, feature->level_count);
	for (int64 row = 0; row < kept; row++)
		if (!isnan(values[row]))
			values[row] = values[row] == NO_NAME ? feature->level_count : level_of[(uint32) values[row]];
	pfree(counts);
	pfree(level_of);
}

/* Whether almost every row has another name. */
static bool
names_identify(const TrainColumn *column)
{
	return column->is_full ? column->is_identifier : column->known > 0 && column->names->count >= IDENTIFIER_SHARE * column->known;
}

/* Put one feature into the matrix. */
static void
arrange_feature(const TrainRows *rows, TrainColumn *column, int element, const int64 *places, double **spare, TrainData *data)
{
	int			number = data->matrix.features++;
	Feature    *feature = &data->features[number];
	double	   *values = put_in_place(rows, column->values[element], places, spare);

	*feature = (Feature) {column->name, column->is_array ? element + 1 : 0, column->kind, 0, NULL};
	data->matrix.columns[number] = values;
	data->types[number] = column->type;
	data->names[number] = 0;
	if (column->kind != FEATURE_CATEGORY)
		return;
	data->names[number] = names_identify(column) ? -1 : (int64) column->names->count;
	make_levels(feature, column->names, values, data->part_rows[PART_TRAINING], data->matrix.rows, rows->options);
	names_free(column->names);
}

/* Give back what is known of the rows besides. */
static void
forget_rows(TrainRows *rows)
{
	if (rows->hashes != NULL)
		pfree(rows->hashes);
	if (rows->contents != NULL)
		pfree(rows->contents);
	if (rows->flags != NULL)
		pfree(rows->flags);
}

/* Refuse a query without rows. */
static void
check_rows(const TrainRows *rows)
{
	if (rows->rows == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 rows->without_time > 0 ? errmsg("time \"%s\" is null in all rows whose target is known", rows->options->time) :
				 rows->without_outcome == 0 ? errmsg("the training query gives no rows") :
				 errmsg("target \"%s\" is null in all rows", rows->options->target),
				 errhint("Run the query by itself to see what it gives.")));
}

/* Make the matrix of the rows, which are gone afterwards. */
void
train_arrange(TrainRows *rows, TrainData *data)
{
	int64	   *places;
	double	   *spare;

	check_rows(rows);
	data->is_probability = takes_probability(rows);
	data->without_outcome = rows->without_outcome;
	data->without_time = rows->without_time;
	data->excluded = rows->excluded;
	places = find_places(rows, data);
	data->matrix.rows = rows->rows - data->part_rows[PART_NONE];
	data->matrix.columns = palloc(sizeof(double *) * Max(rows->width, 1));
	data->features = palloc(sizeof(Feature) * Max(rows->width, 1));
	data->types = palloc(sizeof(Oid) * Max(rows->width, 1));
	data->names = palloc(sizeof(int64) * Max(rows->width, 1));
	forget_rows(rows);
	spare = places != NULL ? MemoryContextAllocHuge(rows->context, sizeof(double) * rows->rows) : NULL;
	data->outcome = put_in_place(rows, rows->outcome, places, &spare);
	for (int i = 0; i < rows->column_count; i++)
	{
		/* an array column of which there was never an array */
		if (rows->columns[i].width == 0)
			train_exclude(&data->excluded, rows->columns[i].name, "always missing");
		for (int element = 0; element < rows->columns[i].width; element++)
			arrange_feature(rows, &rows->columns[i], element, places, &spare, data);
	}
	if (places != NULL)
	{
		pfree(spare);
		pfree(places);
	}
}
