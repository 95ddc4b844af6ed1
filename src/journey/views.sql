-- Views of journeys: what is published, and how customers experience it
--
-- An experience is 0 (worst) to 100 (best): all answers to a touchpoint,
-- brought there from their scales.  A stage is the weighted mean of those
-- touchpoints that have enough answers, a journey that of its stages.

CREATE OR REPLACE VIEW cx_data.journey_published WITH (security_invoker = true) AS
SELECT j.journey_id, j.code AS journey, v.definition ->> 'name' AS journey_name, v.version, v.published_at, t.*
FROM cx_data.journey AS j
CROSS JOIN LATERAL (
	SELECT version, published_at, definition FROM cx_data.journey_version
	WHERE journey_id = j.journey_id AND published_at <= cx.as_of()
	ORDER BY version DESC LIMIT 1
) AS v
CROSS JOIN LATERAL cx.touchpoints_of(v.definition) AS t;
COMMENT ON VIEW cx_data.journey_published IS 'touchpoints of the journeys as published: the version in force at cx.as_of()';
COMMENT ON COLUMN cx_data.journey_published.journey_id IS 'the journey';
COMMENT ON COLUMN cx_data.journey_published.journey IS 'code of the journey';
COMMENT ON COLUMN cx_data.journey_published.journey_name IS 'name of the journey, as all that follows when it was published';
COMMENT ON COLUMN cx_data.journey_published.version IS '1, 2, ... within the journey';
COMMENT ON COLUMN cx_data.journey_published.published_at IS 'when this version was published';
COMMENT ON COLUMN cx_data.journey_published.stage_id IS 'the stage';
COMMENT ON COLUMN cx_data.journey_published.stage IS 'code of the stage';
COMMENT ON COLUMN cx_data.journey_published.stage_name IS 'name of the stage';
COMMENT ON COLUMN cx_data.journey_published.stage_position IS 'order within the journey';
COMMENT ON COLUMN cx_data.journey_published.stage_weight IS 'weight in the score of the journey';
COMMENT ON COLUMN cx_data.journey_published.touchpoint_id IS 'the touchpoint; NULL if the stage has none';
COMMENT ON COLUMN cx_data.journey_published.touchpoint IS 'code of the touchpoint';
COMMENT ON COLUMN cx_data.journey_published.touchpoint_name IS 'name of the touchpoint';
COMMENT ON COLUMN cx_data.journey_published.touchpoint_position IS 'order within the stage';
COMMENT ON COLUMN cx_data.journey_published.touchpoint_weight IS 'weight in the score of the stage';
COMMENT ON COLUMN cx_data.journey_published.channel IS 'channel, such as app, shop or phone';
COMMENT ON COLUMN cx_data.journey_published.moment_of_truth IS 'whether it decides how the customer remembers the journey';
COMMENT ON COLUMN cx_data.journey_published.owner_staff_id IS 'member of staff who answers for it';
COMMENT ON COLUMN cx_data.journey_published.owner_staff IS 'code of that member of staff';
COMMENT ON COLUMN cx_data.journey_published.owner_unit_id IS 'unit that answers for it';
COMMENT ON COLUMN cx_data.journey_published.owner_unit IS 'code of that unit';

CREATE OR REPLACE VIEW cx_data.emotion_curve WITH (security_invoker = true) AS
WITH experienced AS (
	SELECT r.touchpoint_id, cx.experience_estimate(r.tally, m.scale_min, m.scale_max, m.lower_is_better) AS experience
	FROM (SELECT touchpoint_id, metric, cx.tally(tally) AS tally FROM cx_data.tally_recent GROUP BY touchpoint_id, metric) AS r
	JOIN cx_data.metric AS m ON m.code = r.metric
	GROUP BY r.touchpoint_id
)
SELECT j.journey_id, j.journey, j.journey_name, j.stage_id, j.stage, j.stage_name, j.stage_position,
	j.touchpoint_id, j.touchpoint, j.touchpoint_name, j.touchpoint_position, j.channel, j.moment_of_truth,
	((e.experience).value - 50) / 25 AS emotion, (e.experience).value, (e.experience).lower, (e.experience).upper,
	coalesce((e.experience).responses, 0) AS responses,
	coalesce((e.experience).responses, 0) >= cx.min_responses() AS enough_responses
FROM cx_data.journey_published AS j
LEFT JOIN experienced AS e USING (touchpoint_id)
WHERE j.touchpoint_id IS NOT NULL;
COMMENT ON VIEW cx_data.emotion_curve IS 'how customers experienced the touchpoints of the published journeys in the last 28 full days: order by journey, stage_position, touchpoint_position';
COMMENT ON COLUMN cx_data.emotion_curve.journey_id IS 'the journey';
COMMENT ON COLUMN cx_data.emotion_curve.journey IS 'code of the journey';
COMMENT ON COLUMN cx_data.emotion_curve.journey_name IS 'name of the journey';
COMMENT ON COLUMN cx_data.emotion_curve.stage_id IS 'the stage';
COMMENT ON COLUMN cx_data.emotion_curve.stage IS 'code of the stage';
COMMENT ON COLUMN cx_data.emotion_curve.stage_name IS 'name of the stage';
COMMENT ON COLUMN cx_data.emotion_curve.stage_position IS 'order of the stage within the journey';
COMMENT ON COLUMN cx_data.emotion_curve.touchpoint_id IS 'the touchpoint';
COMMENT ON COLUMN cx_data.emotion_curve.touchpoint IS 'code of the touchpoint';
COMMENT ON COLUMN cx_data.emotion_curve.touchpoint_name IS 'name of the touchpoint';
COMMENT ON COLUMN cx_data.emotion_curve.touchpoint_position IS 'order of the touchpoint within the stage';
COMMENT ON COLUMN cx_data.emotion_curve.channel IS 'channel, such as app, shop or phone';
COMMENT ON COLUMN cx_data.emotion_curve.moment_of_truth IS 'whether it decides how the customer remembers the journey';
COMMENT ON COLUMN cx_data.emotion_curve.emotion IS 'experience on the scale of the map, -2 (worst) to 2 (best): (value - 50) / 25; NULL without answers';
COMMENT ON COLUMN cx_data.emotion_curve.value IS 'experience, 0..100: mean of all answers, each brought from its scale to 0 (worst) to 100 (best); NULL without answers';
COMMENT ON COLUMN cx_data.emotion_curve.lower IS 'lower end of the 95 % interval of the value; NULL for one answer';
COMMENT ON COLUMN cx_data.emotion_curve.upper IS 'upper end of the 95 % interval of the value; NULL for one answer';
COMMENT ON COLUMN cx_data.emotion_curve.responses IS 'answers of the last 28 full days';
COMMENT ON COLUMN cx_data.emotion_curve.enough_responses IS 'whether these are at least cx.min_responses, enough to count in the score of the stage';

CREATE OR REPLACE VIEW cx_data.stage_score WITH (security_invoker = true) AS
WITH experienced AS (
	SELECT r.touchpoint_id, cx.experience_estimate(r.tally, m.scale_min, m.scale_max, m.lower_is_better) AS experience
	FROM (SELECT touchpoint_id, metric, cx.tally(tally) AS tally FROM cx_data.tally_recent GROUP BY touchpoint_id, metric) AS r
	JOIN cx_data.metric AS m ON m.code = r.metric
	GROUP BY r.touchpoint_id
),
placed AS (
	SELECT *, touchpoint_weight > 0 AND coalesce((experience).responses, 0) >= cx.min_responses() AS counted
	FROM cx_data.journey_published LEFT JOIN experienced USING (touchpoint_id)
),
scored AS (
	SELECT journey_id, journey, journey_name, stage_id, stage, stage_name, stage_position, stage_weight,
		cx.journey_stage_estimate(experience, touchpoint_weight) FILTER (WHERE counted) AS score,
		count(*) FILTER (WHERE counted) AS touchpoint_count,
		count(touchpoint_id) FILTER (WHERE NOT counted) AS left_out_count,
		(array_agg(touchpoint ORDER BY (experience).value, touchpoint_position) FILTER (WHERE counted))[1] AS worst_touchpoint,
		min((experience).value) FILTER (WHERE counted) AS worst_value
	FROM placed
	GROUP BY journey_id, journey, journey_name, stage_id, stage, stage_name, stage_position, stage_weight
)
SELECT journey_id, journey, journey_name, stage_id, stage, stage_name, stage_position, stage_weight,
	(score).value, (score).lower, (score).upper, ((score).value - 50) / 25 AS emotion,
	coalesce((score).responses, 0) AS responses, touchpoint_count, left_out_count, worst_touchpoint, worst_value
FROM scored;
COMMENT ON VIEW cx_data.stage_score IS 'how customers experienced the stages of the published journeys in the last 28 full days';
COMMENT ON COLUMN cx_data.stage_score.journey_id IS 'the journey';
COMMENT ON COLUMN cx_data.stage_score.journey IS 'code of the journey';
COMMENT ON COLUMN cx_data.stage_score.journey_name IS 'name of the journey';
COMMENT ON COLUMN cx_data.stage_score.stage_id IS 'the stage';
COMMENT ON COLUMN cx_data.stage_score.stage IS 'code of the stage';
COMMENT ON COLUMN cx_data.stage_score.stage_name IS 'name of the stage';
COMMENT ON COLUMN cx_data.stage_score.stage_position IS 'order of the stage within the journey';
COMMENT ON COLUMN cx_data.stage_score.stage_weight IS 'weight of the stage in the score of the journey';
COMMENT ON COLUMN cx_data.stage_score.value IS 'experience, 0..100: mean of its touchpoints weighted by their weights, over those that have at least cx.min_responses answers in the last 28 full days; NULL if none has';
COMMENT ON COLUMN cx_data.stage_score.lower IS 'lower end of the 95 % interval of the value';
COMMENT ON COLUMN cx_data.stage_score.upper IS 'upper end of the 95 % interval of the value';
COMMENT ON COLUMN cx_data.stage_score.emotion IS 'the value on the scale of the map, -2 (worst) to 2 (best): (value - 50) / 25';
COMMENT ON COLUMN cx_data.stage_score.responses IS 'answers to the touchpoints counted';
COMMENT ON COLUMN cx_data.stage_score.touchpoint_count IS 'touchpoints counted';
COMMENT ON COLUMN cx_data.stage_score.left_out_count IS 'touchpoints left out, because they have too few answers or weight 0';
COMMENT ON COLUMN cx_data.stage_score.worst_touchpoint IS 'code of the touchpoint with the worst experience among those counted';
COMMENT ON COLUMN cx_data.stage_score.worst_value IS 'experience of that touchpoint, 0..100';

CREATE OR REPLACE VIEW cx_data.journey_score WITH (security_invoker = true) AS
WITH experienced AS (
	SELECT r.touchpoint_id, cx.experience_estimate(r.tally, m.scale_min, m.scale_max, m.lower_is_better) AS experience
	FROM (SELECT touchpoint_id, metric, cx.tally(tally) AS tally FROM cx_data.tally_recent GROUP BY touchpoint_id, metric) AS r
	JOIN cx_data.metric AS m ON m.code = r.metric
	GROUP BY r.touchpoint_id
),
placed AS (
	SELECT *, touchpoint_weight > 0 AND coalesce((experience).responses, 0) >= cx.min_responses() AS counted
	FROM cx_data.journey_published LEFT JOIN experienced USING (touchpoint_id)
),
staged AS (
	SELECT journey_id, journey, journey_name, stage, stage_position, stage_weight,
		cx.journey_stage_estimate(experience, touchpoint_weight) FILTER (WHERE counted) AS experience,
		stage_weight > 0 AND bool_or(counted) AS counted
	FROM placed
	GROUP BY journey_id, journey, journey_name, stage, stage_position, stage_weight
),
scored AS (
	SELECT journey_id, journey, journey_name,
		cx.journey_stage_estimate(experience, stage_weight) FILTER (WHERE counted) AS score,
		count(*) FILTER (WHERE counted) AS stage_count,
		count(*) FILTER (WHERE NOT counted) AS left_out_count,
		(array_agg(stage ORDER BY (experience).value, stage_position) FILTER (WHERE counted))[1] AS worst_stage,
		min((experience).value) FILTER (WHERE counted) AS worst_value
	FROM staged
	GROUP BY journey_id, journey, journey_name
)
SELECT journey_id, journey, journey_name,
	(score).value, (score).lower, (score).upper, ((score).value - 50) / 25 AS emotion,
	coalesce((score).responses, 0) AS responses, stage_count, left_out_count, worst_stage, worst_value
FROM scored;
COMMENT ON VIEW cx_data.journey_score IS 'how customers experienced the published journeys in the last 28 full days';
COMMENT ON COLUMN cx_data.journey_score.journey_id IS 'the journey';
COMMENT ON COLUMN cx_data.journey_score.journey IS 'code of the journey';
COMMENT ON COLUMN cx_data.journey_score.journey_name IS 'name of the journey';
COMMENT ON COLUMN cx_data.journey_score.value IS 'experience, 0..100: mean of its stages weighted by their weights, over those that have a score; NULL if none has';
COMMENT ON COLUMN cx_data.journey_score.lower IS 'lower end of the 95 % interval of the value';
COMMENT ON COLUMN cx_data.journey_score.upper IS 'upper end of the 95 % interval of the value';
COMMENT ON COLUMN cx_data.journey_score.emotion IS 'the value on the scale of the map, -2 (worst) to 2 (best): (value - 50) / 25';
COMMENT ON COLUMN cx_data.journey_score.responses IS 'answers to the touchpoints counted';
COMMENT ON COLUMN cx_data.journey_score.stage_count IS 'stages counted';
COMMENT ON COLUMN cx_data.journey_score.left_out_count IS 'stages left out, because they have no score or weight 0';
COMMENT ON COLUMN cx_data.journey_score.worst_stage IS 'code of the stage with the worst experience among those counted';
COMMENT ON COLUMN cx_data.journey_score.worst_value IS 'experience of that stage, 0..100';

CREATE OR REPLACE VIEW cx_data.stage_daily WITH (security_invoker = true) AS
WITH experienced AS (
	SELECT d.day, d.touchpoint_id, cx.experience_estimate(d.tally, m.scale_min, m.scale_max, m.lower_is_better) AS experience
	FROM (SELECT day, touchpoint_id, metric, cx.tally(tally) AS tally FROM cx_data.tally_live_daily GROUP BY day, touchpoint_id, metric) AS d
	JOIN cx_data.metric AS m ON m.code = d.metric
	GROUP BY d.day, d.touchpoint_id
),
placed AS (
	SELECT *, touchpoint_weight > 0 AND coalesce((experience).responses, 0) >= cx.min_responses() AS counted
	FROM cx_data.journey_published JOIN experienced USING (touchpoint_id)
),
scored AS (
	SELECT day, journey_id, journey, journey_name, stage_id, stage, stage_name, stage_position, stage_weight,
		cx.journey_stage_estimate(experience, touchpoint_weight) FILTER (WHERE counted) AS score,
		count(*) FILTER (WHERE counted) AS touchpoint_count,
		count(touchpoint_id) FILTER (WHERE NOT counted) AS left_out_count,
		(array_agg(touchpoint ORDER BY (experience).value, touchpoint_position) FILTER (WHERE counted))[1] AS worst_touchpoint,
		min((experience).value) FILTER (WHERE counted) AS worst_value
	FROM placed
	GROUP BY day, journey_id, journey, journey_name, stage_id, stage, stage_name, stage_position, stage_weight
)
SELECT day, cx.day_start(day, (SELECT time_zone FROM cx_data.program)) AS starts_at,
	journey_id, journey, journey_name, stage_id, stage, stage_name, stage_position, stage_weight,
	(score).value, (score).lower, (score).upper, ((score).value - 50) / 25 AS emotion,
	coalesce((score).responses, 0) AS responses, touchpoint_count, left_out_count, worst_touchpoint, worst_value
FROM scored;
COMMENT ON VIEW cx_data.stage_daily IS 'how customers experienced the stages of the published journeys, day by day';
COMMENT ON COLUMN cx_data.stage_daily.day IS 'day in the time zone of the unit that served, else of the program';
COMMENT ON COLUMN cx_data.stage_daily.starts_at IS 'start of the day in the time zone of the program';
COMMENT ON COLUMN cx_data.stage_daily.journey_id IS 'the journey';
COMMENT ON COLUMN cx_data.stage_daily.journey IS 'code of the journey';
COMMENT ON COLUMN cx_data.stage_daily.journey_name IS 'name of the journey';
COMMENT ON COLUMN cx_data.stage_daily.stage_id IS 'the stage';
COMMENT ON COLUMN cx_data.stage_daily.stage IS 'code of the stage';
COMMENT ON COLUMN cx_data.stage_daily.stage_name IS 'name of the stage';
COMMENT ON COLUMN cx_data.stage_daily.stage_position IS 'order of the stage within the journey';
COMMENT ON COLUMN cx_data.stage_daily.stage_weight IS 'weight of the stage in the score of the journey';
COMMENT ON COLUMN cx_data.stage_daily.value IS 'experience, 0..100: mean of its touchpoints weighted by their weights, over those that have at least cx.min_responses answers on that day; NULL if none has';
COMMENT ON COLUMN cx_data.stage_daily.lower IS 'lower end of the 95 % interval of the value';
COMMENT ON COLUMN cx_data.stage_daily.upper IS 'upper end of the 95 % interval of the value';
COMMENT ON COLUMN cx_data.stage_daily.emotion IS 'the value on the scale of the map, -2 (worst) to 2 (best): (value - 50) / 25';
COMMENT ON COLUMN cx_data.stage_daily.responses IS 'answers to the touchpoints counted';
COMMENT ON COLUMN cx_data.stage_daily.touchpoint_count IS 'touchpoints counted';
COMMENT ON COLUMN cx_data.stage_daily.left_out_count IS 'touchpoints with answers on that day that are left out, because these are too few or their weight is 0';
COMMENT ON COLUMN cx_data.stage_daily.worst_touchpoint IS 'code of the touchpoint with the worst experience among those counted';
COMMENT ON COLUMN cx_data.stage_daily.worst_value IS 'experience of that touchpoint, 0..100';

CREATE OR REPLACE VIEW cx_data.journey_daily WITH (security_invoker = true) AS
WITH experienced AS (
	SELECT d.day, d.touchpoint_id, cx.experience_estimate(d.tally, m.scale_min, m.scale_max, m.lower_is_better) AS experience
	FROM (SELECT day, touchpoint_id, metric, cx.tally(tally) AS tally FROM cx_data.tally_live_daily GROUP BY day, touchpoint_id, metric) AS d
	JOIN cx_data.metric AS m ON m.code = d.metric
	GROUP BY d.day, d.touchpoint_id
),
placed AS (
	SELECT *, touchpoint_weight > 0 AND coalesce((experience).responses, 0) >= cx.min_responses() AS counted
	FROM cx_data.journey_published JOIN experienced USING (touchpoint_id)
),
staged AS (
	SELECT day, journey_id, journey, journey_name, stage, stage_position, stage_weight,
		cx.journey_stage_estimate(experience, touchpoint_weight) FILTER (WHERE counted) AS experience,
		stage_weight > 0 AND bool_or(counted) AS counted
	FROM placed
	GROUP BY day, journey_id, journey, journey_name, stage, stage_position, stage_weight
),
scored AS (
	SELECT day, journey_id, journey, journey_name,
		cx.journey_stage_estimate(experience, stage_weight) FILTER (WHERE counted) AS score,
		count(*) FILTER (WHERE counted) AS stage_count,
		count(*) FILTER (WHERE NOT counted) AS left_out_count,
		(array_agg(stage ORDER BY (experience).value, stage_position) FILTER (WHERE counted))[1] AS worst_stage,
		min((experience).value) FILTER (WHERE counted) AS worst_value
	FROM staged
	GROUP BY day, journey_id, journey, journey_name
)
SELECT day, cx.day_start(day, (SELECT time_zone FROM cx_data.program)) AS starts_at,
	journey_id, journey, journey_name,
	(score).value, (score).lower, (score).upper, ((score).value - 50) / 25 AS emotion,
	coalesce((score).responses, 0) AS responses, stage_count, left_out_count, worst_stage, worst_value
FROM scored;
COMMENT ON VIEW cx_data.journey_daily IS 'how customers experienced the published journeys, day by day';
COMMENT ON COLUMN cx_data.journey_daily.day IS 'day in the time zone of the unit that served, else of the program';
COMMENT ON COLUMN cx_data.journey_daily.starts_at IS 'start of the day in the time zone of the program';
COMMENT ON COLUMN cx_data.journey_daily.journey_id IS 'the journey';
COMMENT ON COLUMN cx_data.journey_daily.journey IS 'code of the journey';
COMMENT ON COLUMN cx_data.journey_daily.journey_name IS 'name of the journey';
COMMENT ON COLUMN cx_data.journey_daily.value IS 'experience, 0..100: mean of its stages weighted by their weights, over those that have a score; NULL if none has';
COMMENT ON COLUMN cx_data.journey_daily.lower IS 'lower end of the 95 % interval of the value';
COMMENT ON COLUMN cx_data.journey_daily.upper IS 'upper end of the 95 % interval of the value';
COMMENT ON COLUMN cx_data.journey_daily.emotion IS 'the value on the scale of the map, -2 (worst) to 2 (best): (value - 50) / 25';
COMMENT ON COLUMN cx_data.journey_daily.responses IS 'answers to the touchpoints counted';
COMMENT ON COLUMN cx_data.journey_daily.stage_count IS 'stages counted';
COMMENT ON COLUMN cx_data.journey_daily.left_out_count IS 'stages with answers on that day that are left out, because they have no score or weight 0';
COMMENT ON COLUMN cx_data.journey_daily.worst_stage IS 'code of the stage with the worst experience among those counted';
COMMENT ON COLUMN cx_data.journey_daily.worst_value IS 'experience of that stage, 0..100';

CREATE OR REPLACE VIEW cx_data.journey_coverage WITH (security_invoker = true) AS
WITH covered AS (
	SELECT t.touchpoint_id, t.code AS touchpoint, t.name AS touchpoint_name,
		g.code AS stage, g.name AS stage_name, j.code AS journey, j.name AS journey_name, t.channel, t.moment_of_truth,
		NOT EXISTS (SELECT FROM cx_data.feedback AS f
			WHERE f.touchpoint_id = t.touchpoint_id AND f.responded_at <= cx.as_of()
				AND f.kind = 'survey' AND f.score IS NOT NULL) AS lacks_metric,
		num_nonnulls(t.owner_staff_id, t.owner_unit_id) = 0 AS lacks_owner,
		(SELECT max(f.responded_at) FROM cx_data.feedback AS f
			WHERE f.touchpoint_id = t.touchpoint_id AND f.responded_at <= cx.as_of()) AS last_feedback_at
	FROM cx_data.touchpoint AS t
	LEFT JOIN cx_data.stage AS g USING (stage_id)
	LEFT JOIN cx_data.journey AS j USING (journey_id)
),
aged AS (
	SELECT *, coalesce(last_feedback_at < cx.days_ago(28, (SELECT time_zone FROM cx_data.program)), true) AS lacks_data
	FROM covered
)
SELECT touchpoint_id, touchpoint, touchpoint_name, stage, stage_name, journey, journey_name, channel, moment_of_truth,
	lacks_metric, lacks_owner, lacks_data, last_feedback_at
FROM aged
WHERE lacks_metric OR lacks_owner OR lacks_data;
COMMENT ON VIEW cx_data.journey_coverage IS 'touchpoints of the catalogue, published or not, that nobody measures, owns or hears of';
COMMENT ON COLUMN cx_data.journey_coverage.touchpoint_id IS 'key of the touchpoint, unique per row';
COMMENT ON COLUMN cx_data.journey_coverage.touchpoint IS 'code of the touchpoint';
COMMENT ON COLUMN cx_data.journey_coverage.touchpoint_name IS 'name of the touchpoint';
COMMENT ON COLUMN cx_data.journey_coverage.stage IS 'code of the stage; NULL while it has no place in a journey';
COMMENT ON COLUMN cx_data.journey_coverage.stage_name IS 'name of the stage';
COMMENT ON COLUMN cx_data.journey_coverage.journey IS 'code of the journey';
COMMENT ON COLUMN cx_data.journey_coverage.journey_name IS 'name of the journey';
COMMENT ON COLUMN cx_data.journey_coverage.channel IS 'channel, such as app, shop or phone';
COMMENT ON COLUMN cx_data.journey_coverage.moment_of_truth IS 'whether it decides how the customer remembers the journey';
COMMENT ON COLUMN cx_data.journey_coverage.lacks_metric IS 'whether no survey answer was ever scored';
COMMENT ON COLUMN cx_data.journey_coverage.lacks_owner IS 'whether neither a member of staff nor a unit answers for it';
COMMENT ON COLUMN cx_data.journey_coverage.lacks_data IS 'whether there is no feedback of any kind since the start of the last 28 full days';
COMMENT ON COLUMN cx_data.journey_coverage.last_feedback_at IS 'when customers last said something about it; NULL if never';
