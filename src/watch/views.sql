-- Views of alert rules, alerts and messages

CREATE OR REPLACE VIEW cx_data.alert_queue WITH (security_invoker = true) AS
SELECT a.alert_id, a.rule, a.severity, a.status, cx.alert_message(a.alert_id) AS message, c.code AS customer, t.code AS touchpoint, u.code AS org_unit, s.code AS staff,
	a.matches, a.value, a.opened_at, a.last_matched_at, extract(epoch FROM cx.as_of() - a.opened_at)::double precision AS age_seconds
FROM cx_data.alert AS a
LEFT JOIN cx_data.customer AS c USING (customer_id)
LEFT JOIN cx_data.touchpoint AS t ON t.touchpoint_id = a.touchpoint_id
LEFT JOIN cx_data.org_unit AS u ON u.org_unit_id = a.org_unit_id
LEFT JOIN cx_data.staff AS s ON s.staff_id = a.staff_id
WHERE a.status <> 'resolved'
ORDER BY array_position('{critical,high,normal,low}'::text[], a.severity), a.opened_at, a.alert_id;
COMMENT ON VIEW cx_data.alert_queue IS 'alerts that are not resolved, the most severe and oldest first';
COMMENT ON COLUMN cx_data.alert_queue.alert_id IS 'key of the alert';
COMMENT ON COLUMN cx_data.alert_queue.rule IS 'name of the rule that raised it';
COMMENT ON COLUMN cx_data.alert_queue.severity IS 'low, normal, high or critical';
COMMENT ON COLUMN cx_data.alert_queue.status IS 'open or acknowledged';
COMMENT ON COLUMN cx_data.alert_queue.message IS 'what happened, in words; NULL for those who may not read what customers say';
COMMENT ON COLUMN cx_data.alert_queue.customer IS 'code of the customer; NULL if about none';
COMMENT ON COLUMN cx_data.alert_queue.touchpoint IS 'code of the touchpoint; NULL if about none';
COMMENT ON COLUMN cx_data.alert_queue.org_unit IS 'code of the unit; NULL if about none';
COMMENT ON COLUMN cx_data.alert_queue.staff IS 'code of the member of staff; NULL if about none';
COMMENT ON COLUMN cx_data.alert_queue.matches IS 'rows that came together in this alert';
COMMENT ON COLUMN cx_data.alert_queue.value IS 'score or value that a metric or anomaly rule saw';
COMMENT ON COLUMN cx_data.alert_queue.opened_at IS 'when the first row was written';
COMMENT ON COLUMN cx_data.alert_queue.last_matched_at IS 'when the last row was written';
COMMENT ON COLUMN cx_data.alert_queue.age_seconds IS 'seconds since it was opened';

CREATE OR REPLACE VIEW cx_data.alert_rule_status WITH (security_invoker = true) AS
SELECT r.alert_rule_id, r.name AS rule, r.kind, r.relation::text AS relation, r.severity, r.enabled,
	CASE WHEN p.problem IS NOT NULL THEN 'broken' WHEN NOT r.enabled THEN 'disabled' WHEN e.errors > 0 THEN 'errors' ELSE 'ok' END AS status,
	p.problem, coalesce(o.open_alerts, 0) AS open_alerts, o.last_matched_at, coalesce(e.errors, 0) AS errors, e.last_error_at, cx.last_alert_error(r.alert_rule_id) AS last_error
FROM cx_data.alert_rule AS r
CROSS JOIN LATERAL (SELECT CASE r.kind WHEN 'row' THEN cx.rule_problem(r.relation, r.name) ELSE cx.definition_problem(r.kind, r.definition, r.scope) END AS problem) AS p
LEFT JOIN (SELECT a.alert_rule_id, count(*) FILTER (WHERE a.status <> 'resolved') AS open_alerts, max(a.last_matched_at) AS last_matched_at FROM cx_data.alert AS a GROUP BY a.alert_rule_id) AS o USING (alert_rule_id)
LEFT JOIN (SELECT f.alert_rule_id, count(*) AS errors, max(f.created_at) AS last_error_at FROM cx_data.alert_error AS f WHERE f.created_at > cx.as_of() - interval '1 day' GROUP BY f.alert_rule_id) AS e USING (alert_rule_id);
COMMENT ON VIEW cx_data.alert_rule_status IS 'alert rules and whether they work';
COMMENT ON COLUMN cx_data.alert_rule_status.alert_rule_id IS 'key of the rule';
COMMENT ON COLUMN cx_data.alert_rule_status.rule IS 'name of the rule';
COMMENT ON COLUMN cx_data.alert_rule_status.kind IS 'row, metric or anomaly';
COMMENT ON COLUMN cx_data.alert_rule_status.relation IS 'table whose rows it looks at; NULL for other kinds';
COMMENT ON COLUMN cx_data.alert_rule_status.severity IS 'severity of its alerts';
COMMENT ON COLUMN cx_data.alert_rule_status.enabled IS 'whether it raises alerts';
COMMENT ON COLUMN cx_data.alert_rule_status.status IS 'ok, disabled, broken (it cannot run) or errors (it failed with rows during the last day)';
COMMENT ON COLUMN cx_data.alert_rule_status.problem IS 'why it cannot run, such as a column that was dropped';
COMMENT ON COLUMN cx_data.alert_rule_status.open_alerts IS 'its alerts that are not resolved';
COMMENT ON COLUMN cx_data.alert_rule_status.last_matched_at IS 'when a row last matched';
COMMENT ON COLUMN cx_data.alert_rule_status.errors IS 'errors during the last day';
COMMENT ON COLUMN cx_data.alert_rule_status.last_error_at IS 'when it last failed, within that day';
COMMENT ON COLUMN cx_data.alert_rule_status.last_error IS 'what was wrong then, for admins';

CREATE OR REPLACE VIEW cx_data.outbox_stats WITH (security_invoker = true) AS
SELECT c.channel_id, c.code AS channel, coalesce(o.waiting, 0) AS waiting, coalesce(o.leased, 0) AS leased, coalesce(o.delivered, 0) AS delivered, coalesce(o.dead, 0) AS dead,
	o.oldest_seconds, o.median_seconds, o.p95_seconds, o.retried
FROM (
	SELECT m.channel_id,
		count(*) FILTER (WHERE m.delivered_at IS NULL AND m.dead_at IS NULL AND coalesce(m.leased_until <= cx.as_of(), true)) AS waiting,
		count(*) FILTER (WHERE m.delivered_at IS NULL AND m.dead_at IS NULL AND m.leased_until > cx.as_of()) AS leased,
		count(*) FILTER (WHERE m.delivered_at IS NOT NULL) AS delivered,
		count(*) FILTER (WHERE m.dead_at IS NOT NULL) AS dead,
		count(*) FILTER (WHERE m.attempts > 1) AS retried,
		extract(epoch FROM cx.as_of() - min(m.created_at) FILTER (WHERE m.delivered_at IS NULL AND m.dead_at IS NULL))::double precision AS oldest_seconds,
		percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM m.delivered_at - m.created_at)::double precision) AS median_seconds,
		percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM m.delivered_at - m.created_at)::double precision) AS p95_seconds
	FROM cx_data.outbox AS m WHERE m.created_at > cx.as_of() - interval '1 day' OR (m.delivered_at IS NULL AND m.dead_at IS NULL)
	GROUP BY m.channel_id
) AS o
FULL JOIN cx_data.channel AS c USING (channel_id);
COMMENT ON VIEW cx_data.outbox_stats IS 'messages by channel: those of the last day and all that still wait';
COMMENT ON COLUMN cx_data.outbox_stats.channel_id IS 'channel; NULL for messages that found none';
COMMENT ON COLUMN cx_data.outbox_stats.channel IS 'code of the channel';
COMMENT ON COLUMN cx_data.outbox_stats.waiting IS 'messages that a worker may claim, now or later';
COMMENT ON COLUMN cx_data.outbox_stats.leased IS 'messages that a worker has at hand';
COMMENT ON COLUMN cx_data.outbox_stats.delivered IS 'messages delivered';
COMMENT ON COLUMN cx_data.outbox_stats.dead IS 'messages given up';
COMMENT ON COLUMN cx_data.outbox_stats.oldest_seconds IS 'age of the oldest message that is neither delivered nor given up, in seconds';
COMMENT ON COLUMN cx_data.outbox_stats.median_seconds IS 'median of the seconds from alert to delivery';
COMMENT ON COLUMN cx_data.outbox_stats.p95_seconds IS '95th percentile of the seconds from alert to delivery';
COMMENT ON COLUMN cx_data.outbox_stats.retried IS 'messages that took more than one attempt';
