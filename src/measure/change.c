/*-------------------------------------------------------------------------
 *
 * change.c
 *	  Differences between two scores, and whether they are significant.
 *
 * Different people before and after: nps_change, csat_change, mean_change and
 * the differences of estimates.  The same people: paired_nps_change, whose
 * state is a tally of how each person's class moved.  Where the data cannot
 * tell, such as a mean of one answer, the unknown fields are NULL.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "common/int.h"
#include "fmgr.h"

#include "measure/change.h"
#include "measure/distribution.h"
#include "measure/estimate.h"
#include "measure/score.h"
#include "measure/tally.h"
#include "measure/tally_math.h"

/* A person's class moves by -2..2; the paired state counts it under this plus 2. */
#define CLASS_MOVE_OFFSET 2
#define CLASS_MOVES (2 * CLASS_MOVE_OFFSET + 1)

/* Attributes of cx.change that the difference of changes reads. */
#define CHANGE_DIFFERENCE 1
#define CHANGE_STD_ERROR 2
#define CHANGE_STATISTIC 5
#define CHANGE_RESPONSES_BEFORE 9
#define CHANGE_RESPONSES_AFTER 10
#define CHANGE_ATTRIBUTES 10

/* The change as a cx.change. */
Datum
change_result(FunctionCallInfo fcinfo, const Change *change, double confidence)
{
	Datum		values[CHANGE_ATTRIBUTES];
	bool		nulls[CHANGE_ATTRIBUTES];
	RowBuilder	row = {values, nulls, 0};

	row_add_float8(&row, change->difference);
	row_add_float8(&row, change->std_error);
	row_add_float8(&row, change->lower);
	row_add_float8(&row, change->upper);
	row_add_float8(&row, change->statistic);
	row_add_float8(&row, change->df);
	row_add_float8(&row, change->p_value);
	row_add_bool(&row, change->p_value < 1 - confidence, !isnan(change->p_value));
	row_add_int64(&row, change->responses_before);
	row_add_int64(&row, change->responses_after);
	return row_finish(fcinfo, &row);
}

/*
 * Statistic of a difference with this standard error.  No difference is no
 * evidence whatever the error; a difference without any spread cannot be
 * judged.
 */
static double
change_statistic(double difference, double std_error)
{
	if (difference == 0)
		return 0;
	return std_error == 0 ? NAN : difference / std_error;
}

/* Interval around a difference; unknown where nothing varies, for that is no certainty. */
static void
change_interval(Change *change, double difference, double critical)
{
	double		margin = change->std_error > 0 ? critical * change->std_error : NAN;

	change->lower = difference - margin;
	change->upper = difference + margin;
}

/*
 * Fill in what follows from a normal test of this difference, which may be an
 * adjusted one, with the std_error that is there.
 */
void
change_test_normal(Change *change, double difference, double confidence)
{
	change->statistic = change_statistic(difference, change->std_error);
	change->df = NAN;
	change->p_value = normal_p_value(change->statistic);
	change_interval(change, difference, normal_critical(confidence));
}

/* The same for a t test; df is unknown where nothing varies. */
static void
change_test_student(Change *change, double difference, double df, double confidence)
{
	change->statistic = change_statistic(difference, change->std_error);
	change->df = df;
	change->p_value = change->statistic == 0 ? 1 : student_p_value(change->statistic, df);
	change_interval(change, difference, isnan(df) ? NAN : student_critical(confidence, df));
}

/* Answers on each side of a change. */
static void
change_count(Change *change, const Tally *before, const Tally *after)
{
	change->responses_before = tally_count_between(before, 0, TALLY_MAX_SCORE);
	change->responses_after = tally_count_between(after, 0, TALLY_MAX_SCORE);
}

/*
 * Change of NPS between different people.  Test and interval use the adjusted
 * counts of nps_adjusted() on each side: the plain test raises up to 20 % false
 * alarms in small groups.
 */
PG_FUNCTION_INFO_V1(nps_change);
Datum
nps_change(PG_FUNCTION_ARGS)
{
	Tally	   *before = PG_GETARG_TALLY_P(0);
	Tally	   *after = PG_GETARG_TALLY_P(1);
	double		confidence = check_confidence(PG_GETARG_FLOAT8(2));
	NpsClasses	adjusted_before = nps_adjusted(nps_classes(before));
	NpsClasses	adjusted_after = nps_adjusted(nps_classes(after));
	Change		change;

	if (tally_size(before) == 0 || tally_size(after) == 0)
		PG_RETURN_NULL();
	change.difference = tally_nps(after) - tally_nps(before);
	change.std_error = sqrt(nps_variance(adjusted_before) + nps_variance(adjusted_after));
	change_test_normal(&change, nps_value(adjusted_after) - nps_value(adjusted_before), confidence);
	change.lower = clamp_between(change.lower, -200, 200);
	change.upper = clamp_between(change.upper, -200, 200);
	change_count(&change, before, after);
	return change_result(fcinfo, &change, confidence);
}

/*
 * Change of CSAT between different people: pooled test of two shares, and
 * Newcombe's interval from the two Wilson intervals (Newcombe 1998, method 10).
 */
PG_FUNCTION_INFO_V1(csat_change);
Datum
csat_change(PG_FUNCTION_ARGS)
{
	Tally	   *before = PG_GETARG_TALLY_P(0);
	Tally	   *after = PG_GETARG_TALLY_P(1);
	int			satisfied_from = score_check_satisfied_from(PG_GETARG_INT32(2));
	double		confidence = check_confidence(PG_GETARG_FLOAT8(3));
	double		critical = normal_critical(confidence);
	double		size_before = tally_size(before);
	double		size_after = tally_size(after);
	double		satisfied_before = tally_sum_between(before, satisfied_from, TALLY_MAX_SCORE);
	double		satisfied_after = tally_sum_between(after, satisfied_from, TALLY_MAX_SCORE);
	double		share_before = satisfied_before / size_before;
	double		share_after = satisfied_after / size_after;
	double		pooled = (satisfied_before + satisfied_after) / (size_before + size_after);
	double		difference = share_after - share_before;
	double		lower_before;
	double		upper_before;
	double		lower_after;
	double		upper_after;
	Change		change;

	if (size_before == 0 || size_after == 0)
		PG_RETURN_NULL();
	wilson_interval(satisfied_before, size_before, critical, &lower_before, &upper_before);
	wilson_interval(satisfied_after, size_after, critical, &lower_after, &upper_after);
	change.difference = 100 * difference;
	change.std_error = 100 * sqrt(share_before * (1 - share_before) / size_before +
								  share_after * (1 - share_after) / size_after);
	change.lower = 100 * (difference - hypot(share_after - lower_after, upper_before - share_before));
	change.upper = 100 * (difference + hypot(upper_after - share_after, share_before - lower_before));
	change.statistic = change_statistic(difference,
										sqrt(pooled * (1 - pooled) * (1 / size_before + 1 / size_after)));
	change.df = NAN;
	change.p_value = normal_p_value(change.statistic);
	change_count(&change, before, after);
	return change_result(fcinfo, &change, confidence);
}

/* Change of the mean between different people: Welch's t test. */
PG_FUNCTION_INFO_V1(mean_change);
Datum
mean_change(PG_FUNCTION_ARGS)
{
	Tally	   *before = PG_GETARG_TALLY_P(0);
	Tally	   *after = PG_GETARG_TALLY_P(1);
	double		confidence = check_confidence(PG_GETARG_FLOAT8(2));
	double		size_before = tally_size(before);
	double		size_after = tally_size(after);
	double		df = NAN;
	Change		change;

	if (size_before == 0 || size_after == 0)
		PG_RETURN_NULL();
	change.difference = tally_mean(after) - tally_mean(before);
	change.std_error = NAN;
	if (size_before > 1 && size_after > 1)
	{
		double		variance_before = tally_variance(before) / size_before;
		double		variance_after = tally_variance(after) / size_after;
		double		variance = variance_before + variance_after;

		change.std_error = sqrt(variance);
		if (variance > 0)
			df = variance * variance /
				(variance_before * variance_before / (size_before - 1) +
				 variance_after * variance_after / (size_after - 1));
	}
	change_test_student(&change, change.difference, df, confidence);
	change_count(&change, before, after);
	return change_result(fcinfo, &change, confidence);
}

/* Left estimate minus right estimate, taken as independent. */
PG_FUNCTION_INFO_V1(estimate_subtract);
Datum
estimate_subtract(PG_FUNCTION_ARGS)
{
	Estimate	after = estimate_argument(fcinfo, 0);
	Estimate	before = estimate_argument(fcinfo, 1);
	Change		change;

	change.difference = after.value - before.value;
	change.std_error = hypot(after.std_error, before.std_error);
	change_test_normal(&change, change.difference, DEFAULT_CONFIDENCE);
	change.responses_before = before.responses;
	change.responses_after = after.responses;
	return change_result(fcinfo, &change, DEFAULT_CONFIDENCE);
}

/* Sum of two counts in composite arguments. */
static int64
change_add_responses(HeapTupleHeader left, HeapTupleHeader right, int attribute)
{
	int64		sum;

	if (pg_add_s64_overflow(composite_int64(left, attribute), composite_int64(right, attribute), &sum))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("number of answers is out of range for type bigint")));
	return sum;
}

/*
 * The difference that a change was tested by.  For NPS it is the adjusted one,
 * so the difference of two changes keeps the small false alarm rate of each.
 */
static double
change_tested_difference(HeapTupleHeader change)
{
	double		difference = composite_float8(change, CHANGE_DIFFERENCE);
	double		std_error = composite_float8(change, CHANGE_STD_ERROR);
	double		statistic = composite_float8(change, CHANGE_STATISTIC);

	if (difference == 0 && (std_error == 0 || isnan(statistic)))
		return 0;
	return std_error == 0 ? NAN : statistic * std_error;
}

/* Left change minus right change, taken as independent: a difference in differences. */
PG_FUNCTION_INFO_V1(change_subtract);
Datum
change_subtract(PG_FUNCTION_ARGS)
{
	HeapTupleHeader left = PG_GETARG_HEAPTUPLEHEADER(0);
	HeapTupleHeader right = PG_GETARG_HEAPTUPLEHEADER(1);
	Change		change;

	change.difference = composite_float8(left, CHANGE_DIFFERENCE) - composite_float8(right, CHANGE_DIFFERENCE);
	change.std_error = hypot(composite_float8(left, CHANGE_STD_ERROR), composite_float8(right, CHANGE_STD_ERROR));
	change_test_normal(&change, change_tested_difference(left) - change_tested_difference(right), DEFAULT_CONFIDENCE);
	change.responses_before = change_add_responses(left, right, CHANGE_RESPONSES_BEFORE);
	change.responses_after = change_add_responses(left, right, CHANGE_RESPONSES_AFTER);
	return change_result(fcinfo, &change, DEFAULT_CONFIDENCE);
}

/* Transition: add (or remove, with step -1) one person's move; ignored if either score is NULL. */
static inline Datum
paired_count(FunctionCallInfo fcinfo, ScoreReader read, int step)
{
	Tally	   *moves = tally_state(fcinfo);

	if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2))
	{
		int			before = score_class(read(PG_GETARG_DATUM(1)));
		int			after = score_class(read(PG_GETARG_DATUM(2)));
		int64	   *count = &moves->counts[after - before + CLASS_MOVE_OFFSET];

		if (pg_add_s64_overflow(*count, step, count) || *count < 0)
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("number of answers is out of range for type bigint")));
	}
	PG_RETURN_TALLY_P(moves);
}

/* Transitions of paired_nps_change, one for each type of score, and their inverses. */
PG_FUNCTION_INFO_V1(paired_add_smallint);
Datum
paired_add_smallint(PG_FUNCTION_ARGS)
{
	return paired_count(fcinfo, score_from_smallint, 1);
}

PG_FUNCTION_INFO_V1(paired_add_integer);
Datum
paired_add_integer(PG_FUNCTION_ARGS)
{
	return paired_count(fcinfo, score_from_integer, 1);
}

PG_FUNCTION_INFO_V1(paired_add_numeric);
Datum
paired_add_numeric(PG_FUNCTION_ARGS)
{
	return paired_count(fcinfo, score_from_numeric, 1);
}

PG_FUNCTION_INFO_V1(paired_add_float8);
Datum
paired_add_float8(PG_FUNCTION_ARGS)
{
	return paired_count(fcinfo, score_from_float8, 1);
}

PG_FUNCTION_INFO_V1(paired_remove_smallint);
Datum
paired_remove_smallint(PG_FUNCTION_ARGS)
{
	return paired_count(fcinfo, score_from_smallint, -1);
}

PG_FUNCTION_INFO_V1(paired_remove_integer);
Datum
paired_remove_integer(PG_FUNCTION_ARGS)
{
	return paired_count(fcinfo, score_from_integer, -1);
}

PG_FUNCTION_INFO_V1(paired_remove_numeric);
Datum
paired_remove_numeric(PG_FUNCTION_ARGS)
{
	return paired_count(fcinfo, score_from_numeric, -1);
}

PG_FUNCTION_INFO_V1(paired_remove_float8);
Datum
paired_remove_float8(PG_FUNCTION_ARGS)
{
	return paired_count(fcinfo, score_from_float8, -1);
}

/* Change of NPS of the same people: a paired t test of the class moves. */
PG_FUNCTION_INFO_V1(paired_nps_change_final);
Datum
paired_nps_change_final(PG_FUNCTION_ARGS)
{
	Tally	   *moves = PG_GETARG_TALLY_P(0);
	double		size = tally_size(moves);
	Change		change;

	if (size == 0)
		PG_RETURN_NULL();
	change.difference = 100 * tally_mean_from(moves, CLASS_MOVE_OFFSET);
	change.std_error = size > 1 ? 100 * sqrt(tally_variance(moves) / size) : NAN;
	change_test_student(&change, change.difference, size > 1 ? size - 1 : NAN, DEFAULT_CONFIDENCE);
	change.lower = clamp_between(change.lower, -200, 200);
	change.upper = clamp_between(change.upper, -200, 200);
	change_count(&change, moves, moves);
	return change_result(fcinfo, &change, DEFAULT_CONFIDENCE);
}
