-- Changes of scores and their significance

CREATE TYPE cx.change AS (
	difference double precision,
	std_error double precision,
	lower double precision,
	upper double precision,
	statistic double precision,
	df double precision,
	p_value double precision,
	significant boolean,
	responses_before bigint,
	responses_after bigint
);
COMMENT ON TYPE cx.change IS 'the difference of two scores, with its interval and significance';
COMMENT ON COLUMN cx.change.difference IS 'after minus before: points of NPS, percentage points of CSAT, or scale points of a mean';
COMMENT ON COLUMN cx.change.std_error IS 'standard error of the difference, in its unit';
COMMENT ON COLUMN cx.change.lower IS 'lower end of the interval of the difference; for NPS that of the adjusted counts; NULL where nothing varies';
COMMENT ON COLUMN cx.change.upper IS 'upper end of the interval of the difference; for NPS that of the adjusted counts; NULL where nothing varies';
COMMENT ON COLUMN cx.change.statistic IS 'test statistic: z, or t where df is given; for NPS and CSAT from the counts of the test, not difference / std_error; NULL where the data cannot tell';
COMMENT ON COLUMN cx.change.df IS 'degrees of freedom of a t test; NULL for a normal test';
COMMENT ON COLUMN cx.change.p_value IS 'two-sided p-value, 0..1; NULL where the data cannot tell';
COMMENT ON COLUMN cx.change.significant IS 'whether p_value is below 1 - confidence';
COMMENT ON COLUMN cx.change.responses_before IS 'answers before';
COMMENT ON COLUMN cx.change.responses_after IS 'answers after';

CREATE FUNCTION cx.nps_change(before cx.tally, after cx.tally, confidence double precision DEFAULT 0.95) RETURNS cx.change
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.nps_change(cx.tally, cx.tally, double precision) IS 'change of NPS in points between different people: difference of the plain scores, normal test and interval on adjusted counts (n + 3, P + 3/4, D + 3/4 on each side); NULL if a side has no answers';

CREATE FUNCTION cx.csat_change(before cx.tally, after cx.tally, satisfied_from integer DEFAULT 4, confidence double precision DEFAULT 0.95) RETURNS cx.change
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.csat_change(cx.tally, cx.tally, integer, double precision) IS 'change of CSAT in percentage points between different people: pooled test of two shares, Newcombe interval (Newcombe 1998, method 10), unpooled standard error; NULL if a side has no answers';

CREATE FUNCTION cx.mean_change(before cx.tally, after cx.tally, confidence double precision DEFAULT 0.95) RETURNS cx.change
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.mean_change(cx.tally, cx.tally, double precision) IS 'change of the mean score between different people: Welch t test (Welch 1947); NULL if a side has no answers';

CREATE FUNCTION cx.estimate_subtract(after cx.estimate, before cx.estimate) RETURNS cx.change
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.estimate_subtract(cx.estimate, cx.estimate) IS 'left minus right for independent samples, such as two weighted scores: normal test on their standard errors at 95 % confidence; for two tallies nps_change, csat_change and mean_change are better with few answers';

CREATE FUNCTION cx.change_subtract(change cx.change, control cx.change) RETURNS cx.change
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.change_subtract(cx.change, cx.change) IS 'difference in differences, left minus right for independent samples: normal test of the differences that both were tested by, on their standard errors, at 95 % confidence; answers before and after are those of both sides together';

CREATE OPERATOR cx.- (LEFTARG = cx.estimate, RIGHTARG = cx.estimate, FUNCTION = cx.estimate_subtract);
CREATE OPERATOR cx.- (LEFTARG = cx.change, RIGHTARG = cx.change, FUNCTION = cx.change_subtract);
COMMENT ON OPERATOR cx.- (cx.estimate, cx.estimate) IS 'change from the right estimate to the left one';
COMMENT ON OPERATOR cx.- (cx.change, cx.change) IS 'difference in differences';

-- The same people before and after

CREATE FUNCTION cx.paired_add(moves cx.tally, before_score smallint, after_score smallint) RETURNS cx.tally
	AS 'MODULE_PATHNAME', 'paired_add_smallint' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.paired_add(cx.tally, smallint, smallint) IS 'adds one person''s move between the classes, counted as 0..4 for -2..2; support function of paired_nps_change';

CREATE FUNCTION cx.paired_add(moves cx.tally, before_score integer, after_score integer) RETURNS cx.tally
	AS 'MODULE_PATHNAME', 'paired_add_integer' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.paired_add(cx.tally, integer, integer) IS 'adds one person''s move between the classes, counted as 0..4 for -2..2; support function of paired_nps_change';

CREATE FUNCTION cx.paired_add(moves cx.tally, before_score numeric, after_score numeric) RETURNS cx.tally
	AS 'MODULE_PATHNAME', 'paired_add_numeric' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.paired_add(cx.tally, numeric, numeric) IS 'adds one person''s move between the classes, counted as 0..4 for -2..2; support function of paired_nps_change';

CREATE FUNCTION cx.paired_add(moves cx.tally, before_score double precision, after_score double precision) RETURNS cx.tally
	AS 'MODULE_PATHNAME', 'paired_add_float8' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.paired_add(cx.tally, double precision, double precision) IS 'adds one person''s move between the classes, counted as 0..4 for -2..2; support function of paired_nps_change';

CREATE FUNCTION cx.paired_remove(moves cx.tally, before_score smallint, after_score smallint) RETURNS cx.tally
	AS 'MODULE_PATHNAME', 'paired_remove_smallint' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.paired_remove(cx.tally, smallint, smallint) IS 'removes one person''s move between the classes, counted as 0..4 for -2..2; support function of paired_nps_change';

CREATE FUNCTION cx.paired_remove(moves cx.tally, before_score integer, after_score integer) RETURNS cx.tally
	AS 'MODULE_PATHNAME', 'paired_remove_integer' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.paired_remove(cx.tally, integer, integer) IS 'removes one person''s move between the classes, counted as 0..4 for -2..2; support function of paired_nps_change';

CREATE FUNCTION cx.paired_remove(moves cx.tally, before_score numeric, after_score numeric) RETURNS cx.tally
	AS 'MODULE_PATHNAME', 'paired_remove_numeric' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.paired_remove(cx.tally, numeric, numeric) IS 'removes one person''s move between the classes, counted as 0..4 for -2..2; support function of paired_nps_change';

CREATE FUNCTION cx.paired_remove(moves cx.tally, before_score double precision, after_score double precision) RETURNS cx.tally
	AS 'MODULE_PATHNAME', 'paired_remove_float8' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.paired_remove(cx.tally, double precision, double precision) IS 'removes one person''s move between the classes, counted as 0..4 for -2..2; support function of paired_nps_change';

CREATE FUNCTION cx.paired_nps_change_final(cx.tally) RETURNS cx.change
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.paired_nps_change_final(cx.tally) IS 'final function of paired_nps_change';

CREATE AGGREGATE cx.paired_nps_change(before_score smallint, after_score smallint) (
	SFUNC = cx.paired_add, STYPE = cx.tally, SSPACE = 96, FINALFUNC = cx.paired_nps_change_final, COMBINEFUNC = cx.merge,
	MSFUNC = cx.paired_add, MINVFUNC = cx.paired_remove, MSTYPE = cx.tally, MSSPACE = 96, MFINALFUNC = cx.paired_nps_change_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.paired_nps_change(smallint, smallint) IS 'change of NPS in points of the same people, one row each: paired t test of their moves between detractor, passive and promoter at 95 % confidence; rows with a NULL score are ignored';

CREATE AGGREGATE cx.paired_nps_change(before_score integer, after_score integer) (
	SFUNC = cx.paired_add, STYPE = cx.tally, SSPACE = 96, FINALFUNC = cx.paired_nps_change_final, COMBINEFUNC = cx.merge,
	MSFUNC = cx.paired_add, MINVFUNC = cx.paired_remove, MSTYPE = cx.tally, MSSPACE = 96, MFINALFUNC = cx.paired_nps_change_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.paired_nps_change(integer, integer) IS 'change of NPS in points of the same people, one row each: paired t test of their moves between detractor, passive and promoter at 95 % confidence; rows with a NULL score are ignored';

CREATE AGGREGATE cx.paired_nps_change(before_score numeric, after_score numeric) (
	SFUNC = cx.paired_add, STYPE = cx.tally, SSPACE = 96, FINALFUNC = cx.paired_nps_change_final, COMBINEFUNC = cx.merge,
	MSFUNC = cx.paired_add, MINVFUNC = cx.paired_remove, MSTYPE = cx.tally, MSSPACE = 96, MFINALFUNC = cx.paired_nps_change_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.paired_nps_change(numeric, numeric) IS 'change of NPS in points of the same people, one row each: paired t test of their moves between detractor, passive and promoter at 95 % confidence; rows with a NULL score are ignored';

CREATE AGGREGATE cx.paired_nps_change(before_score double precision, after_score double precision) (
	SFUNC = cx.paired_add, STYPE = cx.tally, SSPACE = 96, FINALFUNC = cx.paired_nps_change_final, COMBINEFUNC = cx.merge,
	MSFUNC = cx.paired_add, MINVFUNC = cx.paired_remove, MSTYPE = cx.tally, MSSPACE = 96, MFINALFUNC = cx.paired_nps_change_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.paired_nps_change(double precision, double precision) IS 'change of NPS in points of the same people, one row each: paired t test of their moves between detractor, passive and promoter at 95 % confidence; rows with a NULL score are ignored';
