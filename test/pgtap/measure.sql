-- What the measure room promises, in sentences.
BEGIN;
SELECT plan(27);
SET search_path = public, cx;
SET extra_float_digits = 0;

-- the aggregates share their work
SELECT is(count(DISTINCT (aggtransfn, aggtranstype, agginitval, aggcombinefn, aggmtransfn, aggminvtransfn))::int, 1,
	format('tally, nps, csat and ces of %s share one transition', argument))
FROM pg_aggregate JOIN pg_proc AS p ON p.oid = aggfnoid, unnest('{smallint,integer,numeric,double precision,cx.tally}'::regtype[]) AS argument
WHERE pronamespace = 'cx'::regnamespace AND proargtypes[0] = argument AND pronargs = 1 AND proname IN ('tally', 'nps', 'csat', 'ces')
GROUP BY argument ORDER BY argument::text;
SELECT is((SELECT count(*)::int FROM pg_aggregate JOIN pg_proc AS p ON p.oid = aggfnoid
	WHERE pronamespace = 'cx'::regnamespace AND pronargs = 1 AND proname IN ('tally', 'nps', 'csat', 'ces')), 20, 'each of the four takes four types and tallies');
SELECT is((SELECT prosrc FROM pg_proc WHERE oid = 'cx.tally_add(cx.tally, smallint)'::regprocedure), 'tally_add_smallint', 'smallint is read as smallint');
SELECT is(pg_typeof(cx.nps(9::smallint)), 'double precision'::regtype, 'scores are double precision');

-- with cx on the search path everything reads as arithmetic
SELECT is('{9:1}'::tally + '{9:2}', '{9:3}'::tally, 'tallies add');
SELECT is('{9:3}'::tally - '{9:2}', '{9:1}'::tally, 'a part can be taken away');
SELECT is((nps_estimate('{0:40,10:60}') - nps_estimate('{0:60,10:40}')).difference, 40::double precision, 'estimates subtract to a change');
SELECT is((nps_change('{0:60,10:40}', '{0:40,10:60}') - nps_change('{0:50,10:50}', '{0:50,10:50}')).difference, 40::double precision, 'changes subtract to a difference in differences');
SELECT is(nps(score), 20::double precision, 'nps counts promoters minus detractors') FROM unnest('{10,10,9,9,9,8,7,6,3,0}'::int[]) AS score;
SELECT is(csat(nullif(score, 0)), 50::double precision, 'not applicable is left out with nullif') FROM unnest('{0,0,1,3,4,5}'::int[]) AS score;

-- stored values
CREATE TEMP TABLE week (day date, answers tally);
SELECT is((SELECT nps(answers) FROM week), NULL, 'no rows give NULL');
INSERT INTO week SELECT date '2026-01-01' + d, tally(((d * 7 + s) % 11)::smallint) FROM generate_series(0, 6) AS d, generate_series(1, 30 + 5 * d) AS s GROUP BY d;
SELECT is((SELECT responses(tally(answers)) FROM week), 315::bigint, 'a roll-up keeps every answer');
SELECT is((SELECT nps(answers) FROM week), (SELECT nps(((d * 7 + s) % 11)::smallint) FROM generate_series(0, 6) AS d, generate_series(1, 30 + 5 * d) AS s), 'the NPS of the roll-up is the NPS of the answers');
SELECT cmp_ok((SELECT abs(nps(answers) - avg(nps_of(answers))) FROM week), '>', 0.1::double precision, 'which the mean of daily NPS is not');
SELECT is((SELECT pg_column_size(answers) FROM week LIMIT 1), 96, 'a tally takes 96 bytes');

-- errors
SELECT throws_ok('SELECT cx.nps(11)', '22003', 'score 11 is outside 0..10', 'a score outside the scale is named');
SELECT throws_ok('SELECT cx.nps(7.5)', '22003', 'score 7.5 is not a whole number', 'a score that is not whole is named');
SELECT throws_ok($$SELECT '{7:1,7:1}'::cx.tally$$, '22P02', 'score 7 appears twice in a tally', 'a duplicate is named');
SELECT throws_ok($$SELECT cx.nps_estimate('{9:1}', 95)$$, '22023', 'confidence 95 is outside (0, 1)', 'a confidence in percent is refused');

-- hostile text: mutations of a tally either read as one or raise an input error
-- (a worker for each of 20,000 expressions would only take time)
SET max_parallel_workers_per_gather = 0;
CREATE FUNCTION pg_temp.outcome(input text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN CASE WHEN (input::cx.tally)::text::cx.tally = input::cx.tally THEN 'read' ELSE 'not the same again' END;
EXCEPTION WHEN invalid_text_representation OR numeric_value_out_of_range THEN
	RETURN 'refused';
END $$;
SELECT setseed(0.123);
CREATE TEMP TABLE mutation AS
SELECT overlay('{0:3,7:2,10:5}' PLACING substr('{}:,-+0123456789 x.' || chr(10), 1 + (random() * 19)::int, (random() * 3)::int)
	FROM 1 + (random() * 14)::int FOR (random() * 3)::int) AS input FROM generate_series(1, 20000);
SELECT set_eq('SELECT DISTINCT pg_temp.outcome(input) FROM mutation', ARRAY['read', 'refused'], '20,000 mutated texts are read or refused');
SELECT is(pg_temp.outcome('{' || repeat(' ', 1000000) || '5:' || repeat('0', 1000000) || '7}'), 'read', 'two megabytes of blanks and zeros are read');
SELECT is(pg_temp.outcome('{5:' || repeat('9', 1000000) || '}'), 'refused', 'a count of a million digits is refused');

-- hostile numbers: every double is counted or refused by name
CREATE FUNCTION pg_temp.counted(score double precision) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN cx.tally(score)::text;
EXCEPTION WHEN numeric_value_out_of_range THEN
	RETURN CASE WHEN SQLERRM LIKE 'score ' || score || ' is %' THEN 'refused' ELSE SQLERRM END;
END $$;
SELECT results_eq($$SELECT pg_temp.counted(score) FROM unnest('{0,10,-0.0,4.0,4.000000000000001,-1,10.5,1e308,-1e308,5e-324,NaN,Infinity,-Infinity}'::double precision[]) AS score$$,
	ARRAY['{0:1}', '{10:1}', '{0:1}', '{4:1}', 'refused', 'refused', 'refused', 'refused', 'refused', 'refused', 'refused', 'refused', 'refused'], 'doubles');

SELECT * FROM finish();
ROLLBACK;
