-- Planning a survey

CREATE FUNCTION cx.nps_sample_size(margin double precision, confidence double precision DEFAULT 0.95, expected cx.tally DEFAULT NULL) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.nps_sample_size(double precision, double precision, cx.tally) IS 'answers needed for an NPS of plus or minus margin points, 0..100: (z / margin)^2 times the variance of the expected tally, or the largest variance without one; 0 if all are expected to answer alike';

CREATE FUNCTION cx.nps_change_sample_size(difference double precision, power double precision DEFAULT 0.8, confidence double precision DEFAULT 0.95, expected cx.tally DEFAULT NULL) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.nps_change_sample_size(double precision, double precision, double precision, cx.tally) IS 'answers needed on each side to find a change of NPS by difference points significant with a chance of power: 2 ((z_confidence + z_power) / difference)^2 times the variance of the expected tally, or the largest variance without one';

