/*-------------------------------------------------------------------------
 *
 * sequence.c
 *	  sequence_match and sequence_count: patterns in the order of events.
 *
 * An event is a row with a time that meets at least one condition; rows that
 * meet none or have no time are not events and are not stored.  A NULL
 * condition is not met.  Events are put in order of time; within one instant
 * those that meet condition 1 come first, among them and then those that meet
 * condition 2, and so on.  The order of arrival never matters.
 *
 * A pattern consists of
 *		(?N)		an event that meets condition N
 *		.			any event
 *		.*			any number of events, none too
 *		(?t<=3600)	the seconds, with <, <=, >, >= or ==, between the event
 *					matched before it and the one matched after it, between
 *					which any other events may lie
 * Elements with neither .* nor a time condition between them match events that
 * follow each other directly; all that stands between two elements holds
 * together.  White space between elements is ignored.  A pattern may begin at
 * any event, so .* in front or at the end changes nothing.
 *
 * sequence_match is whether the pattern occurs.  sequence_count is how many
 * matches there are that do not overlap: each is counted at the earliest event
 * at which one can end, and the search starts anew after that event.  One event
 * serves one element of a match.  Without a row that has a time both are NULL.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "compat.h"
#include "journey/event_list.h"
#include "journey/sequence_pattern.h"

/* EventList: mode is whether a row had a time, own is the pattern. */
#define HAS_TIME 1

/* The pattern in an argument. */
static const text *
sequence_pattern_argument(FunctionCallInfo fcinfo, int position)
{
	if (PG_ARGISNULL(position))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("pattern must not be null"),
				 errhint("Give one such as '(?1).*(?2)', or leave the row out with FILTER.")));
	return PG_GETARG_TEXT_PP(position);
}

/* Make sure that all rows of a group ask for the same. */
static void
sequence_check_same(const EventList *list, const text *source, int conditions)
{
	if (sequence_pattern_is(list->own, source, conditions))
		return;
	if (list->conditions != conditions)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("number of conditions must be the same for all rows of a group"),
				 errhint("Give false for a condition that a row cannot meet.")));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("pattern must be the same for all rows of a group"),
			 errhint("GROUP BY the pattern, or call the aggregate once for each.")));
}

/* The pattern, read once for all groups of this call; a different one is read into the memory context. */
static SequencePattern *
sequence_pattern_for(FunctionCallInfo fcinfo, MemoryContext context, const text *source, int conditions)
{
	FmgrInfo   *call = fcinfo->flinfo;

	if (call->fn_extra == NULL)
		call->fn_extra = sequence_pattern_read(call->fn_mcxt, source, conditions);
	if (sequence_pattern_is(call->fn_extra, source, conditions))
		return call->fn_extra;
	return sequence_pattern_read(context, source, conditions);
}

/* The state of a group without rows. */
static EventList *
sequence_new(FunctionCallInfo fcinfo, const text *source, int conditions)
{
	EventList  *list = event_list_new(event_context(fcinfo));

	list->own = sequence_pattern_for(fcinfo, event_context(fcinfo), source, conditions);
	list->conditions = (uint8) conditions;
	return list;
}

/* Transition of sequence_match and sequence_count. */
PG_FUNCTION_INFO_V1(sequence_add);
Datum
sequence_add(PG_FUNCTION_ARGS)
{
	EventList  *list = PG_ARGISNULL(0) ? NULL : PG_GETARG_EVENT_LIST_P(0);
	const text *source = sequence_pattern_argument(fcinfo, 1);
	TimestampTz at;
	int			conditions;
	uint64		met = event_conditions(fcinfo, 3, &conditions);

	if (list == NULL)
		list = sequence_new(fcinfo, source, conditions);
	else
		sequence_check_same(list, source, conditions);
	if (event_time(fcinfo, 2, &at))
	{
		list->mode = HAS_TIME;
		if (met != 0)
			list = event_list_add(list, at, met);
	}
	PG_RETURN_POINTER(list);
}

/* Both states together. */
PG_FUNCTION_INFO_V1(sequence_combine);
Datum
sequence_combine(PG_FUNCTION_ARGS)
{
	EventList  *list = PG_ARGISNULL(0) ? NULL : PG_GETARG_EVENT_LIST_P(0);
	const EventList *other = PG_ARGISNULL(1) ? NULL : PG_GETARG_EVENT_LIST_P(1);

	if (other == NULL && list == NULL)
		PG_RETURN_NULL();
	if (other == NULL)
		PG_RETURN_POINTER(list);
	if (list == NULL)
		list = sequence_new(fcinfo, sequence_pattern_source(other->own), other->conditions);
	else
		sequence_check_same(list, sequence_pattern_source(other->own), other->conditions);
	list->mode |= other->mode;
	PG_RETURN_POINTER(event_list_merge(list, other));
}

/* A state as bytes: the events, then the pattern. */
PG_FUNCTION_INFO_V1(sequence_write);
Datum
sequence_write(PG_FUNCTION_ARGS)
{
	const EventList *list = PG_GETARG_EVENT_LIST_P(0);
	const text *source = sequence_pattern_source(list->own);
	Size		length = VARSIZE_ANY_EXHDR(source);
	bytea	   *bytes = event_list_write(list, length);

	memcpy((char *) bytes + VARSIZE(bytes) - length, VARDATA_ANY(source), length);
	PG_RETURN_BYTEA_P(bytes);
}

/* Whether a list is one that sequence_add can have made. */
static bool
sequence_is_valid(const EventList *list)
{
	if (list->conditions < 1 || list->conditions > MOST_CONDITIONS ||
		list->mode > HAS_TIME || (list->count > 0 && list->mode != HAS_TIME))
		return false;
	for (uint32 i = 0; i < list->count; i++)
	{
		const Event *event = &list->events[i];

		if (TIMESTAMP_NOT_FINITE(event->at) || event->what == 0 || event->what >> list->conditions != 0)
			return false;
		if (list->is_sorted && i > 0 && event_is_before(event, event - 1))
			return false;
	}
	return true;
}

/* A state out of such bytes. */
PG_FUNCTION_INFO_V1(sequence_read);
Datum
sequence_read(PG_FUNCTION_ARGS)
{
	const bytea *bytes = PG_GETARG_BYTEA_PP(0);
	Size		pattern;
	EventList  *list = event_list_read(bytes, &pattern);
	const text *source = cstring_to_text_with_len(VARDATA_ANY(bytes) + pattern,
												  (int) (VARSIZE_ANY_EXHDR(bytes) - pattern));

	if (!sequence_is_valid(list))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("malformed list of events")));
	list->own = sequence_pattern_for(fcinfo, CurrentMemoryContext, source, list->conditions);
	PG_RETURN_POINTER(list);
}

/* Put the matches in a state into a number, up to so many; false if there was no row with a time. */
static bool
sequence_find(FunctionCallInfo fcinfo, int64 most, int64 *matches)
{
	EventList  *list = PG_ARGISNULL(0) ? NULL : PG_GETARG_EVENT_LIST_P(0);

	if (list == NULL || list->mode != HAS_TIME)
		return false;
	event_list_sort(list);
	*matches = sequence_pattern_count(list->own, list->events, list->count, most);
	return true;
}

/* Whether the pattern occurs. */
PG_FUNCTION_INFO_V1(sequence_match_final);
Datum
sequence_match_final(PG_FUNCTION_ARGS)
{
	int64		matches;

	if (!sequence_find(fcinfo, 1, &matches))
		PG_RETURN_NULL();
	PG_RETURN_BOOL(matches > 0);
}

/* How often the pattern occurs. */
PG_FUNCTION_INFO_V1(sequence_count_final);
Datum
sequence_count_final(PG_FUNCTION_ARGS)
{
	int64		matches;

	if (!sequence_find(fcinfo, PG_INT64_MAX, &matches))
		PG_RETURN_NULL();
	PG_RETURN_INT64(matches);
}
