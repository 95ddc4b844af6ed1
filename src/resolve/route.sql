-- Routing: who works on a ticket, and what he needs to know

CREATE FUNCTION cx.route_candidates(ticket bigint) RETURNS TABLE (staff_id bigint, place bigint)
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
	RETURN QUERY
	SELECT s.staff_id, row_number() OVER (ORDER BY s.staff_id IS NOT DISTINCT FROM p.owner_staff_id DESC,
		(SELECT count(*) FROM unnest(s.skills) AS skill WHERE skill IN (p.code, g.code, p.channel, c.segment)) DESC, l.tickets, s.staff_id)
	FROM cx_data.ticket AS t
	LEFT JOIN cx_data.touchpoint AS p USING (touchpoint_id)
	LEFT JOIN cx_data.stage AS g USING (stage_id)
	LEFT JOIN cx_data.customer AS c ON c.customer_id = t.customer_id
	JOIN cx_data.staff AS s ON s.org_unit_id = t.org_unit_id OR s.staff_id = p.owner_staff_id
	CROSS JOIN LATERAL (SELECT count(*) AS tickets FROM cx_data.ticket AS k WHERE k.staff_id = s.staff_id AND k.status NOT IN ('solved', 'closed')) AS l
	WHERE t.ticket_id = ticket AND l.tickets < s.max_tickets;
END
$$;
COMMENT ON FUNCTION cx.route_candidates(bigint) IS 'members of staff who could take a ticket, the best first: the owner of the touchpoint, then those of the unit, who knows touchpoint, stage, channel and segment best, of these who has least to do';

CREATE FUNCTION cx.take_if_free(ticket bigint, person bigint, caller oid, waits boolean) RETURNS boolean
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	most integer;
BEGIN
	IF waits THEN
		SELECT s.max_tickets INTO most FROM cx_data.staff AS s WHERE s.staff_id = person FOR NO KEY UPDATE;
	ELSE
		SELECT s.max_tickets INTO most FROM cx_data.staff AS s WHERE s.staff_id = person FOR NO KEY UPDATE SKIP LOCKED;
	END IF;
	-- counted under the lock, so that no two routers give the last place away
	IF NOT FOUND OR (SELECT count(*) FROM cx_data.ticket AS k WHERE k.staff_id = person AND k.status NOT IN ('solved', 'closed')) >= most THEN
		-- undone, which takes the lock off: two routers that keep one each might wait for each other's
		RAISE SQLSTATE 'CX000';
	END IF;
	PERFORM cx.give_ticket(ticket, person, NULL, caller, cx.ticket_time(ticket, NULL, caller), NULL);
	RETURN true;
EXCEPTION WHEN SQLSTATE 'CX000' THEN
	RETURN false;
END
$$;
COMMENT ON FUNCTION cx.take_if_free(bigint, bigint, oid, boolean) IS 'gives a ticket to a member of staff unless that is one too many; without waiting for others who give him one just now, if so wanted. Part of route_ticket';

CREATE FUNCTION cx.give_to_best(ticket bigint, caller oid, waits boolean) RETURNS text
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	candidates CONSTANT bigint[] := ARRAY(SELECT c.staff_id FROM cx.route_candidates(ticket) AS c ORDER BY c.place);
	person bigint;
	is_second boolean;
BEGIN
	FOREACH is_second IN ARRAY CASE WHEN waits THEN '{false,true}' ELSE '{false}' END::boolean[] LOOP
		FOREACH person IN ARRAY candidates LOOP
			IF cx.take_if_free(ticket, person, caller, is_second) THEN
				RETURN (SELECT s.code FROM cx_data.staff AS s WHERE s.staff_id = person);
			END IF;
		END LOOP;
	END LOOP;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.give_to_best(bigint, oid, boolean) IS 'gives a ticket to the best member of staff who is free; gives his code, NULL if there is nobody. Where all who are free are just given others it waits, if so wanted. Part of route_ticket';

CREATE FUNCTION cx.give_first(caller oid, waits boolean, units bigint[], owners bigint[], OUT ticket_id bigint, OUT staff text)
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	seen CONSTANT bigint[] := CASE WHEN NOT cx.unit_is_visible(NULL, caller) THEN cx.units_of_role(caller) END;
	unrouted refcursor;
BEGIN
	-- one by one, so that others who route take the next ones
	IF units IS NULL THEN
		OPEN unrouted FOR
			SELECT t.ticket_id FROM cx_data.ticket AS t
			WHERE t.staff_id IS NULL AND t.status NOT IN ('solved', 'closed') AND t.source_id IS NULL AND (seen IS NULL OR t.org_unit_id = ANY (seen))
			ORDER BY t.first_response_due_at, t.ticket_id LIMIT 5 FOR NO KEY UPDATE SKIP LOCKED;
	ELSE
		OPEN unrouted FOR
			SELECT t.ticket_id FROM cx_data.ticket AS t
			WHERE t.staff_id IS NULL AND t.status NOT IN ('solved', 'closed') AND t.source_id IS NULL AND (seen IS NULL OR t.org_unit_id = ANY (seen))
				AND (t.org_unit_id = ANY (units) OR t.touchpoint_id IN (SELECT p.touchpoint_id FROM cx_data.touchpoint AS p WHERE p.owner_staff_id = ANY (owners)))
			ORDER BY t.first_response_due_at, t.ticket_id LIMIT 100 FOR NO KEY UPDATE OF t SKIP LOCKED;
	END IF;
	LOOP
		FETCH unrouted INTO ticket_id;
		EXIT WHEN NOT FOUND;
		staff := cx.give_to_best(ticket_id, caller, waits);
		EXIT WHEN staff IS NOT NULL;
	END LOOP;
	CLOSE unrouted;
END
$$;
COMMENT ON FUNCTION cx.give_first(oid, boolean, bigint[], bigint[]) IS 'gives the most urgent ticket for which somebody is free: of the first five that wait, or of the first hundred in these units or at touchpoints of these owners. staff is NULL if there is none. Part of route_ticket';

CREATE FUNCTION cx.owner_route(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	wanted CONSTANT bigint := (argument -> 'ticket')::bigint;
	-- a transaction that has written before may hold what the other one waits for
	waits CONSTANT boolean := pg_current_xact_id_if_assigned() IS NULL;
	free record;
	given record;
BEGIN
	IF wanted IS NOT NULL THEN
		PERFORM cx.lock_ticket(wanted, caller);
		PERFORM cx.check_lives_here(wanted);
		IF (SELECT t.solved_at IS NOT NULL FROM cx_data.ticket AS t WHERE t.ticket_id = wanted) THEN
			RAISE EXCEPTION 'ticket % is solved', wanted USING ERRCODE = 'object_not_in_prerequisite_state', HINT = format('SELECT cx.reopen(%s, ''why'') first.', wanted);
		END IF;
		-- who works on it already goes on
		RETURN jsonb_build_object('ticket_id', wanted, 'staff',
			coalesce((SELECT s.code FROM cx_data.ticket AS t JOIN cx_data.staff AS s USING (staff_id) WHERE t.ticket_id = wanted), cx.give_to_best(wanted, caller, waits)));
	END IF;
	PERFORM cx.check_may_work(caller);
	given := cx.give_first(caller, false, NULL, NULL);
	IF given.staff IS NULL THEN
		-- nobody is free for the first ones; whoever is free may be so for others
		SELECT coalesce(array_agg(DISTINCT s.org_unit_id), '{}') AS units, array_agg(s.staff_id) AS owners INTO free FROM cx_data.staff AS s
		WHERE (SELECT count(*) FROM cx_data.ticket AS k WHERE k.staff_id = s.staff_id AND k.status NOT IN ('solved', 'closed')) < s.max_tickets;
		IF free.owners IS NOT NULL THEN
			given := cx.give_first(caller, false, free.units, free.owners);
			IF given.staff IS NULL AND waits THEN
				given := cx.give_first(caller, true, free.units, free.owners);
			END IF;
		END IF;
	END IF;
	RETURN CASE WHEN given.staff IS NOT NULL THEN jsonb_build_object('ticket_id', given.ticket_id, 'staff', given.staff) ELSE '{}' END;
END
$$;
COMMENT ON FUNCTION cx.owner_route(jsonb, oid) IS 'does the work of route_ticket with the rights of the program''s owner';

CREATE FUNCTION cx.route_ticket(ticket bigint DEFAULT NULL, OUT ticket_id bigint, OUT staff text)
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	routed jsonb;
BEGIN
	PERFORM cx.require_program();
	PERFORM cx.require_read_committed();
	routed := cx.as_program_owner('route', jsonb_strip_nulls(jsonb_build_object('ticket', ticket)));
	ticket_id := (routed -> 'ticket_id')::bigint;
	staff := routed ->> 'staff';
END
$$;
COMMENT ON FUNCTION cx.route_ticket(bigint) IS 'gives a ticket, or without one the most urgent that nobody works on, to a member of staff: the owner of the touchpoint, then somebody of the unit, who knows touchpoint, stage, channel and segment (column skills) and has least to do; nobody gets more than max_tickets. Gives the ticket and the code of that person, or of the one who works on it already; NULL if nobody is free';

CREATE FUNCTION cx.ticket_brief(ticket bigint) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	brief jsonb;
BEGIN
	SELECT jsonb_strip_nulls(jsonb_build_object(
		'ticket', to_jsonb(d) - '{customer,customer_name}'::text[],
		'subject', t.subject,
		'detail', t.detail,
		'action_taken', t.action_taken,
		'customer', (SELECT to_jsonb(p) FROM cx_data.customer_profile AS p WHERE p.customer_id = t.customer_id),
		'risk', cx.risk_of_customer(t.customer_id),
		'value', (SELECT NULLIF(c.attributes, '{}') FROM cx_data.customer AS c WHERE c.customer_id = t.customer_id),
		'last_feedback', (SELECT jsonb_build_object('responded_at', f.responded_at, 'kind', f.kind, 'metric', f.metric, 'score', f.score, 'comment', f.comment, 'channel', f.channel)
			FROM cx_data.feedback AS f WHERE f.customer_id = t.customer_id ORDER BY f.responded_at DESC, f.feedback_id DESC LIMIT 1),
		'history', (SELECT jsonb_agg(to_jsonb(h) ORDER BY h.happened_at DESC) FROM (
			SELECT l.* FROM cx_data.customer AS c CROSS JOIN LATERAL cx.customer_timeline(c.code) AS l WHERE c.customer_id = t.customer_id ORDER BY l.happened_at DESC LIMIT 10) AS h),
		'open_tickets', (SELECT jsonb_agg(jsonb_build_object('ticket_id', o.ticket_id, 'subject', o.subject, 'status', o.status, 'priority', o.priority, 'opened_at', o.opened_at) ORDER BY o.opened_at DESC)
			FROM cx_data.ticket AS o WHERE o.customer_id = t.customer_id AND o.ticket_id <> t.ticket_id AND o.status NOT IN ('solved', 'closed')),
		'tasks', (SELECT jsonb_agg(jsonb_build_object('ticket_task_id', k.ticket_task_id, 'org_unit', u.code, 'subject', k.subject, 'status', k.status, 'due_at', k.due_at, 'blocked_reason', k.blocked_reason) ORDER BY k.ticket_task_id)
			FROM cx_data.ticket_task AS k LEFT JOIN cx_data.org_unit AS u USING (org_unit_id) WHERE k.ticket_id = t.ticket_id),
		'events', (SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('occurred_at', e.occurred_at, 'kind', e.kind, 'status', e.status, 'level', e.level, 'automatic', e.automatic, 'note', e.note, 'actor', e.actor)) ORDER BY e.ticket_event_id)
			FROM cx_data.ticket_event AS e WHERE e.ticket_id = t.ticket_id)))
	INTO brief
	FROM cx_data.ticket AS t JOIN cx_data.ticket_detail AS d USING (ticket_id) WHERE t.ticket_id = ticket;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'ticket % does not exist', ticket
			USING ERRCODE = 'undefined_object', HINT = 'SELECT ticket_id, subject FROM cx_data.ticket_queue shows those that are not solved.';
	END IF;
	RETURN brief;
END
$$;
COMMENT ON FUNCTION cx.ticket_brief(bigint) IS 'all that somebody needs to work on a ticket, on one page: the ticket, the customer and what is known of him (customer_profile), how likely he is to leave and why (customer_churn_risk), his value (attributes), his last feedback, the last ten things that happened, his other tickets, tasks and history; reads with the caller''s rights';
