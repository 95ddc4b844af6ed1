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
	Oid			owner;			/* of the relation when that was read */
	bool		is_signed;		/* this owner made the trigger */
	int			users;			/* captures in progress that use this */
} Captured;

/* Work on rows of one relation, within an SPI connection. */
typedef struct Capture
{
	Relation	relation;		/* whose rows these are */
	Oid			owner;			/* with whose rights the mapping runs: the owner of the attached relation */
	Captured   *captured;
	int64		source_id;
	Sink	   *sink;			/* where mapped rows go */
	Tuplestorestate *keys;		/* where keys of old rows go */
} Capture;

/* Some rows. */
typedef struct RowSet
{
	Tuplestorestate *rows;
	int64		count;
	TupleDesc	columns;
	bool		is_relation;	/* laid out as in the relation, dropped columns included */
} RowSet;

/* What is to be done with rows; may fail. */
typedef void (*RowsWork) (Capture *capture, const RowSet *rows);

/* What is to be done with a row with which that failed. */
typedef void (*RowFailure) (Capture *capture, const RowSet *row, const ErrorData *error);

extern Captured *captured_get(Oid owner, const Trigger *trigger);
extern void captured_free_plans(Captured *captured);
extern void capture_map(Capture *capture, const RowSet *rows);
extern void capture_map_failed(Capture *capture, const RowSet *row, const ErrorData *error);
extern bool capture_try(Capture *capture, const RowSet *rows, RowsWork work, ErrorData **error);
extern void capture_isolate(Capture *capture, const RowSet *rows, RowsWork work, RowFailure failure);

#endif							/* CX_CAPTURE_H */
