-- Alert rules over rows: made, changed and dropped

CREATE FUNCTION cx.watch() RETURNS trigger
	AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION cx.watch() IS 'trigger on relations with alert rules; its arguments hold the rules, which run with the rights of the relation''s owner';

CREATE FUNCTION cx.set_rule(relation regclass, rule text, fields jsonb, anew boolean) RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION cx.set_rule(regclass, text, jsonb, boolean) IS 'writes an alert rule into the triggers of its relation and the children of that: fields are texts by name, empty ones are taken out, and what is not named stays unless the rule is made anew; without fields the rule goes. Called by create_alert, alter_alert and drop_alert';

CREATE FUNCTION cx.cover_rules(relation regclass) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C STRICT;
COMMENT ON FUNCTION cx.cover_rules(regclass) IS 'gives partitions and children that came later the alert rules of a relation, and gives how many; called by maintain';

CREATE FUNCTION cx.check_rule(relation regclass, rule text) RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE C STRICT;
COMMENT ON FUNCTION cx.check_rule(regclass, text) IS 'raises an error unless an alert rule of a relation still runs on its rows';

CREATE FUNCTION cx.rule_problem(relation regclass, rule text) RETURNS text
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_class WHERE oid = relation) THEN
		RETURN 'the table was dropped';
	END IF;
	PERFORM cx.check_rule(relation, rule);
	RETURN NULL;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLERRM;
END
$$;
COMMENT ON FUNCTION cx.rule_problem(regclass, text) IS 'why an alert rule does not run on the rows of its relation any more; NULL if it does. For the view cx_data.alert_rule_status';

CREATE FUNCTION cx.owner_register_rule(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	entry record;
	key bigint;
BEGIN
	SELECT * INTO entry FROM jsonb_populate_record(NULL::cx_data.alert_rule, argument);
	IF NOT (has_table_privilege(caller, 'cx_data.alert_rule', 'INSERT') OR cx.role_has_level(caller, '{admin}'))
		OR (entry.relation IS NOT NULL AND NOT pg_has_role(caller, (SELECT relowner FROM pg_class WHERE oid = entry.relation), 'USAGE')) THEN
		RAISE EXCEPTION 'permission denied to make an alert rule'
			USING ERRCODE = 'insufficient_privilege', HINT = 'It takes access as an admin or INSERT on cx_data.alert_rule, and the owner of a relation makes its rules.';
	END IF;
	INSERT INTO cx_data.alert_rule (name, kind, relation, condition, definition, severity, message, route, scope, cooldown, opens_ticket, sla)
	VALUES (entry.name, entry.kind, entry.relation, entry.condition, coalesce(entry.definition, '{}'), entry.severity, entry.message, entry.route, entry.scope, entry.cooldown, coalesce(entry.opens_ticket, false), entry.sla)
	ON CONFLICT (name) DO NOTHING
	RETURNING alert_rule_id INTO key;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'alert rule "%" exists already', entry.name
			USING ERRCODE = 'duplicate_object', HINT = 'Choose another name, or change it with cx.alter_alert().';
	END IF;
	RETURN to_jsonb(key);
END
$$;
COMMENT ON FUNCTION cx.owner_register_rule(jsonb, oid) IS 'notes an alert rule; part of create_alert and its like, with the rights of the program''s owner';

CREATE FUNCTION cx.check_may_change_rule(rule text, caller oid) RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT cx.owns_program(caller) AND NOT coalesce((SELECT pg_has_role(caller, c.relowner, 'USAGE') FROM cx_data.alert_rule AS r JOIN pg_class AS c ON c.oid = r.relation WHERE r.name = rule),
			has_table_privilege(caller, 'cx_data.alert_rule', 'UPDATE') OR cx.role_has_level(caller, '{admin}')) THEN
		RAISE EXCEPTION 'must be owner of the relation of alert rule "%", or of the CX program', rule USING ERRCODE = 'insufficient_privilege';
	END IF;
END
$$;
COMMENT ON FUNCTION cx.check_may_change_rule(text, oid) IS 'raises an error unless a role owns the relation of an alert rule or the CX program; other rules take access as an admin or UPDATE on cx_data.alert_rule';

CREATE FUNCTION cx.owner_change_rule(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	changed record;
BEGIN
	PERFORM cx.check_may_change_rule(argument ->> 'name', caller);
	PERFORM FROM cx_data.alert_rule AS r WHERE r.name = argument ->> 'name' FOR NO KEY UPDATE;
	SELECT c.* INTO changed FROM cx_data.alert_rule AS r CROSS JOIN LATERAL jsonb_populate_record(r, argument) AS c WHERE r.name = argument ->> 'name';
	UPDATE cx_data.alert_rule AS r SET condition = changed.condition, definition = changed.definition, severity = changed.severity, message = changed.message,
		route = changed.route, scope = changed.scope, cooldown = changed.cooldown, opens_ticket = changed.opens_ticket, sla = changed.sla, enabled = changed.enabled
	WHERE r.name = changed.name;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.owner_change_rule(jsonb, oid) IS 'notes what is changed of an alert rule; part of alter_alert, enable_alert and disable_alert, with the rights of the program''s owner';

CREATE FUNCTION cx.owner_drop_rule(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.check_may_change_rule(argument ->> 'name', caller);
	DELETE FROM cx_data.alert_rule AS r WHERE r.name = argument ->> 'name';
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.owner_drop_rule(jsonb, oid) IS 'forgets an alert rule; part of drop_alert, with the rights of the program''s owner';

CREATE FUNCTION cx.find_rule(rule text, kinds text[]) RETURNS regclass
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	known record;
BEGIN
	SELECT r.kind, r.relation INTO known FROM cx_data.alert_rule AS r WHERE r.name = rule;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'alert rule "%" does not exist', rule
			USING ERRCODE = 'undefined_object', HINT = 'SELECT rule, status FROM cx_data.alert_rule_status shows the rules.';
	END IF;
	IF known.kind <> ALL (kinds) THEN
		RAISE EXCEPTION 'alert rule "%" is of kind %', rule, known.kind
			USING ERRCODE = 'wrong_object_type', HINT = CASE known.kind WHEN 'row' THEN 'Use cx.alter_alert() and cx.test_alert().' ELSE 'Use cx.alter_metric_alert() and cx.test_metric_alert().' END;
	END IF;
	RETURN (SELECT oid FROM pg_class WHERE oid = known.relation);
END
$$;
COMMENT ON FUNCTION cx.find_rule(text, text[]) IS 'relation of an alert rule, which must be of one of these kinds; NULL if it has none or that was dropped';

CREATE FUNCTION cx.create_alert(name text, relation regclass, condition text, severity text DEFAULT 'normal', message text DEFAULT NULL, customer text DEFAULT NULL, touchpoint text DEFAULT NULL, route text DEFAULT NULL, scope text DEFAULT NULL, cooldown interval DEFAULT NULL, opens_ticket boolean DEFAULT false, sla text DEFAULT NULL, org_unit text DEFAULT NULL, staff text DEFAULT NULL, at text DEFAULT NULL, on_update boolean DEFAULT true) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	fields CONSTANT jsonb := jsonb_strip_nulls(jsonb_build_object('condition', condition, 'customer', customer, 'touchpoint', touchpoint, 'org_unit', org_unit,
		'staff', staff, 'at', at, 'message', message, 'route', route, 'on_update', CASE WHEN NOT on_update THEN 'false' END));
	key bigint;
BEGIN
	PERFORM cx.require_program();
	IF name IS NULL OR relation IS NULL OR condition IS NULL THEN
		RAISE EXCEPTION 'name, relation and condition must be given'
			USING ERRCODE = 'invalid_parameter_value', HINT = 'The condition is an SQL expression over the columns of the relation, in a text.';
	END IF;
	PERFORM cx.check_watchable(relation);
	PERFORM cx.check_severity(severity);
	PERFORM cx.check_scope(scope);
	PERFORM cx.check_route(route);
	PERFORM cx.check_sla(sla);
	key := cx.as_program_owner('register_rule', jsonb_build_object('name', name, 'kind', 'row', 'relation', relation::oid::bigint::text, 'condition', condition,
		'definition', fields - '{condition,message,route}'::text[], 'severity', severity, 'message', message, 'route', route, 'scope', NULLIF(scope, 'all'),
		'cooldown', cooldown, 'opens_ticket', opens_ticket, 'sla', sla))::bigint;
	PERFORM cx.set_rule(relation, name, fields, true);
	RETURN key;
END
$$;
COMMENT ON FUNCTION cx.create_alert(text, regclass, text, text, text, text, text, text, text, interval, boolean, text, text, text, text, boolean) IS 'makes an alert rule: rows written to the relation for which the condition holds, and did not before an UPDATE, raise an alert in the same transaction. condition, customer, touchpoint, org_unit, staff and at are SQL expressions over the columns of a row, in texts, and may use old_row and new_row, then the rule looks at updates only; message and route are templates with {column} in them. Call it with named arguments; gives the key of the rule';

CREATE FUNCTION cx.texts_to_change(message text, route text, scope text, sla text) RETURNS jsonb
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	BEGIN ATOMIC
		SELECT coalesce(pg_catalog.jsonb_object_agg(given.key, CASE WHEN given.value <> '' AND NOT (given.key = 'scope' AND given.value = 'all') THEN given.value END), '{}')
		FROM (VALUES ('message', message), ('route', route), ('scope', scope), ('sla', sla)) AS given (key, value) WHERE given.value IS NOT NULL;
	END;
COMMENT ON FUNCTION cx.texts_to_change(text, text, text, text) IS 'texts of an alert rule that are given; empty ones become NULL. Called by alter_alert and alter_metric_alert';

CREATE FUNCTION cx.alter_alert(name text, condition text DEFAULT NULL, severity text DEFAULT NULL, message text DEFAULT NULL, customer text DEFAULT NULL, touchpoint text DEFAULT NULL, route text DEFAULT NULL, scope text DEFAULT NULL, cooldown interval DEFAULT NULL, opens_ticket boolean DEFAULT NULL, sla text DEFAULT NULL, org_unit text DEFAULT NULL, staff text DEFAULT NULL, at text DEFAULT NULL, on_update boolean DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	relation regclass;
	fields CONSTANT jsonb := jsonb_strip_nulls(jsonb_build_object('condition', condition, 'customer', customer, 'touchpoint', touchpoint, 'org_unit', org_unit,
		'staff', staff, 'at', at, 'message', message, 'route', route, 'on_update', on_update::text));
BEGIN
	PERFORM cx.require_program();
	relation := cx.find_rule(name, '{row}');
	IF condition = '' THEN
		RAISE EXCEPTION 'a rule must have a condition' USING ERRCODE = 'invalid_parameter_value', HINT = 'cx.disable_alert() puts it out of action.';
	END IF;
	IF severity IS NOT NULL THEN
		PERFORM cx.check_severity(severity);
	END IF;
	PERFORM cx.check_scope(NULLIF(scope, ''));
	PERFORM cx.check_route(NULLIF(route, ''));
	PERFORM cx.check_sla(NULLIF(sla, ''));
	PERFORM cx.as_program_owner('change_rule',
		jsonb_build_object('name', name, 'definition', (
			SELECT coalesce(jsonb_object_agg(d.key, d.value), '{}') FROM cx_data.alert_rule AS r, jsonb_each(r.definition || (fields - '{condition,message,route}'::text[])) AS d
			WHERE r.name = alter_alert.name AND d.value NOT IN ('""', '"true"')))
		|| jsonb_strip_nulls(jsonb_build_object('condition', condition, 'severity', severity, 'cooldown', cooldown, 'opens_ticket', opens_ticket))
		|| cx.texts_to_change(message, route, scope, sla));
	IF fields <> '{}' THEN
		IF relation IS NULL THEN
			RAISE EXCEPTION 'the relation of alert rule "%" was dropped', name
				USING ERRCODE = 'undefined_table', HINT = format('SELECT cx.drop_alert(%L).', name);
		END IF;
		PERFORM cx.set_rule(relation, name, fields, false);
	END IF;
END
$$;
COMMENT ON FUNCTION cx.alter_alert(text, text, text, text, text, text, text, text, interval, boolean, text, text, text, text, boolean) IS 'changes an alert rule made by create_alert: what is not given stays, an empty text takes out';

CREATE FUNCTION cx.renew_rules() RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	-- only those on relations of our own, for only these are written by nobody else than who may write the copy
	PERFORM cx.set_rule(r.relation, r.name, r.definition || jsonb_strip_nulls(jsonb_build_object('condition', r.condition, 'message', r.message, 'route', r.route)), true)
	FROM cx_data.alert_rule AS r JOIN pg_class AS c ON c.oid = r.relation
	WHERE pg_has_role(c.relowner, 'USAGE') AND NOT EXISTS (SELECT FROM pg_trigger AS t WHERE t.tgrelid = c.oid AND t.tgfoid = 'cx.watch'::regproc)
	ORDER BY r.alert_rule_id;
END
$$;
COMMENT ON FUNCTION cx.renew_rules() IS 'makes the triggers of alert rules again that went with the extension, on tables of the program''s owner; called by upgrade_program';

CREATE FUNCTION cx.drop_alert(name text) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	relation regclass;
BEGIN
	PERFORM cx.require_program();
	relation := cx.find_rule(name, '{row,metric,anomaly}');
	IF relation IS NOT NULL THEN
		PERFORM cx.set_rule(relation, name, NULL, false);
	END IF;
	PERFORM cx.as_program_owner('drop_rule', jsonb_build_object('name', name));
END
$$;
COMMENT ON FUNCTION cx.drop_alert(text) IS 'drops an alert rule of any kind; its alerts stay';

CREATE FUNCTION cx.set_alert_enabled(name text, enabled boolean) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	PERFORM cx.find_rule(name, '{row,metric,anomaly}');
	PERFORM cx.as_program_owner('change_rule', jsonb_build_object('name', name, 'enabled', enabled));
END
$$;
COMMENT ON FUNCTION cx.set_alert_enabled(text, boolean) IS 'sets whether an alert rule raises alerts; called by enable_alert and disable_alert';

CREATE FUNCTION cx.enable_alert(name text) RETURNS void
	LANGUAGE sql
	RETURN cx.set_alert_enabled(name, true);
COMMENT ON FUNCTION cx.enable_alert(text) IS 'lets an alert rule of any kind raise alerts again';

CREATE FUNCTION cx.disable_alert(name text) RETURNS void
	LANGUAGE sql
	RETURN cx.set_alert_enabled(name, false);
COMMENT ON FUNCTION cx.disable_alert(text) IS 'keeps an alert rule of any kind from raising alerts';

CREATE FUNCTION cx.rule_history(relation regclass, rule text, during tstzrange, OUT happened_at timestamptz, OUT customer text, OUT touchpoint text, OUT org_unit text) RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C STRICT;
COMMENT ON FUNCTION cx.rule_history(regclass, text, tstzrange) IS 'rows of a relation that an alert rule matches as they are now: when, whose and where, by code, or by key in feedback and event. Runs with the rights of the relation''s owner, for those who may read all of it. Called by test_alert';

CREATE FUNCTION cx.test_alert(name text, during tstzrange DEFAULT NULL) RETURNS TABLE (day date, matches bigint, alerts bigint, customers bigint)
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	relation regclass;
	rule record;
	zone text;
	hit record;
	last_key text;
	opened_at timestamptz;
	found_days date[] := '{}';
	found_keys text[] := '{}';
	opened_days date[] := '{}';
BEGIN
	PERFORM cx.require_program();
	relation := cx.find_rule(name, '{row}');
	IF relation IS NULL THEN
		RAISE EXCEPTION 'the relation of alert rule "%" was dropped', name
			USING ERRCODE = 'undefined_table', HINT = format('SELECT cx.drop_alert(%L).', name);
	END IF;
	SELECT r.scope, r.cooldown INTO rule FROM cx_data.alert_rule AS r WHERE r.name = test_alert.name;
	zone := (SELECT time_zone FROM cx_data.program);
	FOR hit IN
		SELECT h.happened_at, (h.happened_at AT TIME ZONE zone)::date AS day,
			coalesce('customer ' || h.customer, concat_ws(' ', 'place', h.touchpoint, h.org_unit)) AS key
		FROM cx.rule_history(relation, name, coalesce(during, tstzrange(NULL, NULL))) AS h
		LEFT JOIN cx_data.touchpoint AS t ON t.code = h.touchpoint
		LEFT JOIN cx_data.org_unit AS u ON u.code = h.org_unit
		WHERE rule.scope IS NULL OR cx.scope_holds(rule.scope, t.touchpoint_id, u.org_unit_id)
		ORDER BY key, h.happened_at
	LOOP
		IF hit.key IS DISTINCT FROM last_key OR (CASE WHEN rule.cooldown IS NULL THEN (opened_at AT TIME ZONE zone)::date < hit.day ELSE opened_at + rule.cooldown <= hit.happened_at END) THEN
			opened_at := hit.happened_at;
			opened_days := opened_days || hit.day;
		END IF;
		last_key := hit.key;
		found_days := found_days || hit.day;
		found_keys := found_keys || hit.key;
	END LOOP;
	RETURN QUERY
	SELECT f.day, f.matches, coalesce(o.alerts, 0), f.customers
	FROM (SELECT d.day, count(*) AS matches, count(DISTINCT d.key) FILTER (WHERE d.key LIKE 'customer %') AS customers FROM unnest(found_days, found_keys) AS d (day, key) GROUP BY d.day) AS f
	LEFT JOIN (SELECT d.day, count(*) AS alerts FROM unnest(opened_days) AS d (day) GROUP BY d.day) AS o USING (day)
	ORDER BY f.day;
END
$$;
COMMENT ON FUNCTION cx.test_alert(text, tstzrange) IS 'which alerts a rule would have raised during a period, by day in the program''s time zone: rows that match as they are now, alerts after the cool-down, and customers concerned. Without a cool-down it is taken that alerts are resolved by the end of the day. Writes nothing';
