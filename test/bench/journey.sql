-- How far customers go in a funnel, and other aggregates over events; a comparison
-- fails unless all its contenders give the same level counts.
\set ON_ERROR_STOP on
\set VERBOSITY terse
SET jit = off;
SET max_parallel_workers_per_gather = 0;
SET work_mem = '1GB';
SET timezone = 'UTC';
SET client_min_messages = warning;
SELECT sum(pg_prewarm(c.oid)) AS pages FROM pg_class AS c WHERE relname ~ '^event' AND relkind IN ('r', 'i') \gset

-- plain SQL: four passes of window functions
SET enable_hashagg = off;
CALL check_plan(counted(level_by_customer('event_indexed')), 'GroupAggregate', 'Index Only Scan');
CALL check_plan(counted(level_in_sql('event_indexed')), 'WindowAgg', 'Index Only Scan');
CALL compare('a funnel of 5 steps in 7 days', '{"window functions in plain SQL","the same over a covering index",funnel_counts,"window_funnel by customer over the index"}',
	ARRAY[counted(level_in_sql('event')), counted(level_in_sql('event_indexed')), funnel_counts('event'), counted(level_by_customer('event_indexed'))],
	'funnel_counts at most 0.05, window_funnel 0.06', least(:rounds, 2));
RESET enable_hashagg;
SELECT format('  (customers that reach each step: %s)', current_setting('bench.counts')) AS told \gset
\echo :told

-- what it costs to group by customer at all
CALL check_plan('SELECT customer_id, count(*) FROM event GROUP BY 1', 'HashAggregate');
CALL compare('the same funnel', '{"count(*) by customer","count(*) over all",funnel_counts}',
	ARRAY['SELECT customer_id, count(*) FROM event GROUP BY 1', 'SELECT count(*) FROM event', funnel_counts('event')], 'funnel_counts at most 0.25', :rounds);
SET enable_sort = off;
CALL check_plan(counted(level_by_customer('event')), 'HashAggregate');
CALL compare('the same by customer, in hash tables', '{"count(*) by customer","window_funnel by customer"}',
	ARRAY['SELECT customer_id, count(*) FROM event GROUP BY 1', counted(level_by_customer('event'))], 'at most 1.6', :rounds);
RESET enable_sort;

-- other events and less memory
\set ample 'SET LOCAL work_mem = ''1GB''; '
\set scant 'SET LOCAL work_mem = ''4MB''; '
CALL compare('funnel_counts', '{"events in order of time","in random order","customers are text","customers are uuid","work_mem 4MB, temporary files"}',
	ARRAY[:'ample' || funnel_counts('event'), :'ample' || funnel_counts('event_unordered'), :'ample' || funnel_counts('event_text'), :'ample' || funnel_counts('event_uuid'),
		:'scant' || funnel_counts('event')], '', :rounds);

-- parallel workers
SET min_parallel_table_scan_size = 0;
SET parallel_setup_cost = 0;
SET max_parallel_workers_per_gather = 2;
CALL check_plan(funnel_counts('event'), 'Finalize Aggregate', 'Workers Planned: 2', 'Partial Aggregate');
\set serial 'SET LOCAL max_parallel_workers_per_gather = 0; '
\set parallel 'SET LOCAL max_parallel_workers_per_gather = 2; '
CALL compare('funnel_counts with two parallel workers', '{parallel,serial}',
	ARRAY[:'parallel' || funnel_counts('event'), :'serial' || funnel_counts('event')], 'at least 1.6 where two cores are free', :rounds);
SET parallel_leader_participation = off;
CALL compare('the same, the leader only gathers', '{parallel,serial}',
	ARRAY[:'parallel' || funnel_counts('event'), :'serial' || funnel_counts('event')], 'at least 1.6 where two cores are free', :rounds);
-- each worker takes whole partitions, and so whole customers
SET enable_partitionwise_aggregate = on;
CALL check_plan(counted(level_by_customer('event_partitioned')), 'Workers Planned: 2', 'Parallel Append', 'HashAggregate');
CALL compare('window_funnel by customer, table partitioned by customer, two parallel workers', '{parallel,serial}',
	ARRAY[:'parallel' || counted(level_by_customer('event_partitioned')), :'serial' || counted(level_by_customer('event_partitioned'))], 'at least 1.6 where two cores are free', least(:rounds, 3));
RESET enable_partitionwise_aggregate;
SET max_parallel_workers_per_gather = 0;

-- other aggregates over the events of a customer
CALL compare('the steps of each customer, text', '{"array_agg(step ORDER BY at)",path,time_in_state}',
	ARRAY['SELECT customer_id, array_agg(step ORDER BY at) FROM event_named GROUP BY 1', 'SELECT customer_id, cx.path(at, step) FROM event_named GROUP BY 1',
		'SELECT customer_id, cx.time_in_state(step, at, ''2026-02-01'') FROM event_named GROUP BY 1'], '', least(:rounds, 3));
CALL compare('a pattern in the steps of each customer', '{"array_agg(step ORDER BY at)",sequence_match}',
	ARRAY['SELECT customer_id, array_agg(step ORDER BY at) FROM event GROUP BY 1',
		'SELECT customer_id, cx.sequence_match(''(?1).*(?2)(?t<=604800)(?3)'', at, step = 1, step = 2, step = 3) FROM event GROUP BY 1'], '', least(:rounds, 3));
