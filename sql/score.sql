-- the aggregates tally, nps, csat and ces, and the scores of a tally
-- (extra_float_digits makes the last digit a matter of output only)
SET extra_float_digits = 0;

-- worked by hand: 5 promoters, 2 passives, 3 detractors of 10
CREATE TEMP TABLE answer (id serial, score integer);
INSERT INTO answer (score) VALUES (10), (10), (9), (9), (9), (8), (7), (6), (3), (0), (NULL);
SELECT cx.nps(score), cx.tally(score), cx.csat(score, 8) AS top3, count(score) FROM answer;
SELECT cx.csat(score) AS csat_60, cx.ces(score) AS ces_3_4 FROM (VALUES (1), (2), (4), (5), (5)) AS v (score);

-- all four types and tallies, with the same result
SELECT cx.nps(score::smallint) AS smallint, cx.nps(score) AS integer, cx.nps(score::numeric) AS numeric,
	cx.nps(score::double precision) AS float8, cx.nps(score::real) AS real, cx.nps(score::bigint) AS bigint FROM answer;
SELECT cx.nps(t), cx.tally(t), cx.csat(t, 8) FROM (SELECT cx.tally(score) AS t FROM answer GROUP BY id % 3) AS parts;
SELECT cx.csat(score::smallint) AS smallint, cx.csat(score) AS integer, cx.csat(score::numeric) AS numeric,
	cx.csat(score::double precision) AS float8, cx.csat(format('{%s:1}', score)::cx.tally) AS tally,
	cx.ces(score::smallint) AS smallint, cx.ces(score) AS integer, cx.ces(score::numeric) AS numeric,
	cx.ces(score::double precision) AS float8, cx.ces(format('{%s:1}', score)::cx.tally) AS tally
FROM generate_series(1, 5) AS score;
SELECT cx.csat(score::smallint, 3) AS smallint, cx.csat(score, 3) AS integer, cx.csat(score::numeric, 3) AS numeric,
	cx.csat(score::double precision, 3) AS float8, cx.csat(format('{%s:1}', score)::cx.tally, 3) AS tally
FROM generate_series(1, 7) AS score;
-- numeric in every form it can be stored in
SELECT cx.tally(score) FROM (VALUES (0::numeric), (0.00), (7), (7.0), (10.0000000000), ('1e1'::numeric), (NULL),
	((7 || '.' || repeat('0', 500))::numeric), (round(9.4))) AS v (score);
CREATE TEMP TABLE stored_numeric (score numeric, wide numeric(30, 20));
INSERT INTO stored_numeric SELECT score, score FROM generate_series(0, 10) AS score;
SELECT cx.tally(score), cx.tally(wide) FROM stored_numeric;
SELECT cx.tally(score) FROM (VALUES ('-0'::double precision), (10)) AS v (score);

-- no rows, only NULLs, one row, FILTER, an empty group
SELECT cx.nps(score) AS nps, cx.tally(score) AS tally, cx.csat(score) AS csat, cx.csat(score, 4) AS top, cx.ces(score) AS ces FROM answer WHERE false;
SELECT cx.nps(score) AS nps, cx.tally(score) AS tally, cx.csat(score) AS csat, cx.csat(score, 4) AS top, cx.ces(score) AS ces FROM answer WHERE score IS NULL;
SELECT cx.nps(t) AS nps, cx.tally(t) AS tally, cx.csat(t) AS csat, cx.csat(t, 4) AS top, cx.ces(t) AS ces FROM (VALUES ('{}'::cx.tally), (NULL)) AS v (t);
SELECT cx.nps(score) FILTER (WHERE score > 8), cx.nps(score) FILTER (WHERE score < 0) FROM answer;
SELECT score IS NULL AS missing, cx.nps(score) FROM answer GROUP BY 1 ORDER BY 1;
SELECT cx.nps(9), cx.nps(8), cx.nps(6);

-- the scores of a tally
SELECT t, cx.nps_of(t), cx.csat_of(t), cx.csat_of(t, 8), cx.csat_of(t, satisfied_from => 1), cx.share_of(t, 7, 8),
	cx.mean_of(t), cx.stddev_of(t)
FROM (VALUES ('{0:3,7:2,10:5}'::cx.tally), ('{5:1}'), ('{}'), (NULL)) AS v (t);
SELECT cx.nps_of('{0:9223372036854775807,10:9223372036854775807}'), cx.mean_of('{10:9223372036854775807}');

-- a plain SQL definition on random data agrees
SELECT setseed(0.42);
CREATE TEMP TABLE random_answer AS
SELECT (random() * 10)::smallint AS score, (random() * 4)::integer AS grp, (1 + random() * 4)::integer AS stars
FROM generate_series(1, 10000);
SELECT grp,
	cx.nps(score) = 100.0 * (count(*) FILTER (WHERE score >= 9) - count(*) FILTER (WHERE score <= 6)) / count(score) AS nps,
	abs(cx.csat(stars) - 100.0 * avg((stars >= 4)::int)) < 1e-12 AS csat,
	abs(cx.csat(score, 8) - 100.0 * avg((score >= 8)::int)) < 1e-12 AS top,
	abs(cx.ces(stars) - avg(stars)) < 1e-12 AS ces,
	abs(cx.mean_of(cx.tally(score)) - avg(score)) < 1e-12 AS mean,
	abs(cx.stddev_of(cx.tally(score)) - stddev_samp(score)) < 1e-12 AS stddev,
	abs(cx.share_of(cx.tally(score), 2, 5) - 100.0 * avg((score BETWEEN 2 AND 5)::int)) < 1e-12 AS share,
	cx.responses(cx.tally(score)) = count(score) AS responses
FROM random_answer GROUP BY grp ORDER BY grp;
-- a roll-up of the parts is the whole
SELECT cx.tally(t) OPERATOR(cx.=) (SELECT cx.tally(score) FROM random_answer) AS rolled_up
FROM (SELECT cx.tally(score) AS t FROM random_answer GROUP BY grp) AS parts;

-- windows: frames that slide, shrink to nothing and hold NULLs
SELECT id, score, cx.tally(score) OVER w AS tally, round(cx.nps(score) OVER w) AS nps, count(score) OVER w AS n,
	round(cx.csat(score, 8) OVER w) AS top
FROM answer WINDOW w AS (ORDER BY id ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING) ORDER BY id;
SELECT id, cx.tally(t) OVER (ORDER BY id ROWS 1 PRECEDING) AS tally
FROM (VALUES (1, '{1:1}'::cx.tally), (2, NULL), (3, NULL), (4, '{2:2}'), (5, '{}')) AS v (id, t);
SELECT bool_and(nps IS NOT DISTINCT FROM plain) AS nps, bool_and(top IS NOT DISTINCT FROM plain_top) AS top, count(DISTINCT nps) > 50 AS varies
FROM (SELECT cx.nps(score) OVER w AS nps, cx.csat(stars, 3) OVER w AS top,
		100.0 * (count(*) FILTER (WHERE score >= 9) OVER w - count(*) FILTER (WHERE score <= 6) OVER w) / nullif(count(score) OVER w, 0)::double precision AS plain,
		100.0 * count(*) FILTER (WHERE stars >= 3) OVER w / nullif(count(stars) OVER w, 0)::double precision AS plain_top
	FROM (SELECT row_number() OVER () AS id, nullif(score, 5) AS score, stars FROM random_answer) AS r
	WINDOW w AS (ORDER BY id ROWS BETWEEN 20 PRECEDING AND 3 PRECEDING)) AS v;
SELECT DISTINCT cx.nps(score::numeric) OVER w = cx.nps(score) OVER w AND cx.nps(score::float8) OVER w = cx.nps(score) OVER w
	AND cx.csat(score::numeric, 3) OVER w = cx.csat(score, 3) OVER w AND cx.csat(score::float8, 3) OVER w = cx.csat(score, 3) OVER w
	AND cx.csat(format('{%s:1}', score)::cx.tally, 3) OVER w = cx.csat(score, 3) OVER w AS same
FROM (SELECT row_number() OVER () AS id, score::integer FROM random_answer LIMIT 200) AS r WINDOW w AS (ORDER BY id ROWS 5 PRECEDING);

-- grouping sets
SELECT grp, cx.nps(score) IS NOT NULL AS known FROM random_answer GROUP BY ROLLUP (grp) ORDER BY grp;

-- what is no score
SELECT cx.nps(11);
SELECT cx.nps(-1);
SELECT cx.nps(11::smallint);
SELECT cx.nps(2147483648);
SELECT cx.nps(7.5);
SELECT cx.nps(11.0);
SELECT cx.nps(-1.0);
SELECT cx.nps(10.5);
SELECT cx.nps(1e100);
SELECT cx.nps('NaN'::numeric);
SELECT cx.nps('Infinity'::numeric);
SELECT cx.nps(7.5::double precision);
SELECT cx.nps(11::double precision);
SELECT cx.nps(1e300::double precision);
SELECT cx.nps('NaN'::double precision);
SELECT cx.nps('Infinity'::double precision);
SELECT cx.nps('-Infinity'::double precision);
SELECT cx.nps('9');
SELECT cx.nps('nine'::text);

-- the scales of CSAT and CES
SELECT cx.csat(0);
SELECT cx.csat(6);
SELECT cx.csat('{0:1,5:3}'::cx.tally);
SELECT cx.ces(0);
SELECT cx.ces(8);
SELECT cx.ces('{8:1}'::cx.tally);
SELECT cx.csat(5, 0);
SELECT cx.csat(5, 11);
SELECT cx.csat(5, NULL);
SELECT cx.csat('{5:1}'::cx.tally, NULL);
SELECT cx.csat(NULL::integer, NULL);
SELECT cx.csat_of('{5:1}', 0);
SELECT cx.share_of('{5:1}', 5, 4);
SELECT cx.share_of('{5:1}', 5, 11);

-- support functions called by hand neither crash nor touch their arguments
SELECT cx.tally_add(NULL::cx.tally, 5), cx.tally_add(NULL::cx.tally, NULL::integer), cx.tally_add('{5:1}', 5::smallint), cx.tally_remove('{5:1}', 5);
SELECT cx.tally_remove('{5:1}', 6);
SELECT cx.tally_remove(NULL::cx.tally, 6);
SELECT cx.tally_add('{5:9223372036854775807}', 5);
SELECT cx.tally_split('{}', 5, 4), cx.tally_split(NULL::cx.tally, NULL::integer, 4);
SELECT cx.tally_split('{}', '{1:3,5:2}'::cx.tally, 4), cx.tally_unsplit('{0:3,1:2}', '{1:3,5:2}'::cx.tally, 4);
SELECT cx.csat(t, 5) FROM (VALUES ('{6:9223372036854775807,7:1}'::cx.tally)) AS v (t);
