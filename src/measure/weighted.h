/*-------------------------------------------------------------------------
 *
 * weighted.h
 *	  Weights as arguments.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_WEIGHTED_H
#define CX_WEIGHTED_H

#include "fmgr.h"

extern double weight_argument(FunctionCallInfo fcinfo, int position);

#endif							/* CX_WEIGHTED_H */
