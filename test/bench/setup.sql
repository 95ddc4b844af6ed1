-- Answers in memory: a table for each type of score, 50 touchpoints of unequal
-- traffic, 90 days in order of time, 2 % without a score.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE EXTENSION cx;

\echo Making :rows answers of each type ...
SELECT setseed(0.5) \gset
CREATE TABLE answer_smallint AS
SELECT id, (id * 7919 % 1000003)::integer AS customer_id,
	timestamptz '2026-01-01 00:00+00' + id * (interval '90 days' / :rows) AS responded_at,
	(50 * random() * random())::integer AS touchpoint_id,
	CASE WHEN random() > 0.02 THEN (random() * 10)::smallint END AS score
FROM generate_series(1::bigint, :rows) AS id;
CREATE TABLE answer_integer AS SELECT id, customer_id, responded_at, touchpoint_id, score::integer FROM answer_smallint;
CREATE TABLE answer_numeric AS SELECT id, customer_id, responded_at, touchpoint_id, score::numeric FROM answer_smallint;
CREATE TABLE answer_double AS SELECT id, customer_id, responded_at, touchpoint_id, score::double precision FROM answer_smallint;
CREATE TABLE stored AS
SELECT id, (id % 1000)::bigint AS amount, format('{%s:%s,%s:%s}', id % 7, 1 + id % 100, 7 + id % 4, 1 + id % 90)::cx.tally AS answers
FROM generate_series(1::bigint, :rows / 10) AS id;
VACUUM (FREEZE, ANALYZE);
CREATE EXTENSION pg_prewarm;
\ir compare.sql
