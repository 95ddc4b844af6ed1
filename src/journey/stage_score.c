/*-------------------------------------------------------------------------
 *
 * stage_score.c
 *	  journey_stage_score: one figure for a stage of the journey, 0-100.
 *
 * A weighted mean of experiences, in the second form with weights that halve
 * with every half-life of age.  Such a mean does not depend on the moment from
 * which age is counted, so time is counted in whole half-lives from a moving
 * reference: a change of the reference scales the sums by a power of two, which
 * is exact, and the sums themselves carry twice the digits of a double.  That
 * makes the result independent of the order and the grouping of the rows.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "utils/timestamp.h"

#include "measure/duration.h"
#include "measure/float_state.h"
#include "measure/weighted.h"

/* A sum that keeps what a double would round off. */
typedef struct LongSum
{
	double		high;			/* the sum, rounded */
	double		low;			/* what the rounding lost */
} LongSum;

typedef struct StageState
{
	double		half_life;		/* microseconds, 0 as long as no decaying row was seen */
	double		reference;		/* half-lives from 2000 to the moment of weight 1, a whole number */
	LongSum		weight;			/* sum of decayed weights */
	LongSum		weighted;		/* sum of decayed weights times experience */
} StageState;

#define STAGE_LENGTH ((int) (sizeof(StageState) / sizeof(double)))

/* Add to a sum without losing the rounding error (Knuth's TwoSum). */
static void
long_sum_add(LongSum *sum, double high, double low)
{
	double		total = sum->high + high;
	double		part = total - sum->high;
	double		error = (sum->high - (total - part)) + (high - part);

	error += sum->low + low;
	sum->high = total + error;
	sum->low = error - (sum->high - total);
}

/* Multiply a sum by a power of two, exactly unless it vanishes. */
static void
long_sum_scale(LongSum *sum, int exponent)
{
	sum->high = ldexp(sum->high, exponent);
	sum->low = ldexp(sum->low, exponent);
}

/* A number of half-lives before the reference as an exponent; beyond -5000 everything vanishes. */
static int
stage_exponent(double half_lives)
{
	return half_lives > -5000 ? (int) Min(half_lives, 0) : -5000;
}

/* Make sure that both sides decay with the same half-life; a side without rows takes the other's. */
static void
stage_match_half_life(StageState *state, double half_life)
{
	if (state->half_life != 0 && half_life != 0 && state->half_life != half_life)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("half_life must be the same for all rows of a group")));
	if (half_life != 0)
		state->half_life = half_life;
}

/* Move the reference on to this many half-lives, if it lies before; the exponent of values there. */
static int
stage_advance(StageState *state, double reference)
{
	if (state->weight.high == 0)
		state->reference = reference;
	if (reference > state->reference)
	{
		int			exponent = stage_exponent(state->reference - reference);

		long_sum_scale(&state->weight, exponent);
		long_sum_scale(&state->weighted, exponent);
		state->reference = reference;
	}
	return stage_exponent(reference - state->reference);
}

/* The experience in the second argument, 0-100. */
static double
stage_experience(FunctionCallInfo fcinfo)
{
	double		experience = PG_GETARG_FLOAT8(1);

	if (!(experience >= 0 && experience <= 100))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("experience %g is outside 0..100", experience),
				 errhint("Bring it there with to_100(score, worst, best).")));
	return experience;
}

/* Add a row of this weight, which is exact, to both sums. */
static void
stage_add(StageState *state, double experience, double weight)
{
	double		product = weight * experience;

	long_sum_add(&state->weight, weight, 0);
	long_sum_add(&state->weighted, product, fma(weight, experience, -product));
}

/* Transition of journey_stage_score(experience, weight). */
PG_FUNCTION_INFO_V1(stage_score_add);
Datum
stage_score_add(PG_FUNCTION_ARGS)
{
	Datum		result;
	StageState *state = (StageState *) float_state_change(fcinfo, STAGE_LENGTH, &result);

	if (!PG_ARGISNULL(1))
	{
		double		weight = weight_argument(fcinfo, 2);

		stage_add(state, stage_experience(fcinfo), weight);
	}
	return result;
}

/* The half-life in an argument, in microseconds; a day is 24 hours. */
static int64
stage_half_life_argument(FunctionCallInfo fcinfo, int position)
{
	return exact_duration(PG_ARGISNULL(position) ? NULL : PG_GETARG_INTERVAL_P(position), "half_life", 1);
}

/* The moment in an argument. */
static TimestampTz
stage_moment_argument(FunctionCallInfo fcinfo, int position)
{
	TimestampTz at;

	if (PG_ARGISNULL(position))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("time of an experience must not be null")));
	at = PG_GETARG_TIMESTAMPTZ(position);
	if (TIMESTAMP_NOT_FINITE(at))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("time of an experience must not be infinite")));
	return at;
}

/* Transition of journey_stage_score(experience, weight, at, half_life). */
PG_FUNCTION_INFO_V1(stage_score_add_decaying);
Datum
stage_score_add_decaying(PG_FUNCTION_ARGS)
{
	Datum		result;
	StageState *state = (StageState *) float_state_change(fcinfo, STAGE_LENGTH, &result);

	if (!PG_ARGISNULL(1))
	{
		double		experience = stage_experience(fcinfo);
		double		weight = weight_argument(fcinfo, 2);
		TimestampTz at = stage_moment_argument(fcinfo, 3);
		int64		half_life = stage_half_life_argument(fcinfo, 4);
		int64		half_lives = at / half_life - (at % half_life < 0);
		double		fraction = (double) (at - half_lives * half_life) / (double) half_life;

		stage_match_half_life(state, (double) half_life);
		if (weight > 0)
		{
			int			exponent = stage_advance(state, (double) half_lives);

			stage_add(state, experience, ldexp(weight * exp2(fraction), exponent));
		}
	}
	return result;
}

/* Both states together. */
PG_FUNCTION_INFO_V1(stage_score_combine);
Datum
stage_score_combine(PG_FUNCTION_ARGS)
{
	Datum		result;
	StageState *state = (StageState *) float_state_change(fcinfo, STAGE_LENGTH, &result);
	StageState	other = *(StageState *) float_state_read(fcinfo, 1, STAGE_LENGTH);

	stage_match_half_life(state, other.half_life);
	if (other.weight.high != 0)
	{
		int			exponent = stage_advance(state, other.reference);

		long_sum_scale(&other.weight, exponent);
		long_sum_scale(&other.weighted, exponent);
		long_sum_add(&state->weight, other.weight.high, other.weight.low);
		long_sum_add(&state->weighted, other.weighted.high, other.weighted.low);
	}
	return result;
}

/* The weighted mean, NULL without weight. */
PG_FUNCTION_INFO_V1(stage_score_final);
Datum
stage_score_final(PG_FUNCTION_ARGS)
{
	StageState *state = (StageState *) float_state_read(fcinfo, 0, STAGE_LENGTH);
	double		mean = state->weighted.high / state->weight.high;
	double		rest = fma(-mean, state->weight.high, state->weighted.high) +
		(state->weighted.low - mean * state->weight.low);

	if (!(state->weight.high > 0))
		PG_RETURN_NULL();
	mean += rest / state->weight.high;
	PG_RETURN_FLOAT8(Min(Max(mean, 0), 100));
}

/* A score on its scale as an experience, 0 the worst and 100 the best. */
PG_FUNCTION_INFO_V1(to_100);
Datum
to_100(PG_FUNCTION_ARGS)
{
	double		score = PG_GETARG_FLOAT8(0);
	double		worst = PG_GETARG_FLOAT8(1);
	double		best = PG_GETARG_FLOAT8(2);

	if (!(isfinite(worst) && isfinite(best) && worst != best))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("worst %g and best %g are not the ends of a scale", worst, best)));
	if (!(score >= Min(worst, best) && score <= Max(worst, best)))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("score %g is outside %g..%g", score, worst, best)));
	PG_RETURN_FLOAT8(100 * ((score - worst) / (best - worst)));
}
