/*-------------------------------------------------------------------------
 *
 * picture.c
 *	  What all pictures share: how they look, and how they read their numbers.
 *
 * A picture is made while SPI is connected: its rows are read by the names of
 * their columns, and all memory that it takes is SPI's until picture_end.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/float.h"

#include "present/picture.h"

#define FONTS "'Segoe UI', 'Helvetica Neue', Arial, 'Noto Sans', 'Noto Sans CJK SC', 'Noto Sans SC', 'PingFang SC'," \
	" 'Hiragino Sans GB', 'Microsoft YaHei', sans-serif"

const SvgStyle picture_title_style = {26, true, INK, "start"};
const SvgStyle picture_subtitle_style = {13, false, MUTED, "start"};
const SvgStyle picture_strong_style = {13, true, INK, "start"};
const SvgStyle picture_note_style = {11, false, MUTED, "start"};

/* A name for a place with little room, cut to that many characters; one that shows nothing says so. */
char *
picture_name(const char *name, int limit)
{
	int			length = strlen(name);
	int			kept = pg_mbcharcliplen(name, length, limit);

	if (svg_text_lines(name, &picture_strong_style, 100, 1) == 0)
		return "(empty)";
	return psprintf("%.*s%s", kept, name, kept < length ? "..." : "");
}

/* A count with its thousands set apart. */
char *
picture_count(int64 count)
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
char *
picture_count_of(int64 count, const char *thing)
{
	return psprintf("%s %s%s", picture_count(count), thing, count == 1 ? "" : "s");
}

/* Run a query with the caller's rights. */
void
picture_query(const char *query, int count, Oid *types, Datum *values, const char *nulls)
{
	if (SPI_execute_with_args(query, count, types, values, nulls, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "cannot read what the picture shows");
}

/* The value of a column of a row, by its name. */
Datum
picture_datum(uint64 row, const char *column, bool *is_null)
{
	int			number = SPI_fnumber(SPI_tuptable->tupdesc, column);

	if (number <= 0 || row >= SPI_processed)
		elog(ERROR, "no column \"%s\"", column);
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, number, is_null);
}

/* A text, or NULL. */
char *
picture_text(uint64 row, const char *column)
{
	bool		is_null;
	Datum		value = picture_datum(row, column, &is_null);

	return is_null ? NULL : TextDatumGetCString(value);
}

/* A double precision, NaN if it is NULL. */
double
picture_double(uint64 row, const char *column)
{
	bool		is_null;
	Datum		value = picture_datum(row, column, &is_null);

	return is_null ? get_float8_nan() : DatumGetFloat8(value);
}

/* A bigint, 0 if it is NULL. */
int64
picture_bigint(uint64 row, const char *column)
{
	bool		is_null;
	Datum		value = picture_datum(row, column, &is_null);

	return is_null ? 0 : DatumGetInt64(value);
}

/* A boolean, false if it is NULL. */
bool
picture_boolean(uint64 row, const char *column)
{
	bool		is_null;
	Datum		value = picture_datum(row, column, &is_null);

	return !is_null && DatumGetBool(value);
}

/* The title in an argument, or another one if it is NULL or empty. */
char *
picture_given_title(FunctionCallInfo fcinfo, int position, const char *otherwise)
{
	char	   *title = PG_ARGISNULL(position) ? "" : text_to_cstring(PG_GETARG_TEXT_PP(position));

	return title[0] == '\0' ? pstrdup(otherwise) : title;
}

/* The title of a picture of that width, and below it what the picture is of. */
void
picture_title(StringInfo svg, const char *title, const char *subtitle, int width)
{
	svg_explained_text(svg, MARGIN, MARGIN + 24, &picture_title_style, title, width - 2 * MARGIN);
	svg_text(svg, MARGIN, MARGIN + 50, &picture_subtitle_style, subtitle, width - 2 * MARGIN, 2);
}

/* Write the frame of a picture: its name, what there is to see for those who cannot see it, and the ground. */
void
picture_begin(StringInfo svg, int width, int height, const char *name, const char *description)
{
	appendStringInfo(svg, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\""
					 " font-family=\"" FONTS "\" role=\"img\" aria-label=\"", width, height, width, height);
	svg_escape(svg, name);
	appendStringInfoString(svg, "\">\n");
	svg_tooltip(svg, name);
	appendStringInfoString(svg, "\n<desc>");
	svg_escape(svg, description);
	appendStringInfoString(svg, "</desc>\n");
	svg_rectangle(svg, 0, 0, width, height, 0, "#ffffff");
}

/* End a picture, and SPI with it; the picture as a text that stays. */
Datum
picture_end(StringInfo svg)
{
	Datum		picture;

	appendStringInfoString(svg, "</svg>");
	picture = SPI_datumTransfer(PointerGetDatum(cstring_to_text_with_len(svg->data, svg->len)), false, -1);
	SPI_finish();
	return picture;
}
