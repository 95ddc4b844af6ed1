-- Alert rules over scores and series: opened, kept open and resolved by themselves; tested on history; probes
\set ECHO none
\set VERBOSITY terse
SET client_min_messages = warning;
SET jit = off;
CREATE EXTENSION IF NOT EXISTS cx;
CALL cx.create_program('Europe/Berlin');
SET TimeZone = 'Europe/Berlin';
SET DateStyle = 'ISO';
INSERT INTO cx_data.org_unit (code, time_zone) VALUES ('west', NULL), ('honolulu', 'Pacific/Honolulu');
INSERT INTO cx_data.org_unit (code, parent_id) VALUES ('shop17', 1);
INSERT INTO cx_data.staff (code, contact) VALUES ('mia', 'channel:ops');
INSERT INTO cx_data.journey (code) VALUES ('buying');
INSERT INTO cx_data.stage (journey_id, code) VALUES (1, 'paying');
INSERT INTO cx_data.touchpoint (code, name, stage_id, owner_staff_id) VALUES ('billing', 'Billing', 1, 1), ('shop', NULL, NULL, NULL);
INSERT INTO cx_data.channel (code, format, url) VALUES ('ops', 'slack', 'https://example.com');
CREATE VIEW raised AS SELECT a.rule, t.code AS touchpoint, u.code AS org_unit, a.status, a.matches, round(a.value::numeric, 2) AS value, a.message
FROM cx_data.alert AS a LEFT JOIN cx_data.touchpoint AS t USING (touchpoint_id) LEFT JOIN cx_data.org_unit AS u ON u.org_unit_id = a.org_unit_id ORDER BY alert_id;
-- runs a command; tells the error and its hint
CREATE FUNCTION try(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	hint text;
BEGIN
	EXECUTE command;
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(' | ', SQLERRM, NULLIF(hint, ''));
END
$$;
-- decides all rules as of a time
CREATE FUNCTION decide(at text) RETURNS TABLE (rule text, verdict text) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('cx.as_of', at, false);
	RETURN QUERY SELECT * FROM cx.evaluate_alerts();
	PERFORM set_config('cx.as_of', '', false);
END
$$;
RESET client_min_messages;
\set ECHO all

-- ten answers a day: promoters, but so many detractors among them: NPS 100 - 20 for each
CREATE TABLE days (day date, detractors integer);
INSERT INTO days VALUES ('2026-03-01', 0), ('2026-03-02', 3), ('2026-03-03', 6), ('2026-03-04', 7), ('2026-03-05', 4), ('2026-03-06', 5), ('2026-03-07', 3), ('2026-03-08', 1), ('2026-03-09', 6);
INSERT INTO cx_data.feedback (touchpoint_id, metric, score, responded_at)
SELECT 1, 'nps', CASE WHEN i <= detractors THEN 0 ELSE 10 END, (day + i * interval '2 hours') AT TIME ZONE 'Europe/Berlin' FROM days, generate_series(1, 10) AS i;
-- below 0 on a day it opens; at 0 it neither opens nor resolves; at the margin of 20 it resolves
SELECT cx.create_metric_alert('low day', 'nps', 'touchpoint:billing', '1 day', below => 0, min_responses => 5, margin => 20, route => 'owner:{touchpoint}');
SELECT bucket_end, value, responses, expected, breached, alert FROM cx.test_metric_alert('low day', '[2026-03-02, 2026-03-10]');
SELECT day, d.* FROM generate_series(date '2026-03-02', '2026-03-10', '1 day') AS day, LATERAL decide(format('%s 13:00', day::date)) AS d;
SELECT * FROM raised;
SELECT o.route, c.code AS channel, o.payload ->> 'message' AS message FROM cx_data.outbox AS o LEFT JOIN cx_data.channel AS c USING (channel_id) ORDER BY outbox_id;
-- once for each day: neither again nor for the past
SELECT * FROM decide('2026-03-10 23:59');
SELECT * FROM decide('2026-03-04 12:00');
SELECT rule, status, open_alerts FROM cx_data.alert_rule_status;
SELECT bucket_end, value, round(lower::numeric, 4) AS lower, round(upper::numeric, 4) AS upper, responses, expected, breached FROM cx_data.alert_rule_point;
-- where too few answer, nothing happens, not even a recovery
SELECT cx.alter_metric_alert('low day', min_responses => 11);
SELECT count(*) FILTER (WHERE breached) AS breached, count(alert) AS alerts FROM cx.test_metric_alert('low day', '[2026-03-02, 2026-03-10]');
SELECT * FROM decide('2026-03-11 13:00');
SELECT status FROM raised ORDER BY status LIMIT 1;
-- the whole interval must lie below
SELECT cx.alter_metric_alert('low day', min_responses => 5, whole_interval => true, message => '{rule}: {metric} of {scope} {touchpoint.name} {value} [{lower}, {upper}] {responses}, {period}');
SELECT bucket_end, breached, alert FROM cx.test_metric_alert('low day', '[2026-03-02, 2026-03-10]') WHERE breached OR alert IS NOT NULL;
SELECT cx.alter_metric_alert('low day', below => 50);
SELECT bucket_end, alert FROM cx.test_metric_alert('low day', '[2026-03-02, 2026-03-10]') WHERE alert IS NOT NULL;
SELECT cx.alter_metric_alert('low day', margin => 0, whole_interval => false), cx.disable_alert('low day');
-- no flapping: by a score that crosses the threshold 40 times, with one standard error as margin
SELECT cx.create_metric_alert('no flapping', 'csat', period => '1 day', below => 80);
SELECT setseed(0.5);
INSERT INTO cx_data.feedback (metric, score, responded_at)
SELECT 'csat', CASE WHEN random() < 0.8 THEN 5 ELSE 1 END, (date '2026-01-01' + day + i * interval '10 minutes') AT TIME ZONE 'Europe/Berlin' FROM generate_series(0, 99) AS day, generate_series(1, 100) AS i;
SELECT count(*) FILTER (WHERE breached <> before) AS crossings, count(alert) AS opened_and_resolved
FROM (SELECT breached, lag(breached) OVER (ORDER BY bucket_end) AS before, alert FROM cx.test_metric_alert('no flapping', '[2026-01-02, 2026-04-11)')) AS tested;
-- the definition in plain SQL: from answers, not from tallies
SELECT count(*) AS days, count(*) FILTER (WHERE abs(t.value - plain.value) < 1e-9 AND t.responses = plain.responses AND t.breached = (plain.value < 80)) AS equal
FROM cx.test_metric_alert('no flapping', '[2026-01-02, 2026-04-11)') AS t
CROSS JOIN LATERAL (SELECT 100.0 * count(*) FILTER (WHERE score >= 4) / count(*) AS value, count(*) AS responses FROM cx_data.feedback
	WHERE metric = 'csat' AND (responded_at AT TIME ZONE 'Europe/Berlin')::date = (t.bucket_end AT TIME ZONE 'Europe/Berlin')::date - 1) AS plain;
SELECT cx.alter_metric_alert('no flapping', period => '1 month', min_responses => 1);
SELECT count(*) FILTER (WHERE abs(t.value - plain.value) < 1e-9 AND t.responses = plain.responses) AS equal, count(*) AS days
FROM cx.test_metric_alert('no flapping', '[2026-02-15, 2026-04-11)') AS t
CROSS JOIN LATERAL (SELECT 100.0 * count(*) FILTER (WHERE score >= 4) / count(*) AS value, count(*) AS responses FROM cx_data.feedback
	WHERE metric = 'csat' AND responded_at >= ((t.bucket_end AT TIME ZONE 'Europe/Berlin') - interval '1 month') AT TIME ZONE 'Europe/Berlin' AND responded_at < t.bucket_end) AS plain;
SELECT cx.drop_alert('no flapping');
-- hours, over the change of clocks; units with all below, and other clocks: a day counts where it has ended for all
INSERT INTO cx_data.feedback (org_unit_id, metric, score, responded_at) SELECT 1 + 2 * (i % 2), 'nps', CASE WHEN i BETWEEN 20 AND 40 THEN 2 ELSE 9 END, timestamptz '2026-03-28 20:00+01' + i * interval '15 minutes' FROM generate_series(0, 59) AS i;
INSERT INTO cx_data.feedback (org_unit_id, metric, score, responded_at) SELECT 2, 'nps', 10, timestamptz '2026-03-28 12:00-10' + i * interval '1 hour' FROM generate_series(0, 23) AS i;
SELECT cx.create_metric_alert('hours', 'nps', 'unit:west', '3 hours', below => 0, min_responses => 8, margin => 0, message => '{org_unit}: {value}');
SELECT bucket_end, value, responses, alert FROM cx.test_metric_alert('hours', '[2026-03-28 21:00+01, 2026-03-29 12:00+02)') WHERE responses > 0;
SELECT * FROM decide('2026-03-29 04:01+02');
SELECT rule, org_unit, message FROM raised WHERE rule = 'hours';
SELECT cx.last_full_bucket('day', '2026-03-30 08:00+02'), cx.last_full_bucket('day', '2026-03-30 12:00+02'), cx.last_full_bucket('hour', '2026-03-30 12:20+02');
SELECT cx.create_metric_alert('abroad', 'nps', 'unit:honolulu', '1 day', above => 90, min_responses => 1);
SELECT bucket_end, value, responses, alert FROM cx.test_metric_alert('abroad', '[2026-03-28, 2026-04-01)') WHERE responses > 0;
SELECT cx.drop_alert('hours'), cx.drop_alert('abroad');
-- scopes that hold nothing yet; a metric that went
SELECT cx.create_metric_alert('journey', 'nps', 'journey:buying', '7 days', below => 30), cx.create_metric_alert('stage', 'ces', 'stage:paying', '7 days', above => 3);
SELECT bucket_end, round(value::numeric, 3) AS value, responses, alert FROM cx.test_metric_alert('journey', '[2026-03-08, 2026-03-10]');
SELECT count(*), count(value), sum(responses) FROM cx.test_metric_alert('stage', '[2026-03-08, 2026-03-10]');
SELECT * FROM decide('2026-03-12 13:00');
DELETE FROM cx_data.metric WHERE code = 'ces';
SELECT * FROM decide('2026-03-13 13:00');
SELECT rule, touchpoint, status, matches, message FROM raised WHERE rule = 'journey';
SELECT rule, status, problem FROM cx_data.alert_rule_status ORDER BY rule;
SELECT cx.drop_alert(name) FROM cx_data.alert_rule ORDER BY name;
TABLE cx_data.alert_rule_point;

-- anomalies: ten weeks of calls, fewer at night and on Sundays, and a fault of 20 % for a day; the 1st of May is a holiday
INSERT INTO cx_data.customer (code) SELECT 'c' || i FROM generate_series(1, 50) AS i;
SELECT setseed(0.25);
CREATE TABLE hours AS
SELECT at, round(600 * (0.2 + 0.8 * greatest(0, sin(pi() * (extract(hour FROM at)::integer - 5) / 17.0))) * CASE WHEN extract(isodow FROM at) = 7 OR at::date = '2026-05-01' THEN 0.4 ELSE 1 END * CASE WHEN at >= '2026-05-14 09:00' AND at < '2026-05-14 18:00' THEN 1.2 ELSE 1 END)::integer AS expected
FROM generate_series(timestamp '2026-03-30 00:00', '2026-05-17 23:00', '1 hour') AS at WHERE at < '2026-05-18';
INSERT INTO cx_data.event (customer_id, name, occurred_at)
SELECT 1 + i % 50, 'call', (at + random() * interval '1 hour') AT TIME ZONE 'Europe/Berlin'
FROM hours, generate_series(1, (expected + sqrt(expected) * (random() + random() + random() + random() + random() + random() + random() + random() + random() + random() + random() + random() - 6))::integer) AS i;
SELECT cx.create_anomaly_alert('calls', 'events:call', side => 'high', weeks => 6, holidays => '{2026-05-01}', message => '{series} {value}, {expected} expected');
SELECT count(*) AS hours, count(*) FILTER (WHERE breached) AS false_alarms FROM cx.test_metric_alert('calls', '[2026-04-20, 2026-05-14 09:00)');
SELECT min(bucket_end) - timestamptz '2026-05-14 09:00' <= interval '3 hours' AS found_within_three_hours, count(*) >= 3 AS goes_on FROM cx.test_metric_alert('calls', '[2026-05-14 09:00, 2026-05-14 18:00]') WHERE breached;
SELECT alert FROM cx.test_metric_alert('calls', '[2026-05-14, 2026-05-17)') WHERE alert IS NOT NULL ORDER BY bucket_end LIMIT 2;
-- the series is what a count gives
SELECT count(*) AS hours, count(*) FILTER (WHERE t.value = (SELECT count(*) FROM cx_data.event AS e WHERE e.name = 'call' AND e.occurred_at >= t.bucket_end - interval '1 hour' AND e.occurred_at < t.bucket_end)) AS equal
FROM cx.test_metric_alert('calls', '[2026-05-14, 2026-05-15)') AS t;
-- by day, on means, on answers, on a score
SELECT cx.create_anomaly_alert('by day', 'events:call', grain => 'day', weeks => 4), cx.create_anomaly_alert('mean', 'mean:call', grain => 'day'), cx.create_anomaly_alert('answers', 'responses:csat', grain => 'day', weeks => 3),
	cx.create_anomaly_alert('score', 'score:csat', grain => 'day', weeks => 3), cx.create_anomaly_alert('none', 'events:nothing', above => 5), cx.create_anomaly_alert('few', 'events:call', below => 100);
SELECT r.name, count(t.*) AS points, count(t.value) AS values, count(t.lower) AS with_limits, count(*) FILTER (WHERE t.breached) AS breached
FROM cx_data.alert_rule AS r LEFT JOIN LATERAL cx.test_metric_alert(r.name, '[2026-04-01, 2026-05-10]') AS t ON r.name NOT IN ('calls', 'few') GROUP BY r.name ORDER BY r.name;
SELECT bucket_end, value < 100 AS is_below, breached, alert FROM cx.test_metric_alert('few', '[2026-05-09 23:00, 2026-05-10 03:00]');
SELECT * FROM decide('2026-05-14 12:10');
SELECT rule, status, message ~ '^events:call \d+(\.\d)?, \d+(\.\d)? expected$' AS says FROM raised WHERE rule = 'calls';
SELECT * FROM decide('2026-05-15 12:10') WHERE rule = 'calls';
SELECT cx.drop_alert(name) FROM cx_data.alert_rule ORDER BY name;

-- a probe: event, signal, invitation, answer, alert
TRUNCATE cx_data.alert, cx_data.outbox;
INSERT INTO cx_data.source (name, kind) VALUES ('web', 'feedback');
INSERT INTO cx_data.survey (code, source_id, channel) SELECT 'outage', source_id, 'sms' FROM cx_data.source WHERE name = 'web';
INSERT INTO cx_data.contact_rule (code, max_invitations, period) VALUES ('one a week', 1, '7 days');
SELECT cx.opt_out('c3');
SELECT cx.create_anomaly_alert('outages', 'events:outage', above => 3, on_signal => 'invite', survey => 'outage', severity => 'high', route => 'channel:ops');
SELECT cx.create_alert('still unhappy', 'cx_data.feedback', 'score <= 6', message => '{customer}: {score} {comment}', route => 'channel:ops');
INSERT INTO cx_data.event (customer_id, touchpoint_id, name, occurred_at) SELECT i % 5 + 1, 2, 'outage', date_trunc('hour', now()) - i * interval '1 minute' FROM generate_series(1, 8) AS i;
SELECT * FROM cx.evaluate_alerts();
SELECT * FROM cx.evaluate_alerts();
SELECT c.code, i.status, i.reason FROM cx_data.invitation AS i JOIN cx_data.customer AS c USING (customer_id) ORDER BY 1;
SELECT count(*) FROM cx.claim_invitations();
SELECT cx.submit_feedback('web', 'answer1', customer => 'c2', metric => 'nps', score => 2, comment => 'no network') IS NOT NULL AS submitted;
CALL cx.maintain();
SELECT c.code, i.status FROM cx_data.invitation AS i JOIN cx_data.customer AS c USING (customer_id) WHERE i.status = 'answered';
SELECT rule, status, message FROM raised;
SELECT payload ->> 'rule' AS rule, payload ->> 'customer' AS customer FROM cx_data.outbox ORDER BY outbox_id;
-- a survey that is not active: the alert stays, the error is told
UPDATE cx_data.survey SET active = false;
UPDATE cx_data.alert SET status = 'resolved';
UPDATE cx_data.alert_rule_point SET bucket_end = bucket_end - interval '1 hour';
SELECT * FROM cx.evaluate_alerts();
SELECT count(*) FILTER (WHERE status = 'open') AS open FROM cx_data.alert WHERE rule = 'outages';
SELECT message FROM cx_data.alert_error ORDER BY alert_error_id DESC LIMIT 1;

-- what is refused
SELECT arguments, try(format('SELECT cx.create_metric_alert(%s)', arguments)) FROM unnest(ARRAY[
	$$'x', 'nothing', below => 1$$, $$'x', NULL, below => 1$$, $$NULL, 'nps', below => 1$$, $$'x', 'nps'$$, $$'x', 'nps', below => 'NaN'$$, $$'x', 'nps', above => 'infinity'$$, $$'x', 'nps', below => 1, margin => -1$$,
	$$'x', 'nps', period => '90 minutes', below => 1$$, $$'x', 'nps', period => '1 day 1 hour', below => 1$$, $$'x', 'nps', period => '-1 day', below => 1$$, $$'x', 'nps', period => NULL, below => 1$$, $$'x', 'nps', period => '11 years', below => 1$$,
	$$'x', 'nps', below => 1, min_responses => 0$$, $$'x', 'nps', 'touchpoint:moon', below => 1$$, $$'x', 'nps', below => 1, message => '{score}'$$, $$'x', 'nps', below => 1, route => 'x'$$, $$'x', 'nps', below => 1, severity => 'x'$$]) AS arguments;
SELECT arguments, try(format('SELECT cx.create_anomaly_alert(%s)', arguments)) FROM unnest(ARRAY[
	$$'x', 'call'$$, $$'x', NULL$$, $$'x', 'score:nothing'$$, $$'x', 'events:x', grain => 'week'$$, $$'x', 'events:x', side => 'left'$$, $$'x', 'events:x', weeks => 2$$, $$'x', 'events:x', width => 0$$, $$'x', 'events:x', above => 'NaN'$$,
	$$'x', 'events:x', on_signal => 'run'$$, $$'x', 'responses:nps', on_signal => 'invite', survey => 'outage'$$, $$'x', 'events:x', on_signal => 'invite'$$, $$'outages', 'events:x'$$]) AS arguments;
SELECT command, try(command) FROM unnest(ARRAY[$$SELECT cx.alter_alert('outages', severity => 'low')$$, $$SELECT * FROM cx.test_alert('outages')$$, $$SELECT * FROM cx.test_metric_alert('still unhappy')$$, $$SELECT * FROM cx.test_metric_alert('y')$$,
	$$SELECT * FROM cx.test_metric_alert('outages', '[-infinity, now]')$$, $$SELECT cx.alter_metric_alert('outages', weeks => 99)$$]) AS command;
CREATE ROLE cx_regress_nobody;
GRANT USAGE ON SCHEMA cx_data TO cx_regress_nobody;
GRANT SELECT ON cx_data.metric, cx_data.access TO cx_regress_nobody;
SET ROLE cx_regress_nobody;
SELECT try('SELECT * FROM cx.evaluate_alerts()'), try($$SELECT cx.create_anomaly_alert('y', 'events:x')$$);
RESET ROLE;
\set ECHO none
SET client_min_messages = warning;
DROP VIEW raised;
CALL cx.drop_program(with_feedback => true);
DROP TABLE days, hours;
DROP FUNCTION try(text), decide(text);
DROP ROLE cx_regress_nobody;
