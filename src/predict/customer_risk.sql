-- Risks of customers: scored by a model, noted as they move, told for one
--
-- A query runs with the search_path of the caller, as journey/query.sql says.

CREATE FUNCTION cx.champion_to_watch(model text, OUT version integer, OUT predictor cx.predictor, OUT profile jsonb)
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	SELECT m.version, m.predictor, m.profile INTO version, predictor, profile FROM cx_data.model AS m WHERE m.model_id = cx.find_model(model);
	IF predictor IS NULL THEN
		RAISE EXCEPTION 'the predictor of model "%" is lost', model
			USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'It went with the extension; train the model again with cx.train().';
	END IF;
END
$$;
COMMENT ON FUNCTION cx.champion_to_watch(text) IS 'the version of a model that scoring uses, with what it was trained with; an error if there is none';

CREATE FUNCTION cx.note_risks(scored jsonb, model text, version integer) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	INSERT INTO cx_data.risk_history (customer_id, model, version, risk, reasons)
	SELECT s.customer_id, note_risks.model, note_risks.version, s.risk, s.reasons
	FROM jsonb_to_recordset(scored) AS s (customer_id bigint, risk double precision, reasons text[])
	LEFT JOIN LATERAL (SELECT h.* FROM cx_data.risk_history AS h WHERE h.customer_id = s.customer_id ORDER BY h.scored_at DESC, h.risk_history_id DESC LIMIT 1) AS h ON true
	WHERE h.risk IS NULL OR h.model IS DISTINCT FROM note_risks.model OR h.version IS DISTINCT FROM note_risks.version OR abs(h.risk - s.risk) >= 0.01
	ORDER BY s.customer_id;
END
$$;
COMMENT ON FUNCTION cx.note_risks(jsonb, text, integer) IS 'adds those risks to risk_history that moved by at least 0.01 or changed their basis; part of score_customers and maintain';

CREATE FUNCTION cx.owner_score_customers(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT cx.owns_program(caller) AND NOT has_table_privilege(caller, 'cx_data.customer_risk', 'INSERT') THEN
		RAISE EXCEPTION 'permission denied to score customers'
			USING ERRCODE = 'insufficient_privilege', HINT = 'It takes access as an admin or INSERT on cx_data.customer_risk; cx.churn_risk() scores without writing.';
	END IF;
	INSERT INTO cx_data.customer_risk AS k (customer_id, model, version, risk, reasons)
	SELECT s.customer_id, argument ->> 'model', (argument -> 'version')::integer, s.risk, s.reasons
	FROM jsonb_to_recordset(argument -> 'scored') AS s (customer_id bigint, risk double precision, reasons text[])
	ON CONFLICT (customer_id, model) DO UPDATE SET version = excluded.version, risk = excluded.risk, reasons = excluded.reasons, scored_at = excluded.scored_at;
	PERFORM cx.note_risks(argument -> 'scored', argument ->> 'model', (argument -> 'version')::integer);
	UPDATE cx_data.risk_setting SET model = argument ->> 'model' WHERE model IS NULL;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.owner_score_customers(jsonb, oid) IS 'keeps the scores of customers; part of score_customers, with the rights of the program''s owner';

CREATE FUNCTION cx.score_customers(model text, query text) RETURNS bigint
	LANGUAGE plpgsql SET extra_float_digits = 1 AS $$
DECLARE
	known record;
	batch record;
	customers pg_catalog.int8 := 0;
BEGIN
	PERFORM cx.query_columns(query, 'customer_id');
	SELECT c.version, c.predictor INTO known FROM cx.champion_to_watch(model) AS c;
	FOR batch IN EXECUTE pg_catalog.format($score$
		SELECT pg_catalog.count(*) AS customers, pg_catalog.min(customer_id) FILTER (WHERE customer_id = customer_before) AS repeated,
			pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('customer_id', customer_id, 'risk', risk, 'reasons', reasons)) AS scored
		FROM (
			SELECT *, pg_catalog.lag(customer_id) OVER (ORDER BY customer_id) AS customer_before, (pg_catalog.row_number() OVER (ORDER BY customer_id) - 1) / 10000 AS batch
			FROM (
				SELECT given.customer_id::pg_catalog.int8 AS customer_id, cx.churn_risk($1, given.*) AS risk,
					ARRAY(SELECT pg_catalog.format('%%s = %%s', e.feature, COALESCE(e.value, 'unknown')) FROM cx.explain($1, given.*) AS e
						WHERE e.contribution > 0 AND e.feature <> '(base)'::pg_catalog.text ORDER BY e.contribution DESC, e.feature LIMIT 3) AS reasons
				FROM %s AS given WHERE given.customer_id IS NOT NULL
			) AS scored
		) AS placed
		GROUP BY batch ORDER BY batch$score$, cx.query_subselect(query)) USING known.predictor
	LOOP
		IF batch.repeated IS NOT NULL THEN
			RAISE EXCEPTION 'query gives customer % more than once', batch.repeated
				USING ERRCODE = 'cardinality_violation', HINT = 'Give one row for each customer, with the features as they are now.';
		END IF;
		PERFORM cx.as_program_owner('score_customers', pg_catalog.jsonb_build_object('model', model, 'version', known.version, 'scored', batch.scored));
		customers := customers + batch.customers;
	END LOOP;
	RETURN customers;
END
$$;
COMMENT ON FUNCTION cx.score_customers(text, text) IS 'scores customers by the champion of a model and keeps risks and reasons, in cx_data.customer_risk and, where they moved, in cx_data.risk_history. The query gives customer_id, a key of cx_data.customer, and the columns of the training query as they are now; rows without customer_id are left out. Gives how many were scored. The first model to score customers is the one that customer_churn_risk takes: cx_data.risk_setting says which';

CREATE FUNCTION cx.record_signal_risks() RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "cx.as_of" = '' SET extra_float_digits = 1 AS $$
DECLARE
	batch jsonb;
	before CONSTANT bigint := (SELECT coalesce(max(risk_history_id), 0) FROM cx_data.risk_history);
BEGIN
	UPDATE cx_data.risk_setting AS g SET signals_recorded_at = now()
	FROM cx_data.program AS p
	WHERE g.signals_recorded_at IS NULL OR (g.signals_recorded_at AT TIME ZONE p.time_zone)::date < (now() AT TIME ZONE p.time_zone)::date;
	IF NOT FOUND THEN
		RETURN NULL;
	END IF;
	FOR batch IN
		SELECT jsonb_agg(jsonb_build_object('customer_id', k.customer_id, 'risk', k.risk, 'reasons', string_to_array(k.reasons, '; ')))
		FROM (SELECT r.customer_id, r.risk, coalesce(r.reasons, '') AS reasons, (row_number() OVER (ORDER BY r.customer_id) - 1) / 10000 AS batch
			FROM cx_data.customer_churn_risk AS r WHERE r.basis = 'signals') AS k
		GROUP BY k.batch ORDER BY k.batch
	LOOP
		PERFORM cx.note_risks(batch, NULL, NULL);
	END LOOP;
	RETURN (SELECT count(*) FROM cx_data.risk_history WHERE risk_history_id > before);
END
$$;
COMMENT ON FUNCTION cx.record_signal_risks() IS 'adds the risks by signals to risk_history, once a day of the program; gives how many rows it added, NULL if that was done today; called by maintain';

CREATE FUNCTION cx.risk_of_customer(customer bigint) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN (SELECT jsonb_build_object('risk', k.risk, 'band', CASE WHEN k.risk >= g.high_from THEN 'high' WHEN k.risk >= g.medium_from THEN 'medium' ELSE 'low' END,
			'reasons', k.reasons, 'basis', k.basis, 'scored_at', k.scored_at)
		FROM cx_data.risk_setting AS g
		LEFT JOIN (cx_data.customer_risk AS m JOIN cx_data.model AS champion ON champion.name = m.model AND champion.version = m.version AND champion.champion)
			ON m.customer_id = customer AND m.model = g.model AND m.scored_at <= cx.as_of()
		LEFT JOIN LATERAL (
			SELECT cx.churn_risk(s.present_log_odds, cx.as_of(), cx.as_of(), interval '1 day', g.base_rate) AS risk,
				(array_agg(s.signal_name ORDER BY s.present_log_odds DESC, s.signal) FILTER (WHERE s.present_log_odds > 0))[1:3] AS reasons
			FROM cx_data.customer_signal AS s WHERE s.customer_id = customer AND m.risk IS NULL
		) AS s ON true
		CROSS JOIN LATERAL (SELECT coalesce(m.risk, s.risk, g.base_rate) AS risk, coalesce(m.reasons, s.reasons, '{}') AS reasons,
			CASE WHEN m.risk IS NULL THEN 'signals' ELSE format('model %s v%s', m.model, m.version) END AS basis, coalesce(m.scored_at, cx.as_of()) AS scored_at) AS k
		WHERE EXISTS (SELECT FROM cx_data.customer AS c WHERE c.customer_id = customer));
END
$$;
COMMENT ON FUNCTION cx.risk_of_customer(bigint) IS 'what customer_churn_risk says of one customer, by key: risk, band, reasons, basis and scored_at; NULL if there is no such customer. Reads with the caller''s rights';
