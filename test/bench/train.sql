-- How fast models learn.
\set ON_ERROR_STOP on
\set VERBOSITY terse
SET jit = off;
SET max_parallel_workers_per_gather = 0;
SET client_min_messages = warning;
SELECT sum(pg_prewarm(c.oid)) AS pages FROM pg_class AS c WHERE relname ~ '^row_of_' AND relkind = 'r' \gset
CALL compare('logistic regression of 20 numbers, from the query to the model', '{"count(*) of the arrays","from an array","from columns"}',
	ARRAY['SELECT count(*) FROM row_of_array', 'SELECT cx.train(''array'', ''SELECT * FROM row_of_array'', ''y'', ''logistic'', holdout => 0, options => ''{"calibrate": false}'')',
		'SELECT cx.train(''columns'', ''SELECT * FROM row_of_columns'', ''y'', ''logistic'', holdout => 0, options => ''{"calibrate": false}'')'], '', :rounds);
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) AS counted FROM timing WHERE contender = 1 \gset
SELECT format('  (reading the arrays takes %s ms, the %s passes to convergence %s ms; one pass, goal at most 5.0: %s x count(*))',
	round(1000 * percentile_cont(0.5) WITHIN GROUP (ORDER BY (fit -> 'read_seconds')::numeric)::numeric), min((fit -> 'passes')::integer), round(1000 * percentile_cont(0.5) WITHIN GROUP (ORDER BY (fit -> 'fit_seconds')::numeric)::numeric),
	round((1000 * percentile_cont(0.5) WITHIN GROUP (ORDER BY (fit -> 'fit_seconds')::double precision / (fit -> 'passes')::double precision) / :counted)::numeric, 3)) AS told FROM cx_data.model WHERE name = 'array' \gset
\echo :told
SELECT version FROM cx.train('boosting', 'SELECT * FROM row_of_columns', 'y', holdout => 0, options => '{"trees": 100, "depth": 6, "leaves": 64, "patience": 0}') \gset
SELECT format('boosting of 100 trees of depth 6: %s s, %s million rows x trees a second, beside %s s of reading', round((fit -> 'fit_seconds')::numeric, 1),
	round((fit -> 'training_rows')::numeric * (fit -> 'trees')::numeric / (fit -> 'fit_seconds')::numeric / 1e6, 1), round((fit -> 'read_seconds')::numeric, 1)) AS told FROM cx_data.model WHERE name = 'boosting' \gset
\echo :told
