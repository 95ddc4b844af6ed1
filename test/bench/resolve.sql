-- What open time costs: a call over many pairs, and beside a definition that looks at each minute.
\set ON_ERROR_STOP on
\set VERBOSITY terse
SET client_min_messages = warning;
SET jit = off;
SET max_parallel_workers_per_gather = 0;
CALL compare('open time of ' || :million || ' random pairs up to 60 days apart', '{"elapsed time","cx.business_seconds","cx.add_business_time"}',
	ARRAY['SELECT sum(extract(epoch FROM ended_at - started_at)::double precision) FROM pair', 'SELECT sum(cx.business_seconds(started_at, ended_at, $$shop$$)) FROM pair', 'SELECT max(cx.add_business_time(started_at, duration, $$shop$$)) FROM pair'], '', :rounds);
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) * 1000 / :million AS call FROM timing WHERE contender = 2 \gset
CALL compare('20 of them, looking at each minute', '{generate_series}', ARRAY['SELECT sum(shop_seconds(started_at, ended_at)) FROM pair WHERE i <= 20'], '', least(:rounds, 3));
SELECT format('  (a call of business_seconds takes %s microseconds with the reading of its row; looking at each minute takes %s times as long)', round(:call::numeric, 2),
	round((percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) * 1000 / 20 / :call)::numeric, -3)) AS told FROM timing \gset
\echo :told
-- what it costs those who write that alerts open tickets
CALL compare('INSERT of 300,000 rows, 2 % match, each of another customer', '{bare,"alert and message for each","alert, message and ticket for each"}',
	ARRAY['INSERT INTO bare SELECT * FROM source', 'INSERT INTO alerted SELECT * FROM source', 'INSERT INTO ticketed SELECT * FROM source'], 'at most 2.0 with tickets', :rounds, 'CALL empty()');
INSERT INTO ticketed SELECT * FROM source;
SELECT format('  (that opened %s tickets, %s of them with deadlines by a calendar)', count(*), count(calendar)) AS told FROM cx_data.ticket \gset
\echo :told
CALL empty();
