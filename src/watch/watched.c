/*-------------------------------------------------------------------------
 *
 * watched.c
 *	  Keeps the alert rules of relations in the memory of the session, planned.
 *
 * Reading and planning them for every statement would cost more than most
 * statements.  What was read is read again when the relation or its triggers
 * change, what was planned is planned again when something changes that the plan
 * depends on, and a rule that cannot be planned is tried again when anything
 * changes, or after a minute.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "program/attempt.h"
#include "program/catalog.h"
#include "program/owner.h"
#include "program/trigger.h"
#include "watch/watched.h"

/* How long a rule that cannot be planned is left alone, in milliseconds. */
#define WATCHED_RETRY 60000

/* All that this backend has used, by trigger. */
static HTAB *watched_triggers = NULL;

/* Goes up whenever something changes that a rule which cannot be planned may wait for. */
static uint64 watched_changes = 0;

/* A relation changed, or with InvalidOid perhaps any. */
static void
watched_relation_changed(Datum argument, Oid relation)
{
	HASH_SEQ_STATUS scan;
	Watched    *watched;

	watched_changes++;
	hash_seq_init(&scan, watched_triggers);
	while ((watched = (Watched *) hash_seq_search(&scan)) != NULL)
		if (relation == InvalidOid || relation == watched->relation)
			watched->is_stale = true;
}

/* A function, operator, type or schema changed. */
static void
watched_object_changed(Datum argument, int cacheid, uint32 hashvalue)
{
	watched_changes++;
}

/* Begin to keep rules in memory. */
static void
watched_begin(void)
{
	static const int kinds[] = {PROCOID, OPEROID, TYPEOID, NAMESPACEOID, AUTHOID};
	HASHCTL		control = {.keysize = sizeof(Oid), .entrysize = sizeof(Watched), .hcxt = CacheMemoryContext};

	watched_triggers = hash_create("cx watched relations", 16, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	CacheRegisterRelcacheCallback(watched_relation_changed, (Datum) 0);
	for (int i = 0; i < (int) lengthof(kinds); i++)
		CacheRegisterSyscacheCallback(kinds[i], watched_object_changed, (Datum) 0);
}

/* Forget the plans of a rule. */
static void
watched_rule_forget(WatchedRule *rule)
{
	for (int field = 0; field < RULE_AT; field++)
		rule_expression_free(&rule->expressions[field]);
	rule->is_planned = false;
}

/* Forget what was read. */
static void
watched_forget(Watched *watched)
{
	if (watched->context == NULL)
		return;
	for (int i = 0; i < watched->texts.count; i++)
		watched_rule_forget(&watched->rules[i]);
	MemoryContextDelete(watched->context);
	watched->context = NULL;
}

/* A column of feedback or event that holds a key; 0 if the relation is another one. */
static AttrNumber
key_column(Relation relation, const char *name)
{
	AttrNumber	column;

	if (RelationGetRelid(relation) != program_table(PROGRAM_FEEDBACK) && RelationGetRelid(relation) != program_table(PROGRAM_EVENT))
		return 0;
	column = get_attnum(RelationGetRelid(relation), name);
	return column > 0 && TupleDescAttr(RelationGetDescr(relation), column - 1)->atttypid == INT8OID ? column : 0;
}

/* Read the arguments of a trigger. */
static void
watched_read(Watched *watched, Relation relation, const Trigger *trigger)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "cx watched relation", ALLOCSET_SMALL_SIZES);
	MemoryContext before = MemoryContextSwitchTo(context);

	watched->is_stale = false;
	watched->texts = rules_read(trigger->tgnargs, trigger_arguments(trigger));
	watched->rules = palloc0(sizeof(WatchedRule) * Max(watched->texts.count, 1));
	for (int i = 0; i < watched->texts.count; i++)
		watched->rules[i].text = &watched->texts.rules[i];
	watched->states = AllocSetContextCreate(context, "cx watched expressions", ALLOCSET_SMALL_SIZES);
	watched->relation = RelationGetRelid(relation);
	watched->owner = relation->rd_rel->relowner;
	watched->is_signed = trigger_is_signed(watched->owner, trigger);
	watched->known_changes = 0;
	watched->is_sorted = false;
	watched->customer_id = key_column(relation, "customer_id");
	watched->touchpoint_id = key_column(relation, "touchpoint_id");
	watched->org_unit_id = key_column(relation, "org_unit_id");
	watched->staff_id = key_column(relation, "staff_id");
	watched->customer_merge_id = key_column(relation, "customer_merge_id");
	watched->feedback_id = key_column(relation, "feedback_id");
	MemoryContextSwitchTo(before);
	/* only now, so that an error above leaves nothing behind */
	if (!watched->is_temporary)
		MemoryContextSetParent(context, CacheMemoryContext);
	watched->context = context;
}

/* Forget triggers that are gone. */
static void
watched_sweep(void)
{
	HASH_SEQ_STATUS scan;
	Watched    *watched;

	hash_seq_init(&scan, watched_triggers);
	while ((watched = (Watched *) hash_seq_search(&scan)) != NULL)
		if (watched->is_stale && watched->users == 0)
		{
			watched_forget(watched);
			(void) hash_search(watched_triggers, &watched->trigger, HASH_REMOVE, NULL);
		}
}

/* The place in memory for what is known of a trigger. */
static Watched *
watched_place(Oid trigger)
{
	Watched    *watched = (Watched *) hash_search(watched_triggers, &trigger, HASH_FIND, NULL);

	if (watched == NULL)
	{
		watched_sweep();
		watched = (Watched *) hash_search(watched_triggers, &trigger, HASH_ENTER, NULL);
		watched->context = NULL;
		watched->relation = InvalidOid;
		watched->is_temporary = false;
		watched->is_stale = false;
		watched->users = 0;
	}
	else if (watched->users > 0)
	{
		/* a rule's function writes to the table that it watches: it must not change what the rule runs on */
		watched = palloc0(sizeof(Watched));
		watched->trigger = trigger;
		watched->is_temporary = true;
	}
	return watched;
}

/* What is known of this trigger; to be released. */
Watched *
watched_get(Relation relation, const Trigger *trigger)
{
	Watched    *watched;

	if (watched_triggers == NULL)
		watched_begin();
	watched = watched_place(trigger->tgoid);
	if (watched->context == NULL || watched->is_stale || watched->owner != relation->rd_rel->relowner)
	{
		watched_forget(watched);
		watched_read(watched, relation, trigger);
	}
	watched->users++;
	return watched;
}

/* Have no more use for it. */
void
watched_release(Watched *watched)
{
	watched->users--;
	if (watched->is_temporary)
		watched_forget(watched);
}

/* Forget all expressions that are ready to run. */
void
watched_forget_states(Watched *watched)
{
	MemoryContextReset(watched->states);
	watched->is_sorted = false;
	for (int i = 0; i < watched->texts.count; i++)
		for (int field = 0; field < RULE_AT; field++)
			watched->rules[i].expressions[field].state = NULL;
}

/* Look up which rules the program knows, and which of them are enabled. */
void
watched_look_up(Watched *watched, Relation relation)
{
	uint64		changes = catalog_changes(PROGRAM_ALERT_RULE);

	/* never 0, for that stands for never */
	if (watched->known_changes == changes + 1)
		return;
	for (int i = 0; i < watched->texts.count; i++)
	{
		WatchedRule *rule = &watched->rules[i];
		const CatalogEntry *entry = catalog_find(PROGRAM_ALERT_RULE, rule->text->name);
		bool		is_known = entry != NULL && relation_belongs(relation, entry->relation);

		rule->id = is_known ? entry->id : 0;
		rule->is_enabled = is_known && entry->is_enabled;
		rule->has_scope = is_known && entry->has_scope;
	}
	watched_forget_states(watched);
	watched->known_changes = changes + 1;
}

/* Whether all that is known of a trigger is up to date, so that getting it reads nothing. */
bool
watched_is_ready(Relation relation, const Trigger *trigger)
{
	const Watched *watched = watched_triggers == NULL ? NULL :
		(const Watched *) hash_search(watched_triggers, &trigger->tgoid, HASH_FIND, NULL);

	return watched != NULL && watched->context != NULL && !watched->is_stale && watched->users == 0 &&
		watched->owner == relation->rd_rel->relowner && catalog_is_current(PROGRAM_ALERT_RULE) &&
		watched->known_changes == catalog_changes(PROGRAM_ALERT_RULE) + 1;
}

/* A rule that is to be planned. */
typedef struct Planning
{
	Watched    *watched;
	Relation	relation;
	WatchedRule *rule;
} Planning;

/* Plan it. */
static void
watched_plan(void *argument)
{
	Planning   *planning = (Planning *) argument;
	WatchedRule *rule = planning->rule;
	ActingAs	before = act_as_reader(planning->watched->owner);
	MemoryContext outer;

	rule->uses_old = false;
	for (RuleField field = 0; field < RULE_AT; field++)
	{
		rule->expressions[field] = rule_plan(planning->relation, planning->watched->texts.alias, rule->text, field);
		rule->uses_old |= rule->expressions[field].uses_old;
	}
	outer = MemoryContextSwitchTo(planning->watched->context);
	for (RuleTemplate template = 0; template < RULE_TEMPLATES; template++)
		rule->templates[template] = rule_template(planning->relation, rule->text, template, &rule->uses_old);
	MemoryContextSwitchTo(outer);
	act_as_before(before);
	rule->is_planned = true;
	rule->failed_at = 0;
}

/* Whether an error is raised whatever it hits: somebody wants the statement to end, or there is no room to go on. */
bool
watched_must_fail(int sqlstate)
{
	switch (sqlstate)
	{
		case ERRCODE_QUERY_CANCELED:
		case ERRCODE_ADMIN_SHUTDOWN:
		case ERRCODE_CRASH_SHUTDOWN:
		case ERRCODE_OUT_OF_MEMORY:
		case ERRCODE_DISK_FULL:
			return true;
		default:
			return program_strict_alerts();
	}
}

/* Whether all plans of a rule are still good. */
static bool
watched_rule_is_current(const WatchedRule *rule)
{
	for (int field = 0; field < RULE_AT; field++)
		if (rule->expressions[field].planned != NULL && !rule->expressions[field].planned->is_valid)
			return false;
	return rule->is_planned;
}

/* Whether a rule that could not be planned is to be left alone for now. */
static bool
watched_rule_waits(const WatchedRule *rule)
{
	return rule->failed_at != 0 && rule->failed_changes == watched_changes &&
		!TimestampDifferenceExceeds(rule->failed_at, GetCurrentTimestamp(), WATCHED_RETRY);
}

/* Plan a rule if need be; whether it can run. */
static bool
watched_rule_prepare(Watched *watched, Relation relation, WatchedRule *rule, WatchedFailure failure, void *argument)
{
	Planning	planning = {watched, relation, rule};
	ErrorData  *error;

	if (watched_rule_is_current(rule))
		return true;
	if (watched_rule_waits(rule))
		return false;
	watched_forget_states(watched);
	watched_rule_forget(rule);
	if (attempt(watched_plan, &planning, watched_must_fail, &error))
		return true;
	watched_rule_forget(rule);
	rule->failed_at = GetCurrentTimestamp();
	rule->failed_changes = watched_changes;
	failure(argument, rule, error);
	FreeErrorData(error);
	return false;
}

/* Whether the condition of a rule can be asked before all else: it gives the same whoever asks, and needs the row alone. */
static bool
watched_is_fast(const WatchedRule *rule)
{
	return rule->expressions[RULE_CONDITION].is_immutable && !rule->uses_old;
}

/* Find the rules that a value leads to. */
static void
watched_sort_keys(Watched *watched)
{
	bool	   *is_keyed = palloc0(sizeof(bool) * Max(watched->texts.count, 1));
	ListCell   *cell;
	List	   *keys = NIL;

	for (int i = 0; i < watched->texts.count; i++)
		if (watched->ways[i] == WATCHED_TOGETHER)
			keys = rule_key_add(keys, (Expr *) watched->rules[i].expressions[RULE_CONDITION].planned->expr, i);
	rule_keys_finish(keys, is_keyed);
	for (int i = 0; i < watched->texts.count; i++)
		if (is_keyed[i])
			watched->ways[i] = WATCHED_BY_KEY;
	watched->keys = NIL;
	foreach(cell, keys)
		if (((RuleKey *) lfirst(cell))->entries != NULL)
			watched->keys = lappend(watched->keys, lfirst(cell));
}

/* Make one expression of the conditions that are asked together: most rows match none. */
static void
watched_sort_together(Watched *watched)
{
	List	   *conditions = NIL;

	for (int i = 0; i < watched->texts.count; i++)
		if (watched->ways[i] == WATCHED_TOGETHER)
			conditions = lappend(conditions, copyObject(watched->rules[i].expressions[RULE_CONDITION].planned->expr));
	watched->together = list_length(conditions);
	if (watched->together > 1)
		watched->any = ExecInitExpr(makeBoolExpr(OR_EXPR, conditions, -1), NULL);
}

/* Find the quickest way to each rule; work that may fail. */
static void
watched_sort(void *argument)
{
	Watched    *watched = (Watched *) argument;
	ActingAs	acting = act_as(watched->owner);
	MemoryContext before = MemoryContextSwitchTo(watched->states);

	for (int i = 0; i < watched->texts.count; i++)
		if (watched->ways[i] == WATCHED_ALONE && watched_is_fast(&watched->rules[i]))
			watched->ways[i] = WATCHED_TOGETHER;
	watched_sort_keys(watched);
	watched_sort_together(watched);
	MemoryContextSwitchTo(before);
	act_as_before(acting);
}

/* Ask each rule that can run by itself. */
static void
watched_sort_alone(Watched *watched)
{
	watched->ways = MemoryContextAllocZero(watched->states, sizeof(WatchedWay) * Max(watched->texts.count, 1));
	for (int i = 0; i < watched->texts.count; i++)
		watched->ways[i] = watched->rules[i].is_enabled && watched->rules[i].is_planned ? WATCHED_ALONE : WATCHED_NEVER;
	watched->keys = NIL;
	watched->any = NULL;
	watched->together = 0;
	watched->is_sorted = true;
}

/* Make the rules ready to run; whether there is any that can. */
bool
watched_prepare(Watched *watched, Relation relation, WatchedFailure failure, void *argument)
{
	bool		can_run = false;
	ErrorData  *error;

	for (int i = 0; i < watched->texts.count; i++)
		if (watched->rules[i].is_enabled)
			can_run |= watched_rule_prepare(watched, relation, &watched->rules[i], failure, argument);
	if (can_run && !watched->is_sorted)
	{
		watched_sort_alone(watched);
		if (!attempt(watched_sort, watched, watched_must_fail, &error))
		{
			/* each rule by itself will say why */
			watched_sort_alone(watched);
			FreeErrorData(error);
		}
	}
	return can_run;
}
