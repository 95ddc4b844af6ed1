-- Business calendars: open time between two instants, and the instant after some open time
--
-- A calendar is open at an instant when the clock of its zone, read at that
-- instant, shows a day and a time of day within one of the half-open intervals
-- [opens_at, closes_at) of that day.  So where clocks are changed, a shop open
-- from 01:00 to 04:00 is open for two or for four hours.

CREATE FUNCTION cx.business_seconds(started_at timestamptz, ended_at timestamptz, calendar text) RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.business_seconds(timestamptz, timestamptz, text) IS 'seconds between two instants during which a business calendar is open, by the clock of its zone; negative if the second instant is the earlier one, so that it adds up over three. Error for infinity, for calendars that do not exist and for those that are never open';

CREATE FUNCTION cx.add_business_time(at timestamptz, duration interval, calendar text) RETURNS timestamptz
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.add_business_time(timestamptz, interval, text) IS 'earliest instant until which a business calendar is open for that long: one hour from Friday 16:30 is Monday 09:30 if it is open from 9 to 17, and one hour from 16:00 is 17:00. Given a negative duration, the latest instant from which on it was open for that long; given none, the instant itself. Durations are hours and less; days only for a calendar open around the clock, months never';
