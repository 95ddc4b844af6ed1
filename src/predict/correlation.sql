-- Means and correlations, out of moments

CREATE FUNCTION cx.row_count(summary cx.moments) RETURNS bigint
	AS 'MODULE_PATHNAME', 'moments_row_count' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.row_count(cx.moments) IS 'number of rows, those skipped because of a NULL not counted';

CREATE FUNCTION cx.column_count(summary cx.moments) RETURNS integer
	AS 'MODULE_PATHNAME', 'moments_column_count' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.column_count(cx.moments) IS 'number of columns, 1..1000';

CREATE FUNCTION cx.mean_of(summary cx.moments, "column" integer) RETURNS double precision
	AS 'MODULE_PATHNAME', 'moments_mean_of' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.mean_of(cx.moments, integer) IS 'mean of a column, counted from 1 on';

CREATE FUNCTION cx.stddev_of(summary cx.moments, "column" integer) RETURNS double precision
	AS 'MODULE_PATHNAME', 'moments_stddev_of' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.stddev_of(cx.moments, integer) IS 'sample standard deviation (n - 1) of a column, counted from 1 on; NULL for one row';

CREATE FUNCTION cx.covariance(summary cx.moments, a integer, b integer) RETURNS double precision
	AS 'MODULE_PATHNAME', 'moments_covariance_of' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.covariance(cx.moments, integer, integer) IS 'sample covariance (n - 1) of two columns, counted from 1 on; NULL for one row';

CREATE FUNCTION cx.correlation(summary cx.moments, a integer, b integer) RETURNS double precision
	AS 'MODULE_PATHNAME', 'moments_correlation_of' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.correlation(cx.moments, integer, integer) IS 'Pearson correlation -1..1 of two columns, counted from 1 on; NULL if one of them does not vary beyond its rounding';

CREATE FUNCTION cx.correlations(summary cx.moments, names text[] DEFAULT NULL)
	RETURNS TABLE (a text, b text, correlation double precision, p_value double precision)
	AS 'MODULE_PATHNAME', 'moments_correlations' LANGUAGE C IMMUTABLE PARALLEL SAFE ROWS 200;
COMMENT ON FUNCTION cx.correlations(cx.moments, text[]) IS 'Pearson correlation -1..1 of every pair of columns, and its two-sided p-value by Student''s t; names has one for each column; NULL where a column does not vary';
