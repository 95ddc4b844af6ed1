/*-------------------------------------------------------------------------
 *
 * weighted.c
 *	  NPS, CSAT and means of a survey whose answers carry weights.
 *
 * With y the value of an answer and w its weight, the estimate is the mean of
 * y weighted by w, and its Taylor-linearised standard error is
 *
 *		sqrt(n / (n - 1) * sum(w^2 (y - mean)^2)) / sum(w)
 *
 * (Lumley 2010, "Complex Surveys").  The sum of squares is kept around the
 * mean of y weighted by w^2 and updated as in West (1979), so it neither
 * cancels nor turns negative.  A tally with a weight counts as that many
 * answers of this weight.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"

#include "measure/distribution.h"
#include "measure/estimate.h"
#include "measure/float_state.h"
#include "measure/score.h"
#include "measure/tally.h"
#include "measure/weighted.h"

/* Weights whose squares neither vanish nor, summed over every answer there may be, overflow. */
#define WEIGHT_LEAST 1e-100
#define WEIGHT_MOST 1e100

typedef struct WeightedState
{
	double		responses;		/* answers with a weight above zero */
	double		weight;			/* sum of w */
	double		total;			/* sum of w y */
	double		weight2;		/* sum of w^2 */
	double		mean2;			/* mean of y weighted by w^2 */
	double		squares;		/* sum of w^2 (y - mean2)^2 */
} WeightedState;

#define WEIGHTED_LENGTH ((int) (sizeof(WeightedState) / sizeof(double)))

/* What an answer counts for: its class, whether it is satisfied, or its score. */
typedef double (*ScoreValue) (int score, int satisfied_from);

/* -1, 0 or 1. */
static double
value_class(int score, int satisfied_from)
{
	return score_class(score);
}

/* 0 or 1. */
static double
value_satisfied(int score, int satisfied_from)
{
	return score >= satisfied_from;
}

/* 0 to 10. */
static double
value_score(int score, int satisfied_from)
{
	return score;
}

/* Add a number of answers of equal value and weight. */
static void
weighted_add(WeightedState *state, double value, double weight, double responses)
{
	double		weight2 = weight * weight * responses;
	double		distance = value - state->mean2;

	state->responses += responses;
	state->weight += weight * responses;
	state->total += weight * responses * value;
	state->weight2 += weight2;
	state->mean2 += weight2 / state->weight2 * distance;
	state->squares += weight2 * distance * (value - state->mean2);
}

/* The weight in an argument: not NULL, not negative, not beyond computing. */
double
weight_argument(FunctionCallInfo fcinfo, int position)
{
	double		weight;

	if (PG_ARGISNULL(position))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("weight must not be null"),
				 errhint("Give 0 to leave an answer out, or filter the row.")));
	weight = PG_GETARG_FLOAT8(position);
	if (!(weight == 0 || (weight >= WEIGHT_LEAST && weight <= WEIGHT_MOST)))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 weight < 0 ?
				 errmsg("weight %g is negative", weight) :
				 errmsg("weight %g is outside %g..%g", weight, WEIGHT_LEAST, WEIGHT_MOST),
				 errhint("Give 0 to leave an answer out, or filter the row.")));
	return weight;
}

/* The threshold in an argument that must not be NULL; none is needed for other values. */
static int
weighted_threshold_argument(FunctionCallInfo fcinfo, ScoreValue value_of)
{
	return value_of == value_satisfied ? score_satisfied_from_argument(fcinfo, 2) : 0;
}

/* Transition: add the score in the second argument with the weight in the last one. */
static inline Datum
weighted_add_score(FunctionCallInfo fcinfo, ScoreReader read, ScoreValue value_of)
{
	Datum		result;
	WeightedState *state = (WeightedState *) float_state_change(fcinfo, WEIGHTED_LENGTH, &result);

	if (!PG_ARGISNULL(1))
	{
		int			score = read(PG_GETARG_DATUM(1));
		int			satisfied_from = weighted_threshold_argument(fcinfo, value_of);
		double		weight = weight_argument(fcinfo, PG_NARGS() - 1);

		if (weight > 0)
			weighted_add(state, value_of(score, satisfied_from), weight, 1);
	}
	return result;
}

/* Transition: the same for every answer of a tally. */
static Datum
weighted_add_tally(FunctionCallInfo fcinfo, ScoreValue value_of)
{
	Datum		result;
	WeightedState *state = (WeightedState *) float_state_change(fcinfo, WEIGHTED_LENGTH, &result);

	if (!PG_ARGISNULL(1))
	{
		Tally	   *tally = PG_GETARG_TALLY_P(1);
		int			satisfied_from = weighted_threshold_argument(fcinfo, value_of);
		double		weight = weight_argument(fcinfo, PG_NARGS() - 1);

		for (int score = 0; score < TALLY_SCORES && weight > 0; score++)
			if (tally->counts[score] > 0)
				weighted_add(state, value_of(score, satisfied_from), weight, (double) tally->counts[score]);
	}
	return result;
}

/* Transitions of weighted_nps, one for each type of score. */
PG_FUNCTION_INFO_V1(weighted_nps_add_smallint);
Datum
weighted_nps_add_smallint(PG_FUNCTION_ARGS)
{
	return weighted_add_score(fcinfo, score_from_smallint, value_class);
}

PG_FUNCTION_INFO_V1(weighted_nps_add_integer);
Datum
weighted_nps_add_integer(PG_FUNCTION_ARGS)
{
	return weighted_add_score(fcinfo, score_from_integer, value_class);
}

PG_FUNCTION_INFO_V1(weighted_nps_add_numeric);
Datum
weighted_nps_add_numeric(PG_FUNCTION_ARGS)
{
	return weighted_add_score(fcinfo, score_from_numeric, value_class);
}

PG_FUNCTION_INFO_V1(weighted_nps_add_float8);
Datum
weighted_nps_add_float8(PG_FUNCTION_ARGS)
{
	return weighted_add_score(fcinfo, score_from_float8, value_class);
}

PG_FUNCTION_INFO_V1(weighted_nps_add_tally);
Datum
weighted_nps_add_tally(PG_FUNCTION_ARGS)
{
	return weighted_add_tally(fcinfo, value_class);
}

/* Transitions of weighted_csat. */
PG_FUNCTION_INFO_V1(weighted_csat_add_smallint);
Datum
weighted_csat_add_smallint(PG_FUNCTION_ARGS)
{
	return weighted_add_score(fcinfo, score_from_smallint, value_satisfied);
}

PG_FUNCTION_INFO_V1(weighted_csat_add_integer);
Datum
weighted_csat_add_integer(PG_FUNCTION_ARGS)
{
	return weighted_add_score(fcinfo, score_from_integer, value_satisfied);
}

PG_FUNCTION_INFO_V1(weighted_csat_add_numeric);
Datum
weighted_csat_add_numeric(PG_FUNCTION_ARGS)
{
	return weighted_add_score(fcinfo, score_from_numeric, value_satisfied);
}

PG_FUNCTION_INFO_V1(weighted_csat_add_float8);
Datum
weighted_csat_add_float8(PG_FUNCTION_ARGS)
{
	return weighted_add_score(fcinfo, score_from_float8, value_satisfied);
}

PG_FUNCTION_INFO_V1(weighted_csat_add_tally);
Datum
weighted_csat_add_tally(PG_FUNCTION_ARGS)
{
	return weighted_add_tally(fcinfo, value_satisfied);
}

/* Transitions of weighted_mean. */
PG_FUNCTION_INFO_V1(weighted_mean_add_smallint);
Datum
weighted_mean_add_smallint(PG_FUNCTION_ARGS)
{
	return weighted_add_score(fcinfo, score_from_smallint, value_score);
}

PG_FUNCTION_INFO_V1(weighted_mean_add_integer);
Datum
weighted_mean_add_integer(PG_FUNCTION_ARGS)
{
	return weighted_add_score(fcinfo, score_from_integer, value_score);
}

PG_FUNCTION_INFO_V1(weighted_mean_add_numeric);
Datum
weighted_mean_add_numeric(PG_FUNCTION_ARGS)
{
	return weighted_add_score(fcinfo, score_from_numeric, value_score);
}

PG_FUNCTION_INFO_V1(weighted_mean_add_float8);
Datum
weighted_mean_add_float8(PG_FUNCTION_ARGS)
{
	return weighted_add_score(fcinfo, score_from_float8, value_score);
}

PG_FUNCTION_INFO_V1(weighted_mean_add_tally);
Datum
weighted_mean_add_tally(PG_FUNCTION_ARGS)
{
	return weighted_add_tally(fcinfo, value_score);
}

/* Both states together (Chan, Golub and LeVeque 1983). */
PG_FUNCTION_INFO_V1(weighted_combine);
Datum
weighted_combine(PG_FUNCTION_ARGS)
{
	Datum		result;
	WeightedState *state = (WeightedState *) float_state_change(fcinfo, WEIGHTED_LENGTH, &result);
	WeightedState *other = (WeightedState *) float_state_read(fcinfo, 1, WEIGHTED_LENGTH);
	double		weight2 = state->weight2 + other->weight2;
	double		distance2 = other->mean2 - state->mean2;

	if (other->responses == 0)
		return result;
	state->responses += other->responses;
	state->total += other->total;
	state->weight += other->weight;
	state->squares += other->squares +
		distance2 * distance2 * state->weight2 * (other->weight2 / weight2);
	state->mean2 += other->weight2 / weight2 * distance2;
	state->weight2 = weight2;
	return result;
}

/* The estimate in units of scale, its interval cut off at low and high. */
static Datum
weighted_estimate(FunctionCallInfo fcinfo, double scale, double low, double high)
{
	WeightedState *state = (WeightedState *) float_state_read(fcinfo, 0, WEIGHTED_LENGTH);
	double		size = state->responses;
	double		mean = state->total / state->weight;
	double		offset = state->mean2 - mean;
	double		margin;
	Estimate	estimate;

	if (!(size > 0))
		PG_RETURN_NULL();
	estimate.value = scale * mean;
	estimate.std_error = NAN;
	if (size > 1)
		estimate.std_error = scale / state->weight *
			sqrt(size / (size - 1) * (state->squares + state->weight2 * offset * offset));
	margin = normal_critical(DEFAULT_CONFIDENCE) * estimate.std_error;
	estimate.lower = clamp_between(estimate.value - margin, low, high);
	estimate.upper = clamp_between(estimate.value + margin, low, high);
	estimate.responses = count_from_double(size);
	estimate.effective_responses = state->weight * (state->weight / state->weight2);
	return estimate_result(fcinfo, &estimate);
}

/* The estimates: NPS in points, CSAT in percent, the mean score. */
PG_FUNCTION_INFO_V1(weighted_nps_final);
Datum
weighted_nps_final(PG_FUNCTION_ARGS)
{
	return weighted_estimate(fcinfo, 100, -100, 100);
}

PG_FUNCTION_INFO_V1(weighted_csat_final);
Datum
weighted_csat_final(PG_FUNCTION_ARGS)
{
	return weighted_estimate(fcinfo, 100, 0, 100);
}

PG_FUNCTION_INFO_V1(weighted_mean_final);
Datum
weighted_mean_final(PG_FUNCTION_ARGS)
{
	return weighted_estimate(fcinfo, 1, 0, TALLY_MAX_SCORE);
}
