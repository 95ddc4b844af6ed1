/*-------------------------------------------------------------------------
 *
 * outbox.c
 *	  Signs messages with the server's own HMAC.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hmac.h"
#include "common/sha2.h"
#include "fmgr.h"

#include "compat.h"

/* HMAC of a message with SHA-256: hmac_sha256(key, message). */
PG_FUNCTION_INFO_V1(hmac_sha256);
Datum
hmac_sha256(PG_FUNCTION_ARGS)
{
	bytea	   *key = PG_GETARG_BYTEA_PP(0);
	bytea	   *message = PG_GETARG_BYTEA_PP(1);
	bytea	   *result = palloc(VARHDRSZ + PG_SHA256_DIGEST_LENGTH);
	pg_hmac_ctx *context = pg_hmac_create(PG_SHA256);

	SET_VARSIZE(result, VARHDRSZ + PG_SHA256_DIGEST_LENGTH);
	if (pg_hmac_init(context, (const uint8 *) VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key)) < 0 ||
		pg_hmac_update(context, (const uint8 *) VARDATA_ANY(message), VARSIZE_ANY_EXHDR(message)) < 0 ||
		pg_hmac_final(context, (uint8 *) VARDATA(result), PG_SHA256_DIGEST_LENGTH) < 0)
		elog(ERROR, "cannot compute an HMAC: %s", pg_hmac_error(context));
	pg_hmac_free(context);
	PG_RETURN_BYTEA_P(result);
}
