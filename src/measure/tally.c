/*-------------------------------------------------------------------------
 *
 * tally.c
 *	  The type cx.tally: input, output, comparison and arithmetic.
 *
 * Every rating scale in the field is a small set of whole numbers, so one
 * count per score loses nothing, and counts add.  The tally is also the
 * transition state of the score aggregates, changed in place by them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "common/int.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "parser/scansup.h"

#include "compat.h"
#include "measure/tally.h"

/* Bytes of a tally on the wire: the version and the counts. */
#define TALLY_WIRE_SIZE (1 + TALLY_SCORES * (int) sizeof(int64))

/* What is left to read of a tally's text form. */
typedef struct TallyText
{
	const char *start;			/* the whole text, for messages */
	const char *next;			/* first character not read yet */
	Node	   *escontext;		/* where a soft error goes, or NULL */
} TallyText;

/* Report stored bytes that are no tally. */
void
tally_reject(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("stored tally is damaged or of an unknown version")));
}

/* The tally itself, after making sure that these bytes are one. */
Tally *
tally_check(Tally *tally)
{
	int64		signs = 0;

	if (!tally_has_layout(tally))
		tally_reject();
	for (int score = 0; score < TALLY_SCORES; score++)
		signs |= tally->counts[score];
	if (signs < 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("stored tally has a negative count")));
	return tally;
}

#ifdef USE_ASSERT_CHECKING
/* In builds with assertions: what every function may rely on. */
void
tally_assert(const Tally *tally)
{
	Assert(tally_has_layout(tally));
	for (int i = 0; i < (int) lengthof(tally->unused); i++)
		Assert(tally->unused[i] == 0);
	for (int score = 0; score < TALLY_SCORES; score++)
		Assert(tally->counts[score] >= 0);
}
#endif

/* An empty tally in the current memory context. */
Tally *
tally_new(void)
{
	Tally	   *tally = (Tally *) palloc0(sizeof(Tally));

	SET_VARSIZE(tally, sizeof(Tally));
	tally->version = TALLY_VERSION;
	return tally;
}

/* A copy that the caller may change. */
Tally *
tally_copy(const Tally *tally)
{
	Tally	   *copy = (Tally *) palloc(sizeof(Tally));

	memcpy(copy, tally, sizeof(Tally));
	return copy;
}

/*
 * The state that a transition starts from: empty at an aggregate's first row,
 * a copy of the first argument where a user calls the function by hand.  The
 * executor copies a new state to where it must live; doing so here as well
 * would double the memory of a group.
 */
Tally *
tally_start(FunctionCallInfo fcinfo)
{
	return PG_ARGISNULL(0) ? tally_new() : tally_copy(PG_GETARG_TALLY_P(0));
}

/*
 * Add the answers of another tally.  Counts are never negative, so a sum has
 * overflowed exactly if its sign bit is set; one check at the end lets the
 * loop run in vector registers.
 */
void
tally_add_all(Tally *tally, const Tally *other)
{
	uint64		signs = 0;

	for (int score = 0; score < TALLY_SCORES; score++)
	{
		uint64		count = (uint64) tally->counts[score] + (uint64) other->counts[score];

		signs |= count;
		tally->counts[score] = (int64) count;
	}
	if (unlikely((int64) signs < 0))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("sum of tallies is out of range"),
				 errdetail("A tally counts at most 9223372036854775807 answers per score.")));
}

/* Take away the answers of another tally. */
void
tally_remove_all(Tally *tally, const Tally *other)
{
	for (int score = 0; score < TALLY_SCORES; score++)
	{
		if (tally->counts[score] < other->counts[score])
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("cannot subtract " INT64_FORMAT " answers with score %d from a tally that has "
							INT64_FORMAT, other->counts[score], score, tally->counts[score]),
					 errhint("Subtract only a part from its whole.")));
		tally->counts[score] -= other->counts[score];
	}
}

/* Answers with a score in low..high. */
int64
tally_count_between(const Tally *tally, int low, int high)
{
	int64		total = 0;

	for (int score = low; score <= high; score++)
		if (pg_add_s64_overflow(total, tally->counts[score], &total))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("number of answers is out of range for type bigint")));
	return total;
}

/* Whether this is a digit in every locale. */
static bool
tally_is_digit(char character)
{
	return character >= '0' && character <= '9';
}

/* Step over white space. */
static void
tally_skip_space(TallyText *text)
{
	while (scanner_isspace(*text->next))
		text->next++;
}

/* Step over one punctuation mark; false if something else stands there. */
static bool
tally_accept(TallyText *text, char mark)
{
	tally_skip_space(text);
	if (*text->next != mark)
		return false;
	text->next++;
	return true;
}

/* Report that the text is not a tally at all. */
static bool
tally_malformed(TallyText *text, const char *expected)
{
	ereturn(text->escontext, false,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("malformed tally: \"%s\"", text->start),
			 errdetail("Expected %s at character %d.", expected,
					   pg_mbstrlen_with_len(text->start, (int) (text->next - text->start)) + 1),
			 errhint("A tally looks like {0:3,7:2,10:5}, each pair being score:count.")));
}

/*
 * Read a whole number without its sign.  *word and *length give it as it stands,
 * for messages and for the sign; the result is false if there is no number,
 * *overflow is set if it exceeds int64.
 */
static bool
tally_read_number(TallyText *text, int64 *number, bool *overflow, const char **word, int *length)
{
	tally_skip_space(text);
	*word = text->next;
	*number = 0;
	*overflow = false;
	if (*text->next == '-')
		text->next++;
	if (!tally_is_digit(*text->next))
	{
		text->next = *word;
		return false;
	}
	for (; tally_is_digit(*text->next); text->next++)
		if (pg_mul_s64_overflow(*number, 10, number) ||
			pg_add_s64_overflow(*number, *text->next - '0', number))
			*overflow = true;
	*length = (int) (text->next - *word);
	return true;
}

/* Read a score that lies beyond the previous one; false after a soft error. */
static bool
tally_read_score(TallyText *text, int previous, int *score)
{
	int64		number;
	bool		overflow;
	const char *word;
	int			length;

	if (!tally_read_number(text, &number, &overflow, &word, &length))
		return tally_malformed(text, "a score");
	if (overflow || *word == '-' || number > TALLY_MAX_SCORE)
		ereturn(text->escontext, false,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("score %.*s is outside 0..%d", length, word, TALLY_MAX_SCORE),
				 errhint(TALLY_SCALE_HINT)));
	if (number == previous)
		ereturn(text->escontext, false,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("score %d appears twice in a tally", previous),
				 errhint("Add the counts up first.")));
	if (number < previous)
		ereturn(text->escontext, false,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("scores of a tally must ascend, but %d follows %d", (int) number, previous),
				 errhint("Write the lower score first.")));
	*score = (int) number;
	return true;
}

/* Read the count of a score; false after a soft error. */
static bool
tally_read_count(TallyText *text, int score, int64 *count)
{
	bool		overflow;
	const char *word;
	int			length;

	if (!tally_read_number(text, count, &overflow, &word, &length))
		return tally_malformed(text, "a count");
	if (*word == '-')
		ereturn(text->escontext, false,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("count %.*s of score %d is negative", length, word, score)));
	if (overflow)
		ereturn(text->escontext, false,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("count %.*s of score %d is out of range for type bigint", length, word, score)));
	return true;
}

/* Read the pairs between the braces; false after a soft error. */
static bool
tally_read_pairs(TallyText *text, Tally *tally)
{
	int			score = -1;

	do
	{
		if (!tally_read_score(text, score, &score))
			return false;
		if (!tally_accept(text, ':'))
			return tally_malformed(text, "\":\"");
		if (!tally_read_count(text, score, &tally->counts[score]))
			return false;
	} while (tally_accept(text, ','));

	return tally_accept(text, '}') || tally_malformed(text, "\",\" or \"}\"");
}

/* Read a whole tally; false after a soft error. */
static bool
tally_read(TallyText *text, Tally *tally)
{
	if (!tally_accept(text, '{'))
		return tally_malformed(text, "\"{\"");
	if (!tally_accept(text, '}') && !tally_read_pairs(text, tally))
		return false;
	tally_skip_space(text);
	if (*text->next != '\0')
		ereturn(text->escontext, false,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("trailing characters after a tally: \"%s\"", text->next)));
	return true;
}

/* Text form to tally. */
PG_FUNCTION_INFO_V1(tally_in);
Datum
tally_in(PG_FUNCTION_ARGS)
{
	char	   *string = PG_GETARG_CSTRING(0);
	TallyText	text = {string, string, fcinfo->context};
	Tally	   *tally = tally_new();

	if (!tally_read(&text, tally))
		PG_RETURN_NULL();
	PG_RETURN_TALLY_P(tally);
}

/* Tally to its text form, such as {0:3,7:2,10:5}. */
PG_FUNCTION_INFO_V1(tally_out);
Datum
tally_out(PG_FUNCTION_ARGS)
{
	Tally	   *tally = PG_GETARG_TALLY_P(0);
	const char *separator = "";
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfoChar(&text, '{');
	for (int score = 0; score < TALLY_SCORES; score++)
	{
		if (tally->counts[score] == 0)
			continue;
		appendStringInfo(&text, "%s%d:" INT64_FORMAT, separator, score, tally->counts[score]);
		separator = ",";
	}
	appendStringInfoChar(&text, '}');
	PG_RETURN_CSTRING(text.data);
}

/* Binary form to tally. */
PG_FUNCTION_INFO_V1(tally_recv);
Datum
tally_recv(PG_FUNCTION_ARGS)
{
	StringInfo	message = (StringInfo) PG_GETARG_POINTER(0);
	int			size = message->len - message->cursor;
	int			version;
	Tally	   *tally = tally_new();

	if (size != TALLY_WIRE_SIZE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("binary tally has %d bytes, expected %d", size, TALLY_WIRE_SIZE)));
	version = pq_getmsgbyte(message);
	if (version != TALLY_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("binary tally is of unknown version %d", version)));
	for (int score = 0; score < TALLY_SCORES; score++)
	{
		tally->counts[score] = pq_getmsgint64(message);
		if (tally->counts[score] < 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
					 errmsg("count " INT64_FORMAT " of score %d is negative",
							tally->counts[score], score)));
	}
	PG_RETURN_TALLY_P(tally);
}

/* Tally to its binary form. */
PG_FUNCTION_INFO_V1(tally_send);
Datum
tally_send(PG_FUNCTION_ARGS)
{
	Tally	   *tally = PG_GETARG_TALLY_P(0);
	StringInfoData message;

	pq_begintypsend(&message);
	pq_sendbyte(&message, tally->version);
	for (int score = 0; score < TALLY_SCORES; score++)
		pq_sendint64(&message, tally->counts[score]);
	PG_RETURN_BYTEA_P(pq_endtypsend(&message));
}

/* Order by the count of score 0, then of score 1, and so on: below, at or above zero. */
static int
tally_compare(FunctionCallInfo fcinfo)
{
	Tally	   *a = PG_GETARG_TALLY_P(0);
	Tally	   *b = PG_GETARG_TALLY_P(1);

	for (int score = 0; score < TALLY_SCORES; score++)
		if (a->counts[score] != b->counts[score])
			return a->counts[score] < b->counts[score] ? -1 : 1;
	return 0;
}

/* The comparisons that the operators and the B-tree need. */
PG_FUNCTION_INFO_V1(tally_cmp);
Datum
tally_cmp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(tally_compare(fcinfo));
}

PG_FUNCTION_INFO_V1(tally_eq);
Datum
tally_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(tally_compare(fcinfo) == 0);
}

PG_FUNCTION_INFO_V1(tally_ne);
Datum
tally_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(tally_compare(fcinfo) != 0);
}

PG_FUNCTION_INFO_V1(tally_lt);
Datum
tally_lt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(tally_compare(fcinfo) < 0);
}

PG_FUNCTION_INFO_V1(tally_le);
Datum
tally_le(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(tally_compare(fcinfo) <= 0);
}

PG_FUNCTION_INFO_V1(tally_gt);
Datum
tally_gt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(tally_compare(fcinfo) > 0);
}

PG_FUNCTION_INFO_V1(tally_ge);
Datum
tally_ge(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(tally_compare(fcinfo) >= 0);
}

/* Hashes of the counts, without and with a seed. */
PG_FUNCTION_INFO_V1(tally_hash);
Datum
tally_hash(PG_FUNCTION_ARGS)
{
	Tally	   *tally = PG_GETARG_TALLY_P(0);

	return hash_any((unsigned char *) tally->counts, sizeof(tally->counts));
}

PG_FUNCTION_INFO_V1(tally_hash_extended);
Datum
tally_hash_extended(PG_FUNCTION_ARGS)
{
	Tally	   *tally = PG_GETARG_TALLY_P(0);

	return hash_any_extended((unsigned char *) tally->counts, sizeof(tally->counts),
							 PG_GETARG_INT64(1));
}

/* Both tallies together. */
PG_FUNCTION_INFO_V1(tally_merge);
Datum
tally_merge(PG_FUNCTION_ARGS)
{
	Tally	   *sum = tally_stored_state(fcinfo);

	tally_add_all(sum, PG_GETARG_TALLY_P(1));
	PG_RETURN_TALLY_P(sum);
}

/* The first tally without the answers of the second. */
PG_FUNCTION_INFO_V1(tally_subtract);
Datum
tally_subtract(PG_FUNCTION_ARGS)
{
	Tally	   *rest = tally_stored_state(fcinfo);

	tally_remove_all(rest, PG_GETARG_TALLY_P(1));
	PG_RETURN_TALLY_P(rest);
}

/* Rows of score and answers, one for each score that occurs. */
PG_FUNCTION_INFO_V1(tally_counts);
Datum
tally_counts(PG_FUNCTION_ARGS)
{
	Tally	   *tally = PG_GETARG_TALLY_P(0);
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (int score = 0; score < TALLY_SCORES; score++)
	{
		Datum		row[2] = {Int32GetDatum(score), Int64GetDatum(tally->counts[score])};
		bool		nulls[2] = {false, false};

		if (tally->counts[score] > 0)
			tuplestore_putvalues(result->setResult, result->setDesc, row, nulls);
	}
	return (Datum) 0;
}
