/*-------------------------------------------------------------------------
 *
 * step_list.c
 *	  Events with names: the steps or states of one group.
 *
 * Their order is that of time, and within an instant that of the bytes of
 * their names, so it does not depend on how the rows arrive.  A list of which
 * only the first steps are asked for drops what can no longer be among them
 * before it takes more memory: later arrivals only push things further back.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "journey/step_list.h"

/* Order of two events: by time, then by name. */
static inline int
step_compare(const Event *a, const Event *b, const Names *names)
{
	if (a->at != b->at)
		return a->at < b->at ? -1 : 1;
	return a->what == b->what ? 0 : names_compare(names->names[a->what], names->names[b->what]);
}

#define ST_SORT step_sort
#define ST_ELEMENT_TYPE Event
#define ST_COMPARE_ARG_TYPE const Names
#define ST_COMPARE(a, b, names) step_compare(a, b, names)
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#define ST_DECLARE
#include "lib/sort_template.h"

/* Put the steps in order.  That changes nothing else, so a final function may do it, and do it again. */
void
step_list_sort(EventList *list)
{
	step_sort(list->events, list->count, step_names(list));
}

/* How many events the steps asked for consist of, in a list in order. */
uint32
step_list_reach(const EventList *list)
{
	int64		steps = 0;
	uint32		reach = 0;

	while (reach < list->count && (!step_begins(list, reach) || steps++ < list->limit))
		reach++;
	return reach;
}

/* Keep only the names that events still have. */
static void
step_list_forget(EventList *list)
{
	Names	   *before = step_names(list);
	Names	   *names = names_new(GetMemoryChunkContext(before));

	for (uint32 i = 0; i < list->count; i++)
		list->events[i].what = names_number(names, before->names[list->events[i].what]);
	list->own = names;
	names_free(before);
}

/* Drop what cannot be among the first steps any more, if that is at least half. */
static void
step_list_cut(EventList *list)
{
	uint32		reach;

	if ((list->mode & STEPS_UNTIL) != 0 || list->limit > list->count / 2)
		return;
	step_list_sort(list);
	reach = step_list_reach(list);
	if (reach > list->count / 2)
		return;
	list->count = reach;
	if (step_names(list)->count > reach)
		step_list_forget(list);
}

/* The state in the first argument, a new one in the first call of a group. */
EventList *
step_list_begin(FunctionCallInfo fcinfo, int64 limit, uint8 mode)
{
	EventList  *list = PG_ARGISNULL(0) ? NULL : PG_GETARG_EVENT_LIST_P(0);

	if (list == NULL)
	{
		list = event_list_new(event_context(fcinfo));
		list->own = names_new(event_context(fcinfo));
		list->limit = limit;
		list->mode = mode;
	}
	else if (list->limit != limit || list->mode != mode)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be the same for all rows of a group",
						(mode & STEPS_UNTIL) != 0 ? "as_of" : "max_length and collapse")));
	return list;
}

/* Add a step; the list may move. */
EventList *
step_list_add(EventList *list, TimestampTz at, NameBytes step)
{
	if (list->count == list->room)
		step_list_cut(list);
	return event_list_add(list, at, names_number(step_names(list), step));
}

/* Both states together. */
PG_FUNCTION_INFO_V1(step_list_combine);
Datum
step_list_combine(PG_FUNCTION_ARGS)
{
	const EventList *other = PG_ARGISNULL(1) ? NULL : PG_GETARG_EVENT_LIST_P(1);
	EventList  *list;

	if (other == NULL)
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_POINTER(PG_GETARG_POINTER(0));
	}
	list = step_list_begin(fcinfo, other->limit, other->mode);
	for (uint32 i = 0; i < other->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		list = step_list_add(list, other->events[i].at, step_names(other)->names[other->events[i].what]);
	}
	PG_RETURN_POINTER(list);
}

/* The state as bytes: the events, then length and bytes of each name. */
PG_FUNCTION_INFO_V1(step_list_serialize);
Datum
step_list_serialize(PG_FUNCTION_ARGS)
{
	const EventList *list = PG_GETARG_EVENT_LIST_P(0);
	const Names *names = step_names(list);
	Size		size = 0;
	bytea	   *bytes;
	char	   *end;

	for (uint32 i = 0; i < names->count; i++)
		size = add_size(size, add_size(sizeof(uint32), names->names[i].length));
	bytes = event_list_write(list, size);
	end = (char *) bytes + VARSIZE(bytes) - size;
	for (uint32 i = 0; i < names->count; i++)
	{
		NameBytes	name = names->names[i];

		memcpy(end, &name.length, sizeof(uint32));
		memcpy(end + sizeof(uint32), name.bytes, name.length);
		end += sizeof(uint32) + name.length;
	}
	PG_RETURN_BYTEA_P(bytes);
}

/* Raise an error unless bytes that are read are what was written. */
static void
step_list_check(bool is_sound)
{
	if (!is_sound)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("malformed list of steps")));
}

/* The names that lie in these bytes. */
static Names *
step_names_read(const char *bytes, Size length)
{
	Names	   *names = names_new(CurrentMemoryContext);

	while (length > 0)
	{
		NameBytes	name;
		uint32		number = names->count;

		step_list_check(length >= sizeof(uint32));
		memcpy(&name.length, bytes, sizeof(uint32));
		name.bytes = bytes + sizeof(uint32);
		length -= sizeof(uint32);
		step_list_check(name.length <= length);
		step_list_check(names_number(names, name) == number);
		length -= name.length;
		bytes = name.bytes + name.length;
	}
	return names;
}

/* The state out of such bytes. */
PG_FUNCTION_INFO_V1(step_list_deserialize);
Datum
step_list_deserialize(PG_FUNCTION_ARGS)
{
	const bytea *bytes = PG_GETARG_BYTEA_PP(0);
	Size		names;
	EventList  *list = event_list_read(bytes, &names);

	list->own = step_names_read(VARDATA_ANY(bytes) + names, VARSIZE_ANY_EXHDR(bytes) - names);
	step_list_check((list->mode & ~(STEPS_COLLAPSED | STEPS_UNTIL)) == 0 && list->conditions == 0 &&
					((list->mode & STEPS_UNTIL) != 0 || list->limit >= 1));
	for (uint32 i = 0; i < list->count; i++)
		step_list_check(!TIMESTAMP_NOT_FINITE(list->events[i].at) && list->events[i].what < step_names(list)->count);
	PG_RETURN_POINTER(list);
}
