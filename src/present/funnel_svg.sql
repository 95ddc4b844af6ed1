-- Pictures of funnels
--
-- The query runs with the search_path of the caller, as query.sql says.

CREATE FUNCTION cx.funnel_svg(query text, steps text[], win interval, as_of timestamptz DEFAULT NULL, title text DEFAULT NULL) RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION cx.funnel_svg(text, text[], interval, timestamptz, text) IS 'what cx.funnel gives for these arguments as an SVG picture: a bar for each step, as long as its share of those who entered, with the 95 % interval; how many reached it, in percent of the first step and of the step before; how many left before the next step, and the median time to it; how many are in progress. If the query gives a column breakdown, a funnel for each of the 8 values with the most customers, one below the other. Times are in UTC';

