-- Attach and detach the user's tables

CREATE FUNCTION cx.check_attachable(relation regclass, pulled boolean) RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	attached record;
	why text;
	constraint_name name;
BEGIN
	SELECT relkind, relpersistence, relnamespace, relowner INTO STRICT attached FROM pg_class WHERE oid = relation;
	IF NOT pg_has_role(attached.relowner, 'USAGE') THEN
		RAISE EXCEPTION 'must be owner of relation %', relation
			USING ERRCODE = 'insufficient_privilege', HINT = 'Capturing runs with the rights of the owner, so the owner attaches it.';
	END IF;
	IF attached.relnamespace = to_regnamespace('cx_data') THEN
		RAISE EXCEPTION '% belongs to the CX program', relation
			USING ERRCODE = 'wrong_object_type', HINT = 'Attach tables of your own.';
	END IF;
	IF attached.relkind NOT IN ('r', 'p', 'v', 'f') OR attached.relpersistence = 't' THEN
		RAISE EXCEPTION '% cannot be attached', relation
			USING ERRCODE = 'wrong_object_type', HINT = 'Attach a table, a view or a foreign table that is not temporary; of a materialized view, attach a view that selects from it.';
	END IF;
	why := CASE
		WHEN attached.relkind = 'v' THEN 'It is a view.'
		WHEN attached.relkind = 'f' THEN 'It is a foreign table.'
		WHEN attached.relpersistence = 'u' THEN 'It is unlogged and empty after a crash, feedback is not.'
		ELSE (
			WITH RECURSIVE child AS (
				SELECT relation::oid AS oid UNION SELECT inhrelid FROM pg_inherits JOIN child ON inhparent = child.oid
			)
			SELECT format('%s, one of its partitions or children, is %s.', oid::regclass, CASE WHEN relkind = 'f' THEN 'a foreign table' WHEN relpersistence = 't' THEN 'temporary' ELSE 'unlogged' END)
			FROM pg_class JOIN child USING (oid)
			WHERE relkind = 'f' OR relpersistence <> 'p'
			ORDER BY oid
			LIMIT 1
		) END;
	IF NOT pulled AND why IS NOT NULL THEN
		RAISE EXCEPTION 'changes of % cannot be captured by triggers', relation
			USING ERRCODE = 'wrong_object_type', DETAIL = why,
				HINT = 'Give changed_at, the time at which a row was last changed; cx.sync_source() then brings the rows in.';
	END IF;
	IF NOT pulled AND EXISTS (SELECT FROM pg_subscription_rel WHERE srrelid = relation) THEN
		RAISE WARNING '% is filled by a subscription, for whose changes triggers for each statement never fire', relation
			USING HINT = 'Detach it and attach it with changed_at; cx.sync_source() then brings the rows in.';
	END IF;
	SELECT conname INTO constraint_name FROM pg_constraint
	WHERE condeferrable AND conrelid IN ('cx_data.feedback'::regclass, 'cx_data.event'::regclass, 'cx_data.ticket'::regclass, 'cx_data.ticket_event'::regclass, 'cx_data.customer'::regclass, 'cx_data.customer_identity'::regclass, 'cx_data.touchpoint'::regclass, 'cx_data.import_error'::regclass);
	IF FOUND THEN
		RAISE EXCEPTION 'constraint "%" of the CX program is deferrable', constraint_name
			USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Make it NOT DEFERRABLE: capturing cannot leave checks for later.';
	END IF;
END
$$;
COMMENT ON FUNCTION cx.check_attachable(regclass, boolean) IS 'raises an error unless the caller may attach the relation, by triggers or to be pulled; called by attach_feedback and its like';

CREATE FUNCTION cx.owner_register(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT has_table_privilege(caller, 'cx_data.source', 'INSERT') OR NOT pg_has_role(caller, (SELECT relowner FROM pg_class WHERE oid = (argument ->> 'relation')::oid), 'USAGE') THEN
		RAISE EXCEPTION 'permission denied to register a source'
			USING ERRCODE = 'insufficient_privilege', HINT = 'The owner of a relation registers it, and needs INSERT on cx_data.source.';
	END IF;
	IF EXISTS (SELECT FROM cx_data.source WHERE name = argument ->> 'source' AND relation IS NULL) AND NOT has_table_privilege(caller, 'cx_data.source', 'UPDATE') THEN
		RAISE EXCEPTION 'permission denied to attach a relation to source "%", which exists', argument ->> 'source'
			USING ERRCODE = 'insufficient_privilege', HINT = 'What it delivered would be compared with the relation; that takes UPDATE on cx_data.source.';
	END IF;
	INSERT INTO cx_data.source AS known (name, kind, relation, mapping, pulled)
	VALUES (argument ->> 'source', argument ->> 'kind', (argument ->> 'relation')::oid, argument -> 'mapping', (argument -> 'pulled')::boolean)
	ON CONFLICT (name) DO UPDATE SET relation = excluded.relation, mapping = excluded.mapping, pulled = excluded.pulled
	WHERE known.relation IS NULL AND known.kind = excluded.kind;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'source "%" exists already', argument ->> 'source'
			USING ERRCODE = 'duplicate_object', HINT = format('Choose another name, or SELECT cx.detach_source(%L) first.', argument ->> 'source');
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.owner_register(jsonb, oid) IS 'notes that a relation is attached; part of attach_feedback and its like, with the rights of the program''s owner';

CREATE FUNCTION cx.check_may_act_for_source(source text, caller oid) RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF cx.owns_program(caller) IS NOT TRUE
		AND NOT coalesce((SELECT pg_has_role(caller, relowner, 'USAGE') FROM pg_class JOIN cx_data.source AS s ON s.relation = pg_class.oid WHERE s.name = check_may_act_for_source.source), false) THEN
		RAISE EXCEPTION 'must be owner of the attached relation or of the CX program' USING ERRCODE = 'insufficient_privilege';
	END IF;
END
$$;
COMMENT ON FUNCTION cx.check_may_act_for_source(text, oid) IS 'raises an error unless a role owns the relation of a source or the CX program';

CREATE FUNCTION cx.owner_unregister(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	known record;
	removed bigint := 0;
BEGIN
	PERFORM cx.check_may_act_for_source(argument ->> 'source', caller);
	SELECT source_id, kind INTO known FROM cx_data.source WHERE name = argument ->> 'source' FOR NO KEY UPDATE;
	IF (argument -> 'keep_rows')::boolean THEN
		UPDATE cx_data.source SET relation = NULL, pulled = false WHERE source_id = known.source_id;
		RETURN to_jsonb(removed);
	END IF;
	IF NOT has_table_privilege(caller, 'cx_data.' || known.kind, 'DELETE') THEN
		RAISE EXCEPTION 'permission denied to delete what source "%" delivered', argument ->> 'source' USING ERRCODE = 'insufficient_privilege';
	END IF;
	IF known.kind = 'event' THEN
		DELETE FROM cx_data.event WHERE source_id = known.source_id;
	ELSIF known.kind = 'ticket' THEN
		DELETE FROM cx_data.ticket WHERE source_id = known.source_id;
	ELSE
		DELETE FROM cx_data.feedback WHERE source_id = known.source_id;
	END IF;
	GET DIAGNOSTICS removed = ROW_COUNT;
	DELETE FROM cx_data.source WHERE source_id = known.source_id;
	RETURN to_jsonb(removed);
END
$$;
COMMENT ON FUNCTION cx.owner_unregister(jsonb, oid) IS 'notes that a source is attached no more; part of detach_source, with the rights of the program''s owner';

CREATE FUNCTION cx.owner_begin_sync(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.check_may_act_for_source(argument ->> 'source', caller);
	-- one at a time
	PERFORM FROM cx_data.source WHERE name = argument ->> 'source' FOR NO KEY UPDATE;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.owner_begin_sync(jsonb, oid) IS 'keeps other synchronisations of the source waiting; part of sync_source, with the rights of the program''s owner';

CREATE FUNCTION cx.owner_end_sync(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.check_may_act_for_source(argument ->> 'source', caller);
	UPDATE cx_data.source SET
		pulled_at = now(),
		pulled_until = greatest(pulled_until, (argument ->> 'changed_until')::timestamptz),
		compared_at = CASE WHEN (argument -> 'all_rows')::boolean THEN now() ELSE compared_at END
	WHERE name = argument ->> 'source';
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.owner_end_sync(jsonb, oid) IS 'notes what was synchronised; part of sync_source, with the rights of the program''s owner';

CREATE FUNCTION cx.attach(kind text, source text, relation regclass, mapping json) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	is_pulled CONSTANT boolean := mapping ->> 'changed_at' IS NOT NULL;
	trigger_arguments text[] := ARRAY[kind, source, 'alias', (SELECT relname FROM pg_class WHERE oid = relation)];
	entry record;
	missing text;
	result record;
BEGIN
	PERFORM cx.require_program();
	PERFORM cx.require_read_committed();
	FOREACH missing IN ARRAY ARRAY['key', CASE kind WHEN 'event' THEN 'occurred_at' WHEN 'ticket' THEN 'opened_at' ELSE 'responded_at' END] LOOP
		IF mapping ->> missing IS NULL THEN
			RAISE EXCEPTION '% must be given', missing USING ERRCODE = 'invalid_parameter_value', HINT = 'It is an SQL expression over the columns of the relation, in a text.';
		END IF;
	END LOOP;
	IF source IS NULL OR relation IS NULL THEN
		RAISE EXCEPTION 'source and relation must be given' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF mapping ->> 'on_unknown' NOT IN ('error', 'create') THEN
		RAISE EXCEPTION 'on_unknown "%" is not known', mapping ->> 'on_unknown' USING ERRCODE = 'invalid_parameter_value', HINT = 'Use error or create.';
	END IF;
	IF mapping ->> 'on_error' NOT IN ('fail', 'record') THEN
		RAISE EXCEPTION 'on_error "%" is not known', mapping ->> 'on_error' USING ERRCODE = 'invalid_parameter_value', HINT = 'Use fail or record.';
	END IF;
	PERFORM cx.check_attachable(relation, is_pulled);

	FOR entry IN SELECT key, value FROM json_each_text(mapping) LOOP
		trigger_arguments := trigger_arguments || ARRAY[entry.key, entry.value];
	END LOOP;
	PERFORM cx.as_program_owner('register', jsonb_build_object('source', source, 'kind', kind, 'relation', relation::oid::bigint,
		'mapping', mapping, 'pulled', is_pulled));
	PERFORM cx.create_capture_triggers(source, trigger_arguments);
	PERFORM cx.cover_children(source);
	SELECT * INTO result FROM cx.sync_source(source);
	IF result.failed > 0 THEN
		RAISE WARNING '% rows of source "%" could not be captured', result.failed, source
			USING HINT = 'Table cx_data.import_error tells why; CALL cx.maintain() tries them again.';
	END IF;
	RETURN result.inserted + result.updated;
END
$$;
COMMENT ON FUNCTION cx.attach(text, text, regclass, json) IS 'attaches a relation; called by attach_feedback and its like';

CREATE FUNCTION cx.attach_feedback(source text, relation regclass, key text, customer text DEFAULT NULL, touchpoint text DEFAULT NULL, metric text DEFAULT NULL, score text DEFAULT NULL, responded_at text DEFAULT NULL, comment text DEFAULT NULL, channel text DEFAULT NULL, org_unit text DEFAULT NULL, staff text DEFAULT NULL, kind text DEFAULT NULL, attributes text DEFAULT NULL, only_if text DEFAULT NULL, customer_kind text DEFAULT NULL, on_unknown text DEFAULT 'error', on_error text DEFAULT 'fail', changed_at text DEFAULT NULL) RETURNS bigint
	LANGUAGE sql
	RETURN cx.attach('feedback', source, relation, pg_catalog.json_strip_nulls(pg_catalog.json_build_object('key', key, 'customer', customer, 'touchpoint', touchpoint, 'metric', metric, 'score', score, 'responded_at', responded_at, 'comment', comment, 'channel', channel, 'org_unit', org_unit, 'staff', staff, 'kind', kind, 'attributes', attributes, 'only_if', only_if, 'customer_kind', NULLIF(customer_kind, 'code'), 'on_unknown', NULLIF(on_unknown, 'error'), 'on_error', NULLIF(on_error, 'fail'), 'changed_at', changed_at)));
COMMENT ON FUNCTION cx.attach_feedback(text, regclass, text, text, text, text, text, text, text, text, text, text, text, text, text, text, text, text, text) IS 'attaches a table whose rows are feedback: from key on, each argument is an SQL expression over its columns, in a text; from then on cx_data.feedback follows each of its changes. Call it with named arguments; gives how many rows were captured. With changed_at, cx.sync_source() brings the rows in instead of triggers';

CREATE FUNCTION cx.attach_event(source text, relation regclass, key text, customer text DEFAULT NULL, touchpoint text DEFAULT NULL, name text DEFAULT NULL, value text DEFAULT NULL, occurred_at text DEFAULT NULL, org_unit text DEFAULT NULL, attributes text DEFAULT NULL, only_if text DEFAULT NULL, customer_kind text DEFAULT NULL, on_unknown text DEFAULT 'error', on_error text DEFAULT 'fail', changed_at text DEFAULT NULL) RETURNS bigint
	LANGUAGE sql
	RETURN cx.attach('event', source, relation, pg_catalog.json_strip_nulls(pg_catalog.json_build_object('key', key, 'customer', customer, 'touchpoint', touchpoint, 'name', name, 'value', value, 'occurred_at', occurred_at, 'org_unit', org_unit, 'attributes', attributes, 'only_if', only_if, 'customer_kind', NULLIF(customer_kind, 'code'), 'on_unknown', NULLIF(on_unknown, 'error'), 'on_error', NULLIF(on_error, 'fail'), 'changed_at', changed_at)));
COMMENT ON FUNCTION cx.attach_event(text, regclass, text, text, text, text, text, text, text, text, text, text, text, text, text) IS 'attaches a table whose rows are events, as attach_feedback does for feedback: cx_data.event follows each of its changes';

CREATE FUNCTION cx.attach_ticket(source text, relation regclass, key text, customer text DEFAULT NULL, touchpoint text DEFAULT NULL, status text DEFAULT NULL, priority text DEFAULT NULL, opened_at text DEFAULT NULL, first_response_at text DEFAULT NULL, solved_at text DEFAULT NULL, reopened text DEFAULT NULL, staff text DEFAULT NULL, org_unit text DEFAULT NULL, root_cause text DEFAULT NULL, subject text DEFAULT NULL, closed_at text DEFAULT NULL, only_if text DEFAULT NULL, customer_kind text DEFAULT NULL, on_unknown text DEFAULT 'error', on_error text DEFAULT 'fail', changed_at text DEFAULT NULL) RETURNS bigint
	LANGUAGE sql
	RETURN cx.attach('ticket', source, relation, pg_catalog.json_strip_nulls(pg_catalog.json_build_object('key', key, 'customer', customer, 'touchpoint', touchpoint, 'status', status, 'priority', priority, 'opened_at', opened_at, 'first_response_at', first_response_at, 'solved_at', solved_at, 'reopened', reopened, 'staff', staff, 'org_unit', org_unit, 'root_cause', root_cause, 'subject', subject, 'closed_at', closed_at, 'only_if', only_if, 'customer_kind', NULLIF(customer_kind, 'code'), 'on_unknown', NULLIF(on_unknown, 'error'), 'on_error', NULLIF(on_error, 'fail'), 'changed_at', changed_at)));
COMMENT ON FUNCTION cx.attach_ticket(text, regclass, text, text, text, text, text, text, text, text, text, text, text, text, text, text, text, text, text, text, text) IS 'attaches a table whose rows are tickets of another tool, as attach_feedback does for feedback: cx_data.ticket and its history follow each of its changes. status gives new, open, pending, on_hold, solved (or resolved) or closed, and where it is not given follows from closed_at and solved_at; priority gives low, normal, high or urgent, and NULL is normal; reopened gives how often it was reopened, else that is counted. Where solved_at is not given or NULL, a solved ticket takes closed_at, else the time of the change that solved it: changed_at, else now; if it came solved, opened_at';

CREATE FUNCTION cx.detach_source(source text, keep_rows boolean DEFAULT true) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	attached regclass;
BEGIN
	PERFORM cx.require_program();
	PERFORM FROM cx_data.source WHERE name = detach_source.source;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'source "%" does not exist', source
			USING ERRCODE = 'undefined_object', HINT = 'SELECT name FROM cx_data.source shows the sources.';
	END IF;
	FOR attached IN SELECT cx.captured_relations(source) LOOP
		PERFORM cx.drop_capture_triggers(attached, source);
	END LOOP;
	RETURN cx.as_program_owner('unregister', jsonb_build_object('source', source, 'keep_rows', coalesce(keep_rows, true)))::bigint;
END
$$;
COMMENT ON FUNCTION cx.detach_source(text, boolean) IS 'ends the capturing of a source; what was captured stays unless keep_rows is false; gives how many rows of feedback, events or tickets were removed';

CREATE FUNCTION cx.sync_source(source text, since timestamptz DEFAULT NULL, OUT inserted bigint, OUT updated bigint, OUT deleted bigint, OUT failed bigint)
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	changed_until timestamptz;
BEGIN
	PERFORM cx.require_program();
	PERFORM cx.require_read_committed();
	PERFORM cx.as_program_owner('begin_sync', jsonb_build_object('source', source));
	SELECT pull.inserted, pull.updated, pull.deleted, pull.failed, pull.changed_until
	INTO inserted, updated, deleted, failed, changed_until
	FROM cx.pull_source(source, since, NULL, NULL) AS pull;
	PERFORM cx.as_program_owner('end_sync', jsonb_build_object('source', source, 'changed_until', changed_until, 'all_rows', since IS NULL));
END
$$;
COMMENT ON FUNCTION cx.sync_source(text, timestamptz) IS 'brings feedback, events or tickets in step with a source: with since only rows changed since then, else all of them, and rows that left leave; doing it again changes nothing';
