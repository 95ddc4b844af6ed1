/*-------------------------------------------------------------------------
 *
 * clock.h
 *	  Hours and days of a time zone's clock.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_CLOCK_H
#define CX_CLOCK_H

#include "datatype/timestamp.h"
#include "pgtime.h"
#include "utils/date.h"

/* A zone and a span of time over which its clock is not changed. */
typedef struct Clock
{
	pg_tz	   *zone;
	TimestampTz start;			/* first instant of the span */
	TimestampTz end;			/* first instant after it; not above start if unused */
	int64		offset;			/* local time minus universal time in the span, microseconds */
} Clock;

extern void clock_find_span(Clock *clock, TimestampTz at);
extern pg_time_t clock_next_change(pg_tz *zone, pg_time_t from, int64 *offset);

/* The start of the hour that an instant falls in: date_trunc('hour', at, zone). */
static inline TimestampTz
clock_hour(Clock *clock, TimestampTz at)
{
	int64		local;
	int64		past;			/* microseconds since the hour began */

	if (unlikely(at < clock->start || at >= clock->end))
		clock_find_span(clock, at);
	local = at + clock->offset;
	past = local % USECS_PER_HOUR;
	return at - (past < 0 ? past + USECS_PER_HOUR : past);
}

/* The day on the calendar of the zone that an instant falls in: (at AT TIME ZONE zone)::date. */
static inline DateADT
clock_day(Clock *clock, TimestampTz at)
{
	int64		local;

	if (unlikely(at < clock->start || at >= clock->end))
		clock_find_span(clock, at);
	local = at + clock->offset;
	return (DateADT) (local / USECS_PER_DAY - (local % USECS_PER_DAY < 0 ? 1 : 0));
}

#endif							/* CX_CLOCK_H */
