/*-------------------------------------------------------------------------
 *
 * retention.c
 *	  retention(condition, ...): who of a first condition met the others too.
 *
 * Which conditions were met somewhere in a group is a bit for each, and groups
 * are put together by or, so the state is one number however many rows there
 * are: the bits below, and above them how many conditions there are.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"

#include "journey/event_list.h"

#define COUNT_SHIFT 32			/* where the number of conditions begins */

StaticAssertDecl(MOST_CONDITIONS <= COUNT_SHIFT, "a state of retention has a bit for each condition");

/* How many conditions there are in a state, after making sure that it has bits for these only. */
static int
retention_count(int64 state)
{
	int64		count = state >> COUNT_SHIFT;

	if (count < 1 || count > MOST_CONDITIONS || ((uint64) state & PG_UINT32_MAX) >> count != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("transition state is not one of retention"),
				 errhint("This function is meant for its aggregate only.")));
	return (int) count;
}

/* Both states together. */
static int64
retention_merge(int64 state, int64 other)
{
	if (retention_count(state) != retention_count(other))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("number of conditions must be the same for all rows of a group")));
	return state | other;
}

/* Transition of retention(condition, ...). */
PG_FUNCTION_INFO_V1(retention_add);
Datum
retention_add(PG_FUNCTION_ARGS)
{
	int			count;
	uint64		met = event_conditions(fcinfo, 1, &count);
	int64		row = (int64) count << COUNT_SHIFT | (int64) met;

	PG_RETURN_INT64(PG_ARGISNULL(0) ? row : retention_merge(PG_GETARG_INT64(0), row));
}

/* Both states together. */
PG_FUNCTION_INFO_V1(retention_combine);
Datum
retention_combine(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(retention_merge(PG_GETARG_INT64(0), PG_GETARG_INT64(1)));
}

/* For each condition whether it was met, and the first one too. */
PG_FUNCTION_INFO_V1(retention_final);
Datum
retention_final(PG_FUNCTION_ARGS)
{
	int64		state = PG_GETARG_INT64(0);
	int			count = retention_count(state);
	Datum		retained[MOST_CONDITIONS];

	for (int i = 0; i < count; i++)
		retained[i] = BoolGetDatum((state & 1) != 0 && (state >> i & 1) != 0);
	PG_RETURN_ARRAYTYPE_P(construct_array(retained, count, BOOLOID, sizeof(bool), true, TYPALIGN_CHAR));
}
