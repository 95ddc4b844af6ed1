-- moments: what they keep, how they merge, and correlations and regressions out of them
SET extra_float_digits = 0;
SET jit = off;
\set SHOW_CONTEXT never

-- worked by hand
SELECT cx.moments(x, y) FROM (VALUES (1, 2), (2, 3), (3, 7)) AS v (x, y);
SELECT cx.moments(ARRAY[x, y]) FROM (VALUES (1, 2), (2, 3), (3, 7)) AS v (x, y);
SELECT cx.moments(x, y, x * y) FROM (VALUES (1::smallint, 2.5), (2, 3.5)) AS v (x, y);
SELECT cx.moments(v) FROM unnest(ARRAY['{"rows": 2, "means": [1.5, 2.5], "remainders": [0, 0], "comoments": [0.5, 0.5, 0.5]}', NULL, '{"rows": 1, "means": [3, 7], "remainders": [0, 0], "comoments": [0, 0, 0]}']::cx.moments[]) AS v;
-- arrays of whole numbers, of one column, from another bound on
SELECT cx.moments(a) FROM (VALUES ('{1,2}'::integer[]), ('{3,5}')) AS v (a);
SELECT cx.moments(a) FROM (VALUES ('{1}'::double precision[]), ('{3}')) AS v (a);
SELECT cx.moments(a) FROM (VALUES ('[0:1]={1,2}'::double precision[]), ('{3,5}')) AS v (a);
-- a row with a NULL is skipped as a whole, none gives NULL
SELECT cx.moments(a) FROM (VALUES ('{1,2}'::double precision[]), ('{3,NULL}'), (NULL), ('{NULL,1}'), ('{3,5}')) AS v (a);
SELECT cx.moments(x, y) FROM (VALUES (NULL::float8, 1), (1, 2), (3, NULL), (3, 5)) AS v (x, y);
SELECT cx.moments(a), cx.moments(1, 2) FILTER (WHERE a IS NOT NULL), cx.moments(NULL::cx.moments) FROM (VALUES (NULL::double precision[])) AS v (a);
SELECT cx.moments(1, 2) FROM generate_series(1, 0);
SELECT cx.moments('{NULL,1}'::double precision[]);
-- the rest in an array of its own
SELECT cx.moments(1, VARIADIC '{2,3}');
SELECT cx.moments(1, VARIADIC '{2,NULL}');
-- frames of a window
SELECT i, cx.moments(i, 5 - i) OVER (ORDER BY i ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM generate_series(1, 3) AS i;
SELECT i, cx.row_count(cx.moments(i, i * i) OVER (ORDER BY i ROWS BETWEEN 2 FOLLOWING AND 3 FOLLOWING)) FROM generate_series(1, 4) AS i;
SELECT i, cx.row_count(cx.moments(i, i * i) OVER (ORDER BY i)) FROM generate_series(1, 3) AS i;
-- support functions by hand leave their arguments alone
SELECT cx.moments_add(cx.moments_add(NULL, '{1,2}'), '{3,5}'), cx.moments_add(NULL, 1, '{2}'), cx.moments_add(NULL, NULL);
SELECT m, cx.moments_add(m, '{5}'), cx.merge(m, m), m AS same FROM cx.moments_add(NULL, '{1}') AS m;

-- text form
SELECT E' { "rows" :\t1,"means":[ 1e3 , -0.5 ],\n"remainders":[0,0] , "comoments":[0,0,0] } '::cx.moments;
SELECT '{"rows": 2, "means": [0.1], "remainders": [1e-20], "comoments": [4.9e-324]}'::cx.moments;
SELECT '{"rows": 9223372036854775807, "means": [1.7976931348623157e+308], "remainders": [0], "comoments": [1.7976931348623157e+308]}'::cx.moments;
-- it is JSON
SELECT cx.moments(x, y)::text::jsonb -> 'means' FROM (VALUES (1, 2), (2, 3)) AS v (x, y);
-- each malformed text has its message
\set VERBOSITY default
SELECT ''::cx.moments;
SELECT 'null'::cx.moments;
SELECT '{"rows" 1'::cx.moments;
SELECT '{"rows": x'::cx.moments;
SELECT '{"rows": 9223372036854775808, "means": [1], "remainders": [0], "comoments": [0]}'::cx.moments;
SELECT '{"rows": 1, "mean": [1]}'::cx.moments;
SELECT '{"rows": 1, "means": []}'::cx.moments;
SELECT '{"rows": 1, "means": [1 2]}'::cx.moments;
SELECT '{"rows": 1, "means": [1], "remainders": [0, 0]}'::cx.moments;
\set VERBOSITY terse
SELECT '{"rows": 1, "means": [1, 2], "remainders": [0], "comoments": [0, 0, 0]}'::cx.moments;
SELECT '{"rows": 1, "means": [1], "remainders": [0], "comoments": [0]'::cx.moments;
SELECT '{"rows": 1, "means": [1], "remainders": [0], "comoments": [0]} x'::cx.moments;
SELECT '{"rows": 1, "means": [NaN], "remainders": [0], "comoments": [0]}'::cx.moments;
SELECT '{"rows": 1, "means": [Infinity], "remainders": [0], "comoments": [0]}'::cx.moments;
SELECT '{"rows": 1, "means": [1e999], "remainders": [0], "comoments": [0]}'::cx.moments;
SELECT '{"rows": 1, "means": [0x10], "remainders": [0], "comoments": [0]}'::cx.moments;
SELECT format('{"rows": 1, "means": [%s], "remainders": [0], "comoments": [0]}', repeat('1,', 1000) || '1')::cx.moments IS NULL AS too_many;
-- and each broken rule
\set VERBOSITY default
SELECT '{"rows": 0, "means": [1], "remainders": [0], "comoments": [0]}'::cx.moments;
SELECT '{"rows": -1, "means": [1], "remainders": [0], "comoments": [0]}'::cx.moments;
SELECT '{"rows": 2, "means": [1], "remainders": [1e-10], "comoments": [0]}'::cx.moments;
SELECT '{"rows": 2, "means": [1], "remainders": [0], "comoments": [-1]}'::cx.moments;
SELECT '{"rows": 2, "means": [1, 2], "remainders": [0, 0], "comoments": [1, -1.1, 1]}'::cx.moments;
SELECT '{"rows": 1, "means": [1], "remainders": [0], "comoments": [1]}'::cx.moments;
\set VERBOSITY terse

-- binary form
SELECT cx.moments_send('{"rows": 2, "means": [1.5, 2.5], "remainders": [0, 0], "comoments": [0.5, 0.5, 0.5]}');
CREATE TEMP TABLE wire (m cx.moments);
CREATE FUNCTION pg_temp.receive(message bytea) RETURNS cx.moments LANGUAGE plpgsql AS $$
-- binary COPY is the way in that SQL offers; the shell's printf makes its bytes
DECLARE
	file bytea := '\x5047434f50590aff0d0a0000000000000000000001'::bytea || int4send(length(message)) || message || '\xffff'::bytea;
	octal text := (SELECT string_agg(format('\%s%s%s', get_byte(file, i) / 64, get_byte(file, i) / 8 % 8, get_byte(file, i) % 8), '' ORDER BY i)
		FROM generate_series(0, length(file) - 1) AS i);
BEGIN
	TRUNCATE wire;
	EXECUTE format('COPY wire FROM PROGRAM %L (FORMAT binary)', format('printf ''%s''', octal));
	RETURN (SELECT m FROM wire);
END $$;
SELECT cx.moments_send(cx.moments(x, y, 0.1 * x)) AS sent FROM (VALUES (1, 2), (2, 3), (3, 7)) AS v (x, y) \gset
SELECT cx.moments_send(pg_temp.receive(:'sent')) = :'sent'::bytea AS same;
SELECT pg_temp.receive('');
SELECT pg_temp.receive('\x01');
SELECT pg_temp.receive(substr(:'sent'::bytea, 1, 100));
SELECT pg_temp.receive(:'sent'::bytea || '\x00');
SELECT pg_temp.receive(set_byte(:'sent', 0, 2));
SELECT pg_temp.receive(set_byte(set_byte(:'sent', 1, 0), 2, 0));
SELECT pg_temp.receive(set_byte(set_byte(:'sent', 1, 255), 2, 255));
-- with each byte flipped in turn: an error, or moments that can be worked with
CREATE FUNCTION pg_temp.flipped(message bytea, place integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	m cx.moments;
BEGIN
	m := pg_temp.receive(set_byte(message, place, get_byte(message, place) # 255));
	PERFORM cx.correlation(m, 1, 2), cx.merge(m, m), m::text::cx.moments;
	PERFORM cx.drivers(m, '{a,b,c}', 'c', collinear => 'drop');
	RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
	RETURN regexp_replace(SQLERRM, '\d+', '#', 'g');
END $$;
SET client_min_messages = warning;
SELECT count(*) > 0 AS tried, count(*) FILTER (WHERE outcome IN ('accepted', 'these are no moments', 'binary moments are of unknown version #', 'binary moments of # columns have # bytes',
	'regression on # columns takes at least # complete rows, not #', 'co-moment of columns # and # is out of range', 'number of rows is out of range for type bigint', 'outcome "c" is constant')) = count(*) AS expected
FROM (SELECT pg_temp.flipped(:'sent', i) AS outcome FROM generate_series(0, length(:'sent'::bytea) - 1) AS i) AS f;
RESET client_min_messages;

-- comparison
SELECT a OPERATOR(cx.=) a AS equal, a OPERATOR(cx.=) b AS other, a OPERATOR(cx.<>) b AS unequal, a OPERATOR(cx.=) c AS other_columns
FROM (SELECT cx.moments(1, 2), cx.moments(2, 1), cx.moments('{1}'::double precision[])) AS v (a, b, c);

-- against plain SQL, on seeded random rows
SELECT setseed(0.8);
CREATE TEMP TABLE sample AS
SELECT i, i % 7 AS part, a, b, a + b * 0.5 + random() AS c, CASE WHEN random() > 0.1 THEN 3 - 2 * a + random() * 3 END AS d
FROM (SELECT i, random() * 10 AS a, random() AS b FROM generate_series(1, 2000) AS i) AS r;
SELECT cx.moments(a, b, c, d) AS m FROM sample \gset
CREATE FUNCTION pg_temp.near(a double precision, b double precision, error double precision DEFAULT 1e-11) RETURNS boolean LANGUAGE sql RETURN abs(a - b) <= error * abs(b);
SELECT cx.row_count(:'m') = count(*) AS n, cx.column_count(:'m') = 4 AS columns, pg_temp.near(cx.mean_of(:'m', 3), avg(c)) AS mean, pg_temp.near(cx.stddev_of(:'m', 4), stddev(d)) AS stddev,
	pg_temp.near(cx.covariance(:'m', 1, 4), covar_samp(a, d)) AS covariance, pg_temp.near(cx.covariance(:'m', 2, 2), var_samp(b)) AS variance, pg_temp.near(cx.correlation(:'m', 3, 1), corr(a, c)) AS correlation, cx.correlation(:'m', 2, 2) AS itself
FROM sample WHERE d IS NOT NULL;
-- parts merged, in any order, in one or more steps
SELECT bool_and(pg_temp.near(x.value::text::float8, y.value::text::float8)) AS comoments
FROM (SELECT cx.moments(p) AS whole, cx.moments(p ORDER BY part DESC) AS backwards FROM (SELECT part, cx.moments(a, b, c, d) AS p FROM sample GROUP BY part) AS parts) AS r,
	LATERAL (VALUES (whole), (backwards)) AS v (merged),
	LATERAL ROWS FROM (jsonb_array_elements(merged::text::jsonb -> 'comoments'), jsonb_array_elements((:'m')::jsonb -> 'comoments')) AS z (x, y), LATERAL (SELECT z.x AS value) AS x, LATERAL (SELECT z.y AS value) AS y;
SELECT cx.row_count(cx.merge(p, q)) = cx.row_count(:'m') AS n, pg_temp.near(cx.correlation(cx.merge(p, q), 1, 4), cx.correlation(:'m', 1, 4)) AS merged
FROM (SELECT cx.moments(a, b, c, d) FILTER (WHERE part = 0), cx.moments(a, b, c, d) FILTER (WHERE part > 0) FROM sample) AS v (p, q);
-- text and binary form lose nothing
SELECT m::text::cx.moments OPERATOR(cx.=) m AS text, pg_temp.receive(cx.moments_send(m)) OPERATOR(cx.=) m AS binary FROM (SELECT cx.moments(a, b, c, d) FROM sample) AS v (m);
-- around a mean of 1e9 nine digits and more are kept, also where parts are merged, against exact arithmetic
CREATE TEMP TABLE far AS SELECT i, 1e9 + x * 3.4 AS x, -3e9 + x - random() AS y FROM (SELECT i, random() - 0.5 AS x FROM generate_series(1, 1000) AS i OFFSET 0) AS r;
SET extra_float_digits = 1;
SELECT bool_and(pg_temp.near(cx.covariance(m, 1, 1), xx::float8, 1e-13)) AS deviation, bool_and(pg_temp.near(cx.covariance(m, 1, 2), xy::float8, 1e-12)) AS covariance
FROM (SELECT cx.moments(x, y) FROM far UNION ALL SELECT cx.moments(p) FROM (SELECT cx.moments(x, y) AS p FROM far GROUP BY i % 10) AS parts
		UNION ALL SELECT cx.moments(p::text::cx.moments) FROM (SELECT cx.moments(x, y) AS p FROM far GROUP BY i / 2) AS parts) AS v (m),
	(SELECT (sum(x::numeric * x::numeric) - sum(x::numeric) * sum(x::numeric) / 1000) / 999, (sum(x::numeric * y::numeric) - sum(x::numeric) * sum(y::numeric) / 1000) / 999
		FROM (SELECT (x - 1e9)::text::numeric AS x, (y + 3e9)::text::numeric AS y FROM far) AS f) AS e (xx, xy);
SET extra_float_digits = 0;

-- errors
\set VERBOSITY default
SELECT cx.moments(a) FROM (VALUES ('{1,2}'::double precision[]), ('{1,2,3}')) AS v (a);
SELECT cx.moments(a) FROM (VALUES ('{}'::double precision[])) AS v (a);
SELECT cx.moments(a) FROM (VALUES ('{{1,2},{3,4}}'::double precision[])) AS v (a);
SELECT cx.moments(a) FROM (VALUES ('{1,2}'::double precision[]), ('{1,NaN}')) AS v (a);
SELECT cx.moments(x, y) FROM (VALUES (1, 2), ('infinity'::double precision, 3)) AS v (x, y);
\set VERBOSITY terse
SELECT cx.moments(1, VARIADIC '{{2,3}}');
SELECT cx.moments(x, y) FROM (VALUES (1, 2), (1, '-infinity'::double precision)) AS v (x, y);
SELECT cx.moments(x, 0) FROM (VALUES (1e200), (-1e200)) AS v (x);
SELECT cx.moments(x, 0) FROM (VALUES (1.7e308::double precision), (-1.7e308)) AS v (x);
SELECT cx.moments(array_fill(1::double precision, ARRAY[1001]));
SELECT cx.moments(p) FROM (VALUES (cx.moments_add(NULL, '{1}')), (cx.moments_add(NULL, '{1,2}'))) AS v (p);
SELECT cx.merge(m, m) FROM (SELECT '{"rows": 9223372036854775807, "means": [1], "remainders": [0], "comoments": [1]}'::cx.moments) AS v (m);
SELECT cx.moments_add('{"rows": 9223372036854775807, "means": [1], "remainders": [0], "comoments": [1]}', '{2}');
SELECT cx.mean_of(:'m', 5);
SELECT cx.covariance(:'m', 0, 1);
SELECT cx.correlation(:'m', 1, -1);
-- 1000 columns, stored and read back
CREATE TEMP TABLE wide AS SELECT cx.moments(ARRAY(SELECT sin(i * j) FROM generate_series(1, 1000) AS j)) AS m FROM generate_series(1, 20) AS i;
SELECT cx.row_count(m), cx.column_count(m), round(cx.correlation(m, 1, 1000)::numeric, 6) AS correlation, m::text::cx.moments OPERATOR(cx.=) m AS text FROM wide;
SELECT round(corr(sin(i), sin(i * 1000))::numeric, 6) AS correlation FROM generate_series(1, 20) AS i;

-- correlations
SELECT a, b, round(correlation::numeric, 6) AS correlation, round(p_value::numeric, 6) AS p_value FROM cx.correlations((SELECT cx.moments(x, y, z) FROM (VALUES (1, 2, 5), (2, 3, 5), (3, 7, 5), (5, 1, 5)) AS v (x, y, z)));
SELECT a, b, round(correlation::numeric, 6) AS correlation, p_value FROM cx.correlations((SELECT cx.moments(x, y) FROM (VALUES (1, 2), (2, 3)) AS v (x, y)), '{wait,"wait \"x\""}');
SELECT cx.correlation(m, 1, 2), cx.covariance(m, 1, 2), cx.stddev_of(m, 1), cx.mean_of(m, 1) FROM (SELECT cx.moments(1, 2)) AS v (m);
-- a constant does not vary beyond its rounding
SELECT cx.correlation(cx.moments(x, y), 1, 2) IS NULL AS constant FROM (VALUES (0.1 + 0.2, 1), (0.3::double precision, 2), (0.1::double precision + 0.2::double precision, 3)) AS v (x, y);
SELECT count(*) FROM cx.correlations(NULL);
SELECT * FROM cx.correlations(:'m', '{a,b}');
SELECT * FROM cx.correlations(:'m', '{a,b,c,NULL}');
SELECT * FROM cx.correlations(:'m', '{{a,b},{c,d}}');

-- regression
-- worked by hand: slope 5/2, residual sum of squares 14 - 25/2
SELECT cx.moments(x, y) AS hand FROM (VALUES (1, 2), (2, 3), (3, 7)) AS v (x, y) \gset
SELECT term, round(coefficient::numeric, 9) AS coefficient, round((std_error ^ 2)::numeric, 9) AS squared_error, round((t ^ 2)::numeric, 9) AS squared_t, round(p_value::numeric, 9) AS p_value, vif FROM cx.regression(:'hand', 2);
SELECT row_count, round(r_squared::numeric, 9) AS r_squared, round(adjusted_r_squared::numeric, 9) AS adjusted, round((residual_error ^ 2)::numeric, 9) AS residual_variance, df, round(f::numeric, 9) AS f, round(p_value::numeric, 9) AS p_value, condition_number, dropped
FROM cx.regression_fit(:'hand', 2);
-- one column explains as regr_slope says; F is the square of t
SELECT pg_temp.near(r.coefficient, s.slope) AS slope, pg_temp.near(i.coefficient, s.intercept) AS intercept, pg_temp.near(f.r_squared, s.r2) AS r2, pg_temp.near(f.f, r.t ^ 2) AS f, pg_temp.near(f.p_value, r.p_value, 1e-9) AS p
FROM (SELECT regr_slope(a, b) AS slope, regr_intercept(a, b) AS intercept, regr_r2(a, b) AS r2 FROM sample) AS s, (SELECT cx.moments(a, b) AS m FROM sample) AS m,
	LATERAL cx.regression(m, 1, names => '{a,b}') AS r, LATERAL cx.regression(m, 1) AS i, LATERAL cx.regression_fit(m, 1) AS f
WHERE r.term = 'b' AND i.term = '(intercept)';
-- of two columns with the textbook's formulas, and F of 2 and df degrees of freedom by its closed form
SELECT pg_temp.near(x.coefficient, (r1 - r2 * r12) / (1 - r12 ^ 2) * s), pg_temp.near(x.vif, 1 / (1 - r12 ^ 2)), pg_temp.near(f.r_squared, (r1 ^ 2 + r2 ^ 2 - 2 * r1 * r2 * r12) / (1 - r12 ^ 2)),
	pg_temp.near(f.condition_number, sqrt((1 + abs(r12)) / (1 - abs(r12)))), pg_temp.near(f.p_value, (1 + 2 * f.f / f.df) ^ (-f.df / 2.0), 1e-9)
FROM (SELECT corr(c, a) AS r1, corr(c, b) AS r2, corr(a, b) AS r12, stddev(c) / stddev(a) AS s FROM sample WHERE i <= 15) AS s, (SELECT cx.moments(a, b, c) AS m FROM sample WHERE i <= 15) AS m,
	LATERAL cx.regression(m, 3, names => '{a,b,c}') AS x, LATERAL cx.regression_fit(m, 3) AS f
WHERE x.term = 'a';
-- coefficients that were planted
SELECT term, round(coefficient::numeric, 6) AS coefficient, std_error < 1e-5 AS exact FROM cx.regression((SELECT cx.moments(i, i * i, 5 - 2 * i + 0.25 * i * i) FROM generate_series(1, 50) AS i), 3, names => '{i,square,y}');
-- collinear columns
\set VERBOSITY default
SELECT cx.moments(i, i % 3, i % 5, i + i % 3, 7, i % 4, i + i % 3 - 2 * (i % 5)) AS collinear FROM generate_series(1, 40) AS i \gset
SELECT * FROM cx.regression(:'collinear', 6);
SELECT term, round(coefficient::numeric, 6) AS coefficient FROM cx.regression(:'collinear', 6, 'drop', '{a,b,c,ab,one,y,abc}');
SELECT r_squared BETWEEN 0 AND 1 AS r_squared, df, dropped FROM cx.regression_fit(:'collinear', 6, 'drop', '{a,b,c,ab,one,y,abc}');
SELECT * FROM cx.regression_fit((SELECT cx.moments(i, i, i % 3) FROM generate_series(1, 40) AS i), 3);
-- too few rows, nothing to explain with, nothing to explain
SELECT * FROM cx.regression((SELECT cx.moments(i, i * i, i % 2) FROM generate_series(1, 3) AS i), 3);
\set VERBOSITY terse
SELECT * FROM cx.regression((SELECT cx.moments(i, i * i, i % 2) FROM generate_series(1, 3) AS i), 3, 'drop');
SELECT * FROM cx.regression((SELECT cx.moments(1, 2)), 2);
SELECT term, coefficient, std_error, t, p_value, vif FROM cx.regression((SELECT cx.moments(7, i) FROM generate_series(1, 3) AS i), 2, 'drop');
SELECT * FROM cx.regression_fit((SELECT cx.moments(ARRAY[i]::double precision[]) FROM generate_series(1, 3) AS i), 1);
SELECT * FROM cx.regression((SELECT cx.moments(i, 5) FROM generate_series(1, 10) AS i), 2, names => '{a,b}');
-- an exact line
SELECT term, round(coefficient::numeric, 9) AS coefficient, std_error < 1e-6 AS exact, p_value < 1e-6 AS sure FROM cx.regression((SELECT cx.moments(i, 3 * i + 1) FROM generate_series(1, 10) AS i), 2);
SELECT count(*) FROM cx.regression(NULL, 1);
SELECT * FROM cx.regression_fit(NULL, 1);
SELECT * FROM cx.regression(:'m', NULL);
SELECT * FROM cx.regression(:'m', 0);
SELECT * FROM cx.regression(:'m', 5);
SELECT * FROM cx.regression(:'m', 1, 'ignore');
SELECT * FROM cx.regression(:'m', 1, NULL);
SELECT * FROM cx.regression(:'m', 1, names => '{a,b}');

SELECT count(*) FROM wide, LATERAL cx.regression(m, 3) AS r;
