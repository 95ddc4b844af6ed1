/*-------------------------------------------------------------------------
 *
 * capture.h
 *	  Rows of an attached relation, and how errors in some of them are kept
 *	  from the others.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_CAPTURE_H
#define CX_CAPTURE_H

#include "collect/target.h"

/* A trigger whose mapping was read and planned. */
typedef struct Captured
{
	Oid			trigger;		/* hash key */
	MemoryContext context;		/* holds what follows; NULL if nothing does */
	int			argument_count;
	char	  **arguments;		/* as the trigger had them */
	Mapping		mapping;
	SPIPlanPtr	new_rows;		/* NULL until needed */
	SPIPlanPtr	old_keys;		/* the same */
} Captured;

/* Work on rows of one relation. */
typedef struct Capture
{
	Relation	relation;
	TupleDesc	columns;		/* of the rows; NULL if they are laid out as in the relation */
	Captured   *captured;
	int64		source_id;
	Sink	   *sink;			/* pulling: where all rows go in the end */
	Tuplestorestate *keys;		/* finding the key of a row: where it goes */
} Capture;

/* Rows before and after a statement, or a part of them. */
typedef struct StatementRows
{
	Tuplestorestate *old_rows;	/* or NULL */
	Tuplestorestate *new_rows;	/* or NULL */
	int64		old_count;
	int64		new_count;
} StatementRows;

/* What is to be done with rows; may fail. */
typedef void (*RowsWork) (Capture *capture, const StatementRows *rows);

/* What is to be done with a row with which that failed. */
typedef void (*RowFailure) (Capture *capture, const StatementRows *rows, const ErrorData *error);

extern Captured *captured_get(const Trigger *trigger);
extern const CatalogEntry *capture_source(const Mapping *mapping, Oid relation);
extern void capture_map(Capture *capture, Sink *sink, Tuplestorestate *rows, int64 count);
extern char *capture_key(Capture *capture, const StatementRows *row);
extern void capture_isolate(Capture *capture, const StatementRows *rows, RowsWork work, RowFailure failure);
extern bool capture_try(Capture *capture, const StatementRows *rows, RowsWork work, ErrorData **error);

#endif							/* CX_CAPTURE_H */
