/*-------------------------------------------------------------------------
 *
 * opening_hours.h
 *	  Business calendars in memory, made for counting open time.
 *
 * All times are microseconds.  Days are counted from 2000-01-01, as type date
 * does, and local times from its start.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_OPENING_HOURS_H
#define CX_OPENING_HOURS_H

#include "datatype/timestamp.h"
#include "pgtime.h"
#include "utils/date.h"

/* Part of a day that is open. */
typedef struct OpenHours
{
	int64		opens;			/* time of day */
	int64		closes;			/* time of day, the first that is closed */
	int64		before;			/* open time of the day before it */
} OpenHours;

/* A day: its open hours in their order, which neither overlap nor touch. */
typedef struct OpeningDay
{
	OpenHours  *hours;
	int			count;
	int64		open;			/* open time of the whole day */
} OpeningDay;

/* A day that is not like its weekday. */
typedef struct ExceptionDay
{
	DateADT		day;
	OpeningDay	opening;
	int64		correction;		/* what the exceptions before it are open more than their weekdays */
	int64		open_before;	/* open local time from the start of the count to that of the day */
} ExceptionDay;

/* A span of time over which the clock is not changed; it lasts until the next one. */
typedef struct ClockSpan
{
	TimestampTz start;
	int64		offset;			/* local time minus universal time */
	int64		open_before;	/* open time from the start of the count to that of the span */
	int64		correction;		/* the same less open local time: constant over the span */
} ClockSpan;

/* A calendar, and the spans of its clock as far as they were needed. */
typedef struct Calendar
{
	char	   *code;
	pg_tz	   *zone;
	OpeningDay	weekdays[7];	/* from Monday */
	int64		open_before[7]; /* open time of the week before each of them */
	int64		open_per_week;
	ExceptionDay *exceptions;	/* in their order; the last one stands for the end of time */
	int			exception_count;	/* without that one */
	ClockSpan  *spans;			/* in their order, from the least timestamp on */
	int			span_count;
	int			span_room;
	TimestampTz spans_end;		/* first instant after the spans */
} Calendar;

extern Calendar *calendar_find(text *code);

/* Division that rounds down. */
static inline int64
floor_divide(int64 dividend, int64 divisor)
{
	return dividend / divisor - (dividend % divisor < 0);
}

/* Open local time from the start of the count to that of a day, as if there were no exceptions. */
static inline int64
calendar_weeks_open(const Calendar *calendar, int64 day)
{
	/* 2000-01-03 was a Monday */
	int64		week = floor_divide(day - 2, 7);

	return week * calendar->open_per_week + calendar->open_before[day - 2 - week * 7];
}

/* How a day is opened as a day of the week. */
static inline const OpeningDay *
calendar_weekday(const Calendar *calendar, int64 day)
{
	return &calendar->weekdays[day - 2 - floor_divide(day - 2, 7) * 7];
}

#endif							/* CX_OPENING_HOURS_H */
