/*-------------------------------------------------------------------------
 *
 * drivers.c
 *	  How much of the variance of an outcome each driver explains.
 *
 * Johnson's relative weights (2000): the drivers are turned into the closest
 * uncorrelated variables, whose shares of R-squared are plain, and each driver
 * gets of them what it has in common with them.  Shapley's value, known as LMG
 * (Lindeman, Merenda and Gold 1980): what a driver adds to R-squared, averaged
 * over all orders of entry.  Both add up to R-squared.
 *
 * Columns of one name are one driver, such as the dummy columns of a category:
 * their relative weights are added, and Shapley's value lets them enter together.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "funcapi.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/builtins.h"

#include "measure/distribution.h"
#include "measure/estimate.h"
#include "predict/matrix.h"
#include "predict/regression.h"

/* Shapley's value looks at all subsets of so many drivers. */
#define MOST_PLAYERS 15

/* A driver: the columns that share a name. */
typedef struct Driver
{
	char	   *name;
	int			count;			/* columns of it */
	int		   *positions;		/* which, among the columns of the regression */
	double		importance;		/* its part of R-squared */
} Driver;

/* What is shared while all subsets of drivers are looked at. */
typedef struct Subsets
{
	int			players;		/* drivers, those with the most columns first */
	int			size;			/* rows of the matrices: columns, and the outcome at the end */
	int		   *ends;			/* for each driver where its columns end */
	double	  **rooms;			/* for each driver room for a matrix */
	double	   *r_squared;		/* for each subset, a bit for each driver */
} Subsets;

/* The column that has the name of the outcome, counted from 0. */
static int
outcome_argument(FunctionCallInfo fcinfo, int position, const ColumnNames *names, int count)
{
	char	   *outcome;
	int			column = -1;

	if (PG_ARGISNULL(position))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("outcome must not be null")));
	outcome = text_to_cstring(PG_GETARG_TEXT_PP(position));
	for (int i = 0; i < count; i++)
	{
		if (strcmp(names->names[i], outcome) != 0)
			continue;
		if (column >= 0)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_COLUMN),
					 errmsg("outcome \"%s\" is the name of more than one column", outcome),
					 errhint("Give the outcome a name of its own.")));
		column = i;
	}
	if (column < 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("outcome \"%s\" is not among the names", outcome),
				 errhint("Name all columns of the moments, and give the name of the one to explain.")));
	return column;
}

/* Whether Shapley's value is asked for, in an argument: 'relative_weights' or 'shapley'. */
static bool
method_argument(FunctionCallInfo fcinfo, int position)
{
	char	   *method = PG_ARGISNULL(position) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(position));

	if (method == NULL || (strcmp(method, "relative_weights") != 0 && strcmp(method, "shapley") != 0))
		ereport(ERROR,
				(errcode(method == NULL ? ERRCODE_NULL_VALUE_NOT_ALLOWED : ERRCODE_INVALID_PARAMETER_VALUE),
				 method == NULL ? errmsg("method must not be null") : errmsg("method is \"%s\"", method),
				 errhint("Give 'relative_weights', or 'shapley' for at most %d drivers.", MOST_PLAYERS)));
	return strcmp(method, "shapley") == 0;
}

/* The drivers of a regression, in order of their first columns. */
static Driver *
find_drivers(const Regression *regression, const ColumnNames *names, int *count)
{
	Driver	   *drivers = palloc0(sizeof(Driver) * (regression->count + 1));

	*count = 0;
	for (int i = 0; i < regression->count; i++)
	{
		char	   *name = names->names[regression->columns[i]];
		int			driver = 0;

		while (driver < *count && strcmp(drivers[driver].name, name) != 0)
			driver++;
		if (driver == *count)
		{
			drivers[driver].name = name;
			drivers[driver].positions = palloc(sizeof(int) * (regression->count - i));
			++*count;
		}
		drivers[driver].positions[drivers[driver].count++] = i;
	}
	return drivers;
}

/* A square matrix of so many rows. */
static double *
matrix_new(int size)
{
	return MemoryContextAllocHuge(CurrentMemoryContext, mul_size(mul_size(size, size), sizeof(double)) + 1);
}

/*
 * Relative weight of each column.  With eigenvalues w and vectors v of the
 * correlation matrix, root = sum of sqrt(w) v v' is its square root, and the
 * closest uncorrelated variables have coefficients root^-1 r; r is correlation
 * with the outcome.
 */
static double *
relative_weights(const Regression *regression)
{
	int			count = regression->count;
	double	   *matrix = matrix_new(count);
	double	   *vectors = matrix_new(count);
	double	   *values = palloc(sizeof(double) * (count + 1));
	double	   *squares = palloc0(sizeof(double) * (count + 1));	/* of these coefficients */
	double	   *weights = palloc0(sizeof(double) * (count + 1));

	memcpy(matrix, regression->correlation, sizeof(double) * count * count);
	symmetric_eigen(matrix, count, values, vectors);
	memset(matrix, 0, sizeof(double) * count * count);
	for (int k = 0; k < count; k++)
	{
		const double *v = vectors + (Size) k * count;
		double		root = sqrt(Max(values[k], DBL_MIN));
		double		along = 0;

		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < count; i++)
			along += v[i] * regression->with_outcome[i];
		for (int i = 0; i < count; i++)
		{
			squares[i] += v[i] * along / root;
			for (int j = 0; j < count; j++)
				matrix[(Size) i * count + j] += root * v[i] * v[j];
		}
	}
	for (int j = 0; j < count; j++)
		squares[j] *= squares[j];
	for (int i = 0; i < count; i++)
	{
		for (int j = 0; j < count; j++)
			weights[i] += matrix[(Size) i * count + j] * matrix[(Size) i * count + j] * squares[j];
	}
	return weights;
}

/* Sweep a column out of those behind it. */
static void
sweep_column(double *matrix, int size, int column)
{
	const double *pivot = matrix + (Size) column * size;

	for (int i = column + 1; i < size; i++)
	{
		double	   *row = matrix + (Size) i * size;
		double		factor = row[column] / pivot[column];

		for (int j = column; j < size; j++)
			row[j] -= factor * pivot[j];
	}
}

/*
 * R-squared of a subset of the drivers before this one, joined by all subsets
 * of it and those behind.  The matrix has been swept by the columns of that
 * subset, and is good from the columns of this driver on.
 */
static void
subsets_visit(Subsets *subsets, int player, double *matrix, uint32 subset)
{
	Size		size = subsets->size;
	int			start = player == 0 ? 0 : subsets->ends[player - 1];
	double	   *swept;

	CHECK_FOR_INTERRUPTS();
	if (player == subsets->players)
	{
		subsets->r_squared[subset] = 1 - matrix[size * size - 1];
		return;
	}
	subsets_visit(subsets, player + 1, matrix, subset);
	swept = subsets->rooms[player];
	memcpy(swept + start * size, matrix + start * size, sizeof(double) * size * (size - start));
	for (int column = start; column < subsets->ends[player]; column++)
		sweep_column(swept, subsets->size, column);
	subsets_visit(subsets, player + 1, swept, subset | (uint32) 1 << player);
}

/* The correlations of the columns in order of drivers, and of the outcome. */
static double *
subsets_matrix(const Regression *regression, Driver *const *order, int players, int *ends)
{
	int			count = regression->count;
	int			size = count + 1;
	int		   *positions = palloc(sizeof(int) * size);
	double	   *matrix = matrix_new(size);
	int			filled = 0;

	for (int i = 0; i < players; i++)
	{
		for (int j = 0; j < order[i]->count; j++)
			positions[filled++] = order[i]->positions[j];
		ends[i] = filled;
	}
	for (int i = 0; i < count; i++)
	{
		for (int j = 0; j < count; j++)
			matrix[(Size) i * size + j] = regression->correlation[(Size) positions[i] * count + positions[j]];
		matrix[(Size) i * size + count] = matrix[(Size) count * size + i] = regression->with_outcome[positions[i]];
	}
	matrix[(Size) size * size - 1] = 1;
	return matrix;
}

/* What a driver adds to R-squared, averaged over all orders of entry. */
static double
shapley_value(const Subsets *subsets, int player)
{
	double		weights[MOST_PLAYERS];	/* share of the orders in which a subset of so many comes before it */
	double		value = 0;

	weights[0] = 1.0 / subsets->players;
	for (int size = 1; size < subsets->players; size++)
		weights[size] = weights[size - 1] * size / (subsets->players - size);
	for (uint32 subset = 0; subset < (uint32) 1 << subsets->players; subset++)
	{
		uint32		joined = subset | (uint32) 1 << player;

		if (joined != subset)
			value += weights[pg_popcount32(subset)] * (subsets->r_squared[joined] - subsets->r_squared[subset]);
	}
	return value;
}

/* Order of drivers by columns, most first, so that most sweeps are small. */
static int
compare_drivers(const void *a, const void *b)
{
	const Driver *first = *(Driver *const *) a;
	const Driver *second = *(Driver *const *) b;

	if (first->count != second->count)
		return second->count - first->count;
	return first < second ? -1 : 1;
}

/* Set importances to Shapley's values. */
static void
set_shapley_values(const Regression *regression, Driver *drivers, int count)
{
	Subsets		subsets = {0};
	Driver	  **order = palloc(sizeof(Driver *) * (count + 1));
	double	   *matrix;

	if (count > MOST_PLAYERS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("method \"shapley\" takes at most %d drivers, not %d", MOST_PLAYERS, count),
				 errhint("Give method => 'relative_weights', which is close to it for any number of drivers.")));
	for (int i = 0; i < count; i++)
		order[i] = &drivers[i];
	qsort(order, count, sizeof(Driver *), compare_drivers);
	subsets.players = count;
	subsets.size = regression->count + 1;
	subsets.ends = palloc(sizeof(int) * (count + 1));
	subsets.rooms = palloc(sizeof(double *) * (count + 1));
	subsets.r_squared = palloc(sizeof(double) * ((Size) 1 << count));
	matrix = subsets_matrix(regression, order, count, subsets.ends);
	for (int i = 0; i < count; i++)
		subsets.rooms[i] = matrix_new(subsets.size);
	subsets_visit(&subsets, 0, matrix, 0);
	for (int i = 0; i < count; i++)
		order[i]->importance = shapley_value(&subsets, i);
}

/* Set importances to relative weights. */
static void
set_relative_weights(const Regression *regression, Driver *drivers, int count)
{
	double	   *weights = relative_weights(regression);

	for (int i = 0; i < count; i++)
	{
		for (int j = 0; j < drivers[i].count; j++)
			drivers[i].importance += weights[drivers[i].positions[j]];
	}
}

/* The p-value of a driver of several columns: the F test that all their coefficients are 0. */
static double
joint_p_value(const Regression *regression, const Driver *driver)
{
	int			count = driver->count;
	double	   *matrix = matrix_new(count);
	double	   *solved = palloc(sizeof(double) * count);
	double		explained = 0;
	int			dependent;

	for (int i = 0; i < count; i++)
	{
		solved[i] = regression->beta[driver->positions[i]];
		for (int j = 0; j < count; j++)
			matrix[(Size) i * count + j] = regression->inverse[(Size) driver->positions[i] * regression->count + driver->positions[j]];
	}
	if (!cholesky(matrix, count, 0, &dependent))
		return NAN;
	cholesky_solve(matrix, count, solved);
	for (int i = 0; i < count; i++)
		explained += solved[i] * regression->beta[driver->positions[i]];
	return fisher_p_value(explained / count / ((1 - regression->r_squared) / regression->df), count, regression->df);
}

/* Put a driver into the result. */
static void
put_driver(ReturnSetInfo *result, const Moments *moments, const Regression *regression, const Driver *driver)
{
	int			position = driver->positions[0];
	bool		is_one = driver->count == 1;
	double		t = regression->coefficients[position] / regression->std_errors[position];
	Datum		values[6] = {CStringGetTextDatum(driver->name)};
	bool		nulls[6] = {false};
	RowBuilder	row = {values, nulls, 1};

	row_add_float8(&row, driver->importance);
	row_add_float8(&row, is_one ? regression->coefficients[position] : NAN);
	row_add_float8(&row, is_one ? regression->std_errors[position] : NAN);
	row_add_float8(&row, is_one ? student_p_value(t, regression->df) : joint_p_value(regression, driver));
	row_add_float8(&row, is_one ? moments_mean(moments, regression->columns[position]) : NAN);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* Rows: each driver of an outcome with its part of R-squared. */
PG_FUNCTION_INFO_V1(driver_weights);
Datum
driver_weights(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Moments    *moments;
	ColumnNames names;
	Regression *regression;
	Driver	   *drivers;
	int			count;
	bool		by_shapley = method_argument(fcinfo, 3);
	bool		drop = collinear_argument(fcinfo, 4);

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0))
		return (Datum) 0;
	moments = PG_GETARG_MOMENTS_P(0);
	names = column_names_argument(fcinfo, 1, moments);
	if (names.names == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("names must not be null")));
	regression = regression_new(moments, outcome_argument(fcinfo, 2, &names, moments->columns), &names, drop);
	drivers = find_drivers(regression, &names, &count);
	if (by_shapley)
		set_shapley_values(regression, drivers, count);
	else
		set_relative_weights(regression, drivers, count);
	for (int i = 0; i < count; i++)
		put_driver(result, moments, regression, &drivers[i]);
	return (Datum) 0;
}

/* A number of a column, after making sure that it is finite. */
PG_FUNCTION_INFO_V1(finite_number);
Datum
finite_number(PG_FUNCTION_ARGS)
{
	double		value = PG_GETARG_FLOAT8(0);

	if (!isfinite(value))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("column \"%s\" has a value that is %s", text_to_cstring(PG_GETARG_TEXT_PP(1)), isnan(value) ? "NaN" : "infinite"),
				 errhint("Leave such rows out, or make the value NULL.")));
	PG_RETURN_FLOAT8(value);
}
