-- Tickets: opened, and who may work on them

CREATE FUNCTION cx.ticket_event_stays() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RAISE EXCEPTION 'the history of a ticket does not change'
		USING ERRCODE = 'object_in_use', HINT = 'What happens next is added: cx.move_ticket() and its like do so.';
END
$$;
COMMENT ON FUNCTION cx.ticket_event_stays() IS 'trigger on cx_data.ticket_event: what happened stays as it was';

CREATE FUNCTION cx.owner_forget_tickets(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	gone CONSTANT bigint[] := CASE WHEN argument <> '{}' THEN ARRAY(SELECT g::bigint FROM jsonb_array_elements(argument) AS g) END;
BEGIN
	-- whoever calls: only of tickets that are not there any more
	DELETE FROM cx_data.ticket_event AS e WHERE (gone IS NULL OR e.ticket_id = ANY (gone)) AND NOT EXISTS (SELECT FROM cx_data.ticket AS t WHERE t.ticket_id = e.ticket_id);
	DELETE FROM cx_data.ticket_task AS k WHERE (gone IS NULL OR k.ticket_id = ANY (gone)) AND NOT EXISTS (SELECT FROM cx_data.ticket AS t WHERE t.ticket_id = k.ticket_id);
	UPDATE cx_data.alert AS a SET ticket_id = NULL WHERE CASE WHEN gone IS NULL THEN a.ticket_id IS NOT NULL ELSE a.ticket_id = ANY (gone) END AND NOT EXISTS (SELECT FROM cx_data.ticket AS t WHERE t.ticket_id = a.ticket_id);
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.owner_forget_tickets(jsonb, oid) IS 'deletes history and tasks of tickets that are gone, an array of their numbers, or {} for all; part of ticket_deleted, with the rights of the program''s owner';

CREATE FUNCTION cx.ticket_deleted() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
	-- by index, for one ticket and for many
	SET enable_nestloop = on SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off SET jit = off
	AS $$
BEGIN
	IF TG_OP = 'TRUNCATE' THEN
		PERFORM cx.as_program_owner('forget_tickets', '{}');
	ELSE
		PERFORM cx.as_program_owner('forget_tickets', (SELECT coalesce(jsonb_agg(g.ticket_id), '[]') FROM gone AS g));
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.ticket_deleted() IS 'trigger on cx_data.ticket: history and tasks of a ticket that is deleted go with it';

CREATE FUNCTION cx.add_ticket_event(ticket bigint, kind text, caller oid, at timestamptz, status text DEFAULT NULL, staff bigint DEFAULT NULL, unit bigint DEFAULT NULL, note text DEFAULT NULL, automatic boolean DEFAULT NULL, task bigint DEFAULT NULL, level integer DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	INSERT INTO cx_data.ticket_event (ticket_id, ticket_task_id, kind, status, staff_id, to_unit_id, level, automatic, note, actor, occurred_at)
	VALUES (ticket, task, kind, status, staff, unit, level, automatic, note, pg_get_userbyid(caller), at);
END
$$;
COMMENT ON FUNCTION cx.add_ticket_event(bigint, text, oid, timestamptz, text, bigint, bigint, text, boolean, bigint, integer) IS 'adds to the history of a ticket; takes the rights of the program''s owner';

CREATE FUNCTION cx.add_tickets(given cx.new_ticket[]) RETURNS SETOF bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
	new_ids CONSTANT regclass := pg_get_serial_sequence('cx_data.ticket', 'ticket_id');
BEGIN
	RETURN QUERY
	WITH asked AS MATERIALIZED (
		SELECT coalesce(g.ticket_id, nextval(new_ids)) AS ticket_id, coalesce(g.origin, 'centre') AS origin, g.priority, coalesce(g.emergency, false) AS emergency,
			g.customer_id, g.customer_merge_id, g.touchpoint_id, p.unit_id, g.staff_id, g.alert_id, g.feedback_id, g.subject, g.detail, g.sla, g.segment,
			p.opened_at, coalesce(g.actor, current_user) AS actor,
			dense_rank() OVER (ORDER BY g.priority, g.sla, g.segment, g.touchpoint_id, p.unit_id, p.opened_at) AS alike
		FROM unnest(given) AS g
		LEFT JOIN cx_data.touchpoint AS t ON t.touchpoint_id = g.touchpoint_id
		CROSS JOIN LATERAL (SELECT coalesce(g.org_unit_id, t.owner_unit_id) AS unit_id, coalesce(g.opened_at, now()) AS opened_at) AS p
	), kind AS (
		SELECT DISTINCT ON (a.alike) a.alike, a.priority, a.sla, a.segment, a.touchpoint_id, a.unit_id, a.opened_at FROM asked AS a ORDER BY a.alike
	), terms AS MATERIALIZED (
		SELECT k.alike, s.sla_policy_id, s.calendar, cx.ticket_owner(k.touchpoint_id, k.unit_id) AS owner_staff_id,
			cx.due_at(k.opened_at, s.first_response_within, s.calendar) AS first_response_due_at, cx.due_at(k.opened_at, s.resolve_within, s.calendar) AS resolution_due_at
		FROM kind AS k CROSS JOIN LATERAL cx.ticket_terms(k.sla, k.priority, k.segment, k.touchpoint_id, k.unit_id, k.opened_at) AS s
	), added AS (
		INSERT INTO cx_data.ticket (ticket_id, origin, priority, emergency, customer_id, customer_merge_id, touchpoint_id, org_unit_id, staff_id, owner_staff_id, alert_id, feedback_id,
			subject, detail, sla, sla_policy_id, calendar, opened_at, first_response_due_at, resolution_due_at)
		SELECT a.ticket_id, a.origin, a.priority, a.emergency, a.customer_id, a.customer_merge_id, a.touchpoint_id, a.unit_id,
			coalesce(a.staff_id, CASE WHEN a.emergency THEN m.owner_staff_id END), m.owner_staff_id, a.alert_id, a.feedback_id,
			a.subject, a.detail, a.sla, m.sla_policy_id, m.calendar, a.opened_at, m.first_response_due_at, m.resolution_due_at
		FROM asked AS a JOIN terms AS m USING (alike)
		ORDER BY a.ticket_id
		RETURNING ticket_id
	), told AS (
		INSERT INTO cx_data.ticket_event (ticket_id, kind, status, staff_id, to_unit_id, actor, occurred_at)
		SELECT a.ticket_id, 'opened', 'new', coalesce(a.staff_id, CASE WHEN a.emergency THEN m.owner_staff_id END), a.unit_id, a.actor, a.opened_at FROM asked AS a JOIN terms AS m USING (alike) ORDER BY a.ticket_id
	)
	SELECT a.ticket_id FROM added AS a;
	IF true = ANY (SELECT g.emergency FROM unnest(given) AS g) THEN
		PERFORM cx.add_emergency_tasks(ARRAY(SELECT g.ticket_id FROM unnest(given) AS g WHERE g.emergency));
	END IF;
END
$$;
COMMENT ON FUNCTION cx.add_tickets(cx.new_ticket[]) IS 'opens tickets, with their deadlines and whoever answers for them; gives their keys. Takes the rights of the program''s owner';

CREATE FUNCTION cx.check_may_work(caller oid) RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT (cx.owns_program(caller) OR has_table_privilege(caller, 'cx_data.ticket', 'UPDATE') OR cx.role_has_level(caller, '{agent,manager,admin}')) THEN
		RAISE EXCEPTION 'permission denied to work on tickets'
			USING ERRCODE = 'insufficient_privilege', HINT = 'It takes access as an agent, a manager or an admin: CALL cx.grant_access().';
	END IF;
END
$$;
COMMENT ON FUNCTION cx.check_may_work(oid) IS 'raises an error unless a role may work on tickets';

CREATE FUNCTION cx.unit_is_visible(unit bigint, caller oid) RETURNS boolean
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN NOT (SELECT p.row_security FROM cx_data.program AS p) OR cx.owns_program(caller) OR cx.role_sees_all(caller) OR coalesce(unit = ANY (cx.units_of_role(caller)), false)
		OR (SELECT r.rolbypassrls FROM pg_roles AS r WHERE r.oid = caller);
END
$$;
COMMENT ON FUNCTION cx.unit_is_visible(bigint, oid) IS 'whether row security lets a role see the rows of a unit';

CREATE FUNCTION cx.lock_ticket(ticket bigint, caller oid) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	unit bigint;
BEGIN
	PERFORM cx.check_may_work(caller);
	SELECT t.org_unit_id INTO unit FROM cx_data.ticket AS t WHERE t.ticket_id = ticket FOR NO KEY UPDATE;
	IF NOT FOUND OR NOT cx.unit_is_visible(unit, caller) THEN
		RAISE EXCEPTION 'ticket % does not exist', ticket
			USING ERRCODE = 'undefined_object', HINT = 'SELECT ticket_id, subject FROM cx_data.ticket_queue shows those that are not solved.';
	END IF;
END
$$;
COMMENT ON FUNCTION cx.lock_ticket(bigint, oid) IS 'locks a ticket; an error if there is none, or none that the role may work on';

CREATE FUNCTION cx.check_lives_here(ticket bigint) RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	home text := (SELECT coalesce(s.relation::text, s.name) FROM cx_data.ticket AS t JOIN cx_data.source AS s USING (source_id) WHERE t.ticket_id = ticket);
BEGIN
	IF home IS NOT NULL THEN
		RAISE EXCEPTION 'ticket % lives in %', ticket, home
			USING ERRCODE = 'wrong_object_type', HINT = 'Change it there; what is changed there is captured.';
	END IF;
END
$$;
COMMENT ON FUNCTION cx.check_lives_here(bigint) IS 'raises an error if a ticket is captured from a table of the user';

CREATE FUNCTION cx.ticket_time(ticket bigint, wanted timestamptz, caller oid) RETURNS timestamptz
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	last_at CONSTANT timestamptz := (SELECT max(e.occurred_at) FROM cx_data.ticket_event AS e WHERE e.ticket_id = ticket);
BEGIN
	IF wanted IS NULL THEN
		-- transactions begin in another order than they come to write
		RETURN greatest(now(), last_at);
	END IF;
	IF NOT cx.owns_program(caller) AND NOT cx.role_has_level(caller, '{admin}') THEN
		RAISE EXCEPTION 'only admins may say when something happened' USING ERRCODE = 'insufficient_privilege', HINT = 'Leave argument at out, then it happens now.';
	END IF;
	IF wanted > clock_timestamp() OR wanted < coalesce(last_at, '1900-01-01') OR NOT isfinite(wanted) THEN
		RAISE EXCEPTION 'the time % is %', wanted, CASE WHEN wanted < last_at THEN format('before the last entry of ticket %s, %s', ticket, last_at) ELSE 'not one of the past' END USING ERRCODE = 'invalid_parameter_value';
	END IF;
	RETURN wanted;
END
$$;
COMMENT ON FUNCTION cx.ticket_time(bigint, timestamptz, oid) IS 'when the next entry in the history of a ticket happens: now, or when an admin says';

CREATE FUNCTION cx.start_work(ticket bigint, wanted timestamptz, caller oid) RETURNS timestamptz
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.lock_ticket(ticket, caller);
	PERFORM cx.check_lives_here(ticket);
	RETURN cx.ticket_time(ticket, wanted, caller);
END
$$;
COMMENT ON FUNCTION cx.start_work(bigint, timestamptz, oid) IS 'locks a ticket that lives here for a role that may work on it, and gives the time at which the next entry in its history happens';

CREATE FUNCTION cx.customer_to_help(code text, caller oid) RETURNS bigint
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	found_id CONSTANT bigint := CASE WHEN customer_to_help.code IS NOT NULL THEN cx.find_customer(customer_to_help.code) END;
BEGIN
	IF found_id IS NOT NULL AND NOT cx.unit_is_visible((SELECT c.org_unit_id FROM cx_data.customer AS c WHERE c.customer_id = found_id), caller) THEN
		-- what find_customer() says of somebody whom nobody knows
		PERFORM cx.no_customer(customer_to_help.code);
	END IF;
	RETURN found_id;
END
$$;
COMMENT ON FUNCTION cx.customer_to_help(text, oid) IS 'key of the customer with this code, if row security lets the role see him; an error if not, NULL for NULL. Part of open_ticket';

CREATE FUNCTION cx.owner_open_ticket(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	feedback CONSTANT bigint := (argument -> 'feedback')::bigint;
	new cx.new_ticket;
	said record;
BEGIN
	PERFORM cx.check_may_work(caller);
	PERFORM cx.check_priority(argument ->> 'priority');
	PERFORM cx.check_sla(argument ->> 'sla');
	SELECT f.customer_id, f.customer_merge_id, f.touchpoint_id, f.org_unit_id INTO said FROM cx_data.feedback AS f WHERE f.feedback_id = feedback;
	IF feedback IS NOT NULL AND (NOT FOUND OR NOT cx.unit_is_visible(said.org_unit_id, caller)) THEN
		RAISE EXCEPTION 'feedback % does not exist', feedback USING ERRCODE = 'undefined_object', HINT = 'SELECT feedback_id FROM cx_data.feedback_detail shows what customers said.';
	END IF;
	new.opened_at := cx.ticket_time(NULL, (argument ->> 'at')::timestamptz, caller);
	new.actor := pg_get_userbyid(caller);
	new.origin := coalesce(argument ->> 'origin', CASE WHEN cx.owns_program(caller) OR cx.units_of_role(caller) = '{}' THEN 'centre' ELSE 'unit' END);
	new.subject := argument ->> 'subject';
	new.detail := argument ->> 'detail';
	new.priority := argument ->> 'priority';
	new.sla := argument ->> 'sla';
	new.feedback_id := feedback;
	new.staff_id := cx.find_code('staff', argument ->> 'staff');
	new.touchpoint_id := coalesce(cx.find_code('touchpoint', argument ->> 'touchpoint'), said.touchpoint_id);
	new.customer_id := coalesce(cx.customer_to_help(argument ->> 'customer', caller), said.customer_id);
	new.customer_merge_id := CASE WHEN argument ? 'customer' THEN (SELECT i.customer_merge_id FROM cx_data.customer_identity AS i WHERE i.kind = 'code' AND i.value = argument ->> 'customer') ELSE said.customer_merge_id END;
	SELECT c.segment, coalesce(cx.find_code('org_unit', argument ->> 'org_unit'), said.org_unit_id, c.org_unit_id) INTO new.segment, new.org_unit_id
	FROM (SELECT new.customer_id AS customer_id) AS k LEFT JOIN cx_data.customer AS c USING (customer_id);
	new.ticket_id := cx.add_tickets(ARRAY[new]);
	IF new.staff_id IS NOT NULL THEN
		PERFORM cx.set_ticket_status(new.ticket_id, 'open', caller, new.opened_at, NULL);
	END IF;
	RETURN to_jsonb(new.ticket_id);
END
$$;
COMMENT ON FUNCTION cx.owner_open_ticket(jsonb, oid) IS 'does the work of open_ticket with the rights of the program''s owner';

CREATE FUNCTION cx.open_ticket(subject text, customer text DEFAULT NULL, touchpoint text DEFAULT NULL, org_unit text DEFAULT NULL, priority text DEFAULT 'normal', sla text DEFAULT NULL, detail text DEFAULT NULL, staff text DEFAULT NULL, feedback bigint DEFAULT NULL, origin text DEFAULT NULL, at timestamptz DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	IF coalesce(trim(subject), '') = '' THEN
		RAISE EXCEPTION 'subject must be given' USING ERRCODE = 'invalid_parameter_value', HINT = 'It says in words what is to be done.';
	END IF;
	IF origin NOT IN ('centre', 'unit') THEN
		RAISE EXCEPTION 'origin "%" is not known', origin USING ERRCODE = 'invalid_parameter_value', HINT = 'Use centre or unit.';
	END IF;
	RETURN cx.as_program_owner('open_ticket', jsonb_strip_nulls(jsonb_build_object('subject', subject, 'customer', customer, 'touchpoint', touchpoint, 'org_unit', org_unit, 'priority', priority,
		'sla', sla, 'detail', detail, 'staff', staff, 'feedback', feedback, 'origin', origin, 'at', at)))::bigint;
END
$$;
COMMENT ON FUNCTION cx.open_ticket(text, text, text, text, text, text, text, text, bigint, text, timestamptz) IS 'opens a ticket, with its deadlines by service level; customer, touchpoint, org_unit and staff are codes, and come from the feedback where one is given. Call it with named arguments; gives its number';

CREATE FUNCTION cx.check_sla(sla text) RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF sla IS NOT NULL AND NOT EXISTS (SELECT FROM cx_data.sla_policy AS p WHERE p.code = sla AND coalesce(p.valid_until > now(), true)) THEN
		RAISE EXCEPTION 'service level "%" does not exist', sla
			USING ERRCODE = 'undefined_object', HINT = format('SELECT cx.set_sla_policy(%L, first_response_within => ''4 hours'', resolve_within => ''24 hours'') makes it.', sla);
	END IF;
END
$$;
COMMENT ON FUNCTION cx.check_sla(text) IS 'raises an error unless there is a service level with this code, if one is given';

CREATE FUNCTION cx.erase_from_ticket_event(customer bigint, strings text[]) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	erased bigint;
BEGIN
	UPDATE cx_data.ticket_event AS e SET note = NULL FROM cx_data.ticket AS t WHERE t.ticket_id = e.ticket_id AND t.customer_id = customer AND e.note IS NOT NULL;
	GET DIAGNOSTICS erased = ROW_COUNT;
	RETURN erased;
END
$$;
COMMENT ON FUNCTION cx.erase_from_ticket_event(bigint, text[]) IS 'takes what was said out of the history of a customer''s tickets; part of erase_customer';

CREATE FUNCTION cx.erase_from_ticket_task(customer bigint, strings text[]) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	erased bigint;
BEGIN
	UPDATE cx_data.ticket_task AS k SET subject = '', result = NULL, blocked_reason = CASE WHEN k.blocked_reason IS NOT NULL THEN '' END FROM cx_data.ticket AS t
	WHERE t.ticket_id = k.ticket_id AND t.customer_id = customer;
	GET DIAGNOSTICS erased = ROW_COUNT;
	RETURN erased;
END
$$;
COMMENT ON FUNCTION cx.erase_from_ticket_task(bigint, text[]) IS 'takes what was said out of the tasks of a customer''s tickets; part of erase_customer';
