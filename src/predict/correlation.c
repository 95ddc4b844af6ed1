/*-------------------------------------------------------------------------
 *
 * correlation.c
 *	  What moments say of one column or two: means, deviations, correlations.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "measure/distribution.h"
#include "measure/estimate.h"
#include "predict/correlation.h"

/* The column in an argument, counted from 0. */
int
column_argument(FunctionCallInfo fcinfo, int position, const char *what, const Moments *moments)
{
	int			column;

	if (PG_ARGISNULL(position))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be null", what)));
	column = PG_GETARG_INT32(position);
	if (column < 1 || column > moments->columns)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s %d is outside 1..%d", what, column, moments->columns),
				 errhint("Count columns from 1 on, in the order in which moments() got them.")));
	return column - 1;
}

/* The names in an argument, which may be NULL: one for each column. */
ColumnNames
column_names_argument(FunctionCallInfo fcinfo, int position, const Moments *moments)
{
	ColumnNames names = {NULL};
	ArrayType  *array;
	Datum	   *texts;
	bool	   *nulls;
	int			count;

	if (PG_ARGISNULL(position))
		return names;
	array = PG_GETARG_ARRAYTYPE_P(position);
	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("names are an array of %d dimensions", ARR_NDIM(array)),
				 errhint("Give the names as an array of one dimension.")));
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &texts, &nulls, &count);
	if (count != moments->columns)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%d names for %d columns", count, moments->columns),
				 errhint("Give one name for each column of the moments, the outcome included, in their order.")));
	names.names = palloc(sizeof(char *) * count);
	for (int i = 0; i < count; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("name of column %d must not be null", i + 1)));
		names.names[i] = TextDatumGetCString(texts[i]);
	}
	return names;
}

/* A column in a message. */
char *
column_label(const ColumnNames *names, int column)
{
	return names->names == NULL ? psprintf("column %d", column + 1) : psprintf("\"%s\"", names->names[column]);
}

/* A column as it is called in rows: its name, or "column 3". */
Datum
column_datum(const ColumnNames *names, int column)
{
	return CStringGetTextDatum(names->names == NULL ? psprintf("column %d", column + 1) : names->names[column]);
}

/* Whether a column varies by no more than its rounding to doubles. */
bool
moments_is_constant(const Moments *moments, int column)
{
	double		rounding = 2 * DBL_EPSILON * moments_mean(moments, column);

	return moments_comoment(moments, column, column) <= (double) moments->rows * rounding * rounding;
}

/* The correlation of two columns that vary. */
double
moments_correlation(const Moments *moments, int a, int b)
{
	double		product = sqrt(moments_comoment(moments, a, a)) * sqrt(moments_comoment(moments, b, b));

	return a == b ? 1 : clamp_between(moments_comoment(moments, a, b) / product, -1, 1);
}

/* Number of rows. */
PG_FUNCTION_INFO_V1(moments_row_count);
Datum
moments_row_count(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(PG_GETARG_MOMENTS_P(0)->rows);
}

/* Number of columns. */
PG_FUNCTION_INFO_V1(moments_column_count);
Datum
moments_column_count(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(PG_GETARG_MOMENTS_P(0)->columns);
}

/* Mean of a column. */
PG_FUNCTION_INFO_V1(moments_mean_of);
Datum
moments_mean_of(PG_FUNCTION_ARGS)
{
	Moments    *moments = PG_GETARG_MOMENTS_P(0);

	PG_RETURN_FLOAT8(moments_mean(moments, column_argument(fcinfo, 1, "column", moments)));
}

/* Sample standard deviation of a column, NULL for one row. */
PG_FUNCTION_INFO_V1(moments_stddev_of);
Datum
moments_stddev_of(PG_FUNCTION_ARGS)
{
	Moments    *moments = PG_GETARG_MOMENTS_P(0);
	int			column = column_argument(fcinfo, 1, "column", moments);

	if (moments->rows < 2)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(sqrt(moments_comoment(moments, column, column) / (double) (moments->rows - 1)));
}

/* Sample covariance of two columns, NULL for one row. */
PG_FUNCTION_INFO_V1(moments_covariance_of);
Datum
moments_covariance_of(PG_FUNCTION_ARGS)
{
	Moments    *moments = PG_GETARG_MOMENTS_P(0);
	int			a = column_argument(fcinfo, 1, "column", moments);
	int			b = column_argument(fcinfo, 2, "column", moments);

	if (moments->rows < 2)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(moments_comoment(moments, a, b) / (double) (moments->rows - 1));
}

/* Correlation of two columns, NULL if one does not vary. */
PG_FUNCTION_INFO_V1(moments_correlation_of);
Datum
moments_correlation_of(PG_FUNCTION_ARGS)
{
	Moments    *moments = PG_GETARG_MOMENTS_P(0);
	int			a = column_argument(fcinfo, 1, "column", moments);
	int			b = column_argument(fcinfo, 2, "column", moments);

	if (moments_is_constant(moments, a) || moments_is_constant(moments, b))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(moments_correlation(moments, a, b));
}

/* The p-value of a correlation by its t statistic, NaN for fewer than three rows. */
static double
correlation_p_value(double correlation, int64 rows)
{
	double		df = (double) (rows - 2);

	if (rows < 3 || isnan(correlation))
		return NAN;
	return student_p_value(correlation * sqrt(df / ((1 - correlation) * (1 + correlation))), df);
}

/* Rows: each pair of columns with its correlation and p-value. */
PG_FUNCTION_INFO_V1(moments_correlations);
Datum
moments_correlations(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Moments    *moments;
	ColumnNames names;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0))
		return (Datum) 0;
	moments = PG_GETARG_MOMENTS_P(0);
	names = column_names_argument(fcinfo, 1, moments);
	for (int a = 0; a < moments->columns; a++)
	{
		CHECK_FOR_INTERRUPTS();
		for (int b = a + 1; b < moments->columns; b++)
		{
			bool		varies = !moments_is_constant(moments, a) && !moments_is_constant(moments, b);
			double		correlation = varies ? moments_correlation(moments, a, b) : NAN;
			Datum		values[4] = {column_datum(&names, a), column_datum(&names, b)};
			bool		nulls[4] = {false, false};
			RowBuilder	row = {values, nulls, 2};

			row_add_float8(&row, correlation);
			row_add_float8(&row, correlation_p_value(correlation, moments->rows));
			tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		}
	}
	return (Datum) 0;
}
