-- Tickets that live in a table of the user's own: what follows from their changes
--
-- Capture writes what the table says into cx_data.ticket.  These triggers add
-- what it does not say, the deadlines, and the history.  They run within the
-- statements of those who write to the table, one row or many thousand at a time.

CREATE FUNCTION cx.attached_ticket_written() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	-- a ticket that came solved, and does not say since when, was so when it was changed last, else when it was opened
	at CONSTANT timestamptz := greatest(NEW.opened_at, coalesce(NEW.changed_at, CASE TG_OP WHEN 'UPDATE' THEN now() END));
	is_solved CONSTANT boolean := NEW.status IN ('solved', 'closed');
BEGIN
	IF is_solved THEN
		NEW.solved_at := coalesce(NEW.solved_at, at);
		NEW.first_responded_at := coalesce(NEW.first_responded_at, NEW.solved_at);
	END IF;
	IF NEW.status = 'closed' THEN
		NEW.closed_at := coalesce(NEW.closed_at, greatest(at, NEW.solved_at));
	END IF;
	IF TG_OP = 'UPDATE' THEN
		IF NOT is_solved AND (OLD.status IN ('solved', 'closed') OR NEW.reopen_count > OLD.reopen_count) THEN
			NEW.reopened_at := at;
			NEW.escalation_level := 0;
			NEW.escalated_unit_id := NULL;
		ELSIF OLD.first_responded_at IS NULL AND NEW.first_responded_at IS NOT NULL THEN
			NEW.escalation_level := 0;
			NEW.escalated_unit_id := NULL;
		END IF;
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION cx.attached_ticket_written() IS 'trigger on cx_data.ticket: when a ticket of an attached table was solved, closed, first answered and reopened, where the table does not say. Solved: when it was closed; else when it was changed last, as changed_at says, or in a statement that solves it now; else, if it came solved, when it was opened';

CREATE FUNCTION cx.attached_tickets_added() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
	tickets CONSTANT bigint[] := ARRAY(SELECT n.ticket_id FROM came AS n WHERE n.source_id IS NOT NULL);
BEGIN
	IF tickets = '{}' THEN
		RETURN NULL;
	END IF;
	INSERT INTO cx_data.ticket_event (ticket_id, kind, status, staff_id, to_unit_id, automatic, actor, occurred_at)
	SELECT n.ticket_id, e.kind, e.status, e.staff_id, e.unit_id, e.automatic, session_user, e.at
	FROM came AS n
	CROSS JOIN LATERAL (VALUES
		(1, true, 'opened', CASE WHEN n.solved_at IS NULL THEN n.status ELSE 'open' END, n.staff_id, n.org_unit_id, NULL::boolean, n.opened_at),
		(2, n.first_responded_at IS NOT NULL AND n.first_responded_at IS DISTINCT FROM n.solved_at, 'reply', NULL, NULL, NULL, false, greatest(n.first_responded_at, n.opened_at)),
		(3, n.solved_at IS NOT NULL, 'status', 'solved', NULL, NULL, NULL, greatest(n.solved_at, n.opened_at)),
		(4, n.status = 'closed', 'status', 'closed', NULL, NULL, NULL, greatest(n.closed_at, n.solved_at, n.opened_at))
	) AS e (place, happened, kind, status, staff_id, unit_id, automatic, at)
	WHERE n.source_id IS NOT NULL AND e.happened
	ORDER BY n.ticket_id, e.at, e.place;
	PERFORM cx.set_ticket_terms(tickets, true);
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.attached_tickets_added() IS 'trigger on cx_data.ticket: the history of tickets that come from an attached table, as far as their rows tell it, and their deadlines';

CREATE FUNCTION cx.attached_tickets_changed() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
	-- one plan for one row and for many: the two sets are joined by a hash table, the history is read by index
	SET enable_nestloop = off SET enable_hashjoin = on SET enable_seqscan = off SET jit = off
	AS $$
DECLARE
	changed record;
BEGIN
	SELECT array_agg(n.ticket_id) AS tickets,
		array_agg(n.ticket_id) FILTER (WHERE (n.priority, n.touchpoint_id, n.org_unit_id, n.opened_at) IS DISTINCT FROM (o.priority, o.touchpoint_id, o.org_unit_id, o.opened_at)) AS with_new_terms,
		array_agg(n.ticket_id) FILTER (WHERE (n.touchpoint_id, n.org_unit_id) IS DISTINCT FROM (o.touchpoint_id, o.org_unit_id)) AS with_new_place,
		array_agg(n.ticket_id) FILTER (WHERE n.status <> o.status) AS with_new_status,
		array_agg(n.ticket_id) FILTER (WHERE n.solved_at IS NOT NULL AND o.solved_at IS NULL) AS solved
	INTO changed
	FROM came AS n JOIN went AS o USING (ticket_id)
	WHERE n.source_id IS NOT NULL
		AND (n.status, n.priority, n.touchpoint_id, n.org_unit_id, n.staff_id, n.opened_at, n.first_responded_at) IS DISTINCT FROM (o.status, o.priority, o.touchpoint_id, o.org_unit_id, o.staff_id, o.opened_at, o.first_responded_at);
	IF changed.tickets IS NULL THEN
		RETURN NULL;
	END IF;
	INSERT INTO cx_data.ticket_event (ticket_id, kind, status, staff_id, to_unit_id, note, automatic, actor, occurred_at)
	SELECT c.ticket_id, e.kind, e.status, e.staff_id, e.unit_id, e.note, e.automatic, session_user, greatest(e.at, c.last_at)
	FROM (
		SELECT n.*, o.status AS old_status, o.priority AS old_priority, o.staff_id AS old_staff_id, o.org_unit_id AS old_unit_id, o.solved_at IS NOT NULL AS was_solved, o.first_responded_at IS NOT NULL AS was_answered,
			coalesce(n.changed_at, now()) AS at, (SELECT max(h.occurred_at) FROM cx_data.ticket_event AS h WHERE h.ticket_id = n.ticket_id) AS last_at
		FROM came AS n JOIN went AS o USING (ticket_id)
		WHERE n.source_id IS NOT NULL
			AND (n.status, n.priority, n.org_unit_id, n.staff_id, n.first_responded_at IS NULL) IS DISTINCT FROM (o.status, o.priority, o.org_unit_id, o.staff_id, o.first_responded_at IS NULL)
	) AS c
	CROSS JOIN LATERAL (VALUES
		(1, (c.staff_id, c.org_unit_id) IS DISTINCT FROM (c.old_staff_id, c.old_unit_id), 'assigned', NULL::text, c.staff_id, CASE WHEN c.org_unit_id IS DISTINCT FROM c.old_unit_id THEN c.org_unit_id END, NULL::text, NULL::boolean, c.at),
		(2, c.priority <> c.old_priority, 'priority', NULL, NULL, NULL, c.priority, NULL, c.at),
		(3, NOT c.was_answered AND c.first_responded_at IS NOT NULL AND c.first_responded_at IS DISTINCT FROM c.solved_at, 'reply', NULL, NULL, NULL, NULL, false, c.first_responded_at),
		(4, NOT c.was_solved AND c.solved_at IS NOT NULL, 'status', 'solved', NULL, NULL, NULL, NULL, c.solved_at),
		(5, c.status = 'closed' AND c.old_status <> 'closed', 'status', 'closed', NULL, NULL, NULL, NULL, greatest(c.closed_at, c.solved_at)),
		(6, c.status <> c.old_status AND c.status <> 'closed' AND (c.status <> 'solved' OR c.was_solved), 'status', c.status, NULL, NULL, NULL, NULL, c.at)
	) AS e (place, happened, kind, status, staff_id, unit_id, note, automatic, at)
	WHERE e.happened
	ORDER BY c.ticket_id, greatest(e.at, c.last_at), e.place;
	PERFORM cx.follow_attached_tickets(changed.with_new_terms, changed.with_new_place, changed.with_new_status, changed.solved);
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.attached_tickets_changed() IS 'trigger on cx_data.ticket: what changed of tickets of an attached table becomes part of their history, at the time their table says, else now, and never before their last entry; and their deadlines follow';

CREATE FUNCTION cx.follow_attached_tickets(with_new_terms bigint[], with_new_place bigint[], with_new_status bigint[], solved bigint[]) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
	-- by index, for one ticket and for many
	SET enable_nestloop = on SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off SET jit = off
	AS $$
BEGIN
	IF with_new_place IS NOT NULL THEN
		UPDATE cx_data.ticket AS t SET owner_staff_id = cx.ticket_owner(t.touchpoint_id, t.org_unit_id) WHERE t.ticket_id = ANY (with_new_place);
	END IF;
	IF with_new_terms IS NOT NULL THEN
		PERFORM cx.set_ticket_terms(with_new_terms, false);
	END IF;
	IF with_new_status IS NOT NULL THEN
		UPDATE cx_data.ticket AS t SET resolution_due_at = cx.resolution_due(t.ticket_id) WHERE t.ticket_id = ANY (with_new_status) AND t.ticket_id <> ALL (coalesce(with_new_terms, '{}'));
	END IF;
	IF solved IS NOT NULL THEN
		UPDATE cx_data.alert AS a SET status = 'resolved' WHERE a.ticket_id = ANY (solved) AND a.status <> 'resolved';
	END IF;
END
$$;
COMMENT ON FUNCTION cx.follow_attached_tickets(bigint[], bigint[], bigint[], bigint[]) IS 'what follows once the history of tickets of an attached table is written: whoever answers for them, deadlines, and alerts that are resolved with them; takes the rights of the program''s owner';
