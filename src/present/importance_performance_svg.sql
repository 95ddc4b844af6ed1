-- Pictures of drivers
--
-- The query runs with the search_path of the caller, as query.sql says.

CREATE FUNCTION cx.importance_performance_svg(query text, outcome text, method text DEFAULT 'relative_weights', title text DEFAULT NULL) RETURNS text
	AS 'MODULE_PATHNAME', 'driver_analysis_svg' LANGUAGE C STABLE;
COMMENT ON FUNCTION cx.importance_performance_svg(text, text, text, text) IS 'what cx.driver_analysis gives for these arguments as an SVG picture: a dot for each of the 30 most important drivers, the higher the more important and the further right the better it performs, in the four quadrants of importance-performance analysis (Martilla and James 1977), whose borders are the means over all drivers; beside it a table of the drivers; performance is performance_index, and a category stands in the table only';

CREATE FUNCTION cx.importance_performance_svg(summary cx.moments, names text[], outcome text, method text DEFAULT 'relative_weights', title text DEFAULT NULL) RETURNS text
	AS 'MODULE_PATHNAME', 'drivers_svg' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.importance_performance_svg(cx.moments, text[], text, text, text) IS 'the same for what cx.drivers gives for these arguments; performance is the mean of a driver, and all drivers should be on one scale';
