-- Alert rules over scores and series: decided once for each full hour or day, from tallies and events

CREATE FUNCTION cx.rule_grain(definition jsonb) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE WHEN definition ? 'grain' THEN definition ->> 'grain' WHEN (definition ->> 'period')::interval < interval '1 day' THEN 'hour' ELSE 'day' END;
COMMENT ON FUNCTION cx.rule_grain(jsonb) IS 'hour or day: how often a metric or anomaly rule is decided';

CREATE FUNCTION cx.rule_zone() RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN (SELECT time_zone FROM cx_data.program);
END
$$;
COMMENT ON FUNCTION cx.rule_zone() IS 'the program''s time zone, in which metric and anomaly rules cut hours and days';

CREATE FUNCTION cx.last_full_bucket(grain text, at timestamptz) RETURNS timestamptz
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF grain = 'hour' THEN
		RETURN cx.bucket('hour', at, cx.rule_zone());
	END IF;
	-- a day is full where it has ended for all units
	RETURN cx.day_start(least((at AT TIME ZONE cx.rule_zone())::date, (SELECT min((at AT TIME ZONE u.time_zone)::date) FROM cx_data.org_unit AS u WHERE u.time_zone IS NOT NULL)), cx.rule_zone());
END
$$;
COMMENT ON FUNCTION cx.last_full_bucket(text, timestamptz) IS 'end of the last hour or day that is over at a time';

CREATE FUNCTION cx.metric_points(definition jsonb, scope text, first_end timestamptz, last_end timestamptz)
	RETURNS TABLE (bucket_end timestamptz, value double precision, lower double precision, upper double precision, responses bigint, expected double precision, breached boolean, recovered boolean)
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
	zone CONSTANT text := cx.rule_zone();
	is_hourly CONSTANT boolean := cx.rule_grain(definition) = 'hour';
	metric_code CONSTANT text := definition ->> 'metric';
	period CONSTANT interval := (definition ->> 'period')::interval;
	below CONSTANT double precision := (definition ->> 'below')::double precision;
	above CONSTANT double precision := (definition ->> 'above')::double precision;
	margin CONSTANT double precision := (definition ->> 'margin')::double precision;
	whole CONSTANT boolean := coalesce((definition -> 'whole_interval')::boolean, false);
	touchpoints CONSTANT bigint[] := cx.scope_touchpoints(scope);
	units CONSTANT bigint[] := cx.scope_units(scope);
BEGIN
	RETURN QUERY
	WITH bucket AS (
		SELECT CASE WHEN is_hourly THEN g.local AT TIME ZONE 'UTC' ELSE cx.day_start(g.local::date, zone) END AS ends, g.local::date AS day
		FROM generate_series(CASE WHEN is_hourly THEN first_end AT TIME ZONE 'UTC' ELSE (first_end AT TIME ZONE zone)::date::timestamp END,
			CASE WHEN is_hourly THEN last_end AT TIME ZONE 'UTC' ELSE (last_end AT TIME ZONE zone)::date::timestamp END, CASE WHEN is_hourly THEN interval '1 hour' ELSE interval '1 day' END) AS g (local)
	), counted AS MATERIALIZED (
		SELECT h.hour + interval '1 hour' AS ends, NULL::date AS day, cx.tally(h.tally) AS tally
		FROM cx_data.tally_live AS h
		WHERE is_hourly AND h.metric = metric_code AND h.hour > first_end - period - interval '1 hour' AND h.hour < last_end
			AND (touchpoints IS NULL OR h.touchpoint_id = ANY (touchpoints)) AND (units IS NULL OR h.org_unit_id = ANY (units))
		GROUP BY h.hour
		UNION ALL
		SELECT NULL, d.day, cx.tally(d.tally)
		FROM cx_data.tally_live_daily AS d
		WHERE NOT is_hourly AND d.metric = metric_code AND d.day >= ((first_end AT TIME ZONE zone)::date - period)::date AND d.day < (last_end AT TIME ZONE zone)::date
			AND (touchpoints IS NULL OR d.touchpoint_id = ANY (touchpoints)) AND (units IS NULL OR d.org_unit_id = ANY (units))
		GROUP BY d.day
	), estimated AS (
		SELECT b.ends, e.value, e.lower, e.upper, e.std_error, coalesce(cx.responses(t.tally), 0) AS responses
		FROM bucket AS b
		LEFT JOIN LATERAL (SELECT cx.tally(c.tally) AS tally FROM counted AS c
			WHERE CASE WHEN is_hourly THEN c.ends > b.ends - period AND c.ends <= b.ends ELSE c.day >= (b.day - period)::date AND c.day < b.day END) AS t ON true
		CROSS JOIN LATERAL cx.metric_estimate(metric_code, t.tally) AS e
	)
	SELECT s.ends, s.value, s.lower, s.upper, s.responses, coalesce(below, above),
		s.responses >= (definition -> 'min_responses')::bigint AND coalesce(CASE WHEN whole THEN s.upper ELSE s.value END < below OR CASE WHEN whole THEN s.lower ELSE s.value END > above, false),
		s.responses >= (definition -> 'min_responses')::bigint AND coalesce(s.value >= below + coalesce(margin, s.std_error, 0), true) AND coalesce(s.value <= above - coalesce(margin, s.std_error, 0), true)
	FROM estimated AS s ORDER BY s.ends;
END
$$;
COMMENT ON FUNCTION cx.metric_points(jsonb, text, timestamptz, timestamptz) IS 'what a metric rule sees at the end of each hour or day between two: score, interval and answers of the period before, exact from tallies, the threshold, whether it is crossed, and whether it is recovered from by the margin, else by one standard error';

CREATE FUNCTION cx.series_values(definition jsonb, scope text, first_start timestamptz, last_end timestamptz)
	RETURNS TABLE (starts timestamptz, value double precision, std_error double precision)
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
	zone CONSTANT text := cx.rule_zone();
	grain CONSTANT text := cx.rule_grain(definition);
	kind CONSTANT text := split_part(definition ->> 'series', ':', 1);
	wanted CONSTANT text := substr(definition ->> 'series', strpos(definition ->> 'series', ':') + 1);
	touchpoints CONSTANT bigint[] := cx.scope_touchpoints(scope);
	units CONSTANT bigint[] := cx.scope_units(scope);
BEGIN
	RETURN QUERY
	WITH observed AS MATERIALIZED (
		SELECT cx.bucket(grain, e.occurred_at, zone) AS starts, CASE kind WHEN 'events' THEN count(*) ELSE avg(e.value) END::double precision AS value,
			CASE kind WHEN 'events' THEN sqrt(count(*)) ELSE stddev_samp(e.value) / sqrt(count(e.value)) END AS std_error
		FROM cx_data.event AS e
		WHERE kind IN ('events', 'mean') AND e.name = wanted AND e.occurred_at >= first_start AND e.occurred_at < last_end
			AND (touchpoints IS NULL OR e.touchpoint_id = ANY (touchpoints)) AND (units IS NULL OR e.org_unit_id = ANY (units))
		GROUP BY 1
		UNION ALL
		SELECT t.starts, CASE kind WHEN 'responses' THEN cx.responses(t.tally) ELSE f.value END, CASE kind WHEN 'responses' THEN sqrt(cx.responses(t.tally)) ELSE f.std_error END
		FROM (
			SELECT cx.bucket(grain, h.hour, zone) AS starts, cx.tally(h.tally) AS tally
			FROM cx_data.tally_live AS h
			WHERE kind IN ('responses', 'score') AND h.metric = wanted AND h.hour >= first_start AND h.hour < last_end
				AND (touchpoints IS NULL OR h.touchpoint_id = ANY (touchpoints)) AND (units IS NULL OR h.org_unit_id = ANY (units))
			GROUP BY 1
		) AS t
		CROSS JOIN LATERAL cx.metric_estimate(wanted, t.tally) AS f
	)
	-- where nothing is counted, that is 0, from the first bucket on in which anything was
	SELECT g.starts, coalesce(o.value, CASE WHEN kind IN ('events', 'responses') THEN 0 END), coalesce(o.std_error, CASE WHEN kind IN ('events', 'responses') THEN 1 END)
	FROM (SELECT CASE grain WHEN 'hour' THEN s.local AT TIME ZONE 'UTC' ELSE cx.day_start(s.local::date, zone) END AS starts
		FROM generate_series((SELECT CASE grain WHEN 'hour' THEN min(o.starts) AT TIME ZONE 'UTC' ELSE min(o.starts) AT TIME ZONE zone END FROM observed AS o),
			CASE grain WHEN 'hour' THEN last_end AT TIME ZONE 'UTC' ELSE last_end AT TIME ZONE zone END, CASE grain WHEN 'hour' THEN interval '1 hour' ELSE interval '1 day' END) AS s (local)) AS g
	LEFT JOIN observed AS o USING (starts)
	WHERE g.starts < last_end
	ORDER BY g.starts;
END
$$;
COMMENT ON FUNCTION cx.series_values(jsonb, text, timestamptz, timestamptz) IS 'the series that an anomaly rule looks at, by hour or day, with what chance alone does to each value: counts of events, means of their values, counts of answers, or scores';

CREATE FUNCTION cx.anomaly_points(definition jsonb, scope text, first_end timestamptz, last_end timestamptz)
	RETURNS TABLE (bucket_end timestamptz, value double precision, lower double precision, upper double precision, responses bigint, expected double precision, breached boolean, recovered boolean)
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
	zone CONSTANT text := cx.rule_zone();
	step CONSTANT interval := CASE cx.rule_grain(definition) WHEN 'hour' THEN interval '1 hour' ELSE interval '1 day' END;
	weeks CONSTANT integer := coalesce((definition -> 'weeks')::integer, 8);
	width CONSTANT double precision := coalesce((definition ->> 'width')::double precision, 4);
	side CONSTANT text := coalesce(definition ->> 'side', 'both');
	holidays CONSTANT date[] := ARRAY(SELECT h::date FROM jsonb_array_elements_text(coalesce(definition -> 'holidays', '[]')) AS h);
	below CONSTANT double precision := (definition ->> 'below')::double precision;
	above CONSTANT double precision := (definition ->> 'above')::double precision;
BEGIN
	RETURN QUERY
	WITH drawn AS (
		SELECT CASE WHEN step = '1 hour' THEN s.starts + step ELSE cx.day_start((s.starts AT TIME ZONE zone)::date + 1, zone) END AS ends, s.value,
			cx.seasonal_chart(s.value, s.starts AT TIME ZONE zone, (s.starts AT TIME ZONE zone)::date = ANY (holidays), s.std_error, weeks, width) OVER (ORDER BY s.starts) AS c
		FROM cx.series_values(definition, scope, first_end - make_interval(weeks => weeks + 1), last_end) AS s
	)
	SELECT d.ends, d.value, CASE WHEN below IS NULL AND above IS NULL THEN (d.c).lower END, CASE WHEN below IS NULL AND above IS NULL THEN (d.c).upper END, NULL::bigint,
		coalesce(below, above, (d.c).centre), e.breached, NOT e.breached AND d.value IS NOT NULL
	FROM drawn AS d
	CROSS JOIN LATERAL (SELECT coalesce(CASE WHEN below IS NULL AND above IS NULL
			THEN (d.c).signal AND CASE side WHEN 'high' THEN d.value > (d.c).centre WHEN 'low' THEN d.value < (d.c).centre ELSE true END
			ELSE coalesce(d.value < below, false) OR coalesce(d.value > above, false) END, false) AS breached) AS e
	WHERE d.ends BETWEEN first_end AND last_end
	ORDER BY d.ends;
END
$$;
COMMENT ON FUNCTION cx.anomaly_points(jsonb, text, timestamptz, timestamptz) IS 'what an anomaly rule sees in each hour or day that ends between two: value, limits and centre of cx.seasonal_chart(), or where the rule has thresholds these, and whether the value is beyond them';

CREATE FUNCTION cx.rule_points(rule bigint, first_end timestamptz, last_end timestamptz)
	RETURNS TABLE (bucket_end timestamptz, value double precision, lower double precision, upper double precision, responses bigint, expected double precision, breached boolean, recovered boolean)
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	asked record;
BEGIN
	SELECT r.kind, r.definition, r.scope INTO asked FROM cx_data.alert_rule AS r WHERE r.alert_rule_id = rule;
	IF asked.kind = 'metric' THEN
		RETURN QUERY SELECT * FROM cx.metric_points(asked.definition, asked.scope, first_end, last_end);
	ELSIF asked.kind = 'anomaly' THEN
		RETURN QUERY SELECT * FROM cx.anomaly_points(asked.definition, asked.scope, first_end, last_end);
	END IF;
END
$$;
COMMENT ON FUNCTION cx.rule_points(bigint, timestamptz, timestamptz) IS 'what a metric or anomaly rule sees at the end of each hour or day between two';

CREATE FUNCTION cx.test_metric_alert(name text, during tstzrange DEFAULT NULL)
	RETURNS TABLE (bucket_end timestamptz, value double precision, lower double precision, upper double precision, responses bigint, expected double precision, breached boolean, alert text)
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	asked record;
	last_end timestamptz;
	first_end timestamptz;
	is_open boolean := false;
BEGIN
	PERFORM cx.require_program();
	PERFORM cx.find_rule(name, '{metric,anomaly}');
	SELECT r.alert_rule_id, cx.rule_grain(r.definition) AS grain INTO asked FROM cx_data.alert_rule AS r WHERE r.name = test_metric_alert.name;
	last_end := cx.last_full_bucket(asked.grain, least(upper(during), cx.as_of()));
	-- the first bucket that ends within the range
	first_end := cx.last_full_bucket(asked.grain, coalesce(lower(during), last_end - CASE asked.grain WHEN 'hour' THEN interval '7 days' ELSE interval '90 days' END));
	IF NOT isfinite(first_end) OR NOT isfinite(last_end) THEN
		RAISE EXCEPTION 'during must have finite ends' USING ERRCODE = 'invalid_parameter_value', HINT = 'Leave it out for the last 90 days, or 7 days of hours.';
	END IF;
	FOR bucket_end, value, lower, upper, responses, expected, breached, alert IN
		SELECT p.bucket_end, p.value, p.lower, p.upper, p.responses, p.expected, p.breached, CASE WHEN p.recovered THEN 'recovered' END
		FROM cx.rule_points(asked.alert_rule_id, first_end, last_end) AS p WHERE during IS NULL OR p.bucket_end <@ during OR p.bucket_end = upper(during)
	LOOP
		alert := CASE WHEN breached AND NOT is_open THEN 'opened' WHEN alert = 'recovered' AND is_open THEN 'resolved' END;
		is_open := CASE alert WHEN 'opened' THEN true WHEN 'resolved' THEN false ELSE is_open END;
		RETURN NEXT;
	END LOOP;
END
$$;
COMMENT ON FUNCTION cx.test_metric_alert(text, tstzrange) IS 'what a metric or anomaly rule would have seen at the end of each hour or day of a range, and where it would have opened and resolved an alert; without a range the last 90 days, or 7 days of hours. Writes nothing';

CREATE FUNCTION cx.rule_message(rule bigint, point jsonb) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	asked record;
	what text;
BEGIN
	SELECT r.name, r.kind, r.message, r.definition, r.scope, t.code AS touchpoint, t.name AS touchpoint_name, u.code AS org_unit, u.name AS org_unit_name INTO asked
	FROM cx_data.alert_rule AS r
	LEFT JOIN cx_data.touchpoint AS t ON r.scope = 'touchpoint:' || t.code
	LEFT JOIN cx_data.org_unit AS u ON r.scope = 'unit:' || u.code
	WHERE r.alert_rule_id = rule;
	what := coalesce(asked.definition ->> 'metric', asked.definition ->> 'series');
	RETURN cx.fill_json(to_jsonb(coalesce(asked.message, CASE asked.kind WHEN 'metric' THEN '{metric} of {scope} is {value}, {responses} answers in {period}; threshold {expected}' ELSE '{series} of {scope} is {value}, {expected} expected' END)),
		point || jsonb_strip_nulls(jsonb_build_object('rule', asked.name, 'metric', what, 'series', what, 'scope', coalesce(asked.scope, 'all'), 'period', asked.definition ->> 'period',
			'touchpoint', coalesce(asked.touchpoint, ''), 'touchpoint.name', coalesce(asked.touchpoint_name, asked.touchpoint, ''), 'org_unit', coalesce(asked.org_unit, ''), 'org_unit.name', coalesce(asked.org_unit_name, asked.org_unit, '')))) #>> '{}';
END
$$;
COMMENT ON FUNCTION cx.rule_message(bigint, jsonb) IS 'message of a metric or anomaly rule about a point';

CREATE FUNCTION cx.evaluate_rule(rule_id bigint, at timestamptz) RETURNS text
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	asked record;
	point record;
	open_alert bigint;
	said jsonb;
BEGIN
	SELECT r.name, r.kind, r.definition, r.scope, r.route, r.message, cx.last_full_bucket(cx.rule_grain(r.definition), at) AS ends INTO asked FROM cx_data.alert_rule AS r WHERE r.alert_rule_id = rule_id AND r.enabled;
	-- once for each bucket, whoever comes first
	INSERT INTO cx_data.alert_rule_point AS p (alert_rule_id, bucket_end) SELECT rule_id, asked.ends WHERE asked.ends IS NOT NULL
	ON CONFLICT (alert_rule_id) DO UPDATE SET bucket_end = excluded.bucket_end, decided_at = now() WHERE p.bucket_end < excluded.bucket_end;
	IF NOT FOUND THEN
		RETURN NULL;
	END IF;
	SELECT * INTO point FROM cx.rule_points(rule_id, asked.ends, asked.ends);
	open_alert := (SELECT max(a.alert_id) FROM cx_data.alert AS a WHERE a.alert_rule_id = rule_id AND a.status <> 'resolved');
	UPDATE cx_data.alert_rule_point AS p SET value = point.value, lower = point.lower, upper = point.upper, responses = point.responses, expected = point.expected, breached = coalesce(point.breached, false)
	WHERE p.alert_rule_id = rule_id;
	IF point.breached THEN
		said := (SELECT jsonb_object_agg(e.key, CASE WHEN jsonb_typeof(e.value) = 'number' THEN to_jsonb(trim_scale(round((e.value)::numeric, 1))::text) ELSE e.value END) FROM jsonb_each(to_jsonb(point)) AS e);
		PERFORM cx.raise_alerts(jsonb_build_array(jsonb_strip_nulls(jsonb_build_object('rule_id', rule_id, 'value', point.value,
			'touchpoint_id', (SELECT t.touchpoint_id FROM cx_data.touchpoint AS t WHERE asked.scope = 'touchpoint:' || t.code), 'org_unit_id', (SELECT u.org_unit_id FROM cx_data.org_unit AS u WHERE asked.scope = 'unit:' || u.code),
			'message', cx.rule_message(rule_id, said), 'route', cx.fill_json(to_jsonb(asked.route), jsonb_build_object('touchpoint', coalesce(split_part(asked.scope, 'touchpoint:', 2), ''), 'org_unit', coalesce(split_part(asked.scope, 'unit:', 2), ''))) #>> '{}',
			'matches', 1))));
		IF open_alert IS NULL AND asked.definition ->> 'on_signal' = 'invite' THEN
			BEGIN
				PERFORM cx.probe_customers(asked.definition, asked.scope, asked.ends);
			EXCEPTION WHEN OTHERS THEN
				-- the alert stays
				PERFORM cx.note_alert_errors(jsonb_build_array(jsonb_build_object('rule_id', rule_id, 'sqlstate', SQLSTATE, 'message', SQLERRM)));
			END;
		END IF;
		RETURN CASE WHEN open_alert IS NULL THEN 'opened' ELSE 'goes on' END;
	ELSIF point.recovered AND open_alert IS NOT NULL THEN
		UPDATE cx_data.alert AS a SET status = 'resolved' WHERE a.alert_rule_id = rule_id AND a.status <> 'resolved';
		RETURN 'resolved';
	END IF;
	RETURN CASE WHEN open_alert IS NULL THEN 'quiet' ELSE 'waits' END;
END
$$;
COMMENT ON FUNCTION cx.evaluate_rule(bigint, timestamptz) IS 'decides a metric or anomaly rule on the last full hour or day, once for each: opened, goes on, resolved, waits (neither crossed nor recovered), or quiet; NULL if that was decided already. Takes the rights of the program''s owner; called by evaluate_alerts';

CREATE FUNCTION cx.owner_evaluate(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	decided jsonb := '[]';
	asked record;
	verdict text;
BEGIN
	IF NOT cx.owns_program(caller) AND NOT cx.role_has_level(caller, '{admin}') THEN
		RAISE EXCEPTION 'permission denied to evaluate alert rules' USING ERRCODE = 'insufficient_privilege', HINT = 'It takes access as an admin.';
	END IF;
	FOR asked IN SELECT r.alert_rule_id, r.name FROM cx_data.alert_rule AS r WHERE r.kind <> 'row' AND r.enabled ORDER BY r.alert_rule_id LOOP
		BEGIN
			verdict := cx.evaluate_rule(asked.alert_rule_id, (argument ->> 'at')::timestamptz);
		EXCEPTION WHEN OTHERS THEN
			-- one rule that cannot be decided must not stop the others
			verdict := 'error';
			PERFORM cx.note_alert_errors(jsonb_build_array(jsonb_build_object('rule_id', asked.alert_rule_id, 'sqlstate', SQLSTATE, 'message', SQLERRM)));
		END;
		IF verdict IS NOT NULL THEN
			decided := decided || jsonb_build_object('rule', asked.name, 'verdict', verdict);
		END IF;
	END LOOP;
	RETURN decided;
END
$$;
COMMENT ON FUNCTION cx.owner_evaluate(jsonb, oid) IS 'decides metric and anomaly rules; part of evaluate_alerts, with the rights of the program''s owner';

CREATE FUNCTION cx.evaluate_alerts() RETURNS TABLE (rule text, verdict text)
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	PERFORM cx.require_read_committed();
	RETURN QUERY SELECT d ->> 'rule', d ->> 'verdict' FROM jsonb_array_elements(cx.as_program_owner('evaluate', jsonb_build_object('at', cx.as_of()))) AS d;
END
$$;
COMMENT ON FUNCTION cx.evaluate_alerts() IS 'decides metric and anomaly rules on the last full hour or day before cx.as_of(), once for each: opened (an alert), goes on, resolved, waits (neither crossed nor recovered), quiet, or error. cx.maintain() does the same';
