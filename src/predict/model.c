/*-------------------------------------------------------------------------
 *
 * model.c
 *	  What a model says of the features of a customer, and why.
 *
 * A score is in log-odds if the outcome is a probability, in units of the
 * outcome if it is a number.  Calibration is a straight line through scores, so
 * contributions to a score are calibrated by its slope and the base by both.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "predict/predictor.h"

/* What a term adds to the score of a customer. */
static inline double
term_score(const LinearModel *linear, const LinearTerm *term, const double *values)
{
	double		value = values[term->feature];

	if (term->level == TERM_VALUE)
		return term->coefficient * (isnan(value) ? linear->fill[term->feature] : value);
	if (term->level == TERM_MISSING)
		return isnan(value) ? term->coefficient : 0;
	return value == term->level ? term->coefficient : 0;
}

/* The score that a linear model gives. */
static double
linear_score(const LinearModel *linear, const double *values)
{
	double		score = linear->intercept;

	for (int i = 0; i < linear->term_count; i++)
		score += term_score(linear, &linear->terms[i], values);
	return score;
}

/* What each feature adds in a linear model to the score of an average customer, which is the result. */
static double
linear_explain(const LinearModel *linear, int features, const double *values, double *contributions)
{
	double		base = linear->intercept;

	for (int i = 0; i < features; i++)
	{
		base += linear->average[i];
		contributions[i] = -linear->average[i];
	}
	for (int i = 0; i < linear->term_count; i++)
		contributions[linear->terms[i].feature] += term_score(linear, &linear->terms[i], values);
	return base;
}

/* The score of a customer with these features, calibrated. */
double
model_score(const Model *model, const double *values)
{
	double		score = model->linear != NULL ? linear_score(model->linear, values) : forest_score(model->forest, values);

	return model->calibration_offset + model->calibration_slope * score;
}

/* What a score predicts: a probability, or the number itself. */
double
model_prediction(const Model *model, double score)
{
	return model->is_probability ? 1 / (1 + exp(-score)) : score;
}

/* What each feature adds to the base, which is the result: all of it is the score. */
double
model_explain(const Model *model, const double *values, double *contributions)
{
	double		base;

	if (model->linear != NULL)
		base = linear_explain(model->linear, model->feature_count, values, contributions);
	else
	{
		base = forest_mean_score(model->forest);
		forest_contributions(model->forest, model->feature_count, values, contributions);
	}
	for (int i = 0; i < model->feature_count; i++)
		contributions[i] *= model->calibration_slope;
	return model->calibration_offset + model->calibration_slope * base;
}
