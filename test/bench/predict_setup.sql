-- Customers with 20 numbers each, as columns and as an array, and models of whether they leave.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE EXTENSION cx;
CREATE EXTENSION pg_prewarm;
CALL cx.create_program();
\ir compare.sql

\echo Making :million customers ...
SELECT setseed(0.5) \gset
SELECT string_agg('random() AS c' || i, ', ' ORDER BY i) AS numbers, string_agg('c' || i, ', ' ORDER BY i) AS columns FROM generate_series(1, 20) AS i \gset
CREATE TABLE customer AS SELECT i AS customer_id, :numbers FROM generate_series(1, :million) AS i;
CREATE TABLE customer_array AS SELECT customer_id, ARRAY[:columns] AS c FROM customer;
CREATE TABLE customer_snapshot AS
SELECT random() < 1 / (1 + exp(1 - 2 * c1 + 3 * c2 - 4 * c3 * c4 - sin(10 * c5))) AS churned, :columns FROM customer LIMIT 50000;
CREATE TABLE customer_array_snapshot AS SELECT churned, ARRAY[:columns] AS c FROM customer_snapshot;
VACUUM (FREEZE, ANALYZE);

\echo Training ...
SELECT model FROM cx.train('logistic', 'SELECT * FROM customer_snapshot', 'churned', 'logistic') \gset
SELECT model FROM cx.train('array', 'SELECT * FROM customer_array_snapshot', 'churned', 'logistic') \gset
SELECT model FROM cx.train('boosting', 'SELECT * FROM customer_snapshot', 'churned', 'boosting', options => '{"trees": 100, "depth": 6, "leaves": 64, "patience": 0}') \gset
