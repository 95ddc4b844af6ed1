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
	RESPONSE_REPEATED,
	RESPONSE_COLUMNS
};

/* Why something is imported. */
typedef enum ImportWork
{
	IMPORT_DELIVERED,			/* a survey tool sent it */
	IMPORT_AGAIN,				/* rows that failed are tried again */
	IMPORT_ANEW,				/* responses without a key are tried again */
	IMPORT_SUBMITTED			/* one piece of feedback of one's own program */
} ImportWork;

/* What is being imported. */
typedef struct Import
{
	Capture		capture;		/* first, for what is done with rows gets this */
	TargetCounts counts;		/* of rows written */
	Jsonb	   *format;
	SPITupleTable *questions;	/* one row each: the parameters of the mapping */
	uint64		question_count;
	int			parameters;		/* how many there are, with the last two, which are the same for all questions */
	Oid		   *types;
	Datum		suffixes;		/* text[]: what is added to the key of a response for each question */
} Import;

/* A state that a response is in where its path finds something. */
#define STATE(name) " WHEN pg_catalog.jsonb_path_exists(response, ($2 #>> '{states," name "}')::pg_catalog.jsonpath, '{}', true) THEN '" name "'"

/* The responses in a payload ($1) of a format ($2): key, state unless it is complete, the response, and whether there are several of the key. */
static const char *const response_query =
"SELECT source_key, state, response, source_key IS NOT NULL AND pg_catalog.count(*) FILTER (WHERE state IS NULL) OVER (PARTITION BY source_key) > 1 FROM ("
"SELECT pg_catalog.jsonb_path_query_first(response, ($2 ->> 'key')::pg_catalog.jsonpath, '{}', true) #>> '{}' AS source_key,"
" CASE" STATE("test") STATE("preview") STATE("spam") STATE("partial") " END AS state, response, place"
" FROM pg_catalog.jsonb_path_query($1, coalesce($2 ->> 'responses', '$[*]')::pg_catalog.jsonpath, '{}', true) WITH ORDINALITY AS delivered (response, place)"
") AS read ORDER BY place";

/* A field that is either given or found by a path. */
#define FIELD(given, path) "coalesce(" given ", nullif(pg_catalog.jsonb_path_query_first(r.response, " path ", $2, true) #>> '{}', ''))"

/* The fields of a mapping, in their order, and the response itself; the parameters are those of cx.import_questions, the source, and whether customers were erased. */
static const char *const mapping_text =
"SELECT r.source_key || $1, coalesce(" FIELD("$3", "$4") ", CASE WHEN $24 IS NOT NULL THEN"
" cx.invited_customer(pg_catalog.jsonb_path_query_first(r.response, $24, $2, true) #>> '{}') END), "FIELD("$5", "$6") ", " FIELD("$7", "$8")
", cx.import_score(a.answer, $9), cx.import_time(pg_catalog.jsonb_path_query_first(r.response, $10, $2, true), a.zone), a.comment, "
FIELD("$12", "$13") ", " FIELD("$14", "$15") ", " FIELD("$16", "$17") ", " FIELD("$18", "$19")
", CASE WHEN $1 <> '' AND a.comment IS NULL AND nullif(a.answer, 'null') IS NULL THEN '" TARGET_TAKEN_BACK "' END, NULL::double precision, nullif(pg_catalog.jsonb_path_query_first(r.response, $20, $2, true), 'null')"
", cx.import_time(pg_catalog.jsonb_path_query_first(r.response, $21, $2, true), a.zone), r.response"
" FROM cx_response AS r CROSS JOIN LATERAL (SELECT pg_catalog.jsonb_path_query_first(r.response, $22, $2, true) AS answer,"
" nullif(pg_catalog.btrim(pg_catalog.jsonb_path_query_first(r.response, $23, $2, true) #>> '{}'), '') AS comment,"
" coalesce(r.response ->> '(time zone)', $11) AS zone OFFSET 0) AS a"
" WHERE r.state IS NULL AND ($1 = '' OR a.comment IS NOT NULL OR nullif(a.answer, 'null') IS NOT NULL"
/* perhaps an answer that a newer version takes back */
" OR (SELECT true FROM cx_data.feedback AS f WHERE f.source_id = $25 AND f.source_key = r.source_key || $1)"
" OR ($26 AND (SELECT true FROM cx_data.feedback AS f WHERE f.source_id = $25 AND f.source_key = '" ERASED_KEY_PREFIX "' || cx.erased_hash('source_key', r.source_key || $1)))"
" OR r.is_repeated)";

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
	TupleDescInitEntry(columns, RESPONSE_REPEATED + 1, "is_repeated", BOOLOID, -1, 0);
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
	if (source->kind != SOURCE_FEEDBACK || OidIsValid(source->relation))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("source \"%s\" is attached to a relation, or delivers no feedback", name),
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

/* The first column of the questions. */
static Datum
import_suffixes(const Import *import)
{
	Datum	   *suffixes = palloc(sizeof(Datum) * Max(import->question_count, 1));
	bool		isnull;

	for (uint64 i = 0; i < import->question_count; i++)
		suffixes[i] = SPI_getbinval(import->questions->vals[i], import->questions->tupdesc, 1, &isnull);
	return PointerGetDatum(construct_array(suffixes, (int) import->question_count, TEXTOID, -1, false, TYPALIGN_INT));
}

/* Read the questions of the format. */
static void
import_read_questions(Import *import)
{
	Oid			type = JSONBOID;
	Datum		argument = JsonbPGetDatum(import->format);
	ActingAs	before = act_as(program_owner());

	if (SPI_execute_with_args("SELECT * FROM cx.import_questions($1)", 1, &type, &argument, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "cannot read the questions of a format");
	act_as_before(before);
	import->questions = SPI_tuptable;
	import->question_count = SPI_processed;
	import->parameters = import->questions->tupdesc->natts + 2;
	import->types = palloc(sizeof(Oid) * import->parameters);
	for (int i = 0; i < import->questions->tupdesc->natts; i++)
		import->types[i] = TupleDescAttr(import->questions->tupdesc, i)->atttypid;
	import->types[import->parameters - 2] = INT8OID;
	import->types[import->parameters - 1] = BOOLOID;
	import->suffixes = import_suffixes(import);
}

/* Prepare the mapping. */
static SPIPlanPtr
import_plan(const Import *import)
{
	if (mapping_plan != NULL)
		return mapping_plan;
	mapping_plan = SPI_prepare_cursor(mapping_text, import->parameters, import->types, CURSOR_OPT_GENERIC_PLAN);
	if (mapping_plan == NULL)
		elog(ERROR, "cannot prepare the mapping of responses: %s", SPI_result_code_string(SPI_result));
	SPI_keepplan(mapping_plan);
	return mapping_plan;
}

/* Map the responses for one question. */
static void
import_map_question(Import *import, HeapTuple question, Sink *sink)
{
	Datum	   *values = palloc(sizeof(Datum) * import->parameters);
	bool	   *nulls = palloc(sizeof(bool) * import->parameters);
	SPIExecuteOptions options = {.dest = &sink->receiver};

	heap_deform_tuple(question, import->questions->tupdesc, values, nulls);
	values[import->parameters - 2] = Int64GetDatum(import->capture.source_id);
	values[import->parameters - 1] = BoolGetDatum(customers_were_erased());
	nulls[import->parameters - 2] = nulls[import->parameters - 1] = false;
	options.params = target_params(import->parameters, import->types, values, nulls);
	if (SPI_execute_plan_extended(import_plan(import), &options) < 0)
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

/* Do something with rows; where errors are recorded, each row that fails is noted and the others are done. */
static void
import_each(Import *import, const RowSet *rows, RowsWork work, RowFailure failed)
{
	if (import->capture.sink->mapping->records_errors)
		capture_isolate(&import->capture, rows, work, failed);
	else
		work(&import->capture, rows);
}

/*
 * Run a statement about the responses of this import, cx_response, with the
 * rights of the program's owner; gives how many rows it changed.  Its
 * parameters are the source, the suffixes, the format, and whether customers
 * were erased.
 */
static int64
import_run(const Import *import, const RowSet *responses, const char *statement)
{
	Oid			types[4] = {INT8OID, TEXTARRAYOID, JSONBOID, BOOLOID};
	Datum		arguments[4] = {Int64GetDatum(import->capture.source_id), import->suffixes,
	JsonbPGetDatum(import->format), BoolGetDatum(customers_were_erased())};
	ActingAs	before = act_as(program_owner());

	target_register_rows("cx_response", responses->rows, responses->count, responses->columns, InvalidOid);
	if (SPI_execute_with_args(statement, 4, types, arguments, NULL, false, 0) < 0)
		elog(ERROR, "cannot run: %s", statement);
	act_as_before(before);
	return SPI_processed;
}

/* Set responses aside that are not complete or no true ones; gives how many. */
static int64
import_set_aside(const Import *import, const RowSet *responses)
{
	return import_run(import, responses,
					  "WITH complete AS ("
					  "DELETE FROM cx_data.response_apart AS a USING cx_response AS r"
					  " WHERE a.source_id = $1 AND a.source_key = r.source_key AND r.state IS NULL) "
					  "INSERT INTO cx_data.response_apart (source_id, source_key, state, payload)"
					  " SELECT DISTINCT ON (kept_key, place) $1, kept_key, state, response"
					  " FROM (SELECT r.*, kept_key, CASE WHEN kept_key IS NULL THEN pg_catalog.row_number() OVER () END AS place FROM cx_response AS r"
					  " CROSS JOIN LATERAL (SELECT CASE WHEN pg_catalog.octet_length(source_key) <= " CppAsString2(SINK_KEY_SIZE) " THEN source_key END AS kept_key) AS k) AS r"
					  " WHERE state IS NOT NULL AND NOT ($4 AND cx.response_is_erased($3, response))"
					  " AND NOT EXISTS (SELECT FROM cx_response AS done WHERE done.source_key = r.source_key AND done.state IS NULL)"
					  " AND NOT EXISTS (SELECT FROM pg_catalog.unnest($2) AS suffix JOIN cx_data.feedback AS f"
					  " ON f.source_id = $1 AND f.source_key = r.source_key || suffix)"
					  " ON CONFLICT (source_id, source_key) DO UPDATE SET state = excluded.state, payload = excluded.payload, received_at = pg_catalog.now()");
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

/*
 * The definition by which an import reads responses.  It is read with the
 * rights of the program's owner, so that who imports needs none on the sources
 * and brings none of his own.
 */
static Jsonb *
import_definition(const char *source, ImportWork work)
{
	static const char *const queries[] = {
		[IMPORT_DELIVERED] = "SELECT cx.import_definition($1)",
		/* what is tried again are single responses */
		[IMPORT_AGAIN] = "SELECT cx.import_definition($1) - 'responses'",
		[IMPORT_ANEW] = "SELECT cx.import_definition($1) - 'responses'",
		[IMPORT_SUBMITTED] = "SELECT definition FROM cx_data.import_format WHERE code = 'cx' AND $1 IS NOT NULL",
	};
	Oid			type = TEXTOID;
	Datum		argument = CStringGetTextDatum(source);
	ActingAs	before = act_as(program_owner());
	bool		isnull = true;
	Datum		definition = (Datum) 0;

	if (SPI_execute_with_args(queries[work], 1, &type, &argument, NULL, true, 1) == SPI_OK_SELECT && SPI_processed == 1)
		definition = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	if (isnull)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("format \"cx\" of the CX program does not exist"),
				 errhint("CALL cx.upgrade_program() makes it again.")));
	act_as_before(before);
	return DatumGetJsonbPCopy(definition);
}

/* Write rows that are ready, all or none. */
static void
import_write(Capture *capture, const RowSet *ready)
{
	Import	   *import = (Import *) capture;
	Sink		some = *capture->sink;
	TargetCounts counts;

	some.ready = ready->rows;
	some.ready_count = ready->count;
	counts = target_write(&some, NULL, capture->source_id, TARGET_NEWEST);
	import->counts.inserted += counts.inserted;
	import->counts.updated += counts.updated;
}

/* Note a row that cannot be written, as for a constraint that somebody added to the table. */
static void
import_write_failed(Capture *capture, const RowSet *row, const ErrorData *error)
{
	sink_add_bad(capture->sink, sink_first_key(row->rows), error->sqlerrcode, error->message, false);
}

/* Write what was mapped, and note what cannot be written. */
static void
import_write_all(Import *import)
{
	Sink	   *sink = import->capture.sink;
	RowSet		ready = {sink->ready, sink->ready_count, sink->columns, false};

	import_each(import, &ready, import_write, import_write_failed);
}

/* What came before the customer was named, who was erased, is the same and must not count twice. */
static void
import_replace_erased(const Import *import, const RowSet *responses)
{
	if (!customers_were_erased())
		return;
	target_register_rows("cx_rows", import->capture.sink->ready, import->capture.sink->ready_count, import->capture.sink->columns, InvalidOid);
	(void) import_run(import, responses,
					  "DELETE FROM cx_data.feedback AS f USING cx_response AS r, pg_catalog.unnest($2) AS suffix"
					  " WHERE f.source_id = $1 AND f.source_key = r.source_key || suffix"
					  " AND '" ERASED_KEY_PREFIX "' || cx.erased_hash('source_key', r.source_key || suffix) IN (SELECT source_key FROM cx_rows)");
}

/* What was told of these responses, or of earlier versions of them, is settled: else it would be tried again, over these. */
static void
import_forget_errors(const Import *import, const RowSet *responses)
{
	(void) import_run(import, responses,
					  "DELETE FROM cx_data.import_error AS e USING cx_response AS r, pg_catalog.unnest($2 || ARRAY['']) AS suffix"
					  " WHERE e.source_id = $1 AND e.source_key = r.source_key || suffix AND r.state IS NULL"
					  " AND (e.payload IS NULL OR NOT cx.is_older_response($1, r.response, e.payload))");
}

/* The text in a setting of the format, or NULL. */
static char *
format_text(Jsonb *format, const char *name)
{
	JsonbValue	buffer;
	JsonbValue *value = getKeyJsonValueFromContainer(&format->root, name, strlen(name), &buffer);

	return value == NULL || value->type != jbvString ? NULL : pnstrdup(value->val.string.val, value->val.string.len);
}

/* The work that a name stands for. */
static ImportWork
import_work(const char *name)
{
	if (strcmp(name, "delivered") == 0)
		return IMPORT_DELIVERED;
	if (strcmp(name, "again") == 0)
		return IMPORT_AGAIN;
	if (strcmp(name, "anew") == 0)
		return IMPORT_ANEW;
	if (strcmp(name, "submitted") == 0)
		return IMPORT_SUBMITTED;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("there is no import \"%s\"", name),
			 errhint("Use cx.import_feedback(), cx.import_csv() or cx.submit_feedback().")));
}

/* Note which invitations are answered, where the responses bring their tokens. */
static void
import_answer_invitations(const Import *import, const RowSet *responses)
{
	if (format_text(import->format, "invitation") == NULL)
		return;
	(void) import_run(import, responses,
					  "UPDATE cx_data.invitation AS i SET status = 'answered', answered_at = found.responded_at, feedback_id = found.feedback_id"
					  " FROM (SELECT DISTINCT ON (asked.invitation_id) asked.invitation_id, f.feedback_id, f.responded_at"
					  " FROM cx_response AS r CROSS JOIN cx.import_questions($3) AS q"
					  " CROSS JOIN LATERAL cx.invitation_token(pg_catalog.jsonb_path_query_first(r.response, q.invitation_path, q.variables, true) #>> '{}') AS token (token)"
					  " JOIN cx_data.feedback AS f ON f.source_id = $1 AND f.source_key = r.source_key || q.suffix"
					  " JOIN cx_data.invitation AS asked ON asked.token = token.token AND asked.customer_id = f.customer_id"
					  " AND f.responded_at >= asked.invited_at AND f.responded_at < asked.expires_at"
					  " ORDER BY asked.invitation_id, f.responded_at, f.feedback_id) AS found"
					  " WHERE i.invitation_id = found.invitation_id AND i.status IN ('queued', 'sent', 'expired')");
}

/* The mapping of an import; the paths of its questions are read apart. */
static Mapping
import_mapping(const char *source, Jsonb *definition, ImportWork work, char *customer_kind)
{
	char	   *on_unknown = format_text(definition, "on_unknown");
	Mapping		mapping = {.source = source, .records_errors = work != IMPORT_SUBMITTED, .keeps_versions = true,
		.creates_touchpoints = on_unknown != NULL && strcmp(on_unknown, "create") == 0,
	.customer_kind = customer_kind == NULL ? format_text(definition, "customer_kind") : customer_kind};

	if (mapping.customer_kind != NULL && strcmp(mapping.customer_kind, IDENTITY_CODE) == 0)
		mapping.customer_kind = NULL;
	return mapping;
}

/* Import responses, within an SPI connection; gives the result row. */
static Datum
import_run_all(FunctionCallInfo fcinfo, Import *import, const Mapping *mapping, Jsonb *payload, ImportWork work)
{
	RowSet		responses;
	int64		set_aside;
	Datum		result;

	sink_lock_target(mapping);
	import->capture.sink = sink_begin(mapping, false);
	import_read_questions(import);
	responses = import_read(payload, import->format);
	import_check_empty(import->capture.sink, &responses, payload);
	import_each(import, &responses, import_map, import_failed);
	target_follow_erased(import->capture.sink, import->capture.source_id);
	if (work != IMPORT_SUBMITTED)
		target_keep_newest(import->capture.sink, import->capture.source_id);
	if (work == IMPORT_AGAIN)
		target_keep_failed(import->capture.sink, import->suffixes, import->capture.source_id);
	import_replace_erased(import, &responses);
	import_write_all(import);
	import_answer_invitations(import, &responses);
	if (work == IMPORT_DELIVERED)
		import_forget_errors(import, &responses);
	target_record_errors(import->capture.sink, import->capture.source_id);
	set_aside = import_set_aside(import, &responses);
	result = import_result(fcinfo, responses.count, &import->counts, set_aside, import->capture.sink);
	tuplestore_end(import->capture.sink->ready);
	tuplestore_end(responses.rows);
	return result;
}

/*
 * Import the responses of a payload: import_responses(source, payload, work,
 * customer_kind).
 */
PG_FUNCTION_INFO_V1(import_responses);
Datum
import_responses(PG_FUNCTION_ARGS)
{
	char	   *name;
	ImportWork	work;
	Import		import = {0};
	Mapping		mapping;
	Datum		result;

	for (int i = 0; i < 3; i++)
		if (PG_ARGISNULL(i))
			PG_RETURN_NULL();
	name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	work = import_work(text_to_cstring(PG_GETARG_TEXT_PP(2)));
	import_check_privileges();
	SPI_connect();
	import.format = import_definition(name, work);
	import.capture.owner = program_owner();
	import.capture.source_id = import_source(name)->id;
	mapping = import_mapping(name, import.format, work, PG_ARGISNULL(3) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(3)));
	result = SPI_datumTransfer(import_run_all(fcinfo, &import, &mapping, PG_GETARG_JSONB_P(1), work), false, -1);
	SPI_finish();
	PG_RETURN_DATUM(result);
}
