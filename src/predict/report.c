/*-------------------------------------------------------------------------
 *
 * report.c
 *	  Writes a report: a jsonb of named numbers, and of arrays of such.
 *
 * A number is written with all digits that tell it from others; what is no
 * finite number is null, for JSON has no other.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "common/shortest_dec.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "predict/report.h"

/* A text that lives as long as the report. */
static JsonbValue
report_text(const char *text)
{
	JsonbValue	value = {.type = jbvString};

	value.val.string.val = pstrdup(text);
	value.val.string.len = strlen(text);
	return value;
}

/* Write a key. */
static void
report_add_key(ReportWriter *report, const char *key)
{
	JsonbValue	name = report_text(key);

	pushJsonbValue(&report->state, WJB_KEY, &name);
}

/* Begin an object: the report, or an element of an array. */
void
report_open(ReportWriter *report)
{
	pushJsonbValue(&report->state, WJB_BEGIN_OBJECT, NULL);
}

/* End an object; if it is the report, that is it. */
JsonbValue *
report_close(ReportWriter *report)
{
	return pushJsonbValue(&report->state, WJB_END_OBJECT, NULL);
}

/* Begin an array. */
void
report_open_array(ReportWriter *report, const char *key)
{
	report_add_key(report, key);
	pushJsonbValue(&report->state, WJB_BEGIN_ARRAY, NULL);
}

/* End an array. */
void
report_close_array(ReportWriter *report)
{
	pushJsonbValue(&report->state, WJB_END_ARRAY, NULL);
}

/* Write a text. */
void
report_add_text(ReportWriter *report, const char *key, const char *text)
{
	JsonbValue	value = report_text(text);

	report_add_key(report, key);
	pushJsonbValue(&report->state, WJB_VALUE, &value);
}

/* Write a number. */
void
report_add_number(ReportWriter *report, const char *key, double number)
{
	JsonbValue	value = {.type = jbvNull};
	char		digits[DOUBLE_SHORTEST_DECIMAL_LEN];

	report_add_key(report, key);
	if (isfinite(number))
	{
		double_to_shortest_decimal_buf(number, digits);
		value.type = jbvNumeric;
		value.val.numeric = DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(digits), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	}
	pushJsonbValue(&report->state, WJB_VALUE, &value);
}
