/*-------------------------------------------------------------------------
 *
 * query.c
 *	  Events that a query gives, which users hand over as a text.
 *
 * The text must be one SELECT.  It is looked at, not run, to see its columns,
 * and it is run as a part of the query of the function that it is given to:
 * what is a SELECT by itself is one in parentheses, and nothing else is.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "parser/analyze.h"
#include "parser/parser.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "journey/event_list.h"
#include "program/expression.h"

/* Make errors point into the query instead of into the statement that hands it over. */
static void
query_error(void *argument)
{
	error_points_into((const char *) argument);
}

/* Raise an error unless it is one SELECT. */
static void
query_check(bool is_select)
{
	if (!is_select)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("query must be one SELECT"),
				 errhint("Give the text of a single SELECT that changes nothing.")));
}

/* The SELECT that a query is. */
static RawStmt *
query_parse(const char *query)
{
	ErrorContextCallback callback = {error_context_stack, query_error, unconstify(char *, query)};
	List	   *statements;

	error_context_stack = &callback;
	statements = raw_parser(query, RAW_PARSE_DEFAULT);
	error_context_stack = callback.previous;
	query_check(list_length(statements) == 1 && IsA(linitial_node(RawStmt, statements)->stmt, SelectStmt));
	return linitial_node(RawStmt, statements);
}

/* What the query gives: a list of TargetEntry, of which those that are junk only sort. */
static List *
query_targets(const char *query)
{
	RawStmt    *statement = query_parse(query);
	ErrorContextCallback callback = {error_context_stack, query_error, unconstify(char *, query)};
	Query	   *analyzed;

	error_context_stack = &callback;
	analyzed = parse_analyze_fixedparams(statement, query, NULL, 0, NULL);
	error_context_stack = callback.previous;
	query_check(analyzed->commandType == CMD_SELECT && !analyzed->hasModifyingCTE);
	return analyzed->targetList;
}

/* The query in the first argument. */
static char *
query_argument(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("query must not be null")));
	return text_to_cstring(PG_GETARG_TEXT_PP(0));
}

/* Names in a sentence: a, b and c. */
static char *
query_enumerate(const Datum *names, int count)
{
	StringInfoData sentence;

	initStringInfo(&sentence);
	for (int i = 0; i < count; i++)
		appendStringInfo(&sentence, "%s%s", i == 0 ? "" : i < count - 1 ? ", " : " and ", TextDatumGetCString(names[i]));
	return sentence.data;
}

/* Raise an error unless each column that is needed is there, once. */
static void
query_require(const Datum *columns, int column_count, ArrayType *needed)
{
	Datum	   *names;
	int			count;

	deconstruct_array(needed, TEXTOID, -1, false, TYPALIGN_INT, &names, NULL, &count);
	for (int i = 0; i < count; i++)
	{
		char	   *name = TextDatumGetCString(names[i]);
		int			found = 0;

		for (int column = 0; column < column_count; column++)
			found += strcmp(name, TextDatumGetCString(columns[column])) == 0;
		if (found != 1)
			ereport(ERROR,
					(errcode(found == 0 ? ERRCODE_UNDEFINED_COLUMN : ERRCODE_DUPLICATE_COLUMN),
					 found == 0 ? errmsg("query gives no column \"%s\"", name) : errmsg("query gives column \"%s\" more than once", name),
					 count == 1 ? errhint("Name it with AS.") :
					 errhint("The query must give columns %s; name them with AS.", query_enumerate(names, count))));
	}
}

/* The names of the columns of a query, which is not run; error if one that is needed is missing. */
PG_FUNCTION_INFO_V1(query_columns);
Datum
query_columns(PG_FUNCTION_ARGS)
{
	List	   *targets = query_targets(query_argument(fcinfo));
	Datum	   *columns = palloc(sizeof(Datum) * Max(list_length(targets), 1));
	int			count = 0;
	ListCell   *cell;

	foreach(cell, targets)
	{
		TargetEntry *target = lfirst_node(TargetEntry, cell);

		if (!target->resjunk)
			columns[count++] = CStringGetTextDatum(target->resname);
	}
	if (!PG_ARGISNULL(1))
		query_require(columns, count, PG_GETARG_ARRAYTYPE_P(1));
	PG_RETURN_ARRAYTYPE_P(construct_array(columns, count, TEXTOID, -1, false, TYPALIGN_INT));
}

/* The types of the columns of a query, which is not run, with their schemas, without lengths and the like. */
PG_FUNCTION_INFO_V1(query_types);
Datum
query_types(PG_FUNCTION_ARGS)
{
	List	   *targets = query_targets(query_argument(fcinfo));
	Datum	   *types = palloc(sizeof(Datum) * Max(list_length(targets), 1));
	int			count = 0;
	ListCell   *cell;

	foreach(cell, targets)
	{
		TargetEntry *target = lfirst_node(TargetEntry, cell);

		if (!target->resjunk)
			types[count++] = CStringGetTextDatum(format_type_extended(exprType((Node *) target->expr), -1, FORMAT_TYPE_FORCE_QUALIFY));
	}
	PG_RETURN_ARRAYTYPE_P(construct_array(types, count, TEXTOID, -1, false, TYPALIGN_INT));
}

/* A query in parentheses: without a semicolon behind it, and with an end to a comment that it may end in. */
PG_FUNCTION_INFO_V1(query_subselect);
Datum
query_subselect(PG_FUNCTION_ARGS)
{
	char	   *query = query_argument(fcinfo);
	RawStmt    *statement = query_parse(query);
	char	   *start = query + Max(statement->stmt_location, 0);
	int			length = statement->stmt_len > 0 ? statement->stmt_len : (int) strlen(start);

	PG_RETURN_TEXT_P(cstring_to_text(psprintf("(%.*s\n)", length, start)));
}

/* The seconds from one time to another. */
PG_FUNCTION_INFO_V1(seconds_between);
Datum
seconds_between(PG_FUNCTION_ARGS)
{
	TimestampTz from = PG_GETARG_TIMESTAMPTZ(0);
	TimestampTz until = PG_GETARG_TIMESTAMPTZ(1);

	event_check_time(from);
	event_check_time(until);
	/* times lie further apart than a signed number reaches */
	PG_RETURN_FLOAT8(until >= from ? (double) ((uint64) until - (uint64) from) / USECS_PER_SEC :
					 -((double) ((uint64) from - (uint64) until) / USECS_PER_SEC));
}
