-- What collecting keeps of persons besides feedback and events, and how erase_customer takes it out

CREATE FUNCTION cx.customers_of_response(definition jsonb, response jsonb) RETURNS SETOF text
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
	RETURN QUERY
	SELECT DISTINCT found.customer
	FROM cx.import_questions(definition) AS q
	CROSS JOIN LATERAL (SELECT coalesce(q.customer, nullif(jsonb_path_query_first(response, q.customer_path, q.variables, true) #>> '{}', ''),
		cx.invited_customer(jsonb_path_query_first(response, q.invitation_path, q.variables, true) #>> '{}')) AS customer) AS found
	WHERE found.customer IS NOT NULL;
END
$$;
COMMENT ON FUNCTION cx.customers_of_response(jsonb, jsonb) IS 'names of the customers that an imported response is of, as its definition finds them';

CREATE FUNCTION cx.response_is_erased(definition jsonb, response jsonb) RETURNS boolean
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
	RETURN EXISTS (SELECT FROM cx.customers_of_response(definition, response) AS name
		JOIN cx_data.erased_customer AS e ON e.name_hash IN (cx.erased_hash(coalesce(definition ->> 'customer_kind', 'code'), name), cx.erased_hash('invitation', name)));
END
$$;
COMMENT ON FUNCTION cx.response_is_erased(jsonb, jsonb) IS 'whether an imported response is of a customer who was erased, so that nothing of it is set aside';

CREATE FUNCTION cx.response_is_of(source bigint, response jsonb, customer bigint, strings text[]) RETURNS boolean
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
	definition CONSTANT jsonb := (SELECT f.definition || (s.mapping - 'format') FROM cx_data.source AS s JOIN cx_data.import_format AS f ON f.code = s.mapping ->> 'format' WHERE s.source_id = source);
	named CONSTANT text[] := ARRAY(SELECT cx.customers_of_response(definition, response) WHERE definition IS NOT NULL);
BEGIN
	IF cardinality(named) > 0 THEN
		-- the tokens of his invitations are among the strings, for they may be replaced by now
		RETURN named && strings OR EXISTS (SELECT FROM cx.names_of_customer(customer) AS n WHERE n.kind IN ('code', 'invitation', definition ->> 'customer_kind') AND n.name = ANY (named));
	END IF;
	RETURN EXISTS (SELECT FROM unnest(strings) AS s WHERE length(s) > 2 AND strpos(lower(response::text), lower(trim(BOTH '"' FROM to_jsonb(s)::text))) > 0);
END
$$;
COMMENT ON FUNCTION cx.response_is_of(bigint, jsonb, bigint, text[]) IS 'whether a response is of a customer: one that names its customer by that, any other if a string of his stands in it; part of erase_customer';

CREATE FUNCTION cx.response_may_tell(response jsonb, strings text[]) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	BEGIN ATOMIC
		SELECT EXISTS (SELECT FROM unnest(strings) AS s WHERE pg_catalog.strpos(lowered, pg_catalog.lower(trim(BOTH '"' FROM pg_catalog.to_jsonb(s)::text))) > 0)
		FROM pg_catalog.lower(response::text) AS lowered;
	END;
COMMENT ON FUNCTION cx.response_may_tell(jsonb, text[]) IS 'whether one of these strings stands in a response, so that it is worth a closer look; part of erase_customer';

CREATE FUNCTION cx.erase_from_response_apart(customer bigint, strings text[]) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	erased bigint;
BEGIN
	DELETE FROM cx_data.response_apart AS a WHERE CASE WHEN cx.response_may_tell(a.payload, strings) THEN cx.response_is_of(a.source_id, a.payload, customer, strings) END;
	GET DIAGNOSTICS erased = ROW_COUNT;
	RETURN erased;
END
$$;
COMMENT ON FUNCTION cx.erase_from_response_apart(bigint, text[]) IS 'deletes responses of a customer that were set aside; part of erase_customer, which calls all functions erase_from_<table>';

CREATE FUNCTION cx.erase_from_import_error(customer bigint, strings text[]) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	deleted bigint;
	erased bigint;
BEGIN
	DELETE FROM cx_data.import_error AS e WHERE e.payload IS NOT NULL AND CASE WHEN cx.response_may_tell(e.payload, strings) THEN cx.response_is_of(e.source_id, e.payload, customer, strings) END;
	GET DIAGNOSTICS deleted = ROW_COUNT;
	-- maintain() still tries rows of attached tables, and finds them by comparing all
	UPDATE cx_data.import_error AS e SET source_key = 'erased:' || cx.erased_hash('source_key', e.source_key), message = 'the message is not kept, for it may name a customer who was erased'
	WHERE e.payload IS NULL AND (
		EXISTS (SELECT FROM unnest(strings) AS s WHERE e.source_key = s
			OR strpos(lower(e.message), lower(CASE WHEN length(s) > 2 THEN s ELSE format('"%s"', s) END)) > 0
			OR (length(s) > 2 AND strpos(lower(e.source_key), lower(s)) > 0))
		OR EXISTS (SELECT FROM cx_data.feedback AS f WHERE f.source_id = e.source_id AND f.source_key = e.source_key AND f.customer_id = customer)
		OR EXISTS (SELECT FROM cx_data.event AS f WHERE f.source_id = e.source_id AND f.source_key = e.source_key AND f.customer_id = customer)
		OR EXISTS (SELECT FROM cx_data.ticket AS f WHERE f.source_id = e.source_id AND f.source_key = e.source_key AND f.customer_id = customer));
	GET DIAGNOSTICS erased = ROW_COUNT;
	RETURN deleted + erased;
END
$$;
COMMENT ON FUNCTION cx.erase_from_import_error(bigint, text[]) IS 'deletes responses of a customer that could not be imported, and takes keys and messages out that may name him; part of erase_customer';
