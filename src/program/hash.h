/*-------------------------------------------------------------------------
 *
 * hash.h
 *	  SHA-256 of bytes, in hexadecimal digits.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_HASH_H
#define CX_HASH_H

#include "postgres.h"

extern char *hash_in_hex(const char *bytes, int length);

#endif							/* CX_HASH_H */
