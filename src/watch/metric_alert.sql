-- Alert rules over scores and series: made and changed

CREATE FUNCTION cx.check_rule_message(message text) RETURNS void
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	known CONSTANT text[] := '{rule,metric,series,scope,period,value,lower,upper,responses,expected,bucket_end,touchpoint,touchpoint.name,org_unit,org_unit.name}';
	name text;
BEGIN
	FOR name IN SELECT m[1] FROM regexp_matches(message, '\{([^{}]*)\}', 'g') AS m LOOP
		IF name <> ALL (known) THEN
			RAISE EXCEPTION '{%} in the message of an alert rule is not known', name
				USING ERRCODE = 'invalid_parameter_value', HINT = format('There are {%s}.', array_to_string(known, '}, {'));
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION cx.check_rule_message(text) IS 'raises an error if a message of a metric or anomaly rule holds a name in braces that is not known';

CREATE FUNCTION cx.check_finite(value double precision, what text, is_positive boolean DEFAULT false) RETURNS void
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF value IN ('infinity', '-infinity', 'NaN') OR (is_positive AND value < 0) THEN
		RAISE EXCEPTION '% must be a number%', what, CASE WHEN is_positive THEN ' that is not negative' ELSE '' END USING ERRCODE = 'invalid_parameter_value';
	END IF;
END
$$;
COMMENT ON FUNCTION cx.check_finite(double precision, text, boolean) IS 'raises an error for NaN and infinity, and if so wanted for negative numbers';

CREATE FUNCTION cx.check_rule_definition(kind text, definition jsonb) RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	period CONSTANT interval := (definition ->> 'period')::interval;
	series CONSTANT text := definition ->> 'series';
	wanted CONSTANT text := coalesce(definition ->> 'metric', CASE WHEN series ~ '^(responses|score):' THEN substr(series, strpos(series, ':') + 1) END);
BEGIN
	IF wanted IS NOT NULL AND NOT EXISTS (SELECT FROM cx_data.metric AS m WHERE m.code = wanted) THEN
		RAISE EXCEPTION 'metric "%" does not exist', wanted USING ERRCODE = 'undefined_object', HINT = 'SELECT code FROM cx_data.metric shows the metrics.';
	END IF;
	PERFORM cx.check_finite((definition ->> 'below')::double precision, 'below');
	PERFORM cx.check_finite((definition ->> 'above')::double precision, 'above');
	PERFORM cx.check_finite((definition ->> 'margin')::double precision, 'margin', true);
	IF kind = 'metric' THEN
		IF definition ->> 'metric' IS NULL OR period IS NULL OR (definition -> 'below' IS NULL AND definition -> 'above' IS NULL) THEN
			RAISE EXCEPTION 'metric, period, and below or above must be given' USING ERRCODE = 'invalid_parameter_value', HINT = 'below and above are scores that are not to be crossed.';
		END IF;
		IF period <= '0' OR (period < interval '1 day' AND extract(epoch FROM period)::numeric % 3600 <> 0) OR (period >= interval '1 day' AND period <> date_trunc('day', period)) OR period > interval '10 years' THEN
			RAISE EXCEPTION 'period must be whole hours within a day, or whole days' USING ERRCODE = 'invalid_parameter_value', HINT = 'Use for example 6 hours, 7 days or 1 month.';
		END IF;
		IF coalesce((definition -> 'min_responses')::bigint < 1, true) THEN
			RAISE EXCEPTION 'min_responses must be positive' USING ERRCODE = 'invalid_parameter_value';
		END IF;
		RETURN;
	END IF;
	IF series IS NULL OR series !~ '^(events|mean|responses|score):.+$' THEN
		RAISE EXCEPTION 'series "%" is not known', series
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Use events: or mean: with the name of events, responses: or score: with the code of a metric.';
	END IF;
	IF coalesce(definition ->> 'grain' NOT IN ('hour', 'day'), true) THEN
		RAISE EXCEPTION 'grain "%" is not known', definition ->> 'grain' USING ERRCODE = 'invalid_parameter_value', HINT = 'Use hour or day.';
	END IF;
	IF coalesce(definition ->> 'side' NOT IN ('both', 'high', 'low'), true) THEN
		RAISE EXCEPTION 'side "%" is not known', definition ->> 'side' USING ERRCODE = 'invalid_parameter_value', HINT = 'Use high, low or both.';
	END IF;
	IF coalesce((definition -> 'weeks')::integer NOT BETWEEN 3 AND 52, true) THEN
		RAISE EXCEPTION 'weeks must be within 3..52' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF coalesce((definition ->> 'width')::double precision NOT BETWEEN 0.1 AND 100, true) THEN
		RAISE EXCEPTION 'width must be within 0.1..100' USING ERRCODE = 'invalid_parameter_value', HINT = 'It is how many sigma away an observation raises an alarm.';
	END IF;
	IF coalesce(definition ->> 'on_signal' NOT IN ('alert', 'invite'), true) THEN
		RAISE EXCEPTION 'on_signal "%" is not known', definition ->> 'on_signal' USING ERRCODE = 'invalid_parameter_value', HINT = 'Use alert or invite.';
	END IF;
	IF definition ->> 'on_signal' = 'invite' AND series !~ '^(events|mean):' THEN
		RAISE EXCEPTION 'only a series of events tells which customers to invite' USING ERRCODE = 'invalid_parameter_value', HINT = 'Use a series events: or mean:.';
	END IF;
	IF definition ->> 'on_signal' = 'invite' AND NOT EXISTS (SELECT FROM cx_data.survey AS s WHERE s.code = definition ->> 'survey') THEN
		RAISE EXCEPTION 'survey "%" does not exist', definition ->> 'survey' USING ERRCODE = 'undefined_object', HINT = 'Add it to cx_data.survey.';
	END IF;
END
$$;
COMMENT ON FUNCTION cx.check_rule_definition(text, jsonb) IS 'raises an error unless a metric or anomaly rule can be decided';

CREATE FUNCTION cx.register_rule(name text, kind text, definition jsonb, scope text, severity text, message text, route text, cooldown interval, opens_ticket boolean, sla text) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	IF name IS NULL THEN
		RAISE EXCEPTION 'name must be given' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	PERFORM cx.check_rule_definition(kind, definition);
	PERFORM cx.check_severity(severity);
	PERFORM cx.check_scope(scope);
	PERFORM cx.check_route(route);
	PERFORM cx.check_sla(sla);
	PERFORM cx.check_rule_message(message);
	RETURN cx.as_program_owner('register_rule', jsonb_build_object('name', name, 'kind', kind, 'definition', definition, 'severity', severity, 'message', message, 'route', route,
		'scope', NULLIF(scope, 'all'), 'cooldown', cooldown, 'opens_ticket', opens_ticket, 'sla', sla))::bigint;
END
$$;
COMMENT ON FUNCTION cx.register_rule(text, text, jsonb, text, text, text, text, interval, boolean, text) IS 'checks and notes a metric or anomaly rule; called by create_metric_alert and create_anomaly_alert';

CREATE FUNCTION cx.create_metric_alert(name text, metric text, scope text DEFAULT 'all', period interval DEFAULT '7 days', below double precision DEFAULT NULL, above double precision DEFAULT NULL, min_responses integer DEFAULT 30, severity text DEFAULT 'normal', message text DEFAULT NULL, route text DEFAULT NULL, whole_interval boolean DEFAULT false, margin double precision DEFAULT NULL, cooldown interval DEFAULT NULL, opens_ticket boolean DEFAULT false, sla text DEFAULT NULL) RETURNS bigint
	LANGUAGE sql SET IntervalStyle = 'postgres'
	RETURN cx.register_rule(name, 'metric', pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object('metric', metric, 'period', period::text, 'below', below, 'above', above, 'min_responses', min_responses,
		'whole_interval', NULLIF(whole_interval, false), 'margin', margin)), scope, severity, message, route, cooldown, opens_ticket, sla);
COMMENT ON FUNCTION cx.create_metric_alert(text, text, text, interval, double precision, double precision, integer, text, text, text, boolean, double precision, interval, boolean, text) IS 'makes an alert rule over a score of a touchpoint:, stage:, journey:, unit: (with all below) or all, all answers within it pooled: an alert is opened when the score of the last full period, or with whole_interval its whole 95 % interval, is below or above a threshold and there are min_responses answers; it is resolved by itself when the score is back by margin, else by one standard error. Decided once for each full day, or for periods of hours each full hour; period is whole days, or whole hours within a day';

CREATE FUNCTION cx.create_anomaly_alert(name text, series text, scope text DEFAULT 'all', grain text DEFAULT 'hour', side text DEFAULT 'both', below double precision DEFAULT NULL, above double precision DEFAULT NULL, weeks integer DEFAULT 8, width double precision DEFAULT 4, holidays date[] DEFAULT NULL, on_signal text DEFAULT 'alert', survey text DEFAULT NULL, severity text DEFAULT 'normal', message text DEFAULT NULL, route text DEFAULT NULL, cooldown interval DEFAULT NULL, opens_ticket boolean DEFAULT false, sla text DEFAULT NULL) RETURNS bigint
	LANGUAGE sql
	RETURN cx.register_rule(name, 'anomaly', pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object('series', series, 'grain', grain, 'side', side, 'below', below, 'above', above, 'weeks', weeks, 'width', width,
		'holidays', pg_catalog.to_jsonb(holidays), 'on_signal', on_signal, 'survey', survey)), scope, severity, message, route, cooldown, opens_ticket, sla);
COMMENT ON FUNCTION cx.create_anomaly_alert(text, text, text, text, text, double precision, double precision, integer, double precision, date[], text, text, text, text, text, interval, boolean, text) IS 'makes an alert rule over an hourly or daily series: events: (their number) or mean: (of their values) with the name of events, responses: or score: with a metric. An alert is opened where cx.seasonal_chart() signals, which compares with the same weekday and hour of the last weeks, so that nights, weekends and holidays do not alarm, or where a value is below or above a threshold; and resolved by itself in the first hour or day without. With on_signal => invite the customers of these events are invited to the survey too, if the contact rules let them';

CREATE FUNCTION cx.alter_metric_alert(name text, scope text DEFAULT NULL, period interval DEFAULT NULL, below double precision DEFAULT NULL, above double precision DEFAULT NULL, min_responses integer DEFAULT NULL, severity text DEFAULT NULL, message text DEFAULT NULL, route text DEFAULT NULL, whole_interval boolean DEFAULT NULL, margin double precision DEFAULT NULL, cooldown interval DEFAULT NULL, opens_ticket boolean DEFAULT NULL, sla text DEFAULT NULL, side text DEFAULT NULL, weeks integer DEFAULT NULL, width double precision DEFAULT NULL, holidays date[] DEFAULT NULL, on_signal text DEFAULT NULL, survey text DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET IntervalStyle = 'postgres' AS $$
DECLARE
	known record;
	changed jsonb;
BEGIN
	PERFORM cx.require_program();
	PERFORM cx.find_rule(name, '{metric,anomaly}');
	SELECT r.kind, r.definition INTO known FROM cx_data.alert_rule AS r WHERE r.name = alter_metric_alert.name;
	changed := jsonb_strip_nulls(CASE known.kind
		WHEN 'metric' THEN jsonb_build_object('period', period::text, 'below', below, 'above', above, 'min_responses', min_responses, 'whole_interval', whole_interval, 'margin', margin)
		ELSE jsonb_build_object('below', below, 'above', above, 'side', side, 'weeks', weeks, 'width', width, 'holidays', to_jsonb(holidays), 'on_signal', on_signal, 'survey', survey) END);
	PERFORM cx.check_rule_definition(known.kind, known.definition || changed);
	IF severity IS NOT NULL THEN
		PERFORM cx.check_severity(severity);
	END IF;
	PERFORM cx.check_scope(NULLIF(scope, ''));
	PERFORM cx.check_route(NULLIF(route, ''));
	PERFORM cx.check_sla(NULLIF(sla, ''));
	PERFORM cx.check_rule_message(message);
	PERFORM cx.as_program_owner('change_rule', jsonb_build_object('name', name, 'definition', known.definition || changed)
		|| jsonb_strip_nulls(jsonb_build_object('severity', severity, 'cooldown', cooldown, 'opens_ticket', opens_ticket)) || cx.texts_to_change(message, route, scope, sla));
END
$$;
COMMENT ON FUNCTION cx.alter_metric_alert(text, text, interval, double precision, double precision, integer, text, text, text, boolean, double precision, interval, boolean, text, text, integer, double precision, date[], text, text) IS 'changes a metric or anomaly rule: what is not given stays, an empty text takes out; it is decided anew from the next full hour or day on';

CREATE FUNCTION cx.probe_customers(definition jsonb, scope text, bucket_end timestamptz) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	zone CONSTANT text := cx.rule_zone();
	bucket_start CONSTANT timestamptz := CASE definition ->> 'grain' WHEN 'hour' THEN bucket_end - interval '1 hour' ELSE cx.day_start((bucket_end AT TIME ZONE zone)::date - 1, zone) END;
	touchpoints CONSTANT bigint[] := cx.scope_touchpoints(scope);
	units CONSTANT bigint[] := cx.scope_units(scope);
	customer text;
	invited bigint := 0;
BEGIN
	FOR customer IN
		SELECT c.code FROM cx_data.customer AS c
		WHERE c.customer_id IN (SELECT e.customer_id FROM cx_data.event AS e
			WHERE e.name = substr(definition ->> 'series', strpos(definition ->> 'series', ':') + 1) AND e.occurred_at >= bucket_start AND e.occurred_at < bucket_end
				AND (touchpoints IS NULL OR e.touchpoint_id = ANY (touchpoints)) AND (units IS NULL OR e.org_unit_id = ANY (units)))
		ORDER BY c.customer_id
	LOOP
		invited := invited + (SELECT count(*) FROM cx.invite(customer, definition ->> 'survey') AS i WHERE i.status = 'queued');
	END LOOP;
	RETURN invited;
END
$$;
COMMENT ON FUNCTION cx.probe_customers(jsonb, text, timestamptz) IS 'invites the customers of the events of an hour or day to the survey of an anomaly rule; those whom the contact rules protect are noted as suppressed. Gives how many are queued; called by evaluate_rule';

CREATE FUNCTION cx.definition_problem(kind text, definition jsonb, scope text) RETURNS text
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.check_rule_definition(kind, definition);
	PERFORM cx.check_scope(scope);
	RETURN NULL;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLERRM;
END
$$;
COMMENT ON FUNCTION cx.definition_problem(text, jsonb, text) IS 'why a metric or anomaly rule cannot be decided any more, such as a metric that is gone; NULL if it can. For the view cx_data.alert_rule_status';
