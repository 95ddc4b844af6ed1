/*-------------------------------------------------------------------------
 *
 * mail.c
 *	  The mail server, and messages for it (RFC 5322).
 *
 *-------------------------------------------------------------------------
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "courier/log.h"
#include "courier/mail.h"
#include "courier/options.h"
#include "courier/url.h"

/* Longest URL of a mail server, in bytes. */
#define URL_MOST 4096

/* End because the environment is not understood; its values are not told. */
static void
refuse(const char *variable, const char *problem, const char *hint)
{
	log_problem("%s %s", variable, problem);
	log_problem("%s", hint);
	exit(EXIT_USAGE);
}

/* An environment variable, NULL if it is empty or not set. */
static const char *
read_variable(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && *value != '\0' ? value : NULL;
}

/* The first line of the file that holds the URL of the mail server. */
static char *
read_url_file(const char *name)
{
	char		line[URL_MOST] = "";
	FILE	   *file = fopen(name, "r");

	if (file == NULL)
		refuse("CX_SMTP_URL_FILE", "names a file that cannot be read", strerror(errno));
	if (fgets(line, sizeof(line), file) == NULL)
		refuse("CX_SMTP_URL_FILE", "names an empty file", "Its first line is the URL of the mail server.");
	fclose(file);
	line[strcspn(line, "\r\n")] = '\0';
	return copy_text(line);
}

/* Note the mail server. */
static void
read_server(MailServer *server)
{
	const char *file = read_variable("CX_SMTP_URL_FILE");
	const char *url = read_variable("CX_SMTP_URL");
	const char *tls = read_variable("CX_SMTP_TLS");

	if (file != NULL)
		server->url = read_url_file(file);
	else if (url != NULL)
		server->url = copy_text(url);
	if (server->url != NULL && strncasecmp(server->url, "smtp://", 7) != 0 && strncasecmp(server->url, "smtps://", 8) != 0)
		refuse(file != NULL ? "CX_SMTP_URL_FILE" : "CX_SMTP_URL", "is not the URL of a mail server", "It looks like smtp://mail.example.org:587.");
	if (tls != NULL && strcmp(tls, "require") != 0 && strcmp(tls, "try") != 0)
		refuse("CX_SMTP_TLS", "is not understood", "Use require or try.");
	server->requires_tls = (tls != NULL && strcmp(tls, "require") == 0) || (server->url != NULL && url_holds_user(server->url));
}

/* Note the sender: an address, or a name with the address in angle brackets behind it. */
static void
read_sender(MailServer *server)
{
	const char *from = read_variable("CX_SMTP_FROM");
	const char *start;
	char	   *address;

	if (from == NULL)
		refuse("CX_SMTP_FROM", "is not set", "It is the address that e-mail comes from.");
	start = strchr(from, '<');
	address = copy_text(start != NULL ? start + 1 : from);
	if (start != NULL)
		address[strcspn(address, ">")] = '\0';
	if (!mail_address_is_plain(address) || strpbrk(from, "\r\n") != NULL)
		refuse("CX_SMTP_FROM", "is not an address", "It looks like cx@example.org, or Customer Care <cx@example.org>.");
	server->from = copy_text(from);
	server->sender = allocate(strlen(address) + 3);
	sprintf(server->sender, "<%s>", address);
	free(address);
}

/* What the environment says about e-mail; the program ends if that is not understood. */
void
mail_read_environment(MailServer *server)
{
	memset(server, 0, sizeof(*server));
	read_server(server);
	if (server->url != NULL)
		read_sender(server);
}

/* Free what is known of the mail server. */
void
mail_free(MailServer *server)
{
	free(server->url);
	free(server->from);
	free(server->sender);
	memset(server, 0, sizeof(*server));
}

/* Whether this is one address, and nothing that a mail server would take for more. */
bool
mail_address_is_plain(const char *address)
{
	const char *at = strrchr(address, '@');

	for (const char *c = address; *c != '\0'; c++)
		if ((unsigned char) *c <= ' ' || *c == 0x7F || strchr("<>,;\"\\()", *c) != NULL)
			return false;
	return at != NULL && at != address && at[1] != '\0' && *address != '-';
}

/* Add a text of lines, ended as protocols of the internet want it. */
static void
write_lines(Text *message, const char *text)
{
	while (*text != '\0')
	{
		size_t		length = strcspn(text, "\r\n");

		text_append(message, text, length);
		text_append(message, "\r\n", 2);
		text += length;
		if (*text == '\r')
			text++;
		if (*text == '\n')
			text++;
	}
}

/* Write a message. */
void
mail_write(Text *message, const char *from, const struct curl_slist *headers, const char *body)
{
	time_t		now = time(NULL);
	struct tm	parts;
	char		date[64];

	text_append(message, "From: ", 6);
	text_append_line(message, from);
	/* the program never sets a locale, so these are the English names */
	if (gmtime_r(&now, &parts) != NULL && strftime(date, sizeof(date), "Date: %a, %d %b %Y %H:%M:%S +0000", &parts) > 0)
		text_append_line(message, date);
	for (; headers != NULL; headers = headers->next)
		text_append_line(message, headers->data);
	text_append_line(message, "");
	write_lines(message, body);
}
