-- What is in a predictor

CREATE FUNCTION cx.predictor_features(predictor cx.predictor, OUT feature text, OUT type text, OUT levels text[]) RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 20;
COMMENT ON FUNCTION cx.predictor_features(cx.predictor) IS 'the features that a predictor needs, an array element as column[i]: type is number, boolean, category, time or interval; levels are the categories that it tells apart, the most frequent one first';

CREATE FUNCTION cx.coefficients(predictor cx.predictor, OUT term text, OUT coefficient double precision, OUT std_error double precision, OUT z double precision, OUT p_value double precision) RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 20;
COMMENT ON FUNCTION cx.coefficients(cx.predictor) IS 'the coefficients of a linear predictor, before calibration: log-odds, or units of the target, per unit of the term (of times and intervals per day); z is coefficient / std_error, p_value two-sided (for a numeric target of Student''s t); NULL where a penalty leaves no standard error; error for trees';

CREATE FUNCTION cx.feature_importance(predictor cx.predictor, OUT feature text, OUT importance double precision) RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 20;
COMMENT ON FUNCTION cx.feature_importance(cx.predictor) IS 'how much each feature matters to a predictor, the most first, as shares that sum to 1: of the loss that splits on it saved in trees, of the standard deviations of what features add in linear models; NULL where it adds nothing or it is not known';

