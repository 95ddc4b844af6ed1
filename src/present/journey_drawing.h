/*-------------------------------------------------------------------------
 *
 * journey_drawing.h
 *	  A journey map in the making.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_JOURNEY_DRAWING_H
#define CX_JOURNEY_DRAWING_H

#include "postgres.h"

#include "present/journey_map.h"
#include "present/picture.h"

/* Sizes, in pixels. */
#define SIDE_WIDTH 148			/* names of the lanes */
#define LANES_X (MARGIN + SIDE_WIDTH)
#define COLUMN_PADDING 12		/* left and right of what stands in a column */

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
static inline int
map_column_x(const Drawing *drawing, int column)
{
	return LANES_X + column * drawing->column_width;
}

/* The middle of a column. */
static inline int
map_column_middle(const Drawing *drawing, int column)
{
	return map_column_x(drawing, column) + drawing->column_width / 2;
}

/* The room for a text in a column. */
static inline int
map_column_room(const Drawing *drawing)
{
	return drawing->column_width - 2 * COLUMN_PADDING;
}

extern const SvgStyle map_small_style;

extern char *map_signed_number(double value, int decimals);
extern char *map_interval_text(const MapEstimate *estimate);
extern void map_lane_begin(Drawing *drawing, const char *name, const char *note);
extern void map_lane_end(Drawing *drawing, int height);

extern bool map_has_data(const MapColumn *column);
extern double map_emotion_of(double experience);
extern void map_draw_point(StringInfo svg, int x, double y, const char *colour, bool is_full);
extern void map_draw_ring(StringInfo svg, int x, double y);
extern void map_draw_interval(StringInfo svg, int x, double y1, double y2, const char *colour);
extern void map_draw_emotions(Drawing *drawing);

#endif							/* CX_JOURNEY_DRAWING_H */
