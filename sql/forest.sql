-- boosted trees: what they learn, against definitions in plain SQL
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS cx;
CALL cx.create_program();
SET timezone = 'UTC';
SET extra_float_digits = 0;
SET jit = off;
\set VERBOSITY default
\set SHOW_CONTEXT never
CREATE FUNCTION pg_temp.r(double precision, integer DEFAULT 4) RETURNS numeric LANGUAGE sql RETURN round($1::numeric, $2);
-- a number from 0 up to 1 for each row and use
CREATE FUNCTION pg_temp.chance(i integer, use integer) RETURNS double precision LANGUAGE sql IMMUTABLE RETURN (hashint8extended(i, use) & 1048575) / 1048576.0::double precision;
CREATE FUNCTION pg_temp.log_odds(p double precision) RETURNS double precision LANGUAGE sql IMMUTABLE RETURN ln(p / (1 - p));
-- all rows are learned from, nothing is drawn, the first tree has all of its effect
CREATE FUNCTION pg_temp.plainly(more jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE
	RETURN '{"validation": 0, "calibrate": false, "row_share": 1, "feature_share": 1, "learning_rate": 1, "penalty": 0}'::jsonb || more;

-- one tree of one split, of a number: the threshold that leaves the smallest squared error, and the means of both sides
CREATE TABLE step AS SELECT i, floor(100 * pg_temp.chance(i, 1)) AS x, CASE WHEN pg_temp.chance(i, 1) > 0.37 THEN 10 ELSE 4 END + pg_temp.chance(i, 2) AS y FROM generate_series(1, 500) AS i;
SELECT row_count FROM cx.train('step', 'SELECT x, y FROM step', 'y', holdout => 0, options => pg_temp.plainly('{"trees": 1, "depth": 1}'));
WITH side AS (SELECT t, s.x <= t AS is_left, avg(s.y) AS mean, sum(s.y ^ 2) - sum(s.y) ^ 2 / count(*) AS error FROM step AS s, (SELECT DISTINCT x FROM step) AS c (t) GROUP BY 1, 2 HAVING count(*) >= 20),
best AS (SELECT t FROM side GROUP BY t HAVING count(*) = 2 ORDER BY sum(error) LIMIT 1)
SELECT best.t AS threshold, is_left, pg_temp.r(mean, 9) AS mean, pg_temp.r(min(cx.predict('step', s)), 9) AS least, pg_temp.r(max(cx.predict('step', s)), 9) AS most
FROM best JOIN side USING (t) JOIN step AS s ON (s.x <= best.t) = side.is_left GROUP BY 1, 2, 3 ORDER BY 2 DESC;

-- the same of a probability: Newton's step from the log-odds of all, -gradient / (second derivative + penalty), by the split that gains most
CREATE TABLE leaves AS SELECT i, floor(100 * pg_temp.chance(i, 1)) AS x, pg_temp.chance(i, 2) < CASE WHEN pg_temp.chance(i, 1) > 0.37 THEN 0.6 ELSE 0.2 END AS y FROM generate_series(1, 500) AS i;
SELECT row_count FROM cx.train('leaves', 'SELECT x, y FROM leaves', 'y', holdout => 0, options => pg_temp.plainly('{"trees": 1, "depth": 1, "penalty": 3, "learning_rate": 0.5}'));
WITH rate AS (SELECT avg(y::integer) AS p FROM leaves),
side AS (SELECT t, s.x <= t AS is_left, p, sum(p - y::integer) AS g, sum(p * (1 - p)) + 3 AS h FROM rate, leaves AS s, (SELECT DISTINCT x FROM leaves) AS c (t) GROUP BY 1, 2, 3 HAVING count(*) >= 20),
best AS (SELECT t FROM side GROUP BY t HAVING count(*) = 2 ORDER BY sum(g ^ 2 / h) DESC LIMIT 1)
SELECT best.t AS threshold, is_left, pg_temp.r(ln(p / (1 - p)) - 0.5 * g / h, 9) AS expected, pg_temp.r(min(pg_temp.log_odds(cx.predict('leaves', s))), 9) AS least, pg_temp.r(max(pg_temp.log_odds(cx.predict('leaves', s))), 9) AS most
FROM best JOIN side USING (t) JOIN leaves AS s ON (s.x <= best.t) = side.is_left GROUP BY 1, 2, 3 ORDER BY 2 DESC;

-- contributions are Shapley values.  Where all combinations of features are equally frequent, what is expected while some of
-- them are unknown is a mean over all combinations, so they can be computed from predictions alone.  Half of the rows are drawn
-- for each tree, which must not matter; one value is missing, one feature a category.
CREATE TABLE cell AS SELECT a, b, c, i FROM unnest(ARRAY[0, 1, 2, NULL]) AS a, generate_series(0, 2) AS b, unnest(ARRAY['red', 'green', 'blue']) AS c, generate_series(1, 8) AS i;
CREATE TABLE grid AS SELECT *, coalesce(a, 5) * b + CASE c WHEN 'green' THEN 3 * b WHEN 'blue' THEN -2 ELSE 1 END + pg_temp.chance((row_number() OVER (ORDER BY a, b, c, i))::integer, 1) AS y FROM cell;
SELECT row_count FROM cx.train('grid', 'SELECT a, b, c, y FROM grid', 'y', holdout => 0, options => '{"validation": 0, "calibrate": false, "row_share": 0.5, "trees": 40, "depth": 5, "leaf_rows": 3, "learning_rate": 0.2}');
CREATE TABLE corner AS SELECT DISTINCT a, b, c FROM grid;
-- for each row and set of known features, a 1, b 2, c 4, the mean prediction
CREATE TABLE expectation AS
SELECT x.a, x.b, x.c, known, avg(cx.predict('grid', r)) AS value
FROM corner AS x, generate_series(0, 7) AS known, corner AS z,
	LATERAL (SELECT CASE WHEN known & 1 > 0 THEN x.a ELSE z.a END AS a, CASE WHEN known & 2 > 0 THEN x.b ELSE z.b END AS b, CASE WHEN known & 4 > 0 THEN x.c ELSE z.c END AS c) AS r
GROUP BY 1, 2, 3, 4;
WITH shapley AS (
	SELECT x.a, x.b, x.c, feature, sum((y.value - x.value) * CASE WHEN x.known IN (0, 7 - bit) THEN 1 / 3.0 ELSE 1 / 6.0 END) AS value
	FROM (VALUES ('a', 1), ('b', 2), ('c', 4)) AS f (feature, bit), expectation AS x, expectation AS y
	WHERE x.known & bit = 0 AND y.known = x.known + bit AND (y.a, y.b, y.c) IS NOT DISTINCT FROM (x.a, x.b, x.c) GROUP BY 1, 2, 3, 4
	UNION ALL SELECT a, b, c, '(base)', value FROM expectation WHERE known = 0)
SELECT s.feature, count(*), pg_temp.r(max(abs(s.value - e.contribution)), 9) AS difference, pg_temp.r(stddev(s.value), 2) > 0 AS differs
FROM shapley AS s, LATERAL (SELECT s.a, s.b, s.c) AS x, LATERAL cx.explain('grid', x) AS e WHERE e.feature = s.feature GROUP BY 1 ORDER BY 1;
-- what is expected without knowing anything is the mean prediction of the rows learned from
SELECT pg_temp.r(avg(cx.predict('grid', grid)), 9) = pg_temp.r((SELECT contribution FROM cx.explain('grid', (SELECT grid FROM grid LIMIT 1)) WHERE feature = '(base)'), 9) AS base_is_mean FROM grid;

-- customers: usage raises the risk up to a point and lowers it from there on, price raises it with noise, missing visits raise it, plans differ
CREATE TABLE customer AS
SELECT i AS id, 10 * pg_temp.chance(i, 1) AS usage, 10 * pg_temp.chance(i, 2) AS price, CASE WHEN pg_temp.chance(i, 3) < 0.7 THEN floor(20 * pg_temp.chance(i, 4)) END AS visits,
	'plan ' || floor(6 * pg_temp.chance(i, 5)) AS plan, pg_temp.chance(i, 6) AS noise
FROM generate_series(1, 4000) AS i;
ALTER TABLE customer ADD left_us boolean;
UPDATE customer SET left_us = pg_temp.chance(id, 7) < 1 / (1 + exp(3 + 0.3 * abs(usage - 5) - 0.25 * price - CASE WHEN visits IS NULL THEN 1.5 ELSE 0 END - CASE plan WHEN 'plan 1' THEN 2 WHEN 'plan 4' THEN 1 ELSE 0 END));

-- the same seed gives the same predictor, another one another
SELECT name, row_count FROM unnest(ARRAY['one', 'same', 'other']) AS name, LATERAL cx.train(name, 'SELECT * FROM customer', 'left_us', key => 'id', seed => CASE name WHEN 'other' THEN 2 ELSE 1 END, options => '{"trees": 50}');
SELECT a.name, b.name, a.predictor::text = b.predictor::text AS equal FROM cx_data.model AS a, cx_data.model AS b WHERE a.name = 'one' AND b.name IN ('same', 'other') ORDER BY 2;

-- missing values go where they fit, to the small values, to the large ones or for themselves: means again
CREATE TABLE gap AS SELECT i, CASE WHEN i % 5 > 0 THEN floor(10 * pg_temp.chance(i, 1)) END AS x, pg_temp.chance(i, 2) AS y FROM generate_series(1, 500) AS i;
SELECT name, row_count FROM (VALUES ('small', 'x IS NULL OR x < 4'), ('large', 'x IS NULL OR x > 6'), ('alone', 'x IS NULL')) AS m (name, has_more),
	LATERAL cx.train(name, format('SELECT x, y + CASE WHEN %s THEN 5 ELSE 1 END AS y FROM gap', has_more), 'y', holdout => 0, options => pg_temp.plainly('{"trees": 1, "depth": 1}'));
SELECT name, g.has_more, count(*), count(*) FILTER (WHERE x IS NULL) AS missing, pg_temp.r(avg(y + CASE WHEN g.has_more THEN 5 ELSE 1 END), 9) AS mean, pg_temp.r(min(cx.predict(name, gap)), 9) AS least, pg_temp.r(max(cx.predict(name, gap)), 9) AS most
FROM (VALUES ('small'), ('large'), ('alone')) AS m (name), gap, LATERAL (SELECT x IS NULL OR name = 'small' AND x < 4 OR name = 'large' AND x > 6 AS has_more) AS g GROUP BY 1, 2 ORDER BY 1, 2;

-- monotone features keep their order for every customer, whatever the others are; without the wish they do not
SELECT name, row_count FROM (VALUES ('risen', '{"price": 1, "usage": -1, "visits": -1, "noise": 1}'::jsonb), ('free', '{}')) AS m (name, monotone),
	LATERAL cx.train(name, 'SELECT usage, price, visits, noise, plan, left_us FROM customer', 'left_us', holdout => 0, options => pg_temp.plainly(jsonb_build_object('monotone', monotone, 'trees', 40, 'depth', 10, 'leaves', 60, 'leaf_rows', 3, 'learning_rate', 0.5)));
WITH scan AS (
	SELECT m.name, id, f.feature, cx.predict(m.name, r) AS risk, lag(cx.predict(m.name, r)) OVER (PARTITION BY m.name, id, f.feature ORDER BY v) AS before
	FROM (VALUES ('free'), ('risen')) AS m (name), (SELECT * FROM customer ORDER BY id LIMIT 40) AS c, (VALUES ('price'), ('usage')) AS f (feature), generate_series(-1, 11, 0.125) AS v,
		LATERAL (SELECT CASE f.feature WHEN 'usage' THEN v::double precision ELSE usage END AS usage, CASE f.feature WHEN 'price' THEN v::double precision ELSE price END AS price, visits, noise, plan) AS r)
SELECT name, feature, count(*) FILTER (WHERE risk > before) > 0 AS rises, count(*) FILTER (WHERE risk < before) > 0 AS falls FROM scan GROUP BY 1, 2 ORDER BY 1, 2;

-- what is missing tells; the levels of a category are told apart though their names say nothing; noise does not matter
SELECT visits IS NULL AS lacks_visits, pg_temp.r(avg(cx.predict('one', c)), 1) AS risk, pg_temp.r(avg(left_us::integer), 1) AS left_us FROM customer AS c GROUP BY 1 ORDER BY 1;
SELECT plan, pg_temp.r(avg(cx.predict('one', c)), 1) AS risk, pg_temp.r(avg(left_us::integer), 1) AS left_us FROM customer AS c GROUP BY 1 ORDER BY 1;
SELECT feature FROM cx.feature_importance((SELECT predictor FROM cx_data.model WHERE name = 'one')) WHERE importance > 0.1 ORDER BY 1;
SELECT feature = 'noise' AS noise_matters_least, pg_temp.r(sum(importance) OVER (), 9) AS sum FROM cx.feature_importance((SELECT predictor FROM cx_data.model WHERE name = 'one')) ORDER BY importance LIMIT 1;

-- infinities and what was never missing are scored like any other value
SELECT v AS usage, cx.predict('one', r) BETWEEN 0 AND 1 AS is_probability FROM unnest(ARRAY['Infinity', '-Infinity', 'NaN', NULL]::double precision[]) AS v, LATERAL (SELECT id, v AS usage, price, visits, 'never seen' AS plan, noise FROM customer WHERE id = 1) AS r ORDER BY 1;

-- growing stops where validation rows say so: of an outcome that is noise nearly nothing is learned
SELECT name, row_count FROM (VALUES ('nothing', 'pg_temp.chance(id, 99) < 0.3'), ('something', 'left_us')) AS t (name, target), LATERAL cx.train(name, format('SELECT usage, price, visits, plan, noise, %s AS y FROM customer', target), 'y', options => '{"trees": 300, "patience": 20}');
SELECT a.trees < b.trees / 3 AS stops_early, (SELECT stddev(cx.predict('nothing', c)) < 0.2 * stddev(cx.predict('something', c)) FROM customer AS c) AS learns_little
FROM (SELECT (fit ->> 'trees')::integer AS trees FROM cx_data.model WHERE name = 'nothing') AS a, (SELECT (fit ->> 'trees')::integer AS trees FROM cx_data.model WHERE name = 'something') AS b;

-- nearly as good as it can be: the area under the curve on rows held out, and that of the chances that made the outcome
WITH ranked AS (
	SELECT left_us, rank() OVER (ORDER BY 0.25 * price - 0.3 * abs(usage - 5) + CASE WHEN visits IS NULL THEN 1.5 ELSE 0 END + CASE plan WHEN 'plan 1' THEN 2 WHEN 'plan 4' THEN 1 ELSE 0 END) AS place FROM customer)
SELECT pg_temp.r(m.auc, 2) AS auc, (SELECT pg_temp.r((sum(place) FILTER (WHERE left_us) - n * (n + 1) / 2.0) / (n * (count(*) - n)), 2) FROM ranked, (SELECT count(*) AS n FROM customer WHERE left_us) AS c GROUP BY n) AS of_chances
FROM cx.train('held_out', 'SELECT * FROM customer', 'left_us', key => 'id') AS m;

CALL cx.drop_program();
DROP TABLE step, leaves, cell, grid, corner, expectation, gap, customer;
