/*-------------------------------------------------------------------------
 *
 * mapping.h
 *	  How the rows of an attached relation become feedback, events or tickets.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_MAPPING_H
#define CX_MAPPING_H

#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "utils/relcache.h"
#include "utils/reltrigger.h"

#include "compat.h"
#include "program/catalog.h"

/* Names under which a statement's rows are queried. */
#define MAPPING_NEW_ROWS "cx_new"
#define MAPPING_OLD_ROWS "cx_old"

/* Expressions of a mapping, in the order in which they are queried. */
typedef enum MappingField
{
	FIELD_KEY,
	FIELD_CUSTOMER,
	FIELD_TOUCHPOINT,
	FIELD_METRIC,
	FIELD_SCORE,
	FIELD_AT,					/* when it was said, happened or was opened */
	FIELD_COMMENT,				/* of a ticket the subject */
	FIELD_CHANNEL,
	FIELD_ORG_UNIT,
	FIELD_STAFF,
	FIELD_KIND,
	FIELD_NAME,
	FIELD_VALUE,
	FIELD_ATTRIBUTES,
	FIELD_CHANGED_AT,
	FIELD_STATUS,				/* this and the next ones: of tickets alone */
	FIELD_PRIORITY,
	FIELD_FIRST_RESPONSE_AT,
	FIELD_SOLVED_AT,
	FIELD_CLOSED_AT,
	FIELD_REOPENED,
	FIELD_ROOT_CAUSE,
	MAPPING_COLUMNS,			/* of these a query consists, see mapping_columns */
	FIELD_ONLY_IF = MAPPING_COLUMNS,	/* and this is its condition */
	MAPPING_FIELDS
} MappingField;

/* A mapping as it is written in the arguments of a trigger. */
typedef struct Mapping
{
	const char *source;			/* name of the source */
	const char *alias;			/* what the expressions may call the relation */
	SourceKind	kind;			/* what it makes of the rows */
	bool		creates_touchpoints;	/* on_unknown is create */
	bool		records_errors; /* on_error is record */
	bool		keeps_versions; /* rows say when they were changed, for they may come out of order */
	const char *customer_kind;	/* customers are known by such identities; or NULL */
	const char *expressions[MAPPING_FIELDS];	/* SQL, NULL if not given */
} Mapping;

extern Mapping mapping_read(int count, char **arguments);
extern const char *mapping_field_name(const Mapping *mapping, MappingField field);
extern int	mapping_columns(const Mapping *mapping);
extern char *mapping_query(const Mapping *mapping, const char *rows);
extern char *mapping_field_query(const Mapping *mapping, MappingField field, const char *rows);
extern char *mapping_key_query(const Mapping *mapping, const char *rows);
extern void mapping_check(const Mapping *mapping, Relation relation);
extern Trigger *mapping_trigger(Relation relation, const char *source);

#endif							/* CX_MAPPING_H */
