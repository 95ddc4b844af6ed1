/*-------------------------------------------------------------------------
 *
 * change.h
 *	  The composite type cx.change: the difference of two scores, tested.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_CHANGE_H
#define CX_CHANGE_H

#include "fmgr.h"

/* NaN stands for unknown, as in Estimate. */
typedef struct Change
{
	double		difference;		/* after minus before, in the score's unit */
	double		std_error;		/* of the difference, same unit */
	double		lower;			/* interval of the difference, same unit */
	double		upper;
	double		statistic;		/* z or t */
	double		df;				/* degrees of freedom of t, unknown for z */
	double		p_value;		/* two-sided */
	int64		responses_before;	/* answers on each side */
	int64		responses_after;
} Change;

extern void change_test_normal(Change *change, double difference, double confidence);
extern Datum change_result(FunctionCallInfo fcinfo, const Change *change, double confidence);

#endif							/* CX_CHANGE_H */
