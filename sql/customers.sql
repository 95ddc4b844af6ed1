-- One person, one customer; and forgetting a person
\set ECHO none
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS cx;
-- without JIT compilation, which takes a minute where a server is set to use it for all queries; capture runs with it
SET jit = off;
SET TimeZone = 'America/New_York';
SET DateStyle = 'ISO, MDY';
SET IntervalStyle = 'sql_standard';
-- without a program
SELECT cx.identify('phone', '1');
SELECT cx.merge_customers('a', 'b');
SELECT * FROM cx.erase_customer('a');
CALL cx.create_program('Europe/Berlin');
RESET client_min_messages;
INSERT INTO cx_data.org_unit (code) VALUES ('east'), ('west');
INSERT INTO cx_data.touchpoint (code) VALUES ('shop');
INSERT INTO cx_data.tag (code) VALUES ('vip'), ('late');
ALTER TABLE cx_data.customer ADD COLUMN loyalty numeric DEFAULT 1.10 NOT NULL, ADD COLUMN twice numeric GENERATED ALWAYS AS (loyalty * 2) STORED;
INSERT INTO cx_data.customer (code, name, segment, org_unit_id, attributes, loyalty, first_seen_at) VALUES
	('anna', 'Anna Ängström', 'consumer', 1, '{"mail": "anna@example.org", "plan": {"name": "Annaplan"}}', 2.50, '2026-01-01'),
	('ann', 'Ann A.', NULL, 2, '{}', 1.10, '2025-12-01'), ('anne', NULL, NULL, NULL, '{}', 1, '2026-11-01'), ('bob', 'Bob', NULL, 1, '{"mail": "bob@example.org"}', 1, '2026-01-01');
CREATE TABLE answer (id integer PRIMARY KEY, who text, place text DEFAULT 'shop', score text, words text, at timestamptz DEFAULT '2026-03-01 12:00+00');
CREATE TABLE call (id text PRIMARY KEY, phone text, at timestamptz DEFAULT '2026-03-02 12:00+00');
CREATE VIEW call_view AS SELECT *, at AS changed_at FROM call;
-- tables of later rooms, and of the user: one row for each customer, no key at all, no overlap
CREATE TABLE cx_data.risk (customer_id bigint PRIMARY KEY REFERENCES cx_data.customer, value double precision, of interval);
CREATE TABLE cx_data.message (customer_id bigint, sent_at timestamptz, subject text NOT NULL, body text, payload json NOT NULL DEFAULT '{}', size integer) PARTITION BY RANGE (sent_at);
CREATE TABLE cx_data.message_all PARTITION OF cx_data.message DEFAULT;
CREATE TABLE loan (loan_id integer, borrower bigint REFERENCES cx_data.customer (customer_id), book text);
CREATE VIEW facts AS
SELECT 'feedback' AS what, source_key COLLATE "C" AS key, c.code COLLATE "C" AS customer, u.code AS unit, f.score::text AS detail, f.comment FROM cx_data.feedback AS f LEFT JOIN cx_data.customer AS c USING (customer_id) LEFT JOIN cx_data.org_unit AS u ON u.org_unit_id = f.org_unit_id
UNION ALL SELECT 'event', source_key, c.code, u.code, e.name, e.attributes::text FROM cx_data.event AS e LEFT JOIN cx_data.customer AS c USING (customer_id) LEFT JOIN cx_data.org_unit AS u ON u.org_unit_id = e.org_unit_id
UNION ALL SELECT 'identity', kind || ' ' || value, c.code, NULL, NULL, NULL FROM cx_data.customer_identity JOIN cx_data.customer AS c USING (customer_id)
UNION ALL SELECT 'tag', t.code, c.code, NULL, valid_from::text, NULL FROM cx_data.customer_tag JOIN cx_data.tag AS t USING (tag_id) JOIN cx_data.customer AS c USING (customer_id)
UNION ALL SELECT 'risk', NULL, c.code, NULL, value::text, of::text FROM cx_data.risk JOIN cx_data.customer AS c USING (customer_id)
UNION ALL SELECT 'message', NULL, c.code, NULL, subject, body FROM cx_data.message LEFT JOIN cx_data.customer AS c USING (customer_id)
UNION ALL SELECT 'loan', loan_id::text, c.code, NULL, book, NULL FROM loan LEFT JOIN cx_data.customer AS c ON customer_id = borrower
UNION ALL SELECT 'customer', NULL, code, NULL, to_jsonb(customer)::text, NULL FROM (SELECT customer_id, code, name, segment, org_unit_id, attributes, first_seen_at, loyalty, twice FROM cx_data.customer) AS customer;
CREATE FUNCTION tallies() RETURNS TABLE (tally text) LANGUAGE sql AS $$
	SELECT concat_ws(' ', touchpoint_id, org_unit_id, hour, metric, tally) FROM cx_data.tally_live ORDER BY 1
$$;
-- where strings of Anna's are found
CREATE FUNCTION strings() RETURNS TABLE (found_in name, found_row text) LANGUAGE plpgsql AS $$
BEGIN
	FOR found_in IN SELECT relname FROM pg_class WHERE relnamespace = 'cx_data'::regnamespace AND relkind = 'r' ORDER BY relname LOOP
		RETURN QUERY EXECUTE format($q$SELECT %1$L::name, t::text FROM cx_data.%1$I AS t
			WHERE t::text ~* '\m(anna|ann|anne|anna@example\.org|annaplan|dear ann.*|crm-017|fine|slow|never|five|six|seven)\M|Ängström|\+49 [12]'$q$, found_in);
	END LOOP;
END
$$;
\set ECHO all

SELECT cx.attach_feedback('answers', 'answer', key => $$id || ' of ' || who$$, customer => 'who', touchpoint => 'place', metric => $$'nps'$$, score => 'score', responded_at => 'at', comment => 'words',
	attributes => $$jsonb_build_object('words', words)$$, on_error => 'record');
SELECT cx.attach_event('calls', 'call', key => 'id', customer => 'phone', customer_kind => 'phone', name => $$'call'$$, occurred_at => 'at', attributes => $$jsonb_build_object('from', phone)$$);
SELECT cx.attach_event('pulled calls', 'call_view', key => 'id', customer => 'phone', customer_kind => 'phone', name => $$'pulled'$$, occurred_at => 'at', changed_at => 'changed_at');

-- names
SELECT cx.identify('phone', '+49 1', 'anna') = cx.identify('code', 'anna') AS noted;
SELECT cx.identify('phone', '+49 1', 'anna') = cx.identify('phone', '+49 1') AS again, cx.identify('phone', '+49 1', NULL) = cx.identify('code', 'anna') AS found;
SELECT cx.identify('phone', '+49 2', 'ann') = cx.identify('code', 'ann') AS noted, cx.identify('phone', '+49  1') AS blanks_matter, cx.identify('phone', NULL) AS none, cx.identify('crm', '+49 1') AS other_kind, cx.identify('code', '+49 1') AS no_code;
SELECT cx.identify('phone', '+49 1', 'ann');
SELECT cx.identify('phone', '+49 3', 'nobody');
SELECT cx.identify('phone', NULL, 'anna');
SELECT cx.identify(NULL, '+49 3', 'anna');
SELECT cx.identify('code', 'other', 'anna');
INSERT INTO cx_data.customer_identity (kind, value, customer_id) VALUES ('code', 'other', 1);

-- facts of all kinds
INSERT INTO answer (id, who, score, words) VALUES (1, 'anna', 9, 'fine'), (2, 'ann', 3, 'slow'), (3, 'anne', 0, 'never'), (4, 'bob', 10, 'great');
INSERT INTO call (id, phone) VALUES ('a', '+49 1'), ('b', '+49 2'), ('c', '+49 4');
SELECT (cx.sync_source('pulled calls')).inserted;
INSERT INTO cx_data.feedback (customer_id, touchpoint_id, metric, score, responded_at) SELECT customer_id, 1, 'nps', 7, '2026-03-03' FROM cx_data.customer WHERE code LIKE 'ann%';
INSERT INTO cx_data.customer_tag (customer_id, tag_id, valid_from) VALUES (1, 1, '2026-01-01'), (2, 1, '2026-01-01'), (2, 2, '2026-01-01'), (3, 1, '2026-01-01'), (4, 1, '2026-01-01');
INSERT INTO cx_data.risk VALUES (1, 0.1, '1 day'), (2, 0.2, '-1 mon 2 days 03:00:00.5'), (3, 'Infinity', NULL);
INSERT INTO cx_data.message VALUES (1, '2026-01-01', 'Dear Anna', 'Anna!', '{"to": "Anna"}', 1), (2, '2026-01-01 12:00+00', 'Dear Ann', NULL, '{}', 2), (4, '2026-01-01', 'Dear Bob', 'Bob!', '{}', 3);
INSERT INTO loan VALUES (1, 1, 'Emma'), (2, 2, 'Persuasion'), (3, 2, 'Emma');
CREATE TABLE tallies_before AS SELECT * FROM tallies();

-- who cannot be merged
SELECT cx.merge_customers('anna', 'anna');
SELECT cx.merge_customers('anna', NULL);
SELECT cx.merge_customers('anna', 'nobody');
SELECT cx.merge_customers('nobody', 'anna');
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT cx.merge_customers('anna', 'ann');
ROLLBACK;

-- three become one, step by step; what each step had before is kept for comparison
CREATE TABLE before_first AS SELECT * FROM facts;
SELECT cx.merge_customers('ann', 'anne') AS first;
CREATE TABLE before_second AS SELECT * FROM facts;
SELECT cx.merge_customers('anna', 'ann') AS second;
SELECT * FROM facts WHERE customer <> 'bob' ORDER BY what, key, detail, comment;
SELECT code, tags, feedback_count, event_90_day_count, first_seen_at FROM cx_data.customer_profile WHERE code LIKE 'ann%' OR name LIKE 'Ann%' ORDER BY code;
SELECT happened_at, what, name, score, detail FROM cx.customer_timeline('ann') ORDER BY happened_at, what, score, name, detail;
SELECT (SELECT count(*) FROM cx.customer_timeline('anna')) = (SELECT count(*) FROM cx.customer_timeline('anne')) AS the_same_by_any_code;
-- no score changed, and the sources see no difference
SELECT * FROM tallies() EXCEPT ALL TABLE tallies_before;
SELECT s.name, inserted, updated, deleted, failed FROM cx_data.source AS s CROSS JOIN LATERAL cx.sync_source(s.name) ORDER BY s.name;
SELECT source, source_rows, captured_rows, error_rows, difference FROM cx_data.source_status ORDER BY source;
-- who has gone is not there again, and names that lead elsewhere say so
SELECT cx.merge_customers('anna', 'ann');
SELECT cx.merge_customers('ann', 'bob');
SELECT cx.merge_customers('anne', 'anna');
SELECT cx.identify('phone', '+49 2', 'anna') = cx.identify('code', 'anne') AS one_person;
INSERT INTO cx_data.customer (code, name, first_seen_at) VALUES ('ann', 'Ann', '2026-01-01'), ('cleo', 'Cleo', '2026-01-01') ON CONFLICT (code) DO UPDATE SET name = excluded.name;
SELECT code FROM cx_data.customer ORDER BY code COLLATE "C";

-- what comes now under any of the names
INSERT INTO answer (id, who, score, words) VALUES (5, 'anna', 1, 'five'), (6, 'ann', 2, 'six'), (7, 'anne', 3, 'seven');
INSERT INTO call (id, phone) VALUES ('d', '+49 2');
SELECT cx.identify('crm', 'crm-017', 'ann') = cx.identify('code', 'anna') AS noted_for_the_one;
SELECT * FROM facts WHERE key ~ '^[567]' OR key IN ('d', 'crm crm-017') ORDER BY what, key;
UPDATE answer SET who = 'anna' WHERE id = 6;
UPDATE answer SET who = 'ann' WHERE id = 6;
SELECT s.name, inserted, updated, deleted, failed FROM cx_data.source AS s CROSS JOIN LATERAL cx.sync_source(s.name) WHERE NOT pulled ORDER BY s.name;

-- undone in the order of making, with rows set aside: refused; in reverse all is as it was, and what came since goes where its name leads
SELECT cx.unmerge(1);
SELECT cx.unmerge(99);
SELECT cx.unmerge(NULL);
SELECT cx.unmerge(2);
SELECT 'gone' AS state, * FROM (TABLE before_second EXCEPT ALL TABLE facts) AS x UNION ALL SELECT 'new', * FROM (TABLE facts EXCEPT ALL TABLE before_second) AS x ORDER BY 1, 2, 3, 4;
SELECT cx.unmerge(2);
SELECT cx.unmerge(1);
SELECT 'gone' AS state, * FROM (TABLE before_first EXCEPT ALL TABLE facts) AS x UNION ALL SELECT 'new', * FROM (TABLE facts EXCEPT ALL TABLE before_first) AS x ORDER BY 1, 2, 3, 4;
SELECT count(*) AS merges_left_on_facts FROM (SELECT customer_merge_id FROM cx_data.feedback UNION ALL SELECT customer_merge_id FROM cx_data.event UNION ALL SELECT customer_merge_id FROM cx_data.customer_identity) AS f WHERE customer_merge_id IS NOT NULL;
SELECT customer_merge_id, keep_id, lose_id, lost IS NULL AS forgotten, org_unit_id, undone_at IS NOT NULL AS undone, merged_by = current_user AS by_me FROM cx_data.customer_merge ORDER BY 1;
TABLE cx_data.customer_merge_fact;
SELECT s.name, inserted, updated, deleted, failed FROM cx_data.source AS s CROSS JOIN LATERAL cx.sync_source(s.name) WHERE NOT pulled ORDER BY s.name;

-- undone in the middle, where nothing was set aside
DELETE FROM cx_data.customer_tag WHERE customer_id <> 4;
DELETE FROM cx_data.risk WHERE customer_id > 1;
CREATE TABLE before_third AS SELECT * FROM facts;
SELECT cx.merge_customers('ann', 'anne') AS third;
SELECT cx.merge_customers('anna', 'ann') AS fourth;
SELECT cx.unmerge(3);
SELECT what, key, customer, detail FROM facts WHERE customer LIKE 'ann%' AND what NOT IN ('customer') ORDER BY customer, what, key, detail;
SELECT cx.unmerge(4);
SELECT 'gone' AS state, * FROM (TABLE before_third EXCEPT ALL TABLE facts) AS x UNION ALL SELECT 'new', * FROM (TABLE facts EXCEPT ALL TABLE before_third) AS x ORDER BY 1, 2, 3, 4;
-- a fact that went elsewhere, or is gone, is left alone
SELECT cx.merge_customers('anna', 'ann') AS fifth;
UPDATE cx_data.feedback SET customer_id = 4 WHERE source_key = '2 of ann';
DELETE FROM loan WHERE loan_id = 2;
SELECT cx.unmerge(5);
SELECT what, key, customer FROM facts WHERE key = '2 of ann' OR what = 'loan' ORDER BY what, key;
SELECT updated FROM cx.sync_source('answers');

-- forgetting: who is one with others goes as a whole
SELECT cx.merge_customers('anna', 'ann') AS sixth;
SELECT cx.merge_customers('anna', 'anne') AS seventh;
INSERT INTO answer (id, who, place, score, words) VALUES (8, 'anna', 'at Anna Ängström''s', 9, NULL), (9, 'bob', 'nowhere', 9, NULL), (10, 'ann', 'shop', 'Annaplan is bad', NULL), (11, 'bob', 'shop', 'Bob''s score', NULL);
SELECT source_key, sqlstate, message FROM cx_data.import_error ORDER BY source_key COLLATE "C";
TRUNCATE tallies_before;
INSERT INTO tallies_before SELECT * FROM tallies();
CREATE TABLE bob_before AS SELECT * FROM facts WHERE customer = 'bob';
SELECT DISTINCT found_in FROM strings() ORDER BY 1;
SELECT * FROM cx.erase_customer('nobody');
SELECT * FROM cx.erase_customer(NULL);
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT * FROM cx.erase_customer('ann');
ROLLBACK;
-- a table of the user that refers to him is named, and not touched
SELECT * FROM cx.erase_customer('ann');
UPDATE loan SET borrower = NULL;
SELECT * FROM cx.erase_customer('ann');
SELECT * FROM strings();
SELECT * FROM tallies() EXCEPT ALL TABLE tallies_before;
TABLE tallies_before EXCEPT ALL SELECT * FROM tallies();
TABLE bob_before EXCEPT ALL TABLE facts;
SELECT what, regexp_replace(key, '^erased:[0-9a-f]{64}$', 'hash') AS key, unit, detail, comment FROM facts WHERE customer IS NULL AND what <> 'loan' ORDER BY what, detail, unit;
SELECT payload, size FROM cx_data.message ORDER BY size;
SELECT * FROM cx.erase_customer('anna');

-- nothing brings him back: neither comparing nor trying again
SELECT s.name, inserted, updated, deleted, failed FROM cx_data.source AS s CROSS JOIN LATERAL cx.sync_source(s.name) ORDER BY s.name;
CALL cx.maintain();
SELECT * FROM strings();
SELECT source, source_rows, captured_rows, error_rows, difference FROM cx_data.source_status ORDER BY source;
-- nor writing to the rows: they stay anonymous, and the score follows
UPDATE answer SET score = 10, words = 'Anna again' WHERE id IN (1, 2);
UPDATE call SET at = at + interval '1 hour' WHERE id = 'a';
INSERT INTO answer (id, who, score, words) VALUES (12, 'anne', 5, 'Anne again'), (13, 'dora', 5, 'me');
INSERT INTO call (id, phone) VALUES ('e', '+49 2');
UPDATE answer SET place = 'Anna''s' WHERE id = 5;
SELECT what, regexp_replace(key, '^erased:[0-9a-f]{64}$', 'hash') AS key, customer, unit, detail, comment FROM facts WHERE what IN ('feedback', 'event') ORDER BY what, key, detail, customer, unit;
SELECT * FROM strings();
SELECT sqlstate, message FROM cx_data.import_error ORDER BY sqlstate, message COLLATE "C";
SELECT s.name, inserted, updated, deleted, failed FROM cx_data.source AS s CROSS JOIN LATERAL cx.sync_source(s.name) WHERE NOT pulled ORDER BY s.name;
-- a row of his that becomes another's, and the other way round; keys that are his without a mapping that runs
UPDATE answer SET who = 'bob', words = 'mine now' WHERE id = 1;
UPDATE answer SET who = 'ann' WHERE id = 4;
DELETE FROM answer WHERE id = 2;
DELETE FROM call WHERE id = 'a';
SELECT s.name, inserted, updated, deleted, failed FROM cx_data.source AS s CROSS JOIN LATERAL cx.sync_source(s.name) WHERE NOT pulled ORDER BY s.name;
SELECT what, regexp_replace(key, '^erased:[0-9a-f]{64}$', 'hash') AS key, customer, detail, comment FROM facts WHERE what IN ('feedback', 'event') ORDER BY what, key, detail, customer;
-- nor attaching again, nor loading customers again
SELECT cx.detach_source('answers', keep_rows => false) > 0 AS detached, cx.detach_source('calls') AS kept;
SELECT cx.attach_feedback('answers', 'answer', key => $$id || ' of ' || who$$, customer => 'who', touchpoint => 'place', metric => $$'nps'$$, score => 'score', responded_at => 'at', comment => 'words', on_error => 'record');
SELECT cx.attach_event('calls', 'call', key => 'id', customer => 'phone', customer_kind => 'phone', name => $$'call'$$, occurred_at => 'at', attributes => $$jsonb_build_object('from', phone)$$);
INSERT INTO cx_data.customer (code, name) VALUES ('anna', 'Anna'), ('ann', 'Ann') ON CONFLICT (code) DO UPDATE SET name = excluded.name;
CALL cx.maintain();
SELECT s.name, inserted, updated, deleted FROM cx_data.source AS s CROSS JOIN LATERAL cx.sync_source(s.name) ORDER BY s.name;
SELECT * FROM strings();
-- with errors that fail the statement
SELECT cx.detach_source('answers', keep_rows => false) > 0 AS detached;
DELETE FROM answer WHERE place <> 'shop' OR score !~ '^\d+$';
SELECT cx.attach_feedback('answers', 'answer', key => $$id || ' of ' || who$$, customer => 'who', touchpoint => 'place', metric => $$'nps'$$, score => 'score', responded_at => 'at', comment => 'words');
UPDATE answer SET words = 'again' WHERE who LIKE 'ann%';
TRUNCATE answer;
SELECT count(*) FROM facts WHERE what = 'feedback' AND key IS NOT NULL;
SELECT * FROM strings();
-- a name may be given to somebody else, and a person may want to come back
SELECT cx.identify('phone', '+49 1', 'bob') = cx.identify('code', 'bob') AS his_now;
DELETE FROM cx_data.erased_customer WHERE name_hash = cx.erased_hash('code', 'anna');
INSERT INTO answer (id, who, score, words) VALUES (1, 'anna', 9, 'back'), (2, 'ann', 9, 'not back');
SELECT regexp_replace(key, '^erased:[0-9a-f]{64}$', 'hash') AS key, customer, comment FROM facts WHERE what = 'feedback' AND key IS NOT NULL ORDER BY 1;

-- whose rights count
CREATE ROLE cx_regress_agent;
GRANT USAGE ON SCHEMA cx_data TO cx_regress_agent;
GRANT SELECT ON ALL TABLES IN SCHEMA cx_data TO cx_regress_agent;
SET ROLE cx_regress_agent;
SELECT cx.identify('code', 'bob') IS NOT NULL AS found;
SELECT cx.identify('phone', '+49 9', 'bob');
SELECT cx.merge_customers('bob', 'cleo');
SELECT cx.unmerge(1);
SELECT * FROM cx.erase_customer('bob');
RESET ROLE;
REVOKE SELECT ON cx_data.erasure FROM cx_regress_agent;
SET ROLE cx_regress_agent;
SELECT cx.erased_hash('code', 'ann');
RESET ROLE;
-- who sees only some rows can neither merge nor erase
GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA cx_data TO cx_regress_agent;
GRANT SELECT ON cx_data.erasure TO cx_regress_agent;
GRANT UPDATE ON loan TO cx_regress_agent;
GRANT SELECT ON loan TO cx_regress_agent;
ALTER TABLE cx_data.feedback ENABLE ROW LEVEL SECURITY;
CREATE POLICY east_only ON cx_data.feedback TO cx_regress_agent USING (org_unit_id = 1);
SET ROLE cx_regress_agent;
SELECT cx.merge_customers('bob', 'cleo');
SELECT * FROM cx.erase_customer('bob');
RESET ROLE;
ALTER TABLE cx_data.feedback DISABLE ROW LEVEL SECURITY;
SET ROLE cx_regress_agent;
SELECT cx.merge_customers('bob', 'cleo') AS merge \gset
SELECT cx.unmerge(:merge) IS NOT NULL AS undone;
SELECT relation, what, row_count FROM cx.erase_customer('bob') WHERE row_count > 0;
RESET ROLE;
DROP OWNED BY cx_regress_agent;
DROP ROLE cx_regress_agent;

-- a merge undone in the middle is forgotten by those after it; what a person says under his own name stays his
INSERT INTO cx_data.survey (code) VALUES ('asked');
INSERT INTO cx_data.tag (code) VALUES ('kind');
INSERT INTO cx_data.customer (code) VALUES ('m1'), ('m2'), ('m3'), ('m4');
INSERT INTO cx_data.customer_tag (customer_id, tag_id, valid_from) SELECT c.customer_id, t.tag_id, '2026-01-01' FROM cx_data.customer AS c, cx_data.tag AS t WHERE c.code = 'm2' AND t.code = 'kind';
SELECT cx.opt_out('m2');
SELECT cx.merge_customers('m1', 'm2') AS first \gset
SELECT cx.merge_customers('m3', 'm1') AS second \gset
SELECT cx.unmerge(:first) IS NOT NULL AS undone;
INSERT INTO cx_data.customer_tag (customer_id, tag_id, valid_from) SELECT c.customer_id, t.tag_id, '2026-01-01' FROM cx_data.customer AS c, cx_data.tag AS t WHERE c.code = 'm3' AND t.code = 'kind';
SELECT cx.merge_customers('m3', 'm2') AS third \gset
SELECT cx.unmerge(:second) IS NOT NULL AS undone;
SELECT cx.unmerge(:third) IS NOT NULL AS undone;
SELECT c.code, (SELECT count(*) FROM cx_data.customer_tag AS t WHERE t.customer_id = c.customer_id) AS tags, i.status FROM cx_data.customer AS c, cx.invite(c.code, 'asked') AS i WHERE c.code ~ '^m[123]' ORDER BY 1;
SELECT cx.opt_out('m4', reason => 'fourth says no');
SELECT cx.merge_customers('m1', 'm4') AS merge \gset
SELECT cx.opt_out('m1', reason => 'first says no');
SELECT cx.opt_out('m4', reason => 'fourth says it again');
SELECT cx.unmerge(:merge) IS NOT NULL AS undone;
SELECT c.code, o.reason FROM cx_data.contact_opt_out AS o JOIN cx_data.customer AS c USING (customer_id) WHERE c.code IN ('m1', 'm4') ORDER BY 1;
-- a table with two customers in a row, one with both in its key, one without a key
CREATE TABLE referral (id integer PRIMARY KEY, customer_id bigint REFERENCES cx_data.customer, referred_by bigint REFERENCES cx_data.customer);
CREATE TABLE friend (customer_id bigint REFERENCES cx_data.customer, friend_id bigint REFERENCES cx_data.customer, PRIMARY KEY (customer_id, friend_id));
CREATE TABLE point (customer_id bigint REFERENCES cx_data.customer, n integer);
CREATE FUNCTION who(text) RETURNS bigint LANGUAGE sql STABLE RETURN (SELECT customer_id FROM cx_data.customer WHERE code = $1);
INSERT INTO referral VALUES (1, who('m2'), who('m1'));
INSERT INTO friend VALUES (who('m1'), who('m3')), (who('m2'), who('m3'));
INSERT INTO point VALUES (who('m1'), 10), (who('m2'), 10), (who('m2'), 10);
SELECT cx.merge_customers('m1', 'm2') AS merge \gset
SELECT count(*) FROM point WHERE customer_id = who('m1');
SELECT cx.unmerge(:merge) IS NOT NULL AS undone;
SELECT customer_id = who('m2') AND referred_by = who('m1') AS same FROM referral;
SELECT count(*), count(*) FILTER (WHERE friend_id = who('m3')) AS same FROM friend WHERE customer_id IN (who('m1'), who('m2'));
SELECT c.code, count(*) FROM point JOIN cx_data.customer AS c USING (customer_id) GROUP BY 1 ORDER BY 1;
DROP TABLE referral, friend, point;
DROP FUNCTION who;

-- the trigger does nothing elsewhere
CREATE TABLE own (code text);
CREATE TRIGGER own BEFORE INSERT ON own FOR EACH ROW EXECUTE FUNCTION cx.customer_added();
INSERT INTO own VALUES ('x');
SELECT cx.customer_added();

SET client_min_messages = warning;
DROP VIEW facts;
DROP TABLE cx_data.risk, cx_data.message, loan;
CALL cx.drop_program(with_feedback => true);
DROP VIEW call_view;
DROP FUNCTION tallies, strings;
DROP TABLE answer, call, own, bob_before, tallies_before, before_first, before_second, before_third;
