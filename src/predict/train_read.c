/*-------------------------------------------------------------------------
 *
 * train_read.c
 *	  Runs a training query and takes its rows as they come, without keeping
 *	  them as rows: each value becomes a number in an array of its column.
 *
 * The query runs with the rights and the search_path of the caller, and in a
 * transaction that is read-only for as long: it changes nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/tupdesc.h"
#include "access/xact.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "tcop/dest.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "predict/train_rows.h"
#include "predict/value_hash.h"
#include "program/expression.h"

#define MOST_NAMES 65536		/* different values of a category that are kept */
#define MOST_NAME_BYTES 33554432	/* of their texts, of one column */
#define FIRST_ROOM 65536		/* rows */
#define TIDY_ROWS 256			/* rows between which memory is given back */
#define PROGRESS_ROWS 16384		/* rows between looks at the clock */

/* Takes the rows from the executor. */
typedef struct RowReceiver
{
	DestReceiver receiver;		/* first */
	TrainRows  *rows;
	MemoryContext row_context;	/* for what reading a row allocates */
	int			width;			/* columns of the query itself */
	int			target;			/* places of columns, from 0 on; -1 if there is none */
	int			key;
	int			flag;
	FeatureKind target_kind;
	ValueHash  *key_hash;		/* how the key is hashed; NULL without one, or if nothing depends on it */
	RowHash    *row_hash;		/* how rows are hashed; NULL if nothing depends on it */
	TimestampTz told;			/* when it was last told how many rows came */
} RowReceiver;

/* Note that a column is no feature. */
void
train_exclude(List **excluded, const char *column, const char *reason)
{
	ExcludedColumn *entry = palloc(sizeof(ExcludedColumn));

	entry->column = pstrdup(column);
	entry->reason = reason;
	*excluded = lappend(*excluded, entry);
}

/* The place of a column that an argument names, or -1 if it names none. */
static int
find_column(TupleDesc columns, int count, const char *name)
{
	int			found = -1;

	for (int i = 0; i < count && name != NULL; i++)
	{
		if (strcmp(NameStr(TupleDescAttr(columns, i)->attname), name) != 0)
			continue;
		if (found >= 0)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_COLUMN),
					 errmsg("query gives column \"%s\" more than once", name),
					 errhint("Name columns with AS.")));
		found = i;
	}
	if (found < 0 && name != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("query gives no column \"%s\"", name),
				 errhint("Name it with AS.")));
	return found;
}

/* Refuse names of columns that the query does not give. */
static void
check_names(TupleDesc columns, int count, const List *names)
{
	ListCell   *cell;

	foreach(cell, names)
	{
		/* an element of an array is named like column[1] */
		char	   *name = pstrdup(lfirst(cell));
		char	   *bracket = strrchr(name, '[');

		for (int i = 0; i < count && bracket != NULL; i++)
			if (strcmp(NameStr(TupleDescAttr(columns, i)->attname), name) == 0)
				bracket = NULL;
		if (bracket != NULL)
			*bracket = '\0';
		(void) find_column(columns, count, name);
	}
}

/* Why a column is no feature whatever it holds, or NULL if it can be one. */
static char *
reason_against(const TrainOptions *options, Form_pg_attribute column)
{
	const char *name = NameStr(column->attname);
	FeatureKind kind;
	bool		is_array;

	if (strcmp(name, options->target) == 0)
		return "target";
	if (options->key != NULL && strcmp(name, options->key) == 0)
		return "key";
	if (options->time != NULL && strcmp(name, options->time) == 0)
		return "time of the rows";
	if (is_named(options->exclude, name))
		return "excluded";
	if (!feature_kind_of(column->atttypid, &kind, &is_array))
		return psprintf("type %s is not used", format_type_be(column->atttypid));
	return NULL;
}

/* Note so many more features. */
static void
add_width(TrainRows *rows, int width)
{
	rows->width += width;
	if (rows->width > MOST_FEATURES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the training query gives more than %d features", MOST_FEATURES),
				 errhint("Leave columns out with option exclude.")));
}

/* Get ready to take a column that holds features. */
static void
column_begin(TrainRows *rows, TrainColumn *column, Form_pg_attribute attribute)
{
	column->name = pstrdup(NameStr(attribute->attname));
	column->attribute = attribute->attnum - 1;
	(void) feature_kind_of(attribute->atttypid, &column->kind, &column->is_array);
	column->type = getBaseType(column->is_array ? get_base_element_type(attribute->atttypid) : attribute->atttypid);
	get_typlenbyvalalign(column->type, &column->size, &column->by_value, &column->alignment);
	column->width = column->is_array ? 0 : 1;
	column->values = palloc0(sizeof(double *));
	add_width(rows, column->width);
	if (column->kind == FEATURE_CATEGORY)
		column->names = names_new(rows->context);
}

/* Get ready to hash what rows are divided and ordered by. */
static void
look_at_hashes(RowReceiver *self, TupleDesc columns)
{
	const TrainOptions *options = self->rows->options;
	bool		divides = (options->holdout > 0 && self->flag < 0) || options->is_boosting || (options->calibrate && options->validation > 0);

	if (self->key >= 0)
	{
		Form_pg_attribute key = TupleDescAttr(columns, self->key);

		split_check_key(key->atttypid);
		if (divides || self->flag >= 0)
			self->key_hash = value_hash_new(key->atttypid, key->attcollation);
	}
	/* boosting draws from rows in an order that does not depend on how they came */
	if (options->is_boosting || (divides && self->key < 0))
		self->row_hash = row_hash_new(columns, self->width);
}

/* Look at the columns, before the first row comes. */
static void
look_at_columns(RowReceiver *self, TupleDesc columns)
{
	TrainRows  *rows = self->rows;
	const TrainOptions *options = rows->options;
	bool		is_array;

	self->flag = options->holdout_after != NULL || options->holdout_where != NULL ? columns->natts - 1 : -1;
	self->width = self->flag >= 0 ? self->flag : columns->natts;
	for (int i = 0; i < self->width; i++)
		(void) find_column(columns, self->width, NameStr(TupleDescAttr(columns, i)->attname));
	check_names(columns, self->width, options->exclude);
	check_names(columns, self->width, options->keep);
	check_names(columns, self->width, options->allow_leak);
	self->target = find_column(columns, self->width, options->target);
	self->key = find_column(columns, self->width, options->key);
	(void) find_column(columns, self->width, options->time);
	look_at_hashes(self, columns);
	rows->outcome_type = getBaseType(TupleDescAttr(columns, self->target)->atttypid);
	if (!feature_kind_of(rows->outcome_type, &self->target_kind, &is_array) || is_array || (self->target_kind != FEATURE_BOOLEAN && self->target_kind != FEATURE_NUMBER))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("target \"%s\" is of type %s", options->target, format_type_be(TupleDescAttr(columns, self->target)->atttypid)),
				 errhint("A target is Boolean or a number; write a condition, such as (status = 'left') AS \"%s\".", options->target)));
	rows->is_boolean = self->target_kind == FEATURE_BOOLEAN;
	rows->columns = palloc0(sizeof(TrainColumn) * Max(self->width, 1));
	for (int i = 0; i < self->width; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(columns, i);
		char	   *reason = reason_against(options, attribute);

		if (reason == NULL)
			column_begin(rows, &rows->columns[rows->column_count++], attribute);
		else if (i != self->target)
			train_exclude(&rows->excluded, NameStr(attribute->attname), reason);
	}
}

/* The executor tells the columns. */
static void
receiver_start(DestReceiver *receiver, int operation, TupleDesc columns)
{
	RowReceiver *self = (RowReceiver *) receiver;
	MemoryContext before = MemoryContextSwitchTo(self->rows->context);

	look_at_columns(self, columns);
	MemoryContextSwitchTo(before);
}

/* A larger array in place of another one, which may be NULL; that costs no copying, for the system moves the pages. */
static void *
enlarge(void *array, Size size)
{
	return array == NULL ? MemoryContextAllocHuge(CurrentMemoryContext, size) : repalloc_huge(array, size);
}

/* Make room for more rows; pages that are not written to yet take no memory. */
static void
make_room(RowReceiver *self)
{
	TrainRows  *rows = self->rows;

	rows->room = Max(FIRST_ROOM, rows->room + rows->room / 4);
	rows->room = Max(Min(rows->room, MOST_VALUES / Max(rows->width, 1)), rows->rows + 1);
	rows->outcome = enlarge(rows->outcome, sizeof(double) * rows->room);
	if (self->key_hash != NULL || self->row_hash != NULL)
		rows->hashes = enlarge(rows->hashes, sizeof(uint64) * rows->room);
	if (self->key_hash != NULL && self->row_hash != NULL)
		rows->contents = enlarge(rows->contents, sizeof(uint64) * rows->room);
	if (self->flag >= 0)
		rows->flags = enlarge(rows->flags, sizeof(bool) * rows->room);
	for (int i = 0; i < rows->column_count; i++)
		for (int element = 0; element < rows->columns[i].width; element++)
			rows->columns[i].values[element] = enlarge(rows->columns[i].values[element], sizeof(double) * rows->room);
}

/* Make sure that there is room for one more row. */
static void
check_room(RowReceiver *self)
{
	TrainRows  *rows = self->rows;
	MemoryContext before;

	if (rows->rows < rows->room)
		return;
	if ((double) rows->rows * rows->width >= MOST_VALUES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the training query gives more than %d values, which is rows times features", MOST_VALUES),
				 errhint("Train on a sample of the rows, or leave columns out with option exclude.")));
	before = MemoryContextSwitchTo(rows->context);
	make_room(self);
	MemoryContextSwitchTo(before);
}

/* Learn from the first array of a column how many features are in it; in the rows before, it was missing. */
static void
begin_elements(TrainRows *rows, TrainColumn *column, int width)
{
	MemoryContext before = MemoryContextSwitchTo(rows->context);

	add_width(rows, width);
	column->width = width;
	column->values = palloc(sizeof(double *) * width);
	for (int element = 0; element < width; element++)
	{
		column->values[element] = enlarge(NULL, sizeof(double) * rows->room);
		for (int64 row = 0; row < rows->rows; row++)
			column->values[element][row] = NAN;
	}
	MemoryContextSwitchTo(before);
}

/* Refuse an array that is not as long as the first one. */
static void
check_length(const TrainColumn *column, int dimensions, int length)
{
	if (dimensions > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("array in column \"%s\" has %d dimensions", column->name, dimensions),
				 errhint("Give an array of one dimension.")));
	if (length != column->width)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("array in column \"%s\" has %d elements in one row and %d in another", column->name, column->width, length),
				 errhint("Give arrays of one length, NULL where an element is not known.")));
}

/* Take the elements of an array. */
static void
take_array(TrainRows *rows, TrainColumn *column, Datum value)
{
	ArrayType  *array = DatumGetArrayTypeP(value);
	int			length = ARR_NDIM(array) == 1 ? ARR_DIMS(array)[0] : 0;
	Datum	   *values;
	bool	   *nulls;

	if (column->width == 0 && length > 0)
		begin_elements(rows, column, length);
	check_length(column, ARR_NDIM(array), length);
	if (column->type == FLOAT8OID && !ARR_HASNULL(array))
	{
		const double *numbers = (const double *) ARR_DATA_PTR(array);

		for (int i = 0; i < length; i++)
			column->values[i][rows->rows] = isfinite(numbers[i]) ? numbers[i] : NAN;
		return;
	}
	deconstruct_array(array, ARR_ELEMTYPE(array), column->size, column->by_value, column->alignment, &values, &nulls, &length);
	for (int i = 0; i < length; i++)
		column->values[i][rows->rows] = nulls[i] ? NAN : feature_number(column->kind, column->type, values[i]);
}

/* The number of a category's name, if there is room for it. */
static uint32
take_name(TrainColumn *column, Datum value)
{
	NameBytes	name;
	int			length;
	uint32		number;

	name.bytes = feature_text(column->type, value, &length);
	name.length = length;
	column->known++;
	if (column->is_full)
		return names_find(column->names, name);
	number = names_number(column->names, name);
	column->is_full = column->names->count >= MOST_NAMES || column->names->size >= MOST_NAME_BYTES;
	if (column->is_full)
		column->is_identifier = column->names->count >= IDENTIFIER_SHARE * column->known;
	return number;
}

/* Note that a column is missing in a row. */
static void
take_missing(TrainRows *rows, TrainColumn *column)
{
	for (int element = 0; element < column->width; element++)
		column->values[element][rows->rows] = NAN;
}

/* Take the features of a row. */
static void
take_features(TrainRows *rows, const Datum *values, const bool *nulls)
{
	for (int i = 0; i < rows->column_count; i++)
	{
		TrainColumn *column = &rows->columns[i];
		Datum		value = values[column->attribute];

		if (nulls[column->attribute])
			take_missing(rows, column);
		else if (column->is_array)
			take_array(rows, column, value);
		else if (column->kind == FEATURE_CATEGORY)
			column->values[0][rows->rows] = take_name(column, value);
		else
			column->values[0][rows->rows] = feature_number(column->kind, column->type, value);
	}
}

/* Take the outcome of a row. */
static double
take_outcome(const RowReceiver *self, Datum value)
{
	double		outcome = feature_number(self->target_kind, self->rows->outcome_type, value);

	if (isnan(outcome))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("target \"%s\" is not a finite number in a row", self->rows->options->target),
				 errhint("Make it NULL to leave the row out.")));
	return outcome;
}

/* Refuse a row whose key is NULL. */
static void
check_key(const RowReceiver *self, const bool *nulls)
{
	if (self->key >= 0 && nulls[self->key])
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("key \"%s\" is null in a row", self->rows->options->key),
				 errhint("Leave such rows out with WHERE.")));
}

/* Take a row. */
static void
take_row(RowReceiver *self, const Datum *values, const bool *nulls)
{
	TrainRows  *rows = self->rows;
	uint64		seed = mix_bits((uint64) rows->options->seed);

	check_key(self, nulls);
	if (nulls[self->target])
	{
		rows->without_outcome++;
		return;
	}
	if (rows->options->holdout_after != NULL && nulls[self->flag])
	{
		rows->without_time++;
		return;
	}
	check_room(self);
	rows->outcome[rows->rows] = take_outcome(self, values[self->target]);
	if (self->key_hash != NULL)
		rows->hashes[rows->rows] = value_hash(self->key_hash, seed, values[self->key], false);
	if (self->row_hash != NULL)
		(rows->contents != NULL ? rows->contents : rows->hashes)[rows->rows] = row_hash(self->row_hash, seed, values, nulls);
	if (self->flag >= 0)
		rows->flags[rows->rows] = !nulls[self->flag] && DatumGetBool(values[self->flag]);
	take_features(rows, values, nulls);
	rows->rows++;
}

/* Give memory back, and tell once in a while how many rows came. */
static void
tidy(RowReceiver *self)
{
	MemoryContextReset(self->row_context);
	if (self->rows->rows % PROGRESS_ROWS == 0 && self->rows->rows > 0 && progress_is_due(&self->told))
		ereport(NOTICE, (errmsg(INT64_FORMAT " rows of the training query are read", self->rows->rows)));
}

/* The executor gives a row. */
static bool
receiver_take(TupleTableSlot *slot, DestReceiver *receiver)
{
	RowReceiver *self = (RowReceiver *) receiver;
	MemoryContext before;

	slot_getallattrs(slot);
	before = MemoryContextSwitchTo(self->row_context);
	take_row(self, slot->tts_values, slot->tts_isnull);
	if (self->rows->rows % TIDY_ROWS == 0)
		tidy(self);
	MemoryContextSwitchTo(before);
	return true;
}

/* Nothing is left to do at the end. */
static void
receiver_end(DestReceiver *receiver)
{
}

/* Raise an error, which points into it, unless a condition is one expression. */
static void
condition_check(const char *condition)
{
	ExpressionContext given = {"holdout_where", condition};
	ErrorContextCallback callback = {error_context_stack, expression_error, &given};

	error_context_stack = &callback;
	(void) expression_parse(condition);
	error_context_stack = callback.previous;
}

/* The query to run: with a condition for being held out, that is the last column. */
static char *
query_to_run(const TrainOptions *options, const char *source)
{
	StringInfoData query;

	initStringInfo(&query);
	appendStringInfoString(&query, "SELECT q.*");
	if (options->holdout_after != NULL)
		appendStringInfo(&query, ", q.%s > %s", quote_identifier(options->time), quote_literal_cstr(options->holdout_after));
	if (options->holdout_where != NULL)
	{
		condition_check(options->holdout_where);
		appendStringInfoString(&query, ", ");
		expression_append(&query, options->holdout_where);
		appendStringInfoString(&query, "::pg_catalog.bool");
	}
	appendStringInfo(&query, " FROM %s AS q", source);
	return query.data;
}

/* Run the query. */
static void
run_query(const char *query, DestReceiver *receiver)
{
	SPIExecuteOptions how = {.read_only = true, .dest = receiver};

	if (SPI_execute_extended(query, &how) != SPI_OK_SELECT)
		elog(ERROR, "training query is no SELECT");
}

/* Take the rows of a query, which is given in parentheses, to stand after FROM. */
void
train_read_rows(TrainRows *rows, const char *source)
{
	static bool is_reading = false;
	bool		was_read_only = XactReadOnly;
	RowReceiver receiver = {
		.receiver = {receiver_take, receiver_start, receiver_end, receiver_end, DestTuplestore},
		.rows = rows,
		.told = GetCurrentTimestamp(),
		.row_context = AllocSetContextCreate(rows->context, "cx training row", ALLOCSET_DEFAULT_SIZES),
	};

	if (is_reading)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a training query must not train"),
				 errhint("Train first, and use the model in the query.")));
	SPI_connect();
	is_reading = true;
	/* the transaction is read-only meanwhile; functions may not set that as a parameter since 17 */
	XactReadOnly = true;
	PG_TRY();
	{
		run_query(query_to_run(rows->options, source), &receiver.receiver);
	}
	PG_FINALLY();
	{
		XactReadOnly = was_read_only;
		is_reading = false;
	}
	PG_END_TRY();
	SPI_finish();
	MemoryContextDelete(receiver.row_context);
}
