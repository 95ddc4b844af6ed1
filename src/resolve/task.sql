-- Tasks: what units do for a ticket, what blocks them, and the closing question

CREATE FUNCTION cx.add_task(ticket bigint, unit bigint, person bigint, subject text, due timestamptz, caller oid, at timestamptz) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	key bigint;
BEGIN
	INSERT INTO cx_data.ticket_task (ticket_id, org_unit_id, asked_by_unit_id, staff_id, subject, due_at, created_at)
	SELECT t.ticket_id, unit, t.org_unit_id, person, add_task.subject, due, at FROM cx_data.ticket AS t WHERE t.ticket_id = ticket
	RETURNING ticket_task_id INTO key;
	PERFORM cx.add_ticket_event(ticket, 'task', caller, at, status => 'open', staff => person, unit => unit, note => add_task.subject, task => key);
	RETURN key;
END
$$;
COMMENT ON FUNCTION cx.add_task(bigint, bigint, bigint, text, timestamptz, oid, timestamptz) IS 'adds a task to a ticket; takes the rights of the program''s owner';

CREATE FUNCTION cx.add_emergency_tasks(tickets bigint[]) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.add_task(t.ticket_id, r.org_unit_id, u.manager_id, concat_ws(', ', 'emergency', coalesce(p.name, p.code)), t.resolution_due_at, quote_ident(current_user)::regrole::oid, t.opened_at)
	-- what customers said is not for other units
	FROM cx_data.ticket AS t
	LEFT JOIN cx_data.touchpoint AS p USING (touchpoint_id)
	CROSS JOIN LATERAL (
		SELECT p.owner_unit_id AS org_unit_id WHERE p.owner_unit_id IS NOT NULL
		UNION
		SELECT r.org_unit_id FROM cx_data.touchpoint_unit AS r WHERE r.touchpoint_id = t.touchpoint_id
	) AS r
	JOIN cx_data.org_unit AS u ON u.org_unit_id = r.org_unit_id
	WHERE t.ticket_id = ANY (tickets)
	ORDER BY t.ticket_id, r.org_unit_id;
END
$$;
COMMENT ON FUNCTION cx.add_emergency_tasks(bigint[]) IS 'gives each unit responsible for the touchpoint of an emergency its task; takes the rights of the program''s owner';

CREATE FUNCTION cx.task_due(task jsonb, ticket bigint, unit bigint, at timestamptz) RETURNS timestamptz
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	due timestamptz;
BEGIN
	IF task ? 'within' THEN
		PERFORM cx.check_hours((task ->> 'within')::interval, 'within');
		RETURN cx.due_at(at, (task ->> 'within')::interval, cx.usable_calendar(NULL, unit));
	END IF;
	due := coalesce((task ->> 'due_at')::timestamptz, (SELECT t.resolution_due_at FROM cx_data.ticket AS t WHERE t.ticket_id = ticket));
	IF (task ->> 'due_at')::timestamptz < at THEN
		RAISE EXCEPTION 'a task cannot be due before it is given, at %', at USING ERRCODE = 'invalid_parameter_value', HINT = 'Use within for business hours from now on.';
	END IF;
	RETURN due;
END
$$;
COMMENT ON FUNCTION cx.task_due(jsonb, bigint, bigint, timestamptz) IS 'when a task is due: after so many hours of the unit''s calendar, at a time, or together with the ticket; part of decompose_ticket';

CREATE FUNCTION cx.owner_decompose(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	ticket CONSTANT bigint := (argument -> 'ticket')::bigint;
	at timestamptz;
	task jsonb;
	unit bigint;
	strange text;
	keys bigint[] := '{}';
BEGIN
	PERFORM cx.lock_ticket(ticket, caller);
	at := cx.ticket_time(ticket, (argument ->> 'at')::timestamptz, caller);
	IF (SELECT t.solved_at IS NOT NULL FROM cx_data.ticket AS t WHERE t.ticket_id = ticket) THEN
		RAISE EXCEPTION 'ticket % is solved', ticket USING ERRCODE = 'object_not_in_prerequisite_state', HINT = format('SELECT cx.reopen(%s, ''why'') first.', ticket);
	END IF;
	FOR task IN SELECT e FROM jsonb_array_elements(argument -> 'tasks') AS e LOOP
		strange := (SELECT k FROM jsonb_object_keys(task) AS k WHERE k NOT IN ('unit', 'subject', 'staff', 'within', 'due_at') LIMIT 1);
		IF strange IS NOT NULL OR task ?& '{within,due_at}' OR coalesce(trim(task ->> 'unit'), '') = '' OR coalesce(trim(task ->> 'subject'), '') = '' THEN
			RAISE EXCEPTION 'a task must have unit and subject%', coalesce(', and has no ' || strange, CASE WHEN task ?& '{within,due_at}' THEN ', and within or due_at' ELSE '' END)
				USING ERRCODE = 'invalid_parameter_value', HINT = '[{"unit": "network", "subject": "mend the cell", "within": "8 hours"}]; staff, and due_at in place of within, may be added.';
		END IF;
		unit := cx.find_code('org_unit', task ->> 'unit');
		keys := keys || cx.add_task(ticket, unit, cx.find_code('staff', task ->> 'staff'), task ->> 'subject', cx.task_due(task, ticket, unit, at), caller, at);
	END LOOP;
	IF (SELECT t.status = 'new' AND t.source_id IS NULL FROM cx_data.ticket AS t WHERE t.ticket_id = ticket) THEN
		PERFORM cx.set_ticket_status(ticket, 'open', caller, at, NULL);
	END IF;
	RETURN to_jsonb(keys);
END
$$;
COMMENT ON FUNCTION cx.owner_decompose(jsonb, oid) IS 'does the work of decompose_ticket with the rights of the program''s owner';

CREATE FUNCTION cx.decompose_ticket(ticket bigint, tasks jsonb, at timestamptz DEFAULT NULL) RETURNS SETOF bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	IF jsonb_typeof(tasks) IS DISTINCT FROM 'array' OR tasks = '[]' OR tasks @? 'strict $[*] ? (@.type() != "object")' THEN
		RAISE EXCEPTION 'tasks must be an array of objects'
			USING ERRCODE = 'invalid_parameter_value', HINT = '[{"unit": "network", "subject": "mend the cell", "within": "8 hours"}]';
	END IF;
	RETURN QUERY SELECT k::bigint FROM jsonb_array_elements(cx.as_program_owner('decompose', jsonb_strip_nulls(jsonb_build_object('ticket', ticket, 'tasks', tasks, 'at', at)))) AS k;
END
$$;
COMMENT ON FUNCTION cx.decompose_ticket(bigint, jsonb, timestamptz) IS 'splits a ticket into tasks for units: an array of objects with unit and subject, and if wanted staff, and within (hours of the unit''s calendar) or due_at; else a task is due with the ticket. Gives the numbers of the tasks';

CREATE FUNCTION cx.owner_move_task(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	task CONSTANT bigint := (argument -> 'task')::bigint;
	wanted CONSTANT text := argument ->> 'status';
	note CONSTANT text := argument ->> 'note';
	known record;
	at timestamptz;
BEGIN
	PERFORM cx.check_may_work(caller);
	SELECT k.ticket_id, k.status, k.org_unit_id, k.asked_by_unit_id INTO known FROM cx_data.ticket_task AS k WHERE k.ticket_task_id = task FOR NO KEY UPDATE;
	IF NOT FOUND OR NOT (cx.unit_is_visible(known.org_unit_id, caller) OR cx.unit_is_visible(known.asked_by_unit_id, caller)) THEN
		RAISE EXCEPTION 'task % does not exist', task USING ERRCODE = 'undefined_object', HINT = 'SELECT ticket_task_id, subject FROM cx_data.ticket_task shows the tasks.';
	END IF;
	at := cx.ticket_time(known.ticket_id, (argument ->> 'at')::timestamptz, caller);
	IF coalesce(wanted NOT IN ('open', 'blocked', 'done', 'cancelled') OR wanted = known.status OR known.status = 'cancelled', true) THEN
		RAISE EXCEPTION 'task % is % and cannot become %', task, known.status, coalesce(wanted, 'NULL')
			USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'A task is open, blocked, done or cancelled; what was cancelled stays so.';
	END IF;
	IF wanted = 'blocked' AND coalesce(note, '') = '' THEN
		RAISE EXCEPTION 'what blocks task % must be given', task USING ERRCODE = 'invalid_parameter_value', HINT = format('SELECT cx.move_task(%s, ''blocked'', ''why'').', task);
	END IF;
	IF wanted IN ('open', 'blocked') AND (SELECT t.solved_at IS NOT NULL FROM cx_data.ticket AS t WHERE t.ticket_id = known.ticket_id FOR SHARE) THEN
		RAISE EXCEPTION 'ticket % of the task is solved', known.ticket_id USING ERRCODE = 'object_not_in_prerequisite_state', HINT = format('SELECT cx.reopen(%s, ''why'') first.', known.ticket_id);
	END IF;
	PERFORM cx.add_ticket_event(known.ticket_id, 'task', caller, at, status => wanted, note => note, task => task);
	UPDATE cx_data.ticket_task AS k SET status = wanted,
		blocked_reason = CASE WHEN wanted = 'blocked' THEN note END, blocked_at = CASE WHEN wanted = 'blocked' THEN at END,
		ended_at = CASE WHEN wanted IN ('done', 'cancelled') THEN at END, result = CASE WHEN wanted IN ('done', 'cancelled') THEN note END,
		-- a block climbs anew
		escalation_level = CASE WHEN 'blocked' IN (wanted, known.status) THEN 0 ELSE k.escalation_level END
	WHERE k.ticket_task_id = task;
	IF wanted = 'blocked' THEN
		PERFORM cx.climb('task', task, 1, caller, at);
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.owner_move_task(jsonb, oid) IS 'does the work of move_task with the rights of the program''s owner';

CREATE FUNCTION cx.move_task(task bigint, status text, note text DEFAULT NULL, at timestamptz DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	PERFORM cx.as_program_owner('move_task', jsonb_strip_nulls(jsonb_build_object('task', task, 'status', status, 'note', note, 'at', at)));
END
$$;
COMMENT ON FUNCTION cx.move_task(bigint, text, text, timestamptz) IS 'takes a task to another status: done or cancelled, with what came of it, blocked, with the reason, or open again. A block is told at once to the unit above, and climbs further until it is removed';

CREATE FUNCTION cx.score_is_bad(metric text, score integer) RETURNS boolean
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN (SELECT CASE m.kind WHEN 'nps' THEN score <= 6 ELSE cx.experience_of(score::smallint, m.scale_min, m.scale_max, m.lower_is_better) < 50 END
		FROM cx_data.metric AS m WHERE m.code = metric);
END
$$;
COMMENT ON FUNCTION cx.score_is_bad(text, integer) IS 'whether an answer is bad: a detractor''s, 0..6, where the metric is of kind nps, else below the middle of the scale; NULL for NULL';

CREATE FUNCTION cx.owner_close_loop(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	ticket CONSTANT bigint := (argument -> 'ticket')::bigint;
	score CONSTANT integer := (argument -> 'score')::integer;
	scale record;
	known record;
	at timestamptz;
BEGIN
	PERFORM cx.lock_ticket(ticket, caller);
	at := cx.ticket_time(ticket, (argument ->> 'at')::timestamptz, caller);
	SELECT t.solved_at, t.source_id, coalesce(argument ->> 'metric', f.metric, 'csat') AS metric INTO known
	FROM cx_data.ticket AS t LEFT JOIN cx_data.feedback AS f USING (feedback_id) WHERE t.ticket_id = ticket;
	IF known.solved_at IS NULL THEN
		RAISE EXCEPTION 'ticket % is not solved', ticket USING ERRCODE = 'object_not_in_prerequisite_state', HINT = format('SELECT cx.move_ticket(%s, ''solved'', ...) first, then ask the customer.', ticket);
	END IF;
	SELECT m.scale_min, m.scale_max INTO scale FROM cx_data.metric AS m WHERE m.code = known.metric;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'metric "%" does not exist', known.metric USING ERRCODE = 'undefined_object', HINT = 'SELECT code FROM cx_data.metric shows the metrics.';
	END IF;
	IF score NOT BETWEEN scale.scale_min AND scale.scale_max THEN
		RAISE EXCEPTION 'score % is outside %..%, the scale of metric "%"', score, scale.scale_min, scale.scale_max, known.metric USING ERRCODE = 'numeric_value_out_of_range';
	END IF;
	UPDATE cx_data.ticket AS t SET followup_metric = CASE WHEN score IS NOT NULL OR t.followup_score IS NULL THEN known.metric ELSE t.followup_metric END, followup_asked_at = coalesce(t.followup_asked_at, at), followup_score = coalesce(score, t.followup_score),
		followup_at = CASE WHEN score IS NOT NULL THEN at ELSE t.followup_at END
	WHERE t.ticket_id = ticket;
	PERFORM cx.add_ticket_event(ticket, 'follow_up', caller, at, level => score, note => argument ->> 'comment');
	IF score IS NULL THEN
		RETURN to_jsonb('asked'::text);
	END IF;
	-- a ticket that lives elsewhere is reopened there
	IF known.source_id IS NULL THEN
		PERFORM cx.set_ticket_status(ticket, CASE WHEN cx.score_is_bad(known.metric, score) THEN 'open' ELSE 'closed' END, caller, at, NULL);
	END IF;
	RETURN to_jsonb(CASE WHEN NOT cx.score_is_bad(known.metric, score) THEN 'closed' WHEN known.source_id IS NULL THEN 'reopened' ELSE 'to be reopened' END);
END
$$;
COMMENT ON FUNCTION cx.owner_close_loop(jsonb, oid) IS 'does the work of close_the_loop with the rights of the program''s owner';

CREATE FUNCTION cx.close_the_loop(ticket bigint, score integer DEFAULT NULL, comment text DEFAULT NULL, metric text DEFAULT NULL, at timestamptz DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	RETURN cx.as_program_owner('close_loop', jsonb_strip_nulls(jsonb_build_object('ticket', ticket, 'score', score, 'comment', comment, 'metric', metric, 'at', at))) #>> '{}';
END
$$;
COMMENT ON FUNCTION cx.close_the_loop(bigint, integer, text, text, timestamptz) IS 'notes that the customer of a solved ticket was asked again, and the answer once there is one: a good one closes the ticket, a bad one (a detractor''s, or below the middle of the scale) reopens it. metric is that of the first answer, else csat. Gives asked, closed or reopened; a ticket that lives in a table of yours is to be reopened there';
