/*-------------------------------------------------------------------------
 *
 * rule_triggers.c
 *	  Makes and drops the triggers that hold the alert rules of a relation.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "parser/parse_func.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "program/catalog.h"
#include "program/owner.h"
#include "program/trigger.h"
#include "watch/rule_triggers.h"

/* Triggers that hold the rules of a relation. */
#define RULE_TRIGGERS 2

/* The next trigger for alert rules behind a place among those of a relation, or NULL; moves the place on. */
static Trigger *
next_trigger(Relation relation, int *place)
{
	Oid			function = LookupFuncName(list_make2(makeString("cx"), makeString("watch")), 0, NULL, false);
	TriggerDesc *triggers = relation->trigdesc;

	while (triggers != NULL && *place < triggers->numtriggers)
		if (triggers->triggers[(*place)++].tgfoid == function)
			return &triggers->triggers[*place - 1];
	return NULL;
}

/* A trigger with the rules of a relation that is its owner's, or NULL: others may make some too. */
static Trigger *
signed_trigger(Relation relation)
{
	int			place = 0;
	Trigger    *trigger;

	while ((trigger = next_trigger(relation, &place)) != NULL)
		if (trigger_is_signed(relation->rd_rel->relowner, trigger))
			break;
	return trigger;
}

/* Whether a trigger fires for all rows that it is made for: neither a condition nor a list of columns was added to it. */
static bool
trigger_is_whole(const Trigger *trigger)
{
	return trigger->tgqual == NULL && trigger->tgnattr == 0 && trigger->tgnewtable != NULL &&
		!TRIGGER_FOR_ROW(trigger->tgtype) && (TRIGGER_FOR_INSERT(trigger->tgtype) || (TRIGGER_FOR_UPDATE(trigger->tgtype) && trigger->tgoldtable != NULL));
}

/* Raise an error unless all triggers that the rules of a relation need are there and fire. */
static void
check_triggers(Relation relation)
{
	int			place = 0;
	int			good = 0;
	Trigger    *trigger;

	while ((trigger = next_trigger(relation, &place)) != NULL)
		good += trigger_is_signed(relation->rd_rel->relowner, trigger) && trigger_is_whole(trigger) &&
			(trigger->tgenabled == TRIGGER_FIRES_ON_ORIGIN || trigger->tgenabled == TRIGGER_FIRES_ALWAYS);
	if (good < RULE_TRIGGERS)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("triggers of alert rules on \"%s\" are missing, disabled or changed", RelationGetRelationName(relation)),
				 errhint("ALTER TABLE ... ENABLE TRIGGER, or let the owner make the rules again.")));
}

/* Whether an expression of a rule, all of which must run on rows of the relation, asks for the row before an UPDATE. */
bool
rule_expressions_use_old(Relation relation, const char *alias, const RuleText *rule)
{
	bool		uses_old = false;

	for (RuleField field = 0; field < RULE_FIELDS; field++)
	{
		RuleExpression expression = rule_plan(relation, alias, rule, field);

		uses_old |= expression.uses_old;
		rule_expression_free(&expression);
	}
	return uses_old;
}

/* Raise an error unless a rule runs on rows of the relation. */
static void
rule_check(Relation relation, const char *alias, const RuleText *rule)
{
	ActingAs	before = act_as_reader(relation->rd_rel->relowner);
	bool		uses_old = rule_expressions_use_old(relation, alias, rule);

	for (RuleTemplate template = 0; template < RULE_TEMPLATES; template++)
		(void) rule_template(relation, rule, template, &uses_old);
	act_as_before(before);
	if (uses_old && rule->ignores_updates)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("alert rule \"%s\" uses old_row but ignores updates", rule->name),
				 errhint("Leave out on_update => false.")));
}

/* The rules of a relation as its owner wrote them, with room for one more. */
static RuleTexts
rules_of(Relation relation)
{
	Trigger    *trigger = signed_trigger(relation);
	RuleTexts	texts = {0};

	if (trigger != NULL)
		return rules_read(trigger->tgnargs, trigger_arguments(trigger));
	texts.alias = pstrdup(RelationGetRelationName(relation));
	texts.rules = palloc0(sizeof(RuleText));
	return texts;
}

/* The rule of this name, and all of the relation, as the owner wrote them, or an error. */
const RuleText *
rule_of_owner(Relation relation, const char *name, RuleTexts *texts)
{
	*texts = rules_of(relation);
	for (int i = 0; i < texts->count; i++)
		if (strcmp(texts->rules[i].name, name) == 0)
			return &texts->rules[i];
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("relation \"%s\" has no trigger with alert rule \"%s\" of its owner", RelationGetRelationName(relation), name),
			 errhint("Drop the rule and create it again.")));
}

/* Raise an error unless a rule of a relation still runs on its rows: check_rule(relation, rule). */
PG_FUNCTION_INFO_V1(check_rule);
Datum
check_rule(PG_FUNCTION_ARGS)
{
	Relation	relation = relation_open(PG_GETARG_OID(0), AccessShareLock);
	RuleTexts	texts;
	const RuleText *rule = rule_of_owner(relation, text_to_cstring(PG_GETARG_TEXT_PP(1)), &texts);

	check_triggers(relation);
	rule_check(relation, texts.alias, rule);
	relation_close(relation, AccessShareLock);
	PG_RETURN_VOID();
}

/* Make the triggers on a relation, with the rights of its owner, within an SPI connection. */
static void
create_triggers(Relation relation, int count, char **arguments)
{
	ActingAs	before = act_as(relation->rd_rel->relowner);

	trigger_create(relation, "cx_watch_insert", "AFTER INSERT", "REFERENCING NEW TABLE AS cx_new", "watch", count, arguments);
	trigger_create(relation, "cx_watch_update", "AFTER UPDATE", "REFERENCING OLD TABLE AS cx_old NEW TABLE AS cx_new", "watch", count, arguments);
	act_as_before(before);
}

/* Drop the triggers on a relation, with the rights of its owner, within an SPI connection. */
static void
drop_triggers(Oid relation_id)
{
	for (;;)
	{
		Relation	relation = relation_open(relation_id, AccessShareLock);
		Oid			owner = relation->rd_rel->relowner;
		int			place = 0;
		Trigger    *trigger = next_trigger(relation, &place);
		char	   *command = trigger == NULL ? NULL :
			psprintf("DROP TRIGGER %s ON %s", quote_identifier(trigger->tgname), relation_full_name(relation));
		ActingAs	before;

		/* a trigger cannot be dropped while its table is open */
		relation_close(relation, NoLock);
		if (command == NULL)
			return;
		before = act_as(owner);
		run_utility(command);
		act_as_before(before);
	}
}

/* Whether a relation has rules, signed ones, that are not those of another one above it. */
static bool
has_other_rules(Relation relation, Relation parent)
{
	RuleTexts	texts = rules_of(relation);
	const CatalogEntry *rule = texts.count == 0 ? NULL : catalog_find(PROGRAM_ALERT_RULE, texts.rules[0].name);

	return rule != NULL && rule->relation != RelationGetRelid(parent);
}

/* Whether a child of a relation can have its rules; says why not. */
static bool
child_can_have_rules(Relation child, Relation parent)
{
	if (RELATION_IS_OTHER_TEMP(child) || child->rd_rel->relowner != parent->rd_rel->relowner ||
		(child->rd_rel->relkind != RELKIND_RELATION && child->rd_rel->relkind != RELKIND_PARTITIONED_TABLE))
		return false;
	if (has_other_rules(child, parent))
	{
		ereport(WARNING,
				(errmsg("alert rules of \"%s\" do not look at rows written directly to \"%s\", which has others", RelationGetRelationName(parent), RelationGetRelationName(child)),
				 errhint("Make all of them on \"%s\".", RelationGetRelationName(parent))));
		return false;
	}
	return true;
}

/* Whether a child has the rules of its parent. */
static bool
child_has_rules(Relation child, int count, char **arguments)
{
	Trigger    *trigger = signed_trigger(child);

	if (trigger == NULL || trigger->tgnargs != count)
		return false;
	for (int i = 0; i < count; i++)
		if (strcmp(trigger->tgargs[i], arguments[i]) != 0)
			return false;
	return true;
}

/* Bring the triggers on a partition or child in step, within an SPI connection; whether they were not. */
static bool
cover_child(Oid child_id, Relation parent, int count, char **arguments)
{
	Relation	child = relation_open(child_id, AccessShareLock);
	int			place = 0;
	bool		is_behind = child_can_have_rules(child, parent) &&
		(count == 0 ? next_trigger(child, &place) != NULL : !child_has_rules(child, count, arguments));

	if (is_behind && count > 0)
		create_triggers(child, count, arguments);
	relation_close(child, NoLock);
	if (is_behind && count == 0)
		drop_triggers(child_id);
	return is_behind;
}

/* Bring the triggers on all partitions and children of a relation in step; gives how many were not. */
static int64
cover_children_of(Relation relation, int count, char **arguments)
{
	List	   *children = find_all_inheritors(RelationGetRelid(relation), AccessShareLock, NULL);
	int64		covered = 0;
	ListCell   *cell;

	foreach(cell, children)
		if (lfirst_oid(cell) != RelationGetRelid(relation))
			covered += cover_child(lfirst_oid(cell), relation, count, arguments);
	return covered;
}

/* Raise an error unless the caller owns the relation. */
static void
check_owner(Relation relation)
{
	if (!has_privs_of_role(GetUserId(), relation->rd_rel->relowner))
		aclcheck_error(ACLCHECK_NOT_OWNER, get_relkind_objtype(relation->rd_rel->relkind), RelationGetRelationName(relation));
}

/* The rule of this name, behind the others; made anew, or if there is none, it is empty. */
static RuleText *
rule_to_change(RuleTexts *texts, char *name, bool anew)
{
	RuleText	rule = {.name = name};
	int			kept = 0;

	for (int i = 0; i < texts->count; i++)
	{
		if (strcmp(texts->rules[i].name, name) != 0)
			texts->rules[kept++] = texts->rules[i];
		else if (!anew)
			rule = texts->rules[i];
	}
	texts->rules[kept] = rule;
	texts->count = kept;
	return &texts->rules[kept];
}

/* Write these rules into the triggers of a relation and its children; without any these go. */
static void
write_rules(Relation relation, const RuleTexts *texts)
{
	char	  **arguments = palloc(sizeof(char *) * (texts->count + 1));
	int			count = texts->count == 0 ? 0 : texts->count + 1;
	Oid			relation_id = RelationGetRelid(relation);

	arguments[0] = unconstify(char *, texts->alias);
	for (int i = 0; i < texts->count; i++)
		arguments[i + 1] = rule_write(&texts->rules[i]);
	SPI_connect();
	if (count > 0)
		create_triggers(relation, count, arguments);
	(void) cover_children_of(relation, count, arguments);
	relation_close(relation, NoLock);
	if (count == 0)
		drop_triggers(relation_id);
	SPI_finish();
}

/* Write a rule into the triggers of its relation: set_rule(relation, rule, fields, anew); without fields it goes. */
PG_FUNCTION_INFO_V1(set_rule);
Datum
set_rule(PG_FUNCTION_ARGS)
{
	Relation	relation = relation_open(PG_GETARG_OID(0), ShareRowExclusiveLock);
	RuleTexts	texts = rules_of(relation);
	RuleText   *rule = rule_to_change(&texts, text_to_cstring(PG_GETARG_TEXT_PP(1)), PG_GETARG_BOOL(3));

	if (PG_ARGISNULL(2))
		/* a rule may also be taken away by the program's owner */
		check_may_act_for(relation);
	else
	{
		check_owner(relation);
		rule_change(rule, PG_GETARG_JSONB_P(2));
		rule_check(relation, texts.alias, rule);
		texts.count++;
	}
	write_rules(relation, &texts);
	PG_RETURN_VOID();
}

/* Give partitions and children that came later the rules of a relation: cover_rules(relation); gives how many. */
PG_FUNCTION_INFO_V1(cover_rules);
Datum
cover_rules(PG_FUNCTION_ARGS)
{
	Relation	relation = try_relation_open(PG_GETARG_OID(0), AccessShareLock);
	Trigger    *trigger = relation == NULL ? NULL : signed_trigger(relation);
	int64		covered = 0;

	if (trigger != NULL)
	{
		int			count = trigger->tgnargs;
		char	  **arguments = trigger_arguments(trigger);

		check_may_act_for(relation);
		SPI_connect();
		covered = cover_children_of(relation, count, arguments);
		SPI_finish();
	}
	if (relation != NULL)
		relation_close(relation, NoLock);
	PG_RETURN_INT64(covered);
}
