/*-------------------------------------------------------------------------
 *
 * float_state.c
 *	  Transition states that are a fixed number of doubles.
 *
 * They are plain double precision[] values, which every server and every
 * distributed engine can store, send and merge without a type of ours.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "measure/aggregate.h"
#include "measure/float_state.h"

/* The doubles in this array, after making sure that there are as many as expected. */
static double *
float_state_values(ArrayType *array, int length)
{
	if (ARR_NDIM(array) != 1 || ARR_DIMS(array)[0] != length ||
		ARR_HASNULL(array) || ARR_ELEMTYPE(array) != FLOAT8OID)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("transition state is not an array of %d doubles", length),
				 errhint("This function is meant for its aggregate only.")));
	return (double *) ARR_DATA_PTR(array);
}

/* The state in an argument, to be read only. */
double *
float_state_read(FunctionCallInfo fcinfo, int position, int length)
{
	return float_state_values(PG_GETARG_ARRAYTYPE_P(position), length);
}

/* The state in the first argument, to be changed: in place inside an aggregate, else in a copy. */
double *
float_state_change(FunctionCallInfo fcinfo, int length, Datum *state)
{
	ArrayType  *array;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("transition state must not be null"),
				 errhint("This function is meant for its aggregate only.")));
	array = in_aggregate(fcinfo) ? PG_GETARG_ARRAYTYPE_P(0) : PG_GETARG_ARRAYTYPE_P_COPY(0);
	*state = PointerGetDatum(array);
	return float_state_values(array, length);
}
