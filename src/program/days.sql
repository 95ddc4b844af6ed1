-- Local days: where the views cut time

CREATE FUNCTION cx.day_start(day date, zone text) RETURNS timestamptz
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	-- where clocks go back at midnight, 00:00 comes twice: the first one counts
	RETURN CASE WHEN (day::timestamp AT TIME ZONE zone - interval '1 hour') AT TIME ZONE zone >= day::timestamp
		THEN day::timestamp AT TIME ZONE zone - interval '1 hour'
		ELSE day::timestamp AT TIME ZONE zone END;
COMMENT ON FUNCTION cx.day_start(date, text) IS 'first instant of a day in a named time zone';

CREATE FUNCTION cx.days_ago(days integer, zone text) RETURNS timestamptz
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	RETURN cx.day_start((cx.as_of() AT TIME ZONE zone)::date - days, zone);
COMMENT ON FUNCTION cx.days_ago(integer, text) IS 'first instant of the local day that many calendar days before that of cx.as_of(); 0 is the day it is on';
