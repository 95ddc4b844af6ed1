-- What models say of records

-- of a predictor, which is a value; strict, for without a record there is nothing to predict of

CREATE FUNCTION cx.predict(predictor cx.predictor, features record) RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.predict(cx.predictor, record) IS 'what a predictor says of a record with the columns of its training query, in any order: a probability 0..1, or a number in units of the target; NULL and infinite values count as missing, unknown categories as any other; error if a column is missing or of another type; NULL without a record';

CREATE FUNCTION cx.churn_risk(predictor cx.predictor, features record) RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.churn_risk(cx.predictor, record) IS 'probability 0..1 that a predictor of a Boolean target says of a record, as predict does; error if the predictor says a number';

CREATE FUNCTION cx.explain(predictor cx.predictor, features record, OUT feature text, OUT value text, OUT contribution double precision) RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 20;
COMMENT ON FUNCTION cx.explain(cx.predictor, record) IS 'why a predictor says what it does: what each feature adds, the most first, in log-odds or units of the target, and last, as feature (base), what the average training row has; the sum is the log-odds of the prediction, or the prediction, but for the rounding of the last digits; for trees exact Shapley values (TreeSHAP, Lundberg 2018)';

CREATE FUNCTION cx.predict_jsonb(predictor cx.predictor, features jsonb) RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.predict_jsonb(cx.predictor, jsonb) IS 'what predict says of an object whose keys are the columns of the training query, with the values that to_jsonb() writes; numbers may be texts, times are in ISO 8601, null is missing; error if a key is missing';

-- of the champion of a model, which is looked up in cx_data.model with the rights of the caller, once in a query

CREATE FUNCTION cx.predict(model text, features record) RETURNS double precision
	AS 'MODULE_PATHNAME', 'predict_by_name' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.predict(text, record) IS 'what the champion of a model says of a record: a probability 0..1, or a number in units of the target';

CREATE FUNCTION cx.churn_risk(model text, features record) RETURNS double precision
	AS 'MODULE_PATHNAME', 'churn_risk_by_name' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.churn_risk(text, record) IS 'probability 0..1 that the champion of a model says of a record; error if it says a number';

CREATE FUNCTION cx.explain(model text, features record, OUT feature text, OUT value text, OUT contribution double precision) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'explain_by_name' LANGUAGE C STABLE STRICT PARALLEL SAFE ROWS 20;
COMMENT ON FUNCTION cx.explain(text, record) IS 'why the champion of a model says what it does of a record: what each feature adds, the most first, and last, as feature (base), what they are added to; in log-odds or units of the target';

CREATE FUNCTION cx.predict_jsonb(model text, features jsonb) RETURNS double precision
	AS 'MODULE_PATHNAME', 'predict_jsonb_by_name' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.predict_jsonb(text, jsonb) IS 'what the champion of a model says of an object whose keys are the columns of the training query';

