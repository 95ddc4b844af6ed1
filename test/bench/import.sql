-- How fast responses come in, in one session.
\set ON_ERROR_STOP on
\set VERBOSITY terse
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT cx.create_import('typeform', 'typeform', '{"nps": {"metric": "nps", "comment": "why", "touchpoint": "$.form_response.hidden.place"}}') \gset
\echo Making 50,000 responses ...
CREATE TABLE webhook AS
SELECT batch, jsonb_agg(jsonb_build_object('event_id', md5(i::text), 'event_type', 'form_response', 'form_response', jsonb_build_object('form_id', 'lT4Z3j', 'token', md5(i::text), 'landed_at', '2026-03-01T09:59:00Z',
	'submitted_at', timestamptz '2026-03-01' + i * interval '7 seconds', 'hidden', jsonb_build_object('customer', 'c' || i * 7919 % 100000, 'place', 'tp' || 1 + i % 50), 'definition', jsonb_build_object('id', 'lT4Z3j', 'title', 'How are we doing?', 'fields', '[{"id": "1", "ref": "nps"}, {"id": "2", "ref": "why"}]'::jsonb),
	'answers', jsonb_build_array(jsonb_build_object('type', 'number', 'number', i * 31 % 11, 'field', '{"id": "1", "type": "nps", "ref": "nps"}'::jsonb),
		jsonb_build_object('type', 'text', 'text', 'a comment, number ' || i, 'field', '{"id": "2", "type": "long_text", "ref": "why"}'::jsonb))))) AS payload
FROM (SELECT i, i / 1000 AS batch FROM generate_series(0, 49999) AS i) AS numbered GROUP BY batch;
-- as a client sends them: texts
CREATE TABLE sent AS SELECT batch, payload::text AS body FROM webhook;
CREATE SEQUENCE version;
CREATE PROCEDURE import_all(version bigint) LANGUAGE plpgsql AS $$
DECLARE
	payload text;
BEGIN
	FOR payload IN SELECT body FROM sent ORDER BY batch LOOP
		PERFORM cx.import_feedback('typeform', replace(payload, '"token": "', '"token": "' || version || '-')::jsonb);
	END LOOP;
END $$;
CALL compare('50,000 webhook payloads in batches of a thousand', '{"straight into feedback, in one INSERT","with import_feedback","the same again"}',
	ARRAY[$$INSERT INTO cx_data.feedback (customer_id, touchpoint_id, score, responded_at, comment, source_id, source_key, metric)
		SELECT 1 + i * 7919 % 100000, 1 + i % 50, i * 31 % 11, timestamptz '2026-03-01' + i * interval '7 seconds', 'a comment, number ' || i, 1, gen_random_uuid(), 'nps' FROM generate_series(0, 49999) AS i$$,
		$$CALL import_all(nextval('version'))$$, $$CALL import_all(currval('version'))$$], 'at most 2,500 ms: 20,000 a second', :rounds);
