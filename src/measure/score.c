/*-------------------------------------------------------------------------
 *
 * score.c
 *	  The score aggregates tally, nps, csat and ces, and what a tally tells.
 *
 * All of them count into a tally; they differ only in the final function, so
 * the executor runs one transition for all that stand in a query.  Removing
 * a score is exact, which makes sliding windows cheap.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "measure/score.h"
#include "measure/tally.h"
#include "measure/tally_math.h"

/* Buckets of a tally whose answers were sorted by a threshold while counting. */
#define BUCKET_UNSATISFIED 0
#define BUCKET_SATISFIED 1

/* Report a whole number that is no score. */
int
score_reject_int(int64 score)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("score " INT64_FORMAT " is outside 0..%d", score, TALLY_MAX_SCORE),
			 errhint(TALLY_SCALE_HINT)));
}

/* Report text that is no score, given as the server prints it. */
static int
score_reject_text(const char *score, bool whole)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 whole ?
			 errmsg("score %s is outside 0..%d", score, TALLY_MAX_SCORE) :
			 errmsg("score %s is not a whole number", score),
			 errhint(TALLY_SCALE_HINT)));
}

/* Report a double that is no score. */
int
score_reject_float8(double score)
{
	char	   *text = DatumGetCString(DirectFunctionCall1(float8out, Float8GetDatum(score)));

	return score_reject_text(text, isfinite(score) && score == floor(score));
}

/* The score in a numeric of any form. */
int
score_from_any_numeric(Numeric score)
{
	Datum		value = NumericGetDatum(score);
	bool		whole;

	if (numeric_is_nan(score) || numeric_is_inf(score))
		whole = false;
	else
		whole = DatumGetBool(DirectFunctionCall2(numeric_eq, value,
												 DirectFunctionCall2(numeric_trunc, value, Int32GetDatum(0))));
	if (whole &&
		DatumGetBool(DirectFunctionCall2(numeric_ge, value, NumericGetDatum(int64_to_numeric(0)))) &&
		DatumGetBool(DirectFunctionCall2(numeric_le, value, NumericGetDatum(int64_to_numeric(TALLY_MAX_SCORE)))))
		return DatumGetInt32(DirectFunctionCall1(numeric_int4, value));
	return score_reject_text(DatumGetCString(DirectFunctionCall1(numeric_out, value)), whole);
}

/* The threshold itself, after making sure that it can divide a scale. */
int
score_check_satisfied_from(int satisfied_from)
{
	if (satisfied_from < 1 || satisfied_from > TALLY_MAX_SCORE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("satisfied_from %d is outside 1..%d", satisfied_from, TALLY_MAX_SCORE),
				 errhint("It is the lowest score that counts as satisfied, 4 on the 1-5 scale.")));
	return satisfied_from;
}

/* The threshold in an argument that must not be NULL. */
int
score_satisfied_from_argument(FunctionCallInfo fcinfo, int position)
{
	if (PG_ARGISNULL(position))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("satisfied_from must not be null"),
				 errhint("It is the lowest score that counts as satisfied, 4 on the 1-5 scale.")));
	return score_check_satisfied_from(PG_GETARG_INT32(position));
}

/* Count one more answer. */
static inline void
tally_add(Tally *tally, int score)
{
	if (unlikely(tally->counts[score] == PG_INT64_MAX))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("count of score %d is out of range for type bigint", score)));
	tally->counts[score]++;
}

/* Count one answer less. */
static inline void
tally_remove(Tally *tally, int score)
{
	if (unlikely(tally->counts[score] == 0))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("tally has no answer with score %d to remove", score)));
	tally->counts[score]--;
}

/* Transition: add the score in the second argument, ignoring NULL. */
static inline Datum
tally_add_argument(FunctionCallInfo fcinfo, ScoreReader read)
{
	Tally	   *tally = tally_state(fcinfo);

	if (likely(!PG_ARGISNULL(1)))
		tally_add(tally, read(PG_GETARG_DATUM(1)));
	PG_RETURN_TALLY_P(tally);
}

/* Inverse transition: remove the score in the second argument, ignoring NULL. */
static inline Datum
tally_remove_argument(FunctionCallInfo fcinfo, ScoreReader read)
{
	Tally	   *tally = tally_state(fcinfo);

	if (!PG_ARGISNULL(1))
		tally_remove(tally, read(PG_GETARG_DATUM(1)));
	PG_RETURN_TALLY_P(tally);
}

/* Transitions of tally, nps, csat and ces, one for each type of score, and their inverses. */
PG_FUNCTION_INFO_V1(tally_add_smallint);
Datum
tally_add_smallint(PG_FUNCTION_ARGS)
{
	return tally_add_argument(fcinfo, score_from_smallint);
}

PG_FUNCTION_INFO_V1(tally_add_integer);
Datum
tally_add_integer(PG_FUNCTION_ARGS)
{
	return tally_add_argument(fcinfo, score_from_integer);
}

PG_FUNCTION_INFO_V1(tally_add_numeric);
Datum
tally_add_numeric(PG_FUNCTION_ARGS)
{
	return tally_add_argument(fcinfo, score_from_numeric);
}

PG_FUNCTION_INFO_V1(tally_add_float8);
Datum
tally_add_float8(PG_FUNCTION_ARGS)
{
	return tally_add_argument(fcinfo, score_from_float8);
}

PG_FUNCTION_INFO_V1(tally_remove_smallint);
Datum
tally_remove_smallint(PG_FUNCTION_ARGS)
{
	return tally_remove_argument(fcinfo, score_from_smallint);
}

PG_FUNCTION_INFO_V1(tally_remove_integer);
Datum
tally_remove_integer(PG_FUNCTION_ARGS)
{
	return tally_remove_argument(fcinfo, score_from_integer);
}

PG_FUNCTION_INFO_V1(tally_remove_numeric);
Datum
tally_remove_numeric(PG_FUNCTION_ARGS)
{
	return tally_remove_argument(fcinfo, score_from_numeric);
}

PG_FUNCTION_INFO_V1(tally_remove_float8);
Datum
tally_remove_float8(PG_FUNCTION_ARGS)
{
	return tally_remove_argument(fcinfo, score_from_float8);
}

/* The bucket of a score on a scale that is satisfied from the third argument on. */
static inline int
score_bucket(FunctionCallInfo fcinfo, ScoreReader read)
{
	int			score = read(PG_GETARG_DATUM(1));

	return score >= score_satisfied_from_argument(fcinfo, 2) ? BUCKET_SATISFIED : BUCKET_UNSATISFIED;
}

/* Transition: count the second argument as satisfied or not, ignoring NULL. */
static inline Datum
tally_split_argument(FunctionCallInfo fcinfo, ScoreReader read)
{
	Tally	   *tally = tally_state(fcinfo);

	if (likely(!PG_ARGISNULL(1)))
		tally_add(tally, score_bucket(fcinfo, read));
	PG_RETURN_TALLY_P(tally);
}

/* Inverse transition of the same. */
static inline Datum
tally_unsplit_argument(FunctionCallInfo fcinfo, ScoreReader read)
{
	Tally	   *tally = tally_state(fcinfo);

	if (!PG_ARGISNULL(1))
		tally_remove(tally, score_bucket(fcinfo, read));
	PG_RETURN_TALLY_P(tally);
}

/* Transitions of csat(score, satisfied_from), one for each type of score, and their inverses. */
PG_FUNCTION_INFO_V1(tally_split_smallint);
Datum
tally_split_smallint(PG_FUNCTION_ARGS)
{
	return tally_split_argument(fcinfo, score_from_smallint);
}

PG_FUNCTION_INFO_V1(tally_split_integer);
Datum
tally_split_integer(PG_FUNCTION_ARGS)
{
	return tally_split_argument(fcinfo, score_from_integer);
}

PG_FUNCTION_INFO_V1(tally_split_numeric);
Datum
tally_split_numeric(PG_FUNCTION_ARGS)
{
	return tally_split_argument(fcinfo, score_from_numeric);
}

PG_FUNCTION_INFO_V1(tally_split_float8);
Datum
tally_split_float8(PG_FUNCTION_ARGS)
{
	return tally_split_argument(fcinfo, score_from_float8);
}

PG_FUNCTION_INFO_V1(tally_unsplit_smallint);
Datum
tally_unsplit_smallint(PG_FUNCTION_ARGS)
{
	return tally_unsplit_argument(fcinfo, score_from_smallint);
}

PG_FUNCTION_INFO_V1(tally_unsplit_integer);
Datum
tally_unsplit_integer(PG_FUNCTION_ARGS)
{
	return tally_unsplit_argument(fcinfo, score_from_integer);
}

PG_FUNCTION_INFO_V1(tally_unsplit_numeric);
Datum
tally_unsplit_numeric(PG_FUNCTION_ARGS)
{
	return tally_unsplit_argument(fcinfo, score_from_numeric);
}

PG_FUNCTION_INFO_V1(tally_unsplit_float8);
Datum
tally_unsplit_float8(PG_FUNCTION_ARGS)
{
	return tally_unsplit_argument(fcinfo, score_from_float8);
}

/* The two buckets of a whole tally, satisfied from the third argument on. */
static Tally *
tally_buckets(FunctionCallInfo fcinfo)
{
	Tally	   *scores = PG_GETARG_TALLY_P(1);
	int			satisfied_from = score_satisfied_from_argument(fcinfo, 2);
	Tally	   *buckets = tally_new();

	buckets->counts[BUCKET_UNSATISFIED] = tally_count_between(scores, 0, satisfied_from - 1);
	buckets->counts[BUCKET_SATISFIED] = tally_count_between(scores, satisfied_from, TALLY_MAX_SCORE);
	return buckets;
}

/* Transition: count the answers of a tally as satisfied or not, ignoring NULL. */
PG_FUNCTION_INFO_V1(tally_split_tally);
Datum
tally_split_tally(PG_FUNCTION_ARGS)
{
	Tally	   *tally = tally_state(fcinfo);

	if (!PG_ARGISNULL(1))
		tally_add_all(tally, tally_buckets(fcinfo));
	PG_RETURN_TALLY_P(tally);
}

/* Inverse transition of the same. */
PG_FUNCTION_INFO_V1(tally_unsplit_tally);
Datum
tally_unsplit_tally(PG_FUNCTION_ARGS)
{
	Tally	   *tally = tally_state(fcinfo);

	if (!PG_ARGISNULL(1))
		tally_remove_all(tally, tally_buckets(fcinfo));
	PG_RETURN_TALLY_P(tally);
}

/* The tally itself, or NULL without answers. */
PG_FUNCTION_INFO_V1(tally_final);
Datum
tally_final(PG_FUNCTION_ARGS)
{
	Tally	   *tally = PG_GETARG_TALLY_P(0);

	if (tally_size(tally) == 0)
		PG_RETURN_NULL();
	PG_RETURN_TALLY_P(tally);
}

/* NPS, -100..100. */
PG_FUNCTION_INFO_V1(nps_of);
Datum
nps_of(PG_FUNCTION_ARGS)
{
	NpsClasses	classes = nps_classes(PG_GETARG_TALLY_P(0));

	if (classes.size == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(nps_value(classes));
}

/* Percent of answers with a score in low..high, or NULL without answers. */
static Datum
tally_percent(FunctionCallInfo fcinfo, const Tally *tally, int low, int high)
{
	double		size = tally_size(tally);

	if (size == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(100 * tally_sum_between(tally, low, high) / size);
}

/* Percent of answers that are satisfied. */
PG_FUNCTION_INFO_V1(csat_of);
Datum
csat_of(PG_FUNCTION_ARGS)
{
	Tally	   *tally = PG_GETARG_TALLY_P(0);
	int			satisfied_from = score_check_satisfied_from(PG_GETARG_INT32(1));

	return tally_percent(fcinfo, tally, satisfied_from, TALLY_MAX_SCORE);
}

/* Percent of answers with a score in low..high. */
PG_FUNCTION_INFO_V1(share_of);
Datum
share_of(PG_FUNCTION_ARGS)
{
	Tally	   *tally = PG_GETARG_TALLY_P(0);
	int			low = score_from_int(PG_GETARG_INT32(1));
	int			high = score_from_int(PG_GETARG_INT32(2));

	if (low > high)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("low %d is above high %d", low, high),
				 errhint("Give the lower score first.")));
	return tally_percent(fcinfo, tally, low, high);
}

/* Report a score below or above what this metric is asked on. */
static void
score_check_scale(const Tally *tally, const char *metric, int scale_max, const char *above_hint)
{
	if (tally->counts[0] > 0)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("score 0 is outside 1..%d, the scale of %s", scale_max, metric),
				 errhint("If 0 means not applicable, leave it out with NULLIF(score, 0).")));
	for (int score = scale_max + 1; score < TALLY_SCORES; score++)
		if (tally->counts[score] > 0)
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("score %d is outside 1..%d, the scale of %s", score, scale_max, metric),
					 errhint("%s", above_hint)));
}

/* CSAT of a 1-5 scale, in percent. */
PG_FUNCTION_INFO_V1(csat_final);
Datum
csat_final(PG_FUNCTION_ARGS)
{
	Tally	   *tally = PG_GETARG_TALLY_P(0);

	score_check_scale(tally, "csat(score)", 5,
					  "For another scale say from which score on an answer is satisfied: csat(score, satisfied_from).");
	return tally_percent(fcinfo, tally, SATISFIED_FROM_CSAT, TALLY_MAX_SCORE);
}

/* CSAT of answers that were sorted while counting, in percent. */
PG_FUNCTION_INFO_V1(csat_split_final);
Datum
csat_split_final(PG_FUNCTION_ARGS)
{
	return tally_percent(fcinfo, PG_GETARG_TALLY_P(0), BUCKET_SATISFIED, BUCKET_SATISFIED);
}

/* CES, the mean of a 1-7 scale. */
PG_FUNCTION_INFO_V1(ces_final);
Datum
ces_final(PG_FUNCTION_ARGS)
{
	Tally	   *tally = PG_GETARG_TALLY_P(0);

	score_check_scale(tally, "ces(score)", 7,
					  "For the mean of another scale use mean_of(tally(score)).");
	if (tally_size(tally) == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(tally_mean(tally));
}

/* Mean score. */
PG_FUNCTION_INFO_V1(mean_of);
Datum
mean_of(PG_FUNCTION_ARGS)
{
	Tally	   *tally = PG_GETARG_TALLY_P(0);

	if (tally_size(tally) == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(tally_mean(tally));
}

/* Sample standard deviation of the scores, NULL for fewer than two answers. */
PG_FUNCTION_INFO_V1(stddev_of);
Datum
stddev_of(PG_FUNCTION_ARGS)
{
	Tally	   *tally = PG_GETARG_TALLY_P(0);

	if (tally_size(tally) < 2)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(sqrt(tally_variance(tally)));
}

/* Answers in all. */
PG_FUNCTION_INFO_V1(responses);
Datum
responses(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(tally_count_between(PG_GETARG_TALLY_P(0), 0, TALLY_MAX_SCORE));
}

/* Answers with 9 or 10. */
PG_FUNCTION_INFO_V1(promoters);
Datum
promoters(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(tally_count_between(PG_GETARG_TALLY_P(0), SCORE_PROMOTER, TALLY_MAX_SCORE));
}

/* Answers with 7 or 8. */
PG_FUNCTION_INFO_V1(passives);
Datum
passives(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(tally_count_between(PG_GETARG_TALLY_P(0), SCORE_PASSIVE, SCORE_PROMOTER - 1));
}

/* Answers with 0 to 6. */
PG_FUNCTION_INFO_V1(detractors);
Datum
detractors(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(tally_count_between(PG_GETARG_TALLY_P(0), 0, SCORE_PASSIVE - 1));
}
