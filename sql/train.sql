-- training a model on the rows of a query
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS cx;
CALL cx.create_program();
RESET client_min_messages;
SET timezone = 'UTC';
SET extra_float_digits = 0;
SET jit = off;
\set VERBOSITY default
\set SHOW_CONTEXT never
CREATE FUNCTION pg_temp.r(double precision, integer DEFAULT 4) RETURNS numeric LANGUAGE sql RETURN round($1::numeric, $2);
-- a number from 0 up to 1 for each row and use
CREATE FUNCTION pg_temp.chance(i integer, use integer) RETURNS double precision LANGUAGE sql IMMUTABLE RETURN (hashint8extended(i, use) & 1048575) / 1048576.0::double precision;
CREATE TABLE customer AS
SELECT i AS id, 'cust-' || i AS code, 10 * pg_temp.chance(i, 1) AS usage, floor(8 * pg_temp.chance(i, 2))::integer AS seats,
	(ARRAY['basic', 'pro', 'team', NULL])[1 + floor(4 * pg_temp.chance(i, 3))::integer] AS plan, date '2026-01-01' - floor(900 * pg_temp.chance(i, 4))::integer AS since,
	CASE WHEN pg_temp.chance(i, 5) < 0.8 THEN make_interval(days => floor(30 * pg_temp.chance(i, 6))::integer) END AS idle, pg_temp.chance(i, 7) < 0.5 AS autopay,
	ARRAY[pg_temp.chance(i, 8), pg_temp.chance(i, 9)] AS calls, 5 AS five, NULL::text AS nothing, point(i, i) AS place
FROM generate_series(1, 2000) AS i;
ALTER TABLE customer ADD left_us boolean;
UPDATE customer SET left_us = pg_temp.chance(id, 10) < 1 / (1 + exp(4.5 - 0.4 * usage + CASE plan WHEN 'pro' THEN 1 WHEN 'team' THEN 2 ELSE 0 END - CASE WHEN idle IS NULL THEN 1 ELSE 0 END - 2 * calls[1]));

-- one call; what was planted is found: usage 0.4, pro -1 and team -2 beside basic, missing idle 1, calls[1] 2
SELECT model, version, champion, row_count, event_count, pg_temp.r(auc, 3) AS auc, r_squared FROM cx.train('churn', 'SELECT * FROM customer', 'left_us', 'logistic', key => 'id');
SELECT section, measure, pg_temp.r(value, 3) AS value, pg_temp.r(lower, 3) AS lower, pg_temp.r(upper, 3) AS upper, note FROM cx.model_report('churn');
SELECT name, version, champion, algorithm, outcome, query, columns, target, key, holdout, seed, options, row_count, event_count, trained_by = current_user AS mine, predictor IS NOT NULL AS predicts FROM cx_data.model;
-- nobody's notices a second time
SET client_min_messages = warning;
SELECT id, pg_temp.r(cx.churn_risk('churn', customer)) AS risk FROM customer ORDER BY id LIMIT 3;

-- least squares: usage from what it was made of, by hand with regr_slope
CREATE TABLE line AS SELECT i, pg_temp.chance(i, 1) AS x, 3 + 2 * pg_temp.chance(i, 1) + pg_temp.chance(i, 2) AS y FROM generate_series(1, 200) AS i;
SELECT row_count, event_count, auc, r_squared FROM cx.train('line', 'SELECT x, y FROM line', 'y', 'logistic', holdout => 0);
SELECT c.term, pg_temp.r(c.coefficient, 9) AS coefficient, pg_temp.r(c.std_error, 9) AS std_error,
	pg_temp.r(CASE WHEN term = 'x' THEN slope ELSE intercept END, 9) AS expected, pg_temp.r(CASE WHEN term = 'x' THEN sqrt(s2 / sxx) ELSE sqrt(s2 * (1.0 / n + mean * mean / sxx)) END, 9) AS expected_error
FROM cx_data.model AS m, jsonb_to_recordset(m.fit -> 'coefficients') AS c (term text, coefficient double precision, std_error double precision),
	(SELECT regr_slope(y, x) AS slope, regr_intercept(y, x) AS intercept, (regr_syy(y, x) - regr_sxy(y, x) ^ 2 / regr_sxx(y, x)) / (count(*) - 2) AS s2, regr_sxx(y, x) AS sxx, avg(x) AS mean, count(*) AS n FROM line) AS f
WHERE m.name = 'line';
SELECT pg_temp.r(max(abs(cx.predict('line', line) - (slope * x + intercept))), 9) AS difference FROM line, (SELECT regr_slope(y, x) AS slope, regr_intercept(y, x) AS intercept FROM line) AS f;
-- logistic regression of one Boolean: the logarithms of the odds, counted by hand
CREATE TABLE four AS SELECT a, y FROM (VALUES (false, false, 70), (false, true, 30), (true, false, 40), (true, true, 60)) AS v (a, y, n), generate_series(1, n);
SELECT event_count FROM cx.train('four', 'SELECT * FROM four', 'y', 'logistic', holdout => 0, options => '{"calibrate": false}');
SELECT c.term, pg_temp.r(c.coefficient, 8) AS coefficient, pg_temp.r(c.std_error, 8) AS std_error, pg_temp.r(CASE WHEN term = 'a' THEN ln(60 * 70 / 40.0 / 30) ELSE ln(30 / 70.0) END, 8) AS expected,
	pg_temp.r(CASE WHEN term = 'a' THEN sqrt(1 / 60.0 + 1 / 70.0 + 1 / 40.0 + 1 / 30.0) ELSE sqrt(1 / 30.0 + 1 / 70.0) END, 8) AS expected_error
FROM cx_data.model AS m, jsonb_to_recordset(m.fit -> 'coefficients') AS c (term text, coefficient double precision, std_error double precision) WHERE m.name = 'four';
SELECT pg_temp.r((fit -> 'deviance')::double precision, 6) AS deviance, pg_temp.r(-2 * (70 * ln(0.7) + 30 * ln(0.3) + 40 * ln(0.4) + 60 * ln(0.6))::double precision, 6) AS expected FROM cx_data.model WHERE name = 'four';
-- a column a thousand million away from 0 is told as well as one around it
SELECT count(*) FROM cx.train('far', 'SELECT 1e9 + x AS x, y FROM line', 'y', 'logistic', holdout => 0);
SELECT pg_temp.r((fit #>> '{coefficients,1,coefficient}')::double precision, 6) AS far, (SELECT pg_temp.r(regr_slope(y, x), 6) FROM line) AS near FROM cx_data.model WHERE name = 'far';

-- the hold-out: a share of the keys, whatever the order of the rows, and never a key on both sides
CREATE TABLE visit AS SELECT 1 + i % 400 AS customer, i, date '2026-01-01' + i % 90 AS day, pg_temp.chance(i, 1) AS x, pg_temp.chance(i, 2) < 0.5 AS y FROM generate_series(1, 1200) AS i;
SELECT row_count FROM cx.train('held', 'SELECT * FROM visit ORDER BY random()', 'y', 'logistic', key => 'customer', holdout => 0.3, seed => 7);
SELECT (fit -> 'holdout_rows')::integer AS held_out, (SELECT count(*) FROM visit WHERE cx.holdout_share(customer, 7) < 0.3) AS expected FROM cx_data.model WHERE name = 'held';
SELECT count(*) FROM cx.train('held', 'SELECT i, x, y FROM visit', 'y', 'logistic', options => '{"exclude": ["i"]}');
SELECT (fit -> 'holdout_rows')::integer AS held_out, (SELECT count(*) FROM (SELECT i, x, y FROM visit) AS q WHERE cx.holdout_share(q) < 0.2) AS expected FROM cx_data.model WHERE name = 'held' AND version = 2;
-- equal rows have one place as keys, and each its own as rows, by their number among them
SELECT count(DISTINCT cx.holdout_share(q)) AS places, count(DISTINCT cx.holdout_share(q, 1, copy)) AS places_of_copies, count(*) AS rows
FROM (SELECT q, row_number() OVER (PARTITION BY q) AS copy FROM (SELECT customer % 3 AS a, 'same' AS b FROM visit) AS q) AS q;
-- so where features have few values, what is held out is like the rest: the area is that of the probability the outcomes were drawn with
CREATE TABLE survey AS SELECT a, b, c, 1 / (1 + exp(1 - 0.5 * a + 0.4 * b * c)) AS truth, pg_temp.chance(i, 4) < 1 / (1 + exp(1 - 0.5 * a + 0.4 * b * c)) AS y
FROM (SELECT i, floor(3 * pg_temp.chance(i, 1)) AS a, floor(3 * pg_temp.chance(i, 2)) AS b, floor(2 * pg_temp.chance(i, 3)) AS c FROM generate_series(1, 20000) AS i) AS s;
SELECT seed, algorithm, abs(t.auc - (cx.roc_area(truth, y)).value) < 0.03 AS is_near, abs(row_count - 20000) AS missed
FROM generate_series(1, 4) AS seed, unnest('{logistic,boosting}'::text[]) AS algorithm, survey,
	LATERAL (SELECT auc, row_count FROM cx.train('survey', 'SELECT a, b, c, y FROM survey ORDER BY random()', 'y', algorithm, seed => seed, options => CASE algorithm WHEN 'boosting' THEN '{"trees": 20}' ELSE '{}' END::jsonb) OFFSET 0) AS t
GROUP BY seed, algorithm, t.auc, row_count ORDER BY 1, 2;
SELECT c.row_count = (m.fit -> 'holdout_rows')::bigint AS all_rows, c.event_count = (m.report -> 'events')::bigint AS all_events, c.row_count BETWEEN 3700 AND 4300 AS a_fifth, pg_temp.r(c.auc_a - (m.report -> 'auc')::double precision, 9) AS difference
FROM cx.compare_models('survey', 'survey') AS c, cx_data.model AS m WHERE m.name = 'survey' AND m.champion;
-- keys that are equal have one place, whatever they are written as, and enum values that of their labels
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TYPE mood_of_other AS ENUM ('happy', 'other', 'sad');
SELECT cx.holdout_share(1.0) = cx.holdout_share(1.00) AS numeric, cx.holdout_share('0'::float8) = cx.holdout_share('-0'::float8) AS float8, cx.holdout_share('0'::float4) = cx.holdout_share('-0'::float4) AS float4,
	cx.holdout_share(interval '1 day') = cx.holdout_share(interval '24 hours') AS interval, cx.holdout_share('a '::char(3)) = cx.holdout_share('a'::char(5)) AS bpchar,
	cx.holdout_share('happy'::mood) = cx.holdout_share('happy'::mood_of_other) AS enum, cx.holdout_share('{sad,happy}'::mood[]) = cx.holdout_share('{sad,happy}'::mood_of_other[]) AS enums,
	cx.holdout_share(ROW('sad'::mood, 1.0)) = cx.holdout_share(ROW('sad'::mood_of_other, 1.00)) AS row,
	cx.holdout_share('Ann'::text) = cx.holdout_share('ann'::text) AS text, cx.holdout_share('{sad,happy}'::mood[]) = cx.holdout_share('{happy,sad}'::mood[]) AS order;
DO $$
BEGIN
	CREATE COLLATION case_blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
	ASSERT cx.holdout_share('Ann'::text COLLATE case_blind) = cx.holdout_share('ann'::text COLLATE case_blind), 'texts that a collation takes for equal have two places';
	DROP COLLATION case_blind;
EXCEPTION WHEN feature_not_supported OR undefined_object THEN
	NULL; -- a server without ICU has no such collations
END
$$;
SELECT pg_temp.r(cx.holdout_share(42), 9) AS integer, pg_temp.r(cx.holdout_share(42::bigint), 9) AS bigint, pg_temp.r(cx.holdout_share('Ann'::text), 9) AS text, pg_temp.r(cx.holdout_share('sad'::mood), 9) AS enum;
-- a customer who is 1.0 in one row and 1.00 in another is one customer
SELECT count(*) FROM cx.train('decimal', 'SELECT (customer || CASE i % 2 WHEN 0 THEN ''.0'' ELSE ''.00'' END)::numeric AS customer, x, y FROM visit', 'y', 'logistic', key => 'customer');
SELECT count(*) FROM cx.train('decimal', 'SELECT (customer || ''.000'')::numeric AS customer, x, y FROM visit', 'y', 'logistic', key => 'customer');
SELECT count(DISTINCT report) AS different FROM cx_data.model WHERE name = 'decimal';
SELECT cx.holdout_share(point(1, 2));
SELECT cx.holdout_share(1, 1, 0);
SELECT FROM cx.train('m', 'SELECT point(x, 1) AS place, x, y FROM visit', 'y', key => 'place');
-- by time: later rows, and of keys on both sides only the rows of one
RESET client_min_messages;
SELECT count(*) FROM cx.train('held', 'SELECT * FROM visit', 'y', 'logistic', options => '{"time": "day", "holdout_after": "2026-03-01", "exclude": ["i", "customer"]}');
SELECT count(*) FROM cx.train('held', 'SELECT * FROM visit', 'y', 'logistic', key => 'customer', holdout => 0.4, options => '{"time": "day", "holdout_after": "2026-03-01", "exclude": ["i"]}');
SELECT count(*) FROM cx.train('held', 'SELECT * FROM visit', 'y', 'logistic', options => '{"holdout_where": "day > ''2026-03-01'' -- later\n", "exclude": ["i", "customer", "day"]}');
SELECT m.version, m.fit -> 'holdout_rows' AS held_out, m.fit -> 'rows_on_both_sides' AS left_out, e.expected
FROM cx_data.model AS m JOIN (VALUES (3, (SELECT count(*) FROM visit WHERE day > '2026-03-01')),
	(4, (SELECT count(*) FROM (SELECT *, bool_and(day > '2026-03-01') OVER (PARTITION BY customer) AS late FROM visit) AS v WHERE day > '2026-03-01' AND (late OR cx.holdout_share(customer) < 0.4))),
	(5, (SELECT count(*) FROM visit WHERE day > '2026-03-01'))) AS e (version, expected) USING (version) WHERE m.name = 'held' ORDER BY 1;
SET client_min_messages = warning;

-- rows without a time are on no side
RESET client_min_messages;
SELECT row_count FROM cx.train('timed', 'SELECT customer, CASE WHEN i % 10 > 0 THEN day END AS day, x, y FROM visit', 'y', 'logistic', key => 'customer', holdout => 0.4, options => '{"time": "day", "holdout_after": "2026-03-01"}');
SET client_min_messages = warning;
SELECT m.row_count = m.training + m.validation + m.held_out AS adds_up, m.row_count + m.on_both_sides + m.without_time = 1200 AS all_rows, without_time, c.row_count = m.held_out AS compared, pg_temp.r(c.auc_a - m.auc, 9) AS difference
FROM (SELECT row_count, (report -> 'auc')::float8 AS auc, (fit -> 'training_rows')::bigint AS training, (fit -> 'validation_rows')::bigint AS validation, (fit -> 'holdout_rows')::bigint AS held_out, (fit -> 'rows_on_both_sides')::bigint AS on_both_sides, (fit -> 'rows_without_time')::bigint AS without_time
	FROM cx_data.model WHERE name = 'timed') AS m, cx.compare_models('timed', 'timed') AS c;
SELECT measure, value FROM cx.model_report('timed') WHERE measure ~ 'without|both';

-- boosting, and which of two models is better
SELECT version, champion, pg_temp.r(auc, 1) AS auc FROM cx.train('churn', 'SELECT * FROM customer', 'left_us', key => 'id', options => '{"trees": 60, "champion": false}');
SELECT version, champion FROM cx.train('churn', 'SELECT * FROM customer', 'left_us', 'logistic', key => 'id', options => '{"exclude": ["usage", "plan"]}');
-- the same seed gives the same trees, in whatever order the rows come
SELECT count(*) FROM cx.train('same', 'SELECT * FROM visit ORDER BY random()', 'y', key => 'customer', options => '{"trees": 10, "exclude": ["i"]}');
SELECT count(*) FROM cx.train('same', 'SELECT * FROM visit ORDER BY i', 'y', key => 'customer', options => '{"trees": 10, "exclude": ["i"]}');
SELECT count(*) FROM cx.train('same', 'SELECT * FROM visit ORDER BY i', 'y', key => 'customer', seed => 2, options => '{"trees": 10, "exclude": ["i"]}');
SELECT count(DISTINCT predictor::text) AS different FROM cx_data.model WHERE name = 'same';
SELECT row_count = (SELECT count(*) FROM customer WHERE cx.holdout_share(id) < 0.2) AS held_out, pg_temp.r(auc_a, 4) = (SELECT pg_temp.r((report -> 'auc')::double precision, 4) FROM cx_data.model WHERE name = 'churn' AND version = 1) AS as_reported, difference < 0 AS falls, p_value < 0.01 AS surely, verdict
FROM cx.compare_models('churn', 'churn@3');
SELECT verdict, pg_temp.r(difference) AS difference, pg_temp.r(p_value) AS p_value FROM cx.compare_models('churn', 'churn@1', 'SELECT * FROM customer WHERE id % 2 = 0;');
-- without a key, which rows were held out is told by all of their columns
SELECT row_count > 200 AS compared FROM cx.compare_models('survey', 'survey', 'SELECT a, b, c, y FROM survey WHERE a > 0');
SELECT FROM cx.compare_models('survey', 'survey', 'SELECT b, a, c, y FROM survey');
SELECT FROM cx.compare_models('survey', 'survey', 'SELECT a, b, c, y, truth FROM survey');
SELECT FROM cx.compare_models('survey', 'survey', 'SELECT a, b, c::integer AS c, y FROM survey');
-- with one, by that
SELECT count(*) FROM cx.compare_models('churn', 'churn@1', 'SELECT left_us, calls, idle, since, plan, seats, usage, id, code, autopay FROM customer');
SELECT FROM cx.compare_models('churn', 'churn@1', 'SELECT id::text AS id, code, usage, seats, plan, since, idle, autopay, calls, left_us FROM customer');
-- pictures by name
SELECT cx.roc_svg('churn') = cx.roc_svg(m.report, 'churn') AS roc, cx.lift_svg('churn@1', 'Lift') = cx.lift_svg(one.report, 'Lift') AS lift, cx.calibration_svg('churn@1') = cx.calibration_svg(one.report, 'churn@1') AS calibration, cx.roc_svg('line') IS NULL AS none, cx.roc_svg(NULL) IS NULL AS of_null
FROM cx_data.model AS m, cx_data.model AS one WHERE m.name = 'churn' AND m.champion AND one.name = 'churn' AND one.version = 1;
SELECT cx.lift_svg('nobody');
SELECT cx.set_champion('churn', 2);
SELECT version, champion FROM cx_data.model WHERE name = 'churn' ORDER BY 1;
SELECT cx.drop_model('churn', 2);
SELECT cx.drop_model('churn', 3);
SELECT cx.set_champion('churn', 1), cx.drop_model('churn', 2);
SELECT cx.drop_model('churn');
SELECT * FROM cx.model_report('churn');
SELECT * FROM cx.model_report('held', 99);
SELECT * FROM cx.compare_models('line', 'line');

-- what tells the outcome by itself is refused by name; a snapshot has the features before a day, the outcome after it
CREATE TABLE activity AS SELECT 1 + i % 900 AS customer, date '2026-01-01' + floor(100 * pg_temp.chance(i, 1))::integer AS day FROM generate_series(1, 9000) AS i;
-- a third of them is not there any more in the last fifty days
DELETE FROM activity WHERE day >= '2026-02-20' AND pg_temp.chance(customer, 3) < 0.3 + 0.1 * (customer % 2);
\set snapshot 'SELECT c.customer, c.customer % 2 AS side, count(*) FILTER (WHERE day < ''2026-02-20'') AS visits, date ''2026-02-20'' - max(day) FILTER (WHERE day < ''2026-02-20'') AS days_since, count(*) FILTER (WHERE day >= ''2026-02-20'') = 0 AS churned'
SELECT row_count FROM cx.train('snapshot', :'snapshot' || ' FROM activity AS c GROUP BY c.customer', 'churned', 'logistic', key => 'customer');
SELECT row_count FROM cx.train('snapshot', :'snapshot' || ', max(day) FILTER (WHERE day >= ''2026-02-20'') AS last_visit FROM activity AS c GROUP BY c.customer', 'churned', 'logistic', key => 'customer');
SELECT row_count FROM cx.train('snapshot', :'snapshot' || ', date ''2026-04-11'' - max(day) AS days_silent, count(*) FILTER (WHERE day >= ''2026-02-20'') AS after FROM activity AS c GROUP BY c.customer', 'churned', 'logistic', key => 'customer');
SELECT row_count FROM cx.train('leak', 'SELECT *, CASE WHEN left_us THEN ''gone'' ELSE ''here'' END AS status FROM customer', 'left_us', 'logistic', key => 'id');
SELECT row_count FROM cx.train('leak', 'SELECT *, CASE WHEN left_us AND id % 3 > 0 THEN usage END AS reason FROM customer', 'left_us', 'logistic', key => 'id');
SELECT row_count FROM cx.train('leak', 'SELECT *, usage * 2 + 1 AS twice FROM customer', 'usage', 'logistic', key => 'id');
SELECT row_count FROM cx.train('leak', 'SELECT *, CASE WHEN left_us THEN ''gone'' ELSE ''here'' END AS status FROM customer', 'left_us', 'logistic', key => 'id', options => '{"exclude": ["status"]}');
RESET client_min_messages;
-- what is known of most who stayed and of none who left is named, and so is a status that says almost all
SELECT row_count FROM cx.train('notable', 'SELECT left_us, usage, CASE WHEN NOT left_us AND id % 20 > 0 THEN since END AS renewed, CASE WHEN left_us = (id % 50 > 0) THEN ''closing'' ELSE ''open'' END AS status, id FROM customer ORDER BY id', 'left_us', 'logistic', key => 'id');
SELECT row_count FROM cx.train('notable', 'SELECT left_us, usage, CASE WHEN NOT left_us AND id % 20 > 0 THEN since END AS renewed, id FROM customer', 'left_us', 'logistic', key => 'id', options => '{"allow_leak": ["renewed"]}');
-- the area by hand: those who left are missing, and half of the pairs with those who stayed and are missing as well
SELECT pg_temp.r(1 - (avg((id % 20 = 0)::integer) / 2)::float8, 3) AS area FROM customer WHERE NOT left_us AND cx.holdout_share(id) >= 0.2;
-- in more rows than are looked at first, and not in levels that are too many to be sure of
SELECT row_count FROM cx.train('notable', 'SELECT i % 3 = 0 AS y, pg_temp.chance(i, 1) AS x, (i % 3 > 0)::integer * pg_temp.chance(i, 2) * 20 + pg_temp.chance(i, 3) AS z FROM generate_series(1, 40000) AS i', 'y', 'logistic');
SELECT row_count FROM cx.train('notable', 'SELECT pg_temp.chance(i, 1) < 0.012 AS y, ''c'' || i % 900 AS code FROM generate_series(1, 7200) AS i', 'y', 'logistic', holdout => 0, options => '{"max_levels": 1000, "level_rows": 1, "ridge": 0.01}');
-- a measure that differs from row to row may be kept
SELECT row_count FROM cx.train('bytes', 'SELECT id, left_us, usage, (usage * 1e9)::bigint + id AS bytes, code FROM customer', 'left_us', 'logistic', key => 'id');
SELECT row_count FROM cx.train('bytes', 'SELECT id, left_us, (usage * 1e9)::bigint + id AS bytes, code FROM customer', 'left_us', 'logistic', key => 'id', options => '{"keep": ["bytes"]}');
SELECT pg_temp.r((report -> 'auc')::float8, 1) > 0.6 AS tells FROM cx_data.model WHERE name = 'bytes' ORDER BY version;
-- with leave to do so, the coefficients have no end, which is said
SELECT row_count FROM cx.train('leak', 'SELECT left_us, usage, CASE WHEN left_us THEN ''gone'' ELSE ''here'' END AS status FROM customer', 'left_us', 'logistic', options => '{"allow_leak": ["status"]}');
-- combinations of others
SELECT row_count FROM cx.train('twice', 'SELECT x, 3 - 2 * x AS y2, pg_temp.chance(i, 5) AS z, y FROM line', 'y', 'logistic', holdout => 0);
SELECT row_count FROM cx.train('twice', 'SELECT x, 3 - 2 * x AS y2, y FROM line', 'y', 'logistic', holdout => 0, options => '{"collinear": "error"}');
SELECT row_count FROM cx.train('twice', 'SELECT x, 3 - 2 * x AS y2, y FROM line', 'y', 'logistic', holdout => 0, options => '{"ridge": 0.1}');
SELECT cx.drop_model('twice');
-- each part is looked at: one key is most of the rows
CREATE TABLE uneven AS SELECT CASE WHEN i <= 900 THEN 1 ELSE i END AS customer, pg_temp.chance(i, 1) AS x, i <= 900 AND pg_temp.chance(i, 2) < 0.5 AS y FROM generate_series(1, 1000) AS i;
SELECT FROM cx.train('m', 'SELECT * FROM uneven', 'y', 'logistic', key => 'customer', seed => (SELECT min(seed) FROM generate_series(1, 1000) AS seed, LATERAL (SELECT cx.holdout_share(1, seed) AS place OFFSET 0) AS s WHERE place < 0.2));
SELECT FROM cx.train('m', 'SELECT * FROM uneven', 'y', 'logistic', key => 'customer', seed => 2, holdout => 0, options => '{"validation": 0.8}');
SELECT FROM cx.train('m', 'SELECT customer, pg_temp.chance(customer, 3) AS x, CASE WHEN customer = 1 THEN x ELSE 5 END AS z FROM uneven', 'z', key => 'customer', seed => 2, holdout => 0, options => '{"validation": 0.8}');
SELECT FROM cx.train('m', 'SELECT customer, pg_temp.chance(customer, 3) AS x, CASE WHEN customer = 1 THEN x ELSE 5 END AS z FROM uneven', 'z', key => 'customer', seed => 2, holdout => 0, options => '{"validation": 0.9}');
SELECT row_count FROM cx.train('m', 'SELECT x, y FROM uneven', 'y', 'logistic', options => '{"holdout_where": "x > 2"}');
SELECT row_count FROM cx.train('m', 'SELECT customer, x, y FROM uneven', 'y', 'logistic', options => '{"holdout_where": "customer > 900", "exclude": ["customer"]}');
SELECT row_count FROM cx.train('m', 'SELECT customer, x, y FROM uneven WHERE customer = 1', 'y', key => 'customer', holdout => 0, options => '{"validation": 0.000001, "trees": 3, "calibrate": false}');
-- what the next version is measured against: the best of the champions, so that quality does not sink step by step
SELECT cx.is_not_worse('{"kind": "probability", "auc": 0.8, "auc_std_error": 0.01}', '{"kind": "probability", "auc": 0.82, "auc_std_error": 0.01}') AS within, cx.is_not_worse('{"kind": "probability", "auc": 0.79, "auc_std_error": 0.01}', '{"kind": "probability", "auc": 0.82, "auc_std_error": 0.01}') AS beyond,
	cx.is_not_worse('{"kind": "probability", "auc": 0.7, "auc_std_error": 0.2}', '{"kind": "probability", "auc": 0.82, "auc_std_error": 0.01}') AS unsure, cx.is_not_worse('{"kind": "probability", "auc": 0.999, "auc_std_error": 0.001}', '{"kind": "probability", "auc": 1, "auc_std_error": null}') AS perfect,
	cx.is_not_worse('{"kind": "number", "r_squared": 0.79}', '{"kind": "number", "r_squared": 0.8}') AS number, cx.is_not_worse('{"kind": "number", "r_squared": 0.77}', '{"kind": "number", "r_squared": 0.8}') AS worse_number, cx.is_not_worse('{"kind": "number", "r_squared": 0.77}', NULL) AS nothing_known;
SET client_min_messages = warning;
SELECT version, champion FROM cx.train('step', 'SELECT id, left_us, usage, plan, idle, calls FROM customer', 'left_us', 'logistic', key => 'id');
SELECT version, champion FROM cx.train('step', 'SELECT id, left_us, usage, plan, calls FROM customer', 'left_us', 'logistic', key => 'id');
SELECT version, champion FROM cx.train('step', 'SELECT id, left_us, usage, calls FROM customer', 'left_us', 'logistic', key => 'id');
SELECT version, champion FROM cx.train('step', 'SELECT id, left_us, usage FROM customer', 'left_us', 'logistic', key => 'id');
-- the last one is about as good as the champion before it, but not as the first
SELECT version, champion, pg_temp.r((report -> 'auc')::float8, 3) AS auc, benchmark = cx.benchmark_of(report) AS own, benchmark = (SELECT cx.benchmark_of(report) FROM cx_data.model WHERE name = 'step' AND version = 1) AS of_first,
	cx.is_not_worse(report, (SELECT cx.benchmark_of(report) FROM cx_data.model WHERE name = 'step' AND version = 1)) AS as_good_as_first, cx.is_not_worse(report, (SELECT cx.benchmark_of(report) FROM cx_data.model WHERE name = 'step' AND version = 3)) AS as_good_as_third
FROM cx_data.model WHERE name = 'step' ORDER BY 1;
SELECT cx.set_champion('step', 3);
SELECT version, champion, benchmark = cx.benchmark_of(report) AS own FROM cx_data.model WHERE name = 'step' ORDER BY 1;
CALL cx.drop_program();
DROP TABLE customer, line, four, visit, activity, survey, uneven;
DROP TYPE mood, mood_of_other;
