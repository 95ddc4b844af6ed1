-- The third part of the demo: somebody is unhappy, and those concerned are told
\set ON_ERROR_STOP on
\set QUIET on
\pset footer off
\pset linestyle unicode
\pset border 1
\pset null '-'
SET client_min_messages = warning;

\echo Which rule would have fired in June?  The NPS of the app over seven days, against 0
\echo ===================================================================================
SELECT cx.create_metric_alert('app falls', 'nps', 'touchpoint:app', period => '7 days', below => 0) \g /dev/null
SELECT bucket_end::date AS "end of the 7 days", round(value) AS nps, responses AS answers, repeat('█', greatest(round(value)::int, 0)) || repeat('░', greatest(round(-value)::int, 0)) AS "(░ is below zero)", alert
FROM cx.test_metric_alert('app falls', '[2026-06-01, 2026-06-13]');

\echo An unhappy answer arrives, live: the alert, its ticket and its message commit with it
\echo ====================================================================================
INSERT INTO cx_data.channel (code, format, url, signing_key) VALUES ('desk', 'webhook', :'url', 'whsec_ZGVtbyBvZiBjeCwgbm90IGEgc2VjcmV0');
UPDATE cx_data.staff SET contact = 'channel:desk' WHERE code = 'tom';
SELECT cx.create_alert('detractor', 'cx_data.feedback', 'score <= 2 AND metric = ''nps''', severity => 'high',
	message => '{customer.name}, {org_unit.name}, gave {score} for {touchpoint.name}: {comment}', route => 'owner:{touchpoint}', opens_ticket => true) \g /dev/null
\echo 'INSERT INTO telecom.nps_answer ...'
INSERT INTO telecom.nps_answer (customer_id, touchpoint, channel, score, comment, responded_at) VALUES (22097, 'app', 'sms', 1, 'paying fails again', now());
SELECT severity, message FROM cx_data.alert_queue;
SELECT priority, status, org_unit AS unit, owner, first_response_due_at - opened_at AS "reply within", resolution_due_at - opened_at AS "solve within", sla_status AS sla
FROM cx_data.ticket_queue;
SELECT o.route, c.code AS channel, c.format, CASE WHEN o.delivered_at IS NULL THEN 'waits' ELSE 'delivered' END AS message
FROM cx_data.outbox AS o JOIN cx_data.channel AS c USING (channel_id);
