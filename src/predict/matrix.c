/*-------------------------------------------------------------------------
 *
 * matrix.c
 *	  Symmetric matrices: solving, inverting, eigenvalues.
 *
 * A factor is the lower triangle L of L L'; what stands above its diagonal is
 * left as it was.  Every inner loop runs along rows, which the compiler can
 * vectorise and the cache likes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"

#include "predict/matrix.h"

#define EIGEN_STEPS 100			/* most steps for one eigenvalue; two are usual */

/* Sum of products of two vectors, in four parts that do not wait for each other. */
static double
dot(const double *a, const double *b, int size)
{
	double		parts[4] = {0, 0, 0, 0};
	int			i;

	for (i = 0; i + 4 <= size; i += 4)
	{
		for (int part = 0; part < 4; part++)
			parts[part] += a[i + part] * b[i + part];
	}
	for (; i < size; i++)
		parts[0] += a[i] * b[i];
	return (parts[0] + parts[1]) + (parts[2] + parts[3]);
}

/* Adds a multiple of one vector to another one. */
static void
add_multiple(double *to, double factor, const double *vector, int size)
{
	for (int i = 0; i < size; i++)
		to[i] += factor * vector[i];
}

/*
 * Replaces the lower triangle of a positive definite matrix by its Cholesky
 * factor.  Stops with false at the first column that is a combination of those
 * before it: one of whose diagonal these leave at most the share tolerance
 * (0 and NaN on the diagonal are such, too).
 */
bool
cholesky(double *matrix, int size, double tolerance, int *dependent)
{
	for (int i = 0; i < size; i++)
	{
		double	   *row = matrix + (Size) i * size;
		double		rest;

		CHECK_FOR_INTERRUPTS();
		for (int j = 0; j < i; j++)
		{
			const double *above = matrix + (Size) j * size;

			row[j] = (row[j] - dot(row, above, j)) / above[j];
		}
		rest = row[i] - dot(row, row, i);
		if (!(rest > tolerance * fabs(row[i])) || isinf(rest))
		{
			*dependent = i;
			return false;
		}
		row[i] = sqrt(rest);
	}
	return true;
}

/* Replaces the right side of L L' x = vector by its solution x. */
void
cholesky_solve(const double *factor, int size, double *vector)
{
	for (int i = 0; i < size; i++)
	{
		const double *row = factor + (Size) i * size;

		vector[i] = (vector[i] - dot(row, vector, i)) / row[i];
	}
	for (int i = size - 1; i >= 0; i--)
	{
		const double *row = factor + (Size) i * size;

		vector[i] /= row[i];
		add_multiple(vector, -vector[i], row, i);
	}
}

/* Sets inverse to the inverse of L L', both triangles of it. */
void
cholesky_inverse(const double *factor, int size, double *inverse)
{
	for (int i = 0; i < size; i++)
	{
		double	   *row = inverse + (Size) i * size;

		CHECK_FOR_INTERRUPTS();
		memset(row, 0, sizeof(double) * size);
		row[i] = 1;
		cholesky_solve(factor, size, row);
	}
	for (int i = 0; i < size; i++)
	{
		for (int j = 0; j < i; j++)
			inverse[(Size) j * size + i] = inverse[(Size) i * size + j];
	}
}

/*
 * Makes of row k, right of its diagonal, the vector v of the reflection
 * I - scale v v' that leaves of it only its first element, and gives scale;
 * *left becomes what is left of that element.
 */
static double
reflect_row(double *v, int size, double *left)
{
	double		largest = 0;
	double		length;

	for (int i = 0; i < size; i++)
		largest = Max(largest, fabs(v[i]));
	*left = 0;
	if (largest == 0)
		return 0;
	for (int i = 0; i < size; i++)
		v[i] /= largest;
	length = sqrt(dot(v, v, size));
	*left = v[0] > 0 ? -length : length;
	v[0] -= *left;
	length = dot(v, v, size);
	*left *= largest;
	return 2 / length;
}

/*
 * Makes a symmetric matrix tridiagonal by Householder's reflections: diagonal
 * and beside (that next to it).  The matrix keeps the reflections in its rows,
 * scales their factors.
 */
static void
tridiagonalise(double *matrix, int size, double *diagonal, double *beside, double *scales)
{
	double	   *change = palloc(sizeof(double) * size);

	for (int k = 0; k < size; k++)
	{
		double	   *v = matrix + (Size) k * size;
		double		half;

		CHECK_FOR_INTERRUPTS();
		diagonal[k] = v[k];
		scales[k] = beside[k] = 0;
		if (k == size - 1)
			break;
		scales[k] = reflect_row(v + k + 1, size - k - 1, &beside[k]);
		for (int i = k + 1; i < size; i++)
			change[i] = scales[k] * dot(matrix + (Size) i * size + k + 1, v + k + 1, size - k - 1);
		half = scales[k] / 2 * dot(change + k + 1, v + k + 1, size - k - 1);
		add_multiple(change + k + 1, -half, v + k + 1, size - k - 1);
		for (int i = k + 1; i < size; i++)
		{
			double	   *row = matrix + (Size) i * size;

			add_multiple(row + k + 1, -v[i], change + k + 1, size - k - 1);
			add_multiple(row + k + 1, -change[i], v + k + 1, size - k - 1);
		}
	}
	pfree(change);
}

/* Sets vectors to the product of the reflections that tridiagonalise() left in the matrix, transposed. */
static void
multiply_reflections(const double *matrix, int size, const double *scales, double *vectors)
{
	memset(vectors, 0, sizeof(double) * size * size);
	for (int i = 0; i < size; i++)
		vectors[(Size) i * size + i] = 1;
	for (int k = size - 2; k >= 0; k--)
	{
		const double *v = matrix + (Size) k * size;

		CHECK_FOR_INTERRUPTS();
		for (int i = k + 1; i < size; i++)
		{
			double	   *row = vectors + (Size) i * size;
			double		along = dot(row + k + 1, v + k + 1, size - k - 1);

			add_multiple(row + k + 1, -scales[k] * along, v + k + 1, size - k - 1);
		}
	}
}

/* Turns two vectors by an angle given as its cosine and sine. */
static void
turn(double *a, double *b, int size, double cosine, double sine)
{
	for (int i = 0; i < size; i++)
	{
		double		first = a[i];

		a[i] = cosine * first - sine * b[i];
		b[i] = sine * first + cosine * b[i];
	}
}

/*
 * One implicit QL step with Wilkinson's shift on rows first..last of a
 * tridiagonal matrix; vectors turn along.
 */
static void
ql_step(double *diagonal, double *beside, int first, int last, double *vectors, int size)
{
	double		slope = (diagonal[first + 1] - diagonal[first]) / (2 * beside[first]);
	double		shift = slope + copysign(hypot(slope, 1), slope);
	double		bulge = diagonal[last] - diagonal[first] + beside[first] / shift;
	double		sine = 1;
	double		cosine = 1;
	double		moved = 0;

	for (int i = last - 1; i >= first; i--)
	{
		double		across = sine * beside[i];
		double		along = cosine * beside[i];
		double		length = hypot(across, bulge);
		double		twice;

		beside[i + 1] = length;
		if (length == 0)
		{
			/* The matrix fell apart here: what is above is done by the next step. */
			diagonal[i + 1] -= moved;
			beside[last] = 0;
			return;
		}
		sine = across / length;
		cosine = bulge / length;
		bulge = diagonal[i + 1] - moved;
		twice = (diagonal[i] - bulge) * sine + 2 * cosine * along;
		moved = sine * twice;
		diagonal[i + 1] = bulge + moved;
		bulge = cosine * twice - along;
		turn(vectors + (Size) i * size, vectors + (Size) (i + 1) * size, size, cosine, sine);
	}
	diagonal[first] -= moved;
	beside[first] = bulge;
	beside[last] = 0;
}

/* The end of the block from row first on that no negligible element divides. */
static int
block_end(const double *diagonal, const double *beside, int first, int size)
{
	int			last = first;

	while (last < size - 1)
	{
		double		scale = fabs(diagonal[last]) + fabs(diagonal[last + 1]);

		if (scale + fabs(beside[last]) == scale)
			break;
		last++;
	}
	return last;
}

/* Puts eigenvalues in order, the largest one first, and their vectors with them. */
static void
sort_eigen(double *values, double *vectors, int size)
{
	for (int i = 0; i < size; i++)
	{
		int			largest = i;

		for (int j = i + 1; j < size; j++)
		{
			if (values[j] > values[largest])
				largest = j;
		}
		if (largest != i)
		{
			double		value = values[i];

			values[i] = values[largest];
			values[largest] = value;
			turn(vectors + (Size) i * size, vectors + (Size) largest * size, size, 0, 1);
		}
	}
}

/*
 * Eigenvalues of a symmetric matrix of finite numbers, the largest one first,
 * and for each of them a row of vectors: its eigenvector of length 1.  The
 * matrix is lost.  Householder's reflections, then implicit QL (Wilkinson and
 * Reinsch, Handbook for Automatic Computation II, 1971).
 */
void
symmetric_eigen(double *matrix, int size, double *values, double *vectors)
{
	double	   *beside = palloc(sizeof(double) * Max(size, 1));
	double	   *scales = palloc(sizeof(double) * Max(size, 1));

	tridiagonalise(matrix, size, values, beside, scales);
	multiply_reflections(matrix, size, scales, vectors);
	for (int first = 0; first < size; first++)
	{
		int			last;
		int			steps = 0;

		while ((last = block_end(values, beside, first, size)) != first)
		{
			CHECK_FOR_INTERRUPTS();
			if (++steps > EIGEN_STEPS)
				elog(ERROR, "eigenvalue %d of %d was not found in %d steps", first + 1, size, EIGEN_STEPS);
			ql_step(values, beside, first, last, vectors, size);
		}
	}
	sort_eigen(values, vectors, size);
	pfree(beside);
	pfree(scales);
}
