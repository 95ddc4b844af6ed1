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
#include "journey/funnel_level.h"
#include "measure/aggregate.h"

/* The funnel that a state is of. */
static Funnel
funnel_of(const EventList *list)
{
	return (Funnel) {.window = list->limit, .mode = (FunnelMode) list->mode, .steps = list->conditions};
}

/* Make sure that a funnel is that of the state. */
static void
funnel_match(const EventList *list, const Funnel *funnel)
{
	if (list->limit != funnel->window || list->mode != (uint8) funnel->mode || list->conditions != funnel->steps)
	{
		Funnel		first = funnel_of(list);

		funnel_differs(&first, funnel);
	}
}

/* An empty state of a funnel. */
static EventList *
funnel_state(FunctionCallInfo fcinfo, const Funnel *funnel)
{
	EventList  *list = event_list_new(event_context(fcinfo));

	list->limit = funnel->window;
	list->mode = (uint8) funnel->mode;
	list->conditions = (uint8) funnel->steps;
	return list;
}

/* Add the row whose time is in this argument, the steps in the next. */
static Datum
funnel_add(FunctionCallInfo fcinfo, FunnelMode mode, int position)
{
	EventList  *list = PG_ARGISNULL(0) ? NULL : PG_GETARG_EVENT_LIST_P(0);
	Funnel		funnel = {.window = event_interval(fcinfo, 1, "win"), .mode = mode};
	uint64		steps = event_conditions(fcinfo, position + 1, &funnel.steps);
	TimestampTz at;

	if (event_time(fcinfo, position, &at))
	{
		if (list == NULL)
		{
			event_check_conditions(fcinfo, position + 1);
			list = funnel_state(fcinfo, &funnel);
		}
		funnel_match(list, &funnel);
		if (steps != 0 || funnel_needs_others(mode))
			list = event_list_add(list, at, steps);
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
	EventList  *list = PG_ARGISNULL(0) ? NULL : PG_GETARG_EVENT_LIST_P(0);
	EventList  *other = PG_ARGISNULL(1) ? NULL : PG_GETARG_EVENT_LIST_P(1);

	if (list == NULL && other == NULL)
		PG_RETURN_NULL();
	if (other != NULL)
	{
		Funnel		funnel = funnel_of(other);

		if (list == NULL)
			list = funnel_state(fcinfo, &funnel);
		funnel_match(list, &funnel);
		list = event_list_merge(list, other);
	}
	PG_RETURN_POINTER(list);
}

/* A state as bytes, for the leader of a parallel plan. */
PG_FUNCTION_INFO_V1(window_funnel_serialize);
Datum
window_funnel_serialize(PG_FUNCTION_ARGS)
{
	(void) event_context(fcinfo);
	PG_RETURN_BYTEA_P(event_list_write(PG_GETARG_EVENT_LIST_P(0), 0));
}

/* A state out of bytes. */
PG_FUNCTION_INFO_V1(window_funnel_deserialize);
Datum
window_funnel_deserialize(PG_FUNCTION_ARGS)
{
	Size		end;

	(void) event_context(fcinfo);
	PG_RETURN_POINTER(event_list_read(PG_GETARG_BYTEA_PP(0), &end));
}

/* The level. */
PG_FUNCTION_INFO_V1(window_funnel_final);
Datum
window_funnel_final(PG_FUNCTION_ARGS)
{
	EventList  *list = PG_ARGISNULL(0) ? NULL : PG_GETARG_EVENT_LIST_P(0);
	Funnel		funnel;

	if (list == NULL)
		PG_RETURN_NULL();
	funnel = funnel_of(list);
	event_list_sort(list);
	PG_RETURN_INT32(funnel_level(&funnel, list->events, list->count));
}

/* When each step was met. */
PG_FUNCTION_INFO_V1(funnel_times_final);
Datum
funnel_times_final(PG_FUNCTION_ARGS)
{
	EventList  *list = PG_ARGISNULL(0) ? NULL : PG_GETARG_EVENT_LIST_P(0);
	TimestampTz times[MOST_CONDITIONS];
	Datum		values[MOST_CONDITIONS];
	Funnel		funnel;
	int			level;

	if (list == NULL)
		PG_RETURN_NULL();
	funnel = funnel_of(list);
	event_list_sort(list);
	level = funnel_chain(&funnel, list->events, list->count, times);
	for (int step = 0; step < level; step++)
		values[step] = TimestampTzGetDatum(times[step]);
	PG_RETURN_ARRAYTYPE_P(construct_array(values, level, TIMESTAMPTZOID, sizeof(TimestampTz), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}
