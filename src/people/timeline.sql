-- What happened to a customer, in order

CREATE FUNCTION cx.customer_timeline(customer text)
	RETURNS TABLE (happened_at timestamptz, what text, name text, touchpoint text, org_unit text, channel text,
		metric text, score integer, value double precision, detail text)
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	who CONSTANT bigint := cx.find_customer(customer);
BEGIN
	RETURN QUERY
	SELECT h.happened_at, h.what, h.name, t.code, u.code, h.channel, h.metric, h.score, h.value, h.detail
	FROM (
		SELECT f.responded_at AS happened_at, 'feedback' AS what, f.kind AS name, f.touchpoint_id, f.org_unit_id,
			f.channel, f.metric, f.score::integer AS score, NULL::double precision AS value, f.comment AS detail, f.feedback_id AS id
		FROM cx_data.feedback AS f
		WHERE f.customer_id = who AND f.responded_at <= cx.as_of()
		UNION ALL
		SELECT e.occurred_at, 'event', e.name, e.touchpoint_id, e.org_unit_id,
			NULL, NULL, NULL, e.value, e.attributes::text, e.event_id
		FROM cx_data.event AS e
		WHERE e.customer_id = who AND e.occurred_at <= cx.as_of()
		UNION ALL
		SELECT tagged.at, tagged.what, g.code, NULL, NULL, NULL, NULL, NULL, NULL, NULL, c.customer_tag_id
		FROM cx_data.customer_tag AS c
		JOIN cx_data.tag AS g USING (tag_id)
		CROSS JOIN LATERAL (VALUES (c.valid_from, 'tag given'), (c.valid_until, 'tag taken')) AS tagged (at, what)
		WHERE c.customer_id = who AND tagged.at <= cx.as_of()
		UNION ALL
		SELECT e.occurred_at, 'ticket', e.status, k.touchpoint_id, k.org_unit_id, NULL, NULL, NULL, NULL, k.subject, e.ticket_event_id
		FROM cx_data.ticket AS k
		JOIN cx_data.ticket_event AS e USING (ticket_id)
		WHERE k.customer_id = who AND e.status IS NOT NULL AND e.ticket_task_id IS NULL AND e.occurred_at <= cx.as_of()
	) AS h
	LEFT JOIN cx_data.touchpoint AS t USING (touchpoint_id)
	LEFT JOIN cx_data.org_unit AS u USING (org_unit_id)
	ORDER BY h.happened_at, h.what, h.id;
END
$$;
COMMENT ON FUNCTION cx.customer_timeline(text) IS 'all that happened to a customer until cx.as_of(), in order: feedback (name is its kind, detail the comment), events (detail their attributes), tags given and taken, tickets (name is the status, detail the subject)';
