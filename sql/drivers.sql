-- drivers of an outcome: relative weights, Shapley's value, quadrants, categories, pictures
SET extra_float_digits = 0;
SET jit = off;
\set SHOW_CONTEXT never
\set VERBOSITY default

SELECT setseed(0.3);
CREATE TABLE guest AS
SELECT i, wifi, food, boarding, wait, class, wifi * 0.2 + food * 0.1 + boarding * 0.5 - wait * 0.02 + CASE class WHEN 'first' THEN 1 WHEN 'second' THEN 0.3 ELSE 0 END + random() AS rating
FROM (SELECT i, 1 + floor(random() * 5) AS wifi, 1 + floor(random() * 5) AS food, 2 + floor(random() * 4) AS boarding, random() * 30 AS wait,
		(ARRAY['first', 'second', 'third', 'third'])[1 + floor(random() * 4)::integer] AS class FROM generate_series(1, 500) AS i OFFSET 0) AS g;
SELECT cx.moments(wifi, food, boarding, wait, rating) AS m FROM guest \gset
\set names '{wifi,food,boarding,wait,rating}'
CREATE FUNCTION pg_temp.near(a double precision, b double precision, error double precision DEFAULT 1e-10) RETURNS boolean LANGUAGE sql RETURN abs(a - b) <= error * abs(b);

-- worked by hand: correlations 0.6 and 0.8 with the outcome, drivers uncorrelated: squares, and nothing is left
SELECT driver, round(importance::numeric, 6) AS importance, round(share::numeric, 6) AS share, round(coefficient::numeric, 6) AS coefficient, performance, quadrant
FROM cx.drivers('{"rows": 101, "means": [3, 4, 10], "remainders": [0, 0, 0], "comoments": [100, 0, 60, 25, 39, 100]}', '{food,wifi,score}', 'score');
-- two drivers: both methods give what the textbook says
SELECT method, bool_and(pg_temp.near(d.importance, CASE d.driver WHEN 'wifi' THEN (r1 ^ 2 + r2 - r3 ^ 2) / 2 ELSE (r3 ^ 2 + r2 - r1 ^ 2) / 2 END)) AS importance, pg_temp.near(sum(d.share), 100) AS share
FROM (VALUES ('relative_weights'), ('shapley')) AS v (method), (SELECT cx.moments(wifi, boarding, rating) AS m, corr(wifi, rating) AS r1, corr(boarding, rating) AS r3 FROM guest) AS g,
	LATERAL (SELECT r_squared AS r2 FROM cx.regression_fit(m, 3)) AS f, LATERAL cx.drivers(m, '{wifi,boarding,rating}', 'rating', method) AS d
GROUP BY method, r2 ORDER BY method;
-- importances add up to R-squared, coefficients are those of the regression, performance is the mean
SELECT method, pg_temp.near(sum(d.importance), (SELECT r_squared FROM cx.regression_fit(:'m', 5))) AS r_squared, bool_and(pg_temp.near(d.coefficient, r.coefficient) AND pg_temp.near(d.std_error, r.std_error) AND pg_temp.near(d.p_value, r.p_value)) AS regression,
	bool_and(pg_temp.near(d.performance, CASE d.driver WHEN 'wifi' THEN wifi WHEN 'food' THEN food WHEN 'boarding' THEN boarding ELSE wait END)) AS performance, bool_and(pg_temp.near(d.share, 100 * d.importance / total)) AS share
FROM (VALUES ('relative_weights'), ('shapley')) AS v (method), (SELECT avg(wifi) AS wifi, avg(food) AS food, avg(boarding) AS boarding, avg(wait) AS wait FROM guest) AS g,
	LATERAL (SELECT *, sum(importance) OVER () AS total FROM cx.drivers(:'m', :'names', 'rating', method)) AS d JOIN cx.regression(:'m', 5, names => :'names') AS r ON r.term = d.driver
GROUP BY method ORDER BY method;
-- Shapley's value against its definition: what a driver adds, averaged over all orders of entry
CREATE FUNCTION pg_temp.r_squared(columns text[]) RETURNS double precision LANGUAGE plpgsql AS $$
DECLARE
	fit double precision;
BEGIN
	IF cardinality(columns) > 0 THEN
		EXECUTE format('SELECT r_squared FROM cx.regression_fit((SELECT cx.moments(%s, rating) FROM guest), %s)', array_to_string(columns, ','), cardinality(columns) + 1) INTO fit;
	END IF;
	RETURN coalesce(fit, 0);
END $$;
WITH RECURSIVE entry (drivers, last) AS (
	SELECT '{}'::text[], NULL
	UNION ALL
	SELECT drivers || d, d FROM entry, unnest('{wifi,food,boarding,wait}'::text[]) AS d WHERE d <> ALL (drivers)
), value AS (
	SELECT last AS driver, sum(CASE cardinality(drivers) WHEN 1 THEN 6 WHEN 2 THEN 2 WHEN 3 THEN 1 ELSE 1 END * (pg_temp.r_squared(drivers) - pg_temp.r_squared(trim_array(drivers, 1)))) / 24 AS value
	FROM entry WHERE last IS NOT NULL GROUP BY last
)
SELECT count(*), bool_and(pg_temp.near(d.importance, value)) AS same FROM value JOIN cx.drivers(:'m', :'names', 'rating', 'shapley') AS d USING (driver);
-- relative weights against their definition, by way of the square root of the correlation matrix (Newton's iteration)
CREATE FUNCTION pg_temp.relative_weights(m cx.moments, size integer) RETURNS double precision[] LANGUAGE plpgsql AS $$
DECLARE
	r double precision[] := ARRAY(SELECT cx.correlation(m, i, size + 1) FROM generate_series(1, size) AS i);
	y double precision[] := ARRAY(SELECT cx.correlation(m, (k - 1) / size + 1, (k - 1) % size + 1) FROM generate_series(1, size * size) AS k);
	z double precision[] := ARRAY(SELECT ((k - 1) / size = (k - 1) % size)::integer FROM generate_series(1, size * size) AS k);
	t double precision[];
BEGIN
	-- Denman and Beavers in the form without inverses: y goes to the root, z to its inverse
	FOR step IN 1 .. 60 LOOP
		t := ARRAY(SELECT 1.5 * ((k - 1) / size = (k - 1) % size)::integer - 0.5 * (SELECT sum(z[(k - 1) / size * size + j] * y[(j - 1) * size + (k - 1) % size + 1] / (CASE WHEN step = 1 THEN size ELSE 1 END)) FROM generate_series(1, size) AS j)
			FROM generate_series(1, size * size) AS k);
		IF step = 1 THEN
			y := ARRAY(SELECT v / size FROM unnest(y) WITH ORDINALITY AS u (v, k) ORDER BY k);
		END IF;
		y := ARRAY(SELECT (SELECT sum(y[(k - 1) / size * size + j] * t[(j - 1) * size + (k - 1) % size + 1]) FROM generate_series(1, size) AS j) FROM generate_series(1, size * size) AS k);
		z := ARRAY(SELECT (SELECT sum(t[(k - 1) / size * size + j] * z[(j - 1) * size + (k - 1) % size + 1]) FROM generate_series(1, size) AS j) FROM generate_series(1, size * size) AS k);
	END LOOP;
	-- what was divided by size comes back
	RETURN ARRAY(SELECT (SELECT sum((y[(i - 1) * size + j] * sqrt(size)) ^ 2 * (SELECT sum(z[(j - 1) * size + k] / sqrt(size) * r[k]) FROM generate_series(1, size) AS k) ^ 2) FROM generate_series(1, size) AS j)
		FROM generate_series(1, size) AS i);
END $$;
SELECT bool_and(pg_temp.near(d.importance, w, 1e-8)) AS same
FROM ROWS FROM (unnest('{wifi,food,boarding,wait}'::text[]), unnest(pg_temp.relative_weights(:'m', 4))) AS v (driver, w) JOIN cx.drivers(:'m', :'names', 'rating') AS d USING (driver);
-- the order of columns does not matter
SELECT bool_and(pg_temp.near(a.importance, b.importance) AND a.quadrant = b.quadrant) AS same
FROM cx.drivers(:'m', :'names', 'rating') AS a JOIN (SELECT d.* FROM (SELECT cx.moments(rating, wait, boarding, food, wifi) AS m FROM guest) AS g, cx.drivers(m, '{rating,wait,boarding,food,wifi}', 'rating') AS d) AS b USING (driver);

-- columns of one name are one driver: what they add together, and the F test of both
CREATE VIEW coded AS SELECT wifi, (class = 'first')::integer AS first, (class = 'second')::integer AS second, wait, rating FROM guest;
SELECT cx.moments(wifi, first, second, wait, rating) AS coded FROM coded \gset
SELECT d.driver, d.coefficient IS NULL AS no_coefficient, d.performance IS NULL AS no_performance, d.quadrant IS NULL AS no_quadrant,
	pg_temp.near(d.importance, (s.importance + t.importance)) AS sum_of_weights
FROM cx.drivers(:'coded', '{wifi,class,class,wait,rating}', 'rating') AS d, cx.drivers(:'coded', '{wifi,first,second,wait,rating}', 'rating') AS s, cx.drivers(:'coded', '{wifi,first,second,wait,rating}', 'rating') AS t
WHERE d.driver = 'class' AND s.driver = 'first' AND t.driver = 'second';
SELECT pg_temp.near(d.p_value, (1 + 2 * f / df) ^ (-df / 2.0), 1e-8) AS p_value
FROM cx.drivers(:'coded', '{wifi,class,class,wait,rating}', 'rating') AS d,
	LATERAL (SELECT full_fit.df, (full_fit.r_squared - part.r_squared) / 2 / ((1 - full_fit.r_squared) / df) AS f FROM cx.regression_fit(:'coded', 5) AS full_fit, (SELECT f.* FROM (SELECT cx.moments(wifi, wait, rating) AS m FROM coded) AS c, cx.regression_fit(m, 3) AS f) AS part (n, r_squared)) AS t
WHERE d.driver = 'class';
-- Shapley's value lets them enter together
CREATE FUNCTION pg_temp.fit(columns text) RETURNS double precision LANGUAGE plpgsql AS $$
DECLARE
	fit double precision;
BEGIN
	EXECUTE format('SELECT r_squared FROM cx.regression_fit((SELECT cx.moments(ARRAY[rating, %s]) FROM coded), 1)', columns) INTO fit;
	RETURN fit;
END $$;
SELECT pg_temp.near(importance, ((pg_temp.fit('wifi, first, second, wait') - pg_temp.fit('wifi, wait')) * 2 + pg_temp.fit('wifi, first, second') - pg_temp.fit('wifi') + pg_temp.fit('first, second, wait') - pg_temp.fit('wait') + pg_temp.fit('first, second') * 2) / 6) AS shapley
FROM cx.drivers(:'coded', '{wifi,class,class,wait,rating}', 'rating', 'shapley') WHERE driver = 'class';

-- quadrants: against the means over all drivers, which count as high themselves
SELECT i, p, cx.importance_quadrant(i, 0.2, p, 3) FROM unnest('{0.1,0.2,0.3,NULL}'::double precision[]) AS i, unnest('{2,3,4,NULL}'::double precision[]) AS p ORDER BY i, p;
SELECT driver, round(importance::numeric, 4) AS importance, round(performance::numeric, 4) AS performance, quadrant = cx.importance_quadrant(importance, avg(importance) OVER (), performance, avg(performance) OVER ()) AS same, quadrant FROM cx.drivers(:'m', :'names', 'rating');

-- fifteen drivers for Shapley's value, sixteen are too many; relative weights take more
SELECT cx.moments(ARRAY(SELECT sin(i * j * j) FROM generate_series(1, 17) AS j)) AS many FROM generate_series(1, 200) AS i \gset
SELECT count(*), pg_temp.near(sum(importance), (SELECT r_squared FROM (SELECT cx.moments(ARRAY(SELECT sin(i * j * j) FROM generate_series(1, 16) AS j)) AS m FROM generate_series(1, 200) AS i) AS f, cx.regression_fit(m, 16))) AS r_squared
FROM (SELECT cx.moments(ARRAY(SELECT sin(i * j * j) FROM generate_series(1, 16) AS j)) AS m FROM generate_series(1, 200) AS i) AS f, cx.drivers(m, ARRAY(SELECT 'c' || j FROM generate_series(1, 16) AS j), 'c16', 'shapley') AS d;
SELECT count(*) FROM cx.drivers(:'many', ARRAY(SELECT 'c' || j FROM generate_series(1, 17) AS j), 'c17', 'shapley');
SELECT count(*), pg_temp.near(sum(importance), (SELECT r_squared FROM cx.regression_fit(:'many', 17))) AS r_squared FROM cx.drivers(:'many', ARRAY(SELECT 'c' || j FROM generate_series(1, 17) AS j), 'c17');
SELECT count(*), round(sum(share)::numeric, 6) AS share FROM (SELECT cx.moments(ARRAY(SELECT sin(i * j * j) FROM generate_series(1, 120) AS j)) AS m FROM generate_series(1, 300) AS i) AS f, cx.drivers(m, ARRAY(SELECT 'c' || j FROM generate_series(1, 120) AS j), 'c120') AS d;

-- collinear columns, too few rows, a constant outcome
SELECT d.* FROM (SELECT cx.moments(wifi, food, wifi + food, 1, rating) AS m FROM guest) AS g, cx.drivers(m, '{wifi,food,both,one,rating}', 'rating') AS d;
SELECT d.driver FROM (SELECT cx.moments(wifi, food, wifi + food, 1, rating) AS m FROM guest) AS g, cx.drivers(m, '{wifi,food,both,one,rating}', 'rating', collinear => 'drop') AS d;
SELECT d.driver FROM (SELECT cx.moments(wifi, food, wait, rating) AS m FROM guest WHERE i < 5) AS g, cx.drivers(m, '{wifi,food,wait,rating}', 'rating') AS d;
SELECT d.driver FROM (SELECT cx.moments(wifi, 5) AS m FROM guest) AS g, cx.drivers(m, '{wifi,rating}', 'rating') AS d;
SELECT count(*) FROM (SELECT cx.moments(1, rating) AS m FROM guest) AS g, cx.drivers(m, '{wifi,rating}', 'rating', collinear => 'drop') AS d;
-- a driver that says nothing at all
SELECT driver, importance, share, coefficient FROM cx.drivers('{"rows": 10, "means": [1, 2], "remainders": [0, 0], "comoments": [1, 0, 1]}', '{a,b}', 'b');
SELECT count(*) FROM cx.drivers(NULL, '{a,b}', 'b');
-- wrong arguments
SELECT * FROM cx.drivers(:'m', '{wifi,food}', 'food');
SELECT * FROM cx.drivers(:'m', NULL, 'food');
SELECT * FROM cx.drivers(:'m', :'names', 'score');
SELECT * FROM cx.drivers(:'m', '{a,b,c,d,d}', 'd');
SELECT * FROM cx.drivers(:'m', :'names', NULL);
SELECT * FROM cx.drivers(:'m', :'names', 'rating', 'lmg');
SELECT * FROM cx.drivers(:'m', :'names', 'rating', NULL);
SELECT * FROM cx.drivers(:'m', :'names', 'rating', collinear => 'keep');

-- driver_analysis: the same in one call
SELECT bool_and(pg_temp.near(a.importance, d.importance) AND pg_temp.near(a.coefficient, d.coefficient) AND pg_temp.near(a.std_error, d.std_error) AND pg_temp.near(a.p_value, d.p_value) AND a.performance = d.performance) AS same
FROM cx.driver_analysis('SELECT wifi, food, boarding, wait, rating FROM guest', 'rating') AS a JOIN cx.drivers(:'m', :'names', 'rating') AS d USING (driver);
-- performance_index by its definition: more waiting goes with a lower rating, so it is turned round; boarding starts at 2
SELECT driver, pg_temp.near(performance_index, CASE driver WHEN 'boarding' THEN (performance - 2) / 3 WHEN 'wait' THEN (high - performance) / (high - low) ELSE (performance - 1) / 4 END * 100) AS position, quadrant
FROM cx.driver_analysis('SELECT wifi, food, boarding, wait, rating FROM guest', 'rating'), (SELECT min(wait), max(wait) FROM guest) AS g (low, high);
-- a category is coded by its levels but the most frequent one, a Boolean is 0 or 1, columns come in any order
SELECT a.driver, pg_temp.near(a.importance, d.importance) AS importance, pg_temp.near(a.p_value, d.p_value) AS p_value, a.coefficient IS NOT DISTINCT FROM d.coefficient AS coefficient, round(a.performance::numeric, 3) AS performance, a.quadrant IS NULL AS no_quadrant
FROM cx.driver_analysis('SELECT rating, class, wifi > 3 AS good_wifi, wait::numeric(20, 15) FROM (SELECT rating, class, wifi, wait FROM guest) AS g', 'rating') AS a
JOIN (SELECT d.* FROM (SELECT cx.moments(rating, (class = 'first')::integer, (class = 'second')::integer, (wifi > 3)::integer, wait::numeric(20, 15)) AS m FROM guest) AS g, cx.drivers(m, '{rating,class,class,good_wifi,wait}', 'rating') AS d) AS d USING (driver);
-- two levels, one of which stands in the name
CREATE TYPE tier AS ENUM ('gold', 'blue');
CREATE DOMAIN stars AS smallint;
SELECT driver, round(coefficient::numeric, 6) AS coefficient, quadrant FROM cx.driver_analysis('SELECT i::stars AS i, (ARRAY[''gold'', ''blue'', ''blue''])[1 + i % 3]::tier AS tier, 2 * i + 7 * (i % 3 = 0)::integer + 0.1 * (i % 2) AS y FROM generate_series(1, 30) AS i', 'y');
-- 20 levels are told apart, the others are one: 21 columns but the reference; more rows with a NULL, an identifier and a constant are left out
SELECT driver, coefficient IS NULL AS category, round(share::numeric, 6) > 0 AS counts FROM cx.driver_analysis('SELECT ''c'' || i % 25 AS shop, (i % 7)::text AS day, nullif(i % 11, 0) AS load, i::text AS id, 5 AS five, sin(i) + i % 25 AS y FROM generate_series(1, 400) AS i', 'y');
SELECT sum(importance)::numeric(12, 9) = (SELECT (1 - sum(variance * (n - 1)) / ((SELECT variance(sin(i) + i % 25) FROM generate_series(1, 400) AS i) * 399))::numeric(12, 9)
	FROM (SELECT variance(sin(i) + i % 25), count(*) AS n FROM generate_series(1, 400) AS i GROUP BY least(i % 25, 20)) AS v) AS same
FROM cx.driver_analysis('SELECT ''c'' || least(i % 25, 20) AS shop, sin(i) + i % 25 AS y FROM generate_series(1, 400) AS i', 'y');
-- a Boolean outcome: importances of the linear model, coefficients of the logistic one; both worked out from a table of four cells
SELECT a.driver, round(a.importance::numeric, 6) AS importance, round(a.coefficient::numeric, 6) AS log_odds, round(a.std_error::numeric, 6) AS std_error, a.performance
FROM cx.driver_analysis('SELECT x = 1 AS promised, y = 1 AS churned FROM (VALUES (0, 0, 40), (0, 1, 10), (1, 0, 20), (1, 1, 30)) AS v (x, y, n), generate_series(1, n)', 'churned') AS a;
SELECT round((corr(x, y) ^ 2)::numeric, 6) AS importance, round(ln((30.0 * 40) / (10 * 20)), 6) AS log_odds, round(sqrt(1.0 / 40 + 1.0 / 10 + 1.0 / 20 + 1.0 / 30), 6) AS std_error
FROM (VALUES (0, 0, 40), (0, 1, 10), (1, 0, 20), (1, 1, 30)) AS v (x, y, n), generate_series(1, n);
-- one that is separated
SELECT driver, coefficient > 0 AS rises, std_error FROM cx.driver_analysis('SELECT i, i > 10 AS big FROM generate_series(1, 20) AS i', 'big');
-- names that need quotes, a query that ends in a comment, columns of a caller's own schema
CREATE SCHEMA "my data";
SET search_path = "my data", public;
CREATE TABLE "my data".answers AS SELECT i AS "it's ""A"" %s", (i % 3)::text || '''\%I' AS "c;", i * 2.5 + i % 3 AS "out""come" FROM generate_series(1, 40) AS i;
SELECT driver, round(sum(share) OVER ()::numeric, 6) AS total, quadrant FROM cx.driver_analysis($$SELECT * FROM answers; -- all of them$$, 'out"come');
RESET search_path;
-- errors
SELECT * FROM cx.driver_analysis('SELECT wifi, rating FROM guest', 'score');
SELECT * FROM cx.driver_analysis('SELECT wifi, wifi, rating FROM guest', 'rating');
SELECT * FROM cx.driver_analysis('SELECT rating FROM guest', 'rating');
SELECT * FROM cx.driver_analysis('SELECT class, rating FROM guest', 'class');
SELECT * FROM cx.driver_analysis('SELECT now() AS at, rating FROM guest', 'rating');
SELECT * FROM cx.driver_analysis('SELECT ARRAY[wifi] AS a, rating FROM guest', 'rating');
SELECT * FROM cx.driver_analysis('SELECT NULL::float8 AS a, rating FROM guest', 'rating');
SELECT * FROM cx.driver_analysis('SELECT wifi, rating FROM guest WHERE false', 'rating');
SELECT * FROM cx.driver_analysis('SELECT CASE WHEN i = 7 THEN ''NaN'' ELSE wifi END AS "the wifi", rating FROM guest', 'rating');
SELECT * FROM cx.driver_analysis('SELECT CASE WHEN i = 7 THEN ''-infinity'' ELSE rating END AS rating, wifi FROM guest', 'rating');
\set VERBOSITY sqlstate
SELECT * FROM cx.driver_analysis('SELECT 10::numeric ^ (400 * (i = 7)::integer) AS huge, rating FROM guest', 'rating');
\set VERBOSITY default
SELECT * FROM cx.driver_analysis('SELECT wifi, 1 AS rating FROM guest', 'rating');
SELECT * FROM cx.driver_analysis('SELECT wifi, rating FROM guest WHERE i < 3', 'rating');
SELECT * FROM cx.driver_analysis('DELETE FROM guest RETURNING wifi, rating', 'rating');
SELECT * FROM cx.driver_analysis('SELECT wifi, rating FROM guest; SELECT 1', 'rating');
SELECT * FROM cx.driver_analysis(NULL, 'rating');
SELECT * FROM cx.driver_analysis('SELECT wifi, rating FROM guest', NULL);
SELECT * FROM cx.driver_analysis('SELECT 1 / (i - 250) AS x, rating FROM guest', 'rating');
SELECT * FROM cx.driver_analysis('SELECT wifi, wifi * 2 AS twice, rating FROM guest', 'rating', collinear => 'error');
-- support functions by hand
SELECT * FROM cx.driver_odds('SELECT 1', '{y,x}');
SELECT * FROM cx.driver_odds('SELECT ARRAY[1.0, 2, 3]::float8[]', '{y,x}');
SELECT * FROM cx.driver_odds('SELECT ARRAY[2.0, 3]::float8[]', '{y,x}');
SELECT * FROM cx.driver_odds('SELECT ARRAY[2.0, 3]::float8[]', '{y}');
SELECT * FROM cx.driver_odds('SELECT NULL::float8[]', '{y,x}');
SELECT cx.finite_number('infinity', 'wait');

-- pictures: texts of elements, without the tooltips in them
CREATE FUNCTION pg_temp.texts(svg text, path text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT value FROM XMLTABLE(XMLNAMESPACES('http://www.w3.org/2000/svg' AS s), path PASSING xmlparse(DOCUMENT svg) COLUMNS number FOR ORDINALITY, value text PATH 'string(.)') ORDER BY number
$$;
SELECT cx.importance_performance_svg('{"rows": 101, "means": [3, 4, 2, 10], "remainders": [0, 0, 0, 0], "comoments": [100, 0, 0, 60, 25, 0, 35, 64, 16, 100]}'::cx.moments, '{food,wifi,desk,score}', 'score') AS svg \gset
SELECT * FROM pg_temp.texts(:'svg', '//s:text');
SELECT * FROM pg_temp.texts(:'svg', '//s:title | //s:desc');
-- dots: further right the better they perform, higher the more important
SELECT tooltip, fill, rank() OVER (ORDER BY x) AS from_left, rank() OVER (ORDER BY y DESC) AS from_below FROM XMLTABLE(XMLNAMESPACES('http://www.w3.org/2000/svg' AS s), '//s:g/s:circle[../s:title][@cx < 700]' PASSING xmlparse(DOCUMENT :'svg')
	COLUMNS x integer PATH '@cx', y integer PATH '@cy', fill text PATH '@fill', tooltip text PATH '../s:title') ORDER BY from_left;
-- a picture that readers of screens know, without styles, links or scripts
SELECT name, count(*) FROM XMLTABLE('//*' PASSING xmlparse(DOCUMENT :'svg') COLUMNS name text PATH 'name()') GROUP BY name ORDER BY name COLLATE "C";
-- out of a query, with a category and names that try to be something else
SELECT cx.importance_performance_svg('SELECT wifi AS "<script>alert(1)</script>", food AS "&amp; ""quoted"" ]]>", boarding AS " ", E''\t'' || class AS "]]> ' || repeat('long ', 11) || '", wait, rating AS "rating <b>" FROM guest', 'rating <b>', 'shapley', 'What <i>drives</i> & why') AS hostile \gset
SELECT * FROM pg_temp.texts(:'hostile', '//s:title');
SELECT :'hostile' ~ '^[ -~\n]*$' AS plain_ascii, :'hostile' ~ '(<script|href|url\(|<style|<!|\son\w+=|<i>|<b>)' AS dangerous;
-- only categories; more drivers than are drawn; no rows
SELECT pg_temp.texts(cx.importance_performance_svg('SELECT class, rating FROM guest', 'rating'), '//s:text') AS only_categories;
SELECT count(*) FILTER (WHERE t ~ '^c\d+$') > 30 AS names, max(t) FILTER (WHERE t ~ 'more') AS rest FROM (SELECT cx.moments(ARRAY(SELECT sin(i * j * j) FROM generate_series(1, 40) AS j)) AS m FROM generate_series(1, 300) AS i) AS f,
	LATERAL pg_temp.texts(cx.importance_performance_svg(m, ARRAY(SELECT 'c' || j FROM generate_series(1, 40) AS j), 'c40'), '//s:text') AS t;
SELECT pg_temp.texts(cx.importance_performance_svg(NULL::cx.moments, NULL, NULL), '//s:text') AS nothing;
-- drivers of one performance
SELECT count(*) FROM pg_temp.texts(cx.importance_performance_svg('{"rows": 11, "means": [3, 3, 10], "remainders": [0, 0, 0], "comoments": [100, 0, 60, 25, 39, 100]}'::cx.moments, '{a,b,y}', 'y'), '//s:text') AS t;
SELECT cx.importance_performance_svg(:'m'::cx.moments, :'names', 'rating', 'lmg');
SELECT cx.importance_performance_svg(:'m'::cx.moments, :'names', 'rating', NULL);
SELECT cx.importance_performance_svg('SELECT wifi, rating FROM guest', 'score');
DROP TABLE guest CASCADE;
DROP SCHEMA "my data" CASCADE;
DROP TYPE tier;
DROP DOMAIN stars;
