-- Visits to states, paths and transitions, of the events that a query gives
--
-- They run with the search_path of the caller, as query.sql says.

CREATE FUNCTION cx.state_visits(query text, as_of timestamptz DEFAULT NULL)
	RETURNS TABLE (customer text, state text, entered_at timestamptz, left_at timestamptz, seconds double precision, visit bigint)
	LANGUAGE plpgsql STABLE AS $$
BEGIN
	IF NOT pg_catalog.isfinite(as_of) THEN
		RAISE EXCEPTION 'as_of must not be infinite' USING ERRCODE = 'datetime_field_overflow';
	END IF;
	RETURN QUERY EXECUTE pg_catalog.format($visits$
		SELECT v.customer::pg_catalog.text, v.step, v.at, v.until, cx.seconds_between(v.at, v.until),
			pg_catalog.row_number() OVER (PARTITION BY v.customer, v.step ORDER BY v.place)
		FROM (
			SELECT *, coalesce(pg_catalog.lead(at) OVER (PARTITION BY customer ORDER BY place), $1) AS until
			FROM %s AS run
			WHERE $1 IS NULL OR at <= $1
		) AS v
		ORDER BY v.customer, v.place$visits$, cx.query_runs(query, 'state')) USING as_of;
END
$$;
COMMENT ON FUNCTION cx.state_visits(text, timestamptz) IS 'visits of customers to states, from the events of a query that gives columns customer, at and state, and seq if it knows the order within an instant: customer, state, entered_at and left_at (first event of this and of the next state), seconds between them, visit (1, 2, ... within customer and state); the last visit lasts until as_of, or if that is NULL, has NULL as left_at and seconds; events after as_of are ignored';

CREATE FUNCTION cx.path_counts(query text, max_length integer DEFAULT 10, collapse boolean DEFAULT true)
	RETURNS TABLE (path text[], count bigint, share double precision)
	LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN QUERY EXECUTE pg_catalog.format($paths$
		SELECT p.path, pg_catalog.count(*),
			100.0::double precision * pg_catalog.count(*)::double precision / (pg_catalog.sum(pg_catalog.count(*)) OVER ())::double precision
		FROM (
			-- its place stands for the time of an event, so that seq counts
			SELECT cx.path(timestamp with time zone 'epoch' + place::double precision * interval '1 microsecond', step, $1, $2) AS path
			FROM %s AS event
			GROUP BY customer
		) AS p
		GROUP BY p.path
		ORDER BY pg_catalog.count(*) DESC, p.path COLLATE pg_catalog."C"$paths$, cx.query_events(query)) USING max_length, collapse;
END
$$;
COMMENT ON FUNCTION cx.path_counts(text, integer, boolean) IS 'which ways customers went, the most frequent first, from the events of a query that gives columns customer, at and step, and seq if it knows the order within an instant: path as cx.path gives it, count of customers, share in percent of all of them; max_length NULL for no limit';

CREATE FUNCTION cx.transitions(query text, collapse boolean DEFAULT true)
	RETURNS TABLE (from_step text, to_step text, count bigint, share double precision, mean_seconds double precision, median_seconds double precision)
	LANGUAGE plpgsql STABLE AS $$
BEGIN
	IF collapse IS NULL THEN
		RAISE EXCEPTION 'collapse must not be null' USING ERRCODE = 'null_value_not_allowed';
	END IF;
	RETURN QUERY EXECUTE pg_catalog.format($transitions$
		SELECT t.from_step, t.to_step, pg_catalog.count(*),
			100.0::double precision * pg_catalog.count(*)::double precision / (pg_catalog.sum(pg_catalog.count(*)) OVER (PARTITION BY t.from_step))::double precision,
			pg_catalog.avg(t.seconds), pg_catalog.percentile_cont(0.5::double precision) WITHIN GROUP (ORDER BY t.seconds)
		FROM (
			SELECT step AS from_step, pg_catalog.lead(step) OVER onward AS to_step, cx.seconds_between(at, pg_catalog.lead(at) OVER onward) AS seconds
			FROM %s AS event
			WINDOW onward AS (PARTITION BY customer ORDER BY place)
		) AS t
		WHERE t.to_step IS NOT NULL
		GROUP BY t.from_step, t.to_step
		ORDER BY t.from_step, t.to_step$transitions$, CASE WHEN collapse THEN cx.query_runs(query) ELSE cx.query_events(query) END);
END
$$;
COMMENT ON FUNCTION cx.transitions(text, boolean) IS 'which step follows which directly, from the events of a query that gives columns customer, at and step, and seq if it knows the order within an instant: from_step, to_step, count of transitions, share in percent of all that left from_step, mean_seconds and median_seconds from one to the other; with collapse, repeats that follow each other are one step, timed from the first of them to the first of the next';

