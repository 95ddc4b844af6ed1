/*-------------------------------------------------------------------------
 *
 * check.c
 *	  Checks of rows of feedback, events and tickets.
 *
 * A check gives false and says what is wrong; whether that becomes an error of
 * the statement or a row of import_error is up to the caller.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "collect/check.h"

/* Note what is wrong; always false. */
bool
problem_is(Problem *problem, int sqlstate, const char *hint, const char *format,...)
{
	va_list		arguments;
	size_t		size = 256;
	size_t		needed;

	for (;;)
	{
		problem->message = palloc(size);
		va_start(arguments, format);
		needed = pvsnprintf(problem->message, size, format, arguments);
		va_end(arguments);
		if (needed < size)
			break;
		pfree(problem->message);
		size = needed;
	}
	problem->sqlstate = sqlstate;
	problem->hint = hint == NULL ? NULL : pstrdup(hint);
	return false;
}

/* Let the statement fail. */
void
problem_raise(const Problem *problem)
{
	ereport(ERROR,
			(errcode(problem->sqlstate),
			 errmsg_internal("%s", problem->message),
			 problem->hint == NULL ? 0 : errhint("%s", problem->hint)));
}

/* Whether a row of the program's small tables was found under the name given for it. */
bool
check_found(const CatalogEntry *entry, ProgramTable table, const char *code, Problem *problem)
{
	static const char *const words[PROGRAM_TABLES] = {
		[PROGRAM_ORG_UNIT] = "org_unit",
		[PROGRAM_STAFF] = "staff",
		[PROGRAM_METRIC] = "metric",
		[PROGRAM_SOURCE] = "source",
		[PROGRAM_TOUCHPOINT] = "touchpoint",
	};

	if (likely(entry != NULL))
		return true;
	return problem_is(problem, ERRCODE_FOREIGN_KEY_VIOLATION,
					  psprintf("Add it to %s.%s%s.", PROGRAM_SCHEMA, words[table],
							   table == PROGRAM_TOUCHPOINT ? ", or attach with on_unknown => 'create'" : ""),
					  "%s \"%s\" does not exist", words[table], code);
}

/* Whether a score is a whole number on the scale of its metric. */
bool
check_score(const char *metric, double score, Problem *problem)
{
	const CatalogEntry *entry = catalog_find(PROGRAM_METRIC, metric);

	if (!check_found(entry, PROGRAM_METRIC, metric, problem))
		return false;
	if (unlikely(!(score >= entry->scale_min && score <= entry->scale_max)))
		return problem_is(problem, ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
						  "Map other scales to it in the expression for score.",
						  "score %g is outside %d..%d, the scale of metric \"%s\"",
						  score, entry->scale_min, entry->scale_max, metric);
	if (unlikely(score != (int) score))
		return problem_is(problem, ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
						  "Scores are counted, so they must be whole numbers; round it.",
						  "score %g is not a whole number", score);
	return true;
}

/* Whether a score comes with a metric. */
bool
check_metric_given(const char *metric, Problem *problem)
{
	if (likely(metric != NULL))
		return true;
	return problem_is(problem, ERRCODE_NOT_NULL_VIOLATION, "Give metric, such as $$'nps'$$ when attaching.",
					  "a score without a metric");
}

/* Whether a word is one of those that may stand there. */
static bool
is_among(const char *word, const char *const *words, int count)
{
	for (int i = 0; i < count; i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return false;
}

/* Whether this is a kind of feedback. */
bool
check_kind(const char *kind, Problem *problem)
{
	static const char *const kinds[] = {"survey", "complaint", "suggestion", "social", "mystery", "trial", "staff"};

	if (is_among(kind, kinds, lengthof(kinds)))
		return true;
	return problem_is(problem, ERRCODE_CHECK_VIOLATION,
					  "Use survey, complaint, suggestion, social, mystery, trial or staff.",
					  "kind \"%s\" does not exist", kind);
}

/* Whether this is the status of a ticket, which must have one. */
bool
check_status(const char *status, Problem *problem)
{
	static const char *const statuses[] = {"new", "open", "pending", "on_hold", "solved", "closed"};

	if (status == NULL)
		return problem_is(problem, ERRCODE_NOT_NULL_VIOLATION, "Each ticket has one, so map NULL too; or leave such rows out with only_if.",
						  "status is NULL");
	if (is_among(status, statuses, lengthof(statuses)))
		return true;
	return problem_is(problem, ERRCODE_CHECK_VIOLATION,
					  "Use new, open, pending, on_hold, solved or closed; CASE maps other words to them.",
					  "status \"%s\" is not known", status);
}

/* Whether this is the priority of a ticket. */
bool
check_priority(const char *priority, Problem *problem)
{
	static const char *const priorities[] = {"low", "normal", "high", "urgent"};

	if (is_among(priority, priorities, lengthof(priorities)))
		return true;
	return problem_is(problem, ERRCODE_CHECK_VIOLATION,
					  "Use low, normal, high or urgent; CASE maps other words to them.",
					  "priority \"%s\" is not known", priority);
}

/* Whether a ticket can have been reopened so often. */
bool
check_reopened(int reopened, Problem *problem)
{
	if (reopened >= 0)
		return true;
	return problem_is(problem, ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE, "It says how often the ticket was reopened, 0 for never.",
					  "reopened %d is below 0", reopened);
}

/* Whether a time is one on the calendar. */
bool
check_time(TimestampTz at, const char *column, Problem *problem)
{
	if (likely(!TIMESTAMP_NOT_FINITE(at)))
		return true;
	return problem_is(problem, ERRCODE_DATETIME_VALUE_OUT_OF_RANGE, "Give the time at which it happened.",
					  "%s is infinite", column);
}
