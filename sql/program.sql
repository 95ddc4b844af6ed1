-- The CX program: made, kept, dropped; what is written straight into it, and its tallies
\set ECHO none
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS cx;
SET TimeZone = 'America/New_York';
SET DateStyle = 'ISO, MDY';
RESET client_min_messages;
\set ECHO all

-- without a program every function that needs one says so
CALL cx.maintain();
CALL cx.upgrade_program();
CALL cx.drop_program();
CALL cx.rebuild_tallies();
SELECT cx.attach_feedback('answers', 'pg_class', key => 'oid', responded_at => 'now()');
SELECT cx.detach_source('answers');
SELECT * FROM cx.sync_source('answers');

-- arguments
CALL cx.create_program('Mars/Olympus');
CALL cx.create_program(NULL);
CREATE SCHEMA cx_data;
CALL cx.create_program();
DROP SCHEMA cx_data;

CALL cx.create_program('Europe/Berlin');
CALL cx.create_program('UTC');
SELECT version = cx.version() AS current, time_zone FROM cx_data.program;
CALL cx.upgrade_program();

-- tables of the program, and what their owner is told about them
SELECT relname FROM pg_class WHERE relnamespace = 'cx_data'::regnamespace AND relkind = 'r' ORDER BY relname COLLATE "C";
SELECT code, kind, scale_min, scale_max, satisfied_from, lower_is_better FROM cx_data.metric ORDER BY metric_id;

-- references and scales are checked when somebody writes by hand
INSERT INTO cx_data.org_unit (code, time_zone) VALUES ('east', NULL), ('delhi', 'Asia/Kolkata');
INSERT INTO cx_data.touchpoint (code) VALUES ('shop'), ('app');
INSERT INTO cx_data.customer (code) VALUES ('anna'), ('bob'), ('chen');
INSERT INTO cx_data.staff (code) VALUES ('dora');
INSERT INTO cx_data.feedback (customer_id, touchpoint_id, metric, score, responded_at) VALUES (9, 1, 'nps', 9, '2026-03-01 10:20+01');
INSERT INTO cx_data.feedback (customer_id, touchpoint_id, metric, score, responded_at) VALUES (1, 9, 'nps', 9, '2026-03-01 10:20+01');
INSERT INTO cx_data.feedback (touchpoint_id, metric, score, responded_at, org_unit_id) VALUES (1, 'nps', 9, '2026-03-01 10:20+01', 9);
INSERT INTO cx_data.feedback (touchpoint_id, metric, score, responded_at, staff_id) VALUES (1, 'nps', 9, '2026-03-01 10:20+01', 9);
INSERT INTO cx_data.feedback (touchpoint_id, metric, score, responded_at, source_id) VALUES (1, 'nps', 9, '2026-03-01 10:20+01', 9);
INSERT INTO cx_data.feedback (touchpoint_id, metric, score, responded_at) VALUES (1, 'csat', 9, '2026-03-01 10:20+01');
INSERT INTO cx_data.feedback (touchpoint_id, metric, score, responded_at) VALUES (1, 'delight', 9, '2026-03-01 10:20+01');
INSERT INTO cx_data.feedback (touchpoint_id, score, responded_at) VALUES (1, 9, '2026-03-01 10:20+01');
INSERT INTO cx_data.feedback (touchpoint_id, metric, score, responded_at) VALUES (1, 'nps', 11, '2026-03-01 10:20+01');
INSERT INTO cx_data.feedback (touchpoint_id, metric, score, responded_at) VALUES (1, 'nps', 9, 'infinity');
INSERT INTO cx_data.feedback (kind, responded_at) VALUES ('rant', '2026-03-01 10:20+01');
INSERT INTO cx_data.event (customer_id, name, occurred_at) VALUES (9, 'bill', '2026-03-01');
INSERT INTO cx_data.event (touchpoint_id, name, occurred_at) VALUES (9, 'bill', '2026-03-01');
SELECT count(*) FROM cx_data.feedback;
UPDATE cx_data.customer SET first_seen_at = '-infinity';

-- tallies: hours of the unit's zone, else of the program's; NULL touchpoint and unit; surveys only
INSERT INTO cx_data.feedback (customer_id, touchpoint_id, org_unit_id, metric, score, kind, responded_at) VALUES
	(1, 1, NULL, 'nps', 9, 'survey', '2026-03-01 10:20+01'),
	(1, 1, NULL, 'nps', 9, 'survey', '2026-03-01 10:59:59.999999+01'),
	(1, 1, NULL, 'nps', 2, 'survey', '2026-03-01 11:00+01'),
	(2, 1, 1, 'nps', 7, 'survey', '2026-03-01 10:20+01'),
	(2, 1, 2, 'nps', 8, 'survey', '2026-03-01 10:20+01'),
	(2, NULL, NULL, 'csat', 5, 'survey', '2026-03-01 10:20+01'),
	(2, 1, 1, 'nps', 0, 'complaint', '2026-03-01 10:20+01'),
	(2, 1, 1, 'nps', NULL, 'survey', '2026-03-01 10:20+01'),
	(NULL, 1, 1, NULL, NULL, 'social', '2026-03-01 10:20+01');
CREATE VIEW deltas AS SELECT touchpoint_id, org_unit_id, hour, day, metric, added, removed FROM cx_data.tally_delta;
CREATE VIEW hours AS SELECT touchpoint_id, org_unit_id, hour, metric, tally FROM cx_data.tally_hourly WHERE tally OPERATOR(cx.<>) '{}';
CREATE VIEW days AS SELECT touchpoint_id, org_unit_id, day, metric, tally FROM cx_data.tally_daily WHERE tally OPERATOR(cx.<>) '{}';
SELECT * FROM deltas ORDER BY 1, 2, 3, 4;
CALL cx.maintain();
SELECT * FROM deltas;
SELECT * FROM hours ORDER BY 1, 2, 3, 4;
SELECT * FROM days ORDER BY 1, 2, 3, 4;

-- changes: what cancels out leaves nothing behind, and a row may come, move and go
UPDATE cx_data.feedback SET comment = 'seen';
SELECT * FROM deltas;
UPDATE cx_data.feedback SET score = 10 - score WHERE touchpoint_id = 1 AND metric = 'nps' AND kind = 'survey';
UPDATE cx_data.feedback SET touchpoint_id = 2, org_unit_id = NULL WHERE org_unit_id = 2;
UPDATE cx_data.feedback SET kind = 'survey' WHERE kind = 'complaint';
DELETE FROM cx_data.feedback WHERE touchpoint_id IS NULL;
SELECT * FROM deltas ORDER BY 1, 2, 3, 4, 5, 6, 7;
CALL cx.maintain();
SELECT * FROM hours ORDER BY 1, 2, 3, 4;
SELECT * FROM days ORDER BY 1, 2, 3, 4;

-- savepoints
BEGIN;
SAVEPOINT before;
DELETE FROM cx_data.feedback;
ROLLBACK TO before;
INSERT INTO cx_data.feedback (touchpoint_id, metric, score, responded_at) VALUES (1, 'stars', 5, '2026-03-01 10:20+01');
COMMIT;
SELECT * FROM deltas;

-- with an index or a trigger on tally_delta rows are inserted the ordinary way
CREATE INDEX delta_hour ON cx_data.tally_delta (hour);
INSERT INTO cx_data.feedback (touchpoint_id, metric, score, responded_at) VALUES (2, 'stars', 4, '2026-03-01 10:20+01');
DROP INDEX cx_data.delta_hour;
ALTER TABLE cx_data.tally_delta ADD COLUMN remark text DEFAULT 'own column';
INSERT INTO cx_data.feedback (touchpoint_id, metric, score, responded_at) VALUES (2, 'stars', 3, '2026-03-01 10:20+01');
SELECT remark, added FROM cx_data.tally_delta ORDER BY added;
ALTER TABLE cx_data.tally_delta ALTER COLUMN remark DROP DEFAULT;
INSERT INTO cx_data.feedback (touchpoint_id, metric, score, responded_at) VALUES (2, 'stars', 2, '2026-03-01 10:20+01');
SELECT remark, added FROM cx_data.tally_delta ORDER BY added;
ALTER TABLE cx_data.tally_delta DROP COLUMN remark;

-- a part of the keys at a time
SELECT sum(cx.fold_tallies(part, 3)) FROM generate_series(0, 2) AS part;
SELECT * FROM hours WHERE metric = 'stars' ORDER BY 1, 2, 3, 4;
CREATE TABLE kept AS SELECT * FROM hours;
CALL cx.rebuild_tallies();
(TABLE kept EXCEPT ALL TABLE hours) UNION ALL (TABLE hours EXCEPT ALL TABLE kept);

-- another zone cuts other hours
UPDATE cx_data.org_unit SET time_zone = 'Asia/Kathmandu' WHERE code = 'east';
SELECT * FROM hours ORDER BY 1, 2, 3, 4;
SELECT * FROM days ORDER BY 1, 2, 3, 4;
UPDATE cx_data.program SET time_zone = 'Asia/Kolkata';
SELECT * FROM hours WHERE metric = 'stars' ORDER BY 1, 2, 3, 4;
UPDATE cx_data.program SET time_zone = 'nowhere';

-- what is in use stays as it is
UPDATE cx_data.metric SET scale_max = 4 WHERE code = 'stars';
UPDATE cx_data.metric SET name = 'Stars, one to five', target = 4.5 WHERE code = 'stars';
UPDATE cx_data.metric SET code = 'hearts' WHERE code = 'stars';
DELETE FROM cx_data.metric WHERE code = 'stars';
DELETE FROM cx_data.metric WHERE code = 'thumbs';
DELETE FROM cx_data.customer WHERE code = 'anna';
DELETE FROM cx_data.customer WHERE code = 'chen';
DELETE FROM cx_data.touchpoint;
DELETE FROM cx_data.org_unit WHERE code = 'east';
INSERT INTO cx_data.metric (code, kind, scale_min, scale_max) VALUES ('wide', 'rating', 0, 100);
INSERT INTO cx_data.metric (code, kind, scale_min, scale_max) VALUES ('csat2', 'csat', 1, 2);
INSERT INTO cx_data.org_unit (code, parent_id) SELECT 'north', org_unit_id FROM cx_data.org_unit WHERE code = 'east';
UPDATE cx_data.org_unit SET parent_id = (SELECT org_unit_id FROM cx_data.org_unit WHERE code = 'north') WHERE code = 'east';

-- triggers of the program do nothing elsewhere
CREATE TABLE own (score integer);
CREATE TRIGGER own AFTER INSERT ON own FOR EACH STATEMENT EXECUTE FUNCTION cx.feedback_changed();
INSERT INTO own VALUES (1);
SELECT cx.feedback_changed();
DROP TABLE own;

-- truncation
TRUNCATE cx_data.feedback;
SELECT count(*) FROM hours;
SELECT count(*) FROM days;
INSERT INTO cx_data.event (name, occurred_at, value) VALUES ('bill', '2026-03-01', 12.5);

-- dropping: not while there is feedback or an event, nor while a view depends on it
CALL cx.drop_program();
DELETE FROM cx_data.event;
CALL cx.drop_program();
DROP VIEW deltas, hours, days;
CREATE TABLE cx_data.own (remark text);
CALL cx.drop_program();
DROP TABLE cx_data.own;
INSERT INTO cx_data.feedback (metric, score, responded_at) VALUES ('stars', 4, '2026-03-01 10:20+01');
CALL cx.drop_program();
CALL cx.drop_program(with_feedback => true);
SELECT count(*) FROM pg_namespace WHERE nspname = 'cx_data';
DROP TABLE kept;
