-- What drives an outcome, and how well each driver does

CREATE FUNCTION cx.driver_weights(summary cx.moments, names text[], outcome text, method text DEFAULT 'relative_weights', collinear text DEFAULT 'error')
	RETURNS TABLE (driver text, importance double precision, coefficient double precision, std_error double precision, p_value double precision, performance double precision)
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE ROWS 20;
COMMENT ON FUNCTION cx.driver_weights(cx.moments, text[], text, text, text) IS 'drivers in order of their columns, with their parts of R-squared; what cx.drivers is made of';

CREATE FUNCTION cx.importance_quadrant(importance double precision, importance_from double precision, performance double precision, performance_from double precision) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE WHEN importance >= importance_from THEN CASE WHEN performance >= performance_from THEN 'keep up the good work' WHEN performance < performance_from THEN 'concentrate here' END
		WHEN importance < importance_from THEN CASE WHEN performance >= performance_from THEN 'possible overkill' WHEN performance < performance_from THEN 'low priority' END END;
COMMENT ON FUNCTION cx.importance_quadrant(double precision, double precision, double precision, double precision) IS 'where a driver lies in importance-performance analysis (Martilla and James 1977), of what is high from two bounds on: keep up the good work (both high), concentrate here (important, performs low), possible overkill (not important, performs high), low priority; NULL if one is unknown';

CREATE FUNCTION cx.drivers(summary cx.moments, names text[], outcome text, method text DEFAULT 'relative_weights', collinear text DEFAULT 'error')
	RETURNS TABLE (driver text, importance double precision, share double precision, coefficient double precision, std_error double precision, p_value double precision, performance double precision, quadrant text)
	LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 20
BEGIN ATOMIC
	SELECT d.driver, d.importance, 100 * d.importance / nullif(sum(d.importance) OVER (), 0), d.coefficient, d.std_error, d.p_value, d.performance,
		cx.importance_quadrant(d.importance, avg(d.importance) OVER (), d.performance, avg(d.performance) OVER ())
	FROM cx.driver_weights(summary, names, outcome, method, collinear) AS d
	ORDER BY d.importance DESC, d.driver COLLATE pg_catalog."C";
END;
COMMENT ON FUNCTION cx.drivers(cx.moments, text[], text, text, text) IS 'what drives the column named outcome, the most important driver first. importance: part of R-squared, to which all add up, by Johnson''s relative weights (2000) or, with method => ''shapley'', by Shapley''s value of at most 15 drivers (LMG, Lindeman, Merenda and Gold 1980); share: the same in percent; coefficient, std_error and p_value of the least squares regression, in units of the outcome per unit of the driver; performance: mean of the driver; quadrant: importance and performance against their means over all drivers, which should be on one scale where more is better. names has one for each column, the outcome included; columns of one name are one driver, such as the dummy columns of a category: importances are added, p_value is that of their F test, and the rest is NULL. Collinear columns are named in an error or, with collinear => ''drop'', in a notice and left out';
