-- What is written as comma-separated values is read back; whatever a payload holds, the import counts it and goes on.
BEGIN;
SET client_min_messages = warning;
-- without JIT compilation, of which a server that is set to use it for all queries does one for each part of a batch; capture runs with it
SET jit = off;
SELECT plan(9);
SELECT setseed(0.4);
CREATE FUNCTION pg_temp.pick(VARIADIC choices text[]) RETURNS text LANGUAGE sql VOLATILE AS $$SELECT choices[1 + floor(random() * cardinality(choices))::integer]$$;

-- fields of all sorts, quoted as RFC 4180 says
CREATE TEMP TABLE written AS
SELECT row, array_agg(field ORDER BY place) AS fields,
	string_agg(CASE WHEN field IS NULL THEN pg_temp.pick('', '""') WHEN field ~ '[",;\r\n|\t]' OR random() < 0.3 THEN '"' || replace(field, '"', '""') || '"' ELSE field END, ',' ORDER BY place) AS line
FROM (
	SELECT row, place, CASE WHEN random() < 0.1 THEN NULL ELSE (SELECT string_agg(pg_temp.pick('a', ' ', ',', ';', '"', '""', E'\n', E'\r\n', E'\t', 'é', '好', '😀', '\', '''', '{', 'x', '|'), '') FROM generate_series(1, 1 + (row + place) % 7)) END AS field
	FROM generate_series(1, 3000) AS row, generate_series(1, 4) AS place
) AS f GROUP BY row;
SELECT results_eq(
	$$SELECT fields FROM cx.csv_rows((SELECT string_agg(line, E'\r\n' ORDER BY row) FROM written), ',')$$,
	$$SELECT fields FROM written WHERE num_nonnulls(VARIADIC fields) > 0 ORDER BY row$$,
	'3,000 random rows are read back as they were written');

CALL cx.create_program();
INSERT INTO cx_data.touchpoint (code) VALUES ('app');
SELECT cx.create_import('web', 'formbricks', '{"q": {"metric": "nps", "touchpoint": "app", "comment": "w"}}');
-- one of many values in place of the right one
CREATE FUNCTION pg_temp.value(usual text) RETURNS jsonb LANGUAGE sql VOLATILE AS $$
	SELECT CASE WHEN random() < 0.8 THEN usual ELSE pg_temp.pick('null', '""', '[]', '{}', '{"a": [1]}', '"soon"', '-1', '1e300', '1e-300', '0', '11', 'true', 'false', '"2026-02-30"', '"infinity"', '"-infinity"', '"\u00e9\n"', '"10 - yes"', '"' || repeat('x', 1500) || '"', '"$q"', '99999999999999999999') END::jsonb$$;
CREATE TEMP TABLE payload AS
SELECT number, CASE floor(random() * 12)::integer
		WHEN 0 THEN pg_temp.value('null')
		WHEN 1 THEN jsonb_build_object('data', pg_temp.value('[]'))
		ELSE jsonb_build_object('data', jsonb_build_object('id', pg_temp.value('"r' || number || '"'), 'finished', pg_temp.value('true'), 'createdAt', pg_temp.value('"2026-03-02T08:00:00Z"'),
			'updatedAt', pg_temp.value('null'), 'data', jsonb_build_object('q', pg_temp.value((number % 11)::text), 'w', pg_temp.value('"words"')), 'contactAttributes', jsonb_build_object('userId', pg_temp.value('"c' || number % 50 || '"')))) END AS body
FROM generate_series(1, 3000) AS number;
CREATE TEMP TABLE done AS SELECT c.* FROM (SELECT jsonb_agg(body) AS batch FROM payload GROUP BY number / 100) AS b, cx.import_feedback('web', batch) AS c;
SELECT is(sum(responses), 3000::numeric, 'each of 3,000 damaged payloads is a response') FROM done;
SELECT ok(sum(inserted) > 500 AND sum(set_aside) > 10 AND sum(failed) > 300, 'some are good, some partial, some bad') FROM done;
-- what is good, as plain SQL says; one a key
CREATE TEMP TABLE expected AS
SELECT body #>> '{data,id}' AS key, max((body #>> '{data,data,q}')::numeric)::smallint AS score
FROM payload
WHERE body #> '{data,finished}' IS DISTINCT FROM 'false' AND body #>> '{data,id}' ~ '^r[0-9]+$' AND body #>> '{data,createdAt}' = '2026-03-02T08:00:00Z'
	AND jsonb_typeof(body #> '{data,updatedAt}') = 'null' AND (body #> '{data,data,q}')::text ~ '^([0-9]|10)$' AND body #>> '{data,contactAttributes,userId}' ~ '^c[0-9]+$'
GROUP BY 1;
SELECT cmp_ok(count(*)::integer, '>', 500, 'plain SQL knows many that are right beyond doubt') FROM expected;
SELECT is_empty($$SELECT key || '/q', score FROM expected EXCEPT SELECT source_key, score FROM cx_data.feedback$$, 'and all of them are there');
SELECT is((SELECT count(*) FROM cx_data.feedback), (SELECT sum(inserted)::bigint FROM done), 'what was counted as inserted is there');
SELECT is_empty($$SELECT FROM cx_data.feedback WHERE NOT isfinite(responded_at) OR score NOT BETWEEN 0 AND 10$$, 'nothing else came in');
-- the same again changes nothing
SELECT is((SELECT sum(c.inserted + c.updated) FROM (SELECT jsonb_agg(body ORDER BY number) AS batch FROM payload WHERE body #>> '{data,id}' ~ '^r[0-9]+$' GROUP BY number / 100) AS b, cx.import_feedback('web', batch) AS c), 0::numeric, 'the same again changes nothing');
SELECT is((SELECT cx.tally(tally)::text FROM cx_data.tally_live), (SELECT cx.tally(score)::text FROM cx_data.feedback), 'and the tallies are exact');
SELECT * FROM finish();
ROLLBACK;
