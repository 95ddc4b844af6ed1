-- Golden values of evaluation: how good churn models of a telecom operator were,
-- against values that an independent program (R) computed from the same file.
-- The probabilities are made from the golden coefficients, so that nothing but
-- the evaluation is compared; a few of them are golden values themselves.
-- Run from the folder that holds data/ and golden/; test/t/002_golden.pl does so.
-- Prints TAP.  A value is met with a relative error of at most 1e-9 (a count
-- exactly), and the line says how many values there have to be.

\set ON_ERROR_STOP on
\set QUIET on
\pset tuples_only on
\pset format unaligned
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS cx;
SET jit = off;

CREATE UNLOGGED TABLE expectation (sample text, statistic text, expected double precision);
CREATE UNLOGGED TABLE computed (occasion text, sample text, statistic text, actual double precision);
CREATE UNLOGGED TABLE fact (title text, holds boolean);
\copy expectation FROM 'golden/churn_telco.csv' CSV HEADER
CREATE UNLOGGED TABLE customer (row_no integer, is_test integer, churn integer, female double precision, senior_citizen double precision, partner double precision, dependents double precision, tenure double precision, multiple_lines double precision, phone_service double precision, internet_fiber double precision, internet_none double precision, online_security double precision, online_backup double precision, device_protection double precision, tech_support double precision, streaming_tv double precision, streaming_movies double precision, contract_one_year double precision, contract_two_year double precision, paperless_billing double precision, pay_credit_card double precision, pay_electronic_check double precision, pay_mailed_check double precision, monthly_charges double precision, total_charges double precision);
\copy customer FROM 'data/telco_design.csv' CSV HEADER

-- the models, each by the coefficient of a feature; that of the lasso is for features in standard deviations, which are golden values too
CREATE UNLOGGED TABLE coefficient AS
SELECT model, feature, expected AS value FROM (VALUES ('telco|glm', 'coef'), ('telco3|glm', 'coef'), ('telco|ridge_lambda=0.01', 'coef_raw'), ('telco|ridge_lambda=0.1', 'coef_raw')) AS m (model, statistic)
JOIN expectation AS e ON e.statistic = m.statistic AND starts_with(e.sample, model || '|'), LATERAL (SELECT substr(e.sample, length(model) + 2)) AS f (feature);
INSERT INTO coefficient
SELECT model, v.feature, v.value FROM (VALUES ('telco|lasso_lambda=0.01'), ('telco|lasso_lambda=0.1')) AS m (model)
JOIN expectation AS e ON e.statistic = 'coef_std' AND starts_with(e.sample, model || '|') CROSS JOIN LATERAL (SELECT substr(e.sample, length(model) + 2)) AS f (feature)
LEFT JOIN expectation AS mean ON mean.sample = 'telco|scale|' || feature AND mean.statistic = 'mean' LEFT JOIN expectation AS sd ON sd.sample = mean.sample AND sd.statistic = 'sd_pop'
CROSS JOIN LATERAL (VALUES (feature, e.expected / coalesce(sd.expected, 1)), ('(Intercept)', - e.expected * mean.expected / sd.expected)) AS v (feature, value) WHERE v.value IS NOT NULL;
CREATE UNLOGGED TABLE scored AS
SELECT model, row_no, is_test, churn = 1 AS churned, 1 / (1 + exp(- sum(c.value * CASE feature WHEN '(Intercept)' THEN 1 ELSE (design ->> feature)::double precision END))) AS probability
FROM (SELECT row_no, is_test, churn, to_jsonb(customer) AS design FROM customer) AS d CROSS JOIN coefficient AS c GROUP BY model, row_no, is_test, churn;
-- golden lifts count those first that come first in the file where the probability is the same; ours shares them out, so a hair is taken off the later ones
CREATE UNLOGGED TABLE report AS
SELECT sample, cx.evaluation(probability, churned) AS report, cx.evaluation(probability - 1e-13 * row_no, churned) AS in_order, cx.roc_area(probability, churned) AS area
FROM scored JOIN (VALUES ('telco|glm', 'telco|glm|train', 0), ('telco|glm', 'telco|glm|test', 1), ('telco3|glm', 'telco3|glm|fit', NULL), ('telco|ridge_lambda=0.01', 'telco|ridge_lambda=0.01|train', 0), ('telco|ridge_lambda=0.01', 'telco|ridge_lambda=0.01|test', 1),
	('telco|ridge_lambda=0.1', 'telco|ridge_lambda=0.1|train', 0), ('telco|ridge_lambda=0.1', 'telco|ridge_lambda=0.1|test', 1), ('telco|lasso_lambda=0.01', 'telco|lasso_lambda=0.01|test', 1), ('telco|lasso_lambda=0.1', 'telco|lasso_lambda=0.1|test', 1)) AS s (model, sample, part)
	ON s.model = scored.model AND is_test = coalesce(part, is_test) GROUP BY sample;

INSERT INTO computed SELECT 'scores', format('telco|glm|score|row_no=%s', row_no), 'p', probability FROM scored WHERE model = 'telco|glm' AND row_no IN (5, 10, 15, 20, 25);
INSERT INTO computed
SELECT 'evaluation', sample, statistic, (report ->> name)::double precision
FROM report, unnest('{n,positives,auc,gini,ks,brier,logloss,accuracy,precision,recall,tp,fp,fn,tn,mean_p}'::text[],
	'{rows,events,auc,gini,ks,brier,log_loss,accuracy,precision,recall,true_positives,false_positives,false_negatives,true_negatives,mean_probability}'::text[]) AS n (statistic, name)
UNION ALL SELECT 'evaluation', sample, 'f1', 2 * hits / (2 * hits + misses) FROM report, LATERAL (SELECT (report ->> 'true_positives')::double precision AS hits, (report ->> 'false_positives')::double precision + (report ->> 'false_negatives')::double precision AS misses) AS s
UNION ALL SELECT 'evaluation', sample, format('lift%s', 10 * decile), cumulative_lift FROM report, cx.lift_table(in_order) WHERE decile <= 3
UNION ALL SELECT 'evaluation', sample, format('capture%s', 10 * decile), capture FROM report, cx.lift_table(in_order) WHERE decile <= 2;
INSERT INTO computed
SELECT 'DeLong', sample, v.* FROM report, LATERAL (VALUES ('auc_delong_se', (area).std_error), ('auc_delong_lo', (area).lower), ('auc_delong_hi', (area).upper)) AS v WHERE sample = 'telco|glm|test';
INSERT INTO computed
SELECT 'calibration', format('%s|calibration|decile=%s', sample, bin), v.* FROM report, cx.calibration_table(report), LATERAL (VALUES ('n', rows), ('mean_p', predicted), ('mean_y', observed)) AS v WHERE sample = 'telco|glm|test'
UNION ALL SELECT 'calibration', sample || '|calibration', 'ece', (report ->> 'calibration_error')::double precision FROM report WHERE sample = 'telco|glm|test'
UNION ALL SELECT 'calibration', sample || '|calibration', 'hosmer_lemeshow', sum(rows * (observed - predicted) ^ 2 / (predicted * (1 - predicted))) FROM report, cx.calibration_table(report) WHERE sample = 'telco|glm|test' GROUP BY sample;

CREATE UNLOGGED TABLE compared AS
SELECT c.*, expected, e.sample IS NOT NULL AS found, CASE WHEN expected = trunc(expected) THEN actual = expected ELSE abs(actual - expected) <= 1e-9 * abs(expected) END IS TRUE OR (e.sample IS NOT NULL AND num_nulls(actual, expected) = 2) AS met
FROM computed AS c LEFT JOIN expectation AS e USING (sample, statistic);
INSERT INTO fact SELECT 'each report is on the rows it should be', count(*) = 9 AND bool_and((area).responses = (report ->> 'rows')::bigint) FROM report;
INSERT INTO fact SELECT 'no value of an evaluation is left out', count(*) = 189 AND bool_and(EXISTS (SELECT FROM compared AS c WHERE (c.sample, c.statistic) = (e.sample, e.statistic)))
FROM expectation AS e WHERE sample ~ '\|(train|test|fit)$' AND statistic !~ 'delong';
SELECT '1..' || 4 + (SELECT count(*) FROM fact);
SELECT format('%s - churn_telco.csv, %s: %s of %s values met', CASE WHEN count(*) = wanted AND count(DISTINCT (sample, statistic)) = wanted AND bool_and(found AND met) THEN 'ok' ELSE 'not ok' END,
	occasion, count(*) FILTER (WHERE found AND met), wanted)
FROM (VALUES ('DeLong', 3), ('calibration', 32), ('evaluation', 189), ('scores', 5)) AS w (occasion, wanted) LEFT JOIN compared USING (occasion)
GROUP BY occasion, wanted ORDER BY occasion;
SELECT CASE WHEN holds THEN 'ok - ' ELSE 'not ok - ' END || title FROM fact;
SELECT format('# %s, %s %s: expected %s, got %s', occasion, sample, statistic, CASE WHEN found THEN expected::text ELSE 'nothing' END, coalesce(actual::text, 'NULL'))
FROM compared WHERE NOT (found AND met) ORDER BY occasion, sample, statistic LIMIT 40;
