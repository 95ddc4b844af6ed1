/*-------------------------------------------------------------------------
 *
 * expression.h
 *	  SQL expressions that users hand over as texts.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_EXPRESSION_H
#define CX_EXPRESSION_H

#include "lib/stringinfo.h"
#include "nodes/nodes.h"
#include "utils/relcache.h"

#include "compat.h"

/* What the callback for errors in an expression needs. */
typedef struct ExpressionContext
{
	const char *field;
	const char *expression;
} ExpressionContext;

extern void expression_append(StringInfo query, const char *expression);
extern void error_points_into(const char *source);
extern void expression_error(void *argument);
pg_noreturn extern void expression_reject(const char *what, int position);
extern Node *expression_parse(const char *expression);
extern void expression_check_columns(Relation relation, Node *expression, int row);

#endif							/* CX_EXPRESSION_H */
