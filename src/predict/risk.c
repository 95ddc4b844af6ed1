/*-------------------------------------------------------------------------
 *
 * risk.c
 *	  churn_risk over signals: how likely a customer is to leave, without a
 *	  trained model.
 *
 * Each signal shifts the log-odds of leaving, the less the longer ago it was:
 *
 *		risk = logistic(logit(base_rate) + sum(log_odds * 2^(-(as_of - at) / half_life)))
 *
 * That is what a logistic model gives whose coefficients were chosen by people.
 * A row without log_odds is a customer without a signal, whose risk is the base
 * rate.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "utils/timestamp.h"

#include "measure/duration.h"
#include "measure/float_state.h"

/* The largest shift that a signal may make; what lies beyond is certain long before. */
#define MOST_LOG_ODDS 1000

typedef struct RiskState
{
	double		base_rate;		/* 0 as long as no row was seen */
	double		shift;			/* sum of decayed log-odds */
} RiskState;

#define RISK_LENGTH ((int) (sizeof(RiskState) / sizeof(double)))

/* The base rate in an argument: a risk that is not certain either way. */
static double
risk_base_rate_argument(FunctionCallInfo fcinfo, int position)
{
	double		base_rate;

	if (PG_ARGISNULL(position))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("base_rate must not be null")));
	base_rate = PG_GETARG_FLOAT8(position);
	if (!(base_rate > 0 && base_rate < 1))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("base_rate %g is not between 0 and 1", base_rate),
				 errhint("Give the share of all customers who leave, such as 0.05.")));
	return base_rate;
}

/* Make sure that both sides start from the same base rate; a side without rows takes the other's. */
static void
risk_match_base_rate(RiskState *state, double base_rate)
{
	if (state->base_rate != 0 && base_rate != 0 && state->base_rate != base_rate)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("base_rate must be the same for all rows of a group")));
	if (base_rate != 0)
		state->base_rate = base_rate;
}

/* The log-odds in an argument. */
static double
risk_log_odds_argument(FunctionCallInfo fcinfo, int position)
{
	double		log_odds = PG_GETARG_FLOAT8(position);

	if (!(fabs(log_odds) <= MOST_LOG_ODDS))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("log_odds %g is outside %d..%d", log_odds, -MOST_LOG_ODDS, MOST_LOG_ODDS),
				 errhint("Give the natural logarithm of the factor by which the signal multiplies the odds of leaving.")));
	return log_odds;
}

/* The moment in an argument of this name. */
static TimestampTz
risk_moment_argument(FunctionCallInfo fcinfo, int position, const char *name)
{
	TimestampTz moment;

	if (PG_ARGISNULL(position))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be null", name)));
	moment = PG_GETARG_TIMESTAMPTZ(position);
	if (TIMESTAMP_NOT_FINITE(moment))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("%s must not be infinite", name)));
	return moment;
}

/* What is left of a signal's log-odds; nothing before it happened. */
static double
risk_decay(double log_odds, TimestampTz at, TimestampTz as_of, int64 half_life)
{
	if (at > as_of)
		return 0;
	/* times lie further apart than a signed number reaches */
	return log_odds * exp2(-((double) ((uint64) as_of - (uint64) at) / (double) half_life));
}

/* Transition of churn_risk: one signal, or NULL log_odds for none. */
PG_FUNCTION_INFO_V1(churn_risk_add);
Datum
churn_risk_add(PG_FUNCTION_ARGS)
{
	Datum		result;
	RiskState  *state = (RiskState *) float_state_change(fcinfo, RISK_LENGTH, &result);

	risk_match_base_rate(state, risk_base_rate_argument(fcinfo, 5));
	if (!PG_ARGISNULL(1))
	{
		double		log_odds = risk_log_odds_argument(fcinfo, 1);
		TimestampTz at = risk_moment_argument(fcinfo, 2, "at");
		TimestampTz as_of = risk_moment_argument(fcinfo, 3, "as_of");
		int64		half_life = exact_duration(PG_ARGISNULL(4) ? NULL : PG_GETARG_INTERVAL_P(4), "half_life", 1);

		state->shift += risk_decay(log_odds, at, as_of, half_life);
	}
	return result;
}

/* Both states together. */
PG_FUNCTION_INFO_V1(churn_risk_combine);
Datum
churn_risk_combine(PG_FUNCTION_ARGS)
{
	Datum		result;
	RiskState  *state = (RiskState *) float_state_change(fcinfo, RISK_LENGTH, &result);
	RiskState  *other = (RiskState *) float_state_read(fcinfo, 1, RISK_LENGTH);

	risk_match_base_rate(state, other->base_rate);
	state->shift += other->shift;
	return result;
}

/* The risk, 0..1; NULL if there were no rows. */
PG_FUNCTION_INFO_V1(churn_risk_final);
Datum
churn_risk_final(PG_FUNCTION_ARGS)
{
	RiskState  *state = (RiskState *) float_state_read(fcinfo, 0, RISK_LENGTH);
	double		odds;

	if (!(state->base_rate > 0))
		PG_RETURN_NULL();
	/* the odds against, so that the risk is exact where it is small */
	odds = (1 - state->base_rate) / state->base_rate * exp(-state->shift);
	PG_RETURN_FLOAT8(1 / (1 + odds));
}

/* What is left of the log-odds of one signal, the addend of churn_risk. */
PG_FUNCTION_INFO_V1(decayed_log_odds);
Datum
decayed_log_odds(PG_FUNCTION_ARGS)
{
	double		log_odds = risk_log_odds_argument(fcinfo, 0);
	TimestampTz at = risk_moment_argument(fcinfo, 1, "at");
	TimestampTz as_of = risk_moment_argument(fcinfo, 2, "as_of");

	PG_RETURN_FLOAT8(risk_decay(log_odds, at, as_of, exact_duration(PG_GETARG_INTERVAL_P(3), "half_life", 1)));
}
