-- the picture of survival curves: what it shows, where it stands, and that texts stay texts
SET timezone = 'UTC';
SET extra_float_digits = 0;
SET jit = off;
\set SHOW_CONTEXT never
\set VERBOSITY default

-- what an XML parser finds: texts of elements, without the tooltips in them
CREATE FUNCTION pg_temp.texts(svg text, path text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT value FROM XMLTABLE(XMLNAMESPACES('http://www.w3.org/2000/svg' AS s), path PASSING xmlparse(DOCUMENT svg) COLUMNS number FOR ORDINALITY, value text PATH 'string(.)') ORDER BY number
$$;
CREATE FUNCTION pg_temp.said(svg text, path text DEFAULT '//s:text') RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(value, ' | ') FROM pg_temp.texts(svg, path) AS value
$$;

-- worked by hand: of four on plan a one leaves after 2 months and one after 4, of two on plan b one after 1; the others are seen for 5, 10 and 3 months
CREATE TABLE stay (plan text, months integer, has_left boolean);
INSERT INTO stay VALUES ('a', 2, true), ('a', 4, true), ('a', 5, false), ('a', 10, false), ('b', 1, true), ('b', 3, false), ('b', NULL, true), ('c', 4, NULL);
\set query 'SELECT months AS duration, has_left AS ended, plan AS breakdown FROM stay'
SELECT * FROM cx.survival_curves(:'query');
SELECT cx.survival_svg(:'query', 'months', 'Stay & <leave>') AS svg \gset
SELECT * FROM pg_temp.texts(:'svg', '//s:text');
SELECT * FROM pg_temp.texts(:'svg', '//s:title | //s:desc');
-- a field of 600 x 330 pixels from (300, 104) on for 10 months: a falls at 420 to 186.5 and at 540 to 269; bands, steps and marks of both
SELECT path FROM XMLTABLE(XMLNAMESPACES('http://www.w3.org/2000/svg' AS s), '//s:path' PASSING xmlparse(DOCUMENT :'svg') COLUMNS path text PATH '@d');
SELECT name, count(*) FROM XMLTABLE('//*' PASSING xmlparse(DOCUMENT :'svg') COLUMNS name text PATH 'name()') GROUP BY name ORDER BY name COLLATE "C";
SELECT string_agg(DISTINCT name, ' ' ORDER BY name) AS attributes FROM XMLTABLE('//@*' PASSING xmlparse(DOCUMENT :'svg') COLUMNS name text PATH 'name()');
SELECT xpath('/s:svg/@role', xmlparse(DOCUMENT :'svg'), '{{s,http://www.w3.org/2000/svg}}') AS role, xpath('/s:svg/@aria-label', xmlparse(DOCUMENT :'svg'), '{{s,http://www.w3.org/2000/svg}}') AS label,
	:'svg' ~ '^[ -~\n]*$' AS plain_ascii, :'svg' ~ '(script|href|url\(|<style|<!|\son\w+=)' AS dangerous;

-- without a breakdown, with one that is not known, of whole numbers as truth values, of intervals
SELECT pg_temp.said(cx.survival_svg('SELECT months AS duration, has_left AS ended FROM stay'));
SELECT pg_temp.said(cx.survival_svg('SELECT months AS duration, has_left::integer AS ended, nullif(plan, ''b'') AS breakdown FROM stay'), '//s:desc');
SELECT pg_temp.said(cx.survival_svg('SELECT months * interval ''1 day'' AS duration, has_left AS ended FROM stay; -- all', 'days'), '//s:desc');
-- nobody; one; durations of 0, all censored; far apart and close together
SELECT pg_temp.said(cx.survival_svg('SELECT months AS duration, has_left AS ended FROM stay WHERE false'), '//s:text | //s:desc');
SELECT pg_temp.said(cx.survival_svg('SELECT 5 AS duration, true AS ended'), '//s:text | //s:desc');
SELECT pg_temp.said(cx.survival_svg('SELECT 0 AS duration, false AS ended'), '//s:text | //s:desc');
SELECT d, pg_temp.said(cx.survival_svg(format('SELECT %s::float8 AS duration, true AS ended', d)), '//s:text[@font-size="11"]') AS axis FROM unnest('{5e-324,1e-299,0.003,1,9,99,12345678,1e15,1.7e308}'::text[]) AS d;
-- at most eight curves, the largest first; intervals of at most four; the test of at most a hundred
SELECT pg_temp.said(svg, '//s:text[@font-weight and @font-size="13"]') AS groups, pg_temp.said(svg, '(//s:text)[2]') AS subtitle, (SELECT count(*) FROM pg_temp.texts(svg, '//s:path[@fill-opacity]')) AS bands
FROM cx.survival_svg('SELECT n % 20 AS duration, n % 3 = 0 AS ended, floor(sqrt(n)) AS breakdown FROM generate_series(1, 143) AS n') AS svg;
SELECT pg_temp.said(cx.survival_svg('SELECT n % 20 AS duration, n % 3 = 0 AS ended, n % 101 AS breakdown FROM generate_series(1, 1000) AS n'), '(//s:text)[2]') AS subtitle;
-- a hundred thousand steps take no more than the picture shows, and customers are marked only where they are few
SELECT length(cx.survival_svg('SELECT n / 7.0 AS duration, n % 3 > 0 AS ended FROM generate_series(1, 100000) AS n')) < 50000 AS bounded;

-- always the same, whatever the session is set to and finds in its path; the query runs with the path of the caller
SELECT md5(cx.survival_svg('SELECT months AS duration, has_left AS ended, plan AS breakdown FROM public.stay')) AS before \gset
CREATE SCHEMA cx_regress_trap;
CREATE FUNCTION cx_regress_trap.count() RETURNS bigint LANGUAGE sql AS 'SELECT 1 / 0';
CREATE FUNCTION cx_regress_trap.fail(anyelement, anyelement) RETURNS boolean LANGUAGE sql AS 'SELECT 1 / 0 > 0';
CREATE OPERATOR cx_regress_trap.< (LEFTARG = anyelement, RIGHTARG = anyelement, FUNCTION = cx_regress_trap.fail);
CREATE OPERATOR cx_regress_trap.<= (LEFTARG = anyelement, RIGHTARG = anyelement, FUNCTION = cx_regress_trap.fail);
CREATE OPERATOR cx_regress_trap.= (LEFTARG = anyelement, RIGHTARG = anyelement, FUNCTION = cx_regress_trap.fail);
SET search_path = cx_regress_trap, pg_catalog;
SET extra_float_digits = -5;
SELECT md5(cx.survival_svg('SELECT months AS duration, has_left AS ended, plan AS breakdown FROM public.stay')) OPERATOR(pg_catalog.=) :'before' AS same;
RESET search_path;
SET extra_float_digits = 0;
SET client_min_messages = warning;
DROP SCHEMA cx_regress_trap CASCADE;
RESET client_min_messages;

-- texts stay texts: title, unit and breakdown; what is long is cut, what is empty says so
SELECT count(*) FILTER (WHERE title = name) AS titles, count(*) FILTER (WHERE strpos(title, name || ': 3 customers') = 1) AS groups, count(*) AS all, (SELECT count(*) FROM pg_temp.texts(max(svg), '//*[not(contains("svg title desc text tspan g rect path line", local-name()))]')) AS others
FROM unnest(ARRAY[
	'</text><script>alert(1)</script>', '</title></svg><script xmlns="http://www.w3.org/1999/xhtml">alert(1)</script>', '"/><script/>', '''"`&amp;&#60;b&#62;&lt;b&gt;', ']]><![CDATA[<b/>', '<!-- <?xml ?> -->',
	'100 % %s %n %d $1 {0} \u0041 \', E'two\nlines\tand more', '客户旅程：从选择到推荐', 'رحلة العميل', U&'\202Eevil\202C', '👩‍👩‍👧 😀', U&'e\0301\0302'
]) WITH ORDINALITY AS n (name, number), cx.survival_svg(format('SELECT months AS duration, has_left AS ended, %L::text AS breakdown FROM stay WHERE plan = ''b'' OR months = 2 UNION ALL SELECT 1, true, ''other'' FROM generate_series(1, 9)', name), name, name) AS svg, pg_temp.texts(svg, '//s:title') AS title
GROUP BY number ORDER BY number;
SELECT name_length, pg_temp.said(svg, '//s:text[@font-weight and @font-size="13"]') AS shown, length(svg) < 20000 AS bounded FROM unnest('{0,1,500,100000}'::integer[]) AS name_length, cx.survival_svg(format('SELECT 1 AS duration, true AS ended, %L::text AS breakdown', repeat('长', name_length)), repeat('u', name_length), repeat('t', name_length)) AS svg;

-- errors
SELECT cx.survival_svg(NULL);
SELECT cx.survival_svg('SELECT months, has_left AS ended FROM stay');
SELECT cx.survival_svg('SELECT months AS duration, has_left AS ended, 1 AS breakdown, 2 AS breakdown FROM stay');
SELECT cx.survival_svg('SELECT -months AS duration, has_left AS ended FROM stay');
SELECT cx.survival_svg('SELECT 1 / (months - 4) AS duration, has_left AS ended FROM stay');
SELECT cx.survival_svg('DELETE FROM stay');
SELECT cx.survival_curves('TABLE stay; TABLE stay');
-- it reads with the rights of the caller
CREATE ROLE cx_regress_reader;
SET ROLE cx_regress_reader;
SELECT cx.survival_svg('SELECT months AS duration, has_left AS ended FROM stay');
RESET ROLE;
GRANT SELECT ON stay TO cx_regress_reader;
SET ROLE cx_regress_reader;
SELECT length(cx.survival_svg('SELECT months AS duration, has_left AS ended FROM stay')) > 1000 AS drawn;
RESET ROLE;
DROP TABLE stay;
DROP ROLE cx_regress_reader;
