/*-------------------------------------------------------------------------
 *
 * row_pair.c
 *	  Which row before an UPDATE belongs to which row after it.
 *
 * The server hands both out in the same order, so they are paired by position.
 * Only where a trigger on a partition threw away a row that was to move there,
 * some are missing: then they are paired by the primary key, or not at all.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "executor/executor.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "program/attempt.h"
#include "program/hash.h"
#include "program/owner.h"
#include "watch/row_pair.h"
#include "watch/watched.h"

/* A row that is to be named. */
typedef struct RowNaming
{
	Relation	relation;
	Oid			owner;
	TupleTableSlot *row;
	MemoryContext context;		/* where the name is to be */
	char	   *name;			/* what came out; NULL if there is no primary key */
} RowNaming;

/* Append a value as it is written in SQL. */
static void
append_literal(StringInfo name, const char *value)
{
	bool		is_number = value[strspn(value, "0123456789")] == '\0';

	appendStringInfoString(name, is_number ? value : quote_literal_cstr(value));
}

/* The condition by which a row is found: its primary key; NULL if it has none. */
static char *
primary_key_of(Relation relation, TupleTableSlot *row)
{
	Bitmapset  *columns = RelationGetIndexAttrBitmap(relation, INDEX_ATTR_BITMAP_PRIMARY_KEY);
	int			member = -1;
	StringInfoData name;

	if (bms_is_empty(columns))
		return NULL;
	initStringInfo(&name);
	while ((member = bms_next_member(columns, member)) >= 0)
	{
		Form_pg_attribute column = TupleDescAttr(RelationGetDescr(relation), member + FirstLowInvalidHeapAttributeNumber - 1);
		Oid			output;
		bool		is_varlena;
		bool		isnull;
		Datum		value = slot_getattr(row, column->attnum, &isnull);

		getTypeOutputInfo(column->atttypid, &output, &is_varlena);
		appendStringInfo(&name, "%s%s = ", name.len == 0 ? "" : " AND ", quote_identifier(NameStr(column->attname)));
		append_literal(&name, isnull ? "NULL" : OidOutputFunctionCall(output, value));
	}
	return name.data;
}

/* Name a row with the rights of the relation's owner; work that may fail. */
static void
name_row(void *argument)
{
	RowNaming  *naming = (RowNaming *) argument;
	ActingAs	before = act_as_reader(naming->owner);
	char	   *name = primary_key_of(naming->relation, naming->row);

	if (name != NULL)
		naming->name = MemoryContextStrdup(naming->context, name);
	act_as_before(before);
}

/* What a row is called in messages: the condition by which it is found, else its number in the statement. */
char *
row_name(Relation relation, Oid owner, TupleTableSlot *row, int64 number)
{
	RowNaming	naming = {relation, owner, row, CurrentMemoryContext, NULL};
	ErrorData  *error;

	if (attempt(name_row, &naming, watched_must_fail, &error) && naming.name != NULL)
		return naming.name;
	return psprintf("row " INT64_FORMAT " of the statement", number);
}

/* Entry of a table of rows by primary key; its key is the string that the pointer points to. */
typedef struct NamedRow
{
	char	   *name;
	MinimalTuple row;
} NamedRow;

/* Refuse to pair rows. */
pg_noreturn static void
reject_pairs(Relation relation)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("rows of \"%s\" before and after an UPDATE cannot be paired", RelationGetRelationName(relation)),
			 errhint("That takes a primary key which the UPDATE does not change.")));
}

/* The primary key of a row, which must have one. */
static char *
required_key(Relation relation, TupleTableSlot *row)
{
	char	   *name = primary_key_of(relation, row);

	if (name == NULL)
		reject_pairs(relation);
	return name;
}

/* Rows before an UPDATE by primary key. */
static HTAB *
old_rows_by_key(const RowPairs *pairs, TupleTableSlot *slot)
{
	HASHCTL		control = {.keysize = sizeof(char *), .entrysize = sizeof(NamedRow), .hash = hash_string_pointer, .match = match_string_pointer, .hcxt = CurrentMemoryContext};
	HTAB	   *by_key = hash_create("cx rows before an UPDATE", 1024, &control, HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);

	tuplestore_rescan(pairs->old_rows);
	while (tuplestore_gettupleslot(pairs->old_rows, true, false, slot))
	{
		char	   *name = required_key(pairs->relation, slot);

		((NamedRow *) hash_search(by_key, &name, HASH_ENTER, NULL))->row = ExecCopySlotMinimalTuple(slot);
	}
	return by_key;
}

/* Put the rows that have a partner in the same order. */
static void
pair_by_key(RowPairs *pairs, Tuplestorestate *old_rows, Tuplestorestate *new_rows)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(RelationGetDescr(pairs->relation), &TTSOpsMinimalTuple);
	TupleTableSlot *old_slot = MakeSingleTupleTableSlot(RelationGetDescr(pairs->relation), &TTSOpsMinimalTuple);
	HTAB	   *by_key = old_rows_by_key(pairs, slot);

	tuplestore_rescan(pairs->new_rows);
	while (tuplestore_gettupleslot(pairs->new_rows, true, false, slot))
	{
		char	   *name = required_key(pairs->relation, slot);
		NamedRow   *found = (NamedRow *) hash_search(by_key, &name, HASH_FIND, NULL);

		if (found == NULL)
			reject_pairs(pairs->relation);
		tuplestore_puttupleslot(new_rows, slot);
		ExecStoreMinimalTuple(found->row, old_slot, false);
		tuplestore_puttupleslot(old_rows, old_slot);
	}
	ExecDropSingleTupleTableSlot(slot);
	ExecDropSingleTupleTableSlot(old_slot);
}

/* Make room for rows in another order, where they need it; not in the subtransaction, which would close their files. */
void
row_pairs_begin(RowPairs *pairs)
{
	if (tuplestore_tuple_count(pairs->old_rows) == tuplestore_tuple_count(pairs->new_rows))
		return;
	pairs->old_sorted = tuplestore_begin_heap(false, false, work_mem);
	pairs->new_sorted = tuplestore_begin_heap(false, false, work_mem);
}

/* Pair rows before and after an UPDATE; work that may fail. */
void
row_pairs_match(void *argument)
{
	RowPairs   *pairs = (RowPairs *) argument;
	ActingAs	before;

	if (pairs->old_sorted == NULL)
		return;
	before = act_as_reader(pairs->owner);
	pair_by_key(pairs, pairs->old_sorted, pairs->new_sorted);
	act_as_before(before);
	pairs->old_rows = pairs->old_sorted;
	pairs->new_rows = pairs->new_sorted;
}
