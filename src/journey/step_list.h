/*-------------------------------------------------------------------------
 *
 * step_list.h
 *	  Events with names: the steps or states of one group.
 *
 * An EventList whose own is the names and whose events are told apart by the
 * numbers of their names.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_STEP_LIST_H
#define CX_STEP_LIST_H

#include "compat.h"
#include "journey/event_list.h"
#include "journey/names.h"

/* What the mode of the list says. */
#define STEPS_COLLAPSED 1		/* repeats that follow each other are one step */
#define STEPS_UNTIL 2			/* the limit is an instant; else how many steps are asked for */

#define STEPS_ALL PG_INT64_MAX	/* the limit if there is none */

/* The name of a step in a text. */
static inline NameBytes
step_name(const text *step)
{
	NameBytes	name = {VARDATA_ANY(step), VARSIZE_ANY_EXHDR(step)};

	return name;
}

/* The names of the steps. */
static inline Names *
step_names(const EventList *list)
{
	return (Names *) list->own;
}

/* Whether the event is a step of its own, in a list in order. */
static inline bool
step_begins(const EventList *list, uint32 event)
{
	return event == 0 || (list->mode & STEPS_COLLAPSED) == 0 ||
		list->events[event].what != list->events[event - 1].what;
}

extern EventList *step_list_begin(FunctionCallInfo fcinfo, int64 limit, uint8 mode);
extern EventList *step_list_add(EventList *list, TimestampTz at, NameBytes step);
extern void step_list_sort(EventList *list);
extern uint32 step_list_reach(const EventList *list);

#endif							/* CX_STEP_LIST_H */
