-- Tickets: service levels, their clocks, moves, tasks, escalation, routing
\set VERBOSITY terse
SET client_min_messages = warning;
-- without JIT compilation, of which a server that is set to use it for all queries does one for each of many small ones; ticket_alert runs with it
SET jit = off;
CREATE EXTENSION IF NOT EXISTS cx;
SET timezone = 'Europe/Berlin';
SET intervalstyle = 'postgres';
SET datestyle = 'ISO';

SELECT cx.open_ticket('there is no program yet');
CALL cx.create_program('Europe/Berlin');

-- a group centre above two regions, which have shops and an IT department
INSERT INTO cx_data.calendar (code, time_zone) VALUES ('office', 'Europe/Berlin'), ('lunch', 'Europe/Berlin'), ('empty', NULL);
INSERT INTO cx_data.calendar_hours (calendar, weekday, opens_at, closes_at)
SELECT 'office', d, time '09:00', time '17:00' FROM generate_series(1, 5) AS d
UNION ALL SELECT 'lunch', d, '09:00', '12:00' FROM generate_series(1, 5) AS d
UNION ALL SELECT 'lunch', d, '13:00', '17:00' FROM generate_series(1, 5) AS d;
INSERT INTO cx_data.org_unit (org_unit_id, parent_id, code, name, tier, calendar) VALUES
	(1, NULL, 'group', 'Group', 1, NULL), (2, 1, 'east', 'East', 2, 'office'), (3, 1, 'west', 'West', 2, NULL), (4, 2, 'shop', 'Shop 7', 3, NULL), (5, 2, 'it', 'IT east', 3, 'lunch');
INSERT INTO cx_data.staff (staff_id, code, org_unit_id) VALUES (1, 'gina', 1), (2, 'ed', 2), (3, 'wes', 3), (4, 'ann', 4), (5, 'bob', 4), (6, 'ian', 5);
UPDATE cx_data.org_unit SET manager_id = CASE code WHEN 'group' THEN 1 WHEN 'east' THEN 2 WHEN 'west' THEN 3 WHEN 'it' THEN 6 END;
INSERT INTO cx_data.touchpoint (touchpoint_id, code, name, owner_unit_id, owner_staff_id) VALUES (1, 'app', 'App', 5, 6), (2, 'desk', 'Desk', NULL, NULL);
INSERT INTO cx_data.customer (customer_id, code, name, segment, org_unit_id, attributes) VALUES (1, 'c1', 'Ada', 'business', 4, '{"monthly": 90}'), (2, 'c2', 'Bo', 'consumer', 4, '{}'), (3, 'c3', 'Cy', 'consumer', NULL, '{}');

-- service levels: by hours, in versions
SELECT cx.set_sla_policy(priority => 'normal', first_response_within => '1 hour', resolve_within => '8 hours', escalate_every => '2 hours') AS policy_of_the_shop \gset
SELECT cx.set_sla_policy(first_response_within => '1 day', resolve_within => '8 hours');
SELECT cx.set_sla_policy(resolve_within => '-1 hours');
SELECT cx.set_sla_policy(resolve_within => '1 month');
SELECT cx.set_sla_policy(resolve_within => '100001 hours');
SELECT cx.set_sla_policy();
SELECT cx.set_sla_policy(priority => 'soon', resolve_within => '1 hour');
SELECT cx.set_sla_policy(touchpoint => 'nowhere', resolve_within => '1 hour');
SELECT cx.set_sla_policy(calendar => 'nowhen', resolve_within => '1 hour');
INSERT INTO cx_data.sla_policy (code, resolve_within) VALUES ('bad', '2 days');
UPDATE cx_data.sla_policy SET resolve_within = '1 hour';
UPDATE cx_data.org_unit SET calendar = 'nowhen' WHERE code = 'west';
-- they hold for tickets opened long ago as well
UPDATE cx_data.sla_policy SET valid_until = NULL WHERE false;
ALTER TABLE cx_data.sla_policy DISABLE TRIGGER sla_policy_stays;
UPDATE cx_data.sla_policy SET valid_from = '-infinity', valid_until = CASE WHEN valid_until IS NOT NULL THEN timestamptz '-infinity' END;
ALTER TABLE cx_data.sla_policy ENABLE TRIGGER sla_policy_stays;
SELECT code, priority, version, first_response_within, resolve_within, escalate_every, valid_until IS NULL AS is_current FROM cx_data.sla_policy ORDER BY code, priority COLLATE "C", version;

-- the most particular service level counts: touchpoint, then segment, then priority
SELECT cx.set_sla_policy('gold', resolve_within => '40 hours'), cx.set_sla_policy('gold', segment => 'business', resolve_within => '20 hours'),
	cx.set_sla_policy('gold', priority => 'high', resolve_within => '10 hours'), cx.set_sla_policy('gold', touchpoint => 'app', resolve_within => '5 hours', calendar => 'always') \g /dev/null
SELECT what, calendar, resolve_within FROM (VALUES
	('nothing else', 'gold', 'low', 'consumer', 2, 4), ('priority', 'gold', 'high', 'consumer', 2, 4), ('segment', 'gold', 'high', 'business', 2, 4), ('touchpoint', 'gold', 'high', 'business', 1, 4),
	('another code', 'silver', 'low', 'business', 1, 4), ('no code', NULL, 'low', 'business', 1, 4), ('calendar of the unit', NULL, 'low', NULL, NULL, 5), ('of the unit above', NULL, 'low', NULL, NULL, 4),
	('around the clock', NULL, 'low', NULL, NULL, 3), ('no unit', NULL, 'low', NULL, NULL, NULL)) AS t (what, sla, priority, segment, touchpoint, unit)
CROSS JOIN LATERAL cx.ticket_terms(sla, priority, segment, touchpoint, unit, now());

-- a deadline of one hour from Friday 16:30 falls on Monday 09:30; opened outside hours, at lunch, and on the days on which clocks are changed
CREATE FUNCTION pg_temp.due(unit text, at timestamptz, OUT first_response_due_at timestamptz, OUT resolution_due_at timestamptz) LANGUAGE plpgsql
	AS $$ DECLARE key bigint := cx.open_ticket('when?', org_unit => unit, at => due.at);
	BEGIN SELECT t.first_response_due_at, t.resolution_due_at INTO first_response_due_at, resolution_due_at FROM cx_data.ticket AS t WHERE t.ticket_id = key; END $$;
CREATE TEMPORARY TABLE opened (unit text, at timestamptz);
INSERT INTO opened VALUES ('shop', '2025-03-07 16:30'), ('shop', '2025-03-07 17:00'), ('shop', '2025-03-08 12:00'), ('shop', '2025-03-10 03:00'), ('it', '2025-03-10 11:30'), ('it', '2025-03-10 12:30'),
	('shop', '2025-03-28 16:30'), ('shop', '2025-10-24 16:30'), ('west', '2025-03-29 20:00'), ('west', '2025-10-25 20:00');
DO $$ DECLARE o record; BEGIN
	FOR o IN SELECT * FROM opened LOOP
		RAISE INFO '% %: %', rpad(o.unit, 4), to_char(o.at, 'Dy YYYY-MM-DD HH24:MI'), (SELECT concat_ws(', ', to_char(d.first_response_due_at, 'Dy YYYY-MM-DD HH24:MI'), to_char(d.resolution_due_at, 'Dy YYYY-MM-DD HH24:MI')) FROM pg_temp.due(o.unit, o.at) AS d);
	END LOOP;
END $$;
-- never before the ticket, whatever the zone says
SELECT count(*) FROM cx_data.ticket WHERE first_response_due_at < opened_at OR resolution_due_at < first_response_due_at;
DELETE FROM cx_data.ticket;
SELECT count(*) FROM cx_data.ticket_event;

-- the first response is the first reply that is not automatic
ALTER TABLE cx_data.ticket ALTER ticket_id RESTART WITH 101;
PREPARE state(bigint) AS SELECT status, to_char(first_response_due_at, 'Dy HH24:MI') AS reply_due, to_char(first_responded_at, 'Dy HH24:MI') AS replied, to_char(resolution_due_at, 'Dy DD HH24:MI') AS due, sla_status, first_response_missed, resolution_missed
	FROM cx_data.ticket_detail WHERE ticket_id = $1;
SELECT cx.open_ticket('the bill is wrong', customer => 'c1', touchpoint => 'desk', at => '2025-03-10 09:00') AS t \gset
SET cx.as_of = '2025-03-10 09:30';
EXECUTE state(:t);
SELECT cx.reply_ticket(:t, 'We got your message', automatic => true, at => '2025-03-10 09:00:01');
EXECUTE state(:t);
SET cx.as_of = '2025-03-10 10:00';
EXECUTE state(:t);
SET cx.as_of = '2025-03-10 10:00:01';
EXECUTE state(:t);
SELECT cx.reply_ticket(:t, 'We are looking into it', at => '2025-03-10 09:45');
SET cx.as_of = '2025-03-10 12:00';
EXECUTE state(:t);
-- the clock rests while it waits, for the customer or for others, and goes on with what is left
SELECT cx.move_ticket(:t, 'pending', 'which month?', at => '2025-03-10 11:00');
EXECUTE state(:t);
SELECT cx.move_ticket(:t, 'open', at => '2025-03-11 10:00');
SELECT cx.move_ticket(:t, 'on_hold', 'the bank', at => '2025-03-11 12:00');
SELECT cx.move_ticket(:t, 'open', at => '2025-03-12 09:00');
SET cx.as_of = '2025-03-12 12:00';
EXECUTE state(:t);
-- what it waited is not forgotten when the priority changes, and with it the service level: 24 hours instead of 8
SELECT cx.set_ticket_priority(:t, 'high', 'a good customer', at => '2025-03-12 12:00');
EXECUTE state(:t);
SELECT cx.set_ticket_priority(:t, 'normal', at => '2025-03-12 12:01');
EXECUTE state(:t);
-- a new version is for new tickets
SELECT cx.set_sla_policy(priority => 'normal', first_response_within => '2 hours', resolve_within => '3 hours') \g /dev/null
SELECT cx.move_ticket(:t, 'pending', at => '2025-03-12 12:30');
SELECT cx.move_ticket(:t, 'open', at => '2025-03-12 12:45');
EXECUTE state(:t);
-- solved needs a cause and what was done
SELECT cx.move_ticket(:t, 'solved');
SELECT cx.move_ticket(:t, 'solved', root_cause => 'nix', action_taken => 'nothing');
SELECT cx.move_ticket(:t, 'resolved', root_cause => 'process', action_taken => 'credited 12 euros', at => '2025-03-12 12:50');
EXECUTE state(:t);
-- the clock stops with the solution
SET cx.as_of = '2025-06-01';
EXECUTE state(:t);
-- reopened, it goes on with what was left
SELECT cx.reopen(:t, 'came again', at => '2025-03-13 10:00');
SET cx.as_of = '2025-03-13 10:00';
EXECUTE state(:t);
SET cx.as_of = '2025-03-14 10:00';
EXECUTE state(:t);
SELECT cx.move_ticket(:t, 'solved', at => '2025-03-14 10:00');
EXECUTE state(:t);
-- what was missed stays missed when it is reopened
SELECT cx.reopen(:t, at => '2025-03-14 11:00');
EXECUTE state(:t);
SELECT cx.move_ticket(:t, 'solved', at => '2025-03-14 11:05');
EXECUTE state(:t);
SELECT kind, status, automatic, note, to_char(occurred_at, 'DD HH24:MI:SS') AS at FROM cx_data.ticket_event WHERE ticket_id = :t ORDER BY ticket_event_id;
SELECT root_cause, action_taken, reopen_count, reopened_at, solved_at FROM cx_data.ticket WHERE ticket_id = :t;

-- without a reply the solution is the first response
SELECT cx.open_ticket('a word is missing', org_unit => 'shop', at => '2025-03-10 09:00') AS t2 \gset
SELECT cx.move_ticket(:t2, 'solved', root_cause => 'other', action_taken => 'added it', at => '2025-03-10 09:20');
EXECUTE state(:t2);

-- solved while it waited, long after it would have been due had it not
SELECT cx.open_ticket('waits', org_unit => 'shop', at => '2025-03-10 09:00') AS t2 \gset
SELECT cx.reply_ticket(:t2, 'which one?', at => '2025-03-10 09:30'), cx.move_ticket(:t2, 'pending', at => '2025-03-10 09:30'), cx.move_ticket(:t2, 'solved', root_cause => 'other', action_taken => 'it had vanished', at => '2025-03-20 09:00') \g /dev/null
EXECUTE state(:t2);
SELECT cx.open_ticket('a word is missing', org_unit => 'shop', at => '2025-03-10 09:00') AS t2 \gset
SELECT cx.move_ticket(:t2, 'solved', root_cause => 'other', action_taken => 'added it', at => '2025-03-10 09:20') \g /dev/null

-- the closing question: a bad answer reopens, a good one closes
SELECT cx.close_the_loop(:t2, at => '2025-03-11 09:00'), cx.close_the_loop(:t2, 3, at => '2025-03-11 10:00');
SELECT status, followup_metric, followup_score, followup_asked_at, followup_at, closed_at, reopen_count FROM cx_data.ticket WHERE ticket_id = :t2;
SELECT cx.reopen(:t2, at => '2025-03-11 11:00');
SELECT cx.move_ticket(:t2, 'solved', at => '2025-03-11 12:00');
SELECT cx.close_the_loop(:t2, 6, 'still nothing', 'nps', at => '2025-03-12 10:00');
SELECT cx.close_the_loop(:t2, 9);
SELECT metric, score, cx.score_is_bad(metric, score) FROM (VALUES ('nps', 6), ('nps', 7), ('csat', 2), ('csat', 3), ('ces', 3), ('ces', 4), ('thumbs', 0), ('thumbs', 1), ('effort5', 4), ('effort5', 3), ('csat', NULL), ('none', 1)) AS t (metric, score);

-- legal moves only
SELECT s AS status, cx.next_statuses(s) FROM unnest('{new,open,pending,on_hold,solved,closed}'::text[]) AS s;
SELECT cx.move_ticket(:t2, 'new');
SELECT cx.move_ticket(:t2, 'closed');
SELECT cx.move_ticket(:t2, NULL);
SELECT cx.move_ticket(:t, 'closed');
SELECT cx.move_ticket(:t, 'open');
SELECT cx.move_ticket(4711, 'open');
SELECT cx.move_ticket(NULL, 'open');
SELECT cx.reopen(:t2);
SELECT cx.reply_ticket(:t2, ' ');
SELECT cx.set_ticket_priority(:t, 'low');
SELECT cx.assign_ticket(:t, 'ann');
SELECT cx.assign_ticket(:t2);
SELECT cx.assign_ticket(:t2, 'nobody');
SELECT cx.set_ticket_priority(:t2, 'soon');
SELECT cx.move_ticket(:t2, 'pending', at => '2025-03-01');
SELECT cx.move_ticket(:t2, 'pending', at => '2999-03-01');
SELECT cx.close_the_loop(:t2, 3);
SELECT cx.close_the_loop(:t, 11);
SELECT cx.close_the_loop(:t, 1, metric => 'none');
SELECT cx.open_ticket('');
SELECT cx.open_ticket(NULL);
SELECT cx.open_ticket('x', customer => 'nobody');
SELECT cx.open_ticket('x', org_unit => 'nowhere');
SELECT cx.open_ticket('x', priority => 'soon');
SELECT cx.open_ticket('x', sla => 'platinum');
SELECT cx.open_ticket('x', origin => 'moon');
SELECT cx.open_ticket('x', feedback => 4711);
SELECT cx.open_ticket('x', at => 'infinity');
SELECT cx.open_ticket('x', at => '0044-03-15 BC');
UPDATE cx_data.ticket_event SET status = 'solved';
UPDATE cx_data.ticket_event SET occurred_at = now();
DELETE FROM cx_data.sla_policy WHERE priority = 'normal' AND version = 2;
DELETE FROM cx_data.customer WHERE code = 'c1';

-- tasks for units, with deadlines by their own calendars; the ticket waits for them
SELECT cx.open_ticket('cannot log in', customer => 'c2', touchpoint => 'app', staff => 'bob', priority => 'high', at => '2025-04-07 10:00') AS t3 \gset
SELECT cx.decompose_ticket(:t3, '[{"unit": "it", "subject": "unlock", "within": "2 hours 30 minutes"}, {"unit": "west", "subject": "check the branch", "due_at": "2025-04-08 12:00"}, {"unit": "shop", "subject": "call her", "staff": "ann"}]', at => '2025-04-07 10:00') AS task;
SELECT u.code AS unit, a.code AS asked_by, k.subject, k.status, to_char(k.due_at, 'Dy DD HH24:MI') AS due, s.code AS staff FROM cx_data.ticket_task AS k JOIN cx_data.org_unit AS u USING (org_unit_id) LEFT JOIN cx_data.org_unit AS a ON a.org_unit_id = k.asked_by_unit_id LEFT JOIN cx_data.staff AS s USING (staff_id) ORDER BY ticket_task_id;
SELECT cx.decompose_ticket(:t3, '{}');
SELECT cx.decompose_ticket(:t3, '[]');
SELECT cx.decompose_ticket(:t3, '[1]');
SELECT cx.decompose_ticket(:t3, '[[{"unit": "it", "subject": "x"}]]');
SELECT cx.decompose_ticket(:t3, '[{"unit": "it", "subject": "x", "within": "1 hour", "due_at": "2025-05-05"}]');
SELECT cx.decompose_ticket(:t3, '[{"unit": "it"}]');
SELECT cx.decompose_ticket(:t3, '[{"unit": "it", "subject": "x", "until": "now"}]');
SELECT cx.decompose_ticket(:t3, '[{"unit": "moon", "subject": "x"}]');
SELECT cx.decompose_ticket(:t3, '[{"unit": "it", "subject": "x", "within": "2 days"}]');
SELECT cx.decompose_ticket(:t3, '[{"unit": "it", "subject": "x", "due_at": "2025-01-01"}]', at => '2025-04-07 10:00');
SELECT cx.decompose_ticket(:t3, NULL);
SELECT cx.decompose_ticket(:t, '[{"unit": "it", "subject": "x"}]');
SELECT min(ticket_task_id) AS k1, min(ticket_task_id) + 1 AS k2, max(ticket_task_id) AS k3 FROM cx_data.ticket_task WHERE ticket_id = :t3 \gset
SELECT cx.move_ticket(:t3, 'solved', root_cause => 'system', action_taken => 'unlocked');
-- a block is told to the unit above at once
SELECT cx.move_task(:k1, 'blocked');
SELECT cx.move_task(:k1, 'blocked', 'the supplier does not answer', at => '2025-04-07 11:00');
SELECT rule, severity, status, message, org_unit, staff FROM cx_data.alert_queue;
SELECT cx.move_task(:k1, 'blocked', 'again');
SELECT cx.move_task(:k1, 'lost');
SELECT cx.move_task(4711, 'done');
SELECT cx.move_task(:k2, 'cancelled', 'not needed', at => '2025-04-07 11:05');
SELECT cx.move_task(:k2, 'open');
SELECT cx.move_task(:k3, 'done', 'she is glad', at => '2025-04-07 11:30');

-- what is overdue or blocked climbs one tier per interval, which for this priority is four hours
SET cx.as_of = '2025-04-07 11:00';
SELECT cx.escalate_overdue('2999-01-01');
CREATE FUNCTION pg_temp.climbed() RETURNS TABLE (what text, level integer, unit text, staff text, why text, at text) LANGUAGE sql AS $$
	SELECT coalesce('task ' || (SELECT k.subject FROM cx_data.ticket_task AS k WHERE k.ticket_task_id = e.ticket_task_id), 'ticket'), e.level, u.code, s.code, e.note, to_char(e.occurred_at, 'Dy DD HH24:MI')
	FROM cx_data.ticket_event AS e LEFT JOIN cx_data.org_unit AS u ON u.org_unit_id = e.to_unit_id LEFT JOIN cx_data.staff AS s USING (staff_id) WHERE e.kind = 'escalated' ORDER BY e.ticket_event_id $$;
SELECT cx.escalate_overdue('2025-04-07 14:00'), cx.escalate_overdue('2025-04-07 14:00');
SELECT cx.escalate_overdue('2025-04-07 14:00:01'), cx.escalate_overdue('2025-04-07 14:00:01');
SELECT cx.escalate_overdue('2025-04-07 16:00:01'), cx.escalate_overdue('2025-04-08 10:00:01'), cx.escalate_overdue('2025-04-20'), cx.escalate_overdue('2025-04-20');
SELECT * FROM pg_temp.climbed();
SELECT d.escalation_level, d.escalated_unit, d.owner, d.staff FROM cx_data.ticket_detail AS d WHERE d.ticket_id = :t3;
SELECT severity, message, org_unit, staff FROM cx_data.alert_queue ORDER BY alert_id;
-- once the reply is given, what is due next climbs anew
SELECT cx.reply_ticket(:t3, 'sorry', at => '2025-04-21 09:00');
SELECT cx.escalate_overdue('2025-04-22 09:00');
SELECT * FROM pg_temp.climbed() OFFSET 5;
-- solved, nothing climbs, and its alerts are settled
SELECT cx.move_task(:k1, 'open', at => '2025-04-22 10:00'), cx.move_task(:k1, 'done', 'unlocked', at => '2025-04-22 11:00');
SELECT cx.move_ticket(:t3, 'solved', root_cause => 'supplier', action_taken => 'unlocked', at => '2025-04-22 11:00');
SELECT cx.escalate_overdue(), (SELECT count(*) FROM cx_data.alert_queue);
SELECT cx.move_task(:k1, 'open');
-- the manager is told by his contact
INSERT INTO cx_data.channel (code, format, url) VALUES ('chat', 'slack', 'https://chat.example.com');
UPDATE cx_data.staff SET contact = 'channel:chat' WHERE code = 'ed';
SELECT cx.open_ticket('late', org_unit => 'shop', priority => 'urgent', customer => 'c2', detail => 'secret', at => '2025-05-05 09:00') AS t4 \gset
SELECT cx.escalate_overdue('2025-05-05 10:00:01');
SELECT o.route, c.code AS channel, o.payload - '{alert_id,opened_at,ticket_id}'::text[] AS payload FROM cx_data.outbox AS o LEFT JOIN cx_data.channel AS c USING (channel_id) ORDER BY outbox_id DESC LIMIT 1;
-- a unit at the top, and a ticket without unit, are told to whoever answers for them
SELECT cx.open_ticket('top', org_unit => 'group', priority => 'urgent', at => '2025-05-05 09:00') AS t5, cx.open_ticket('nobody', touchpoint => 'desk', customer => 'c3', priority => 'urgent', at => '2025-05-05 09:00') AS t6 \gset
SELECT cx.escalate_overdue('2025-05-05 18:00');
SELECT cx.escalate_overdue('2025-05-06 18:00');
SELECT ticket_id - :t5 AS ticket, level, to_unit_id, staff_id FROM cx_data.ticket_event WHERE kind = 'escalated' AND ticket_id IN (:t5, :t6) ORDER BY ticket_event_id;

-- routing: the owner of the touchpoint, then the unit, then who knows, then who has least to do
DELETE FROM cx_data.ticket;
UPDATE cx_data.staff SET max_tickets = 2;
UPDATE cx_data.staff SET skills = '{business}' WHERE code = 'bob';
SELECT cx.open_ticket('app ' || i, customer => 'c2', touchpoint => 'app', at => '2025-06-02 09:00'::timestamptz + i * interval '1 minute') FROM generate_series(1, 4) AS i \g /dev/null
SELECT cx.open_ticket('desk ' || i, customer => CASE i WHEN 3 THEN 'c1' ELSE 'c2' END, touchpoint => 'desk', priority => 'low', at => '2025-06-02 10:00'::timestamptz + i * interval '1 minute') FROM generate_series(1, 3) AS i \g /dev/null
SELECT t.subject, r.staff FROM cx_data.ticket AS t CROSS JOIN LATERAL cx.route_ticket(t.ticket_id) AS r WHERE t.subject = 'desk 3';
SELECT i AS nth, cx.ticket_subject(r.ticket_id) AS subject, r.staff FROM generate_series(1, 6) AS i CROSS JOIN LATERAL (SELECT x.* FROM cx.route_ticket(CASE WHEN i < 0 THEN 0 END) AS x) AS r ORDER BY i;
SELECT * FROM cx.route_ticket();
SELECT staff, count(*) FROM cx_data.ticket_queue GROUP BY staff ORDER BY staff;
SELECT cx.route_ticket(4711);
-- passed on to another unit, it waits there until somebody takes it
SELECT cx.assign_ticket(ticket_id, org_unit => 'west', note => 'not ours') FROM cx_data.ticket_queue WHERE subject = 'desk 1';
SELECT subject, org_unit, staff, owner, status FROM cx_data.ticket_queue WHERE subject = 'desk 1';
-- what was overdue before climbs anew there
SELECT cx.open_ticket('moved', org_unit => 'shop', priority => 'urgent', at => '2025-05-05 09:00') AS t6 \gset
SELECT cx.escalate_overdue('2025-05-06 18:00') > 0 AS climbs, cx.assign_ticket(:t6, org_unit => 'west', at => '2025-05-06 19:00') IS NULL AS passed_on;
SELECT d.escalation_level, d.escalated_unit, d.owner FROM cx_data.ticket_detail AS d WHERE ticket_id = :t6;
SELECT cx.escalate_overdue('2025-05-07 18:00') > 0 AS climbs;
SELECT d.escalation_level, d.escalated_unit, d.owner FROM cx_data.ticket_detail AS d WHERE ticket_id = :t6;

-- on one page
INSERT INTO cx_data.feedback (customer_id, touchpoint_id, metric, score, comment, responded_at) VALUES (1, 2, 'nps', 2, 'never again', '2025-06-01 12:00');
SET cx.as_of = '2025-06-02 12:00';
SELECT b -> 'subject' AS subject, b #> '{customer,code}' AS customer, b #> '{customer,last_nps_score}' AS last_nps, b -> 'value' AS value, b #> '{last_feedback,comment}' AS said, jsonb_array_length(b -> 'history') AS history, jsonb_array_length(b -> 'events') AS events, b -> 'tasks' AS tasks, b #> '{ticket,sla_status}' AS sla_status
FROM (SELECT cx.ticket_brief(ticket_id) AS b FROM cx_data.ticket_queue WHERE subject = 'desk 3') AS brief;
SELECT jsonb_array_length(cx.ticket_brief(ticket_id) -> 'open_tickets') FROM cx_data.ticket_queue WHERE subject = 'app 1';
SELECT cx.ticket_brief(4711);
SELECT what, name, detail FROM cx.customer_timeline('c1');

-- work on tickets rolls back as one
BEGIN;
SELECT cx.open_ticket('gone', org_unit => 'shop') AS t7 \gset
ROLLBACK;
SELECT count(*) FROM cx_data.ticket_event WHERE ticket_id = :t7;

-- a calendar that went or lost its hours stops nobody: the next one counts
SELECT cx.open_ticket('calendar', org_unit => 'it', priority => 'urgent', at => '2025-06-02 11:30') AS t8 \gset
DELETE FROM cx_data.calendar_hours WHERE calendar = 'lunch';
SELECT cx.move_ticket(:t8, 'pending', at => '2025-06-02 11:45'), cx.move_ticket(:t8, 'open', at => '2025-06-02 12:45');
SELECT calendar, to_char(resolution_due_at, 'Dy DD HH24:MI') AS due FROM cx_data.ticket WHERE ticket_id = :t8;
RESET cx.as_of;
CALL cx.drop_program(true);
DROP EXTENSION cx;
