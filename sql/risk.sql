-- Risk of leaving by signals: the aggregate, the signals that the program sees, risks, their history
\set ECHO none
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS cx;
SET TimeZone = 'UTC';
SET extra_float_digits = 0;
SET jit = off;
SET DateStyle = 'ISO, MDY';
SET IntervalStyle = 'postgres';
RESET client_min_messages;
\set ECHO all

-- by hand: odds of 1 to 4 times 4 are even; after two half-lives 16 has become 2, so the odds are 1 to 2
SELECT round(cx.churn_risk(ln(4), '2026-07-01', '2026-07-01', interval '1 day', 0.2)::numeric, 12) AS even,
	round(cx.churn_risk(ln(16), '2026-06-29', '2026-07-01', interval '1 day', 0.2)::numeric, 12) AS third;
-- together 4 * 2 / 2 / 2 = 2; each signal fades by its own half-life
SELECT round(cx.churn_risk(log_odds, at, '2026-07-01', half_life, 0.2)::numeric, 12) AS third
FROM (VALUES (ln(4), timestamptz '2026-07-01', interval '1 day'), (ln(16), '2026-06-29', '24 hours'), (-ln(256), '2026-06-22', '3 days'), (-ln(4), '2026-06-26', '5 days')) AS v (log_odds, at, half_life);
-- no rows; no signal; one after as_of; what is certain
SELECT cx.churn_risk(1::float8, now(), now(), interval '1 day', 0.2) FILTER (WHERE false) AS none, cx.churn_risk(NULL, now(), now(), interval '1 day', 0.2) AS base_rate,
	cx.churn_risk(NULL, NULL, NULL, NULL, 0.2) AS no_signal, cx.churn_risk(5::float8, '2026-07-02', '2026-07-01', interval '1 day', 0.2) AS later,
	cx.churn_risk(1000::float8, now(), now(), interval '1 day', 0.5) AS certain, cx.churn_risk(-1000::float8, now(), now(), interval '1 day', 0.5) AS never,
	cx.churn_risk(5::float8, '4713-01-01 BC', '294276-12-31', interval '1 microsecond', 0.2) AS ages_ago;
SELECT round(cx.decayed_log_odds(0.8, '2026-06-01', '2026-07-01', interval '30 days')::numeric, 12) AS halved, cx.decayed_log_odds(0.8, '2026-07-02', '2026-07-01', interval '30 days') AS later;

-- a plain SQL definition on random data agrees, and neither order nor split matters
SELECT setseed(0.6);
CREATE TEMP TABLE random_signal AS
SELECT floor(random() * 40)::integer AS customer, CASE WHEN random() < 0.95 THEN random() * 4 - 1.5 END AS log_odds, timestamptz '2026-07-10' - random() * interval '200 days' AS at,
	interval '1 hour' * (24 + floor(random() * 2000)) AS half_life, random() AS shuffle FROM generate_series(1, 4000);
WITH plain AS (
	SELECT customer, 1 / (1 + exp(-(ln(0.07 / 0.93) + coalesce(sum(log_odds * 2 ^ (-extract(epoch FROM timestamptz '2026-07-01' - at) / extract(epoch FROM half_life))::double precision) FILTER (WHERE at <= '2026-07-01'), 0)))) AS risk
	FROM random_signal GROUP BY customer
), ours AS (
	SELECT customer, cx.churn_risk(log_odds, at, '2026-07-01', half_life, 0.07 ORDER BY shuffle) AS risk, cx.churn_risk(log_odds, at, '2026-07-01', half_life, 0.07 ORDER BY at) AS again FROM random_signal GROUP BY customer
)
SELECT count(*), bool_and(abs(ours.risk / plain.risk - 1) < 1e-12) AS plain, bool_and(abs(ours.again / ours.risk - 1) < 1e-12) AS order_is_nothing, max(ours.risk) - min(ours.risk) > 0.1 AS they_differ
FROM ours JOIN plain USING (customer);
CREATE AGGREGATE pg_temp.risk_state(double precision, timestamptz, timestamptz, interval, double precision) (SFUNC = cx.churn_risk_add, STYPE = double precision[], INITCOND = '{0,0}');
CREATE AGGREGATE pg_temp.risk_merge(double precision[]) (SFUNC = cx.churn_risk_combine, STYPE = double precision[], INITCOND = '{0,0}', FINALFUNC = cx.churn_risk_final);
SELECT abs(merged / whole - 1) < 1e-12 AS split_is_nothing
FROM (SELECT pg_temp.risk_merge(state) AS merged FROM (SELECT pg_temp.risk_state(log_odds, at, '2026-07-01', half_life, 0.07) AS state FROM random_signal WHERE customer = 7 GROUP BY floor(shuffle * 5)) AS parts) AS m,
	(SELECT cx.churn_risk(log_odds, at, '2026-07-01', half_life, 0.07) AS whole FROM random_signal WHERE customer = 7) AS w;

-- what it refuses
SELECT cx.churn_risk(1::float8, now(), now(), interval '1 day', 0);
SELECT cx.churn_risk(1::float8, now(), now(), interval '1 day', 1);
SELECT cx.churn_risk(1::float8, now(), now(), interval '1 day', 'NaN');
SELECT cx.churn_risk(1::float8, now(), now(), interval '1 day', NULL);
SELECT cx.churn_risk(NULL, now(), now(), interval '1 day', -0.5);
SELECT cx.churn_risk('NaN'::float8, now(), now(), interval '1 day', 0.2);
SELECT cx.churn_risk('Infinity'::float8, now(), now(), interval '1 day', 0.2);
SELECT cx.churn_risk(1::float8, NULL, now(), interval '1 day', 0.2);
SELECT cx.churn_risk(1::float8, '-infinity', now(), interval '1 day', 0.2);
SELECT cx.churn_risk(1::float8, now(), NULL, interval '1 day', 0.2);
SELECT cx.churn_risk(1::float8, now(), 'infinity', interval '1 day', 0.2);
SELECT cx.churn_risk(1::float8, now(), now(), NULL, 0.2);
SELECT cx.churn_risk(1::float8, now(), now(), interval '0', 0.2);
SELECT cx.churn_risk(1::float8, now(), now(), interval '-1 day', 0.2);
SELECT cx.churn_risk(1::float8, now(), now(), interval '1 month', 0.2);
SELECT cx.churn_risk(1::float8, now(), now(), interval '1 day', base_rate) FROM (VALUES (0.1), (0.2)) AS v (base_rate);
SELECT cx.churn_risk_final('{0}'), cx.churn_risk_final('{NaN,NaN}');
SELECT cx.churn_risk_final('{NaN,NaN}'), cx.churn_risk_combine('{0.1,1}', '{0,0}'), cx.churn_risk_combine('{0,0}', '{0.1,1}');
SELECT cx.churn_risk_combine('{0.1,1}', '{0.2,1}');

-- the signals that the program sees, at the start of July
SET client_min_messages = warning;
CALL cx.create_program('UTC');
RESET client_min_messages;
SET cx.as_of = '2026-07-01';
SELECT code, source, period, threshold, log_odds, half_life, enabled FROM cx_data.risk_signal ORDER BY risk_signal_id;
INSERT INTO cx_data.org_unit (code) VALUES ('east'), ('west');
INSERT INTO cx_data.customer (code, name, segment, org_unit_id) SELECT 'c' || lpad(i::text, 2, '0'), 'Name ' || i, 'consumer', 1 + i % 2 FROM generate_series(0, 15) AS i;
CREATE VIEW signals AS SELECT c.code, s.signal, s.happened_at, s.log_odds, round(s.half_life_seconds::numeric / 86400) AS half_life_days, round(s.present_log_odds::numeric, 6) AS present
FROM cx_data.customer_signal AS s JOIN cx_data.customer AS c USING (customer_id);
CREATE FUNCTION pg_temp.key(code text) RETURNS bigint LANGUAGE sql RETURN (SELECT c.customer_id FROM cx_data.customer AS c WHERE c.code = key.code);
-- of each kind of question the last answer counts; other kinds of feedback are no answers
INSERT INTO cx_data.feedback (customer_id, kind, metric, score, responded_at)
SELECT pg_temp.key(v.code), v.kind, v.metric, v.score, v.at
FROM (VALUES ('c01', 'survey', 'nps', 10, timestamptz '2026-01-01'), ('c01', 'survey', 'nps', 6, '2026-04-02'), ('c01', 'survey', 'csat', 2, '2026-05-02'), ('c01', 'survey', 'effort5', 4, '2026-06-01'),
	('c02', 'survey', 'nps', 0, '2026-05-01'), ('c02', 'survey', 'nps', 9, '2026-06-30'), ('c02', 'survey', 'csat', 1, '2026-05-01'), ('c02', 'survey', 'csat10', 8, '2026-06-01'),
	('c03', 'survey', 'nps', 7, '2026-06-30'), ('c03', 'survey', 'ces', 4, '2026-06-30'), ('c03', 'mystery', 'csat', 1, '2026-06-30'), ('c03', 'survey', 'csat', 1, '2026-07-01 00:00:01'),
	('c04', 'complaint', NULL, NULL, '2026-05-02'), ('c04', 'complaint', NULL, NULL, '2026-03-02'), ('c04', 'survey', 'ces', 3, '2026-06-30'),
	('c05', 'survey', 'nps', 0, '2023-01-01'), ('c05', 'complaint', NULL, NULL, '2024-11-07'), ('c06', 'complaint', NULL, NULL, '2024-11-09')) AS v (code, kind, metric, score, at);
SELECT * FROM signals ORDER BY 1, 2;
-- tickets: what lasts does not fade
INSERT INTO cx_data.ticket (customer_id, status, opened_at, resolution_due_at, solved_at, reopened_at, reopen_count)
SELECT pg_temp.key(v.code), v.status, v.opened_at, v.due_at, v.solved_at, v.reopened_at, 0
FROM (VALUES ('c07', 'open', timestamptz '2026-05-01', timestamptz '2026-05-03', NULL::timestamptz, NULL::timestamptz), ('c07', 'open', '2026-06-01', '2026-07-03', NULL, NULL),
	('c08', 'solved', '2026-06-01', '2026-06-03', '2026-06-20', NULL), ('c09', 'solved', '2026-06-01', '2026-06-03', '2026-07-02', NULL), ('c10', 'open', '2026-06-01', '2026-07-05', NULL, '2026-05-17'),
	('c10', 'pending', '2026-06-01', NULL, NULL, NULL), ('c11', 'open', '2026-07-02', '2026-06-03', NULL, '2026-07-03')) AS v (code, status, opened_at, due_at, solved_at, reopened_at);
SELECT * FROM signals WHERE code BETWEEN 'c07' AND 'c11' ORDER BY 1, 2;
-- events: what happened, happened again and again, is about to, and became less
INSERT INTO cx_data.event (customer_id, name, occurred_at, value)
SELECT pg_temp.key(v.code), v.name, v.at, NULL::double precision
FROM (VALUES ('c12', 'payment_failed', timestamptz '2026-05-02'), ('c12', 'payment_failed', '2026-06-01'), ('c12', 'payment_failed', '2026-07-02'), ('c12', 'outage', '2025-11-01'), ('c12', 'high bill', '2026-06-30'),
	('c13', 'call', '2026-06-05'), ('c13', 'chat', '2026-06-06'), ('c13', 'call', '2026-06-08'), ('c13', 'contract_end', '2026-08-30'),
	('c14', 'call', '2026-05-30'), ('c14', 'call', '2026-06-06'), ('c14', 'call', '2026-06-08'), ('c14', 'contract_end', '2026-08-31'), ('c14', 'contract_end', '2026-06-30')) AS v (code, name, at)
UNION ALL SELECT pg_temp.key('c12'), 'usage', timestamptz '2026-06-25' - i * interval '10 days', CASE WHEN i < 3 THEN 5 ELSE 10 END FROM generate_series(0, 11) AS i
UNION ALL SELECT pg_temp.key('c13'), 'login', timestamptz '2026-06-25' - i * interval '10 days', CASE WHEN i < 3 THEN 5.01 ELSE 10 END FROM generate_series(0, 11) AS i
UNION ALL SELECT pg_temp.key('c14'), 'visit', timestamptz '2026-05-25' - i * interval '10 days', NULL FROM generate_series(0, 4) AS i
UNION ALL SELECT pg_temp.key('c15'), 'visit', timestamptz '2026-05-25' - i * interval '10 days', NULL FROM generate_series(0, 5) AS i;
SELECT * FROM signals WHERE code >= 'c12' ORDER BY 1, 2;

-- risks, and the odds by hand: c12 1/19 * exp(1.1 + 0.4 * 2^(-1/45) + 0.8/2)
SELECT customer, segment, org_unit, round(risk::numeric, 6) AS risk, band, reasons, basis, rank, scored_at FROM cx_data.customer_churn_risk ORDER BY rank, customer;
SELECT round((o / (1 + o))::numeric, 6) FROM (SELECT exp(1.1 + 0.4 * 2 ^ (-1 / 45.0::float8) + 0.4) / 19 AS o) AS odds;
-- of one customer the same
SELECT count(*), count(*) FILTER (WHERE o ->> 'band' <> k.band OR abs((o ->> 'risk')::float8 - k.risk) > 1e-12 OR o ->> 'basis' <> k.basis OR ARRAY(SELECT jsonb_array_elements_text(o -> 'reasons')) <> string_to_array(coalesce(k.reasons, ''), '; ')) AS differ
FROM cx_data.customer_churn_risk AS k CROSS JOIN LATERAL cx.risk_of_customer(k.customer_id) AS o;
SELECT cx.risk_of_customer(4711) AS nobody;
-- the settings and signals are for editing
UPDATE cx_data.risk_setting SET base_rate = 0.2, medium_from = 0.3, high_from = 0.5;
UPDATE cx_data.risk_signal SET enabled = false WHERE code IN ('falling_usage', 'detractor');
INSERT INTO cx_data.risk_signal (code, source, events, log_odds, half_life) VALUES ('moved', 'event', '{address}', 0.5, '30 days');
INSERT INTO cx_data.event (customer_id, name, occurred_at) VALUES (pg_temp.key('c00'), 'address', '2026-06-01');
SELECT customer, round(risk::numeric, 6) AS risk, band, reasons FROM cx_data.customer_churn_risk WHERE customer IN ('c00', 'c01', 'c12', 'c15') ORDER BY 1;
UPDATE cx_data.risk_setting SET base_rate = 1;
UPDATE cx_data.risk_setting SET medium_from = 0.6;
INSERT INTO cx_data.risk_setting DEFAULT VALUES;
UPDATE cx_data.risk_signal SET half_life = '1 month';
UPDATE cx_data.risk_signal SET half_life = '0';
UPDATE cx_data.risk_signal SET log_odds = 'NaN';
UPDATE cx_data.risk_signal SET period = NULL WHERE code = 'contract_ending';
UPDATE cx_data.risk_signal SET threshold = 1 WHERE code = 'falling_usage';
UPDATE cx_data.risk_signal SET source = 'stars' WHERE code = 'falling_usage';
UPDATE cx_data.risk_setting SET base_rate = 0.05, medium_from = 0.1, high_from = 0.3;
UPDATE cx_data.risk_signal SET enabled = true;
DELETE FROM cx_data.risk_signal WHERE code = 'moved';

-- maintain() notes them once a day, at the real time, and adds only what moved
RESET cx.as_of;
DELETE FROM cx_data.feedback WHERE responded_at > '2026-07-01';
UPDATE cx_data.feedback SET responded_at = responded_at + (now() - '2026-07-01');
CREATE VIEW noted AS SELECT c.code, round(h.risk::numeric, 3) AS risk, h.reasons, h.model, h.version FROM cx_data.risk_history AS h JOIN cx_data.customer AS c USING (customer_id);
DELETE FROM cx_data.event;
DELETE FROM cx_data.ticket;
CALL cx.maintain();
SELECT * FROM noted ORDER BY 1;
CALL cx.maintain();
SELECT count(*) FROM cx_data.risk_history;
UPDATE cx_data.risk_setting SET signals_recorded_at = signals_recorded_at - interval '1 day';
UPDATE cx_data.risk_history SET scored_at = scored_at - interval '27 days';
INSERT INTO cx_data.event (customer_id, name, occurred_at) VALUES (pg_temp.key('c00'), 'cancellation', now()), (pg_temp.key('c04'), 'outage', now() - interval '3 months'), (pg_temp.key('c01'), 'outage', now());
INSERT INTO cx_data.feedback (customer_id, metric, score, responded_at) VALUES (pg_temp.key('c01'), 'csat', 5, now()), (pg_temp.key('c03'), 'nps', 10, now());
CALL cx.maintain();
SELECT * FROM noted WHERE code IN ('c00', 'c01', 'c03', 'c04') ORDER BY 1, risk;
SELECT count(*), max(scored_at) = (SELECT signals_recorded_at FROM cx_data.risk_setting) AS at_once FROM cx_data.risk_history;
SELECT customer, org_unit, round(risk_before::numeric, 3) AS before, round(risk::numeric, 3) AS risk, round(rise::numeric, 3) AS rise, band_before, band, new_reasons, reasons, basis FROM cx_data.risk_rise ORDER BY 1;
-- what is more than 28 days old is no rise any more, and compared is with what was 28 days ago
UPDATE cx_data.risk_history SET scored_at = scored_at - interval '28 days';
SELECT customer FROM cx_data.risk_rise;
INSERT INTO cx_data.risk_history (customer_id, risk, reasons, scored_at) VALUES (pg_temp.key('c04'), 0.01, '{}', now() - interval '40 days'), (pg_temp.key('c04'), 0.2, '{a}', now() - interval '10 days'),
	(pg_temp.key('c04'), 0.5, '{a,b}', now());
SELECT customer, round(risk_before::numeric, 3) AS before, risk, new_reasons FROM cx_data.risk_rise ORDER BY 1;

SET client_min_messages = warning;
DROP VIEW noted, signals;
DROP FUNCTION pg_temp.key;
CALL cx.drop_program(with_feedback => true);
