/*-------------------------------------------------------------------------
 *
 * train_rows.h
 *	  The rows of a training query as they came.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_TRAIN_ROWS_H
#define CX_TRAIN_ROWS_H

#include "journey/names.h"
#include "predict/train.h"

#define IDENTIFIER_SHARE 0.95	/* different names per row of a column that tells rows apart */

/* A column that holds features. */
typedef struct TrainColumn
{
	char	   *name;
	int			attribute;		/* its place in the row, from 0 on */
	bool		is_array;
	Oid			type;			/* base type of the column, or of its elements */
	FeatureKind kind;
	int16		size;			/* storage of an element, as deconstruct_array() asks for it */
	bool		by_value;
	char		alignment;
	int			width;			/* features in it; of an array 0 before the first one was seen */
	double	  **values;			/* for each feature, by row; NaN where missing */
	Names	   *names;			/* of a category; a value is the number of its name */
	int64		known;			/* rows with a value, if a category */
	bool		is_full;		/* no more names are kept */
	bool		is_identifier;	/* almost every row had another name */
} TrainColumn;

/* The rows. */
typedef struct TrainRows
{
	MemoryContext context;		/* holds all of it */
	const TrainOptions *options;
	int			column_count;
	TrainColumn *columns;
	int			width;			/* features in all columns that are known so far */
	int64		rows;
	int64		room;			/* rows for which there is room in the arrays */
	double	   *outcome;		/* by row */
	uint64	   *hashes;			/* by row: of the key, or of the row; NULL if nothing depends on it */
	uint64	   *contents;		/* by row: of the row, if hashes are of the key and the order of rows matters; else NULL */
	bool	   *flags;			/* by row: whether a condition holds it out; NULL without one */
	int64		without_outcome;	/* rows whose target is NULL */
	int64		without_time;	/* others whose time is NULL, where it says which rows are held out */
	List	   *excluded;		/* of ExcludedColumn */
	Oid			outcome_type;	/* base type of the target */
	bool		is_boolean;		/* whether that is Boolean */
} TrainRows;

/* What outcomes the rows have that may be learnt from. */
typedef struct OutcomeTotals
{
	int64		rows;
	double		sum;
	double		mean;
	double		squares;		/* of distances from the mean */
	bool		rarer;			/* the rarer one of 0 and 1, if they are that */
	int64		rarer_rows;		/* rows that have it */
} OutcomeTotals;

extern void train_exclude(List **excluded, const char *column, const char *reason);
extern void train_read_rows(TrainRows *rows, const char *source);
extern void train_arrange(TrainRows *rows, TrainData *data);
extern void train_check(TrainData *data, const TrainOptions *options);
extern void train_check_leaks(const TrainData *data, const TrainOptions *options, const OutcomeTotals *totals);

#endif							/* CX_TRAIN_ROWS_H */
