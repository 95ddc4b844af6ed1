/*-------------------------------------------------------------------------
 *
 * window_funnel.c
 *	  window_funnel and funnel_times: how far a customer goes in a funnel, and
 *	  when each step was met.
 *
 * Both collect the events of a customer that meet a step; what counts as going
 * further is in funnel_level.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"

#include "compat.h"
#include "journey/funnel_list.h"

#define SCRATCH_ROOM 64			/* events that need no memory of their own when they are read */

/* The state in an argument, or NULL. */
static inline FunnelList *
funnel_argument(FunctionCallInfo fcinfo, int position)
{
	return PG_ARGISNULL(position) ? NULL : (FunnelList *) PG_GETARG_POINTER(position);
}

/* Make sure that a funnel is that of the state. */
static void
funnel_match(const FunnelList *list, const Funnel *funnel)
{
	Funnel		first = funnel_list_funnel(list);

	funnel_check_same(&first, funnel);
}

/* Add the row whose time is in this argument, the steps in the next. */
static Datum
funnel_add(FunctionCallInfo fcinfo, FunnelMode mode, int position)
{
	FunnelList *list = funnel_argument(fcinfo, 0);
	Funnel		funnel = {.window = funnel_same_window(fcinfo, 1, list == NULL ? -1 : list->window), .mode = mode};
	uint64		steps = event_conditions(fcinfo, position + 1, &funnel.steps);
	TimestampTz at;

	if (event_time(fcinfo, position, &at))
	{
		if (list == NULL)
		{
			event_check_conditions(fcinfo, position + 1);
			list = funnel_list_new(event_context(fcinfo), &funnel);
		}
		funnel_match(list, &funnel);
		if (steps != 0 || funnel_needs_others(mode))
			list = funnel_list_add(list, at, steps);
	}
	if (list == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(list);
}

/* Transition of window_funnel(win, at, steps) and of funnel_times. */
PG_FUNCTION_INFO_V1(window_funnel_add);
Datum
window_funnel_add(PG_FUNCTION_ARGS)
{
	return funnel_add(fcinfo, FUNNEL_DEFAULT, 2);
}

/* Transition of window_funnel(win, mode, at, steps). */
PG_FUNCTION_INFO_V1(window_funnel_add_mode);
Datum
window_funnel_add_mode(PG_FUNCTION_ARGS)
{
	return funnel_add(fcinfo, funnel_mode(fcinfo, 2), 3);
}

/* Both states together. */
PG_FUNCTION_INFO_V1(window_funnel_combine);
Datum
window_funnel_combine(PG_FUNCTION_ARGS)
{
	FunnelList *list = funnel_argument(fcinfo, 0);
	const FunnelList *other = funnel_argument(fcinfo, 1);

	if (list == NULL && other == NULL)
		PG_RETURN_NULL();
	if (other != NULL)
	{
		Funnel		funnel = funnel_list_funnel(other);

		if (list == NULL)
			list = funnel_list_new(event_context(fcinfo), &funnel);
		funnel_match(list, &funnel);
		list = funnel_list_merge(list, other);
	}
	PG_RETURN_POINTER(list);
}

/* A state as bytes, for the leader of a parallel plan. */
PG_FUNCTION_INFO_V1(window_funnel_serialize);
Datum
window_funnel_serialize(PG_FUNCTION_ARGS)
{
	(void) event_context(fcinfo);
	PG_RETURN_BYTEA_P(funnel_list_write(funnel_argument(fcinfo, 0)));
}

/* A state out of bytes. */
PG_FUNCTION_INFO_V1(window_funnel_deserialize);
Datum
window_funnel_deserialize(PG_FUNCTION_ARGS)
{
	(void) event_context(fcinfo);
	PG_RETURN_POINTER(funnel_list_read(PG_GETARG_BYTEA_PP(0)));
}

/* The level. */
PG_FUNCTION_INFO_V1(window_funnel_final);
Datum
window_funnel_final(PG_FUNCTION_ARGS)
{
	FunnelList *list = funnel_argument(fcinfo, 0);
	Event		scratch[SCRATCH_ROOM];
	Funnel		funnel;

	if (list == NULL)
		PG_RETURN_NULL();
	funnel = funnel_list_funnel(list);
	PG_RETURN_INT32(funnel_level(&funnel, funnel_list_events(list, scratch, SCRATCH_ROOM), list->count));
}

/* When each step was met. */
PG_FUNCTION_INFO_V1(funnel_times_final);
Datum
funnel_times_final(PG_FUNCTION_ARGS)
{
	FunnelList *list = funnel_argument(fcinfo, 0);
	Event		scratch[SCRATCH_ROOM];
	TimestampTz times[MOST_CONDITIONS];
	Datum		values[MOST_CONDITIONS];
	Funnel		funnel;
	int			level;

	if (list == NULL)
		PG_RETURN_NULL();
	funnel = funnel_list_funnel(list);
	level = funnel_chain(&funnel, funnel_list_events(list, scratch, SCRATCH_ROOM), list->count, times);
	for (int step = 0; step < level; step++)
		values[step] = TimestampTzGetDatum(times[step]);
	PG_RETURN_ARRAYTYPE_P(construct_array(values, level, TIMESTAMPTZOID, sizeof(TimestampTz), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}
