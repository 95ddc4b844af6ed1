/*-------------------------------------------------------------------------
 *
 * erase.h
 *	  Customers who were erased or merged, as capture meets them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_ERASE_H
#define CX_ERASE_H

#include "postgres.h"

/* Kind of the identities that codes of merged customers become; no mapping uses it by itself. */
#define IDENTITY_CODE "code"

/* Kind of the names that tokens of invitations of erased customers are. */
#define ERASED_INVITATION "invitation"

/* What keys of rows of erased customers begin with; the hash of the key follows. */
#define ERASED_KEY_PREFIX "erased:"

/* What stands in for a message that may hold a string of an erased customer. */
#define ERASED_MESSAGE "the message is not kept, for it may name a customer who was erased"

/* What is kept of the name of an erased customer, besides its hash. */
typedef struct ErasedName
{
	bool		has_unit;
	int64		org_unit_id;	/* stands in where a row of his names no unit */
} ErasedName;

extern bool customers_were_merged(void);
extern bool customers_were_erased(void);
extern bool erased_find(const char *kind, const char *name, ErasedName *erased);
extern char *erased_key(const char *key);

#endif							/* CX_ERASE_H */
