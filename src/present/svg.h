/*-------------------------------------------------------------------------
 *
 * svg.h
 *	  Writes elements of SVG pictures.
 *
 * Coordinates are pixels of the picture.  Whatever comes from a user is passed
 * as an argument, never in a format.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_SVG_H
#define CX_SVG_H

#include "postgres.h"

#include "lib/stringinfo.h"

/* How a text looks. */
typedef struct SvgStyle
{
	int			size;			/* font size, pixels */
	bool		is_bold;
	const char *fill;			/* colour */
	const char *anchor;			/* start, middle or end of the text is at x */
} SvgStyle;

extern void svg_escape(StringInfo svg, const char *text);
extern void svg_tooltip(StringInfo svg, const char *text);
extern void svg_rectangle(StringInfo svg, int x, int y, int width, int height, int radius, const char *fill);
extern void svg_line(StringInfo svg, int x1, int y1, int x2, int y2, const char *stroke, const char *dashes);
extern int	svg_text_width(const char *text, const SvgStyle *style);
extern int	svg_text_lines(const char *text, const SvgStyle *style, int width, int max_lines);
extern int	svg_text(StringInfo svg, int x, int y, const SvgStyle *style, const char *text, int width, int max_lines);
extern void svg_explained_text(StringInfo svg, int x, int y, const SvgStyle *style, const char *text, int width);

#endif							/* CX_SVG_H */
