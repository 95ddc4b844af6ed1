/*-------------------------------------------------------------------------
 *
 * unix_time.h
 *	  Between the server's instants and the seconds that time zones are kept in.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_UNIX_TIME_H
#define CX_UNIX_TIME_H

#include "datatype/timestamp.h"
#include "pgtime.h"

/* Seconds from the start of 1970 to that of 2000. */
#define UNIX_TIME_OF_2000 ((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY)

/* The seconds since 1970 at or before this instant. */
static inline pg_time_t
unix_seconds(TimestampTz at)
{
	return at / USECS_PER_SEC - (at % USECS_PER_SEC < 0) + UNIX_TIME_OF_2000;
}

/* The same backwards: microseconds since 2000. */
static inline TimestampTz
from_unix_seconds(pg_time_t seconds)
{
	return (seconds - UNIX_TIME_OF_2000) * USECS_PER_SEC;
}

#endif							/* CX_UNIX_TIME_H */
