-- The outbox: claimed, delivered, acknowledged or tried again; rendered and signed for each kind of channel
\set ECHO none
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS cx;
CALL cx.create_program();
INSERT INTO cx_data.channel (code, format, url, signing_key, rate_limit) VALUES
	('hook', 'webhook', 'https://example.com/hook', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', NULL), ('slack', 'slack', 'https://example.com/slack', NULL, NULL), ('wecom', 'wecom', 'https://example.com/wecom', NULL, 3),
	('ding', 'dingtalk', 'https://example.com/ding?access_token=x', 'secret', NULL), ('feishu', 'feishu', 'https://example.com/feishu', 'secret', NULL), ('mail', 'email', NULL, NULL, NULL);
INSERT INTO cx_data.customer (code, name) SELECT 'c' || i, 'Customer {text} ' || i FROM generate_series(1, 6) AS i;
INSERT INTO cx_data.staff (code, contact) VALUES ('eva', 'eva@example.com');
SELECT cx.create_alert('low', 'cx_data.feedback', 'score < 3', message => '{customer.name}: {score} "ü"', route => 'channel:{channel}, staff:eva', cooldown => '0') \gset ignored_
-- writes a message to a channel, or several
CREATE FUNCTION send(channel text, customers integer DEFAULT 1) RETURNS void LANGUAGE sql AS $$
	INSERT INTO cx_data.feedback (customer_id, metric, score, channel, responded_at) SELECT i, 'nps', 1, channel, now() FROM generate_series(1, customers) AS i;
	DELETE FROM cx_data.outbox WHERE route = 'staff:eva' AND channel <> 'none';
$$;
RESET client_min_messages;
\set ECHO all

-- the convention's own example of a signature, and RFC 4231's of an HMAC
SELECT cx.webhook_signature('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'msg_p5jXN8AQM9LWM0D4loKWxJek', 1614265330, '{"test": 2432232314}');
SELECT cx.hmac_sha256('Jefe', 'what do ya want for nothing?');
SELECT cx.hmac_sha256(decode(repeat('aa', 131), 'hex'), 'Test Using Larger Than Block-Size Key - Hash Key First');
SELECT cx.hmac_sha256('', '');
SELECT cx.webhook_signature('whsec_!', 'x', 1, 'x');

-- what is sent, by kind of channel
SELECT send(code) FROM cx_data.channel WHERE format <> 'email' ORDER BY channel_id;
SELECT send('none');
SELECT c.channel, c.url ~ '^https://example.com/ding\?access_token=x&timestamp=\d{13}&sign=[A-Za-z0-9%]+$' AS is_signed_url, CASE WHEN c.channel <> 'ding' THEN c.url END AS url,
	ARRAY(SELECT regexp_replace(h, '(webhook-\w+: |Message-ID: ).*', '\1...') FROM unnest(c.headers) AS h) AS headers, c.attempts
FROM cx.outbox_claim(worker => 'one') AS c ORDER BY c.ids;
-- the same bytes again for those whose lease ended, and the body that they signed
UPDATE cx_data.outbox SET available_at = now();
CREATE TEMP TABLE claimed AS SELECT * FROM cx.outbox_claim(worker => 'two');
SELECT channel, regexp_replace(body, '"(opened_at|alert_id|sign|timestamp)": [^,}]*', '"\1": ...', 'g') AS body FROM claimed WHERE format <> 'email' ORDER BY ids;
SELECT convert_from(decode(body, 'base64'), 'UTF8') AS body, convert_from(decode(substring(headers[2] FROM '\?B\?(.*)\?='), 'base64'), 'UTF8') AS subject FROM claimed WHERE format = 'email';
SELECT cx.webhook_signature('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', ids[1]::text, substr(headers[3], 20)::bigint, body) = substr(headers[4], 20) AS is_signed, headers[2] = 'webhook-id: ' || ids[1] AS has_id FROM claimed WHERE format = 'webhook';
SELECT body::jsonb ->> 'sign' = encode(cx.hmac_sha256(convert_to((body::jsonb ->> 'timestamp') || E'\nsecret', 'UTF8'), ''), 'base64') AS is_signed FROM claimed WHERE format = 'feishu';
-- only who has the lease may say what became of it
SELECT cx.outbox_ack(ids, 'one') FROM claimed WHERE channel = 'hook';
SELECT cx.outbox_fail(ids, 'no', 'one') FROM claimed WHERE channel = 'hook';
SELECT cx.outbox_ack(ids, 'two') FROM claimed WHERE channel = 'hook';
SELECT cx.outbox_ack(ids, 'two') FROM claimed WHERE channel = 'hook';
-- what the receiver answers: chat robots say in the body whether they took it
SELECT channel, answer, cx.outbox_report(ids, 'two', status, answer) AS is_delivered FROM claimed
JOIN (VALUES ('slack', 500, 'oops'), ('wecom', 200, '{"errcode": 93000, "errmsg": "invalid webhook url"}'), ('ding', 200, 'not JSON'), ('feishu', 200, '{"code": 0}')) AS answers (channel, status, answer) USING (channel) ORDER BY ids;
SELECT cx.outbox_report(ids, 'two', NULL, error => 'no mail server is configured') FROM claimed WHERE channel = 'mail';
SELECT c.code, o.attempts, o.delivered_at IS NOT NULL AS is_delivered, o.dead_at IS NOT NULL AS is_dead, o.last_error, o.available_at BETWEEN now() + interval '25 seconds' AND now() + interval '65 seconds' AS waits_a_minute
FROM cx_data.outbox AS o JOIN cx_data.channel AS c USING (channel_id) ORDER BY outbox_id;
SELECT channel, waiting, leased, delivered, dead, retried, oldest_seconds IS NOT NULL AS has_oldest, median_seconds >= 0 AS has_median FROM cx_data.outbox_stats ORDER BY channel_id;
-- what was claimed but not tried is given back, and was no attempt
UPDATE cx_data.outbox SET delivered_at = NULL, dead_at = NULL, attempts = 0, available_at = now(), leased_until = NULL;
SELECT count(*) FROM cx.outbox_claim(worker => 'two');
SELECT cx.outbox_release(array_agg(outbox_id), 'one') FROM cx_data.outbox;
SELECT cx.outbox_release(array_agg(outbox_id), 'two') FROM cx_data.outbox;
SELECT cx.outbox_release(array_agg(outbox_id), 'two') FROM cx_data.outbox;
SELECT DISTINCT attempts, leased_until IS NULL AS is_free FROM cx_data.outbox WHERE channel_id IS NOT NULL;
-- the wait doubles up to an hour, less up to a half by chance, and in the end the message is given up
CREATE FUNCTION wait_after(attempt integer) RETURNS double precision LANGUAGE sql AS $$
	UPDATE cx_data.outbox SET attempts = attempt, leased_by = 'three', delivered_at = NULL, dead_at = NULL;
	SELECT extract(epoch FROM cx.outbox_fail(ARRAY[min(outbox_id)], 'no', 'three') - clock_timestamp())::double precision FROM cx_data.outbox;
$$;
SELECT attempt, bool_and(seconds BETWEEN least(3600, 30 * 2 ^ (attempt - 1)) / 2 - 1 AND least(3600, 30 * 2 ^ (attempt - 1))) AS is_as_long, max(seconds) - min(seconds) > 1 AS varies, bool_or(seconds IS NULL) AS is_given_up
FROM generate_series(1, 12) AS attempt, generate_series(1, 10) AS i, LATERAL (SELECT wait_after(attempt + 0 * i) AS seconds) AS waits GROUP BY attempt ORDER BY attempt;
SELECT attempts, dead_at IS NOT NULL AS is_dead, last_error FROM cx_data.outbox ORDER BY outbox_id LIMIT 1;
UPDATE cx_data.outbox SET attempts = 1, leased_by = 'three', delivered_at = NULL, dead_at = NULL;
SELECT cx.outbox_fail(ARRAY[min(outbox_id)], 'later', 'three', retry_after => '10 minutes') > now() + interval '9 minutes' AS waits_longer FROM cx_data.outbox;
SELECT cx.outbox_fail(ARRAY[min(outbox_id)], 'never', 'three', most_attempts => 1) FROM cx_data.outbox;
-- and gets another chance
SELECT cx.outbox_replay();
SELECT cx.outbox_replay(ARRAY[max(outbox_id)]) FROM cx_data.outbox;
SELECT cx.outbox_replay('{0}');
-- a route that led nowhere, until it does
INSERT INTO cx_data.feedback (customer_id, metric, score, channel, responded_at) VALUES (1, 'nps', 1, 'later', now());
SELECT route, dead_at IS NOT NULL AS is_dead, last_error FROM cx_data.outbox WHERE channel_id IS NULL ORDER BY route COLLATE "C";
SELECT cx.outbox_replay();
INSERT INTO cx_data.channel (code, format, url) VALUES ('later', 'slack', 'https://example.com/later');
SELECT cx.outbox_replay();
SELECT o.route, c.code, o.dead_at IS NOT NULL AS is_dead FROM cx_data.outbox AS o JOIN cx_data.channel AS c USING (channel_id) WHERE c.code = 'later';

-- over the limit of three requests in a minute, messages go together; and then they wait
TRUNCATE cx_data.outbox;
SELECT send('wecom', 6);
SELECT cardinality(ids) AS messages, body FROM cx.outbox_claim(worker => 'one') ORDER BY ids;
SELECT cx.outbox_ack(array_agg(outbox_id), 'one') FROM cx_data.outbox;
SELECT send('wecom', 2);
SELECT count(*) FROM cx.outbox_claim();
SELECT channel, waiting, delivered FROM cx_data.outbox_stats WHERE channel = 'wecom';
UPDATE cx_data.outbox SET claimed_at = claimed_at - interval '1 minute';
SELECT cardinality(ids) AS messages FROM cx.outbox_claim(worker => 'one') ORDER BY ids;
-- a long text is cut where the receiver would refuse it
TRUNCATE cx_data.outbox;
UPDATE cx_data.channel SET rate_limit = 1 WHERE code = 'wecom';
UPDATE cx_data.customer SET name = repeat('ü', 500);
SELECT send('wecom', 6);
SELECT cardinality(ids) AS messages, octet_length(body::jsonb #>> '{text,content}') <= 2048 AS fits, body ~ '\.\.\."' AS is_cut FROM cx.outbox_claim();
-- a webhook gets the payloads of a digest as they are; a channel that is not active keeps its messages
TRUNCATE cx_data.outbox;
UPDATE cx_data.customer SET name = code;
UPDATE cx_data.channel SET rate_limit = 1 WHERE code = 'hook';
SELECT send('hook', 2);
UPDATE cx_data.channel SET active = false;
SELECT count(*) FROM cx.outbox_claim();
UPDATE cx_data.channel SET active = true;
SELECT count(*) FROM cx.outbox_claim(0);
SELECT body::jsonb -> 'count' AS count, jsonb_path_query_array(body::jsonb, '$.messages[*].message') AS messages FROM cx.outbox_claim();
SELECT cx.outbox_purge('0');
UPDATE cx_data.outbox SET delivered_at = now() - interval '40 days' WHERE digest_id IS NULL;
SELECT cx.outbox_purge();

-- errors
SELECT * FROM cx.outbox_claim(lease => '0');
SELECT * FROM cx.outbox_claim(lease => NULL);
SELECT cx.outbox_ack(NULL), cx.outbox_fail(NULL, NULL), cx.outbox_report(NULL, NULL, NULL), cx.outbox_report('{}', 'x', 200);

-- a customer who is erased takes along what was to be told of him
TRUNCATE cx_data.outbox;
SELECT send('slack', 3);
SELECT what, row_count FROM cx.erase_customer('c1') WHERE relation = 'cx_data.outbox';
SELECT count(*) FILTER (WHERE payload = '{}' AND dead_at IS NOT NULL AND customer_id IS NULL) AS erased, count(*) FILTER (WHERE payload::text ~ 'c1') AS left_over FROM cx_data.outbox;
SELECT cx.outbox_replay();
\set ECHO none
SET client_min_messages = warning;
DROP FUNCTION send(text, integer), wait_after(integer);
CALL cx.drop_program(with_feedback => true);
