/*-------------------------------------------------------------------------
 *
 * split.h
 *	  Which rows a model learns from, which decide when it has learnt enough,
 *	  and which it is judged by.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_SPLIT_H
#define CX_SPLIT_H

#include "postgres.h"

/* The parts, in the order in which their rows stand in the matrix. */
typedef enum SplitPart
{
	PART_TRAINING,
	PART_VALIDATION,
	PART_HOLDOUT,
	PART_NONE,					/* left out: of a key that is on both sides */
	PARTS						/* how many */
} SplitPart;

/* How rows are divided. */
typedef struct SplitRule
{
	double		holdout;		/* share of keys, or of rows without one, that is held out */
	double		validation;		/* share of the others that does not train */
	bool		has_flags;		/* a condition says which rows are held out; of keys for which it says both, holdout decides */
	bool		has_key;		/* rows with one hash belong together, whatever the condition says */
} SplitRule;

extern void split_check_key(Oid type);
extern uint64 split_copy(uint64 hash, uint64 copy);
extern void split_number_copies(uint64 *hashes, int64 rows);
extern double split_share(uint64 hash);
extern void split_rows(const SplitRule *rule, const uint64 *hashes, const bool *flags, int64 rows, uint8 *parts);

#endif							/* CX_SPLIT_H */
