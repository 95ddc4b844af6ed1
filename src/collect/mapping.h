/*-------------------------------------------------------------------------
 *
 * mapping.h
 *	  How the rows of an attached relation become feedback or events.
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
	FIELD_AT,
	FIELD_COMMENT,
	FIELD_CHANNEL,
	FIELD_ORG_UNIT,
	FIELD_STAFF,
	FIELD_KIND,
	FIELD_NAME,
	FIELD_VALUE,
	FIELD_ATTRIBUTES,
	FIELD_CHANGED_AT,
	MAPPING_COLUMNS,			/* of these a query consists */
	FIELD_ONLY_IF = MAPPING_COLUMNS,	/* and this is its condition */
	MAPPING_FIELDS
} MappingField;

/* A mapping as it is written in the arguments of a trigger. */
typedef struct Mapping
{
	const char *source;			/* name of the source */
	const char *alias;			/* what the expressions may call the relation */
	bool		is_event;		/* makes events, not feedback */
	bool		creates_touchpoints;	/* on_unknown is create */
	bool		records_errors; /* on_error is record */
	bool		keeps_versions; /* rows say when they were changed, for they may come out of order */
	const char *customer_kind;	/* customers are known by such identities; or NULL */
	const char *expressions[MAPPING_FIELDS];	/* SQL, NULL if not given */
} Mapping;

extern Mapping mapping_read(int count, char **arguments);
extern char *mapping_query(const Mapping *mapping, const char *rows);
extern char *mapping_field_query(const Mapping *mapping, MappingField field, const char *rows);
extern char *mapping_key_query(const Mapping *mapping, const char *rows);
extern void mapping_check(const Mapping *mapping, Relation relation);
extern Trigger *mapping_trigger(Relation relation, const char *source);

#endif							/* CX_MAPPING_H */
