-- Sessions out of single events

CREATE FUNCTION cx.sessionize(at timestamptz, gap interval) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE WINDOW PARALLEL SAFE;
COMMENT ON FUNCTION cx.sessionize(timestamptz, interval) IS 'window function: number of the session in the window partition, 1, 2, ...: a new one begins when more than gap has passed since the row before; the OVER clause must ORDER BY at; NULL at gives NULL and is ignored; gap in days or hours (a day is 24 hours), no months; error if a time is infinite or not in order';

