-- Events of a month in order of time, for each customer ten in the middle, and the same events otherwise.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
SET TimeZone = 'UTC';
CREATE EXTENSION cx;
CREATE EXTENSION pg_prewarm;
\ir compare.sql

\echo Making :rows events ...
SELECT setseed(0.5) \gset
-- whole seconds, and events of one customer at least ten rows apart, so that none share a second: ClickHouse knows no shorter times
CREATE TABLE event AS
SELECT 10 * floor(random() * (:rows / 100))::bigint + i % 10 AS customer_id,
	date_trunc('second', timestamptz '2026-01-01' + i * (interval '30 days' / :rows)) AS at, 1 + floor(5 * random() ^ 1.5)::integer AS step
FROM generate_series(1::bigint, :rows) AS i;
CREATE TABLE event_unordered AS SELECT * FROM event ORDER BY random();
CREATE TABLE event_indexed AS SELECT * FROM event;
CREATE INDEX ON event_indexed (customer_id, at) INCLUDE (step);
CREATE TABLE event_text AS SELECT 'customer-' || customer_id AS customer_id, at, step FROM event;
CREATE TABLE event_uuid AS SELECT md5(customer_id::text)::uuid AS customer_id, at, step FROM event;
CREATE TABLE event_named AS SELECT customer_id, at, (ARRAY['visit', 'search', 'cart', 'checkout', 'order'])[step] AS step FROM event;
CREATE TABLE event_partitioned (LIKE event) PARTITION BY HASH (customer_id);
SELECT format('CREATE TABLE event_partition_%s PARTITION OF event_partitioned FOR VALUES WITH (MODULUS 4, REMAINDER %s)', n, n) FROM generate_series(0, 3) AS n \gexec
INSERT INTO event_partitioned SELECT * FROM event;
-- index-only scans need the visibility map
VACUUM (FREEZE, ANALYZE);

-- Queries over a table of events.

-- how many customers reach each step
CREATE FUNCTION funnel_counts(events text) RETURNS text LANGUAGE sql
	RETURN format('SELECT checked((SELECT cx.funnel_counts(customer_id, interval ''7 days'', at, step = 1, step = 2, step = 3, step = 4, step = 5) FROM %s))', events);

-- the same out of a query that gives the level of each customer
CREATE FUNCTION counted(query text) RETURNS text LANGUAGE sql
	RETURN format($$SELECT checked(ARRAY[count(*) FILTER (WHERE level >= 1), count(*) FILTER (WHERE level >= 2), count(*) FILTER (WHERE level >= 3),
		count(*) FILTER (WHERE level >= 4), count(*) FILTER (WHERE level >= 5)]) FROM (%s) AS customer$$, query);

-- the level of each customer
CREATE FUNCTION level_by_customer(events text) RETURNS text LANGUAGE sql
	RETURN format('SELECT cx.window_funnel(interval ''7 days'', at, step = 1, step = 2, step = 3, step = 4, step = 5) AS level FROM %s GROUP BY customer_id', events);

-- the same in plain SQL: each pass finds when the latest chain entered that has come one step further by then;
-- it can do all that the earlier ones can
CREATE FUNCTION level_in_sql(events text) RETURNS text LANGUAGE sql RETURN format($$
	SELECT max(CASE WHEN step = 5 AND at - entry_4 <= interval '7 days' THEN 5
		WHEN entry_4 IS NOT NULL THEN 4 WHEN entry_3 IS NOT NULL THEN 3 WHEN entry_2 IS NOT NULL THEN 2 WHEN entry_1 IS NOT NULL THEN 1 ELSE 0 END) AS level
	FROM (SELECT *, max(entry_3) FILTER (WHERE step = 4 AND at - entry_3 <= interval '7 days') OVER so_far AS entry_4
		FROM (SELECT *, max(entry_2) FILTER (WHERE step = 3 AND at - entry_2 <= interval '7 days') OVER so_far AS entry_3
			FROM (SELECT *, max(entry_1) FILTER (WHERE step = 2 AND at - entry_1 <= interval '7 days') OVER so_far AS entry_2
				FROM (SELECT customer_id, at, step, max(at) FILTER (WHERE step = 1) OVER so_far AS entry_1
					FROM %s WINDOW so_far AS (PARTITION BY customer_id ORDER BY at ROWS UNBOUNDED PRECEDING)) AS pass_1
				WINDOW so_far AS (PARTITION BY customer_id ORDER BY at ROWS UNBOUNDED PRECEDING)) AS pass_2
			WINDOW so_far AS (PARTITION BY customer_id ORDER BY at ROWS UNBOUNDED PRECEDING)) AS pass_3
		WINDOW so_far AS (PARTITION BY customer_id ORDER BY at ROWS UNBOUNDED PRECEDING)) AS pass_4
	GROUP BY customer_id$$, events);

-- These counts, which must be those of the first call in the session.
CREATE FUNCTION checked(counts bigint[]) RETURNS bigint[] LANGUAGE plpgsql PARALLEL RESTRICTED AS $$
DECLARE
	expected bigint[] := nullif(current_setting('bench.counts', true), '');
BEGIN
	IF counts IS NULL OR counts <> coalesce(expected, counts) THEN
		RAISE EXCEPTION 'level counts are %, not %', counts, expected;
	ELSIF expected IS NULL THEN
		PERFORM set_config('bench.counts', counts::text, false);
	END IF;
	RETURN counts;
END $$;

-- Makes sure that a query is planned with these nodes.
CREATE PROCEDURE check_plan(query text, VARIADIC nodes text[]) LANGUAGE plpgsql AS $$
DECLARE
	line text;
	plan text := '';
	node text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		plan := plan || line || E'\n';
	END LOOP;
	FOREACH node IN ARRAY nodes LOOP
		IF position(node IN plan) = 0 THEN
			RAISE EXCEPTION E'a plan is without %:\n%', node, plan;
		END IF;
	END LOOP;
END $$;
