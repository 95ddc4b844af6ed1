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

CREATE FUNCTION cx.may_lock_alerts(wanted integer) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C STRICT;
COMMENT ON FUNCTION cx.may_lock_alerts(integer) IS 'whether this transaction may take so many locks more on alerts; counts them. Part of raise_alerts';

CREATE FUNCTION cx.alert_locks(matches jsonb) RETURNS bigint[]
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	-- few, for locks take shared memory; without them two transactions at the same time may raise the same alert twice
	IF NOT cx.may_lock_alerts(jsonb_array_length(matches)) THEN
		RETURN '{}';
	END IF;
	RETURN ARRAY(SELECT m.place FROM jsonb_array_elements(matches) WITH ORDINALITY AS m (match, place)
		-- who is not known by key may be added by others just now, whatever rule they found
		WHERE NOT pg_try_advisory_xact_lock(1668833345, hashtext(coalesce('customer ' || (m.match ->> 'customer'), concat_ws('/', m.match ->> 'rule_id', m.match ->> 'customer_id')))));
END
$$;
COMMENT ON FUNCTION cx.alert_locks(jsonb) IS 'which matches, by number from 1, others are writing to in transactions of theirs; locks the rest against them. Part of raise_alerts';

CREATE FUNCTION cx.add_alerted_customers(matches jsonb, busy bigint[]) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	names CONSTANT text[] := ARRAY(SELECT DISTINCT m.match ->> 'customer' FROM jsonb_array_elements(matches) WITH ORDINALITY AS m (match, place)
		WHERE m.match ->> 'customer' <> '' AND m.place <> ALL (busy) AND NOT EXISTS (SELECT FROM cx_data.customer AS c WHERE c.code = m.match ->> 'customer')
			AND NOT EXISTS (SELECT FROM cx_data.customer_identity AS i WHERE i.kind = 'code' AND i.value = m.match ->> 'customer'));
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
	tickets jsonb;
	raised bigint;
	told bigint;
BEGIN
	-- before the look at what is there, which then sees all that others did before they unlocked
	busy := cx.alert_locks(matches);
	PERFORM cx.add_alerted_customers(matches, busy);

	WITH given AS MATERIALIZED (
		SELECT r.alert_rule_id, r.name, r.severity, r.cooldown, r.opens_ticket, r.sla, m.feedback_id,
			c.customer_id, c.code AS customer, coalesce(c.name, c.code) AS customer_name,
			t.touchpoint_id, t.code AS touchpoint, coalesce(t.name, t.code) AS touchpoint_name,
			u.org_unit_id, u.code AS org_unit, coalesce(u.name, u.code) AS org_unit_name,
			s.staff_id, s.code AS staff, coalesce(s.name, s.code) AS staff_name,
			m.place, m.customer AS given_customer, m.merge_id AS customer_merge_id, m.message, m.route, m.matches, m.value, m.last_matched_at,
			sum(m.matches) OVER alike AS all_matches, row_number() OVER (alike ORDER BY m.place) AS number
		FROM (
			SELECT row_number() OVER () AS place, element.*,
				coalesce(element.customer_id, (SELECT i.customer_id FROM cx_data.customer AS i WHERE i.code = element.customer),
					(SELECT i.customer_id FROM cx_data.customer_identity AS i WHERE i.kind = 'code' AND i.value = element.customer)) AS found_id,
				coalesce(element.customer_merge_id, (SELECT i.customer_merge_id FROM cx_data.customer_identity AS i WHERE i.kind = 'code' AND i.value = element.customer)) AS merge_id
			FROM jsonb_to_recordset(matches) AS element (rule_id bigint, customer_id bigint, customer text, touchpoint_id bigint, org_unit_id bigint, staff_id bigint,
				customer_merge_id bigint, feedback_id bigint, message text, route text, matches bigint, value double precision, last_matched_at timestamptz)
		) AS m
		JOIN cx_data.alert_rule AS r ON r.alert_rule_id = m.rule_id
		LEFT JOIN cx_data.customer AS c ON c.customer_id = m.found_id
		LEFT JOIN cx_data.touchpoint AS t ON t.touchpoint_id = m.touchpoint_id
		LEFT JOIN cx_data.org_unit AS u ON u.org_unit_id = coalesce(m.org_unit_id, c.org_unit_id)
		LEFT JOIN cx_data.staff AS s ON s.staff_id = m.staff_id
		WHERE CASE WHEN r.scope IS NULL OR r.kind <> 'row' THEN true ELSE cx.scope_holds(r.scope, t.touchpoint_id, u.org_unit_id) END
		WINDOW alike AS (PARTITION BY r.alert_rule_id, c.customer_id, CASE WHEN c.customer_id IS NULL THEN t.touchpoint_id END, CASE WHEN c.customer_id IS NULL THEN u.org_unit_id END)
	), latest AS MATERIALIZED (
		SELECT g.*, l.alert_id, coalesce(l.is_joined, false) AS is_joined, g.opens_ticket AND g.severity = 'critical' AS is_emergency,
			-- an alert joins the ticket about the same if that is not solved, or the emergency at the touchpoint
			CASE WHEN NOT g.opens_ticket OR l.is_joined THEN NULL
				WHEN g.severity = 'critical' THEN (SELECT min(t.ticket_id) FROM cx_data.ticket AS t JOIN cx_data.alert AS a ON a.alert_id = t.alert_id
					WHERE t.emergency AND t.status NOT IN ('solved', 'closed') AND t.touchpoint_id IS NOT DISTINCT FROM g.touchpoint_id AND a.alert_rule_id = g.alert_rule_id)
				WHEN l.ticket_id IS NOT NULL THEN (SELECT t.ticket_id FROM cx_data.ticket AS t WHERE t.ticket_id = l.ticket_id AND t.status NOT IN ('solved', 'closed')) END AS open_ticket,
			CASE WHEN l.is_joined OR g.place = ANY (busy) THEN NULL ELSE nextval(new_ids) END AS new_id,
			cx.filled_in(g.route, translate(g.name, ',', ' '), translate(coalesce(g.customer, ''), ',', ' '), '', translate(coalesce(g.touchpoint, ''), ',', ' '), '',
				translate(coalesce(g.org_unit, ''), ',', ' '), '', translate(coalesce(g.staff, ''), ',', ' '), '') AS new_route,	-- a comma begins another one
			left(CASE WHEN g.message IS NULL THEN concat_ws(', ', g.name, g.customer_name, g.touchpoint_name, g.org_unit_name)
				ELSE cx.filled_in(g.message, g.name, coalesce(g.customer, ''), coalesce(g.customer_name, ''), coalesce(g.touchpoint, ''), coalesce(g.touchpoint_name, ''),
					coalesce(g.org_unit, ''), coalesce(g.org_unit_name, ''), coalesce(g.staff, ''), coalesce(g.staff_name, '')) END, 2000) AS new_message
		FROM given AS g
		LEFT JOIN LATERAL (
			SELECT a.alert_id, a.ticket_id, CASE WHEN g.cooldown IS NULL THEN a.status <> 'resolved' ELSE a.opened_at + g.cooldown > now() END AS is_joined
			FROM (
				SELECT k.alert_id, k.ticket_id, k.status, k.opened_at FROM cx_data.alert AS k
				WHERE g.customer_id IS NOT NULL AND k.alert_rule_id = g.alert_rule_id AND k.customer_id = g.customer_id
				UNION ALL
				SELECT k.alert_id, k.ticket_id, k.status, k.opened_at FROM cx_data.alert AS k
				WHERE g.customer_id IS NULL AND k.customer_id IS NULL AND k.alert_rule_id = g.alert_rule_id
					AND k.touchpoint_id IS NOT DISTINCT FROM g.touchpoint_id AND k.org_unit_id IS NOT DISTINCT FROM g.org_unit_id
			) AS a
			ORDER BY a.alert_id DESC LIMIT 1
		) AS l ON true
		WHERE g.number = 1
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
		WHERE CASE WHEN l.is_joined THEN l.alert_id NOT IN (SELECT c.alert_id FROM counted AS c) ELSE l.new_id IS NULL END
	), ticketed AS MATERIALIZED (
		-- an emergency is one ticket, whoever it hits
		SELECT a.place, nextval(ticket_ids) AS ticket_id, a.alike
		FROM (
			SELECT min(l.place) AS place, array_agg(l.place) AS alike FROM latest AS l
			WHERE l.new_id IS NOT NULL AND l.opens_ticket AND l.open_ticket IS NULL
			GROUP BY l.alert_rule_id, CASE WHEN l.is_emergency THEN l.touchpoint_id ELSE l.place END, l.is_emergency ORDER BY 1
		) AS a
	), numbered AS MATERIALIZED (
		SELECT p.place, t.ticket_id, p.place = t.place AS is_first FROM ticketed AS t CROSS JOIN LATERAL unnest(t.alike) AS p (place)
	), opened AS (
		INSERT INTO cx_data.alert (alert_id, alert_rule_id, rule, customer_id, touchpoint_id, org_unit_id, staff_id, severity, message, matches, value, last_matched_at, customer_merge_id, ticket_id)
		SELECT l.new_id, l.alert_rule_id, l.name, l.customer_id, l.touchpoint_id, l.org_unit_id, l.staff_id, l.severity, l.new_message, l.all_matches, l.value, coalesce(l.last_matched_at, now()), l.customer_merge_id,
			coalesce(l.open_ticket, n.ticket_id)
		FROM latest AS l LEFT JOIN numbered AS n USING (place) WHERE l.new_id IS NOT NULL
		RETURNING alert_id
	), joined AS (
		INSERT INTO cx_data.ticket_event (ticket_id, kind, note)
		SELECT l.open_ticket, 'alert', l.new_message FROM latest AS l WHERE l.new_id IS NOT NULL AND l.open_ticket IS NOT NULL
	), target AS MATERIALIZED (
		SELECT DISTINCT ON (r.new_route, t.channel_id, t.send_to, t.problem) r.new_route, t.item, t.channel_id, t.send_to, t.problem
		FROM (SELECT DISTINCT l.new_route FROM latest AS l WHERE l.new_id IS NOT NULL AND l.new_route IS NOT NULL) AS r
		CROSS JOIN LATERAL cx.route_targets(r.new_route) AS t
		ORDER BY r.new_route, t.channel_id, t.send_to, t.problem, t.item COLLATE "C"
	), sent AS (
		INSERT INTO cx_data.outbox (alert_id, customer_id, org_unit_id, customer_merge_id, route, channel_id, send_to, dead_at, last_error, payload)
		SELECT l.new_id, l.customer_id, l.org_unit_id, l.customer_merge_id, t.item, t.channel_id, t.send_to, CASE WHEN t.problem IS NOT NULL THEN now() END, t.problem,
			jsonb_strip_nulls(jsonb_build_object('alert_id', l.new_id, 'rule', l.name, 'severity', l.severity, 'message', l.new_message, 'customer', l.customer, 'touchpoint', l.touchpoint,
				'org_unit', l.org_unit, 'staff', l.staff, 'value', l.value, 'ticket_id', coalesce(l.open_ticket, n.ticket_id), 'opened_at', now()))
		FROM latest AS l JOIN target AS t USING (new_route) LEFT JOIN numbered AS n USING (place)
		WHERE l.new_id IS NOT NULL
		ORDER BY l.new_id, t.item COLLATE "C"
		RETURNING outbox_id
	)
	SELECT (SELECT count(*) FROM opened), (SELECT count(*) FROM sent),
		(SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('ticket_id', n.ticket_id, 'alert_id', l.new_id, 'feedback_id', l.feedback_id, 'customer_id', l.customer_id, 'customer_merge_id', l.customer_merge_id,
			'touchpoint_id', l.touchpoint_id, 'org_unit_id', l.org_unit_id, 'priority', CASE l.severity WHEN 'critical' THEN 'urgent' ELSE l.severity END, 'emergency', NULLIF(l.is_emergency, false),
			'sla', l.sla, 'subject', l.new_message)) ORDER BY n.ticket_id)
		FROM latest AS l JOIN numbered AS n USING (place) WHERE n.is_first)
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
	RETURN CASE WHEN has_column_privilege('cx_data.alert', 'message', 'SELECT') THEN (SELECT a.message FROM cx_data.alert AS a WHERE a.alert_id = alert) END;
END
$$;
COMMENT ON FUNCTION cx.alert_message(bigint) IS 'message of an alert, for those who may read cx_data.alert.message, else NULL; for the view cx_data.alert_queue';
