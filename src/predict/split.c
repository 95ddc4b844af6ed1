/*-------------------------------------------------------------------------
 *
 * split.c
 *	  Divides rows by a hash of their key, or of all they hold and which of the
 *	  equal ones they are, so that the division depends on nothing but the seed
 *	  and what rows there are: not on their order.
 *
 * Rows with one key are never on both sides.  Rows without key are taken for
 * different cases though they are equal, so equal ones are divided like others:
 * kept together, what is held out would have other outcomes than what trains
 * wherever features have few values.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "compat.h"
#include "predict/split.h"
#include "predict/value_hash.h"

#define COPY_STEP UINT64CONST(0x9e3779b97f4a7c15)
#define VALIDATION_SALT UINT64CONST(0xd1b54a32d192ed03)
#define INTERRUPT_ROWS 65536	/* rows between looks for interrupts */

#define ST_SORT hash_sort
#define ST_ELEMENT_TYPE uint64
#define ST_COMPARE(a, b) ((*(a) > *(b)) - (*(a) < *(b)))
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#define ST_DECLARE
#include "lib/sort_template.h"

/* How many rows came with hashes of one place. */
typedef struct Copies
{
	uint64		place;
	uint64		count;
} Copies;

/* The hash of a row among equal ones: copy 0 has the hash of all of them. */
uint64
split_copy(uint64 hash, uint64 copy)
{
	return copy == 0 ? hash : mix_bits(hash + copy * COPY_STEP);
}

/* The place of a hash among all, 0 .. 2^53 - 1. */
static inline uint64
split_place(uint64 hash)
{
	return mix_bits(hash) >> 11;
}

/* A hash as a number from 0 up to 1. */
double
split_share(uint64 hash)
{
	return split_place(hash) * 0x1.0p-53;
}

/* Give each row that equals others a hash of its own, by its number among them. */
void
split_number_copies(uint64 *hashes, int64 rows)
{
	uint64		slots = pg_nextpower2_64(Max((uint64) rows + rows / 2, 16));
	Copies	   *copies = MemoryContextAllocExtended(CurrentMemoryContext, mul_size(slots, sizeof(Copies)), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);

	for (int64 row = 0; row < rows; row++)
	{
		uint64		place = split_place(hashes[row]);
		uint64		slot = place & (slots - 1);

		if (row % INTERRUPT_ROWS == 0)
			CHECK_FOR_INTERRUPTS();
		while (copies[slot].count > 0 && copies[slot].place != place)
			slot = (slot + 1) & (slots - 1);
		copies[slot].place = place;
		hashes[row] = split_copy(hashes[row], copies[slot].count++);
	}
	pfree(copies);
}

/* The hashes of rows that are held out or, if not, of those that are not, in order. */
static uint64 *
hashes_of_side(const uint64 *hashes, const bool *flags, int64 rows, bool is_held_out, int64 *count)
{
	uint64	   *side = MemoryContextAllocHuge(CurrentMemoryContext, mul_size(Max(rows, 1), sizeof(uint64)));

	*count = 0;
	for (int64 row = 0; row < rows; row++)
		if (flags[row] == is_held_out)
			side[(*count)++] = hashes[row];
	hash_sort(side, *count);
	return side;
}

/* Whether a hash is one of these, which are in order. */
static bool
is_among(uint64 hash, const uint64 *hashes, int64 count)
{
	int64		low = 0;
	int64		high = count;

	while (low < high)
	{
		int64		middle = (low + high) / 2;

		if (hashes[middle] < hash)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && hashes[low] == hash;
}

/* Leave out rows of keys that are on both sides: those that are not on the side that the key's hash chooses. */
static void
part_keys(const SplitRule *rule, const uint64 *hashes, const bool *flags, int64 rows, uint8 *parts)
{
	int64		counts[2];
	uint64	   *sides[2];

	for (int side = 0; side < 2; side++)
		sides[side] = hashes_of_side(hashes, flags, rows, side == 1, &counts[side]);
	for (int64 row = 0; row < rows; row++)
	{
		int			other = flags[row] ? 0 : 1;

		if (row % INTERRUPT_ROWS == 0)
			CHECK_FOR_INTERRUPTS();
		if (flags[row] != (split_share(hashes[row]) < rule->holdout) && is_among(hashes[row], sides[other], counts[other]))
			parts[row] = PART_NONE;
	}
	pfree(sides[0]);
	pfree(sides[1]);
}

/* Say of each row to which part it belongs; without hashes, which it takes unless both shares are 0, all that is not held out trains. */
void
split_rows(const SplitRule *rule, const uint64 *hashes, const bool *flags, int64 rows, uint8 *parts)
{
	for (int64 row = 0; row < rows; row++)
	{
		if (rule->has_flags ? flags[row] : rule->holdout > 0 && split_share(hashes[row]) < rule->holdout)
			parts[row] = PART_HOLDOUT;
		else
			parts[row] = rule->validation > 0 && split_share(hashes[row] ^ VALIDATION_SALT) < rule->validation ? PART_VALIDATION : PART_TRAINING;
	}
	if (rule->has_flags && rule->has_key)
		part_keys(rule, hashes, flags, rows, parts);
}

/* Refuse a key of a type without an equality to hash by. */
void
split_check_key(Oid type)
{
	if (type_is_hashable(type))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("key is of type %s, whose values cannot be hashed", format_type_be(type)),
			 errhint("Cast the key to a type such as text or bigint.")));
}

/* How keys of the type of the first argument are hashed, kept as long as the call's plan. */
static ValueHash *
hash_of_argument(FunctionCallInfo fcinfo)
{
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, 0);
	MemoryContext before;

	if (fcinfo->flinfo->fn_extra != NULL)
		return fcinfo->flinfo->fn_extra;
	if (!OidIsValid(type))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("could not determine the type of the key")));
	if (!type_is_rowtype(type))
		split_check_key(type);
	before = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	fcinfo->flinfo->fn_extra = value_hash_new(type, PG_GET_COLLATION());
	MemoryContextSwitchTo(before);
	return fcinfo->flinfo->fn_extra;
}

/* The place of a key, or of a row, among all that a seed puts in order: held out are those below the share held out. */
PG_FUNCTION_INFO_V1(holdout_share);
Datum
holdout_share(PG_FUNCTION_ARGS)
{
	uint64		hash = value_hash(hash_of_argument(fcinfo), mix_bits(PG_GETARG_INT64(1)), PG_GETARG_DATUM(0), false);
	int64		copy = PG_GETARG_INT64(2);

	if (copy < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("copy " INT64_FORMAT " is below 1", copy),
				 errhint("It is the number of a row among equal ones, as row_number() gives it.")));
	PG_RETURN_FLOAT8(split_share(split_copy(hash, (uint64) copy - 1)));
}
