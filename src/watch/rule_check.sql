-- What an alert rule may look at, what it may be about, and whom it may tell

CREATE FUNCTION cx.check_watchable(relation regclass) RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	watched record;
	other regclass;
BEGIN
	SELECT relkind, relpersistence, relnamespace, relowner INTO STRICT watched FROM pg_class WHERE oid = relation;
	IF NOT pg_has_role(watched.relowner, 'USAGE') THEN
		RAISE EXCEPTION 'must be owner of relation %', relation
			USING ERRCODE = 'insufficient_privilege', HINT = 'Alert rules run with the rights of the owner, so the owner makes them.';
	END IF;
	IF watched.relnamespace = to_regnamespace('cx_data') AND relation NOT IN ('cx_data.feedback'::regclass, 'cx_data.event'::regclass, 'cx_data.model_drift'::regclass) THEN
		RAISE EXCEPTION '% cannot have alert rules', relation
			USING ERRCODE = 'wrong_object_type', HINT = 'Of the program''s own tables, feedback, event and model_drift can.';
	END IF;
	IF watched.relkind NOT IN ('r', 'p') OR watched.relpersistence = 't' THEN
		RAISE EXCEPTION '% cannot have alert rules', relation
			USING ERRCODE = 'wrong_object_type', HINT = 'Watch a table that is not temporary; rows of a view or foreign table can be attached with cx.attach_feedback() or cx.attach_event(), and cx_data.feedback or cx_data.event watched.';
	END IF;
	other := (
		WITH RECURSIVE above AS (
			SELECT inhparent AS oid FROM pg_inherits WHERE inhrelid = relation UNION SELECT i.inhparent FROM pg_inherits AS i JOIN above ON i.inhrelid = above.oid
		), below AS (
			SELECT inhrelid AS oid FROM pg_inherits WHERE inhparent = relation UNION SELECT i.inhrelid FROM pg_inherits AS i JOIN below ON i.inhparent = below.oid
		)
		SELECT t.tgrelid FROM pg_trigger AS t
		WHERE t.tgfoid = 'cx.watch'::regproc AND (t.tgrelid IN (SELECT oid FROM above)
			-- once this one has rules, those below have them too
			OR (t.tgrelid IN (SELECT oid FROM below) AND NOT EXISTS (SELECT FROM pg_trigger AS own WHERE own.tgrelid = relation AND own.tgfoid = 'cx.watch'::regproc)))
		ORDER BY 1 LIMIT 1);
	IF other IS NOT NULL THEN
		RAISE EXCEPTION '% has alert rules', other
			USING ERRCODE = 'wrong_object_type', DETAIL = format('%s and %s are a table and a partition or child of it.', relation, other),
				HINT = 'Make all of them on the topmost table; a condition may tell partitions apart.';
	END IF;
END
$$;
COMMENT ON FUNCTION cx.check_watchable(regclass) IS 'raises an error unless the caller may make alert rules for a relation';

CREATE FUNCTION cx.check_severity(severity text) RETURNS void
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF severity IS NULL OR severity NOT IN ('low', 'normal', 'high', 'critical') THEN
		RAISE EXCEPTION 'severity "%" is not known', severity
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Use low, normal, high or critical.';
	END IF;
END
$$;
COMMENT ON FUNCTION cx.check_severity(text) IS 'raises an error unless a severity is low, normal, high or critical';

CREATE FUNCTION cx.check_scope(scope text) RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	kind CONSTANT text := split_part(scope, ':', 1);
	wanted CONSTANT text := substr(scope, strpos(scope, ':') + 1);
BEGIN
	IF scope IS NULL OR scope = 'all' THEN
		RETURN;
	END IF;
	IF kind NOT IN ('touchpoint', 'stage', 'journey', 'unit') OR strpos(scope, ':') = 0 THEN
		RAISE EXCEPTION 'scope "%" is not known', scope
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Use touchpoint:, stage:, journey: or unit: with a code behind it, or all.';
	END IF;
	IF NOT (CASE kind
			WHEN 'touchpoint' THEN EXISTS (SELECT FROM cx_data.touchpoint AS t WHERE t.code = wanted)
			WHEN 'stage' THEN EXISTS (SELECT FROM cx_data.stage AS s WHERE s.code = wanted)
			WHEN 'journey' THEN EXISTS (SELECT FROM cx_data.journey AS j WHERE j.code = wanted)
			ELSE EXISTS (SELECT FROM cx_data.org_unit AS u WHERE u.code = wanted) END) THEN
		RAISE EXCEPTION '% "%" does not exist', kind, wanted
			USING ERRCODE = 'undefined_object', HINT = format('Add it to cx_data.%s.', CASE kind WHEN 'unit' THEN 'org_unit' ELSE kind END);
	END IF;
END
$$;
COMMENT ON FUNCTION cx.check_scope(text) IS 'raises an error unless a scope is one: touchpoint:, stage:, journey: or unit: with a code, all, or NULL';

CREATE FUNCTION cx.scope_touchpoints(scope text) RETURNS bigint[]
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	wanted CONSTANT text := substr(scope, strpos(scope, ':') + 1);
BEGIN
	CASE split_part(scope, ':', 1)
		WHEN 'touchpoint' THEN
			RETURN ARRAY(SELECT t.touchpoint_id FROM cx_data.touchpoint AS t WHERE t.code = wanted);
		WHEN 'stage' THEN
			RETURN ARRAY(SELECT t.touchpoint_id FROM cx_data.touchpoint AS t JOIN cx_data.stage AS s USING (stage_id) WHERE s.code = wanted);
		WHEN 'journey' THEN
			RETURN ARRAY(SELECT t.touchpoint_id FROM cx_data.touchpoint AS t JOIN cx_data.stage AS s USING (stage_id) JOIN cx_data.journey AS j USING (journey_id) WHERE j.code = wanted);
		ELSE
			RETURN NULL;
	END CASE;
END
$$;
COMMENT ON FUNCTION cx.scope_touchpoints(text) IS 'touchpoints within a scope; NULL if it is about all, and answers without one';

CREATE FUNCTION cx.scope_units(scope text) RETURNS bigint[]
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF split_part(scope, ':', 1) IS DISTINCT FROM 'unit' THEN
		RETURN NULL;
	END IF;
	RETURN ARRAY(
		WITH RECURSIVE below AS (
			SELECT u.org_unit_id FROM cx_data.org_unit AS u WHERE u.code = substr(scope, strpos(scope, ':') + 1)
			UNION	-- not ALL, so a circle of parents comes to an end
			SELECT u.org_unit_id FROM cx_data.org_unit AS u JOIN below ON u.parent_id = below.org_unit_id
		)
		SELECT org_unit_id FROM below);
END
$$;
COMMENT ON FUNCTION cx.scope_units(text) IS 'units within a scope, with all below; NULL if it is about all, and rows without one';

CREATE FUNCTION cx.scope_holds(scope text, touchpoint bigint, org_unit bigint) RETURNS boolean
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	touchpoints CONSTANT bigint[] := cx.scope_touchpoints(scope);
	units CONSTANT bigint[] := cx.scope_units(scope);
BEGIN
	RETURN coalesce((touchpoints IS NULL OR touchpoint = ANY (touchpoints)) AND (units IS NULL OR org_unit = ANY (units)), false);
END
$$;
COMMENT ON FUNCTION cx.scope_holds(text, bigint, bigint) IS 'whether a touchpoint and a unit lie within a scope';

CREATE FUNCTION cx.check_route(route text) RETURNS void
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	item text;
BEGIN
	FOREACH item IN ARRAY coalesce(string_to_array(route, ','), '{}') LOOP
		IF trim(item) !~ '^(channel|unit|manager|owner|staff):.+$' THEN
			RAISE EXCEPTION 'route "%" is not known', trim(item)
				USING ERRCODE = 'invalid_parameter_value', HINT = 'Use channel:, unit:, manager:, owner: or staff: with a code or a placeholder such as {org_unit} behind it; commas separate several.';
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION cx.check_route(text) IS 'raises an error unless a route names whom to tell: channel:, unit:, manager:, owner: or staff:, several separated by commas';
