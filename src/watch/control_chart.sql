-- Control charts: window functions that tell what varies by itself from what changed

CREATE TYPE cx.control_point AS (
	value double precision,
	centre double precision,
	lower double precision,
	upper double precision,
	signal boolean,
	rule text
);
COMMENT ON TYPE cx.control_point IS 'a point of a control chart';
COMMENT ON COLUMN cx.control_point.value IS 'what is drawn: the observation, or what the chart makes of it; NULL where there is nothing to draw yet';
COMMENT ON COLUMN cx.control_point.centre IS 'centre line, in the unit of the value';
COMMENT ON COLUMN cx.control_point.lower IS 'lower control limit, in the unit of the value; NULL where there are too few observations to tell';
COMMENT ON COLUMN cx.control_point.upper IS 'upper control limit, in the unit of the value; NULL as the lower one';
COMMENT ON COLUMN cx.control_point.signal IS 'whether this is more than what varies by itself; NULL where the limits are';
COMMENT ON COLUMN cx.control_point.rule IS 'the rules that fired, separated by commas; NULL if none';

CREATE TYPE cx.cusum_point AS (
	value double precision,
	target double precision,
	high double precision,
	low double precision,
	decision_limit double precision,
	signal boolean,
	rule text
);
COMMENT ON TYPE cx.cusum_point IS 'a point of a CUSUM chart; everything is in the unit of the observations';
COMMENT ON COLUMN cx.cusum_point.value IS 'the observation';
COMMENT ON COLUMN cx.cusum_point.target IS 'mean of the first observations, which tell what is usual';
COMMENT ON COLUMN cx.cusum_point.high IS 'by how much the observations were above the target together, less the slack; never below 0';
COMMENT ON COLUMN cx.cusum_point.low IS 'by how much they were below it; never below 0';
COMMENT ON COLUMN cx.cusum_point.decision_limit IS 'what high and low must not exceed';
COMMENT ON COLUMN cx.cusum_point.signal IS 'whether one of them does; NULL where there are too few observations to tell';
COMMENT ON COLUMN cx.cusum_point.rule IS 'shift up or shift down; NULL if neither';

CREATE FUNCTION cx.p_chart(affected bigint, size bigint, laney boolean DEFAULT false) RETURNS cx.control_point
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE WINDOW PARALLEL SAFE;
COMMENT ON FUNCTION cx.p_chart(bigint, bigint, boolean) IS 'window function: p chart of affected out of size in percent, 0..100, against the share of all of them together, three standard errors wide for the size of each point (Shewhart; Montgomery). With laney the limits are those of the p'' chart (Laney 2002): wider where shares vary from point to point beyond what chance explains, as with thousands a day. Points in the order of the window; a size of 0 and NULL give NULL and are left out; error if affected is outside 0..size';

CREATE FUNCTION cx.nps_chart(tally cx.tally, laney boolean DEFAULT true) RETURNS cx.control_point
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE WINDOW PARALLEL SAFE;
COMMENT ON FUNCTION cx.nps_chart(cx.tally, boolean) IS 'window function: NPS in points, -100..100, against that of all answers together, with the standard error that the classes of all answers give for the number of each point, three of them wide; Laney''s correction (2002) as in p_chart. Points in the order of the window; tallies without answers and NULL give NULL and are left out';

CREATE FUNCTION cx.xmr_chart(value double precision, rules integer[] DEFAULT '{1,2,3,4}') RETURNS cx.control_point
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE WINDOW PARALLEL SAFE;
COMMENT ON FUNCTION cx.xmr_chart(double precision, integer[]) IS 'window function: chart of individual values against their mean, three sigma wide, sigma being the mean moving range by 2 / sqrt(pi). Rules are those of Nelson (1984): 1 beyond limits, 2 nine on one side, 3 six rising or falling, 4 fourteen alternating, 5 two of three beyond two sigma, 6 four of five beyond one sigma, 7 fifteen within one sigma, 8 eight beyond one sigma; he advises the first four for routine. Points in the order of the window; NULL gives NULL and is left out; error for NaN, infinity and other rules';

CREATE FUNCTION cx.mr_chart(value double precision) RETURNS cx.control_point
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE WINDOW PARALLEL SAFE;
COMMENT ON FUNCTION cx.mr_chart(double precision) IS 'window function: chart of moving ranges, how far each value is from the one before, against their mean; its upper limit is 1 + 3 sqrt(2 - 4 / pi) sqrt(pi) / 2 times that. Drawn beside xmr_chart; points in the order of the window; NULL gives NULL and is left out; error for NaN and infinity';

CREATE FUNCTION cx.ewma_chart(value double precision, base integer DEFAULT 20, lambda double precision DEFAULT 0.2, width double precision DEFAULT 3) RETURNS cx.control_point
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE WINDOW PARALLEL SAFE;
COMMENT ON FUNCTION cx.ewma_chart(double precision, integer, double precision, double precision) IS 'window function: exponentially weighted moving average, which sees small shifts early. The first base observations tell what is usual (their mean, and sigma from their moving ranges); lambda, above 0 and at most 1, is the weight of the newest; exact limits are width standard errors away (Roberts 1959; Lucas and Saccucci 1990). Points in the order of the window; NULL gives NULL and is left out; error for NaN and infinity';

CREATE FUNCTION cx.cusum_chart(value double precision, base integer DEFAULT 20, k double precision DEFAULT 0.5, h double precision DEFAULT 5) RETURNS cx.cusum_point
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE WINDOW PARALLEL SAFE;
COMMENT ON FUNCTION cx.cusum_chart(double precision, integer, double precision, double precision) IS 'window function: tabular cumulative sums of deviations from the target, which see a lasting small shift soonest (Page 1954; Montgomery). Target and sigma come from the first base observations as in ewma_chart; k is the slack and h the decision interval, in sigma; sums go on after a signal. Points in the order of the window; NULL gives NULL and is left out; error for NaN and infinity';
