\set ON_ERROR_STOP on
\set VERBOSITY terse
SET jit = off;
SET max_parallel_workers_per_gather = 0;
SET work_mem = '256MB';
SET timezone = 'UTC';
SET client_min_messages = warning;
SELECT set_config('bench.rounds', :'rounds', false) \gset
SELECT sum(pg_prewarm(c.oid)) AS pages FROM pg_class AS c WHERE relname ~ '^(answer_|stored)' \gset

-- nps against count(score), for each type, over all and by touchpoint
DO $$
DECLARE
	type text;
	goal text;
	rounds integer := current_setting('bench.rounds');
BEGIN
	FOREACH type IN ARRAY '{smallint,integer,double,numeric}'::text[] LOOP
		goal := CASE type WHEN 'numeric' THEN 'at most 1.10' ELSE 'at most 1.05' END;
		CALL compare(format('nps of %s over all', type), '{count(score),nps(score)}',
			ARRAY[format('SELECT count(score) FROM answer_%s', type), format('SELECT cx.nps(score) FROM answer_%s', type)], goal, rounds);
		CALL compare(format('nps of %s by 50 touchpoints', type), '{count(score),nps(score)}',
			ARRAY[format('SELECT touchpoint_id, count(score) FROM answer_%s GROUP BY 1', type), format('SELECT touchpoint_id, cx.nps(score) FROM answer_%s GROUP BY 1', type)], goal, rounds);
	END LOOP;
END $$;

-- nps against the usual formula
\set formula '100.0*(count(*) filter (where score>=9) - count(*) filter (where score<=6))/count(score)'
CALL compare('nps over all', '{"the usual formula",nps(score)}',
	ARRAY['SELECT ' || :'formula' || ' FROM answer_smallint', 'SELECT cx.nps(score) FROM answer_smallint'], 'at most 0.82', :rounds);
CALL compare('nps by 50 touchpoints', '{"the usual formula",nps(score)}',
	ARRAY['SELECT touchpoint_id, ' || :'formula' || ' FROM answer_smallint GROUP BY 1', 'SELECT touchpoint_id, cx.nps(score) FROM answer_smallint GROUP BY 1'], 'at most 0.90', :rounds);

-- five scores in one query share one transition
\set five 'cx.nps(score), cx.tally(score), cx.csat_of(cx.tally(score), 8), cx.mean_of(cx.tally(score)), cx.responses(cx.tally(score))'
CALL compare('nps, tally, csat, mean and responses in one query', '{"nps alone","all five"}',
	ARRAY['SELECT cx.nps(score) FROM answer_smallint', 'SELECT ' || :'five' || ' FROM answer_smallint'], 'at most 1.10', :rounds);
-- (stddev stands in for the tally, which plain SQL has not got)
CALL compare('nps, csat, mean, stddev and responses', '{"five formulas","from one tally"}',
	ARRAY['SELECT ' || :'formula' || ', 100.0*count(*) filter (where score>=8)/count(score), avg(score), stddev_samp(score), count(score) FROM answer_smallint',
		'SELECT cx.nps(score), cx.csat_of(cx.tally(score), 8), cx.mean_of(cx.tally(score)), cx.stddev_of(cx.tally(score)), cx.responses(cx.tally(score)) FROM answer_smallint'],
	'at most 0.65', :rounds);

-- buckets of time: a zone with summer time, and UTC, where date_trunc is cheapest;
-- the last line groups by a day that is in the table and is what grouping alone costs
CREATE TABLE answer_day AS SELECT touchpoint_id, date_trunc('day', responded_at) AS day, score FROM answer_smallint;
VACUUM (FREEZE, ANALYZE) answer_day;
\set by_day 'SELECT touchpoint_id, %s(''day'', responded_at), cx.nps(score) FROM answer_smallint GROUP BY 1, 2'
SET timezone = 'Europe/Berlin';
CALL compare('nps by touchpoint and day, time zone Europe/Berlin', '{date_trunc,bucket}',
	ARRAY[format(:'by_day', 'date_trunc'), format(:'by_day', 'cx.bucket')], 'at most 0.60', :rounds);
SET timezone = 'UTC';
CALL compare('nps by touchpoint and day, time zone UTC', '{date_trunc,bucket,"grouping alone"}',
	ARRAY[format(:'by_day', 'date_trunc'), format(:'by_day', 'cx.bucket'), 'SELECT touchpoint_id, day, cx.nps(score) FROM answer_day GROUP BY 1, 2'], 'at most 0.60', :rounds);
CALL compare('cutting a time to its day, time zone UTC', '{"not at all",date_trunc,bucket}',
	ARRAY['SELECT count(responded_at) FROM answer_smallint', 'SELECT count(date_trunc(''day'', responded_at)) FROM answer_smallint', 'SELECT count(cx.bucket(''day'', responded_at)) FROM answer_smallint'], '', :rounds);

-- rolling 30 days of one touchpoint
CREATE TABLE one_touchpoint AS SELECT * FROM answer_smallint WHERE touchpoint_id = 20 ORDER BY responded_at;
CREATE TABLE one_small AS SELECT * FROM one_touchpoint ORDER BY responded_at LIMIT 20000;
CREATE AGGREGATE nps_without_inverse(smallint) (SFUNC = cx.tally_add, STYPE = cx.tally, FINALFUNC = cx.nps_of);
VACUUM ANALYZE one_touchpoint;
VACUUM ANALYZE one_small;
\set frame 'OVER (ORDER BY responded_at RANGE BETWEEN interval ''30 days'' PRECEDING AND CURRENT ROW)'
SELECT format('100.0*(count(*) filter (where score>=9) %1$s - count(*) filter (where score<=6) %1$s)/count(score) %1$s', :'frame') AS formula_over \gset
SELECT count(*) AS one_rows FROM one_touchpoint \gset
\echo rolling 30-day nps of :one_rows answers of one touchpoint
CALL compare('rolling 30-day nps', '{"the usual formula",nps(score)}',
	ARRAY['SELECT count(x) FROM (SELECT ' || :'formula_over' || ' AS x FROM one_touchpoint) AS v', 'SELECT count(x) FROM (SELECT cx.nps(score) ' || :'frame' || ' AS x FROM one_touchpoint) AS v'], 'at most 0.70', :rounds);
CALL compare('rolling nps over 20,000 answers', '{"with moving mode","without moving mode"}',
	ARRAY['SELECT count(x) FROM (SELECT cx.nps(score) OVER (ORDER BY responded_at ROWS 6000 PRECEDING) AS x FROM one_small) AS v',
		'SELECT count(x) FROM (SELECT nps_without_inverse(score) OVER (ORDER BY responded_at ROWS 6000 PRECEDING) AS x FROM one_small) AS v'], 'at least 50', 3);

-- roll-up of stored tallies
CALL compare('roll-up of a million stored tallies', '{sum(bigint),tally(tally),nps(tally)}',
	ARRAY['SELECT sum(amount) FROM stored', 'SELECT cx.tally(answers) FROM stored', 'SELECT cx.nps(answers) FROM stored'], 'at most 2.0', :rounds);

-- parallel workers
SET min_parallel_table_scan_size = 0;
\echo the parallel plan:
SET max_parallel_workers_per_gather = 2;
\pset tuples_only on
EXPLAIN (COSTS OFF) SELECT cx.nps(score) FROM answer_smallint;
\pset tuples_only off
\set serial 'SET LOCAL max_parallel_workers_per_gather = 0; '
\set parallel 'SET LOCAL max_parallel_workers_per_gather = 2; '
CALL compare('nps by 50 touchpoints with two parallel workers', '{parallel,serial}',
	ARRAY[:'parallel' || 'SELECT touchpoint_id, cx.nps(score) FROM answer_smallint GROUP BY 1', :'serial' || 'SELECT touchpoint_id, cx.nps(score) FROM answer_smallint GROUP BY 1'],
	'at least 1.7 where two cores are free', :rounds);
CALL compare('nps over all with two parallel workers', '{parallel,serial}',
	ARRAY[:'parallel' || 'SELECT cx.nps(score) FROM answer_smallint', :'serial' || 'SELECT cx.nps(score) FROM answer_smallint'], 'at least 1.7 where two cores are free', :rounds);
CALL compare('for comparison: count(score) over all', '{parallel,serial}',
	ARRAY[:'parallel' || 'SELECT count(score) FROM answer_smallint', :'serial' || 'SELECT count(score) FROM answer_smallint'], '', :rounds);

-- memory of a group
CREATE FUNCTION peak_memory(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (ANALYZE, FORMAT json) ' || query INTO plan;
	RETURN (jsonb_path_query_first(plan::jsonb, '$.**."Peak Memory Usage"') #>> '{}')::bigint * 1024;
END $$;
SET work_mem = '2GB';
SET max_parallel_workers_per_gather = 0;
SET enable_sort = off;
SELECT count(DISTINCT customer_id) AS groups FROM answer_smallint \gset
SELECT (peak_memory('SELECT customer_id, cx.nps(score) FROM answer_smallint GROUP BY 1') - peak_memory('SELECT customer_id FROM answer_smallint GROUP BY 1')) / :groups AS bytes \gset
\echo memory of the state in each of :groups groups: :bytes bytes   (at most 200)
