-- Who may see what: levels of access, and row security by unit
--
-- A level is plain GRANTs, made from the catalogue: all views, and the tables
-- under them column by column.  Row security adds which rows: those of the
-- unit that the role works for, and of the units below it.

-- A room with columns that are personal adds them here; admins read them all.
CREATE FUNCTION cx.private_columns() RETURNS TABLE (relation text, columns text[], levels text[])
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	VALUES
		('feedback', '{comment,attributes}'::text[], '{agent,manager}'::text[]),
		('event', '{attributes}', '{agent,manager}'),
		('customer', '{attributes}', '{agent,manager}'),
		('customer_identity', '{value}', '{agent,manager}'),
		('staff', '{contact}', '{manager}'),
		('staff', '{db_role}', '{}'),
		('import_error', '{source_key,message,payload}', '{}'),
		('alert', '{message}', '{agent,manager}'),
		('alert_match', '{payload}', '{}'),
		('alert_error', '{source_row,message}', '{}'),
		('channel', '{url,signing_key}', '{}'),
		('outbox', '{send_to,payload,last_error}', '{}'),
		('ticket', '{subject,detail,action_taken,source_key}', '{agent,manager}'),
		('ticket_task', '{subject,blocked_reason,result}', '{agent,manager}'),
		('ticket_event', '{note}', '{agent,manager}'),
		('invitation', '{token}', '{}');
END;
COMMENT ON FUNCTION cx.private_columns() IS 'columns of the program that are not for every level of access, and the levels besides admin that read them';

-- A room adds what a level needs beyond reading the views and the tables under them.
CREATE FUNCTION cx.other_privileges() RETURNS TABLE (privilege text, relation text, columns text[], levels text[])
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	VALUES
		('SELECT', 'customer_identity', NULL::text[], '{agent,manager}'::text[]),
		('SELECT', 'persona', NULL, '{analyst,agent,manager}'),
		('SELECT', 'journey_note', NULL, '{analyst,agent,manager}'),
		('SELECT', 'model', NULL, '{analyst,agent,manager}'),
		('SELECT', 'model_drift', NULL, '{analyst,agent,manager}'),
		('UPDATE', 'alert', '{status}', '{agent,manager}'),
		('INSERT', 'journey_note', '{stage_id,touchpoint_id,persona_id,kind,body}', '{agent,manager}'),
		('DELETE', 'ticket', NULL, '{admin}'),
		('UPDATE', 'ticket', '{customer_id,customer_merge_id,source_key,subject,detail,action_taken}', '{admin}'),
		('UPDATE', 'ticket_task', '{subject,blocked_reason,result}', '{admin}'),
		('UPDATE', 'ticket_event', '{note}', '{admin}'),
		('UPDATE', 'program', '{time_zone}', '{admin}');
END;
COMMENT ON FUNCTION cx.other_privileges() IS 'what levels of access may do beyond reading the views and the tables under them, and what admins may do beyond writing';

CREATE FUNCTION cx.program_columns() RETURNS TABLE (relation text, column_name text, attnum smallint)
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	relations CONSTANT text[] := (SELECT p.relations FROM cx_data.program AS p);
	columns CONSTANT text[] := (SELECT p.columns FROM cx_data.program AS p);
BEGIN
	RETURN QUERY
	SELECT c.relname::text, a.attname::text, a.attnum
	FROM pg_class AS c
	JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
	WHERE c.relnamespace = 'cx_data'::regnamespace AND c.relkind = 'r' AND c.relname = ANY (relations) AND c.relname || '.' || a.attname = ANY (columns);
END
$$;
COMMENT ON FUNCTION cx.program_columns() IS 'columns that cx made in its tables, the others are yours';

CREATE FUNCTION cx.privileges_of_level(level text) RETURNS TABLE (privilege text, relation text, columns text[])
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	relations CONSTANT text[] := (SELECT p.relations FROM cx_data.program AS p);
BEGIN
	RETURN QUERY
	WITH made AS (
		SELECT c.oid, c.relname::text AS name, c.relkind = 'v' AS is_view
		FROM pg_class AS c
		WHERE c.relnamespace = 'cx_data'::regnamespace AND c.relkind IN ('r', 'v') AND c.relname = ANY (relations)
	), readable AS (
		SELECT under.name FROM made AS v
		JOIN pg_rewrite AS r ON r.ev_class = v.oid
		JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass
		JOIN made AS under ON under.oid = d.refobjid AND NOT under.is_view
		WHERE v.is_view
		UNION
		SELECT o.relation FROM cx.other_privileges() AS o
		WHERE o.privilege = 'SELECT' AND privileges_of_level.level = ANY (o.levels)
	)
	SELECT 'SELECT', m.name, NULL::text[] FROM made AS m WHERE m.is_view OR (level = 'admin' AND m.name <> 'seal')
	UNION ALL
	SELECT 'SELECT', c.relation, array_agg(c.column_name ORDER BY c.attnum)
	FROM readable JOIN cx.program_columns() AS c ON c.relation = readable.name
	WHERE level <> 'admin' AND NOT EXISTS (SELECT FROM cx.private_columns() AS p
		WHERE p.relation = c.relation AND c.column_name = ANY (p.columns) AND NOT level = ANY (p.levels))
	GROUP BY c.relation
	UNION ALL
	SELECT o.privilege, o.relation, o.columns FROM cx.other_privileges() AS o WHERE o.privilege <> 'SELECT' AND level = ANY (o.levels)
	UNION ALL
	-- what cx keeps for itself is written by nobody: the tallies, the program's row, the levels, what rules run, the history of tickets, models
	SELECT p.privilege, m.name, NULL
	FROM made AS m CROSS JOIN unnest('{INSERT,UPDATE,DELETE}'::text[]) AS p (privilege)
	WHERE level = 'admin' AND NOT m.is_view AND m.name NOT LIKE 'tally\_%' AND m.name NOT IN ('program', 'access', 'alert_rule', 'seal', 'ticket', 'ticket_task', 'ticket_event', 'model');
END
$$;
COMMENT ON FUNCTION cx.privileges_of_level(text) IS 'what a level of access (analyst, agent, manager, admin) may do on which tables and views; columns is NULL where that is all of them';

CREATE FUNCTION cx.apply_level(role text, level text) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	allowed record;
BEGIN
	EXECUTE format('GRANT USAGE ON SCHEMA cx_data TO %I', role);
	FOR allowed IN SELECT * FROM cx.privileges_of_level(level) ORDER BY relation, privilege LOOP
		EXECUTE format('GRANT %s%s ON cx_data.%I TO %I', allowed.privilege,
			'(' || (SELECT string_agg(quote_ident(name), ', ') FROM unnest(allowed.columns) AS name) || ')', allowed.relation, role);
	END LOOP;
END
$$;
COMMENT ON FUNCTION cx.apply_level(text, text) IS 'grants a role what a level of access may do; called by grant_access and upgrade_program';

CREATE FUNCTION cx.remove_level(role text) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	allowed regclass;
BEGIN
	FOR allowed IN
		SELECT c.oid FROM cx_data.program AS p
		JOIN pg_class AS c ON c.relnamespace = 'cx_data'::regnamespace AND c.relkind IN ('r', 'v') AND c.relname = ANY (p.relations)
		WHERE EXISTS (SELECT FROM pg_roles AS r,
				(SELECT c.relacl UNION ALL SELECT a.attacl FROM pg_attribute AS a WHERE a.attrelid = c.oid) AS o (acl), aclexplode(o.acl) AS entry
			WHERE r.rolname = remove_level.role AND entry.grantee = r.oid)
		ORDER BY c.oid
	LOOP
		-- the privileges on columns go with those on the table
		EXECUTE format('REVOKE ALL ON %s FROM %I', allowed, role);
	END LOOP;
	EXECUTE format('REVOKE USAGE ON SCHEMA cx_data FROM %I', role);
END
$$;
COMMENT ON FUNCTION cx.remove_level(text) IS 'revokes all that a role may do on the tables and views of the program; called by grant_access and revoke_access';

CREATE FUNCTION cx.owner_grant_access(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	grantee CONSTANT text := argument ->> 'role';
	new_level CONSTANT text := argument ->> 'level';
BEGIN
	PERFORM cx.check_owns_program(caller);
	IF grantee IS NULL OR new_level IS NULL THEN
		RAISE EXCEPTION 'role and level must be given' USING ERRCODE = 'null_value_not_allowed';
	END IF;
	IF new_level NOT IN ('analyst', 'agent', 'manager', 'admin') THEN
		RAISE EXCEPTION 'level "%" is not known', new_level
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Use analyst, agent, manager or admin.';
	END IF;
	IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = grantee) THEN
		RAISE EXCEPTION 'role "%" does not exist', grantee
			USING ERRCODE = 'undefined_object', HINT = 'CREATE ROLE makes one; write its name as it stands in pg_roles, without quotes around it.';
	END IF;
	IF grantee = current_user THEN
		RAISE EXCEPTION 'role "%" owns the CX program', grantee
			USING ERRCODE = 'invalid_grant_operation', HINT = 'The owner may do everything already.';
	END IF;
	-- one at a time
	LOCK TABLE cx_data.access IN SHARE ROW EXCLUSIVE MODE;
	PERFORM cx.remove_level(grantee);
	PERFORM cx.apply_level(grantee, new_level);
	INSERT INTO cx_data.access AS known (role, level) VALUES (grantee, new_level)
	ON CONFLICT (role) DO UPDATE SET level = excluded.level;
	IF new_level IN ('agent', 'manager') AND NOT (SELECT row_security FROM cx_data.program) THEN
		RAISE WARNING 'row security is off, so role "%" sees the rows of all units', grantee
			USING HINT = 'CALL cx.enable_row_security().';
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.owner_grant_access(jsonb, oid) IS 'does the work of grant_access with the rights of the program''s owner';

CREATE PROCEDURE cx.grant_access(role text, level text)
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	PERFORM cx.as_program_owner('grant_access', jsonb_build_object('role', role, 'level', level));
END
$$;
COMMENT ON PROCEDURE cx.grant_access(text, text) IS 'gives a database role a level of access to the CX program, in place of whatever it might do there before: analyst, agent, manager or admin';

CREATE FUNCTION cx.owner_revoke_access(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	grantee CONSTANT text := argument ->> 'role';
BEGIN
	PERFORM cx.check_owns_program(caller);
	LOCK TABLE cx_data.access IN SHARE ROW EXCLUSIVE MODE;
	DELETE FROM cx_data.access WHERE role = grantee;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'role "%" has no level of access to the CX program', grantee
			USING ERRCODE = 'undefined_object', HINT = 'SELECT role, level FROM cx_data.access shows who has; what was granted by hand, REVOKE takes back.';
	END IF;
	IF EXISTS (SELECT FROM pg_roles WHERE rolname = grantee) THEN
		PERFORM cx.remove_level(grantee);
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.owner_revoke_access(jsonb, oid) IS 'does the work of revoke_access with the rights of the program''s owner';

CREATE PROCEDURE cx.revoke_access(role text)
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	PERFORM cx.as_program_owner('revoke_access', jsonb_build_object('role', role));
END
$$;
COMMENT ON PROCEDURE cx.revoke_access(text) IS 'takes from a database role all that it may do in the CX program; call it before DROP ROLE';

-- Row security.  A role sees what each role sees whose privileges it inherits, as it is with GRANTs.

CREATE FUNCTION cx.role_has_level(role oid, levels text[]) RETURNS boolean
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN EXISTS (SELECT FROM cx_data.access AS a JOIN pg_roles AS r ON r.rolname = a.role
		WHERE a.level = ANY (levels) AND pg_has_role(role_has_level.role, r.oid, 'USAGE'));
END
$$;
COMMENT ON FUNCTION cx.role_has_level(oid, text[]) IS 'whether a role has one of these levels of access, itself or inherited; reads cx_data.access with the caller''s rights';

CREATE FUNCTION cx.role_sees_all(role oid) RETURNS boolean
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN cx.role_has_level(role, '{analyst,admin}');
END
$$;
COMMENT ON FUNCTION cx.role_sees_all(oid) IS 'whether the rows of all units are for a role; support function of sees_all_units';

CREATE FUNCTION cx.units_of_role(role oid) RETURNS bigint[]
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN ARRAY(
		WITH RECURSIVE worker AS (
			SELECT s.staff_id, s.org_unit_id, cx.role_has_level(r.oid, '{manager}') AS manages
			FROM cx_data.staff AS s JOIN pg_roles AS r ON r.rolname = s.db_role
			WHERE pg_has_role(units_of_role.role, r.oid, 'USAGE') AND cx.role_has_level(r.oid, '{agent,manager}')
		), visible AS (
			(SELECT org_unit_id, manages FROM worker WHERE org_unit_id IS NOT NULL
			UNION
			SELECT u.org_unit_id, true FROM cx_data.org_unit AS u JOIN worker ON worker.staff_id = u.manager_id WHERE worker.manages)
			UNION	-- not ALL, so a circle of parents comes to an end
			SELECT u.org_unit_id, true FROM visible JOIN cx_data.org_unit AS u ON u.parent_id = visible.org_unit_id WHERE visible.manages
		)
		SELECT DISTINCT org_unit_id FROM visible ORDER BY org_unit_id);
END
$$;
COMMENT ON FUNCTION cx.units_of_role(oid) IS 'units whose rows are for a role: those its members of staff work for, and for managers those they manage, with all below; support function of visible_units';

CREATE FUNCTION cx.sees_all_units() RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.sees_all_units() IS 'whether the rows of all units, and those without a unit, are for the current role: analysts and admins; policies of row security ask it';

CREATE FUNCTION cx.visible_units() RETURNS bigint[]
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.visible_units() IS 'units whose rows are for the current role, as an agent or a manager; policies of row security ask it';

CREATE FUNCTION cx.check_sees_all_rows() RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF (row_security_active('cx_data.feedback') OR row_security_active('cx_data.event')) AND NOT cx.sees_all_units() THEN
		RAISE EXCEPTION 'rows that you do not see may refer to this'
			USING ERRCODE = 'insufficient_privilege', HINT = 'It takes access as an admin.';
	END IF;
END
$$;
COMMENT ON FUNCTION cx.check_sees_all_rows() IS 'raises an error if row security hides feedback or events from the current role; for triggers that look whether a row is still referred to';

CREATE FUNCTION cx.row_policies() RETURNS TABLE (relation text, visible text)
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN QUERY
	SELECT c.relation, '(SELECT cx.sees_all_units()) OR ' || CASE
		-- both subqueries run once in a statement, and the second one is hashed
		WHEN bool_or(c.column_name = 'org_unit_id') THEN 'org_unit_id IN (SELECT unnest(cx.visible_units()))'
			|| CASE WHEN bool_or(c.column_name = 'asked_by_unit_id') THEN ' OR asked_by_unit_id IN (SELECT unnest(cx.visible_units()))' ELSE '' END
		ELSE format('EXISTS (SELECT FROM cx_data.%1$s AS c WHERE c.%1$s_id = %2$I.%1$s_id)', CASE WHEN bool_or(c.column_name = 'customer_id') THEN 'customer' ELSE 'ticket' END, c.relation) END
	FROM cx.program_columns() AS c
	WHERE c.column_name IN ('org_unit_id', 'customer_id', 'ticket_id', 'asked_by_unit_id')
	GROUP BY c.relation
	-- in the order in which they were made, in which others lock them
	ORDER BY to_regclass('cx_data.' || quote_ident(c.relation))::oid;
END
$$;
COMMENT ON FUNCTION cx.row_policies() IS 'tables under row security: all that have a unit, a customer or a ticket; and the condition by which a row is visible';

CREATE FUNCTION cx.make_policies() RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET client_min_messages = warning AS $$
DECLARE
	policy record;
BEGIN
	FOR policy IN SELECT * FROM cx.row_policies() LOOP
		EXECUTE format('ALTER TABLE cx_data.%I ENABLE ROW LEVEL SECURITY', policy.relation);
		EXECUTE format('DROP POLICY IF EXISTS cx_visible ON cx_data.%I', policy.relation);
		EXECUTE format('CREATE POLICY cx_visible ON cx_data.%I USING (%s)', policy.relation, policy.visible);
		EXECUTE format('COMMENT ON POLICY cx_visible ON cx_data.%I IS %L', policy.relation, 'made by cx.enable_row_security(): rows of the units that cx.visible_units() gives');
	END LOOP;
END
$$;
COMMENT ON FUNCTION cx.make_policies() IS 'makes the policies of row security; called by enable_row_security and upgrade_program';

CREATE FUNCTION cx.drop_policies() RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET client_min_messages = warning AS $$
DECLARE
	name text;
BEGIN
	FOR name IN SELECT relation FROM cx.row_policies() LOOP
		EXECUTE format('DROP POLICY IF EXISTS cx_visible ON cx_data.%I', name);
		-- where the user has policies of his own, these go on
		IF NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = format('cx_data.%I', name)::regclass) THEN
			EXECUTE format('ALTER TABLE cx_data.%I DISABLE ROW LEVEL SECURITY', name);
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION cx.drop_policies() IS 'drops the policies of row security; called by disable_row_security';

CREATE FUNCTION cx.owner_row_security(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.check_owns_program(caller);
	UPDATE cx_data.program SET row_security = (argument -> 'enable')::boolean;
	IF (argument -> 'enable')::boolean THEN
		PERFORM cx.make_policies();
	ELSE
		PERFORM cx.drop_policies();
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.owner_row_security(jsonb, oid) IS 'does the work of enable_row_security and disable_row_security with the rights of the program''s owner';

CREATE PROCEDURE cx.enable_row_security()
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	PERFORM cx.as_program_owner('row_security', '{"enable": true}');
END
$$;
COMMENT ON PROCEDURE cx.enable_row_security() IS 'from now on agents see the rows of their unit and managers those of their unit and all below, in every table of the program with a unit or a customer; analysts and admins see all rows';

CREATE PROCEDURE cx.disable_row_security()
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	PERFORM cx.as_program_owner('row_security', '{"enable": false}');
END
$$;
COMMENT ON PROCEDURE cx.disable_row_security() IS 'undoes enable_row_security; policies of yours stay, and so does row security on tables that have some';

CREATE FUNCTION cx.renew_access() RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	known record;
BEGIN
	LOCK TABLE cx_data.access IN SHARE ROW EXCLUSIVE MODE;
	-- roles that were dropped, even if others have their names now
	DELETE FROM cx_data.access AS a WHERE NOT EXISTS (
		SELECT FROM pg_roles AS r, pg_namespace AS n, aclexplode(n.nspacl) AS acl
		WHERE r.rolname = a.role AND n.nspname = 'cx_data' AND acl.grantee = r.oid AND acl.privilege_type = 'USAGE');
	FOR known IN SELECT role, level FROM cx_data.access ORDER BY role LOOP
		PERFORM cx.apply_level(known.role, known.level);
	END LOOP;
	IF (SELECT row_security FROM cx_data.program) THEN
		PERFORM cx.make_policies();
	END IF;
END
$$;
COMMENT ON FUNCTION cx.renew_access() IS 'grants every level of access what it lacks, and makes the policies of row security where it is on; called by upgrade_program';
