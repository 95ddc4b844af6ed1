/*-------------------------------------------------------------------------
 *
 * label.c
 *	  Brings texts of users into a form that can be measured and wrapped.
 *
 * A picture is drawn where nobody knows the reader's font, so widths are
 * estimates on the safe side, in units of the font size: Latin letters by
 * their shape, those of East Asia and emoji by their square.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "mb/pg_wchar.h"

#include "present/label.h"

#define REPLACEMENT_CHARACTER 0xFFFD
#define ELLIPSIS 0x2026
#define ZERO_WIDTH_JOINER 0x200D

/* Code points from first to last. */
typedef struct CharacterRange
{
	pg_wchar	first;
	pg_wchar	last;
} CharacterRange;

/* Marks that stand on the character before them, and signs that show nothing. */
static const CharacterRange marks[] = {
	{0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x0610, 0x061A}, {0x064B, 0x065F}, {0x06D6, 0x06DC},
	{0x0E31, 0x0E31}, {0x0E34, 0x0E3A}, {0x0E47, 0x0E4E}, {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF}, {0x200B, 0x200F},
	{0x202A, 0x202E}, {0x2060, 0x206F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}, {0xFEFF, 0xFEFF},
	{0x1F3FB, 0x1F3FF}, {0xE0000, 0xE0FFF},
};

/* Characters as wide as they are high. */
static const CharacterRange squares[] = {
	{0x1100, 0x115F}, {0x2E80, 0xA4CF}, {0xAC00, 0xD7A3}, {0xF900, 0xFAFF}, {0xFE30, 0xFE6F}, {0xFF00, 0xFF60},
	{0xFFE0, 0xFFE6}, {0x20000, 0x3FFFD},
};

/* Emoji, which fonts draw larger than letters. */
static const CharacterRange emoji[] = {{0x2600, 0x27BF}, {0x1F000, 0x1FAFF}};

/* Whether a character is in one of the ranges. */
static bool
label_is_in(pg_wchar c, const CharacterRange *ranges, int count)
{
	for (int i = 0; i < count; i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	return false;
}

/* Whether lines may break at a character, which they then leave out. */
static bool
label_is_space(pg_wchar c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == 0x3000;
}

/* Whether a character stays with the one before it. */
static bool
label_is_mark(pg_wchar c)
{
	return c >= 0x0300 && label_is_in(c, marks, lengthof(marks));
}

/* Whether a line may break after a character that is no space. */
static bool
label_breaks_after(pg_wchar c)
{
	return c == '-' || c == '/' || (c >= 0x1100 && label_is_in(c, squares, lengthof(squares)));
}

/* The width of a printable ASCII character. */
static double
label_ascii_width(pg_wchar c)
{
	if (strchr("ijl'|.,:;!I ", c) != NULL)
		return 0.31;
	if (strchr("frt()[]{}-\"`/\\*", c) != NULL)
		return 0.42;
	if (strchr("mwMW@%", c) != NULL)
		return 0.93;
	return c >= 'A' && c <= 'Z' ? 0.70 : 0.59;
}

/* The width of a character, as a share of the font size. */
static double
label_character_width(pg_wchar c)
{
	if (label_is_space(c))
		return c == 0x3000 ? 1.0 : 0.31;
	if (c > ' ' && c < 0x7F)
		return label_ascii_width(c);
	if (label_is_mark(c))
		return 0;
	if (c < ' ' || label_is_in(c, squares, lengthof(squares)))
		return 1.0;
	return label_is_in(c, emoji, lengthof(emoji)) ? 1.3 : 0.66;
}

/* A text in UTF-8; what its encoding cannot bring there becomes a question mark. */
static char *
label_to_utf8(const char *text, int length)
{
	int			encoding = GetDatabaseEncoding();
	int			room = length * MAX_CONVERSION_GROWTH + 1;
	Oid			conversion;
	char	   *utf8;
	int			used = 0;

	if (encoding == PG_UTF8 || encoding == PG_SQL_ASCII)
		return pnstrdup(text, length);
	conversion = FindDefaultConversionProc(encoding, PG_UTF8);
	if (!OidIsValid(conversion))
		elog(ERROR, "no conversion from encoding \"%s\" to UTF8", GetDatabaseEncodingName());
	utf8 = palloc(room);
	for (int done = 0; done < length;)
	{
		int			converted = pg_do_encoding_conversion_buf(conversion, encoding, PG_UTF8, (unsigned char *) text + done,
															  length - done, (unsigned char *) utf8 + used, room - used, true);

		done += converted;
		used += strlen(utf8 + used);
		if (done < length)
		{
			utf8[used++] = '?';
			done += Min(pg_encoding_mblen(encoding, text + done), length - done);
		}
	}
	utf8[used] = '\0';
	return utf8;
}

/* The characters of a text that stands in the database's encoding; bytes that are none are replaced. */
Label
label_of(const char *text)
{
	int			length = strlen(text);
	int			kept = pg_mbcharcliplen(text, length, LABEL_LIMIT);
	const unsigned char *utf8 = (unsigned char *) label_to_utf8(text, kept);
	int			bytes = strlen((char *) utf8);
	Label		label = {0, palloc((bytes + 1) * sizeof(pg_wchar))};

	while (bytes > 0)
	{
		int			size = pg_utf_mblen(utf8);
		bool		is_legal = size <= bytes && pg_utf8_islegal(utf8, size);

		label.characters[label.length++] = is_legal ? utf8_to_unicode(utf8) : REPLACEMENT_CHARACTER;
		utf8 += is_legal ? size : 1;
		bytes -= is_legal ? size : 1;
	}
	if (kept < length)
		label.characters[label.length++] = ELLIPSIS;
	return label;
}

/* The width of a part of a label, as a multiple of the font size. */
double
label_width(const Label *label, int start, int end)
{
	double		width = 0;

	for (int i = start; i < end; i++)
		width += label_character_width(label->characters[i]);
	return width;
}

/* The first character from a position on that is no space. */
static int
label_skip_spaces(const Label *label, int position)
{
	while (position < label->length && label_is_space(label->characters[position]))
		position++;
	return position;
}

/* How far the characters from start on fit into a width: one of them at least. */
static int
label_fit(const Label *label, int start, double width)
{
	int			end = start;

	while (end < label->length)
	{
		width -= label_character_width(label->characters[end]);
		if (width < 0 && end > start)
			break;
		end++;
	}
	/* marks and joined emoji stay together */
	while (end > start + 1 && end < label->length &&
		   (label_is_mark(label->characters[end]) || label->characters[end - 1] == ZERO_WIDTH_JOINER))
		end--;
	return end;
}

/* Where a line that begins at start ends: between words, if one fits. */
static int
label_line_end(const Label *label, int start, double width)
{
	int			fit = label_fit(label, start, width);

	if (fit == label->length || label_is_space(label->characters[fit]))
		return fit;
	for (int end = fit; end > start; end--)
		if (label_is_space(label->characters[end - 1]) || label_breaks_after(label->characters[end - 1]))
			return end;
	return fit;
}

/* Divide a label into lines of a width, a multiple of the font size; the number of lines. */
int
label_wrap(const Label *label, double width, LabelLine *lines, int max_lines)
{
	int			count = 0;
	int			position = label_skip_spaces(label, 0);

	while (position < label->length && count < max_lines)
	{
		LabelLine  *line = &lines[count++];
		int			rest;

		line->start = position;
		line->end = label_line_end(label, position, width);
		rest = label_skip_spaces(label, line->end);
		line->is_cut = rest < label->length && count == max_lines;
		if (line->is_cut)
			line->end = label_fit(label, position, width - label_character_width(ELLIPSIS) - 0.4);
		position = line->is_cut ? label->length : rest;
		while (line->end > line->start && label_is_space(label->characters[line->end - 1]))
			line->end--;
	}
	return count;
}
