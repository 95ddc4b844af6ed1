/*-------------------------------------------------------------------------
 *
 * journey_drawing.c
 *	  Draws a journey map as an SVG picture.
 *
 * A column for each touchpoint, a lane for each aspect.  Lanes are drawn one
 * below the other into a body, each as high as what stands in it; only then is
 * the height of the picture known.  Colours keep apart for the colour-blind
 * (blue, grey, vermillion), and none of them says what shape, number or place
 * does not say as well.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/formatting.h"

#include "present/journey_map.h"
#include "present/svg.h"

/* Sizes, in pixels. */
#define MARGIN 28
#define SIDE_WIDTH 148			/* names of the lanes */
#define LANES_X (MARGIN + SIDE_WIDTH)
#define LANE_PADDING 14			/* above and below what stands in a lane */
#define TITLE_HEIGHT 118
#define STAGE_HEIGHT 54
#define STAGE_TIP 14			/* point of a stage's arrow */
#define EMOTION_STEP 46			/* one unit of the emotion curve */
#define VOLUME_HEIGHT 46		/* the highest bar */
#define COLUMN_PADDING 12		/* left and right of what stands in a column */
#define LEAST_COLUMN_WIDTH 176
#define LANES_WIDTH 1000		/* columns grow until they fill this */
#define LEAST_LANES_WIDTH 600

/* The most that is drawn. */
#define NOTES_SHOWN 3			/* of a kind at one place */
#define NOTE_LINES 6			/* of each */
#define NAME_LINES 3			/* of a touchpoint's name */

#define FONTS "'Segoe UI', 'Helvetica Neue', Arial, 'Noto Sans', 'Noto Sans CJK SC', 'Noto Sans SC', 'PingFang SC'," \
	" 'Hiragino Sans GB', 'Microsoft YaHei', sans-serif"

/* Colours. */
#define INK "#1f2937"
#define MUTED "#64707f"
#define RULE "#dfe4ea"
#define BAND "#f5f7fa"
#define STAGE_FILL "#274060"
#define STAGE_INK "#c9d6e4"
#define GOOD "#0072b2"
#define NEUTRAL "#6b7280"
#define BAD "#c44e00"
#define BAR "#9fb6cb"
#define STAR "#e69f00"

static const SvgStyle title_style = {26, true, INK, "start"};
static const SvgStyle subtitle_style = {13, false, MUTED, "start"};
static const SvgStyle score_style = {34, true, STAGE_FILL, "end"};
static const SvgStyle score_note_style = {12, false, MUTED, "end"};
static const SvgStyle lane_style = {13, true, INK, "start"};
static const SvgStyle lane_note_style = {11, false, MUTED, "start"};
static const SvgStyle stage_style = {15, true, "#ffffff", "middle"};
static const SvgStyle stage_note_style = {11, false, STAGE_INK, "middle"};
static const SvgStyle name_style = {15, true, INK, "middle"};
static const SvgStyle small_style = {11, false, MUTED, "middle"};
static const SvgStyle text_style = {13, false, INK, "middle"};
static const SvgStyle tick_style = {11, false, MUTED, "end"};
static const SvgStyle figure_style = {20, true, INK, "middle"};
static const SvgStyle few_figure_style = {20, false, MUTED, "middle"};
static const SvgStyle note_style = {12, false, INK, "start"};
static const SvgStyle legend_style = {12, false, MUTED, "start"};

/* How notes of a kind look. */
typedef struct NoteLook
{
	const char *lane;			/* name of their lane */
	const char *plural;			/* the same for several */
	const char *fill;			/* colour of a note */
	const char *edge;			/* colour of its edge */
} NoteLook;

static const NoteLook note_looks[MAP_NOTE_KINDS] = {
	[MAP_PAIN_POINT] = {"Pain point", "pain points", "#fdeee4", BAD},
	[MAP_OPPORTUNITY] = {"Opportunity", "opportunities", "#e3f3ee", "#00805c"},
};

/* The picture in the making. */
typedef struct Drawing
{
	const JourneyMap *map;
	StringInfo	body;			/* what was drawn so far, backgrounds left out */
	int			column_width;
	int			width;			/* of the picture */
	int			y;				/* where the next lane begins */
	const MapColumn *lowest;		/* touchpoint with the lowest trusted emotion; NULL if fewer than two are trusted */
	int64		responses;		/* answers of all columns */
	int64		most_responses; /* answers of the busiest column */
} Drawing;

/* The left edge of a column. */
static int
column_x(const Drawing *drawing, int column)
{
	return LANES_X + column * drawing->column_width;
}

/* The middle of a column. */
static int
column_middle(const Drawing *drawing, int column)
{
	return column_x(drawing, column) + drawing->column_width / 2;
}

/* The room for a text in a column. */
static int
column_room(const Drawing *drawing)
{
	return drawing->column_width - 2 * COLUMN_PADDING;
}

/* Whether a touchpoint has answers. */
static bool
has_data(const MapColumn *column)
{
	return column->experience.responses > 0 && isfinite(column->experience.value);
}

/* An experience on the scale of the map, -2..2. */
static double
emotion_of(double experience)
{
	return Max(-2.0, Min(2.0, (experience - 50) / 25));
}

/* A number rounded to decimals, with a sign unless it is zero. */
static char *
signed_number(double value, int decimals)
{
	double		unit = pow(10, decimals);
	double		rounded = rint(value * unit) / unit;

	return rounded == 0 ? psprintf("%.*f", decimals, 0.0) : psprintf("%+.*f", decimals, rounded);
}

/* A count with its thousands set apart. */
static char *
count_text(int64 count)
{
	char	   *digits = psprintf(INT64_FORMAT, count);
	int			length = strlen(digits);
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < length; i++)
	{
		if (i > 0 && (length - i) % 3 == 0)
			appendStringInfoChar(&text, ',');
		appendStringInfoChar(&text, digits[i]);
	}
	return text.data;
}

/* A count of things: "1 answer", "2,300 answers". */
static char *
count_of(int64 count, const char *thing)
{
	return psprintf("%s %s%s", count_text(count), thing, count == 1 ? "" : "s");
}

/* A score in the unit of its kind. */
static char *
score_text(const MapMetric *metric, double value)
{
	if (!isfinite(value))
		return "?";
	if (metric->kind != NULL && strcmp(metric->kind, "nps") == 0)
		return signed_number(value, 0);
	if (metric->kind != NULL && strcmp(metric->kind, "csat") == 0)
		return psprintf("%.0f %%", value);
	return psprintf("%.1f", value);
}

/* The interval of an experience in words, empty if it is unknown. */
static char *
interval_text(const MapEstimate *estimate)
{
	if (!isfinite(estimate->lower) || !isfinite(estimate->upper))
		return "";
	return psprintf(" (%.0f to %.0f)", estimate->lower, estimate->upper);
}

/* The colour of an emotion. */
static const char *
emotion_colour(double emotion)
{
	if (emotion >= 0.5)
		return GOOD;
	return emotion <= -0.5 ? BAD : NEUTRAL;
}

/* Begin a lane: the line above it, its name and, unless NULL, a note. */
static void
lane_begin(Drawing *drawing, const char *name, const char *note)
{
	svg_line(drawing->body, MARGIN, drawing->y, drawing->width - MARGIN, drawing->y, RULE, NULL);
	svg_text(drawing->body, MARGIN, drawing->y + LANE_PADDING + 12, &lane_style, name, SIDE_WIDTH, 1);
	if (note != NULL)
		svg_text(drawing->body, MARGIN, drawing->y + LANE_PADDING + 29, &lane_note_style, note, SIDE_WIDTH - 12, 1);
	drawing->y += LANE_PADDING;
}

/* End a lane in which this much room was used. */
static void
lane_end(Drawing *drawing, int height)
{
	drawing->y += Max(height, 34) + LANE_PADDING;
}

/* A star: a moment of truth. */
static void
draw_star(StringInfo svg, int x, int y)
{
	appendStringInfo(svg, "<path d=\"M%d %dl2.4 5.2 5.6.7-4.2 3.8 1.1 5.6-4.9-2.8-4.9 2.8 1.1-5.6-4.2-3.8 5.6-.7z\""
					 " fill=\"%s\" stroke=\"#8a5f00\" stroke-width=\"0.8\"/>\n", x, y - 8, STAR);
}

/* A face at the edge of the emotion curve; mood 1 smiles, 0 waits, -1 frowns. */
static void
draw_face(StringInfo svg, int x, int y, int mood, const char *colour)
{
	appendStringInfo(svg, "<g fill=\"none\" stroke=\"%s\" stroke-width=\"1.6\" stroke-linecap=\"round\">"
					 "<circle cx=\"%d\" cy=\"%d\" r=\"9\"/><path d=\"M%d %dv1.5M%d %dv1.5M%d %dq4.5 %d 9 0\"/></g>\n",
					 colour, x, y, x - 3, y - 3, x + 3, y - 3, x - 4, y + 4 - mood, mood * 4);
}

/* A point of the emotion curve: full if there are enough answers, else hollow. */
static void
draw_point(StringInfo svg, int x, double y, const char *colour, bool is_full)
{
	appendStringInfo(svg, "<circle cx=\"%d\" cy=\"%.1f\" r=\"7\" fill=\"%s\" stroke=\"%s\" stroke-width=\"2.5\"/>\n",
					 x, y, is_full ? colour : "#ffffff", colour);
}

/* The ring around the lowest point. */
static void
draw_ring(StringInfo svg, int x, double y)
{
	appendStringInfo(svg, "<circle cx=\"%d\" cy=\"%.1f\" r=\"13\" fill=\"none\" stroke=\"%s\" stroke-width=\"2.5\"/>\n", x, y, BAD);
}

/* The 95 % interval of a point. */
static void
draw_interval(StringInfo svg, int x, double y1, double y2, const char *colour)
{
	appendStringInfo(svg, "<path d=\"M%d %.1fH%dM%d %.1fV%.1fM%d %.1fH%d\" fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\"/>\n",
					 x - 5, y1, x + 5, x, y1, y2, x - 5, y2, x + 5, colour);
}

/* What the map leaves out, empty if nothing. */
static char *
rest_text(const Drawing *drawing)
{
	int			drawn = 0;

	for (int i = 0; i < drawing->map->column_count; i++)
		drawn += drawing->map->columns[i].name != NULL;
	if (drawn >= drawing->map->touchpoint_count)
		return "";
	return psprintf(": only the first %s touchpoints of %s", count_text(drawn), count_text(drawing->map->touchpoint_count));
}

/* The journey's name, what the map is of, and the score of the journey. */
static void
draw_title(Drawing *drawing)
{
	const JourneyMap *map = drawing->map;
	int			room = drawing->width - 2 * MARGIN - 210;
	int			y = MARGIN + 24;

	appendStringInfoString(drawing->body, "<g>");
	svg_tooltip(drawing->body, map->name);
	svg_text(drawing->body, MARGIN, y, &title_style, map->name, room, 1);
	appendStringInfoString(drawing->body, "</g>\n");
	svg_text(drawing->body, MARGIN, y + 26, &subtitle_style,
			 psprintf("%s, %s, version %d%s", map->period, count_of(drawing->responses, "answer"), map->version, rest_text(drawing)), room, 1);
	if (map->owner != NULL)
		svg_text(drawing->body, MARGIN, y + 45, &subtitle_style, psprintf("Owner: %s", map->owner), room, 1);
	if (isfinite(map->score.value))
	{
		appendStringInfoString(drawing->body, "<g>");
		svg_tooltip(drawing->body, psprintf("Score of the journey: %.0f%s of 100", map->score.value, interval_text(&map->score)));
		svg_text(drawing->body, drawing->width - MARGIN, y + 8, &score_style, psprintf("%.0f", map->score.value), 200, 1);
		svg_text(drawing->body, drawing->width - MARGIN, y + 28, &score_note_style, "score of the journey, 0 to 100", 200, 1);
		appendStringInfoString(drawing->body, "</g>\n");
	}
	drawing->y = TITLE_HEIGHT;
}

/* One stage as an arrow over its columns. */
static void
draw_stage(Drawing *drawing, const MapStage *stage)
{
	StringInfo	svg = drawing->body;
	int			x = column_x(drawing, stage->first_column) + 1;
	int			width = stage->column_count * drawing->column_width - 2;
	bool		is_last = stage->first_column + stage->column_count == drawing->map->column_count;
	int			tip = x + width + (is_last ? 0 : STAGE_TIP - 3);
	int			middle = drawing->y + STAGE_HEIGHT / 2;
	int			notch = stage->first_column == 0 ? 0 : STAGE_TIP;
	char	   *score = isfinite(stage->score.value) ?
		psprintf("score %.0f of 100, %s", stage->score.value, count_of(stage->score.responses, "answer")) : "no score";

	appendStringInfoString(svg, "<g>");
	svg_tooltip(svg, psprintf("%s: %s%s", stage->name, score, interval_text(&stage->score)));
	appendStringInfo(svg, "<path d=\"M%d %dH%dL%d %dL%d %dH%dL%d %dz\" fill=\"%s\"/>\n",
					 x, drawing->y, tip - STAGE_TIP, tip, middle, tip - STAGE_TIP, drawing->y + STAGE_HEIGHT,
					 x, x + notch, middle, STAGE_FILL);
	svg_text(svg, x + width / 2, drawing->y + 24, &stage_style, stage->name, width - 4 * STAGE_TIP, 1);
	svg_text(svg, x + width / 2, drawing->y + 41, &stage_note_style, score, width - 4 * STAGE_TIP, 1);
	appendStringInfoString(svg, "</g>\n");
}

/* The stages. */
static void
draw_stages(Drawing *drawing)
{
	svg_text(drawing->body, MARGIN, drawing->y + 31, &lane_style, "Stage", SIDE_WIDTH, 1);
	for (int i = 0; i < drawing->map->stage_count; i++)
		draw_stage(drawing, &drawing->map->stages[i]);
	drawing->y += STAGE_HEIGHT + 6;
}

/* The channel of a touchpoint. */
static void
draw_channel(Drawing *drawing, int middle, int y, const char *channel)
{
	int			width = Min(svg_text_width(channel, &small_style) + 20, column_room(drawing));

	svg_rectangle(drawing->body, middle - width / 2, y, width, 20, 10, "#e4eaf1");
	svg_text(drawing->body, middle, y + 14, &small_style, channel, width - 10, 1);
}

/* One touchpoint: name, channel, star; the room used. */
static int
draw_touchpoint(Drawing *drawing, int number)
{
	const MapColumn *column = &drawing->map->columns[number];
	int			middle = column_middle(drawing, number);
	int			y = drawing->y;

	if (column->name == NULL)
	{
		svg_text(drawing->body, middle, y + 14, &small_style, "no touchpoint", column_room(drawing), 1);
		return 20;
	}
	appendStringInfoString(drawing->body, "<g>");
	svg_tooltip(drawing->body, column->is_moment_of_truth ? psprintf("%s (moment of truth)", column->name) : column->name);
	if (column->is_moment_of_truth)
		draw_star(drawing->body, column_x(drawing, number) + drawing->column_width - COLUMN_PADDING - 6, y + 9);
	y += 14 + 19 * svg_text(drawing->body, middle, y + 14, &name_style, column->name,
							column_room(drawing) - (column->is_moment_of_truth ? 36 : 0), NAME_LINES);
	if (column->channel != NULL)
		draw_channel(drawing, middle, y - 10, column->channel);
	appendStringInfoString(drawing->body, "</g>\n");
	return y + 12 - drawing->y;
}

/* The touchpoints. */
static void
draw_touchpoints(Drawing *drawing)
{
	int			height = 0;

	lane_begin(drawing, "Touchpoint", "and channel");
	for (int i = 0; i < drawing->map->column_count; i++)
	{
		int			used = draw_touchpoint(drawing, i);

		height = Max(height, used);
	}
	lane_end(drawing, height);
}

/* The grid behind the emotion curve, zero at a height. */
static void
draw_emotion_grid(Drawing *drawing, int zero)
{
	StringInfo	svg = drawing->body;
	int			end = drawing->width - MARGIN;

	svg_rectangle(svg, LANES_X, zero - 2 * EMOTION_STEP, end - LANES_X, 2 * EMOTION_STEP, 0, "#eef5fa");
	svg_rectangle(svg, LANES_X, zero, end - LANES_X, 2 * EMOTION_STEP, 0, "#fdf4ec");
	for (int emotion = -2; emotion <= 2; emotion++)
	{
		int			y = zero - emotion * EMOTION_STEP;

		svg_line(svg, LANES_X, y, end, y, emotion == 0 ? "#94a0ae" : RULE, emotion == 0 ? "5 4" : NULL);
		svg_text(svg, LANES_X - 10, y + 4, &tick_style, signed_number(emotion, 0), 30, 1);
	}
	draw_face(svg, LANES_X - 42, zero - 2 * EMOTION_STEP, 1, GOOD);
	draw_face(svg, LANES_X - 42, zero, 0, NEUTRAL);
	draw_face(svg, LANES_X - 42, zero + 2 * EMOTION_STEP, -1, BAD);
}

/* The height of an experience on the emotion curve. */
static double
emotion_y(double experience, int zero)
{
	return zero - emotion_of(experience) * EMOTION_STEP;
}

/* The curve between neighbours that both have answers; dashed where one of them has too few. */
static void
draw_curve(Drawing *drawing, int zero)
{
	const JourneyMap *map = drawing->map;

	for (int i = 1; i < map->column_count; i++)
	{
		const MapEstimate *before = &map->columns[i - 1].experience;
		const MapEstimate *after = &map->columns[i].experience;
		int			x1 = column_middle(drawing, i - 1);
		int			x2 = column_middle(drawing, i);
		double		y1 = emotion_y(before->value, zero);
		double		y2 = emotion_y(after->value, zero);

		if (!has_data(&map->columns[i - 1]) || !has_data(&map->columns[i]))
			continue;
		/* flat at each point, so that it never runs beyond them */
		appendStringInfo(drawing->body, "<path d=\"M%d %.1fC%d %.1f %d %.1f %d %.1f\" fill=\"none\" stroke=\"%s\" stroke-width=\"3\"%s/>\n",
						 x1, y1, (x1 + x2) / 2, y1, (x1 + x2) / 2, y2, x2, y2, STAGE_FILL,
						 map_has_enough(map, before) && map_has_enough(map, after) ? "" : " stroke-dasharray=\"3 6\"");
	}
}

/* Whether the curve comes down to a point from all its neighbours, so that there is room below it. */
static bool
is_valley(const Drawing *drawing, int number)
{
	const MapColumn *columns = drawing->map->columns;
	bool		has_neighbour = false;

	for (int i = Max(number - 1, 0); i <= Min(number + 1, drawing->map->column_count - 1); i++)
	{
		if (i == number || !has_data(&columns[i]))
			continue;
		if (columns[i].experience.value <= columns[number].experience.value)
			return false;
		has_neighbour = true;
	}
	return has_neighbour;
}

/* The number beside a point, where neither the curve nor the interval is. */
static void
draw_emotion_number(Drawing *drawing, int number, int zero, const char *colour)
{
	const MapEstimate *experience = &drawing->map->columns[number].experience;
	const SvgStyle style = {14, true, colour, "middle"};
	int			middle = column_middle(drawing, number);
	int			top = (int) rint(emotion_y(isfinite(experience->upper) ? experience->upper : experience->value, zero));
	int			bottom = (int) rint(emotion_y(isfinite(experience->lower) ? experience->lower : experience->value, zero));
	int			point = (int) rint(emotion_y(experience->value, zero));
	int			baseline = is_valley(drawing, number) ? Max(point + 32, bottom + 20) : Min(point - 19, top - 8);

	appendStringInfo(drawing->body, "<rect x=\"%d\" y=\"%d\" width=\"40\" height=\"18\" rx=\"4\" fill=\"#ffffff\" fill-opacity=\"0.85\"/>\n",
					 middle - 20, baseline - 14);
	svg_text(drawing->body, middle, baseline, &style, signed_number(emotion_of(experience->value), 1), 60, 1);
}

/* One point of the emotion curve. */
static void
draw_emotion(Drawing *drawing, int number, int zero)
{
	const MapColumn *column = &drawing->map->columns[number];
	const MapEstimate *experience = &column->experience;
	const char *colour = emotion_colour(emotion_of(experience->value));
	int			middle = column_middle(drawing, number);
	double		y = emotion_y(experience->value, zero);

	appendStringInfoString(drawing->body, "<g>");
	svg_tooltip(drawing->body, psprintf("%s: emotion %s, experience %.0f%s of 100, %s%s%s", column->name,
										signed_number(emotion_of(experience->value), 1), experience->value, interval_text(experience),
										count_of(experience->responses, "answer"),
										map_has_enough(drawing->map, experience) ? "" : ", too few to be sure",
										column == drawing->lowest ? ", the lowest of the journey" : ""));
	if (isfinite(experience->lower) && isfinite(experience->upper))
		draw_interval(drawing->body, middle, emotion_y(experience->upper, zero), emotion_y(experience->lower, zero), colour);
	draw_point(drawing->body, middle, y, colour, map_has_enough(drawing->map, experience));
	if (column == drawing->lowest)
		draw_ring(drawing->body, middle, y);
	draw_emotion_number(drawing, number, zero, colour);
	appendStringInfoString(drawing->body, "</g>\n");
}

/* The emotion curve. */
static void
draw_emotions(Drawing *drawing)
{
	int			zero;

	lane_begin(drawing, "Emotion", "from -2 to +2");
	zero = drawing->y + 2 * EMOTION_STEP + 20;
	draw_emotion_grid(drawing, zero);
	draw_curve(drawing, zero);
	for (int i = 0; i < drawing->map->column_count; i++)
	{
		if (has_data(&drawing->map->columns[i]))
			draw_emotion(drawing, i, zero);
		else if (drawing->map->columns[i].name != NULL)
			svg_text(drawing->body, column_middle(drawing, i), zero - 8, &small_style, "no answers", column_room(drawing), 1);
	}
	lane_end(drawing, 4 * EMOTION_STEP + 44);
}

/* One metric at a touchpoint. */
static void
draw_metric(Drawing *drawing, int middle, int y, const MapMetric *metric)
{
	bool		is_enough = map_has_enough(drawing->map, &metric->score);
	bool		has_interval = isfinite(metric->score.lower) && isfinite(metric->score.upper);
	bool		is_kind = metric->kind != NULL && strcmp(metric->kind, metric->code) == 0;
	const char *code = is_kind ? asc_toupper(metric->code, strlen(metric->code)) : metric->code;

	appendStringInfoString(drawing->body, "<g>");
	svg_tooltip(drawing->body, psprintf("%s: %s%s, %s", metric->name, score_text(metric, metric->score.value),
										has_interval ? psprintf(" (%s to %s)", score_text(metric, metric->score.lower), score_text(metric, metric->score.upper)) : "",
										count_of(metric->score.responses, "answer")));
	svg_text(drawing->body, middle, y + 20, is_enough ? &figure_style : &few_figure_style, score_text(metric, metric->score.value), column_room(drawing), 1);
	svg_text(drawing->body, middle, y + 37, &small_style, psprintf("%s, n = %s", code, count_text(metric->score.responses)), column_room(drawing), 1);
	appendStringInfoString(drawing->body, "</g>\n");
}

/* The metrics. */
static void
draw_metrics(Drawing *drawing)
{
	int			height = 0;

	lane_begin(drawing, "Metric", "n = answers");
	for (int i = 0; i < drawing->map->column_count; i++)
	{
		const MapColumn *column = &drawing->map->columns[i];
		int			shown = Min(column->metric_count, MAP_METRICS);

		for (int metric = 0; metric < shown; metric++)
			draw_metric(drawing, column_middle(drawing, i), drawing->y + metric * 48, &column->metrics[metric]);
		if (column->metric_count > shown)
			svg_text(drawing->body, column_middle(drawing, i), drawing->y + shown * 48 + 10, &small_style,
					 psprintf("and %d more", column->metric_count - shown), column_room(drawing), 1);
		height = Max(height, shown * 48 - 8 + (column->metric_count > shown ? 24 : 0));
	}
	lane_end(drawing, height);
}

/* The volume: a bar for the answers of each touchpoint. */
static void
draw_volumes(Drawing *drawing)
{
	int			base;

	lane_begin(drawing, "Volume", "answers in all");
	base = drawing->y + 18 + VOLUME_HEIGHT;
	for (int i = 0; i < drawing->map->column_count; i++)
	{
		const MapColumn *column = &drawing->map->columns[i];
		int64		responses = column->experience.responses;
		int			height = responses == 0 ? 0 : Max(2, (int) rint((double) responses / drawing->most_responses * VOLUME_HEIGHT));
		int			middle = column_middle(drawing, i);

		if (column->name == NULL)
			continue;
		if (height > 0)
			svg_rectangle(drawing->body, middle - 32, base - height, 64, height, 2, BAR);
		svg_text(drawing->body, middle, base - height - 6, &small_style, count_text(responses), column_room(drawing), 1);
	}
	lane_end(drawing, base - drawing->y);
}

/* One note; the room used. */
static int
draw_note(Drawing *drawing, int x, int y, int width, const NoteLook *look, const char *body)
{
	StringInfoData text;
	int			lines;
	int			height;

	/* how high it is shows only when the text is wrapped */
	initStringInfo(&text);
	lines = svg_text(&text, x + 14, y + 19, &note_style, body, width - 24, NOTE_LINES);
	height = lines * 15 + 15;
	appendStringInfoString(drawing->body, "<g>");
	svg_tooltip(drawing->body, body);
	svg_rectangle(drawing->body, x, y, width, height, 3, look->fill);
	svg_rectangle(drawing->body, x, y, 4, height, 2, look->edge);
	appendBinaryStringInfo(drawing->body, text.data, text.len);
	appendStringInfoString(drawing->body, "</g>\n");
	pfree(text.data);
	return height + 6;
}

/* The notes at one place; the room used. */
static int
draw_notes(Drawing *drawing, int x, int y, int width, const NoteLook *look, const MapNotes *notes)
{
	int			shown = Min(notes->count, NOTES_SHOWN);
	int			height = 0;

	for (int i = 0; i < shown; i++)
		height += draw_note(drawing, x, y + height, width, look, notes->bodies[i]);
	if (notes->count > shown)
	{
		svg_text(drawing->body, x + 14, y + height + 12, &lane_note_style,
				 psprintf("and %s more", count_text(notes->count - shown)), width - 24, 1);
		height += 20;
	}
	return height;
}

/* The notes of a kind: those on stages over all their columns, below them those on touchpoints. */
static void
draw_note_lane(Drawing *drawing, MapNoteKind kind)
{
	const JourneyMap *map = drawing->map;
	const NoteLook *look = &note_looks[kind];
	int			height = 0;

	lane_begin(drawing, look->lane, NULL);
	for (int i = 0; i < map->stage_count; i++)
	{
		const MapStage *stage = &map->stages[i];
		int			used = draw_notes(drawing, column_x(drawing, stage->first_column) + 8, drawing->y,
									  stage->column_count * drawing->column_width - 16, look, &stage->notes[kind]);

		height = Max(height, used);
		for (int j = stage->first_column; j < stage->first_column + stage->column_count; j++)
		{
			int			below = draw_notes(drawing, column_x(drawing, j) + 8, drawing->y + used,
										   drawing->column_width - 16, look, &map->columns[j].notes[kind]);

			height = Max(height, used + below);
		}
	}
	lane_end(drawing, height);
}

/* The owners. */
static void
draw_owners(Drawing *drawing)
{
	lane_begin(drawing, "Owner", NULL);
	for (int i = 0; i < drawing->map->column_count; i++)
	{
		const MapColumn *column = &drawing->map->columns[i];
		const char *first = column->owner_staff != NULL ? column->owner_staff : column->owner_unit;
		int			middle = column_middle(drawing, i);

		if (column->name == NULL)
			continue;
		appendStringInfoString(drawing->body, "<g>");
		if (first == NULL)
			svg_text(drawing->body, middle, drawing->y + 15, &small_style, "nobody", column_room(drawing), 1);
		else
		{
			svg_tooltip(drawing->body, first);
			svg_text(drawing->body, middle, drawing->y + 15, &text_style, first, column_room(drawing), 1);
		}
		if (column->owner_staff != NULL && column->owner_unit != NULL)
			svg_text(drawing->body, middle, drawing->y + 32, &small_style, column->owner_unit, column_room(drawing), 1);
		appendStringInfoString(drawing->body, "</g>\n");
	}
	lane_end(drawing, 34);
}

/* The text of an entry of the legend, and the place of the next one. */
static int
draw_legend_text(Drawing *drawing, int x, const char *text)
{
	svg_text(drawing->body, x, drawing->y + 4, &legend_style, text, LANES_WIDTH, 1);
	return x + svg_text_width(text, &legend_style) + 30;
}

/* What the signs mean. */
static void
draw_legend(Drawing *drawing)
{
	StringInfo	svg = drawing->body;
	int			x = MARGIN + 8;

	svg_line(svg, MARGIN, drawing->y, drawing->width - MARGIN, drawing->y, RULE, NULL);
	drawing->y += 28;
	draw_point(svg, x, drawing->y, GOOD, true);
	x = draw_legend_text(drawing, x + 16, psprintf("at least %s", count_of(drawing->map->min_responses, "answer")));
	draw_point(svg, x, drawing->y, GOOD, false);
	x = draw_legend_text(drawing, x + 16, "fewer, line dashed");
	draw_ring(svg, x, drawing->y);
	x = draw_legend_text(drawing, x + 22, "lowest");
	draw_interval(svg, x, drawing->y - 9, drawing->y + 9, GOOD);
	x = draw_legend_text(drawing, x + 14, "95 % interval");
	draw_star(svg, x, drawing->y);
	(void) draw_legend_text(drawing, x + 16, "moment of truth");
	drawing->y += 30;
	svg_text(svg, MARGIN, drawing->y, &lane_note_style,
			 psprintf("Emotion is (experience - 50) / 25; experience is the mean of all answers, each brought from its scale to 0 (worst) to 100 (best)."
					  " Days and hours are those of %s.", drawing->map->zone),
			 drawing->width - 2 * MARGIN, 3);
	drawing->y += 30;
}

/* What there is to see, for those who cannot see it. */
static char *
description(const Drawing *drawing)
{
	const JourneyMap *map = drawing->map;

	return psprintf("Journey map with the lanes stage, touchpoint and channel, emotion, metric, volume, pain point, opportunity and owner."
					" %s, %s, %s.%s%s", count_of(map->stage_count, "stage"), count_of(map->touchpoint_count, "touchpoint"),
					count_of(drawing->responses, "answer"),
					drawing->lowest == NULL ? "" : psprintf(" The lowest emotion is %s, at: ",
															 signed_number(emotion_of(drawing->lowest->experience.value), 1)),
					drawing->lowest == NULL ? "" : drawing->lowest->name);
}

/* Find the lowest point, the sums, and how wide the picture becomes. */
static void
drawing_measure(Drawing *drawing)
{
	const JourneyMap *map = drawing->map;
	int			columns = Max(map->column_count, 1);
	int			trusted = 0;

	for (int i = 0; i < map->column_count; i++)
	{
		const MapColumn *column = &map->columns[i];

		drawing->responses += column->experience.responses;
		drawing->most_responses = Max(drawing->most_responses, column->experience.responses);
		if (!has_data(column) || !map_has_enough(map, &column->experience))
			continue;
		trusted++;
		if (drawing->lowest == NULL || column->experience.value < drawing->lowest->experience.value)
			drawing->lowest = column;
	}
	if (trusted < 2)
		drawing->lowest = NULL;
	drawing->column_width = Max(LEAST_LANES_WIDTH / columns, Max(LEAST_COLUMN_WIDTH, Min(LANES_WIDTH / columns, 300)));
	drawing->width = LANES_X + columns * drawing->column_width + MARGIN;
}

/* Draw all lanes; gives where they end. */
static int
draw_lanes(Drawing *drawing)
{
	int			end;

	draw_stages(drawing);
	draw_touchpoints(drawing);
	CHECK_FOR_INTERRUPTS();
	draw_emotions(drawing);
	draw_metrics(drawing);
	draw_volumes(drawing);
	CHECK_FOR_INTERRUPTS();
	for (int kind = 0; kind < MAP_NOTE_KINDS; kind++)
		draw_note_lane(drawing, kind);
	draw_owners(drawing);
	end = drawing->y;
	draw_legend(drawing);
	return end;
}

/* Write the frame of the picture and its backgrounds; every second stage is shaded. */
static void
write_frame(StringInfo svg, const Drawing *drawing, int lanes_end)
{
	const JourneyMap *map = drawing->map;

	appendStringInfo(svg, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\""
					 " font-family=\"" FONTS "\" role=\"img\" aria-label=\"", drawing->width, drawing->y, drawing->width, drawing->y);
	svg_escape(svg, psprintf("Journey map: %s", map->name));
	appendStringInfoString(svg, "\">\n");
	svg_tooltip(svg, psprintf("Journey map: %s", map->name));
	appendStringInfoString(svg, "\n<desc>");
	svg_escape(svg, description(drawing));
	appendStringInfoString(svg, "</desc>\n");
	svg_rectangle(svg, 0, 0, drawing->width, drawing->y, 0, "#ffffff");
	for (int i = 0; i < map->stage_count; i += 2)
		svg_rectangle(svg, column_x(drawing, map->stages[i].first_column), TITLE_HEIGHT + STAGE_HEIGHT + 6,
					  map->stages[i].column_count * drawing->column_width, lanes_end - TITLE_HEIGHT - STAGE_HEIGHT - 6, 0, BAND);
}

/* Write a journey map as an SVG document. */
void
journey_map_draw(StringInfo svg, const JourneyMap *map)
{
	StringInfoData body;
	Drawing		drawing = {.map = map, .body = &body};
	int			lanes_end;

	initStringInfo(&body);
	drawing_measure(&drawing);
	draw_title(&drawing);
	if (map->column_count == 0)
		svg_text(&body, MARGIN, drawing.y + 20, &lane_style, "This version has no stages.", LANES_WIDTH, 1);
	lanes_end = map->column_count == 0 ? (drawing.y += 48) : draw_lanes(&drawing);
	write_frame(svg, &drawing, lanes_end);
	appendBinaryStringInfo(svg, body.data, body.len);
	appendStringInfoString(svg, "</svg>");
}
