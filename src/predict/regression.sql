-- Least squares, out of moments

CREATE FUNCTION cx.regression(summary cx.moments, outcome integer, collinear text DEFAULT 'error', names text[] DEFAULT NULL)
	RETURNS TABLE (term text, coefficient double precision, std_error double precision, t double precision, p_value double precision, vif double precision)
	AS 'MODULE_PATHNAME', 'moments_regression' LANGUAGE C IMMUTABLE PARALLEL SAFE ROWS 20;
COMMENT ON FUNCTION cx.regression(cx.moments, integer, text, text[]) IS 'least squares of one column, counted from 1 on, on all others: the intercept and each column with its coefficient in units of the outcome per unit of the column, standard error, t, two-sided p-value, and variance inflation factor (1 is independent of the others); columns of which less than 1e-10 of the variance is their own, and constant ones, are named in an error or, with collinear => ''drop'', in a notice, and left out; names has one for each column, the outcome included';

CREATE FUNCTION cx.regression_fit(summary cx.moments, outcome integer, collinear text DEFAULT 'error', names text[] DEFAULT NULL,
	OUT row_count bigint, OUT r_squared double precision, OUT adjusted_r_squared double precision, OUT residual_error double precision, OUT df bigint,
	OUT f double precision, OUT p_value double precision, OUT condition_number double precision, OUT dropped text[])
	RETURNS record
	AS 'MODULE_PATHNAME', 'moments_regression_fit' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.regression_fit(cx.moments, integer, text, text[]) IS 'how well the regression of the same arguments fits: R-squared 0..1, also adjusted for the number of columns, standard deviation of the residuals in units of the outcome, their degrees of freedom, F test of all columns together, condition number (largest to smallest singular value of the standardised columns: from 30 on coefficients are shaky), and the columns dropped';
