/*-------------------------------------------------------------------------
 *
 * logistic.h
 *	  Linear models of a probability (logistic regression) or of a number
 *	  (least squares) over features.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_LOGISTIC_H
#define CX_LOGISTIC_H

#include "nodes/pg_list.h"

#include "predict/feature.h"

#define MOST_TERMS 2000			/* terms of a model */

/* What a term is 1 for, if it is not the value of its feature itself. */
#define TERM_VALUE (-1)			/* the value itself, or the fill where it is missing */
#define TERM_MISSING (-2)		/* 1 where the value is missing */

/* One column of the design matrix. */
typedef struct LinearTerm
{
	int			feature;		/* position of its feature */
	int			level;			/* TERM_VALUE, TERM_MISSING, or the level that it is 1 for */
	double		coefficient;	/* in log-odds, or units of the outcome, per unit of the feature */
	double		std_error;		/* NaN if unknown, as with a penalty */
} LinearTerm;

/* A fitted model. */
typedef struct LinearModel
{
	double		intercept;
	double		intercept_error;	/* its standard error, NaN if unknown */
	double		freedom;		/* degrees of freedom of what coefficient / std_error is compared with (Student's t); 0 for the normal distribution */
	double	   *fill;			/* for each feature what stands for a missing value: its mean when trained; not used if a category */
	double	   *average;		/* for each feature the mean of its terms' sum when trained, which explanations count from */
	double	   *spread;			/* for each feature the standard deviation of that sum, its importance; NULL if unknown */
	int			term_count;
	LinearTerm *terms;			/* those of a feature stand together, in order of features */
} LinearModel;

/* Called after each pass over the rows with the mean loss. */
typedef void (*LinearProgress) (int passes, double loss, void *argument);

/* How a model is fitted. */
typedef struct LinearOptions
{
	bool		is_probability; /* outcome 0 or 1, logistic curve; else a number, least squares */
	double		ridge;			/* weight of half the squared coefficients of the standardised terms, against the mean loss of a row; 0 for none */
	bool		rejects_collinear; /* raise an error if a term is a combination of others, instead of leaving it out */
	LinearProgress progress;	/* may be NULL */
	void	   *argument;		/* for it */
} LinearOptions;

/* How it went. */
typedef struct LinearFit
{
	double		deviance;		/* minus twice the log-likelihood, or the sum of squared residuals */
	double		null_deviance;	/* the same with the intercept alone */
	int			passes;			/* over the rows */
	double		ridge;			/* that was used in the end */
	List	   *left_out;		/* names of terms that are combinations of those before them */
	List	   *separating;		/* names of terms whose coefficients grew without an end, so that ridge had to be used; NIL if it had not */
} LinearFit;

extern char *term_name(const Feature *features, const LinearTerm *term);
extern LinearModel *linear_train(const Feature *features, const FeatureMatrix *matrix, const double *outcome, int64 rows,
								 const LinearOptions *options, LinearFit *fit);

#endif							/* CX_LOGISTIC_H */
