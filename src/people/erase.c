/*-------------------------------------------------------------------------
 *
 * erase.c
 *	  Names of customers who were erased, or merged into others.
 *
 * The user's tables still hold the rows of an erased customer, and capture
 * meets them again and again.  It must know his names without keeping them, so
 * the program keeps their hashes, with a salt of its own.  As long as nobody was
 * erased and nobody merged, all this costs a look into memory.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/rel.h"

#include "people/erase.h"
#include "program/catalog.h"
#include "program/hash.h"
#include "program/lookup.h"

/* Whether any customer was ever merged into another one. */
bool
customers_were_merged(void)
{
	return catalog_find_id(PROGRAM_CUSTOMER_MERGE, 1) != NULL;
}

/* The salt of the program; NULL if no customer was ever erased. */
static const char *
erasure_salt(void)
{
	const CatalogEntry *erasure = catalog_find_id(PROGRAM_ERASURE, 1);

	return erasure == NULL ? NULL : erasure->code;
}

/* Whether any customer was ever erased. */
bool
customers_were_erased(void)
{
	return erasure_salt() != NULL;
}

/* A text in hexadecimal digits that tells a name of this kind from any other, but not what it is. */
static char *
erased_hash_of(const char *kind, const char *name)
{
	StringInfoData all;
	char	   *text;

	initStringInfo(&all);
	appendStringInfo(&all, "%s:%zu:%s%s", erasure_salt(), strlen(kind), kind, name);
	/* the same in a database of another encoding that this one is restored into */
	text = pg_server_to_any(all.data, all.len, PG_UTF8);
	return hash_in_hex(text, strlen(text));
}

/* Whether this was a name of a customer who was erased; tells what is kept of it, if that is wanted. */
bool
erased_find(const char *kind, const char *name, ErasedName *erased)
{
	static const char *const by_hash[] = {"name_hash"};
	Lookup	   *lookup;
	Datum		hash;
	TupleTableSlot *found;
	bool		isnull = true;

	if (!customers_were_erased())
		return false;
	hash = CStringGetTextDatum(erased_hash_of(kind, name));
	lookup = lookup_begin(PROGRAM_ERASED_CUSTOMER, by_hash, TEXTOID, 1);
	found = lookup_find(lookup, &hash);
	if (found != NULL && erased != NULL)
	{
		erased->org_unit_id = DatumGetInt64(slot_getattr(found, program_column(lookup->table, "org_unit_id", INT8OID), &isnull));
		erased->has_unit = !isnull;
	}
	lookup_end(lookup);
	return found != NULL;
}

/* The key under which a row of an erased customer is kept. */
char *
erased_key(const char *key)
{
	return psprintf(ERASED_KEY_PREFIX "%s", erased_hash_of("source_key", key));
}

/* Whether a customer of this code was merged into another one. */
static bool
merged_find(const char *code)
{
	static const char *const by_identity[] = {"kind", "value"};
	Datum		values[LOOKUP_MAX_COLUMNS] = {CStringGetTextDatum(IDENTITY_CODE), CStringGetTextDatum(code)};
	Lookup	   *lookup;
	bool		found;

	if (!customers_were_merged())
		return false;
	lookup = lookup_begin(PROGRAM_CUSTOMER_IDENTITY, by_identity, TEXTOID, 2);
	found = lookup_find(lookup, values) != NULL;
	lookup_end(lookup);
	return found;
}

/* The hash of a name of an erased customer; NULL if nobody was erased. */
PG_FUNCTION_INFO_V1(erased_hash);
Datum
erased_hash(PG_FUNCTION_ARGS)
{
	/* whoever may call this can try names out */
	if (pg_class_aclcheck(program_table(PROGRAM_ERASURE), GetUserId(), ACL_SELECT) != ACLCHECK_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for table erasure")));
	if (!customers_were_erased())
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(erased_hash_of(text_to_cstring(PG_GETARG_TEXT_PP(0)),
													 text_to_cstring(PG_GETARG_TEXT_PP(1)))));
}

/* Trigger on customer: whoever was merged or erased does not come back with the next load. */
PG_FUNCTION_INFO_V1(customer_added);
Datum
customer_added(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	Datum		code;
	bool		isnull;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) || !TRIGGER_FIRED_BY_INSERT(trigger->tg_event) ||
		RelationGetRelid(trigger->tg_relation) != program_table(PROGRAM_CUSTOMER))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("customer_added() must be called as the trigger that cx made"),
				 errhint("CALL cx.upgrade_program() makes it again.")));
	if (!customers_were_merged() && !customers_were_erased())
		return PointerGetDatum(trigger->tg_trigtuple);

	code = heap_getattr(trigger->tg_trigtuple, program_column(trigger->tg_relation, "code", TEXTOID),
						RelationGetDescr(trigger->tg_relation), &isnull);
	if (isnull)
		return PointerGetDatum(trigger->tg_trigtuple);
	if (merged_find(TextDatumGetCString(code)))
		ereport(NOTICE,
				(errmsg("customer \"%s\" was merged into another one and is not added", TextDatumGetCString(code)),
				 errhint("cx.unmerge() undoes that.")));
	else if (erased_find(IDENTITY_CODE, TextDatumGetCString(code), NULL))
		ereport(NOTICE,
				(errmsg("a customer who was erased is not added"),
				 errhint("What is to be captured again must leave %s.erased_customer first.", PROGRAM_SCHEMA)));
	else
		return PointerGetDatum(trigger->tg_trigtuple);
	return PointerGetDatum(NULL);
}
