/*-------------------------------------------------------------------------
 *
 * attempt.h
 *	  Work that may fail without failing the statement.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_ATTEMPT_H
#define CX_ATTEMPT_H

#include "postgres.h"

/* What is to be done. */
typedef void (*AttemptWork) (void *argument);

/* Whether an error with this code is raised all the same. */
typedef bool (*AttemptLimit) (int sqlstate);

extern bool attempt(AttemptWork work, void *argument, AttemptLimit limit, ErrorData **error);

#endif							/* CX_ATTEMPT_H */
