/*-------------------------------------------------------------------------
 *
 * train.c
 *	  Trains a model on the rows of a query: reads and divides them, fits,
 *	  calibrates, and judges by the rows held out what came of it.
 *
 * What is judged is the predictor as it will be stored, unpacked again.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "predict/evaluation.h"
#include "predict/predictor.h"
#include "predict/profile.h"
#include "predict/report.h"
#include "predict/train_rows.h"

#define LEAST_TO_CALIBRATE 10	/* rows of either outcome in the validation part */
#define EXPLAINED_ROWS 500		/* that importance is taken from */
#define LEAST_TO_PROFILE 1000	/* validation rows that a profile is taken from, else all that are not held out */
#define INTERRUPT_ROWS 4096		/* rows between looks for interrupts */

/* What training comes to. */
typedef struct Training
{
	const TrainOptions *options;
	TrainData  *data;
	Model		model;			/* as it was fitted */
	Predictor  *predictor;		/* the same, packed */
	Model	   *scorer;			/* and unpacked again */
	LinearFit	fit;			/* how a linear model was fitted */
	int64		learnt;			/* rows not held out, which stand first */
	int64		held_out;		/* rows behind them */
	double		read_seconds;	/* that reading and looking at the rows took */
	double		fit_seconds;	/* that fitting took, without calibration */
} Training;

/* Seconds since a time. */
static double
seconds_since(instr_time start)
{
	instr_time	now;

	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, start);
	return INSTR_TIME_GET_DOUBLE(now);
}

/* Tell once in a while how far boosting is. */
static void
tell_progress(int tree, int trees, double loss, void *argument)
{
	if (!progress_is_due(argument))
		return;
	if (isnan(loss))
		ereport(NOTICE, (errmsg("tree %d of at most %d", tree, trees)));
	else
		ereport(NOTICE, (errmsg("tree %d of at most %d, loss of the validation part %.5f", tree, trees, loss)));
}

/* Tell once in a while how far a linear model is. */
static void
tell_passes(int passes, double loss, void *argument)
{
	if (progress_is_due(argument))
		ereport(NOTICE, (errmsg("pass %d over the rows, mean loss %.5f", passes, loss)));
}

/* Names in quotes, the first few of them. */
static char *
listed(const List *names)
{
	StringInfoData list;
	ListCell   *cell;
	int			count = 0;

	initStringInfo(&list);
	foreach(cell, names)
	{
		if (count == 10)
		{
			appendStringInfo(&list, " and %d more", list_length(names) - count);
			break;
		}
		appendStringInfo(&list, "%s\"%s\"", count++ == 0 ? "" : ", ", (char *) lfirst(cell));
	}
	return list.data;
}

/* Fit a linear model to the training part. */
static void
train_linear(Training *training)
{
	LinearOptions options = training->options->linear;
	TrainData  *data = training->data;
	TimestampTz told = GetCurrentTimestamp();

	options.progress = tell_passes;
	options.argument = &told;
	options.is_probability = data->is_probability;
	training->model.linear = linear_train(data->features, &data->matrix, data->outcome, data->part_rows[PART_TRAINING], &options, &training->fit);
	if (training->fit.left_out != NIL)
		ereport(NOTICE, (errmsg("left out as combinations of other terms: %s", listed(training->fit.left_out))));
	if (training->fit.separating != NIL)
		ereport(NOTICE,
				(errmsg("the outcome is separated perfectly by %s", listed(training->fit.separating)),
				 errdetail("Such coefficients have no finite estimate; a ridge penalty of %g keeps them finite, and there are no standard errors.", training->fit.ridge)));
}

/* The directions of features that the caller asks for. */
static signed char *
monotone_signs(const Training *training)
{
	const TrainData *data = training->data;
	signed char *signs = palloc0(Max(data->matrix.features, 1));
	ListCell   *cell;

	foreach(cell, training->options->monotone)
	{
		const MonotoneRule *rule = lfirst(cell);
		int			found = -1;

		for (int feature = 0; feature < data->matrix.features; feature++)
			if (strcmp(feature_name(&data->features[feature]), rule->feature) == 0)
				found = feature;
		if (found < 0 || data->features[found].kind == FEATURE_CATEGORY)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("option \"monotone\" names \"%s\", which is %s", rule->feature, found < 0 ? "no feature" : "a category"),
					 errhint("Features that may be monotone are numbers, Booleans, times and intervals that are not left out.")));
		signs[found] = rule->sign;
	}
	return signs;
}

/* Grow a forest on the training part, until the validation part says that it is enough. */
static void
train_forest(Training *training)
{
	ForestOptions options = training->options->forest;
	TrainData  *data = training->data;
	bool	   *is_category = palloc0(Max(data->matrix.features, 1));
	TimestampTz told = GetCurrentTimestamp();

	for (int feature = 0; feature < data->matrix.features; feature++)
		is_category[feature] = data->features[feature].kind == FEATURE_CATEGORY;
	options.is_probability = data->is_probability;
	options.is_category = is_category;
	options.monotone = monotone_signs(training);
	options.seed = (uint64) training->options->seed;
	training->model.forest = forest_train(&data->matrix, data->outcome, data->part_rows[PART_TRAINING], data->part_rows[PART_VALIDATION],
										  &options, tell_progress, &told);
}

/* Pack the model and take it out again, as it will be used. */
static void
pack(Training *training)
{
	training->predictor = predictor_pack(&training->model);
	training->scorer = predictor_unpack(training->predictor);
}

/* The scores of rows. */
static double *
score_rows(const Training *training, int64 start, int64 rows)
{
	const FeatureMatrix *matrix = &training->data->matrix;
	double	   *scores = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(double) * Max(rows, 1));
	double	   *values = palloc(sizeof(double) * Max(matrix->features, 1));

	for (int64 row = 0; row < rows; row++)
	{
		if (row % INTERRUPT_ROWS == 0)
			CHECK_FOR_INTERRUPTS();
		for (int feature = 0; feature < matrix->features; feature++)
			values[feature] = matrix->columns[feature][start + row];
		scores[row] = model_score(training->scorer, values);
	}
	pfree(values);
	return scores;
}

/* Whether there are enough validation rows of either outcome; tells if not. */
static bool
can_calibrate(const Training *training)
{
	const TrainData *data = training->data;
	int64		rows = data->part_rows[PART_VALIDATION];
	double		events = 0;

	for (int64 row = 0; row < rows; row++)
		events += data->outcome[data->part_rows[PART_TRAINING] + row];
	if (Min(events, rows - events) >= LEAST_TO_CALIBRATE)
		return true;
	ereport(NOTICE,
			(errmsg("probabilities are not calibrated, for the rarer outcome occurs %d times in the validation part", (int) Min(events, rows - events)),
			 errhint("Option validation makes that part larger.")));
	return false;
}

/*
 * Calibrate: a logistic regression of the outcomes of the validation part on
 * the scores there (Platt 1999, without his prior counts, for there are enough
 * of either outcome).
 */
static void
calibrate(Training *training)
{
	const TrainData *data = training->data;
	int64		rows = data->part_rows[PART_VALIDATION];
	double	   *scores;
	Feature		feature = {"score", 0, FEATURE_NUMBER, 0, NULL};
	FeatureMatrix matrix = {rows, 1, &scores};
	LinearOptions options = {.is_probability = true};
	LinearFit	fit;
	LinearModel *line;

	if (!data->is_probability || !training->options->calibrate || !can_calibrate(training))
		return;
	scores = score_rows(training, data->part_rows[PART_TRAINING], rows);
	line = linear_train(&feature, &matrix, data->outcome + data->part_rows[PART_TRAINING], rows, &options, &fit);
	pfree(scores);
	if (line->term_count == 0 || line->terms[0].coefficient <= 0)
	{
		ereport(NOTICE, (errmsg("probabilities are not calibrated, for the scores say nothing in the validation part")));
		return;
	}
	training->model.calibration_offset = line->intercept;
	training->model.calibration_slope = line->terms[0].coefficient;
	pack(training);
}

/* The report on the rows held out, or NULL without any. */
static Jsonb *
judge(const Training *training)
{
	const TrainData *data = training->data;
	double	   *predictions;
	const double *outcome = data->outcome + training->learnt;

	if (training->held_out == 0)
		return NULL;
	predictions = score_rows(training, training->learnt, training->held_out);
	for (int64 row = 0; row < training->held_out; row++)
		predictions[row] = model_prediction(training->scorer, predictions[row]);
	return data->is_probability ? evaluate_probabilities(predictions, outcome, training->held_out) :
		evaluate_numbers(predictions, outcome, training->held_out);
}

/* How features and scores are distributed: where the model did not learn, if there are rows enough. */
static Jsonb *
profile(const Training *training)
{
	const TrainData *data = training->data;
	bool		is_fresh = data->part_rows[PART_VALIDATION] >= LEAST_TO_PROFILE;
	int64		start = is_fresh ? data->part_rows[PART_TRAINING] : 0;
	FeatureMatrix matrix = {training->learnt - start, data->matrix.features, palloc(sizeof(double *) * data->matrix.features)};

	for (int feature = 0; feature < matrix.features; feature++)
		matrix.columns[feature] = data->matrix.columns[feature] + start;
	return profile_of(data->features, &matrix, matrix.rows, score_rows(training, start, matrix.rows));
}

/* The mean size of each feature's contribution, in rows spread over those held out or, without such, over all. */
static double *
importance(const Training *training)
{
	const FeatureMatrix *matrix = &training->data->matrix;
	int64		start = training->held_out > 0 ? training->learnt : 0;
	int64		rows = matrix->rows - start;
	int64		explained = Min(rows, EXPLAINED_ROWS);
	double	   *sizes = palloc0(sizeof(double) * matrix->features);
	double	   *values = palloc(sizeof(double) * matrix->features);
	double	   *contributions = palloc(sizeof(double) * matrix->features);

	for (int64 i = 0; i < explained; i++)
	{
		CHECK_FOR_INTERRUPTS();
		for (int feature = 0; feature < matrix->features; feature++)
			values[feature] = matrix->columns[feature][start + rows * i / explained];
		(void) model_explain(training->scorer, values, contributions);
		for (int feature = 0; feature < matrix->features; feature++)
			sizes[feature] += fabs(contributions[feature]) / explained;
	}
	return sizes;
}

/* A feature and how important it is. */
typedef struct RankedFeature
{
	int			feature;
	double		size;
} RankedFeature;

/* The most important one first. */
static int
compare_features(const void *a, const void *b)
{
	const RankedFeature *first = a;
	const RankedFeature *second = b;

	if (first->size != second->size)
		return first->size > second->size ? -1 : 1;
	return first->feature - second->feature;
}

/* Write what matters how much. */
static void
write_importance(const Training *training, ReportWriter *report)
{
	int			features = training->data->matrix.features;
	double	   *sizes = importance(training);
	RankedFeature *ranked = palloc(sizeof(RankedFeature) * features);
	double		total = 0;

	for (int feature = 0; feature < features; feature++)
	{
		ranked[feature] = (RankedFeature) {feature, sizes[feature]};
		total += sizes[feature];
	}
	qsort(ranked, features, sizeof(RankedFeature), compare_features);
	report_open_array(report, "importance");
	for (int i = 0; i < features; i++)
	{
		report_open(report);
		report_add_text(report, "feature", feature_name(&training->data->features[ranked[i].feature]));
		report_add_number(report, "contribution", ranked[i].size);
		report_add_number(report, "share", total > 0 ? ranked[i].size / total : 0);
		report_close(report);
	}
	report_close_array(report);
}

/* Write the coefficients of a linear model, the intercept first. */
static void
write_coefficients(const Training *training, ReportWriter *report)
{
	const LinearModel *linear = training->model.linear;

	report_open_array(report, "coefficients");
	for (int i = -1; i < linear->term_count; i++)
	{
		report_open(report);
		report_add_text(report, "term", i < 0 ? "(intercept)" : term_name(training->data->features, &linear->terms[i]));
		report_add_number(report, "coefficient", i < 0 ? linear->intercept : linear->terms[i].coefficient);
		report_add_number(report, "std_error", i < 0 ? linear->intercept_error : linear->terms[i].std_error);
		report_close(report);
	}
	report_close_array(report);
}

/* Write names under a key. */
static void
write_names(ReportWriter *report, const char *key, const List *names)
{
	ListCell   *cell;

	report_open_array(report, key);
	foreach(cell, names)
	{
		report_open(report);
		report_add_text(report, "term", lfirst(cell));
		report_close(report);
	}
	report_close_array(report);
}

/* How the model was fitted. */
static Jsonb *
describe_fit(const Training *training)
{
	const TrainData *data = training->data;
	ReportWriter report = {NULL};

	report_open(&report);
	report_add_number(&report, "training_rows", data->part_rows[PART_TRAINING]);
	report_add_number(&report, "validation_rows", data->part_rows[PART_VALIDATION]);
	report_add_number(&report, "holdout_rows", data->part_rows[PART_HOLDOUT]);
	report_add_number(&report, "read_seconds", training->read_seconds);
	report_add_number(&report, "fit_seconds", training->fit_seconds);
	report_add_number(&report, "rows_without_outcome", data->without_outcome);
	report_add_number(&report, "rows_without_time", data->without_time);
	report_add_number(&report, "rows_on_both_sides", data->part_rows[PART_NONE]);
	if (data->is_probability)
	{
		report_add_number(&report, "calibration_offset", training->model.calibration_offset);
		report_add_number(&report, "calibration_slope", training->model.calibration_slope);
	}
	if (training->model.linear != NULL)
	{
		report_add_number(&report, "deviance", training->fit.deviance);
		report_add_number(&report, "null_deviance", training->fit.null_deviance);
		report_add_number(&report, "passes", training->fit.passes);
		report_add_number(&report, "ridge", training->fit.ridge);
		write_names(&report, "collinear", training->fit.left_out);
		write_names(&report, "separating", training->fit.separating);
		write_coefficients(training, &report);
	}
	else
		report_add_number(&report, "trees", training->model.forest->tree_count);
	write_importance(training, &report);
	return JsonbValueToJsonb(report_close(&report));
}

/* The columns that are no features, with the reasons. */
static Jsonb *
describe_excluded(const TrainData *data)
{
	ReportWriter report = {NULL};
	JsonbValue *result;
	ListCell   *cell;

	pushJsonbValue(&report.state, WJB_BEGIN_ARRAY, NULL);
	foreach(cell, data->excluded)
	{
		const ExcludedColumn *entry = lfirst(cell);

		report_open(&report);
		report_add_text(&report, "column", entry->column);
		report_add_text(&report, "reason", entry->reason);
		report_close(&report);
	}
	result = pushJsonbValue(&report.state, WJB_END_ARRAY, NULL);
	return JsonbValueToJsonb(result);
}

/* Refuse arguments that cannot be. */
static TrainOptions
arguments_read(FunctionCallInfo fcinfo)
{
	TrainOptions options = {
		.target = text_to_cstring(PG_GETARG_TEXT_PP(1)),
		.key = PG_ARGISNULL(3) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(3)),
		.holdout = PG_GETARG_FLOAT8(4),
		.seed = PG_GETARG_INT64(5),
	};
	char	   *algorithm = text_to_cstring(PG_GETARG_TEXT_PP(2));

	options.is_boosting = strcmp(algorithm, "boosting") == 0;
	if (!options.is_boosting && strcmp(algorithm, "logistic") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("algorithm \"%s\" is not known", algorithm),
				 errhint("Use logistic or boosting.")));
	if (!(options.holdout >= 0 && options.holdout <= 0.9))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("holdout %g is outside 0..0.9", options.holdout),
				 errhint("It is the share of rows that the model is judged by, such as 0.2.")));
	train_options_read(&options, PG_GETARG_JSONB_P(6));
	return options;
}

/* Events among all rows, if the outcome is a probability. */
static int64
count_events(const TrainData *data)
{
	double		events = 0;

	for (int64 row = 0; row < data->matrix.rows; row++)
		events += data->outcome[row];
	return (int64) events;
}

/* Read, divide and look at the rows. */
static void
prepare(Training *training, const char *source)
{
	TrainRows	rows = {.context = CurrentMemoryContext, .options = training->options};
	TrainData  *data = training->data;
	instr_time	start;

	INSTR_TIME_SET_CURRENT(start);
	train_read_rows(&rows, source);
	train_arrange(&rows, data);
	train_check(data, training->options);
	if (data->part_rows[PART_NONE] > 0)
		ereport(NOTICE,
				(errmsg(INT64_FORMAT " rows are left out, for their keys are on both sides of the hold-out", data->part_rows[PART_NONE])));
	if (data->without_time > 0)
		ereport(NOTICE,
				(errmsg(INT64_FORMAT " rows are left out, for their \"%s\" is null", data->without_time, training->options->time)));
	training->learnt = data->part_rows[PART_TRAINING] + data->part_rows[PART_VALIDATION];
	training->held_out = data->part_rows[PART_HOLDOUT];
	training->read_seconds = seconds_since(start);
}

/* Fit the model. */
static void
fit(Training *training)
{
	TrainData  *data = training->data;
	instr_time	start;

	INSTR_TIME_SET_CURRENT(start);
	training->model = (Model) {.is_probability = data->is_probability, .calibration_slope = 1,
		.feature_count = data->matrix.features, .features = data->features};
	if (training->options->is_boosting)
		train_forest(training);
	else
		train_linear(training);
	training->fit_seconds = seconds_since(start);
	pack(training);
	calibrate(training);
}

/* The result, as a row. */
static Datum
give_row(FunctionCallInfo fcinfo, const Training *training)
{
	const TrainData *data = training->data;
	Jsonb	   *report = judge(training);
	TupleDesc	columns;
	Datum		values[8];
	bool		nulls[8] = {false};

	if (get_call_result_type(fcinfo, NULL, &columns) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = PointerGetDatum(training->predictor);
	values[1] = CStringGetTextDatum(data->is_probability ? "probability" : "number");
	values[2] = Int64GetDatum(data->matrix.rows);
	values[3] = data->is_probability ? Int64GetDatum(count_events(data)) : (Datum) 0;
	nulls[3] = !data->is_probability;
	values[4] = report == NULL ? (Datum) 0 : JsonbPGetDatum(report);
	nulls[4] = report == NULL;
	values[5] = JsonbPGetDatum(profile(training));
	values[6] = JsonbPGetDatum(describe_fit(training));
	values[7] = JsonbPGetDatum(describe_excluded(data));
	return heap_copy_tuple_as_datum(heap_form_tuple(columns, values, nulls), columns);
}

/* Trains a model on a query, which is given in parentheses; gives the predictor and what there is to say of it. */
PG_FUNCTION_INFO_V1(fit_model);
Datum
fit_model(PG_FUNCTION_ARGS)
{
	MemoryContext outer = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(outer, "cx training", ALLOCSET_DEFAULT_SIZES);
	TrainOptions options;
	TrainData	data = {0};
	Training	training = {.options = &options, .data = &data};
	Datum		result;

	MemoryContextSwitchTo(context);
	options = arguments_read(fcinfo);
	prepare(&training, text_to_cstring(PG_GETARG_TEXT_PP(0)));
	fit(&training);
	result = give_row(fcinfo, &training);
	MemoryContextSwitchTo(outer);
	result = datumCopy(result, false, -1);
	MemoryContextDelete(context);
	PG_RETURN_DATUM(result);
}
