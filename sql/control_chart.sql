-- Control charts: what varies by itself, and what changed
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS cx;
RESET client_min_messages;
SET extra_float_digits = 0;

-- by hand: 60 of 400 are 15 %; limits at size 100 are 15 -+ 3 sqrt(15 * 85 / 100) = 15 -+ 10.712
SELECT n, (c).* FROM (SELECT n, cx.p_chart(x, n) OVER (ORDER BY i) AS c FROM (VALUES (1, 10, 100), (2, 26, 100), (3, 20, 180), (4, 4, 20)) AS v (i, x, n)) AS chart;
-- the same three times a hundred, the moving ranges of whose deviations are 0 and 2, 1 in the mean: limits by sqrt(pi) / 2 less wide
SELECT (c).* FROM (SELECT cx.p_chart(x, 100, laney => true) OVER (ORDER BY i) AS c FROM (VALUES (1, 10), (2, 10), (3, 17)) AS v (i, x)) AS chart;
-- mean 12, moving ranges 2, 4, 3 and 9: sigma is 4.5 sqrt(pi) / 2 = 3.988; 3.2665 times 4.5 is 14.699
SELECT x, (c).centre, (c).lower, (c).upper, (c).signal, (m).value AS range, (m).centre AS mean_range, (m).upper AS range_limit
FROM (SELECT i, x, cx.xmr_chart(x) OVER (ORDER BY i) AS c, cx.mr_chart(x) OVER (ORDER BY i) AS m FROM (VALUES (1, 10), (2, 12), (3, 8), (4, 11), (5, 20)) AS v (i, x)) AS chart ORDER BY i;
-- NPS 50, 0 and -25 of 4, 4 and 8 answers: 1 promoter more of 16 is 0
SELECT t, (c).* FROM (SELECT i, t, cx.nps_chart(t, laney => false) OVER (ORDER BY i) AS c FROM (VALUES (1, '{6:1,10:3}'), (2, '{0:1,8:2,9:1}'), (3, '{3:3,7:4,10:1}')) AS v (i, text), LATERAL (SELECT text::cx.tally AS t) AS tallies) AS chart ORDER BY i;
-- the first two tell what is usual: target 11, sigma 2 sqrt(pi) / 2 = 1.772; averages 0.2 x + 0.8 of the one before
SELECT x, round((e).value::numeric, 4) AS ewma, round((e).centre::numeric, 4) AS centre, round((e).upper::numeric, 4) AS upper, (e).signal, (c).target, round((c).high::numeric, 4) AS high, round((c).low::numeric, 4) AS low, round((c).decision_limit::numeric, 4) AS decision_limit, (c).signal, (c).rule
FROM (SELECT i, x, cx.ewma_chart(x, 2) OVER (ORDER BY i) AS e, cx.cusum_chart(x, 2, h => 4) OVER (ORDER BY i) AS c FROM (VALUES (1, 10), (2, 12), (3, 16), (4, 18), (5, 2), (6, 0)) AS v (i, x)) AS chart ORDER BY i;

-- each of Nelson's rules, at the point that completes it
SELECT name, array_agg(i ORDER BY i) FILTER (WHERE (c).signal) AS points, string_agg(DISTINCT (c).rule, '; ') AS rules
FROM (SELECT name, i, x, cx.xmr_chart(x, rules) OVER (PARTITION BY name ORDER BY i) AS c
	FROM (VALUES
		('1 beyond', ARRAY[1], '{0,1,0,1,0,1,0,1,0,1,0,1,9,1,0,1,0,1}'::float8[]),
		('2 nine on one side', ARRAY[2], '{-1,-3,-1,-3,-1,-3,-1,-3,-1,1,3,1,3,1,3,1,3,1,3}'),
		('3 six rising', ARRAY[3], '{5,1,2,3,4,5,6,3,3,3}'),
		('3 six falling, but for a step that stays', ARRAY[3], '{9,8,7,6,6,5,4,3,2,1,0}'),
		('4 fourteen alternating', ARRAY[4], '{1,2,1,2,1,2,1,2,1,2,1,2,1,2,1,1}'),
		('5 two of three', ARRAY[5], '{0,1,0,1,0,1,0,1,0,1,0,1,0,1,0,1,3,0,3,0,1,0,1,0,1,0,1}'),
		('6 four of five', ARRAY[6], '{0,1,0,1,0,1,0,1,0,1,0,1,0,1,0,1,0,1,2.2,2.1,0,2.2,2.1,0,1,0,1,0,1,0,1}'),
		('7 fifteen within', ARRAY[7], '{9,-9,9,-9,1,1.1,1,1.1,1,1.1,1,1.1,1,1.1,1,1.1,1,1.1,1,1.1}'),
		('8 eight beyond', ARRAY[8], '{5,5.1,5,5.1,-5,-5.1,-5,-5.1,-5}')
	) AS v (name, rules, values) CROSS JOIN LATERAL unnest(values) WITH ORDINALITY AS u (x, i)) AS chart
GROUP BY name ORDER BY name;
SELECT (c).rule FROM (SELECT cx.xmr_chart(x, '{1,2,3,4,5,6,7,8}') OVER (ORDER BY i) AS c FROM unnest('{0,1,0,1,0,1,0,1,0,1,5,6,7}'::float8[]) WITH ORDINALITY AS u (x, i)) AS chart WHERE (c).signal;

-- the definitions in plain SQL, on seeded random data of three series, with rows that have no observation
SELECT setseed(0.5) IS NOT NULL AS seeded;
CREATE TEMP TABLE series AS
SELECT s, i, CASE WHEN random() < 0.05 THEN NULL ELSE 100 + 5 * (random() + random() + random() - 1.5) + CASE WHEN i > 150 THEN s ELSE 0 END END AS x,
	CASE WHEN random() < 0.05 THEN 0 ELSE (50 + random() * 200)::bigint END AS size, random() AS share
FROM generate_series(1, 3) AS s, generate_series(1, 200) AS i;
CREATE TEMP TABLE counted AS SELECT s, i, x, size, least(size, (size * (0.2 + 0.1 * share + CASE WHEN i > 190 THEN 0.15 ELSE 0 END))::bigint) AS affected,
	format('{2:%s,8:%s,10:%s}', (size * 0.1 * share)::int, (size * 0.5)::int, (size * (0.4 - 0.1 * share))::int)::cx.tally AS t FROM series;
-- how far apart, of the larger
CREATE FUNCTION off(a double precision, b double precision) RETURNS double precision LANGUAGE sql RETURN CASE WHEN (a IS NULL) <> (b IS NULL) THEN 1e9 WHEN a IS NULL OR a = b THEN 0 ELSE abs(a - b) / greatest(abs(a), abs(b)) END;

WITH observed AS (SELECT * FROM counted WHERE size > 0),
overall AS (SELECT s, sum(affected)::float8 / sum(size) AS p FROM observed GROUP BY s),
deviating AS (SELECT o.s, i, 100.0 * affected / size AS value, 100 * p AS centre, 100 * sqrt(p * (1 - p) / size) AS e, (affected::float8 / size - p) / sqrt(p * (1 - p) / size) AS z FROM observed AS o JOIN overall USING (s)),
widened AS (SELECT s, avg(step) * sqrt(pi()) / 2 AS w FROM (SELECT s, abs(z - lag(z) OVER (PARTITION BY s ORDER BY i)) AS step FROM deviating) AS steps GROUP BY s)
SELECT laney, count(*) AS points, max(greatest(off((c).value, value), off((c).centre, centre), off((c).upper, least(100, centre + 3 * e * f)), off((c).lower, greatest(0, centre - 3 * e * f)))) < 1e-9 AS same,
	count(*) FILTER (WHERE (c).signal) > 0 AS some_signal, bool_and((c).signal = (abs(z) > 3 * f)) AS same_signals
FROM deviating JOIN widened USING (s)
CROSS JOIN LATERAL (VALUES (false, 1), (true, w)) AS v (laney, f)
JOIN (SELECT s, i, false AS laney, cx.p_chart(affected, size) OVER (PARTITION BY s ORDER BY i) AS c FROM counted UNION ALL SELECT s, i, true, cx.p_chart(affected, size, true) OVER (PARTITION BY s ORDER BY i) FROM counted) AS chart USING (s, i, laney)
GROUP BY laney ORDER BY laney;

WITH observed AS (SELECT * FROM counted WHERE cx.responses(t) > 0),
overall AS (SELECT s, cx.nps(t) AS centre, cx.promoters(cx.tally(t))::float8 / cx.responses(cx.tally(t)) AS p, cx.detractors(cx.tally(t))::float8 / cx.responses(cx.tally(t)) AS d FROM observed GROUP BY s),
deviating AS (SELECT s, i, cx.nps_of(t) AS value, centre, 100 * sqrt((p + d - (p - d) ^ 2) / cx.responses(t)) AS e, (cx.nps_of(t) - centre) / (100 * sqrt((p + d - (p - d) ^ 2) / cx.responses(t))) AS z FROM observed JOIN overall USING (s)),
widened AS (SELECT s, avg(step) * sqrt(pi()) / 2 AS w FROM (SELECT s, abs(z - lag(z) OVER (PARTITION BY s ORDER BY i)) AS step FROM deviating) AS steps GROUP BY s)
SELECT laney, count(*) AS points, max(greatest(off((c).value, value), off((c).centre, centre), off((c).upper, least(100, centre + 3 * e * f)), off((c).lower, greatest(-100, centre - 3 * e * f)))) < 1e-9 AS same, bool_and((c).signal = (abs(z) > 3 * f)) AS same_signals
FROM deviating JOIN widened USING (s)
CROSS JOIN LATERAL (VALUES (false, 1), (true, w)) AS v (laney, f)
JOIN (SELECT s, i, true AS laney, cx.nps_chart(t) OVER (PARTITION BY s ORDER BY i) AS c FROM counted UNION ALL SELECT s, i, false, cx.nps_chart(t, false) OVER (PARTITION BY s ORDER BY i) FROM counted) AS chart USING (s, i, laney)
GROUP BY laney ORDER BY laney;

WITH stepped AS (SELECT s, i, x, abs(x - lag(x) OVER (PARTITION BY s ORDER BY i)) AS step FROM series WHERE x IS NOT NULL),
overall AS (SELECT s, avg(x) AS centre, avg(step) AS mean_step FROM stepped GROUP BY s)
SELECT count(*) AS points, max(greatest(off((c).value, x), off((c).centre, centre), off((c).upper, centre + 1.5 * mean_step * sqrt(pi())), off((c).lower, centre - 1.5 * mean_step * sqrt(pi())))) < 1e-9 AS same,
	max(greatest(off((m).value, step), off((m).centre, mean_step), off((m).upper, mean_step * (1 + 3 * sqrt(2 - 4 / pi()) * sqrt(pi()) / 2)))) < 1e-9 AS same_ranges,
	bool_and((m).signal IS NOT DISTINCT FROM (step > mean_step * (1 + 3 * sqrt(2 - 4 / pi()) * sqrt(pi()) / 2))) AS same_signals
FROM stepped JOIN overall USING (s)
JOIN (SELECT s, i, cx.xmr_chart(x) OVER w AS c, cx.mr_chart(x) OVER w AS m FROM series WINDOW w AS (PARTITION BY s ORDER BY i)) AS chart USING (s, i);

-- rows without an observation give nothing, and the frame does not matter
SELECT count(*) FILTER (WHERE x IS NULL) > 0 AS some, bool_and((c IS NULL) = (x IS NULL)) AS same, bool_and(c IS NOT DISTINCT FROM d) AS same_by_frame
FROM (SELECT x, cx.ewma_chart(x) OVER (PARTITION BY s ORDER BY i) AS c, cx.ewma_chart(x) OVER (PARTITION BY s ORDER BY i ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS d FROM series) AS chart;

-- averages and sums one after the other, in PL/pgSQL
CREATE FUNCTION one_by_one(which integer) RETURNS TABLE (i integer, ewma double precision, distance double precision, high double precision, low double precision, most double precision) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
	target double precision;
	sigma double precision;
	n integer := 0;
	o record;
BEGIN
	SELECT avg(x), avg(step) * sqrt(pi()) / 2 INTO target, sigma FROM (SELECT x, abs(x - lag(x) OVER (ORDER BY i)) AS step FROM (SELECT i, x FROM series WHERE s = which AND x IS NOT NULL ORDER BY i LIMIT 30) AS first) AS stepped;
	ewma := target;
	high := 0;
	low := 0;
	most := 4 * sigma;
	FOR o IN SELECT i, x FROM series WHERE s = which AND x IS NOT NULL ORDER BY i LOOP
		n := n + 1;
		i := o.i;
		ewma := 0.1 * o.x + 0.9 * ewma;
		distance := 2.7 * sigma * sqrt(0.1 / 1.9 * (1 - 0.9 ^ (2 * n)));
		high := greatest(0, high + o.x - target - 0.25 * sigma);
		low := greatest(0, low + target - o.x - 0.25 * sigma);
		RETURN NEXT;
	END LOOP;
END
$$;
SELECT count(*) AS points, max(greatest(off((e).value, ewma), off((e).upper - (e).centre, distance), off((c).decision_limit, most), off((c).high, high), off((c).low, low))) < 1e-9 AS same,
	bool_and((e).signal = (abs(ewma - (e).centre) > distance)) AND bool_and((c).signal = (greatest(high, low) > most)) AS same_signals, count(*) FILTER (WHERE (e).signal) > 0 AND count(*) FILTER (WHERE (c).signal) > 0 AS some_signal
FROM generate_series(1, 3) AS s CROSS JOIN LATERAL one_by_one(s) AS o
JOIN (SELECT s, i, cx.ewma_chart(x, 30, 0.1, 2.7) OVER w AS e, cx.cusum_chart(x, 30, 0.25, 4) OVER w AS c FROM series WINDOW w AS (PARTITION BY s ORDER BY i)) AS chart USING (s, i);

-- nothing, one, all the same, all or none affected
SELECT cx.xmr_chart(x) OVER () FROM (SELECT NULL::float8 AS x WHERE false) AS none;
SELECT cx.xmr_chart(x) OVER () AS xmr, cx.mr_chart(x) OVER () AS mr, cx.ewma_chart(x) OVER () AS ewma, cx.cusum_chart(x) OVER () AS cusum FROM (VALUES (NULL::float8)) AS v (x);
SELECT cx.xmr_chart(x) OVER () AS xmr, cx.mr_chart(x) OVER () AS mr, cx.ewma_chart(x) OVER () AS ewma, cx.cusum_chart(x) OVER () AS cusum, cx.p_chart(1, 4) OVER () AS p, cx.p_chart(1, 4, true) OVER () AS laney, cx.nps_chart('{0:1,10:1}') OVER () AS nps FROM (VALUES (7.0)) AS v (x);
SELECT cx.xmr_chart(x, '{1,2,3,4,5,6,7,8}') OVER w AS xmr, cx.mr_chart(x) OVER w AS mr, cx.ewma_chart(x) OVER w AS ewma, cx.cusum_chart(x) OVER w AS cusum FROM (SELECT 7.0 AS x FROM generate_series(1, 20)) AS v WINDOW w AS () LIMIT 1;
SELECT cx.p_chart(x, 5) OVER (PARTITION BY x) AS p, cx.p_chart(x, 5, true) OVER (PARTITION BY x) AS laney FROM (VALUES (0), (0), (5), (5)) AS v (x);
SELECT cx.nps_chart(t::cx.tally) OVER () FROM (VALUES ('{}'), ('{10:3}'), (NULL), ('{10:1}')) AS v (t);

-- what is refused
\set VERBOSITY default
SELECT cx.xmr_chart('NaN') OVER ();
SELECT cx.ewma_chart('-infinity') OVER ();
SELECT cx.p_chart(-1, 3) OVER ();
SELECT cx.p_chart(4, 3) OVER ();
SELECT cx.p_chart(1, 3, NULL) OVER ();
SELECT cx.xmr_chart(1, '{0}') OVER ();
SELECT cx.xmr_chart(1, '{1,NULL}') OVER ();
SELECT cx.xmr_chart(1, NULL) OVER ();
SELECT cx.ewma_chart(1, 1) OVER ();
SELECT cx.ewma_chart(1, 20, 0) OVER ();
SELECT cx.ewma_chart(1, 20, 1.1) OVER ();
SELECT cx.ewma_chart(1, 20, 'NaN') OVER ();
SELECT cx.ewma_chart(1, 20, 0.2, 0) OVER ();
SELECT cx.cusum_chart(1, 20, -1) OVER ();
SELECT cx.cusum_chart(1, 20, 0, 0) OVER ();
SELECT cx.cusum_chart(1, NULL) OVER ();
SELECT cx.xmr_chart(1);

DROP FUNCTION one_by_one, off;
DROP TABLE series, counted;
