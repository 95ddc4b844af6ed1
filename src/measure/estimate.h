/*-------------------------------------------------------------------------
 *
 * estimate.h
 *	  The composite type cx.estimate: a score with its interval and count.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_ESTIMATE_H
#define CX_ESTIMATE_H

#include "access/htup.h"
#include "fmgr.h"

/* In the structs NaN stands for unknown; it becomes NULL in the composite. */
typedef struct Estimate
{
	double		value;			/* the score, in its own unit */
	double		std_error;		/* its standard error, same unit */
	double		lower;			/* interval, same unit */
	double		upper;
	int64		responses;		/* answers counted */
	double		effective_responses;	/* answers of equal weight that tell as much */
} Estimate;

/* Builds one composite value, attribute by attribute. */
typedef struct RowBuilder
{
	Datum	   *values;
	bool	   *nulls;
	int			filled;			/* attributes set so far */
} RowBuilder;

/* The value brought into low..high; NaN stays NaN. */
static inline double
clamp_between(double value, double low, double high)
{
	if (value < low)
		return low;
	return value > high ? high : value;
}

/* A number of answers as an integer, the largest one if it exceeds all. */
static inline int64
count_from_double(double count)
{
	return count < 0x1p63 ? (int64) count : PG_INT64_MAX;
}

extern void row_add_float8(RowBuilder *row, double value);
extern void row_add_int64(RowBuilder *row, int64 value);
extern void row_add_bool(RowBuilder *row, bool value, bool known);
extern void row_add_datum(RowBuilder *row, Datum value);
extern Datum row_finish(FunctionCallInfo fcinfo, RowBuilder *row);

extern double composite_float8(HeapTupleHeader composite, int attribute);
extern int64 composite_int64(HeapTupleHeader composite, int attribute);

extern Datum estimate_result(FunctionCallInfo fcinfo, const Estimate *estimate);
extern Estimate estimate_argument(FunctionCallInfo fcinfo, int position);
extern void wilson_interval(double successes, double size, double critical, double *lower, double *upper);

#endif							/* CX_ESTIMATE_H */
