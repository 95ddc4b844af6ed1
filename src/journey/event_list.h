/*-------------------------------------------------------------------------
 *
 * event_list.h
 *	  The events of one group: what aggregates over sequences collect.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_EVENT_LIST_H
#define CX_EVENT_LIST_H

#include "fmgr.h"
#include "utils/timestamp.h"

#include "compat.h"

#define MOST_CONDITIONS 32		/* steps of a funnel, conditions of a pattern */

/* Something that happened at a time: 16 bytes. */
typedef struct Event
{
	TimestampTz at;				/* when, finite */
	uint64		what;			/* a bit for each condition that it meets, the first one lowest; or the number of its name */
} Event;

/*
 * The transition state: what the call was told about all rows of the group,
 * and the events in one piece of memory with it, so that a small group touches
 * few cache lines.  Adding may move it.
 */
typedef struct EventList
{
	uint32		count;			/* events kept */
	uint32		room;			/* events that fit */
	int64		limit;			/* of the call: a length of time, an instant or a number */
	void	   *own;			/* of the call: what belongs to one aggregate only */
	uint8		mode;			/* of the call */
	uint8		conditions;		/* of the call: how many, 0 if what is a name */
	bool		is_sorted;		/* whether the events are in order */
	Event		events[FLEXIBLE_ARRAY_MEMBER];
} EventList;

#define PG_GETARG_EVENT_LIST_P(n) ((EventList *) PG_GETARG_POINTER(n))

extern MemoryContext event_context(FunctionCallInfo fcinfo);
extern EventList *event_list_new(MemoryContext context);
extern EventList *event_list_grow(EventList *list, uint64 count);
extern void events_sort(Event *events, uint32 count);
extern void event_list_sort(EventList *list);
extern EventList *event_list_merge(EventList *list, const EventList *other);
extern bytea *events_write(const void *state, Size size, Size extra, uint32 count);
extern bytea *event_list_write(const EventList *list, Size extra);
extern EventList *event_list_read(const bytea *bytes, Size *extra);

pg_noreturn extern void event_time_infinite(void);
extern void event_check_conditions(FunctionCallInfo fcinfo, int position);
extern uint64 event_conditions_other(FunctionCallInfo fcinfo, int position, int *count);

/* Raise an error if the time of an event is infinite. */
static inline void
event_check_time(TimestampTz at)
{
	if (TIMESTAMP_NOT_FINITE(at))
		event_time_infinite();
}

/* The time in an argument; false if it is NULL. */
static inline bool
event_time(FunctionCallInfo fcinfo, int position, TimestampTz *at)
{
	if (PG_ARGISNULL(position))
		return false;
	*at = PG_GETARG_TIMESTAMPTZ(position);
	event_check_time(*at);
	return true;
}

/* A bit for each of so many conditions from this argument on that is true. */
static inline uint64
event_conditions_met(FunctionCallInfo fcinfo, int position, int count)
{
	uint64		met = 0;

	for (int i = 0; i < count; i++)
		met |= (uint64) (!PG_ARGISNULL(position + i) && PG_GETARG_BOOL(position + i)) << i;
	return met;
}

/*
 * The conditions from this argument on: a bit for each that is true, and how
 * many there are.  Given one by one they cost half of what an array of them
 * costs, which the server would make anew for each row; that is why aggregates
 * declare them VARIADIC "any".
 */
static inline uint64
event_conditions(FunctionCallInfo fcinfo, int position, int *count)
{
	*count = PG_NARGS() - position;
	if (*count > 1 && *count <= MOST_CONDITIONS)
		return event_conditions_met(fcinfo, position, *count);
	return event_conditions_other(fcinfo, position, count);
}

/* Whether a comes before b: by time, then the one with the lowest bit that the other lacks. */
static inline bool
event_is_before(const Event *a, const Event *b)
{
	uint64		differ = a->what ^ b->what;

	if (a->at != b->at)
		return a->at < b->at;
	return (a->what & differ & -differ) != 0;
}

/* Add an event; the list may move. */
static inline EventList *
event_list_add(EventList *list, TimestampTz at, uint64 what)
{
	Event	   *event;

	if (list->count == list->room)
		list = event_list_grow(list, (uint64) list->count + 1);
	event = &list->events[list->count];
	event->at = at;
	event->what = what;
	if (list->count > 0 && event_is_before(event, event - 1))
		list->is_sorted = false;
	list->count++;
	return list;
}

#endif							/* CX_EVENT_LIST_H */
