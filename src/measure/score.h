/*-------------------------------------------------------------------------
 *
 * score.h
 *	  Scores as they come in: a whole number from 0 to 10 in any numeric type.
 *
 * The readers are inlined into every transition function, for they run once
 * per row; what they refuse is reported by the functions in score.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_SCORE_H
#define CX_SCORE_H

#include "fmgr.h"
#include "utils/numeric.h"

#include "compat.h"
#include "measure/tally.h"

#define SCORE_PROMOTER 9		/* least score of a promoter */
#define SCORE_PASSIVE 7			/* least score of a passive; below are detractors */
#define SATISFIED_FROM_CSAT 4	/* least satisfied score on the 1-5 scale */

/* Turns an argument of one SQL type into a score, or raises an error. */
typedef int (*ScoreReader) (Datum argument);

extern int	score_reject_int(int64 score) pg_attribute_cold;
extern int	score_reject_float8(double score) pg_attribute_cold;
extern int	score_from_any_numeric(Numeric score);
extern int	score_check_satisfied_from(int satisfied_from);
extern int	score_satisfied_from_argument(FunctionCallInfo fcinfo, int position);

/* A whole number as a score. */
static inline int
score_from_int(int32 score)
{
	if (unlikely(score < 0 || score > TALLY_MAX_SCORE))
		return score_reject_int(score);
	return score;
}

/* The score in an argument of this type. */
static inline int
score_from_smallint(Datum argument)
{
	return score_from_int(DatumGetInt16(argument));
}

/* The same for integer. */
static inline int
score_from_integer(Datum argument)
{
	return score_from_int(DatumGetInt32(argument));
}

/* The same for double precision. */
static inline int
score_from_float8(Datum argument)
{
	double		score = DatumGetFloat8(argument);

	if (unlikely(!(score >= 0 && score <= TALLY_MAX_SCORE) || score != (int) score))
		return score_reject_float8(score);
	return (int) score;
}

/*
 * A numeric from 0 to 10 is stored as a two-byte header (short form, sign,
 * weight) and at most one digit in base 10000.  Reading these directly saves
 * a conversion that costs more than the rest of the aggregate; the layout has
 * been stable since 9.1.  Everything else takes the way through numeric.c.
 */
static inline int
score_from_numeric(Datum argument)
{
	struct varlena *packed = PG_DETOAST_DATUM_PACKED(argument);
	Size		size = VARSIZE_ANY_EXHDR(packed);
	uint16		header = 0;
	uint16		digit = 0;

	/* a packed value need not be aligned, hence memcpy; zero has no digit */
	if (size >= sizeof(header))
		memcpy(&header, VARDATA_ANY(packed), sizeof(header));
	if (size == sizeof(header) + sizeof(digit))
		memcpy(&digit, VARDATA_ANY(packed) + sizeof(header), sizeof(digit));
	/* 0x8000 marks the short form; sign and weight are to be zero */
	if (likely((header & 0xE07F) == 0x8000 && size <= sizeof(header) + sizeof(digit) &&
			   digit <= TALLY_MAX_SCORE))
		return digit;
	return score_from_any_numeric(DatumGetNumeric(PointerGetDatum(packed)));
}

/* -1 for a detractor, 0 for a passive, 1 for a promoter. */
static inline int
score_class(int score)
{
	return (score >= SCORE_PROMOTER) - (score < SCORE_PASSIVE);
}

#endif							/* CX_SCORE_H */
