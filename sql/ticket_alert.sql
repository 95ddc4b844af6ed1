-- Alerts that open tickets: in the transaction of the answer, once, and for everybody concerned
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS cx;
SET timezone = 'UTC';
SET datestyle = 'ISO';
CALL cx.create_program('UTC');
INSERT INTO cx_data.org_unit (org_unit_id, parent_id, code, name, tier) VALUES (1, NULL, 'group', 'Group', 1), (2, 1, 'shop', 'Shop 7', 2), (3, 1, 'network', 'Network', 2), (4, 1, 'care', 'Care', 2);
INSERT INTO cx_data.staff (staff_id, code, org_unit_id) VALUES (1, 'gina', 1), (2, 'ann', 2), (3, 'ned', 3);
UPDATE cx_data.org_unit SET manager_id = CASE code WHEN 'group' THEN 1 WHEN 'shop' THEN 2 WHEN 'network' THEN 3 END;
INSERT INTO cx_data.touchpoint (touchpoint_id, code, name, owner_unit_id, owner_staff_id) VALUES (1, 'app', 'App', 3, 3), (2, 'desk', 'Desk', NULL, NULL), (3, 'line', 'Line', NULL, NULL);
INSERT INTO cx_data.touchpoint_unit (touchpoint_id, org_unit_id) VALUES (1, 4), (1, 2);
INSERT INTO cx_data.customer (customer_id, code, name, org_unit_id) SELECT i, 'c' || i, 'Customer ' || i, 2 FROM generate_series(1, 9) AS i;
INSERT INTO cx_data.channel (code, format, url) VALUES ('ops', 'webhook', 'https://example.com');
PREPARE tickets AS SELECT t.ticket_id, t.priority, t.emergency, t.subject, c.code AS customer, p.code AS touchpoint, u.code AS unit, s.code AS staff, o.code AS owner, t.sla, t.alert_id, t.feedback_id,
	t.first_response_due_at - t.opened_at AS reply_within, t.resolution_due_at - t.opened_at AS solve_within
FROM cx_data.ticket AS t LEFT JOIN cx_data.customer AS c USING (customer_id) LEFT JOIN cx_data.touchpoint AS p USING (touchpoint_id) LEFT JOIN cx_data.org_unit AS u ON u.org_unit_id = t.org_unit_id
LEFT JOIN cx_data.staff AS s USING (staff_id) LEFT JOIN cx_data.staff AS o ON o.staff_id = t.owner_staff_id ORDER BY ticket_id;

SELECT cx.create_alert('bad', 'cx_data.feedback', 'true', opens_ticket => true, sla => 'platinum');
SELECT cx.set_sla_policy('care', resolve_within => '10 hours', first_response_within => '30 minutes') \g /dev/null
SELECT cx.create_alert('detractor', 'cx_data.feedback', 'metric = ''nps'' AND score <= 6', severity => 'high', message => '{customer.name} gave {score}', route => 'channel:ops', opens_ticket => true, sla => 'care');

-- answer, alert, ticket, owner, deadline and message are one transaction
BEGIN;
INSERT INTO cx_data.feedback (customer_id, touchpoint_id, metric, score, responded_at) VALUES (1, 1, 'nps', 2, '2025-03-01');
SELECT (SELECT count(*) FROM cx_data.alert) AS alerts, (SELECT count(*) FROM cx_data.ticket) AS tickets, (SELECT count(*) FROM cx_data.ticket_event) AS events, (SELECT count(*) FROM cx_data.outbox) AS messages;
ROLLBACK;
SELECT (SELECT count(*) FROM cx_data.alert) AS alerts, (SELECT count(*) FROM cx_data.ticket) AS tickets, (SELECT count(*) FROM cx_data.ticket_event) AS events, (SELECT count(*) FROM cx_data.outbox) AS messages;
ALTER TABLE cx_data.ticket ALTER ticket_id RESTART;
ALTER TABLE cx_data.alert ALTER alert_id RESTART;
ALTER TABLE cx_data.feedback ALTER feedback_id RESTART;
INSERT INTO cx_data.feedback (customer_id, touchpoint_id, org_unit_id, metric, score, responded_at) VALUES (1, 1, NULL, 'nps', 2, '2025-03-01'), (2, 2, 2, 'nps', 9, '2025-03-01'), (3, 2, 2, 'nps', 6, '2025-03-01'), (NULL, 2, NULL, 'nps', 0, '2025-03-01'), (1, 2, 2, 'nps', 3, '2025-03-01');
EXECUTE tickets;
SELECT alert_id, matches, ticket_id FROM cx_data.alert ORDER BY alert_id;
SELECT payload ->> 'message' AS message, (payload -> 'ticket_id')::bigint AS ticket FROM cx_data.outbox ORDER BY outbox_id;
SELECT count(*) FROM cx_data.unhandled_detractors;
-- an answer that comes while the ticket is open counts on its alert, and one after it is solved opens another
INSERT INTO cx_data.feedback (customer_id, touchpoint_id, metric, score, responded_at) VALUES (1, 1, 'nps', 1, '2025-03-02');
SELECT alert_id, matches, ticket_id FROM cx_data.alert WHERE customer_id = 1;
SELECT cx.move_ticket(1, 'solved', root_cause => 'other', action_taken => 'called');
SELECT status FROM cx_data.alert WHERE alert_id = 1;
INSERT INTO cx_data.feedback (customer_id, touchpoint_id, metric, score, responded_at) VALUES (1, 1, 'nps', 1, '2025-03-03');
SELECT alert_id, matches, ticket_id FROM cx_data.alert WHERE customer_id = 1 ORDER BY alert_id;
-- where the alert was settled by hand but the ticket is open, the next alert joins it
SELECT cx.resolve_alert(alert_id) FROM cx_data.alert WHERE ticket_id = 4;
INSERT INTO cx_data.feedback (customer_id, touchpoint_id, metric, score, responded_at) VALUES (1, 1, 'nps', 0, '2025-03-04');
SELECT alert_id, matches, ticket_id, status FROM cx_data.alert WHERE customer_id = 1 ORDER BY alert_id;
SELECT kind, note FROM cx_data.ticket_event WHERE ticket_id = 4 ORDER BY ticket_event_id;

-- bad answers that nobody looks after
SELECT cx.drop_alert('detractor');
SET cx.as_of = '2025-03-10';
INSERT INTO cx_data.feedback (customer_id, touchpoint_id, metric, score, responded_at) VALUES (5, 1, 'nps', 6, '2025-03-05'), (5, 1, 'csat', 3, '2025-03-05'), (5, 1, 'csat', 2, '2025-03-05 01:00'), (NULL, 1, 'effort5', 5, '2025-03-05 02:00'), (6, 1, 'nps', 1, '2025-02-01'), (1, 1, 'nps', 1, '2025-03-05'), (1, 2, 'nps', 1, '2025-03-05');
INSERT INTO cx_data.feedback (kind, customer_id, responded_at) VALUES ('complaint', 5, '2025-03-05');
SELECT customer, touchpoint, metric, score, responded_at FROM cx_data.unhandled_detractors;
SELECT cx.open_ticket('call', feedback => feedback_id) IS NOT NULL FROM cx_data.unhandled_detractors WHERE customer IS NULL;
SELECT customer, touchpoint, metric, score, responded_at FROM cx_data.unhandled_detractors;
RESET cx.as_of;

-- an emergency: one ticket with a coordinator, and a task for each unit responsible for the touchpoint, however many alerts
DELETE FROM cx_data.ticket;
ALTER TABLE cx_data.ticket ALTER ticket_id RESTART WITH 101;
ALTER TABLE cx_data.ticket_task ALTER ticket_task_id RESTART;
SELECT cx.create_alert('outage', 'cx_data.event', 'name = ''outage''', severity => 'critical', message => '{name} at {touchpoint.name}', opens_ticket => true) \g /dev/null
INSERT INTO cx_data.event (customer_id, touchpoint_id, name, occurred_at) SELECT i, CASE WHEN i < 5 THEN 1 ELSE 3 END, 'outage', '2025-03-01' FROM generate_series(1, 5) AS i;
INSERT INTO cx_data.event (customer_id, touchpoint_id, name, occurred_at) VALUES (6, 1, 'outage', '2025-03-01'), (7, 1, 'outage', '2025-03-01');
SELECT ticket_id, subject, touchpoint, coordinator, status, alerts, ticket_task_id, org_unit, staff, task_status, task_overdue FROM cx_data.emergency;
SELECT cx.move_task(2, 'blocked', 'no spare part');
SELECT ticket_id, org_unit, task_status, blocked_reason FROM cx_data.emergency WHERE task_status = 'blocked';
SELECT priority, emergency, staff, count(*) FROM cx_data.ticket_queue GROUP BY 1, 2, 3 ORDER BY 3;
SELECT cx.move_task(k, 'done') FROM generate_series(1, 3) AS k;
SELECT cx.move_ticket(101, 'solved', root_cause => 'system', action_taken => 'restarted');
INSERT INTO cx_data.event (customer_id, touchpoint_id, name, occurred_at) VALUES (8, 1, 'outage', '2025-03-01');
SELECT ticket_id, alerts, count(*) AS tasks FROM cx_data.emergency GROUP BY 1, 2 ORDER BY 1;
-- the same customers at another place are another emergency; other units learn what is burning, not what was said
INSERT INTO cx_data.event (customer_id, touchpoint_id, name, occurred_at) VALUES (8, 2, 'outage', '2025-03-01');
SELECT ticket_id, touchpoint, coordinator, alerts FROM cx_data.emergency ORDER BY 1, ticket_task_id;
SELECT DISTINCT subject FROM cx_data.ticket_task;
SELECT cx.drop_alert('outage');
SELECT ticket_id, alerts FROM cx_data.emergency GROUP BY 1, 2 ORDER BY 1;
-- whoever made the program, and whatever he is called
CREATE ROLE "cx_regress Odd, Owner" SUPERUSER;
CREATE PROCEDURE pg_temp.give_program(role text) LANGUAGE plpgsql AS $$ DECLARE given regclass; BEGIN
	FOR given IN SELECT oid FROM pg_class WHERE relnamespace = 'cx_data'::regnamespace AND relkind IN ('r', 'v') LOOP EXECUTE format('ALTER TABLE %s OWNER TO %I', given, role); END LOOP; END $$;
CALL pg_temp.give_program('cx_regress Odd, Owner');
SELECT cx.create_alert('outage', 'cx_data.event', 'name = ''outage''', severity => 'critical', opens_ticket => true) \g /dev/null
INSERT INTO cx_data.event (customer_id, touchpoint_id, name, occurred_at) VALUES (9, 1, 'outage', '2025-03-01');
SELECT rule, ticket_id IS NOT NULL AS has_ticket FROM cx_data.alert ORDER BY alert_id DESC LIMIT 1;
SELECT message FROM cx_data.alert_error;
SELECT cx.drop_alert('outage');
CALL pg_temp.give_program(current_user);
DROP ROLE "cx_regress Odd, Owner";
-- a rule that opens tickets only from now on does so although an alert is open, and so does one whose ticket was deleted
DELETE FROM cx_data.ticket;
SELECT cx.create_alert('later', 'cx_data.event', 'name = ''late''') \g /dev/null
INSERT INTO cx_data.event (customer_id, touchpoint_id, name, occurred_at) VALUES (7, 2, 'late', '2025-03-01');
SELECT cx.alter_alert('later', opens_ticket => true);
INSERT INTO cx_data.event (customer_id, touchpoint_id, name, occurred_at) VALUES (7, 2, 'late', '2025-03-02');
INSERT INTO cx_data.event (customer_id, touchpoint_id, name, occurred_at) VALUES (7, 2, 'late', '2025-03-03');
SELECT matches, ticket_id IS NOT NULL AS has_ticket FROM cx_data.alert WHERE rule = 'later' ORDER BY alert_id;
DELETE FROM cx_data.ticket;
INSERT INTO cx_data.event (customer_id, touchpoint_id, name, occurred_at) VALUES (7, 2, 'late', '2025-03-04');
SELECT matches, ticket_id IS NOT NULL AS has_ticket FROM cx_data.alert WHERE rule = 'later' ORDER BY alert_id;
SELECT cx.drop_alert('later');

-- a rule whose ticket cannot be opened is recorded, and the row is kept
DELETE FROM cx_data.ticket;
SELECT cx.create_alert('tired', 'cx_data.event', 'name = ''sleep''', opens_ticket => true) \g /dev/null
ALTER TABLE cx_data.ticket ADD CONSTRAINT no_more CHECK (subject !~ 'tired');
INSERT INTO cx_data.event (customer_id, touchpoint_id, name, occurred_at) VALUES (9, 2, 'sleep', '2025-03-01');
SELECT count(*) FROM cx_data.event WHERE name = 'sleep';
SELECT message FROM cx_data.alert_error;
ALTER TABLE cx_data.ticket DROP CONSTRAINT no_more;
CALL cx.maintain();
SELECT rule, ticket_id IS NOT NULL AS has_ticket FROM cx_data.alert WHERE rule = 'tired';
SELECT cx.drop_alert('tired');

-- scores and series open tickets too
DELETE FROM cx_data.ticket;
SELECT cx.create_metric_alert('desk falls', 'csat', 'touchpoint:desk', period => '1 day', below => 50, min_responses => 3, severity => 'high', opens_ticket => true, sla => 'care') \g /dev/null
INSERT INTO cx_data.feedback (touchpoint_id, metric, score, responded_at) SELECT 2, 'csat', 1, '2025-04-01 12:00' FROM generate_series(1, 5);
SET cx.as_of = '2025-04-02 01:00';
SELECT * FROM cx.evaluate_alerts();
SELECT t.priority, t.subject, p.code AS touchpoint, t.sla FROM cx_data.ticket AS t LEFT JOIN cx_data.touchpoint AS p USING (touchpoint_id);
SELECT cx.drop_alert('desk falls');

RESET cx.as_of;

-- the whole probe: event, signal, invitation, answer, alert, ticket, solution, closing question
DELETE FROM cx_data.ticket;
SELECT cx.create_alert('angry', 'cx_data.feedback', 'metric = ''csat'' AND score <= 2', message => '{customer.name}: {comment}', opens_ticket => true) \g /dev/null
INSERT INTO cx_data.source (name, kind) VALUES ('web', 'feedback');
INSERT INTO cx_data.survey (code, source_id, channel) SELECT 'after fault', source_id, 'sms' FROM cx_data.source WHERE name = 'web';
INSERT INTO cx_data.contact_rule (code, max_invitations, period) VALUES ('one a week', 1, '7 days');
SELECT cx.opt_out('c3');
INSERT INTO cx_data.event (customer_id, touchpoint_id, org_unit_id, name, occurred_at) SELECT 1 + i % 3, 3, 2, 'drop', date_trunc('hour', now()) - i * interval '1 minute' FROM generate_series(1, 9) AS i;
SELECT cx.create_anomaly_alert('drops', 'events:drop', grain => 'hour', above => 5, on_signal => 'invite', survey => 'after fault') \g /dev/null
SELECT * FROM cx.evaluate_alerts();
SELECT c.code, i.status, i.reason FROM cx_data.invitation AS i JOIN cx_data.customer AS c USING (customer_id) ORDER BY c.code;
SELECT count(*) FROM cx.claim_invitations();
SELECT cx.submit_feedback('web', 'answer1', customer => 'c2', touchpoint => 'line', metric => 'csat', score => 1, comment => 'it dropped again') IS NOT NULL AS submitted;
CALL cx.maintain();
SELECT c.code, i.status FROM cx_data.invitation AS i JOIN cx_data.customer AS c USING (customer_id) WHERE i.status = 'answered';
SELECT ticket_id AS t, subject, customer, owner FROM cx_data.ticket_queue \gset
\echo :subject / :customer / :owner
SELECT cx.move_ticket(:t, 'solved', root_cause => 'system', action_taken => 'new modem');
SELECT cx.close_the_loop(:t, 5);
SELECT followup_score, status FROM cx_data.ticket_detail;
SELECT org_unit, tickets, solved, in_time_share, asked_share, answers, experience_before, experience_after, experience_change FROM cx_data.loop_closed;
CALL cx.drop_program(true);
DROP EXTENSION cx;
