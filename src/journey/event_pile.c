/*-------------------------------------------------------------------------
 *
 * event_pile.c
 *	  Events of many customers as they come, put on piles by customer.
 *
 * The latest events are kept as they came; when they are thousands they go on
 * piles, by the first bits of their customers' keys.  So each pile is sorted
 * within the processor's cache, and no second copy of all events is needed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "journey/event_pile.h"

#define PILE_BITS 9
#define PILES (1 << PILE_BITS)
#define FIRST_RECENT 64			/* events */
#define MOST_RECENT 8192
#define FIRST_BLOCK 64
#define LARGEST_BLOCK 2048

/* Some events of a pile. */
typedef struct EventBlock
{
	struct EventBlock *before;	/* the block filled before, NULL if none */
	uint64		room;			/* events that fit */
	CustomerEvent events[FLEXIBLE_ARRAY_MEMBER];
} EventBlock;

/* How much memory a block of so many events takes. */
static Size
block_size(uint64 room)
{
	return offsetof(EventBlock, events) + room * sizeof(CustomerEvent);
}

/* The most that putting the recent events on piles may take. */
static Size
piles_growth(const EventPiles *piles)
{
	return piles->piles == NULL ? PILES * (sizeof(EventPile) + block_size(FIRST_BLOCK)) + MOST_RECENT * 2 * sizeof(CustomerEvent) :
		PILES * block_size(FIRST_BLOCK) + MOST_RECENT * 2 * sizeof(CustomerEvent);
}

/* How many piles there are; events that are all recent make one. */
int
event_piles_number(const EventPiles *piles)
{
	return piles->piles == NULL ? 1 : PILES;
}

/* Give a pile another block. */
static void
pile_grow(EventPiles *piles, EventPile *pile)
{
	uint64		room = pile->last == NULL ? FIRST_BLOCK : Min(pile->last->room * 2, LARGEST_BLOCK);
	EventBlock *block = MemoryContextAlloc(piles->context, block_size(room));

	if (pile->last != NULL)
		pile->full += pile->last->room;
	block->before = pile->last;
	block->room = room;
	pile->last = block;
	pile->next = block->events;
	pile->end = block->events + room;
	piles->size += block_size(room);
}

/* Put the recent events on piles. */
static void
pile_up(EventPiles *piles)
{
	if (piles->piles == NULL)
	{
		piles->piles = MemoryContextAllocZero(piles->context, PILES * sizeof(EventPile));
		piles->size = PILES * sizeof(EventPile);
	}
	for (uint32 i = 0; i < piles->recent_count; i++)
	{
		EventPile  *pile = &piles->piles[piles->recent[i].key >> (64 - PILE_BITS)];

		if (pile->next == pile->end)
			pile_grow(piles, pile);
		*pile->next++ = piles->recent[i];
	}
	piles->count += piles->recent_count;
	piles->recent_count = 0;
}

/* Make room for another event; false if that would take more memory than the limit, and there are events to give up. */
bool
event_piles_make_room(EventPiles *piles, Size limit)
{
	uint32		room = piles->recent == NULL ? FIRST_RECENT : piles->recent_room * 2;

	if (piles->recent_count < piles->recent_room)
		return true;
	if (room > MOST_RECENT)
	{
		if (piles->size + piles_growth(piles) > limit)
			return false;
		pile_up(piles);
		return true;
	}
	if (piles->recent != NULL && room * sizeof(CustomerEvent) > limit)
		return false;
	piles->recent = piles->recent == NULL ?
		MemoryContextAlloc(piles->context, room * sizeof(CustomerEvent)) :
		repalloc(piles->recent, room * sizeof(CustomerEvent));
	piles->recent_room = room;
	return true;
}

/* Take all events away. */
void
event_piles_clear(EventPiles *piles)
{
	for (int i = 0; piles->piles != NULL && i < PILES; i++)
		for (EventBlock *block = piles->piles[i].last; block != NULL;)
		{
			EventBlock *before = block->before;

			pfree(block);
			block = before;
		}
	if (piles->piles != NULL)
		pfree(piles->piles);
	piles->piles = NULL;
	piles->size = 0;
	piles->count = 0;
	piles->recent_count = 0;
}

/* How many events are on a pile. */
static uint64
pile_count(const EventPile *pile)
{
	return pile->last == NULL ? 0 : pile->full + (pile->next - pile->last->events);
}

/* Copy the events of a pile, in the order in which they came. */
static void
pile_copy(const EventPile *pile, CustomerEvent *events)
{
	uint64		count = pile_count(pile);
	const CustomerEvent *end = pile->next;

	for (const EventBlock *block = pile->last; block != NULL; block = block->before)
	{
		if (block != pile->last)
			end = block->events + block->room;
		count -= end - block->events;
		memcpy(events + count, block->events, (end - block->events) * sizeof(CustomerEvent));
	}
}

/* A copy of all events. */
CustomerEvent *
event_piles_all(const EventPiles *piles)
{
	CustomerEvent *events = customer_events_new(event_piles_count(piles));
	CustomerEvent *next = events;

	for (int i = 0; piles->piles != NULL && i < PILES; i++)
	{
		CHECK_FOR_INTERRUPTS();
		pile_copy(&piles->piles[i], next);
		next += pile_count(&piles->piles[i]);
	}
	if (piles->recent_count > 0)
		memcpy(next, piles->recent, piles->recent_count * sizeof(CustomerEvent));
	return events;
}

/* Make room to sort so many events. */
static void
pile_room_reserve(PileRoom *room, uint64 count)
{
	if (count <= room->room)
		return;
	pile_room_free(room);
	room->room = count + count / 8;
	room->events = customer_events_new(room->room);
	room->spare = customer_events_new(room->room);
}

/* Give memory back. */
void
pile_room_free(PileRoom *room)
{
	if (room->events != NULL)
		pfree(room->events);
	if (room->spare != NULL)
		pfree(room->spare);
	*room = (PileRoom) {0};
}

/* The events of a pile in order, in the room; piles follow each other in that order. */
CustomerEvent *
event_pile_in_order(EventPiles *piles, int pile, PileRoom *room, uint64 *count)
{
	if (piles->piles == NULL)
	{
		*count = piles->recent_count;
		pile_room_reserve(room, *count);
		if (*count > 0)
			memcpy(room->events, piles->recent, *count * sizeof(CustomerEvent));
	}
	else
	{
		if (piles->recent_count > 0)
			pile_up(piles);
		*count = pile_count(&piles->piles[pile]);
		pile_room_reserve(room, *count);
		pile_copy(&piles->piles[pile], room->events);
	}
	customer_events_sort(room->events, room->spare, *count);
	return room->events;
}
