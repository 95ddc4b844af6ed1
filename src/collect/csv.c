/*-------------------------------------------------------------------------
 *
 * csv.c
 *	  Reads comma-separated values as survey tools export them.
 *
 * As RFC 4180 says: a field in quotes may hold separators, line breaks and,
 * doubled, quotes.  Lines end in LF, CR or both.  A byte-order mark is left
 * out.  The separator is the one that the first line has most of.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

/* A text that is being read. */
typedef struct CsvReader
{
	const char *at;				/* what comes next */
	const char *end;
	char		separator;
	int64		line;			/* number of the line that this is in, from 1 */
	StringInfoData field;		/* the field read last */
	ArrayBuildState *row;		/* the fields of the row so far */
} CsvReader;

/* The separator of the first line. */
static char
csv_find_separator(const char *at, const char *end)
{
	static const char candidates[] = ",;\t|";
	int			counts[lengthof(candidates) - 1] = {0};
	bool		quoted = false;
	int			best = 0;

	for (; at < end && (quoted || (*at != '\n' && *at != '\r')); at++)
	{
		const char *candidate = *at == '\0' ? NULL : strchr(candidates, *at);

		if (*at == '"')
			quoted = !quoted;
		else if (!quoted && candidate != NULL)
			counts[candidate - candidates]++;
	}
	for (int i = 1; i < (int) lengthof(counts); i++)
		if (counts[i] > counts[best])
			best = i;
	return candidates[best];
}

/* Whether a line ends here. */
static inline bool
csv_at_line_end(const CsvReader *reader)
{
	return reader->at == reader->end || *reader->at == '\n' || *reader->at == '\r';
}

/* Read what stands in quotes, after the first one. */
static void
csv_read_quoted(CsvReader *reader)
{
	int64		first_line = reader->line;

	for (; reader->at < reader->end; reader->at++)
	{
		if (*reader->at == '\n')
			reader->line++;
		if (*reader->at == '"')
		{
			if (reader->at + 1 == reader->end || reader->at[1] != '"')
			{
				reader->at++;
				return;
			}
			reader->at++;
		}
		appendStringInfoCharMacro(&reader->field, *reader->at);
	}
	ereport(ERROR,
			(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
			 errmsg("a quote opened in line " INT64_FORMAT " is never closed", first_line),
			 errhint("Give the export as it is, from its first character to its last.")));
}

/* Read one field. */
static void
csv_read_field(CsvReader *reader)
{
	resetStringInfo(&reader->field);
	while (!csv_at_line_end(reader) && *reader->at != reader->separator)
	{
		if (*reader->at == '"' && reader->field.len == 0)
		{
			reader->at++;
			csv_read_quoted(reader);
		}
		else
			appendStringInfoCharMacro(&reader->field, *reader->at++);
	}
}

/* Read one row into an array; an empty field is NULL. */
static Datum
csv_read_row(CsvReader *reader, bool *is_empty)
{
	*is_empty = true;
	reader->row = initArrayResult(TEXTOID, CurrentMemoryContext, false);
	for (;;)
	{
		bool		isnull;

		csv_read_field(reader);
		isnull = reader->field.len == 0;
		*is_empty &= isnull;
		reader->row = accumArrayResult(reader->row,
									   isnull ? (Datum) 0 : PointerGetDatum(cstring_to_text_with_len(reader->field.data, reader->field.len)),
									   isnull, TEXTOID, CurrentMemoryContext);
		if (csv_at_line_end(reader))
			break;
		reader->at++;
	}
	return makeArrayResult(reader->row, CurrentMemoryContext);
}

/* Go behind the end of a line. */
static void
csv_end_line(CsvReader *reader)
{
	if (reader->at < reader->end && *reader->at == '\r')
		reader->at++;
	if (reader->at < reader->end && *reader->at == '\n')
		reader->at++;
	reader->line++;
}

/* Get ready to read a text. */
static CsvReader
csv_open(text *content, const char *separator)
{
	CsvReader	reader = {.at = VARDATA_ANY(content), .line = 1};

	reader.end = reader.at + VARSIZE_ANY_EXHDR(content);
	if (GetDatabaseEncoding() == PG_UTF8 && reader.end - reader.at >= 3 && memcmp(reader.at, "\xEF\xBB\xBF", 3) == 0)
		reader.at += 3;
	if (separator != NULL && (strlen(separator) != 1 || strchr("\"\r\n", separator[0]) != NULL))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("separator \"%s\" is not one character", separator),
				 errhint("Use a comma, a semicolon or a tab, or leave it out.")));
	reader.separator = separator == NULL ? csv_find_separator(reader.at, reader.end) : separator[0];
	initStringInfo(&reader.field);
	return reader;
}

/* The rows of comma-separated values: csv_rows(content, separator). */
PG_FUNCTION_INFO_V1(csv_rows);
Datum
csv_rows(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	CsvReader	reader;
	MemoryContext row_context;
	MemoryContext before;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0))
		return (Datum) 0;
	reader = csv_open(PG_GETARG_TEXT_PP(0), PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1)));
	row_context = AllocSetContextCreate(CurrentMemoryContext, "cx row of values", ALLOCSET_DEFAULT_SIZES);
	before = MemoryContextSwitchTo(row_context);
	while (reader.at < reader.end)
	{
		Datum		values[2] = {Int64GetDatum(reader.line)};
		bool		nulls[2] = {false, false};
		bool		is_empty;

		CHECK_FOR_INTERRUPTS();
		values[1] = csv_read_row(&reader, &is_empty);
		if (!is_empty)
			tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		csv_end_line(&reader);
		MemoryContextReset(row_context);
	}
	MemoryContextSwitchTo(before);
	MemoryContextDelete(row_context);
	return (Datum) 0;
}
