-- pictures of funnels and paths: what they show, where it stands, and that texts stay texts
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

-- funnels

-- worked by hand: 8 customers entered in time, 5 looked further after 1, 2, 3, 4 and 5 hours, 2 bought; 2 entered on the last day, one of whom looked further
CREATE TABLE visit (customer integer, at timestamptz, step text, channel text);
INSERT INTO visit
SELECT c, timestamptz '2026-05-01 10:00', 'enter', CASE WHEN c > 6 THEN 'shop' ELSE 'web' END FROM generate_series(1, 8) AS c
UNION ALL SELECT c, timestamptz '2026-05-01 10:00' + c * interval '1 hour', 'look', 'any' FROM generate_series(1, 5) AS c
UNION ALL SELECT c, timestamptz '2026-05-04 10:00', 'buy', 'any' FROM generate_series(2, 3) AS c
UNION ALL SELECT c, timestamptz '2026-05-30 10:00', 'enter', 'shop' FROM generate_series(9, 10) AS c
UNION ALL SELECT 9, timestamptz '2026-05-30 11:00', 'look', 'any';
SELECT cx.funnel_svg('TABLE visit', '{enter,look,buy}', '7 days', '2026-06-01', 'Visit & buy') AS svg \gset
SELECT * FROM pg_temp.texts(:'svg', '//s:text');
SELECT * FROM pg_temp.texts(:'svg', '//s:title | //s:desc');
-- bars of 400 pixels for those who entered, the intervals of all steps but the first, and the medians are those of cx.funnel
SELECT f.step, round(4 * f.from_first) = b.width AS same, pg_temp.said(:'svg') LIKE '%' || round(f.from_first_lower::numeric, 1) || ' to ' || round(f.from_first_upper::numeric, 1) || '%' AS has_interval,
	f.median_seconds / 3600 AS median_hours
FROM cx.funnel('TABLE visit', '{enter,look,buy}', '7 days', '2026-06-01') AS f
JOIN XMLTABLE(XMLNAMESPACES('http://www.w3.org/2000/svg' AS s), '//s:rect[@fill="#0072b2"]' PASSING xmlparse(DOCUMENT :'svg') COLUMNS number FOR ORDINALITY, width integer PATH '@width') AS b ON b.number = f.step_number
ORDER BY f.step_number;
-- a picture that readers of screens know, without styles, links or scripts
SELECT name, count(*) FROM XMLTABLE('//*' PASSING xmlparse(DOCUMENT :'svg') COLUMNS name text PATH 'name()') GROUP BY name ORDER BY name COLLATE "C";
SELECT string_agg(DISTINCT name, ' ' ORDER BY name) AS attributes FROM XMLTABLE('//@*' PASSING xmlparse(DOCUMENT :'svg') COLUMNS name text PATH 'name()');
SELECT xpath('/s:svg/@role', xmlparse(DOCUMENT :'svg'), '{{s,http://www.w3.org/2000/svg}}') AS role, xpath('/s:svg/@aria-label', xmlparse(DOCUMENT :'svg'), '{{s,http://www.w3.org/2000/svg}}') AS label,
	:'svg' ~ '^[ -~\n]*$' AS plain_ascii, :'svg' ~ '(script|href|url\(|<style|<!|\son\w+=)' AS dangerous;

-- of each value of a breakdown a funnel, the largest first
SELECT cx.funnel_svg('SELECT *, channel AS breakdown FROM visit', '{enter,look,buy}', '7 days', '2026-06-01') AS by_channel \gset
SELECT pg_temp.said(:'by_channel', '//s:text[@font-size="16" and @text-anchor="start"]') AS blocks, pg_temp.said(:'by_channel', '//s:text[@font-size="16" and @text-anchor="end"]') AS reached,
	pg_temp.said(:'by_channel', '/s:svg/s:title') AS title, pg_temp.said(:'by_channel', '//s:desc') AS description;
-- at most eight, and one that is not known
SELECT pg_temp.said(svg, '//s:text[@font-size="16" and @text-anchor="start"]') AS blocks, pg_temp.said(svg, '//s:text[@font-size="16" and @text-anchor="end"]') AS reached, pg_temp.said(svg, '//s:text[starts-with(., "and ")]') AS rest
FROM cx.funnel_svg('SELECT n AS customer, timestamptz ''2026-05-01'' AS at, ''a'' AS step, nullif(floor(sqrt(n)), 7) AS breakdown FROM generate_series(1, 143) AS n', '{a}', '1 day', '2026-06-01') AS svg;

-- units of the window and of medians; thousands are set apart
SELECT pg_temp.said(cx.funnel_svg('TABLE visit', '{enter}', win, '2026-06-01'), '(//s:text)[2]') AS subtitle
FROM unnest('{1 day,36 hours,90 min,1 day 1 hour 1 min 1 s,0.5 s,1.000001 s,14 days -1 hour,36500 days}'::interval[]) WITH ORDINALITY AS w (win, n) ORDER BY n;
SELECT median, pg_temp.said(svg, '//s:text[contains(., "median")]') AS passage, pg_temp.said(svg, '(//s:text)[2]') AS subtitle
FROM unnest('{0,0.04 s,89.9 s,90 s,89 min,90 min,47.9 hours,48 hours,1200 days}'::interval[]) WITH ORDINALITY AS m (median, n), LATERAL cx.funnel_svg(format(
	'SELECT c AS customer, timestamptz ''2020-01-01'' + s * interval %L AS at, s AS step FROM generate_series(1, 1234) AS c, generate_series(0, 1) AS s', median), '{0,1}', '1500 days', '2026-06-01') AS svg ORDER BY n;
SELECT pg_temp.said(cx.funnel_svg('SELECT c AS customer, timestamptz ''2020-01-01'' AS at, ''a'' AS step FROM generate_series(1, 12345) AS c', '{a,b}', '1 day', '2026-06-01'));

-- nobody, only such as have time left, and nobody at later steps
SELECT pg_temp.said(cx.funnel_svg('SELECT * FROM visit WHERE false', '{enter,look}', '7 days', '2026-06-01'));
SELECT pg_temp.said(cx.funnel_svg('SELECT *, channel AS breakdown FROM visit WHERE false', '{enter,look}', '7 days', '2026-06-01'), '//s:text | //s:desc');
SELECT pg_temp.said(cx.funnel_svg('SELECT * FROM visit WHERE customer > 8', '{enter,look}', '7 days', '2026-06-01'), '//s:text | //s:desc');
SELECT pg_temp.said(cx.funnel_svg('TABLE visit', '{enter,ask,look}', '7 days', '2026-06-01'));
-- as of the time that views look at
SET cx.as_of = '2026-05-05 02:00+02';
SELECT pg_temp.said(cx.funnel_svg('TABLE visit', '{enter}', '1 day'), '(//s:text)[2]');
RESET cx.as_of;

-- paths

-- worked by hand: of 10 customers 5 go a b c, 3 a b, one a a c a, one c
CREATE TABLE click (customer integer, at timestamptz, step text);
INSERT INTO click
SELECT c, timestamptz '2026-05-01' + n * interval '1 min', p.steps[n] FROM generate_series(1, 10) AS c
CROSS JOIN LATERAL (SELECT CASE WHEN c <= 5 THEN '{a,b,c}' WHEN c <= 8 THEN '{a,b}' WHEN c = 9 THEN '{a,a,c,a}' ELSE '{c}' END::text[] AS steps) AS p CROSS JOIN LATERAL generate_subscripts(steps, 1) AS n;
SELECT cx.path_svg('TABLE click', 3, 'Clicks <here>') AS svg \gset
SELECT * FROM pg_temp.texts(:'svg', '//s:text');
SELECT * FROM pg_temp.texts(:'svg', '//s:title | //s:desc');
-- nodes are 380 pixels for all 10 customers; a link is as high as its customers at both ends
SELECT x, height, fill, tooltip FROM XMLTABLE(XMLNAMESPACES('http://www.w3.org/2000/svg' AS s), '//s:g/s:rect[@stroke]' PASSING xmlparse(DOCUMENT :'svg')
	COLUMNS x integer PATH '@x', height numeric PATH '@height', fill text PATH '@fill', tooltip text PATH '../s:title');
SELECT line FROM XMLTABLE(XMLNAMESPACES('http://www.w3.org/2000/svg' AS s), '//s:path' PASSING xmlparse(DOCUMENT :'svg') COLUMNS line text PATH '@d');
SELECT name, count(*) FROM XMLTABLE('//*' PASSING xmlparse(DOCUMENT :'svg') COLUMNS name text PATH 'name()') GROUP BY name ORDER BY name COLLATE "C";
SELECT string_agg(DISTINCT name, ' ' ORDER BY name) AS attributes FROM XMLTABLE('//@*' PASSING xmlparse(DOCUMENT :'svg') COLUMNS name text PATH 'name()');
SELECT :'svg' ~ '^[ -~\n]*$' AS plain_ascii, :'svg' ~ '(script|href|url\(|<style|<!|\son\w+=)' AS dangerous;
-- columns only as far as paths go
SELECT pg_temp.said(cx.path_svg('TABLE click'), '//s:text[@fill="#64707f"]') AS five, pg_temp.said(cx.path_svg('SELECT * FROM click WHERE customer = 10', 10), '//s:text') AS one;

-- links against plain SQL, on random data with at most seven steps, so that none is joined
SELECT setseed(0.7);
CREATE TABLE random_click AS SELECT (random() * 900)::integer AS customer, timestamptz '2026-05-01' + random() * interval '1 day' AS at, (ARRAY['a','b','c','d','end','other','A'])[1 + floor(random() * random() * 7)] AS step FROM generate_series(1, 5000);
CREATE VIEW random_link AS
SELECT p.path[n] AS step, coalesce(p.path[n + 1], 'end') AS next, p.path[n + 1] IS NULL AS is_end, n, sum(p.count) AS customers
FROM cx.path_counts('TABLE random_click', 6, true) AS p CROSS JOIN LATERAL generate_series(1, least(cardinality(p.path), 5)) AS n GROUP BY 1, 2, 3, 4;
SELECT cx.path_svg('TABLE random_click', 6) AS svg \gset
SELECT count(*) AS links, count(*) FILTER (WHERE t.label IS NULL OR l.label IS NULL) AS different
FROM (SELECT format('from %s to %s: %s customer%s,', step, next, customers, CASE WHEN customers <> 1 THEN 's' END) AS label, count(*) AS times FROM random_link GROUP BY 1) AS l
FULL JOIN (SELECT substring(title, '^.*customers?,') AS label, count(*) AS times FROM pg_temp.texts(:'svg', '//s:path/s:title') AS title GROUP BY 1) AS t USING (label, times);

-- of many steps at most eight nodes in a column, the largest first, equals by their bytes; nobody is lost
CREATE TABLE many AS
SELECT c AS customer, timestamptz '2026-05-01' + n * interval '1 min' AS at, 's' || CASE WHEN n = 1 THEN least(c % 9, 7) ELSE floor(sqrt(c * n % 500)) END AS step FROM generate_series(1, 500) AS c, LATERAL generate_series(1, 1 + c % 10) AS n;
SELECT cx.path_svg('TABLE many', 10) AS svg \gset
CREATE FUNCTION pg_temp.nodes(svg text) RETURNS TABLE (x integer, y numeric, name text, customers integer) LANGUAGE sql AS $$
	SELECT x, y, substring(title, '^(.*): '), replace(substring(title, ': ([\d,]+) customer'), ',', '')::integer FROM XMLTABLE(XMLNAMESPACES('http://www.w3.org/2000/svg' AS s), '//s:g/s:rect[@stroke]' PASSING xmlparse(DOCUMENT svg)
		COLUMNS x integer PATH '@x', y numeric PATH '@y', title text PATH '../s:title')
$$;
SELECT row_number() OVER (ORDER BY x) AS step, count(*) AS nodes, sum(customers) AS customers, (SELECT count(*) FROM cx.path_counts('TABLE many', 10) AS p CROSS JOIN generate_series(1, p.count) WHERE cardinality(path) >= dense_rank) AS at_least,
	string_agg(name || ' ' || customers, ', ' ORDER BY y) AS from_above
FROM (SELECT *, dense_rank() OVER (ORDER BY x) FROM pg_temp.nodes(:'svg')) AS n GROUP BY x, dense_rank ORDER BY x;
-- no rectangle of a label overlaps the next one of its column
SELECT count(*) AS labels, count(*) FILTER (WHERE y + height > next_y) AS overlaps
FROM (SELECT *, lead(y) OVER (PARTITION BY x ORDER BY y) AS next_y FROM XMLTABLE(XMLNAMESPACES('http://www.w3.org/2000/svg' AS s), '//s:g/s:rect[@fill-opacity]' PASSING xmlparse(DOCUMENT :'svg')
	COLUMNS x integer PATH '@x', y integer PATH '@y', height integer PATH '@height')) AS l;

-- nothing
SELECT pg_temp.said(cx.path_svg('SELECT * FROM click WHERE false'), '//s:text | //s:desc');
SELECT pg_temp.said(cx.path_svg('SELECT customer, at, NULL::text AS step FROM click', 2, ''), '//s:text');

-- both

-- always the same, whatever the session is set to and finds in its path
SELECT md5(cx.funnel_svg('SELECT *, channel AS breakdown FROM public.visit', '{enter,look,buy}', '7 days', '2026-06-01') || cx.path_svg('TABLE public.many')) AS before \gset
CREATE SCHEMA cx_regress_trap;
CREATE FUNCTION cx_regress_trap.sum(bigint) RETURNS bigint LANGUAGE sql AS 'SELECT 1 / 0';
CREATE FUNCTION cx_regress_trap.to_char(timestamp, text) RETURNS text LANGUAGE sql AS 'SELECT (1 / 0)::text';
CREATE FUNCTION cx_regress_trap.fail(anyelement, anyelement) RETURNS boolean LANGUAGE sql AS 'SELECT 1 / 0 > 0';
CREATE OPERATOR cx_regress_trap.< (LEFTARG = anyelement, RIGHTARG = anyelement, FUNCTION = cx_regress_trap.fail);
CREATE OPERATOR cx_regress_trap.= (LEFTARG = anyelement, RIGHTARG = anyelement, FUNCTION = cx_regress_trap.fail);
SET search_path = cx_regress_trap, pg_catalog;
SET timezone = 'Asia/Tokyo';
SET datestyle = 'SQL, DMY';
SET intervalstyle = 'iso_8601';
SET extra_float_digits = -5;
SELECT md5(cx.funnel_svg('SELECT *, channel AS breakdown FROM public.visit', '{enter,look,buy}', '7 days', '2026-06-01 09:00+09') || cx.path_svg('TABLE public.many')) OPERATOR(pg_catalog.=) :'before' AS same;
RESET search_path;
SET timezone = 'UTC';
RESET datestyle;
RESET intervalstyle;
SET extra_float_digits = 0;
SET client_min_messages = warning;
DROP SCHEMA cx_regress_trap CASCADE;
RESET client_min_messages;
-- the query runs with the path of the caller
SET search_path = pg_temp, public;
SELECT length(cx.funnel_svg('TABLE visit', '{enter}', '1 day', '2026-06-01')) > 1000 AS drawn;
RESET search_path;

-- texts stay texts: title, steps and breakdown
CREATE FUNCTION pg_temp.drawn(svg text, name text) RETURNS text LANGUAGE sql AS $$
	SELECT format('title %s, %s tooltips, %s elements of others', (array_agg(title))[1] = name, count(*) FILTER (WHERE strpos(title, name) > 0),
		(SELECT count(*) FROM pg_temp.texts(svg, '//*[not(contains("svg title desc text tspan g rect path line", local-name()))]')))
	FROM pg_temp.texts(svg, '//s:title') AS title
$$;
SELECT pg_temp.drawn(cx.funnel_svg(format('SELECT customer, at, CASE step WHEN ''look'' THEN %L ELSE step END AS step, %1$L::text AS breakdown FROM visit', name), ARRAY['enter', name], '7 days', '2026-06-01', name), name) AS funnel,
	pg_temp.drawn(cx.path_svg(format('SELECT customer, at, CASE step WHEN ''b'' THEN %L ELSE step END AS step FROM click', name), 3, name), name) AS path
FROM unnest(ARRAY[
	'</text><script>alert(1)</script>', '</title></svg><script xmlns="http://www.w3.org/1999/xhtml">alert(1)</script>', '"/><script/>', '''"`&amp;&#60;b&#62;&lt;b&gt;', ']]><![CDATA[<b/>', '<!-- <?xml ?> -->',
	'100 % %s %n %d $1 {0} \u0041 \', E'two\nlines\tand\r\nmore', '客户旅程：从选择到推荐', 'رحلة العميل', 'שלום', U&'\202Eevil\202C', '👩‍👩‍👧 😀', U&'e\0301\0302'
]) WITH ORDINALITY AS n (name, number) ORDER BY number;
-- characters that XML 1.0 forbids are replaced; what is long is cut, what is empty says so
CREATE FUNCTION pg_temp.shown(name text) RETURNS TABLE (picture text, tooltip text, length integer, shown text) LANGUAGE sql AS $$
	SELECT 'funnel', left(t.title, 20), length(t.title), pg_temp.said(f.svg, '//s:text[@font-size="14" and @font-weight]')
	FROM cx.funnel_svg('TABLE visit', ARRAY['enter', name], '7 days', '2026-06-01', name) AS f (svg) CROSS JOIN LATERAL (SELECT title FROM pg_temp.texts(svg, '//s:title') AS title WHERE title LIKE '%: reached by 0 customers%') AS t
	UNION ALL
	SELECT 'path', left(t.title, 20), length(t.title), pg_temp.said(p.svg, '//s:text[@font-size="13" and @font-weight]')
	FROM cx.path_svg(format('SELECT customer, at, %L AS step FROM click', name), 3, name) AS p (svg) CROSS JOIN LATERAL (SELECT title FROM pg_temp.texts(svg, '//s:title') AS title WHERE title LIKE '%: 10 customers, 100.0 % of all, at step 1') AS t
$$;
SELECT s.* FROM unnest(ARRAY[E'a\x01\x08\x0b\x1f' || U&'\FFFE\FFFF' || 'z', repeat('x', 500), repeat('长', 500), repeat('word ', 1000), '', E' \t\n ']) WITH ORDINALITY AS n (name, number), LATERAL pg_temp.shown(name) AS s ORDER BY number, picture;
SELECT length(title) AS title FROM pg_temp.texts(cx.path_svg('TABLE click', 2, repeat('长', 5000)), '/s:svg/s:title') AS title;
-- 32 steps with names of 500 characters in 20 breakdowns, and 200 such steps in paths
SELECT length(cx.funnel_svg('SELECT n AS customer, timestamptz ''2026-05-01'' AS at, repeat(''long '', 100) || 1 AS step, repeat(''long '', 100) || n AS breakdown FROM generate_series(1, 20) AS n',
	ARRAY(SELECT repeat('long ', 100) || s FROM generate_series(1, 32) AS s), '7 days', '2026-06-01', repeat('long ', 1000))) < 500000 AS bounded,
	length(cx.path_svg('SELECT n % 1000 AS customer, timestamptz ''2026-05-01'' + n * interval ''1 s'' AS at, repeat(''long '', 100) || n * n % 997 % 200 AS step FROM generate_series(1, 20000) AS n', 10)) < 1200000 AS too;

-- errors are those of cx.funnel and cx.path_counts
SELECT cx.funnel_svg(NULL, '{enter}', '1 day');
SELECT cx.funnel_svg('TABLE visit', NULL, '1 day');
SELECT cx.funnel_svg('TABLE visit', '{enter,NULL}', '1 day');
SELECT cx.funnel_svg('TABLE visit', '{}', '1 day');
SELECT cx.funnel_svg('TABLE visit', '{enter,enter}', '1 day');
SELECT cx.funnel_svg('TABLE visit', '{enter}', NULL);
SELECT cx.funnel_svg('TABLE visit', '{enter}', '1 month');
SELECT cx.funnel_svg('TABLE visit', '{enter}', '1 day', 'infinity');
SELECT cx.funnel_svg('SELECT customer, at FROM visit', '{enter}', '1 day');
SELECT cx.funnel_svg('DELETE FROM visit', '{enter}', '1 day');
SELECT cx.path_svg(NULL);
SELECT cx.path_svg('SELECT customer, step FROM click');
SELECT cx.path_svg('TABLE click; TABLE click');
SELECT cx.path_svg('TABLE click', NULL);
SELECT cx.path_svg('TABLE click', 1);
SELECT cx.path_svg('TABLE click', 11);

-- they read with the rights of the caller
CREATE ROLE cx_regress_reader;
SET ROLE cx_regress_reader;
SELECT cx.funnel_svg('TABLE visit', '{enter}', '1 day', '2026-06-01');
SELECT cx.path_svg('TABLE click');
RESET ROLE;
GRANT SELECT ON visit, click TO cx_regress_reader;
SET ROLE cx_regress_reader;
SELECT length(cx.funnel_svg('TABLE visit', '{enter}', '1 day', '2026-06-01')) > 1000 AS funnel, length(cx.path_svg('TABLE click')) > 1000 AS path;
RESET ROLE;
DROP VIEW random_link;
DROP TABLE visit, click, random_click, many;
DROP ROLE cx_regress_reader;
