/*-------------------------------------------------------------------------
 *
 * importance_performance_svg.c
 *	  Draws the drivers of an outcome as an SVG picture: importance against
 *	  performance, in four quadrants (Martilla and James 1977).
 *
 * Each driver is a dot with its rank; beside it stands its name where there is
 * room, and all names stand in a table on the right, in order of importance.
 * The lines between the quadrants are the means over all drivers, by which
 * cx.drivers and cx.driver_analysis tell the quadrants apart.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "measure/estimate.h"
#include "present/picture.h"

/* The most drivers that are drawn. */
#define MOST_DRIVERS 30

/* Sizes and places, in pixels. */
#define WIDTH 1120
#define TITLE_HEIGHT 128
#define PLOT_X 84
#define PLOT_WIDTH 600
#define PLOT_HEIGHT 460
#define PLOT_BOTTOM (TITLE_HEIGHT + PLOT_HEIGHT)
#define AXIS_HEIGHT 60			/* below the plot: ticks and what they are */
#define DOT 10					/* radius */
#define LABEL_WIDTH 150			/* of a name beside a dot */
#define TABLE_X 724				/* ranks */
#define NAME_X (TABLE_X + 22)
#define NAME_WIDTH 216
#define SHARE_X 1012			/* columns of numbers end here */
#define PERFORMANCE_X (WIDTH - MARGIN)
#define NUMBER_WIDTH 90
#define ROW_HEIGHT 24

/* What moments tell, and what a query tells; then the arguments are in the same order. */
static const char moments_query[] =
"SELECT d.driver, d.importance, d.share, d.performance, d.quadrant, pg_catalog.sum(d.importance) OVER () AS explained,\n"
"	pg_catalog.avg(d.performance) OVER () AS middle, pg_catalog.count(*) OVER () AS drivers\n"
"FROM cx.drivers($1, $2, $3, $4) AS d ORDER BY d.importance DESC, d.driver COLLATE pg_catalog.\"C\"";
static const char analysis_query[] =
"SELECT d.driver, d.importance, d.share, d.performance_index AS performance, d.quadrant, pg_catalog.sum(d.importance) OVER () AS explained,\n"
"	pg_catalog.avg(d.performance_index) OVER () AS middle, pg_catalog.count(*) OVER () AS drivers\n"
"FROM cx.driver_analysis($1, $2, $3) AS d ORDER BY d.importance DESC, d.driver COLLATE pg_catalog.\"C\"";

/* A driver. */
typedef struct DrawnDriver
{
	char	   *name;
	double		share;			/* of the importance of all, percent */
	double		performance;	/* NaN if it has none, as a category */
	char	   *quadrant;		/* NULL without performance */
	int			x;				/* its dot */
	int			y;
} DrawnDriver;

/* A place that is taken. */
typedef struct Box
{
	int			left;
	int			top;
	int			right;
	int			bottom;
} Box;

/* Numbers along an axis. */
typedef struct Axis
{
	double		low;			/* at one end */
	double		high;			/* at the other end */
	double		step;			/* between ticks */
} Axis;

/* What the picture shows. */
typedef struct Analysis
{
	char	   *title;
	char	   *outcome;
	bool		by_shapley;
	const char *scale;			/* what performance is */
	double		explained;		/* R-squared */
	double		middle;			/* mean of the performances, NaN if there is none */
	int64		all_drivers;	/* drivers there are */
	int			count;			/* drivers that are drawn */
	DrawnDriver *drivers;
	Axis		performance;
	Axis		share;
	int			box_count;
	Box			boxes[2 * MOST_DRIVERS];	/* dots and names beside them */
} Analysis;

static const SvgStyle head_style = {11, false, MUTED, "end"};
static const SvgStyle head_left_style = {11, false, MUTED, "start"};
static const SvgStyle tick_style = {11, false, MUTED, "middle"};
static const SvgStyle tick_end_style = {11, false, MUTED, "end"};
static const SvgStyle axis_style = {12, true, INK, "middle"};
static const SvgStyle axis_left_style = {12, true, INK, "start"};
static const SvgStyle corner_style = {12, true, MUTED, "start"};
static const SvgStyle corner_end_style = {12, true, MUTED, "end"};
static const SvgStyle dot_style = {11, true, "#ffffff", "middle"};
static const SvgStyle name_style = {13, false, INK, "start"};
static const SvgStyle number_style = {13, false, INK, "end"};
static const SvgStyle label_styles[] = {{12, false, INK, "start"}, {12, false, INK, "end"}, {12, false, INK, "middle"}};

/* The colour of a quadrant. */
static const char *
quadrant_colour(const char *quadrant)
{
	if (quadrant == NULL)
		return BAR;
	if (strcmp(quadrant, "concentrate here") == 0)
		return BAD;
	return strcmp(quadrant, "keep up the good work") == 0 ? GOOD : NEUTRAL;
}

/* An axis around values, with ticks at round numbers. */
static Axis
axis_around(double low, double high)
{
	double		margin = high > low ? (high - low) * 0.08 : Max(fabs(high) * 0.1, 1e-6);
	Axis		axis = {low - margin, high + margin, 1};
	double		rough = (axis.high - axis.low) / 7;

	axis.step = pow(10, floor(log10(rough)));
	if (rough / axis.step > 5)
		axis.step *= 10;
	else if (rough / axis.step > 2)
		axis.step *= 5;
	else if (rough / axis.step > 1)
		axis.step *= 2;
	return axis;
}

/* How far along its axis a value lies, 0..1. */
static double
axis_share(const Axis *axis, double value)
{
	return (value - axis->low) / (axis->high - axis->low);
}

/* Where a performance stands. */
static int
place_x(const Analysis *analysis, double performance)
{
	return PLOT_X + (int) rint(axis_share(&analysis->performance, performance) * PLOT_WIDTH);
}

/* Where an importance stands. */
static int
place_y(const Analysis *analysis, double share)
{
	return PLOT_BOTTOM - (int) rint(axis_share(&analysis->share, share) * PLOT_HEIGHT);
}

/* Read the drivers; the functions that give them check the arguments. */
static void
analysis_read(Analysis *analysis, FunctionCallInfo fcinfo, const char *query, int arguments)
{
	Oid		   *types;
	int			type_count;
	Datum		values[4];
	char		nulls[] = "    ";

	(void) get_func_signature(fcinfo->flinfo->fn_oid, &types, &type_count);
	for (int i = 0; i < arguments; i++)
	{
		values[i] = PG_GETARG_DATUM(i);
		nulls[i] = PG_ARGISNULL(i) ? 'n' : ' ';
	}
	picture_query(query, arguments, types, values, nulls);
	analysis->count = (int) Min(SPI_processed, MOST_DRIVERS);
	analysis->drivers = palloc0(sizeof(DrawnDriver) * MOST_DRIVERS);
	analysis->middle = NAN;
	for (int i = 0; i < analysis->count; i++)
	{
		DrawnDriver *driver = &analysis->drivers[i];

		driver->name = picture_text(i, "driver");
		driver->share = picture_double(i, "share");
		driver->performance = picture_double(i, "performance");
		driver->quadrant = picture_text(i, "quadrant");
		analysis->explained = picture_double(i, "explained");
		analysis->middle = picture_double(i, "middle");
		analysis->all_drivers = picture_bigint(i, "drivers");
		if (isnan(driver->share))
			driver->share = 0;
	}
}

/* Find the ends of the axes, and where the dots are. */
static void
analysis_measure(Analysis *analysis)
{
	double		low = analysis->middle;
	double		high = analysis->middle;

	analysis->share = axis_around(0, analysis->count > 0 ? analysis->drivers[0].share : 1);
	for (int i = 0; i < analysis->count; i++)
	{
		low = fmin(low, analysis->drivers[i].performance);
		high = fmax(high, analysis->drivers[i].performance);
	}
	if (isnan(low))
		return;
	analysis->performance = axis_around(low, high);
	for (int i = 0; i < analysis->count; i++)
	{
		DrawnDriver *driver = &analysis->drivers[i];

		if (isnan(driver->performance))
			continue;
		driver->x = place_x(analysis, driver->performance);
		driver->y = place_y(analysis, driver->share);
		analysis->boxes[analysis->box_count++] = (Box) {driver->x - DOT, driver->y - DOT, driver->x + DOT, driver->y + DOT};
	}
}

/* Whether a place lies in the plot and is not taken. */
static bool
is_free(const Analysis *analysis, const Box *box)
{
	if (box->left < PLOT_X + 2 || box->right > PLOT_X + PLOT_WIDTH - 2 || box->top < TITLE_HEIGHT + 22 || box->bottom > PLOT_BOTTOM - 22)
		return false;
	for (int i = 0; i < analysis->box_count; i++)
	{
		const Box  *taken = &analysis->boxes[i];

		if (box->left < taken->right && taken->left < box->right && box->top < taken->bottom && taken->top < box->bottom)
			return false;
	}
	return true;
}

/* Write the name of a driver beside its dot, right, left, above or below, wherever there is room. */
static void
draw_label(StringInfo svg, Analysis *analysis, const DrawnDriver *driver)
{
	char	   *name = picture_name(driver->name, PICTURE_TOOLTIP_NAME);
	int			width = Min(svg_text_width(name, &label_styles[0]), LABEL_WIDTH) + 2;
	int			away = DOT + 3;
	Box			places[] = {
		{driver->x + away, driver->y - 8, driver->x + away + width, driver->y + 8},
		{driver->x - away - width, driver->y - 8, driver->x - away, driver->y + 8},
		{driver->x - width / 2, driver->y - away - 15, driver->x + width / 2, driver->y - away},
		{driver->x - width / 2, driver->y + away, driver->x + width / 2, driver->y + away + 15}
	};

	for (int i = 0; i < (int) lengthof(places); i++)
	{
		const SvgStyle *style = &label_styles[Min(i, 2)];
		const Box  *place = &places[i];

		if (!is_free(analysis, place))
			continue;
		svg_text(svg, i == 0 ? place->left : i == 1 ? place->right : driver->x, place->bottom - 4, style, name, LABEL_WIDTH, 1);
		analysis->boxes[analysis->box_count++] = *place;
		return;
	}
}

/* All about a driver in one sentence. */
static char *
driver_sentence(const DrawnDriver *driver, int name_limit)
{
	char	   *name = picture_name(driver->name, name_limit);

	if (driver->quadrant == NULL)
		return psprintf("%s: %.1f %% of the importance", name, driver->share);
	return psprintf("%s: %.1f %% of the importance, performance %.4g; %s", name, driver->share, driver->performance, driver->quadrant);
}

/* A dot with a rank in it. */
static void
draw_dot(StringInfo svg, int x, int y, int rank, const DrawnDriver *driver)
{
	appendStringInfo(svg, "<circle cx=\"%d\" cy=\"%d\" r=\"%d\" fill=\"%s\" stroke=\"#ffffff\"/>\n", x, y, DOT, quadrant_colour(driver->quadrant));
	svg_text(svg, x, y + 4, &dot_style, psprintf("%d", rank), 2 * DOT, 1);
}

/* The dots, the most important one on top, and their names. */
static void
draw_dots(StringInfo svg, Analysis *analysis)
{
	for (int i = 0; i < analysis->count; i++)
	{
		if (!isnan(analysis->drivers[i].performance))
			draw_label(svg, analysis, &analysis->drivers[i]);
	}
	for (int i = analysis->count - 1; i >= 0; i--)
	{
		const DrawnDriver *driver = &analysis->drivers[i];

		if (isnan(driver->performance))
			continue;
		appendStringInfoString(svg, "<g>");
		svg_tooltip(svg, driver_sentence(driver, PICTURE_TOOLTIP_NAME));
		draw_dot(svg, driver->x, driver->y, i + 1, driver);
		appendStringInfoString(svg, "</g>\n");
	}
}

/* The ticks of both axes, and what they are. */
static void
draw_axes(StringInfo svg, const Analysis *analysis)
{
	const Axis *across = &analysis->performance;
	const Axis *up = &analysis->share;

	for (double tick = ceil(across->low / across->step); tick * across->step <= across->high; tick++)
	{
		int			x = place_x(analysis, tick * across->step);

		svg_line(svg, x, PLOT_BOTTOM, x, PLOT_BOTTOM + 4, MUTED, NULL);
		svg_text(svg, x, PLOT_BOTTOM + 18, &tick_style, psprintf("%.5g", tick == 0 ? 0 : tick * across->step), NUMBER_WIDTH, 1);
	}
	for (double tick = 0; tick * up->step <= up->high; tick++)
	{
		int			y = place_y(analysis, tick * up->step);

		svg_line(svg, PLOT_X - 4, y, PLOT_X, y, MUTED, NULL);
		svg_text(svg, PLOT_X - 8, y + 4, &tick_end_style, psprintf("%.5g %%", tick * up->step), PLOT_X - 8, 1);
	}
	svg_text(svg, PLOT_X + PLOT_WIDTH / 2, PLOT_BOTTOM + 40, &axis_style, psprintf("Performance: %s", analysis->scale), PLOT_WIDTH, 1);
	svg_text(svg, MARGIN, TITLE_HEIGHT - 14, &axis_left_style, "Importance: share of what the drivers explain", PLOT_WIDTH, 1);
}

/* The four quadrants, with what they say in the corners. */
static void
draw_quadrants(StringInfo svg, const Analysis *analysis)
{
	int			x = place_x(analysis, analysis->middle);
	int			y = place_y(analysis, 100.0 / analysis->all_drivers);
	int			right = PLOT_X + PLOT_WIDTH;

	svg_rectangle(svg, PLOT_X, TITLE_HEIGHT, PLOT_WIDTH, PLOT_HEIGHT, 0, BAND);
	svg_rectangle(svg, PLOT_X, TITLE_HEIGHT, x - PLOT_X, y - TITLE_HEIGHT, 0, "#fbeee4");
	svg_rectangle(svg, x, TITLE_HEIGHT, right - x, y - TITLE_HEIGHT, 0, "#e6f0f7");
	svg_line(svg, x, TITLE_HEIGHT, x, PLOT_BOTTOM, MUTED, "4 4");
	svg_line(svg, PLOT_X, y, right, y, MUTED, "4 4");
	svg_text(svg, PLOT_X + 8, TITLE_HEIGHT + 17, &corner_style, "Concentrate here", PLOT_WIDTH / 2, 1);
	svg_text(svg, right - 8, TITLE_HEIGHT + 17, &corner_end_style, "Keep up the good work", PLOT_WIDTH / 2, 1);
	svg_text(svg, PLOT_X + 8, PLOT_BOTTOM - 8, &corner_style, "Low priority", PLOT_WIDTH / 2, 1);
	svg_text(svg, right - 8, PLOT_BOTTOM - 8, &corner_end_style, "Possible overkill", PLOT_WIDTH / 2, 1);
}

/* A row of the table. */
static void
draw_row(StringInfo svg, int y, int rank, const DrawnDriver *driver)
{
	appendStringInfoString(svg, "<g>");
	svg_tooltip(svg, driver_sentence(driver, PICTURE_TOOLTIP_NAME));
	draw_dot(svg, TABLE_X, y - 5, rank, driver);
	svg_text(svg, NAME_X, y, &name_style, picture_name(driver->name, PICTURE_TOOLTIP_NAME), NAME_WIDTH, 1);
	svg_text(svg, SHARE_X, y, &number_style, psprintf("%.1f %%", driver->share), NUMBER_WIDTH, 1);
	svg_text(svg, PERFORMANCE_X, y, &number_style, isnan(driver->performance) ? "-" : psprintf("%.4g", driver->performance), NUMBER_WIDTH, 1);
	appendStringInfoString(svg, "</g>\n");
}

/* The table of all drivers; where it ends. */
static int
draw_table(StringInfo svg, const Analysis *analysis)
{
	int			y = TITLE_HEIGHT - 14;

	svg_text(svg, NAME_X, y, &head_left_style, "driver", NAME_WIDTH, 1);
	svg_text(svg, SHARE_X, y, &head_style, "importance", NUMBER_WIDTH, 1);
	svg_text(svg, PERFORMANCE_X, y, &head_style, "performance", NUMBER_WIDTH, 1);
	for (int i = 0; i < analysis->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		y += ROW_HEIGHT;
		draw_row(svg, y, i + 1, &analysis->drivers[i]);
	}
	if (analysis->all_drivers > analysis->count)
	{
		y += ROW_HEIGHT;
		svg_text(svg, NAME_X, y, &picture_strong_style, psprintf("and %s more", picture_count(analysis->all_drivers - analysis->count)), NAME_WIDTH, 1);
	}
	return y + MARGIN;
}

/* What the picture is of. */
static char *
subtitle(const Analysis *analysis)
{
	if (analysis->count == 0)
		return "There are no drivers to draw.";
	return psprintf("%s of %s: %s %.1f %% of its variance (%s).%s",
					picture_count_of(analysis->all_drivers, "driver"), analysis->outcome,
					analysis->all_drivers == 1 ? "it explains" : "together they explain", 100 * analysis->explained,
					analysis->by_shapley ? "Shapley's value" : "Johnson's relative weights",
					isnan(analysis->middle) ? "" : " Dashed lines are the means of the drivers.");
}

/* What there is to see, for those who cannot see it. */
static char *
description(const Analysis *analysis)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "Importance and performance. %s", subtitle(analysis));
	for (int i = 0; i < analysis->count; i++)
		appendStringInfo(&text, " %s.", driver_sentence(&analysis->drivers[i], PICTURE_DESCRIPTION_NAME));
	return text.data;
}

/* The whole picture below its title; where it ends. */
static int
draw_analysis(StringInfo svg, Analysis *analysis)
{
	int			end;

	if (analysis->count == 0)
		return TITLE_HEIGHT;
	end = draw_table(svg, analysis);
	if (isnan(analysis->middle))
	{
		svg_text(svg, MARGIN, TITLE_HEIGHT + 20, &picture_strong_style, "No driver has a performance: all of them are categories.", PLOT_WIDTH, 1);
		return end;
	}
	draw_quadrants(svg, analysis);
	draw_axes(svg, analysis);
	draw_dots(svg, analysis);
	return Max(end, PLOT_BOTTOM + AXIS_HEIGHT);
}

/* A picture of what a query over the first arguments gives; the last argument is its title. */
static Datum
analysis_draw(FunctionCallInfo fcinfo, const char *query, int arguments, const char *scale)
{
	Analysis	analysis = {.scale = scale};
	StringInfoData body;
	StringInfoData svg;
	int			end;

	SPI_connect();
	analysis_read(&analysis, fcinfo, query, arguments);
	/* without rows nobody has looked at the outcome */
	analysis.outcome = picture_name(PG_ARGISNULL(arguments - 2) ? "" : text_to_cstring(PG_GETARG_TEXT_PP(arguments - 2)), PICTURE_DESCRIPTION_NAME);
	analysis.by_shapley = strcmp(text_to_cstring(PG_GETARG_TEXT_PP(arguments - 1)), "shapley") == 0;
	analysis.title = picture_given_title(fcinfo, arguments, PG_ARGISNULL(arguments - 2) ? "Drivers" : psprintf("What drives %s", analysis.outcome));
	analysis_measure(&analysis);
	initStringInfo(&body);
	picture_title(&body, analysis.title, subtitle(&analysis), WIDTH);
	end = draw_analysis(&body, &analysis);
	initStringInfo(&svg);
	picture_begin(&svg, WIDTH, end, analysis.title, description(&analysis));
	appendBinaryStringInfo(&svg, body.data, body.len);
	PG_RETURN_DATUM(picture_end(&svg));
}

/* Drivers out of moments as an SVG picture. */
PG_FUNCTION_INFO_V1(drivers_svg);
Datum
drivers_svg(PG_FUNCTION_ARGS)
{
	return analysis_draw(fcinfo, moments_query, 4, "mean of the driver");
}

/* Drivers out of a query as an SVG picture. */
PG_FUNCTION_INFO_V1(driver_analysis_svg);
Datum
driver_analysis_svg(PG_FUNCTION_ARGS)
{
	return analysis_draw(fcinfo, analysis_query, 3, "where its mean lies between the worst (0) and the best (100) value");
}
