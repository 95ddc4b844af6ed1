/*-------------------------------------------------------------------------
 *
 * profile.c
 *	  How features and scores are distributed in the rows that a model is
 *	  trained with.
 *
 * A number is cut at its deciles, which are taken from a sample if the rows are
 * many; the shares between them are counted in all rows.  Where many rows have
 * the same value, deciles coincide and there are fewer bins.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "common/pg_prng.h"
#include "common/shortest_dec.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/numeric.h"

#include "predict/profile.h"
#include "predict/vectorise.h"

#define NUMBER_BINS 10			/* of a number, at most */
#define SAMPLE_ROWS 20000		/* rows that deciles are taken from, at most */
#define PIECE_ROWS 2048			/* that are counted at once, so that they stay in the cache */

#define ST_SORT number_sort
#define ST_ELEMENT_TYPE double
#define ST_COMPARE(a, b) ((*(a) > *(b)) - (*(a) < *(b)))
#define ST_SCOPE static
#define ST_DEFINE
#define ST_DECLARE
#include "lib/sort_template.h"

/* Values of a sample of the rows, one out of each of so many equal stretches, in ascending order. */
static int64
sample_values(const double *values, int64 rows, double *sample)
{
	int64		drawn = Min(rows, SAMPLE_ROWS);
	int64		known = 0;
	pg_prng_state random;

	pg_prng_seed(&random, (uint64) rows);
	for (int64 i = 0; i < drawn; i++)
	{
		int64		start = (int64) ((double) rows * i / drawn);
		int64		end = (int64) ((double) rows * (i + 1) / drawn);
		double		value = values[start + (end > start + 1 ? (int64) pg_prng_uint64_range(&random, 0, end - start - 1) : 0)];

		if (!isnan(value))
			sample[known++] = value;
	}
	number_sort(sample, known);
	return known;
}

/* Cut a number at its deciles. */
static void
bins_cut(Bins *bins, const double *values, int64 rows)
{
	double	   *sample = palloc(sizeof(double) * Max(Min(rows, SAMPLE_ROWS), 1));
	int64		known = sample_values(values, rows, sample);

	bins->is_category = false;
	bins->bound_count = 0;
	bins->bounds = palloc(sizeof(double) * (NUMBER_BINS - 1));
	for (int part = 1; part < NUMBER_BINS && known > 0; part++)
	{
		double		bound = sample[(known * part + NUMBER_BINS - 1) / NUMBER_BINS - 1];

		/* JSON has no infinity */
		if (isfinite(bound) && (bins->bound_count == 0 || bound > bins->bounds[bins->bound_count - 1]))
			bins->bounds[bins->bound_count++] = bound;
	}
	bins->count = bins->bound_count + 1;
	pfree(sample);
}

/* How many values are above a bound; those that are missing are not. */
vectorised static int64
count_above(const double *values, int64 rows, double bound)
{
	int64		above = 0;

	for (int64 row = 0; row < rows; row++)
		above += values[row] > bound ? 1 : 0;
	return above;
}

/* How many values are missing. */
vectorised int64
count_missing(const double *values, int64 rows)
{
	int64		missing = 0;

	for (int64 row = 0; row < rows; row++)
		missing += isnan(values[row]) ? 1 : 0;
	return missing;
}

/* Count rows between the bounds of a number. */
static void
count_numbers(Bins *bins, const double *values, int64 rows)
{
	int64		missing = count_missing(values, rows);
	int64		above = rows - missing; /* the bound of the bin before */

	bins->shares[bins->count] += missing;
	for (int bin = 0; bin < bins->count; bin++)
	{
		int64		above_next = bin < bins->bound_count ? count_above(values, rows, bins->bounds[bin]) : 0;

		bins->shares[bin] += above - above_next;
		above = above_next;
	}
}

/* Count the shares of rows in the bins. */
static void
bins_count(Bins *bins, const double *values, int64 rows)
{
	bins->shares = palloc0(sizeof(double) * (bins->count + 1));
	for (int64 start = 0; start < rows; start += PIECE_ROWS)
	{
		int64		end = Min(start + PIECE_ROWS, rows);

		CHECK_FOR_INTERRUPTS();
		if (bins->is_category)
			for (int64 row = start; row < end; row++)
				bins->shares[bin_of(bins, values[row])]++;
		else
			count_numbers(bins, values + start, end - start);
	}
	for (int bin = 0; bin <= bins->count; bin++)
		bins->shares[bin] /= Max(rows, 1);
}

/* The bins of a feature, or of the score, which is a number. */
static Bins
bins_of(const Feature *feature, const double *values, int64 rows)
{
	Bins		bins = {0};

	if (feature != NULL && feature->kind == FEATURE_CATEGORY)
	{
		bins.is_category = true;
		bins.count = feature->level_count + 1;
	}
	else
		bins_cut(&bins, values, rows);
	bins_count(&bins, values, rows);
	return bins;
}

/* Append numbers to a JSON text, as they read back the same. */
static void
append_numbers(StringInfo json, const char *name, const double *numbers, int count)
{
	char		number[DOUBLE_SHORTEST_DECIMAL_LEN];

	appendStringInfo(json, "\"%s\": [", name);
	for (int i = 0; i < count; i++)
	{
		double_to_shortest_decimal_buf(numbers[i], number);
		appendStringInfo(json, "%s%s", i == 0 ? "" : ", ", number);
	}
	appendStringInfoString(json, "], ");
}

/* Append bins to a JSON text. */
static void
append_bins(StringInfo json, const Feature *feature, const Bins *bins)
{
	char		missing[DOUBLE_SHORTEST_DECIMAL_LEN];

	if (bins->is_category)
	{
		appendStringInfoString(json, "\"levels\": [");
		for (int level = 0; level < feature->level_count; level++)
		{
			if (level > 0)
				appendStringInfoString(json, ", ");
			escape_json(json, feature->levels[level]);
		}
		appendStringInfoString(json, "], ");
	}
	else
		append_numbers(json, "bounds", bins->bounds, bins->bound_count);
	append_numbers(json, "shares", bins->shares, bins->count);
	double_to_shortest_decimal_buf(bins->shares[bins->count], missing);
	appendStringInfo(json, "\"missing\": %s}", missing);
}

/* The profile of the first rows of a matrix and of their scores, as model_score() gives them. */
Jsonb *
profile_of(const Feature *features, const FeatureMatrix *matrix, int64 rows, const double *score)
{
	StringInfoData json;
	Bins		bins;

	initStringInfo(&json);
	appendStringInfo(&json, "{\"rows\": " INT64_FORMAT ", \"features\": [", rows);
	for (int i = 0; i < matrix->features; i++)
	{
		bins = bins_of(&features[i], matrix->columns[i], rows);
		appendStringInfoString(&json, i == 0 ? "{\"feature\": " : ", {\"feature\": ");
		escape_json(&json, feature_name(&features[i]));
		appendStringInfoString(&json, ", ");
		append_bins(&json, &features[i], &bins);
	}
	bins = bins_of(NULL, score, rows);
	appendStringInfoString(&json, "], \"score\": {");
	append_bins(&json, NULL, &bins);
	appendStringInfoChar(&json, '}');
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data)));
}

/* Raise an error unless a part of a stored profile is as it was written. */
static void
profile_check(bool is_sound)
{
	if (!is_sound)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("profile of the model is malformed"),
				 errhint("Train the model again.")));
}

/* What stands under a key of an object, which must be of this type. */
static JsonbValue *
profile_find(JsonbContainer *object, const char *key, enum jbvType type)
{
	JsonbValue *found;

	profile_check(JsonContainerIsObject(object));
	found = getKeyJsonValueFromContainer(object, key, strlen(key), NULL);
	profile_check(found != NULL && found->type == type);
	return found;
}

/* A number that is not below a least one. */
static double
profile_number(const JsonbValue *value, double least)
{
	double		number;

	profile_check(value != NULL && value->type == jbvNumeric);
	number = DatumGetFloat8(DirectFunctionCall1(numeric_float8, NumericGetDatum(value->val.numeric)));
	profile_check(isfinite(number) && number >= least);
	return number;
}

/* The numbers of an array, and room for one more. */
static double *
profile_numbers(JsonbContainer *object, const char *key, double least, int *count)
{
	JsonbContainer *array = profile_find(object, key, jbvBinary)->val.binary.data;
	double	   *numbers;

	profile_check(JsonContainerIsArray(array) && !JsonContainerIsScalar(array));
	*count = JsonContainerSize(array);
	numbers = palloc(sizeof(double) * (*count + 1));
	for (int i = 0; i < *count; i++)
		numbers[i] = profile_number(getIthJsonbValueFromContainer(array, i), least);
	return numbers;
}

/* Bins as they were stored. */
static Bins
profile_bins(JsonbContainer *object, const Feature *feature)
{
	Bins		bins = {0};
	int			count;

	bins.is_category = feature != NULL && feature->kind == FEATURE_CATEGORY;
	if (bins.is_category)
		bins.count = feature->level_count + 1;
	else
	{
		bins.bounds = profile_numbers(object, "bounds", -INFINITY, &bins.bound_count);
		bins.count = bins.bound_count + 1;
	}
	bins.shares = profile_numbers(object, "shares", 0, &count);
	profile_check(count == bins.count);
	bins.shares[count] = profile_number(profile_find(object, "missing", jbvNumeric), 0);
	return bins;
}

/* A stored profile, which must be one of these features. */
Profile *
profile_read(Jsonb *stored, const Feature *features, int feature_count)
{
	Profile    *profile = palloc(sizeof(Profile));
	JsonbContainer *array = profile_find(&stored->root, "features", jbvBinary)->val.binary.data;

	profile->rows = profile_number(profile_find(&stored->root, "rows", jbvNumeric), 1);
	profile->feature_count = feature_count;
	profile->bins = palloc(sizeof(Bins) * (feature_count + 1));
	profile_check(JsonContainerIsArray(array) && (int) JsonContainerSize(array) == feature_count);
	for (int i = 0; i < feature_count; i++)
	{
		JsonbValue *entry = getIthJsonbValueFromContainer(array, i);

		profile_check(entry->type == jbvBinary);
		profile->bins[i] = profile_bins(entry->val.binary.data, &features[i]);
	}
	profile->bins[feature_count] = profile_bins(profile_find(&stored->root, "score", jbvBinary)->val.binary.data, NULL);
	return profile;
}
