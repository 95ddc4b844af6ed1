/*-------------------------------------------------------------------------
 *
 * funnel_level.c
 *	  How far the events of one customer go in a funnel.
 *
 * A chain is a row of events that meet step 1, step 2, ... in this order, none
 * earlier than the one before and none later than the window after the first;
 * the level is the length of the longest.  Events of one instant may stand in
 * any order.  One pass suffices: among the chains that have reached a step, the
 * one that entered last can do all that the others can.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/builtins.h"

#include "compat.h"
#include "journey/funnel_level.h"
#include "measure/duration.h"

/* The events of an instant that can matter: as many of each step as there are steps. */
#define MOST_AT_ONCE (MOST_CONDITIONS * MOST_CONDITIONS)

#define UNMATCHED (-1)

/* What has been reached. */
typedef struct Reached
{
	uint64		steps;			/* a bit for each step that a chain stands at */
	TimestampTz entries[MOST_CONDITIONS];	/* for each of these, when the latest such chain entered */
} Reached;

/* Events of one instant, to be given to steps. */
typedef struct Instant
{
	int			count;			/* events */
	uint64		events[MOST_AT_ONCE];	/* the steps that each meets */
	int			steps[MOST_AT_ONCE];	/* the step that each was given to, or UNMATCHED */
	bool		seen[MOST_AT_ONCE]; /* whether the search at hand has been there */
} Instant;

static const char *const mode_names[] = {
	[FUNNEL_DEFAULT] = "default", [FUNNEL_STRICT_ORDER] = "strict_order",
	[FUNNEL_STRICT_ONCE] = "strict_once", [FUNNEL_STRICT_INCREASE] = "strict_increase"
};

/* Refuse two funnels in one group. */
pg_noreturn void
funnel_differs(const Funnel *first, const Funnel *other)
{
	const char *what = first->window != other->window ? "win" : first->mode != other->mode ? "mode" : "number of steps";

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s must be the same for all rows of a group", what)));
}

/* The window in an argument, in microseconds. */
int64
funnel_window(FunctionCallInfo fcinfo, int position)
{
	return exact_duration(PG_ARGISNULL(position) ? NULL : PG_GETARG_INTERVAL_P(position), "win", 0);
}

/* The mode in an argument. */
FunnelMode
funnel_mode(FunctionCallInfo fcinfo, int position)
{
	const text *name = PG_ARGISNULL(position) ? NULL : PG_GETARG_TEXT_PP(position);

	for (int mode = 0; name != NULL && mode < (int) lengthof(mode_names); mode++)
		if (VARSIZE_ANY_EXHDR(name) == strlen(mode_names[mode]) &&
			memcmp(VARDATA_ANY(name), mode_names[mode], VARSIZE_ANY_EXHDR(name)) == 0)
			return (FunnelMode) mode;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 name == NULL ? errmsg("mode must not be null") : errmsg("unknown mode \"%s\"", text_to_cstring(name)),
			 errhint("Modes are default, strict_order, strict_once and strict_increase.")));
}

/* The steps that the events of an instant meet together; *next is the first event after it. */
static inline uint64
instant_steps(const Event *events, uint32 count, uint32 first, uint32 *next)
{
	uint64		steps = 0;
	uint32		event = first;

	do
		steps |= events[event++].what;
	while (event < count && events[event].at == events[first].at);
	*next = event;
	if (first % 0x10000 > event % 0x10000)
		CHECK_FOR_INTERRUPTS();
	return steps;
}

/* Whether an instant lies in the window of a chain that entered then; it may be too far off for a signed number. */
static inline bool
is_within(const Funnel *funnel, TimestampTz entry, TimestampTz at)
{
	return (uint64) at - (uint64) entry <= (uint64) funnel->window;
}

/* Whether a chain at the step before can go on. */
static inline bool
can_go_on(const Funnel *funnel, const Reached *reached, int step, TimestampTz at)
{
	return (reached->steps >> (step - 1) & 1) != 0 && is_within(funnel, reached->entries[step - 1], at);
}

/* A chain that entered then reaches a step; no other that did entered later. */
static inline void
reach(Reached *reached, int step, TimestampTz entry)
{
	reached->steps |= UINT64CONST(1) << step;
	reached->entries[step] = entry;
}

/* A step is met: chains enter with the first one, and with another those go on that stand before it. */
static inline void
advance_step(const Funnel *funnel, Reached *reached, int step, TimestampTz at)
{
	if (step == 0)
		reach(reached, 0, at);
	else if (can_go_on(funnel, reached, step, at))
		reach(reached, step, reached->entries[step - 1]);
}

/* The steps of an instant, each served by any event of it: from the first to the last, so that a chain may take several. */
static inline void
advance_all(const Funnel *funnel, Reached *reached, uint64 steps, TimestampTz at)
{
	for (; steps != 0; steps &= steps - 1)
		advance_step(funnel, reached, pg_rightmost_one_pos64(steps), at);
}

/* The same from the last to the first, so that a chain takes one step. */
static void
advance_one(const Funnel *funnel, Reached *reached, uint64 steps, TimestampTz at)
{
	while (steps != 0)
	{
		int			step = pg_leftmost_one_pos64(steps);

		steps ^= UINT64CONST(1) << step;
		advance_step(funnel, reached, step, at);
	}
}

/* A chain goes on at every instant or ends there: what an instant reaches comes from the one before it. */
static void
advance_adjacent(const Funnel *funnel, Reached *reached, uint64 steps, TimestampTz at)
{
	Reached		before = *reached;

	reached->steps = 0;
	for (; steps != 0; steps &= steps - 1)
	{
		int			step = pg_rightmost_one_pos64(steps);

		if (step == 0)
			reach(reached, 0, at);
		else
		{
			bool		goes_on_here = can_go_on(funnel, reached, step, at);

			if (can_go_on(funnel, &before, step, at) &&
				(!goes_on_here || before.entries[step - 1] > reached->entries[step - 1]))
				reach(reached, step, before.entries[step - 1]);
			else if (goes_on_here)
				reach(reached, step, reached->entries[step - 1]);
		}
	}
}

/*
 * Collect the events of an instant.  Where as many events meet a step as there
 * are steps, one is left for it whatever the others take; so no more of them
 * are needed.
 */
static void
instant_collect(Instant *instant, const Funnel *funnel, const Event *events, uint32 count)
{
	int			kept[MOST_CONDITIONS] = {0};

	instant->count = 0;
	for (uint32 i = 0; i < count; i++)
	{
		bool		is_needed = false;

		for (uint64 steps = events[i].what; steps != 0; steps &= steps - 1)
			is_needed |= kept[pg_rightmost_one_pos64(steps)] < funnel->steps;
		if (!is_needed)
			continue;
		for (uint64 steps = events[i].what; steps != 0; steps &= steps - 1)
			kept[pg_rightmost_one_pos64(steps)]++;
		instant->events[instant->count++] = events[i].what;
	}
}

/* Find an event for a step, if need be by finding others for the steps that have one (augmenting paths). */
static bool
instant_serve(Instant *instant, int step)
{
	for (int event = 0; event < instant->count; event++)
	{
		if (instant->seen[event] || (instant->events[event] >> step & 1) == 0)
			continue;
		instant->seen[event] = true;
		if (instant->steps[event] == UNMATCHED || instant_serve(instant, instant->steps[event]))
		{
			instant->steps[event] = step;
			return true;
		}
	}
	return false;
}

/* The first step from this one on for which the instant has no event left. */
static int
instant_reach(Instant *instant, const Funnel *funnel, int step)
{
	for (int event = 0; event < instant->count; event++)
		instant->steps[event] = UNMATCHED;
	for (; step < funnel->steps; step++)
	{
		memset(instant->seen, 0, instant->count * sizeof(bool));
		if (!instant_serve(instant, step))
			break;
	}
	return step;
}

/* Events of one instant of which each serves one step of a chain. */
static void
advance_once(const Funnel *funnel, Reached *reached, Instant *instant, TimestampTz at)
{
	Reached		before = *reached;

	for (int step = 0; step < funnel->steps; step++)
	{
		TimestampTz entry = step == 0 ? at : before.entries[step - 1];
		int			end;

		if (step > 0 && !can_go_on(funnel, &before, step, at))
			continue;
		end = instant_reach(instant, funnel, step);
		/* chains that stand at earlier steps entered later */
		for (int next = step; next < end; next++)
			if ((reached->steps >> next & 1) == 0 || reached->entries[next] < entry)
				reach(reached, next, entry);
	}
}

/* The steps that events reach in the default mode, the usual one: where a chain has been, one still is. */
static uint64
reached_steps(const Funnel *funnel, const Event *events, uint32 count)
{
	Reached		reached;
	uint64		all = UINT64CONST(1) << (funnel->steps - 1);
	uint32		next;

	reached.steps = 0;
	for (uint32 first = 0; first < count && reached.steps < all; first = next)
	{
		uint64		steps = instant_steps(events, count, first, &next);

		advance_all(funnel, &reached, steps, events[first].at);
	}
	return reached.steps;
}

/* The steps that events ever reach in the other modes. */
static uint64
strictly_reached_steps(const Funnel *funnel, const Event *events, uint32 count)
{
	Reached		reached = {0};
	uint64		ever = 0;
	uint64		all = UINT64CONST(1) << (funnel->steps - 1);
	Instant    *instant = NULL;
	uint32		next;

	for (uint32 first = 0; first < count && ever < all; first = next)
	{
		TimestampTz at = events[first].at;
		uint64		steps = instant_steps(events, count, first, &next);

		if (funnel->mode == FUNNEL_STRICT_ORDER)
			advance_adjacent(funnel, &reached, steps, at);
		else if (funnel->mode == FUNNEL_STRICT_INCREASE || next == first + 1)
			advance_one(funnel, &reached, steps, at);
		else
		{
			if (instant == NULL)
				instant = palloc(sizeof(Instant));
			instant_collect(instant, funnel, &events[first], next - first);
			advance_once(funnel, &reached, instant, at);
		}
		ever |= reached.steps;
	}
	if (instant != NULL)
		pfree(instant);
	return ever;
}

/* The level of these events, which are in order. */
int
funnel_level(const Funnel *funnel, const Event *events, uint32 count)
{
	uint64		steps = funnel->mode == FUNNEL_DEFAULT ?
		reached_steps(funnel, events, count) : strictly_reached_steps(funnel, events, count);

	return steps == 0 ? 0 : pg_leftmost_one_pos64(steps) + 1;
}

/* The first event of the instant that ends before this event. */
static uint32
instant_before(const Event *events, uint32 end)
{
	uint32		first = end - 1;

	while (first > 0 && events[first - 1].at == events[end - 1].at)
		first--;
	return first;
}

/*
 * When the earliest of the longest chains entered: seen from the end, a chain
 * from an event on ends as early as one can from the next step's.
 */
static TimestampTz
chain_entry(const Funnel *funnel, const Event *events, uint32 count, int level)
{
	TimestampTz ends[MOST_CONDITIONS];	/* for each step, the earliest end of a chain from it on */
	uint64		known = 0;
	TimestampTz entry = 0;
	uint32		first;

	for (uint32 end = count; end > 0; end = first)
	{
		uint32		next;
		uint64		steps;

		first = instant_before(events, end);
		steps = instant_steps(events, end, first, &next) & ((UINT64CONST(1) << level) - 1);
		while (steps != 0)
		{
			int			step = pg_leftmost_one_pos64(steps);

			steps ^= UINT64CONST(1) << step;
			if (step < level - 1 && (known >> (step + 1) & 1) == 0)
				continue;
			ends[step] = step == level - 1 ? events[first].at : ends[step + 1];
			known |= UINT64CONST(1) << step;
			if (step == 0 && is_within(funnel, events[first].at, ends[0]))
				entry = events[first].at;
		}
	}
	return entry;
}

/* When each step was met by the earliest of the longest chains, in the default mode; the level. */
int
funnel_chain(const Funnel *funnel, const Event *events, uint32 count, TimestampTz *times)
{
	int			level = funnel_level(funnel, events, count);
	TimestampTz entry = level == 0 ? 0 : chain_entry(funnel, events, count, level);
	int			step = 0;
	uint32		next;

	for (uint32 first = 0; step < level; first = next)
	{
		uint64		steps = instant_steps(events, count, first, &next);

		while (events[first].at >= entry && step < level && (steps >> step & 1) != 0)
			times[step++] = events[first].at;
	}
	return level;
}
