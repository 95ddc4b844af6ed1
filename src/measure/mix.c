/*-------------------------------------------------------------------------
 *
 * mix.c
 *	  nps_mix_change: how much of a change of NPS is a change of the mix.
 *
 * Each row is a stratum, such as a region, with its tallies before and after.
 * With shares s and scores x before (b) and after (a), summed over strata,
 *
 *		within = (s_b + s_a) / 2 * (x_a - x_b)
 *		mix    = (x_b + x_a) / 2 * (s_a - s_b)
 *
 * add up to the change of the total exactly (Kitagawa 1955).  The shares need
 * the totals, known only at the end, so the state keeps the sums in which the
 * totals can be divided out.  A stratum that is missing on one side has no
 * score there: it takes that of the other side and is all mix.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"

#include "measure/distribution.h"
#include "measure/estimate.h"
#include "measure/float_state.h"
#include "measure/tally.h"
#include "measure/tally_math.h"

/* The state as sums over strata: n answers, x NPS, v variance of x_a - x_b. */
typedef struct MixState
{
	double		size_before;	/* n_b */
	double		size_after;		/* n_a */
	double		points_before;	/* n_b x_b */
	double		points_after;	/* n_a x_a */
	double		step_before;	/* n_b (x_a - x_b) */
	double		step_after;		/* n_a (x_a - x_b) */
	double		variance_before;	/* n_b^2 v */
	double		variance_both;	/* n_b n_a v */
	double		variance_after; /* n_a^2 v */
} MixState;

#define MIX_LENGTH ((int) (sizeof(MixState) / sizeof(double)))
#define MIX_ATTRIBUTES 7

/* The classes of a tally argument, none if it is NULL. */
static NpsClasses
mix_classes(FunctionCallInfo fcinfo, int position)
{
	NpsClasses	none = {0, 0, 0};

	return PG_ARGISNULL(position) ? none : nps_classes(PG_GETARG_TALLY_P(position));
}

/* Transition: add one stratum. */
PG_FUNCTION_INFO_V1(nps_mix_add);
Datum
nps_mix_add(PG_FUNCTION_ARGS)
{
	Datum		result;
	MixState   *state = (MixState *) float_state_change(fcinfo, MIX_LENGTH, &result);
	NpsClasses	before = mix_classes(fcinfo, 1);
	NpsClasses	after = mix_classes(fcinfo, 2);

	state->size_before += before.size;
	state->size_after += after.size;
	state->points_before += before.size > 0 ? before.size * nps_value(before) : 0;
	state->points_after += after.size > 0 ? after.size * nps_value(after) : 0;
	if (before.size > 0 && after.size > 0)
	{
		double		step = nps_value(after) - nps_value(before);
		double		variance = nps_variance(nps_adjusted(before)) + nps_variance(nps_adjusted(after));

		state->step_before += before.size * step;
		state->step_after += after.size * step;
		state->variance_before += before.size * before.size * variance;
		state->variance_both += before.size * after.size * variance;
		state->variance_after += after.size * after.size * variance;
	}
	return result;
}

/* Both states together. */
PG_FUNCTION_INFO_V1(nps_mix_combine);
Datum
nps_mix_combine(PG_FUNCTION_ARGS)
{
	Datum		result;
	double	   *sums = float_state_change(fcinfo, MIX_LENGTH, &result);
	double	   *other = float_state_read(fcinfo, 1, MIX_LENGTH);

	for (int i = 0; i < MIX_LENGTH; i++)
		sums[i] += other[i];
	return result;
}

/* The change of the total and its two parts. */
PG_FUNCTION_INFO_V1(nps_mix_final);
Datum
nps_mix_final(PG_FUNCTION_ARGS)
{
	MixState   *state = (MixState *) float_state_read(fcinfo, 0, MIX_LENGTH);
	double		before = state->size_before;
	double		after = state->size_after;
	double		difference = state->points_after / after - state->points_before / before;
	double		within = (state->step_before / before + state->step_after / after) / 2;
	double		margin = normal_critical(DEFAULT_CONFIDENCE) / 2 *
		sqrt(state->variance_before / (before * before) +
			 2 * state->variance_both / (before * after) +
			 state->variance_after / (after * after));
	Datum		values[MIX_ATTRIBUTES];
	bool		nulls[MIX_ATTRIBUTES];
	RowBuilder	row = {values, nulls, 0};

	if (!(before > 0 && after > 0))
		PG_RETURN_NULL();
	row_add_float8(&row, difference);
	row_add_float8(&row, within);
	row_add_float8(&row, difference - within);
	row_add_float8(&row, clamp_between(within - margin, -200, 200));
	row_add_float8(&row, clamp_between(within + margin, -200, 200));
	row_add_int64(&row, count_from_double(before));
	row_add_int64(&row, count_from_double(after));
	return row_finish(fcinfo, &row);
}
