/*-------------------------------------------------------------------------
 *
 * duration.c
 *	  Lengths of time that depend on no time zone.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "measure/duration.h"

#define MOST_DAYS 36525000		/* 100,000 years */

/* A length of time in microseconds, at least so many; a day is 24 hours. */
int64
exact_duration(const Interval *length, const char *name, int64 least)
{
	if (length == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be null", name)));
	if (length->month != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must not have months or years", name),
				 errhint("Their length varies; give days, such as interval '30 days'.")));
	/* each part is bounded first, so that their sum cannot overflow */
	if (length->day < -MOST_DAYS || length->day > MOST_DAYS ||
		length->time < -MOST_DAYS * USECS_PER_DAY || length->time > MOST_DAYS * USECS_PER_DAY ||
		length->day * USECS_PER_DAY + length->time < least)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be %s and at most %d days", name, least > 0 ? "positive" : "0 or more", MOST_DAYS)));
	return length->day * USECS_PER_DAY + length->time;
}
