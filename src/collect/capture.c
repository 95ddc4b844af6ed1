/*-------------------------------------------------------------------------
 *
 * capture.c
 *	  The trigger on attached relations: keeps feedback, events and tickets in step.
 *
 * The mapping runs over the rows of the statement with the rights of the
 * relation's owner; what comes out is written with the rights of the program's
 * owner.  With on_error => 'record' the mapping runs in a subtransaction, and where
 * it fails again and again in halves, until each row that is to blame stands
 * alone; the others are then written together.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "executor/tstoreReceiver.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "collect/capture.h"
#include "people/erase.h"
#include "program/attempt.h"
#include "program/owner.h"
#include "program/trigger.h"

/* All that this backend has used, by trigger. */
static HTAB *captured_triggers = NULL;

/* Whether the trigger still has the arguments that were read, and its relation the owner. */
static bool
captured_is_current(const Captured *captured, Oid owner, const Trigger *trigger)
{
	if (captured->context == NULL || captured->owner != owner || captured->argument_count != trigger->tgnargs)
		return false;
	for (int i = 0; i < trigger->tgnargs; i++)
		if (strcmp(captured->arguments[i], trigger->tgargs[i]) != 0)
			return false;
	return true;
}

/* Give the plans of a mapping back. */
void
captured_free_plans(Captured *captured)
{
	if (captured->new_rows != NULL)
		SPI_freeplan(captured->new_rows);
	if (captured->old_keys != NULL)
		SPI_freeplan(captured->old_keys);
	captured->new_rows = captured->old_keys = NULL;
}

/* Forget what was read. */
static void
captured_clear(Captured *captured)
{
	captured_free_plans(captured);
	if (captured->context != NULL)
		MemoryContextDelete(captured->context);
	captured->context = NULL;
}

/* Read the arguments of the trigger. */
static void
captured_read(Captured *captured, Oid owner, const Trigger *trigger)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "cx captured relation", ALLOCSET_SMALL_SIZES);
	MemoryContext before = MemoryContextSwitchTo(context);

	captured->argument_count = trigger->tgnargs;
	captured->arguments = trigger_arguments(trigger);
	captured->mapping = mapping_read(captured->argument_count, captured->arguments);
	captured->owner = owner;
	captured->is_signed = trigger_is_signed(owner, trigger);
	MemoryContextSwitchTo(before);
	/* only now, so that an error above leaves nothing behind */
	MemoryContextSetParent(context, CacheMemoryContext);
	captured->context = context;
}

/* What is known of this trigger. */
Captured *
captured_get(Oid owner, const Trigger *trigger)
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
		captured->users = 0;
	}
	if (!captured_is_current(captured, owner, trigger))
	{
		if (captured->users > 0)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_IN_USE),
					 errmsg("trigger \"%s\" was changed while it captures", trigger->tgname)));
		captured_clear(captured);
		captured_read(captured, owner, trigger);
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

/* Let the statements see rows under a name. */
static void
register_rows(Capture *capture, const char *name, const RowSet *rows)
{
	target_register_rows(name, rows->rows, rows->count, rows->is_relation ? NULL : rows->columns,
						 rows->is_relation ? RelationGetRelid(capture->relation) : InvalidOid);
}

/* Run a query of the mapping. */
static void
run_mapping(SPIPlanPtr plan, DestReceiver *receiver)
{
	SPIExecuteOptions options = {.dest = receiver};

	if (SPI_execute_plan_extended(plan, &options) < 0)
		elog(ERROR, "cannot run a mapping");
}

/* Map rows into a sink. */
static void
map_rows(Capture *capture, const RowSet *rows, Sink *sink)
{
	Captured   *captured = capture->captured;
	ActingAs	before = act_as_reader(capture->owner);

	register_rows(capture, MAPPING_NEW_ROWS, rows);
	if (captured->new_rows == NULL)
		captured->new_rows = captured_plan(mapping_query(&captured->mapping, MAPPING_NEW_ROWS));
	run_mapping(captured->new_rows, &sink->receiver);
	sink_flush(sink);
	act_as_before(before);
}

/* Map old rows to their keys. */
static void
map_keys(Capture *capture, const RowSet *rows, Tuplestorestate *keys)
{
	Captured   *captured = capture->captured;
	DestReceiver *receiver = CreateDestReceiver(DestTuplestore);
	ActingAs	before = act_as_reader(capture->owner);

	SetTuplestoreDestReceiverParams(receiver, keys, CurrentMemoryContext, false, NULL, NULL);
	register_rows(capture, MAPPING_OLD_ROWS, rows);
	if (captured->old_keys == NULL)
		captured->old_keys = captured_plan(mapping_key_query(&captured->mapping, MAPPING_OLD_ROWS));
	run_mapping(captured->old_keys, receiver);
	act_as_before(before);
}

/* Map rows, all or none, into the sink of the capture. */
void
capture_map(Capture *capture, const RowSet *rows)
{
	Sink	   *part = sink_begin(&capture->captured->mapping, false);

	map_rows(capture, rows, part);
	sink_append(capture->sink, part);
	tuplestore_end(part->ready);
}

/* Map old rows, all or none, into the keys of the capture. */
static void
capture_map_keys(Capture *capture, const RowSet *rows)
{
	Tuplestorestate *part = tuplestore_begin_heap(true, false, work_mem);

	map_keys(capture, rows, part);
	rows_append(capture->keys, part, target_key_columns());
	tuplestore_end(part);
}

/* That an old row cannot be mapped means only that nothing was captured of it. */
static void
capture_map_keys_failed(Capture *capture, const RowSet *row, const ErrorData *error)
{
}

/* Map rows to their customers alone, into the keys of the capture. */
static void
capture_map_customer(Capture *capture, const RowSet *rows)
{
	DestReceiver *receiver = CreateDestReceiver(DestTuplestore);
	ActingAs	before = act_as_reader(capture->owner);

	SetTuplestoreDestReceiverParams(receiver, capture->keys, CurrentMemoryContext, false, NULL, NULL);
	register_rows(capture, MAPPING_NEW_ROWS, rows);
	target_query_into(mapping_field_query(&capture->captured->mapping, FIELD_CUSTOMER, MAPPING_NEW_ROWS), 0, NULL, NULL, NULL, receiver);
	act_as_before(before);
}

/* The text that some work finds for one row; false if it fails. */
static bool
capture_find_text(const Capture *capture, const RowSet *row, RowsWork work, char **found)
{
	Capture		search = *capture;
	ErrorData  *ignored;
	bool		done;

	search.keys = tuplestore_begin_heap(true, false, work_mem);
	done = capture_try(&search, row, work, &ignored);
	*found = NULL;
	if (done)
	{
		TupleTableSlot *slot = MakeSingleTupleTableSlot(target_key_columns(), &TTSOpsMinimalTuple);
		bool		isnull = true;

		if (tuplestore_gettupleslot(search.keys, true, false, slot))
			(void) slot_getattr(slot, 1, &isnull);
		*found = isnull ? NULL : TextDatumGetCString(slot->tts_values[0]);
		ExecDropSingleTupleTableSlot(slot);
	}
	tuplestore_end(search.keys);
	return done;
}

/* Whether a row that cannot be mapped may be one of a customer who was erased. */
static bool
capture_may_be_erased(const Capture *capture, const RowSet *row)
{
	const Mapping *mapping = &capture->captured->mapping;
	char	   *code;

	if (mapping->expressions[FIELD_CUSTOMER] == NULL || !customers_were_erased())
		return false;
	return !capture_find_text(capture, row, capture_map_customer, &code) || sink_is_erased(mapping, code);
}

/* Note a row that cannot be mapped. */
void
capture_map_failed(Capture *capture, const RowSet *row, const ErrorData *error)
{
	char	   *key;

	(void) capture_find_text(capture, row, capture_map_keys, &key);
	sink_add_bad(capture->sink, key, error->sqlerrcode, error->message, capture_may_be_erased(capture, row));
}

/* Whether an error is not the fault of a row, so that trying again in parts is of no use. */
static bool
is_no_fault_of_rows(int sqlstate)
{
	return sqlstate == ERRCODE_LOCK_NOT_AVAILABLE ||
		ERRCODE_TO_CATEGORY(sqlstate) == ERRCODE_INSUFFICIENT_RESOURCES ||
		ERRCODE_TO_CATEGORY(sqlstate) == ERRCODE_SYSTEM_ERROR ||
		ERRCODE_TO_CATEGORY(sqlstate) == ERRCODE_OPERATOR_INTERVENTION ||
		ERRCODE_TO_CATEGORY(sqlstate) == ERRCODE_TRANSACTION_ROLLBACK;
}

/* Work on rows that is to be tried. */
typedef struct RowsAttempt
{
	Capture    *capture;
	const RowSet *rows;
	RowsWork	work;
} RowsAttempt;

/* Do it. */
static void
attempt_rows(void *argument)
{
	RowsAttempt *tried = (RowsAttempt *) argument;

	tried->work(tried->capture, tried->rows);
}

/* Do the work; if it fails, undo it and give the error. */
bool
capture_try(Capture *capture, const RowSet *rows, RowsWork work, ErrorData **error)
{
	RowsAttempt tried = {capture, rows, work};

	return attempt(attempt_rows, &tried, is_no_fault_of_rows, error);
}

/* Copy some of the rows. */
static RowSet
rows_slice(const RowSet *rows, int64 skip, int64 count)
{
	RowSet		slice = *rows;
	TupleTableSlot *slot = MakeSingleTupleTableSlot(rows->columns, &TTSOpsMinimalTuple);
	int			reader = tuplestore_alloc_read_pointer(rows->rows, EXEC_FLAG_REWIND);

	slice.rows = tuplestore_begin_heap(true, false, work_mem);
	slice.count = count;
	tuplestore_select_read_pointer(rows->rows, reader);
	tuplestore_rescan(rows->rows);
	if (skip > 0)
		(void) tuplestore_skiptuples(rows->rows, skip, true);
	while (count-- > 0 && tuplestore_gettupleslot(rows->rows, true, false, slot))
		tuplestore_puttupleslot(slice.rows, slot);
	ExecDropSingleTupleTableSlot(slot);
	return slice;
}

/* Work on some of the rows. */
static void
isolate_slice(Capture *capture, const RowSet *rows, int64 skip, int64 count, RowsWork work, RowFailure failure)
{
	RowSet		slice = rows_slice(rows, skip, count);

	capture_isolate(capture, &slice, work, failure);
	tuplestore_end(slice.rows);
}

/* Do the work on all rows with which it succeeds, and tell of the others one by one. */
void
capture_isolate(Capture *capture, const RowSet *rows, RowsWork work, RowFailure failure)
{
	ErrorData  *error;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	if (rows->count == 0 || capture_try(capture, rows, work, &error))
		return;
	if (rows->count == 1)
		failure(capture, rows, error);
	else
	{
		isolate_slice(capture, rows, 0, rows->count / 2, work, failure);
		isolate_slice(capture, rows, rows->count / 2, rows->count - rows->count / 2, work, failure);
	}
	FreeErrorData(error);
}

/* Write what the capture collected, in place of the old keys. */
static void
write_all(Capture *capture, const RowSet *ready)
{
	(void) target_write(capture->sink, capture->keys, capture->source_id,
						capture->keys == NULL ? TARGET_INSERT : TARGET_REPLACE);
}

/* The same while rows are still being mapped, so that they need not all be kept. */
static void
write_part(Sink *sink, void *writer)
{
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	write_all((Capture *) writer, NULL);
	SPI_finish();
}

/* Take away what was captured under the old keys. */
static void
write_nothing(Capture *capture, const RowSet *keys)
{
	Sink	   *nothing = sink_begin(&capture->captured->mapping, false);

	(void) target_write(nothing, capture->keys, capture->source_id, TARGET_REPLACE);
	tuplestore_end(nothing->ready);
}

/* Write some of the rows. */
static void
write_some(Capture *capture, const RowSet *ready)
{
	Sink		some = *capture->sink;

	some.ready = ready->rows;
	some.ready_count = ready->count;
	(void) target_write(&some, NULL, capture->source_id, TARGET_INSERT);
}

/* Note a row that cannot be written. */
static void
write_failed(Capture *capture, const RowSet *row, const ErrorData *error)
{
	sink_add_bad(capture->sink, sink_first_key(row->rows), error->sqlerrcode, error->message, false);
}

/* Write what can be written of the capture, and note what cannot. */
static void
write_isolated(Capture *capture)
{
	Sink	   *sink = capture->sink;
	RowSet		ready;
	ErrorData  *error;

	target_drop_repeated(sink, capture->keys, capture->source_id,
						 capture->keys == NULL ? TARGET_INSERT : TARGET_REPLACE);
	if (capture_try(capture, NULL, write_all, &error))
		return;
	/* a constraint that somebody added to the table, most likely: row by row, once the old ones are gone */
	if (capture->keys != NULL)
		write_nothing(capture, NULL);
	ready = (RowSet) {sink->ready, sink->ready_count, sink->columns, false};
	capture_isolate(capture, &ready, write_some, write_failed);
}

/* Capture rows before and after a statement; either may be NULL. */
static void
capture_rows(Capture *capture, const RowSet *old_rows, const RowSet *new_rows)
{
	bool		records_errors = capture->captured->mapping.records_errors;

	if (old_rows != NULL)
	{
		capture->keys = tuplestore_begin_heap(true, false, work_mem);
		if (records_errors)
			capture_isolate(capture, old_rows, capture_map_keys, capture_map_keys_failed);
		else
			map_keys(capture, old_rows, capture->keys);
		if (customers_were_erased())
			target_add_erased_keys(capture->keys);
	}
	if (new_rows != NULL && records_errors)
		capture_isolate(capture, new_rows, capture_map, capture_map_failed);
	else if (new_rows != NULL)
	{
		if (old_rows == NULL)
		{
			capture->sink->write_part = write_part;
			capture->sink->writer = capture;
		}
		map_rows(capture, new_rows, capture->sink);
	}

	if (!records_errors)
		write_all(capture, NULL);
	else
	{
		/* errors told before stay until maintain() looks: the key may be another row's as well */
		write_isolated(capture);
		target_record_errors(capture->sink, capture->source_id);
	}
}

/* Capture a statement in memory of its own. */
static void
capture_statement(Capture *capture, const RowSet *old_rows, const RowSet *new_rows)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "cx capture", ALLOCSET_DEFAULT_SIZES);
	MemoryContext before;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	before = MemoryContextSwitchTo(context);
	sink_lock_target(&capture->captured->mapping);
	capture->sink = sink_begin(&capture->captured->mapping, false);
	capture_rows(capture, old_rows, new_rows);
	tuplestore_end(capture->sink->ready);
	if (capture->keys != NULL)
		tuplestore_end(capture->keys);
	MemoryContextSwitchTo(before);
	SPI_finish();
	MemoryContextDelete(context);
}

/* Add the rows of a table to others. */
static void
rows_add_table(Tuplestorestate *rows, Relation table)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	TupleTableSlot *slot = table_slot_create(table, NULL);
	TableScanDesc scan = table_beginscan(table, snapshot, 0, NULL);

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		CHECK_FOR_INTERRUPTS();
		tuplestore_puttupleslot(rows, slot);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	UnregisterSnapshot(snapshot);
}

/* Take away what was captured of a table that is to be truncated. */
static void
capture_truncation(Capture *capture, Relation table)
{
	Capture		part = *capture;
	RowSet		rows = {tuplestore_begin_heap(true, false, work_mem), 0, RelationGetDescr(table), true};

	part.relation = table;
	rows_add_table(rows.rows, table);
	rows.count = tuplestore_tuple_count(rows.rows);
	if (rows.count > 0)
		capture_statement(&part, &rows, NULL);
	tuplestore_end(rows.rows);
}

/*
 * The same for the partitions of a table that do not have the triggers yet:
 * rows that came in through the table were captured all the same.
 */
static void
capture_truncation_of_new_partitions(Capture *capture)
{
	List	   *partitions = find_all_inheritors(RelationGetRelid(capture->relation), NoLock, NULL);
	ListCell   *cell;

	foreach(cell, partitions)
	{
		Relation	partition = table_open(lfirst_oid(cell), AccessShareLock);

		if (partition->rd_rel->relkind == RELKIND_RELATION && mapping_trigger(partition, capture->captured->arguments[1]) == NULL)
		{
			/* a plan is for one row type */
			Captured	captured = {.mapping = capture->captured->mapping};
			Capture		part = *capture;

			part.captured = &captured;
			capture_truncation(&part, partition);
			captured_free_plans(&captured);
		}
		table_close(partition, AccessShareLock);
	}
}

/* Say where an error comes from. */
static void
capture_error(void *argument)
{
	errcontext("capture of source \"%s\"", (const char *) argument);
}

/*
 * The source that a trigger captures for; NULL if there is nothing to do.  A
 * partition that was detached keeps its triggers until the next maintenance.
 */
static const CatalogEntry *
trigger_source(const TriggerData *trigger, const Captured *captured)
{
	const Mapping *mapping = &captured->mapping;
	const CatalogEntry *source = catalog_find(PROGRAM_SOURCE, mapping->source);

	if (source == NULL || source->kind != mapping->kind || !OidIsValid(source->relation) || !captured->is_signed)
	{
		ereport(mapping->records_errors ? WARNING : ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("trigger \"%s\" on \"%s\" is not registered as source \"%s\" of the CX program",
						trigger->tg_trigger->tgname, RelationGetRelationName(trigger->tg_relation), mapping->source),
				 errhint("Drop the trigger, or attach the relation with cx.attach_%s().",
						 source_kind_names[mapping->kind])));
		return NULL;
	}
	return source->is_pulled || !relation_belongs(trigger->tg_relation, source->relation) ? NULL : source;
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

/* A transition table as rows; NULL if it is empty or not there. */
static const RowSet *
transition_rows(RowSet *rows, Tuplestorestate *table, Relation relation)
{
	if (table == NULL || tuplestore_tuple_count(table) == 0)
		return NULL;
	*rows = (RowSet) {table, tuplestore_tuple_count(table), RelationGetDescr(relation), true};
	return rows;
}

/* Capture what a trigger was called for. */
static void
capture_fired(Capture *capture, TriggerData *trigger)
{
	ErrorContextCallback callback = {error_context_stack, capture_error, capture->captured->arguments[1]};
	RowSet		old_set;
	RowSet		new_set;
	const RowSet *old_rows = transition_rows(&old_set, trigger->tg_oldtable, trigger->tg_relation);
	const RowSet *new_rows = transition_rows(&new_set, trigger->tg_newtable, trigger->tg_relation);

	error_context_stack = &callback;
	if (old_rows != NULL || new_rows != NULL)
		capture_statement(capture, old_rows, new_rows);
	else if (!TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event))
		;						/* no rows */
	else if (trigger->tg_relation->rd_rel->relkind == RELKIND_RELATION)
		capture_truncation(capture, trigger->tg_relation);
	else
		capture_truncation_of_new_partitions(capture);
	error_context_stack = callback.previous;
}

/* Trigger on attached relations: keep feedback, events or tickets in step with the statement. */
PG_FUNCTION_INFO_V1(capture);
Datum
capture(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = capture_trigger(fcinfo);
	Captured   *captured = captured_get(trigger->tg_relation->rd_rel->relowner, trigger->tg_trigger);
	const CatalogEntry *source = trigger_source(trigger, captured);
	Capture		call = {.relation = trigger->tg_relation, .owner = trigger->tg_relation->rd_rel->relowner, .captured = captured};

	if (source == NULL)
		return PointerGetDatum(NULL);
	call.source_id = source->id;
	/* what runs now may change the trigger and fire it again */
	captured->users++;
	PG_TRY();
	{
		capture_fired(&call, trigger);
	}
	PG_FINALLY();
	{
		captured->users--;
	}
	PG_END_TRY();
	return PointerGetDatum(NULL);
}
