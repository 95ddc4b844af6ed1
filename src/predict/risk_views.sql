-- Views of who may leave, and why: signals, risks, and those that rose

CREATE OR REPLACE VIEW cx_data.customer_signal WITH (security_invoker = true) AS
SELECT s.customer_id, r.code AS signal, coalesce(r.name, r.code) AS signal_name, s.happened_at, r.log_odds,
	extract(epoch FROM r.half_life)::double precision AS half_life_seconds,
	cx.decayed_log_odds(r.log_odds, s.happened_at, cx.as_of(), r.half_life) AS present_log_odds
FROM (
	-- of each kind of question the last answer
	SELECT a.customer_id, r.risk_signal_id, a.responded_at AS happened_at
	FROM (
		SELECT DISTINCT ON (f.customer_id, k.kind) f.customer_id, k.kind, f.responded_at,
			CASE WHEN m.kind = 'nps' AND f.score <= 6 THEN 'detractor' WHEN m.kind = 'nps' AND f.score >= 9 THEN 'promoter'
				WHEN m.kind <> 'nps' AND cx.experience_of(f.score, m.scale_min, m.scale_max, m.lower_is_better) < 50
					THEN CASE k.kind WHEN 'effort' THEN 'high_effort' ELSE 'low_score' END END AS source
		FROM cx_data.feedback AS f
		JOIN cx_data.metric AS m ON m.code = f.metric
		CROSS JOIN LATERAL (SELECT CASE WHEN m.kind = 'nps' THEN 'nps' WHEN m.kind = 'ces' OR m.lower_is_better THEN 'effort' ELSE 'satisfaction' END AS kind) AS k
		WHERE f.customer_id IS NOT NULL AND f.kind = 'survey' AND f.score IS NOT NULL AND f.responded_at <= cx.as_of()
		ORDER BY f.customer_id, k.kind, f.responded_at DESC, f.feedback_id DESC
	) AS a
	JOIN cx_data.risk_signal AS r USING (source)
	UNION ALL
	SELECT f.customer_id, r.risk_signal_id, max(f.responded_at)
	FROM cx_data.feedback AS f JOIN cx_data.risk_signal AS r ON r.source = 'complaint'
	WHERE f.customer_id IS NOT NULL AND f.kind = 'complaint' AND f.responded_at <= cx.as_of()
	GROUP BY f.customer_id, r.risk_signal_id
	UNION ALL
	-- what lasts happens now
	SELECT t.customer_id, r.risk_signal_id, max(CASE r.source WHEN 'reopened_ticket' THEN t.reopened_at ELSE cx.as_of() END)
	FROM cx_data.ticket AS t JOIN cx_data.risk_signal AS r ON r.source IN ('unresolved_ticket', 'overdue_ticket', 'reopened_ticket')
	WHERE t.customer_id IS NOT NULL AND t.opened_at <= cx.as_of() AND CASE r.source
		WHEN 'reopened_ticket' THEN t.reopened_at <= cx.as_of()
		ELSE coalesce(t.solved_at > cx.as_of(), true) AND (r.source = 'unresolved_ticket' OR t.resolution_due_at < cx.as_of()) END
	GROUP BY t.customer_id, r.risk_signal_id
	UNION ALL
	(WITH named AS MATERIALIZED (
		-- made first, so that events are looked through once
		SELECT DISTINCT r.risk_signal_id, r.source, r.period, r.threshold, n.name,
			cx.as_of() - CASE r.source WHEN 'event' THEN 10 * r.half_life WHEN 'repeated_event' THEN r.period WHEN 'falling_event' THEN 4 * r.period ELSE '0' END AS after,
			cx.as_of() + CASE r.source WHEN 'coming_event' THEN r.period ELSE '0' END AS until
		FROM cx_data.risk_signal AS r CROSS JOIN LATERAL unnest(r.events) AS n (name)
		WHERE r.enabled AND r.source IN ('event', 'repeated_event', 'coming_event', 'falling_event')
	)
	SELECT e.customer_id, r.risk_signal_id, CASE WHEN min(r.source) IN ('event', 'repeated_event') THEN max(e.occurred_at) ELSE cx.as_of() END
	FROM named AS r JOIN cx_data.event AS e ON e.name = r.name AND e.occurred_at > r.after AND e.occurred_at <= r.until
	WHERE e.customer_id IS NOT NULL
	GROUP BY e.customer_id, r.risk_signal_id
	HAVING CASE min(r.source)
		WHEN 'repeated_event' THEN count(*) >= min(r.threshold)
		-- of fewer than two in each of the periods before, none would be no news
		WHEN 'falling_event' THEN count(*) FILTER (WHERE e.occurred_at <= cx.as_of() - r.period) >= 6
			AND coalesce(sum(coalesce(e.value, 1)) FILTER (WHERE e.occurred_at > cx.as_of() - r.period), 0)
				<= min(r.threshold) / 3 * sum(coalesce(e.value, 1)) FILTER (WHERE e.occurred_at <= cx.as_of() - r.period)
		ELSE true END)
) AS s
JOIN cx_data.risk_signal AS r USING (risk_signal_id)
WHERE r.enabled AND s.happened_at > cx.as_of() - 10 * r.half_life;
COMMENT ON VIEW cx_data.customer_signal IS 'signals that customers may leave, or will stay, at cx.as_of(): of each one the latest time; those of more than ten half-lives ago are forgotten';
COMMENT ON COLUMN cx_data.customer_signal.customer_id IS 'the customer';
COMMENT ON COLUMN cx_data.customer_signal.signal IS 'code of the signal, once for each customer';
COMMENT ON COLUMN cx_data.customer_signal.signal_name IS 'what it is called as a reason';
COMMENT ON COLUMN cx_data.customer_signal.happened_at IS 'when; for what lasts, as a ticket that is not solved, cx.as_of()';
COMMENT ON COLUMN cx_data.customer_signal.log_odds IS 'what it added to the log-odds of leaving when it happened';
COMMENT ON COLUMN cx_data.customer_signal.half_life_seconds IS 'seconds in which that halves';
COMMENT ON COLUMN cx_data.customer_signal.present_log_odds IS 'what is left of it at cx.as_of()';

CREATE OR REPLACE VIEW cx_data.customer_churn_risk WITH (security_invoker = true) AS
SELECT k.customer_id, k.customer, k.customer_name, k.segment, k.org_unit_id, u.code AS org_unit, k.risk,
	CASE WHEN k.risk >= g.high_from THEN 'high' WHEN k.risk >= g.medium_from THEN 'medium' ELSE 'low' END AS band,
	array_to_string(k.reasons, '; ') AS reasons, k.basis,
	rank() OVER (PARTITION BY k.basis ORDER BY k.risk DESC) AS rank, k.scored_at
FROM cx_data.risk_setting AS g
CROSS JOIN LATERAL (
	SELECT c.customer_id, c.code AS customer, c.name AS customer_name, c.segment, c.org_unit_id,
		coalesce(m.risk, s.risk, g.base_rate) AS risk, CASE WHEN m.risk IS NULL THEN s.reasons ELSE m.reasons END AS reasons,
		CASE WHEN m.risk IS NULL THEN 'signals' ELSE format('model %s v%s', m.model, m.version) END AS basis, coalesce(m.scored_at, cx.as_of()) AS scored_at
	FROM cx_data.customer AS c
	LEFT JOIN (cx_data.customer_risk AS m JOIN cx_data.model AS champion ON champion.name = m.model AND champion.version = m.version AND champion.champion)
		ON m.customer_id = c.customer_id AND m.model = g.model AND m.scored_at <= cx.as_of()
	LEFT JOIN (
		-- the log-odds are those of now
		SELECT s.customer_id, cx.churn_risk(s.present_log_odds, cx.as_of(), cx.as_of(), interval '1 day', base.base_rate) AS risk,
			(array_agg(s.signal_name ORDER BY s.present_log_odds DESC, s.signal) FILTER (WHERE s.present_log_odds > 0))[1:3] AS reasons
		FROM cx_data.customer_signal AS s CROSS JOIN cx_data.risk_setting AS base
		GROUP BY s.customer_id
	) AS s ON s.customer_id = c.customer_id
) AS k
LEFT JOIN cx_data.org_unit AS u USING (org_unit_id);
COMMENT ON VIEW cx_data.customer_churn_risk IS 'how likely each customer is to leave at cx.as_of(), and why: as the champion of the model in cx_data.risk_setting scored him last, else by signals. Who sees only a part of his feedback, events and tickets sees a risk by signals of that part';
COMMENT ON COLUMN cx_data.customer_churn_risk.customer_id IS 'key of the customer, unique per row';
COMMENT ON COLUMN cx_data.customer_churn_risk.customer IS 'code of the customer';
COMMENT ON COLUMN cx_data.customer_churn_risk.customer_name IS 'name of the customer';
COMMENT ON COLUMN cx_data.customer_churn_risk.segment IS 'segment of the customer';
COMMENT ON COLUMN cx_data.customer_churn_risk.org_unit_id IS 'unit in charge';
COMMENT ON COLUMN cx_data.customer_churn_risk.org_unit IS 'code of that unit';
COMMENT ON COLUMN cx_data.customer_churn_risk.risk IS 'probability of leaving, 0..1: that of a model is estimated from what happened, that of signals from what experts guess: never rank one with the other';
COMMENT ON COLUMN cx_data.customer_churn_risk.band IS 'low, medium or high, by the limits in cx_data.risk_setting';
COMMENT ON COLUMN cx_data.customer_churn_risk.reasons IS 'up to three that raise the risk most, the strongest first, separated by semicolons';
COMMENT ON COLUMN cx_data.customer_churn_risk.basis IS 'signals, or model with its name and version';
COMMENT ON COLUMN cx_data.customer_churn_risk.rank IS 'place by risk among the customers with the same basis, 1 is the highest risk; in a query for one customer leave it out, or use cx.risk_of_customer()';
COMMENT ON COLUMN cx_data.customer_churn_risk.scored_at IS 'when the model gave it; cx.as_of() for signals';

CREATE OR REPLACE VIEW cx_data.risk_rise WITH (security_invoker = true) AS
SELECT n.customer_id, c.code AS customer, c.name AS customer_name, c.segment, u.code AS org_unit, b.risk AS risk_before, n.risk, n.risk - b.risk AS rise,
	CASE WHEN b.risk >= g.high_from THEN 'high' WHEN b.risk >= g.medium_from THEN 'medium' ELSE 'low' END AS band_before,
	CASE WHEN n.risk >= g.high_from THEN 'high' WHEN n.risk >= g.medium_from THEN 'medium' ELSE 'low' END AS band,
	array_to_string(ARRAY(SELECT r.reason FROM unnest(n.reasons) WITH ORDINALITY AS r (reason, place) WHERE r.reason <> ALL (b.reasons) ORDER BY r.place), '; ') AS new_reasons,
	array_to_string(n.reasons, '; ') AS reasons, CASE WHEN n.model IS NULL THEN 'signals' ELSE format('model %s v%s', n.model, n.version) END AS basis,
	b.scored_at AS scored_before_at, n.scored_at
FROM (
	SELECT DISTINCT ON (h.customer_id) h.* FROM cx_data.risk_history AS h WHERE h.scored_at <= cx.as_of()
	ORDER BY h.customer_id, h.scored_at DESC, h.risk_history_id DESC
) AS n
CROSS JOIN LATERAL (
	-- as it was 28 days ago, else as it was first since
	SELECT h.risk, h.reasons, h.scored_at
	FROM cx_data.risk_history AS h
	WHERE h.customer_id = n.customer_id AND h.model IS NOT DISTINCT FROM n.model AND h.version IS NOT DISTINCT FROM n.version AND h.scored_at < n.scored_at
	ORDER BY h.scored_at > cx.as_of() - interval '672 hours', abs(extract(epoch FROM h.scored_at - (cx.as_of() - interval '672 hours'))), h.risk_history_id
	LIMIT 1
) AS b
JOIN cx_data.customer AS c ON c.customer_id = n.customer_id
LEFT JOIN cx_data.org_unit AS u ON u.org_unit_id = c.org_unit_id
CROSS JOIN cx_data.risk_setting AS g
WHERE n.scored_at > cx.as_of() - interval '672 hours' AND n.risk > b.risk;
COMMENT ON VIEW cx_data.risk_rise IS 'customers whose risk rose in the last 28 days, and why: risk_history at cx.as_of() against 28 days before, or the first since, on the same basis';
COMMENT ON COLUMN cx_data.risk_rise.customer_id IS 'key of the customer, unique per row';
COMMENT ON COLUMN cx_data.risk_rise.customer IS 'code of the customer';
COMMENT ON COLUMN cx_data.risk_rise.customer_name IS 'name of the customer';
COMMENT ON COLUMN cx_data.risk_rise.segment IS 'segment of the customer';
COMMENT ON COLUMN cx_data.risk_rise.org_unit IS 'code of the unit in charge';
COMMENT ON COLUMN cx_data.risk_rise.risk_before IS 'risk before, 0..1';
COMMENT ON COLUMN cx_data.risk_rise.risk IS 'risk now, 0..1';
COMMENT ON COLUMN cx_data.risk_rise.rise IS 'risk minus risk_before';
COMMENT ON COLUMN cx_data.risk_rise.band_before IS 'low, medium or high, before';
COMMENT ON COLUMN cx_data.risk_rise.band IS 'low, medium or high, now';
COMMENT ON COLUMN cx_data.risk_rise.new_reasons IS 'reasons that were not among those before, the strongest first; of a model also those whose value changed';
COMMENT ON COLUMN cx_data.risk_rise.reasons IS 'all reasons now';
COMMENT ON COLUMN cx_data.risk_rise.basis IS 'signals, or model with its name and version';
COMMENT ON COLUMN cx_data.risk_rise.scored_before_at IS 'when the risk before was noted';
COMMENT ON COLUMN cx_data.risk_rise.scored_at IS 'when the risk now was noted';

