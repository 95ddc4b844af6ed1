/*-------------------------------------------------------------------------
 *
 * control_chart.c
 *	  Control charts as window functions over observations in order.
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
#include "utils/array.h"

#include "measure/tally.h"
#include "measure/tally_math.h"
#include "watch/chart.h"

/* Expected range of two standard normal observations, 2 / sqrt(pi). */
#define CHART_D2 1.1283791670955126

/* Upper limit of a moving range as a multiple of its mean: 1 + 3 * sqrt(2 - 4 / pi) / d2. */
#define CHART_D4 3.266531919288601

/* Distance of the limits from the centre, in standard errors. */
#define CHART_WIDTH 3

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
	double		centre;
	double		variance;
	double		widening = 1;

	for (int64 i = 0; i < chart->count; i++)
	{
		all.size += points[i].size;
		all.promoters += points[i].affected;
		all.detractors += points[i].detractors;
	}
	centre = 100 * (all.promoters - all.detractors) / all.size;
	variance = nps_variance(all) * all.size;
	for (int64 i = 0; i < chart->count; i++)
	{
		points[i].value = 100 * (points[i].affected - points[i].detractors) / points[i].size;
		points[i].std_error = sqrt(variance / points[i].size);
		points[i].deviation = points[i].std_error > 0 ? (points[i].value - centre) / points[i].std_error : 0;
	}
	if (laney)
		widening = mean_moving_range(points, chart->count, offsetof(Point, deviation)) / CHART_D2;
	for (int64 i = 0; i < chart->count; i++)
	{
		double		distance = CHART_WIDTH * points[i].std_error * widening;

		points[i].centre = centre;
		points[i].lower = clamp_between(centre - distance, least, 100);
		points[i].upper = clamp_between(centre + distance, least, 100);
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
	double		centre = mean_value(points, chart->count);
	double		sigma = mean_moving_range(points, chart->count, offsetof(Point, value)) / CHART_D2;

	for (int64 i = 0; i < chart->count; i++)
	{
		points[i].centre = centre;
		points[i].deviation = sigma > 0 ? (points[i].value - centre) / sigma : 0;
		points[i].lower = centre - CHART_WIDTH * sigma;
		points[i].upper = centre + CHART_WIDTH * sigma;
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
	double		centre = mean_moving_range(points, chart->count, offsetof(Point, value));

	for (int64 i = chart->count - 1; i >= 0; i--)
	{
		points[i].value = i == 0 ? NAN : fabs(points[i].value - points[i - 1].value);
		points[i].centre = centre;
		points[i].lower = isnan(centre) ? NAN : 0;
		points[i].upper = CHART_D4 * centre;
		points[i].signals = points[i].value > points[i].upper ? SIGNAL_LIMITS : 0;
	}
}

/* Target and standard deviation, from the first observations. */
static double
chart_base(WindowObject window, const Chart *chart, Point *points)
{
	int64		base = DatumGetInt32(chart_setting(window, 1, "base"));
	double		target;

	if (base < 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("base of a control chart must be at least 2"),
				 errhint("It is the number of first observations that tell what is usual.")));
	base = Min(base, chart->count);
	target = mean_value(points, base);
	for (int64 i = 0; i < chart->count; i++)
		points[i].centre = target;
	return mean_moving_range(points, base, offsetof(Point, value)) / CHART_D2;
}

/* The chart of exponentially weighted moving averages. */
static void
draw_ewma(WindowObject window, Chart *chart, Point *points)
{
	double		sigma = chart_base(window, chart, points);
	double		lambda = chart_number(window, 2, "lambda", 0, false, 1);
	double		width = chart_number(window, 3, "width", 0, false, DBL_MAX);
	double		average = points[0].centre;

	for (int64 i = 0; i < chart->count; i++)
	{
		double		distance = width * sigma * sqrt(lambda / (2 - lambda) * (1 - pow(1 - lambda, 2 * (double) (i + 1))));

		average += lambda * (points[i].value - average);
		points[i].value = average;
		points[i].lower = points[i].centre - distance;
		points[i].upper = points[i].centre + distance;
		points[i].signals = fabs(average - points[i].centre) > distance ? SIGNAL_LIMITS : 0;
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
	double		limit = sigma * chart_number(window, 3, "h", 0, false, DBL_MAX);

	for (int64 i = 0; i < chart->count; i++)
	{
		double		deviation = points[i].value - points[i].centre;

		points[i].high = high = isnan(sigma) ? NAN : Max(0, high + deviation - slack);
		points[i].low = low = isnan(sigma) ? NAN : Max(0, low - deviation - slack);
		points[i].signals = (high > limit ? SIGNAL_HIGH : 0) | (low > limit ? SIGNAL_LOW : 0);
		points[i].limit = limit;
	}
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
	const Point *point = chart_point(fcinfo, "cusum_chart", read_value, draw_cusum);

	if (point == NULL)
		PG_RETURN_NULL();
	row_add_float8(&row, point->value);
	row_add_float8(&row, point->centre);
	row_add_float8(&row, point->high);
	row_add_float8(&row, point->low);
	row_add_float8(&row, point->limit);
	row_add_signals(&row, point->signals, !isnan(point->limit));
	return row_finish(fcinfo, &row);
}
