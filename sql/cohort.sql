-- who stays, who leaves and who comes back, of the customers that a query gives
SET extra_float_digits = 0;
SET timezone = 'UTC';
SET cx.as_of = '2026-04-15';
-- many small queries
SET jit = off;
\set SHOW_CONTEXT never

CREATE TEMP TABLE visit (customer text, at timestamptz);
INSERT INTO visit VALUES
	('ann', '2026-01-05'), ('ann', '2026-01-20'), ('ann', '2026-02-01'), ('ann', '2026-03-31 23:59'), ('ann', '2026-05-01'),
	('bob', '2026-03-01'), ('bob', '2026-01-31'), ('cid', '2026-02-10'), ('cid', '2026-04-02'), ('dee', '2026-03-15'), ('fay', '2026-05-02'),
	(NULL, '2026-01-01'), ('eve', NULL), ('gil', 'infinity'), ('hal', '-infinity');
CREATE FUNCTION pg_temp.cells(query text, grain text DEFAULT 'month', periods integer DEFAULT 3, as_of timestamptz DEFAULT NULL, zone text DEFAULT NULL)
	RETURNS TABLE (cohort timestamptz, customers bigint, active text) LANGUAGE sql AS
	$$ SELECT cohort, customers, string_agg(coalesce(active::text, '-'), ' ' ORDER BY ordinality) FROM cx.cohort_retention(query, grain, periods, as_of, zone) WITH ORDINALITY GROUP BY 1, 2 ORDER BY 1 $$;

-- cohort_retention
-- worked by hand: April has not ended, May is later than as_of
SELECT cohort, period, customers, active, retention, round(lower::numeric, 2) AS lower, round(upper::numeric, 2) AS upper FROM cx.cohort_retention('SELECT * FROM visit', periods => 3);
-- the interval is that of csat_estimate, by default over the session's months and 12 periods
SELECT count(*), bool_and((retention, lower, upper) IS NOT DISTINCT FROM ((e).value, (e).lower, (e).upper)) AS same
FROM (SELECT r.*, cx.csat_estimate(CASE WHEN active IS NOT NULL THEN format('{0:%s,1:%s}', customers - active, active)::cx.tally END, 1, 0.8) AS e FROM cx.cohort_retention('TABLE visit', confidence => 0.8) AS r) AS r;
-- other grains, another time to look from
SELECT * FROM pg_temp.cells('TABLE visit', 'DAY', 5, '2026-01-24');
SELECT * FROM pg_temp.cells('TABLE visit', 'week', 5, '2026-02-02');
SELECT * FROM pg_temp.cells('TABLE visit', 'quarter', 2, '2026-07-01');
SELECT * FROM pg_temp.cells('TABLE visit', 'year', 1);
SELECT * FROM pg_temp.cells('TABLE visit', periods => 0);
-- at the end of a grain it has been observed, a microsecond before it has not
SELECT * FROM pg_temp.cells('TABLE visit', as_of => '2026-03-01');
SELECT * FROM pg_temp.cells('TABLE visit', as_of => timestamptz '2026-03-01' - interval '1 microsecond');
-- activity at as_of itself counts
SELECT * FROM pg_temp.cells('TABLE visit', as_of => '2026-03-15') WHERE cohort = '2026-03-01';
-- no rows, nobody, none in time
SELECT count(*) FROM cx.cohort_retention('SELECT * FROM visit WHERE false');
SELECT count(*) FROM cx.cohort_retention('SELECT * FROM visit WHERE customer IS NULL OR NOT isfinite(at)');
SELECT count(*) FROM cx.cohort_retention('TABLE visit', as_of => '2025-12-31');
-- where clocks change: days of 23 and 25 hours, and the same times by another zone
CREATE TEMP TABLE clock (customer integer, at timestamptz);
INSERT INTO clock VALUES (1, '2025-03-30 00:30+00'), (1, '2025-03-30 22:30+00'), (2, '2025-03-30 21:59:59+00'), (2, '2025-04-01 21:00+00'), (3, '2025-10-25 22:00+00'), (3, '2025-10-26 22:59+00'), (3, '2025-10-26 23:00+00');
SELECT * FROM pg_temp.cells('TABLE clock', 'day', 2, '2025-11-01', 'Europe/Berlin');
SELECT * FROM pg_temp.cells('TABLE clock', 'day', 2, '2025-11-01', 'UTC');
SELECT * FROM pg_temp.cells('TABLE clock', 'day', 2, '2025-03-31 22:00+00', 'Europe/Berlin');
SELECT * FROM pg_temp.cells('TABLE clock', 'day', 2, '2025-03-31 21:59:59+00', 'Europe/Berlin');
SELECT * FROM pg_temp.cells('TABLE clock', 'month', 7, '2025-11-01', 'Europe/Berlin');
-- a day without midnight begins at one
SELECT cohort AT TIME ZONE 'America/Sao_Paulo' AS cohort, customers, active FROM pg_temp.cells($$SELECT 1 AS customer, at FROM generate_series(timestamptz '2018-11-04 12:00+00', '2018-11-06 12:00+00', '1 day') AS at$$, 'day', 2, '2019-01-01', 'America/Sao_Paulo');
-- the session's zone
SET timezone = 'Europe/Berlin';
SELECT cohort AT TIME ZONE 'UTC' AS cohort, customers, active, cohort = cx.bucket('month', cohort) AS is_bucket
FROM pg_temp.cells($$SELECT * FROM (VALUES (1, timestamptz '2025-06-30 22:30+00'), (1, '2025-08-31 21:30+00')) AS v (customer, at)$$, periods => 2);
SET timezone = 'UTC';

-- a plain SQL definition on random data agrees: grains are numbered by local dates
SELECT setseed(0.6);
CREATE TEMP TABLE log AS
SELECT CASE WHEN random() > 0.02 THEN (random() * random() * 300)::integer END AS customer, CASE WHEN random() > 0.02 THEN timestamptz '2024-02-01' + random() * interval '900 days' END AS at FROM generate_series(1, 5000);
CREATE FUNCTION pg_temp.number_of(grain text, day date) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE grain WHEN 'day' THEN day - date '2000-01-03' WHEN 'week' THEN floor((day - date '2000-01-03') / 7.0) WHEN 'month' THEN extract(year FROM day) * 12 + extract(month FROM day)
		WHEN 'quarter' THEN extract(year FROM day) * 4 + floor((extract(month FROM day) - 1) / 3) ELSE extract(year FROM day) END::integer
$$;
CREATE FUNCTION pg_temp.differences(grain text, zone text, until timestamptz) RETURNS bigint LANGUAGE sql AS $$
	WITH numbered AS (SELECT customer, pg_temp.number_of(grain, (at AT TIME ZONE zone)::date) AS number FROM log WHERE at <= until AND customer IS NOT NULL),
	first AS (SELECT customer, min(number) AS first FROM numbered GROUP BY customer),
	cell AS (
		SELECT f.first, k, count(DISTINCT f.customer) AS customers,
			CASE WHEN f.first + k < pg_temp.number_of(grain, (until AT TIME ZONE zone)::date) THEN count(DISTINCT f.customer) FILTER (WHERE EXISTS (SELECT FROM numbered AS n WHERE n.customer = f.customer AND n.number = f.first + k)) END AS active
		FROM first AS f, generate_series(0, 6) AS k GROUP BY f.first, k
	)
	SELECT count(*)
	FROM cell AS a FULL JOIN cx.cohort_retention('SELECT customer, at FROM log', grain, 6, until, zone) AS b ON b.period = a.k AND pg_temp.number_of(grain, (b.cohort AT TIME ZONE zone)::date) = a.first
	WHERE (a.customers, a.active) IS DISTINCT FROM (b.customers, b.active)
		OR abs(b.retention - 100.0 * a.active / a.customers) > 1e-12 OR (b.retention IS NULL) <> (a.active IS NULL) OR b.cohort <> cx.bucket(grain, b.cohort, zone)
$$;
SELECT grain, zone, pg_temp.differences(grain, zone, '2026-03-01') AS differences, pg_temp.differences(grain, zone, '2025-10-26 23:30+00') AS earlier
FROM unnest('{day,week,month,quarter,year}'::text[]) AS grain, unnest('{Europe/Berlin,America/New_York,Asia/Kolkata}'::text[]) AS zone ORDER BY 1, 2;

-- churn_rate by contracts
CREATE TEMP TABLE contract (customer integer, active_from timestamptz, active_until timestamptz);
INSERT INTO contract VALUES
	(1, '2026-01-01', NULL),				-- stays
	(2, '2026-01-01', '2026-03-15'),		-- leaves
	(3, '2026-03-01', '2026-04-01'),		-- from the first instant on; ends with the period
	(4, '2026-03-01 00:00:01', NULL),		-- comes later
	(5, '2026-01-01', '2026-03-01'),		-- had left
	(6, '2026-01-01', '2026-03-10'), (6, '2026-03-20', NULL),	-- left and came back
	(7, '-infinity', 'infinity'),			-- always
	(8, '2026-03-02', '2026-03-20'),		-- came and left within the period
	(9, NULL, NULL), (NULL, '2026-01-01', NULL);
SELECT base, churned, churn_rate, round(lower::numeric, 2) AS lower, round(upper::numeric, 2) AS upper FROM cx.churn_rate('TABLE contract', '2026-03-01', '2026-04-01');
SELECT base, churned, churn_rate, round(lower::numeric, 2) AS lower, round(upper::numeric, 2) AS upper FROM cx.churn_rate('TABLE contract', '2026-03-01', '2026-03-20', confidence => 0.5);
-- until the very moment that has been observed; nobody in the base
SELECT base, churned FROM cx.churn_rate('TABLE contract', '2026-03-01', '2026-04-15');
SELECT * FROM cx.churn_rate('SELECT * FROM contract WHERE customer = 4', '2026-03-01', '2026-04-01');
SELECT * FROM cx.churn_rate('SELECT * FROM contract WHERE false', '2026-03-01', '2026-04-01');
-- churn_rate by usage: 30 days back from each end, the first instant of them left out
CREATE TEMP TABLE usage (customer integer, at timestamptz);
INSERT INTO usage VALUES
	(1, '2026-01-30'), (1, '2026-03-02'),						-- stays if 31 days count, had left if 30 do
	(2, '2026-02-10'),											-- leaves
	(3, '2026-03-01'), (3, '2026-03-02 00:00:00.000001'),		-- from the last instant on
	(4, '2026-01-30'),											-- leaves if 31 days count
	(5, '2026-03-05'),											-- comes later
	(6, '2026-02-27'), (6, '2026-04-01'),						-- stays, by the last instant
	(7, '2026-02-27'), (7, '2026-04-01 00:00:01'), 				-- is back too late
	(8, '-infinity'), (8, 'infinity'), (9, NULL), (NULL, '2026-02-20');
SELECT base, churned, churn_rate, round(lower::numeric, 2) AS lower, round(upper::numeric, 2) AS upper FROM cx.churn_rate('TABLE usage', '2026-03-01', '2026-04-01', used_within => '30 days');
SELECT base, churned, churn_rate FROM cx.churn_rate('TABLE usage', '2026-03-01', '2026-04-01', '31 days');
-- a day is 24 hours where clocks change too
SET timezone = 'Europe/Berlin';
SELECT base FROM cx.churn_rate($$SELECT 1 AS customer, timestamptz '2025-03-29 12:30+00' AS at$$, '2025-03-30 12:00+00', '2025-03-31 12:00+00', '1 day');
SET timezone = 'UTC';

-- plain SQL on random data agrees
SELECT setseed(0.7);
CREATE TEMP TABLE subscription AS
SELECT (random() * 500)::integer AS customer, active_from, CASE WHEN random() > 0.3 THEN active_from + random() * interval '200 days' END AS active_until
FROM (SELECT CASE WHEN random() > 0.02 THEN timestamptz '2025-01-01' + random() * interval '400 days' END AS active_from FROM generate_series(1, 900)) AS s;
SELECT count(*) AS compared, count(*) FILTER (WHERE (r.base, r.churned) <> (p.base, p.churned) OR abs(r.churn_rate - 100.0 * p.churned / p.base) > 1e-12) AS differences, min(p.churned) > 5 AS enough
FROM generate_series(timestamptz '2025-03-01', '2026-02-01', '1 month') AS s, LATERAL (SELECT s + interval '45 days' AS e) AS i,
	LATERAL cx.churn_rate('SELECT * FROM subscription', s, e) AS r,
	LATERAL (SELECT count(*) AS base, count(*) FILTER (WHERE NOT EXISTS (SELECT FROM subscription AS k WHERE k.customer = c.customer AND k.active_from <= e AND coalesce(k.active_until, 'infinity') > e)) AS churned
		FROM (SELECT DISTINCT customer FROM subscription WHERE active_from <= s AND coalesce(active_until, 'infinity') > s) AS c) AS p;
SELECT count(*) AS compared, count(*) FILTER (WHERE (r.base, r.churned) <> (p.base, p.churned) OR abs(r.churn_rate - 100.0 * p.churned / p.base) > 1e-12) AS differences, min(p.churned) > 5 AS enough
FROM generate_series(timestamptz '2024-06-01', '2026-02-01', '1 month') AS s, LATERAL (SELECT s + interval '45 days' AS e) AS i,
	LATERAL cx.churn_rate('SELECT * FROM log', s, e, '30 days 12 hours') AS r,
	LATERAL (SELECT count(*) AS base, count(*) FILTER (WHERE NOT EXISTS (SELECT FROM log AS k WHERE k.customer = c.customer AND k.at <= e AND k.at > e - interval '732 hours')) AS churned
		FROM (SELECT DISTINCT customer FROM log WHERE customer IS NOT NULL AND at <= s AND at > s - interval '732 hours') AS c) AS p;

-- repurchase_rate
CREATE TEMP TABLE purchase (customer text, at timestamptz);
INSERT INTO purchase VALUES
	('ann', '2026-01-01'), ('ann', '2026-01-31'), ('ann', '2026-02-01'),		-- again on the last instant
	('bob', '2026-01-31 00:00:00.000001'), ('bob', '2026-01-01'),				-- too late
	('cid', '2026-01-01'), ('cid', '2026-01-01'),								-- one purchase of two lines
	('dee', '2026-03-16'), 														-- just in time to count
	('eve', '2026-03-16'), ('eve', '2026-03-16'), ('eve', '2026-03-17'),		-- again
	('fay', '2026-03-16 00:00:01'), ('fay', '2026-03-20'),						-- in progress, though again
	('gil', '2026-04-15'), ('hal', '2026-04-16'),								-- in progress, after as_of
	(NULL, '2026-01-01'), ('ida', NULL), ('jon', 'infinity'), ('jon', '-infinity');
SELECT customers, repeated, in_progress, repurchase_rate, round(lower::numeric, 2) AS lower, round(upper::numeric, 2) AS upper FROM cx.repurchase_rate('TABLE purchase', '30 days');
SELECT customers, repeated, in_progress, repurchase_rate, round(lower::numeric, 2) AS lower, round(upper::numeric, 2) AS upper FROM cx.repurchase_rate('TABLE purchase', '720:00:00.000001', as_of => '2026-02-15', confidence => 0.9);
SELECT * FROM cx.repurchase_rate('TABLE purchase', '36500 days');
SELECT * FROM cx.repurchase_rate('SELECT * FROM purchase WHERE false', '1 hour');
-- plain SQL on random data agrees
SELECT count(*) AS compared, count(*) FILTER (WHERE (r.customers, r.repeated, r.in_progress) <> (p.customers, p.repeated, p.in_progress) OR abs(r.repurchase_rate - 100.0 * p.repeated / p.customers) > 1e-12) AS differences,
	min(p.repeated) > 5 AS enough, max(p.in_progress) > 5 AS young
FROM unnest('{7 days,30 days,90 days,200 days}'::interval[]) AS within, unnest('{2025-01-01,2025-06-01,2026-01-01}'::timestamptz[]) AS until,
	LATERAL cx.repurchase_rate('SELECT * FROM log', within, until) AS r,
	LATERAL (SELECT count(*) FILTER (WHERE first + within <= until) AS customers, count(*) FILTER (WHERE first + within > until) AS in_progress,
			count(*) FILTER (WHERE first + within <= until AND EXISTS (SELECT FROM log AS l WHERE l.customer = f.customer AND l.at > first AND l.at <= first + within)) AS repeated
		FROM (SELECT customer, min(at) AS first FROM log WHERE customer IS NOT NULL AND at <= until GROUP BY customer) AS f) AS p;

-- the query is the caller's: names with quotes, comments, a semicolon, percent signs, the caller's search_path
CREATE SCHEMA "cx ""regress""";
CREATE TABLE "cx ""regress"""."Customer's %I orders" ("Customer's Id" text, "at" timestamptz);
INSERT INTO "cx ""regress"""."Customer's %I orders" VALUES ('O''Neil', '2026-01-05'), ('O''Neil', '2026-02-05'), ('50%', '2026-01-06');
SET search_path = "cx ""regress""";
SELECT customers, active FROM cx.cohort_retention($$SELECT "Customer's Id" AS customer, at FROM "Customer's %I orders" WHERE '%s' <> '$1'; $$, periods => 1);
SELECT customers, repeated FROM cx.repurchase_rate(E'-- who\nWITH visit AS (SELECT "Customer\'s Id" AS customer, "at" FROM "Customer\'s %I orders") SELECT * FROM visit ORDER BY at -- all', '60 days');
RESET search_path;
DROP SCHEMA "cx ""regress""" CASCADE;
-- and so are the rights
CREATE ROLE cx_regress_analyst;
SET ROLE cx_regress_analyst;
SELECT * FROM cx.repurchase_rate('SELECT 1 AS customer, now() AS at FROM visit', '1 day');
SELECT * FROM cx.repurchase_rate($$SELECT 1 AS customer, timestamptz '2026-01-01' AS at$$, '1 day');
RESET ROLE;
DROP ROLE cx_regress_analyst;

-- what they refuse
SELECT * FROM cx.cohort_retention(NULL);
SELECT * FROM cx.churn_rate(NULL, '2026-01-01', '2026-02-01');
SELECT * FROM cx.repurchase_rate(NULL, '1 day');
SELECT * FROM cx.cohort_retention('SELECT at FROM visit');
SELECT * FROM cx.cohort_retention('SELECT customer, at AS "At" FROM visit');
SELECT * FROM cx.churn_rate('SELECT customer, at AS active_from FROM visit', '2026-01-01', '2026-02-01');
SELECT * FROM cx.churn_rate('SELECT customer, at AS active_from FROM visit', '2026-01-01', '2026-02-01', '1 day');
SELECT * FROM cx.cohort_retention('SELECT customer, no_such_column AS at FROM visit');
SELECT * FROM cx.cohort_retention('SELECT customer, at::date FROM visit');
SELECT * FROM cx.repurchase_rate('SELECT customer, at::timestamp FROM visit', '1 day');
SELECT * FROM cx.cohort_retention('TABLE visit', 'fortnight');
SELECT * FROM cx.cohort_retention('TABLE visit', NULL);
SELECT * FROM cx.cohort_retention('TABLE visit', periods => -1);
SELECT * FROM cx.cohort_retention('TABLE visit', periods => NULL);
SELECT * FROM cx.cohort_retention('TABLE visit', as_of => 'infinity');
SELECT * FROM cx.cohort_retention('TABLE visit', zone => 'Europe/Atlantis');
SELECT * FROM cx.cohort_retention('TABLE visit', confidence => 95);
SELECT * FROM cx.cohort_retention('TABLE visit', confidence => NULL);
SELECT * FROM cx.churn_rate('TABLE contract', NULL, '2026-02-01');
SELECT * FROM cx.churn_rate('TABLE contract', '2026-01-01', NULL);
SELECT * FROM cx.churn_rate('TABLE contract', '-infinity', '2026-02-01');
SELECT * FROM cx.churn_rate('TABLE contract', '2026-02-01', '2026-02-01');
SELECT * FROM cx.churn_rate('TABLE contract', '2026-02-01', '2026-04-15 00:00:01');
SELECT * FROM cx.churn_rate('TABLE contract', '2026-02-01', '2026-03-01', confidence => NULL);
SELECT * FROM cx.churn_rate('TABLE usage', '2026-02-01', '2026-03-01', used_within => '3 months');
SELECT * FROM cx.churn_rate('TABLE usage', '2026-02-01', '2026-03-01', used_within => '0');
SELECT * FROM cx.repurchase_rate('TABLE purchase', NULL);
SELECT * FROM cx.repurchase_rate('TABLE purchase', '1 year');
SELECT * FROM cx.repurchase_rate('TABLE purchase', '1 day -24 hours');
SELECT * FROM cx.repurchase_rate('TABLE purchase', '36500 days 00:00:00.000001');
SELECT * FROM cx.repurchase_rate('TABLE purchase', '1 day', as_of => '-infinity');
SELECT * FROM cx.repurchase_rate('TABLE purchase', '1 day', confidence => NULL);
