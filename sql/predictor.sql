-- predictors as values: forms, damage, what they read of records, what they say
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS cx;
CREATE SCHEMA cx_regress_predictor;
RESET client_min_messages;
SET search_path = cx_regress_predictor;
SET extra_float_digits = 0;
SET jit = off;
SET TimeZone = 'Asia/Kolkata';
\set SHOW_CONTEXT never

-- A second writer of the packed form, in plain SQL.
CREATE FUNCTION packed(string text) RETURNS bytea LANGUAGE sql RETURN int4send(octet_length(string)) || convert_to(string, 'UTF8');
CREATE FUNCTION packed(number double precision) RETURNS bytea LANGUAGE sql RETURN float8send(number);
CREATE FUNCTION joined(parts bytea[]) RETURNS bytea LANGUAGE sql RETURN (SELECT coalesce(string_agg(part, '' ORDER BY place), '') FROM unnest(parts) WITH ORDINALITY AS p (part, place));
CREATE FUNCTION feature(name text, kind "char", element integer DEFAULT 0, levels text[] DEFAULT '{}') RETURNS bytea LANGUAGE sql
	RETURN packed(name) || int4send(element) || convert_to(kind::text, 'UTF8') || int4send(cardinality(levels)) || joined(ARRAY(SELECT packed(level) FROM unnest(levels) AS level));
CREATE FUNCTION about(fill double precision, average double precision, spread double precision DEFAULT 'NaN') RETURNS bytea LANGUAGE sql
	RETURN packed(fill) || packed(average) || packed(spread);
CREATE FUNCTION term(feature integer, level integer, coefficient double precision, std_error double precision DEFAULT 'NaN') RETURNS bytea LANGUAGE sql
	RETURN int4send(feature) || int4send(level) || packed(coefficient) || packed(std_error);
CREATE FUNCTION leaf(value double precision, of_rows double precision) RETURNS bytea LANGUAGE sql
	RETURN int2send(-1::smallint) || packed(value) || packed(of_rows);
CREATE FUNCTION split(feature integer, left_child integer, missing_left boolean, threshold double precision, gain double precision, of_rows double precision) RETURNS bytea LANGUAGE sql
	RETURN int2send(feature::smallint) || int4send(left_child) || convert_to(CASE WHEN missing_left THEN 't' ELSE 'f' END, 'UTF8') || packed(threshold) || packed(gain) || packed(of_rows);
CREATE FUNCTION head(kinds text, features bytea[], calibration_offset double precision DEFAULT 0, calibration_slope double precision DEFAULT 1) RETURNS bytea LANGUAGE sql
	RETURN convert_to(kinds, 'UTF8') || packed(calibration_offset) || packed(calibration_slope) || int4send(cardinality(features)) || joined(features);
CREATE FUNCTION linear(intercept double precision, abouts bytea[], terms bytea[], intercept_error double precision DEFAULT 'NaN', freedom double precision DEFAULT 0) RETURNS bytea LANGUAGE sql
	RETURN packed(intercept) || packed(intercept_error) || packed(freedom) || joined(abouts) || int4send(cardinality(terms)) || joined(terms);
CREATE FUNCTION sealed(content bytea, version integer DEFAULT 1) RETURNS bytea LANGUAGE sql RETURN set_byte('\x00', 0, version) || sha256(content) || content;
CREATE FUNCTION as_text(bytes bytea) RETURNS text LANGUAGE sql RETURN translate(encode(bytes, 'base64'), E'\n', '');
CREATE FUNCTION predictor(content bytea) RETURNS cx.predictor LANGUAGE plpgsql AS $$ BEGIN RETURN as_text(sealed(content))::cx.predictor; END $$;
-- what an expression raises, or what it gives
CREATE FUNCTION said(expression text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
	detail text;
	hint text;
BEGIN
	EXECUTE 'SELECT ' || expression INTO result;
	RETURN coalesce(result, 'NULL');
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(E'\n  ', SQLSTATE || ' ' || SQLERRM, nullif(detail, ''), nullif(hint, ''));
END $$;

CREATE TABLE made (name text PRIMARY KEY, content bytea, predictor cx.predictor);
INSERT INTO made (name, content) VALUES
	('churn', head('pl', ARRAY[feature('tenure', 'n'), feature('vip', 'b'), feature('plan', 'c', levels => '{basic,plus}'), feature('since', 't'), feature('gap', 'l'), feature('usage', 'n', 1), feature('usage', 'n', 3)])
		|| linear(-1, ARRAY[about(12, -0.6, 0.3), about(0.5, 0.1, 0.1), about(0, 0.2, 0.4), about(9000, 0.9, 0.05), about(3, 0.3, 0.2), about(5, 0.5, 0.15), about(0, 0, 0)],
			ARRAY[term(0, -1, -0.05, 0.01), term(0, -2, 0.7, 0.2), term(1, -1, 0.2, 0.25), term(2, 1, 0.4, 0.1), term(2, 2, -0.3, 0.6), term(2, -2, 0.9, 0.3), term(3, -1, 0.0001, 0.00002), term(4, -1, 0.1, 0.05), term(5, -1, 0.1), term(6, -1, 2, 1)], 0.5)),
	('spend', head('nl', ARRAY[feature('tenure', 'n')], 3, 2) || linear(10, ARRAY[about(20, 8, 4)], ARRAY[term(0, -1, 0.4, 0.1)], 2, 28)),
	('trees', head('pf', ARRAY[feature('tenure', 'n'), feature('plan', 'c', levels => '{basic,plus}')], 0.1, 0.5) || packed(-0.5::float8)
		-- ranks: basic 1, plus 0, others 2
		|| int4send(0) || int4send(2) || int4send(1) || int4send(0) || int4send(2)
		|| int4send(2) || int4send(5) || split(0, 1, true, 12, 3, 100) || split(1, 3, false, 0.5, 1, 40) || leaf(-0.4, 60) || leaf(0.2, 10) || leaf(0.8, 30)
		|| int4send(3) || split(1, 1, true, 'Infinity', 0.5, 100) || leaf(0.1, 90) || leaf(-0.2, 10)),
	('constant', head('pl', '{}') || linear(0, '{}', '{}'));
UPDATE made SET predictor = predictor(content);

-- forms: text and binary are the same bytes, and one text for each
SELECT name, octet_length(content) AS bytes, predictor::text = as_text(sealed(content)) AS text, cx.predictor_send(predictor) = sealed(content) AS binary,
	predictor::text::cx.predictor OPERATOR(cx.=) predictor AS same FROM made ORDER BY name;
SELECT a.name, b.name FROM made AS a JOIN made AS b ON a.predictor OPERATOR(cx.=) b.predictor ORDER BY 1;
CREATE TEMP TABLE wire (predictor cx.predictor);
CREATE FUNCTION pg_temp.receive(bytes bytea) RETURNS cx.predictor LANGUAGE plpgsql AS $$
DECLARE
	file CONSTANT bytea := '\x5047434f50590aff0d0a00' || int4send(0) || int4send(0) || int2send(1::smallint) || int4send(length(bytes)) || bytes || int2send((-1)::smallint);
	received cx.predictor;
BEGIN
	EXECUTE format('COPY wire FROM PROGRAM %L (FORMAT binary)', format('printf ''%s''',
		(SELECT string_agg('\' || lpad(to_char(b >> 6, 'FM9') || to_char(b >> 3 & 7, 'FM9') || to_char(b & 7, 'FM9'), 3, '0'), '' ORDER BY i)
			FROM generate_series(0, length(file) - 1) AS i, get_byte(file, i) AS b)));
	DELETE FROM wire RETURNING predictor INTO received;
	RETURN received;
END $$;
SELECT name, pg_temp.receive(sealed(content)) OPERATOR(cx.=) predictor AS received FROM made ORDER BY name;

-- damage: each byte flipped in turn is refused, and so is each beginning
CREATE FUNCTION pg_temp.refused(damaged text, OUT refused boolean, OUT state text) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM damaged::cx.predictor;
	refused := false;
EXCEPTION WHEN OTHERS THEN
	refused := true;
	state := SQLSTATE;
END $$;
CREATE FUNCTION pg_temp.refused(damaged bytea, OUT refused boolean, OUT state text) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_temp.receive(damaged);
	refused := false;
EXCEPTION WHEN OTHERS THEN
	refused := true;
	state := SQLSTATE;
END $$;
SELECT name, state, count(*) FROM made, generate_series(1, length(predictor::text)) AS i, generate_series(0, 6) AS bit,
	LATERAL pg_temp.refused(overlay(predictor::text PLACING chr(ascii(substr(predictor::text, i, 1)) # (1 << bit)) FROM i FOR 1)) AS r
WHERE ascii(substr(predictor::text, i, 1)) <> 1 << bit GROUP BY 1, 2 ORDER BY 1, 2;
SELECT state, count(*) FROM made, generate_series(0, length(sealed(content)) - 1) AS i,
	LATERAL pg_temp.refused(set_byte(sealed(content), i, get_byte(sealed(content), i) # 255)) AS r WHERE name = 'trees' GROUP BY 1 ORDER BY 1;
SELECT state, count(*) FROM made, generate_series(0, length(predictor::text) - 1) AS length, LATERAL pg_temp.refused(left(predictor::text, length)) AS r GROUP BY 1 ORDER BY 1;
SELECT state, count(*) FROM made, unnest('{0,1,32,33,34,60}'::integer[]) AS length, LATERAL pg_temp.refused(substr(sealed(content), 1, length)) AS r GROUP BY 1 ORDER BY 1;
-- one byte more, spaces, the unused bits of the last letter
SELECT r.* FROM made, LATERAL (VALUES (predictor::text || 'A'), (' ' || predictor::text), (predictor::text || E'\n'), (as_text(sealed(content || '\x00')))) AS v (damaged), LATERAL pg_temp.refused(damaged) AS r WHERE name = 'churn';
SELECT said(format('%L::cx.predictor', v)) FROM (VALUES (''), ('nonsense'), ('AQID'), ('é')) AS t (v);
-- from a newer version, from none
SELECT said(format('%L::cx.predictor', as_text(sealed(content, version)))) FROM made, unnest('{0,2,255}'::integer[]) AS version WHERE name = 'constant' ORDER BY version;

-- made up: any byte changed under a checksum that is right; what is accepted must be fit for scoring
CREATE FUNCTION pg_temp.tried(content bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	made_up cx.predictor;
	columns integer;
	reasons double precision;
BEGIN
	made_up := predictor(content);
	SELECT count(*) INTO columns FROM cx.predictor_features(made_up);
	SELECT sum(e.contribution) INTO reasons FROM (VALUES (20.0, true, 'plus', timestamp '2026-01-01', interval '2 days', '{1,2,3}'::double precision[])) AS t (tenure, vip, plan, since, gap, usage), cx.explain(made_up, t) AS e;
	RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
	RETURN CASE WHEN SQLSTATE = 'XX000' THEN SQLERRM ELSE 'refused' END;
END $$;
SELECT name, tried, count(*) > 0 AS any FROM made, generate_series(0, length(content) - 1) AS i, unnest('{1,2,4,8,16,32,64,128,255}'::integer[]) AS flip,
	pg_temp.tried(set_byte(content, i, get_byte(content, i) # flip)) AS tried GROUP BY 1, 2 ORDER BY 1, 2;
SELECT name, tried, count(*) > 0 AS any FROM made, generate_series(0, length(content) - 1) AS length, pg_temp.tried(substr(content, 1, length)) AS tried GROUP BY 1, 2 ORDER BY 1, 2;
-- each rule once
CREATE FUNCTION pg_temp.one(kind "char", about bytea, terms bytea[], element integer DEFAULT 0, levels text[] DEFAULT '{}', name text DEFAULT 'x') RETURNS bytea LANGUAGE sql
	RETURN head('pl', ARRAY[feature(name, kind, element, levels)]) || linear(0, ARRAY[about], terms);
SELECT label, said(format('predictor(%L)', content)) FROM (VALUES
	('empty', ''::bytea),
	('kind of outcome', head('xl', '{}') || linear(0, '{}', '{}')),
	('kind of model', head('px', '{}') || linear(0, '{}', '{}')),
	('kind of feature', pg_temp.one('z', about(0, 0), '{}')),
	('no name', pg_temp.one('n', about(0, 0), '{}', name => '')),
	('negative element', pg_temp.one('n', about(0, 0), '{}', -1)),
	('array of categories', pg_temp.one('c', about(0, 0), '{}', 1)),
	('levels of a number', pg_temp.one('n', about(0, 0), '{}', levels => '{a}')),
	('level twice', pg_temp.one('c', about(0, 0), '{}', levels => '{a,b,a}')),
	('feature twice', head('pl', ARRAY[feature('x', 'n'), feature('x', 'b')]) || linear(0, ARRAY[about(0, 0), about(0, 0)], '{}')),
	('1001 features', head('pl', array_fill(feature('x', 'n'), '{1001}'))),
	('zero byte', head('pl', ARRAY[set_byte(feature('xy', 'n'), 5, 0)])),
	('no UTF-8', head('pl', ARRAY[set_byte(feature('xy', 'n'), 5, 255)])),
	('infinite calibration', head('pl', '{}', 'Infinity') || linear(0, '{}', '{}')),
	('infinite coefficient', pg_temp.one('n', about(0, 0), ARRAY[term(0, -1, 'Infinity')])),
	('negative error', pg_temp.one('n', about(0, 0), ARRAY[term(0, -1, 1, -1)])),
	('NaN fill', pg_temp.one('n', about('NaN', 0), '{}')),
	('term twice', pg_temp.one('n', about(0, 0), ARRAY[term(0, -1, 1), term(0, -2, 1), term(0, -1, 1)])),
	('term of no feature', pg_temp.one('n', about(0, 0), ARRAY[term(1, -1, 1)])),
	('term of no level', pg_temp.one('c', about(0, 0), ARRAY[term(0, 2, 1)], levels => '{a}')),
	('level of a number', pg_temp.one('n', about(0, 0), ARRAY[term(0, 0, 1)])),
	('value of a category', pg_temp.one('c', about(0, 0), ARRAY[term(0, -1, 1)], levels => '{a}')),
	('order of terms', head('pl', ARRAY[feature('x', 'n'), feature('y', 'n')]) || linear(0, ARRAY[about(0, 0), about(0, 0)], ARRAY[term(1, -1, 1), term(0, -1, 1)])),
	('something behind', pg_temp.one('n', about(0, 0), '{}') || '\x00'),
	('too many terms', head('pl', '{}') || packed(0::float8) || packed('NaN'::float8) || packed(0::float8) || '\x7fffffff'),
	('a tree in a circle', head('nf', ARRAY[feature('x', 'n')]) || packed(0::float8) || int4send(0) || int4send(1) || int4send(3) || split(0, 0, true, 1, 1, 2) || leaf(0, 1) || leaf(0, 1)),
	('a tree that leads outside', head('nf', ARRAY[feature('x', 'n')]) || packed(0::float8) || int4send(0) || int4send(1) || int4send(3) || split(0, 2, true, 1, 1, 2) || leaf(0, 1) || leaf(0, 1)),
	('a split by no feature', head('nf', ARRAY[feature('x', 'n')]) || packed(0::float8) || int4send(0) || int4send(1) || int4send(3) || split(1, 1, true, 1, 1, 2) || leaf(0, 1) || leaf(0, 1)),
	('NaN threshold', head('nf', ARRAY[feature('x', 'n')]) || packed(0::float8) || int4send(0) || int4send(1) || int4send(3) || split(0, 1, true, 'NaN', 1, 2) || leaf(0, 1) || leaf(0, 1)),
	('infinite leaf', head('nf', ARRAY[feature('x', 'n')]) || packed(0::float8) || int4send(0) || int4send(1) || int4send(1) || leaf('-Infinity', 1)),
	('empty tree', head('nf', ARRAY[feature('x', 'n')]) || packed(0::float8) || int4send(0) || int4send(1) || int4send(0)),
	('ten million trees', head('nf', ARRAY[feature('x', 'n')]) || packed(0::float8) || int4send(0) || int4send(10000000))
) AS v (label, content);

-- what is in them
SELECT name, f.* FROM made, cx.predictor_features(predictor) AS f ORDER BY name;
SELECT name, c.* FROM made, cx.coefficients(predictor) AS c WHERE name <> 'trees' ORDER BY name;
SELECT cx.coefficients(predictor) FROM made WHERE name = 'trees';
SELECT name, f.feature, round(f.importance::numeric, 6) FROM made, cx.feature_importance(predictor) AS f ORDER BY name;

-- predictions, worked by hand
CREATE TABLE customer (name text PRIMARY KEY, extra text, usage double precision[], gap interval, since date, plan text, vip boolean, tenure integer);
INSERT INTO customer VALUES
	('known', 'x', '{3,4,0.5}', '1 day 12:00', '2026-01-01', 'plus', true, 24),
	('other plan', NULL, '{3,4,0.5,99}', '1 day 12:00', '2026-01-01', 'gold', true, 24),
	('missing', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	('missing elements', '', '{NULL,NULL,NULL}', '0', '2000-01-01', 'basic', false, 0);
-- known: -1 - 0.05 * 24 + 0.2 + 0.4 + 0.0001 * 9497 + 0.1 * 1.5 + 0.1 * 3 + 2 * 0.5 = 0.7997
SELECT c.name, round(ln(risk / (1 - risk))::numeric, 9) AS log_odds, round(risk::numeric, 9) AS risk
FROM customer AS c, made AS m, LATERAL cx.churn_risk(predictor, c) AS risk WHERE m.name = 'churn' ORDER BY 1;
-- known: 3 + 2 * (10 + 0.4 * 24)
SELECT c.name, cx.predict(predictor, c) FROM customer AS c, made AS m WHERE m.name = 'spend' ORDER BY 1;
-- known: 0.1 + 0.5 * (-0.5 - 0.4 + 0.1) = -0.3
SELECT c.name, round(ln(risk / (1 - risk))::numeric, 9) AS log_odds FROM customer AS c, made AS m, LATERAL cx.predict(predictor, c) AS risk WHERE m.name = 'trees' ORDER BY 1;
SELECT cx.churn_risk(predictor, c) FROM customer AS c, made AS m WHERE m.name = 'spend';
-- reasons, the most first, and they sum to the prediction; of the trees by hand: without anything known they give 0.02 and 0.07,
-- with the tenure -0.4 and 0.07, with the plan 0.08 and 0.1, with both -0.4 and 0.1, so half of ((-0.42 - 0.48) / 2) and of ((0.06 + 0) / 2 + 0.03)
SELECT m.name, e.feature, e.value, round(e.contribution::numeric, 9) AS contribution
FROM made AS m, customer AS c, LATERAL cx.explain(predictor, c) WITH ORDINALITY AS e WHERE c.name = 'other plan' ORDER BY m.name, e.ordinality;
SELECT m.name, bool_and(abs(total - CASE WHEN m.name = 'spend' THEN prediction ELSE ln(prediction / (1 - prediction)) END) < 1e-12) AS exact, count(*)
FROM made AS m, customer AS c, LATERAL (SELECT sum(contribution) AS total FROM cx.explain(predictor, c)) AS e, LATERAL cx.predict(predictor, c) AS prediction GROUP BY 1 ORDER BY 1;
-- NULL in, NULL out; a record without columns
SELECT cx.predict(NULL::cx.predictor, c) AS no_predictor, cx.predict(predictor, NULL) AS no_record, cx.predict_jsonb(predictor, NULL) AS no_object FROM customer AS c, made AS m WHERE m.name = 'churn' AND c.name = 'known';
SELECT count(*) FROM made AS m, cx.explain(predictor, NULL) WHERE m.name = 'churn';
SELECT cx.predict(predictor, ROW()) AS constant, said(format('cx.predict(%L::cx.predictor, ROW())', (SELECT predictor FROM made WHERE name = 'spend'))) FROM made WHERE name = 'constant';
-- rows of every make: a table, a subquery, an anonymous row, a composite value, an outer join without a match
CREATE TYPE tenure_only AS (other text, tenure numeric);
SELECT cx.predict(predictor, t) AS subquery FROM made, (SELECT 24 AS tenure, 'x' AS extra OFFSET 0) AS t WHERE name = 'spend';
SELECT cx.predict(predictor, t) AS flattened FROM made, (SELECT 24::real AS tenure, 'x' AS extra) AS t WHERE name = 'spend';
SELECT cx.predict(predictor, ROW('x', 24)::tenure_only) AS composite FROM made WHERE name = 'spend';
SELECT cx.predict(predictor, c) AS no_match FROM made LEFT JOIN customer AS c ON false WHERE made.name = 'spend';
SELECT said(format('cx.predict(%L::cx.predictor, ROW(24))', predictor)) AS anonymous FROM made WHERE name = 'spend';

-- columns that are missing, of another type, or there twice
SELECT label, said(format('cx.predict(%L::cx.predictor, t) FROM (SELECT %s FROM customer LIMIT 1) AS t', predictor, columns)) FROM made, (VALUES
	('missing', 'tenure, vip, plan, since, gap'),
	('text for number', '''1''::text AS tenure, vip, plan, since, gap, usage'),
	('number for Boolean', 'tenure, 1 AS vip, plan, since, gap, usage'),
	('number for category', 'tenure, vip, 1 AS plan, since, gap, usage'),
	('time of day for time', 'tenure, vip, plan, time ''12:00'' AS since, gap, usage'),
	('number for array', 'tenure, vip, plan, since, gap, 1 AS usage'),
	('array for number', '''{1}''::integer[] AS tenure, vip, plan, since, gap, usage'),
	('array of texts', 'tenure, vip, plan, since, gap, ''{1}''::text[] AS usage'),
	('twice', '*, 1 AS tenure'),
	('short array', 'tenure, vip, plan, since, gap, ''{1,2}''::double precision[] AS usage'),
	('empty array', 'tenure, vip, plan, since, gap, ''{}''::integer[] AS usage'),
	('array of arrays', 'tenure, vip, plan, since, gap, ''{{1,2,3}}''::integer[] AS usage')
) AS v (label, columns) WHERE name = 'churn';

-- values of every type, as the number that they are; -99 is missing
CREATE TYPE size AS ENUM ('small', 'large', 'huge');
CREATE DOMAIN whole AS integer CHECK (VALUE >= 0);
CREATE DOMAIN wholes AS whole[];
CREATE DOMAIN sized AS size;
CREATE FUNCTION number_of(kind "char", value text, element integer DEFAULT 0, levels text[] DEFAULT '{}') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	-- a category by terms of 1, 2 and so on for its levels and the others
	reads CONSTANT cx.predictor := predictor(head('nl', ARRAY[feature('x', kind, element, levels)]) || linear(0, ARRAY[about(-99, 0)],
		CASE kind WHEN 'c' THEN ARRAY(SELECT term(0, l, l + 1) FROM generate_series(0, cardinality(levels)) AS l) || term(0, -2, -99) ELSE ARRAY[term(0, -1, 1)] END));
BEGIN
	RETURN said(format('cx.predict(%L::cx.predictor, t) FROM (SELECT %s AS x) AS t', reads, value));
END $$;
SELECT value, number_of('n', value) FROM unnest(ARRAY['-3::smallint', '7', '9007199254740993', '2.5::real', '1e300::float8', '0.1', '1e400', '''NaN''::numeric', '''NaN''::real', '''-Infinity''::float8', '4::whole', 'NULL::integer']) AS value;
SELECT value, number_of('b', value) FROM unnest('{true,false,NULL::boolean}'::text[]) AS value;
SELECT value, number_of('c', value, levels => '{small,large,"",é}') FROM unnest(ARRAY['text ''small''', 'varchar ''large''', '''large''::char(9)', 'text ''''', 'name ''small''', 'size ''large''', 'size ''huge''', 'sized ''small''', 'text ''large ''', 'text ''é''', 'NULL::text', 'repeat(''small'', 100000)']) AS value;
SELECT value, number_of('t', value) FROM unnest(ARRAY['date ''2000-01-02''', 'timestamp ''1999-12-31 12:00''', 'timestamptz ''2000-01-01 18:00+06''', 'timestamptz ''2000-01-01 05:30''', 'date ''infinity''', 'timestamptz ''-infinity''', 'date ''4713-01-01 BC''']) AS value;
SELECT value, number_of('l', 'interval ' || quote_literal(value)), extract(epoch FROM value::interval)::float8 / 86400 AS by_epoch FROM unnest('{1 day 6:00,-1 year 2 mons,3 mons -1 day}'::text[]) AS value;
SELECT value, number_of('n', value, 2) FROM unnest(ARRAY['''{1,2}''::smallint[]', '''{1,2,3}''::integer[]', '''{1,-2}''::bigint[]', '''{1,0.5}''::real[]', '''{1,1e300}''::float8[]', '''{1,NULL}''::float8[]', '''{1,Infinity}''::float8[]', '''{1,0.25}''::numeric[]', '''{1,2}''::wholes', '''[0:1]={1,2}''::integer[]', 'NULL::float8[]', 'array_fill(2::float8, ARRAY[100000])']) AS value;
-- a time is the same wherever the session is
SET TimeZone = 'America/New_York';
SET DateStyle = 'German, DMY';
SET IntervalStyle = 'sql_standard';
SELECT number_of('t', 'timestamptz ''2000-01-01 18:00+06''');
SELECT e.feature, e.value, round(e.contribution::numeric, 9) AS contribution FROM made AS m, (SELECT 1.1::real AS tenure, false AS vip, 'plus' AS plan, timestamptz '2026-01-01 00:00+05:30' AS since, interval '36 hours' AS gap, '{1,2,3}'::numeric[] AS usage) AS t, cx.explain(predictor, t) AS e WHERE name = 'churn';
SELECT round(ln(risk / (1 - risk))::numeric, 9) AS log_odds FROM made, cx.predict_jsonb(predictor, '{"tenure": 24, "vip": true, "plan": "plus", "since": "2026-01-01T05:30:00+05:30", "gap": "-1 day +60:00:00", "usage": [3, 4, 0.5]}') AS risk WHERE name = 'churn';
RESET DateStyle;
RESET IntervalStyle;
RESET TimeZone;

-- quoted names, 1000 features in columns and in an array
SELECT said(format('cx.predict(%L::cx.predictor, t) FROM (SELECT 1 AS "a ""b""", 2 AS "%%s", 3 AS "Ä''") AS t', predictor(head('nl', ARRAY[feature('a "b"', 'n'), feature('%s', 'n'), feature('Ä''', 'n')])
	|| linear(0, ARRAY[about(0, 0), about(0, 0), about(0, 0)], ARRAY[term(0, -1, 100), term(1, -1, 10), term(2, -1, 1)]))));
CREATE TABLE wide AS SELECT predictor(head('nl', array_agg(feature('c' || i, 'n') ORDER BY i)) || linear(0, array_agg(about(0, 0)), array_agg(term(i, -1, i) ORDER BY i))) AS columns,
	predictor(head('nl', array_agg(feature('c', 'n', 1000 - i) ORDER BY i)) || linear(0, array_agg(about(0, 0)), array_agg(term(i, -1, i) ORDER BY i))) AS elements FROM generate_series(0, 999) AS i;
SELECT said(format('cx.predict(%L::cx.predictor, t) FROM (SELECT %s) AS t', columns, (SELECT string_agg(format('%s AS c%s', i, i), ', ' ORDER BY -i) FROM generate_series(0, 999) AS i))) AS columns,
	(SELECT sum(i * i) FROM generate_series(0, 999) AS i) AS by_hand FROM wide;
SELECT cx.predict(elements, t) AS elements FROM wide, (SELECT array_agg(999 - i ORDER BY i) AS c FROM generate_series(0, 999) AS i) AS t;
SELECT said(format('cx.predict(%L::cx.predictor, t) FROM (SELECT 1 AS c0) AS t', columns)) FROM wide;
-- too far out
SELECT said(format('cx.predict(%L::cx.predictor, t) FROM (SELECT 1e308::float8 AS tenure) AS t', predictor(head('nl', ARRAY[feature('tenure', 'n')]) || linear(0, ARRAY[about(0, 0)], ARRAY[term(0, -1, 100)]))));
SELECT said(format('cx.churn_risk(%L::cx.predictor, t) FROM (SELECT 1e308::float8 AS a, 1e308::float8 AS b) AS t', predictor(head('pl', ARRAY[feature('a', 'n'), feature('b', 'n')]) || linear(0, ARRAY[about(0, 0), about(0, 0)], ARRAY[term(0, -1, 100), term(1, -1, -100)]))));

-- objects: to_jsonb() of a row says the same as the row, and so do texts
SELECT bool_and(cx.predict_jsonb(predictor, to_jsonb(c)) = cx.predict(predictor, c)) AS same, count(*) FROM made, customer AS c;
SELECT label, said(format('round(cx.predict_jsonb(%L::cx.predictor, %L)::numeric, 9)', predictor, '{"tenure": 24, "vip": true, "plan": "plus", "since": "2026-01-01", "gap": 1.5, "usage": [3, 4, 0.5]}'::jsonb || object)) FROM made, (VALUES
	('as it is', '{}'::jsonb), ('texts', '{"tenure": "24", "vip": "yes", "gap": "36:00:00", "usage": ["3", null, " 5e-1 "]}'), ('no time of day', '{"since": "2026-01-01T00:00:00Z"}'), ('a zone', '{"since": "2025-12-31 18:30:00.000-05:30"}'),
	('null', '{"tenure": null, "vip": null, "plan": null, "since": null, "gap": null, "usage": null}'), ('not finite', '{"tenure": "NaN", "since": "infinity"}'), ('a number for a category', '{"plan": 7}'), ('true for a category', '{"plan": true}'),
	('text for number', '{"tenure": "two years"}'), ('nothing for number', '{"tenure": ""}'), ('hexadecimal', '{"tenure": "0x18"}'), ('true for number', '{"tenure": true}'), ('number for Boolean', '{"vip": 1}'), ('text for Boolean', '{"vip": "maybe"}'),
	('array for number', '{"tenure": [24]}'), ('object for category', '{"plan": {}}'), ('number for time', '{"since": 9497}'), ('other notation', '{"since": "01/02/2026"}'), ('no such day', '{"since": "2026-02-29"}'), ('no such hour', '{"since": "2026-01-01T24:00"}'), ('now', '{"since": "now"}'), ('more', '{"since": "2026-01-01T00:00Z today"}'),
	('no interval', '{"gap": "soon"}'), ('number for array', '{"usage": 3}'), ('short array', '{"usage": [1, 2]}'), ('text in array', '{"usage": ["a", 2, 3]}')) AS v (label, object) WHERE name = 'churn';
SELECT said(format('cx.predict_jsonb(%L::cx.predictor, %L)', predictor, object)) FROM made, unnest(ARRAY['{"tenure": 1}', '[1]', '1', 'null']) AS object WHERE name = 'churn';

-- a predictor of another row, variable or parameter is never mixed up with the last one; there are more than are kept, some compressed, some out of line
CREATE TABLE many AS SELECT i, predictor(head('nl', ARRAY[feature('tenure', 'n')]) || linear(i, ARRAY[about(0, 0)], ARRAY[term(0, -1, 0)])) AS predictor FROM generate_series(1, 10) AS i;
INSERT INTO many SELECT 100 + i, predictor(head('nl', array_agg(feature('x' || j, 'c', levels => ARRAY[repeat('long ', 30), CASE WHEN i > 5 THEN md5((i * j)::text) ELSE 'b' END]) ORDER BY j) || feature('tenure', 'n'))
	|| linear(100 + i, array_agg(about(0, 0)) || about(0, 0), ARRAY[term(40 + i * 20, -1, 0)])) FROM generate_series(1, 10) AS i, generate_series(1, 40 + i * 20) AS j GROUP BY i;
SELECT count(*) FILTER (WHERE pg_column_size(predictor) < octet_length(cx.predictor_send(predictor)) AND pg_column_size(predictor) < 2000) > 0 AS compressed,
	count(*) FILTER (WHERE pg_column_size(predictor) > 2100) > 0 AS out_of_line, count(*) FROM many;
CREATE VIEW needed AS SELECT i, predictor, (SELECT jsonb_object_agg(f.feature, 1) FROM cx.predictor_features(predictor) AS f) AS object FROM many;
SELECT bool_and(cx.predict_jsonb(predictor, object) = i) AS right, count(*) FROM (SELECT n.* FROM needed AS n, generate_series(1, 3) AS round ORDER BY round, i) AS v;
SELECT bool_and(cx.predict_jsonb(predictor, object) = i) AS right, count(*) FROM (SELECT n.* FROM needed AS n, generate_series(1, 20) AS round ORDER BY random()) AS v;
DO $$
DECLARE
	r record;
	variable cx.predictor;
BEGIN
	FOR r IN SELECT n.* FROM needed AS n, generate_series(1, 20) ORDER BY random() LOOP
		variable := r.predictor;
		ASSERT cx.predict_jsonb(variable, r.object) = r.i, 'mixed up';
		ASSERT cx.predict_jsonb(r.predictor, r.object) = r.i, 'mixed up';
		ASSERT cx.predict_jsonb((SELECT predictor FROM many WHERE i = r.i), r.object) = r.i, 'mixed up';
	END LOOP;
END $$;
-- rows of several types in one query
CREATE TABLE parent (tenure integer);
CREATE TABLE child (plan text) INHERITS (parent);
INSERT INTO parent VALUES (10);
INSERT INTO child VALUES (20, 'x');
SELECT array_agg(cx.predict(predictor, p) ORDER BY tenure) FROM parent AS p, made WHERE name = 'spend';
CREATE FUNCTION score_records() RETURNS SETOF double precision LANGUAGE plpgsql AS $$
DECLARE
	spend CONSTANT cx.predictor := (SELECT predictor FROM made WHERE name = 'spend');
	query text;
	r record;
BEGIN
	FOREACH query IN ARRAY ARRAY['SELECT 1 AS tenure', 'SELECT ''x'' AS plan, 2::real AS tenure', 'SELECT 3 AS tenure', 'SELECT * FROM child'] LOOP
		EXECUTE query INTO r;
		RETURN NEXT cx.predict(spend, r);
	END LOOP;
END $$;
SELECT score_records();

-- a column changes its type between executions of a prepared statement, and between calls in one function
CREATE TABLE changing AS SELECT 24 AS tenure;
PREPARE scored AS SELECT cx.predict(predictor, c) FROM changing AS c, made WHERE name = 'spend';
EXECUTE scored;
ALTER TABLE changing ALTER tenure TYPE double precision;
ALTER TABLE changing ADD other text DEFAULT 'x';
EXECUTE scored;
ALTER TABLE changing DROP tenure;
EXECUTE scored;
ALTER TABLE changing ADD tenure numeric DEFAULT 25;
EXECUTE scored;
ALTER TABLE changing ALTER tenure TYPE text;
EXECUTE scored;
ALTER TABLE changing RENAME tenure TO tenure_text;
ALTER TABLE changing ADD tenure bigint DEFAULT 26;
EXECUTE scored;
CREATE FUNCTION score_changing() RETURNS SETOF double precision LANGUAGE plpgsql AS $$
DECLARE
	spend CONSTANT cx.predictor := (SELECT predictor FROM made WHERE name = 'spend');
	c record;
	round integer;
BEGIN
	FOR round IN 1 .. 3 LOOP
		SELECT t AS row INTO c FROM changing AS t LIMIT 1;
		RETURN NEXT cx.predict(spend, c.row);
		EXECUTE format('ALTER TABLE changing ALTER tenure TYPE %s USING tenure + 1', (ARRAY['double precision', 'numeric', 'smallint'])[round]);
	END LOOP;
END $$;
SELECT score_changing();

-- the champion of a model, in a table of the shape that cx.train() keeps
CREATE SCHEMA cx_data;
SELECT cx.predict('churn', c) FROM customer AS c;
CREATE TABLE cx_data.model (name text, version integer, predictor cx.predictor, champion boolean, PRIMARY KEY (name, version));
SELECT cx.predict('churn', c) FROM customer AS c;
INSERT INTO cx_data.model SELECT name, 1, predictor, true FROM made;
SELECT bool_and(cx.predict('churn', c) = cx.predict(predictor, c)) AS predict, bool_and(cx.churn_risk('churn', c) = cx.churn_risk(predictor, c)) AS churn_risk,
	bool_and(cx.predict_jsonb('churn', to_jsonb(c)) = cx.predict(predictor, c)) AS predict_jsonb,
	bool_and((SELECT array_agg(e) FROM cx.explain('churn', c) AS e) = (SELECT array_agg(e) FROM cx.explain(predictor, c) AS e)) AS explain
FROM customer AS c, made AS m WHERE m.name = 'churn';
SELECT cx.churn_risk('spend', c) FROM customer AS c;
SELECT cx.predict('no such', c) FROM customer AS c;
SELECT cx.predict(NULL::text, c) FROM customer AS c LIMIT 1;
UPDATE cx_data.model SET predictor = NULL WHERE name = 'constant';
SELECT cx.predict('constant', c) FROM customer AS c;
UPDATE cx_data.model AS m SET predictor = made.predictor FROM made WHERE made.name = m.name AND m.name = 'constant';
-- names of rows
SELECT bool_and(cx.predict(m.name, to_row) = cx.predict(m.predictor, to_row)) AS same, count(*) FROM made AS m, customer AS to_row, generate_series(1, 3);
-- a new champion counts from the next statement on, in a function too, and one that was rolled back does not
INSERT INTO cx_data.model SELECT 'spend', version, predictor(head('nl', ARRAY[feature('tenure', 'n')]) || linear(version, ARRAY[about(0, 0)], ARRAY[term(0, -1, 0)])), false FROM generate_series(2, 9) AS version;
CREATE PROCEDURE crown(new_version integer) LANGUAGE sql AS $$ UPDATE cx_data.model SET champion = version = new_version WHERE name = 'spend' $$;
CREATE FUNCTION known() RETURNS customer LANGUAGE sql STABLE AS $$ SELECT c FROM customer AS c WHERE name = 'known' $$;
CREATE FUNCTION score_champions() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	c CONSTANT customer := known();
	turn integer;
BEGIN
	CALL crown(2);
	-- two expressions, evaluated again and again; what turns 4 to 6 do is undone
	FOR turn IN 3 .. 9 LOOP
		RETURN NEXT 'before ' || turn || ': ' || cx.predict('spend', c);
		BEGIN
			CALL crown(turn);
			RETURN NEXT 'in ' || turn || ': ' || cx.predict('spend', c);
			IF turn BETWEEN 4 AND 6 THEN
				RAISE EXCEPTION 'undone';
			END IF;
		EXCEPTION WHEN raise_exception THEN
			NULL;
		END;
	END LOOP;
	RETURN NEXT 'after: ' || cx.predict('spend', c);
END $$;
SELECT score_champions();
CREATE FUNCTION score_undone() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	c CONSTANT customer := known();
	turn integer;
BEGIN
	CALL crown(2);
	-- the same expression in a subtransaction that is undone and in one that changes nothing
	FOR turn IN 1 .. 4 LOOP
		BEGIN
			IF turn % 2 = 1 THEN
				CALL crown(turn + 2);
			END IF;
			RETURN NEXT turn || ': ' || cx.predict('spend', c);
			IF turn % 2 = 1 THEN
				RAISE EXCEPTION 'undone';
			END IF;
		EXCEPTION WHEN raise_exception THEN
			NULL;
		END;
	END LOOP;
END $$;
SELECT score_undone();
PREPARE by_name AS SELECT cx.predict('spend', c) FROM customer AS c WHERE name = 'known';
EXECUTE by_name;
CALL crown(3);
EXECUTE by_name;
-- a cursor keeps to the champion that it was opened with
BEGIN;
DECLARE scores CURSOR FOR SELECT cx.predict('spend', c) FROM customer AS c;
FETCH 1 FROM scores;
CALL crown(4);
FETCH 1 FROM scores;
EXECUTE by_name;
ROLLBACK;
EXECUTE by_name;
-- it is read with the rights of the caller
CREATE ROLE cx_regress_scorer;
GRANT USAGE ON SCHEMA cx_regress_predictor TO cx_regress_scorer;
GRANT SELECT ON customer TO cx_regress_scorer;
SET ROLE cx_regress_scorer;
EXECUTE by_name;
RESET ROLE;
GRANT USAGE ON SCHEMA cx_data TO cx_regress_scorer;
GRANT SELECT ON cx_data.model TO cx_regress_scorer;
SET ROLE cx_regress_scorer;
EXECUTE by_name;
RESET ROLE;
CREATE FUNCTION score_as_other() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	c CONSTANT customer := known();
	role_name text;
BEGIN
	FOREACH role_name IN ARRAY ARRAY['none', 'cx_regress_scorer'] LOOP
		PERFORM set_config('role', role_name, true);
		RETURN NEXT role_name || ': ' || cx.predict('spend', c);
	END LOOP;
END $$;
SELECT score_as_other();
REVOKE SELECT ON cx_data.model FROM cx_regress_scorer;
SELECT score_as_other();
-- in parallel workers
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
CREATE TABLE customers AS SELECT c.* FROM customer AS c, generate_series(1, 5000);
ANALYZE customers;
SELECT count(*) FILTER (WHERE cx.predict('churn', c) <> cx.predict(m.predictor, c)) AS differences, count(*) FROM customers AS c, made AS m WHERE m.name = 'churn';
SELECT round(sum(cx.predict('churn', t))::numeric, 6) FROM (SELECT usage, gap, since, plan, vip, tenure + 1 AS tenure FROM customers) AS t;
SET max_parallel_workers_per_gather = 0;
SELECT round(sum(cx.predict('churn', t))::numeric, 6) FROM (SELECT usage, gap, since, plan, vip, tenure + 1 AS tenure FROM customers) AS t;

DEALLOCATE ALL;
SET client_min_messages = warning;
DROP SCHEMA cx_data CASCADE;
DROP SCHEMA cx_regress_predictor CASCADE;
DROP ROLE cx_regress_scorer;
