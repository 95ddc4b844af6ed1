/*-------------------------------------------------------------------------
 *
 * journey_emotion.c
 *	  Draws the emotion curve of a journey map.
 *
 * The curve is flat at each point, so that it never runs beyond its points;
 * where a touchpoint has no answers it has a gap.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "present/journey_drawing.h"

#define EMOTION_STEP 46			/* pixels of one unit */

static const SvgStyle tick_style = {11, false, MUTED, "end"};

/* Whether a touchpoint has answers. */
bool
map_has_data(const MapColumn *column)
{
	return column->experience.responses > 0 && isfinite(column->experience.value);
}

/* An experience on the scale of the map, -2..2. */
double
map_emotion_of(double experience)
{
	return Max(-2.0, Min(2.0, (experience - 50) / 25));
}

/* The colour of an emotion. */
static const char *
emotion_colour(double emotion)
{
	if (emotion >= 0.5)
		return GOOD;
	return emotion <= -0.5 ? BAD : NEUTRAL;
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
void
map_draw_point(StringInfo svg, int x, double y, const char *colour, bool is_full)
{
	appendStringInfo(svg, "<circle cx=\"%d\" cy=\"%.1f\" r=\"7\" fill=\"%s\" stroke=\"%s\" stroke-width=\"2.5\"/>\n",
					 x, y, is_full ? colour : "#ffffff", colour);
}

/* The ring around the lowest point. */
void
map_draw_ring(StringInfo svg, int x, double y)
{
	appendStringInfo(svg, "<circle cx=\"%d\" cy=\"%.1f\" r=\"13\" fill=\"none\" stroke=\"%s\" stroke-width=\"2.5\"/>\n", x, y, BAD);
}

/* The 95 % interval of a point. */
void
map_draw_interval(StringInfo svg, int x, double y1, double y2, const char *colour)
{
	appendStringInfo(svg, "<path d=\"M%d %.1fH%dM%d %.1fV%.1fM%d %.1fH%d\" fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\"/>\n",
					 x - 5, y1, x + 5, x, y1, y2, x - 5, y2, x + 5, colour);
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
		svg_text(svg, LANES_X - 10, y + 4, &tick_style, map_signed_number(emotion, 0), 30, 1);
	}
	draw_face(svg, LANES_X - 42, zero - 2 * EMOTION_STEP, 1, GOOD);
	draw_face(svg, LANES_X - 42, zero, 0, NEUTRAL);
	draw_face(svg, LANES_X - 42, zero + 2 * EMOTION_STEP, -1, BAD);
}

/* The height of an experience on the emotion curve. */
static double
emotion_y(double experience, int zero)
{
	return zero - map_emotion_of(experience) * EMOTION_STEP;
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
		int			x1 = map_column_middle(drawing, i - 1);
		int			x2 = map_column_middle(drawing, i);
		double		y1 = emotion_y(before->value, zero);
		double		y2 = emotion_y(after->value, zero);

		if (!map_has_data(&map->columns[i - 1]) || !map_has_data(&map->columns[i]))
			continue;
		appendStringInfo(drawing->body, "<path d=\"M%d %.1fC%d %.1f %d %.1f %d %.1f\" fill=\"none\" stroke=\"%s\" stroke-width=\"3\"%s/>\n",
						 x1, y1, (x1 + x2) / 2, y1, (x1 + x2) / 2, y2, x2, y2, DARK,
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
		if (i == number || !map_has_data(&columns[i]))
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
	int			middle = map_column_middle(drawing, number);
	int			top = (int) rint(emotion_y(isfinite(experience->upper) ? experience->upper : experience->value, zero));
	int			bottom = (int) rint(emotion_y(isfinite(experience->lower) ? experience->lower : experience->value, zero));
	int			point = (int) rint(emotion_y(experience->value, zero));
	int			baseline = is_valley(drawing, number) ? Max(point + 32, bottom + 20) : Min(point - 19, top - 8);

	appendStringInfo(drawing->body, "<rect x=\"%d\" y=\"%d\" width=\"40\" height=\"18\" rx=\"4\" fill=\"#ffffff\" fill-opacity=\"0.85\"/>\n",
					 middle - 20, baseline - 14);
	svg_text(drawing->body, middle, baseline, &style, map_signed_number(map_emotion_of(experience->value), 1), 60, 1);
}

/* One point of the emotion curve. */
static void
draw_emotion(Drawing *drawing, int number, int zero)
{
	const MapColumn *column = &drawing->map->columns[number];
	const MapEstimate *experience = &column->experience;
	const char *colour = emotion_colour(map_emotion_of(experience->value));
	int			middle = map_column_middle(drawing, number);
	double		y = emotion_y(experience->value, zero);

	appendStringInfoString(drawing->body, "<g>");
	svg_tooltip(drawing->body, psprintf("%s: emotion %s, experience %.0f%s of 100, %s%s%s", column->name,
										map_signed_number(map_emotion_of(experience->value), 1), experience->value, map_interval_text(experience),
										picture_count_of(experience->responses, "answer"),
										map_has_enough(drawing->map, experience) ? "" : ", too few to be sure",
										column == drawing->lowest ? ", the lowest of the journey" : ""));
	if (isfinite(experience->lower) && isfinite(experience->upper))
		map_draw_interval(drawing->body, middle, emotion_y(experience->upper, zero), emotion_y(experience->lower, zero), colour);
	map_draw_point(drawing->body, middle, y, colour, map_has_enough(drawing->map, experience));
	if (column == drawing->lowest)
		map_draw_ring(drawing->body, middle, y);
	draw_emotion_number(drawing, number, zero, colour);
	appendStringInfoString(drawing->body, "</g>\n");
}

/* The emotion curve. */
void
map_draw_emotions(Drawing *drawing)
{
	int			zero;

	map_lane_begin(drawing, "Emotion", "from -2 to +2");
	zero = drawing->y + 2 * EMOTION_STEP + 20;
	draw_emotion_grid(drawing, zero);
	draw_curve(drawing, zero);
	for (int i = 0; i < drawing->map->column_count; i++)
	{
		if (map_has_data(&drawing->map->columns[i]))
			draw_emotion(drawing, i, zero);
		else if (drawing->map->columns[i].name != NULL)
			svg_text(drawing->body, map_column_middle(drawing, i), zero - 8, &map_small_style, "no answers", map_column_room(drawing), 1);
	}
	map_lane_end(drawing, 4 * EMOTION_STEP + 44);
}
