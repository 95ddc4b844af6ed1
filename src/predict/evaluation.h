/*-------------------------------------------------------------------------
 *
 * evaluation.h
 *	  How good predicted probabilities or numbers were on rows whose outcome is
 *	  known.
 *
 * Scores and outcomes are finite, probabilities 0..1, and the outcome of a
 * probability 0 or 1; callers see to that.  The order of the rows does not
 * matter: what a part of rows with the same prediction cannot have for itself
 * is shared out.  What is undefined, such as the area of one class only, is
 * NaN here and null in a report.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_EVALUATION_H
#define CX_EVALUATION_H

#include "postgres.h"

#include "utils/jsonb.h"

extern double roc_area(const double *score, const double *outcome, int64 rows, double *std_error);

/*
 * A report of probabilities: kind (probability), rows, events, base_rate,
 * mean_probability, auc, auc_std_error, auc_lower, auc_upper, gini, ks,
 * log_loss, brier, accuracy, base_accuracy, true_positives, false_positives,
 * false_negatives, true_negatives, precision, recall, calibration_error, lift,
 * calibration, roc.  The last three are arrays of objects.
 */
extern Jsonb *evaluate_probabilities(const double *probability, const double *outcome, int64 rows);

/*
 * A report of numbers: kind (number), rows, mean_predicted, mean_outcome, rmse,
 * mae, r_squared, calibration (an array of objects).
 */
extern Jsonb *evaluate_numbers(const double *predicted, const double *outcome, int64 rows);

#endif							/* CX_EVALUATION_H */
