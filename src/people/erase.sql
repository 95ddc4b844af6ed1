-- Forgetting a person

CREATE FUNCTION cx.customer_added() RETURNS trigger
	AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION cx.customer_added() IS 'trigger on cx_data.customer: codes of customers who were merged or erased are not added';

CREATE FUNCTION cx.erased_hash(kind text, name text) RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.erased_hash(text, text) IS 'hash by which capture recognizes a name of a customer who was erased (kind code for his code), or with kind source_key the key of one of his rows; NULL if nobody was erased. Takes SELECT on cx_data.erasure';

CREATE FUNCTION cx.personal_columns() RETURNS text[]
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN ARRAY['action_taken', 'address', 'attributes', 'body', 'comment', 'contact', 'detail', 'email', 'message', 'payload', 'phone', 'recipient', 'subject'];
COMMENT ON FUNCTION cx.personal_columns() IS 'columns that erase_customer empties in rows that it keeps, in whatever table of the program they are';

CREATE FUNCTION cx.names_of_customer(customer bigint, OUT kind text, OUT name text, OUT org_unit_id bigint) RETURNS SETOF record
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN QUERY
	SELECT 'code', c.code, c.org_unit_id FROM cx_data.customer AS c WHERE c.customer_id = customer
	UNION ALL
	SELECT i.kind, i.value, CASE WHEN i.customer_merge_id IS NULL THEN c.org_unit_id ELSE m.org_unit_id END
	FROM cx_data.customer_identity AS i JOIN cx_data.customer AS c USING (customer_id)
	LEFT JOIN cx_data.customer_merge AS m ON m.customer_merge_id = i.customer_merge_id
	WHERE i.customer_id = customer
	UNION ALL
	SELECT 'invitation', i.token::text, CASE WHEN i.customer_merge_id IS NULL THEN c.org_unit_id ELSE m.org_unit_id END
	FROM cx_data.invitation AS i JOIN cx_data.customer AS c USING (customer_id)
	LEFT JOIN cx_data.customer_merge AS m ON m.customer_merge_id = i.customer_merge_id
	WHERE i.customer_id = customer;
END
$$;
COMMENT ON FUNCTION cx.names_of_customer(bigint) IS 'names that lead to a customer, codes before a merge and tokens of invitations included, with the unit that stands in for feedback under them; part of erase_customer';

CREATE FUNCTION cx.merges_of_customer(customer bigint) RETURNS bigint[]
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN ARRAY(
		WITH RECURSIVE person (customer_id) AS (
			SELECT customer
			UNION
			SELECT m.lose_id FROM cx_data.customer_merge AS m JOIN person ON m.keep_id = person.customer_id WHERE m.undone_at IS NULL
		)
		SELECT m.customer_merge_id FROM cx_data.customer_merge AS m
		WHERE m.keep_id IN (SELECT customer_id FROM person) OR m.lose_id IN (SELECT customer_id FROM person));
END
$$;
COMMENT ON FUNCTION cx.merges_of_customer(bigint) IS 'merges by which others came to a customer, directly or not, and those of his that were undone; part of erase_customer';

CREATE FUNCTION cx.strings_of_customer(customer bigint) RETURNS text[]
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN ARRAY(
		SELECT n.name FROM cx.names_of_customer(customer) AS n
		UNION
		SELECT leaf #>> '{}'
		FROM (SELECT to_jsonb(c) AS record FROM cx_data.customer AS c WHERE c.customer_id = customer
			UNION ALL
			SELECT m.lost FROM cx_data.customer_merge AS m WHERE m.customer_merge_id = ANY (cx.merges_of_customer(customer)) AND m.lost IS NOT NULL) AS known
		CROSS JOIN LATERAL jsonb_path_query((record - 'segment') - ARRAY['first_seen_at', 'created_at'], 'strict $.** ? (@.type() == "string" && @ != "")') AS leaf);
END
$$;
COMMENT ON FUNCTION cx.strings_of_customer(bigint) IS 'what names or describes a customer: names, and all texts in his row; part of erase_customer';

CREATE FUNCTION cx.erase_facts(relation regclass, customer_column name, is_required boolean, customer bigint) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	changes text;
	erased bigint;
BEGIN
	IF is_required THEN
		EXECUTE format('DELETE FROM %s WHERE %I = $1', relation, customer_column) USING customer;
	ELSE
		SELECT string_agg(format('%I = %s', attname, CASE
				WHEN attname = customer_column OR attname = 'customer_merge_id' THEN 'NULL'
				WHEN attname = 'source_key' THEN $e$'erased:' || cx.erased_hash('source_key', source_key)$e$
				WHEN NOT attnotnull THEN 'NULL'
				WHEN atttypid IN ('json'::regtype, 'jsonb'::regtype) THEN $e$'{}'$e$
				ELSE $e$''$e$ END), ', ')
		INTO changes
		FROM pg_attribute
		WHERE attrelid = relation AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
			AND (attname = customer_column OR attname IN ('customer_merge_id', 'source_key') OR attname = ANY (cx.personal_columns()));
		EXECUTE format('UPDATE %s SET %s WHERE %I = $1', relation, changes, customer_column) USING customer;
	END IF;
	GET DIAGNOSTICS erased = ROW_COUNT;
	RETURN erased;
END
$$;
COMMENT ON FUNCTION cx.erase_facts(regclass, name, boolean, bigint) IS 'deletes the rows of a customer from a table, or if they can be without him, makes them anonymous; part of erase_customer';

CREATE FUNCTION cx.tables_that_hold(customer bigint, OUT relation text, OUT row_count bigint) RETURNS SETOF record
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	facts record;
	captured text;
BEGIN
	FOR facts IN
		SELECT t.relation, t.customer_column FROM cx.tables_of_customers() AS t
		WHERE t.is_ours AND EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = t.relation AND a.attname = 'source_id' AND NOT a.attisdropped)
	LOOP
		captured := concat_ws(' UNION ALL ', captured, format('SELECT source_id, source_key FROM %s WHERE %I = $1', facts.relation, facts.customer_column));
	END LOOP;
	RETURN QUERY EXECUTE format('SELECT s.relation::text, count(DISTINCT f.source_key) FROM (%s) AS f JOIN cx_data.source AS s USING (source_id) JOIN pg_class AS c ON c.oid = s.relation GROUP BY s.relation', captured) USING customer;
END
$$;
COMMENT ON FUNCTION cx.tables_that_hold(bigint) IS 'attached tables of the user that rows of a customer were captured from, and how many rows; part of erase_customer';

CREATE FUNCTION cx.check_only_program_refers(customer bigint) RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	facts record;
	refers boolean;
BEGIN
	FOR facts IN SELECT t.relation, t.customer_column FROM cx.tables_of_customers() AS t WHERE NOT t.is_ours LOOP
		EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE %I = $1)', facts.relation, facts.customer_column) INTO refers USING customer;
		IF refers THEN
			RAISE EXCEPTION 'table % refers to this customer', facts.relation
				USING ERRCODE = 'foreign_key_violation', HINT = format('It is yours and is not touched: delete its rows of this customer first, or set column %I to NULL in them.', facts.customer_column);
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION cx.check_only_program_refers(bigint) IS 'raises an error if a table of the user refers to a customer by a foreign key; part of erase_customer';

CREATE FUNCTION cx.erase_customer(customer text) RETURNS TABLE (relation text, what text, row_count bigint)
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp SET row_security = off SET enable_seqscan = off SET jit = off
	AS $$
DECLARE
	who bigint;
	strings text[];
	merges bigint[];
	held jsonb;
	facts record;
BEGIN
	PERFORM cx.require_program();
	PERFORM cx.require_read_committed();
	IF customer IS NULL THEN
		RAISE EXCEPTION 'customer must be given' USING ERRCODE = 'null_value_not_allowed', HINT = 'It is the code of a customer.';
	END IF;
	PERFORM cx.lock_facts();
	who := cx.find_customer(customer);
	-- names that others are noting wait for this, or this for them
	PERFORM FROM cx_data.customer AS c WHERE c.customer_id = who FOR UPDATE;
	PERFORM cx.check_only_program_refers(who);
	strings := cx.strings_of_customer(who);
	merges := cx.merges_of_customer(who);
	held := (SELECT jsonb_object_agg(h.relation, h.row_count) FROM cx.tables_that_hold(who) AS h);

	INSERT INTO cx_data.erasure DEFAULT VALUES ON CONFLICT DO NOTHING;
	INSERT INTO cx_data.erased_customer AS e (name_hash, org_unit_id)
	SELECT cx.erased_hash(n.kind, n.name), n.org_unit_id FROM cx.names_of_customer(who) AS n
	ON CONFLICT (name_hash) DO UPDATE SET org_unit_id = excluded.org_unit_id;

	FOR facts IN
		SELECT substr(proname, length('erase_from_') + 1) AS name, oid::regproc AS function FROM pg_proc
		WHERE pronamespace = 'cx'::regnamespace AND proname LIKE 'erase\_from\_%' ORDER BY proname COLLATE "C"
	LOOP
		EXECUTE format('SELECT %s($1, $2)', facts.function) INTO row_count USING who, strings;
		relation := 'cx_data.' || facts.name;
		what := 'cleared';
		RETURN NEXT;
	END LOOP;
	FOR facts IN SELECT t.relation, t.customer_column, t.is_required FROM cx.tables_of_customers() AS t WHERE t.is_ours LOOP
		row_count := cx.erase_facts(facts.relation, facts.customer_column, facts.is_required, who);
		relation := facts.relation::text;
		what := CASE WHEN facts.is_required THEN 'deleted' ELSE 'made anonymous' END;
		RETURN NEXT;
	END LOOP;
	what := 'deleted';
	DELETE FROM cx_data.customer_merge AS m WHERE m.customer_merge_id = ANY (merges);
	GET DIAGNOSTICS row_count = ROW_COUNT;
	relation := 'cx_data.customer_merge';
	RETURN NEXT;
	DELETE FROM cx_data.customer AS c WHERE c.customer_id = who;
	GET DIAGNOSTICS row_count = ROW_COUNT;
	relation := 'cx_data.customer';
	RETURN NEXT;
	RETURN QUERY SELECT h.key, 'yours, not touched', h.value::bigint FROM jsonb_each_text(held) AS h ORDER BY h.key COLLATE "C";
END
$$;
COMMENT ON FUNCTION cx.erase_customer(text) IS 'forgets a person, who may also be named by a code from before a merge: names, attributes, comments and tags go, answers and events stay without him, so that no score changes, and capturing his rows again brings nothing back. Gives what was done in which table, and names attached tables of yours that still hold him';
