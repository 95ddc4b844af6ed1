/*-------------------------------------------------------------------------
 *
 * customers.c
 *	  Checks that the customers of a statement exist.
 *
 * Customers are too many to be kept in memory as the other tables are, and
 * looking one up costs more than counting his answer.  So a session remembers
 * customers that it found, with their neighbours if all fit; when any is
 * deleted, all sessions forget.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "collect/customers.h"
#include "program/lookup.h"

/* Customers that a session remembers; beyond that it starts anew. */
#define CUSTOMERS_REMEMBERED 131072

/* Keys that are looked at together, those that begin with the same bits; a power of two. */
#define CUSTOMERS_TOGETHER 512

/* A customer who exists. */
typedef struct KnownCustomer
{
	int64		customer_id;
	char		status;			/* used by the hash table */
} KnownCustomer;

#define SH_PREFIX known
#define SH_ELEMENT_TYPE KnownCustomer
#define SH_KEY_TYPE int64
#define SH_KEY customer_id
#define SH_HASH_KEY(table, key) murmurhash32((uint32) (key) ^ (uint32) ((uint64) (key) >> 32))
#define SH_EQUAL(table, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

static known_hash *known_customers = NULL;

/* The table they were found in; set to InvalidOid when one may be gone. */
static Oid	known_table = InvalidOid;

/* A relation changed, or with InvalidOid perhaps any. */
static void
known_invalidate(Datum argument, Oid relation)
{
	if (relation == InvalidOid || relation == known_table)
		known_table = InvalidOid;
}

/* Have only customers in memory that exist in this table. */
static void
known_prepare(Oid table)
{
	if (likely(known_table == table && known_customers->members < CUSTOMERS_REMEMBERED))
		return;
	if (known_customers == NULL)
	{
		known_customers = known_create(CacheMemoryContext, 64, NULL);
		CacheRegisterRelcacheCallback(known_invalidate, (Datum) 0);
	}
	known_reset(known_customers);
	known_table = table;
}

/* Remember a customer that was found, unless this transaction added him and may undo that. */
static void
known_add(TupleTableSlot *customer, int64 customer_id)
{
	bool		isnull;
	bool		found;
	TransactionId adder = DatumGetTransactionId(slot_getsysattr(customer, MinTransactionIdAttributeNumber, &isnull));

	if (known_table != InvalidOid && !TransactionIdIsCurrentTransactionId(adder))
		(void) known_insert(known_customers, customer_id, &found);
}

/* Remember the neighbours of a customer who is not known, if there are not too many in all. */
static void
known_add_neighbours(Lookup *lookup, int64 customer_id)
{
	Datum		keys[CUSTOMERS_TOGETHER];
	float4		rows = lookup->table->rd_rel->reltuples;
	int			count;
	bool		found;

	if (rows < CUSTOMERS_TOGETHER || rows > CUSTOMERS_REMEMBERED || known_table == InvalidOid)
		return;
	count = lookup_following(lookup, Int64GetDatum(customer_id & ~(int64) (CUSTOMERS_TOGETHER - 1)), keys, CUSTOMERS_TOGETHER);
	for (int i = 0; i < count && known_table != InvalidOid; i++)
		(void) known_insert(known_customers, DatumGetInt64(keys[i]), &found);
}

/* Whether this customer is known to exist. */
static bool
known_has(int64 customer_id)
{
	return known_table != InvalidOid && known_lookup(known_customers, customer_id) != NULL;
}

/* Add a customer to the list, unless he is known to exist. */
void
customers_add(CustomerList *list, int64 customer_id)
{
	if ((list->count > 0 && list->ids[list->count - 1] == customer_id) || known_has(customer_id))
		return;
	if (list->count == list->room)
	{
		list->room = list->room == 0 ? 16 : list->room * 2;
		list->ids = list->ids == NULL ? palloc(sizeof(int64) * list->room) :
			repalloc_huge(list->ids, mul_size(sizeof(int64), list->room));
	}
	list->ids[list->count++] = customer_id;
}

/* Order of customers. */
static int
compare_customers(const void *a, const void *b)
{
	int64		left = *(const int64 *) a;
	int64		right = *(const int64 *) b;

	return left < right ? -1 : left > right;
}

/* Raise an error unless all customers of the list exist. */
void
customers_check(CustomerList *list)
{
	static const char *const column[] = {"customer_id"};
	Lookup	   *lookup;

	if (list->count == 0)
		return;
	qsort(list->ids, list->count, sizeof(int64), compare_customers);
	lookup = lookup_begin(PROGRAM_CUSTOMER, column, INT8OID, 1);
	known_prepare(RelationGetRelid(lookup->table));
	for (int64 i = 0; i < list->count; i++)
	{
		Datum		key = Int64GetDatum(list->ids[i]);
		TupleTableSlot *customer;

		if (i > 0 && (list->ids[i] == list->ids[i - 1] || known_has(list->ids[i])))
			continue;
		CHECK_FOR_INTERRUPTS();
		customer = lookup_find(lookup, &key);
		if (customer == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
					 errmsg("customer " INT64_FORMAT " does not exist", list->ids[i]),
					 errhint("Add it to %s.customer first.", PROGRAM_SCHEMA)));
		known_add(customer, list->ids[i]);
		known_add_neighbours(lookup, list->ids[i]);
	}
	lookup_end(lookup);
}
