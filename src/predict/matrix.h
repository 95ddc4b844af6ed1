/*-------------------------------------------------------------------------
 *
 * matrix.h
 *	  Symmetric matrices: solving, inverting, eigenvalues.
 *
 * Matrices are square, row after row, size * size doubles.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_MATRIX_H
#define CX_MATRIX_H

#include "postgres.h"

extern bool cholesky(double *matrix, int size, double tolerance, int *dependent);
extern void cholesky_solve(const double *factor, int size, double *vector);
extern void cholesky_inverse(const double *factor, int size, double *inverse);
extern void symmetric_eigen(double *matrix, int size, double *values, double *vectors);

#endif							/* CX_MATRIX_H */
