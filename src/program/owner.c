/*-------------------------------------------------------------------------
 *
 * owner.c
 *	  Switches to the rights of a table's owner and back.
 *
 * What runs in between finds only pg_catalog without a schema, and can neither change the role nor leave anything behind that fires later.  After
 * an error the end of the (sub)transaction restores all of it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "program/catalog.h"
#include "program/owner.h"

/* Give a setting this value until the settings' level ends; a value that it has already costs nothing. */
static void
pin_setting(const char *name, const char *value)
{
	const char *now = GetConfigOption(name, false, false);

	if (strcmp(now, value) != 0)
		(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

/* Go on with the rights of this role. */
ActingAs
act_as(Oid role)
{
	ActingAs	before;

	GetUserIdAndSecContext(&before.user, &before.security);
	SetUserIdAndSecContext(role, before.security | SECURITY_RESTRICTED_OPERATION);
	before.settings = NewGUCNestLevel();
	pin_setting("search_path", "pg_catalog, pg_temp");
	return before;
}

/*
 * The same where values are read from text or written as text: these settings
 * decide how, so capture must find them the same in every session.
 */
ActingAs
act_as_reader(Oid role)
{
	const CatalogEntry *program = catalog_find_id(PROGRAM_PROGRAM, 1);
	ActingAs	before = act_as(role);

	pin_setting("TimeZone", program == NULL ? "UTC" : program->code);
	pin_setting("DateStyle", "ISO, MDY");
	pin_setting("IntervalStyle", "postgres");
	pin_setting("extra_float_digits", "1");
	pin_setting("bytea_output", "hex");
	pin_setting("standard_conforming_strings", "on");
	pin_setting("transform_null_equals", "off");
	return before;
}

/* Go back to who we were. */
void
act_as_before(ActingAs before)
{
	AtEOXact_GUC(false, before.settings);
	SetUserIdAndSecContext(before.user, before.security);
}

/*
 * Run one of the functions cx.owner_<work>(argument, caller) with the rights of
 * the program's owner: what others planted on its tables then runs with no more
 * rights than his, whoever called.  The function itself decides whether the
 * caller may.
 */
PG_FUNCTION_INFO_V1(as_program_owner);
Datum
as_program_owner(PG_FUNCTION_ARGS)
{
	static const char *const works[] = {"maintain", "register", "unregister", "begin_sync", "end_sync", "rebuild", "upgrade",
		"grant_access", "revoke_access", "row_security", "note_lines", "register_rule", "change_rule", "drop_rule", "evaluate",
		"open_ticket", "assign_ticket", "move_ticket", "prioritise", "reopen", "reply", "close_loop", "decompose", "move_task", "route", "escalate", "forget_tickets",
		"check_may_train", "register_model", "set_champion", "drop_model", "score_customers", "record_drift"};
	char	   *work = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Oid			types[2] = {JSONBOID, OIDOID};
	Datum		arguments[2] = {PG_GETARG_DATUM(1), ObjectIdGetDatum(GetUserId())};
	ActingAs	before;
	Datum		result;
	bool		isnull;
	int			number = 0;

	while (number < (int) lengthof(works) && strcmp(work, works[number]) != 0)
		number++;
	if (number == (int) lengthof(works))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no work \"%s\" of the CX program", work)));

	before = act_as(program_owner());
	SPI_connect();
	if (SPI_execute_with_args(psprintf("SELECT cx.owner_%s($1, $2)", works[number]), 2, types, arguments, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "cannot run the work \"%s\"", work);
	result = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	if (!isnull)
		result = SPI_datumTransfer(result, false, -1);
	SPI_finish();
	act_as_before(before);
	if (isnull)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(result);
}
