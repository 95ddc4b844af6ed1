-- pictures of how good predictions were: what they show, where it stands, and that texts stay texts
SET extra_float_digits = 0;
SET jit = off;
\set SHOW_CONTEXT never

-- what an XML parser finds: texts of elements, without the tooltips in them
CREATE FUNCTION pg_temp.texts(svg text, path text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT value FROM XMLTABLE(XMLNAMESPACES('http://www.w3.org/2000/svg' AS s), path PASSING xmlparse(DOCUMENT svg) COLUMNS number FOR ORDINALITY, value text PATH 'string(.)') ORDER BY number
$$;
CREATE FUNCTION pg_temp.said(svg text, path text DEFAULT '//s:text') RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(value, ' | ') FROM pg_temp.texts(svg, path) AS value
$$;

-- a score that tells something: events are the more frequent the higher it is
CREATE TABLE report AS SELECT 'model' AS name, cx.evaluation(n / 1000.0, n * 7 % 1000 < n) AS report FROM generate_series(1, 1000) AS n;
INSERT INTO report SELECT 'perfect', cx.evaluation(n % 2, n % 2 = 1) FROM generate_series(1, 12) AS n;
INSERT INTO report SELECT 'constant', cx.evaluation(0.25, n % 4 = 1) FROM generate_series(1, 40) AS n;
INSERT INTO report SELECT 'no event', cx.evaluation(n / 20.0, false) FROM generate_series(1, 20) AS n;
INSERT INTO report SELECT 'one row', cx.evaluation(0.5, true);
INSERT INTO report SELECT 'rare', cx.evaluation(n / 1e6, n % 500 = 0) FROM generate_series(1, 20000) AS n;

SELECT cx.roc_svg(report, 'Churn & more') AS roc, cx.lift_svg(report) AS lift, cx.calibration_svg(report, '') AS calibration FROM report WHERE name = 'model' \gset
SELECT * FROM pg_temp.texts(:'roc', '//s:text | //s:desc');
SELECT * FROM pg_temp.texts(:'lift', '//s:text | //s:desc');
SELECT * FROM pg_temp.texts(:'calibration', '//s:text | //s:desc');
SELECT value FROM pg_temp.texts(:'roc', '//s:circle/s:title') WITH ORDINALITY AS t (value, n) WHERE n BETWEEN 2 AND 4;
SELECT value FROM pg_temp.texts(:'lift', '//s:g/s:title') WITH ORDINALITY AS t (value, n) WHERE n BETWEEN 2 AND 4;
SELECT value FROM pg_temp.texts(:'calibration', '//s:g/s:title') WITH ORDINALITY AS t (value, n) WHERE n BETWEEN 2 AND 4;

-- a curve through all points of the table, in a square of 400 pixels
SELECT count(*) = (SELECT count(*) FROM report, cx.roc_table(report) WHERE name = 'model') AS points, bool_and(abs(x - 80 - 400 * false_positive_rate) <= 0.0501 AND abs(530 - y - 400 * true_positive_rate) <= 0.0501) AS placed
FROM (SELECT n AS number, split_part(point, ' ', 1)::double precision AS x, split_part(point, ' ', 2)::double precision AS y
	FROM XMLTABLE(XMLNAMESPACES('http://www.w3.org/2000/svg' AS s), '//s:path[@fill="none"]' PASSING xmlparse(DOCUMENT :'roc') COLUMNS d text PATH '@d'), regexp_split_to_table(substr(d, 2), 'L') WITH ORDINALITY AS p (point, n)) AS drawn
JOIN (SELECT t.* FROM report, cx.roc_table(report) WITH ORDINALITY AS t (threshold, false_positive_rate, true_positive_rate, number) WHERE name = 'model') AS t USING (number);
-- bars of 260 pixels for the whole scale, which ends at a round number above the highest
SELECT count(*), bool_and(abs(height - 260 * rate) <= 1) AS placed, bool_and((fill = '#0072b2') = (lift >= 1)) AS coloured
FROM XMLTABLE(XMLNAMESPACES('http://www.w3.org/2000/svg' AS s), '//s:g/s:rect' PASSING xmlparse(DOCUMENT :'lift') COLUMNS number FOR ORDINALITY, height integer PATH '@height', fill text PATH '@fill') AS b
JOIN (SELECT t.* FROM report, cx.lift_table(report) AS t WHERE name = 'model') AS t ON t.decile = b.number;
-- dots where they belong
SELECT count(*), bool_and(abs(x - 80 - 400 * predicted) <= 0.0501 AND abs(530 - y - 400 * observed) <= 0.0501) AS placed
FROM XMLTABLE(XMLNAMESPACES('http://www.w3.org/2000/svg' AS s), '//s:circle' PASSING xmlparse(DOCUMENT :'calibration') COLUMNS number FOR ORDINALITY, x double precision PATH '@cx', y double precision PATH '@cy') AS c
JOIN (SELECT t.* FROM report, cx.calibration_table(report) AS t WHERE name = 'model') AS t ON t.bin = c.number;

-- pictures that readers of screens know, without styles, links or scripts
SELECT string_agg(DISTINCT name, ' ' ORDER BY name) AS attributes FROM XMLTABLE('//@*' PASSING xmlparse(DOCUMENT '<all>' || :'roc' || :'lift' || :'calibration' || '</all>') COLUMNS name text PATH 'name()');
SELECT pg_temp.said(:'roc', '/s:svg/s:title') AS title, (:'roc' || :'lift' || :'calibration') ~ '^[ -~\n]*$' AS plain_ascii, (:'roc' || :'lift' || :'calibration') ~ '(script|href|url\(|<style|<!|\son\w+=)' AS dangerous;

-- what cannot be drawn or told; scales of what is rare
SELECT name, pg_temp.said(cx.roc_svg(report), '//s:text[@font-size="22" or @font-size="14"]') AS roc, pg_temp.said(cx.lift_svg(report), '//s:text[@text-anchor="end"]') AS lift, pg_temp.said(cx.calibration_svg(report), '//s:text[@font-size="22"] | //s:text[@text-anchor="end"]') AS calibration
FROM report WHERE name <> 'model' ORDER BY name COLLATE "C";
SELECT pg_temp.said(cx.lift_svg(report), '//s:text[@font-size="14" or @font-size="13"]') AS few FROM report WHERE name = 'one row';
SELECT pg_temp.said(cx.roc_svg(report), '(//s:text)[2]') AS subtitle FROM (SELECT cx.evaluation(0.5, n = 1) AS report FROM generate_series(1, 12345) AS n) AS r;
SELECT scale, pg_temp.said(svg, '//s:text[@text-anchor="end"]') AS numbers FROM unnest('{1,0.9,0.5,0.41,0.3,0.21,0.2,0.101,0.1,0.03,0.00041,1e-9}'::double precision[]) WITH ORDINALITY AS s (scale, n),
	LATERAL cx.lift_svg(jsonb_build_object('kind', 'probability', 'rows', 1, 'events', 0, 'base_rate', 0, 'brier', 0, 'log_loss', 0, 'calibration_error', 0, 'lift', jsonb_build_array(jsonb_build_object('decile', 1, 'rows', 1, 'rate', scale, 'lowest_probability', 0)))) AS svg ORDER BY n;

-- texts stay texts
SELECT title, title = ALL (ARRAY[pg_temp.said(cx.roc_svg(report, title), '/s:svg/s:title'), pg_temp.said(cx.lift_svg(report, title), '/s:svg/s:title'), pg_temp.said(cx.calibration_svg(report, title), '/s:svg/s:title')]) AS same
FROM report, unnest(ARRAY['<script>alert(1)</script>', '"''&amp;', ']]>', '%s%n']) AS title WHERE name = 'model';

-- NULL, and what is no report
SELECT cx.roc_svg(NULL::jsonb) IS NULL AS roc, cx.lift_svg(NULL::jsonb, 'x') IS NULL AS lift, cx.calibration_svg(NULL::jsonb) IS NULL AS calibration;
SELECT cx.roc_svg('{}'::jsonb);
SELECT cx.lift_svg(cx.evaluation_of_numbers(n, n)) FROM generate_series(1, 2) AS n;
SELECT cx.roc_svg('[]'::jsonb);
SELECT cx.roc_svg('null'::jsonb);
SELECT cx.roc_svg('{"rows": "many"}'::jsonb);
CREATE FUNCTION pg_temp.attempt(change jsonb, kind text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE changed jsonb := (SELECT report FROM report WHERE name = 'perfect') || change;
BEGIN
	RETURN CASE kind WHEN 'roc' THEN cx.roc_svg(changed) WHEN 'lift' THEN cx.lift_svg(changed) ELSE cx.calibration_svg(changed) END;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
SELECT kind, change, left(pg_temp.attempt(change::jsonb, kind), 80) AS outcome FROM (VALUES
	('roc', '{"rows": 0}'), ('roc', '{"rows": -1}'), ('roc', '{"rows": null}'), ('roc', '{"events": 13}'), ('roc', '{"base_rate": 1.5}'), ('roc', '{"base_rate": null}'), ('roc', '{"auc": -1}'), ('roc', '{"ks": 1e300}'), 
	('roc', '{"roc": 1}'), ('roc', '{"roc": [1]}'), ('roc', '{"roc": [{}]}'), ('roc', '{"roc": [{"false_positive_rate": 2, "true_positive_rate": 0}]}'), ('roc', '{"roc": [{"false_positive_rate": 0, "true_positive_rate": -0.1}]}'), ('roc', '{"roc": [{"false_positive_rate": 0, "true_positive_rate": 1, "threshold": 7}]}'),
	('lift', '{"lift": [{"decile": 11, "rate": 0, "lowest_probability": 0}]}'), ('lift', '{"lift": [{"decile": null, "rate": 0, "lowest_probability": 0}]}'), ('lift', '{"lift": [{"decile": 1, "rate": 2, "lowest_probability": 0}]}'), ('lift', '{"lift": [{"decile": 1, "rate": 1, "lift": -1, "lowest_probability": 0}]}'), ('lift', '{"lift": [{"decile": 1, "rate": 1}]}'), ('lift', '{"lift": [{"decile": 99999999999, "rate": 1}]}'),
	('calibration', '{"calibration": [{"predicted": 0.5, "observed": 0.5}]}'), ('calibration', '{"calibration": [{"predicted": 0.5, "observed": 0.5, "observed_lower": 0, "observed_upper": 2}]}'), ('calibration', '{"brier": null}'), ('calibration', '{"log_loss": -1}')
) AS v (kind, change);
SELECT left(pg_temp.attempt(jsonb_build_object('roc', (SELECT jsonb_agg(jsonb_build_object('false_positive_rate', 0, 'true_positive_rate', 0)) FROM generate_series(1, 1001))), 'roc'), 60) AS too_many_points,
	left(pg_temp.attempt(jsonb_build_object('lift', (SELECT jsonb_agg(jsonb_build_object('decile', 1, 'rate', 0, 'lowest_probability', 0)) FROM generate_series(1, 11))), 'lift'), 60) AS too_many_tenths;
-- nothing but what is said of all rows
SELECT kind, length(pg_temp.attempt('{"roc": [], "lift": [], "calibration": []}', kind)) > 1000 AS drawn FROM unnest('{roc,lift,calibration}'::text[]) AS kind;

DROP TABLE report;
