/*-------------------------------------------------------------------------
 *
 * mapping.c
 *	  Reads, checks and writes out the mapping of an attached relation.
 *
 * A mapping runs with the rights of the relation's owner, so it lives where
 * only that owner can write: in the arguments of the trigger on the relation.
 * They are the kind of source, its name, and then pairs of a name and a value:
 * the fields below with their expressions, and the options.  The relation goes by
 * the name that it had when it was attached, on its children too.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_coerce.h"
#include "parser/parse_expr.h"
#include "parser/parse_func.h"
#include "parser/parse_node.h"
#include "parser/parse_relation.h"
#include "utils/builtins.h"
#include "utils/rel.h"

#include "collect/mapping.h"
#include "collect/target.h"
#include "program/expression.h"
#include "program/owner.h"

/* A field of a mapping. */
typedef struct FieldInfo
{
	const char *names[SOURCE_KINDS];	/* argument of attach_feedback, attach_event and attach_ticket; NULL where it is none */
	Oid			type;			/* what the expression is converted to */
	const char *type_name;		/* the same in SQL */
} FieldInfo;

static const FieldInfo fields[MAPPING_FIELDS] = {
	[FIELD_KEY] = {{"key", "key", "key"}, TEXTOID, "text"},
	[FIELD_CUSTOMER] = {{"customer", "customer", "customer"}, TEXTOID, "text"},
	[FIELD_TOUCHPOINT] = {{"touchpoint", "touchpoint", "touchpoint"}, TEXTOID, "text"},
	[FIELD_METRIC] = {{"metric", NULL, NULL}, TEXTOID, "text"},
	[FIELD_SCORE] = {{"score", NULL, NULL}, FLOAT8OID, "double precision"},
	[FIELD_AT] = {{"responded_at", "occurred_at", "opened_at"}, TIMESTAMPTZOID, "timestamptz"},
	[FIELD_COMMENT] = {{"comment", NULL, "subject"}, TEXTOID, "text"},
	[FIELD_CHANNEL] = {{"channel", NULL, NULL}, TEXTOID, "text"},
	[FIELD_ORG_UNIT] = {{"org_unit", "org_unit", "org_unit"}, TEXTOID, "text"},
	[FIELD_STAFF] = {{"staff", NULL, "staff"}, TEXTOID, "text"},
	[FIELD_KIND] = {{"kind", NULL, NULL}, TEXTOID, "text"},
	[FIELD_NAME] = {{NULL, "name", NULL}, TEXTOID, "text"},
	[FIELD_VALUE] = {{NULL, "value", NULL}, FLOAT8OID, "double precision"},
	[FIELD_ATTRIBUTES] = {{"attributes", "attributes", NULL}, JSONBOID, "jsonb"},
	[FIELD_CHANGED_AT] = {{"changed_at", "changed_at", "changed_at"}, TIMESTAMPTZOID, "timestamptz"},
	[FIELD_STATUS] = {{NULL, NULL, "status"}, TEXTOID, "text"},
	[FIELD_PRIORITY] = {{NULL, NULL, "priority"}, TEXTOID, "text"},
	[FIELD_FIRST_RESPONSE_AT] = {{NULL, NULL, "first_response_at"}, TIMESTAMPTZOID, "timestamptz"},
	[FIELD_SOLVED_AT] = {{NULL, NULL, "solved_at"}, TIMESTAMPTZOID, "timestamptz"},
	[FIELD_CLOSED_AT] = {{NULL, NULL, "closed_at"}, TIMESTAMPTZOID, "timestamptz"},
	[FIELD_REOPENED] = {{NULL, NULL, "reopened"}, INT4OID, "integer"},
	[FIELD_ROOT_CAUSE] = {{NULL, NULL, "root_cause"}, TEXTOID, "text"},
	[FIELD_ONLY_IF] = {{"only_if", "only_if", "only_if"}, BOOLOID, "boolean"},
};

/* The name of a field as an argument of the function that attaches; NULL if it is none. */
const char *
mapping_field_name(const Mapping *mapping, MappingField field)
{
	return fields[field].names[mapping->kind];
}

/* How many fields a query for all of them gives. */
int
mapping_columns(const Mapping *mapping)
{
	return mapping->kind == SOURCE_TICKET ? MAPPING_COLUMNS : FIELD_STATUS;
}

/* Take one pair of arguments into the mapping. */
static bool
mapping_take(Mapping *mapping, const char *name, const char *value)
{
	for (int field = 0; field < MAPPING_FIELDS; field++)
		if (mapping_field_name(mapping, field) != NULL && strcmp(name, mapping_field_name(mapping, field)) == 0)
		{
			mapping->expressions[field] = value;
			return true;
		}
	if (strcmp(name, "customer_kind") == 0)
		mapping->customer_kind = value;
	else if (strcmp(name, "alias") == 0)
		mapping->alias = value;
	else if (strcmp(name, "on_unknown") == 0 && (strcmp(value, "error") == 0 || strcmp(value, "create") == 0))
		mapping->creates_touchpoints = value[0] == 'c';
	else if (strcmp(name, "on_error") == 0 && (strcmp(value, "fail") == 0 || strcmp(value, "record") == 0))
		mapping->records_errors = value[0] == 'r';
	else
		return false;
	return true;
}

/* The mapping that the arguments of a trigger say. */
Mapping
mapping_read(int count, char **arguments)
{
	Mapping		mapping = {.kind = SOURCE_KINDS};
	bool		is_right;

	for (int kind = 0; count >= 2 && kind < SOURCE_KINDS; kind++)
		if (strcmp(arguments[0], source_kind_names[kind]) == 0)
			mapping.kind = (SourceKind) kind;
	is_right = mapping.kind != SOURCE_KINDS && count % 2 == 0;
	if (is_right)
		mapping.source = arguments[1];
	for (int i = 2; is_right && i < count; i += 2)
		is_right = mapping_take(&mapping, arguments[i], arguments[i + 1]);
	if (!is_right || mapping.alias == NULL || mapping.expressions[FIELD_KEY] == NULL || mapping.expressions[FIELD_AT] == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("capture() does not understand its arguments"),
				 errhint("Let cx.attach_feedback(), cx.attach_event() or cx.attach_ticket() make the triggers.")));
	return mapping;
}

/* Append the condition on which rows are captured. */
static void
append_condition(StringInfo query, const Mapping *mapping)
{
	if (mapping->expressions[FIELD_ONLY_IF] == NULL)
		return;
	appendStringInfoString(query, " WHERE ");
	expression_append(query, mapping->expressions[FIELD_ONLY_IF]);
	appendStringInfoString(query, "::boolean");
}

/* The query for all fields of these rows, which go by the name of the relation. */
char *
mapping_query(const Mapping *mapping, const char *rows)
{
	StringInfoData query;

	initStringInfo(&query);
	appendStringInfoString(&query, "SELECT ");
	for (int field = 0; field < mapping_columns(mapping); field++)
	{
		appendStringInfoString(&query, field == 0 ? "" : ", ");
		if (mapping->expressions[field] == NULL)
			appendStringInfoString(&query, "NULL");
		else
			expression_append(&query, mapping->expressions[field]);
		appendStringInfo(&query, "::%s", fields[field].type_name);
	}
	appendStringInfo(&query, " FROM %s AS %s", rows, quote_identifier(mapping->alias));
	append_condition(&query, mapping);
	return query.data;
}

/* The query for one field of these rows, as text. */
char *
mapping_field_query(const Mapping *mapping, MappingField field, const char *rows)
{
	StringInfoData query;

	initStringInfo(&query);
	appendStringInfoString(&query, "SELECT ");
	expression_append(&query, mapping->expressions[field]);
	appendStringInfo(&query, "::text AS wanted FROM %s AS %s", rows, quote_identifier(mapping->alias));
	append_condition(&query, mapping);
	return query.data;
}

/* The query for the keys of these rows. */
char *
mapping_key_query(const Mapping *mapping, const char *rows)
{
	return mapping_field_query(mapping, FIELD_KEY, rows);
}

/* Raise an error unless the expression is one over a row of the relation, convertible to this type. */
static void
expression_check(Relation relation, const char *expression, const FieldInfo *field)
{
	Node	   *node = expression_parse(expression);
	ParseState *pstate = make_parsestate(NULL);
	ParseNamespaceItem *row;

	pstate->p_sourcetext = expression;
	row = addRangeTableEntryForRelation(pstate, relation, AccessShareLock, NULL, true, true);
	addNSItemToQuery(pstate, row, true, true, true);
	node = transformExpr(pstate, node, EXPR_KIND_SELECT_TARGET);
	if (pstate->p_hasAggs || pstate->p_hasWindowFuncs || pstate->p_hasTargetSRFs)
		expression_reject("an expression over one row can hold neither aggregates nor window functions nor functions that return sets", 1);
	expression_check_columns(relation, node, 1);
	if (coerce_to_target_type(pstate, node, exprType(node), field->type, -1, COERCION_EXPLICIT,
							  COERCE_EXPLICIT_CAST, -1) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_CANNOT_COERCE),
				 errmsg("type %s cannot be converted to %s", format_type_be(exprType(node)), field->type_name),
				 parser_errposition(pstate, exprLocation(node))));
	free_parsestate(pstate);
}

/* Raise an error unless the expression runs on transition tables too, which have no system columns. */
static void
expression_check_transition(const Mapping *mapping, Relation relation, const char *expression, const FieldInfo *field)
{
	StringInfoData query;

	initStringInfo(&query);
	appendStringInfoString(&query, "SELECT ");
	expression_append(&query, expression);
	appendStringInfo(&query, "::%s FROM " MAPPING_NEW_ROWS " AS %s", field->type_name, quote_identifier(mapping->alias));
	SPI_connect();
	target_register_rows(MAPPING_NEW_ROWS, tuplestore_begin_heap(false, false, work_mem), 0, NULL, RelationGetRelid(relation));
	(void) SPI_prepare(query.data, 0, NULL);
	SPI_finish();
}

/* Check one field. */
static void
mapping_check_field(const Mapping *mapping, Relation relation, int field)
{
	ExpressionContext context = {mapping_field_name(mapping, field), mapping->expressions[field]};
	ErrorContextCallback callback = {error_context_stack, expression_error, &context};

	if (context.expression == NULL)
		return;
	error_context_stack = &callback;
	expression_check(relation, context.expression, &fields[field]);
	expression_check_transition(mapping, relation, context.expression, &fields[field]);
	error_context_stack = callback.previous;
}

/* Raise an error unless all expressions of a mapping run on rows of the relation. */
void
mapping_check(const Mapping *mapping, Relation relation)
{
	ActingAs	before = act_as_reader(relation->rd_rel->relowner);

	for (int field = 0; field < MAPPING_FIELDS; field++)
		mapping_check_field(mapping, relation, field);
	act_as_before(before);
}

/* The function that captures. */
static Oid
capture_function(void)
{
	return LookupFuncName(list_make2(makeString("cx"), makeString("capture")), 0, NULL, false);
}

/* The trigger on a relation that holds the mapping of this source, or NULL. */
Trigger *
mapping_trigger(Relation relation, const char *source)
{
	Oid			function = capture_function();
	TriggerDesc *triggers = relation->trigdesc;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];

		if (trigger->tgfoid == function && trigger->tgnargs >= 2 && strcmp(trigger->tgargs[1], source) == 0)
			return trigger;
	}
	return NULL;
}
