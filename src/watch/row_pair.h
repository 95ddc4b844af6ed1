/*-------------------------------------------------------------------------
 *
 * row_pair.h
 *	  Names of rows, and rows before and after an UPDATE.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_ROW_PAIR_H
#define CX_ROW_PAIR_H

#include "executor/tuptable.h"
#include "utils/relcache.h"
#include "utils/tuplestore.h"

/* Rows before and after an UPDATE. */
typedef struct RowPairs
{
	Relation	relation;
	Oid			owner;			/* of the relation */
	Tuplestorestate *old_rows;
	Tuplestorestate *new_rows;
	Tuplestorestate *old_sorted;	/* the same in another order; NULL if they need none */
	Tuplestorestate *new_sorted;
} RowPairs;

extern char *row_name(Relation relation, Oid owner, TupleTableSlot *row, int64 number);
extern void row_pairs_begin(RowPairs *pairs);
extern void row_pairs_match(void *pairs);

#endif							/* CX_ROW_PAIR_H */
