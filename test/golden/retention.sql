-- Golden values of retention: the purchases of an online shop (CDNOW), against
-- values that an independent program (R) computed from the same file.  Left
-- alone: time to the second purchase, which survival.sql compares, and how
-- recent, frequent and large the purchases are, which cx has not got.
-- Run from the folder that holds data/ and golden/; test/t/002_golden.pl does so.
-- Prints TAP.  A count is met exactly, a rate with a relative error of at most
-- 1e-9, and the line says how many values there have to be.

\set ON_ERROR_STOP on
\set QUIET on
\pset tuples_only on
\pset format unaligned
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS cx;
-- the session's clock is none of the functions' business
SET timezone = 'Asia/Tokyo';

CREATE TEMP TABLE expectation (sample text, statistic text, expected double precision);
CREATE TEMP TABLE computed (occasion text, sample text, statistic text, actual double precision);
CREATE TEMP TABLE fact (title text, holds boolean);
\copy expectation FROM 'golden/retention_cdnow.csv' CSV HEADER
CREATE TEMP TABLE purchase (txn_id integer, customer_id integer, purchase_date date, cds integer, amount numeric);
\copy purchase FROM 'data/cdnow.csv' CSV HEADER
-- the log ends with June 1998
\set query 'SELECT customer_id AS customer, purchase_date::timestamp AT TIME ZONE ''UTC'' AS at FROM purchase'
\set as_of '1998-07-01 00:00+00'

CREATE TEMP TABLE cohort AS
SELECT 'cdnow|month_cohort|' || to_char(cohort AT TIME ZONE 'UTC', 'YYYY-MM') AS sample, period, customers, active, retention
FROM cx.cohort_retention(:'query', periods => 17, as_of => :'as_of', zone => 'UTC');
INSERT INTO computed
SELECT 'cohort_retention', sample, 'size', customers FROM cohort WHERE period = 0
UNION ALL
SELECT 'cohort_retention', format('%s|k=%s', sample, period), v.*
FROM cohort, LATERAL (VALUES ('active', active), ('retention', retention / 100)) AS v (statistic, actual) WHERE active IS NOT NULL;
INSERT INTO fact SELECT 'months after the log have not been observed', array_agg(period ORDER BY sample, period) FILTER (WHERE active IS NULL) = '{17,16,17}' AND bool_and((active IS NULL) = (retention IS NULL)) FROM cohort;

INSERT INTO computed
SELECT 'repurchase_rate', format('cdnow|repeat_within|%s', days), v.*
FROM unnest('{7,14,30,60,90,180,365}'::integer[]) AS days,
	LATERAL cx.repurchase_rate(:'query', make_interval(days => days), :'as_of') AS r,
	LATERAL (VALUES ('customers', customers), ('repeated', repeated), ('rate', repurchase_rate / 100)) AS v (statistic, actual);

-- those who first bought in January are those who bought in January, for the log begins then
INSERT INTO computed
SELECT 'retention', format('cdnow|month_cohort|1997-01|k=%s', k - 1), 'active', count(*) FILTER (WHERE retained[k])
FROM (SELECT cx.retention(VARIADIC ARRAY(SELECT date_trunc('month', purchase_date::timestamp) = timestamp '1997-01-01' + k * interval '1 month' FROM generate_series(0, 17) AS k ORDER BY k)) AS retained
		FROM purchase GROUP BY customer_id) AS c, generate_series(1, 18) AS k
GROUP BY k;

CREATE TEMP TABLE compared AS
SELECT c.*, expected, e.sample IS NOT NULL AS found,
	CASE WHEN statistic IN ('retention', 'rate') THEN abs(actual - expected) <= 1e-9 * abs(expected) ELSE actual = expected END IS TRUE AS met
FROM computed AS c LEFT JOIN expectation AS e USING (sample, statistic);
INSERT INTO fact SELECT 'no value of a cohort or a repurchase is left out', count(*) = 126 AND bool_and(EXISTS (SELECT FROM compared AS c WHERE (c.sample, c.statistic) = (e.sample, e.statistic)))
FROM expectation AS e WHERE sample ~ 'month_cohort|repeat_within';
SELECT '1..' || 3 + (SELECT count(*) FROM fact);
SELECT format('%s - retention_cdnow.csv, %s: %s of %s values met', CASE WHEN count(*) = wanted AND count(DISTINCT (sample, statistic)) = wanted AND bool_and(found AND met) THEN 'ok' ELSE 'not ok' END,
	occasion, count(*) FILTER (WHERE found AND met), wanted)
FROM (VALUES ('cohort_retention', 105), ('repurchase_rate', 21), ('retention', 18)) AS w (occasion, wanted) LEFT JOIN compared USING (occasion)
GROUP BY occasion, wanted ORDER BY occasion;
SELECT CASE WHEN holds THEN 'ok - ' ELSE 'not ok - ' END || title FROM fact;
SELECT format('# %s, %s %s: expected %s, got %s', occasion, sample, statistic, CASE WHEN found THEN expected::text ELSE 'nothing' END, coalesce(actual::text, 'NULL'))
FROM compared WHERE NOT (found AND met) ORDER BY occasion, sample, statistic LIMIT 40;
