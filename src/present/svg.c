/*-------------------------------------------------------------------------
 *
 * svg.c
 *	  Writes elements of SVG pictures as well-formed XML.
 *
 * The result is plain ASCII, other characters are written as references: so it
 * is the same in every encoding of database, client and file.  No element has
 * an identifier or a style sheet, so that several pictures fit into one page.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "present/label.h"
#include "present/svg.h"

/* The most lines that a text is wrapped into. */
#define MAX_LINES 8

/* Whether XML 1.0 allows a character, be it as a reference. */
static bool
svg_is_allowed(pg_wchar c)
{
	return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c < 0xD800) || (c > 0xDFFF && c < 0xFFFE) ||
		(c > 0xFFFF && c <= 0x10FFFF);
}

/* Write a character so that it stands for nothing but itself. */
static void
svg_character(StringInfo svg, pg_wchar c)
{
	if (c < ' ' || c >= 0x7F || strchr("<>&\"'", c) != NULL)
		appendStringInfo(svg, "&#x%X;", svg_is_allowed(c) ? c : 0xFFFD);
	else
		appendStringInfoChar(svg, c);
}

/* Write a line of a label; what moves to other lines in a text is a space here. */
static void
svg_characters(StringInfo svg, const Label *label, const LabelLine *line)
{
	for (int i = line->start; i < line->end; i++)
	{
		pg_wchar	c = label->characters[i];

		svg_character(svg, c == '\t' || c == '\n' || c == '\r' ? ' ' : c);
	}
	if (line->is_cut)
		svg_character(svg, 0x2026);
}

/* Write a text for an attribute or the content of an element. */
void
svg_escape(StringInfo svg, const char *text)
{
	Label		label = label_of(text);

	for (int i = 0; i < label.length; i++)
		svg_character(svg, label.characters[i]);
}

/* What is shown when the mouse rests on the element that this stands in. */
void
svg_tooltip(StringInfo svg, const char *text)
{
	appendStringInfoString(svg, "<title>");
	svg_escape(svg, text);
	appendStringInfoString(svg, "</title>");
}

/* A filled rectangle. */
void
svg_rectangle(StringInfo svg, int x, int y, int width, int height, int radius, const char *fill)
{
	appendStringInfo(svg, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"%d\" fill=\"%s\"/>\n",
					 x, y, width, height, radius, fill);
}

/* A line; dashes are NULL or the lengths of dashes and gaps. */
void
svg_line(StringInfo svg, int x1, int y1, int x2, int y2, const char *stroke, const char *dashes)
{
	appendStringInfo(svg, "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" stroke=\"%s\"", x1, y1, x2, y2, stroke);
	if (dashes != NULL)
		appendStringInfo(svg, " stroke-dasharray=\"%s\"", dashes);
	appendStringInfoString(svg, "/>\n");
}

/* How wide a text is about, in one line. */
int
svg_text_width(const char *text, const SvgStyle *style)
{
	Label		label = label_of(text);

	return (int) ceil(label_width(&label, 0, label.length) * style->size * (style->is_bold ? 1.06 : 1.0));
}

/* Divide a text into lines of a width; the number of lines. */
static int
svg_wrap(const Label *label, const SvgStyle *style, int width, LabelLine *lines, int max_lines)
{
	return label_wrap(label, width / (style->size * (style->is_bold ? 1.06 : 1.0)), lines, Min(max_lines, MAX_LINES));
}

/* How many lines a text takes in a width: none if it shows nothing. */
int
svg_text_lines(const char *text, const SvgStyle *style, int width, int max_lines)
{
	Label		label = label_of(text);
	LabelLine	lines[MAX_LINES];

	return svg_wrap(&label, style, width, lines, max_lines);
}

/* A text wrapped into lines of a width, the first one at y; the number of lines. */
int
svg_text(StringInfo svg, int x, int y, const SvgStyle *style, const char *text, int width, int max_lines)
{
	Label		label = label_of(text);
	LabelLine	lines[MAX_LINES];
	int			count = svg_wrap(&label, style, width, lines, max_lines);

	appendStringInfo(svg, "<text font-size=\"%d\"%s fill=\"%s\" text-anchor=\"%s\">", style->size,
					 style->is_bold ? " font-weight=\"bold\"" : "", style->fill, style->anchor);
	for (int i = 0; i < count; i++)
	{
		appendStringInfo(svg, "<tspan x=\"%d\" y=\"%d\">", x, y + i * (style->size * 13 / 10));
		svg_characters(svg, &label, &lines[i]);
		appendStringInfoString(svg, "</tspan>");
	}
	appendStringInfoString(svg, "</text>\n");
	return count;
}

/* A text in one line, all of which is shown when the mouse rests on it. */
void
svg_explained_text(StringInfo svg, int x, int y, const SvgStyle *style, const char *text, int width)
{
	appendStringInfoString(svg, "<g>");
	svg_tooltip(svg, text);
	(void) svg_text(svg, x, y, style, text, width, 1);
	appendStringInfoString(svg, "</g>\n");
}
