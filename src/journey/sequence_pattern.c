/*-------------------------------------------------------------------------
 *
 * sequence_pattern.c
 *	  Patterns in the order of events: read once, matched many times.
 *
 * A pattern is kept as its elements, each with the gap before it: the next
 * event, or any later one whose distance in time is within bounds.  All
 * elements are tried on each event at once, and a gap remembers just as much
 * of the matches before it as can still decide something.  So the work is the
 * number of events times the number of elements, whatever the pattern: nothing
 * is ever tried again.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "compat.h"
#include "journey/sequence_pattern.h"

#define MOST_ELEMENTS 1000
#define MOST_SECONDS UINT64CONST(100000000000)	/* in a time condition: 3,000 years */
#define MOST_DIGITS 18			/* of a number: fits 64 bits */
#define DECIMALS 6				/* of seconds: microseconds */
#define ANY_EVENT PG_UINT64_MAX
#define NO_EVENT PG_UINT32_MAX	/* a list has fewer events than that */

#define EVENT_HINT \
	"Write (?1) for an event that meets condition 1, . for any event, " \
	".* for any number of events, (?t<=3600) for a time in seconds."
#define TIME_HINT \
	"Write a time condition as in (?t<=3600): one of <, <=, >, >=, ==, " \
	"then seconds up to 100000000000 with at most 6 decimals."

/* What may lie between two elements, by what has to be remembered of the one before. */
typedef enum SequenceGap
{
	GAP_NONE,					/* nothing: the event before */
	GAP_LEAST,					/* any events, at most a lower bound: the earliest event */
	GAP_MOST,					/* any events, an upper bound: the latest event */
	GAP_BETWEEN					/* any events, both bounds: all events not yet too old */
} SequenceGap;

/* An element of a pattern with the gap before it. */
typedef struct SequenceElement
{
	uint64		meets;			/* an event needs one of these bits */
	SequenceGap gap;			/* to the element before; of no meaning in the first one */
	uint64		least;			/* microseconds from the event before */
	uint64		most;			/* the same; less than the least if nothing can match */
} SequenceElement;

struct SequencePattern
{
	text	   *source;			/* as it was given */
	int			conditions;		/* how many it is about */
	int			count;			/* elements */
	SequenceElement elements[FLEXIBLE_ARRAY_MEMBER];
};

/* Where the reading of a pattern has got to, and what stands behind the last element. */
typedef struct SequenceReader
{
	const char *start;			/* the pattern */
	const char *at;				/* the rest of it */
	SequencePattern *pattern;	/* what was read */
	bool		is_any;			/* whether any events may lie in the gap */
	const char *time;			/* the first time condition in the gap, else NULL */
	uint64		least;			/* bounds of the gap, microseconds */
	uint64		most;
} SequenceReader;

/* What a gap remembers of the events that its element before matched. */
typedef struct GapMemory
{
	uint32		mark;			/* the event to look at, NO_EVENT without one */
	uint64	   *marked;			/* for GAP_BETWEEN: a bit for each event */
} GapMemory;

/* A pattern on its way through events. */
typedef struct SequenceSearch
{
	const SequencePattern *pattern;
	const Event *events;
	GapMemory  *gaps;			/* of each element */
} SequenceSearch;

/* The number of a character in the pattern, from 1. */
static int
reader_position(const SequenceReader *reader, const char *at)
{
	return pg_mbstrlen_with_len(reader->start, (int) (at - reader->start)) + 1;
}

/* Make sure that the pattern goes on as it must. */
static void
reader_check(const SequenceReader *reader, bool is_right, const char *hint)
{
	if (!is_right && *reader->at == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("pattern ends too early at character %d", reader_position(reader, reader->at)),
				 errhint("%s", hint)));
	if (!is_right)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("pattern has \"%.*s\" at character %d, where it cannot stand",
						pg_mbcharcliplen(reader->at, (int) strlen(reader->at), 1), reader->at,
						reader_position(reader, reader->at)),
				 errhint("%s", hint)));
}

/* Make sure that the time conditions in the gap, if any, stand between two elements. */
static void
reader_check_time(const SequenceReader *reader, bool is_between)
{
	if (reader->time != NULL && !is_between)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_REGULAR_EXPRESSION),
				 errmsg("time condition at character %d of the pattern is not between two events",
						reader_position(reader, reader->time)),
				 errhint("Put it between the two whose distance it is about, such as (?1)(?t<=3600)(?2).")));
}

/* Go past a token if it comes next. */
static bool
reader_take(SequenceReader *reader, const char *token)
{
	size_t		length = strlen(token);

	if (strncmp(reader->at, token, length) != 0)
		return false;
	reader->at += length;
	return true;
}

/* Read digits onto the end of a number, up to so many; how many there were. */
static int
reader_digits(SequenceReader *reader, uint64 *number, int most)
{
	int			count = 0;

	for (; count < most && *reader->at >= '0' && *reader->at <= '9'; count++)
		*number = *number * 10 + (uint64) (*reader->at++ - '0');
	return count;
}

/* The number of a condition and what closes it, as the bit of the condition. */
static uint64
reader_condition(SequenceReader *reader)
{
	const char *start = reader->at;
	uint64		condition = 0;

	reader_check(reader, reader_digits(reader, &condition, MOST_DIGITS) > 0, EVENT_HINT);
	reader_check(reader, reader_take(reader, ")"), EVENT_HINT);
	if (condition < 1 || condition > (uint64) reader->pattern->conditions)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_REGULAR_EXPRESSION),
				 errmsg("condition " UINT64_FORMAT " at character %d of the pattern is outside 1..%d",
						condition, reader_position(reader, start), reader->pattern->conditions),
				 errhint("Name a condition by its place among those behind the time, the first of which is 1.")));
	return UINT64CONST(1) << (condition - 1);
}

/* A number of seconds, in microseconds. */
static uint64
reader_seconds(SequenceReader *reader)
{
	const char *start = reader->at;
	uint64		seconds = 0;
	uint64		fraction = 0;
	int			decimals = 0;

	reader_check(reader, reader_digits(reader, &seconds, MOST_DIGITS) > 0, TIME_HINT);
	if (reader_take(reader, "."))
	{
		decimals = reader_digits(reader, &fraction, DECIMALS);
		reader_check(reader, decimals > 0, TIME_HINT);
	}
	for (; decimals < DECIMALS; decimals++)
		fraction *= 10;
	if (seconds > MOST_SECONDS || (seconds == MOST_SECONDS && fraction > 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_REGULAR_EXPRESSION),
				 errmsg("time at character %d of the pattern is longer than " UINT64_FORMAT " seconds",
						reader_position(reader, start), MOST_SECONDS),
				 errhint(TIME_HINT)));
	return seconds * USECS_PER_SEC + fraction;
}

/* Narrow the bounds of the gap. */
static void
reader_bound(SequenceReader *reader, uint64 least, uint64 most)
{
	reader->least = Max(reader->least, least);
	reader->most = Min(reader->most, most);
}

/* Read the rest of a time condition, which begins at a place, into the bounds of the gap. */
static void
reader_time(SequenceReader *reader, const char *start)
{
	bool		is_less = reader_take(reader, "<");
	bool		is_greater = !is_less && reader_take(reader, ">");
	bool		is_open = (is_less || is_greater) && !reader_take(reader, "=");
	uint64		bound;

	reader_check(reader, is_less || is_greater || reader_take(reader, "=="), TIME_HINT);
	bound = reader_seconds(reader);
	reader_check(reader, reader_take(reader, ")"), TIME_HINT);
	if (is_less && is_open && bound == 0)
		reader_bound(reader, 1, 0); /* never */
	else if (is_less)
		reader_bound(reader, 0, bound - is_open);
	else
		reader_bound(reader, bound + is_open, is_greater ? PG_UINT64_MAX : bound);
	if (reader->time == NULL)
		reader->time = start;
}

/* What kind of gap was read. */
static SequenceGap
reader_gap(const SequenceReader *reader)
{
	if (!reader->is_any && reader->time == NULL)
		return GAP_NONE;
	if (reader->most == PG_UINT64_MAX)
		return GAP_LEAST;
	return reader->least == 0 ? GAP_MOST : GAP_BETWEEN;
}

/* Begin a gap in which there is nothing yet. */
static void
reader_begin_gap(SequenceReader *reader)
{
	reader->is_any = false;
	reader->time = NULL;
	reader->least = 0;
	reader->most = PG_UINT64_MAX;
}

/* Add an element, which begins at a place, with the gap read before it. */
static void
reader_add(SequenceReader *reader, uint64 meets, const char *start)
{
	SequenceElement *element = &reader->pattern->elements[reader->pattern->count];

	reader_check_time(reader, reader->pattern->count > 0);
	if (reader->pattern->count == MOST_ELEMENTS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("pattern has more than %d events, the next one at character %d",
						MOST_ELEMENTS, reader_position(reader, start)),
				 errhint("Look for a shorter pattern.")));
	element->meets = meets;
	element->gap = reader_gap(reader);
	element->least = reader->least;
	element->most = reader->most;
	reader->pattern->count++;
	reader_begin_gap(reader);
}

/* Read what comes next: an element, a part of a gap or white space. */
static void
reader_next(SequenceReader *reader)
{
	const char *start = reader->at;

	if (reader_take(reader, ".*"))
		reader->is_any = true;
	else if (reader_take(reader, "."))
		reader_add(reader, ANY_EVENT, start);
	else if (reader_take(reader, "(?t"))
		reader_time(reader, start);
	else if (reader_take(reader, "(?"))
		reader_add(reader, reader_condition(reader), start);
	else
	{
		reader_check(reader, strchr(" \t\n\r\f\v", *start) != NULL, EVENT_HINT);
		reader->at++;
	}
}

/* Read a pattern about so many conditions into a memory context. */
SequencePattern *
sequence_pattern_read(MemoryContext context, const text *source, int conditions)
{
	const char *start = text_to_cstring(source);
	Size		room = Min(strlen(start), MOST_ELEMENTS);	/* an element has a character at least */
	Size		size = offsetof(SequencePattern, elements) + room * sizeof(SequenceElement);
	SequenceReader reader = {.start = start, .at = start};

	reader.pattern = MemoryContextAllocZero(context, size);
	reader.pattern->conditions = conditions;
	reader_begin_gap(&reader);
	while (*reader.at != '\0')
	{
		CHECK_FOR_INTERRUPTS();
		reader_next(&reader);
	}
	reader_check_time(&reader, false);
	if (reader.pattern->count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_REGULAR_EXPRESSION),
				 errmsg("pattern ends at character %d without any event to look for",
						reader_position(&reader, reader.at)),
				 errhint(EVENT_HINT)));
	reader.pattern->source = MemoryContextAlloc(context, VARHDRSZ + VARSIZE_ANY_EXHDR(source));
	SET_VARSIZE(reader.pattern->source, VARHDRSZ + VARSIZE_ANY_EXHDR(source));
	memcpy(VARDATA(reader.pattern->source), VARDATA_ANY(source), VARSIZE_ANY_EXHDR(source));
	return reader.pattern;
}

/* The pattern as it was given. */
const text *
sequence_pattern_source(const SequencePattern *pattern)
{
	return pattern->source;
}

/* Whether a pattern was given in the same words, about as many conditions. */
bool
sequence_pattern_is(const SequencePattern *pattern, const text *source, int conditions)
{
	Size		length = VARSIZE_ANY_EXHDR(source);

	return pattern->conditions == conditions && VARSIZE(pattern->source) - VARHDRSZ == length &&
		memcmp(VARDATA(pattern->source), VARDATA_ANY(source), length) == 0;
}

/* Forget all matches before this. */
static void
search_restart(SequenceSearch *search)
{
	for (int i = 0; i < search->pattern->count; i++)
		search->gaps[i].mark = NO_EVENT;
}

/* Get ready to look for a pattern in so many events. */
static SequenceSearch
search_begin(const SequencePattern *pattern, const Event *events, uint32 count)
{
	SequenceSearch search = {.pattern = pattern, .events = events};
	Size		words = (Size) count / 64 + 1;

	search.gaps = palloc0(pattern->count * sizeof(GapMemory));
	for (int i = 1; i < pattern->count; i++)
		if (pattern->elements[i].gap == GAP_BETWEEN)
			search.gaps[i].marked = palloc_extended(mul_size(words, sizeof(uint64)),
													MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	search_restart(&search);
	return search;
}

/* Give back the memory of a search. */
static void
search_end(SequenceSearch *search)
{
	for (int i = 0; i < search->pattern->count; i++)
		if (search->gaps[i].marked != NULL)
			pfree(search->gaps[i].marked);
	pfree(search->gaps);
}

/* Remember that the element before a gap has matched an event. */
static void
search_mark(SequenceSearch *search, int gap, uint32 event)
{
	GapMemory  *memory = &search->gaps[gap];
	SequenceGap kind = search->pattern->elements[gap].gap;

	if (kind == GAP_BETWEEN)
		memory->marked[event / 64] |= UINT64CONST(1) << (event % 64);
	if (kind == GAP_NONE || kind == GAP_MOST || memory->mark == NO_EVENT)
		memory->mark = event;
}

/* Microseconds from one event to a later one; unsigned, for the whole range of times is wider than int64. */
static uint64
search_distance(const SequenceSearch *search, uint32 from, uint32 event)
{
	return (uint64) search->events[event].at - (uint64) search->events[from].at;
}

/*
 * Move the mark of a gap with both bounds on to the first marked event that is
 * not too old for this one.  Times ascend, so what is too old now remains so,
 * and if the first one is not old enough no other is.
 */
static void
search_advance(SequenceSearch *search, int gap, uint32 event)
{
	GapMemory  *memory = &search->gaps[gap];
	uint64		most = search->pattern->elements[gap].most;
	uint32		mark = memory->mark;

	while (mark < event && ((memory->marked[mark / 64] >> (mark % 64) & 1) == 0 ||
							search_distance(search, mark, event) > most))
		mark++;
	memory->mark = mark < event ? mark : NO_EVENT;
}

/* Whether a gap may end at an event. */
static bool
search_gap_holds(SequenceSearch *search, int gap, uint32 event)
{
	const SequenceElement *element = &search->pattern->elements[gap];
	GapMemory  *memory = &search->gaps[gap];
	uint64		distance;

	if (memory->mark != NO_EVENT && element->gap == GAP_BETWEEN)
		search_advance(search, gap, event);
	if (memory->mark == NO_EVENT)
		return false;
	if (element->gap == GAP_NONE)
		return memory->mark == event - 1;
	distance = search_distance(search, memory->mark, event);
	return distance >= element->least && distance <= element->most;
}

/*
 * Try all elements on an event; whether a match ends there.  The last element
 * goes first, so that the event is not yet remembered as the one before itself.
 */
static bool
search_step(SequenceSearch *search, uint32 event)
{
	uint64		met = search->events[event].what;
	int			last = search->pattern->count - 1;

	for (int i = last; i >= 0; i--)
	{
		if ((met & search->pattern->elements[i].meets) == 0 ||
			(i > 0 && !search_gap_holds(search, i, event)))
			continue;
		if (i == last)
			return true;
		search_mark(search, i + 1, event);
	}
	return false;
}

/* How often a pattern occurs in events in order, without overlap; no more than so often are counted. */
int64
sequence_pattern_count(const SequencePattern *pattern, const Event *events, uint32 count, int64 most)
{
	SequenceSearch search = search_begin(pattern, events, count);
	int64		matches = 0;

	for (uint32 event = 0; event < count && matches < most; event++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!search_step(&search, event))
			continue;
		matches++;
		search_restart(&search);
	}
	search_end(&search);
	return matches;
}
