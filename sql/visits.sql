-- visits, paths and transitions of the events that a query gives
SET timezone = 'UTC';
SET extra_float_digits = 0;
SET jit = off;

-- the columns of a query, which does not run
SELECT cx.query_columns('SELECT 1 / 0 AS customer, now() AS at, ''x'' AS "Step" ORDER BY random()'), cx.query_columns('VALUES (1, 2);'), cx.query_columns('SELECT') AS none;
SELECT cx.query_columns('WITH a AS (SELECT 1 AS x) SELECT x, x AS y FROM a UNION ALL VALUES (1, 2) -- done', 'y', 'x');
SELECT cx.query_columns('SELECT 1 AS a', VARIADIC NULL) AS nothing_needed;
SELECT cx.query_subselect('SELECT 1'), cx.query_subselect('SELECT '';'' /* ; */ ; -- done;'), cx.query_subselect('(SELECT 1) -- done');
SELECT cx.seconds_between('2026-01-01 00:00:00.25', '2026-01-02'), cx.seconds_between('2026-01-02', '2026-01-01'), cx.seconds_between('4714-11-24 BC', '294276-12-31 23:59:59') AS all_time, cx.seconds_between(now(), NULL) AS unknown;

-- worked by hand: a ticket that is opened, waits twice and is solved, and one that still waits
CREATE TABLE ticket_log (ticket integer, at timestamptz, state text, seq integer);
INSERT INTO ticket_log VALUES
	(1, '2026-05-01 10:00', 'open', 1), (1, '2026-05-01 11:00', 'waiting', 2), (1, '2026-05-01 11:30', 'waiting', 3), (1, '2026-05-01 13:00', 'open', 4),
	(1, '2026-05-01 13:00', 'waiting', 5), (1, '2026-05-01 14:00:00.5', 'solved', 6),
	(2, '2026-05-02 08:00', 'open', 1), (2, '2026-05-02 09:00', 'waiting', 2),
	(NULL, '2026-05-02 09:00', 'open', 1), (3, NULL, 'open', 1), (3, '2026-05-02 09:00', NULL, 1);
SELECT * FROM cx.state_visits('SELECT ticket AS customer, at, state, seq FROM ticket_log');
SELECT * FROM cx.state_visits('SELECT ticket AS customer, at, state, seq FROM ticket_log;', '2026-05-02 10:00');
-- what comes after as_of has not happened, what comes then has
SELECT * FROM cx.state_visits('SELECT ticket AS customer, at, state, seq FROM ticket_log -- all', '2026-05-01 11:30');
SELECT * FROM cx.state_visits('SELECT ticket AS customer, at, state, seq FROM ticket_log WHERE ticket = 1', '2026-05-01 11:00');
-- without seq the bytes of the state order an instant; backwards with another one
SELECT state, visit, seconds FROM cx.state_visits('SELECT ticket AS customer, at, state FROM ticket_log WHERE ticket = 1');
SELECT state, visit, seconds FROM cx.state_visits('SELECT ticket AS customer, timestamptz ''2026-05-01'' AS at, state, clock_timestamp() AS seq FROM ticket_log WHERE ticket = 2');
SELECT state FROM cx.state_visits('SELECT ticket AS customer, date ''2026-05-01'' AS at, state, -seq AS seq FROM ticket_log WHERE ticket = 2');
-- customers and states of other types: each by its own equality
CREATE TYPE mood AS ENUM ('low', 'high');
SELECT * FROM cx.state_visits('SELECT * FROM (VALUES (1.0, ''2026-01-01''::timestamp, ''low''::mood), (1.00, ''2026-01-02'', ''high''), (2, ''2026-01-03'', ''high'')) AS v (customer, at, state)', '2026-01-04');
SELECT customer, state FROM cx.state_visits('SELECT ROW(1, NULL::integer, x) AS customer, now() AS at, x AS state FROM unnest(ARRAY[''"quoted"'', '''', U&''\00FCber'']) AS x') ORDER BY customer COLLATE "C";

-- paths: three customers, one of whom came twice
CREATE TABLE step_log (customer text, at timestamptz, step text);
INSERT INTO step_log VALUES
	('ann', '2026-05-01 10:00', 'home'), ('ann', '2026-05-01 10:01', 'item'), ('ann', '2026-05-01 10:02', 'item'), ('ann', '2026-05-01 10:05', 'cart'),
	('bob', '2026-05-01 10:00', 'home'), ('bob', '2026-05-01 10:01', 'item'), ('bob', '2026-05-01 10:02', 'cart'),
	('cyd', '2026-05-01 10:00', 'home'), ('cyd', '2026-05-01 10:10', 'home'), ('dan', NULL, 'home'), (NULL, '2026-05-01 10:00', 'home'), ('eve', '2026-05-01 10:00', NULL);
SELECT * FROM cx.path_counts('TABLE step_log');
SELECT * FROM cx.path_counts('TABLE step_log', collapse => false);
SELECT * FROM cx.path_counts('SELECT * FROM step_log', 1);
SELECT * FROM cx.path_counts('SELECT customer, date_trunc(''day'', at) AS at, step, at AS seq FROM step_log', NULL, false) WHERE share < 50;
-- worked by hand: home to item twice, after 60 s; item to cart after 240 s and 60 s, or 180 s from the second item
SELECT * FROM cx.transitions('SELECT * FROM step_log');
SELECT * FROM cx.transitions('SELECT * FROM step_log', collapse => false);
-- nothing
SELECT count(*) FROM cx.state_visits('SELECT ticket AS customer, at, state FROM ticket_log WHERE false');
SELECT count(*) FROM cx.path_counts('SELECT * FROM step_log WHERE false');
SELECT count(*) FROM cx.transitions('SELECT * FROM step_log WHERE customer = ''cyd''');

-- plain SQL definitions on random data agree; few instants, so many ties, which seq orders
SELECT setseed(0.6);
CREATE TABLE random_log AS
SELECT (random() * 200)::integer AS customer, timestamptz '2026-01-01' + floor(random() * 40) * interval '100 seconds' AS at,
	(ARRAY['home', 'item', 'Item', 'cart', '', NULL])[1 + floor(random() * random() * 6)] AS step, floor(random() * 3) AS seq
FROM generate_series(1, 8000);
-- the events as a list in order, by a different way: a self-join with the next one
CREATE VIEW random_event AS
SELECT *, row_number() OVER (ORDER BY customer, at, seq, step COLLATE "C") AS place FROM random_log WHERE step IS NOT NULL;
CREATE VIEW random_run AS
SELECT *, row_number() OVER (ORDER BY place) AS run FROM random_event AS e
WHERE NOT EXISTS (SELECT FROM random_event AS b WHERE b.place = e.place - 1 AND b.customer = e.customer AND b.step = e.step);
CREATE TEMP TABLE event AS SELECT customer, at, step, place FROM random_event;
CREATE TEMP TABLE run AS SELECT customer, at, step, run AS place FROM random_run;
CREATE FUNCTION pg_temp.differences(plain text, ours text) RETURNS TABLE (missing bigint, wrong bigint, results bigint) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format('WITH plain AS MATERIALIZED (%s), ours AS MATERIALIZED (%s)
		SELECT (SELECT count(*) FROM (TABLE plain EXCEPT ALL TABLE ours) AS m), (SELECT count(*) FROM (TABLE ours EXCEPT ALL TABLE plain) AS w), (SELECT count(*) FROM ours)', plain, ours);
END
$$;
SELECT given, d.* FROM (VALUES ('event', false), ('run', true)) AS v (given, collapse) CROSS JOIN LATERAL pg_temp.differences(
	format('SELECT a.step, b.step, count(*), round(avg(extract(epoch FROM b.at - a.at)), 6), percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM b.at - a.at)::float8)
		FROM %1$I AS a JOIN %1$I AS b ON b.customer = a.customer AND b.place = a.place + 1 GROUP BY 1, 2', given),
	format('SELECT from_step, to_step, count, round(mean_seconds::numeric, 6), median_seconds FROM cx.transitions(''SELECT * FROM random_log'', %L)', collapse)) AS d;
SELECT count(*) AS transitions, bool_and(abs(by_step - 100) < 1e-9) AS shares FROM (SELECT sum(share) OVER (PARTITION BY from_step) AS by_step FROM cx.transitions('SELECT * FROM random_log', false)) AS t;
SELECT * FROM pg_temp.differences(
	$$SELECT a.customer::text, a.step, a.at, coalesce(b.at, '2026-01-02'), extract(epoch FROM coalesce(b.at, '2026-01-02') - a.at)::float8,
		(SELECT count(*) FROM run AS r WHERE r.customer = a.customer AND r.step = a.step AND r.place <= a.place)
		FROM run AS a LEFT JOIN run AS b ON b.customer = a.customer AND b.place = a.place + 1$$,
	$$SELECT * FROM cx.state_visits('SELECT customer, at, step AS state, seq FROM random_log', '2026-01-02')$$);
SELECT given, d.* FROM (VALUES ('event', false), ('run', true)) AS v (given, collapse) CROSS JOIN LATERAL pg_temp.differences(
	format('SELECT path, count(*), round(count(*) * 100.0 / (SELECT count(DISTINCT customer) FROM event), 9)
		FROM (SELECT customer, (array_agg(step ORDER BY place))[:3] AS path FROM %I GROUP BY customer) AS p GROUP BY path', given),
	format('SELECT path, count, round(share::numeric, 9) FROM cx.path_counts(''SELECT * FROM random_log'', 3, %L)', collapse)) AS d;
-- the order of the results
SELECT count(*) FILTER (WHERE ordinality <> place) AS misplaced FROM (SELECT ordinality, row_number() OVER (ORDER BY count DESC, path COLLATE "C") AS place FROM cx.path_counts('SELECT * FROM random_log', 2) WITH ORDINALITY) AS p;
SELECT count(*) FILTER (WHERE ordinality <> place) AS misplaced FROM (SELECT ordinality, row_number() OVER (ORDER BY from_step COLLATE "C", to_step COLLATE "C") AS place FROM cx.transitions('SELECT * FROM random_log') WITH ORDINALITY) AS t;
SELECT count(*) FILTER (WHERE ordinality <> place) AS misplaced FROM (SELECT ordinality, row_number() OVER (ORDER BY customer::integer, entered_at, left_at, ordinality) AS place FROM cx.state_visits('SELECT customer, at, step AS state, seq FROM random_log', '2026-01-02') WITH ORDINALITY) AS v;
-- one customer with 200,000 events
SELECT count(*), sum(seconds), max(visit) FROM cx.state_visits('SELECT 1 AS customer, timestamptz ''2026-01-01'' - i * interval ''1 second'' AS at, i / 10 % 2 AS state FROM generate_series(1, 200000) AS i', '2026-01-01');
SELECT from_step, to_step, count, mean_seconds FROM cx.transitions('SELECT 1 AS customer, timestamptz ''2026-01-01'' - i * interval ''1 second'' AS at, i / 10 % 2 AS step FROM generate_series(1, 200000) AS i');

-- the query sees what the caller sees, and its tables are found along his search_path
CREATE SCHEMA cx_regress_path;
CREATE TABLE cx_regress_path.own_log AS SELECT 'ann' AS customer, timestamptz '2026-01-01' AS at, 'home' AS step;
CREATE TEMP TABLE temporary_log AS TABLE cx_regress_path.own_log;
SELECT count(*) FROM cx.path_counts('TABLE temporary_log');
SET search_path = cx_regress_path;
SELECT count(*) FROM cx.path_counts('TABLE own_log');
RESET search_path;
\set SHOW_CONTEXT never
SELECT count(*) FROM cx.path_counts('TABLE own_log');
CREATE ROLE cx_regress_reader;
SET ROLE cx_regress_reader;
SELECT count(*) FROM cx.path_counts('TABLE step_log');
RESET ROLE;
DROP ROLE cx_regress_reader;

-- what it refuses
\set VERBOSITY terse
SELECT cx.query_columns(NULL);
SELECT cx.query_columns('');
SELECT cx.query_columns(' -- nothing');
SELECT cx.query_columns('SELECT 1; SELECT 2');
SELECT cx.query_columns('INSERT INTO step_log DEFAULT VALUES RETURNING customer, at, step');
SELECT cx.query_columns('WITH a AS (DELETE FROM step_log RETURNING *) SELECT * FROM a');
SELECT cx.query_columns('SELECT 1 AS a INTO made');
SELECT cx.query_columns('EXPLAIN SELECT 1');
SELECT cx.query_subselect('DROP TABLE step_log');
SELECT cx.query_subselect('SELECT 1) AS given; DROP TABLE step_log; SELECT (1');
SELECT cx.query_columns('SELECT $1 AS customer');
SELECT cx.seconds_between('infinity', now());
\set VERBOSITY default
SELECT cx.query_columns('SELECT 1 AS a; SELECT 2');
SELECT cx.query_columns('SELECT customer, nobody FROM step_log');
SELECT cx.query_columns('SELECT customer FROM step_log WHERE');
SELECT cx.query_columns('SELECT 1 AS a', 'b');
SELECT * FROM cx.state_visits('SELECT customer, at, step FROM step_log');
SELECT * FROM cx.path_counts('SELECT customer, step FROM step_log');
SELECT * FROM cx.transitions('SELECT step, at, customer, at FROM step_log');
SELECT * FROM cx.transitions('SELECT * FROM step_log', NULL);
SELECT * FROM cx.path_counts('SELECT * FROM step_log', 0);
SELECT * FROM cx.path_counts('SELECT * FROM step_log', 1, NULL);
SELECT * FROM cx.state_visits('SELECT ticket AS customer, at, state FROM ticket_log', 'infinity');
SELECT * FROM cx.state_visits('SELECT 1 AS customer, timestamptz ''-infinity'' AS at, ''a'' AS state', now());
SELECT * FROM cx.transitions('SELECT 1 AS customer, ''yesterday week'' || x AS at, x AS step FROM (VALUES (''a'')) AS v (x)');
\set VERBOSITY sqlstate
SELECT * FROM cx.transitions('SELECT ''{}''::json AS customer, now() AS at, ''a'' AS step');
\set VERBOSITY default
SELECT * FROM cx.path_counts('SELECT customer, at, step FROM step_log FOR UPDATE');
DROP VIEW random_run, random_event;
DROP TABLE ticket_log, step_log, random_log;
DROP TYPE mood;
DROP TABLE cx_regress_path.own_log;
DROP SCHEMA cx_regress_path;
