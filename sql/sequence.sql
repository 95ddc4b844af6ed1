-- patterns in the order of events
SET jit = off;

-- events are told as conditions@second, a for condition 1, b for 2, c for 3, - for none, no second for no time
CREATE FUNCTION pg_temp.occurs(pattern text, story text, OUT found boolean, OUT matches bigint) LANGUAGE sql AS $$
	SELECT cx.sequence_match(pattern, at, what ~ 'a', what ~ 'b', what ~ 'c'), cx.sequence_count(pattern, at, what ~ 'a', what ~ 'b', what ~ 'c')
	FROM (SELECT split_part(event, '@', 1) AS what, timestamptz '2026-05-01 00:00+00' + nullif(split_part(event, '@', 2), '')::numeric * interval '1 second' AS at
		FROM regexp_split_to_table(nullif(story, ''), ' ') AS event) AS events;
$$;

-- worked by hand: elements that follow each other directly
SELECT v.*, found, matches FROM (VALUES
	('(?1)', 'a@1', 1), ('(?1)', 'b@1', 0), ('(?1)', 'a@1 b@2 a@3', 2), ('(?2)(?2)', 'b@1 b@2 b@3 b@4 b@5', 2),
	('(?1)(?2)', 'a@1 b@2', 1), ('(?1)(?2)', 'b@1 a@2', 0), ('(?1)(?2)', 'a@1 c@2 b@3', 0), ('(?1)(?2)', 'a@1 -@2 b@3', 1), ('(?1)(?2)', 'a@1 a@2 b@3', 1),
	('(?1)(?2)(?3)', 'a@1 b@2 b@3 c@4 a@5 b@6 c@7', 1), ('(?1)(?1)(?2)', 'a@1 a@2 a@3 b@4', 1), ('(?1)(?2)', 'a@1 ab@2 ab@3 b@4', 2), ('(?01)', 'a@1', 1)
) AS v (pattern, story, by_hand), pg_temp.occurs(pattern, story);
-- . and .*
SELECT v.*, found, matches FROM (VALUES
	('.', 'a@1 b@2 -@3 c@4', 3), ('. .', 'a@1 b@2 c@3', 1), ('(?1).(?2)', 'a@1 c@2 b@3', 1), ('(?1).(?2)', 'a@1 b@2', 0), ('(?1).(?2)', 'a@1 b@2 b@3', 1), ('(?1).(?2)', 'a@1 -@2 b@3', 0),
	('(?1).*(?2)', 'a@1 b@2', 1), ('(?1).*(?2)', 'a@1 c@2 a@3 b@4 b@5', 1), ('(?1).*(?2)', 'a@1 b@2 b@3 a@4 c@5 b@6 a@7', 2), ('(?1).*(?2)', 'ab@1', 0),
	('(?1).*..*(?2)', 'a@1 b@2', 0), ('(?1).*..*(?2)', 'a@1 b@2 b@3', 1), ('(?1).*.*(?2)', 'a@1 b@2', 1), ('(?1)...(?2)', 'a@1 c@2 c@3 c@4 b@5', 1),
	('.*(?1)', 'b@1 a@2', 1), ('(?1).*', 'a@1 b@2 a@3', 2), ('.*.*(?1).*(?2).*', 'a@1 c@2 b@3', 1)
) AS v (pattern, story, by_hand), pg_temp.occurs(pattern, story);
SELECT * FROM pg_temp.occurs(E' (?1)\t. \n(?2)\r\f\x0B ', 'a@1 b@2 b@3') AS white_space;
-- times: each operator, between, other events between, several conditions
SELECT v.*, found, matches FROM (VALUES
	('(?1)(?t<2)(?2)', 'a@1 c@2 b@2.999999', 1), ('(?1)(?t<2)(?2)', 'a@1 b@3', 0), ('(?1)(?t<=2)(?2)', 'a@1 c@2 b@3', 1), ('(?1)(?t<=2)(?2)', 'a@1 b@3.000001', 0), ('(?1)(?t<=2)(?2)', 'a@1 a@4 c@5 b@6', 1),
	('(?1)(?t>2)(?2)', 'a@1 b@3 b@3.000001', 1), ('(?1)(?t>2)(?2)', 'a@1 b@3', 0), ('(?1)(?t>=2)(?2)', 'a@1 b@2 b@3', 1), ('(?1)(?t>=2)(?2)', 'a@1 a@2 b@2.5', 0),
	('(?1)(?t==2)(?2)', 'a@1 b@2 b@3 b@4', 1), ('(?1)(?t==2)(?2)', 'a@1 a@2 b@3.5', 0), ('(?1)(?t==0.000001)(?2)', 'a@1 b@1.000001', 1), ('(?1)(?t==1.5)(?2)', 'a@1 b@2.5', 1), ('(?1)(?t==1.50)(?2)', 'a@1 b@2.5', 1),
	('(?1)(?t>=2)(?t<=3)(?2)', 'a@0 a@1 a@5 b@6 c@7 b@8', 1), ('(?1)(?t>=2)(?t<=3)(?2)', 'a@0 a@1 b@4.5', 0), ('(?1)(?t>=2)(?t<=3)(?2)', 'a@0 a@2 a@3 b@4 b@5', 1),
	('(?1)(?t<=9).*(?t>2) (?t<=3)(?2)', 'a@1 b@3 b@4', 1), ('(?1)(?t>3)(?t<2)(?2)', 'a@1 b@2 b@3 b@4 b@5', 0), ('(?1)(?t<0)(?2)', 'a@1 b@1 b@2', 0), ('(?1)(?t<=0)(?2)', 'a@1 b@1', 1), ('(?1)(?t==0)(?2)', 'a@1 c@1 b@1', 1), ('(?1)(?t>0)(?2)', 'a@1 b@1', 0),
	('(?1)(?t<=2)(?2)(?3)', 'a@1 c@2 b@3 c@4', 1), ('(?1)(?t<=2)(?2)(?3)', 'a@1 b@3 a@4 c@5', 0), ('(?1)(?t<=2)(?2)(?t>=2)(?3)', 'a@1 b@2 b@3 c@4', 1),
	('(?1)(?t<=1).(?t<=1)(?2)', 'a@1 a@2 c@3 b@4', 1), ('(?1)(?t<=99999999999.999999)(?2)', 'a@1 b@900000', 1), ('(?1)(?t>=100000000000)(?2)', 'a@1 b@900000', 0),
	-- after a match nothing before it counts
	('(?1)(?t>=2)(?2)', 'a@1 a@2 b@3 b@4', 1), ('(?1)(?t>=1)(?t<=9)(?2)', 'a@1 a@2 a@3 b@4 b@5 b@6', 1), ('(?1)(?t>=1)(?t<=9)(?2)', 'a@1 b@4 a@5 b@6', 2), ('(?1)(?t<=9)(?2)', 'a@1 b@4 b@5', 1)
) AS v (pattern, story, by_hand), pg_temp.occurs(pattern, story);
-- within one instant: those that meet condition 1 first, then condition 2; order of arrival is nothing
SELECT v.*, found, matches FROM (VALUES
	('(?1)(?2)', 'b@1 a@1', 1), ('(?2)(?1)', 'b@1 a@1', 0), ('(?1)(?2)(?3)', 'c@1 b@1 a@1', 1), ('(?1)(?2)', 'b@1 ab@1 c@2', 1), ('(?3)(?2)', 'a@1 ac@1 ab@1', 0), ('(?2)(?3)', 'a@1 ac@1 ab@1', 1),
	('(?1)(?2)(?3)', 'c@9 a@1 -@3 b@5', 1), ('(?3)(?2)(?1)', 'a@9 c@1 b@5', 1)
) AS v (pattern, story, by_hand), pg_temp.occurs(pattern, story);
-- no rows, no times, no events
SELECT v.*, found, matches FROM (VALUES ('(?1)', '', NULL), ('(?1)', 'a@ b@', NULL), ('(?1)', '-@1', 0), ('.', '-@1 a@', 0), ('(?1)(?2)', 'a@1 b@ b@2 a@', 1)) AS v (pattern, story, by_hand), pg_temp.occurs(pattern, story);
-- a NULL condition is not met; FILTER; conditions as an array; as many as there may be
SELECT cx.sequence_match('(?1)', now(), NULL, true) AS null_condition, cx.sequence_count('(?2)', now(), NULL, true) AS beside_null, cx.sequence_match('(?1)', now(), true) FILTER (WHERE false) AS none,
	cx.sequence_count('(?2)', now(), VARIADIC ARRAY[false, true]) AS variadic, cx.sequence_count('(?32)', now(), VARIADIC array_fill(true, ARRAY[32])) AS most;
SELECT cx.sequence_match('(?1)(?2)', at, step = 1, step = 2) FILTER (WHERE step <> 9) AS without_nine, cx.sequence_match('(?1)(?2)', at, step = 1, step = 2, step = 9) AS with_nine
FROM (VALUES (1, timestamptz '2026-05-01 10:00+00'), (9, '2026-05-01 11:00+00'), (2, '2026-05-01 12:00+00'), (NULL, '2026-05-01 11:30+00')) AS v (step, at);
-- the whole range of times, whose width is more than 64 bits
SELECT cx.sequence_match('(?1)(?t>100000000000)(?2)', at, n = 1, n = 2) AS long, cx.sequence_match('(?1)(?t<=100000000000)(?2)', at, n = 1, n = 2) AS short, cx.sequence_match('(?1)(?t>=1)(?t<=100000000000)(?2)', at, n = 1, n = 2) AS bounded
FROM (VALUES (1, timestamptz '4714-11-24 00:00+00 BC'), (2, '294276-12-31 23:59:59+00')) AS v (n, at);
-- each group its own pattern; a frame that grows, one that slides and is empty at first
SELECT pattern, cx.sequence_count(pattern, now() + n * interval '1 second', n % 2 = 1, n % 2 = 0) FROM (VALUES ('(?1)(?2)'), ('(?2)(?1)'), ('(?2)')) AS p (pattern), generate_series(1, 5) AS n GROUP BY pattern ORDER BY pattern;
SELECT n, cx.sequence_count('(?1)(?2)', now() + n * interval '1 second', n % 2 = 1, n % 2 = 0) OVER (ORDER BY n) AS grows,
	cx.sequence_match('(?1)(?2)', now() + n * interval '1 second', n % 2 = 1, n % 2 = 0) OVER (ORDER BY n ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING) AS slides
FROM generate_series(1, 5) AS n;

-- what a pattern must not be
SELECT cx.sequence_match(NULL, now(), true);
SELECT cx.sequence_match('', now(), true);
SELECT cx.sequence_match(' .* ', now(), true);
SELECT cx.sequence_match('(?1)x', now(), true);
SELECT cx.sequence_match('(?1)' || chr(10) || '(?x)', now(), true);
SELECT cx.sequence_match('(?1)' || U&'\00E9\20AC', now(), true);
SELECT cx.sequence_match('(?1). *', now(), true);
SELECT cx.sequence_match('(?1', now(), true);
SELECT cx.sequence_match('(?)', now(), true);
SELECT cx.sequence_match('(?-1)', now(), true);
SELECT cx.sequence_match('(?0)', now(), true);
SELECT cx.sequence_match('(?1) (?3)', now(), true, true);
SELECT cx.sequence_match('(?999999999999999999)', now(), true);
SELECT cx.sequence_match('(?9999999999999999999)', now(), true);
SELECT cx.sequence_match('(?t<=5)(?1)', now(), true);
SELECT cx.sequence_match('(?1)(?t<=5)', now(), true);
SELECT cx.sequence_match('(?1)(?t<=5)(?t>=3).*', now(), true);
SELECT cx.sequence_match('(?1)(?t=5)(?1)', now(), true);
SELECT cx.sequence_match('(?1)(?t!=5)(?1)', now(), true);
SELECT cx.sequence_match('(?1)(?t<)(?1)', now(), true);
SELECT cx.sequence_match('(?1)(?t<-5)(?1)', now(), true);
SELECT cx.sequence_match('(?1)(?t<5.)(?1)', now(), true);
SELECT cx.sequence_match('(?1)(?t<5.0000001)(?1)', now(), true);
SELECT cx.sequence_match('(?1)(?t<5', now(), true);
SELECT cx.sequence_match('(?1)(?t<100000000000.000001)(?1)', now(), true);
SELECT cx.sequence_match('(?1)(?t<999999999999999999)(?1)', now(), true);
SELECT cx.sequence_match(repeat('(?1)', 1000) || ' .', now(), true), cx.sequence_match(repeat('.', 1000) || '.*', now(), true);
SELECT cx.sequence_match(repeat('.', 1000), now(), true);
-- what else it refuses
SELECT cx.sequence_match('(?1)', 'infinity', true);
SELECT cx.sequence_match('(?1)', now(), VARIADIC NULL);
SELECT cx.sequence_match('(?1)', now(), VARIADIC array_fill(true, ARRAY[33]));
SELECT cx.sequence_match(pattern, NULL, true) FROM (VALUES ('(?1)'), ('(?1) ')) AS v (pattern);
SELECT cx.sequence_match('(?1)', now(), VARIADIC conditions) FROM (VALUES (ARRAY[true]), (ARRAY[true, false])) AS v (conditions);

-- the definition in plain SQL agrees on random sequences: elements by hand (0 is any event), no gap where the next event must match, else its seconds
CREATE TEMP TABLE pattern (pattern_id integer, pattern text, elements integer[], gaps numrange[]);
INSERT INTO pattern VALUES
	(0, '(?1)(?2)', '{1,2}', '{NULL,NULL}'),
	(1, '(?1).*(?2)', '{1,2}', '{NULL,"[0,)"}'),
	(2, '(?1)(?t<=2)(?2)', '{1,2}', '{NULL,"[0,2]"}'),
	(3, '(?1)(?t>=2)(?2)', '{1,2}', '{NULL,"[2,)"}'),
	(4, '(?1)(?t>1)(?t<3)(?2)', '{1,2}', '{NULL,"(1,3)"}'),
	(5, '(?1)(?t==1.5)(?2)', '{1,2}', '{NULL,"[1.5,1.5]"}'),
	(6, '(?1)(?t<2)(?2)(?t>1)(?3)', '{1,2,3}', '{NULL,"[0,2)","(1,)"}'),
	(7, '.(?2)', '{0,2}', '{NULL,NULL}'),
	(8, '(?1).*.(?t>=1)(?t<=4)(?3)', '{1,0,3}', '{NULL,"[0,)","[1,4]"}'),
	(9, '(?1)(?1).*(?2)', '{1,1,2}', '{NULL,NULL,"[0,)"}'),
	(10, '(?3)', '{3}', '{NULL}'),
	(11, '. . .', '{0,0,0}', '{NULL,NULL,NULL}'),
	(12, '(?1)(?t>=0.5)(?t<=2.5)(?1)(?t>=0.5)(?t<=2.5)(?1)', '{1,1,1}', '{NULL,"[0.5,2.5]","[0.5,2.5]"}'),
	(13, '.* (?1) .* (?2) (?3) .*', '{1,2,3}', '{NULL,"[0,)",NULL}'),
	(14, '(?2)(?t>=1)(?t<=3)(?3)(?t<=1)(?1)(?2)', '{2,3,1,2}', '{NULL,"[1,3]","[0,1]",NULL}'),
	(15, '(?1)(?t>=1).(?t<=1)(?2)(?t>0)(?t<2.5)(?3)', '{1,0,2,3}', '{NULL,"[1,)","[0,1]","(0,2.5)"}');
SELECT setseed(0.3);
CREATE TEMP TABLE row_of AS
SELECT sequence_id, sequence_id % 16 AS pattern_id, shuffle, timestamptz '2026-05-01 00:00+00' + nullif(floor(random() * 16), 15) * interval '0.5 second' AS at,
	random() < 0.4 AS a, CASE WHEN random() < 0.9 THEN random() < 0.4 END AS b, random() < 0.3 AS c
FROM (SELECT sequence_id, floor(random() * 20) AS rows FROM generate_series(1, 24000) AS sequence_id) AS s, LATERAL (SELECT random() AS shuffle FROM generate_series(1, rows::integer)) AS r;
CREATE TEMP TABLE event AS
SELECT sequence_id, pattern_id, row_number() OVER (PARTITION BY sequence_id ORDER BY at, a DESC, coalesce(b, false) DESC, c DESC) AS place, at, ARRAY[true, a, coalesce(b, false), c] AS meets
FROM row_of WHERE at IS NOT NULL AND (a OR b OR c);
CREATE INDEX ON event (sequence_id, place);
ANALYZE row_of, event, pattern;
-- all chains of events that match a whole pattern, by their first and last event
CREATE TEMP TABLE chain AS
WITH RECURSIVE partial AS (
	SELECT sequence_id, pattern_id, place AS first, place AS last, at, 1 AS element FROM event JOIN pattern USING (pattern_id) WHERE meets[elements[1] + 1]
	UNION
	SELECT e.sequence_id, e.pattern_id, first, place, e.at, element + 1
	FROM partial AS p JOIN pattern USING (pattern_id) JOIN event AS e ON e.sequence_id = p.sequence_id AND e.place > p.last
	WHERE meets[elements[element + 1] + 1] AND CASE WHEN gaps[element + 1] IS NULL THEN place = last + 1 ELSE extract(epoch FROM e.at - p.at) <@ gaps[element + 1] END
)
SELECT sequence_id, first, last FROM partial JOIN pattern USING (pattern_id) WHERE element = cardinality(elements);
CREATE INDEX ON chain (sequence_id);
ANALYZE chain;
-- the earliest end, and from there on again
CREATE TEMP TABLE defined AS
WITH RECURSIVE ended AS (
	SELECT sequence_id, 0 AS matches, 0::bigint AS last FROM row_of WHERE at IS NOT NULL GROUP BY sequence_id
	UNION ALL
	SELECT sequence_id, matches + 1, (SELECT min(c.last) FROM chain AS c WHERE c.sequence_id = e.sequence_id AND c.first > e.last) FROM ended AS e WHERE last IS NOT NULL
)
SELECT sequence_id, max(matches) FILTER (WHERE last IS NOT NULL) AS matches FROM ended GROUP BY sequence_id;
CREATE TEMP TABLE answer AS
SELECT sequence_id, pattern_id, cx.sequence_match(pattern, at, a, b, c) AS found, cx.sequence_count(pattern, at, a, b, c) AS matches, cx.sequence_count(pattern, at, a, b, c ORDER BY shuffle) AS shuffled
FROM row_of JOIN pattern USING (pattern_id) GROUP BY sequence_id, pattern_id;
SELECT count(*) > 20000 AS enough, count(*) FILTER (WHERE a.matches IS DISTINCT FROM d.matches OR a.shuffled IS DISTINCT FROM d.matches OR a.found IS DISTINCT FROM (d.matches > 0)) AS differences
FROM answer AS a LEFT JOIN defined AS d USING (sequence_id);
-- which it could have failed, for every pattern occurs here and does not there
SELECT pattern_id, pattern FROM answer JOIN pattern USING (pattern_id) GROUP BY pattern_id, pattern HAVING NOT (count(*) FILTER (WHERE found) > 20 AND count(*) FILTER (WHERE NOT found) > 20) ORDER BY pattern_id;

-- patterns that keep a search which tries again busy for ever
CREATE TEMP TABLE long AS SELECT timestamptz '2026-05-01 00:00+00' + n * interval '1 second' AS at, n FROM generate_series(1, 100000) AS n;
SELECT cx.sequence_match(repeat('(?1).*', 300) || '(?2)', at, true, false) AS never, cx.sequence_count(repeat('(?1).*', 300) || '(?2)', at, true, n % 1000 = 0) AS each_thousand FROM long;
SELECT cx.sequence_match(repeat('(?1)(?t>=1)(?t<=100000)', 100) || '(?2)', at, true, false) AS never, cx.sequence_count(repeat('(?1)(?t>=1)(?t<=100000)', 100) || '(?2)', at, true, n % 1000 = 0) AS each_thousand FROM long;
SELECT cx.sequence_count(repeat('(?1)(?t>=1)(?t<=10)', 100) || '(?2)', at, n % 10 < 5, n % 1000 = 0) AS each_thousand, cx.sequence_count(repeat('(?1)', 100) || '(?2)', at, true, n % 1000 = 0) AS direct, cx.sequence_count('.', at, true) AS all FROM long;
