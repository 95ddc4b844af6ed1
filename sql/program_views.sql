-- views of the program: which answers they count, and what they make of them
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS cx;
RESET client_min_messages;
SET extra_float_digits = 0;
\set SHOW_CONTEXT never
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
CALL cx.create_program('Europe/Berlin');
-- days, as cx.maintain() keeps them
CREATE PROCEDURE pg_temp.count_days() LANGUAGE sql AS $$
	TRUNCATE cx_data.tally_daily;
	INSERT INTO cx_data.tally_daily (touchpoint_id, org_unit_id, day, metric, tally)
	SELECT touchpoint_id, org_unit_id, (hour AT TIME ZONE coalesce(time_zone, 'Europe/Berlin'))::date, metric, coalesce(cx.tally(tally), '{}')
	FROM cx_data.tally_hourly LEFT JOIN cx_data.org_unit USING (org_unit_id) GROUP BY 1, 2, 3, 4;
$$;
CREATE FUNCTION pg_temp.r(double precision) RETURNS numeric LANGUAGE sql RETURN round($1::numeric, 2);

-- an empty program has empty views
SELECT count(*) FROM cx_data.tally_live
UNION ALL SELECT count(*) FROM cx_data.tally_recent
UNION ALL SELECT count(*) FROM cx_data.tally_live_daily
UNION ALL SELECT count(*) FROM cx_data.touchpoint_daily
UNION ALL SELECT count(*) FROM cx_data.unit_daily
UNION ALL SELECT count(*) FROM cx_data.touchpoint_score
UNION ALL SELECT count(*) FROM cx_data.unit_score
UNION ALL SELECT count(*) FROM cx_data.feedback_detail
UNION ALL SELECT count(*) FROM cx_data.journey_published
UNION ALL SELECT count(*) FROM cx_data.emotion_curve
UNION ALL SELECT count(*) FROM cx_data.stage_score
UNION ALL SELECT count(*) FROM cx_data.stage_daily
UNION ALL SELECT count(*) FROM cx_data.journey_score
UNION ALL SELECT count(*) FROM cx_data.journey_daily
UNION ALL SELECT count(*) FROM cx_data.journey_coverage
UNION ALL SELECT count(*) FROM cx_data.customer_profile;

-- what is written here goes into the tables as it stands
SET session_replication_role = replica;
INSERT INTO cx_data.org_unit (org_unit_id, parent_id, code, name, tier, time_zone) VALUES
	(1, NULL, 'group', 'Group', 1, NULL),
	(2, 1, 'asia', 'Asia', 2, 'Asia/Kolkata'),
	(3, 2, 'delhi', 'Delhi', 3, 'Asia/Kolkata'),
	(4, 1, 'newyork', 'New York', 2, 'America/New_York');
INSERT INTO cx_data.touchpoint (touchpoint_id, code, name) VALUES (1, 'bill', 'Bill'), (2, 'call', 'Call');

-- days: in the zone of the unit, else of the program

SELECT cx.day_start('2026-03-29', 'Europe/Berlin'), cx.day_start('2026-03-30', 'Europe/Berlin'), cx.day_start('2026-10-25', 'Europe/Berlin'), cx.day_start('2026-10-26', 'Europe/Berlin');
-- on the Azores the clock goes back at midnight, or forward
SELECT cx.day_start('2026-10-25', 'Atlantic/Azores'), cx.day_start('2026-10-26', 'Atlantic/Azores'), cx.day_start('2026-03-29', 'Atlantic/Azores');

-- The 1st of April has just begun in Berlin, is four hours old in Delhi, and
-- in New York it is still the 31st of March.  Clocks changed on March 29th and
-- 8th.  Each score stands for an instant: 1 and 2 are the first and last hour
-- of the 28 days before, 3 and 4 those of the last 28 days, 0 and 5 are outside.
SET cx.as_of = '2026-04-01 00:30+02';
SELECT zone, cx.days_ago(0, zone), cx.days_ago(28, zone), cx.days_ago(56, zone) FROM unnest('{Europe/Berlin,Asia/Kolkata,America/New_York}'::text[]) AS zone;
INSERT INTO cx_data.tally_hourly (metric, tally, touchpoint_id, org_unit_id, hour) VALUES
	('nps', '{0:1}', 1, 1, '2026-02-03 23:00+01'), ('nps', '{0:1}', 1, 3, '2026-02-03 23:00+05:30'), ('nps', '{0:1}', 1, 4, '2026-02-02 23:00-05'),
	('nps', '{1:1}', 1, 1, '2026-02-04 00:00+01'), ('nps', '{1:1}', 1, 3, '2026-02-04 00:00+05:30'), ('nps', '{1:1}', 1, 4, '2026-02-03 00:00-05'),
	('nps', '{2:1}', 1, 1, '2026-03-03 23:00+01'), ('nps', '{2:1}', 1, 3, '2026-03-03 23:00+05:30'), ('nps', '{2:1}', 1, 4, '2026-03-02 23:00-05'),
	('nps', '{3:1}', 1, 1, '2026-03-04 00:00+01'), ('nps', '{3:1}', 1, 3, '2026-03-04 00:00+05:30'), ('nps', '{3:1}', 1, 4, '2026-03-03 00:00-05'),
	('nps', '{4:1}', 1, 1, '2026-03-31 23:00+02'), ('nps', '{4:1}', 1, 3, '2026-03-31 23:00+05:30'), ('nps', '{4:1}', 1, 4, '2026-03-30 23:00-04'),
	('nps', '{5:1}', 1, 1, '2026-04-01 00:00+02'), ('nps', '{5:1}', 1, 3, '2026-04-01 00:00+05:30'), ('nps', '{5:1}', 1, 4, '2026-03-31 00:00-04'),
	-- no touchpoint, no unit, neither; and a unit that is gone
	('nps', '{3:2}', NULL, 1, '2026-03-04 00:00+01'), ('nps', '{3:3}', 1, NULL, '2026-03-04 00:00+01'), ('nps', '{3:4}', NULL, NULL, '2026-03-04 00:00+01'),
	('nps', '{3:5}', 1, 99, '2026-03-04 00:00+01');
CALL pg_temp.count_days();
SELECT * FROM cx_data.tally_recent ORDER BY touchpoint_id, org_unit_id;
-- days of the same instants
SELECT day, starts_at, org_unit, value, responses FROM cx_data.unit_daily ORDER BY day, org_unit_id;
SELECT day, starts_at, touchpoint, value, responses FROM cx_data.touchpoint_daily ORDER BY day, touchpoint_id;
-- a unit has what the units below it have
SELECT org_unit, tier, metric, value, responses, value_before, responses_before, verdict FROM cx_data.unit_score ORDER BY org_unit_id;
-- also if its parents run in a circle
UPDATE cx_data.org_unit SET parent_id = 3 WHERE org_unit_id = 1;
SELECT org_unit, responses, responses_before FROM cx_data.unit_score ORDER BY org_unit_id;
UPDATE cx_data.org_unit SET parent_id = NULL WHERE org_unit_id = 1;
-- the time zone of the session is of no account
CREATE TEMP VIEW everything AS
SELECT u::text AS line FROM cx_data.unit_score AS u
UNION ALL SELECT t::text FROM cx_data.touchpoint_score AS t
UNION ALL SELECT (d.day, extract(epoch FROM d.starts_at), d.org_unit_id, d.value, d.responses)::text FROM cx_data.unit_daily AS d
UNION ALL SELECT (d.day, extract(epoch FROM d.starts_at), d.touchpoint_id, d.value, d.responses)::text FROM cx_data.touchpoint_daily AS d;
SET timezone = 'Pacific/Kiritimati';
CREATE TEMP TABLE seen_there AS TABLE everything;
SET timezone = 'America/St_Johns';
SELECT count(*) FROM seen_there;
(TABLE everything EXCEPT ALL TABLE seen_there) UNION ALL (TABLE seen_there EXCEPT ALL TABLE everything);
SET timezone = 'UTC';
(TABLE everything EXCEPT ALL TABLE seen_there) UNION ALL (TABLE seen_there EXCEPT ALL TABLE everything);
DROP VIEW everything;

-- In the night of the 25th of October Berlin has two hours from 2 to 3.
SET cx.as_of = '2026-10-26 12:00+01';
INSERT INTO cx_data.tally_hourly (metric, tally, touchpoint_id, org_unit_id, hour) VALUES
	('ces', '{1:1}', 2, NULL, '2026-10-24 23:00+02'), ('ces', '{2:1}', 2, NULL, '2026-10-25 00:00+02'),
	('ces', '{3:1}', 2, NULL, '2026-10-25 02:00+02'), ('ces', '{4:1}', 2, NULL, '2026-10-25 02:00+01'),
	('ces', '{5:1}', 2, NULL, '2026-10-25 23:00+01'), ('ces', '{6:1}', 2, NULL, '2026-10-26 00:00+01');
CALL pg_temp.count_days();
SELECT day, starts_at, value, responses FROM cx_data.touchpoint_daily WHERE day > '2026-10-01' ORDER BY day;
SELECT value, responses FROM cx_data.touchpoint_score;

-- live: what is folded in already and what is not

TRUNCATE cx_data.tally_hourly;
SET cx.as_of = '2026-07-01';
INSERT INTO cx_data.tally_hourly (metric, tally, touchpoint_id, org_unit_id, hour) VALUES
	('csat', '{4:2,5:3}', 1, NULL, '2026-06-30 10:00Z'), ('csat', '{1:1}', 2, NULL, '2026-06-30 10:00Z'), ('csat', '{}', 2, 1, '2026-06-30 10:00Z');
CALL pg_temp.count_days();
INSERT INTO cx_data.tally_delta (metric, added, removed, touchpoint_id, org_unit_id, hour, day) VALUES
	('csat', '{5:1}', NULL, 1, NULL, '2026-06-30 10:00Z', '2026-06-30'),
	('csat', NULL, '{4:1,5:4}', 1, NULL, '2026-06-30 10:00Z', '2026-06-30'),
	('csat', NULL, '{1:1}', 2, NULL, '2026-06-30 10:00Z', '2026-06-30'),
	('csat', '{2:1}', '{2:1}', 1, 1, '2026-06-30 10:00Z', '2026-06-30'),
	('csat', '{3:1}', NULL, NULL, NULL, '2026-06-30 11:00Z', '2026-06-30');
SELECT * FROM cx_data.tally_live ORDER BY hour;
SELECT * FROM cx_data.tally_recent ORDER BY touchpoint_id;
SELECT * FROM cx_data.tally_live_daily ORDER BY touchpoint_id;
SELECT touchpoint, metric, value, responses FROM cx_data.touchpoint_score ORDER BY touchpoint_id;
TRUNCATE cx_data.tally_hourly, cx_data.tally_delta;

-- scores

-- bill: NPS from 20 to 60 of 100 answers, clearly better; satisfied 45 of 50 before, 25 of 50 after, clearly worse;
-- call: NPS from 0 to 10, unclear; effort from 4 down to 2, better, for low is good; 29 answers, too few, however much they changed
INSERT INTO cx_data.tally_hourly (touchpoint_id, metric, hour, tally) VALUES
	(1, 'nps', '2026-05-20 10:00Z', '{0:40,10:60}'), (1, 'nps', '2026-06-20 10:00Z', '{0:20,10:80}'),
	(1, 'csat', '2026-05-20 10:00Z', '{1:5,5:45}'), (1, 'csat', '2026-06-20 10:00Z', '{1:25,5:25}'),
	(2, 'nps', '2026-05-20 10:00Z', '{0:50,10:50}'), (2, 'nps', '2026-06-20 10:00Z', '{0:45,10:55}'),
	(2, 'effort5', '2026-05-20 10:00Z', '{3:20,5:20}'), (2, 'effort5', '2026-06-20 10:00Z', '{1:20,3:20}'),
	(2, 'csat', '2026-05-20 10:00Z', '{1:50}'), (2, 'csat', '2026-06-20 10:00Z', '{5:29}'),
	(NULL, 'nps', '2026-05-20 10:00Z', '{10:50}'),
	(NULL, 'stars', '2026-06-20 10:00Z', '{5:50}');
CALL pg_temp.count_days();
SELECT touchpoint, metric, pg_temp.r(value) AS value, pg_temp.r(lower) AS lower, pg_temp.r(upper) AS upper, responses,
	pg_temp.r(value_before) AS value_before, responses_before,
	pg_temp.r(change) AS change, pg_temp.r(change_lower) AS change_lower, pg_temp.r(change_upper) AS change_upper,
	round(p_value::numeric, 6) AS p_value, round(q_value::numeric, 6) AS q_value, significant, verdict
FROM cx_data.touchpoint_score ORDER BY metric, touchpoint_id;
-- of two tests of a metric the smaller p-value counts twice
SELECT touchpoint, round((q_value / p_value)::numeric, 6) AS times FROM cx_data.touchpoint_score WHERE metric = 'nps' ORDER BY touchpoint_id;
-- what is enough is a setting
SET cx.min_responses = 29;
SELECT touchpoint, pg_temp.r(change) AS change, significant, verdict FROM cx_data.touchpoint_score WHERE metric = 'csat' ORDER BY touchpoint_id;
SET cx.min_responses = 101;
SELECT DISTINCT significant, verdict, q_value FROM cx_data.touchpoint_score;
RESET cx.min_responses;
-- by hand
SELECT pg_temp.r((cx.metric_estimate('csat', '{1:25,5:25}')).value) AS csat, pg_temp.r((cx.metric_estimate('nps', '{0:20,10:80}')).value) AS nps,
	pg_temp.r((cx.metric_estimate('csat3', '{2:1,3:3}')).value) AS csat3, pg_temp.r((cx.metric_estimate('stars', '{2:1,3:3}')).value) AS stars, cx.metric_estimate('ces', '{}') AS nothing;
SELECT pg_temp.r((cx.metric_change('csat', '{1:5,5:45}', '{1:25,5:25}')).difference) AS csat, pg_temp.r((cx.metric_change('nps', '{0:40,10:60}', '{0:20,10:80}')).difference) AS nps,
	pg_temp.r((cx.metric_change('effort5', '{3:20,5:20}', '{1:20,3:20}')).difference) AS effort, cx.metric_change('nps', NULL, '{1:1}') AS nothing;
SELECT cx.metric_estimate('npx', '{9:1}');
SELECT cx.metric_change('npx', '{9:1}', '{9:2}');
SELECT cx.verdict(-1, 0.01, true, true) AS low_is_better, cx.verdict(-1, 0.01, true, false) AS low_is_worse, cx.verdict(-1, 0.05, true, false) AS at_the_limit, cx.verdict(NULL, NULL, true, false) AS unknown, cx.verdict(1, 0.01, NULL, false) AS too_few;

-- journeys

INSERT INTO cx_data.staff (staff_id, code) VALUES (1, 'ann');
INSERT INTO cx_data.persona (persona_id, code) VALUES (1, 'student');
INSERT INTO cx_data.journey (journey_id, code, name, owner_staff_id) VALUES (1, 'use', 'Use', 1), (2, 'leave', 'Leave', NULL), (3, 'plan', 'Plan', NULL);
INSERT INTO cx_data.stage (stage_id, journey_id, code, name, position, weight) VALUES (11, 1, 'pay', 'Pay', 2, 3), (12, 1, 'ask', 'Ask', 1, 1), (13, 1, 'wait', 'Wait', 3, 1), (21, 2, 'cancel', 'Cancel', 1, 1);
UPDATE cx_data.touchpoint SET stage_id = 11, owner_unit_id = 1, moment_of_truth = true, channel = 'mail' WHERE touchpoint_id = 1;
UPDATE cx_data.touchpoint SET stage_id = 12, position = 2 WHERE touchpoint_id = 2;
INSERT INTO cx_data.touchpoint (touchpoint_id, stage_id, code, name, position, weight) VALUES
	(3, 12, 'chat', 'Chat', 1, 3), (4, 12, 'shop', 'Shop', 3, 1), (5, 12, 'forum', 'Forum', 4, 0), (6, NULL, 'fair', 'Fair', 1, 1), (7, 21, 'form', 'Form', 1, 1);
INSERT INTO cx_data.journey_note (journey_note_id, stage_id, touchpoint_id, persona_id, kind, body, author) VALUES (1, 11, NULL, NULL, 'pain_point', 'too dear', 'ann'), (2, NULL, 3, 1, 'thought', 'at last', 'ann');
-- not since ever, which BI tools cannot show
\set VERBOSITY terse
SELECT cx.publish_journey('use', '-infinity');
\set VERBOSITY default
SELECT cx.publish_journey('use'), cx.publish_journey('leave');
SELECT cx.publish_journey('use');
SELECT cx.publish_journey('plan');
SELECT cx.publish_journey('no such journey');
SELECT jsonb_pretty(jsonb_path_query_array(definition, '$.stages[*]') -> 1 -> 'notes' -> 0 #- '{created_at}') AS note, definition ->> 'owner_staff' AS owner, jsonb_path_query_array(definition, '$.stages[*].code') AS stages,
	jsonb_path_query_array(definition, '$.stages[0].touchpoints[*].code') AS touchpoints, jsonb_path_query_first(definition, '$.stages[0].touchpoints[0].notes[0].persona') AS persona
FROM cx_data.journey_version WHERE journey_id = 1;
-- a published version does not change; the next one does
UPDATE cx_data.journey_version SET published_at = '2026-01-01';
UPDATE cx_data.stage SET weight = 1, name = 'Paying' WHERE stage_id = 11;
SELECT DISTINCT journey, version, stage, stage_name, stage_weight FROM cx_data.journey_published ORDER BY journey, stage;
SELECT cx.publish_journey('use');
UPDATE cx_data.journey_version SET published_at = '2026-06-01' WHERE version = 2;
SELECT DISTINCT journey, version, stage, stage_name, stage_weight FROM cx_data.journey_published ORDER BY journey, stage;
SET cx.as_of = '2026-05-31';
SELECT DISTINCT version FROM cx_data.journey_published WHERE journey = 'use';
SET cx.as_of = '2025-12-31';
SELECT count(*) FROM cx_data.journey_published;
SET cx.as_of = '2026-07-01';
SELECT stage_position, touchpoint_position, stage, touchpoint, touchpoint_weight, channel, moment_of_truth, owner_staff, owner_unit FROM cx_data.journey_published WHERE journey = 'use' ORDER BY 1, 2;

-- bill: 50 thumbs up and 50 down are 50; call: all 3 of 5 are 50, all 1 in an effort where low is good are 100, together 75;
-- chat: all 9 of 10 are 90; shop: one answer is too few; forum: weight 0
TRUNCATE cx_data.tally_hourly;
INSERT INTO cx_data.tally_hourly (touchpoint_id, metric, hour, tally) VALUES
	(1, 'thumbs', '2026-06-20 10:00Z', '{0:50,1:50}'),
	(2, 'stars', '2026-06-20 10:00Z', '{3:20}'), (2, 'effort5', '2026-06-20 10:00Z', '{1:20}'),
	(3, 'nps', '2026-06-20 10:00Z', '{9:20}'), (3, 'nps', '2026-06-21 10:00Z', '{9:20}'),
	(4, 'stars', '2026-06-20 10:00Z', '{1:1}'),
	(5, 'stars', '2026-06-20 10:00Z', '{1:50}'),
	(6, 'stars', '2026-06-20 10:00Z', '{1:50}'),
	(7, 'stars', '2026-06-20 10:00Z', '{5:29}');
CALL pg_temp.count_days();
SELECT stage_position, touchpoint_position, touchpoint, emotion, value, pg_temp.r(lower) AS lower, pg_temp.r(upper) AS upper, responses, enough_responses FROM cx_data.emotion_curve WHERE journey = 'use' ORDER BY 1, 2;
-- ask: (1 x 75 + 3 x 90) / 4; its interval is that of call, 1/4 as wide: standard error of 40 answers at 50 and 100 is 25 / sqrt(39)
SELECT journey, stage, value, pg_temp.r(lower) AS lower, pg_temp.r(upper) AS upper, emotion, responses, touchpoint_count, left_out_count, worst_touchpoint, worst_value
FROM cx_data.stage_score ORDER BY journey, stage_position;
SELECT pg_temp.r(86.25 - 1.959964 * 25 / sqrt(39) / 4) AS lower, pg_temp.r(86.25 + 1.959964 * 25 / sqrt(39) / 4) AS upper;
-- use: (1 x 50 + 1 x 86.25) / 2 in version 2
SELECT journey, value, pg_temp.r(lower) AS lower, pg_temp.r(upper) AS upper, pg_temp.r(emotion) AS emotion, responses, stage_count, left_out_count, worst_stage, worst_value FROM cx_data.journey_score ORDER BY journey;
SELECT pg_temp.r(68.125 - 1.959964 * sqrt(2500.0 / 99 + (25 / sqrt(39) / 4) ^ 2) / 2) AS lower;
-- day by day; on the 21st chat has too few answers
SELECT day, starts_at, stage, value, emotion, responses, touchpoint_count, left_out_count, worst_touchpoint FROM cx_data.stage_daily WHERE journey = 'use' ORDER BY day, stage_position;
SET cx.min_responses = 20;
SELECT day, stage, value, responses, touchpoint_count, left_out_count FROM cx_data.stage_daily ORDER BY day, journey, stage_position;
SELECT day, starts_at, journey, value, pg_temp.r(lower) AS lower, pg_temp.r(upper) AS upper, responses, stage_count, left_out_count, worst_stage, worst_value FROM cx_data.journey_daily ORDER BY day, journey;
RESET cx.min_responses;
-- the version of the time: there pay has weight 3
UPDATE cx_data.journey_version SET published_at = '2026-07-02' WHERE version = 2;
SELECT value FROM cx_data.journey_score WHERE journey = 'use';

-- customers

INSERT INTO cx_data.customer (customer_id, code, name, segment, org_unit_id, first_seen_at) VALUES (1, 'C1', 'Ada', 'consumer', 3, '2026-01-01'), (2, 'C2', NULL, NULL, NULL, '2026-06-30');
INSERT INTO cx_data.tag (tag_id, code) VALUES (1, 'vip'), (2, 'late payer'), (3, 'new');
INSERT INTO cx_data.customer_tag (customer_id, tag_id, valid_from, valid_until) VALUES (1, 1, '2026-02-01', NULL), (1, 2, '2026-03-01', '2026-08-01'), (1, 3, '2026-01-01', '2026-02-01');
INSERT INTO cx_data.feedback (customer_id, touchpoint_id, org_unit_id, staff_id, kind, metric, score, channel, comment, responded_at) VALUES
	(1, 1, 3, NULL, 'survey', 'csat', 5, 'sms', NULL, '2026-02-10 10:00Z'),
	(1, 1, 3, 1, 'survey', 'csat', 1, 'sms', 'too dear', '2026-06-10 20:00Z'),
	(1, 2, NULL, NULL, 'survey', 'nps', 2, 'app', NULL, '2026-06-11 10:00Z'),
	(1, 2, NULL, NULL, 'survey', 'nps', 8, 'app', NULL, '2026-06-12 10:00Z'),
	(1, 3, NULL, NULL, 'survey', 'effort5', 4, 'app', NULL, '2026-06-13 10:00Z'),
	(1, NULL, NULL, NULL, 'complaint', NULL, NULL, 'mail', 'hello?', '2026-06-20 10:00Z'),
	(1, 1, NULL, NULL, 'mystery', 'nps', 0, NULL, NULL, '2026-06-21 10:00Z'),
	(1, 1, NULL, NULL, 'survey', 'nps', 0, NULL, NULL, '2026-07-21 10:00Z'),
	(NULL, 4, NULL, NULL, 'survey', 'stars', 4, NULL, 'nobody', '2026-05-01 10:00Z');
INSERT INTO cx_data.event (customer_id, touchpoint_id, org_unit_id, name, value, attributes, occurred_at) VALUES
	(1, 1, 3, 'bill', 12.5, '{"paid": false}', '2026-06-09 10:00Z'), (1, NULL, NULL, 'outage', NULL, NULL, '2026-04-20 10:00Z'), (1, NULL, NULL, 'visit', NULL, NULL, '2026-01-05 10:00Z'),
	(1, NULL, NULL, 'renewal', NULL, NULL, '2026-07-05 10:00Z');
\x on
-- the experience of the last 90 days is the mean of 0, 20, 80 and 25, before it was 100
SELECT * FROM cx_data.customer_profile ORDER BY code;
\x off
SELECT * FROM cx.customer_timeline('C1');
SELECT * FROM cx.customer_timeline('C2');
SELECT * FROM cx.customer_timeline('nobody');
SELECT day, responded_at, kind, metric, score, channel, touchpoint, stage, journey, customer, segment, org_unit, staff FROM cx_data.feedback_detail ORDER BY responded_at;
-- fair is in no journey, form has no feedback, bill is well looked after
SELECT touchpoint, stage, journey, moment_of_truth, lacks_metric, lacks_owner, lacks_data, last_feedback_at FROM cx_data.journey_coverage ORDER BY touchpoint_id;

CALL cx.drop_program(with_feedback => true);
