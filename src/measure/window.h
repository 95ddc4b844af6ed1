/*-------------------------------------------------------------------------
 *
 * window.h
 *	  What window functions have in common.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_WINDOW_H
#define CX_WINDOW_H

#include "fmgr.h"
#include "nodes/nodes.h"
#include "windowapi.h"

/* Rows of a partition between two clean-ups of what evaluating their arguments leaves behind. */
#define WINDOW_ROWS_PER_CLEANUP 1024

/* The window of a call; an operator made from the function would call it without one. */
static inline WindowObject
require_window(FunctionCallInfo fcinfo, const char *name)
{
	WindowObject window = PG_WINDOW_OBJECT();

	if (window == NULL || !WindowObjectIsValid(window))
		ereport(ERROR,
				(errcode(ERRCODE_WINDOWING_ERROR),
				 errmsg("%s is a window function", name),
				 errhint("Call it with an OVER clause.")));
	return window;
}

#endif							/* CX_WINDOW_H */
