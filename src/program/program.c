/*-------------------------------------------------------------------------
 *
 * program.c
 *	  The CX program as C code sees it: where its tables are, who owns them,
 *	  and the settings with which its views are read.
 *
 * The program's tables are ordinary tables that their owner may drop, restore
 * and make again, so they are looked up by name, and remembered only until the
 * server says that one of them, or a schema, has changed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>
#include <limits.h>

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "program/program.h"

static const char *const program_table_names[PROGRAM_TABLES] = {
	[PROGRAM_PROGRAM] = "program",
	[PROGRAM_ORG_UNIT] = "org_unit",
	[PROGRAM_STAFF] = "staff",
	[PROGRAM_CUSTOMER] = "customer",
	[PROGRAM_CUSTOMER_IDENTITY] = "customer_identity",
	[PROGRAM_METRIC] = "metric",
	[PROGRAM_SOURCE] = "source",
	[PROGRAM_TOUCHPOINT] = "touchpoint",
	[PROGRAM_FEEDBACK] = "feedback",
	[PROGRAM_EVENT] = "event",
	[PROGRAM_TICKET] = "ticket",
	[PROGRAM_TALLY_DELTA] = "tally_delta",
	[PROGRAM_CUSTOMER_MERGE] = "customer_merge",
	[PROGRAM_ERASURE] = "erasure",
	[PROGRAM_ERASED_CUSTOMER] = "erased_customer",
	[PROGRAM_ALERT] = "alert",
	[PROGRAM_ALERT_RULE] = "alert_rule",
	[PROGRAM_SEAL] = "seal",
	[PROGRAM_CALENDAR] = "calendar",
	[PROGRAM_CALENDAR_HOURS] = "calendar_hours",
	[PROGRAM_CALENDAR_EXCEPTION] = "calendar_exception",
	[PROGRAM_MODEL] = "model",
};

static int	min_responses_setting = 30;
static char *as_of_setting = NULL;
static bool strict_alerts_setting = false;
static bool notify_setting = false;

/* Define the settings cx.*. */
void
program_define_settings(void)
{
	DefineCustomIntVariable("cx.min_responses",
							"Answers below which the views of the CX program compare nothing and leave touchpoints out of stage scores.",
							NULL, &min_responses_setting, 30, 1, INT_MAX,
							PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomStringVariable("cx.as_of",
							   "Time at which the views of the CX program look; empty means now.",
							   NULL, &as_of_setting, "",
							   PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("cx.strict_alerts",
							 "Whether an error in an alert rule fails the statement instead of being recorded.",
							 "What went wrong may quote what the owner of the table alone may read, so it takes a superuser to set this.",
							 &strict_alerts_setting, false,
							 PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("cx.notify",
							 "Whether new messages to be delivered wake whoever listens to channel cx_outbox.",
							 NULL, &notify_setting, false,
							 PGC_USERSET, 0, NULL, NULL, NULL);
}

/* The setting cx.strict_alerts. */
bool
program_strict_alerts(void)
{
	return strict_alerts_setting;
}

/* Tables found so far, and how often that had to be forgotten. */
static Oid	known_tables[PROGRAM_TABLES];
static uint64 generation = 0;

/* Forget where the tables are. */
static void
forget_tables(void)
{
	memset(known_tables, 0, sizeof(known_tables));
	generation++;
}

/* A relation changed, or with InvalidOid perhaps any. */
static void
relation_changed(Datum argument, Oid relation)
{
	for (int table = 0; table < PROGRAM_TABLES; table++)
		if (relation == InvalidOid || (relation == known_tables[table] && OidIsValid(relation)))
		{
			forget_tables();
			return;
		}
}

/* A schema changed. */
static void
schema_changed(Datum argument, int cacheid, uint32 hashvalue)
{
	forget_tables();
}

/* Find a table of the program, or raise an error if there is no program. */
static Oid
find_table(ProgramTable table)
{
	static bool is_listening = false;
	Oid			schema;
	Oid			relation;

	if (!is_listening)
	{
		CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
		CacheRegisterSyscacheCallback(NAMESPACEOID, schema_changed, (Datum) 0);
		is_listening = true;
	}
	schema = get_namespace_oid(PROGRAM_SCHEMA, true);
	relation = OidIsValid(schema) ? get_relname_relid(program_table_names[table], schema) : InvalidOid;
	if (!OidIsValid(relation))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("the CX program does not exist"),
				 OidIsValid(schema) ?
				 errdetail("Table %s.%s is missing.", PROGRAM_SCHEMA, program_table_names[table]) : 0,
				 OidIsValid(schema) ?
				 errhint("CALL cx.upgrade_program() makes again what a program lacks.") :
				 errhint("CALL cx.create_program() first.")));
	return relation;
}

/* A table of the program, or an error if there is no program. */
Oid
program_table(ProgramTable table)
{
	if (!OidIsValid(known_tables[table]))
		known_tables[table] = find_table(table);
	return known_tables[table];
}

/* A number that changes whenever one of the tables found so far may have changed. */
uint64
program_generation(void)
{
	return generation;
}

/* The role that owns a table. */
Oid
relation_owner(Oid relation)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relation);
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

/* The role that owns the program: the owner of its feedback. */
Oid
program_owner(void)
{
	return relation_owner(program_table(PROGRAM_FEEDBACK));
}

/* The type cx.tally. */
Oid
program_tally_type(void)
{
	return GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum("tally"),
						   ObjectIdGetDatum(get_namespace_oid("cx", false)));
}

/* Raises an error if there is no program. */
PG_FUNCTION_INFO_V1(require_program);
Datum
require_program(PG_FUNCTION_ARGS)
{
	(void) program_table(PROGRAM_PROGRAM);
	PG_RETURN_VOID();
}

/* Version of this library. */
PG_FUNCTION_INFO_V1(version);
Datum
version(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(CX_VERSION));
}

/* The setting cx.min_responses, known also before anything else loaded the library. */
PG_FUNCTION_INFO_V1(min_responses);
Datum
min_responses(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(min_responses_setting);
}

/* The setting cx.as_of as a time; reading it again only when what decides its meaning has changed. */
static TimestampTz
as_of_time(void)
{
	static char read_setting[128];
	static pg_tz *read_zone = NULL;
	static int	read_order = 0;
	static TimestampTz time;

	if (read_zone == session_timezone && read_order == DateOrder && strcmp(read_setting, as_of_setting) == 0)
		return time;
	read_zone = NULL;			/* in case of an error below */
	time = DatumGetTimestampTz(DirectFunctionCall3(timestamptz_in, CStringGetDatum(as_of_setting),
												   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	/* "now", "today" and the like mean something else each time */
	if (strlen(as_of_setting) < sizeof(read_setting) && isdigit((unsigned char) as_of_setting[0]))
	{
		strcpy(read_setting, as_of_setting);
		read_zone = session_timezone;
		read_order = DateOrder;
	}
	return time;
}

/* The setting cx.as_of, or the time at which the transaction began. */
PG_FUNCTION_INFO_V1(as_of);
Datum
as_of(PG_FUNCTION_ARGS)
{
	if (as_of_setting == NULL || as_of_setting[0] == '\0')
		PG_RETURN_TIMESTAMPTZ(GetCurrentTransactionStartTimestamp());
	PG_RETURN_TIMESTAMPTZ(as_of_time());
}
