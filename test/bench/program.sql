-- What the CX program costs those who write many rows, and what it gives those who read.
\set ON_ERROR_STOP on
\set VERBOSITY terse
SET timezone = 'UTC';
SET client_min_messages = warning;
SELECT current_setting('data_directory') || '/million_answers.csv' AS answers, current_setting('data_directory') || '/million_feedback.csv' AS feedback \gset

-- many rows straight into feedback
\set columns '(customer_id, touchpoint_id, score, responded_at, comment, source_id, source_key, metric)'
CALL compare('COPY of a million rows straight into feedback', '{"without the triggers","with the program"}',
	ARRAY['COPY feedback ' || :'columns' || ' FROM ' || quote_literal(:'feedback'), 'COPY cx_data.feedback ' || :'columns' || ' FROM ' || quote_literal(:'feedback')],
	'at most 1.25', :rounds, 'TRUNCATE feedback, cx_data.feedback');
CREATE INDEX ON million (answer_id);
CREATE PROCEDURE insert_thousands(target text) LANGUAGE plpgsql AS $$
BEGIN
	FOR batch IN 0 .. 199 LOOP
		EXECUTE format('INSERT INTO %s (customer_id, touchpoint_id, score, responded_at, comment, metric)
			SELECT 1 + customer, touchpoint, score, responded_at, note, ''nps'' FROM million WHERE answer_id BETWEEN $1 AND $2', target)
		USING batch * 5000, batch * 5000 + 999;
	END LOOP;
END $$;
CALL compare('200 times INSERT of a thousand rows into feedback', '{"without the triggers","with the program"}',
	'{CALL insert_thousands(''feedback''),CALL insert_thousands(''cx_data.feedback'')}',
	'at most 1.35', :rounds, 'TRUNCATE feedback, cx_data.feedback');

-- many rows into an attached table: against the table alone plus the same rows straight into feedback
CALL compare('COPY of a million rows into an attached table', '{"into a bare table","and straight into feedback","into the attached table"}',
	ARRAY['COPY bare FROM ' || quote_literal(:'answers'),
		'COPY cx_data.feedback ' || :'columns' || ' FROM ' || quote_literal(:'feedback'),
		'COPY attached FROM ' || quote_literal(:'answers')],
	'attached at most 8 x bare, and 1.3 x (bare + straight)', :rounds, 'TRUNCATE bare, cx_data.feedback; TRUNCATE attached');
SELECT format('  attached to the sum of the other two: %s', round((percentile_cont(0.5) WITHIN GROUP (ORDER BY ratio))::numeric, 2)) AS sum_ratio
FROM (SELECT max(ms) FILTER (WHERE contender = 3) / sum(ms) FILTER (WHERE contender < 3) AS ratio FROM timing GROUP BY round) AS rounds \gset
\echo :sum_ratio

-- reading: ten million rows of feedback, 50 touchpoints, 90 days, one metric
\echo Making :rows rows of feedback ...
SET session_replication_role = replica;
INSERT INTO cx_data.feedback (customer_id, touchpoint_id, org_unit_id, score, responded_at, metric)
SELECT 1 + i * 7919 % 100000, 1 + (i * 7 % 50), 1 + i / 50 % 10, (i * 31 % 11)::smallint, timestamptz '2026-01-01' + i * (interval '90 days' / :rows), 'nps'
FROM generate_series(1::bigint, :rows) AS i;
RESET session_replication_role;
INSERT INTO cx_data.journey (code) VALUES ('customer');
INSERT INTO cx_data.stage (journey_id, code, position) SELECT 1, 'stage' || i, i FROM generate_series(1, 8) AS i;
UPDATE cx_data.touchpoint SET stage_id = 1 + touchpoint_id % 8;
SELECT cx.publish_journey('customer', '2026-01-01') \gset
CALL cx.rebuild_tallies();
VACUUM (FREEZE, ANALYZE);
SET cx.as_of = '2026-04-01 12:00+00';

-- the figures of touchpoint_score, with the days of each unit's time zone, and without heed of these
CREATE VIEW from_feedback AS
SELECT touchpoint_id, cx.nps_estimate(after) AS value, cx.nps_change(before, after) AS change
FROM (SELECT touchpoint_id, cx.tally(score) FILTER (WHERE responded_at < middle_at) AS before, cx.tally(score) FILTER (WHERE responded_at >= middle_at) AS after
	FROM cx_data.feedback
	JOIN (SELECT org_unit_id, cx.days_ago(56, zone) AS begins_at, cx.days_ago(28, zone) AS middle_at, cx.days_ago(0, zone) AS ends_at
		FROM cx_data.org_unit, cx_data.program, coalesce(org_unit.time_zone, program.time_zone) AS zone OFFSET 0) AS unit USING (org_unit_id)
	WHERE kind = 'survey' AND metric = 'nps' AND responded_at >= begins_at AND responded_at < ends_at
	GROUP BY touchpoint_id) AS tallies;
CREATE VIEW from_feedback_one_zone AS
SELECT touchpoint_id, cx.nps_estimate(after) AS value, cx.nps_change(before, after) AS change
FROM (SELECT touchpoint_id, cx.tally(score) FILTER (WHERE responded_at < '2026-03-04') AS before, cx.tally(score) FILTER (WHERE responded_at >= '2026-03-04') AS after
	FROM cx_data.feedback
	WHERE kind = 'survey' AND metric = 'nps' AND responded_at >= '2026-02-04' AND responded_at < '2026-04-01'
	GROUP BY touchpoint_id) AS tallies;
\set labels '{"the same figures from feedback","in one time zone, bounds written down",touchpoint_score,unit_score,journey_score}'
\set queries '{SELECT * FROM from_feedback,SELECT * FROM from_feedback_one_zone,SELECT * FROM cx_data.touchpoint_score,SELECT * FROM cx_data.unit_score,SELECT * FROM cx_data.journey_score}'
CALL compare('views over ten units', :'labels', :'queries', 'at most 200 ms, and 0.020', :rounds);

-- row security: a manager of all ten units reads as many rows as without it, a manager of five and an agent fewer
UPDATE cx_data.org_unit SET parent_id = 1 WHERE org_unit_id > 1;
UPDATE cx_data.org_unit SET parent_id = 2 WHERE org_unit_id BETWEEN 3 AND 6;
INSERT INTO cx_data.staff (code, org_unit_id, db_role) VALUES ('head', 1, 'cx_bench_head'), ('manager', 2, 'cx_bench_manager'), ('agent', 3, 'cx_bench_agent');
SELECT format('DROP OWNED BY %1$I; DROP ROLE %1$I', rolname) FROM pg_roles WHERE rolname IN ('cx_bench_analyst', 'cx_bench_head', 'cx_bench_manager', 'cx_bench_agent') \gexec
CREATE ROLE cx_bench_analyst;
CREATE ROLE cx_bench_head;
CREATE ROLE cx_bench_manager;
CREATE ROLE cx_bench_agent;
CALL cx.enable_row_security();
CALL cx.grant_access('cx_bench_analyst', 'analyst');
CALL cx.grant_access('cx_bench_head', 'manager');
CALL cx.grant_access('cx_bench_manager', 'manager');
CALL cx.grant_access('cx_bench_agent', 'agent');
CREATE PROCEDURE read_as(reader text, query text) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('SET LOCAL ROLE %I', reader);
	EXECUTE query;
	RESET ROLE;
END $$;
SELECT format('CALL compare(%L, %L, ARRAY[%s], %L, %s)', view || ' with row security', '{without,"for an analyst","for the manager of all ten units","for a manager of five units","for an agent"}',
	(SELECT string_agg(format('%L', format('CALL read_as(%L, %L)', reader, 'SELECT * FROM cx_data.' || view)), ', ' ORDER BY place)
		FROM unnest(ARRAY[current_user::text, 'cx_bench_analyst', 'cx_bench_head', 'cx_bench_manager', 'cx_bench_agent']) WITH ORDINALITY AS r (reader, place)), 'at most 3', :rounds)
FROM unnest('{touchpoint_score,unit_score}'::text[]) AS view \gexec
CALL cx.disable_row_security();
UPDATE cx_data.org_unit SET parent_id = NULL;

-- the same answers counted for one unit
CREATE TABLE hours AS SELECT touchpoint_id, hour, metric, cx.tally(tally) AS tally FROM cx_data.tally_hourly GROUP BY 1, 2, 3;
CREATE TABLE days AS SELECT touchpoint_id, day, metric, cx.tally(tally) AS tally FROM cx_data.tally_daily GROUP BY 1, 2, 3;

-- the map of a journey with 8 stages and all 50 touchpoints: a year has 90 days with answers, then all of them
\set labels_of_map '{"the same tallies from feedback, 28 days","map of the last 28 days","map of 28 days, from and to the hour","map of a year"}'
\set queries_of_map '{"SELECT touchpoint_id, metric, cx.tally(score) FROM cx_data.feedback WHERE responded_at >= ''2026-03-04'' AND responded_at < ''2026-04-01'' GROUP BY 1, 2",SELECT cx.journey_map_svg(''customer''),"SELECT cx.journey_map_svg(''customer'', ''[2026-03-04 10:00+00,2026-04-01 10:00+00)'')","SELECT cx.journey_map_svg(''customer'', ''[2025-04-01 10:00+00,2026-04-01 10:00+00)'')"}'
CALL compare('map of a journey over ten units', :'labels_of_map', :'queries_of_map', 'at most 100 ms', :rounds);
INSERT INTO cx_data.tally_hourly (touchpoint_id, org_unit_id, hour, metric, tally)
SELECT touchpoint_id, org_unit_id, hour - copy * interval '2184 hours', metric, tally FROM cx_data.tally_hourly, generate_series(1, 3) AS copy;
INSERT INTO cx_data.tally_daily (touchpoint_id, org_unit_id, day, metric, tally)
SELECT touchpoint_id, org_unit_id, day - copy * 91, metric, tally FROM cx_data.tally_daily, generate_series(1, 3) AS copy;
VACUUM (FREEZE, ANALYZE) cx_data.tally_hourly, cx_data.tally_daily;
CALL compare('the same, with answers on all days of the year', :'labels_of_map', :'queries_of_map', 'at most 100 ms', :rounds);

TRUNCATE cx_data.tally_hourly, cx_data.tally_daily;
INSERT INTO cx_data.tally_hourly (touchpoint_id, org_unit_id, hour, metric, tally) SELECT touchpoint_id, 1, hour, metric, tally FROM hours;
INSERT INTO cx_data.tally_daily (touchpoint_id, org_unit_id, day, metric, tally) SELECT touchpoint_id, 1, day, metric, tally FROM days;
VACUUM (FREEZE, ANALYZE) cx_data.tally_hourly, cx_data.tally_daily;
CALL compare('map of a journey over one unit', :'labels_of_map', :'queries_of_map', 'at most 100 ms', :rounds);
CALL compare('views over one unit', :'labels', :'queries', 'at most 50 ms, and 0.020', :rounds);

-- deltas: what those not folded yet add to a view, and how long folding takes
CREATE TABLE loose AS
SELECT touchpoint_id, 1::bigint AS org_unit_id, hour, (hour AT TIME ZONE time_zone)::date AS day, metric, '{9:1}'::cx.tally AS added, copy
FROM hours, cx_data.program, generate_series(1, 10) AS copy;
CREATE PROCEDURE toggle_deltas() LANGUAGE plpgsql AS $$
BEGIN
	IF EXISTS (SELECT FROM cx_data.tally_delta) THEN
		TRUNCATE cx_data.tally_delta;
	ELSE
		INSERT INTO cx_data.tally_delta (touchpoint_id, org_unit_id, hour, day, metric, added)
		SELECT touchpoint_id, org_unit_id, hour, day, metric, added FROM loose WHERE copy <= 2 AND hour >= '2026-02-10' LIMIT 100000;
	END IF;
END $$;
CALL compare('touchpoint_score and deltas that are not folded yet', '{"all folded","100,000 deltas"}',
	'{SELECT * FROM cx_data.touchpoint_score,SELECT * FROM cx_data.touchpoint_score}', 'adds at most 40 ms', :rounds, 'CALL toggle_deltas()');
INSERT INTO cx_data.tally_delta (touchpoint_id, org_unit_id, hour, day, metric, added)
SELECT touchpoint_id, org_unit_id, hour, day, metric, added FROM loose LIMIT 1000000;
CALL compare('folding a million deltas', '{"in four parts"}',
	'{"SELECT cx.fold_tallies(part, 4) FROM generate_series(0, 3) AS part"}', 'at most 5,000 ms', least(3, :rounds),
	'INSERT INTO cx_data.tally_delta (touchpoint_id, org_unit_id, hour, day, metric, added) SELECT touchpoint_id, org_unit_id, hour, day, metric, added FROM loose LIMIT 1000000');
