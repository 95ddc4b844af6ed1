-- Business calendars: open time between instants, and instants after open time
\set ECHO none
\set VERBOSITY terse
SET client_min_messages = warning;
SET jit = off;
CREATE EXTENSION IF NOT EXISTS cx;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, MDY';
SET IntervalStyle = 'postgres';
RESET client_min_messages;
\set ECHO all

-- without a program
SELECT cx.business_seconds('2026-03-02', '2026-03-03', 'always');
SELECT cx.add_business_time('2026-03-02', '1 hour', 'always');

\set ECHO none
SET client_min_messages = warning;
CALL cx.create_program('Europe/Berlin');
-- runs a command; tells the error and its hint
CREATE FUNCTION try(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	hint text;
BEGIN
	EXECUTE command;
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(' | ', SQLSTATE, left(SQLERRM, 100), NULLIF(hint, ''));
END
$$;
-- opens a calendar on some weekdays
CREATE FUNCTION open_hours(code text, weekdays integer[], hours text[]) RETURNS void LANGUAGE sql AS $$
	INSERT INTO cx_data.calendar_hours (calendar, weekday, opens_at, closes_at)
	SELECT code, weekday, split_part(hour, '-', 1)::time, split_part(hour, '-', 2)::time FROM unnest(weekdays) AS weekday, unnest(hours) AS hour;
$$;
INSERT INTO cx_data.calendar (code, name, time_zone) VALUES ('office', 'Nine to five', NULL), ('lunch', 'With a break', 'Europe/Berlin'), ('shanghai', NULL, 'Asia/Shanghai'), ('nights', NULL, 'Europe/Berlin'),
	('early', NULL, 'Europe/Berlin'), ('early us', NULL, 'America/New_York'), ('early lord howe', NULL, 'Australia/Lord_Howe'), ('kolkata', NULL, 'Asia/Kolkata'), ('overlap', NULL, 'UTC'), ('weekly', NULL, 'UTC'),
	('fair', NULL, 'UTC'), ('closed', NULL, NULL), ('nine wise men', NULL, 'UTC');
SELECT open_hours('office', '{1,2,3,4,5}', '{9:00-17:00}'), open_hours('lunch', '{1,2,3,4,5}', '{8:30-12:00,13:00-17:30}'), open_hours('shanghai', '{1,2,3,4,5}', '{9:00-18:00}'),
	open_hours('nights', '{1,2,3,4,5,6,7}', '{0:00-6:00,22:00-24:00}'), open_hours('early', '{1,2,3,4,5,6,7}', '{1:00-4:00}'), open_hours('early us', '{1,2,3,4,5,6,7}', '{1:00-4:00}'),
	open_hours('early lord howe', '{1,2,3,4,5,6,7}', '{1:00-4:00}'), open_hours('kolkata', '{1,2,3,4,5}', '{9:30-17:15}'), open_hours('overlap', '{1,3}', '{9:00-12:00,10:00-11:00,11:30-13:00,13:00-14:00,16:00-17:00}'),
	open_hours('weekly', '{4}', '{12:00-13:00}');
INSERT INTO cx_data.calendar_exception (calendar, day, opens_at, closes_at, name) VALUES
	('office', '2026-04-03', NULL, NULL, 'Good Friday'), ('office', '2026-04-06', NULL, NULL, 'Easter Monday'), ('office', '2026-12-24', '9:00', '12:00', 'Christmas Eve'),
	('shanghai', '2026-09-27', '9:00', '18:00', 'working Sunday'), ('shanghai', '2026-10-10', '9:00', '18:00', 'working Saturday'),
	('fair', '2026-06-01', '10:00', '14:00', 'first day'), ('fair', '2026-06-03', '10:00', '14:00', 'last day'),
	('lunch', '2026-03-04', NULL, NULL, 'closed, it was thought'), ('lunch', '2026-03-04', '10:00', '11:00', NULL), ('lunch', '2026-03-04', '10:30', '11:30', NULL), ('lunch', '2026-03-04', '15:00', '16:00', NULL),
	('closed', '2026-03-04', NULL, NULL, NULL);
INSERT INTO cx_data.calendar_exception (calendar, day, name) SELECT 'shanghai', day, 'National Day' FROM generate_series('2026-10-01'::date, '2026-10-07', '1 day') AS day;
-- what a calendar does, by the clock of its zone
CREATE FUNCTION work(code text, at timestamp, duration interval) RETURNS text LANGUAGE sql AS $$
	SELECT to_char(cx.add_business_time(work.at AT TIME ZONE zone, duration, work.code) AT TIME ZONE zone, 'Dy YYYY-MM-DD HH24:MI:SS.US')
	FROM (SELECT coalesce(c.time_zone, p.time_zone) AS zone FROM cx_data.calendar AS c, cx_data.program AS p WHERE c.code = work.code) AS found;
$$;
RESET client_min_messages;
\set ECHO all

-- what the program comes with
SELECT c.code, c.name, c.time_zone, h.weekday, h.opens_at, h.closes_at FROM cx_data.calendar AS c JOIN cx_data.calendar_hours AS h ON h.calendar = c.code WHERE code = 'always' ORDER BY weekday;
SELECT cx.business_seconds('2026-03-29', '2026-03-30', 'always') / 3600 AS hours, cx.add_business_time('2026-02-27 16:30:01.5', '30 days -1 hour', 'always');

-- Friday 16:30 and one hour, 16:00 and one hour; nothing; outside hours; at the ends of the day; a microsecond
SELECT "at", duration, work('office', "at", duration) FROM (VALUES ('2026-02-27 16:30'::timestamp, '1 hour'::interval), ('2026-02-27 16:00', '1 hour'), ('2026-02-27 16:00', '1 hour 0.000001 s'), ('2026-02-28 12:00', '0'),
	('2026-02-28 12:00', '1 hour'), ('2026-03-02 08:59:59.999999', '8 hours'), ('2026-03-02 09:00', '8 hours'), ('2026-03-02 09:00', '8 hours 0.000001 s'), ('2026-03-02 17:00', '0.000001 s'), ('2026-03-02 09:00', '0.000001 s'),
	('2026-02-27 16:30', '40 hours'), ('2026-02-27 16:30', '1 hour -60 min')) AS v ("at", duration);
-- backwards
SELECT "at", duration, work('office', "at", duration) FROM (VALUES ('2026-03-02 09:30'::timestamp, '-1 hour'::interval), ('2026-03-02 09:30', '-30 min'), ('2026-03-02 09:30', '-30 min -0.000001 s'), ('2026-02-28 12:00', '-1 hour'),
	('2026-03-02 17:00', '-8 hours'), ('2026-03-02 17:00', '-0.000001 s'), ('2026-03-02 09:00', '-0.000001 s'), ('2026-03-06 17:00', '-40 hours')) AS v ("at", duration);
-- two parts of a day; an exception that opens twice, in place of a row that closes the day
SELECT "at", duration, work('lunch', "at", duration) FROM (VALUES ('2026-03-02 11:30'::timestamp, '1 hour'::interval), ('2026-03-02 11:30', '30 min'), ('2026-03-02 12:30', '1 hour'), ('2026-03-02 13:30', '-1 hour'), ('2026-03-03 17:00', '1 hour'),
	('2026-03-03 17:00', '2 hours'), ('2026-03-03 17:00', '3 hours'), ('2026-03-03 17:00', '3 hours 1 s'), ('2026-03-05 09:00', '-3 hours -1 s')) AS v ("at", duration);
SELECT cx.business_seconds('2026-03-04 00:00+01', '2026-03-05 00:00+01', 'lunch') AS exception, cx.business_seconds('2026-03-05 00:00+01', '2026-03-06 00:00+01', 'lunch') / 3600 AS thursday,
	cx.business_seconds('2026-03-06 00:00+01', '2026-03-05 00:00+01', 'lunch') / 3600 AS backwards, cx.business_seconds('2026-03-02 11:59+01', '2026-03-02 13:01+01', 'lunch') AS break;
-- holidays, and a day that is shorter
SELECT "at", duration, work('office', "at", duration) FROM (VALUES ('2026-04-02 16:30'::timestamp, '1 hour'::interval), ('2026-04-07 09:30', '-1 hour'), ('2026-12-23 17:00', '2 hours'), ('2026-12-24 11:00', '2 hours'), ('2026-12-24 09:00', '3 hours')) AS v ("at", duration);
-- working weekends around a week of holidays
SELECT "at", duration, work('shanghai', "at", duration) FROM (VALUES ('2026-09-25 17:30'::timestamp, '1 hour'::interval), ('2026-09-26 10:00', '9 hours'), ('2026-09-30 17:30', '1 hour'), ('2026-10-09 17:30', '1 hour'), ('2026-10-10 17:30', '1 hour'), ('2026-10-08 09:00', '-1 hour')) AS v ("at", duration);
-- the same instants in other places
SELECT cx.business_seconds('2026-03-02 00:00Z', '2026-03-02 12:00Z', code) / 3600 AS hours, code FROM unnest('{office,shanghai,kolkata,nights}'::text[]) AS code;
SELECT cx.business_seconds('2026-03-02 11:44Z', '2026-03-02 11:46Z', 'kolkata') AS kolkata, work('kolkata', '2026-03-02 17:00', '30 min');
-- night shifts
SELECT work('nights', '2026-03-02 23:30', '1 hour'), work('nights', '2026-03-03 05:00', '1 hour'), work('nights', '2026-03-03 05:00', '1 hour 1 s'), work('nights', '2026-03-03 12:00', '8 hours'), work('nights', '2026-03-03 12:00', '-8 hours');
-- hours that overlap or touch count once
SELECT cx.business_seconds('2026-03-02', '2026-03-03', 'overlap') / 3600 AS hours, work('overlap', '2026-03-02 09:00', '4 hours'), work('overlap', '2026-03-02 09:00', '5 hours'), work('overlap', '2026-03-02 09:00', '5 hours 1 min');
-- where clocks are changed
SELECT code, day::date, cx.business_seconds(day::timestamp AT TIME ZONE time_zone, (day + interval '1 day')::timestamp AT TIME ZONE time_zone, code) / 3600 AS hours
FROM cx_data.calendar, unnest('{2026-03-07,2026-03-08,2026-03-28,2026-03-29,2026-04-04,2026-04-05,2026-10-04,2026-10-25,2026-11-01}'::date[]) AS day WHERE code LIKE 'early%' ORDER BY code, day;
SELECT work('early', '2026-03-29 00:00', '1 hour'), work('early', '2026-03-29 00:00', '1 hour 1 min'), work('early', '2026-03-29 12:00', '-1 hour'), work('early', '2026-03-29 12:00', '-59 min');
SELECT cx.add_business_time('2026-10-24 22:00Z', minutes * interval '1 min', 'early') FROM generate_series(60, 300, 60) AS minutes;
SELECT cx.add_business_time('2026-10-25 12:00Z', minutes * interval '-1 min', 'early') FROM generate_series(60, 300, 60) AS minutes;
-- NULL
SELECT cx.business_seconds(NULL, now(), 'office'), cx.business_seconds(now(), NULL, 'office'), cx.business_seconds(now(), now(), NULL), cx.add_business_time(NULL, '1 hour', 'office'), cx.add_business_time(now(), NULL, 'office'), cx.add_business_time(now(), '1 hour', NULL);

-- errors
SELECT command, try('SELECT cx.' || command) FROM unnest(ARRAY[$$business_seconds('2026-03-02', '2026-03-03', 'offices')$$, $$business_seconds('2026-03-02', '2026-03-03', '')$$, $$add_business_time('2026-03-02', '1 hour', 'office ')$$,
	$$business_seconds('2026-03-02', '2026-03-03', 'closed')$$, $$add_business_time('2026-03-02', '1 hour', 'closed')$$, $$business_seconds('-infinity', '2026-03-03', 'office')$$, $$business_seconds('2026-03-02', 'infinity', 'office')$$,
	$$add_business_time('infinity', '0', 'office')$$, $$add_business_time('2026-03-02', '1 month', 'always')$$, $$add_business_time('2026-03-02', '1 day', 'office')$$, $$add_business_time('2026-03-02', '-1 day 24 hours', 'fair')$$,
	$$add_business_time('2026-06-01', '8 hours 0.000001 s', 'fair')$$, $$add_business_time('2026-06-05', '0.000001 s', 'fair')$$, $$add_business_time('2026-06-01 12:00', '-3 hours', 'fair')$$, $$add_business_time('2026-03-02', '2147483647 hours', 'office')$$,
	$$add_business_time('2026-03-02', '-2147483647 hours', 'office')$$, $$add_business_time('294276-12-31 23:59:59.999999', '0.000001 s', 'always')$$, $$add_business_time('4714-11-24 00:00Z BC', '-0.000001 s', 'always')$$,
	$$add_business_time('294276-12-31', '2147483647 days 2147483647 hours', 'always')$$, $$add_business_time('2026-03-02', '2147483647 days', 'always')$$, $$business_seconds('2026-03-02', '2026-03-03', repeat('long', 2500))$$]) AS command;
SELECT try(command) FROM unnest(ARRAY[$$INSERT INTO cx_data.calendar (code, time_zone) VALUES ('x', 'Mars/Olympus')$$, $$SELECT open_hours('office', '{0}', '{9:00-10:00}')$$, $$SELECT open_hours('office', '{8}', '{9:00-10:00}')$$, $$SELECT open_hours('office', '{6}', '{9:00-9:00}')$$,
	$$SELECT open_hours('nowhere', '{6}', '{9:00-10:00}')$$, $$INSERT INTO cx_data.calendar_exception (calendar, day, opens_at) VALUES ('office', '2026-05-01', '9:00')$$, $$INSERT INTO cx_data.calendar_exception (calendar, day) VALUES ('office', 'infinity')$$,
	$$INSERT INTO cx_data.calendar_exception (calendar, day) VALUES ('office', '2026-05-01'), ('office', '2026-05-01')$$, $$INSERT INTO cx_data.calendar_exception (calendar, day, opens_at, closes_at) VALUES ('office', '2026-05-01', '9:00', '9:00')$$]) AS command;
-- a calendar that opens on single days, as far as it does
SELECT work('fair', '2020-01-01 00:00', '1 s'), work('fair', '2026-06-01 13:00', '5 hours'), work('fair', '2040-01-01 00:00', '-8 hours'), cx.business_seconds('2020-01-01', '2040-01-01', 'fair') / 3600 AS hours;

-- the ends of time
SELECT cx.business_seconds('4713-01-01 00:00Z BC', '294276-12-31 23:59:59.999999Z', code) BETWEEN share * 9.435181e12 AND share * 9.435182e12 AS all_of_it, cx.business_seconds('294276-12-31 23:59:59.999999Z', '4713-01-01 00:00Z BC', code) < 0 AS backwards, code
FROM (VALUES ('always', 1.0), ('office', 40.0 / 168), ('weekly', 1.0 / 168), ('early lord howe', 1.0 / 8)) AS v (code, share);
SELECT cx.add_business_time('4714-11-24 00:00Z BC', '0.000001 s', 'always'), cx.add_business_time('294276-12-31 23:59:59.999999', '-0.000001 s', 'always'), cx.add_business_time('294276-12-31 23:59:59.999998', '0.000001 s', 'always'), cx.add_business_time('4714-11-24 00:00:00.000001Z BC', '-0.000001 s', 'always');
SELECT cx.add_business_time('2026-03-02', '2147483647 hours', 'always'), cx.add_business_time('2026-03-02', '100000 hours', 'weekly'), cx.add_business_time('2026-03-02', '-30000 hours', 'weekly'), work('early lord howe', '2026-03-02 00:00', '100000 hours');
SELECT cx.add_business_time('294276-12-25 00:00', '1 hour', 'weekly'), cx.add_business_time('4713-01-10 00:00 BC', '-1 hour', 'weekly');
BEGIN;
INSERT INTO cx_data.calendar_exception (calendar, day, opens_at, closes_at) VALUES ('fair', '4714-11-24 BC', '0:00', '1:00'), ('fair', '294276-12-31', '23:00', '24:00'), ('fair', '5874897-12-31', '0:00', '24:00');
SELECT cx.business_seconds('4714-11-24 00:00Z BC', '294276-12-31 23:59:59.999999Z', 'fair'), cx.add_business_time('2030-01-01', '10 min', 'fair'), try($$SELECT cx.add_business_time('2030-01-01', '1 hour', 'fair')$$);
ROLLBACK;

-- changes are seen at once, and undone ones are not
CREATE VIEW march AS SELECT code, cx.business_seconds('2026-03-01 00:00Z', '2026-04-01 00:00Z', code) / 3600 AS hours FROM unnest('{office,lunch,fair}'::text[]) AS code;
TABLE march;
BEGIN;
UPDATE cx_data.calendar_hours SET closes_at = '18:00' WHERE calendar = 'office';
TABLE march;
SAVEPOINT before;
INSERT INTO cx_data.calendar_exception (calendar, day, opens_at, closes_at) VALUES ('fair', '2026-03-10', '0:00', '24:00');
UPDATE cx_data.calendar SET time_zone = 'Asia/Tokyo' WHERE code = 'lunch';
TABLE march;
ROLLBACK TO before;
TABLE march;
TRUNCATE cx_data.calendar_exception;
SELECT code, hours FROM march WHERE code <> 'fair';
SELECT try('TABLE march');
ROLLBACK;
TABLE march;
SELECT cx.business_seconds('2026-03-02 00:00Z', '2026-03-02 09:00Z', 'office') AS berlin;
UPDATE cx_data.program SET time_zone = 'Asia/Kolkata';
SELECT cx.business_seconds('2026-03-02 00:00Z', '2026-03-02 09:00Z', 'office') AS kolkata;
UPDATE cx_data.program SET time_zone = 'Europe/Berlin';
UPDATE cx_data.calendar SET code = 'desk' WHERE code = 'office';
SELECT try('TABLE march'), cx.business_seconds('2026-03-01 00:00Z', '2026-04-01 00:00Z', 'desk') / 3600 AS hours;
DELETE FROM cx_data.calendar WHERE code = 'desk';
SELECT try($$SELECT cx.business_seconds('2026-03-01 00:00Z', '2026-04-01 00:00Z', 'desk')$$), count(*) FROM cx_data.calendar_hours WHERE calendar IN ('desk', 'office');
DELETE FROM cx_data.calendar WHERE code = 'always';
CALL cx.upgrade_program();
SELECT count(*) FROM cx_data.calendar_hours WHERE calendar = 'always';
DELETE FROM cx_data.calendar_hours WHERE calendar = 'always' AND weekday = 7;
CALL cx.upgrade_program();
SELECT count(*) FROM cx_data.calendar_hours WHERE calendar = 'always';

-- 30 random calendars in 14 zones and that of the program, beside a definition in plain SQL
\set ECHO none
SET client_min_messages = warning;
CREATE FUNCTION draw(seed text, below integer) RETURNS integer LANGUAGE sql IMMUTABLE RETURN ('x' || left(md5(seed), 7))::bit(28)::integer % below;
CREATE FUNCTION minute(number integer) RETURNS time LANGUAGE sql IMMUTABLE RETURN (number / 60 || ':' || number % 60)::time;
CREATE TABLE zone (number integer, name text, changes date[]);
INSERT INTO zone VALUES (0, NULL, '{2026-03-29,2026-10-25}'), (1, 'America/New_York', '{2026-03-08,2026-11-01}'), (2, 'Asia/Shanghai', '{2026-02-17,2026-10-01}'), (3, 'Asia/Kolkata', '{2026-03-01,2026-12-31}'), (4, 'Australia/Lord_Howe', '{2026-04-05,2026-10-04}'),
	(5, 'Pacific/Auckland', '{2026-04-05,2026-09-27}'), (6, 'America/St_Johns', '{2026-03-08,2026-11-01}'), (7, 'Pacific/Chatham', '{2026-04-05,2026-09-27}'), (8, 'UTC', '{2026-01-01,2026-06-30}'), (9, 'America/Sao_Paulo', '{2018-02-18,2018-11-04}'),
	(10, 'Antarctica/Troll', '{2026-03-29,2026-10-25}'), (11, 'Pacific/Apia', '{2011-12-30,2012-04-01}'), (12, 'Europe/London', '{2026-03-29,2026-10-25}'), (13, 'Europe/Dublin', '{2026-03-29,2026-10-25}'), (14, 'CET-1CEST,M3.5.0,M10.5.0/3', '{2437-03-29,2437-10-25}');
CREATE TABLE shop AS SELECT i, 'shop ' || i AS code, z.name AS zone, z.changes FROM generate_series(1, 30) AS i JOIN zone AS z ON z.number = i % 15;
INSERT INTO cx_data.calendar (code, time_zone) SELECT code, zone FROM shop;
INSERT INTO cx_data.calendar_hours (calendar, weekday, opens_at, closes_at)
SELECT code, weekday, minute(opens), minute(opens + 1 + draw(code || weekday || n || 'length', 1440 - opens))
FROM shop, generate_series(1, 7) AS weekday, generate_series(1, 3) AS n, LATERAL (SELECT draw(code || weekday || n, 1440) AS opens) AS drawn
WHERE (weekday = 3 AND n = 1) OR draw(code || weekday || n || 'any', 7) < 3;
INSERT INTO cx_data.calendar_exception (calendar, day, opens_at, closes_at)
SELECT code, day, minute(opens), minute(opens + 1 + draw(code || day || n || 'length', 1440 - opens))
FROM shop, unnest(changes) AS change, generate_series(-7, 7) AS away, generate_series(0, draw(code || change || away, 3)) AS n, LATERAL (SELECT change + away AS day) AS d, LATERAL (SELECT CASE WHEN n > 0 THEN draw(code || day || n, 1440) END AS opens) AS drawn
WHERE draw(code || change || away || 'any', 3) = 0;
CREATE TABLE moment AS
SELECT code, n, date '2026-01-01'::timestamptz + draw(code || n, 31536000) * interval '1 s' + CASE WHEN n % 3 > 0 THEN draw(code || n || 'us', 1000000) * interval '1 us' ELSE interval '0' END AS "at",
	((draw(code || n || 'd', 2 * 400 * 3600) - 400 * 3600) * interval '1 s' + CASE WHEN n % 2 = 0 THEN draw(code || n || 'dus', 1000000) * interval '1 us' ELSE interval '0' END) / power(10, n % 6) AS duration
FROM shop, generate_series(1, 200) AS n;
-- some in other years, when zones had other rules or local mean time
UPDATE moment SET "at" = "at" + (draw(code || n || 'year', 280) - 140) * interval '365 days' WHERE n > 150;
ALTER TABLE moment ADD COLUMN reached timestamptz;
UPDATE moment SET reached = cx.add_business_time("at", duration, code);
CREATE FUNCTION microseconds(seconds double precision) RETURNS bigint LANGUAGE sql IMMUTABLE RETURN round(seconds * 1000000);
-- open hours of the days of each calendar, and by the minute
CREATE FUNCTION hours_of_day(code text, day date) RETURNS TABLE (opens_at time, closes_at time) LANGUAGE sql STABLE AS $$
	SELECT e.opens_at, e.closes_at FROM cx_data.calendar_exception AS e WHERE e.calendar = $1 AND e.day = $2 AND e.opens_at IS NOT NULL
	UNION ALL
	SELECT h.opens_at, h.closes_at FROM cx_data.calendar_hours AS h WHERE h.calendar = $1 AND h.weekday = extract(isodow FROM $2) AND NOT EXISTS (SELECT FROM cx_data.calendar_exception AS e WHERE e.calendar = $1 AND e.day = $2)
$$;
CREATE FUNCTION minutes(code text, zone text, started_at timestamptz, ended_at timestamptz, step interval) RETURNS TABLE ("at" timestamptz, open_before bigint) LANGUAGE sql STABLE AS $$
	WITH local AS MATERIALIZED (
		SELECT i AS "at", (i AT TIME ZONE $2)::date AS day, (i AT TIME ZONE $2)::time AS clock FROM generate_series($3, $4, $5) AS i
	), hours AS MATERIALIZED (
		SELECT day, h.* FROM (SELECT DISTINCT day FROM local) AS d, hours_of_day($1, day) AS h
	), opened AS (
		SELECT DISTINCT l."at" FROM local AS l JOIN hours AS h ON h.day = l.day AND h.opens_at <= l.clock AND l.clock < h.closes_at
	)
	SELECT l."at", count(o."at") OVER (ORDER BY l."at") - (o."at" IS NOT NULL)::integer FROM local AS l LEFT JOIN opened AS o USING ("at")
$$;
RESET client_min_messages;
\set ECHO all
SELECT count(*), count(*) FILTER (WHERE duration > '0') AS forwards, count(DISTINCT code) AS calendars FROM moment;
-- as the definition has it, at each minute of two weeks around each change of the clock
SELECT count(*) > 600000 AS compared, count(*) FILTER (WHERE cx.business_seconds(started_at, m."at", code) <> 60 * m.open_before) AS violations
FROM shop, unnest(changes) AS change, LATERAL (SELECT change - interval '5 days' AS started_at) AS s, minutes(code, coalesce(zone, 'Europe/Berlin'), started_at, change + interval '5 days', '1 min') AS m;
-- at each second where local mean time ended; where a zone skipped a day; at each hour of the years in which the rules for years to come begin anew
UPDATE cx_data.calendar SET time_zone = CASE code WHEN 'shop 15' THEN 'Europe/Berlin' ELSE 'Pacific/Apia' END WHERE code IN ('shop 15', 'shop 16');
SELECT count(*), count(*) FILTER (WHERE cx.business_seconds('1893-03-31 20:00Z', m."at", 'shop 15') <> m.open_before) AS violations FROM minutes('shop 15', 'Europe/Berlin', '1893-03-31 20:00Z', '1893-04-02 00:00Z', '1 s') AS m;
SELECT count(*), count(*) FILTER (WHERE cx.business_seconds('2011-12-20', m."at", 'shop 16') <> 60 * m.open_before) AS violations FROM minutes('shop 16', 'Pacific/Apia', '2011-12-20', '2012-01-05', '1 min') AS m;
SELECT open_hours('nine wise men', '{1,2,4,7}', '{0:00-3:00,5:00-6:00}');
UPDATE cx_data.calendar SET time_zone = 'America/New_York' WHERE code = 'nine wise men';
SELECT count(*), count(*) FILTER (WHERE cx.business_seconds('2430-01-01', m."at", 'nine wise men') <> 3600 * m.open_before) AS violations FROM minutes('nine wise men', 'America/New_York', '2430-01-01', '2440-01-01', '1 hour') AS m;
SELECT count(*), count(*) FILTER (WHERE cx.business_seconds('2830-01-01', m."at", 'nine wise men') <> 3600 * m.open_before) AS violations FROM minutes('nine wise men', 'America/New_York', '2830-01-01', '2840-01-01', '1 hour') AS m;
UPDATE cx_data.calendar SET time_zone = 'CET-1CEST,M3.5.0,M10.5.0/3' WHERE code = 'nine wise men';
SELECT count(*), count(*) FILTER (WHERE cx.business_seconds('1200-01-01 BC', m."at", 'nine wise men') <> 3600 * m.open_before) AS violations FROM minutes('nine wise men', 'CET-1CEST,M3.5.0,M10.5.0/3', '1200-01-01 BC', '1190-01-01 BC', '1 hour') AS m;
UPDATE cx_data.calendar SET time_zone = shop.zone FROM shop WHERE shop.code = calendar.code;
-- what was added is between
SELECT count(*) AS violations FROM moment WHERE cx.business_seconds("at", reached, code) <> extract(epoch FROM duration)::double precision;
-- the earliest instant forwards, the latest one backwards
SELECT count(*) AS violations FROM moment WHERE duration > '0' AND cx.business_seconds("at", reached - interval '1 us', code) >= cx.business_seconds("at", reached, code);
SELECT count(*) AS violations FROM moment WHERE duration < '0' AND cx.business_seconds("at", reached + interval '1 us', code) <= cx.business_seconds("at", reached, code);
-- never before the instant forwards, never after it backwards; nothing added is the instant itself
SELECT count(*) AS violations FROM moment WHERE sign(extract(epoch FROM reached - "at")) <> sign(extract(epoch FROM duration)) OR cx.add_business_time("at", '0', code) <> "at";
-- there and back, with nothing open in between
SELECT count(*) AS violations FROM (SELECT *, cx.add_business_time(reached, -duration, code) AS back FROM moment) AS m WHERE cx.business_seconds(back, "at", code) <> 0;
-- it adds up over three instants, is as much backwards, never shrinks, and is no more than the time that passes
SELECT count(*) AS violations FROM moment AS a JOIN moment AS b ON b.code = a.code AND b.n = (a.n + 7) % 200 + 1 JOIN moment AS c ON c.code = a.code AND c.n = (a.n + 100) % 200 + 1
WHERE microseconds(cx.business_seconds(a."at", b."at", a.code)) + microseconds(cx.business_seconds(b."at", c."at", a.code)) <> microseconds(cx.business_seconds(a."at", c."at", a.code));
SELECT count(*) AS violations FROM moment AS a JOIN moment AS b ON b.code = a.code AND b.n = (a.n + 7) % 200 + 1 WHERE cx.business_seconds(a."at", b."at", a.code) <> -cx.business_seconds(b."at", a."at", a.code);
SELECT count(*) AS violations FROM (SELECT code, "at" AS started_at, lead("at") OVER (PARTITION BY code ORDER BY "at") AS ended_at FROM moment) AS m WHERE NOT cx.business_seconds(started_at, ended_at, code) BETWEEN 0 AND extract(epoch FROM ended_at - started_at)::double precision;
SELECT count(*) AS violations FROM (SELECT "at", duration, lead(reached) OVER (PARTITION BY code, "at" ORDER BY duration) - reached AS later FROM (SELECT code, "at", cx.add_business_time("at", d * interval '77 min', code) AS reached, d * interval '77 min' AS duration FROM moment, generate_series(-5, 5) AS d WHERE n % 10 = 0) AS added) AS m WHERE later <= '0';

-- in parallel, the same
SELECT sum(microseconds(cx.business_seconds("at", reached, code))) AS total FROM moment \gset
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT sum(microseconds(cx.business_seconds("at", reached, code))) = :total AS same, count(*) FILTER (WHERE cx.add_business_time("at", duration, code) = reached) AS again FROM moment;
BEGIN;
UPDATE cx_data.calendar_hours SET opens_at = '0:00', closes_at = '24:00' WHERE calendar = 'shop 1' AND weekday = 3 AND calendar_hours_id = (SELECT min(calendar_hours_id) FROM cx_data.calendar_hours WHERE calendar = 'shop 1' AND weekday = 3);
SELECT sum(microseconds(cx.business_seconds("at", reached, code))) <> :total AS changed FROM moment WHERE code = 'shop 1';
ROLLBACK;
SELECT sum(microseconds(cx.business_seconds("at", reached, code))) = :total AS same FROM moment;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;

-- whoever may not read the tables may count by them all the same; a dropped program is gone
\set ECHO none
SET client_min_messages = warning;
CREATE ROLE cx_regress_nobody;
RESET client_min_messages;
\set ECHO all
SET ROLE cx_regress_nobody;
SELECT cx.business_seconds('2026-03-02 00:00Z', '2026-03-09 00:00Z', 'lunch') / 3600 AS hours, try('TABLE cx_data.calendar');
RESET ROLE;
CALL cx.drop_program();
SELECT try($$SELECT cx.business_seconds('2026-03-02', '2026-03-03', 'lunch')$$);
\set ECHO none
SET client_min_messages = warning;
DROP VIEW march;
DROP TABLE shop, zone, moment;
DROP FUNCTION try(text), open_hours(text, integer[], text[]), work(text, timestamp, interval), draw(text, integer), minute(integer), microseconds(double precision), hours_of_day(text, date), minutes(text, text, timestamptz, timestamptz, interval);
DROP ROLE cx_regress_nobody;
