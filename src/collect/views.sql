-- Views of answers: live tallies, by day, and the last 28 full days against the 28 before
--
-- What is folded stands in tally_hourly and tally_daily, what came since in
-- tally_delta.  Hours and days are those of the unit's time zone, else of the
-- program's, never of the session's.

CREATE OR REPLACE VIEW cx_data.tally_live WITH (security_invoker = true) AS
SELECT touchpoint_id, org_unit_id, hour, metric, tally
FROM (
	SELECT touchpoint_id, org_unit_id, hour, metric,
		coalesce(cx.tally(added) OPERATOR(cx.-) cx.tally(removed), cx.tally(added)) AS tally
	FROM (
		SELECT touchpoint_id, org_unit_id, hour, metric, tally AS added, NULL::cx.tally AS removed
		FROM cx_data.tally_hourly
		UNION ALL
		SELECT touchpoint_id, org_unit_id, hour, metric, added, removed
		FROM cx_data.tally_delta
	) AS counted
	GROUP BY touchpoint_id, org_unit_id, hour, metric
) AS summed
WHERE cx.responses(tally) > 0;
COMMENT ON VIEW cx_data.tally_live IS 'survey answers counted by touchpoint, unit, hour and metric, exact at every moment';
COMMENT ON COLUMN cx_data.tally_live.touchpoint_id IS 'touchpoint answered about; NULL if the relationship as a whole';
COMMENT ON COLUMN cx_data.tally_live.org_unit_id IS 'unit that served; NULL if unknown';
COMMENT ON COLUMN cx_data.tally_live.hour IS 'start of the hour in the time zone of the unit, else of the program';
COMMENT ON COLUMN cx_data.tally_live.metric IS 'code of the metric';
COMMENT ON COLUMN cx_data.tally_live.tally IS 'answers per score';

CREATE OR REPLACE VIEW cx_data.tally_recent WITH (security_invoker = true) AS
WITH
program AS (
	SELECT (cx.as_of() AT TIME ZONE time_zone)::date AS today FROM cx_data.program
),
unit AS MATERIALIZED (
	SELECT org_unit_id, (cx.as_of() AT TIME ZONE time_zone)::date AS today FROM cx_data.org_unit WHERE time_zone IS NOT NULL
),
counted AS (
	SELECT touchpoint_id, org_unit_id, day, metric, tally AS added, NULL::cx.tally AS removed
	FROM cx_data.tally_daily
	UNION ALL
	SELECT touchpoint_id, org_unit_id, day, metric, added, removed
	FROM cx_data.tally_delta
),
summed AS (
	SELECT c.touchpoint_id, c.org_unit_id, c.metric, c.day >= coalesce(u.today, (SELECT today FROM program)) - 28 AS after,
		coalesce(cx.tally(c.added) OPERATOR(cx.-) cx.tally(c.removed), cx.tally(c.added)) AS tally
	FROM counted AS c
	LEFT JOIN unit AS u USING (org_unit_id)
	WHERE c.day >= (cx.as_of() AT TIME ZONE 'UTC')::date - 58	-- earlier than in any zone, for the index
		AND c.day >= coalesce(u.today, (SELECT today FROM program)) - 56
		AND c.day < coalesce(u.today, (SELECT today FROM program))
	GROUP BY 1, 2, 3, 4
)
SELECT touchpoint_id, org_unit_id, metric,
	cx.tally(tally) FILTER (WHERE after) AS tally,
	cx.tally(tally) FILTER (WHERE NOT after) AS tally_before
FROM summed WHERE cx.responses(tally) > 0
GROUP BY touchpoint_id, org_unit_id, metric;
COMMENT ON VIEW cx_data.tally_recent IS 'survey answers counted by touchpoint, unit and metric: last 28 full days before that of cx.as_of(), and the 28 before; days are local';
COMMENT ON COLUMN cx_data.tally_recent.touchpoint_id IS 'touchpoint answered about; NULL if the relationship as a whole';
COMMENT ON COLUMN cx_data.tally_recent.org_unit_id IS 'unit that served; NULL if unknown';
COMMENT ON COLUMN cx_data.tally_recent.metric IS 'code of the metric';
COMMENT ON COLUMN cx_data.tally_recent.tally IS 'answers per score, last 28 full days; NULL if none';
COMMENT ON COLUMN cx_data.tally_recent.tally_before IS 'answers per score, the 28 days before these; NULL if none';

CREATE OR REPLACE VIEW cx_data.tally_live_daily WITH (security_invoker = true) AS
SELECT day, touchpoint_id, org_unit_id, metric, tally
FROM (
	SELECT day, touchpoint_id, org_unit_id, metric,
		coalesce(cx.tally(added) OPERATOR(cx.-) cx.tally(removed), cx.tally(added)) AS tally
	FROM (
		SELECT day, touchpoint_id, org_unit_id, metric, tally AS added, NULL::cx.tally AS removed
		FROM cx_data.tally_daily
		UNION ALL
		SELECT day, touchpoint_id, org_unit_id, metric, added, removed
		FROM cx_data.tally_delta
	) AS counted
	GROUP BY day, touchpoint_id, org_unit_id, metric
) AS summed
WHERE cx.responses(tally) > 0;
COMMENT ON VIEW cx_data.tally_live_daily IS 'survey answers counted by local day, touchpoint, unit and metric';
COMMENT ON COLUMN cx_data.tally_live_daily.day IS 'day in the time zone of the unit, else of the program';
COMMENT ON COLUMN cx_data.tally_live_daily.touchpoint_id IS 'touchpoint answered about; NULL if the relationship as a whole';
COMMENT ON COLUMN cx_data.tally_live_daily.org_unit_id IS 'unit that served; NULL if unknown';
COMMENT ON COLUMN cx_data.tally_live_daily.metric IS 'code of the metric';
COMMENT ON COLUMN cx_data.tally_live_daily.tally IS 'answers per score';

CREATE OR REPLACE VIEW cx_data.touchpoint_daily WITH (security_invoker = true) AS
SELECT d.day,
	cx.day_start(d.day, (SELECT time_zone FROM cx_data.program)) AS starts_at,
	d.touchpoint_id, t.code AS touchpoint, t.name AS touchpoint_name,
	d.metric, m.name AS metric_name,
	e.value, e.lower, e.upper, cx.responses(d.tally) AS responses
FROM (SELECT day, touchpoint_id, metric, cx.tally(tally) AS tally FROM cx_data.tally_live_daily GROUP BY day, touchpoint_id, metric) AS d
LEFT JOIN cx_data.touchpoint AS t USING (touchpoint_id)
LEFT JOIN cx_data.metric AS m ON m.code = d.metric
CROSS JOIN LATERAL cx.estimate_of(m.kind, m.satisfied_from, d.tally) AS e;
COMMENT ON VIEW cx_data.touchpoint_daily IS 'scores by local day, touchpoint and metric, all units together';
COMMENT ON COLUMN cx_data.touchpoint_daily.day IS 'day in the time zone of the unit that served, else of the program';
COMMENT ON COLUMN cx_data.touchpoint_daily.starts_at IS 'start of the day in the time zone of the program';
COMMENT ON COLUMN cx_data.touchpoint_daily.touchpoint_id IS 'touchpoint answered about; NULL if the relationship as a whole';
COMMENT ON COLUMN cx_data.touchpoint_daily.touchpoint IS 'code of the touchpoint';
COMMENT ON COLUMN cx_data.touchpoint_daily.touchpoint_name IS 'name of the touchpoint';
COMMENT ON COLUMN cx_data.touchpoint_daily.metric IS 'code of the metric';
COMMENT ON COLUMN cx_data.touchpoint_daily.metric_name IS 'name of the metric';
COMMENT ON COLUMN cx_data.touchpoint_daily.value IS 'score in the unit of the metric: NPS in points, CSAT in percent, or a mean; not to be summed or averaged over days';
COMMENT ON COLUMN cx_data.touchpoint_daily.lower IS 'lower end of the 95 % interval of the value';
COMMENT ON COLUMN cx_data.touchpoint_daily.upper IS 'upper end of the 95 % interval of the value';
COMMENT ON COLUMN cx_data.touchpoint_daily.responses IS 'answers counted';

CREATE OR REPLACE VIEW cx_data.unit_daily WITH (security_invoker = true) AS
SELECT d.day,
	cx.day_start(d.day, coalesce(u.time_zone, (SELECT time_zone FROM cx_data.program))) AS starts_at,
	d.org_unit_id, u.code AS org_unit, u.name AS org_unit_name, u.tier,
	d.metric, m.name AS metric_name,
	e.value, e.lower, e.upper, cx.responses(d.tally) AS responses
FROM (SELECT day, org_unit_id, metric, cx.tally(tally) AS tally FROM cx_data.tally_live_daily GROUP BY day, org_unit_id, metric) AS d
LEFT JOIN cx_data.org_unit AS u USING (org_unit_id)
LEFT JOIN cx_data.metric AS m ON m.code = d.metric
CROSS JOIN LATERAL cx.estimate_of(m.kind, m.satisfied_from, d.tally) AS e;
COMMENT ON VIEW cx_data.unit_daily IS 'scores by local day, unit and metric: the unit''s own answers, without the units below it';
COMMENT ON COLUMN cx_data.unit_daily.day IS 'day in the time zone of the unit, else of the program';
COMMENT ON COLUMN cx_data.unit_daily.starts_at IS 'start of the day in that time zone';
COMMENT ON COLUMN cx_data.unit_daily.org_unit_id IS 'unit that served; NULL if unknown';
COMMENT ON COLUMN cx_data.unit_daily.org_unit IS 'code of the unit';
COMMENT ON COLUMN cx_data.unit_daily.org_unit_name IS 'name of the unit';
COMMENT ON COLUMN cx_data.unit_daily.tier IS 'level in the organisation, 1 is the group';
COMMENT ON COLUMN cx_data.unit_daily.metric IS 'code of the metric';
COMMENT ON COLUMN cx_data.unit_daily.metric_name IS 'name of the metric';
COMMENT ON COLUMN cx_data.unit_daily.value IS 'score in the unit of the metric: NPS in points, CSAT in percent, or a mean; not to be summed or averaged over days';
COMMENT ON COLUMN cx_data.unit_daily.lower IS 'lower end of the 95 % interval of the value';
COMMENT ON COLUMN cx_data.unit_daily.upper IS 'upper end of the 95 % interval of the value';
COMMENT ON COLUMN cx_data.unit_daily.responses IS 'answers counted';

CREATE OR REPLACE VIEW cx_data.touchpoint_score WITH (security_invoker = true) AS
WITH compared AS (
	SELECT r.touchpoint_id, r.metric, m.name AS metric_name, m.lower_is_better, c.*,
		least(c.responses, c.responses_before) >= cx.min_responses() AS comparable
	FROM (SELECT touchpoint_id, metric, cx.tally(tally) AS tally, cx.tally(tally_before) AS tally_before
		FROM cx_data.tally_recent GROUP BY touchpoint_id, metric) AS r
	LEFT JOIN cx_data.metric AS m ON m.code = r.metric
	CROSS JOIN LATERAL cx.compare(m.kind, m.satisfied_from, r.tally_before, r.tally) AS c
),
tested AS (
	SELECT *, cx.fdr(CASE WHEN comparable THEN p_value END) OVER (PARTITION BY metric) AS q_value
	FROM compared
)
SELECT s.touchpoint_id, t.code AS touchpoint, t.name AS touchpoint_name, s.metric, s.metric_name,
	s.value, s.lower, s.upper, s.responses, s.value_before, s.responses_before,
	s.change, s.change_lower, s.change_upper, s.p_value, s.q_value,
	coalesce(s.q_value < 0.05, false) AS significant,
	cx.verdict(s.change, s.q_value, s.comparable, s.lower_is_better) AS verdict
FROM tested AS s
LEFT JOIN cx_data.touchpoint AS t USING (touchpoint_id);
COMMENT ON VIEW cx_data.touchpoint_score IS 'scores by touchpoint and metric, all units together: last 28 full days before that of cx.as_of(), against the 28 before';
COMMENT ON COLUMN cx_data.touchpoint_score.touchpoint_id IS 'touchpoint answered about; NULL if the relationship as a whole';
COMMENT ON COLUMN cx_data.touchpoint_score.touchpoint IS 'code of the touchpoint';
COMMENT ON COLUMN cx_data.touchpoint_score.touchpoint_name IS 'name of the touchpoint';
COMMENT ON COLUMN cx_data.touchpoint_score.metric IS 'code of the metric';
COMMENT ON COLUMN cx_data.touchpoint_score.metric_name IS 'name of the metric';
COMMENT ON COLUMN cx_data.touchpoint_score.value IS 'score of the last 28 full days, in the unit of the metric: NPS in points, CSAT in percent, or a mean';
COMMENT ON COLUMN cx_data.touchpoint_score.lower IS 'lower end of the 95 % interval of the value';
COMMENT ON COLUMN cx_data.touchpoint_score.upper IS 'upper end of the 95 % interval of the value';
COMMENT ON COLUMN cx_data.touchpoint_score.responses IS 'answers of the last 28 full days';
COMMENT ON COLUMN cx_data.touchpoint_score.value_before IS 'score of the 28 days before these';
COMMENT ON COLUMN cx_data.touchpoint_score.responses_before IS 'answers of the 28 days before';
COMMENT ON COLUMN cx_data.touchpoint_score.change IS 'value minus value_before, in the unit of the metric';
COMMENT ON COLUMN cx_data.touchpoint_score.change_lower IS 'lower end of the 95 % interval of the change';
COMMENT ON COLUMN cx_data.touchpoint_score.change_upper IS 'upper end of the 95 % interval of the change';
COMMENT ON COLUMN cx_data.touchpoint_score.p_value IS 'p-value of the change by itself, 0..1';
COMMENT ON COLUMN cx_data.touchpoint_score.q_value IS 'p-value adjusted for the false discovery rate over the touchpoints of the metric that have at least cx.min_responses answers in both periods; NULL for the others';
COMMENT ON COLUMN cx_data.touchpoint_score.significant IS 'whether q_value is below 0.05';
COMMENT ON COLUMN cx_data.touchpoint_score.verdict IS 'better, worse, no clear change, or too few: fewer than cx.min_responses answers in one of the periods';

CREATE OR REPLACE VIEW cx_data.unit_score WITH (security_invoker = true) AS
WITH RECURSIVE below (org_unit_id, top_id) AS (
	SELECT org_unit_id, org_unit_id FROM cx_data.org_unit
	UNION	-- not ALL, so a circle of parents comes to an end
	SELECT below.org_unit_id, u.parent_id
	FROM below JOIN cx_data.org_unit AS u ON u.org_unit_id = below.top_id
	WHERE u.parent_id IN (SELECT org_unit_id FROM cx_data.org_unit)	-- a parent that row security hides has no score
),
compared AS (
	SELECT r.org_unit_id, r.metric, m.name AS metric_name, m.lower_is_better, c.*,
		least(c.responses, c.responses_before) >= cx.min_responses() AS comparable
	FROM (SELECT coalesce(below.top_id, org_unit_id) AS org_unit_id, metric, cx.tally(tally) AS tally, cx.tally(tally_before) AS tally_before
		FROM (SELECT org_unit_id, metric, cx.tally(tally) AS tally, cx.tally(tally_before) AS tally_before
			FROM cx_data.tally_recent GROUP BY org_unit_id, metric) AS own
		LEFT JOIN below USING (org_unit_id) GROUP BY 1, 2) AS r
	LEFT JOIN cx_data.metric AS m ON m.code = r.metric
	CROSS JOIN LATERAL cx.compare(m.kind, m.satisfied_from, r.tally_before, r.tally) AS c
),
tested AS (
	SELECT *, cx.fdr(CASE WHEN comparable THEN p_value END) OVER (PARTITION BY metric) AS q_value
	FROM compared
)
SELECT s.org_unit_id, u.code AS org_unit, u.name AS org_unit_name, u.tier, s.metric, s.metric_name,
	s.value, s.lower, s.upper, s.responses, s.value_before, s.responses_before,
	s.change, s.change_lower, s.change_upper, s.p_value, s.q_value,
	coalesce(s.q_value < 0.05, false) AS significant,
	cx.verdict(s.change, s.q_value, s.comparable, s.lower_is_better) AS verdict
FROM tested AS s
LEFT JOIN cx_data.org_unit AS u USING (org_unit_id);
COMMENT ON VIEW cx_data.unit_score IS 'scores by unit and metric, a unit with all units below it: last 28 full days before that of cx.as_of(), against the 28 before';
COMMENT ON COLUMN cx_data.unit_score.org_unit_id IS 'unit that served, itself or through a unit below it; NULL if unknown';
COMMENT ON COLUMN cx_data.unit_score.org_unit IS 'code of the unit';
COMMENT ON COLUMN cx_data.unit_score.org_unit_name IS 'name of the unit';
COMMENT ON COLUMN cx_data.unit_score.tier IS 'level in the organisation, 1 is the group';
COMMENT ON COLUMN cx_data.unit_score.metric IS 'code of the metric';
COMMENT ON COLUMN cx_data.unit_score.metric_name IS 'name of the metric';
COMMENT ON COLUMN cx_data.unit_score.value IS 'score of the last 28 full days, in the unit of the metric: NPS in points, CSAT in percent, or a mean';
COMMENT ON COLUMN cx_data.unit_score.lower IS 'lower end of the 95 % interval of the value';
COMMENT ON COLUMN cx_data.unit_score.upper IS 'upper end of the 95 % interval of the value';
COMMENT ON COLUMN cx_data.unit_score.responses IS 'answers of the last 28 full days';
COMMENT ON COLUMN cx_data.unit_score.value_before IS 'score of the 28 days before these';
COMMENT ON COLUMN cx_data.unit_score.responses_before IS 'answers of the 28 days before';
COMMENT ON COLUMN cx_data.unit_score.change IS 'value minus value_before, in the unit of the metric';
COMMENT ON COLUMN cx_data.unit_score.change_lower IS 'lower end of the 95 % interval of the change';
COMMENT ON COLUMN cx_data.unit_score.change_upper IS 'upper end of the 95 % interval of the change';
COMMENT ON COLUMN cx_data.unit_score.p_value IS 'p-value of the change by itself, 0..1';
COMMENT ON COLUMN cx_data.unit_score.q_value IS 'p-value adjusted for the false discovery rate over the units of the metric that have at least cx.min_responses answers in both periods; NULL for the others';
COMMENT ON COLUMN cx_data.unit_score.significant IS 'whether q_value is below 0.05';
COMMENT ON COLUMN cx_data.unit_score.verdict IS 'better, worse, no clear change, or too few: fewer than cx.min_responses answers in one of the periods';

CREATE OR REPLACE VIEW cx_data.feedback_detail WITH (security_invoker = true) AS
SELECT f.feedback_id,
	(f.responded_at AT TIME ZONE coalesce(u.time_zone, (SELECT time_zone FROM cx_data.program)))::date AS day,
	f.responded_at, f.kind, f.metric, m.name AS metric_name, f.score::integer AS score, f.channel,
	f.touchpoint_id, t.code AS touchpoint, t.name AS touchpoint_name,
	g.code AS stage, g.name AS stage_name, j.code AS journey, j.name AS journey_name,
	f.customer_id, c.code AS customer, c.name AS customer_name, c.segment,
	f.org_unit_id, u.code AS org_unit, u.name AS org_unit_name,
	f.staff_id, p.code AS staff, p.name AS staff_name,
	s.name AS source, f.source_key
FROM cx_data.feedback AS f
LEFT JOIN cx_data.metric AS m ON m.code = f.metric
LEFT JOIN cx_data.touchpoint AS t USING (touchpoint_id)
LEFT JOIN cx_data.stage AS g USING (stage_id)
LEFT JOIN cx_data.journey AS j USING (journey_id)
LEFT JOIN cx_data.customer AS c USING (customer_id)
LEFT JOIN cx_data.org_unit AS u ON u.org_unit_id = f.org_unit_id
LEFT JOIN cx_data.staff AS p ON p.staff_id = f.staff_id
LEFT JOIN cx_data.source AS s USING (source_id);
COMMENT ON VIEW cx_data.feedback_detail IS 'feedback with the names of what it refers to, one row each; comments stay in cx_data.feedback, for those who may read them';
COMMENT ON COLUMN cx_data.feedback_detail.feedback_id IS 'key of the feedback, unique per row';
COMMENT ON COLUMN cx_data.feedback_detail.day IS 'day in the time zone of the unit that served, else of the program';
COMMENT ON COLUMN cx_data.feedback_detail.responded_at IS 'when the customer said it';
COMMENT ON COLUMN cx_data.feedback_detail.kind IS 'survey, complaint, suggestion, social, mystery, trial or staff; scores count surveys only';
COMMENT ON COLUMN cx_data.feedback_detail.metric IS 'code of the metric that the score is for';
COMMENT ON COLUMN cx_data.feedback_detail.metric_name IS 'name of the metric';
COMMENT ON COLUMN cx_data.feedback_detail.score IS 'whole number on the scale of the metric';
COMMENT ON COLUMN cx_data.feedback_detail.channel IS 'channel the answer came by, such as sms or app';
COMMENT ON COLUMN cx_data.feedback_detail.touchpoint_id IS 'touchpoint it is about; NULL if it is about the relationship as a whole';
COMMENT ON COLUMN cx_data.feedback_detail.touchpoint IS 'code of the touchpoint';
COMMENT ON COLUMN cx_data.feedback_detail.touchpoint_name IS 'name of the touchpoint';
COMMENT ON COLUMN cx_data.feedback_detail.stage IS 'code of the stage that the touchpoint belongs to now';
COMMENT ON COLUMN cx_data.feedback_detail.stage_name IS 'name of the stage';
COMMENT ON COLUMN cx_data.feedback_detail.journey IS 'code of the journey that the stage belongs to';
COMMENT ON COLUMN cx_data.feedback_detail.journey_name IS 'name of the journey';
COMMENT ON COLUMN cx_data.feedback_detail.customer_id IS 'customer who said it; NULL if anonymous';
COMMENT ON COLUMN cx_data.feedback_detail.customer IS 'code of the customer';
COMMENT ON COLUMN cx_data.feedback_detail.customer_name IS 'name of the customer';
COMMENT ON COLUMN cx_data.feedback_detail.segment IS 'segment of the customer';
COMMENT ON COLUMN cx_data.feedback_detail.org_unit_id IS 'unit that served the customer';
COMMENT ON COLUMN cx_data.feedback_detail.org_unit IS 'code of the unit';
COMMENT ON COLUMN cx_data.feedback_detail.org_unit_name IS 'name of the unit';
COMMENT ON COLUMN cx_data.feedback_detail.staff_id IS 'member of staff who served the customer';
COMMENT ON COLUMN cx_data.feedback_detail.staff IS 'code of the member of staff';
COMMENT ON COLUMN cx_data.feedback_detail.staff_name IS 'name of the member of staff';
COMMENT ON COLUMN cx_data.feedback_detail.source IS 'name of the source that delivered it; NULL if written by hand';
COMMENT ON COLUMN cx_data.feedback_detail.source_key IS 'key of the row in its source';
