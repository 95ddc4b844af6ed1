/*-------------------------------------------------------------------------
 *
 * train_leak.c
 *	  Refuses features that tell the outcome by themselves, and names those that
 *	  almost do so, for what predicts that well is mostly known only afterwards.
 *
 * Whether a feature leaks is found in all rows, but most features are cleared by
 * a few: what cannot leak in these cannot leak in all of them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "common/hashfn.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "predict/profile.h"
#include "predict/train_rows.h"

#define FEW_VALUES 32			/* different numbers that are looked at one by one */
#define GROUP_SLOTS 64			/* for them; a power of two */
#define GROUP_LEAK 0.5			/* share of the rarer outcome in values that only it has */
#define THRESHOLD_LEAK 0.9		/* share of the rarer outcome beyond all values of the other */
#define NUMBER_LEAK 0.9999		/* share of the variance of a number that one feature explains */
#define RANGE_ROWS 1000			/* rows of the commoner outcome whose range is looked at first */
#define NOTABLE_AREA 0.95		/* area under the ROC curve of one feature that is told */
#define SUSPECT_AREA 0.93		/* in the sample, from which on all rows are looked at */
#define AREA_SAMPLE 5000		/* rows of either outcome in the sample */

/* Rows with one value. */
typedef struct ValueGroup
{
	bool		is_used;
	double		value;			/* NaN for the missing one */
	int64		rows;
	int64		rarer_rows;		/* that have the rarer outcome */
	double		sum;			/* of distances of the outcomes from their mean */
	double		squares;		/* of these distances */
} ValueGroup;

/* A value, or a rate, and how many rows of the rarer and of the other outcome have it. */
typedef struct RankedRows
{
	double		value;
	int64		rarer_rows;
	int64		other_rows;
} RankedRows;

#define ST_SORT ranked_sort
#define ST_ELEMENT_TYPE RankedRows
#define ST_COMPARE(a, b) (((a)->value > (b)->value) - ((a)->value < (b)->value))
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#define ST_DECLARE
#include "lib/sort_template.h"

/* The group of a value, or NULL if there are too many already. */
static ValueGroup *
find_group(ValueGroup *groups, int *count, double value)
{
	uint64		bits = 0;
	uint32		slot;

	/* 0 and -0 are one value, and so are all NaN */
	if (!isnan(value) && value != 0)
		memcpy(&bits, &value, sizeof(bits));
	slot = murmurhash32((uint32) bits ^ (uint32) (bits >> 32)) % GROUP_SLOTS;
	while (groups[slot].is_used && groups[slot].value != value && !(isnan(groups[slot].value) && isnan(value)))
		slot = (slot + 1) % GROUP_SLOTS;
	if (!groups[slot].is_used)
	{
		if ((*count)++ >= FEW_VALUES)
			return NULL;
		groups[slot] = (ValueGroup) {.is_used = true, .value = value};
	}
	return &groups[slot];
}

/* Add a row to a group. */
static inline void
group_add(ValueGroup *group, const OutcomeTotals *totals, double outcome)
{
	double		distance = outcome - totals->mean;

	group->rows++;
	group->rarer_rows += outcome == totals->rarer;
	group->sum += distance;
	group->squares += distance * distance;
}

/* Group the rows by the values of a feature; false if these are too many. */
static bool
group_rows(const TrainData *data, const double *values, const OutcomeTotals *totals, ValueGroup *groups)
{
	int			count = 0;

	memset(groups, 0, sizeof(ValueGroup) * GROUP_SLOTS);
	for (int64 row = 0; row < totals->rows; row++)
	{
		ValueGroup *group = find_group(groups, &count, values[row]);

		if (group == NULL)
			return false;
		group_add(group, totals, data->outcome[row]);
	}
	return true;
}

/* The same for a category, which may have more levels: its groups are by level, then any other, then missing; of every so manyth row. */
static ValueGroup *
group_levels(const TrainData *data, const double *values, const OutcomeTotals *totals, int levels, int first, int step)
{
	ValueGroup *groups = palloc0(sizeof(ValueGroup) * (levels + 2));

	for (int64 row = first; row < totals->rows; row += step)
		group_add(&groups[isnan(values[row]) ? levels + 1 : (int) values[row]], totals, data->outcome[row]);
	return groups;
}

/* Whether groups of rows tell the outcome. */
static bool
groups_leak(const TrainData *data, const ValueGroup *groups, int count, const OutcomeTotals *totals)
{
	int64		pure = 0;
	double		within = 0;

	for (int i = 0; i < count; i++)
	{
		if (groups[i].rows == 0)
			continue;
		pure += groups[i].rarer_rows == groups[i].rows ? groups[i].rows : 0;
		within += groups[i].squares - groups[i].sum * groups[i].sum / groups[i].rows;
	}
	if (data->is_probability)
		return pure >= GROUP_LEAK * totals->rarer_rows;
	return within <= (1 - NUMBER_LEAK) * totals->squares;
}

/* Whether too many rows of the rarer outcome lie among the first few of the other one for a threshold to leak. */
static bool
threshold_clears(const TrainData *data, const double *values, const OutcomeTotals *totals)
{
	double		least = INFINITY;
	double		most = -INFINITY;
	int64		not_below = 0;
	int64		not_above = 0;

	for (int64 row = 0, seen = 0; row < totals->rows && seen < RANGE_ROWS; row++)
		if (data->outcome[row] != totals->rarer)
		{
			seen++;
			least = values[row] < least ? values[row] : least;
			most = values[row] > most ? values[row] : most;
		}
	for (int64 row = 0; row < totals->rows; row++)
		if (data->outcome[row] == totals->rarer)
		{
			not_below += !(values[row] < least);
			not_above += !(values[row] > most);
			if (Min(not_below, not_above) > (1 - THRESHOLD_LEAK) * totals->rarer_rows + 1)
				return true;
		}
	return false;
}

/* Whether almost all rows of the rarer outcome lie on one side of all of the other, missing values aside. */
static bool
threshold_leaks(const TrainData *data, const double *values, const OutcomeTotals *totals)
{
	double		least = INFINITY;
	double		most = -INFINITY;
	int64		below = 0;
	int64		above = 0;

	if (threshold_clears(data, values, totals))
		return false;
	for (int64 row = 0; row < totals->rows; row++)
		if (data->outcome[row] != totals->rarer)
		{
			least = values[row] < least ? values[row] : least;
			most = values[row] > most ? values[row] : most;
		}
	for (int64 row = 0; row < totals->rows; row++)
		if (data->outcome[row] == totals->rarer)
		{
			below += values[row] < least;
			above += values[row] > most;
		}
	return Max(below, above) >= THRESHOLD_LEAK * totals->rarer_rows;
}

/* Whether being missing tells the outcome. */
static bool
missing_leaks(const TrainData *data, const double *values, const OutcomeTotals *totals)
{
	int64		counts[2][2] = {{0}};	/* by whether it is missing, and whether the outcome is the rarer one */

	if (count_missing(values, totals->rows) == 0)
		return false;
	for (int64 row = 0; row < totals->rows; row++)
		counts[isnan(values[row])][data->outcome[row] == totals->rarer]++;
	for (int missing = 0; missing < 2; missing++)
		if (counts[missing][false] == 0 && counts[missing][true] >= GROUP_LEAK * totals->rarer_rows)
			return true;
	return false;
}

/* Whether a number is as good as a straight line of another one. */
static bool
line_leaks(const TrainData *data, const double *values, const OutcomeTotals *totals)
{
	double		mean = 0;
	double		squares = 0;
	double		products = 0;
	int64		known = 0;

	for (int64 row = 0; row < totals->rows; row++)
		if (!isnan(values[row]))
			mean += (values[row] - mean) / ++known;
	for (int64 row = 0; row < totals->rows; row++)
		if (!isnan(values[row]))
		{
			squares += (values[row] - mean) * (values[row] - mean);
			products += (values[row] - mean) * (data->outcome[row] - totals->mean);
		}
	return products * products >= NUMBER_LEAK * squares * totals->squares && squares > 0;
}

/* Whether a feature tells the outcome by itself. */
static bool
feature_leaks(const TrainData *data, int feature, const OutcomeTotals *totals)
{
	const double *values = data->matrix.columns[feature];
	ValueGroup	groups[GROUP_SLOTS];

	if (data->features[feature].kind == FEATURE_CATEGORY)
	{
		int			levels = data->features[feature].level_count;
		ValueGroup *of_levels = group_levels(data, values, totals, levels, 0, 1);
		bool		leaks = groups_leak(data, of_levels, levels + 2, totals);

		pfree(of_levels);
		return leaks;
	}
	if (group_rows(data, values, totals, groups))
		return groups_leak(data, groups, GROUP_SLOTS, totals);
	return data->is_probability ? threshold_leaks(data, values, totals) || missing_leaks(data, values, totals) : line_leaks(data, values, totals);
}

/*
 * The area under the ROC curve of what is ranked, in whichever direction it is
 * larger; rows where it is missing stand at the end where they fit better.
 */
static double
area_of_ranked(RankedRows *ranked, int64 count, const RankedRows *missing)
{
	int64		rarer_rows = 0;
	int64		other_rows = 0;
	double		pairs = 0;		/* of both outcomes, of which the rarer one is higher; equal ones count half */
	double		all_pairs;
	double		best = 0;

	ranked_sort(ranked, count);
	for (int64 i = 0; i < count;)
	{
		RankedRows	equal = {ranked[i].value, 0, 0};

		for (; i < count && ranked[i].value == equal.value; i++)
		{
			equal.rarer_rows += ranked[i].rarer_rows;
			equal.other_rows += ranked[i].other_rows;
		}
		pairs += equal.rarer_rows * (other_rows + equal.other_rows / 2.0);
		rarer_rows += equal.rarer_rows;
		other_rows += equal.other_rows;
	}
	pairs += missing->rarer_rows * (missing->other_rows / 2.0);
	all_pairs = (double) (rarer_rows + missing->rarer_rows) * (other_rows + missing->other_rows);
	for (int end = 0; end < 2 && all_pairs > 0; end++)
	{
		double		area = (pairs + (end == 0 ? (double) rarer_rows * missing->other_rows : (double) missing->rarer_rows * other_rows)) / all_pairs;

		best = Max(best, Max(area, 1 - area));
	}
	return best;
}

/* Rows of both outcomes, spread over all rows; in all rows if these are not many. */
static int64 *
draw_rows(const TrainData *data, const OutcomeTotals *totals, int64 *drawn)
{
	int64	   *sample = palloc(sizeof(int64) * 2 * AREA_SAMPLE);
	int64		seen[2] = {0};	/* rows of the other and of the rarer outcome */
	int64		taken[2] = {0};

	*drawn = 0;
	for (int64 row = 0; row < totals->rows; row++)
	{
		bool		is_rarer = data->outcome[row] == totals->rarer;
		int64		rows = is_rarer ? totals->rarer_rows : totals->rows - totals->rarer_rows;
		int64		wanted = Min(rows, AREA_SAMPLE);

		if (seen[is_rarer]++ * (double) wanted >= taken[is_rarer] * (double) rows && taken[is_rarer] < wanted)
		{
			taken[is_rarer]++;
			sample[(*drawn)++] = row;
		}
	}
	return sample;
}

/* The area of a number in some rows, or, without a sample, in all. */
static double
area_of_numbers(const TrainData *data, const double *values, const OutcomeTotals *totals, const int64 *sample, int64 drawn)
{
	int64		rows = sample == NULL ? totals->rows : drawn;
	RankedRows *ranked = MemoryContextAllocHuge(CurrentMemoryContext, mul_size(Max(rows, 1), sizeof(RankedRows)));
	RankedRows	missing = {0};
	int64		known = 0;
	double		area;

	for (int64 i = 0; i < rows; i++)
	{
		int64		row = sample == NULL ? i : sample[i];
		bool		is_rarer = data->outcome[row] == totals->rarer;

		if (isnan(values[row]))
		{
			missing.rarer_rows += is_rarer;
			missing.other_rows += !is_rarer;
		}
		else
			ranked[known++] = (RankedRows) {values[row], is_rarer, !is_rarer};
	}
	area = area_of_ranked(ranked, known, &missing);
	pfree(ranked);
	return area;
}

/* The area of a category, whose levels are ranked by their rates in one half of the rows, in the other half. */
static double
area_of_levels(const TrainData *data, const double *values, const OutcomeTotals *totals, int levels)
{
	ValueGroup *rated = group_levels(data, values, totals, levels, 0, 2);
	ValueGroup *counted = group_levels(data, values, totals, levels, 1, 2);
	RankedRows *ranked = palloc(sizeof(RankedRows) * (levels + 2));
	RankedRows	missing = {0};
	double		area;

	for (int i = 0; i < levels + 2; i++)
		ranked[i] = (RankedRows) {rated[i].rows > 0 ? (double) rated[i].rarer_rows / rated[i].rows : (double) totals->rarer_rows / totals->rows,
			counted[i].rarer_rows, counted[i].rows - counted[i].rarer_rows};
	area = area_of_ranked(ranked, levels + 2, &missing);
	pfree(rated);
	pfree(counted);
	pfree(ranked);
	return area;
}

/* Name features that almost tell the outcome by themselves. */
static void
tell_notable(const TrainData *data, const TrainOptions *options, const OutcomeTotals *totals)
{
	StringInfoData names;
	int64		drawn;
	int64	   *sample;
	int			count = 0;

	if (!data->is_probability)
		return;
	sample = draw_rows(data, totals, &drawn);
	initStringInfo(&names);
	for (int feature = 0; feature < data->matrix.features; feature++)
	{
		const double *values = data->matrix.columns[feature];
		double		area;

		CHECK_FOR_INTERRUPTS();
		if (is_named(options->allow_leak, data->features[feature].column))
			continue;
		if (data->features[feature].kind == FEATURE_CATEGORY)
			area = area_of_levels(data, values, totals, data->features[feature].level_count);
		else
			area = area_of_numbers(data, values, totals, sample, drawn);
		if (area > SUSPECT_AREA && drawn < totals->rows && data->features[feature].kind != FEATURE_CATEGORY)
			area = area_of_numbers(data, values, totals, NULL, 0);
		if (area > NOTABLE_AREA)
			appendStringInfo(&names, "%s\"%s\" (%.3f)", count++ == 0 ? "" : ", ", feature_name(&data->features[feature]), area);
	}
	if (count > 0)
		ereport(NOTICE,
				(errmsg("almost tells \"%s\" by itself: %s", options->target, names.data),
				 errdetail("In parentheses stands the area under the ROC curve of the column alone, above %g.", NOTABLE_AREA),
				 errhint("Are they known by the time when the model is to score? If so, option allow_leak says it; if not, leave them out with option exclude.")));
	pfree(names.data);
	pfree(sample);
}

/* Refuse features that tell the outcome, all of them at once, and name those that almost do. */
void
train_check_leaks(const TrainData *data, const TrainOptions *options, const OutcomeTotals *totals)
{
	StringInfoData names;
	int			count = 0;

	initStringInfo(&names);
	for (int feature = 0; feature < data->matrix.features; feature++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!is_named(options->allow_leak, data->features[feature].column) && feature_leaks(data, feature, totals))
			appendStringInfo(&names, "%s\"%s\"", count++ == 0 ? "" : ", ", feature_name(&data->features[feature]));
	}
	if (count > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 count == 1 ? errmsg("column %s tells \"%s\" by itself", names.data, options->target) :
				 errmsg("columns %s tell \"%s\" each by itself", names.data, options->target),
				 errdetail("What predicts perfectly is mostly known only afterwards, so the model would have nothing to go by when it is needed."),
				 errhint("Leave such columns out with option exclude, or take them as they were before the outcome; option allow_leak keeps them.")));
	pfree(names.data);
	tell_notable(data, options, totals);
}
