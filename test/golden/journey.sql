-- Golden values of journeys: the states that incidents go through, in a log that
-- numbers its events, against values that an independent program (R) computed
-- from the same file.  None of them is left alone.
-- Run from the folder that holds data/ and golden/; test/t/002_golden.pl does so.
-- Prints TAP.  A count is met exactly, a time or share with a relative error of
-- at most 1e-9 (absolute where it is 0), one that is not there by NULL, and the
-- line says how many values there have to be.

\set ON_ERROR_STOP on
\set QUIET on
\pset tuples_only on
\pset format unaligned
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS cx;
-- the session's clock is none of the functions' business
SET timezone = 'Asia/Tokyo';
SET jit = off;

CREATE TEMP TABLE expectation (sample text, statistic text, value double precision);
CREATE TEMP TABLE computed (occasion text, sample text, statistic text, value double precision);
CREATE TEMP TABLE fact (title text, holds boolean);
\copy expectation FROM 'golden/journey_incidents.csv' CSV HEADER
CREATE TEMP TABLE log (incident integer, seq integer, state text, updated_at timestamp, assignment_group integer);
\copy log FROM PROGRAM 'zcat data/incident_events.csv.gz' CSV HEADER

-- Aggregates know the order within an instant from placed_at: times are of whole
-- seconds and seq goes up to 58, so that whole seconds are the times again.
CREATE TEMP TABLE event AS
SELECT incident, seq, state, at, at + seq * interval '1 microsecond' AS placed_at,
	state = 'New' AND row_number() OVER (PARTITION BY incident, state ORDER BY at, seq) = 1 AS is_entry
FROM log, LATERAL (SELECT updated_at AT TIME ZONE 'UTC') AS utc (at);
ANALYZE event;
\set steps 'SELECT incident AS customer, at, seq, state AS step FROM event'
\set states 'SELECT incident AS customer, at, seq, state FROM event'

-- the last state left open, and until the last event
CREATE TEMP TABLE journey AS
SELECT incident, cx.path(placed_at, state) AS path, cx.time_in_state(state, placed_at, NULL) AS left_open, cx.time_in_state(state, placed_at, last_at) AS until_last
FROM (SELECT *, max(placed_at) OVER (PARTITION BY incident) AS last_at FROM event) AS e GROUP BY incident;

INSERT INTO computed
SELECT 'path', 'incidents', v.*
FROM (SELECT count(*) AS events, count(DISTINCT incident) AS cases, count(DISTINCT state) AS activities FROM journey, unnest(path) AS state) AS s,
	LATERAL (VALUES ('events', events), ('cases', cases), ('activities', activities)) AS v (statistic, value)
UNION ALL
SELECT 'path', 'incidents|activity|' || state, v.*
FROM (SELECT state, count(*) AS events, count(DISTINCT incident) AS cases FROM journey, unnest(path) AS state GROUP BY state) AS s,
	LATERAL (VALUES ('events', events), ('cases', cases)) AS v (statistic, value)
UNION ALL
SELECT 'path', 'incidents|start|' || path[1], 'n', count(*) FROM journey GROUP BY path[1]
UNION ALL
SELECT 'path', 'incidents|end|' || path[cardinality(path)], 'n', count(*) FROM journey GROUP BY path[cardinality(path)];

INSERT INTO computed
SELECT 'transitions', format('incidents|transition|%s>%s', from_step, to_step), v.*
FROM cx.transitions(:'steps', collapse => false), LATERAL (VALUES ('n', count), ('prob', share / 100)) AS v (statistic, value)
UNION ALL
SELECT 'transitions, collapsed', format('incidents|collapsed_transition|%s>%s', from_step, to_step), v.*
FROM cx.transitions(:'steps', collapse => true),
	LATERAL (VALUES ('n', count), ('mean_time', mean_seconds / 3600), ('median_time', median_seconds / 3600)) AS v (statistic, value);

INSERT INTO computed
SELECT 'state_visits', 'incidents|sojourn|' || state, v.*
FROM (SELECT state, count(hours) AS n, avg(hours) AS mean, percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY hours) AS p, sum(hours) AS sum
	FROM (SELECT state, seconds / 3600 AS hours FROM cx.state_visits(:'states') WHERE left_at IS NOT NULL) AS visit GROUP BY state) AS s,
	LATERAL (VALUES ('n', n), ('mean', mean), ('median', p[1]), ('p90', p[2]), ('sum', sum)) AS v (statistic, value);

INSERT INTO computed
SELECT 'time_in_state', 'incidents|sojourn|' || state, v.*
FROM (SELECT t.state, sum(round(seconds)) / 3600 AS hours, sum(entries) - count(*) FILTER (WHERE t.state = path[cardinality(path)]) AS visits_left
	FROM journey, unnest(left_open) AS t GROUP BY t.state) AS s,
	LATERAL (VALUES ('n', visits_left), ('sum', hours)) AS v (statistic, value)
UNION ALL
SELECT 'time_in_state', 'incidents|rework', v.*
FROM (SELECT count(DISTINCT incident) FILTER (WHERE reentries > 0) AS cases, sum(reentries) AS visits FROM journey, unnest(left_open)) AS s,
	LATERAL (VALUES ('cases_with_repeat_visit', cases), ('repeat_visits', visits)) AS v (statistic, value)
UNION ALL
SELECT 'time_in_state', 'incidents|throughput', v.*
FROM (SELECT avg(hours) AS mean, percentile_cont(ARRAY[0.25, 0.5, 0.75, 0.9, 0.95]) WITHIN GROUP (ORDER BY hours) AS p, max(hours) AS max, count(*) FILTER (WHERE hours = 0) AS zero
	FROM (SELECT sum(round(seconds)) / 3600 AS hours FROM journey, unnest(until_last) GROUP BY incident) AS incident) AS s,
	LATERAL (VALUES ('mean', mean), ('p25', p[1]), ('median', p[2]), ('p75', p[3]), ('p90', p[4]), ('p95', p[5]), ('max', max), ('zero', zero)) AS v (statistic, value);

CREATE TEMP TABLE variant AS
SELECT array_to_string(path, '>') AS path, cardinality(path) AS length, count, share, rank FROM cx.path_counts(:'steps', NULL) WITH ORDINALITY AS p (path, count, share, rank);
INSERT INTO computed
SELECT 'path_counts', 'incidents|variants', v.*
FROM (SELECT count(*) AS variants, sum(share) FILTER (WHERE rank = 1) AS top1, sum(share) FILTER (WHERE rank <= 10) AS top10, count(*) FILTER (WHERE count = 1) AS singletons FROM variant) AS s,
	LATERAL (VALUES ('distinct', variants), ('top1_share', top1 / 100), ('top10_share', top10 / 100), ('singletons', singletons)) AS v (statistic, value)
UNION ALL
SELECT 'path_counts', 'incidents|variant|' || path, v.*
FROM variant, LATERAL (VALUES ('n', count), ('rank', rank)) AS v (statistic, value) WHERE rank <= 20;
INSERT INTO fact SELECT 'paths without a limit are not cut off', sum(count * (length - 1)) = (SELECT sum(value) FROM expectation WHERE sample ~ 'collapsed_transition' AND statistic = 'n') FROM variant;

-- The window of the first is longer than the log.  An event at the end of a
-- window still counts, wherever it stands in its instant; the next second does not.
CREATE TEMP TABLE funnel (name text, win interval);
INSERT INTO funnel VALUES ('funnel', '400 days 0.9 seconds'), ('funnel_within_24h', '24 hours 0.9 seconds'), ('funnel_within_168h', '168 hours 0.9 seconds');
CREATE TEMP TABLE customer_funnel AS
SELECT name, incident, cx.window_funnel(win, placed_at, is_entry, state = 'Active', state = 'Resolved', state = 'Closed') AS level,
	cx.funnel_times(win, placed_at, is_entry, state = 'Active', state = 'Resolved', state = 'Closed') AS times
FROM funnel, event GROUP BY name, incident;
CREATE TEMP TABLE funnel_reached AS
SELECT 'window_funnel' AS occasion, name, number, count(*) FILTER (WHERE level >= number) AS reached
FROM customer_funnel, generate_series(1, 4) AS number GROUP BY name, number
UNION ALL
SELECT occasion, name, number, reached
FROM funnel, LATERAL (
		SELECT 'funnel_counts by number', cx.funnel_counts(incident, win, placed_at, is_entry, state = 'Active', state = 'Resolved', state = 'Closed') FROM event
		UNION ALL
		SELECT 'funnel_counts by text', cx.funnel_counts('case ' || incident, win, placed_at, is_entry, state = 'Active', state = 'Resolved', state = 'Closed') FROM event
	) AS c (occasion, counts), unnest(counts) WITH ORDINALITY AS r (reached, number);

CREATE FUNCTION pg_temp.funnel_step(name text, number bigint) RETURNS text LANGUAGE sql
	RETURN format('incidents|%s|step%s=%s', name, number, (ARRAY['New', 'Active', 'Resolved', 'Closed'])[number]);
INSERT INTO computed
SELECT occasion, pg_temp.funnel_step(name, number), v.*
FROM (SELECT *, first_value(reached) OVER onward AS entered, lag(reached) OVER onward AS before FROM funnel_reached WINDOW onward AS (PARTITION BY occasion, name ORDER BY number)) AS s,
	LATERAL (VALUES ('reached', reached), ('conv_from_start', reached::double precision / entered), ('conv_from_prev', reached::double precision / before), ('drop_off', before - reached)) AS v (statistic, value)
UNION ALL
-- these times are microseconds off; medians of whole seconds are of half seconds
SELECT 'funnel', pg_temp.funnel_step(name, number), v.*
FROM (SELECT name, step_number AS number, reached, from_first, from_previous, lag(reached) OVER onward AS before, round(2 * lag(median_seconds) OVER onward) / 2 AS median_seconds
	FROM funnel, LATERAL cx.funnel('SELECT incident AS customer, placed_at AS at, state AS step FROM event WHERE state <> ''New'' OR is_entry',
			ARRAY['New', 'Active', 'Resolved', 'Closed'], win, '2020-01-01 00:00+00') AS f
	WINDOW onward AS (PARTITION BY name ORDER BY step_number)) AS s,
	LATERAL (VALUES ('reached', reached), ('conv_from_start', from_first / 100), ('conv_from_prev', from_previous / 100), ('drop_off', before - reached),
		('median_time_from_prev', median_seconds / 3600)) AS v (statistic, value)
WHERE number > 1 OR statistic <> 'median_time_from_prev'
UNION ALL
SELECT 'funnel_times', pg_temp.funnel_step(name, number), v.*
FROM (SELECT name, number, percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY hours) AS p, avg(hours) AS mean
	FROM customer_funnel, generate_series(2, 4) AS number,
		LATERAL (SELECT extract(epoch FROM date_trunc('second', times[number]) - date_trunc('second', times[number - 1]))::double precision / 3600) AS t (hours)
	GROUP BY name, number) AS s,
	LATERAL (VALUES ('median_time_from_prev', p[1]), ('mean_time_from_prev', mean), ('p90_time_from_prev', p[2])) AS v (statistic, value);
INSERT INTO fact SELECT 'a customer has as many funnel_times as steps in window_funnel', count(*) = 44667 AND bool_and(cardinality(times) = level) FROM customer_funnel;

CREATE TEMP TABLE comparison AS
SELECT occasion, c.sample || '|' || c.statistic AS statistic, c.value AS ours, e.value AS golden, e.sample IS NOT NULL AS found,
	c.statistic IN ('events', 'cases', 'activities', 'n', 'rank', 'distinct', 'singletons', 'cases_with_repeat_visit', 'repeat_visits', 'zero', 'reached', 'drop_off') AS is_count
FROM computed AS c LEFT JOIN expectation AS e ON (e.sample, e.statistic) = (c.sample, c.statistic);
INSERT INTO fact SELECT 'no value of journey_incidents.csv is left out', count(*) = 385 AND bool_and(EXISTS (SELECT FROM comparison AS c WHERE c.statistic = e.sample || '|' || e.statistic))
FROM expectation AS e;

-- What paths say of their first steps, a funnel of these steps says as well: the
-- customers that reach step k are those of all paths shown that begin like it.
CREATE TEMP TABLE run AS
SELECT incident, placed_at, state, state_before IS NULL AS is_first
FROM (SELECT *, lag(state) OVER (PARTITION BY incident ORDER BY at, seq) AS state_before FROM event) AS e WHERE state_before IS DISTINCT FROM state;
CREATE TEMP TABLE shown AS SELECT path, count FROM cx.path_counts(:'steps', 4, true);
INSERT INTO comparison
SELECT 'funnel_counts along shown paths', format('%s, step %s', array_to_string(p.path, '>'), k), reached[k], (SELECT sum(s.count) FROM shown AS s WHERE s.path[:k] = p.path[:k]), true, true
FROM shown AS p,
	LATERAL (SELECT cx.funnel_counts(incident, '400 days', 'strict_order', placed_at, is_first AND state = path[1], state = path[2], state = path[3], state = path[4]) FROM run) AS f (reached),
	generate_series(1, cardinality(path)) AS k;

ALTER TABLE comparison ADD met boolean;
UPDATE comparison SET met = found AND CASE WHEN golden IS NULL THEN ours IS NULL WHEN is_count THEN ours = golden
	ELSE abs(ours - golden) <= 1e-9 * CASE golden WHEN 0 THEN 1 ELSE abs(golden) END END IS TRUE;
CREATE TEMP TABLE wanted (occasion text, wanted integer);
INSERT INTO wanted VALUES ('path', 25), ('transitions', 86), ('transitions, collapsed', 105), ('state_visits', 40), ('time_in_state', 26), ('path_counts', 44),
	('window_funnel', 48), ('funnel_counts by number', 48), ('funnel_counts by text', 48), ('funnel', 57), ('funnel_times', 27), ('funnel_counts along shown paths', 312);
INSERT INTO fact SELECT 'every comparison is one of those wanted', bool_and(occasion IN (SELECT w.occasion FROM wanted AS w)) FROM comparison;
SELECT '1..' || (SELECT count(*) FROM wanted) + (SELECT count(*) FROM fact);
SELECT format('%s - journeys, %s: %s of %s values met', CASE WHEN count(*) = wanted AND count(DISTINCT statistic) = wanted AND bool_and(met) THEN 'ok' ELSE 'not ok' END,
	occasion, count(*) FILTER (WHERE met), wanted)
FROM wanted LEFT JOIN comparison USING (occasion)
GROUP BY occasion, wanted ORDER BY occasion;
SELECT CASE WHEN holds THEN 'ok - ' ELSE 'not ok - ' END || title FROM fact;
SELECT format('# %s, %s: expected %s, got %s', occasion, statistic, CASE WHEN found THEN coalesce(golden::text, 'NULL') ELSE 'nothing' END, coalesce(ours::text, 'NULL'))
FROM comparison WHERE NOT met ORDER BY occasion, statistic LIMIT 40;
