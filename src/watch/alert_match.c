/*-------------------------------------------------------------------------
 *
 * alert_match.c
 *	  Counts rows that match a rule by rule and customer, and hands them, and
 *	  errors, to the functions that write them with the rights of the program's
 *	  owner.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "program/owner.h"
#include "program/program.h"
#include "watch/alert_match.h"

/* Characters of a value that a message shows. */
#define ALERT_VALUE_LENGTH 200

/* Bytes of an error that are kept. */
#define ALERT_ERROR_LENGTH 2000

/* Locks on alerts that a transaction may take. */
#define ALERT_MOST_LOCKS 30

/* What rows have in common that make one alert: the rule, and the customer, or where he is unknown the place. */
typedef struct AlertKey
{
	int64		rule_id;
	int64		customer_id;
	uint64		code_hash[2];	/* of a customer whose key is not known */
	int64		touchpoint_id;	/* 0 if the customer is enough, and so is the next one */
	int64		org_unit_id;
} AlertKey;

/* Entry of the hash table. */
typedef struct AlertEntry
{
	AlertKey	key;
	char	   *members;		/* of a JSON object, the number of rows is missing */
	int64		rows;
} AlertEntry;

/* Append the value of a column, in one line and not too long; in a route without commas, which would begin another one. */
void
alert_append_value(StringInfo text, TupleTableSlot *row, AttrNumber column, bool is_route)
{
	bool		isnull;
	Datum		value = slot_getattr(row, column, &isnull);
	Oid			output;
	bool		is_varlena;
	char	   *shown;
	int			length;
	int			cut;

	if (isnull)
		return;
	getTypeOutputInfo(TupleDescAttr(row->tts_tupleDescriptor, column - 1)->atttypid, &output, &is_varlena);
	shown = OidOutputFunctionCall(output, value);
	length = strlen(shown);
	cut = pg_mbcharcliplen(shown, length, ALERT_VALUE_LENGTH);
	for (int i = 0; i < cut; i++)
		appendStringInfoChar(text, (unsigned char) shown[i] < 0x20 || shown[i] == 0x7f || (is_route && shown[i] == ',') ? ' ' : shown[i]);
	if (cut < length)
		appendStringInfoString(text, "...");
}

/* An empty table of matches. */
AlertMatches *
alert_matches(void)
{
	AlertMatches *matches = palloc0(sizeof(AlertMatches));

	matches->context = AllocSetContextCreate(CurrentMemoryContext, "cx alert matches", ALLOCSET_DEFAULT_SIZES);
	return matches;
}

/* What a match has in common with others of the same alert. */
static AlertKey
alert_key(const AlertMatch *match)
{
	AlertKey	key;

	memset(&key, 0, sizeof(key));
	key.rule_id = match->rule_id;
	key.customer_id = match->customer_id;
	if (match->customer != NULL)
		for (int i = 0; i < 2; i++)
			key.code_hash[i] = hash_bytes_extended((const unsigned char *) match->customer, strlen(match->customer), i + 1);
	if (match->has_scope || (match->customer == NULL && match->customer_id == 0))
	{
		key.touchpoint_id = match->touchpoint_id;
		key.org_unit_id = match->org_unit_id;
	}
	return key;
}

/* Count a row on the match that it belongs to; false if there is none yet. */
bool
alert_count(AlertMatches *matches, const AlertMatch *match)
{
	AlertKey	key = alert_key(match);
	AlertEntry *entry = matches->by_key == NULL ? NULL : (AlertEntry *) hash_search(matches->by_key, &key, HASH_FIND, NULL);

	if (entry != NULL)
		entry->rows++;
	return entry != NULL;
}

/* Append a member with a key, unless it is unknown. */
static void
append_key(StringInfo members, const char *name, int64 key)
{
	if (key != 0)
		appendStringInfo(members, "\"%s\":" INT64_FORMAT ",", name, key);
}

/* Append a member with a text, unless it is unknown. */
static void
append_text(StringInfo members, const char *name, const char *text)
{
	if (text == NULL)
		return;
	appendStringInfo(members, "\"%s\":", name);
	escape_json(members, text);
	appendStringInfoChar(members, ',');
}

/* Add a match that is the first of its alert. */
void
alert_add(AlertMatches *matches, const AlertMatch *match)
{
	AlertKey	key = alert_key(match);
	StringInfoData members;
	AlertEntry *entry;
	MemoryContext before;

	initStringInfo(&members);
	append_key(&members, "rule_id", match->rule_id);
	append_key(&members, "customer_id", match->customer_id);
	append_text(&members, "customer", match->customer);
	append_key(&members, "touchpoint_id", match->touchpoint_id);
	append_key(&members, "org_unit_id", match->org_unit_id);
	append_key(&members, "staff_id", match->staff_id);
	append_key(&members, "customer_merge_id", match->customer_merge_id);
	append_key(&members, "feedback_id", match->feedback_id);
	append_text(&members, "message", match->message);
	append_text(&members, "route", match->route);
	if (matches->by_key == NULL)
	{
		HASHCTL		control = {.keysize = sizeof(AlertKey), .entrysize = sizeof(AlertEntry), .hcxt = matches->context};

		matches->by_key = hash_create("cx alert matches", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	entry = (AlertEntry *) hash_search(matches->by_key, &key, HASH_ENTER, NULL);
	entry->members = MemoryContextStrdup(matches->context, members.data);
	entry->rows = 1;
	before = MemoryContextSwitchTo(matches->context);
	matches->in_order = lappend(matches->in_order, entry);
	MemoryContextSwitchTo(before);
	matches->count++;
}

/* Hand a JSON array to one of the functions that write, with the rights of the program's owner. */
static void
write_array(const char *function, const char *array)
{
	Oid			types[1] = {TEXTOID};
	Datum		values[1] = {CStringGetTextDatum(array)};
	ActingAs	before = act_as(program_owner());

	SPI_connect();
	if (SPI_execute_with_args(psprintf("SELECT cx.%s($1::pg_catalog.jsonb)", function), 1, types, values, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "cannot write what alert rules found");
	SPI_finish();
	act_as_before(before);
}

/* The matches as a JSON array. */
static char *
matches_array(const AlertMatches *matches)
{
	StringInfoData array;
	ListCell   *cell;

	initStringInfo(&array);
	foreach(cell, matches->in_order)
	{
		const AlertEntry *entry = (const AlertEntry *) lfirst(cell);

		appendStringInfo(&array, "%c{%s\"matches\":" INT64_FORMAT "}", array.len == 0 ? '[' : ',', entry->members, entry->rows);
	}
	appendStringInfoChar(&array, ']');
	return array.data;
}

/* Write the matches as alerts; work that may fail. */
void
alert_write(void *argument)
{
	write_array("raise_alerts", matches_array((AlertMatches *) argument));
}

/* Keep the matches for maintain(); work that may fail. */
void
alert_keep(void *argument)
{
	write_array("keep_matches", matches_array((AlertMatches *) argument));
}

/* Forget the matches. */
void
alert_forget(AlertMatches *matches)
{
	MemoryContextReset(matches->context);
	matches->by_key = NULL;
	matches->in_order = NIL;
	matches->count = 0;
}

/*
 * Whether this transaction may take so many locks more on alerts: all sessions
 * share the room for locks, and other work needs it too.
 */
PG_FUNCTION_INFO_V1(may_lock_alerts);
Datum
may_lock_alerts(PG_FUNCTION_ARGS)
{
	static TimestampTz transaction = 0;
	static int	taken = 0;
	int			wanted = PG_GETARG_INT32(0);

	if (transaction != GetCurrentTransactionStartTimestamp())
		taken = 0;
	transaction = GetCurrentTransactionStartTimestamp();
	if (wanted > ALERT_MOST_LOCKS - taken)
		PG_RETURN_BOOL(false);
	taken += wanted;
	PG_RETURN_BOOL(true);
}

/* The beginning of a text that may be very long; NULL stays. */
static char *
shortened(const char *text)
{
	return text == NULL ? NULL : pnstrdup(text, pg_mbcliplen(text, strlen(text), ALERT_ERROR_LENGTH));
}

/* Add an error of a rule, or with 0 of them all; the row may be unknown. */
void
alert_error_add(AlertErrors *errors, int64 rule_id, const char *row, int sqlstate, const char *message)
{
	StringInfo	elements = &errors->elements;

	if (errors->count++ == 0)
		initStringInfo(elements);
	else
		appendStringInfoChar(elements, ',');
	appendStringInfoChar(elements, '{');
	append_key(elements, "rule_id", rule_id);
	append_text(elements, "source_row", shortened(row));
	append_text(elements, "sqlstate", unpack_sql_state(sqlstate));
	appendStringInfoString(elements, "\"message\":");
	escape_json(elements, shortened(message));
	appendStringInfoChar(elements, '}');
}

/* Write the errors; work that may fail. */
void
alert_error_write(void *argument)
{
	write_array("note_alert_errors", psprintf("[%s]", ((AlertErrors *) argument)->elements.data));
}
