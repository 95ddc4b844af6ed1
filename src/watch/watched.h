/*-------------------------------------------------------------------------
 *
 * watched.h
 *	  Relations with alert rules, as a backend keeps them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_WATCHED_H
#define CX_WATCHED_H

#include "utils/reltrigger.h"

#include "watch/rule.h"
#include "watch/rule_key.h"

/* How it is found that a row may match a rule. */
typedef enum WatchedWay
{
	WATCHED_NEVER,				/* not at all: it cannot run */
	WATCHED_ALONE,				/* by asking it */
	WATCHED_TOGETHER,			/* by asking it together with others */
	WATCHED_BY_KEY				/* by a value that it asks for */
} WatchedWay;

/* A rule, ready to run. */
typedef struct WatchedRule
{
	const RuleText *text;
	int64		id;				/* its key in alert_rule; 0 if it is not there, or not for this relation */
	bool		is_enabled;
	bool		has_scope;		/* is about a touchpoint or unit, so matches are told apart by these */
	bool		is_planned;
	bool		uses_old;		/* looks at the row before an UPDATE, so it runs on UPDATE only */
	RuleExpression expressions[RULE_AT];	/* all but the time */
	List	   *templates[RULE_TEMPLATES];	/* of TemplatePart */
	TimestampTz failed_at;		/* when planning it failed last; 0 if it did not */
	uint64		failed_changes; /* watched_changes then */
} WatchedRule;

/* What a trigger watches. */
typedef struct Watched
{
	Oid			trigger;		/* hash key */
	MemoryContext context;		/* holds what follows; NULL if nothing does */
	MemoryContext states;		/* expressions ready to run; emptied when one of them is planned anew */
	Oid			relation;
	Oid			owner;			/* of the relation when that was read */
	bool		is_signed;		/* this owner made the trigger */
	bool		is_stale;		/* the relation or its triggers have changed since */
	bool		is_temporary;	/* made for one statement within another one that uses the same trigger */
	int			users;			/* statements in progress that use this */
	RuleTexts	texts;
	WatchedRule *rules;			/* as many as texts */
	uint64		known_changes;	/* catalog_changes of alert_rule when keys were looked up */
	bool		is_sorted;		/* the next four are up to date */
	WatchedWay *ways;			/* by rule: how it is found that a row may match it */
	List	   *keys;			/* of RuleKey; NIL if there are none */
	ExprState  *any;			/* whether one of those that are asked together may match; NULL if there are none */
	int			together;		/* how many these are */
	AttrNumber	customer_id;	/* columns of feedback and event; 0 in other relations, this and the next five */
	AttrNumber	touchpoint_id;
	AttrNumber	org_unit_id;
	AttrNumber	staff_id;
	AttrNumber	customer_merge_id;
	AttrNumber	feedback_id;
} Watched;

/* What is done about a rule that cannot be planned. */
typedef void (*WatchedFailure) (void *argument, const WatchedRule *rule, const ErrorData *error);

extern Watched *watched_get(Relation relation, const Trigger *trigger);
extern void watched_release(Watched *watched);
extern bool watched_prepare(Watched *watched, Relation relation, WatchedFailure failure, void *argument);
extern void watched_forget_states(Watched *watched);
extern void watched_look_up(Watched *watched, Relation relation);
extern bool watched_is_ready(Relation relation, const Trigger *trigger);
extern bool watched_must_fail(int sqlstate);

#endif							/* CX_WATCHED_H */
