-- Scores of a tally

CREATE FUNCTION cx.responses(tally cx.tally) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.responses(cx.tally) IS 'number of answers';

CREATE FUNCTION cx.promoters(tally cx.tally) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.promoters(cx.tally) IS 'number of answers with 9 or 10';

CREATE FUNCTION cx.passives(tally cx.tally) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.passives(cx.tally) IS 'number of answers with 7 or 8';

CREATE FUNCTION cx.detractors(tally cx.tally) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.detractors(cx.tally) IS 'number of answers with 0 to 6';

CREATE FUNCTION cx.nps_of(tally cx.tally) RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.nps_of(cx.tally) IS 'Net Promoter Score, -100..100: percent of promoters (9-10) minus percent of detractors (0-6); NULL without answers (Reichheld 2003)';

CREATE FUNCTION cx.csat_of(tally cx.tally, satisfied_from integer DEFAULT 4) RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.csat_of(cx.tally, integer) IS 'CSAT in percent, 0..100: share of answers with satisfied_from (1..10) or more, on whatever scale; NULL without answers';

CREATE FUNCTION cx.share_of(tally cx.tally, low integer, high integer) RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.share_of(cx.tally, integer, integer) IS 'percent of answers, 0..100, with a score from low to high; NULL without answers';

CREATE FUNCTION cx.mean_of(tally cx.tally) RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.mean_of(cx.tally) IS 'mean score, 0..10; NULL without answers';

CREATE FUNCTION cx.stddev_of(tally cx.tally) RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.stddev_of(cx.tally) IS 'sample standard deviation (n - 1) of the scores; NULL for fewer than two answers';

-- Support functions of the aggregates below

CREATE FUNCTION cx.tally_add(tally cx.tally, score smallint) RETURNS cx.tally
	AS 'MODULE_PATHNAME', 'tally_add_smallint' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.tally_add(cx.tally, smallint) IS 'tally with one more answer; NULL scores change nothing';

CREATE FUNCTION cx.tally_add(tally cx.tally, score integer) RETURNS cx.tally
	AS 'MODULE_PATHNAME', 'tally_add_integer' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.tally_add(cx.tally, integer) IS 'tally with one more answer; NULL scores change nothing';

CREATE FUNCTION cx.tally_add(tally cx.tally, score numeric) RETURNS cx.tally
	AS 'MODULE_PATHNAME', 'tally_add_numeric' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.tally_add(cx.tally, numeric) IS 'tally with one more answer; NULL scores change nothing';

CREATE FUNCTION cx.tally_add(tally cx.tally, score double precision) RETURNS cx.tally
	AS 'MODULE_PATHNAME', 'tally_add_float8' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.tally_add(cx.tally, double precision) IS 'tally with one more answer; NULL scores change nothing';

CREATE FUNCTION cx.tally_remove(tally cx.tally, score smallint) RETURNS cx.tally
	AS 'MODULE_PATHNAME', 'tally_remove_smallint' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.tally_remove(cx.tally, smallint) IS 'tally with one answer less; NULL scores change nothing';

CREATE FUNCTION cx.tally_remove(tally cx.tally, score integer) RETURNS cx.tally
	AS 'MODULE_PATHNAME', 'tally_remove_integer' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.tally_remove(cx.tally, integer) IS 'tally with one answer less; NULL scores change nothing';

CREATE FUNCTION cx.tally_remove(tally cx.tally, score numeric) RETURNS cx.tally
	AS 'MODULE_PATHNAME', 'tally_remove_numeric' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.tally_remove(cx.tally, numeric) IS 'tally with one answer less; NULL scores change nothing';

CREATE FUNCTION cx.tally_remove(tally cx.tally, score double precision) RETURNS cx.tally
	AS 'MODULE_PATHNAME', 'tally_remove_float8' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.tally_remove(cx.tally, double precision) IS 'tally with one answer less; NULL scores change nothing';

CREATE FUNCTION cx.tally_split(tally cx.tally, score smallint, satisfied_from integer) RETURNS cx.tally
	AS 'MODULE_PATHNAME', 'tally_split_smallint' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.tally_split(cx.tally, smallint, integer) IS 'answer counted as satisfied (1) or not (0); support function of csat(score, satisfied_from)';

CREATE FUNCTION cx.tally_split(tally cx.tally, score integer, satisfied_from integer) RETURNS cx.tally
	AS 'MODULE_PATHNAME', 'tally_split_integer' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.tally_split(cx.tally, integer, integer) IS 'answer counted as satisfied (1) or not (0); support function of csat(score, satisfied_from)';

CREATE FUNCTION cx.tally_split(tally cx.tally, score numeric, satisfied_from integer) RETURNS cx.tally
	AS 'MODULE_PATHNAME', 'tally_split_numeric' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.tally_split(cx.tally, numeric, integer) IS 'answer counted as satisfied (1) or not (0); support function of csat(score, satisfied_from)';

CREATE FUNCTION cx.tally_split(tally cx.tally, score double precision, satisfied_from integer) RETURNS cx.tally
	AS 'MODULE_PATHNAME', 'tally_split_float8' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.tally_split(cx.tally, double precision, integer) IS 'answer counted as satisfied (1) or not (0); support function of csat(score, satisfied_from)';

CREATE FUNCTION cx.tally_split(tally cx.tally, answers cx.tally, satisfied_from integer) RETURNS cx.tally
	AS 'MODULE_PATHNAME', 'tally_split_tally' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.tally_split(cx.tally, cx.tally, integer) IS 'the answers of a tally counted as satisfied (1) or not (0); support function of csat(score, satisfied_from)';

CREATE FUNCTION cx.tally_unsplit(tally cx.tally, score smallint, satisfied_from integer) RETURNS cx.tally
	AS 'MODULE_PATHNAME', 'tally_unsplit_smallint' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.tally_unsplit(cx.tally, smallint, integer) IS 'inverse of tally_split; support function of csat(score, satisfied_from)';

CREATE FUNCTION cx.tally_unsplit(tally cx.tally, score integer, satisfied_from integer) RETURNS cx.tally
	AS 'MODULE_PATHNAME', 'tally_unsplit_integer' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.tally_unsplit(cx.tally, integer, integer) IS 'inverse of tally_split; support function of csat(score, satisfied_from)';

CREATE FUNCTION cx.tally_unsplit(tally cx.tally, score numeric, satisfied_from integer) RETURNS cx.tally
	AS 'MODULE_PATHNAME', 'tally_unsplit_numeric' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.tally_unsplit(cx.tally, numeric, integer) IS 'inverse of tally_split; support function of csat(score, satisfied_from)';

CREATE FUNCTION cx.tally_unsplit(tally cx.tally, score double precision, satisfied_from integer) RETURNS cx.tally
	AS 'MODULE_PATHNAME', 'tally_unsplit_float8' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.tally_unsplit(cx.tally, double precision, integer) IS 'inverse of tally_split; support function of csat(score, satisfied_from)';

CREATE FUNCTION cx.tally_unsplit(tally cx.tally, answers cx.tally, satisfied_from integer) RETURNS cx.tally
	AS 'MODULE_PATHNAME', 'tally_unsplit_tally' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.tally_unsplit(cx.tally, cx.tally, integer) IS 'inverse of tally_split; support function of csat(score, satisfied_from)';

CREATE FUNCTION cx.tally_final(cx.tally) RETURNS cx.tally
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.tally_final(cx.tally) IS 'tally, or NULL without answers; final function of tally(score)';

CREATE FUNCTION cx.csat_final(cx.tally) RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.csat_final(cx.tally) IS 'CSAT of a 1-5 scale in percent; final function of csat(score)';

CREATE FUNCTION cx.csat_split_final(cx.tally) RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.csat_split_final(cx.tally) IS 'CSAT in percent; final function of csat(score, satisfied_from)';

CREATE FUNCTION cx.ces_final(cx.tally) RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.ces_final(cx.tally) IS 'mean of a 1-7 scale; final function of ces(score)';

-- Aggregates: one transition for all of them, so a query runs it once

CREATE AGGREGATE cx.tally(smallint) (
	SFUNC = cx.tally_add, STYPE = cx.tally, SSPACE = 96, FINALFUNC = cx.tally_final, COMBINEFUNC = cx.merge,
	MSFUNC = cx.tally_add, MINVFUNC = cx.tally_remove, MSTYPE = cx.tally, MSSPACE = 96, MFINALFUNC = cx.tally_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.tally(smallint) IS 'tally of the scores, whole numbers 0..10; NULL scores are ignored; no scores give NULL';

CREATE AGGREGATE cx.tally(integer) (
	SFUNC = cx.tally_add, STYPE = cx.tally, SSPACE = 96, FINALFUNC = cx.tally_final, COMBINEFUNC = cx.merge,
	MSFUNC = cx.tally_add, MINVFUNC = cx.tally_remove, MSTYPE = cx.tally, MSSPACE = 96, MFINALFUNC = cx.tally_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.tally(integer) IS 'tally of the scores, whole numbers 0..10; NULL scores are ignored; no scores give NULL';

CREATE AGGREGATE cx.tally(numeric) (
	SFUNC = cx.tally_add, STYPE = cx.tally, SSPACE = 96, FINALFUNC = cx.tally_final, COMBINEFUNC = cx.merge,
	MSFUNC = cx.tally_add, MINVFUNC = cx.tally_remove, MSTYPE = cx.tally, MSSPACE = 96, MFINALFUNC = cx.tally_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.tally(numeric) IS 'tally of the scores, whole numbers 0..10; NULL scores are ignored; no scores give NULL';

CREATE AGGREGATE cx.tally(double precision) (
	SFUNC = cx.tally_add, STYPE = cx.tally, SSPACE = 96, FINALFUNC = cx.tally_final, COMBINEFUNC = cx.merge,
	MSFUNC = cx.tally_add, MINVFUNC = cx.tally_remove, MSTYPE = cx.tally, MSSPACE = 96, MFINALFUNC = cx.tally_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.tally(double precision) IS 'tally of the scores, whole numbers 0..10; NULL scores are ignored; no scores give NULL';

CREATE AGGREGATE cx.tally(cx.tally) (
	SFUNC = cx.merge, STYPE = cx.tally, SSPACE = 96, FINALFUNC = cx.tally_final, COMBINEFUNC = cx.merge,
	MSFUNC = cx.merge, MINVFUNC = cx.tally_subtract, MSTYPE = cx.tally, MSSPACE = 96, MFINALFUNC = cx.tally_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.tally(cx.tally) IS 'tallies added up: the roll-up of stored tallies; no answers give NULL';

CREATE AGGREGATE cx.nps(smallint) (
	SFUNC = cx.tally_add, STYPE = cx.tally, SSPACE = 96, FINALFUNC = cx.nps_of, COMBINEFUNC = cx.merge,
	MSFUNC = cx.tally_add, MINVFUNC = cx.tally_remove, MSTYPE = cx.tally, MSSPACE = 96, MFINALFUNC = cx.nps_of,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.nps(smallint) IS 'Net Promoter Score, -100..100: percent of 9-10 minus percent of 0-6; NULL scores are ignored; no scores give NULL';

CREATE AGGREGATE cx.nps(integer) (
	SFUNC = cx.tally_add, STYPE = cx.tally, SSPACE = 96, FINALFUNC = cx.nps_of, COMBINEFUNC = cx.merge,
	MSFUNC = cx.tally_add, MINVFUNC = cx.tally_remove, MSTYPE = cx.tally, MSSPACE = 96, MFINALFUNC = cx.nps_of,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.nps(integer) IS 'Net Promoter Score, -100..100: percent of 9-10 minus percent of 0-6; NULL scores are ignored; no scores give NULL';

CREATE AGGREGATE cx.nps(numeric) (
	SFUNC = cx.tally_add, STYPE = cx.tally, SSPACE = 96, FINALFUNC = cx.nps_of, COMBINEFUNC = cx.merge,
	MSFUNC = cx.tally_add, MINVFUNC = cx.tally_remove, MSTYPE = cx.tally, MSSPACE = 96, MFINALFUNC = cx.nps_of,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.nps(numeric) IS 'Net Promoter Score, -100..100: percent of 9-10 minus percent of 0-6; NULL scores are ignored; no scores give NULL';

CREATE AGGREGATE cx.nps(double precision) (
	SFUNC = cx.tally_add, STYPE = cx.tally, SSPACE = 96, FINALFUNC = cx.nps_of, COMBINEFUNC = cx.merge,
	MSFUNC = cx.tally_add, MINVFUNC = cx.tally_remove, MSTYPE = cx.tally, MSSPACE = 96, MFINALFUNC = cx.nps_of,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.nps(double precision) IS 'Net Promoter Score, -100..100: percent of 9-10 minus percent of 0-6; NULL scores are ignored; no scores give NULL';

CREATE AGGREGATE cx.nps(cx.tally) (
	SFUNC = cx.merge, STYPE = cx.tally, SSPACE = 96, FINALFUNC = cx.nps_of, COMBINEFUNC = cx.merge,
	MSFUNC = cx.merge, MINVFUNC = cx.tally_subtract, MSTYPE = cx.tally, MSSPACE = 96, MFINALFUNC = cx.nps_of,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.nps(cx.tally) IS 'Net Promoter Score, -100..100, of all answers in these tallies';

CREATE AGGREGATE cx.csat(smallint) (
	SFUNC = cx.tally_add, STYPE = cx.tally, SSPACE = 96, FINALFUNC = cx.csat_final, COMBINEFUNC = cx.merge,
	MSFUNC = cx.tally_add, MINVFUNC = cx.tally_remove, MSTYPE = cx.tally, MSSPACE = 96, MFINALFUNC = cx.csat_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.csat(smallint) IS 'CSAT of a 1-5 scale: percent of 4 and 5, 0..100; NULL scores are ignored; error for 0 and above 5';

CREATE AGGREGATE cx.csat(integer) (
	SFUNC = cx.tally_add, STYPE = cx.tally, SSPACE = 96, FINALFUNC = cx.csat_final, COMBINEFUNC = cx.merge,
	MSFUNC = cx.tally_add, MINVFUNC = cx.tally_remove, MSTYPE = cx.tally, MSSPACE = 96, MFINALFUNC = cx.csat_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.csat(integer) IS 'CSAT of a 1-5 scale: percent of 4 and 5, 0..100; NULL scores are ignored; error for 0 and above 5';

CREATE AGGREGATE cx.csat(numeric) (
	SFUNC = cx.tally_add, STYPE = cx.tally, SSPACE = 96, FINALFUNC = cx.csat_final, COMBINEFUNC = cx.merge,
	MSFUNC = cx.tally_add, MINVFUNC = cx.tally_remove, MSTYPE = cx.tally, MSSPACE = 96, MFINALFUNC = cx.csat_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.csat(numeric) IS 'CSAT of a 1-5 scale: percent of 4 and 5, 0..100; NULL scores are ignored; error for 0 and above 5';

CREATE AGGREGATE cx.csat(double precision) (
	SFUNC = cx.tally_add, STYPE = cx.tally, SSPACE = 96, FINALFUNC = cx.csat_final, COMBINEFUNC = cx.merge,
	MSFUNC = cx.tally_add, MINVFUNC = cx.tally_remove, MSTYPE = cx.tally, MSSPACE = 96, MFINALFUNC = cx.csat_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.csat(double precision) IS 'CSAT of a 1-5 scale: percent of 4 and 5, 0..100; NULL scores are ignored; error for 0 and above 5';

CREATE AGGREGATE cx.csat(cx.tally) (
	SFUNC = cx.merge, STYPE = cx.tally, SSPACE = 96, FINALFUNC = cx.csat_final, COMBINEFUNC = cx.merge,
	MSFUNC = cx.merge, MINVFUNC = cx.tally_subtract, MSTYPE = cx.tally, MSSPACE = 96, MFINALFUNC = cx.csat_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.csat(cx.tally) IS 'CSAT of a 1-5 scale, percent of 4 and 5 among all answers in these tallies; error for 0 and above 5';

CREATE AGGREGATE cx.ces(smallint) (
	SFUNC = cx.tally_add, STYPE = cx.tally, SSPACE = 96, FINALFUNC = cx.ces_final, COMBINEFUNC = cx.merge,
	MSFUNC = cx.tally_add, MINVFUNC = cx.tally_remove, MSTYPE = cx.tally, MSSPACE = 96, MFINALFUNC = cx.ces_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.ces(smallint) IS 'Customer Effort Score: mean of a 1-7 scale, higher is easier; NULL scores are ignored; error for 0 and above 7';

CREATE AGGREGATE cx.ces(integer) (
	SFUNC = cx.tally_add, STYPE = cx.tally, SSPACE = 96, FINALFUNC = cx.ces_final, COMBINEFUNC = cx.merge,
	MSFUNC = cx.tally_add, MINVFUNC = cx.tally_remove, MSTYPE = cx.tally, MSSPACE = 96, MFINALFUNC = cx.ces_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.ces(integer) IS 'Customer Effort Score: mean of a 1-7 scale, higher is easier; NULL scores are ignored; error for 0 and above 7';

CREATE AGGREGATE cx.ces(numeric) (
	SFUNC = cx.tally_add, STYPE = cx.tally, SSPACE = 96, FINALFUNC = cx.ces_final, COMBINEFUNC = cx.merge,
	MSFUNC = cx.tally_add, MINVFUNC = cx.tally_remove, MSTYPE = cx.tally, MSSPACE = 96, MFINALFUNC = cx.ces_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.ces(numeric) IS 'Customer Effort Score: mean of a 1-7 scale, higher is easier; NULL scores are ignored; error for 0 and above 7';

CREATE AGGREGATE cx.ces(double precision) (
	SFUNC = cx.tally_add, STYPE = cx.tally, SSPACE = 96, FINALFUNC = cx.ces_final, COMBINEFUNC = cx.merge,
	MSFUNC = cx.tally_add, MINVFUNC = cx.tally_remove, MSTYPE = cx.tally, MSSPACE = 96, MFINALFUNC = cx.ces_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.ces(double precision) IS 'Customer Effort Score: mean of a 1-7 scale, higher is easier; NULL scores are ignored; error for 0 and above 7';

CREATE AGGREGATE cx.ces(cx.tally) (
	SFUNC = cx.merge, STYPE = cx.tally, SSPACE = 96, FINALFUNC = cx.ces_final, COMBINEFUNC = cx.merge,
	MSFUNC = cx.merge, MINVFUNC = cx.tally_subtract, MSTYPE = cx.tally, MSSPACE = 96, MFINALFUNC = cx.ces_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.ces(cx.tally) IS 'Customer Effort Score: mean of a 1-7 scale over all answers in these tallies; error for 0 and above 7';

CREATE AGGREGATE cx.csat(smallint, satisfied_from integer) (
	SFUNC = cx.tally_split, STYPE = cx.tally, SSPACE = 96, FINALFUNC = cx.csat_split_final, COMBINEFUNC = cx.merge,
	MSFUNC = cx.tally_split, MINVFUNC = cx.tally_unsplit, MSTYPE = cx.tally, MSSPACE = 96, MFINALFUNC = cx.csat_split_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.csat(smallint, integer) IS 'CSAT in percent, 0..100: share of answers with satisfied_from (1..10) or more, on any scale within 0..10; NULL scores are ignored';

CREATE AGGREGATE cx.csat(integer, satisfied_from integer) (
	SFUNC = cx.tally_split, STYPE = cx.tally, SSPACE = 96, FINALFUNC = cx.csat_split_final, COMBINEFUNC = cx.merge,
	MSFUNC = cx.tally_split, MINVFUNC = cx.tally_unsplit, MSTYPE = cx.tally, MSSPACE = 96, MFINALFUNC = cx.csat_split_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.csat(integer, integer) IS 'CSAT in percent, 0..100: share of answers with satisfied_from (1..10) or more, on any scale within 0..10; NULL scores are ignored';

CREATE AGGREGATE cx.csat(numeric, satisfied_from integer) (
	SFUNC = cx.tally_split, STYPE = cx.tally, SSPACE = 96, FINALFUNC = cx.csat_split_final, COMBINEFUNC = cx.merge,
	MSFUNC = cx.tally_split, MINVFUNC = cx.tally_unsplit, MSTYPE = cx.tally, MSSPACE = 96, MFINALFUNC = cx.csat_split_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.csat(numeric, integer) IS 'CSAT in percent, 0..100: share of answers with satisfied_from (1..10) or more, on any scale within 0..10; NULL scores are ignored';

CREATE AGGREGATE cx.csat(double precision, satisfied_from integer) (
	SFUNC = cx.tally_split, STYPE = cx.tally, SSPACE = 96, FINALFUNC = cx.csat_split_final, COMBINEFUNC = cx.merge,
	MSFUNC = cx.tally_split, MINVFUNC = cx.tally_unsplit, MSTYPE = cx.tally, MSSPACE = 96, MFINALFUNC = cx.csat_split_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.csat(double precision, integer) IS 'CSAT in percent, 0..100: share of answers with satisfied_from (1..10) or more, on any scale within 0..10; NULL scores are ignored';

CREATE AGGREGATE cx.csat(cx.tally, satisfied_from integer) (
	SFUNC = cx.tally_split, STYPE = cx.tally, SSPACE = 96, FINALFUNC = cx.csat_split_final, COMBINEFUNC = cx.merge,
	MSFUNC = cx.tally_split, MINVFUNC = cx.tally_unsplit, MSTYPE = cx.tally, MSSPACE = 96, MFINALFUNC = cx.csat_split_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.csat(cx.tally, integer) IS 'CSAT in percent, 0..100: share of answers with satisfied_from (1..10) or more, on any scale within 0..10; NULL scores are ignored';
