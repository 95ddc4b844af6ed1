/*-------------------------------------------------------------------------
 *
 * survival_svg.c
 *	  Draws survival curves of cx.survival_curves as an SVG picture.
 *
 * Steps of all groups stand in one field, over the time; below it a row for
 * each group says what it is, how many customers are at risk at the times that
 * the axis names, and the median.  What is finer than half a pixel is left out,
 * so that a curve of millions of durations is drawn with some hundred steps.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "measure/distribution.h"
#include "predict/survival.h"
#include "present/picture.h"

/* The most that is drawn. */
#define MOST_CURVES 8
#define MOST_BANDS 4			/* curves up to which each has its interval drawn */
#define MOST_MARKS 40			/* times without an end up to which each is marked */
#define MOST_TICKS 9
#define LEAST_END 1e-300		/* axes below this are as long as one of 1 */

/* Sizes and places, in pixels. */
#define FIELD_X 300
#define FIELD_WIDTH 600
#define FIELD_Y 104
#define FIELD_HEIGHT 330
#define MEDIAN_X (FIELD_X + FIELD_WIDTH + 46)
#define MEDIAN_WIDTH 170
#define WIDTH (MEDIAN_X + MEDIAN_WIDTH + MARGIN)
#define NAME_X (MARGIN + 30)
#define NAME_WIDTH (FIELD_X - NAME_X - 30)
#define ROW_HEIGHT 26
#define STEP_WIDTH 0.5			/* steps closer than this are joined */

/*
 * Arguments: the query; the most curves.  Operators are named in full, for the
 * search_path is the caller's.
 */
static const char curves_query[] =
"WITH curve AS MATERIALIZED (\n"
"	SELECT c.breakdown, c.curve, (cx.median_survival(c.curve)).responses AS customers FROM cx.survival_curves($1) AS c\n"
")\n"
"SELECT c.breakdown, c.curve, pg_catalog.count(*) OVER () AS curves,\n"
"	(SELECT (cx.log_rank(a.curve, a.breakdown)).p_value FROM curve AS a\n"
"		WHERE (SELECT pg_catalog.count(*) FROM curve) OPERATOR(pg_catalog.<=) 100) AS p_value\n"
"FROM curve AS c\n"
"ORDER BY c.customers DESC, c.breakdown\n"
"LIMIT $2";

/* Where a step of a curve leads to, in pixels. */
typedef struct CurveStep
{
	double		x;
	double		y;
	double		lower;			/* of the interval; NaN if unknown */
	double		upper;
} CurveStep;

/* The customers of a group. */
typedef struct SurvivalGroup
{
	char	   *name;			/* NULL if unknown */
	const SurvivalCurve *curve;
	int64		customers;
	int64		ended;
	double		last;			/* the longest duration */
	double		median;			/* NaN if not reached, as its ends */
	double		median_lower;
	double		median_upper;
} SurvivalGroup;

/* What the picture shows. */
typedef struct SurvivalPicture
{
	char	   *title;
	char	   *unit;			/* of durations; empty if unknown */
	int			count;			/* groups that are drawn */
	int64		all_groups;
	double		p_value;		/* of the log-rank test; NaN if there is none */
	double		end;			/* of the axis */
	double		tick;			/* between two marks of the axis */
	SurvivalGroup		groups[MOST_CURVES];
} SurvivalPicture;

/* Colours that keep apart for the colour-blind (Okabe and Ito), and dashes for those who see none. */
static const char *const colours[MOST_CURVES] = {GOOD, BAD, "#009e73", "#8e4585", "#56b4e9", "#b07800", INK, NEUTRAL};
static const char *const dashes[MOST_CURVES] = {"", "9 4", "3 3", "12 4 3 4", "", "9 4", "3 3", "12 4 3 4"};

static const SvgStyle head_style = {11, false, MUTED, "start"};
static const SvgStyle tick_style = {11, false, MUTED, "middle"};
static const SvgStyle share_style = {11, false, MUTED, "end"};
static const SvgStyle axis_style = {12, false, INK, "middle"};
static const SvgStyle name_style = {13, true, INK, "start"};
static const SvgStyle figure_style = {12, false, INK, "middle"};
static const SvgStyle median_style = {12, false, INK, "start"};

/* A number with about four digits, a whole one that is not very large with all. */
static char *
number_text(double value)
{
	return value == rint(value) && value < 1e10 ? picture_count((int64) value) : psprintf("%.4g", value);
}

/* A number with the unit, if that is known. */
static char *
duration_text(const SurvivalPicture *picture, double value)
{
	return psprintf("%s%s%s", number_text(value), picture->unit[0] == '\0' ? "" : " ", picture->unit);
}

/* What a group is called; a single one without breakdown stands for all. */
static char *
group_name(const SurvivalPicture *picture, const SurvivalGroup *group, int limit)
{
	if (group->name != NULL)
		return picture_name(group->name, limit);
	return picture->all_groups > 1 ? "unknown" : "all customers";
}

/* The median with its interval, as far as they are reached. */
static char *
median_text(const SurvivalGroup *group)
{
	char	   *median = isnan(group->median) ? "not reached" : number_text(group->median);

	if (isnan(group->median_lower))
		return isnan(group->median_upper) ? median : psprintf("%s (to %s)", median, number_text(group->median_upper));
	return psprintf("%s (%s %s)", median, isnan(group->median_upper) ? "from" : psprintf("%s to", number_text(group->median_lower)),
					number_text(isnan(group->median_upper) ? group->median_lower : group->median_upper));
}

/* The p-value in words. */
static char *
p_value_text(double p_value)
{
	return p_value < 0.001 ? "p < 0.001" : psprintf("p = %.3f", p_value);
}

/* Take a group out of a row. */
static void
group_read(SurvivalGroup *group, uint64 row)
{
	bool		is_null;
	double		critical = normal_critical(DEFAULT_CONFIDENCE);
	SurvivalWalk walk;

	group->name = picture_text(row, "breakdown");
	group->curve = DatumGetSurvivalCurveP(picture_datum(row, "curve", &is_null));
	group->customers = survival_curve_customers(group->curve);
	for (walk = survival_walk(group->curve); survival_walk_on(&walk);)
		group->ended += walk.events;
	group->last = walk.time;
	group->median = survival_quantile_value(group->curve, 0.5, 0);
	group->median_lower = survival_quantile_value(group->curve, 0.5, critical);
	group->median_upper = survival_quantile_value(group->curve, 0.5, -critical);
}

/* The distance of the axis' marks: 1, 2 or 5 times a power of ten, at most so many of them. */
static double
nice_tick(double end)
{
	double		power = pow(10, floor(log10(end / MOST_TICKS)));

	if (end / power <= MOST_TICKS)
		return power;
	if (end / (2 * power) <= MOST_TICKS)
		return 2 * power;
	return end / (5 * power) <= MOST_TICKS ? 5 * power : 10 * power;
}

/* Read the groups; cx.survival_curves checks the query. */
static void
picture_read(SurvivalPicture *picture, FunctionCallInfo fcinfo)
{
	Oid			types[] = {TEXTOID, INT4OID};
	Datum		values[] = {PG_GETARG_DATUM(0), Int32GetDatum(MOST_CURVES)};
	char		nulls[] = {PG_ARGISNULL(0) ? 'n' : ' ', ' ', '\0'};

	picture_query(curves_query, lengthof(types), types, values, nulls);
	picture->count = (int) SPI_processed;
	if (picture->count == 0)
		return;
	picture->all_groups = picture_bigint(0, "curves");
	picture->p_value = picture_double(0, "p_value");
	for (int i = 0; i < picture->count; i++)
	{
		group_read(&picture->groups[i], i);
		picture->end = Max(picture->end, picture->groups[i].last);
	}
	/* an axis of no length cannot be divided */
	if (picture->end < LEAST_END)
		picture->end = 1;
	picture->tick = nice_tick(picture->end);
}

/* Where a time stands. */
static double
time_x(const SurvivalPicture *picture, double time)
{
	return FIELD_X + Min(time / picture->end, 1) * FIELD_WIDTH;
}

/* Where a share stands. */
static double
share_y(double share)
{
	return FIELD_Y + (1 - share) * FIELD_HEIGHT;
}

/* The steps of a group, those closer than can be seen joined; there are *count. */
static CurveStep *
group_steps(const SurvivalPicture *picture, const SurvivalGroup *group, int *count)
{
	CurveStep  *steps = palloc(((int) (FIELD_WIDTH / STEP_WIDTH) + 3) * sizeof(CurveStep));
	SurvivalWalk walk = survival_walk(group->curve);
	double		critical = normal_critical(DEFAULT_CONFIDENCE);

	*count = 0;
	while (survival_walk_on(&walk))
	{
		double		x = time_x(picture, walk.time);
		CurveStep  *step;

		if (walk.events == 0)
			continue;
		if (*count == 0 || x >= steps[*count - 1].x + STEP_WIDTH)
			steps[(*count)++].x = x;
		step = &steps[*count - 1];
		step->y = share_y(walk.survival);
		step->lower = share_y(survival_bound(&walk, critical));
		step->upper = share_y(survival_bound(&walk, -critical));
	}
	return steps;
}

/* The interval of a group, as far as it is known. */
static void
draw_band(StringInfo svg, const CurveStep *steps, int count, double end, const char *colour)
{
	int			known = 0;

	while (known < count && !isnan(steps[known].lower))
		known++;
	if (known == 0)
		return;
	if (known < count)
		end = steps[known].x;
	appendStringInfo(svg, "<path d=\"M%.1f %.1f", steps[0].x, steps[0].upper);
	for (int i = 1; i < known; i++)
		appendStringInfo(svg, "H%.1fV%.1f", steps[i].x, steps[i].upper);
	appendStringInfo(svg, "H%.1fV%.1f", end, steps[known - 1].lower);
	for (int i = known - 1; i > 0; i--)
		appendStringInfo(svg, "H%.1fV%.1f", steps[i].x, steps[i - 1].lower);
	appendStringInfo(svg, "H%.1fz\" fill=\"%s\" fill-opacity=\"0.14\"/>\n", steps[0].x, colour);
}

/* The curve of a group. */
static void
draw_steps(StringInfo svg, const CurveStep *steps, int count, double end, int number)
{
	appendStringInfo(svg, "<path d=\"M%d %d", FIELD_X, FIELD_Y);
	for (int i = 0; i < count; i++)
		appendStringInfo(svg, "H%.1fV%.1f", steps[i].x, steps[i].y);
	appendStringInfo(svg, "H%.1f\" fill=\"none\" stroke=\"%s\" stroke-width=\"2\"", end, colours[number]);
	if (dashes[number][0] != '\0')
		appendStringInfo(svg, " stroke-dasharray=\"%s\"", dashes[number]);
	appendStringInfoString(svg, "/>\n");
}

/* A mark at each time at which customers of a group were seen no longer, unless there are many. */
static void
draw_marks(StringInfo svg, const SurvivalPicture *picture, const SurvivalGroup *group, const char *colour)
{
	uint64		count = survival_curve_count(group->curve);
	SurvivalWalk walk;
	int			marks = 0;

	for (uint64 i = 0; i < count && marks <= MOST_MARKS; i++)
		marks += group->curve->points[i].censored > 0;
	if (marks == 0 || marks > MOST_MARKS)
		return;
	appendStringInfoString(svg, "<path d=\"");
	for (walk = survival_walk(group->curve); survival_walk_on(&walk);)
		if (walk.censored > 0)
			appendStringInfo(svg, "M%.1f %.1fv8", time_x(picture, walk.time), share_y(walk.survival) - 4);
	appendStringInfo(svg, "\" fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\"/>\n", colour);
}

/* All about a group in one sentence. */
static char *
group_sentence(const SurvivalPicture *picture, const SurvivalGroup *group, int limit)
{
	return psprintf("%s: %s, %s ended; median %s%s%s", group_name(picture, group, limit), picture_count_of(group->customers, "customer"),
					picture_count(group->ended), median_text(group),
					picture->unit[0] == '\0' || isnan(group->median) ? "" : " ", isnan(group->median) ? "" : picture->unit);
}

/* The curve of a group, with what belongs to it. */
static void
draw_curve(StringInfo svg, const SurvivalPicture *picture, int number)
{
	const SurvivalGroup *group = &picture->groups[number];
	double		end = time_x(picture, group->last);
	int			count;
	CurveStep  *steps = group_steps(picture, group, &count);

	appendStringInfoString(svg, "<g>");
	svg_tooltip(svg, group_sentence(picture, group, PICTURE_TOOLTIP_NAME));
	if (picture->count <= MOST_BANDS)
		draw_band(svg, steps, count, end, colours[number]);
	draw_steps(svg, steps, count, end, number);
	draw_marks(svg, picture, group, colours[number]);
	appendStringInfoString(svg, "</g>\n");
	pfree(steps);
}

/* The field that the curves stand in, with what its lines mean. */
static void
draw_field(StringInfo svg, const SurvivalPicture *picture)
{
	for (int percent = 0; percent <= 100; percent += 20)
	{
		int			y = (int) share_y(percent / 100.0);

		svg_line(svg, FIELD_X, y, FIELD_X + FIELD_WIDTH, y, percent == 0 ? MUTED : RULE, NULL);
		svg_text(svg, FIELD_X - 10, y + 4, &share_style, psprintf("%d %%", percent), FIELD_X, 1);
	}
	for (int i = 0; i * picture->tick <= picture->end; i++)
	{
		int			x = (int) rint(time_x(picture, i * picture->tick));

		svg_line(svg, x, FIELD_Y + FIELD_HEIGHT, x, FIELD_Y + FIELD_HEIGHT + 5, MUTED, NULL);
		svg_text(svg, x, FIELD_Y + FIELD_HEIGHT + 20, &tick_style, number_text(i * picture->tick), 100, 1);
	}
	svg_text(svg, FIELD_X + FIELD_WIDTH / 2, FIELD_Y + FIELD_HEIGHT + 40, &axis_style, picture->unit[0] == '\0' ? "time" : picture->unit, FIELD_WIDTH, 1);
}

/* How many customers of a group have at least this duration. */
static int64
at_risk_at(const SurvivalGroup *group, double time)
{
	SurvivalWalk walk = survival_walk(group->curve);

	while (walk.next < walk.end && walk.next->time < time)
		survival_walk_on(&walk);
	return walk.at_risk - walk.events - walk.censored;
}

/* The row of a group below the field. */
static void
draw_row(StringInfo svg, const SurvivalPicture *picture, int number, int y)
{
	const SurvivalGroup *group = &picture->groups[number];

	appendStringInfoString(svg, "<g>");
	svg_tooltip(svg, group_sentence(picture, group, PICTURE_TOOLTIP_NAME));
	appendStringInfo(svg, "<path d=\"M%d %dh22\" fill=\"none\" stroke=\"%s\" stroke-width=\"3\"", MARGIN, y - 4, colours[number]);
	if (dashes[number][0] != '\0')
		appendStringInfo(svg, " stroke-dasharray=\"%s\"", dashes[number]);
	appendStringInfoString(svg, "/>\n");
	svg_text(svg, NAME_X, y, &name_style, group_name(picture, group, PICTURE_TOOLTIP_NAME), NAME_WIDTH, 1);
	for (int i = 0; i * picture->tick <= picture->end; i++)
		svg_text(svg, (int) rint(time_x(picture, i * picture->tick)), y, &figure_style, picture_count(at_risk_at(group, i * picture->tick)), 100, 1);
	svg_text(svg, MEDIAN_X, y, &median_style, median_text(group), MEDIAN_WIDTH, 1);
	appendStringInfoString(svg, "</g>\n");
}

/* The field with its curves, and below it the rows; where they end. */
static int
draw_groups(StringInfo svg, const SurvivalPicture *picture)
{
	int			y = FIELD_Y + FIELD_HEIGHT + 66;

	if (picture->count == 0)
	{
		svg_text(svg, MARGIN, FIELD_Y + 8, &picture_strong_style, "No customers.", WIDTH, 1);
		return FIELD_Y + 8 + MARGIN;
	}
	draw_field(svg, picture);
	/* the largest one is drawn last, on top */
	for (int i = picture->count - 1; i >= 0; i--)
		draw_curve(svg, picture, i);
	svg_text(svg, NAME_X, y, &head_style, "at risk", NAME_WIDTH, 1);
	svg_text(svg, MEDIAN_X, y, &head_style, "median (95 % interval)", MEDIAN_WIDTH, 1);
	for (int i = 0; i < picture->count; i++)
		draw_row(svg, picture, i, y += ROW_HEIGHT);
	if (picture->all_groups > picture->count)
		svg_text(svg, NAME_X, y += ROW_HEIGHT, &picture_strong_style, psprintf("and %s more", picture_count(picture->all_groups - picture->count)), WIDTH, 1);
	svg_text(svg, MARGIN, y += ROW_HEIGHT + 6, &picture_note_style,
			 psprintf("Share of customers that have not ended (Kaplan-Meier)%s. At risk are those seen at least that long; short upright marks, where few, are customers"
					  " seen no longer.", picture->count <= MOST_BANDS ? " with the 95 % interval" : ""), WIDTH - 2 * MARGIN, 2);
	return y + MARGIN;
}

/* What the curves are of. */
static char *
subtitle(const SurvivalPicture *picture)
{
	int64		customers = 0;
	int64		ended = 0;

	for (int i = 0; i < picture->count; i++)
	{
		customers += picture->groups[i].customers;
		ended += picture->groups[i].ended;
	}
	return psprintf("%s%s, %s ended%s%s", picture_count_of(customers, "customer"),
					picture->all_groups > picture->count ? psprintf(" in the %d largest of %s groups", picture->count, picture_count(picture->all_groups)) : "",
					picture_count(ended),
					isnan(picture->p_value) ? "" : "; log-rank test that all groups stay equally long: ",
					isnan(picture->p_value) ? "" : p_value_text(picture->p_value));
}

/* What there is to see, for those who cannot see it. */
static char *
description(const SurvivalPicture *picture)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "Survival curves: %s.", subtitle(picture));
	for (int i = 0; i < picture->count; i++)
	{
		const SurvivalGroup *group = &picture->groups[i];
		SurvivalWalk walk = survival_walk(group->curve);

		while (survival_walk_on(&walk))
			 /* to the end */ ;
		appendStringInfo(&text, " %s; after %s %.1f %% have not ended.", group_sentence(picture, group, PICTURE_DESCRIPTION_NAME),
						 duration_text(picture, group->last), 100 * walk.survival);
	}
	return text.data;
}

/* Survival curves as an SVG picture. */
PG_FUNCTION_INFO_V1(survival_svg);
Datum
survival_svg(PG_FUNCTION_ARGS)
{
	SurvivalPicture		picture = {.p_value = NAN};
	StringInfoData body;
	StringInfoData svg;
	int			end;

	SPI_connect();
	picture_read(&picture, fcinfo);
	picture.unit = PG_ARGISNULL(1) ? "" : text_to_cstring(PG_GETARG_TEXT_PP(1));
	picture.title = picture_given_title(fcinfo, 2, "Survival");
	initStringInfo(&body);
	picture_title(&body, picture.title, subtitle(&picture), WIDTH);
	end = draw_groups(&body, &picture);
	initStringInfo(&svg);
	picture_begin(&svg, WIDTH, end, picture.title, description(&picture));
	appendBinaryStringInfo(&svg, body.data, body.len);
	PG_RETURN_DATUM(picture_end(&svg));
}
