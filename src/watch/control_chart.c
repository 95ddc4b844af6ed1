/*-------------------------------------------------------------------------
 *
 * control_chart.c
 *	  Control charts as window functions over observations in order.
 *
 * Each looks at every row of the window partition, in the order of the window,
 * whatever its frame.  Rows without an observation are left out: they get NULL,
 * and what is next to them is next to each other.  The first row computes all
 * points; the others look theirs up.
 *
 * Definitions: Montgomery, Introduction to Statistical Quality Control (p chart,
 * individuals and moving ranges, EWMA with exact limits, tabular CUSUM); Laney,
 * Improved control charts for attributes (2002); Nelson, The Shewhart control
 * chart - tests for special causes (1984).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "measure/estimate.h"
#include "measure/tally.h"
#include "measure/tally_math.h"
#include "measure/window.h"

/* Expected range of two standard normal observations, 2 / sqrt(pi). */
#define CHART_D2 1.1283791670955126

/* Upper limit of a moving range as a multiple of its mean: 1 + 3 * sqrt(2 - 4 / pi) / d2. */
#define CHART_D4 3.266531919288601

/* Distance of the limits from the centre, in standard errors. */
#define CHART_WIDTH 3

/* Tests for special causes, numbered as by Nelson. */
#define NELSON_RULES 8
#define NELSON_BIT(rule) (1 << ((rule) - 1))

/* The signals of the other charts. */
#define SIGNAL_LIMITS (1 << NELSON_RULES)
#define SIGNAL_HIGH (1 << (NELSON_RULES + 1))
#define SIGNAL_LOW (1 << (NELSON_RULES + 2))

/* What the signals are called, in the order of their bits. */
static const char *const signal_names[] = {
	"1 beyond limits", "2 nine on one side", "3 six rising or falling", "4 fourteen alternating",
	"5 two of three beyond two sigma", "6 four of five beyond one sigma", "7 fifteen within one sigma",
	"8 eight beyond one sigma", "beyond limits", "shift up", "shift down",
};

/* An observation, and what a chart makes of it.  NaN is not known. */
typedef struct Point
{
	double		value;
	double		deviation;		/* of the value from the centre, in standard errors */
	double		std_error;
	double		size;			/* of attribute charts: how many were looked at */
	double		affected;		/* of these the affected, or the promoters */
	double		detractors;		/* and the detractors */
	double		lower;
	double		upper;
	double		high;			/* of a CUSUM: how far above the target */
	double		low;			/* and below */
	int			signals;
} Point;

/* What a partition remembers between its rows. */
typedef struct Chart
{
	bool		ready;			/* the rest is filled in */
	double		centre;
	double		limit;			/* of a CUSUM: the decision interval */
	int64		count;			/* of points */
	int			point_of[FLEXIBLE_ARRAY_MEMBER];	/* by row; -1 where there is no observation; the points follow */
} Chart;

/* Reads the observation of a row; false if there is none. */
typedef bool (*ReadPoint) (WindowObject window, int64 row, Point *point);

/* Fills in the chart of points that were read. */
typedef void (*DrawChart) (WindowObject window, Chart *chart, Point *points);

/* The points of a partition of so many rows. */
static Point *
chart_points(Chart *chart, int64 rows)
{
	return (Point *) ((char *) chart + MAXALIGN(offsetof(Chart, point_of) + rows * sizeof(int)));
}

/* Read the observations of a partition. */
static void
chart_read(WindowObject window, Chart *chart, Point *points, int64 rows, ReadPoint read)
{
	MemoryContext evaluation = AllocSetContextCreate(CurrentMemoryContext, "cx observations", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(evaluation);

	for (int64 row = 0; row < rows; row++)
	{
		if (row % WINDOW_ROWS_PER_CLEANUP == 0)
		{
			CHECK_FOR_INTERRUPTS();
			MemoryContextReset(evaluation);
		}
		chart->point_of[row] = read(window, row, &points[chart->count]) ? (int) chart->count++ : -1;
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(evaluation);
}

/* The point of the current row, NULL if it has none; the chart is drawn at the first. */
static const Point *
chart_point(FunctionCallInfo fcinfo, const char *name, ReadPoint read, DrawChart draw, const Chart **result)
{
	WindowObject window = require_window(fcinfo, name);
	int64		rows = WinGetPartitionRowCount(window);
	Chart	   *chart;
	Point	   *points;
	int			position;

	if (rows > (int64) (MaxAllocSize / (sizeof(Point) + sizeof(int))) - 2)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("cannot draw a chart of " INT64_FORMAT " rows", rows)));
	chart = (Chart *) WinGetPartitionLocalMemory(window, MAXALIGN(offsetof(Chart, point_of) + rows * sizeof(int)) + rows * sizeof(Point));
	points = chart_points(chart, rows);
	if (!chart->ready)
	{
		chart->count = 0;
		chart_read(window, chart, points, rows, read);
		if (chart->count > 0)
			draw(window, chart, points);
		chart->ready = true;
	}
	position = chart->point_of[WinGetCurrentPosition(window)];
	*result = chart;
	return position < 0 ? NULL : &points[position];
}

/* An argument of a row; false if it is NULL. */
static bool
read_argument(WindowObject window, int argument, int64 row, Datum *value)
{
	bool		isnull;
	bool		isout;

	*value = WinGetFuncArgInPartition(window, argument, (int) row, WINDOW_SEEK_HEAD, false, &isnull, &isout);
	return !isnull;
}

/* A setting of a chart, which is an argument of the current row. */
static Datum
chart_setting(WindowObject window, int argument, const char *name)
{
	bool		isnull;
	Datum		value = WinGetFuncArgCurrent(window, argument, &isnull);

	if (isnull)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s of a control chart is NULL", name)));
	return value;
}

/* A setting that is a number above or at a bound. */
static double
chart_number(WindowObject window, int argument, const char *name, double least, bool may_be_least, double most)
{
	double		value = DatumGetFloat8(chart_setting(window, argument, name));

	if (!(value >= least && value <= most) || (value == least && !may_be_least))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s of a control chart cannot be %g", name, value)));
	return value;
}

/* An observation that is a number. */
static bool
read_value(WindowObject window, int64 row, Point *point)
{
	Datum		value;

	if (!read_argument(window, 0, row, &value))
		return false;
	point->value = DatumGetFloat8(value);
	if (!isfinite(point->value))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("observation %g is not a number that a chart can show", point->value),
				 errhint("Leave a row out with NULL.")));
	return true;
}

/* An observation of how many out of some are affected. */
static bool
read_share(WindowObject window, int64 row, Point *point)
{
	Datum		affected;
	Datum		size;

	if (!read_argument(window, 0, row, &affected) || !read_argument(window, 1, row, &size))
		return false;
	if (DatumGetInt64(affected) < 0 || DatumGetInt64(affected) > DatumGetInt64(size))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg(INT64_FORMAT " affected are outside 0.." INT64_FORMAT, DatumGetInt64(affected), DatumGetInt64(size)),
				 errhint("The first argument counts the affected, the second all that were looked at.")));
	point->affected = (double) DatumGetInt64(affected);
	point->size = (double) DatumGetInt64(size);
	point->detractors = 0;
	return point->size > 0;
}

/* An observation of answers. */
static bool
read_tally(WindowObject window, int64 row, Point *point)
{
	Datum		tally;
	NpsClasses	classes;

	if (!read_argument(window, 0, row, &tally))
		return false;
	classes = nps_classes(DatumGetTallyP(tally));
	point->affected = classes.promoters;
	point->detractors = classes.detractors;
	point->size = classes.size;
	return point->size > 0;
}

/* Mean distance of neighbours, NaN where there are none. */
static double
mean_moving_range(const Point *points, int64 count, size_t field)
{
	double		sum = 0;

#define FIELD_OF(i) (*(const double *) ((const char *) &points[i] + field))
	for (int64 i = 1; i < count; i++)
		sum += fabs(FIELD_OF(i) - FIELD_OF(i - 1));
#undef FIELD_OF
	return count < 2 ? NAN : sum / (double) (count - 1);
}

/* Mean of the first values. */
static double
mean_value(const Point *points, int64 count)
{
	double		mean = 0;

	for (int64 i = 0; i < count; i++)
		mean += (points[i].value - mean) / (double) (i + 1);
	return mean;
}

/*
 * Shares, or differences of shares, in percent: of each point against all of
 * them together, by the standard error that all of them together give for its
 * size.  Laney's correction widens the limits by how much the deviations vary
 * from one point to the next beyond what chance explains, or narrows them.
 */
static void
draw_shares(Chart *chart, Point *points, bool laney, double least)
{
	NpsClasses	all = {0, 0, 0};
	double		variance;
	double		widening = 1;

	for (int64 i = 0; i < chart->count; i++)
	{
		all.size += points[i].size;
		all.promoters += points[i].affected;
		all.detractors += points[i].detractors;
	}
	chart->centre = 100 * (all.promoters - all.detractors) / all.size;
	variance = nps_variance(all) * all.size;
	for (int64 i = 0; i < chart->count; i++)
	{
		points[i].value = 100 * (points[i].affected - points[i].detractors) / points[i].size;
		points[i].std_error = sqrt(variance / points[i].size);
		points[i].deviation = points[i].std_error > 0 ? (points[i].value - chart->centre) / points[i].std_error : 0;
	}
	if (laney)
		widening = mean_moving_range(points, chart->count, offsetof(Point, deviation)) / CHART_D2;
	for (int64 i = 0; i < chart->count; i++)
	{
		double		distance = CHART_WIDTH * points[i].std_error * widening;

		points[i].lower = clamp_between(chart->centre - distance, least, 100);
		points[i].upper = clamp_between(chart->centre + distance, least, 100);
		points[i].signals = fabs(points[i].deviation) > CHART_WIDTH * widening ? SIGNAL_LIMITS : 0;
	}
}

/* The chart of shares. */
static void
draw_p(WindowObject window, Chart *chart, Point *points)
{
	draw_shares(chart, points, DatumGetBool(chart_setting(window, 2, "laney")), 0);
}

/* The chart of NPS. */
static void
draw_nps(WindowObject window, Chart *chart, Point *points)
{
	draw_shares(chart, points, DatumGetBool(chart_setting(window, 1, "laney")), -100);
}

/* Which of Nelson's rules are asked for. */
static int
chart_rules(WindowObject window)
{
	ArrayType  *array = DatumGetArrayTypeP(chart_setting(window, 1, "rules"));
	Datum	   *rules;
	bool	   *nulls;
	int			count;
	int			result = 0;

	deconstruct_array(array, INT4OID, sizeof(int32), true, TYPALIGN_INT, &rules, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		if (nulls[i] || DatumGetInt32(rules[i]) < 1 || DatumGetInt32(rules[i]) > NELSON_RULES)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("Nelson's rules are numbered from 1 to %d", NELSON_RULES)));
		result |= NELSON_BIT(DatumGetInt32(rules[i]));
	}
	return result;
}

/* The sign of a number. */
static int
sign_of(double value)
{
	return (value > 0) - (value < 0);
}

/* Whether a point, and so many of the last ones, lie beyond some standard errors on one side of the centre. */
static bool
nelson_beyond(const Point *points, int64 i, double distance, int some, int last)
{
	for (int side = -1; side <= 1; side += 2)
	{
		int			beyond = 0;

		if (i + 1 < last || side * points[i].deviation <= distance)
			continue;
		for (int64 j = i - last + 1; j <= i; j++)
			beyond += side * points[j].deviation > distance;
		if (beyond >= some)
			return true;
	}
	return false;
}

/* Find which of Nelson's rules fire at each point. */
static void
nelson_find(const Chart *chart, Point *points)
{
	int			side = 0;		/* where the point before lies */
	int			direction = 0;	/* where the step before went */
	int			on_side = 0;	/* lengths of the runs that end at the point */
	int			going = 0;
	int			alternating = 0;
	int			within = 0;
	int			beyond = 0;

	for (int64 i = 0; i < chart->count; i++)
	{
		double		deviation = points[i].deviation;
		int			here = sign_of(deviation);
		int			step = i == 0 ? 0 : sign_of(points[i].value - points[i - 1].value);

		on_side = here == 0 ? 0 : here == side ? on_side + 1 : 1;
		going = step == 0 ? 0 : step == direction ? going + 1 : 1;
		alternating = step == 0 ? 0 : step == -direction ? alternating + 1 : 1;
		within = fabs(deviation) < 1 ? within + 1 : 0;
		beyond = fabs(deviation) > 1 ? beyond + 1 : 0;
		side = here;
		direction = step;

		points[i].signals = (fabs(deviation) > CHART_WIDTH ? NELSON_BIT(1) : 0) |
			(on_side >= 9 ? NELSON_BIT(2) : 0) |
			/* five steps are six points, and thirteen fourteen */
			(going >= 5 ? NELSON_BIT(3) : 0) |
			(alternating >= 13 ? NELSON_BIT(4) : 0) |
			(nelson_beyond(points, i, 2, 2, 3) ? NELSON_BIT(5) : 0) |
			(nelson_beyond(points, i, 1, 4, 5) ? NELSON_BIT(6) : 0) |
			(within >= 15 ? NELSON_BIT(7) : 0) |
			(beyond >= 8 ? NELSON_BIT(8) : 0);
	}
}

/* The chart of individual values. */
static void
draw_xmr(WindowObject window, Chart *chart, Point *points)
{
	int			rules = chart_rules(window);
	double		sigma = mean_moving_range(points, chart->count, offsetof(Point, value)) / CHART_D2;

	chart->centre = mean_value(points, chart->count);
	for (int64 i = 0; i < chart->count; i++)
	{
		points[i].deviation = sigma > 0 ? (points[i].value - chart->centre) / sigma : 0;
		points[i].lower = chart->centre - CHART_WIDTH * sigma;
		points[i].upper = chart->centre + CHART_WIDTH * sigma;
	}
	/* where nothing varies nothing is a signal, not even fifteen within one sigma */
	if (sigma > 0)
		nelson_find(chart, points);
	for (int64 i = 0; i < chart->count; i++)
		points[i].signals &= rules;
}

/* The chart of moving ranges. */
static void
draw_mr(WindowObject window, Chart *chart, Point *points)
{
	chart->centre = mean_moving_range(points, chart->count, offsetof(Point, value));
	for (int64 i = chart->count - 1; i >= 0; i--)
	{
		points[i].value = i == 0 ? NAN : fabs(points[i].value - points[i - 1].value);
		points[i].lower = isnan(chart->centre) ? NAN : 0;
		points[i].upper = CHART_D4 * chart->centre;
		points[i].signals = points[i].value > points[i].upper ? SIGNAL_LIMITS : 0;
	}
}

/* Target and standard deviation, from the first observations. */
static double
chart_base(WindowObject window, Chart *chart, const Point *points)
{
	int64		base = DatumGetInt32(chart_setting(window, 1, "base"));

	if (base < 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("base of a control chart must be at least 2"),
				 errhint("It is the number of first observations that tell what is usual.")));
	base = Min(base, chart->count);
	chart->centre = mean_value(points, base);
	return mean_moving_range(points, base, offsetof(Point, value)) / CHART_D2;
}

/* The chart of exponentially weighted moving averages. */
static void
draw_ewma(WindowObject window, Chart *chart, Point *points)
{
	double		sigma = chart_base(window, chart, points);
	double		lambda = chart_number(window, 2, "lambda", 0, false, 1);
	double		width = chart_number(window, 3, "width", 0, false, DBL_MAX);
	double		average = chart->centre;

	for (int64 i = 0; i < chart->count; i++)
	{
		double		distance = width * sigma * sqrt(lambda / (2 - lambda) * (1 - pow(1 - lambda, 2 * (double) (i + 1))));

		average += lambda * (points[i].value - average);
		points[i].value = average;
		points[i].lower = chart->centre - distance;
		points[i].upper = chart->centre + distance;
		points[i].signals = fabs(average - chart->centre) > distance ? SIGNAL_LIMITS : 0;
	}
}

/* The chart of cumulative sums. */
static void
draw_cusum(WindowObject window, Chart *chart, Point *points)
{
	double		sigma = chart_base(window, chart, points);
	double		slack = sigma * chart_number(window, 2, "k", 0, true, DBL_MAX);
	double		high = 0;
	double		low = 0;

	chart->limit = sigma * chart_number(window, 3, "h", 0, false, DBL_MAX);
	for (int64 i = 0; i < chart->count; i++)
	{
		double		deviation = points[i].value - chart->centre;

		points[i].high = high = isnan(sigma) ? NAN : Max(0, high + deviation - slack);
		points[i].low = low = isnan(sigma) ? NAN : Max(0, low - deviation - slack);
		points[i].signals = (high > chart->limit ? SIGNAL_HIGH : 0) | (low > chart->limit ? SIGNAL_LOW : 0);
	}
}

/* Append whether there is a signal, and the names of the rules that fired, to a row. */
static void
row_add_signals(RowBuilder *row, int signals, bool known)
{
	StringInfoData names;

	row_add_bool(row, signals != 0, known);
	row->nulls[row->filled] = signals == 0;
	if (signals != 0)
	{
		initStringInfo(&names);
		for (int i = 0; i < (int) lengthof(signal_names); i++)
			if (signals & (1 << i))
				appendStringInfo(&names, "%s%s", names.len == 0 ? "" : ", ", signal_names[i]);
		row->values[row->filled] = CStringGetTextDatum(names.data);
	}
	row->filled++;
}

/* The current row's point as cx.control_point. */
static Datum
control_point(FunctionCallInfo fcinfo, const char *name, ReadPoint read, DrawChart draw)
{
	Datum		values[6];
	bool		nulls[6];
	RowBuilder	row = {values, nulls, 0};
	const Chart *chart;
	const Point *point = chart_point(fcinfo, name, read, draw, &chart);

	if (point == NULL)
		PG_RETURN_NULL();
	row_add_float8(&row, point->value);
	row_add_float8(&row, chart->centre);
	row_add_float8(&row, point->lower);
	row_add_float8(&row, point->upper);
	row_add_signals(&row, point->signals, !isnan(point->upper) && !isnan(point->value));
	return row_finish(fcinfo, &row);
}

/* Shares with limits. */
PG_FUNCTION_INFO_V1(p_chart);
Datum
p_chart(PG_FUNCTION_ARGS)
{
	return control_point(fcinfo, "p_chart", read_share, draw_p);
}

/* NPS with limits. */
PG_FUNCTION_INFO_V1(nps_chart);
Datum
nps_chart(PG_FUNCTION_ARGS)
{
	return control_point(fcinfo, "nps_chart", read_tally, draw_nps);
}

/* Individual values with limits. */
PG_FUNCTION_INFO_V1(xmr_chart);
Datum
xmr_chart(PG_FUNCTION_ARGS)
{
	return control_point(fcinfo, "xmr_chart", read_value, draw_xmr);
}

/* Moving ranges with limits. */
PG_FUNCTION_INFO_V1(mr_chart);
Datum
mr_chart(PG_FUNCTION_ARGS)
{
	return control_point(fcinfo, "mr_chart", read_value, draw_mr);
}

/* Exponentially weighted moving averages with limits. */
PG_FUNCTION_INFO_V1(ewma_chart);
Datum
ewma_chart(PG_FUNCTION_ARGS)
{
	return control_point(fcinfo, "ewma_chart", read_value, draw_ewma);
}

/* Cumulative sums with their limit. */
PG_FUNCTION_INFO_V1(cusum_chart);
Datum
cusum_chart(PG_FUNCTION_ARGS)
{
	Datum		values[7];
	bool		nulls[7];
	RowBuilder	row = {values, nulls, 0};
	const Chart *chart;
	const Point *point = chart_point(fcinfo, "cusum_chart", read_value, draw_cusum, &chart);

	if (point == NULL)
		PG_RETURN_NULL();
	row_add_float8(&row, point->value);
	row_add_float8(&row, chart->centre);
	row_add_float8(&row, point->high);
	row_add_float8(&row, point->low);
	row_add_float8(&row, chart->limit);
	row_add_signals(&row, point->signals, !isnan(chart->limit));
	return row_finish(fcinfo, &row);
}
