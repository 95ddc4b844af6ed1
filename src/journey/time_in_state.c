/*-------------------------------------------------------------------------
 *
 * time_in_state.c
 *	  time_in_state: how long and how often a customer was in each state.
 *
 * A row says that he is in a state from its time on.  Microseconds are added
 * up exactly, in unsigned numbers: times lie further apart than a signed one
 * reaches, and no customer's visits together are longer than that.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "journey/step_list.h"

/* What is known of a state. */
typedef struct StateTime
{
	uint64		time;			/* microseconds in it, all visits together */
	int64		entries;		/* how often it was entered */
} StateTime;

/* The moment up to which states last, DT_NOEND if the last one is left open. */
static TimestampTz
state_as_of(FunctionCallInfo fcinfo, int position)
{
	if (PG_ARGISNULL(position))
		return DT_NOEND;
	if (TIMESTAMP_NOT_FINITE(PG_GETARG_TIMESTAMPTZ(position)))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("as_of must not be infinite"),
				 errhint("To leave the last state open give NULL.")));
	return PG_GETARG_TIMESTAMPTZ(position);
}

/* Transition of time_in_state(state, at, as_of); what comes after as_of has not happened. */
PG_FUNCTION_INFO_V1(time_in_state_add);
Datum
time_in_state_add(PG_FUNCTION_ARGS)
{
	TimestampTz as_of = state_as_of(fcinfo, 3);
	EventList  *list = step_list_begin(fcinfo, as_of, STEPS_COLLAPSED | STEPS_UNTIL);
	TimestampTz at;

	if (!PG_ARGISNULL(1) && event_time(fcinfo, 2, &at) && at <= as_of)
		list = step_list_add(list, at, step_name(PG_GETARG_TEXT_PP(1)));
	PG_RETURN_POINTER(list);
}

/* Add up the visits by number of the state, and give these numbers in the order of first entry; the result is how many. */
static int
state_times(const EventList *list, StateTime *times, uint32 *order)
{
	const Event *entered = &list->events[0];
	int			count = 0;

	for (uint32 i = 0; i < list->count; i++)
	{
		const Event *event = &list->events[i];

		CHECK_FOR_INTERRUPTS();
		if (!step_begins(list, i))
			continue;
		times[entered->what].time += (uint64) event->at - (uint64) entered->at;
		if (times[event->what].entries++ == 0)
			order[count++] = (uint32) event->what;
		entered = event;
	}
	if (list->limit != DT_NOEND)
		times[entered->what].time += (uint64) list->limit - (uint64) entered->at;
	return count;
}

/* A row for the result. */
static Datum
state_row(TupleDesc description, NameBytes name, const StateTime *time)
{
	Datum		values[4];
	bool		nulls[4] = {false, false, false, false};

	values[0] = PointerGetDatum(cstring_to_text_with_len(name.bytes, (int) name.length));
	values[1] = Float8GetDatum((double) time->time / USECS_PER_SEC);
	values[2] = Int64GetDatum(time->entries);
	values[3] = Int64GetDatum(time->entries - 1);
	return HeapTupleGetDatum(heap_form_tuple(description, values, nulls));
}

/* A row for each state in the order of first entry, NULL without any. */
PG_FUNCTION_INFO_V1(time_in_state_final);
Datum
time_in_state_final(PG_FUNCTION_ARGS)
{
	EventList  *list = PG_GETARG_EVENT_LIST_P(0);
	const Names *names = step_names(list);
	Oid			type = get_element_type(get_func_rettype(fcinfo->flinfo->fn_oid));
	TupleDesc	description;
	StateTime  *times;
	uint32	   *order;
	Datum	   *rows;
	int			count;

	if (list->count == 0)
		PG_RETURN_NULL();
	step_list_sort(list);
	times = palloc0(mul_size(names->count, sizeof(StateTime)));
	order = palloc(mul_size(names->count, sizeof(uint32)));
	count = state_times(list, times, order);
	description = lookup_rowtype_tupdesc(type, -1);
	rows = palloc(mul_size(count, sizeof(Datum)));
	for (int i = 0; i < count; i++)
		rows[i] = state_row(description, names->names[order[i]], &times[order[i]]);
	ReleaseTupleDesc(description);
	PG_RETURN_ARRAYTYPE_P(construct_array(rows, count, type, -1, false, TYPALIGN_DOUBLE));
}
