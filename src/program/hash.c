/*-------------------------------------------------------------------------
 *
 * hash.c
 *	  SHA-256 of bytes, in hexadecimal digits.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "compat.h"
#include "program/hash.h"

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
