/*-------------------------------------------------------------------------
 *
 * duration.h
 *	  Lengths of time that depend on no time zone.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_DURATION_H
#define CX_DURATION_H

#include "utils/timestamp.h"

extern int64 exact_duration(const Interval *length, const char *name, int64 least);

#endif							/* CX_DURATION_H */
