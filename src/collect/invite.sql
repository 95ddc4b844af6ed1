-- Invitations: who is asked, and who is left in peace

CREATE FUNCTION cx.program_time(at timestamptz, period interval) RETURNS timestamptz
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN (SELECT (at AT TIME ZONE time_zone + period) AT TIME ZONE time_zone FROM cx_data.program);
END
$$;
COMMENT ON FUNCTION cx.program_time(timestamptz, interval) IS 'an instant and a period after it: days, months and years are those of the calendar in the program''s time zone';

CREATE FUNCTION cx.invitation_token(value text) RETURNS uuid
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	BEGIN ATOMIC
		SELECT CASE WHEN value ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' THEN value::uuid END;
	END;
COMMENT ON FUNCTION cx.invitation_token(text) IS 'the token of an invitation that a link carries; NULL for whatever else it may carry';

CREATE FUNCTION cx.invited_customer(token text) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	invited CONSTANT uuid := cx.invitation_token(token);
BEGIN
	IF invited IS NULL THEN
		RETURN NULL;
	END IF;
	RETURN coalesce(
		-- as he was called when he was invited
		(SELECT coalesce(n.value, c.code)
			FROM cx_data.invitation AS i JOIN cx_data.customer AS c USING (customer_id)
			LEFT JOIN cx_data.customer_identity AS n ON n.customer_merge_id = i.customer_merge_id AND n.customer_id = i.customer_id AND n.kind = 'code'
			WHERE i.token = invited),
		-- that of a customer who was erased stands for himself
		CASE WHEN EXISTS (SELECT FROM cx_data.erased_customer AS e WHERE e.name_hash = cx.erased_hash('invitation', invited::text)) THEN invited::text END);
END
$$;
COMMENT ON FUNCTION cx.invited_customer(text) IS 'code of the customer whose invitation has this token; the token itself if he was erased; NULL if none has';

CREATE FUNCTION cx.erase_from_invitation(customer bigint, strings text[]) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	erased bigint;
BEGIN
	UPDATE cx_data.invitation AS i SET token = gen_random_uuid(),
		status = CASE i.status WHEN 'queued' THEN 'suppressed' ELSE i.status END, reason = CASE i.status WHEN 'queued' THEN 'erased' ELSE i.reason END
	WHERE i.customer_id = customer;
	GET DIAGNOSTICS erased = ROW_COUNT;
	RETURN erased;
END
$$;
COMMENT ON FUNCTION cx.erase_from_invitation(bigint, text[]) IS 'takes the tokens of a customer''s invitations out, which lead to his responses, and suppresses those that are queued; part of erase_customer';

CREATE FUNCTION cx.opted_out(customer bigint, survey bigint, channel text) RETURNS boolean
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN EXISTS (SELECT FROM cx_data.contact_opt_out AS o
		WHERE o.customer_id = customer AND coalesce(o.survey_id, survey) = survey AND (o.channel IS NULL OR o.channel = opted_out.channel));
END
$$;
COMMENT ON FUNCTION cx.opted_out(bigint, bigint, text) IS 'whether a customer does not want to be invited to a survey by a channel';

CREATE FUNCTION cx.suppress_opted_out(customer bigint DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	suppressed bigint;
BEGIN
	UPDATE cx_data.invitation AS i SET status = 'suppressed', reason = 'opted out'
	WHERE i.status = 'queued' AND (customer IS NULL OR i.customer_id = customer)
		AND i.customer_id IN (SELECT o.customer_id FROM cx_data.contact_opt_out AS o) AND cx.opted_out(i.customer_id, i.survey_id, i.channel);
	GET DIAGNOSTICS suppressed = ROW_COUNT;
	RETURN suppressed;
END
$$;
COMMENT ON FUNCTION cx.suppress_opted_out(bigint) IS 'suppresses queued invitations of a customer, or of all, that they do not want; gives how many. Called by opt_out and claim_invitations';

CREATE FUNCTION cx.suppression_reason(customer bigint, survey bigint, channel text, at timestamptz) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF cx.opted_out(customer, survey, channel) THEN
		RETURN 'opted out';
	END IF;
	IF EXISTS (SELECT FROM cx_data.invitation AS i
			WHERE i.customer_id = customer AND i.survey_id = survey AND i.status IN ('queued', 'sent') AND i.expires_at > at) THEN
		RETURN 'already invited';
	END IF;
	IF EXISTS (SELECT FROM cx_data.invitation AS i JOIN cx_data.survey AS s USING (survey_id)
			WHERE i.customer_id = customer AND i.survey_id = survey AND i.status <> 'suppressed'
				AND coalesce(i.sent_at, i.invited_at) > cx.program_time(at, -s.cooldown) AND i.invited_at < cx.program_time(at, s.cooldown)) THEN
		RETURN 'cooldown';
	END IF;
	RETURN (SELECT r.code FROM cx_data.contact_rule AS r
		WHERE (r.channel IS NULL OR r.channel = suppression_reason.channel)
			AND r.max_invitations <= (SELECT count(*) FROM cx_data.invitation AS i
				WHERE i.customer_id = customer AND i.status <> 'suppressed' AND (r.channel IS NULL OR i.channel = r.channel)
					AND coalesce(i.sent_at, i.invited_at) > cx.program_time(at, -r.period) AND i.invited_at < cx.program_time(at, r.period))
		ORDER BY r.contact_rule_id LIMIT 1);
END
$$;
COMMENT ON FUNCTION cx.suppression_reason(bigint, bigint, text, timestamptz) IS 'why a customer must not be invited to a survey at a time: opted out, already invited, cooldown, or the code of a contact rule; NULL if nothing is against it. Called by invite';

CREATE FUNCTION cx.merge_of_code(code text) RETURNS bigint
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN (SELECT n.customer_merge_id FROM cx_data.customer_identity AS n WHERE n.kind = 'code' AND n.value = code);
END
$$;
COMMENT ON FUNCTION cx.merge_of_code(text) IS 'merge in which the customer of this code went into another one; NULL if he did not';

CREATE FUNCTION cx.invite(customer text, survey text, channel text DEFAULT NULL, at timestamptz DEFAULT now(), OUT invitation_id bigint, OUT status text, OUT reason text, OUT token uuid)
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	invited bigint;
	asked record;
BEGIN
	PERFORM cx.require_program();
	PERFORM cx.require_read_committed();
	SELECT s.survey_id, s.active, s.valid_for, coalesce(invite.channel, s.channel) AS channel INTO asked FROM cx_data.survey AS s WHERE s.code = survey;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'survey "%" does not exist', survey USING ERRCODE = 'undefined_object', HINT = 'Add it to cx_data.survey.';
	END IF;
	IF NOT asked.active THEN
		RAISE EXCEPTION 'survey "%" is not active', survey
			USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'UPDATE cx_data.survey SET active = true.';
	END IF;
	IF NOT isfinite(at) OR at IS NULL THEN
		RAISE EXCEPTION 'at must be a time' USING ERRCODE = 'invalid_parameter_value', HINT = 'Leave it out for now.';
	END IF;
	-- one at a time for each customer, so that rules see what others do
	SELECT c.customer_id INTO invited FROM cx_data.customer AS c WHERE c.customer_id = cx.identify('code', customer) FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'customer "%" does not exist', customer USING ERRCODE = 'undefined_object', HINT = 'Add it to cx_data.customer.';
	END IF;
	reason := cx.suppression_reason(invited, asked.survey_id, asked.channel, at);
	INSERT INTO cx_data.invitation AS i (survey_id, customer_id, customer_merge_id, channel, status, reason, invited_at, expires_at)
	VALUES (asked.survey_id, invited, cx.merge_of_code(customer),
		asked.channel, CASE WHEN invite.reason IS NULL THEN 'queued' ELSE 'suppressed' END, invite.reason, at, cx.program_time(at, asked.valid_for))
	RETURNING i.invitation_id, i.status, CASE i.status WHEN 'queued' THEN i.token END INTO invitation_id, status, token;
END
$$;
COMMENT ON FUNCTION cx.invite(text, text, text, timestamptz) IS 'invites a customer to a survey, unless he opted out, is invited already, the survey''s cooldown lasts or a contact rule forbids it: then the invitation is noted as suppressed, with the reason. Gives its key, status, and the token for the link';

CREATE FUNCTION cx.claim_invitations(most integer DEFAULT 100, survey text DEFAULT NULL)
	RETURNS TABLE (invitation_id bigint, survey_code text, customer text, channel text, token uuid, expires_at timestamptz)
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	-- who opted out meanwhile, by whatever way that came
	PERFORM cx.suppress_opted_out();
	-- who was invited twice, as two customers that were merged since
	UPDATE cx_data.invitation AS i SET status = 'suppressed', reason = 'already invited'
	WHERE i.status = 'queued' AND EXISTS (SELECT FROM cx_data.invitation AS earlier
		WHERE earlier.survey_id = i.survey_id AND earlier.customer_id = i.customer_id AND earlier.invitation_id < i.invitation_id
			AND earlier.status IN ('queued', 'sent') AND earlier.expires_at > greatest(i.invited_at, now()));
	RETURN QUERY
	WITH claimed AS (
		SELECT i.invitation_id FROM cx_data.invitation AS i JOIN cx_data.survey AS s USING (survey_id)
		WHERE i.status = 'queued' AND i.invited_at <= now() AND i.expires_at > now() AND (claim_invitations.survey IS NULL OR s.code = claim_invitations.survey)
		ORDER BY i.invitation_id LIMIT greatest(most, 0) FOR UPDATE OF i SKIP LOCKED
	), sent AS (
		UPDATE cx_data.invitation AS i SET status = 'sent', sent_at = now() FROM claimed WHERE i.invitation_id = claimed.invitation_id RETURNING i.*
	)
	SELECT sent.invitation_id, s.code, c.code, sent.channel, sent.token, sent.expires_at
	FROM sent JOIN cx_data.survey AS s USING (survey_id) LEFT JOIN cx_data.customer AS c USING (customer_id)
	ORDER BY sent.invitation_id;
END
$$;
COMMENT ON FUNCTION cx.claim_invitations(integer, text) IS 'takes queued invitations to send them, the oldest first, and notes them as sent; several senders at once get different ones, and if the transaction is rolled back they are queued again';

CREATE FUNCTION cx.opt_out(customer text, survey text DEFAULT NULL, channel text DEFAULT NULL, reason text DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	who bigint;
	asked bigint;
BEGIN
	PERFORM cx.require_program();
	SELECT c.customer_id INTO who FROM cx_data.customer AS c WHERE c.customer_id = cx.identify('code', customer) FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'customer "%" does not exist', customer USING ERRCODE = 'undefined_object', HINT = 'Add it to cx_data.customer.';
	END IF;
	SELECT s.survey_id INTO asked FROM cx_data.survey AS s WHERE s.code = survey;
	IF NOT FOUND AND survey IS NOT NULL THEN
		RAISE EXCEPTION 'survey "%" does not exist', survey USING ERRCODE = 'undefined_object', HINT = 'Leave it out for all surveys.';
	END IF;
	INSERT INTO cx_data.contact_opt_out (customer_id, customer_merge_id, survey_id, channel, reason)
	VALUES (who, cx.merge_of_code(customer), asked, opt_out.channel, opt_out.reason)
	ON CONFLICT ON CONSTRAINT contact_opt_out_key DO UPDATE SET reason = coalesce(excluded.reason, contact_opt_out.reason);
	-- what waits to be sent does not go out either
	PERFORM cx.suppress_opted_out(who);
END
$$;
COMMENT ON FUNCTION cx.opt_out(text, text, text, text) IS 'notes that a customer does not want to be invited, to a survey or by a channel or at all; queued invitations are suppressed. Deleting the row of cx_data.contact_opt_out takes it back';

CREATE FUNCTION cx.match_invitations() RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	answered bigint;
BEGIN
	UPDATE cx_data.invitation AS i SET status = 'answered', answered_at = found.responded_at, feedback_id = found.feedback_id
	FROM (
		-- the first answer of each invitation, and of those that have the same the first invitation
		SELECT DISTINCT ON (answer.feedback_id) open.invitation_id, answer.feedback_id, answer.responded_at
		FROM cx_data.invitation AS open
		JOIN cx_data.survey AS s USING (survey_id)
		CROSS JOIN LATERAL (
			SELECT f.feedback_id, f.responded_at
			FROM cx_data.feedback AS f
			WHERE f.customer_id = open.customer_id AND f.source_id = s.source_id
				AND f.responded_at >= open.invited_at AND f.responded_at < open.expires_at
				-- an answer to another invitation, be it to another question of the survey
				AND NOT EXISTS (SELECT FROM cx_data.invitation AS other JOIN cx_data.survey AS asked USING (survey_id)
					WHERE other.customer_id = open.customer_id AND (other.feedback_id = f.feedback_id OR (other.answered_at = f.responded_at AND asked.source_id = s.source_id)))
			ORDER BY f.responded_at, f.feedback_id LIMIT 1
		) AS answer
		-- files may come weeks after the answers in them
		WHERE open.status IN ('queued', 'sent') OR (open.status = 'expired' AND open.expires_at > now() - interval '60 days')
		ORDER BY answer.feedback_id, open.invitation_id
	) AS found
	-- unless an import answered it meanwhile
	WHERE found.invitation_id = i.invitation_id AND i.status IN ('queued', 'sent', 'expired');
	GET DIAGNOSTICS answered = ROW_COUNT;
	UPDATE cx_data.invitation SET status = 'expired' WHERE status IN ('queued', 'sent') AND expires_at <= now();
	RETURN answered;
END
$$;
COMMENT ON FUNCTION cx.match_invitations() IS 'finds invitations that feedback of their customer from their survey''s source answers, and those that expired; gives how many are answered. cx.maintain() calls it';
