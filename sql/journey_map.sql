-- maps of journeys: what they show, where it stands, and that texts stay texts
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS cx;
RESET client_min_messages;
SET extra_float_digits = 0;
\set SHOW_CONTEXT never
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SELECT cx.journey_map_svg('use');
CALL cx.create_program('Europe/Berlin');
SET cx.as_of = '2026-07-01 00:00+02';
-- days, as cx.maintain() keeps them
CREATE PROCEDURE pg_temp.count_days() LANGUAGE sql AS $$
	TRUNCATE cx_data.tally_daily;
	INSERT INTO cx_data.tally_daily (touchpoint_id, org_unit_id, day, metric, tally)
	SELECT touchpoint_id, org_unit_id, (hour AT TIME ZONE coalesce(time_zone, 'Europe/Berlin'))::date, metric, coalesce(cx.tally(tally), '{}')
	FROM cx_data.tally_hourly LEFT JOIN cx_data.org_unit USING (org_unit_id) GROUP BY 1, 2, 3, 4;
$$;
-- what an XML parser finds: texts of elements, without the tooltips in them
CREATE FUNCTION pg_temp.texts(svg text, path text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT value FROM XMLTABLE(XMLNAMESPACES('http://www.w3.org/2000/svg' AS s), path PASSING xmlparse(DOCUMENT svg) COLUMNS number FOR ORDINALITY, value text PATH 'string(.)') ORDER BY number
$$;
CREATE FUNCTION pg_temp.circles(svg text) RETURNS TABLE (x integer, y numeric, r integer, fill text, tooltip text) LANGUAGE sql AS $$
	SELECT x, y, r, fill, tooltip FROM XMLTABLE(XMLNAMESPACES('http://www.w3.org/2000/svg' AS s), '//s:g[s:title]/s:circle' PASSING xmlparse(DOCUMENT svg)
		COLUMNS x integer PATH '@cx', y numeric PATH '@cy', r integer PATH '@r', fill text PATH '@fill', tooltip text PATH '../s:title') ORDER BY x, r
$$;

-- a journey: two stages with touchpoints, and one without

INSERT INTO cx_data.org_unit (org_unit_id, code, name, time_zone) VALUES (1, 'hq', NULL, NULL), (2, 'delhi', 'Delhi', 'Asia/Kolkata'), (3, 'york', 'New York', 'America/New_York');
INSERT INTO cx_data.staff (staff_id, code, name) VALUES (1, 'ann', 'Ann Lee'), (2, 'bob', NULL);
INSERT INTO cx_data.journey (journey_id, code, name, owner_staff_id) VALUES (1, 'use', 'Use & enjoy', 1), (2, 'draft', 'Draft', NULL);
INSERT INTO cx_data.stage (stage_id, journey_id, code, name, position, weight) VALUES (11, 1, 'pay', 'Pay', 2, 3), (12, 1, 'ask', 'Ask', 1, 1), (13, 1, 'wait', '', 3, 1), (21, 2, 'think', 'Think', 1, 1);
INSERT INTO cx_data.touchpoint (touchpoint_id, stage_id, code, name, position, weight, channel, moment_of_truth, owner_staff_id, owner_unit_id) VALUES
	(1, 11, 'bill', 'Bill', 1, 1, 'mail', true, 1, 2), (2, 12, 'call', 'Call', 2, 1, 'phone', false, 2, NULL),
	(3, 12, 'chat', 'Chat', 1, 3, 'app', false, NULL, 1), (4, 11, 'shop', NULL, 2, 1, NULL, false, NULL, NULL);
INSERT INTO cx_data.journey_note (journey_note_id, stage_id, touchpoint_id, kind, body) VALUES
	(1, 12, NULL, 'pain_point', 'nobody is there at night'), (2, NULL, 1, 'pain_point', 'too dear'), (3, NULL, 1, 'opportunity', 'pay by app'), (4, NULL, 1, 'thought', 'not on the map'),
	(5, NULL, 4, 'pain_point', 'one'), (6, NULL, 4, 'pain_point', 'two'), (7, NULL, 4, 'pain_point', 'three'), (8, NULL, 4, 'pain_point', 'four'), (9, NULL, 4, 'pain_point', 'five');
SELECT cx.publish_journey('use', '2026-01-01');
INSERT INTO cx_data.tally_hourly (touchpoint_id, metric, hour, tally) VALUES
	(1, 'thumbs', '2026-06-20 10:00Z', '{0:50,1:50}'),
	(2, 'stars', '2026-06-20 10:00Z', '{3:20}'), (2, 'effort5', '2026-06-20 11:00Z', '{1:20}'),
	(3, 'nps', '2026-06-20 10:00Z', '{9:20,10:1180}'), (3, 'csat', '2026-06-03 00:00+02', '{1:1,5:1}'), (3, 'ces', '2026-06-20 10:00Z', '{7:1}'),
	(4, 'stars', '2026-06-20 10:00Z', '{1:1}'),
	(1, 'thumbs', '2026-06-02 23:00+02', '{0:1}'), (1, 'thumbs', '2026-07-01 00:00+02', '{0:1}');
CALL pg_temp.count_days();

-- by hand: five columns of 1000 / 5 pixels begin at 28 + 148 = 176, so the middles are 276, 476, ...; zero is at 118 (title) + 60 (stages)
-- + 73 (touchpoints) + 14 + 20 + 2 x 46 = 377; chat is 90 and 100 of 100, call 75, bill 50 with the ring, shop 0 and hollow
SELECT cx.journey_map_svg('use') AS svg \gset
SELECT * FROM pg_temp.circles(:'svg');
SELECT 377 - 46 * round(((100 * (20 * 0.9 + 1180 + 1 + 1) / 1203 - 50) / 25)::numeric, 3) AS chat;
-- all points are those of emotion_curve
SELECT c.touchpoint, p.y = round((377 - 46 * c.emotion)::numeric, 1) AS same, c.enough_responses = (p.fill <> '#ffffff') AS full
FROM cx_data.emotion_curve AS c LEFT JOIN pg_temp.circles(:'svg') AS p ON p.r = 7 AND p.tooltip LIKE coalesce(c.touchpoint_name, c.touchpoint) || ':%'
ORDER BY c.stage_position, c.touchpoint_position;
-- lines: from chat to call, from call to bill, dashed to shop, for it has too few answers; none to the empty stage
SELECT line, dashes FROM XMLTABLE(XMLNAMESPACES('http://www.w3.org/2000/svg' AS s), '//s:path[@stroke-width="3"]' PASSING xmlparse(DOCUMENT :'svg')
	COLUMNS line text PATH '@d', dashes text PATH '@stroke-dasharray');
-- all texts in order
SELECT * FROM pg_temp.texts(:'svg', '//s:text');
-- scores of stages and of the journey are those of the views
SELECT stage, round(value) AS value, responses FROM cx_data.stage_score WHERE journey = 'use' ORDER BY stage_position;
SELECT round(value) AS value FROM cx_data.journey_score WHERE journey = 'use';
-- tooltips and the description
SELECT * FROM pg_temp.texts(:'svg', '//s:title | //s:desc');
-- bars: 46 pixels for the 1203 answers of chat
SELECT x, y, height FROM XMLTABLE(XMLNAMESPACES('http://www.w3.org/2000/svg' AS s), '//s:rect[@width="64"]' PASSING xmlparse(DOCUMENT :'svg') COLUMNS x integer PATH '@x', y integer PATH '@y', height integer PATH '@height');
SELECT round(46.0 * 100 / 1203) AS bill, round(46.0 * 40 / 1203) AS call;
-- a picture that readers of screens know, without styles, links or scripts
SELECT name, count(*) FROM XMLTABLE('//*' PASSING xmlparse(DOCUMENT :'svg') COLUMNS name text PATH 'name()') GROUP BY name ORDER BY name COLLATE "C";
SELECT string_agg(DISTINCT name, ' ' ORDER BY name) AS attributes FROM XMLTABLE('//@*' PASSING xmlparse(DOCUMENT :'svg') COLUMNS name text PATH 'name()');
SELECT xpath('/s:svg/@role', xmlparse(DOCUMENT :'svg'), '{{s,http://www.w3.org/2000/svg}}') AS role, xpath('/s:svg/@viewBox', xmlparse(DOCUMENT :'svg'), '{{s,http://www.w3.org/2000/svg}}') AS view_box,
	:'svg' ~ '^[ -~\n]*$' AS plain_ascii, :'svg' ~ '(script|href|url\(|<style|<!|\son\w+=)' AS dangerous;

-- always the same, whatever the session is set to and finds in its path
CREATE SCHEMA cx_regress_trap;
CREATE FUNCTION cx_regress_trap.min_responses() RETURNS bigint LANGUAGE sql AS 'SELECT 1 / 0';
CREATE VIEW cx_regress_trap.journey AS SELECT 1 / 0 AS code;
SET search_path = cx_regress_trap, cx_data, cx, public;
SET timezone = 'Asia/Tokyo';
SET datestyle = 'SQL, DMY';
SET extra_float_digits = -5;
SELECT cx.journey_map_svg('use') = :'svg' AS same;
RESET search_path;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SET extra_float_digits = 0;
DROP FUNCTION cx_regress_trap.min_responses;
DROP VIEW cx_regress_trap.journey;
DROP SCHEMA cx_regress_trap;

-- other times: answers whose hour starts within

CREATE FUNCTION pg_temp.answers(during tstzrange) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(value, '; ') FROM pg_temp.texts(cx.journey_map_svg('use', during), '//s:text[contains(., "version")] | //s:text[@font-size="11" and starts-with(., "stars, n")] | //s:text[@font-size="11" and starts-with(., "thumbs, n")]') AS value
$$;
SELECT pg_temp.answers('[2026-06-20 10:00Z, 2026-06-20 11:00Z)') AS one_hour
UNION ALL SELECT pg_temp.answers('(2026-06-20 10:00Z, 2026-06-20 11:00Z)')
UNION ALL SELECT pg_temp.answers('[2026-06-20 10:30Z, 2026-06-20 11:00Z]')
UNION ALL SELECT pg_temp.answers('[2026-06-20 12:00+02, 2026-06-20 12:00+02]')
UNION ALL SELECT pg_temp.answers('[2026-06-20 00:00+02, 2026-06-21 00:00+02)')
UNION ALL SELECT pg_temp.answers('[2026-06-03 00:00+02, 2026-07-01 00:00+02)')
UNION ALL SELECT pg_temp.answers('[2026-06-03 00:00+02, 2026-07-02 00:00+02)')
UNION ALL SELECT pg_temp.answers('[2026-06-02 23:00+02, 2026-07-01 00:00+02)')
UNION ALL SELECT pg_temp.answers('[2026-06-02 00:00+02,)')
UNION ALL SELECT pg_temp.answers('[2026-06-02 10:00+02, infinity)')
UNION ALL SELECT pg_temp.answers('[2030-01-01, 2031-01-01)');
-- until cx.as_of(), but not beyond
SET cx.as_of = '2026-07-01 01:00+02';
SELECT pg_temp.answers('[2026-06-02 00:00+02,)') UNION ALL SELECT pg_temp.answers('[2026-06-02 00:00+02, 2026-07-02 00:00+02)');
SET cx.as_of = '2026-07-01 00:00+02';
-- whole days are those of each unit: at 20:00 in Berlin it is tomorrow in Delhi, and still afternoon in New York
INSERT INTO cx_data.tally_hourly (touchpoint_id, org_unit_id, metric, hour, tally) VALUES
	(4, 2, 'stars', '2026-05-10 23:30+05:30', '{5:1}'), (4, 2, 'stars', '2026-05-11 00:30+05:30', '{5:2}'), (4, 2, 'stars', '2026-05-12 23:30+05:30', '{5:4}'),
	(4, 3, 'stars', '2026-05-10 23:00-04', '{5:8}'), (4, 3, 'stars', '2026-05-11 00:00-04', '{5:16}'), (4, 3, 'stars', '2026-05-12 23:00-04', '{5:32}');
CALL pg_temp.count_days();
INSERT INTO cx_data.tally_delta (touchpoint_id, org_unit_id, metric, hour, day, added, removed) VALUES
	(4, 2, 'stars', '2026-05-11 00:30+05:30', '2026-05-11', '{5:64}', NULL), (4, 3, 'stars', '2026-05-12 23:00-04', '2026-05-12', NULL, '{5:16}'), (4, 1, 'stars', '2026-05-12 23:00+02', '2026-05-12', '{5:128}', NULL);
SELECT during, pg_temp.answers(during) AS answers, (SELECT sum(cx.responses(tally)) FROM cx_data.tally_live WHERE touchpoint_id = 4 AND hour <@ during) AS counted
FROM unnest('{"[2026-05-10 18:00Z,2026-05-13 04:00Z)","[2026-05-10 18:00Z,2026-05-13 03:00Z)","[2026-05-10 18:01Z,2026-05-13 03:01Z)","[2026-05-11 04:00Z,2026-05-12 18:30Z)","[2026-05-11 04:00Z,2026-05-12 18:00Z)","[2026-05-10 19:00Z,2026-05-10 19:01Z)","[2026-05-01,2026-06-01)"}'::tstzrange[]) AS during;
TRUNCATE cx_data.tally_delta;
DELETE FROM cx_data.tally_hourly WHERE org_unit_id IS NOT NULL;
CALL pg_temp.count_days();

-- the version in force at the end of the time
UPDATE cx_data.touchpoint SET name = 'Invoice' WHERE touchpoint_id = 1;
SELECT cx.publish_journey('use', '2026-06-10');
SELECT pg_temp.answers(NULL) UNION ALL SELECT pg_temp.answers('[2026-05-01, 2026-06-10)') UNION ALL SELECT pg_temp.answers('[2026-05-01, 2026-06-10]');
SET cx.as_of = '2026-06-09';
SELECT pg_temp.answers(NULL) UNION ALL SELECT pg_temp.answers('[2026-05-01, 2026-06-30]');
SET cx.as_of = '2026-07-01 00:00+02';

-- what is enough is a setting; with one trusted point none is the lowest
SET cx.min_responses = 1000;
SELECT * FROM pg_temp.circles(cx.journey_map_svg('use'));
RESET cx.min_responses;

-- texts stay texts

CREATE PROCEDURE pg_temp.rename(name text) LANGUAGE sql AS $$
	UPDATE cx_data.journey_version SET definition = jsonb_set(jsonb_set(jsonb_set(jsonb_set(jsonb_set(definition, '{name}', to_jsonb(name)), '{stages,0,name}', to_jsonb(name)),
		'{stages,0,touchpoints,0,name}', to_jsonb(name)), '{stages,0,touchpoints,0,channel}', to_jsonb(name)), '{stages,0,notes,0,body}', to_jsonb(name))
$$;
CREATE FUNCTION pg_temp.named(name text) RETURNS TABLE (stays boolean, times bigint, scripts bigint) LANGUAGE plpgsql AS $$
BEGIN
	CALL pg_temp.rename(name);
	RETURN QUERY SELECT bool_or(title = 'Journey map: ' || name), count(*) FILTER (WHERE strpos(title, name) > 0),
		(SELECT count(*) FROM pg_temp.texts(cx.journey_map_svg('use'), '//*[local-name() = "script" or local-name() = "img" or local-name() = "b"]'))
	FROM pg_temp.texts(cx.journey_map_svg('use'), '//s:title') AS title;
END
$$;
SELECT n.* FROM unnest(ARRAY[
	'</text><script>alert(1)</script>', '</title></svg><script xmlns="http://www.w3.org/1999/xhtml">alert(1)</script>', '"/><script/>', '''"`&amp;&#60;b&#62;&lt;b&gt;', ']]><![CDATA[<b/>', '<!-- <?xml ?> -->',
	'100 % %s %n %d $1 {0} \u0041 \', E'two\nlines\tand\r\nmore', '客户旅程：从选择到推荐', 'رحلة العميل', 'שלום', U&'\202Eevil\202C', '👩‍👩‍👧 😀', U&'e\0301\0302'
]) AS name, LATERAL pg_temp.named(name) AS n;
-- characters that XML 1.0 forbids are replaced, and long names cut
CALL pg_temp.rename(E'a\x01\x08\x0b\x1f\x7f' || U&'\FFFE\FFFF\+10FFFF' || 'z');
SELECT title = U&'Journey map: a\FFFD\FFFD\FFFD\FFFD\007F\FFFD\FFFD\+10FFFFz' AS replaced FROM pg_temp.texts(cx.journey_map_svg('use'), '/s:svg/s:title') AS title;
CALL pg_temp.rename(repeat('x', 10000));
SELECT length(title) AS title, right(title, 2) AS ends FROM pg_temp.texts(cx.journey_map_svg('use'), '/s:svg/s:title') AS title;
CALL pg_temp.rename(repeat('长', 10000));
SELECT length(title) AS title FROM pg_temp.texts(cx.journey_map_svg('use'), '/s:svg/s:title') AS title;

-- lines: 200 - 24 pixels hold 11 squares of 15 x 1.06; words stay whole, what is too long for a line does not, and wide signs break anywhere
CREATE FUNCTION pg_temp.lines(name text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	CALL pg_temp.rename(name);
	RETURN (SELECT string_agg(line, '|') FROM pg_temp.texts(cx.journey_map_svg('use'), '//s:text[@font-size="15" and @fill="#1f2937"]/s:tspan') AS line WHERE line NOT IN ('Call', 'Invoice', 'shop'));
END
$$;
SELECT pg_temp.lines(name) AS lines FROM unnest(ARRAY['Short', 'The first of several words', '预约上门安装宽带网络设备并且调试', 'Donaudampfschifffahrtsgesellschaftskapitän', 'self-service/online', '  spaces   around  ',
	repeat('all words and no end ', 10), repeat('长', 40), U&'e\0301e\0301e\0301e\0301e\0301e\0301e\0301e\0301e\0301e\0301e\0301e\0301e\0301e\0301e\0301e\0301e\0301e\0301e\0301e\0301']) AS name;

-- unusual journeys

CREATE FUNCTION pg_temp.overview(code text) RETURNS TABLE (columns bigint, stages bigint, texts text) LANGUAGE sql AS $$
	SELECT (SELECT count(*) FROM pg_temp.texts(svg, '//s:text[@font-size="15" and @fill="#1f2937"]')), (SELECT count(*) FROM pg_temp.texts(svg, '//s:text[@font-size="15" and @fill="#ffffff"]')),
		(SELECT string_agg(value, '; ') FROM pg_temp.texts(svg, '(//s:text)[position() < 5]') AS value)
	FROM cx.journey_map_svg(code) AS svg
$$;
INSERT INTO cx_data.journey (journey_id, code) VALUES (3, 'none'), (4, 'many'), (5, 'odd');
INSERT INTO cx_data.journey_version (journey_id, version, published_at, definition) VALUES
	(3, 1, '2026-01-01', '{"stages": []}'),
	(5, 1, '2026-01-01', '{"name": null, "owner_staff": "left long ago", "owner_staff_id": 99, "stages": [{"stage_id": 7, "touchpoints": [{"touchpoint_id": 8, "weight": "NaN"}, {"touchpoint_id": null}]}]}');
INSERT INTO cx_data.journey_version (journey_id, version, published_at, definition)
SELECT 4, 1, '2026-01-01', jsonb_build_object('name', 'Many', 'stages', jsonb_agg(stage)) FROM (
	SELECT jsonb_build_object('stage_id', s, 'code', 'stage ' || s, 'position', s, 'weight', 1, 'touchpoints',
		(SELECT jsonb_agg(jsonb_build_object('touchpoint_id', 100000 + 1000 * s + t, 'code', repeat('touchpoint ', 100), 'position', t, 'weight', 1)) FROM generate_series(1, 100) AS t)) AS stage
	FROM generate_series(1, 100) AS s
) AS stages;
SELECT * FROM pg_temp.overview('none');
SELECT * FROM pg_temp.overview('odd');
-- 10,000 touchpoints
SELECT * FROM pg_temp.overview('many');
SELECT length(cx.journey_map_svg('many')) < 5000000 AS bounded;
-- none has answers
TRUNCATE cx_data.tally_hourly, cx_data.tally_daily;
SELECT count(*) FILTER (WHERE value = 'no answers') AS no_answers, count(*) FILTER (WHERE value = 'no score') AS no_score FROM pg_temp.texts(cx.journey_map_svg('use'), '//s:text') AS value;

-- errors

SELECT cx.journey_map_svg(NULL) IS NULL AS nothing;
SELECT cx.journey_map_svg('nothing such');
SELECT cx.journey_map_svg('draft');
SELECT cx.journey_map_svg('use', '[2025-01-01, 2025-02-01)');
SELECT cx.journey_map_svg('use', 'empty');
SELECT cx.journey_map_svg('use', '(2026-01-01, 2026-01-01]');
SELECT cx.journey_map_svg('use', '(, 2026-07-01)');
SELECT cx.journey_map_svg('use', '[-infinity, 2026-07-01)');
INSERT INTO cx_data.journey (journey_id, code) VALUES (6, 'it''s');
SELECT cx.journey_map_svg('it''s');

-- it reads with the rights of the caller
CREATE ROLE cx_regress_reader;
SET ROLE cx_regress_reader;
\set VERBOSITY sqlstate
SELECT cx.journey_map_svg('use');
\set VERBOSITY default
RESET ROLE;
GRANT USAGE ON SCHEMA cx_data TO cx_regress_reader;
GRANT SELECT ON cx_data.program, cx_data.tally_hourly, cx_data.tally_daily, cx_data.tally_delta, cx_data.metric TO cx_regress_reader;
-- of these the columns that the views show too
GRANT SELECT (staff_id, name) ON cx_data.staff TO cx_regress_reader;
GRANT SELECT (org_unit_id, name, time_zone) ON cx_data.org_unit TO cx_regress_reader;
GRANT SELECT (journey_id, code) ON cx_data.journey TO cx_regress_reader;
GRANT SELECT (journey_id, version, published_at, definition) ON cx_data.journey_version TO cx_regress_reader;
SET ROLE cx_regress_reader;
SELECT length(cx.journey_map_svg('use')) > 1000 AS drawn;
RESET ROLE;
DROP OWNED BY cx_regress_reader;
DROP ROLE cx_regress_reader;

CALL cx.drop_program(with_feedback => true);
