-- A calendar with a break and exceptions, pairs of instants, and open time in plain SQL.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
SET TimeZone = 'UTC';
CREATE EXTENSION cx;
\ir compare.sql
CALL cx.create_program();
INSERT INTO cx_data.calendar (code, time_zone) VALUES ('shop', 'Europe/Berlin');
INSERT INTO cx_data.calendar_hours (calendar, weekday, opens_at, closes_at)
SELECT 'shop', weekday, hour[1]::time, hour[2]::time FROM generate_series(1, 5) AS weekday, (VALUES ('{8:30,12:00}'::text[]), ('{13:00,17:30}')) AS v (hour);
INSERT INTO cx_data.calendar_exception (calendar, day, opens_at, closes_at)
SELECT 'shop', day, CASE WHEN number % 3 = 0 THEN time '9:00' END, CASE WHEN number % 3 = 0 THEN time '12:00' END
FROM (SELECT number, date '2024-01-01' + number * 23 AS day FROM generate_series(0, 40) AS number) AS d;

-- two years of instants, up to 60 days apart
CREATE TABLE pair AS
SELECT i, started_at, started_at + (hashint8(-i) + 2147483648) % 5184000 * interval '1 s' AS ended_at, (hashint8(-i) + 2147483648) % 144000 * interval '1 s' AS duration
FROM (SELECT i, timestamptz '2024-06-01' + (hashint8(i) + 2147483648) % 63072000 * interval '1 s' AS started_at FROM generate_series(1::bigint, :million) AS i) AS s;
ALTER TABLE pair ADD PRIMARY KEY (i);
ANALYZE pair;
CREATE FUNCTION shop_seconds(started_at timestamptz, ended_at timestamptz) RETURNS double precision LANGUAGE sql STABLE
	RETURN 60 * (SELECT count(*) FROM generate_series(date_trunc('minute', started_at), ended_at - interval '1 min', '1 min') AS "at", LATERAL (SELECT "at" AT TIME ZONE 'Europe/Berlin' AS local) AS l
		WHERE CASE WHEN EXISTS (SELECT FROM cx_data.calendar_exception AS e WHERE e.calendar = 'shop' AND e.day = local::date)
			THEN EXISTS (SELECT FROM cx_data.calendar_exception AS e WHERE e.calendar = 'shop' AND e.day = local::date AND e.opens_at <= local::time AND local::time < e.closes_at)
			ELSE EXISTS (SELECT FROM cx_data.calendar_hours AS h WHERE h.calendar = 'shop' AND h.weekday = extract(isodow FROM local) AND h.opens_at <= local::time AND local::time < h.closes_at) END);

-- tables alike: bare, with a rule that raises alerts, and with one that opens tickets as well; 2 % of the rows match, each of another customer
INSERT INTO cx_data.channel (code, format, url) VALUES ('ops', 'slack', 'https://example.com');
INSERT INTO cx_data.org_unit (code, name, tier, calendar) SELECT 'unit' || i, 'Unit ' || i, 1, 'shop' FROM generate_series(1, 8) AS i;
INSERT INTO cx_data.staff (code, org_unit_id, max_tickets) SELECT 'agent' || i, 1 + i % 8, 120 FROM generate_series(1, 40) AS i;
UPDATE cx_data.org_unit SET manager_id = org_unit_id;
INSERT INTO cx_data.touchpoint (code) SELECT 'tp' || i FROM generate_series(1, 50) AS i;
INSERT INTO cx_data.customer (code, segment, org_unit_id) SELECT 'c' || i, (ARRAY['business', 'consumer'])[1 + i % 2], 1 + i % 8 FROM generate_series(0, 99999) AS i;
UPDATE cx_data.staff SET skills = ARRAY[(ARRAY['business', 'consumer'])[1 + staff_id % 2], 'tp' || staff_id];
CREATE TABLE source AS
SELECT i AS id, 'c' || i / 50 * 7919 % 100000 AS customer, 'tp' || 1 + i % 50 AS place, (i * 31 % 50)::integer AS score, timestamptz '2026-03-01' + i * interval '7 seconds' AS at FROM generate_series(1::bigint, 300000) AS i;
CREATE TABLE bare (id bigint PRIMARY KEY, customer text, place text, score integer, at timestamptz);
CREATE TABLE alerted (LIKE bare INCLUDING ALL);
CREATE TABLE ticketed (LIKE bare INCLUDING ALL);
SELECT cx.create_alert('told', 'alerted', 'score = 0', customer => 'customer', touchpoint => 'place', message => '{customer} gave {score} at {place}', route => 'channel:ops'),
	cx.create_alert('helped', 'ticketed', 'score = 0', customer => 'customer', touchpoint => 'place', message => '{customer} gave {score} at {place}', route => 'channel:ops', opens_ticket => true) \g /dev/null
CREATE PROCEDURE empty() LANGUAGE sql AS 'TRUNCATE bare, alerted, ticketed, cx_data.alert, cx_data.outbox, cx_data.ticket, cx_data.ticket_event, cx_data.ticket_task';
VACUUM (ANALYZE) cx_data.customer, source;
CHECKPOINT;
