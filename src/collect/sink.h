/*-------------------------------------------------------------------------
 *
 * sink.h
 *	  Takes mapped rows, finds what their codes stand for, and collects rows
 *	  that are ready to be written, and those that cannot be.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_SINK_H
#define CX_SINK_H

#include "tcop/dest.h"
#include "utils/jsonb.h"
#include "utils/tuplestore.h"

#include "collect/check.h"
#include "collect/mapping.h"
#include "program/lookup.h"

/* Longest key; an index takes no more than about three times that. */
#define SINK_KEY_SIZE 1000

/* Columns of the rows that are ready. */
enum ReadyColumn
{
	READY_KEY,
	READY_CUSTOMER,
	READY_TOUCHPOINT,
	READY_ORG_UNIT,
	READY_STAFF,
	READY_AT,
	READY_SCORE,
	READY_KIND,
	READY_METRIC,
	READY_CHANNEL,
	READY_COMMENT,				/* of a ticket the subject */
	READY_NAME,
	READY_VALUE,
	READY_ATTRIBUTES,
	READY_CHANGED_AT,
	READY_CUSTOMER_MERGE,
	READY_STATUS,				/* this and the next ones: of tickets alone */
	READY_PRIORITY,
	READY_FIRST_RESPONDED_AT,
	READY_SOLVED_AT,
	READY_CLOSED_AT,
	READY_REOPEN_COUNT,
	READY_ROOT_CAUSE,
	READY_COLUMNS				/* of tickets; others end before the status */
};

/* A row that cannot be written. */
typedef struct BadRow
{
	char	   *key;			/* or NULL */
	bool		is_hidden;		/* key and message may name a customer who was erased, and are not kept as they are */
	Problem		problem;
	Jsonb	   *payload;		/* what was imported; NULL if the row stands in a relation */
} BadRow;

/* Rows that are written at a time; twice as many would often not stay in memory. */
#define SINK_PART_ROWS 20000

/* What was collected. */
typedef struct Sink Sink;
struct Sink
{
	DestReceiver receiver;		/* first, for the executor hands this back to us */
	const Mapping *mapping;
	MemoryContext context;		/* holds all of this */
	MemoryContext row_context;	/* reset after each row */
	TupleDesc	columns;		/* of the rows that are ready */
	Tuplestorestate *ready;
	int64		ready_count;
	List	   *bad;			/* of BadRow */
	BadRow	   *failure;		/* what the statement is to fail with; NULL if nothing */
	TimestampTz changed_until;	/* greatest changed_at; DT_NOBEGIN if none */

	struct sinkcust_hash *customers;	/* those of this statement by code */
	Lookup	   *by_code;		/* customers; this and the next three are NULL until needed */
	Lookup	   *by_identity;	/* identities of customers */
	Lookup	   *by_id;			/* customers, for their unit */
	Lookup	   *merges;			/* merges, for the unit of the customer who went */
	List	   *waiting;		/* of WaitingRow, for customers that are to be added */
	List	   *new_customers;	/* their codes */
	int64		reported;		/* rows when progress was last reported; below 0 for no reports */
	void		(*write_part) (Sink *sink, void *writer);	/* what writes rows before all are there; NULL if nothing does */
	void	   *writer;
};

extern void sink_lock_target(const Mapping *mapping);
extern Sink *sink_begin(const Mapping *mapping, bool reports_progress);
extern void sink_flush(Sink *sink);
extern void sink_append(Sink *sink, Sink *part);
extern void rows_append(Tuplestorestate *rows, Tuplestorestate *part, TupleDesc columns);
extern char *sink_first_key(Tuplestorestate *ready);
extern void sink_add_bad(Sink *sink, const char *key, int sqlstate, const char *message, bool is_hidden);
extern void sink_keep_bad(Sink *sink, Datum payload);
extern bool sink_is_erased(const Mapping *mapping, const char *code);
extern TupleDesc sink_columns(SourceKind kind);
extern char *mapped_text(TupleTableSlot *slot, MappingField field);

#endif							/* CX_SINK_H */
