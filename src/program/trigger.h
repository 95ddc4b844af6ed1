/*-------------------------------------------------------------------------
 *
 * trigger.h
 *	  Triggers whose arguments say what is to be run with the rights of the
 *	  relation's owner.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_TRIGGER_H
#define CX_TRIGGER_H

#include "utils/relcache.h"
#include "utils/reltrigger.h"

extern char **trigger_arguments(const Trigger *trigger);
extern bool trigger_is_signed(Oid owner, const Trigger *trigger);
extern bool relation_belongs(Relation relation, Oid top);
extern bool may_act_for(Relation relation);
extern void check_may_act_for(Relation relation);
extern char *relation_full_name(Relation relation);
extern void run_utility(const char *command);
extern void trigger_create(Relation relation, const char *name, const char *event, const char *tables, const char *function, int count, char **arguments);

#endif							/* CX_TRIGGER_H */
