-- One figure for a stage of the journey

CREATE FUNCTION cx.to_100(score double precision, worst double precision, best double precision) RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.to_100(double precision, double precision, double precision) IS 'a score or a mean of scores as an experience, 0..100: 100 (score - worst) / (best - worst); worst may exceed best, as for effort where low is good; error outside the scale';

CREATE FUNCTION cx.stage_score_add(state double precision[], experience double precision, weight double precision) RETURNS double precision[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.stage_score_add(double precision[], double precision, double precision) IS 'adds one experience; support function of journey_stage_score';

CREATE FUNCTION cx.stage_score_add(state double precision[], experience double precision, weight double precision, at timestamptz, half_life interval) RETURNS double precision[]
	AS 'MODULE_PATHNAME', 'stage_score_add_decaying' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.stage_score_add(double precision[], double precision, double precision, timestamptz, interval) IS 'adds one experience that ages; support function of journey_stage_score';

CREATE FUNCTION cx.stage_score_combine(double precision[], double precision[]) RETURNS double precision[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.stage_score_combine(double precision[], double precision[]) IS 'both states together; support function of journey_stage_score';

CREATE FUNCTION cx.stage_score_final(double precision[]) RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.stage_score_final(double precision[]) IS 'final function of journey_stage_score';

CREATE AGGREGATE cx.journey_stage_score(experience double precision, weight double precision) (
	SFUNC = cx.stage_score_add, STYPE = double precision[], INITCOND = '{0,0,0,0,0,0}',
	FINALFUNC = cx.stage_score_final, COMBINEFUNC = cx.stage_score_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.journey_stage_score(double precision, double precision) IS 'score of a stage, 0..100: mean of the experiences (0..100) of its touchpoints, weighted; NULL experiences are ignored, weight 0 leaves the row out, a NULL or negative weight is an error';

CREATE AGGREGATE cx.journey_stage_score(experience double precision, weight double precision, at timestamptz, half_life interval) (
	SFUNC = cx.stage_score_add, STYPE = double precision[], INITCOND = '{0,0,0,0,0,0}',
	FINALFUNC = cx.stage_score_final, COMBINEFUNC = cx.stage_score_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.journey_stage_score(double precision, double precision, timestamptz, interval) IS 'score of a stage, 0..100, in which an experience counts half after each half_life: mean weighted by weight 2^(at / half_life); the same from whatever moment age is counted; half_life in days or hours (a day is 24 hours), the same for all rows, no months';

