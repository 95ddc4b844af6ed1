/*-------------------------------------------------------------------------
 *
 * target.c
 *	  The fixed statements that write feedback, events and tickets.
 *
 * They run with the rights of the program's owner over two sets of rows, named
 * cx_rows (ready to be written) and cx_gone (old keys), which the executor
 * reads like transition tables.  Those that run for each statement of a user
 * are planned once per session.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tstoreReceiver.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "collect/live_tally.h"
#include "collect/target.h"
#include "people/erase.h"
#include "program/owner.h"

/* The statements; the source is $1. */
typedef enum TargetStatement
{
	STATEMENT_INSERT,			/* all rows */
	STATEMENT_INSERT_MANY,		/* the same, in the order of the index in which rows would lie furthest apart */
	STATEMENT_INSERT_MISSING,	/* those that are not there */
	STATEMENT_INSERT_NEWEST,	/* the same; one that somebody else adds meanwhile is updated unless it is newer */
	STATEMENT_INSERT_AFTER,		/* those that are not there, or whose key is not an old one */
	STATEMENT_UPDATE,			/* those that are there and differ */
	STATEMENT_UPDATE_OLDER,		/* the same, unless what is there is newer */
	STATEMENT_DELETE_GONE,		/* old keys that are not among the rows */
	STATEMENT_DELETE_OTHERS,	/* whatever is not among the rows */
	STATEMENT_FIND_REPEATED,	/* a key that comes twice */
	STATEMENTS
} TargetStatement;

#define FEEDBACK_COLUMNS "customer_id, touchpoint_id, org_unit_id, staff_id, responded_at, score, kind, metric, channel, comment, attributes, changed_at, customer_merge_id"
#define FEEDBACK_READY "r.customer_id, r.touchpoint_id, r.org_unit_id, r.staff_id, r.at, r.score, r.kind, r.metric, r.channel, r.comment, r.attributes, r.changed_at, r.customer_merge_id"
#define FEEDBACK_THERE "t.customer_id, t.touchpoint_id, t.org_unit_id, t.staff_id, t.responded_at, t.score, t.kind, t.metric, t.channel, t.comment, t.attributes, t.changed_at, t.customer_merge_id"
#define FEEDBACK_EXCLUDED "excluded.customer_id, excluded.touchpoint_id, excluded.org_unit_id, excluded.staff_id, excluded.responded_at, excluded.score, excluded.kind, excluded.metric, excluded.channel, excluded.comment, excluded.attributes, excluded.changed_at, excluded.customer_merge_id"
#define EVENT_COLUMNS "customer_id, touchpoint_id, org_unit_id, occurred_at, name, value, attributes, customer_merge_id"
#define EVENT_READY "r.customer_id, r.touchpoint_id, r.org_unit_id, r.at, r.name, r.value, r.attributes, r.customer_merge_id"
#define EVENT_THERE "t.customer_id, t.touchpoint_id, t.org_unit_id, t.occurred_at, t.name, t.value, t.attributes, t.customer_merge_id"

/*
 * Of a ticket the table may not say all.  Where it does not say when a ticket
 * was solved or answered first, what is known of it stays; what is not known is
 * left NULL here, and a trigger puts the time of the change there.
 */
#define IS_SOLVED(alias) alias ".status IN ('solved', 'closed')"
#define TICKET_UNIT "coalesce(r.org_unit_id, (SELECT p.owner_unit_id FROM cx_data.touchpoint AS p WHERE p.touchpoint_id = r.touchpoint_id))"
#define TICKET_COLUMNS "customer_id, touchpoint_id, org_unit_id, staff_id, opened_at, status, priority, root_cause, subject, changed_at, customer_merge_id," \
	" first_responded_at, solved_at, closed_at, reopen_count"
#define TICKET_FACTS "r.customer_id, r.touchpoint_id, " TICKET_UNIT ", r.staff_id, r.at, r.status, r.priority, r.root_cause, r.comment, r.changed_at, r.customer_merge_id, "
#define TICKET_READY TICKET_FACTS "r.first_responded_at, CASE WHEN " IS_SOLVED("r") " THEN coalesce(r.solved_at, r.closed_at) END," \
	" CASE r.status WHEN 'closed' THEN r.closed_at END, coalesce(r.reopen_count, 0)"
#define TICKET_CHANGED TICKET_FACTS "coalesce(r.first_responded_at, CASE WHEN " IS_SOLVED("t") " OR t.reopened_at IS NOT NULL THEN t.first_responded_at END)," \
	" CASE WHEN " IS_SOLVED("r") " THEN coalesce(r.solved_at, t.solved_at, r.closed_at) END," \
	" CASE r.status WHEN 'closed' THEN coalesce(r.closed_at, t.closed_at) END," \
	" coalesce(r.reopen_count, t.reopen_count + (" IS_SOLVED("t") " AND NOT " IS_SOLVED("r") ")::integer)"
#define TICKET_THERE "t.customer_id, t.touchpoint_id, t.org_unit_id, t.staff_id, t.opened_at, t.status, t.priority, t.root_cause, t.subject, t.changed_at, t.customer_merge_id," \
	" t.first_responded_at, t.solved_at, t.closed_at, t.reopen_count"

/* Rows from which on a table is read as a whole instead of row by row. */
#define TARGET_MANY_ROWS 10000

/* All columns of cx_rows, and those of tickets. */
#define READY_ALL "source_key, customer_id, touchpoint_id, org_unit_id, staff_id, at, score, kind, metric, channel, comment, name, value, attributes, changed_at, customer_merge_id"
#define READY_TICKET READY_ALL ", status, priority, first_responded_at, solved_at, closed_at, reopen_count, root_cause"

/* The query for keys that come twice. */
#define REPEATED_KEYS "SELECT source_key FROM cx_rows GROUP BY source_key HAVING pg_catalog.count(*) > 1"

/* What differs between the tables. */
typedef struct TargetTable
{
	const char *name;
	const char *rows;			/* all columns of cx_rows */
	const char *columns;		/* its own that are written */
	const char *ready;			/* the same of cx_rows AS r */
	const char *changed;		/* the same where it is there already, as t */
	const char *there;			/* the same of the table AS t */
	const char *excluded;		/* the same of excluded; NULL where nothing is imported */
	const char *order;			/* in which new rows are numbered; empty for any */
} TargetTable;

static const TargetTable target_tables[SOURCE_KINDS] = {
	[SOURCE_FEEDBACK] = {"cx_data.feedback", READY_ALL, FEEDBACK_COLUMNS, FEEDBACK_READY, FEEDBACK_READY, FEEDBACK_THERE, FEEDBACK_EXCLUDED, ""},
	[SOURCE_EVENT] = {"cx_data.event", READY_ALL, EVENT_COLUMNS, EVENT_READY, EVENT_READY, EVENT_THERE, NULL, ""},
	[SOURCE_TICKET] = {"cx_data.ticket", READY_TICKET, TICKET_COLUMNS, TICKET_READY, TICKET_CHANGED, TICKET_THERE, NULL, " ORDER BY r.at, r.source_key"},
};

/* Plans kept for the session, for each kind of source. */
static SPIPlanPtr target_plans[SOURCE_KINDS][STATEMENTS];

/* The columns of a set of keys. */
TupleDesc
target_key_columns(void)
{
	TupleDesc	columns = CreateTemplateTupleDesc(1);

	TupleDescInitEntry(columns, 1, "source_key", TEXTOID, -1, 0);
	return columns;
}

/* Add to keys those under which their rows are kept if their customers were erased. */
void
target_add_erased_keys(Tuplestorestate *keys)
{
	TupleDesc	columns = target_key_columns();
	TupleTableSlot *slot = MakeSingleTupleTableSlot(columns, &TTSOpsMinimalTuple);
	MemoryContext row_context = AllocSetContextCreate(CurrentMemoryContext, "cx erased key", ALLOCSET_SMALL_SIZES);
	int64		count = tuplestore_tuple_count(keys);

	tuplestore_rescan(keys);
	for (int64 i = 0; i < count && tuplestore_gettupleslot(keys, true, true, slot); i++)
	{
		MemoryContext before = MemoryContextSwitchTo(row_context);
		bool		isnull;
		Datum		key = slot_getattr(slot, 1, &isnull);

		CHECK_FOR_INTERRUPTS();
		if (!isnull)
		{
			key = CStringGetTextDatum(erased_key(TextDatumGetCString(key)));
			tuplestore_putvalues(keys, columns, &key, &isnull);
		}
		MemoryContextSwitchTo(before);
		MemoryContextReset(row_context);
	}
	ExecDropSingleTupleTableSlot(slot);
	MemoryContextDelete(row_context);
}

/*
 * Let the statements of this SPI connection see rows under a name.  What the
 * connection keeps of that must outlive the attempt that registers it.
 */
void
target_register_rows(const char *name, Tuplestorestate *rows, int64 count, TupleDesc columns, Oid relation)
{
	EphemeralNamedRelation named = (EphemeralNamedRelation) SPI_palloc(sizeof(EphemeralNamedRelationData));
	MemoryContext before = MemoryContextSwitchTo(GetMemoryChunkContext(named));

	named->md.name = pstrdup(name);
	named->md.reliddesc = relation;
	named->md.tupdesc = columns == NULL ? NULL : CreateTupleDescCopy(columns);
	named->md.enrtype = ENR_NAMED_TUPLESTORE;
	named->md.enrtuples = count;
	named->reldata = rows;
	(void) SPI_unregister_relation(name);
	if (SPI_register_relation(named) != SPI_OK_REL_REGISTER)
		elog(ERROR, "cannot register rows \"%s\"", name);
	MemoryContextSwitchTo(before);
}

/* The parameters of a statement. */
ParamListInfo
target_params(int count, const Oid *types, const Datum *values, const bool *nulls)
{
	ParamListInfo params = makeParamList(count);

	for (int i = 0; i < count; i++)
	{
		params->params[i].value = values[i];
		params->params[i].isnull = nulls[i];
		params->params[i].pflags = PARAM_FLAG_CONST;
		params->params[i].ptype = types[i];
	}
	return params;
}

/* Send the rows that a query gives to a receiver, within an SPI connection. */
void
target_query_into(const char *query, int count, Oid *types, const Datum *values, const bool *nulls, DestReceiver *receiver)
{
	SPIExecuteOptions options = {.dest = receiver, .params = target_params(count, types, values, nulls)};
	SPIPlanPtr	plan = SPI_prepare(query, count, types);

	if (plan == NULL || SPI_execute_plan_extended(plan, &options) < 0)
		elog(ERROR, "cannot run: %s", query);
}

/*
 * A set of rows, and how its keys are those of the table AS t.  From row to row
 * the source stands in the row: else a plan made while the table is empty may
 * read all of the source for each row, which costs the same then.
 */
static void
target_keys(const char *rows, const char *alias, bool row_by_row, char **from, char **is_same)
{
	*from = psprintf(row_by_row ? "(SELECT $1 AS source_id, * FROM %s OFFSET 0) AS %s" : "%s AS %s", rows, alias);
	*is_same = row_by_row ? psprintf("t.source_id = %s.source_id AND t.source_key = %s.source_key", alias, alias) :
		psprintf("t.source_id = $1 AND t.source_key = %s.source_key", alias);
}

/* The text of a statement. */
static char *
target_statement(const TargetTable *table, TargetStatement statement, bool row_by_row)
{
	char	   *rows;
	char	   *is_row;
	char	   *gone;
	char	   *is_gone;
	char	   *insert;
	char	   *update;
	char	   *missing;

	target_keys("cx_rows", "r", row_by_row, &rows, &is_row);
	target_keys("cx_gone", "g", row_by_row, &gone, &is_gone);
	insert = psprintf("INSERT INTO %s AS t (source_id, source_key, %s) SELECT $1, r.source_key, %s FROM %s",
					  table->name, table->columns, table->ready, rows);
	update = psprintf("UPDATE %s AS t SET (%s) = ROW (%s) FROM %s WHERE %s AND (%s) IS DISTINCT FROM (%s)",
					  table->name, table->columns, table->changed, rows, is_row, table->there, table->changed);
	missing = psprintf("NOT EXISTS (SELECT FROM %s AS t WHERE %s)", table->name, is_row);

	switch (statement)
	{
		case STATEMENT_INSERT:
			return psprintf("%s%s", insert, table->order);
		case STATEMENT_INSERT_MANY:
			return psprintf("%s%s", insert, table->order[0] != '\0' ? table->order : " ORDER BY r.customer_id");
		case STATEMENT_INSERT_MISSING:
			return psprintf("%s WHERE %s%s", insert, missing, table->order);
		case STATEMENT_INSERT_NEWEST:
			return psprintf("%s WHERE %s ON CONFLICT (source_id, source_key) DO UPDATE SET (%s) = ROW (%s)"
							" WHERE t.changed_at IS NULL OR t.changed_at <= excluded.changed_at",
							insert, missing, table->columns, table->excluded);
		case STATEMENT_INSERT_AFTER:
			return psprintf("%s WHERE r.source_key NOT IN (SELECT g.source_key FROM cx_gone AS g WHERE g.source_key IS NOT NULL) OR %s%s",
							insert, missing, table->order);
		case STATEMENT_UPDATE:
			return update;
		case STATEMENT_UPDATE_OLDER:
			return psprintf("%s AND (t.changed_at IS NULL OR t.changed_at <= r.changed_at)", update);
		case STATEMENT_DELETE_GONE:
			return psprintf("DELETE FROM %s AS t USING %s WHERE %s AND g.source_key NOT IN (SELECT source_key FROM cx_rows)",
							table->name, gone, is_gone);
		case STATEMENT_DELETE_OTHERS:
			return psprintf("DELETE FROM %s AS t WHERE t.source_id = $1"
							" AND NOT EXISTS (SELECT FROM cx_rows AS r WHERE r.source_key = t.source_key)", table->name);
		case STATEMENT_FIND_REPEATED:
			return pstrdup(REPEATED_KEYS " LIMIT 1");
		case STATEMENTS:
			break;
	}
	elog(ERROR, "no such statement: %d", statement);
}

/*
 * The plan of a statement.  A plan that is kept must be good for one row as
 * well as for a million, so it goes by index from row to row; one made for this
 * time may suit its rows.
 */
static SPIPlanPtr
target_plan(SourceKind kind, TargetStatement statement, bool keep)
{
	Oid			type = INT8OID;
	SPIPlanPtr	plan = target_plans[kind][statement];

	if (keep && plan != NULL)
		return plan;
	plan = SPI_prepare_cursor(target_statement(&target_tables[kind], statement, keep), 1, &type,
							  keep ? CURSOR_OPT_GENERIC_PLAN : CURSOR_OPT_CUSTOM_PLAN);
	if (plan == NULL)
		elog(ERROR, "cannot prepare a statement: %s", SPI_result_code_string(SPI_result));
	if (keep)
	{
		SPI_keepplan(plan);
		target_plans[kind][statement] = plan;
	}
	return plan;
}

/* Run a plan whose rows the triggers need not check again. */
static void
target_execute(SPIPlanPtr plan, int64 source_id)
{
	Datum		argument = Int64GetDatum(source_id);
	int			before = live_tally_trust();

	PG_TRY();
	{
		if (SPI_execute_plan(plan, &argument, NULL, false, 0) < 0)
			elog(ERROR, "cannot run a statement on the CX program");
	}
	PG_FINALLY();
	{
		live_tally_trust_before(before);
	}
	PG_END_TRY();
}

/* Run a statement; gives how many rows it changed or found. */
static int64
target_run(SourceKind kind, TargetStatement statement, bool keep, int64 source_id)
{
	target_execute(target_plan(kind, statement, keep), source_id);
	return SPI_processed;
}

/* Raise an error if a key comes twice. */
static void
target_check_repeated(SourceKind kind, bool keep, int64 source_id)
{
	if (target_run(kind, STATEMENT_FIND_REPEATED, keep, source_id) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNIQUE_VIOLATION),
				 errmsg("key \"%s\" comes twice", SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1)),
				 errhint("The key must be unique over the whole source.")));
}

/* Switch kinds of plans off, while the settings' level lasts. */
static void
target_switch_off(const char *const *settings, int count)
{
	for (int i = 0; i < count; i++)
		(void) set_config_option(settings[i], "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

/*
 * Say how rows and table are to be brought together, for the planner does not
 * know how large the table is about to become: for a few rows by index from row
 * to row, for many by reading both once.
 */
static void
target_choose_plans(TargetMode mode, bool keep)
{
	static const char *const all_but_indexes[] = {"enable_seqscan", "enable_hashjoin", "enable_mergejoin"};
	static const char *const row_by_row[] = {"enable_nestloop"};

	if (!keep)
		target_switch_off(row_by_row, lengthof(row_by_row));
	else if (mode != TARGET_INSERT)
		target_switch_off(all_but_indexes, lengthof(all_but_indexes));
}

/* Let the statements see the rows of a sink, and old keys if there are any. */
static void
target_register(Sink *sink, Tuplestorestate *old_keys, bool keep)
{
	target_register_rows("cx_rows", sink->ready, keep ? 1 : sink->ready_count, sink->columns, InvalidOid);
	if (old_keys != NULL)
		target_register_rows("cx_gone", old_keys, keep ? 1 : tuplestore_tuple_count(old_keys), target_key_columns(), InvalidOid);
}

/* The rows that a query on cx_rows and cx_gone gives, with the source as $1. */
static Tuplestorestate *
target_select(const char *query, int64 source_id)
{
	Tuplestorestate *rows = tuplestore_begin_heap(true, false, work_mem);
	DestReceiver *receiver = CreateDestReceiver(DestTuplestore);
	Oid			type = INT8OID;
	Datum		argument = Int64GetDatum(source_id);
	bool		isnull = false;

	SetTuplestoreDestReceiverParams(receiver, rows, CurrentMemoryContext, false, NULL, NULL);
	target_query_into(query, 1, &type, &argument, &isnull, receiver);
	return rows;
}

/* Have other rows take the place of those that are ready. */
static void
target_set_ready(Sink *sink, Tuplestorestate *rows)
{
	tuplestore_end(sink->ready);
	sink->ready = rows;
	sink->ready_count = tuplestore_tuple_count(rows);
}

/* Note rows with these keys as bad. */
static void
sink_add_repeated(Sink *sink, Tuplestorestate *keys)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(target_key_columns(), &TTSOpsMinimalTuple);
	bool		isnull;

	tuplestore_rescan(keys);
	while (tuplestore_gettupleslot(keys, true, false, slot))
	{
		char	   *key = TextDatumGetCString(slot_getattr(slot, 1, &isnull));

		sink_add_bad(sink, key, ERRCODE_UNIQUE_VIOLATION, psprintf("key \"%s\" comes twice", key), false);
	}
	ExecDropSingleTupleTableSlot(slot);
}

/* Where a query finds keys that are not to be written, note these as bad and keep only what another one selects. */
static void
target_drop(Sink *sink, const char *find_keys, const char *keep, int64 source_id)
{
	Tuplestorestate *keys = target_select(find_keys, source_id);
	int64		count = tuplestore_tuple_count(keys);

	if (count > 0)
	{
		sink_add_repeated(sink, keys);
		target_register_rows("cx_repeated", keys, count, target_key_columns(), InvalidOid);
		target_set_ready(sink, target_select(keep, source_id));
		target_register_rows("cx_rows", sink->ready, sink->ready_count, sink->columns, InvalidOid);
	}
	tuplestore_end(keys);
}

/*
 * Note rows as bad whose key another row has: of rows that come together one
 * is kept, of rows that come to one that is there already none.
 */
void
target_drop_repeated(Sink *sink, Tuplestorestate *old_keys, int64 source_id, TargetMode mode)
{
	const TargetTable *table = &target_tables[sink->mapping->kind];
	ActingAs	before;

	if (sink->ready_count == 0)
		return;
	before = act_as(program_owner());
	target_register(sink, old_keys, false);
	if (sink->ready_count > 1)
		target_drop(sink, REPEATED_KEYS,
					psprintf("SELECT DISTINCT ON (source_key) %s FROM (SELECT *, pg_catalog.row_number() OVER () AS place FROM cx_rows) AS r"
							 " ORDER BY source_key, place", table->rows), source_id);
	if (mode == TARGET_INSERT || mode == TARGET_REPLACE)
		target_drop(sink, psprintf("SELECT r.source_key FROM cx_rows AS r JOIN %s AS t ON t.source_id = $1 AND t.source_key = r.source_key%s",
								   table->name,
								   old_keys == NULL ? "" : " WHERE r.source_key NOT IN (SELECT source_key FROM cx_gone WHERE source_key IS NOT NULL)"),
					psprintf("SELECT %s FROM cx_rows WHERE source_key NOT IN (SELECT source_key FROM cx_repeated)", table->rows), source_id);
	act_as_before(before);
}

/*
 * Of rows with the same key keep the one that was changed last, and of these the
 * last, leaving out answers taken back that were not there.  They come in the
 * order of their keys then, so that sessions which bring the same ones do not
 * wait for each other in a circle.
 */
void
target_keep_newest(Sink *sink, int64 source_id)
{
	ActingAs	before;

	if (sink->ready_count == 0)
		return;
	before = act_as(program_owner());
	target_register(sink, NULL, false);
	target_set_ready(sink, target_select("SELECT " READY_ALL " FROM ("
								"SELECT DISTINCT ON (source_key COLLATE \"C\") * FROM (SELECT *, pg_catalog.row_number() OVER () AS place FROM cx_rows) AS r"
								" ORDER BY source_key COLLATE \"C\", changed_at DESC, name IS NOT NULL, place DESC) AS r"
								" WHERE name IS NULL OR (SELECT t.changed_at < r.changed_at FROM cx_data.feedback AS t WHERE t.source_id = $1 AND t.source_key = r.source_key)", source_id));
	act_as_before(before);
}

/*
 * Rows that are there already, of customers who were erased: they stay those
 * even if what comes now does not name the customer any more.
 */
void
target_follow_erased(Sink *sink, int64 source_id)
{
	ActingAs	before;

	if (sink->ready_count == 0 || !customers_were_erased())
		return;
	before = act_as(program_owner());
	target_register(sink, NULL, false);
	target_set_ready(sink, target_select("SELECT coalesce(t.source_key, r.source_key), CASE WHEN t.source_key IS NULL THEN r.customer_id END, r.touchpoint_id,"
								" CASE WHEN t.source_key IS NULL THEN r.org_unit_id ELSE coalesce(r.org_unit_id, t.org_unit_id) END,"
								" r.staff_id, r.at, r.score, r.kind, r.metric, r.channel,"
								" CASE WHEN t.source_key IS NULL THEN r.comment END, r.name, r.value,"
								" CASE WHEN t.source_key IS NULL THEN r.attributes END, r.changed_at,"
								" CASE WHEN t.source_key IS NULL THEN r.customer_merge_id END"
								" FROM cx_rows AS r LEFT JOIN cx_data.feedback AS t ON t.source_id = $1"
								" AND t.source_key = '" ERASED_KEY_PREFIX "' || cx.erased_hash('source_key', r.source_key)", source_id));
	act_as_before(before);
}

/*
 * Of the rows of responses that are tried again keep those that failed: what
 * came in with the others may have been changed since.
 */
void
target_keep_failed(Sink *sink, Datum suffixes, int64 source_id)
{
	Tuplestorestate *kept = tuplestore_begin_heap(true, false, work_mem);
	DestReceiver *receiver = CreateDestReceiver(DestTuplestore);
	Oid			types[2] = {INT8OID, TEXTARRAYOID};
	Datum		values[2] = {Int64GetDatum(source_id), suffixes};
	bool		nulls[2] = {false, false};
	ActingAs	before = act_as(program_owner());

	target_register(sink, NULL, false);
	SetTuplestoreDestReceiverParams(receiver, kept, CurrentMemoryContext, false, NULL, NULL);
	target_query_into("SELECT " READY_ALL " FROM cx_rows WHERE source_key IN (SELECT e.source_key || suffix"
					  " FROM cx_data.import_error AS e, pg_catalog.unnest($2 || ARRAY['']) AS suffix WHERE e.source_id = $1)",
					  2, types, values, nulls, receiver);
	target_set_ready(sink, kept);
	act_as_before(before);
}

/* Record one row that could not be written. */
static void
target_record_error(SPIPlanPtr plan, int64 source_id, const BadRow *bad)
{
	Datum		values[5] = {Int64GetDatum(source_id)};
	char		nulls[] = {' ', bad->key == NULL ? 'n' : ' ', ' ', ' ', bad->payload == NULL ? 'n' : ' ', '\0'};

	if (bad->key != NULL)
		values[1] = CStringGetTextDatum(bad->is_hidden ? erased_key(bad->key) : bad->key);
	values[2] = CStringGetTextDatum(unpack_sql_state(bad->problem.sqlstate));
	values[3] = CStringGetTextDatum(bad->problem.message);
	if (bad->payload != NULL)
		values[4] = JsonbPGetDatum(bad->payload);
	if (SPI_execute_plan(plan, values, nulls, false, 0) != SPI_OK_INSERT)
		elog(ERROR, "cannot record an error of import");
}

/* Record rows that could not be written. */
void
target_record_errors(Sink *sink, int64 source_id)
{
	Oid			types[5] = {INT8OID, TEXTOID, TEXTOID, TEXTOID, JSONBOID};
	ActingAs	before;
	SPIPlanPtr	plan;
	ListCell   *cell;

	if (sink->bad == NIL)
		return;
	before = act_as(program_owner());
	plan = SPI_prepare("INSERT INTO cx_data.import_error AS e (source_id, source_key, sqlstate, message, payload) VALUES ($1, $2, $3, $4, $5)"
					   " ON CONFLICT (source_id, source_key) DO UPDATE SET sqlstate = excluded.sqlstate, message = excluded.message, payload = excluded.payload,"
					   " attempts = e.attempts + 1, last_attempt_at = pg_catalog.now()"
					   " WHERE e.payload IS NULL OR excluded.payload IS NULL OR NOT cx.is_older_response(e.source_id, excluded.payload, e.payload)", 5, types);
	if (plan == NULL)
		elog(ERROR, "cannot prepare an insertion into import_error");
	foreach(cell, sink->bad)
		target_record_error(plan, source_id, (const BadRow *) lfirst(cell));
	act_as_before(before);
}

/* Write what a sink collected, within an SPI connection. */
TargetCounts
target_write(Sink *sink, Tuplestorestate *old_keys, int64 source_id, TargetMode mode)
{
	SourceKind	kind = sink->mapping->kind;
	bool		keep = mode != TARGET_MIRROR && (mode != TARGET_MERGE || sink->ready_count < TARGET_MANY_ROWS);
	TargetCounts counts = {0};
	ActingAs	before = act_as(program_owner());

	target_register(sink, old_keys, keep);
	target_choose_plans(mode, keep);
	/* where errors are recorded, target_drop_repeated() has seen to that */
	if (mode != TARGET_INSERT && mode != TARGET_NEWEST && sink->ready_count > 1 && !sink->mapping->records_errors)
		target_check_repeated(kind, keep, source_id);

	switch (mode)
	{
		case TARGET_INSERT:
			if (sink->ready_count > 0)
				counts.inserted = target_run(kind, sink->ready_count < SINK_PART_ROWS ? STATEMENT_INSERT : STATEMENT_INSERT_MANY, keep, source_id);
			break;
		case TARGET_REPLACE:
			counts.deleted = target_run(kind, STATEMENT_DELETE_GONE, keep, source_id);
			/* where a key turns up that is another row's, the INSERT below fails */
			if (sink->ready_count > 0)
			{
				counts.updated = target_run(kind, STATEMENT_UPDATE, keep, source_id);
				counts.inserted = target_run(kind, STATEMENT_INSERT_AFTER, keep, source_id);
			}
			break;
		case TARGET_MIRROR:
			counts.deleted = target_run(kind, STATEMENT_DELETE_OTHERS, keep, source_id);
			/* FALLTHROUGH */
		case TARGET_MERGE:
			counts.updated = target_run(kind, STATEMENT_UPDATE, keep, source_id);
			counts.inserted = target_run(kind, STATEMENT_INSERT_MISSING, keep, source_id);
			break;
		case TARGET_NEWEST:
			if (sink->ready_count == 0)
				break;
			counts.updated = target_run(kind, STATEMENT_UPDATE_OLDER, keep, source_id);
			counts.inserted = target_run(kind, STATEMENT_INSERT_NEWEST, keep, source_id);
			break;
	}
	act_as_before(before);
	return counts;
}

/* Take away what was captured of rows that cannot be captured any more; gives how many there were. */
int64
target_delete_bad(Sink *sink, int64 source_id)
{
	Tuplestorestate *keys = tuplestore_begin_heap(true, false, work_mem);
	TupleDesc	columns = target_key_columns();
	ActingAs	before = act_as(program_owner());
	ListCell   *cell;
	int64		deleted;

	foreach(cell, sink->bad)
	{
		const BadRow *bad = (const BadRow *) lfirst(cell);
		Datum		key = bad->key == NULL ? (Datum) 0 : CStringGetTextDatum(bad->key);
		bool		isnull = bad->key == NULL;

		tuplestore_putvalues(keys, columns, &key, &isnull);
	}
	if (customers_were_erased())
		target_add_erased_keys(keys);
	target_register(sink, keys, false);
	deleted = target_run(sink->mapping->kind, STATEMENT_DELETE_GONE, false, source_id);
	act_as_before(before);
	tuplestore_end(keys);
	return deleted;
}
