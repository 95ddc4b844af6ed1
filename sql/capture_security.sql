-- Capture runs with the rights of the table's owner, writes with those of the program's owner, and gives nobody more than he has
\set ECHO none
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS cx;
SET TimeZone = 'America/New_York';
SET DateStyle = 'ISO, MDY';
CREATE ROLE cx_regress_program;
CREATE ROLE cx_regress_owner;
CREATE ROLE cx_regress_app;
CREATE ROLE cx_regress_evil;
CREATE ROLE cx_regress_admin SUPERUSER;
SELECT format('GRANT CREATE ON DATABASE %I TO cx_regress_program, cx_regress_evil', current_database()) \gexec
CREATE SCHEMA work;
GRANT USAGE ON SCHEMA work TO PUBLIC;
GRANT CREATE ON SCHEMA work TO cx_regress_owner, cx_regress_evil;
GRANT CREATE ON SCHEMA public TO cx_regress_evil;
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
INSERT INTO cx_data.touchpoint (code) VALUES ('shop');
GRANT USAGE ON SCHEMA cx_data TO cx_regress_owner;
RESET ROLE;
CREATE VIEW captured AS
SELECT source.name AS source, source_key COLLATE "C" AS key, customer.code AS customer, score, comment
FROM cx_data.feedback JOIN cx_data.source USING (source_id) LEFT JOIN cx_data.customer USING (customer_id);
GRANT SELECT ON captured TO cx_regress_program;
RESET client_min_messages;
\set ECHO all

-- attaching takes the table and the right to register a source
SET ROLE cx_regress_owner;
CREATE TABLE work.answers (id integer, who text, score integer, command text);
CREATE FUNCTION work.tell(command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN current_user || CASE WHEN command IS NULL THEN '' ELSE ': ' || work.try(command) END;
END
$$;
SELECT work.try($$SELECT cx.attach_feedback('answers', 'work.answers', key => 'id', responded_at => 'now()')$$);
RESET ROLE;
GRANT SELECT, INSERT, UPDATE ON cx_data.source TO cx_regress_owner;
SET ROLE cx_regress_owner;
SELECT cx.attach_feedback('answers', 'work.answers', key => 'id', customer => 'who', metric => $$'nps'$$, score => 'score', responded_at => $$timestamptz '2026-03-01 12:00+00'$$, comment => 'work.tell(command)');
GRANT INSERT ON work.answers TO cx_regress_app;

-- an application with nothing but INSERT is captured, and can do no more than that
SET ROLE cx_regress_app;
INSERT INTO work.answers VALUES (1, 'anna', 9), (2, 'bob', 3);
SELECT command, work.try(command) FROM unnest(ARRAY[
	'SELECT FROM work.answers', 'UPDATE work.answers SET score = 1', 'TRUNCATE work.answers',
	'SELECT FROM cx_data.feedback', 'INSERT INTO cx_data.feedback (responded_at) VALUES (now())', 'SELECT FROM cx_data.source', 'SELECT FROM cx_data.import_error']) AS command;
RESET ROLE;
SELECT * FROM captured ORDER BY key;
GRANT SELECT, UPDATE, DELETE, TRUNCATE ON work.answers TO cx_regress_app;
SET ROLE cx_regress_app;
UPDATE work.answers SET score = 10 WHERE id = 1;
DELETE FROM work.answers WHERE id = 2;
RESET ROLE;
SELECT * FROM captured ORDER BY key;
SET ROLE cx_regress_app;
TRUNCATE work.answers;
RESET ROLE;
SELECT * FROM captured;

-- what a mapping runs is confined to the rights of the table's owner, whoever writes, and leaves nothing behind
CREATE TABLE work.secret (word text);
INSERT INTO work.secret VALUES ('swordfish');
INSERT INTO work.answers (id, command) VALUES
	(1, 'SET ROLE cx_regress_admin'), (2, 'RESET ROLE'), (3, 'SET SESSION AUTHORIZATION cx_regress_admin'), (4, 'RESET SESSION AUTHORIZATION'), (5, 'SET LOCAL ROLE NONE'),
	(6, 'SELECT FROM work.secret'), (7, 'INSERT INTO cx_data.feedback (responded_at) VALUES (now())'), (8, 'DROP TABLE work.secret'),
	(9, 'CREATE TEMP TABLE planted (x integer)'), (10, 'LISTEN planted'), (11, 'NOTIFY planted'), (12, 'PREPARE planted AS SELECT 1'), (13, 'COMMIT'),
	(14, 'SET search_path = planted'), (15, $$SELECT set_config('search_path', 'planted', true)$$), (16, $$SET TimeZone = 'Asia/Tokyo'$$), (17, 'CREATE TABLE work.made (x integer)');
SELECT key::integer, comment FROM captured ORDER BY 1;
SELECT current_user = session_user AS myself, current_setting('search_path') AS search_path, current_setting('TimeZone') AS zone, to_regclass('pg_temp.planted'), to_regclass('work.made');
SELECT relowner::regrole FROM pg_class WHERE oid = 'work.made'::regclass;
TRUNCATE work.answers;
-- nor does it see the session's names: functions, operators and tables are those of pg_catalog or have their schema
SET ROLE cx_regress_evil;
CREATE TABLE public.loot (who name, what text);
GRANT INSERT ON public.loot TO PUBLIC;
CREATE FUNCTION public.grab(what text) RETURNS text LANGUAGE sql AS $$INSERT INTO public.loot VALUES (current_user, what) RETURNING 'grabbed'$$;
CREATE FUNCTION public.upper(text) RETURNS text LANGUAGE sql AS 'SELECT public.grab($1)';
CREATE FUNCTION public.upper(varchar) RETURNS text LANGUAGE sql AS 'SELECT public.grab($1)';
CREATE FUNCTION public.join_texts(text, text) RETURNS text LANGUAGE sql AS 'SELECT public.grab($1)';
CREATE OPERATOR public.|| (LEFTARG = text, RIGHTARG = text, FUNCTION = public.join_texts);
SET ROLE cx_regress_owner;
CREATE TABLE work.names (id integer, given varchar, family varchar);
SELECT cx.attach_feedback('names', 'work.names', key => 'id', customer => $$upper(given) || ' ' || upper(family)$$, responded_at => $$timestamptz '2026-03-01 12:00+00'$$, comment => 'oid(1)::text || (SELECT count(*) FROM pg_am WHERE amname = $$heap$$)');
GRANT ALL ON work.names TO cx_regress_evil;
SET ROLE cx_regress_evil;
SET search_path = pg_temp, public, pg_catalog;
CREATE TEMP TABLE pg_am AS SELECT 'heap' AS amname FROM generate_series(1, 9);
CREATE TEMP TABLE cx_new (id integer, given varchar, family varchar);
CREATE TEMP TABLE cx_rows (source_key text);
CREATE FUNCTION pg_temp.oid(integer) RETURNS text LANGUAGE sql AS $$SELECT public.grab('oid')$$;
SELECT upper('x'), 'a'::text || 'b'::text;
DELETE FROM loot;
INSERT INTO work.names VALUES (1, 'eve', 'evil');
UPDATE work.names SET given = 'adam';
RESET search_path;
TABLE loot;
RESET ROLE;
SELECT * FROM captured ORDER BY key;
SELECT cx.detach_source('names', false);
DROP TABLE work.names;
SET ROLE cx_regress_evil;
DROP OPERATOR public.|| (text, text);
DROP FUNCTION public.upper(text), public.upper(varchar), public.join_texts(text, text);
DISCARD TEMP;
RESET ROLE;

-- a trigger made by hand gains nothing: on a table of one's own
SET ROLE cx_regress_evil;
CREATE TABLE work.mine (id integer);
CREATE TRIGGER forge AFTER INSERT ON work.mine REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT
	EXECUTE FUNCTION cx.capture('feedback', 'answers', 'alias', 'mine', 'key', 'id', 'responded_at', 'now()');
INSERT INTO work.mine VALUES (1);
CREATE OR REPLACE TRIGGER forge AFTER INSERT ON work.mine REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT
	EXECUTE FUNCTION cx.capture('feedback', 'answers', 'alias', 'mine', 'key', 'id', 'responded_at', 'now()', 'on_error', 'record');
INSERT INTO work.mine VALUES (1);
CREATE OR REPLACE TRIGGER forge AFTER INSERT ON work.mine REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT
	EXECUTE FUNCTION cx.capture('feedback', 'no such source', 'alias', 'mine', 'key', 'id', 'responded_at', 'now()');
INSERT INTO work.mine VALUES (1);
-- with the very arguments that are registered
RESET ROLE;
SELECT format('CREATE OR REPLACE TRIGGER forge AFTER INSERT ON work.mine REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION cx.capture(%s)',
	substring(pg_get_triggerdef(oid) FROM 'cx\.capture\((.*)\)$')) AS forge FROM pg_trigger WHERE tgrelid = 'work.answers'::regclass AND tgname ~ '_insert$' \gset
ALTER TABLE work.mine ADD who text, ADD score integer, ADD command text;
SET ROLE cx_regress_evil;
:forge;
INSERT INTO work.mine VALUES (1);
RESET ROLE;
SELECT * FROM captured;
DROP TABLE work.mine;
-- with the privilege TRIGGER on the table that is attached, a superuser's
CREATE TABLE work.prize (id integer);
SELECT cx.attach_feedback('prize', 'work.prize', key => 'id', responded_at => $$timestamptz '2026-03-01 12:00+00'$$);
GRANT ALL ON work.prize TO cx_regress_evil;
SET ROLE cx_regress_evil;
CREATE FUNCTION public.steal() RETURNS text LANGUAGE sql AS $$SELECT public.grab((SELECT word FROM work.secret))$$;
CREATE TRIGGER more AFTER INSERT ON work.prize REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT
	EXECUTE FUNCTION cx.capture('feedback', 'prize', 'alias', 'prize', 'key', 'public.steal()', 'responded_at', 'now()');
INSERT INTO work.prize VALUES (1);
RESET ROLE;
DROP TRIGGER more ON work.prize;
SELECT tgname AS trigger FROM pg_trigger WHERE tgrelid = 'work.prize'::regclass AND tgname LIKE '%insert' \gset
SET ROLE cx_regress_evil;
CREATE OR REPLACE TRIGGER :"trigger" AFTER INSERT ON work.prize REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT
	EXECUTE FUNCTION cx.capture('feedback', 'prize', 'alias', 'prize', 'key', 'public.steal()', 'responded_at', 'now()', 'on_error', 'record');
INSERT INTO work.prize VALUES (1);
SELECT cx.pull_source('prize', NULL, NULL, NULL);
RESET ROLE;
SELECT cx.sync_source('prize');
CALL cx.maintain();
TABLE loot;
SELECT * FROM captured;
SELECT cx.detach_source('prize', false);
DROP TABLE work.prize;
-- on a partition that somebody else owns
SET ROLE cx_regress_owner;
CREATE TABLE work.part (id integer, who text, score integer, command text) PARTITION BY LIST (id);
CREATE TABLE work.part_1 PARTITION OF work.part FOR VALUES IN (1);
CREATE TABLE work.part_2 PARTITION OF work.part FOR VALUES IN (2);
RESET ROLE;
ALTER TABLE work.part_2 OWNER TO cx_regress_evil;
SET ROLE cx_regress_owner;
SELECT cx.attach_feedback('part', 'work.part', key => 'id', responded_at => $$timestamptz '2026-03-01 12:00+00'$$, comment => 'current_user');
INSERT INTO work.part VALUES (1), (2);
RESET ROLE;
SELECT format('CREATE TRIGGER forge AFTER DELETE ON work.part_2 REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION cx.capture(%s)',
	substring(pg_get_triggerdef(oid) FROM 'cx\.capture\((.*)\)$')) AS forge FROM pg_trigger WHERE tgrelid = 'work.part'::regclass AND tgname ~ '_insert$' \gset
SET ROLE cx_regress_evil;
:forge;
CREATE TRIGGER wipe AFTER DELETE ON work.part_2 REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT
	EXECUTE FUNCTION cx.capture('feedback', 'part', 'alias', 'part', 'key', '1', 'responded_at', 'now()', 'on_error', 'record');
DELETE FROM work.part_2;
RESET ROLE;
SELECT * FROM captured ORDER BY key;
SELECT cx.detach_source('part', false);
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'work.part_2'::regclass;
DROP TABLE work.part;

-- (from here on without JIT compilation, which takes longer than all the rest where a server uses it for every query)
SET jit = off;
-- the program's owner gains nothing by editing what is registered
SET ROLE cx_regress_admin;
CREATE TABLE work.vault (id integer, word text);
CREATE TABLE work.vault_2 (id integer, word text);
SELECT cx.attach_feedback('vault', 'work.vault', key => 'id', responded_at => $$timestamptz '2026-03-01 12:00+00'$$, comment => $$'kept'$$);
INSERT INTO work.vault VALUES (1, 'gold');
SET ROLE cx_regress_program;
CREATE TEMP TABLE saved AS SELECT * FROM cx_data.source WHERE name = 'vault';
GRANT SELECT ON saved TO PUBLIC;
UPDATE cx_data.source SET mapping = '{"key": "public.steal()", "comment": "word", "responded_at": "now()", "on_error": "record"}' WHERE name = 'vault';
SELECT cx.sync_source('vault');
SET ROLE cx_regress_admin;
INSERT INTO work.vault VALUES (2, 'silver');
SET ROLE cx_regress_program;
SELECT key, comment FROM captured WHERE source = 'vault' ORDER BY key;
-- not even with the privilege to make triggers: what he makes lacks the owner's mark
SET ROLE cx_regress_admin;
GRANT TRIGGER ON work.vault TO cx_regress_program;
SET ROLE cx_regress_program;
SELECT format('CREATE OR REPLACE TRIGGER %I AFTER INSERT ON work.vault REFERENCING NEW TABLE AS cx_new FOR EACH STATEMENT EXECUTE FUNCTION cx.capture(%s)',
	tgname, replace(substring(pg_get_triggerdef(oid) FROM 'cx\.capture\((.*)\)$'), '''''''kept''''''', '''word''')) AS forge,
	format('CREATE OR REPLACE TRIGGER %I AFTER INSERT ON work.vault REFERENCING NEW TABLE AS cx_new FOR EACH STATEMENT EXECUTE FUNCTION cx.capture(%s)',
	tgname, substring(pg_get_triggerdef(oid) FROM 'cx\.capture\((.*)\)$')) AS restore
FROM pg_trigger WHERE tgrelid = 'work.vault'::regclass AND tgname ~ '_insert$' \gset
:forge;
SET ROLE cx_regress_admin;
INSERT INTO work.vault VALUES (3, 'bronze');
SET ROLE cx_regress_program;
:restore;
CREATE TRIGGER planted AFTER INSERT ON work.vault FOR EACH STATEMENT EXECUTE FUNCTION cx.capture('feedback', 'planted', 'alias', 'vault', 'key', 'word', 'responded_at', 'now()');
INSERT INTO cx_data.source (name, kind, relation) VALUES ('planted', 'feedback', 'work.vault');
SELECT cx.sync_source('planted');
SET ROLE cx_regress_admin;
DROP TRIGGER planted ON work.vault;
INSERT INTO work.vault VALUES (3, 'bronze');
SET ROLE cx_regress_program;
DELETE FROM cx_data.source WHERE name = 'planted';
UPDATE cx_data.source SET relation = 'work.vault_2' WHERE name = 'vault';
SELECT command, work.try(command) FROM unnest(ARRAY[$$SELECT cx.sync_source('vault')$$, $$SELECT cx.cover_children('vault')$$]) AS command;
SET ROLE cx_regress_admin;
INSERT INTO work.vault VALUES (4, 'copper');
SET ROLE cx_regress_program;
UPDATE cx_data.source SET relation = saved.relation, kind = 'event' FROM saved WHERE source.name = 'vault';
SELECT work.try($$SELECT cx.sync_source('vault')$$);
UPDATE cx_data.source SET kind = 'feedback' WHERE name = 'vault';
SELECT cx.sync_source('vault');
SELECT key, comment FROM captured WHERE source = 'vault' ORDER BY key;
DROP TABLE saved;
RESET ROLE;
SELECT cx.detach_source('vault', false);
DROP TABLE work.vault, work.vault_2;

-- a table that gets another owner does not take its mapping along
SET ROLE cx_regress_owner;
CREATE TABLE work.heirloom (id integer);
SELECT cx.attach_feedback('heirloom', 'work.heirloom', key => 'id', responded_at => $$timestamptz '2026-03-01 12:00+00'$$);
INSERT INTO work.heirloom VALUES (1);
RESET ROLE;
ALTER TABLE work.heirloom OWNER TO cx_regress_admin;
INSERT INTO work.heirloom VALUES (2);
SELECT cx.detach_source('heirloom');
-- and what a detached source delivered is not for everybody to replace
REVOKE UPDATE ON cx_data.source FROM cx_regress_owner;
SET ROLE cx_regress_owner;
CREATE TABLE work.other (id integer);
SELECT work.try($$SELECT cx.attach_feedback('heirloom', 'work.other', key => 'id', responded_at => 'now()')$$);
DROP TABLE work.other;
RESET ROLE;
GRANT UPDATE ON cx_data.source TO cx_regress_owner;
SELECT count(*) FROM captured WHERE source = 'heirloom';
SELECT cx.detach_source('heirloom', false);
DROP TABLE work.heirloom;

-- nothing is called without rights, and what is not a trigger is not called as one
SET ROLE cx_regress_evil;
SELECT command, work.try(command) FROM unnest(ARRAY[
	$$SELECT cx.pull_source('answers', NULL, NULL, NULL)$$, $$SELECT cx.pull_source('answers', NULL, NULL, 'pg_class')$$, $$SELECT cx.pull_source('answers', NULL, '{1}', NULL)$$, $$SELECT cx.pull_source(NULL, NULL, NULL, NULL)$$,
	$$SELECT cx.create_capture_triggers('answers', '{feedback,answers,alias,answers,key,id,responded_at,now()}')$$, $$SELECT cx.drop_capture_triggers('work.answers', 'answers')$$,
	$$SELECT cx.cover_children('answers')$$, $$SELECT cx.cover_source('answers')$$, $$SELECT cx.retry_source('answers')$$, $$SELECT cx.sync_source('answers')$$, $$SELECT cx.detach_source('answers')$$,
	$$SELECT cx.fold_tallies()$$, 'CALL cx.rebuild_tallies()', $$SELECT cx.add_customers('{eve}', '{now}')$$, $$SELECT cx.as_program_owner('maintain', '{}')$$,
	'CALL cx.drop_program(true)', 'CALL cx.upgrade_program()',
	'SELECT cx.capture()', 'SELECT cx.feedback_changed()', 'SELECT cx.event_changed()', 'SELECT cx.catalog_changed()']) AS command;
SELECT cx.count_source('answers'), cx.count_source('no such source');
SELECT work.try('CALL cx.maintain()');
SELECT cx.maintain_step('fold', 0, 1, NULL), cx.maintain_step('cover', 0, 1, 'answers'), cx.maintain_step('sync', 0, 1, 'answers'), cx.maintain_step('no such step', 0, 1, 'answers');
RESET ROLE;
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'work.answers'::regclass;
-- with the right to read the program but not the table, counting tells nothing either
GRANT USAGE ON SCHEMA cx_data TO cx_regress_evil;
GRANT SELECT ON ALL TABLES IN SCHEMA cx_data TO cx_regress_evil;
SET ROLE cx_regress_evil;
SELECT cx.count_source('answers');
SELECT work.try($$SELECT cx.sync_source('answers')$$);
RESET ROLE;
REVOKE ALL ON ALL TABLES IN SCHEMA cx_data FROM cx_regress_evil;

-- names of sources that hold whatever a text may hold
SET ROLE cx_regress_owner;
CREATE TABLE work.odd (id integer);
SELECT cx.attach_feedback(name, 'work.odd', key => 'id', responded_at => $$timestamptz '2026-03-01 12:00+00'$$)
FROM unnest(ARRAY[$$'; DROP TABLE work.odd; --$$, $$"$$, $$\$$, $$\\'$$, $$C:\0001$$, $$\000$$, E'\n', E'a\tb', '%s %I %%', '$1', '', ' ', 'Größe 大小', repeat('long ', 200)]) AS name;
INSERT INTO work.odd VALUES (1);
UPDATE work.odd SET id = 2;
RESET ROLE;
SELECT count(*), count(DISTINCT source), min(key), max(key) FROM captured;
SELECT count(DISTINCT tgname) FROM pg_trigger WHERE tgrelid = 'work.odd'::regclass;
SELECT sum(inserted + updated + deleted + failed) FROM cx_data.source, cx.sync_source(name);
CALL cx.maintain();
SELECT sum(cx.detach_source(name, false)) FROM cx_data.source WHERE relation = 'work.odd'::regclass;
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'work.odd'::regclass;
INSERT INTO work.odd VALUES (3);
SELECT count(*) FROM captured;

-- triggers on the program's tables run with the rights of its owner, not with those of whoever writes
SET ROLE cx_regress_program;
GRANT USAGE ON SCHEMA cx_data TO cx_regress_evil;
GRANT TRIGGER ON cx_data.feedback, cx_data.customer, cx_data.import_error, cx_data.tally_delta TO cx_regress_evil;
SET ROLE cx_regress_evil;
CREATE FUNCTION public.spy() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM public.grab(concat_ws(', ', TG_TABLE_NAME, work.try('SET ROLE cx_regress_admin'), work.try('RESET SESSION AUTHORIZATION'), work.try('SELECT FROM work.secret')));
	RETURN NULL;
END
$$;
CREATE TRIGGER spy AFTER INSERT ON cx_data.feedback FOR EACH STATEMENT EXECUTE FUNCTION public.spy();
CREATE TRIGGER spy AFTER INSERT ON cx_data.customer FOR EACH STATEMENT EXECUTE FUNCTION public.spy();
CREATE TRIGGER spy AFTER INSERT ON cx_data.tally_delta FOR EACH STATEMENT EXECUTE FUNCTION public.spy();
RESET ROLE;
INSERT INTO work.answers VALUES (1, 'zoe', 4);
SELECT DISTINCT who, what FROM loot ORDER BY what;
DROP TRIGGER spy ON cx_data.feedback;
DROP TRIGGER spy ON cx_data.customer;
DROP TRIGGER spy ON cx_data.tally_delta;
TRUNCATE loot;
-- and what they write themselves is checked
CREATE FUNCTION work.echo() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF pg_trigger_depth() < 4 THEN
		INSERT INTO cx_data.feedback (touchpoint_id, responded_at) VALUES (77, now());
	END IF;
	RETURN NULL;
END
$$;
CREATE TRIGGER echo AFTER INSERT ON cx_data.feedback FOR EACH STATEMENT EXECUTE FUNCTION work.echo();
INSERT INTO work.answers VALUES (2, 'zoe', 4);
DROP TRIGGER echo ON cx_data.feedback;

-- without end: a mapping that writes the table it maps, a trigger on feedback that writes the table it comes from
SET max_stack_depth = '300kB';
SET ROLE cx_regress_owner;
CREATE TABLE work.loop (id serial, depth integer);
CREATE FUNCTION work.again(depth integer) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
	IF depth <> 0 THEN
		INSERT INTO work.loop (depth) VALUES (depth - 1);
	END IF;
	RETURN depth;
END
$$;
SELECT cx.attach_feedback('loop', 'work.loop', key => 'id', metric => $$'nps'$$, score => 'work.again(depth)', responded_at => $$timestamptz '2026-03-01 12:00+00'$$);
INSERT INTO work.loop (depth) VALUES (4);
SELECT work.try('INSERT INTO work.loop (depth) VALUES (-1)');
RESET ROLE;
SELECT count(*), sum(score), (SELECT count(*) FROM work.loop) AS rows FROM captured WHERE source = 'loop';
CREATE FUNCTION work.back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO work.loop (depth) VALUES (0);
	RETURN NULL;
END
$$;
CREATE TRIGGER back AFTER INSERT ON cx_data.feedback FOR EACH STATEMENT EXECUTE FUNCTION work.back();
GRANT USAGE ON SCHEMA work TO cx_regress_program;
GRANT INSERT ON work.loop TO cx_regress_program;
GRANT USAGE ON SEQUENCE work.loop_id_seq TO cx_regress_program;
SELECT work.try('INSERT INTO work.loop (depth) VALUES (0)');
DROP TRIGGER back ON cx_data.feedback;
RESET max_stack_depth;
SELECT cx.detach_source('loop', false);
DROP TABLE work.loop;

-- large values: what fits is captured, what does not fit is an error or recorded
CREATE TABLE work.large (id text, who text, words text);
SELECT cx.attach_feedback('large', 'work.large', key => 'id', customer => 'who', comment => 'words', responded_at => $$timestamptz '2026-03-01 12:00+00'$$, on_error => 'record');
CREATE FUNCTION work.noise(count integer) RETURNS text LANGUAGE sql AS $$SELECT string_agg(md5(i::text), '') FROM generate_series(1, count) AS i$$;
INSERT INTO work.large VALUES ('1', 'x', work.noise(40000)), (work.noise(40000), 'x', '2'), ('3', work.noise(40000), '3'), ('4', 'x', repeat('4', 1000000));
SELECT left(key, 4) AS key, length(comment) FROM captured WHERE source = 'large' ORDER BY key;
SELECT left(source_key, 4) AS key, sqlstate FROM cx_data.import_error ORDER BY 1;
UPDATE work.large SET words = 'small', who = left(who, 10), id = left(id, 10);
SELECT left(key, 4) AS key, length(comment) FROM captured WHERE source = 'large' ORDER BY key;
CALL cx.maintain();
SELECT left(source_key, 4) AS key, sqlstate FROM cx_data.import_error ORDER BY 1;
SELECT cx.detach_source('large', false);
DROP TABLE work.large;
DO $$
BEGIN
	EXECUTE (SELECT format('CREATE TABLE work.wide (%s)', string_agg('c' || i || ' integer', ', ')) FROM generate_series(1, 1600) AS i);
END
$$;
SELECT cx.attach_feedback('wide', 'work.wide', key => 'c1600', comment => '(SELECT count(*) FROM jsonb_object_keys(to_jsonb(wide)))', responded_at => $$timestamptz '2026-03-01 12:00+00'$$);
INSERT INTO work.wide (c1, c1600) VALUES (1, 2);
ALTER TABLE work.wide DROP COLUMN c2;
UPDATE work.wide SET c1600 = 3;
SELECT key, comment FROM captured WHERE source = 'wide';
SELECT cx.detach_source('wide', false);
DROP TABLE work.wide;

-- the table changes while it is attached; plans of the session follow
CREATE FUNCTION work.grade(text) RETURNS integer LANGUAGE sql AS 'SELECT length($1)';
CREATE TABLE work.clay (id integer, gone integer, grade text, note text);
SELECT cx.attach_feedback('clay', 'work.clay', key => 'id', metric => $$'nps'$$, score => 'work.grade(grade)', comment => 'clay.note', responded_at => $$timestamptz '2026-03-01 12:00+00'$$);
INSERT INTO work.clay VALUES (1, 0, 'xx', 'first');
ALTER TABLE work.clay DROP COLUMN gone, ADD COLUMN late integer DEFAULT 5;
INSERT INTO work.clay VALUES (2, 'xxx', 'second');
ALTER TABLE work.clay ALTER id TYPE text USING 'k' || id, ALTER note TYPE varchar(20);
UPDATE work.clay SET note = 'third' WHERE id = 'k2';
DELETE FROM work.clay WHERE id = 'k1';
SELECT key, score, comment FROM captured WHERE source = 'clay' ORDER BY key;
SELECT cx.sync_source('clay');
ALTER TABLE work.clay RENAME TO clay_renamed;
UPDATE work.clay_renamed SET note = 'fourth';
CREATE OR REPLACE FUNCTION work.grade(text) RETURNS integer LANGUAGE sql AS 'SELECT 1 + length($1)';
INSERT INTO work.clay_renamed VALUES ('k3', 'xx', 'fifth');
BEGIN;
ALTER TABLE work.clay_renamed ALTER grade TYPE integer USING length(grade);
SAVEPOINT s;
SELECT work.try($$INSERT INTO work.clay_renamed VALUES ('k4', 4, 'sixth')$$);
ROLLBACK TO s;
ALTER TABLE work.clay_renamed ALTER grade TYPE text, DROP COLUMN note;
SELECT work.try($$INSERT INTO work.clay_renamed VALUES ('k5', 'xx')$$);
ALTER TABLE work.clay_renamed ADD COLUMN note varchar(20) DEFAULT 'anew';
INSERT INTO work.clay_renamed VALUES ('k6', 'xx');
SELECT key, score, comment FROM captured WHERE source = 'clay' ORDER BY key;
ROLLBACK;
SELECT work.try('INSERT INTO work.clay_renamed (id) VALUES (6)');
DROP FUNCTION work.grade;
SELECT work.try($$INSERT INTO work.clay_renamed VALUES ('k7', 'x')$$);
CREATE FUNCTION work.grade(text) RETURNS integer LANGUAGE sql AS 'SELECT 2';
INSERT INTO work.clay_renamed VALUES ('k8', 'x');
ALTER TABLE work.clay_renamed RENAME COLUMN note TO remark;
SELECT work.try($$INSERT INTO work.clay_renamed VALUES ('k9', 'x')$$);
SELECT work.try('TRUNCATE work.clay_renamed');
SELECT key, score, comment FROM captured WHERE source = 'clay' ORDER BY key;
DROP TABLE work.clay_renamed;
CALL cx.maintain();
SELECT cx.detach_source('clay', false);

-- the owner of the program is free to change its tables, but brings nobody down
\c
SET client_min_messages = warning;
SET jit = off;
SET ROLE cx_regress_program;
CREATE FUNCTION pg_temp.drop_views() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE (SELECT 'DROP VIEW ' || string_agg(oid::regclass::text, ', ') || ' CASCADE' FROM pg_class WHERE relnamespace = 'cx_data'::regnamespace AND relkind = 'v');
END
$$;
RESET ROLE;
DROP VIEW captured;
SET ROLE cx_regress_program;
\set write 'SELECT work.try($$INSERT INTO work.answers (id, who, score) VALUES (100, $a$anna$a$, 9)$$), work.try($$INSERT INTO cx_data.feedback (metric, score, responded_at, customer_id) VALUES ($a$nps$a$, 9, now(), 1)$$)'
RESET ROLE;
GRANT INSERT ON work.answers TO cx_regress_program;
SET ROLE cx_regress_program;
SELECT pg_temp.drop_views();
BEGIN; ALTER TABLE cx_data.source ALTER name DROP NOT NULL; UPDATE cx_data.source SET name = NULL; :write; ROLLBACK;
BEGIN; ALTER TABLE cx_data.metric ALTER code DROP NOT NULL; INSERT INTO cx_data.metric (kind, scale_min, scale_max) VALUES ('rating', 0, 1); :write; ROLLBACK;
BEGIN; ALTER TABLE cx_data.program DROP CONSTRAINT program_time_zone_check; DROP TRIGGER zone_changed ON cx_data.program; UPDATE cx_data.program SET time_zone = 'nowhere'; SELECT work.try($$INSERT INTO work.answers (id, who, score) VALUES (100, 'anna', 9)$$) <> 'done' AS refused, work.try($$INSERT INTO cx_data.feedback (metric, score, responded_at) VALUES ('nps', 9, now())$$) <> 'done' AS refused; ROLLBACK;
BEGIN; DELETE FROM cx_data.program; :write; ROLLBACK;
BEGIN; ALTER TABLE cx_data.customer RENAME TO customer_before; CREATE TABLE cx_data.customer (LIKE cx_data.customer_before INCLUDING DEFAULTS, UNIQUE (code)) PARTITION BY HASH (code); :write; ROLLBACK;
BEGIN; ALTER TABLE cx_data.customer RENAME TO customer_before; CREATE VIEW cx_data.customer AS TABLE cx_data.customer_before; :write; ROLLBACK;
BEGIN; ALTER TABLE cx_data.customer RENAME TO customer_before; CREATE TABLE cx_data.customer (code text PRIMARY KEY, customer_id numeric UNIQUE, org_unit_id text, first_seen_at timestamptz); INSERT INTO cx_data.customer VALUES ('anna', 1, 'x'); :write; ROLLBACK;
BEGIN; ALTER TABLE cx_data.customer RENAME TO customer_before; CREATE TABLE cx_data.customer (code integer PRIMARY KEY, customer_id bigint UNIQUE, org_unit_id bigint, first_seen_at timestamptz); INSERT INTO cx_data.customer VALUES (1, 1); :write; ROLLBACK;
BEGIN; ALTER TABLE cx_data.tally_delta ALTER day TYPE text; :write; ROLLBACK;
BEGIN; ALTER TABLE cx_data.tally_delta ALTER touchpoint_id TYPE text; :write; ROLLBACK;
BEGIN; ALTER TABLE cx_data.tally_delta ALTER metric TYPE integer USING 1; :write; ROLLBACK;
BEGIN; ALTER TABLE cx_data.tally_delta ADD remark text NOT NULL; :write; ROLLBACK;
BEGIN; ALTER TABLE cx_data.tally_delta DROP COLUMN removed; :write; ROLLBACK;
BEGIN; ALTER TABLE cx_data.tally_delta ALTER added TYPE text; :write; ROLLBACK;
BEGIN; ALTER TABLE cx_data.feedback ALTER kind DROP DEFAULT; ALTER TABLE cx_data.feedback ALTER kind TYPE integer USING 1; :write; ROLLBACK;
BEGIN; ALTER TABLE cx_data.feedback ALTER score TYPE integer; :write; ROLLBACK;
BEGIN; ALTER TABLE cx_data.feedback ALTER responded_at DROP NOT NULL; INSERT INTO cx_data.feedback (metric, score) VALUES ('nps', 9); ROLLBACK;
BEGIN; ALTER TABLE cx_data.feedback DROP COLUMN metric; :write; ROLLBACK;
BEGIN; ALTER TABLE cx_data.feedback RENAME TO feedback_before; CREATE VIEW cx_data.feedback AS TABLE cx_data.feedback_before; :write; ROLLBACK;
BEGIN; ALTER TABLE cx_data.metric DROP CONSTRAINT metric_scale_max_check; INSERT INTO cx_data.metric (code, kind, scale_min, scale_max) VALUES ('wide', 'rating', 0, 30000); INSERT INTO cx_data.feedback (metric, score, responded_at) VALUES ('wide', 30000, now()); ROLLBACK;
BEGIN; ALTER TABLE cx_data.feedback DISABLE TRIGGER feedback_inserted; INSERT INTO cx_data.feedback (metric, score, responded_at) VALUES ('nps', 30000, now()), ('nps', -30000, 'infinity'), (NULL, 5, '-infinity'), ('nps', 5, '290000-01-01'); DELETE FROM cx_data.feedback; ROLLBACK;
BEGIN; CREATE TRIGGER wrong AFTER INSERT ON cx_data.feedback FOR EACH ROW EXECUTE FUNCTION cx.feedback_changed(); :write; ROLLBACK;
BEGIN; CREATE TRIGGER wrong BEFORE INSERT ON cx_data.feedback FOR EACH STATEMENT EXECUTE FUNCTION cx.event_changed(); :write; ROLLBACK;
BEGIN; CREATE TRIGGER wrong AFTER INSERT ON cx_data.feedback FOR EACH STATEMENT EXECUTE FUNCTION cx.feedback_changed(); :write; ROLLBACK;
BEGIN; CREATE TRIGGER wrong BEFORE INSERT ON cx_data.feedback FOR EACH ROW EXECUTE FUNCTION cx.catalog_changed(); :write; ROLLBACK;
BEGIN; CREATE TRIGGER wrong AFTER INSERT ON cx_data.feedback REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION cx.capture('feedback', 'answers', 'alias', 'feedback', 'key', 'feedback_id', 'responded_at', 'now()'); :write; ROLLBACK;
BEGIN; DROP TABLE cx_data.import_error; :write; ROLLBACK;
BEGIN; DROP SCHEMA cx_data CASCADE; :write; ROLLBACK;
:write;
RESET ROLE;
-- when the program is gone, so is capture; with the next one the table is attached anew
DROP SCHEMA cx_data CASCADE;
SELECT work.try('INSERT INTO work.answers VALUES (200)');
CALL cx.create_program();
SELECT work.try('INSERT INTO work.answers VALUES (200)');

\set ECHO none
SET client_min_messages = warning;
DROP FUNCTION pg_temp.drop_views;
DROP SCHEMA work CASCADE;
DROP TABLE loot;
DROP FUNCTION public.grab, public.steal, public.spy;
REVOKE CREATE ON SCHEMA public FROM cx_regress_evil;
SELECT format('REVOKE CREATE ON DATABASE %I FROM cx_regress_program, cx_regress_evil', current_database()) \gexec
CALL cx.drop_program(with_feedback => true);
DROP ROLE cx_regress_program, cx_regress_owner, cx_regress_app, cx_regress_evil, cx_regress_admin;
