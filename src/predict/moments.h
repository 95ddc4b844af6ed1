/*-------------------------------------------------------------------------
 *
 * moments.h
 *	  The type cx.moments: number of rows, means and co-moments of columns.
 *
 * A mean is kept as the sum of two doubles, so that what lies around a mean of
 * 1e9 keeps its digits.  In an aggregate the first one is the value of the
 * first row, from which all others are counted; in a finished value it is the
 * mean rounded to a double.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_MOMENTS_H
#define CX_MOMENTS_H

#include "fmgr.h"

#include "compat.h"

#define MOMENTS_VERSION 1
#define MOMENTS_MOST_COLUMNS 1000

typedef struct Moments
{
	int32		vl_len_;		/* varlena header; do not touch directly */
	uint8		version;		/* layout of what follows, MOMENTS_VERSION */
	uint8		unused;			/* always zero */
	uint16		columns;		/* columns, 1..MOMENTS_MOST_COLUMNS */
	int64		rows;			/* rows, at least 1 */
	double		numbers[FLEXIBLE_ARRAY_MEMBER]; /* means, remainders of the means, co-moments */
} Moments;

#define DatumGetMomentsP(datum) moments_check((Moments *) PG_DETOAST_DATUM(datum))
#define PG_GETARG_MOMENTS_P(n) DatumGetMomentsP(PG_GETARG_DATUM(n))

/* Co-moments of so many columns: each column with itself and with those behind it. */
static inline int
moments_pairs(int columns)
{
	return columns * (columns + 1) / 2;
}

/* Numbers that moments of so many columns hold. */
static inline int
moments_numbers(int columns)
{
	return 2 * columns + moments_pairs(columns);
}

/* The means, or in an aggregate the first row. */
static inline double *
moments_means(const Moments *moments)
{
	return unconstify(Moments *, moments)->numbers;
}

/* What is to be added to the means. */
static inline double *
moments_remainders(const Moments *moments)
{
	return unconstify(Moments *, moments)->numbers + moments->columns;
}

/* Sums of products of deviations from the means: the upper triangle, row after row. */
static inline double *
moments_comoments(const Moments *moments)
{
	return unconstify(Moments *, moments)->numbers + 2 * moments->columns;
}

/* The mean of a column, counted from 0. */
static inline double
moments_mean(const Moments *moments, int column)
{
	return moments_means(moments)[column] + moments_remainders(moments)[column];
}

/* The co-moment of two columns, counted from 0. */
static inline double
moments_comoment(const Moments *moments, int a, int b)
{
	int			first = Min(a, b);
	int			second = Max(a, b);

	return moments_comoments(moments)[first * moments->columns - first * (first - 1) / 2 + second - first];
}

extern Moments *moments_check(Moments *moments);
extern void moments_add_row(Moments *moments, const double *values);
extern void moments_add_moments(Moments *moments, const Moments *other);

#endif							/* CX_MOMENTS_H */
