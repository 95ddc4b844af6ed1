/*-------------------------------------------------------------------------
 *
 * pull.c
 *	  Reads a whole attached relation, or a part of it: when it is attached,
 *	  where triggers cannot serve, and to try rows again that failed.
 *
 * Here too the mapping runs with the rights of the relation's owner.  This file
 * also makes and drops the triggers, for partitions that are added later get
 * theirs from CALL cx.maintain(), which runs as the program's owner.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "executor/tstoreReceiver.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "collect/capture.h"
#include "program/expression.h"
#include "program/owner.h"
#include "program/trigger.h"

/* Columns of the result of pull_source(). */
#define PULL_RESULT_COLUMNS 5

/* What is to be read. */
typedef struct Pull
{
	Capture		capture;		/* first, for what is done with rows gets this */
	const char *rows;			/* the relation as it stands behind FROM */
	bool		locks;			/* rows are locked against writers that triggers capture */
	bool		has_since;
	TimestampTz since;			/* only rows with at least this changed_at */
	ArrayType  *keys;			/* only rows with these keys; or NULL */
} Pull;

/* The registered source of this name. */
static const CatalogEntry *
find_source(const char *name)
{
	const CatalogEntry *source = name == NULL ? NULL : catalog_find(PROGRAM_SOURCE, name);

	if (source == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("source \"%s\" does not exist", name == NULL ? "" : name),
				 errhint("SELECT name FROM %s.source shows the sources.", PROGRAM_SCHEMA)));
	if (!OidIsValid(source->relation))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("source \"%s\" is not attached to a relation", name)));
	return source;
}

/* An attached relation, or a child of one, open. */
static Relation
open_attached(const CatalogEntry *source, Oid relation_id)
{
	Relation	relation = try_relation_open(relation_id, AccessShareLock);

	if (relation == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("the relation of source \"%s\" was dropped", source->code),
				 errhint("SELECT cx.detach_source(%s) keeps what was captured.", quote_literal_cstr(source->code))));
	return relation;
}

/* The trigger of a source on a relation that belongs to it, or an error. */
static Trigger *
find_trigger(Relation relation, const CatalogEntry *source)
{
	Trigger    *trigger = mapping_trigger(relation, source->code);

	if (trigger == NULL || !trigger_is_signed(relation->rd_rel->relowner, trigger) || !relation_belongs(relation, source->relation))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("relation \"%s\" has no registered trigger of source \"%s\"", RelationGetRelationName(relation), source->code),
				 errhint("Detach the source and attach it again.")));
	return trigger;
}

/* The columns of a relation as SELECT * gives them. */
static TupleDesc
columns_of_star(Relation relation)
{
	TupleDesc	all = RelationGetDescr(relation);
	TupleDesc	live;
	int			count = 0;

	for (int i = 0; i < all->natts; i++)
		count += !TupleDescAttr(all, i)->attisdropped;
	live = CreateTemplateTupleDesc(count);
	count = 0;
	for (int i = 0; i < all->natts; i++)
		if (!TupleDescAttr(all, i)->attisdropped)
			TupleDescCopyEntry(live, ++count, all, i + 1);
	return live;
}

/* Append the condition that a row has one of the keys, which are $2, and lock the rows if they are to be. */
static void
append_key_condition(StringInfo query, const Pull *pull)
{
	expression_append(query, pull->capture.captured->mapping.expressions[FIELD_KEY]);
	appendStringInfo(query, "::text = ANY ($2)%s", pull->locks ? " FOR SHARE" : "");
}

/* Append the conditions on what is to be pulled; since is $1. */
static void
append_pull_conditions(StringInfo query, const Pull *pull)
{
	const Mapping *mapping = &pull->capture.captured->mapping;

	if (mapping->expressions[FIELD_ONLY_IF] == NULL)
		appendStringInfoString(query, " WHERE true");
	if (pull->has_since && mapping->expressions[FIELD_CHANGED_AT] != NULL)
	{
		appendStringInfoString(query, " AND (");
		expression_append(query, mapping->expressions[FIELD_CHANGED_AT]);
		appendStringInfoString(query, "::timestamptz >= $1) IS NOT FALSE");
	}
	if (pull->keys != NULL)
	{
		appendStringInfoString(query, " AND ");
		append_key_condition(query, pull);
	}
}

/* Run a query on the relation; since is $1 and the keys are $2. */
static void
pull_query(Pull *pull, const char *query, DestReceiver *receiver)
{
	Oid			types[2] = {TIMESTAMPTZOID, TEXTARRAYOID};
	Datum		values[2] = {TimestampTzGetDatum(pull->since), PointerGetDatum(pull->keys)};
	bool		nulls[2] = {!pull->has_since, pull->keys == NULL};

	target_query_into(query, 2, types, values, nulls, receiver);
}

/* Run the mapping over the relation itself. */
static void
pull_rows(Capture *capture, const RowSet *unused)
{
	Pull	   *pull = (Pull *) capture;
	ActingAs	before = act_as_reader(capture->owner);
	Sink	   *part = sink_begin(&capture->captured->mapping, true);
	StringInfoData query;

	initStringInfo(&query);
	appendStringInfoString(&query, mapping_query(&capture->captured->mapping, pull->rows));
	append_pull_conditions(&query, pull);
	pull_query(pull, query.data, &part->receiver);
	sink_flush(part);
	sink_append(capture->sink, part);
	tuplestore_end(part->ready);
	act_as_before(before);
}

/* Read the rows that are to be pulled as they are; whether they are to be captured is left to the mapping. */
static RowSet
read_rows(Pull *pull)
{
	RowSet		rows = {tuplestore_begin_heap(true, false, work_mem), 0, columns_of_star(pull->capture.relation), false};
	DestReceiver *receiver = CreateDestReceiver(DestTuplestore);
	ActingAs	before = act_as_reader(pull->capture.owner);
	StringInfoData query;

	initStringInfo(&query);
	appendStringInfo(&query, "SELECT * FROM %s AS %s", pull->rows, quote_identifier(pull->capture.captured->mapping.alias));
	if (pull->keys != NULL)
	{
		appendStringInfoString(&query, " WHERE ");
		append_key_condition(&query, pull);
	}
	SetTuplestoreDestReceiverParams(receiver, rows.rows, CurrentMemoryContext, true, NULL, NULL);
	pull_query(pull, query.data, receiver);
	act_as_before(before);
	rows.count = tuplestore_tuple_count(rows.rows);
	return rows;
}

/* Collect what is to be pulled, recording errors of single rows if that is asked for. */
static void
pull_collect(Pull *pull, TargetMode mode)
{
	Capture    *capture = &pull->capture;
	ErrorData  *error;
	RowSet		rows;

	capture->sink = sink_begin(&capture->captured->mapping, false);
	if (!capture->captured->mapping.records_errors)
	{
		pull_rows(capture, NULL);
		return;
	}
	if (!capture_try(capture, NULL, pull_rows, &error))
	{
		rows = read_rows(pull);
		capture_isolate(capture, &rows, capture_map, capture_map_failed);
		tuplestore_end(rows.rows);
	}
	target_drop_repeated(capture->sink, NULL, capture->source_id, mode);
}

/* The result row. */
static Datum
pull_result(FunctionCallInfo fcinfo, const TargetCounts *counts, const Sink *sink)
{
	TupleDesc	columns;
	Datum		values[PULL_RESULT_COLUMNS];
	bool		nulls[PULL_RESULT_COLUMNS] = {false};

	if (get_call_result_type(fcinfo, NULL, &columns) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "pull_source() must return a row");
	values[0] = Int64GetDatum(counts->inserted);
	values[1] = Int64GetDatum(counts->updated);
	values[2] = Int64GetDatum(counts->deleted);
	values[3] = Int64GetDatum(list_length(sink->bad));
	values[4] = TimestampTzGetDatum(sink->changed_until);
	nulls[4] = sink->changed_until == DT_NOBEGIN;
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(columns), values, nulls));
}

/* Keep writers of a relation and its children away until the transaction ends. */
static void
lock_writers_out(Oid relation)
{
	LockRelationOid(relation, ShareRowExclusiveLock);
	list_free(find_all_inheritors(relation, ShareRowExclusiveLock, NULL));
}

/* Write what was collected. */
static TargetCounts
pull_write(Pull *pull, TargetMode mode)
{
	Capture    *capture = &pull->capture;
	TargetCounts counts = target_write(capture->sink, NULL, capture->source_id, mode);

	if (mode == TARGET_MERGE && capture->sink->bad != NIL)
		counts.deleted += target_delete_bad(capture->sink, capture->source_id);
	target_record_errors(capture->sink, capture->source_id);
	tuplestore_end(capture->sink->ready);
	captured_free_plans(capture->captured);
	return counts;
}

/*
 * Bring feedback, events or tickets in step with an attached relation:
 * pull_source(source, since, keys, part).  With since only rows changed since
 * then, with keys only these rows; else all of them, and what is not among them
 * leaves.  With part, the rows of this partition or child alone.
 */
PG_FUNCTION_INFO_V1(pull_source);
Datum
pull_source(PG_FUNCTION_ARGS)
{
	const CatalogEntry *source = find_source(PG_ARGISNULL(0) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(0)));
	bool		is_part = !PG_ARGISNULL(1) || !PG_ARGISNULL(2) || !PG_ARGISNULL(3);
	TargetMode	mode = is_part ? TARGET_MERGE : TARGET_MIRROR;
	Relation	relation = open_attached(source, PG_ARGISNULL(3) ? source->relation : PG_GETARG_OID(3));
	Trigger    *trigger = find_trigger(relation, source);
	Captured	captured = {.mapping = mapping_read(trigger->tgnargs, trigger_arguments(trigger))};
	Pull		pull = {.capture = {.relation = relation, .owner = relation->rd_rel->relowner, .captured = &captured, .source_id = source->id},
		.rows = relation_full_name(relation), .locks = !source->is_pulled, .has_since = !PG_ARGISNULL(1)};
	TargetCounts counts;
	Datum		result;

	check_may_act_for(relation);
	if (!source->is_pulled && PG_ARGISNULL(2))
		lock_writers_out(RelationGetRelid(relation));
	if (pull.has_since)
		pull.since = PG_GETARG_TIMESTAMPTZ(1);
	if (!PG_ARGISNULL(2))
		pull.keys = PG_GETARG_ARRAYTYPE_P(2);
	if (!PG_ARGISNULL(3))
		pull.rows = psprintf("ONLY %s", pull.rows);

	SPI_connect();
	sink_lock_target(&captured.mapping);
	pull_collect(&pull, mode);
	counts = pull_write(&pull, mode);
	result = SPI_datumTransfer(pull_result(fcinfo, &counts, pull.capture.sink), false, -1);
	SPI_finish();
	relation_close(relation, NoLock);
	PG_RETURN_DATUM(result);
}

/* Whether the caller may know how many rows a relation has. */
static bool
may_count(Relation relation)
{
	return may_act_for(relation) ||
		pg_class_aclcheck(RelationGetRelid(relation), GetUserId(), ACL_SELECT) == ACLCHECK_OK;
}

/* Count the rows to be captured with the rights of the relation's owner. */
static int64
count_rows(Relation relation, const Mapping *mapping)
{
	char	   *query = psprintf("SELECT pg_catalog.count(*) FROM (%s) AS rows", mapping_key_query(mapping, relation_full_name(relation)));
	ActingAs	before = act_as_reader(relation->rd_rel->relowner);
	int64		count;
	bool		isnull;

	SPI_connect();
	if (SPI_execute(query, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "cannot count the rows of a source");
	count = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_finish();
	act_as_before(before);
	return count;
}

/* How many rows of an attached relation are to be captured; NULL if there is none or the caller may not know. */
PG_FUNCTION_INFO_V1(count_source);
Datum
count_source(PG_FUNCTION_ARGS)
{
	const CatalogEntry *source = catalog_find(PROGRAM_SOURCE, text_to_cstring(PG_GETARG_TEXT_PP(0)));
	Relation	relation = source == NULL ? NULL : try_relation_open(source->relation, AccessShareLock);
	Trigger    *trigger = relation == NULL ? NULL : mapping_trigger(relation, source->code);
	Mapping		mapping;
	int64		count = -1;

	if (trigger != NULL && trigger_is_signed(relation->rd_rel->relowner, trigger) && may_count(relation))
	{
		mapping = mapping_read(trigger->tgnargs, trigger_arguments(trigger));
		count = count_rows(relation, &mapping);
	}
	if (relation != NULL)
		relation_close(relation, AccessShareLock);
	if (count < 0)
		PG_RETURN_NULL();
	PG_RETURN_INT64(count);
}

/* Make the triggers of a source on a relation, with the rights of the relation's owner, within an SPI connection. */
static void
create_triggers(Relation relation, const CatalogEntry *source, int count, char **arguments)
{
	static const char *const events[][3] = {
		{"insert", "AFTER INSERT", "REFERENCING NEW TABLE AS " MAPPING_NEW_ROWS},
		{"update", "AFTER UPDATE", "REFERENCING OLD TABLE AS " MAPPING_OLD_ROWS " NEW TABLE AS " MAPPING_NEW_ROWS},
		{"delete", "AFTER DELETE", "REFERENCING OLD TABLE AS " MAPPING_OLD_ROWS},
		{"truncate", "BEFORE TRUNCATE", ""},
	};
	char	   *prefix = psprintf("cx_%s_" INT64_FORMAT, source_kind_names[source->kind], source->id);
	bool		is_pulled = source->is_pulled;
	ActingAs	before = act_as(relation->rd_rel->relowner);

	if (is_pulled)
		trigger_create(relation, psprintf("%s_pull", prefix), "AFTER INSERT", "", "capture", count, arguments);
	for (int i = 0; !is_pulled && i < (int) lengthof(events); i++)
		trigger_create(relation, psprintf("%s_%s", prefix, events[i][0]), events[i][1], events[i][2], "capture", count, arguments);
	act_as_before(before);
}

/* Check a mapping and make the triggers: create_capture_triggers(source, arguments). */
PG_FUNCTION_INFO_V1(create_capture_triggers);
Datum
create_capture_triggers(PG_FUNCTION_ARGS)
{
	const CatalogEntry *source = find_source(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	Relation	relation = open_attached(source, source->relation);
	Datum	   *values;
	char	  **arguments;
	int			count;
	Mapping		mapping;

	if (!has_privs_of_role(GetUserId(), relation->rd_rel->relowner))
		aclcheck_error(ACLCHECK_NOT_OWNER, get_relkind_objtype(relation->rd_rel->relkind), RelationGetRelationName(relation));
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false, TYPALIGN_INT, &values, NULL, &count);
	arguments = palloc(sizeof(char *) * Max(count, 1));
	for (int i = 0; i < count; i++)
		arguments[i] = TextDatumGetCString(values[i]);
	mapping = mapping_read(count, arguments);
	mapping_check(&mapping, relation);

	SPI_connect();
	create_triggers(relation, find_source(mapping.source), count, arguments);
	SPI_finish();
	relation_close(relation, NoLock);
	PG_RETURN_VOID();
}

/* Whether a child can have the triggers that its parent has; says why not. */
static bool
child_can_be_covered(Relation child, Oid owner)
{
	const char *why = NULL;

	if (RELATION_IS_OTHER_TEMP(child))
		return false;
	if (child->rd_rel->relkind != RELKIND_RELATION && child->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		why = "it is not an ordinary table";
	else if (child->rd_rel->relpersistence == RELPERSISTENCE_TEMP)
		why = "it is temporary";
	else if (child->rd_rel->relpersistence == RELPERSISTENCE_UNLOGGED)
		why = "it is unlogged and empty after a crash, feedback is not";
	else if (child->rd_rel->relowner != owner)
		why = "it has another owner than the table it belongs to";
	if (why != NULL)
		ereport(WARNING,
				(errmsg("rows written directly to \"%s\" are not captured: %s", RelationGetRelationName(child), why)));
	return why == NULL;
}

/* Make the triggers on one child, unless it has them; whether that was done. */
static bool
cover_child(Oid child_id, Relation parent, const char *name)
{
	Relation	child = relation_open(child_id, AccessShareLock);
	const CatalogEntry *source = find_source(name);
	Trigger    *trigger = find_trigger(parent, source);
	int			count = trigger->tgnargs;
	char	  **arguments = trigger_arguments(trigger);
	bool		is_new = mapping_trigger(child, name) == NULL && child_can_be_covered(child, parent->rd_rel->relowner);

	if (is_new)
	{
		SPI_connect();
		create_triggers(child, source, count, arguments);
		SPI_finish();
	}
	relation_close(child, NoLock);
	return is_new;
}

/* Make the triggers on partitions and children that lack them: cover_children(source); gives these. */
PG_FUNCTION_INFO_V1(cover_children);
Datum
cover_children(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	const CatalogEntry *source = find_source(name);
	Relation	parent = open_attached(source, source->relation);
	List	   *children = source->is_pulled ? NIL : find_all_inheritors(source->relation, AccessShareLock, NULL);
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ListCell   *cell;

	check_may_act_for(parent);
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	foreach(cell, children)
	{
		Datum		child = ObjectIdGetDatum(lfirst_oid(cell));
		bool		isnull = false;

		if (lfirst_oid(cell) != RelationGetRelid(parent) && cover_child(lfirst_oid(cell), parent, name))
			tuplestore_putvalues(result->setResult, result->setDesc, &child, &isnull);
	}
	relation_close(parent, NoLock);
	return (Datum) 0;
}

/* Relations that have triggers of a source, attached now or once: captured_relations(source). */
PG_FUNCTION_INFO_V1(captured_relations);
Datum
captured_relations(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	SPI_connect();
	if (SPI_execute("SELECT DISTINCT tgrelid FROM pg_catalog.pg_trigger WHERE tgfoid = 'cx.capture()'::pg_catalog.regprocedure"
					" ORDER BY tgrelid", true, 0) != SPI_OK_SELECT)
		elog(ERROR, "cannot read the triggers");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		Datum		relation_id = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull);
		Relation	relation = try_relation_open(DatumGetObjectId(relation_id), AccessShareLock);

		if (relation == NULL)
			continue;
		if (mapping_trigger(relation, name) != NULL)
			tuplestore_putvalues(result->setResult, result->setDesc, &relation_id, &isnull);
		relation_close(relation, AccessShareLock);
	}
	SPI_finish();
	return (Datum) 0;
}

/* Drop the triggers of a source on a relation: drop_capture_triggers(relation, source). */
PG_FUNCTION_INFO_V1(drop_capture_triggers);
Datum
drop_capture_triggers(PG_FUNCTION_ARGS)
{
	Oid			relation_id = PG_GETARG_OID(0);
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(1));

	SPI_connect();
	for (;;)
	{
		Relation	relation = relation_open(relation_id, AccessShareLock);
		Oid			owner = relation->rd_rel->relowner;
		Trigger    *trigger;
		char	   *command = NULL;
		ActingAs	before;

		check_may_act_for(relation);
		LockRelationOid(relation_id, ShareRowExclusiveLock);
		trigger = mapping_trigger(relation, name);
		if (trigger != NULL)
			command = psprintf("DROP TRIGGER %s ON %s", quote_identifier(trigger->tgname), relation_full_name(relation));
		/* a trigger cannot be dropped while its table is open */
		relation_close(relation, NoLock);
		if (command == NULL)
			break;
		before = act_as(owner);
		run_utility(command);
		act_as_before(before);
	}
	SPI_finish();
	PG_RETURN_VOID();
}
