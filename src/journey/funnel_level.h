/*-------------------------------------------------------------------------
 *
 * funnel_level.h
 *	  How far the events of one customer go in a funnel.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_FUNNEL_LEVEL_H
#define CX_FUNNEL_LEVEL_H

#include "compat.h"
#include "journey/event_list.h"

/* What a chain of events must fulfil besides the order of its steps. */
typedef enum FunnelMode
{
	FUNNEL_DEFAULT,
	FUNNEL_STRICT_ORDER,		/* no other event lies between two that follow each other */
	FUNNEL_STRICT_ONCE,			/* an event serves one step only */
	FUNNEL_STRICT_INCREASE		/* each event is later than the one before */
} FunnelMode;

/* A funnel. */
typedef struct Funnel
{
	int64		window;			/* microseconds from step 1 that a chain may last, 0 or more */
	FunnelMode	mode;
	int			steps;			/* 1..MOST_CONDITIONS */
} Funnel;

/* Whether events that meet no step matter. */
static inline bool
funnel_needs_others(FunnelMode mode)
{
	return mode == FUNNEL_STRICT_ORDER;
}

pg_noreturn extern void funnel_differs(const Funnel *first, const Funnel *other);
extern int64 funnel_window(FunctionCallInfo fcinfo, int position);
extern FunnelMode funnel_mode(FunctionCallInfo fcinfo, int position);
extern int funnel_level(const Funnel *funnel, const Event *events, uint32 count);
extern int funnel_chain(const Funnel *funnel, const Event *events, uint32 count, TimestampTz *times);

/* Make sure that all rows of a group ask for the same funnel. */
static inline void
funnel_check_same(const Funnel *first, const Funnel *other)
{
	if (first->window != other->window || first->mode != other->mode || first->steps != other->steps)
		funnel_differs(first, other);
}

/* The window in an argument, which is most often that of the row before; -1 if there was none. */
static inline int64
funnel_same_window(FunctionCallInfo fcinfo, int position, int64 before)
{
	const Interval *window = PG_ARGISNULL(position) ? NULL : PG_GETARG_INTERVAL_P(position);

	if (before >= 0 && window != NULL && window->month == 0 && window->day == before / USECS_PER_DAY &&
		window->time == before % USECS_PER_DAY)
		return before;
	return funnel_window(fcinfo, position);
}

#endif							/* CX_FUNNEL_LEVEL_H */
