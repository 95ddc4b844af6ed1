/*-------------------------------------------------------------------------
 *
 * delivery.h
 *	  A request to be made, or an e-mail to be sent, and what became of it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_COURIER_DELIVERY_H
#define CX_COURIER_DELIVERY_H

#include <curl/curl.h>
#include <stdbool.h>

#include "courier/mail.h"
#include "courier/options.h"
#include "courier/text.h"

/* One row of cx.outbox_claim(), and what became of it. */
typedef struct Delivery
{
	struct Delivery *next;		/* next one of the list that it is in */
	char	   *ids;			/* keys of its messages, an array as PostgreSQL writes it */
	char	   *channel;		/* code of the channel */
	char	   *url;			/* where to */
	char	   *place;			/* scheme and host of that, for the log */
	char	   *body;			/* what to say */
	struct curl_slist *headers; /* lines above it */
	double		lease_ends;		/* when others may claim it, by the clock of clock_seconds() */

	CURL	   *handle;			/* libcurl's side of it, while it is made */
	struct curl_slist *recipients;	/* of an e-mail: whom the server is to give it to */
	Text		message;		/* of an e-mail: headers and body */
	size_t		sent;			/* bytes of the message that were read */
	bool		only_public;	/* whether it must not lead to private addresses */
	bool		met_private;	/* whether one was refused */
	double		started_at;		/* when it was begun, by that clock */

	double		seconds;		/* how long it took */
	Text		answer;			/* body of the answer */
	long		status;			/* status of the answer; 0 for none */
	long		retry_after;	/* seconds that the receiver wants to be left alone; 0 if it did not say */
	const char *refusal;		/* why it was given up, in our words; NULL if it was not */
	CURLcode	result;			/* what libcurl says */
	char		problem[CURL_ERROR_SIZE];	/* the same in its words; empty if it has none */
} Delivery;

extern double clock_seconds(void);
extern Delivery *delivery_create(void);
extern void delivery_free(Delivery *delivery);
extern void delivery_add_header(Delivery *delivery, const char *line);
extern void delivery_start(Delivery *delivery, CURLM *multi, const Options *options, const MailServer *server, double seconds);
extern void delivery_finish(Delivery *delivery, CURLM *multi, CURLcode result);
extern const char *delivery_error(const Delivery *delivery);
extern const char *delivery_public_error(const Delivery *delivery);

#endif
