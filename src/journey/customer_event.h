/*-------------------------------------------------------------------------
 *
 * customer_event.h
 *	  Events of many customers, 16 bytes each, and their order.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_CUSTOMER_EVENT_H
#define CX_CUSTOMER_EVENT_H

#include "journey/event_list.h"

#define EVENT_CODE_BITS 10		/* of moment: what the event is */
#define EVENT_CODES (1 << EVENT_CODE_BITS)

/* Microseconds from 2000 that fit beside the code: the years 1714 to 2285. */
#define EVENT_TIME_LIMIT (INT64CONST(1) << (63 - EVENT_CODE_BITS))

/* One event. */
typedef struct CustomerEvent
{
	uint64		key;			/* of the customer */
	uint64		moment;			/* when and what: time in the high bits, code in the low ones; orders by time */
} CustomerEvent;

#define KEY_FACTOR UINT64CONST(0x9e3779b97f4a7c15)
#define KEY_INVERSE UINT64CONST(0xf1de83e19937733d)	/* KEY_FACTOR * KEY_INVERSE = 1 modulo 2^64 */

/* The key of a customer with this number: another one for each, and spread evenly, so that a few of its bits tell customers apart. */
static inline uint64
customer_key(uint64 customer)
{
	return customer * KEY_FACTOR;
}

/* The number of the customer with this key. */
static inline uint64
customer_of_key(uint64 key)
{
	return key * KEY_INVERSE;
}

/* Whether a moment holds a time. */
static inline bool
moment_holds(TimestampTz at)
{
	return at >= -EVENT_TIME_LIMIT && at < EVENT_TIME_LIMIT;
}

/* A time and a code together. */
static inline uint64
moment_of(TimestampTz at, uint32 code)
{
	return ((uint64) at + EVENT_TIME_LIMIT) << EVENT_CODE_BITS | code;
}

/* The time in a moment. */
static inline TimestampTz
moment_time(uint64 moment)
{
	return (TimestampTz) (moment >> EVENT_CODE_BITS) - EVENT_TIME_LIMIT;
}

/* The code in a moment. */
static inline uint32
moment_code(uint64 moment)
{
	return (uint32) (moment % EVENT_CODES);
}

/* The event that a moment is; steps are those of each code, NULL if a code is the steps. */
static inline Event
moment_event(uint64 moment, const uint64 *steps)
{
	uint32		code = moment_code(moment);

	return (Event) {.at = moment_time(moment), .what = steps == NULL ? code : steps[code]};
}

/* Where the events of the customer end that begin here, in a sorted array. */
static inline uint64
customer_events_end(const CustomerEvent *events, uint64 count, uint64 start)
{
	uint64		end = start + 1;

	while (end < count && events[end].key == events[start].key)
		end++;
	return end;
}

extern CustomerEvent *customer_events_new(uint64 count);
extern void customer_events_sort(CustomerEvent *events, CustomerEvent *spare, uint64 count);

#endif							/* CX_CUSTOMER_EVENT_H */
