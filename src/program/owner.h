/*-------------------------------------------------------------------------
 *
 * owner.h
 *	  Work done with the rights of another role, as REFRESH MATERIALIZED VIEW
 *	  does it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_OWNER_H
#define CX_OWNER_H

#include "postgres.h"

/* What to go back to. */
typedef struct ActingAs
{
	Oid			user;			/* role before */
	int			security;		/* security context before */
	int			settings;		/* level of the settings made meanwhile */
} ActingAs;

extern ActingAs act_as(Oid role);
extern ActingAs act_as_reader(Oid role);
extern void act_as_before(ActingAs before);

#endif							/* CX_OWNER_H */
