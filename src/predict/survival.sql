-- What survival curves say, and what a customer is worth

CREATE FUNCTION cx.points(curve cx.survival_curve, confidence double precision DEFAULT 0.95,
	OUT "time" double precision, OUT at_risk bigint, OUT events bigint, OUT censored bigint,
	OUT survival double precision, OUT std_error double precision, OUT lower double precision, OUT upper double precision) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'survival_points' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 100;
COMMENT ON FUNCTION cx.points(cx.survival_curve, double precision) IS 'the Kaplan-Meier estimate (1958), a row for each duration: customers whose duration is at least that (at_risk), how many of them ended then (events) or were seen no longer (censored; they count as at risk at that time), the share 0..1 that stays longer (survival) with its standard error (Greenwood 1926) and log-log interval (Kalbfleisch and Prentice 1980); the interval is NULL where survival is 1 or 0, the standard error where it is 0; confidence is a share between 0 and 1';

CREATE FUNCTION cx.survival_at(curve cx.survival_curve, "time" double precision, confidence double precision DEFAULT 0.95) RETURNS cx.estimate
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.survival_at(cx.survival_curve, double precision, double precision) IS 'share of customers, 0..1, that stays longer than a time in the unit of the durations, as cx.points gives it for the last duration up to then; NULL after the last duration unless all have ended; responses are the customers of the curve';

CREATE FUNCTION cx.survival_quantile(curve cx.survival_curve, share double precision, confidence double precision DEFAULT 0.95) RETURNS cx.estimate
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.survival_quantile(cx.survival_curve, double precision, double precision) IS 'time by which this share of customers, between 0 and 1, has ended, in the unit of the durations: the first one at which survival is below 1 - share, or if it stays at exactly that for a while, the middle of this while, as in R; NULL if it is not reached. The interval consists of the times at which the log-log interval of survival holds 1 - share (Brookmeyer and Crowley 1982), each end NULL if not reached; std_error is always NULL; responses are the customers of the curve';

CREATE FUNCTION cx.median_survival(curve cx.survival_curve, confidence double precision DEFAULT 0.95) RETURNS cx.estimate
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE RETURN cx.survival_quantile(curve, 0.5, confidence);
COMMENT ON FUNCTION cx.median_survival(cx.survival_curve, double precision) IS 'time by which half of the customers have ended, as cx.survival_quantile(curve, 0.5) gives it; its value is NULL if more than half stay as long as is known';

CREATE FUNCTION cx.expected_lifetime(curve cx.survival_curve, horizon double precision DEFAULT NULL, confidence double precision DEFAULT 0.95) RETURNS cx.estimate
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.expected_lifetime(cx.survival_curve, double precision, double precision) IS 'mean time that a customer stays, of which no more than the horizon counts (restricted mean: the area below the curve up to there), in the unit of the durations, with standard error and normal interval; the horizon is by default the longest duration, and to compare groups it must be the same for all; value NULL if the longest duration is below the horizon and somebody stayed longer; responses are the customers of the curve';

CREATE FUNCTION cx.customer_lifetime_value(margin double precision, retention double precision, discount double precision) RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.customer_lifetime_value(double precision, double precision, double precision) IS 'present value of a customer, in the unit of margin: margin * retention / (1 + discount - retention) (Gupta and Lehmann 2003), the sum over all periods to come, the first margin in one period from now; add one margin if that of the present period is still to come. margin per period; retention, the share 0..1 kept from one period to the next; discount, the rate per period, 0 or more; error if they are outside, or if retention is 1 and discount 0';

