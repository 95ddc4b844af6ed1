-- scores with their intervals
SET extra_float_digits = 0;

CREATE FUNCTION pg_temp.show(e cx.estimate) RETURNS text LANGUAGE sql AS $$
SELECT format('%s (%s) %s .. %s of %s = %s', round(e.value::numeric, 6), coalesce(round(e.std_error::numeric, 6)::text, '-'),
	coalesce(round(e.lower::numeric, 6)::text, '-'), coalesce(round(e.upper::numeric, 6)::text, '-'), e.responses, e.effective_responses) $$;

-- worked by hand: P = 5, D = 3 of 10, so 20; (0.8 - 0.04) / 10 = 0.076; adjusted (5.75 - 3.75) / 13 = 15.384615
SELECT pg_temp.show(cx.nps_estimate('{0:3,7:2,10:5}'));
-- 8 of 10 satisfied, Wilson 49.02 .. 94.33
SELECT pg_temp.show(cx.csat_estimate('{1:2,5:8}'));
-- 1, 2, 3, 4, 5: mean 3, standard error sqrt(2.5 / 5), t(0.975, 4) = 2.776445
SELECT pg_temp.show(cx.mean_estimate('{1:1,2:1,3:1,4:1,5:1}'));

-- one answer, all alike, none
SELECT t, pg_temp.show(cx.nps_estimate(t)) AS nps, pg_temp.show(cx.csat_estimate(t)) AS csat, pg_temp.show(cx.mean_estimate(t)) AS mean
FROM (VALUES ('{9:1}'::cx.tally), ('{7:1}'), ('{10:10}'), ('{8:10}'), ('{0:10}')) AS v (t);
SELECT cx.nps_estimate('{}'), cx.csat_estimate('{}'), cx.mean_estimate('{}');
SELECT cx.nps_estimate(NULL) IS NULL AS nps, cx.nps_estimate('{9:1}', NULL) IS NULL AS confidence;

-- confidence: wider when surer
SELECT confidence, pg_temp.show(cx.nps_estimate('{0:30,7:20,10:50}', confidence)) AS nps,
	pg_temp.show(cx.csat_estimate('{1:20,5:80}', 4, confidence)) AS csat, pg_temp.show(cx.mean_estimate('{1:20,5:80}', confidence)) AS mean
FROM (VALUES (0.5), (0.9), (0.99), (0.999999)) AS v (confidence);
SELECT pg_temp.show(cx.csat_estimate('{7:20,9:80}', satisfied_from => 9, confidence => 0.9));
SELECT cx.nps_estimate('{9:1}', 0);
SELECT cx.nps_estimate('{9:1}', 1);
SELECT cx.nps_estimate('{9:1}', 95);
SELECT cx.nps_estimate('{9:1}', 'NaN');
SELECT cx.csat_estimate('{9:1}', 4, -0.5);
SELECT cx.csat_estimate('{9:1}', 11);
SELECT cx.mean_estimate('{9:1}', 'Infinity');

-- the columns by name, and an estimate of huge counts
SELECT round((e).value) AS value, (e).responses FROM (SELECT cx.nps_estimate('{0:4000000000000000000,10:5000000000000000000}') AS e) AS v;
SELECT cx.nps_estimate('{0:9223372036854775807,10:9223372036854775807}');

-- a plain SQL definition on random data agrees
SELECT setseed(0.7);
CREATE TEMP TABLE sample AS
SELECT grp, least(greatest(round(random() * 14 - 3), 0), 10)::smallint AS score FROM generate_series(1, 40) AS grp, generate_series(1, 2 * grp);
SELECT count(*) AS groups, bool_and(abs((e).value - nps) < 1e-9) AS value, bool_and(abs((e).std_error - se) < 1e-9) AS std_error,
	bool_and(abs((e).lower - greatest(center - 1.959963984540054 * adjusted_se, -100)) < 1e-9) AS lower,
	bool_and(abs((e).upper - least(center + 1.959963984540054 * adjusted_se, 100)) < 1e-9) AS upper
FROM (SELECT *, 100 * (ap - ad) AS center, 100 * sqrt((ap + ad - (ap - ad) ^ 2) / (n + 3)) AS adjusted_se
	FROM (SELECT e, n, 100 * (p - d) / n AS nps, 100 * sqrt((p / n + d / n - (p / n - d / n) ^ 2) / n) AS se, (p + 0.75) / (n + 3) AS ap, (d + 0.75) / (n + 3) AS ad
		FROM (SELECT cx.nps_estimate(cx.tally(score)) AS e, count(*)::double precision AS n,
				(count(*) FILTER (WHERE score >= 9))::double precision AS p, (count(*) FILTER (WHERE score <= 6))::double precision AS d
			FROM sample GROUP BY grp) AS counts) AS adjusted) AS plain;
SELECT bool_and(abs((e).value - 100 * p) < 1e-9) AS value,
	bool_and(abs((e).lower - 100 * (p + z2 / (2 * n) - sqrt(z2 * (p * (1 - p) + z2 / (4 * n)) / n)) / (1 + z2 / n)) < 1e-9) AS lower,
	bool_and(abs((e).upper - 100 * (p + z2 / (2 * n) + sqrt(z2 * (p * (1 - p) + z2 / (4 * n)) / n)) / (1 + z2 / n)) < 1e-9) AS upper
FROM (SELECT cx.csat_estimate(cx.tally(score), 8) AS e, count(*)::double precision AS n, avg((score >= 8)::int)::double precision AS p,
	1.959963984540054 ^ 2 AS z2 FROM sample GROUP BY grp) AS plain;
