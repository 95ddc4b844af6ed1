-- Capture: the trigger on attached relations and what it needs

CREATE FUNCTION cx.capture() RETURNS trigger
	AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION cx.capture() IS 'trigger on attached relations: keeps feedback, events or tickets in step; its arguments hold the mapping, which runs with the rights of the relation''s owner';

CREATE FUNCTION cx.as_program_owner(work text, argument jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME' LANGUAGE C STRICT;
COMMENT ON FUNCTION cx.as_program_owner(text, jsonb) IS 'runs cx.owner_<work>(argument, caller) with the rights of the program''s owner, so that nothing planted on the program''s tables runs with the rights of a mightier caller';

CREATE FUNCTION cx.add_customers(names text[], seen_at timestamptz[], identity_kind text DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	added bigint;
	ids bigint[];
BEGIN
	IF identity_kind IS NULL THEN
		INSERT INTO cx_data.customer (code, first_seen_at)
		SELECT name, at FROM unnest(names, seen_at) AS seen (name, at) ORDER BY name
		ON CONFLICT (code) DO NOTHING;
		GET DIAGNOSTICS added = ROW_COUNT;
		RETURN added;
	END IF;

	ids := ARRAY(SELECT nextval(pg_get_serial_sequence('cx_data.customer', 'customer_id')) FROM unnest(names));
	INSERT INTO cx_data.customer (customer_id, code, first_seen_at)
	SELECT id, 'cx-' || id, at FROM unnest(ids, seen_at) AS seen (id, at);
	INSERT INTO cx_data.customer_identity (kind, value, customer_id)
	SELECT identity_kind, name, id FROM unnest(names, ids) AS seen (name, id) ORDER BY name
	ON CONFLICT (kind, value) DO NOTHING;
	GET DIAGNOSTICS added = ROW_COUNT;
	-- whom somebody else added at the same time has his identity from there
	IF added < cardinality(names) THEN
		DELETE FROM cx_data.customer WHERE customer_id = ANY (ids)
			AND NOT EXISTS (SELECT FROM cx_data.customer_identity AS identity WHERE identity.customer_id = customer.customer_id);
	END IF;
	RETURN added;
END
$$;
COMMENT ON FUNCTION cx.add_customers(text[], timestamptz[], text) IS 'adds customers by their codes, or by their identities of one kind, unless they exist; gives how many it added';

CREATE FUNCTION cx.create_capture_triggers(source text, arguments text[]) RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE C STRICT;
COMMENT ON FUNCTION cx.create_capture_triggers(text, text[]) IS 'checks a mapping and makes the triggers of a source on its relation; called by attach_feedback and its like';

CREATE FUNCTION cx.drop_capture_triggers(relation regclass, source text) RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE C STRICT;
COMMENT ON FUNCTION cx.drop_capture_triggers(regclass, text) IS 'drops the triggers of a source on a relation; for the relation''s owner and the program''s';

CREATE FUNCTION cx.captured_relations(source text) RETURNS SETOF regclass
	AS 'MODULE_PATHNAME' LANGUAGE C STRICT;
COMMENT ON FUNCTION cx.captured_relations(text) IS 'relations that have triggers of a source: what is attached, its children, and partitions that were detached meanwhile';

CREATE FUNCTION cx.cover_children(source text) RETURNS SETOF regclass
	AS 'MODULE_PATHNAME' LANGUAGE C STRICT;
COMMENT ON FUNCTION cx.cover_children(text) IS 'makes the triggers of a source on partitions and children that lack them, and gives these; called by maintain';

CREATE FUNCTION cx.pull_source(source text, since timestamptz, keys text[], part regclass, OUT inserted bigint, OUT updated bigint, OUT deleted bigint, OUT failed bigint, OUT changed_until timestamptz)
	AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION cx.pull_source(text, timestamptz, text[], regclass) IS 'brings feedback, events or tickets in step with the attached relation, with its rows changed since a time, with some of its keys, or with one of its partitions; called by sync_source';

CREATE FUNCTION cx.count_source(source text) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C STRICT;
COMMENT ON FUNCTION cx.count_source(text) IS 'rows of the attached relation that are to be captured, counted now; NULL if nothing is attached or you may neither read nor own it';

CREATE FUNCTION cx.try_count_source(source text, OUT source_rows bigint, OUT problem text)
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	source_rows := cx.count_source(source);
EXCEPTION WHEN OTHERS THEN
	-- one source that cannot be read must not hide the others
	problem := SQLERRM;
END
$$;
COMMENT ON FUNCTION cx.try_count_source(text) IS 'count_source, or why the rows cannot be counted; for the view cx_data.source_status';

CREATE FUNCTION cx.last_import_error(source bigint) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF has_column_privilege('cx_data.import_error', 'message', 'SELECT') THEN
		RETURN (SELECT message FROM cx_data.import_error WHERE source_id = source ORDER BY last_attempt_at DESC, import_error_id DESC LIMIT 1);
	END IF;
	RETURN 'only admins may read why';
END
$$;
COMMENT ON FUNCTION cx.last_import_error(bigint) IS 'why the row of a source that failed last could not be captured, for those who may read cx_data.import_error.message; for the view cx_data.source_status';
