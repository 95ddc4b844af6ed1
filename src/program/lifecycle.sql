-- Life of a program: create, upgrade, drop

CREATE FUNCTION cx.version() RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.version() IS 'version of the extension''s library';

CREATE FUNCTION cx.require_program() RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.require_program() IS 'raises an error with a hint if there is no CX program';

CREATE FUNCTION cx.require_read_committed() RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
		RAISE EXCEPTION 'the CX program is maintained at isolation level read committed only'
			USING ERRCODE = 'active_sql_transaction', DETAIL = 'At a higher level, rows that others committed meanwhile would be missed.',
				HINT = 'SET default_transaction_isolation = ''read committed'' first.';
	END IF;
END
$$;
COMMENT ON FUNCTION cx.require_read_committed() IS 'raises an error at isolation levels repeatable read and serializable, at which reading a table as it is after locking it is impossible';

CREATE FUNCTION cx.owns_program(role oid) RETURNS boolean
	LANGUAGE sql STABLE PARALLEL SAFE
	RETURN pg_catalog.pg_has_role(role, (SELECT relowner FROM pg_catalog.pg_class WHERE oid = pg_catalog.to_regclass('cx_data.feedback')), 'USAGE');
COMMENT ON FUNCTION cx.owns_program(oid) IS 'whether a role owns the CX program, itself or as a member of the owner';

CREATE FUNCTION cx.check_owns_program(role oid) RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF cx.owns_program(role) IS NOT TRUE THEN
		RAISE EXCEPTION 'must be owner of the CX program' USING ERRCODE = 'insufficient_privilege';
	END IF;
END
$$;
COMMENT ON FUNCTION cx.check_owns_program(oid) IS 'raises an error unless a role owns the CX program';

CREATE FUNCTION cx.relations_of_program() RETURNS text[]
	LANGUAGE sql STABLE PARALLEL SAFE
	RETURN ARRAY(SELECT relname::text FROM pg_catalog.pg_class
		WHERE relnamespace = pg_catalog.to_regnamespace('cx_data') AND relkind IN ('r', 'v') ORDER BY oid);
COMMENT ON FUNCTION cx.relations_of_program() IS 'names of the tables and views in schema cx_data';

CREATE FUNCTION cx.columns_of_program() RETURNS text[]
	LANGUAGE sql STABLE PARALLEL SAFE
	RETURN ARRAY(SELECT c.relname || '.' || a.attname FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid
		WHERE c.relnamespace = pg_catalog.to_regnamespace('cx_data') AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
		ORDER BY c.oid, a.attnum);
COMMENT ON FUNCTION cx.columns_of_program() IS 'columns of the tables in schema cx_data, as table.column';

CREATE PROCEDURE cx.create_program(time_zone text DEFAULT 'UTC')
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF to_regclass('cx_data.program') IS NOT NULL THEN
		RAISE NOTICE 'the CX program exists already, nothing is changed';
		RETURN;
	END IF;
	IF time_zone IS NULL THEN
		RAISE EXCEPTION 'time_zone must not be NULL' USING ERRCODE = 'null_value_not_allowed';
	END IF;
	PERFORM now() AT TIME ZONE time_zone;
	IF to_regnamespace('cx_data') IS NOT NULL THEN
		RAISE EXCEPTION 'schema "cx_data" already exists, but holds no CX program'
			USING ERRCODE = 'duplicate_schema', HINT = 'Rename or drop that schema; the program makes its own.';
	END IF;
	CREATE SCHEMA cx_data;
	COMMENT ON SCHEMA cx_data IS 'the CX program: customers, journeys, feedback and scores, ordinary tables of whoever called cx.create_program()';
	CALL cx.define_program();
	INSERT INTO cx_data.program (version, time_zone, relations, columns)
	VALUES (cx.version(), create_program.time_zone, cx.relations_of_program(), cx.columns_of_program());
END
$$;
COMMENT ON PROCEDURE cx.create_program(text) IS 'makes the tables and views of the CX program in schema cx_data, owned by the caller; hours and days are cut in time_zone';

CREATE FUNCTION cx.owner_upgrade(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET client_min_messages = warning AS $$
DECLARE
	old_version text;
	tallies_are_lost boolean;
	relations_before text[];
	columns_before text[];
BEGIN
	PERFORM cx.check_owns_program(caller);
	SELECT version INTO STRICT old_version FROM cx_data.program;
	IF string_to_array(old_version, '.')::integer[] > string_to_array(cx.version(), '.')::integer[] THEN
		RAISE EXCEPTION 'the CX program is of version %, newer than the extension, which is of version %', old_version, cx.version()
			USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Install the newer cx and ALTER EXTENSION cx UPDATE.';
	END IF;

	-- DROP EXTENSION ... CASCADE takes the columns of type tally along
	tallies_are_lost := (SELECT count(*) < 2 FROM pg_attribute
		WHERE attrelid IN (to_regclass('cx_data.tally_hourly'), to_regclass('cx_data.tally_daily')) AND attname = 'tally' AND NOT attisdropped);
	IF tallies_are_lost THEN
		DROP TABLE IF EXISTS cx_data.tally_hourly, cx_data.tally_daily, cx_data.tally_delta;
	END IF;
	relations_before := cx.relations_of_program();
	columns_before := cx.columns_of_program();
	CALL cx.define_program();
	IF tallies_are_lost THEN
		CALL cx.rebuild_tallies();
	END IF;
	UPDATE cx_data.program SET version = cx.version(),
		relations = relations || ARRAY(SELECT unnest(cx.relations_of_program()) EXCEPT SELECT unnest(relations || relations_before)),
		columns = coalesce(columns || ARRAY(SELECT unnest(cx.columns_of_program()) EXCEPT SELECT unnest(columns || columns_before)), cx.columns_of_program());
	PERFORM cx.renew_access();
	PERFORM cx.renew_rules();
	RETURN to_jsonb(old_version);
END
$$;
COMMENT ON FUNCTION cx.owner_upgrade(jsonb, oid) IS 'does the work of upgrade_program with the rights of the program''s owner; gives the version before';

CREATE PROCEDURE cx.upgrade_program()
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	old_version text;
BEGIN
	PERFORM cx.require_program();
	old_version := cx.as_program_owner('upgrade', '{}') #>> '{}';
	IF old_version = cx.version() THEN
		RAISE NOTICE 'the CX program is of version % already; what it lacked is made again', old_version;
	ELSE
		RAISE NOTICE 'the CX program is upgraded from version % to %', old_version, cx.version();
	END IF;
END
$$;
COMMENT ON PROCEDURE cx.upgrade_program() IS 'brings the CX program to the version of the extension, and makes again what it lacks; keeps all rows and whatever you built on it';

CREATE PROCEDURE cx.drop_program(with_feedback boolean DEFAULT false)
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	source_name text;
	rule_name text;
	views text;
	tables text;
BEGIN
	PERFORM cx.require_program();
	LOCK TABLE cx_data.feedback, cx_data.event, cx_data.ticket, cx_data.source IN ACCESS EXCLUSIVE MODE;
	IF NOT coalesce(with_feedback, false) AND (EXISTS (SELECT FROM cx_data.feedback) OR EXISTS (SELECT FROM cx_data.event) OR EXISTS (SELECT FROM cx_data.ticket)) THEN
		RAISE EXCEPTION 'the CX program holds feedback, events or tickets'
			USING ERRCODE = 'dependent_objects_still_exist', HINT = 'To lose them, CALL cx.drop_program(with_feedback => true).';
	END IF;
	FOR source_name IN SELECT name FROM cx_data.source WHERE relation IS NOT NULL LOOP
		PERFORM cx.detach_source(source_name);
	END LOOP;
	FOR rule_name IN SELECT name FROM cx_data.alert_rule LOOP
		PERFORM cx.drop_alert(rule_name);
	END LOOP;
	-- without CASCADE: what others built on it stops it, as it should
	SELECT string_agg(oid::regclass::text, ', ' ORDER BY relname) FILTER (WHERE relkind = 'v'), string_agg(oid::regclass::text, ', ' ORDER BY relname) FILTER (WHERE relkind = 'r')
	INTO views, tables
	FROM pg_class
	WHERE relnamespace = 'cx_data'::regnamespace AND relname = ANY ((SELECT relations FROM cx_data.program)::text[]);
	IF views IS NOT NULL THEN
		EXECUTE 'DROP VIEW ' || views;
	END IF;
	EXECUTE 'DROP TABLE ' || tables;
	DROP SCHEMA cx_data;
END
$$;
COMMENT ON PROCEDURE cx.drop_program(boolean) IS 'detaches all sources, drops all alert rules and the CX program; refuses while there are feedback, events or tickets, unless with_feedback is true, and while anything of yours depends on it';
