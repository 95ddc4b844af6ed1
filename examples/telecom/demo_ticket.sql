-- The fourth part of the demo: a ticket from the unhappy answer to the closing question
\set ON_ERROR_STOP on
\set QUIET on
\pset footer off
\pset linestyle unicode
\pset border 1
\pset null '-'
SET client_min_messages = warning;
SET timezone = 'Europe/Berlin';

\echo
\echo A ticket from its beginning to its end.  The group centre stands above the regions; work goes down and comes back
\echo =================================================================================================================
INSERT INTO cx_data.calendar (code, name) VALUES ('office', 'Monday to Friday, 9:00 to 17:30, lunch at 12:30');
INSERT INTO cx_data.calendar_hours (calendar, weekday, opens_at, closes_at)
SELECT 'office', day, opens_at::time, closes_at::time FROM generate_series(1, 5) AS day, (VALUES ('9:00', '12:30'), ('13:00', '17:30')) AS hours (opens_at, closes_at);
INSERT INTO cx_data.calendar_exception (calendar, day, name) VALUES ('office', '2026-06-04', 'Corpus Christi');
UPDATE cx_data.org_unit SET calendar = 'office' WHERE code = 'operator';
INSERT INTO cx_data.org_unit (parent_id, code, name, tier) SELECT org_unit_id, code || ' field', 'Field service ' || name, 3 FROM cx_data.org_unit WHERE tier = 2;
INSERT INTO cx_data.staff (code, name, org_unit_id) SELECT s.code, s.name, u.org_unit_id
FROM (VALUES ('sofia', 'Sofia Lang', 'south'), ('felix', 'Felix Roth', 'south field'), ('paul', 'Paul Adam', 'south')) AS s (code, name, unit) JOIN cx_data.org_unit AS u ON u.code = s.unit;
UPDATE cx_data.org_unit AS u SET manager_id = s.staff_id FROM cx_data.staff AS s WHERE (u.code, s.code) IN (('operator', 'lena'), ('south', 'sofia'), ('south field', 'felix'));
SELECT cx.set_sla_policy('network', first_response_within => '4 hours', resolve_within => '16 hours', escalate_every => '4 hours') \g /dev/null

\echo 'Tuesday, 2 June, 16:00: a customer in the south gave 0.  The centre opens the ticket, for the region'
SELECT f.feedback_id AS answer, c.code AS customer FROM cx_data.feedback AS f JOIN cx_data.customer AS c USING (customer_id) JOIN cx_data.org_unit AS u ON u.org_unit_id = c.org_unit_id JOIN cx_data.touchpoint AS t USING (touchpoint_id)
WHERE u.code = 'south' AND t.code = 'network' AND f.metric = 'nps' AND f.score <= 2 AND f.responded_at BETWEEN '2026-05-20' AND '2026-06-02 12:00' ORDER BY f.score, f.responded_at DESC, f.feedback_id LIMIT 1 \gset
SELECT cx.open_ticket('no network at home', feedback => :answer, priority => 'high', sla => 'network', at => '2026-06-02 16:00') AS ticket \gset
SELECT customer, org_unit AS unit, origin, owner, to_char(first_response_due_at, 'Dy DD HH24:MI') AS "reply until", to_char(resolution_due_at, 'Dy DD HH24:MI') AS "solve until" FROM cx_data.ticket_detail WHERE ticket_id = :ticket;

\echo 'The region gives it to Paul, who answers, and asks the field service and the centre for their part'
SELECT cx.assign_ticket(:ticket, 'paul', at => '2026-06-02 16:20'), cx.reply_ticket(:ticket, 'We measure at your home and call you.', at => '2026-06-02 16:40') \g /dev/null
SELECT cx.decompose_ticket(:ticket, '[{"unit": "south field", "subject": "measure at the customer''s home", "within": "4 hours"}, {"unit": "operator", "subject": "may we credit this month?", "within": "8 hours"}]', at => '2026-06-02 17:00') \g /dev/null
SELECT cx.move_task(max(ticket_task_id), 'done', 'yes, 20 EUR', at => '2026-06-03 10:00') FROM cx_data.ticket_task WHERE ticket_id = :ticket \g /dev/null
SELECT u.name AS "who does it", k.subject AS "what", k.status, to_char(k.due_at, 'Dy DD HH24:MI') AS until, k.result FROM cx_data.ticket_task AS k JOIN cx_data.org_unit AS u USING (org_unit_id) WHERE ticket_id = :ticket ORDER BY ticket_task_id;

\echo 'Nobody measures.  cx.maintain() looks each minute; what is overdue climbs one tier for each four hours of work'
SELECT to_char(t.at, 'Dy DD HH24:MI') AS "it is", cx.escalate_overdue(t.at) AS climbed FROM (VALUES ('2026-06-03 12:00'::timestamptz), ('2026-06-03 12:31'), ('2026-06-05 09:31')) AS t (at);
SELECT opened_at::timestamp(0) AS at, message, org_unit AS "told to", staff AS who FROM cx_data.alert_queue WHERE rule = 'escalation' ORDER BY alert_id;

\echo 'Lena sends a team of the neighbours; the ticket is solved, the customer is asked again'
SELECT cx.move_task(min(ticket_task_id), 'done', 'antenna of the cell turned by the storm', at => '2026-06-05 11:30') FROM cx_data.ticket_task WHERE ticket_id = :ticket \g /dev/null
SELECT cx.move_ticket(:ticket, 'solved', root_cause => 'system', action_taken => 'antenna turned back, 20 EUR credited', at => '2026-06-05 12:00') \g /dev/null
SELECT cx.close_the_loop(:ticket, at => '2026-06-05 15:00') AS "closing question", cx.close_the_loop(:ticket, 9, at => '2026-06-06 18:00') AS "answer: 9";

\echo 'All of that is its history, from which every duration is computed'
SELECT to_char(e.occurred_at, 'Dy DD HH24:MI') AS at, concat_ws(' ', e.kind, e.status) AS "what happened", u.name AS unit, s.name AS staff, left(e.note, 40) AS note
FROM cx_data.ticket_event AS e LEFT JOIN cx_data.org_unit AS u ON u.org_unit_id = e.to_unit_id LEFT JOIN cx_data.staff AS s USING (staff_id)
WHERE e.ticket_id = :ticket ORDER BY e.ticket_event_id;
SELECT d.sla_status AS sla, round(o.total_seconds / 3600) AS hours, round(o.ours_seconds / 3600) AS "up to us", l.experience_before AS "experience before", l.experience_after AS after
FROM cx_data.ticket_detail AS d JOIN cx_data.ticket_outcome AS o USING (ticket_id) CROSS JOIN (SELECT * FROM cx_data.loop_closed WHERE answers > 0) AS l WHERE ticket_id = :ticket;
