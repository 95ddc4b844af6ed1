-- A funnel as a table, of the events that a query gives
--
-- It runs with the search_path of the caller, as query.sql says.

CREATE FUNCTION cx.funnel_check(steps text[], win interval, as_of timestamptz) RETURNS interval
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	twice CONSTANT text := (SELECT step FROM unnest(steps) AS step GROUP BY step HAVING count(*) > 1 ORDER BY step LIMIT 1);
	span interval;
BEGIN
	IF cardinality(steps) NOT BETWEEN 1 AND 32 OR array_ndims(steps) <> 1 THEN
		RAISE EXCEPTION 'number of steps must be 1..32' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	PERFORM cx.require_argument('steps', steps IS NOT NULL AND array_position(steps, NULL) IS NULL);
	PERFORM cx.require_time('as_of', as_of);
	span := cx.exact_length('win', win);
	IF twice IS NOT NULL THEN
		RAISE EXCEPTION 'step "%" is given twice', twice
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Give repeats names of their own in the query, or use cx.window_funnel with mode strict_once.';
	END IF;
	RETURN span;
END
$$;
COMMENT ON FUNCTION cx.funnel_check(text[], interval, timestamptz) IS 'the window with its days as 24 hours each; error unless these make a funnel; support function of funnel';

CREATE FUNCTION cx.funnel(query text, steps text[], win interval, as_of timestamptz DEFAULT cx.as_of(), entered_from timestamptz DEFAULT NULL, entered_until timestamptz DEFAULT NULL, confidence double precision DEFAULT 0.95)
	RETURNS TABLE (breakdown text, step_number integer, step text, entered bigint, reached bigint, in_progress bigint,
		from_previous double precision, from_previous_lower double precision, from_previous_upper double precision,
		from_first double precision, from_first_lower double precision, from_first_upper double precision, median_seconds double precision)
	LANGUAGE plpgsql STABLE AS $$
DECLARE
	observed_until CONSTANT timestamptz := COALESCE(as_of, cx.as_of());
	columns CONSTANT text[] := cx.query_columns(query, 'customer', 'at', 'step');
	span CONSTANT interval := cx.funnel_check(steps, win, observed_until);
BEGIN
	PERFORM cx.require_argument('confidence', confidence IS NOT NULL);
	IF 'breakdown' = ANY (columns) THEN
		PERFORM cx.query_columns(query, 'breakdown');
	END IF;
	RETURN QUERY EXECUTE pg_catalog.format($funnel$
		WITH event AS (
			SELECT given.customer, given.at::timestamp with time zone AS at, pg_catalog.array_position($1, given.step::pg_catalog.text) AS number, %s AS breakdown
			FROM %s AS given
			WHERE given.customer IS DISTINCT FROM NULL AND given.step::pg_catalog.text = ANY ($1) AND given.at::timestamp with time zone <= $3
		), placed AS (
			SELECT *, number = 1 AND ($4 IS NULL OR at >= $4) AND ($5 IS NULL OR at < $5) AS is_entry, at <= $3 - $7 AS is_observed FROM event
		), chain AS (
			SELECT cx.funnel_times($2, at, VARIADIC pg_catalog.array_prepend(is_entry AND is_observed, rest)) AS observed,
				cx.funnel_times($2, at, VARIADIC pg_catalog.array_prepend(is_entry AND NOT is_observed, rest)) AS young,
				pg_catalog.array_agg(at) FILTER (WHERE is_entry) AS entries, pg_catalog.array_agg(breakdown) FILTER (WHERE is_entry) AS breakdowns
			FROM placed CROSS JOIN LATERAL (SELECT pg_catalog.array_agg(number = n ORDER BY n) AS rest FROM pg_catalog.generate_series(2, pg_catalog.cardinality($1)) AS n) AS later
			GROUP BY customer
		), customer AS (
			SELECT c.is_observed, c.times,
				(SELECT pg_catalog.min(e.breakdown COLLATE pg_catalog."C") FROM ROWS FROM (pg_catalog.unnest(entries), pg_catalog.unnest(breakdowns)) AS e (at, breakdown) WHERE e.at = c.times[1]) AS breakdown
			FROM chain CROSS JOIN LATERAL (SELECT observed <> '{}', CASE WHEN observed <> '{}' THEN observed ELSE young END) AS c (is_observed, times)
			WHERE c.times <> '{}'
		), counted AS (
			SELECT c.breakdown, n AS number, pg_catalog.count(*) FILTER (WHERE c.is_observed AND pg_catalog.cardinality(c.times) >= n) AS reached,
				pg_catalog.count(*) FILTER (WHERE NOT c.is_observed AND pg_catalog.cardinality(c.times) >= n) AS in_progress,
				pg_catalog.percentile_cont(0.5::double precision) WITHIN GROUP (ORDER BY cx.seconds_between(c.times[n], c.times[n + 1])) FILTER (WHERE c.is_observed) AS median_seconds
			FROM (SELECT * FROM customer UNION ALL SELECT NULL, NULL, NULL WHERE NOT EXISTS (SELECT FROM customer)) AS c
			CROSS JOIN pg_catalog.generate_series(1, pg_catalog.cardinality($1)) AS n
			GROUP BY c.breakdown, n
		), followed AS (
			SELECT *, pg_catalog.first_value(reached) OVER onward AS entered, pg_catalog.lag(reached) OVER onward AS before FROM counted WINDOW onward AS (PARTITION BY breakdown ORDER BY number)
		)
		SELECT f.breakdown, f.number, $1[f.number], f.entered, f.reached, f.in_progress, p.value, p.lower, p.upper, e.value, e.lower, e.upper, f.median_seconds
		FROM followed AS f
		CROSS JOIN LATERAL cx.share_estimate(f.reached, f.before, $6) AS p
		CROSS JOIN LATERAL cx.share_estimate(f.reached, f.entered, $6) AS e
		ORDER BY f.breakdown, f.number$funnel$,
		CASE WHEN 'breakdown' = ANY (columns) THEN 'given.breakdown::pg_catalog.text' ELSE 'NULL::pg_catalog.text' END, cx.query_subselect(query))
	-- a slice is numbered from 1, whatever the array is numbered from
	USING steps[:], win, observed_until, entered_from, entered_until, confidence, span;
END
$$;
COMMENT ON FUNCTION cx.funnel(text, text[], interval, timestamptz, timestamptz, timestamptz, double precision) IS 'a funnel, a row for each step, of a query that gives columns customer, at and step, and breakdown to have it by that column: how many customers reached the steps (names, 1..32, each once) in this order, none earlier than the one before, the last at most win after the first, as cx.funnel_times finds them. Only entries that had their whole window by as_of (default cx.as_of()) count in entered and reached; customers whose entries are all younger are in_progress. entered_from and entered_until (not included) limit the first step only; later ones may fall after. from_previous and from_first are percent of those who reached the step before, and the first, with Wilson score intervals; median_seconds is the median time to the next step of those who reached it. The breakdown of a customer is that of the event with which he entered. Rows without customer, time or step, and those after as_of, are left out';

