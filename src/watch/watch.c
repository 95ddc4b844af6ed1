/*-------------------------------------------------------------------------
 *
 * watch.c
 *	  The trigger on relations with alert rules.
 *
 * It runs all rules of the relation over the rows of the statement, with the
 * rights of the relation's owner, in a subtransaction.  After an error a new one
 * goes on behind the rule and the row that are to blame.  What matches is counted
 * by rule and customer in memory, and written at the end with the rights of the
 * program's owner; so is what failed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "program/attempt.h"
#include "program/catalog.h"
#include "program/owner.h"
#include "program/trigger.h"
#include "watch/alert_match.h"
#include "watch/row_pair.h"
#include "watch/watched.h"

/* Errors after which a rule is left out for the rest of a statement. */
#define WATCH_MOST_ERRORS 100

/* Matches that are kept in memory before they are written. */
#define WATCH_MOST_MATCHES 10000

/* Bytes of the longest code; an index takes about three times that. */
#define WATCH_LONGEST_CODE 1000

/* Places in a row besides those of rules. */
#define AT_END -2				/* the row is done */
#define AT_START -1				/* the rules that are asked together come first */

/* A statement whose rows are looked at. */
typedef struct Watching
{
	Watched    *watched;
	Relation	relation;
	MemoryContext context;		/* lasts as long as the statement */
	bool		is_update;
	Tuplestorestate *new_rows;
	Tuplestorestate *old_rows;	/* paired with new_rows by position; NULL if there are none, or if they cannot be paired */
	int			new_reader;		/* read pointers of ours, for others read these rows as well */
	int			old_reader;
	TupleTableSlot *new_slot;
	TupleTableSlot *old_slot;
	int64		row;			/* number of the row at hand, from 1 */
	int			place;			/* which of the next ones is to look at it now, or one of the places above */
	int		   *due;			/* rules that have to look at it */
	int			due_count;
	bool		asks_old;		/* whether the row before an UPDATE matched */
	bool		old_failed;		/* that cannot be told of the rule and row at hand */
	bool		is_done;		/* no rows are left */
	int			alone_count;	/* those of them that have to look at every row, which come first */
	int		   *errors;			/* by rule */
	AlertMatches *matches;
	AlertErrors *failures;

	/* of one subtransaction */
	ExprContext *econtext;
	ExprState **states;			/* expressions that do not outlive it, by rule and field */
	bool		is_acting;		/* with the rights of the relation's owner, and sees what the statement wrote */
	ActingAs	before;			/* what to go back to then */
} Watching;

/* From here on this subtransaction has the rights of the relation's owner. */
static void
watch_act(Watching *watching)
{
	if (watching->is_acting)
		return;
	watching->before = act_as_reader(watching->watched->owner);
	/* functions that are not volatile see the rows of the statement, as volatile ones do */
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	watching->is_acting = true;
}

/* An expression of a rule, ready to run. */
static ExprState *
watch_state(Watching *watching, int rule, RuleField field)
{
	RuleExpression *expression = &watching->watched->rules[rule].expressions[field];
	ExprState **state = expression->is_lasting ? &expression->state : &watching->states[rule * RULE_AT + field];
	MemoryContext before;

	if (*state != NULL)
		return *state;
	/* this checks whether the owner may call the functions */
	watch_act(watching);
	before = MemoryContextSwitchTo(expression->is_lasting ? watching->watched->states : watching->econtext->ecxt_per_query_memory);
	*state = ExecInitExpr((Expr *) expression->planned->expr, NULL);
	MemoryContextSwitchTo(before);
	return *state;
}

/* The value of an expression for the row at hand. */
static Datum
watch_evaluate(Watching *watching, int rule, RuleField field, TupleTableSlot *row, bool *isnull)
{
	ExprState  *state = watch_state(watching, rule, field);

	if (!watching->watched->rules[rule].expressions[field].is_immutable)
		watch_act(watching);
	watching->econtext->ecxt_scantuple = row;
	watching->econtext->ecxt_outertuple = watching->old_slot;
	return ExecEvalExprSwitchContext(state, watching->econtext, isnull);
}

/* Whether the condition of a rule holds for a row. */
static bool
watch_holds(Watching *watching, int rule, TupleTableSlot *row)
{
	bool		isnull;
	Datum		holds = watch_evaluate(watching, rule, RULE_CONDITION, row, &isnull);

	return !isnull && DatumGetBool(holds);
}

/* Whether a rule is of no use for this statement, or no more. */
static bool
watch_is_out(const Watching *watching, int number)
{
	const WatchedRule *rule = &watching->watched->rules[number];

	if (watching->errors[number] >= WATCH_MOST_ERRORS)
		return true;
	return watching->is_update ? rule->text->ignores_updates || (rule->uses_old && watching->old_rows == NULL) : rule->uses_old;
}

/* Whether a rule matches the row at hand; without a word about the old row, only if that is not known to have matched. */
static bool
watch_matches(Watching *watching, int rule)
{
	bool		did_match;

	if (!watch_holds(watching, rule, watching->new_slot))
		return false;
	if (watching->old_rows == NULL || watching->watched->rules[rule].uses_old || watching->old_failed)
		return true;
	watching->asks_old = true;
	did_match = watch_holds(watching, rule, watching->old_slot);
	watching->asks_old = false;
	return !did_match;
}

/* A code that an expression gives; NULL if there is none. */
static char *
watch_code(Watching *watching, int rule, RuleField field)
{
	bool		isnull = true;
	Datum		code = (Datum) 0;
	char	   *given;

	if (watching->watched->rules[rule].expressions[field].planned != NULL)
		code = watch_evaluate(watching, rule, field, watching->new_slot, &isnull);
	given = isnull ? NULL : TextDatumGetCString(code);
	if (given != NULL && strlen(given) > WATCH_LONGEST_CODE)
		ereport(ERROR,
				(errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION),
				 errmsg("a code is longer than %d bytes", WATCH_LONGEST_CODE)));
	return given == NULL || given[0] == '\0' ? NULL : given;
}

/* A key that a column of feedback or event holds; 0 if none. */
static int64
watch_column(const Watching *watching, AttrNumber column)
{
	bool		isnull = true;
	Datum		key = column == 0 ? (Datum) 0 : slot_getattr(watching->new_slot, column, &isnull);

	return isnull ? 0 : DatumGetInt64(key);
}

/* The same, unless an expression gives the code that the key belongs to. */
static int64
watch_key(Watching *watching, int rule, RuleField field, AttrNumber column, ProgramTable table)
{
	char	   *code = watch_code(watching, rule, field);
	const CatalogEntry *entry;

	if (code != NULL)
	{
		entry = catalog_find(table, code);
		return entry == NULL ? 0 : entry->id;
	}
	return watch_column(watching, column);
}

/* Fill in a template with the row at hand. */
static char *
watch_text(Watching *watching, int rule, RuleTemplate template)
{
	List	   *parts = watching->watched->rules[rule].templates[template];
	StringInfoData text;
	ListCell   *cell;

	if (parts == NIL)
		return NULL;
	/* output functions of types that were added run with the owner's rights */
	watch_act(watching);
	initStringInfo(&text);
	foreach(cell, parts)
	{
		const TemplatePart *part = (const TemplatePart *) lfirst(cell);

		if (part->kind == PART_COLUMN)
			alert_append_value(&text, part->is_old ? watching->old_slot : watching->new_slot, part->column, template == RULE_ROUTE);
		else
			appendStringInfoString(&text, part->text);
	}
	return text.data;
}

/* Take the row at hand, which a rule matches. */
static void
watch_take(Watching *watching, int number)
{
	const Watched *watched = watching->watched;
	AlertMatch	match = {.rule_id = watched->rules[number].id, .has_scope = watched->rules[number].has_scope};

	match.customer = watch_code(watching, number, RULE_CUSTOMER);
	if (match.customer == NULL)
		match.customer_id = watch_key(watching, number, RULE_CUSTOMER, watched->customer_id, PROGRAM_CUSTOMER);
	match.touchpoint_id = watch_key(watching, number, RULE_TOUCHPOINT, watched->touchpoint_id, PROGRAM_TOUCHPOINT);
	match.org_unit_id = watch_key(watching, number, RULE_ORG_UNIT, watched->org_unit_id, PROGRAM_ORG_UNIT);
	match.staff_id = watch_key(watching, number, RULE_STAFF, watched->staff_id, PROGRAM_STAFF);
	match.customer_merge_id = match.customer_id == 0 ? 0 : watch_key(watching, number, RULE_CUSTOMER, watched->customer_merge_id, PROGRAM_CUSTOMER);
	if (alert_count(watching->matches, &match))
		return;
	match.feedback_id = watch_column(watching, watched->feedback_id);
	match.message = watch_text(watching, number, RULE_MESSAGE);
	match.route = watch_text(watching, number, RULE_ROUTE);
	alert_add(watching->matches, &match);
}

/* Take a row from where our read pointer stands; false if there is none. */
static bool
watch_fetch(const Watching *watching, Tuplestorestate *rows, int reader, TupleTableSlot *slot)
{
	/* a row that was read from disk stays when the subtransaction is undone */
	MemoryContext before = MemoryContextSwitchTo(watching->context);
	bool		is_there;

	tuplestore_select_read_pointer(rows, reader);
	is_there = tuplestore_gettupleslot(rows, true, false, slot);
	MemoryContextSwitchTo(before);
	return is_there;
}

/* Go on to the next row; false if there is none. */
static bool
watch_next_row(Watching *watching)
{
	if (!watch_fetch(watching, watching->new_rows, watching->new_reader, watching->new_slot))
		return false;
	if (watching->old_rows != NULL && !watch_fetch(watching, watching->old_rows, watching->old_reader, watching->old_slot))
		elog(ERROR, "a row before an UPDATE is missing");
	watching->row++;
	watching->place = AT_START;
	return true;
}

/* Whether one of the rules that are asked together may match the row at hand. */
static bool
watch_any(Watching *watching)
{
	bool		isnull;
	Datum		any;

	if (watching->watched->any == NULL)
		return true;
	watching->econtext->ecxt_scantuple = watching->new_slot;
	any = ExecEvalExprSwitchContext(watching->watched->any, watching->econtext, &isnull);
	return !isnull && DatumGetBool(any);
}

/* Let all rules look at the row at hand that are found in one of two ways. */
static void
watch_add_due(Watching *watching, WatchedWay way, WatchedWay or_way)
{
	for (int i = 0; i < watching->watched->texts.count; i++)
		if (watching->watched->ways[i] == way || watching->watched->ways[i] == or_way)
			watching->due[watching->due_count++] = i;
}

/* Find the rules that have to look at the row at hand. */
static void
watch_find_due(Watching *watching)
{
	ListCell   *cell;

	watching->due_count = watching->alone_count;
	if (watching->watched->together > 0 && watch_any(watching))
		watch_add_due(watching, WATCHED_TOGETHER, WATCHED_TOGETHER);
	foreach(cell, watching->watched->keys)
		watching->due_count = rule_key_candidates((RuleKey *) lfirst(cell), watching->new_slot, watching->due, watching->due_count);
}

/* Let the rules look at the row at hand, from where they were. */
static void
watch_row(Watching *watching)
{
	if (watching->place == AT_START)
	{
		watch_find_due(watching);
		watching->place = 0;
	}
	for (; watching->place < watching->due_count; watching->place++)
	{
		int			rule = watching->due[watching->place];

		if (!watch_is_out(watching, rule) && watch_matches(watching, rule))
			watch_take(watching, rule);
		watching->old_failed = false;
	}
	watching->place = AT_END;
	ResetExprContext(watching->econtext);
}

/* Look at rows until there are none or memory is full; work that may fail. */
static void
watch_rows(void *argument)
{
	Watching   *watching = (Watching *) argument;
	Size		states = mul_size(sizeof(ExprState *), mul_size(RULE_AT, Max(watching->watched->texts.count, 1)));
	MemoryContext outer = CurrentMemoryContext;

	watching->is_acting = false;
	watching->econtext = CreateStandaloneExprContext();
	watching->states = palloc0(states);
	MemoryContextSwitchTo(watching->econtext->ecxt_per_tuple_memory);
	while (watching->matches->count < WATCH_MOST_MATCHES)
	{
		CHECK_FOR_INTERRUPTS();
		if (watching->place == AT_END && !watch_next_row(watching))
		{
			watching->is_done = true;
			break;
		}
		watch_row(watching);
	}
	MemoryContextSwitchTo(outer);
	FreeExprContext(watching->econtext, true);
	if (watching->is_acting)
	{
		PopActiveSnapshot();
		act_as_before(watching->before);
	}
}

/* Note that a rule failed with the row at hand, and go on behind it. */
static void
watch_failed(Watching *watching, const ErrorData *error)
{
	int			number;
	const WatchedRule *rule;

	if (watching->place == AT_END)
		elog(ERROR, "cannot read the rows of a statement: %s", error->message);
	if (watching->place == AT_START)
	{
		/* which of them it was will turn out */
		watching->due_count = watching->alone_count;
		watch_add_due(watching, WATCHED_TOGETHER, WATCHED_BY_KEY);
		watching->place = 0;
		return;
	}
	if (watching->asks_old)
	{
		/* what is wrong with the row as it was is no matter any more */
		watching->asks_old = false;
		watching->old_failed = true;
		return;
	}
	watching->old_failed = false;
	number = watching->due[watching->place];
	rule = &watching->watched->rules[number];
	alert_error_add(watching->failures, rule->id, row_name(watching->relation, watching->watched->owner, watching->new_slot, watching->row), error->sqlerrcode, error->message);
	if (++watching->errors[number] == WATCH_MOST_ERRORS)
		alert_error_add(watching->failures, rule->id, NULL, ERRCODE_PROGRAM_LIMIT_EXCEEDED,
						psprintf("left out for the rest of a statement after %d errors", WATCH_MOST_ERRORS));
	watching->place++;
}

/* Note that a rule cannot be planned. */
static void
watch_plan_failed(void *argument, const WatchedRule *rule, const ErrorData *error)
{
	alert_error_add((AlertErrors *) argument, rule->id, NULL, error->sqlerrcode, error->message);
}

/* Write the matches so far. */
static void
watch_write(Watching *watching)
{
	ErrorData  *error;

	if (watching->matches->count == 0)
		return;
	if (!attempt(alert_write, watching->matches, watched_must_fail, &error))
	{
		alert_error_add(watching->failures, 0, NULL, error->sqlerrcode, error->message);
		/* maintain() raises them one by one, and says which cannot be raised */
		if (!attempt(alert_keep, watching->matches, watched_must_fail, &error))
			alert_error_add(watching->failures, 0, NULL, error->sqlerrcode, error->message);
	}
	alert_forget(watching->matches);
}

/* Look at all rows. */
static void
watch_all_rows(Watching *watching)
{
	ErrorData  *error;

	watching->place = AT_END;
	while (!watching->is_done)
	{
		if (attempt(watch_rows, watching, watched_must_fail, &error))
			watch_write(watching);
		else
			watch_failed(watching, error);
	}
	watch_write(watching);
}

/* A read pointer of our own, at the first row. */
static int
watch_reader(Tuplestorestate *rows)
{
	int			reader = tuplestore_alloc_read_pointer(rows, EXEC_FLAG_REWIND);

	tuplestore_select_read_pointer(rows, reader);
	tuplestore_rescan(rows);
	return reader;
}

/* Pair the rows of an UPDATE; if that cannot be done, rules that look at the row after it run all the same. */
static void
watch_pair(Watching *watching, TriggerData *trigger)
{
	RowPairs	pairs = {.relation = watching->relation, .owner = watching->watched->owner, .old_rows = trigger->tg_oldtable, .new_rows = trigger->tg_newtable};
	ErrorData  *error;

	row_pairs_begin(&pairs);
	if (!attempt(row_pairs_match, &pairs, watched_must_fail, &error))
	{
		alert_error_add(watching->failures, 0, NULL, error->sqlerrcode, error->message);
		return;
	}
	watching->new_rows = pairs.new_rows;
	watching->old_rows = pairs.old_rows;
	watching->old_reader = watch_reader(watching->old_rows);
	watching->old_slot = MakeSingleTupleTableSlot(RelationGetDescr(watching->relation), &TTSOpsMinimalTuple);
}

/* Look at the rows of the statement. */
static void
watch_rows_of(Watching *watching, TriggerData *trigger)
{
	watching->new_rows = trigger->tg_newtable;
	if (watching->is_update)
		watch_pair(watching, trigger);
	watching->new_reader = watch_reader(watching->new_rows);
	watching->new_slot = MakeSingleTupleTableSlot(RelationGetDescr(watching->relation), &TTSOpsMinimalTuple);
	watch_all_rows(watching);
	ExecDropSingleTupleTableSlot(watching->new_slot);
	if (watching->old_slot != NULL)
		ExecDropSingleTupleTableSlot(watching->old_slot);
}

/* Find the rules that look at every row; they are due for each. */
static void
watch_begin(Watching *watching)
{
	watching->due = palloc(sizeof(int) * Max(watching->watched->texts.count, 1));
	watching->due_count = 0;
	watch_add_due(watching, WATCHED_ALONE, WATCHED_ALONE);
	watching->alone_count = watching->due_count;
}

/* Run the rules of a trigger over the rows of its statement. */
static void
watch_statement(Watched *watched, TriggerData *trigger)
{
	AlertErrors failures = {0};
	Watching	watching = {.watched = watched, .relation = trigger->tg_relation, .context = CurrentMemoryContext, .failures = &failures,
	.is_update = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event)};
	ErrorData  *error;

	if (watched_prepare(watched, trigger->tg_relation, watch_plan_failed, &failures))
	{
		watching.errors = palloc0(sizeof(int) * Max(watched->texts.count, 1));
		watch_begin(&watching);
		watching.matches = alert_matches();
		watch_rows_of(&watching, trigger);
	}
	/* what could not be made ready may have left something behind */
	if (failures.count > 0)
		watched_forget_states(watched);
	if (failures.count > 0 && !attempt(alert_error_write, &failures, watched_must_fail, &error))
		ereport(WARNING,
				(errmsg("errors in alert rules of \"%s\" could not be recorded: %s", RelationGetRelationName(trigger->tg_relation), error->message)));
}

/* The trigger's data, after checking how it was called. */
static TriggerData *
watch_trigger(FunctionCallInfo fcinfo)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_FOR_STATEMENT(trigger->tg_event) || !TRIGGER_FIRED_AFTER(trigger->tg_event) ||
		trigger->tg_newtable == NULL || (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) && trigger->tg_oldtable == NULL))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("watch() must be called as the trigger that cx.create_alert() makes")));
	return trigger;
}

/* What is known of a trigger, to be read if need be. */
typedef struct Opening
{
	Relation	relation;
	const Trigger *trigger;
	MemoryContext context;		/* lasts as long as the statement */
	Watched    *watched;		/* what came out; to be released even after an error */
} Opening;

/* Read it; work that may fail, where the program is not what it should be. */
static void
watch_open(void *argument)
{
	Opening    *opening = (Opening *) argument;

	MemoryContextSwitchTo(opening->context);
	opening->watched = watched_get(opening->relation, opening->trigger);
	if (opening->watched->is_signed)
		watched_look_up(opening->watched, opening->relation);
}

/* Run the rules that a trigger holds, if they are the owner's. */
static void
watch_opened(Opening *opening, TriggerData *trigger)
{
	ErrorData  *error;

	if (!attempt(watch_open, opening, watched_must_fail, &error))
		ereport(WARNING,
				(errmsg("the alert rules of \"%s\" do not run: %s", RelationGetRelationName(opening->relation), error->message)));
	else if (!opening->watched->is_signed)
		ereport(program_strict_alerts() ? ERROR : WARNING,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("the alert rules of trigger \"%s\" on \"%s\" are not those of the owner of the relation",
						opening->trigger->tgname, RelationGetRelationName(opening->relation)),
				 errhint("Drop the trigger, or let the owner make the rules again with cx.create_alert().")));
	else
		watch_statement(opening->watched, trigger);
}

/* Trigger on relations with alert rules. */
PG_FUNCTION_INFO_V1(watch);
Datum
watch(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = watch_trigger(fcinfo);
	Opening		opening = {.relation = trigger->tg_relation, .trigger = trigger->tg_trigger};
	MemoryContext before;

	if (tuplestore_tuple_count(trigger->tg_newtable) == 0)
		return PointerGetDatum(NULL);
	opening.context = AllocSetContextCreate(CurrentMemoryContext, "cx watch", ALLOCSET_SMALL_SIZES);
	before = MemoryContextSwitchTo(opening.context);
	PG_TRY();
	{
		if (watched_is_ready(opening.relation, opening.trigger))
			opening.watched = watched_get(opening.relation, opening.trigger);
		if (opening.watched != NULL && opening.watched->is_signed)
			watch_statement(opening.watched, trigger);
		else
			watch_opened(&opening, trigger);
	}
	PG_FINALLY();
	{
		if (opening.watched != NULL)
			watched_release(opening.watched);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(before);
	MemoryContextDelete(opening.context);
	return PointerGetDatum(NULL);
}
