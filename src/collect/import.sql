-- Import: responses of survey tools, and feedback from one's own programs

CREATE FUNCTION cx.csv_rows(content text, separator text DEFAULT NULL, OUT line bigint, OUT fields text[]) RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.csv_rows(text, text) IS 'rows of comma-separated values (RFC 4180; line breaks in quotes, byte-order mark), each with the number of its first line; empty fields are NULL. The separator is found in the first line unless given. Error if a quote is never closed';

CREATE FUNCTION cx.import_score(answer jsonb, choices jsonb DEFAULT NULL) RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.import_score(jsonb, jsonb) IS 'the score that an answer is: what choices say of it, which it must then be among; else a number, a number that words follow (10 - Extremely likely), true and false as 1 and 0; NULL if empty. Error for anything else';

CREATE FUNCTION cx.import_time(value jsonb, zone text) RETURNS timestamptz
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.import_time(jsonb, text) IS 'the time that a value is: seconds or milliseconds since 1970, or a text, read in the zone unless it says its own; NULL if empty';

CREATE FUNCTION cx.import_responses(source text, payload jsonb, work text, customer_kind text DEFAULT NULL, OUT responses bigint, OUT inserted bigint, OUT updated bigint, OUT set_aside bigint, OUT failed bigint)
	AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION cx.import_responses(text, jsonb, text, text) IS 'imports the responses of a payload as the source''s definition says; work is delivered, again or submitted. Called by import_feedback, import_csv, maintain and submit_feedback, which say more';

CREATE FUNCTION cx.import_is_path(setting text) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	BEGIN ATOMIC
		SELECT setting ~ '^\s*((strict|lax)\s+)?\$';
	END;
COMMENT ON FUNCTION cx.import_is_path(text) IS 'whether a setting of an import is a SQL/JSON path, which begins with $, rather than what is meant itself';

CREATE FUNCTION cx.import_setting(question jsonb, definition jsonb, name text, OUT given text, OUT path jsonpath)
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	BEGIN ATOMIC
		SELECT CASE WHEN NOT is_path THEN setting END, CASE WHEN is_path THEN setting END::pg_catalog.jsonpath
		FROM (SELECT coalesce(question ->> name, definition ->> name) AS setting) AS s
		CROSS JOIN LATERAL cx.import_is_path(setting) AS is_path;
	END;
COMMENT ON FUNCTION cx.import_setting(jsonb, jsonb, text) IS 'a setting of a question, else of the definition: a path, or what is meant itself';

CREATE FUNCTION cx.import_questions(definition jsonb)
	RETURNS TABLE (suffix text, variables jsonb, customer text, customer_path jsonpath, touchpoint text, touchpoint_path jsonpath,
		metric text, metric_path jsonpath, choices jsonb, responded_at_path jsonpath, time_zone text, channel text, channel_path jsonpath,
		org_unit text, org_unit_path jsonpath, staff text, staff_path jsonpath, kind text, kind_path jsonpath,
		attributes_path jsonpath, changed_at_path jsonpath, answer_path jsonpath, comment_path jsonpath, invitation_path jsonpath)
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
	IF definition ? 'invitation' AND coalesce(definition ->> 'customer_kind', 'code') <> 'code' THEN
		RAISE EXCEPTION 'an import cannot have both invitation and customer_kind'
			USING ERRCODE = 'invalid_parameter_value', HINT = 'A token leads to the code of a customer, customer_kind to names of another kind; make two imports.';
	END IF;
	RETURN QUERY
	SELECT CASE code WHEN '' THEN '' ELSE '/' || code END, jsonb_build_object('question', code, 'comment', comment.given),
		customer.given, customer.path, touchpoint.given, touchpoint.path, metric.given, metric.path, question -> 'choices',
		(definition ->> 'responded_at')::jsonpath, coalesce(definition ->> 'time_zone', (SELECT program.time_zone FROM cx_data.program)),
		channel.given, channel.path, org_unit.given, org_unit.path, staff.given, staff.path, kind.given, kind.path,
		attributes.path, (definition ->> 'changed_at')::jsonpath, answer.path,
		-- a question's comment is another question, by the path of the definition, or a path
		coalesce(comment.path, (definition ->> 'comment')::jsonpath), (definition ->> 'invitation')::jsonpath
	FROM jsonb_each(coalesce(definition -> 'questions', '{"": {}}')) AS q (code, question),
		cx.import_setting(question, definition, 'customer') AS customer, cx.import_setting(question, definition, 'touchpoint') AS touchpoint,
		cx.import_setting(question, definition, 'metric') AS metric, cx.import_setting(question, definition, 'channel') AS channel,
		cx.import_setting(question, definition, 'org_unit') AS org_unit, cx.import_setting(question, definition, 'staff') AS staff,
		cx.import_setting(question, definition, 'kind') AS kind, cx.import_setting(question, definition, 'attributes') AS attributes,
		cx.import_setting(question, definition, 'answer') AS answer, cx.import_setting(question, '{}', 'comment') AS comment;
END
$$;
COMMENT ON FUNCTION cx.import_questions(jsonb) IS 'the questions of a definition, one row each, as import_responses maps them: what is given and what is to be found by a path';

CREATE FUNCTION cx.import_definition(source text) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	result jsonb;
BEGIN
	SELECT format.definition || (s.mapping - 'format') INTO result
	FROM cx_data.source AS s JOIN cx_data.import_format AS format ON format.code = s.mapping ->> 'format'
	WHERE s.name = import_definition.source AND s.relation IS NULL;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'nothing can be imported for source "%"', source
			USING ERRCODE = 'undefined_object', HINT = 'SELECT cx.create_import(source, format, questions) says what its responses look like.';
	END IF;
	RETURN result;
END
$$;
COMMENT ON FUNCTION cx.import_definition(text) IS 'how responses of a source are read: the definition of its format with the source''s own settings. Error if the source has no format';

CREATE FUNCTION cx.response_version(definition jsonb, response jsonb) RETURNS timestamptz
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	zone CONSTANT text := coalesce(response ->> '(time zone)', definition ->> 'time_zone', (SELECT program.time_zone FROM cx_data.program));
BEGIN
	RETURN coalesce(cx.import_time(jsonb_path_query_first(response, (definition ->> 'changed_at')::jsonpath, '{}', true), zone),
		cx.import_time(jsonb_path_query_first(response, (definition ->> 'responded_at')::jsonpath, '{}', true), zone));
EXCEPTION WHEN data_exception THEN
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.response_version(jsonb, jsonb) IS 'when a response was changed last, else made; NULL if it does not say so in a way that can be read';

CREATE FUNCTION cx.is_older_response(source bigint, response jsonb, than jsonb) RETURNS boolean
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	definition CONSTANT jsonb := (SELECT cx.import_definition(s.name) FROM cx_data.source AS s WHERE s.source_id = source AND s.mapping ? 'format');
BEGIN
	RETURN coalesce(cx.response_version(definition, response) < cx.response_version(definition, than), false);
END
$$;
COMMENT ON FUNCTION cx.is_older_response(bigint, jsonb, jsonb) IS 'whether one version of a response was changed before another one; false if that cannot be told';

CREATE FUNCTION cx.check_import_setting(name text, value jsonb) RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	setting CONSTANT text := value #>> '{}';
BEGIN
	IF name NOT IN ('responses', 'key', 'responded_at', 'changed_at', 'answer', 'comment', 'customer', 'invitation', 'touchpoint', 'metric', 'channel', 'org_unit', 'staff', 'kind',
		'attributes', 'choices', 'states', 'header_rows', 'separator', 'time_zone', 'customer_kind', 'on_unknown') THEN
		RAISE EXCEPTION 'setting "%" of an import is not known', name
			USING ERRCODE = 'invalid_parameter_value', HINT = 'The comment of cx_data.import_format.definition names the settings.';
	END IF;
	IF name IN ('responses', 'key', 'responded_at', 'changed_at', 'answer', 'attributes', 'invitation') AND NOT cx.import_is_path(setting) THEN
		RAISE EXCEPTION 'setting "%" must be a path', name
			USING ERRCODE = 'invalid_parameter_value', HINT = 'A SQL/JSON path begins with $.';
	END IF;
	IF cx.import_is_path(setting) THEN
		PERFORM setting::jsonpath;
	ELSIF name = 'metric' AND NOT EXISTS (SELECT FROM cx_data.metric WHERE code = setting) THEN
		RAISE EXCEPTION 'metric "%" does not exist', setting USING ERRCODE = 'undefined_object', HINT = 'SELECT code FROM cx_data.metric shows the metrics.';
	ELSIF name = 'time_zone' THEN
		PERFORM now() AT TIME ZONE setting;
	ELSIF name = 'on_unknown' AND setting NOT IN ('error', 'create') THEN
		RAISE EXCEPTION 'on_unknown "%" is not known', setting USING ERRCODE = 'invalid_parameter_value', HINT = 'Use error or create.';
	ELSIF name = 'states' THEN
		PERFORM each.value::jsonpath FROM jsonb_each_text(value) AS each;
	END IF;
END
$$;
COMMENT ON FUNCTION cx.check_import_setting(text, jsonb) IS 'raises an error unless a setting of an import is one, and its path or code is right; called by create_import';

CREATE FUNCTION cx.create_import(source text, format text, questions jsonb DEFAULT '{"": {}}', settings jsonb DEFAULT '{}') RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	question record;
	result bigint;
BEGIN
	PERFORM cx.require_program();
	IF NOT EXISTS (SELECT FROM cx_data.import_format WHERE code = format) THEN
		RAISE EXCEPTION 'format "%" does not exist', format
			USING ERRCODE = 'undefined_object', HINT = 'SELECT code, name FROM cx_data.import_format shows the formats; a row of your own adds another.';
	END IF;
	IF coalesce(jsonb_typeof(questions), '') <> 'object' OR coalesce(jsonb_typeof(settings), '') <> 'object' THEN
		RAISE EXCEPTION 'questions and settings must be JSON objects'
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Questions have the name of each question as a key: {"Q1": {"metric": "nps", "touchpoint": "shop"}}.';
	END IF;
	FOR question IN SELECT key, value FROM jsonb_each(questions) LOOP
		IF jsonb_typeof(question.value) <> 'object' THEN
			RAISE EXCEPTION 'question "%" must be a JSON object', question.key
				USING ERRCODE = 'invalid_parameter_value', HINT = 'Such as {"metric": "nps", "touchpoint": "shop", "comment": "Q2"}.';
		END IF;
		PERFORM cx.check_import_setting(setting.key, setting.value) FROM jsonb_each(question.value) AS setting;
		IF question.value ?| ARRAY['responses', 'key', 'responded_at', 'changed_at', 'invitation', 'states', 'header_rows', 'separator', 'time_zone', 'customer_kind', 'on_unknown'] THEN
			RAISE EXCEPTION 'question "%" has a setting that is one of the whole import', question.key
				USING ERRCODE = 'invalid_parameter_value', HINT = 'Give it among the settings, the last argument.';
		END IF;
	END LOOP;
	PERFORM cx.check_import_setting(setting.key, setting.value) FROM jsonb_each(settings) AS setting;
	PERFORM FROM cx_data.import_format AS f, cx.import_questions(f.definition || settings || jsonb_build_object('questions', questions)) WHERE f.code = format;

	INSERT INTO cx_data.source AS known (name, kind, mapping)
	VALUES (create_import.source, 'feedback', settings || jsonb_build_object('format', format, 'questions', questions))
	ON CONFLICT (name) DO UPDATE SET mapping = excluded.mapping WHERE known.relation IS NULL AND known.kind = 'feedback'
	RETURNING source_id INTO result;
	IF result IS NULL THEN
		RAISE EXCEPTION 'source "%" is attached to a relation, or delivers no feedback', source
			USING ERRCODE = 'duplicate_object', HINT = 'Choose another name.';
	END IF;
	RETURN result;
END
$$;
COMMENT ON FUNCTION cx.create_import(text, text, jsonb, jsonb) IS 'says what the responses of a source look like: its format, and for each question that makes feedback its metric, touchpoint, the question that holds the comment, choices and whatever else differs from the format. Called again it changes that. Gives the source''s key';

CREATE FUNCTION cx.import_feedback(source text, payload jsonb, OUT responses bigint, OUT inserted bigint, OUT updated bigint, OUT set_aside bigint, OUT failed bigint)
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	PERFORM cx.require_read_committed();
	IF payload IS NULL THEN
		RAISE EXCEPTION 'payload is NULL' USING ERRCODE = 'null_value_not_allowed';
	END IF;
	SELECT * INTO responses, inserted, updated, set_aside, failed
	FROM cx.import_responses(source, payload, 'delivered');
END
$$;
COMMENT ON FUNCTION cx.import_feedback(text, jsonb) IS 'imports what a survey tool delivered, one payload or an array of them: each question answered becomes feedback; the same response again updates it, the newest version wins. Partial, preview, test and spam responses go to cx_data.response_apart, those that cannot be mapped to cx_data.import_error. Gives how many of each; needs INSERT and UPDATE on cx_data.feedback';

CREATE FUNCTION cx.owner_note_lines(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT has_table_privilege(caller, 'cx_data.feedback', 'INSERT') THEN
		RAISE EXCEPTION 'permission denied to import feedback' USING ERRCODE = 'insufficient_privilege';
	END IF;
	INSERT INTO cx_data.import_error AS e (source_id, source_key, sqlstate, message)
	SELECT s.source_id, 'line ' || line.number, '22P04', format('line %s has %s fields, the header %s', line.number, line.fields, line.names)
	FROM jsonb_to_recordset(argument -> 'lines') AS line (number bigint, fields integer, names integer)
	JOIN cx_data.source AS s ON s.name = argument ->> 'source' AND s.relation IS NULL AND s.mapping ? 'format'
	ON CONFLICT (source_id, source_key) DO UPDATE SET message = excluded.message, attempts = e.attempts + 1, last_attempt_at = now();
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.owner_note_lines(jsonb, oid) IS 'notes lines with too many fields as errors; part of import_csv, with the rights of the program''s owner';

CREATE FUNCTION cx.import_csv(source text, content text, OUT responses bigint, OUT inserted bigint, OUT updated bigint, OUT set_aside bigint, OUT failed bigint)
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	definition jsonb;
	header_rows integer;
	batch record;
	counts record;
BEGIN
	PERFORM cx.require_program();
	PERFORM cx.require_read_committed();
	definition := cx.import_definition(source);
	header_rows := coalesce((definition ->> 'header_rows')::integer, 1);
	SELECT 0, 0, 0, 0, 0 INTO responses, inserted, updated, set_aside, failed;
	FOR batch IN
		WITH parsed AS MATERIALIZED (
			SELECT place, line, fields, sum(octet_length(fields::text)) OVER (ORDER BY place) AS bytes
			FROM (SELECT row_number() OVER () AS place, line, fields FROM cx.csv_rows(content, definition ->> 'separator')) AS numbered
		), named AS MATERIALIZED (
			SELECT array_agg(coalesce(name, 'column ' || number) ORDER BY number) AS names FROM parsed, unnest(fields) WITH ORDINALITY AS cell (name, number) WHERE place = 1
		), described AS MATERIALIZED (
			-- Qualtrics says in a third row what it calls the columns itself, and in which zone it writes times
			SELECT array_agg(cell::jsonb ->> 'ImportId' ORDER BY number) AS names, array_agg(number ORDER BY number) AS places, max(cell::jsonb ->> 'timeZone') AS time_zone
			FROM parsed, unnest(fields) WITH ORDINALITY AS c (cell, number) WHERE place = 3 AND header_rows >= 3 AND cell LIKE '{%"ImportId"%}'
		)
		SELECT (place - header_rows - 1) / 10000 AS number, bytes / 33554432 AS part,
			coalesce(jsonb_agg(jsonb_object(named.names || described.names || ARRAY['(time zone)'], padded || ARRAY(SELECT padded[i] FROM unnest(described.places) WITH ORDINALITY AS p (i, o) ORDER BY o) || ARRAY[described.time_zone]) ORDER BY place)
				FILTER (WHERE NOT is_long), '[]') AS payload,
			jsonb_agg(jsonb_build_object('number', line, 'fields', cardinality(fields), 'names', cardinality(named.names))) FILTER (WHERE is_long) AS long_lines
		FROM parsed CROSS JOIN named CROSS JOIN described
		CROSS JOIN LATERAL (SELECT (fields || array_fill(NULL::text, ARRAY[greatest(cardinality(named.names) - cardinality(fields), 0)]))[1:cardinality(named.names)] AS padded,
			num_nonnulls(VARIADIC fields[cardinality(named.names) + 1:] || ARRAY[NULL::text]) > 0 AS is_long) AS row
		WHERE place > header_rows
		GROUP BY 1, 2 ORDER BY 1, 2
	LOOP
		SELECT * INTO counts FROM cx.import_responses(source, batch.payload, 'delivered');
		responses := responses + counts.responses + coalesce(jsonb_array_length(batch.long_lines), 0);
		inserted := inserted + counts.inserted;
		updated := updated + counts.updated;
		set_aside := set_aside + counts.set_aside;
		failed := failed + counts.failed + coalesce(jsonb_array_length(batch.long_lines), 0);
		IF batch.long_lines IS NOT NULL THEN
			PERFORM cx.as_program_owner('note_lines', jsonb_build_object('source', source, 'lines', batch.long_lines));
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION cx.import_csv(text, text) IS 'imports an export of comma-separated values as it is, such as of Qualtrics or LimeSurvey: line breaks in quotes, header rows as the format says, byte-order mark, times in the zone that the export names. Otherwise as import_feedback';

CREATE FUNCTION cx.submit_feedback(source text DEFAULT 'direct', source_key text DEFAULT NULL, customer text DEFAULT NULL, touchpoint text DEFAULT NULL, metric text DEFAULT NULL,
		score double precision DEFAULT NULL, responded_at timestamptz DEFAULT now(), comment text DEFAULT NULL, channel text DEFAULT NULL, org_unit text DEFAULT NULL,
		staff text DEFAULT NULL, kind text DEFAULT 'survey', attributes jsonb DEFAULT NULL, customer_kind text DEFAULT NULL, changed_at timestamptz DEFAULT now()) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	key CONSTANT text := coalesce(source_key, gen_random_uuid()::text);
	result bigint;
BEGIN
	PERFORM cx.require_program();
	PERFORM cx.require_read_committed();
	IF source IS NULL THEN
		RAISE EXCEPTION 'source is NULL' USING ERRCODE = 'null_value_not_allowed', HINT = 'Leave it out, or name where the feedback comes from.';
	END IF;
	PERFORM FROM cx_data.source AS s WHERE s.name = source;
	IF NOT FOUND THEN
		INSERT INTO cx_data.source (name, kind) VALUES (source, 'feedback') ON CONFLICT (name) DO NOTHING;
	END IF;
	PERFORM cx.import_responses(source, jsonb_build_object('source_key', key, 'customer', customer, 'touchpoint', touchpoint, 'metric', metric, 'score', score,
		'responded_at', responded_at, 'comment', comment, 'channel', channel, 'org_unit', org_unit, 'staff', staff, 'kind', kind, 'attributes', attributes,
		'changed_at', changed_at), 'submitted', customer_kind);
	SELECT f.feedback_id INTO result FROM cx_data.feedback AS f JOIN cx_data.source AS s USING (source_id) WHERE s.name = source AND f.source_key = key;
	RETURN result;
END
$$;
COMMENT ON FUNCTION cx.submit_feedback(text, text, text, text, text, double precision, timestamptz, text, text, text, text, text, jsonb, text, timestamptz) IS 'writes one piece of feedback: an answer, or with kind a complaint, suggestion, post or mystery visit. The same source and source_key again update it, unless what is there was changed later than changed_at. Codes as in attach_feedback; a source that is not known is added. Call it with named arguments; gives the key of the feedback, and needs INSERT and UPDATE on cx_data.feedback';

CREATE FUNCTION cx.retry_import(source text) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	failed_source bigint;
	batch record;
	removed bigint;
	mended bigint := 0;
BEGIN
	PERFORM cx.require_read_committed();
	-- one at a time
	SELECT source_id INTO failed_source FROM cx_data.source AS s WHERE s.name = retry_import.source FOR NO KEY UPDATE;
	-- of customers who were erased nothing was kept that could be tried
	DELETE FROM cx_data.import_error WHERE source_id = failed_source AND payload IS NULL AND starts_with(source_key, 'erased:') IS NOT FALSE;
	-- ten times, then once an hour; in parts, for one jsonb holds no more than 256 MB
	FOR batch IN
		SELECT bytes / 16777216 AS part, source_key IS NULL AS is_nameless, array_agg(import_error_id) AS ids, array_agg(attempts) AS attempts,
			array_agg(payload) AS payloads, jsonb_agg(payload) AS payload
		FROM (SELECT *, sum(pg_column_size(payload)) OVER (ORDER BY import_error_id) AS bytes FROM cx_data.import_error
			WHERE source_id = failed_source AND payload IS NOT NULL AND (attempts < 10 OR last_attempt_at < now() - interval '1 hour')) AS due
		GROUP BY 1, 2
	LOOP
		PERFORM cx.import_responses(source, batch.payload, CASE WHEN batch.is_nameless THEN 'anew' ELSE 'again' END);
		-- what failed again was recorded again, and has one more attempt; without a key as another row
		WITH again AS (
			DELETE FROM cx_data.import_error
			WHERE batch.is_nameless AND source_id = failed_source AND source_key IS NULL AND payload = ANY (batch.payloads) AND import_error_id <> ALL (batch.ids)
			RETURNING payload
		)
		UPDATE cx_data.import_error SET attempts = import_error.attempts + 1, last_attempt_at = now()
		WHERE import_error_id = ANY (batch.ids) AND source_key IS NULL AND payload IN (SELECT payload FROM again);
		DELETE FROM cx_data.import_error
		WHERE (import_error_id, import_error.attempts) IN (SELECT * FROM unnest(batch.ids, batch.attempts));
		GET DIAGNOSTICS removed = ROW_COUNT;
		mended := mended + removed;
	END LOOP;
	RETURN mended;
END
$$;
COMMENT ON FUNCTION cx.retry_import(text) IS 'tries responses again that could not be imported, gives how many errors went; called by maintain';
