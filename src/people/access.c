/*-------------------------------------------------------------------------
 *
 * access.c
 *	  Whose rows the current role may see, as the policies of row security ask.
 *
 * The answer is in tables that are under row security themselves, so it is read
 * with the rights of the program's owner, whom row security leaves alone: a
 * role learns nothing of others by it, for it cannot say whom it asks about.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"

#include "program/owner.h"
#include "program/program.h"

/* What a function of a role gives for the current one, never NULL. */
static Datum
ask_for_current_role(const char *query)
{
	Oid			type = OIDOID;
	Datum		role = ObjectIdGetDatum(GetUserId());
	ActingAs	before = act_as(program_owner());
	Datum		answer;
	bool		isnull;

	SPI_connect();
	if (SPI_execute_with_args(query, 1, &type, &role, NULL, true, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "cannot find what the role may see");
	answer = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	if (isnull)
		elog(ERROR, "it is not known what the role may see");
	answer = SPI_datumTransfer(answer, TupleDescAttr(SPI_tuptable->tupdesc, 0)->attbyval, TupleDescAttr(SPI_tuptable->tupdesc, 0)->attlen);
	SPI_finish();
	act_as_before(before);
	return answer;
}

/* Whether the current role may see the rows of all units. */
PG_FUNCTION_INFO_V1(sees_all_units);
Datum
sees_all_units(PG_FUNCTION_ARGS)
{
	return ask_for_current_role("SELECT cx.role_sees_all($1)");
}

/* The units whose rows the current role may see, an array of their keys. */
PG_FUNCTION_INFO_V1(visible_units);
Datum
visible_units(PG_FUNCTION_ARGS)
{
	return ask_for_current_role("SELECT cx.units_of_role($1)");
}
