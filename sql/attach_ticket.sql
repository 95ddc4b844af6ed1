-- Tickets that live in a table of the user's own: captured with their history, their deadlines, their tasks
\set ECHO none
\set VERBOSITY terse
SET client_min_messages = warning;
SET jit = off;
CREATE EXTENSION IF NOT EXISTS cx;
SET TimeZone = 'America/New_York';
SET DateStyle = 'ISO, MDY';
CALL cx.create_program('Europe/Berlin');
CREATE TABLE test_start AS SELECT now() AS at;
-- what happens while this runs is live, all else is long ago
CREATE FUNCTION shown(instant timestamptz) RETURNS text LANGUAGE sql AS $$
	SELECT CASE WHEN instant >= s.at THEN 'live' ELSE to_char(instant AT TIME ZONE 'Europe/Berlin', 'MM-DD HH24:MI') END FROM test_start AS s
$$;
-- runs a command; tells the error and its hint
CREATE FUNCTION try(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	hint text;
BEGIN
	EXECUTE command;
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(' | ', SQLSTATE, SQLERRM, NULLIF(hint, ''));
END
$$;
CREATE VIEW tickets AS
SELECT r.name AS source, regexp_replace(t.source_key, '^erased:[0-9a-f]{64}$', 'erased') COLLATE "C" AS key, t.status, t.priority, coalesce(i.value, c.code) AS customer, p.code AS touchpoint, u.code AS unit, s.code AS staff, o.code AS owner,
	shown(t.opened_at) AS opened, shown(t.first_responded_at) AS answered, shown(t.solved_at) AS solved, shown(t.closed_at) AS closed, shown(t.reopened_at) AS reopened, t.reopen_count AS times,
	shown(t.first_response_due_at) AS answer_due, shown(t.resolution_due_at) AS solution_due, t.root_cause AS cause, t.subject
FROM cx_data.ticket AS t LEFT JOIN cx_data.source AS r USING (source_id) LEFT JOIN cx_data.customer AS c ON c.customer_id = t.customer_id
	LEFT JOIN cx_data.customer_identity AS i ON i.customer_id = t.customer_id AND i.kind = 'phone' AND i.customer_merge_id IS NULL
	LEFT JOIN cx_data.touchpoint AS p ON p.touchpoint_id = t.touchpoint_id LEFT JOIN cx_data.org_unit AS u ON u.org_unit_id = t.org_unit_id
	LEFT JOIN cx_data.staff AS s ON s.staff_id = t.staff_id LEFT JOIN cx_data.staff AS o ON o.staff_id = t.owner_staff_id;
CREATE VIEW history AS
SELECT e.ticket_event_id AS place, r.name AS source, t.source_key COLLATE "C" AS key, e.kind, e.status, s.code AS staff, u.code AS unit, e.automatic, e.note, shown(e.occurred_at) AS at
FROM cx_data.ticket_event AS e JOIN cx_data.ticket AS t USING (ticket_id) JOIN cx_data.source AS r USING (source_id)
	LEFT JOIN cx_data.staff AS s ON s.staff_id = e.staff_id LEFT JOIN cx_data.org_unit AS u ON u.org_unit_id = e.to_unit_id;
CREATE VIEW failed AS
SELECT r.name AS source, e.source_key COLLATE "C" AS key, e.sqlstate, e.message, e.attempts FROM cx_data.import_error AS e JOIN cx_data.source AS r USING (source_id);
-- whatever becomes of tickets, their history is in the order of time, and deadlines are those that it gives
CREATE VIEW drift AS
SELECT ticket_id, 'order' AS what FROM (SELECT ticket_id, occurred_at < lag(occurred_at) OVER (PARTITION BY ticket_id ORDER BY ticket_event_id) AS is_back FROM cx_data.ticket_event) AS e WHERE is_back
UNION ALL
SELECT t.ticket_id, 'due' FROM cx_data.ticket AS t WHERE t.resolution_due_at IS DISTINCT FROM cx.resolution_due(t.ticket_id)
UNION ALL
SELECT t.ticket_id, 'status' FROM cx_data.ticket AS t
WHERE t.status IS DISTINCT FROM (SELECT e.status FROM cx_data.ticket_event AS e WHERE e.ticket_id = t.ticket_id AND e.status IS NOT NULL AND e.ticket_task_id IS NULL ORDER BY e.ticket_event_id DESC LIMIT 1)
UNION ALL
SELECT e.ticket_id, 'orphan' FROM cx_data.ticket_event AS e WHERE NOT EXISTS (SELECT FROM cx_data.ticket AS t WHERE t.ticket_id = e.ticket_id);
INSERT INTO cx_data.calendar (code, name) VALUES ('office', 'Nine to five');
INSERT INTO cx_data.calendar_hours (calendar, weekday, opens_at, closes_at) SELECT 'office', weekday, '09:00', '17:00' FROM generate_series(1, 5) AS weekday;
INSERT INTO cx_data.org_unit (code, calendar) VALUES ('group', 'always');
INSERT INTO cx_data.org_unit (code, parent_id, calendar) VALUES ('region', 1, NULL), ('shop', 2, 'office'), ('network', 2, NULL);
INSERT INTO cx_data.staff (code, org_unit_id) VALUES ('gina', 1), ('rolf', 2), ('sara', 3), ('nils', 4), ('paul', NULL);
UPDATE cx_data.org_unit AS u SET manager_id = s.staff_id FROM cx_data.staff AS s WHERE s.org_unit_id = u.org_unit_id AND u.code <> 'network';
INSERT INTO cx_data.touchpoint (code, owner_unit_id, owner_staff_id) VALUES ('billing', 3, NULL), ('line', 4, 5);
RESET client_min_messages;
\set ECHO all

-- a program from before there were such sources learns of them
ALTER TABLE cx_data.source DROP CONSTRAINT source_kind_check, ADD CONSTRAINT source_kind_check CHECK (kind IN ('feedback', 'event'));
CALL cx.upgrade_program();
SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'source_kind_check';
-- a helpdesk of one's own, in its own words; its tickets come along as far as they tell their past
CREATE TABLE helpdesk (id integer PRIMARY KEY, phone text, area text, state text, level integer, made timestamptz, answered timestamptz, done timestamptz, shut timestamptz, reopens integer, agent text, team text, cause text, title text, is_spam boolean NOT NULL DEFAULT false);
INSERT INTO helpdesk VALUES
	(1, '+49 1', 'billing', 'offen', 3, '2025-03-03 10:00 Europe/Berlin', NULL, NULL, NULL, 0, 'sara', 'shop', NULL, 'bill too high', false),
	(2, '+49 2', 'line', 'erledigt', 2, '2025-03-03 10:00 Europe/Berlin', '2025-03-03 11:00 Europe/Berlin', '2025-03-04 10:30 Europe/Berlin', NULL, 1, NULL, NULL, 'network', 'no signal', false),
	(3, '+49 1', 'billing', 'zu', 4, '2025-03-03 10:00 Europe/Berlin', NULL, '2025-03-12 16:00 Europe/Berlin', '2025-03-14 09:00 Europe/Berlin', 0, 'sara', 'shop', 'policy', 'again too high', false),
	(4, NULL, NULL, 'wartet', NULL, '2025-03-07 16:00 Europe/Berlin', '2025-03-07 16:30 Europe/Berlin', NULL, NULL, 0, NULL, 'shop', NULL, 'who calls', false),
	(5, '+49 3', 'line', 'zu', 1, '2025-03-03 10:00 Europe/Berlin', NULL, NULL, '2025-03-03 12:00 Europe/Berlin', 0, NULL, 'region', NULL, 'lost phone', false),
	(6, '+49 3', 'line', 'erledigt', 1, '2025-03-03 10:00 Europe/Berlin', NULL, NULL, NULL, 0, NULL, NULL, NULL, 'when?', false),
	(7, '+49 4', 'line', 'neu', 1, '2025-03-03 10:00 Europe/Berlin', NULL, NULL, NULL, 0, NULL, NULL, NULL, 'buy this', true);
SELECT cx.attach_ticket('helpdesk', 'helpdesk', key => 'id', customer => 'phone', touchpoint => 'area',
	status => $$CASE state WHEN 'neu' THEN 'new' WHEN 'offen' THEN 'open' WHEN 'wartet' THEN 'pending' WHEN 'erledigt' THEN 'resolved' WHEN 'zu' THEN 'closed' ELSE state END$$,
	priority => $$(ARRAY['urgent', 'high', 'normal', 'low'])[level]$$, opened_at => 'made', first_response_at => 'answered', solved_at => 'done', closed_at => 'shut', reopened => 'reopens',
	staff => 'agent', org_unit => 'team', root_cause => 'cause', subject => 'title', only_if => 'NOT is_spam', customer_kind => 'phone');
SELECT key, status, priority, customer, touchpoint, unit, staff, owner, times, cause, subject FROM tickets ORDER BY key;
SELECT key, opened, answered, solved, closed, reopened, answer_due, solution_due FROM tickets ORDER BY key;
SELECT key, kind, status, staff, unit, automatic, at FROM history ORDER BY place;
SELECT source, kind, relation, how, source_rows, captured_rows, difference, last_row_at FROM cx_data.source_status;
SELECT ticket_id, status, sla_status, first_response_missed, resolution_missed, source FROM cx_data.ticket_detail ORDER BY ticket_id;
SELECT * FROM cx.sync_source('helpdesk');
TABLE drift;
-- a deadline that was missed climbs, as those of other tickets do
SET cx.as_of = '2025-03-14 18:00 Europe/Berlin';
SELECT ticket_id, first_response_overdue, resolution_overdue, escalation_level FROM cx_data.ticket_overdue ORDER BY ticket_id;
RESET cx.as_of;
SELECT cx.escalate_overdue('2025-03-10 16:00 Europe/Berlin');
SELECT cx.escalate_overdue('2025-03-10 16:00 Europe/Berlin');
SELECT cx.escalate_overdue('2025-03-14 17:00 Europe/Berlin');
SELECT key, kind, staff, unit, note, at FROM history WHERE kind = 'escalated' ORDER BY place;
SELECT key, owner, t.escalation_level FROM tickets JOIN cx_data.ticket AS t ON t.source_key = key ORDER BY key;
SELECT rule, severity, message, status FROM cx_data.alert ORDER BY alert_id;

-- live changes: each is part of the history, at the time that the row says, else now
INSERT INTO helpdesk VALUES (10, '+49 5', 'billing', 'neu', 2, now(), NULL, NULL, NULL, 0, NULL, 'shop', NULL, 'wrong name'), (11, '+49 5', NULL, 'offen', 3, '2025-03-10 10:00 Europe/Berlin', NULL, NULL, NULL, 0, NULL, 'shop', NULL, 'still wrong');
SELECT key, status, customer, unit, owner, opened, answer_due FROM tickets WHERE key IN ('10', '11') ORDER BY key;
UPDATE helpdesk SET answered = '2025-03-10 10:20 Europe/Berlin' WHERE id = 11;
UPDATE helpdesk SET agent = 'sara' WHERE id = 11;
UPDATE helpdesk SET title = 'still so wrong', cause = 'people' WHERE id = 11;
UPDATE helpdesk SET level = 1, agent = 'nils', team = 'network', state = 'wartet' WHERE id = 11;
SELECT key, kind, status, staff, unit, automatic, note, at FROM history WHERE key = '11' ORDER BY place;
SELECT key, status, priority, unit, staff, owner, answered, answer_due, solution_due, cause, subject FROM tickets WHERE key = '11';
-- its alerts are resolved with it; who does not say when it was solved, solves it now
UPDATE helpdesk SET state = 'erledigt', done = '2025-03-20 10:00 Europe/Berlin' WHERE id = 1;
UPDATE helpdesk SET state = 'zu' WHERE id = 11;
SELECT key, status, answered, solved, closed FROM tickets WHERE key IN ('1', '11') ORDER BY key;
SELECT key, kind, status, at FROM history WHERE key IN ('1', '11') AND kind = 'status' ORDER BY place;
SELECT message, status FROM cx_data.alert ORDER BY alert_id;
-- reopened, as the table counts it; the clock goes on, and what is overdue climbs anew
UPDATE helpdesk SET state = 'offen', done = NULL, reopens = 1 WHERE id = 1;
SELECT key, status, answered, solved, reopened, times, solution_due FROM tickets WHERE key = '1';
SELECT escalation_level FROM cx_data.ticket WHERE source_key = '1';
SELECT cx.escalate_overdue();
SELECT key, kind, status, unit, at FROM history WHERE key = '1' ORDER BY place;
-- all at once, and what changes nothing that counts
UPDATE helpdesk SET state = 'erledigt', done = '2025-04-01 Europe/Berlin' WHERE state = 'offen';
UPDATE helpdesk SET title = upper(title);
SELECT key, status, solved, subject FROM tickets ORDER BY key;
SELECT count(*) AS events FROM cx_data.ticket_event;
-- no row is written for what stays
UPDATE helpdesk SET is_spam = is_spam;
SELECT count(*) AS events FROM cx_data.ticket_event;
TABLE drift;
-- when it was opened is mended: the first deadline moves along, the history stays as it was
UPDATE helpdesk SET made = made - interval '1 day' WHERE id = 2;
SELECT key, opened, answer_due, solution_due FROM tickets WHERE key = '2';
-- rows that come and go
UPDATE helpdesk SET is_spam = NOT is_spam WHERE id IN (6, 7);
UPDATE helpdesk SET id = 20 WHERE id = 4;
DELETE FROM helpdesk WHERE id = 3;
SELECT key, status FROM tickets ORDER BY key;
SELECT key, kind, status FROM history WHERE key IN ('20', '3', '7') ORDER BY place;
TABLE drift;

-- it is worked on where it lives; tasks and the closing question are ours
SELECT ticket_id AS line FROM cx_data.ticket WHERE source_key = '7' \gset
SELECT try(format('SELECT cx.%s', call)) FROM (VALUES ('move_ticket(' || :line || ', ''open'')'), ('reopen(' || :line || ')'), ('assign_ticket(' || :line || ', ''nils'')'), ('set_ticket_priority(' || :line || ', ''low'')'), ('reply_ticket(' || :line || ', ''hello'')'), ('route_ticket(' || :line || ')')) AS c (call);
SELECT count(*) FROM cx.decompose_ticket(:line, '[{"unit": "network", "subject": "mend the cell", "within": "8 hours"}, {"unit": "shop", "subject": "lend a phone", "staff": "sara"}]');
SELECT subject, status, shown(due_at) AS due FROM cx_data.ticket_task ORDER BY ticket_task_id;
SELECT status FROM tickets WHERE key = '7';
SELECT cx.move_task(min(ticket_task_id), 'done', 'mended') FROM cx_data.ticket_task;
SELECT cx.move_task(max(ticket_task_id), 'blocked', 'none left') FROM cx_data.ticket_task;
SELECT cx.close_the_loop(:line);
UPDATE helpdesk SET state = 'erledigt' WHERE id = 7;
SELECT cx.close_the_loop(:line), cx.close_the_loop(:line, 5), cx.close_the_loop(:line, 2, 'no better');
SELECT status, followup_score FROM cx_data.ticket WHERE ticket_id = :line;
UPDATE helpdesk SET state = 'offen' WHERE id = 7;
SELECT kind, status, unit, note FROM history WHERE key = '7' ORDER BY place;
SELECT name, detail FROM cx.customer_timeline((SELECT code FROM cx_data.customer JOIN cx_data.customer_identity USING (customer_id) WHERE value = '+49 4'));

-- TRUNCATE, and with it tasks and history
TRUNCATE helpdesk;
SELECT count(*) FROM tickets;
SELECT count(*) FROM cx_data.ticket_task;
TABLE drift;

-- what is wrong with a row is said; with on_error => 'fail' the statement fails
SELECT cx.attach_ticket('strict', 'helpdesk', key => 'id', touchpoint => 'area', status => 'state', priority => 'cause', opened_at => 'made', first_response_at => 'answered', solved_at => 'done', closed_at => 'shut', reopened => 'reopens', staff => 'agent', org_unit => 'team');
SELECT cx.detach_source('helpdesk', false);
CREATE TABLE wrong (place integer, command text);
INSERT INTO wrong VALUES
	(1, $$(id, state, made) VALUES (1, 'wontfix', '2025-05-01')$$), (2, $$(id, state, made) VALUES (2, NULL, '2025-05-01')$$), (3, $$(id, state, made, cause) VALUES (3, 'open', '2025-05-01', 'P1')$$),
	(4, $$(id, state, made) VALUES (4, 'open', NULL)$$), (5, $$(id, state, made) VALUES (5, 'open', 'infinity')$$), (6, $$(id, state, made, answered) VALUES (6, 'open', '2025-05-01', 'infinity')$$),
	(7, $$(id, state, made, done) VALUES (7, 'open', '2025-05-01', '-infinity')$$), (8, $$(id, state, made, shut) VALUES (8, 'open', '2025-05-01', 'infinity')$$), (9, $$(id, state, made, reopens) VALUES (9, 'open', '2025-05-01', -1)$$),
	(10, $$(id, state, made, area) VALUES (10, 'open', '2025-05-01', 'no such place')$$), (11, $$(id, state, made, agent) VALUES (11, 'open', '2025-05-01', 'nobody')$$), (12, $$(id, state, made, team) VALUES (12, 'open', '2025-05-01', 'nowhere')$$);
SELECT place, try('INSERT INTO helpdesk ' || command) FROM wrong ORDER BY place;
SELECT cx.detach_source('strict');
SELECT cx.attach_ticket('lenient', 'helpdesk', key => 'id', touchpoint => 'area', status => 'state', priority => 'cause', opened_at => 'made', first_response_at => 'answered', solved_at => 'done', closed_at => 'shut', reopened => 'reopens', staff => 'agent', org_unit => 'team', on_error => 'record');
SELECT place, try('INSERT INTO helpdesk ' || command) FROM wrong WHERE place < 12 ORDER BY place;
INSERT INTO helpdesk (id, state, made, team) VALUES (12, 'open', '2025-05-01', 'nowhere'), (13, 'new', '2025-05-01', 'shop');
SELECT key, sqlstate, message, attempts FROM failed ORDER BY key::integer;
SELECT key, status, priority FROM tickets ORDER BY key;
-- mended in the table, or what was missing is there: maintenance tries them again
UPDATE helpdesk SET state = 'closed' WHERE id < 3;
INSERT INTO cx_data.org_unit (code) VALUES ('nowhere');
UPDATE helpdesk SET made = '2025-05-01', answered = NULL, done = NULL, shut = NULL, reopens = 0, area = NULL, agent = NULL, cause = NULL;
SELECT cx.retry_source('lenient');
SELECT key, sqlstate, message, attempts FROM failed ORDER BY key;
SELECT key, status, priority, unit, solved, closed FROM tickets ORDER BY key::integer;
TABLE drift;
SELECT cx.detach_source('lenient', false);
SELECT count(*) FROM cx_data.ticket_event;
-- keys that come twice: of tickets that come together the first one is kept, of those that come to one that is there none
CREATE TABLE twins (id integer, state text, cause text);
SELECT cx.attach_ticket('twins', 'twins', key => 'id', opened_at => $$'2025-05-01'$$, status => 'state', root_cause => 'cause', on_error => 'record');
INSERT INTO twins VALUES (1, 'open', 'process'), (1, 'new', 'people'), (2, 'new', 'people');
INSERT INTO twins VALUES (2, 'closed', 'policy'), (3, 'solved', 'policy');
SELECT key, status, cause FROM tickets ORDER BY key;
SELECT key, sqlstate, message FROM failed ORDER BY key;
SELECT cx.detach_source('twins', false);
DROP TABLE twins;
-- refused when it is attached
SELECT cx.attach_ticket('x', 'helpdesk', key => 'id');
SELECT cx.attach_ticket('x', 'helpdesk', key => 'id', opened_at => 'made', reopened => 'made');
SELECT cx.attach_ticket('x', 'cx_data.ticket', key => 'source_key', opened_at => 'opened_at');
SELECT name FROM cx_data.source ORDER BY name;
-- without a status, the times say it; how often it was reopened is counted
TRUNCATE helpdesk;
INSERT INTO helpdesk (id, made, done, shut) VALUES (1, '2025-05-01', NULL, NULL), (2, '2025-05-01', '2025-05-02', NULL), (3, '2025-05-01', '2025-05-02', '2025-05-03'), (4, '2025-05-01', NULL, '2025-05-03');
SELECT cx.attach_ticket('plain', 'helpdesk', key => 'id', opened_at => 'made', solved_at => 'done', closed_at => 'shut');
SELECT key, status, priority, answered, solved, closed, times FROM tickets ORDER BY key;
UPDATE helpdesk SET done = NULL, shut = NULL;
UPDATE helpdesk SET done = '2025-05-06' WHERE id < 3;
UPDATE helpdesk SET done = NULL WHERE id = 2;
SELECT key, status, answered, solved, closed, times, reopened FROM tickets ORDER BY key;
-- rows that stay when the source is detached are known again when it is attached again
SELECT cx.detach_source('plain');
SELECT source, key, status FROM tickets ORDER BY key;
INSERT INTO helpdesk (id, made) VALUES (5, '2025-05-07');
DELETE FROM helpdesk WHERE id = 1;
SELECT key, status FROM tickets ORDER BY key;
SELECT max(ticket_id) AS last_ticket FROM cx_data.ticket \gset
SELECT cx.attach_ticket('plain', 'helpdesk', key => 'id', opened_at => 'made', solved_at => 'done', closed_at => 'shut');
SELECT key, t.status, t.ticket_id > :last_ticket AS is_new FROM tickets JOIN cx_data.ticket AS t ON t.source_key = key ORDER BY key;
SELECT cx.detach_source('plain', keep_rows => false);
SELECT count(*) FROM tickets;

-- a view, which is pulled: what changed is known to have changed when it says so
TRUNCATE helpdesk;
ALTER TABLE helpdesk ADD changed timestamptz;
CREATE VIEW helpdesk_view AS SELECT * FROM helpdesk;
INSERT INTO helpdesk (id, state, made, changed, agent) VALUES (1, 'new', '2025-03-03 09:00 Europe/Berlin', '2025-03-03 09:00 Europe/Berlin', 'nils'), (2, 'solved', '2025-03-03 09:00 Europe/Berlin', '2025-03-03 15:00 Europe/Berlin', NULL);
SELECT cx.attach_ticket('view', 'helpdesk_view', key => 'id', opened_at => 'made', status => 'state', priority => 'cause', staff => 'agent', changed_at => 'changed');
UPDATE helpdesk SET state = 'pending', changed = '2025-03-03 12:00 Europe/Berlin' WHERE id = 1;
SELECT * FROM cx.sync_source('view', '2025-03-03 11:00 Europe/Berlin');
UPDATE helpdesk SET state = 'open', cause = 'high', agent = 'sara', changed = '2025-03-03 16:00 Europe/Berlin' WHERE id = 1;
SELECT * FROM cx.sync_source('view');
UPDATE helpdesk SET state = 'closed', changed = '2025-03-04 13:00 Europe/Berlin' WHERE id = 1;
DELETE FROM helpdesk WHERE id = 2;
SELECT * FROM cx.sync_source('view');
SELECT * FROM cx.sync_source('view');
SELECT key, kind, status, staff, note, at FROM history ORDER BY place;
-- 24 hours, of which 3 + 21 were spent: it waited for 4
SELECT key, status, opened, answered, solved, closed, answer_due, solution_due FROM tickets;
TABLE drift;
SELECT cx.detach_source('view', false);
DROP VIEW helpdesk_view;

-- partitions
CREATE TABLE parted (id integer, year integer, state text, made timestamptz DEFAULT '2025-03-03 09:00') PARTITION BY LIST (year);
CREATE TABLE parted_25 PARTITION OF parted FOR VALUES IN (2025);
CREATE TABLE parted_26 PARTITION OF parted FOR VALUES IN (2026);
INSERT INTO parted VALUES (1, 2025, 'open'), (2, 2026, 'open');
SELECT cx.attach_ticket('parted', 'parted', key => 'id', opened_at => 'made', status => 'state');
INSERT INTO parted VALUES (3, 2025, 'new');
INSERT INTO parted_26 VALUES (4, 2026, 'new');
UPDATE parted SET state = 'on_hold' WHERE id IN (1, 4);
UPDATE parted SET year = 2026 WHERE id = 3;
SELECT key, status FROM tickets ORDER BY key;
TRUNCATE parted_25;
CREATE TABLE parted_27 PARTITION OF parted FOR VALUES IN (2027);
INSERT INTO parted_27 VALUES (5, 2027, 'new');
SELECT cx.cover_source('parted');
INSERT INTO parted_27 VALUES (6, 2027, 'new');
SELECT key, status FROM tickets ORDER BY key;
TRUNCATE parted;
SELECT count(*) FROM tickets;
SELECT cx.detach_source('parted', false);
DROP TABLE parted;
TABLE drift;

-- who owns the table needs no rights on tickets, and gains none
SET client_min_messages = warning;
CREATE ROLE cx_regress_owner;
CREATE ROLE cx_regress_app;
GRANT USAGE ON SCHEMA cx_data TO cx_regress_owner;
GRANT INSERT, SELECT ON cx_data.source TO cx_regress_owner;
RESET client_min_messages;
TRUNCATE helpdesk;
ALTER TABLE helpdesk OWNER TO cx_regress_owner;
SET ROLE cx_regress_owner;
GRANT INSERT, UPDATE, SELECT ON helpdesk TO cx_regress_app;
SELECT cx.attach_ticket('owned', 'helpdesk', key => 'id', opened_at => 'made', status => 'state', subject => 'title');
SET ROLE cx_regress_app;
INSERT INTO helpdesk (id, state, made, title) VALUES (1, 'open', '2025-03-03 09:00', 'mine'), (2, 'open', '2025-03-03 09:00', 'yours');
UPDATE helpdesk SET state = 'solved' WHERE id = 1;
SET ROLE cx_regress_owner;
SELECT try('SELECT * FROM cx_data.ticket');
SELECT try('SELECT * FROM cx_data.ticket_event');
SELECT try('SELECT cx.detach_source(''owned'', false)');
RESET ROLE;
SELECT key, status, subject FROM tickets ORDER BY key;
SELECT count(DISTINCT actor) AS actors, bool_or(actor = session_user) AS known FROM cx_data.ticket_event;
SELECT cx.detach_source('owned', false);
ALTER TABLE helpdesk OWNER TO CURRENT_USER;

-- customers who are merged take their tickets along; what an erased one wrote is forgotten, and stays so
TRUNCATE helpdesk;
INSERT INTO cx_data.customer (code, org_unit_id) VALUES ('anna', 3), ('ann', 4), ('bob', 4);
SELECT cx.attach_ticket('people', 'helpdesk', key => 'id', customer => 'phone', opened_at => 'made', status => 'state', subject => 'title', root_cause => 'cause');
INSERT INTO helpdesk (id, phone, state, made, title, cause) VALUES (1, 'anna', 'open', '2025-03-03 09:00', 'anna calls', 'people'), (2, 'ann', 'open', '2025-03-03 09:00', 'ann calls', NULL), (3, 'bob', 'open', '2025-03-03 09:00', 'bob calls', 'people');
SELECT cx.merge_customers('anna', 'ann') AS merge \gset
INSERT INTO helpdesk (id, phone, state, made, title) VALUES (4, 'ann', 'open', '2025-03-03 09:00', 'ann again');
UPDATE helpdesk SET state = 'pending' WHERE phone = 'ann';
SELECT key, status, customer, unit, subject FROM tickets ORDER BY key;
SELECT cx.unmerge(:merge) IS NOT NULL AS undone;
SELECT key, status, customer, unit, subject FROM tickets ORDER BY key;
SELECT relation, what, row_count FROM cx.erase_customer('bob') WHERE relation LIKE '%ticket%' OR relation = 'public.helpdesk';
SELECT key, status, customer, unit, cause, subject FROM tickets ORDER BY key;
UPDATE helpdesk SET state = 'solved', title = 'bob calls again' WHERE id = 3;
INSERT INTO helpdesk (id, phone, state, made, title) VALUES (5, 'bob', 'open', '2025-03-04 09:00', 'and again');
SELECT key, status, customer, unit, subject FROM tickets ORDER BY key, status;
SELECT * FROM cx.sync_source('people');
DELETE FROM helpdesk WHERE phone = 'bob';
SELECT key, status, customer, unit, subject FROM tickets ORDER BY key;
SELECT count(*) FROM cx_data.customer WHERE code = 'bob';
TABLE drift;
-- a source that has tickets cannot be deleted, nor what they refer to
DELETE FROM cx_data.source WHERE name = 'people';
DELETE FROM cx_data.org_unit WHERE code = 'shop';

\set ECHO none
SET client_min_messages = warning;
DROP VIEW tickets, history, failed, drift;
DROP TABLE helpdesk, wrong;
REVOKE ALL ON cx_data.source FROM cx_regress_owner;
REVOKE ALL ON SCHEMA cx_data FROM cx_regress_owner;
CALL cx.drop_program(with_feedback => true);
DROP FUNCTION shown, try;
DROP TABLE test_start;
DROP ROLE cx_regress_owner, cx_regress_app;
