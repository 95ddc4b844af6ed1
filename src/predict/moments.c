/*-------------------------------------------------------------------------
 *
 * moments.c
 *	  The type cx.moments: input, output, comparison, aggregation.
 *
 * Moments of parts merge into those of the whole, and means, correlations,
 * regressions and drivers follow from them without a second look at the rows.
 * They are also the transition state of their aggregate, changed in place by
 * it; what leaves the aggregate is finished: its means are rounded, and none
 * of its numbers is infinite.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <errno.h>
#include <math.h>

#include "common/shortest_dec.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "parser/scansup.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "measure/aggregate.h"
#include "predict/moments.h"

/* Bytes on the wire before the numbers: version, columns, rows. */
#define MOMENTS_WIRE_HEADER (1 + (int) sizeof(int16) + (int) sizeof(int64))

#define MOMENTS_HINT "Moments look like {\"rows\": 2, \"means\": [1.5, 3], \"remainders\": [0, 0], \"comoments\": [0.5, 1, 2]}, the co-moments being the upper triangle, row after row."

/* What is left to read of the text form. */
typedef struct MomentsText
{
	const char *start;			/* the whole text, for messages */
	const char *next;			/* first character not read yet */
	Node	   *escontext;		/* where a soft error goes, or NULL */
} MomentsText;

/* Bytes of moments of so many columns. */
static Size
moments_size(int columns)
{
	return offsetof(Moments, numbers) + sizeof(double) * moments_numbers(columns);
}

/* The moments themselves, after making sure that these bytes are laid out as such. */
Moments *
moments_check(Moments *moments)
{
	if (VARSIZE(moments) < offsetof(Moments, numbers) || moments->version != MOMENTS_VERSION ||
		moments->columns < 1 || moments->columns > MOMENTS_MOST_COLUMNS ||
		VARSIZE(moments) != moments_size(moments->columns) || moments->rows < 1)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("stored moments are damaged or of an unknown version")));
	return moments;
}

/* Moments of no rows yet. */
static Moments *
moments_new(int columns)
{
	Moments    *moments = palloc0(moments_size(columns));

	SET_VARSIZE(moments, moments_size(columns));
	moments->version = MOMENTS_VERSION;
	moments->columns = (uint16) columns;
	return moments;
}

/* A copy that the caller may change. */
static Moments *
moments_copy(const Moments *moments)
{
	return memcpy(palloc(VARSIZE(moments)), moments, VARSIZE(moments));
}

/* Round the means to doubles; what that leaves are their remainders. */
static void
moments_round_means(Moments *moments)
{
	double	   *means = moments_means(moments);
	double	   *remainders = moments_remainders(moments);

	for (int i = 0; i < moments->columns; i++)
	{
		double		mean = means[i] + remainders[i];
		double		added = mean - means[i];

		/* exact, whichever of the two is the larger one (Knuth) */
		remainders[i] = (means[i] - (mean - added)) + (remainders[i] - added);
		means[i] = mean;
	}
}

/* Moments that may leave the aggregate: rounded means, no number out of range. */
static Moments *
moments_finish(Moments *moments)
{
	moments_round_means(moments);
	for (int i = 0; i < moments->columns; i++)
	{
		for (int j = i; j < moments->columns; j++)
		{
			if (!isfinite(moments_comoment(moments, i, j)) || !isfinite(moments_mean(moments, i)))
				ereport(ERROR,
						(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						 errmsg("co-moment of columns %d and %d is out of range", i + 1, j + 1),
						 errhint("Divide large columns by a constant first.")));
		}
	}
	return moments;
}

/* Which rule of finished moments is broken, or NULL. */
static const char *
moments_broken_rule(const Moments *moments)
{
	if (moments->rows < 1)
		return "The number of rows must be at least 1.";
	for (int i = 0; i < moments_numbers(moments->columns); i++)
	{
		if (!isfinite(moments->numbers[i]))
			return "Numbers must be finite.";
	}
	for (int i = 0; i < moments->columns; i++)
	{
		if (moments_mean(moments, i) != moments_means(moments)[i])
			return "A remainder must be smaller than the last digit of its mean.";
		if (moments_comoment(moments, i, i) < 0)
			return "The co-moment of a column with itself must not be negative.";
	}
	for (int i = 0; i < moments->columns; i++)
	{
		for (int j = i; j < moments->columns; j++)
		{
			/* with a margin for rounding, also of numbers whose squares vanish */
			double		most = (sqrt(moments_comoment(moments, i, i)) + 1e-150) * (sqrt(moments_comoment(moments, j, j)) + 1e-150);

			if (fabs(moments_comoment(moments, i, j)) > most * 1.000001)
				return "A co-moment must not exceed the square root of the product of those of its columns with themselves.";
			if (moments->rows == 1 && moments_comoment(moments, i, j) != 0)
				return "The co-moments of one row must be 0.";
		}
	}
	return NULL;
}

/* Step over white space and then a text; false if something else stands there. */
static bool
text_accept(MomentsText *text, const char *expected)
{
	while (scanner_isspace(*text->next))
		text->next++;
	if (strncmp(text->next, expected, strlen(expected)) != 0)
		return false;
	text->next += strlen(expected);
	return true;
}

/* Report that something else was expected here. */
static bool
text_malformed(MomentsText *text, const char *expected)
{
	ereturn(text->escontext, false,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("malformed moments"),
			 errdetail("Expected %s at character %d.", expected,
					   pg_mbstrlen_with_len(text->start, (int) (text->next - text->start)) + 1),
			 errhint(MOMENTS_HINT)));
}

/* Step over a name and a colon; false after a soft error. */
static bool
text_read_name(MomentsText *text, const char *before, const char *name)
{
	if (!text_accept(text, before))
		return text_malformed(text, psprintf("\"%s\"", before));
	if (!text_accept(text, name))
		return text_malformed(text, name);
	return text_accept(text, ":") || text_malformed(text, "\":\"");
}

/* Read a whole number; false after a soft error. */
static bool
text_read_rows(MomentsText *text, int64 *rows)
{
	char	   *end;

	(void) text_accept(text, "");
	errno = 0;
	*rows = strtoi64(text->next, &end, 10);
	if (end == text->next || errno == ERANGE)
		return text_malformed(text, "a number of rows");
	text->next = end;
	return true;
}

/* Read a finite number; false after a soft error. */
static bool
text_read_number(MomentsText *text, double *number)
{
	char	   *end;

	(void) text_accept(text, "");
	*number = strtod(text->next, &end);
	if (end == text->next || strspn(text->next, "+-.0123456789eE") < (Size) (end - text->next) || !isfinite(*number))
		return text_malformed(text, "a number");
	text->next = end;
	return true;
}

/* Read numbers in brackets, at least one and at most as many as there is room for; false after a soft error. */
static bool
text_read_numbers(MomentsText *text, double *numbers, int room, int *count)
{
	*count = 0;
	if (!text_accept(text, "["))
		return text_malformed(text, "\"[\"");
	do
	{
		if (*count == room)
			return text_malformed(text, "\"]\"");
		if (!text_read_number(text, &numbers[(*count)++]))
			return false;
	} while (text_accept(text, ","));
	return text_accept(text, "]") || text_malformed(text, "\",\" or \"]\"");
}

/* Read as many numbers in brackets as are needed; false after a soft error. */
static bool
text_read_exactly(MomentsText *text, double *numbers, int needed)
{
	int			count;

	if (!text_read_numbers(text, numbers, needed, &count))
		return false;
	return count == needed || text_malformed(text, psprintf("%d numbers", needed));
}

/* Read all moments; NULL after a soft error. */
static Moments *
text_read_moments(MomentsText *text)
{
	double		means[MOMENTS_MOST_COLUMNS];
	int64		rows;
	int			columns;
	Moments    *moments;

	if (!text_read_name(text, "{", "\"rows\"") || !text_read_rows(text, &rows) ||
		!text_read_name(text, ",", "\"means\"") || !text_read_numbers(text, means, MOMENTS_MOST_COLUMNS, &columns))
		return NULL;
	moments = moments_new(columns);
	moments->rows = rows;
	memcpy(moments_means(moments), means, sizeof(double) * columns);
	if (!text_read_name(text, ",", "\"remainders\"") ||
		!text_read_exactly(text, moments_remainders(moments), columns) ||
		!text_read_name(text, ",", "\"comoments\"") ||
		!text_read_exactly(text, moments_comoments(moments), moments_pairs(columns)))
		return NULL;
	if (!text_accept(text, "}") || (text_accept(text, ""), *text->next != '\0'))
	{
		(void) text_malformed(text, "\"}\" and the end");
		return NULL;
	}
	return moments;
}

/* Text form to moments. */
PG_FUNCTION_INFO_V1(moments_in);
Datum
moments_in(PG_FUNCTION_ARGS)
{
	char	   *string = PG_GETARG_CSTRING(0);
	MomentsText text = {string, string, fcinfo->context};
	Moments    *moments = text_read_moments(&text);
	const char *broken;

	if (moments == NULL)
		PG_RETURN_NULL();
	broken = moments_broken_rule(moments);
	if (broken != NULL)
		ereturn(fcinfo->context, (Datum) 0,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("these are no moments"),
				 errdetail_internal("%s", broken)));
	PG_RETURN_POINTER(moments);
}

/* Write a name and numbers in brackets, each as short as it reads back. */
static void
append_numbers(StringInfo text, const char *name, const double *numbers, int count)
{
	char		digits[DOUBLE_SHORTEST_DECIMAL_LEN];

	appendStringInfo(text, ", \"%s\": [", name);
	for (int i = 0; i < count; i++)
	{
		double_to_shortest_decimal_buf(numbers[i], digits);
		appendStringInfo(text, "%s%s", i == 0 ? "" : ", ", digits);
	}
	appendStringInfoChar(text, ']');
}

/* Moments to their text form, which is JSON. */
PG_FUNCTION_INFO_V1(moments_out);
Datum
moments_out(PG_FUNCTION_ARGS)
{
	Moments    *moments = PG_GETARG_MOMENTS_P(0);
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "{\"rows\": " INT64_FORMAT, moments->rows);
	append_numbers(&text, "means", moments_means(moments), moments->columns);
	append_numbers(&text, "remainders", moments_remainders(moments), moments->columns);
	append_numbers(&text, "comoments", moments_comoments(moments), moments_pairs(moments->columns));
	appendStringInfoChar(&text, '}');
	PG_RETURN_CSTRING(text.data);
}

/* The number of columns on the wire, after making sure that as many numbers follow. */
static int
receive_columns(StringInfo message)
{
	int			size = message->len - message->cursor;
	int			version = size >= MOMENTS_WIRE_HEADER ? pq_getmsgbyte(message) : -1;
	int			columns = version == MOMENTS_VERSION ? (int) pq_getmsgint(message, 2) : 0;

	if (version >= 0 && version != MOMENTS_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("binary moments are of unknown version %d", version)));
	if (columns < 1 || columns > MOMENTS_MOST_COLUMNS ||
		size != MOMENTS_WIRE_HEADER + moments_numbers(columns) * (int) sizeof(double))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("binary moments of %d columns have %d bytes", columns, size)));
	return columns;
}

/* Binary form to moments. */
PG_FUNCTION_INFO_V1(moments_recv);
Datum
moments_recv(PG_FUNCTION_ARGS)
{
	StringInfo	message = (StringInfo) PG_GETARG_POINTER(0);
	Moments    *moments = moments_new(receive_columns(message));
	const char *broken;

	moments->rows = pq_getmsgint64(message);
	for (int i = 0; i < moments_numbers(moments->columns); i++)
		moments->numbers[i] = pq_getmsgfloat8(message);
	broken = moments_broken_rule(moments);
	if (broken != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("these are no moments"),
				 errdetail_internal("%s", broken)));
	PG_RETURN_POINTER(moments);
}

/* Moments to their binary form. */
PG_FUNCTION_INFO_V1(moments_send);
Datum
moments_send(PG_FUNCTION_ARGS)
{
	Moments    *moments = PG_GETARG_MOMENTS_P(0);
	StringInfoData message;

	pq_begintypsend(&message);
	pq_sendbyte(&message, moments->version);
	pq_sendint16(&message, moments->columns);
	pq_sendint64(&message, moments->rows);
	for (int i = 0; i < moments_numbers(moments->columns); i++)
		pq_sendfloat8(&message, moments->numbers[i]);
	PG_RETURN_BYTEA_P(pq_endtypsend(&message));
}

/* Whether all numbers are the same. */
static bool
moments_are_equal(const Moments *a, const Moments *b)
{
	if (a->columns != b->columns || a->rows != b->rows)
		return false;
	for (int i = 0; i < moments_numbers(a->columns); i++)
	{
		if (a->numbers[i] != b->numbers[i])
			return false;
	}
	return true;
}

/* The comparisons that the operators need. */
PG_FUNCTION_INFO_V1(moments_eq);
Datum
moments_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(moments_are_equal(PG_GETARG_MOMENTS_P(0), PG_GETARG_MOMENTS_P(1)));
}

PG_FUNCTION_INFO_V1(moments_ne);
Datum
moments_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!moments_are_equal(PG_GETARG_MOMENTS_P(0), PG_GETARG_MOMENTS_P(1)));
}

/* Raise an error unless a row has as many values as columns are wanted; 0 wants any. */
static void
check_row_length(int length, int wanted)
{
	if (length < 1 || length > MOMENTS_MOST_COLUMNS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a row of moments has %d values, not 1 to %d", length, MOMENTS_MOST_COLUMNS),
				 errhint("Give each row as an array of its columns, such as ARRAY[price, wait, score].")));
	if (wanted > 0 && length != wanted)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("a row of moments has %d values, the rows before it have %d", length, wanted),
				 errhint("Give every row the same columns, NULL where one is unknown.")));
}

/* Raise an error unless values are finite. */
static void
check_row_values(const double *values, int length)
{
	for (int i = 0; i < length; i++)
	{
		if (unlikely(!isfinite(values[i])))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("value %d of a row is %s", i + 1, isnan(values[i]) ? "NaN" : values[i] > 0 ? "infinity" : "-infinity"),
					 errhint("Leave such rows out, or make the value NULL: rows with a NULL are skipped.")));
	}
}

/* The doubles in an array of one dimension, and how many; an empty one has none. */
static double *
array_values(ArrayType *array, int *length)
{
	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("a row of moments is an array of %d dimensions", ARR_NDIM(array)),
				 errhint("Give each row as an array of one dimension.")));
	*length = ARR_NDIM(array) == 0 ? 0 : ARR_DIMS(array)[0];
	return (double *) ARR_DATA_PTR(array);
}

/* The state in the first argument, to be changed: in place inside an aggregate, else a copy; NULL at the first row. */
static Moments *
moments_state(FunctionCallInfo fcinfo)
{
	Moments    *moments;

	if (PG_ARGISNULL(0))
		return NULL;
	moments = PG_GETARG_MOMENTS_P(0);
	return in_aggregate(fcinfo) ? moments : moments_copy(moments);
}

/* The state after a row that is not complete. */
static Datum
skip_row(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

/* The state with one more row of finite values. */
static Datum
add_row(FunctionCallInfo fcinfo, const double *values, int length)
{
	Moments    *moments = moments_state(fcinfo);

	check_row_length(length, moments == NULL ? 0 : moments->columns);
	check_row_values(values, length);
	if (moments == NULL)
		moments = moments_new(length);
	moments_add_row(moments, values);
	PG_RETURN_POINTER(in_aggregate(fcinfo) ? moments : moments_finish(moments));
}

/* Transition: add a row given as an array. */
PG_FUNCTION_INFO_V1(moments_add_array);
Datum
moments_add_array(PG_FUNCTION_ARGS)
{
	ArrayType  *array;
	double	   *values;
	int			length;

	if (PG_ARGISNULL(1))
		return skip_row(fcinfo);
	array = PG_GETARG_ARRAYTYPE_P(1);
	values = array_values(array, &length);
	if (ARR_HASNULL(array) && array_contains_nulls(array))
		return skip_row(fcinfo);
	return add_row(fcinfo, values, length);
}

/* Transition: add a row given as a number and the others in an array. */
PG_FUNCTION_INFO_V1(moments_add_numbers);
Datum
moments_add_numbers(PG_FUNCTION_ARGS)
{
	double		row[MOMENTS_MOST_COLUMNS];
	ArrayType  *array;
	double	   *values;
	int			length;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		return skip_row(fcinfo);
	array = PG_GETARG_ARRAYTYPE_P(2);
	values = array_values(array, &length);
	if (ARR_HASNULL(array) && array_contains_nulls(array))
		return skip_row(fcinfo);
	check_row_length(length + 1, 0);
	row[0] = PG_GETARG_FLOAT8(1);
	memcpy(row + 1, values, sizeof(double) * length);
	return add_row(fcinfo, row, length + 1);
}

/* Both moments together; inside an aggregate the first ones change in place. */
PG_FUNCTION_INFO_V1(moments_merge);
Datum
moments_merge(PG_FUNCTION_ARGS)
{
	Moments    *moments = moments_state(fcinfo);
	Moments    *other = PG_GETARG_MOMENTS_P(1);

	if (moments->columns != other->columns)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("cannot merge moments of %d columns with moments of %d columns", moments->columns, other->columns),
				 errhint("Merge only moments of the same columns.")));
	moments_add_moments(moments, other);
	PG_RETURN_POINTER(in_aggregate(fcinfo) ? moments : moments_finish(moments));
}

/* What leaves the aggregate. */
PG_FUNCTION_INFO_V1(moments_final);
Datum
moments_final(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(moments_finish(moments_copy(PG_GETARG_MOMENTS_P(0))));
}
