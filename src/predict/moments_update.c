/*-------------------------------------------------------------------------
 *
 * moments_update.c
 *	  Adding rows and other moments to moments.
 *
 * Deviations are counted from the running mean, as Welford (1962) does it; two
 * summaries are merged as Chan, Golub and LeVeque (1983) do it.  The loops run
 * along rows of the triangle, and this file is compiled for vectors.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/int.h"

#include "predict/moments.h"
#include "predict/vectorise.h"

/* Add the products of the deviations with each other, times a weight, to the triangle. */
vectorised static void
add_products(double *restrict triangle, const double *restrict deviations, double weight, int columns)
{
	for (int i = 0; i < columns; i++)
	{
		double		factor = weight * deviations[i];

		for (int j = i; j < columns; j++)
			triangle[j - i] += factor * deviations[j];
		triangle += columns - i;
	}
}

/* Add one vector to another one. */
vectorised static void
add_vector(double *restrict to, const double *restrict vector, int size)
{
	for (int i = 0; i < size; i++)
		to[i] += vector[i];
}

/* Deviations of a row from the means, which move towards it. */
vectorised static void
deviate(Moments *moments, const double *restrict values, double *restrict deviations, double share)
{
	const double *restrict origins = moments_means(moments);
	double	   *restrict offsets = moments_remainders(moments);

	for (int i = 0; i < moments->columns; i++)
	{
		deviations[i] = (values[i] - origins[i]) - offsets[i];
		offsets[i] += share * deviations[i];
	}
}

/* Add a row of finite values, as many as there are columns; the moments may have no row yet. */
void
moments_add_row(Moments *moments, const double *values)
{
	double		deviations[MOMENTS_MOST_COLUMNS];
	double		rows;

	if (pg_add_s64_overflow(moments->rows, 1, &moments->rows))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("number of rows is out of range for type bigint")));
	if (moments->rows == 1)
	{
		memcpy(moments_means(moments), values, sizeof(double) * moments->columns);
		return;
	}
	rows = (double) moments->rows;
	deviate(moments, values, deviations, 1 / rows);
	add_products(moments_comoments(moments), deviations, (rows - 1) / rows, moments->columns);
}

/* Add all rows of other moments of as many columns. */
void
moments_add_moments(Moments *moments, const Moments *other)
{
	double		distances[MOMENTS_MOST_COLUMNS];
	double		rows = (double) moments->rows;
	double		share;

	if (pg_add_s64_overflow(moments->rows, other->rows, &moments->rows))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("number of rows is out of range for type bigint")));
	share = (double) other->rows / (double) moments->rows;
	for (int i = 0; i < moments->columns; i++)
	{
		distances[i] = (moments_means(other)[i] - moments_means(moments)[i]) +
			(moments_remainders(other)[i] - moments_remainders(moments)[i]);
		moments_remainders(moments)[i] += share * distances[i];
	}
	add_vector(moments_comoments(moments), moments_comoments(other), moments_pairs(moments->columns));
	add_products(moments_comoments(moments), distances, rows * share, moments->columns);
}
