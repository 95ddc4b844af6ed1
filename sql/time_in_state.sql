-- how long and how often in each state
SET timezone = 'UTC';
SET extra_float_digits = 0;

-- worked by hand: ann waits 2.5 h from 11:00 and 1 h from 14:00; her second open lasts half an hour; bob is still in his second visit to open
CREATE TEMP TABLE status (customer text, state text, at timestamptz);
INSERT INTO status VALUES
	('ann', 'waiting', '2026-05-01 12:00'), ('ann', 'open', '2026-05-01 10:00'), ('ann', 'waiting', '2026-05-01 11:00'), ('ann', 'open', '2026-05-01 13:30'),
	('ann', 'solved', '2026-05-01 15:00:00.5'), ('ann', 'waiting', '2026-05-01 14:00'),
	('bob', 'open', '2026-05-01 09:00'), ('bob', 'waiting', '2026-05-01 09:10'), ('bob', 'open', '2026-05-01 09:30'),
	('cyd', NULL, '2026-05-01 09:00'), ('cyd', 'open', NULL);
SELECT customer, (unnest(times)).* FROM (SELECT customer, cx.time_in_state(state, at, '2026-05-02 00:00') AS times FROM status GROUP BY customer ORDER BY customer) AS s;
-- without as_of the last visit is an entry without time
SELECT customer, (unnest(times)).* FROM (SELECT customer, cx.time_in_state(state, at, NULL) AS times FROM status GROUP BY customer ORDER BY customer) AS s;
-- what comes after as_of has not happened, what comes then has; before everything there is nothing
SELECT as_of, cx.time_in_state(state, at, as_of) FROM status CROSS JOIN (VALUES (timestamptz '2026-05-01 11:59'), ('2026-05-01 11:00'), ('2026-05-01 09:59')) AS v (as_of) WHERE customer = 'ann' GROUP BY as_of ORDER BY as_of;
SELECT cx.time_in_state(state, at, now()) FILTER (WHERE false) AS none, cx.time_in_state(state, at, now()) FILTER (WHERE customer = 'cyd') AS only_null, cx.time_in_state(state, at, NULL) FILTER (WHERE customer = 'bob' AND state = 'waiting') AS only_open FROM status;
SELECT cx.time_in_state(state, at, now()) AS none FROM status WHERE false;
SELECT cx.time_in_state(state, at, '2026-01-03') AS nulls_between FROM (VALUES ('a', timestamptz '2026-01-01'), (NULL, '2026-01-02'), ('b', NULL), (NULL, 'infinity'), ('a', '2026-01-02')) AS v (state, at);
-- one instant: by bytes, so a second a is no entry, and b keeps the time
SELECT cx.time_in_state(state, at, '2026-01-01 01:00' ORDER BY arrival) = cx.time_in_state(state, at, '2026-01-01 01:00' ORDER BY arrival DESC) AS same, cx.time_in_state(state, at, '2026-01-01 01:00')
FROM (VALUES (1, 'b', timestamptz '2026-01-01'), (2, 'a', '2026-01-01'), (3, 'B', '2026-01-01'), (4, 'a', '2026-01-01')) AS v (arrival, state, at);
-- names of any kind, and all of time: 294276 years and a few
SELECT (unnest(cx.time_in_state(state, at, '2026-01-05'))).* FROM (VALUES ('', timestamptz '2026-01-01'), ('"a" (b), {c} \ it''s', '2026-01-02'), (U&'\00FCber\6771\4EAC', '2026-01-03'), ('NULL', '2026-01-04')) AS v (state, at);
SELECT cx.time_in_state('on', '4714-11-24 BC', '294276-12-31 23:59:59.999999');
-- microseconds are exact
SELECT (cx.time_in_state('on', timestamptz '2000-01-01' + i * interval '1 second', NULL))[1].seconds AS no_entry, (cx.time_in_state((i % 2)::text, timestamptz '2000-01-01' + i * interval '0.1 seconds', '2000-01-01 00:01:40'))[2].seconds AS fifty FROM generate_series(0, 999) AS i;

-- a plain SQL definition on random data agrees; few instants, so many ties
SELECT setseed(0.7);
CREATE TABLE status_event AS
SELECT (random() * 300)::integer AS customer, timestamptz '2026-01-01' + floor(random() * 60) * interval '0.7 hours' AS at,
	(ARRAY['home', 'item', 'Item', 'cart', 'care', 'order', '', NULL])[1 + floor(random() * random() * 8)] AS state, random() AS shuffle
FROM generate_series(1, 30000);
CREATE FUNCTION plain_time(until timestamptz) RETURNS TABLE (customer integer, state text, seconds double precision, entries bigint, reentries bigint, place bigint) LANGUAGE sql AS $$
	WITH event AS (
		SELECT customer, at, state, row_number() OVER (PARTITION BY customer ORDER BY at, state COLLATE "C") AS place FROM status_event WHERE state IS NOT NULL AND at <= coalesce(until, 'infinity')
	), visit AS (
		SELECT *, lead(at) OVER (PARTITION BY customer ORDER BY place) AS left_at FROM (SELECT *, lag(state) OVER (PARTITION BY customer ORDER BY place) AS before FROM event) AS e WHERE before IS DISTINCT FROM state
	)
	SELECT customer, state, coalesce(sum(extract(epoch FROM coalesce(left_at, until) - at)), 0)::float8, count(*), count(*) - 1, row_number() OVER (PARTITION BY customer ORDER BY min(place)) FROM visit GROUP BY customer, state
$$;
SELECT until, count(*) FILTER (WHERE c IS DISTINCT FROM p) AS differences, count(p) AS plain, count(c) AS by_cx FROM (VALUES (timestamptz '2026-01-05'), ('2026-01-02 02:06'), ('2026-01-01'), (NULL)) AS v (until)
CROSS JOIN LATERAL (
	SELECT p, c FROM plain_time(until) AS p
	FULL JOIN (SELECT customer, t.* FROM (SELECT customer, cx.time_in_state(state, at, until ORDER BY shuffle) AS times FROM status_event GROUP BY customer) AS s, unnest(times) WITH ORDINALITY AS t) AS c
	ON c.customer = p.customer AND c.state = p.state
) AS both_ways GROUP BY until ORDER BY until;
-- neither order nor parallel workers matter
SELECT count(DISTINCT t) AS results FROM (
	SELECT cx.time_in_state(state, at, '2026-01-05' ORDER BY at)::text AS t FROM status_event UNION ALL SELECT cx.time_in_state(state, at, '2026-01-05' ORDER BY at DESC)::text FROM status_event
	UNION ALL SELECT cx.time_in_state(state, at, '2026-01-05' ORDER BY shuffle)::text FROM status_event
) AS orders;
SET max_parallel_workers_per_gather = 0;
CREATE TEMP TABLE serial AS SELECT customer, cx.time_in_state(state, at, '2026-01-02') AS times FROM status_event GROUP BY customer;
RESET max_parallel_workers_per_gather;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
ALTER TABLE status_event SET (parallel_workers = 2);
SELECT count(*) AS differences FROM (SELECT customer, cx.time_in_state(state, at, '2026-01-02') AS times FROM status_event GROUP BY customer EXCEPT TABLE serial) AS differ;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
-- as a window function, row by row
SELECT at, state, cx.time_in_state(state, at, NULL) OVER (ORDER BY at) FROM status WHERE customer = 'bob' ORDER BY at;
-- one large group: 200,000 events backwards in two states and in as many as there are
SELECT cx.time_in_state((i / 10 % 2)::text, at, '2026-01-01') AS two, cardinality(cx.time_in_state(i::text, at, '2026-01-01')) AS many, (cx.time_in_state(i::text, at, '2026-01-01'))[1] AS first
FROM (SELECT i, timestamptz '2026-01-01' - i * interval '1 second' AS at FROM generate_series(1, 200000) AS i) AS events;

-- what it refuses
SELECT cx.time_in_state('a', 'infinity', NULL);
SELECT cx.time_in_state('a', now(), 'infinity');
SELECT cx.time_in_state('a', now(), '-infinity');
SELECT cx.time_in_state('a', '2026-01-01', as_of) FROM (VALUES (timestamptz '2026-01-02'), ('2026-01-03')) AS v (as_of);
SELECT cx.time_in_state('a', '2026-01-01', as_of) FROM (VALUES (timestamptz '2026-01-02'), (NULL)) AS v (as_of);
DROP FUNCTION plain_time;
DROP TABLE status_event;
