/*-------------------------------------------------------------------------
 *
 * customers.h
 *	  Whether customers exist.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_CUSTOMERS_H
#define CX_CUSTOMERS_H

#include "postgres.h"

/* Customers of a statement that are still to be looked up. */
typedef struct CustomerList
{
	int64	   *ids;			/* the same one may come twice */
	int64		count;
	int64		room;
} CustomerList;

extern void customers_add(CustomerList *list, int64 customer_id);
extern void customers_check(CustomerList *list);

#endif							/* CX_CUSTOMERS_H */
