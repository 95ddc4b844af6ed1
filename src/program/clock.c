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

/*
 * Where the clock is changed next after an instant, the greatest number if it
 * never is again; and local time minus universal time until then, microseconds.
 */
pg_time_t
clock_next_change(pg_tz *zone, pg_time_t from, int64 *offset)
{
	pg_time_t	change;
	long		seconds;
	long		seconds_after;
	int			isdst;
	int			isdst_after;
	int			found = pg_next_dst_boundary(&from, &seconds, &isdst, &change, &seconds_after, &isdst_after, zone);

	/* of the last change it knows and of those that are whole 400 years later it says that no other follows */
	if (found == 0)
	{
		from++;
		found = pg_next_dst_boundary(&from, &seconds, &isdst, &change, &seconds_after, &isdst_after, zone);
	}
	if (found < 0)
		elog(ERROR, "cannot find the local time of time zone \"%s\"", pg_get_timezone_name(zone));
	*offset = seconds * USECS_PER_SEC;
	return found > 0 ? change : PG_INT64_MAX;
}

/* Set the span around an instant. */
void
clock_find_span(Clock *clock, TimestampTz at)
{
	pg_time_t	from = unix_seconds(at - CLOCK_LOOK_BACK);
	pg_time_t	now = unix_seconds(at);
	pg_time_t	change;

	while ((change = clock_next_change(clock->zone, from, &clock->offset)) <= now)
		from = change;
	clock->start = from_unix_seconds(from);
	clock->end = change == PG_INT64_MAX ? PG_INT64_MAX : from_unix_seconds(change);
}
