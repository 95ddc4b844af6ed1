/*-------------------------------------------------------------------------
 *
 * capture.c
 *	  The trigger on attached relations: keeps feedback and events in step.
 *
 * The mapping runs over the rows of the statement with the rights of the
 * relation's owner; what comes out is written with the rights of the program's
 * owner.  With on_error => 'record' the work is done in a subtransaction, and
 * where it fails again and again in halves, until each row that is to blame
 * stands alone.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "executor/tstoreReceiver.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"

#include "collect/capture.h"
#include "program/owner.h"

/* All that were used in this session, by trigger. */
static HTAB *captured_triggers = NULL;

/* Whether the trigger still has the arguments that were read. */
static bool
captured_is_current(const Captured *captured, const Trigger *trigger)
{
	if (captured->context == NULL || captured->argument_count != trigger->tgnargs)
		return false;
	for (int i = 0; i < trigger->tgnargs; i++)
		if (strcmp(captured->arguments[i], trigger->tgargs[i]) != 0)
			return false;
	return true;
}

/* Forget what was read. */
static void
captured_clear(Captured *captured)
{
	if (captured->new_rows != NULL)
		SPI_freeplan(captured->new_rows);
	if (captured->old_keys != NULL)
		SPI_freeplan(captured->old_keys);
	captured->new_rows = captured->old_keys = NULL;
	if (captured->context != NULL)
		MemoryContextDelete(captured->context);
	captured->context = NULL;
}

/* Read the arguments of the trigger. */
static void
captured_read(Captured *captured, const Trigger *trigger)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "cx captured relation", ALLOCSET_SMALL_SIZES);
	MemoryContext before = MemoryContextSwitchTo(context);

	captured->argument_count = trigger->tgnargs;
	captured->arguments = palloc(sizeof(char *) * Max(trigger->tgnargs, 1));
	for (int i = 0; i < trigger->tgnargs; i++)
		captured->arguments[i] = pstrdup(trigger->tgargs[i]);
	captured->mapping = mapping_read(captured->argument_count, captured->arguments);
	MemoryContextSwitchTo(before);
	/* only now, so that an error above leaves nothing behind */
	MemoryContextSetParent(context, CacheMemoryContext);
	captured->context = context;
}

/* What is known of this trigger. */
Captured *
captured_get(const Trigger *trigger)
{
	Captured   *captured;
	bool		found;

	if (captured_triggers == NULL)
	{
		HASHCTL		control = {.keysize = sizeof(Oid), .entrysize = sizeof(Captured), .hcxt = CacheMemoryContext};

		captured_triggers = hash_create("cx captured relations", 16, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	captured = (Captured *) hash_search(captured_triggers, &trigger->tgoid, HASH_ENTER, &found);
	if (!found)
	{
		captured->context = NULL;
		captured->new_rows = captured->old_keys = NULL;
	}
	if (!captured_is_current(captured, trigger))
	{
		captured_clear(captured);
		captured_read(captured, trigger);
	}
	return captured;
}

/* Prepare a query and keep it. */
static SPIPlanPtr
captured_plan(const char *query)
{
	SPIPlanPtr	plan = SPI_prepare_cursor(query, 0, NULL, CURSOR_OPT_GENERIC_PLAN);

	if (plan == NULL)
		elog(ERROR, "cannot prepare a mapping: %s", SPI_result_code_string(SPI_result));
	SPI_keepplan(plan);
	return plan;
}

/* Whether rows of this relation belong to a relation that is attached. */
static bool
belongs_to(Oid relation, Oid attached)
{
	if (relation == attached)
		return true;
	return OidIsValid(attached) && OidIsValid(get_rel_type_id(attached)) &&
		typeInheritsFrom(get_rel_type_id(relation), get_rel_type_id(attached));
}

/* The registered source that a mapping names, if this relation belongs to it; else NULL. */
const CatalogEntry *
capture_source(const Mapping *mapping, Oid relation)
{
	const CatalogEntry *source = catalog_find(PROGRAM_SOURCE, mapping->source);

	if (source == NULL || source->is_event != mapping->is_event || !belongs_to(relation, source->relation))
		return NULL;
	return source;
}

/* Let the statements see rows of the relation under a name. */
static void
register_relation_rows(Capture *capture, const char *name, Tuplestorestate *rows, int64 count)
{
	target_register_rows(name, rows, count, capture->columns,
						 capture->columns == NULL ? RelationGetRelid(capture->relation) : InvalidOid);
}

/* Run the mapping over rows, within an SPI connection. */
void
capture_map(Capture *capture, Sink *sink, Tuplestorestate *rows, int64 count)
{
	Captured   *captured = capture->captured;
	SPIExecuteOptions options = {.dest = &sink->receiver};
	ActingAs	before = act_as_reader(capture->relation->rd_rel->relowner);

	register_relation_rows(capture, MAPPING_NEW_ROWS, rows, count);
	if (captured->new_rows == NULL)
		captured->new_rows = captured_plan(mapping_query(&captured->mapping, capture->relation, MAPPING_NEW_ROWS));
	if (SPI_execute_plan_extended(captured->new_rows, &options) < 0)
		elog(ERROR, "cannot run a mapping");
	sink_flush(sink);
	act_as_before(before);
}

/* Run the mapping's key over rows, within an SPI connection. */
static void
capture_map_keys(Capture *capture, Tuplestorestate *keys, Tuplestorestate *rows, int64 count)
{
	Captured   *captured = capture->captured;
	SPIExecuteOptions options = {.dest = CreateDestReceiver(DestTuplestore)};
	ActingAs	before = act_as_reader(capture->relation->rd_rel->relowner);

	SetTuplestoreDestReceiverParams(options.dest, keys, CurrentMemoryContext, false, NULL, NULL);
	register_relation_rows(capture, MAPPING_OLD_ROWS, rows, count);
	if (captured->old_keys == NULL)
		captured->old_keys = captured_plan(mapping_key_query(&captured->mapping, capture->relation, MAPPING_OLD_ROWS));
	if (SPI_execute_plan_extended(captured->old_keys, &options) < 0)
		elog(ERROR, "cannot run a mapping");
	act_as_before(before);
}

/* Capture these rows, or fail. */
static void
capture_rows(Capture *capture, const StatementRows *rows)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "cx capture", ALLOCSET_DEFAULT_SIZES);
	MemoryContext before;
	Sink	   *sink;
	Tuplestorestate *keys = NULL;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	before = MemoryContextSwitchTo(context);
	sink = sink_begin(&capture->captured->mapping, false);
	if (rows->old_rows != NULL)
	{
		keys = tuplestore_begin_heap(true, false, work_mem);
		capture_map_keys(capture, keys, rows->old_rows, rows->old_count);
	}
	if (rows->new_rows != NULL)
		capture_map(capture, sink, rows->new_rows, rows->new_count);
	(void) target_write(sink, keys, keys == NULL ? 0 : tuplestore_tuple_count(keys), capture->source_id,
						keys == NULL ? TARGET_INSERT : TARGET_REPLACE);
	tuplestore_end(sink->ready);
	if (keys != NULL)
		tuplestore_end(keys);
	MemoryContextSwitchTo(before);
	SPI_finish();
	MemoryContextDelete(context);
}

/* Whether an error is not the fault of a row, so that trying again in parts is of no use. */
static bool
is_no_fault_of_rows(int sqlstate)
{
	return sqlstate == ERRCODE_QUERY_CANCELED || sqlstate == ERRCODE_OUT_OF_MEMORY ||
		ERRCODE_TO_CATEGORY(sqlstate) == ERRCODE_OPERATOR_INTERVENTION ||
		ERRCODE_TO_CATEGORY(sqlstate) == ERRCODE_TRANSACTION_ROLLBACK;
}

/* Do the work in a subtransaction; if it fails, undo it and give the error. */
bool
capture_try(Capture *capture, const StatementRows *rows, RowsWork work, ErrorData **error)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool done = true;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		work(capture, rows);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		*error = CopyErrorData();
		if (is_no_fault_of_rows((*error)->sqlerrcode))
			PG_RE_THROW();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		done = false;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return done;
}

/* Copy some of the rows. */
static Tuplestorestate *
rows_slice(Tuplestorestate *rows, TupleDesc columns, int64 skip, int64 count)
{
	Tuplestorestate *slice = tuplestore_begin_heap(true, false, work_mem);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(columns, &TTSOpsMinimalTuple);
	int			reader = tuplestore_alloc_read_pointer(rows, 0);

	tuplestore_select_read_pointer(rows, reader);
	tuplestore_rescan(rows);
	if (skip > 0)
		(void) tuplestore_skiptuples(rows, skip, true);
	while (count-- > 0 && tuplestore_gettupleslot(rows, true, false, slot))
		tuplestore_puttupleslot(slice, slot);
	ExecDropSingleTupleTableSlot(slot);
	return slice;
}

/* A part of the rows before and after. */
static StatementRows
statement_slice(const Capture *capture, const StatementRows *rows, int64 skip, int64 count)
{
	TupleDesc	columns = capture->columns == NULL ? RelationGetDescr(capture->relation) : capture->columns;
	StatementRows slice = {0};

	if (rows->old_rows != NULL)
	{
		slice.old_rows = rows_slice(rows->old_rows, columns, skip, count);
		slice.old_count = tuplestore_tuple_count(slice.old_rows);
	}
	if (rows->new_rows != NULL)
	{
		slice.new_rows = rows_slice(rows->new_rows, columns, skip, count);
		slice.new_count = tuplestore_tuple_count(slice.new_rows);
	}
	return slice;
}

/* Work on some of the rows. */
static void
isolate_slice(Capture *capture, const StatementRows *rows, int64 skip, int64 count, RowsWork work, RowFailure failure)
{
	StatementRows slice = statement_slice(capture, rows, skip, count);

	capture_isolate(capture, &slice, work, failure);
	if (slice.old_rows != NULL)
		tuplestore_end(slice.old_rows);
	if (slice.new_rows != NULL)
		tuplestore_end(slice.new_rows);
}

/*
 * Do the work on all rows with which it succeeds, and tell of the others one
 * by one.  Rows before and after a statement are pairs as long as there are
 * equally many of them.
 */
void
capture_isolate(Capture *capture, const StatementRows *rows, RowsWork work, RowFailure failure)
{
	StatementRows before = {rows->old_rows, NULL, rows->old_count, 0};
	StatementRows after = {NULL, rows->new_rows, 0, rows->new_count};
	int64		count = Max(rows->old_count, rows->new_count);
	ErrorData  *error;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	if (capture_try(capture, rows, work, &error))
		return;
	if (rows->old_rows != NULL && rows->new_rows != NULL && (count <= 1 || rows->old_count != rows->new_count))
	{
		capture_isolate(capture, &before, work, failure);
		capture_isolate(capture, &after, work, failure);
	}
	else if (count <= 1)
		failure(capture, rows, error);
	else
	{
		isolate_slice(capture, rows, 0, count / 2, work, failure);
		isolate_slice(capture, rows, count / 2, count - count / 2, work, failure);
	}
	FreeErrorData(error);
}

/* Find the key of a row. */
static void
find_key(Capture *capture, const StatementRows *row)
{
	MemoryContext context = CurrentMemoryContext;

	SPI_connect();
	MemoryContextSwitchTo(context);
	capture_map_keys(capture, capture->keys, row->new_rows, row->new_count);
	SPI_finish();
}

/* The key of a single row after a statement, or NULL if it has none or finding it fails. */
char *
capture_key(Capture *capture, const StatementRows *row)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(target_key_columns(), &TTSOpsMinimalTuple);
	Tuplestorestate *keys = tuplestore_begin_heap(true, false, work_mem);
	ErrorData  *error;
	char	   *key = NULL;
	bool		isnull;

	capture->keys = keys;
	if (capture_try(capture, row, find_key, &error) && tuplestore_gettupleslot(keys, true, false, slot))
	{
		Datum		value = slot_getattr(slot, 1, &isnull);

		key = isnull ? NULL : TextDatumGetCString(value);
	}
	ExecDropSingleTupleTableSlot(slot);
	tuplestore_end(keys);
	return key;
}

/* Record why a row cannot be captured; that a row before cannot be mapped means only that nothing was captured of it. */
static void
record_failure(Capture *capture, const StatementRows *row, const ErrorData *error)
{
	Sink	   *sink;
	char	   *key;

	if (row->new_rows == NULL)
		return;
	key = capture_key(capture, row);
	sink = sink_begin(&capture->captured->mapping, false);
	sink_add_bad(sink, key, error->sqlerrcode, error->message);
	SPI_connect();
	(void) target_write(sink, NULL, 0, capture->source_id, TARGET_INSERT);
	SPI_finish();
	tuplestore_end(sink->ready);
}

/* All rows of a relation itself, without its children. */
static StatementRows
rows_of_relation(Relation relation)
{
	StatementRows rows = {.old_rows = tuplestore_begin_heap(true, false, work_mem)};
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	TupleTableSlot *slot = table_slot_create(relation, NULL);
	TableScanDesc scan = table_beginscan(relation, snapshot, 0, NULL);

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		CHECK_FOR_INTERRUPTS();
		tuplestore_puttupleslot(rows.old_rows, slot);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	UnregisterSnapshot(snapshot);
	rows.old_count = tuplestore_tuple_count(rows.old_rows);
	return rows;
}

/* The rows that a trigger is called for. */
static StatementRows
rows_of_trigger(const TriggerData *trigger)
{
	StatementRows rows = {.old_rows = trigger->tg_oldtable, .new_rows = trigger->tg_newtable};

	if (TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event))
		return rows_of_relation(trigger->tg_relation);
	if (rows.old_rows != NULL)
		rows.old_count = tuplestore_tuple_count(rows.old_rows);
	if (rows.new_rows != NULL)
		rows.new_count = tuplestore_tuple_count(rows.new_rows);
	return rows;
}

/* Say where an error comes from. */
static void
capture_error(void *argument)
{
	errcontext("capture of source \"%s\"", (const char *) argument);
}

/* Refuse to act for a trigger that nobody registered. */
static void
reject_unregistered(const TriggerData *trigger, const Mapping *mapping)
{
	ereport(mapping->records_errors ? WARNING : ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("trigger \"%s\" on \"%s\" is not registered as source \"%s\" of the CX program",
					trigger->tg_trigger->tgname, RelationGetRelationName(trigger->tg_relation), mapping->source),
			 errhint("Drop the trigger, or attach the relation with cx.attach_%s().",
					 mapping->is_event ? "event" : "feedback")));
}

/* The trigger's data, after checking how it was called. */
static TriggerData *
capture_trigger(FunctionCallInfo fcinfo)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_FOR_STATEMENT(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("capture() must be called as a trigger for each statement")));
	return trigger;
}

/* Trigger on attached relations: keep feedback or events in step with the statement. */
PG_FUNCTION_INFO_V1(capture);
Datum
capture(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = capture_trigger(fcinfo);
	Capture		call = {.relation = trigger->tg_relation, .captured = captured_get(trigger->tg_trigger)};
	const Mapping *mapping = &call.captured->mapping;
	const CatalogEntry *source = capture_source(mapping, RelationGetRelid(trigger->tg_relation));
	ErrorContextCallback callback = {error_context_stack, capture_error, unconstify(char *, mapping->source)};
	StatementRows rows;

	if (source == NULL)
		reject_unregistered(trigger, mapping);
	if (source == NULL || source->is_pulled ||
		(TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event) && trigger->tg_relation->rd_rel->relkind != RELKIND_RELATION))
		return PointerGetDatum(NULL);

	call.source_id = source->id;
	rows = rows_of_trigger(trigger);
	error_context_stack = &callback;
	if (rows.old_count == 0 && rows.new_count == 0)
		;						/* nothing to do */
	else if (mapping->records_errors)
		capture_isolate(&call, &rows, capture_rows, record_failure);
	else
		capture_rows(&call, &rows);
	error_context_stack = callback.previous;
	if (TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event))
		tuplestore_end(rows.old_rows);
	return PointerGetDatum(NULL);
}
