/*-------------------------------------------------------------------------
 *
 * survival_list.c
 *	  Customers by duration, as aggregates collect them.
 *
 * Durations come in any order, and most of them again and again: months, days.
 * A list counts a customer at the point of his duration if it remembers where
 * that is, and else appends a point.  When it is full it is put in order, and
 * points of one time are joined; it grows only if more than half of it is left.
 * So it takes 24 to 48 bytes for each different duration, however many
 * customers there are.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "common/int.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/memutils.h"

#include "measure/duration.h"
#include "predict/survival.h"

#define FIRST_ROOM 8			/* points */
#define RECENT_ROOM 64			/* points from which on the list remembers where they are */
#define MOST_RECENT 65536		/* points that it remembers, what a processor keeps at hand */

/* Sorts points; millions can be interrupted. */
#define ST_SORT point_sort
#define ST_ELEMENT_TYPE SurvivalPoint
#define ST_COMPARE(a, b) ((a)->time < (b)->time ? -1 : (a)->time > (b)->time)
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#define ST_DECLARE
#include "lib/sort_template.h"

/* The duration itself, after making sure that it is finite and not negative; minus zero is zero. */
double
survival_duration(double duration)
{
	if (!(duration >= 0) || isinf(duration))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 duration < 0 ? errmsg("duration %g is negative", duration) : errmsg("duration %g is not finite", duration),
				 errhint("Give the time from the start to the end, or for those who stay to when they were last seen.")));
	return duration + 0.0;
}

/* The length of time in an argument, in days of 24 hours. */
double
survival_interval_argument(FunctionCallInfo fcinfo, int position)
{
	return (double) exact_duration(PG_GETARG_INTERVAL_P(position), "duration", 0) / USECS_PER_DAY;
}

/* An empty list. */
SurvivalList *
survival_list_new(MemoryContext context)
{
	SurvivalList *list = MemoryContextAllocZero(context, sizeof(SurvivalList));

	list->context = context;
	list->room = FIRST_ROOM;
	list->points = MemoryContextAlloc(context, FIRST_ROOM * sizeof(SurvivalPoint));
	return list;
}

/* Join neighbours of one time. */
static void
join_points(SurvivalList *list)
{
	uint64		last = 0;

	for (uint64 i = 1; i < list->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (list->points[i].time != list->points[last].time)
			list->points[++last] = list->points[i];
		else
		{
			list->points[last].events += list->points[i].events;
			list->points[last].censored += list->points[i].censored;
		}
	}
	list->count = last + 1;
}

/* Merge the points behind those in order, which have been sorted, into them: from the end, where there is room. */
static void
merge_points(SurvivalList *list)
{
	uint64		left = list->ordered;
	uint64		right = list->count - list->ordered;
	SurvivalPoint *tail = palloc_extended(mul_size(right, sizeof(SurvivalPoint)), MCXT_ALLOC_HUGE);

	memcpy(tail, &list->points[left], right * sizeof(SurvivalPoint));
	while (right > 0)
	{
		CHECK_FOR_INTERRUPTS();
		if (left > 0 && list->points[left - 1].time > tail[right - 1].time)
		{
			list->points[left + right - 1] = list->points[left - 1];
			left--;
		}
		else
		{
			list->points[left + right - 1] = tail[right - 1];
			right--;
		}
	}
	pfree(tail);
}

/*
 * Put the points in order, one for each time.  That changes how they are
 * stored, never what they say, so a final function may do it in the state.
 */
void
survival_list_order(SurvivalList *list)
{
	if (list->ordered == list->count)
		return;
	point_sort(&list->points[list->ordered], list->count - list->ordered);
	if (list->ordered > 0)
		merge_points(list);
	join_points(list);
	list->ordered = list->count;
	if (list->count > MOST_SURVIVAL_POINTS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("more than %zu different durations", (Size) MOST_SURVIVAL_POINTS),
				 errhint("Round durations, such as to whole days.")));
}

/* Remember as many points as fit, but not more than a processor keeps at hand. */
static void
remember_points(SurvivalList *list)
{
	uint64		slots = Min(list->room, MOST_RECENT);
	Size		size = slots * sizeof(uint32);

	if (list->room < RECENT_ROOM || list->recent_shift == 64 - pg_leftmost_one_pos64(slots))
		return;
	list->recent = list->recent == NULL ? MemoryContextAlloc(list->context, size) : repalloc(list->recent, size);
	memset(list->recent, 0, size);
	list->recent_shift = 64 - pg_leftmost_one_pos64(slots);
}

/* Make room for so many more points. */
static void
survival_list_grow(SurvivalList *list, uint64 count)
{
	uint64		room = list->room;

	survival_list_order(list);
	while (list->count + count > room || list->count > room / 2)
		room *= 2;
	if (room > list->room)
		list->points = repalloc_huge(list->points, mul_size(room, sizeof(SurvivalPoint)));
	list->room = room;
	remember_points(list);
}

/* Add to a number of customers; error if there are too many to be counted. */
void
survival_count(int64 *customers, int64 more)
{
	if (unlikely(pg_add_s64_overflow(*customers, more, customers)))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("number of customers is out of range for type bigint")));
}

/* Where the list remembers a point of this time. */
static inline uint32 *
recent_slot(const SurvivalList *list, double time)
{
	uint64		bits;

	memcpy(&bits, &time, sizeof(bits));
	return &list->recent[(bits * UINT64CONST(0x9E3779B97F4A7C15)) >> list->recent_shift];
}

/* A point of this time, which is appended if the list does not know of one. */
static inline SurvivalPoint *
point_of(SurvivalList *list, double time)
{
	SurvivalPoint *point;

	if (list->recent != NULL)
	{
		uint32		position = *recent_slot(list, time);

		/* points may have moved since; the time tells */
		if (position < list->count && list->points[position].time == time)
			return &list->points[position];
	}
	if (list->count == list->room)
		survival_list_grow(list, 1);
	if (list->recent != NULL)
		*recent_slot(list, time) = (uint32) list->count;
	point = &list->points[list->count++];
	point->time = time;
	point->events = 0;
	point->censored = 0;
	return point;
}

/* Add a customer. */
void
survival_list_add(SurvivalList *list, double duration, bool ended)
{
	SurvivalPoint *point;

	survival_count(&list->customers, 1);
	point = point_of(list, survival_duration(duration));
	if (ended)
		point->events++;
	else
		point->censored++;
}

/* Add all customers of these points, which ascend and may lie at any address. */
void
survival_list_add_points(SurvivalList *list, const void *points, uint64 count)
{
	if (list->count + count > list->room)
		survival_list_grow(list, count);
	memcpy(&list->points[list->count], points, count * sizeof(SurvivalPoint));
	for (uint64 end = list->count + count; list->count < end; list->count++)
	{
		const SurvivalPoint *point = &list->points[list->count];

		CHECK_FOR_INTERRUPTS();
		survival_count(&list->customers, point->events);
		survival_count(&list->customers, point->censored);
		if (list->ordered == list->count && (list->count == 0 || point->time > point[-1].time))
			list->ordered++;
	}
}
