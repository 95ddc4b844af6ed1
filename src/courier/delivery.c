/*-------------------------------------------------------------------------
 *
 * delivery.c
 *	  Makes a request, or sends an e-mail, with libcurl.
 *
 * Rows come from a database that others write to, answers from servers of
 * strangers: neither is trusted.  No redirect is followed, certificates are
 * verified, answers have a longest size, requests a longest time, and where a
 * webhook leads is decided by the address of its socket, not by a name that
 * may resolve to another one the next time.
 *
 *-------------------------------------------------------------------------
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "courier/address.h"
#include "courier/delivery.h"
#include "courier/log.h"
#include "courier/url.h"

/* Longest answer that is read, in bytes. */
#define ANSWER_MOST (64 * 1024)

/* Longest time until a connection stands, in seconds. */
#define CONNECT_SECONDS 5

/* Longest time that receivers may want to be left alone, in seconds. */
#define RETRY_AFTER_MOST 3600

/* Seconds on a clock that nobody sets. */
double
clock_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

/* A delivery with nothing in it. */
Delivery *
delivery_create(void)
{
	return allocate(sizeof(Delivery));
}

/* Free a delivery that is not being made. */
void
delivery_free(Delivery *delivery)
{
	free(delivery->ids);
	free(delivery->channel);
	free(delivery->url);
	free(delivery->place);
	free(delivery->body);
	curl_slist_free_all(delivery->headers);
	curl_slist_free_all(delivery->recipients);
	text_free(&delivery->message);
	text_free(&delivery->answer);
	free(delivery);
}

/* Add a line to a list of libcurl's. */
static void
add_line(struct curl_slist **list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*list, line);

	if (longer == NULL)
	{
		log_problem("out of memory");
		exit(1);
	}
	*list = longer;
}

/* Add a header to a delivery. */
void
delivery_add_header(Delivery *delivery, const char *line)
{
	add_line(&delivery->headers, line);
}

/* Why headers cannot be sent; NULL if they can. */
static const char *
header_problem(const struct curl_slist *headers)
{
	for (; headers != NULL; headers = headers->next)
	{
		size_t		name = strcspn(headers->data, " \t\r\n:;");

		if (strpbrk(headers->data, "\r\n") != NULL)
			return "header holds a line break";
		if (name == 0 || headers->data[name] != ':')
			return "header is not understood";
	}
	return NULL;
}

/* libcurl asks for a socket: there is none for an address that the request must not lead to. */
static curl_socket_t
open_socket(void *delivery_pointer, curlsocktype purpose, struct curl_sockaddr *address)
{
	Delivery   *delivery = delivery_pointer;

	if (address->family != AF_INET && address->family != AF_INET6)
		return CURL_SOCKET_BAD;
	if (delivery->only_public && !address_is_public(&address->addr, address->addrlen))
	{
		delivery->met_private = true;
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype, address->protocol);
}

/* libcurl has a part of the answer. */
static size_t
take_answer(char *bytes, size_t size, size_t count, void *delivery_pointer)
{
	Delivery   *delivery = delivery_pointer;

	if (size * count > ANSWER_MOST - delivery->answer.length)
	{
		delivery->refusal = "the answer is longer than 64 kB";
		return 0;
	}
	text_append(&delivery->answer, bytes, size * count);
	return size * count;
}

/* libcurl wants a part of the e-mail. */
static size_t
give_message(char *bytes, size_t size, size_t count, void *delivery_pointer)
{
	Delivery   *delivery = delivery_pointer;
	size_t		left = delivery->message.length - delivery->sent;
	size_t		given = size * count < left ? size * count : left;

	memcpy(bytes, delivery->message.bytes + delivery->sent, given);
	delivery->sent += given;
	return given;
}

/* libcurl wants to begin the e-mail again, for the connection that it had kept was closed. */
static int
rewind_message(void *delivery_pointer, curl_off_t offset, int origin)
{
	Delivery   *delivery = delivery_pointer;

	if (origin != SEEK_SET || offset < 0 || (size_t) offset > delivery->message.length)
		return CURL_SEEKFUNC_FAIL;
	delivery->sent = (size_t) offset;
	return CURL_SEEKFUNC_OK;
}

/* Set an option of libcurl, unless an earlier one went wrong. */
#define SET(option, value) \
	(result = result == CURLE_OK ? curl_easy_setopt(delivery->handle, option, value) : result)

/* Set what all requests have in common. */
static CURLcode
prepare(Delivery *delivery, const Options *options, double seconds)
{
	CURLcode	result = CURLE_OK;

	SET(CURLOPT_PRIVATE, (char *) delivery);
	SET(CURLOPT_ERRORBUFFER, delivery->problem);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_QUICK_EXIT, 1L);
	SET(CURLOPT_CONNECTTIMEOUT_MS, 1000L * CONNECT_SECONDS);
	SET(CURLOPT_TIMEOUT_MS, (long) (1000 * seconds));
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	if (options->ca_file != NULL)
		SET(CURLOPT_CAINFO, options->ca_file);
	SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
	SET(CURLOPT_OPENSOCKETDATA, delivery);
	SET(CURLOPT_WRITEFUNCTION, take_answer);
	SET(CURLOPT_WRITEDATA, delivery);
	/* empty, lest variables of the environment count */
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_NOPROXY, "");
	return result;
}

/* Set what makes it a webhook. */
static CURLcode
prepare_webhook(Delivery *delivery, const Options *options)
{
	CURLcode	result = CURLE_OK;

	/* do not ask whether the body is welcome */
	delivery_add_header(delivery, "Expect:");
	delivery->only_public = !options->allow_private && options->proxy == NULL;
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_URL, delivery->url);
	SET(CURLOPT_USERAGENT, "cx-courier/" CX_VERSION);
	SET(CURLOPT_POST, 1L);
	SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) strlen(delivery->body));
	SET(CURLOPT_POSTFIELDS, delivery->body);
	SET(CURLOPT_HTTPHEADER, delivery->headers);
	if (options->proxy != NULL)
		SET(CURLOPT_PROXY, options->proxy);
	return result;
}

/* Set what makes it an e-mail. */
static CURLcode
prepare_mail(Delivery *delivery, const MailServer *server, const char *address)
{
	CURLcode	result = CURLE_OK;

	mail_write(&delivery->message, server->from, delivery->headers, delivery->body);
	add_line(&delivery->recipients, address);
	SET(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	SET(CURLOPT_URL, server->url);
	SET(CURLOPT_USE_SSL, (long) (server->requires_tls ? CURLUSESSL_ALL : CURLUSESSL_TRY));
	SET(CURLOPT_MAIL_FROM, server->sender);
	SET(CURLOPT_MAIL_RCPT, delivery->recipients);
	SET(CURLOPT_UPLOAD, 1L);
	SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t) delivery->message.length);
	SET(CURLOPT_READFUNCTION, give_message);
	SET(CURLOPT_READDATA, delivery);
	SET(CURLOPT_SEEKFUNCTION, rewind_message);
	SET(CURLOPT_SEEKDATA, delivery);
	return result;
}

#undef SET

/* Set what is particular to the kind of address. */
static CURLcode
prepare_kind(Delivery *delivery, const Options *options, const MailServer *server)
{
	const char *url = delivery->url;

	if (delivery->refusal == NULL)
		delivery->refusal = header_problem(delivery->headers);
	if (delivery->refusal != NULL)
		return CURLE_OK;
	if (strncasecmp(url, "http://", 7) == 0 || strncasecmp(url, "https://", 8) == 0)
		return prepare_webhook(delivery, options);
	if (strncasecmp(url, "mailto:", 7) != 0 || !mail_address_is_plain(url + 7))
		delivery->refusal = "address is not understood";
	else if (server->url == NULL)
		delivery->refusal = "no mail server is configured";
	else
		return prepare_mail(delivery, server, url + 7);
	return CURLE_OK;
}

/* Note which place the log may name. */
static void
name_place(Delivery *delivery, const MailServer *server)
{
	bool		is_mail = strncasecmp(delivery->url, "mailto:", 7) == 0;

	free(delivery->place);
	delivery->place = is_mail && server->url == NULL ? copy_text("nowhere") : url_place(is_mail ? server->url : delivery->url);
}

/* Begin a delivery, which has so many seconds; if that cannot be done it says so in refusal or result. */
void
delivery_start(Delivery *delivery, CURLM *multi, const Options *options, const MailServer *server, double seconds)
{
	delivery->started_at = clock_seconds();
	name_place(delivery, server);
	delivery->handle = curl_easy_init();
	if (delivery->handle == NULL)
	{
		delivery->result = CURLE_FAILED_INIT;
		return;
	}
	delivery->result = prepare(delivery, options, seconds);
	if (delivery->result == CURLE_OK)
		delivery->result = prepare_kind(delivery, options, server);
	if (delivery->result == CURLE_OK && delivery->refusal == NULL && curl_multi_add_handle(multi, delivery->handle) == CURLM_OK)
		return;
	if (delivery->result == CURLE_OK && delivery->refusal == NULL)
		delivery->result = CURLE_FAILED_INIT;
	curl_easy_cleanup(delivery->handle);
	delivery->handle = NULL;
}

/* Note what the receiver answered. */
static void
read_answer(Delivery *delivery)
{
	curl_off_t	seconds = 0;

	curl_easy_getinfo(delivery->handle, CURLINFO_RESPONSE_CODE, &delivery->status);
	curl_easy_getinfo(delivery->handle, CURLINFO_RETRY_AFTER, &seconds);
	delivery->retry_after = seconds < 0 ? 0 : seconds > RETRY_AFTER_MOST ? RETRY_AFTER_MOST : (long) seconds;
	/* mail servers say 250, but what the database knows are the answers of webhooks */
	if (delivery->recipients != NULL)
		delivery->status = delivery->result == CURLE_OK ? 200 : 0;
}

/* End a delivery of which libcurl says that it is over. */
void
delivery_finish(Delivery *delivery, CURLM *multi, CURLcode result)
{
	delivery->result = result;
	if (result == CURLE_COULDNT_CONNECT && delivery->met_private)
		delivery->refusal = "address is private";
	read_answer(delivery);
	curl_multi_remove_handle(multi, delivery->handle);
	curl_easy_cleanup(delivery->handle);
	delivery->handle = NULL;
	delivery->seconds = clock_seconds() - delivery->started_at;
}

/* Why there is no answer, for the database; NULL if there is one. */
const char *
delivery_error(const Delivery *delivery)
{
	if (delivery->refusal != NULL)
		return delivery->refusal;
	if (delivery->result == CURLE_OK)
		return NULL;
	return delivery->problem[0] != '\0' ? delivery->problem : curl_easy_strerror(delivery->result);
}

/* The same for the log: libcurl's own words may quote what the receiver sent. */
const char *
delivery_public_error(const Delivery *delivery)
{
	if (delivery->refusal != NULL)
		return delivery->refusal;
	return delivery->result == CURLE_OK ? NULL : curl_easy_strerror(delivery->result);
}
