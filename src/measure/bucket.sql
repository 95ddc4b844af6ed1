-- Buckets of time

CREATE FUNCTION cx.bucket(unit text, at timestamptz) RETURNS timestamptz
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.bucket(text, timestamptz) IS 'start of the hour, day, week, month, quarter or year in the session time zone: date_trunc that remembers the last buckets';

CREATE FUNCTION cx.bucket(unit text, at timestamptz, zone text) RETURNS timestamptz
	AS 'MODULE_PATHNAME', 'bucket_in_zone' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.bucket(text, timestamptz, text) IS 'start of the hour, day, week, month, quarter or year in a named time zone: date_trunc that remembers the last buckets';

