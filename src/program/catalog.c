/*-------------------------------------------------------------------------
 *
 * catalog.c
 *	  Keeps the program's small tables in the memory of the session.
 *
 * Every row that is captured names a touchpoint, a metric, perhaps a unit;
 * looking them up by queries would cost more than all the rest.  A table is
 * read whole when it is first needed, with the rights of its owner.  Triggers
 * on these tables (catalog_changed) tell all sessions to read it again, the way
 * the server tells them of a changed table definition.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "program/catalog.h"
#include "program/hash.h"
#include "program/owner.h"

/* A table in memory. */
typedef struct Catalog
{
	MemoryContext context;		/* holds all of it; NULL if never read */
	Oid			relation;		/* table that was read */
	bool		is_current;		/* false once the table may have changed */
	uint64		changes;		/* how often that was */
	HTAB	   *by_code;		/* CatalogCode */
	HTAB	   *by_id;			/* CatalogId */
} Catalog;

/* Entry of the first hash table; its key is the string that the pointer points to. */
typedef struct CatalogCode
{
	char	   *code;
	CatalogEntry *entry;
} CatalogCode;

/* Entry of the second one. */
typedef struct CatalogId
{
	int64		id;
	CatalogEntry *entry;
} CatalogId;

/* What a source delivers, as column kind says it. */
const char *const source_kind_names[SOURCE_KINDS] = {"feedback", "event", "ticket"};

/* How each table is read: key, code, two integers, zone, relation; rows without a key or a code are none; kinds of sources by their numbers in SourceKind. */
static const char *const catalog_queries[PROGRAM_TABLES] = {
	[PROGRAM_PROGRAM] = "SELECT 1::bigint, time_zone::text, 0, 0, time_zone::text, 0::oid FROM cx_data.program"
		" WHERE time_zone IS NOT NULL",
	[PROGRAM_ORG_UNIT] = "SELECT org_unit_id::bigint, code::text, 0, 0, time_zone::text, 0::oid FROM cx_data.org_unit"
		" WHERE org_unit_id IS NOT NULL AND code IS NOT NULL",
	[PROGRAM_STAFF] = "SELECT staff_id::bigint, code::text, 0, 0, NULL::text, 0::oid FROM cx_data.staff"
		" WHERE staff_id IS NOT NULL AND code IS NOT NULL",
	[PROGRAM_METRIC] = "SELECT metric_id::bigint, code::text, scale_min::integer, scale_max::integer, NULL::text, 0::oid"
		" FROM cx_data.metric WHERE metric_id IS NOT NULL AND code IS NOT NULL",
	[PROGRAM_SOURCE] = "SELECT source_id::bigint, name::text, CASE kind WHEN 'event' THEN 1 WHEN 'ticket' THEN 2 ELSE 0 END, pulled::integer, NULL::text, relation::oid"
		" FROM cx_data.source WHERE source_id IS NOT NULL AND name IS NOT NULL",
	[PROGRAM_TOUCHPOINT] = "SELECT touchpoint_id::bigint, code::text, 0, 0, NULL::text, 0::oid FROM cx_data.touchpoint"
		" WHERE touchpoint_id IS NOT NULL AND code IS NOT NULL",
	[PROGRAM_ALERT_RULE] = "SELECT alert_rule_id::bigint, name::text, (kind = 'row' AND enabled)::integer, (scope IS NOT NULL OR (opens_ticket AND severity = 'critical'))::integer, NULL::text, relation::oid"
		" FROM cx_data.alert_rule WHERE alert_rule_id IS NOT NULL AND name IS NOT NULL",
	/* of these only whether there is any row, and the salt or the key, which stands in for the code */
	[PROGRAM_CUSTOMER_MERGE] = "SELECT 1::bigint, ''::text, 0, 0, NULL::text, 0::oid FROM cx_data.customer_merge LIMIT 1",
	[PROGRAM_SEAL] = "SELECT 1::bigint, key::text, 0, 0, NULL::text, 0::oid FROM cx_data.seal WHERE key IS NOT NULL LIMIT 1",
	[PROGRAM_ERASURE] = "SELECT 1::bigint, salt::text, 0, 0, NULL::text, 0::oid FROM cx_data.erasure WHERE salt IS NOT NULL LIMIT 1",
};

static Catalog catalogs[PROGRAM_TABLES];
static bool is_listening = false;	/* whether catalog_invalidate() is registered */

/* A relation changed, or with InvalidOid perhaps any: forget what was read of it. */
static void
catalog_invalidate(Datum argument, Oid relation)
{
	for (int table = 0; table < PROGRAM_TABLES; table++)
		if (relation == InvalidOid || relation == catalogs[table].relation)
		{
			catalogs[table].is_current = false;
			catalogs[table].changes++;
		}
}

/* A column of the row at hand, or 0 if it is NULL. */
static Datum
catalog_column(HeapTuple row, TupleDesc columns, int number)
{
	bool		isnull;
	Datum		value = SPI_getbinval(row, columns, number, &isnull);

	return isnull ? (Datum) 0 : value;
}

/* Add the row at hand to both hash tables. */
static void
catalog_add(ProgramTable table, HeapTuple row, TupleDesc columns)
{
	Catalog    *catalog = &catalogs[table];
	CatalogEntry *entry = (CatalogEntry *) MemoryContextAllocZero(catalog->context, sizeof(CatalogEntry));
	char	   *zone = SPI_getvalue(row, columns, 5);

	entry->id = DatumGetInt64(catalog_column(row, columns, 1));
	entry->code = MemoryContextStrdup(catalog->context, SPI_getvalue(row, columns, 2));
	entry->relation = DatumGetObjectId(catalog_column(row, columns, 6));
	if (table == PROGRAM_SOURCE)
	{
		entry->kind = (SourceKind) DatumGetInt32(catalog_column(row, columns, 3));
		entry->is_pulled = DatumGetInt32(catalog_column(row, columns, 4)) != 0;
	}
	else if (table == PROGRAM_ALERT_RULE)
	{
		entry->is_enabled = DatumGetInt32(catalog_column(row, columns, 3)) != 0;
		entry->has_scope = DatumGetInt32(catalog_column(row, columns, 4)) != 0;
	}
	else
	{
		entry->scale_min = DatumGetInt32(catalog_column(row, columns, 3));
		entry->scale_max = DatumGetInt32(catalog_column(row, columns, 4));
	}
	if (zone != NULL)
		entry->clock.zone = DecodeTimezoneNameToTz(zone);

	((CatalogCode *) hash_search(catalog->by_code, &entry->code, HASH_ENTER, NULL))->entry = entry;
	((CatalogId *) hash_search(catalog->by_id, &entry->id, HASH_ENTER, NULL))->entry = entry;
}

/* Make an empty catalog in place of the old one. */
static void
catalog_reset(Catalog *catalog, Oid relation)
{
	HASHCTL		by_code = {.keysize = sizeof(char *), .entrysize = sizeof(CatalogCode),
		.hash = hash_string_pointer, .match = match_string_pointer};
	HASHCTL		by_id = {.keysize = sizeof(int64), .entrysize = sizeof(CatalogId)};

	if (catalog->context != NULL)
		MemoryContextDelete(catalog->context);
	catalog->context = AllocSetContextCreate(CacheMemoryContext, "cx catalog", ALLOCSET_DEFAULT_SIZES);
	by_code.hcxt = catalog->context;
	by_id.hcxt = catalog->context;
	catalog->by_code = hash_create("cx catalog by code", 64, &by_code,
								   HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
	catalog->by_id = hash_create("cx catalog by key", 64, &by_id, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	catalog->relation = relation;
}

/*
 * Read a table, in its latest state whatever the transaction's snapshot is; in
 * a parallel query, which must not take another, for this time only.
 */
static void
catalog_read(ProgramTable table)
{
	Catalog    *catalog = &catalogs[table];
	Oid			relation = program_table(table);
	ActingAs	before = act_as(program_owner());
	uint64		changes;

	if (!is_listening)
		CacheRegisterRelcacheCallback(catalog_invalidate, (Datum) 0);
	is_listening = true;
	catalog_reset(catalog, relation);
	changes = catalog->changes;
	PushActiveSnapshot(IsInParallelMode() ? GetActiveSnapshot() : GetLatestSnapshot());
	if (SPI_connect() != SPI_OK_CONNECT ||
		SPI_execute(catalog_queries[table], true, 0) != SPI_OK_SELECT)
		elog(ERROR, "cannot read a table of the CX program");
	for (uint64 row = 0; row < SPI_processed; row++)
		catalog_add(table, SPI_tuptable->vals[row], SPI_tuptable->tupdesc);
	SPI_finish();
	PopActiveSnapshot();
	act_as_before(before);
	/* if it changed meanwhile, it is good for this time only, too */
	catalog->is_current = catalog->changes == changes && !IsInParallelMode();
}

/* The table in memory, read again if it may have changed. */
static Catalog *
catalog_get(ProgramTable table)
{
	Catalog    *catalog = &catalogs[table];

	if (unlikely(!catalog->is_current))
		catalog_read(table);
	return catalog;
}

/* The row with this code, or NULL. */
const CatalogEntry *
catalog_find(ProgramTable table, const char *code)
{
	CatalogCode *found = hash_search(catalog_get(table)->by_code, &code, HASH_FIND, NULL);

	return found == NULL ? NULL : found->entry;
}

/* The row with this key, or NULL. */
const CatalogEntry *
catalog_find_id(ProgramTable table, int64 id)
{
	CatalogId  *found = hash_search(catalog_get(table)->by_id, &id, HASH_FIND, NULL);

	return found == NULL ? NULL : found->entry;
}

/* Whether a table is in memory, so that looking into it reads nothing. */
bool
catalog_is_current(ProgramTable table)
{
	return catalogs[table].is_current;
}

/* A number that changes with the table; what was found is still so while it is the same. */
uint64
catalog_changes(ProgramTable table)
{
	return catalog_get(table)->changes;
}

/* The clock by which the hours of a unit are cut: its own, else the program's. */
Clock *
catalog_clock(bool has_unit, int64 org_unit_id)
{
	const CatalogEntry *entry = has_unit ? catalog_find_id(PROGRAM_ORG_UNIT, org_unit_id) : NULL;

	if (entry == NULL || entry->clock.zone == NULL)
		entry = catalog_find_id(PROGRAM_PROGRAM, 1);
	if (entry == NULL || entry->clock.zone == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("the CX program has no time zone"),
				 errhint("Table %s.program must have one row, with the name of a time zone.", PROGRAM_SCHEMA)));
	return unconstify(Clock *, &entry->clock);
}

/* Trigger on the small tables: tell all sessions to read this one again. */
PG_FUNCTION_INFO_V1(catalog_changed);
Datum
catalog_changed(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("catalog_changed() must be called as a trigger")));
	CacheInvalidateRelcache(((TriggerData *) fcinfo->context)->tg_relation);
	return PointerGetDatum(NULL);
}
