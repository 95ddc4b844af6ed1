-- Capture of attached tables: feedback and events follow every change of the user's rows
\set ECHO none
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS cx;
SET TimeZone = 'America/New_York';
SET DateStyle = 'ISO, MDY';
CALL cx.create_program('Europe/Berlin');
INSERT INTO cx_data.org_unit (code, time_zone) VALUES ('east', NULL), ('west', 'America/Denver');
INSERT INTO cx_data.staff (code) VALUES ('dora'), ('emil');
INSERT INTO cx_data.touchpoint (code) VALUES ('shop'), ('app'), ('line');
INSERT INTO cx_data.customer (code, org_unit_id) VALUES ('anna', NULL), ('bob', 1);
-- what was captured, what was not, and whether the tallies agree with it
CREATE VIEW captured AS
SELECT source.name AS source, source_key COLLATE "C" AS key, customer.code AS customer, touchpoint.code AS touchpoint, metric, score, responded_at AT TIME ZONE 'UTC' AS at,
	comment, answer.channel, unit.code AS unit, staff.code AS staff, answer.kind, answer.attributes
FROM cx_data.feedback AS answer JOIN cx_data.source USING (source_id) LEFT JOIN cx_data.customer USING (customer_id)
	LEFT JOIN cx_data.touchpoint USING (touchpoint_id) LEFT JOIN cx_data.org_unit AS unit ON unit.org_unit_id = answer.org_unit_id LEFT JOIN cx_data.staff ON staff.staff_id = answer.staff_id;
CREATE VIEW happened AS
SELECT source.name AS source, source_key COLLATE "C" AS key, customer.code AS customer, touchpoint.code AS touchpoint, event.name, value, occurred_at AT TIME ZONE 'UTC' AS at,
	unit.code AS unit, event.attributes
FROM cx_data.event JOIN cx_data.source USING (source_id) LEFT JOIN cx_data.customer USING (customer_id)
	LEFT JOIN cx_data.touchpoint USING (touchpoint_id) LEFT JOIN cx_data.org_unit AS unit ON unit.org_unit_id = event.org_unit_id;
CREATE VIEW failed AS
SELECT source.name AS source, source_key COLLATE "C" AS key, sqlstate, message, attempts FROM cx_data.import_error JOIN cx_data.source USING (source_id);
CREATE VIEW tally_drift AS
WITH counted AS (
	SELECT touchpoint_id, org_unit_id, hour, metric, cx.tally(tally) AS tally
	FROM (SELECT * FROM cx_data.tally_hourly UNION ALL SELECT touchpoint_id, org_unit_id, hour, metric, added FROM cx_data.tally_delta WHERE added IS NOT NULL) AS parts
	GROUP BY 1, 2, 3, 4
), gone AS (
	SELECT touchpoint_id, org_unit_id, hour, metric, cx.tally(removed) AS tally FROM cx_data.tally_delta WHERE removed IS NOT NULL GROUP BY 1, 2, 3, 4
), answers AS (
	SELECT touchpoint_id, org_unit_id, date_trunc('hour', responded_at, coalesce(time_zone, 'Europe/Berlin')) AS hour, metric, cx.tally(score) AS tally
	FROM cx_data.feedback LEFT JOIN cx_data.org_unit USING (org_unit_id) WHERE kind = 'survey' AND score IS NOT NULL GROUP BY 1, 2, 3, 4
), answer_days AS (
	SELECT touchpoint_id, org_unit_id, (responded_at AT TIME ZONE coalesce(time_zone, 'Europe/Berlin'))::date AS day, metric, cx.tally(score) AS tally
	FROM cx_data.feedback LEFT JOIN cx_data.org_unit USING (org_unit_id) WHERE kind = 'survey' AND score IS NOT NULL GROUP BY 1, 2, 3, 4
), live AS (
	SELECT counted.touchpoint_id, counted.org_unit_id, counted.hour, counted.metric, CASE WHEN gone.tally IS NULL THEN counted.tally ELSE counted.tally OPERATOR(cx.-) gone.tally END AS tally
	FROM counted LEFT JOIN gone ON ROW(gone.touchpoint_id, gone.org_unit_id, gone.hour, gone.metric) IS NOT DISTINCT FROM ROW(counted.touchpoint_id, counted.org_unit_id, counted.hour, counted.metric)
)
(SELECT * FROM live WHERE tally OPERATOR(cx.<>) '{}' EXCEPT SELECT * FROM answers) UNION ALL (SELECT * FROM answers EXCEPT SELECT * FROM live)
-- the same answers by day
UNION ALL (SELECT touchpoint_id, org_unit_id, day, metric, tally FROM cx_data.tally_live_daily EXCEPT SELECT * FROM answer_days)
UNION ALL (SELECT * FROM answer_days EXCEPT SELECT touchpoint_id, org_unit_id, day, metric, tally FROM cx_data.tally_live_daily);
RESET client_min_messages;
\set ECHO all

-- every argument; the rows that are there come along; the settings of a session do not matter
CREATE TABLE answers (id integer PRIMARY KEY, who text, place text, grade numeric(4, 1), answered text, words text, way text, desk text, agent text, sort text, extra json, done boolean DEFAULT true);
INSERT INTO answers VALUES
	(1, 'anna', 'shop', 9, '2026-03-01 10:20', 'good', 'sms', 'west', 'dora', NULL, '{"a": 1}', true),
	(2, 'bob', 'app', NULL, '2026-03-01 11:20', NULL, NULL, NULL, NULL, 'complaint', NULL, true),
	(3, NULL, NULL, 3.0, '2026-07-01 11:20', NULL, NULL, NULL, 'emil', NULL, '[]', true),
	(4, 'cleo', 'app', 4, '2026-03-01 11:20', NULL, NULL, NULL, NULL, NULL, NULL, false);
SELECT cx.attach_feedback('answers', 'answers', key => 'id', customer => 'who', touchpoint => 'place', metric => $$CASE WHEN grade IS NOT NULL THEN 'nps' END$$,
	score => 'grade', responded_at => 'answered', comment => 'words', channel => 'way', org_unit => 'desk', staff => 'agent', kind => 'sort', attributes => 'extra', only_if => 'done');
SELECT * FROM captured ORDER BY key;
-- a customer who is not known is added when captured, not before
SELECT code, first_seen_at FROM cx_data.customer WHERE code = 'cleo';
UPDATE answers SET done = true WHERE id = 4;
SELECT code, first_seen_at FROM cx_data.customer WHERE code = 'cleo';
SELECT key, customer, unit FROM captured ORDER BY key;
SELECT * FROM tally_drift;
SELECT * FROM failed ORDER BY source, key;

-- each way to write
INSERT INTO answers VALUES (5, 'anna', 'shop', 5, '2026-03-02 00:00');
INSERT INTO answers VALUES (6, 'anna', 'shop', 6, '2026-03-02 00:00'), (7, 'dan', 'app', 7, '2026-03-02 00:00');
INSERT INTO answers SELECT id + 10, who, place, grade, answered FROM answers WHERE id BETWEEN 5 AND 7;
COPY answers (id, who, place, grade, answered) FROM stdin;
20	anna	shop	2	2026-03-03 08:00
21	dan	line	0	2026-03-03 08:00
\.
INSERT INTO answers SELECT * FROM answers WHERE false;
SELECT key, customer, touchpoint, score, at FROM captured WHERE key::integer > 4 ORDER BY key::integer;
CREATE TEMP TABLE before AS SELECT ctid AS place, source_key AS key FROM cx_data.feedback;
UPDATE answers SET id = id;
UPDATE answers SET grade = 10 WHERE id = 999;
SELECT count(*) AS rewritten FROM cx_data.feedback AS answer JOIN before ON key = source_key WHERE answer.ctid <> place;
UPDATE answers SET grade = 10 - grade, place = 'line' WHERE id IN (20, 21);
UPDATE answers SET id = 22 WHERE id = 21;
UPDATE answers SET id = 41 - id WHERE id IN (20, 21);
UPDATE answers SET id = CASE id WHEN 21 THEN 30 WHEN 22 THEN 31 END WHERE id IN (21, 22);
UPDATE answers SET id = id + 1 WHERE id = 31;
SELECT key, customer, touchpoint, score FROM captured WHERE key::integer > 17 ORDER BY key::integer;
SELECT * FROM tally_drift;
-- keys swapped and shifted within one statement: whoever has the key afterwards is it
ALTER TABLE answers DROP CONSTRAINT answers_pkey;
UPDATE answers SET id = CASE id WHEN 5 THEN 6 ELSE 5 END WHERE id IN (5, 6);
UPDATE answers SET id = id + 1 WHERE id BETWEEN 15 AND 17;
SELECT key, score FROM captured WHERE key IN ('5', '6', '15', '16', '17', '18') ORDER BY key::integer;
ALTER TABLE answers ADD PRIMARY KEY (id);
-- leaving and coming back
UPDATE answers SET done = NULL WHERE id IN (5, 6);
SELECT count(*) FROM captured WHERE key IN ('5', '6');
UPDATE answers SET done = id = 5 WHERE id IN (5, 6);
DELETE FROM answers WHERE id IN (6, 16);
DELETE FROM answers WHERE id = 999;
SELECT key FROM captured ORDER BY key::integer;
-- ON CONFLICT
INSERT INTO answers VALUES (5, 'anna', 'shop', 1, '2026-03-02 00:00'), (40, 'anna', 'shop', 1, '2026-03-02 00:00') ON CONFLICT DO NOTHING;
INSERT INTO answers VALUES (5, 'anna', 'shop', 1, '2026-03-02 00:00'), (41, 'anna', 'shop', 1, '2026-03-02 00:00')
	ON CONFLICT (id) DO UPDATE SET grade = excluded.grade, words = 'again';
INSERT INTO answers VALUES (40, 'anna', 'shop', 2, '2026-03-02 00:00'), (42, 'anna', 'shop', 2, '2026-03-02 00:00') ON CONFLICT (id) DO UPDATE SET id = 43, grade = 3;
SELECT key, score, comment FROM captured WHERE key::integer IN (5, 40, 41, 42, 43) ORDER BY key::integer;
-- MERGE: a key may leave, come and change hands in one statement
MERGE INTO answers USING (VALUES (5, 0), (41, -1), (42, 50), (60, 8), (61, 9)) AS wanted (id, grade) ON answers.id = wanted.id
	WHEN MATCHED AND wanted.grade = -1 THEN DELETE
	WHEN MATCHED AND wanted.grade = 50 THEN UPDATE SET id = 44
	WHEN MATCHED THEN UPDATE SET grade = wanted.grade
	WHEN NOT MATCHED AND wanted.id = 60 THEN INSERT (id, grade, answered) VALUES (42, 8, '2026-03-02 00:00')
	WHEN NOT MATCHED THEN INSERT (id, grade, answered) VALUES (wanted.id, wanted.grade, '2026-03-02 00:00');
SELECT key, score FROM captured WHERE key::integer >= 40 OR key = '5' ORDER BY key::integer;
-- statements within a statement
WITH gone AS (DELETE FROM answers WHERE id >= 60 RETURNING *), came AS (INSERT INTO answers (id, grade, answered) SELECT id + 10, grade, answered FROM gone RETURNING id)
	UPDATE answers SET grade = 10 FROM gone WHERE answers.id = 5;
WITH gone AS (DELETE FROM answers WHERE id = 71 RETURNING *) INSERT INTO answers (id, grade, answered) SELECT id, grade - 2, answered FROM gone;
SELECT key, score FROM captured WHERE key::integer >= 40 OR key = '5' ORDER BY key::integer;
-- what is rolled back leaves nothing
BEGIN;
DELETE FROM answers WHERE id < 10;
SAVEPOINT one;
INSERT INTO answers (id, who, place, grade, answered) VALUES (80, 'eve', 'shop', 8, '2026-03-02 00:00');
ROLLBACK TO one;
INSERT INTO answers (id, who, place, grade, answered) VALUES (81, 'eve', 'shop', 8, '2026-03-02 00:00');
SAVEPOINT two;
UPDATE answers SET id = id + 1000;
ROLLBACK TO two;
INSERT INTO answers (id, grade, answered) VALUES (82, 82, '2026-03-02 00:00');
ROLLBACK TO two;
COMMIT;
DO $$
BEGIN
	UPDATE answers SET grade = 1;
	INSERT INTO answers (id, who, place, grade, answered) VALUES (83, 'fay', 'nowhere', 8, '2026-03-02 00:00');
EXCEPTION WHEN foreign_key_violation THEN
	INSERT INTO answers (id, who, place, grade, answered) VALUES (84, 'fay', 'app', 8, '2026-03-02 00:00');
END
$$;
SELECT key, customer, score FROM captured ORDER BY key::integer;
SELECT * FROM tally_drift;
CALL cx.maintain();
SELECT * FROM tally_drift;
-- by foreign keys
CREATE TABLE visit (visit integer PRIMARY KEY);
INSERT INTO visit SELECT id FROM answers;
ALTER TABLE answers ADD FOREIGN KEY (id) REFERENCES visit ON DELETE CASCADE ON UPDATE CASCADE;
UPDATE visit SET visit = 90 WHERE visit = 84;
DELETE FROM visit WHERE visit = 81;
SELECT key FROM captured WHERE key::integer > 80;
ALTER TABLE answers DROP CONSTRAINT answers_id_fkey;
-- with errors the statement fails
INSERT INTO answers VALUES (100, 'anna', 'nowhere', 5, '2026-03-02 00:00');
INSERT INTO answers VALUES (100, 'anna', 'shop', 11, '2026-03-02 00:00');
INSERT INTO answers VALUES (100, 'anna', 'shop', 5.5, '2026-03-02 00:00');
INSERT INTO answers VALUES (100, 'anna', 'shop', 'NaN', '2026-03-02 00:00');
INSERT INTO answers VALUES (100, 'anna', 'shop', 5, 'yesterday evening');
INSERT INTO answers VALUES (100, 'anna', 'shop', 5, NULL);
INSERT INTO answers VALUES (100, 'anna', 'shop', 5, 'infinity');
INSERT INTO answers VALUES (100, 'anna', 'shop', 5, '2026-03-02 00:00', NULL, NULL, 'south');
INSERT INTO answers VALUES (100, 'anna', 'shop', 5, '2026-03-02 00:00', NULL, NULL, NULL, 'gil');
INSERT INTO answers VALUES (100, 'anna', 'shop', 5, '2026-03-02 00:00', NULL, NULL, NULL, NULL, 'rant');
UPDATE answers SET place = 'nowhere';
SELECT count(*) FROM answers WHERE id = 100;
-- TRUNCATE
TRUNCATE answers;
SELECT count(*) FROM captured;
SELECT * FROM tally_drift;

-- events (from here on without JIT compilation, which takes longer than all the rest where a server uses it for every query)
SET jit = off;
CREATE TABLE bill (number text, account text, amount numeric, due date, paid_at timestamptz, facts jsonb);
INSERT INTO bill VALUES ('b1', 'bob', 12.5, '2026-03-01', NULL, '{"lines": 3}');
SELECT cx.attach_event('bill', 'bill', key => 'number', customer => 'account', touchpoint => $$'app'$$, name => $$'bill'$$, value => 'amount', occurred_at => 'due', attributes => 'facts');
-- one table may be several sources
SELECT cx.attach_event('payment', 'bill', key => 'number', customer => 'account', name => $$CASE WHEN paid_at::date > due THEN 'late payment' ELSE 'payment' END$$,
	value => 'extract(epoch FROM paid_at - due)', occurred_at => 'paid_at', org_unit => $$'west'$$, only_if => 'paid_at IS NOT NULL');
SELECT cx.attach_feedback('moved', 'bill', key => $$number || '/' || account$$, comment => $$facts ->> 'note'$$, kind => $$'complaint'$$, responded_at => 'due', only_if => $$facts ? 'note'$$);
INSERT INTO bill VALUES ('b2', 'bob', 99, '2026-03-01', '2026-03-05 12:00+00', '{"note": "too much"}'), ('b3', 'hal', -1, '2026-03-01', '2026-03-01 01:00+00', NULL);
SELECT * FROM happened ORDER BY source, key;
SELECT source, key, comment, kind, at FROM captured;
UPDATE bill SET account = 'anna', amount = 'Infinity', facts = facts || '{"note": "mine"}';
DELETE FROM bill WHERE number = 'b3';
SELECT * FROM happened ORDER BY source, key;
SELECT source, key, comment FROM captured ORDER BY key;
INSERT INTO bill VALUES ('b4', 'bob', 1, NULL);
INSERT INTO bill VALUES ('b4', 'bob', 1, 'infinity');
INSERT INTO bill VALUES (NULL, 'bob', 1, '2026-03-01');
INSERT INTO bill VALUES ('b1', 'bob', 1, '2026-03-01');
INSERT INTO bill VALUES ('b5', 'bob', 1, '2026-03-01'), ('b5', 'bob', 2, '2026-03-01');
UPDATE bill SET number = 'b9';
TRUNCATE bill;
SELECT count(*) FROM happened;
SELECT cx.detach_source('bill', false), cx.detach_source('payment', false), cx.detach_source('moved', false);

-- names that look like something else
CREATE SCHEMA "odd; DROP SCHEMA cx_data --";
CREATE TABLE "odd; DROP SCHEMA cx_data --"."it's ""select"" * /*" ("from" integer, "a b" text, "Größe" double precision, "x""y" timestamptz, "--" boolean, "$1" text, "cx_new" text);
INSERT INTO "odd; DROP SCHEMA cx_data --"."it's ""select"" * /*" VALUES (1, 'anna', 3, '2026-03-01 12:00+00', true, 'shop', 'one');
SELECT cx.attach_feedback(E'it''s a "source"\\\n--', '"odd; DROP SCHEMA cx_data --"."it''s ""select"" * /*"', key => '"from"', customer => '"a b"', touchpoint => '"$1" -- the shop',
	metric => $$'stars' /* one to five */$$, score => $$"it's ""select"" * /*"."Größe"$$, responded_at => '"x""y"', comment => $$cx_new || E'\\' || '"'$$, only_if => '"--"');
INSERT INTO "odd; DROP SCHEMA cx_data --"."it's ""select"" * /*" VALUES (2, 'Čeněk', 5, '2026-03-01 12:00+00', true, 'app', '2');
UPDATE "odd; DROP SCHEMA cx_data --"."it's ""select"" * /*" SET "from" = 3, "Größe" = 4 WHERE "from" = 2;
SELECT * FROM captured ORDER BY key;
SELECT replace(name, E'\n', '<newline>') AS name, relation, kind FROM cx_data.source WHERE relation <> 'answers'::regclass;
TRUNCATE "odd; DROP SCHEMA cx_data --"."it's ""select"" * /*";
SELECT count(*) FROM captured;
SELECT cx.detach_source(E'it''s a "source"\\\n--', false);
SELECT count(*) FROM pg_trigger WHERE tgrelid = '"odd; DROP SCHEMA cx_data --"."it''s ""select"" * /*"'::regclass;
DROP SCHEMA "odd; DROP SCHEMA cx_data --" CASCADE;

-- expressions: functions with their schema, casts, subqueries, whole rows, generated and dropped columns
CREATE SCHEMA lib;
CREATE TYPE lib.mood AS ENUM ('sad', 'glad');
CREATE FUNCTION lib.stars(lib.mood) RETURNS integer LANGUAGE sql IMMUTABLE AS $$SELECT CASE $1 WHEN 'sad' THEN 1 ELSE 5 END$$;
CREATE TABLE lib.place (id integer, code text);
INSERT INTO lib.place VALUES (1, 'shop'), (2, 'app');
CREATE TABLE smile (gone text, id integer, mood lib.mood, place integer, stamp bigint, twice integer GENERATED ALWAYS AS (id * 2) STORED, tags text[], also_gone integer);
CREATE FUNCTION lib.who(smile) RETURNS text LANGUAGE sql STABLE AS $$SELECT 'customer ' || $1.id % 2$$;
ALTER TABLE smile DROP COLUMN gone, DROP COLUMN also_gone, ADD COLUMN late text DEFAULT 'late';
SELECT cx.attach_feedback('smile', 'smile', key => $$'s' || twice$$, customer => 'lib.who(smile)', touchpoint => '(SELECT code FROM lib.place WHERE place.id = smile.place)', metric => $$'stars'$$,
	score => 'lib.stars(mood)', responded_at => 'to_timestamp(stamp)', comment => $$array_to_string(tags, ', ')$$, channel => 'smile.late', attributes => $$to_jsonb(smile) - 'stamp'$$,
	only_if => 'EXISTS (SELECT FROM lib.place AS p WHERE p.id = smile.place) AND mood = ANY (enum_range(NULL::lib.mood))');
INSERT INTO smile (id, mood, place, stamp, tags) VALUES (1, 'glad', 1, 1772366400, '{kind,quick}'), (2, 'sad', 2, 1772366400, NULL), (3, 'sad', 3, 1772366400, NULL);
SELECT key, customer, touchpoint, score, at, comment, channel, attributes FROM captured ORDER BY key;
UPDATE smile SET late = NULL, id = id + 10, mood = 'sad';
SELECT key, customer, touchpoint, score, channel, attributes FROM captured ORDER BY key;
SELECT cx.detach_source('smile', false);
DROP TABLE smile CASCADE;

-- customers by their identities, made with them; their unit stands in where none is given
INSERT INTO cx_data.customer_identity (kind, value, customer_id) VALUES ('phone', '+49 1', 1), ('phone', '+49 2', 2), ('crm', '+49 3', 1);
CREATE TABLE call (id integer, phone text, desk text, at timestamptz DEFAULT '2026-03-01 12:00+00');
SELECT cx.attach_event('call', 'call', key => 'id', customer => 'phone', customer_kind => 'phone', name => $$'call'$$, occurred_at => 'at', org_unit => 'desk');
INSERT INTO call VALUES (1, '+49 1', NULL), (2, '+49 2', NULL), (3, '+49 3', NULL), (4, '+49 2', 'west'), (5, '+49 3', NULL), (6, NULL, 'east'), (7, NULL, NULL);
SELECT key, CASE WHEN customer LIKE 'cx-%' THEN 'new' ELSE customer END AS customer, unit FROM happened ORDER BY key;
SELECT count(*), count(DISTINCT customer_id) FROM cx_data.customer_identity WHERE value = '+49 3';
SELECT count(DISTINCT customer_id) FROM cx_data.event WHERE source_key IN ('3', '5');
SELECT cx.detach_source('call', false);

-- touchpoints that are not known: an error, or made
CREATE TABLE click (id integer, page text, at timestamptz DEFAULT '2026-03-01 12:00+00');
INSERT INTO click VALUES (1, 'home');
SELECT cx.attach_event('click', 'click', key => 'id', touchpoint => 'page', name => $$'click'$$, occurred_at => 'at');
SELECT count(*) FROM cx_data.source WHERE name = 'click';
SELECT cx.attach_event('click', 'click', key => 'id', touchpoint => 'page', name => $$'click'$$, occurred_at => 'at', on_unknown => 'create');
INSERT INTO click VALUES (2, 'home'), (3, 'basket'), (4, 'shop'), (5, 'basket'), (6, NULL);
SELECT key, touchpoint FROM happened ORDER BY key;
BEGIN;
INSERT INTO click VALUES (7, 'checkout');
ROLLBACK;
INSERT INTO click VALUES (8, 'checkout');
SELECT code FROM cx_data.touchpoint ORDER BY code;
SELECT cx.detach_source('click', false);

-- partitions of several levels: by the parent, by a part, from one to another
CREATE TABLE survey (id integer, region text, score integer, at timestamptz DEFAULT '2026-03-01 12:00+00') PARTITION BY LIST (region);
CREATE TABLE survey_east PARTITION OF survey FOR VALUES IN ('east') PARTITION BY RANGE (id);
CREATE TABLE survey_east_1 PARTITION OF survey_east FOR VALUES FROM (0) TO (100);
CREATE TABLE survey_west (score integer, at timestamptz DEFAULT '2026-03-01 12:00+00', dropped text, region text, id integer);
ALTER TABLE survey_west DROP COLUMN dropped;
ALTER TABLE survey ATTACH PARTITION survey_west FOR VALUES IN ('west');
INSERT INTO survey VALUES (1, 'east', 1), (2, 'west', 2);
SELECT cx.attach_feedback('survey', 'survey', key => 'id', metric => $$'nps'$$, score => 'score', responded_at => 'at', org_unit => 'region', comment => 'region');
INSERT INTO survey VALUES (3, 'east', 3), (4, 'west', 4);
INSERT INTO survey_east VALUES (5, 'east', 5);
INSERT INTO survey_east_1 VALUES (6, 'east', 6);
INSERT INTO survey_west (id, region, score) VALUES (7, 'west', 7);
COPY survey (id, region, score) FROM stdin;
8	east	8
9	west	9
\.
SELECT key, score, unit, comment FROM captured ORDER BY key;
UPDATE survey SET region = CASE region WHEN 'east' THEN 'west' ELSE 'east' END WHERE id < 6;
UPDATE survey SET id = CASE id WHEN 8 THEN 9 ELSE 8 END WHERE id IN (8, 9);
UPDATE survey_east SET score = 0 WHERE id = 2;
UPDATE survey_west SET id = 10 WHERE id = 1;
DELETE FROM survey WHERE id = 3;
DELETE FROM survey_east_1 WHERE id = 4;
MERGE INTO survey USING (VALUES (6, 'west'), (11, 'east')) AS wanted (id, region) ON survey.id = wanted.id
	WHEN MATCHED THEN UPDATE SET score = 10 WHEN NOT MATCHED THEN INSERT VALUES (wanted.id, wanted.region, 1);
SELECT key, score, unit FROM captured ORDER BY key::integer;
SELECT * FROM tally_drift;
-- truncating a part takes that part along
TRUNCATE survey_west;
SELECT key, score, unit FROM captured ORDER BY key::integer;
-- partitions that came later: rows through the parent at once, the others with maintain()
CREATE TABLE survey_east_2 PARTITION OF survey_east FOR VALUES FROM (100) TO (200);
CREATE TABLE survey_north (LIKE survey INCLUDING DEFAULTS);
INSERT INTO survey_north VALUES (300, NULL, 3);
ALTER TABLE survey ATTACH PARTITION survey_north DEFAULT;
INSERT INTO survey VALUES (100, 'east', 1), (301, NULL, 1);
INSERT INTO survey_east_2 VALUES (101, 'east', 1);
SELECT key FROM captured WHERE key::integer >= 100 ORDER BY key;
CALL cx.maintain();
SELECT key FROM captured WHERE key::integer >= 100 ORDER BY key;
INSERT INTO survey_east_2 VALUES (102, 'east', 1);
UPDATE survey_north SET score = 0;
SELECT key, score FROM captured WHERE key::integer >= 100 ORDER BY key;
SELECT tgrelid::regclass, count(*) FROM pg_trigger WHERE tgfoid = 'cx.capture()'::regprocedure GROUP BY 1 ORDER BY 1::text COLLATE "C";
-- what was captured of a dropped partition stays; with the parent everything goes
DROP TABLE survey_east_2;
SELECT count(*) FROM captured;
SELECT cx.sync_source('survey');
INSERT INTO survey VALUES (12, 'west', 2);
TRUNCATE survey;
SELECT key FROM captured ORDER BY key;
SELECT cx.detach_source('survey', false);
SELECT count(*) FROM pg_trigger WHERE tgfoid = 'cx.capture()'::regprocedure AND tgrelid <> 'answers'::regclass;
DROP TABLE survey;

-- inheritance: a statement on the parent changes the children too, one on a child only that
CREATE TABLE note (id integer, body text, at timestamptz DEFAULT '2026-03-01 12:00+00');
CREATE TABLE note_mail (sender text) INHERITS (note);
CREATE TABLE note_mail_old (kept integer) INHERITS (note_mail);
INSERT INTO note VALUES (1, 'one');
INSERT INTO note_mail VALUES (2, 'two');
SELECT cx.attach_feedback('note', 'note', key => 'id', comment => 'body', kind => $$'social'$$, responded_at => 'at');
INSERT INTO note VALUES (3, 'three');
INSERT INTO note_mail VALUES (4, 'four');
INSERT INTO note_mail_old VALUES (5, 'five'), (6, 'six');
UPDATE note SET body = upper(body) WHERE id IN (1, 2, 5);
UPDATE ONLY note SET body = 'only the parent';
UPDATE note_mail SET body = 'the child and its child' WHERE id > 4;
SELECT key, comment FROM captured ORDER BY key;
DELETE FROM note WHERE id IN (3, 4, 6);
TRUNCATE ONLY note;
SELECT key, comment FROM captured ORDER BY key;
CREATE TABLE note_chat () INHERITS (note);
INSERT INTO note_chat VALUES (7, 'seven');
CALL cx.maintain();
DELETE FROM note_mail_old;
SELECT key, comment FROM captured ORDER BY key;
TRUNCATE note;
SELECT count(*) FROM captured;
SELECT cx.detach_source('note', false);
DROP TABLE note CASCADE;

-- on_error => 'record': the statement goes through with all its rows, what cannot be captured is told
CREATE TABLE raw (id text, who text, place text, scale text, grade text, parts integer DEFAULT 1, at text DEFAULT '2026-03-01 12:00+00', sort text, desk text, agent text, keep text DEFAULT 'true');
CREATE FUNCTION lib.tidy(who text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	IF who = 'nobody' THEN
		RAISE EXCEPTION 'nobody is no customer';
	END IF;
	RETURN lower(who);
END
$$;
INSERT INTO raw VALUES ('there', 'anna', 'shop', 'nps', '9'), ('bad', 'anna', 'shop', 'nps', 'nine');
SELECT cx.attach_feedback('raw', 'raw', key => 'nullif(id, $$none$$)', customer => 'lib.tidy(who)', touchpoint => 'place', metric => 'scale', score => 'grade::double precision / parts', responded_at => 'at',
	kind => 'sort', org_unit => 'desk', staff => 'agent', only_if => 'keep::boolean', on_error => 'record');
SELECT * FROM failed ORDER BY source, key;
INSERT INTO raw VALUES
	('1', 'ANNA', 'shop', 'nps', '1', 1, '2026-03-01 12:00+00', NULL, NULL, NULL, 'true'),
	('cast', 'anna', 'shop', 'nps', 'seven', 1, '2026-03-01 12:00+00', NULL, NULL, NULL, 'true'),
	('zero', 'anna', 'shop', 'nps', '7', 0, '2026-03-01 12:00+00', NULL, NULL, NULL, 'true'),
	('function', 'nobody', 'shop', 'nps', '7', 1, '2026-03-01 12:00+00', NULL, NULL, NULL, 'true'),
	('2', 'bob', 'app', 'stars', '4', 2, '2026-03-01 12:00+00', NULL, NULL, NULL, 'true'),
	('touchpoint', 'anna', 'market', 'nps', '7', 1, '2026-03-01 12:00+00', NULL, NULL, NULL, 'true'),
	('metric', 'anna', 'shop', 'fun', '7', 1, '2026-03-01 12:00+00', NULL, NULL, NULL, 'true'),
	('no metric', 'anna', 'shop', NULL, '7', 1, '2026-03-01 12:00+00', NULL, NULL, NULL, 'true'),
	('unit', 'anna', 'shop', 'nps', '7', 1, '2026-03-01', NULL, 'south', NULL, 'true'),
	('staff', 'anna', 'shop', 'nps', '7', 1, '2026-03-01', NULL, NULL, 'gil', 'true'),
	('scale', 'anna', 'shop', 'stars', '7', 1, '2026-03-01 12:00+00', NULL, NULL, NULL, 'true'),
	('half', 'anna', 'shop', 'nps', '7', 2, '2026-03-01 12:00+00', NULL, NULL, NULL, 'true'),
	('nan', 'anna', 'shop', 'nps', 'NaN', 1, '2026-03-01 12:00+00', NULL, NULL, NULL, 'true'),
	('infinite', 'anna', 'shop', 'nps', '-Infinity', 1, '2026-03-01 12:00+00', NULL, NULL, NULL, 'true'),
	('3', 'ina', 'line', NULL, NULL, 1, '2026-03-01 12:00+00', NULL, NULL, NULL, 'true'),
	('never', 'anna', 'shop', 'nps', '7', 1, 'infinity', NULL, NULL, NULL, 'true'),
	('no time', 'anna', 'shop', 'nps', '7', 1, NULL, NULL, NULL, NULL, 'true'),
	('bad time', 'anna', 'shop', 'nps', '7', 1, 'soon', NULL, NULL, NULL, 'true'),
	('kind', 'anna', 'shop', 'nps', '7', 1, '2026-03-01', 'rant', NULL, NULL, 'true'),
	('condition', 'anna', 'shop', 'nps', '7', 1, '2026-03-01', NULL, NULL, NULL, 'maybe'),
	('none', 'anna', 'shop', 'nps', '7', 1, '2026-03-01 12:00+00', NULL, NULL, NULL, 'true'),
	('out', 'anna', 'shop', 'nps', 'x', 0, NULL, NULL, NULL, NULL, 'false');
SELECT count(*) FROM raw;
SELECT key, customer, touchpoint, metric, score FROM captured ORDER BY key;
SELECT key, sqlstate, message, attempts FROM failed ORDER BY key, message;
SELECT * FROM tally_drift;
-- maintain() tries again, and tells again
CALL cx.maintain();
SELECT key, attempts FROM failed ORDER BY key, attempts;
-- once the cause is mended it brings the row in: in the catalogue, in a function, in the row
INSERT INTO cx_data.touchpoint (code) VALUES ('market');
INSERT INTO cx_data.metric (code, kind, scale_min, scale_max) VALUES ('fun', 'rating', 0, 10);
INSERT INTO cx_data.org_unit (code) VALUES ('south');
INSERT INTO cx_data.staff (code) VALUES ('gil');
CREATE OR REPLACE FUNCTION lib.tidy(who text) RETURNS text LANGUAGE sql AS $$SELECT lower(who)$$;
CALL cx.maintain();
SELECT key FROM failed ORDER BY key;
SELECT key, customer, touchpoint, metric, unit, staff FROM captured WHERE key IN ('touchpoint', 'metric', 'unit', 'staff', 'function') ORDER BY key;
UPDATE raw SET grade = '7' WHERE id IN ('cast', 'nan', 'infinite', 'bad');
UPDATE raw SET parts = 1 WHERE id IN ('zero', 'half');
UPDATE raw SET scale = 'nps' WHERE id IN ('scale', 'no metric');
UPDATE raw SET at = '2026-03-01' WHERE id IN ('never', 'no time', 'bad time');
UPDATE raw SET sort = 'trial' WHERE id = 'kind';
UPDATE raw SET keep = 'no' WHERE id = 'condition';
DELETE FROM raw WHERE id = 'none';
SELECT key, message FROM failed ORDER BY key;
CALL cx.maintain();
SELECT key, message FROM failed ORDER BY key;
SELECT count(*), count(DISTINCT key) FROM captured;
SELECT * FROM tally_drift;
-- a row that goes bad leaves; the error of one that leaves or is mended goes with the next maintenance
UPDATE raw SET grade = CASE WHEN id = '1' THEN 'one' ELSE '3' END WHERE id IN ('1', '2', '3');
SELECT key, score FROM captured WHERE key IN ('1', '2', '3') ORDER BY key;
SELECT key, message FROM failed ORDER BY key;
DELETE FROM raw WHERE id IN ('1', '2');
SELECT key FROM captured WHERE key IN ('1', '2', '3') ORDER BY key;
CALL cx.maintain();
SELECT key FROM failed ORDER BY key;
UPDATE raw SET grade = 'x' WHERE id IN ('3', 'cast');
UPDATE raw SET keep = 'false' WHERE id = 'cast';
CALL cx.maintain();
SELECT key FROM failed ORDER BY key;
TRUNCATE raw;
SELECT count(*) FROM captured;
CALL cx.maintain();
SELECT key, message FROM failed ORDER BY key;
SELECT * FROM tally_drift;
-- events too
CREATE TABLE log (id integer, what text, at timestamptz DEFAULT '2026-03-01 12:00+00', amount text);
SELECT cx.attach_event('log', 'log', key => 'id', name => 'what', value => 'amount', occurred_at => 'at', on_error => 'record');
INSERT INTO log VALUES (1, 'fault', '2026-03-01', NULL), (2, NULL, '2026-03-01', NULL), (3, 'fault', '-infinity', NULL), (4, 'fault', NULL, NULL), (5, 'fault', '2026-03-01', 'much'), (6, 'fault', '2026-03-01', '1e3');
COPY log FROM stdin;
7	fault	2026-03-01 12:00+00	\N
8	fault	2026-03-01 12:00+00	many
\.
SELECT key, name, value FROM happened ORDER BY key;
SELECT key, sqlstate, message FROM failed ORDER BY key;
UPDATE log SET what = coalesce(what, 'mended'), at = CASE WHEN isfinite(at) THEN at ELSE '2026-03-01' END, amount = CASE WHEN amount ~ '[a-z]{4}' THEN '5' ELSE amount END;
SELECT key, name, value FROM happened ORDER BY key;
CALL cx.maintain();
SELECT key, sqlstate, message FROM failed ORDER BY key;
SELECT cx.detach_source('raw', false), cx.detach_source('log', false);
SELECT * FROM failed ORDER BY source, key;
-- a key that comes twice: the first row has it
CREATE TABLE twin (id text, score integer, at timestamptz DEFAULT '2026-03-01 12:00+00');
SELECT cx.attach_feedback('twin', 'twin', key => 'id', metric => $$'nps'$$, score => 'score', responded_at => 'at', on_error => 'record');
INSERT INTO twin VALUES ('a', 1), ('b', 2), ('b', 3);
INSERT INTO twin VALUES ('c', 4), ('a', 5), ('d', 6);
UPDATE twin SET id = 'd' WHERE id = 'c';
SELECT count(*) FROM twin;
SELECT key, score FROM captured ORDER BY key;
SELECT key, sqlstate FROM failed ORDER BY key;
TRUNCATE twin;
TABLE captured;
CALL cx.maintain();
SELECT * FROM failed ORDER BY source, key;
-- while one row with the key stays it is tried again, whatever was told of the others
INSERT INTO twin VALUES ('k', 1), ('k', 2);
INSERT INTO twin VALUES ('k', 99);
SELECT key, message FROM failed ORDER BY key;
DELETE FROM twin WHERE score = 1;
DELETE FROM twin WHERE score = 99;
CALL cx.maintain();
SELECT key, score FROM captured ORDER BY key;
SELECT * FROM failed ORDER BY source, key;
-- children that come and go with a session or a crash are left alone
CREATE UNLOGGED TABLE twin_unlogged () INHERITS (twin);
CREATE TEMP TABLE twin_temp () INHERITS (twin);
CALL cx.maintain();
SELECT tgrelid::regclass, count(*) FROM pg_trigger WHERE tgfoid = 'cx.capture()'::regprocedure GROUP BY 1 ORDER BY 1;
DROP TABLE twin_unlogged, twin_temp;
SELECT cx.detach_source('twin', false);

-- what cannot have triggers is pulled: a view
CREATE TABLE ticket (id integer, score integer, changed timestamptz);
INSERT INTO ticket VALUES (1, 1, '2026-03-01 12:00+00'), (2, 2, '2026-03-01 13:00+00');
CREATE VIEW ticket_view AS SELECT id, max(score) AS score, max(changed) AS changed FROM ticket GROUP BY id;
SELECT cx.attach_feedback('ticket', 'ticket_view', key => 'id', metric => $$'nps'$$, score => 'score', responded_at => 'changed', changed_at => 'changed');
INSERT INTO ticket VALUES (3, 3, '2026-03-01 14:00+00'), (4, 4, '2026-03-01 10:00+00');
UPDATE ticket SET score = 10 WHERE id = 1;
DELETE FROM ticket WHERE id = 2;
SELECT cx.sync_source('ticket', '2026-03-01 13:30+00');
SELECT key, score FROM captured ORDER BY key;
CALL cx.maintain();
SELECT key, score FROM captured ORDER BY key;
SELECT cx.sync_source('ticket');
SELECT key, score FROM captured ORDER BY key;
SELECT cx.sync_source('ticket');
SELECT * FROM tally_drift;
SELECT cx.detach_source('ticket', false);

-- detaching keeps what was captured, unless told otherwise; attaching again makes no row twice
INSERT INTO answers (id, grade, answered) VALUES (1, 1, '2026-03-01'), (2, 2, '2026-03-01'), (3, 3, '2026-03-01');
SELECT cx.detach_source('answers');
SELECT name, relation, pulled FROM cx_data.source;
INSERT INTO answers (id, grade, answered) VALUES (4, 4, '2026-03-01');
UPDATE answers SET grade = 9 WHERE id = 1;
DELETE FROM answers WHERE id = 2;
SELECT key, score FROM captured ORDER BY key;
SELECT cx.sync_source('answers');
SELECT cx.attach_event('answers', 'answers', key => 'id', occurred_at => 'answered', name => $$'answer'$$);
SELECT cx.attach_feedback('answers', 'answers', key => 'id', metric => $$'nps'$$, score => 'grade', responded_at => 'answered');
SELECT key, score FROM captured ORDER BY key;
SELECT cx.sync_source('answers');
-- what triggers did not see, sync_source() finds
ALTER TABLE answers DISABLE TRIGGER USER;
INSERT INTO answers (id, grade, answered) VALUES (5, 5, '2026-03-01');
UPDATE answers SET grade = 8 WHERE id = 1;
DELETE FROM answers WHERE id = 3;
ALTER TABLE answers ENABLE TRIGGER USER;
SELECT cx.sync_source('answers');
SELECT key, score FROM captured ORDER BY key;
SELECT * FROM tally_drift;
SELECT cx.detach_source('answers', keep_rows => false);
SELECT count(*) FROM captured;
SELECT cx.detach_source('answers');
SELECT count(*) FROM pg_trigger WHERE tgfoid = 'cx.capture()'::regprocedure;

-- a statement of so many rows that they are written in parts: customers come with them, all of it counts, and if one fails nothing does
CREATE TABLE bulk (id bigint PRIMARY KEY, who text, grade integer, answered timestamptz);
SELECT cx.attach_feedback('bulk', 'bulk', key => 'id', customer => 'who', metric => $$'nps'$$, score => 'grade', responded_at => 'answered') IS NOT NULL AS attached;
SET client_min_messages = warning;
CREATE TABLE many AS SELECT i AS id, 'bulk' || i * 7919 % 30011 AS who, i % 11 AS grade, timestamptz '2026-01-01 00:00Z' + i * interval '1 minute' AS answered FROM generate_series(1, 50000) AS i;
RESET client_min_messages;
INSERT INTO bulk SELECT * FROM many WHERE id <> 45000 UNION ALL SELECT 45000, 'x', 11, now() ORDER BY id;
INSERT INTO bulk SELECT * FROM many UNION ALL SELECT 1e6, 'x', 1, NULL ORDER BY id;
SELECT count(*) FROM cx_data.feedback WHERE source_id = (SELECT source_id FROM cx_data.source WHERE name = 'bulk');
SELECT count(*) FROM cx_data.customer WHERE code LIKE 'bulk%';
INSERT INTO bulk SELECT * FROM many ORDER BY id;
SELECT count(*), count(*) FILTER (WHERE (c.code, f.score, f.responded_at) = (m.who, m.grade, m.answered)) AS same
FROM many AS m LEFT JOIN (cx_data.feedback AS f JOIN cx_data.source AS s ON s.source_id = f.source_id AND s.name = 'bulk' JOIN cx_data.customer AS c USING (customer_id)) ON f.source_key = m.id::text;
SELECT count(*) FROM cx_data.customer WHERE code LIKE 'bulk%';
SELECT * FROM tally_drift;
UPDATE bulk SET grade = 10 - grade WHERE grade < 5;
DELETE FROM bulk WHERE id % 3 = 0;
SELECT * FROM tally_drift;
SELECT source_rows, captured_rows FROM cx_data.source_status WHERE source = 'bulk';
SELECT cx.detach_source('bulk', keep_rows => false);

-- what is refused, and what to do instead
\set VERBOSITY default
\set SHOW_CONTEXT never
CREATE VIEW answer_view AS TABLE answers;
CREATE MATERIALIZED VIEW answer_matview AS TABLE answers;
CREATE TEMP TABLE answer_temp (LIKE answers);
CREATE UNLOGGED TABLE answer_unlogged (LIKE answers);
CREATE FOREIGN DATA WRAPPER cx_dummy;
CREATE SERVER cx_dummy FOREIGN DATA WRAPPER cx_dummy;
CREATE FOREIGN TABLE answer_foreign (id integer, answered text) SERVER cx_dummy;
CREATE TABLE answer_parent (id integer, answered text) PARTITION BY LIST (id);
CREATE FOREIGN TABLE answer_part PARTITION OF answer_parent FOR VALUES IN (1) SERVER cx_dummy;
CREATE SEQUENCE answer_sequence;
SELECT cx.attach_feedback('x', 'answer_view', key => 'id', responded_at => 'answered');
SELECT cx.attach_feedback('x', 'answer_matview', key => 'id', responded_at => 'answered');
SELECT cx.attach_feedback('x', 'answer_temp', key => 'id', responded_at => 'answered');
SELECT cx.attach_feedback('x', 'answer_unlogged', key => 'id', responded_at => 'answered');
SELECT cx.attach_feedback('x', 'answer_foreign', key => 'id', responded_at => 'answered');
SELECT cx.attach_feedback('x', 'answer_parent', key => 'id', responded_at => 'answered');
CREATE UNLOGGED TABLE answer_child () INHERITS (answers);
SELECT cx.attach_feedback('x', 'answers', key => 'id', responded_at => 'answered');
DROP TABLE answer_child;
SELECT cx.attach_feedback('x', 'answer_sequence', key => 'last_value', responded_at => 'now()');
SELECT cx.attach_feedback('x', 'answers_pkey', key => 'id', responded_at => 'now()');
SELECT cx.attach_feedback('x', 'pg_class', key => 'oid', responded_at => 'now()');
SELECT cx.attach_feedback('x', 'cx_data.customer', key => 'code', responded_at => 'created_at');
SELECT cx.attach_event('x', 'cx_data.feedback', key => 'feedback_id', name => $$'x'$$, occurred_at => 'created_at');
SELECT cx.attach_feedback('x', 'no_such_table', key => 'id', responded_at => 'answered');
CREATE ROLE cx_regress_other;
SET ROLE cx_regress_other;
SELECT cx.attach_feedback('x', 'answers', key => 'id', responded_at => 'answered');
RESET ROLE;
GRANT USAGE ON SCHEMA cx_data TO cx_regress_other;
SET ROLE cx_regress_other;
SELECT cx.attach_feedback('x', 'answers', key => 'id', responded_at => 'answered');
RESET ROLE;
REVOKE USAGE ON SCHEMA cx_data FROM cx_regress_other;
DROP ROLE cx_regress_other;
ALTER TABLE cx_data.customer ADD CONSTRAINT late UNIQUE (name) DEFERRABLE;
SELECT cx.attach_feedback('x', 'answers', key => 'id', responded_at => 'answered');
ALTER TABLE cx_data.customer DROP CONSTRAINT late;
SELECT cx.attach_feedback('x', 'answers', key => NULL, responded_at => 'answered');
SELECT cx.attach_feedback('x', 'answers', key => 'id');
SELECT cx.attach_event('x', 'answers', key => 'id', name => $$'x'$$);
SELECT cx.attach_feedback(NULL, 'answers', key => 'id', responded_at => 'answered');
SELECT cx.attach_feedback('x', NULL, key => 'id', responded_at => 'answered');
SELECT cx.attach_feedback('x', 'answers', key => 'id', responded_at => 'answered', on_error => 'ignore');
SELECT cx.attach_feedback('x', 'answers', key => 'id', responded_at => 'answered', on_unknown => 'record');
INSERT INTO cx_data.source (name, kind, relation) VALUES ('taken', 'feedback', 'answers'), ('free', 'event', NULL);
SELECT cx.attach_feedback('taken', 'answers', key => 'id', responded_at => 'answered');
SELECT cx.attach_feedback('free', 'answers', key => 'id', responded_at => 'answered');
SELECT cx.detach_source('no such source');
SELECT cx.sync_source('no such source');
SELECT cx.sync_source('free');

-- an expression that is wrong is shown with the place that is wrong
SELECT cx.attach_feedback('x', 'answers', key => 'no_such_column', responded_at => 'answered');
SELECT cx.attach_feedback('x', 'answers', key => 'id', responded_at => 'answered', customer => $$upper(who) || 'x' || nmae$$);
SELECT cx.attach_feedback('x', 'answers', key => 'id', responded_at => 'answered', touchpoint => 'place +');
SELECT cx.attach_feedback('x', 'answers', key => 'id', responded_at => 'answered', metric => '''nps');
SELECT cx.attach_feedback('x', 'answers', key => 'id', responded_at => 'answered', score => '1 + no_such_function(grade)');
SELECT cx.attach_feedback('x', 'answers', key => 'id', responded_at => 'answered', score => 'done');
SELECT cx.attach_feedback('x', 'answers', key => 'id', responded_at => 'grade');
SELECT cx.attach_feedback('x', 'answers', key => 'id', responded_at => 'answered', channel => 'way, words');
SELECT cx.attach_feedback('x', 'answers', key => 'id', responded_at => 'answered', channel => 'way; DROP TABLE answers');
SELECT cx.attach_feedback('x', 'answers', key => 'id', responded_at => 'answered', comment => 'max(words)');
SELECT cx.attach_event('x', 'answers', key => 'id', occurred_at => 'answered', name => $$'x'$$, value => 'extra -> 1');
\set VERBOSITY terse
-- and says which argument it is
CREATE FUNCTION lib.refusal(function text, argument text, expression text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	context text;
BEGIN
	EXECUTE format('SELECT cx.%I(''x'', ''answers'', %s)', function, (
		SELECT string_agg(format('%I => %L', name, value), ', ')
		FROM json_each_text((jsonb_build_object('key', 'id', CASE function WHEN 'attach_event' THEN 'occurred_at' ELSE 'responded_at' END, 'answered') || jsonb_build_object(argument, expression))::json) AS given (name, value)));
	RAISE EXCEPTION 'accepted';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS context = PG_EXCEPTION_CONTEXT;
	RETURN CASE SQLERRM WHEN 'accepted' THEN SQLERRM ELSE split_part(context, E'\n', 1) || ': ' || SQLERRM END;
END
$$;
SELECT lib.refusal('attach_feedback', argument, 'wrong') FROM unnest('{key,customer,touchpoint,metric,score,responded_at,comment,channel,org_unit,staff,kind,attributes,only_if}'::text[]) AS argument;
SELECT lib.refusal('attach_event', argument, 'wrong') FROM unnest('{key,customer,touchpoint,name,value,occurred_at,org_unit,attributes,only_if}'::text[]) AS argument;
SELECT argument, expression, lib.refusal('attach_feedback', argument, expression) FROM (VALUES
	('comment', 'max(words)'), ('comment', '(SELECT max(answers.words))'), ('comment', 'lag(words) OVER ()'), ('comment', 'regexp_split_to_table(words, $$x$$)'),
	('channel', 'way AS w'), ('channel', 'way w'), ('channel', '*'), ('channel', 'answers.*'), ('channel', ''), ('channel', '-- nothing'), ('channel', '/* open'),
	('channel', 'way) FROM answers --'), ('channel', 'way FROM answers'), ('channel', 'way WHERE true'), ('channel', 'DISTINCT way'), ('channel', 'way LIMIT 1'), ('channel', 'way FOR UPDATE'),
	('channel', 'way UNION SELECT 1'), ('channel', 'SELECT way'), ('channel', '(SELECT way'), ('channel', 'DEFAULT'), ('channel', 'way = $1'), ('channel', 'way INTO x'),
	('org_unit', '(SELECT desk FROM cx_new LIMIT 1)'), ('org_unit', '(SELECT desk FROM answers)'), ('staff', 'other.agent'), ('kind', '(SELECT sort, way)'), ('kind', '(SELECT 1)::no_such_type'),
	('score', 'answered = 1'), ('attributes', 'id'), ('attributes', 'answers'), ('only_if', 'extra'), ('responded_at', '1'), ('key', 'row(id, who)'), ('key', 'answers'), ('key', 'NULL')
) AS wrong (argument, expression);
-- functions of the session's search path are not found: their schema belongs to the expression
SELECT cx.attach_feedback('x', 'answers', key => 'id', responded_at => 'answered', comment => 'tidy(words)');
-- nothing of all that remains
SELECT name FROM cx_data.source ORDER BY name;
SELECT count(*) FROM pg_trigger WHERE tgfoid = 'cx.capture()'::regprocedure;
INSERT INTO answers (id) VALUES (100);

SET client_min_messages = warning;
DROP SERVER cx_dummy CASCADE;
DROP FOREIGN DATA WRAPPER cx_dummy;
DROP VIEW captured, happened, failed, tally_drift;
DROP TABLE bulk, many, answers, bill, visit, call, click, raw, log, twin, ticket, before, answer_temp, answer_unlogged, answer_parent CASCADE;
DROP SEQUENCE answer_sequence;
DROP SCHEMA lib CASCADE;
CALL cx.drop_program(with_feedback => true);
