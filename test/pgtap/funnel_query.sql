-- What cx.funnel makes of the queries and steps that it is given.
BEGIN;
SET timezone = 'UTC';
SELECT plan(37);

CREATE TEMP TABLE event AS
SELECT * FROM (VALUES (1, timestamptz '2026-01-01', 'a', 'x'), (1, '2026-01-02', 'b', 'y'), (2, '2026-01-01', 'a', NULL), (3, '2026-01-05', 'a', 'x'), (4, '2026-01-01', E'it''s "q" \u20ac', 'x')) AS v (customer, at, step, breakdown);
CREATE FUNCTION pg_temp.told(query text, steps text[] DEFAULT '{a,b}', as_of timestamptz DEFAULT '2026-01-06') RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(concat_ws(' ', breakdown, step_number, step, reached, in_progress), ', ' ORDER BY breakdown, step_number) FROM cx.funnel(query, steps, '3 days', as_of)
$$;
-- 1 goes all the way, 2 stays, 3 entered too late to be judged
SELECT is(pg_temp.told(q), '1 a 2 1, 2 b 1 0', q) FROM unnest(ARRAY[
	'SELECT customer, at, step FROM event', 'SELECT customer, at, step FROM event;', ';; SELECT customer, at, step FROM event; ; -- done',
	'SELECT customer, at, step FROM event -- done', 'SELECT customer, at, step FROM event /* ) */', '(SELECT customer, at, step FROM event)',
	'SELECT customer, at::date AS at, step::varchar(9) COLLATE "C" AS step FROM event', 'SELECT (customer, NULL::integer) AS customer, at, step FROM event',
	'SELECT customer, at, step, 1 AS "odd""; --", 2 AS "Breakdown", NULL AS placed FROM event', 'SELECT customer, at, step, NULL AS breakdown FROM event',
	'SELECT customer, at, step FROM event UNION ALL SELECT NULL, at, step FROM event UNION ALL SELECT customer, NULL, step FROM event UNION ALL SELECT customer, at, NULL FROM event',
	'WITH placed AS (SELECT * FROM event), chain AS (TABLE placed) SELECT customer, at, step FROM chain']) AS q;
SELECT is(pg_temp.told('TABLE event'), 'x 1 a 1 1, x 2 b 1 0, 1 a 1 0, 2 b 0 0', 'by the breakdown of the entry, where it has none last');
SELECT is(pg_temp.told('WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT n AS customer, timestamptz ''2026-01-01'' AS at, ''a'' AS step FROM r'), '1 a 5 0, 2 b 0 0', 'a recursive query');
SELECT is(pg_temp.told('SELECT e AS customer, at, step FROM event AS e WHERE step = ''a'''), '1 a 2 1, 2 b 0 0', 'customers that are rows');

SELECT is(pg_temp.told('TABLE event', ARRAY[E'it''s "q" \u20ac', '']), E'x 1 it''s "q" \u20ac 1 0, x 2  0 0', 'steps of any characters and of none');
SELECT is(pg_temp.told('TABLE event', ARRAY['', ' ']), '1  0 0, 2   0 0', 'steps that nobody met');
SELECT is(pg_temp.told('SELECT customer, at, step FROM event', '[0:1]={a,b}'), '1 a 2 1, 2 b 1 0', 'an array of steps that begins at 0');
SELECT is(pg_temp.told('SELECT customer, at, step FROM event', '[-1:0]={a,b}'), '1 a 2 1, 2 b 1 0', 'and one that begins before');
SELECT is(pg_temp.told('TABLE event', '{a,b}', '1000-01-01'), '1 a 0 0, 2 b 0 0', 'before anything happened');
SELECT is(pg_temp.told('TABLE event', '{a,b}', '4713-01-01 BC'), '1 a 0 0, 2 b 0 0', 'before time began');
SELECT is(pg_temp.told('SELECT * FROM event WHERE false'), '1 a 0 0, 2 b 0 0', 'no events');

SELECT throws_ok(format('SELECT pg_temp.told(%L)', q), '22023', 'query must be one SELECT', q) FROM unnest(ARRAY[
	'', ';', 'SELECT customer, at, step FROM event; DROP TABLE event', 'SELECT customer, at, step INTO other FROM event', 'EXPLAIN TABLE event', 'DELETE FROM event RETURNING *',
	'WITH gone AS (DELETE FROM event RETURNING *) TABLE gone']) AS q;
SELECT throws_ok(format('SELECT pg_temp.told(%L)', 'TABLE event) AS x; DROP TABLE event; --'), '42601', NULL, 'a query that ends the parentheses is none');
SELECT throws_ok(format('SELECT pg_temp.told(%L)', 'SELECT customer, at FROM event'), '42703', 'query gives no column "step"', 'a column is missing');
SELECT throws_ok(format('SELECT pg_temp.told(%L)', 'SELECT customer, at, step, $1 FROM event'), '42P02', 'there is no parameter $1', 'a query has no parameters');
SELECT throws_ok($$SELECT pg_temp.told('TABLE event', '{{a,b},{c,d}}')$$, '22023', 'number of steps must be 1..32', 'steps in a table');
SELECT throws_ok($$SELECT pg_temp.told('TABLE event', '{}')$$, '22023', 'number of steps must be 1..32', 'no steps');
SELECT throws_ok($$SELECT pg_temp.told('TABLE event', '{a,NULL}')$$, '22004', 'steps must not be null', 'a step that is NULL');
SELECT throws_ok($$SELECT pg_temp.told('TABLE event', NULL)$$, '22004', 'steps must not be null', 'steps that are NULL');
SELECT throws_ok($$SELECT pg_temp.told('TABLE event', '{a,b,a}')$$, '22023', 'step "a" is given twice', 'a step twice');
SELECT * FROM finish();
ROLLBACK;
