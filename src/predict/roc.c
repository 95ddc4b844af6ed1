/*-------------------------------------------------------------------------
 *
 * roc.c
 *	  The area under the ROC curve, its standard error, and the difference of
 *	  two areas on the same rows.
 *
 * The area is the share of pairs, of a row with the event and one without,
 * in which the one with it has the higher score; a tie counts half.  A row's
 * placement is that share among its own pairs: the mean of the placements is
 * the area, their spread its error (DeLong, DeLong and Clarke-Pearson 1988).
 * One sort gives all placements (Sun and Xu 2014).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "measure/change.h"
#include "measure/distribution.h"
#include "measure/estimate.h"
#include "predict/evaluation.h"
#include "predict/number_columns.h"
#include "predict/roc.h"

/* Columns of the states: one or two scores, and the outcome behind them. */
#define ONE_SCORE 2
#define TWO_SCORES 3

/* Sorts rows, the highest score first; millions of them can be interrupted. */
#define ST_SORT ranked_sort
#define ST_ELEMENT_TYPE RankedRow
#define ST_COMPARE(a, b) ((a)->score > (b)->score ? -1 : (a)->score < (b)->score)
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#define ST_DECLARE
#include "lib/sort_template.h"

/* Memory for so many things of a size. */
static void *
alloc_rows(int64 rows, Size size)
{
	return MemoryContextAllocHuge(CurrentMemoryContext, mul_size(Max(rows, 1), size));
}

/* The rows in order, the highest score first. */
RankedRow *
rank_rows(const double *score, int64 rows)
{
	RankedRow  *ranked = alloc_rows(rows, sizeof(RankedRow));

	for (int64 i = 0; i < rows; i++)
	{
		ranked[i].score = score[i];
		ranked[i].row = i;
	}
	ranked_sort(ranked, rows);
	return ranked;
}

/* Where the rows end that have the same score as the one at start. */
int64
tie_end(const RankedRow *ranked, int64 rows, int64 start)
{
	int64		end = start + 1;

	while (end < rows && ranked[end].score == ranked[start].score)
		end++;
	return end;
}

/* The sum of the outcomes of these rows. */
double
ranked_sum(const RankedRow *ranked, const double *outcome, int64 start, int64 end)
{
	double		sum = 0;

	for (int64 i = start; i < end; i++)
		sum += outcome[ranked[i].row];
	return sum;
}

/* The placement of each row, by where it was given; the area they make up. */
static double
place_rows(const RankedRow *ranked, const double *outcome, int64 rows, double *placement)
{
	double		events = ranked_sum(ranked, outcome, 0, rows);
	double		others = rows - events;
	double		events_above = 0;
	double		others_below = others;
	double		pairs = 0;

	for (int64 start = 0, end; start < rows; start = end)
	{
		double		tied_events;
		double		tied_others;

		CHECK_FOR_INTERRUPTS();
		end = tie_end(ranked, rows, start);
		tied_events = ranked_sum(ranked, outcome, start, end);
		tied_others = end - start - tied_events;
		others_below -= tied_others;
		pairs += tied_events * (others_below + tied_others / 2);
		for (int64 i = start; i < end; i++)
			placement[ranked[i].row] = outcome[ranked[i].row] != 0 ? (others_below + tied_others / 2) / others :
				(events_above + tied_events / 2) / events;
		events_above += tied_events;
	}
	return events > 0 && others > 0 ? pairs / (events * others) : NAN;
}

/*
 * The variance of the mean of these values over the rows with the event plus
 * that over the rows without; both means are the area.
 */
static double
placement_variance(const double *placement, const double *outcome, int64 rows, double area)
{
	double		sums[2] = {0, 0};
	double		counts[2] = {0, 0};

	for (int64 i = 0; i < rows; i++)
	{
		double		deviation = placement[i] - area;

		sums[outcome[i] != 0] += deviation * deviation;
		counts[outcome[i] != 0]++;
	}
	if (counts[0] < 2 || counts[1] < 2)
		return NAN;
	return sums[0] / (counts[0] - 1) / counts[0] + sums[1] / (counts[1] - 1) / counts[1];
}

/* The area under the ROC curve of rows in order; NaN unless both outcomes occur. */
double
ranked_roc_area(const RankedRow *ranked, const double *outcome, int64 rows, double *std_error)
{
	double	   *placement = alloc_rows(rows, sizeof(double));
	double		area = place_rows(ranked, outcome, rows, placement);

	*std_error = sqrt(placement_variance(placement, outcome, rows, area));
	pfree(placement);
	return area;
}

/* The area under the ROC curve; NaN unless both outcomes occur, its error unless each does twice. */
double
roc_area(const double *score, const double *outcome, int64 rows, double *std_error)
{
	RankedRow  *ranked = rank_rows(score, rows);
	double		area = ranked_roc_area(ranked, outcome, rows, std_error);

	pfree(ranked);
	return area;
}

/*
 * The difference of the areas of two scores on the same rows, and its standard
 * error: the spread of the rows' differences of placements.
 */
static double
roc_area_difference(const NumberColumns *list, double *std_error)
{
	const double *outcome = list->columns[2];
	double	   *placement[2];
	double		area[2];

	for (int i = 0; i < 2; i++)
	{
		RankedRow  *ranked = rank_rows(list->columns[i], list->count);

		placement[i] = alloc_rows(list->count, sizeof(double));
		area[i] = place_rows(ranked, outcome, list->count, placement[i]);
		pfree(ranked);
	}
	for (int64 i = 0; i < list->count; i++)
		placement[1][i] -= placement[0][i];
	*std_error = sqrt(placement_variance(placement[1], outcome, list->count, area[1] - area[0]));
	return area[1] - area[0];
}

/* The interval of an area; unknown where nothing varies, for that is no certainty. */
void
roc_interval(double area, double std_error, double *lower, double *upper)
{
	double		margin = std_error > 0 ? normal_critical(DEFAULT_CONFIDENCE) * std_error : NAN;

	*lower = clamp_between(area - margin, 0, 1);
	*upper = clamp_between(area + margin, 0, 1);
}

/* A score in an argument that is not NULL. */
static double
score_argument(FunctionCallInfo fcinfo, int position)
{
	double		score = PG_GETARG_FLOAT8(position);

	if (!isfinite(score))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("score %f is not a finite number", score),
				 errhint("Give NULL for a row without a score; it is left out.")));
	return score;
}

/* Transition of roc_area. */
PG_FUNCTION_INFO_V1(roc_area_add);
Datum
roc_area_add(PG_FUNCTION_ARGS)
{
	NumberColumns *list = number_columns_begin(fcinfo, ONE_SCORE);

	if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2))
		number_columns_add(list, (double[]) {score_argument(fcinfo, 1), PG_GETARG_BOOL(2)});
	PG_RETURN_POINTER(list);
}

/* Transition of roc_difference. */
PG_FUNCTION_INFO_V1(roc_difference_add);
Datum
roc_difference_add(PG_FUNCTION_ARGS)
{
	NumberColumns *list = number_columns_begin(fcinfo, TWO_SCORES);

	if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2) && !PG_ARGISNULL(3))
		number_columns_add(list, (double[]) {score_argument(fcinfo, 2), score_argument(fcinfo, 3), PG_GETARG_BOOL(1)});
	PG_RETURN_POINTER(list);
}

/* The area with its interval, NULL without rows. */
PG_FUNCTION_INFO_V1(roc_area_final);
Datum
roc_area_final(PG_FUNCTION_ARGS)
{
	const NumberColumns *list = PG_GETARG_NUMBER_COLUMNS_P(0);
	Estimate	estimate;

	if (list->count == 0)
		PG_RETURN_NULL();
	estimate.value = roc_area(list->columns[0], list->columns[1], list->count, &estimate.std_error);
	roc_interval(estimate.value, estimate.std_error, &estimate.lower, &estimate.upper);
	estimate.responses = list->count;
	estimate.effective_responses = list->count;
	return estimate_result(fcinfo, &estimate);
}

/* The difference of the areas with its test, NULL without rows. */
PG_FUNCTION_INFO_V1(roc_difference_final);
Datum
roc_difference_final(PG_FUNCTION_ARGS)
{
	const NumberColumns *list = PG_GETARG_NUMBER_COLUMNS_P(0);
	Change		change;

	if (list->count == 0)
		PG_RETURN_NULL();
	change.difference = roc_area_difference(list, &change.std_error);
	change_test_normal(&change, change.difference, DEFAULT_CONFIDENCE);
	change.lower = clamp_between(change.lower, -1, 1);
	change.upper = clamp_between(change.upper, -1, 1);
	change.responses_before = list->count;
	change.responses_after = list->count;
	return change_result(fcinfo, &change, DEFAULT_CONFIDENCE);
}
