/*-------------------------------------------------------------------------
 *
 * live_tally.c
 *	  Triggers on the tables feedback and event: check what is written, and
 *	  keep the tallies of answers live.
 *
 * One pass over the rows of a statement counts its answers in memory by
 * touchpoint, metric, unit and hour, and appends one row per such key to
 * tally_delta.  Appending waits for nobody, where an update of a shared counter
 * would queue all writers behind each other's commit.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "collect/check.h"
#include "collect/customers.h"
#include "collect/live_tally.h"
#include "measure/tally.h"
#include "program/catalog.h"
#include "program/lookup.h"
#include "program/owner.h"

/* Deltas written in one go. */
#define DELTA_BATCH 500

/* Columns of tally_delta. */
enum DeltaColumn
{
	DELTA_TOUCHPOINT,
	DELTA_ORG_UNIT,
	DELTA_HOUR,
	DELTA_DAY,
	DELTA_METRIC,
	DELTA_ADDED,
	DELTA_REMOVED,
	DELTA_COLUMNS
};

static const char *const delta_columns[DELTA_COLUMNS] = {
	"touchpoint_id", "org_unit_id", "hour", "day", "metric", "added", "removed"
};

/* What answers are counted by. */
typedef struct DeltaKey
{
	int64		touchpoint_id;	/* 0 if none */
	int64		org_unit_id;	/* 0 if none */
	TimestampTz hour;
	uint32		metric;			/* position in the metrics of the statement */
	bool		has_touchpoint;
	bool		has_unit;
	char		unused[2];		/* always zero, for keys are compared as bytes */
} DeltaKey;

/* Answers that came and went, not yet as tallies. */
typedef struct Delta
{
	DeltaKey	key;
	int64		added[TALLY_SCORES];
	int64		removed[TALLY_SCORES];
} Delta;

/* What one statement changes. */
typedef struct Changes
{
	Delta		first;			/* for the first key, so that a single row needs no table */
	bool		has_first;
	HTAB	   *deltas;			/* Delta by DeltaKey, for the other keys; or NULL */
	Delta	   *last;			/* the one used last */
	char	  **metrics;		/* codes seen so far */
	int			metric_count;
	CustomerList customers;		/* to be checked */
} Changes;

/* A row of feedback or of an event, as far as it matters here. */
typedef struct WrittenRow
{
	bool		has_customer;
	bool		has_touchpoint;
	bool		has_unit;
	bool		has_staff;
	bool		has_source;
	bool		has_score;
	int64		customer_id;
	int64		touchpoint_id;
	int64		org_unit_id;
	int64		staff_id;
	int64		source_id;
	TimestampTz at;
	int16		score;
	char	   *metric;			/* or NULL; in the memory of the row */
	char	   *kind;			/* the same; an event has none */
} WrittenRow;

/* Where the columns are; 0 for those that the table does not have. */
typedef struct WrittenColumns
{
	AttrNumber	customer;
	AttrNumber	touchpoint;
	AttrNumber	org_unit;
	AttrNumber	staff;
	AttrNumber	source;
	AttrNumber	at;
	AttrNumber	score;
	AttrNumber	kind;
	AttrNumber	metric;
	AttrNumber	last;			/* the greatest of them */
} WrittenColumns;

/* Depth of triggers at which rows come from capture, which has checked them already; 0 if none do. */
static int	trusted_depth = 0;

/* Depth of the trigger that is running, 0 outside triggers. */
static int
trigger_depth(void)
{
	return DatumGetInt32(DirectFunctionCall1(pg_trigger_depth, (Datum) 0));
}

/* Trust the rows that the next statement writes; gives what is to be restored. */
int
live_tally_trust(void)
{
	int			before = trusted_depth;

	trusted_depth = trigger_depth() + 1;
	return before;
}

/* Go back to what was trusted before. */
void
live_tally_trust_before(int before)
{
	trusted_depth = before;
}

/* Find a column, and note how far a row has to be taken apart. */
static AttrNumber
written_column(WrittenColumns *columns, Relation relation, const char *name, Oid type)
{
	AttrNumber	number = program_column(relation, name, type);

	columns->last = Max(columns->last, number);
	return number;
}

/* Find the columns of feedback or event that both have. */
static WrittenColumns
columns_of_both(Relation relation, const char *time_name)
{
	WrittenColumns columns = {0};

	columns.customer = written_column(&columns, relation, "customer_id", INT8OID);
	columns.touchpoint = written_column(&columns, relation, "touchpoint_id", INT8OID);
	columns.org_unit = written_column(&columns, relation, "org_unit_id", INT8OID);
	columns.source = written_column(&columns, relation, "source_id", INT8OID);
	columns.at = written_column(&columns, relation, time_name, TIMESTAMPTZOID);
	return columns;
}

/* Find the columns of feedback. */
static WrittenColumns
columns_of_feedback(Relation relation)
{
	WrittenColumns columns = columns_of_both(relation, "responded_at");

	columns.staff = written_column(&columns, relation, "staff_id", INT8OID);
	columns.score = written_column(&columns, relation, "score", INT2OID);
	columns.kind = written_column(&columns, relation, "kind", TEXTOID);
	columns.metric = written_column(&columns, relation, "metric", TEXTOID);
	return columns;
}

/* The columns of feedback, found anew only when the table may have changed. */
static const WrittenColumns *
feedback_columns(Relation relation)
{
	static WrittenColumns columns;
	static uint64 found_at = PG_UINT64_MAX;

	if (found_at != program_generation())
	{
		columns = columns_of_feedback(relation);
		found_at = program_generation();
	}
	return &columns;
}

/* A bigint column of the row at hand; false if it is NULL or not there. */
static inline bool
row_bigint(TupleTableSlot *slot, AttrNumber column, int64 *value)
{
	*value = 0;
	if (column == 0 || slot->tts_isnull[column - 1])
		return false;
	*value = DatumGetInt64(slot->tts_values[column - 1]);
	return true;
}

/* A text column of the row at hand, or NULL. */
static inline char *
row_text(TupleTableSlot *slot, AttrNumber column)
{
	if (column == 0 || slot->tts_isnull[column - 1])
		return NULL;
	return TextDatumGetCString(slot->tts_values[column - 1]);
}

/* Read the row at hand. */
static WrittenRow
row_read(TupleTableSlot *slot, const WrittenColumns *columns)
{
	WrittenRow	row = {0};

	slot_getsomeattrs(slot, columns->last);
	row.has_customer = row_bigint(slot, columns->customer, &row.customer_id);
	row.has_touchpoint = row_bigint(slot, columns->touchpoint, &row.touchpoint_id);
	row.has_unit = row_bigint(slot, columns->org_unit, &row.org_unit_id);
	row.has_staff = row_bigint(slot, columns->staff, &row.staff_id);
	row.has_source = row_bigint(slot, columns->source, &row.source_id);
	row.at = DatumGetTimestampTz(slot->tts_values[columns->at - 1]);
	row.has_score = columns->score != 0 && !slot->tts_isnull[columns->score - 1];
	if (row.has_score)
		row.score = DatumGetInt16(slot->tts_values[columns->score - 1]);
	row.metric = row_text(slot, columns->metric);
	row.kind = row_text(slot, columns->kind);
	return row;
}

/* Raise an error unless a key names a row. */
static void
check_reference(ProgramTable table, bool is_given, int64 id)
{
	Problem		problem;

	if (is_given && catalog_find_id(table, id) == NULL)
	{
		(void) check_found(NULL, table, psprintf(INT64_FORMAT, id), &problem);
		problem_raise(&problem);
	}
}

/* Raise an error unless all keys of the row name rows and its values are right; customers come later. */
static void
row_check(const WrittenRow *row, bool is_event)
{
	Problem		problem;

	check_reference(PROGRAM_TOUCHPOINT, row->has_touchpoint, row->touchpoint_id);
	check_reference(PROGRAM_ORG_UNIT, row->has_unit, row->org_unit_id);
	check_reference(PROGRAM_STAFF, row->has_staff, row->staff_id);
	check_reference(PROGRAM_SOURCE, row->has_source, row->source_id);
	if (!check_time(row->at, is_event ? "occurred_at" : "responded_at", &problem) ||
		(row->kind != NULL && !check_kind(row->kind, &problem)) ||
		(row->has_score && !check_metric_given(row->metric, &problem)) ||
		(row->has_score && !check_score(row->metric, row->score, &problem)) ||
		(row->metric != NULL &&
		 !check_found(catalog_find(PROGRAM_METRIC, row->metric), PROGRAM_METRIC, row->metric, &problem)))
		problem_raise(&problem);
}

/* Whether a row counts in the tallies; one that was written while triggers were off may be anything. */
static bool
row_counts(const WrittenRow *row)
{
	return row->has_score && row->score >= 0 && row->score <= TALLY_MAX_SCORE && row->metric != NULL &&
		row->kind != NULL && strcmp(row->kind, "survey") == 0 && !TIMESTAMP_NOT_FINITE(row->at);
}

/* The position of a metric among those of the statement. */
static uint32
changes_metric(Changes *changes, const char *metric)
{
	for (int i = changes->metric_count - 1; i >= 0; i--)
		if (strcmp(changes->metrics[i], metric) == 0)
			return i;
	changes->metrics = changes->metrics == NULL ? palloc(sizeof(char *)) :
		repalloc(changes->metrics, sizeof(char *) * (changes->metric_count + 1));
	changes->metrics[changes->metric_count] = pstrdup(metric);
	return changes->metric_count++;
}

/* What an answer is counted by. */
static DeltaKey
delta_key(Changes *changes, const WrittenRow *row)
{
	DeltaKey	key;

	memset(&key, 0, sizeof(key));
	key.touchpoint_id = row->touchpoint_id;
	key.org_unit_id = row->org_unit_id;
	key.has_touchpoint = row->has_touchpoint;
	key.has_unit = row->has_unit;
	key.hour = clock_hour(catalog_clock(row->has_unit, row->org_unit_id), row->at);
	key.metric = changes_metric(changes, row->metric);
	return key;
}

/* The counters in the table of all keys but the first. */
static Delta *
changes_find_other(Changes *changes, const DeltaKey *key)
{
	HASHCTL		control = {.keysize = sizeof(DeltaKey), .entrysize = sizeof(Delta), .hcxt = CurrentMemoryContext};
	Delta	   *delta;
	bool		found;

	if (changes->deltas == NULL)
		changes->deltas = hash_create("cx tally deltas", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	delta = (Delta *) hash_search(changes->deltas, key, HASH_ENTER, &found);
	if (!found)
		memset(delta->added, 0, sizeof(delta->added) + sizeof(delta->removed));
	return delta;
}

/* The counters that an answer belongs to. */
static Delta *
changes_find(Changes *changes, const WrittenRow *row)
{
	DeltaKey	key = delta_key(changes, row);

	if (changes->last != NULL && memcmp(&changes->last->key, &key, sizeof(key)) == 0)
		return changes->last;
	if (!changes->has_first)
	{
		changes->has_first = true;
		changes->first.key = key;
	}
	changes->last = memcmp(&changes->first.key, &key, sizeof(key)) == 0 ? &changes->first :
		changes_find_other(changes, &key);
	return changes->last;
}

/* Count the answers of a transition table as come or gone, and check those that come. */
static void
changes_read(Changes *changes, TriggerData *trigger, Tuplestorestate *rows, bool come, const WrittenColumns *columns)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(RelationGetDescr(trigger->tg_relation), &TTSOpsMinimalTuple);
	MemoryContext row_context = AllocSetContextCreate(CurrentMemoryContext, "cx written row", ALLOCSET_SMALL_SIZES);
	int			reader = tuplestore_alloc_read_pointer(rows, EXEC_FLAG_REWIND);
	bool		is_checked = trusted_depth > 0 && trusted_depth == trigger_depth();

	tuplestore_select_read_pointer(rows, reader);
	tuplestore_rescan(rows);
	while (tuplestore_gettupleslot(rows, true, false, slot))
	{
		MemoryContext before = MemoryContextSwitchTo(row_context);
		WrittenRow	row = row_read(slot, columns);

		CHECK_FOR_INTERRUPTS();
		if (come && !is_checked)
			row_check(&row, columns->kind == 0);
		MemoryContextSwitchTo(before);
		if (come && !is_checked && row.has_customer)
			customers_add(&changes->customers, row.customer_id);
		if (row_counts(&row))
		{
			Delta	   *delta = changes_find(changes, &row);

			(come ? delta->added : delta->removed)[row.score]++;
		}
		MemoryContextReset(row_context);
	}
	MemoryContextDelete(row_context);
	ExecDropSingleTupleTableSlot(slot);
}

/* Counters as a tally, or NULL if all are zero. */
static Tally *
delta_tally(const int64 *counts)
{
	Tally	   *tally = tally_new();

	memcpy(tally->counts, counts, sizeof(tally->counts));
	return tally_size(tally) > 0 ? tally : NULL;
}

/* Drop what came and went within the statement; false if nothing remains. */
static bool
delta_cancel(Delta *delta)
{
	int64		changed = 0;

	for (int score = 0; score < TALLY_SCORES; score++)
	{
		int64		common = Min(delta->added[score], delta->removed[score]);

		delta->added[score] -= common;
		delta->removed[score] -= common;
		changed |= delta->added[score] | delta->removed[score];
	}
	return changed != 0;
}

/* The values of a row of tally_delta. */
static void
delta_values(const Changes *changes, const Delta *delta, Datum *values, bool *nulls)
{
	Tally	   *added = delta_tally(delta->added);
	Tally	   *removed = delta_tally(delta->removed);

	values[DELTA_TOUCHPOINT] = Int64GetDatum(delta->key.touchpoint_id);
	nulls[DELTA_TOUCHPOINT] = !delta->key.has_touchpoint;
	values[DELTA_ORG_UNIT] = Int64GetDatum(delta->key.org_unit_id);
	nulls[DELTA_ORG_UNIT] = !delta->key.has_unit;
	values[DELTA_HOUR] = TimestampTzGetDatum(delta->key.hour);
	nulls[DELTA_HOUR] = false;
	values[DELTA_DAY] = DateADTGetDatum(clock_day(catalog_clock(delta->key.has_unit, delta->key.org_unit_id), delta->key.hour));
	nulls[DELTA_DAY] = false;
	values[DELTA_METRIC] = CStringGetTextDatum(changes->metrics[delta->key.metric]);
	nulls[DELTA_METRIC] = false;
	values[DELTA_ADDED] = PointerGetDatum(added);
	nulls[DELTA_ADDED] = added == NULL;
	values[DELTA_REMOVED] = PointerGetDatum(removed);
	nulls[DELTA_REMOVED] = removed == NULL;
}

/* The columns of tally_delta, found anew only when the table may have changed. */
static const AttrNumber *
delta_find_columns(Relation relation)
{
	static AttrNumber columns[DELTA_COLUMNS];
	static uint64 found_at = PG_UINT64_MAX;

	if (found_at != program_generation())
	{
		Oid			tally = program_tally_type();
		Oid			types[DELTA_COLUMNS] = {INT8OID, INT8OID, TIMESTAMPTZOID, DATEOID, TEXTOID, tally, tally};

		for (int i = 0; i < DELTA_COLUMNS; i++)
			columns[i] = program_column(relation, delta_columns[i], types[i]);
		found_at = program_generation();
	}
	return columns;
}

/* Whether a column that somebody added may stay NULL. */
static bool
delta_may_leave_out(Relation relation, const AttrNumber *columns)
{
	for (int i = 0; i < RelationGetNumberOfAttributes(relation); i++)
	{
		bool		is_ours = false;

		for (int j = 0; j < DELTA_COLUMNS; j++)
			is_ours |= columns[j] == i + 1;
		if (!is_ours && TupleDescAttr(RelationGetDescr(relation), i)->attnotnull)
			return false;
	}
	return true;
}

/* Whether rows may be put straight into the table: nothing else is to happen when a row comes in. */
static bool
delta_is_plain(Relation relation, const AttrNumber *columns)
{
	TupleConstr *constraints = RelationGetDescr(relation)->constr;

	return relation->rd_rel->relkind == RELKIND_RELATION && relation->rd_rel->relam == HEAP_TABLE_AM_OID &&
		!relation->rd_rel->relhasindex && !relation->rd_rel->relispartition && relation->trigdesc == NULL && relation->rd_rules == NULL &&
		(constraints == NULL ||
		 (constraints->num_check == 0 && constraints->num_defval == 0 && !constraints->has_generated_stored)) &&
		delta_may_leave_out(relation, columns);
}

/* Fill a slot of tally_delta; columns that somebody added stay NULL. */
static void
delta_fill_slot(const Changes *changes, const Delta *delta, const AttrNumber *columns, TupleTableSlot *slot)
{
	Datum		values[DELTA_COLUMNS];
	bool		nulls[DELTA_COLUMNS];

	ExecClearTuple(slot);
	delta_values(changes, delta, values, nulls);
	memset(slot->tts_isnull, true, sizeof(bool) * slot->tts_tupleDescriptor->natts);
	for (int i = 0; i < DELTA_COLUMNS; i++)
	{
		slot->tts_values[columns[i] - 1] = values[i];
		slot->tts_isnull[columns[i] - 1] = nulls[i];
	}
	ExecStoreVirtualTuple(slot);
}

/* Put slots straight into the table: one as single rows go, many in bulk. */
static void
delta_insert_slots(Relation relation, TupleTableSlot **slots, int count, BulkInsertState *bulk)
{
	if (count == 0)
		return;
	if (count == 1)
	{
		table_tuple_insert(relation, slots[0], GetCurrentCommandId(true), 0, NULL);
		return;
	}
	if (*bulk == NULL && count == DELTA_BATCH)
		*bulk = GetBulkInsertState();
	table_multi_insert(relation, slots, count, GetCurrentCommandId(true), 0, *bulk);
}

/* All counters in which something changed. */
static List *
changes_list(Changes *changes)
{
	List	   *list = NIL;
	HASH_SEQ_STATUS scan;
	Delta	   *delta;

	if (changes->has_first && delta_cancel(&changes->first))
		list = lappend(list, &changes->first);
	if (changes->deltas == NULL)
		return list;
	hash_seq_init(&scan, changes->deltas);
	while ((delta = (Delta *) hash_seq_search(&scan)) != NULL)
		if (delta_cancel(delta))
			list = lappend(list, delta);
	return list;
}

/* Put rows straight into the table. */
static void
changes_append(Changes *changes, List *deltas, Relation relation, const AttrNumber *columns)
{
	TupleTableSlot *slots[DELTA_BATCH];
	BulkInsertState bulk = NULL;
	ListCell   *cell;
	int			filled = 0;
	int			made = 0;

	foreach(cell, deltas)
	{
		if (filled == made)
			slots[made++] = table_slot_create(relation, NULL);
		delta_fill_slot(changes, (Delta *) lfirst(cell), columns, slots[filled++]);
		if (filled == DELTA_BATCH)
		{
			delta_insert_slots(relation, slots, filled, &bulk);
			filled = 0;
		}
	}
	delta_insert_slots(relation, slots, filled, &bulk);
	if (bulk != NULL)
		FreeBulkInsertState(bulk);
	for (int i = 0; i < made; i++)
		ExecDropSingleTupleTableSlot(slots[i]);
}

/* Insert rows by ordinary statements with the rights of the program's owner. */
static void
changes_insert(Changes *changes, List *deltas)
{
	Oid			tally = program_tally_type();
	Oid			types[DELTA_COLUMNS] = {INT8OID, INT8OID, TIMESTAMPTZOID, DATEOID, TEXTOID, tally, tally};
	ActingAs	before = act_as(program_owner());
	ListCell   *cell;
	SPIPlanPtr	plan;

	SPI_connect();
	plan = SPI_prepare("INSERT INTO cx_data.tally_delta (touchpoint_id, org_unit_id, hour, day, metric, added, removed)"
					   " VALUES ($1, $2, $3, $4, $5, $6, $7)", DELTA_COLUMNS, types);
	if (plan == NULL)
		elog(ERROR, "cannot prepare an insertion into tally_delta");
	foreach(cell, deltas)
	{
		Datum		values[DELTA_COLUMNS];
		bool		nulls[DELTA_COLUMNS];
		char		null_marks[DELTA_COLUMNS];

		delta_values(changes, (Delta *) lfirst(cell), values, nulls);
		for (int i = 0; i < DELTA_COLUMNS; i++)
			null_marks[i] = nulls[i] ? 'n' : ' ';
		if (SPI_execute_plan(plan, values, null_marks, false, 0) != SPI_OK_INSERT)
			elog(ERROR, "cannot insert into tally_delta");
	}
	SPI_finish();
	act_as_before(before);
}

/* Write what the statement changed. */
static void
changes_write(Changes *changes)
{
	List	   *deltas = changes_list(changes);
	const AttrNumber *columns;
	Relation	relation;

	if (deltas == NIL)
		return;
	relation = table_open(program_table(PROGRAM_TALLY_DELTA), RowExclusiveLock);
	columns = delta_find_columns(relation);
	if (delta_is_plain(relation, columns))
		changes_append(changes, deltas, relation, columns);
	else
		changes_insert(changes, deltas);
	table_close(relation, NoLock);
}

/* All feedback is gone, and so are all tallies. */
static void
tallies_truncate(void)
{
	ActingAs	before = act_as(program_owner());

	SPI_connect();
	if (SPI_execute("TRUNCATE cx_data.tally_hourly, cx_data.tally_daily, cx_data.tally_delta", false, 0) != SPI_OK_UTILITY)
		elog(ERROR, "cannot truncate the tallies");
	SPI_finish();
	act_as_before(before);
}

/* The trigger's data, after checking that it is on the table it is made for. */
static TriggerData *
written_trigger(FunctionCallInfo fcinfo, ProgramTable table, const char *name)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_STATEMENT(trigger->tg_event) ||
		RelationGetRelid(trigger->tg_relation) != program_table(table))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("%s() must be called as the trigger that cx made", name),
				 errhint("CALL cx.upgrade_program() makes it again.")));
	return trigger;
}

/* Trigger on feedback: check the rows written and append the change of the tallies. */
PG_FUNCTION_INFO_V1(feedback_changed);
Datum
feedback_changed(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = written_trigger(fcinfo, PROGRAM_FEEDBACK, "feedback_changed");
	const WrittenColumns *columns;
	Changes		changes = {0};

	if (TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event))
	{
		tallies_truncate();
		return PointerGetDatum(NULL);
	}
	columns = feedback_columns(trigger->tg_relation);
	if (trigger->tg_oldtable != NULL)
		changes_read(&changes, trigger, trigger->tg_oldtable, false, columns);
	if (trigger->tg_newtable != NULL)
		changes_read(&changes, trigger, trigger->tg_newtable, true, columns);
	customers_check(&changes.customers);
	changes_write(&changes);
	return PointerGetDatum(NULL);
}

/* Trigger on event: check the rows written. */
PG_FUNCTION_INFO_V1(event_changed);
Datum
event_changed(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = written_trigger(fcinfo, PROGRAM_EVENT, "event_changed");
	WrittenColumns columns;
	Changes		changes = {0};

	if (trigger->tg_newtable == NULL)
		return PointerGetDatum(NULL);
	columns = columns_of_both(trigger->tg_relation, "occurred_at");
	changes_read(&changes, trigger, trigger->tg_newtable, true, &columns);
	customers_check(&changes.customers);
	return PointerGetDatum(NULL);
}
