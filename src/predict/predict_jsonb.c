/*-------------------------------------------------------------------------
 *
 * predict_jsonb.c
 *	  Predictions for what applications send: objects whose keys are the columns
 *	  of the training query.
 *
 * Values are what to_jsonb() makes of a row, or texts of the same.  None depends
 * on a setting of the session: times are in ISO 8601, those without a zone in
 * UTC.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>
#include <math.h>

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"

#include "compat.h"
#include "predict/scorer.h"

/* What is left to read of a time. */
typedef struct TimeText
{
	const char *next;
} TimeText;

/* A value as JSON, for messages. */
static char *
shown(const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvString:
			return psprintf("\"%.*s\"", value->val.string.len, value->val.string.val);
		case jbvNumeric:
			return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
		case jbvBool:
			return pstrdup(value->val.boolean ? "true" : "false");
		default:
			return pstrdup(JsonContainerIsArray(value->val.binary.data) ? "an array" : "an object");
	}
}

/* Refuse a value that is not what its name stands for. */
pg_noreturn static void
reject_named(const char *name, const JsonbValue *value, const char *expected)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("value of \"%s\" is %s, not %s", name, shown(value), expected),
			 errhint("Give null if it is not known.")));
}

/* Refuse a value that is not of the kind of its feature. */
pg_noreturn static void
reject_value(const Feature *feature, const JsonbValue *value, const char *expected)
{
	reject_named(feature_name(feature), value, expected);
}

/* The text of a string. */
static char *
string_text(const JsonbValue *value)
{
	return pnstrdup(value->val.string.val, value->val.string.len);
}

/* The number that a string says, or NaN if it is none; *is_number tells a NaN from that. */
static double
text_number(const JsonbValue *value, bool *is_number)
{
	char	   *text = string_text(value);
	char	   *end;
	double		number = strtod(text, &end);

	while (end > text && isspace((unsigned char) *end))
		end++;
	*is_number = end > text && *end == '\0' && strpbrk(text, "xX") == NULL;
	pfree(text);
	return number;
}

/* The number of a value of kind number. */
static double
number_of(const Feature *feature, const JsonbValue *value)
{
	bool		is_number = true;
	double		number = 0;

	if (value->type == jbvNumeric)
		number = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(value->val.numeric)));
	else if (value->type == jbvString)
		number = text_number(value, &is_number);
	else
		is_number = false;
	if (!is_number)
		reject_value(feature, value, "a number");
	return isfinite(number) ? number : NAN;
}

/* The number of a truth value. */
static double
boolean_of(const Feature *feature, const JsonbValue *value)
{
	bool		truth;

	if (value->type == jbvBool)
		return value->val.boolean;
	if (value->type != jbvString || !parse_bool_with_len(value->val.string.val, value->val.string.len, &truth))
		reject_value(feature, value, "true or false");
	return truth;
}

/* The number of a category's level; numbers and truth values are the texts that they have. */
static double
level_of(const Feature *feature, const JsonbValue *value)
{
	char	   *text;
	int			level = 0;

	if (value->type == jbvBinary)
		reject_value(feature, value, "a text");
	text = value->type == jbvString ? string_text(value) : shown(value);
	while (level < feature->level_count && strcmp(feature->levels[level], text) != 0)
		level++;
	pfree(text);
	return level;
}

/* Read so many digits; false if there are less. */
static bool
time_digits(TimeText *text, int count, int *number)
{
	*number = 0;
	for (int i = 0; i < count; i++)
	{
		if (!isdigit((unsigned char) *text->next))
			return false;
		*number = *number * 10 + *text->next++ - '0';
	}
	return true;
}

/* Read a mark, one of the given ones; the mark, or 0 if none stands there. */
static char
time_mark(TimeText *text, const char *marks)
{
	if (*text->next == '\0' || strchr(marks, *text->next) == NULL)
		return '\0';
	return *text->next++;
}

/* Read a date as days since 2000-01-01. */
static bool
time_date(TimeText *text, double *days)
{
	int			year;
	int			month;
	int			day;

	if (!time_digits(text, 4, &year) || !time_mark(text, "-") || !time_digits(text, 2, &month) || !time_mark(text, "-") || !time_digits(text, 2, &day))
		return false;
	if (year < 1 || month < 1 || month > MONTHS_PER_YEAR || day < 1 || day > day_tab[isleap(year)][month - 1])
		return false;
	*days = date2j(year, month, day) - POSTGRES_EPOCH_JDATE;
	return true;
}

/* Read hours, minutes and perhaps seconds with a fraction, as seconds. */
static bool
time_of_day(TimeText *text, double *seconds)
{
	int			hour;
	int			minute;
	int			second = 0;
	double		place = 0.1;

	if (!time_digits(text, 2, &hour) || !time_mark(text, ":") || !time_digits(text, 2, &minute))
		return false;
	if (time_mark(text, ":") && !time_digits(text, 2, &second))
		return false;
	*seconds = hour * (double) SECS_PER_HOUR + minute * SECS_PER_MINUTE + second;
	if (time_mark(text, "."))
		for (int digit; time_digits(text, 1, &digit); place /= 10)
			*seconds += digit * place;
	return hour < HOURS_PER_DAY && minute < MINS_PER_HOUR && second < SECS_PER_MINUTE;
}

/* Read a zone, if there is one, as seconds east of Greenwich. */
static bool
time_zone(TimeText *text, double *seconds)
{
	char		mark = time_mark(text, "Zz+-");
	int			hours;
	int			minutes = 0;

	*seconds = 0;
	if (mark != '+' && mark != '-')
		return true;
	if (!time_digits(text, 2, &hours))
		return false;
	if ((time_mark(text, ":") || *text->next != '\0') && !time_digits(text, 2, &minutes))
		return false;
	*seconds = (mark == '-' ? -1 : 1) * (hours * (double) SECS_PER_HOUR + minutes * SECS_PER_MINUTE);
	return true;
}

/* Read a time in ISO 8601 as days since 2000-01-01. */
static bool
text_time(const char *string, double *days)
{
	TimeText	text = {string};
	double		seconds = 0;
	double		zone = 0;

	if (!time_date(&text, days))
		return false;
	if (time_mark(&text, "Tt ") && (!time_of_day(&text, &seconds) || !time_zone(&text, &zone)))
		return false;
	*days += (seconds - zone) / SECS_PER_DAY;
	return *text.next == '\0';
}

/* The number of a time. */
static double
time_of(const Feature *feature, const JsonbValue *value)
{
	char	   *text = value->type == jbvString ? string_text(value) : NULL;
	double		days;

	if (text != NULL && (strcmp(text, "infinity") == 0 || strcmp(text, "-infinity") == 0))
		return NAN;
	if (text == NULL || !text_time(text, &days))
		reject_value(feature, value, "a date or time like 2026-01-31 or 2026-01-31T12:30:00Z");
	pfree(text);
	return days;
}

/* Say which value it was that an input function refused. */
static void
name_feature(void *feature)
{
	errcontext("value of \"%s\"", feature_name((const Feature *) feature));
}

/* The interval that a text says, whatever the session's style of intervals is. */
static Datum
text_interval(const char *text)
{
	int			before = IntervalStyle;
	volatile Datum interval = (Datum) 0;

	PG_TRY();
	{
		IntervalStyle = INTSTYLE_POSTGRES;
		interval = DirectFunctionCall3(interval_in, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
	}
	PG_FINALLY();
	{
		IntervalStyle = before;
	}
	PG_END_TRY();
	return interval;
}

/* The number of an interval; a number is days. */
static double
interval_of(const Feature *feature, const JsonbValue *value)
{
	ErrorContextCallback context = {error_context_stack, name_feature, (void *) feature};
	char	   *text;
	double		days;

	if (value->type == jbvNumeric)
		return number_of(feature, value);
	if (value->type != jbvString)
		reject_value(feature, value, "an interval or a number of days");
	text = string_text(value);
	error_context_stack = &context;
	days = feature_number(FEATURE_LENGTH, INTERVALOID, text_interval(text));
	error_context_stack = context.previous;
	pfree(text);
	return days;
}

/* The number of a feature with this value. */
static double
value_number(const Feature *feature, const JsonbValue *value)
{
	if (value->type == jbvNull)
		return NAN;
	switch (feature->kind)
	{
		case FEATURE_NUMBER:
			return number_of(feature, value);
		case FEATURE_BOOLEAN:
			return boolean_of(feature, value);
		case FEATURE_CATEGORY:
			return level_of(feature, value);
		case FEATURE_TIME:
			return time_of(feature, value);
		case FEATURE_LENGTH:
			return interval_of(feature, value);
	}
	elog(ERROR, "unknown kind of feature: %d", (int) feature->kind);
}

/* The number of an element of an array. */
static double
element_number(const Feature *feature, const JsonbValue *value)
{
	JsonbContainer *array = value->type == jbvBinary ? value->val.binary.data : NULL;

	if (value->type == jbvNull)
		return NAN;
	if (array == NULL || !JsonContainerIsArray(array) || JsonContainerIsScalar(array))
		reject_named(feature->column, value, "an array");
	if (JsonContainerSize(array) < (uint32) feature->element)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("array \"%s\" has %u elements, but the model needs at least %d", feature->column, JsonContainerSize(array), feature->element),
				 errhint("Give the array all elements that it had in the training query, null where one is not known.")));
	return value_number(feature, getIthJsonbValueFromContainer(array, feature->element - 1));
}

/* Refuse an object without a key for a feature. */
pg_noreturn static void
reject_missing(const Model *model, const Feature *feature)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("object has no key \"%s\", which the model needs", feature->column),
			 errdetail("The model needs %s.", features_listed(model->features, model->feature_count)),
			 errhint("Give null if it is not known; other keys are ignored.")));
}

/* Read the features of an object. */
static void
read_object(Scorer *scorer, Jsonb *object)
{
	const Model *model = scorer->model;

	if (!JB_ROOT_IS_OBJECT(object))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("features are no JSON object"),
				 errhint("Give an object whose keys are the columns of the training query, as to_jsonb() makes of a row.")));
	for (int i = 0; i < model->feature_count; i++)
	{
		const Feature *feature = &model->features[i];
		JsonbValue	buffer;
		JsonbValue *value = getKeyJsonValueFromContainer(&object->root, feature->column, strlen(feature->column), &buffer);

		if (value == NULL)
			reject_missing(model, feature);
		scorer->numbers[i] = feature->element > 0 ? element_number(feature, value) : value_number(feature, value);
	}
}

/* What a predictor predicts for an object. */
PG_FUNCTION_INFO_V1(predict_jsonb);
Datum
predict_jsonb(PG_FUNCTION_ARGS)
{
	Scorer	   *scorer = scorer_of_predictor(fcinfo);

	read_object(scorer, PG_GETARG_JSONB_P(1));
	PG_RETURN_FLOAT8(scorer_prediction(scorer));
}

/* What the champion of a model predicts for an object. */
PG_FUNCTION_INFO_V1(predict_jsonb_by_name);
Datum
predict_jsonb_by_name(PG_FUNCTION_ARGS)
{
	Scorer	   *scorer = scorer_of_champion(fcinfo);

	read_object(scorer, PG_GETARG_JSONB_P(1));
	PG_RETURN_FLOAT8(scorer_prediction(scorer));
}
