-- What a journey map promises, in sentences.
BEGIN;
SELECT plan(9);
SET extra_float_digits = 0;
SET timezone = 'UTC';
SELECT setseed(0.4);
CALL cx.create_program('Europe/Berlin');

CREATE FUNCTION pg_temp.texts(svg text, path text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT value FROM XMLTABLE(XMLNAMESPACES('http://www.w3.org/2000/svg' AS s), path PASSING xmlparse(DOCUMENT svg) COLUMNS number FOR ORDINALITY, value text PATH 'string(.)') ORDER BY number
$$;

-- against plain SQL over the feedback: 20,000 answers of 250 days, in four time zones, over both changes of the clock; a third of them is not
-- folded yet, some of these take others away

SET LOCAL session_replication_role = replica;
INSERT INTO cx_data.org_unit (org_unit_id, code, time_zone) VALUES (1, 'here', NULL), (2, 'delhi', 'Asia/Kolkata'), (3, 'york', 'America/New_York'), (4, 'island', 'Australia/Lord_Howe');
INSERT INTO cx_data.journey (journey_id, code) VALUES (1, 'use');
INSERT INTO cx_data.stage (stage_id, journey_id, code, position, weight) SELECT i, 1, 'stage' || i, i, i FROM generate_series(1, 3) AS i;
INSERT INTO cx_data.touchpoint (touchpoint_id, stage_id, code, position, weight) SELECT i, nullif(i % 4, 0), 'touchpoint' || i, i, 0.5 + i % 3 FROM generate_series(1, 12) AS i;
INSERT INTO cx_data.journey_version (journey_id, version, published_at, definition) SELECT 1, 1, '2020-01-01', cx.journey_definition('use');
INSERT INTO cx_data.feedback (feedback_id, touchpoint_id, org_unit_id, metric, score, responded_at)
SELECT i, 1 + floor(random() * 12), nullif(floor(random() * 5), 0), (ARRAY['nps', 'csat', 'effort5'])[m], CASE m WHEN 1 THEN floor(random() * 11) ELSE 1 + floor(random() * 5) END,
	timestamptz '2025-09-01' + random() * interval '250 days'
FROM (SELECT i, 1 + i % 3 AS m FROM generate_series(1, 20000) AS i) AS drawn;
CREATE TEMP TABLE answer AS
SELECT feedback_id, touchpoint_id, org_unit_id, metric, score, date_trunc('hour', responded_at, zone) AS hour, (date_trunc('hour', responded_at, zone) AT TIME ZONE zone)::date AS day,
	cx.experience_of(score, scale_min, scale_max, lower_is_better) AS experience
FROM cx_data.feedback JOIN cx_data.metric ON code = metric LEFT JOIN cx_data.org_unit USING (org_unit_id) CROSS JOIN LATERAL coalesce(time_zone, 'Europe/Berlin') AS zone;
INSERT INTO cx_data.tally_hourly (touchpoint_id, org_unit_id, hour, metric, tally) SELECT touchpoint_id, org_unit_id, hour, metric, cx.tally(score) FROM answer WHERE feedback_id % 3 > 0 OR feedback_id % 2 > 0 GROUP BY 1, 2, 3, 4;
INSERT INTO cx_data.tally_daily (touchpoint_id, org_unit_id, day, metric, tally) SELECT touchpoint_id, org_unit_id, day, metric, cx.tally(score) FROM answer WHERE feedback_id % 3 > 0 OR feedback_id % 2 > 0 GROUP BY 1, 2, 3, 4;
INSERT INTO cx_data.tally_delta (touchpoint_id, org_unit_id, hour, day, metric, added, removed)
SELECT touchpoint_id, org_unit_id, hour, day, metric, CASE WHEN feedback_id % 2 = 0 THEN cx.tally(score) END, CASE WHEN feedback_id % 2 > 0 THEN cx.tally(score) END FROM answer WHERE feedback_id % 3 = 0 GROUP BY feedback_id, 1, 2, 3, 4, 5;
DELETE FROM answer WHERE feedback_id % 3 = 0 AND feedback_id % 2 > 0;
SET cx.as_of = '2026-05-08 09:30Z';
SET cx.min_responses = 5;
SET max_parallel_workers_per_gather = 0;
SET jit = off;

-- 100 times from two minutes to 250 days, some of whole hours and days
CREATE TEMP TABLE spell AS
SELECT number, CASE number % 4 WHEN 0 THEN tstzrange(at, at + length) WHEN 1 THEN tstzrange(date_trunc('hour', at), date_trunc('hour', at + length + interval '1 hour'))
	WHEN 2 THEN tstzrange(cx.day_start(at::date, 'Europe/Berlin'), cx.day_start((at + length)::date + 1, 'Europe/Berlin')) ELSE tstzrange(at, at + length, '(]') END AS during
FROM (SELECT number, timestamptz '2025-08-25' + random() * interval '220 days' AS at, interval '2 minutes' + power(random(), 3) * interval '250 days' AS length FROM generate_series(1, 100) AS number) AS drawn;
CREATE TEMP TABLE map AS SELECT number, during, cx.journey_map_svg('use', during) AS svg FROM spell;

-- "touchpoint1: emotion -0.3, experience 42 (40 to 44) of 100, 1,203 answers"
CREATE TEMP TABLE point AS
SELECT number, substring(value FROM '^(\w+): emotion') AS touchpoint, substring(value FROM 'emotion (\S+),')::numeric AS emotion, substring(value FROM 'experience (\d+)')::integer AS experience,
	replace(substring(value FROM '([\d,]+) answers?'), ',', '')::integer AS responses, value ~ 'too few' AS too_few
FROM map CROSS JOIN LATERAL pg_temp.texts(svg, '//s:title[contains(., ": emotion")]') AS value;
CREATE TEMP VIEW expected AS
SELECT number, code AS touchpoint, avg(experience) AS experience, count(*)::integer AS responses
FROM spell JOIN answer ON hour <@ during AND hour < '2026-05-08 09:30Z' JOIN cx_data.touchpoint USING (touchpoint_id) WHERE stage_id IS NOT NULL GROUP BY 1, 2;
SELECT results_eq('SELECT number, touchpoint, responses FROM point ORDER BY 1, 2', 'SELECT number, touchpoint, responses FROM expected ORDER BY 1, 2',
	'answers are those whose hour starts within the time, whatever zones, whole days and what is not folded');
SELECT cmp_ok(count(*)::int, '>', 500, 'there are enough of them') FROM point WHERE responses > 10;
SELECT is_empty('SELECT * FROM point JOIN expected AS e USING (number, touchpoint) WHERE abs(point.experience - e.experience) > 0.5001 OR abs(emotion - (e.experience - 50) / 25) > 0.05001',
	'experience and emotion are those of the mean of all answers');
SELECT is_empty('SELECT * FROM point WHERE too_few <> (responses < 5)', 'points with too few answers are told apart');
-- the last 28 full days
SELECT results_eq($$SELECT substring(value FROM '^(\w+): emotion'), replace(substring(value FROM '([\d,]+) answers?'), ',', '')::bigint
	FROM pg_temp.texts(cx.journey_map_svg('use'), '//s:title[contains(., ": emotion")]') AS value ORDER BY 1$$,
	$$SELECT touchpoint, responses FROM cx_data.emotion_curve WHERE responses > 0 ORDER BY 1$$, 'with no time they are those of emotion_curve');
SELECT results_eq($$SELECT substring(value FROM 'score (\d+) of')::double precision FROM pg_temp.texts(cx.journey_map_svg('use'), '//s:text[contains(., "score") and contains(., "of 100")]') AS value$$,
	'SELECT round(value) FROM cx_data.stage_score ORDER BY stage_position', 'and scores of stages are those of stage_score');

-- 300 texts of all that is special in XML, SVG and Unicode, in all places where texts can be

CREATE FUNCTION pg_temp.hostile() RETURNS text LANGUAGE sql VOLATILE AS $$
	SELECT string_agg(CASE floor(random() * 4)
		WHEN 0 THEN chr(1 + floor(random() * 160)::integer)
		WHEN 1 THEN (ARRAY['<', '>', '&', '"', '''', ']]>', '<!--', '-->', '<?', '</text>', '</title>', '</svg>', '<script>', '</script>', '&lt;', '&#0;', '%s', '%n', '\', E'\n', E'\t', ' '])[1 + floor(random() * 22)::integer]
		WHEN 2 THEN chr((ARRAY[x'2028', x'202E', x'200D', x'200B', x'FEFF', x'FFFD', x'FFFE', x'FFFF', x'1FFFE', x'10FFFF', x'E0001', x'0301', x'3000', x'4E2D', x'D7A3', x'05D0', x'0627', x'1F600', x'1F468'])[1 + floor(random() * 19)::integer]::integer)
		ELSE substr('The quick brown fox jumps over the lazy dog', 1 + floor(random() * 30)::integer, 1 + floor(random() * 12)::integer) END, '')
	FROM generate_series(1, 1 + floor(power(random(), 2) * 60)::integer)
$$;
CREATE TEMP TABLE hostile AS SELECT number, pg_temp.hostile() AS name, pg_temp.hostile() AS body FROM generate_series(1, 300) AS number;
INSERT INTO cx_data.staff (staff_id, code, name) SELECT number, name || number, name FROM hostile;
INSERT INTO cx_data.journey (journey_id, code) SELECT 1000 + number, name || number FROM hostile;
INSERT INTO cx_data.journey_version (journey_id, version, published_at, definition)
SELECT 1000 + number, 1, '2026-01-01', jsonb_build_object('name', name, 'owner_staff_id', number, 'stages', jsonb_build_array(jsonb_build_object('stage_id', 1, 'code', 's', 'name', name, 'weight', 1,
	'notes', jsonb_build_array(jsonb_build_object('kind', 'pain_point', 'body', body)), 'touchpoints', jsonb_build_array(jsonb_build_object('touchpoint_id', 1, 'code', 't', 'name', name, 'channel', body, 'weight', 1,
		'owner_staff_id', number, 'moment_of_truth', number % 2 = 0, 'notes', jsonb_build_array(jsonb_build_object('kind', 'opportunity', 'body', body)))))))
FROM hostile;
CREATE TEMP TABLE drawn AS SELECT number, name, body, cx.journey_map_svg(name || number) AS svg FROM hostile;
SELECT is_empty($$SELECT number FROM drawn WHERE svg !~ '^[ -~\n]+$' OR NOT xml_is_well_formed_document(svg)$$, 'whatever the texts are, the map is well-formed XML');
SELECT is_empty($$SELECT number, element FROM drawn CROSS JOIN LATERAL XMLTABLE('//*' PASSING xmlparse(DOCUMENT svg) COLUMNS element text PATH 'local-name()') AS found
	WHERE element NOT IN ('svg', 'g', 'title', 'desc', 'text', 'tspan', 'rect', 'line', 'path', 'circle')$$, 'no text becomes an element');
-- what XML 1.0 forbids is replaced; a parser gives back the rest
CREATE FUNCTION pg_temp.allowed(name text) RETURNS text LANGUAGE sql AS $$ SELECT regexp_replace(name, '[\x01-\x08\x0b\x0c\x0e-\x1f\uFFFE\uFFFF]', U&'\FFFD', 'g') $$;
SELECT is_empty($$SELECT number, pg_temp.allowed(name), titles FROM drawn CROSS JOIN LATERAL (SELECT array_agg(title) AS titles FROM pg_temp.texts(svg, '//s:title') AS title) AS t
	WHERE 'Journey map: ' || pg_temp.allowed(name) <> titles[1] OR NOT pg_temp.allowed(name) = ANY (titles) OR NOT pg_temp.allowed(body) = ANY (titles)$$, 'and comes back as it is');

SELECT * FROM finish();
ROLLBACK;
