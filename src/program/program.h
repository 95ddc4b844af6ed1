/*-------------------------------------------------------------------------
 *
 * program.h
 *	  The CX program: its tables in schema cx_data, and the settings that read it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_PROGRAM_H
#define CX_PROGRAM_H

#include "fmgr.h"

#include "compat.h"

#define PROGRAM_SCHEMA "cx_data"

/* Tables that C code reads or writes by itself. */
typedef enum ProgramTable
{
	PROGRAM_PROGRAM,
	PROGRAM_ORG_UNIT,
	PROGRAM_STAFF,
	PROGRAM_CUSTOMER,
	PROGRAM_CUSTOMER_IDENTITY,
	PROGRAM_METRIC,
	PROGRAM_SOURCE,
	PROGRAM_TOUCHPOINT,
	PROGRAM_FEEDBACK,
	PROGRAM_EVENT,
	PROGRAM_TICKET,
	PROGRAM_TALLY_DELTA,
	PROGRAM_CUSTOMER_MERGE,
	PROGRAM_ERASURE,
	PROGRAM_ERASED_CUSTOMER,
	PROGRAM_ALERT,
	PROGRAM_ALERT_RULE,
	PROGRAM_SEAL,
	PROGRAM_CALENDAR,
	PROGRAM_CALENDAR_HOURS,
	PROGRAM_CALENDAR_EXCEPTION,
	PROGRAM_MODEL,
	PROGRAM_TABLES				/* how many */
} ProgramTable;

extern void program_define_settings(void);
extern bool program_strict_alerts(void);
extern Oid	program_table(ProgramTable table);
extern uint64 program_generation(void);
extern Oid	program_owner(void);
extern Oid	program_tally_type(void);
extern Oid	relation_owner(Oid relation);

#endif							/* CX_PROGRAM_H */
