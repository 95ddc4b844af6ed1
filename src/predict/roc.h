/*-------------------------------------------------------------------------
 *
 * roc.h
 *	  Rows in order of their score, and what follows from the order.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_ROC_H
#define CX_ROC_H

#include "postgres.h"

/* A row in order of its score. */
typedef struct RankedRow
{
	double		score;
	int64		row;			/* where it stands among the rows as they were given */
} RankedRow;

extern RankedRow *rank_rows(const double *score, int64 rows);
extern int64 tie_end(const RankedRow *ranked, int64 rows, int64 start);
extern double ranked_sum(const RankedRow *ranked, const double *outcome, int64 start, int64 end);
extern double ranked_roc_area(const RankedRow *ranked, const double *outcome, int64 rows, double *std_error);
extern void roc_interval(double area, double std_error, double *lower, double *upper);

#endif							/* CX_ROC_H */
