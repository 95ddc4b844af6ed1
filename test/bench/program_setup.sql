-- A program with 50 touchpoints, ten units and 100,000 customers, tables without
-- triggers to compare with, and a million rows in files.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
-- so that VACUUM finds what was written visible to everybody
SET synchronous_commit = on;
CREATE EXTENSION cx;
\ir compare.sql
CALL cx.create_program();
INSERT INTO cx_data.touchpoint (code) SELECT 'tp' || i FROM generate_series(1, 50) AS i;
INSERT INTO cx_data.org_unit (code) SELECT 'unit' || i FROM generate_series(1, 10) AS i;
INSERT INTO cx_data.customer (code) SELECT 'c' || i FROM generate_series(0, 99999) AS i;

-- feedback without the program's triggers, and a user's table that is attached and one that is not
CREATE TABLE feedback (LIKE cx_data.feedback INCLUDING ALL);
CREATE TABLE bare (answer_id bigint PRIMARY KEY, customer text, touchpoint text, score smallint, responded_at timestamptz, note text);
CREATE TABLE attached (LIKE bare INCLUDING ALL);
SELECT cx.attach_feedback('answers', 'attached', key => 'answer_id', customer => 'customer', touchpoint => 'touchpoint',
	metric => $$'nps'$$, score => 'score', responded_at => 'responded_at', comment => 'note') \gset

\echo Writing a million rows ...
CREATE TABLE million AS
SELECT i AS answer_id, i * 7919 % 100000 AS customer, 1 + i % 50 AS touchpoint, (i * 31 % 11)::smallint AS score,
	timestamptz '2026-01-01' + i * interval '7 seconds' AS responded_at, CASE WHEN i % 5 = 0 THEN 'a comment, number ' || i END AS note
FROM generate_series(1::bigint, :million) AS i;
SELECT current_setting('data_directory') || '/million_answers.csv' AS answers, current_setting('data_directory') || '/million_feedback.csv' AS feedback \gset
COPY (SELECT answer_id, 'c' || customer, 'tp' || touchpoint, score, responded_at, note FROM million) TO :'answers';
COPY (SELECT 1 + customer, touchpoint, score, responded_at, note, 1, answer_id, 'nps' FROM million) TO :'feedback';
VACUUM ANALYZE;
