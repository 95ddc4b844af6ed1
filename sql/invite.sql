-- Surveys, invitations and what keeps customers from being asked too often; adapters
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS cx;
RESET client_min_messages;
\set SHOW_CONTEXT never
-- without JIT compilation, which takes a minute where a server is set to use it for all queries; capture runs with it
SET jit = off;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
CALL cx.create_program('Europe/Berlin');
INSERT INTO cx_data.customer (code) SELECT 'c' || i FROM generate_series(1, 9) AS i;
SELECT cx.create_import('web', 'formbricks', '{"q": {"metric": "nps"}}', '{"invitation": "$.data.hiddenFields.token"}');
INSERT INTO cx_data.survey (code, name, source_id, channel, valid_for, cooldown) VALUES ('relation', 'How are we doing?', 1, 'email', '14 days', '90 days'), ('visit', 'Your visit', NULL, 'sms', '2 days', '0');
INSERT INTO cx_data.question (survey_id, code, wording, metric) VALUES (1, 'q', 'Would you recommend us?', 'nps');
INSERT INTO cx_data.contact_rule (code, max_invitations, period) VALUES ('two in 30 days', 2, '30 days');
INSERT INTO cx_data.contact_rule (code, max_invitations, period, channel) VALUES ('one sms a week', 1, '7 days', 'sms');
CREATE VIEW invited AS
SELECT i.invitation_id AS id, s.code AS survey, c.code AS customer, i.channel, i.status, i.reason, i.invited_at, i.expires_at, i.sent_at IS NOT NULL AS sent, i.answered_at
FROM cx_data.invitation AS i JOIN cx_data.survey AS s USING (survey_id) LEFT JOIN cx_data.customer AS c USING (customer_id);

-- the cooldown of the survey lasts 90 days, the invitation 14: by the calendar of the program, over the change of the clock
SELECT invitation_id, status, reason, token IS NOT NULL AS has_token FROM cx.invite('c1', 'relation', at => '2026-03-20 12:00+01');
SELECT invitation_id, status, reason, token IS NOT NULL AS has_token FROM cx.invite('c1', 'relation', at => '2026-04-03 11:59:59+02');
SELECT status, reason FROM cx.invite('c1', 'relation', at => '2026-04-03 12:00+02');
SELECT status, reason FROM cx.invite('c1', 'relation', at => '2026-06-18 11:59:59+02');
SELECT status, reason FROM cx.invite('c1', 'relation', at => '2026-06-18 12:00+02');
SELECT * FROM invited ORDER BY id;
-- contact rules count all surveys, or a channel
SELECT status, reason FROM cx.invite('c2', 'visit', at => '2026-05-01 10:00Z');
SELECT status, reason FROM cx.invite('c2', 'visit', at => '2026-05-04 10:00Z');
SELECT status, reason FROM cx.invite('c2', 'visit', channel => 'app', at => '2026-05-04 10:00Z');
SELECT status, reason FROM cx.invite('c2', 'relation', at => '2026-05-20 10:00Z');
SELECT status, reason FROM cx.invite('c2', 'relation', at => '2026-06-04 10:00Z');
-- who opts out is left in peace: of one survey, one channel, all
SELECT status FROM cx.invite('c3', 'relation', at => '2026-05-01 10:00Z');
SELECT cx.opt_out('c3', reason => 'too busy'), cx.opt_out('c4', survey => 'visit'), cx.opt_out('c5', channel => 'sms'), cx.opt_out('c3');
SELECT customer, status, reason FROM invited WHERE customer = 'c3';
SELECT status, reason FROM cx.invite('c3', 'visit');
SELECT status, reason FROM cx.invite('c4', 'visit');
SELECT status, reason FROM cx.invite('c4', 'relation');
SELECT status, reason FROM cx.invite('c5', 'visit');
SELECT status, reason FROM cx.invite('c5', 'relation');
SELECT code, survey_id, channel, reason FROM cx_data.contact_opt_out JOIN cx_data.customer USING (customer_id) ORDER BY 1;
-- senders take what is queued and due
SELECT status FROM cx.invite('c6', 'relation', at => now() + interval '1 day');
INSERT INTO cx_data.customer (code) SELECT 's' || i FROM generate_series(1, 4) AS i;
SELECT code, status FROM generate_series(1, 3) AS i, LATERAL (SELECT 's' || i AS code) AS s, cx.invite(code, 'relation');
SELECT status FROM cx.invite('s4', 'visit');
SELECT survey_code, customer, channel, token IS NOT NULL AS has_token FROM cx.claim_invitations(2);
SELECT survey_code, customer FROM cx.claim_invitations(100, 'visit');
SELECT survey_code, customer FROM cx.claim_invitations() ORDER BY customer;
SELECT * FROM cx.claim_invitations();
SELECT * FROM cx.claim_invitations(0);
-- an opt-out holds whatever the time of the invitation, and if it came by another way
SELECT status, reason FROM cx.invite('c3', 'visit', at => now() - interval '1 year');
INSERT INTO cx_data.customer (code) VALUES ('s5');
SELECT status FROM cx.invite('s5', 'relation');
INSERT INTO cx_data.contact_opt_out (customer_id) SELECT customer_id FROM cx_data.customer WHERE code = 's5';
SELECT * FROM cx.claim_invitations();
SELECT status, reason FROM invited WHERE customer = 's5';

-- answers: by the token, which leads to the customer, or by the customer and the time
SELECT code, status FROM (VALUES ('c7', '1 hour'::interval), ('c8', '1 hour'), ('c9', '15 days')) AS v (code, ago), cx.invite(code, 'relation', at => now() - ago);
SELECT count(*) FROM cx.claim_invitations();
SELECT token FROM cx_data.invitation JOIN cx_data.customer USING (customer_id) WHERE code = 'c7' \gset
SELECT * FROM cx.import_feedback('web', jsonb_build_array(
	jsonb_build_object('data', jsonb_build_object('id', 'a', 'finished', true, 'createdAt', now(), 'data', jsonb_build_object('q', 9), 'hiddenFields', jsonb_build_object('token', :'token'))),
	jsonb_build_object('data', jsonb_build_object('id', 'b', 'finished', true, 'createdAt', now(), 'data', jsonb_build_object('q', 3), 'contactAttributes', jsonb_build_object('userId', 'c8'))),
	jsonb_build_object('data', jsonb_build_object('id', 'c', 'finished', true, 'createdAt', now(), 'data', jsonb_build_object('q', 5), 'hiddenFields', jsonb_build_object('token', 'guess'))),
	jsonb_build_object('data', jsonb_build_object('id', 'd', 'finished', true, 'createdAt', now(), 'data', jsonb_build_object('q', 6), 'contactAttributes', jsonb_build_object('userId', 'c9')))));
CALL cx.maintain();
SELECT c.code, f.score, i.status FROM cx_data.feedback AS f LEFT JOIN cx_data.customer AS c USING (customer_id) LEFT JOIN cx_data.invitation AS i USING (feedback_id) ORDER BY f.source_key;
SELECT status, count(*) FROM cx_data.invitation GROUP BY status ORDER BY status;
SELECT survey, channel, suppressed_count, queued_count, sent_count, open_count, answered_count, round(response_rate::numeric, 1) AS response_rate, round(lower::numeric, 1) AS lower, round(upper::numeric, 1) AS upper FROM cx_data.response_rate ORDER BY survey, channel;
-- the same by plain SQL
SELECT survey, channel, count(*) FILTER (WHERE status = 'suppressed') AS suppressed, count(*) FILTER (WHERE sent OR status = 'answered') AS sent, count(*) FILTER (WHERE status = 'answered') AS answered FROM invited WHERE invited_at <= now() GROUP BY 1, 2 ORDER BY 1, 2;

-- two surveys with one source: where there is a token, it says which of them is answered; a response answers one invitation, however many questions it has
INSERT INTO cx_data.customer (code) SELECT 't' || i FROM generate_series(1, 2) AS i;
SELECT cx.create_import('both', 'formbricks', '{"p": {"metric": "nps"}, "q": {"metric": "nps"}}', '{"invitation": "$.data.hiddenFields.token"}') AS both \gset
INSERT INTO cx_data.survey (code, source_id, valid_for, cooldown) VALUES ('first', :both, '14 days', '0'), ('second', :both, '14 days', '0');
SELECT i.status FROM unnest(ARRAY['t1', 't2']) AS customer, unnest(ARRAY['first', 'second']) AS asked, cx.invite(customer, asked, at => now() - interval '1 hour') AS i;
SELECT token FROM cx_data.invitation JOIN cx_data.customer AS c USING (customer_id) JOIN cx_data.survey AS s USING (survey_id) WHERE (c.code, s.code) = ('t1', 'second') \gset
SELECT * FROM cx.import_feedback('both', jsonb_build_array(
	jsonb_build_object('data', jsonb_build_object('id', 'a', 'finished', true, 'createdAt', now(), 'data', jsonb_build_object('p', 9, 'q', 8), 'hiddenFields', jsonb_build_object('token', upper(:'token')))),
	jsonb_build_object('data', jsonb_build_object('id', 'b', 'finished', true, 'createdAt', now(), 'data', jsonb_build_object('p', 3, 'q', 2), 'contactAttributes', jsonb_build_object('userId', 't2')))));
SELECT customer, survey, status, answered_at IS NOT NULL AS answered FROM invited WHERE customer ~ '^t' ORDER BY 1, 2;
CALL cx.maintain();
CALL cx.maintain();
SELECT customer, survey, status FROM invited WHERE customer ~ '^t' ORDER BY 1, 2;
-- an answer counts for one invitation when its time moves too; a token does not make somebody else's answer that of the one invited, nor hide his own
INSERT INTO cx_data.customer (code) SELECT 'u' || i FROM generate_series(1, 2) AS i;
CREATE FUNCTION answer(id text, score integer, at timestamptz, token text DEFAULT NULL, customer text DEFAULT NULL) RETURNS jsonb LANGUAGE sql RETURN
	jsonb_build_object('data', jsonb_build_object('id', id, 'finished', true, 'createdAt', at, 'updatedAt', at, 'data', jsonb_build_object('p', score), 'hiddenFields', jsonb_build_object('token', token), 'contactAttributes', jsonb_build_object('userId', customer)));
SELECT token FROM cx.invite('u1', 'first', at => now() - interval '10 days') \gset
SELECT inserted FROM cx.import_feedback('both', answer('moves', 3, now() - interval '9 days', :'token'));
SELECT status FROM cx.invite('u1', 'second', at => now() - interval '2 days');
SELECT updated FROM cx.import_feedback('both', answer('moves', 4, now() - interval '1 day', :'token'));
CALL cx.maintain();
SELECT survey, status FROM invited WHERE customer = 'u1' ORDER BY 1;
SELECT token FROM cx.invite('u2', 'first', at => now() - interval '3 hours') \gset
SELECT inserted FROM cx.import_feedback('both', jsonb_build_array(answer('before', 5, now() - interval '1 year', :'token'), answer('other', 2, now() - interval '2 hours', :'token', 'u1'), answer('own', 3, now() - interval '1 hour', :'token', 'u2')));
SELECT i.status, f.source_key FROM cx_data.invitation AS i JOIN cx_data.customer AS c USING (customer_id) LEFT JOIN cx_data.feedback AS f USING (feedback_id) WHERE c.code = 'u2';
DROP FUNCTION answer;
-- customers who were merged are asked once
INSERT INTO cx_data.customer (code) SELECT 'm' || i FROM generate_series(1, 2) AS i;
SELECT i.status FROM unnest(ARRAY['m1', 'm2']) AS customer, cx.invite(customer, 'first') AS i;
SELECT cx.merge_customers('m1', 'm2') IS NOT NULL AS merged;
SELECT customer, survey_code FROM cx.claim_invitations(100, 'first') WHERE customer ~ '^m';
SELECT customer, status, reason FROM invited WHERE customer ~ '^m' ORDER BY 2;

-- errors
\set VERBOSITY default
SELECT cx.invite('nobody', 'relation');
SELECT cx.invite('c1', 'no survey');
SELECT cx.invite(NULL, 'relation');
SELECT cx.invite('c1', 'relation', at => 'infinity');
UPDATE cx_data.survey SET active = false WHERE code = 'visit';
SELECT cx.invite('c1', 'visit');
SELECT cx.opt_out('nobody');
SELECT cx.opt_out('c1', survey => 'no survey');
\set VERBOSITY terse
INSERT INTO cx_data.survey (code, valid_for) VALUES ('x', '-1 day');
INSERT INTO cx_data.contact_rule (code, max_invitations, period) VALUES ('x', 1, '0');

-- Formbricks in this database: its questions are found, or named; what is not finished waits
CREATE SCHEMA formbricks;
CREATE TABLE formbricks."Survey" (id text PRIMARY KEY, questions jsonb);
CREATE TABLE formbricks."Response" (id text PRIMARY KEY, "surveyId" text, "contactId" text, finished boolean, data jsonb, "createdAt" timestamp(3));
INSERT INTO formbricks."Survey" VALUES ('s1', '[{"id": "nps1", "type": "nps"}, {"id": "rate1", "type": "rating", "range": 5}, {"id": "words", "type": "openText"}, {"id": "odd", "type": "rating", "range": 6}]');
INSERT INTO formbricks."Response" VALUES ('r1', 's1', 'p1', true, '{"nps1": 9, "rate1": 5, "words": "nice"}', '2026-03-01 10:00'), ('r2', 's1', NULL, false, '{"nps1": 2}', '2026-03-01 11:00'), ('r3', 's1', 'p1', true, '{"rate1": 1}', '2026-03-01 12:00');
SELECT * FROM cx.attach_formbricks('formbricks');
UPDATE formbricks."Response" SET finished = true WHERE id = 'r2';
INSERT INTO formbricks."Response" VALUES ('r4', 's1', 'p2', true, '{"nps1": 11, "rate1": 4}', '2026-03-01 13:00');
SELECT s.name AS source, f.source_key, f.metric, f.score, f.responded_at, f.comment FROM cx_data.feedback AS f JOIN cx_data.source AS s USING (source_id) WHERE s.name LIKE 'formbricks/%' ORDER BY 1, 2;
SELECT kind, value FROM cx_data.customer_identity ORDER BY 1, 2;
SELECT source_key, message FROM cx_data.import_error;
SELECT cx.detach_source('formbricks/nps1', false), cx.detach_source('formbricks/rate1', false);
DROP TABLE formbricks."Survey";
SELECT * FROM cx.attach_formbricks('formbricks');
SELECT * FROM cx.attach_formbricks('formbricks', '{"nps1": {"metric": "nps", "touchpoint": "app", "comment": "words"}}');
SELECT f.source_key, t.code AS touchpoint, f.score, f.comment FROM cx_data.feedback AS f JOIN cx_data.source AS s USING (source_id) LEFT JOIN cx_data.touchpoint AS t USING (touchpoint_id) WHERE s.name LIKE 'formbricks/%' ORDER BY 1;
SELECT * FROM cx.attach_formbricks('nowhere');
-- Chatwoot
CREATE SCHEMA chatwoot;
CREATE TABLE chatwoot.csat_survey_responses (id bigint PRIMARY KEY, account_id bigint, conversation_id bigint, message_id bigint, contact_id bigint, assigned_agent_id bigint, rating integer, feedback_message text, created_at timestamp(6), updated_at timestamp(6));
INSERT INTO chatwoot.csat_survey_responses VALUES (1, 1, 77, 5, 3, 8, 5, 'quick', '2026-03-01 10:00', '2026-03-01 10:00');
SELECT cx.attach_chatwoot('chatwoot');
INSERT INTO chatwoot.csat_survey_responses VALUES (2, 1, 78, 6, 3, NULL, 1, NULL, '2026-03-01 11:00', '2026-03-01 11:00');
SELECT f.source_key, c.code LIKE 'cx-%' AS is_customer, t.code AS touchpoint, f.metric, f.score, f.responded_at, f.comment, f.channel, f.attributes
FROM cx_data.feedback AS f JOIN cx_data.source AS s USING (source_id) LEFT JOIN cx_data.customer AS c USING (customer_id) LEFT JOIN cx_data.touchpoint AS t USING (touchpoint_id) WHERE s.name = 'chatwoot' ORDER BY 1;
ALTER TABLE chatwoot.csat_survey_responses RENAME COLUMN rating TO stars;
SELECT cx.attach_chatwoot('chatwoot');

DROP VIEW invited;
SET client_min_messages = warning;
DROP SCHEMA formbricks CASCADE;
DROP SCHEMA chatwoot CASCADE;
CALL cx.drop_program(with_feedback => true);
