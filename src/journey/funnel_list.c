/*-------------------------------------------------------------------------
 *
 * funnel_list.c
 *	  The events of one customer in a funnel.
 *
 * Events may come in any order; the list remembers whether they came in order
 * and is sorted when it is read.  That changes the order only, never what is
 * in it, so a final function may do it in the state.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "compat.h"
#include "journey/funnel_list.h"

#define FIRST_ROOM 5			/* words: with the head 64 bytes, as much as a power of two holds */

StaticAssertDecl(offsetof(FunnelList, words) + FIRST_ROOM * sizeof(uint64) == 64, "a new funnel list fills its memory");

/* Sorts moments; a list of millions can be interrupted. */
#define ST_SORT sort_moments
#define ST_ELEMENT_TYPE uint64
#define ST_COMPARE(a, b) (*(a) < *(b) ? -1 : *(a) > *(b))
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#define ST_DECLARE
#include "lib/sort_template.h"

/* How much memory a list of so many words takes. */
static Size
funnel_list_size(uint64 words)
{
	return add_size(offsetof(FunnelList, words), mul_size(words, sizeof(uint64)));
}

/* How many words the events of a list take. */
static uint64
funnel_list_words(const FunnelList *list)
{
	return (uint64) list->count << list->is_wide;
}

/* An empty list. */
FunnelList *
funnel_list_new(MemoryContext context, const Funnel *funnel)
{
	FunnelList *list = MemoryContextAlloc(context, funnel_list_size(FIRST_ROOM));

	list->count = 0;
	list->room = FIRST_ROOM;
	list->window = funnel->window;
	list->mode = (uint8) funnel->mode;
	list->steps = (uint8) funnel->steps;
	list->is_sorted = true;
	list->is_wide = funnel->steps > EVENT_CODE_BITS;
	return list;
}

/* Make room for so many words; the list moves. */
FunnelList *
funnel_list_grow(FunnelList *list, uint64 words)
{
	uint64		room = list->room;

	/* with the head each is a power of two, which is what memory comes in */
	while (room < words)
		room = room * 2 + 3;
	if (room > PG_UINT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a group has too many events: %u", list->count)));
	list = repalloc_huge(list, funnel_list_size(room));
	list->room = (uint32) room;
	return list;
}

/* Give each event two words; the list may move. */
static FunnelList *
funnel_list_widen(FunnelList *list)
{
	if (list->is_wide)
		return list;
	if ((uint64) list->count * 2 > list->room)
		list = funnel_list_grow(list, (uint64) list->count * 2);
	for (uint32 i = list->count; i-- > 0;)
	{
		uint64		moment = list->words[i];

		list->words[2 * (uint64) i] = (uint64) moment_time(moment);
		list->words[2 * (uint64) i + 1] = moment_code(moment);
	}
	list->is_wide = true;
	return list;
}

/* Add an event of which a moment does not hold the steps or the time; the list may move. */
FunnelList *
funnel_list_add_other(FunnelList *list, TimestampTz at, uint64 steps)
{
	uint64		words;

	list = funnel_list_widen(list);
	words = funnel_list_words(list);
	if (words + 2 > list->room)
		list = funnel_list_grow(list, words + 2);
	if (words > 0 && at < (TimestampTz) list->words[words - 2])
		list->is_sorted = false;
	list->words[words] = (uint64) at;
	list->words[words + 1] = steps;
	list->count++;
	return list;
}

/* The first list with the events of the other one added; it may move. */
FunnelList *
funnel_list_merge(FunnelList *list, const FunnelList *other)
{
	for (uint32 i = 0; i < other->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (other->is_wide)
			list = funnel_list_add(list, (TimestampTz) other->words[2 * (uint64) i], other->words[2 * (uint64) i + 1]);
		else
			list = funnel_list_add(list, moment_time(other->words[i]), moment_code(other->words[i]));
	}
	return list;
}

/* The events in order, which stand in the list, in the scratch if there is room, or in new memory. */
const Event *
funnel_list_events(FunnelList *list, Event *scratch, uint32 scratch_room)
{
	Event	   *events = scratch;

	if (!list->is_sorted && list->is_wide)
		events_sort((Event *) list->words, list->count);
	else if (!list->is_sorted)
		sort_moments(list->words, list->count);
	list->is_sorted = true;
	if (list->is_wide)
		return (const Event *) list->words;
	if (list->count > scratch_room)
		events = palloc_extended(mul_size(list->count, sizeof(Event)), MCXT_ALLOC_HUGE);
	for (uint32 i = 0; i < list->count; i++)
		events[i] = moment_event(list->words[i], NULL);
	return events;
}

/* A list as bytes for another process of this server. */
bytea *
funnel_list_write(const FunnelList *list)
{
	return events_write(list, funnel_list_size(funnel_list_words(list)), 0, list->count);
}

/* A list out of such bytes. */
FunnelList *
funnel_list_read(const bytea *bytes)
{
	Size		length = VARSIZE_ANY_EXHDR(bytes);
	FunnelList	head = {0};
	FunnelList *list;

	if (length >= offsetof(FunnelList, words))
		memcpy(&head, VARDATA_ANY(bytes), offsetof(FunnelList, words));
	if (length < offsetof(FunnelList, words) || length != funnel_list_size(funnel_list_words(&head)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("malformed list of events")));
	list = MemoryContextAllocHuge(CurrentMemoryContext, length);
	memcpy(list, VARDATA_ANY(bytes), length);
	list->room = (uint32) funnel_list_words(&head);
	return list;
}
