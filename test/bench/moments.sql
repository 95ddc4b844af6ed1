-- How fast moments of 20 columns are gathered, beside what plain SQL has for all their correlations.
\set ON_ERROR_STOP on
\set VERBOSITY terse
SET jit = off;
SET max_parallel_workers_per_gather = 0;
SET client_min_messages = warning;
SELECT sum(pg_prewarm(c.oid)) AS pages FROM pg_class AS c WHERE relname ~ '^row_of_' AND relkind = 'r' \gset
SELECT string_agg('x' || i, ', ' ORDER BY i) AS columns FROM generate_series(1, 20) AS i \gset
SELECT string_agg(format('corr(x%s, x%s)', i, j), ', ') AS pairs FROM generate_series(1, 20) AS i, generate_series(i + 1, 20) AS j \gset
CALL compare('all 190 correlations of 20 columns', '{"corr(x, y) 190 times","moments of the columns","moments of an array"}',
	ARRAY['SELECT ' || :'pairs' || ' FROM row_of_columns', 'SELECT cx.moments(' || :'columns' || ') FROM row_of_columns', 'SELECT cx.moments(x) FROM row_of_array'], 'at most 0.2', :rounds);
CALL compare('drivers of an outcome', '{"moments of an array","and relative weights","and exact Shapley values of 15 drivers"}',
	ARRAY['SELECT cx.moments(x) FROM row_of_array',
		'SELECT cx.drivers(cx.moments(x), (SELECT array_agg(i::text) FROM generate_series(1, 20) AS i), ''20'') FROM row_of_array',
		'SELECT cx.drivers(cx.moments(x[:16]), (SELECT array_agg(i::text) FROM generate_series(1, 16) AS i), ''16'', ''shapley'') FROM row_of_array'], '', :rounds);
CALL compare('driver_analysis of a Boolean outcome and 20 numbers', '{"moments of the columns",driver_analysis}',
	ARRAY['SELECT cx.moments(' || :'columns' || ') FROM row_of_columns', 'SELECT * FROM cx.driver_analysis(''TABLE row_of_columns'', ''y'')'], '', :rounds);
