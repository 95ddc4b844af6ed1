-- Escalation: what is overdue or blocked climbs to whoever answers for it

CREATE FUNCTION cx.climb(what text, key bigint, to_tier integer, caller oid, at timestamptz) RETURNS boolean
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	item record;
	target record;
	said text;
	severity text;
	happened_at timestamptz;
	new_alert bigint;
BEGIN
	IF what = 'task' THEN
		SELECT k.ticket_id, k.ticket_task_id, k.org_unit_id, k.escalation_level AS reached, t.priority, t.customer_id, t.touchpoint_id, t.customer_merge_id, t.owner_staff_id,
			CASE k.status WHEN 'blocked' THEN 'blocked' ELSE 'overdue' END AS why INTO item
		FROM cx_data.ticket_task AS k JOIN cx_data.ticket AS t USING (ticket_id) WHERE k.ticket_task_id = key;
	ELSE
		SELECT t.ticket_id, NULL::bigint AS ticket_task_id, t.org_unit_id, t.escalation_level AS reached, t.priority, t.customer_id, t.touchpoint_id, t.customer_merge_id, t.owner_staff_id, 'overdue' AS why INTO item
		FROM cx_data.ticket AS t WHERE t.ticket_id = key;
	END IF;
	-- the top is where climbing ends
	SELECT u.org_unit_id, least(to_tier, greatest(max(u.height) OVER (), 1)) AS level, o.code, o.name, cx.unit_manager(u.org_unit_id) AS manager_id INTO target
	FROM cx.units_above(item.org_unit_id) AS u JOIN cx_data.org_unit AS o USING (org_unit_id) WHERE u.height <= to_tier ORDER BY u.height DESC LIMIT 1;
	IF coalesce(target.level, 1) <= item.reached THEN
		RETURN false;
	END IF;

	happened_at := greatest(at, (SELECT max(e.occurred_at) FROM cx_data.ticket_event AS e WHERE e.ticket_id = item.ticket_id));
	severity := CASE item.priority WHEN 'urgent' THEN 'critical' ELSE item.priority END;
	IF what = 'task' THEN
		UPDATE cx_data.ticket_task AS k SET escalation_level = coalesce(target.level, 1), escalated_unit_id = target.org_unit_id, escalated_at = happened_at WHERE k.ticket_task_id = key;
	ELSE
		UPDATE cx_data.ticket AS t SET escalation_level = coalesce(target.level, 1), escalated_unit_id = target.org_unit_id, escalated_at = happened_at,
			owner_staff_id = coalesce(target.manager_id, t.owner_staff_id) WHERE t.ticket_id = key;
	END IF;
	PERFORM cx.add_ticket_event(item.ticket_id, 'escalated', caller, happened_at, staff => coalesce(target.manager_id, item.owner_staff_id), unit => target.org_unit_id, level => coalesce(target.level, 1), note => item.why, task => item.ticket_task_id);
	-- neither subject nor reason: who is told works for another unit
	said := concat_ws(', ', format('%sticket %s is %s', 'task ' || item.ticket_task_id || ' of ', item.ticket_id, item.why), (SELECT coalesce(p.name, p.code) FROM cx_data.touchpoint AS p WHERE p.touchpoint_id = item.touchpoint_id),
		(SELECT coalesce(u.name, u.code) FROM cx_data.org_unit AS u WHERE u.org_unit_id = item.org_unit_id));
	INSERT INTO cx_data.alert (rule, customer_id, customer_merge_id, touchpoint_id, org_unit_id, staff_id, severity, message, ticket_id, opened_at, last_matched_at)
	VALUES ('escalation', item.customer_id, item.customer_merge_id, item.touchpoint_id, coalesce(target.org_unit_id, item.org_unit_id), coalesce(target.manager_id, item.owner_staff_id),
		severity, said, item.ticket_id, happened_at, happened_at)
	RETURNING alert_id INTO new_alert;
	INSERT INTO cx_data.outbox (alert_id, customer_id, customer_merge_id, org_unit_id, route, channel_id, send_to, dead_at, last_error, payload)
	SELECT new_alert, item.customer_id, item.customer_merge_id, target.org_unit_id, g.item, g.channel_id, g.send_to, CASE WHEN g.problem IS NOT NULL THEN now() END, g.problem,
		jsonb_strip_nulls(jsonb_build_object('alert_id', new_alert, 'rule', 'escalation', 'severity', severity, 'message', said,
			'ticket_id', item.ticket_id, 'ticket_task_id', item.ticket_task_id, 'org_unit', target.code, 'level', coalesce(target.level, 1), 'opened_at', happened_at))
	FROM (SELECT s.code FROM cx_data.staff AS s WHERE s.staff_id = coalesce(target.manager_id, item.owner_staff_id)) AS m
	CROSS JOIN LATERAL cx.route_targets('staff:' || translate(m.code, ',', ' ')) AS g;	-- a comma begins another one
	IF FOUND AND current_setting('cx.notify')::boolean THEN
		PERFORM pg_notify('cx_outbox', '');
	END IF;
	RETURN true;
END
$$;
COMMENT ON FUNCTION cx.climb(text, bigint, integer, oid, timestamptz) IS 'lets a ticket or a task climb to a tier above its unit, 1 for the next, or to the top, and tells the manager there; false if it is there already. Takes the rights of the program''s owner';

CREATE FUNCTION cx.tier_at(due timestamptz, at timestamptz, every interval, calendar text, unit bigint) RETURNS integer
	LANGUAGE sql STABLE PARALLEL SAFE
	RETURN CASE WHEN at > due THEN 1 + least(100, floor(cx.spent_seconds(due, at, cx.usable_calendar(calendar, unit)) / extract(epoch FROM every)::double precision))::integer ELSE 0 END;
COMMENT ON FUNCTION cx.tier_at(timestamptz, timestamptz, interval, text, bigint) IS 'tiers that what was due at a time has to climb until another one: one at once, and one more after each interval of business time; 0 if it is not due yet';

CREATE FUNCTION cx.owner_escalate(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	at CONSTANT timestamptz := (argument ->> 'as_of')::timestamptz;
	late record;
	climbed bigint := 0;
BEGIN
	IF NOT cx.owns_program(caller) AND NOT cx.role_has_level(caller, '{admin}') THEN
		RAISE EXCEPTION 'permission denied to escalate' USING ERRCODE = 'insufficient_privilege', HINT = 'It takes access as an admin; cx.maintain() does it regularly.';
	END IF;
	IF at > now() THEN
		RAISE EXCEPTION 'as_of is in the future' USING ERRCODE = 'invalid_parameter_value', HINT = 'Leave it out for now.';
	END IF;
	-- whoever else escalates just now, or works on a ticket, is not waited for: the next run sees to it; what is left of a
	-- source that was detached is a record, and rests
	FOR late IN
		SELECT t.ticket_id, t.escalation_level AS reached, cx.tier_at(least(CASE WHEN t.first_responded_at IS NULL THEN t.first_response_due_at END, t.resolution_due_at), at, p.escalate_every, t.calendar, t.org_unit_id) AS tier
		FROM cx_data.ticket AS t JOIN cx_data.sla_policy AS p USING (sla_policy_id)
		WHERE t.status NOT IN ('solved', 'closed') AND NOT EXISTS (SELECT FROM cx_data.source AS r WHERE r.source_id = t.source_id AND r.relation IS NULL)
			AND ((t.first_responded_at IS NULL AND t.first_response_due_at < at) OR t.resolution_due_at < at)
		ORDER BY t.ticket_id FOR NO KEY UPDATE OF t SKIP LOCKED
	LOOP
		climbed := climbed + (late.tier > late.reached AND cx.climb('ticket', late.ticket_id, late.tier, caller, at))::integer;
	END LOOP;
	FOR late IN
		SELECT k.ticket_task_id, k.ticket_id, k.escalation_level AS reached,
			cx.tier_at(CASE k.status WHEN 'blocked' THEN least(k.blocked_at, k.due_at) ELSE k.due_at END, at, coalesce(p.escalate_every, '4 hours'), t.calendar, k.org_unit_id) AS tier
		FROM cx_data.ticket_task AS k JOIN cx_data.ticket AS t USING (ticket_id) LEFT JOIN cx_data.sla_policy AS p USING (sla_policy_id)
		WHERE k.status IN ('open', 'blocked') AND (k.due_at < at OR (k.status = 'blocked' AND k.blocked_at < at))
		ORDER BY k.ticket_task_id FOR NO KEY UPDATE OF k SKIP LOCKED
	LOOP
		climbed := climbed + (late.tier > late.reached AND cx.climb('task', late.ticket_task_id, late.tier, caller, at))::integer;
	END LOOP;
	RETURN to_jsonb(climbed);
END
$$;
COMMENT ON FUNCTION cx.owner_escalate(jsonb, oid) IS 'does the work of escalate_overdue with the rights of the program''s owner';

CREATE FUNCTION cx.escalate_overdue(as_of timestamptz DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	PERFORM cx.require_read_committed();
	RETURN cx.as_program_owner('escalate', jsonb_build_object('as_of', coalesce(as_of, now())))::bigint;
END
$$;
COMMENT ON FUNCTION cx.escalate_overdue(timestamptz) IS 'lets tickets and tasks climb that are overdue or blocked: to the unit above when they are due, and one tier more after each escalate_every of their service level; each step is in the history, raises an alert and tells the manager there. Gives how many climbed; doing it again at the same time changes nothing. cx.maintain() calls it';
