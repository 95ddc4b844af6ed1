/*-------------------------------------------------------------------------
 *
 * hash.c
 *	  SHA-256 of bytes, and hash tables whose keys are pointers to strings.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "compat.h"
#include "program/hash.h"

/* Hash value of the string that a key points to. */
uint32
hash_string_pointer(const void *key, Size keysize)
{
	const char *string = *(const char *const *) key;

	return hash_bytes((const unsigned char *) string, strlen(string));
}

/* 0 if the strings that two keys point to are equal. */
int
match_string_pointer(const void *key1, const void *key2, Size keysize)
{
	return strcmp(*(const char *const *) key1, *(const char *const *) key2);
}

/* The SHA-256 of these bytes as 64 hexadecimal digits. */
char *
hash_in_hex(const char *bytes, int length)
{
	text	   *input = cstring_to_text_with_len(bytes, length);
	bytea	   *hash = DatumGetByteaPP(DirectFunctionCall1(sha256_bytea, PointerGetDatum(input)));
	char	   *hex = palloc0(2 * VARSIZE_ANY_EXHDR(hash) + 1);

	(void) hex_encode(VARDATA_ANY(hash), VARSIZE_ANY_EXHDR(hash), hex);
	pfree(input);
	return hex;
}
