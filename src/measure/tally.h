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

#include "compat.h"
#include "measure/aggregate.h"

#define TALLY_MAX_SCORE 10
#define TALLY_SCORES (TALLY_MAX_SCORE + 1)
#define TALLY_VERSION 1
#define TALLY_SCALE_HINT "Scores are whole numbers from 0 to 10; map wider scales first."

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

pg_noreturn extern void tally_reject(void) pg_attribute_cold;
extern Tally *tally_check(Tally *tally);
extern Tally *tally_new(void);
extern Tally *tally_copy(const Tally *tally);
extern Tally *tally_start(FunctionCallInfo fcinfo);
extern void tally_add_all(Tally *tally, const Tally *other);
extern void tally_remove_all(Tally *tally, const Tally *other);
extern int64 tally_count_between(const Tally *tally, int low, int high);

#ifdef USE_ASSERT_CHECKING
extern void tally_assert(const Tally *tally);
#else
#define tally_assert(tally) ((void) 0)
#endif

/* Whether these bytes are laid out as a tally, so that they can be worked on. */
static inline bool
tally_has_layout(const Tally *tally)
{
	return VARSIZE(tally) == sizeof(Tally) && tally->version == TALLY_VERSION;
}

/* The first argument as a tally that this call may change. */
static inline Tally *
tally_state(FunctionCallInfo fcinfo)
{
	if (likely(!PG_ARGISNULL(0) && in_aggregate(fcinfo)))
	{
		tally_assert((Tally *) PG_GETARG_POINTER(0));
		return (Tally *) PG_GETARG_POINTER(0);
	}
	return tally_start(fcinfo);
}

/*
 * The same for functions that are strict: the first state of their aggregate is
 * a stored value, which nobody has looked at yet.
 */
static inline Tally *
tally_stored_state(FunctionCallInfo fcinfo)
{
	Tally	   *tally = in_aggregate(fcinfo) ? (Tally *) PG_GETARG_POINTER(0) : tally_start(fcinfo);

	if (unlikely(!tally_has_layout(tally)))
		tally_reject();
	return tally;
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
