/*-------------------------------------------------------------------------
 *
 * mail.h
 *	  The mail server, and messages for it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_COURIER_MAIL_H
#define CX_COURIER_MAIL_H

#include <curl/curl.h>
#include <stdbool.h>

#include "courier/text.h"

/* The mail server and who writes; from the environment, since it may hold a password. */
typedef struct MailServer
{
	char	   *url;			/* smtp: or smtps:, host and port, maybe with user and password; NULL if there is none */
	char	   *from;			/* sender as the message names it */
	char	   *sender;			/* address that the server is given for it, in angle brackets */
	bool		requires_tls;	/* whether nothing goes without encryption */
} MailServer;

extern void mail_read_environment(MailServer *server);
extern void mail_free(MailServer *server);
extern bool mail_address_is_plain(const char *address);
extern void mail_write(Text *message, const char *from, const struct curl_slist *headers, const char *body);

#endif
