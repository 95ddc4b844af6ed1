-- Publishing journeys

-- STRICT keeps it from being inlined, and so its number of rows is what the planner expects
CREATE FUNCTION cx.touchpoints_of(definition jsonb)
	RETURNS TABLE (stage_id bigint, stage text, stage_name text, stage_position integer, stage_weight double precision,
		touchpoint_id bigint, touchpoint text, touchpoint_name text, touchpoint_position integer, touchpoint_weight double precision,
		channel text, moment_of_truth boolean, owner_staff_id bigint, owner_staff text, owner_unit_id bigint, owner_unit text)
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 20
BEGIN ATOMIC
	SELECT s.stage_id, s.code, s.name, s.position, s.weight,
		t.touchpoint_id, t.code, t.name, t.position, t.weight,
		t.channel, t.moment_of_truth, t.owner_staff_id, t.owner_staff, t.owner_unit_id, t.owner_unit
	FROM jsonb_to_recordset(definition -> 'stages')
		AS s (stage_id bigint, code text, name text, position integer, weight double precision, touchpoints jsonb)
	LEFT JOIN LATERAL jsonb_to_recordset(s.touchpoints)
		AS t (touchpoint_id bigint, code text, name text, position integer, weight double precision, channel text, moment_of_truth boolean,
			owner_staff_id bigint, owner_staff text, owner_unit_id bigint, owner_unit text) ON true;
END;
COMMENT ON FUNCTION cx.touchpoints_of(jsonb) IS 'touchpoints of a definition that publish_journey made, with their stages; a stage without touchpoints is a row without touchpoint';

CREATE FUNCTION cx.journey_notes(stage bigint, touchpoint bigint) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	RETURN (SELECT coalesce(jsonb_agg(jsonb_build_object(
			'kind', n.kind, 'body', n.body, 'persona', p.code, 'author', n.author, 'created_at', n.created_at)
			ORDER BY n.journey_note_id), '[]')
		FROM cx_data.journey_note AS n
		LEFT JOIN cx_data.persona AS p USING (persona_id)
		WHERE n.stage_id = stage OR n.touchpoint_id = touchpoint);
END
$$;
COMMENT ON FUNCTION cx.journey_notes(bigint, bigint) IS 'notes on a stage or a touchpoint; support function of publish_journey';

CREATE FUNCTION cx.journey_definition(code text) RETURNS jsonb
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	-- so that the same journey is always written alike
	SET search_path = pg_catalog, pg_temp
	SET timezone = 'UTC'
	SET extra_float_digits = 1
	AS $$
BEGIN
	RETURN (WITH
		touchpoints AS (
			SELECT t.stage_id, jsonb_agg(jsonb_build_object(
				'touchpoint_id', t.touchpoint_id, 'code', t.code, 'name', t.name, 'position', t.position, 'weight', t.weight,
				'channel', t.channel, 'moment_of_truth', t.moment_of_truth,
				'owner_staff_id', t.owner_staff_id, 'owner_staff', s.code, 'owner_unit_id', t.owner_unit_id, 'owner_unit', u.code,
				'notes', cx.journey_notes(NULL, t.touchpoint_id)) ORDER BY t.position, t.touchpoint_id) AS touchpoints
			FROM cx_data.touchpoint AS t
			LEFT JOIN cx_data.staff AS s ON s.staff_id = t.owner_staff_id
			LEFT JOIN cx_data.org_unit AS u ON u.org_unit_id = t.owner_unit_id
			GROUP BY t.stage_id
		),
		stages AS (
			SELECT g.journey_id, jsonb_agg(jsonb_build_object(
				'stage_id', g.stage_id, 'code', g.code, 'name', g.name, 'position', g.position, 'weight', g.weight,
				'touchpoints', coalesce(touchpoints, '[]'),
				'notes', cx.journey_notes(g.stage_id, NULL)) ORDER BY g.position, g.stage_id) AS stages
			FROM cx_data.stage AS g
			LEFT JOIN touchpoints USING (stage_id)
			GROUP BY g.journey_id
		)
		SELECT jsonb_build_object(
			'journey_id', j.journey_id, 'code', j.code, 'name', j.name, 'description', j.description,
			'owner_staff_id', j.owner_staff_id, 'owner_staff', s.code, 'owner_unit_id', j.owner_unit_id, 'owner_unit', u.code,
			'stages', coalesce(stages, '[]'))
		FROM cx_data.journey AS j
		LEFT JOIN stages USING (journey_id)
		LEFT JOIN cx_data.staff AS s ON s.staff_id = j.owner_staff_id
		LEFT JOIN cx_data.org_unit AS u ON u.org_unit_id = j.owner_unit_id
		WHERE j.code = journey_definition.code);
END
$$;
COMMENT ON FUNCTION cx.journey_definition(text) IS 'a journey as it stands, published or not: stages, touchpoints, positions, weights, moments of truth, owners and notes; NULL if there is no such journey';

CREATE FUNCTION cx.publish_journey(code text, published_at timestamptz DEFAULT now()) RETURNS integer
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	journey bigint;
	draft jsonb;
	latest record;
BEGIN
	PERFORM cx.require_program();
	SELECT journey_id INTO journey FROM cx_data.journey AS j WHERE j.code = publish_journey.code FOR UPDATE;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'journey "%" does not exist', code
			USING ERRCODE = 'undefined_object', HINT = 'SELECT code FROM cx_data.journey lists the journeys.';
	END IF;
	draft := cx.journey_definition(code);
	IF draft -> 'stages' = '[]' THEN
		RAISE EXCEPTION 'journey "%" has no stage', code
			USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'INSERT its stages INTO cx_data.stage first.';
	END IF;
	SELECT v.version, v.definition, v.published_at INTO latest FROM cx_data.journey_version AS v WHERE journey_id = journey ORDER BY version DESC LIMIT 1;
	IF latest.definition = draft THEN
		RAISE NOTICE 'journey "%" has not changed since version %', code, latest.version;
		RETURN latest.version;
	END IF;
	IF latest.published_at > publish_journey.published_at OR publish_journey.published_at IS NULL THEN
		RAISE EXCEPTION 'journey "%" has a version published at %', code, latest.published_at
			USING ERRCODE = 'invalid_parameter_value', HINT = 'A new version is published after the ones before it.';
	END IF;
	INSERT INTO cx_data.journey_version (journey_id, version, published_at, definition)
	VALUES (journey, coalesce(latest.version, 0) + 1, publish_journey.published_at, draft);
	RETURN coalesce(latest.version, 0) + 1;
END
$$;
COMMENT ON FUNCTION cx.publish_journey(text, timestamptz) IS 'publishes a journey as it stands, which maps and scores take from published_at on (for answers from before the program, give an earlier time); the result is the number of the version, the latest one if nothing changed';
