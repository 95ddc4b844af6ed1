/*-------------------------------------------------------------------------
 *
 * correlation.h
 *	  The columns of moments: which, their names, and how they vary together.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_CORRELATION_H
#define CX_CORRELATION_H

#include "predict/moments.h"

/* What columns of moments are called. */
typedef struct ColumnNames
{
	char	  **names;			/* one for each column, or NULL if they have none */
} ColumnNames;

extern int	column_argument(FunctionCallInfo fcinfo, int position, const char *what, const Moments *moments);
extern ColumnNames column_names_argument(FunctionCallInfo fcinfo, int position, const Moments *moments);
extern char *column_label(const ColumnNames *names, int column);
extern Datum column_datum(const ColumnNames *names, int column);
extern bool moments_is_constant(const Moments *moments, int column);
extern double moments_correlation(const Moments *moments, int a, int b);

#endif							/* CX_CORRELATION_H */
