-- Views of journeys as behaviour: who goes on, who stays, who drops out
--
-- They look at events at the touchpoints of the published journeys.  Everybody
-- gets 28 days to go on, so what begins counts from 56 to 28 full days ago: each
-- has been observed for as long.

CREATE OR REPLACE VIEW cx_data.stage_conversion WITH (security_invoker = true) AS
WITH bounds AS (
	SELECT cx.days_ago(56, time_zone) AS starts_at, cx.days_ago(28, time_zone) AS ends_at FROM cx_data.program
),
stage AS (
	SELECT DISTINCT journey_id, journey, journey_name, stage_id, stage, stage_name, stage_position,
		dense_rank() OVER (PARTITION BY journey_id ORDER BY stage_position, stage_id)::integer AS number
	FROM cx_data.journey_published
),
place AS MATERIALIZED (
	-- for each touchpoint, which stage of its journey it is: true at its number
	SELECT j.touchpoint_id, s.journey_id, array_agg(other.number = s.number ORDER BY other.number) AS steps
	FROM cx_data.journey_published AS j
	JOIN stage AS s USING (journey_id, stage_id)
	JOIN stage AS other ON other.journey_id = s.journey_id AND other.number <= 32
	WHERE j.touchpoint_id IS NOT NULL
	GROUP BY j.touchpoint_id, s.journey_id
),
chain AS (
	SELECT p.journey_id,
		cx.funnel_times(interval '28 days', e.occurred_at, VARIADIC CASE WHEN e.occurred_at < b.ends_at THEN p.steps ELSE false || p.steps[2:] END) AS times
	FROM bounds AS b
	JOIN cx_data.event AS e ON e.occurred_at >= b.starts_at AND e.occurred_at <= least(b.ends_at + interval '672 hours', cx.as_of())
	JOIN place AS p USING (touchpoint_id)
	WHERE e.customer_id IS NOT NULL
	GROUP BY p.journey_id, e.customer_id
),
reached AS (
	SELECT s.journey_id, s.number, count(c.times) AS customers,
		percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM c.times[s.number + 1] - c.times[s.number])::double precision) AS median_seconds
	FROM stage AS s LEFT JOIN chain AS c ON c.journey_id = s.journey_id AND cardinality(c.times) >= s.number
	WHERE s.number <= 32
	GROUP BY s.journey_id, s.number
),
followed AS (
	SELECT *, first_value(customers) OVER onward AS entered, lag(customers) OVER onward AS before FROM reached WINDOW onward AS (PARTITION BY journey_id ORDER BY number)
)
SELECT s.journey_id, s.journey, s.journey_name, s.stage_id, s.stage, s.stage_name, s.stage_position,
	f.entered, f.customers AS reached, p.value AS from_previous, p.lower AS from_previous_lower, p.upper AS from_previous_upper,
	e.value AS from_first, e.lower AS from_first_lower, e.upper AS from_first_upper, f.median_seconds
FROM followed AS f
JOIN stage AS s USING (journey_id, number)
CROSS JOIN LATERAL cx.share_estimate(f.customers, f.before, 0.95) AS p
CROSS JOIN LATERAL cx.share_estimate(f.customers, f.entered, 0.95) AS e;
COMMENT ON VIEW cx_data.stage_conversion IS 'how many customers go from stage to stage of the published journeys, in their order, within 28 days of entering the first one, from 56 to 28 full days ago (at most the first 32 stages): order by journey, stage_position';
COMMENT ON COLUMN cx_data.stage_conversion.journey_id IS 'the journey';
COMMENT ON COLUMN cx_data.stage_conversion.journey IS 'code of the journey';
COMMENT ON COLUMN cx_data.stage_conversion.journey_name IS 'name of the journey';
COMMENT ON COLUMN cx_data.stage_conversion.stage_id IS 'the stage';
COMMENT ON COLUMN cx_data.stage_conversion.stage IS 'code of the stage';
COMMENT ON COLUMN cx_data.stage_conversion.stage_name IS 'name of the stage';
COMMENT ON COLUMN cx_data.stage_conversion.stage_position IS 'order of the stage within the journey';
COMMENT ON COLUMN cx_data.stage_conversion.entered IS 'customers with an event at a touchpoint of the first stage in that time';
COMMENT ON COLUMN cx_data.stage_conversion.reached IS 'of these, customers who came through the stages to this one within 28 days';
COMMENT ON COLUMN cx_data.stage_conversion.from_previous IS 'reached in percent of those who reached the stage before; NULL for the first stage';
COMMENT ON COLUMN cx_data.stage_conversion.from_previous_lower IS 'lower end of its 95 % interval (Wilson)';
COMMENT ON COLUMN cx_data.stage_conversion.from_previous_upper IS 'upper end of its 95 % interval';
COMMENT ON COLUMN cx_data.stage_conversion.from_first IS 'reached in percent of entered; NULL if nobody entered';
COMMENT ON COLUMN cx_data.stage_conversion.from_first_lower IS 'lower end of its 95 % interval (Wilson)';
COMMENT ON COLUMN cx_data.stage_conversion.from_first_upper IS 'upper end of its 95 % interval';
COMMENT ON COLUMN cx_data.stage_conversion.median_seconds IS 'median time to the next stage, in seconds, of those who reached it';

CREATE OR REPLACE VIEW cx_data.stage_dwell WITH (security_invoker = true) AS
WITH bounds AS (
	SELECT cx.days_ago(84, time_zone) AS looks_from, cx.days_ago(56, time_zone) AS starts_at, cx.days_ago(28, time_zone) AS ends_at FROM cx_data.program
),
happened AS (
	SELECT j.journey_id, j.stage_id, e.customer_id, e.occurred_at, e.event_id, b.starts_at, b.ends_at,
		lag(j.stage_id) OVER onward AS stage_before, lag(e.occurred_at) OVER onward AS at_before
	FROM bounds AS b
	JOIN cx_data.event AS e ON e.occurred_at >= b.looks_from AND e.occurred_at <= cx.as_of()
	JOIN cx_data.journey_published AS j USING (touchpoint_id)
	WHERE e.customer_id IS NOT NULL
	WINDOW onward AS (PARTITION BY j.journey_id, e.customer_id ORDER BY e.occurred_at, e.event_id)
),
visit AS (
	SELECT *, lead(stage_id) OVER onward AS stage_after, lead(occurred_at) OVER onward AS at_after,
		row_number() OVER (PARTITION BY journey_id, customer_id, stage_id ORDER BY occurred_at, event_id) AS visit
	FROM happened
	WHERE stage_before IS DISTINCT FROM stage_id OR occurred_at - at_before > interval '28 days'
	WINDOW onward AS (PARTITION BY journey_id, customer_id ORDER BY occurred_at, event_id)
),
stayed AS (
	SELECT journey_id, stage_id, customer_id, visit,
		CASE WHEN stage_after <> stage_id AND at_after - occurred_at <= interval '28 days' THEN extract(epoch FROM at_after - occurred_at)::double precision END AS seconds
	FROM visit
	WHERE occurred_at >= starts_at AND occurred_at < ends_at
)
SELECT j.journey_id, j.journey, j.journey_name, j.stage_id, j.stage, j.stage_name, j.stage_position,
	count(s.visit) AS visit_count, count(DISTINCT s.customer_id) AS customer_count, count(*) FILTER (WHERE s.visit > 1) AS reentry_count,
	count(s.visit) - count(s.seconds) AS not_left_count, avg(s.seconds) AS mean_seconds,
	percentile_cont(0.5) WITHIN GROUP (ORDER BY s.seconds) AS median_seconds, percentile_cont(0.9) WITHIN GROUP (ORDER BY s.seconds) AS p90_seconds
FROM (SELECT DISTINCT journey_id, journey, journey_name, stage_id, stage, stage_name, stage_position FROM cx_data.journey_published) AS j
LEFT JOIN stayed AS s USING (journey_id, stage_id)
GROUP BY j.journey_id, j.journey, j.journey_name, j.stage_id, j.stage, j.stage_name, j.stage_position;
COMMENT ON VIEW cx_data.stage_dwell IS 'how long customers stay in the stages of the published journeys, over the visits that began from 56 to 28 full days ago: from the first event in the stage to the first event in another one, if that came within 28 days; a repeat after more than 28 days is a new visit';
COMMENT ON COLUMN cx_data.stage_dwell.journey_id IS 'the journey';
COMMENT ON COLUMN cx_data.stage_dwell.journey IS 'code of the journey';
COMMENT ON COLUMN cx_data.stage_dwell.journey_name IS 'name of the journey';
COMMENT ON COLUMN cx_data.stage_dwell.stage_id IS 'the stage';
COMMENT ON COLUMN cx_data.stage_dwell.stage IS 'code of the stage';
COMMENT ON COLUMN cx_data.stage_dwell.stage_name IS 'name of the stage';
COMMENT ON COLUMN cx_data.stage_dwell.stage_position IS 'order of the stage within the journey';
COMMENT ON COLUMN cx_data.stage_dwell.visit_count IS 'visits of customers to the stage that began in that time';
COMMENT ON COLUMN cx_data.stage_dwell.customer_count IS 'customers with such visits';
COMMENT ON COLUMN cx_data.stage_dwell.reentry_count IS 'of these visits, those of customers who had been in the stage before, since 84 full days ago';
COMMENT ON COLUMN cx_data.stage_dwell.not_left_count IS 'of these visits, those after which no other stage followed within 28 days; they are not in the times';
COMMENT ON COLUMN cx_data.stage_dwell.mean_seconds IS 'mean time in the stage, in seconds';
COMMENT ON COLUMN cx_data.stage_dwell.median_seconds IS 'median time in the stage, in seconds';
COMMENT ON COLUMN cx_data.stage_dwell.p90_seconds IS 'time in the stage within which 90 % of the visits left it, in seconds';

CREATE OR REPLACE VIEW cx_data.drop_off WITH (security_invoker = true) AS
SELECT j.journey_id, j.journey, j.journey_name, j.stage_id, j.stage, j.stage_name, j.stage_position,
	j.touchpoint_id, j.touchpoint, j.touchpoint_name, j.touchpoint_position, j.is_last_stage,
	coalesce(d.customers, 0) AS customer_count, coalesce(d.dropped, 0) AS drop_off_count,
	e.value AS drop_off_rate, e.lower, e.upper
FROM (
	SELECT *, stage_position = max(stage_position) OVER (PARTITION BY journey_id) AS is_last_stage FROM cx_data.journey_published
) AS j
LEFT JOIN (
	SELECT p.journey_id, d.*
	FROM (SELECT journey_id, array_agg(touchpoint_id) AS touchpoints FROM cx_data.journey_published WHERE touchpoint_id IS NOT NULL GROUP BY journey_id) AS p
	CROSS JOIN cx_data.program AS o
	CROSS JOIN LATERAL cx.drop_off_counts(p.touchpoints, cx.days_ago(56, o.time_zone), cx.days_ago(28, o.time_zone)) AS d
) AS d USING (journey_id, touchpoint_id)
CROSS JOIN LATERAL cx.share_estimate(d.dropped, d.customers, 0.95) AS e
WHERE j.touchpoint_id IS NOT NULL;
COMMENT ON VIEW cx_data.drop_off IS 'where customers drop out of the published journeys: of those with an event at a touchpoint from 56 to 28 full days ago, how many had no event at any touchpoint of the journey in the 28 days after their last one there: order by journey, stage_position, touchpoint_position';
COMMENT ON COLUMN cx_data.drop_off.journey_id IS 'the journey';
COMMENT ON COLUMN cx_data.drop_off.journey IS 'code of the journey';
COMMENT ON COLUMN cx_data.drop_off.journey_name IS 'name of the journey';
COMMENT ON COLUMN cx_data.drop_off.stage_id IS 'the stage';
COMMENT ON COLUMN cx_data.drop_off.stage IS 'code of the stage';
COMMENT ON COLUMN cx_data.drop_off.stage_name IS 'name of the stage';
COMMENT ON COLUMN cx_data.drop_off.stage_position IS 'order of the stage within the journey';
COMMENT ON COLUMN cx_data.drop_off.touchpoint_id IS 'the touchpoint';
COMMENT ON COLUMN cx_data.drop_off.touchpoint IS 'code of the touchpoint';
COMMENT ON COLUMN cx_data.drop_off.touchpoint_name IS 'name of the touchpoint';
COMMENT ON COLUMN cx_data.drop_off.touchpoint_position IS 'order of the touchpoint within the stage';
COMMENT ON COLUMN cx_data.drop_off.is_last_stage IS 'whether the journey ends here, so that no event after it is no loss';
COMMENT ON COLUMN cx_data.drop_off.customer_count IS 'customers with events at the touchpoint in that time';
COMMENT ON COLUMN cx_data.drop_off.drop_off_count IS 'of these, customers who went no further';
COMMENT ON COLUMN cx_data.drop_off.drop_off_rate IS 'drop_off_count in percent of customer_count; NULL if nobody was there';
COMMENT ON COLUMN cx_data.drop_off.lower IS 'lower end of its 95 % interval (Wilson)';
COMMENT ON COLUMN cx_data.drop_off.upper IS 'upper end of its 95 % interval';

