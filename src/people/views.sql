-- View of customers: what is known of each, in one row
--
-- Everything but the customer comes from LATERAL subqueries on indexes, so
-- one customer takes about a millisecond, and what is not asked for nothing.

CREATE OR REPLACE VIEW cx_data.customer_profile WITH (security_invoker = true) AS
SELECT c.customer_id, c.code, c.name, c.segment, u.code AS org_unit, u.name AS org_unit_name, carried.tags,
	said.last_nps_score, said.last_nps_at,
	said.last_csat_score, said.last_csat_metric, said.last_csat_at,
	said.last_ces_score, said.last_ces_metric, said.last_ces_at,
	said.feedback_count, said.experience, said.experience_before,
	said.experience - said.experience_before AS feedback_trend,
	said.complaint_90_day_count, problem.problem_touchpoints,
	happened.event_30_day_count, happened.event_90_day_count,
	latest.last_event, latest.last_event_at, latest.recent_events,
	least(c.first_seen_at, said.first_feedback_at, latest.first_event_at) AS first_seen_at, greatest(said.last_feedback_at, latest.last_event_at) AS last_seen_at
FROM cx_data.customer AS c
LEFT JOIN cx_data.org_unit AS u USING (org_unit_id)
LEFT JOIN LATERAL (
	SELECT string_agg(DISTINCT t.code, ', ' ORDER BY t.code) AS tags
	FROM cx_data.customer_tag AS g JOIN cx_data.tag AS t USING (tag_id)
	WHERE g.customer_id = c.customer_id AND g.valid_from <= cx.as_of() AND (g.valid_until > cx.as_of() OR g.valid_until IS NULL)
) AS carried ON true
LEFT JOIN LATERAL (
	SELECT count(*) AS feedback_count, min(responded_at) AS first_feedback_at, max(responded_at) AS last_feedback_at,
		max(responded_at) FILTER (WHERE formula = 'nps') AS last_nps_at,
		(array_agg(score ORDER BY recency) FILTER (WHERE formula = 'nps'))[1] AS last_nps_score,
		max(responded_at) FILTER (WHERE formula = 'csat') AS last_csat_at,
		(array_agg(score ORDER BY recency) FILTER (WHERE formula = 'csat'))[1] AS last_csat_score,
		(array_agg(metric ORDER BY recency) FILTER (WHERE formula = 'csat'))[1] AS last_csat_metric,
		max(responded_at) FILTER (WHERE formula = 'ces') AS last_ces_at,
		(array_agg(score ORDER BY recency) FILTER (WHERE formula = 'ces'))[1] AS last_ces_score,
		(array_agg(metric ORDER BY recency) FILTER (WHERE formula = 'ces'))[1] AS last_ces_metric,
		avg(experience) FILTER (WHERE age < 90 * interval '24 hours') AS experience,
		avg(experience) FILTER (WHERE age >= 90 * interval '24 hours' AND age < 180 * interval '24 hours') AS experience_before,
		count(*) FILTER (WHERE kind = 'complaint' AND age < 90 * interval '24 hours') AS complaint_90_day_count
	FROM (
		SELECT f.kind, f.metric, f.score::integer AS score, f.responded_at, cx.as_of() - f.responded_at AS age,
			row_number() OVER (ORDER BY f.responded_at DESC, f.feedback_id DESC) AS recency,
			m.kind AS formula, cx.experience_of(f.score, m.scale_min, m.scale_max, m.lower_is_better) AS experience
		FROM cx_data.feedback AS f
		LEFT JOIN cx_data.metric AS m ON m.code = f.metric AND f.kind = 'survey' AND f.score IS NOT NULL
		WHERE f.customer_id = c.customer_id AND f.responded_at <= cx.as_of()
	) AS f
) AS said ON true
LEFT JOIN LATERAL (
	SELECT string_agg(coalesce(t.name, t.code), ', ' ORDER BY t.code) AS problem_touchpoints
	FROM (
		SELECT DISTINCT ON (touchpoint_id) touchpoint_id, metric, score
		FROM cx_data.feedback
		WHERE customer_id = c.customer_id AND responded_at <= cx.as_of() AND responded_at > cx.as_of() - 90 * interval '24 hours'
			AND kind = 'survey' AND score IS NOT NULL
		ORDER BY touchpoint_id, responded_at DESC, feedback_id DESC
	) AS f
	JOIN cx_data.touchpoint AS t USING (touchpoint_id)
	JOIN cx_data.metric AS m ON m.code = f.metric
	WHERE CASE WHEN m.kind = 'nps' THEN f.score <= 6
		ELSE cx.experience_of(f.score, m.scale_min, m.scale_max, m.lower_is_better) < 50 END
) AS problem ON true
LEFT JOIN LATERAL (
	SELECT count(*) AS event_90_day_count,
		count(*) FILTER (WHERE occurred_at > cx.as_of() - 30 * interval '24 hours') AS event_30_day_count
	FROM cx_data.event
	WHERE customer_id = c.customer_id AND occurred_at <= cx.as_of() AND occurred_at > cx.as_of() - 90 * interval '24 hours'
) AS happened ON true
LEFT JOIN LATERAL (
	SELECT max(occurred_at) AS last_event_at,
		(SELECT min(e.occurred_at) FROM cx_data.event AS e WHERE e.customer_id = c.customer_id AND e.occurred_at <= cx.as_of()) AS first_event_at,
		(array_agg(name ORDER BY occurred_at DESC, event_id DESC))[1] AS last_event,
		string_agg(name, ', ' ORDER BY occurred_at DESC, event_id DESC) AS recent_events
	FROM (
		SELECT name, occurred_at, event_id
		FROM cx_data.event
		WHERE customer_id = c.customer_id AND occurred_at <= cx.as_of()
		ORDER BY occurred_at DESC, event_id DESC LIMIT 5
	) AS e
) AS latest ON true;
COMMENT ON VIEW cx_data.customer_profile IS 'what is known of each customer at cx.as_of(), in one row; customer_timeline(code) tells the story';
COMMENT ON COLUMN cx_data.customer_profile.customer_id IS 'key of the customer, unique per row';
COMMENT ON COLUMN cx_data.customer_profile.code IS 'what the operational systems call this customer';
COMMENT ON COLUMN cx_data.customer_profile.name IS 'name of the customer';
COMMENT ON COLUMN cx_data.customer_profile.segment IS 'customer segment, such as consumer or business';
COMMENT ON COLUMN cx_data.customer_profile.org_unit IS 'code of the unit in charge';
COMMENT ON COLUMN cx_data.customer_profile.org_unit_name IS 'name of the unit in charge';
COMMENT ON COLUMN cx_data.customer_profile.tags IS 'codes of the tags carried, separated by commas';
COMMENT ON COLUMN cx_data.customer_profile.last_nps_score IS 'last answer to a metric of kind nps, 0..10';
COMMENT ON COLUMN cx_data.customer_profile.last_nps_at IS 'when that was';
COMMENT ON COLUMN cx_data.customer_profile.last_csat_score IS 'last answer to a metric of kind csat, on the scale of last_csat_metric';
COMMENT ON COLUMN cx_data.customer_profile.last_csat_metric IS 'code of that metric';
COMMENT ON COLUMN cx_data.customer_profile.last_csat_at IS 'when that was';
COMMENT ON COLUMN cx_data.customer_profile.last_ces_score IS 'last answer to a metric of kind ces, on the scale of last_ces_metric';
COMMENT ON COLUMN cx_data.customer_profile.last_ces_metric IS 'code of that metric';
COMMENT ON COLUMN cx_data.customer_profile.last_ces_at IS 'when that was';
COMMENT ON COLUMN cx_data.customer_profile.feedback_count IS 'feedback of all kinds';
COMMENT ON COLUMN cx_data.customer_profile.experience IS 'mean of the survey answers of the last 90 days, each brought from its scale to 0 (worst) to 100 (best); NULL if none';
COMMENT ON COLUMN cx_data.customer_profile.experience_before IS 'the same of the 90 days before';
COMMENT ON COLUMN cx_data.customer_profile.feedback_trend IS 'experience minus experience_before, -100..100; NULL if there is nothing to compare';
COMMENT ON COLUMN cx_data.customer_profile.complaint_90_day_count IS 'complaints of the last 90 days';
COMMENT ON COLUMN cx_data.customer_profile.problem_touchpoints IS 'touchpoints that this customer last scored badly (NPS 0..6, else below the middle of the scale) in the last 90 days, separated by commas';
COMMENT ON COLUMN cx_data.customer_profile.event_30_day_count IS 'events of the last 30 days';
COMMENT ON COLUMN cx_data.customer_profile.event_90_day_count IS 'events of the last 90 days';
COMMENT ON COLUMN cx_data.customer_profile.last_event IS 'name of the last event';
COMMENT ON COLUMN cx_data.customer_profile.last_event_at IS 'when that was';
COMMENT ON COLUMN cx_data.customer_profile.recent_events IS 'names of the last five events, the latest first, separated by commas';
COMMENT ON COLUMN cx_data.customer_profile.first_seen_at IS 'time of the earliest feedback or event, or of adding the customer, whichever came first';
COMMENT ON COLUMN cx_data.customer_profile.last_seen_at IS 'time of the latest feedback or event; NULL if none';
