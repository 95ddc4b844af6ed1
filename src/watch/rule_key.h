/*-------------------------------------------------------------------------
 *
 * rule_key.h
 *	  Finds, of many rules that ask for a column to be equal to something, those
 *	  that a row may match.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_RULE_KEY_H
#define CX_RULE_KEY_H

#include "executor/tuptable.h"
#include "fmgr.h"
#include "nodes/pg_list.h"

/* A rule that a hash value leads to. */
typedef struct RuleKeyEntry
{
	uint32		hash;			/* of a constant */
	int			rule;			/* number of the rule; below 0 if the entry is free */
} RuleKeyEntry;

/* A column that several rules ask to be equal to something. */
typedef struct RuleKey
{
	AttrNumber	column;
	Oid			row_function;	/* hashes values of the column */
	FmgrInfo	row_hash;		/* the same, ready to be called */
	Oid			collation;
	List	   *tests;			/* of RuleKeyTest, until the table is made */
	RuleKeyEntry *entries;		/* open addressing; NULL if too few rules ask for the column */
	uint32		mask;			/* one less than how many, which is a power of 2 */
} RuleKey;

extern List *rule_key_add(List *keys, Expr *condition, int rule);
extern void rule_keys_finish(List *keys, bool *is_keyed);
extern int	rule_key_candidates(RuleKey *key, TupleTableSlot *row, int *rules, int count);

#endif							/* CX_RULE_KEY_H */
