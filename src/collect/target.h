/*-------------------------------------------------------------------------
 *
 * target.h
 *	  Writes collected rows into feedback, event or ticket.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_TARGET_H
#define CX_TARGET_H

#include "collect/sink.h"

/* The name of rows that say that a question is not answered any more. */
#define TARGET_TAKEN_BACK "taken back"

/* What is known of the rows to be written. */
typedef enum TargetMode
{
	TARGET_INSERT,				/* all of them are new */
	TARGET_REPLACE,				/* they take the place of those with the old keys */
	TARGET_MERGE,				/* some are there already */
	TARGET_NEWEST,				/* the same, and may be newer than what is to be written */
	TARGET_MIRROR				/* the same, and what is not among them is to go */
} TargetMode;

/* How many rows were changed. */
typedef struct TargetCounts
{
	int64		inserted;
	int64		updated;
	int64		deleted;
} TargetCounts;

extern TargetCounts target_write(Sink *sink, Tuplestorestate *old_keys, int64 source_id, TargetMode mode);
extern void target_drop_repeated(Sink *sink, Tuplestorestate *old_keys, int64 source_id, TargetMode mode);
extern void target_keep_newest(Sink *sink, int64 source_id);
extern void target_follow_erased(Sink *sink, int64 source_id);
extern void target_keep_failed(Sink *sink, Datum suffixes, int64 source_id);
extern int64 target_delete_bad(Sink *sink, int64 source_id);
extern void target_record_errors(Sink *sink, int64 source_id);
extern void target_add_erased_keys(Tuplestorestate *keys);
extern TupleDesc target_key_columns(void);
extern ParamListInfo target_params(int count, const Oid *types, const Datum *values, const bool *nulls);
extern void target_query_into(const char *query, int count, Oid *types, const Datum *values, const bool *nulls, DestReceiver *receiver);
extern void target_register_rows(const char *name, Tuplestorestate *rows, int64 count, TupleDesc columns, Oid relation);

#endif							/* CX_TARGET_H */
