-- Control chart for series with a weekly pattern

CREATE FUNCTION cx.seasonal_chart(value double precision, at timestamp, holiday boolean DEFAULT false, std_error double precision DEFAULT NULL,
		weeks integer DEFAULT 8, width double precision DEFAULT 4) RETURNS cx.control_point
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE WINDOW PARALLEL SAFE;
COMMENT ON FUNCTION cx.seasonal_chart(double precision, timestamp, boolean, double precision, integer, double precision) IS 'window function: each hour, or day, against the median of the same weekday and time in the weeks before, so that nights, weekends and holidays (which count as Sundays) do not alarm. Sigma comes from the median absolute deviation of these and of the two observations next to each (Hampel 1974; Croux and Rousseeuw 1992), and is at least std_error, what chance alone does to the value, such as the square root of a count. Signal where a value is width sigma away, or three one after the other together. Points in the order of at, the time by the clock on the wall (AT TIME ZONE); NULL until three weeks tell what is usual, and for NULL; error for NaN, infinity, and weeks outside 3..52';
