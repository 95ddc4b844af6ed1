/*-------------------------------------------------------------------------
 *
 * import.c
 *	  Brings in responses that survey tools deliver as JSON.
 *
 * What a response means is data: SQL/JSON paths, for each question one set of
 * them (see cx.import_questions).  They run over all responses in one query,
 * and what comes out goes the way of captured rows.  Responses that cannot be
 * mapped are noted one by one; the others are written.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "executor/tstoreReceiver.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

#include "collect/capture.h"
#include "people/erase.h"
#include "program/owner.h"

/* Columns of the result of import_responses(). */
enum ImportResult
{
	RESULT_RESPONSES,
	RESULT_INSERTED,
	RESULT_UPDATED,
	RESULT_SET_ASIDE,
	RESULT_FAILED,
	RESULT_COLUMNS
};

/* Columns of the responses. */
enum ResponseColumn
{
	RESPONSE_KEY,
	RESPONSE_STATE,
	RESPONSE_BODY,
	RESPONSE_COLUMNS
};

/* What is being imported. */
typedef struct Import
{
	Capture		capture;		/* first, for what is done with rows gets this */
	Jsonb	   *format;
	SPITupleTable *questions;	/* one row each: the parameters of the mapping */
	uint64		question_count;
} Import;

/* A state that a response is in where its path finds something. */
#define STATE(name) " WHEN pg_catalog.jsonb_path_exists(response, ($2 #>> '{states," name "}')::pg_catalog.jsonpath, '{}', true) THEN '" name "'"

/* The responses in a payload ($1) of a format ($2): key, state unless it is complete, and the response. */
static const char *const response_query =
"SELECT pg_catalog.jsonb_path_query_first(response, ($2 ->> 'key')::pg_catalog.jsonpath, '{}', true) #>> '{}',"
" CASE" STATE("test") STATE("preview") STATE("spam") STATE("partial") " END, response"
" FROM pg_catalog.jsonb_path_query($1, coalesce($2 ->> 'responses', '$[*]')::pg_catalog.jsonpath, '{}', true) AS response";

/* A field that is either given or found by a path. */
#define FIELD(given, path) "coalesce(" given ", nullif(pg_catalog.jsonb_path_query_first(r.response, " path ", $2, true) #>> '{}', ''))"

/* The fields of a mapping, in their order, and the response itself; the parameters are those of cx.import_questions. */
static const char *const mapping_text =
"SELECT r.source_key || $1, coalesce(" FIELD("$3", "$4") ", CASE WHEN $24 IS NOT NULL THEN"
" cx.invited_customer(pg_catalog.jsonb_path_query_first(r.response, $24, $2, true) #>> '{}') END), "FIELD("$5", "$6") ", " FIELD("$7", "$8")
", cx.import_score(a.answer, $9), cx.import_time(pg_catalog.jsonb_path_query_first(r.response, $10, $2, true), a.zone), a.comment, "
FIELD("$12", "$13") ", " FIELD("$14", "$15") ", " FIELD("$16", "$17") ", " FIELD("$18", "$19")
", NULL::text, NULL::double precision, pg_catalog.jsonb_path_query_first(r.response, $20, $2, true)"
", cx.import_time(pg_catalog.jsonb_path_query_first(r.response, $21, $2, true), a.zone), r.response"
" FROM cx_response AS r CROSS JOIN LATERAL (SELECT pg_catalog.jsonb_path_query_first(r.response, $22, $2, true) AS answer,"
" nullif(pg_catalog.btrim(pg_catalog.jsonb_path_query_first(r.response, $23, $2, true) #>> '{}'), '') AS comment,"
" coalesce(r.response ->> '(time zone)', $11) AS zone OFFSET 0) AS a"
" WHERE r.state IS NULL AND ($1 = '' OR a.comment IS NOT NULL OR nullif(a.answer, 'null') IS NOT NULL)";

/* The plan of that, kept for the session. */
static SPIPlanPtr mapping_plan = NULL;

/* The columns of the responses. */
static TupleDesc
response_columns(void)
{
	TupleDesc	columns = CreateTemplateTupleDesc(RESPONSE_COLUMNS);

	TupleDescInitEntry(columns, RESPONSE_KEY + 1, "source_key", TEXTOID, -1, 0);
	TupleDescInitEntry(columns, RESPONSE_STATE + 1, "state", TEXTOID, -1, 0);
	TupleDescInitEntry(columns, RESPONSE_BODY + 1, "response", JSONBOID, -1, 0);
	return columns;
}

/* The source to import for, which nothing may be attached to. */
static const CatalogEntry *
import_source(const char *name)
{
	const CatalogEntry *source = catalog_find(PROGRAM_SOURCE, name);

	if (source == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("source \"%s\" does not exist", name),
				 errhint("SELECT cx.create_import(...) makes a source that responses are imported for.")));
	if (source->is_event || OidIsValid(source->relation))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("source \"%s\" is attached to a relation, or delivers events", name),
				 errhint("Import under the name of another source.")));
	return source;
}

/* Raise an error unless the caller may write feedback himself. */
static void
import_check_privileges(void)
{
	Oid			feedback = program_table(PROGRAM_FEEDBACK);

	if (pg_class_aclcheck(feedback, GetUserId(), ACL_INSERT) != ACLCHECK_OK ||
		pg_class_aclcheck(feedback, GetUserId(), ACL_UPDATE) != ACLCHECK_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to import feedback"),
				 errhint("Importing needs INSERT and UPDATE on %s.feedback.", PROGRAM_SCHEMA)));
}

/* The responses in a payload. */
static RowSet
import_read(Jsonb *payload, Jsonb *format)
{
	RowSet		rows = {tuplestore_begin_heap(true, false, work_mem), 0, response_columns(), false};
	DestReceiver *receiver = CreateDestReceiver(DestTuplestore);
	Oid			types[2] = {JSONBOID, JSONBOID};
	Datum		values[2] = {JsonbPGetDatum(payload), JsonbPGetDatum(format)};
	bool		nulls[2] = {false, false};

	SetTuplestoreDestReceiverParams(receiver, rows.rows, CurrentMemoryContext, true, NULL, NULL);
	target_query_into(response_query, 2, types, values, nulls, receiver);
	rows.count = tuplestore_tuple_count(rows.rows);
	return rows;
}

/* Read the questions of a format. */
static void
import_read_questions(Import *import, Jsonb *format)
{
	Oid			type = JSONBOID;
	Datum		argument = JsonbPGetDatum(format);

	if (SPI_execute_with_args("SELECT * FROM cx.import_questions($1)", 1, &type, &argument, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "cannot read the questions of a format");
	import->questions = SPI_tuptable;
	import->question_count = SPI_processed;
}

/* Prepare the mapping; its parameters are the columns of a question. */
static SPIPlanPtr
import_plan(TupleDesc columns)
{
	Oid		   *types = palloc(sizeof(Oid) * columns->natts);

	if (mapping_plan != NULL)
		return mapping_plan;
	for (int i = 0; i < columns->natts; i++)
		types[i] = TupleDescAttr(columns, i)->atttypid;
	mapping_plan = SPI_prepare_cursor(mapping_text, columns->natts, types, CURSOR_OPT_GENERIC_PLAN);
	if (mapping_plan == NULL)
		elog(ERROR, "cannot prepare the mapping of responses: %s", SPI_result_code_string(SPI_result));
	SPI_keepplan(mapping_plan);
	return mapping_plan;
}

/* Map the responses for one question. */
static void
import_map_question(Import *import, HeapTuple question, Sink *sink)
{
	TupleDesc	columns = import->questions->tupdesc;
	SPIExecuteOptions options = {.dest = &sink->receiver, .params = makeParamList(columns->natts)};

	for (int i = 0; i < columns->natts; i++)
	{
		ParamExternData *param = &options.params->params[i];

		param->value = SPI_getbinval(question, columns, i + 1, &param->isnull);
		param->pflags = PARAM_FLAG_CONST;
		param->ptype = TupleDescAttr(columns, i)->atttypid;
	}
	if (SPI_execute_plan_extended(import_plan(columns), &options) < 0)
		elog(ERROR, "cannot run the mapping of responses");
}

/* Map responses, all or none, into the sink of the import. */
static void
import_map(Capture *capture, const RowSet *responses)
{
	Import	   *import = (Import *) capture;
	ActingAs	before = act_as_reader(capture->owner);
	Sink	   *part = sink_begin(capture->sink->mapping, false);

	target_register_rows("cx_response", responses->rows, 1000, responses->columns, InvalidOid);
	for (uint64 i = 0; i < import->question_count; i++)
		import_map_question(import, import->questions->vals[i], part);
	sink_flush(part);
	sink_append(capture->sink, part);
	tuplestore_end(part->ready);
	act_as_before(before);
}

/* Whether a response is of a customer who was erased. */
static bool
import_is_erased(const Import *import, Datum response)
{
	Oid			types[2] = {JSONBOID, JSONBOID};
	Datum		arguments[2] = {JsonbPGetDatum(import->format), response};
	ActingAs	before;
	bool		isnull;
	bool		is_erased;

	if (!customers_were_erased())
		return false;
	before = act_as(program_owner());
	if (SPI_execute_with_args("SELECT cx.response_is_erased($1, $2)", 2, types, arguments, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "cannot tell whose response this is");
	is_erased = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	act_as_before(before);
	return is_erased;
}

/* Note a response that cannot be mapped, and keep it so that it can be tried again. */
static void
import_failed(Capture *capture, const RowSet *response, const ErrorData *error)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(response->columns, &TTSOpsMinimalTuple);

	tuplestore_rescan(response->rows);
	if (tuplestore_gettupleslot(response->rows, true, false, slot))
	{
		slot_getallattrs(slot);
		sink_add_bad(capture->sink, slot->tts_isnull[RESPONSE_KEY] ? NULL : TextDatumGetCString(slot->tts_values[RESPONSE_KEY]),
					 error->sqlerrcode, error->message, import_is_erased((Import *) capture, slot->tts_values[RESPONSE_BODY]));
		sink_keep_bad(capture->sink, slot->tts_values[RESPONSE_BODY]);
	}
	ExecDropSingleTupleTableSlot(slot);
}

/* Map all responses. */
static void
import_map_all(Import *import, const RowSet *responses)
{
	Capture    *capture = &import->capture;

	if (capture->sink->mapping->records_errors)
		capture_isolate(capture, responses, import_map, import_failed);
	else
		import_map(capture, responses);
}

/* What is added to the key of a response for each question. */
static Datum
import_suffixes(const Import *import)
{
	Datum	   *suffixes = palloc(sizeof(Datum) * Max(import->question_count, 1));
	bool		isnull;

	for (uint64 i = 0; i < import->question_count; i++)
		suffixes[i] = SPI_getbinval(import->questions->vals[i], import->questions->tupdesc, 1, &isnull);
	return PointerGetDatum(construct_array(suffixes, (int) import->question_count, TEXTOID, -1, false, TYPALIGN_INT));
}

/* Set responses aside that are not complete or no true ones; gives how many. */
static int64
import_set_aside(const Import *import, const RowSet *responses)
{
	Oid			types[3] = {INT8OID, TEXTARRAYOID, JSONBOID};
	Datum		arguments[3] = {Int64GetDatum(import->capture.source_id), import_suffixes(import), JsonbPGetDatum(import->format)};
	char		nulls[] = {' ', ' ', customers_were_erased() ? ' ' : 'n', '\0'};
	ActingAs	before = act_as(program_owner());
	int64		count;

	target_register_rows("cx_response", responses->rows, responses->count, responses->columns, InvalidOid);
	if (SPI_execute_with_args("WITH complete AS ("
							  "DELETE FROM cx_data.response_apart AS a USING cx_response AS r"
							  " WHERE a.source_id = $1 AND a.source_key = r.source_key AND r.state IS NULL) "
							  "INSERT INTO cx_data.response_apart (source_id, source_key, state, payload)"
							  " SELECT DISTINCT ON (source_key) $1, source_key, state, response FROM cx_response AS r"
							  " WHERE state IS NOT NULL AND ($3 IS NULL OR NOT cx.response_is_erased($3, response))"
							  " AND NOT EXISTS (SELECT FROM cx_response AS done WHERE done.source_key = r.source_key AND done.state IS NULL)"
							  " AND NOT EXISTS (SELECT FROM pg_catalog.unnest($2) AS suffix JOIN cx_data.feedback AS f"
							  " ON f.source_id = $1 AND f.source_key = r.source_key || suffix)"
							  " ON CONFLICT (source_id, source_key) DO UPDATE SET state = excluded.state, payload = excluded.payload, received_at = pg_catalog.now()",
							  3, types, arguments, nulls, false, 0) != SPI_OK_INSERT)
		elog(ERROR, "cannot set responses aside");
	count = SPI_processed;
	act_as_before(before);
	return count;
}

/* Raise an error if a payload holds nothing, or note it. */
static void
import_check_empty(Sink *sink, const RowSet *responses, Jsonb *payload)
{
	Problem		problem;

	if (responses->count > 0 || (JB_ROOT_IS_ARRAY(payload) && JB_ROOT_COUNT(payload) == 0))
		return;
	(void) problem_is(&problem, ERRCODE_INVALID_PARAMETER_VALUE, "The path \"responses\" of the format says where responses are.",
					  "no response found in the payload");
	if (!sink->mapping->records_errors)
		problem_raise(&problem);
	sink_add_bad(sink, NULL, problem.sqlstate, problem.message, false);
	sink_keep_bad(sink, JsonbPGetDatum(payload));
}

/* The result row. */
static Datum
import_result(FunctionCallInfo fcinfo, int64 responses, const TargetCounts *counts, int64 set_aside, const Sink *sink)
{
	TupleDesc	columns;
	Datum		values[RESULT_COLUMNS];
	bool		nulls[RESULT_COLUMNS] = {false};

	if (get_call_result_type(fcinfo, NULL, &columns) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "import_responses() must return a row");
	values[RESULT_RESPONSES] = Int64GetDatum(responses);
	values[RESULT_INSERTED] = Int64GetDatum(counts->inserted);
	values[RESULT_UPDATED] = Int64GetDatum(counts->updated);
	values[RESULT_SET_ASIDE] = Int64GetDatum(set_aside);
	values[RESULT_FAILED] = Int64GetDatum(list_length(sink->bad));
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(columns), values, nulls));
}

/* The text in a setting of the format, or NULL. */
static char *
format_text(Jsonb *format, const char *name)
{
	JsonbValue	buffer;
	JsonbValue *value = getKeyJsonValueFromContainer(&format->root, name, strlen(name), &buffer);

	return value == NULL || value->type != jbvString ? NULL : pnstrdup(value->val.string.val, value->val.string.len);
}

/*
 * Import the responses of a payload: import_responses(source, payload, format,
 * records_errors).
 */
PG_FUNCTION_INFO_V1(import_responses);
Datum
import_responses(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Jsonb	   *payload = PG_GETARG_JSONB_P(1);
	Jsonb	   *format = PG_GETARG_JSONB_P(2);
	char	   *on_unknown = format_text(format, "on_unknown");
	Mapping		mapping = {.source = name, .records_errors = PG_GETARG_BOOL(3), .keeps_versions = true,
		.creates_touchpoints = on_unknown != NULL && strcmp(on_unknown, "create") == 0,
	.customer_kind = format_text(format, "customer_kind")};
	Import		import = {.capture = {.owner = program_owner(), .source_id = import_source(name)->id}, .format = format};
	RowSet		responses;
	TargetCounts counts;
	int64		set_aside;
	Datum		result;

	import_check_privileges();
	SPI_connect();
	sink_lock_target(&mapping);
	import.capture.sink = sink_begin(&mapping, false);
	import_read_questions(&import, format);
	responses = import_read(payload, format);
	import_check_empty(import.capture.sink, &responses, payload);
	import_map_all(&import, &responses);
	target_keep_newest(import.capture.sink, import.capture.source_id);
	counts = target_write(import.capture.sink, NULL, import.capture.source_id, TARGET_NEWEST);
	target_record_errors(import.capture.sink, import.capture.source_id);
	set_aside = import_set_aside(&import, &responses);
	result = SPI_datumTransfer(import_result(fcinfo, responses.count, &counts, set_aside, import.capture.sink), false, -1);
	SPI_finish();
	PG_RETURN_DATUM(result);
}
