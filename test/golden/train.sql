-- Golden values of training: churn models of a telecom operator, against values
-- that an independent program (R) computed from the same file.  Left alone: the
-- lasso and frequency weights, which cx has not got.
-- Run from the folder that holds data/ and golden/; test/t/002_golden.pl does so.
-- Prints TAP.  A value is met with a relative error of at most 1e-6 (a count
-- exactly), and the line says how many values there have to be.

\set ON_ERROR_STOP on
\set QUIET on
\pset tuples_only on
\pset format unaligned
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS cx;
CALL cx.create_program();

CREATE TEMP TABLE expectation (sample text, statistic text, expected double precision);
CREATE TEMP TABLE computed (occasion text, sample text, statistic text, actual double precision);
CREATE TEMP TABLE fact (title text, holds boolean);
\copy expectation FROM 'golden/churn_telco.csv' CSV HEADER
CREATE TEMP TABLE bar (sample text, statistic text, expected double precision);
\copy bar FROM 'golden/churn_bar.csv' CSV HEADER
CREATE TEMP TABLE customer (row_no integer, is_test integer, churn integer, female double precision, senior_citizen double precision, partner double precision, dependents double precision, tenure double precision, multiple_lines double precision, phone_service double precision, internet_fiber double precision, internet_none double precision, online_security double precision, online_backup double precision, device_protection double precision, tech_support double precision, streaming_tv double precision, streaming_movies double precision, contract_one_year double precision, contract_two_year double precision, paperless_billing double precision, pay_credit_card double precision, pay_electronic_check double precision, pay_mailed_check double precision, monthly_charges double precision, total_charges double precision);
\copy customer FROM 'data/telco_design.csv' CSV HEADER
CREATE TEMP TABLE raw_customer (row_no integer, churn integer, female integer, senior_citizen integer, partner integer, dependents integer, tenure integer, phone_service integer, multiple_lines text, internet_service text, online_security text, online_backup text, device_protection text, tech_support text, streaming_tv text, streaming_movies text, contract text, paperless_billing integer, payment_method text, monthly_charges double precision, total_charges double precision);
\copy raw_customer FROM 'data/telco_churn.csv' CSV HEADER

-- a model trained on the rows of the split, and what it is compared with
\set split '{"holdout_where": "is_test = 1", "exclude": ["row_no", "is_test"], "calibrate": false}'
SELECT FROM cx.train('telco|glm', 'SELECT * FROM customer', 'churn', 'logistic', options => :'split');
SELECT FROM cx.train('telco|ridge_lambda=0.01', 'SELECT * FROM customer', 'churn', 'logistic', options => :'split'::jsonb || '{"ridge": 0.01}');
SELECT FROM cx.train('telco|ridge_lambda=0.1', 'SELECT * FROM customer', 'churn', 'logistic', options => :'split'::jsonb || '{"ridge": 0.1}');
SELECT FROM cx.train('telco3|glm', 'SELECT churn, tenure, monthly_charges, contract_two_year FROM customer', 'churn', 'logistic', holdout => 0, options => '{"calibrate": false}');

INSERT INTO computed
SELECT 'coefficients', format('%s|%s', m.name, replace(c.term, '(i', '(I')), v.*
FROM cx_data.model AS m, jsonb_to_recordset(m.fit -> 'coefficients') AS c (term text, coefficient double precision, std_error double precision),
	LATERAL (VALUES (CASE WHEN m.name LIKE '%ridge%' THEN 'coef_raw' ELSE 'coef' END, c.coefficient), ('se', c.std_error)) AS v (statistic, actual) WHERE v.actual IS NOT NULL;
INSERT INTO computed
SELECT 'fit', m.name, v.* FROM cx_data.model AS m, LATERAL (VALUES ('deviance', m.fit -> 'deviance'), ('null_deviance', m.fit -> 'null_deviance')) AS d (statistic, value), LATERAL (VALUES (d.statistic, d.value::double precision)) AS v (statistic, actual)
WHERE m.name IN ('telco|glm', 'telco3|glm')
UNION ALL SELECT 'fit', name, v.* FROM cx_data.model, LATERAL (VALUES ('n_train', (fit -> 'training_rows')::double precision), ('n_test', (fit -> 'holdout_rows')::double precision)) AS v WHERE name = 'telco|glm';
INSERT INTO computed
SELECT 'held out', m.name || '|test', statistic, (m.report ->> name_of.key)::double precision
FROM cx_data.model AS m, unnest('{n,positives,auc,brier,logloss,accuracy,mean_p}'::text[], '{rows,events,auc,brier,log_loss,accuracy,mean_probability}'::text[]) AS name_of (statistic, key) WHERE m.report IS NOT NULL;
INSERT INTO computed
SELECT 'held out', 'telco|glm|test', statistic, (m.report ->> name_of.key)::double precision
FROM cx_data.model AS m, unnest('{auc_delong_se,auc_delong_lo,auc_delong_hi}'::text[], '{auc_std_error,auc_lower,auc_upper}'::text[]) AS name_of (statistic, key) WHERE m.name = 'telco|glm';
INSERT INTO computed
SELECT 'scores', format('telco|glm|score|row_no=%s', row_no), 'p', cx.churn_risk('telco|glm', c) FROM customer AS c WHERE row_no IN (5, 10, 15, 20, 25);

-- no standard errors with a penalty; the table as it comes needs no design of its own
INSERT INTO fact SELECT 'a penalty leaves no standard errors', count(*) = 2 AND bool_and(fit -> 'coefficients' @> '[{"term": "tenure", "std_error": null}]') FROM cx_data.model WHERE name LIKE '%ridge%';
\set split '{"holdout_where": "row_no % 5 = 0", "exclude": ["row_no"], "calibrate": false}'
SELECT FROM cx.train('raw', 'SELECT * FROM raw_customer', 'churn', 'logistic', options => :'split');
INSERT INTO fact SELECT 'the raw table gives the same model, without six repetitions of no internet service and one of no phone service',
	abs((fit -> 'deviance')::double precision / expected - 1) < 1e-3 AND jsonb_array_length(fit -> 'collinear') = 7
FROM cx_data.model, expectation WHERE name = 'raw' AND sample = 'telco|glm' AND statistic = 'deviance';
SELECT FROM cx.train('trees', 'SELECT * FROM raw_customer', 'churn', options => '{"holdout_where": "row_no % 5 = 0", "exclude": ["row_no"]}');
INSERT INTO fact SELECT format('boosting comes within 0.005 of the best area of a strong library, %s', round(max(b.expected)::numeric, 4)), (m.report -> 'auc')::double precision >= max(b.expected) - 0.005
FROM cx_data.model AS m, bar AS b WHERE m.name = 'trees' AND b.statistic = 'auc' AND b.sample NOT LIKE '%ensemble%' GROUP BY m.model_id;

CREATE TEMP TABLE compared AS
SELECT c.*, expected, e.sample IS NOT NULL AS found, CASE WHEN expected = trunc(expected) THEN actual = expected ELSE abs(actual - expected) <= 1e-6 * abs(expected) END IS TRUE AS met
FROM computed AS c LEFT JOIN expectation AS e USING (sample, statistic);
SELECT '1..' || 4 + (SELECT count(*) FROM fact);
SELECT format('%s - churn_telco.csv, %s: %s of %s values met', CASE WHEN count(*) = wanted AND count(DISTINCT (sample, statistic)) = wanted AND bool_and(found AND met) THEN 'ok' ELSE 'not ok' END,
	occasion, count(*) FILTER (WHERE found AND met), wanted)
FROM (VALUES ('coefficients', 104), ('fit', 6), ('held out', 24), ('scores', 5)) AS w (occasion, wanted) LEFT JOIN compared USING (occasion)
GROUP BY occasion, wanted ORDER BY occasion;
SELECT CASE WHEN holds THEN 'ok - ' ELSE 'not ok - ' END || title FROM fact;
SELECT format('# %s, %s %s: expected %s, got %s', occasion, sample, statistic, CASE WHEN found THEN expected::text ELSE 'nothing' END, coalesce(actual::text, 'NULL'))
FROM compared WHERE NOT (found AND met) ORDER BY occasion, sample, statistic LIMIT 40;
