/*-------------------------------------------------------------------------
 *
 * event_pile.h
 *	  Events of many customers as they come, put on piles by customer.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_EVENT_PILE_H
#define CX_EVENT_PILE_H

#include "journey/customer_event.h"

/* One pile: events whose keys begin with the same bits, in blocks. */
typedef struct EventPile
{
	struct EventBlock *last;	/* the block that is being filled, NULL if none */
	CustomerEvent *next;		/* room for an event in it */
	CustomerEvent *end;			/* the end of it */
	uint64		full;			/* events in the blocks before */
} EventPile;

/* The events. */
typedef struct EventPiles
{
	MemoryContext context;		/* of all this */
	CustomerEvent *recent;		/* the latest events, not on piles yet */
	uint32		recent_count;	/* how many */
	uint32		recent_room;	/* how many fit */
	EventPile  *piles;			/* NULL as long as all events are recent */
	uint64		count;			/* events on piles */
	Size		size;			/* bytes that the piles take */
} EventPiles;

/* What sorting a pile takes; one serves all piles. */
typedef struct PileRoom
{
	CustomerEvent *events;		/* the events of a pile */
	CustomerEvent *spare;		/* room for as many */
	uint64		room;			/* how many fit */
} PileRoom;

/* All events. */
static inline uint64
event_piles_count(const EventPiles *piles)
{
	return piles->count + piles->recent_count;
}

extern int	event_piles_number(const EventPiles *piles);
extern bool event_piles_make_room(EventPiles *piles, Size limit);
extern void event_piles_clear(EventPiles *piles);
extern CustomerEvent *event_piles_all(const EventPiles *piles);
extern CustomerEvent *event_pile_in_order(EventPiles *piles, int pile, PileRoom *room, uint64 *count);
extern void pile_room_free(PileRoom *room);

#endif							/* CX_EVENT_PILE_H */
