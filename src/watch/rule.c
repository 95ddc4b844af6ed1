/*-------------------------------------------------------------------------
 *
 * rule.c
 *	  Reads alert rules from the arguments of the triggers on their relation, and
 *	  plans their expressions.
 *
 * The first argument is the name of the relation when it got its first rule; each
 * of the others is a rule, as a JSON object of texts: one argument, for the server
 * copies them for every statement.  Expressions run with the rights of the
 * relation's owner, so they live where only that owner can write, as mappings do.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/transam.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_node.h"
#include "parser/parse_relation.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "compat.h"
#include "program/expression.h"
#include "watch/rule.h"

/* Places of a row in the range table under its names. */
#define ROW_PLAIN 1
#define ROW_NEW 2
#define ROW_OLD 3

/* Names of the fields, in create_alert() and in the arguments. */
static const char *const field_names[RULE_FIELDS] = {"condition", "customer", "touchpoint", "org_unit", "staff", "at"};
static const Oid field_types[RULE_FIELDS] = {BOOLOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID};
static const char *const template_names[RULE_TEMPLATES] = {"message", "route"};

/* What a template may name besides columns. */
static const char *const program_names[] = {"rule", "customer", "customer.name", "touchpoint", "touchpoint.name",
"org_unit", "org_unit.name", "staff", "staff.name"};

/* Refuse arguments that create_alert() did not make. */
pg_noreturn static void
rules_reject(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
			 errmsg("watch() does not understand its arguments"),
			 errhint("Let cx.create_alert() make the triggers.")));
}

/* A text in a JSON object, or NULL if it is not there. */
static char *
text_of(Jsonb *object, const char *name)
{
	JsonbValue	found;

	if (getKeyJsonValueFromContainer(&object->root, name, strlen(name), &found) == NULL)
		return NULL;
	if (found.type != jbvString)
		rules_reject();
	return pnstrdup(found.val.string.val, found.val.string.len);
}

/* The rule that an argument says. */
static RuleText
rule_read(const char *argument)
{
	Jsonb	   *object = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(argument)));
	RuleText	rule = {0};

	if (!JB_ROOT_IS_OBJECT(object))
		rules_reject();
	rule.name = text_of(object, "rule");
	for (int field = 0; field < RULE_FIELDS; field++)
		rule.expressions[field] = text_of(object, field_names[field]);
	for (int template = 0; template < RULE_TEMPLATES; template++)
		rule.templates[template] = text_of(object, template_names[template]);
	rule.ignores_updates = text_of(object, "on_update") != NULL;
	if (rule.name == NULL || rule.expressions[RULE_CONDITION] == NULL)
		rules_reject();
	return rule;
}

/* The rules that the arguments of a trigger say. */
RuleTexts
rules_read(int count, char **arguments)
{
	RuleTexts	texts = {0};

	if (count < 1)
		rules_reject();
	texts.alias = arguments[0];
	texts.count = count - 1;
	texts.rules = palloc0(sizeof(RuleText) * count);
	for (int i = 0; i < texts.count; i++)
		texts.rules[i] = rule_read(arguments[i + 1]);
	return texts;
}

/* Append a text to a JSON object, unless it is not given. */
static void
append_text(StringInfo object, const char *name, const char *text)
{
	if (text == NULL)
		return;
	appendStringInfo(object, "%s\"%s\": ", object->len == 1 ? "" : ", ", name);
	escape_json(object, text);
}

/* A rule as an argument. */
char *
rule_write(const RuleText *rule)
{
	StringInfoData object;

	initStringInfo(&object);
	appendStringInfoChar(&object, '{');
	append_text(&object, "rule", rule->name);
	for (int field = 0; field < RULE_FIELDS; field++)
		append_text(&object, field_names[field], rule->expressions[field]);
	append_text(&object, "on_update", rule->ignores_updates ? "false" : NULL);
	for (int template = 0; template < RULE_TEMPLATES; template++)
		append_text(&object, template_names[template], rule->templates[template]);
	appendStringInfoChar(&object, '}');
	return object.data;
}

/* Give a text another value: an empty one takes it out. */
static void
change_text(const char **text, Jsonb *changes, const char *name)
{
	const char *value = text_of(changes, name);

	if (value != NULL)
		*text = value[0] == '\0' ? NULL : value;
}

/* Give a rule the values that a JSON object holds; what it does not name stays. */
void
rule_change(RuleText *rule, Jsonb *changes)
{
	const char *on_update = text_of(changes, "on_update");

	for (int field = 0; field < RULE_FIELDS; field++)
		change_text(&rule->expressions[field], changes, field_names[field]);
	for (int template = 0; template < RULE_TEMPLATES; template++)
		change_text(&rule->templates[template], changes, template_names[template]);
	if (on_update != NULL)
		rule->ignores_updates = strcmp(on_update, "false") == 0;
}

/* Let expressions see the row under a name, its columns by themselves as well or not. */
static void
add_row(ParseState *pstate, Relation relation, const char *name, bool by_themselves)
{
	ParseNamespaceItem *row = addRangeTableEntryForRelation(pstate, relation, AccessShareLock, makeAlias(name, NIL), false, true);

	addNSItemToQuery(pstate, row, false, true, by_themselves);
}

/* Whether an expression holds a subquery; notes where. */
static bool
find_subquery(Node *node, void *position)
{
	if (node == NULL)
		return false;
	if (IsA(node, SubLink))
	{
		*(int *) position = ((SubLink *) node)->location + 1;
		return true;
	}
	return expression_tree_walker(node, find_subquery, position);
}

/* Refuse what one row cannot answer. */
static void
check_one_row(ParseState *pstate, Node *node)
{
	int			position = 1;

	if (pstate->p_hasSubLinks && find_subquery(node, &position))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("an expression of an alert rule cannot hold a subquery"),
				 errposition(position),
				 errhint("Put the query into a function and call it with columns of the row.")));
	if (pstate->p_hasAggs || pstate->p_hasWindowFuncs || pstate->p_hasTargetSRFs)
		expression_reject("an expression over one row can hold neither aggregates nor window functions nor functions that return sets", 1);
}

/* Refuse system columns of a row, which transition tables do not hold. */
static void
check_no_system_columns(Node *node, int row)
{
	Bitmapset  *columns = NULL;
	int			column = -1;

	pull_varattnos(node, row, &columns);
	while ((column = bms_next_member(columns, column)) >= 0)
		if (column + FirstLowInvalidHeapAttributeNumber < 0)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("an expression of an alert rule cannot use system columns"),
					 errposition(1),
					 errhint("Triggers for each statement do not see them.")));
}

/* An expression that a rule is written with, analyzed. */
static Node *
rule_analyze(Relation relation, const char *alias, const char *text, RuleField field)
{
	ParseState *pstate = make_parsestate(NULL);
	Node	   *raw = expression_parse(text);
	Node	   *node;
	Oid			type;

	pstate->p_sourcetext = text;
	add_row(pstate, relation, alias, true);
	add_row(pstate, relation, "new_row", false);
	add_row(pstate, relation, "old_row", false);
	node = transformExpr(pstate, raw, EXPR_KIND_SELECT_TARGET);
	check_one_row(pstate, node);
	for (int row = ROW_PLAIN; row <= ROW_OLD; row++)
	{
		check_no_system_columns(node, row);
		expression_check_columns(relation, node, row);
	}
	type = exprType(node);
	node = coerce_to_target_type(pstate, node, type, field_types[field], -1,
								 field == RULE_CONDITION ? COERCION_ASSIGNMENT : COERCION_EXPLICIT, COERCE_EXPLICIT_CAST, -1);
	if (node == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_CANNOT_COERCE),
				 errmsg("the %s of an alert rule is of type %s, not of %s", field_names[field], format_type_be(type), format_type_be(field_types[field])),
				 errposition(1)));
	assign_expr_collations(pstate, node);
	free_parsestate(pstate);
	return node;
}

/*
 * Let variables name the slots that hold their rows: the scanned one, or the outer
 * one for the row before an UPDATE.  Who calls the row new_row means an UPDATE too.
 */
static Node *
rule_place_rows(Node *node, void *uses_old)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Var))
	{
		Var		   *var = (Var *) copyObject(node);

		if (var->varno != ROW_PLAIN)
			*(bool *) uses_old = true;
		var->varno = var->varno == ROW_OLD ? OUTER_VAR : ROW_PLAIN;
		return (Node *) var;
	}
	return expression_tree_mutator(node, rule_place_rows, uses_old);
}

/* Whether a function does not come with the server. */
static bool
is_added_function(Oid function, void *unused)
{
	return function >= FirstNormalObjectId;
}

/* Whether a type does not come with the server, or holds others. */
static bool
is_added_type(Oid type)
{
	return type >= FirstNormalObjectId || get_element_type(type) >= FirstNormalObjectId || type_is_rowtype(type);
}

/* Whether an expression may call a function that does not come with the server. */
static bool
calls_added_functions(Node *node, void *unused)
{
	if (node == NULL)
		return false;
	/* types that were added, rows, and constraints of domains bring functions of their own */
	if ((IsA(node, Var) || IsA(node, Const)) && is_added_type(exprType(node)))
		return true;
	if (IsA(node, CoerceToDomain) || IsA(node, RowExpr) || IsA(node, ConvertRowtypeExpr) ||
		check_functions_in_node(node, is_added_function, NULL))
		return true;
	return expression_tree_walker(node, calls_added_functions, NULL);
}

/* Plan an expression of a rule; the caller acts as the owner of the relation. */
RuleExpression
rule_plan(Relation relation, const char *alias, const RuleText *rule, RuleField field)
{
	ExpressionContext context = {field_names[field], rule->expressions[field]};
	ErrorContextCallback callback = {error_context_stack, expression_error, &context};
	RuleExpression result = {0};
	Node	   *node;

	if (context.expression == NULL)
		return result;
	error_context_stack = &callback;
	node = rule_analyze(relation, alias, context.expression, field);
	node = rule_place_rows(node, &result.uses_old);
	result.planned = GetCachedExpression(node);
	result.is_lasting = !calls_added_functions(result.planned->expr, NULL);
	result.is_immutable = result.is_lasting && !contain_mutable_functions(result.planned->expr);
	error_context_stack = callback.previous;
	return result;
}

/* Give the plan of an expression back. */
void
rule_expression_free(RuleExpression *expression)
{
	if (expression->planned != NULL)
		FreeCachedExpression(expression->planned);
	expression->planned = NULL;
	expression->state = NULL;
}

/* Append a part to a template. */
static List *
template_add(List *parts, PartKind kind, char *text, AttrNumber column, bool is_old)
{
	TemplatePart *part = palloc0(sizeof(TemplatePart));

	part->kind = kind;
	part->text = text;
	part->column = column;
	part->is_old = is_old;
	return lappend(parts, part);
}

/* Refuse a name that stands for nothing. */
pg_noreturn static void
template_reject(Relation relation, RuleTemplate template, const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("{%s} in the %s of an alert rule is neither a column of \"%s\" nor known to the program", name, template_names[template], RelationGetRelationName(relation)),
			 errhint("Besides columns there are {rule}, {customer}, {touchpoint}, {org_unit} and {staff}, and {customer.name} and so on; a brace by itself is written twice.")));
}

/* The part of a template that a name in braces stands for: first a column, then something of the program. */
static List *
template_add_name(List *parts, Relation relation, RuleTemplate template, const char *name, bool *uses_old)
{
	bool		is_old = strncmp(name, "old_row.", 8) == 0;
	const char *column_name = is_old || strncmp(name, "new_row.", 8) == 0 ? name + 8 : name;
	AttrNumber	column = get_attnum(RelationGetRelid(relation), column_name);

	if (column > 0 && TupleDescAttr(RelationGetDescr(relation), column - 1)->attgenerated != ATTRIBUTE_GENERATED_VIRTUAL)
	{
		*uses_old |= is_old;
		return template_add(parts, PART_COLUMN, NULL, column, is_old);
	}
	for (int i = 0; i < (int) lengthof(program_names); i++)
		if (strcmp(name, program_names[i]) == 0)
			return template_add(parts, PART_NAME, psprintf(TEMPLATE_MARK "%s" TEMPLATE_MARK, name), 0, false);
	template_reject(relation, template, name);
}

/* The parts of a text with {column} in it; NIL if there is none.  Sets uses_old if a part looks at the row before an UPDATE. */
List *
rule_template(Relation relation, const RuleText *rule, RuleTemplate template, bool *uses_old)
{
	const char *text = rule->templates[template];
	List	   *parts = NIL;
	StringInfoData plain;

	initStringInfo(&plain);
	for (; text != NULL && *text != '\0'; text++)
	{
		const char *end = strchr(text, '}');

		if ((*text == '{' || *text == '}') && text[1] == *text)
			appendStringInfoChar(&plain, *text++);
		else if (*text == '{' && end != NULL)
		{
			parts = template_add(parts, PART_TEXT, pstrdup(plain.data), 0, false);
			parts = template_add_name(parts, relation, template, pnstrdup(text + 1, end - text - 1), uses_old);
			resetStringInfo(&plain);
			text = end;
		}
		else if (*text == '{')
			ereport(ERROR,
					(errcode(ERRCODE_SYNTAX_ERROR),
					 errmsg("a brace in the %s of an alert rule is not closed", template_names[template]),
					 errhint("A brace by itself is written twice.")));
		else
			appendStringInfoChar(&plain, *text);
	}
	if (plain.len > 0)
		parts = template_add(parts, PART_TEXT, plain.data, 0, false);
	return parts;
}
