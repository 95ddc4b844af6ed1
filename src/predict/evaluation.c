/*-------------------------------------------------------------------------
 *
 * evaluation.c
 *	  Reports on predictions whose outcome is known.
 *
 * Everything is read off the rows in order of their prediction.  Rows with the
 * same prediction have no order: a tenth that takes some of them takes its part
 * of their events, so a report does not depend on how the rows arrive, and a
 * prediction that tells nothing gains nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "miscadmin.h"

#include "measure/distribution.h"
#include "measure/estimate.h"
#include "predict/evaluation.h"
#include "predict/number_columns.h"
#include "predict/report.h"
#include "predict/roc.h"

#define PARTS 10				/* tenths of the rows */
#define SURE 1e-15				/* a probability closer to 0 or 1 counts as that far away in the logarithmic loss */
#define CUTOFF 0.5				/* an event is predicted from this probability on */
#define CURVE_STEP 0.01			/* least distance of points of a curve, so that it has at most 200 */

/* Predictions with their outcomes. */
typedef struct Evaluation
{
	const double *outcome;
	int64		rows;
	RankedRow  *ranked;			/* the highest prediction first */
	double		sum;			/* of the outcomes: events, if it is 0 or 1 */
} Evaluation;

/* Some neighbours in that order. */
typedef struct Part
{
	int64		rows;
	double		outcomes;		/* their sum */
	double		predictions;	/* their sum */
} Part;

/* What is summed up over all rows of probabilities. */
typedef struct ProbabilitySums
{
	double		probability;
	double		log_loss;
	double		brier;			/* squared errors */
	double		predicted;		/* rows from the cutoff on */
	double		hits;			/* events among them */
	double		ks;				/* largest difference of the shares of events and others that a cutoff takes */
} ProbabilitySums;

/* Put rows in order. */
static Evaluation
evaluation_of(const double *prediction, const double *outcome, int64 rows)
{
	Evaluation	evaluation = {outcome, rows, rank_rows(prediction, rows), 0};

	evaluation.sum = ranked_sum(evaluation.ranked, outcome, 0, rows);
	return evaluation;
}

/*
 * What the rows before this place lack of their part of the outcomes of the
 * rows that the place divides though their prediction is the same.
 */
static double
lacking_at(const Evaluation *evaluation, int64 place)
{
	const RankedRow *ranked = evaluation->ranked;
	int64		start = place;
	int64		end;

	if (place == 0 || place == evaluation->rows || ranked[place - 1].score != ranked[place].score)
		return 0;
	while (start > 0 && ranked[start - 1].score == ranked[place].score)
		start--;
	end = tie_end(ranked, evaluation->rows, start);
	return ranked_sum(ranked, evaluation->outcome, start, end) * (place - start) / (end - start) -
		ranked_sum(ranked, evaluation->outcome, start, place);
}

/* The rows between two places. */
static Part
part_between(const Evaluation *evaluation, int64 start, int64 end)
{
	Part		part = {end - start, 0, 0};

	CHECK_FOR_INTERRUPTS();
	part.outcomes = ranked_sum(evaluation->ranked, evaluation->outcome, start, end) +
		lacking_at(evaluation, end) - lacking_at(evaluation, start);
	for (int64 i = start; i < end; i++)
		part.predictions += evaluation->ranked[i].score;
	return part;
}

/* The tenth of the rows with that number as ntile(10) makes it, the lowest prediction first. */
static Part
part_of(const Evaluation *evaluation, int number)
{
	int64		size = evaluation->rows / PARTS;
	int64		larger = evaluation->rows % PARTS;
	int64		below = (number - 1) * size + Min(number - 1, larger);
	int64		end = evaluation->rows - below;

	return part_between(evaluation, end - size - (number <= larger), end);
}

/* How many rows the first tenths take: rounded up, so that one row makes a tenth. */
static int64
decile_end(int64 rows, int decile)
{
	return rows / PARTS * decile + (rows % PARTS * decile + PARTS - 1) / PARTS;
}

/* Sum up rows of the same probability. */
static void
sum_tied(ProbabilitySums *sums, double probability, double events, double others)
{
	sums->probability += (events + others) * probability;
	sums->log_loss -= events * log(Max(probability, SURE)) + others * log(Max(1 - probability, SURE));
	sums->brier += events * (1 - probability) * (1 - probability) + others * probability * probability;
	if (probability >= CUTOFF)
	{
		sums->predicted += events + others;
		sums->hits += events;
	}
}

/* Sum up all rows. */
static ProbabilitySums
sum_probabilities(const Evaluation *evaluation)
{
	ProbabilitySums sums = {0};
	double		others = evaluation->rows - evaluation->sum;
	double		events_above = 0;

	for (int64 start = 0, end; start < evaluation->rows; start = end)
	{
		double		events;

		CHECK_FOR_INTERRUPTS();
		end = tie_end(evaluation->ranked, evaluation->rows, start);
		events = ranked_sum(evaluation->ranked, evaluation->outcome, start, end);
		sum_tied(&sums, evaluation->ranked[start].score, events, end - start - events);
		events_above += events;
		sums.ks = fmax(sums.ks, fabs(events_above / evaluation->sum - (end - events_above) / others));
	}
	if (evaluation->sum == 0 || others == 0)
		sums.ks = NAN;
	return sums;
}

/* Write how well the order of the probabilities is that of the outcomes. */
static void
report_order(ReportWriter *report, const Evaluation *evaluation, double ks)
{
	double		std_error;
	double		area = ranked_roc_area(evaluation->ranked, evaluation->outcome, evaluation->rows, &std_error);
	double		lower;
	double		upper;

	roc_interval(area, std_error, &lower, &upper);
	report_add_number(report, "auc", area);
	report_add_number(report, "auc_std_error", std_error);
	report_add_number(report, "auc_lower", lower);
	report_add_number(report, "auc_upper", upper);
	report_add_number(report, "gini", 2 * area - 1);
	report_add_number(report, "ks", ks);
}

/* Write how often the event is predicted, and rightly so. */
static void
report_cutoff(ReportWriter *report, const Evaluation *evaluation, const ProbabilitySums *sums)
{
	double		rows = evaluation->rows;
	double		false_positives = sums->predicted - sums->hits;
	double		false_negatives = evaluation->sum - sums->hits;
	double		errors = false_positives + false_negatives;

	report_add_number(report, "accuracy", (rows - errors) / rows);
	report_add_number(report, "base_accuracy", fmax(evaluation->sum, rows - evaluation->sum) / rows);
	report_add_number(report, "true_positives", sums->hits);
	report_add_number(report, "false_positives", false_positives);
	report_add_number(report, "false_negatives", false_negatives);
	report_add_number(report, "true_negatives", rows - errors - sums->hits);
	report_add_number(report, "precision", sums->hits / sums->predicted);
	report_add_number(report, "recall", sums->hits / evaluation->sum);
}

/* Write one tenth of the rows, with all that come before it; of fewer than ten rows some have none. */
static void
report_decile(ReportWriter *report, const Evaluation *evaluation, int decile, double *captured)
{
	double		base_rate = evaluation->sum / evaluation->rows;
	int64		start = decile_end(evaluation->rows, decile - 1);
	int64		end = decile_end(evaluation->rows, decile);
	Part		part = part_between(evaluation, start, end);

	if (part.rows == 0)
		return;
	*captured += part.outcomes;
	report_open(report);
	report_add_number(report, "decile", decile);
	report_add_number(report, "rows", part.rows);
	report_add_number(report, "events", part.outcomes);
	report_add_number(report, "lowest_probability", evaluation->ranked[end - 1].score);
	report_add_number(report, "rate", part.outcomes / part.rows);
	report_add_number(report, "lift", part.outcomes / part.rows / base_rate);
	report_add_number(report, "cumulative_lift", *captured / end / base_rate);
	report_add_number(report, "capture", *captured / evaluation->sum);
	report_close(report);
}

/* Write the tenths of the rows, the highest probability first. */
static void
report_lift(ReportWriter *report, const Evaluation *evaluation)
{
	double		captured = 0;

	report_open_array(report, "lift");
	for (int i = 1; i <= PARTS; i++)
		report_decile(report, evaluation, i, &captured);
	report_close_array(report);
}

/* Write one tenth of the rows, with what was predicted for it and what came. */
static void
report_bin(ReportWriter *report, int bin, const Part *part, bool is_probability)
{
	double		lower;
	double		upper;

	report_open(report);
	report_add_number(report, "bin", bin);
	report_add_number(report, "rows", part->rows);
	report_add_number(report, "predicted", part->predictions / part->rows);
	report_add_number(report, "observed", part->outcomes / part->rows);
	if (is_probability)
	{
		wilson_interval(part->outcomes, part->rows, normal_critical(DEFAULT_CONFIDENCE), &lower, &upper);
		report_add_number(report, "observed_lower", lower);
		report_add_number(report, "observed_upper", upper);
	}
	report_close(report);
}

/* Write the tenths of the rows, the lowest prediction first; the mean distance of what was predicted and what came. */
static double
report_calibration(ReportWriter *report, const Evaluation *evaluation, bool is_probability)
{
	double		distance = 0;

	report_open_array(report, "calibration");
	for (int i = 1; i <= Min(PARTS, evaluation->rows); i++)
	{
		Part		part = part_of(evaluation, i);

		report_bin(report, i, &part, is_probability);
		distance += fabs(part.predictions - part.outcomes);
	}
	report_close_array(report);
	return distance / evaluation->rows;
}

/* Write a point of the ROC curve: what a threshold takes; NaN before the first row. */
static void
report_point(ReportWriter *report, double threshold, double false_positive_rate, double true_positive_rate)
{
	report_open(report);
	report_add_number(report, "threshold", threshold);
	report_add_number(report, "false_positive_rate", false_positive_rate);
	report_add_number(report, "true_positive_rate", true_positive_rate);
	report_close(report);
}

/* Write points of the ROC curve, from taking no row to taking all; none if only one outcome occurs. */
static void
report_curve(ReportWriter *report, const Evaluation *evaluation)
{
	double		events = evaluation->sum;
	double		others = evaluation->rows - events;
	double		events_above = 0;
	double		written = 0;

	report_open_array(report, "roc");
	if (events > 0 && others > 0)
		report_point(report, NAN, 0, 0);
	for (int64 start = 0, end; start < evaluation->rows && events > 0 && others > 0; start = end)
	{
		double		hits;
		double		alarms;

		end = tie_end(evaluation->ranked, evaluation->rows, start);
		events_above += ranked_sum(evaluation->ranked, evaluation->outcome, start, end);
		hits = events_above / events;
		alarms = (end - events_above) / others;
		if (hits + alarms - written < CURVE_STEP && end < evaluation->rows)
			continue;
		report_point(report, evaluation->ranked[start].score, alarms, hits);
		written = hits + alarms;
	}
	report_close_array(report);
}

/* How good probabilities are. */
Jsonb *
evaluate_probabilities(const double *probability, const double *outcome, int64 rows)
{
	ReportWriter report = {NULL};
	Evaluation	evaluation = evaluation_of(probability, outcome, rows);
	ProbabilitySums sums = sum_probabilities(&evaluation);

	report_open(&report);
	report_add_text(&report, "kind", "probability");
	report_add_number(&report, "rows", rows);
	report_add_number(&report, "events", evaluation.sum);
	report_add_number(&report, "base_rate", evaluation.sum / rows);
	report_add_number(&report, "mean_probability", sums.probability / rows);
	report_order(&report, &evaluation, sums.ks);
	report_add_number(&report, "log_loss", sums.log_loss / rows);
	report_add_number(&report, "brier", sums.brier / rows);
	report_cutoff(&report, &evaluation, &sums);
	report_lift(&report, &evaluation);
	report_add_number(&report, "calibration_error", report_calibration(&report, &evaluation, true));
	report_curve(&report, &evaluation);
	pfree(evaluation.ranked);
	return JsonbValueToJsonb(report_close(&report));
}

/* Write how far numbers are from their outcomes. */
static void
report_errors(ReportWriter *report, const Evaluation *evaluation)
{
	double		rows = evaluation->rows;
	double		mean = evaluation->sum / rows;
	double		predictions = 0;
	double		distance = 0;
	double		squares = 0;
	double		spread = 0;

	for (int64 i = 0; i < evaluation->rows; i++)
	{
		double		prediction = evaluation->ranked[i].score;
		double		outcome = evaluation->outcome[evaluation->ranked[i].row];

		predictions += prediction;
		distance += fabs(outcome - prediction);
		squares += (outcome - prediction) * (outcome - prediction);
		spread += (outcome - mean) * (outcome - mean);
	}
	report_add_number(report, "mean_predicted", predictions / rows);
	report_add_number(report, "mean_outcome", mean);
	report_add_number(report, "rmse", sqrt(squares / rows));
	report_add_number(report, "mae", distance / rows);
	report_add_number(report, "r_squared", 1 - squares / spread);
}

/* How good predicted numbers are. */
Jsonb *
evaluate_numbers(const double *predicted, const double *outcome, int64 rows)
{
	ReportWriter report = {NULL};
	Evaluation	evaluation = evaluation_of(predicted, outcome, rows);

	report_open(&report);
	report_add_text(&report, "kind", "number");
	report_add_number(&report, "rows", rows);
	report_errors(&report, &evaluation);
	(void) report_calibration(&report, &evaluation, false);
	pfree(evaluation.ranked);
	return JsonbValueToJsonb(report_close(&report));
}

/* A probability in an argument that is not NULL. */
static double
probability_argument(FunctionCallInfo fcinfo, int position)
{
	double		probability = PG_GETARG_FLOAT8(position);

	if (!(probability >= 0 && probability <= 1))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("probability %.15g is outside 0..1", probability),
				 errhint("Scores of another kind have a ROC area only: use roc_area(score, outcome).")));
	return probability;
}

/* A number in an argument that is not NULL. */
static double
number_argument(FunctionCallInfo fcinfo, int position, const char *name)
{
	double		number = PG_GETARG_FLOAT8(position);

	if (!isfinite(number))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("%s %f is not a finite number", name, number),
				 errhint("Give NULL for a row without it; the row is left out.")));
	return number;
}

/* Transition of evaluation. */
PG_FUNCTION_INFO_V1(evaluation_add);
Datum
evaluation_add(PG_FUNCTION_ARGS)
{
	NumberColumns *list = number_columns_begin(fcinfo, 2);

	if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2))
		number_columns_add(list, (double[]) {probability_argument(fcinfo, 1), PG_GETARG_BOOL(2)});
	PG_RETURN_POINTER(list);
}

/* Transition of evaluation_of_numbers. */
PG_FUNCTION_INFO_V1(evaluation_of_numbers_add);
Datum
evaluation_of_numbers_add(PG_FUNCTION_ARGS)
{
	NumberColumns *list = number_columns_begin(fcinfo, 2);

	if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2))
		number_columns_add(list, (double[]) {number_argument(fcinfo, 1, "prediction"), number_argument(fcinfo, 2, "outcome")});
	PG_RETURN_POINTER(list);
}

/* The report on probabilities, NULL without rows. */
PG_FUNCTION_INFO_V1(evaluation_final);
Datum
evaluation_final(PG_FUNCTION_ARGS)
{
	const NumberColumns *list = PG_GETARG_NUMBER_COLUMNS_P(0);

	if (list->count == 0)
		PG_RETURN_NULL();
	PG_RETURN_JSONB_P(evaluate_probabilities(list->columns[0], list->columns[1], list->count));
}

/* The report on numbers, NULL without rows. */
PG_FUNCTION_INFO_V1(evaluation_of_numbers_final);
Datum
evaluation_of_numbers_final(PG_FUNCTION_ARGS)
{
	const NumberColumns *list = PG_GETARG_NUMBER_COLUMNS_P(0);

	if (list->count == 0)
		PG_RETURN_NULL();
	PG_RETURN_JSONB_P(evaluate_numbers(list->columns[0], list->columns[1], list->count));
}
