-- Golden values of survival curves and log-rank tests: the customers of a telecom
-- operator (Telco), and the time to the second purchase at an online shop
-- (CDNOW), against values that an independent program (R's survival package)
-- computed from the same files.  Left alone: intervals on other scales than
-- log-log, cumulative hazards, Peto's weights and Cox models, which cx has not
-- got.
-- Run from the folder that holds data/ and golden/; test/t/002_golden.pl does so.
-- Prints TAP.  A count is met exactly, other values with a relative error of at
-- most 1e-9, and the line says how many values there have to be.

\set ON_ERROR_STOP on
\set QUIET on
\pset tuples_only on
\pset format unaligned
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS cx;

CREATE TEMP TABLE expectation (sample text, statistic text, expected double precision);
\copy expectation FROM 'golden/survival_km.csv' CSV HEADER
\copy expectation FROM 'golden/survival_tests.csv' CSV HEADER
\copy expectation FROM 'golden/retention_cdnow.csv' CSV HEADER
CREATE TEMP TABLE customer (row_no integer, churn integer, female integer, senior_citizen integer, partner integer, dependents integer, tenure integer, phone_service integer, multiple_lines text, internet_service text,
	online_security text, online_backup text, device_protection text, tech_support text, streaming_tv text, streaming_movies text, contract text, paperless_billing integer, payment_method text,
	monthly_charges double precision, total_charges double precision);
\copy customer FROM 'data/telco_churn.csv' CSV HEADER
CREATE TEMP TABLE purchase (txn_id integer, customer_id integer, purchase_date date, cds integer, amount numeric);
\copy purchase FROM 'data/cdnow.csv' CSV HEADER

-- at all times of a curve, or at these
CREATE TEMP TABLE curve (sample text, curve cx.survival_curve, times double precision[]);
INSERT INTO curve SELECT 'telco|all|all', cx.kaplan_meier(tenure, churn = 1) FROM customer;
INSERT INTO curve SELECT 'telco|contract|' || contract, cx.kaplan_meier(tenure, churn = 1) FROM customer GROUP BY contract;
INSERT INTO curve SELECT 'telco|internet|' || internet_service, cx.kaplan_meier(tenure, churn = 1), '{1,6,12,24,36,48,60,72}' FROM customer GROUP BY internet_service;
INSERT INTO curve
SELECT 'cdnow|time_to_second|all', cx.kaplan_meier(coalesce(second, date '1998-06-30') - first, second IS NOT NULL), '{1,7,14,30,60,90,180,270,365,450,540}'
FROM (SELECT min(purchase_date) AS first, min(purchase_date) FILTER (WHERE purchase_date > first) AS second FROM (SELECT *, min(purchase_date) OVER (PARTITION BY customer_id) AS first FROM purchase) AS p GROUP BY customer_id) AS c;

CREATE TEMP TABLE computed (occasion text, sample text, statistic text, actual double precision);
INSERT INTO computed
SELECT 'points', format('%s|t=%s', sample, p.time), v.*
FROM curve, cx.points(curve) AS p, LATERAL (VALUES ('n_risk', at_risk), ('n_event', events), ('n_censor', censored), ('surv', survival), ('std_err', std_error), ('lo_loglog', lower), ('hi_loglog', upper)) AS v WHERE times IS NULL;
INSERT INTO computed
SELECT 'survival_at', format('%s|t=%s', sample, at), v.*
FROM curve, unnest(times) AS at, cx.survival_at(curve, at) AS s, LATERAL (SELECT sum(events + censored) AS n FROM cx.points(curve) AS p WHERE p.time >= at) AS r,
	LATERAL (VALUES ('n_risk', n), ('surv', value), ('std_err', std_error), ('lo_loglog', lower), ('hi_loglog', upper)) AS v;
INSERT INTO computed
SELECT 'quantiles', sample, v.*
FROM curve, cx.median_survival(curve) AS m, LATERAL (SELECT sum(events) AS events FROM cx.points(curve)) AS e,
	LATERAL (VALUES ('n', m.responses), ('events', events), ('q25', (cx.survival_quantile(curve, 0.25)).value), ('median', m.value), ('q75', (cx.survival_quantile(curve, 0.75)).value), ('median_lo_loglog', m.lower), ('median_hi_loglog', m.upper)) AS v;
INSERT INTO computed
SELECT 'expected_lifetime', sample, v.*
FROM curve, unnest(CASE WHEN sample LIKE 'cdnow%' THEN '{365}' WHEN times IS NULL THEN '{12,24,48,72}' ELSE '{72}' END::integer[]) AS horizon, cx.expected_lifetime(curve, horizon) AS e,
	LATERAL (VALUES ('rmst_' || horizon, value), ('rmst_se_' || horizon, std_error)) AS v;

CREATE TEMP TABLE test AS
SELECT 'telco|' || v.sample AS sample, cx.log_rank(tenure, churn = 1, v.name) AS test, CASE v.sample WHEN 'contract' THEN cx.log_rank(tenure, churn = 1, v.name, senior_citizen::text) END AS stratified
FROM customer, LATERAL (VALUES ('contract', contract), ('internet', internet_service), ('senior', senior_citizen::text)) AS v (sample, name) GROUP BY v.sample;
INSERT INTO computed
SELECT 'log_rank', t.sample, v.*
FROM (SELECT sample || '|logrank' AS sample, (test).* FROM test UNION ALL SELECT sample || '|logrank_stratified', (stratified).* FROM test WHERE stratified IS NOT NULL) AS t,
	LATERAL (VALUES ('chisq', chi_square), ('df', degrees_of_freedom), ('p', p_value)) AS v;
INSERT INTO computed
SELECT 'log_rank', format('%s|logrank|%s', sample, g.name), v.* FROM test, unnest((test).groups) AS g, LATERAL (VALUES ('n', customers), ('observed', observed), ('expected', expected)) AS v;

CREATE TEMP TABLE compared AS
SELECT c.*, expected, e.sample IS NOT NULL AS found,
	CASE WHEN expected IS NULL OR actual IS NULL THEN expected IS NULL AND actual IS NULL
		WHEN statistic IN ('n', 'n_risk', 'n_event', 'n_censor', 'events', 'observed', 'df') THEN actual = expected ELSE abs(actual - expected) <= 1e-9 * abs(expected) END AS met
FROM computed AS c LEFT JOIN expectation AS e USING (sample, statistic);
SELECT '1..6';
SELECT format('%s - survival_km.csv, survival_tests.csv and retention_cdnow.csv, %s: %s of %s values met', CASE WHEN count(*) = wanted AND count(DISTINCT (sample, statistic)) = wanted AND bool_and(found AND met) THEN 'ok' ELSE 'not ok' END,
	occasion, count(*) FILTER (WHERE found AND met), wanted)
FROM (VALUES ('points', 2037), ('survival_at', 175), ('quantiles', 56), ('expected_lifetime', 40), ('log_rank', 36)) AS w (occasion, wanted) LEFT JOIN compared USING (occasion)
GROUP BY occasion, wanted ORDER BY occasion;
SELECT CASE WHEN count(*) = (SELECT count(*) FROM computed) AND bool_and(EXISTS (SELECT FROM compared AS c WHERE (c.sample, c.statistic) = (e.sample, e.statistic))) THEN 'ok' ELSE 'not ok' END || ' - no value that cx has is left out'
FROM expectation AS e
WHERE CASE WHEN sample ~ '^telco\|.*(logrank|peto|cox)' THEN sample ~ 'logrank' ELSE sample ~ '^telco|time_to_second' AND statistic !~ '^((lo|hi)_(log|plain)|cumhaz.*)$' END;
SELECT format('# %s, %s %s: expected %s, got %s', occasion, sample, statistic, CASE WHEN found THEN coalesce(expected::text, 'NULL') ELSE 'nothing' END, coalesce(actual::text, 'NULL'))
FROM compared WHERE NOT (found AND met) ORDER BY occasion, sample, statistic LIMIT 40;
