-- Whether customers still are as they were when a model was trained
--
-- A query runs with the search_path of the caller, as journey/query.sql says.

CREATE FUNCTION cx.drift_of(query text, predictor cx.predictor, profile jsonb, OUT feature text, OUT psi double precision, OUT by_chance double precision, OUT band text, OUT row_count bigint) RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C STRICT;
COMMENT ON FUNCTION cx.drift_of(text, cx.predictor, jsonb) IS 'how far the rows of a query moved from the profile that a model was trained with; support function of drift';

CREATE FUNCTION cx.drift(model text, query text) RETURNS TABLE (feature text, psi double precision, by_chance double precision, band text, row_count bigint)
	LANGUAGE plpgsql AS $$
BEGIN
	PERFORM cx.query_columns(query);
	RETURN QUERY SELECT d.feature, d.psi, d.by_chance, d.band, d.row_count
	FROM cx.champion_to_watch(model) AS c CROSS JOIN LATERAL cx.drift_of(pg_catalog.format('SELECT * FROM %s AS given', cx.query_subselect(query)), c.predictor, c.profile) AS d;
END
$$;
COMMENT ON FUNCTION cx.drift(text, text) IS 'how far the rows of a query, with the columns of the training query, moved from those that the champion of a model was trained with: for each feature, and as (score) for what it says, the population stability index (0 if nothing moved), what chance alone exceeds in 5 of 100 samples of this size, and a band: stable below 0.1, shifting to 0.25, shifted above it, too few where 0.1 is no more than chance. Siddiqi 2006; Yurdakul and Naranjo 2020';

CREATE FUNCTION cx.owner_record_drift(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT cx.owns_program(caller) AND NOT has_table_privilege(caller, 'cx_data.model_drift', 'INSERT') THEN
		RAISE EXCEPTION 'permission denied to record how models drift'
			USING ERRCODE = 'insufficient_privilege', HINT = 'It takes access as an admin or INSERT on cx_data.model_drift; cx.drift() only looks.';
	END IF;
	INSERT INTO cx_data.model_drift (model, version, feature, psi, by_chance, band, row_count)
	SELECT argument ->> 'model', (argument -> 'version')::integer, d.feature, d.psi, d.by_chance, d.band, d.row_count
	FROM jsonb_to_recordset(argument -> 'drift') AS d (feature text, psi double precision, by_chance double precision, band text, row_count bigint);
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.owner_record_drift(jsonb, oid) IS 'notes how far a model drifted; part of record_drift, with the rights of the program''s owner';

CREATE FUNCTION cx.record_drift(model text, query text) RETURNS TABLE (feature text, psi double precision, by_chance double precision, band text, row_count bigint)
	LANGUAGE plpgsql SET extra_float_digits = 1 AS $$
DECLARE
	known record;
	measured pg_catalog.jsonb;
BEGIN
	PERFORM cx.query_columns(query);
	SELECT c.version, c.predictor, c.profile INTO known FROM cx.champion_to_watch(model) AS c;
	measured := (SELECT pg_catalog.jsonb_agg(pg_catalog.to_jsonb(d)) FROM cx.drift_of(pg_catalog.format('SELECT * FROM %s AS given', cx.query_subselect(query)), known.predictor, known.profile) AS d);
	PERFORM cx.as_program_owner('record_drift', pg_catalog.jsonb_build_object('model', model, 'version', known.version, 'drift', measured));
	RETURN QUERY SELECT d.feature, d.psi, d.by_chance, d.band, d.row_count
	FROM pg_catalog.jsonb_to_recordset(measured) AS d (feature text, psi double precision, by_chance double precision, band text, row_count bigint);
END
$$;
COMMENT ON FUNCTION cx.record_drift(text, text) IS 'what drift gives, and notes it in cx_data.model_drift, which alert rules may watch: cx.create_alert(name, ''cx_data.model_drift'', ''psi > 0.25'')';
