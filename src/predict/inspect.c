/*-------------------------------------------------------------------------
 *
 * inspect.c
 *	  What is in a predictor, as rows: its features, the coefficients of a linear
 *	  model, and how much each feature matters.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "measure/distribution.h"
#include "predict/predictor.h"

/* What stands in place of a term where the sum of all starts from. */
#define INTERCEPT_NAME "(intercept)"

/* A feature and its importance, to be sorted. */
typedef struct Importance
{
	int			feature;
	double		importance;
} Importance;

/* The model that is the first argument. */
static Model *
model_argument(FunctionCallInfo fcinfo)
{
	return predictor_unpack(PG_GETARG_PREDICTOR_P(0));
}

/* The levels of a category as an array; NULL of any other feature. */
static Datum
levels_array(const Feature *feature, bool *isnull)
{
	Datum	   *levels;

	*isnull = feature->kind != FEATURE_CATEGORY;
	if (*isnull)
		return (Datum) 0;
	levels = (Datum *) palloc(mul_size(feature->level_count, sizeof(Datum)));
	for (int i = 0; i < feature->level_count; i++)
		levels[i] = CStringGetTextDatum(feature->levels[i]);
	return PointerGetDatum(construct_array(levels, feature->level_count, TEXTOID, -1, false, TYPALIGN_INT));
}

/* One row for each feature. */
PG_FUNCTION_INFO_V1(predictor_features);
Datum
predictor_features(PG_FUNCTION_ARGS)
{
	Model	   *model = model_argument(fcinfo);
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < model->feature_count; i++)
	{
		const Feature *feature = &model->features[i];
		bool		nulls[3] = {false, false, false};
		Datum		row[3] = {
			CStringGetTextDatum(feature_name(feature)),
			CStringGetTextDatum(feature_kind_name(feature->kind)),
			levels_array(feature, &nulls[2])
		};

		tuplestore_putvalues(result->setResult, result->setDesc, row, nulls);
	}
	return (Datum) 0;
}

/* Give one row of coefficients; what is not known is NULL. */
static void
put_coefficient(ReturnSetInfo *result, const char *term, double coefficient, double std_error, double freedom)
{
	double		ratio = std_error > 0 ? coefficient / std_error : NAN;
	double		p_value = freedom > 0 ? student_p_value(ratio, freedom) : normal_p_value(ratio);
	Datum		row[5] = {CStringGetTextDatum(term), Float8GetDatum(coefficient), Float8GetDatum(std_error), Float8GetDatum(ratio), Float8GetDatum(p_value)};
	bool		nulls[5] = {false, false, isnan(std_error), isnan(ratio), isnan(ratio)};

	tuplestore_putvalues(result->setResult, result->setDesc, row, nulls);
}

/* One row for the intercept and one for each term of a linear model. */
PG_FUNCTION_INFO_V1(coefficients);
Datum
coefficients(PG_FUNCTION_ARGS)
{
	Model	   *model = model_argument(fcinfo);
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	const LinearModel *linear = model->linear;

	if (linear == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("predictor is a forest, which has no coefficients"),
				 errhint("Use cx.feature_importance, or train a model with algorithm logistic.")));
	InitMaterializedSRF(fcinfo, 0);
	put_coefficient(result, INTERCEPT_NAME, linear->intercept, linear->intercept_error, linear->freedom);
	for (int i = 0; i < linear->term_count; i++)
		put_coefficient(result, term_name(model->features, &linear->terms[i]), linear->terms[i].coefficient, linear->terms[i].std_error, linear->freedom);
	return (Datum) 0;
}

/* The importance of each feature in some unit; NaN where it is not known. */
static void
model_importance(const Model *model, double *importance)
{
	if (model->forest != NULL)
		forest_importance(model->forest, model->feature_count, importance);
	else
		memcpy(importance, model->linear->spread, mul_size(model->feature_count, sizeof(double)));
}

/* Order by importance, the most first, then by feature. */
static int
compare_importance(const void *a, const void *b)
{
	const Importance *left = (const Importance *) a;
	const Importance *right = (const Importance *) b;

	if (left->importance != right->importance)
		return left->importance > right->importance ? -1 : 1;
	return left->feature - right->feature;
}

/* One row for each feature with its share of the importance of all. */
PG_FUNCTION_INFO_V1(feature_importance);
Datum
feature_importance(PG_FUNCTION_ARGS)
{
	Model	   *model = model_argument(fcinfo);
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	double	   *importance = (double *) palloc(mul_size(model->feature_count, sizeof(double)));
	Importance *sorted = (Importance *) palloc(mul_size(model->feature_count, sizeof(Importance)));
	double		total = 0;

	model_importance(model, importance);
	for (int i = 0; i < model->feature_count; i++)
	{
		sorted[i] = (Importance) {i, isnan(importance[i]) ? -1 : importance[i]};
		total += importance[i];
	}
	qsort(sorted, model->feature_count, sizeof(Importance), compare_importance);
	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < model->feature_count; i++)
	{
		Datum		row[2] = {CStringGetTextDatum(feature_name(&model->features[sorted[i].feature])), Float8GetDatum(sorted[i].importance / total)};
		bool		nulls[2] = {false, !(total > 0)};

		tuplestore_putvalues(result->setResult, result->setDesc, row, nulls);
	}
	return (Datum) 0;
}
