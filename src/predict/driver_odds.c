/*-------------------------------------------------------------------------
 *
 * driver_odds.c
 *	  Logistic regression of a Boolean outcome on its drivers.
 *
 * The curve takes several passes over the rows, so they are kept, 8 bytes a
 * number.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "measure/distribution.h"
#include "measure/estimate.h"
#include "predict/logistic.h"
#include "predict/train.h"

#define FETCH_ROWS 1000
#define FIRST_ROOM 1024			/* rows */

/* Rows as they come, one column after the other; the first one is the outcome. */
typedef struct OddsRows
{
	MemoryContext context;		/* holds the columns */
	int			width;			/* columns */
	int64		count;			/* rows */
	int64		room;			/* rows that fit */
	double	  **columns;
} OddsRows;

/* Make room for more rows. */
static void
odds_grow(OddsRows *rows)
{
	rows->room = rows->room == 0 ? FIRST_ROOM : 2 * rows->room;
	if (rows->count >= MOST_VALUES / rows->width)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("more than %d rows of %d columns are too many for a logistic regression", MOST_VALUES / rows->width, rows->width),
				 errhint("Take a sample of the rows, or cast the outcome to integer for a linear one.")));
	for (int i = 0; i < rows->width; i++)
	{
		Size		size = mul_size(rows->room, sizeof(double));

		rows->columns[i] = rows->columns[i] == NULL ? MemoryContextAllocHuge(rows->context, size) : repalloc_huge(rows->columns[i], size);
	}
}

/* Keep a row, which is an array of doubles without a NULL. */
static void
odds_add(OddsRows *rows, ArrayType *array)
{
	const double *values = (const double *) ARR_DATA_PTR(array);

	if (ARR_ELEMTYPE(array) != FLOAT8OID || ARR_NDIM(array) != 1 || ARR_DIMS(array)[0] != rows->width || array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("a row is not an array of %d numbers", rows->width)));
	if (values[0] != 0 && values[0] != 1)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("outcome %g is not 0 or 1", values[0])));
	if (rows->count == rows->room)
		odds_grow(rows);
	for (int i = 0; i < rows->width; i++)
		rows->columns[i][rows->count] = values[i];
	rows->count++;
}

/* Read the rows of a query whose first column is such an array; a NULL is skipped. */
static void
odds_read(OddsRows *rows, const char *query)
{
	SPIPlanPtr	plan = SPI_prepare(query, 0, NULL);
	Portal		portal;

	if (plan == NULL)
		elog(ERROR, "cannot read the rows: %s", SPI_result_code_string(SPI_result));
	portal = SPI_cursor_open(NULL, plan, NULL, NULL, true);
	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		SPI_cursor_fetch(portal, true, FETCH_ROWS);
		if (SPI_processed == 0)
			break;
		if (SPI_gettypeid(SPI_tuptable->tupdesc, 1) != FLOAT8ARRAYOID)
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("the query must give arrays of double precision")));
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			bool		is_null;
			Datum		value = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &is_null);

			if (!is_null)
				odds_add(rows, DatumGetArrayTypeP(value));
		}
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
}

/* The features that the columns behind the outcome are. */
static Feature *
odds_features(ArrayType *names, int width)
{
	Feature    *features = palloc0(sizeof(Feature) * width);
	Datum	   *texts;
	bool	   *nulls;
	int			count;

	deconstruct_array(names, TEXTOID, -1, false, TYPALIGN_INT, &texts, &nulls, &count);
	for (int i = 1; i < count; i++)
	{
		features[i - 1].column = nulls[i] ? "" : TextDatumGetCString(texts[i]);
		features[i - 1].kind = FEATURE_NUMBER;
	}
	return features;
}

/* Say that the curve is a step, for which there are no standard errors. */
static void
report_separation(const LinearFit *fit)
{
	StringInfoData names;
	ListCell   *cell;

	if (fit->separating == NIL)
		return;
	initStringInfo(&names);
	foreach(cell, fit->separating)
		appendStringInfo(&names, "%s\"%s\"", names.len > 0 ? ", " : "", (char *) lfirst(cell));
	ereport(NOTICE,
			(errmsg("the outcome is separated perfectly by %s", names.data),
			 errdetail("Such coefficients have no finite estimate; a ridge penalty of %g keeps them finite, and there are no standard errors.", fit->ridge)));
}

/* Rows: place in the arrays, coefficient in log-odds, standard error and p-value of each column but the outcome. */
PG_FUNCTION_INFO_V1(driver_odds);
Datum
driver_odds(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ArrayType  *names = PG_GETARG_ARRAYTYPE_P(1);
	OddsRows	rows = {.context = CurrentMemoryContext, .width = ArrayGetNItems(ARR_NDIM(names), ARR_DIMS(names))};
	LinearOptions options = {.is_probability = true};
	LinearFit	fit;
	LinearModel *model;
	FeatureMatrix matrix;

	InitMaterializedSRF(fcinfo, 0);
	if (rows.width < 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("names must name an outcome and at least one driver")));
	rows.columns = palloc0(sizeof(double *) * rows.width);
	SPI_connect();
	odds_read(&rows, text_to_cstring(PG_GETARG_TEXT_PP(0)));
	SPI_finish();
	if (rows.count == 0)
		return (Datum) 0;
	matrix = (FeatureMatrix) {rows.count, rows.width - 1, rows.columns + 1};
	model = linear_train(odds_features(names, rows.width), &matrix, rows.columns[0], rows.count, &options, &fit);
	report_separation(&fit);
	for (int i = 0; i < model->term_count; i++)
	{
		const LinearTerm *term = &model->terms[i];
		Datum		values[4] = {Int32GetDatum(term->feature + 2)};
		bool		nulls[4] = {false};
		RowBuilder	row = {values, nulls, 1};

		row_add_float8(&row, term->coefficient);
		row_add_float8(&row, term->std_error);
		row_add_float8(&row, normal_p_value(term->coefficient / term->std_error));
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
