/*-------------------------------------------------------------------------
 *
 * log_rank.c
 *	  log_rank: whether groups of customers stay equally long.
 *
 * The state is a list of customers by duration for each group in each stratum.
 * At each time at which customers end, those of a group would be expected to be
 * as many as is its share of those at risk; what is observed less what is
 * expected, over its covariance matrix, is chi-square if the groups are alike
 * (Mantel 1966; Peto and Peto 1972).  Strata are compared each within itself,
 * and their sums added.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "journey/event_list.h"
#include "journey/names.h"
#include "measure/distribution.h"
#include "measure/estimate.h"
#include "predict/survival.h"

#define MOST_GROUPS 1000		/* groups of a test, whose covariance matrix is as wide and as high */
#define LEAST_PIVOT 1e-9		/* part of a group's variance below which others determine it */

/*
 * The transition state.  A cell is a group in a stratum; its name is the length
 * of the stratum, the stratum and the group, so that cells of a stratum are
 * neighbours in the order of names.
 */
typedef struct LogRank
{
	MemoryContext context;		/* where all this lives */
	Names	   *cells;			/* numbers of cells */
	uint32		room;			/* lists that fit */
	SurvivalList **lists;		/* by number of the cell */
} LogRank;

/* A group in a stratum, as the test goes along the times. */
typedef struct Cell
{
	NameBytes	stratum;
	NameBytes	name;			/* of the group */
	uint32		group;			/* its number */
	const SurvivalPoint *next;	/* the point to come */
	const SurvivalPoint *end;	/* the point after the last one */
	int64		customers;
	int64		at_risk;		/* customers whose duration is at least the time */
	int64		events;			/* of those, whose time ended then */
} Cell;

/* What is found out about the groups. */
typedef struct Comparison
{
	int			groups;
	int64	   *customers;		/* by group */
	int64	   *observed;		/* customers that ended, by group */
	double	   *expected;		/* how many if groups are alike, by group */
	double	   *covariance;		/* of observed - expected, groups * groups */
	double		chi_square;		/* NaN if the groups cannot be compared */
	int			degrees;		/* of freedom */
} Comparison;

/* The state in the first argument, an empty one before the first row. */
static LogRank *
log_rank_begin(FunctionCallInfo fcinfo)
{
	MemoryContext context = event_context(fcinfo);
	LogRank    *state;

	if (!PG_ARGISNULL(0))
		return (LogRank *) PG_GETARG_POINTER(0);
	state = MemoryContextAllocZero(context, sizeof(LogRank));
	state->context = context;
	state->cells = names_new(context);
	return state;
}

/* The list of a cell, a new one if it is new. */
static SurvivalList *
cell_list(LogRank *state, NameBytes name)
{
	uint32		number = names_number(state->cells, name);

	if (number == state->room)
	{
		state->room = Max(state->room * 2, 8);
		state->lists = state->lists == NULL ?
			MemoryContextAllocZero(state->context, state->room * sizeof(SurvivalList *)) :
			repalloc_huge(state->lists, mul_size(state->room, sizeof(SurvivalList *)));
		for (uint32 i = number; i < state->room; i++)
			state->lists[i] = NULL;
	}
	if (state->lists[number] == NULL)
		state->lists[number] = survival_list_new(state->context);
	return state->lists[number];
}

/* The name of a cell; without stratum the text is NULL. */
static NameBytes
cell_name(const text *stratum, const text *group)
{
	uint32		length = stratum == NULL ? 0 : VARSIZE_ANY_EXHDR(stratum);
	NameBytes	name = {.length = sizeof(uint32) + length + VARSIZE_ANY_EXHDR(group)};
	char	   *bytes = palloc_extended(name.length, MCXT_ALLOC_HUGE);

	memcpy(bytes, &length, sizeof(uint32));
	if (stratum != NULL)
		memcpy(bytes + sizeof(uint32), VARDATA_ANY(stratum), length);
	memcpy(bytes + sizeof(uint32) + length, VARDATA_ANY(group), VARSIZE_ANY_EXHDR(group));
	name.bytes = bytes;
	return name;
}

/* The list that the row belongs to, by group and stratum from this argument on; NULL if one of the arguments is. */
static SurvivalList *
row_list(FunctionCallInfo fcinfo, LogRank *state, int position)
{
	SurvivalList *list;
	NameBytes	name;

	for (int i = 1; i < PG_NARGS(); i++)
		if (PG_ARGISNULL(i))
			return NULL;
	name = cell_name(PG_NARGS() > position + 1 ? PG_GETARG_TEXT_PP(position + 1) : NULL, PG_GETARG_TEXT_PP(position));
	list = cell_list(state, name);
	pfree(unconstify(char *, name.bytes));
	return list;
}

/* Transition of log_rank(duration, ended, group) and (duration, ended, group, stratum). */
PG_FUNCTION_INFO_V1(log_rank_add);
Datum
log_rank_add(PG_FUNCTION_ARGS)
{
	LogRank    *state = log_rank_begin(fcinfo);
	SurvivalList *list = row_list(fcinfo, state, 3);

	if (list != NULL)
		survival_list_add(list, PG_GETARG_FLOAT8(1), PG_GETARG_BOOL(2));
	PG_RETURN_POINTER(state);
}

/* The same for durations of type interval. */
PG_FUNCTION_INFO_V1(log_rank_add_interval);
Datum
log_rank_add_interval(PG_FUNCTION_ARGS)
{
	LogRank    *state = log_rank_begin(fcinfo);
	SurvivalList *list = row_list(fcinfo, state, 3);

	if (list != NULL)
		survival_list_add(list, survival_interval_argument(fcinfo, 1), PG_GETARG_BOOL(2));
	PG_RETURN_POINTER(state);
}

/* Transition of log_rank(curve, group) and (curve, group, stratum). */
PG_FUNCTION_INFO_V1(log_rank_add_curve);
Datum
log_rank_add_curve(PG_FUNCTION_ARGS)
{
	LogRank    *state = log_rank_begin(fcinfo);
	SurvivalList *list = row_list(fcinfo, state, 2);

	if (list != NULL)
	{
		SurvivalCurve *curve = PG_GETARG_SURVIVAL_CURVE_P(1);

		survival_list_add_points(list, curve->points, survival_curve_count(curve));
	}
	PG_RETURN_POINTER(state);
}

/* The customers of both states together. */
PG_FUNCTION_INFO_V1(log_rank_combine);
Datum
log_rank_combine(PG_FUNCTION_ARGS)
{
	LogRank    *state = log_rank_begin(fcinfo);

	if (!PG_ARGISNULL(1))
	{
		const LogRank *other = (const LogRank *) PG_GETARG_POINTER(1);

		for (uint32 i = 0; i < other->cells->count; i++)
			survival_list_add_points(cell_list(state, other->cells->names[i]), other->lists[i]->points, other->lists[i]->count);
	}
	PG_RETURN_POINTER(state);
}

/* The state as bytes: of each cell the length of its name, the number of its points, the name and the points. */
PG_FUNCTION_INFO_V1(log_rank_serialize);
Datum
log_rank_serialize(PG_FUNCTION_ARGS)
{
	const LogRank *state = (const LogRank *) PG_GETARG_POINTER(0);
	Size		size = VARHDRSZ;
	bytea	   *bytes;
	char	   *end;

	for (uint32 i = 0; i < state->cells->count; i++)
	{
		survival_list_order(state->lists[i]);
		size = add_size(size, sizeof(uint32) + sizeof(uint64) + state->cells->names[i].length);
		size = add_size(size, mul_size(state->lists[i]->count, sizeof(SurvivalPoint)));
	}
	if (size > MaxAllocSize)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("groups with so many durations are too large to be passed on by a parallel worker"),
				 errhint("Round durations, such as to whole days, or SET max_parallel_workers_per_gather = 0 for this query.")));
	bytes = palloc(size);
	SET_VARSIZE(bytes, size);
	end = VARDATA(bytes);
	for (uint32 i = 0; i < state->cells->count; i++)
	{
		NameBytes	name = state->cells->names[i];
		const SurvivalList *list = state->lists[i];

		memcpy(end, &name.length, sizeof(uint32));
		memcpy(end + sizeof(uint32), &list->count, sizeof(uint64));
		end += sizeof(uint32) + sizeof(uint64);
		memcpy(end, name.bytes, name.length);
		memcpy(end + name.length, list->points, list->count * sizeof(SurvivalPoint));
		end += name.length + list->count * sizeof(SurvivalPoint);
	}
	PG_RETURN_BYTEA_P(bytes);
}

/* Raise an error unless bytes that are read are what was written. */
static void
check_bytes(bool is_sound)
{
	if (!is_sound)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("malformed state of log_rank")));
}

/* Read a cell out of bytes; where the next one is. */
static const char *
read_cell(LogRank *state, const char *next, const char *end)
{
	NameBytes	name;
	uint64		count;

	check_bytes((Size) (end - next) >= sizeof(uint32) + sizeof(uint64));
	memcpy(&name.length, next, sizeof(uint32));
	memcpy(&count, next + sizeof(uint32), sizeof(uint64));
	next += sizeof(uint32) + sizeof(uint64);
	check_bytes(name.length >= sizeof(uint32) && name.length <= (Size) (end - next) &&
				count <= ((Size) (end - next) - name.length) / sizeof(SurvivalPoint));
	name.bytes = next;
	survival_list_add_points(cell_list(state, name), next + name.length, count);
	return next + name.length + count * sizeof(SurvivalPoint);
}

/* The state out of such bytes. */
PG_FUNCTION_INFO_V1(log_rank_deserialize);
Datum
log_rank_deserialize(PG_FUNCTION_ARGS)
{
	bytea	   *bytes = PG_GETARG_BYTEA_PP(0);
	const char *next = VARDATA_ANY(bytes);
	const char *end = next + VARSIZE_ANY_EXHDR(bytes);
	LogRank    *state = palloc0(sizeof(LogRank));

	state->context = CurrentMemoryContext;
	state->cells = names_new(CurrentMemoryContext);
	while (next < end)
		next = read_cell(state, next, end);
	PG_RETURN_POINTER(state);
}

/* A cell of the state, at its first time. */
static Cell
cell_open(const LogRank *state, uint32 number)
{
	NameBytes	name = state->cells->names[number];
	SurvivalList *list = state->lists[number];
	Cell		cell = {.customers = list->customers, .at_risk = list->customers};

	survival_list_order(list);
	cell.next = list->points;
	cell.end = list->points + list->count;
	memcpy(&cell.stratum.length, name.bytes, sizeof(uint32));
	cell.stratum.bytes = name.bytes + sizeof(uint32);
	cell.name.bytes = cell.stratum.bytes + cell.stratum.length;
	cell.name.length = name.length - sizeof(uint32) - cell.stratum.length;
	return cell;
}

/* The cells of the state, those of a stratum beside each other; their groups are numbered in the order of their names. */
static Cell *
cells_open(const LogRank *state, Names *groups)
{
	uint32		count = state->cells->count;
	uint32	   *order = names_order(state->cells);
	Cell	   *cells = palloc_extended(mul_size(count, sizeof(Cell)), MCXT_ALLOC_HUGE);
	uint32	   *group_order;
	uint32	   *rank;

	for (uint32 i = 0; i < count; i++)
	{
		cells[i] = cell_open(state, order[i]);
		cells[i].group = names_number(groups, cells[i].name);
	}
	if (groups->count > MOST_GROUPS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("log_rank cannot compare more than %d groups, but there are %u", MOST_GROUPS, groups->count),
				 errhint("Group customers by a segment, not by who they are.")));
	group_order = names_order(groups);
	rank = palloc(groups->count * sizeof(uint32));
	for (uint32 i = 0; i < groups->count; i++)
		rank[group_order[i]] = i;
	for (uint32 i = 0; i < count; i++)
		cells[i].group = rank[cells[i].group];
	return cells;
}

/* The first time that is still to come in a stratum; infinite behind the last one. */
static double
stratum_time(const Cell *cells, uint32 count)
{
	double		time = INFINITY;

	for (uint32 i = 0; i < count; i++)
		if (cells[i].next < cells[i].end && cells[i].next->time < time)
			time = cells[i].next->time;
	return time;
}

/* Add what a time says: how many of a group would be expected to end, and how that varies (hypergeometric). */
static void
compare_at(Comparison *comparison, const Cell *cells, uint32 count, double at_risk, double events)
{
	double		scale = at_risk > 1 ? events * (at_risk - events) / (at_risk - 1) : 0;

	for (uint32 i = 0; i < count; i++)
	{
		double		share = (double) cells[i].at_risk / at_risk;
		double	   *row = &comparison->covariance[(Size) cells[i].group * comparison->groups];

		if (cells[i].at_risk == 0)
			continue;
		comparison->expected[cells[i].group] += events * share;
		comparison->observed[cells[i].group] += cells[i].events;
		row[cells[i].group] += scale * share * ((at_risk - (double) cells[i].at_risk) / at_risk);
		for (uint32 j = 0; j < count; j++)
			if (j != i)
				row[cells[j].group] -= scale * share * ((double) cells[j].at_risk / at_risk);
	}
}

/* Compare the groups within one stratum. */
static void
compare_stratum(Comparison *comparison, Cell *cells, uint32 count)
{
	double		time;

	while (isfinite(time = stratum_time(cells, count)))
	{
		double		at_risk = 0;
		double		events = 0;

		CHECK_FOR_INTERRUPTS();
		for (uint32 i = 0; i < count; i++)
		{
			cells[i].events = cells[i].next < cells[i].end && cells[i].next->time == time ? cells[i].next->events : 0;
			at_risk += (double) cells[i].at_risk;
			events += (double) cells[i].events;
		}
		if (events > 0)
			compare_at(comparison, cells, count, at_risk, events);
		for (uint32 i = 0; i < count; i++)
			if (cells[i].next < cells[i].end && cells[i].next->time == time)
			{
				cells[i].at_risk -= cells[i].next->events + cells[i].next->censored;
				cells[i].next++;
			}
	}
}

/* The group that is least determined by those eliminated so far, -1 if all are; *variances are those from before. */
static int
next_pivot(const double *matrix, int size, const double *variances, const bool *is_done)
{
	double		best = LEAST_PIVOT;
	int			pivot = -1;

	for (int i = 0; i < size; i++)
	{
		double		part = variances[i] > 0 ? matrix[(Size) i * size + i] / variances[i] : 0;

		if (!is_done[i] && part > best)
		{
			best = part;
			pivot = i;
		}
	}
	return pivot;
}

/*
 * The statistic and its degrees of freedom, which are the rank of the
 * covariance matrix: one less than the groups, less if some were never at risk
 * together.
 */
static void
compare_finish(Comparison *comparison)
{
	int			size = comparison->groups;
	double	   *matrix = comparison->covariance;
	double	   *excess = palloc(size * sizeof(double));
	double	   *variances = palloc(size * sizeof(double));
	bool	   *is_done = palloc0(size * sizeof(bool));
	int			pivot;

	for (int i = 0; i < size; i++)
	{
		excess[i] = (double) comparison->observed[i] - comparison->expected[i];
		variances[i] = matrix[(Size) i * size + i];
	}
	while ((pivot = next_pivot(matrix, size, variances, is_done)) >= 0)
	{
		const double *pivot_row = &matrix[(Size) pivot * size];

		CHECK_FOR_INTERRUPTS();
		is_done[pivot] = true;
		comparison->degrees++;
		comparison->chi_square += excess[pivot] * excess[pivot] / pivot_row[pivot];
		for (int i = 0; i < size; i++)
		{
			double		factor = matrix[(Size) i * size + pivot] / pivot_row[pivot];

			if (is_done[i])
				continue;
			excess[i] -= factor * excess[pivot];
			for (int j = 0; j < size; j++)
				matrix[(Size) i * size + j] -= factor * pivot_row[j];
		}
	}
	if (comparison->degrees == 0)
		comparison->chi_square = NAN;
}

/* Compare so many groups in these cells. */
static Comparison
compare_groups(Cell *cells, uint32 count, int groups)
{
	Comparison	comparison = {.groups = groups};
	int64		all = 0;
	uint32		end;

	comparison.customers = palloc0(groups * sizeof(int64));
	comparison.observed = palloc0(groups * sizeof(int64));
	comparison.expected = palloc0(groups * sizeof(double));
	comparison.covariance = palloc0((Size) groups * groups * sizeof(double));
	for (uint32 i = 0; i < count; i++)
	{
		survival_count(&all, cells[i].customers);
		comparison.customers[cells[i].group] += cells[i].customers;
	}
	for (uint32 start = 0; start < count; start = end)
	{
		for (end = start + 1; end < count && names_compare(cells[end].stratum, cells[start].stratum) == 0; end++)
			 /* go on */ ;
		compare_stratum(&comparison, &cells[start], end - start);
	}
	compare_finish(&comparison);
	return comparison;
}

/* The groups as an array of cx.log_rank_group, in the order of their names. */
static Datum
groups_array(const Comparison *comparison, const Names *groups, Oid type)
{
	const uint32 *order = names_order(groups);
	TupleDesc	description = lookup_rowtype_tupdesc(type, -1);
	Datum	   *rows = palloc(comparison->groups * sizeof(Datum));

	for (int i = 0; i < comparison->groups; i++)
	{
		NameBytes	name = groups->names[order[i]];
		Datum		values[4];
		bool		nulls[4] = {false, false, false, false};

		values[0] = PointerGetDatum(cstring_to_text_with_len(name.bytes, (int) name.length));
		values[1] = Int64GetDatum(comparison->customers[i]);
		values[2] = Int64GetDatum(comparison->observed[i]);
		values[3] = Float8GetDatum(comparison->expected[i]);
		rows[i] = HeapTupleGetDatum(heap_form_tuple(description, values, nulls));
	}
	ReleaseTupleDesc(description);
	return PointerGetDatum(construct_array(rows, comparison->groups, type, -1, false, TYPALIGN_DOUBLE));
}

/* The test, NULL without customers. */
PG_FUNCTION_INFO_V1(log_rank_final);
Datum
log_rank_final(PG_FUNCTION_ARGS)
{
	const LogRank *state = (const LogRank *) PG_GETARG_POINTER(0);
	Names	   *groups = names_new(CurrentMemoryContext);
	TupleDesc	description;
	Oid			group_type;
	Cell	   *cells;
	Comparison	comparison;
	Datum		values[4];
	bool		nulls[4];
	RowBuilder	row = {values, nulls, 0};

	if (state->cells->count == 0)
		PG_RETURN_NULL();
	description = lookup_rowtype_tupdesc(get_func_rettype(fcinfo->flinfo->fn_oid), -1);
	group_type = get_element_type(TupleDescAttr(description, 3)->atttypid);
	ReleaseTupleDesc(description);
	cells = cells_open(state, groups);
	comparison = compare_groups(cells, state->cells->count, (int) groups->count);
	row_add_float8(&row, comparison.chi_square);
	row_add_datum(&row, Int32GetDatum(comparison.degrees));
	row_add_float8(&row, chi_square_p_value(comparison.chi_square, comparison.degrees));
	row_add_datum(&row, groups_array(&comparison, groups, group_type));
	return row_finish(fcinfo, &row);
}
