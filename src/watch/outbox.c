/*-------------------------------------------------------------------------
 *
 * outbox.c
 *	  Signs messages with the server's own HMAC.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"

#include "compat.h"
#include "program/hash.h"

/* HMAC of a message with SHA-256: hmac_sha256(key, message). */
PG_FUNCTION_INFO_V1(hmac_sha256);
Datum
hmac_sha256(PG_FUNCTION_ARGS)
{
	bytea	   *key = PG_GETARG_BYTEA_PP(0);
	bytea	   *message = PG_GETARG_BYTEA_PP(1);

	PG_RETURN_BYTEA_P(hash_with_key(VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key), VARDATA_ANY(message), VARSIZE_ANY_EXHDR(message)));
}
