-- sessions out of single events
SET timezone = 'UTC';

-- worked by hand: a pause of exactly the gap goes on, a longer one does not
CREATE TEMP TABLE click (customer text, at timestamptz);
INSERT INTO click VALUES
	('ann', '2026-05-01 10:30'), ('ann', '2026-05-01 10:00'), ('ann', '2026-05-01 11:00:00.000001'), ('ann', '2026-05-01 11:00:00.000001'), ('ann', '2026-05-01 11:10'), ('ann', '2026-05-03 11:10'), ('ann', NULL),
	('bob', '2026-05-01 10:00'), (NULL, '2026-05-01 10:00'), (NULL, '2026-05-01 10:31'), ('cyd', NULL);
SELECT customer, at, cx.sessionize(at, '30 minutes') OVER (PARTITION BY customer ORDER BY at) AS session, cx.sessionize(at, '0') OVER (PARTITION BY customer ORDER BY at) AS instant,
	cx.sessionize(at, '2 days') OVER (PARTITION BY customer ORDER BY at) AS long, cx.sessionize(at, '36500 days') OVER (PARTITION BY customer ORDER BY at) AS whole
FROM click ORDER BY customer, at;
-- NULLs first are ignored as well; over all; nothing; a frame does not matter
SELECT at, cx.sessionize(at, '30 minutes') OVER (ORDER BY at NULLS FIRST) FROM click WHERE customer IN ('ann', 'cyd') ORDER BY at NULLS FIRST;
SELECT at, cx.sessionize(at, '30 minutes') OVER (ORDER BY at ROWS BETWEEN CURRENT ROW AND CURRENT ROW) FROM click WHERE customer = 'ann' ORDER BY at;
SELECT at, cx.sessionize(at, '30 minutes') OVER (ORDER BY at) FROM click WHERE false;
-- the ends of time; a gap for each row
SELECT at, cx.sessionize(at, '36525000 days') OVER (ORDER BY at) FROM (VALUES (timestamptz '4714-11-24 BC'), ('294276-12-31 23:59:59.999999')) AS v (at) ORDER BY at;
SELECT i, cx.sessionize(timestamptz '2026-01-01' + i * interval '1 hour', CASE WHEN i % 3 = 0 THEN interval '0' ELSE interval '1 hour' END) OVER (ORDER BY i) FROM generate_series(0, 6) AS i;

-- a plain SQL definition on random data agrees
SELECT setseed(0.2);
CREATE TEMP TABLE random_click AS
SELECT (random() * 100)::integer AS customer, CASE WHEN random() > 0.05 THEN timestamptz '2026-01-01' + floor(random() * 3000) * interval '5 minutes' END AS at FROM generate_series(1, 10000);
SELECT count(*) FILTER (WHERE by_cx IS DISTINCT FROM CASE WHEN at IS NOT NULL THEN plain END) AS differences, count(by_cx), max(by_cx) > 10 AS many FROM (
	SELECT at, by_cx, sum(is_new::integer) OVER (PARTITION BY customer ORDER BY at) AS plain FROM (
		SELECT customer, at, cx.sessionize(at, '2 hours') OVER (PARTITION BY customer ORDER BY at) AS by_cx, coalesce(at - lag(at) OVER (PARTITION BY customer ORDER BY at) > interval '2 hours', at IS NOT NULL AND lag(at) OVER (PARTITION BY customer ORDER BY at) IS NULL) AS is_new
		FROM random_click
	) AS marked
) AS compared;
-- 200,000 rows
SELECT max(session), min(events), max(events) FROM (SELECT session, count(*) AS events FROM (SELECT cx.sessionize(timestamptz '2026-01-01' + (i + i / 10 * 60) * interval '1 second', '1 minute') OVER (ORDER BY i) AS session FROM generate_series(0, 199999) AS i) AS c GROUP BY session) AS s;

-- what it refuses
SELECT cx.sessionize(at, '30 minutes') OVER (ORDER BY at DESC) FROM click WHERE customer = 'ann';
SELECT cx.sessionize(at, '30 minutes') OVER () FROM (VALUES (timestamptz '2026-01-02'), ('2026-01-01')) AS v (at);
SELECT cx.sessionize(at, '30 minutes') OVER (ORDER BY at) FROM (VALUES (timestamptz '-infinity'), ('2026-01-01')) AS v (at);
SELECT cx.sessionize(at, NULL) OVER (ORDER BY at) FROM click;
SELECT cx.sessionize(at, '1 month') OVER (ORDER BY at) FROM click;
SELECT cx.sessionize(at, '-1 second') OVER (ORDER BY at) FROM click;
SELECT cx.sessionize(now(), '1 day');
