-- Adapters: products that keep their answers in this database

CREATE FUNCTION cx.check_adapter(schema name, relation text, columns text[]) RETURNS regclass
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	found CONSTANT regclass := to_regclass(format('%I.%I', schema, relation));
	missing text;
BEGIN
	IF found IS NULL THEN
		RAISE EXCEPTION 'relation "%.%" does not exist', schema, relation
			USING ERRCODE = 'undefined_table', HINT = 'Give the schema that the product keeps its tables in.';
	END IF;
	SELECT string_agg(quote_ident(name), ', ') INTO missing
	FROM unnest(columns) AS name
	WHERE NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = found AND attname = name AND attnum > 0 AND NOT attisdropped);
	IF missing IS NOT NULL THEN
		RAISE EXCEPTION 'relation "%.%" lacks %', schema, relation, missing
			USING ERRCODE = 'undefined_column', HINT = 'Is it that of the product? Otherwise attach it with cx.attach_feedback().';
	END IF;
	RETURN found;
END
$$;
COMMENT ON FUNCTION cx.check_adapter(name, text, text[]) IS 'a relation of a product, after checking that it has these columns; called by the adapters';

CREATE FUNCTION cx.formbricks_questions(schema name) RETURNS TABLE (survey text, question text, metric text)
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF to_regclass(format('%I.%I', schema, 'Survey')) IS NULL THEN
		RETURN;
	END IF;
	RETURN QUERY EXECUTE format($query$
		SELECT s.id::text, q ->> 'id',
			CASE WHEN q ->> 'type' = 'nps' THEN 'nps'
				WHEN q ->> 'type' = 'rating' AND q ->> 'range' = '5' THEN 'csat'
				WHEN q ->> 'type' = 'rating' AND q ->> 'range' = '7' THEN 'csat7'
				WHEN q ->> 'type' = 'rating' AND q ->> 'range' = '10' THEN 'csat10'
				WHEN q ->> 'type' = 'rating' AND q ->> 'range' = '3' THEN 'csat3'
				WHEN q ->> 'type' = 'rating' AND q ->> 'range' = '4' THEN 'csat4' END
		FROM %I."Survey" AS s CROSS JOIN jsonb_array_elements(CASE jsonb_typeof(to_jsonb(s.questions)) WHEN 'array' THEN to_jsonb(s.questions) ELSE '[]' END) AS q
		WHERE q ->> 'type' IN ('nps', 'rating')
		ORDER BY 1, 2$query$, schema);
END
$$;
COMMENT ON FUNCTION cx.formbricks_questions(name) IS 'questions of Formbricks that ask for a score, with the metric of their scale; none if the schema has no table "Survey"';

CREATE FUNCTION cx.attach_formbricks(schema name, questions jsonb DEFAULT NULL) RETURNS TABLE (source text, question text, metric text, captured bigint)
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	response CONSTANT regclass := cx.check_adapter(schema, 'Response', '{id,surveyId,contactId,finished,data,createdAt}');
	asked record;
BEGIN
	PERFORM cx.require_program();
	IF questions IS NULL AND NOT EXISTS (SELECT FROM cx.formbricks_questions(schema)) THEN
		RAISE EXCEPTION 'no question of Formbricks was found in schema "%"', schema
			USING ERRCODE = 'no_data_found', HINT = 'Name them: questions => ''{"question id": {"metric": "nps", "touchpoint": "app", "comment": "other question id"}}''.';
	END IF;
	FOR asked IN
		SELECT DISTINCT ON (id) id, setting
		FROM (
			SELECT q.question AS id, jsonb_build_object('metric', q.metric, 'survey', q.survey) AS setting FROM cx.formbricks_questions(schema) AS q WHERE questions IS NULL AND q.metric IS NOT NULL
			UNION ALL SELECT key, value FROM jsonb_each(questions)
		) AS all_questions
		ORDER BY id
	LOOP
		source := 'formbricks/' || asked.id;
		question := asked.id;
		metric := asked.setting ->> 'metric';
		captured := cx.attach_feedback(source, response, key => 'id', customer => '"contactId"', customer_kind => 'formbricks', touchpoint => quote_literal(asked.setting ->> 'touchpoint'),
			metric => quote_literal(metric), score => format('(data ->> %L)::double precision', asked.id), responded_at => '"createdAt"' || CASE
				-- Formbricks keeps times without a zone, which are those of Greenwich
				WHEN (SELECT atttypid = 'timestamp'::regtype FROM pg_attribute WHERE attrelid = response AND attname = 'createdAt') THEN ' AT TIME ZONE ''UTC''' ELSE '' END,
			comment => format('data ->> %L', asked.setting ->> 'comment'), channel => '''formbricks''',
			only_if => format('finished AND jsonb_typeof(data -> %L) = ''number''', asked.id)
				|| CASE WHEN asked.setting ? 'survey' THEN format(' AND "surveyId" = %L', asked.setting ->> 'survey') ELSE '' END,
			on_error => 'record', on_unknown => 'create');
		RETURN NEXT;
	END LOOP;
END
$$;
COMMENT ON FUNCTION cx.attach_formbricks(name, jsonb) IS 'attaches the table "Response" of Formbricks in a schema: one source for each question that asks for a score. The questions are found in its table "Survey", or given as {"question id": {"metric": "nps", "touchpoint": "app", "comment": "id of the question for words", "survey": "survey id"}}; customers are known by identities of kind formbricks. Gives what was attached';

CREATE FUNCTION cx.attach_chatwoot(schema name, touchpoint text DEFAULT 'chat') RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	response CONSTANT regclass := cx.check_adapter(schema, 'csat_survey_responses', '{id,account_id,conversation_id,contact_id,assigned_agent_id,rating,feedback_message,created_at}');
BEGIN
	PERFORM cx.require_program();
	RETURN cx.attach_feedback('chatwoot', response, key => 'id', customer => 'contact_id', customer_kind => 'chatwoot', touchpoint => quote_literal(touchpoint), metric => '''csat''',
		score => 'rating', responded_at => 'created_at' || CASE
			-- Chatwoot keeps times without a zone, which are those of Greenwich
			WHEN (SELECT atttypid = 'timestamp'::regtype FROM pg_attribute WHERE attrelid = response AND attname = 'created_at') THEN ' AT TIME ZONE ''UTC''' ELSE '' END,
		comment => 'feedback_message', channel => '''chat''',
		attributes => 'jsonb_strip_nulls(jsonb_build_object(''account_id'', account_id, ''conversation_id'', conversation_id, ''agent_id'', assigned_agent_id))',
		on_error => 'record', on_unknown => 'create');
END
$$;
COMMENT ON FUNCTION cx.attach_chatwoot(name, text) IS 'attaches the table csat_survey_responses of Chatwoot in a schema, as satisfaction of 1-5 with a touchpoint; customers are known by identities of kind chatwoot. Gives how many rows were captured';
