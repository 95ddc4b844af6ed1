/*-------------------------------------------------------------------------
 *
 * funnel_counts.h
 *	  The state of funnel_counts: the events of all customers.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_FUNNEL_COUNTS_H
#define CX_FUNNEL_COUNTS_H

#include "journey/event_pile.h"
#include "journey/event_run.h"
#include "journey/funnel_level.h"

#define MOST_DIRECT_STEPS EVENT_CODE_BITS	/* up to here the code of an event is its steps */
#define CODE_SLOTS (EVENT_CODES * 2)

/* Codes for sets of steps that have no room in an event. */
typedef struct StepCodes
{
	uint32		count;			/* codes given */
	uint64		steps[EVENT_CODES]; /* by code */
	uint16		slots[CODE_SLOTS];	/* hash table: code + 1, 0 if free */
} StepCodes;

/* The transition state. */
typedef struct FunnelCounts
{
	Funnel		funnel;
	Interval	window;			/* that of the funnel as it was given */
	bool		is_named;		/* whether customers have names instead of numbers */
	bool		can_spill;		/* whether files would be closed in time */
	MemoryContext context;		/* of all this */
	Names	   *names;			/* of the customers in events, or NULL */
	StepCodes  *codes;			/* NULL if the code of an event is its steps */
	EventPiles	events;			/* those at hand */
	EventRun  **runs;			/* what came before */
	int			run_count;
	int			run_room;
	Size		run_size;		/* bytes of those in memory */
} FunnelCounts;

/* The steps that the codes of a state stand for; NULL if a code is the steps. */
static inline uint64 *
funnel_counts_steps(const FunnelCounts *state)
{
	return state->codes == NULL ? NULL : state->codes->steps;
}

extern EventRun *funnel_counts_run(FunnelCounts *state);
extern void funnel_counts_levels(FunnelCounts *state, int64 *levels);

#endif							/* CX_FUNNEL_COUNTS_H */
