-- Golden values of the program: a survey and an incident log loaded as a user
-- would load them, copied into plain tables that are attached, and what the
-- views then say against values that an independent program (R) computed from
-- the same files, or against plain SQL over the same rows.
--
-- Run from the folder that holds data/ and golden/; test/t/002_golden.pl does so.
-- Prints TAP.  A value is met with a relative error of at most 1e-9 (absolute
-- 1e-12 where it is 0), and every line says how many values there have to be.

\set ON_ERROR_STOP on
\set QUIET on
\pset tuples_only on
\pset format unaligned
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS cx;
-- days are the program's, never the session's
SET timezone = 'Asia/Tokyo';
-- where a test run compiles every query, that takes longer than all the rest
SET jit = off;

CREATE TEMP TABLE expectation (file text DEFAULT 'none', sample text, statistic text, expected double precision);
CREATE TEMP TABLE computed (occasion text, place text, file text, sample text, statistic text, actual double precision);
CREATE TEMP TABLE fact (title text, holds boolean);

\copy expectation (sample, statistic, expected) FROM 'golden/nps.csv' CSV HEADER
UPDATE expectation SET file = 'nps.csv' WHERE file = 'none';
\copy expectation (sample, statistic, expected) FROM 'golden/csat_ces.csv' CSV HEADER
UPDATE expectation SET file = 'csat_ces.csv' WHERE file = 'none';
\copy expectation (sample, statistic, expected) FROM 'golden/journey_incidents.csv' CSV HEADER
UPDATE expectation SET file = 'journey_incidents.csv' WHERE file = 'none';
\copy expectation (sample, statistic, expected) FROM 'golden/tickets.csv' CSV HEADER
UPDATE expectation SET file = 'tickets.csv' WHERE file = 'none';

-- The airport: its organisation, a journey, and a source for each question of the survey

CALL cx.create_program('America/Los_Angeles');
INSERT INTO cx_data.org_unit (code, tier) VALUES ('airport', 1);
INSERT INTO cx_data.org_unit (code, tier, parent_id)
SELECT terminal, 2, org_unit_id FROM cx_data.org_unit, unnest(ARRAY['international', 'terminal 1', 'terminal 2', 'terminal 3']) AS terminal;
INSERT INTO cx_data.org_unit (code, tier, parent_id)
SELECT area, 3, org_unit_id
FROM (VALUES ('A', 'international'), ('B', 'terminal 1'), ('C', 'terminal 1'), ('D', 'terminal 2'),
	('E', 'terminal 3'), ('F', 'terminal 3'), ('G', 'international')) AS boarding_area (area, terminal)
JOIN cx_data.org_unit ON code = terminal;

-- one touchpoint with answers on two scales, one question about the airport as a whole, two ratings of ease as efforts
CREATE TEMP TABLE question (question text, touchpoint text, metric text, score text);
INSERT INTO question VALUES
	('nps', 'departure', 'nps', 'nps'), ('overall', 'departure', 'csat', 'overall'), ('clean_all', NULL, 'quality', 'clean_all'),
	('ease_getting', 'way there', 'effort5', '6 - ease_getting'), ('ease_security', 'security', 'effort5', '6 - ease_security'),
	('ease_finding', 'way inside', 'ease', 'ease_finding'), ('sign', 'signs', 'stars', 'sign'), ('wifi', 'wifi', 'stars', 'wifi'),
	('safe', 'safety', 'quality', 'safe'), ('art', 'art', 'quality', 'art'), ('food', 'food', 'quality', 'food'),
	('store', 'shops', 'quality', 'store'), ('clean_restroom', 'restrooms', 'quality', 'clean_restroom');
INSERT INTO cx_data.metric (code, kind, scale_min, scale_max, satisfied_from) VALUES ('ease', 'rating', 1, 5, NULL), ('quality', 'csat', 1, 5, 4);

CREATE TEMP TABLE plan (position integer, stage text, stage_weight double precision, touchpoint text, weight double precision);
INSERT INTO plan VALUES
	(1, 'arrive', 1, 'way there', 1),
	(2, 'check in', 3, 'security', 3), (2, 'check in', 3, 'safety', 1), (2, 'check in', 3, 'way inside', 2), (2, 'check in', 3, 'signs', 0.5),
	(3, 'shop and eat', 2, 'food', 2), (3, 'shop and eat', 2, 'shops', 1), (3, 'shop and eat', 2, 'art', 0),
	(4, 'gate', 2.5, 'restrooms', 1), (4, 'gate', 2.5, 'wifi', 1),
	(5, 'board', 4, 'departure', 1);
INSERT INTO cx_data.journey (code) VALUES ('flight');
INSERT INTO cx_data.stage (journey_id, code, position, weight)
SELECT DISTINCT journey_id, stage, plan.position, stage_weight FROM plan, cx_data.journey;
INSERT INTO cx_data.touchpoint (stage_id, code, weight)
SELECT stage_id, touchpoint, plan.weight FROM plan JOIN cx_data.stage ON code = stage;
INSERT INTO fact SELECT 'the journey is published', cx.publish_journey('flight', '2017-01-01') = 1;
-- in force when the survey took place; changes that are not published do not count
UPDATE cx_data.touchpoint SET weight = 50 WHERE code IN ('food', 'art', 'signs');

-- the table that the airport demo makes
\ir ../../examples/airport/load.sql
\copy survey FROM 'data/sfo2017.csv' CSV HEADER
CREATE TEMP TABLE attached AS
SELECT question, cx.attach_feedback(question, 'survey', key => 'respnum', customer => 'respnum',
	touchpoint => quote_nullable(touchpoint), metric => quote_literal(metric), score => score, org_unit => 'boarding_area',
	-- flights before noon, at mid-day and in the evening, when in UTC it is the next day
	responded_at => $$make_timestamptz(year, 5, interview_day, 4 + 6 * strata, 30, 0, 'America/Los_Angeles')$$,
	only_if => format('%I IS NOT NULL', question)) AS captured
FROM question;

-- The same from the rows, in plain SQL

CREATE TEMP TABLE answer AS
SELECT respnum, make_date(year, 5, interview_day) AS day, strata, terminal.code AS terminal, boarding_area, q.*, given,
	CASE question WHEN 'nps' THEN 10.0 * given ELSE 25.0 * (given - 1) END AS experience,
	CASE WHEN metric = 'nps' THEN 100.0 * ((given >= 9)::integer - (given <= 6)::integer)
		WHEN metric IN ('csat', 'quality') THEN 100.0 * (given >= 4)::integer
		WHEN metric = 'effort5' THEN 6 - given ELSE given END AS part
FROM survey AS s CROSS JOIN question AS q
CROSS JOIN LATERAL (SELECT (to_jsonb(s) ->> question)::integer AS given) AS a
JOIN cx_data.org_unit AS area ON area.code = boarding_area
JOIN cx_data.org_unit AS terminal ON terminal.org_unit_id = area.parent_id
WHERE given IS NOT NULL;

INSERT INTO expectation
SELECT 'plain SQL', sample, v.*
FROM (SELECT format('day|%s|%s|%s', day, touchpoint, metric) AS sample, avg(part) AS value, count(*) AS responses
	FROM answer GROUP BY day, touchpoint, metric
	UNION ALL
	SELECT format('unit|%s|%s', terminal, metric), avg(part), count(*) FROM answer GROUP BY terminal, metric
	UNION ALL
	SELECT format('unit|%s|%s', boarding_area, metric), avg(part), count(*) FROM answer GROUP BY boarding_area, metric
	UNION ALL
	SELECT format('unit|airport|%s', metric), avg(part), count(*) FROM answer GROUP BY metric) AS rows,
	LATERAL (VALUES ('value', value), ('responses', responses)) AS v (statistic, expected);
INSERT INTO expectation
SELECT 'plain SQL', format('28 days|%s|%s', touchpoint, metric), v.*
FROM (SELECT touchpoint, metric, avg(part) FILTER (WHERE day >= '2017-05-17') AS after, count(*) FILTER (WHERE day >= '2017-05-17') AS responses,
		avg(part) FILTER (WHERE day < '2017-05-17') AS before, count(*) FILTER (WHERE day < '2017-05-17') AS responses_before
	FROM answer GROUP BY touchpoint, metric) AS halves,
	LATERAL (VALUES ('value', after), ('responses', responses), ('value_before', before), ('responses_before', responses_before),
		('change', after - before)) AS v (statistic, expected);

-- Stages, as the blueprint defines them: touchpoints with enough answers, weighted; from golden means and from the rows

CREATE TEMP TABLE experience AS
SELECT 'golden' AS basis, 'all' AS day, touchpoint, responses, value, sqrt((squares - responses * value ^ 2) / (responses - 1) / responses) AS std_error
FROM (SELECT touchpoint, sum(n) AS responses, sum(n * mean) / sum(n) AS value, sum((n - 1) * sd ^ 2 + n * mean ^ 2) AS squares
	FROM (SELECT touchpoint, max(expected) FILTER (WHERE statistic = 'n') AS n,
			CASE question WHEN 'nps' THEN 10 * max(expected) FILTER (WHERE statistic = 'mean_score') ELSE 25 * (max(expected) FILTER (WHERE statistic = 'mean') - 1) END AS mean,
			CASE question WHEN 'nps' THEN 10 * max(expected) FILTER (WHERE statistic = 'sd_score') ELSE 25 * max(expected) FILTER (WHERE statistic = 'sd') END AS sd
		FROM question JOIN expectation ON sample IN (CASE question WHEN 'nps' THEN 'sfo2017|all' END, format('sfo2017|csat|%s|mean', question), format('sfo2017|ces|%s|mean', question))
		GROUP BY question, touchpoint) AS questions
	GROUP BY touchpoint) AS touchpoints
UNION ALL
SELECT 'plain SQL', coalesce(day::text, 'all'), touchpoint, count(*), avg(experience), stddev_samp(experience) / sqrt(count(*))
FROM answer GROUP BY GROUPING SETS ((touchpoint), (day, touchpoint));

CREATE TEMP TABLE expected_stage AS
SELECT basis, day, least, stage, stage_weight, sum(weight * value) FILTER (WHERE counts) / sum(weight) FILTER (WHERE counts) AS value,
	sqrt(sum((weight * std_error) ^ 2) FILTER (WHERE counts)) / sum(weight) FILTER (WHERE counts) AS std_error,
	coalesce(sum(responses) FILTER (WHERE counts), 0) AS responses, count(*) FILTER (WHERE counts) AS touchpoints, count(*) FILTER (WHERE NOT counts) AS left_out,
	min(value) FILTER (WHERE counts) AS worst
FROM (SELECT *, weight > 0 AND responses >= least AS counts FROM experience JOIN plan USING (touchpoint), (VALUES (30), (60), (2400)) AS settings (least)) AS placed
GROUP BY basis, day, least, stage, stage_weight;
CREATE TEMP TABLE expected_journey AS
SELECT basis, day, least, sum(stage_weight * value) / sum(stage_weight) FILTER (WHERE touchpoints > 0) AS value,
	sqrt(sum((stage_weight * std_error) ^ 2)) / sum(stage_weight) FILTER (WHERE touchpoints > 0) AS std_error,
	sum(responses) AS responses, count(*) FILTER (WHERE touchpoints > 0) AS stages, count(*) FILTER (WHERE touchpoints = 0) AS left_out, min(value) AS worst
FROM expected_stage GROUP BY basis, day, least;

INSERT INTO expectation
SELECT 'stages from ' || basis, sample, v.*
FROM (SELECT basis, format('touchpoint|%s', touchpoint) AS sample, value, std_error, responses, NULL::bigint AS parts, NULL::bigint AS left_out, NULL::double precision AS worst
	FROM experience WHERE day = 'all' AND touchpoint IS NOT NULL
	UNION ALL
	SELECT basis, format('stage|%s|%s|%s', day, least, stage), value, std_error, responses, touchpoints, left_out, worst FROM expected_stage
	UNION ALL
	SELECT basis, format('journey|%s|%s', day, least), value, std_error, responses, stages, left_out, worst FROM expected_journey) AS figures,
	LATERAL (VALUES ('value', value), ('lower', value - 1.959963984540054 * std_error), ('upper', value + 1.959963984540054 * std_error),
		('emotion', (value - 50) / 25), ('responses', responses), ('parts', parts), ('left_out', left_out), ('worst', worst)) AS v (statistic, expected);

-- What the views say, under the same names

CREATE TEMP VIEW figure AS
SELECT 'touchpoint_score' AS place, question, '' AS part, metric, value, lower, upper, responses
FROM cx_data.touchpoint_score AS s JOIN question AS q USING (metric)
WHERE q.touchpoint IS NOT DISTINCT FROM s.touchpoint
UNION ALL
-- of metrics that only one question uses
SELECT 'unit_score', question, CASE WHEN tier = 3 THEN '|boarding_area=' || org_unit ELSE '' END, metric, value, lower, upper, responses
FROM cx_data.unit_score JOIN question USING (metric)
WHERE metric IN ('nps', 'csat', 'ease') AND tier <> 2
UNION ALL
SELECT 'tally_live', metric, '|strata=' || strata, metric, (e).value, (e).lower, (e).upper, (e).responses
FROM (SELECT (extract(hour FROM hour AT TIME ZONE 'America/Los_Angeles')::integer - 4) / 6 AS strata, metric, cx.metric_estimate(metric, cx.tally(tally)) AS e
	FROM cx_data.tally_live WHERE metric = 'nps' GROUP BY 1, 2) AS hours;

CREATE TEMP VIEW scores AS
SELECT place, 'nps.csv' AS file, 'sfo2017' || CASE part WHEN '' THEN '|all' ELSE part END AS sample, v.*
FROM figure, LATERAL (VALUES ('n', responses), ('nps', value), ('adj_tri3_lo', lower), ('adj_tri3_hi', upper)) AS v (statistic, actual)
WHERE metric = 'nps'
UNION ALL
SELECT place, 'csat_ces.csv', format('sfo2017|csat|%s%s|top2', question, part), v.*
FROM figure, LATERAL (VALUES ('n', responses), ('prop', value / 100), ('wilson_lo', lower / 100), ('wilson_hi', upper / 100)) AS v (statistic, actual)
WHERE metric IN ('csat', 'quality')
UNION ALL
SELECT place, 'csat_ces.csv', format('sfo2017|%s|%s%s|mean', CASE WHEN metric = 'stars' THEN 'csat' ELSE 'ces' END, question, part), v.*
FROM figure, LATERAL (VALUES ('n', responses), ('mean', CASE metric WHEN 'effort5' THEN 6 - value ELSE value END),
	('t_lo', CASE metric WHEN 'effort5' THEN 6 - upper ELSE lower END), ('t_hi', CASE metric WHEN 'effort5' THEN 6 - lower ELSE upper END)) AS v (statistic, actual)
WHERE metric IN ('stars', 'ease', 'effort5')
UNION ALL
SELECT 'source_status', CASE source WHEN 'nps' THEN 'nps.csv' ELSE 'csat_ces.csv' END,
	CASE source WHEN 'nps' THEN 'sfo2017|all' ELSE format('sfo2017|%s|%s|mean', CASE WHEN source LIKE 'ease%' THEN 'ces' ELSE 'csat' END, source) END, 'n', captured_rows
FROM cx_data.source_status WHERE kind = 'feedback' AND difference = 0
UNION ALL
SELECT 'touchpoint_daily', 'plain SQL', format('day|%s|%s|%s', day, touchpoint, metric), v.*
FROM cx_data.touchpoint_daily, LATERAL (VALUES ('value', value), ('responses', responses)) AS v (statistic, actual)
UNION ALL
SELECT 'unit_score', 'plain SQL', format('unit|%s|%s', org_unit, metric), v.*
FROM cx_data.unit_score, LATERAL (VALUES ('value', value), ('responses', responses)) AS v (statistic, actual);

CREATE TEMP VIEW stages AS
SELECT place, 'stages from ' || basis AS file, sample, v.*
FROM (SELECT 'emotion_curve' AS place, format('touchpoint|%s', touchpoint) AS sample, value, lower, upper, emotion, responses,
		NULL::bigint AS parts, NULL::bigint AS left_out, NULL::double precision AS worst
	FROM cx_data.emotion_curve
	UNION ALL
	SELECT 'stage_score', format('stage|all|%s|%s', cx.min_responses(), stage), value, lower, upper, emotion, responses, touchpoint_count, left_out_count, worst_value
	FROM cx_data.stage_score
	UNION ALL
	SELECT 'stage_daily', format('stage|%s|%s|%s', day, cx.min_responses(), stage), value, lower, upper, emotion, responses, touchpoint_count, left_out_count, worst_value
	FROM cx_data.stage_daily
	UNION ALL
	SELECT 'journey_score', format('journey|all|%s', cx.min_responses()), value, lower, upper, emotion, responses, stage_count, left_out_count, worst_value
	FROM cx_data.journey_score
	UNION ALL
	SELECT 'journey_daily', format('journey|%s|%s', day, cx.min_responses()), value, lower, upper, emotion, responses, stage_count, left_out_count, worst_value
	FROM cx_data.journey_daily) AS figures
CROSS JOIN (VALUES ('golden'), ('plain SQL')) AS bases (basis)
CROSS JOIN LATERAL (VALUES ('value', value), ('lower', lower), ('upper', upper), ('emotion', emotion), ('responses', responses),
	('parts', parts), ('left_out', left_out), ('worst', worst)) AS v (statistic, actual)
-- touchpoints have no parts, and by day there are no golden values
WHERE NOT (place = 'emotion_curve' AND statistic IN ('parts', 'left_out', 'worst')) AND NOT (place LIKE '%daily' AND basis = 'golden');

-- hours, counted without a tally
CREATE TEMP VIEW wrong_hour AS
WITH live AS (
	SELECT t.code AS touchpoint, u.code AS unit, hour, metric, tally::text
	FROM cx_data.tally_live LEFT JOIN cx_data.touchpoint AS t USING (touchpoint_id) LEFT JOIN cx_data.org_unit AS u USING (org_unit_id)
), counted AS (
	SELECT touchpoint, boarding_area, (day + interval '1 hour' * (4 + 6 * strata)) AT TIME ZONE 'America/Los_Angeles', metric,
		'{' || string_agg(score || ':' || answers, ',' ORDER BY score) || '}'
	FROM (SELECT touchpoint, boarding_area, day, strata, metric, CASE metric WHEN 'effort5' THEN 6 - given ELSE given END AS score, count(*) AS answers
		FROM answer GROUP BY 1, 2, 3, 4, 5, 6) AS scores
	GROUP BY touchpoint, boarding_area, day, strata, metric
)
(TABLE live EXCEPT ALL TABLE counted) UNION ALL (TABLE counted EXCEPT ALL TABLE live);

-- after attaching rows that were there, after copying them into the attached table, and after maintenance
SET cx.as_of = '2017-06-01 12:00-07';	-- the 28 full days are May 4 to 31
INSERT INTO fact SELECT 'attaching captures every answer', sum(captured) = (SELECT count(*) FROM answer) FROM attached;
INSERT INTO fact SELECT 'live tallies of rows that were there', NOT EXISTS (TABLE wrong_hour);
INSERT INTO computed SELECT 'attached', * FROM scores;
INSERT INTO computed SELECT 'attached', * FROM stages;

TRUNCATE survey;
INSERT INTO fact SELECT 'feedback goes with the rows', NOT EXISTS (TABLE cx_data.feedback) AND NOT EXISTS (TABLE cx_data.tally_live);
\copy survey FROM 'data/sfo2017.csv' CSV HEADER
INSERT INTO fact SELECT 'live tallies of rows that are copied in', NOT EXISTS (TABLE wrong_hour);
INSERT INTO computed SELECT 'copied', * FROM scores;

CALL cx.maintain();
INSERT INTO fact SELECT 'live tallies after maintenance', NOT EXISTS (TABLE wrong_hour) AND NOT EXISTS (TABLE cx_data.tally_delta);
INSERT INTO computed SELECT 'maintained', * FROM scores;
INSERT INTO fact
SELECT 'the worst touchpoint of a stage is named', count(*) = 5 AND bool_and(worst_touchpoint = (
	SELECT touchpoint FROM experience JOIN plan USING (touchpoint) WHERE basis = 'plain SQL' AND day = 'all' AND stage = s.stage AND weight > 0 ORDER BY value LIMIT 1))
FROM cx_data.stage_score AS s;
INSERT INTO fact
SELECT 'the worst stage of the journey is named', count(*) = 1 AND bool_and(worst_stage = (
	SELECT stage FROM expected_stage WHERE basis = 'plain SQL' AND day = 'all' AND least = 30 ORDER BY value LIMIT 1))
FROM cx_data.journey_score;
SET cx.min_responses = 2400;
INSERT INTO computed SELECT 'maintained', * FROM stages WHERE place IN ('stage_score', 'journey_score');
SET cx.min_responses = 60;
INSERT INTO computed SELECT 'maintained', * FROM stages WHERE place IN ('stage_daily', 'journey_daily');
RESET cx.min_responses;

SET cx.as_of = '2017-06-14 12:00-07';	-- from May 17, and before
INSERT INTO computed
SELECT 'halves', 'touchpoint_score', 'plain SQL', format('28 days|%s|%s', touchpoint, metric), v.*
FROM cx_data.touchpoint_score,
	LATERAL (VALUES ('value', value), ('responses', responses), ('value_before', value_before), ('responses_before', responses_before), ('change', change)) AS v (statistic, actual);

SET cx.as_of = '2017-06-01 12:00-07';
INSERT INTO fact
SELECT 'profiles tell what travellers said', count(*) = 281 AND bool_and(
	(last_nps_score, feedback_count, last_seen_at) IS NOT DISTINCT FROM (a.nps, a.answers, a.at) AND abs(p.experience - a.experience) < 1e-9)
FROM cx_data.customer_profile AS p
JOIN (SELECT respnum, max(given) FILTER (WHERE question = 'nps') AS nps, count(*) AS answers, avg(experience) AS experience,
		max((day + interval '1 hour' * (4.5 + 6 * strata)) AT TIME ZONE 'America/Los_Angeles') AS at
	FROM answer WHERE respnum % 10 = 0 GROUP BY respnum) AS a ON p.code = a.respnum::text;
INSERT INTO fact
SELECT 'every traveller who answered is a customer', (SELECT array_agg(code ORDER BY code) FROM cx_data.customer) = array_agg(DISTINCT respnum::text ORDER BY respnum::text) FROM answer;

-- The incidents: customers come from another table, and the log says of each state when it was entered or changed

CREATE TABLE incident (
	incident integer PRIMARY KEY, caller_id integer, opened_at timestamp, resolved_at timestamp, closed_at timestamp, contact_type text,
	category integer, subcategory integer, impact integer, urgency integer, priority integer,
	reassignment_count integer, reopen_count integer, made_sla boolean, n_events integer
);
CREATE TABLE incident_event (incident integer, seq integer, state text, updated_at timestamp, assignment_group integer);
\copy incident FROM 'data/incidents.csv' CSV HEADER
\copy incident_event FROM PROGRAM 'zcat data/incident_events.csv.gz' CSV HEADER
-- the planner now believes that event stays as small as it is
ANALYZE;

INSERT INTO fact
SELECT 'attaching captures every event', 84777 = cx.attach_event('states', 'incident_event', key => $$incident || '-' || seq$$,
	customer => '(SELECT caller_id FROM public.incident AS i WHERE i.incident = incident_event.incident)', customer_kind => 'caller',
	name => 'state', touchpoint => 'state', on_unknown => 'create', occurred_at => $$updated_at AT TIME ZONE 'UTC'$$);
INSERT INTO fact
SELECT 'attaching captures every ' || name, expected = cx.attach_event(name, 'incident', key => 'incident', customer => 'caller_id', customer_kind => 'caller',
	name => quote_literal(name), occurred_at => format($$%I AT TIME ZONE 'UTC'$$, name || '_at'), only_if => format('%I IS NOT NULL', name || '_at'),
	attributes => $$jsonb_build_object('priority', priority, 'category', category,
		'sla_met', made_sla, 'reopened', reopen_count > 0, 'one_touch', reassignment_count = 0)$$)
FROM (VALUES ('opened', 14889), ('resolved', 13964), ('closed', 14889)) AS moment (name, expected);

-- States in order, ties by the number in the log; a visit to a state lasts until another one

CREATE TEMP TABLE state AS
SELECT incident, state, at, lead(state) OVER log AS next, lag(state) OVER log IS DISTINCT FROM state AS is_entered, row_number() OVER log AS place
FROM (SELECT split_part(source_key, '-', 1)::integer AS incident, split_part(source_key, '-', 2)::integer AS seq, t.code AS state, occurred_at AS at
	FROM cx_data.event AS e JOIN cx_data.source AS s USING (source_id) JOIN cx_data.touchpoint AS t USING (touchpoint_id)
	WHERE s.name = 'states' AND e.name = t.code) AS log
WINDOW log AS (PARTITION BY incident ORDER BY at, seq);
CREATE TEMP TABLE visit AS
SELECT incident, state, place, lead(state) OVER log AS next, extract(epoch FROM lead(at) OVER log - at)::double precision / 3600 AS hours,
	row_number() OVER (PARTITION BY incident, state ORDER BY place) > 1 AS is_repeated
FROM state WHERE is_entered
WINDOW log AS (PARTITION BY incident ORDER BY place);
CREATE TEMP TABLE passage AS
SELECT incident, string_agg(state, '>' ORDER BY place) AS path, count(*) FILTER (WHERE is_repeated) AS repeats FROM visit GROUP BY incident;
CREATE TEMP TABLE variant AS
SELECT path, count(*) AS n, row_number() OVER (ORDER BY count(*) DESC, path COLLATE "C") AS rank FROM passage GROUP BY path;

INSERT INTO computed
SELECT 'attached', 'event', 'journey_incidents.csv', sample, statistic, actual
FROM (
	SELECT 'incidents' AS sample, v.*
	FROM (SELECT count(*) AS events, count(DISTINCT incident) AS cases, count(DISTINCT state) AS activities FROM state) AS s,
		LATERAL (VALUES ('events', events::double precision), ('cases', cases), ('activities', activities)) AS v (statistic, actual)
	UNION ALL
	SELECT 'incidents|activity|' || state, v.*
	FROM (SELECT state, count(*) AS events, count(DISTINCT incident) AS cases FROM state GROUP BY state) AS s,
		LATERAL (VALUES ('events', events), ('cases', cases)) AS v (statistic, actual)
	UNION ALL
	SELECT format('incidents|transition|%s>%s', state, next), v.*
	FROM (SELECT state, next, count(*) AS n, count(*) / sum(count(*)) OVER (PARTITION BY state) AS prob FROM state WHERE next IS NOT NULL GROUP BY state, next) AS s,
		LATERAL (VALUES ('n', n), ('prob', prob)) AS v (statistic, actual)
	UNION ALL
	SELECT 'incidents|start|' || state, 'n', count(*) FROM state WHERE place = 1 GROUP BY state
	UNION ALL
	SELECT 'incidents|end|' || state, 'n', count(*) FROM state WHERE next IS NULL GROUP BY state
	UNION ALL
	SELECT format('incidents|collapsed_transition|%s>%s', state, next), v.*
	FROM (SELECT state, next, count(*) AS n, avg(hours) AS mean, percentile_cont(0.5) WITHIN GROUP (ORDER BY hours) AS median
		FROM visit WHERE next IS NOT NULL GROUP BY state, next) AS s,
		LATERAL (VALUES ('n', n), ('mean_time', mean), ('median_time', median)) AS v (statistic, actual)
	UNION ALL
	SELECT 'incidents|sojourn|' || state, v.*
	FROM (SELECT state, count(*) AS n, avg(hours) AS mean, sum(hours) AS sum, percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY hours) AS p
		FROM visit WHERE next IS NOT NULL GROUP BY state) AS s,
		LATERAL (VALUES ('n', n), ('mean', mean), ('median', p[1]), ('p90', p[2]), ('sum', sum)) AS v (statistic, actual)
	UNION ALL
	SELECT 'incidents|variants', v.*
	FROM (SELECT count(*) AS variants, max(n) / sum(n) AS top, sum(n) FILTER (WHERE rank <= 10) / sum(n) AS top10, count(*) FILTER (WHERE n = 1) AS singletons FROM variant) AS s,
		LATERAL (VALUES ('distinct', variants), ('top1_share', top), ('top10_share', top10), ('singletons', singletons)) AS v (statistic, actual)
	UNION ALL
	SELECT 'incidents|variant|' || path, v.*
	FROM variant, LATERAL (VALUES ('n', n), ('rank', rank)) AS v (statistic, actual)
	WHERE rank <= 20
	UNION ALL
	SELECT 'incidents|rework', v.*
	FROM (SELECT count(*) FILTER (WHERE repeats > 0) AS incidents, sum(repeats) AS repeats FROM passage) AS s,
		LATERAL (VALUES ('cases_with_repeat_visit', incidents), ('repeat_visits', repeats)) AS v (statistic, actual)
	UNION ALL
	SELECT 'incidents|throughput', v.*
	FROM (SELECT avg(hours) AS mean, percentile_cont(ARRAY[0.25, 0.5, 0.75, 0.9, 0.95]) WITHIN GROUP (ORDER BY hours) AS p, max(hours) AS max, count(*) FILTER (WHERE hours = 0) AS zero
		FROM (SELECT extract(epoch FROM max(at) - min(at))::double precision / 3600 AS hours FROM state GROUP BY incident) AS duration) AS s,
		LATERAL (VALUES ('mean', mean), ('p25', p[1]), ('median', p[2]), ('p75', p[3]), ('p90', p[4]), ('p95', p[5]), ('max', max), ('zero', zero)) AS v (statistic, actual)
) AS figures;

-- Tickets: from opening to resolution and closing

CREATE TEMP TABLE ticket AS
SELECT o.source_key::integer AS incident, o.customer_id, o.occurred_at AS opened_at, r.occurred_at AS resolved_at, c.occurred_at AS closed_at, o.attributes,
	extract(epoch FROM r.occurred_at - o.occurred_at)::double precision / 3600 AS resolution_hours,
	extract(epoch FROM c.occurred_at - o.occurred_at)::double precision / 3600 AS close_hours
FROM cx_data.event AS o
LEFT JOIN cx_data.event AS r ON r.name = 'resolved' AND r.source_key = o.source_key
LEFT JOIN cx_data.event AS c ON c.name = 'closed' AND c.source_key = o.source_key
WHERE o.name = 'opened';
CREATE TEMP TABLE ticket_group AS
SELECT t.*, g.sample
FROM ticket AS t, LATERAL (VALUES ('tickets|all'), ('tickets|priority=' || (attributes ->> 'priority')), ('tickets|category=' || (attributes ->> 'category'))) AS g (sample)
WHERE g.sample || '|sla_met' IN (SELECT e.sample FROM expectation AS e WHERE file = 'tickets.csv');

INSERT INTO computed
SELECT 'attached', 'event', 'tickets.csv', sample, statistic, actual
FROM (
	SELECT format('%s|%s', sample, duration) AS sample, v.*
	FROM (SELECT sample, duration, count(hours) AS n, avg(hours) AS mean, stddev_samp(hours) AS sd, min(hours) AS min, max(hours) AS max,
			percentile_cont(ARRAY[0.1, 0.25, 0.5, 0.75, 0.9]) WITHIN GROUP (ORDER BY hours) AS p
		FROM ticket_group, LATERAL (VALUES ('resolution_hours', resolution_hours), ('close_hours', close_hours)) AS d (duration, hours)
		GROUP BY sample, duration) AS s,
		LATERAL (VALUES ('n', n::double precision), ('mean', mean), ('sd', sd), ('se', sd / sqrt(n)), ('min', min), ('max', max),
			('p10', p[1]), ('q25', p[2]), ('median', p[3]), ('q75', p[4]), ('p90', p[5])) AS v (statistic, actual)
	UNION ALL
	SELECT format('%s|%s', sample, what), v.*
	FROM (SELECT sample, what, count(*) FILTER (WHERE holds) AS x, cx.metric_estimate('thumbs', cx.tally(holds::integer)) AS e
		FROM ticket_group, LATERAL (VALUES ('sla_met', (attributes ->> 'sla_met')::boolean), ('reopened', (attributes ->> 'reopened')::boolean),
			('one_touch', (attributes ->> 'one_touch')::boolean), ('unresolved_ts', resolved_at IS NULL)) AS w (what, holds)
		GROUP BY sample, what) AS s,
		LATERAL (VALUES ('n', (e).responses), ('x', x), ('prop', (e).value / 100), ('se', (e).std_error / 100),
			('wilson_lo', (e).lower / 100), ('wilson_hi', (e).upper / 100)) AS v (statistic, actual)
	UNION ALL
	SELECT format('tickets|backlog|%s', day), v.*
	FROM (SELECT day, count(*) AS unclosed, count(*) FILTER (WHERE (resolved_at > at) IS NOT FALSE) AS unresolved
		FROM unnest(ARRAY['2016-03-15', '2016-04-01', '2016-04-15', '2016-05-01', '2016-05-15', '2016-06-01']) AS day,
			LATERAL (SELECT day::timestamp AT TIME ZONE 'UTC') AS midnight (at), ticket
		WHERE opened_at <= at AND closed_at > at GROUP BY day) AS s,
		LATERAL (VALUES ('open_unclosed', unclosed), ('open_unresolved', unresolved)) AS v (statistic, actual)
	UNION ALL
	SELECT 'tickets|callers', v.*
	FROM (SELECT count(*) AS callers, max(tickets) AS most, count(*) FILTER (WHERE tickets > 1) AS repeat_callers
		FROM (SELECT i.value, count(*) AS tickets FROM ticket JOIN cx_data.customer_identity AS i USING (customer_id) WHERE i.kind = 'caller' GROUP BY i.value) AS caller) AS s,
		LATERAL (VALUES ('callers', callers), ('max_per_caller', most), ('repeat_callers', repeat_callers)) AS v (statistic, actual)
	UNION ALL
	SELECT 'tickets|repeat_contact_7d', v.*
	FROM (SELECT count(*) AS n, count(*) FILTER (WHERE next_at <= opened_at + interval '168 hours') AS repeated
		FROM (SELECT opened_at, lead(opened_at) OVER (PARTITION BY customer_id ORDER BY opened_at, incident) AS next_at FROM ticket WHERE customer_id IS NOT NULL) AS t) AS s,
		LATERAL (VALUES ('n', n), ('repeated', repeated), ('rate', repeated::double precision / n)) AS v (statistic, actual)
) AS figures;
INSERT INTO fact
SELECT 'both ways to a customer lead to the same one', count(*) = 84777 AND bool_and(e.customer_id IS NOT DISTINCT FROM t.customer_id)
FROM cx_data.event AS e JOIN ticket AS t ON t.incident = split_part(e.source_key, '-', 1)::integer
WHERE e.source_key LIKE '%-%';

-- The comparison

CREATE TEMP TABLE compared AS
SELECT c.*, expected, e.sample IS NOT NULL AS found,
	CASE WHEN expected IS NULL THEN actual IS NULL
		WHEN expected = 0 THEN abs(actual) <= 1e-12
		ELSE abs(actual - expected) <= 1e-9 * abs(expected) END IS TRUE AS met
FROM computed AS c LEFT JOIN expectation AS e USING (file, sample, statistic);

CREATE TEMP TABLE wanted (place text, file text, number integer);
INSERT INTO wanted VALUES
	('touchpoint_score', 'nps.csv', 12), ('unit_score', 'nps.csv', 96), ('tally_live', 'nps.csv', 36), ('source_status', 'nps.csv', 3),
	('touchpoint_score', 'csat_ces.csv', 144), ('unit_score', 'csat_ces.csv', 192), ('source_status', 'csat_ces.csv', 36),
	('touchpoint_daily', 'plain SQL', 1560), ('unit_score', 'plain SQL', 432), ('touchpoint_score', 'plain SQL', 65),
	('emotion_curve', 'stages from golden', 55), ('stage_score', 'stages from golden', 80), ('journey_score', 'stages from golden', 16),
	('emotion_curve', 'stages from plain SQL', 55), ('stage_score', 'stages from plain SQL', 80), ('journey_score', 'stages from plain SQL', 16),
	('stage_daily', 'stages from plain SQL', 1600), ('journey_daily', 'stages from plain SQL', 320),
	('event', 'journey_incidents.csv', 310), ('event', 'tickets.csv', 616);

SELECT '1..' || (SELECT count(*) FROM wanted) + (SELECT count(*) FROM fact);
-- how many there are to compare, so that none drops out unnoticed
SELECT format('%s - %s, %s: %s of %s values met',
	CASE WHEN count(*) = number AND count(DISTINCT (occasion, sample, statistic)) = number AND bool_and(found AND met) THEN 'ok' ELSE 'not ok' END,
	place, file, count(*) FILTER (WHERE found AND met), number)
FROM wanted FULL JOIN compared USING (place, file)
GROUP BY place, file, number ORDER BY file, place;
SELECT CASE WHEN holds THEN 'ok - ' ELSE 'not ok - ' END || title FROM fact;
SELECT format('# %s %s, %s %s %s: expected %s, got %s', occasion, place, file, sample, statistic,
	CASE WHEN found THEN coalesce(expected::text, 'NULL') ELSE 'nothing' END, coalesce(actual::text, 'NULL'))
FROM compared WHERE NOT (found AND met) ORDER BY file, place, sample, statistic LIMIT 40;
