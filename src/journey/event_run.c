/*-------------------------------------------------------------------------
 *
 * event_run.c
 *	  Events of many customers in order, on disk or in memory.
 *
 * What does not fit into memory, and what parallel workers pass on, are runs in
 * the order of customers: numbers by value, names by their bytes.  So several
 * can be read side by side, a customer at a time.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "compat.h"
#include "journey/event_run.h"

#define PIECE 1024				/* moments read at once */

/* An empty run in the current memory context; a file may be put into it. */
EventRun *
event_run_new(bool is_named, uint64 *steps)
{
	EventRun   *run = palloc0(sizeof(EventRun));

	run->is_named = is_named;
	run->steps = steps;
	return run;
}

/* Give memory and file back. */
void
event_run_free(EventRun *run)
{
	if (run->file != NULL)
		BufFileClose(run->file);
	if (run->bytes != NULL)
		pfree(run->bytes);
	if (run->name_room > 0)
		pfree(unconstify(char *, run->name.bytes));
	pfree(run);
}

/* Make room in memory for so many bytes more. */
static void
event_run_reserve(EventRun *run, Size length)
{
	if (run->bytes != NULL && run->room - run->length >= length)
		return;
	run->room = Max(run->room * 2, add_size(run->length, Max(length, 1024)));
	run->bytes = run->bytes == NULL ?
		MemoryContextAllocHuge(GetMemoryChunkContext(run), run->room) : repalloc_huge(run->bytes, run->room);
}

/* Append bytes. */
void
event_run_add(EventRun *run, const void *bytes, Size length)
{
	if (run->file != NULL)
		BufFileWrite(run->file, unconstify(void *, bytes), length);
	else
	{
		event_run_reserve(run, length);
		memcpy(run->bytes + run->length, bytes, length);
	}
	run->length += length;
}

/* Append the moments of events. */
static void
event_run_add_moments(EventRun *run, const CustomerEvent *events, uint32 count)
{
	if (run->file != NULL)
	{
		for (uint32 i = 0; i < count; i++)
			event_run_add(run, &events[i].moment, sizeof(uint64));
		return;
	}
	event_run_reserve(run, mul_size(count, sizeof(uint64)));
	for (uint32 i = 0; i < count; i++)
		memcpy(run->bytes + run->length + i * sizeof(uint64), &events[i].moment, sizeof(uint64));
	run->length += count * sizeof(uint64);
}

/* Append who a customer is. */
static void
event_run_add_customer(EventRun *run, uint64 key, const NameBytes *names)
{
	if (run->is_named)
	{
		event_run_add(run, &names[key].length, sizeof(uint32));
		event_run_add(run, names[key].bytes, names[key].length);
	}
	else
		event_run_add(run, &key, sizeof(uint64));
}

/* Append events that are in order; names are those that the keys number, if customers have any. */
void
event_run_write(EventRun *run, const CustomerEvent *events, uint64 count, const NameBytes *names)
{
	uint64		end;

	for (uint64 start = 0; start < count; start = end)
	{
		uint32		number;

		CHECK_FOR_INTERRUPTS();
		end = customer_events_end(events, count, start);
		if (end - start > PG_UINT32_MAX)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("a customer has more than %u events", PG_UINT32_MAX)));
		number = (uint32) (end - start);
		event_run_add_customer(run, events[start].key, names);
		event_run_add(run, &number, sizeof(uint32));
		event_run_add_moments(run, &events[start], number);
	}
}

/* Make sure that so many bytes are left. */
static void
event_run_check(const EventRun *run, Size length)
{
	if (length > run->length - run->position)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("malformed run of events")));
}

/* Read the next bytes. */
static void
event_run_take(EventRun *run, void *bytes, Size length)
{
	event_run_check(run, length);
	if (run->file != NULL)
		BufFileReadExact(run->file, bytes, length);
	else
		memcpy(bytes, run->bytes + run->position, length);
	run->position += length;
}

/* Go to the beginning of the file, if there is one. */
static void
event_run_seek(EventRun *run)
{
	if (run->file != NULL && BufFileSeek(run->file, 0, 0, SEEK_SET) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not rewind a temporary file")));
	run->position = 0;
}

/* Append all that another run has. */
void
event_run_append(EventRun *run, EventRun *other)
{
	char		piece[PIECE * sizeof(uint64)];

	event_run_seek(other);
	while (other->position < other->length)
	{
		Size		length = Min(other->length - other->position, sizeof(piece));

		CHECK_FOR_INTERRUPTS();
		event_run_take(other, piece, length);
		event_run_add(run, piece, length);
	}
}

/* Make room for the name of the customer at hand. */
static void
event_run_name(EventRun *run, uint32 length)
{
	if (length > run->name_room)
	{
		if (run->name_room > 0)
			pfree(unconstify(char *, run->name.bytes));
		run->name_room = length;
		run->name.bytes = MemoryContextAllocHuge(GetMemoryChunkContext(run), length);
	}
	run->name.length = length;
}

/* Make the customer at hand of one run that of another one. */
void
event_run_remember(EventRun *run, const EventRun *other)
{
	run->key = other->key;
	if (run->is_named)
	{
		event_run_name(run, other->name.length);
		memcpy(unconstify(char *, run->name.bytes), other->name.bytes, other->name.length);
	}
}

/* Read who the next customer is. */
static void
event_run_next(EventRun *run)
{
	run->is_at_end = run->position == run->length;
	if (run->is_at_end)
		return;
	if (run->is_named)
	{
		uint32		length;

		event_run_take(run, &length, sizeof(uint32));
		event_run_check(run, length);
		event_run_name(run, length);
		event_run_take(run, unconstify(char *, run->name.bytes), length);
	}
	else
		event_run_take(run, &run->key, sizeof(uint64));
	event_run_take(run, &run->count, sizeof(uint32));
}

/* Go to the first customer. */
void
event_run_rewind(EventRun *run)
{
	event_run_seek(run);
	event_run_next(run);
}

/* Order of the customers at hand. */
int
event_run_compare(const EventRun *a, const EventRun *b)
{
	if (a->is_named)
		return names_compare(a->name, b->name);
	return (a->key > b->key) - (a->key < b->key);
}

/* Add an event to a list, which may move. */
static inline EventList *
event_run_add_event(const EventRun *run, EventList *list, uint64 moment)
{
	Event		event = moment_event(moment, run->steps);

	return event_list_add(list, event.at, event.what);
}

/* Add the events of the customer at hand to a list, which may move, from a file. */
static EventList *
event_run_read_file(EventRun *run, EventList *list)
{
	uint64		moments[PIECE];

	for (uint32 read = 0; read < run->count;)
	{
		uint32		number = Min(run->count - read, PIECE);

		CHECK_FOR_INTERRUPTS();
		event_run_take(run, moments, number * sizeof(uint64));
		for (uint32 i = 0; i < number; i++)
			list = event_run_add_event(run, list, moments[i]);
		read += number;
	}
	return list;
}

/* The same from memory. */
static EventList *
event_run_read_memory(EventRun *run, EventList *list)
{
	const char *moments = run->bytes + run->position;

	event_run_check(run, mul_size(run->count, sizeof(uint64)));
	for (uint32 i = 0; i < run->count; i++)
	{
		uint64		moment;

		memcpy(&moment, moments + i * sizeof(uint64), sizeof(uint64));
		list = event_run_add_event(run, list, moment);
	}
	run->position += run->count * sizeof(uint64);
	return list;
}

/* Add the events of the customer at hand to a list, which may move, and go to the next customer. */
EventList *
event_run_read(EventRun *run, EventList *list)
{
	list = run->file != NULL ? event_run_read_file(run, list) : event_run_read_memory(run, list);
	event_run_next(run);
	return list;
}
