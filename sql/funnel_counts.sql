-- how many customers of a whole table reach each step
SET timezone = 'UTC';
SET jit = off;

-- worked by hand: 1 goes all the way, 2 stops after step 1, 3 never enters, 4 comes too late
CREATE TEMP TABLE visit AS
SELECT * FROM (VALUES (1, timestamptz '2026-01-01 10:00+00', 'view'), (1, '2026-01-01 10:05+00', 'cart'), (1, '2026-01-01 10:10+00', 'order'),
	(2, '2026-01-01 10:00+00', 'view'), (2, '2026-01-01 10:01+00', 'order'), (3, '2026-01-01 10:00+00', 'cart'),
	(4, '2026-01-01 10:00+00', 'view'), (4, '2026-01-02 10:00+00', 'cart'), (NULL, '2026-01-01 10:00+00', 'view'), (5, NULL, 'view')) AS v (customer, at, step);
SELECT cx.funnel_counts(customer, '1 hour', at, step = 'view', step = 'cart', step = 'order') AS within_an_hour,
	cx.funnel_counts(customer, '1 day', at, step = 'view', step = 'cart', step = 'order') AS within_a_day,
	cx.funnel_counts(customer::text, '1 day', at, step = 'view', step = 'cart', step = 'order') AS by_text,
	cx.funnel_counts(customer, '1 day', 'strict_order', at, step = 'view', step = 'order') AS strict_order FROM visit;
-- nothing, nobody who entered, NULLs
SELECT cx.funnel_counts(customer, '1 hour', at, true) FILTER (WHERE false) AS none, cx.funnel_counts(customer, '1 hour', at, false, step = 'cart') AS nobody,
	cx.funnel_counts(NULL::bigint, '1 hour', at, true) AS no_customer, cx.funnel_counts(customer, '1 hour', NULL, true) AS no_time,
	cx.funnel_counts(customer, '1 hour', at, VARIADIC ARRAY[step = 'view', NULL]) AS null_step FROM visit;
SELECT step, cx.funnel_counts(customer, '1 hour', at, step = 'view', customer = 1) FROM visit GROUP BY step ORDER BY step;

-- random data: in every mode and for every type of customer what window_funnel gives for each customer
SELECT setseed(0.3);
CREATE TEMP TABLE click AS
SELECT floor(random() ^ 3 * 3000)::bigint * 7919 - 9000000 AS customer, timestamptz '2026-01-01 00:00+00' + floor(random() * 200000) * interval '1 second' AS at,
	floor(random() * 6)::integer AS step, random() < 0.1 AS also_next
FROM generate_series(1, 60000);
CREATE FUNCTION pg_temp.name_of(customer bigint) RETURNS text LANGUAGE sql IMMUTABLE RETURN CASE WHEN customer % 2 = 0 THEN repeat('customer ', 20) ELSE '' END || customer;
CREATE TEMP TABLE told AS
SELECT m.mode, cx.funnel_counts(customer, '5 hours', m.mode, at, VARIADIC ARRAY(SELECT step = s OR also_next AND step + 1 = s FROM generate_series(1, 4) AS s)) AS counts
FROM click, (VALUES ('default'), ('strict_order'), ('strict_once'), ('strict_increase')) AS m (mode) GROUP BY m.mode;
SELECT mode, counts, counts = (
	SELECT array_agg(n ORDER BY s) FROM (SELECT s, count(*) FILTER (WHERE level >= s) AS n FROM generate_series(1, 4) AS s,
		(SELECT cx.window_funnel('5 hours', told.mode, at, VARIADIC ARRAY(SELECT step = s OR also_next AND step + 1 = s FROM generate_series(1, 4) AS s)) AS level FROM click GROUP BY customer) AS levels
		GROUP BY s) AS by_step) AS as_window_funnel
FROM told ORDER BY mode;
CREATE FUNCTION pg_temp.all_kinds() RETURNS TABLE (kind text, counts bigint[]) LANGUAGE sql AS $$
	SELECT 'bigint', cx.funnel_counts(customer, '5 hours', at, step = 1, step = 2, step = 3) FROM click
	UNION ALL SELECT 'bigint by time', cx.funnel_counts(customer, '5 hours', at, step = 1, step = 2, step = 3 ORDER BY at) FROM click
	UNION ALL SELECT 'uuid', cx.funnel_counts(md5(customer::text)::uuid, '5 hours', at, step = 1, step = 2, step = 3) FROM click
	UNION ALL SELECT 'text', cx.funnel_counts(pg_temp.name_of(customer), '5 hours', at, step = 1, step = 2, step = 3) FROM click
	UNION ALL SELECT 'bigint, 12 steps', (cx.funnel_counts(customer, '5 hours', 'strict_order', at, step = 1, step = 2, step = 3, false, false, false, false, false, false, false, false, step = 4))[:3] FROM click
	UNION ALL SELECT 'text, strict_once', cx.funnel_counts(pg_temp.name_of(customer), '5 hours', 'strict_once', at, step = 1, step = 2, step = 3) FROM click
$$;
CREATE TEMP TABLE at_ease AS SELECT * FROM pg_temp.all_kinds();
SELECT * FROM at_ease ORDER BY kind;
-- beyond work_mem the events go to temporary files, and the counts are the same
SET work_mem = '64kB';
SELECT kind, a.counts = s.counts AS same_from_files FROM at_ease AS a JOIN pg_temp.all_kinds() AS s USING (kind) ORDER BY kind;
SELECT count(*) AS groups, sum(counts[1]) AS entered FROM (SELECT step % 2, cx.funnel_counts(customer, '5 hours', at, step < 2, step > 3) AS counts FROM click GROUP BY 1) AS g;
SELECT n, counts FROM (SELECT n, cx.funnel_counts(n % 700, '1 day', timestamptz '2026-01-01' + n * interval '1 second', true, n % 2 = 0) OVER (ORDER BY n) AS counts FROM generate_series(1, 4000) AS n) AS running WHERE n IN (1, 1000, 4000);
RESET work_mem;
-- names that differ in little are different customers
SELECT cx.funnel_counts(name, '1 hour', timestamptz '2026-01-01', true) FROM (VALUES (''), (' '), ('a'), ('A'), ('a'), (''), ('ab'), ('a ')) AS v (name);
-- the ends of what a time may be
SELECT cx.funnel_counts(1, '210000 days', at, step = 1, step = 2) FROM (VALUES (timestamptz '1714-08-01 00:00+00', 1), ('2285-06-01 00:00+00', 2)) AS v (at, step);
SELECT cx.funnel_counts(1, '1 hour', '1714-07-01 00:00+00', true);
SELECT cx.funnel_counts(1, '1 hour', '2285-06-06 00:00+00', true);

-- errors
SELECT cx.funnel_counts(1, NULL::interval, now(), true);
SELECT cx.funnel_counts(1, '1 hour', 'infinity', true);
SELECT cx.funnel_counts(1, '1 hour', 'any', now(), true);
SELECT cx.funnel_counts(1, '1 hour', now(), 'yes'::text);
SELECT cx.funnel_counts(n, n * interval '1 hour', now(), true) FROM generate_series(1, 2) AS n;
SELECT cx.funnel_counts(n, '1 hour', (ARRAY['default', 'strict_once'])[n], now(), true) FROM generate_series(1, 2) AS n;
SELECT cx.funnel_counts(n, '1 hour', now(), VARIADIC array_fill(true, ARRAY[n])) FROM generate_series(1, 2) AS n;
SELECT cx.funnel_counts(n, '1 hour', now(), VARIADIC ARRAY(SELECT n >> s & 1 = 1 FROM generate_series(0, 10) AS s)) FROM generate_series(1, 1100) AS n;
SELECT cx.funnel_counts(n, '1 hour', now(), VARIADIC ARRAY(SELECT n >> s & 1 = 1 FROM generate_series(0, 10) AS s)) FROM generate_series(1, 1024) AS n;
