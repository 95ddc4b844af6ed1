-- The outbox: messages are claimed, delivered outside the database, and what became of them is reported

CREATE FUNCTION cx.hmac_sha256(key bytea, message bytea) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.hmac_sha256(bytea, bytea) IS 'HMAC of a message with SHA-256 (RFC 2104), 32 bytes';

CREATE FUNCTION cx.webhook_signature(signing_key text, message_id text, at bigint, body text) RETURNS text
	LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN 'v1,' || encode(cx.hmac_sha256(CASE WHEN signing_key LIKE 'whsec\_%' THEN decode(substr(signing_key, 7), 'base64') ELSE convert_to(signing_key, 'UTF8') END,
		convert_to(format('%s.%s.%s', message_id, at, body), 'UTF8')), 'base64');
END
$$;
COMMENT ON FUNCTION cx.webhook_signature(text, text, bigint, text) IS 'value of the header webhook-signature, as the Standard Webhooks convention has it: v1, and the Base64 of the HMAC-SHA256 of id.timestamp.body; the timestamp is in Unix seconds, the key whsec_ and Base64, or any text';

CREATE FUNCTION cx.fill_json(template jsonb, names jsonb) RETURNS jsonb
	LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	filled text;
	name record;
BEGIN
	CASE jsonb_typeof(template)
		WHEN 'object' THEN
			RETURN (SELECT coalesce(jsonb_object_agg(e.key, cx.fill_json(e.value, names)), '{}') FROM jsonb_each(template) AS e);
		WHEN 'array' THEN
			RETURN (SELECT coalesce(jsonb_agg(cx.fill_json(e.value, names) ORDER BY e.place), '[]') FROM jsonb_array_elements(template) WITH ORDINALITY AS e (value, place));
		WHEN 'string' THEN
			-- from left to right, so that what was filled in is not looked at again
			SELECT string_agg(CASE WHEN part.place % 2 = 1 OR NOT names ? part.text THEN part.text ELSE names ->> part.text END, '' ORDER BY part.place)
			INTO filled FROM regexp_split_to_table(replace(template #>> '{}', '{', E'\x01'), E'[\x01}]') WITH ORDINALITY AS part (text, place);
			RETURN to_jsonb(filled);
		ELSE
			RETURN template;
	END CASE;
END
$$;
COMMENT ON FUNCTION cx.fill_json(jsonb, jsonb) IS 'a JSON template with the names in braces in its strings filled in; called by outbox_claim';

CREATE FUNCTION cx.message_text(payloads jsonb) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	BEGIN ATOMIC
		SELECT CASE pg_catalog.jsonb_array_length(payloads)
			WHEN 1 THEN pg_catalog.format('[%s] %s', payloads #>> '{0,severity}', payloads #>> '{0,message}')
			ELSE pg_catalog.format(E'%s alerts\n%s', pg_catalog.jsonb_array_length(payloads),
				(SELECT pg_catalog.string_agg(pg_catalog.format('[%s] %s', p.value ->> 'severity', p.value ->> 'message'), E'\n' ORDER BY p.ordinality)
					FROM pg_catalog.jsonb_array_elements(payloads) WITH ORDINALITY AS p)) END;
	END;
COMMENT ON FUNCTION cx.message_text(jsonb) IS 'text of a message, or of several put together, for people to read';

CREATE FUNCTION cx.message_request(channel bigint, ids bigint[], payloads jsonb, send_to text, OUT url text, OUT headers text[], OUT body text)
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	way record;
	seconds CONSTANT bigint := extract(epoch FROM clock_timestamp())::bigint;
	said text := cx.message_text(payloads);
	template jsonb;
BEGIN
	SELECT c.url, c.signing_key, f.code, f.body, f.digest, f.signing, f.max_bytes INTO STRICT way
	FROM cx_data.channel AS c JOIN cx_data.channel_format AS f ON f.code = c.format WHERE c.channel_id = channel;
	url := coalesce(send_to, way.url);
	IF octet_length(said) > way.max_bytes THEN
		said := left(said, greatest(way.max_bytes / 4, 1)) || '...';
	END IF;
	IF way.code = 'email' THEN
		url := 'mailto:' || regexp_replace(url, '^mailto:', '');
		headers := ARRAY['To: ' || regexp_replace(substr(url, 8), '[^[:graph:]]', '', 'g'),
			'Subject: =?UTF-8?B?' || replace(encode(convert_to(left(split_part(said, E'\n', 1), 45), 'UTF8'), 'base64'), E'\n', '') || '?=',
			format('Message-ID: <%s.%s@cx>', ids[1], regexp_replace(current_database(), '[^[:alnum:]]', '-', 'g')),
			'MIME-Version: 1.0', 'Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: base64', 'Auto-Submitted: auto-generated'];
		body := encode(convert_to(said, 'UTF8'), 'base64');
		RETURN;
	END IF;
	headers := ARRAY['Content-Type: application/json'];
	template := CASE WHEN cardinality(ids) > 1 THEN way.digest ELSE way.body END;
	body := CASE
		WHEN template IS NOT NULL THEN cx.fill_json(template, coalesce(payloads -> 0, '{}') || jsonb_build_object('text', said, 'count', cardinality(ids)))::text
		WHEN cardinality(ids) > 1 THEN jsonb_build_object('count', cardinality(ids), 'messages', payloads)::text
		ELSE (payloads -> 0)::text END;
	CASE way.signing
		WHEN 'standard' THEN
			headers := headers || ARRAY['webhook-id: ' || ids[1], 'webhook-timestamp: ' || seconds];
			IF way.signing_key IS NOT NULL THEN
				headers := headers || ('webhook-signature: ' || cx.webhook_signature(way.signing_key, ids[1]::text, seconds, body));
			END IF;
		WHEN 'dingtalk' THEN
			IF way.signing_key IS NOT NULL THEN
				url := format('%s&timestamp=%s&sign=%s', url, seconds * 1000,
					replace(replace(replace(encode(cx.hmac_sha256(convert_to(way.signing_key, 'UTF8'), convert_to(format(E'%s\n%s', seconds * 1000, way.signing_key), 'UTF8')), 'base64'), '+', '%2B'), '/', '%2F'), '=', '%3D'));
			END IF;
		WHEN 'feishu' THEN
			IF way.signing_key IS NOT NULL THEN
				body := (body::jsonb || jsonb_build_object('timestamp', seconds::text,
					'sign', encode(cx.hmac_sha256(convert_to(format(E'%s\n%s', seconds, way.signing_key), 'UTF8'), ''), 'base64')))::text;
			END IF;
		ELSE NULL;
	END CASE;
END
$$;
COMMENT ON FUNCTION cx.message_request(bigint, bigint[], jsonb, text) IS 'what is to be sent: address, headers and body of a request or an e-mail, signed as the channel''s format says; called by outbox_claim';

CREATE FUNCTION cx.channel_room(channel bigint) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	most integer;
BEGIN
	-- one worker at a time, the others leave the channel out
	SELECT c.rate_limit INTO most FROM cx_data.channel AS c WHERE c.channel_id = channel FOR NO KEY UPDATE SKIP LOCKED;
	IF NOT FOUND THEN
		RETURN 0;
	END IF;
	RETURN greatest(0, most - (SELECT count(DISTINCT coalesce(o.digest_id, o.outbox_id)) FROM cx_data.outbox AS o
		WHERE o.channel_id = channel AND o.claimed_at > clock_timestamp() - interval '1 minute'));
END
$$;
COMMENT ON FUNCTION cx.channel_room(bigint) IS 'how many more requests the rate limit of a channel allows at this moment; called by outbox_claim';

CREATE FUNCTION cx.outbox_worker(worker text) RETURNS text
	LANGUAGE sql
	RETURN coalesce(worker, pg_catalog.format('%s, process %s', session_user, pg_catalog.pg_backend_pid()));
COMMENT ON FUNCTION cx.outbox_worker(text) IS 'name under which messages are leased: the one that is given, else that of the session';

CREATE FUNCTION cx.outbox_claim(most integer DEFAULT 100, lease interval DEFAULT '1 minute', worker text DEFAULT NULL)
	RETURNS TABLE (ids bigint[], channel text, format text, url text, headers text[], body text, attempts integer)
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
	me CONSTANT text := cx.outbox_worker(worker);
BEGIN
	PERFORM cx.require_program();
	IF lease IS NULL OR lease <= '0' THEN
		RAISE EXCEPTION 'lease must be positive' USING ERRCODE = 'invalid_parameter_value', HINT = 'It is for how long the worker has the messages to itself.';
	END IF;
	RETURN QUERY
	WITH way AS MATERIALIZED (
		SELECT c.channel_id, c.code, c.format, CASE WHEN c.rate_limit IS NOT NULL THEN cx.channel_room(c.channel_id) END AS room
		FROM cx_data.channel AS c
		WHERE c.active AND EXISTS (SELECT FROM cx_data.outbox AS o WHERE o.channel_id = c.channel_id AND o.delivered_at IS NULL AND o.dead_at IS NULL AND o.available_at <= clock_timestamp())
	), due AS (
		SELECT o.outbox_id FROM cx_data.outbox AS o
		WHERE o.delivered_at IS NULL AND o.dead_at IS NULL AND o.available_at <= clock_timestamp()
			AND o.channel_id IN (SELECT w.channel_id FROM way AS w WHERE coalesce(w.room, 1) > 0)
		ORDER BY o.available_at, o.outbox_id LIMIT greatest(most, 0) FOR UPDATE OF o SKIP LOCKED
	), placed AS (
		SELECT o.outbox_id, o.channel_id, o.send_to, w.room,
			row_number() OVER (PARTITION BY o.channel_id ORDER BY o.outbox_id) AS place, count(*) OVER (PARTITION BY o.channel_id) AS waiting
		FROM due JOIN cx_data.outbox AS o USING (outbox_id) JOIN way AS w USING (channel_id)
	), grouped AS (
		-- those for which there is no room go together with the last one for which there is, one request for each address
		SELECT p.outbox_id, first_value(p.outbox_id) OVER (PARTITION BY p.channel_id, p.send_to, CASE WHEN p.waiting > p.room THEN least(p.place, p.room) ELSE p.place END ORDER BY p.outbox_id) AS leader
		FROM placed AS p
	), leased AS (
		-- until the lease ends it is not available to others; who is killed loses it to them
		UPDATE cx_data.outbox AS o SET attempts = o.attempts + 1, leased_by = me, leased_until = clock_timestamp() + lease, available_at = clock_timestamp() + lease,
			claimed_at = clock_timestamp(), digest_id = NULLIF(g.leader, o.outbox_id)
		FROM grouped AS g WHERE o.outbox_id = g.outbox_id
		RETURNING o.outbox_id, g.leader, o.channel_id, o.send_to, o.payload, o.attempts
	), request AS (
		SELECT l.leader, l.channel_id, min(l.send_to) AS send_to, array_agg(l.outbox_id ORDER BY l.outbox_id) AS ids, jsonb_agg(l.payload ORDER BY l.outbox_id) AS payloads, max(l.attempts) AS attempts
		FROM leased AS l GROUP BY l.leader, l.channel_id
	)
	SELECT r.ids, w.code, w.format, m.url, m.headers, m.body, r.attempts
	FROM request AS r JOIN way AS w USING (channel_id) CROSS JOIN LATERAL cx.message_request(r.channel_id, r.ids, r.payloads, r.send_to) AS m
	ORDER BY r.leader;
END
$$;
COMMENT ON FUNCTION cx.outbox_claim(integer, interval, text) IS 'takes messages to deliver them, the oldest first, one row for each request to be made: nobody else gets them before the lease ends. Over the rate limit of a channel several go into one request. Commit before delivering, then tell by outbox_report, or outbox_ack and outbox_fail, what became of them; workers at the same time get different ones';

CREATE FUNCTION cx.outbox_ack(ids bigint[], worker text DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	delivered bigint;
BEGIN
	PERFORM cx.require_program();
	UPDATE cx_data.outbox AS o SET delivered_at = clock_timestamp(), leased_until = NULL, last_error = NULL
	WHERE o.outbox_id = ANY (ids) AND o.leased_by = cx.outbox_worker(worker) AND o.delivered_at IS NULL AND o.dead_at IS NULL;
	GET DIAGNOSTICS delivered = ROW_COUNT;
	RETURN delivered;
END
$$;
COMMENT ON FUNCTION cx.outbox_ack(bigint[], text) IS 'notes that messages were delivered, by the worker that claimed them last; gives how many. Others, whose lease has ended and passed on, change nothing';

CREATE FUNCTION cx.outbox_fail(ids bigint[], error text, worker text DEFAULT NULL, retry_after interval DEFAULT NULL, most_attempts integer DEFAULT 12) RETURNS timestamptz
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	next_at timestamptz;
BEGIN
	PERFORM cx.require_program();
	WITH failed AS (
		UPDATE cx_data.outbox AS o SET last_error = left(error, 500), leased_until = NULL,
			dead_at = CASE WHEN o.attempts >= most_attempts THEN clock_timestamp() END,
			-- half a minute, doubled with each attempt up to an hour, less up to a half by chance, so that not all come at once
			available_at = clock_timestamp() + greatest(retry_after, least(interval '30 seconds' * 2 ^ least(o.attempts - 1, 10), interval '1 hour') * (0.5 + 0.5 * random()))
		WHERE o.outbox_id = ANY (ids) AND o.leased_by = cx.outbox_worker(worker) AND o.delivered_at IS NULL AND o.dead_at IS NULL
		RETURNING o.available_at, o.dead_at
	)
	SELECT min(f.available_at) INTO next_at FROM failed AS f WHERE f.dead_at IS NULL;
	RETURN next_at;
END
$$;
COMMENT ON FUNCTION cx.outbox_fail(bigint[], text, text, interval, integer) IS 'notes that messages could not be delivered, by the worker that claimed them last; gives when they will be tried again: after half a minute, doubled with each attempt up to an hour, less up to a half by chance, but not before retry_after. NULL if they were given up after most_attempts, or are another worker''s';

CREATE FUNCTION cx.outbox_release(ids bigint[], worker text DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	released bigint;
BEGIN
	PERFORM cx.require_program();
	UPDATE cx_data.outbox AS o SET attempts = greatest(o.attempts - 1, 0), leased_until = NULL, available_at = clock_timestamp(), claimed_at = NULL, digest_id = NULL
	WHERE o.outbox_id = ANY (ids) AND o.leased_by = cx.outbox_worker(worker) AND o.leased_until IS NOT NULL AND o.delivered_at IS NULL AND o.dead_at IS NULL;
	GET DIAGNOSTICS released = ROW_COUNT;
	RETURN released;
END
$$;
COMMENT ON FUNCTION cx.outbox_release(bigint[], text) IS 'gives messages back that were claimed but not tried, by the worker that claimed them last: they can be claimed again at once, and that was no attempt. Gives how many';

CREATE FUNCTION cx.outbox_report(ids bigint[], worker text, status integer, response text DEFAULT NULL, error text DEFAULT NULL, retry_after interval DEFAULT NULL) RETURNS boolean
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	success CONSTANT jsonpath := (SELECT f.success::jsonpath FROM cx_data.outbox AS o JOIN cx_data.channel AS c USING (channel_id) JOIN cx_data.channel_format AS f ON f.code = c.format WHERE o.outbox_id = ids[1]);
	problem text := error;
BEGIN
	IF problem IS NULL AND (status BETWEEN 200 AND 299) IS NOT TRUE THEN
		problem := concat('status ', coalesce(status::text, 'unknown'));
	ELSIF problem IS NULL AND success IS NOT NULL THEN
		-- chat robots answer 200 whatever happens, and say in the body what did
		BEGIN
			IF (response::jsonb @@ success) IS NOT TRUE THEN
				problem := 'refused: ' || left(regexp_replace(response, '[[:cntrl:]]', ' ', 'g'), 200);
			END IF;
		EXCEPTION WHEN data_exception THEN
			problem := 'the answer is not JSON';
		END;
	END IF;
	IF problem IS NULL THEN
		RETURN cx.outbox_ack(ids, worker) > 0;
	END IF;
	PERFORM cx.outbox_fail(ids, problem, worker, retry_after);
	RETURN false;
END
$$;
COMMENT ON FUNCTION cx.outbox_report(bigint[], text, integer, text, text, interval) IS 'notes what became of a request: the status and body that the receiver answered with, or why there was no answer; acknowledges the messages, or has them tried again. True if they are delivered';

CREATE FUNCTION cx.outbox_replay(ids bigint[] DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	replayed bigint;
BEGIN
	PERFORM cx.require_program();
	-- where the route led nowhere it may lead somewhere now
	UPDATE cx_data.outbox AS o SET channel_id = t.channel_id, send_to = t.send_to
	FROM cx_data.outbox AS lost CROSS JOIN LATERAL (SELECT r.channel_id, r.send_to FROM cx.route_targets(lost.route) AS r WHERE r.problem IS NULL LIMIT 1) AS t
	WHERE o.outbox_id = lost.outbox_id AND lost.channel_id IS NULL AND CASE WHEN ids IS NULL THEN lost.dead_at IS NOT NULL ELSE lost.outbox_id = ANY (ids) END;
	UPDATE cx_data.outbox AS o SET attempts = 0, available_at = clock_timestamp(), leased_by = NULL, leased_until = NULL, delivered_at = NULL, dead_at = NULL
	WHERE CASE WHEN ids IS NULL THEN o.dead_at IS NOT NULL ELSE o.outbox_id = ANY (ids) END AND o.channel_id IS NOT NULL AND o.payload <> '{}';
	GET DIAGNOSTICS replayed = ROW_COUNT;
	RETURN replayed;
END
$$;
COMMENT ON FUNCTION cx.outbox_replay(bigint[]) IS 'has messages delivered once more, or without an argument all that were given up; gives how many. Those about customers who were erased stay where they are';

CREATE FUNCTION cx.outbox_purge(older_than interval DEFAULT '30 days') RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	purged bigint;
BEGIN
	PERFORM cx.require_program();
	DELETE FROM cx_data.outbox AS o WHERE coalesce(o.delivered_at, o.dead_at) < now() - older_than;
	GET DIAGNOSTICS purged = ROW_COUNT;
	RETURN purged;
END
$$;
COMMENT ON FUNCTION cx.outbox_purge(interval) IS 'deletes messages that were delivered or given up longer ago than that; gives how many';
