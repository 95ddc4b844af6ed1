/*-------------------------------------------------------------------------
 *
 * design.c
 *	  One pass of a linear model over its rows: scores, residuals, gradient and
 *	  the weighted sums of products of all columns.
 *
 * A block of rows is expanded column by column, which adds up the scores on the
 * way, and lies row by row, so that tiles of the sums of products stay in
 * registers while the rows of the block pass by.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#include "predict/design.h"
#include "predict/logistic.h"
#include "predict/vectorise.h"

#define BLOCK_NUMBERS 32768		/* in a block, so that it stays in the cache */
#define LEAST_BLOCK_ROWS 16
#define MOST_BLOCK_ROWS 256
#define TILE_HEIGHT 4
#define TILE_WIDTH 8
#define FACTORS 16				/* factors between 1 and 2 that are multiplied before their logarithm is taken */

/* Four numbers that are worked on at once, wherever they lie. */
typedef double Four __attribute__((vector_size(32), aligned(8)));

/* Get ready for passes: the sizes, and memory of the current context. */
void
design_begin(Design *design)
{
	design->size = design->count + 1;
	design->width = TYPEALIGN(TILE_WIDTH, design->size);
	design->block_rows = Min(Max(BLOCK_NUMBERS / design->width, LEAST_BLOCK_ROWS), MOST_BLOCK_ROWS);
	design->block = palloc0(sizeof(double) * design->block_rows * design->width);
	design->score = palloc(sizeof(double) * design->block_rows);
	design->residual = palloc(sizeof(double) * design->block_rows);
	design->weight = palloc(sizeof(double) * design->block_rows);
	design->gram = palloc(sizeof(double) * design->width * design->width);
	design->gradient = palloc(sizeof(double) * design->width);
}

/* Give the memory back. */
void
design_end(Design *design)
{
	pfree(design->block);
	pfree(design->score);
	pfree(design->residual);
	pfree(design->weight);
	pfree(design->gram);
	pfree(design->gradient);
}

/* Expand the value itself of a feature, 0 where it is missing, and add it to the scores. */
vectorised static void
expand_values(const double *values, double centre, double factor, double coefficient, int rows, int width, double *to, double *score)
{
	for (int row = 0; row < rows; row++)
	{
		double		number = isnan(values[row]) ? 0 : (values[row] - centre) * factor;

		score[row] += coefficient * number;
		to[row * width] = number;
	}
}

/* Expand whether a feature has a level. */
vectorised static void
expand_level(const double *values, double level, double if_not, double if_so, double coefficient, int rows, int width, double *to, double *score)
{
	for (int row = 0; row < rows; row++)
	{
		double		number = values[row] == level ? if_so : if_not;

		score[row] += coefficient * number;
		to[row * width] = number;
	}
}

/* Expand whether a feature is missing. */
vectorised static void
expand_missing(const double *values, double if_not, double if_so, double coefficient, int rows, int width, double *to, double *score)
{
	for (int row = 0; row < rows; row++)
	{
		double		number = isnan(values[row]) ? if_so : if_not;

		score[row] += coefficient * number;
		to[row * width] = number;
	}
}

/* Expand one column of a block that begins at a row. */
static void
expand_column(Design *design, int column, int64 start, int rows, double coefficient)
{
	const DesignColumn *it = &design->columns[column];
	double	   *to = design->block + 1 + column;
	double		if_not = -it->centre / it->scale;
	double		if_so = (1 - it->centre) / it->scale;

	if (it->level == TERM_VALUE)
		expand_values(it->values + start, it->centre, 1 / it->scale, coefficient, rows, design->width, to, design->score);
	else if (it->level == TERM_MISSING)
		expand_missing(it->values + start, if_not, if_so, coefficient, rows, design->width, to, design->score);
	else
		expand_level(it->values + start, it->level, if_not, if_so, coefficient, rows, design->width, to, design->score);
}

/* Expand a block of rows, and their scores. */
static void
expand_block(Design *design, int64 start, int rows, const double *coefficients)
{
	for (int row = 0; row < rows; row++)
	{
		design->block[row * design->width] = 1;
		design->score[row] = coefficients[0];
	}
	for (int column = 0; column < design->count; column++)
		expand_column(design, column, start, rows, coefficients[1 + column]);
}

/* Residuals, weights and loss of probabilities. */
static double
judge_probabilities(const double *score, const double *outcome, int rows, double *residual, double *weight)
{
	double		loss = 0;
	double		product = 1;

	for (int row = 0; row < rows; row++)
	{
		double		odds = exp(-fabs(score[row]));
		double		likely = 1 / (1 + odds);

		residual[row] = outcome[row] - (score[row] >= 0 ? likely : odds * likely);
		weight[row] = sqrt(odds) * likely;
		loss += score[row] > 0 ? (1 - outcome[row]) * score[row] : -outcome[row] * score[row];
		product *= 1 + odds;
		if (row % FACTORS == FACTORS - 1)
		{
			loss += log(product);
			product = 1;
		}
	}
	return loss + log(product);
}

/* Residuals, weights and loss of numbers. */
static double
judge_numbers(const double *score, const double *outcome, int rows, double *residual, double *weight)
{
	double		loss = 0;

	for (int row = 0; row < rows; row++)
	{
		residual[row] = outcome[row] - score[row];
		weight[row] = 1;
		loss += residual[row] * residual[row] / 2;
	}
	return loss;
}

/* Add the rows of a block to the gradient, and multiply them by the roots of their weights. */
vectorised static void
add_gradient(double *restrict block, const double *residual, const double *weight, int rows, int width, double *restrict gradient)
{
	for (int row = 0; row < rows; row++)
	{
		double	   *numbers = block + row * width;

		for (int i = 0; i < width; i++)
		{
			gradient[i] += residual[row] * numbers[i];
			numbers[i] *= weight[row];
		}
	}
}

/* Add the rows of a block to one tile of the sums of products: columns i..i+3 with j..j+7. */
vectorised static void
add_tile(const double *block, int rows, int width, int i, int j, double *gram)
{
	Four		sums[TILE_HEIGHT][2] = {0};

	for (int row = 0; row < rows; row++)
	{
		const double *left = block + row * width + i;
		const Four *right = (const Four *) (block + row * width + j);

		for (int k = 0; k < TILE_HEIGHT; k++)
		{
			sums[k][0] += left[k] * right[0];
			sums[k][1] += left[k] * right[1];
		}
	}
	for (int k = 0; k < TILE_HEIGHT; k++)
	{
		Four	   *to = (Four *) (gram + (Size) (i + k) * width + j);

		to[0] += sums[k][0];
		to[1] += sums[k][1];
	}
}

/* Add the rows of a block to the sums of products, as far as they are not left of the diagonal. */
static void
add_products(Design *design, int rows)
{
	for (int i = 0; i < design->size; i += TILE_HEIGHT)
	{
		for (int j = i / TILE_WIDTH * TILE_WIDTH; j < design->size; j += TILE_WIDTH)
			add_tile(design->block, rows, design->width, i, j, design->gram);
	}
}

/* Add up gradient, sums of products and loss with these coefficients of the standardised columns, the intercept first. */
void
design_pass(Design *design, const double *coefficients)
{
	memset(design->gram, 0, sizeof(double) * design->width * design->width);
	memset(design->gradient, 0, sizeof(double) * design->width);
	design->loss = 0;
	for (int64 start = 0; start < design->rows; start += design->block_rows)
	{
		int			rows = (int) Min(design->block_rows, design->rows - start);
		const double *outcome = design->outcome + start;

		CHECK_FOR_INTERRUPTS();
		expand_block(design, start, rows, coefficients);
		design->loss += (design->is_probability ? judge_probabilities : judge_numbers) (design->score, outcome, rows, design->residual, design->weight);
		add_gradient(design->block, design->residual, design->weight, rows, design->width, design->gradient);
		add_products(design, rows);
	}
}
