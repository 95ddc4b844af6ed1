/*-------------------------------------------------------------------------
 *
 * train_check.c
 *	  Looks at the features of a training query before a model learns from them:
 *	  refuses too few rows, leaves out what says nothing (constants, identifiers),
 *	  and has train_leak.c refuse what says too much.
 *
 * All of it looks only at the rows that the model may learn from, not at those
 * held out.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "predict/train_rows.h"

#define LEAST_EVENTS 50			/* rows of the rarer outcome that it takes to learn, validation included */
#define LEAST_TRAINING 10		/* of either outcome, or of a number at all, in the training part */
#define NUMBER_IDENTIFIER_SHARE 0.999	/* different whole numbers per row of a column that tells rows apart */
#define SAMPLE_ROWS 2000		/* that are looked at first */

static const char *const reason_identifier = "an identifier: almost every row has another value";

#define ST_SORT number_sort
#define ST_ELEMENT_TYPE double
#define ST_COMPARE(a, b) ((*(a) > *(b)) - (*(a) < *(b)))
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#define ST_DECLARE
#include "lib/sort_template.h"

/* Add up the outcomes. */
static OutcomeTotals
outcome_totals(const TrainData *data)
{
	OutcomeTotals totals = {.rows = data->part_rows[PART_TRAINING] + data->part_rows[PART_VALIDATION]};

	for (int64 row = 0; row < totals.rows; row++)
		totals.sum += data->outcome[row];
	totals.mean = totals.sum / Max(totals.rows, 1);
	for (int64 row = 0; row < totals.rows; row++)
		totals.squares += (data->outcome[row] - totals.mean) * (data->outcome[row] - totals.mean);
	totals.rarer = totals.sum <= totals.rows / 2.0;
	totals.rarer_rows = (int64) (totals.rarer ? totals.sum : totals.rows - totals.sum);
	return totals;
}

/* Refuse too few rows to learn from. */
static void
check_events(const TrainData *data, const TrainOptions *options, const OutcomeTotals *totals)
{
	int64		held_out = data->part_rows[PART_HOLDOUT];

	if (data->is_probability && totals->rarer_rows < LEAST_EVENTS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there are " INT64_FORMAT " rows to learn from in which \"%s\" is %s, and it takes %d",
						totals->rarer_rows, options->target, totals->rarer ? "true" : "false", LEAST_EVENTS),
				 errdetail("The query gives " INT64_FORMAT " rows to learn from and " INT64_FORMAT " that are held out.", totals->rows, held_out),
				 errhint("Take a longer time or more customers into the query, or hold fewer rows out.")));
	if (!data->is_probability && (totals->rows < LEAST_EVENTS || totals->squares == 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 totals->rows < LEAST_EVENTS ? errmsg("there are " INT64_FORMAT " rows to learn from, and it takes %d", totals->rows, LEAST_EVENTS) :
				 errmsg("target \"%s\" is %g in all rows to learn from", options->target, totals->mean),
				 errhint("Take a longer time or more customers into the query, or hold fewer rows out.")));
}

/* Rows of a part, the first of which is given, whose target is 1, or, if it is a number, another one than in the first. */
static int64
count_events(const TrainData *data, int64 start, int64 rows)
{
	int64		events = 0;

	for (int64 row = 0; row < rows; row++)
		events += data->is_probability ? data->outcome[start + row] == 1 : data->outcome[start + row] != data->outcome[start];
	return events;
}

/* Refuse a training part that has too few rows, which keys and conditions may leave to it. */
static void
check_training_part(const TrainData *data, const TrainOptions *options)
{
	int64		rows = data->part_rows[PART_TRAINING];
	int64		events = count_events(data, 0, rows);
	int64		rarer = Min(events, rows - events);

	if (data->is_probability ? rarer >= LEAST_TRAINING : rows >= LEAST_TRAINING && events > 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 data->is_probability ? errmsg("there are " INT64_FORMAT " rows in the training part in which \"%s\" is %s, and it takes %d", rarer, options->target, events <= rows - events ? "true" : "false", LEAST_TRAINING) :
			 rows < LEAST_TRAINING ? errmsg("there are " INT64_FORMAT " rows in the training part, and it takes %d", rows, LEAST_TRAINING) :
			 errmsg("target \"%s\" is %g in all rows of the training part", options->target, data->outcome[0]),
			 errdetail("The training part has " INT64_FORMAT " rows, the validation part " INT64_FORMAT ", and " INT64_FORMAT " are held out.", rows, data->part_rows[PART_VALIDATION], data->part_rows[PART_HOLDOUT]),
			 errhint("Make option validation smaller, or take more customers into the query.")));
}

/* Say if the validation part cannot say when boosting has learnt enough. */
static void
tell_validation_part(const TrainData *data, const TrainOptions *options)
{
	if (options->is_boosting && options->validation > 0 && options->forest.patience > 0 && data->part_rows[PART_VALIDATION] == 0)
		ereport(NOTICE,
				(errmsg("boosting does not stop early, for there are no rows in the validation part"),
				 errhint("Take more customers into the query, or make option validation larger.")));
}

/* Say if the rows held out do not tell how good the model is. */
static void
tell_holdout(const TrainData *data, const TrainOptions *options)
{
	int64		rows = data->part_rows[PART_HOLDOUT];
	int64		events = count_events(data, data->part_rows[PART_TRAINING] + data->part_rows[PART_VALIDATION], rows);

	if (rows == 0 && (options->holdout > 0 || options->holdout_after != NULL || options->holdout_where != NULL))
		ereport(NOTICE,
				(errmsg("no rows are held out, so nothing is known of how good the model is"),
				 errhint("Take more customers into the query, or hold more of them out.")));
	else if (data->is_probability && rows > 0 && (events == 0 || events == rows))
		ereport(NOTICE,
				(errmsg("target \"%s\" is %s in all " INT64_FORMAT " rows held out, so there is no area under the ROC curve", options->target, events > 0 ? "true" : "false", rows),
				 errhint("Take more customers into the query, or hold more of them out.")));
}

/* Whether a column has one value in all rows, or none. */
static bool
is_constant(const double *values, int64 rows)
{
	for (int64 row = 1; row < rows; row++)
		if (values[row] != values[0] && !(isnan(values[row]) && isnan(values[0])))
			return false;
	return true;
}

/* How many different numbers there are among the first rows, missing ones not counted in known. */
static int64
count_different(const double *values, int64 rows, int64 *known)
{
	double	   *sorted = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(double) * Max(rows, 1));
	int64		different = 0;

	*known = 0;
	for (int64 row = 0; row < rows; row++)
		if (!isnan(values[row]))
			sorted[(*known)++] = values[row];
	number_sort(sorted, *known);
	for (int64 i = 0; i < *known; i++)
		different += i == 0 || sorted[i] != sorted[i - 1];
	pfree(sorted);
	return different;
}

/* Whether a column of whole numbers tells rows apart; a sample says no at once of most that do not. */
static bool
numbers_identify(Oid type, const double *values, int64 rows)
{
	int64		known;

	if (type != INT4OID && type != INT8OID)
		return false;
	for (int64 looked = Min(rows, SAMPLE_ROWS);; looked = rows)
	{
		int64		different = count_different(values, looked, &known);

		if (known == 0 || different < NUMBER_IDENTIFIER_SHARE * known)
			return false;
		if (looked == rows)
			return true;
	}
}

/* Why a feature cannot be learnt from, or NULL. */
static const char *
reason_to_leave_out(const TrainData *data, int feature, const TrainOptions *options, int64 rows)
{
	const double *values = data->matrix.columns[feature];
	bool		is_kept = is_named(options->keep, data->features[feature].column) || is_named(options->keep, feature_name(&data->features[feature]));

	if (is_named(options->exclude, feature_name(&data->features[feature])))
		return "excluded";
	if (data->names[feature] < 0 && !is_kept)
		return reason_identifier;
	if (is_constant(values, rows))
		return isnan(values[0]) ? "always missing" :
			data->features[feature].kind == FEATURE_CATEGORY && data->features[feature].level_count == 0 ? psprintf("none of its values occurs in %d training rows", options->level_rows) : "a constant";
	if (!is_kept && numbers_identify(data->types[feature], values, rows))
		return reason_identifier;
	return NULL;
}

/* Leave features out that cannot be learnt from. */
static void
leave_out(TrainData *data, const TrainOptions *options, int64 rows)
{
	int			kept = 0;

	for (int feature = 0; feature < data->matrix.features; feature++)
	{
		const char *reason = reason_to_leave_out(data, feature, options, rows);

		CHECK_FOR_INTERRUPTS();
		if (reason != NULL)
		{
			train_exclude(&data->excluded, feature_name(&data->features[feature]), reason);
			pfree(data->matrix.columns[feature]);
			continue;
		}
		data->features[kept] = data->features[feature];
		data->matrix.columns[kept] = data->matrix.columns[feature];
		kept++;
	}
	data->matrix.features = kept;
	if (kept == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the training query gives no column to learn from"),
				 errhint("Give columns that differ from row to row and are no identifiers, beside the target and the key.")));
}

/* Say which columns were left out, but for those that the caller left out. */
static void
tell_excluded(const TrainData *data)
{
	ListCell   *cell;

	foreach(cell, data->excluded)
	{
		const ExcludedColumn *entry = lfirst(cell);

		if (strcmp(entry->reason, "excluded") != 0 && strcmp(entry->reason, "key") != 0 && strcmp(entry->reason, "time of the rows") != 0)
			ereport(NOTICE,
					(errmsg("column \"%s\" is left out: %s", entry->column, entry->reason),
					 entry->reason == reason_identifier ? errhint("If it is a measure and no number of somebody, option keep takes it in: {\"keep\": [\"%s\"]}.", entry->column) : 0));
	}
}

/* Look at outcomes and features, and leave only features that can be learnt from. */
void
train_check(TrainData *data, const TrainOptions *options)
{
	OutcomeTotals totals = outcome_totals(data);

	check_events(data, options, &totals);
	check_training_part(data, options);
	tell_validation_part(data, options);
	tell_holdout(data, options);
	leave_out(data, options, totals.rows);
	tell_excluded(data);
	train_check_leaks(data, options, &totals);
}
