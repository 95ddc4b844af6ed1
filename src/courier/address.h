/*-------------------------------------------------------------------------
 *
 * address.h
 *	  Which addresses belong to everybody's internet.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_COURIER_ADDRESS_H
#define CX_COURIER_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

extern bool address_is_public(const struct sockaddr *address, socklen_t length);

#endif
