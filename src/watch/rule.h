/*-------------------------------------------------------------------------
 *
 * rule.h
 *	  Alert rules of a relation: as they are written in the arguments of its
 *	  triggers, and as they run over its rows.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_RULE_H
#define CX_RULE_H

#include "executor/execExpr.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"
#include "utils/plancache.h"
#include "utils/relcache.h"

#include "program/program.h"

/* Expressions of a rule over a row. */
typedef enum RuleField
{
	RULE_CONDITION,
	RULE_CUSTOMER,				/* code of the customer */
	RULE_TOUCHPOINT,			/* codes too, this and the next two */
	RULE_ORG_UNIT,
	RULE_STAFF,
	RULE_AT,					/* when it happened; test_alert() alone asks */
	RULE_FIELDS
} RuleField;

/* Texts of a rule with {column} in them. */
typedef enum RuleTemplate
{
	RULE_MESSAGE,
	RULE_ROUTE,
	RULE_TEMPLATES
} RuleTemplate;

/* A rule as it is written. */
typedef struct RuleText
{
	const char *name;
	const char *expressions[RULE_FIELDS];	/* SQL, NULL if not given */
	const char *templates[RULE_TEMPLATES];	/* the same */
	bool		ignores_updates;	/* looks at inserted rows only */
} RuleText;

/* The rules of a relation as they are written. */
typedef struct RuleTexts
{
	const char *alias;			/* what expressions may call the relation */
	RuleText   *rules;
	int			count;
} RuleTexts;

/* An expression that is planned. */
typedef struct RuleExpression
{
	CachedExpression *planned;	/* NULL if there is none */
	ExprState  *state;			/* ready to run; kept only if is_lasting */
	bool		is_lasting;		/* calls nothing but built-in functions, so the state outlives the statement */
	bool		is_immutable;	/* the same, and gives the same result whoever runs it */
	bool		uses_old;		/* looks at the row before an UPDATE */
} RuleExpression;

/* What a part of a template stands for. */
typedef enum PartKind
{
	PART_TEXT,					/* itself */
	PART_COLUMN,				/* a column of the row */
	PART_NAME					/* something of the program, which writing the alert finds */
} PartKind;

/* A part of a template. */
typedef struct TemplatePart
{
	PartKind	kind;
	char	   *text;			/* PART_TEXT: itself; PART_NAME: the mark that stands in for it */
	AttrNumber	column;			/* PART_COLUMN: its number */
	bool		is_old;			/* PART_COLUMN: as it was before an UPDATE */
} TemplatePart;

/* Begins and ends the mark of something of the program in a message; values of columns never hold it. */
#define TEMPLATE_MARK "\x01"

extern RuleTexts rules_read(int count, char **arguments);
extern char *rule_write(const RuleText *rule);
extern void rule_change(RuleText *rule, Jsonb *changes);
extern RuleExpression rule_plan(Relation relation, const char *alias, const RuleText *rule, RuleField field);
extern void rule_expression_free(RuleExpression *expression);
extern List *rule_template(Relation relation, const RuleText *rule, RuleTemplate template, bool *uses_old);

#endif							/* CX_RULE_H */
