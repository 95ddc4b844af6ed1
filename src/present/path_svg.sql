-- Pictures of paths
--
-- The query runs with the search_path of the caller, as query.sql says.

CREATE FUNCTION cx.path_svg(query text, max_length integer DEFAULT 5, title text DEFAULT NULL) RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION cx.path_svg(text, integer, text) IS 'what cx.path_counts gives for these arguments, repeats joined, as an SVG picture of the flow from step to step: a column for each of the first max_length (2..10) steps of the customers, in it the steps, as high as many customers were there, at most 8, of which the last ones are other, the joined rest, and end, where paths that were shorter end; from column to column, how many went from which step to which, as wide as many customers they are. Percent are of all customers';

