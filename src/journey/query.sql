-- Events that a query gives, which is handed over as a text
--
-- These functions run with the search_path of the caller, whose query it is; so they name schemas, and operators get the types that they are made for.

CREATE FUNCTION cx.query_columns(query text, VARIADIC needed text[] DEFAULT '{}') RETURNS text[]
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION cx.query_columns(text, text[]) IS 'names of the columns that a query gives, in their order, without running it; error unless it is one SELECT, or if a column that is needed is not there once';

CREATE FUNCTION cx.query_types(query text) RETURNS text[]
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION cx.query_types(text) IS 'types of the columns that a query gives, in their order, with schema and without length, without running it; error unless it is one SELECT';

CREATE FUNCTION cx.query_subselect(query text) RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.query_subselect(text) IS 'a query in parentheses, to stand after FROM; it may end in a semicolon or a comment; error unless it is one SELECT';

CREATE FUNCTION cx.seconds_between(entered_at timestamptz, left_at timestamptz) RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.seconds_between(timestamptz, timestamptz) IS 'seconds from one time to another; error if one is infinite';

CREATE FUNCTION cx.query_events(query text, step text DEFAULT 'step') RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED AS $$
DECLARE
	columns CONSTANT text[] := cx.query_columns(query, 'customer', 'at', step);
BEGIN
	-- a customer may be a row, which IS NOT NULL only if none of its columns is
	RETURN pg_catalog.format($events$(
		SELECT customer, at, step, pg_catalog.row_number() OVER (PARTITION BY customer ORDER BY at, %s step) AS place
		FROM (SELECT customer, at::timestamp with time zone AS at, %I::pg_catalog.text COLLATE pg_catalog."C" AS step %s FROM %s AS given) AS event
		WHERE customer IS DISTINCT FROM NULL AND at IS NOT NULL AND step IS NOT NULL)$events$,
		CASE WHEN 'seq' = ANY (columns) THEN 'seq,' END, step, CASE WHEN 'seq' = ANY (columns) THEN ', seq' END, cx.query_subselect(query));
END
$$;
COMMENT ON FUNCTION cx.query_events(text, text) IS 'text to stand after FROM: the events of a query that gives columns customer, at and step (or the column named so), as customer, at, step and place, from 1 on within a customer by at, then by seq if the query gives it, then by the bytes of step; events with a NULL are left out';

CREATE FUNCTION cx.query_runs(query text, step text DEFAULT 'step') RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED AS $$
BEGIN
	RETURN pg_catalog.format($runs$(
		SELECT customer, at, step, place
		FROM (SELECT *, pg_catalog.lag(step) OVER (PARTITION BY customer ORDER BY place) AS step_before FROM %s AS event) AS event
		WHERE step_before IS DISTINCT FROM step)$runs$, cx.query_events(query, step));
END
$$;
COMMENT ON FUNCTION cx.query_runs(text, text) IS 'text to stand after FROM: what query_events gives, of equal steps of a customer that follow each other only the first';

