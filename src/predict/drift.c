/*-------------------------------------------------------------------------
 *
 * drift.c
 *	  How far the rows that a model sees now have moved from those that it was
 *	  trained with.
 *
 * The population stability index of a feature is sum((a - e) ln(a / e)) over its
 * bins, with e the share of rows that a bin had in training and a the one that it
 * has now (Siddiqi 2006, "Credit Risk Scorecards", whose limits of 0.1 and 0.25
 * name the bands).  Where nothing moved, it is distributed about as chi-squared,
 * with one degree of freedom less than bins, times 1 / n + 1 / m, with n and m the
 * rows now and then (Yurdakul and Naranjo 2020), so few rows alone make it large.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "measure/distribution.h"
#include "predict/predictor.h"
#include "predict/profile.h"

#define BATCH_ROWS 1000			/* rows fetched at once */
#define LEAST_SHARE 0.0001		/* stands for a share of 0, whose logarithm is not finite */
#define CHANCE_TAIL 0.05		/* share of samples that exceed by_chance though nothing moved */
#define STABLE_BELOW 0.1
#define SHIFTED_ABOVE 0.25

/* What is counted of the rows now. */
typedef struct DriftCounts
{
	const Model *model;
	const Profile *profile;
	double		rows;			/* rows counted */
	double	  **counts;			/* for each feature, then the score: rows in each bin, then missing */
} DriftCounts;

/* Counts of no rows yet. */
static DriftCounts
drift_begin(const Model *model, const Profile *profile)
{
	DriftCounts drift = {model, profile, 0, palloc(sizeof(double *) * (profile->feature_count + 1))};

	for (int i = 0; i <= profile->feature_count; i++)
		drift.counts[i] = palloc0(sizeof(double) * (profile->bins[i].count + 1));
	return drift;
}

/* Count one row. */
static void
drift_add(DriftCounts *drift, const double *values)
{
	int			features = drift->profile->feature_count;

	for (int i = 0; i < features; i++)
		drift->counts[i][bin_of(&drift->profile->bins[i], values[i])]++;
	drift->counts[features][bin_of(&drift->profile->bins[features], model_score(drift->model, values))]++;
	drift->rows++;
}

/* Count the rows of one batch of a query. */
static void
drift_add_batch(DriftCounts *drift, FeatureReader *reader, const SPITupleTable *batch, uint64 rows)
{
	Datum	   *values = palloc(sizeof(Datum) * batch->tupdesc->natts);
	bool	   *nulls = palloc(sizeof(bool) * batch->tupdesc->natts);
	double	   *numbers = palloc(sizeof(double) * Max(drift->profile->feature_count, 1));

	for (uint64 row = 0; row < rows; row++)
	{
		heap_deform_tuple(batch->vals[row], batch->tupdesc, values, nulls);
		feature_reader_read(reader, values, nulls, numbers);
		drift_add(drift, numbers);
	}
}

/* Count the rows that a query gives, with the rights and the search_path of the caller. */
static void
drift_count_query(DriftCounts *drift, const char *query, MemoryContext outer)
{
	MemoryContext batch_context = AllocSetContextCreate(outer, "cx drift", ALLOCSET_DEFAULT_SIZES);
	FeatureReader *reader = NULL;
	SPIPlanPtr	plan = SPI_prepare(query, 0, NULL);
	Portal		portal;

	if (plan == NULL)
		elog(ERROR, "cannot prepare the query: %s", SPI_result_code_string(SPI_result));
	portal = SPI_cursor_open(NULL, plan, NULL, NULL, false);
	for (;;)
	{
		MemoryContext before;

		CHECK_FOR_INTERRUPTS();
		SPI_cursor_fetch(portal, true, BATCH_ROWS);
		if (reader == NULL)
			reader = feature_reader_new(drift->model->features, drift->model->feature_count, SPI_tuptable->tupdesc);
		if (SPI_processed == 0)
			break;
		before = MemoryContextSwitchTo(batch_context);
		drift_add_batch(drift, reader, SPI_tuptable, SPI_processed);
		MemoryContextSwitchTo(before);
		MemoryContextReset(batch_context);
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
	MemoryContextDelete(batch_context);
	if (drift->rows == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("query gives no rows"),
				 errhint("Give the rows that the model is to score now, with the columns of the training query.")));
}

/* The population stability index of one feature. */
static double
stability_index(const Bins *bins, const double *counts, double rows)
{
	double		index = 0;

	for (int bin = 0; bin <= bins->count; bin++)
	{
		double		expected = Max(bins->shares[bin], LEAST_SHARE);
		double		actual = Max(counts[bin] / rows, LEAST_SHARE);

		index += (actual - expected) * log(actual / expected);
	}
	return index;
}

/* What the index exceeds in 5 of 100 samples though nothing moved; the quantile by Wilson and Hilferty (1931). */
static double
stability_by_chance(const Bins *bins, double rows, double training_rows)
{
	double		freedom = -1;
	double		spread;
	double		root;

	for (int bin = 0; bin <= bins->count; bin++)
		freedom += bins->shares[bin] > 0;
	if (freedom < 1)
		return 0;
	spread = 2 / (9 * freedom);
	root = 1 - spread + normal_upper_quantile(CHANCE_TAIL) * sqrt(spread);
	return (1 / rows + 1 / training_rows) * freedom * root * root * root;
}

/* What an index is called. */
static const char *
stability_band(double index, double by_chance)
{
	if (index < STABLE_BELOW)
		return "stable";
	if (index <= by_chance)
		return "too few";
	return index > SHIFTED_ABOVE ? "shifted" : "shifting";
}

/* Put the row of one feature, or of the score, into the result. */
static void
drift_put(ReturnSetInfo *result, const DriftCounts *drift, int feature)
{
	const Bins *bins = &drift->profile->bins[feature];
	double		index = stability_index(bins, drift->counts[feature], drift->rows);
	double		by_chance = stability_by_chance(bins, drift->rows, drift->profile->rows);
	const char *name = feature < drift->profile->feature_count ? feature_name(&drift->model->features[feature]) : "(score)";
	Datum		values[5] = {CStringGetTextDatum(name), Float8GetDatum(index), Float8GetDatum(by_chance),
	CStringGetTextDatum(stability_band(index, by_chance)), Int64GetDatum((int64) drift->rows)};
	bool		nulls[5] = {false};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* How far each feature and the score moved: drift_of(query, predictor, profile). */
PG_FUNCTION_INFO_V1(drift_of);
Datum
drift_of(PG_FUNCTION_ARGS)
{
	char	   *query = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Model	   *model = predictor_unpack(PG_GETARG_PREDICTOR_P(1));
	Profile    *profile = profile_read(PG_GETARG_JSONB_P(2), model->features, model->feature_count);
	DriftCounts drift = drift_begin(model, profile);
	MemoryContext outer = CurrentMemoryContext;

	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	drift_count_query(&drift, query, outer);
	SPI_finish();
	for (int i = 0; i <= profile->feature_count; i++)
		drift_put((ReturnSetInfo *) fcinfo->resultinfo, &drift, i);
	return (Datum) 0;
}
