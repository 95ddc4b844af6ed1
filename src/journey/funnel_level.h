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
extern FunnelMode funnel_mode(FunctionCallInfo fcinfo, int position);
extern int funnel_level(const Funnel *funnel, const Event *events, uint32 count);
extern int funnel_chain(const Funnel *funnel, const Event *events, uint32 count, TimestampTz *times);

#endif							/* CX_FUNNEL_LEVEL_H */
