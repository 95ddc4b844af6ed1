/*-------------------------------------------------------------------------
 *
 * customer_event.c
 *	  Puts events of many customers in order.
 *
 * By key with a radix sort that looks at as many bits as it takes to tell most
 * customers apart; where keys agree in these, which are few events and near each
 * other in memory, by comparison, and only where they did not come in order.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/memutils.h"

#include "journey/customer_event.h"

#define MOST_DIGIT_BITS 11
#define SPARE_BITS 3			/* beyond those of the count, so that few customers are alike */
#define PIECE 0x100000			/* events between two looks for an interrupt */

/* Order of two events: by key, then moment. */
static inline int
compare_events(const CustomerEvent *a, const CustomerEvent *b)
{
	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return (a->moment > b->moment) - (a->moment < b->moment);
}

#define ST_SORT event_sort
#define ST_ELEMENT_TYPE CustomerEvent
#define ST_COMPARE(a, b) compare_events(a, b)
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#define ST_DECLARE
#include "lib/sort_template.h"

/* Memory for so many events. */
CustomerEvent *
customer_events_new(uint64 count)
{
	return palloc_extended(mul_size(Max(count, 1), sizeof(CustomerEvent)), MCXT_ALLOC_HUGE);
}

/* The bits in which keys differ. */
static uint64
keys_differ(const CustomerEvent *events, uint64 count)
{
	uint64		differ = 0;

	for (uint64 i = 1; i < count; i++)
		differ |= events[i].key ^ events[0].key;
	return differ;
}

/* Distribute the events by a digit of the key, keeping the order of those with the same. */
static void
distribute(const CustomerEvent *from, CustomerEvent *to, uint64 count, int shift, int bits)
{
	uint64		places[1 << MOST_DIGIT_BITS];
	uint64		mask = (UINT64CONST(1) << bits) - 1;
	uint64		place = 0;

	memset(places, 0, (mask + 1) * sizeof(uint64));
	for (uint64 i = 0; i < count; i++)
		places[from[i].key >> shift & mask]++;
	for (uint64 digit = 0; digit <= mask; digit++)
	{
		uint64		events = places[digit];

		places[digit] = place;
		place += events;
	}
	for (uint64 start = 0; start < count; start += PIECE)
	{
		uint64		end = Min(start + PIECE, count);

		CHECK_FOR_INTERRUPTS();
		for (uint64 i = start; i < end; i++)
			to[places[from[i].key >> shift & mask]++] = from[i];
	}
}

/* Put events in order that are so by all bits of the key from this one up. */
static void
order_alike(CustomerEvent *events, uint64 count, int shift)
{
	uint64		end;

	for (uint64 start = 0; start < count; start = end)
	{
		bool		is_sorted = true;

		CHECK_FOR_INTERRUPTS();
		for (end = start + 1; end < count && (events[end].key ^ events[start].key) >> shift == 0; end++)
			is_sorted &= compare_events(&events[end - 1], &events[end]) <= 0;
		if (!is_sorted)
			event_sort(&events[start], end - start);
	}
}

/* Order events by key, then moment; spare has room for as many. */
void
customer_events_sort(CustomerEvent *events, CustomerEvent *spare, uint64 count)
{
	uint64		differ = keys_differ(events, count);
	int			end = differ == 0 ? 0 : pg_leftmost_one_pos64(differ) + 1;
	int			sorted = count == 0 ? 0 : Min(end, pg_leftmost_one_pos64(count) + SPARE_BITS);
	int			passes = (sorted + MOST_DIGIT_BITS - 1) / MOST_DIGIT_BITS;
	int			shift = end - sorted;
	CustomerEvent *from = events;
	CustomerEvent *to = spare;

	for (; passes > 0; passes--)
	{
		int			bits = (end - shift + passes - 1) / passes;
		CustomerEvent *swap = from;

		distribute(from, to, count, shift, bits);
		shift += bits;
		from = to;
		to = swap;
	}
	if (from != events)
		memcpy(events, from, count * sizeof(CustomerEvent));
	order_alike(events, count, end - sorted);
}
