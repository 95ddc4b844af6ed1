\echo Use "CREATE EXTENSION cx" to load this file. \quit

-- An existing schema cx belongs to somebody else, so this plain CREATE refuses it.
CREATE SCHEMA cx;
COMMENT ON SCHEMA cx IS 'customer experience management: types, aggregates and functions of the extension cx';
GRANT USAGE ON SCHEMA cx TO PUBLIC;

-- The type cx.tally

CREATE TYPE cx.tally;

CREATE FUNCTION cx.tally_in(cstring) RETURNS cx.tally
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION cx.tally_out(cx.tally) RETURNS cstring
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION cx.tally_recv(internal) RETURNS cx.tally
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION cx.tally_send(cx.tally) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE TYPE cx.tally (
	INPUT = cx.tally_in,
	OUTPUT = cx.tally_out,
	RECEIVE = cx.tally_recv,
	SEND = cx.tally_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = double,
	STORAGE = plain
);

COMMENT ON TYPE cx.tally IS 'answers per score 0..10, such as {0:3,7:2,10:5}: a lossless summary that adds up and from which every score is computed';
COMMENT ON FUNCTION cx.tally_in(cstring) IS 'text input of tally';
COMMENT ON FUNCTION cx.tally_out(cx.tally) IS 'text output of tally';
COMMENT ON FUNCTION cx.tally_recv(internal) IS 'binary input of tally';
COMMENT ON FUNCTION cx.tally_send(cx.tally) IS 'binary output of tally';

-- Comparison: equal counts are equal tallies; the order is by count of score 0, then 1, and so on

CREATE FUNCTION cx.tally_eq(cx.tally, cx.tally) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION cx.tally_ne(cx.tally, cx.tally) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION cx.tally_lt(cx.tally, cx.tally) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION cx.tally_le(cx.tally, cx.tally) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION cx.tally_gt(cx.tally, cx.tally) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION cx.tally_ge(cx.tally, cx.tally) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION cx.tally_cmp(cx.tally, cx.tally) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION cx.tally_hash(cx.tally) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION cx.tally_hash_extended(cx.tally, bigint) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION cx.tally_eq(cx.tally, cx.tally) IS 'implementation of = operator';
COMMENT ON FUNCTION cx.tally_ne(cx.tally, cx.tally) IS 'implementation of <> operator';
COMMENT ON FUNCTION cx.tally_lt(cx.tally, cx.tally) IS 'implementation of < operator';
COMMENT ON FUNCTION cx.tally_le(cx.tally, cx.tally) IS 'implementation of <= operator';
COMMENT ON FUNCTION cx.tally_gt(cx.tally, cx.tally) IS 'implementation of > operator';
COMMENT ON FUNCTION cx.tally_ge(cx.tally, cx.tally) IS 'implementation of >= operator';
COMMENT ON FUNCTION cx.tally_cmp(cx.tally, cx.tally) IS 'less-equal-greater comparison for btree';
COMMENT ON FUNCTION cx.tally_hash(cx.tally) IS 'hash';
COMMENT ON FUNCTION cx.tally_hash_extended(cx.tally, bigint) IS 'hash with a seed';

CREATE OPERATOR cx.= (
	LEFTARG = cx.tally, RIGHTARG = cx.tally, FUNCTION = cx.tally_eq,
	COMMUTATOR = OPERATOR(cx.=), NEGATOR = OPERATOR(cx.<>),
	RESTRICT = pg_catalog.eqsel, JOIN = pg_catalog.eqjoinsel, HASHES, MERGES
);
CREATE OPERATOR cx.<> (
	LEFTARG = cx.tally, RIGHTARG = cx.tally, FUNCTION = cx.tally_ne,
	COMMUTATOR = OPERATOR(cx.<>), NEGATOR = OPERATOR(cx.=),
	RESTRICT = pg_catalog.neqsel, JOIN = pg_catalog.neqjoinsel
);
CREATE OPERATOR cx.< (
	LEFTARG = cx.tally, RIGHTARG = cx.tally, FUNCTION = cx.tally_lt,
	COMMUTATOR = OPERATOR(cx.>), NEGATOR = OPERATOR(cx.>=),
	RESTRICT = pg_catalog.scalarltsel, JOIN = pg_catalog.scalarltjoinsel
);
CREATE OPERATOR cx.<= (
	LEFTARG = cx.tally, RIGHTARG = cx.tally, FUNCTION = cx.tally_le,
	COMMUTATOR = OPERATOR(cx.>=), NEGATOR = OPERATOR(cx.>),
	RESTRICT = pg_catalog.scalarlesel, JOIN = pg_catalog.scalarlejoinsel
);
CREATE OPERATOR cx.> (
	LEFTARG = cx.tally, RIGHTARG = cx.tally, FUNCTION = cx.tally_gt,
	COMMUTATOR = OPERATOR(cx.<), NEGATOR = OPERATOR(cx.<=),
	RESTRICT = pg_catalog.scalargtsel, JOIN = pg_catalog.scalargtjoinsel
);
CREATE OPERATOR cx.>= (
	LEFTARG = cx.tally, RIGHTARG = cx.tally, FUNCTION = cx.tally_ge,
	COMMUTATOR = OPERATOR(cx.<=), NEGATOR = OPERATOR(cx.<),
	RESTRICT = pg_catalog.scalargesel, JOIN = pg_catalog.scalargejoinsel
);

COMMENT ON OPERATOR cx.= (cx.tally, cx.tally) IS 'equal';
COMMENT ON OPERATOR cx.<> (cx.tally, cx.tally) IS 'not equal';
COMMENT ON OPERATOR cx.< (cx.tally, cx.tally) IS 'less than';
COMMENT ON OPERATOR cx.<= (cx.tally, cx.tally) IS 'less than or equal';
COMMENT ON OPERATOR cx.> (cx.tally, cx.tally) IS 'greater than';
COMMENT ON OPERATOR cx.>= (cx.tally, cx.tally) IS 'greater than or equal';

CREATE OPERATOR CLASS cx.tally_ops DEFAULT FOR TYPE cx.tally USING btree AS
	OPERATOR 1 cx.<, OPERATOR 2 cx.<=, OPERATOR 3 cx.=, OPERATOR 4 cx.>=, OPERATOR 5 cx.>,
	FUNCTION 1 cx.tally_cmp(cx.tally, cx.tally);
CREATE OPERATOR CLASS cx.tally_ops DEFAULT FOR TYPE cx.tally USING hash AS
	OPERATOR 1 cx.=,
	FUNCTION 1 cx.tally_hash(cx.tally),
	FUNCTION 2 cx.tally_hash_extended(cx.tally, bigint);

COMMENT ON OPERATOR CLASS cx.tally_ops USING btree IS 'order by the count of score 0, then of 1, and so on';
COMMENT ON OPERATOR CLASS cx.tally_ops USING hash IS 'equality of tallies';

-- Arithmetic

CREATE FUNCTION cx.merge(cx.tally, cx.tally) RETURNS cx.tally
	AS 'MODULE_PATHNAME', 'tally_merge' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.merge(cx.tally, cx.tally) IS 'the answers of both tallies together; error if a count exceeds bigint';

CREATE FUNCTION cx.tally_subtract(cx.tally, cx.tally) RETURNS cx.tally
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.tally_subtract(cx.tally, cx.tally) IS 'the first tally without the answers of the second, a part of it; error if it is no part';

CREATE OPERATOR cx.+ (
	LEFTARG = cx.tally, RIGHTARG = cx.tally, FUNCTION = cx.merge, COMMUTATOR = OPERATOR(cx.+)
);
CREATE OPERATOR cx.- (
	LEFTARG = cx.tally, RIGHTARG = cx.tally, FUNCTION = cx.tally_subtract
);
COMMENT ON OPERATOR cx.+ (cx.tally, cx.tally) IS 'both tallies together';
COMMENT ON OPERATOR cx.- (cx.tally, cx.tally) IS 'a tally without a part of it';

CREATE FUNCTION cx.counts(tally cx.tally, OUT score integer, OUT responses bigint) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'tally_counts' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 11;
COMMENT ON FUNCTION cx.counts(cx.tally) IS 'one row for each score that occurs, with its number of answers';

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
-- Scores with their intervals

CREATE TYPE cx.estimate AS (
	value double precision,
	std_error double precision,
	lower double precision,
	upper double precision,
	responses bigint,
	effective_responses double precision
);
COMMENT ON TYPE cx.estimate IS 'a score with its standard error, interval and number of answers';
COMMENT ON COLUMN cx.estimate.value IS 'the score: NPS in points, CSAT in percent, or a mean';
COMMENT ON COLUMN cx.estimate.std_error IS 'standard error of the value, in its unit; NULL where one answer cannot tell';
COMMENT ON COLUMN cx.estimate.lower IS 'lower end of the interval, in the unit of the value; for NPS that of the adjusted counts, which may leave out the value of few unanimous answers';
COMMENT ON COLUMN cx.estimate.upper IS 'upper end of the interval, in the unit of the value; for NPS that of the adjusted counts';
COMMENT ON COLUMN cx.estimate.responses IS 'answers counted';
COMMENT ON COLUMN cx.estimate.effective_responses IS 'answers of equal weight that would tell as much; the same as responses without weights';

CREATE FUNCTION cx.nps_estimate(tally cx.tally, confidence double precision DEFAULT 0.95) RETURNS cx.estimate
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.nps_estimate(cx.tally, double precision) IS 'NPS in points with its adjusted Wald interval, -100..100 (Rocks 2016: three made-up answers, 3/4 promoter, 3/2 passive, 3/4 detractor); NULL without answers; confidence is a share between 0 and 1';

CREATE FUNCTION cx.csat_estimate(tally cx.tally, satisfied_from integer DEFAULT 4, confidence double precision DEFAULT 0.95) RETURNS cx.estimate
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.csat_estimate(cx.tally, integer, double precision) IS 'CSAT in percent with its Wilson score interval, 0..100 (Wilson 1927); NULL without answers; confidence is a share between 0 and 1';

CREATE FUNCTION cx.mean_estimate(tally cx.tally, confidence double precision DEFAULT 0.95) RETURNS cx.estimate
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.mean_estimate(cx.tally, double precision) IS 'mean score with its Student t interval; NULL without answers; the interval is NULL for one answer; confidence is a share between 0 and 1';
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
-- How much of a change of NPS is a change of the mix

CREATE TYPE cx.mix_change AS (
	difference double precision,
	within double precision,
	mix double precision,
	lower double precision,
	upper double precision,
	responses_before bigint,
	responses_after bigint
);
COMMENT ON TYPE cx.mix_change IS 'a change of NPS taken apart: within + mix = difference';
COMMENT ON COLUMN cx.mix_change.difference IS 'change of the total NPS in points, after minus before';
COMMENT ON COLUMN cx.mix_change.within IS 'points that come from changes within the strata: mean share times change of NPS, summed';
COMMENT ON COLUMN cx.mix_change.mix IS 'points that come from a change of the mix: mean NPS times change of share, summed';
COMMENT ON COLUMN cx.mix_change.lower IS 'lower end of the 95 % interval of within, the shares taken as given';
COMMENT ON COLUMN cx.mix_change.upper IS 'upper end of the 95 % interval of within, the shares taken as given';
COMMENT ON COLUMN cx.mix_change.responses_before IS 'answers before, over all strata';
COMMENT ON COLUMN cx.mix_change.responses_after IS 'answers after, over all strata';

CREATE FUNCTION cx.nps_mix_add(state double precision[], before cx.tally, after cx.tally) RETURNS double precision[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.nps_mix_add(double precision[], cx.tally, cx.tally) IS 'adds one stratum; support function of nps_mix_change';

CREATE FUNCTION cx.nps_mix_combine(double precision[], double precision[]) RETURNS double precision[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.nps_mix_combine(double precision[], double precision[]) IS 'both states together; support function of nps_mix_change';

CREATE FUNCTION cx.nps_mix_final(double precision[]) RETURNS cx.mix_change
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.nps_mix_final(double precision[]) IS 'final function of nps_mix_change';

CREATE AGGREGATE cx.nps_mix_change(before cx.tally, after cx.tally) (
	SFUNC = cx.nps_mix_add, STYPE = double precision[], INITCOND = '{0,0,0,0,0,0,0,0,0}',
	FINALFUNC = cx.nps_mix_final, COMBINEFUNC = cx.nps_mix_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.nps_mix_change(cx.tally, cx.tally) IS 'change of NPS over strata, one row each, taken apart into change within the strata and change of the mix (Kitagawa 1955); a stratum without answers on one side is all mix; NULL if a side has no answers at all; the 95 % interval is of within and takes the shares as given';
-- Surveys whose answers carry weights

CREATE FUNCTION cx.weighted_nps_add(state double precision[], score smallint, weight double precision) RETURNS double precision[]
	AS 'MODULE_PATHNAME', 'weighted_nps_add_smallint' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.weighted_nps_add(double precision[], smallint, double precision) IS 'adds one weighted answer; support function of weighted_nps';

CREATE FUNCTION cx.weighted_nps_add(state double precision[], score integer, weight double precision) RETURNS double precision[]
	AS 'MODULE_PATHNAME', 'weighted_nps_add_integer' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.weighted_nps_add(double precision[], integer, double precision) IS 'adds one weighted answer; support function of weighted_nps';

CREATE FUNCTION cx.weighted_nps_add(state double precision[], score numeric, weight double precision) RETURNS double precision[]
	AS 'MODULE_PATHNAME', 'weighted_nps_add_numeric' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.weighted_nps_add(double precision[], numeric, double precision) IS 'adds one weighted answer; support function of weighted_nps';

CREATE FUNCTION cx.weighted_nps_add(state double precision[], score double precision, weight double precision) RETURNS double precision[]
	AS 'MODULE_PATHNAME', 'weighted_nps_add_float8' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.weighted_nps_add(double precision[], double precision, double precision) IS 'adds one weighted answer; support function of weighted_nps';

CREATE FUNCTION cx.weighted_nps_add(state double precision[], tally cx.tally, weight double precision) RETURNS double precision[]
	AS 'MODULE_PATHNAME', 'weighted_nps_add_tally' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.weighted_nps_add(double precision[], cx.tally, double precision) IS 'adds the answers of a tally with their weight; support function of weighted_nps';

CREATE FUNCTION cx.weighted_csat_add(state double precision[], score smallint, satisfied_from integer, weight double precision) RETURNS double precision[]
	AS 'MODULE_PATHNAME', 'weighted_csat_add_smallint' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.weighted_csat_add(double precision[], smallint, integer, double precision) IS 'adds one weighted answer; support function of weighted_csat';

CREATE FUNCTION cx.weighted_csat_add(state double precision[], score integer, satisfied_from integer, weight double precision) RETURNS double precision[]
	AS 'MODULE_PATHNAME', 'weighted_csat_add_integer' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.weighted_csat_add(double precision[], integer, integer, double precision) IS 'adds one weighted answer; support function of weighted_csat';

CREATE FUNCTION cx.weighted_csat_add(state double precision[], score numeric, satisfied_from integer, weight double precision) RETURNS double precision[]
	AS 'MODULE_PATHNAME', 'weighted_csat_add_numeric' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.weighted_csat_add(double precision[], numeric, integer, double precision) IS 'adds one weighted answer; support function of weighted_csat';

CREATE FUNCTION cx.weighted_csat_add(state double precision[], score double precision, satisfied_from integer, weight double precision) RETURNS double precision[]
	AS 'MODULE_PATHNAME', 'weighted_csat_add_float8' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.weighted_csat_add(double precision[], double precision, integer, double precision) IS 'adds one weighted answer; support function of weighted_csat';

CREATE FUNCTION cx.weighted_csat_add(state double precision[], tally cx.tally, satisfied_from integer, weight double precision) RETURNS double precision[]
	AS 'MODULE_PATHNAME', 'weighted_csat_add_tally' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.weighted_csat_add(double precision[], cx.tally, integer, double precision) IS 'adds the answers of a tally with their weight; support function of weighted_csat';

CREATE FUNCTION cx.weighted_mean_add(state double precision[], score smallint, weight double precision) RETURNS double precision[]
	AS 'MODULE_PATHNAME', 'weighted_mean_add_smallint' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.weighted_mean_add(double precision[], smallint, double precision) IS 'adds one weighted answer; support function of weighted_mean';

CREATE FUNCTION cx.weighted_mean_add(state double precision[], score integer, weight double precision) RETURNS double precision[]
	AS 'MODULE_PATHNAME', 'weighted_mean_add_integer' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.weighted_mean_add(double precision[], integer, double precision) IS 'adds one weighted answer; support function of weighted_mean';

CREATE FUNCTION cx.weighted_mean_add(state double precision[], score numeric, weight double precision) RETURNS double precision[]
	AS 'MODULE_PATHNAME', 'weighted_mean_add_numeric' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.weighted_mean_add(double precision[], numeric, double precision) IS 'adds one weighted answer; support function of weighted_mean';

CREATE FUNCTION cx.weighted_mean_add(state double precision[], score double precision, weight double precision) RETURNS double precision[]
	AS 'MODULE_PATHNAME', 'weighted_mean_add_float8' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.weighted_mean_add(double precision[], double precision, double precision) IS 'adds one weighted answer; support function of weighted_mean';

CREATE FUNCTION cx.weighted_mean_add(state double precision[], tally cx.tally, weight double precision) RETURNS double precision[]
	AS 'MODULE_PATHNAME', 'weighted_mean_add_tally' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.weighted_mean_add(double precision[], cx.tally, double precision) IS 'adds the answers of a tally with their weight; support function of weighted_mean';

CREATE FUNCTION cx.weighted_combine(double precision[], double precision[]) RETURNS double precision[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.weighted_combine(double precision[], double precision[]) IS 'both states together; support function of the weighted aggregates';

CREATE FUNCTION cx.weighted_nps_final(double precision[]) RETURNS cx.estimate
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.weighted_nps_final(double precision[]) IS 'final function of weighted_nps';

CREATE FUNCTION cx.weighted_csat_final(double precision[]) RETURNS cx.estimate
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.weighted_csat_final(double precision[]) IS 'final function of weighted_csat';

CREATE FUNCTION cx.weighted_mean_final(double precision[]) RETURNS cx.estimate
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.weighted_mean_final(double precision[]) IS 'final function of weighted_mean';

CREATE AGGREGATE cx.weighted_nps(score smallint, weight double precision) (
	SFUNC = cx.weighted_nps_add, STYPE = double precision[], INITCOND = '{0,0,0,0,0,0}',
	FINALFUNC = cx.weighted_nps_final, COMBINEFUNC = cx.weighted_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.weighted_nps(smallint, double precision) IS 'NPS in points of answers with weights: Taylor-linearised standard error, 95 % normal interval, Kish effective number of answers; NULL is ignored, weight 0 leaves the row out, a NULL or negative weight is an error';

CREATE AGGREGATE cx.weighted_nps(score integer, weight double precision) (
	SFUNC = cx.weighted_nps_add, STYPE = double precision[], INITCOND = '{0,0,0,0,0,0}',
	FINALFUNC = cx.weighted_nps_final, COMBINEFUNC = cx.weighted_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.weighted_nps(integer, double precision) IS 'NPS in points of answers with weights: Taylor-linearised standard error, 95 % normal interval, Kish effective number of answers; NULL is ignored, weight 0 leaves the row out, a NULL or negative weight is an error';

CREATE AGGREGATE cx.weighted_nps(score numeric, weight double precision) (
	SFUNC = cx.weighted_nps_add, STYPE = double precision[], INITCOND = '{0,0,0,0,0,0}',
	FINALFUNC = cx.weighted_nps_final, COMBINEFUNC = cx.weighted_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.weighted_nps(numeric, double precision) IS 'NPS in points of answers with weights: Taylor-linearised standard error, 95 % normal interval, Kish effective number of answers; NULL is ignored, weight 0 leaves the row out, a NULL or negative weight is an error';

CREATE AGGREGATE cx.weighted_nps(score double precision, weight double precision) (
	SFUNC = cx.weighted_nps_add, STYPE = double precision[], INITCOND = '{0,0,0,0,0,0}',
	FINALFUNC = cx.weighted_nps_final, COMBINEFUNC = cx.weighted_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.weighted_nps(double precision, double precision) IS 'NPS in points of answers with weights: Taylor-linearised standard error, 95 % normal interval, Kish effective number of answers; NULL is ignored, weight 0 leaves the row out, a NULL or negative weight is an error';

CREATE AGGREGATE cx.weighted_nps(tally cx.tally, weight double precision) (
	SFUNC = cx.weighted_nps_add, STYPE = double precision[], INITCOND = '{0,0,0,0,0,0}',
	FINALFUNC = cx.weighted_nps_final, COMBINEFUNC = cx.weighted_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.weighted_nps(cx.tally, double precision) IS 'NPS in points of tallies, each of whose answers carries the weight of its tally: Taylor-linearised standard error, 95 % normal interval, Kish effective number of answers; NULL is ignored, weight 0 leaves the row out, a NULL or negative weight is an error';

CREATE AGGREGATE cx.weighted_csat(score smallint, satisfied_from integer, weight double precision) (
	SFUNC = cx.weighted_csat_add, STYPE = double precision[], INITCOND = '{0,0,0,0,0,0}',
	FINALFUNC = cx.weighted_csat_final, COMBINEFUNC = cx.weighted_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.weighted_csat(smallint, integer, double precision) IS 'CSAT in percent of answers with weights: Taylor-linearised standard error, 95 % normal interval, Kish effective number of answers; NULL is ignored, weight 0 leaves the row out, a NULL or negative weight is an error';

CREATE AGGREGATE cx.weighted_csat(score integer, satisfied_from integer, weight double precision) (
	SFUNC = cx.weighted_csat_add, STYPE = double precision[], INITCOND = '{0,0,0,0,0,0}',
	FINALFUNC = cx.weighted_csat_final, COMBINEFUNC = cx.weighted_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.weighted_csat(integer, integer, double precision) IS 'CSAT in percent of answers with weights: Taylor-linearised standard error, 95 % normal interval, Kish effective number of answers; NULL is ignored, weight 0 leaves the row out, a NULL or negative weight is an error';

CREATE AGGREGATE cx.weighted_csat(score numeric, satisfied_from integer, weight double precision) (
	SFUNC = cx.weighted_csat_add, STYPE = double precision[], INITCOND = '{0,0,0,0,0,0}',
	FINALFUNC = cx.weighted_csat_final, COMBINEFUNC = cx.weighted_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.weighted_csat(numeric, integer, double precision) IS 'CSAT in percent of answers with weights: Taylor-linearised standard error, 95 % normal interval, Kish effective number of answers; NULL is ignored, weight 0 leaves the row out, a NULL or negative weight is an error';

CREATE AGGREGATE cx.weighted_csat(score double precision, satisfied_from integer, weight double precision) (
	SFUNC = cx.weighted_csat_add, STYPE = double precision[], INITCOND = '{0,0,0,0,0,0}',
	FINALFUNC = cx.weighted_csat_final, COMBINEFUNC = cx.weighted_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.weighted_csat(double precision, integer, double precision) IS 'CSAT in percent of answers with weights: Taylor-linearised standard error, 95 % normal interval, Kish effective number of answers; NULL is ignored, weight 0 leaves the row out, a NULL or negative weight is an error';

CREATE AGGREGATE cx.weighted_csat(tally cx.tally, satisfied_from integer, weight double precision) (
	SFUNC = cx.weighted_csat_add, STYPE = double precision[], INITCOND = '{0,0,0,0,0,0}',
	FINALFUNC = cx.weighted_csat_final, COMBINEFUNC = cx.weighted_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.weighted_csat(cx.tally, integer, double precision) IS 'CSAT in percent of tallies, each of whose answers carries the weight of its tally: Taylor-linearised standard error, 95 % normal interval, Kish effective number of answers; NULL is ignored, weight 0 leaves the row out, a NULL or negative weight is an error';

CREATE AGGREGATE cx.weighted_mean(score smallint, weight double precision) (
	SFUNC = cx.weighted_mean_add, STYPE = double precision[], INITCOND = '{0,0,0,0,0,0}',
	FINALFUNC = cx.weighted_mean_final, COMBINEFUNC = cx.weighted_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.weighted_mean(smallint, double precision) IS 'mean score of answers with weights: Taylor-linearised standard error, 95 % normal interval, Kish effective number of answers; NULL is ignored, weight 0 leaves the row out, a NULL or negative weight is an error';

CREATE AGGREGATE cx.weighted_mean(score integer, weight double precision) (
	SFUNC = cx.weighted_mean_add, STYPE = double precision[], INITCOND = '{0,0,0,0,0,0}',
	FINALFUNC = cx.weighted_mean_final, COMBINEFUNC = cx.weighted_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.weighted_mean(integer, double precision) IS 'mean score of answers with weights: Taylor-linearised standard error, 95 % normal interval, Kish effective number of answers; NULL is ignored, weight 0 leaves the row out, a NULL or negative weight is an error';

CREATE AGGREGATE cx.weighted_mean(score numeric, weight double precision) (
	SFUNC = cx.weighted_mean_add, STYPE = double precision[], INITCOND = '{0,0,0,0,0,0}',
	FINALFUNC = cx.weighted_mean_final, COMBINEFUNC = cx.weighted_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.weighted_mean(numeric, double precision) IS 'mean score of answers with weights: Taylor-linearised standard error, 95 % normal interval, Kish effective number of answers; NULL is ignored, weight 0 leaves the row out, a NULL or negative weight is an error';

CREATE AGGREGATE cx.weighted_mean(score double precision, weight double precision) (
	SFUNC = cx.weighted_mean_add, STYPE = double precision[], INITCOND = '{0,0,0,0,0,0}',
	FINALFUNC = cx.weighted_mean_final, COMBINEFUNC = cx.weighted_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.weighted_mean(double precision, double precision) IS 'mean score of answers with weights: Taylor-linearised standard error, 95 % normal interval, Kish effective number of answers; NULL is ignored, weight 0 leaves the row out, a NULL or negative weight is an error';

CREATE AGGREGATE cx.weighted_mean(tally cx.tally, weight double precision) (
	SFUNC = cx.weighted_mean_add, STYPE = double precision[], INITCOND = '{0,0,0,0,0,0}',
	FINALFUNC = cx.weighted_mean_final, COMBINEFUNC = cx.weighted_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.weighted_mean(cx.tally, double precision) IS 'mean score of tallies, each of whose answers carries the weight of its tally: Taylor-linearised standard error, 95 % normal interval, Kish effective number of answers; NULL is ignored, weight 0 leaves the row out, a NULL or negative weight is an error';
-- Many tests at once

CREATE FUNCTION cx.fdr(p_value double precision) RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE WINDOW PARALLEL SAFE;
COMMENT ON FUNCTION cx.fdr(double precision) IS 'window function: p-value adjusted to hold the false discovery rate over the window partition (Benjamini and Hochberg 1995); NULL stays NULL and is not counted; error outside 0..1';

CREATE FUNCTION cx.holm(p_value double precision) RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE WINDOW PARALLEL SAFE;
COMMENT ON FUNCTION cx.holm(double precision) IS 'window function: p-value adjusted to hold the chance of any false alarm over the window partition (Holm 1979); NULL stays NULL and is not counted; error outside 0..1';

-- Buckets of time

CREATE FUNCTION cx.bucket(unit text, at timestamptz) RETURNS timestamptz
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.bucket(text, timestamptz) IS 'start of the hour, day, week, month, quarter or year in the session time zone: date_trunc that remembers the last buckets';

CREATE FUNCTION cx.bucket(unit text, at timestamptz, zone text) RETURNS timestamptz
	AS 'MODULE_PATHNAME', 'bucket_in_zone' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.bucket(text, timestamptz, text) IS 'start of the hour, day, week, month, quarter or year in a named time zone: date_trunc that remembers the last buckets';

-- Planning a survey

CREATE FUNCTION cx.nps_sample_size(margin double precision, confidence double precision DEFAULT 0.95, expected cx.tally DEFAULT NULL) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.nps_sample_size(double precision, double precision, cx.tally) IS 'answers needed for an NPS of plus or minus margin points, 0..100: (z / margin)^2 times the variance of the expected tally, or the largest variance without one; 0 if all are expected to answer alike';

CREATE FUNCTION cx.nps_change_sample_size(difference double precision, power double precision DEFAULT 0.8, confidence double precision DEFAULT 0.95, expected cx.tally DEFAULT NULL) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.nps_change_sample_size(double precision, double precision, double precision, cx.tally) IS 'answers needed on each side to find a change of NPS by difference points significant with a chance of power: 2 ((z_confidence + z_power) / difference)^2 times the variance of the expected tally, or the largest variance without one';

-- One figure for a stage of the journey

CREATE FUNCTION cx.to_100(score double precision, worst double precision, best double precision) RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.to_100(double precision, double precision, double precision) IS 'a score or a mean of scores as an experience, 0..100: 100 (score - worst) / (best - worst); worst may exceed best, as for effort where low is good; error outside the scale';

CREATE FUNCTION cx.stage_score_add(state double precision[], experience double precision, weight double precision) RETURNS double precision[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.stage_score_add(double precision[], double precision, double precision) IS 'adds one experience; support function of journey_stage_score';

CREATE FUNCTION cx.stage_score_add(state double precision[], experience double precision, weight double precision, at timestamptz, half_life interval) RETURNS double precision[]
	AS 'MODULE_PATHNAME', 'stage_score_add_decaying' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.stage_score_add(double precision[], double precision, double precision, timestamptz, interval) IS 'adds one experience that ages; support function of journey_stage_score';

CREATE FUNCTION cx.stage_score_combine(double precision[], double precision[]) RETURNS double precision[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.stage_score_combine(double precision[], double precision[]) IS 'both states together; support function of journey_stage_score';

CREATE FUNCTION cx.stage_score_final(double precision[]) RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.stage_score_final(double precision[]) IS 'final function of journey_stage_score';

CREATE AGGREGATE cx.journey_stage_score(experience double precision, weight double precision) (
	SFUNC = cx.stage_score_add, STYPE = double precision[], INITCOND = '{0,0,0,0,0,0}',
	FINALFUNC = cx.stage_score_final, COMBINEFUNC = cx.stage_score_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.journey_stage_score(double precision, double precision) IS 'score of a stage, 0..100: mean of the experiences (0..100) of its touchpoints, weighted; NULL experiences are ignored, weight 0 leaves the row out, a NULL or negative weight is an error';

CREATE AGGREGATE cx.journey_stage_score(experience double precision, weight double precision, at timestamptz, half_life interval) (
	SFUNC = cx.stage_score_add, STYPE = double precision[], INITCOND = '{0,0,0,0,0,0}',
	FINALFUNC = cx.stage_score_final, COMBINEFUNC = cx.stage_score_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.journey_stage_score(double precision, double precision, timestamptz, interval) IS 'score of a stage, 0..100, in which an experience counts half after each half_life: mean weighted by weight 2^(at / half_life); the same from whatever moment age is counted; half_life in days or hours (a day is 24 hours), the same for all rows, no months';

-- Everybody may use the extension; whoever installed it may also pass that on.

GRANT USAGE ON SCHEMA cx TO @extowner@ WITH GRANT OPTION;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA cx TO @extowner@ WITH GRANT OPTION;
GRANT USAGE ON TYPE cx.tally, cx.estimate, cx.change, cx.mix_change TO @extowner@ WITH GRANT OPTION;
