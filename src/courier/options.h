/*-------------------------------------------------------------------------
 *
 * options.h
 *	  What the program is told on its command line.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_COURIER_OPTIONS_H
#define CX_COURIER_OPTIONS_H

#include <stdbool.h>

/* Exit status of a command line, or environment, that is not understood. */
#define EXIT_USAGE 2

/* What the program is told on its command line. */
typedef struct Options
{
	const char *database;		/* connection string of libpq; NULL for its environment variables */
	const char *ca_file;		/* file of certificates to trust; NULL for those of the system */
	const char *proxy;			/* proxy that webhooks go through; NULL for none */
	long		batch;			/* messages claimed at once */
	long		parallel;		/* requests made at the same time */
	long		timeout;		/* longest time of a request, in seconds */
	long		poll;			/* seconds until a look at the outbox when it was empty */
	bool		once;			/* whether to end when nothing is due any more */
	bool		listen;			/* whether to be woken by notifications */
	bool		allow_private;	/* whether webhooks may lead to private addresses */
} Options;

extern void options_read(Options *options, int count, char **arguments);

#endif
