-- changes of scores and their significance
SET extra_float_digits = 0;

CREATE FUNCTION pg_temp.show(c cx.change) RETURNS text LANGUAGE sql AS $$
SELECT format('%s (%s) %s .. %s stat %s df %s p %s %s of %s -> %s', round(c.difference::numeric, 5), coalesce(round(c.std_error::numeric, 5)::text, '-'),
	coalesce(round(c.lower::numeric, 5)::text, '-'), coalesce(round(c.upper::numeric, 5)::text, '-'), coalesce(round(c.statistic::numeric, 5)::text, '-'),
	coalesce(round(c.df::numeric, 5)::text, '-'), coalesce(round(c.p_value::numeric, 7)::text, '-'), coalesce(c.significant::text, '-'), c.responses_before, c.responses_after) $$;

-- worked by hand: NPS 20 -> 40; adjusted counts 53.75 - 33.75 of 103 -> 63.75 - 23.75 of 103
SELECT pg_temp.show(cx.nps_change('{0:33,7:14,10:53}', '{0:23,7:14,10:63}'));
-- shares 0.5 -> 0.7 of 100 each: pooled z = 0.2 / sqrt(0.6 * 0.4 * 0.02) = 2.886751
SELECT pg_temp.show(cx.csat_change('{1:50,5:50}', '{1:30,5:70}'));
-- 1..5 -> 2..6: difference 1, standard error 1, t = 1 with 8 degrees of freedom, p = 0.3465935
SELECT pg_temp.show(cx.mean_change('{1:1,2:1,3:1,4:1,5:1}', '{2:1,3:1,4:1,5:1,6:1}'));

-- equal samples: no change, p = 1, no division by zero
SELECT t, pg_temp.show(cx.nps_change(t, t)) AS nps, pg_temp.show(cx.csat_change(t, t)) AS csat, pg_temp.show(cx.mean_change(t, t)) AS mean
FROM (VALUES ('{9:1}'::cx.tally), ('{7:5}'), ('{10:10}'), ('{0:3,7:2,10:5}')) AS v (t);
-- one answer a side, all promoters against all passives, nothing varies
SELECT pg_temp.show(cx.nps_change(a, b)) AS nps, pg_temp.show(cx.csat_change(a, b)) AS csat, pg_temp.show(cx.mean_change(a, b)) AS mean
FROM (VALUES ('{1:1}'::cx.tally, '{10:1}'::cx.tally), ('{3:10}', '{10:10}'), ('{1:1,5:1}', '{5:1}')) AS v (a, b);
SELECT cx.nps_change('{}', '{9:1}'), cx.csat_change('{9:1}', '{}'), cx.mean_change('{}', '{}'), cx.nps_change(NULL, '{9:1}');
-- significance follows the confidence asked for
SELECT confidence, (cx.nps_change('{0:33,7:14,10:53}', '{0:23,7:14,10:63}', confidence)).significant,
	(cx.csat_change('{1:50,5:50}', '{1:40,5:60}', 4, confidence)).significant AS csat, (cx.mean_change('{1:50,5:50}', '{1:40,5:60}', confidence)).significant AS mean
FROM (VALUES (0.8), (0.9), (0.95), (0.99)) AS v (confidence);
SELECT cx.nps_change('{9:1}', '{9:1}', 2);
SELECT cx.csat_change('{9:1}', '{9:1}', 12);
-- a part against the rest
SELECT pg_temp.show(cx.nps_change(total OPERATOR(cx.-) part, part)) FROM (VALUES ('{0:40,10:60}'::cx.tally, '{0:10,10:40}'::cx.tally)) AS v (total, part);

-- differences of estimates, and of changes
SELECT pg_temp.show(cx.nps_estimate('{0:23,7:14,10:63}') OPERATOR(cx.-) cx.nps_estimate('{0:33,7:14,10:53}'));
SELECT pg_temp.show(cx.mean_estimate('{3:1}') OPERATOR(cx.-) cx.mean_estimate('{2:1}')) AS no_error_known;
SELECT pg_temp.show(cx.nps_change('{0:33,7:14,10:53}', '{0:23,7:14,10:63}') OPERATOR(cx.-) cx.nps_change('{0:30,7:20,10:50}', '{0:31,7:19,10:50}')) AS difference_in_differences;
SELECT cx.nps_estimate('{9:1}') OPERATOR(cx.-) NULL::cx.estimate AS null_estimate;
-- made-up values, NULL and NaN in places, are no danger
SELECT ROW(1, NULL, NULL, NULL, NULL, NULL)::cx.estimate OPERATOR(cx.-) ROW(NULL, NULL, NULL, NULL, NULL, NULL)::cx.estimate AS nulls;
SELECT ROW('NaN', 'Infinity', 0, 0, -5, 0)::cx.estimate OPERATOR(cx.-) ROW('Infinity', -1, 0, 0, 5, 0)::cx.estimate AS not_numbers;
SELECT ROW(5, 0, 0, 0, 1, 1)::cx.estimate OPERATOR(cx.-) ROW(5, 0, 0, 0, 1, 1)::cx.estimate AS no_spread;
SELECT ROW(1, 1, 1, 1, 1, 1, 1, true, 9223372036854775807, 1)::cx.change OPERATOR(cx.-) ROW(1, 1, 1, 1, 1, 1, 1, true, 1, 1)::cx.change;

-- equal means of any number of answers are equal
SELECT (c).difference, (c).p_value FROM (SELECT cx.mean_change('{7:1065785819625707008}', '{7:5000000000000000}') AS c) AS v;

-- the same people: moves 0, +2, +1, 0 of the class; mean 0.75, sd sqrt(2.75 / 3), t = 1.5667
SELECT pg_temp.show(cx.paired_nps_change(before, after)) AS integer, cx.paired_nps_change(before::smallint, after::smallint) = cx.paired_nps_change(before, after) AS smallint,
	cx.paired_nps_change(before::numeric, after::numeric) = cx.paired_nps_change(before, after) AS numeric,
	cx.paired_nps_change(before::float8, after::float8) = cx.paired_nps_change(before, after) AS float8
FROM (VALUES (6, 5), (0, 10), (7, 9), (9, 10), (NULL, 10), (3, NULL), (NULL, NULL)) AS v (before, after);
SELECT pg_temp.show(cx.paired_nps_change(before, after)) FROM (VALUES (6, 10)) AS v (before, after);
SELECT pg_temp.show(cx.paired_nps_change(before, after)) AS nobody_moved, pg_temp.show(cx.paired_nps_change(before, 10)) AS all_moved_alike FROM (VALUES (7, 7), (8, 8), (7, 8)) AS v (before, after);
SELECT cx.paired_nps_change(before, after) FROM (VALUES (NULL::integer, 1)) AS v (before, after);
SELECT cx.paired_nps_change(5, 11);
SELECT id, (cx.paired_nps_change(before, after) OVER (ORDER BY id ROWS 1 PRECEDING)).difference
FROM (VALUES (1, 6, 10), (2, 7, 7), (3, 10, 0), (4, NULL, 3), (5, NULL, 3)) AS v (id, before, after);

-- a plain SQL definition on random data agrees
SELECT setseed(0.3);
CREATE TEMP TABLE sample AS
SELECT grp, (random() * 10)::smallint AS before, least((random() * 12)::integer, 10)::smallint AS after FROM generate_series(1, 30) AS grp, generate_series(1, 50);
SELECT bool_and(abs((c).difference - 100 * mean) < 1e-9) AS difference, bool_and(abs((c).std_error - 100 * sd / sqrt(n)) < 1e-9) AS std_error,
	bool_and(abs((c).statistic - mean * sqrt(n) / sd) < 1e-9) AS statistic, bool_and((c).df = n - 1) AS df
FROM (SELECT cx.paired_nps_change(before, after) AS c, avg(move)::double precision AS mean, stddev_samp(move)::double precision AS sd, count(*) AS n
	FROM (SELECT *, (after >= 9)::int - (after <= 6)::int - (before >= 9)::int + (before <= 6)::int AS move FROM sample) AS moves GROUP BY grp) AS plain;
SELECT bool_and(abs((c).difference - (avg_after - avg_before)) < 1e-9) AS difference,
	bool_and(abs((c).std_error - sqrt(va + vb)) < 1e-9) AS std_error, bool_and(abs((c).df - (va + vb) ^ 2 / (va ^ 2 / (n - 1) + vb ^ 2 / (n - 1))) < 1e-6) AS df
FROM (SELECT cx.mean_change(cx.tally(before), cx.tally(after)) AS c, avg(before)::float8 AS avg_before, avg(after)::float8 AS avg_after,
	var_samp(before)::float8 / count(*) AS vb, var_samp(after)::float8 / count(*) AS va, count(*) AS n FROM sample GROUP BY grp) AS plain;

-- false alarms of nps_change at nominal 5 % stay under 6 %, from 3 to 300 answers
-- a side, for populations with few and with many promoters and detractors
SELECT setseed(0.11);
CREATE TEMP TABLE population AS
SELECT * FROM (VALUES (1, 0.5, 0.3), (2, 0.2, 0.2), (3, 0.8, 0.05), (4, 0.1, 0.6), (5, 0.33, 0.33), (6, 0.05, 0.05), (7, 0.5, 0.5)) AS v (population, promoters, detractors);
CREATE TEMP TABLE trial AS
SELECT answers, population, cx.tally(score) FILTER (WHERE side = 0) AS before, cx.tally(score) FILTER (WHERE side = 1) AS after
FROM (SELECT *, CASE WHEN u < promoters THEN 10 WHEN u < promoters + detractors THEN 0 ELSE 7 END AS score
	FROM (SELECT *, random() AS u
		FROM population, (VALUES (3, 4000), (5, 4000), (10, 4000), (30, 4000), (300, 1000)) AS size (answers, trials),
			generate_series(1, trials) AS trial, generate_series(0, 1) AS side, generate_series(1, answers)) AS drawn) AS scores
GROUP BY answers, population, trial;
SELECT answers, count(*) AS trials, avg(alarm) < 0.06 AS below_6_percent, avg(alarm) > 0 AS alarms_at_all
FROM (SELECT answers, (cx.nps_change(before, after)).significant::int AS alarm FROM trial) AS alarms GROUP BY answers ORDER BY answers;
-- for each population alone, as far as 4,000 trials (1,000 with 300 answers) can tell
SELECT bool_and(rate < CASE WHEN answers = 300 THEN 0.08 ELSE 0.06 END) AS below_6_percent
FROM (SELECT answers, avg((cx.nps_change(before, after)).significant::int) AS rate FROM trial GROUP BY answers, population) AS rates;
-- so do the differences of two changes
SELECT answers, max(rate) < 0.06 AS below_6_percent
FROM (SELECT answers, population, avg((c OPERATOR(cx.-) lead).significant::int) AS rate
	FROM (SELECT *, lead(c) OVER (PARTITION BY answers, population ORDER BY id) AS lead
		FROM (SELECT *, row_number() OVER () AS id, cx.nps_change(before, after) AS c FROM trial WHERE answers <= 30) AS changes) AS pairs
	WHERE id % 2 = 0 GROUP BY answers, population) AS rates
GROUP BY answers ORDER BY answers;
-- and with a true change of 20 points in 300 answers it is seen as often as planned for
SELECT avg((cx.nps_change(a.before, b.after)).significant::int) > 0.8 AS power
FROM (SELECT before, row_number() OVER () AS id FROM trial WHERE answers = 300 AND population = 1) AS a
JOIN (SELECT after OPERATOR(cx.+) '{10:30}' OPERATOR(cx.-) format('{%s:30}', 0)::cx.tally AS after, row_number() OVER () AS id FROM trial WHERE answers = 300 AND population = 1) AS b USING (id);
