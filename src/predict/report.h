/*-------------------------------------------------------------------------
 *
 * report.h
 *	  Writes a report: a jsonb of named numbers, and of arrays of such.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_REPORT_H
#define CX_REPORT_H

#include "utils/jsonb.h"

/* A report that is being written. */
typedef struct ReportWriter
{
	JsonbParseState *state;
} ReportWriter;

extern void report_open(ReportWriter *report);
extern JsonbValue *report_close(ReportWriter *report);
extern void report_open_array(ReportWriter *report, const char *key);
extern void report_close_array(ReportWriter *report);
extern void report_add_text(ReportWriter *report, const char *key, const char *value);
extern void report_add_number(ReportWriter *report, const char *key, double value);

#endif							/* CX_REPORT_H */
