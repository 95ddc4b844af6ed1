/*-------------------------------------------------------------------------
 *
 * tally_math.h
 *	  Shares, means and variances of the answers in a tally.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_TALLY_MATH_H
#define CX_TALLY_MATH_H

#include "measure/tally.h"

/* The three classes of NPS, as weights that may be fractions. */
typedef struct NpsClasses
{
	double		size;			/* answers in all */
	double		promoters;		/* of these with 9 or 10 */
	double		detractors;		/* of these with 0 to 6 */
} NpsClasses;

extern NpsClasses nps_classes(const Tally *tally);
extern NpsClasses nps_adjusted(NpsClasses classes);
extern double nps_value(NpsClasses classes);
extern double nps_variance(NpsClasses classes);
extern double tally_nps(const Tally *tally);
extern double tally_mean_from(const Tally *tally, int origin);
extern double tally_mean(const Tally *tally);
extern double tally_variance(const Tally *tally);

#endif							/* CX_TALLY_MATH_H */
