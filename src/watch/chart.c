/*-------------------------------------------------------------------------
 *
 * chart.c
 *	  Reads the observations of a control chart, and gives its points.
 *
 * A chart looks at every row of the window partition, in the order of the
 * window, whatever its frame.  Rows without an observation are left out: they
 * get NULL, and what is next to them is next to each other.  The first row
 * computes all points; the others look theirs up.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "watch/chart.h"

/* What the signals are called, in the order of their bits. */
static const char *const signal_names[] = {
	"1 beyond limits", "2 nine on one side", "3 six rising or falling", "4 fourteen alternating",
	"5 two of three beyond two sigma", "6 four of five beyond one sigma", "7 fifteen within one sigma",
	"8 eight beyond one sigma", "beyond limits", "shift up", "shift down", "three together beyond limits",
};

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
const Point *
chart_point(FunctionCallInfo fcinfo, const char *name, ReadPoint read, DrawChart draw)
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
	return position < 0 ? NULL : &points[position];
}

/* An argument of a row; false if it is NULL. */
bool
read_argument(WindowObject window, int argument, int64 row, Datum *value)
{
	bool		isnull;
	bool		isout;

	*value = WinGetFuncArgInPartition(window, argument, (int) row, WINDOW_SEEK_HEAD, false, &isnull, &isout);
	return !isnull;
}

/* A setting of a chart, which is an argument of the current row. */
Datum
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
double
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
bool
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

/* Append whether there is a signal, and the names of the rules that fired, to a row. */
void
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
Datum
control_point(FunctionCallInfo fcinfo, const char *name, ReadPoint read, DrawChart draw)
{
	Datum		values[6];
	bool		nulls[6];
	RowBuilder	row = {values, nulls, 0};
	const Point *point = chart_point(fcinfo, name, read, draw);

	if (point == NULL)
		PG_RETURN_NULL();
	row_add_float8(&row, point->value);
	row_add_float8(&row, point->centre);
	row_add_float8(&row, point->lower);
	row_add_float8(&row, point->upper);
	row_add_signals(&row, point->signals, !isnan(point->upper) && !isnan(point->value));
	return row_finish(fcinfo, &row);
}

