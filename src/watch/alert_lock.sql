-- Which alerts and emergencies others are writing to just now: nobody waits for them

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

CREATE FUNCTION cx.emergency_locks(matches jsonb) RETURNS bigint[]
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM cx_data.alert_rule AS r WHERE r.opens_ticket AND r.severity = 'critical') THEN
		RETURN '{}';
	END IF;
	-- all of them, for there are no more than such rules and touchpoints
	RETURN (
		WITH emergency AS MATERIALIZED (
			SELECT array_agg(m.place) AS places, concat_ws('/', 'emergency', m.rule_id, m.touchpoint_id) AS name
			FROM ROWS FROM (jsonb_to_recordset(matches) AS (rule_id bigint, touchpoint_id bigint)) WITH ORDINALITY AS m (rule_id, touchpoint_id, place)
			JOIN cx_data.alert_rule AS r ON r.alert_rule_id = m.rule_id
			WHERE r.opens_ticket AND r.severity = 'critical'
			GROUP BY m.rule_id, m.touchpoint_id
		)
		SELECT coalesce(array_agg(p.place), '{}') FROM emergency AS e CROSS JOIN LATERAL unnest(e.places) AS p (place)
		WHERE NOT pg_try_advisory_xact_lock(1668833345, hashtext(e.name))
	);
END
$$;
COMMENT ON FUNCTION cx.emergency_locks(jsonb) IS 'which matches, by number from 1, are of an emergency to which others are writing in transactions of theirs, and which they may be opening; locks the rest against them. Part of raise_alerts';
