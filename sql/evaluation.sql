-- how good predictions were: ROC area, its difference, reports
SET extra_float_digits = 0;
SET jit = off;
\set SHOW_CONTEXT never

-- worked by hand: 8 of the 9 pairs in the right order; ties count half
SELECT a.* FROM (SELECT cx.roc_area(score, outcome) AS area FROM (VALUES (0.9, true), (0.8, false), (0.7, true), (0.6, true), (0.2, false), (-1, false)) AS v (score, outcome)) AS r, LATERAL (SELECT round((area).value::numeric, 9) AS value,
	-- placements of events 1, 2/3, 2/3, of others 1/3, 1, 1, so both variances are 1/27 and 4/27
	round((area).std_error::numeric, 9) AS std_error, round(sqrt(1 / 27.0 / 3 + 4 / 27.0 / 3), 9) AS by_hand, round((area).lower::numeric, 6) AS lower, (area).upper, (area).responses, (area).effective_responses) AS a;
SELECT (cx.roc_area(score, outcome)).value AS half_of_ties FROM (VALUES (1, true), (1, false), (2, true), (0, false), (1, true)) AS v (score, outcome);
-- always the same score, the right order, the wrong one: nothing varies, so there is no interval
SELECT cx.roc_area(5, n > 2) AS constant, cx.roc_area(n, n > 2) AS perfect, cx.roc_area(-n, n > 2) AS wrong FROM generate_series(1, 4) AS n;
-- one outcome only; one row of one of them
SELECT cx.roc_area(n, true) AS events, cx.roc_area(n, false) AS none, cx.roc_area(n, n = 3) AS one_event FROM generate_series(1, 4) AS n;
-- no rows, NULLs, FILTER, an empty group, a frame that slides to empty
SELECT cx.roc_area(1, true) FILTER (WHERE false) IS NULL AS none, cx.roc_area(NULL, n = 1) IS NULL AS no_score, cx.roc_area(n, NULL) IS NULL AS no_outcome FROM generate_series(1, 2) AS n;
SELECT (cx.roc_area(score, outcome)).responses FROM (VALUES (1, true), (NULL, true), (2, NULL), (3, false)) AS v (score, outcome);
SELECT n, (cx.roc_area(n, n % 2 = 0) OVER (ORDER BY n)).value AS grows, (cx.roc_area(n, n % 2 = 0) OVER (ORDER BY n ROWS BETWEEN 3 PRECEDING AND 1 PRECEDING)).responses AS slides FROM generate_series(1, 5) AS n;
-- the whole range of scores, the two zeros being one
SELECT (cx.roc_area(score, outcome)).value FROM (VALUES (1.7976931348623157e308, true), (-1.7976931348623157e308, false), (5e-324, true), (0, false), ('-0', true)) AS v (score, outcome);
SELECT cx.roc_area('NaN', true);
SELECT cx.roc_area('-Infinity', true);

-- the definitions in plain SQL, on seeded random data with ties
SELECT setseed(0.3) IS NOT NULL AS seeded;
CREATE TABLE scored AS
SELECT id, id % 3 AS part, random() < truth AS outcome, round(greatest(0, least(1, truth + random() * 0.4 - 0.2))::numeric, 2)::double precision AS fine, round(truth::numeric, 1)::double precision AS coarse, truth
FROM generate_series(1, 900) AS id, LATERAL (SELECT id - id + random() ^ 2 AS truth) AS t;
CREATE VIEW placement AS
SELECT e.part, e.id, e.outcome,
	avg(CASE WHEN (e.fine > o.fine) = e.outcome AND e.fine <> o.fine THEN 1 WHEN e.fine = o.fine THEN 0.5 ELSE 0 END) AS fine,
	avg(CASE WHEN (e.coarse > o.coarse) = e.outcome AND e.coarse <> o.coarse THEN 1 WHEN e.coarse = o.coarse THEN 0.5 ELSE 0 END) AS coarse
FROM scored AS e JOIN scored AS o ON o.part = e.part AND o.outcome <> e.outcome GROUP BY e.part, e.id, e.outcome;
SELECT part, abs((area).value - d.value) < 1e-12 AS value, abs((area).std_error - d.std_error) < 1e-12 AS std_error, abs((area).lower - d.value + 1.959963984540054 * d.std_error) < 1e-12 AS lower, abs((area).upper - d.value - 1.959963984540054 * d.std_error) < 1e-12 AS upper, (area).responses
FROM (SELECT part, cx.roc_area(fine, outcome) AS area FROM scored GROUP BY part) AS s
JOIN (SELECT part, avg(fine) FILTER (WHERE outcome) AS value, sqrt(var_samp(fine) FILTER (WHERE outcome) / count(*) FILTER (WHERE outcome) + var_samp(fine) FILTER (WHERE NOT outcome) / count(*) FILTER (WHERE NOT outcome)) AS std_error FROM placement GROUP BY part) AS d USING (part) ORDER BY part;
SELECT part, abs((change).difference - d.value) < 1e-12 AS difference, abs((change).std_error - d.std_error) < 1e-12 AS std_error, abs((change).statistic - d.value / d.std_error) < 1e-9 AS statistic, abs((change).upper - d.value - 1.959963984540054 * d.std_error) < 1e-12 AS upper,
	(change).df, (change).significant = ((change).p_value < 0.05) AS significant, (change).responses_before, (change).responses_after
FROM (SELECT part, cx.roc_difference(outcome, coarse, fine) AS change FROM scored GROUP BY part) AS s
JOIN (SELECT part, avg(fine - coarse) FILTER (WHERE outcome) AS value, sqrt(var_samp(fine - coarse) FILTER (WHERE outcome) / count(*) FILTER (WHERE outcome) + var_samp(fine - coarse) FILTER (WHERE NOT outcome) / count(*) FILTER (WHERE NOT outcome)) AS std_error FROM placement GROUP BY part) AS d USING (part) ORDER BY part;
-- the difference of the areas, with its sign; scores in the same order are the same
SELECT abs((cx.roc_difference(outcome, coarse, fine)).difference - (cx.roc_area(fine, outcome)).value + (cx.roc_area(coarse, outcome)).value) < 1e-12 AS of_areas, cx.roc_difference(outcome, fine, 10 * fine - 3) AS same FROM scored;
SELECT cx.roc_difference(n > 2, n, -n) AS nothing_varies, cx.roc_difference(true, n, -n) AS one_outcome, cx.roc_difference(n > 2, n, NULL) AS none FROM generate_series(1, 4) AS n;
SELECT (cx.roc_difference(outcome, a, b)).responses_after FROM (VALUES (true, 1, 2), (NULL, 1, 2), (false, NULL, 2), (false, 1, NULL), (false, 2, 1)) AS v (outcome, a, b);
SELECT cx.roc_difference(true, 1, 'Infinity');

-- reports of probabilities

-- worked by hand: 4 events of 10, two of them among the three from 0.5 on, and one of the two at 0.2
CREATE TABLE small AS SELECT * FROM (VALUES (0.9, true), (0.8, false), (0.7, true), (0.4, false), (0.3, true), (0.2, true), (0.2, false), (0.1, false), (0.1, false), (0, false)) AS v (probability, outcome);
SELECT key, round(value::numeric, 6) AS value FROM (SELECT cx.evaluation(probability, outcome) AS report FROM small) AS r, jsonb_each_text(report) WHERE jsonb_typeof(report -> key) = 'number' ORDER BY key COLLATE "C";
SELECT jsonb_object_agg(key, value) AS others FROM (SELECT cx.evaluation(probability, outcome) AS report FROM small) AS r, jsonb_each(report) WHERE jsonb_typeof(value) NOT IN ('number', 'array');
-- the tenths that divide the two at 0.2 share their event out
SELECT decile, rows, events, lowest_probability, rate, round(lift::numeric, 4) AS lift, round(cumulative_lift::numeric, 4) AS cumulative_lift, capture FROM (SELECT cx.evaluation(probability, outcome) AS report FROM small) AS r, cx.lift_table(report);
SELECT bin, rows, predicted, observed, round(observed_lower::numeric, 4) AS lower, round(observed_upper::numeric, 4) AS upper FROM (SELECT cx.evaluation(probability, outcome) AS report FROM small) AS r, cx.calibration_table(report);
SELECT threshold, round(false_positive_rate::numeric, 4) AS false_positive_rate, true_positive_rate FROM (SELECT cx.evaluation(probability, outcome) AS report FROM small) AS r, cx.roc_table(report);
-- a prediction that tells nothing gains nothing, however the rows come
SELECT count(DISTINCT report) AS reports, array_agg(DISTINCT lift) AS lifts FROM (SELECT cx.evaluation(0.3, n > 70 ORDER BY n) AS report FROM generate_series(1, 100) AS n UNION ALL SELECT cx.evaluation(0.3, n > 70 ORDER BY n DESC) FROM generate_series(1, 100) AS n) AS r, cx.lift_table(report);
-- one outcome only, one row: what is undefined is null; fewer than ten rows make fewer tenths
SELECT report - 'lift' - 'calibration' - 'log_loss' AS one_row FROM (SELECT cx.evaluation(0.25, true) AS report) AS r;
SELECT jsonb_strip_nulls(report - 'calibration' - 'log_loss') AS no_event FROM (SELECT cx.evaluation(p, false) AS report FROM unnest('{0.5,0}'::double precision[]) AS p) AS r;
-- certain and wrong is a finite loss; certain and right none
SELECT round((report -> 'log_loss')::numeric, 6) AS log_loss, round(-ln(1e-15), 6) AS by_hand, report -> 'brier' AS brier FROM (SELECT cx.evaluation(0, true) AS report) AS r;
SELECT report -> 'log_loss' AS log_loss, report -> 'auc' AS auc, report -> 'auc_std_error' AS std_error, report -> 'auc_lower' AS lower, report -> 'ks' AS ks FROM (SELECT cx.evaluation((n > 5)::integer, n > 5) AS report FROM generate_series(1, 10) AS n) AS r;
-- no rows, NULLs, what is no probability
SELECT cx.evaluation(0.5, true) FILTER (WHERE false) IS NULL AS none, cx.evaluation(NULL, true) IS NULL AS no_probability, cx.evaluation(0.5, NULL) IS NULL AS no_outcome;
SELECT cx.evaluation(probability, outcome) -> 'rows' AS rows FROM (VALUES (0.5, true), (NULL, true), (0.4, NULL)) AS v (probability, outcome);
SELECT cx.evaluation(1.0000001, true);
SELECT cx.evaluation(-0.1, true);
SELECT cx.evaluation('NaN', true);
SELECT cx.evaluation('Infinity', true);

-- the definitions in plain SQL
CREATE VIEW report AS SELECT part, cx.evaluation(fine, outcome) AS report FROM scored GROUP BY part;
SELECT part, bool_and(abs((report ->> name)::double precision - expected) < 1e-12) AS same, count(*)
FROM report JOIN (
	SELECT part, count(*) AS rows, count(*) FILTER (WHERE outcome) AS events, avg(outcome::integer) AS base_rate, avg(fine) AS mean_probability, avg((fine - outcome::integer) ^ 2) AS brier,
		avg(-ln(greatest(CASE WHEN outcome THEN fine ELSE 1 - fine END, 1e-15))) AS log_loss, avg(((fine >= 0.5) = outcome)::integer) AS accuracy, greatest(avg(outcome::integer), 1 - avg(outcome::integer)) AS base_accuracy,
		count(*) FILTER (WHERE fine >= 0.5 AND outcome) AS true_positives, count(*) FILTER (WHERE fine >= 0.5 AND NOT outcome) AS false_positives, count(*) FILTER (WHERE fine < 0.5 AND outcome) AS false_negatives, count(*) FILTER (WHERE fine < 0.5 AND NOT outcome) AS true_negatives,
		avg(outcome::integer) FILTER (WHERE fine >= 0.5) AS precision, avg((fine >= 0.5)::integer) FILTER (WHERE outcome) AS recall, (cx.roc_area(fine, outcome)).value AS auc, (cx.roc_area(fine, outcome)).std_error AS auc_std_error,
		(cx.roc_area(fine, outcome)).lower AS auc_lower, (cx.roc_area(fine, outcome)).upper AS auc_upper, 2 * (cx.roc_area(fine, outcome)).value - 1 AS gini,
		(SELECT max(abs(k.hits - k.alarms)) FROM (SELECT avg((e.fine >= c.fine)::integer) FILTER (WHERE e.outcome) AS hits, avg((e.fine >= c.fine)::integer) FILTER (WHERE NOT e.outcome) AS alarms FROM scored AS c JOIN scored AS e USING (part) WHERE c.part = s.part GROUP BY c.fine) AS k) AS ks
	FROM scored AS s GROUP BY part) AS d USING (part), LATERAL jsonb_each_text(to_jsonb(d) - 'part') AS e (name, text), LATERAL (SELECT text::double precision) AS f (expected) GROUP BY part ORDER BY part;
-- what of a random order is to be expected: the part of a tie
CREATE VIEW shared AS SELECT part, fine, outcome, row_number() OVER (PARTITION BY part ORDER BY fine DESC, id) AS place, ntile(10) OVER (PARTITION BY part ORDER BY fine, id) AS bin, count(*) OVER (PARTITION BY part) AS rows, avg(outcome::integer) OVER (PARTITION BY part, fine) AS expected FROM scored;
SELECT count(*), bool_and(t.rows = d.rows AND abs(t.events - d.events) < 1e-9 AND t.lowest_probability = d.lowest AND abs(t.rate - d.events / d.rows) < 1e-12 AND abs(t.lift - d.events / d.rows / d.base_rate) < 1e-12 AND abs(t.capture - d.capture) < 1e-12 AND abs(t.cumulative_lift - d.capture / d.share) < 1e-12) AS same
FROM report CROSS JOIN LATERAL cx.lift_table(report) AS t JOIN (
	SELECT part, decile, count(*) AS rows, sum(expected) AS events, min(fine) AS lowest, sum(sum(expected)) OVER w / sum(sum(expected)) OVER (PARTITION BY part) AS capture, sum(count(*)) OVER w / max(max(rows)) OVER (PARTITION BY part) AS share, sum(sum(expected)) OVER (PARTITION BY part) / max(max(rows)) OVER (PARTITION BY part) AS base_rate
	FROM shared, LATERAL (SELECT min(d) FROM generate_series(1, 10) AS d WHERE place <= ceil(d * rows / 10.0)) AS c (decile) GROUP BY part, decile WINDOW w AS (PARTITION BY part ORDER BY decile)) AS d USING (part, decile);
SELECT count(*), bool_and(t.rows = d.rows AND abs(t.predicted - d.predicted) < 1e-12 AND abs(t.observed - d.observed) < 1e-12 AND abs(t.observed_lower - (d.observed + z2 / 2 - margin) / (1 + z2)) < 1e-9 AND abs(t.observed_upper - (d.observed + z2 / 2 + margin) / (1 + z2)) < 1e-9) AS same,
	bool_and(abs((report ->> 'calibration_error')::double precision - error) < 1e-12) AS error
FROM report CROSS JOIN LATERAL cx.calibration_table(report) AS t JOIN (SELECT part, bin, count(*) AS rows, avg(fine) AS predicted, avg(expected) AS observed, sum(abs(sum(expected) - sum(fine))) OVER (PARTITION BY part) / max(max(rows)) OVER (PARTITION BY part) AS error FROM shared GROUP BY part, bin) AS d USING (part, bin),
	LATERAL (SELECT 1.959963984540054 ^ 2 / d.rows AS z2) AS z, LATERAL (SELECT sqrt(d.observed * (1 - d.observed) * z2 + z2 ^ 2 / 4) AS margin) AS m;
-- the curve is of whole thresholds, at most 201 of them, from nothing to all
SELECT count(*) BETWEEN 20 AND 201 AS thinned, bool_and(true_positive_rate = coalesce(hits, 0) AND false_positive_rate = coalesce(alarms, 0)) AS same, bool_or(true_positive_rate = 0 AND false_positive_rate = 0) AS start, bool_or(true_positive_rate = 1 AND false_positive_rate = 1) AS finish
FROM (SELECT cx.evaluation(truth, outcome) AS report FROM scored) AS r CROSS JOIN LATERAL cx.roc_table(report) AS t,
	LATERAL (SELECT avg((truth >= threshold)::integer) FILTER (WHERE outcome)::double precision AS hits, avg((truth >= threshold)::integer) FILTER (WHERE NOT outcome)::double precision AS alarms FROM scored) AS d;
-- rows in any order and parallel workers: the same report
SELECT count(DISTINCT report) AS reports FROM (SELECT cx.evaluation(fine, outcome ORDER BY id) - 'auc_std_error' - 'auc_lower' - 'auc_upper' AS report FROM scored UNION ALL SELECT cx.evaluation(fine, outcome ORDER BY truth) - 'auc_std_error' - 'auc_lower' - 'auc_upper' FROM scored) AS r;
CREATE TABLE many AS SELECT n, n * 7919 % 10007 / 10007.0::double precision AS p, n * n % 10007 < n * 7919 % 10007 AS y FROM generate_series(1::bigint, 30000) AS n;
ANALYZE many;
CREATE VIEW measured AS SELECT (cx.evaluation(p, y) - 'auc_std_error' - 'auc_lower' - 'auc_upper')::text AS report, (cx.roc_area(p, y)).value AS area, round((cx.roc_area(p, y)).std_error::numeric, 12) AS std_error, round((cx.roc_difference(y, p, n)).std_error::numeric, 12) AS difference_error, round((cx.evaluation_of_numbers(p, n) ->> 'rmse')::numeric, 9) AS rmse FROM many;
CREATE TABLE serial AS TABLE measured;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
DO $$
DECLARE line text; plan text := '';
BEGIN
	FOR line IN EXPLAIN SELECT * FROM measured LOOP plan := plan || line; END LOOP;
	RAISE NOTICE 'parallel: %', plan ~ 'Finalize Aggregate.*Partial Aggregate';
END
$$;
SELECT m = s AS same FROM measured AS m, serial AS s;
RESET max_parallel_workers_per_gather;
RESET min_parallel_table_scan_size;
RESET parallel_tuple_cost;
RESET parallel_setup_cost;

-- reports of numbers

-- worked by hand: errors 1, 0, -2, 1
SELECT report - 'calibration' - 'rmse' AS report, round((report ->> 'rmse')::numeric ^ 2, 9) AS mean_squared_error FROM (SELECT cx.evaluation_of_numbers(predicted, outcome) AS report FROM (VALUES (1, 2), (2, 2), (5, 3), (4, 5), (NULL, 1), (1, NULL)) AS v (predicted, outcome)) AS r;
SELECT part, abs((report ->> 'rmse')::double precision - d.rmse) < 1e-12 AS rmse, abs((report ->> 'mae')::double precision - d.mae) < 1e-12 AS mae, abs((report ->> 'r_squared')::double precision - d.r_squared) < 1e-12 AS r_squared, abs((report ->> 'mean_predicted')::double precision - d.predicted) < 1e-12 AS predicted, abs((report ->> 'mean_outcome')::double precision - d.outcome) < 1e-12 AS outcome
FROM (SELECT part, cx.evaluation_of_numbers(fine, truth) AS report FROM scored GROUP BY part) AS r
JOIN (SELECT part, sqrt(avg((fine - truth) ^ 2)) AS rmse, avg(abs(fine - truth)) AS mae, 1 - avg((fine - truth) ^ 2) / var_pop(truth) AS r_squared, avg(fine) AS predicted, avg(truth) AS outcome FROM scored GROUP BY part) AS d USING (part) ORDER BY part;
SELECT count(*), bool_and(t.rows = d.rows AND abs(t.predicted - d.predicted) < 1e-12 AND abs(t.observed - d.observed) < 1e-12 AND t.observed_lower IS NULL AND t.observed_upper IS NULL) AS same
FROM (SELECT cx.evaluation_of_numbers(fine, truth) AS report FROM scored) AS r CROSS JOIN LATERAL cx.calibration_table(report) AS t
JOIN (SELECT bin, count(*) AS rows, avg(fine) AS predicted, avg(expected) AS observed FROM (SELECT fine, ntile(10) OVER (ORDER BY fine) AS bin, avg(truth) OVER (PARTITION BY fine) AS expected FROM scored) AS s GROUP BY bin) AS d USING (bin);
-- an outcome that does not vary, numbers whose squares are no numbers, no rows, what is no number
SELECT cx.evaluation_of_numbers(n, 3) -> 'r_squared' AS r_squared FROM generate_series(1, 4) AS n;
SELECT cx.evaluation_of_numbers(1e308, -1e308) - 'calibration' - 'mean_outcome' - 'mean_predicted' AS huge, cx.evaluation_of_numbers(NULL, 1) IS NULL AS none;
SELECT cx.evaluation_of_numbers('NaN', 1);
SELECT cx.evaluation_of_numbers(1, '-Infinity');

-- readers of a report: NULL, and what is no report
SELECT count(*) FROM cx.lift_table(NULL::jsonb), cx.calibration_table(NULL::jsonb), cx.roc_table(NULL::jsonb);
SELECT (SELECT count(*) FROM cx.lift_table('{}'::jsonb)) AS lift, (SELECT count(*) FROM cx.roc_table((SELECT cx.evaluation_of_numbers(1, 2)))) AS curve;
SELECT cx.lift_table('{"lift": 1}'::jsonb);

DROP VIEW measured, shared, report, placement;
DROP TABLE scored, small, many, serial;
