/*-------------------------------------------------------------------------
 *
 * tally.h
 *	  The tally: how many answers gave each score from 0 to 10.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_TALLY_H
#define CX_TALLY_H

#include "fmgr.h"
#include "nodes/execnodes.h"
#include "nodes/nodes.h"

#define TALLY_MAX_SCORE 10
#define TALLY_SCORES (TALLY_MAX_SCORE + 1)
#define TALLY_VERSION 1

typedef struct Tally
{
	int32		vl_len_;		/* varlena header; do not touch directly */
	uint8		version;		/* layout of what follows, TALLY_VERSION */
	uint8		unused[3];		/* always zero, so equal tallies are equal bytes */
	int64		counts[TALLY_SCORES];	/* answers per score, never negative */
} Tally;

#define DatumGetTallyP(datum) tally_check((Tally *) PG_DETOAST_DATUM(datum))
#define PG_GETARG_TALLY_P(n) DatumGetTallyP(PG_GETARG_DATUM(n))
#define PG_RETURN_TALLY_P(tally) PG_RETURN_POINTER(tally)

extern Tally *tally_check(Tally *tally);
extern Tally *tally_new(void);
extern Tally *tally_copy(const Tally *tally);
extern Tally *tally_start(FunctionCallInfo fcinfo);
extern void tally_add_all(Tally *tally, const Tally *other);
extern void tally_remove_all(Tally *tally, const Tally *other);
extern int64 tally_count_between(const Tally *tally, int low, int high);

/* Whether an executor runs this call for an aggregate, whose state may be changed in place. */
static inline bool
tally_in_aggregate(FunctionCallInfo fcinfo)
{
	return fcinfo->context != NULL &&
		(IsA(fcinfo->context, AggState) || IsA(fcinfo->context, WindowAggState));
}

/* The first argument as a tally that this call may change. */
static inline Tally *
tally_state(FunctionCallInfo fcinfo)
{
	if (likely(!PG_ARGISNULL(0) && tally_in_aggregate(fcinfo)))
		return (Tally *) PG_GETARG_POINTER(0);
	return tally_start(fcinfo);
}

/* Answers with a score in low..high as a double: exact up to 2^53, and never out of range. */
static inline double
tally_sum_between(const Tally *tally, int low, int high)
{
	double		total = 0;

	for (int score = low; score <= high; score++)
		total += (double) tally->counts[score];
	return total;
}

/* Answers in the whole tally, exact up to 2^53. */
static inline double
tally_size(const Tally *tally)
{
	return tally_sum_between(tally, 0, TALLY_MAX_SCORE);
}

#endif							/* CX_TALLY_H */
