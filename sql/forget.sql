-- Forgetting and merging people whose answers are imported, and who are invited
\set ECHO none
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS cx;
-- without JIT compilation, which takes a minute where a server is set to use it for all queries; capture runs with it
SET jit = off;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, MDY';
CALL cx.create_program();
RESET client_min_messages;
INSERT INTO cx_data.org_unit (code) VALUES ('east'), ('west');
INSERT INTO cx_data.touchpoint (code) VALUES ('shop');
INSERT INTO cx_data.customer (code, name, org_unit_id) VALUES ('anna', 'Anna Ängström "the first"', 1), ('ann', 'Ann', 2), ('bob', 'Bob', 1);
CREATE FUNCTION strings() RETURNS TABLE (found_in name, found_row text) LANGUAGE plpgsql AS $$
BEGIN
	FOR found_in IN SELECT relname FROM pg_class WHERE relnamespace = 'cx_data'::regnamespace AND relkind = 'r' ORDER BY relname LOOP
		RETURN QUERY EXECUTE format($q$SELECT %1$L::name, t::text FROM cx_data.%1$I AS t
			WHERE t::text ~* '\m(anna|ann|secret)\M|Ängström' OR EXISTS (SELECT FROM tokens WHERE strpos(t::text, token) > 0)$q$, found_in);
	END LOOP;
END
$$;
CREATE VIEW captured AS
SELECT regexp_replace(source_key, '^erased:[0-9a-f]{64}$', 'hash') COLLATE "C" AS key, customer.code AS customer, org_unit.code AS unit, score, comment, feedback.attributes
FROM cx_data.feedback LEFT JOIN cx_data.customer USING (customer_id) LEFT JOIN cx_data.org_unit ON org_unit.org_unit_id = feedback.org_unit_id;
CREATE TABLE tokens (who text, token text);
-- what alert rules hold of him goes too
INSERT INTO cx_data.channel (code, format, url) VALUES ('ops', 'webhook', 'https://example.com');
SELECT cx.create_alert('all', 'cx_data.feedback', 'comment IS NOT NULL', message => '{customer} {customer.name} {comment} {source_key}', route => 'channel:ops', cooldown => '0'),
	cx.create_alert('errors', 'cx_data.feedback', '(comment || score)::integer > 0') \g /dev/null
\set ECHO all

SELECT cx.create_import('web', 'cx', '{"": {"metric": "nps", "touchpoint": "shop"}}', '{"invitation": "$.link", "states": {"partial": "$ ? (@.partial == true)"}}') > 0 AS created;
INSERT INTO cx_data.survey (code, source_id) SELECT 'relation', source_id FROM cx_data.source;
INSERT INTO tokens SELECT 'ann', token::text FROM cx.invite('ann', 'relation');
INSERT INTO tokens SELECT 'anna', token::text FROM cx.invite('anna', 'relation');
SELECT cx.opt_out('ann', reason => 'secret reason');

-- responses: named, by invitation, partial, such that fail, of somebody else
CREATE FUNCTION responses(day text) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_array(
		jsonb_build_object('source_key', '1 anna', 'customer', 'anna', 'score', 9, 'comment', 'secret', 'responded_at', day, 'attributes', jsonb_build_object('mail', 'anna')),
		jsonb_build_object('source_key', '2', 'link', (SELECT upper(token) FROM tokens WHERE who = 'ann'), 'score', 3, 'comment', 'secret', 'responded_at', day),
		jsonb_build_object('source_key', '3', 'customer', 'ann', 'score', 4, 'comment', 'secret', 'responded_at', day, 'partial', true),
		jsonb_build_object('source_key', '4', 'customer', 'anna', 'score', 44, 'comment', 'secret', 'responded_at', day),
		jsonb_build_object('source_key', '5', 'customer', 'ann', 'score', 'secret', 'responded_at', day),
		jsonb_build_object('source_key', '6', 'score', 'Anna Ängström "the first"', 'responded_at', day),
		jsonb_build_object('source_key', '7', 'customer', 'bob', 'score', 7, 'comment', 'mine', 'responded_at', day),
		jsonb_build_object('source_key', '8', 'customer', 'bob', 'score', 88, 'comment', 'Like Annabel', 'responded_at', day),
		jsonb_build_object('source_key', '9', 'customer', 'bob', 'score', 8, 'responded_at', day, 'partial', true))
$$;
SELECT * FROM cx.import_feedback('web', responses('2026-03-01'));
SELECT * FROM captured ORDER BY key;

-- a merge: the same responses change nothing, and later ones go to the one customer
SELECT cx.merge_customers('anna', 'ann') AS merge;
SELECT responses, inserted, updated FROM cx.import_feedback('web', responses('2026-03-01'));
SELECT cx.submit_feedback('web', source_key => '10', customer => 'ann', touchpoint => 'shop', metric => 'nps', score => 1, responded_at => '2026-03-01', changed_at => '2026-03-01') > 0 AS submitted;
SELECT * FROM captured ORDER BY key;
SELECT status, reason FROM cx.invite('ann', 'relation');
SELECT cx.unmerge(1);
SELECT key, customer, unit FROM captured ORDER BY key;
SELECT code, status FROM cx_data.invitation JOIN cx_data.customer USING (customer_id) ORDER BY invitation_id;
SELECT cx.merge_customers('anna', 'ann') AS merge;

-- she goes
SELECT DISTINCT found_in FROM strings() ORDER BY 1;
SELECT * FROM cx.erase_customer('anna');
SELECT * FROM strings();
SELECT * FROM captured ORDER BY key, score, unit;
SELECT source_key, message, payload ->> 'comment' AS comment FROM cx_data.import_error ORDER BY source_key;
SELECT source_key, state FROM cx_data.response_apart ORDER BY source_key;
SELECT status, reason, customer_id FROM cx_data.invitation ORDER BY invitation_id;
-- and does not come back
CALL cx.maintain();
SELECT * FROM cx.import_feedback('web', (SELECT jsonb_agg(r) FROM jsonb_array_elements(responses('2026-03-01')) AS r WHERE r ->> 'source_key' <> '6'));
SELECT * FROM strings();
SELECT * FROM captured ORDER BY key, score, unit;
SELECT cx.submit_feedback('web', source_key => '10', customer => 'ann', touchpoint => 'shop', metric => 'nps', score => 2, comment => 'secret', responded_at => '2026-03-01');
SELECT * FROM cx.import_feedback('web', (SELECT jsonb_agg(r || '{"score": 5, "changed_at": "2027-01-01", "partial": false}') FROM jsonb_array_elements(responses('2026-03-01')) AS r WHERE r ->> 'source_key' <> '6'));
SELECT * FROM captured ORDER BY key, score, unit;
SELECT * FROM strings();
SELECT source, captured_rows FROM cx_data.source_status;
CALL cx.maintain();
SELECT * FROM strings();

-- a response counts once, whether it names her in all of its versions, in the first or in the last
SELECT * FROM cx.import_feedback('web', '[{"source_key": "first", "responded_at": "2026-06-01", "score": 9, "customer": "bob", "comment": "hi"}, {"source_key": "last", "responded_at": "2026-06-01", "score": 9, "comment": "hi"}]');
SELECT count(*) FROM cx.erase_customer('bob');
SELECT * FROM cx.import_feedback('web', '[{"source_key": "first", "responded_at": "2026-06-01", "score": 8, "comment": "hi"}, {"source_key": "last", "responded_at": "2026-06-01", "score": 7, "customer": "bob", "comment": "hi"}, {"source_key": "other", "responded_at": "2026-06-01", "score": 1, "comment": "ho"}]');
SELECT score, customer_id, comment FROM cx_data.feedback WHERE responded_at = '2026-06-01' ORDER BY score;
SELECT tally FROM cx_data.tally_live WHERE hour = '2026-06-01' ORDER BY tally;
-- an answer of hers that is taken back counts no more, and an error that tells nothing goes with the next maintenance
SELECT cx.create_import('two', 'formbricks', '{"q1": {"metric": "nps"}, "q2": {"metric": "nps"}}') IS NOT NULL AS created;
SELECT * FROM cx.import_feedback('two', '{"data": {"id": "e", "finished": true, "createdAt": "2026-06-03T08:00:00Z", "updatedAt": "2026-06-03T08:00:00Z", "contactAttributes": {"userId": "erin"}, "data": {"q1": 9, "q2": 1}}}');
SELECT count(*) FROM cx.erase_customer('erin');
SELECT * FROM cx.import_feedback('two', '{"data": {"id": "e", "finished": true, "createdAt": "2026-06-03T08:00:00Z", "updatedAt": "2026-06-03T09:00:00Z", "contactAttributes": {"userId": "erin"}, "data": {"q1": 8}}}');
SELECT score FROM cx_data.feedback WHERE responded_at >= '2026-06-03' ORDER BY score;
SELECT * FROM cx.import_feedback('two', '{"data": {"id": "e", "finished": true, "createdAt": "2026-06-03T08:00:00Z", "updatedAt": "2026-06-03T10:00:00Z", "contactAttributes": {"userId": "erin"}, "data": {"q1": 12}}}');
SELECT count(*) FROM cx_data.import_error AS e JOIN cx_data.source AS s USING (source_id) WHERE s.name = 'two';
CALL cx.maintain();
SELECT count(*) FROM cx_data.import_error AS e JOIN cx_data.source AS s USING (source_id) WHERE s.name = 'two';

SET client_min_messages = warning;
DROP VIEW captured;
DROP FUNCTION strings, responses;
DROP TABLE tokens;
CALL cx.drop_program(with_feedback => true);
