-- One person, one customer: names that lead to him, and customers merged into one

CREATE FUNCTION cx.identify(kind text, value text) RETURNS bigint
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	-- the code of a merged customer is an identity of kind code
	RETURN coalesce(
		CASE WHEN identify.kind = 'code' THEN (SELECT c.customer_id FROM cx_data.customer AS c WHERE c.code = identify.value) END,
		(SELECT i.customer_id FROM cx_data.customer_identity AS i WHERE i.kind = identify.kind AND i.value = identify.value));
END
$$;
COMMENT ON FUNCTION cx.identify(text, text) IS 'key of the customer that a name leads to: an identity such as phone or crm, or with kind code his code, also one that he had before a merge; NULL if none';

CREATE FUNCTION cx.no_customer(code text) RETURNS void
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RAISE EXCEPTION 'customer "%" does not exist', code
		USING ERRCODE = 'undefined_object', HINT = 'The code of a customer is wanted; cx_data.customer_identity leads from other names to it.';
END
$$;
COMMENT ON FUNCTION cx.no_customer(text) IS 'raises the error that there is no customer with this code';

CREATE FUNCTION cx.find_customer(code text) RETURNS bigint
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	found_id CONSTANT bigint := cx.identify('code', find_customer.code);
BEGIN
	IF found_id IS NULL THEN
		PERFORM cx.no_customer(find_customer.code);
	END IF;
	RETURN found_id;
END
$$;
COMMENT ON FUNCTION cx.find_customer(text) IS 'key of the customer with this code, also one that he had before a merge; an error if there is none';

CREATE FUNCTION cx.identify(kind text, value text, customer text) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	who bigint;
	whose record;
BEGIN
	IF customer IS NULL THEN
		RETURN cx.identify(identify.kind, identify.value);
	END IF;
	IF identify.kind IS NULL OR identify.value IS NULL THEN
		RAISE EXCEPTION 'kind and value must be given' USING ERRCODE = 'null_value_not_allowed';
	END IF;
	IF identify.kind = 'code' THEN
		RAISE EXCEPTION 'a customer has one code'
			USING ERRCODE = 'invalid_parameter_value', HINT = 'To make another customer''s code lead to him, SELECT cx.merge_customers(keep, lose).';
	END IF;
	who := cx.find_customer(customer);
	INSERT INTO cx_data.customer_identity (kind, value, customer_id, customer_merge_id)
	VALUES (identify.kind, identify.value, who, (SELECT i.customer_merge_id FROM cx_data.customer_identity AS i WHERE i.kind = 'code' AND i.value = customer))
	ON CONFLICT DO NOTHING;
	SELECT c.customer_id, c.code INTO whose
	FROM cx_data.customer_identity AS i JOIN cx_data.customer AS c USING (customer_id)
	WHERE i.kind = identify.kind AND i.value = identify.value;
	IF whose.customer_id IS DISTINCT FROM who THEN
		RAISE EXCEPTION '% "%" belongs to customer "%"', identify.kind, identify.value, whose.code
			USING ERRCODE = 'unique_violation', HINT = format('If they are one person, SELECT cx.merge_customers(%L, %L); else correct cx_data.customer_identity.', whose.code, customer);
	END IF;
	RETURN who;
END
$$;
COMMENT ON FUNCTION cx.identify(text, text, text) IS 'notes that a name, such as a phone number, leads to the customer with this code; gives his key. An error if it leads to another one';

CREATE FUNCTION cx.tables_of_customers(OUT relation regclass, OUT customer_column name, OUT is_ours boolean, OUT is_required boolean, OUT has_merge boolean, OUT has_key boolean) RETURNS SETOF record
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN QUERY
	SELECT found.oid::regclass, found.attname, found.in_program, found.attnotnull,
		found.in_program AND EXISTS (SELECT FROM pg_attribute AS m WHERE m.attrelid = found.oid AND m.attname = 'customer_merge_id' AND m.atttypid = 'bigint'::regtype AND NOT m.attisdropped),
		found.refers
	FROM (
		SELECT c.oid, c.relname, a.attname, a.attnotnull, a.atttypid, c.relnamespace = 'cx_data'::regnamespace AS in_program,
			EXISTS (SELECT FROM pg_constraint AS k
				WHERE k.conrelid = c.oid AND k.contype = 'f' AND k.conkey = ARRAY[a.attnum] AND k.confrelid = 'cx_data.customer'::regclass
					AND k.confkey = ARRAY[(SELECT id.attnum FROM pg_attribute AS id WHERE id.attrelid = k.confrelid AND id.attname = 'customer_id')]) AS refers
		FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
		WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.oid <> 'cx_data.customer'::regclass AND a.attnum > 0 AND NOT a.attisdropped
			AND (c.relnamespace = 'cx_data'::regnamespace OR EXISTS (SELECT FROM pg_constraint AS k WHERE k.conrelid = c.oid AND k.confrelid = 'cx_data.customer'::regclass))
	) AS found
	WHERE found.refers OR (found.in_program AND found.attname = 'customer_id' AND found.atttypid = 'bigint'::regtype)
	ORDER BY NOT found.in_program, found.relname <> 'feedback', found.relname <> 'event', found.relname COLLATE "C", found.oid, found.attname COLLATE "C";
END
$$;
COMMENT ON FUNCTION cx.tables_of_customers() IS 'tables whose rows belong to customers: those in schema cx_data with a column customer_id, and any with a foreign key to cx_data.customer; whether the column must be given, whether there is a column customer_merge_id, whether there is a foreign key';

CREATE FUNCTION cx.lock_facts() RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	facts regclass;
BEGIN
	-- in the order of row_in_use() and of capture; where there is a foreign key, locking the customer is enough
	FOR facts IN SELECT relation FROM cx.tables_of_customers() WHERE is_ours AND NOT has_key LOOP
		EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', facts);
	END LOOP;
	-- whoever adds customers must see which of them have gone
	LOCK TABLE cx_data.customer IN SHARE ROW EXCLUSIVE MODE;
END
$$;
COMMENT ON FUNCTION cx.lock_facts() IS 'waits for those who write facts of customers or add customers, and keeps others from it until the transaction ends; part of merge_customers, unmerge and erase_customer';

CREATE FUNCTION cx.key_of_row(relation regclass, customer_column name) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format('jsonb_build_array(%s)', string_agg(format('t.%I', a.attname), ', ' ORDER BY a.attnum))
	FROM pg_attribute AS a
	LEFT JOIN pg_index AS i ON i.indrelid = a.attrelid AND i.indisprimary
	WHERE a.attrelid = key_of_row.relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attname <> customer_column
		AND (i.indexrelid IS NULL OR a.attnum = ANY (i.indkey))
$$;
COMMENT ON FUNCTION cx.key_of_row(regclass, name) IS 'expression for what tells rows of one customer apart in a table t: its primary key, else all columns; part of merge_customers and unmerge';

CREATE FUNCTION cx.move_facts(relation regclass, customer_column name, has_merge boolean, lose_id bigint, keep_id bigint, merge bigint) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	move text := format('UPDATE %1$s AS t SET %2$I = $2%3$s WHERE t.%2$I = $1 AND ($4 IS NULL OR (t.tableoid = $4 AND t.ctid = $5))',
		relation, customer_column, CASE WHEN has_merge THEN ', customer_merge_id = coalesce(t.customer_merge_id, $3)' END);
	part record;
BEGIN
	IF NOT has_merge THEN
		move := format('WITH moved AS (%s RETURNING %s AS fact) INSERT INTO cx_data.customer_merge_fact (customer_merge_id, relation, customer_column, fact) SELECT $3, %L, %L, fact FROM moved',
			move, cx.key_of_row(relation, customer_column), relation, customer_column);
	END IF;
	EXECUTE move USING lose_id, keep_id, merge, NULL::oid, NULL::tid;
EXCEPTION WHEN unique_violation OR exclusion_violation THEN
	-- one by one: what the customer has already who is kept is set aside
	FOR part IN EXECUTE format('SELECT t.tableoid AS oid, t.ctid AS place FROM %s AS t WHERE t.%I = $1', relation, customer_column) USING lose_id LOOP
		BEGIN
			EXECUTE move USING lose_id, keep_id, merge, part.oid, part.place;
		EXCEPTION WHEN unique_violation OR exclusion_violation THEN
			EXECUTE format('WITH gone AS (DELETE FROM %s AS t WHERE t.tableoid = $1 AND t.ctid = $2 RETURNING *) INSERT INTO cx_data.customer_merge_fact (customer_merge_id, relation, customer_column, fact, set_aside) SELECT $3, %L, %L, to_jsonb(gone), true FROM gone',
				relation, relation, customer_column) USING part.oid, part.place, merge;
		END;
	END LOOP;
END
$$;
COMMENT ON FUNCTION cx.move_facts(regclass, name, boolean, bigint, bigint, bigint) IS 'gives the rows of a table that belong to one customer to another one, and notes which; part of merge_customers';

CREATE FUNCTION cx.find_unmerged_customer(code text) RETURNS bigint
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	found_id CONSTANT bigint := cx.find_customer(find_unmerged_customer.code);
	kept_code text;
BEGIN
	SELECT c.code INTO kept_code FROM cx_data.customer AS c WHERE c.customer_id = found_id;
	IF kept_code <> find_unmerged_customer.code THEN
		RAISE EXCEPTION 'customer "%" was merged into customer "%" already', find_unmerged_customer.code, kept_code
			USING ERRCODE = 'object_not_in_prerequisite_state', HINT = format('Name customer "%s" instead, or SELECT cx.unmerge(%s) first.', kept_code,
				(SELECT i.customer_merge_id FROM cx_data.customer_identity AS i WHERE i.kind = 'code' AND i.value = find_unmerged_customer.code));
	END IF;
	RETURN found_id;
END
$$;
COMMENT ON FUNCTION cx.find_unmerged_customer(text) IS 'key of the customer with this code; an error if there is none, or if he was merged into another one';

CREATE FUNCTION cx.merge_customers(keep text, lose text) RETURNS bigint
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	-- so that rows are always written alike, none stays unseen, and facts are found by index
	SET timezone = 'UTC' SET intervalstyle = 'postgres' SET extra_float_digits = 1 SET row_security = off SET enable_seqscan = off SET jit = off
	AS $$
DECLARE
	kept bigint;
	lost bigint;
	merge bigint;
BEGIN
	PERFORM cx.require_program();
	PERFORM cx.require_read_committed();
	IF keep IS NULL OR lose IS NULL THEN
		RAISE EXCEPTION 'keep and lose must be given' USING ERRCODE = 'null_value_not_allowed', HINT = 'They are codes of customers.';
	END IF;
	IF keep = lose THEN
		RAISE EXCEPTION 'customer "%" cannot be merged with himself', keep USING ERRCODE = 'invalid_parameter_value', HINT = 'Name two customers.';
	END IF;
	PERFORM cx.lock_facts();
	PERFORM FROM cx_data.customer AS c WHERE c.code IN (keep, lose) ORDER BY c.customer_id FOR UPDATE;
	kept := cx.find_unmerged_customer(keep);
	lost := cx.find_unmerged_customer(lose);

	INSERT INTO cx_data.customer_merge AS m (keep_id, lose_id, lost, org_unit_id)
	SELECT kept, c.customer_id, to_jsonb(c), c.org_unit_id FROM cx_data.customer AS c WHERE c.customer_id = lost
	RETURNING m.customer_merge_id INTO merge;
	PERFORM cx.move_facts(t.relation, t.customer_column, t.has_merge, lost, kept, merge) FROM cx.tables_of_customers() AS t;
	DELETE FROM cx_data.customer AS c WHERE c.customer_id = lost;
	INSERT INTO cx_data.customer_identity (kind, value, customer_id, customer_merge_id) VALUES ('code', lose, kept, merge);
	RETURN merge;
END
$$;
COMMENT ON FUNCTION cx.merge_customers(text, text) IS 'makes one customer of two: all that the second one has goes to the first, and his code and other names lead there from now on; gives the number of the merge, with which cx.unmerge() undoes it';

CREATE FUNCTION cx.merges_into(merge bigint) RETURNS bigint[]
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN ARRAY(
		WITH RECURSIVE below (customer_merge_id, lose_id) AS (
			SELECT m.customer_merge_id, m.lose_id FROM cx_data.customer_merge AS m WHERE m.customer_merge_id = merge
			UNION
			SELECT m.customer_merge_id, m.lose_id FROM cx_data.customer_merge AS m JOIN below ON m.keep_id = below.lose_id WHERE m.undone_at IS NULL
		)
		SELECT below.customer_merge_id FROM below);
END
$$;
COMMENT ON FUNCTION cx.merges_into(bigint) IS 'a merge and those by which others had come to the customer who went in it; part of unmerge';

CREATE FUNCTION cx.merges_after(merge bigint) RETURNS bigint[]
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN ARRAY(
		WITH RECURSIVE above (customer_merge_id, keep_id) AS (
			SELECT NULL::bigint, m.keep_id FROM cx_data.customer_merge AS m WHERE m.customer_merge_id = merge
			UNION
			SELECT m.customer_merge_id, m.keep_id FROM cx_data.customer_merge AS m JOIN above ON m.lose_id = above.keep_id WHERE m.undone_at IS NULL
		)
		SELECT above.customer_merge_id FROM above WHERE above.customer_merge_id IS NOT NULL);
END
$$;
COMMENT ON FUNCTION cx.merges_after(bigint) IS 'merges by which the customer who was kept in a merge went on to others; part of unmerge';

CREATE FUNCTION cx.give_facts_back(relation regclass, customer_column name, has_merge boolean, holder bigint, lost bigint, merge bigint) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	merges CONSTANT bigint[] := cx.merges_into(merge);
	column_names text;
BEGIN
	IF has_merge THEN
		EXECUTE format('UPDATE %1$s AS t SET %2$I = $2, customer_merge_id = nullif(t.customer_merge_id, $3) WHERE t.%2$I = $1 AND t.customer_merge_id = ANY ($4)',
			relation, customer_column) USING holder, lost, merge, merges;
	ELSE
		-- of rows that nothing tells apart as many as were moved
		EXECUTE format('WITH moved AS (SELECT f.fact, count(*) AS many FROM cx_data.customer_merge_fact AS f'
			' WHERE f.customer_merge_id = ANY ($3) AND f.relation = %4$L::regclass AND f.customer_column = %5$L AND NOT f.set_aside GROUP BY f.fact),'
			' held AS (SELECT t.tableoid AS part, t.ctid AS place, %3$s AS fact, row_number() OVER (PARTITION BY %3$s) AS nth FROM %1$s AS t WHERE t.%2$I = $1)'
			' UPDATE %1$s AS t SET %2$I = $2 FROM held JOIN moved USING (fact) WHERE held.nth <= moved.many AND t.%2$I = $1 AND t.tableoid = held.part AND t.ctid = held.place',
			relation, customer_column, cx.key_of_row(relation, customer_column), relation, customer_column) USING holder, lost, merges;
		-- what went on with the customer who was kept is not there any more
		DELETE FROM cx_data.customer_merge_fact AS later
		USING cx_data.customer_merge_fact AS f
		WHERE later.customer_merge_id = ANY (cx.merges_after(merge)) AND f.customer_merge_id = ANY (merges)
			AND later.relation = give_facts_back.relation AND f.relation = give_facts_back.relation
			AND later.customer_column = give_facts_back.customer_column AND f.customer_column = give_facts_back.customer_column
			AND later.fact = f.fact AND NOT later.set_aside AND NOT f.set_aside;
	END IF;
	IF EXISTS (SELECT FROM cx_data.customer_merge_fact AS f
			WHERE f.customer_merge_id = merge AND f.relation = give_facts_back.relation AND f.customer_column = give_facts_back.customer_column AND f.set_aside) THEN
		SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) INTO column_names
		FROM pg_attribute WHERE attrelid = relation AND attnum > 0 AND NOT attisdropped AND attgenerated = '';
		EXECUTE format('INSERT INTO %1$s (%2$s) OVERRIDING SYSTEM VALUE SELECT %2$s FROM jsonb_populate_recordset(NULL::%1$s, $1)', relation, column_names)
		USING (SELECT jsonb_agg(f.fact) FROM cx_data.customer_merge_fact AS f
			WHERE f.customer_merge_id = merge AND f.relation = give_facts_back.relation AND f.customer_column = give_facts_back.customer_column AND f.set_aside);
	END IF;
END
$$;
COMMENT ON FUNCTION cx.give_facts_back(regclass, name, boolean, bigint, bigint, bigint) IS 'gives the rows of a table back that a merge moved or set aside, or that came since under a name of the customer who went; part of unmerge';

CREATE FUNCTION cx.holder_after(merge bigint) RETURNS bigint
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	holder bigint := (SELECT m.keep_id FROM cx_data.customer_merge AS m WHERE m.customer_merge_id = merge);
	later record;
BEGIN
	LOOP
		SELECT m.customer_merge_id, m.keep_id, EXISTS (SELECT FROM cx_data.customer_merge_fact AS f WHERE f.customer_merge_id = m.customer_merge_id AND f.set_aside) AS sets_aside
		INTO later FROM cx_data.customer_merge AS m WHERE m.lose_id = holder AND m.undone_at IS NULL;
		EXIT WHEN NOT FOUND;
		-- what it set aside may be of either customer
		IF later.sets_aside THEN
			RAISE EXCEPTION 'merge % is part of merge %, which set rows aside', merge, later.customer_merge_id
				USING ERRCODE = 'object_not_in_prerequisite_state', HINT = format('SELECT cx.unmerge(%s) first.', later.customer_merge_id);
		END IF;
		holder := later.keep_id;
	END LOOP;
	RETURN holder;
END
$$;
COMMENT ON FUNCTION cx.holder_after(bigint) IS 'customer who now has what a merge moved, for the one who was kept may have been merged since; part of unmerge';

CREATE FUNCTION cx.bring_customer_back(merge bigint) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	old_row jsonb;
	column_names text;
BEGIN
	SELECT m.lost || jsonb_build_object('org_unit_id', m.org_unit_id) INTO old_row FROM cx_data.customer_merge AS m WHERE m.customer_merge_id = merge;
	DELETE FROM cx_data.customer_identity AS i WHERE i.kind = 'code' AND i.value = old_row ->> 'code';
	SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) INTO column_names
	FROM pg_attribute
	WHERE attrelid = 'cx_data.customer'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND old_row ? attname::text;
	EXECUTE format('INSERT INTO cx_data.customer (%1$s) OVERRIDING SYSTEM VALUE SELECT %1$s FROM jsonb_populate_record(NULL::cx_data.customer, $1)', column_names) USING old_row;
END
$$;
COMMENT ON FUNCTION cx.bring_customer_back(bigint) IS 'adds the customer again who went in a merge; part of unmerge';

CREATE FUNCTION cx.unmerge(merge bigint) RETURNS bigint
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	SET timezone = 'UTC' SET intervalstyle = 'postgres' SET extra_float_digits = 1 SET row_security = off SET enable_seqscan = off SET jit = off
	AS $$
DECLARE
	undone record;
	holder bigint;
BEGIN
	PERFORM cx.require_program();
	PERFORM cx.require_read_committed();
	IF merge IS NULL THEN
		RAISE EXCEPTION 'merge must be given' USING ERRCODE = 'null_value_not_allowed', HINT = 'TABLE cx_data.customer_merge shows the merges.';
	END IF;
	PERFORM cx.lock_facts();
	SELECT m.lose_id, m.undone_at INTO undone FROM cx_data.customer_merge AS m WHERE m.customer_merge_id = merge FOR UPDATE;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'merge % does not exist', merge USING ERRCODE = 'undefined_object', HINT = 'TABLE cx_data.customer_merge shows the merges.';
	END IF;
	IF undone.undone_at IS NOT NULL THEN
		RAISE EXCEPTION 'merge % was undone already', merge USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'TABLE cx_data.customer_merge shows the merges.';
	END IF;
	holder := cx.holder_after(merge);
	PERFORM FROM cx_data.customer AS c WHERE c.customer_id = holder FOR UPDATE;
	PERFORM cx.bring_customer_back(merge);
	PERFORM cx.give_facts_back(t.relation, t.customer_column, t.has_merge, holder, undone.lose_id, merge) FROM cx.tables_of_customers() AS t;
	DELETE FROM cx_data.customer_merge_fact AS f WHERE f.customer_merge_id = merge;
	UPDATE cx_data.customer_merge AS m SET undone_at = now(), undone_by = current_user, lost = NULL WHERE m.customer_merge_id = merge;
	RETURN undone.lose_id;
END
$$;
COMMENT ON FUNCTION cx.unmerge(bigint) IS 'undoes a merge of customers: the one who went is there again, with all that was his as far as it still exists, and what came since under his names; gives his key';
