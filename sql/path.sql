-- the steps of a customer in order
SET timezone = 'UTC';

-- worked by hand: arrival does not matter, times do; b comes back
CREATE TEMP TABLE visit (customer text, at timestamptz, step text);
INSERT INTO visit VALUES
	('ann', '2026-05-01 10:02', 'cart'), ('ann', '2026-05-01 10:00', 'home'), ('ann', '2026-05-01 10:01', 'item'), ('ann', '2026-05-01 10:03', 'item'),
	('bob', '2026-05-01 10:00', 'home'), ('bob', '2026-05-01 10:01', 'home'), ('bob', '2026-05-01 10:05', 'item'), ('bob', '2026-05-01 10:04', 'home'), ('bob', '2026-05-01 10:06', 'item'),
	('cyd', NULL, 'home'), ('cyd', '2026-05-01 10:00', NULL), ('cyd', NULL, NULL);
SELECT customer, cx.path(at, step), cx.path(at, step, 2) AS first_two, cx.path(at, step, NULL, true) AS collapsed, cx.path(at, step, 2, true) AS both, cx.path(at, step, 2, false) AS two
FROM visit GROUP BY customer ORDER BY customer;
-- only the first, as many as there are, more than there are
SELECT n, cx.path(at, step, n, true), cx.path(at, step, n) AS with_repeats FROM visit CROSS JOIN (VALUES (1), (3), (5), (2147483647)) AS v (n) WHERE customer = 'bob' GROUP BY n ORDER BY n;
-- nothing, FILTER, rows left out between others, an infinite time of no step
SELECT cx.path(at, step) AS none, cx.path(at, step, 3) AS none_limited, cx.path(at, step, 3, true) AS none_collapsed FROM visit WHERE false;
SELECT cx.path(at, step) FILTER (WHERE false) AS none, cx.path(at, step) FILTER (WHERE step <> 'home') AS some, cx.path(at, step, 1, true) FILTER (WHERE customer = 'cyd') AS only_null FROM visit;
SELECT cx.path(at, step, NULL, true) AS joined_over_null FROM (VALUES (timestamptz '2026-01-01', 'a'), ('2026-01-02', NULL), ('2026-01-03', 'a'), (NULL, 'b'), ('-infinity', NULL)) AS v (at, step);

-- one instant: by bytes, a part before the whole, whatever the order of arrival and the collation
SELECT cx.path(now(), step ORDER BY step) = cx.path(now(), step ORDER BY step DESC) AS same, cx.path(now(), step ORDER BY md5(step)) FROM unnest('{b,a,ab,B,"",aa,a,Z}'::text[]) AS step;
SELECT cx.path(now(), step, NULL, true) AS all_at_once, cx.path(now(), step, 3, true) AS first_three, cx.path(now(), step, 3) AS three FROM unnest('{b,a,b,a,c,a}'::text[]) AS step;
-- a log that numbers its events
SELECT cx.path(timestamptz '2026-01-01' + seq * interval '1 microsecond', step) FROM (VALUES (3, 'a'), (1, 'c'), (2, 'b')) AS v (seq, step);
-- names of any kind
SELECT cx.path(at, step) FROM (VALUES (now(), ''), (now() + interval '1 s', '"quoted", {braced} \ it''s'), (now() + interval '2 s', U&'\00FCber\6771\4EAC'), (now() + interval '3 s', 'NULL'), (now() + interval '4 s', ' ')) AS v (at, step);
SELECT length(p[1]), p[2] FROM (SELECT cx.path(at, step) AS p FROM (VALUES (timestamptz '2026-01-01', repeat('long', 500000)), ('2026-01-02', 'short')) AS v (at, step)) AS q;
-- the ends of time
SELECT cx.path(at, step) FROM (VALUES (timestamptz '294276-12-31 23:59:59', 'last'), ('0001-01-01 BC', 'early'), ('4713-01-01 BC', 'first'), ('2000-01-01', 'middle')) AS v (at, step);

-- a plain SQL definition on random data agrees; few instants, so many ties
SELECT setseed(0.3);
CREATE TABLE path_event AS
SELECT (random() * 300)::integer AS customer, timestamptz '2026-01-01' + floor(random() * 60) * interval '1 hour' AS at,
	(ARRAY['home', 'item', 'Item', 'cart', 'care', 'order', '', NULL])[1 + floor(random() * random() * 8)] AS step, random() AS shuffle
FROM generate_series(1, 30000);
CREATE VIEW path_run AS
SELECT *, row_number() OVER (PARTITION BY customer ORDER BY place) AS run_place FROM (
	SELECT *, lag(step) OVER (PARTITION BY customer ORDER BY place) IS DISTINCT FROM step AS is_run FROM (
		SELECT customer, step, row_number() OVER (PARTITION BY customer ORDER BY at, step COLLATE "C") AS place FROM path_event WHERE step IS NOT NULL
	) AS numbered
) AS runs WHERE is_run;
SELECT n, d.* FROM (VALUES (1), (2), (7), (50), (1000), (NULL)) AS v (n) CROSS JOIN LATERAL (
	SELECT count(*) FILTER (WHERE by_cx IS DISTINCT FROM plain) AS differences, count(by_cx) AS paths
	FROM (SELECT customer, cx.path(at, step, n ORDER BY shuffle) AS by_cx FROM path_event GROUP BY customer) AS c
	FULL JOIN (SELECT customer, (array_agg(step ORDER BY at, step COLLATE "C"))[:coalesce(n, 1000000)] AS plain FROM path_event WHERE step IS NOT NULL GROUP BY customer) AS p USING (customer)
) AS d ORDER BY n;
SELECT n, d.* FROM (VALUES (1), (2), (7), (50), (1000), (NULL)) AS v (n) CROSS JOIN LATERAL (
	SELECT count(*) FILTER (WHERE by_cx IS DISTINCT FROM plain) AS differences, count(by_cx) AS paths
	FROM (SELECT customer, cx.path(at, step, n, true ORDER BY shuffle) AS by_cx FROM path_event GROUP BY customer) AS c
	FULL JOIN (SELECT customer, array_agg(step ORDER BY place) AS plain FROM path_run WHERE run_place <= coalesce(n, 1000000) GROUP BY customer) AS p USING (customer)
) AS d ORDER BY n;
-- neither order nor parallel workers matter
SELECT count(DISTINCT p) AS paths FROM (
	SELECT cx.path(at, step, 40, true ORDER BY at) AS p FROM path_event UNION ALL SELECT cx.path(at, step, 40, true ORDER BY at DESC) FROM path_event
	UNION ALL SELECT cx.path(at, step, 40, true ORDER BY shuffle) FROM path_event UNION ALL SELECT cx.path(at, step, 40, true ORDER BY step, at DESC) FROM path_event
) AS orders;
SET max_parallel_workers_per_gather = 0;
CREATE TEMP TABLE serial AS SELECT customer, cx.path(at, step) AS p, cx.path(at, step, 5) AS five, cx.path(at, step, 9, true) AS nine, cx.path(at, step) FILTER (WHERE customer < 3) AS few FROM path_event GROUP BY customer;
RESET max_parallel_workers_per_gather;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
ALTER TABLE path_event SET (parallel_workers = 2);
SELECT count(*) AS differences FROM (
	SELECT customer, cx.path(at, step) AS p, cx.path(at, step, 5) AS five, cx.path(at, step, 9, true) AS nine, cx.path(at, step) FILTER (WHERE customer < 3) AS few FROM path_event GROUP BY customer
	EXCEPT TABLE serial
) AS differ;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
-- as a window function, row by row
SELECT customer, step, cx.path(at, step, 3, true) OVER (PARTITION BY customer ORDER BY at) FROM visit WHERE at IS NOT NULL ORDER BY customer, at;
-- one large group: 200,000 events, backwards, at once, each of its own name
SELECT cardinality(cx.path(at, step)) AS all_of_them, cardinality(cx.path(at, step, NULL, true)) AS collapsed, cx.path(at, step, 4) AS four, cx.path(at, step, 4, true) AS four_collapsed,
	(cx.path(at, name, 4))[4] AS of_many_names, md5(array_to_string(cx.path(now(), name), ',')) = md5(string_agg(name, ',' ORDER BY name COLLATE "C")) AS at_once
FROM (SELECT timestamptz '2026-01-01' - i * interval '1 second' AS at, 'step ' || i / 3 % 2 AS step, 'name ' || i AS name FROM generate_series(1, 200000) AS i) AS events;

-- what it refuses
SELECT cx.path('infinity', 'a');
SELECT cx.path(now(), 'a', 0);
SELECT cx.path(now(), 'a', -1, true);
SELECT cx.path(now(), 'a', 5, NULL);
SELECT cx.path(now(), 'a', n) FROM (VALUES (1), (2)) AS v (n);
SELECT cx.path(now(), 'a', n) FROM (VALUES (1), (NULL)) AS v (n);
SELECT cx.path(now(), 'a', 1, c) FROM (VALUES (true), (false)) AS v (c);
-- bytes that nobody wrote do not get in
CREATE AGGREGATE pg_temp.path_bytes(timestamptz, text, integer) (SFUNC = cx.path_append, STYPE = internal, FINALFUNC = cx.step_list_serialize);
CREATE FUNCTION pg_temp.read_steps(bytea) RETURNS bigint AS '$libdir/cx', 'step_list_deserialize' LANGUAGE C STRICT;
CREATE TEMP TABLE written AS SELECT pg_temp.path_bytes(now(), 'a', 5) AS bytes;
SELECT pg_temp.read_steps(bytes) IS NOT NULL AS as_written FROM written;
SELECT pg_temp.read_steps('') FROM written;
SELECT pg_temp.read_steps(substr(bytes, 1, 40)) FROM written;
-- its only name gone, cut off, too long, twice
SELECT pg_temp.read_steps(substr(bytes, 1, 48)) FROM written;
SELECT pg_temp.read_steps(substr(bytes, 1, 50)) FROM written;
SELECT pg_temp.read_steps(set_byte(bytes, 48, 200)) FROM written;
SELECT pg_temp.read_steps(bytes || substr(bytes, 49)) FROM written;
-- a number without name, a mode nobody has, conditions, a limit of 0
SELECT pg_temp.read_steps(set_byte(bytes, 40, 1)) FROM written;
SELECT pg_temp.read_steps(set_byte(bytes, 24, 4)) FROM written;
SELECT pg_temp.read_steps(set_byte(bytes, 25, 1)) FROM written;
SELECT pg_temp.read_steps(overlay(bytes PLACING '\x0000000000000000' FROM 9)) FROM written;
DROP VIEW path_run;
DROP TABLE path_event;
