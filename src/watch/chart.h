/*-------------------------------------------------------------------------
 *
 * chart.h
 *	  What control charts have in common.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_CHART_H
#define CX_CHART_H

#include "datatype/timestamp.h"

#include "measure/estimate.h"
#include "measure/window.h"

/* Tests for special causes, numbered as by Nelson. */
#define NELSON_RULES 8
#define NELSON_BIT(rule) (1 << ((rule) - 1))

/* The signals of the other charts. */
#define SIGNAL_LIMITS (1 << NELSON_RULES)
#define SIGNAL_HIGH (1 << (NELSON_RULES + 1))
#define SIGNAL_LOW (1 << (NELSON_RULES + 2))
#define SIGNAL_TOGETHER (1 << (NELSON_RULES + 3))

/* An observation, and what a chart makes of it.  NaN is not known. */
typedef struct Point
{
	double		value;
	double		centre;
	double		deviation;		/* of the value from the centre, in standard errors */
	double		std_error;
	double		size;			/* of attribute charts: how many were looked at */
	double		affected;		/* of these the affected, or the promoters */
	double		detractors;		/* and the detractors */
	double		lower;
	double		upper;
	double		high;			/* of a CUSUM: how far above the target */
	double		low;			/* and below */
	double		limit;			/* and how far that may be */
	Timestamp	at;				/* of seasonal charts: when, by the clock on the wall */
	int64		slot;			/* and the time of the week */
	bool		knows_chance;	/* whether the standard error was given */
	int			signals;
} Point;

/* What a partition remembers between its rows. */
typedef struct Chart
{
	bool		ready;			/* the rest is filled in */
	int64		count;			/* of points */
	int			point_of[FLEXIBLE_ARRAY_MEMBER];	/* by row; -1 where there is no observation; the points follow */
} Chart;

/* Reads the observation of a row; false if there is none. */
typedef bool (*ReadPoint) (WindowObject window, int64 row, Point *point);

/* Fills in the chart of points that were read. */
typedef void (*DrawChart) (WindowObject window, Chart *chart, Point *points);

extern const Point *chart_point(FunctionCallInfo fcinfo, const char *name, ReadPoint read, DrawChart draw);
extern Datum chart_setting(WindowObject window, int argument, const char *name);
extern double chart_number(WindowObject window, int argument, const char *name, double least, bool may_be_least, double most);
extern bool read_argument(WindowObject window, int argument, int64 row, Datum *value);
extern bool read_value(WindowObject window, int64 row, Point *point);
extern void row_add_signals(RowBuilder *row, int signals, bool known);
extern Datum control_point(FunctionCallInfo fcinfo, const char *name, ReadPoint read, DrawChart draw);

#endif							/* CX_CHART_H */
