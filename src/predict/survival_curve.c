/*-------------------------------------------------------------------------
 *
 * survival_curve.c
 *	  The type cx.survival_curve and the aggregate kaplan_meier that makes it.
 *
 * The text form is {time:events+censored,...}; the plus is the mark that
 * statistics has always put on a time whose end was not seen.  Times are
 * written with as many digits as it takes to read the same number again.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "common/int.h"
#include "common/shortest_dec.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "parser/scansup.h"

#include "journey/event_list.h"
#include "predict/survival.h"

/* Bytes of a point on the wire. */
#define POINT_WIRE_SIZE (3 * (int) sizeof(int64))

/* What is left to read of a curve's text form. */
typedef struct CurveText
{
	const char *start;			/* the whole text, for messages */
	const char *next;			/* first character not read yet */
	Node	   *escontext;		/* where a soft error goes, or NULL */
} CurveText;

/* How many points a curve has. */
uint64
survival_curve_count(const SurvivalCurve *curve)
{
	return (VARSIZE(curve) - offsetof(SurvivalCurve, points)) / sizeof(SurvivalPoint);
}

/* How many customers a curve is of. */
int64
survival_curve_customers(const SurvivalCurve *curve)
{
	uint64		count = survival_curve_count(curve);
	int64		customers = 0;

	for (uint64 i = 0; i < count; i++)
		customers += curve->points[i].events + curve->points[i].censored;
	return customers;
}

/* What is wrong with a point that follows another one (or none) and *customers before it, whom it is added to; NULL if nothing. */
static const char *
point_fault(const SurvivalPoint *point, const SurvivalPoint *previous, int64 *customers)
{
	if (!(point->time >= 0) || isinf(point->time) || signbit(point->time))
		return "A time is not a finite number of 0 or more.";
	if (previous != NULL && point->time <= previous->time)
		return "Times do not ascend.";
	if (point->events < 0 || point->censored < 0)
		return "A count is negative.";
	if (point->events == 0 && point->censored == 0)
		return "A time has no customers.";
	if (pg_add_s64_overflow(*customers, point->events, customers) ||
		pg_add_s64_overflow(*customers, point->censored, customers))
		return "The number of customers is out of range for type bigint.";
	return NULL;
}

/* Whether these bytes are laid out as a curve, so that they can be looked at. */
static bool
curve_has_layout(const SurvivalCurve *curve)
{
	return VARSIZE(curve) >= offsetof(SurvivalCurve, points) + sizeof(SurvivalPoint) &&
		(VARSIZE(curve) - offsetof(SurvivalCurve, points)) % sizeof(SurvivalPoint) == 0 &&
		curve->version == SURVIVAL_VERSION;
}

/* The curve itself, after making sure that these bytes are one. */
SurvivalCurve *
survival_curve_check(SurvivalCurve *curve)
{
	const char *fault = NULL;
	int64		customers = 0;

	if (!curve_has_layout(curve))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("stored survival curve is damaged or of an unknown version")));
	for (uint64 i = 0; i < survival_curve_count(curve) && fault == NULL; i++)
		fault = point_fault(&curve->points[i], i > 0 ? &curve->points[i - 1] : NULL, &customers);
	if (fault != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("stored survival curve is damaged"),
				 errdetail("%s", fault)));
	return curve;
}

/* The points of a list, which has some, as a curve. */
static SurvivalCurve *
curve_of_list(SurvivalList *list)
{
	SurvivalCurve *curve;
	Size		size;

	survival_list_order(list);
	size = offsetof(SurvivalCurve, points) + list->count * sizeof(SurvivalPoint);
	curve = palloc(size);
	memset(curve, 0, offsetof(SurvivalCurve, points));
	SET_VARSIZE(curve, size);
	curve->version = SURVIVAL_VERSION;
	memcpy(curve->points, list->points, list->count * sizeof(SurvivalPoint));
	return curve;
}

/* Step over white space. */
static void
skip_space(CurveText *text)
{
	while (scanner_isspace(*text->next))
		text->next++;
}

/* Step over one punctuation mark; false if something else stands there. */
static bool
accept_mark(CurveText *text, char mark)
{
	skip_space(text);
	if (*text->next != mark)
		return false;
	text->next++;
	return true;
}

/* Report that the text is not a curve. */
static bool
malformed(CurveText *text, const char *expected)
{
	ereturn(text->escontext, false,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("malformed survival curve: \"%s\"", text->start),
			 errdetail("Expected %s at character %d.", expected,
					   pg_mbstrlen_with_len(text->start, (int) (text->next - text->start)) + 1),
			 errhint("A survival curve looks like {1:380+233,2:123+115}, each time with its customers that ended + those that had not.")));
}

/* Read a time; false after a soft error. */
static bool
read_time(CurveText *text, double *time)
{
	Size		length;
	char	   *end;

	skip_space(text);
	length = strspn(text->next, "0123456789.eE+-");
	if (length == 0)
		return malformed(text, "a time");
	*time = strtod(text->next, &end);
	if (end != text->next + length)
		return malformed(text, "a time");
	text->next = end;
	return true;
}

/* Read a count; false after a soft error. */
static bool
read_count(CurveText *text, int64 *count)
{
	*count = 0;
	skip_space(text);
	if (*text->next < '0' || *text->next > '9')
		return malformed(text, "a count");
	for (; *text->next >= '0' && *text->next <= '9'; text->next++)
		if (pg_mul_s64_overflow(*count, 10, count) || pg_add_s64_overflow(*count, *text->next - '0', count))
			return malformed(text, "a count of type bigint");
	return true;
}

/* Read a point; false after a soft error. */
static bool
read_point(CurveText *text, SurvivalPoint *point)
{
	return read_time(text, &point->time) &&
		(accept_mark(text, ':') || malformed(text, "\":\"")) &&
		read_count(text, &point->events) &&
		(accept_mark(text, '+') || malformed(text, "\"+\"")) &&
		read_count(text, &point->censored);
}

/* Read the points between the braces; false after a soft error. */
static bool
read_points(CurveText *text, SurvivalList *list)
{
	int64		customers = 0;
	SurvivalPoint point;
	SurvivalPoint previous;

	do
	{
		const char *fault;

		CHECK_FOR_INTERRUPTS();
		if (!read_point(text, &point))
			return false;
		fault = point_fault(&point, list->count > 0 ? &previous : NULL, &customers);
		if (fault != NULL)
			ereturn(text->escontext, false,
					(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					 errmsg("malformed survival curve: \"%s\"", text->start),
					 errdetail("%s", fault)));
		survival_list_add_points(list, &point, 1);
		previous = point;
	} while (accept_mark(text, ','));

	return accept_mark(text, '}') || malformed(text, "\",\" or \"}\"");
}

/* Text form to curve. */
PG_FUNCTION_INFO_V1(survival_curve_in);
Datum
survival_curve_in(PG_FUNCTION_ARGS)
{
	char	   *string = PG_GETARG_CSTRING(0);
	CurveText	text = {string, string, fcinfo->context};
	SurvivalList *list = survival_list_new(CurrentMemoryContext);

	if (!accept_mark(&text, '{'))
	{
		malformed(&text, "\"{\"");
		PG_RETURN_NULL();
	}
	if (!read_points(&text, list))
		PG_RETURN_NULL();
	skip_space(&text);
	if (*text.next != '\0')
	{
		malformed(&text, "the end");
		PG_RETURN_NULL();
	}
	PG_RETURN_POINTER(curve_of_list(list));
}

/* Curve to its text form. */
PG_FUNCTION_INFO_V1(survival_curve_out);
Datum
survival_curve_out(PG_FUNCTION_ARGS)
{
	SurvivalCurve *curve = PG_GETARG_SURVIVAL_CURVE_P(0);
	uint64		count = survival_curve_count(curve);
	StringInfoData text;

	initStringInfo(&text);
	for (uint64 i = 0; i < count; i++)
	{
		const SurvivalPoint *point = &curve->points[i];
		char		digits[DOUBLE_SHORTEST_DECIMAL_LEN];

		CHECK_FOR_INTERRUPTS();
		double_to_shortest_decimal_buf(point->time, digits);
		appendStringInfo(&text, "%c%s:" INT64_FORMAT "+" INT64_FORMAT, i == 0 ? '{' : ',', digits, point->events, point->censored);
	}
	appendStringInfoChar(&text, '}');
	PG_RETURN_CSTRING(text.data);
}

/* Binary form to curve. */
PG_FUNCTION_INFO_V1(survival_curve_recv);
Datum
survival_curve_recv(PG_FUNCTION_ARGS)
{
	StringInfo	message = (StringInfo) PG_GETARG_POINTER(0);
	int			size = message->len - message->cursor - 1;
	SurvivalList *list = survival_list_new(CurrentMemoryContext);
	int64		customers = 0;
	SurvivalPoint previous;

	if (size < POINT_WIRE_SIZE || size % POINT_WIRE_SIZE != 0 || pq_getmsgbyte(message) != SURVIVAL_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("binary survival curve is malformed or of an unknown version")));
	for (int i = 0; i < size / POINT_WIRE_SIZE; i++)
	{
		SurvivalPoint point;
		const char *fault;

		CHECK_FOR_INTERRUPTS();
		point.time = pq_getmsgfloat8(message);
		point.events = pq_getmsgint64(message);
		point.censored = pq_getmsgint64(message);
		fault = point_fault(&point, i > 0 ? &previous : NULL, &customers);
		if (fault != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
					 errmsg("malformed binary survival curve"),
					 errdetail("%s", fault)));
		survival_list_add_points(list, &point, 1);
		previous = point;
	}
	PG_RETURN_POINTER(curve_of_list(list));
}

/* Curve to its binary form. */
PG_FUNCTION_INFO_V1(survival_curve_send);
Datum
survival_curve_send(PG_FUNCTION_ARGS)
{
	SurvivalCurve *curve = PG_GETARG_SURVIVAL_CURVE_P(0);
	uint64		count = survival_curve_count(curve);
	StringInfoData message;

	pq_begintypsend(&message);
	pq_sendbyte(&message, SURVIVAL_VERSION);
	for (uint64 i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		pq_sendfloat8(&message, curve->points[i].time);
		pq_sendint64(&message, curve->points[i].events);
		pq_sendint64(&message, curve->points[i].censored);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&message));
}

/* Whether two curves are of the same customers by duration. */
static bool
curves_equal(const SurvivalCurve *a, const SurvivalCurve *b)
{
	return VARSIZE(a) == VARSIZE(b) &&
		memcmp(a->points, b->points, survival_curve_count(a) * sizeof(SurvivalPoint)) == 0;
}

PG_FUNCTION_INFO_V1(survival_curve_eq);
Datum
survival_curve_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(curves_equal(PG_GETARG_SURVIVAL_CURVE_P(0), PG_GETARG_SURVIVAL_CURVE_P(1)));
}

PG_FUNCTION_INFO_V1(survival_curve_ne);
Datum
survival_curve_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!curves_equal(PG_GETARG_SURVIVAL_CURVE_P(0), PG_GETARG_SURVIVAL_CURVE_P(1)));
}

/* The customers of both curves together. */
PG_FUNCTION_INFO_V1(survival_curve_merge);
Datum
survival_curve_merge(PG_FUNCTION_ARGS)
{
	SurvivalCurve *a = PG_GETARG_SURVIVAL_CURVE_P(0);
	SurvivalCurve *b = PG_GETARG_SURVIVAL_CURVE_P(1);
	SurvivalList *list = survival_list_new(CurrentMemoryContext);

	survival_list_add_points(list, a->points, survival_curve_count(a));
	survival_list_add_points(list, b->points, survival_curve_count(b));
	PG_RETURN_POINTER(curve_of_list(list));
}

/* The state in the first argument, an empty one before the first row. */
static SurvivalList *
list_begin(FunctionCallInfo fcinfo)
{
	MemoryContext context = event_context(fcinfo);

	return PG_ARGISNULL(0) ? survival_list_new(context) : (SurvivalList *) PG_GETARG_POINTER(0);
}

/* Transition of kaplan_meier(duration, ended). */
PG_FUNCTION_INFO_V1(kaplan_meier_add);
Datum
kaplan_meier_add(PG_FUNCTION_ARGS)
{
	SurvivalList *list = list_begin(fcinfo);

	if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2))
		survival_list_add(list, PG_GETARG_FLOAT8(1), PG_GETARG_BOOL(2));
	PG_RETURN_POINTER(list);
}

/* The same for durations of type interval. */
PG_FUNCTION_INFO_V1(kaplan_meier_add_interval);
Datum
kaplan_meier_add_interval(PG_FUNCTION_ARGS)
{
	SurvivalList *list = list_begin(fcinfo);

	if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2))
		survival_list_add(list, survival_interval_argument(fcinfo, 1), PG_GETARG_BOOL(2));
	PG_RETURN_POINTER(list);
}

/* Transition of kaplan_meier(curve). */
PG_FUNCTION_INFO_V1(kaplan_meier_add_curve);
Datum
kaplan_meier_add_curve(PG_FUNCTION_ARGS)
{
	SurvivalList *list = list_begin(fcinfo);

	if (!PG_ARGISNULL(1))
	{
		SurvivalCurve *curve = PG_GETARG_SURVIVAL_CURVE_P(1);

		survival_list_add_points(list, curve->points, survival_curve_count(curve));
	}
	PG_RETURN_POINTER(list);
}

/* The customers of both states together. */
PG_FUNCTION_INFO_V1(kaplan_meier_combine);
Datum
kaplan_meier_combine(PG_FUNCTION_ARGS)
{
	SurvivalList *list = list_begin(fcinfo);

	if (!PG_ARGISNULL(1))
	{
		SurvivalList *other = (SurvivalList *) PG_GETARG_POINTER(1);

		survival_list_add_points(list, other->points, other->count);
	}
	PG_RETURN_POINTER(list);
}

/* The state as bytes: its points in order. */
PG_FUNCTION_INFO_V1(kaplan_meier_serialize);
Datum
kaplan_meier_serialize(PG_FUNCTION_ARGS)
{
	SurvivalList *list = (SurvivalList *) PG_GETARG_POINTER(0);
	Size		size;
	bytea	   *bytes;

	survival_list_order(list);
	size = list->count * sizeof(SurvivalPoint);
	bytes = palloc(VARHDRSZ + size);
	SET_VARSIZE(bytes, VARHDRSZ + size);
	memcpy(VARDATA(bytes), list->points, size);
	PG_RETURN_BYTEA_P(bytes);
}

/* The state out of such bytes. */
PG_FUNCTION_INFO_V1(kaplan_meier_deserialize);
Datum
kaplan_meier_deserialize(PG_FUNCTION_ARGS)
{
	bytea	   *bytes = PG_GETARG_BYTEA_PP(0);
	SurvivalList *list = survival_list_new(CurrentMemoryContext);

	survival_list_add_points(list, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes) / sizeof(SurvivalPoint));
	PG_RETURN_POINTER(list);
}

/* The curve, NULL without customers. */
PG_FUNCTION_INFO_V1(kaplan_meier_final);
Datum
kaplan_meier_final(PG_FUNCTION_ARGS)
{
	SurvivalList *list = (SurvivalList *) PG_GETARG_POINTER(0);

	if (list->count == 0)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(curve_of_list(list));
}
