/*-------------------------------------------------------------------------
 *
 * logistic.c
 *	  Fits linear models: logistic regression by iteratively reweighted least
 *	  squares (Newton's steps, halved where they go too far), and least squares.
 *
 * All columns of the design are standardised, which keeps the arithmetic exact
 * whatever the units are and is what the ridge penalty is defined on; the
 * coefficients are given in the units of the features.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "predict/design.h"
#include "predict/logistic.h"
#include "predict/matrix.h"

#define MOST_STEPS 30			/* after which coefficients are taken to grow without an end */
#define MOST_HALVINGS 30
#define SMALL_STEP 1e-7			/* of a standardised coefficient; the next one would be its square */
#define COLLINEAR 1e-11			/* share of its square that a column has to itself */
#define NO_LOSS 1e-9			/* mean loss of rows that are told apart perfectly */
#define ENDLESS_STEP 0.05		/* of a coefficient that still moves after MOST_STEPS */
#define INTERRUPT_ROWS 65536	/* rows between looks for interrupts */

/* A fit at work. */
typedef struct LinearWork
{
	const Feature *features;
	const FeatureMatrix *matrix;
	const LinearOptions *options;
	double		ridge;			/* in force */
	Design		design;
	LinearTerm *terms;			/* one for each column of the design */
	double	   *coefficients;	/* of the standardised columns, the intercept first */
	double	   *step;			/* the last one */
	double	   *factor;			/* size x size: Cholesky factor of the curvature */
} LinearWork;

/* The name of a term: its feature, and the level that it stands for. */
char *
term_name(const Feature *features, const LinearTerm *term)
{
	const Feature *feature = &features[term->feature];
	char	   *name = feature_name(feature);

	if (term->level == TERM_VALUE)
		return name;
	if (term->level == TERM_MISSING)
		return psprintf("%s is missing", name);
	if (term->level == feature->level_count)
		return psprintf("%s is another one", name);
	return psprintf("%s = %s", name, feature->levels[term->level]);
}

/* Raise an error unless one more term is allowed. */
static void
check_terms(int count)
{
	if (count >= MOST_TERMS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the features are more than %d terms of a linear model", MOST_TERMS),
				 errhint("Tell fewer levels of categories apart with option max_levels, leave columns out with option exclude, or use algorithm boosting.")));
}

/* Add a column with this mean and deviation to the design; one without deviation is none. */
static void
add_column(LinearWork *work, int feature, int level, double centre, double scale)
{
	int			number = work->design.count;

	if (!(scale > 0))
		return;
	check_terms(number);
	work->terms[number] = (LinearTerm) {feature, level, 0, NAN};
	work->design.columns[number] = (DesignColumn) {work->matrix->columns[feature], level, centre, scale};
	work->design.count++;
}

/* Add the column for what is so in this many rows. */
static void
add_share(LinearWork *work, int feature, int level, int64 count)
{
	double		share = (double) count / work->design.rows;

	add_column(work, feature, level, share, sqrt(share * (1 - share)));
}

/* The mean of what is not missing, and how many rows are. */
static double
mean_of(const double *values, int64 rows, int64 *missing)
{
	double		sum = 0;

	*missing = 0;
	for (int64 row = 0; row < rows; row++)
	{
		bool		is_missing = isnan(values[row]);

		*missing += is_missing;
		sum += is_missing ? 0 : values[row];
	}
	return *missing == rows ? 0 : sum / (rows - *missing);
}

/* The deviation from the mean, missing values counting as that. */
static double
deviation_of(const double *values, int64 rows, double mean)
{
	double		sum = 0;

	for (int64 row = 0; row < rows; row++)
	{
		double		distance = isnan(values[row]) ? 0 : values[row] - mean;

		sum += distance * distance;
	}
	return sqrt(sum / rows);
}

/* Add the columns for a feature that is a number, and give its mean. */
static double
add_number(LinearWork *work, int feature)
{
	const double *values = work->matrix->columns[feature];
	int64		rows = work->design.rows;
	int64		missing;
	double		mean = mean_of(values, rows, &missing);
	double		deviation = deviation_of(values, rows, mean);

	if (!isfinite(mean) || !isfinite(deviation))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("numbers of feature \"%s\" are too large for their squares to be added", feature_name(&work->features[feature])),
				 errhint("Divide them in the query, or leave the column out with option exclude.")));
	/* what is left of a constant that has no exact mean */
	add_column(work, feature, TERM_VALUE, mean, deviation > 1e-14 * fabs(mean) ? deviation : 0);
	add_share(work, feature, TERM_MISSING, missing);
	return mean;
}

/* Add the columns for a category: all levels but the most frequent one. */
static void
add_category(LinearWork *work, int feature)
{
	const double *values = work->matrix->columns[feature];
	int			levels = work->features[feature].level_count;
	int64	   *counts = palloc0(sizeof(int64) * (levels + 2));
	int			reference = 0;

	for (int64 row = 0; row < work->design.rows; row++)
		counts[isnan(values[row]) ? levels + 1 : (int) values[row]]++;
	for (int level = 1; level <= levels; level++)
		if (counts[level] > counts[reference])
			reference = level;
	for (int level = 0; level <= levels; level++)
		if (level != reference)
			add_share(work, feature, level, counts[level]);
	add_share(work, feature, TERM_MISSING, counts[levels + 1]);
	pfree(counts);
}

/* Make the columns of all features; fill gets the means. */
static void
add_columns(LinearWork *work, double *fill)
{
	work->terms = palloc0(sizeof(LinearTerm) * MOST_TERMS);
	work->design.columns = palloc(sizeof(DesignColumn) * MOST_TERMS);
	for (int feature = 0; feature < work->matrix->features; feature++)
	{
		CHECK_FOR_INTERRUPTS();
		if (work->features[feature].kind == FEATURE_CATEGORY)
			add_category(work, feature);
		else
			fill[feature] = add_number(work, feature);
	}
}

/* Start with the intercept alone. */
static void
start_coefficients(LinearWork *work)
{
	const Design *design = &work->design;
	double		sum = 0;
	double		mean;

	for (int64 row = 0; row < design->rows; row++)
		sum += design->outcome[row];
	mean = sum / design->rows;
	memset(work->coefficients, 0, sizeof(double) * design->size);
	work->coefficients[0] = design->is_probability ? log(mean / (1 - mean)) : mean;
}

/* A pass over the rows with the coefficients; gives the mean loss with the penalty. */
static double
look(LinearWork *work, LinearFit *fit)
{
	Design	   *design = &work->design;
	double		squares = 0;

	design_pass(design, work->coefficients);
	fit->passes++;
	for (int i = 1; i < design->size; i++)
		squares += work->coefficients[i] * work->coefficients[i];
	if (work->options->progress != NULL)
		work->options->progress(fit->passes, design->loss / design->rows, work->options->argument);
	return design->loss / design->rows + work->ridge / 2 * squares;
}

/* The curvature of the mean loss at the last pass, and its factor; false if a column is a combination of those before it. */
static bool
factorise(LinearWork *work, int *dependent)
{
	const Design *design = &work->design;

	for (int i = 0; i < design->size; i++)
	{
		for (int j = 0; j <= i; j++)
			work->factor[(Size) i * design->size + j] = design->gram[(Size) j * design->width + i] / design->rows;
		if (i > 0)
			work->factor[(Size) i * design->size + i] += work->ridge;
	}
	return cholesky(work->factor, design->size, COLLINEAR, dependent);
}

/* Newton's step from the coefficients; gives its largest element. */
static double
find_step(LinearWork *work)
{
	const Design *design = &work->design;
	double		largest = 0;

	for (int i = 0; i < design->size; i++)
		work->step[i] = design->gradient[i] / design->rows - (i == 0 ? 0 : work->ridge * work->coefficients[i]);
	cholesky_solve(work->factor, design->size, work->step);
	for (int i = 0; i < design->size; i++)
		largest = Max(largest, isfinite(work->step[i]) ? fabs(work->step[i]) : INFINITY);
	return largest;
}

/* Go a share of the step, back if it is negative. */
static void
go(LinearWork *work, double share)
{
	for (int i = 0; i < work->design.size; i++)
		work->coefficients[i] += share * work->step[i];
}

/* Go the step, or as much of it as does not make the loss larger; gives the loss there. */
static double
go_downhill(LinearWork *work, LinearFit *fit, double before)
{
	double		rounding = 1e-12 * fit->null_deviance / work->design.rows;
	double		share = 1;
	double		loss;

	go(work, share);
	loss = look(work, fit);
	for (int halving = 0; halving < MOST_HALVINGS && !(loss <= before + rounding); halving++)
	{
		share /= 2;
		go(work, -share);
		loss = look(work, fit);
	}
	return loss;
}

/* Take a column out of the design. */
static void
remove_column(LinearWork *work, int column)
{
	Design	   *design = &work->design;
	int			behind = design->count - column - 1;

	memmove(&work->terms[column], &work->terms[column + 1], sizeof(LinearTerm) * behind);
	memmove(&design->columns[column], &design->columns[column + 1], sizeof(DesignColumn) * behind);
	design->count--;
}

/* Take a column out of the factor that is still to be made, and out of the sums of products. */
static void
remove_products(Design *design, int number)
{
	for (int i = 0; i < design->width; i++)
	{
		double	   *row = design->gram + (Size) i * design->width;

		memmove(&row[number], &row[number + 1], sizeof(double) * (design->width - number - 1));
	}
	memmove(design->gram + (Size) number * design->width, design->gram + (Size) (number + 1) * design->width,
			sizeof(double) * design->width * (design->width - number - 1));
	design->size--;
}

/* Raise an error about a term that is a combination of others. */
static void
reject_collinear(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_EXCEPTION),
			 errmsg("term \"%s\" is a combination of the terms before it", name),
			 errhint("Leave its column out with option exclude, or let such terms be left out with {\"collinear\": \"drop\"}.")));
}

/* Leave out columns that are combinations of those before them; true if there were any. */
static bool
drop_collinear(LinearWork *work, LinearFit *fit)
{
	int			before = work->design.count;
	int			number;

	while (!factorise(work, &number))
	{
		char	   *name;

		if (number == 0)
			elog(ERROR, "design without rows");
		name = term_name(work->features, &work->terms[number - 1]);
		if (work->options->rejects_collinear)
			reject_collinear(name);
		fit->left_out = lappend(fit->left_out, name);
		remove_column(work, number - 1);
		remove_products(&work->design, number);
	}
	return work->design.count < before;
}

/* Whether a coefficient still grows although it should have come to its end. */
static bool
is_endless(const LinearWork *work, int column)
{
	double		step = fabs(work->step[1 + column]);

	/* per standard deviation of a number, per case of what is so or not */
	return !(step / (work->terms[column].level == TERM_VALUE ? 1 : work->design.columns[column].scale) < ENDLESS_STEP);
}

/* Note the terms that tell the outcomes apart, all if none stands out. */
static void
note_separating(LinearWork *work, LinearFit *fit)
{
	for (int column = 0; column < work->design.count; column++)
		if (is_endless(work, column))
			fit->separating = lappend(fit->separating, term_name(work->features, &work->terms[column]));
	for (int column = 0; column < work->design.count && fit->separating == NIL; column++)
		fit->separating = lappend(fit->separating, term_name(work->features, &work->terms[column]));
}

/* Newton's method from where the last pass looked and found this loss; false if the coefficients grow without an end. */
static bool
converge(LinearWork *work, LinearFit *fit, double loss)
{
	double		largest = INFINITY;
	int			dependent;

	for (int number = 0; number < MOST_STEPS; number++)
	{
		if (!factorise(work, &dependent))
			return false;
		largest = find_step(work);
		loss = go_downhill(work, fit, loss);
		/* a line is there after one step, but for what rounding left */
		if (largest < SMALL_STEP || (!work->design.is_probability && number == 1))
			return true;
		if (work->design.is_probability && loss < NO_LOSS)
			return false;
	}
	return false;
}

/* Set up the memory of a fit for the columns that the design has now. */
static void
work_begin(LinearWork *work)
{
	Size		size = 1 + work->design.count;

	design_begin(&work->design);
	work->coefficients = palloc0(sizeof(double) * size);
	work->step = palloc0(sizeof(double) * size);
	work->factor = palloc(sizeof(double) * size * size);
}

/* A pass with the intercept alone. */
static double
look_at_start(LinearWork *work, LinearFit *fit)
{
	start_coefficients(work);
	return look(work, fit);
}

/* Leave out collinear columns, at the start, where all rows have the same weight; gives the loss there. */
static double
check_rank(LinearWork *work, LinearFit *fit)
{
	double		loss = look_at_start(work, fit);

	fit->null_deviance = 2 * work->design.loss;
	if (work->ridge > 0 || !drop_collinear(work, fit))
		return loss;
	design_end(&work->design);
	work_begin(work);
	return look_at_start(work, fit);
}

/* Fit; where the outcome is told apart perfectly, with a penalty of the weight of one row. */
static void
fit_columns(LinearWork *work, LinearFit *fit)
{
	double		loss = check_rank(work, fit);

	if (!converge(work, fit, loss))
	{
		note_separating(work, fit);
		work->ridge = Max(work->ridge, 1.0 / work->design.rows);
		loss = look_at_start(work, fit);
		if (!converge(work, fit, loss))
			ereport(ERROR,
					(errcode(ERRCODE_DATA_EXCEPTION),
					 errmsg("the linear model does not converge"),
					 errhint("Give a larger penalty with option ridge, such as 0.01, or use algorithm boosting.")));
	}
	fit->deviance = 2 * work->design.loss;
	fit->ridge = work->ridge;
}

/* The standard errors, from the inverse of the curvature; none with a penalty. */
static void
find_errors(LinearWork *work, LinearModel *model)
{
	const Design *design = &work->design;
	int			size = design->size;
	double		dispersion = design->is_probability ? 1 : 2 * design->loss / (design->rows - size);
	double	   *covariance = palloc(sizeof(double) * size * size);
	double	   *shift = palloc(sizeof(double) * size);
	double		variance = 0;
	int			dependent;

	if (work->ridge > 0 || design->rows <= size || !factorise(work, &dependent))
		return;
	cholesky_inverse(work->factor, size, covariance);
	shift[0] = 1;
	for (int i = 1; i < size; i++)
	{
		shift[i] = -design->columns[i - 1].centre / design->columns[i - 1].scale;
		work->terms[i - 1].std_error = sqrt(covariance[(Size) i * size + i] / design->rows * dispersion) / design->columns[i - 1].scale;
	}
	for (int i = 0; i < size; i++)
		for (int j = 0; j < size; j++)
			variance += shift[i] * shift[j] * covariance[(Size) i * size + j];
	model->intercept_error = sqrt(variance / design->rows * dispersion);
	pfree(covariance);
}

/*
 * The standard deviations of what features add to the score.  Of a category's
 * terms only one is not 0, and a missing value counts as the mean, so terms of a
 * number are uncorrelated.
 */
static void
find_spread(const LinearWork *work, LinearModel *model)
{
	int			features = work->matrix->features;

	model->spread = palloc0(sizeof(double) * Max(features, 1));
	for (int column = 0; column < work->design.count; column++)
	{
		const LinearTerm *term = &work->terms[column];
		double		centre = work->design.columns[column].centre;
		double		scale = work->design.columns[column].scale;
		bool		is_exclusive = work->features[term->feature].kind == FEATURE_CATEGORY;

		model->spread[term->feature] += term->coefficient * term->coefficient * (is_exclusive ? centre : scale * scale);
	}
	for (int feature = 0; feature < features; feature++)
	{
		if (work->features[feature].kind == FEATURE_CATEGORY)
			model->spread[feature] -= model->average[feature] * model->average[feature];
		model->spread[feature] = sqrt(Max(model->spread[feature], 0));
	}
}

/* The model in the units of the features. */
static void
give_model(LinearWork *work, LinearModel *model)
{
	const Design *design = &work->design;

	model->intercept = work->coefficients[0];
	model->intercept_error = NAN;
	model->freedom = design->is_probability ? 0 : Max(design->rows - design->size, 0);
	model->term_count = design->count;
	model->terms = work->terms;
	model->average = palloc0(sizeof(double) * Max(work->matrix->features, 1));
	find_errors(work, model);
	for (int column = 0; column < design->count; column++)
	{
		LinearTerm *term = &work->terms[column];

		term->coefficient = work->coefficients[1 + column] / design->columns[column].scale;
		model->average[term->feature] += term->coefficient * design->columns[column].centre;
		model->intercept -= term->coefficient * design->columns[column].centre;
	}
	find_spread(work, model);
}

/* Fit a linear model to the first rows of a matrix; in its outcomes there must be more than one value. */
LinearModel *
linear_train(const Feature *features, const FeatureMatrix *matrix, const double *outcome, int64 rows,
			 const LinearOptions *options, LinearFit *fit)
{
	LinearWork	work = {.features = features, .matrix = matrix, .options = options, .ridge = options->ridge};
	LinearModel *model = palloc0(sizeof(LinearModel));

	memset(fit, 0, sizeof(LinearFit));
	work.design.rows = rows;
	work.design.outcome = outcome;
	work.design.is_probability = options->is_probability;
	model->fill = palloc0(sizeof(double) * Max(matrix->features, 1));
	add_columns(&work, model->fill);
	work_begin(&work);
	fit_columns(&work, fit);
	give_model(&work, model);
	design_end(&work.design);
	return model;
}
