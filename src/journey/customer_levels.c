/*-------------------------------------------------------------------------
 *
 * customer_levels.c
 *	  How many of the customers in a state of funnel_counts go how far.
 *
 * Events that are all at hand are sorted pile by pile.  What is in runs is in
 * order already and is read side by side.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/binaryheap.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "journey/funnel_counts.h"

/* Count customers by level; the events are in order, and the list, which may move, is for those of one. */
static EventList *
count_in_order(const FunnelCounts *state, const CustomerEvent *events, uint64 count, EventList *list, int64 *levels)
{
	const uint64 *steps = funnel_counts_steps(state);
	uint64		end;

	for (uint64 start = 0; start < count; start = end)
	{
		CHECK_FOR_INTERRUPTS();
		end = customer_events_end(events, count, start);
		if (end - start > list->room)
			list = event_list_grow(list, end - start);
		for (uint64 i = start; i < end; i++)
			list->events[i - start] = moment_event(events[i].moment, steps);
		levels[funnel_level(&state->funnel, list->events, (uint32) (end - start))]++;
	}
	return list;
}

/* Count customers by level where all events are at hand. */
static void
count_events(FunnelCounts *state, int64 *levels)
{
	EventList  *list = event_list_new(CurrentMemoryContext);
	PileRoom	room = {0};

	for (int pile = 0; pile < event_piles_number(&state->events); pile++)
	{
		uint64		count;
		const CustomerEvent *events = event_pile_in_order(&state->events, pile, &room, &count);

		list = count_in_order(state, events, count, list, levels);
	}
	pile_room_free(&room);
	pfree(list);
}

/* Order of runs in a heap, which has the greatest on top. */
static int
run_order(Datum a, Datum b, void *argument)
{
	return event_run_compare((EventRun *) DatumGetPointer(b), (EventRun *) DatumGetPointer(a));
}

/* A heap of runs, each at its first customer. */
static binaryheap *
heap_of_runs(EventRun **runs, int run_count)
{
	binaryheap *heap = binaryheap_allocate(run_count, run_order, NULL);

	for (int i = 0; i < run_count; i++)
	{
		event_run_rewind(runs[i]);
		if (!runs[i]->is_at_end)
			binaryheap_add_unordered(heap, PointerGetDatum(runs[i]));
	}
	binaryheap_build(heap);
	return heap;
}

/* Add the events of the customer on top of the heap to a list, which may move, from all runs. */
static EventList *
next_customer(binaryheap *heap, EventRun *customer, EventList *list)
{
	EventRun   *run = (EventRun *) DatumGetPointer(binaryheap_first(heap));

	event_run_remember(customer, run);
	do
	{
		list = event_run_read(run, list);
		if (run->is_at_end)
			(void) binaryheap_remove_first(heap);
		else
			binaryheap_replace_first(heap, PointerGetDatum(run));
		if (binaryheap_empty(heap))
			break;
		run = (EventRun *) DatumGetPointer(binaryheap_first(heap));
	} while (event_run_compare(customer, run) == 0);
	return list;
}

/* Count customers by level, reading all runs side by side. */
static void
merge_runs(FunnelCounts *state, EventRun **runs, int run_count, int64 *levels)
{
	binaryheap *heap = heap_of_runs(runs, run_count);
	EventRun   *customer = event_run_new(state->is_named, NULL);
	EventList  *list = event_list_new(CurrentMemoryContext);

	while (!binaryheap_empty(heap))
	{
		CHECK_FOR_INTERRUPTS();
		list->count = 0;
		list->is_sorted = true;
		list = next_customer(heap, customer, list);
		event_list_sort(list);
		levels[funnel_level(&state->funnel, list->events, list->count)]++;
	}
	pfree(list);
	event_run_free(customer);
	binaryheap_free(heap);
}

/* Count customers by level where some of the events are in runs. */
static void
count_runs(FunnelCounts *state, int64 *levels)
{
	EventRun  **runs = palloc((state->run_count + 1) * sizeof(EventRun *));
	EventRun   *last = NULL;
	int			count = state->run_count;

	memcpy(runs, state->runs, count * sizeof(EventRun *));
	if (event_piles_count(&state->events) > 0)
	{
		last = funnel_counts_run(state);
		runs[count++] = last;
	}
	merge_runs(state, runs, count, levels);
	if (last != NULL)
		event_run_free(last);
	pfree(runs);
}

/* How many customers reach which level. */
void
funnel_counts_levels(FunnelCounts *state, int64 *levels)
{
	if (state->run_count == 0)
		count_events(state, levels);
	else
		count_runs(state, levels);
}
