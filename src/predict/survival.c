/*-------------------------------------------------------------------------
 *
 * survival.c
 *	  What survival curves say: the Kaplan-Meier estimate, quantiles, the
 *	  expected lifetime; and what a customer is worth over his lifetime.
 *
 * Survival is the product of 1 - events / at_risk over the times so far (Kaplan
 * and Meier 1958), the variance of its logarithm the sum of
 * events / (at_risk (at_risk - events)) (Greenwood 1926).  Intervals are
 * symmetric in log(-log(survival)) (Kalbfleisch and Prentice 1980) and so never
 * leave 0..1.  Where survival is 1 or 0 that scale has no such point: no
 * interval is known there.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "funcapi.h"
#include "miscadmin.h"

#include "measure/distribution.h"
#include "measure/estimate.h"
#include "predict/survival.h"

/* Survival within this of a share is that share, but for rounding; R takes the same. */
#define SURVIVAL_TOLERANCE 1.4901161193847656e-8

/* Before the first time of a curve. */
SurvivalWalk
survival_walk(const SurvivalCurve *curve)
{
	SurvivalWalk walk = {.next = curve->points, .end = curve->points + survival_curve_count(curve), .survival = 1};

	walk.at_risk = survival_curve_customers(curve);
	return walk;
}

/* Go on to the next time; false behind the last one. */
bool
survival_walk_on(SurvivalWalk *walk)
{
	const SurvivalPoint *point = walk->next;

	CHECK_FOR_INTERRUPTS();
	if (point == walk->end)
		return false;
	walk->next++;
	walk->at_risk -= walk->events + walk->censored;
	walk->time = point->time;
	walk->events = point->events;
	walk->censored = point->censored;
	if (walk->events > 0)
	{
		double		at_risk = (double) walk->at_risk;
		double		staying = (double) (walk->at_risk - walk->events);

		walk->survival *= staying / at_risk;
		walk->log_survival += log1p(-(double) walk->events / at_risk);
		walk->greenwood += (double) walk->events / (at_risk * staying);
	}
	return true;
}

/* The standard error of survival, NaN where nobody is left. */
double
survival_std_error(const SurvivalWalk *walk)
{
	return walk->survival > 0 ? walk->survival * sqrt(walk->greenwood) : NAN;
}

/* One end of the interval of survival: the lower one for the critical value, the upper one for minus it; NaN if unknown. */
double
survival_bound(const SurvivalWalk *walk, double critical)
{
	if (walk->log_survival == 0 || walk->survival == 0)
		return NAN;
	return exp(walk->log_survival * exp(critical * sqrt(walk->greenwood) / -walk->log_survival));
}

/*
 * The time by which this share has ended; NaN if that is not reached.  With a
 * critical value other than 0, the time at which that end of the interval says
 * so.  Where a step lies exactly at the share, the middle of the step, as R
 * does it.
 */
double
survival_quantile_value(const SurvivalCurve *curve, double share, double critical)
{
	SurvivalWalk walk = survival_walk(curve);
	double		reached = NAN;

	while (survival_walk_on(&walk))
	{
		double		staying = critical == 0 ? walk.survival : survival_bound(&walk, critical);

		if (walk.events == 0 || isnan(staying))
			continue;
		if (staying < 1 - share - SURVIVAL_TOLERANCE)
			return isnan(reached) ? walk.time : reached / 2 + walk.time / 2;
		if (isnan(reached) && staying <= 1 - share + SURVIVAL_TOLERANCE)
			reached = walk.time;
	}
	return reached / 2 + walk.time / 2;
}

/* The number of customers of a curve, as an estimate says it. */
static void
estimate_customers(Estimate *estimate, const SurvivalCurve *curve)
{
	estimate->responses = survival_curve_customers(curve);
	estimate->effective_responses = (double) estimate->responses;
}

/* The time in an argument; error unless it is finite and 0 or more. */
static double
check_time(double time, const char *name)
{
	if (!(time >= 0) || isinf(time))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s %g is not a finite number of 0 or more", name, time),
				 errhint("Give it in the unit of the durations.")));
	return time;
}

/* A row for each time. */
PG_FUNCTION_INFO_V1(survival_points);
Datum
survival_points(PG_FUNCTION_ARGS)
{
	SurvivalWalk walk = survival_walk(PG_GETARG_SURVIVAL_CURVE_P(0));
	double		critical = normal_critical(check_confidence(PG_GETARG_FLOAT8(1)));
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	while (survival_walk_on(&walk))
	{
		Datum		values[8];
		bool		nulls[8];
		RowBuilder	row = {values, nulls, 0};

		row_add_float8(&row, walk.time);
		row_add_int64(&row, walk.at_risk);
		row_add_int64(&row, walk.events);
		row_add_int64(&row, walk.censored);
		row_add_float8(&row, walk.survival);
		row_add_float8(&row, survival_std_error(&walk));
		row_add_float8(&row, survival_bound(&walk, critical));
		row_add_float8(&row, survival_bound(&walk, -critical));
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* Survival at a time; unknown after the last one if somebody was left then. */
PG_FUNCTION_INFO_V1(survival_at);
Datum
survival_at(PG_FUNCTION_ARGS)
{
	SurvivalCurve *curve = PG_GETARG_SURVIVAL_CURVE_P(0);
	double		time = check_time(PG_GETARG_FLOAT8(1), "time");
	double		critical = normal_critical(check_confidence(PG_GETARG_FLOAT8(2)));
	SurvivalWalk walk = survival_walk(curve);
	Estimate	estimate = {NAN, NAN, NAN, NAN, 0, 0};

	while (walk.next < walk.end && walk.next->time <= time)
		survival_walk_on(&walk);
	estimate_customers(&estimate, curve);
	if (walk.next < walk.end || walk.time == time || walk.survival == 0)
	{
		estimate.value = walk.survival;
		estimate.std_error = survival_std_error(&walk);
		estimate.lower = survival_bound(&walk, critical);
		estimate.upper = survival_bound(&walk, -critical);
	}
	return estimate_result(fcinfo, &estimate);
}

/* The time by which a share of the customers has ended. */
PG_FUNCTION_INFO_V1(survival_quantile);
Datum
survival_quantile(PG_FUNCTION_ARGS)
{
	SurvivalCurve *curve = PG_GETARG_SURVIVAL_CURVE_P(0);
	double		share = PG_GETARG_FLOAT8(1);
	double		critical = normal_critical(check_confidence(PG_GETARG_FLOAT8(2)));
	Estimate	estimate = {.std_error = NAN};

	if (!(share > 0 && share < 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("share %g is outside (0, 1)", share),
				 errhint("Give the share of customers that has ended, such as 0.5 for the median.")));
	estimate.value = survival_quantile_value(curve, share, 0);
	estimate.lower = survival_quantile_value(curve, share, critical);
	estimate.upper = survival_quantile_value(curve, share, -critical);
	estimate_customers(&estimate, curve);
	return estimate_result(fcinfo, &estimate);
}

/*
 * The area below a curve up to the horizon, from there back to each event: its
 * variance is the sum of these areas squared, each times the event's part of
 * Greenwood's sum.
 */
static double
lifetime_variance(const SurvivalCurve *curve, double horizon, double area)
{
	SurvivalWalk walk = survival_walk(curve);
	double		variance = 0;
	double		since = 0;
	double		survival = 1;
	double		greenwood = 0;

	while (survival_walk_on(&walk) && walk.time < horizon)
	{
		area -= (walk.time - since) * survival;
		if (walk.survival > 0)
			variance += area * area * (walk.greenwood - greenwood);
		since = walk.time;
		survival = walk.survival;
		greenwood = walk.greenwood;
	}
	return variance;
}

/* The area below a curve up to the horizon; NaN if the curve ends before, with somebody left. */
static double
lifetime_area(const SurvivalCurve *curve, double horizon)
{
	SurvivalWalk walk = survival_walk(curve);
	double		area = 0;
	double		since = 0;
	double		survival = 1;

	while (survival_walk_on(&walk) && walk.time < horizon)
	{
		area += (walk.time - since) * survival;
		since = walk.time;
		survival = walk.survival;
	}
	if (walk.time < horizon && walk.survival > 0)
		return NAN;
	return area + (horizon - since) * survival;
}

/* The mean time that a customer stays, counted up to the horizon, or to the last time if there is none. */
PG_FUNCTION_INFO_V1(expected_lifetime);
Datum
expected_lifetime(PG_FUNCTION_ARGS)
{
	SurvivalCurve *curve;
	double		horizon;
	double		margin;
	Estimate	estimate = {0};

	if (PG_ARGISNULL(0) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	curve = PG_GETARG_SURVIVAL_CURVE_P(0);
	margin = normal_critical(check_confidence(PG_GETARG_FLOAT8(2)));
	horizon = PG_ARGISNULL(1) ? curve->points[survival_curve_count(curve) - 1].time : check_time(PG_GETARG_FLOAT8(1), "horizon");
	estimate.value = lifetime_area(curve, horizon);
	estimate.std_error = sqrt(lifetime_variance(curve, horizon, estimate.value));
	margin *= estimate.std_error;
	estimate.lower = clamp_between(estimate.value - margin, 0, horizon);
	estimate.upper = clamp_between(estimate.value + margin, 0, horizon);
	estimate_customers(&estimate, curve);
	return estimate_result(fcinfo, &estimate);
}

/* Raise an error about a number that a lifetime value cannot be computed from. */
static void
check_value(bool is_sound, const char *name, double value, const char *hint)
{
	if (!is_sound)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s %g is out of range", name, value),
				 errhint("%s", hint)));
}

/* The present value of all margins to come, the first one in a period from now if he is retained so long. */
PG_FUNCTION_INFO_V1(customer_lifetime_value);
Datum
customer_lifetime_value(PG_FUNCTION_ARGS)
{
	double		margin = PG_GETARG_FLOAT8(0);
	double		retention = PG_GETARG_FLOAT8(1);
	double		discount = PG_GETARG_FLOAT8(2);
	double		value;

	check_value(isfinite(margin), "margin", margin, "Give the margin of a customer per period, a finite amount.");
	check_value(retention >= 0 && retention <= 1, "retention", retention, "Give the share of customers retained from one period to the next, between 0 and 1.");
	check_value(discount >= 0 && isfinite(discount), "discount", discount, "Give the discount rate per period, such as 0.1 for 10 percent.");
	if (retention - discount >= 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a customer who never leaves has no finite value without a discount"),
				 errhint("Give a retention below 1, or a discount above 0.")));
	value = margin * (retention / (1 - retention + discount));
	if (isinf(value))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("customer lifetime value is out of range for type double precision")));
	PG_RETURN_FLOAT8(value);
}
