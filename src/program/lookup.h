/*-------------------------------------------------------------------------
 *
 * lookup.h
 *	  Finds rows of the program's tables by a unique index, without a query.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_LOOKUP_H
#define CX_LOOKUP_H

#include "access/genam.h"
#include "executor/tuptable.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

#include "program/program.h"

#define LOOKUP_MAX_COLUMNS 2

/* An open table and index, ready to look for keys. */
typedef struct Lookup
{
	MemoryContext context;		/* holds the scan */
	Relation	table;
	Relation	index;
	Snapshot	snapshot;		/* registered */
	IndexScanDesc scan;
	TupleTableSlot *slot;		/* the row found last */
	ScanKeyData keys[LOOKUP_MAX_COLUMNS];
	int			columns;
} Lookup;

extern Lookup *lookup_begin(ProgramTable table, const char *const *columns, Oid type, int count);
extern TupleTableSlot *lookup_find(Lookup *lookup, const Datum *values);
extern int	lookup_following(Lookup *lookup, Datum first, Datum *keys, int room);
extern void lookup_end(Lookup *lookup);
extern AttrNumber program_column(Relation relation, const char *name, Oid type);

#endif							/* CX_LOOKUP_H */
