/*-------------------------------------------------------------------------
 *
 * url.c
 *	  What may be told of a URL: scheme and host.
 *
 * Paths and query strings of chat robots are secrets, and so are passwords.
 *
 *-------------------------------------------------------------------------
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "courier/url.h"
#include "courier/text.h"

/* Longest host that is told, in bytes; the names of the internet are no longer. */
#define HOST_MOST 255

/* A part of a URL, to be freed with curl_free(); NULL if it has none. */
static char *
url_part(const char *url, CURLUPart which)
{
	CURLU	   *parsed = curl_url();
	char	   *part = NULL;

	if (parsed != NULL && curl_url_set(parsed, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
		curl_url_get(parsed, which, &part, 0) != CURLUE_OK)
		part = NULL;
	curl_url_cleanup(parsed);
	return part;
}

/* Whether a URL has a user in it, or a password. */
bool
url_holds_user(const char *url)
{
	char	   *user = url_part(url, CURLUPART_USER);
	bool		holds_user = user != NULL;

	curl_free(user);
	return holds_user;
}

/* Scheme and host of a URL, for the log; to be freed. */
char *
url_place(const char *url)
{
	char	   *scheme = url_part(url, CURLUPART_SCHEME);
	char	   *host = url_part(url, CURLUPART_HOST);
	char	   *place;

	if (scheme == NULL || host == NULL)
		place = copy_text("an unknown place");
	else
	{
		size_t		size = strlen(scheme) + HOST_MOST + 4;

		place = allocate(size);
		snprintf(place, size, "%s://%.*s", scheme, HOST_MOST, host);
	}
	curl_free(scheme);
	curl_free(host);
	return place;
}
