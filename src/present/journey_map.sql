-- Pictures of journeys

CREATE FUNCTION cx.whole_days(starts_at timestamptz, ends_at timestamptz, zone text, OUT first_day date, OUT end_day date)
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN starts_at IS NULL THEN (ends_at AT TIME ZONE zone)::date - 28
			ELSE (starts_at AT TIME ZONE zone)::date + (cx.day_start((starts_at AT TIME ZONE zone)::date, zone) < starts_at)::integer END,
		(ends_at AT TIME ZONE zone)::date;
END;
COMMENT ON FUNCTION cx.whole_days(timestamptz, timestamptz, text) IS 'the whole local days from starts_at to before ends_at in a named time zone: the first one, and the day after the last one, which is not later if there is none; with no start, the last 28 full days';

CREATE FUNCTION cx.journey_map_svg(journey text, during tstzrange DEFAULT NULL) RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C
	SET search_path = pg_catalog, pg_temp
	-- the queries take milliseconds, compiling them would take a second
	SET jit = off;
COMMENT ON FUNCTION cx.journey_map_svg(text, tstzrange) IS 'map of a journey as an SVG picture: stages, touchpoints with channels, emotion curve, metrics, volume and drop-off (as in the view drop_off, over the customers who were there 28 days before the time shown), pain points, opportunities and owners; takes the answers whose hour starts within during, by default those of the last 28 full days, and the version in force at its end, or at cx.as_of() if that is earlier';

