/*-------------------------------------------------------------------------
 *
 * seasonal_chart.c
 *	  A control chart for series with a weekly pattern: each observation against
 *	  those of the same weekday and time in the weeks before.
 *
 * What is usual is the median of these, so that a fault or a holiday among them
 * does no harm.  How far values usually lie from it is told by their median
 * absolute deviation (MAD), together with that of the observations next to them,
 * each from the median of its own kind: eight numbers alone would often tell too
 * little.  Where the caller knows the standard error that chance alone gives,
 * deviations are measured in it, as on Laney's charts; else a busy hour would
 * seem as steady as the quiet one before it.
 *
 * MAD as in Hampel, The influence curve and its role in robust estimation
 * (1974), with the correction of Croux and Rousseeuw (1992) for few numbers.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "miscadmin.h"
#include "utils/timestamp.h"

#include "watch/chart.h"

/* Fewest weeks before that an observation is compared with, and most. */
#define SEASON_LEAST 3
#define SEASON_MOST 104

/* Observations on either side of those compared with that help to tell how far values usually lie apart. */
#define SEASON_NEIGHBOURS 2

/* A normal distribution's standard deviation as a multiple of its MAD. */
#define SEASON_MAD 1.4826022185056018

/* Observations that are a signal together. */
#define SEASON_TOGETHER 3

/* The day of the week that holidays count as, Sunday as ISO 8601 numbers it. */
#define SEASON_HOLIDAY 7

/* An observation by the time of its week. */
typedef struct Seat
{
	int64		slot;
	int64		point;
} Seat;

/* Observations of one weekday and time. */
typedef struct Group
{
	int			count;
	double		values[SEASON_MOST];
	double		std_errors[SEASON_MOST];
	double		centre;			/* medians of these */
	double		std_error;
} Group;

/* The arguments. */
enum SeasonalArgument
{
	ARGUMENT_VALUE,
	ARGUMENT_AT,
	ARGUMENT_HOLIDAY,
	ARGUMENT_STD_ERROR,
	ARGUMENT_WEEKS,
	ARGUMENT_WIDTH
};

/* An observation with its time. */
static bool
read_seasonal(WindowObject window, int64 row, Point *point)
{
	Datum		at;
	Datum		argument;
	int64		day;

	if (!read_argument(window, ARGUMENT_AT, row, &at) || !read_value(window, row, point))
		return false;
	point->at = DatumGetTimestamp(at);
	if (TIMESTAMP_NOT_FINITE(point->at))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("the time of an observation cannot be infinite")));
	/* 2000-01-01, where timestamps begin, was a Saturday */
	day = point->at / USECS_PER_DAY - (point->at % USECS_PER_DAY < 0);
	point->slot = ((day + 5) % 7 + 7) % 7 + 1;
	if (read_argument(window, ARGUMENT_HOLIDAY, row, &argument) && DatumGetBool(argument))
		point->slot = SEASON_HOLIDAY;
	point->slot = point->slot * USECS_PER_DAY + (point->at - day * USECS_PER_DAY);
	/* where nothing is known of chance, all have the same */
	point->knows_chance = read_argument(window, ARGUMENT_STD_ERROR, row, &argument);
	point->std_error = point->knows_chance ? DatumGetFloat8(argument) : 1;
	if (!(point->std_error >= 0 && isfinite(point->std_error)))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("standard error %g of an observation is not a number from 0 up", point->std_error)));
	return true;
}

/* Order by time of the week, then by time. */
static int
seat_compare(const void *a, const void *b)
{
	const Seat *left = (const Seat *) a;
	const Seat *right = (const Seat *) b;

	if (left->slot != right->slot)
		return left->slot < right->slot ? -1 : 1;
	return (left->point > right->point) - (left->point < right->point);
}

/* Order of numbers. */
static int
number_compare(const void *a, const void *b)
{
	double		left = *(const double *) a;
	double		right = *(const double *) b;

	return (left > right) - (left < right);
}

/* The median of some numbers, which it puts in order. */
static double
median(double *numbers, int count)
{
	qsort(numbers, count, sizeof(double), number_compare);
	return count % 2 == 1 ? numbers[count / 2] : (numbers[count / 2 - 1] + numbers[count / 2]) / 2;
}

/* The time between two observations that follow each other: the shortest there is. */
static int64
season_step(const Chart *chart, const Point *points)
{
	int64		step = PG_INT64_MAX;

	for (int64 i = 1; i < chart->count; i++)
	{
		if (points[i].at < points[i - 1].at)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the observations of a seasonal chart are not in the order of their times"),
					 errhint("Use OVER (ORDER BY ...) with the expression that is the second argument.")));
		if (points[i].at > points[i - 1].at)
			step = Min(step, points[i].at - points[i - 1].at);
	}
	return step;
}

/* The observations so many steps away from those that one is compared with. */
static int
season_group(const Chart *chart, const Point *points, const Seat *before, int count, int64 until, int away, int64 step, Group *group)
{
	group->count = 0;
	for (int i = 0; i < count; i++)
	{
		int64		other = before[i].point + away;

		if (other < 0 || other >= until || points[other].at - points[before[i].point].at != away * step)
			continue;
		group->values[group->count] = points[other].value;
		group->std_errors[group->count++] = points[other].std_error;
	}
	if (group->count < SEASON_LEAST)
		return 0;
	group->centre = median(group->values, group->count);
	group->std_error = median(group->std_errors, group->count);
	return group->count;
}

/* Append how far the values of a group lie from their median, in standard errors; gives how many that makes. */
static int
season_add_deviations(double *deviations, int count, const Group *group)
{
	if (group->std_error > 0)
		for (int i = 0; i < group->count; i++)
			deviations[count++] = fabs(group->values[i] - group->centre) / group->std_error;
	return count;
}

/* Compare an observation with those before it. */
static void
season_compare(const Chart *chart, Point *points, const Seat *before, int count, int64 here, int64 step, double width)
{
	Group		group;
	double		deviations[SEASON_MOST * (2 * SEASON_NEIGHBOURS + 1)];
	Point	   *point = &points[here];
	int			deviation_count = 0;
	double		chance = 0;
	double		spread = 0;

	for (int away = -SEASON_NEIGHBOURS; away <= SEASON_NEIGHBOURS; away++)
	{
		if (season_group(chart, points, before, count, here, away, step, &group) > 0)
			deviation_count = season_add_deviations(deviations, deviation_count, &group);
		if (away == 0)
		{
			point->centre = group.centre;
			chance = Max(point->std_error, group.std_error);
		}
	}
	if (deviation_count > 0)
		spread = SEASON_MAD * median(deviations, deviation_count) * count / (count - 0.8);
	/* never less than what chance alone does, if that is known; and the median of few is uncertain too */
	spread = (point->knows_chance ? Max(spread, 1) : spread) * chance * sqrt(1 + M_PI / 2 / count);
	point->deviation = point->value == point->centre ? 0 : (point->value - point->centre) / spread;
	point->lower = point->centre - width * spread;
	point->upper = point->centre + width * spread;
}

/* Whether an observation and those just before it lie beyond the limits together, on one side. */
static bool
season_together(const Point *points, int64 here, int64 step, double width)
{
	double		sum = 0;

	if (here < SEASON_TOGETHER - 1)
		return false;
	for (int64 i = here - SEASON_TOGETHER + 1; i <= here; i++)
	{
		if (!(points[i].deviation * points[here].deviation > 0) || points[here].at - points[i].at != (here - i) * step)
			return false;
		sum += points[i].deviation;
	}
	return fabs(sum) > width * sqrt(SEASON_TOGETHER);
}

/* The observations by the time of the week. */
static Seat *
season_seats(const Chart *chart, const Point *points)
{
	Seat	   *seats = (Seat *) palloc(sizeof(Seat) * chart->count);

	for (int64 i = 0; i < chart->count; i++)
		seats[i] = (Seat) {points[i].slot, i};
	qsort(seats, chart->count, sizeof(Seat), seat_compare);
	return seats;
}

/* The chart. */
static void
draw_seasonal(WindowObject window, Chart *chart, Point *points)
{
	int			weeks = DatumGetInt32(chart_setting(window, ARGUMENT_WEEKS, "weeks"));
	double		width = chart_number(window, ARGUMENT_WIDTH, "width", 0, false, DBL_MAX);
	int64		step = season_step(chart, points);
	Seat	   *seats = season_seats(chart, points);
	int64		oldest = 0;

	if (weeks < SEASON_LEAST || weeks > SEASON_MOST / 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("weeks of a seasonal chart must be between %d and %d", SEASON_LEAST, SEASON_MOST / 2)));
	for (int64 i = 0; i < chart->count; i++)
	{
		Point	   *point = &points[seats[i].point];
		int64		end = i;

		CHECK_FOR_INTERRUPTS();
		/* an hour that comes twice when clocks go back is not its own example */
		while (end > 0 && seats[end - 1].slot == point->slot && points[seats[end - 1].point].at == point->at)
			end--;
		while (seats[oldest].slot != point->slot || points[seats[oldest].point].at < point->at - weeks * 7 * USECS_PER_DAY)
			oldest++;
		/* with holidays among them there may be more than there are weeks */
		if (end - oldest < SEASON_LEAST)
			point->centre = point->lower = point->upper = point->deviation = NAN;
		else
			season_compare(chart, points, &seats[Max(oldest, end - SEASON_MOST)], (int) Min(end - oldest, SEASON_MOST), seats[i].point, step, width);
	}
	for (int64 i = 0; i < chart->count; i++)
		points[i].signals = (fabs(points[i].deviation) > width ? SIGNAL_LIMITS : 0) |
			(season_together(points, i, step, width) ? SIGNAL_TOGETHER : 0);
	pfree(seats);
}

/* Values of a weekly pattern with limits. */
PG_FUNCTION_INFO_V1(seasonal_chart);
Datum
seasonal_chart(PG_FUNCTION_ARGS)
{
	return control_point(fcinfo, "seasonal_chart", read_seasonal, draw_seasonal);
}
