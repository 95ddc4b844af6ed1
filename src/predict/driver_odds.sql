-- Drivers of a Boolean outcome

CREATE FUNCTION cx.driver_odds(query text, names text[]) RETURNS TABLE (place integer, coefficient double precision, std_error double precision, p_value double precision)
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED ROWS 20;
COMMENT ON FUNCTION cx.driver_odds(text, text[]) IS 'logistic regression over the rows of a query, each of which is an array of numbers: an outcome, 0 or 1, and its drivers, named so; for each driver its place in the array from 2 on, the coefficient in log-odds per unit, its standard error, and the two-sided p-value by the normal distribution; none for columns that are constant or combinations of others; support function of driver_analysis';
