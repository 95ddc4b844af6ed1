/*-------------------------------------------------------------------------
 *
 * stop.h
 *	  Whether somebody wants the program to end.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_COURIER_STOP_H
#define CX_COURIER_STOP_H

#include <stdbool.h>

extern int	stop_prepare(void);
extern bool stop_is_wanted(void);

#endif
