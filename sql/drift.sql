-- Models at work: customers scored and kept, and whether they still are as they were when it was trained
\set ECHO none
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS cx;
SET TimeZone = 'UTC';
SET extra_float_digits = 0;
SET jit = off;
CALL cx.create_program('UTC');
-- who leaves does so because of the plan, many calls and little time with us
SELECT setseed(0.3);
CREATE TABLE snapshot AS
SELECT i AS customer_id, CASE WHEN random() < 0.1 THEN NULL ELSE floor(random() * 30) END AS calls, (ARRAY['basic', 'plus', 'gold'])[1 + floor(random() * 3)] AS plan,
	round((random() * 60)::numeric, 1) AS months, random() < 0.5 AS online, random() AS luck
FROM generate_series(1, 4000) AS i;
ALTER TABLE snapshot ADD COLUMN gone boolean;
UPDATE snapshot SET gone = random() < 1 / (1 + exp(2.5 - 0.12 * coalesce(calls, 15) + 0.03 * months - CASE plan WHEN 'basic' THEN 0.8 ELSE 0 END));
CREATE ROLE cx_regress_analyst;
RESET client_min_messages;
\set ECHO all
SELECT * FROM cx.drift('churn', 'TABLE snapshot');
SET client_min_messages = warning;
SELECT count(*) AS trained FROM cx.train('churn', 'SELECT calls, plan, months, online, gone FROM snapshot', 'gone', 'logistic', NULL, 0);
RESET client_min_messages;
SELECT f ->> 'feature' AS feature, jsonb_array_length(f -> 'bounds') AS bounds, f -> 'levels' AS levels, jsonb_array_length(f -> 'shares') AS bins,
	round((SELECT sum(s::numeric) FROM jsonb_array_elements_text(f -> 'shares') AS s) + (f -> 'missing')::numeric, 9) AS together, f -> 'missing' > '0' AS some_missing
FROM cx_data.model CROSS JOIN LATERAL jsonb_array_elements((profile -> 'features') || (profile -> 'score')) AS f ORDER BY 1;

-- the rows that it was trained with have not moved, the score neither
SELECT feature, psi < 1e-12 AS unmoved, round(by_chance::numeric, 4) AS by_chance, band, row_count FROM cx.drift('churn', 'SELECT calls, plan, months, online FROM snapshot;') ORDER BY feature;
-- more calls, a new plan, nobody for long; the same by plain SQL
CREATE TABLE later AS SELECT customer_id, calls * 1.3 AS calls, CASE WHEN luck < 0.2 THEN 'gold 5G' ELSE plan END AS plan, least(months, 30) AS months, CASE WHEN luck > 0.05 THEN online END AS online FROM snapshot WHERE customer_id <= 3000;
SELECT feature, round(psi::numeric, 6) AS psi, band, row_count FROM cx.drift('churn', 'SELECT * FROM later') ORDER BY feature;
WITH binned AS MATERIALIZED (
	SELECT v.feature, f.ordinality, f.f, CASE WHEN v.value IS NULL THEN -1 WHEN f.f ? 'levels' THEN (SELECT coalesce(min(l.ordinality), 1 + jsonb_array_length(f.f -> 'levels')) FROM jsonb_array_elements_text(f.f -> 'levels') WITH ORDINALITY AS l WHERE l.value = v.value)
		ELSE (SELECT 1 + count(*) FROM jsonb_array_elements_text(f.f -> 'bounds') AS b WHERE v.value::float8 > b::float8) END AS bin
	FROM later AS l
	CROSS JOIN LATERAL (VALUES ('calls', l.calls::text), ('plan', l.plan), ('months', l.months::text), ('online', l.online::integer::text),
		('(score)', ln(cx.churn_risk('churn', l) / (1 - cx.churn_risk('churn', l)))::text)) AS v (feature, value)
	JOIN (SELECT coalesce(f ->> 'feature', '(score)') AS feature, f, ordinality FROM cx_data.model, jsonb_array_elements((profile -> 'features') || (profile -> 'score')) WITH ORDINALITY AS f (f, ordinality)) AS f USING (feature)
), expected AS (
	SELECT coalesce(f ->> 'feature', '(score)') AS feature, s.ordinality AS bin, s.share::float8 AS share
	FROM cx_data.model, jsonb_array_elements((profile -> 'features') || (profile -> 'score')) AS f, jsonb_array_elements_text(f -> 'shares') WITH ORDINALITY AS s (share, ordinality)
	UNION ALL SELECT coalesce(f ->> 'feature', '(score)'), -1, (f ->> 'missing')::float8 FROM cx_data.model, jsonb_array_elements((profile -> 'features') || (profile -> 'score')) AS f
), shares AS (
	SELECT e.feature, greatest(e.share, 0.0001) AS e, greatest(coalesce(b.n, 0) / 3000.0::float8, 0.0001) AS a
	FROM expected AS e LEFT JOIN (SELECT feature, bin, count(*) AS n FROM binned GROUP BY feature, bin) AS b USING (feature, bin)
)
SELECT count(*), bool_and(abs(p.psi - d.psi) < 1e-9) AS plain FROM (SELECT feature, sum((a - e) * ln(a / e)) AS psi FROM shares GROUP BY feature) AS p JOIN cx.drift('churn', 'SELECT * FROM later') AS d USING (feature);
-- by hand: a profile of half and half against 80 and 20 is 0.3 ln 4; against what was never seen, with a share of 0.0001 in place of 0;
-- chance: 1 degree of freedom, (1 / 10 + 1 / 1000) * 3.75 about; of ten rows 0.42 is more than chance, of five it is not
CREATE FUNCTION pg_temp.half_of(feature text) RETURNS jsonb LANGUAGE sql RETURN jsonb_build_object('feature', feature, 'bounds', '[0, 1]'::jsonb, 'shares', '[0.5, 0.5, 0]'::jsonb, 'missing', 0);
CREATE TABLE by_hand AS SELECT m.predictor, jsonb_build_object('rows', 1000, 'score', pg_temp.half_of('x'), 'features', (
	SELECT jsonb_agg(CASE WHEN p.feature = 'plan' THEN pg_temp.half_of('plan') || '{"shares": [0.5, 0.5, 0, 0]}' ELSE pg_temp.half_of(p.feature) END ORDER BY p.ordinality)
	FROM cx.predictor_features(m.predictor) WITH ORDINALITY AS p)) AS profile FROM cx_data.model AS m;
SELECT d.feature, round(d.psi::numeric, 6) AS psi, round(d.by_chance::numeric, 3) AS by_chance, d.band, d.row_count, round((0.3 * ln(4))::numeric, 6) AS by_hand
FROM by_hand CROSS JOIN LATERAL cx.drift_of('SELECT CASE WHEN i <= 8 THEN 0 ELSE 1 END AS calls, NULL::numeric AS months, i <= 8 AS online, ''basic''::text AS plan FROM generate_series(1, 10) AS i', predictor, profile) AS d WHERE d.feature IN ('calls', 'months', 'online') ORDER BY 1;
SELECT d.feature, round(d.psi::numeric, 6) AS psi, round(d.by_chance::numeric, 3) AS by_chance, d.band
FROM by_hand CROSS JOIN LATERAL cx.drift_of('SELECT CASE WHEN i <= 4 THEN 0 ELSE 1 END AS calls, 7.0 AS months, true AS online, ''basic''::text AS plan FROM generate_series(1, 5) AS i', predictor, profile) AS d WHERE d.feature = 'calls';

-- what it refuses
SELECT * FROM cx.drift('churn', 'SELECT * FROM snapshot WHERE false');
SELECT * FROM cx.drift('churn', 'SELECT calls, plan, months FROM snapshot');
SELECT * FROM cx.drift('churn', 'SELECT calls::text, plan, months, online FROM snapshot');
SELECT * FROM cx.drift('churn', 'DELETE FROM snapshot');
SELECT * FROM cx.drift('churn', 'SELECT calls / (months - months), plan, months, online FROM snapshot');
SELECT * FROM cx.drift('churn', NULL);
SELECT * FROM cx.drift('nobody', 'TABLE snapshot');
SELECT * FROM cx.drift(NULL, 'TABLE snapshot');
DO $$
DECLARE
	broken jsonb;
	refused integer := 0;
BEGIN
	FOR broken IN
		SELECT b FROM by_hand, unnest(ARRAY['1', '[]', '{}', profile - 'rows', profile - 'score', profile || '{"rows": 0}', profile || '{"rows": "1"}', profile || '{"features": [1, 2, 3, 4]}', profile || '{"features": []}',
			jsonb_set(profile, '{features,0,shares}', '[1]'), jsonb_set(profile, '{features,0,shares,0}', '-1'), jsonb_set(profile, '{features,0,bounds,0}', 'null'), profile #- '{features,0,missing}', profile || '{"score": []}']::jsonb[]) AS b
	LOOP
		BEGIN
			PERFORM d.feature FROM by_hand CROSS JOIN LATERAL cx.drift_of('SELECT * FROM later', predictor, broken) AS d;
			RAISE NOTICE 'taken: %', broken;
		EXCEPTION WHEN data_exception THEN
			refused := refused + 1;
		END;
	END LOOP;
	RAISE NOTICE 'refused: %', refused;
END
$$;

-- noted, and watched by an alert rule
SELECT cx.create_alert('model drifts', 'cx_data.model_drift', 'psi > 0.25 AND psi > by_chance', 'high', 'model {model} v{version}: {feature} has moved, psi {psi}') > 0 AS made;
SELECT count(*) FROM cx.record_drift('churn', 'SELECT * FROM snapshot');
SELECT count(*) FROM cx_data.alert;
SELECT feature, band FROM cx.record_drift('churn', 'SELECT * FROM later') ORDER BY 1;
SELECT model, version, feature, band, row_count, measured_at <= now() AS measured FROM cx_data.model_drift WHERE row_count = 3000 ORDER BY model_drift_id;
SELECT rule, severity, status, matches, regexp_replace(message, '(psi \d\.\d\d)\d*', '\1') AS message FROM cx_data.alert;
SELECT cx.create_alert('risks', 'cx_data.customer_risk', 'true');
SET client_min_messages = warning;
CALL cx.grant_access('cx_regress_analyst', 'analyst');
RESET client_min_messages;
GRANT SELECT ON snapshot, later TO cx_regress_analyst;
SET ROLE cx_regress_analyst;
SELECT count(*) FROM cx.drift('churn', 'SELECT * FROM later');
SELECT count(*) FROM cx.record_drift('churn', 'SELECT * FROM later');
SELECT cx.score_customers('churn', 'SELECT * FROM snapshot');
SELECT count(*) FROM cx_data.model_drift;
RESET ROLE;

-- customers are scored by the champion, and by signals where it did not
INSERT INTO cx_data.customer (customer_id, code) SELECT customer_id, 'k' || customer_id FROM snapshot WHERE customer_id <= 12;
INSERT INTO cx_data.feedback (customer_id, kind, responded_at) VALUES (11, 'complaint', now()), (1, 'complaint', now());
SELECT customer, round(risk::numeric, 3) AS risk, reasons, basis, rank FROM cx_data.customer_churn_risk ORDER BY customer_id LIMIT 2;
SELECT cx.score_customers('churn', 'SELECT * FROM snapshot WHERE customer_id <= 10 UNION ALL SELECT NULL, 1, ''plus'', 2, true, 0, true');
SELECT model FROM cx_data.risk_setting;
SELECT count(*) AS customers, bool_and(k.risk = cx.churn_risk('churn', s)) AS as_the_model_says, bool_and(k.reasons = ARRAY(SELECT e.feature || ' = ' || coalesce(e.value, 'unknown') FROM cx.explain('churn', s) AS e WHERE e.contribution > 0 AND e.feature <> '(base)' ORDER BY e.contribution DESC LIMIT 3)) AS and_why
FROM cx_data.customer_risk AS k JOIN snapshot AS s USING (customer_id);
SELECT customer, round(risk::numeric, 3) AS risk, reasons, basis, rank FROM cx_data.customer_churn_risk ORDER BY basis, rank, customer_id;
SELECT jsonb_pretty(cx.risk_of_customer(1) - 'scored_at' - 'risk');
SELECT count(*), count(*) FILTER (WHERE model = 'churn' AND version = 1) AS by_model FROM cx_data.risk_history;
-- again: only what moved is noted
UPDATE snapshot SET calls = 29, plan = 'basic' WHERE customer_id = 2;
UPDATE cx_data.risk_history SET scored_at = scored_at - interval '5 days';
SELECT cx.score_customers('churn', 'SELECT * FROM snapshot WHERE customer_id <= 10');
SELECT count(*) FROM cx_data.risk_history;
SELECT customer, rise > 0.1 AS rose, new_reasons, basis FROM cx_data.risk_rise;
-- a new champion has not scored anybody yet
SET client_min_messages = warning;
SELECT count(*) AS trained FROM cx.train('churn', 'SELECT calls, plan, gone FROM snapshot', 'gone', 'logistic', NULL, 0);
SELECT cx.set_champion('churn', 2);
RESET client_min_messages;
SELECT basis, count(*) FROM cx_data.customer_churn_risk GROUP BY 1;
SELECT cx.score_customers('churn', 'SELECT * FROM snapshot WHERE customer_id <= 3');
SELECT basis, count(*), max(rank) FROM cx_data.customer_churn_risk GROUP BY 1 ORDER BY 1;
SELECT cx.set_champion('churn', 1);
SELECT basis, count(*), max(rank) FROM cx_data.customer_churn_risk GROUP BY 1 ORDER BY 1;
SET cx.as_of = '2000-01-01';
SELECT DISTINCT basis FROM cx_data.customer_churn_risk;
RESET cx.as_of;
-- what it refuses
SELECT cx.score_customers('churn', 'SELECT * FROM snapshot WHERE customer_id <= 3 UNION ALL SELECT * FROM snapshot WHERE customer_id = 2');
SELECT cx.score_customers('churn', 'SELECT * FROM snapshot WHERE customer_id <= 13');
SELECT cx.score_customers('churn', 'SELECT calls, plan, months, online FROM snapshot');
SELECT cx.score_customers('churn', 'SELECT customer_id, calls FROM snapshot');
SELECT cx.score_customers('nobody', 'TABLE snapshot');
SET client_min_messages = warning;
SELECT count(*) AS trained FROM cx.train('months', 'SELECT calls, plan, months FROM snapshot', 'months', 'logistic', NULL, 0);
RESET client_min_messages;
SELECT cx.score_customers('months', 'SELECT * FROM snapshot WHERE customer_id <= 3');

-- merged, brought back, erased
SELECT cx.merge_customers('k1', 'k2') AS merge \gset
SELECT customer_id, model, version FROM cx_data.customer_risk WHERE customer_id < 4 ORDER BY 1;
SELECT customer_id, count(*) FROM cx_data.risk_history WHERE customer_id < 4 GROUP BY 1 ORDER BY 1;
SELECT cx.unmerge(:merge);
SELECT customer_id, model, version FROM cx_data.customer_risk WHERE customer_id < 4 ORDER BY 1;
SELECT customer_id, count(*) FROM cx_data.risk_history WHERE customer_id < 4 GROUP BY 1 ORDER BY 1;
SELECT relation, what, row_count FROM cx.erase_customer('k2') WHERE row_count > 0;
SELECT relation, visible LIKE '%cx_data.customer%' AS by_customer FROM cx.row_policies() WHERE relation ~ 'risk' ORDER BY 1;
SELECT cx.open_ticket('call k3', customer => 'k3') AS ticket \gset
SELECT jsonb_path_query_array(cx.ticket_brief(:ticket) -> 'risk', '$.keyvalue().key') AS keys, cx.ticket_brief(:ticket) #>> '{risk,basis}' AS basis;

SET client_min_messages = warning;
CALL cx.revoke_access('cx_regress_analyst');
DROP FUNCTION pg_temp.half_of;
DROP TABLE by_hand;
CALL cx.drop_program(with_feedback => true);
DROP TABLE snapshot, later;
DROP ROLE cx_regress_analyst;
