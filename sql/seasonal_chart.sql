-- Control chart for series with a weekly pattern
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS cx;
RESET client_min_messages;
SET extra_float_digits = 0;
SET datestyle = 'ISO, YMD';

-- by hand, one observation a week: the median of 10, 12, 11, 9 and 12 is 11, the deviations from it are 0, 1, 1, 1 and 2;
-- sigma is 1.4826 * 1 * 5 / 4.2, by sqrt(1 + pi / 10) for the uncertain median 2.0233: limits are 4 of these away
SELECT at::date, x, (c).* FROM (SELECT at, x, cx.seasonal_chart(x, at) OVER (ORDER BY at) AS c
	FROM unnest('{10,12,11,9,12,20}'::float8[]) WITH ORDINALITY AS u (x, week), LATERAL (SELECT '2026-01-05 10:00'::timestamp + week * interval '7 days' AS at) AS t) AS chart ORDER BY at;
-- chance alone makes sigma at least 3, by the same 3.4389
SELECT (c).* FROM (SELECT at, x, cx.seasonal_chart(x, at, std_error => 3) OVER (ORDER BY at) AS c
	FROM unnest('{10,12,11,9,12,20}'::float8[]) WITH ORDINALITY AS u (x, week), LATERAL (SELECT '2026-01-05 10:00'::timestamp + week * interval '7 days' AS at) AS t) AS chart ORDER BY at DESC LIMIT 1;

-- the definition in plain SQL: random hours of twelve weeks, some missing, some holidays, with and without standard errors
SELECT setseed(0.25) IS NOT NULL AS seeded;
CREATE TEMP TABLE observed AS
SELECT s, at, i, 50 + 30 * sin(i * pi() / 12) + 8 * (random() + random() - 1) AS x, at::date IN ('2026-02-11', '2026-03-04', '2026-03-24') AS holiday, CASE WHEN s = 1 THEN 2 + random() * 3 END AS e, random() < 0.03 AS missing
FROM generate_series(1, 2) AS s, generate_series(0, 12 * 7 * 24 - 1) AS i, LATERAL (SELECT '2026-01-05'::timestamp + i * interval '1 hour' AS at) AS t;
DELETE FROM observed WHERE missing;
CREATE INDEX ON observed (s, at);
CREATE FUNCTION off(a double precision, b double precision) RETURNS double precision LANGUAGE sql RETURN CASE WHEN (a IS NULL) <> (b IS NULL) THEN 1e9 WHEN a IS NULL OR a = b THEN 0 ELSE abs(a - b) / greatest(abs(a), abs(b)) END;
CREATE TEMP TABLE slotted AS SELECT *, coalesce(e, 1) AS unit, CASE WHEN holiday THEN 7 ELSE extract(isodow FROM at) END * 24 + extract(hour FROM at) AS slot FROM observed;
CREATE INDEX ON slotted (s, slot, at);
CREATE TEMP TABLE compared AS SELECT a.s, a.at, b.at AS before, b.x, b.unit, count(*) OVER (PARTITION BY a.s, a.at) AS n FROM slotted AS a JOIN slotted AS b ON b.s = a.s AND b.slot = a.slot AND b.at < a.at AND b.at >= a.at - interval '56 days';
CREATE TEMP TABLE grouped AS
SELECT c.s, c.at, away, percentile_cont(0.5) WITHIN GROUP (ORDER BY o.x) AS centre, percentile_cont(0.5) WITHIN GROUP (ORDER BY coalesce(o.e, 1)) AS unit, array_agg(o.x) AS xs
FROM compared AS c CROSS JOIN generate_series(-2, 2) AS away JOIN observed AS o ON o.s = c.s AND o.at = c.before + away * interval '1 hour' AND o.at < c.at
-- neighbours follow each other without a gap
WHERE NOT EXISTS (SELECT FROM generate_series(least(away, 0), greatest(away, 0)) AS step WHERE NOT EXISTS (SELECT FROM observed AS p WHERE p.s = c.s AND p.at = c.before + step * interval '1 hour'))
GROUP BY c.s, c.at, away HAVING count(*) >= 3;
CREATE TEMP TABLE defined AS
SELECT s, at, centre, greatest(own, unit) * CASE WHEN s = 1 THEN greatest(spread, 1) ELSE spread END * sqrt(1 + pi() / 2 / n) AS sigma
FROM (SELECT s, at, percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(x - centre) / unit) * 1.4826022185056018 * n / (n - 0.8) AS spread, n
	FROM grouped JOIN (SELECT DISTINCT s, at, n::float8 FROM compared) AS counts USING (s, at), unnest(xs) AS x GROUP BY s, at, n) AS spreads
JOIN (SELECT s, at, centre, unit FROM grouped WHERE away = 0) AS own USING (s, at) JOIN (SELECT s, at, unit AS own FROM slotted) AS here USING (s, at);
CREATE TEMP TABLE drawn AS SELECT s, at, x, cx.seasonal_chart(x, at, holiday, e, width => 3) OVER (PARTITION BY s ORDER BY at) AS c FROM observed;
SELECT s, count(*) AS hours, count(centre) AS judged, max(greatest(off((c).centre, centre), off((c).upper, centre + 3 * sigma), off((c).lower, centre - 3 * sigma))) < 1e-9 AS same
FROM drawn LEFT JOIN defined USING (s, at) GROUP BY s ORDER BY s;
-- signals: one beyond, and three that follow each other, on one side, together
WITH deviating AS (SELECT s, at, c, (x - centre) / sigma AS z FROM drawn JOIN defined USING (s, at)),
three AS (SELECT *, lag(z) OVER w AS z1, lag(z, 2) OVER w AS z2, lag(at, 2) OVER w = at - interval '2 hours' AS follow FROM deviating WINDOW w AS (PARTITION BY s ORDER BY at))
SELECT count(*) FILTER (WHERE (c).signal) > 10 AS some, count(*) FILTER (WHERE (c).rule = 'three together beyond limits') > 0 AS some_together,
	bool_and((c).signal = (abs(z) > 3 OR coalesce(follow AND sign(z) = sign(z1) AND sign(z) = sign(z2) AND abs(z + z1 + z2) > 3 * sqrt(3), false))) AS same
FROM three;

-- nights, weekends and holidays do not alarm, at most one hour in a thousand does, and a fault of 20 % is seen within three hours
CREATE TEMP TABLE calls AS
SELECT s, at, greatest(0, round((level + sqrt(level) * n) * CASE WHEN s > 20 AND at >= '2026-05-20 10:00' AND at < '2026-05-20 16:00' THEN 0.8 ELSE 1 END)) AS calls, at::date = '2026-05-14' AS holiday
FROM (SELECT s, at, (5 + 500 * greatest(0, sin(pi() * (extract(hour FROM at)::integer - 6) / 16.0))) * CASE WHEN extract(isodow FROM at) > 5 OR at::date = '2026-05-14' THEN 0.4 ELSE 1 END AS level,
		sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()) AS n
	FROM generate_series(1, 40) AS s, generate_series('2026-02-02'::timestamp, '2026-05-24 23:00', '1 hour') AS at) AS made;
CREATE TEMP TABLE judged AS SELECT s, at, cx.seasonal_chart(calls, at, holiday, sqrt(calls)) OVER (PARTITION BY s ORDER BY at) AS c FROM calls;
SELECT count((c).upper) > 35000 AS many, count(*) FILTER (WHERE (c).signal) <= count((c).upper) / 1000 AS at_most_one_in_a_thousand FROM judged WHERE s <= 20;
SELECT count(DISTINCT s) AS found FROM judged WHERE s > 20 AND (c).signal AND at >= '2026-05-20 10:00' AND at < '2026-05-20 13:00';

-- NULL, few weeks, what never varies, an hour that comes twice
SELECT count(*) AS nothing FROM (SELECT cx.seasonal_chart(x, at) OVER (ORDER BY at) AS c FROM (VALUES (NULL::float8, now()::timestamp), (1, NULL)) AS v (x, at)) AS chart WHERE c IS NULL;
SELECT at, (c).* FROM (SELECT at, cx.seasonal_chart(x, at, weeks => 3) OVER (ORDER BY at) AS c FROM generate_series(0, 5) AS week, LATERAL (SELECT '1999-12-29 00:00'::timestamp + week * interval '7 days' AS at, CASE WHEN week = 5 THEN 8 ELSE 7 END AS x) AS v) AS chart ORDER BY at;
SELECT at, (c).centre FROM (SELECT at, cx.seasonal_chart(x, at) OVER (ORDER BY at, x) AS c FROM (VALUES ('2026-10-04 02:00'::timestamp, 1), ('2026-10-11 02:00', 2), ('2026-10-18 02:00', 3), ('2026-10-25 02:00', 4), ('2026-10-25 02:00', 5)) AS v (at, x)) AS chart ORDER BY at;

-- what is refused
\set VERBOSITY default
SELECT cx.seasonal_chart(x, at) OVER (ORDER BY at DESC) FROM (VALUES (1, '2026-01-01'::timestamp), (2, '2026-01-02')) AS v (x, at);
SELECT cx.seasonal_chart('infinity', '2026-01-01') OVER ();
SELECT cx.seasonal_chart(1, 'infinity') OVER ();
SELECT cx.seasonal_chart(1, '2026-01-01', std_error => -1) OVER ();
SELECT cx.seasonal_chart(1, '2026-01-01', std_error => 'NaN') OVER ();
SELECT cx.seasonal_chart(1, '2026-01-01', weeks => 2) OVER ();
SELECT cx.seasonal_chart(1, '2026-01-01', weeks => NULL) OVER ();
SELECT cx.seasonal_chart(1, '2026-01-01', width => 0) OVER ();

DROP FUNCTION off;
DROP TABLE observed, slotted, compared, grouped, defined, drawn, calls, judged;
