/*-------------------------------------------------------------------------
 *
 * lookup.c
 *	  Index scans on the program's tables for code that runs once per row.
 *
 * Like the checks of foreign keys, this sees the latest committed state and
 * asks no privileges of the caller: only whether a row exists, and its key,
 * ever come out.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/visibilitymap.h"
#include "access/xact.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "program/lookup.h"

/* Rows not known to be visible to everybody after which a search for those that are ends. */
#define LOOKUP_HIDDEN 16

/* The number of a column that cx made, which still has the type that it was made with. */
AttrNumber
program_column(Relation relation, const char *name, Oid type)
{
	TupleDesc	columns = RelationGetDescr(relation);

	for (int i = 0; i < columns->natts; i++)
		if (strcmp(NameStr(TupleDescAttr(columns, i)->attname), name) == 0 && TupleDescAttr(columns, i)->atttypid == type)
			return i + 1;
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("table %s.%s has no column \"%s\" of type %s", PROGRAM_SCHEMA,
					RelationGetRelationName(relation), name, format_type_be(type)),
			 errhint("Columns that cx made must be neither dropped nor renamed nor changed to another type.")));
}

/* Whether an index is unique and on just these columns. */
static bool
lookup_fits(Relation index, const AttrNumber *columns, Oid type, int count)
{
	Form_pg_index form = index->rd_index;

	if (index->rd_rel->relkind != RELKIND_INDEX || !form->indisunique || !form->indisvalid || !form->indimmediate || index->rd_rel->relam != BTREE_AM_OID ||
		form->indnkeyatts != count || RelationGetIndexPredicate(index) != NIL)
		return false;
	for (int i = 0; i < count; i++)
		if (form->indkey.values[i] != columns[i] || index->rd_opcintype[i] != type)
			return false;
	return true;
}

/* The unique index on these columns, open. */
static Relation
lookup_open_index(Relation table, const AttrNumber *columns, Oid type, int count)
{
	List	   *indexes = RelationGetIndexList(table);
	ListCell   *cell;

	foreach(cell, indexes)
	{
		Relation	index = index_open(lfirst_oid(cell), AccessShareLock);

		if (lookup_fits(index, columns, type, count))
		{
			list_free(indexes);
			return index;
		}
		index_close(index, AccessShareLock);
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("table %s.%s lacks a unique index that cx made", PROGRAM_SCHEMA,
					RelationGetRelationName(table)),
			 errhint("Create a unique index on column \"%s\".",
					 get_attname(RelationGetRelid(table), columns[count - 1], false))));
}

/* Start the scan of what is committed by now and what this transaction did. */
static void
lookup_start(Lookup *lookup)
{
	MemoryContext before = MemoryContextSwitchTo(lookup->context);

	lookup->snapshot = RegisterSnapshot(GetLatestSnapshot());
	lookup->scan = index_beginscan(lookup->table, lookup->index, lookup->snapshot, NULL,
										 lookup->columns, 0);
	MemoryContextSwitchTo(before);
}

/* End the scan. */
static void
lookup_stop(Lookup *lookup)
{
	index_endscan(lookup->scan);
	UnregisterSnapshot(lookup->snapshot);
}

/* Get ready, in the current memory context, to look for rows by these columns of type bigint or text. */
Lookup *
lookup_begin(ProgramTable table, const char *const *columns, Oid type, int count)
{
	Lookup	   *lookup = (Lookup *) palloc0(sizeof(Lookup));
	AttrNumber	numbers[LOOKUP_MAX_COLUMNS];

	Assert(count <= LOOKUP_MAX_COLUMNS);
	lookup->context = CurrentMemoryContext;
	lookup->columns = count;
	lookup->table = table_open(program_table(table), AccessShareLock);
	for (int i = 0; i < count; i++)
		numbers[i] = program_column(lookup->table, columns[i], type);
	lookup->index = lookup_open_index(lookup->table, numbers, type, count);
	for (int i = 0; i < count; i++)
		ScanKeyEntryInitialize(&lookup->keys[i], 0, i + 1, BTEqualStrategyNumber, InvalidOid,
							   lookup->index->rd_indcollation[i], type == INT8OID ? F_INT8EQ : F_TEXTEQ, (Datum) 0);
	lookup->slot = table_slot_create(lookup->table, NULL);
	lookup_start(lookup);
	return lookup;
}

/* Look once; what the scan notes of rows that are gone it frees at its end, so it must not be in memory of the caller. */
static TupleTableSlot *
lookup_try(Lookup *lookup)
{
	MemoryContext before = MemoryContextSwitchTo(lookup->context);
	bool		found;

	index_rescan(lookup->scan, lookup->keys, lookup->columns, NULL, 0);
	found = index_getnext_slot(lookup->scan, ForwardScanDirection, lookup->slot);
	MemoryContextSwitchTo(before);
	return found ? lookup->slot : NULL;
}

/* The row with these values, or NULL; valid until the next call. */
TupleTableSlot *
lookup_find(Lookup *lookup, const Datum *values)
{
	TupleTableSlot *found;

	for (int i = 0; i < lookup->columns; i++)
		lookup->keys[i].sk_argument = values[i];
	found = lookup_try(lookup);
	if (found != NULL)
		return found;

	/* rows that this very statement made become visible with the next command */
	lookup_stop(lookup);
	CommandCounterIncrement();
	lookup_start(lookup);
	return lookup_try(lookup);
}

/*
 * The keys from this one on, as far as the index alone tells that everybody
 * sees the rows; gives how many.  Gives up where too many are not seen so.  For
 * a look-up by one column of type bigint.
 */
int
lookup_following(Lookup *lookup, Datum first, Datum *keys, int room)
{
	IndexScanDesc scan;
	ScanKeyData from;
	ItemPointer place;
	Buffer		map = InvalidBuffer;
	int			count = 0;
	int			hidden = 0;

	if (lookup->table->rd_rel->relam != HEAP_TABLE_AM_OID)
		return 0;
	ScanKeyInit(&from, 1, BTGreaterEqualStrategyNumber, F_INT8GE, first);
	scan = index_beginscan(lookup->table, lookup->index, lookup->snapshot, NULL, 1, 0);
	scan->xs_want_itup = true;
	index_rescan(scan, &from, 1, NULL, 0);
	for (int read = 0; read < room && hidden < LOOKUP_HIDDEN && (place = index_getnext_tid(scan, ForwardScanDirection)) != NULL; read++)
	{
		bool		isnull;

		if (VM_ALL_VISIBLE(lookup->table, ItemPointerGetBlockNumber(place), &map))
			keys[count++] = index_getattr(scan->xs_itup, 1, scan->xs_itupdesc, &isnull);
		else
			hidden++;
	}
	if (BufferIsValid(map))
		ReleaseBuffer(map);
	index_endscan(scan);
	return count;
}

/* Close everything. */
void
lookup_end(Lookup *lookup)
{
	lookup_stop(lookup);
	ExecDropSingleTupleTableSlot(lookup->slot);
	index_close(lookup->index, AccessShareLock);
	table_close(lookup->table, NoLock);
	pfree(lookup);
}
