-- What the views promise, in sentences.
BEGIN;
SELECT plan(23);
SET extra_float_digits = 0;
SET timezone = 'UTC';
CALL cx.create_program('Europe/Berlin');

-- six digits; the shift keeps halves from rounding now up, now down
CREATE FUNCTION pg_temp.six(double precision) RETURNS numeric LANGUAGE sql RETURN round(($1 + 1e-9)::numeric, 6);

-- for BI tools

SELECT is_empty($$SELECT relname FROM pg_class WHERE relnamespace = 'cx_data'::regnamespace AND relkind = 'v' AND obj_description(oid, 'pg_class') IS NULL$$,
	'every view says what it is');
SELECT is_empty($$SELECT attrelid::regclass, attname FROM pg_attribute JOIN pg_class AS c ON c.oid = attrelid
	WHERE relnamespace = 'cx_data'::regnamespace AND relkind = 'v' AND col_description(attrelid, attnum) IS NULL$$,
	'so does every column');
SELECT is_empty($$SELECT attrelid::regclass, attname FROM pg_attribute JOIN pg_class AS c ON c.oid = attrelid
	WHERE relnamespace = 'cx_data'::regnamespace AND relkind = 'v'
		AND NOT atttypid = ANY ('{bigint,integer,double precision,text,boolean,date,timestamptz}'::regtype[])
		AND NOT (atttypid = 'cx.tally'::regtype AND relname LIKE 'tally\_%')$$,
	'columns have types that every BI tool knows, but for the tallies of the tally views');
SELECT is_empty($$SELECT relname FROM pg_class WHERE relnamespace = 'cx_data'::regnamespace AND relkind = 'v' AND NOT 'security_invoker=true' = ANY (coalesce(reloptions, '{}'))$$,
	'views show what the tables show to whoever asks');
SELECT is_empty($$SELECT c.relname FROM pg_class AS c JOIN pg_attribute AS a ON attrelid = c.oid
	WHERE relnamespace = 'cx_data'::regnamespace AND relkind = 'v' AND relname LIKE '%\_daily' AND relname NOT LIKE 'tally\_%'
	GROUP BY c.relname HAVING NOT array_agg(attname || ' ' || atttypid::regtype) @> '{day date,starts_at timestamp with time zone}'$$,
	'daily views have the day as a date and as a time');

-- against plain SQL over the feedback: 20,000 rows of 250 days, in three time zones, over both changes of the clock
-- (what capturing does is not tested here, so the tallies are counted by hand)

SET LOCAL session_replication_role = replica;
INSERT INTO cx_data.org_unit (org_unit_id, parent_id, code, time_zone) VALUES
	(1, NULL, 'group', NULL), (2, 1, 'asia', 'Asia/Kolkata'), (3, 2, 'delhi', 'Asia/Kolkata'), (4, 1, 'americas', 'America/New_York'), (5, 4, 'office', NULL), (6, NULL, 'other', NULL);
INSERT INTO cx_data.journey (journey_id, code) VALUES (1, 'join'), (2, 'use');
INSERT INTO cx_data.stage (stage_id, journey_id, code, position, weight) SELECT i, 1 + i % 2, 'stage' || i, i, i FROM generate_series(1, 4) AS i;
INSERT INTO cx_data.touchpoint (touchpoint_id, stage_id, code, position, weight) SELECT i, nullif(i % 5, 0), 'touchpoint' || i, i, 0.5 + i % 3 FROM generate_series(1, 20) AS i;
INSERT INTO cx_data.journey_version (journey_id, version, published_at, definition) SELECT journey_id, 1, '2020-01-01', cx.journey_definition(code) FROM cx_data.journey;

SELECT setseed(0.42);
CREATE TEMP TABLE draw AS
SELECT nullif(floor(21 * power(random(), 1.5))::int, 0) AS touchpoint_id, nullif(floor(7 * random())::int, 0) AS org_unit_id,
	'2026-03-01 00:00Z'::timestamptz + random() * interval '6000 hours' AS responded_at,
	('{survey,survey,survey,survey,survey,survey,social}'::text[])[1 + floor(7 * random())] AS kind,
	('{nps,csat,thumbs,ces,effort5}'::text[])[1 + floor(5 * random())] AS metric, random() AS opinion
FROM generate_series(1, 20000);
INSERT INTO cx_data.feedback (touchpoint_id, org_unit_id, responded_at, kind, metric, score)
SELECT touchpoint_id, org_unit_id, responded_at, d.kind, metric, scale_min + nullif(round((scale_max - scale_min) * power(opinion, 0.7)), 1)
FROM draw AS d JOIN cx_data.metric AS m ON m.code = metric;

CREATE TEMP TABLE answer AS
SELECT feedback_id, touchpoint_id, org_unit_id, metric, score, zone, (responded_at AT TIME ZONE zone)::date AS day, date_trunc('hour', responded_at, zone) AS hour,
	m.kind AS formula, m.satisfied_from,
	CASE m.kind	-- so that the score is a mean of points
		WHEN 'nps' THEN CASE WHEN score >= 9 THEN 100 WHEN score <= 6 THEN -100 ELSE 0 END
		WHEN 'csat' THEN CASE WHEN score >= satisfied_from THEN 100 ELSE 0 END
		ELSE score END AS points,
	100.0 * CASE WHEN lower_is_better THEN scale_max - score ELSE score - scale_min END / (scale_max - scale_min) AS experience
FROM cx_data.feedback AS f
JOIN cx_data.metric AS m ON m.code = metric
LEFT JOIN cx_data.org_unit AS u USING (org_unit_id)
CROSS JOIN LATERAL coalesce(time_zone, 'Europe/Berlin') AS zone
WHERE f.kind = 'survey' AND score IS NOT NULL;

-- a third is not folded in yet; at seven o'clock two answers more were counted and removed
INSERT INTO cx_data.tally_hourly (touchpoint_id, org_unit_id, hour, metric, tally)
SELECT touchpoint_id, org_unit_id, hour, metric, cx.tally(score) FROM answer WHERE feedback_id % 3 > 0 GROUP BY 1, 2, 3, 4;
INSERT INTO cx_data.tally_delta (touchpoint_id, org_unit_id, hour, day, metric, added)
SELECT touchpoint_id, org_unit_id, hour, day, metric, cx.tally(score) FROM answer WHERE feedback_id % 3 = 0 GROUP BY 1, 2, 3, 4, 5, feedback_id % 2;
UPDATE cx_data.tally_hourly SET tally = tally OPERATOR(cx.+) '{1:2}' WHERE extract(hour FROM hour) = 7;
INSERT INTO cx_data.tally_delta (touchpoint_id, org_unit_id, hour, day, metric, removed)
SELECT touchpoint_id, org_unit_id, hour, (hour AT TIME ZONE coalesce(time_zone, 'Europe/Berlin'))::date, metric, '{1:2}'
FROM cx_data.tally_hourly LEFT JOIN cx_data.org_unit USING (org_unit_id) WHERE extract(hour FROM hour) = 7;
INSERT INTO cx_data.tally_daily (touchpoint_id, org_unit_id, day, metric, tally)
SELECT touchpoint_id, org_unit_id, (hour AT TIME ZONE coalesce(time_zone, 'Europe/Berlin'))::date, metric, cx.tally(tally)
FROM cx_data.tally_hourly LEFT JOIN cx_data.org_unit USING (org_unit_id) GROUP BY 1, 2, 3, 4;

SELECT results_eq('SELECT touchpoint_id, org_unit_id, hour, metric, tally FROM cx_data.tally_live ORDER BY 1, 2, 3, 4',
	'SELECT touchpoint_id, org_unit_id, hour, metric, cx.tally(score) FROM answer GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4',
	'tally_live holds each answer once');
SELECT results_eq('SELECT day, touchpoint_id, metric, pg_temp.six(value), responses FROM cx_data.touchpoint_daily ORDER BY 1, 2, 3',
	'SELECT day, touchpoint_id, metric, pg_temp.six(avg(points)), count(*) FROM answer GROUP BY 1, 2, 3 ORDER BY 1, 2, 3',
	'touchpoint_daily is the mean of the points by touchpoint and local day');
SELECT results_eq('SELECT day, org_unit_id, metric, pg_temp.six(value), responses FROM cx_data.unit_daily ORDER BY 1, 2, 3',
	'SELECT day, org_unit_id, metric, pg_temp.six(avg(points)), count(*) FROM answer GROUP BY 1, 2, 3 ORDER BY 1, 2, 3',
	'unit_daily is that by unit');

-- it is a day later in India
SET cx.as_of = '2026-04-20 20:00Z';
CREATE TEMP TABLE recent AS
SELECT *, today - day <= 28 AS after
FROM answer CROSS JOIN LATERAL (SELECT (cx.as_of() AT TIME ZONE zone)::date) AS t (today)
WHERE today - day BETWEEN 1 AND 56;
SELECT is(count(DISTINCT today)::int, 2, 'it is two days at once') FROM recent;

CREATE FUNCTION pg_temp.scored(unit boolean) RETURNS TABLE (id bigint, metric text, value numeric, responses bigint, value_before numeric, responses_before bigint, change numeric, p_value numeric)
LANGUAGE sql AS $$
	SELECT id, metric, pg_temp.six(avg(points) FILTER (WHERE after)), count(*) FILTER (WHERE after),
		pg_temp.six(avg(points) FILTER (WHERE NOT after)), count(*) FILTER (WHERE NOT after),
		pg_temp.six(avg(points) FILTER (WHERE after) - avg(points) FILTER (WHERE NOT after)),
		pg_temp.six((cx.change_of(formula, satisfied_from, cx.tally(score) FILTER (WHERE NOT after), cx.tally(score) FILTER (WHERE after))).p_value)
	FROM (SELECT touchpoint_id AS id, * FROM recent WHERE NOT unit
		UNION ALL
		SELECT top, recent.* FROM (VALUES (1, 1), (1, 2), (1, 3), (1, 4), (1, 5), (2, 2), (2, 3), (3, 3), (4, 4), (4, 5), (5, 5), (6, 6), (NULL, NULL)) AS subtree (top, below)
		JOIN recent ON org_unit_id IS NOT DISTINCT FROM below WHERE unit) AS t
	GROUP BY id, metric, formula, satisfied_from ORDER BY id, metric
$$;
SELECT results_eq('SELECT touchpoint_id, metric, pg_temp.six(value), responses, pg_temp.six(value_before), responses_before, pg_temp.six(change), pg_temp.six(p_value)
	FROM cx_data.touchpoint_score ORDER BY 1, 2', 'SELECT * FROM pg_temp.scored(unit => false)',
	'touchpoint_score is the mean of the points of the last 28 full days and of the 28 before');
SELECT results_eq('SELECT org_unit_id, metric, pg_temp.six(value), responses, pg_temp.six(value_before), responses_before, pg_temp.six(change), pg_temp.six(p_value)
	FROM cx_data.unit_score ORDER BY 1, 2', 'SELECT * FROM pg_temp.scored(unit => true)',
	'unit_score is that of a unit and all below it');

CREATE TEMP VIEW adjusted AS	-- Benjamini and Hochberg: the least p x tests / rank of those no smaller
SELECT touchpoint_id, metric, least(1, min(p_value * tests / rank) OVER (PARTITION BY metric ORDER BY p_value DESC)) AS q_value
FROM (SELECT *, rank() OVER (PARTITION BY metric ORDER BY p_value) AS rank, count(*) OVER (PARTITION BY metric) AS tests
	FROM cx_data.touchpoint_score WHERE least(responses, responses_before) >= 30) AS t;
SELECT results_eq('SELECT touchpoint_id, metric, pg_temp.six(q_value) FROM cx_data.touchpoint_score WHERE q_value IS NOT NULL ORDER BY 1, 2',
	'SELECT touchpoint_id, metric, pg_temp.six(q_value) FROM adjusted ORDER BY 1, 2',
	'q_value is the p-value adjusted within the metric, over those with enough answers');
SELECT is_empty($$SELECT FROM cx_data.touchpoint_score WHERE significant <> (coalesce(q_value, 1) < 0.05) OR significant <> (verdict IN ('better', 'worse'))
	OR (verdict = 'too few') <> (least(responses, responses_before) < 30)$$, 'significant and verdict agree with it');
SELECT cmp_ok(count(DISTINCT verdict)::int, '>=', 2, 'there are verdicts of several kinds') FROM cx_data.touchpoint_score;

SELECT results_eq('SELECT touchpoint_id, pg_temp.six(value), pg_temp.six(lower), responses FROM cx_data.emotion_curve ORDER BY 1',
	'SELECT touchpoint_id, pg_temp.six(avg(experience)), pg_temp.six(avg(experience) - 1.959963984540054 * stddev_samp(experience) / sqrt(count(*))), count(*)
	FROM recent WHERE after AND touchpoint_id % 5 > 0 GROUP BY 1 ORDER BY 1',
	'emotion_curve is the mean experience of all answers to a touchpoint');

CREATE FUNCTION pg_temp.staged(daily boolean, enough integer) RETURNS TABLE (day date, journey_id bigint, stage_id bigint, value double precision, std_error double precision, responses bigint, touchpoint_count bigint)
LANGUAGE sql AS $$
	WITH t AS (
		SELECT CASE WHEN daily THEN day END AS day, touchpoint_id, avg(experience) AS value, stddev_samp(experience) / sqrt(count(*)) AS std_error, count(*) AS n
		FROM answer LEFT JOIN (SELECT feedback_id, after FROM recent) AS r USING (feedback_id) WHERE daily OR after GROUP BY 1, 2
	)
	SELECT t.day, s.journey_id, stage_id, sum(p.weight * t.value) / sum(p.weight), sqrt(sum((p.weight * std_error) ^ 2)) / sum(p.weight), sum(n), count(*)
	FROM t JOIN cx_data.touchpoint AS p USING (touchpoint_id) JOIN cx_data.stage AS s USING (stage_id) WHERE n >= enough GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
$$;
SELECT results_eq('SELECT journey_id, stage_id, pg_temp.six(value), pg_temp.six(lower), responses, touchpoint_count FROM cx_data.stage_score ORDER BY 1, 2',
	'SELECT journey_id, stage_id, pg_temp.six(value), pg_temp.six(value - 1.959963984540054 * std_error), responses, touchpoint_count FROM pg_temp.staged(false, 30)',
	'stage_score is the weighted mean of the touchpoints with enough answers');
SELECT results_eq('SELECT journey_id, pg_temp.six(value), pg_temp.six(upper), responses, stage_count FROM cx_data.journey_score ORDER BY 1',
	'SELECT t.journey_id, pg_temp.six(sum(s.weight * value) / sum(s.weight)),
		pg_temp.six(sum(s.weight * value) / sum(s.weight) + 1.959963984540054 * sqrt(sum((s.weight * std_error) ^ 2)) / sum(s.weight)), sum(responses)::bigint, count(*)
	FROM pg_temp.staged(false, 30) AS t JOIN cx_data.stage AS s USING (stage_id) GROUP BY 1 ORDER BY 1',
	'journey_score is the weighted mean of its stages');
SET cx.min_responses = 3;
-- (a worker, or compiling, for each call of an aggregate's function would only take time where these are forced)
SET max_parallel_workers_per_gather = 0;
SET jit = off;
SELECT results_eq('SELECT day, journey_id, stage_id, pg_temp.six(value), responses, touchpoint_count FROM cx_data.stage_daily WHERE value IS NOT NULL ORDER BY 1, 2, 3',
	'SELECT day, journey_id, stage_id, pg_temp.six(value), responses, touchpoint_count FROM pg_temp.staged(true, 3)',
	'stage_daily is that day by day');
SELECT results_eq('SELECT day, journey_id, pg_temp.six(value), responses, stage_count FROM cx_data.journey_daily WHERE value IS NOT NULL ORDER BY 1, 2',
	'SELECT day, t.journey_id, pg_temp.six(sum(s.weight * value) / sum(s.weight)), sum(responses)::bigint, count(*)
	FROM pg_temp.staged(true, 3) AS t JOIN cx_data.stage AS s USING (stage_id) GROUP BY 1, 2 ORDER BY 1, 2',
	'so is journey_daily');
RESET cx.min_responses;
RESET max_parallel_workers_per_gather;
RESET jit;

-- false alarms: 1,000 simulations of 50 touchpoints whose customers never change their minds
-- (each simulation is a metric of its own, for these are judged apart)

TRUNCATE cx_data.tally_daily, cx_data.tally_delta;
INSERT INTO cx_data.metric (code, kind, scale_min, scale_max) SELECT 'simulation' || i, 'nps', 0, 10 FROM generate_series(1, 1000) AS i;
INSERT INTO cx_data.tally_daily (touchpoint_id, metric, day, tally)
SELECT touchpoint_id, 'simulation' || simulation, day, cx.tally(CASE WHEN opinion < 0.1 + 0.005 * touchpoint_id THEN 3 WHEN opinion < 0.4 + 0.005 * touchpoint_id THEN 8 ELSE 10 END)
FROM (
	SELECT 1 + i % 50 AS touchpoint_id, 1 + i / 50 % 1000 AS simulation, CASE WHEN i / 50000 % 2 = 0 THEN '2026-03-10'::date ELSE '2026-04-10' END AS day, random() AS opinion
	FROM generate_series(0, 50 * 1000 * 2 * 60 - 1) AS i
) AS t GROUP BY 1, 2, 3;
CREATE TEMP TABLE simulation AS SELECT metric, bool_or(significant) AS false_alarm, bool_or(p_value < 0.05) AS unadjusted, count(*) AS touchpoints FROM cx_data.touchpoint_score GROUP BY metric;
SELECT is(count(*)::int, 1000, 'each simulation compares 50 touchpoints') FROM simulation WHERE touchpoints = 50;
SELECT cmp_ok(count(*)::int, '>', 500, 'without adjustment most simulations give a false alarm') FROM simulation WHERE unadjusted;
SELECT cmp_ok(count(*)::int, '<=', 60, 'with it at most 6 % give one') FROM simulation WHERE false_alarm;
-- and a true change is found: ten points of fifty
UPDATE cx_data.tally_daily SET tally = tally OPERATOR(cx.+) '{3:60}' WHERE touchpoint_id = 7 AND day > '2026-04-01';
SELECT cmp_ok(count(*)::int, '>', 950, 'a touchpoint that got much worse is found among the 50') FROM cx_data.touchpoint_score WHERE touchpoint_id = 7 AND verdict = 'worse';

SELECT * FROM finish();
ROLLBACK;
