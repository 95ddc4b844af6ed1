/*-------------------------------------------------------------------------
 *
 * url.h
 *	  What may be told of a URL.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_COURIER_URL_H
#define CX_COURIER_URL_H

#include <stdbool.h>

extern bool url_holds_user(const char *url);
extern char *url_place(const char *url);

#endif
