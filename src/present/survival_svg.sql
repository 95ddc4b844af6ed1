-- Survival curves of groups that a query gives, and their picture
--
-- The query runs with the search_path of the caller, as query.sql says.

CREATE FUNCTION cx.survival_curves(query text) RETURNS TABLE (breakdown text, curve cx.survival_curve)
	LANGUAGE plpgsql STABLE AS $$
DECLARE
	columns CONSTANT text[] := cx.query_columns(query, 'duration', 'ended');
BEGIN
	IF 'breakdown' = ANY (columns) THEN
		PERFORM cx.query_columns(query, 'breakdown');
	END IF;
	RETURN QUERY EXECUTE pg_catalog.format($curves$
		SELECT c.breakdown, c.curve
		FROM (
			SELECT g.breakdown, cx.kaplan_meier(g.duration, g.ended) AS curve
			FROM (SELECT given.duration, given.ended::pg_catalog.bool AS ended, %s COLLATE pg_catalog."C" AS breakdown FROM %s AS given) AS g
			GROUP BY g.breakdown) AS c
		WHERE c.curve IS NOT NULL
		ORDER BY c.breakdown$curves$,
		CASE WHEN 'breakdown' = ANY (columns) THEN 'given.breakdown::pg_catalog.text' ELSE 'NULL::pg_catalog.text' END, cx.query_subselect(query));
END
$$;
COMMENT ON FUNCTION cx.survival_curves(text) IS 'survival curves, as cx.kaplan_meier makes them, of a query that gives columns duration (a number or an interval) and ended (Boolean, or what can be cast to it), and breakdown to have a curve for each value of it; rows with NULL duration or ended are left out';

CREATE FUNCTION cx.survival_svg(query text, unit text DEFAULT NULL, title text DEFAULT NULL) RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE;
COMMENT ON FUNCTION cx.survival_svg(text, text, text) IS 'survival curves of a query, as cx.survival_curves takes it, as an SVG picture: for each value of breakdown, at most the 8 with the most customers, the share of customers that has not ended over the time, with its 95 % interval, how many are at risk, and the median; of up to 100 groups also the p-value of the log-rank test of all of them whose breakdown is known. unit is the name of the unit of durations, such as months';

