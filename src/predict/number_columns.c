/*-------------------------------------------------------------------------
 *
 * number_columns.c
 *	  Rows of a few numbers, kept one column after the other.
 *
 * A row takes 8 bytes a column; while the list grows it may have room for twice
 * the rows.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#include "compat.h"
#include "journey/event_list.h"
#include "predict/number_columns.h"

#define FIRST_ROOM 16			/* rows */

/* What stands in front of the columns in the bytes of a list. */
typedef struct NumberColumnsHead
{
	int64		count;			/* rows */
	int64		width;			/* columns */
} NumberColumnsHead;

/* How much memory one column of so many rows takes. */
static Size
column_size(int64 rows)
{
	return mul_size(rows, sizeof(double));
}

/* An empty list with room for so many rows. */
static NumberColumns *
number_columns_new(MemoryContext context, int width, int64 room)
{
	NumberColumns *list = MemoryContextAllocZero(context, sizeof(NumberColumns));

	list->width = width;
	list->room = room;
	for (int i = 0; i < width; i++)
		list->columns[i] = MemoryContextAllocHuge(context, column_size(room));
	return list;
}

/* The state in the first argument, a new one in the first call of a group. */
NumberColumns *
number_columns_begin(FunctionCallInfo fcinfo, int width)
{
	MemoryContext context = event_context(fcinfo);

	return PG_ARGISNULL(0) ? number_columns_new(context, width, FIRST_ROOM) : PG_GETARG_NUMBER_COLUMNS_P(0);
}

/* Make room for so many rows. */
static void
number_columns_grow(NumberColumns *list, int64 count)
{
	while (list->room < count)
		list->room *= 2;
	for (int i = 0; i < list->width; i++)
		list->columns[i] = repalloc_huge(list->columns[i], column_size(list->room));
}

/* Add a row. */
void
number_columns_add(NumberColumns *list, const double *row)
{
	if (list->count == list->room)
		number_columns_grow(list, list->count + 1);
	for (int i = 0; i < list->width; i++)
		list->columns[i][list->count] = row[i];
	list->count++;
}

/* Both states together. */
PG_FUNCTION_INFO_V1(number_columns_combine);
Datum
number_columns_combine(PG_FUNCTION_ARGS)
{
	const NumberColumns *other = PG_ARGISNULL(1) ? NULL : PG_GETARG_NUMBER_COLUMNS_P(1);
	NumberColumns *list;

	if (other == NULL)
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_POINTER(PG_GETARG_POINTER(0));
	}
	list = number_columns_begin(fcinfo, other->width);
	if (list->width != other->width)
		elog(ERROR, "lists of different width");
	if (list->room < list->count + other->count)
		number_columns_grow(list, list->count + other->count);
	for (int i = 0; i < list->width; i++)
		memcpy(list->columns[i] + list->count, other->columns[i], column_size(other->count));
	list->count += other->count;
	PG_RETURN_POINTER(list);
}

/* The state as bytes for another process of this server. */
PG_FUNCTION_INFO_V1(number_columns_serialize);
Datum
number_columns_serialize(PG_FUNCTION_ARGS)
{
	const NumberColumns *list = PG_GETARG_NUMBER_COLUMNS_P(0);
	NumberColumnsHead head = {list->count, list->width};
	Size		column = column_size(list->count);
	Size		size = add_size(VARHDRSZ + sizeof(head), mul_size(column, list->width));
	bytea	   *bytes;

	if (size > MaxAllocSize)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a group of " INT64_FORMAT " rows is too large to be passed on by a parallel worker", list->count),
				 errhint("SET max_parallel_workers_per_gather = 0 for this query.")));
	bytes = palloc(size);
	SET_VARSIZE(bytes, size);
	memcpy(VARDATA(bytes), &head, sizeof(head));
	for (int i = 0; i < list->width; i++)
		memcpy(VARDATA(bytes) + sizeof(head) + i * column, list->columns[i], column);
	PG_RETURN_BYTEA_P(bytes);
}

/* Raise an error unless bytes that are read are what was written. */
static void
number_columns_check(bool is_sound)
{
	if (!is_sound)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("malformed list of numbers")));
}

/* The state out of such bytes. */
PG_FUNCTION_INFO_V1(number_columns_deserialize);
Datum
number_columns_deserialize(PG_FUNCTION_ARGS)
{
	const bytea *bytes = PG_GETARG_BYTEA_PP(0);
	Size		length = VARSIZE_ANY_EXHDR(bytes);
	NumberColumnsHead head;
	NumberColumns *list;

	number_columns_check(length >= sizeof(head));
	memcpy(&head, VARDATA_ANY(bytes), sizeof(head));
	length -= sizeof(head);
	number_columns_check(head.width >= 1 && head.width <= MOST_NUMBER_COLUMNS && head.count >= 0 &&
						 (uint64) head.count <= length && length == head.count * head.width * sizeof(double));
	list = number_columns_new(CurrentMemoryContext, (int) head.width, Max(head.count, 1));
	list->count = head.count;
	for (int i = 0; i < list->width; i++)
	{
		memcpy(list->columns[i], VARDATA_ANY(bytes) + sizeof(head) + i * column_size(head.count), column_size(head.count));
		for (int64 j = 0; j < list->count; j++)
			number_columns_check(isfinite(list->columns[i][j]));
	}
	PG_RETURN_POINTER(list);
}
