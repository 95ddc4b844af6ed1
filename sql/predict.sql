-- scoring with trained models: columns of all types, against plain SQL, by name and by value, as records and as objects
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS cx;
CALL cx.create_program();
CREATE SCHEMA cx_regress_predict;
SET search_path = cx_regress_predict;
SET extra_float_digits = 0;
SET jit = off;
SET TimeZone = 'UTC';
\set SHOW_CONTEXT never

SELECT setseed(0.25);
CREATE TYPE tier AS ENUM ('free', 'paid');
CREATE TABLE subscriber AS
SELECT i AS id, CASE WHEN random() < 0.9 THEN floor(random() * 60)::integer END AS tenure, (random() * 100)::numeric(8, 2) AS charge, random() < 0.3 AS paperless,
	(ARRAY['month', 'year', 'two "years"'])[1 + floor(random() * 3)::integer] AS contract, (enum_range(NULL::tier))[1 + floor(random() * 2)::integer] AS tier,
	date '2024-01-01' + floor(random() * 700)::integer AS joined, interval '1 hour' * floor(random() * 500) AS idle, ARRAY[random(), random() * 2, random() * 3] AS usage, random() AS luck
FROM generate_series(1, 4000) AS i;
ALTER TABLE subscriber ADD churned boolean, ADD spend double precision;
UPDATE subscriber SET churned = luck < 1 / (1 + exp(2 - 0.1 * (20 - coalesce(tenure, 30)) - 0.8 * (contract = 'month')::integer + 0.5 * usage[2] - (tier = 'free')::integer)),
	spend = 5 + charge * 0.5 + 3 * usage[3] + 2 * paperless::integer + luck;
\set features 'tenure, charge, paperless, contract, tier, joined, idle, usage'
SELECT trained.model, trained.version, trained.champion
FROM (VALUES ('risk', 'churned', 'logistic'), ('risk_trees', 'churned', 'boosting'), ('spend', 'spend', 'logistic'), ('spend_trees', 'spend', 'boosting')) AS v (model, target, algorithm),
	cx.train(v.model, format('SELECT %s, %s FROM subscriber ORDER BY id', :'features', target), target, algorithm, options => '{"calibrate": false}') AS trained ORDER BY 1;
SELECT feature, type, ARRAY(SELECT unnest(levels) ORDER BY 1) AS levels FROM cx_data.model AS m, cx.predictor_features(predictor) AS f WHERE name = 'risk';

-- a linear model by its coefficients in plain SQL
CREATE FUNCTION term_value(s subscriber, term text) RETURNS double precision LANGUAGE sql RETURN CASE term
	WHEN '(intercept)' THEN 1 WHEN 'tenure' THEN s.tenure WHEN 'tenure is missing' THEN (s.tenure IS NULL)::integer WHEN 'charge' THEN s.charge WHEN 'paperless' THEN s.paperless::integer
	WHEN 'contract = month' THEN (s.contract = 'month')::integer WHEN 'contract = year' THEN (s.contract = 'year')::integer WHEN 'contract = two "years"' THEN (s.contract = 'two "years"')::integer
	WHEN 'tier = free' THEN (s.tier = 'free')::integer WHEN 'tier = paid' THEN (s.tier = 'paid')::integer WHEN 'joined' THEN s.joined - date '2000-01-01' WHEN 'idle' THEN extract(epoch FROM s.idle) / 86400
	WHEN 'usage[1]' THEN s.usage[1] WHEN 'usage[2]' THEN s.usage[2] WHEN 'usage[3]' THEN s.usage[3] END;
CREATE TABLE by_terms AS SELECT name, id, sum(coefficient * term_value(s, term)) AS score FROM subscriber AS s, cx_data.model, cx.coefficients(predictor) WHERE algorithm = 'logistic' AND tenure IS NOT NULL GROUP BY 1, 2;
SELECT b.name, count(*) > 3000 AS many, max(abs(cx.predict(predictor, s) - CASE outcome WHEN 'number' THEN score ELSE 1 / (1 + exp(-score)) END)) < 1e-9 AS same
FROM by_terms AS b JOIN subscriber AS s USING (id) JOIN cx_data.model AS m ON m.name = b.name GROUP BY 1 ORDER BY 1;

-- value, name and object say the same; reasons sum to it
RESET extra_float_digits;
SELECT m.name, bool_and(cx.predict(predictor, s) = cx.predict(m.name, s)) AS by_name, bool_and(cx.predict(predictor, s) = cx.predict_jsonb(m.name, to_jsonb(s))) AS as_object,
	max(abs(CASE outcome WHEN 'number' THEN cx.predict(predictor, s) ELSE ln(cx.predict(predictor, s) / (1 - cx.predict(predictor, s))) END - (SELECT sum(contribution) FROM cx.explain(predictor, s)))) < 1e-9 AS explained
FROM (SELECT * FROM subscriber WHERE id % 40 = 0) AS s, cx_data.model AS m GROUP BY 1 ORDER BY 1;
SET extra_float_digits = 0;
-- the average of what features add is nothing, as that of a linear model's training rows must be
SELECT m.name, count(*), bool_and(abs(mean) < 0.1 * deviation) AS centred
FROM (SELECT m.name, feature, avg(contribution) AS mean, stddev(contribution) AS deviation FROM cx_data.model AS m, subscriber AS s, cx.explain(predictor, s) WHERE algorithm = 'logistic' AND feature <> '(base)' GROUP BY 1, 2) AS m GROUP BY 1 ORDER BY 1;
-- in other types, in another order, with more and with unknown categories
SELECT m.name, bool_and(cx.predict(m.name, s) = cx.predict(m.name, t)) AS same
FROM cx_data.model AS m, subscriber AS s, LATERAL (SELECT s.usage, s.idle, s.joined::timestamp AS joined, s.tier::text AS tier, s.contract::varchar(20) AS contract, s.paperless, s.charge::float8 AS charge, s.tenure::bigint AS tenure, now() AS extra OFFSET 0) AS t
WHERE s.id % 20 = 0 GROUP BY 1 ORDER BY 1;
SELECT m.name, count(DISTINCT round(cx.predict(m.name, t)::numeric, 12)) AS predictions
FROM cx_data.model AS m, (SELECT * FROM subscriber WHERE id = 7) AS s, unnest('{gold,silver}'::text[]) AS unknown, LATERAL (SELECT s.usage, s.idle, s.joined, s.tier, unknown AS contract, s.paperless, s.charge, s.tenure OFFSET 0) AS t GROUP BY 1 ORDER BY 1;
SELECT cx.churn_risk('risk', t) FROM (SELECT tenure, charge, paperless, contract, tier, joined, usage FROM subscriber) AS t;
SELECT cx.churn_risk('risk_trees', t) FROM (SELECT tenure, charge::text, paperless, contract, tier, joined, idle, usage FROM subscriber) AS t;
SELECT cx.churn_risk('spend', s) FROM subscriber AS s;

-- risks as a view, and in an index, which takes only what is immutable
CREATE VIEW at_risk AS SELECT id, cx.churn_risk('risk', s) AS risk FROM subscriber AS s;
SELECT count(*) AS rows, count(*) FILTER (WHERE risk BETWEEN 0 AND 1) AS risks, corr(risk, churned::integer) > 0.3 AS tells FROM at_risk JOIN subscriber USING (id);
CREATE TYPE features AS (tenure integer, charge numeric, paperless boolean, contract text, tier tier, joined date, idle interval, usage double precision[]);
SELECT predictor FROM cx_data.model WHERE name = 'risk' \gset
CREATE INDEX ON subscriber (cx.churn_risk(:'predictor'::cx.predictor, ROW(tenure, charge, paperless, contract, tier, joined, idle, usage)::features));
SET enable_seqscan = off;
SELECT count(*) = (SELECT count(*) FROM at_risk WHERE risk > 0.5) AS same FROM subscriber WHERE cx.churn_risk(:'predictor'::cx.predictor, ROW(tenure, charge, paperless, contract, tier, joined, idle, usage)::features) > 0.5;
RESET enable_seqscan;
-- dumped as text and read back
SELECT name, predictor::text::cx.predictor OPERATOR(cx.=) predictor AS same FROM cx_data.model ORDER BY 1;
-- damage of real predictors: one letter of each hundredth part
CREATE FUNCTION is_refused(damaged text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	RETURN damaged::cx.predictor IS NULL;
EXCEPTION WHEN data_corrupted OR invalid_text_representation OR feature_not_supported THEN
	RETURN true;
END $$;
SELECT name, bool_and(is_refused(overlay(text PLACING CASE substr(text, place, 1) WHEN 'A' THEN 'B' ELSE 'A' END FROM place FOR 1))) AS refused
FROM (SELECT name, predictor::text AS text, length(predictor::text) AS length FROM cx_data.model) AS m, generate_series(1, 100) AS i, LATERAL (SELECT 1 + (length - 1) * i / 100 AS place) AS p GROUP BY 1 ORDER BY 1;

-- whom cx.grant_access() lets read the models scores by name
CREATE ROLE cx_regress_analyst;
GRANT USAGE ON SCHEMA cx_regress_predict TO cx_regress_analyst;
GRANT SELECT ON subscriber TO cx_regress_analyst;
SET ROLE cx_regress_analyst;
SELECT cx.churn_risk('risk', s) BETWEEN 0 AND 1 AS scored FROM subscriber AS s WHERE id = 7;
RESET ROLE;
CALL cx.grant_access('cx_regress_analyst', 'analyst');
SET ROLE cx_regress_analyst;
SELECT cx.churn_risk('risk', s) BETWEEN 0 AND 1 AS scored FROM subscriber AS s WHERE id = 7;
RESET ROLE;

CALL cx.revoke_access('cx_regress_analyst');
DROP SCHEMA cx_regress_predict CASCADE;
DROP ROLE cx_regress_analyst;
CALL cx.drop_program(with_feedback => true);
