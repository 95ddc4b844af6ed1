/*-------------------------------------------------------------------------
 *
 * calendar.c
 *	  Open time of business calendars: business_seconds() and add_business_time().
 *
 * A calendar is open at an instant when the clock of its zone, read at that
 * instant, shows a day and a time of day within one of the day's half-open
 * intervals [opens_at, closes_at).  Everything here rests on one function: the
 * open time from the start of the count to an instant.  By local time that is
 * whole weeks, a correction by the exceptions before it, and a part of a day.
 * Over a span in which the clock is not changed local time runs evenly, so there
 * open time and open local time differ by a constant; the constants of all spans
 * up to the latest instant asked for are kept.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/int.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "measure/unix_time.h"
#include "program/clock.h"
#include "program/program.h"
#include "resolve/opening_hours.h"

/* More days than clocks differ. */
#define CLOCK_DAYS 30

/* Open time of a day up to a time of day. */
static int64
opening_until(const OpeningDay *day, int64 time)
{
	int			low = 0;
	int			high = day->count;	/* hours from here on begin later */

	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (day->hours[middle].opens <= time)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return 0;
	return day->hours[low - 1].before + Min(time, day->hours[low - 1].closes) - day->hours[low - 1].opens;
}

/* Earliest time of a day up to which it is open for that long, which is more than nothing. */
static int64
opening_reach(const OpeningDay *day, int64 open)
{
	int			low = 0;
	int			high = day->count - 1;	/* the last of the hours that begin before */

	Assert(open > 0 && open <= day->open);
	while (low < high)
	{
		int			middle = (low + high + 1) / 2;

		if (day->hours[middle].before < open)
			low = middle;
		else
			high = middle - 1;
	}
	return day->hours[low].opens + open - day->hours[low].before;
}

/* The first exception that is not before a day. */
static const ExceptionDay *
exception_from(const Calendar *calendar, int64 day)
{
	int			low = 0;
	int			high = calendar->exception_count;

	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (calendar->exceptions[middle].day < day)
			low = middle + 1;
		else
			high = middle;
	}
	return &calendar->exceptions[low];
}

/* The first exception up to whose day it is open for at least that long. */
static const ExceptionDay *
exception_reaching(const Calendar *calendar, int64 open)
{
	int			low = 0;
	int			high = calendar->exception_count;

	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (calendar->exceptions[middle].open_before < open)
			low = middle + 1;
		else
			high = middle;
	}
	return &calendar->exceptions[low];
}

/* Open local time from the start of the count to a local time. */
static int64
local_open(const Calendar *calendar, int64 local)
{
	int64		day = floor_divide(local, USECS_PER_DAY);
	const ExceptionDay *next = exception_from(calendar, day);
	const OpeningDay *opening = next->day == day ? &next->opening : calendar_weekday(calendar, day);

	return calendar_weeks_open(calendar, day) + next->correction + opening_until(opening, local - day * USECS_PER_DAY);
}

/* Earliest local time up to which the weeks alone are open for that long. */
static int64
weeks_reach(const Calendar *calendar, int64 open)
{
	int64		week;
	int			weekday = 6;

	if (calendar->open_per_week <= 0)
		elog(ERROR, "calendar \"%s\" is not open for that long", calendar->code);
	week = floor_divide(open - 1, calendar->open_per_week);
	open -= week * calendar->open_per_week;
	while (calendar->open_before[weekday] >= open)
		weekday--;
	/* 2000-01-03 was a Monday */
	return (2 + week * 7 + weekday) * USECS_PER_DAY + opening_reach(&calendar->weekdays[weekday], open - calendar->open_before[weekday]);
}

/* Earliest local time with that much open local time before it; there must be one. */
static int64
local_reach(const Calendar *calendar, int64 open)
{
	const ExceptionDay *next = exception_reaching(calendar, open);

	/* on the exception before? */
	if (next > calendar->exceptions && open <= next[-1].open_before + next[-1].opening.open)
		return next[-1].day * USECS_PER_DAY + opening_reach(&next[-1].opening, open - next[-1].open_before);
	return weeks_reach(calendar, open - next->correction);
}

/* Open time from the start of the count to an instant within a span. */
static inline int64
span_open(const Calendar *calendar, const ClockSpan *span, TimestampTz at)
{
	return local_open(calendar, at + span->offset) + span->correction;
}

/* Open time from the start of the count to the end of the spans known so far. */
static int64
spans_open(const Calendar *calendar)
{
	Assert(calendar->span_count > 0);
	return span_open(calendar, &calendar->spans[calendar->span_count - 1], calendar->spans_end);
}

/* Add a span to a calendar. */
static void
calendar_add_span(Calendar *calendar, int64 offset)
{
	ClockSpan	span = {.start = calendar->spans_end, .offset = offset};

	if (calendar->span_count == calendar->span_room)
	{
		calendar->spans = (ClockSpan *) repalloc_huge(calendar->spans, 2 * calendar->span_room * sizeof(ClockSpan));
		calendar->span_room *= 2;
	}
	span.open_before = calendar->span_count == 0 ? local_open(calendar, span.start + offset) : spans_open(calendar);
	span.correction = span.open_before - local_open(calendar, span.start + offset);
	calendar->spans[calendar->span_count++] = span;
}

/* Go on to the next change of the clock, at most to the end of time. */
static void
calendar_extend(Calendar *calendar)
{
	int64		offset;
	pg_time_t	change = clock_next_change(calendar->zone, unix_seconds(calendar->spans_end), &offset);

	CHECK_FOR_INTERRUPTS();
	if (calendar->span_count == 0 || calendar->spans[calendar->span_count - 1].offset != offset)
		calendar_add_span(calendar, offset);
	calendar->spans_end = change < unix_seconds(END_TIMESTAMP) ? from_unix_seconds(change) : END_TIMESTAMP;
}

/* Open time from the start of the count to an instant. */
static int64
calendar_open(Calendar *calendar, TimestampTz at)
{
	int			low = 0;
	int			high;

	while (unlikely(at >= calendar->spans_end))
		calendar_extend(calendar);
	high = calendar->span_count - 1;
	while (low < high)
	{
		int			middle = (low + high + 1) / 2;

		if (calendar->spans[middle].start <= at)
			low = middle;
		else
			high = middle - 1;
	}
	return span_open(calendar, &calendar->spans[low], at);
}

/* Whether it is closed for good after the spans known so far. */
static bool
calendar_has_ended(const Calendar *calendar)
{
	if (calendar->spans_end >= END_TIMESTAMP)
		return true;
	return calendar->open_per_week == 0 &&
		calendar->spans_end / USECS_PER_DAY - CLOCK_DAYS > calendar->exceptions[calendar->exception_count - 1].day;
}

/* Earliest instant with that much open time before it, which is more than at the least timestamp; false if there is none. */
static bool
calendar_reach(Calendar *calendar, int64 open, TimestampTz *reached)
{
	int			low = 0;
	int			high;

	while (spans_open(calendar) < open)
	{
		if (calendar_has_ended(calendar))
			return false;
		calendar_extend(calendar);
	}
	high = calendar->span_count - 1;
	while (low < high)
	{
		int			middle = (low + high + 1) / 2;

		if (calendar->spans[middle].open_before < open)
			low = middle;
		else
			high = middle - 1;
	}
	*reached = local_reach(calendar, open - calendar->spans[low].correction) - calendar->spans[low].offset;
	return IS_VALID_TIMESTAMP(*reached);
}

/* Raise an error for times without an end. */
static inline void
require_finite(TimestampTz at)
{
	if (unlikely(TIMESTAMP_NOT_FINITE(at)))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("business time from or to infinity is not defined"),
				 errhint("Give the time at which it happened.")));
}

/* Raise an error for a result that no calendar reaches, or this one does not. */
pg_noreturn static void
out_of_reach(const Calendar *calendar)
{
	if (calendar->open_per_week > 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("timestamp out of range"),
				 errhint("Give a shorter duration.")));
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("calendar \"%s\" is not open for that long", calendar->code),
			 errhint("It opens on single days only: add rows to %s.calendar_hours.", PROGRAM_SCHEMA)));
}

/* Whether a calendar is always open, so that a day is 24 hours of it. */
static bool
calendar_is_always_open(const Calendar *calendar)
{
	return calendar->open_per_week == 7 * USECS_PER_DAY && calendar->exception_count == 0;
}

/* A duration of open time. */
static int64
business_length(const Calendar *calendar, const Interval *duration)
{
	int64		length;

	if (INTERVAL_NOT_FINITE(duration))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("business time cannot be infinite"),
				 errhint("Write hours, such as '8 hours'.")));
	if (duration->month != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a month of business time has no fixed length"),
				 errhint("Write hours, such as '160 hours'.")));
	if (duration->day != 0 && !calendar_is_always_open(calendar))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a day of business time has no fixed length"),
				 errhint("Write hours, such as '8 hours'.")));
	if (pg_mul_s64_overflow(duration->day, USECS_PER_DAY, &length) || pg_add_s64_overflow(length, duration->time, &length))
		out_of_reach(calendar);
	return length;
}

/* Open seconds of a calendar between two instants: business_seconds(started_at, ended_at, calendar). */
PG_FUNCTION_INFO_V1(business_seconds);
Datum
business_seconds(PG_FUNCTION_ARGS)
{
	TimestampTz started_at = PG_GETARG_TIMESTAMPTZ(0);
	TimestampTz ended_at = PG_GETARG_TIMESTAMPTZ(1);
	Calendar   *calendar = calendar_find(PG_GETARG_TEXT_PP(2));
	int64		before;
	int64		after;

	require_finite(started_at);
	require_finite(ended_at);
	before = calendar_open(calendar, started_at);
	after = calendar_open(calendar, ended_at);
	/* all of time does not fit into a signed number */
	if (after < before)
		PG_RETURN_FLOAT8(-((double) ((uint64) before - (uint64) after) / USECS_PER_SEC));
	PG_RETURN_FLOAT8((double) ((uint64) after - (uint64) before) / USECS_PER_SEC);
}

/* Earliest or, backwards, latest instant that much open time away: add_business_time(at, duration, calendar). */
PG_FUNCTION_INFO_V1(add_business_time);
Datum
add_business_time(PG_FUNCTION_ARGS)
{
	TimestampTz at = PG_GETARG_TIMESTAMPTZ(0);
	Interval   *duration = PG_GETARG_INTERVAL_P(1);
	Calendar   *calendar = calendar_find(PG_GETARG_TEXT_PP(2));
	int64		length = business_length(calendar, duration);
	int64		open;
	TimestampTz reached;

	require_finite(at);
	if (length == 0)
		PG_RETURN_TIMESTAMPTZ(at);
	if (pg_add_s64_overflow(calendar_open(calendar, at), length, &open) || open < calendar->spans[0].open_before)
		out_of_reach(calendar);
	/* the latest instant with so much before it is the last one before the earliest with more */
	if (!calendar_reach(calendar, length < 0 ? open + 1 : open, &reached))
		out_of_reach(calendar);
	PG_RETURN_TIMESTAMPTZ(length < 0 ? reached - 1 : reached);
}
