/*-------------------------------------------------------------------------
 *
 * event_list.c
 *	  The events of one group: what aggregates over sequences collect.
 *
 * Events may come in any order; the list remembers whether they came in order
 * and is sorted when it is read.  That changes the order only, never what is
 * in it, so a final function may do it in the state.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "compat.h"
#include "journey/event_list.h"

#define FIRST_ROOM 6			/* events: with the head 128 bytes, as much as a power of two holds */

StaticAssertDecl(offsetof(EventList, events) + FIRST_ROOM * sizeof(Event) == 128, "a new event list fills its memory");

/* Sorts events; a list of millions can be interrupted. */
#define ST_SORT event_sort
#define ST_ELEMENT_TYPE Event
#define ST_COMPARE(a, b) (event_is_before(a, b) ? -1 : event_is_before(b, a))
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#define ST_DECLARE
#include "lib/sort_template.h"

/* The memory that lives as long as the group; error outside an aggregate. */
MemoryContext
event_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("transition function called outside an aggregate"),
				 errhint("This function is meant for its aggregate only.")));
	return context;
}

/* How much memory a list with room for so many events takes. */
static Size
event_list_size(uint64 room)
{
	return add_size(offsetof(EventList, events), mul_size(room, sizeof(Event)));
}

/* An empty list. */
EventList *
event_list_new(MemoryContext context)
{
	EventList  *list = MemoryContextAlloc(context, event_list_size(FIRST_ROOM));

	memset(list, 0, offsetof(EventList, events));
	list->room = FIRST_ROOM;
	list->is_sorted = true;
	return list;
}

/* Make room for so many events; the list moves. */
EventList *
event_list_grow(EventList *list, uint64 count)
{
	uint64		room = list->room;

	/* with the head each is a power of two, which is what memory comes in */
	while (room < count)
		room = room * 2 + 2;
	if (room > PG_UINT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a group has more than %u events", PG_UINT32_MAX)));
	list = repalloc_huge(list, event_list_size(room));
	list->room = (uint32) room;
	return list;
}

/* Put events in order. */
void
events_sort(Event *events, uint32 count)
{
	event_sort(events, count);
}

/* Put the events of a list in order. */
void
event_list_sort(EventList *list)
{
	if (!list->is_sorted)
		events_sort(list->events, list->count);
	list->is_sorted = true;
}

/* The first list with the events of the other one added; it may move. */
EventList *
event_list_merge(EventList *list, const EventList *other)
{
	uint64		count = (uint64) list->count + other->count;

	if (count > list->room)
		list = event_list_grow(list, count);
	memcpy(&list->events[list->count], other->events, other->count * sizeof(Event));
	list->is_sorted = list->is_sorted && other->is_sorted &&
		(list->count == 0 || other->count == 0 || !event_is_before(&other->events[0], &list->events[list->count - 1]));
	list->count = (uint32) count;
	return list;
}

/* A state with so many events as bytes for another process of this server, with room for extra bytes behind it. */
bytea *
events_write(const void *state, Size size, Size extra, uint32 count)
{
	bytea	   *bytes;

	if (add_size(size, extra) > MaxAllocSize - VARHDRSZ)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a group of %u events is too large to be passed on by a parallel worker", count),
				 errhint("SET max_parallel_workers_per_gather = 0 for this query.")));
	bytes = palloc(VARHDRSZ + size + extra);
	SET_VARSIZE(bytes, VARHDRSZ + size + extra);
	memcpy(VARDATA(bytes), state, size);
	return bytes;
}

/* A list as such bytes. */
bytea *
event_list_write(const EventList *list, Size extra)
{
	return events_write(list, event_list_size(list->count), extra, list->count);
}

/* A list out of such bytes, which lie behind it from offset extra on. */
EventList *
event_list_read(const bytea *bytes, Size *extra)
{
	Size		length = VARSIZE_ANY_EXHDR(bytes);
	EventList	head;
	EventList  *list;

	if (length >= offsetof(EventList, events))
		memcpy(&head, VARDATA_ANY(bytes), offsetof(EventList, events));
	if (length < offsetof(EventList, events) || length < event_list_size(head.count))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("malformed list of events")));
	list = MemoryContextAllocHuge(CurrentMemoryContext, event_list_size(head.count));
	memcpy(list, VARDATA_ANY(bytes), event_list_size(head.count));
	list->room = list->count;
	*extra = event_list_size(head.count);
	return list;
}

/* Refuse an infinite time. */
pg_noreturn void
event_time_infinite(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
			 errmsg("time of an event must not be infinite")));
}

/* Whether a type is Boolean, or a domain over it. */
static bool
is_boolean(Oid type)
{
	return type == BOOLOID || (OidIsValid(type) && getBaseType(type) == BOOLOID);
}

/* Whether the conditions come as one array: declared as such, or after VARIADIC. */
static bool
conditions_are_array(FunctionCallInfo fcinfo, int position)
{
	Oid			type;

	if (PG_NARGS() != position + 1)
		return false;
	type = get_fn_expr_argtype(fcinfo->flinfo, position);
	/* the usual ones first, for this is asked for each row */
	return type != BOOLOID && (type == BOOLARRAYOID || is_boolean(get_base_element_type(type)));
}

/* Make sure that what a call gives as conditions, from this argument on, is Boolean; a query is looked at once. */
void
event_check_conditions(FunctionCallInfo fcinfo, int position)
{
	static bool checked;

	if (fcinfo->flinfo->fn_extra != NULL || conditions_are_array(fcinfo, position))
		return;
	for (int i = position; i < PG_NARGS(); i++)
	{
		Oid			type = get_fn_expr_argtype(fcinfo->flinfo, i);

		if (!is_boolean(type))
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("condition %d is of type %s, not boolean", i - position + 1,
							OidIsValid(type) ? format_type_be(type) : "unknown"),
					 errhint("Write conditions such as step = 'order', or NULL::boolean; several in one array come after VARIADIC.")));
	}
	/* nothing to remember but that it is so */
	fcinfo->flinfo->fn_extra = &checked;
}

/* Refuse so many conditions. */
static void
check_condition_count(int count)
{
	if (count < 1 || count > MOST_CONDITIONS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("number of conditions must be 1..%d", MOST_CONDITIONS),
				 errhint("Give them one by one, such as step = 'cart', step = 'order'; or as VARIADIC ARRAY[...].")));
}

/* A bit for each element of an array that is true. */
static uint64
array_conditions(FunctionCallInfo fcinfo, int position, int *count)
{
	ArrayType  *array = PG_ARGISNULL(position) ? NULL : PG_GETARG_ARRAYTYPE_P(position);
	const bool *values;
	const bits8 *nulls;
	uint64		met = 0;

	*count = array != NULL && ARR_NDIM(array) == 1 ? ARR_DIMS(array)[0] : 0;
	check_condition_count(*count);
	values = (const bool *) ARR_DATA_PTR(array);
	nulls = ARR_NULLBITMAP(array);
	for (int i = 0; i < *count; i++)
		if (nulls == NULL || (nulls[i / 8] & (1 << (i % 8))) != 0)
			met |= (uint64) (*values++ != 0) << i;
	return met;
}

/* The conditions from this argument on, however they are given. */
uint64
event_conditions_other(FunctionCallInfo fcinfo, int position, int *count)
{
	if (conditions_are_array(fcinfo, position))
		return array_conditions(fcinfo, position, count);
	*count = PG_NARGS() - position;
	check_condition_count(*count);
	return event_conditions_met(fcinfo, position, *count);
}
