/*-------------------------------------------------------------------------
 *
 * hash.c
 *	  SHA-256 of bytes, with a key or without, and hash tables whose keys are
 *	  pointers to strings.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "common/hmac.h"
#include "common/sha2.h"
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

/* Bytes as hexadecimal digits. */
static char *
in_hex(const bytea *bytes)
{
	char	   *hex = palloc0(2 * VARSIZE_ANY_EXHDR(bytes) + 1);

	(void) hex_encode(VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes), hex);
	return hex;
}

/* The SHA-256 of these bytes as 64 hexadecimal digits. */
char *
hash_in_hex(const char *bytes, int length)
{
	text	   *input = cstring_to_text_with_len(bytes, length);
	bytea	   *hash = DatumGetByteaPP(DirectFunctionCall1(sha256_bytea, PointerGetDatum(input)));

	pfree(input);
	return in_hex(hash);
}

/* The HMAC of these bytes with SHA-256, 32 bytes. */
bytea *
hash_with_key(const char *key, int key_length, const char *bytes, int length)
{
	bytea	   *result = palloc(VARHDRSZ + PG_SHA256_DIGEST_LENGTH);
	pg_hmac_ctx *context = pg_hmac_create(PG_SHA256);

	SET_VARSIZE(result, VARHDRSZ + PG_SHA256_DIGEST_LENGTH);
	if (pg_hmac_init(context, (const uint8 *) key, key_length) < 0 ||
		pg_hmac_update(context, (const uint8 *) bytes, length) < 0 ||
		pg_hmac_final(context, (uint8 *) VARDATA(result), PG_SHA256_DIGEST_LENGTH) < 0)
		elog(ERROR, "cannot compute an HMAC: %s", pg_hmac_error(context));
	pg_hmac_free(context);
	return result;
}

/* The same as 64 hexadecimal digits. */
char *
hash_with_key_in_hex(const char *key, const char *bytes, int length)
{
	return in_hex(hash_with_key(key, strlen(key), bytes, length));
}
