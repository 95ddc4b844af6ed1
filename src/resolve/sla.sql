-- Service levels: which one a ticket starts with, and what its clocks show

CREATE FUNCTION cx.is_hours(duration interval) RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN duration > '0' AND date_trunc('day', duration) = '0';
COMMENT ON FUNCTION cx.is_hours(interval) IS 'whether an interval is positive and consists of hours, minutes and seconds, for a day of business time has no fixed length';

CREATE FUNCTION cx.policy_stays() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	-- the foreign key renames calendars
	IF TG_OP = 'UPDATE' AND pg_trigger_depth() > 1 THEN
		RETURN NEW;
	END IF;
	IF TG_OP = 'DELETE' AND NOT EXISTS (SELECT FROM cx_data.ticket AS t WHERE t.sla_policy_id = OLD.sla_policy_id) THEN
		RETURN OLD;
	END IF;
	RAISE EXCEPTION 'service levels are not changed, for tickets keep the one they started with'
		USING ERRCODE = 'object_in_use', HINT = 'cx.set_sla_policy() adds a version; to end one, set its valid_until.';
END
$$;
COMMENT ON FUNCTION cx.policy_stays() IS 'trigger on cx_data.sla_policy: only valid_until changes, and what tickets refer to is not deleted';

CREATE FUNCTION cx.check_priority(priority text) RETURNS void
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF coalesce(priority NOT IN ('low', 'normal', 'high', 'urgent'), true) THEN
		RAISE EXCEPTION 'priority "%" is not known', priority
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Use low, normal, high or urgent.';
	END IF;
END
$$;
COMMENT ON FUNCTION cx.check_priority(text) IS 'raises an error unless this is the priority of a ticket';

CREATE FUNCTION cx.check_hours(duration interval, what text) RETURNS void
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF duration > interval '100000 hours' THEN
		RAISE EXCEPTION '% must be at most 100000 hours', what USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF NOT cx.is_hours(duration) THEN
		RAISE EXCEPTION '% must be hours and minutes, not %', what, duration
			USING ERRCODE = 'invalid_parameter_value', HINT = 'A day of business time has no fixed length; write for example ''16 hours''.';
	END IF;
END
$$;
COMMENT ON FUNCTION cx.check_hours(interval, text) IS 'raises an error unless an interval, if it is given, is positive and consists of hours, minutes and seconds';

CREATE FUNCTION cx.find_code(relation text, code text) RETURNS bigint
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	key bigint;
BEGIN
	IF find_code.code IS NULL THEN
		RETURN NULL;
	END IF;
	EXECUTE format('SELECT %I FROM cx_data.%I WHERE code = $1', relation || '_id', relation) INTO key USING find_code.code;
	IF key IS NULL THEN
		RAISE EXCEPTION '% "%" does not exist', relation, find_code.code
			USING ERRCODE = 'undefined_object', HINT = format('SELECT code, name FROM cx_data.%s shows what there is.', relation);
	END IF;
	RETURN key;
END
$$;
COMMENT ON FUNCTION cx.find_code(text, text) IS 'key of the row of a table of the program with this code; an error if there is none, NULL for NULL';

CREATE FUNCTION cx.set_sla_policy(code text DEFAULT 'standard', priority text DEFAULT NULL, segment text DEFAULT NULL, touchpoint text DEFAULT NULL, first_response_within interval DEFAULT NULL, resolve_within interval DEFAULT NULL, escalate_every interval DEFAULT '4 hours', calendar text DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	place CONSTANT bigint := cx.find_code('touchpoint', set_sla_policy.touchpoint);
	last_version integer;
	key bigint;
BEGIN
	PERFORM cx.require_program();
	IF set_sla_policy.code IS NULL OR set_sla_policy.escalate_every IS NULL OR (set_sla_policy.first_response_within IS NULL AND set_sla_policy.resolve_within IS NULL) THEN
		RAISE EXCEPTION 'code, escalate_every, and first_response_within or resolve_within must be given' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF set_sla_policy.priority IS NOT NULL THEN
		PERFORM cx.check_priority(set_sla_policy.priority);
	END IF;
	PERFORM cx.check_hours(set_sla_policy.first_response_within, 'first_response_within');
	PERFORM cx.check_hours(set_sla_policy.resolve_within, 'resolve_within');
	PERFORM cx.check_hours(set_sla_policy.escalate_every, 'escalate_every');
	PERFORM cx.find_code('calendar', set_sla_policy.calendar);
	-- one at a time
	LOCK TABLE cx_data.sla_policy IN SHARE ROW EXCLUSIVE MODE;
	UPDATE cx_data.sla_policy AS p SET valid_until = greatest(now(), p.valid_from)
	WHERE p.code = set_sla_policy.code AND p.priority IS NOT DISTINCT FROM set_sla_policy.priority AND p.segment IS NOT DISTINCT FROM set_sla_policy.segment
		AND p.touchpoint_id IS NOT DISTINCT FROM place AND p.valid_until IS NULL;
	SELECT max(p.version) INTO last_version FROM cx_data.sla_policy AS p
	WHERE p.code = set_sla_policy.code AND p.priority IS NOT DISTINCT FROM set_sla_policy.priority AND p.segment IS NOT DISTINCT FROM set_sla_policy.segment
		AND p.touchpoint_id IS NOT DISTINCT FROM place;
	INSERT INTO cx_data.sla_policy (code, priority, segment, touchpoint_id, version, calendar, first_response_within, resolve_within, escalate_every, valid_from)
	VALUES (set_sla_policy.code, set_sla_policy.priority, set_sla_policy.segment, place, coalesce(last_version, 0) + 1, set_sla_policy.calendar,
		set_sla_policy.first_response_within, set_sla_policy.resolve_within, set_sla_policy.escalate_every,
		-- what a code said first holds for tickets of the past that are brought in later
		CASE WHEN EXISTS (SELECT FROM cx_data.sla_policy AS p WHERE p.code = set_sla_policy.code) THEN now() ELSE '-infinity' END)
	RETURNING sla_policy_id INTO key;
	RETURN key;
END
$$;
COMMENT ON FUNCTION cx.set_sla_policy(text, text, text, text, interval, interval, interval, text) IS 'sets the service level of tickets of a priority, segment and touchpoint, each NULL for all: business hours for the first response and the solution, and how often an overdue ticket climbs. Tickets opened before keep theirs. Without a calendar that of the unit counts. Gives the key of the new version; takes access as an admin';

CREATE FUNCTION cx.units_above(unit bigint) RETURNS TABLE (org_unit_id bigint, manager_id bigint, calendar text, height integer)
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN QUERY
	WITH RECURSIVE above AS (
		SELECT u.org_unit_id, u.parent_id, u.manager_id, u.calendar, 0 AS height FROM cx_data.org_unit AS u WHERE u.org_unit_id = unit
		UNION ALL
		SELECT u.org_unit_id, u.parent_id, u.manager_id, u.calendar, a.height + 1 FROM above AS a JOIN cx_data.org_unit AS u ON u.org_unit_id = a.parent_id
		WHERE a.height < 100	-- a circle of parents comes to an end
	)
	SELECT a.org_unit_id, a.manager_id, a.calendar, a.height FROM above AS a;
END
$$;
COMMENT ON FUNCTION cx.units_above(bigint) IS 'a unit, of height 0, and the units above it, with managers and calendars';

CREATE FUNCTION cx.unit_manager(unit bigint) RETURNS bigint
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN coalesce((SELECT u.manager_id FROM cx.units_above(unit) AS u WHERE u.manager_id IS NOT NULL ORDER BY u.height LIMIT 1),
		(SELECT u.manager_id FROM cx_data.org_unit AS u WHERE u.manager_id IS NOT NULL ORDER BY u.tier, u.org_unit_id LIMIT 1));
END
$$;
COMMENT ON FUNCTION cx.unit_manager(bigint) IS 'key of the manager of a unit, else of the nearest unit above it that has one, else of the highest unit of all: somebody answers for everything';

CREATE FUNCTION cx.usable_calendar(wanted text, unit bigint) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN (SELECT c.calendar FROM (SELECT wanted AS calendar, -1 AS height UNION ALL SELECT u.calendar, u.height FROM cx.units_above(unit) AS u) AS c
		WHERE EXISTS (SELECT FROM cx_data.calendar_hours AS h WHERE h.calendar = c.calendar)
		ORDER BY c.height LIMIT 1);
END
$$;
COMMENT ON FUNCTION cx.usable_calendar(text, bigint) IS 'the first calendar that exists and has hours: the one that is wanted, that of the unit, those of the units above it; NULL, which is around the clock, if there is none';

CREATE FUNCTION cx.due_at(at timestamptz, duration interval, calendar text) RETURNS timestamptz
	LANGUAGE sql STABLE PARALLEL SAFE
	RETURN CASE WHEN calendar IS NULL THEN at + duration ELSE cx.add_business_time(at, duration, calendar) END;
COMMENT ON FUNCTION cx.due_at(timestamptz, interval, text) IS 'add_business_time, where no calendar is around the clock';

CREATE FUNCTION cx.spent_seconds(started_at timestamptz, ended_at timestamptz, calendar text) RETURNS double precision
	LANGUAGE sql STABLE PARALLEL SAFE
	RETURN CASE WHEN calendar IS NULL THEN extract(epoch FROM ended_at - started_at)::double precision ELSE cx.business_seconds(started_at, ended_at, calendar) END;
COMMENT ON FUNCTION cx.spent_seconds(timestamptz, timestamptz, text) IS 'business_seconds, where no calendar is around the clock';

CREATE FUNCTION cx.ticket_terms(sla text, priority text, segment text, touchpoint bigint, unit bigint, at timestamptz, OUT sla_policy_id bigint, OUT calendar text, OUT first_response_within interval, OUT resolve_within interval)
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	SELECT p.sla_policy_id, p.calendar, p.first_response_within, p.resolve_within
	INTO sla_policy_id, calendar, first_response_within, resolve_within
	FROM cx_data.sla_policy AS p
	WHERE p.code IN (ticket_terms.sla, 'standard') AND coalesce(p.priority = ticket_terms.priority, p.priority IS NULL) AND coalesce(p.segment = ticket_terms.segment, p.segment IS NULL)
		AND coalesce(p.touchpoint_id = touchpoint, p.touchpoint_id IS NULL) AND p.valid_from <= at AND coalesce(p.valid_until > at, true)
	ORDER BY p.code IS NOT DISTINCT FROM ticket_terms.sla DESC, p.touchpoint_id IS NOT NULL DESC, p.segment IS NOT NULL DESC, p.priority IS NOT NULL DESC, p.version DESC LIMIT 1;
	calendar := cx.usable_calendar(calendar, unit);
END
$$;
COMMENT ON FUNCTION cx.ticket_terms(text, text, text, bigint, bigint, timestamptz) IS 'service level for a ticket opened at a time: of those with the wanted code, else standard, the one for its touchpoint comes before that for its segment, and that before the one for its priority; and the calendar by which its clocks run';

CREATE FUNCTION cx.resolution_due(ticket bigint) RETURNS timestamptz
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	calendar text;
	left_over interval;
	stretch record;
	spent double precision;
	due timestamptz;
BEGIN
	SELECT cx.usable_calendar(t.calendar, t.org_unit_id), p.resolve_within INTO calendar, left_over
	FROM cx_data.ticket AS t JOIN cx_data.sla_policy AS p USING (sla_policy_id) WHERE t.ticket_id = ticket;
	IF left_over IS NULL THEN
		RETURN NULL;
	END IF;
	FOR stretch IN
		SELECT e.status, e.occurred_at AS starts, lead(e.occurred_at) OVER (ORDER BY e.ticket_event_id) AS ends
		FROM cx_data.ticket_event AS e WHERE e.ticket_id = ticket AND e.status IS NOT NULL AND e.ticket_task_id IS NULL ORDER BY e.ticket_event_id
	LOOP
		IF stretch.status IN ('new', 'open') THEN
			due := cx.due_at(stretch.starts, left_over, calendar);
			IF stretch.ends IS NULL OR due <= stretch.ends THEN
				RETURN due;
			END IF;
			spent := cx.spent_seconds(stretch.starts, stretch.ends, calendar);
			left_over := left_over - make_interval(secs => spent);
		ELSIF stretch.status IN ('pending', 'on_hold') THEN
			-- while it waits it has none, and if it is solved then, it met the one that it would have had
			due := NULL;
		END IF;
	END LOOP;
	RETURN due;
END
$$;
COMMENT ON FUNCTION cx.resolution_due(bigint) IS 'when a ticket is due, from its history: the clock runs while it is new or open; NULL while it waits with time left, and if it was solved while it waited';

CREATE FUNCTION cx.ticket_owner(touchpoint bigint, unit bigint) RETURNS bigint
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN coalesce((SELECT p.owner_staff_id FROM cx_data.touchpoint AS p WHERE p.touchpoint_id = touchpoint), cx.unit_manager(unit));
END
$$;
COMMENT ON FUNCTION cx.ticket_owner(bigint, bigint) IS 'key of the member of staff who answers for a ticket: the owner of its touchpoint, else the manager of its unit or of the nearest one above it';

CREATE FUNCTION cx.set_ticket_terms(tickets bigint[], is_new boolean) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
	-- by index, for one ticket and for many
	SET enable_nestloop = on SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off SET jit = off
	AS $$
DECLARE
	-- between two of these instants the same service levels are valid
	turns CONSTANT timestamptz[] := ARRAY(SELECT p.valid_from FROM cx_data.sla_policy AS p UNION SELECT p.valid_until FROM cx_data.sla_policy AS p WHERE p.valid_until IS NOT NULL ORDER BY 1);
	alike record;
BEGIN
	FOR alike IN
		SELECT t.sla, t.priority, c.segment, t.touchpoint_id, t.org_unit_id, min(t.opened_at) AS opened_at, array_agg(t.ticket_id) AS tickets
		FROM unnest(set_ticket_terms.tickets) AS k (ticket_id) JOIN cx_data.ticket AS t USING (ticket_id) LEFT JOIN cx_data.customer AS c USING (customer_id)
		GROUP BY t.sla, t.priority, c.segment, t.touchpoint_id, t.org_unit_id, width_bucket(t.opened_at, turns)
	LOOP
		UPDATE cx_data.ticket AS t SET sla_policy_id = s.sla_policy_id, calendar = s.calendar, first_response_due_at = cx.due_at(t.opened_at, s.first_response_within, s.calendar),
			owner_staff_id = CASE WHEN is_new THEN s.owner_staff_id ELSE t.owner_staff_id END,
			-- whose history is that it was open from the beginning on, if it does not wait
			resolution_due_at = CASE WHEN is_new THEN CASE WHEN t.status NOT IN ('pending', 'on_hold') THEN cx.due_at(t.opened_at, s.resolve_within, s.calendar) END ELSE t.resolution_due_at END
		FROM (SELECT m.*, cx.ticket_owner(alike.touchpoint_id, alike.org_unit_id) AS owner_staff_id
			FROM cx.ticket_terms(alike.sla, alike.priority, alike.segment, alike.touchpoint_id, alike.org_unit_id, alike.opened_at) AS m OFFSET 0) AS s
		WHERE t.ticket_id = ANY (alike.tickets);
	END LOOP;
	IF NOT is_new THEN
		UPDATE cx_data.ticket AS t SET resolution_due_at = cx.resolution_due(t.ticket_id) WHERE t.ticket_id = ANY (set_ticket_terms.tickets);
	END IF;
END
$$;
COMMENT ON FUNCTION cx.set_ticket_terms(bigint[], boolean) IS 'gives tickets the service level that they would have started with, and the deadlines that follow from it and from their history; if they are new, also whoever answers for them. Takes the rights of the program''s owner';

CREATE FUNCTION cx.sla_status(status text, first_response_due_at timestamptz, first_responded_at timestamptz, resolution_due_at timestamptz, solved_at timestamptz, at timestamptz) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE
		WHEN coalesce(first_responded_at, at) > first_response_due_at OR coalesce(solved_at, at) > resolution_due_at THEN 'missed'
		WHEN solved_at IS NOT NULL THEN 'met'
		WHEN status IN ('pending', 'on_hold') AND (first_responded_at IS NOT NULL OR first_response_due_at IS NULL) THEN 'paused'
		ELSE 'active' END;
COMMENT ON FUNCTION cx.sla_status(text, timestamptz, timestamptz, timestamptz, timestamptz, timestamptz) IS 'active, paused, met or missed (the first response, the solution or both came too late, or have not come though they are due) at a time, of a ticket with this status and these times';

CREATE FUNCTION cx.ticket_subject(ticket bigint) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF has_column_privilege('cx_data.ticket', 'subject', 'SELECT') THEN
		RETURN (SELECT t.subject FROM cx_data.ticket AS t WHERE t.ticket_id = ticket);
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.ticket_subject(bigint) IS 'subject of a ticket, for those who may read cx_data.ticket.subject, else NULL; for the views of tickets';

CREATE FUNCTION cx.task_block(task bigint) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF has_column_privilege('cx_data.ticket_task', 'blocked_reason', 'SELECT') THEN
		RETURN (SELECT k.blocked_reason FROM cx_data.ticket_task AS k WHERE k.ticket_task_id = task);
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.task_block(bigint) IS 'what blocks a task, for those who may read cx_data.ticket_task.blocked_reason, else NULL; for the view cx_data.emergency';
