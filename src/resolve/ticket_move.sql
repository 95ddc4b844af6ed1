-- Tickets: answered, passed on, solved, reopened
--
-- Every step is one function that runs with the rights of the program's owner,
-- and looks first whether the caller may work on the ticket.

CREATE FUNCTION cx.set_ticket_status(ticket bigint, status text, caller oid, at timestamptz, note text) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	was CONSTANT text := (SELECT t.status FROM cx_data.ticket AS t WHERE t.ticket_id = ticket);
	is_reopened CONSTANT boolean := was IN ('solved', 'closed') AND set_ticket_status.status NOT IN ('solved', 'closed');
BEGIN
	PERFORM cx.add_ticket_event(ticket, 'status', caller, at, status => set_ticket_status.status, note => note);
	UPDATE cx_data.ticket AS t SET status = set_ticket_status.status,
		first_responded_at = CASE set_ticket_status.status WHEN 'solved' THEN coalesce(t.first_responded_at, at) ELSE t.first_responded_at END,
		solved_at = CASE set_ticket_status.status WHEN 'solved' THEN at WHEN 'closed' THEN t.solved_at END,
		closed_at = CASE set_ticket_status.status WHEN 'closed' THEN at END,
		reopened_at = CASE WHEN is_reopened THEN at ELSE t.reopened_at END,
		reopen_count = t.reopen_count + is_reopened::integer,
		-- what is overdue from then on climbs anew
		escalation_level = CASE WHEN is_reopened THEN 0 ELSE t.escalation_level END,
		escalated_unit_id = CASE WHEN NOT is_reopened THEN t.escalated_unit_id END,
		resolution_due_at = cx.resolution_due(ticket)
	WHERE t.ticket_id = ticket;
	IF set_ticket_status.status = 'solved' THEN
		UPDATE cx_data.alert AS a SET status = 'resolved' WHERE a.ticket_id = ticket AND a.status <> 'resolved';
	END IF;
END
$$;
COMMENT ON FUNCTION cx.set_ticket_status(bigint, text, oid, timestamptz, text) IS 'sets the status of a ticket and what follows from it; takes the rights of the program''s owner';

CREATE FUNCTION cx.next_statuses(status text) RETURNS text[]
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE status
		WHEN 'new' THEN '{open,pending,on_hold,solved}'
		WHEN 'open' THEN '{pending,on_hold,solved}'
		WHEN 'pending' THEN '{open,on_hold,solved}'
		WHEN 'on_hold' THEN '{open,pending,solved}'
		WHEN 'solved' THEN '{open,closed}'
		ELSE '{}' END::text[];
COMMENT ON FUNCTION cx.next_statuses(text) IS 'statuses to which move_ticket() may take a ticket from this one';

CREATE FUNCTION cx.check_may_solve(ticket bigint) RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	known record;
	unfinished bigint;
BEGIN
	SELECT t.root_cause, t.action_taken INTO known FROM cx_data.ticket AS t WHERE t.ticket_id = ticket;
	IF coalesce(trim(known.root_cause), '') = '' OR coalesce(trim(known.action_taken), '') = '' THEN
		RAISE EXCEPTION 'ticket % cannot be solved without root cause and action taken', ticket
			USING ERRCODE = 'object_not_in_prerequisite_state', HINT = format('SELECT cx.move_ticket(%s, ''solved'', root_cause => ''process'', action_taken => ''what was done''); cx_data.root_cause has the causes.', ticket);
	END IF;
	SELECT count(*) INTO unfinished FROM cx_data.ticket_task AS k WHERE k.ticket_id = ticket AND k.status IN ('open', 'blocked');
	IF unfinished > 0 THEN
		RAISE EXCEPTION 'ticket % has % tasks that are not finished', ticket, unfinished
			USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'SELECT cx.move_task() to done or cancelled first; cx_data.ticket_task shows them.';
	END IF;
END
$$;
COMMENT ON FUNCTION cx.check_may_solve(bigint) IS 'raises an error unless root cause and action taken of a ticket are known and its tasks are finished';

CREATE FUNCTION cx.owner_move_ticket(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	ticket CONSTANT bigint := (argument -> 'ticket')::bigint;
	-- other tools say resolved
	wanted CONSTANT text := CASE argument ->> 'status' WHEN 'resolved' THEN 'solved' ELSE argument ->> 'status' END;
	was text;
	at timestamptz;
BEGIN
	at := cx.start_work(ticket, (argument ->> 'at')::timestamptz, caller);
	SELECT t.status INTO was FROM cx_data.ticket AS t WHERE t.ticket_id = ticket;
	IF coalesce(wanted <> ALL (cx.next_statuses(was)), true) THEN
		RAISE EXCEPTION 'ticket % is % and cannot become %', ticket, was, coalesce(wanted, 'NULL')
			USING ERRCODE = 'object_not_in_prerequisite_state', HINT = CASE was WHEN 'closed' THEN format('SELECT cx.reopen(%s, ''why'').', ticket) ELSE format('From %s it goes to %s.', was, array_to_string(cx.next_statuses(was), ', ')) END;
	END IF;
	PERFORM cx.find_code('root_cause', argument ->> 'root_cause');
	UPDATE cx_data.ticket AS t SET root_cause = coalesce(argument ->> 'root_cause', t.root_cause), action_taken = coalesce(argument ->> 'action_taken', t.action_taken)
	WHERE t.ticket_id = ticket AND (argument ? 'root_cause' OR argument ? 'action_taken');
	IF wanted = 'solved' THEN
		PERFORM cx.check_may_solve(ticket);
	END IF;
	PERFORM cx.set_ticket_status(ticket, wanted, caller, at, argument ->> 'note');
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.owner_move_ticket(jsonb, oid) IS 'does the work of move_ticket with the rights of the program''s owner';

CREATE FUNCTION cx.move_ticket(ticket bigint, status text, note text DEFAULT NULL, root_cause text DEFAULT NULL, action_taken text DEFAULT NULL, at timestamptz DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	PERFORM cx.as_program_owner('move_ticket', jsonb_strip_nulls(jsonb_build_object('ticket', ticket, 'status', status, 'note', note, 'root_cause', root_cause, 'action_taken', action_taken, 'at', at)));
END
$$;
COMMENT ON FUNCTION cx.move_ticket(bigint, text, text, text, text, timestamptz) IS 'takes a ticket to another status: new to open, pending (waits for the customer), on_hold (waits for a third party) and solved, which go to each other, and solved to closed. To solve it, root_cause, a code of cx_data.root_cause, and action_taken must be known, now or before, and its tasks finished';

CREATE FUNCTION cx.owner_reopen(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	ticket CONSTANT bigint := (argument -> 'ticket')::bigint;
	at timestamptz;
	was text;
BEGIN
	at := cx.start_work(ticket, (argument ->> 'at')::timestamptz, caller);
	SELECT t.status INTO was FROM cx_data.ticket AS t WHERE t.ticket_id = ticket;
	IF was NOT IN ('solved', 'closed') THEN
		RAISE EXCEPTION 'ticket % is %, so it cannot be reopened', ticket, was USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Only solved and closed tickets are.';
	END IF;
	PERFORM cx.set_ticket_status(ticket, 'open', caller, at, argument ->> 'note');
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.owner_reopen(jsonb, oid) IS 'does the work of reopen with the rights of the program''s owner';

CREATE FUNCTION cx.reopen(ticket bigint, note text DEFAULT NULL, at timestamptz DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	PERFORM cx.as_program_owner('reopen', jsonb_strip_nulls(jsonb_build_object('ticket', ticket, 'note', note, 'at', at)));
END
$$;
COMMENT ON FUNCTION cx.reopen(bigint, text, timestamptz) IS 'opens a ticket again that was solved or closed; its clock goes on with what was left, and what was missed stays missed';

CREATE FUNCTION cx.owner_assign_ticket(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	ticket CONSTANT bigint := (argument -> 'ticket')::bigint;
	at timestamptz;
	was text;
BEGIN
	at := cx.start_work(ticket, (argument ->> 'at')::timestamptz, caller);
	SELECT t.status INTO was FROM cx_data.ticket AS t WHERE t.ticket_id = ticket;
	IF was IN ('solved', 'closed') THEN
		RAISE EXCEPTION 'ticket % is %, so it cannot be assigned', ticket, was USING ERRCODE = 'object_not_in_prerequisite_state', HINT = format('SELECT cx.reopen(%s, ''why'') first.', ticket);
	END IF;
	PERFORM cx.give_ticket(ticket, cx.find_code('staff', argument ->> 'staff'), cx.find_code('org_unit', argument ->> 'org_unit'), caller, at, argument ->> 'note');
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.owner_assign_ticket(jsonb, oid) IS 'does the work of assign_ticket with the rights of the program''s owner';

CREATE FUNCTION cx.give_ticket(ticket bigint, person bigint, unit bigint, caller oid, at timestamptz, note text) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.add_ticket_event(ticket, 'assigned', caller, at, staff => person, unit => coalesce(unit, (SELECT t.org_unit_id FROM cx_data.ticket AS t WHERE t.ticket_id = ticket)), note => note);
	IF unit IS DISTINCT FROM (SELECT t.org_unit_id FROM cx_data.ticket AS t WHERE t.ticket_id = ticket) AND unit IS NOT NULL THEN
		-- another manager answers for it, and what is overdue climbs anew
		UPDATE cx_data.ticket AS t SET org_unit_id = unit, owner_staff_id = coalesce(cx.unit_manager(unit), t.owner_staff_id), escalation_level = 0, escalated_unit_id = NULL WHERE t.ticket_id = ticket;
		UPDATE cx_data.ticket_task AS k SET asked_by_unit_id = unit WHERE k.ticket_id = ticket;
	END IF;
	UPDATE cx_data.ticket AS t SET staff_id = person WHERE t.ticket_id = ticket;
	IF person IS NOT NULL AND (SELECT t.status FROM cx_data.ticket AS t WHERE t.ticket_id = ticket) = 'new' THEN
		PERFORM cx.set_ticket_status(ticket, 'open', caller, at, NULL);
	END IF;
END
$$;
COMMENT ON FUNCTION cx.give_ticket(bigint, bigint, bigint, oid, timestamptz, text) IS 'gives a ticket to a member of staff, a unit or both; takes the rights of the program''s owner';

CREATE FUNCTION cx.assign_ticket(ticket bigint, staff text DEFAULT NULL, org_unit text DEFAULT NULL, note text DEFAULT NULL, at timestamptz DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	IF staff IS NULL AND org_unit IS NULL THEN
		RAISE EXCEPTION 'staff or org_unit must be given' USING ERRCODE = 'invalid_parameter_value', HINT = 'They are codes; cx.route_ticket() finds somebody.';
	END IF;
	PERFORM cx.as_program_owner('assign_ticket', jsonb_strip_nulls(jsonb_build_object('ticket', ticket, 'staff', staff, 'org_unit', org_unit, 'note', note, 'at', at)));
END
$$;
COMMENT ON FUNCTION cx.assign_ticket(bigint, text, text, text, timestamptz) IS 'gives a ticket to a member of staff, or to a unit, where it waits until somebody takes it, or to both; a new ticket becomes open with its first member of staff';

CREATE FUNCTION cx.owner_prioritise(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	ticket CONSTANT bigint := (argument -> 'ticket')::bigint;
	at timestamptz;
BEGIN
	at := cx.start_work(ticket, (argument ->> 'at')::timestamptz, caller);
	IF (SELECT t.solved_at IS NOT NULL FROM cx_data.ticket AS t WHERE t.ticket_id = ticket) THEN
		RAISE EXCEPTION 'ticket % is solved, so its priority stays', ticket USING ERRCODE = 'object_not_in_prerequisite_state', HINT = format('SELECT cx.reopen(%s, ''why'') first.', ticket);
	END IF;
	PERFORM cx.add_ticket_event(ticket, 'priority', caller, at, note => concat_ws(': ', argument ->> 'priority', argument ->> 'note'));
	UPDATE cx_data.ticket AS t SET priority = argument ->> 'priority', escalation_level = 0, escalated_unit_id = NULL WHERE t.ticket_id = ticket;
	PERFORM cx.set_ticket_terms(ARRAY[ticket], false);
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.owner_prioritise(jsonb, oid) IS 'does the work of set_ticket_priority with the rights of the program''s owner';

CREATE FUNCTION cx.set_ticket_priority(ticket bigint, priority text, note text DEFAULT NULL, at timestamptz DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	PERFORM cx.check_priority(priority);
	PERFORM cx.as_program_owner('prioritise', jsonb_strip_nulls(jsonb_build_object('ticket', ticket, 'priority', priority, 'note', note, 'at', at)));
END
$$;
COMMENT ON FUNCTION cx.set_ticket_priority(bigint, text, text, timestamptz) IS 'changes the priority of a ticket, and with it the service level, to the version of the time when it was opened; what its clocks have counted, and how long it waited, stays';

CREATE FUNCTION cx.owner_reply(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	ticket CONSTANT bigint := (argument -> 'ticket')::bigint;
	automatic CONSTANT boolean := (argument -> 'automatic')::boolean;
	at timestamptz;
BEGIN
	at := cx.start_work(ticket, (argument ->> 'at')::timestamptz, caller);
	PERFORM cx.add_ticket_event(ticket, 'reply', caller, at, note => argument ->> 'body', automatic => automatic);
	IF NOT automatic THEN
		-- the solution, once it is overdue, climbs anew
		UPDATE cx_data.ticket AS t SET first_responded_at = at, escalation_level = 0, escalated_unit_id = NULL WHERE t.ticket_id = ticket AND t.first_responded_at IS NULL;
		IF (SELECT t.status FROM cx_data.ticket AS t WHERE t.ticket_id = ticket) = 'new' THEN
			PERFORM cx.set_ticket_status(ticket, 'open', caller, at, NULL);
		END IF;
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.owner_reply(jsonb, oid) IS 'does the work of reply_ticket with the rights of the program''s owner';

CREATE FUNCTION cx.reply_ticket(ticket bigint, body text, automatic boolean DEFAULT false, at timestamptz DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	IF coalesce(trim(body), '') = '' THEN
		RAISE EXCEPTION 'body must be given' USING ERRCODE = 'invalid_parameter_value', HINT = 'It is what was said to the customer, or that he was called.';
	END IF;
	PERFORM cx.as_program_owner('reply', jsonb_strip_nulls(jsonb_build_object('ticket', ticket, 'body', body, 'automatic', coalesce(automatic, false), 'at', at)));
END
$$;
COMMENT ON FUNCTION cx.reply_ticket(bigint, text, boolean, timestamptz) IS 'notes what was said to the customer; the first reply that is not automatic is the first response, and opens a new ticket';
