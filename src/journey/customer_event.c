/*-------------------------------------------------------------------------
 *
 * customer_event.c
 *	  Puts events of many customers in order.
 *
 * By customer with a radix sort that looks only at the bits in which customers
 * differ; within a customer, whose events are few and near each other in
 * memory, by comparison, and only where they did not come in order.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/memutils.h"

#include "journey/customer_event.h"

#define DIGIT_BITS 11
#define DIGITS (1 << DIGIT_BITS)
#define PIECE 0x100000			/* events between two looks for an interrupt */

#define ST_SORT event_sort
#define ST_ELEMENT_TYPE CustomerEvent
#define ST_COMPARE(a, b) (((a)->moment > (b)->moment) - ((a)->moment < (b)->moment))
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

/* The bits in which customers differ. */
static uint64
customers_differ(const CustomerEvent *events, uint64 count)
{
	uint64		differ = 0;

	for (uint64 i = 1; i < count; i++)
		differ |= events[i].customer ^ events[0].customer;
	return differ;
}

/* Distribute the events by a digit of the customer, keeping the order of those with the same. */
static void
distribute(const CustomerEvent *from, CustomerEvent *to, uint64 count, int shift)
{
	uint64		places[DIGITS] = {0};
	uint64		place = 0;

	for (uint64 i = 0; i < count; i++)
		places[from[i].customer >> shift & (DIGITS - 1)]++;
	for (int digit = 0; digit < DIGITS; digit++)
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
			to[places[from[i].customer >> shift & (DIGITS - 1)]++] = from[i];
	}
}

/* Put each customer's events in order. */
static void
order_moments(CustomerEvent *events, uint64 count)
{
	uint64		end;

	for (uint64 start = 0; start < count; start = end)
	{
		bool		is_sorted = true;

		CHECK_FOR_INTERRUPTS();
		for (end = start + 1; end < count && events[end].customer == events[start].customer; end++)
			is_sorted &= events[end].moment >= events[end - 1].moment;
		if (!is_sorted)
			event_sort(&events[start], end - start);
	}
}

/* Order events by customer, then moment; spare has room for as many. */
void
customer_events_sort(CustomerEvent *events, CustomerEvent *spare, uint64 count)
{
	uint64		differ = customers_differ(events, count);
	CustomerEvent *from = events;
	CustomerEvent *to = spare;

	while (differ != 0)
	{
		int			shift = pg_rightmost_one_pos64(differ);
		CustomerEvent *swap = from;

		distribute(from, to, count, shift);
		from = to;
		to = swap;
		differ &= ~((uint64) (DIGITS - 1) << shift);
	}
	if (from != events)
		memcpy(events, from, count * sizeof(CustomerEvent));
	order_moments(events, count);
}
