/*-------------------------------------------------------------------------
 *
 * path.c
 *	  path: the steps of a group in order of time.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "journey/step_list.h"

/* The limit in an argument that may be missing. */
static int64
path_max_length(FunctionCallInfo fcinfo, int position)
{
	if (PG_NARGS() <= position || PG_ARGISNULL(position))
		return STEPS_ALL;
	if (PG_GETARG_INT32(position) < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("max_length must be at least 1"),
				 errhint("For no limit give NULL.")));
	return PG_GETARG_INT32(position);
}

/* Whether repeats are joined, in an argument that may be missing. */
static uint8
path_collapse(FunctionCallInfo fcinfo, int position)
{
	if (PG_NARGS() <= position)
		return 0;
	if (PG_ARGISNULL(position))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("collapse must not be null")));
	return PG_GETARG_BOOL(position) ? STEPS_COLLAPSED : 0;
}

/* Transition of path(at, step), (at, step, max_length) and (at, step, max_length, collapse). */
PG_FUNCTION_INFO_V1(path_append);
Datum
path_append(PG_FUNCTION_ARGS)
{
	EventList  *list = step_list_begin(fcinfo, path_max_length(fcinfo, 3), path_collapse(fcinfo, 4));
	TimestampTz at;

	if (!PG_ARGISNULL(2) && event_time(fcinfo, 1, &at))
		list = step_list_add(list, at, step_name(PG_GETARG_TEXT_PP(2)));
	PG_RETURN_POINTER(list);
}

/* The text of a step, made once for all events of this name. */
static Datum
path_text(Datum *texts, const Names *names, uint64 number)
{
	NameBytes	name = names->names[number];

	if (texts[number] == 0)
		texts[number] = PointerGetDatum(cstring_to_text_with_len(name.bytes, (int) name.length));
	return texts[number];
}

/* The steps in order, NULL without any. */
PG_FUNCTION_INFO_V1(path_final);
Datum
path_final(PG_FUNCTION_ARGS)
{
	EventList  *list = PG_GETARG_EVENT_LIST_P(0);
	const Names *names = step_names(list);
	uint32		reach;
	Datum	   *texts;
	Datum	   *steps;
	int			count = 0;

	if (list->count == 0)
		PG_RETURN_NULL();
	step_list_sort(list);
	reach = step_list_reach(list);
	texts = palloc0(mul_size(names->count, sizeof(Datum)));
	steps = palloc(mul_size(reach, sizeof(Datum)));
	for (uint32 i = 0; i < reach; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (step_begins(list, i))
			steps[count++] = path_text(texts, names, list->events[i].what);
	}
	PG_RETURN_ARRAYTYPE_P(construct_array(steps, count, TEXTOID, -1, false, TYPALIGN_INT));
}
