-- View of agents: what customers say of their work, fairly compared
--
-- Who answers the hard cases gets the worse scores, so each agent is compared
-- with what the whole team got on the same mix of cases (indirect
-- standardisation): expected is the sum over touchpoint, segment and root cause
-- of the agent's answers times the team's rate there.  The variance of the
-- difference takes into account that the agent is part of the team; with rate
-- r and N answers of the team, and n of the agent, a stratum adds
-- n (1 - n/N) r (1 - r).  Differences are shrunk towards nought by how much of
-- their spread chance explains: the variance between agents is that of
-- DerSimonian and Laird, Meta-analysis in clinical trials (1986).

CREATE OR REPLACE VIEW cx_data.agent_scorecard WITH (security_invoker = true) AS
WITH
since AS (
	SELECT p.time_zone, cx.day_start((date_trunc('month', cx.as_of() AT TIME ZONE p.time_zone) - interval '12 months')::date, p.time_zone) AS at FROM cx_data.program AS p
),
answer AS (
	SELECT date_trunc('month', f.responded_at AT TIME ZONE s.time_zone)::date AS period, f.staff_id, f.touchpoint_id, c.segment, t.root_cause, (f.score >= m.satisfied_from)::integer AS satisfied
	FROM since AS s
	JOIN cx_data.feedback AS f ON f.responded_at >= s.at AND f.responded_at <= cx.as_of()
	JOIN cx_data.metric AS m ON m.code = f.metric AND m.kind = 'csat'
	LEFT JOIN cx_data.customer AS c USING (customer_id)
	LEFT JOIN LATERAL (SELECT k.root_cause FROM cx_data.ticket AS k WHERE k.feedback_id = f.feedback_id ORDER BY k.ticket_id LIMIT 1) AS t ON true
	WHERE f.kind = 'survey' AND f.staff_id IS NOT NULL AND f.score IS NOT NULL
	UNION ALL
	SELECT date_trunc('month', t.followup_at AT TIME ZONE s.time_zone)::date, t.staff_id, t.touchpoint_id, c.segment, t.root_cause, (t.followup_score >= m.satisfied_from)::integer
	FROM since AS s
	JOIN cx_data.ticket AS t ON t.followup_at >= s.at AND t.followup_at <= cx.as_of()
	JOIN cx_data.metric AS m ON m.code = t.followup_metric AND m.kind = 'csat'
	LEFT JOIN cx_data.customer AS c USING (customer_id)
	WHERE t.staff_id IS NOT NULL AND t.followup_score IS NOT NULL
),
stratum AS (
	SELECT a.period, a.staff_id, count(*) AS responses, sum(a.satisfied) AS satisfied,
		sum(count(*)) OVER alike AS team_responses, (sum(sum(a.satisfied)) OVER alike)::double precision / (sum(count(*)) OVER alike)::double precision AS rate
	FROM answer AS a
	GROUP BY a.period, a.staff_id, a.touchpoint_id, a.segment, a.root_cause
	WINDOW alike AS (PARTITION BY a.period, a.touchpoint_id, a.segment, a.root_cause)
),
agent AS (
	SELECT s.period, s.staff_id, sum(s.responses)::bigint AS responses, (100 * sum(s.satisfied) / sum(s.responses))::double precision AS csat, 100 * sum(s.responses * s.rate) / sum(s.responses)::double precision AS expected,
		100 * sqrt(sum(s.responses * (1 - s.responses / s.team_responses) * s.rate * (1 - s.rate))) / sum(s.responses)::double precision AS std_error
	FROM stratum AS s GROUP BY s.period, s.staff_id
),
tested AS (
	SELECT a.period, a.staff_id, a.responses, a.csat, a.expected, a.csat - a.expected AS difference, NULLIF(a.std_error, 0) AS std_error, a.responses >= cx.min_responses() AS is_enough,
		CASE WHEN a.std_error > 0 THEN ROW(a.csat, a.std_error, 0, 0, a.responses, a.responses)::cx.estimate OPERATOR(cx.-) ROW(a.expected, 0, 0, 0, a.responses, a.responses)::cx.estimate END AS change
	FROM agent AS a
),
spread AS (
	SELECT w.period, greatest(0, (sum(w.weight * (w.difference - w.mean) ^ 2) - (count(*) - 1)) / NULLIF(sum(w.weight) - sum(w.weight ^ 2) / sum(w.weight), 0)) AS variance
	FROM (
		SELECT t.period, t.difference, t.std_error ^ (-2) AS weight, sum(t.difference * t.std_error ^ (-2)) OVER month / sum(t.std_error ^ (-2)) OVER month AS mean
		FROM tested AS t WHERE t.std_error IS NOT NULL WINDOW month AS (PARTITION BY t.period)
	) AS w
	GROUP BY w.period
),
judged AS (
	SELECT t.period, t.staff_id, t.responses, t.csat, t.expected, t.difference, (t.change).lower, (t.change).upper, t.is_enough,
		cx.fdr(CASE WHEN t.is_enough THEN (t.change).p_value END) OVER (PARTITION BY t.period) AS q_value,
		t.difference * coalesce(s.variance / (s.variance + t.std_error ^ 2), 0) AS shrunk_difference
	FROM tested AS t LEFT JOIN spread AS s USING (period)
),
handled AS (
	SELECT date_trunc('month', o.solved_at AT TIME ZONE s.time_zone)::date AS period, o.staff_id, count(*) AS handled, 100.0::double precision * count(*) FILTER (WHERE o.reopen_count > 0) / count(*) AS reopened_share,
		100.0::double precision * count(*) FILTER (WHERE o.first_contact_resolved) / NULLIF(count(o.first_contact_resolved), 0) AS first_contact_share,
		percentile_cont(0.5) WITHIN GROUP (ORDER BY o.ours_seconds) AS median_handling_seconds
	FROM since AS s JOIN cx_data.ticket_outcome AS o ON o.solved_at >= s.at AND o.solved_at <= cx.as_of()
	WHERE o.staff_id IS NOT NULL
	GROUP BY 1, 2
)
SELECT period, k.code AS staff, k.name AS staff_name, u.code AS org_unit, coalesce(j.responses, 0) AS responses, j.csat, j.expected, j.difference, j.lower, j.upper, j.q_value, j.shrunk_difference,
	CASE WHEN j.is_enough THEN rank() OVER (PARTITION BY period, j.is_enough ORDER BY j.shrunk_difference DESC) END AS rank,
	coalesce(h.handled, 0) AS handled, h.reopened_share, h.first_contact_share, h.median_handling_seconds
FROM judged AS j
FULL JOIN handled AS h USING (period, staff_id)
JOIN cx_data.staff AS k USING (staff_id)
LEFT JOIN cx_data.org_unit AS u ON u.org_unit_id = k.org_unit_id
ORDER BY period, rank, k.code;
COMMENT ON VIEW cx_data.agent_scorecard IS 'agents by month, the present one and the 12 before: satisfaction against what the whole team got on the same mix of touchpoint, segment and root cause, and how they handle tickets';
COMMENT ON COLUMN cx_data.agent_scorecard.period IS 'first day of the month, in the program''s time zone';
COMMENT ON COLUMN cx_data.agent_scorecard.staff IS 'code of the agent';
COMMENT ON COLUMN cx_data.agent_scorecard.staff_name IS 'name of the agent';
COMMENT ON COLUMN cx_data.agent_scorecard.org_unit IS 'code of the unit that the agent works for';
COMMENT ON COLUMN cx_data.agent_scorecard.responses IS 'answers to metrics of kind csat: survey answers that name the agent, and closing questions of tickets';
COMMENT ON COLUMN cx_data.agent_scorecard.csat IS 'percent satisfied';
COMMENT ON COLUMN cx_data.agent_scorecard.expected IS 'percent that the whole team would have got on the same mix of touchpoint, segment and root cause';
COMMENT ON COLUMN cx_data.agent_scorecard.difference IS 'csat minus expected, in points';
COMMENT ON COLUMN cx_data.agent_scorecard.lower IS 'lower end of its 95 % interval';
COMMENT ON COLUMN cx_data.agent_scorecard.upper IS 'upper end';
COMMENT ON COLUMN cx_data.agent_scorecard.q_value IS 'p value of the difference, for all agents of the month together (Benjamini-Hochberg); NULL below cx.min_responses answers';
COMMENT ON COLUMN cx_data.agent_scorecard.shrunk_difference IS 'difference without what chance explains of it: best guess of the agent''s own part';
COMMENT ON COLUMN cx_data.agent_scorecard.rank IS 'place in the month by shrunk_difference; NULL below cx.min_responses answers';
COMMENT ON COLUMN cx_data.agent_scorecard.handled IS 'tickets solved';
COMMENT ON COLUMN cx_data.agent_scorecard.reopened_share IS 'percent of these that were reopened';
COMMENT ON COLUMN cx_data.agent_scorecard.first_contact_share IS 'percent solved at first contact, of those solved at least 7 days ago';
COMMENT ON COLUMN cx_data.agent_scorecard.median_handling_seconds IS 'median of the seconds that tickets were up to us';
