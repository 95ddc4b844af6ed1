/*-------------------------------------------------------------------------
 *
 * multiple.c
 *	  Window functions fdr and holm: p-values adjusted for how many there are.
 *
 * Both look at every row of the window partition, whatever its frame or
 * order.  NULL p-values stay NULL and do not count as tests.  The first row
 * computes all results; the others look theirs up.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "measure/window.h"

/* A p-value and the row it belongs to. */
typedef struct Test
{
	double		p_value;
	int64		row;			/* position in the partition */
} Test;

/* What a partition remembers between its rows. */
typedef struct AdjustedValues
{
	bool		ready;			/* the rest is filled in */
	double		p_values[FLEXIBLE_ARRAY_MEMBER];	/* adjusted, by row; NaN for NULL */
} AdjustedValues;

/* Overwrites the p-values, which ascend, with adjusted ones. */
typedef void (*Adjustment) (Test *tests, int64 count);

/* Order by p-value. */
static int
test_compare(const void *a, const void *b)
{
	double		left = ((const Test *) a)->p_value;
	double		right = ((const Test *) b)->p_value;

	return (left > right) - (left < right);
}

/* Benjamini and Hochberg (1995): p * m / rank, made monotone from the largest down. */
static void
adjust_fdr(Test *tests, int64 count)
{
	double		least = 1;

	for (int64 rank = count; rank >= 1; rank--)
	{
		least = Min(least, tests[rank - 1].p_value * ((double) count / (double) rank));
		tests[rank - 1].p_value = least;
	}
}

/* Holm (1979): p * (m - rank + 1), made monotone from the smallest up. */
static void
adjust_holm(Test *tests, int64 count)
{
	double		most = 0;

	for (int64 rank = 1; rank <= count; rank++)
	{
		most = Max(most, tests[rank - 1].p_value * (double) (count - rank + 1));
		most = Min(most, 1);
		tests[rank - 1].p_value = most;
	}
}

/* Collect the partition's p-values that are not NULL; the result is how many. */
static int64
tests_collect(WindowObject window, Test *tests, int64 rows)
{
	MemoryContext evaluation = AllocSetContextCreate(CurrentMemoryContext, "cx p-values", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(evaluation);
	int64		count = 0;

	for (int64 row = 0; row < rows; row++)
	{
		bool		isnull;
		bool		isout;
		double		p_value;

		if (row % WINDOW_ROWS_PER_CLEANUP == 0)
		{
			CHECK_FOR_INTERRUPTS();
			MemoryContextReset(evaluation);
		}
		p_value = DatumGetFloat8(WinGetFuncArgInPartition(window, 0, (int) row, WINDOW_SEEK_HEAD,
														  false, &isnull, &isout));
		if (isnull)
			continue;
		if (!(p_value >= 0 && p_value <= 1))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("p-value %g is outside 0..1", p_value),
					 errhint("Leave a test out with NULL.")));
		tests[count].p_value = p_value;
		tests[count++].row = row;
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(evaluation);
	return count;
}

/* The adjusted p-value of the current row. */
static Datum
adjusted_p_value(FunctionCallInfo fcinfo, const char *name, Adjustment adjust)
{
	WindowObject window = require_window(fcinfo, name);
	AdjustedValues *adjusted;
	double		p_value;
	int64		rows;

	rows = WinGetPartitionRowCount(window);
	if (rows > (int64) (MaxAllocSize / sizeof(Test)) - 1)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("cannot adjust " INT64_FORMAT " p-values at once", rows)));
	adjusted = (AdjustedValues *)
		WinGetPartitionLocalMemory(window, offsetof(AdjustedValues, p_values) + rows * sizeof(double));

	if (!adjusted->ready)
	{
		Test	   *tests = (Test *) palloc((rows + 1) * sizeof(Test));
		int64		count = tests_collect(window, tests, rows);

		for (int64 row = 0; row < rows; row++)
			adjusted->p_values[row] = NAN;
		qsort(tests, count, sizeof(Test), test_compare);
		adjust(tests, count);
		for (int64 i = 0; i < count; i++)
			adjusted->p_values[tests[i].row] = tests[i].p_value;
		pfree(tests);
		adjusted->ready = true;
	}

	p_value = adjusted->p_values[WinGetCurrentPosition(window)];
	if (isnan(p_value))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(p_value);
}

/* p-values that hold the false discovery rate. */
PG_FUNCTION_INFO_V1(fdr);
Datum
fdr(PG_FUNCTION_ARGS)
{
	return adjusted_p_value(fcinfo, "fdr", adjust_fdr);
}

/* p-values that hold the chance of any false alarm. */
PG_FUNCTION_INFO_V1(holm);
Datum
holm(PG_FUNCTION_ARGS)
{
	return adjusted_p_value(fcinfo, "holm", adjust_holm);
}
