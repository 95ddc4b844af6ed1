/*-------------------------------------------------------------------------
 *
 * import_value.c
 *	  Reads scores and times as survey tools write them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "compat.h"

/* Numbers from which on a time is given in milliseconds: as seconds it would be in the year 5138. */
#define FIRST_MILLISECONDS 1e11

/* The scalar that a value holds; false if it holds none. */
static bool
value_scalar(Jsonb *value, JsonbValue *scalar)
{
	if (!JB_ROOT_IS_SCALAR(value))
		return false;
	return JsonbExtractScalar(&value->root, scalar) && scalar->type != jbvNull;
}

/* The text of a scalar. */
static char *
scalar_text(const JsonbValue *scalar)
{
	switch (scalar->type)
	{
		case jbvString:
			return pnstrdup(scalar->val.string.val, scalar->val.string.len);
		case jbvNumeric:
			return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(scalar->val.numeric)));
		case jbvBool:
			return pstrdup(scalar->val.boolean ? "true" : "false");
		default:
			return NULL;
	}
}

/* The number that a scalar is. */
static double
scalar_number(const JsonbValue *scalar)
{
	return DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(scalar->val.numeric)));
}

/* Refuse an answer. */
pg_noreturn static void
score_reject(const char *answer)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("answer \"%s\" is not a score", answer),
			 errhint("Let \"choices\" of the question say what score each answer stands for.")));
}

/* A score in a text: a number, or one that words follow, as in "10 - Extremely likely"; false if there is nothing. */
static bool
score_of_text(char *answer, double *score)
{
	char	   *end;
	char	   *start = answer;

	while (isspace((unsigned char) *start))
		start++;
	if (*start == '\0')
		return false;
	if (!isdigit((unsigned char) start[*start == '-' || *start == '+']) || strpbrk(start, "xX") == start + 1)
		score_reject(answer);
	errno = 0;
	*score = strtod(start, &end);
	if (end == start || errno != 0 || isalnum((unsigned char) *end) || *end == '.' || *end == ',' || IS_HIGHBIT_SET(*end))
		score_reject(answer);
	while (isspace((unsigned char) *end))
		end++;
	/* two numbers, as in "7 or 8", are none */
	if (strpbrk(end, "0123456789") != NULL)
		score_reject(answer);
	return true;
}

/* What the choices of a question say of an answer: it must be among them, for codes may look like scores. */
static double
score_of_choice(Jsonb *choices, const char *answer)
{
	JsonbValue	buffer;
	JsonbValue *value = JB_ROOT_IS_OBJECT(choices) ? getKeyJsonValueFromContainer(&choices->root, answer, strlen(answer), &buffer) : NULL;

	if (value == NULL || value->type != jbvNumeric)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("answer \"%s\" is not among the choices", answer),
				 errhint("Add it with its score to \"choices\" of the question.")));
	return scalar_number(value);
}

/* The score that an answer is: import_score(answer, choices). */
PG_FUNCTION_INFO_V1(import_score);
Datum
import_score(PG_FUNCTION_ARGS)
{
	JsonbValue	scalar;
	double		score;

	if (PG_ARGISNULL(0) || (JB_ROOT_IS_SCALAR(PG_GETARG_JSONB_P(0)) && !value_scalar(PG_GETARG_JSONB_P(0), &scalar)))
		PG_RETURN_NULL();
	if (!JB_ROOT_IS_SCALAR(PG_GETARG_JSONB_P(0)))
		score_reject(JsonbToCString(NULL, &PG_GETARG_JSONB_P(0)->root, VARSIZE(PG_GETARG_JSONB_P(0))));
	if (scalar.type == jbvString && scalar.val.string.len == 0)
		PG_RETURN_NULL();
	if (!PG_ARGISNULL(1))
		PG_RETURN_FLOAT8(score_of_choice(PG_GETARG_JSONB_P(1), scalar_text(&scalar)));
	switch (scalar.type)
	{
		case jbvNumeric:
			PG_RETURN_FLOAT8(scalar_number(&scalar));
		case jbvBool:
			PG_RETURN_FLOAT8(scalar.val.boolean ? 1 : 0);
		default:
			if (!score_of_text(scalar_text(&scalar), &score))
				PG_RETURN_NULL();
			PG_RETURN_FLOAT8(score);
	}
}

/* A time given as seconds or milliseconds since 1970. */
static TimestampTz
time_of_number(double number)
{
	return DatumGetTimestampTz(DirectFunctionCall1(float8_timestamptz, Float8GetDatum(number >= FIRST_MILLISECONDS ? number / 1000 : number)));
}

/* Whether a time says in which zone it is: by letters at its end, or by an offset behind hours and minutes. */
static bool
time_has_zone(const char *time)
{
	const char *end = time + strlen(time);
	const char *last;

	while (end > time && isspace((unsigned char) end[-1]))
		end--;
	if (end == time)
		return false;
	last = end - 1;
	if (isalpha((unsigned char) *last))
		return end - time < 2 || (pg_strncasecmp(end - 2, "am", 2) != 0 && pg_strncasecmp(end - 2, "pm", 2) != 0);
	while (last > time && (isdigit((unsigned char) *last) || *last == ':'))
		last--;
	return (*last == '+' || *last == '-') && memchr(time, ':', last - time) != NULL;
}

/* The time that a value is, read in a zone unless it says its own: import_time(value, zone). */
PG_FUNCTION_INFO_V1(import_time);
Datum
import_time(PG_FUNCTION_ARGS)
{
	JsonbValue	scalar;
	char	   *time;
	Datum		local;

	if (PG_ARGISNULL(0) || !value_scalar(PG_GETARG_JSONB_P(0), &scalar))
		PG_RETURN_NULL();
	if (scalar.type == jbvNumeric)
		PG_RETURN_TIMESTAMPTZ(time_of_number(scalar_number(&scalar)));
	time = scalar_text(&scalar);
	if (time[strspn(time, " \t\r\n")] == '\0')
		PG_RETURN_NULL();
	/* seconds or milliseconds since 1970 in a text; with 14 digits it is a date and a time */
	if (strlen(time) >= 9 && strlen(time) <= 13 && strspn(time, "0123456789") == strlen(time))
		PG_RETURN_TIMESTAMPTZ(time_of_number(strtod(time, NULL)));
	if (PG_ARGISNULL(1) || time_has_zone(time))
		return DirectFunctionCall3(timestamptz_in, CStringGetDatum(time), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
	local = DirectFunctionCall3(timestamp_in, CStringGetDatum(time), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
	return DirectFunctionCall2(timestamp_zone, PG_GETARG_DATUM(1), local);
}
