-- a funnel as a table
SET timezone = 'UTC';
SET extra_float_digits = 0;
SET jit = off;
\set SHOW_CONTEXT never
CREATE FUNCTION pg_temp.r(double precision) RETURNS numeric LANGUAGE sql RETURN round($1::numeric, 3);

-- worked by hand, a window of an hour, seen from 12:30: entries until 11:30 have had theirs
CREATE TEMP TABLE visit AS
SELECT * FROM (VALUES
	('ann', timestamptz '2026-01-01 10:00+00', 'view', 'web'), ('ann', '2026-01-01 10:10+00', 'cart', 'app'), ('ann', '2026-01-01 10:40+00', 'pay', 'app'),
	('ben', '2026-01-01 10:00+00', 'view', 'app'), ('ben', '2026-01-01 10:20+00', 'cart', 'app'), ('ben', '2026-01-01 11:00:01+00', 'pay', 'app'),	-- a second too late
	('cid', '2026-01-01 10:00+00', 'cart', 'web'), ('cid', '2026-01-01 10:30+00', 'view', 'web'),		-- out of turn
	('dee', '2026-01-01 09:00+00', 'view', 'web'), ('dee', '2026-01-01 11:30+00', 'view', 'app'), ('dee', '2026-01-01 12:30+00', 'cart', 'web'),	-- the later entry goes further
	('eve', '2026-01-01 11:31+00', 'view', 'web'), ('eve', '2026-01-01 11:32+00', 'cart', 'web'),		-- in progress
	('fay', '2026-01-01 12:31+00', 'view', 'web'),														-- has not happened yet
	('gus', '2026-01-01 10:00+00', 'cart', 'web'),														-- never entered
	(NULL, '2026-01-01 10:00+00', 'view', 'web'), ('hal', NULL, 'view', 'web'), ('ida', '2026-01-01 10:00+00', NULL, 'web')) AS v (customer, at, step, channel);
SELECT step_number AS n, step, entered, reached, in_progress, pg_temp.r(from_previous) AS from_previous, pg_temp.r(from_previous_lower) AS lower, pg_temp.r(from_previous_upper) AS upper,
	pg_temp.r(from_first) AS from_first, pg_temp.r(from_first_lower) AS lower, pg_temp.r(from_first_upper) AS upper, median_seconds
FROM cx.funnel('SELECT * FROM visit', '{view,cart,pay}', '1 hour', '2026-01-01 12:30+00');
-- by the channel of the event that entered
SELECT breakdown, step, entered, reached, in_progress, median_seconds FROM cx.funnel('SELECT *, channel AS breakdown FROM visit', '{view,cart,pay}', '1 hour', '2026-01-01 12:30+00');
-- the limits are of the first step only, and the end is not in it
SELECT step, entered, reached FROM cx.funnel('SELECT * FROM visit', '{view,cart}', '1 hour', '2026-01-01 12:30+00', '2026-01-01 10:00+00', '2026-01-01 10:30+00');
SELECT step, entered, reached, in_progress FROM cx.funnel('SELECT * FROM visit', '{view,cart}', '1 hour', '2026-01-01 12:30+00', entered_from => '2026-01-01 11:00+00');
-- one step; the interval is that of the confidence; as_of is that of the views
SELECT step, entered, reached, from_previous, from_first, median_seconds FROM cx.funnel('SELECT * FROM visit', '{cart}', '1 hour', '2026-01-01 12:30+00');
SELECT pg_temp.r(from_first_lower) AS lower, pg_temp.r((cx.csat_estimate('{0:1,1:3}', 1, 0.8)).lower) AS wilson FROM cx.funnel('SELECT * FROM visit', '{view,cart}', '1 hour', '2026-01-01 12:30+00', confidence => 0.8) WHERE step = 'cart';
SET cx.as_of = '2026-01-01 11:00+00';
SELECT step, entered, reached, in_progress FROM cx.funnel('SELECT * FROM visit', '{view,cart}', '1 hour');
RESET cx.as_of;
-- nobody
SELECT * FROM cx.funnel('SELECT * FROM visit WHERE false', '{view,cart}', '1 hour', '2026-01-01 12:30+00');

-- random data against plain SQL: the earliest of the longest chains
SELECT setseed(0.9);
CREATE TEMP TABLE click AS
SELECT floor(random() * 400)::integer AS customer, timestamptz '2026-01-01 00:00+00' + floor(random() * 3000) * interval '1 minute' AS at, substr('abcd', 1 + floor(random() * 4)::integer, 1) AS step
FROM generate_series(1, 5000);
CREATE TEMP TABLE chain AS
WITH RECURSIVE chain AS (
	SELECT DISTINCT customer, 1 AS level, at AS entered, at, ARRAY[at] AS times, at <= timestamptz '2026-01-02 12:00+00' - interval '7 hours' AS is_observed FROM click WHERE step = 'a' AND at <= '2026-01-02 12:00+00'
	UNION
	SELECT c.customer, c.level + 1, c.entered, n.at, c.times || n.at, c.is_observed
	FROM chain AS c JOIN click AS n ON n.customer = c.customer AND n.step = substr('abc', c.level + 1, 1) AND n.at >= c.at AND n.at <= c.entered + interval '7 hours' AND n.at <= '2026-01-02 12:00+00'
)
SELECT DISTINCT ON (customer) * FROM chain ORDER BY customer, is_observed DESC, level DESC, times;
SELECT f.step, f.entered = p.entered AS entered, f.reached = p.reached AS reached, f.in_progress = p.in_progress AS in_progress, f.median_seconds IS NOT DISTINCT FROM p.median AS median, f.reached > 10 AS some
FROM cx.funnel('SELECT * FROM click', '{a,b,c}', '7 hours', '2026-01-02 12:00+00') AS f
CROSS JOIN LATERAL (
	SELECT count(*) FILTER (WHERE is_observed) AS entered, count(*) FILTER (WHERE is_observed AND level >= f.step_number) AS reached, count(*) FILTER (WHERE NOT is_observed AND level >= f.step_number) AS in_progress,
		percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM times[f.step_number + 1] - times[f.step_number])::double precision) FILTER (WHERE is_observed) AS median
	FROM chain
) AS p ORDER BY f.step_number;

-- errors
SELECT * FROM cx.funnel(NULL, '{a}', '1 hour');
SELECT * FROM cx.funnel('SELECT 1 AS customer, now() AS at', '{a}', '1 hour');
SELECT * FROM cx.funnel('SELECT *, step AS breakdown, step AS breakdown FROM click', '{a}', '1 hour');
SELECT * FROM cx.funnel('SELECT * FROM click', '{a,b,a}', '1 hour');
SELECT * FROM cx.funnel('SELECT * FROM click', '{}', '1 hour');
SELECT * FROM cx.funnel('SELECT * FROM click', '{a,NULL}', '1 hour');
SELECT * FROM cx.funnel('SELECT * FROM click', '{a}', '1 month');
SELECT * FROM cx.funnel('SELECT * FROM click', '{a}', '1 hour', 'infinity');
SELECT * FROM cx.funnel('SELECT * FROM click', '{a}', '1 hour', confidence => NULL);
