/*-------------------------------------------------------------------------
 *
 * float_state.h
 *	  Transition states that are a fixed number of doubles.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_FLOAT_STATE_H
#define CX_FLOAT_STATE_H

#include "fmgr.h"
#include "utils/array.h"

extern double *float_state_read(FunctionCallInfo fcinfo, int position, int length);
extern double *float_state_change(FunctionCallInfo fcinfo, int length, Datum *state);

#endif							/* CX_FLOAT_STATE_H */
