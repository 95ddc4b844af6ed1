/*-------------------------------------------------------------------------
 *
 * estimate.c
 *	  NPS, CSAT and means with standard error, interval and count.
 *
 * A tally goes in, a cx.estimate comes out.  Unknown numbers, such as the
 * standard error of a single answer, are NaN in here and NULL outside.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "executor/executor.h"
#include "funcapi.h"

#include "measure/distribution.h"
#include "measure/estimate.h"
#include "measure/score.h"
#include "measure/tally.h"
#include "measure/tally_math.h"

/* Attributes of cx.estimate that the difference of estimates reads. */
#define ESTIMATE_VALUE 1
#define ESTIMATE_STD_ERROR 2
#define ESTIMATE_RESPONSES 5
#define ESTIMATE_ATTRIBUTES 6

/* Append a double to the row, NaN as NULL. */
void
row_add_float8(RowBuilder *row, double value)
{
	row->values[row->filled] = Float8GetDatum(value);
	row->nulls[row->filled++] = isnan(value);
}

/* Append a count to the row. */
void
row_add_int64(RowBuilder *row, int64 value)
{
	row->values[row->filled] = Int64GetDatum(value);
	row->nulls[row->filled++] = false;
}

/* Append a truth value to the row, NULL if not known. */
void
row_add_bool(RowBuilder *row, bool value, bool known)
{
	row->values[row->filled] = BoolGetDatum(value);
	row->nulls[row->filled++] = !known;
}

/* Append a value that is known to the row. */
void
row_add_datum(RowBuilder *row, Datum value)
{
	row->values[row->filled] = value;
	row->nulls[row->filled++] = false;
}

/* The row as a value of the composite type that the running function returns. */
Datum
row_finish(FunctionCallInfo fcinfo, RowBuilder *row)
{
	TupleDesc	description;

	if (get_call_result_type(fcinfo, NULL, &description) != TYPEFUNC_COMPOSITE ||
		description->natts != row->filled)
		elog(ERROR, "function does not return the expected composite type");
	BlessTupleDesc(description);
	return HeapTupleGetDatum(heap_form_tuple(description, row->values, row->nulls));
}

/* A double in a composite argument, NULL as NaN. */
double
composite_float8(HeapTupleHeader composite, int attribute)
{
	bool		isnull;
	Datum		value = GetAttributeByNum(composite, attribute, &isnull);

	return isnull ? NAN : DatumGetFloat8(value);
}

/* A count in a composite argument, NULL as zero. */
int64
composite_int64(HeapTupleHeader composite, int attribute)
{
	bool		isnull;
	Datum		value = GetAttributeByNum(composite, attribute, &isnull);

	return isnull ? 0 : DatumGetInt64(value);
}

/* The estimate as a cx.estimate. */
Datum
estimate_result(FunctionCallInfo fcinfo, const Estimate *estimate)
{
	Datum		values[ESTIMATE_ATTRIBUTES];
	bool		nulls[ESTIMATE_ATTRIBUTES];
	RowBuilder	row = {values, nulls, 0};

	row_add_float8(&row, estimate->value);
	row_add_float8(&row, estimate->std_error);
	row_add_float8(&row, estimate->lower);
	row_add_float8(&row, estimate->upper);
	row_add_int64(&row, estimate->responses);
	row_add_float8(&row, estimate->effective_responses);
	return row_finish(fcinfo, &row);
}

/* The cx.estimate in an argument, as far as a difference needs it. */
Estimate
estimate_argument(FunctionCallInfo fcinfo, int position)
{
	HeapTupleHeader composite = PG_GETARG_HEAPTUPLEHEADER(position);
	Estimate	estimate = {0};

	estimate.value = composite_float8(composite, ESTIMATE_VALUE);
	estimate.std_error = composite_float8(composite, ESTIMATE_STD_ERROR);
	estimate.responses = composite_int64(composite, ESTIMATE_RESPONSES);
	return estimate;
}

/*
 * Wilson's score interval of a share, without continuity correction, 0..1
 * (Wilson 1927).
 */
void
wilson_interval(double successes, double size, double critical, double *lower, double *upper)
{
	double		share = successes / size;
	double		square = critical * critical;
	double		center = share + square / (2 * size);
	double		margin = critical * sqrt(share * (1 - share) / size + square / (4 * size * size));
	double		scale = 1 + square / size;

	/* at the ends the two terms are equal, but for rounding */
	*lower = successes == 0 ? 0 : (center - margin) / scale;
	*upper = successes == size ? 1 : (center + margin) / scale;
}

/* NPS with its standard error and adjusted Wald interval. */
PG_FUNCTION_INFO_V1(nps_estimate);
Datum
nps_estimate(PG_FUNCTION_ARGS)
{
	Tally	   *tally = PG_GETARG_TALLY_P(0);
	double		critical = normal_critical(check_confidence(PG_GETARG_FLOAT8(1)));
	NpsClasses	classes = nps_classes(tally);
	NpsClasses	adjusted = nps_adjusted(classes);
	double		margin = critical * sqrt(nps_variance(adjusted));
	Estimate	estimate;

	if (classes.size == 0)
		PG_RETURN_NULL();
	estimate.value = nps_value(classes);
	estimate.std_error = sqrt(nps_variance(classes));
	estimate.lower = clamp_between(nps_value(adjusted) - margin, -100, 100);
	estimate.upper = clamp_between(nps_value(adjusted) + margin, -100, 100);
	estimate.responses = tally_count_between(tally, 0, TALLY_MAX_SCORE);
	estimate.effective_responses = classes.size;
	return estimate_result(fcinfo, &estimate);
}

/* CSAT in percent with its standard error and Wilson interval. */
PG_FUNCTION_INFO_V1(csat_estimate);
Datum
csat_estimate(PG_FUNCTION_ARGS)
{
	Tally	   *tally = PG_GETARG_TALLY_P(0);
	int			satisfied_from = score_check_satisfied_from(PG_GETARG_INT32(1));
	double		critical = normal_critical(check_confidence(PG_GETARG_FLOAT8(2)));
	double		size = tally_size(tally);
	double		satisfied = tally_sum_between(tally, satisfied_from, TALLY_MAX_SCORE);
	double		share = satisfied / size;
	Estimate	estimate;

	if (size == 0)
		PG_RETURN_NULL();
	wilson_interval(satisfied, size, critical, &estimate.lower, &estimate.upper);
	estimate.value = 100 * share;
	estimate.std_error = 100 * sqrt(share * (1 - share) / size);
	estimate.lower *= 100;
	estimate.upper *= 100;
	estimate.responses = tally_count_between(tally, 0, TALLY_MAX_SCORE);
	estimate.effective_responses = size;
	return estimate_result(fcinfo, &estimate);
}

/* Mean score with its standard error and Student t interval. */
PG_FUNCTION_INFO_V1(mean_estimate);
Datum
mean_estimate(PG_FUNCTION_ARGS)
{
	Tally	   *tally = PG_GETARG_TALLY_P(0);
	double		confidence = check_confidence(PG_GETARG_FLOAT8(1));
	double		size = tally_size(tally);
	double		margin = NAN;
	Estimate	estimate;

	if (size == 0)
		PG_RETURN_NULL();
	estimate.value = tally_mean(tally);
	estimate.std_error = NAN;
	if (size > 1)
	{
		estimate.std_error = sqrt(tally_variance(tally) / size);
		margin = student_critical(confidence, size - 1) * estimate.std_error;
	}
	estimate.lower = estimate.value - margin;
	estimate.upper = estimate.value + margin;
	estimate.responses = tally_count_between(tally, 0, TALLY_MAX_SCORE);
	estimate.effective_responses = size;
	return estimate_result(fcinfo, &estimate);
}
