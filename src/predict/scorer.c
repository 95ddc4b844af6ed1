/*-------------------------------------------------------------------------
 *
 * scorer.c
 *	  Makes predictors ready for scoring, and keeps them while a query runs.
 *
 * Unpacking a model costs more than scoring thousands of rows, so a function
 * call keeps the last few.  Whether a predictor is one of them is told by what
 * cannot lie: that the argument is a constant of the query, where it is stored
 * out of line, or its checksum, which costs no more than its first bytes.
 *
 * A champion is looked up by name once in a snapshot.  PL/pgSQL evaluates an
 * expression many times in one transaction without setting it up anew, so the
 * snapshot is compared by what it says, and with it the subtransaction, whose
 * end can undo what it saw, and the role.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/detoast.h"
#include "access/heaptoast.h"
#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/typcache.h"

#include "compat.h"
#include "predict/scorer.h"
#include "program/program.h"

/* Predictors that one function call of a query keeps. */
#define SCORERS_KEPT 8

/* Version and checksum. */
#define PREDICTOR_START (1 + PREDICTOR_CHECKSUM)

/* Transactions of a snapshot. */
typedef struct TransactionIds
{
	int			count;
	int			room;			/* of the array */
	TransactionId *ids;
} TransactionIds;

/* What must be the same for a champion to be the same. */
typedef struct Moment
{
	Oid			role;			/* with whose rights it was looked up */
	SubTransactionId subtransaction;	/* 0 if nothing was looked up yet */
	CommandId	command;
	TransactionId xmin;			/* the snapshot */
	TransactionId xmax;
	bool		overflowed;		/* whether it does not know all subtransactions */
	TransactionIds running;		/* transactions running in it */
	TransactionIds subrunning;	/* and their subtransactions, as far as known */
} Moment;

/* What a function call keeps. */
typedef struct ScorerCache
{
	MemoryContext context;		/* parent of the scorers */
	bool		is_constant;	/* whether the predictor is the same in all calls */
	Scorer	   *kept[SCORERS_KEPT];	/* the first ones may be followed by NULLs */
	int			next;			/* which one to replace next */
	Moment		moment;			/* in which champions were looked up */
} ScorerCache;

/* Whether an argument of the function is a constant of the query. */
static bool
argument_is_constant(const FmgrInfo *call, int number)
{
	if (call->fn_expr == NULL || !IsA(call->fn_expr, FuncExpr))
		return false;
	return IsA(list_nth(((FuncExpr *) call->fn_expr)->args, number), Const);
}

/* What this function call keeps. */
static ScorerCache *
scorer_cache(FunctionCallInfo fcinfo)
{
	FmgrInfo   *call = fcinfo->flinfo;
	ScorerCache *cache = (ScorerCache *) call->fn_extra;

	if (likely(cache != NULL))
		return cache;
	cache = (ScorerCache *) MemoryContextAllocZero(call->fn_mcxt, sizeof(ScorerCache));
	cache->context = call->fn_mcxt;
	cache->is_constant = argument_is_constant(call, 0);
	call->fn_extra = cache;
	return cache;
}

/* Whether a value is stored out of line, so that its pointer identifies it. */
static bool
has_pointer(const struct varlena *value)
{
	return VARATT_IS_EXTERNAL_ONDISK(value) && VARSIZE_EXTERNAL(value) <= TOAST_POINTER_BYTES;
}

/* Note where the predictor of a scorer is stored. */
static void
scorer_note_pointer(Scorer *scorer, const struct varlena *value)
{
	scorer->pointer_length = has_pointer(value) ? VARSIZE_EXTERNAL(value) : 0;
	memcpy(scorer->pointer, value, scorer->pointer_length);
}

/* Whether a scorer's predictor is stored where this value is. */
static bool
scorer_has_pointer(const Scorer *scorer, const struct varlena *value)
{
	return has_pointer(value) && scorer->pointer_length == (int) VARSIZE_EXTERNAL(value) &&
		memcmp(scorer->pointer, value, scorer->pointer_length) == 0;
}

/* The checksum of a predictor; reads no more than its start. */
static void
read_checksum(struct varlena *value, uint8 *checksum)
{
	struct varlena *start = value;

	if (VARATT_IS_EXTENDED(value) && !VARATT_IS_SHORT(value))
		start = detoast_attr_slice(value, 0, PREDICTOR_START);
	memset(checksum, 0, PREDICTOR_CHECKSUM);
	/* others are refused when they are unpacked */
	if (VARSIZE_ANY_EXHDR(start) >= PREDICTOR_START && *(uint8 *) VARDATA_ANY(start) == PREDICTOR_VERSION)
		memcpy(checksum, VARDATA_ANY(start) + 1, PREDICTOR_CHECKSUM);
	if (start != value)
		pfree(start);
}

/* Whether a scorer's predictor has this checksum; if so, note where the value is stored that has it. */
static bool
scorer_has_checksum(Scorer *scorer, const uint8 *checksum, const struct varlena *value)
{
	if (memcmp(scorer->checksum, checksum, PREDICTOR_CHECKSUM) != 0)
		return false;
	if (has_pointer(value))
		scorer_note_pointer(scorer, value);
	return true;
}

/* Whether a scorer is that of this predictor. */
static bool
scorer_is_of(Scorer *scorer, struct varlena *value)
{
	uint8		checksum[PREDICTOR_CHECKSUM];

	if (scorer_has_pointer(scorer, value))
		return true;
	read_checksum(value, checksum);
	return scorer_has_checksum(scorer, checksum, value);
}

/* What is kept of this predictor, or NULL. */
static Scorer *
find_scorer(ScorerCache *cache, struct varlena *value)
{
	uint8		checksum[PREDICTOR_CHECKSUM];

	for (int i = 0; i < SCORERS_KEPT && cache->kept[i] != NULL; i++)
		if (scorer_has_pointer(cache->kept[i], value))
			return cache->kept[i];
	read_checksum(value, checksum);
	for (int i = 0; i < SCORERS_KEPT && cache->kept[i] != NULL; i++)
		if (scorer_has_checksum(cache->kept[i], checksum, value))
			return cache->kept[i];
	return NULL;
}

/* A scorer of this predictor in a memory context under the given one. */
static Scorer *
scorer_new(MemoryContext parent, struct varlena *value)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "cx scorer", ALLOCSET_SMALL_SIZES);
	MemoryContext before = MemoryContextSwitchTo(context);
	Scorer	   *scorer = (Scorer *) palloc0(sizeof(Scorer));
	Predictor  *predictor = DatumGetPredictorP(PointerGetDatum(value));

	scorer->context = context;
	scorer->model = predictor_unpack(predictor);
	memcpy(scorer->checksum, predictor->checksum, PREDICTOR_CHECKSUM);
	scorer_note_pointer(scorer, value);
	/* one more, so that there always is a first one */
	scorer->numbers = (double *) palloc0(mul_size(scorer->model->feature_count + 1, sizeof(double)));
	scorer->contributions = (double *) palloc0(mul_size(scorer->model->feature_count + 1, sizeof(double)));
	scorer->row_context = AllocSetContextCreate(context, "cx scorer's row type", ALLOCSET_SMALL_SIZES);
	if ((struct varlena *) predictor != value)
		pfree(predictor);
	MemoryContextSwitchTo(before);
	/* from here on nothing can fail */
	MemoryContextSetParent(context, parent);
	return scorer;
}

/* Keep a scorer in place of this one, or of the oldest one if that is NULL. */
static Scorer *
scorer_keep(ScorerCache *cache, Scorer *scorer, Scorer *old)
{
	int			place = cache->next;

	for (int i = 0; i < SCORERS_KEPT && old != NULL; i++)
		if (cache->kept[i] == old)
			place = i;
	if (place == cache->next)
		cache->next = (cache->next + 1) % SCORERS_KEPT;
	if (cache->kept[place] != NULL)
		MemoryContextDelete(cache->kept[place]->context);
	cache->kept[place] = scorer;
	return scorer;
}

/* The scorer of the predictor that is the first argument. */
Scorer *
scorer_of_predictor(FunctionCallInfo fcinfo)
{
	ScorerCache *cache = scorer_cache(fcinfo);
	struct varlena *value = (struct varlena *) PG_GETARG_POINTER(0);
	Scorer	   *scorer;

	if (cache->is_constant && cache->kept[0] != NULL)
		return cache->kept[0];
	scorer = find_scorer(cache, value);
	return scorer != NULL ? scorer : scorer_keep(cache, scorer_new(cache->context, value), NULL);
}

/* Whether a list has just these ids; a snapshot without an array has none, whatever its count. */
static bool
ids_are(const TransactionIds *list, const TransactionId *ids, int count)
{
	if (ids == NULL)
		return list->count == 0;
	return list->count == count && memcmp(list->ids, ids, count * sizeof(TransactionId)) == 0;
}

/* Let a list have these ids, in this memory context. */
static void
ids_note(TransactionIds *list, const TransactionId *ids, int count, MemoryContext context)
{
	list->count = ids == NULL ? 0 : count;
	if (list->ids == NULL || list->count > list->room)
	{
		list->room = 2 * list->count + 1;
		list->ids = (TransactionId *) MemoryContextAlloc(context, mul_size(list->room, sizeof(TransactionId)));
	}
	if (list->count > 0)
		memcpy(list->ids, ids, list->count * sizeof(TransactionId));
}

/* Whether it is still the moment in which champions were looked up. */
static bool
moment_is_now(const Moment *moment)
{
	Snapshot	now = GetActiveSnapshot();

	return moment->role == GetUserId() && moment->subtransaction == GetCurrentSubTransactionId() &&
		moment->command == now->curcid && moment->xmin == now->xmin && moment->xmax == now->xmax &&
		moment->overflowed == now->suboverflowed && ids_are(&moment->running, now->xip, now->xcnt) &&
		ids_are(&moment->subrunning, now->subxip, now->subxcnt);
}

/* Note the moment, in this memory context. */
static void
moment_note(Moment *moment, MemoryContext context)
{
	Snapshot	now = GetActiveSnapshot();

	moment->role = GetUserId();
	moment->subtransaction = GetCurrentSubTransactionId();
	moment->command = now->curcid;
	moment->xmin = now->xmin;
	moment->xmax = now->xmax;
	moment->overflowed = now->suboverflowed;
	ids_note(&moment->running, now->xip, now->xcnt, context);
	ids_note(&moment->subrunning, now->subxip, now->subxcnt, context);
}

/* What is kept was looked up before this moment. */
static void
forget_champions(ScorerCache *cache)
{
	for (int i = 0; i < SCORERS_KEPT && cache->kept[i] != NULL; i++)
		cache->kept[i]->is_current = false;
	moment_note(&cache->moment, cache->context);
}

/* Whether two texts are the same bytes. */
static bool
same_text(const text *a, const text *b)
{
	return VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) && memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0;
}

/* The query for a champion, planned once in a session. */
static SPIPlanPtr
champion_query(void)
{
	static SPIPlanPtr plan = NULL;
	Oid			type = TEXTOID;

	if (plan != NULL)
		return plan;
	plan = SPI_prepare("SELECT predictor FROM cx_data.model WHERE name OPERATOR(pg_catalog.=) $1 AND champion", 1, &type);
	if (plan == NULL || SPI_keepplan(plan) != 0)
		elog(ERROR, "cannot prepare to look up a model");
	return plan;
}

/* The predictor of a model's champion, as the current role may read it; to be called between SPI_connect() and SPI_finish(). */
static struct varlena *
find_champion(text *name)
{
	Datum		argument = PointerGetDatum(name);
	bool		isnull;
	Datum		value;

	(void) program_table(PROGRAM_MODEL);
	if (SPI_execute_plan(champion_query(), &argument, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "cannot look up a model");
	if (SPI_processed == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no model \"%s\" with a champion", text_to_cstring(name)),
				 errhint("SELECT name, version, champion FROM cx_data.model shows the models; cx.train() makes one.")));
	value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	if (isnull)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("champion of model \"%s\" has no predictor", text_to_cstring(name)),
				 errdetail("Predictors go when the extension is dropped."),
				 errhint("Train the model anew with cx.train().")));
	return (struct varlena *) DatumGetPointer(value);
}

/* Look a champion up; what is kept of it from an earlier moment is used again if it still is the champion. */
static Scorer *
look_up_champion(ScorerCache *cache, text *name, Scorer *kept)
{
	Size		length = VARSIZE_ANY(name);
	struct varlena *value;

	SPI_connect();
	value = find_champion(name);
	if (kept == NULL || !scorer_is_of(kept, value))
	{
		Scorer	   *scorer = scorer_new(cache->context, value);

		scorer->name = (text *) memcpy(MemoryContextAlloc(scorer->context, length), name, length);
		kept = scorer_keep(cache, scorer, kept);
	}
	SPI_finish();
	kept->is_current = true;
	return kept;
}

/* The scorer of the champion of the model that the first argument names. */
Scorer *
scorer_of_champion(FunctionCallInfo fcinfo)
{
	ScorerCache *cache = scorer_cache(fcinfo);
	text	   *name = PG_GETARG_TEXT_PP(0);
	Scorer	   *scorer = NULL;

	if (!moment_is_now(&cache->moment))
		forget_champions(cache);
	for (int i = 0; i < SCORERS_KEPT && cache->kept[i] != NULL && scorer == NULL; i++)
		if (same_text(cache->kept[i]->name, name))
			scorer = cache->kept[i];
	if (scorer == NULL || !scorer->is_current)
		scorer = look_up_champion(cache, name, scorer);
	return scorer;
}

/* Get ready to read rows of this type. */
static void
scorer_set_row_type(Scorer *scorer, Oid type, int32 modifier)
{
	TupleDesc	row = lookup_rowtype_tupdesc(type, modifier);
	MemoryContext before;

	scorer->row_type = 0;
	MemoryContextReset(scorer->row_context);
	before = MemoryContextSwitchTo(scorer->row_context);
	scorer->reader = feature_reader_new(scorer->model->features, scorer->model->feature_count, row);
	scorer->columns = CreateTupleDescCopy(row);
	scorer->values = (Datum *) palloc(mul_size(row->natts, sizeof(Datum)));
	scorer->nulls = (bool *) palloc(mul_size(row->natts, sizeof(bool)));
	MemoryContextSwitchTo(before);
	ReleaseTupleDesc(row);
	scorer->row_type = assign_record_type_identifier(type, modifier);
}

/* Read the features of a row. */
void
scorer_read(Scorer *scorer, HeapTupleHeader row)
{
	Oid			type = HeapTupleHeaderGetTypeId(row);
	int32		modifier = HeapTupleHeaderGetTypMod(row);
	HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(row), .t_tableOid = InvalidOid, .t_data = row};

	if (unlikely(scorer->row_type == 0 || scorer->row_type != assign_record_type_identifier(type, modifier)))
		scorer_set_row_type(scorer, type, modifier);
	heap_deform_tuple(&tuple, scorer->columns, scorer->values, scorer->nulls);
	feature_reader_read(scorer->reader, scorer->values, scorer->nulls, scorer->numbers);
}

/* What the model predicts of the features that were read. */
double
scorer_prediction(const Scorer *scorer)
{
	double		prediction = model_prediction(scorer->model, model_score(scorer->model, scorer->numbers));

	if (unlikely(!isfinite(prediction)))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("prediction is out of range"),
				 errhint("Look for a feature that is far larger than all that the model was trained with.")));
	return prediction;
}

/* Refuse a model that predicts a number. */
void
scorer_check_probability(const Scorer *scorer)
{
	if (!scorer->model->is_probability)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("model predicts a number, not a risk"),
				 errhint("Use cx.predict, or train a model with a Boolean target.")));
}
