-- Who may see what: levels of access, and row security by unit
\set ECHO none
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS cx;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, MDY';
SET extra_float_digits = 0;
SET jit = off;
CREATE ROLE cx_regress_program;
CREATE ROLE cx_regress_other;
CREATE ROLE cx_regress_app;
CREATE ROLE cx_regress_analyst LOGIN;
CREATE ROLE cx_regress_agent LOGIN;
CREATE ROLE cx_regress_manager LOGIN;
CREATE ROLE cx_regress_head LOGIN;
CREATE ROLE cx_regress_admin LOGIN;
CREATE ROLE cx_regress_shop;
CREATE ROLE cx_regress_member LOGIN IN ROLE cx_regress_shop;
CREATE ROLE "cx_regress Odd ""Role""" LOGIN;
SELECT format('GRANT CREATE ON DATABASE %I TO cx_regress_program', current_database()) \gexec
CREATE SCHEMA work;
GRANT USAGE ON SCHEMA work TO PUBLIC;
GRANT CREATE ON SCHEMA work TO cx_regress_app, cx_regress_admin;
-- runs a command; tells what became of it
CREATE FUNCTION work.try(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
BEGIN
	EXECUTE command;
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN concat_ws(' / ', SQLERRM, nullif(detail, ''));
END
$$;
-- a function that tells what it is given, so cheap that the planner would like to call it first
CREATE FUNCTION work.peek(anything anyelement) RETURNS boolean LANGUAGE plpgsql IMMUTABLE COST 0.0000001 AS $$
BEGIN
	RAISE INFO 'seen: %', anything;
	RETURN true;
END
$$;
-- all that a role may do with the program, without its name
CREATE FUNCTION work.privileges(role text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN (SELECT string_agg(concat_ws(' ', what, privilege), ', ' ORDER BY what, privilege)
		FROM (SELECT relname::text AS what, relacl AS acl FROM pg_class WHERE relnamespace = 'cx_data'::regnamespace
			UNION ALL SELECT relname || '.' || attname, attacl FROM pg_class AS c JOIN pg_attribute ON attrelid = c.oid WHERE relnamespace = 'cx_data'::regnamespace
			UNION ALL SELECT 'schema', nspacl FROM pg_namespace WHERE nspname = 'cx_data') AS object,
			aclexplode(acl) AS granted (grantor, grantee, privilege, is_grantable)
		WHERE grantee = (SELECT oid FROM pg_roles WHERE rolname = role));
END
$$;

SET ROLE cx_regress_program;
CALL cx.create_program();
INSERT INTO cx_data.org_unit (code, parent_id, tier) VALUES ('group', NULL, 1), ('east', 1, 2), ('west', 1, 2), ('berlin', 2, 3), ('dresden', 2, 3), ('bonn', 3, 3);
INSERT INTO cx_data.staff (code, org_unit_id, db_role, contact) VALUES ('anna', 4, 'cx_regress_agent', '+49 30'), ('emil', 2, 'cx_regress_manager', '+49 31'),
	('gina', NULL, 'cx_regress_head', '+49 32'), ('odd', 3, 'cx_regress Odd "Role"', '+49 33'), ('till', 6, 'cx_regress_shop', '+49 34');
UPDATE cx_data.org_unit SET manager_id = 3 WHERE code = 'group';
INSERT INTO cx_data.customer (code, name, org_unit_id, attributes)
SELECT 'c' || i, 'Name ' || i, nullif(i, 7), jsonb_build_object('phone', i) FROM generate_series(1, 7) AS i;
INSERT INTO cx_data.customer_identity (kind, value, customer_id) SELECT 'phone', '0' || i, i FROM generate_series(1, 7) AS i;
INSERT INTO cx_data.customer_risk (customer_id, model, version, risk) SELECT i, 'churn', 1, 0.5 FROM generate_series(1, 7) AS i;
INSERT INTO cx_data.tag (code) VALUES ('vip');
INSERT INTO cx_data.customer_tag (customer_id, tag_id, valid_from) SELECT i, 1, '2026-01-01' FROM generate_series(1, 7) AS i;
INSERT INTO cx_data.journey (code, owner_unit_id) VALUES ('buy', 1);
INSERT INTO cx_data.stage (journey_id, code) VALUES (1, 'pay');
INSERT INTO cx_data.touchpoint (code, stage_id) VALUES ('till', 1), ('app', 1);
SELECT cx.publish_journey('buy', '2026-01-01') \gset
-- units 1 to 6, and 7 for none: 10 answers by each day of March
INSERT INTO cx_data.feedback (customer_id, touchpoint_id, org_unit_id, metric, score, responded_at, comment, attributes)
SELECT u, 1 + day % 2, nullif(u, 7), 'nps', (u + day + n) % 11, timestamptz '2026-03-01 12:00Z' + day * interval '1 day', 'secret of unit ' || u, '{"deep": true}'
FROM generate_series(1, 7) AS u, generate_series(0, 30) AS day, generate_series(1, 10) AS n;
CALL cx.maintain();
INSERT INTO cx_data.feedback (customer_id, touchpoint_id, org_unit_id, metric, score, responded_at) SELECT u, 1, nullif(u, 7), 'nps', 10, '2026-03-31 18:00Z' FROM generate_series(1, 7) AS u;
INSERT INTO cx_data.event (customer_id, org_unit_id, name, value, occurred_at, attributes) SELECT u, nullif(u, 7), 'visit', u, '2026-03-20', '{"basket": "secret"}' FROM generate_series(1, 7) AS u;
INSERT INTO cx_data.source (name, kind) VALUES ('calls', 'event');
INSERT INTO cx_data.import_error (source_id, source_key, sqlstate, message) VALUES (1, '0171', '22P02', 'invalid input syntax for type integer: "0171"');
RESET ROLE;
ALTER ROLE cx_regress_analyst SET cx.as_of = '2026-04-01 12:00Z';
RESET client_min_messages;
SET cx.as_of = '2026-04-01 12:00Z';

-- what each role sees: rows of tables and of views, and their units
CREATE FUNCTION work.rows_of(relation text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	found text;
BEGIN
	IF NOT has_any_column_privilege(format('cx_data.%I', relation), 'SELECT') THEN
		RETURN 'not for you';
	END IF;
	EXECUTE format('SELECT count(*) || coalesce('' ('' || string_agg(DISTINCT org_unit_id::text, '','' ORDER BY org_unit_id::text) || '')'', '''') FROM cx_data.%I', relation) INTO found;
	RETURN found;
EXCEPTION WHEN undefined_column THEN
	EXECUTE format('SELECT count(*) FROM cx_data.%I', relation) INTO found;
	RETURN found;
END
$$;
\set sees 'SELECT name, work.rows_of(name) AS "rows (units)" FROM unnest(\'{customer,customer_churn_risk,customer_identity,customer_risk,customer_tag,event,feedback,feedback_detail,org_unit,risk_history,staff,tally_daily,tally_delta,tally_hourly,tally_live,unit_daily,unit_score}\'::text[]) AS name'
\set scores 'SELECT touchpoint, round(value) AS value, responses, (SELECT sum(responses) FROM cx_data.touchpoint_daily) AS of_all_days FROM cx_data.touchpoint_score ORDER BY 1'
\set ECHO all

-- who may give levels, and which
SET ROLE cx_regress_other;
CALL cx.grant_access('cx_regress_other', 'admin');
CALL cx.revoke_access('cx_regress_other');
CALL cx.enable_row_security();
CALL cx.disable_row_security();
SET ROLE cx_regress_program;
CALL cx.grant_access('cx_regress_analyst', 'boss');
CALL cx.grant_access('cx_regress_analyst', NULL);
CALL cx.grant_access(NULL, 'analyst');
CALL cx.grant_access('cx_regress_nobody', 'analyst');
CALL cx.grant_access('public', 'analyst');
CALL cx.grant_access('cx_regress_program', 'agent');
CALL cx.revoke_access('cx_regress_analyst');
\set VERBOSITY default
\set SHOW_CONTEXT never
CALL cx.grant_access('cx_regress_analyst', 'Analyst');
CALL cx.grant_access('"cx_regress_analyst"', 'analyst');
CALL cx.grant_access('cx_regress_agent', 'agent');
\set VERBOSITY terse
CALL cx.grant_access('cx_regress_analyst', 'analyst');
CALL cx.grant_access('cx_regress_manager', 'manager');
CALL cx.grant_access('cx_regress_head', 'manager');
CALL cx.grant_access('cx_regress_admin', 'admin');
CALL cx.grant_access('cx_regress_shop', 'agent');
CALL cx.grant_access('cx_regress Odd "Role"', 'manager');
SELECT role, level FROM cx_data.access ORDER BY access_id;
RESET ROLE;

-- columns that levels do not read, and texts that analysts do: whoever adds a column decides about it here
SELECT level, string_agg(relname || '.' || attname, ', ' ORDER BY relname COLLATE "C", attnum) AS not_readable
FROM cx_data.access
CROSS JOIN pg_class AS c JOIN pg_attribute ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped
WHERE relnamespace = 'cx_data'::regnamespace AND relkind IN ('r', 'v') AND relname NOT IN ('access', 'customer_identity', 'journey_note', 'persona')
	AND role IN ('cx_regress_analyst', 'cx_regress_agent', 'cx_regress_manager', 'cx_regress_admin') AND has_any_column_privilege(role, c.oid, 'SELECT') AND NOT has_column_privilege(role, c.oid, attnum, 'SELECT')
GROUP BY level ORDER BY level;
SELECT level, relname, string_agg(attname, ', ' ORDER BY attnum) AS readable
FROM cx_data.access
CROSS JOIN pg_class AS c JOIN pg_attribute ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped
WHERE relnamespace = 'cx_data'::regnamespace AND relname IN ('access', 'customer_identity', 'journey_note', 'persona')
	AND role IN ('cx_regress_analyst', 'cx_regress_agent', 'cx_regress_manager', 'cx_regress_admin') AND has_column_privilege(role, c.oid, attnum, 'SELECT')
GROUP BY level, relname ORDER BY relname, level;
SELECT relname, string_agg(attname, ', ' ORDER BY attnum) AS texts_that_analysts_read
FROM pg_class AS c JOIN pg_attribute ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND atttypid IN ('text'::regtype, 'jsonb'::regtype)
WHERE relnamespace = 'cx_data'::regnamespace AND relkind = 'r' AND has_column_privilege('cx_regress_analyst', c.oid, attnum, 'SELECT')
GROUP BY relname ORDER BY relname COLLATE "C";
-- what they write
SELECT level, privilege, string_agg(relation || coalesce(' ' || columns::text, ''), ', ' ORDER BY relation COLLATE "C") AS relations
FROM unnest('{analyst,agent,manager,admin}'::text[]) AS level, cx.privileges_of_level(level) WHERE privilege <> 'SELECT' GROUP BY level, privilege ORDER BY level, privilege;

-- a level in place of another one equals a fresh one, and takes back what was granted by hand
GRANT ALL ON ALL TABLES IN SCHEMA cx_data TO cx_regress_other;
GRANT UPDATE (score) ON cx_data.feedback TO cx_regress_other;
CALL cx.grant_access('cx_regress_other', 'admin');
SELECT work.privileges('cx_regress_other') = work.privileges('cx_regress_admin') AS equal;
CALL cx.grant_access('cx_regress_other', 'agent');
SELECT work.privileges('cx_regress_other') = work.privileges('cx_regress_agent') AS equal;
CALL cx.grant_access('cx_regress_other', 'analyst');
CALL cx.grant_access('cx_regress_other', 'analyst');
SELECT work.privileges('cx_regress_other') = work.privileges('cx_regress_analyst') AS equal, length(work.privileges('cx_regress_analyst')) > 1000 AS something;
CALL cx.revoke_access('cx_regress_other');
SELECT work.privileges('cx_regress_other');
CALL cx.revoke_access('cx_regress_other');
SET SESSION AUTHORIZATION cx_regress_other;
SELECT count(*) FROM cx_data.touchpoint_score;
RESET SESSION AUTHORIZATION;

-- without row security all see all rows, in the columns of their level
SET SESSION AUTHORIZATION cx_regress_agent;
:sees;
RESET SESSION AUTHORIZATION;

-- with it, every table with a unit or a customer
SET ROLE cx_regress_program;
CALL cx.enable_row_security();
CALL cx.enable_row_security();
RESET ROLE;
SELECT relname, relrowsecurity, relforcerowsecurity, polname, CASE WHEN pg_get_expr(polqual, polrelid) ~ 'visible_units' THEN 'by unit' WHEN pg_get_expr(polqual, polrelid) ~ 'ticket_id' THEN 'by ticket' ELSE 'by customer' END AS visible
FROM pg_class AS c LEFT JOIN pg_policy ON polrelid = c.oid
WHERE relnamespace = 'cx_data'::regnamespace AND relkind = 'r' AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname IN ('org_unit_id', 'customer_id', 'ticket_id')) ORDER BY relname COLLATE "C";
:sees;

-- an analyst: all rows of all views, but neither comments nor identities nor contacts
SET SESSION AUTHORIZATION cx_regress_analyst;
SET cx.as_of = '2026-04-01 12:00Z';
SELECT current_user, cx.sees_all_units(), cx.visible_units();
:sees;
:scores;
SELECT command, work.try(command) FROM unnest(ARRAY[
	'SELECT comment FROM cx_data.feedback', 'SELECT attributes FROM cx_data.feedback', 'SELECT * FROM cx_data.feedback', 'SELECT attributes FROM cx_data.event', 'SELECT attributes FROM cx_data.customer',
	'SELECT kind FROM cx_data.customer_identity', 'SELECT contact FROM cx_data.staff', 'SELECT db_role FROM cx_data.staff', 'SELECT message FROM cx_data.import_error', 'SELECT FROM cx_data.access',
	$$SELECT * FROM cx.customer_timeline('c1')$$, $$SELECT cx.publish_journey('buy')$$, $$INSERT INTO cx_data.feedback (responded_at) VALUES (now())$$, 'UPDATE cx_data.customer SET name = NULL', 'DELETE FROM cx_data.event', 'TRUNCATE cx_data.feedback',
	$$INSERT INTO cx_data.journey_note (stage_id, kind, body) VALUES (1, 'thought', 'hm')$$, 'CREATE TABLE cx_data.mine (x integer)', 'CALL cx.maintain()', 'CALL cx.rebuild_tallies()', 'CALL cx.grant_access(current_user, $$admin$$)', 'CALL cx.disable_row_security()']) AS command;
SELECT source, error_rows, last_error FROM cx_data.source_status;
-- every view
SELECT relname, work.try(format('SELECT * FROM cx_data.%I', relname)) FROM pg_class WHERE relnamespace = 'cx_data'::regnamespace AND relkind = 'v' ORDER BY relname COLLATE "C";

-- an agent: the rows of his unit, with comments
SET SESSION AUTHORIZATION cx_regress_agent;
SELECT current_user, cx.sees_all_units(), cx.visible_units();
:sees;
:scores;
SELECT DISTINCT comment, attributes FROM cx_data.feedback WHERE comment IS NOT NULL;
SELECT kind, value, customer.attributes FROM cx_data.customer_identity JOIN cx_data.customer USING (customer_id);
SELECT code, org_unit, last_nps_score, feedback_count, tags, event_90_day_count FROM cx_data.customer_profile;
SELECT org_unit, responses, tier FROM cx_data.unit_score;
SELECT journey, round(value) AS value, responses FROM cx_data.journey_score;
SELECT happened_at, what, detail FROM cx.customer_timeline('c4') WHERE what <> 'feedback' OR happened_at >= '2026-03-31';
SELECT * FROM cx.customer_timeline('c1');
SELECT work.try(format('SELECT * FROM cx_data.%I', relname)) AS every_view, count(*) > 10 AS many FROM pg_class WHERE relnamespace = 'cx_data'::regnamespace AND relkind = 'v' GROUP BY 1;
SELECT command, work.try(command) FROM unnest(ARRAY[
	'SELECT contact FROM cx_data.staff', 'SELECT db_role FROM cx_data.staff', 'SELECT message FROM cx_data.import_error', 'SELECT FROM cx_data.access', 'SELECT cx.role_sees_all(1)',
	$$SELECT cx.as_program_owner('grant_access', '{"role": "cx_regress_agent", "level": "admin"}')$$, $$SELECT cx.as_program_owner('row_security', '{"enable": false}')$$, $$SELECT cx.apply_level('cx_regress_agent', 'admin')$$,
	$$INSERT INTO cx_data.feedback (responded_at) VALUES (now())$$, 'UPDATE cx_data.feedback SET score = 0', 'DELETE FROM cx_data.customer', 'UPDATE cx_data.staff SET org_unit_id = 1', 'UPDATE cx_data.org_unit SET parent_id = NULL',
	$$INSERT INTO cx_data.journey_note (stage_id, kind, body) VALUES (1, 'pain_point', 'the queue')$$, $$INSERT INTO cx_data.journey_note (stage_id, kind, body, author) VALUES (1, 'thought', 'mine', 'somebody else')$$, 'DELETE FROM cx_data.journey_note']) AS command;
SELECT body, author FROM cx_data.journey_note;
-- cheap functions and errors see no other rows, neither in tables nor through views
SELECT count(*) FROM (SELECT DISTINCT comment FROM cx_data.feedback) AS f;
SELECT code FROM cx_data.customer WHERE work.peek(name);
SELECT count(*) FROM (SELECT FROM cx_data.feedback WHERE work.peek(comment) AND responded_at = '2026-03-05 12:00Z' LIMIT 1) AS f;
SELECT count(DISTINCT customer) FROM cx_data.feedback_detail WHERE work.peek(customer_name) AND responded_at = '2026-03-31 18:00Z';
SELECT code FROM cx_data.customer_profile WHERE work.peek(name);
SELECT count(*) FROM cx_data.tally_live WHERE work.peek(org_unit_id) AND hour = '2026-03-31 18:00Z';
SELECT org_unit FROM cx_data.unit_score WHERE work.peek(org_unit);
SELECT value FROM cx_data.customer_identity WHERE work.peek(value);
SELECT count(*) FROM cx_data.event WHERE 1 / (org_unit_id - 1) > 0 OR 1 / (org_unit_id - 2) > 0;
SELECT count(*) FROM pg_stats WHERE schemaname = 'cx_data' AND tablename IN ('feedback', 'customer');
SET row_security = off;
SELECT count(*) FROM cx_data.feedback;
RESET row_security;
COPY cx_data.customer (code) TO STDOUT;
SET ROLE cx_regress_program;

-- a manager: his unit and all below; one who manages a unit without working in it; one with an odd name
SET SESSION AUTHORIZATION cx_regress_manager;
SELECT current_user, cx.sees_all_units(), cx.visible_units();
:sees;
:scores;
SELECT org_unit, responses, tier FROM cx_data.unit_score ORDER BY 1;
SELECT code, contact FROM cx_data.staff ORDER BY 1;
SELECT command, work.try(command) FROM unnest(ARRAY['SELECT db_role FROM cx_data.staff', 'UPDATE cx_data.feedback SET score = 0', 'UPDATE cx_data.staff SET org_unit_id = 1',
	$$INSERT INTO cx_data.journey_note (touchpoint_id, kind, body) VALUES (1, 'opportunity', 'a second till')$$]) AS command;
SELECT work.try(format('SELECT * FROM cx_data.%I', relname)) AS every_view, count(*) > 10 AS many FROM pg_class WHERE relnamespace = 'cx_data'::regnamespace AND relkind = 'v' GROUP BY 1;
SET SESSION AUTHORIZATION cx_regress_head;
SELECT current_user, cx.sees_all_units(), cx.visible_units();
:scores;
SELECT org_unit, responses, tier FROM cx_data.unit_score ORDER BY 1;
SET SESSION AUTHORIZATION "cx_regress Odd ""Role""";
SELECT current_user, cx.sees_all_units(), cx.visible_units();
SELECT count(*), min(comment), max(comment) FROM cx_data.feedback;

-- a member of a role sees what that role sees
SET SESSION AUTHORIZATION cx_regress_member;
SELECT current_user, cx.sees_all_units(), cx.visible_units();
SELECT count(*), min(comment), max(comment) FROM cx_data.feedback;
-- one without a level nothing, whatever was granted to him
RESET SESSION AUTHORIZATION;
GRANT USAGE ON SCHEMA cx_data TO cx_regress_other;
GRANT SELECT ON ALL TABLES IN SCHEMA cx_data TO cx_regress_other;
GRANT INSERT, UPDATE, DELETE ON cx_data.feedback, cx_data.event, cx_data.ticket, cx_data.touchpoint, cx_data.metric TO cx_regress_other;
SET SESSION AUTHORIZATION cx_regress_other;
:sees;
SELECT command, work.try(command) FROM unnest(ARRAY[
	$$INSERT INTO cx_data.feedback (org_unit_id, responded_at) VALUES (4, '2026-04-01')$$, $$DELETE FROM cx_data.touchpoint WHERE code = 'app'$$, $$DELETE FROM cx_data.metric WHERE code = 'nps'$$]) AS command;
RESET SESSION AUTHORIZATION;
REVOKE ALL ON ALL TABLES IN SCHEMA cx_data FROM cx_regress_other;

-- an agent who may also write, by a grant made by hand: rows of his unit only, and no error tells of others than that a key exists
GRANT INSERT, UPDATE, DELETE ON cx_data.feedback TO cx_regress_agent;
UPDATE cx_data.feedback SET source_id = 1, source_key = 'k' || org_unit_id WHERE feedback_id IN (SELECT max(feedback_id) FROM cx_data.feedback GROUP BY org_unit_id);
SET SESSION AUTHORIZATION cx_regress_agent;
SELECT command, work.try(command) FROM unnest(ARRAY[
	$$INSERT INTO cx_data.feedback (org_unit_id, responded_at) VALUES (4, '2026-04-01')$$, $$INSERT INTO cx_data.feedback (org_unit_id, responded_at) VALUES (5, '2026-04-01')$$, $$INSERT INTO cx_data.feedback (org_unit_id, responded_at) VALUES (NULL, '2026-04-01')$$,
	$$UPDATE cx_data.feedback SET org_unit_id = 5 WHERE kind = 'survey' AND metric IS NULL$$,
	$$INSERT INTO cx_data.feedback (org_unit_id, responded_at, source_id, source_key) VALUES (4, '2026-04-01', 1, 'k5')$$,
	$$INSERT INTO cx_data.feedback (org_unit_id, responded_at, source_id, source_key) VALUES (4, '2026-04-01', 1, 'k5') ON CONFLICT ON CONSTRAINT feedback_source_key DO UPDATE SET comment = 'mine'$$,
	$$INSERT INTO cx_data.feedback (org_unit_id, responded_at, customer_id) VALUES (4, '2026-04-01', 99)$$]) AS command;
WITH changed AS (UPDATE cx_data.feedback SET comment = 'read' WHERE responded_at = '2026-03-31 18:00Z' RETURNING org_unit_id) SELECT count(*), max(org_unit_id) FROM changed;
WITH gone AS (DELETE FROM cx_data.feedback WHERE metric IS NULL RETURNING org_unit_id) SELECT count(*), max(org_unit_id) FROM gone;
RESET SESSION AUTHORIZATION;
REVOKE INSERT, UPDATE, DELETE ON cx_data.feedback FROM cx_regress_agent;

-- an admin: everything, and attaches his tables; but what cx keeps for itself is the owner's
SET SESSION AUTHORIZATION cx_regress_admin;
SELECT current_user, cx.sees_all_units(), cx.visible_units();
:sees;
SELECT comment, contact, message FROM cx_data.feedback, cx_data.staff, cx_data.import_error WHERE feedback_id = 1 AND staff.code = 'anna';
INSERT INTO cx_data.customer (code) VALUES ('new');
INSERT INTO cx_data.feedback (customer_id, touchpoint_id, org_unit_id, metric, score, responded_at) VALUES (1, 1, 5, 'nps', 3, '2026-03-31'), (1, 1, NULL, 'nps', 3, '2026-03-31');
UPDATE cx_data.feedback SET score = 4, org_unit_id = 6 WHERE responded_at = '2026-03-31';
DELETE FROM cx_data.feedback WHERE responded_at = '2026-03-31';
DELETE FROM cx_data.customer WHERE code = 'new';
UPDATE cx_data.touchpoint SET name = 'Till' WHERE code = 'till';
SELECT cx.publish_journey('buy', '2026-03-31');
CREATE TABLE work.call (id integer PRIMARY KEY, who text, shop text, score integer);
SELECT cx.attach_feedback('phone', 'work.call', key => 'id', customer => 'who', org_unit => 'shop', metric => $$'nps'$$, score => 'score', responded_at => $$timestamptz '2026-03-30 09:00Z'$$);
SELECT command, work.try(command) FROM unnest(ARRAY[
	'DELETE FROM cx_data.tally_hourly', 'UPDATE cx_data.program SET relations = NULL', $$UPDATE cx_data.program SET time_zone = 'UTC'$$, $$UPDATE cx_data.access SET level = 'admin'$$, 'DELETE FROM cx_data.touchpoint', 'TRUNCATE cx_data.feedback',
	'CALL cx.grant_access(current_user, $$admin$$)', 'CALL cx.disable_row_security()', 'CALL cx.drop_program(true)']) AS command;
GRANT INSERT, UPDATE, DELETE, SELECT ON work.call TO cx_regress_agent, cx_regress_app;

-- capturing and counting see everything, whoever writes
SET SESSION AUTHORIZATION cx_regress_agent;
INSERT INTO work.call VALUES (1, 'c1', 'group', 9), (2, 'c4', 'berlin', 9), (3, 'brand new', 'bonn', 0), (4, 'c6', NULL, 5);
UPDATE work.call SET score = 10 - score WHERE id <> 2;
DELETE FROM work.call WHERE id = 4;
SELECT customer, org_unit, score, source FROM cx_data.feedback_detail WHERE responded_at = '2026-03-30 09:00Z' ORDER BY 1;
RESET SESSION AUTHORIZATION;
SELECT customer, org_unit, score, source FROM cx_data.feedback_detail WHERE responded_at = '2026-03-30 09:00Z' ORDER BY 1;
SET ROLE cx_regress_program;
CALL cx.maintain();
SELECT count(*) FROM cx_data.tally_delta;
RESET ROLE;
SELECT sum(cx.responses(tally)) = (SELECT count(*) FROM cx_data.feedback WHERE score IS NOT NULL) AS exact FROM cx_data.tally_live;
CREATE TABLE kept AS SELECT * FROM cx_data.tally_live;
SET ROLE cx_regress_program;
CALL cx.rebuild_tallies();
RESET ROLE;
(TABLE kept EXCEPT ALL TABLE cx_data.tally_live) UNION ALL (TABLE cx_data.tally_live EXCEPT ALL TABLE kept);
SET SESSION AUTHORIZATION cx_regress_admin;
SELECT (cx.sync_source('phone')).*;
SELECT cx.detach_source('phone', false);
RESET SESSION AUTHORIZATION;

-- units and staff that move, at once; a circle of units comes to an end
UPDATE cx_data.org_unit SET parent_id = 3 WHERE code = 'dresden';
UPDATE cx_data.staff SET org_unit_id = 5 WHERE code = 'anna';
SET SESSION AUTHORIZATION cx_regress_manager;
SELECT cx.visible_units();
SET SESSION AUTHORIZATION cx_regress_agent;
SELECT cx.visible_units();
RESET SESSION AUTHORIZATION;
BEGIN;
SET LOCAL session_replication_role = replica;
UPDATE cx_data.org_unit SET parent_id = 4 WHERE code = 'group';
SET LOCAL session_replication_role = origin;
SET SESSION AUTHORIZATION cx_regress_manager;
SELECT cx.visible_units();
SELECT org_unit, responses FROM cx_data.unit_score ORDER BY 1;
RESET SESSION AUTHORIZATION;
ROLLBACK;
UPDATE cx_data.org_unit SET parent_id = 2 WHERE code = 'dresden';
UPDATE cx_data.staff SET org_unit_id = 4 WHERE code = 'anna';

-- in parallel, the same
SET SESSION AUTHORIZATION cx_regress_manager;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT count(*), min(org_unit_id), max(org_unit_id) FROM cx_data.feedback;
:scores;
RESET SESSION AUTHORIZATION;

-- upgrading covers what a later version brings, for every level, and keeps to what cx made
SET ROLE cx_regress_program;
ALTER TABLE cx_data.customer ADD COLUMN iban text DEFAULT 'DE1';
CREATE TABLE cx_data.own (org_unit_id bigint, remark text);
CREATE POLICY own_rule ON cx_data.tally_daily AS RESTRICTIVE USING (day <> '2026-03-02');
CREATE TABLE cx_data.visit (visit_id bigint, customer_id bigint, org_unit_id bigint, title text);
CREATE TABLE cx_data.visit_message (customer_id bigint, body text);
CREATE VIEW cx_data.visit_list WITH (security_invoker = true) AS SELECT visit_id, title, customer.code FROM cx_data.visit LEFT JOIN cx_data.customer USING (customer_id);
INSERT INTO cx_data.visit SELECT i, i, nullif(i, 7), 'visit ' || i FROM generate_series(1, 7) AS i;
INSERT INTO cx_data.visit_message SELECT i, 'message ' || i FROM generate_series(1, 7) AS i;
UPDATE cx_data.program SET relations = relations || '{visit,visit_message,visit_list}'::text[],
	columns = columns || '{visit.visit_id,visit.customer_id,visit.org_unit_id,visit.title,visit_message.customer_id,visit_message.body}'::text[];
SET client_min_messages = warning;
CALL cx.upgrade_program();
RESET client_min_messages;
RESET ROLE;
SELECT relname, relrowsecurity, string_agg(polname, ', ' ORDER BY polname) AS policies FROM pg_class AS c LEFT JOIN pg_policy ON polrelid = c.oid
WHERE relnamespace = 'cx_data'::regnamespace AND relname IN ('own', 'visit', 'visit_message', 'tally_daily') GROUP BY c.oid, relname ORDER BY relname;
SET SESSION AUTHORIZATION cx_regress_manager;
SELECT * FROM cx_data.visit_list ORDER BY 1;
SELECT command, work.try(command) FROM unnest(ARRAY['SELECT FROM cx_data.visit_message', 'SELECT FROM cx_data.own', 'SELECT iban FROM cx_data.customer']) AS command;
SELECT min(day), count(*) FROM cx_data.tally_daily;
SET SESSION AUTHORIZATION cx_regress_admin;
SELECT command, work.try(command) FROM unnest(ARRAY['SELECT FROM cx_data.visit_message', 'SELECT FROM cx_data.own', 'SELECT iban FROM cx_data.customer']) AS command;
RESET SESSION AUTHORIZATION;
CALL cx.grant_access('cx_regress_other', 'manager');
SELECT work.privileges('cx_regress_other') = work.privileges('cx_regress_manager') AS renewed_equals_fresh;
CALL cx.revoke_access('cx_regress_other');

-- roles that are dropped: with revoke_access, without it, and with another one of that name after it
DROP ROLE "cx_regress Odd ""Role""";
CALL cx.revoke_access('cx_regress Odd "Role"');
DROP ROLE "cx_regress Odd ""Role""";
DROP OWNED BY cx_regress_head;
DROP ROLE cx_regress_head;
DROP OWNED BY cx_regress_shop;
DROP ROLE cx_regress_shop;
CREATE ROLE cx_regress_shop;
SELECT role FROM cx_data.access ORDER BY access_id;
SET client_min_messages = warning;
CALL cx.upgrade_program();
RESET client_min_messages;
SELECT role FROM cx_data.access ORDER BY access_id;
SELECT work.privileges('cx_regress_shop');
SET SESSION AUTHORIZATION cx_regress_member;
SELECT cx.visible_units();
RESET SESSION AUTHORIZATION;

-- who views a table through somebody else's eyes sees what both may see
CREATE VIEW work.of_admin AS SELECT org_unit_id FROM cx_data.feedback;
ALTER VIEW work.of_admin OWNER TO cx_regress_admin;
CREATE VIEW work.of_owner AS SELECT org_unit_id FROM cx_data.feedback;
ALTER VIEW work.of_owner OWNER TO cx_regress_program;
GRANT SELECT ON work.of_admin, work.of_owner TO cx_regress_agent;
SET SESSION AUTHORIZATION cx_regress_agent;
SELECT count(DISTINCT org_unit_id) FROM work.of_admin;
SELECT count(DISTINCT org_unit_id) FROM work.of_owner;
RESET SESSION AUTHORIZATION;

-- off again: policies of the user's stay, and row security with them
CALL cx.disable_row_security();
CALL cx.disable_row_security();
SELECT relname, polname FROM pg_class AS c LEFT JOIN pg_policy ON polrelid = c.oid WHERE relnamespace = 'cx_data'::regnamespace AND (relrowsecurity OR polname IS NOT NULL);
SET SESSION AUTHORIZATION cx_regress_agent;
SELECT count(*) FROM cx_data.feedback;
RESET SESSION AUTHORIZATION;
CALL cx.enable_row_security();

-- all of it goes with the program
DROP TABLE cx_data.own;
DROP VIEW work.of_admin, work.of_owner;
SET client_min_messages = warning;
CALL cx.drop_program(with_feedback => true);
SELECT cx.visible_units();
CALL cx.grant_access('cx_regress_agent', 'agent');
CALL cx.enable_row_security();
DROP SCHEMA work CASCADE;
DROP TABLE kept;
SELECT format('REVOKE CREATE ON DATABASE %I FROM cx_regress_program', current_database()) \gexec
DROP ROLE cx_regress_program, cx_regress_other, cx_regress_app, cx_regress_analyst, cx_regress_agent, cx_regress_manager, cx_regress_admin, cx_regress_shop, cx_regress_member;
