-- Many tests at once

CREATE FUNCTION cx.fdr(p_value double precision) RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE WINDOW PARALLEL SAFE;
COMMENT ON FUNCTION cx.fdr(double precision) IS 'window function: p-value adjusted to hold the false discovery rate over the window partition (Benjamini and Hochberg 1995); NULL stays NULL and is not counted; error outside 0..1';

CREATE FUNCTION cx.holm(p_value double precision) RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE WINDOW PARALLEL SAFE;
COMMENT ON FUNCTION cx.holm(double precision) IS 'window function: p-value adjusted to hold the chance of any false alarm over the window partition (Holm 1979); NULL stays NULL and is not counted; error outside 0..1';

