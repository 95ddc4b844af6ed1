-- Keeping the program: folding tallies, new partitions, sources without triggers, failed rows

CREATE FUNCTION cx.owner_rebuild(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT has_table_privilege(caller, 'cx_data.tally_hourly', 'TRUNCATE') AND NOT has_column_privilege(caller, 'cx_data.org_unit', 'time_zone', 'UPDATE') THEN
		RAISE EXCEPTION 'permission denied to count the tallies anew' USING ERRCODE = 'insufficient_privilege';
	END IF;
	LOCK TABLE cx_data.feedback IN SHARE ROW EXCLUSIVE MODE;
	TRUNCATE cx_data.tally_hourly, cx_data.tally_daily, cx_data.tally_delta;
	INSERT INTO cx_data.tally_hourly (touchpoint_id, org_unit_id, hour, metric, tally)
	SELECT answer.touchpoint_id, answer.org_unit_id, cx.bucket('hour', answer.responded_at, coalesce(unit.time_zone, program.time_zone)), answer.metric, cx.tally(answer.score)
	FROM cx_data.feedback AS answer
	CROSS JOIN cx_data.program
	LEFT JOIN cx_data.org_unit AS unit USING (org_unit_id)
	WHERE answer.kind = 'survey' AND answer.score BETWEEN 0 AND 10 AND answer.metric IS NOT NULL AND isfinite(answer.responded_at)
	GROUP BY 1, 2, 3, 4
	ORDER BY 3;
	INSERT INTO cx_data.tally_daily (touchpoint_id, org_unit_id, day, metric, tally)
	SELECT counted.touchpoint_id, counted.org_unit_id, (counted.hour AT TIME ZONE coalesce(unit.time_zone, program.time_zone))::date, counted.metric, cx.tally(counted.tally)
	FROM cx_data.tally_hourly AS counted
	CROSS JOIN cx_data.program
	LEFT JOIN cx_data.org_unit AS unit USING (org_unit_id)
	GROUP BY 1, 2, 3, 4
	ORDER BY 3;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.owner_rebuild(jsonb, oid) IS 'counts all tallies anew; part of rebuild_tallies, with the rights of the program''s owner';

CREATE PROCEDURE cx.rebuild_tallies()
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	PERFORM cx.require_read_committed();
	PERFORM cx.as_program_owner('rebuild', '{}');
END
$$;
COMMENT ON PROCEDURE cx.rebuild_tallies() IS 'counts all tallies anew from cx_data.feedback; writers of feedback wait meanwhile';

CREATE FUNCTION cx.fold_tallies(part integer DEFAULT 0, parts integer DEFAULT 1) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	folded bigint;
	touchpoints bigint[];
	units bigint[];
	hours timestamptz[];
	days date[];
	metrics text[];
	removals cx.tally[];
BEGIN
	-- one fold at a time; it waits for no writer and no writer for it; first what readers and rebuild_tallies() lock first
	LOCK TABLE cx_data.tally_hourly IN ROW EXCLUSIVE MODE;
	LOCK TABLE cx_data.tally_delta IN SHARE UPDATE EXCLUSIVE MODE;
	-- whole keys: what was removed was added before, so nothing falls below zero
	WITH taken AS (
		DELETE FROM cx_data.tally_delta
		WHERE parts = 1 OR hash_record_extended(ROW(touchpoint_id, metric, hour), 0) & 65535 BETWEEN 65536 * part / parts AND 65536 * (part + 1) / parts - 1
		RETURNING *
	), summed AS (
		SELECT touchpoint_id, org_unit_id, hour, day, metric, coalesce(cx.tally(added), '{}'::cx.tally) AS added, cx.tally(removed) AS removed, count(*) AS deltas
		FROM taken
		GROUP BY touchpoint_id, org_unit_id, hour, day, metric
	), into_hours AS (
		INSERT INTO cx_data.tally_hourly AS hourly (touchpoint_id, org_unit_id, hour, metric, tally)
		SELECT touchpoint_id, org_unit_id, hour, metric, added FROM summed
		ON CONFLICT (hour, touchpoint_id, metric, org_unit_id) DO UPDATE SET tally = hourly.tally OPERATOR(cx.+) excluded.tally
	), into_days AS (
		INSERT INTO cx_data.tally_daily AS daily (touchpoint_id, org_unit_id, day, metric, tally)
		SELECT touchpoint_id, org_unit_id, day, metric, coalesce(cx.tally(added), '{}'::cx.tally) FROM summed GROUP BY touchpoint_id, org_unit_id, day, metric
		ON CONFLICT (day, touchpoint_id, metric, org_unit_id) DO UPDATE SET tally = daily.tally OPERATOR(cx.+) excluded.tally
	)
	SELECT coalesce(sum(deltas), 0), array_agg(touchpoint_id) FILTER (WHERE removed IS NOT NULL), array_agg(org_unit_id) FILTER (WHERE removed IS NOT NULL),
		array_agg(hour) FILTER (WHERE removed IS NOT NULL), array_agg(day) FILTER (WHERE removed IS NOT NULL), array_agg(metric) FILTER (WHERE removed IS NOT NULL), array_agg(removed) FILTER (WHERE removed IS NOT NULL)
	INTO folded, touchpoints, units, hours, days, metrics, removals
	FROM summed;

	IF removals IS NOT NULL THEN
		INSERT INTO cx_data.tally_hourly AS hourly (touchpoint_id, org_unit_id, hour, metric, tally)
		SELECT * FROM unnest(touchpoints, units, hours, metrics, removals)
		ON CONFLICT (hour, touchpoint_id, metric, org_unit_id) DO UPDATE SET tally = hourly.tally OPERATOR(cx.-) excluded.tally;
		INSERT INTO cx_data.tally_daily AS daily (touchpoint_id, org_unit_id, day, metric, tally)
		SELECT touchpoint_id, org_unit_id, day, metric, cx.tally(removed)
		FROM unnest(touchpoints, units, days, metrics, removals) AS gone (touchpoint_id, org_unit_id, day, metric, removed)
		GROUP BY touchpoint_id, org_unit_id, day, metric
		ON CONFLICT (day, touchpoint_id, metric, org_unit_id) DO UPDATE SET tally = daily.tally OPERATOR(cx.-) excluded.tally;
	END IF;
	RETURN folded;
END
$$;
COMMENT ON FUNCTION cx.fold_tallies(integer, integer) IS 'folds the rows of tally_delta, or one of so many parts of their keys, into tally_hourly and tally_daily; gives how many it folded. cx.maintain() calls it';

CREATE FUNCTION cx.cover_source(source text) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	attached regclass;
	part regclass;
	captured bigint := 0;
BEGIN
	PERFORM cx.require_read_committed();
	-- partitions that were detached are tables like any other
	SELECT relation INTO attached FROM cx_data.source WHERE name = cover_source.source;
	FOR part IN
		WITH RECURSIVE child AS (
			SELECT attached::oid AS oid UNION SELECT inhrelid FROM pg_inherits JOIN child ON inhparent = child.oid
		)
		SELECT relation FROM cx.captured_relations(source) AS relation WHERE relation NOT IN (SELECT oid FROM child)
	LOOP
		PERFORM cx.drop_capture_triggers(part, source);
	END LOOP;
	FOR part IN SELECT cx.cover_children(source) LOOP
		captured := captured + (SELECT inserted + updated FROM cx.pull_source(source, NULL, NULL, part));
	END LOOP;
	RETURN captured;
END
$$;
COMMENT ON FUNCTION cx.cover_source(text) IS 'captures partitions and children that came after their table was attached, with the rows they hold; called by maintain';

CREATE FUNCTION cx.retry_source(source text) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	failed_source bigint;
	last_compared_at timestamptz;
	must_compare boolean;
	nameless_attempts integer;
	failed_ids bigint[];
	failed_keys text[];
	failed_attempts integer[];
	renewed bigint;
	removed bigint;
BEGIN
	PERFORM cx.require_read_committed();
	-- one at a time
	SELECT source_id, compared_at INTO failed_source, last_compared_at FROM cx_data.source WHERE name = retry_source.source FOR NO KEY UPDATE;
	-- rows without a key, or with the hash of one, can only be found by comparing all: ten times, then once an hour
	SELECT coalesce(bool_or(attempts < 10 OR last_compared_at < now() - interval '1 hour'), false), max(attempts) INTO must_compare, nameless_attempts
	FROM cx_data.import_error WHERE source_id = failed_source AND starts_with(source_key, 'erased:') IS NOT FALSE;
	SELECT array_agg(import_error_id), array_agg(source_key), array_agg(attempts)
	INTO failed_ids, failed_keys, failed_attempts
	FROM cx_data.import_error WHERE source_id = failed_source AND (NOT starts_with(source_key, 'erased:') OR must_compare);
	IF failed_keys IS NULL THEN
		RETURN 0;
	END IF;
	IF must_compare THEN
		PERFORM cx.sync_source(source);
	ELSE
		PERFORM cx.pull_source(source, NULL, failed_keys, NULL);
	END IF;
	-- what failed again was recorded again, and has one more attempt
	UPDATE cx_data.import_error SET attempts = nameless_attempts + 1
	WHERE must_compare AND source_id = failed_source AND source_key IS NULL AND import_error_id <> ALL (failed_ids);
	GET DIAGNOSTICS renewed = ROW_COUNT;
	DELETE FROM cx_data.import_error
	WHERE (import_error_id, attempts) IN (SELECT * FROM unnest(failed_ids, failed_attempts));
	GET DIAGNOSTICS removed = ROW_COUNT;
	RETURN removed - renewed;
END
$$;
COMMENT ON FUNCTION cx.retry_source(text) IS 'tries rows again that could not be captured, gives how many errors are mended; called by maintain';

CREATE FUNCTION cx.maintain_step(work text, part integer, parts integer, source text) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	CASE work
		WHEN 'fold' THEN PERFORM cx.fold_tallies(part, parts);
		WHEN 'invitations' THEN PERFORM cx.match_invitations();
		WHEN 'alerts' THEN
			PERFORM cx.count_matches();
			PERFORM cx.evaluate_alerts();
			DELETE FROM cx_data.alert_error WHERE created_at < now() - interval '30 days';
			PERFORM cx.cover_rules(watched.relation) FROM (SELECT DISTINCT relation FROM cx_data.alert_rule WHERE relation IS NOT NULL) AS watched;
		WHEN 'tickets' THEN PERFORM cx.escalate_overdue();
		WHEN 'risks' THEN PERFORM cx.record_signal_risks();
		WHEN 'cover' THEN PERFORM cx.cover_source(source);
		WHEN 'retry' THEN PERFORM cx.retry_source(source);
		WHEN 'import' THEN PERFORM cx.retry_import(source);
		WHEN 'sync' THEN
			-- clocks differ and transactions last, hence the hour; once a day all rows are compared
			PERFORM cx.sync_source(name, CASE WHEN compared_at > now() - interval '1 day' THEN pulled_until - interval '1 hour' END)
			FROM cx_data.source WHERE name = maintain_step.source;
	END CASE;
EXCEPTION WHEN OTHERS THEN
	-- the other steps go on
	RAISE WARNING 'maintenance step % of % failed: %', work, coalesce('source ' || quote_ident(source), CASE work WHEN 'fold' THEN 'the tallies' ELSE 'the program' END), SQLERRM;
END
$$;
COMMENT ON FUNCTION cx.maintain_step(text, integer, integer, text) IS 'one step of cx.maintain(); an error becomes a warning';

CREATE FUNCTION cx.next_maintenance_step(last_step jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	parts integer := (last_step -> 'parts')::integer;
	part integer := (last_step -> 'part')::integer + 1;
BEGIN
	IF last_step = '{}' THEN
		parts := greatest(1, least(16, pg_relation_size('cx_data.tally_delta') / 100000000));
		part := 0;
	END IF;
	IF part < parts THEN
		RETURN jsonb_build_object('work', 'fold', 'part', part, 'parts', parts);
	END IF;
	IF last_step ->> 'work' = 'fold' THEN
		RETURN jsonb_build_object('work', 'invitations');
	END IF;
	IF last_step ->> 'work' = 'invitations' THEN
		RETURN jsonb_build_object('work', 'alerts');
	END IF;
	IF last_step ->> 'work' = 'alerts' THEN
		RETURN jsonb_build_object('work', 'tickets');
	END IF;
	IF last_step ->> 'work' = 'tickets' THEN
		RETURN jsonb_build_object('work', 'risks');
	END IF;
	RETURN (SELECT jsonb_build_object('work', work, 'source', name, 'source_id', source_id, 'place', place)
		FROM cx_data.source
		CROSS JOIN (VALUES (1, 'cover', false), (2, 'sync', true), (3, 'retry', false), (3, 'retry', true), (4, 'import', NULL)) AS steps (place, work, pulled)
		WHERE CASE work
				WHEN 'import' THEN EXISTS (SELECT FROM cx_data.import_error AS e WHERE e.source_id = source.source_id AND e.payload IS NOT NULL)
				ELSE EXISTS (SELECT FROM pg_class WHERE oid = relation) AND source.pulled = steps.pulled END
			AND (source_id, place) > (coalesce((last_step -> 'source_id')::bigint, 0), coalesce((last_step -> 'place')::integer, 0))
		ORDER BY source_id, place
		LIMIT 1);
END
$$;
COMMENT ON FUNCTION cx.next_maintenance_step(jsonb) IS 'what cx.maintain() does after a step; after {} the first one, NULL after the last';

CREATE FUNCTION cx.owner_maintain(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	step CONSTANT jsonb := cx.next_maintenance_step(argument);
BEGIN
	PERFORM cx.check_owns_program(caller);
	IF step IS NOT NULL THEN
		PERFORM cx.maintain_step(step ->> 'work', (step -> 'part')::integer, (step -> 'parts')::integer, step ->> 'source');
	END IF;
	RETURN step;
END
$$;
COMMENT ON FUNCTION cx.owner_maintain(jsonb, oid) IS 'the step of cx.maintain() after another one, with the rights of the program''s owner; gives that step, NULL after the last';

CREATE PROCEDURE cx.maintain()
	LANGUAGE plpgsql AS $$
DECLARE
	step pg_catalog.jsonb := '{}';
BEGIN
	-- no SET search_path, for this commits; so nothing here depends on it
	PERFORM cx.require_program();
	LOOP
		step := cx.as_program_owner('maintain', step);
		EXIT WHEN step IS NULL;
		COMMIT;
	END LOOP;
END
$$;
COMMENT ON PROCEDURE cx.maintain() IS 'the regular work of the program, to be called each minute or so outside a transaction block by its owner: folds tallies, captures new partitions, syncs sources without triggers, tries failed rows again, decides alert rules, lets overdue tickets climb, once a day notes the risks of customers by signals';
