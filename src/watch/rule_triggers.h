/*-------------------------------------------------------------------------
 *
 * rule_triggers.h
 *	  Alert rules as the owner of their relation wrote them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_RULE_TRIGGERS_H
#define CX_RULE_TRIGGERS_H

#include "watch/rule.h"

extern bool rule_expressions_use_old(Relation relation, const char *alias, const RuleText *rule);
extern const RuleText *rule_of_owner(Relation relation, const char *name, RuleTexts *texts);

#endif							/* CX_RULE_TRIGGERS_H */
