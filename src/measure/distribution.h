/*-------------------------------------------------------------------------
 *
 * distribution.h
 *	  Normal, Student t, F and chi-square distributions, for intervals and p-values.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_DISTRIBUTION_H
#define CX_DISTRIBUTION_H

/* Confidence of aggregates and operators, which have no argument for it. */
#define DEFAULT_CONFIDENCE 0.95

extern double check_confidence(double confidence);
extern double normal_upper_quantile(double tail);
extern double normal_critical(double confidence);
extern double normal_p_value(double z);
extern double fisher_p_value(double f, int terms, double df);
extern double student_critical(double confidence, double df);
extern double student_p_value(double t, double df);
extern double chi_square_p_value(double chi_square, int df);

#endif							/* CX_DISTRIBUTION_H */
