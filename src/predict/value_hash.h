/*-------------------------------------------------------------------------
 *
 * value_hash.h
 *	  Hashes of values that are the same for values that are equal, in whatever
 *	  database.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_VALUE_HASH_H
#define CX_VALUE_HASH_H

#include "postgres.h"

#include "access/tupdesc.h"

/* How values of one type are hashed. */
typedef struct ValueHash ValueHash;

/* How rows are hashed. */
typedef struct RowHash
{
	int			count;			/* columns */
	ValueHash **columns;		/* NULL for a column that was dropped */
} RowHash;

/* Bits that all depend on all bits (the finalizer of MurmurHash3). */
static inline uint64
mix_bits(uint64 bits)
{
	bits ^= bits >> 33;
	bits *= UINT64CONST(0xff51afd7ed558ccd);
	bits ^= bits >> 33;
	bits *= UINT64CONST(0xc4ceb9fe1a85ec53);
	return bits ^ bits >> 33;
}

extern bool type_is_hashable(Oid type);
extern ValueHash *value_hash_new(Oid type, Oid collation);
extern uint64 value_hash(ValueHash *self, uint64 seed, Datum value, bool isnull);
extern RowHash *row_hash_new(TupleDesc columns, int count);
extern uint64 row_hash(const RowHash *self, uint64 seed, const Datum *values, const bool *nulls);

#endif							/* CX_VALUE_HASH_H */
