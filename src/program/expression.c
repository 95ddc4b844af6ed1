/*-------------------------------------------------------------------------
 *
 * expression.c
 *	  SQL expressions that users hand over as texts: what stands in a mapping or
 *	  in a rule.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "catalog/pg_attribute.h"
#include "nodes/parsenodes.h"
#include "optimizer/optimizer.h"
#include "parser/parser.h"
#include "utils/rel.h"

#include "compat.h"
#include "program/expression.h"

/* Append an expression in parentheses; if it may end in a comment, that must end as well. */
void
expression_append(StringInfo query, const char *expression)
{
	appendStringInfo(query, "(%s%s)", expression, strstr(expression, "--") == NULL ? "" : "\n");
}

/* Make an error point into a text that was handed over, instead of into the statement that did. */
void
error_points_into(const char *source)
{
	int			position = geterrposition();

	if (position > 0)
	{
		errposition(0);
		internalerrposition(position);
		internalerrquery(source);
	}
}

/* Make errors point into the expression instead of into the statement that attaches. */
void
expression_error(void *argument)
{
	const ExpressionContext *context = (const ExpressionContext *) argument;

	error_points_into(context->expression);
	errcontext("expression for \"%s\"", context->field);
}

/* Refuse an expression because of what stands at a position, counted from 1. */
pg_noreturn void
expression_reject(const char *what, int position)
{
	ereport(ERROR,
			(errcode(ERRCODE_SYNTAX_ERROR),
			 errmsg("%s", what),
			 errposition(position),
			 errhint("Write one expression over the columns of a row; a constant is written $$'like this'$$.")));
}

/* The single expression that a text holds. */
Node *
expression_parse(const char *expression)
{
	List	   *statements = raw_parser(expression, RAW_PARSE_PLPGSQL_EXPR);
	SelectStmt *select = castNode(SelectStmt, linitial_node(RawStmt, statements)->stmt);
	ResTarget  *target;

	if (list_length(select->targetList) != 1 || select->distinctClause != NIL || select->fromClause != NIL ||
		select->whereClause != NULL || select->groupClause != NIL || select->havingClause != NULL ||
		select->windowClause != NIL || select->sortClause != NIL || select->limitOffset != NULL ||
		select->limitCount != NULL || select->lockingClause != NIL || select->intoClause != NULL)
		expression_reject("not a single expression", 1);
	target = linitial_node(ResTarget, select->targetList);
	if (target->name != NULL)
		expression_reject("an expression has no name", 1);
	if (IsA(target->val, ColumnRef) && IsA(llast(((ColumnRef *) target->val)->fields), A_Star))
		expression_reject("\"*\" is not an expression", 1);
	return target->val;
}

/* Refuse columns of a row, which is so manieth in the range table, that a transition table does not hold. */
void
expression_check_columns(Relation relation, Node *expression, int row)
{
	Bitmapset  *columns = NULL;
	int			column = -1;

	pull_varattnos(expression, row, &columns);
	while ((column = bms_next_member(columns, column)) >= 0)
	{
		int			number = column + FirstLowInvalidHeapAttributeNumber;

		if (number > 0 && TupleDescAttr(RelationGetDescr(relation), number - 1)->attgenerated == ATTRIBUTE_GENERATED_VIRTUAL)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("column \"%s\" is a virtual generated column, which triggers do not see",
							NameStr(TupleDescAttr(RelationGetDescr(relation), number - 1)->attname)),
					 errposition(1),
					 errhint("Write the expression that generates it.")));
	}
}
