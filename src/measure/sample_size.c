/*-------------------------------------------------------------------------
 *
 * sample_size.c
 *	  How many answers an NPS needs, for a margin or to detect a change.
 *
 * Without an expected tally the variance is taken at its largest, that of a
 * population half promoters and half detractors.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"

#include "measure/distribution.h"
#include "measure/tally.h"
#include "measure/tally_math.h"

/* The largest variance of one answer, in points squared. */
#define NPS_LARGEST_VARIANCE (100.0 * 100.0)

/* A number of points in an argument: above 0, at most as given. */
static double
points_argument(FunctionCallInfo fcinfo, int position, const char *name, double most)
{
	double		points = PG_GETARG_FLOAT8(position);

	if (!(points > 0 && points <= most))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s %g is outside (0, %g]", name, points, most),
				 errhint("Give it in points of NPS, such as 5.")));
	return points;
}

/* Variance of one answer in points squared, as the expected tally in an argument has it. */
static double
expected_variance(FunctionCallInfo fcinfo, int position)
{
	NpsClasses	classes;

	if (PG_ARGISNULL(position))
		return NPS_LARGEST_VARIANCE;
	classes = nps_classes(PG_GETARG_TALLY_P(position));
	if (classes.size == 0)
		return NPS_LARGEST_VARIANCE;
	return nps_variance(classes) * classes.size;
}

/* A number of answers rounded up. */
static Datum
answers_needed(double answers)
{
	if (!(answers < 0x1p62))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("number of answers is out of range for type bigint")));
	PG_RETURN_INT64((int64) ceil(answers));
}

/* Answers needed for an interval of plus or minus margin. */
PG_FUNCTION_INFO_V1(nps_sample_size);
Datum
nps_sample_size(PG_FUNCTION_ARGS)
{
	double		margin;
	double		ratio;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	margin = points_argument(fcinfo, 0, "margin", 100);
	ratio = normal_critical(check_confidence(PG_GETARG_FLOAT8(1))) / margin;
	return answers_needed(ratio * ratio * expected_variance(fcinfo, 2));
}

/* The power itself, after making sure that it is a share strictly between 0 and 1. */
static double
check_power(double power)
{
	if (!(power > 0 && power < 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("power %g is outside (0, 1)", power),
				 errhint("Give the chance to detect the change, such as 0.8.")));
	return power;
}

/* Answers needed on each side to find a change of this size significant. */
PG_FUNCTION_INFO_V1(nps_change_sample_size);
Datum
nps_change_sample_size(PG_FUNCTION_ARGS)
{
	double		difference;
	double		power;
	double		confidence;
	double		ratio;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	difference = points_argument(fcinfo, 0, "difference", 200);
	power = check_power(PG_GETARG_FLOAT8(1));
	confidence = check_confidence(PG_GETARG_FLOAT8(2));
	/* so small a power is there without any answers */
	ratio = Max(normal_critical(confidence) - normal_upper_quantile(power), 0) / difference;
	return answers_needed(2 * ratio * ratio * expected_variance(fcinfo, 3));
}
