-- Views of tickets: what is to be done, and how long it takes

CREATE OR REPLACE VIEW cx_data.ticket_detail WITH (security_invoker = true) AS
SELECT t.ticket_id, t.priority, t.status, cx.ticket_subject(t.ticket_id) AS subject, c.code AS customer, c.name AS customer_name, c.segment, p.code AS touchpoint, p.name AS touchpoint_name,
	u.code AS org_unit, u.name AS org_unit_name, s.code AS staff, o.code AS owner, t.origin, t.emergency, t.opened_at, t.first_response_due_at, t.first_responded_at, t.resolution_due_at, t.solved_at, t.closed_at,
	CASE WHEN t.sla_policy_id IS NOT NULL THEN cx.sla_status(t.status, t.first_response_due_at, t.first_responded_at, t.resolution_due_at, t.solved_at, cx.as_of()) END AS sla_status,
	coalesce(coalesce(t.first_responded_at, cx.as_of()) > t.first_response_due_at, false) AS first_response_missed,
	coalesce(coalesce(t.solved_at, cx.as_of()) > t.resolution_due_at, false) AS resolution_missed,
	CASE WHEN t.solved_at IS NULL THEN extract(epoch FROM least(CASE WHEN t.first_responded_at IS NULL THEN t.first_response_due_at END, t.resolution_due_at) - cx.as_of())::double precision END AS due_in_seconds,
	t.escalation_level, e.code AS escalated_unit, t.reopen_count, t.root_cause, t.sla_policy_id, t.calendar, t.alert_id, t.feedback_id, r.name AS source, t.followup_score::integer AS followup_score, t.followup_asked_at, t.followup_at
FROM cx_data.ticket AS t
LEFT JOIN cx_data.customer AS c USING (customer_id)
LEFT JOIN cx_data.touchpoint AS p ON p.touchpoint_id = t.touchpoint_id
LEFT JOIN cx_data.org_unit AS u ON u.org_unit_id = t.org_unit_id
LEFT JOIN cx_data.org_unit AS e ON e.org_unit_id = t.escalated_unit_id
LEFT JOIN cx_data.staff AS s ON s.staff_id = t.staff_id
LEFT JOIN cx_data.staff AS o ON o.staff_id = t.owner_staff_id
LEFT JOIN cx_data.source AS r ON r.source_id = t.source_id;
COMMENT ON VIEW cx_data.ticket_detail IS 'tickets with names in place of keys, and what their clocks show at cx.as_of()';
COMMENT ON COLUMN cx_data.ticket_detail.ticket_id IS 'number of the ticket';
COMMENT ON COLUMN cx_data.ticket_detail.priority IS 'low, normal, high or urgent';
COMMENT ON COLUMN cx_data.ticket_detail.status IS 'new, open, pending (waits for the customer), on_hold (waits for a third party), solved or closed';
COMMENT ON COLUMN cx_data.ticket_detail.subject IS 'what it is about; NULL for those who may not read what customers say';
COMMENT ON COLUMN cx_data.ticket_detail.customer IS 'code of the customer; NULL if about none';
COMMENT ON COLUMN cx_data.ticket_detail.customer_name IS 'name of the customer';
COMMENT ON COLUMN cx_data.ticket_detail.segment IS 'segment of the customer';
COMMENT ON COLUMN cx_data.ticket_detail.touchpoint IS 'code of the touchpoint; NULL if about none';
COMMENT ON COLUMN cx_data.ticket_detail.touchpoint_name IS 'name of the touchpoint';
COMMENT ON COLUMN cx_data.ticket_detail.org_unit IS 'code of the unit that it lies with';
COMMENT ON COLUMN cx_data.ticket_detail.org_unit_name IS 'name of that unit';
COMMENT ON COLUMN cx_data.ticket_detail.staff IS 'code of the member of staff who works on it, in an emergency the coordinator; NULL while nobody does';
COMMENT ON COLUMN cx_data.ticket_detail.owner IS 'code of the member of staff who answers for it';
COMMENT ON COLUMN cx_data.ticket_detail.origin IS 'who opened it: centre or unit';
COMMENT ON COLUMN cx_data.ticket_detail.emergency IS 'whether an alert rule of severity critical opened it';
COMMENT ON COLUMN cx_data.ticket_detail.opened_at IS 'when it was opened';
COMMENT ON COLUMN cx_data.ticket_detail.first_response_due_at IS 'last instant for the first reply';
COMMENT ON COLUMN cx_data.ticket_detail.first_responded_at IS 'when that was given; NULL if it was not';
COMMENT ON COLUMN cx_data.ticket_detail.resolution_due_at IS 'last instant for the solution; NULL while the ticket waits with time left';
COMMENT ON COLUMN cx_data.ticket_detail.solved_at IS 'when it was solved last; NULL while it is not';
COMMENT ON COLUMN cx_data.ticket_detail.closed_at IS 'when the loop was closed';
COMMENT ON COLUMN cx_data.ticket_detail.sla_status IS 'active, paused, met or missed at cx.as_of(); NULL without a service level';
COMMENT ON COLUMN cx_data.ticket_detail.first_response_missed IS 'whether the first reply came too late, or has not come though it is due';
COMMENT ON COLUMN cx_data.ticket_detail.resolution_missed IS 'the same for the solution';
COMMENT ON COLUMN cx_data.ticket_detail.due_in_seconds IS 'seconds until what is due next, negative when that is over; NULL once it is solved';
COMMENT ON COLUMN cx_data.ticket_detail.escalation_level IS 'tiers that it has climbed since it was overdue';
COMMENT ON COLUMN cx_data.ticket_detail.escalated_unit IS 'code of the unit that it has climbed to';
COMMENT ON COLUMN cx_data.ticket_detail.reopen_count IS 'how often it was reopened';
COMMENT ON COLUMN cx_data.ticket_detail.root_cause IS 'code of the root cause';
COMMENT ON COLUMN cx_data.ticket_detail.sla_policy_id IS 'service level, in the version that it started with';
COMMENT ON COLUMN cx_data.ticket_detail.calendar IS 'business calendar by which its clocks run; NULL for around the clock';
COMMENT ON COLUMN cx_data.ticket_detail.alert_id IS 'alert that opened it';
COMMENT ON COLUMN cx_data.ticket_detail.feedback_id IS 'feedback that it is about';
COMMENT ON COLUMN cx_data.ticket_detail.source IS 'source that delivers it; NULL for tickets that live here';
COMMENT ON COLUMN cx_data.ticket_detail.followup_score IS 'what the customer answered to the closing question';
COMMENT ON COLUMN cx_data.ticket_detail.followup_asked_at IS 'when that was asked';
COMMENT ON COLUMN cx_data.ticket_detail.followup_at IS 'when it was answered';

CREATE OR REPLACE VIEW cx_data.ticket_queue WITH (security_invoker = true) AS
SELECT d.ticket_id, d.priority, d.status, d.subject, d.customer, d.touchpoint, d.org_unit, d.staff, d.owner, d.sla_status, d.first_response_due_at, d.resolution_due_at, d.due_in_seconds,
	d.escalation_level, d.emergency, d.opened_at, k.open_tasks, k.blocked_tasks
FROM cx_data.ticket_detail AS d
CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE a.status = 'open') AS open_tasks, count(*) FILTER (WHERE a.status = 'blocked') AS blocked_tasks FROM cx_data.ticket_task AS a WHERE a.ticket_id = d.ticket_id) AS k
WHERE d.status NOT IN ('solved', 'closed')
ORDER BY d.emergency DESC, d.due_in_seconds, d.ticket_id;
COMMENT ON VIEW cx_data.ticket_queue IS 'tickets that are not solved: emergencies first, then what is due first';
COMMENT ON COLUMN cx_data.ticket_queue.ticket_id IS 'number of the ticket';
COMMENT ON COLUMN cx_data.ticket_queue.priority IS 'low, normal, high or urgent';
COMMENT ON COLUMN cx_data.ticket_queue.status IS 'new, open, pending or on_hold';
COMMENT ON COLUMN cx_data.ticket_queue.subject IS 'what it is about; NULL for those who may not read what customers say';
COMMENT ON COLUMN cx_data.ticket_queue.customer IS 'code of the customer; NULL if about none';
COMMENT ON COLUMN cx_data.ticket_queue.touchpoint IS 'code of the touchpoint; NULL if about none';
COMMENT ON COLUMN cx_data.ticket_queue.org_unit IS 'code of the unit that it lies with';
COMMENT ON COLUMN cx_data.ticket_queue.staff IS 'code of the member of staff who works on it; NULL while nobody does';
COMMENT ON COLUMN cx_data.ticket_queue.owner IS 'code of the member of staff who answers for it';
COMMENT ON COLUMN cx_data.ticket_queue.sla_status IS 'active, paused or missed at cx.as_of()';
COMMENT ON COLUMN cx_data.ticket_queue.first_response_due_at IS 'last instant for the first reply';
COMMENT ON COLUMN cx_data.ticket_queue.resolution_due_at IS 'last instant for the solution; NULL while the ticket waits with time left';
COMMENT ON COLUMN cx_data.ticket_queue.due_in_seconds IS 'seconds until what is due next, negative when that is over';
COMMENT ON COLUMN cx_data.ticket_queue.escalation_level IS 'tiers that it has climbed since it was overdue';
COMMENT ON COLUMN cx_data.ticket_queue.emergency IS 'whether an alert rule of severity critical opened it';
COMMENT ON COLUMN cx_data.ticket_queue.opened_at IS 'when it was opened';
COMMENT ON COLUMN cx_data.ticket_queue.open_tasks IS 'its tasks that are open';
COMMENT ON COLUMN cx_data.ticket_queue.blocked_tasks IS 'its tasks that are blocked';

CREATE OR REPLACE VIEW cx_data.ticket_overdue WITH (security_invoker = true) AS
SELECT d.ticket_id, d.priority, d.status, d.subject, d.customer, d.touchpoint, d.org_unit, d.staff, d.owner, d.first_response_missed AND d.first_responded_at IS NULL AS first_response_overdue,
	d.resolution_missed AS resolution_overdue, -d.due_in_seconds AS overdue_seconds, d.escalation_level, d.escalated_unit, d.opened_at
FROM cx_data.ticket_detail AS d
WHERE d.status NOT IN ('solved', 'closed') AND d.due_in_seconds < 0
ORDER BY d.due_in_seconds, d.ticket_id;
COMMENT ON VIEW cx_data.ticket_overdue IS 'tickets that are not solved, and whose first reply or solution is overdue at cx.as_of(), the longest first';
COMMENT ON COLUMN cx_data.ticket_overdue.ticket_id IS 'number of the ticket';
COMMENT ON COLUMN cx_data.ticket_overdue.priority IS 'low, normal, high or urgent';
COMMENT ON COLUMN cx_data.ticket_overdue.status IS 'new, open, pending or on_hold';
COMMENT ON COLUMN cx_data.ticket_overdue.opened_at IS 'when it was opened';
COMMENT ON COLUMN cx_data.ticket_overdue.subject IS 'what it is about; NULL for those who may not read what customers say';
COMMENT ON COLUMN cx_data.ticket_overdue.customer IS 'code of the customer; NULL if about none';
COMMENT ON COLUMN cx_data.ticket_overdue.touchpoint IS 'code of the touchpoint; NULL if about none';
COMMENT ON COLUMN cx_data.ticket_overdue.org_unit IS 'code of the unit that it lies with';
COMMENT ON COLUMN cx_data.ticket_overdue.staff IS 'code of the member of staff who works on it; NULL while nobody does';
COMMENT ON COLUMN cx_data.ticket_overdue.owner IS 'code of the member of staff who answers for it';
COMMENT ON COLUMN cx_data.ticket_overdue.first_response_overdue IS 'whether it waits for its first reply though that is due';
COMMENT ON COLUMN cx_data.ticket_overdue.resolution_overdue IS 'whether it waits for its solution though that is due';
COMMENT ON COLUMN cx_data.ticket_overdue.overdue_seconds IS 'seconds since the first of these was due';
COMMENT ON COLUMN cx_data.ticket_overdue.escalation_level IS 'tiers that it has climbed';
COMMENT ON COLUMN cx_data.ticket_overdue.escalated_unit IS 'code of the unit that it has climbed to';

CREATE OR REPLACE VIEW cx_data.emergency WITH (security_invoker = true) AS
SELECT d.ticket_id, d.subject, d.touchpoint, d.staff AS coordinator, d.status, d.opened_at, d.resolution_due_at, a.alerts, k.ticket_task_id, u.code AS org_unit, s.code AS staff, k.status AS task_status, k.due_at AS task_due_at,
	coalesce(k.status IN ('open', 'blocked') AND k.due_at < cx.as_of(), false) AS task_overdue, cx.task_block(k.ticket_task_id) AS blocked_reason
FROM cx_data.ticket_detail AS d
CROSS JOIN LATERAL (SELECT count(*) AS alerts FROM cx_data.alert AS l WHERE l.ticket_id = d.ticket_id AND NOT (l.alert_rule_id IS NULL AND l.rule = 'escalation')) AS a
LEFT JOIN cx_data.ticket_task AS k ON k.ticket_id = d.ticket_id
LEFT JOIN cx_data.org_unit AS u ON u.org_unit_id = k.org_unit_id
LEFT JOIN cx_data.staff AS s ON s.staff_id = k.staff_id
WHERE d.emergency AND d.status NOT IN ('solved', 'closed')
ORDER BY d.opened_at, d.ticket_id, k.ticket_task_id;
COMMENT ON VIEW cx_data.emergency IS 'emergencies that are not solved, one row for each unit that has a task';
COMMENT ON COLUMN cx_data.emergency.ticket_id IS 'number of the ticket';
COMMENT ON COLUMN cx_data.emergency.subject IS 'what happened; NULL for those who may not read what customers say';
COMMENT ON COLUMN cx_data.emergency.touchpoint IS 'code of the touchpoint';
COMMENT ON COLUMN cx_data.emergency.coordinator IS 'code of the member of staff who coordinates';
COMMENT ON COLUMN cx_data.emergency.status IS 'status of the ticket';
COMMENT ON COLUMN cx_data.emergency.opened_at IS 'when it began';
COMMENT ON COLUMN cx_data.emergency.resolution_due_at IS 'when it is to be over';
COMMENT ON COLUMN cx_data.emergency.alerts IS 'alerts that belong to it';
COMMENT ON COLUMN cx_data.emergency.ticket_task_id IS 'number of the task; NULL if no unit is responsible';
COMMENT ON COLUMN cx_data.emergency.org_unit IS 'code of the unit that has it';
COMMENT ON COLUMN cx_data.emergency.staff IS 'code of the member of staff who has it';
COMMENT ON COLUMN cx_data.emergency.task_status IS 'open, blocked, done or cancelled';
COMMENT ON COLUMN cx_data.emergency.task_due_at IS 'when it is due';
COMMENT ON COLUMN cx_data.emergency.task_overdue IS 'whether that is over';
COMMENT ON COLUMN cx_data.emergency.blocked_reason IS 'what blocks it; NULL for those who may not read what customers say';
