/*-------------------------------------------------------------------------
 *
 * sink.c
 *	  From codes to keys: what happens to each mapped row before it is written.
 *
 * The executor hands over one row after another.  Touchpoints, metrics, units
 * and staff are looked up in memory, customers by an index.  Customers that
 * are not known yet are added many at a time; their rows wait for that.  A name
 * that came to a customer by a merge keeps the unit it had, so that a merge
 * changes no score.  What a customer said who was erased is kept without him.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/detoast.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "collect/sink.h"
#include "collect/ticket_row.h"
#include "people/erase.h"
#include "program/owner.h"

/* Customers added in one go. */
#define SINK_NEW_CUSTOMERS 10000

/* Rows between two reports of progress. */
#define SINK_REPORT_ROWS 1000000

/* A customer named in the statement. */
typedef struct SinkCustomer
{
	char	   *code;			/* code or value of the identity */
	char		status;			/* used by the hash table */
	bool		is_known;		/* else it is to be added, unless the next is true */
	bool		is_erased;		/* of customer_id and the like only the unit is known */
	bool		has_unit;
	bool		has_merge;
	int64		customer_id;
	int64		org_unit_id;
	int64		customer_merge_id;	/* merge by which the name came to its customer */
	TimestampTz first_seen_at;	/* earliest of its rows */
} SinkCustomer;

/* A row whose customer is to be added. */
typedef struct WaitingRow
{
	char	   *customer;
	MinimalTuple row;
} WaitingRow;

#define SH_PREFIX sinkcust
#define SH_ELEMENT_TYPE SinkCustomer
#define SH_KEY_TYPE char *
#define SH_KEY code
#define SH_HASH_KEY(table, key) hash_bytes((const unsigned char *) (key), strlen(key))
#define SH_EQUAL(table, a, b) (strcmp(a, b) == 0)
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* The columns of the rows that are ready. */
TupleDesc
sink_columns(SourceKind kind)
{
	TupleDesc	columns = CreateTemplateTupleDesc(kind == SOURCE_TICKET ? READY_COLUMNS : READY_STATUS);

	TupleDescInitEntry(columns, READY_KEY + 1, "source_key", TEXTOID, -1, 0);
	TupleDescInitEntry(columns, READY_CUSTOMER + 1, "customer_id", INT8OID, -1, 0);
	TupleDescInitEntry(columns, READY_TOUCHPOINT + 1, "touchpoint_id", INT8OID, -1, 0);
	TupleDescInitEntry(columns, READY_ORG_UNIT + 1, "org_unit_id", INT8OID, -1, 0);
	TupleDescInitEntry(columns, READY_STAFF + 1, "staff_id", INT8OID, -1, 0);
	TupleDescInitEntry(columns, READY_AT + 1, "at", TIMESTAMPTZOID, -1, 0);
	TupleDescInitEntry(columns, READY_SCORE + 1, "score", INT2OID, -1, 0);
	TupleDescInitEntry(columns, READY_KIND + 1, "kind", TEXTOID, -1, 0);
	TupleDescInitEntry(columns, READY_METRIC + 1, "metric", TEXTOID, -1, 0);
	TupleDescInitEntry(columns, READY_CHANNEL + 1, "channel", TEXTOID, -1, 0);
	TupleDescInitEntry(columns, READY_COMMENT + 1, "comment", TEXTOID, -1, 0);
	TupleDescInitEntry(columns, READY_NAME + 1, "name", TEXTOID, -1, 0);
	TupleDescInitEntry(columns, READY_VALUE + 1, "value", FLOAT8OID, -1, 0);
	TupleDescInitEntry(columns, READY_ATTRIBUTES + 1, "attributes", JSONBOID, -1, 0);
	TupleDescInitEntry(columns, READY_CHANGED_AT + 1, "changed_at", TIMESTAMPTZOID, -1, 0);
	TupleDescInitEntry(columns, READY_CUSTOMER_MERGE + 1, "customer_merge_id", INT8OID, -1, 0);
	if (kind != SOURCE_TICKET)
		return columns;
	TupleDescInitEntry(columns, READY_STATUS + 1, "status", TEXTOID, -1, 0);
	TupleDescInitEntry(columns, READY_PRIORITY + 1, "priority", TEXTOID, -1, 0);
	TupleDescInitEntry(columns, READY_FIRST_RESPONDED_AT + 1, "first_responded_at", TIMESTAMPTZOID, -1, 0);
	TupleDescInitEntry(columns, READY_SOLVED_AT + 1, "solved_at", TIMESTAMPTZOID, -1, 0);
	TupleDescInitEntry(columns, READY_CLOSED_AT + 1, "closed_at", TIMESTAMPTZOID, -1, 0);
	TupleDescInitEntry(columns, READY_REOPEN_COUNT + 1, "reopen_count", INT4OID, -1, 0);
	TupleDescInitEntry(columns, READY_ROOT_CAUSE + 1, "root_cause", TEXTOID, -1, 0);
	return columns;
}

/* Copy what is wrong with a row to where it stays. */
static BadRow *
bad_row(Sink *sink, const char *key, int sqlstate, const char *message, const char *hint)
{
	BadRow	   *bad = (BadRow *) MemoryContextAllocZero(sink->context, sizeof(BadRow));

	bad->key = key == NULL || strlen(key) > SINK_KEY_SIZE ? NULL : MemoryContextStrdup(sink->context, key);
	bad->problem.sqlstate = sqlstate;
	bad->problem.message = MemoryContextStrdup(sink->context, message == NULL ? "an error without a message" : message);
	bad->problem.hint = hint == NULL ? NULL : MemoryContextStrdup(sink->context, hint);
	return bad;
}

/* Note a row that cannot be written. */
void
sink_add_bad(Sink *sink, const char *key, int sqlstate, const char *message, bool is_hidden)
{
	MemoryContext before = MemoryContextSwitchTo(sink->context);
	BadRow	   *bad = bad_row(sink, key, sqlstate, is_hidden ? ERASED_MESSAGE : message, NULL);

	bad->is_hidden = is_hidden;
	sink->bad = lappend(sink->bad, bad);
	MemoryContextSwitchTo(before);
}

/* Keep what the row noted last was made of, so that it can be tried again. */
void
sink_keep_bad(Sink *sink, Datum payload)
{
	BadRow	   *bad = (BadRow *) llast(sink->bad);
	MemoryContext before = MemoryContextSwitchTo(sink->context);

	if (!bad->is_hidden)
		bad->payload = DatumGetJsonbPCopy(payload);
	MemoryContextSwitchTo(before);
}

/* Whether this names a customer who was erased, by himself or by his invitation; tells what is kept of the name, if that is wanted. */
static bool
sink_find_erased(const Mapping *mapping, const char *code, ErasedName *erased)
{
	return erased_find(mapping->customer_kind == NULL ? IDENTITY_CODE : mapping->customer_kind, code, erased) ||
		erased_find(ERASED_INVITATION, code, erased);
}

/* Whether this, which may be NULL, names a customer who was erased. */
bool
sink_is_erased(const Mapping *mapping, const char *code)
{
	return code != NULL && sink_find_erased(mapping, code, NULL);
}

/* Note a row that cannot be written, or stop there if errors are not to be recorded. */
static void
sink_reject(Sink *sink, const char *key, const char *code, const Problem *problem)
{
	if (sink->mapping->records_errors)
		sink_add_bad(sink, key, problem->sqlstate, problem->message, sink_is_erased(sink->mapping, code));
	else
		sink->failure = bad_row(sink, key, problem->sqlstate, problem->message, problem->hint);
}

/* Get ready to find rows of a table, unless that was done. */
static Lookup *
sink_open(Sink *sink, Lookup **lookup, ProgramTable table, const char *const *columns, Oid type, int count)
{
	if (*lookup == NULL)
	{
		MemoryContext before = MemoryContextSwitchTo(sink->context);

		*lookup = lookup_begin(table, columns, type, count);
		MemoryContextSwitchTo(before);
	}
	return *lookup;
}

/* Close what that opened. */
static void
sink_close_customers(Sink *sink)
{
	Lookup	  **const all[] = {&sink->by_code, &sink->by_identity, &sink->by_id, &sink->merges};

	for (int i = 0; i < (int) lengthof(all); i++)
	{
		if (*all[i] != NULL)
			lookup_end(*all[i]);
		*all[i] = NULL;
	}
}

/* A bigint column of a row that was found; false if it is NULL. */
static bool
found_bigint(const Lookup *lookup, TupleTableSlot *found, const char *column, int64 *value)
{
	bool		isnull;
	Datum		datum = slot_getattr(found, program_column(lookup->table, column, INT8OID), &isnull);

	*value = isnull ? 0 : DatumGetInt64(datum);
	return !isnull;
}

/* Take over customer and unit from a row of the table of customers. */
static bool
sink_found_customer(SinkCustomer *customer, const Lookup *lookup, TupleTableSlot *found)
{
	if (found == NULL)
		return false;
	(void) found_bigint(lookup, found, "customer_id", &customer->customer_id);
	customer->has_unit = found_bigint(lookup, found, "org_unit_id", &customer->org_unit_id);
	customer->is_known = true;
	return true;
}

/* Where the name came by a merge, the unit is that of the customer who went. */
static void
sink_look_up_merge(Sink *sink, SinkCustomer *customer)
{
	static const char *const by_id[] = {"customer_merge_id"};
	Lookup	   *lookup = sink_open(sink, &sink->merges, PROGRAM_CUSTOMER_MERGE, by_id, INT8OID, 1);
	Datum		value = Int64GetDatum(customer->customer_merge_id);
	TupleTableSlot *found = lookup_find(lookup, &value);

	if (found != NULL)
		customer->has_unit = found_bigint(lookup, found, "org_unit_id", &customer->org_unit_id);
}

/* Look a customer up by an identity; false if it is not there. */
static bool
sink_look_up_identity(Sink *sink, const char *kind, SinkCustomer *customer)
{
	static const char *const by_identity[] = {"kind", "value"};
	static const char *const by_id[] = {"customer_id"};
	Lookup	   *lookup = sink_open(sink, &sink->by_identity, PROGRAM_CUSTOMER_IDENTITY, by_identity, TEXTOID, 2);
	Datum		values[LOOKUP_MAX_COLUMNS] = {CStringGetTextDatum(kind), CStringGetTextDatum(customer->code)};
	TupleTableSlot *found = lookup_find(lookup, values);
	int64		customer_id;

	if (found == NULL)
		return false;
	(void) found_bigint(lookup, found, "customer_id", &customer_id);
	customer->has_merge = found_bigint(lookup, found, "customer_merge_id", &customer->customer_merge_id);
	lookup = sink_open(sink, &sink->by_id, PROGRAM_CUSTOMER, by_id, INT8OID, 1);
	values[0] = Int64GetDatum(customer_id);
	if (!sink_found_customer(customer, lookup, lookup_find(lookup, values)))
		return false;
	if (customer->has_merge)
		sink_look_up_merge(sink, customer);
	return true;
}

/* Look a customer up in the tables; false if it is not there. */
static bool
sink_look_up_customer(Sink *sink, SinkCustomer *customer)
{
	static const char *const by_code[] = {"code"};
	Lookup	   *lookup;
	Datum		value;

	if (sink->mapping->customer_kind != NULL)
		return sink_look_up_identity(sink, sink->mapping->customer_kind, customer);
	lookup = sink_open(sink, &sink->by_code, PROGRAM_CUSTOMER, by_code, TEXTOID, 1);
	value = CStringGetTextDatum(customer->code);
	return sink_found_customer(customer, lookup, lookup_find(lookup, &value)) ||
		(customers_were_merged() && sink_look_up_identity(sink, IDENTITY_CODE, customer));
}

/* Whether a customer who is not there was erased; his rows then keep the unit they had. */
static bool
sink_look_up_erased(Sink *sink, SinkCustomer *customer)
{
	ErasedName	erased;

	customer->is_erased = sink_find_erased(sink->mapping, customer->code, &erased);
	if (customer->is_erased)
	{
		customer->has_unit = erased.has_unit;
		customer->org_unit_id = erased.org_unit_id;
	}
	return customer->is_erased;
}

/* The customer of this name, seen at this time. */
static SinkCustomer *
sink_customer(Sink *sink, char *code, TimestampTz at)
{
	bool		found;
	SinkCustomer *customer = sinkcust_insert(sink->customers, code, &found);

	if (!found)
	{
		customer->code = MemoryContextStrdup(sink->context, code);
		customer->first_seen_at = at;
		customer->is_known = customer->is_erased = customer->has_unit = customer->has_merge = false;
		customer->customer_merge_id = 0;
		if (!sink_look_up_customer(sink, customer) && !sink_look_up_erased(sink, customer))
		{
			MemoryContext before = MemoryContextSwitchTo(sink->context);

			sink->new_customers = lappend(sink->new_customers, customer->code);
			MemoryContextSwitchTo(before);
		}
	}
	customer->first_seen_at = Min(customer->first_seen_at, at);
	return customer;
}

/* Put the unit of the customer into a row that names none. */
static void
ready_set_customer_unit(Datum *values, bool *nulls, const SinkCustomer *customer)
{
	if (nulls[READY_ORG_UNIT] && customer->has_unit)
	{
		values[READY_ORG_UNIT] = Int64GetDatum(customer->org_unit_id);
		nulls[READY_ORG_UNIT] = false;
	}
}

/* Put the customer, and its unit unless the row names one, into a row. */
static void
ready_set_customer(Datum *values, bool *nulls, const SinkCustomer *customer)
{
	values[READY_CUSTOMER] = Int64GetDatum(customer->customer_id);
	nulls[READY_CUSTOMER] = false;
	values[READY_CUSTOMER_MERGE] = Int64GetDatum(customer->customer_merge_id);
	nulls[READY_CUSTOMER_MERGE] = !customer->has_merge;
	ready_set_customer_unit(values, nulls, customer);
}

/* Take out of a row whatever tells of its customer, who was erased; the key stays recognizable. */
static void
ready_forget_customer(Datum *values, bool *nulls, const SinkCustomer *customer)
{
	values[READY_KEY] = CStringGetTextDatum(erased_key(TextDatumGetCString(values[READY_KEY])));
	nulls[READY_COMMENT] = nulls[READY_ATTRIBUTES] = true;
	ready_set_customer_unit(values, nulls, customer);
}

/* Start anew to collect rows. */
static void
sink_empty(Sink *sink)
{
	MemoryContext before = MemoryContextSwitchTo(sink->context);

	tuplestore_end(sink->ready);
	sink->ready = tuplestore_begin_heap(true, false, work_mem);
	sink->ready_count = 0;
	MemoryContextSwitchTo(before);
}

/* Collect a row that is ready. */
static void
sink_put(Sink *sink, Datum *values, bool *nulls)
{
	tuplestore_putvalues(sink->ready, sink->columns, values, nulls);
	sink->ready_count++;
	if (sink->reported >= 0 && sink->ready_count - sink->reported >= SINK_REPORT_ROWS)
	{
		sink->reported = sink->ready_count;
		ereport(INFO,
				(errmsg("source \"%s\": " INT64_FORMAT " rows read", sink->mapping->source, sink->ready_count)));
	}
	if (sink->write_part != NULL && sink->ready_count >= SINK_PART_ROWS)
	{
		sink->write_part(sink, sink->writer);
		sink_empty(sink);
	}
}

/* Add the customers that are not known yet. */
static void
sink_add_customers(Sink *sink)
{
	Oid			types[3] = {TEXTARRAYOID, TIMESTAMPTZARRAYOID, TEXTOID};
	int			count = list_length(sink->new_customers);
	Datum	   *codes = palloc(sizeof(Datum) * count);
	Datum	   *times = palloc(sizeof(Datum) * count);
	Datum		arguments[3];
	ListCell   *cell;
	ActingAs	before;

	foreach(cell, sink->new_customers)
	{
		char	   *code = (char *) lfirst(cell);

		codes[foreach_current_index(cell)] = CStringGetTextDatum(code);
		times[foreach_current_index(cell)] = TimestampTzGetDatum(sinkcust_lookup(sink->customers, code)->first_seen_at);
	}
	arguments[0] = PointerGetDatum(construct_array(codes, count, TEXTOID, -1, false, TYPALIGN_INT));
	arguments[1] = PointerGetDatum(construct_array(times, count, TIMESTAMPTZOID, sizeof(TimestampTz), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	arguments[2] = sink->mapping->customer_kind == NULL ? (Datum) 0 : CStringGetTextDatum(sink->mapping->customer_kind);

	before = act_as(program_owner());
	SPI_connect();
	if (SPI_execute_with_args("SELECT cx.add_customers($1, $2, $3)", 3, types, arguments,
							  sink->mapping->customer_kind == NULL ? "  n" : "   ", false, 0) != SPI_OK_SELECT)
		elog(ERROR, "cannot add customers");
	SPI_finish();
	act_as_before(before);
}

/* Find the customers that were added. */
static void
sink_find_added_customers(Sink *sink)
{
	ListCell   *cell;

	sink_close_customers(sink);
	foreach(cell, sink->new_customers)
		if (!sink_look_up_customer(sink, sinkcust_lookup(sink->customers, (char *) lfirst(cell))))
			ereport(ERROR,
					(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					 errmsg("customer \"%s\" was deleted while it was added", (char *) lfirst(cell))));
	list_free(sink->new_customers);
	sink->new_customers = NIL;
}

/* Let the waiting rows go on. */
static void
sink_add_waiting(Sink *sink)
{
	MemoryContext context;
	MemoryContext before;
	ListCell   *cell;

	if (sink->waiting == NIL)
		return;
	context = AllocSetContextCreate(sink->context, "cx new customers", ALLOCSET_DEFAULT_SIZES);
	before = MemoryContextSwitchTo(context);
	sink_add_customers(sink);
	sink_find_added_customers(sink);
	foreach(cell, sink->waiting)
	{
		WaitingRow *waiting = (WaitingRow *) lfirst(cell);
		HeapTuple	row = heap_tuple_from_minimal_tuple(waiting->row);
		Datum		values[READY_COLUMNS];
		bool		nulls[READY_COLUMNS];

		heap_deform_tuple(row, sink->columns, values, nulls);
		ready_set_customer(values, nulls, sinkcust_lookup(sink->customers, waiting->customer));
		sink_put(sink, values, nulls);
		heap_freetuple(row);
		heap_free_minimal_tuple(waiting->row);
	}
	list_free_deep(sink->waiting);
	sink->waiting = NIL;
	MemoryContextSwitchTo(before);
	MemoryContextDelete(context);
}

/* Collect a row once its customer is known. */
static void
sink_wait(Sink *sink, SinkCustomer *customer, Datum *values, bool *nulls)
{
	MemoryContext before = MemoryContextSwitchTo(sink->context);
	WaitingRow *waiting = (WaitingRow *) palloc(sizeof(WaitingRow));

	waiting->customer = customer->code;
	waiting->row = heap_form_minimal_tuple(sink->columns, values, nulls, 0);
	sink->waiting = lappend(sink->waiting, waiting);
	MemoryContextSwitchTo(before);
	if (list_length(sink->waiting) >= SINK_NEW_CUSTOMERS)
		sink_add_waiting(sink);
}

/* The text in a field of the row at hand, or NULL. */
char *
mapped_text(TupleTableSlot *slot, MappingField field)
{
	return slot->tts_isnull[field] ? NULL : TextDatumGetCString(slot->tts_values[field]);
}

/* Find what a code stands for and put its key into the row. */
static bool
ready_set_code(ProgramTable table, const char *code, int column, Datum *values, bool *nulls, Problem *problem)
{
	const CatalogEntry *entry;

	if (code == NULL)
		return true;
	entry = catalog_find(table, code);
	if (!check_found(entry, table, code, problem))
		return false;
	values[column] = Int64GetDatum(entry->id);
	nulls[column] = false;
	return true;
}

/* Add a touchpoint that is not known yet. */
static void
sink_add_touchpoint(const char *code)
{
	Oid			type = TEXTOID;
	Datum		argument = CStringGetTextDatum(code);
	ActingAs	before = act_as(program_owner());

	SPI_connect();
	if (SPI_execute_with_args("INSERT INTO cx_data.touchpoint (code) VALUES ($1) ON CONFLICT (code) DO NOTHING",
							  1, &type, &argument, NULL, false, 0) != SPI_OK_INSERT)
		elog(ERROR, "cannot add a touchpoint");
	SPI_finish();
	act_as_before(before);
	/* so that reading the touchpoints again sees it */
	CommandCounterIncrement();
}

/* Put the touchpoint of this code into the row. */
static bool
ready_set_touchpoint(const Mapping *mapping, const char *code, Datum *values, bool *nulls, Problem *problem)
{
	if (code != NULL && mapping->creates_touchpoints && catalog_find(PROGRAM_TOUCHPOINT, code) == NULL)
		sink_add_touchpoint(code);
	return ready_set_code(PROGRAM_TOUCHPOINT, code, READY_TOUCHPOINT, values, nulls, problem);
}

/* Put metric and score into the row. */
static bool
ready_set_score(TupleTableSlot *slot, Datum *values, bool *nulls, Problem *problem)
{
	char	   *metric = mapped_text(slot, FIELD_METRIC);

	nulls[READY_METRIC] = metric == NULL;
	values[READY_METRIC] = slot->tts_values[FIELD_METRIC];
	if (slot->tts_isnull[FIELD_SCORE])
		return metric == NULL || check_found(catalog_find(PROGRAM_METRIC, metric), PROGRAM_METRIC, metric, problem);
	if (!check_metric_given(metric, problem) ||
		!check_score(metric, DatumGetFloat8(slot->tts_values[FIELD_SCORE]), problem))
		return false;
	values[READY_SCORE] = Int16GetDatum((int16) DatumGetFloat8(slot->tts_values[FIELD_SCORE]));
	nulls[READY_SCORE] = false;
	return true;
}

/* Put the kind of feedback into the row. */
static bool
ready_set_kind(TupleTableSlot *slot, Datum *values, bool *nulls, Problem *problem)
{
	char	   *kind = mapped_text(slot, FIELD_KIND);

	nulls[READY_KIND] = false;
	values[READY_KIND] = kind == NULL ? CStringGetTextDatum("survey") : slot->tts_values[FIELD_KIND];
	return kind == NULL || check_kind(kind, problem);
}

/* Copy columns that are written as they are. */
static void
ready_copy(TupleTableSlot *slot, Datum *values, bool *nulls)
{
	static const int pairs[][2] = {
		{READY_KEY, FIELD_KEY}, {READY_AT, FIELD_AT}, {READY_CHANNEL, FIELD_CHANNEL}, {READY_COMMENT, FIELD_COMMENT},
		{READY_NAME, FIELD_NAME}, {READY_VALUE, FIELD_VALUE}, {READY_ATTRIBUTES, FIELD_ATTRIBUTES},
	};

	for (int i = 0; i < (int) lengthof(pairs); i++)
	{
		values[pairs[i][0]] = slot->tts_values[pairs[i][1]];
		nulls[pairs[i][0]] = slot->tts_isnull[pairs[i][1]];
	}
}

/* Put into the row when it was changed last, which is at least when it was made. */
static void
ready_set_version(TupleTableSlot *slot, Datum *values, bool *nulls)
{
	values[READY_CHANGED_AT] = slot->tts_isnull[FIELD_CHANGED_AT] || TIMESTAMP_NOT_FINITE(DatumGetTimestampTz(slot->tts_values[FIELD_CHANGED_AT])) ?
		values[READY_AT] : slot->tts_values[FIELD_CHANGED_AT];
	nulls[READY_CHANGED_AT] = false;
}

/* Make a row ready but for its customer. */
static bool
sink_make_ready(const Mapping *mapping, TupleTableSlot *slot, Datum *values, bool *nulls, Problem *problem)
{
	const char *time_name = mapping_field_name(mapping, FIELD_AT);

	memset(nulls, true, sizeof(bool) * READY_COLUMNS);
	ready_copy(slot, values, nulls);
	if (nulls[READY_KEY])
		return problem_is(problem, ERRCODE_NOT_NULL_VIOLATION, "The key names the row, so each row needs one.", "key is NULL");
	if (toast_raw_datum_size(values[READY_KEY]) - VARHDRSZ > SINK_KEY_SIZE)
		return problem_is(problem, ERRCODE_PROGRAM_LIMIT_EXCEEDED, "Use a shorter key, such as md5() of this one.",
						  "key is longer than %d bytes", SINK_KEY_SIZE);
	if (nulls[READY_AT])
		return problem_is(problem, ERRCODE_NOT_NULL_VIOLATION, "With only_if, rows that are not complete yet are left out.", "%s is NULL", time_name);
	if (!check_time(DatumGetTimestampTz(values[READY_AT]), time_name, problem))
		return false;
	if (mapping->keeps_versions)
		ready_set_version(slot, values, nulls);
	if (mapping->kind == SOURCE_EVENT && nulls[READY_NAME])
		return problem_is(problem, ERRCODE_NOT_NULL_VIOLATION, NULL, "name is NULL");
	return ready_set_touchpoint(mapping, mapped_text(slot, FIELD_TOUCHPOINT), values, nulls, problem) &&
		ready_set_code(PROGRAM_ORG_UNIT, mapped_text(slot, FIELD_ORG_UNIT), READY_ORG_UNIT, values, nulls, problem) &&
		ready_set_code(PROGRAM_STAFF, mapped_text(slot, FIELD_STAFF), READY_STAFF, values, nulls, problem) &&
		(mapping->kind == SOURCE_TICKET ? ticket_row_set(mapping, slot, values, nulls, problem) :
		 ready_set_kind(slot, values, nulls, problem) && ready_set_score(slot, values, nulls, problem));
}

/* Take one mapped row. */
static void
sink_take(Sink *sink, TupleTableSlot *slot)
{
	Datum		values[READY_COLUMNS];
	bool		nulls[READY_COLUMNS];
	Problem		problem;
	char	   *code;
	SinkCustomer *customer;

	if (!slot->tts_isnull[FIELD_CHANGED_AT])
		sink->changed_until = Max(sink->changed_until, DatumGetTimestampTz(slot->tts_values[FIELD_CHANGED_AT]));
	if (!sink_make_ready(sink->mapping, slot, values, nulls, &problem))
	{
		sink_reject(sink, mapped_text(slot, FIELD_KEY), mapped_text(slot, FIELD_CUSTOMER), &problem);
		/* an import hands over what it made the row of */
		if (sink->failure == NULL && slot->tts_tupleDescriptor->natts > mapping_columns(sink->mapping))
			sink_keep_bad(sink, slot->tts_values[mapping_columns(sink->mapping)]);
		return;
	}
	code = mapped_text(slot, FIELD_CUSTOMER);
	if (code == NULL)
	{
		sink_put(sink, values, nulls);
		return;
	}
	customer = sink_customer(sink, code, DatumGetTimestampTz(values[READY_AT]));
	if (customer->is_erased)
	{
		ready_forget_customer(values, nulls, customer);
		sink_put(sink, values, nulls);
	}
	else if (!customer->is_known)
		sink_wait(sink, customer, values, nulls);
	else
	{
		ready_set_customer(values, nulls, customer);
		sink_put(sink, values, nulls);
	}
}

/* The executor's call for each row. */
static bool
sink_receive(TupleTableSlot *slot, DestReceiver *receiver)
{
	Sink	   *sink = (Sink *) receiver;
	MemoryContext before = MemoryContextSwitchTo(sink->row_context);

	slot_getallattrs(slot);
	sink_take(sink, slot);
	MemoryContextSwitchTo(before);
	MemoryContextReset(sink->row_context);
	/* false ends the query, so that the error can be raised outside it */
	return sink->failure == NULL;
}

/* The executor's call before the first row. */
static void
sink_startup(DestReceiver *receiver, int operation, TupleDesc columns)
{
	Assert(columns->natts >= mapping_columns(((Sink *) receiver)->mapping));
}

/* The executor's calls after the last row. */
static void
sink_shutdown(DestReceiver *receiver)
{
}

/*
 * Lock the table that rows will be written to, as writing does, before their
 * codes are looked up: what a transaction deletes that keeps writers away (see
 * row_in_use) is then either still there when it is looked up, or gone.  What
 * is solved resolves alerts too; whoever locks both tables takes them in this
 * order.
 */
void
sink_lock_target(const Mapping *mapping)
{
	static const ProgramTable targets[SOURCE_KINDS] = {PROGRAM_FEEDBACK, PROGRAM_EVENT, PROGRAM_TICKET};

	if (mapping->kind == SOURCE_TICKET)
		LockRelationOid(program_table(PROGRAM_ALERT), RowExclusiveLock);
	LockRelationOid(program_table(targets[mapping->kind]), RowExclusiveLock);
}

/* A sink for rows of this mapping, in the current memory context. */
Sink *
sink_begin(const Mapping *mapping, bool reports_progress)
{
	Sink	   *sink = (Sink *) palloc0(sizeof(Sink));

	sink->receiver.receiveSlot = sink_receive;
	sink->receiver.rStartup = sink_startup;
	sink->receiver.rShutdown = sink_shutdown;
	sink->receiver.rDestroy = sink_shutdown;
	sink->receiver.mydest = DestNone;
	sink->mapping = mapping;
	sink->context = CurrentMemoryContext;
	sink->row_context = AllocSetContextCreate(CurrentMemoryContext, "cx mapped row", ALLOCSET_SMALL_SIZES);
	sink->columns = sink_columns(mapping->kind);
	sink->ready = tuplestore_begin_heap(true, false, work_mem);
	sink->changed_until = DT_NOBEGIN;
	sink->customers = sinkcust_create(CurrentMemoryContext, 16, NULL);
	sink->reported = reports_progress ? 0 : -1;
	return sink;
}

/* Add the customers that rows still wait for; all rows are then ready.  Fails if a row is to make it fail. */
void
sink_flush(Sink *sink)
{
	if (sink->failure != NULL)
		problem_raise(&sink->failure->problem);
	sink_add_waiting(sink);
	sink_close_customers(sink);
}

/* Add rows to others. */
void
rows_append(Tuplestorestate *rows, Tuplestorestate *part, TupleDesc columns)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(columns, &TTSOpsMinimalTuple);

	while (tuplestore_gettupleslot(part, true, false, slot))
		tuplestore_puttupleslot(rows, slot);
	ExecDropSingleTupleTableSlot(slot);
}

/* Add what another sink collected. */
void
sink_append(Sink *sink, Sink *part)
{
	ListCell   *cell;

	rows_append(sink->ready, part->ready, sink->columns);
	sink->ready_count += part->ready_count;
	sink->changed_until = Max(sink->changed_until, part->changed_until);
	foreach(cell, part->bad)
	{
		BadRow	   *bad = (BadRow *) lfirst(cell);

		sink_add_bad(sink, bad->key, bad->problem.sqlstate, bad->problem.message, bad->is_hidden);
		if (bad->payload != NULL)
			sink_keep_bad(sink, JsonbPGetDatum(bad->payload));
	}
}

/* The key, which comes first in all kinds, of the first of some rows that are ready. */
char *
sink_first_key(Tuplestorestate *ready)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(sink_columns(SOURCE_FEEDBACK), &TTSOpsMinimalTuple);
	char	   *key = NULL;
	bool		isnull;

	tuplestore_rescan(ready);
	if (tuplestore_gettupleslot(ready, true, false, slot))
		key = TextDatumGetCString(slot_getattr(slot, READY_KEY + 1, &isnull));
	ExecDropSingleTupleTableSlot(slot);
	return key;
}
