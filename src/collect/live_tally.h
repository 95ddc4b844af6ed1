/*-------------------------------------------------------------------------
 *
 * live_tally.h
 *	  What capture tells the triggers on feedback and event.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_LIVE_TALLY_H
#define CX_LIVE_TALLY_H

extern int	live_tally_trust(void);
extern void live_tally_trust_before(int before);

#endif							/* CX_LIVE_TALLY_H */
