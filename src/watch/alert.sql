-- Alerts: raised in the transaction of what they tell of, and told to those concerned

CREATE FUNCTION cx.alert_status_changed() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	NEW.acknowledged_at := CASE WHEN NEW.status = 'open' THEN NULL ELSE coalesce(NEW.acknowledged_at, now()) END;
	NEW.resolved_at := CASE WHEN NEW.status = 'resolved' THEN coalesce(NEW.resolved_at, now()) END;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION cx.alert_status_changed() IS 'trigger on cx_data.alert: notes when an alert was acknowledged and resolved';

CREATE FUNCTION cx.route_targets(route text, OUT item text, OUT channel_id bigint, OUT send_to text, OUT problem text) RETURNS SETOF record
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	kind text;
	wanted text;
	person bigint;
	contact text;
BEGIN
	FOR item IN SELECT DISTINCT trim(i) FROM unnest(string_to_array(route, ',')) AS i WHERE trim(i) !~ '(^|:)$' LOOP
		kind := split_part(item, ':', 1);
		wanted := substr(item, strpos(item, ':') + 1);
		channel_id := NULL;
		send_to := NULL;
		problem := NULL;
		IF kind = 'unit' AND EXISTS (SELECT FROM cx_data.channel AS c JOIN cx_data.org_unit AS u ON u.org_unit_id = c.owner_unit_id WHERE u.code = wanted) THEN
			FOR channel_id IN SELECT c.channel_id FROM cx_data.channel AS c JOIN cx_data.org_unit AS u ON u.org_unit_id = c.owner_unit_id WHERE u.code = wanted ORDER BY c.channel_id LOOP
				RETURN NEXT;
			END LOOP;
			CONTINUE;
		END IF;
		person := CASE
			WHEN kind IN ('unit', 'manager') THEN (SELECT u.manager_id FROM cx_data.org_unit AS u WHERE u.code = wanted)
			WHEN kind = 'owner' THEN (SELECT coalesce(t.owner_staff_id, u.manager_id) FROM cx_data.touchpoint AS t LEFT JOIN cx_data.org_unit AS u ON u.org_unit_id = t.owner_unit_id WHERE t.code = wanted)
			WHEN kind = 'staff' THEN (SELECT s.staff_id FROM cx_data.staff AS s WHERE s.code = wanted) END;
		contact := CASE WHEN kind = 'channel' THEN item ELSE (SELECT s.contact FROM cx_data.staff AS s WHERE s.staff_id = person) END;
		IF contact IS NULL THEN
			problem := CASE WHEN person IS NULL THEN 'there is nobody to tell' ELSE 'column contact of cx_data.staff is empty' END;
		ELSIF contact LIKE 'channel:%' THEN
			channel_id := (SELECT c.channel_id FROM cx_data.channel AS c WHERE c.code = substr(contact, 9));
			problem := CASE WHEN channel_id IS NULL THEN format('channel "%s" does not exist', substr(contact, 9)) END;
		ELSE
			-- an address goes by the first channel that takes it
			send_to := contact;
			channel_id := (SELECT c.channel_id FROM cx_data.channel AS c WHERE c.active AND (c.format = 'email') = (contact !~ '^https?:') AND c.url IS NULL ORDER BY c.channel_id LIMIT 1);
			problem := CASE WHEN channel_id IS NULL THEN format('there is no channel without url for %s', CASE WHEN contact ~ '^https?:' THEN 'web addresses' ELSE 'e-mail' END) END;
		END IF;
		RETURN NEXT;
	END LOOP;
END
$$;
COMMENT ON FUNCTION cx.route_targets(text) IS 'where messages on a route go: channel: to that channel, unit: to the channels of the unit, else to its manager, manager:, owner: (of a touchpoint) and staff: to the contact of that person, which is an address or channel: with a code; problem says why one cannot go anywhere';

CREATE FUNCTION cx.filled_in(template text, rule text, customer text, customer_name text, touchpoint text, touchpoint_name text, org_unit text, org_unit_name text, staff text, staff_name text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	BEGIN ATOMIC
		-- watch() marks names of the program by a character that values never hold, so nothing is filled in twice
		SELECT CASE WHEN pg_catalog.strpos(template, E'\x01') = 0 THEN template
			ELSE replace(replace(replace(replace(replace(replace(replace(replace(replace(template,
				E'\x01rule\x01', translate(rule, E'\x01', ' ')), E'\x01customer\x01', translate(customer, E'\x01', ' ')), E'\x01customer.name\x01', translate(customer_name, E'\x01', ' ')),
				E'\x01touchpoint\x01', translate(touchpoint, E'\x01', ' ')), E'\x01touchpoint.name\x01', translate(touchpoint_name, E'\x01', ' ')),
				E'\x01org_unit\x01', translate(org_unit, E'\x01', ' ')), E'\x01org_unit.name\x01', translate(org_unit_name, E'\x01', ' ')),
				E'\x01staff\x01', translate(staff, E'\x01', ' ')), E'\x01staff.name\x01', translate(staff_name, E'\x01', ' ')) END;
	END;
COMMENT ON FUNCTION cx.filled_in(text, text, text, text, text, text, text, text, text, text) IS 'a message or route with the names that the program knows filled in; called by raise_alerts';

CREATE FUNCTION cx.add_alerted_customers(matches jsonb, busy bigint[]) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	names CONSTANT text[] := ARRAY(SELECT DISTINCT m.customer FROM ROWS FROM (jsonb_to_recordset(matches) AS (customer text)) WITH ORDINALITY AS m (customer, place)
		WHERE m.customer <> '' AND m.place <> ALL (busy) AND NOT EXISTS (SELECT FROM cx_data.customer AS c WHERE c.code = m.customer)
			AND NOT EXISTS (SELECT FROM cx_data.customer_identity AS i WHERE i.kind = 'code' AND i.value = m.customer));
BEGIN
	IF names <> '{}' THEN
		-- as capturing does
		PERFORM cx.add_customers(names, array_fill(now(), ARRAY[cardinality(names)]));
	END IF;
END
$$;
COMMENT ON FUNCTION cx.add_alerted_customers(jsonb, bigint[]) IS 'adds customers whom nobody knew yet, but for those whom others are adding; part of raise_alerts';

CREATE FUNCTION cx.raise_alerts(matches jsonb) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
	is_fixed CONSTANT boolean := current_setting('transaction_isolation') IN ('repeatable read', 'serializable');
	new_ids CONSTANT regclass := pg_get_serial_sequence('cx_data.alert', 'alert_id');
	ticket_ids CONSTANT regclass := pg_get_serial_sequence('cx_data.ticket', 'ticket_id');
	busy bigint[];
	elsewhere bigint[];
	tickets cx.new_ticket[];
	raised bigint;
	told bigint;
BEGIN
	-- before the look at what is there, which then sees all that others did before they unlocked
	busy := cx.alert_locks(matches);
	elsewhere := cx.emergency_locks(matches);
	PERFORM cx.add_alerted_customers(matches, busy);

	WITH given AS (
		SELECT r.alert_rule_id, r.name, r.severity, r.cooldown, r.opens_ticket, r.opens_ticket AND r.severity = 'critical' AS is_emergency, r.sla, m.feedback_id,
			c.customer_id, c.code AS customer, coalesce(c.name, c.code) AS customer_name, c.segment,
			t.touchpoint_id, t.code AS touchpoint, coalesce(t.name, t.code) AS touchpoint_name,
			u.org_unit_id, u.code AS org_unit, coalesce(u.name, u.code) AS org_unit_name,
			s.staff_id, s.code AS staff, coalesce(s.name, s.code) AS staff_name,
			m.place, m.customer AS given_customer, coalesce(m.customer_merge_id, i.customer_merge_id) AS customer_merge_id, m.message, m.route, m.matches, m.value, m.last_matched_at,
			sum(m.matches) OVER alike AS all_matches, row_number() OVER (alike ORDER BY m.place) AS number
		FROM (
			SELECT row_number() OVER () AS place, element.*
			FROM jsonb_to_recordset(matches) AS element (rule_id bigint, customer_id bigint, customer text, touchpoint_id bigint, org_unit_id bigint, staff_id bigint,
				customer_merge_id bigint, feedback_id bigint, message text, route text, matches bigint, value double precision, last_matched_at timestamptz)
		) AS m
		JOIN cx_data.alert_rule AS r ON r.alert_rule_id = m.rule_id
		-- by code, which one look-up finds, else by key or by a code of old
		LEFT JOIN cx_data.customer AS n ON n.code = m.customer AND m.customer_id IS NULL
		LEFT JOIN cx_data.customer_identity AS i ON i.kind = 'code' AND i.value = m.customer
		LEFT JOIN cx_data.customer AS k ON k.customer_id = CASE WHEN n.customer_id IS NULL THEN coalesce(m.customer_id, i.customer_id) END
		CROSS JOIN LATERAL (SELECT coalesce(n.customer_id, k.customer_id) AS customer_id, coalesce(n.code, k.code) AS code, coalesce(n.name, k.name) AS name,
			coalesce(n.segment, k.segment) AS segment, coalesce(n.org_unit_id, k.org_unit_id) AS org_unit_id) AS c
		LEFT JOIN cx_data.touchpoint AS t ON t.touchpoint_id = m.touchpoint_id
		LEFT JOIN cx_data.org_unit AS u ON u.org_unit_id = coalesce(m.org_unit_id, c.org_unit_id)
		LEFT JOIN cx_data.staff AS s ON s.staff_id = m.staff_id
		WHERE CASE WHEN r.scope IS NULL OR r.kind <> 'row' THEN true ELSE cx.scope_holds(r.scope, t.touchpoint_id, u.org_unit_id) END
		WINDOW alike AS (PARTITION BY r.alert_rule_id, c.customer_id, CASE WHEN c.customer_id IS NULL OR (r.opens_ticket AND r.severity = 'critical') THEN t.touchpoint_id END, CASE WHEN c.customer_id IS NULL THEN u.org_unit_id END)
	), latest AS MATERIALIZED (
		SELECT f.*, CASE WHEN f.is_new THEN nextval(new_ids) END AS new_id,
			CASE WHEN f.is_new AND f.opens_ticket AND f.open_ticket IS NULL AND NOT f.is_emergency THEN nextval(ticket_ids) END AS own_ticket,
			cx.filled_in(f.route, translate(f.name, ',', ' '), translate(coalesce(f.customer, ''), ',', ' '), '', translate(coalesce(f.touchpoint, ''), ',', ' '), '',
				translate(coalesce(f.org_unit, ''), ',', ' '), '', translate(coalesce(f.staff, ''), ',', ' '), '') AS new_route,	-- a comma begins another one
			left(CASE WHEN f.message IS NULL THEN concat_ws(', ', f.name, f.customer_name, f.touchpoint_name, f.org_unit_name)
				ELSE cx.filled_in(f.message, f.name, coalesce(f.customer, ''), coalesce(f.customer_name, ''), coalesce(f.touchpoint, ''), coalesce(f.touchpoint_name, ''),
					coalesce(f.org_unit, ''), coalesce(f.org_unit_name, ''), coalesce(f.staff, ''), coalesce(f.staff_name, '')) END, 2000) AS new_message
		FROM (
			SELECT k.*, NOT k.is_joined AND k.place <> ALL (busy) AND (k.open_ticket IS NOT NULL OR k.place <> ALL (elsewhere)) AS is_new
			FROM (
				SELECT g.*, l.alert_id, coalesce(l.is_joined, false) AS is_joined,
					-- an alert joins the ticket about the same, or the emergency at the touchpoint, unless that is solved or about to be
					CASE WHEN NOT g.opens_ticket OR l.is_joined THEN NULL
						WHEN g.is_emergency THEN (SELECT t.ticket_id FROM cx_data.ticket AS t JOIN cx_data.alert AS a ON a.alert_id = t.alert_id
							WHERE t.emergency AND t.status NOT IN ('solved', 'closed') AND t.touchpoint_id IS NOT DISTINCT FROM g.touchpoint_id AND a.alert_rule_id = g.alert_rule_id
							ORDER BY t.ticket_id LIMIT 1 FOR SHARE OF t SKIP LOCKED)
						WHEN l.ticket_id IS NOT NULL THEN (SELECT t.ticket_id FROM cx_data.ticket AS t WHERE t.ticket_id = l.ticket_id AND t.status NOT IN ('solved', 'closed') FOR SHARE SKIP LOCKED) END AS open_ticket
				FROM given AS g
				LEFT JOIN LATERAL (
					SELECT a.alert_id, a.ticket_id, CASE WHEN g.cooldown IS NULL THEN a.status <> 'resolved'
							-- one without a ticket, or whose ticket is solved, would keep others from getting one
							AND (NOT g.opens_ticket OR EXISTS (SELECT FROM cx_data.ticket AS t WHERE t.ticket_id = a.ticket_id AND t.status NOT IN ('solved', 'closed'))) ELSE a.opened_at + g.cooldown > now() END AS is_joined
					FROM (
						SELECT k.alert_id, k.ticket_id, k.status, k.opened_at FROM cx_data.alert AS k
						WHERE g.customer_id IS NOT NULL AND k.alert_rule_id = g.alert_rule_id AND k.customer_id = g.customer_id
							AND (NOT g.is_emergency OR k.touchpoint_id IS NOT DISTINCT FROM g.touchpoint_id)
						UNION ALL
						SELECT k.alert_id, k.ticket_id, k.status, k.opened_at FROM cx_data.alert AS k
						WHERE g.customer_id IS NULL AND k.customer_id IS NULL AND k.alert_rule_id = g.alert_rule_id
							AND k.touchpoint_id IS NOT DISTINCT FROM g.touchpoint_id AND k.org_unit_id IS NOT DISTINCT FROM g.org_unit_id
					) AS a
					ORDER BY a.alert_id DESC LIMIT 1
				) AS l ON true
				WHERE g.number = 1
				OFFSET 0	-- or the ticket would be looked up for each use of it
			) AS k
		) AS f
	), free AS (
		SELECT a.alert_id FROM cx_data.alert AS a
		WHERE NOT is_fixed AND a.alert_id IN (SELECT l.alert_id FROM latest AS l WHERE l.is_joined)
		FOR NO KEY UPDATE SKIP LOCKED
	), counted AS (
		UPDATE cx_data.alert AS a SET matches = a.matches + l.all_matches, last_matched_at = greatest(a.last_matched_at, coalesce(l.last_matched_at, now()))
		FROM latest AS l
		WHERE l.is_joined AND a.alert_id = l.alert_id AND a.alert_id IN (SELECT f.alert_id FROM free AS f)
		RETURNING a.alert_id
	), kept AS (
		INSERT INTO cx_data.alert_match (alert_rule_id, customer_id, org_unit_id, customer_merge_id, payload)
		SELECT l.alert_rule_id, l.customer_id, l.org_unit_id, l.customer_merge_id,
			jsonb_strip_nulls(jsonb_build_object('rule_id', l.alert_rule_id, 'customer_id', l.customer_id, 'customer', CASE WHEN l.customer_id IS NULL THEN l.given_customer END, 'touchpoint_id', l.touchpoint_id, 'org_unit_id', l.org_unit_id, 'staff_id', l.staff_id,
				'customer_merge_id', l.customer_merge_id, 'feedback_id', l.feedback_id, 'message', l.message, 'route', l.route, 'matches', l.all_matches, 'value', l.value, 'last_matched_at', coalesce(l.last_matched_at, now())))
		FROM latest AS l
		WHERE CASE WHEN l.is_joined THEN l.alert_id NOT IN (SELECT c.alert_id FROM counted AS c) ELSE NOT l.is_new END
	), emergency AS MATERIALIZED (
		-- one ticket, whoever it hits
		SELECT e.*, nextval(ticket_ids) AS ticket_id
		FROM (SELECT l.alert_rule_id, l.touchpoint_id, min(l.new_id) AS first_id FROM latest AS l WHERE l.is_new AND l.is_emergency AND l.open_ticket IS NULL GROUP BY 1, 2 ORDER BY 3) AS e
	), fresh AS NOT MATERIALIZED (
		SELECT l.*, coalesce(l.own_ticket, l.open_ticket, CASE WHEN l.is_emergency THEN
				(SELECT e.ticket_id FROM emergency AS e WHERE e.alert_rule_id = l.alert_rule_id AND e.touchpoint_id IS NOT DISTINCT FROM l.touchpoint_id) END) AS ticket_id,
			l.own_ticket IS NOT NULL OR (l.is_emergency AND l.new_id IN (SELECT e.first_id FROM emergency AS e)) AS is_first
		FROM latest AS l WHERE l.is_new
	), opened AS (
		INSERT INTO cx_data.alert (alert_id, alert_rule_id, rule, customer_id, touchpoint_id, org_unit_id, staff_id, severity, message, matches, value, last_matched_at, customer_merge_id, ticket_id)
		SELECT l.new_id, l.alert_rule_id, l.name, l.customer_id, l.touchpoint_id, l.org_unit_id, l.staff_id, l.severity, l.new_message, l.all_matches, l.value, coalesce(l.last_matched_at, now()), l.customer_merge_id,
			l.ticket_id
		FROM fresh AS l
		RETURNING alert_id
	), joined AS (
		-- what another customer said is not for those who work on the ticket
		INSERT INTO cx_data.ticket_event (ticket_id, kind)
		SELECT l.open_ticket, 'alert' FROM fresh AS l WHERE l.open_ticket IS NOT NULL
	), target AS MATERIALIZED (
		SELECT DISTINCT ON (r.new_route, t.channel_id, t.send_to, t.problem) r.new_route, t.item, t.channel_id, t.send_to, t.problem
		FROM (SELECT DISTINCT l.new_route FROM fresh AS l WHERE l.new_route IS NOT NULL) AS r
		CROSS JOIN LATERAL cx.route_targets(r.new_route) AS t
		ORDER BY r.new_route, t.channel_id, t.send_to, t.problem, t.item COLLATE "C"
	), sent AS (
		INSERT INTO cx_data.outbox (alert_id, customer_id, org_unit_id, customer_merge_id, route, channel_id, send_to, dead_at, last_error, payload)
		SELECT l.new_id, l.customer_id, l.org_unit_id, l.customer_merge_id, t.item, t.channel_id, t.send_to, CASE WHEN t.problem IS NOT NULL THEN now() END, t.problem,
			jsonb_strip_nulls(jsonb_build_object('alert_id', l.new_id, 'rule', l.name, 'severity', l.severity, 'message', l.new_message, 'customer', l.customer, 'touchpoint', l.touchpoint,
				'org_unit', l.org_unit, 'staff', l.staff, 'value', l.value, 'ticket_id', l.ticket_id, 'opened_at', now()))
		FROM fresh AS l JOIN target AS t USING (new_route)
		ORDER BY l.new_id, t.item COLLATE "C"
		RETURNING outbox_id
	)
	SELECT (SELECT count(*) FROM opened), (SELECT count(*) FROM sent),
		(SELECT array_agg(ROW(l.ticket_id, NULL, CASE l.severity WHEN 'critical' THEN 'urgent' ELSE l.severity END, l.is_emergency, l.customer_id, l.customer_merge_id, l.segment, l.touchpoint_id,
			l.org_unit_id, NULL, l.new_id, l.feedback_id, l.new_message, NULL, l.sla, NULL, NULL)::cx.new_ticket)
		FROM fresh AS l WHERE l.is_first)
	INTO raised, told, tickets;
	IF tickets IS NOT NULL THEN
		PERFORM cx.add_tickets(tickets);
	END IF;
	IF told > 0 AND current_setting('cx.notify')::boolean THEN
		PERFORM pg_notify('cx_outbox', '');
	END IF;
	RETURN raised;
END
$$;
COMMENT ON FUNCTION cx.raise_alerts(jsonb) IS 'raises alerts for what rules found, an array of objects; counts on alerts that are there instead, as the rule''s cooldown says, writes messages into the outbox and opens tickets. Gives how many alerts it raised. It waits for nobody: what others are writing to meanwhile is left in cx_data.alert_match for maintain. Takes the rights of the program''s owner';

CREATE FUNCTION cx.keep_matches(matches jsonb) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	INSERT INTO cx_data.alert_match (alert_rule_id, customer_id, org_unit_id, customer_merge_id, payload)
	SELECT (m ->> 'rule_id')::bigint, (m ->> 'customer_id')::bigint, (m ->> 'org_unit_id')::bigint, (m ->> 'customer_merge_id')::bigint, m FROM jsonb_array_elements(matches) AS m;
END
$$;
COMMENT ON FUNCTION cx.keep_matches(jsonb) IS 'keeps what rules found and could not be raised, for maintain to try again; takes the rights of the program''s owner';

CREATE FUNCTION cx.raise_one_by_one(matches jsonb) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	match jsonb;
BEGIN
	FOR match IN SELECT m FROM jsonb_array_elements(matches) AS m LOOP
		BEGIN
			PERFORM cx.raise_alerts(jsonb_build_array(match));
		EXCEPTION WHEN OTHERS THEN
			PERFORM cx.note_alert_errors(jsonb_build_array(jsonb_build_object('rule_id', match -> 'rule_id', 'sqlstate', SQLSTATE, 'message', left(SQLERRM, 2000))));
		END;
	END LOOP;
END
$$;
COMMENT ON FUNCTION cx.raise_one_by_one(jsonb) IS 'raises what rules found, each by itself, and notes what cannot be raised; called by count_matches';

CREATE FUNCTION cx.count_matches() RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	taken jsonb;
BEGIN
	WITH gone AS (
		DELETE FROM cx_data.alert_match
		WHERE alert_match_id IN (SELECT alert_match_id FROM cx_data.alert_match ORDER BY alert_match_id LIMIT 10000)
		RETURNING *
	)
	SELECT jsonb_agg((payload - '{customer_id,customer_merge_id}'::text[])
		|| jsonb_strip_nulls(jsonb_build_object('customer_id', customer_id, 'customer_merge_id', customer_merge_id)) ORDER BY alert_match_id)
	INTO taken FROM gone WHERE payload ? 'rule_id';
	IF taken IS NOT NULL THEN
		BEGIN
			PERFORM cx.raise_alerts(taken);
		EXCEPTION WHEN OTHERS THEN
			PERFORM cx.raise_one_by_one(taken);
		END;
	END IF;
	RETURN coalesce(jsonb_array_length(taken), 0);
END
$$;
COMMENT ON FUNCTION cx.count_matches() IS 'counts matches that were left in cx_data.alert_match on their alerts, or raises these; gives how many. cx.maintain() calls it';

CREATE FUNCTION cx.note_alert_errors(errors jsonb) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	INSERT INTO cx_data.alert_error (alert_rule_id, source_row, sqlstate, message)
	SELECT e.rule_id, e.source_row, e.sqlstate, e.message
	FROM jsonb_to_recordset(errors) AS e (rule_id bigint, source_row text, sqlstate text, message text);
END
$$;
COMMENT ON FUNCTION cx.note_alert_errors(jsonb) IS 'notes errors of alert rules, an array of objects; takes the rights of the program''s owner';

CREATE FUNCTION cx.alert_rule_dropped() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	UPDATE cx_data.alert AS a SET alert_rule_id = NULL FROM gone WHERE a.alert_rule_id = gone.alert_rule_id;
	DELETE FROM cx_data.alert_match AS m USING gone WHERE m.alert_rule_id = gone.alert_rule_id;
	DELETE FROM cx_data.alert_error AS e USING gone WHERE e.alert_rule_id = gone.alert_rule_id;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.alert_rule_dropped() IS 'trigger on cx_data.alert_rule: alerts of a rule that was dropped stay, its errors go';

CREATE FUNCTION cx.set_alert_status(alert bigint, status text) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	UPDATE cx_data.alert AS a SET status = set_alert_status.status WHERE a.alert_id = alert;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'alert % does not exist', alert
			USING ERRCODE = 'undefined_object', HINT = 'SELECT alert_id, message FROM cx_data.alert_queue shows those that are not resolved.';
	END IF;
END
$$;
COMMENT ON FUNCTION cx.set_alert_status(bigint, text) IS 'sets the status of an alert; called by acknowledge_alert and resolve_alert';

CREATE FUNCTION cx.acknowledge_alert(alert bigint) RETURNS void
	LANGUAGE sql
	RETURN cx.set_alert_status(alert, 'acknowledged');
COMMENT ON FUNCTION cx.acknowledge_alert(bigint) IS 'notes that somebody looks after an alert';

CREATE FUNCTION cx.resolve_alert(alert bigint) RETURNS void
	LANGUAGE sql
	RETURN cx.set_alert_status(alert, 'resolved');
COMMENT ON FUNCTION cx.resolve_alert(bigint) IS 'notes that an alert is settled; what matches its rule from then on, and after the cool-down of the rule if it has one, raises another';

CREATE FUNCTION cx.erase_from_outbox(customer bigint, strings text[]) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	stopped bigint;
BEGIN
	UPDATE cx_data.outbox SET dead_at = now(), last_error = 'the customer was erased' WHERE customer_id = customer AND delivered_at IS NULL AND dead_at IS NULL;
	GET DIAGNOSTICS stopped = ROW_COUNT;
	RETURN stopped;
END
$$;
COMMENT ON FUNCTION cx.erase_from_outbox(bigint, text[]) IS 'stops messages about a customer that were not delivered; part of erase_customer';

CREATE FUNCTION cx.erase_from_alert_error(customer bigint, strings text[]) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	erased bigint;
BEGIN
	UPDATE cx_data.alert_error AS e SET source_row = NULL, message = 'the message is not kept, for it may name a customer who was erased'
	WHERE EXISTS (SELECT FROM unnest(strings) AS s
			WHERE strpos(e.source_row, quote_literal(s)) > 0
				OR strpos(lower(concat_ws(' ', e.source_row, e.message)), lower(CASE WHEN length(s) > 2 THEN s ELSE format('"%s"', s) END)) > 0)
		-- what is wrong may quote the row: nobody knows whose it is in tables of the user
		OR (e.source_row IS NOT NULL AND CASE (SELECT r.relation FROM cx_data.alert_rule AS r WHERE r.alert_rule_id = e.alert_rule_id)
			WHEN 'cx_data.feedback'::regclass THEN EXISTS (SELECT FROM cx_data.feedback AS f WHERE f.customer_id = customer AND e.source_row = 'feedback_id = ' || f.feedback_id)
			WHEN 'cx_data.event'::regclass THEN EXISTS (SELECT FROM cx_data.event AS f WHERE f.customer_id = customer AND e.source_row = 'event_id = ' || f.event_id)
			ELSE true END);
	GET DIAGNOSTICS erased = ROW_COUNT;
	RETURN erased;
END
$$;
COMMENT ON FUNCTION cx.erase_from_alert_error(bigint, text[]) IS 'takes what may name a customer out of errors of alert rules; part of erase_customer';

CREATE FUNCTION cx.last_alert_error(rule bigint) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF has_column_privilege('cx_data.alert_error', 'message', 'SELECT') THEN
		RETURN (SELECT e.message FROM cx_data.alert_error AS e WHERE e.alert_rule_id = rule ORDER BY e.created_at DESC, e.alert_error_id DESC LIMIT 1);
	END IF;
	RETURN 'only admins may read why';
END
$$;
COMMENT ON FUNCTION cx.last_alert_error(bigint) IS 'what was wrong when an alert rule last failed, for those who may read cx_data.alert_error.message; for the view cx_data.alert_rule_status';

CREATE FUNCTION cx.alert_message(alert bigint) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF has_column_privilege('cx_data.alert', 'message', 'SELECT') THEN
		RETURN (SELECT a.message FROM cx_data.alert AS a WHERE a.alert_id = alert);
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.alert_message(bigint) IS 'message of an alert, for those who may read cx_data.alert.message, else NULL; for the view cx_data.alert_queue';
