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

#include "present/journey_drawing.h"

/* Sizes, in pixels. */
#define LANE_PADDING 14			/* above and below what stands in a lane */
#define TITLE_HEIGHT 118
#define STAGE_HEIGHT 54
#define STAGE_TIP 14			/* point of a stage's arrow */
#define VOLUME_HEIGHT 46		/* the highest bar */
#define LEAST_COLUMN_WIDTH 176
#define LANES_WIDTH 1000		/* columns grow until they fill this */
#define LEAST_LANES_WIDTH 600

/* The most that is drawn. */
#define NOTES_SHOWN 3			/* of a kind at one place */
#define NOTE_LINES 6			/* of each */
#define NAME_LINES 3			/* of a touchpoint's name */

/* Colours. */
#define STAGE_INK "#c9d6e4"
#define STAR "#e69f00"

static const SvgStyle score_style = {34, true, DARK, "end"};
static const SvgStyle score_note_style = {12, false, MUTED, "end"};
static const SvgStyle stage_style = {15, true, "#ffffff", "middle"};
static const SvgStyle stage_note_style = {11, false, STAGE_INK, "middle"};
static const SvgStyle name_style = {15, true, INK, "middle"};
const SvgStyle map_small_style = {11, false, MUTED, "middle"};
static const SvgStyle drop_off_style = {12, true, INK, "middle"};
static const SvgStyle text_style = {13, false, INK, "middle"};
static const SvgStyle figure_style = {20, true, INK, "middle"};
static const SvgStyle few_figure_style = {20, false, MUTED, "middle"};
static const SvgStyle note_style = {12, false, INK, "start"};
static const SvgStyle legend_style = {12, false, MUTED, "start"};

/* How notes of a kind look. */
typedef struct NoteLook
{
	const char *lane;			/* name of their lane */
	const char *fill;			/* colour of a note */
	const char *edge;			/* colour of its edge */
} NoteLook;

static const NoteLook note_looks[MAP_NOTE_KINDS] = {
	[MAP_PAIN_POINT] = {"Pain point", "#fdeee4", BAD},
	[MAP_OPPORTUNITY] = {"Opportunity", "#e3f3ee", "#00805c"},
};

/* A number rounded to decimals, with a sign unless it is zero. */
char *
map_signed_number(double value, int decimals)
{
	double		unit = pow(10, decimals);
	double		rounded = rint(value * unit) / unit;

	return rounded == 0 ? psprintf("%.*f", decimals, 0.0) : psprintf("%+.*f", decimals, rounded);
}

/* A score in the unit of its kind. */
static char *
score_text(const MapMetric *metric, double value)
{
	if (!isfinite(value))
		return "?";
	if (metric->kind != NULL && strcmp(metric->kind, "nps") == 0)
		return map_signed_number(value, 0);
	if (metric->kind != NULL && strcmp(metric->kind, "csat") == 0)
		return psprintf("%.0f %%", value);
	return psprintf("%.1f", value);
}

/* The interval of an experience in words, empty if it is unknown. */
char *
map_interval_text(const MapEstimate *estimate)
{
	if (!isfinite(estimate->lower) || !isfinite(estimate->upper))
		return "";
	return psprintf(" (%.0f to %.0f)", estimate->lower, estimate->upper);
}

/* Begin a lane: the line above it, its name and, unless NULL, a note. */
void
map_lane_begin(Drawing *drawing, const char *name, const char *note)
{
	svg_line(drawing->body, MARGIN, drawing->y, drawing->width - MARGIN, drawing->y, RULE, NULL);
	svg_text(drawing->body, MARGIN, drawing->y + LANE_PADDING + 12, &picture_strong_style, name, SIDE_WIDTH, 1);
	if (note != NULL)
		svg_text(drawing->body, MARGIN, drawing->y + LANE_PADDING + 29, &picture_note_style, note, SIDE_WIDTH - 12, 1);
	drawing->y += LANE_PADDING;
}

/* End a lane in which this much room was used. */
void
map_lane_end(Drawing *drawing, int height)
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

/* What the map leaves out, empty if nothing. */
static char *
rest_text(const Drawing *drawing)
{
	int			drawn = 0;

	for (int i = 0; i < drawing->map->column_count; i++)
		drawn += drawing->map->columns[i].name != NULL;
	if (drawn >= drawing->map->touchpoint_count)
		return "";
	return psprintf(": only the first %s touchpoints of %s", picture_count(drawn), picture_count(drawing->map->touchpoint_count));
}

/* The journey's name, what the map is of, and the score of the journey. */
static void
draw_title(Drawing *drawing)
{
	const JourneyMap *map = drawing->map;
	int			room = drawing->width - 2 * MARGIN - 210;
	int			y = MARGIN + 24;

	svg_explained_text(drawing->body, MARGIN, y, &picture_title_style, map->name, room);
	svg_text(drawing->body, MARGIN, y + 26, &picture_subtitle_style,
			 psprintf("%s, %s, version %d%s", map->period, picture_count_of(drawing->responses, "answer"), map->version, rest_text(drawing)), room, 1);
	if (map->owner != NULL)
		svg_explained_text(drawing->body, MARGIN, y + 45, &picture_subtitle_style, psprintf("Owner: %s", map->owner), room);
	if (isfinite(map->score.value))
	{
		appendStringInfoString(drawing->body, "<g>");
		svg_tooltip(drawing->body, psprintf("Score of the journey: %.0f%s of 100", map->score.value, map_interval_text(&map->score)));
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
	int			x = map_column_x(drawing, stage->first_column) + 1;
	int			width = stage->column_count * drawing->column_width - 2;
	bool		is_last = stage->first_column + stage->column_count == drawing->map->column_count;
	int			tip = x + width + (is_last ? 0 : STAGE_TIP - 3);
	int			middle = drawing->y + STAGE_HEIGHT / 2;
	int			notch = stage->first_column == 0 ? 0 : STAGE_TIP;
	char	   *score = isfinite(stage->score.value) ?
		psprintf("score %.0f of 100, %s", stage->score.value, picture_count_of(stage->score.responses, "answer")) : "no score";

	appendStringInfoString(svg, "<g>");
	svg_tooltip(svg, psprintf("%s: %s%s", stage->name, score, map_interval_text(&stage->score)));
	appendStringInfo(svg, "<path d=\"M%d %dH%dL%d %dL%d %dH%dL%d %dz\" fill=\"%s\"/>\n",
					 x, drawing->y, tip - STAGE_TIP, tip, middle, tip - STAGE_TIP, drawing->y + STAGE_HEIGHT,
					 x, x + notch, middle, DARK);
	svg_text(svg, x + width / 2, drawing->y + 24, &stage_style, stage->name, width - 4 * STAGE_TIP, 1);
	svg_text(svg, x + width / 2, drawing->y + 41, &stage_note_style, score, width - 4 * STAGE_TIP, 1);
	appendStringInfoString(svg, "</g>\n");
}

/* The stages. */
static void
draw_stages(Drawing *drawing)
{
	svg_text(drawing->body, MARGIN, drawing->y + 31, &picture_strong_style, "Stage", SIDE_WIDTH, 1);
	for (int i = 0; i < drawing->map->stage_count; i++)
		draw_stage(drawing, &drawing->map->stages[i]);
	drawing->y += STAGE_HEIGHT + 6;
}

/* The channel of a touchpoint. */
static void
draw_channel(Drawing *drawing, int middle, int y, const char *channel)
{
	int			width = Min(svg_text_width(channel, &map_small_style) + 20, map_column_room(drawing));

	svg_rectangle(drawing->body, middle - width / 2, y, width, 20, 10, "#e4eaf1");
	svg_explained_text(drawing->body, middle, y + 14, &map_small_style, channel, width - 10);
}

/* One touchpoint: name, channel, star; the room used. */
static int
draw_touchpoint(Drawing *drawing, int number)
{
	const MapColumn *column = &drawing->map->columns[number];
	int			middle = map_column_middle(drawing, number);
	int			y = drawing->y;

	if (column->name == NULL)
	{
		svg_text(drawing->body, middle, y + 14, &map_small_style, "no touchpoint", map_column_room(drawing), 1);
		return 20;
	}
	appendStringInfoString(drawing->body, "<g>");
	svg_tooltip(drawing->body, column->is_moment_of_truth ? psprintf("%s (moment of truth)", column->name) : column->name);
	if (column->is_moment_of_truth)
		draw_star(drawing->body, map_column_x(drawing, number) + drawing->column_width - COLUMN_PADDING - 6, y + 9);
	y += 14 + 19 * svg_text(drawing->body, middle, y + 14, &name_style, column->name,
							map_column_room(drawing) - (column->is_moment_of_truth ? 36 : 0), NAME_LINES);
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

	map_lane_begin(drawing, "Touchpoint", "and channel");
	for (int i = 0; i < drawing->map->column_count; i++)
	{
		int			used = draw_touchpoint(drawing, i);

		height = Max(height, used);
	}
	map_lane_end(drawing, height);
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
										picture_count_of(metric->score.responses, "answer")));
	svg_text(drawing->body, middle, y + 20, is_enough ? &figure_style : &few_figure_style, score_text(metric, metric->score.value), map_column_room(drawing), 1);
	svg_text(drawing->body, middle, y + 37, &map_small_style, psprintf("%s, n = %s", code, picture_count(metric->score.responses)), map_column_room(drawing), 1);
	appendStringInfoString(drawing->body, "</g>\n");
}

/* The metrics. */
static void
draw_metrics(Drawing *drawing)
{
	int			height = 0;

	map_lane_begin(drawing, "Metric", "n = answers");
	for (int i = 0; i < drawing->map->column_count; i++)
	{
		const MapColumn *column = &drawing->map->columns[i];
		int			shown = Min(column->metric_count, MAP_METRICS);

		for (int metric = 0; metric < shown; metric++)
			draw_metric(drawing, map_column_middle(drawing, i), drawing->y + metric * 48, &column->metrics[metric]);
		if (column->metric_count > shown)
			svg_text(drawing->body, map_column_middle(drawing, i), drawing->y + shown * 48 + 10, &map_small_style,
					 psprintf("and %d more", column->metric_count - shown), map_column_room(drawing), 1);
		height = Max(height, shown * 48 - 8 + (column->metric_count > shown ? 24 : 0));
	}
	map_lane_end(drawing, height);
}

/* The bar for the answers of a touchpoint. */
static void
draw_volume(Drawing *drawing, int middle, int base, int64 responses)
{
	int			height = responses == 0 ? 0 : Max(2, (int) rint((double) responses / drawing->most_responses * VOLUME_HEIGHT));

	if (height > 0)
		svg_rectangle(drawing->body, middle - 32, base - height, 64, height, 2, BAR);
	svg_text(drawing->body, middle, base - height - 6, &map_small_style, picture_count(responses), map_column_room(drawing), 1);
}

/* How many go no further from a touchpoint; at the last stage that is no loss. */
static void
draw_drop_off(Drawing *drawing, int middle, int y, const MapColumn *column)
{
	const JourneyMap *map = drawing->map;
	bool		is_enough = map_has_enough(map, &column->drop_off);

	if (column->stage == &map->stages[map->stage_count - 1] || column->drop_off.responses == 0)
		return;
	appendStringInfoString(drawing->body, "<g>");
	svg_tooltip(drawing->body, psprintf("%s: of %s %.0f %%%s had no event in the journey for 28 days after", column->name,
										picture_count_of(column->drop_off.responses, "customer"), column->drop_off.value,
										map_interval_text(&column->drop_off)));
	svg_text(drawing->body, middle, y, is_enough ? &drop_off_style : &map_small_style,
			 psprintf("%.0f %% drop-off%s", column->drop_off.value, is_enough ? "" : " (few)"), map_column_room(drawing), 1);
	appendStringInfoString(drawing->body, "</g>\n");
}

/* The volume, and who drops out. */
static void
draw_volumes(Drawing *drawing)
{
	int			base;

	map_lane_begin(drawing, "Volume and drop-off", NULL);
	svg_text(drawing->body, MARGIN, drawing->y + 29, &picture_note_style, "answers in all; share of customers who went no further", SIDE_WIDTH - 12, 3);
	base = drawing->y + 18 + VOLUME_HEIGHT;
	for (int i = 0; i < drawing->map->column_count; i++)
	{
		const MapColumn *column = &drawing->map->columns[i];
		int			middle = map_column_middle(drawing, i);

		if (column->name == NULL)
			continue;
		draw_volume(drawing, middle, base, column->experience.responses);
		draw_drop_off(drawing, middle, base + 18, column);
	}
	map_lane_end(drawing, base + 20 - drawing->y);
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
		svg_text(drawing->body, x + 14, y + height + 12, &picture_note_style,
				 psprintf("and %s more", picture_count(notes->count - shown)), width - 24, 1);
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

	map_lane_begin(drawing, look->lane, NULL);
	for (int i = 0; i < map->stage_count; i++)
	{
		const MapStage *stage = &map->stages[i];
		int			used = draw_notes(drawing, map_column_x(drawing, stage->first_column) + 8, drawing->y,
									  stage->column_count * drawing->column_width - 16, look, &stage->notes[kind]);

		height = Max(height, used);
		for (int j = stage->first_column; j < stage->first_column + stage->column_count; j++)
		{
			int			below = draw_notes(drawing, map_column_x(drawing, j) + 8, drawing->y + used,
										   drawing->column_width - 16, look, &map->columns[j].notes[kind]);

			height = Max(height, used + below);
		}
	}
	map_lane_end(drawing, height);
}

/* The owners. */
static void
draw_owners(Drawing *drawing)
{
	map_lane_begin(drawing, "Owner", NULL);
	for (int i = 0; i < drawing->map->column_count; i++)
	{
		const MapColumn *column = &drawing->map->columns[i];
		const char *first = column->owner_staff != NULL ? column->owner_staff : column->owner_unit;
		int			middle = map_column_middle(drawing, i);

		if (column->name == NULL)
			continue;
		if (first == NULL)
			svg_text(drawing->body, middle, drawing->y + 15, &map_small_style, "nobody", map_column_room(drawing), 1);
		else
			svg_explained_text(drawing->body, middle, drawing->y + 15, &text_style, first, map_column_room(drawing));
		if (column->owner_staff != NULL && column->owner_unit != NULL)
			svg_explained_text(drawing->body, middle, drawing->y + 32, &map_small_style, column->owner_unit, map_column_room(drawing));
	}
	map_lane_end(drawing, 34);
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
	map_draw_point(svg, x, drawing->y, GOOD, true);
	x = draw_legend_text(drawing, x + 16, psprintf("at least %s", picture_count_of(drawing->map->min_responses, "answer")));
	map_draw_point(svg, x, drawing->y, GOOD, false);
	x = draw_legend_text(drawing, x + 16, "fewer, line dashed");
	map_draw_ring(svg, x, drawing->y);
	x = draw_legend_text(drawing, x + 22, "lowest");
	map_draw_interval(svg, x, drawing->y - 9, drawing->y + 9, GOOD);
	x = draw_legend_text(drawing, x + 14, "95 % interval");
	draw_star(svg, x, drawing->y);
	(void) draw_legend_text(drawing, x + 16, "moment of truth");
	drawing->y += 30;
	svg_text(svg, MARGIN, drawing->y, &picture_note_style,
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

	return psprintf("Journey map with the lanes stage, touchpoint and channel, emotion, metric, volume and drop-off, pain point, opportunity and owner."
					" %s, %s, %s.%s%s", picture_count_of(map->stage_count, "stage"), picture_count_of(map->touchpoint_count, "touchpoint"),
					picture_count_of(drawing->responses, "answer"),
					drawing->lowest == NULL ? "" : psprintf(" The lowest emotion is %s, at: ",
															 map_signed_number(map_emotion_of(drawing->lowest->experience.value), 1)),
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
		if (!map_has_data(column) || !map_has_enough(map, &column->experience))
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
	map_draw_emotions(drawing);
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

	picture_begin(svg, drawing->width, drawing->y, psprintf("Journey map: %s", map->name), description(drawing));
	for (int i = 0; i < map->stage_count; i += 2)
		svg_rectangle(svg, map_column_x(drawing, map->stages[i].first_column), TITLE_HEIGHT + STAGE_HEIGHT + 6,
					  map->stages[i].column_count * drawing->column_width, lanes_end - TITLE_HEIGHT - STAGE_HEIGHT - 6, 0, BAND);
}

/* Write a journey map as an SVG document, all but its end. */
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
		svg_text(&body, MARGIN, drawing.y + 20, &picture_strong_style, "This version has no stages.", LANES_WIDTH, 1);
	lanes_end = map->column_count == 0 ? (drawing.y += 48) : draw_lanes(&drawing);
	write_frame(svg, &drawing, lanes_end);
	appendBinaryStringInfo(svg, body.data, body.len);
}
