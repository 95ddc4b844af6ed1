/*-------------------------------------------------------------------------
 *
 * aggregate.h
 *	  Whether a transition function may change its state in place.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_AGGREGATE_H
#define CX_AGGREGATE_H

#include "fmgr.h"
#include "nodes/execnodes.h"

/*
 * Whether an executor runs this call for an aggregate, whose state belongs to
 * the call.  What AggCheckCallContext() tells, inlined, for it runs once per
 * row.
 */
static inline bool
in_aggregate(FunctionCallInfo fcinfo)
{
	return fcinfo->context != NULL &&
		(IsA(fcinfo->context, AggState) || IsA(fcinfo->context, WindowAggState));
}

#endif							/* CX_AGGREGATE_H */
