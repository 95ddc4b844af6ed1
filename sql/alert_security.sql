-- Alert rules run with the rights of the table's owner, alerts are written with those of the program's owner, and nobody gains any
\set ECHO none
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS cx;
CREATE ROLE cx_regress_program;
CREATE ROLE cx_regress_owner;
CREATE ROLE cx_regress_app;
CREATE ROLE cx_regress_evil;
CREATE ROLE cx_regress_agent;
SELECT format('GRANT CREATE ON DATABASE %I TO cx_regress_program', current_database()) \gexec
CREATE SCHEMA work;
GRANT USAGE ON SCHEMA work TO PUBLIC;
GRANT CREATE ON SCHEMA work TO cx_regress_owner, cx_regress_evil;
-- runs a command; tells what became of it
CREATE FUNCTION work.try(command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE command;
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLERRM;
END
$$;
SET ROLE cx_regress_program;
CALL cx.create_program();
INSERT INTO cx_data.org_unit (code) VALUES ('north'), ('south');
INSERT INTO cx_data.staff (code, org_unit_id, db_role) VALUES ('agent', 1, 'cx_regress_agent');
INSERT INTO cx_data.touchpoint (code) VALUES ('shop');
INSERT INTO cx_data.channel (code, format, url, signing_key) VALUES ('ops', 'webhook', 'https://example.com/secret', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw');
GRANT USAGE ON SCHEMA cx_data TO cx_regress_owner;
RESET ROLE;
CREATE VIEW raised AS SELECT a.rule, c.code AS customer, a.message, a.matches FROM cx_data.alert AS a LEFT JOIN cx_data.customer AS c USING (customer_id) ORDER BY alert_id;
CREATE VIEW failed AS SELECT r.name AS rule, e.source_row, e.message FROM cx_data.alert_error AS e LEFT JOIN cx_data.alert_rule AS r USING (alert_rule_id) ORDER BY alert_error_id;
GRANT SELECT ON raised, failed TO cx_regress_program;
RESET client_min_messages;
\set ECHO all

-- a rule takes the table and the right to register one
SET ROLE cx_regress_owner;
CREATE TABLE work.orders (id integer PRIMARY KEY, who text, score integer, command text);
CREATE FUNCTION work.tell(command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN current_user || CASE WHEN command IS NULL THEN '' ELSE ': ' || work.try(command) END;
END
$$;
SELECT work.try($$SELECT cx.create_alert('low', 'work.orders', 'score < 3')$$);
RESET ROLE;
GRANT SELECT, INSERT ON cx_data.alert_rule TO cx_regress_owner;
SET ROLE cx_regress_owner;
SELECT cx.create_alert('low', 'work.orders', 'work.tell(command) <> who', customer => 'who', message => '{command}', route => 'channel:ops', cooldown => '0');
SELECT work.try($$SELECT cx.create_alert('x', 'cx_data.feedback', 'true')$$);
GRANT INSERT ON work.orders TO cx_regress_app;
GRANT ALL ON work.orders TO cx_regress_evil;
SET ROLE cx_regress_evil;
SELECT command, work.try(command) FROM unnest(ARRAY[$$SELECT cx.create_alert('y', 'work.orders', 'true')$$, $$SELECT cx.alter_alert('low', severity => 'low')$$, $$SELECT cx.drop_alert('low')$$, $$SELECT cx.disable_alert('low')$$,
	$$SELECT * FROM cx.test_alert('low')$$, $$SELECT cx.set_rule('work.orders', 'low', '{"condition": "true"}', false)$$, $$SELECT cx.set_rule('work.orders', 'low', NULL, false)$$, $$SELECT cx.cover_rules('work.orders')$$,
	$$SELECT cx.raise_alerts('[{"rule_id": 1, "matches": 1}]')$$, $$SELECT cx.note_alert_errors('[{"sqlstate": "00000", "message": "x"}]')$$, $$SELECT cx.as_program_owner('change_rule', '{"name": "low", "enabled": false}')$$,
	$$SELECT cx.as_program_owner('register_rule', '{"name": "z", "kind": "metric"}')$$, $$SELECT * FROM cx.outbox_claim()$$, $$SELECT cx.outbox_ack('{1}')$$]) AS command;

-- an application with nothing but INSERT raises an alert, and can neither read nor do more than that
SET ROLE cx_regress_app;
INSERT INTO work.orders VALUES (1, 'anna', 1);
SELECT command, work.try(command) FROM unnest(ARRAY['SELECT FROM work.orders', 'SELECT FROM cx_data.alert', 'SELECT FROM cx_data.outbox', 'SELECT FROM cx_data.alert_rule', 'SELECT FROM cx_data.alert_error', 'INSERT INTO cx_data.alert (rule, severity, message) VALUES (1, 2, 3)']) AS command;
RESET ROLE;
SELECT * FROM raised;

-- what a rule runs is confined to the rights of the table's owner, whoever writes, and leaves nothing behind
CREATE TABLE work.secret (word text);
INSERT INTO work.secret VALUES ('swordfish');
SET ROLE cx_regress_owner;
SELECT cx.alter_alert('low', customer => 'work.tell(command)', condition => 'true', message => '');
RESET ROLE;
INSERT INTO work.orders (id, command) VALUES
	(11, 'SET ROLE cx_regress_program'), (12, 'RESET ROLE'), (13, 'SET SESSION AUTHORIZATION cx_regress_program'), (14, 'SET LOCAL ROLE NONE'), (15, 'SELECT FROM work.secret'), (16, 'SELECT FROM cx_data.alert'),
	(17, 'DROP TABLE work.secret'), (18, 'CREATE TEMP TABLE planted (x integer)'), (19, 'LISTEN planted'), (20, 'PREPARE planted AS SELECT 1'), (21, $$SELECT set_config('search_path', 'planted', true)$$), (22, $$SET TimeZone = 'Asia/Tokyo'$$);
SELECT customer FROM raised OFFSET 1;
SELECT current_user = session_user AS myself, current_setting('search_path') AS search_path, current_setting('TimeZone') AS zone, to_regclass('pg_temp.planted');
-- nor does it see names of the session
SET ROLE cx_regress_owner;
SELECT cx.alter_alert('low', customer => '', condition => 'upper(who) = ''ZOE''', message => '{who}');
SET ROLE cx_regress_evil;
CREATE FUNCTION work.upper(text) RETURNS text LANGUAGE sql AS $$SELECT 'grabbed by ' || current_user$$;
CREATE FUNCTION pg_temp.upper(text) RETURNS text LANGUAGE sql AS $$SELECT 'grabbed by ' || current_user$$;
SET search_path = work, pg_temp, pg_catalog;
SELECT upper('x');
INSERT INTO work.orders VALUES (30, 'zoe');
RESET search_path;
RESET ROLE;
SELECT message FROM raised WHERE message <> '' AND message NOT LIKE 'cx_%' ORDER BY message;
DROP FUNCTION work.upper(text), pg_temp.upper(text);

-- a trigger made by hand gains nothing: on a table of one's own, in the name of somebody else's rule
TRUNCATE cx_data.alert, cx_data.alert_error;
SET ROLE cx_regress_evil;
CREATE TABLE work.mine (id integer);
CREATE TRIGGER forge AFTER INSERT ON work.mine REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION cx.watch('mine', '{"rule": "low", "condition": "true"}');
INSERT INTO work.mine VALUES (1);
-- signed as create_alert would
SELECT format('COMMENT ON TRIGGER forge ON work.mine IS %L', 'cx ' || encode(sha256(convert_to(string_agg(part, '' ORDER BY place), 'UTF8')), 'hex'))
FROM (VALUES (1, 'cx_regress_evil'), (2, '4:mine'), (3, length('{"rule": "low", "condition": "true"}') || ':{"rule": "low", "condition": "true"}')) AS parts (place, part) \gexec
ALTER TABLE work.mine ADD note text;
INSERT INTO work.mine VALUES (2);

CREATE OR REPLACE TRIGGER forge AFTER INSERT ON work.mine REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION cx.watch('x', 'not JSON');
SELECT work.try('INSERT INTO work.mine VALUES (3)');
CREATE OR REPLACE TRIGGER forge AFTER INSERT ON work.mine FOR EACH STATEMENT EXECUTE FUNCTION cx.watch('mine', '{"rule": "low", "condition": "true"}');
SELECT work.try('INSERT INTO work.mine VALUES (3)');
CREATE OR REPLACE TRIGGER forge AFTER INSERT ON work.mine FOR EACH ROW EXECUTE FUNCTION cx.watch();
SELECT work.try('INSERT INTO work.mine VALUES (3)');
-- with the privilege TRIGGER on a table: neither beside the owner's triggers nor in their place
CREATE TRIGGER a_forge AFTER INSERT ON work.orders REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION cx.watch('orders', '{"rule": "low", "condition": "work.tell(''SELECT FROM work.secret'') IS NOT NULL"}');
INSERT INTO work.orders VALUES (40, 'bob');
CREATE OR REPLACE TRIGGER cx_watch_insert AFTER INSERT ON work.orders REFERENCING NEW TABLE AS cx_new FOR EACH STATEMENT EXECUTE FUNCTION cx.watch('orders', '{"rule": "low", "condition": "true"}');
INSERT INTO work.orders VALUES (41, 'bob');
RESET ROLE;
SELECT * FROM raised;
SELECT rule, status, problem FROM cx_data.alert_rule_status;
-- nor may a condition be added to them
SET ROLE cx_regress_owner;
SELECT cx.alter_alert('low', condition => 'who = ''nobody''');
RESET ROLE;
SELECT status FROM cx_data.alert_rule_status;
SELECT replace(replace(pg_get_triggerdef(oid), 'CREATE TRIGGER', 'CREATE OR REPLACE TRIGGER'), 'EXECUTE FUNCTION', 'WHEN (false) EXECUTE FUNCTION') AS definition FROM pg_trigger WHERE tgrelid = 'work.orders'::regclass AND tgname = 'cx_watch_insert' \gset
SET ROLE cx_regress_evil;
:definition;
RESET ROLE;
SELECT status, problem FROM cx_data.alert_rule_status;
-- the owner sets it right
DROP TRIGGER a_forge ON work.orders;
SET ROLE cx_regress_owner;
SELECT cx.alter_alert('low', condition => 'who = ''bob''');
INSERT INTO work.orders VALUES (42, 'bob');
RESET ROLE;
SELECT * FROM raised;
SELECT rule, status, problem FROM cx_data.alert_rule_status;

-- the program's owner gains nothing by editing what is registered: it is a copy
SET ROLE cx_regress_program;
UPDATE cx_data.alert_rule SET condition = 'true', message = '{command}', definition = '{"customer": "command"}';
SET ROLE cx_regress_app;
INSERT INTO work.orders VALUES (50, 'anna', 1, 'secret'), (51, 'bob', 1, 'secret');
RESET ROLE;
SELECT * FROM raised;
SET ROLE cx_regress_program;
SELECT cx.disable_alert('low');
SET ROLE cx_regress_app;
INSERT INTO work.orders VALUES (52, 'bob');
RESET ROLE;
SELECT count(*) FROM raised;
SELECT cx.enable_alert('low');
-- a rule whose table passes to another role stays behind
CREATE TABLE work.gift (id integer);
SELECT cx.create_alert('gift', 'work.gift', 'work.tell(''SELECT FROM work.secret'') LIKE ''%done''', cooldown => '0');
INSERT INTO work.gift VALUES (1);
ALTER TABLE work.gift OWNER TO cx_regress_evil;
INSERT INTO work.gift VALUES (2);
SELECT rule, matches FROM raised WHERE rule = 'gift';
SELECT rule, status, problem FROM cx_data.alert_rule_status WHERE rule = 'gift';
SELECT cx.drop_alert('gift');
-- errors may quote what the writer may not read, so only a superuser has them fail statements
SET ROLE cx_regress_app;
SET cx.strict_alerts = on;
RESET ROLE;
-- a partition that somebody else owns does not get the rules
SET ROLE cx_regress_owner;
CREATE TABLE work.part (id integer) PARTITION BY LIST (id);
CREATE TABLE work.part_1 PARTITION OF work.part FOR VALUES IN (1);
CREATE TABLE work.part_2 PARTITION OF work.part FOR VALUES IN (2);
RESET ROLE;
ALTER TABLE work.part_2 OWNER TO cx_regress_evil;
SET ROLE cx_regress_owner;
SELECT cx.create_alert('part', 'work.part', 'id > 0', cooldown => '0');
RESET ROLE;
SELECT tgrelid::regclass, count(*) FROM pg_trigger WHERE tgfoid = 'cx.watch'::regproc AND tgrelid::regclass::text LIKE 'work.part%' GROUP BY 1 ORDER BY 1;
SET ROLE cx_regress_program;
SELECT cx.drop_alert('part');
RESET ROLE;
SELECT count(*) FROM pg_trigger WHERE tgfoid = 'cx.watch'::regproc AND tgrelid::regclass::text LIKE 'work.part%';

-- an agent sees the alerts of his unit, and may acknowledge and resolve them, nothing else; secrets stay with the owner
SET client_min_messages = warning;
CALL cx.grant_access('cx_regress_agent', 'agent');
CALL cx.enable_row_security();
RESET client_min_messages;
TRUNCATE cx_data.alert, cx_data.outbox;
INSERT INTO cx_data.customer (code, org_unit_id) VALUES ('ned', 1), ('sue', 2);
SELECT cx.create_alert('unhappy', 'cx_data.feedback', 'score < 3', message => '{customer} {comment}', route => 'channel:ops');
INSERT INTO cx_data.feedback (customer_id, org_unit_id, metric, score, comment, responded_at) SELECT customer_id, org_unit_id, 'nps', 1, 'bad', now() FROM cx_data.customer WHERE code IN ('ned', 'sue');
SET ROLE cx_regress_agent;
SELECT customer, message FROM cx_data.alert_queue;
SELECT cx.resolve_alert(max(alert_id)) FROM cx_data.alert;
SELECT work.try(format('SELECT cx.resolve_alert(%s)', max(alert_id) + 1)) FROM cx_data.alert;
SELECT channel, waiting FROM cx_data.outbox_stats;
SELECT command, work.try(command) FROM unnest(ARRAY['UPDATE cx_data.alert SET message = $$x$$', 'DELETE FROM cx_data.alert', 'SELECT payload FROM cx_data.outbox', 'SELECT signing_key FROM cx_data.channel', 'SELECT url FROM cx_data.channel', 'SELECT message FROM cx_data.alert_error', 'SELECT * FROM cx.outbox_claim()']) AS command;
RESET ROLE;
SELECT rule, status, resolved_at IS NOT NULL AS is_resolved FROM cx_data.alert ORDER BY alert_id;
\set ECHO none
SET client_min_messages = warning;
CALL cx.revoke_access('cx_regress_agent');
DROP VIEW raised, failed;
CALL cx.drop_program(with_feedback => true);
DROP SCHEMA work CASCADE;
SELECT format('REVOKE CREATE ON DATABASE %I FROM cx_regress_program', current_database()) \gexec
DROP ROLE cx_regress_program, cx_regress_owner, cx_regress_app, cx_regress_evil, cx_regress_agent;
