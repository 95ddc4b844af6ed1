-- How fast models score.
\set ON_ERROR_STOP on
\set VERBOSITY terse
SET jit = off;
SET max_parallel_workers_per_gather = 0;
SET client_min_messages = warning;
SELECT sum(pg_prewarm(c.oid)) AS pages FROM pg_class AS c WHERE relname ~ '^customer' AND relkind = 'r' AND relnamespace = 'public'::regnamespace \gset
SELECT 'SELECT ' || string_agg(format('sum(c%s)', i), ', ' ORDER BY i) || ' FROM customer' AS sums FROM generate_series(1, 20) AS i \gset
SELECT format('SELECT sum(cx.churn_risk(%L::cx.predictor, c)) FROM customer AS c', predictor) AS by_constant FROM cx_data.model WHERE name = 'logistic' \gset

SELECT format('  (features of the model of an array: %s; bytes of the trees: %s)',
	(SELECT count(*) FROM cx_data.model, cx.predictor_features(predictor) WHERE name = 'array'), (SELECT octet_length(cx.predictor_send(predictor)) FROM cx_data.model WHERE name = 'boosting')) AS told \gset
\echo :told
-- the second line is what making values of rows costs, which every function of a record needs
CALL compare('churn_risk of a logistic model of 20 features', '{"sum of the 20 columns","count of the rows as records","predictor a constant","predictor in a table","champion by name","20 features in an array"}',
	ARRAY[:'sums', 'SELECT count(c) FROM customer AS c', :'by_constant', 'SELECT sum(cx.churn_risk(predictor, c)) FROM customer AS c, cx_data.model WHERE name = ''logistic''',
		'SELECT sum(cx.churn_risk(''logistic'', c)) FROM customer AS c', 'SELECT sum(cx.churn_risk(''array'', t)) FROM customer_array AS t'], 'at most 3.0', :rounds);
CALL compare('churn_risk of 100 trees of depth 6', '{"sum of the 20 columns","champion by name","predictor in a table"}',
	ARRAY[:'sums', 'SELECT sum(cx.churn_risk(''boosting'', c)) FROM customer AS c', 'SELECT sum(cx.churn_risk(predictor, c)) FROM customer AS c, cx_data.model WHERE name = ''boosting'''],
	'at most 5 microseconds a row', :rounds);
SELECT format('  (%s microseconds a row)', round((percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) * 1000 / (SELECT count(*) FROM customer))::numeric, 2)) AS told FROM timing WHERE contender = 2 \gset
\echo :told
CALL compare('2,000 customers, 100 trees of depth 6', '{churn_risk,explain}',
	ARRAY['SELECT sum(cx.churn_risk(''boosting'', c)) FROM (SELECT * FROM customer LIMIT 2000) AS c', 'SELECT count(*) FROM (SELECT * FROM customer LIMIT 2000) AS c, cx.explain(''boosting'', c)'], '', least(:rounds, 3));
