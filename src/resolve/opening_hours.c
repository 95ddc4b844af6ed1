/*-------------------------------------------------------------------------
 *
 * opening_hours.c
 *	  Keeps the business calendars that a backend asks for in its memory.
 *
 * A calendar is read when it is first needed, with the rights of the program's
 * owner, and summed up so that open time is counted without going through
 * days.  Like the program's other small tables (catalog.c) all are read again
 * once one of their tables has changed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "program/catalog.h"
#include "program/hash.h"
#include "program/owner.h"
#include "resolve/opening_hours.h"

/* Days on which an instant may fall, in whatever zone; others are never open. */
#define FIRST_DAY (MIN_TIMESTAMP / USECS_PER_DAY - 8)
#define LAST_DAY (END_TIMESTAMP / USECS_PER_DAY + 6)

/* Tables from which a calendar is made; the program may say its zone. */
static const ProgramTable calendar_tables[] = {
	PROGRAM_PROGRAM, PROGRAM_CALENDAR, PROGRAM_CALENDAR_HOURS, PROGRAM_CALENDAR_EXCEPTION
};

/* Entry of the hash table; its key is the string that the pointer points to. */
typedef struct CalendarCode
{
	char	   *code;
	Calendar   *calendar;
} CalendarCode;

/* A snapshot's visible transactions and commands, as far as snapshots of one transaction may differ. */
typedef struct SnapshotMark
{
	TransactionId xmax;
	uint32		xcnt;
	CommandId	curcid;
} SnapshotMark;

/* The calendars read so far. */
static MemoryContext calendars_context = NULL;	/* holds them; NULL if none was read */
static HTAB *calendars = NULL;	/* CalendarCode */
static Calendar *calendar_last = NULL;	/* the one asked for last */
static Oid	relations[lengthof(calendar_tables)];	/* what they were read from */
static bool is_current = false; /* false once one of these may have changed */
static bool is_for_snapshot = false;	/* whether they were read in a parallel query */
static SnapshotMark mark;		/* the snapshot that this was with */

/* A relation changed, or with InvalidOid perhaps any. */
static void
calendars_invalidate(Datum argument, Oid relation)
{
	for (int i = 0; i < (int) lengthof(relations); i++)
		if (relation == InvalidOid || relation == relations[i])
			is_current = false;
}

/* The active snapshot in short: of two that see different rows in one backend, no two are the same. */
static SnapshotMark
snapshot_mark(void)
{
	Snapshot	snapshot = GetActiveSnapshot();

	return (SnapshotMark) {.xmax = snapshot->xmax, .xcnt = snapshot->xcnt, .curcid = snapshot->curcid};
}

/*
 * Whether what was read is still so.  A parallel query reads with its own
 * snapshot, which may be older than changes that this backend knows of, so what
 * it reads is good for this snapshot only.
 */
static inline bool
calendars_are_current(void)
{
	SnapshotMark now;

	if (likely(is_current && !is_for_snapshot))
		return true;
	if (!is_current || !IsInParallelMode())
		return false;
	now = snapshot_mark();
	return now.xmax == mark.xmax && now.xcnt == mark.xcnt && now.curcid == mark.curcid;
}

/* Forget all calendars. */
static void
calendars_reset(void)
{
	static bool is_listening = false;
	HASHCTL		by_code = {.keysize = sizeof(char *), .entrysize = sizeof(CalendarCode),
		.hash = hash_string_pointer, .match = match_string_pointer};

	if (!is_listening)
		CacheRegisterRelcacheCallback(calendars_invalidate, (Datum) 0);
	is_listening = true;
	calendar_last = NULL;
	is_current = false;
	for (int i = 0; i < (int) lengthof(calendar_tables); i++)
		relations[i] = program_table(calendar_tables[i]);
	if (calendars_context != NULL)
		MemoryContextDelete(calendars_context);
	calendars_context = AllocSetContextCreate(CacheMemoryContext, "cx calendars", ALLOCSET_DEFAULT_SIZES);
	by_code.hcxt = calendars_context;
	calendars = hash_create("cx calendars by code", 16, &by_code, HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
	is_for_snapshot = IsInParallelMode();
	if (is_for_snapshot)
		mark = snapshot_mark();
	is_current = true;
}

/* Run a query on the rows of a calendar; gives how many it found. */
static uint64
calendar_query(const char *query, const char *code)
{
	Oid			type = TEXTOID;
	Datum		argument = CStringGetTextDatum(code);

	if (SPI_execute_with_args(query, 1, &type, &argument, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "cannot read a calendar");
	return SPI_processed;
}

/* A column of the row at hand as an integer, or -1 if it is NULL. */
static int64
calendar_column(uint64 row, int number)
{
	bool		isnull;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, number, &isnull);

	return isnull ? -1 : DatumGetInt64(value);
}

/* Add hours to those of a day, of which none begins later. */
static void
opening_add(OpeningDay *day, int64 opens, int64 closes, MemoryContext context)
{
	OpenHours  *last = day->count > 0 ? &day->hours[day->count - 1] : NULL;

	if (last != NULL && opens <= last->closes)
	{
		day->open += Max(closes - last->closes, 0);
		last->closes = Max(closes, last->closes);
		return;
	}
	/* room for 1, 2, 4, ... */
	if (last == NULL)
		day->hours = (OpenHours *) MemoryContextAlloc(context, sizeof(OpenHours));
	else if ((day->count & (day->count - 1)) == 0)
		day->hours = (OpenHours *) repalloc(day->hours, 2 * day->count * sizeof(OpenHours));
	day->hours[day->count++] = (OpenHours) {.opens = opens, .closes = closes, .before = day->open};
	day->open += closes - opens;
}

/* Read the hours of the week. */
static void
calendar_read_week(Calendar *calendar, MemoryContext context)
{
	uint64		rows = calendar_query("SELECT weekday::bigint, opens_at::time, closes_at::time FROM cx_data.calendar_hours"
									  " WHERE calendar = $1 AND weekday::integer BETWEEN 1 AND 7 AND opens_at::time < closes_at::time ORDER BY 2", calendar->code);

	for (uint64 row = 0; row < rows; row++)
		opening_add(&calendar->weekdays[calendar_column(row, 1) - 1], calendar_column(row, 2), calendar_column(row, 3), context);
	for (int weekday = 0; weekday < 7; weekday++)
	{
		calendar->open_before[weekday] = calendar->open_per_week;
		calendar->open_per_week += calendar->weekdays[weekday].open;
	}
}

/* Put an exception behind the others; nothing is open on its day so far. */
static ExceptionDay *
calendar_add_exception(Calendar *calendar, DateADT day, int64 correction)
{
	ExceptionDay *exception = &calendar->exceptions[calendar->exception_count++];

	exception->day = day;
	exception->correction = correction;
	exception->open_before = calendar_weeks_open(calendar, day) + correction;
	return exception;
}

/* What all exceptions so far are open more than their weekdays. */
static int64
calendar_correction(const Calendar *calendar)
{
	const ExceptionDay *last;

	if (calendar->exception_count == 0)
		return 0;
	last = &calendar->exceptions[calendar->exception_count - 1];
	return last->correction + last->opening.open - calendar_weekday(calendar, last->day)->open;
}

/* Read the exceptions, after the week. */
static void
calendar_read_exceptions(Calendar *calendar, MemoryContext context)
{
	uint64		rows = calendar_query("SELECT (day - date '2000-01-01')::bigint, opens_at::time, closes_at::time FROM cx_data.calendar_exception"
									  " WHERE calendar = $1 AND isfinite(day) AND (opens_at::time < closes_at::time) IS NOT FALSE ORDER BY 1, 2 NULLS FIRST", calendar->code);
	ExceptionDay *exception = NULL;

	calendar->exceptions = (ExceptionDay *) MemoryContextAllocExtended(context, (rows + 1) * sizeof(ExceptionDay), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (uint64 row = 0; row < rows; row++)
	{
		int64		day = calendar_column(row, 1);

		if (day < FIRST_DAY || day > LAST_DAY)
			continue;
		if (exception == NULL || exception->day != day)
			exception = calendar_add_exception(calendar, (DateADT) day, calendar_correction(calendar));
		if (calendar_column(row, 2) >= 0)
			opening_add(&exception->opening, calendar_column(row, 2), calendar_column(row, 3), context);
	}

	/* the end of time, so that there is always a next exception */
	exception = &calendar->exceptions[calendar->exception_count];
	exception->day = DATEVAL_NOEND;
	exception->correction = calendar_correction(calendar);
	exception->open_before = PG_INT64_MAX;
}

/* Whether it is ever open. */
static bool
calendar_opens(const Calendar *calendar)
{
	if (calendar->open_per_week > 0)
		return true;
	for (int i = 0; i < calendar->exception_count; i++)
		if (calendar->exceptions[i].opening.open > 0)
			return true;
	return false;
}

/* The zone by whose clock a calendar runs. */
static pg_tz *
calendar_find_zone(const char *code, const char *name)
{
	pg_tz	   *zone = name == NULL ? catalog_clock(false, 0)->zone : DecodeTimezoneNameToTz(name);

	if (zone == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("time zone \"%s\" of calendar \"%s\" not recognized", name, code),
				 errhint("UPDATE %s.calendar with a name from pg_timezone_names.", PROGRAM_SCHEMA)));
	return zone;
}

/* Read the rows of a calendar; gives the name of its zone, or NULL if it is the program's. */
static char *
calendar_read_rows(Calendar *calendar, MemoryContext context)
{
	ActingAs	before = act_as(program_owner());
	char	   *zone;

	PushActiveSnapshot(IsInParallelMode() ? GetActiveSnapshot() : GetLatestSnapshot());
	SPI_connect();
	if (calendar_query("SELECT time_zone::text FROM cx_data.calendar WHERE code = $1", calendar->code) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("calendar \"%s\" does not exist", calendar->code),
				 errhint("Add it to %s.calendar.", PROGRAM_SCHEMA)));
	zone = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	zone = zone == NULL ? NULL : MemoryContextStrdup(context, zone);
	calendar_read_week(calendar, context);
	calendar_read_exceptions(calendar, context);
	SPI_finish();
	PopActiveSnapshot();
	act_as_before(before);
	return zone;
}

/* Read a calendar; it is remembered only if all of it is well. */
static Calendar *
calendar_read(const char *code)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "cx calendar", ALLOCSET_SMALL_SIZES);
	Calendar   *calendar = (Calendar *) MemoryContextAllocZero(context, sizeof(Calendar));
	CalendarCode *entry;

	calendar->code = MemoryContextStrdup(context, code);
	calendar->zone = calendar_find_zone(code, calendar_read_rows(calendar, context));
	if (!calendar_opens(calendar))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("calendar \"%s\" has no open hours", code),
				 errhint("Add some to %s.calendar_hours.", PROGRAM_SCHEMA)));
	calendar->spans_end = MIN_TIMESTAMP;
	calendar->span_room = 64;
	calendar->spans = (ClockSpan *) MemoryContextAlloc(context, calendar->span_room * sizeof(ClockSpan));

	MemoryContextSetParent(context, calendars_context);
	entry = (CalendarCode *) hash_search(calendars, &calendar->code, HASH_ENTER, NULL);
	entry->code = calendar->code;
	entry->calendar = calendar;
	return calendar;
}

/* Whether a calendar has this code. */
static inline bool
calendar_is(const Calendar *calendar, text *code)
{
	return strncmp(calendar->code, VARDATA_ANY(code), VARSIZE_ANY_EXHDR(code)) == 0 && calendar->code[VARSIZE_ANY_EXHDR(code)] == '\0';
}

/* The calendar with this code; good until the next call. */
Calendar *
calendar_find(text *code)
{
	CalendarCode *entry;
	char	   *name;

	if (unlikely(!calendars_are_current()))
		calendars_reset();
	if (likely(calendar_last != NULL && calendar_is(calendar_last, code)))
		return calendar_last;
	name = text_to_cstring(code);
	entry = (CalendarCode *) hash_search(calendars, &name, HASH_FIND, NULL);
	/* what a parallel query reads must not be kept with the others */
	if (entry == NULL && IsInParallelMode() && !is_for_snapshot)
		calendars_reset();
	calendar_last = entry != NULL ? entry->calendar : calendar_read(name);
	pfree(name);
	return calendar_last;
}
