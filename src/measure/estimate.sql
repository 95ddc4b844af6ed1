-- Scores with their intervals

CREATE TYPE cx.estimate AS (
	value double precision,
	std_error double precision,
	lower double precision,
	upper double precision,
	responses bigint,
	effective_responses double precision
);
COMMENT ON TYPE cx.estimate IS 'a score with its standard error, interval and number of answers';
COMMENT ON COLUMN cx.estimate.value IS 'the score: NPS in points, CSAT in percent, or a mean';
COMMENT ON COLUMN cx.estimate.std_error IS 'standard error of the value, in its unit; NULL where one answer cannot tell';
COMMENT ON COLUMN cx.estimate.lower IS 'lower end of the interval, in the unit of the value; for NPS that of the adjusted counts, which may leave out the value of few unanimous answers';
COMMENT ON COLUMN cx.estimate.upper IS 'upper end of the interval, in the unit of the value; for NPS that of the adjusted counts';
COMMENT ON COLUMN cx.estimate.responses IS 'answers counted';
COMMENT ON COLUMN cx.estimate.effective_responses IS 'answers of equal weight that would tell as much; the same as responses without weights';

CREATE FUNCTION cx.nps_estimate(tally cx.tally, confidence double precision DEFAULT 0.95) RETURNS cx.estimate
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.nps_estimate(cx.tally, double precision) IS 'NPS in points with its adjusted Wald interval, -100..100 (Rocks 2016: three made-up answers, 3/4 promoter, 3/2 passive, 3/4 detractor); NULL without answers; confidence is a share between 0 and 1';

CREATE FUNCTION cx.csat_estimate(tally cx.tally, satisfied_from integer DEFAULT 4, confidence double precision DEFAULT 0.95) RETURNS cx.estimate
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.csat_estimate(cx.tally, integer, double precision) IS 'CSAT in percent with its Wilson score interval, 0..100 (Wilson 1927); NULL without answers; confidence is a share between 0 and 1';

CREATE FUNCTION cx.mean_estimate(tally cx.tally, confidence double precision DEFAULT 0.95) RETURNS cx.estimate
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.mean_estimate(cx.tally, double precision) IS 'mean score with its Student t interval; NULL without answers; the interval is NULL for one answer; confidence is a share between 0 and 1';
