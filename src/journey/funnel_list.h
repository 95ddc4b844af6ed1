/*-------------------------------------------------------------------------
 *
 * funnel_list.h
 *	  The events of one customer in a funnel.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_FUNNEL_LIST_H
#define CX_FUNNEL_LIST_H

#include "journey/customer_event.h"
#include "journey/funnel_level.h"

/*
 * The transition state of window_funnel: the funnel, and the events in one
 * piece of memory with it.  Most events fit into 8 bytes, as a moment, so that
 * the states of many customers fit into the caches; with more steps than that
 * has bits for, or times centuries away, all take 16.  Adding may move the list.
 */
typedef struct FunnelList
{
	uint32		count;			/* events kept */
	uint32		room;			/* words that fit */
	int64		window;			/* of the funnel, microseconds */
	uint8		mode;			/* of the funnel */
	uint8		steps;			/* of the funnel */
	bool		is_sorted;		/* whether the events are in order */
	bool		is_wide;		/* whether an event is two words, its time and its steps, instead of a moment */
	uint64		words[FLEXIBLE_ARRAY_MEMBER];
} FunnelList;

extern FunnelList *funnel_list_new(MemoryContext context, const Funnel *funnel);
extern FunnelList *funnel_list_grow(FunnelList *list, uint64 words);
extern FunnelList *funnel_list_add_other(FunnelList *list, TimestampTz at, uint64 steps);
extern FunnelList *funnel_list_merge(FunnelList *list, const FunnelList *other);
extern const Event *funnel_list_events(FunnelList *list, Event *scratch, uint32 scratch_room);
extern bytea *funnel_list_write(const FunnelList *list);
extern FunnelList *funnel_list_read(const bytea *bytes);

/* The funnel that a list is of. */
static inline Funnel
funnel_list_funnel(const FunnelList *list)
{
	return (Funnel) {.window = list->window, .mode = (FunnelMode) list->mode, .steps = list->steps};
}

/* Add an event; the list may move. */
static inline FunnelList *
funnel_list_add(FunnelList *list, TimestampTz at, uint64 steps)
{
	uint64		moment = moment_of(at, (uint32) steps);

	if (unlikely(list->is_wide || !moment_holds(at)))
		return funnel_list_add_other(list, at, steps);
	if (list->count == list->room)
		list = funnel_list_grow(list, (uint64) list->count + 1);
	if (list->count > 0 && moment < list->words[list->count - 1])
		list->is_sorted = false;
	list->words[list->count++] = moment;
	return list;
}

#endif							/* CX_FUNNEL_LIST_H */
