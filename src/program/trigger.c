/*-------------------------------------------------------------------------
 *
 * trigger.c
 *	  Triggers on relations of users whose arguments say what is to be run with
 *	  the rights of the relation's owner.
 *
 * They live where only that owner can write, and are dumped with the relation.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "commands/comment.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "program/catalog.h"
#include "program/hash.h"
#include "program/trigger.h"

/* Copies of a trigger's arguments: the original ones go when the relation's definition is read again. */
char **
trigger_arguments(const Trigger *trigger)
{
	char	  **arguments = palloc(sizeof(char *) * Max(trigger->tgnargs, 1));

	for (int i = 0; i < trigger->tgnargs; i++)
		arguments[i] = pstrdup(trigger->tgargs[i]);
	return arguments;
}

/*
 * The mark of a trigger whose arguments run with the rights of the relation's
 * owner.  Whoever has the privilege TRIGGER on a table can make a trigger, but
 * only the owner can put a comment on it: the arguments run with the owner's
 * rights only if a comment with this mark says that they are the owner's.  A
 * table that passes to another role does not take them along: the mark holds the
 * name of the owner, and a secret, lest anybody makes out that of another one.
 */
static char *
trigger_mark(Oid owner, int count, char **arguments)
{
	const CatalogEntry *seal = catalog_find_id(PROGRAM_SEAL, 1);
	char	   *name = GetUserNameFromId(owner, false);
	StringInfoData all;

	if (seal == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table %s.seal is empty", PROGRAM_SCHEMA),
				 errhint("CALL cx.upgrade_program(); attach tables and make alert rules again after that.")));
	initStringInfo(&all);
	appendStringInfo(&all, "%zu:%s", strlen(name), name);
	for (int i = 0; i < count; i++)
		appendStringInfo(&all, "%zu:%s", strlen(arguments[i]), arguments[i]);
	return psprintf("cx %s", hash_with_key_in_hex(seal->code, all.data, all.len));
}

/* Whether this owner of its relation made a trigger. */
bool
trigger_is_signed(Oid owner, const Trigger *trigger)
{
	char	   *comment = GetComment(trigger->tgoid, TriggerRelationId, 0);

	return comment != NULL && strcmp(comment, trigger_mark(owner, trigger->tgnargs, trigger->tgargs)) == 0;
}

/* Whether a relation is this one, or a child of it with the same owner. */
bool
relation_belongs(Relation relation, Oid top)
{
	if (RelationGetRelid(relation) == top)
		return true;
	return OidIsValid(top) && OidIsValid(get_rel_type_id(top)) &&
		typeInheritsFrom(relation->rd_rel->reltype, get_rel_type_id(top)) &&
		relation->rd_rel->relowner == relation_owner(top);
}

/* Whether the caller may act for this relation's owner or for the program's. */
bool
may_act_for(Relation relation)
{
	return has_privs_of_role(GetUserId(), relation->rd_rel->relowner) || has_privs_of_role(GetUserId(), program_owner());
}

/* Raise an error unless the caller may. */
void
check_may_act_for(Relation relation)
{
	if (!may_act_for(relation))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of relation \"%s\" or of the CX program", RelationGetRelationName(relation))));
}

/* A relation's name with its schema, quoted. */
char *
relation_full_name(Relation relation)
{
	return quote_qualified_identifier(get_namespace_name(RelationGetNamespace(relation)), RelationGetRelationName(relation));
}

/* The arguments of a trigger as they are written in CREATE TRIGGER. */
static char *
quoted_arguments(int count, char **arguments)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < count; i++)
		appendStringInfo(&list, "%s%s", i == 0 ? "" : ", ", quote_literal_cstr(arguments[i]));
	return list.data;
}

/* Run a command within an SPI connection. */
void
run_utility(const char *command)
{
	if (SPI_execute(command, false, 0) != SPI_OK_UTILITY)
		elog(ERROR, "cannot run: %s", command);
}

/* Make a trigger for each statement, within an SPI connection, and put the mark of the owner on it. */
void
trigger_create(Relation relation, const char *name, const char *event, const char *tables, const char *function, int count, char **arguments)
{
	char	   *table = relation_full_name(relation);

	run_utility(psprintf("CREATE OR REPLACE TRIGGER %s %s ON %s %s FOR EACH STATEMENT EXECUTE FUNCTION cx.%s(%s)",
						 name, event, table, tables, function, quoted_arguments(count, arguments)));
	run_utility(psprintf("COMMENT ON TRIGGER %s ON %s IS '%s'", name, table, trigger_mark(relation->rd_rel->relowner, count, arguments)));
}
