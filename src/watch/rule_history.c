/*-------------------------------------------------------------------------
 *
 * rule_history.c
 *	  Which rows of its relation an alert rule matches as they are now.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tstoreReceiver.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/rls.h"

#include "collect/target.h"
#include "program/expression.h"
#include "program/owner.h"
#include "program/trigger.h"
#include "watch/rule_triggers.h"

/* Raise an error unless the caller may know what stands in all rows of a relation. */
static void
check_may_read(Relation relation)
{
	Oid			id = RelationGetRelid(relation);

	if (!may_act_for(relation) &&
		(pg_class_aclcheck(id, GetUserId(), ACL_SELECT) != ACLCHECK_OK || check_enable_rls(id, InvalidOid, true) == RLS_ENABLED))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to read all rows of \"%s\"", RelationGetRelationName(relation))));
}

/* Raise an error if a rule asks for the row before an UPDATE, which is not there any more. */
static void
check_needs_no_old_row(Relation relation, const RuleTexts *texts, const RuleText *rule)
{
	ActingAs	before = act_as_reader(relation->rd_rel->relowner);
	bool		uses_old = rule_expressions_use_old(relation, texts->alias, rule);

	act_as_before(before);
	if (uses_old)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("alert rule \"%s\" looks at rows before an UPDATE, which are not kept", rule->name),
				 errhint("Test it with a condition over the row as it is.")));
}

/* What stands in for an expression that a rule does not give. */
static const char *
default_expression(Relation relation, const RuleText *rule, RuleField field, const char *row)
{
	bool		is_feedback = RelationGetRelid(relation) == program_table(PROGRAM_FEEDBACK);

	if (!is_feedback && RelationGetRelid(relation) != program_table(PROGRAM_EVENT))
	{
		if (field == RULE_AT)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("alert rule \"%s\" does not say when a row was written", rule->name),
					 errhint("SELECT cx.alter_alert(%s, at => ...) with an expression for the time.", quote_literal_cstr(rule->name))));
		return "NULL";
	}
	switch (field)
	{
		case RULE_AT:
			return psprintf("%s.%s", row, is_feedback ? "responded_at" : "occurred_at");
		case RULE_CUSTOMER:
			return psprintf("(SELECT c.code FROM cx_data.customer AS c WHERE c.customer_id = %s.customer_id)", row);
		case RULE_TOUCHPOINT:
			return psprintf("(SELECT t.code FROM cx_data.touchpoint AS t WHERE t.touchpoint_id = %s.touchpoint_id)", row);
		case RULE_ORG_UNIT:
			return psprintf("(SELECT u.code FROM cx_data.org_unit AS u WHERE u.org_unit_id = %s.org_unit_id)", row);
		default:
			return "NULL";
	}
}

/* Append an expression of a rule, converted to a type. */
static void
append_field(StringInfo query, Relation relation, const RuleTexts *texts, const RuleText *rule, RuleField field, const char *type)
{
	expression_append(query, rule->expressions[field] != NULL ? rule->expressions[field] : default_expression(relation, rule, field, quote_identifier(texts->alias)));
	appendStringInfo(query, "::%s", type);
}

/* The query for rows that a rule matches during $1. */
static char *
history_query(Relation relation, const RuleTexts *texts, const RuleText *rule)
{
	StringInfoData query;

	initStringInfo(&query);
	appendStringInfoString(&query, "SELECT happened_at, customer, touchpoint, org_unit FROM (SELECT ");
	append_field(&query, relation, texts, rule, RULE_AT, "timestamptz");
	appendStringInfoString(&query, " AS happened_at, ");
	append_field(&query, relation, texts, rule, RULE_CUSTOMER, "text");
	appendStringInfoString(&query, " AS customer, ");
	append_field(&query, relation, texts, rule, RULE_TOUCHPOINT, "text");
	appendStringInfoString(&query, " AS touchpoint, ");
	append_field(&query, relation, texts, rule, RULE_ORG_UNIT, "text");
	appendStringInfo(&query, " AS org_unit FROM %s AS %s WHERE ", relation_full_name(relation), quote_identifier(texts->alias));
	append_field(&query, relation, texts, rule, RULE_CONDITION, "boolean");
	appendStringInfoString(&query, ") AS found WHERE happened_at <@ $1");
	return query.data;
}

/* Rows that a rule matches: rule_history(relation, rule, during). */
PG_FUNCTION_INFO_V1(rule_history);
Datum
rule_history(PG_FUNCTION_ARGS)
{
	Relation	relation = relation_open(PG_GETARG_OID(0), AccessShareLock);
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	DestReceiver *receiver = CreateDestReceiver(DestTuplestore);
	Oid			types[1] = {TSTZRANGEOID};
	Datum		values[1] = {PG_GETARG_DATUM(2)};
	bool		nulls[1] = {false};
	RuleTexts	texts;
	const RuleText *rule = rule_of_owner(relation, text_to_cstring(PG_GETARG_TEXT_PP(1)), &texts);
	ActingAs	before;

	check_may_read(relation);
	check_needs_no_old_row(relation, &texts, rule);
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	SetTuplestoreDestReceiverParams(receiver, result->setResult, result->econtext->ecxt_per_query_memory, false, NULL, NULL);
	before = act_as_reader(relation->rd_rel->relowner);
	SPI_connect();
	target_query_into(history_query(relation, &texts, rule), 1, types, values, nulls, receiver);
	SPI_finish();
	act_as_before(before);
	relation_close(relation, NoLock);
	return (Datum) 0;
}
