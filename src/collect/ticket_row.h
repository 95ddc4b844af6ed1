/*-------------------------------------------------------------------------
 *
 * ticket_row.h
 *	  What only tickets have among mapped rows.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_TICKET_ROW_H
#define CX_TICKET_ROW_H

#include "collect/sink.h"

extern bool ticket_row_set(const Mapping *mapping, TupleTableSlot *slot, Datum *values, bool *nulls, Problem *problem);

#endif							/* CX_TICKET_ROW_H */
