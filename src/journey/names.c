/*-------------------------------------------------------------------------
 *
 * names.c
 *	  Numbers for the different names of a group.
 *
 * Events are kept with the number of their step, so that they have one size
 * and each name is kept once.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "journey/names.h"

#define FIRST_ROOM 4			/* names */

/* What the hash table holds of a name. */
typedef struct NameSlot
{
	NameBytes	name;			/* the name */
	uint32		hash;			/* its hash value */
	uint32		number;			/* its number */
	char		status;			/* of simplehash */
} NameSlot;

/* Order of two names: by their bytes, a part before the whole. */
int
names_compare(NameBytes a, NameBytes b)
{
	int			order = memcmp(a.bytes, b.bytes, Min(a.length, b.length));

	return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

#define SH_PREFIX name
#define SH_ELEMENT_TYPE NameSlot
#define SH_KEY_TYPE NameBytes
#define SH_KEY name
#define SH_HASH_KEY(table, key) hash_bytes((const unsigned char *) (key).bytes, (key).length)
#define SH_EQUAL(table, a, b) ((a).length == (b).length && memcmp((a).bytes, (b).bytes, (a).length) == 0)
#define SH_SCOPE static inline
#define SH_STORE_HASH
#define SH_GET_HASH(table, entry) (entry)->hash
#define SH_DEFINE
#define SH_DECLARE
#include "lib/simplehash.h"

/* Sorts numbers by their names. */
#define ST_SORT number_sort
#define ST_ELEMENT_TYPE uint32
#define ST_COMPARE_ARG_TYPE const NameBytes
#define ST_COMPARE(a, b, names) names_compare((names)[*(a)], (names)[*(b)])
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#define ST_DECLARE
#include "lib/sort_template.h"

/* No names yet; their memory comes from this context. */
Names *
names_new(MemoryContext context)
{
	Names	   *names = MemoryContextAllocZero(context, sizeof(Names));

	names->room = FIRST_ROOM;
	names->names = MemoryContextAlloc(context, FIRST_ROOM * sizeof(NameBytes));
	names->numbers = name_create(context, FIRST_ROOM, NULL);
	names->size = sizeof(Names);
	return names;
}

/* Give the memory back. */
void
names_free(Names *names)
{
	for (uint32 i = 0; i < names->count; i++)
		pfree(unconstify(char *, names->names[i].bytes));
	pfree(names->names);
	name_destroy(names->numbers);
	pfree(names);
}

/* A copy of a name in the memory of these names. */
static NameBytes
names_copy(Names *names, NameBytes name)
{
	char	   *bytes = MemoryContextAllocHuge(GetMemoryChunkContext(names), Max(name.length, 1));

	memcpy(bytes, name.bytes, name.length);
	name.bytes = bytes;
	return name;
}

/* The number of a name, a new one if it is new. */
uint32
names_number(Names *names, NameBytes name)
{
	uint32		hash = hash_bytes((const unsigned char *) name.bytes, name.length);
	NameSlot  *entry = name_lookup_hash(names->numbers, name, hash);
	bool		found;

	if (entry != NULL)
		return entry->number;
	if (names->count == names->room)
	{
		names->room *= 2;
		names->names = repalloc_huge(names->names, names->room * sizeof(NameBytes));
	}
	name = names_copy(names, name);
	names->names[names->count] = name;
	entry = name_insert_hash(names->numbers, name, hash, &found);
	entry->number = names->count++;
	/* about: memory comes in powers of two, and the table is half full */
	names->size += 2 * (name.length + sizeof(NameBytes) + sizeof(NameSlot)) + 16;
	return entry->number;
}

/* The number of a name, or NO_NAME if it is not among them. */
uint32
names_find(const Names *names, NameBytes name)
{
	NameSlot  *entry = name_lookup(names->numbers, name);

	return entry == NULL ? NO_NAME : entry->number;
}

/* The numbers in the order of their names. */
uint32 *
names_order(const Names *names)
{
	uint32	   *numbers = palloc_extended(Max(names->count, 1) * sizeof(uint32), MCXT_ALLOC_HUGE);

	for (uint32 i = 0; i < names->count; i++)
		numbers[i] = i;
	number_sort(numbers, names->count, names->names);
	return numbers;
}
