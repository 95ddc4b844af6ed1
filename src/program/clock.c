/*-------------------------------------------------------------------------
 *
 * clock.c
 *	  Finds when the clock of a time zone is changed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"


#include "measure/unix_time.h"
#include "program/clock.h"

/* Longer than between two changes of the clock in all zones that change it each year. */
#define CLOCK_LOOK_BACK (400 * USECS_PER_DAY)

/* Set the span around an instant. */
void
clock_find_span(Clock *clock, TimestampTz at)
{
	pg_time_t	from = unix_seconds(at - CLOCK_LOOK_BACK);
	pg_time_t	now = unix_seconds(at);
	pg_time_t	boundary;
	long		offset;
	long		offset_after;
	int			isdst;
	int			isdst_after;
	int			found;

	while ((found = pg_next_dst_boundary(&from, &offset, &isdst, &boundary, &offset_after, &isdst_after,
										 clock->zone)) > 0 && boundary <= now)
		from = boundary;
	if (found < 0)
		elog(ERROR, "cannot find the local time of time zone \"%s\"", pg_get_timezone_name(clock->zone));

	clock->start = from_unix_seconds(from);
	clock->end = found > 0 ? from_unix_seconds(boundary) : PG_INT64_MAX;
	clock->offset = offset * USECS_PER_SEC;
}
