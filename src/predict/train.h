/*-------------------------------------------------------------------------
 *
 * train.h
 *	  Training a model on the rows of a query.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_TRAIN_H
#define CX_TRAIN_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"

#include "predict/feature.h"
#include "predict/forest.h"
#include "predict/logistic.h"
#include "predict/split.h"

#define PROGRESS_SECONDS 10		/* between messages on how far it is */
#define MOST_VALUES 100000000	/* rows times features that a model is trained with, 8 bytes each */

/* What the outcome is taken for. */
typedef enum TrainOutcome
{
	OUTCOME_BY_TYPE,			/* Boolean, or numbers of which all are 0 or 1: a probability; else a number */
	OUTCOME_PROBABILITY,
	OUTCOME_NUMBER
} TrainOutcome;

/* A feature whose influence has one direction. */
typedef struct MonotoneRule
{
	char	   *feature;		/* its name */
	int			sign;			/* +1: the score may only rise with it, -1: only fall */
} MonotoneRule;

/* What the caller asks for. */
typedef struct TrainOptions
{
	char	   *target;			/* column of the query */
	char	   *key;			/* column whose values keep rows together; NULL if none does */
	double		holdout;		/* share that is held out */
	int64		seed;
	bool		is_boosting;	/* trees, else a linear model */
	TrainOutcome outcome;
	List	   *exclude;		/* names of columns that are no features */
	List	   *keep;			/* names of columns that are features though they tell rows apart */
	List	   *allow_leak;		/* names of columns that may tell the outcome */
	int			max_levels;		/* levels of a category told apart, at most */
	int			level_rows;		/* rows that a level must have to be told apart */
	double		validation;		/* share of the rows not held out that does not train */
	bool		calibrate;		/* probabilities on that part */
	char	   *time;			/* column that says when a row was; NULL if none does */
	char	   *holdout_after;	/* rows later than that are held out; NULL if there is no such time */
	char	   *holdout_where;	/* condition for being held out; NULL if there is none */
	LinearOptions linear;
	ForestOptions forest;
	List	   *monotone;		/* of MonotoneRule */
} TrainOptions;

/* A column that is no feature. */
typedef struct ExcludedColumn
{
	char	   *column;
	const char *reason;
} ExcludedColumn;

/* The rows of the training query. */
typedef struct TrainData
{
	bool		is_probability; /* of the outcome, which then is 0 or 1; else it is a number */
	Feature    *features;		/* those that are left, matrix.features many */
	FeatureMatrix matrix;		/* all rows: those of each part together, the parts in their order */
	double	   *outcome;		/* by row */
	int64		part_rows[PARTS];	/* rows of each part; those of PART_NONE are not in the matrix */
	int64		without_outcome;	/* rows left out because the target is NULL */
	int64		without_time;	/* and because the time is, which says what is held out */
	Oid		   *types;			/* for each feature the base type of its column or of its elements */
	int64	   *names;			/* for each category how many different values it has, -1 if almost every row has another one */
	List	   *excluded;		/* of ExcludedColumn */
} TrainData;

extern void train_options_read(TrainOptions *options, Jsonb *given);
extern bool progress_is_due(TimestampTz *told);
extern bool is_named(const List *names, const char *name);


#endif							/* CX_TRAIN_H */
