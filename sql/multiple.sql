-- many tests at once: fdr and holm
SET extra_float_digits = 0;

-- worked by hand (p sorted 0.01, 0.02, 0.03, 0.04 of 4): fdr 0.04 all, holm 0.04, 0.06, 0.06, 0.06
SELECT p, cx.fdr(p) OVER (), cx.holm(p) OVER () FROM (VALUES (0.04), (0.01), (0.03), (0.02)) AS v (p);
-- NULLs stay NULL and do not count; ties; 0 and 1
SELECT p, cx.fdr(p) OVER (), cx.holm(p) OVER () FROM (VALUES (0.04), (NULL), (0.01), (0.01), (NULL), (1), (0)) AS v (p);
SELECT cx.fdr(p) OVER (), cx.holm(p) OVER () FROM (VALUES (NULL::float8)) AS v (p);
SELECT cx.fdr(p) OVER () FROM (VALUES (0.5)) AS v (p) WHERE false;
SELECT cx.fdr(0.03) OVER () AS alone;
-- by partition, whatever the order and the frame
SELECT grp, p, cx.fdr(p) OVER (PARTITION BY grp) AS fdr, cx.fdr(p) OVER (PARTITION BY grp ORDER BY p DESC ROWS 1 PRECEDING) AS framed
FROM (VALUES ('a', 0.01), ('a', 0.04), ('b', 0.04), ('b', 0.05), ('b', 0.001)) AS v (grp, p) ORDER BY grp, p;
-- many rows against plain SQL
SELECT setseed(0.2);
CREATE TEMP TABLE test AS SELECT grp, random() ^ 3 AS p FROM generate_series(1, 20) AS grp, generate_series(1, 500);
SELECT bool_and(abs(fdr - plain_fdr) < 1e-12) AS fdr, bool_and(abs(holm - plain_holm) < 1e-12) AS holm
FROM (SELECT fdr, holm, min(least(1, p * m / rank)) OVER (PARTITION BY grp ORDER BY rank DESC) AS plain_fdr,
		max(least(1, p * (m - rank + 1))) OVER (PARTITION BY grp ORDER BY rank) AS plain_holm
	FROM (SELECT *, cx.fdr(p) OVER (PARTITION BY grp) AS fdr, cx.holm(p) OVER (PARTITION BY grp) AS holm,
			row_number() OVER (PARTITION BY grp ORDER BY p) AS rank, count(*) OVER (PARTITION BY grp) AS m FROM test) AS ranked) AS plain;
-- no p-values
SELECT cx.fdr(p) OVER () FROM (VALUES (0.5), (1.5)) AS v (p);
SELECT cx.holm(p) OVER () FROM (VALUES (-0.1)) AS v (p);
SELECT cx.holm(p) OVER () FROM (VALUES ('NaN'::float8)) AS v (p);
SELECT cx.fdr(0.5);
-- what is NULL when looked at stays NULL, and so does its row
SELECT count(*) FILTER (WHERE f = 0) AS made_up, count(*) FILTER (WHERE f IS NULL) > 300 AS nulls FROM (SELECT cx.fdr(CASE WHEN random() < 0.5 THEN 0.4 + random() / 2 END) OVER () AS f FROM generate_series(1, 1000)) AS v;
-- an operator can be made of a window function, and reaches it without a window
CREATE OPERATOR pg_temp.@@@ (RIGHTARG = double precision, FUNCTION = cx.fdr);
SELECT OPERATOR(pg_temp.@@@) 0.5::double precision;
