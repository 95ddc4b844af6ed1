/*-------------------------------------------------------------------------
 *
 * design.h
 *	  The design matrix of a linear model, which is never there as a whole:
 *	  a pass over the rows expands a block of them at a time.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_DESIGN_H
#define CX_DESIGN_H

#include "predict/feature.h"

/* A column of the design, standardised: (what it is - centre) / scale. */
typedef struct DesignColumn
{
	const double *values;		/* of its feature, by row */
	int			level;			/* what it is 1 for, as in a LinearTerm */
	double		centre;			/* its mean; a missing value counts as that */
	double		scale;			/* its standard deviation, divided by the number of rows; above 0 */
} DesignColumn;

/* A design, and what a pass over its rows adds up; the intercept comes first, then the columns. */
typedef struct Design
{
	int64		rows;
	const double *outcome;		/* by row */
	bool		is_probability; /* outcome 0 or 1 and the logistic curve, else a number and a line */
	int			count;			/* columns */
	DesignColumn *columns;
	int			size;			/* unknowns: the intercept and a coefficient for each column */
	int			width;			/* size rounded up to what the arithmetic likes */
	int			block_rows;		/* rows that are expanded at once */
	double	   *block;			/* these rows, one after the other, width numbers each */
	double	   *score;			/* their scores */
	double	   *residual;		/* their outcomes minus what is fitted */
	double	   *weight;			/* square roots of their weights */
	double	   *gram;			/* width x width: weighted sums of products, upper triangle */
	double	   *gradient;		/* sums of products with the residual */
	double		loss;			/* sum of minus the logarithms of the likelihoods, or of half the squared residuals */
} Design;

extern void design_begin(Design *design);
extern void design_pass(Design *design, const double *coefficients);
extern void design_end(Design *design);

#endif							/* CX_DESIGN_H */
