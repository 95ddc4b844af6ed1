-- How well a score tells those with an event from those without

-- support functions of all aggregates over scores and outcomes

CREATE FUNCTION cx.number_columns_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.number_columns_combine(internal, internal) IS 'both states together; support function of roc_area, roc_difference and evaluation';

CREATE FUNCTION cx.number_columns_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.number_columns_serialize(internal) IS 'the state as bytes for another process; support function of roc_area, roc_difference and evaluation';

CREATE FUNCTION cx.number_columns_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.number_columns_deserialize(bytea, internal) IS 'the state out of bytes; support function of roc_area, roc_difference and evaluation';

CREATE FUNCTION cx.roc_area_add(state internal, score double precision, outcome boolean) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.roc_area_add(internal, double precision, boolean) IS 'adds one row; support function of roc_area';

CREATE FUNCTION cx.roc_area_final(internal) RETURNS cx.estimate
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.roc_area_final(internal) IS 'final function of roc_area';

CREATE AGGREGATE cx.roc_area(score double precision, outcome boolean) (
	SFUNC = cx.roc_area_add, STYPE = internal, FINALFUNC = cx.roc_area_final,
	COMBINEFUNC = cx.number_columns_combine, SERIALFUNC = cx.number_columns_serialize, DESERIALFUNC = cx.number_columns_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.roc_area(double precision, boolean) IS 'area under the ROC curve, 0..1: the share of pairs of a row with the outcome and one without in which the former has the higher score, ties half; 0.5 tells nothing. Standard error of DeLong, DeLong and Clarke-Pearson (1988), 95 % normal interval cut off at 0 and 1; responses are rows. Rows with a NULL are left out; NULL without any; a NULL value if only one outcome occurs. A score is any finite number. Memory: 16 bytes a row while reading, at most twice that while it grows, 24 more at the end';

CREATE FUNCTION cx.roc_difference_add(state internal, outcome boolean, before_score double precision, after_score double precision) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.roc_difference_add(internal, boolean, double precision, double precision) IS 'adds one row; support function of roc_difference';

CREATE FUNCTION cx.roc_difference_final(internal) RETURNS cx.change
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.roc_difference_final(internal) IS 'final function of roc_difference';

CREATE AGGREGATE cx.roc_difference(outcome boolean, before_score double precision, after_score double precision) (
	SFUNC = cx.roc_difference_add, STYPE = internal, FINALFUNC = cx.roc_difference_final,
	COMBINEFUNC = cx.number_columns_combine, SERIALFUNC = cx.number_columns_serialize, DESERIALFUNC = cx.number_columns_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.roc_difference(boolean, double precision, double precision) IS 'area under the ROC curve of the second score minus that of the first, on the same rows, -1..1: paired normal test of DeLong, DeLong and Clarke-Pearson (1988) with its 95 % interval; responses are rows on both sides. Rows with a NULL are left out; NULL without any. Memory: 24 bytes a row while reading, at most twice that while it grows, 32 more at the end';
