/*-------------------------------------------------------------------------
 *
 * alert_match.h
 *	  What rules found in the rows of a statement, and what failed, until it is
 *	  written.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_ALERT_MATCH_H
#define CX_ALERT_MATCH_H

#include "executor/tuptable.h"
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "utils/hsearch.h"

/* A row that a rule matches, or the first of several that make one alert; 0 and NULL stand for unknown. */
typedef struct AlertMatch
{
	int64		rule_id;
	bool		has_scope;		/* rows of the same customer at another place are another match */
	int64		customer_id;
	char	   *customer;		/* code, where the key is not known */
	int64		touchpoint_id;
	int64		org_unit_id;
	int64		staff_id;
	int64		customer_merge_id;	/* merge by which the row came to its customer */
	int64		feedback_id;	/* the row, if it is one of feedback */
	char	   *message;
	char	   *route;
} AlertMatch;

/* Matches, one for each alert, and how many rows each stands for. */
typedef struct AlertMatches
{
	MemoryContext context;		/* holds what follows */
	HTAB	   *by_key;
	List	   *in_order;		/* entries of the table, as they came */
	int			count;
} AlertMatches;

/* Errors of rules, as the elements of a JSON array. */
typedef struct AlertErrors
{
	StringInfoData elements;
	int			count;
} AlertErrors;

extern void alert_append_value(StringInfo text, TupleTableSlot *row, AttrNumber column, bool is_route);
extern AlertMatches *alert_matches(void);
extern bool alert_count(AlertMatches *matches, const AlertMatch *match);
extern void alert_add(AlertMatches *matches, const AlertMatch *match);
extern void alert_write(void *matches);
extern void alert_keep(void *matches);
extern void alert_forget(AlertMatches *matches);
extern void alert_error_add(AlertErrors *errors, int64 rule_id, const char *row, int sqlstate, const char *message);
extern void alert_error_write(void *errors);

#endif							/* CX_ALERT_MATCH_H */
