/*-------------------------------------------------------------------------
 *
 * funnel_counts.c
 *	  funnel_counts: how many customers of a whole table reach each step.
 *
 * A group for each customer would cost the executor more than the funnel does,
 * so one state takes all customers: 16 bytes an event, on piles by customer that
 * are sorted at the end.  What exceeds work_mem goes to temporary files in order, and so
 * does what parallel workers pass on; the leader reads all of it side by side.
 *
 * Customers that are not numbers are numbered as they come.  The names are kept
 * once, compared as a whole, so that two customers never become one, and written
 * with their events, which makes room for others.  Each file that is being read
 * takes a buffer; as a window function it keeps all events in memory, for there
 * nobody would close the files.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/memutils.h"
#include "utils/uuid.h"

#include "compat.h"
#include "journey/funnel_counts.h"

/* What a state that is passed on begins with. */
typedef struct FunnelCountsHead
{
	Funnel		funnel;
	bool		is_named;
	int			run_count;		/* runs that follow: length, steps by code if there are codes, content */
} FunnelCountsHead;

/* How much memory a state may take. */
static Size
memory_limit(void)
{
	return (Size) work_mem * 1024;
}

/* Close what is left open when the query ends or the group does. */
static void
funnel_counts_close(Datum argument)
{
	FunnelCounts *state = (FunnelCounts *) DatumGetPointer(argument);

	for (int i = 0; i < state->run_count; i++)
		if (state->runs[i]->file != NULL)
			BufFileClose(state->runs[i]->file);
	state->run_count = 0;
}

/* An empty state. */
static FunnelCounts *
funnel_counts_new(FunctionCallInfo fcinfo, const Funnel *funnel, bool is_named)
{
	MemoryContext context = event_context(fcinfo);
	FunnelCounts *state = MemoryContextAllocZero(context, sizeof(FunnelCounts));

	state->funnel = *funnel;
	state->is_named = is_named;
	state->context = context;
	state->events.context = context;
	state->can_spill = AggCheckCallContext(fcinfo, NULL) == AGG_CONTEXT_AGGREGATE;
	if (state->can_spill)
		AggRegisterCallback(fcinfo, funnel_counts_close, PointerGetDatum(state));
	if (funnel->steps > MOST_DIRECT_STEPS)
		state->codes = MemoryContextAllocZero(context, sizeof(StepCodes));
	return state;
}

/* The code of a set of steps, a new one if it is new. */
static uint32
step_code(StepCodes *codes, uint64 steps)
{
	uint32		slot = murmurhash32((uint32) steps) % CODE_SLOTS;

	for (; codes->slots[slot] != 0; slot = (slot + 1) % CODE_SLOTS)
		if (codes->steps[codes->slots[slot] - 1] == steps)
			return codes->slots[slot] - 1;
	if (codes->count == EVENT_CODES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("events meet more than %d different sets of steps", EVENT_CODES),
				 errhint("Funnels of up to %d steps have no such limit; nor has window_funnel for each customer.", MOST_DIRECT_STEPS)));
	codes->steps[codes->count] = steps;
	codes->slots[slot] = (uint16) ++codes->count;
	return codes->count - 1;
}

/* Take a run in. */
static void
add_run(FunnelCounts *state, EventRun *run)
{
	if (state->run_count == state->run_room)
	{
		state->run_room = Max(state->run_room * 2, 8);
		state->runs = state->runs == NULL ?
			MemoryContextAlloc(state->context, state->run_room * sizeof(EventRun *)) :
			repalloc(state->runs, state->run_room * sizeof(EventRun *));
	}
	state->runs[state->run_count++] = run;
}

/* Replace the numbers of named customers by those that they have in the order of their names; these are the result. */
static NameBytes *
order_names(const Names *names, CustomerEvent *events, uint64 count)
{
	uint32	   *order = names_order(names);
	uint32	   *rank = palloc_extended(mul_size(names->count, sizeof(uint32)), MCXT_ALLOC_HUGE);
	NameBytes  *ordered = palloc_extended(mul_size(names->count, sizeof(NameBytes)), MCXT_ALLOC_HUGE);

	for (uint32 i = 0; i < names->count; i++)
	{
		rank[order[i]] = i;
		ordered[i] = names->names[order[i]];
	}
	for (uint64 i = 0; i < count; i++)
		events[i].key = rank[customer_of_key(events[i].key)];
	pfree(rank);
	pfree(order);
	return ordered;
}

/* Write the events at hand into a run by the names of their customers. */
static void
write_named_events(const FunnelCounts *state, EventRun *run)
{
	uint64		count = event_piles_count(&state->events);
	CustomerEvent *events = event_piles_all(&state->events);
	CustomerEvent *spare = customer_events_new(count);
	NameBytes  *names = order_names(state->names, events, count);

	customer_events_sort(events, spare, count);
	event_run_write(run, events, count, names);
	pfree(names);
	pfree(spare);
	pfree(events);
}

/* Write the events at hand into a run. */
static void
write_events(FunnelCounts *state, EventRun *run)
{
	PileRoom	room = {0};

	if (state->is_named)
	{
		write_named_events(state, run);
		return;
	}
	for (int pile = 0; pile < event_piles_number(&state->events); pile++)
	{
		uint64		count;
		CustomerEvent *events = event_pile_in_order(&state->events, pile, &room, &count);

		event_run_write(run, events, count, NULL);
	}
	pile_room_free(&room);
}

/* Put the events at hand into a temporary file. */
static void
spill(FunnelCounts *state)
{
	MemoryContext caller = MemoryContextSwitchTo(state->context);
	EventRun   *run = event_run_new(state->is_named, funnel_counts_steps(state));

	run->file = BufFileCreateTemp(false);
	add_run(state, run);
	write_events(state, run);
	event_piles_clear(&state->events);
	if (state->names != NULL)
		names_free(state->names);
	state->names = NULL;
	MemoryContextSwitchTo(caller);
}

/* The events at hand as a run in memory. */
EventRun *
funnel_counts_run(FunnelCounts *state)
{
	MemoryContext caller = MemoryContextSwitchTo(state->context);
	EventRun   *run = event_run_new(state->is_named, funnel_counts_steps(state));

	write_events(state, run);
	MemoryContextSwitchTo(caller);
	return run;
}

/* Take over a run in memory that came from another process. */
static void
adopt_run(FunnelCounts *state, const EventRun *other)
{
	MemoryContext caller = MemoryContextSwitchTo(state->context);
	EventRun   *run = event_run_new(other->is_named, NULL);

	if (other->steps != NULL)
	{
		run->steps = palloc(EVENT_CODES * sizeof(uint64));
		memcpy(run->steps, other->steps, EVENT_CODES * sizeof(uint64));
	}
	if (state->can_spill && state->run_size + other->length > memory_limit())
		run->file = BufFileCreateTemp(false);
	add_run(state, run);
	event_run_add(run, other->bytes, other->length);
	if (run->file == NULL)
		state->run_size += run->length;
	MemoryContextSwitchTo(caller);
}

/* Append the head of a run that is passed on: its length, and what its codes stand for. */
static void
pass_run_head(EventRun *bytes, const EventRun *run)
{
	event_run_add(bytes, &run->length, sizeof(Size));
	if (run->steps != NULL)
		event_run_add(bytes, run->steps, EVENT_CODES * sizeof(uint64));
}

/* Append the events at hand as a run that is passed on. */
static void
pass_events(EventRun *bytes, FunnelCounts *state)
{
	EventRun	head = {.steps = funnel_counts_steps(state)};
	Size		start = bytes->length;
	Size		length;

	pass_run_head(bytes, &head);
	length = bytes->length;
	write_events(state, bytes);
	length = bytes->length - length;
	memcpy(bytes->bytes + start, &length, sizeof(Size));
}

/* Make sure that so many bytes follow. */
static void
check_bytes(const char *next, const char *end, Size length)
{
	if (length > (Size) (end - next))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("malformed state of funnel_counts")));
}

/* Read bytes; where the next ones are. */
static const char *
take_bytes(const char *next, const char *end, void *bytes, Size length)
{
	check_bytes(next, end, length);
	memcpy(bytes, next, length);
	return next + length;
}

/* Take in a run that was passed on; it stays where it is.  Where the next one is. */
static const char *
passed_run(FunnelCounts *state, const char *next, const char *end)
{
	EventRun   *run = event_run_new(state->is_named, NULL);

	next = take_bytes(next, end, &run->length, sizeof(Size));
	if (state->funnel.steps > MOST_DIRECT_STEPS)
	{
		run->steps = palloc(EVENT_CODES * sizeof(uint64));
		next = take_bytes(next, end, run->steps, EVENT_CODES * sizeof(uint64));
	}
	check_bytes(next, end, run->length);
	run->bytes = unconstify(char *, next);
	add_run(state, run);
	return next + run->length;
}

/* Make room for another event. */
static void
make_room(FunnelCounts *state)
{
	/* names are put in order in a copy of all events, and sorting takes another */
	Size		limit = state->can_spill ? memory_limit() / (state->is_named ? 3 : 1) : SIZE_MAX;

	if (!event_piles_make_room(&state->events, limit))
		spill(state);
}

/* Add an event of a customer. */
static void
add_event(FunnelCounts *state, uint64 customer, TimestampTz at, uint64 steps)
{
	CustomerEvent *event = &state->events.recent[state->events.recent_count++];

	if (!moment_holds(at))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("time of an event is outside the years 1714 to 2285"),
				 errhint("window_funnel for each customer takes any time.")));
	event->key = customer_key(customer);
	event->moment = moment_of(at, state->codes == NULL ? (uint32) steps : step_code(state->codes, steps));
}

/* The number of a customer with a name. */
static uint64
customer_number(FunnelCounts *state, NameBytes name)
{
	if (state->names != NULL && state->can_spill && event_piles_count(&state->events) > 0 && state->names->size > memory_limit() / 2)
		spill(state);
	if (state->names == NULL)
		state->names = names_new(state->context);
	return names_number(state->names, name);
}

/* Whether a row is an event: it has a customer and a time. */
static bool
row_is_event(FunctionCallInfo fcinfo, int position, TimestampTz *at)
{
	return event_time(fcinfo, position, at) && !PG_ARGISNULL(1);
}

/* Who the customer in the second argument is, by the type that the argument has. */
typedef enum CustomerType
{
	CUSTOMER_BIGINT,
	CUSTOMER_UUID,
	CUSTOMER_TEXT
} CustomerType;

/* The number of the customer in the second argument. */
static uint64
customer_argument(FunctionCallInfo fcinfo, FunnelCounts *state, CustomerType type)
{
	text	   *name;

	if (type == CUSTOMER_BIGINT)
		return (uint64) PG_GETARG_INT64(1);
	if (type == CUSTOMER_UUID)
		return customer_number(state, (NameBytes) {(const char *) PG_GETARG_UUID_P(1)->data, UUID_LEN});
	name = PG_GETARG_TEXT_PP(1);
	return customer_number(state, (NameBytes) {VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name)});
}

/* The window in the third argument, which is most often that of the row before. */
static inline int64
window_argument(FunctionCallInfo fcinfo, const FunnelCounts *state)
{
	const Interval *window = PG_ARGISNULL(2) ? NULL : PG_GETARG_INTERVAL_P(2);

	if (state != NULL && window != NULL && window->time == state->window.time &&
		window->day == state->window.day && window->month == state->window.month)
		return state->funnel.window;
	return funnel_window(fcinfo, 2);
}

/* Add the row whose time is in this argument, the steps in the next. */
static Datum
funnel_counts_add(FunctionCallInfo fcinfo, CustomerType type, FunnelMode mode, int position)
{
	FunnelCounts *state = PG_ARGISNULL(0) ? NULL : (FunnelCounts *) PG_GETARG_POINTER(0);
	Funnel		funnel = {.window = window_argument(fcinfo, state), .mode = mode};
	uint64		steps = event_conditions(fcinfo, position + 1, &funnel.steps);
	TimestampTz at;

	if (row_is_event(fcinfo, position, &at))
	{
		if (state == NULL)
		{
			event_check_conditions(fcinfo, position + 1);
			state = funnel_counts_new(fcinfo, &funnel, type != CUSTOMER_BIGINT);
			state->window = *PG_GETARG_INTERVAL_P(2);
		}
		funnel_check_same(&state->funnel, &funnel);
		if (steps != 0 || funnel_needs_others(mode))
		{
			if (state->events.recent_count == state->events.recent_room)
				make_room(state);
			add_event(state, customer_argument(fcinfo, state, type), at, steps);
		}
	}
	if (state == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(state);
}

/* Transition of funnel_counts(bigint, win, at, steps). */
PG_FUNCTION_INFO_V1(funnel_counts_add_bigint);
Datum
funnel_counts_add_bigint(PG_FUNCTION_ARGS)
{
	return funnel_counts_add(fcinfo, CUSTOMER_BIGINT, FUNNEL_DEFAULT, 3);
}

/* Transition of funnel_counts(bigint, win, mode, at, steps). */
PG_FUNCTION_INFO_V1(funnel_counts_add_bigint_mode);
Datum
funnel_counts_add_bigint_mode(PG_FUNCTION_ARGS)
{
	return funnel_counts_add(fcinfo, CUSTOMER_BIGINT, funnel_mode(fcinfo, 3), 4);
}

/* Transition of funnel_counts(uuid, win, at, steps). */
PG_FUNCTION_INFO_V1(funnel_counts_add_uuid);
Datum
funnel_counts_add_uuid(PG_FUNCTION_ARGS)
{
	return funnel_counts_add(fcinfo, CUSTOMER_UUID, FUNNEL_DEFAULT, 3);
}

/* Transition of funnel_counts(uuid, win, mode, at, steps). */
PG_FUNCTION_INFO_V1(funnel_counts_add_uuid_mode);
Datum
funnel_counts_add_uuid_mode(PG_FUNCTION_ARGS)
{
	return funnel_counts_add(fcinfo, CUSTOMER_UUID, funnel_mode(fcinfo, 3), 4);
}

/* Transition of funnel_counts(text, win, at, steps). */
PG_FUNCTION_INFO_V1(funnel_counts_add_text);
Datum
funnel_counts_add_text(PG_FUNCTION_ARGS)
{
	return funnel_counts_add(fcinfo, CUSTOMER_TEXT, FUNNEL_DEFAULT, 3);
}

/* Transition of funnel_counts(text, win, mode, at, steps). */
PG_FUNCTION_INFO_V1(funnel_counts_add_text_mode);
Datum
funnel_counts_add_text_mode(PG_FUNCTION_ARGS)
{
	return funnel_counts_add(fcinfo, CUSTOMER_TEXT, funnel_mode(fcinfo, 3), 4);
}

/* Both states together: the runs of both; the second one has nothing else. */
PG_FUNCTION_INFO_V1(funnel_counts_combine);
Datum
funnel_counts_combine(PG_FUNCTION_ARGS)
{
	FunnelCounts *state = PG_ARGISNULL(0) ? NULL : (FunnelCounts *) PG_GETARG_POINTER(0);
	FunnelCounts *other = PG_ARGISNULL(1) ? NULL : (FunnelCounts *) PG_GETARG_POINTER(1);

	if (state == NULL && other == NULL)
		PG_RETURN_NULL();
	if (other != NULL)
	{
		if (state == NULL)
			state = funnel_counts_new(fcinfo, &other->funnel, other->is_named);
		funnel_check_same(&state->funnel, &other->funnel);
		for (int i = 0; i < other->run_count; i++)
			adopt_run(state, other->runs[i]);
	}
	PG_RETURN_POINTER(state);
}

/* A state as bytes, for the leader of a parallel plan. */
PG_FUNCTION_INFO_V1(funnel_counts_serialize);
Datum
funnel_counts_serialize(PG_FUNCTION_ARGS)
{
	FunnelCounts *state = (FunnelCounts *) PG_GETARG_POINTER(0);
	FunnelCountsHead head = {
		.funnel = state->funnel, .is_named = state->is_named, .run_count = state->run_count + (event_piles_count(&state->events) > 0)
	};
	char		varlena_head[VARHDRSZ] = {0};
	EventRun   *bytes = event_run_new(state->is_named, NULL);

	(void) event_context(fcinfo);
	event_run_add(bytes, varlena_head, VARHDRSZ);
	event_run_add(bytes, &head, sizeof(head));
	for (int i = 0; i < state->run_count; i++)
	{
		pass_run_head(bytes, state->runs[i]);
		event_run_append(bytes, state->runs[i]);
	}
	if (event_piles_count(&state->events) > 0)
		pass_events(bytes, state);
	if (bytes->length > MaxAllocSize)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the events of a parallel worker exceed 1 GB"),
				 errhint("SET max_parallel_workers_per_gather = 0 for this query.")));
	SET_VARSIZE(bytes->bytes, bytes->length);
	PG_RETURN_BYTEA_P(bytes->bytes);
}

/* A state out of bytes, in which its runs stay. */
PG_FUNCTION_INFO_V1(funnel_counts_deserialize);
Datum
funnel_counts_deserialize(PG_FUNCTION_ARGS)
{
	bytea	   *bytes = PG_GETARG_BYTEA_PP(0);
	const char *next = VARDATA_ANY(bytes);
	const char *end = next + VARSIZE_ANY_EXHDR(bytes);
	FunnelCounts *state = palloc0(sizeof(FunnelCounts));
	FunnelCountsHead head;

	(void) event_context(fcinfo);
	next = take_bytes(next, end, &head, sizeof(head));
	state->funnel = head.funnel;
	state->is_named = head.is_named;
	state->context = CurrentMemoryContext;
	for (int i = 0; i < head.run_count; i++)
		next = passed_run(state, next, end);
	PG_RETURN_POINTER(state);
}

/* How many customers reached at least each step. */
PG_FUNCTION_INFO_V1(funnel_counts_final);
Datum
funnel_counts_final(PG_FUNCTION_ARGS)
{
	FunnelCounts *state = PG_ARGISNULL(0) ? NULL : (FunnelCounts *) PG_GETARG_POINTER(0);
	int64		levels[MOST_CONDITIONS + 1] = {0};
	Datum		counts[MOST_CONDITIONS];
	int64		reached = 0;

	if (state == NULL)
		PG_RETURN_NULL();
	funnel_counts_levels(state, levels);
	for (int step = state->funnel.steps; step > 0; step--)
	{
		reached += levels[step];
		counts[step - 1] = Int64GetDatum(reached);
	}
	PG_RETURN_ARRAYTYPE_P(construct_array(counts, state->funnel.steps, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}
