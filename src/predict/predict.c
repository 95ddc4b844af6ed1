/*-------------------------------------------------------------------------
 *
 * predict.c
 *	  What models say of records: predictions, risks and their reasons.
 *
 * Every function comes twice: of a predictor, which is a value, and of the
 * champion of a model, which is looked up by name.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "funcapi.h"
#include "utils/builtins.h"

#include "predict/scorer.h"

/* What stands in place of a feature where an explanation starts from. */
#define BASE_NAME "(base)"

/* A feature and what it adds, to be sorted. */
typedef struct Reason
{
	int			feature;
	double		contribution;
} Reason;

/* Predict for the record in the second argument. */
static Datum
predict_record(FunctionCallInfo fcinfo, Scorer *scorer)
{
	HeapTupleHeader row = PG_GETARG_HEAPTUPLEHEADER(1);

	scorer_read(scorer, row);
	PG_FREE_IF_COPY(row, 1);
	PG_RETURN_FLOAT8(scorer_prediction(scorer));
}

/* What a predictor predicts for a record. */
PG_FUNCTION_INFO_V1(predict);
Datum
predict(PG_FUNCTION_ARGS)
{
	return predict_record(fcinfo, scorer_of_predictor(fcinfo));
}

/* What the champion of a model predicts for a record. */
PG_FUNCTION_INFO_V1(predict_by_name);
Datum
predict_by_name(PG_FUNCTION_ARGS)
{
	return predict_record(fcinfo, scorer_of_champion(fcinfo));
}

/* The risk that a predictor sees in a record. */
PG_FUNCTION_INFO_V1(churn_risk);
Datum
churn_risk(PG_FUNCTION_ARGS)
{
	Scorer	   *scorer = scorer_of_predictor(fcinfo);

	scorer_check_probability(scorer);
	return predict_record(fcinfo, scorer);
}

/* The risk that the champion of a model sees in a record. */
PG_FUNCTION_INFO_V1(churn_risk_by_name);
Datum
churn_risk_by_name(PG_FUNCTION_ARGS)
{
	Scorer	   *scorer = scorer_of_champion(fcinfo);

	scorer_check_probability(scorer);
	return predict_record(fcinfo, scorer);
}

/* Order by what is added, most first whatever the sign, then by feature. */
static int
compare_reasons(const void *a, const void *b)
{
	const Reason *left = (const Reason *) a;
	const Reason *right = (const Reason *) b;

	if (fabs(left->contribution) != fabs(right->contribution))
		return fabs(left->contribution) > fabs(right->contribution) ? -1 : 1;
	return left->feature - right->feature;
}

/* Give one row of an explanation. */
static void
put_reason(ReturnSetInfo *result, const char *feature, const char *value, double contribution)
{
	Datum		row[3] = {CStringGetTextDatum(feature), value == NULL ? (Datum) 0 : CStringGetTextDatum(value), Float8GetDatum(contribution)};
	bool		nulls[3] = {false, value == NULL, false};

	tuplestore_putvalues(result->setResult, result->setDesc, row, nulls);
}

/* Rows for what each feature of the record in the second argument adds, and one for what they are added to. */
static Datum
explain_record(FunctionCallInfo fcinfo, Scorer *scorer)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	int			count = scorer->model->feature_count;
	Reason	   *reasons = (Reason *) palloc(mul_size(count, sizeof(Reason)));
	double		base;

	InitMaterializedSRF(fcinfo, 0);
	scorer_read(scorer, PG_GETARG_HEAPTUPLEHEADER(1));
	(void) scorer_prediction(scorer);
	base = model_explain(scorer->model, scorer->numbers, scorer->contributions);
	for (int i = 0; i < count; i++)
		reasons[i] = (Reason) {i, scorer->contributions[i]};
	qsort(reasons, count, sizeof(Reason), compare_reasons);
	for (int i = 0; i < count; i++)
	{
		int			feature = reasons[i].feature;

		put_reason(result, feature_name(&scorer->model->features[feature]),
				   feature_reader_text(scorer->reader, feature, scorer->values, scorer->numbers[feature]), reasons[i].contribution);
	}
	put_reason(result, BASE_NAME, NULL, base);
	return (Datum) 0;
}

/* Why a predictor predicts what it does for a record. */
PG_FUNCTION_INFO_V1(explain);
Datum
explain(PG_FUNCTION_ARGS)
{
	return explain_record(fcinfo, scorer_of_predictor(fcinfo));
}

/* Why the champion of a model predicts what it does for a record. */
PG_FUNCTION_INFO_V1(explain_by_name);
Datum
explain_by_name(PG_FUNCTION_ARGS)
{
	return explain_record(fcinfo, scorer_of_champion(fcinfo));
}
