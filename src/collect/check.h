/*-------------------------------------------------------------------------
 *
 * check.h
 *	  What must hold for a row of feedback, of an event or of a ticket, whoever writes it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_CHECK_H
#define CX_CHECK_H

#include "program/catalog.h"

/* What is wrong with a row. */
typedef struct Problem
{
	int			sqlstate;
	char	   *message;
	char	   *hint;			/* or NULL */
} Problem;

extern bool problem_is(Problem *problem, int sqlstate, const char *hint, const char *format,...) pg_attribute_printf(4, 5) pg_attribute_cold;
pg_noreturn extern void problem_raise(const Problem *problem) pg_attribute_cold;
extern bool check_score(const char *metric, double score, Problem *problem);
extern bool check_kind(const char *kind, Problem *problem);
extern bool check_status(const char *status, Problem *problem);
extern bool check_priority(const char *priority, Problem *problem);
extern bool check_reopened(int reopened, Problem *problem);
extern bool check_time(TimestampTz at, const char *column, Problem *problem);
extern bool check_metric_given(const char *metric, Problem *problem);
extern bool check_found(const CatalogEntry *entry, ProgramTable table, const char *code, Problem *problem);

#endif							/* CX_CHECK_H */
