-- who of a first condition met the others too

-- worked by hand: who came on day 1, and of these on day 2 and on day 3
SELECT customer, cx.retention(day = 1, day = 2, day = 3)
FROM (VALUES ('ann', 1), ('ann', 2), ('ann', 3), ('bob', 3), ('bob', 1), ('cid', 2), ('cid', 3), ('dee', NULL), ('dee', 1), ('eve', NULL)) AS v (customer, day)
GROUP BY customer ORDER BY customer;
-- how many that is
SELECT count(*) FILTER (WHERE r[1]) AS day_1, count(*) FILTER (WHERE r[2]) AS day_2, count(*) FILTER (WHERE r[3]) AS day_3
FROM (SELECT cx.retention(day = 1, day = 2, day = 3) AS r
	FROM (VALUES ('ann', 1), ('ann', 2), ('ann', 3), ('bob', 3), ('bob', 1), ('cid', 2), ('cid', 3)) AS v (customer, day) GROUP BY customer) AS c;
-- one condition, one row meeting all, the most there may be, a NULL in an array, an array with other bounds
SELECT cx.retention(true) AS one, cx.retention(false) AS unmet, cx.retention(NULL) AS unknown, cx.retention(true, true) AS both, cx.retention(VARIADIC ARRAY[true, NULL, true]) AS hole, cx.retention(VARIADIC '[5:6]={t,f}') AS shifted;
SELECT cx.retention(VARIADIC array_agg) FROM (SELECT array_agg(i IN (1, 2, 32)) FROM generate_series(1, 32) AS i) AS v;
SELECT cx.retention(VARIADIC array_agg) FROM (SELECT array_agg(true) FROM generate_series(1, 32)) AS v;
-- no rows, none left by a filter, an empty group beside others
SELECT cx.retention(true, true) AS none FROM generate_series(1, 0);
SELECT cx.retention(i = 1, i = 2) FILTER (WHERE i > 1) AS second, cx.retention(i = 1, i = 2) FILTER (WHERE i > 2) AS none FROM generate_series(1, 2) AS i;
SELECT i, cx.retention(true) FILTER (WHERE i = 1) FROM generate_series(1, 2) AS i GROUP BY i ORDER BY i;
-- a window that grows
SELECT i, cx.retention(i = 2, i = 3, i = 1) OVER (ORDER BY i) FROM generate_series(1, 3) AS i;

-- a plain SQL definition on random data agrees
SELECT setseed(0.5);
CREATE TEMP TABLE visit AS
SELECT (random() * 400)::integer AS customer, CASE WHEN random() > 0.05 THEN (random() * 30)::integer END AS day, random() AS shuffle FROM generate_series(1, 4000);
CREATE TEMP VIEW plain AS
SELECT customer, CASE WHEN bool_or(day = 3) THEN ARRAY[true, coalesce(bool_or(day BETWEEN 4 AND 6), false), coalesce(bool_or(day % 7 = 0), false), bool_or(day = 3)] ELSE '{f,f,f,f}' END AS retained
FROM visit GROUP BY customer;
SELECT count(*) AS differences
FROM (SELECT customer, cx.retention(day = 3, day BETWEEN 4 AND 6, day % 7 = 0, day = 3) AS retained FROM visit GROUP BY customer) AS a FULL JOIN plain AS b USING (customer)
WHERE a.retained IS DISTINCT FROM b.retained;
SELECT count(*) FILTER (WHERE retained[1]) > 50 AS many, count(*) FILTER (WHERE retained = '{t,f,t,t}') > 5 AS some, count(*) FILTER (WHERE retained = '{t,t,t,t}') > 5 AS others FROM plain;
-- split in parts and put together by the support functions
CREATE AGGREGATE pg_temp.retention_state(VARIADIC boolean[]) (SFUNC = cx.retention_add, STYPE = bigint);
CREATE AGGREGATE pg_temp.retention_merge(bigint) (SFUNC = cx.retention_combine, STYPE = bigint, FINALFUNC = cx.retention_final);
SELECT count(*) AS differences
FROM (SELECT customer, pg_temp.retention_merge(state) AS retained
	FROM (SELECT customer, pg_temp.retention_state(day = 3, day BETWEEN 4 AND 6, day % 7 = 0, day = 3) AS state FROM visit GROUP BY customer, floor(shuffle * 5)) AS part GROUP BY customer) AS a
FULL JOIN plain AS b USING (customer)
WHERE a.retained IS DISTINCT FROM b.retained;

-- what it refuses
SELECT cx.retention(VARIADIC '{}');
SELECT cx.retention(VARIADIC NULL);
SELECT cx.retention(VARIADIC '{{t,f},{t,t}}');
SELECT cx.retention(VARIADIC array_agg) FROM (SELECT array_agg(true) FROM generate_series(1, 33)) AS v;
SELECT cx.retention(VARIADIC conditions) FROM (VALUES ('{t,f}'::boolean[]), ('{t,f,t}')) AS v (conditions);
-- states made by hand: without conditions, too many, a bit too many, a sign, parts of different numbers
SELECT cx.retention_final(0);
SELECT cx.retention_final(33::bigint << 32);
SELECT cx.retention_final((2::bigint << 32) | 4);
SELECT cx.retention_add(-1, '{t}');
SELECT cx.retention_combine((1::bigint << 32) | 1, (2::bigint << 32) | 1);
SELECT cx.retention_combine((32::bigint << 32) | 1, 1);
SELECT cx.retention_final((3::bigint << 32) | 5) AS good, cx.retention_final((32::bigint << 32) | 4294967295) = array_fill(true, '{32}') AS full, cx.retention_final(NULL) AS none, cx.retention_add(NULL, '{t,f}') = (2::bigint << 32) | 1 AS first_row;
