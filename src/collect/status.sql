-- View of sources: whether what they hold has arrived

CREATE OR REPLACE VIEW cx_data.source_status WITH (security_invoker = true) AS
WITH attached AS (
	SELECT s.source_id, quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS relation,
		EXISTS (SELECT FROM pg_trigger AS t
			WHERE t.tgrelid = c.oid AND starts_with(t.tgname, format('cx_%s_%s_', s.kind, s.source_id))) AS has_trigger
	FROM cx_data.source AS s JOIN pg_class AS c ON c.oid = s.relation JOIN pg_namespace AS n ON n.oid = c.relnamespace
),
captured AS (
	SELECT source_id, count(*) AS captured_rows, max(responded_at) AS last_row_at FROM cx_data.feedback GROUP BY source_id
	UNION ALL
	SELECT source_id, count(*), max(occurred_at) FROM cx_data.event GROUP BY source_id
	UNION ALL
	SELECT source_id, count(*), max(opened_at) FROM cx_data.ticket GROUP BY source_id
),
failed AS (
	SELECT source_id, count(*) AS error_rows, cx.last_import_error(source_id) AS last_error
	FROM cx_data.import_error GROUP BY source_id
)
SELECT s.name AS source, s.kind, a.relation,
	CASE WHEN s.relation IS NULL AND s.mapping ? 'format' THEN 'imported' WHEN s.relation IS NULL AND s.mapping = '{}' THEN 'submitted'
		WHEN a.has_trigger IS NOT TRUE THEN 'detached' WHEN s.pulled THEN 'pulled' ELSE 'triggers' END AS how,
	coalesce(s.mapping ->> 'on_error', 'fail') AS on_error,
	counted.source_rows, coalesce(c.captured_rows, 0) AS captured_rows, coalesce(f.error_rows, 0) AS error_rows,
	counted.source_rows - coalesce(c.captured_rows, 0) - coalesce(f.error_rows, 0) AS difference,
	c.last_row_at, extract(epoch FROM now() - c.last_row_at)::double precision AS lag_seconds,
	s.pulled_at, s.compared_at, coalesce(counted.problem, f.last_error) AS last_error
FROM cx_data.source AS s
LEFT JOIN attached AS a USING (source_id)
LEFT JOIN captured AS c USING (source_id)
LEFT JOIN failed AS f USING (source_id)
LEFT JOIN LATERAL cx.try_count_source(s.name) AS counted ON a.has_trigger;
COMMENT ON VIEW cx_data.source_status IS 'state of each source, counted now: rows it holds, rows captured, and what is between them';
COMMENT ON COLUMN cx_data.source_status.source IS 'name of the source, unique per row';
COMMENT ON COLUMN cx_data.source_status.kind IS 'what it delivers: feedback, event or ticket';
COMMENT ON COLUMN cx_data.source_status.relation IS 'table, view or foreign table that is attached, with its schema; NULL if none is or it was dropped';
COMMENT ON COLUMN cx_data.source_status.how IS 'how rows come in: triggers, pulled (by cx.sync_source), imported (cx.import_feedback, cx.import_csv), submitted (cx.submit_feedback, or by hand), or detached: they do not';
COMMENT ON COLUMN cx_data.source_status.on_error IS 'what happens to a row that cannot be captured: fail (the statement fails), or record (in cx_data.import_error)';
COMMENT ON COLUMN cx_data.source_status.source_rows IS 'rows of the relation that are to be captured; NULL if detached, or if they cannot be counted: last_error says why';
COMMENT ON COLUMN cx_data.source_status.captured_rows IS 'rows of feedback, events or tickets from this source';
COMMENT ON COLUMN cx_data.source_status.error_rows IS 'rows that could not be captured, as recorded in cx_data.import_error';
COMMENT ON COLUMN cx_data.source_status.difference IS 'source_rows minus captured_rows minus error_rows: above 0, rows are still to come, below 0, to leave';
COMMENT ON COLUMN cx_data.source_status.last_row_at IS 'latest responded_at, occurred_at or opened_at captured; NULL if nothing is';
COMMENT ON COLUMN cx_data.source_status.lag_seconds IS 'seconds from last_row_at to now';
COMMENT ON COLUMN cx_data.source_status.pulled_at IS 'when rows were last pulled';
COMMENT ON COLUMN cx_data.source_status.compared_at IS 'when all rows were last compared, those that left included';
COMMENT ON COLUMN cx_data.source_status.last_error IS 'why the rows cannot be counted, else why the last row that failed could not be captured';
