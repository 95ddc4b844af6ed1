/*-------------------------------------------------------------------------
 *
 * catalog.h
 *	  The program's small tables in memory: touchpoints, units, staff, metrics,
 *	  sources and the program itself.
 *
 * An entry stays valid until the next call of a function in this file.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_CATALOG_H
#define CX_CATALOG_H

#include "program/clock.h"
#include "program/program.h"

/* What a source delivers. */
typedef enum SourceKind
{
	SOURCE_FEEDBACK,
	SOURCE_EVENT,
	SOURCE_TICKET,
	SOURCE_KINDS				/* how many */
} SourceKind;

/* One row of such a table; what a table does not have is zero. */
typedef struct CatalogEntry
{
	char	   *code;			/* code, name of a source, time zone of the program */
	int64		id;				/* its key */
	int			scale_min;		/* metric: least answer */
	int			scale_max;		/* metric: greatest answer */
	Clock		clock;			/* program and unit: its zone; no zone if the unit has none */
	Oid			relation;		/* source: what is attached; alert rule: what it watches */
	bool		is_enabled;		/* alert rule: looks at rows, and is not disabled */
	bool		has_scope;		/* alert rule: is not about everything, or makes emergencies, of which each place has its own */
	SourceKind	kind;			/* source: what it delivers */
	bool		is_pulled;		/* source: brought in by sync_source, not by triggers */
} CatalogEntry;

extern const char *const source_kind_names[SOURCE_KINDS];
extern const CatalogEntry *catalog_find(ProgramTable table, const char *code);
extern const CatalogEntry *catalog_find_id(ProgramTable table, int64 id);
extern bool catalog_is_current(ProgramTable table);
extern uint64 catalog_changes(ProgramTable table);
extern Clock *catalog_clock(bool has_unit, int64 org_unit_id);

#endif							/* CX_CATALOG_H */
