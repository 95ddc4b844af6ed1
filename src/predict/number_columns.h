/*-------------------------------------------------------------------------
 *
 * number_columns.h
 *	  Rows of a few numbers, kept one column after the other: what aggregates
 *	  over scores and outcomes collect.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_NUMBER_COLUMNS_H
#define CX_NUMBER_COLUMNS_H

#include "fmgr.h"

#define MOST_NUMBER_COLUMNS 3

/* The transition state. */
typedef struct NumberColumns
{
	int64		count;			/* rows */
	int64		room;			/* rows that fit */
	int			width;			/* columns */
	double	   *columns[MOST_NUMBER_COLUMNS];	/* the values of each, finite */
} NumberColumns;

#define PG_GETARG_NUMBER_COLUMNS_P(n) ((NumberColumns *) PG_GETARG_POINTER(n))

extern NumberColumns *number_columns_begin(FunctionCallInfo fcinfo, int width);
extern void number_columns_add(NumberColumns *list, const double *row);

#endif							/* CX_NUMBER_COLUMNS_H */
