-- how far customers go in a funnel
SET timezone = 'UTC';
SET jit = off;

-- what happens, one letter an event, a second apart; letters in brackets at the same instant
CREATE FUNCTION pg_temp.happened(story text) RETURNS TABLE (at timestamptz, a boolean, b boolean, c boolean) LANGUAGE sql AS $$
	SELECT timestamptz '2026-01-01 00:00+00' + (instant - 1) * interval '1 second', letter IN ('a', 'x'), letter IN ('b', 'x'), letter = 'c'
	FROM regexp_matches(story, '\(\w+\)|\w', 'g') WITH ORDINALITY AS m (met, instant),
		regexp_split_to_table(btrim(met[1], '()'), '') AS letter
$$;
CREATE FUNCTION pg_temp.levels(story text, win interval, OUT plain integer, OUT strict_order integer, OUT strict_once integer, OUT strict_increase integer, OUT times text) LANGUAGE sql AS $$
	SELECT cx.window_funnel(win, at, a, b, c), cx.window_funnel(win, 'strict_order', at, a, b, c), cx.window_funnel(win, 'strict_once', at, a, b, c),
		cx.window_funnel(win, 'strict_increase', at, a, b, c),
		(SELECT string_agg(extract(second FROM t)::integer::text, ' ' ORDER BY n) FROM unnest(cx.funnel_times(win, at, a, b, c)) WITH ORDINALITY AS u (t, n))
	FROM pg_temp.happened(story)
$$;
-- a, b, c are steps 1, 2, 3; x meets steps 1 and 2; o meets none
SELECT story, win, l.* FROM (VALUES
	('abc', '1 minute'),		-- all steps
	('aobc', '1 minute'),		-- another event between
	('acb', '1 minute'),		-- a step out of turn does not count
	('cba', '1 minute'),		-- nor do steps before their turn
	('bbc', '1 minute'),		-- nobody entered
	('aabc', '1 minute'),		-- repeats: the second entry is followed directly by b
	('abbc', '1 minute'),		-- a repeat between is another event
	('abc', '2 seconds'),		-- the last at the very end of the window
	('abc', '1 second'),		-- and after it
	('aoobc', '2 seconds'),
	('aoabc', '2 seconds'),		-- any entry may begin
	('(ab)c', '1 minute'),		-- one instant, in any order
	('(ba)c', '1 minute'),
	('(abc)', '0 seconds'),
	('a(bo)c', '1 minute'),		-- an event at the instant of b lies between neither a and b nor b and c
	('xc', '1 minute'),			-- one event, two steps
	('(xa)c', '1 minute'),		-- of two events at an instant, each serves one
	('(xb)c', '1 minute'),
	('(xx)c', '1 minute'),
	('xbc', '1 minute'),
	('o', '1 minute')) AS v (story, win), LATERAL pg_temp.levels(story, win::interval) AS l;

-- nothing, NULLs, one row
SELECT cx.window_funnel('1 day', now(), true) FILTER (WHERE false) AS none, cx.window_funnel('1 day', NULL, true) AS no_time,
	cx.window_funnel('1 day', now(), NULL::boolean, true) AS no_first, cx.window_funnel('1 day', now(), true, NULL::boolean) AS no_second,
	cx.window_funnel('1 day', now(), VARIADIC ARRAY[true, NULL, true]) AS array_with_null,
	cx.funnel_times('1 day', now(), true) FILTER (WHERE false) AS no_times, cx.funnel_times('1 day', now(), false) AS not_entered;
SELECT g, cx.window_funnel('1 day', CASE WHEN g > 1 THEN at END, true, g > 2) FROM generate_series(1, 3) AS g, (VALUES (timestamptz '2026-01-01 00:00+00')) AS v (at) GROUP BY g ORDER BY g;
-- conditions of a domain, one by one and in an array
CREATE DOMAIN pg_temp.flag AS boolean;
CREATE DOMAIN pg_temp.flags AS boolean[];
SELECT cx.window_funnel('1 day', now(), true::pg_temp.flag) AS one, cx.window_funnel('1 day', now(), true::pg_temp.flag, NULL::pg_temp.flag) AS null_second,
	cx.window_funnel('1 day', now(), VARIADIC ARRAY[true, true]::pg_temp.flags) AS domain_of_array, cx.window_funnel('1 day', now(), VARIADIC ARRAY[true::pg_temp.flag, true]) AS array_of_domain,
	cx.funnel_counts(1, '1 day', now(), VARIADIC ARRAY[true, false]::pg_temp.flag[]) AS counts;
-- 32 steps; the whole range of time; a day is 24 hours where clocks change
SELECT cx.window_funnel('32 seconds', timestamptz '2026-01-01 00:00+00' + n * interval '1 second', VARIADIC ARRAY(SELECT s = n FROM generate_series(1, 32) AS s)) FROM generate_series(1, 32) AS n;
SELECT cx.window_funnel('36500000 days', at, step = 1, step = 2) AS too_far, cx.window_funnel('36500000 days', at, step = 1, step = 3) AS within
FROM (VALUES (timestamptz '4713-01-01 00:00+00 BC', 1), ('294276-12-31 00:00+00', 2), ('90000-01-01 00:00+00', 3)) AS v (at, step);
SET timezone = 'Europe/Berlin';
SELECT cx.window_funnel('1 day', at, step = 1, step = 2) AS a_day_and_an_hour FROM (VALUES (timestamptz '2026-10-24 12:00', 1), ('2026-10-25 12:00', 2)) AS v (at, step);
SET timezone = 'UTC';

-- errors
SELECT cx.window_funnel(NULL::interval, now(), true);
SELECT cx.window_funnel('1 month', now(), true);
SELECT cx.window_funnel('-1 second', now(), true);
SELECT cx.window_funnel('178000000 days', now(), true);
SELECT cx.window_funnel('1 day', 'infinity', true);
SELECT cx.window_funnel('1 day', 'strict', now(), true);
SELECT cx.window_funnel('1 day', NULL::text, now(), true);
SELECT cx.window_funnel('1 day', now(), true, 2);
SELECT cx.window_funnel('1 day', now(), VARIADIC '{}'::boolean[]);
SELECT cx.window_funnel('1 day', now(), VARIADIC NULL::boolean[]);
SELECT cx.window_funnel('1 day', now(), VARIADIC array_fill(true, ARRAY[33]));
SELECT cx.window_funnel('1 day', now(), VARIADIC array_fill(true, ARRAY[2, 2]));
SELECT cx.window_funnel(n * interval '1 day', now(), true) FROM generate_series(1, 2) AS n;
SELECT cx.window_funnel('1 day', (ARRAY['default', 'strict_once'])[n], now(), true) FROM generate_series(1, 2) AS n;
SELECT cx.window_funnel('1 day', now(), VARIADIC array_fill(true, ARRAY[n])) FROM generate_series(1, 2) AS n;

-- a hundred thousand small sequences in every mode against every chain there is
SELECT setseed(0.7);
CREATE TEMP TABLE sequence AS
SELECT g AS sequence, floor(random() * 5) * interval '1 second' AS win, random() AS density FROM generate_series(1, 100000) AS g;
CREATE TEMP TABLE happened AS
SELECT sequence, win, n, timestamptz '2026-01-01 00:00+00' + floor(random() * 4) * interval '1 second' AS at,
	random() < density AS a, random() < density AS b, random() < density AS c, random() < density AS d
FROM sequence, LATERAL (SELECT generate_series(1, 1 + floor(random() * 4)::integer) AS n OFFSET 0 * sequence) AS numbers;
CREATE TEMP TABLE met AS
SELECT h.sequence, h.win, h.n, h.at, s.step FROM happened AS h, LATERAL (VALUES (1, a), (2, b), (3, c), (4, d)) AS s (step, is_met) WHERE s.is_met;
CREATE INDEX ON happened (sequence);
CREATE INDEX ON met (sequence, step);
ANALYZE happened, met, sequence;
CREATE FUNCTION pg_temp.chains(mode text) RETURNS TABLE (sequence integer, level integer, times timestamptz[]) LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY WITH RECURSIVE chain AS (
		SELECT m.sequence, 1 AS level, m.at AS entered, m.at, CASE WHEN mode = 'strict_once' THEN ARRAY[m.n] END AS used,
			CASE WHEN mode = 'times' THEN ARRAY[m.at] END AS times
		FROM met AS m WHERE m.step = 1
		UNION
		SELECT m.sequence, m.step, c.entered, m.at, c.used || m.n, c.times || m.at
		FROM chain AS c JOIN met AS m ON m.sequence = c.sequence AND m.step = c.level + 1 AND m.at >= c.at AND m.at <= c.entered + m.win
		WHERE CASE mode
			WHEN 'strict_order' THEN NOT EXISTS (SELECT FROM happened AS h WHERE h.sequence = c.sequence AND h.at > c.at AND h.at < m.at)
			WHEN 'strict_once' THEN m.n <> ALL (c.used)
			WHEN 'strict_increase' THEN m.at > c.at
			ELSE true END
	)
	SELECT DISTINCT ON (s.sequence) s.sequence, coalesce(c.level, 0), coalesce(c.times, '{}') FROM sequence AS s LEFT JOIN chain AS c USING (sequence)
	ORDER BY s.sequence, c.level DESC NULLS LAST, c.times;
END
$$;
SELECT m.mode, l.* FROM (VALUES ('default'), ('strict_order'), ('strict_once'), ('strict_increase')) AS m (mode)
CROSS JOIN LATERAL (
	SELECT count(*) AS sequences, count(*) FILTER (WHERE f.level <> o.level) AS differences, count(DISTINCT o.level) AS levels
	FROM (SELECT sequence, cx.window_funnel(win, m.mode, at, a, b, c, d ORDER BY n * 7 % 5) AS level FROM happened GROUP BY sequence) AS f
	JOIN pg_temp.chains(m.mode) AS o USING (sequence)
) AS l;
-- the times of the earliest of the longest chains
SELECT count(*) AS sequences, count(*) FILTER (WHERE f.times <> o.times) AS differences, count(*) FILTER (WHERE cardinality(f.times) > 2) AS long
FROM (SELECT sequence, cx.funnel_times(win, at, a, b, c, d) AS times FROM happened GROUP BY sequence) AS f
JOIN pg_temp.chains('times') AS o USING (sequence);

-- many events at one instant, each of which serves one step: matched, in whatever order they came
SELECT cx.window_funnel('0 seconds', 'strict_once', '2026-01-01', VARIADIC ARRAY(SELECT s >= n AND s <= n + 1 FROM generate_series(1, 30) AS s) ORDER BY n * 17 % 31) AS chain_of_pairs FROM generate_series(1, 30) AS n;
SELECT cx.window_funnel('0 seconds', 'strict_once', timestamptz '2026-01-01', n % 3 = 0, n % 5 = 0, n = 15, n % 2 = 0, n = 15) AS fifteen_once FROM generate_series(1, 10000) AS n;
-- a running funnel
SELECT string_agg(level::text, ' ' ORDER BY n) FROM (SELECT n, cx.window_funnel('5 seconds', timestamptz '2026-01-01' + n * interval '1 second', n % 4 = 1, n % 4 = 2, n % 4 = 0) OVER (ORDER BY n) AS level FROM generate_series(0, 9) AS n) AS running;
-- events that take 8 bytes, that take 16 for their time or for more than ten steps, and both in one group
SELECT cx.window_funnel('36500000 days', at, step = 1, step = 2, step = 3) AS one_far, cx.window_funnel('36500000 days', at, step = 1, step = 2, step = 3 ORDER BY step DESC) AS first_far,
	cx.window_funnel('36500000 days', 'strict_once', at, step = 1, step = 2, step = 3, false, false, false, false, false, false, false, false) AS eleven_steps, cx.funnel_times('36500000 days', at, step = 1, step = 2, step = 3) AS times
FROM (VALUES (timestamptz '1714-08-01 00:00+00', 1), ('2000-01-01 00:00+00', 2), ('5000-01-01 00:00+00', 3)) AS v (at, step);
SELECT cx.window_funnel('100000 days', timestamptz '2285-05-01 00:00+00' + n * interval '1 day', VARIADIC ARRAY(SELECT s = n % 41 FROM generate_series(1, 10) AS s) ORDER BY n * 37 % 101) AS across FROM generate_series(1, 100) AS n;
