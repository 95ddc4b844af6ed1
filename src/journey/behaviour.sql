-- What customers do along a journey: the events at its touchpoints

CREATE FUNCTION cx.drop_off_counts(touchpoints bigint[], starts_at timestamptz, ends_at timestamptz)
	RETURNS TABLE (touchpoint_id bigint, customers bigint, dropped bigint)
	LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 20 SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
	IF touchpoints IS NULL THEN
		RETURN;
	END IF;
	RETURN QUERY
	SELECT last.touchpoint_id, count(*), count(*) FILTER (WHERE last.next_at IS NULL OR last.next_at > last.occurred_at + interval '672 hours')
	FROM (
		-- the last event of each customer at each touchpoint, and when the next one came anywhere
		SELECT DISTINCT ON (e.touchpoint_id, e.customer_id) e.touchpoint_id, e.occurred_at, e.next_at
		FROM (
			SELECT touchpoint_id, customer_id, occurred_at, event_id, lead(occurred_at) OVER (PARTITION BY customer_id ORDER BY occurred_at, event_id) AS next_at
			FROM cx_data.event
			WHERE touchpoint_id = ANY (touchpoints) AND customer_id IS NOT NULL
				AND occurred_at >= starts_at AND occurred_at <= ends_at + interval '672 hours' AND occurred_at <= cx.as_of()
		) AS e
		WHERE e.occurred_at < ends_at
		ORDER BY e.touchpoint_id, e.customer_id, e.occurred_at DESC, e.event_id DESC
	) AS last
	GROUP BY last.touchpoint_id;
END
$$;
COMMENT ON FUNCTION cx.drop_off_counts(bigint[], timestamptz, timestamptz) IS 'of the customers with events at touchpoints within a time, end not included: how many were at each, and how many of these dropped off there: had no event at any of these touchpoints in the 28 days (of 24 hours) after their last one there; no rows if touchpoints is NULL';

