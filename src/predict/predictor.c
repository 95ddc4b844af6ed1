/*-------------------------------------------------------------------------
 *
 * predictor.c
 *	  The type cx.predictor: a trained model as a value.
 *
 * Its binary form is the bytes that are stored: a version, a checksum and the
 * packed model.  Its text form is these bytes in base64, written in one way
 * only.  The checksum is a SHA-256, so that predictors are equal if and only if
 * their checksums are.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/base64.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "compat.h"
#include "predict/model_pack.h"
#include "predict/predictor.h"

/* Bytes of a predictor at most, and before its content, without the varlena header. */
#define PREDICTOR_MOST_BYTES (1 << 28)
#define PREDICTOR_HEADER (1 + PREDICTOR_CHECKSUM)

/* Bytes of a text that is no predictor which its error shows. */
#define SHOWN_BYTES 40

#define DAMAGE_HINT "Take it from where it was trained once more, or train it anew."

/* Make the checksum of these bytes. */
static void
compute_checksum(const uint8 *content, Size length, uint8 *checksum)
{
	bytea	   *bytes = (bytea *) palloc(VARHDRSZ + length);
	bytea	   *hash;

	SET_VARSIZE(bytes, VARHDRSZ + length);
	memcpy(VARDATA(bytes), content, length);
	hash = DatumGetByteaPP(DirectFunctionCall1(sha256_bytea, PointerGetDatum(bytes)));
	memcpy(checksum, VARDATA_ANY(hash), PREDICTOR_CHECKSUM);
	pfree(bytes);
	pfree(hash);
}

/* A predictor of the given size, its bytes from the version on not set. */
static Predictor *
predictor_allocate(Size bytes)
{
	Predictor  *predictor = (Predictor *) palloc(VARHDRSZ + bytes);

	SET_VARSIZE(predictor, VARHDRSZ + bytes);
	return predictor;
}

/* The model as a value. */
Predictor *
predictor_pack(const Model *model)
{
	StringInfoData content;
	Predictor  *predictor;

	initStringInfo(&content);
	pack_model(&content, model);
	if (content.len > PREDICTOR_MOST_BYTES - PREDICTOR_HEADER)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("model takes %d bytes, more than the %d that a predictor may have", content.len, PREDICTOR_MOST_BYTES - PREDICTOR_HEADER),
				 errhint("Train it with fewer trees or fewer leaves.")));
	predictor = predictor_allocate(PREDICTOR_HEADER + content.len);
	predictor->version = PREDICTOR_VERSION;
	memcpy(predictor->content, content.data, content.len);
	compute_checksum(predictor->content, content.len, predictor->checksum);
	pfree(content.data);
	return predictor;
}

/* The text form. */
static char *
predictor_text(const Predictor *predictor)
{
	int			bytes = VARSIZE(predictor) - VARHDRSZ;
	int			room = pg_b64_enc_len(bytes);
	char	   *string = (char *) palloc(room + 1);
	int			length = pg_b64_encode((const void *) &predictor->version, bytes, string, room);

	if (length < 0)
		elog(ERROR, "cannot encode a predictor");
	string[length] = '\0';
	return string;
}

/* Bytes of the packed model. */
static Size
content_length(const Predictor *predictor)
{
	return VARSIZE(predictor) - VARHDRSZ - PREDICTOR_HEADER;
}

/* Whether these bytes are whole and of our version; else false after a soft error. */
static bool
predictor_check(const Predictor *predictor, Node *escontext)
{
	uint8		checksum[PREDICTOR_CHECKSUM];

	if (VARSIZE(predictor) < VARHDRSZ + PREDICTOR_HEADER)
		ereturn(escontext, false,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("predictor is damaged: it has only %d bytes", (int) (VARSIZE(predictor) - VARHDRSZ)),
				 errhint(DAMAGE_HINT)));
	if (predictor->version > PREDICTOR_VERSION)
		ereturn(escontext, false,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("predictor is of version %d, newer than the %d that this cx knows", predictor->version, PREDICTOR_VERSION),
				 errhint("Upgrade the extension cx to the version that trained it.")));
	compute_checksum(predictor->content, content_length(predictor), checksum);
	if (predictor->version != PREDICTOR_VERSION || memcmp(checksum, predictor->checksum, PREDICTOR_CHECKSUM) != 0)
		ereturn(escontext, false,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("predictor is damaged: its checksum is wrong"),
				 errhint(DAMAGE_HINT)));
	return true;
}

/* The model of a predictor, in the current memory context. */
Model *
predictor_unpack(const Predictor *predictor)
{
	(void) predictor_check(predictor, NULL);
	return unpack_model(predictor->content, content_length(predictor));
}

/* Refuse bytes that are more than a predictor may have; false after a soft error. */
static bool
predictor_check_size(Size bytes, Node *escontext)
{
	if (bytes > PREDICTOR_MOST_BYTES)
		ereturn(escontext, false,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("predictor has more than %d bytes", PREDICTOR_MOST_BYTES)));
	return true;
}

/* The bytes that a text stands for; NULL after a soft error. */
static Predictor *
predictor_decode(const char *string, Node *escontext)
{
	int			length = strlen(string);
	Predictor  *predictor = predictor_allocate(pg_b64_dec_len(length));
	int			bytes = pg_b64_decode(string, length, (void *) &predictor->version, pg_b64_dec_len(length));
	char	   *again;

	/* spaces and unused bits would give one predictor several texts */
	if (bytes >= 0)
	{
		SET_VARSIZE(predictor, VARHDRSZ + bytes);
		again = predictor_text(predictor);
		if (strcmp(again, string) == 0)
		{
			pfree(again);
			return predictor;
		}
	}
	ereturn(escontext, NULL,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("malformed predictor: \"%.*s\"", pg_mbcliplen(string, length, SHOWN_BYTES), string),
			 errdetail("The text form of a predictor is base64 without spaces."),
			 errhint(DAMAGE_HINT)));
}

/* Text form to predictor. */
PG_FUNCTION_INFO_V1(predictor_in);
Datum
predictor_in(PG_FUNCTION_ARGS)
{
	char	   *string = PG_GETARG_CSTRING(0);
	Predictor  *predictor;

	if (!predictor_check_size(strlen(string) / 4 * 3, fcinfo->context))
		PG_RETURN_NULL();
	predictor = predictor_decode(string, fcinfo->context);
	if (predictor == NULL || !predictor_check(predictor, fcinfo->context))
		PG_RETURN_NULL();
	(void) unpack_model(predictor->content, content_length(predictor));
	PG_RETURN_POINTER(predictor);
}

/* Predictor to its text form. */
PG_FUNCTION_INFO_V1(predictor_out);
Datum
predictor_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(predictor_text(PG_GETARG_PREDICTOR_P(0)));
}

/* Binary form to predictor. */
PG_FUNCTION_INFO_V1(predictor_recv);
Datum
predictor_recv(PG_FUNCTION_ARGS)
{
	StringInfo	message = (StringInfo) PG_GETARG_POINTER(0);
	int			bytes = message->len - message->cursor;
	Predictor  *predictor;

	(void) predictor_check_size(bytes, NULL);
	predictor = predictor_allocate(bytes);
	pq_copymsgbytes(message, (char *) &predictor->version, bytes);
	(void) predictor_unpack(predictor);
	PG_RETURN_POINTER(predictor);
}

/* Predictor to its binary form. */
PG_FUNCTION_INFO_V1(predictor_send);
Datum
predictor_send(PG_FUNCTION_ARGS)
{
	Predictor  *predictor = PG_GETARG_PREDICTOR_P(0);
	StringInfoData message;

	pq_begintypsend(&message);
	pq_sendbytes(&message, (const char *) &predictor->version, VARSIZE(predictor) - VARHDRSZ);
	PG_RETURN_BYTEA_P(pq_endtypsend(&message));
}

/* Whether two predictors are the same model, to the last bit. */
PG_FUNCTION_INFO_V1(predictor_eq);
Datum
predictor_eq(PG_FUNCTION_ARGS)
{
	Predictor  *a = PG_GETARG_PREDICTOR_P(0);
	Predictor  *b = PG_GETARG_PREDICTOR_P(1);

	PG_RETURN_BOOL(VARSIZE(a) == VARSIZE(b) && memcmp(VARDATA(a), VARDATA(b), VARSIZE(a) - VARHDRSZ) == 0);
}
