-- surveys whose answers carry weights
SET extra_float_digits = 0;

CREATE FUNCTION pg_temp.show(e cx.estimate) RETURNS text LANGUAGE sql AS $$
SELECT format('%s (%s) %s .. %s of %s = %s', round(e.value::numeric, 6), coalesce(round(e.std_error::numeric, 6)::text, '-'),
	coalesce(round(e.lower::numeric, 6)::text, '-'), coalesce(round(e.upper::numeric, 6)::text, '-'), e.responses, round(e.effective_responses::numeric, 6)) $$;

-- worked by hand: promoter with weight 3, passive 1, detractor 1: (3 - 1) / 5 = 40;
-- sqrt(3 / 2 * (9 * 0.36 + 1 * 0.16 + 1 * 1.96)) / 5 = 56.709788; Kish 25 / 11 = 2.272727
SELECT pg_temp.show(cx.weighted_nps(score, weight)) AS nps, pg_temp.show(cx.weighted_csat(score, 7, weight)) AS csat, pg_temp.show(cx.weighted_mean(score, weight)) AS mean
FROM (VALUES (10, 3.0), (7, 1), (0, 1)) AS v (score, weight);

-- equal weights give the plain score, n - 1 in the error, all answers effective
SELECT pg_temp.show(cx.weighted_nps(score, 2.5)) AS weighted, round(cx.nps(score)::numeric, 6) AS plain FROM generate_series(0, 10) AS score;

-- all four types and tallies
SELECT pg_temp.show(cx.weighted_nps(s::smallint, s + 1)) AS nps, cx.weighted_nps(s::smallint, s + 1) = cx.weighted_nps(s, s + 1) AS integer, cx.weighted_nps(s::numeric, s + 1) = cx.weighted_nps(s, s + 1) AS numeric,
	cx.weighted_nps(s::float8, s + 1) = cx.weighted_nps(s, s + 1) AS float8, cx.weighted_nps(format('{%s:1}', s)::cx.tally, s + 1) = cx.weighted_nps(s, s + 1) AS tally FROM generate_series(0, 10) AS s;
SELECT pg_temp.show(cx.weighted_csat(s::smallint, 6, s + 1)) AS csat, cx.weighted_csat(s::smallint, 6, s + 1) = cx.weighted_csat(s, 6, s + 1) AS integer, cx.weighted_csat(s::numeric, 6, s + 1) = cx.weighted_csat(s, 6, s + 1) AS numeric,
	cx.weighted_csat(s::float8, 6, s + 1) = cx.weighted_csat(s, 6, s + 1) AS float8, cx.weighted_csat(format('{%s:1}', s)::cx.tally, 6, s + 1) = cx.weighted_csat(s, 6, s + 1) AS tally FROM generate_series(0, 10) AS s;
SELECT pg_temp.show(cx.weighted_mean(s::smallint, s + 1)) AS mean, cx.weighted_mean(s::smallint, s + 1) = cx.weighted_mean(s, s + 1) AS integer, cx.weighted_mean(s::numeric, s + 1) = cx.weighted_mean(s, s + 1) AS numeric,
	cx.weighted_mean(s::float8, s + 1) = cx.weighted_mean(s, s + 1) AS float8, cx.weighted_mean(format('{%s:1}', s)::cx.tally, s + 1) = cx.weighted_mean(s, s + 1) AS tally FROM generate_series(0, 10) AS s;
-- a tally with a weight is that many answers of the weight
SELECT pg_temp.show(cx.weighted_nps(t, w)) AS tallies, (SELECT pg_temp.show(cx.weighted_nps(score, weight))
	FROM (VALUES (0, 2.0), (0, 2), (9, 2), (7, 0.5), (10, 0.5), (10, 0.5)) AS a (score, weight)) AS answers
FROM (VALUES ('{0:2,9:1}'::cx.tally, 2.0), ('{7:1,10:2}', 0.5), ('{}', 7), (NULL, 7), ('{0:100}', 0)) AS v (t, w);

-- weight 0 leaves the row out, NULL scores are ignored whatever their weight, nothing gives NULL, one answer has no error
SELECT pg_temp.show(cx.weighted_nps(score, weight)) FROM (VALUES (10, 1.0), (0, 0), (NULL, 5), (NULL, NULL), (7, 1)) AS v (score, weight);
SELECT cx.weighted_nps(NULL::integer, 1), cx.weighted_nps(5, 0), cx.weighted_mean(5, 1) FROM generate_series(1, 0);
SELECT pg_temp.show(cx.weighted_nps(10, 0.3)) AS nps, pg_temp.show(cx.weighted_csat(3, 4, 0.3)) AS csat, pg_temp.show(cx.weighted_mean(7, 0.3)) AS mean;
SELECT pg_temp.show(cx.weighted_nps(10, w)) AS all_promoters, pg_temp.show(cx.weighted_nps(8, w)) AS all_passives, pg_temp.show(cx.weighted_mean(8, w)) AS mean FROM generate_series(1, 10) AS w;
SELECT cx.weighted_nps(5, NULL);
SELECT cx.weighted_nps(5, -1);
SELECT cx.weighted_nps(5, 'NaN');
SELECT cx.weighted_nps(5, 'Infinity');
SELECT cx.weighted_nps(5, 1e-200);
SELECT cx.weighted_nps('{5:1}'::cx.tally, NULL);
SELECT cx.weighted_nps(11, 1);
SELECT cx.weighted_csat(5, NULL, 1);
SELECT cx.weighted_csat(5, 0, 1);

-- a plain SQL definition on random data agrees
SELECT setseed(0.9);
CREATE TEMP TABLE sample AS
SELECT grp, (random() * 10)::smallint AS score, exp(random() * 4 - 2) AS weight FROM generate_series(1, 30) AS grp, generate_series(1, 80);
SELECT bool_and(abs((e).value - mean) < 1e-9) AS value, bool_and(abs((e).std_error - se) < 1e-9) AS std_error,
	bool_and(abs((e).lower - (mean - 1.959963984540054 * se)) < 1e-9) AS lower, bool_and(abs((e).effective_responses - kish) < 1e-9) AS kish, bool_and((e).responses = n) AS responses
FROM (SELECT grp, max(mean) AS mean, sqrt(count(*) / (count(*) - 1.0) * sum(weight ^ 2 * (y - mean) ^ 2)) / sum(weight) AS se, sum(weight) ^ 2 / sum(weight ^ 2) AS kish, count(*) AS n
	FROM (SELECT *, sum(weight * y) OVER (PARTITION BY grp) / sum(weight) OVER (PARTITION BY grp) AS mean
		FROM (SELECT *, 100 * ((score >= 9)::int - (score <= 6)::int) AS y FROM sample) AS classes) AS means GROUP BY grp) AS plain
JOIN (SELECT grp, cx.weighted_nps(score, weight) AS e FROM sample GROUP BY grp) AS ours USING (grp);
-- digits survive large weights and an offset
SELECT round((cx.weighted_mean(score, weight * 1e90)).std_error::numeric, 9) = round((cx.weighted_mean(score, weight)).std_error::numeric, 9) AS scale_free FROM sample;
-- without an inverse a window starts over, and stays exact
SELECT id, pg_temp.show(cx.weighted_nps(score, weight) OVER (ORDER BY id ROWS 1 PRECEDING)) FROM (VALUES (1, 10, 1e15), (2, 0, 1), (3, 7, 1)) AS v (id, score, weight);
-- the difference of two weighted scores
SELECT round((d).difference::numeric, 6) AS difference, round((d).p_value::numeric, 6) AS p FROM (SELECT cx.weighted_nps(score, weight) FILTER (WHERE grp = 1) OPERATOR(cx.-) cx.weighted_nps(score, weight) FILTER (WHERE grp = 2) AS d FROM sample) AS v;

-- support functions called by hand
SELECT cx.weighted_nps_add('{0,0,0,0,0,0}', 10, 2);
SELECT cx.weighted_nps_add('{0,0,0}', 10, 2);
SELECT cx.weighted_nps_add(NULL, 10, 2);
SELECT cx.weighted_combine('{1,2,2,4,1,0}', '{1,2,-2,4,-1,0}'), cx.weighted_combine('{1,2,2,4,1,0}', '{0,0,0,0,0,0}'), cx.weighted_combine('{0,0,0,0,0,0}', '{1,2,2,4,1,0}');
SELECT cx.weighted_nps_final('{NaN,NaN,NaN,NaN,NaN,NaN}'), cx.weighted_nps_final('{1e300,1,1,1,1,1}');
