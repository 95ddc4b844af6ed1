/*-------------------------------------------------------------------------
 *
 * hash.h
 *	  SHA-256 of bytes, with a key or without, and hash tables whose keys are
 *	  pointers to strings.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_HASH_H
#define CX_HASH_H

#include "postgres.h"

extern uint32 hash_string_pointer(const void *key, Size keysize);
extern int	match_string_pointer(const void *key1, const void *key2, Size keysize);
extern char *hash_in_hex(const char *bytes, int length);
extern bytea *hash_with_key(const char *key, int key_length, const char *bytes, int length);
extern char *hash_with_key_in_hex(const char *key, const char *bytes, int length);

#endif							/* CX_HASH_H */
