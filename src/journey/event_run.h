/*-------------------------------------------------------------------------
 *
 * event_run.h
 *	  Events of many customers in order, on disk or in memory.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_EVENT_RUN_H
#define CX_EVENT_RUN_H

#include "storage/buffile.h"

#include "journey/customer_event.h"
#include "journey/event_list.h"
#include "journey/names.h"

/* A run: for each customer, in order, who it is, how many events, and their moments. */
typedef struct EventRun
{
	BufFile    *file;			/* where it is, NULL if in memory */
	char	   *bytes;			/* where it is in memory */
	Size		length;			/* bytes */
	Size		room;			/* bytes that fit into the memory */
	uint64	   *steps;			/* the steps that a code stands for; NULL if it is the steps */
	bool		is_named;		/* whether customers have names instead of numbers */

	/* where reading has come to */
	Size		position;		/* bytes read */
	bool		is_at_end;		/* no customer is left */
	uint64		key;			/* of the customer at hand, if it has a number */
	NameBytes	name;			/* the same, if it has a name */
	uint32		name_room;		/* bytes that fit into the name */
	uint32		count;			/* its events */
} EventRun;

extern EventRun *event_run_new(bool is_named, uint64 *steps);
extern void event_run_free(EventRun *run);
extern void event_run_add(EventRun *run, const void *bytes, Size length);
extern void event_run_write(EventRun *run, const CustomerEvent *events, uint64 count, const NameBytes *names);
extern void event_run_append(EventRun *run, EventRun *other);
extern void event_run_rewind(EventRun *run);
extern void event_run_remember(EventRun *run, const EventRun *other);
extern int event_run_compare(const EventRun *a, const EventRun *b);
extern EventList *event_run_read(EventRun *run, EventList *list);

#endif							/* CX_EVENT_RUN_H */
