-- Rows with 20 numbers and an outcome, the numbers as an array and as columns.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE EXTENSION cx;
CREATE EXTENSION pg_prewarm;
CALL cx.create_program();
\ir compare.sql

\echo Making :million rows ...
SELECT setseed(0.5) \gset
SELECT string_agg('2 * random() - 1 AS x' || i, ', ' ORDER BY i) AS numbers, string_agg('x' || i, ', ' ORDER BY i) AS columns FROM generate_series(1, 20) AS i \gset
CREATE TABLE row_of_columns AS
SELECT random() < 1 / (1 + exp(1 - 2 * x1 + x2 - x3 / 2 + x4 / 3)) AS y, :columns FROM (SELECT :numbers FROM generate_series(1, :million) OFFSET 0) AS x;
CREATE TABLE row_of_array AS SELECT y, ARRAY[:columns] AS x FROM row_of_columns;
VACUUM (FREEZE, ANALYZE);
