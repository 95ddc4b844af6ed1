-- Views of what became of tickets: how long they took, whether they were solved for good, and why they had to be

CREATE OR REPLACE VIEW cx_data.ticket_outcome WITH (security_invoker = true) AS
SELECT t.ticket_id, t.customer_id, t.touchpoint_id, t.org_unit_id, t.staff_id, (date_trunc('month', t.opened_at AT TIME ZONE g.time_zone))::date AS cohort, t.opened_at, d.solved_at, t.root_cause, t.reopen_count,
	extract(epoch FROM coalesce(d.solved_at, cx.as_of()) - t.opened_at)::double precision AS total_seconds,
	coalesce(s.ours_seconds, 0) AS ours_seconds, coalesce(s.waiting_customer_seconds, 0) AS waiting_customer_seconds, coalesce(s.waiting_others_seconds, 0) AS waiting_others_seconds,
	coalesce(h.replies, 0) AS replies, coalesce(h.handovers, 0) AS handovers,
	CASE WHEN d.solved_at <= cx.as_of() - interval '168 hours' THEN
		t.reopen_count = 0 AND coalesce(h.replies, 0) <= 1 AND coalesce(h.handovers, 0) = 0 AND NOT coalesce(s.has_waited, false)
		AND NOT EXISTS (SELECT FROM cx_data.ticket_task AS k WHERE k.ticket_id = t.ticket_id)
		AND NOT EXISTS (SELECT FROM cx_data.event AS e WHERE e.customer_id = t.customer_id AND e.touchpoint_id = t.touchpoint_id AND e.occurred_at > t.solved_at AND e.occurred_at <= t.solved_at + interval '168 hours')
		AND NOT EXISTS (SELECT FROM cx_data.feedback AS f WHERE f.customer_id = t.customer_id AND f.touchpoint_id = t.touchpoint_id AND f.kind <> 'survey' AND f.responded_at > t.solved_at AND f.responded_at <= t.solved_at + interval '168 hours')
		AND NOT EXISTS (SELECT FROM cx_data.ticket AS k WHERE k.customer_id = t.customer_id AND k.touchpoint_id IS NOT DISTINCT FROM t.touchpoint_id AND k.ticket_id <> t.ticket_id AND k.opened_at > t.solved_at AND k.opened_at <= t.solved_at + interval '168 hours')
	END AS first_contact_resolved
FROM cx_data.ticket AS t
CROSS JOIN cx_data.program AS g
CROSS JOIN LATERAL (SELECT CASE WHEN t.solved_at <= cx.as_of() THEN t.solved_at END AS solved_at) AS d
LEFT JOIN (
	SELECT w.ticket_id, sum(w.seconds) FILTER (WHERE w.status IN ('new', 'open')) AS ours_seconds, sum(w.seconds) FILTER (WHERE w.status = 'pending') AS waiting_customer_seconds,
		sum(w.seconds) FILTER (WHERE w.status = 'on_hold') AS waiting_others_seconds, bool_or(w.status IN ('pending', 'on_hold')) AS has_waited
	FROM (
		SELECT e.ticket_id, e.status, extract(epoch FROM lead(e.occurred_at, 1, greatest(e.occurred_at, cx.as_of())) OVER (PARTITION BY e.ticket_id ORDER BY e.ticket_event_id) - e.occurred_at)::double precision AS seconds
		FROM cx_data.ticket_event AS e WHERE e.status IS NOT NULL AND e.ticket_task_id IS NULL AND e.occurred_at <= cx.as_of()
	) AS w
	GROUP BY w.ticket_id
) AS s USING (ticket_id)
LEFT JOIN (
	SELECT e.ticket_id, count(*) FILTER (WHERE NOT e.automatic) AS replies, count(*) FILTER (WHERE e.is_other) AS handovers
	FROM (
		SELECT e.ticket_id, e.automatic, coalesce(e.kind = 'assigned' AND (e.staff_id IS DISTINCT FROM lag(e.staff_id) OVER held AND lag(e.staff_id) OVER held IS NOT NULL OR e.to_unit_id <> lag(e.to_unit_id) OVER held), false) AS is_other
		FROM cx_data.ticket_event AS e WHERE e.kind IN ('opened', 'assigned', 'reply') AND e.occurred_at <= cx.as_of()
		WINDOW held AS (PARTITION BY e.ticket_id, e.kind = 'reply' ORDER BY e.ticket_event_id)
	) AS e
	GROUP BY e.ticket_id
) AS h USING (ticket_id)
WHERE t.opened_at <= cx.as_of();
COMMENT ON VIEW cx_data.ticket_outcome IS 'what became of each ticket opened until cx.as_of(), as far as it had come then: how long it took and who was waited for, from its history, and whether the first contact was enough';
COMMENT ON COLUMN cx_data.ticket_outcome.ticket_id IS 'number of the ticket';
COMMENT ON COLUMN cx_data.ticket_outcome.customer_id IS 'customer it is about';
COMMENT ON COLUMN cx_data.ticket_outcome.touchpoint_id IS 'touchpoint it is about';
COMMENT ON COLUMN cx_data.ticket_outcome.org_unit_id IS 'unit that it lies with';
COMMENT ON COLUMN cx_data.ticket_outcome.staff_id IS 'member of staff who worked on it last';
COMMENT ON COLUMN cx_data.ticket_outcome.opened_at IS 'when it was opened';
COMMENT ON COLUMN cx_data.ticket_outcome.root_cause IS 'code of the root cause';
COMMENT ON COLUMN cx_data.ticket_outcome.reopen_count IS 'how often it was reopened';
COMMENT ON COLUMN cx_data.ticket_outcome.cohort IS 'first day of the month in which it was opened, in the program''s time zone';
COMMENT ON COLUMN cx_data.ticket_outcome.solved_at IS 'when it was solved last; NULL while it is not';
COMMENT ON COLUMN cx_data.ticket_outcome.total_seconds IS 'seconds from opening to the last solution, else until cx.as_of(), by the clock on the wall; contains the time between a solution and reopening';
COMMENT ON COLUMN cx_data.ticket_outcome.ours_seconds IS 'seconds in status new or open: it was up to us';
COMMENT ON COLUMN cx_data.ticket_outcome.waiting_customer_seconds IS 'seconds in status pending: it was up to the customer';
COMMENT ON COLUMN cx_data.ticket_outcome.waiting_others_seconds IS 'seconds in status on_hold: it was up to a third party';
COMMENT ON COLUMN cx_data.ticket_outcome.replies IS 'replies that were not automatic';
COMMENT ON COLUMN cx_data.ticket_outcome.handovers IS 'how often it was passed on, to somebody else or to another unit';
COMMENT ON COLUMN cx_data.ticket_outcome.first_contact_resolved IS 'whether it was solved for good at first contact: at most one reply, never passed on, split, waiting or reopened, and no event, complaint or other ticket of the customer at the touchpoint in the 7 days (168 hours) after; NULL until these are over';

CREATE OR REPLACE VIEW cx_data.time_to_resolve WITH (security_invoker = true) AS
SELECT u.code AS org_unit, o.cohort, count(*) AS tickets, count(o.solved_at) AS solved, 100.0::double precision * count(*) FILTER (WHERE o.solved_at IS NULL) / count(*) AS open_share,
	percentile_cont(0.5) WITHIN GROUP (ORDER BY o.total_seconds) FILTER (WHERE o.solved_at IS NOT NULL) AS median_seconds,
	percentile_cont(0.9) WITHIN GROUP (ORDER BY o.total_seconds) FILTER (WHERE o.solved_at IS NOT NULL) AS p90_seconds,
	percentile_cont(0.5) WITHIN GROUP (ORDER BY o.ours_seconds) FILTER (WHERE o.solved_at IS NOT NULL) AS ours_median_seconds,
	percentile_cont(0.9) WITHIN GROUP (ORDER BY o.ours_seconds) FILTER (WHERE o.solved_at IS NOT NULL) AS ours_p90_seconds,
	percentile_cont(0.5) WITHIN GROUP (ORDER BY o.waiting_customer_seconds) FILTER (WHERE o.solved_at IS NOT NULL) AS waiting_customer_median_seconds,
	percentile_cont(0.9) WITHIN GROUP (ORDER BY o.waiting_customer_seconds) FILTER (WHERE o.solved_at IS NOT NULL) AS waiting_customer_p90_seconds,
	percentile_cont(0.5) WITHIN GROUP (ORDER BY o.waiting_others_seconds) FILTER (WHERE o.solved_at IS NOT NULL) AS waiting_others_median_seconds,
	percentile_cont(0.9) WITHIN GROUP (ORDER BY o.waiting_others_seconds) FILTER (WHERE o.solved_at IS NOT NULL) AS waiting_others_p90_seconds
FROM cx_data.ticket_outcome AS o
LEFT JOIN cx_data.org_unit AS u USING (org_unit_id)
GROUP BY u.code, o.cohort
ORDER BY u.code, o.cohort;
COMMENT ON VIEW cx_data.time_to_resolve IS 'how long tickets take, by unit and month of opening: the metric that departments share. Medians are of solved tickets, so read them together with open_share';
COMMENT ON COLUMN cx_data.time_to_resolve.org_unit IS 'code of the unit that the tickets lie with; NULL for those without';
COMMENT ON COLUMN cx_data.time_to_resolve.cohort IS 'first day of the month in which they were opened, in the program''s time zone';
COMMENT ON COLUMN cx_data.time_to_resolve.tickets IS 'tickets opened';
COMMENT ON COLUMN cx_data.time_to_resolve.solved IS 'of these solved at present';
COMMENT ON COLUMN cx_data.time_to_resolve.open_share IS 'percent that is still open';
COMMENT ON COLUMN cx_data.time_to_resolve.median_seconds IS 'median of the seconds from opening to the last solution';
COMMENT ON COLUMN cx_data.time_to_resolve.p90_seconds IS '90th percentile of the same';
COMMENT ON COLUMN cx_data.time_to_resolve.ours_median_seconds IS 'median of the seconds that it was up to us';
COMMENT ON COLUMN cx_data.time_to_resolve.ours_p90_seconds IS '90th percentile of the same';
COMMENT ON COLUMN cx_data.time_to_resolve.waiting_customer_median_seconds IS 'median of the seconds of waiting for the customer';
COMMENT ON COLUMN cx_data.time_to_resolve.waiting_customer_p90_seconds IS '90th percentile of the same';
COMMENT ON COLUMN cx_data.time_to_resolve.waiting_others_median_seconds IS 'median of the seconds of waiting for third parties';
COMMENT ON COLUMN cx_data.time_to_resolve.waiting_others_p90_seconds IS '90th percentile of the same';

CREATE OR REPLACE VIEW cx_data.first_contact_resolution WITH (security_invoker = true) AS
SELECT r.org_unit, r.touchpoint, r.solved_month, r.tickets, r.first_contact_resolved, (r.estimate).value AS share, (r.estimate).lower, (r.estimate).upper
FROM (
	SELECT u.code AS org_unit, p.code AS touchpoint, date_trunc('month', o.solved_at AT TIME ZONE g.time_zone)::date AS solved_month, count(*) AS tickets,
		count(*) FILTER (WHERE o.first_contact_resolved) AS first_contact_resolved, cx.csat_estimate(cx.tally(o.first_contact_resolved::integer), 1) AS estimate
	FROM cx_data.ticket_outcome AS o
	CROSS JOIN cx_data.program AS g
	LEFT JOIN cx_data.org_unit AS u USING (org_unit_id)
	LEFT JOIN cx_data.touchpoint AS p USING (touchpoint_id)
	WHERE o.first_contact_resolved IS NOT NULL
	GROUP BY 1, 2, 3
) AS r
ORDER BY r.org_unit, r.touchpoint, r.solved_month;
COMMENT ON VIEW cx_data.first_contact_resolution IS 'share of tickets that the first contact solved for good (see ticket_outcome), of those solved at least 7 days before cx.as_of()';
COMMENT ON COLUMN cx_data.first_contact_resolution.org_unit IS 'code of the unit; NULL for tickets without';
COMMENT ON COLUMN cx_data.first_contact_resolution.touchpoint IS 'code of the touchpoint; NULL for tickets without';
COMMENT ON COLUMN cx_data.first_contact_resolution.solved_month IS 'first day of the month in which they were solved, in the program''s time zone';
COMMENT ON COLUMN cx_data.first_contact_resolution.tickets IS 'tickets solved then, and at least 7 days ago';
COMMENT ON COLUMN cx_data.first_contact_resolution.first_contact_resolved IS 'of these solved at first contact';
COMMENT ON COLUMN cx_data.first_contact_resolution.share IS 'percent of these';
COMMENT ON COLUMN cx_data.first_contact_resolution.lower IS 'lower end of its 95 % interval (Wilson)';
COMMENT ON COLUMN cx_data.first_contact_resolution.upper IS 'upper end';

CREATE OR REPLACE VIEW cx_data.loop_closed WITH (security_invoker = true) AS
SELECT u.code AS org_unit, date_trunc('month', t.opened_at AT TIME ZONE g.time_zone)::date AS cohort, count(*) AS tickets,
	count(*) FILTER (WHERE t.solved_at IS NOT NULL) AS solved,
	100.0::double precision * count(*) FILTER (WHERE t.solved_at <= t.resolution_due_at OR (t.solved_at IS NOT NULL AND t.resolution_due_at IS NULL)) / count(*) AS in_time_share,
	100.0::double precision * count(t.followup_asked_at) / count(*) AS asked_share, count(t.followup_score) AS answers,
	avg(b.experience) FILTER (WHERE a.experience IS NOT NULL) AS experience_before, avg(a.experience) FILTER (WHERE b.experience IS NOT NULL) AS experience_after,
	avg(a.experience - b.experience) AS experience_change
FROM cx_data.ticket AS t
CROSS JOIN cx_data.program AS g
LEFT JOIN cx_data.org_unit AS u USING (org_unit_id)
LEFT JOIN LATERAL (
	SELECT cx.experience_of(f.score, m.scale_min, m.scale_max, m.lower_is_better) AS experience FROM cx_data.feedback AS f JOIN cx_data.metric AS m ON m.code = f.metric
	WHERE f.feedback_id = t.feedback_id AND f.score IS NOT NULL
) AS b ON true
LEFT JOIN LATERAL (
	SELECT cx.experience_of(t.followup_score, m.scale_min, m.scale_max, m.lower_is_better) AS experience FROM cx_data.metric AS m WHERE m.code = t.followup_metric AND t.followup_score IS NOT NULL
) AS a ON true
WHERE t.customer_id IS NOT NULL AND t.opened_at <= cx.as_of()
GROUP BY 1, 2
ORDER BY 1, 2;
COMMENT ON VIEW cx_data.loop_closed IS 'whether the loop with customers is closed, by unit and month of opening: solved in time, asked again, and how they answered before and after';
COMMENT ON COLUMN cx_data.loop_closed.org_unit IS 'code of the unit; NULL for tickets without';
COMMENT ON COLUMN cx_data.loop_closed.cohort IS 'first day of the month in which the tickets were opened, in the program''s time zone';
COMMENT ON COLUMN cx_data.loop_closed.tickets IS 'tickets about a customer';
COMMENT ON COLUMN cx_data.loop_closed.solved IS 'of these solved at present';
COMMENT ON COLUMN cx_data.loop_closed.in_time_share IS 'percent solved in time';
COMMENT ON COLUMN cx_data.loop_closed.asked_share IS 'percent whose customer was asked again';
COMMENT ON COLUMN cx_data.loop_closed.answers IS 'customers who answered';
COMMENT ON COLUMN cx_data.loop_closed.experience_before IS 'mean of the first answers of those with both, each brought to 0 (worst) to 100 (best)';
COMMENT ON COLUMN cx_data.loop_closed.experience_after IS 'mean of their answers to the closing question, likewise';
COMMENT ON COLUMN cx_data.loop_closed.experience_change IS 'mean of the changes';

CREATE OR REPLACE VIEW cx_data.unhandled_detractors WITH (security_invoker = true) AS
SELECT f.feedback_id, c.code AS customer, p.code AS touchpoint, u.code AS org_unit, f.metric, f.score::integer AS score, f.responded_at, extract(epoch FROM cx.as_of() - f.responded_at)::double precision AS age_seconds
FROM cx_data.feedback AS f
JOIN cx_data.metric AS m ON m.code = f.metric
LEFT JOIN cx_data.customer AS c USING (customer_id)
LEFT JOIN cx_data.touchpoint AS p ON p.touchpoint_id = f.touchpoint_id
LEFT JOIN cx_data.org_unit AS u ON u.org_unit_id = f.org_unit_id
WHERE f.kind = 'survey' AND f.responded_at > cx.as_of() - interval '672 hours' AND f.responded_at <= cx.as_of()
	AND CASE m.kind WHEN 'nps' THEN f.score <= 6 ELSE cx.experience_of(f.score, m.scale_min, m.scale_max, m.lower_is_better) < 50 END
	AND NOT EXISTS (SELECT FROM cx_data.ticket AS t WHERE t.feedback_id = f.feedback_id)
	AND NOT EXISTS (SELECT FROM cx_data.ticket AS t WHERE t.customer_id = f.customer_id AND coalesce(t.touchpoint_id = f.touchpoint_id, true) AND coalesce(t.solved_at > f.responded_at, true))
	AND NOT EXISTS (SELECT FROM cx_data.alert AS a JOIN cx_data.ticket AS t USING (ticket_id)
		WHERE a.customer_id = f.customer_id AND coalesce(t.touchpoint_id = f.touchpoint_id, true) AND coalesce(t.solved_at > f.responded_at, true))
ORDER BY f.responded_at, f.feedback_id;
COMMENT ON VIEW cx_data.unhandled_detractors IS 'bad survey answers of the last 28 days (672 hours) that nobody looks after: no ticket is about them, and none about the touchpoint that the customer or an alert of his belongs to was open then or was opened since';
COMMENT ON COLUMN cx_data.unhandled_detractors.feedback_id IS 'key of the feedback; cx_data.feedback_detail tells more';
COMMENT ON COLUMN cx_data.unhandled_detractors.customer IS 'code of the customer; NULL if anonymous';
COMMENT ON COLUMN cx_data.unhandled_detractors.touchpoint IS 'code of the touchpoint; NULL if the relationship as a whole';
COMMENT ON COLUMN cx_data.unhandled_detractors.org_unit IS 'code of the unit that served';
COMMENT ON COLUMN cx_data.unhandled_detractors.metric IS 'code of the metric';
COMMENT ON COLUMN cx_data.unhandled_detractors.score IS 'answer: 0..6 where the metric is of kind nps, else below the middle of the scale';
COMMENT ON COLUMN cx_data.unhandled_detractors.responded_at IS 'when the customer answered';
COMMENT ON COLUMN cx_data.unhandled_detractors.age_seconds IS 'seconds since then';

CREATE OR REPLACE VIEW cx_data.root_cause_pareto WITH (security_invoker = true) AS
WITH RECURSIVE part AS (
	SELECT r.root_cause_id AS whole_id, r.root_cause_id, r.code FROM cx_data.root_cause AS r
	UNION
	SELECT part.whole_id, r.root_cause_id, r.code FROM part JOIN cx_data.root_cause AS r ON r.parent_id = part.root_cause_id
), counted AS (
	SELECT coalesce(o.root_cause, '') AS code, count(*) AS tickets, count(*) FILTER (WHERE o.reopen_count > 0) AS reopened, sum(o.total_seconds) AS seconds
	FROM cx_data.ticket_outcome AS o WHERE o.root_cause IS NOT NULL AND o.opened_at > cx.as_of() - interval '2160 hours' GROUP BY 1
)
SELECT c.code AS root_cause, r.name, w.code AS part_of, u.code AS owner_unit, c.tickets, (SELECT coalesce(sum(b.tickets), 0)::bigint FROM part JOIN counted AS b ON b.code = part.code WHERE part.whole_id = r.root_cause_id) AS tickets_with_parts,
	100.0::double precision * c.tickets / sum(c.tickets) OVER () AS share,
	(100.0 * sum(c.tickets) OVER (ORDER BY c.tickets DESC, c.code) / sum(c.tickets) OVER ())::double precision AS cumulative_share,
	100.0::double precision * c.reopened / NULLIF(c.tickets, 0) AS reopened_share, c.seconds
FROM (SELECT k.code, 0::bigint AS tickets, 0::bigint AS reopened, 0::double precision AS seconds FROM cx_data.root_cause AS k WHERE k.code NOT IN (SELECT code FROM counted)
	UNION ALL SELECT code, tickets, reopened, seconds FROM counted) AS c
LEFT JOIN cx_data.root_cause AS r USING (code)
LEFT JOIN cx_data.root_cause AS w ON w.root_cause_id = r.parent_id
LEFT JOIN cx_data.org_unit AS u ON u.org_unit_id = r.owner_unit_id
WHERE c.tickets > 0 OR EXISTS (SELECT FROM part JOIN counted AS b ON b.code = part.code WHERE part.whole_id = r.root_cause_id)
ORDER BY c.tickets DESC, c.code;
COMMENT ON VIEW cx_data.root_cause_pareto IS 'root causes of the tickets opened in the last 90 days (2160 hours), the most frequent first: what the outer loop is to mend';
COMMENT ON COLUMN cx_data.root_cause_pareto.root_cause IS 'code of the root cause';
COMMENT ON COLUMN cx_data.root_cause_pareto.name IS 'name of the root cause';
COMMENT ON COLUMN cx_data.root_cause_pareto.part_of IS 'code of the more general cause that it is part of';
COMMENT ON COLUMN cx_data.root_cause_pareto.owner_unit IS 'code of the unit that can mend it';
COMMENT ON COLUMN cx_data.root_cause_pareto.tickets IS 'tickets with this cause';
COMMENT ON COLUMN cx_data.root_cause_pareto.tickets_with_parts IS 'the same together with the causes that are part of it';
COMMENT ON COLUMN cx_data.root_cause_pareto.share IS 'percent of all tickets with a cause';
COMMENT ON COLUMN cx_data.root_cause_pareto.cumulative_share IS 'percent of this and all more frequent ones';
COMMENT ON COLUMN cx_data.root_cause_pareto.reopened_share IS 'percent of its tickets that were reopened';
COMMENT ON COLUMN cx_data.root_cause_pareto.seconds IS 'seconds that its tickets took altogether, from opening to the solution or until now';
