/*-------------------------------------------------------------------------
 *
 * regression.c
 *	  Least squares computed from moments.
 *
 * A regression is solved on the correlation matrix, whose columns are all of
 * the same scale, by Cholesky's factor.  A column is taken for a combination
 * of those before it if these leave less than COLLINEAR of its variance.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "measure/distribution.h"
#include "measure/estimate.h"
#include "predict/matrix.h"
#include "predict/regression.h"

/* Share of a column's variance that must be its own. */
#define COLLINEAR 1e-10

/* Weight in a combination, in standard deviations, from which on a column is named as a part of it. */
#define NAMED_WEIGHT 1e-6

/* The most columns that one sentence names, and combinations that are explained. */
#define NAMED_COLUMNS 10

/* Whether collinear columns are dropped, in an argument: 'error' or 'drop'. */
bool
collinear_argument(FunctionCallInfo fcinfo, int position)
{
	char	   *choice = PG_ARGISNULL(position) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(position));

	if (choice == NULL || (strcmp(choice, "error") != 0 && strcmp(choice, "drop") != 0))
		ereport(ERROR,
				(errcode(choice == NULL ? ERRCODE_NULL_VALUE_NOT_ALLOWED : ERRCODE_INVALID_PARAMETER_VALUE),
				 choice == NULL ? errmsg("collinear must not be null") : errmsg("collinear is \"%s\"", choice),
				 errhint("Give 'error', or 'drop' to leave such columns out with a notice.")));
	return strcmp(choice, "drop") == 0;
}

/* Append a column to a sentence that so many are to be named in. */
static void
append_label(StringInfo sentence, const ColumnNames *names, int column, int position, int count)
{
	if (position < NAMED_COLUMNS)
		appendStringInfo(sentence, "%s%s", position == 0 ? "" : position == count - 1 ? " and " : ", ", column_label(names, column));
	else if (position == NAMED_COLUMNS)
		appendStringInfo(sentence, " and %d more", count - NAMED_COLUMNS);
}

/* Whether a column is called as one of so many others. */
static bool
is_among(const ColumnNames *names, int column, const int *others, int count)
{
	for (int i = 0; i < count; i++)
	{
		if (names->names != NULL && strcmp(names->names[column], names->names[others[i]]) == 0)
			return true;
	}
	return false;
}

/* Columns in a sentence, each name once. */
static char *
label_columns(const ColumnNames *names, const int *columns, int count)
{
	int		   *different = palloc(sizeof(int) * (count + 1));
	int			kept = 0;
	StringInfoData sentence;

	for (int i = 0; i < count; i++)
	{
		if (!is_among(names, columns[i], different, kept))
			different[kept++] = columns[i];
	}
	initStringInfo(&sentence);
	for (int i = 0; i < kept; i++)
		append_label(&sentence, names, different[i], i, kept);
	return sentence.data;
}

/* The correlation matrix of some columns. */
static double *
correlation_matrix(const Moments *moments, const int *columns, int count)
{
	double	   *matrix = MemoryContextAllocHuge(CurrentMemoryContext, mul_size(mul_size(count, count), sizeof(double)) + 1);

	for (int i = 0; i < count; i++)
	{
		for (int j = 0; j < count; j++)
			matrix[(Size) i * count + j] = moments_correlation(moments, columns[i], columns[j]);
	}
	return matrix;
}

/* Append the start of a sentence about a column. */
static void
append_subject(StringInfo details, const ColumnNames *names, int column)
{
	char	   *label = column_label(names, column);

	label[0] = pg_toupper((unsigned char) label[0]);
	appendStringInfo(details, "%s%s", details->len > 0 ? " " : "", label);
}

/* Append of which of the columns before it one is a combination. */
static void
append_combination(StringInfo details, const Moments *moments, const ColumnNames *names, const int *columns, int position)
{
	double	   *factor = correlation_matrix(moments, columns, position);
	double	   *weights = palloc(sizeof(double) * Max(position, 1));
	int		   *parts = palloc(sizeof(int) * Max(position, 1));
	int			count = 0;
	int			dependent;

	for (int i = 0; i < position; i++)
		weights[i] = moments_correlation(moments, columns[i], columns[position]);
	if (!cholesky(factor, position, COLLINEAR, &dependent))
		elog(ERROR, "column %d was independent of those before it", dependent);
	cholesky_solve(factor, position, weights);
	for (int i = 0; i < position; i++)
	{
		if (fabs(weights[i]) > NAMED_WEIGHT)
			parts[count++] = columns[i];
	}
	append_subject(details, names, columns[position]);
	appendStringInfo(details, " is a combination of %s.", label_columns(names, parts, count));
	pfree(factor);
}

/* Say which columns are collinear, and why: as an error, or as a notice that they are dropped. */
static void
report_collinear(const Regression *regression, const ColumnNames *names, const char *details, bool drop)
{
	char	   *labels = label_columns(names, regression->dropped, regression->dropped_count);
	bool		is_one = regression->dropped_count == 1;

	if (drop)
		ereport(NOTICE,
				(errmsg("left out collinear %s: %s", is_one ? "column" : "columns", labels),
				 errdetail_internal("%s", details)));
	else
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("collinear %s: %s", is_one ? "column" : "columns", labels),
				 errdetail_internal("%s", details),
				 errhint("Leave one of them out, or give collinear => 'drop'.")));
}

/* Take the column at a position out of those that explain. */
static void
regression_drop(Regression *regression, int position)
{
	regression->dropped[regression->dropped_count++] = regression->columns[position];
	regression->count--;
	memmove(&regression->columns[position], &regression->columns[position + 1], sizeof(int) * (regression->count - position));
}

/* All columns but the outcome, those that do not vary dropped. */
static void
regression_start(Regression *regression, const Moments *moments, const ColumnNames *names, StringInfo details)
{
	regression->columns = palloc(sizeof(int) * moments->columns);
	regression->dropped = palloc(sizeof(int) * moments->columns);
	for (int i = 0; i < moments->columns; i++)
	{
		if (i != regression->outcome)
			regression->columns[regression->count++] = i;
	}
	for (int i = 0; i < regression->count;)
	{
		if (moments_is_constant(moments, regression->columns[i]))
		{
			append_subject(details, names, regression->columns[i]);
			appendStringInfoString(details, " is constant.");
			regression_drop(regression, i);
		}
		else
			i++;
	}
}

/* Order of integers. */
static int
compare_columns(const void *a, const void *b)
{
	return *(const int *) a - *(const int *) b;
}

/* Find the columns that explain, none of them a combination of others; the factor of their correlation matrix. */
static double *
regression_factor(Regression *regression, const Moments *moments, const ColumnNames *names, bool drop)
{
	StringInfoData details;
	double	   *factor;
	int			dependent;

	initStringInfo(&details);
	regression_start(regression, moments, names, &details);
	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		factor = correlation_matrix(moments, regression->columns, regression->count);
		if (cholesky(factor, regression->count, COLLINEAR, &dependent))
			break;
		if (regression->dropped_count < NAMED_COLUMNS)
			append_combination(&details, moments, names, regression->columns, dependent);
		regression_drop(regression, dependent);
		pfree(factor);
	}
	qsort(regression->dropped, regression->dropped_count, sizeof(int), compare_columns);
	if (regression->dropped_count > 0)
		report_collinear(regression, names, details.data, drop);
	return factor;
}

/* Raise an error unless there are more rows than numbers to estimate. */
static void
check_rows(int64 rows, int columns)
{
	if (rows < columns + 2)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("regression on %d column%s takes at least %d complete rows, not " INT64_FORMAT, columns, columns == 1 ? "" : "s", columns + 2, rows),
				 errhint("Give more rows, or fewer columns.")));
}

/* Solve for the coefficients. */
static void
regression_solve(Regression *regression, const Moments *moments, const double *factor)
{
	int			count = regression->count;
	double		spread = sqrt(moments_comoment(moments, regression->outcome, regression->outcome));

	regression->with_outcome = palloc(sizeof(double) * (count + 1));
	regression->beta = palloc(sizeof(double) * (count + 1));
	regression->coefficients = palloc(sizeof(double) * (count + 1));
	regression->intercept = moments_mean(moments, regression->outcome);
	for (int i = 0; i < count; i++)
		regression->beta[i] = regression->with_outcome[i] = moments_correlation(moments, regression->columns[i], regression->outcome);
	cholesky_solve(factor, count, regression->beta);
	for (int i = 0; i < count; i++)
	{
		int			column = regression->columns[i];

		regression->r_squared += regression->beta[i] * regression->with_outcome[i];
		regression->coefficients[i] = regression->beta[i] * (spread / sqrt(moments_comoment(moments, column, column)));
		regression->intercept -= regression->coefficients[i] * moments_mean(moments, column);
	}
	regression->r_squared = clamp_between(regression->r_squared, 0, 1);
	regression->residual_variance = spread * spread * (1 - regression->r_squared) / regression->df;
}

/* Standard errors of the coefficients and of the intercept. */
static void
regression_errors(Regression *regression, const Moments *moments)
{
	int			count = regression->count;
	double	   *distances = palloc(sizeof(double) * (count + 1));	/* of 0 from the means, in spreads of the columns */
	double		lever = 1 / (double) moments->rows;

	regression->std_errors = palloc(sizeof(double) * (count + 1));
	for (int i = 0; i < count; i++)
	{
		double		spread = sqrt(moments_comoment(moments, regression->columns[i], regression->columns[i]));

		distances[i] = moments_mean(moments, regression->columns[i]) / spread;
		regression->std_errors[i] = sqrt(regression->residual_variance * regression->inverse[(Size) i * count + i]) / spread;
	}
	for (int i = 0; i < count; i++)
	{
		for (int j = 0; j < count; j++)
			lever += distances[i] * regression->inverse[(Size) i * count + j] * distances[j];
	}
	regression->intercept_error = sqrt(regression->residual_variance * lever);
}

/*
 * The regression of a column on all others.  Columns that are constant or
 * combinations of those before them are an error or left out with a notice.
 */
Regression *
regression_new(const Moments *moments, int outcome, const ColumnNames *names, bool drop)
{
	Regression *regression = palloc0(sizeof(Regression));
	double	   *factor;

	regression->rows = moments->rows;
	regression->outcome = outcome;
	if (!drop)
		check_rows(moments->rows, moments->columns - 1);
	if (moments_is_constant(moments, outcome))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("outcome %s is constant", column_label(names, outcome)),
				 errhint("Explain an outcome that varies.")));
	factor = regression_factor(regression, moments, names, drop);
	check_rows(moments->rows, regression->count);
	regression->df = (double) (moments->rows - regression->count - 1);
	regression_solve(regression, moments, factor);
	regression->inverse = MemoryContextAllocHuge(CurrentMemoryContext, mul_size(mul_size(regression->count, regression->count), sizeof(double)) + 1);
	cholesky_inverse(factor, regression->count, regression->inverse);
	regression->correlation = correlation_matrix(moments, regression->columns, regression->count);
	pfree(factor);
	regression_errors(regression, moments);
	return regression;
}

/* The F statistic of all columns together, NaN without any. */
double
regression_f(const Regression *regression)
{
	if (regression->count == 0)
		return NAN;
	return regression->r_squared / regression->count / ((1 - regression->r_squared) / regression->df);
}

/* Ratio of the largest to the smallest singular value of the standardised columns, NaN without any. */
static double
condition_number(const Regression *regression)
{
	int			count = regression->count;
	Size		size = mul_size(mul_size(count, count), sizeof(double)) + 1;
	double	   *matrix = MemoryContextAllocHuge(CurrentMemoryContext, size);
	double	   *vectors = MemoryContextAllocHuge(CurrentMemoryContext, size);
	double	   *values = palloc(sizeof(double) * (count + 1));

	if (count == 0)
		return NAN;
	memcpy(matrix, regression->correlation, sizeof(double) * count * count);
	symmetric_eigen(matrix, count, values, vectors);
	return sqrt(values[0] / Max(values[count - 1], 0));
}

/* Put a term of a regression into the result. */
static void
put_term(ReturnSetInfo *result, Datum term, double coefficient, double std_error, double df, double inflation)
{
	Datum		values[6] = {term};
	bool		nulls[6] = {false};
	RowBuilder	row = {values, nulls, 1};

	row_add_float8(&row, coefficient);
	row_add_float8(&row, std_error);
	row_add_float8(&row, coefficient / std_error);
	row_add_float8(&row, student_p_value(coefficient / std_error, df));
	row_add_float8(&row, inflation);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* Rows: the terms of a regression, the intercept first. */
PG_FUNCTION_INFO_V1(moments_regression);
Datum
moments_regression(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Moments    *moments;
	ColumnNames names;
	Regression *regression;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0))
		return (Datum) 0;
	moments = PG_GETARG_MOMENTS_P(0);
	names = column_names_argument(fcinfo, 3, moments);
	regression = regression_new(moments, column_argument(fcinfo, 1, "outcome", moments), &names, collinear_argument(fcinfo, 2));
	put_term(result, CStringGetTextDatum("(intercept)"), regression->intercept, regression->intercept_error, regression->df, NAN);
	for (int i = 0; i < regression->count; i++)
		put_term(result, column_datum(&names, regression->columns[i]), regression->coefficients[i], regression->std_errors[i],
				 regression->df, regression->inverse[(Size) i * regression->count + i]);
	return (Datum) 0;
}

/* The columns left out as an array of texts. */
static Datum
dropped_datum(const Regression *regression, const ColumnNames *names)
{
	Datum	   *texts = palloc(sizeof(Datum) * (regression->dropped_count + 1));

	for (int i = 0; i < regression->dropped_count; i++)
		texts[i] = column_datum(names, regression->dropped[i]);
	return PointerGetDatum(construct_array(texts, regression->dropped_count, TEXTOID, -1, false, TYPALIGN_INT));
}

/* One row: how well a regression fits. */
PG_FUNCTION_INFO_V1(moments_regression_fit);
Datum
moments_regression_fit(PG_FUNCTION_ARGS)
{
	Datum		values[9];
	bool		nulls[9];
	RowBuilder	row = {values, nulls, 0};
	Moments    *moments;
	ColumnNames names;
	Regression *regression;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	moments = PG_GETARG_MOMENTS_P(0);
	names = column_names_argument(fcinfo, 3, moments);
	regression = regression_new(moments, column_argument(fcinfo, 1, "outcome", moments), &names, collinear_argument(fcinfo, 2));
	row_add_int64(&row, regression->rows);
	row_add_float8(&row, regression->r_squared);
	row_add_float8(&row, 1 - (1 - regression->r_squared) * (double) (regression->rows - 1) / regression->df);
	row_add_float8(&row, sqrt(regression->residual_variance));
	row_add_int64(&row, (int64) regression->df);
	row_add_float8(&row, regression_f(regression));
	row_add_float8(&row, fisher_p_value(regression_f(regression), regression->count, regression->df));
	row_add_float8(&row, condition_number(regression));
	values[row.filled] = dropped_datum(regression, &names);
	nulls[row.filled++] = false;
	return row_finish(fcinfo, &row);
}
