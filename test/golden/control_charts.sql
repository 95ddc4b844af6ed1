-- Golden values of control charts: the incident log by weekday and the flow of
-- the Nile, against values that an independent program (R) computed from the
-- same files.  Left alone: charts of counts and change points, which cx has not
-- got, and limits rounded as in printed tables.
-- Run from the folder that holds data/ and golden/; test/t/002_golden.pl does so.
-- Prints TAP.  A value is met with a relative error of at most 1e-9 (absolute
-- 1e-12 where it is 0), and the line says how many values there have to be.

\set ON_ERROR_STOP on
\set QUIET on
\pset tuples_only on
\pset format unaligned
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS cx;

CREATE TEMP TABLE golden (sample text, statistic text, expected double precision);
CREATE TEMP TABLE computed (sample text, statistic text, actual double precision);
\copy golden FROM 'golden/control_charts.csv' CSV HEADER
CREATE TEMP TABLE incident (day date, opened bigint, sla_missed bigint, resolved bigint, median_hours double precision, mean_hours double precision);
\copy incident FROM 'data/incident_daily.csv' CSV HEADER
DELETE FROM incident WHERE extract(isodow FROM day) > 5;
CREATE TEMP TABLE nile (year integer, flow double precision);
\copy nile FROM 'data/nile.csv' CSV HEADER

-- shares
CREATE TEMP TABLE share AS
SELECT day, opened, cx.p_chart(sla_missed, opened) OVER w AS p, cx.p_chart(sla_missed, opened, laney => true) OVER w AS laney
FROM incident WINDOW w AS (ORDER BY day);
INSERT INTO computed
SELECT 'incidents|p_sla_missed|weekdays', v.*
FROM (SELECT count(*) AS k, max((p).centre) AS centre, count(*) FILTER (WHERE (p).signal) AS out, count(*) FILTER (WHERE (laney).signal) AS out_laney,
		max(((laney).upper - (laney).centre) / ((p).upper - (p).centre)) AS sigma_z FROM share) AS s,
	LATERAL (VALUES ('k', k), ('p_bar', centre / 100), ('out_3sigma', out), ('out_laney', out_laney), ('sigma_z', sigma_z)) AS v (statistic, actual)
UNION ALL
SELECT 'incidents|p_sla_missed|weekdays|' || day, v.*
FROM share, LATERAL (VALUES ('n', opened), ('p', (p).value / 100), ('ucl', (p).upper / 100), ('lcl', (p).lower / 100), ('z', ((p).value - (p).centre) * 3 / ((p).upper - (p).centre)),
	('laney_ucl', (laney).upper / 100), ('laney_lcl', (laney).lower / 100), ('out', (p).signal::integer)) AS v (statistic, actual);

-- individual values
CREATE TEMP TABLE individual AS
SELECT sample, label, x, cx.xmr_chart(x, '{1,2,3,4,5,6,7,8}') OVER w AS c, cx.mr_chart(x) OVER w AS m
FROM (SELECT 'incidents|xmr_mean_hours|weekdays' AS sample, day::text AS label, mean_hours AS x FROM incident
	UNION ALL SELECT 'incidents|xmr_opened|weekdays', day::text, opened FROM incident
	UNION ALL SELECT 'nile|xmr', year::text, flow FROM nile) AS series
WINDOW w AS (PARTITION BY sample ORDER BY label);
INSERT INTO computed
SELECT sample, v.*
FROM (SELECT sample, count(*) AS n, max((c).centre) AS centre, max((m).centre) AS mr_bar, max((c).upper) AS ucl, max((c).lower) AS lcl,
		max((m).upper) AS mr_ucl, count(*) FILTER (WHERE (m).signal) AS mr_out FROM individual GROUP BY sample) AS s,
	LATERAL (VALUES ('n', n), ('center', centre), ('mr_bar', mr_bar), ('sigma', (ucl - centre) / 3), ('ucl', ucl), ('lcl', lcl), ('mr_ucl', mr_ucl), ('mr_out_count', mr_out)) AS v (statistic, actual)
UNION ALL
SELECT sample, format('nelson_%s_count', rule), count(*) FILTER (WHERE (c).rule ~ ('(^|, )' || rule || ' ')) FROM individual, generate_series(1, 8) AS rule GROUP BY sample, rule
UNION ALL
SELECT sample || '|' || label, 'nelson_' || rule, (coalesce((c).rule, '') ~ ('(^|, )' || rule || ' '))::integer FROM individual, generate_series(1, 8) AS rule
UNION ALL
SELECT sample || '|' || label, 'value', x FROM individual;

-- moving averages and cumulative sums
CREATE TEMP TABLE moving AS
SELECT sample, label, x, row_number() OVER w AS i, cx.ewma_chart(x, 20) OVER w AS e20, cx.ewma_chart(x, 10) OVER w AS e10, cx.cusum_chart(x, 20) OVER w AS c20, cx.cusum_chart(x, 10) OVER w AS c10
FROM (SELECT 'incidents|ewma_cusum_mean_hours|weekdays' AS sample, day::text AS label, mean_hours AS x FROM incident
	UNION ALL SELECT 'incidents|ewma_cusum_sla_missed|weekdays', day::text, sla_missed::double precision / opened FROM incident
	UNION ALL SELECT 'nile|ewma_cusum', year::text, flow FROM nile) AS series
WINDOW w AS (PARTITION BY sample ORDER BY label);
CREATE TEMP TABLE based AS
SELECT sample, label, x, i, CASE WHEN short THEN e10 ELSE e20 END AS e, CASE WHEN short THEN c10 ELSE c20 END AS c
FROM moving, LATERAL (SELECT sample ~ 'sla_missed' AS short) AS base;
INSERT INTO computed
SELECT sample, v.*
FROM (SELECT sample, max((e).centre) AS target, max((c).decision_limit) / 5 AS sigma, min(i) FILTER (WHERE (e).signal) AS ewma,
		min(i) FILTER (WHERE (c).rule ~ 'up') AS high, min(i) FILTER (WHERE (c).rule ~ 'down') AS low FROM based GROUP BY sample) AS s,
	LATERAL (VALUES ('target', target), ('sigma', sigma), ('first_ewma_signal', ewma), ('first_cusum_hi_signal', high), ('first_cusum_lo_signal', low)) AS v (statistic, actual)
UNION ALL
SELECT sample || '|' || label, v.*
FROM based, LATERAL (VALUES ('x', x), ('ewma', (e).value), ('ewma_ucl', (e).upper), ('ewma_lcl', (e).lower), ('ewma_out', (e).signal::integer),
	('cusum_hi', (c).high), ('cusum_lo', (c).low), ('cusum_hi_std', (c).high * 5 / (c).decision_limit), ('cusum_lo_std', (c).low * 5 / (c).decision_limit), ('cusum_out', (c).signal::integer)) AS v (statistic, actual);

CREATE TEMP TABLE compared AS
SELECT chart, g.*, c.actual, c.sample IS NOT NULL AS found,
	CASE WHEN expected IS NULL THEN c.actual IS NULL
		WHEN expected = 0 THEN abs(c.actual) <= 1e-12
		ELSE abs(c.actual - expected) <= 1e-9 * abs(expected) END IS TRUE AS met
FROM golden AS g
JOIN (VALUES
	('p chart', 'p_sla_missed', '^(k|p_bar|out_3sigma|out_laney|sigma_z|n|p|ucl|lcl|z|laney_ucl|laney_lcl|out)$'),
	('individual values', 'xmr', '^(n|center|mr_bar|sigma|ucl|lcl|mr_ucl|mr_out_count|nelson_.*|value)$'),
	('moving averages and cumulative sums', 'ewma_cusum', '^(target|sigma|first_.*|x|ewma|ewma_ucl|ewma_lcl|ewma_out|cusum_.*)$')
) AS covered (chart, samples, statistics) ON g.sample ~ samples AND g.statistic ~ statistics
LEFT JOIN computed AS c USING (sample, statistic);

SELECT '1..3';
SELECT format('%s - control_charts.csv, %s: %s of %s values met', CASE WHEN count(*) = wanted AND bool_and(found AND met) THEN 'ok' ELSE 'not ok' END,
	chart, count(*) FILTER (WHERE found AND met), wanted)
FROM (VALUES ('p chart', 485), ('individual values', 417), ('moving averages and cumulative sums', 2215)) AS charts (chart, wanted)
LEFT JOIN compared USING (chart)
GROUP BY chart, wanted ORDER BY chart;
SELECT format('# %s %s: expected %s, got %s', sample, statistic, expected, CASE WHEN found THEN coalesce(actual::text, 'NULL') ELSE 'nothing' END)
FROM compared WHERE NOT (found AND met) ORDER BY sample, statistic LIMIT 40;
