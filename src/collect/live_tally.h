/*-------------------------------------------------------------------------
 *
 * live_tally.h
 *	  What capture tells the triggers on feedback and event.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_LIVE_TALLY_H
#define CX_LIVE_TALLY_H

extern bool live_tally_trust(bool rows_are_right);

#endif							/* CX_LIVE_TALLY_H */
