/*-------------------------------------------------------------------------
 *
 * regression.h
 *	  Least squares computed from moments.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_REGRESSION_H
#define CX_REGRESSION_H

#include "predict/correlation.h"

/* A regression of one column of moments on others; NaN stands for unknown. */
typedef struct Regression
{
	int64		rows;			/* rows of the moments */
	int			outcome;		/* column that is explained, from 0 on */
	int			count;			/* columns that explain it */
	int		   *columns;		/* which, from 0 on, ascending */
	int			dropped_count;	/* columns left out, being constant or combinations of others */
	int		   *dropped;		/* which, ascending */
	double	   *correlation;	/* of the columns, count * count */
	double	   *inverse;		/* of that matrix */
	double	   *with_outcome;	/* correlation of each column with the outcome */
	double	   *beta;			/* standardised coefficients */
	double	   *coefficients;	/* units of the outcome per unit of the column */
	double	   *std_errors;
	double		intercept;
	double		intercept_error;	/* its standard error */
	double		r_squared;		/* 0..1 */
	double		df;				/* degrees of freedom that are left, at least 1 */
	double		residual_variance;	/* of the outcome, in its unit squared */
} Regression;

extern bool collinear_argument(FunctionCallInfo fcinfo, int position);
extern Regression *regression_new(const Moments *moments, int outcome, const ColumnNames *names, bool drop);
extern double regression_f(const Regression *regression);

#endif							/* CX_REGRESSION_H */
