-- Surveys whose answers carry weights

CREATE FUNCTION cx.weighted_nps_add(state double precision[], score smallint, weight double precision) RETURNS double precision[]
	AS 'MODULE_PATHNAME', 'weighted_nps_add_smallint' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.weighted_nps_add(double precision[], smallint, double precision) IS 'adds one weighted answer; support function of weighted_nps';

CREATE FUNCTION cx.weighted_nps_add(state double precision[], score integer, weight double precision) RETURNS double precision[]
	AS 'MODULE_PATHNAME', 'weighted_nps_add_integer' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.weighted_nps_add(double precision[], integer, double precision) IS 'adds one weighted answer; support function of weighted_nps';

CREATE FUNCTION cx.weighted_nps_add(state double precision[], score numeric, weight double precision) RETURNS double precision[]
	AS 'MODULE_PATHNAME', 'weighted_nps_add_numeric' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.weighted_nps_add(double precision[], numeric, double precision) IS 'adds one weighted answer; support function of weighted_nps';

CREATE FUNCTION cx.weighted_nps_add(state double precision[], score double precision, weight double precision) RETURNS double precision[]
	AS 'MODULE_PATHNAME', 'weighted_nps_add_float8' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.weighted_nps_add(double precision[], double precision, double precision) IS 'adds one weighted answer; support function of weighted_nps';

CREATE FUNCTION cx.weighted_nps_add(state double precision[], tally cx.tally, weight double precision) RETURNS double precision[]
	AS 'MODULE_PATHNAME', 'weighted_nps_add_tally' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.weighted_nps_add(double precision[], cx.tally, double precision) IS 'adds the answers of a tally with their weight; support function of weighted_nps';

CREATE FUNCTION cx.weighted_csat_add(state double precision[], score smallint, satisfied_from integer, weight double precision) RETURNS double precision[]
	AS 'MODULE_PATHNAME', 'weighted_csat_add_smallint' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.weighted_csat_add(double precision[], smallint, integer, double precision) IS 'adds one weighted answer; support function of weighted_csat';

CREATE FUNCTION cx.weighted_csat_add(state double precision[], score integer, satisfied_from integer, weight double precision) RETURNS double precision[]
	AS 'MODULE_PATHNAME', 'weighted_csat_add_integer' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.weighted_csat_add(double precision[], integer, integer, double precision) IS 'adds one weighted answer; support function of weighted_csat';

CREATE FUNCTION cx.weighted_csat_add(state double precision[], score numeric, satisfied_from integer, weight double precision) RETURNS double precision[]
	AS 'MODULE_PATHNAME', 'weighted_csat_add_numeric' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.weighted_csat_add(double precision[], numeric, integer, double precision) IS 'adds one weighted answer; support function of weighted_csat';

CREATE FUNCTION cx.weighted_csat_add(state double precision[], score double precision, satisfied_from integer, weight double precision) RETURNS double precision[]
	AS 'MODULE_PATHNAME', 'weighted_csat_add_float8' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.weighted_csat_add(double precision[], double precision, integer, double precision) IS 'adds one weighted answer; support function of weighted_csat';

CREATE FUNCTION cx.weighted_csat_add(state double precision[], tally cx.tally, satisfied_from integer, weight double precision) RETURNS double precision[]
	AS 'MODULE_PATHNAME', 'weighted_csat_add_tally' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.weighted_csat_add(double precision[], cx.tally, integer, double precision) IS 'adds the answers of a tally with their weight; support function of weighted_csat';

CREATE FUNCTION cx.weighted_mean_add(state double precision[], score smallint, weight double precision) RETURNS double precision[]
	AS 'MODULE_PATHNAME', 'weighted_mean_add_smallint' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.weighted_mean_add(double precision[], smallint, double precision) IS 'adds one weighted answer; support function of weighted_mean';

CREATE FUNCTION cx.weighted_mean_add(state double precision[], score integer, weight double precision) RETURNS double precision[]
	AS 'MODULE_PATHNAME', 'weighted_mean_add_integer' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.weighted_mean_add(double precision[], integer, double precision) IS 'adds one weighted answer; support function of weighted_mean';

CREATE FUNCTION cx.weighted_mean_add(state double precision[], score numeric, weight double precision) RETURNS double precision[]
	AS 'MODULE_PATHNAME', 'weighted_mean_add_numeric' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.weighted_mean_add(double precision[], numeric, double precision) IS 'adds one weighted answer; support function of weighted_mean';

CREATE FUNCTION cx.weighted_mean_add(state double precision[], score double precision, weight double precision) RETURNS double precision[]
	AS 'MODULE_PATHNAME', 'weighted_mean_add_float8' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.weighted_mean_add(double precision[], double precision, double precision) IS 'adds one weighted answer; support function of weighted_mean';

CREATE FUNCTION cx.weighted_mean_add(state double precision[], tally cx.tally, weight double precision) RETURNS double precision[]
	AS 'MODULE_PATHNAME', 'weighted_mean_add_tally' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.weighted_mean_add(double precision[], cx.tally, double precision) IS 'adds the answers of a tally with their weight; support function of weighted_mean';

CREATE FUNCTION cx.weighted_combine(double precision[], double precision[]) RETURNS double precision[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.weighted_combine(double precision[], double precision[]) IS 'both states together; support function of the weighted aggregates';

CREATE FUNCTION cx.weighted_nps_final(double precision[]) RETURNS cx.estimate
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.weighted_nps_final(double precision[]) IS 'final function of weighted_nps';

CREATE FUNCTION cx.weighted_csat_final(double precision[]) RETURNS cx.estimate
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.weighted_csat_final(double precision[]) IS 'final function of weighted_csat';

CREATE FUNCTION cx.weighted_mean_final(double precision[]) RETURNS cx.estimate
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.weighted_mean_final(double precision[]) IS 'final function of weighted_mean';

CREATE AGGREGATE cx.weighted_nps(score smallint, weight double precision) (
	SFUNC = cx.weighted_nps_add, STYPE = double precision[], INITCOND = '{0,0,0,0,0,0}',
	FINALFUNC = cx.weighted_nps_final, COMBINEFUNC = cx.weighted_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.weighted_nps(smallint, double precision) IS 'NPS in points of answers with weights: Taylor-linearised standard error, 95 % normal interval, Kish effective number of answers; NULL is ignored, weight 0 leaves the row out, a NULL or negative weight is an error';

CREATE AGGREGATE cx.weighted_nps(score integer, weight double precision) (
	SFUNC = cx.weighted_nps_add, STYPE = double precision[], INITCOND = '{0,0,0,0,0,0}',
	FINALFUNC = cx.weighted_nps_final, COMBINEFUNC = cx.weighted_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.weighted_nps(integer, double precision) IS 'NPS in points of answers with weights: Taylor-linearised standard error, 95 % normal interval, Kish effective number of answers; NULL is ignored, weight 0 leaves the row out, a NULL or negative weight is an error';

CREATE AGGREGATE cx.weighted_nps(score numeric, weight double precision) (
	SFUNC = cx.weighted_nps_add, STYPE = double precision[], INITCOND = '{0,0,0,0,0,0}',
	FINALFUNC = cx.weighted_nps_final, COMBINEFUNC = cx.weighted_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.weighted_nps(numeric, double precision) IS 'NPS in points of answers with weights: Taylor-linearised standard error, 95 % normal interval, Kish effective number of answers; NULL is ignored, weight 0 leaves the row out, a NULL or negative weight is an error';

CREATE AGGREGATE cx.weighted_nps(score double precision, weight double precision) (
	SFUNC = cx.weighted_nps_add, STYPE = double precision[], INITCOND = '{0,0,0,0,0,0}',
	FINALFUNC = cx.weighted_nps_final, COMBINEFUNC = cx.weighted_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.weighted_nps(double precision, double precision) IS 'NPS in points of answers with weights: Taylor-linearised standard error, 95 % normal interval, Kish effective number of answers; NULL is ignored, weight 0 leaves the row out, a NULL or negative weight is an error';

CREATE AGGREGATE cx.weighted_nps(tally cx.tally, weight double precision) (
	SFUNC = cx.weighted_nps_add, STYPE = double precision[], INITCOND = '{0,0,0,0,0,0}',
	FINALFUNC = cx.weighted_nps_final, COMBINEFUNC = cx.weighted_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.weighted_nps(cx.tally, double precision) IS 'NPS in points of tallies, each of whose answers carries the weight of its tally: Taylor-linearised standard error, 95 % normal interval, Kish effective number of answers; NULL is ignored, weight 0 leaves the row out, a NULL or negative weight is an error';

CREATE AGGREGATE cx.weighted_csat(score smallint, satisfied_from integer, weight double precision) (
	SFUNC = cx.weighted_csat_add, STYPE = double precision[], INITCOND = '{0,0,0,0,0,0}',
	FINALFUNC = cx.weighted_csat_final, COMBINEFUNC = cx.weighted_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.weighted_csat(smallint, integer, double precision) IS 'CSAT in percent of answers with weights: Taylor-linearised standard error, 95 % normal interval, Kish effective number of answers; NULL is ignored, weight 0 leaves the row out, a NULL or negative weight is an error';

CREATE AGGREGATE cx.weighted_csat(score integer, satisfied_from integer, weight double precision) (
	SFUNC = cx.weighted_csat_add, STYPE = double precision[], INITCOND = '{0,0,0,0,0,0}',
	FINALFUNC = cx.weighted_csat_final, COMBINEFUNC = cx.weighted_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.weighted_csat(integer, integer, double precision) IS 'CSAT in percent of answers with weights: Taylor-linearised standard error, 95 % normal interval, Kish effective number of answers; NULL is ignored, weight 0 leaves the row out, a NULL or negative weight is an error';

CREATE AGGREGATE cx.weighted_csat(score numeric, satisfied_from integer, weight double precision) (
	SFUNC = cx.weighted_csat_add, STYPE = double precision[], INITCOND = '{0,0,0,0,0,0}',
	FINALFUNC = cx.weighted_csat_final, COMBINEFUNC = cx.weighted_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.weighted_csat(numeric, integer, double precision) IS 'CSAT in percent of answers with weights: Taylor-linearised standard error, 95 % normal interval, Kish effective number of answers; NULL is ignored, weight 0 leaves the row out, a NULL or negative weight is an error';

CREATE AGGREGATE cx.weighted_csat(score double precision, satisfied_from integer, weight double precision) (
	SFUNC = cx.weighted_csat_add, STYPE = double precision[], INITCOND = '{0,0,0,0,0,0}',
	FINALFUNC = cx.weighted_csat_final, COMBINEFUNC = cx.weighted_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.weighted_csat(double precision, integer, double precision) IS 'CSAT in percent of answers with weights: Taylor-linearised standard error, 95 % normal interval, Kish effective number of answers; NULL is ignored, weight 0 leaves the row out, a NULL or negative weight is an error';

CREATE AGGREGATE cx.weighted_csat(tally cx.tally, satisfied_from integer, weight double precision) (
	SFUNC = cx.weighted_csat_add, STYPE = double precision[], INITCOND = '{0,0,0,0,0,0}',
	FINALFUNC = cx.weighted_csat_final, COMBINEFUNC = cx.weighted_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.weighted_csat(cx.tally, integer, double precision) IS 'CSAT in percent of tallies, each of whose answers carries the weight of its tally: Taylor-linearised standard error, 95 % normal interval, Kish effective number of answers; NULL is ignored, weight 0 leaves the row out, a NULL or negative weight is an error';

CREATE AGGREGATE cx.weighted_mean(score smallint, weight double precision) (
	SFUNC = cx.weighted_mean_add, STYPE = double precision[], INITCOND = '{0,0,0,0,0,0}',
	FINALFUNC = cx.weighted_mean_final, COMBINEFUNC = cx.weighted_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.weighted_mean(smallint, double precision) IS 'mean score of answers with weights: Taylor-linearised standard error, 95 % normal interval, Kish effective number of answers; NULL is ignored, weight 0 leaves the row out, a NULL or negative weight is an error';

CREATE AGGREGATE cx.weighted_mean(score integer, weight double precision) (
	SFUNC = cx.weighted_mean_add, STYPE = double precision[], INITCOND = '{0,0,0,0,0,0}',
	FINALFUNC = cx.weighted_mean_final, COMBINEFUNC = cx.weighted_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.weighted_mean(integer, double precision) IS 'mean score of answers with weights: Taylor-linearised standard error, 95 % normal interval, Kish effective number of answers; NULL is ignored, weight 0 leaves the row out, a NULL or negative weight is an error';

CREATE AGGREGATE cx.weighted_mean(score numeric, weight double precision) (
	SFUNC = cx.weighted_mean_add, STYPE = double precision[], INITCOND = '{0,0,0,0,0,0}',
	FINALFUNC = cx.weighted_mean_final, COMBINEFUNC = cx.weighted_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.weighted_mean(numeric, double precision) IS 'mean score of answers with weights: Taylor-linearised standard error, 95 % normal interval, Kish effective number of answers; NULL is ignored, weight 0 leaves the row out, a NULL or negative weight is an error';

CREATE AGGREGATE cx.weighted_mean(score double precision, weight double precision) (
	SFUNC = cx.weighted_mean_add, STYPE = double precision[], INITCOND = '{0,0,0,0,0,0}',
	FINALFUNC = cx.weighted_mean_final, COMBINEFUNC = cx.weighted_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.weighted_mean(double precision, double precision) IS 'mean score of answers with weights: Taylor-linearised standard error, 95 % normal interval, Kish effective number of answers; NULL is ignored, weight 0 leaves the row out, a NULL or negative weight is an error';

CREATE AGGREGATE cx.weighted_mean(tally cx.tally, weight double precision) (
	SFUNC = cx.weighted_mean_add, STYPE = double precision[], INITCOND = '{0,0,0,0,0,0}',
	FINALFUNC = cx.weighted_mean_final, COMBINEFUNC = cx.weighted_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.weighted_mean(cx.tally, double precision) IS 'mean score of tallies, each of whose answers carries the weight of its tally: Taylor-linearised standard error, 95 % normal interval, Kish effective number of answers; NULL is ignored, weight 0 leaves the row out, a NULL or negative weight is an error';
