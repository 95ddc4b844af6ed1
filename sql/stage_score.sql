-- one figure for a stage of the journey
SET extra_float_digits = 0;
SET timezone = 'UTC';

-- to_100: both directions, means, the ends
SELECT cx.to_100(1, 1, 5) AS worst, cx.to_100(5, 1, 5) AS best, cx.to_100(4, 1, 5) AS four_stars, cx.to_100(2, 5, 1) AS low_effort, cx.to_100(7.5, 0, 10) AS mean;
SELECT cx.to_100(NULL, 1, 5) AS no_score, cx.to_100(cx.mean_of(cx.tally(score)), 1, 5) AS no_answers FROM (VALUES (NULL::integer)) AS v (score);
SELECT cx.to_100(6, 1, 5);
SELECT cx.to_100('NaN', 1, 5);
SELECT cx.to_100(3, 5, 5);
SELECT cx.to_100(3, 1, 'Infinity');

-- worked by hand: (80 * 3 + 40 * 1) / 4 = 70
SELECT cx.journey_stage_score(experience, weight) FROM (VALUES (80, 3), (40, 1), (NULL, 5), (NULL, NULL), (10, 0)) AS v (experience, weight);
-- halves each day: weights 1, 1/2, 1/4: (100 + 40 / 2 + 0 / 4) / 1.75 = 68.5714
SELECT cx.journey_stage_score(experience, 1, at, interval '1 day')
FROM (VALUES (100, timestamptz '2026-05-03 12:00+00'), (40, '2026-05-02 12:00+00'), (0, '2026-05-01 12:00+00')) AS v (experience, at);
-- nothing, one row, weight 0 only
SELECT cx.journey_stage_score(1, 1) FILTER (WHERE false) AS none, cx.journey_stage_score(33, 7) AS one, cx.journey_stage_score(33, 0) AS no_weight,
	cx.journey_stage_score(33, 7, now(), interval '1 hour') AS one_aged, cx.journey_stage_score(33, 7, NULL, interval '1 hour') FILTER (WHERE false) AS none_aged;
SELECT cx.journey_stage_score(e, 1) AS worst, cx.journey_stage_score(100 - e, 1e-100) AS best FROM (VALUES (0), (0)) AS v (e);
-- rows thousands of half-lives apart: the latest counts, in whatever order
SELECT cx.journey_stage_score(experience, 1, at, interval '1 second' ORDER BY at) AS up, cx.journey_stage_score(experience, 1, at, interval '1 second' ORDER BY at DESC) AS down
FROM (VALUES (10, timestamptz '0001-01-01 00:00+00 BC'), (20, '1999-12-31 23:59:59+00'), (90, '2026-01-01 00:00+00'), (70, '294276-12-31 00:00+00')) AS v (experience, at);

-- a plain SQL definition on random data agrees, and neither order nor split matters
SELECT setseed(0.8);
CREATE TEMP TABLE experience AS
SELECT (random() * 100)::double precision AS experience, exp(random() * 20 - 10) AS weight, timestamptz '2026-01-01 00:00+00' + random() * interval '300 days' AS at, random() AS shuffle
FROM generate_series(1, 20000);
SELECT abs(cx.journey_stage_score(experience, weight) / (sum(experience * weight) / sum(weight)) - 1) < 1e-12 AS plain,
	abs(cx.journey_stage_score(experience, weight, at, interval '30 days')
		/ (sum(experience * weight * 2 ^ (extract(epoch FROM at - timestamptz '2026-06-01 00:00+00') / (30 * 86400.0))::double precision)
			/ sum(weight * 2 ^ (extract(epoch FROM at - timestamptz '2026-06-01 00:00+00') / (30 * 86400.0))::double precision)) - 1) < 1e-12 AS aged
FROM experience;
SELECT max(score) / min(score) - 1 < 1e-12 AS order_is_nothing, max(aged) / min(aged) - 1 < 1e-12 AS nor_for_aged
FROM (SELECT cx.journey_stage_score(experience, weight ORDER BY at) AS score, cx.journey_stage_score(experience, weight, at, interval '36 hours' ORDER BY at) AS aged FROM experience
	UNION ALL SELECT cx.journey_stage_score(experience, weight ORDER BY at DESC), cx.journey_stage_score(experience, weight, at, interval '36 hours' ORDER BY at DESC) FROM experience
	UNION ALL SELECT cx.journey_stage_score(experience, weight ORDER BY shuffle), cx.journey_stage_score(experience, weight, at, interval '36 hours' ORDER BY shuffle) FROM experience
	UNION ALL SELECT cx.journey_stage_score(experience, weight ORDER BY weight), cx.journey_stage_score(experience, weight, at, interval '36 hours' ORDER BY weight) FROM experience) AS orders;
-- split in parts and merged by the support functions
CREATE AGGREGATE pg_temp.stage_state(double precision, double precision, timestamptz, interval) (SFUNC = cx.stage_score_add, STYPE = double precision[], INITCOND = '{0,0,0,0,0,0}');
CREATE AGGREGATE pg_temp.stage_merge(double precision[]) (SFUNC = cx.stage_score_combine, STYPE = double precision[], INITCOND = '{0,0,0,0,0,0}', FINALFUNC = cx.stage_score_final);
SELECT abs(merged / whole - 1) < 1e-12 AS split_is_nothing
FROM (SELECT pg_temp.stage_merge(state ORDER BY part DESC) AS merged FROM (SELECT floor(shuffle * 50) AS part, pg_temp.stage_state(experience, weight, at, interval '36 hours') AS state FROM experience GROUP BY 1) AS parts) AS m,
	(SELECT cx.journey_stage_score(experience, weight, at, interval '36 hours') AS whole FROM experience) AS w;

-- what it refuses
SELECT cx.journey_stage_score(101, 1);
SELECT cx.journey_stage_score('NaN', 1);
SELECT cx.journey_stage_score(50, NULL);
SELECT cx.journey_stage_score(50, -1);
SELECT cx.journey_stage_score(50, 'Infinity');
SELECT cx.journey_stage_score(50, 1, NULL, interval '1 day');
SELECT cx.journey_stage_score(50, 1, 'infinity', interval '1 day');
SELECT cx.journey_stage_score(50, 1, now(), NULL);
SELECT cx.journey_stage_score(50, 1, now(), interval '1 month');
SELECT cx.journey_stage_score(50, 1, now(), interval '-1 day');
SELECT cx.journey_stage_score(50, 1, now(), interval '0');
SELECT cx.journey_stage_score(50, 1, now(), interval '2000000000 days');
SELECT cx.journey_stage_score(50, 1, now(), interval '-2147483648 days 500000000 hours');
SELECT cx.journey_stage_score(50, 1, now(), half_life) FROM (VALUES (interval '1 day'), (interval '2 days')) AS v (half_life);
SELECT cx.stage_score_final('{0,0}');
SELECT cx.stage_score_final('{0,0,NaN,NaN,NaN,NaN}'), cx.stage_score_combine('{0,0,1,0,50,0}', '{0,Infinity,1,0,50,0}') IS NOT NULL AS no_crash, cx.stage_score_add('{5,NaN,NaN,0,0,0}', 1, 1, '2026-01-01 00:00+00', '5 microseconds') IS NOT NULL AS nor_here;
