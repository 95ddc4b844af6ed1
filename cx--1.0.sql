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

-- How far customers go in a funnel

CREATE FUNCTION cx.window_funnel_add(internal, win interval, at timestamptz, VARIADIC steps "any") RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.window_funnel_add(internal, interval, timestamptz, "any") IS 'adds an event; support function of window_funnel and funnel_times';

CREATE FUNCTION cx.window_funnel_add(internal, win interval, mode text, at timestamptz, VARIADIC steps "any") RETURNS internal
	AS 'MODULE_PATHNAME', 'window_funnel_add_mode' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.window_funnel_add(internal, interval, text, timestamptz, "any") IS 'adds an event; support function of window_funnel';

CREATE FUNCTION cx.window_funnel_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.window_funnel_combine(internal, internal) IS 'both states together; support function of window_funnel and funnel_times';

CREATE FUNCTION cx.window_funnel_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.window_funnel_serialize(internal) IS 'a state as bytes; support function of window_funnel and funnel_times';

CREATE FUNCTION cx.window_funnel_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.window_funnel_deserialize(bytea, internal) IS 'a state out of bytes; support function of window_funnel and funnel_times';

CREATE FUNCTION cx.window_funnel_final(internal) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.window_funnel_final(internal) IS 'final function of window_funnel';

CREATE FUNCTION cx.funnel_times_final(internal) RETURNS timestamptz[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.funnel_times_final(internal) IS 'final function of funnel_times';

CREATE AGGREGATE cx.window_funnel(win interval, at timestamptz, VARIADIC steps "any") (
	SFUNC = cx.window_funnel_add, STYPE = internal, SSPACE = 256, FINALFUNC = cx.window_funnel_final, COMBINEFUNC = cx.window_funnel_combine,
	SERIALFUNC = cx.window_funnel_serialize, DESERIALFUNC = cx.window_funnel_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.window_funnel(interval, timestamptz, "any") IS 'how many steps of a funnel the rows of a group reach, 0 to the number of steps (1..32): the length of the longest chain of events that meet step 1, step 2, ... in this order, none earlier than the one before, the last at most win after the first. Any step-1 event may begin it, other events may lie between, repeats change nothing; events of one instant may stand in any order, and one event may serve several steps that follow each other. A NULL step is not met; a row with a NULL time is left out; no rows give NULL; win (0 or more, a day is 24 hours, no months) must be the same for all rows, an infinite time is an error';

CREATE AGGREGATE cx.window_funnel(win interval, mode text, at timestamptz, VARIADIC steps "any") (
	SFUNC = cx.window_funnel_add, STYPE = internal, SSPACE = 256, FINALFUNC = cx.window_funnel_final, COMBINEFUNC = cx.window_funnel_combine,
	SERIALFUNC = cx.window_funnel_serialize, DESERIALFUNC = cx.window_funnel_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.window_funnel(interval, text, timestamptz, "any") IS 'window_funnel with a mode: default, as without; strict_order: besides, no row, one that meets no step included, lies in time strictly between two events of the chain that follow each other; strict_once: besides, each event serves one step only, in whatever way reaches furthest; strict_increase: besides, each event is later than the one before, so that events of one instant serve one step together';

CREATE AGGREGATE cx.funnel_times(win interval, at timestamptz, VARIADIC steps "any") (
	SFUNC = cx.window_funnel_add, STYPE = internal, SSPACE = 256, FINALFUNC = cx.funnel_times_final, COMBINEFUNC = cx.window_funnel_combine,
	SERIALFUNC = cx.window_funnel_serialize, DESERIALFUNC = cx.window_funnel_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.funnel_times(interval, timestamptz, "any") IS 'when each step was met that window_funnel(win, at, steps) counts, so many elements: of the longest chains the one that enters earliest, then each step as early as it can be met; {} if step 1 was never met, NULL without rows';

-- How many customers of a whole table reach each step of a funnel

CREATE FUNCTION cx.funnel_counts_add(internal, customer bigint, win interval, at timestamptz, VARIADIC steps "any") RETURNS internal
	AS 'MODULE_PATHNAME', 'funnel_counts_add_bigint' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.funnel_counts_add(internal, bigint, interval, timestamptz, "any") IS 'adds an event; support function of funnel_counts';

CREATE FUNCTION cx.funnel_counts_add(internal, customer bigint, win interval, mode text, at timestamptz, VARIADIC steps "any") RETURNS internal
	AS 'MODULE_PATHNAME', 'funnel_counts_add_bigint_mode' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.funnel_counts_add(internal, bigint, interval, text, timestamptz, "any") IS 'adds an event; support function of funnel_counts';

CREATE FUNCTION cx.funnel_counts_add(internal, customer uuid, win interval, at timestamptz, VARIADIC steps "any") RETURNS internal
	AS 'MODULE_PATHNAME', 'funnel_counts_add_uuid' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.funnel_counts_add(internal, uuid, interval, timestamptz, "any") IS 'adds an event; support function of funnel_counts';

CREATE FUNCTION cx.funnel_counts_add(internal, customer uuid, win interval, mode text, at timestamptz, VARIADIC steps "any") RETURNS internal
	AS 'MODULE_PATHNAME', 'funnel_counts_add_uuid_mode' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.funnel_counts_add(internal, uuid, interval, text, timestamptz, "any") IS 'adds an event; support function of funnel_counts';

CREATE FUNCTION cx.funnel_counts_add(internal, customer text, win interval, at timestamptz, VARIADIC steps "any") RETURNS internal
	AS 'MODULE_PATHNAME', 'funnel_counts_add_text' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.funnel_counts_add(internal, text, interval, timestamptz, "any") IS 'adds an event; support function of funnel_counts';

CREATE FUNCTION cx.funnel_counts_add(internal, customer text, win interval, mode text, at timestamptz, VARIADIC steps "any") RETURNS internal
	AS 'MODULE_PATHNAME', 'funnel_counts_add_text_mode' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.funnel_counts_add(internal, text, interval, text, timestamptz, "any") IS 'adds an event; support function of funnel_counts';

CREATE FUNCTION cx.funnel_counts_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.funnel_counts_combine(internal, internal) IS 'both states together; support function of funnel_counts';

CREATE FUNCTION cx.funnel_counts_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.funnel_counts_serialize(internal) IS 'a state as bytes; support function of funnel_counts';

CREATE FUNCTION cx.funnel_counts_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.funnel_counts_deserialize(bytea, internal) IS 'a state out of bytes; support function of funnel_counts';

CREATE FUNCTION cx.funnel_counts_final(internal) RETURNS bigint[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.funnel_counts_final(internal) IS 'customers by step reached; support function of funnel_counts';

CREATE AGGREGATE cx.funnel_counts(customer bigint, win interval, at timestamptz, VARIADIC steps "any") (
	SFUNC = cx.funnel_counts_add, STYPE = internal, SSPACE = 1048576, FINALFUNC = cx.funnel_counts_final, COMBINEFUNC = cx.funnel_counts_combine,
	SERIALFUNC = cx.funnel_counts_serialize, DESERIALFUNC = cx.funnel_counts_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.funnel_counts(bigint, interval, timestamptz, "any") IS 'how many customers reached at least step 1, step 2, ...: what window_funnel(win, at, steps) gives, counted over all customers of the group at once, which is many times faster than a group for each customer. Rows without customer or time are left out; no rows give NULL; times must lie in 1714 to 2285. Events beyond work_mem go to temporary files, except in a window; what a parallel worker passes on is limited to 1 GB (some 60 million events)';

CREATE AGGREGATE cx.funnel_counts(customer bigint, win interval, mode text, at timestamptz, VARIADIC steps "any") (
	SFUNC = cx.funnel_counts_add, STYPE = internal, SSPACE = 1048576, FINALFUNC = cx.funnel_counts_final, COMBINEFUNC = cx.funnel_counts_combine,
	SERIALFUNC = cx.funnel_counts_serialize, DESERIALFUNC = cx.funnel_counts_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.funnel_counts(bigint, interval, text, timestamptz, "any") IS 'how many customers, by bigint, reached at least step 1, step 2, ...: window_funnel(win, mode, at, steps) over all customers of the group at once; modes as there';

CREATE AGGREGATE cx.funnel_counts(customer uuid, win interval, at timestamptz, VARIADIC steps "any") (
	SFUNC = cx.funnel_counts_add, STYPE = internal, SSPACE = 1048576, FINALFUNC = cx.funnel_counts_final, COMBINEFUNC = cx.funnel_counts_combine,
	SERIALFUNC = cx.funnel_counts_serialize, DESERIALFUNC = cx.funnel_counts_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.funnel_counts(uuid, interval, timestamptz, "any") IS 'how many customers, by uuid, reached at least step 1, step 2, ...: window_funnel(win, at, steps) over all customers of the group at once';

CREATE AGGREGATE cx.funnel_counts(customer uuid, win interval, mode text, at timestamptz, VARIADIC steps "any") (
	SFUNC = cx.funnel_counts_add, STYPE = internal, SSPACE = 1048576, FINALFUNC = cx.funnel_counts_final, COMBINEFUNC = cx.funnel_counts_combine,
	SERIALFUNC = cx.funnel_counts_serialize, DESERIALFUNC = cx.funnel_counts_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.funnel_counts(uuid, interval, text, timestamptz, "any") IS 'how many customers, by uuid, reached at least step 1, step 2, ...: window_funnel(win, mode, at, steps) over all customers of the group at once; modes as there';

CREATE AGGREGATE cx.funnel_counts(customer text, win interval, at timestamptz, VARIADIC steps "any") (
	SFUNC = cx.funnel_counts_add, STYPE = internal, SSPACE = 1048576, FINALFUNC = cx.funnel_counts_final, COMBINEFUNC = cx.funnel_counts_combine,
	SERIALFUNC = cx.funnel_counts_serialize, DESERIALFUNC = cx.funnel_counts_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.funnel_counts(text, interval, timestamptz, "any") IS 'how many customers, by text, reached at least step 1, step 2, ...: window_funnel(win, at, steps) over all customers of the group at once';

CREATE AGGREGATE cx.funnel_counts(customer text, win interval, mode text, at timestamptz, VARIADIC steps "any") (
	SFUNC = cx.funnel_counts_add, STYPE = internal, SSPACE = 1048576, FINALFUNC = cx.funnel_counts_final, COMBINEFUNC = cx.funnel_counts_combine,
	SERIALFUNC = cx.funnel_counts_serialize, DESERIALFUNC = cx.funnel_counts_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.funnel_counts(text, interval, text, timestamptz, "any") IS 'how many customers, by text, reached at least step 1, step 2, ...: window_funnel(win, mode, at, steps) over all customers of the group at once; modes as there';

-- Patterns in the order of events

CREATE FUNCTION cx.sequence_add(state internal, pattern text, at timestamptz, VARIADIC conditions boolean[]) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.sequence_add(internal, text, timestamptz, boolean[]) IS 'adds one row; support function of sequence_match and sequence_count';

CREATE FUNCTION cx.sequence_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.sequence_combine(internal, internal) IS 'both states together; support function of sequence_match and sequence_count';

CREATE FUNCTION cx.sequence_write(internal) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.sequence_write(internal) IS 'a state as bytes for another process; support function of sequence_match and sequence_count';

CREATE FUNCTION cx.sequence_read(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.sequence_read(bytea, internal) IS 'a state out of bytes; support function of sequence_match and sequence_count';

CREATE FUNCTION cx.sequence_match_final(internal) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.sequence_match_final(internal) IS 'final function of sequence_match';

CREATE FUNCTION cx.sequence_count_final(internal) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.sequence_count_final(internal) IS 'final function of sequence_count';

CREATE AGGREGATE cx.sequence_match(pattern text, at timestamptz, VARIADIC conditions boolean[]) (
	SFUNC = cx.sequence_add, STYPE = internal, SSPACE = 256, FINALFUNC = cx.sequence_match_final,
	COMBINEFUNC = cx.sequence_combine, SERIALFUNC = cx.sequence_write, DESERIALFUNC = cx.sequence_read, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.sequence_match(text, timestamptz, boolean[]) IS 'whether a pattern occurs in the events of a group; events are the rows with a time that meet a condition (NULL is not met), in order of time, within one instant those that meet condition 1 first, among them and then those that meet condition 2, and so on; pattern: (?N) an event that meets condition N, . any event, .* any number of events, none too, (?t<=3600) with <, <=, >, >= or == the seconds between the event matched before it and the one after it, between which any others may lie; with neither .* nor a time between them two match events that follow each other directly; white space is ignored; NULL without a row that has a time';

CREATE AGGREGATE cx.sequence_count(pattern text, at timestamptz, VARIADIC conditions boolean[]) (
	SFUNC = cx.sequence_add, STYPE = internal, SSPACE = 256, FINALFUNC = cx.sequence_count_final,
	COMBINEFUNC = cx.sequence_combine, SERIALFUNC = cx.sequence_write, DESERIALFUNC = cx.sequence_read, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.sequence_count(text, timestamptz, boolean[]) IS 'how often a pattern, see sequence_match, occurs in the events of a group without overlap: each match is counted at the earliest event at which one can end, and the search starts anew after that event; one event serves one element; NULL without a row that has a time';

-- The steps of a customer in order

-- support functions of all aggregates over events with names

CREATE FUNCTION cx.step_list_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.step_list_combine(internal, internal) IS 'both states together; support function of path and time_in_state';

CREATE FUNCTION cx.step_list_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.step_list_serialize(internal) IS 'the state as bytes for another process; support function of path and time_in_state';

CREATE FUNCTION cx.step_list_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.step_list_deserialize(bytea, internal) IS 'the state out of bytes; support function of path and time_in_state';

CREATE FUNCTION cx.path_append(state internal, at timestamptz, step text) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.path_append(internal, timestamptz, text) IS 'adds one step; support function of path';

CREATE FUNCTION cx.path_append(state internal, at timestamptz, step text, max_length integer) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.path_append(internal, timestamptz, text, integer) IS 'adds one step; support function of path';

CREATE FUNCTION cx.path_append(state internal, at timestamptz, step text, max_length integer, collapse boolean) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.path_append(internal, timestamptz, text, integer, boolean) IS 'adds one step; support function of path';

CREATE FUNCTION cx.path_final(internal) RETURNS text[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.path_final(internal) IS 'final function of path';

CREATE AGGREGATE cx.path(at timestamptz, step text) (
	SFUNC = cx.path_append, STYPE = internal, FINALFUNC = cx.path_final,
	COMBINEFUNC = cx.step_list_combine, SERIALFUNC = cx.step_list_serialize, DESERIALFUNC = cx.step_list_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.path(timestamptz, text) IS 'steps of a group in order of time, those of one instant in order of their bytes, however the rows arrive; where a log numbers its events, at + seq * interval ''1 microsecond'' keeps its order; rows with NULL time or step are left out; NULL without any; error if a time is infinite';

CREATE AGGREGATE cx.path(at timestamptz, step text, max_length integer) (
	SFUNC = cx.path_append, STYPE = internal, FINALFUNC = cx.path_final,
	COMBINEFUNC = cx.step_list_combine, SERIALFUNC = cx.step_list_serialize, DESERIALFUNC = cx.step_list_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.path(timestamptz, text, integer) IS 'the first max_length steps of a group in order of time, as path(at, step) gives them; max_length at least 1 and the same for all rows, NULL for no limit';

CREATE AGGREGATE cx.path(at timestamptz, step text, max_length integer, collapse boolean) (
	SFUNC = cx.path_append, STYPE = internal, FINALFUNC = cx.path_final,
	COMBINEFUNC = cx.step_list_combine, SERIALFUNC = cx.step_list_serialize, DESERIALFUNC = cx.step_list_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.path(timestamptz, text, integer, boolean) IS 'the first max_length steps of a group in order of time, as path(at, step) gives them; with collapse, repeats that follow each other are one step, and max_length counts after that; both the same for all rows, max_length NULL for no limit';

-- How long and how often in each state

CREATE TYPE cx.state_time AS (state text, seconds double precision, entries bigint, reentries bigint);
COMMENT ON TYPE cx.state_time IS 'how long and how often a customer was in a state';
COMMENT ON COLUMN cx.state_time.state IS 'the state';
COMMENT ON COLUMN cx.state_time.seconds IS 'seconds in it, all visits together; 0 if the only one is still open';
COMMENT ON COLUMN cx.state_time.entries IS 'how often he came into it from another state, or started in it; 1 or more';
COMMENT ON COLUMN cx.state_time.reentries IS 'how often he came back to it: entries - 1';

CREATE FUNCTION cx.time_in_state_add(state internal, name text, at timestamptz, as_of timestamptz) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.time_in_state_add(internal, text, timestamptz, timestamptz) IS 'adds one state; support function of time_in_state';

CREATE FUNCTION cx.time_in_state_final(internal) RETURNS cx.state_time[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.time_in_state_final(internal) IS 'final function of time_in_state';

CREATE AGGREGATE cx.time_in_state(state text, at timestamptz, as_of timestamptz) (
	SFUNC = cx.time_in_state_add, STYPE = internal, FINALFUNC = cx.time_in_state_final,
	COMBINEFUNC = cx.step_list_combine, SERIALFUNC = cx.step_list_serialize, DESERIALFUNC = cx.step_list_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.time_in_state(text, timestamptz, timestamptz) IS 'time in each state, in the order of first entry: a row says that a customer is in state from at on, until his next row; the last state lasts until as_of, or if that is NULL is left open and its last visit counts as an entry without time; repeats of a state are no entry; rows of one instant in the order of the bytes of state; rows after as_of and rows with NULL state or at are left out; NULL without any; error if a time is infinite or as_of is not the same for all rows';

-- Sessions out of single events

CREATE FUNCTION cx.sessionize(at timestamptz, gap interval) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE WINDOW PARALLEL SAFE;
COMMENT ON FUNCTION cx.sessionize(timestamptz, interval) IS 'window function: number of the session in the window partition, 1, 2, ...: a new one begins when more than gap has passed since the row before; the OVER clause must ORDER BY at; NULL at gives NULL and is ignored; gap in days or hours (a day is 24 hours), no months; error if a time is infinite or not in order';

-- Who of a first condition met the others too

CREATE FUNCTION cx.retention_add(state bigint, conditions boolean[]) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.retention_add(bigint, boolean[]) IS 'adds the conditions that one row meets; support function of retention';

CREATE FUNCTION cx.retention_combine(bigint, bigint) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.retention_combine(bigint, bigint) IS 'both states together; support function of retention';

CREATE FUNCTION cx.retention_final(bigint) RETURNS boolean[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.retention_final(bigint) IS 'final function of retention';

CREATE AGGREGATE cx.retention(VARIADIC conditions boolean[]) (
	SFUNC = cx.retention_add, STYPE = bigint,
	FINALFUNC = cx.retention_final, COMBINEFUNC = cx.retention_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.retention(VARIADIC boolean[]) IS 'who came back, for the rows of one customer: an array of as many elements as conditions (1..32); the first says whether any row met the first condition, each other one whether any row met the first and any, perhaps another, met that one; a NULL condition is not met; NULL without rows; error if the number of conditions is not the same for all rows';
-- Events that a query gives, which is handed over as a text
--
-- These functions run with the search_path of the caller, whose query it is; so they name schemas, and operators get the types that they are made for.

CREATE FUNCTION cx.query_columns(query text, VARIADIC needed text[] DEFAULT '{}') RETURNS text[]
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION cx.query_columns(text, text[]) IS 'names of the columns that a query gives, in their order, without running it; error unless it is one SELECT, or if a column that is needed is not there once';

CREATE FUNCTION cx.query_types(query text) RETURNS text[]
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION cx.query_types(text) IS 'types of the columns that a query gives, in their order, with schema and without length, without running it; error unless it is one SELECT';

CREATE FUNCTION cx.query_subselect(query text) RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.query_subselect(text) IS 'a query in parentheses, to stand after FROM; it may end in a semicolon or a comment; error unless it is one SELECT';

CREATE FUNCTION cx.seconds_between(entered_at timestamptz, left_at timestamptz) RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.seconds_between(timestamptz, timestamptz) IS 'seconds from one time to another; error if one is infinite';

CREATE FUNCTION cx.query_events(query text, step text DEFAULT 'step') RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED AS $$
DECLARE
	columns CONSTANT text[] := cx.query_columns(query, 'customer', 'at', step);
BEGIN
	-- a customer may be a row, which IS NOT NULL only if none of its columns is
	RETURN pg_catalog.format($events$(
		SELECT customer, at, step, pg_catalog.row_number() OVER (PARTITION BY customer ORDER BY at, %s step) AS place
		FROM (SELECT customer, at::timestamp with time zone AS at, %I::pg_catalog.text COLLATE pg_catalog."C" AS step %s FROM %s AS given) AS event
		WHERE customer IS DISTINCT FROM NULL AND at IS NOT NULL AND step IS NOT NULL)$events$,
		CASE WHEN 'seq' = ANY (columns) THEN 'seq,' END, step, CASE WHEN 'seq' = ANY (columns) THEN ', seq' END, cx.query_subselect(query));
END
$$;
COMMENT ON FUNCTION cx.query_events(text, text) IS 'text to stand after FROM: the events of a query that gives columns customer, at and step (or the column named so), as customer, at, step and place, from 1 on within a customer by at, then by seq if the query gives it, then by the bytes of step; events with a NULL are left out';

CREATE FUNCTION cx.query_runs(query text, step text DEFAULT 'step') RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED AS $$
BEGIN
	RETURN pg_catalog.format($runs$(
		SELECT customer, at, step, place
		FROM (SELECT *, pg_catalog.lag(step) OVER (PARTITION BY customer ORDER BY place) AS step_before FROM %s AS event) AS event
		WHERE step_before IS DISTINCT FROM step)$runs$, cx.query_events(query, step));
END
$$;
COMMENT ON FUNCTION cx.query_runs(text, text) IS 'text to stand after FROM: what query_events gives, of equal steps of a customer that follow each other only the first';

-- Visits to states, paths and transitions, of the events that a query gives
--
-- They run with the search_path of the caller, as query.sql says.

CREATE FUNCTION cx.state_visits(query text, as_of timestamptz DEFAULT NULL)
	RETURNS TABLE (customer text, state text, entered_at timestamptz, left_at timestamptz, seconds double precision, visit bigint)
	LANGUAGE plpgsql STABLE AS $$
BEGIN
	IF NOT pg_catalog.isfinite(as_of) THEN
		RAISE EXCEPTION 'as_of must not be infinite' USING ERRCODE = 'datetime_field_overflow';
	END IF;
	RETURN QUERY EXECUTE pg_catalog.format($visits$
		SELECT v.customer::pg_catalog.text, v.step, v.at, v.until, cx.seconds_between(v.at, v.until),
			pg_catalog.row_number() OVER (PARTITION BY v.customer, v.step ORDER BY v.place)
		FROM (
			SELECT *, coalesce(pg_catalog.lead(at) OVER (PARTITION BY customer ORDER BY place), $1) AS until
			FROM %s AS run
			WHERE $1 IS NULL OR at <= $1
		) AS v
		ORDER BY v.customer, v.place$visits$, cx.query_runs(query, 'state')) USING as_of;
END
$$;
COMMENT ON FUNCTION cx.state_visits(text, timestamptz) IS 'visits of customers to states, from the events of a query that gives columns customer, at and state, and seq if it knows the order within an instant: customer, state, entered_at and left_at (first event of this and of the next state), seconds between them, visit (1, 2, ... within customer and state); the last visit lasts until as_of, or if that is NULL, has NULL as left_at and seconds; events after as_of are ignored';

CREATE FUNCTION cx.path_counts(query text, max_length integer DEFAULT 10, collapse boolean DEFAULT true)
	RETURNS TABLE (path text[], count bigint, share double precision)
	LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN QUERY EXECUTE pg_catalog.format($paths$
		SELECT p.path, pg_catalog.count(*),
			100.0::double precision * pg_catalog.count(*)::double precision / (pg_catalog.sum(pg_catalog.count(*)) OVER ())::double precision
		FROM (
			-- its place stands for the time of an event, so that seq counts
			SELECT cx.path(timestamp with time zone 'epoch' + place::double precision * interval '1 microsecond', step, $1, $2) AS path
			FROM %s AS event
			GROUP BY customer
		) AS p
		GROUP BY p.path
		ORDER BY pg_catalog.count(*) DESC, p.path COLLATE pg_catalog."C"$paths$, cx.query_events(query)) USING max_length, collapse;
END
$$;
COMMENT ON FUNCTION cx.path_counts(text, integer, boolean) IS 'which ways customers went, the most frequent first, from the events of a query that gives columns customer, at and step, and seq if it knows the order within an instant: path as cx.path gives it, count of customers, share in percent of all of them; max_length NULL for no limit';

CREATE FUNCTION cx.transitions(query text, collapse boolean DEFAULT true)
	RETURNS TABLE (from_step text, to_step text, count bigint, share double precision, mean_seconds double precision, median_seconds double precision)
	LANGUAGE plpgsql STABLE AS $$
BEGIN
	IF collapse IS NULL THEN
		RAISE EXCEPTION 'collapse must not be null' USING ERRCODE = 'null_value_not_allowed';
	END IF;
	RETURN QUERY EXECUTE pg_catalog.format($transitions$
		SELECT t.from_step, t.to_step, pg_catalog.count(*),
			100.0::double precision * pg_catalog.count(*)::double precision / (pg_catalog.sum(pg_catalog.count(*)) OVER (PARTITION BY t.from_step))::double precision,
			pg_catalog.avg(t.seconds), pg_catalog.percentile_cont(0.5::double precision) WITHIN GROUP (ORDER BY t.seconds)
		FROM (
			SELECT step AS from_step, pg_catalog.lead(step) OVER onward AS to_step, cx.seconds_between(at, pg_catalog.lead(at) OVER onward) AS seconds
			FROM %s AS event
			WINDOW onward AS (PARTITION BY customer ORDER BY place)
		) AS t
		WHERE t.to_step IS NOT NULL
		GROUP BY t.from_step, t.to_step
		ORDER BY t.from_step, t.to_step$transitions$, CASE WHEN collapse THEN cx.query_runs(query) ELSE cx.query_events(query) END);
END
$$;
COMMENT ON FUNCTION cx.transitions(text, boolean) IS 'which step follows which directly, from the events of a query that gives columns customer, at and step, and seq if it knows the order within an instant: from_step, to_step, count of transitions, share in percent of all that left from_step, mean_seconds and median_seconds from one to the other; with collapse, repeats that follow each other are one step, timed from the first of them to the first of the next';

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
-- Control chart for series with a weekly pattern

CREATE FUNCTION cx.seasonal_chart(value double precision, at timestamp, holiday boolean DEFAULT false, std_error double precision DEFAULT NULL,
		weeks integer DEFAULT 8, width double precision DEFAULT 4) RETURNS cx.control_point
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE WINDOW PARALLEL SAFE;
COMMENT ON FUNCTION cx.seasonal_chart(double precision, timestamp, boolean, double precision, integer, double precision) IS 'window function: each hour, or day, against the median of the same weekday and time in the weeks before, so that nights, weekends and holidays (which count as Sundays) do not alarm. Sigma comes from the median absolute deviation of these and of the two observations next to each (Hampel 1974; Croux and Rousseeuw 1992), and is at least std_error, what chance alone does to the value, such as the square root of a count. Signal where a value is width sigma away, or three one after the other together. Points in the order of at, the time by the clock on the wall (AT TIME ZONE); NULL until three weeks tell what is usual, and for NULL; error for NaN, infinity, and weeks outside 3..52';
-- What the views of the program depend on

CREATE FUNCTION cx.min_responses() RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.min_responses() IS 'setting cx.min_responses (default 30): answers below which the views compare nothing and leave touchpoints out of stage scores';

CREATE FUNCTION cx.as_of() RETURNS timestamptz
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.as_of() IS 'time at which the views look: the setting cx.as_of, such as 2026-07-01, if it is not empty, else now';
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
-- Who stays, who leaves and who comes back, of the customers that a query gives.
--
-- The query is the caller's: it runs with the caller's rights and search_path, so
-- these functions set none, and what is their own is qualified or of exactly the
-- types of an operator in pg_catalog.  They are not for parallel plans: the query may
-- do what a parallel worker cannot, and a library that is loaded while a parallel plan
-- runs cannot take over what was SET for it before.

CREATE FUNCTION cx.require_argument(name text, is_given boolean) RETURNS void
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT is_given THEN
		RAISE EXCEPTION '% must not be null', name USING ERRCODE = 'null_value_not_allowed';
	END IF;
END
$$;
COMMENT ON FUNCTION cx.require_argument(text, boolean) IS 'error unless an argument is given; support function of cohort_retention, churn_rate and repurchase_rate';

CREATE FUNCTION cx.require_time(name text, at timestamptz) RETURNS void
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_argument(name, at IS NOT NULL);
	IF NOT isfinite(at) THEN
		RAISE EXCEPTION '% must not be infinite', name USING ERRCODE = 'datetime_field_overflow';
	END IF;
END
$$;
COMMENT ON FUNCTION cx.require_time(text, timestamptz) IS 'error unless an argument is a finite time; support function of cohort_retention, churn_rate and repurchase_rate';

CREATE FUNCTION cx.exact_length(name text, length interval) RETURNS interval
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_argument(name, length IS NOT NULL);
	IF extract(year FROM length) <> 0 OR extract(month FROM length) <> 0 THEN
		RAISE EXCEPTION '% must not have months or years', name
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Their length varies; give days, such as interval ''90 days''.';
	END IF;
	IF NOT isfinite(length) OR extract(epoch FROM length) NOT BETWEEN 0.000001 AND 36500 * 86400.0 THEN
		RAISE EXCEPTION '% must be positive and at most 36500 days', name USING ERRCODE = 'invalid_parameter_value';
	END IF;
	RETURN make_interval(hours => 24 * extract(day FROM length)::integer) + (length - make_interval(days => extract(day FROM length)::integer));
END
$$;
COMMENT ON FUNCTION cx.exact_length(text, interval) IS 'a length of time with its days as 24 hours each, so that adding it to a time does not depend on a time zone; error if NULL, not positive, above 36500 days or with months or years; support function of churn_rate and repurchase_rate';

CREATE FUNCTION cx.share_estimate(part bigint, whole bigint, confidence double precision) RETURNS cx.estimate
	LANGUAGE sql STABLE PARALLEL SAFE
	RETURN cx.csat_estimate(CASE WHEN whole > 0 AND part IS NOT NULL THEN format('{0:%s,1:%s}', whole - part, part)::cx.tally END, 1, confidence);
COMMENT ON FUNCTION cx.share_estimate(bigint, bigint, double precision) IS 'part in percent of whole with the Wilson score interval of csat_estimate; NULL if whole is 0 or part is NULL; confidence is a share between 0 and 1';

CREATE FUNCTION cx.customer_query(query text, times text[]) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED AS $$
DECLARE
	source text;
	wanted text;
	type pg_catalog.regtype;
BEGIN
	PERFORM cx.query_columns(query, VARIADIC pg_catalog.array_prepend('customer'::text, times));
	source := cx.query_subselect(query) || ' AS q'::text;
	FOREACH wanted IN ARRAY times LOOP
		EXECUTE pg_catalog.format('SELECT pg_catalog.pg_typeof(q.%I) FROM (SELECT) AS one LEFT JOIN %s ON false', wanted, source) INTO type;
		IF type <> 'pg_catalog.timestamptz'::pg_catalog.regtype THEN
			RAISE EXCEPTION 'column "%" of the query is of type %, not timestamp with time zone', wanted, type
				USING ERRCODE = 'datatype_mismatch', HINT = pg_catalog.format('Say in which zone its times are: %1$I::timestamp AT TIME ZONE ''Europe/Berlin'' AS %1$I.', wanted);
		END IF;
	END LOOP;
	RETURN source;
END
$$;
COMMENT ON FUNCTION cx.customer_query(text, text[]) IS 'a query as q, to be put behind FROM, after checking that it gives a column customer and these columns of type timestamptz; error that names the column if not; support function of cohort_retention, churn_rate and repurchase_rate';

CREATE FUNCTION cx.cohort_retention(query text, grain text DEFAULT 'month', periods integer DEFAULT 12, as_of timestamptz DEFAULT cx.as_of(), zone text DEFAULT NULL, confidence double precision DEFAULT 0.95)
	RETURNS TABLE (cohort timestamptz, period integer, customers bigint, active bigint, retention double precision, lower double precision, upper double precision)
	LANGUAGE plpgsql STABLE AS $$
DECLARE
	source CONSTANT text := cx.customer_query(query, '{at}');
	step CONSTANT interval := (CASE pg_catalog.lower(grain) WHEN 'day' THEN '1 day' WHEN 'week' THEN '7 days' WHEN 'month' THEN '1 month' WHEN 'quarter' THEN '3 months' WHEN 'year' THEN '1 year' END)::interval;
	observed_until CONSTANT timestamptz := COALESCE(as_of, cx.as_of());
BEGIN
	IF step IS NULL THEN
		RAISE EXCEPTION 'grain "%" is not known', grain USING ERRCODE = 'invalid_parameter_value', HINT = 'Use day, week, month, quarter or year.';
	END IF;
	IF (periods BETWEEN 0 AND 10000) IS NOT TRUE THEN
		RAISE EXCEPTION 'periods % is outside 0..10000', periods USING ERRCODE = 'invalid_parameter_value';
	END IF;
	PERFORM cx.require_time('as_of', observed_until);
	PERFORM cx.require_argument('confidence', confidence IS NOT NULL);
	-- grains are cut and counted in local time, in which they are all alike; a given zone is looked up as date_trunc does, the session's is not a name
	RETURN QUERY EXECUTE pg_catalog.format($query$
		WITH visit AS (
			SELECT q.customer, pg_catalog.date_trunc($1, CASE WHEN $4 IS NULL THEN q.at::pg_catalog.timestamp ELSE pg_catalog.timezone($4, q.at) END) AS start
			FROM %s
			WHERE q.customer IS NOT NULL AND pg_catalog.isfinite(q.at) AND q.at <= $3
			GROUP BY 1, 2
		), member AS (
			SELECT pg_catalog.min(v.start) OVER (PARTITION BY v.customer) AS cohort, v.start FROM visit AS v
		), active AS (
			SELECT m.cohort, m.start, pg_catalog.count(*) AS customers FROM member AS m GROUP BY m.cohort, m.start
		), observed AS (
			SELECT CASE WHEN $4 IS NULL THEN $3::pg_catalog.timestamp ELSE pg_catalog.timezone($4, $3) END AS until
		), cell AS (
			-- in its first period everybody of a cohort is active
			SELECT c.cohort, p.period, c.customers, CASE WHEN c.cohort + (p.period + 1)::pg_catalog.float8 * $2 <= o.until THEN COALESCE(a.customers, 0::pg_catalog.int8) END AS active
			FROM active AS c
			CROSS JOIN observed AS o
			CROSS JOIN pg_catalog.generate_series(0, $5) AS p (period)
			LEFT JOIN active AS a ON a.cohort = c.cohort AND a.start = c.cohort + p.period::pg_catalog.float8 * $2
			WHERE c.start = c.cohort
		)
		SELECT CASE WHEN $4 IS NULL THEN c.cohort::pg_catalog.timestamptz ELSE pg_catalog.timezone($4, c.cohort) END, c.period, c.customers, c.active, e.value, e.lower, e.upper
		FROM cell AS c CROSS JOIN LATERAL cx.share_estimate(c.active, c.customers, $6) AS e
		ORDER BY c.cohort, c.period$query$, source)
	USING pg_catalog.lower(grain), step, observed_until, zone, periods, confidence;
END
$$;
COMMENT ON FUNCTION cx.cohort_retention(text, text, integer, timestamptz, text, double precision) IS 'retention by cohort, for a query that gives columns customer and at, a time at which the customer was active: a row for each cohort and each period 0..periods, in this order. cohort is the start of the grain (day, week, month, quarter, year; of the time zone, by default the session''s) in which its customers were first active, customers their number; active is how many of them were active in the grain that many grains later, and retention is active in percent of customers, 0..100, with its Wilson score interval from csat_estimate. Where that grain has not ended by as_of (default cx.as_of()), active and what follows from it are NULL; activity after as_of is ignored. Rows without a customer, without a time or with an infinite one are left out. Error if the query is NULL or lacks a column, for another grain, periods outside 0..10000, an infinite as_of, a NULL confidence or one not between 0 and 1';

CREATE FUNCTION cx.churn_rate(query text, starts_at timestamptz, ends_at timestamptz, used_within interval DEFAULT NULL, confidence double precision DEFAULT 0.95)
	RETURNS TABLE (base bigint, churned bigint, churn_rate double precision, lower double precision, upper double precision)
	LANGUAGE plpgsql STABLE ROWS 1 AS $$
DECLARE
	source CONSTANT text := cx.customer_query(query, (CASE WHEN used_within IS NULL THEN '{active_from,active_until}' ELSE '{at}' END)::text[]);
	within interval;
	in_base text := 'q.active_from <= %1$s AND (q.active_until IS NULL OR q.active_until > %1$s)';
BEGIN
	PERFORM cx.require_time('starts_at', starts_at);
	PERFORM cx.require_time('ends_at', ends_at);
	PERFORM cx.require_argument('confidence', confidence IS NOT NULL);
	IF starts_at >= ends_at THEN
		RAISE EXCEPTION 'starts_at % is not before ends_at %', starts_at, ends_at USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF ends_at > cx.as_of() THEN
		RAISE EXCEPTION 'the period until % has not been observed', ends_at
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Choose an ends_at that is not later than cx.as_of().';
	END IF;
	IF used_within IS NOT NULL THEN
		within := cx.exact_length('used_within', used_within);
		in_base := 'q.at <= %1$s AND q.at > %1$s - $3';
	END IF;
	-- who has no row with a time is in no base, for a comparison with NULL is not true
	RETURN QUERY EXECUTE pg_catalog.format($query$
		WITH customer AS (
			SELECT pg_catalog.bool_or(%s) AS at_start, pg_catalog.bool_or(%s) AS at_end FROM %s WHERE q.customer IS NOT NULL GROUP BY q.customer
		), counted AS (
			SELECT pg_catalog.count(*) AS base, pg_catalog.count(*) FILTER (WHERE c.at_end IS NOT TRUE) AS churned FROM customer AS c WHERE c.at_start
		)
		SELECT c.base, c.churned, e.value, e.lower, e.upper
		FROM counted AS c CROSS JOIN LATERAL cx.share_estimate(c.churned, c.base, $4) AS e$query$,
		pg_catalog.format(in_base, '$1'), pg_catalog.format(in_base, '$2'), source)
	USING starts_at, ends_at, within, confidence;
END
$$;
COMMENT ON FUNCTION cx.churn_rate(text, timestamptz, timestamptz, interval, double precision) IS 'how many customers left, one row: base is how many were in the base at starts_at, churned how many of these are not in it at ends_at, and churn_rate is churned in percent of base, 0..100, with its Wilson score interval from csat_estimate; NULL if base is 0. Those who came later do not count, and who left and came back has not left. The base by contracts (used_within not given), for a query that gives columns customer, active_from and active_until: at a time are those with a row whose active_from is not later and whose active_until is later, or NULL for still active. The base by usage, for a query that gives columns customer and at: those with a row in the length used_within up to and with that time; a day is 24 hours. Rows without a customer, without active_from or without at are left out. Error if the query is NULL or lacks a column, starts_at or ends_at is NULL, infinite or not before the other, ends_at is later than cx.as_of(), used_within is not positive, above 36500 days or has months, confidence is NULL or not between 0 and 1';

CREATE FUNCTION cx.repurchase_rate(query text, within interval, as_of timestamptz DEFAULT cx.as_of(), confidence double precision DEFAULT 0.95)
	RETURNS TABLE (customers bigint, repeated bigint, in_progress bigint, repurchase_rate double precision, lower double precision, upper double precision)
	LANGUAGE plpgsql STABLE ROWS 1 AS $$
DECLARE
	source CONSTANT text := cx.customer_query(query, '{at}');
	length CONSTANT interval := cx.exact_length('within', within);
	observed_until CONSTANT timestamptz := COALESCE(as_of, cx.as_of());
BEGIN
	PERFORM cx.require_time('as_of', observed_until);
	PERFORM cx.require_argument('confidence', confidence IS NOT NULL);
	RETURN QUERY EXECUTE pg_catalog.format($query$
		WITH purchase AS (
			SELECT q.customer, q.at, pg_catalog.min(q.at) OVER (PARTITION BY q.customer) AS first_at
			FROM %s
			WHERE q.customer IS NOT NULL AND pg_catalog.isfinite(q.at) AND q.at <= $2
		), customer AS (
			SELECT pg_catalog.min(p.first_at) AS first_at, pg_catalog.min(p.at) FILTER (WHERE p.at > p.first_at) AS second_at FROM purchase AS p GROUP BY p.customer
		), counted AS (
			SELECT pg_catalog.count(*) FILTER (WHERE c.first_at <= $2 - $1) AS customers,
				pg_catalog.count(*) FILTER (WHERE c.first_at <= $2 - $1 AND c.second_at <= c.first_at + $1) AS repeated,
				pg_catalog.count(*) FILTER (WHERE c.first_at > $2 - $1) AS in_progress
			FROM customer AS c
		)
		SELECT c.customers, c.repeated, c.in_progress, e.value, e.lower, e.upper
		FROM counted AS c CROSS JOIN LATERAL cx.share_estimate(c.repeated, c.customers, $3) AS e$query$, source)
	USING length, observed_until, confidence;
END
$$;
COMMENT ON FUNCTION cx.repurchase_rate(text, interval, timestamptz, double precision) IS 'how many customers buy again, one row, for a query that gives columns customer and at, one row for each purchase: customers is how many first bought at least the length within before as_of (default cx.as_of()), repeated how many of these bought a second time at most within after the first, and repurchase_rate is repeated in percent of customers, 0..100, with its Wilson score interval from csat_estimate; NULL if customers is 0. Rows at the same time as the first are the same purchase. in_progress is how many first bought later than that: they have not had their time and are not in the rate. A day is 24 hours. Purchases after as_of, rows without a customer, without a time or with an infinite one are left out. Error if the query is NULL or lacks a column, within is NULL, not positive, above 36500 days or has months, as_of is infinite, confidence is NULL or not between 0 and 1';
-- A funnel as a table, of the events that a query gives
--
-- It runs with the search_path of the caller, as query.sql says.

CREATE FUNCTION cx.funnel_check(steps text[], win interval, as_of timestamptz) RETURNS interval
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	twice CONSTANT text := (SELECT step FROM unnest(steps) AS step GROUP BY step HAVING count(*) > 1 ORDER BY step LIMIT 1);
	span interval;
BEGIN
	IF cardinality(steps) NOT BETWEEN 1 AND 32 OR array_ndims(steps) <> 1 THEN
		RAISE EXCEPTION 'number of steps must be 1..32' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	PERFORM cx.require_argument('steps', steps IS NOT NULL AND array_position(steps, NULL) IS NULL);
	PERFORM cx.require_time('as_of', as_of);
	span := cx.exact_length('win', win);
	IF twice IS NOT NULL THEN
		RAISE EXCEPTION 'step "%" is given twice', twice
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Give repeats names of their own in the query, or use cx.window_funnel with mode strict_once.';
	END IF;
	RETURN span;
END
$$;
COMMENT ON FUNCTION cx.funnel_check(text[], interval, timestamptz) IS 'the window with its days as 24 hours each; error unless these make a funnel; support function of funnel';

CREATE FUNCTION cx.funnel(query text, steps text[], win interval, as_of timestamptz DEFAULT cx.as_of(), entered_from timestamptz DEFAULT NULL, entered_until timestamptz DEFAULT NULL, confidence double precision DEFAULT 0.95)
	RETURNS TABLE (breakdown text, step_number integer, step text, entered bigint, reached bigint, in_progress bigint,
		from_previous double precision, from_previous_lower double precision, from_previous_upper double precision,
		from_first double precision, from_first_lower double precision, from_first_upper double precision, median_seconds double precision)
	LANGUAGE plpgsql STABLE AS $$
DECLARE
	observed_until CONSTANT timestamptz := COALESCE(as_of, cx.as_of());
	columns CONSTANT text[] := cx.query_columns(query, 'customer', 'at', 'step');
	span CONSTANT interval := cx.funnel_check(steps, win, observed_until);
BEGIN
	PERFORM cx.require_argument('confidence', confidence IS NOT NULL);
	IF 'breakdown' = ANY (columns) THEN
		PERFORM cx.query_columns(query, 'breakdown');
	END IF;
	RETURN QUERY EXECUTE pg_catalog.format($funnel$
		WITH event AS (
			SELECT given.customer, given.at::timestamp with time zone AS at, pg_catalog.array_position($1, given.step::pg_catalog.text) AS number, %s AS breakdown
			FROM %s AS given
			WHERE given.customer IS DISTINCT FROM NULL AND given.step::pg_catalog.text = ANY ($1) AND given.at::timestamp with time zone <= $3
		), placed AS (
			SELECT *, number = 1 AND ($4 IS NULL OR at >= $4) AND ($5 IS NULL OR at < $5) AS is_entry, at <= $3 - $7 AS is_observed FROM event
		), chain AS (
			SELECT cx.funnel_times($2, at, VARIADIC pg_catalog.array_prepend(is_entry AND is_observed, rest)) AS observed,
				cx.funnel_times($2, at, VARIADIC pg_catalog.array_prepend(is_entry AND NOT is_observed, rest)) AS young,
				pg_catalog.array_agg(at) FILTER (WHERE is_entry) AS entries, pg_catalog.array_agg(breakdown) FILTER (WHERE is_entry) AS breakdowns
			FROM placed CROSS JOIN LATERAL (SELECT pg_catalog.array_agg(number = n ORDER BY n) AS rest FROM pg_catalog.generate_series(2, pg_catalog.cardinality($1)) AS n) AS later
			GROUP BY customer
		), customer AS (
			SELECT c.is_observed, c.times,
				(SELECT pg_catalog.min(e.breakdown COLLATE pg_catalog."C") FROM ROWS FROM (pg_catalog.unnest(entries), pg_catalog.unnest(breakdowns)) AS e (at, breakdown) WHERE e.at = c.times[1]) AS breakdown
			FROM chain CROSS JOIN LATERAL (SELECT observed <> '{}', CASE WHEN observed <> '{}' THEN observed ELSE young END) AS c (is_observed, times)
			WHERE c.times <> '{}'
		), counted AS (
			SELECT c.breakdown, n AS number, pg_catalog.count(*) FILTER (WHERE c.is_observed AND pg_catalog.cardinality(c.times) >= n) AS reached,
				pg_catalog.count(*) FILTER (WHERE NOT c.is_observed AND pg_catalog.cardinality(c.times) >= n) AS in_progress,
				pg_catalog.percentile_cont(0.5::double precision) WITHIN GROUP (ORDER BY cx.seconds_between(c.times[n], c.times[n + 1])) FILTER (WHERE c.is_observed) AS median_seconds
			FROM (SELECT * FROM customer UNION ALL SELECT NULL, NULL, NULL WHERE NOT EXISTS (SELECT FROM customer)) AS c
			CROSS JOIN pg_catalog.generate_series(1, pg_catalog.cardinality($1)) AS n
			GROUP BY c.breakdown, n
		), followed AS (
			SELECT *, pg_catalog.first_value(reached) OVER onward AS entered, pg_catalog.lag(reached) OVER onward AS before FROM counted WINDOW onward AS (PARTITION BY breakdown ORDER BY number)
		)
		SELECT f.breakdown, f.number, $1[f.number], f.entered, f.reached, f.in_progress, p.value, p.lower, p.upper, e.value, e.lower, e.upper, f.median_seconds
		FROM followed AS f
		CROSS JOIN LATERAL cx.share_estimate(f.reached, f.before, $6) AS p
		CROSS JOIN LATERAL cx.share_estimate(f.reached, f.entered, $6) AS e
		ORDER BY f.breakdown, f.number$funnel$,
		CASE WHEN 'breakdown' = ANY (columns) THEN 'given.breakdown::pg_catalog.text' ELSE 'NULL::pg_catalog.text' END, cx.query_subselect(query))
	-- a slice is numbered from 1, whatever the array is numbered from
	USING steps[:], win, observed_until, entered_from, entered_until, confidence, span;
END
$$;
COMMENT ON FUNCTION cx.funnel(text, text[], interval, timestamptz, timestamptz, timestamptz, double precision) IS 'a funnel, a row for each step, of a query that gives columns customer, at and step, and breakdown to have it by that column: how many customers reached the steps (names, 1..32, each once) in this order, none earlier than the one before, the last at most win after the first, as cx.funnel_times finds them. Only entries that had their whole window by as_of (default cx.as_of()) count in entered and reached; customers whose entries are all younger are in_progress. entered_from and entered_until (not included) limit the first step only; later ones may fall after. from_previous and from_first are percent of those who reached the step before, and the first, with Wilson score intervals; median_seconds is the median time to the next step of those who reached it. The breakdown of a customer is that of the event with which he entered. Rows without customer, time or step, and those after as_of, are left out';

-- Metrics: the formula that a metric's kind names

CREATE FUNCTION cx.estimate_of(kind text, satisfied_from integer, tally cx.tally, confidence double precision DEFAULT 0.95) RETURNS cx.estimate
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE kind
		WHEN 'nps' THEN cx.nps_estimate(tally, confidence)
		WHEN 'csat' THEN cx.csat_estimate(tally, satisfied_from, confidence)
		WHEN 'ces' THEN cx.mean_estimate(tally, confidence)
		WHEN 'rating' THEN cx.mean_estimate(tally, confidence)
	END;
COMMENT ON FUNCTION cx.estimate_of(text, integer, cx.tally, double precision) IS 'score of a tally by the formula for a kind of metric (nps, csat, ces, rating), with its interval; NULL without answers; confidence is a share between 0 and 1';

CREATE FUNCTION cx.change_of(kind text, satisfied_from integer, before cx.tally, after cx.tally, confidence double precision DEFAULT 0.95) RETURNS cx.change
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE kind
		WHEN 'nps' THEN cx.nps_change(before, after, confidence)
		WHEN 'csat' THEN cx.csat_change(before, after, satisfied_from, confidence)
		WHEN 'ces' THEN cx.mean_change(before, after, confidence)
		WHEN 'rating' THEN cx.mean_change(before, after, confidence)
	END;
COMMENT ON FUNCTION cx.change_of(text, integer, cx.tally, cx.tally, double precision) IS 'change of a score between different people by the formula for a kind of metric (nps, csat, ces, rating); NULL if a side has no answers; confidence is a share between 0 and 1';

CREATE FUNCTION cx.compare(kind text, satisfied_from integer, before cx.tally, after cx.tally)
	RETURNS TABLE (value double precision, lower double precision, upper double precision, responses bigint,
		value_before double precision, responses_before bigint,
		change double precision, change_lower double precision, change_upper double precision, p_value double precision)
	LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
	SELECT e.value, e.lower, e.upper, coalesce(cx.responses(after), 0),
		b.value, coalesce(cx.responses(before), 0),
		c.difference, c.lower, c.upper, c.p_value
	FROM cx.estimate_of(kind, satisfied_from, after) AS e,
		cx.estimate_of(kind, satisfied_from, before) AS b,
		cx.change_of(kind, satisfied_from, before, after) AS c;
END;
COMMENT ON FUNCTION cx.compare(text, integer, cx.tally, cx.tally) IS 'score of a tally by the formula for a kind of metric, with its 95 % interval, beside that of an earlier one of different people, and the change: one row';

CREATE FUNCTION cx.verdict(change double precision, q_value double precision, comparable boolean, lower_is_better boolean) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE
		WHEN comparable IS NOT TRUE THEN 'too few'
		WHEN q_value < 0.05 AND change <> 0 THEN CASE WHEN (change > 0) <> lower_is_better THEN 'better' ELSE 'worse' END
		ELSE 'no clear change'
	END;
COMMENT ON FUNCTION cx.verdict(double precision, double precision, boolean, boolean) IS 'a change in words: better or worse if its adjusted p-value is below 0.05, no clear change, or too few (answers to compare)';

CREATE FUNCTION cx.metric_formula(metric text, OUT kind text, OUT satisfied_from integer)
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	PERFORM cx.require_program();
	SELECT m.kind, m.satisfied_from INTO kind, satisfied_from FROM cx_data.metric AS m WHERE m.code = metric_formula.metric;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'metric "%" does not exist', metric
			USING ERRCODE = 'undefined_object', HINT = 'SELECT code FROM cx_data.metric lists the metrics; a new one is a row of that table.';
	END IF;
END
$$;
COMMENT ON FUNCTION cx.metric_formula(text) IS 'kind of a metric and least answer that it counts as satisfied; error if there is no such metric';

CREATE FUNCTION cx.metric_estimate(metric text, tally cx.tally) RETURNS cx.estimate
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	RETURN (SELECT cx.estimate_of(formula.kind, formula.satisfied_from, tally) FROM cx.metric_formula(metric) AS formula);
COMMENT ON FUNCTION cx.metric_estimate(text, cx.tally) IS 'score of a tally by the formula of a metric of the program, with its 95 % interval; NULL without answers';

CREATE FUNCTION cx.metric_change(metric text, before cx.tally, after cx.tally) RETURNS cx.change
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	RETURN (SELECT cx.change_of(formula.kind, formula.satisfied_from, before, after) FROM cx.metric_formula(metric) AS formula);
COMMENT ON FUNCTION cx.metric_change(text, cx.tally, cx.tally) IS 'change of a score by the formula of a metric of the program, between different people, with its 95 % interval and significance; NULL if a side has no answers';
-- Experiences of touchpoints and stages, 0..100, with their intervals

CREATE FUNCTION cx.experience(value double precision, std_error double precision, responses double precision) RETURNS cx.estimate
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	-- CASE, for greatest and least would overlook a NULL
	RETURN ROW(value, std_error,
		CASE WHEN std_error IS NOT NULL THEN greatest(0, value - 1.959963984540054 * std_error) END,
		CASE WHEN std_error IS NOT NULL THEN least(100, value + 1.959963984540054 * std_error) END,
		responses::bigint, responses)::cx.estimate;
COMMENT ON FUNCTION cx.experience(double precision, double precision, double precision) IS 'an experience, 0..100, with its normal 95 % interval; support function of experience_estimate and journey_stage_estimate';

CREATE FUNCTION cx.experience_of(score double precision, scale_min integer, scale_max integer, lower_is_better boolean) RETURNS double precision
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE WHEN lower_is_better THEN cx.to_100(score, scale_max, scale_min) ELSE cx.to_100(score, scale_min, scale_max) END;
COMMENT ON FUNCTION cx.experience_of(double precision, integer, integer, boolean) IS 'a score or a mean of scores on the scale of a metric as an experience, 0..100; error outside the scale';

-- All answers to a touchpoint, whatever their scales; the state is their number, their sum and their sum of squares

CREATE FUNCTION cx.experience_add(state double precision[], tally cx.tally, scale_min integer, scale_max integer, lower_is_better boolean) RETURNS double precision[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN CASE WHEN cx.responses(tally) = 0 THEN state ELSE ARRAY[
		state[1] + cx.responses(tally),
		state[2] + cx.responses(tally) * cx.experience_of(cx.mean_of(tally), scale_min, scale_max, lower_is_better),
		state[3] + cx.responses(tally) * power(cx.experience_of(cx.mean_of(tally), scale_min, scale_max, lower_is_better), 2)
			+ (cx.responses(tally) - 1) * power(coalesce(cx.stddev_of(tally), 0) * 100 / (scale_max - scale_min), 2)] END;
COMMENT ON FUNCTION cx.experience_add(double precision[], cx.tally, integer, integer, boolean) IS 'adds the answers of a tally; support function of experience_estimate';

CREATE FUNCTION cx.experience_combine(a double precision[], b double precision[]) RETURNS double precision[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN ARRAY[a[1] + b[1], a[2] + b[2], a[3] + b[3]];
COMMENT ON FUNCTION cx.experience_combine(double precision[], double precision[]) IS 'both states together; support function of experience_estimate';

CREATE FUNCTION cx.experience_final(state double precision[]) RETURNS cx.estimate
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN CASE WHEN state[1] > 0 THEN cx.experience(state[2] / state[1],
		CASE WHEN state[1] > 1 THEN sqrt(greatest(0, state[3] - state[2] * state[2] / state[1]) / (state[1] - 1) / state[1]) END, state[1]) END;
COMMENT ON FUNCTION cx.experience_final(double precision[]) IS 'final function of experience_estimate';

CREATE AGGREGATE cx.experience_estimate(tally cx.tally, scale_min integer, scale_max integer, lower_is_better boolean) (
	SFUNC = cx.experience_add, STYPE = double precision[], INITCOND = '{0,0,0}',
	FINALFUNC = cx.experience_final, COMBINEFUNC = cx.experience_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.experience_estimate(cx.tally, integer, integer, boolean) IS 'experience, 0..100, of all answers together, each brought from its scale to 0 (worst) to 100 (best), with its normal 95 % interval; NULL without answers; rows with a NULL are ignored; error outside the scale';

-- A stage of its touchpoints, a journey of its stages; the state is the sum of weights, of weight x value, of (weight x standard error) squared, of answers

CREATE FUNCTION cx.stage_estimate_add(state double precision[], experience cx.estimate, weight double precision) RETURNS double precision[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN CASE WHEN weight > 0 AND (experience).value IS NOT NULL THEN ARRAY[
		state[1] + weight,
		state[2] + weight * (experience).value,
		state[3] + power(weight * (experience).std_error, 2),
		state[4] + (experience).responses] ELSE state END;
COMMENT ON FUNCTION cx.stage_estimate_add(double precision[], cx.estimate, double precision) IS 'adds one experience; support function of journey_stage_estimate';

CREATE FUNCTION cx.stage_estimate_combine(a double precision[], b double precision[]) RETURNS double precision[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN ARRAY[a[1] + b[1], a[2] + b[2], a[3] + b[3], a[4] + b[4]];
COMMENT ON FUNCTION cx.stage_estimate_combine(double precision[], double precision[]) IS 'both states together; support function of journey_stage_estimate';

CREATE FUNCTION cx.stage_estimate_final(state double precision[]) RETURNS cx.estimate
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN CASE WHEN state[1] > 0 THEN cx.experience(state[2] / state[1], sqrt(state[3]) / state[1], state[4]) END;
COMMENT ON FUNCTION cx.stage_estimate_final(double precision[]) IS 'final function of journey_stage_estimate';

CREATE AGGREGATE cx.journey_stage_estimate(experience cx.estimate, weight double precision) (
	SFUNC = cx.stage_estimate_add, STYPE = double precision[], INITCOND = '{0,0,0,0}',
	FINALFUNC = cx.stage_estimate_final, COMBINEFUNC = cx.stage_estimate_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.journey_stage_estimate(cx.estimate, double precision) IS 'journey_stage_score with its interval: weighted mean of independent experiences, 0..100, normal 95 % interval from their standard errors; NULL without any; rows with a NULL or weight 0 are left out';
-- Publishing journeys

-- STRICT keeps it from being inlined, and so its number of rows is what the planner expects
CREATE FUNCTION cx.touchpoints_of(definition jsonb)
	RETURNS TABLE (stage_id bigint, stage text, stage_name text, stage_position integer, stage_weight double precision,
		touchpoint_id bigint, touchpoint text, touchpoint_name text, touchpoint_position integer, touchpoint_weight double precision,
		channel text, moment_of_truth boolean, owner_staff_id bigint, owner_staff text, owner_unit_id bigint, owner_unit text)
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 20
BEGIN ATOMIC
	SELECT s.stage_id, s.code, s.name, s.position, s.weight,
		t.touchpoint_id, t.code, t.name, t.position, t.weight,
		t.channel, t.moment_of_truth, t.owner_staff_id, t.owner_staff, t.owner_unit_id, t.owner_unit
	FROM jsonb_to_recordset(definition -> 'stages')
		AS s (stage_id bigint, code text, name text, position integer, weight double precision, touchpoints jsonb)
	LEFT JOIN LATERAL jsonb_to_recordset(s.touchpoints)
		AS t (touchpoint_id bigint, code text, name text, position integer, weight double precision, channel text, moment_of_truth boolean,
			owner_staff_id bigint, owner_staff text, owner_unit_id bigint, owner_unit text) ON true;
END;
COMMENT ON FUNCTION cx.touchpoints_of(jsonb) IS 'touchpoints of a definition that publish_journey made, with their stages; a stage without touchpoints is a row without touchpoint';

CREATE FUNCTION cx.journey_notes(stage bigint, touchpoint bigint) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	RETURN (SELECT coalesce(jsonb_agg(jsonb_build_object(
			'kind', n.kind, 'body', n.body, 'persona', p.code, 'author', n.author, 'created_at', n.created_at)
			ORDER BY n.journey_note_id), '[]')
		FROM cx_data.journey_note AS n
		LEFT JOIN cx_data.persona AS p USING (persona_id)
		WHERE n.stage_id = stage OR n.touchpoint_id = touchpoint);
END
$$;
COMMENT ON FUNCTION cx.journey_notes(bigint, bigint) IS 'notes on a stage or a touchpoint; support function of publish_journey';

CREATE FUNCTION cx.journey_definition(code text) RETURNS jsonb
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	-- so that the same journey is always written alike
	SET search_path = pg_catalog, pg_temp
	SET timezone = 'UTC'
	SET extra_float_digits = 1
	AS $$
BEGIN
	RETURN (WITH
		touchpoints AS (
			SELECT t.stage_id, jsonb_agg(jsonb_build_object(
				'touchpoint_id', t.touchpoint_id, 'code', t.code, 'name', t.name, 'position', t.position, 'weight', t.weight,
				'channel', t.channel, 'moment_of_truth', t.moment_of_truth,
				'owner_staff_id', t.owner_staff_id, 'owner_staff', s.code, 'owner_unit_id', t.owner_unit_id, 'owner_unit', u.code,
				'notes', cx.journey_notes(NULL, t.touchpoint_id)) ORDER BY t.position, t.touchpoint_id) AS touchpoints
			FROM cx_data.touchpoint AS t
			LEFT JOIN cx_data.staff AS s ON s.staff_id = t.owner_staff_id
			LEFT JOIN cx_data.org_unit AS u ON u.org_unit_id = t.owner_unit_id
			GROUP BY t.stage_id
		),
		stages AS (
			SELECT g.journey_id, jsonb_agg(jsonb_build_object(
				'stage_id', g.stage_id, 'code', g.code, 'name', g.name, 'position', g.position, 'weight', g.weight,
				'touchpoints', coalesce(touchpoints, '[]'),
				'notes', cx.journey_notes(g.stage_id, NULL)) ORDER BY g.position, g.stage_id) AS stages
			FROM cx_data.stage AS g
			LEFT JOIN touchpoints USING (stage_id)
			GROUP BY g.journey_id
		)
		SELECT jsonb_build_object(
			'journey_id', j.journey_id, 'code', j.code, 'name', j.name, 'description', j.description,
			'owner_staff_id', j.owner_staff_id, 'owner_staff', s.code, 'owner_unit_id', j.owner_unit_id, 'owner_unit', u.code,
			'stages', coalesce(stages, '[]'))
		FROM cx_data.journey AS j
		LEFT JOIN stages USING (journey_id)
		LEFT JOIN cx_data.staff AS s ON s.staff_id = j.owner_staff_id
		LEFT JOIN cx_data.org_unit AS u ON u.org_unit_id = j.owner_unit_id
		WHERE j.code = journey_definition.code);
END
$$;
COMMENT ON FUNCTION cx.journey_definition(text) IS 'a journey as it stands, published or not: stages, touchpoints, positions, weights, moments of truth, owners and notes; NULL if there is no such journey';

CREATE FUNCTION cx.publish_journey(code text, published_at timestamptz DEFAULT now()) RETURNS integer
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	journey bigint;
	draft jsonb;
	latest record;
BEGIN
	PERFORM cx.require_program();
	SELECT journey_id INTO journey FROM cx_data.journey AS j WHERE j.code = publish_journey.code FOR UPDATE;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'journey "%" does not exist', code
			USING ERRCODE = 'undefined_object', HINT = 'SELECT code FROM cx_data.journey lists the journeys.';
	END IF;
	draft := cx.journey_definition(code);
	IF draft -> 'stages' = '[]' THEN
		RAISE EXCEPTION 'journey "%" has no stage', code
			USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'INSERT its stages INTO cx_data.stage first.';
	END IF;
	SELECT v.version, v.definition, v.published_at INTO latest FROM cx_data.journey_version AS v WHERE journey_id = journey ORDER BY version DESC LIMIT 1;
	IF latest.definition = draft THEN
		RAISE NOTICE 'journey "%" has not changed since version %', code, latest.version;
		RETURN latest.version;
	END IF;
	IF latest.published_at > publish_journey.published_at OR publish_journey.published_at IS NULL THEN
		RAISE EXCEPTION 'journey "%" has a version published at %', code, latest.published_at
			USING ERRCODE = 'invalid_parameter_value', HINT = 'A new version is published after the ones before it.';
	END IF;
	INSERT INTO cx_data.journey_version (journey_id, version, published_at, definition)
	VALUES (journey, coalesce(latest.version, 0) + 1, publish_journey.published_at, draft);
	RETURN coalesce(latest.version, 0) + 1;
END
$$;
COMMENT ON FUNCTION cx.publish_journey(text, timestamptz) IS 'publishes a journey as it stands, which maps and scores take from published_at on (for answers from before the program, give an earlier time); the result is the number of the version, the latest one if nothing changed';
-- What customers do along a journey: the events at its touchpoints

CREATE FUNCTION cx.drop_off_counts(touchpoints bigint[], starts_at timestamptz, ends_at timestamptz)
	RETURNS TABLE (touchpoint_id bigint, customers bigint, dropped bigint)
	LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 20 SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
	IF touchpoints IS NULL THEN
		RETURN;
	END IF;
	RETURN QUERY
	SELECT last.touchpoint_id, count(*), count(*) FILTER (WHERE last.next_at IS NULL OR last.next_at > last.occurred_at + interval '672 hours')
	FROM (
		-- the last event of each customer at each touchpoint, and when the next one came anywhere
		SELECT DISTINCT ON (e.touchpoint_id, e.customer_id) e.touchpoint_id, e.occurred_at, e.next_at
		FROM (
			SELECT touchpoint_id, customer_id, occurred_at, event_id, lead(occurred_at) OVER (PARTITION BY customer_id ORDER BY occurred_at, event_id) AS next_at
			FROM cx_data.event
			WHERE touchpoint_id = ANY (touchpoints) AND customer_id IS NOT NULL
				AND occurred_at >= starts_at AND occurred_at <= ends_at + interval '672 hours' AND occurred_at <= cx.as_of()
		) AS e
		WHERE e.occurred_at < ends_at
		ORDER BY e.touchpoint_id, e.customer_id, e.occurred_at DESC, e.event_id DESC
	) AS last
	GROUP BY last.touchpoint_id;
END
$$;
COMMENT ON FUNCTION cx.drop_off_counts(bigint[], timestamptz, timestamptz) IS 'of the customers with events at touchpoints within a time, end not included: how many were at each, and how many of these dropped off there: had no event at any of these touchpoints in the 28 days (of 24 hours) after their last one there; no rows if touchpoints is NULL';

-- One person, one customer: names that lead to him, and customers merged into one

CREATE FUNCTION cx.identify(kind text, value text) RETURNS bigint
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	-- the code of a merged customer is an identity of kind code
	RETURN coalesce(
		CASE WHEN identify.kind = 'code' THEN (SELECT c.customer_id FROM cx_data.customer AS c WHERE c.code = identify.value) END,
		(SELECT i.customer_id FROM cx_data.customer_identity AS i WHERE i.kind = identify.kind AND i.value = identify.value));
END
$$;
COMMENT ON FUNCTION cx.identify(text, text) IS 'key of the customer that a name leads to: an identity such as phone or crm, or with kind code his code, also one that he had before a merge; NULL if none';

CREATE FUNCTION cx.no_customer(code text) RETURNS void
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RAISE EXCEPTION 'customer "%" does not exist', code
		USING ERRCODE = 'undefined_object', HINT = 'The code of a customer is wanted; cx_data.customer_identity leads from other names to it.';
END
$$;
COMMENT ON FUNCTION cx.no_customer(text) IS 'raises the error that there is no customer with this code';

CREATE FUNCTION cx.find_customer(code text) RETURNS bigint
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	found_id CONSTANT bigint := cx.identify('code', find_customer.code);
BEGIN
	IF found_id IS NULL THEN
		PERFORM cx.no_customer(find_customer.code);
	END IF;
	RETURN found_id;
END
$$;
COMMENT ON FUNCTION cx.find_customer(text) IS 'key of the customer with this code, also one that he had before a merge; an error if there is none';

CREATE FUNCTION cx.identify(kind text, value text, customer text) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	who bigint;
	whose record;
BEGIN
	IF customer IS NULL THEN
		RETURN cx.identify(identify.kind, identify.value);
	END IF;
	IF identify.kind IS NULL OR identify.value IS NULL THEN
		RAISE EXCEPTION 'kind and value must be given' USING ERRCODE = 'null_value_not_allowed';
	END IF;
	IF identify.kind = 'code' THEN
		RAISE EXCEPTION 'a customer has one code'
			USING ERRCODE = 'invalid_parameter_value', HINT = 'To make another customer''s code lead to him, SELECT cx.merge_customers(keep, lose).';
	END IF;
	who := cx.find_customer(customer);
	INSERT INTO cx_data.customer_identity (kind, value, customer_id, customer_merge_id)
	VALUES (identify.kind, identify.value, who, (SELECT i.customer_merge_id FROM cx_data.customer_identity AS i WHERE i.kind = 'code' AND i.value = customer))
	ON CONFLICT DO NOTHING;
	SELECT c.customer_id, c.code INTO whose
	FROM cx_data.customer_identity AS i JOIN cx_data.customer AS c USING (customer_id)
	WHERE i.kind = identify.kind AND i.value = identify.value;
	IF whose.customer_id IS DISTINCT FROM who THEN
		RAISE EXCEPTION '% "%" belongs to customer "%"', identify.kind, identify.value, whose.code
			USING ERRCODE = 'unique_violation', HINT = format('If they are one person, SELECT cx.merge_customers(%L, %L); else correct cx_data.customer_identity.', whose.code, customer);
	END IF;
	RETURN who;
END
$$;
COMMENT ON FUNCTION cx.identify(text, text, text) IS 'notes that a name, such as a phone number, leads to the customer with this code; gives his key. An error if it leads to another one';

CREATE FUNCTION cx.tables_of_customers(OUT relation regclass, OUT customer_column name, OUT is_ours boolean, OUT is_required boolean, OUT has_merge boolean, OUT has_key boolean) RETURNS SETOF record
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN QUERY
	SELECT found.oid::regclass, found.attname, found.in_program, found.attnotnull,
		found.in_program AND EXISTS (SELECT FROM pg_attribute AS m WHERE m.attrelid = found.oid AND m.attname = 'customer_merge_id' AND m.atttypid = 'bigint'::regtype AND NOT m.attisdropped),
		found.refers
	FROM (
		SELECT c.oid, c.relname, a.attname, a.attnotnull, a.atttypid, c.relnamespace = 'cx_data'::regnamespace AS in_program,
			EXISTS (SELECT FROM pg_constraint AS k
				WHERE k.conrelid = c.oid AND k.contype = 'f' AND k.conkey = ARRAY[a.attnum] AND k.confrelid = 'cx_data.customer'::regclass
					AND k.confkey = ARRAY[(SELECT id.attnum FROM pg_attribute AS id WHERE id.attrelid = k.confrelid AND id.attname = 'customer_id')]) AS refers
		FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
		WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.oid <> 'cx_data.customer'::regclass AND a.attnum > 0 AND NOT a.attisdropped
			AND (c.relnamespace = 'cx_data'::regnamespace OR EXISTS (SELECT FROM pg_constraint AS k WHERE k.conrelid = c.oid AND k.confrelid = 'cx_data.customer'::regclass))
	) AS found
	WHERE found.refers OR (found.in_program AND found.attname = 'customer_id' AND found.atttypid = 'bigint'::regtype)
	ORDER BY NOT found.in_program, found.relname <> 'feedback', found.relname <> 'event', found.relname COLLATE "C", found.oid, found.attname COLLATE "C";
END
$$;
COMMENT ON FUNCTION cx.tables_of_customers() IS 'tables whose rows belong to customers: those in schema cx_data with a column customer_id, and any with a foreign key to cx_data.customer; whether the column must be given, whether there is a column customer_merge_id, whether there is a foreign key';

CREATE FUNCTION cx.lock_facts() RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	facts regclass;
BEGIN
	-- in the order of row_in_use() and of capture; where there is a foreign key, locking the customer is enough
	FOR facts IN SELECT relation FROM cx.tables_of_customers() WHERE is_ours AND NOT has_key LOOP
		EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', facts);
	END LOOP;
	-- whoever adds customers must see which of them have gone
	LOCK TABLE cx_data.customer IN SHARE ROW EXCLUSIVE MODE;
END
$$;
COMMENT ON FUNCTION cx.lock_facts() IS 'waits for those who write facts of customers or add customers, and keeps others from it until the transaction ends; part of merge_customers, unmerge and erase_customer';

CREATE FUNCTION cx.key_of_row(relation regclass, customer_column name) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format('jsonb_build_array(%s)', string_agg(format('t.%I', a.attname), ', ' ORDER BY a.attnum))
	FROM pg_attribute AS a
	LEFT JOIN pg_index AS i ON i.indrelid = a.attrelid AND i.indisprimary
	WHERE a.attrelid = key_of_row.relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attname <> customer_column
		AND (i.indexrelid IS NULL OR a.attnum = ANY (i.indkey))
$$;
COMMENT ON FUNCTION cx.key_of_row(regclass, name) IS 'expression for what tells rows of one customer apart in a table t: its primary key, else all columns; part of merge_customers and unmerge';

CREATE FUNCTION cx.move_facts(relation regclass, customer_column name, has_merge boolean, lose_id bigint, keep_id bigint, merge bigint) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	move text := format('UPDATE %1$s AS t SET %2$I = $2%3$s WHERE t.%2$I = $1 AND ($4 IS NULL OR (t.tableoid = $4 AND t.ctid = $5))',
		relation, customer_column, CASE WHEN has_merge THEN ', customer_merge_id = coalesce(t.customer_merge_id, $3)' END);
	part record;
BEGIN
	IF NOT has_merge THEN
		move := format('WITH moved AS (%s RETURNING %s AS fact) INSERT INTO cx_data.customer_merge_fact (customer_merge_id, relation, customer_column, fact) SELECT $3, %L, %L, fact FROM moved',
			move, cx.key_of_row(relation, customer_column), relation, customer_column);
	END IF;
	EXECUTE move USING lose_id, keep_id, merge, NULL::oid, NULL::tid;
EXCEPTION WHEN unique_violation OR exclusion_violation THEN
	-- one by one: what the customer has already who is kept is set aside
	FOR part IN EXECUTE format('SELECT t.tableoid AS oid, t.ctid AS place FROM %s AS t WHERE t.%I = $1', relation, customer_column) USING lose_id LOOP
		BEGIN
			EXECUTE move USING lose_id, keep_id, merge, part.oid, part.place;
		EXCEPTION WHEN unique_violation OR exclusion_violation THEN
			EXECUTE format('WITH gone AS (DELETE FROM %s AS t WHERE t.tableoid = $1 AND t.ctid = $2 RETURNING *) INSERT INTO cx_data.customer_merge_fact (customer_merge_id, relation, customer_column, fact, set_aside) SELECT $3, %L, %L, to_jsonb(gone), true FROM gone',
				relation, relation, customer_column) USING part.oid, part.place, merge;
		END;
	END LOOP;
END
$$;
COMMENT ON FUNCTION cx.move_facts(regclass, name, boolean, bigint, bigint, bigint) IS 'gives the rows of a table that belong to one customer to another one, and notes which; part of merge_customers';

CREATE FUNCTION cx.find_unmerged_customer(code text) RETURNS bigint
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	found_id CONSTANT bigint := cx.find_customer(find_unmerged_customer.code);
	kept_code text;
BEGIN
	SELECT c.code INTO kept_code FROM cx_data.customer AS c WHERE c.customer_id = found_id;
	IF kept_code <> find_unmerged_customer.code THEN
		RAISE EXCEPTION 'customer "%" was merged into customer "%" already', find_unmerged_customer.code, kept_code
			USING ERRCODE = 'object_not_in_prerequisite_state', HINT = format('Name customer "%s" instead, or SELECT cx.unmerge(%s) first.', kept_code,
				(SELECT i.customer_merge_id FROM cx_data.customer_identity AS i WHERE i.kind = 'code' AND i.value = find_unmerged_customer.code));
	END IF;
	RETURN found_id;
END
$$;
COMMENT ON FUNCTION cx.find_unmerged_customer(text) IS 'key of the customer with this code; an error if there is none, or if he was merged into another one';

CREATE FUNCTION cx.merge_customers(keep text, lose text) RETURNS bigint
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	-- so that rows are always written alike, none stays unseen, and facts are found by index
	SET timezone = 'UTC' SET intervalstyle = 'postgres' SET extra_float_digits = 1 SET row_security = off SET enable_seqscan = off SET jit = off
	AS $$
DECLARE
	kept bigint;
	lost bigint;
	merge bigint;
BEGIN
	PERFORM cx.require_program();
	PERFORM cx.require_read_committed();
	IF keep IS NULL OR lose IS NULL THEN
		RAISE EXCEPTION 'keep and lose must be given' USING ERRCODE = 'null_value_not_allowed', HINT = 'They are codes of customers.';
	END IF;
	IF keep = lose THEN
		RAISE EXCEPTION 'customer "%" cannot be merged with himself', keep USING ERRCODE = 'invalid_parameter_value', HINT = 'Name two customers.';
	END IF;
	PERFORM cx.lock_facts();
	PERFORM FROM cx_data.customer AS c WHERE c.code IN (keep, lose) ORDER BY c.customer_id FOR UPDATE;
	kept := cx.find_unmerged_customer(keep);
	lost := cx.find_unmerged_customer(lose);

	INSERT INTO cx_data.customer_merge AS m (keep_id, lose_id, lost, org_unit_id)
	SELECT kept, c.customer_id, to_jsonb(c), c.org_unit_id FROM cx_data.customer AS c WHERE c.customer_id = lost
	RETURNING m.customer_merge_id INTO merge;
	PERFORM cx.move_facts(t.relation, t.customer_column, t.has_merge, lost, kept, merge) FROM cx.tables_of_customers() AS t;
	DELETE FROM cx_data.customer AS c WHERE c.customer_id = lost;
	INSERT INTO cx_data.customer_identity (kind, value, customer_id, customer_merge_id) VALUES ('code', lose, kept, merge);
	RETURN merge;
END
$$;
COMMENT ON FUNCTION cx.merge_customers(text, text) IS 'makes one customer of two: all that the second one has goes to the first, and his code and other names lead there from now on; gives the number of the merge, with which cx.unmerge() undoes it';

CREATE FUNCTION cx.merges_into(merge bigint) RETURNS bigint[]
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN ARRAY(
		WITH RECURSIVE below (customer_merge_id, lose_id) AS (
			SELECT m.customer_merge_id, m.lose_id FROM cx_data.customer_merge AS m WHERE m.customer_merge_id = merge
			UNION
			SELECT m.customer_merge_id, m.lose_id FROM cx_data.customer_merge AS m JOIN below ON m.keep_id = below.lose_id WHERE m.undone_at IS NULL
		)
		SELECT below.customer_merge_id FROM below);
END
$$;
COMMENT ON FUNCTION cx.merges_into(bigint) IS 'a merge and those by which others had come to the customer who went in it; part of unmerge';

CREATE FUNCTION cx.merges_after(merge bigint) RETURNS bigint[]
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN ARRAY(
		WITH RECURSIVE above (customer_merge_id, keep_id) AS (
			SELECT NULL::bigint, m.keep_id FROM cx_data.customer_merge AS m WHERE m.customer_merge_id = merge
			UNION
			SELECT m.customer_merge_id, m.keep_id FROM cx_data.customer_merge AS m JOIN above ON m.lose_id = above.keep_id WHERE m.undone_at IS NULL
		)
		SELECT above.customer_merge_id FROM above WHERE above.customer_merge_id IS NOT NULL);
END
$$;
COMMENT ON FUNCTION cx.merges_after(bigint) IS 'merges by which the customer who was kept in a merge went on to others; part of unmerge';

CREATE FUNCTION cx.give_facts_back(relation regclass, customer_column name, has_merge boolean, holder bigint, lost bigint, merge bigint) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	merges CONSTANT bigint[] := cx.merges_into(merge);
	column_names text;
BEGIN
	IF has_merge THEN
		EXECUTE format('UPDATE %1$s AS t SET %2$I = $2, customer_merge_id = nullif(t.customer_merge_id, $3) WHERE t.%2$I = $1 AND t.customer_merge_id = ANY ($4)',
			relation, customer_column) USING holder, lost, merge, merges;
	ELSE
		-- of rows that nothing tells apart as many as were moved
		EXECUTE format('WITH moved AS (SELECT f.fact, count(*) AS many FROM cx_data.customer_merge_fact AS f'
			' WHERE f.customer_merge_id = ANY ($3) AND f.relation = %4$L::regclass AND f.customer_column = %5$L AND NOT f.set_aside GROUP BY f.fact),'
			' held AS (SELECT t.tableoid AS part, t.ctid AS place, %3$s AS fact, row_number() OVER (PARTITION BY %3$s) AS nth FROM %1$s AS t WHERE t.%2$I = $1)'
			' UPDATE %1$s AS t SET %2$I = $2 FROM held JOIN moved USING (fact) WHERE held.nth <= moved.many AND t.%2$I = $1 AND t.tableoid = held.part AND t.ctid = held.place',
			relation, customer_column, cx.key_of_row(relation, customer_column), relation, customer_column) USING holder, lost, merges;
		-- what went on with the customer who was kept is not there any more
		DELETE FROM cx_data.customer_merge_fact AS later
		USING cx_data.customer_merge_fact AS f
		WHERE later.customer_merge_id = ANY (cx.merges_after(merge)) AND f.customer_merge_id = ANY (merges)
			AND later.relation = give_facts_back.relation AND f.relation = give_facts_back.relation
			AND later.customer_column = give_facts_back.customer_column AND f.customer_column = give_facts_back.customer_column
			AND later.fact = f.fact AND NOT later.set_aside AND NOT f.set_aside;
	END IF;
	IF EXISTS (SELECT FROM cx_data.customer_merge_fact AS f
			WHERE f.customer_merge_id = merge AND f.relation = give_facts_back.relation AND f.customer_column = give_facts_back.customer_column AND f.set_aside) THEN
		SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) INTO column_names
		FROM pg_attribute WHERE attrelid = relation AND attnum > 0 AND NOT attisdropped AND attgenerated = '';
		EXECUTE format('INSERT INTO %1$s (%2$s) OVERRIDING SYSTEM VALUE SELECT %2$s FROM jsonb_populate_recordset(NULL::%1$s, $1)', relation, column_names)
		USING (SELECT jsonb_agg(f.fact) FROM cx_data.customer_merge_fact AS f
			WHERE f.customer_merge_id = merge AND f.relation = give_facts_back.relation AND f.customer_column = give_facts_back.customer_column AND f.set_aside);
	END IF;
END
$$;
COMMENT ON FUNCTION cx.give_facts_back(regclass, name, boolean, bigint, bigint, bigint) IS 'gives the rows of a table back that a merge moved or set aside, or that came since under a name of the customer who went; part of unmerge';

CREATE FUNCTION cx.holder_after(merge bigint) RETURNS bigint
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	holder bigint := (SELECT m.keep_id FROM cx_data.customer_merge AS m WHERE m.customer_merge_id = merge);
	later record;
BEGIN
	LOOP
		SELECT m.customer_merge_id, m.keep_id, EXISTS (SELECT FROM cx_data.customer_merge_fact AS f WHERE f.customer_merge_id = m.customer_merge_id AND f.set_aside) AS sets_aside
		INTO later FROM cx_data.customer_merge AS m WHERE m.lose_id = holder AND m.undone_at IS NULL;
		EXIT WHEN NOT FOUND;
		-- what it set aside may be of either customer
		IF later.sets_aside THEN
			RAISE EXCEPTION 'merge % is part of merge %, which set rows aside', merge, later.customer_merge_id
				USING ERRCODE = 'object_not_in_prerequisite_state', HINT = format('SELECT cx.unmerge(%s) first.', later.customer_merge_id);
		END IF;
		holder := later.keep_id;
	END LOOP;
	RETURN holder;
END
$$;
COMMENT ON FUNCTION cx.holder_after(bigint) IS 'customer who now has what a merge moved, for the one who was kept may have been merged since; part of unmerge';

CREATE FUNCTION cx.bring_customer_back(merge bigint) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	old_row jsonb;
	column_names text;
BEGIN
	SELECT m.lost || jsonb_build_object('org_unit_id', m.org_unit_id) INTO old_row FROM cx_data.customer_merge AS m WHERE m.customer_merge_id = merge;
	DELETE FROM cx_data.customer_identity AS i WHERE i.kind = 'code' AND i.value = old_row ->> 'code';
	SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) INTO column_names
	FROM pg_attribute
	WHERE attrelid = 'cx_data.customer'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND old_row ? attname::text;
	EXECUTE format('INSERT INTO cx_data.customer (%1$s) OVERRIDING SYSTEM VALUE SELECT %1$s FROM jsonb_populate_record(NULL::cx_data.customer, $1)', column_names) USING old_row;
END
$$;
COMMENT ON FUNCTION cx.bring_customer_back(bigint) IS 'adds the customer again who went in a merge; part of unmerge';

CREATE FUNCTION cx.unmerge(merge bigint) RETURNS bigint
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	SET timezone = 'UTC' SET intervalstyle = 'postgres' SET extra_float_digits = 1 SET row_security = off SET enable_seqscan = off SET jit = off
	AS $$
DECLARE
	undone record;
	holder bigint;
BEGIN
	PERFORM cx.require_program();
	PERFORM cx.require_read_committed();
	IF merge IS NULL THEN
		RAISE EXCEPTION 'merge must be given' USING ERRCODE = 'null_value_not_allowed', HINT = 'TABLE cx_data.customer_merge shows the merges.';
	END IF;
	PERFORM cx.lock_facts();
	SELECT m.lose_id, m.undone_at INTO undone FROM cx_data.customer_merge AS m WHERE m.customer_merge_id = merge FOR UPDATE;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'merge % does not exist', merge USING ERRCODE = 'undefined_object', HINT = 'TABLE cx_data.customer_merge shows the merges.';
	END IF;
	IF undone.undone_at IS NOT NULL THEN
		RAISE EXCEPTION 'merge % was undone already', merge USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'TABLE cx_data.customer_merge shows the merges.';
	END IF;
	holder := cx.holder_after(merge);
	PERFORM FROM cx_data.customer AS c WHERE c.customer_id = holder FOR UPDATE;
	PERFORM cx.bring_customer_back(merge);
	PERFORM cx.give_facts_back(t.relation, t.customer_column, t.has_merge, holder, undone.lose_id, merge) FROM cx.tables_of_customers() AS t;
	DELETE FROM cx_data.customer_merge_fact AS f WHERE f.customer_merge_id = merge;
	UPDATE cx_data.customer_merge AS m SET undone_at = now(), undone_by = current_user, lost = NULL WHERE m.customer_merge_id = merge;
	RETURN undone.lose_id;
END
$$;
COMMENT ON FUNCTION cx.unmerge(bigint) IS 'undoes a merge of customers: the one who went is there again, with all that was his as far as it still exists, and what came since under his names; gives his key';
-- Forgetting a person

CREATE FUNCTION cx.customer_added() RETURNS trigger
	AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION cx.customer_added() IS 'trigger on cx_data.customer: codes of customers who were merged or erased are not added';

CREATE FUNCTION cx.erased_hash(kind text, name text) RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.erased_hash(text, text) IS 'hash by which capture recognizes a name of a customer who was erased (kind code for his code), or with kind source_key the key of one of his rows; NULL if nobody was erased. Takes SELECT on cx_data.erasure';

CREATE FUNCTION cx.personal_columns() RETURNS text[]
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN ARRAY['action_taken', 'address', 'attributes', 'body', 'comment', 'contact', 'detail', 'email', 'message', 'payload', 'phone', 'recipient', 'subject'];
COMMENT ON FUNCTION cx.personal_columns() IS 'columns that erase_customer empties in rows that it keeps, in whatever table of the program they are';

CREATE FUNCTION cx.names_of_customer(customer bigint, OUT kind text, OUT name text, OUT org_unit_id bigint) RETURNS SETOF record
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN QUERY
	SELECT 'code', c.code, c.org_unit_id FROM cx_data.customer AS c WHERE c.customer_id = customer
	UNION ALL
	SELECT i.kind, i.value, CASE WHEN i.customer_merge_id IS NULL THEN c.org_unit_id ELSE m.org_unit_id END
	FROM cx_data.customer_identity AS i JOIN cx_data.customer AS c USING (customer_id)
	LEFT JOIN cx_data.customer_merge AS m ON m.customer_merge_id = i.customer_merge_id
	WHERE i.customer_id = customer
	UNION ALL
	SELECT 'invitation', i.token::text, CASE WHEN i.customer_merge_id IS NULL THEN c.org_unit_id ELSE m.org_unit_id END
	FROM cx_data.invitation AS i JOIN cx_data.customer AS c USING (customer_id)
	LEFT JOIN cx_data.customer_merge AS m ON m.customer_merge_id = i.customer_merge_id
	WHERE i.customer_id = customer;
END
$$;
COMMENT ON FUNCTION cx.names_of_customer(bigint) IS 'names that lead to a customer, codes before a merge and tokens of invitations included, with the unit that stands in for feedback under them; part of erase_customer';

CREATE FUNCTION cx.merges_of_customer(customer bigint) RETURNS bigint[]
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN ARRAY(
		WITH RECURSIVE person (customer_id) AS (
			SELECT customer
			UNION
			SELECT m.lose_id FROM cx_data.customer_merge AS m JOIN person ON m.keep_id = person.customer_id WHERE m.undone_at IS NULL
		)
		SELECT m.customer_merge_id FROM cx_data.customer_merge AS m
		WHERE m.keep_id IN (SELECT customer_id FROM person) OR m.lose_id IN (SELECT customer_id FROM person));
END
$$;
COMMENT ON FUNCTION cx.merges_of_customer(bigint) IS 'merges by which others came to a customer, directly or not, and those of his that were undone; part of erase_customer';

CREATE FUNCTION cx.strings_of_customer(customer bigint) RETURNS text[]
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN ARRAY(
		SELECT n.name FROM cx.names_of_customer(customer) AS n
		UNION
		SELECT leaf #>> '{}'
		FROM (SELECT to_jsonb(c) AS record FROM cx_data.customer AS c WHERE c.customer_id = customer
			UNION ALL
			SELECT m.lost FROM cx_data.customer_merge AS m WHERE m.customer_merge_id = ANY (cx.merges_of_customer(customer)) AND m.lost IS NOT NULL) AS known
		CROSS JOIN LATERAL jsonb_path_query((record - 'segment') - ARRAY['first_seen_at', 'created_at'], 'strict $.** ? (@.type() == "string" && @ != "")') AS leaf);
END
$$;
COMMENT ON FUNCTION cx.strings_of_customer(bigint) IS 'what names or describes a customer: names, and all texts in his row; part of erase_customer';

CREATE FUNCTION cx.erase_facts(relation regclass, customer_column name, is_required boolean, customer bigint) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	changes text;
	erased bigint;
BEGIN
	IF is_required THEN
		EXECUTE format('DELETE FROM %s WHERE %I = $1', relation, customer_column) USING customer;
	ELSE
		SELECT string_agg(format('%I = %s', attname, CASE
				WHEN attname = customer_column OR attname = 'customer_merge_id' THEN 'NULL'
				WHEN attname = 'source_key' THEN $e$'erased:' || cx.erased_hash('source_key', source_key)$e$
				WHEN NOT attnotnull THEN 'NULL'
				WHEN atttypid IN ('json'::regtype, 'jsonb'::regtype) THEN $e$'{}'$e$
				ELSE $e$''$e$ END), ', ')
		INTO changes
		FROM pg_attribute
		WHERE attrelid = relation AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
			AND (attname = customer_column OR attname IN ('customer_merge_id', 'source_key') OR attname = ANY (cx.personal_columns()));
		EXECUTE format('UPDATE %s SET %s WHERE %I = $1', relation, changes, customer_column) USING customer;
	END IF;
	GET DIAGNOSTICS erased = ROW_COUNT;
	RETURN erased;
END
$$;
COMMENT ON FUNCTION cx.erase_facts(regclass, name, boolean, bigint) IS 'deletes the rows of a customer from a table, or if they can be without him, makes them anonymous; part of erase_customer';

CREATE FUNCTION cx.tables_that_hold(customer bigint, OUT relation text, OUT row_count bigint) RETURNS SETOF record
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	facts record;
	captured text;
BEGIN
	FOR facts IN
		SELECT t.relation, t.customer_column FROM cx.tables_of_customers() AS t
		WHERE t.is_ours AND EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = t.relation AND a.attname = 'source_id' AND NOT a.attisdropped)
	LOOP
		captured := concat_ws(' UNION ALL ', captured, format('SELECT source_id, source_key FROM %s WHERE %I = $1', facts.relation, facts.customer_column));
	END LOOP;
	RETURN QUERY EXECUTE format('SELECT s.relation::text, count(DISTINCT f.source_key) FROM (%s) AS f JOIN cx_data.source AS s USING (source_id) JOIN pg_class AS c ON c.oid = s.relation GROUP BY s.relation', captured) USING customer;
END
$$;
COMMENT ON FUNCTION cx.tables_that_hold(bigint) IS 'attached tables of the user that rows of a customer were captured from, and how many rows; part of erase_customer';

CREATE FUNCTION cx.check_only_program_refers(customer bigint) RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	facts record;
	refers boolean;
BEGIN
	FOR facts IN SELECT t.relation, t.customer_column FROM cx.tables_of_customers() AS t WHERE NOT t.is_ours LOOP
		EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE %I = $1)', facts.relation, facts.customer_column) INTO refers USING customer;
		IF refers THEN
			RAISE EXCEPTION 'table % refers to this customer', facts.relation
				USING ERRCODE = 'foreign_key_violation', HINT = format('It is yours and is not touched: delete its rows of this customer first, or set column %I to NULL in them.', facts.customer_column);
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION cx.check_only_program_refers(bigint) IS 'raises an error if a table of the user refers to a customer by a foreign key; part of erase_customer';

CREATE FUNCTION cx.erase_customer(customer text) RETURNS TABLE (relation text, what text, row_count bigint)
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp SET row_security = off SET enable_seqscan = off SET jit = off
	AS $$
DECLARE
	who bigint;
	strings text[];
	merges bigint[];
	held jsonb;
	facts record;
BEGIN
	PERFORM cx.require_program();
	PERFORM cx.require_read_committed();
	IF customer IS NULL THEN
		RAISE EXCEPTION 'customer must be given' USING ERRCODE = 'null_value_not_allowed', HINT = 'It is the code of a customer.';
	END IF;
	PERFORM cx.lock_facts();
	who := cx.find_customer(customer);
	-- names that others are noting wait for this, or this for them
	PERFORM FROM cx_data.customer AS c WHERE c.customer_id = who FOR UPDATE;
	PERFORM cx.check_only_program_refers(who);
	strings := cx.strings_of_customer(who);
	merges := cx.merges_of_customer(who);
	held := (SELECT jsonb_object_agg(h.relation, h.row_count) FROM cx.tables_that_hold(who) AS h);

	INSERT INTO cx_data.erasure DEFAULT VALUES ON CONFLICT DO NOTHING;
	INSERT INTO cx_data.erased_customer AS e (name_hash, org_unit_id)
	SELECT cx.erased_hash(n.kind, n.name), n.org_unit_id FROM cx.names_of_customer(who) AS n
	ON CONFLICT (name_hash) DO UPDATE SET org_unit_id = excluded.org_unit_id;

	FOR facts IN
		SELECT substr(proname, length('erase_from_') + 1) AS name, oid::regproc AS function FROM pg_proc
		WHERE pronamespace = 'cx'::regnamespace AND proname LIKE 'erase\_from\_%' ORDER BY proname COLLATE "C"
	LOOP
		EXECUTE format('SELECT %s($1, $2)', facts.function) INTO row_count USING who, strings;
		relation := 'cx_data.' || facts.name;
		what := 'cleared';
		RETURN NEXT;
	END LOOP;
	FOR facts IN SELECT t.relation, t.customer_column, t.is_required FROM cx.tables_of_customers() AS t WHERE t.is_ours LOOP
		row_count := cx.erase_facts(facts.relation, facts.customer_column, facts.is_required, who);
		relation := facts.relation::text;
		what := CASE WHEN facts.is_required THEN 'deleted' ELSE 'made anonymous' END;
		RETURN NEXT;
	END LOOP;
	what := 'deleted';
	DELETE FROM cx_data.customer_merge AS m WHERE m.customer_merge_id = ANY (merges);
	GET DIAGNOSTICS row_count = ROW_COUNT;
	relation := 'cx_data.customer_merge';
	RETURN NEXT;
	DELETE FROM cx_data.customer AS c WHERE c.customer_id = who;
	GET DIAGNOSTICS row_count = ROW_COUNT;
	relation := 'cx_data.customer';
	RETURN NEXT;
	RETURN QUERY SELECT h.key, 'yours, not touched', h.value::bigint FROM jsonb_each_text(held) AS h ORDER BY h.key COLLATE "C";
END
$$;
COMMENT ON FUNCTION cx.erase_customer(text) IS 'forgets a person, who may also be named by a code from before a merge: names, attributes, comments and tags go, answers and events stay without him, so that no score changes, and capturing his rows again brings nothing back. Gives what was done in which table, and names attached tables of yours that still hold him';
-- What happened to a customer, in order

CREATE FUNCTION cx.customer_timeline(customer text)
	RETURNS TABLE (happened_at timestamptz, what text, name text, touchpoint text, org_unit text, channel text,
		metric text, score integer, value double precision, detail text)
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	who CONSTANT bigint := cx.find_customer(customer);
BEGIN
	RETURN QUERY
	SELECT h.happened_at, h.what, h.name, t.code, u.code, h.channel, h.metric, h.score, h.value, h.detail
	FROM (
		SELECT f.responded_at AS happened_at, 'feedback' AS what, f.kind AS name, f.touchpoint_id, f.org_unit_id,
			f.channel, f.metric, f.score::integer AS score, NULL::double precision AS value, f.comment AS detail, f.feedback_id AS id
		FROM cx_data.feedback AS f
		WHERE f.customer_id = who AND f.responded_at <= cx.as_of()
		UNION ALL
		SELECT e.occurred_at, 'event', e.name, e.touchpoint_id, e.org_unit_id,
			NULL, NULL, NULL, e.value, e.attributes::text, e.event_id
		FROM cx_data.event AS e
		WHERE e.customer_id = who AND e.occurred_at <= cx.as_of()
		UNION ALL
		SELECT tagged.at, tagged.what, g.code, NULL, NULL, NULL, NULL, NULL, NULL, NULL, c.customer_tag_id
		FROM cx_data.customer_tag AS c
		JOIN cx_data.tag AS g USING (tag_id)
		CROSS JOIN LATERAL (VALUES (c.valid_from, 'tag given'), (c.valid_until, 'tag taken')) AS tagged (at, what)
		WHERE c.customer_id = who AND tagged.at <= cx.as_of()
		UNION ALL
		SELECT e.occurred_at, 'ticket', e.status, k.touchpoint_id, k.org_unit_id, NULL, NULL, NULL, NULL, k.subject, e.ticket_event_id
		FROM cx_data.ticket AS k
		JOIN cx_data.ticket_event AS e USING (ticket_id)
		WHERE k.customer_id = who AND e.status IS NOT NULL AND e.ticket_task_id IS NULL AND e.occurred_at <= cx.as_of()
	) AS h
	LEFT JOIN cx_data.touchpoint AS t USING (touchpoint_id)
	LEFT JOIN cx_data.org_unit AS u USING (org_unit_id)
	ORDER BY h.happened_at, h.what, h.id;
END
$$;
COMMENT ON FUNCTION cx.customer_timeline(text) IS 'all that happened to a customer until cx.as_of(), in order: feedback (name is its kind, detail the comment), events (detail their attributes), tags given and taken, tickets (name is the status, detail the subject)';
-- Triggers of the program's tables

CREATE FUNCTION cx.catalog_changed() RETURNS trigger
	AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION cx.catalog_changed() IS 'trigger on the small tables of the program: sessions that keep them in memory read them again';

CREATE FUNCTION cx.feedback_changed() RETURNS trigger
	AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION cx.feedback_changed() IS 'trigger on cx_data.feedback: checks what is written and keeps the tallies live';

CREATE FUNCTION cx.event_changed() RETURNS trigger
	AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION cx.event_changed() IS 'trigger on cx_data.event: checks what is written';

CREATE FUNCTION cx.metric_in_use() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF TG_OP = 'UPDATE' AND (OLD.code, OLD.scale_min, OLD.scale_max) = (NEW.code, NEW.scale_min, NEW.scale_max) THEN
		RETURN NEW;
	END IF;
	PERFORM cx.check_sees_all_rows();
	IF EXISTS (SELECT FROM cx_data.feedback WHERE metric = OLD.code) THEN
		RAISE EXCEPTION 'answers use metric "%", so its code and scale stay', OLD.code
			USING ERRCODE = 'foreign_key_violation', HINT = 'Add a metric of another code.';
	END IF;
	RETURN CASE TG_OP WHEN 'UPDATE' THEN NEW ELSE OLD END;
END
$$;
COMMENT ON FUNCTION cx.metric_in_use() IS 'trigger on cx_data.metric: code and scale do not change once answers use them';

CREATE FUNCTION cx.row_in_use() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
	-- where there is an index, reading the table for a first row that may not come takes much longer
	SET enable_seqscan = off SET jit = off
	AS $$
DECLARE
	used_by regclass;
	used_id bigint;
BEGIN
	-- wait for those who write, and let nobody write until it is decided that the row is gone
	LOCK TABLE cx_data.feedback, cx_data.event, cx_data.ticket IN SHARE ROW EXCLUSIVE MODE;
	PERFORM cx.check_sees_all_rows();
	FOR used_by IN
		SELECT attrelid FROM pg_attribute
		WHERE attrelid IN ('cx_data.feedback'::regclass, 'cx_data.event'::regclass, 'cx_data.ticket'::regclass) AND attname = TG_ARGV[0]
	LOOP
		EXECUTE format('SELECT gone.%1$I FROM gone CROSS JOIN LATERAL (SELECT FROM %2$s AS facts WHERE facts.%1$I = gone.%1$I LIMIT 1) AS used LIMIT 1', TG_ARGV[0], used_by) INTO used_id;
		IF used_id IS NOT NULL THEN
			RAISE EXCEPTION 'update or delete on table "%" violates the reference of table "%"', TG_TABLE_NAME, used_by
				USING ERRCODE = 'foreign_key_violation', DETAIL = format('Key (%s)=(%s) is still used.', TG_ARGV[0], used_id);
		END IF;
	END LOOP;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.row_in_use() IS 'trigger on tables that feedback, events and tickets refer to by the column in its argument: refuses to delete what is referred to';

CREATE FUNCTION cx.check_org_unit_tree() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF EXISTS (
		WITH RECURSIVE above AS (
			SELECT NEW.parent_id AS org_unit_id
			UNION
			SELECT unit.parent_id FROM cx_data.org_unit AS unit JOIN above USING (org_unit_id)
		)
		SELECT FROM above WHERE org_unit_id = NEW.org_unit_id
	) THEN
		RAISE EXCEPTION 'org_unit "%" would belong to itself', NEW.code
			USING ERRCODE = 'check_violation', HINT = 'Choose a parent that is not below it.';
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.check_org_unit_tree() IS 'trigger on cx_data.org_unit: no unit belongs to itself, directly or through others';

CREATE FUNCTION cx.key_stays() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RAISE EXCEPTION 'keys of table "%" do not change, for feedback and events refer to them', TG_TABLE_NAME
		USING ERRCODE = 'foreign_key_violation', HINT = 'Change the code; that is what people type.';
END
$$;
COMMENT ON FUNCTION cx.key_stays() IS 'trigger on tables that feedback and events refer to: refuses to change a key';

CREATE FUNCTION cx.zone_changed() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF EXISTS (
		SELECT to_jsonb(after_rows) ->> TG_ARGV[0], to_jsonb(after_rows) ->> 'time_zone' FROM after_rows
		EXCEPT
		SELECT to_jsonb(before_rows) ->> TG_ARGV[0], to_jsonb(before_rows) ->> 'time_zone' FROM before_rows
	) THEN
		CALL cx.rebuild_tallies();
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.zone_changed() IS 'trigger on tables with a time zone and the key in its argument: when a zone changes, the hours are cut anew';
-- What alerts and people hand over to open a ticket

CREATE TYPE cx.new_ticket AS (ticket_id bigint, origin text, priority text, emergency boolean, customer_id bigint, customer_merge_id bigint, segment text, touchpoint_id bigint,
	org_unit_id bigint, staff_id bigint, alert_id bigint, feedback_id bigint, subject text, detail text, sla text, opened_at timestamptz, actor text);
COMMENT ON TYPE cx.new_ticket IS 'a ticket to be opened, by the names of columns of cx_data.ticket, and the segment of its customer; part of add_tickets';
COMMENT ON COLUMN cx.new_ticket.ticket_id IS 'number of the ticket; NULL for the next one';
COMMENT ON COLUMN cx.new_ticket.origin IS 'centre or unit; NULL for centre';
COMMENT ON COLUMN cx.new_ticket.priority IS 'low, normal, high or urgent';
COMMENT ON COLUMN cx.new_ticket.emergency IS 'whether a rule of severity critical opens it';
COMMENT ON COLUMN cx.new_ticket.customer_id IS 'customer it is about';
COMMENT ON COLUMN cx.new_ticket.customer_merge_id IS 'merge by which the alert came to its customer';
COMMENT ON COLUMN cx.new_ticket.segment IS 'segment of the customer, for the service level';
COMMENT ON COLUMN cx.new_ticket.touchpoint_id IS 'touchpoint it is about';
COMMENT ON COLUMN cx.new_ticket.org_unit_id IS 'unit that it lies with; NULL for the one that owns the touchpoint';
COMMENT ON COLUMN cx.new_ticket.staff_id IS 'member of staff who works on it';
COMMENT ON COLUMN cx.new_ticket.alert_id IS 'alert that opens it';
COMMENT ON COLUMN cx.new_ticket.feedback_id IS 'feedback that it is about';
COMMENT ON COLUMN cx.new_ticket.subject IS 'what it is about, in words';
COMMENT ON COLUMN cx.new_ticket.detail IS 'more of that';
COMMENT ON COLUMN cx.new_ticket.sla IS 'code of the service level that is asked for; NULL for standard';
COMMENT ON COLUMN cx.new_ticket.opened_at IS 'when it was opened; NULL for now';
COMMENT ON COLUMN cx.new_ticket.actor IS 'database role that opens it; NULL for the current one';
-- Which alerts and emergencies others are writing to just now: nobody waits for them

CREATE FUNCTION cx.may_lock_alerts(wanted integer) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C STRICT;
COMMENT ON FUNCTION cx.may_lock_alerts(integer) IS 'whether this transaction may take so many locks more on alerts; counts them. Part of raise_alerts';

CREATE FUNCTION cx.alert_locks(matches jsonb) RETURNS bigint[]
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	-- few, for locks take shared memory; without them two transactions at the same time may raise the same alert twice
	IF NOT cx.may_lock_alerts(jsonb_array_length(matches)) THEN
		RETURN '{}';
	END IF;
	RETURN ARRAY(SELECT m.place FROM jsonb_array_elements(matches) WITH ORDINALITY AS m (match, place)
		-- who is not known by key may be added by others just now, whatever rule they found
		WHERE NOT pg_try_advisory_xact_lock(1668833345, hashtext(coalesce('customer ' || (m.match ->> 'customer'), concat_ws('/', m.match ->> 'rule_id', m.match ->> 'customer_id')))));
END
$$;
COMMENT ON FUNCTION cx.alert_locks(jsonb) IS 'which matches, by number from 1, others are writing to in transactions of theirs; locks the rest against them. Part of raise_alerts';

CREATE FUNCTION cx.emergency_locks(matches jsonb) RETURNS bigint[]
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM cx_data.alert_rule AS r WHERE r.opens_ticket AND r.severity = 'critical') THEN
		RETURN '{}';
	END IF;
	-- all of them, for there are no more than such rules and touchpoints
	RETURN (
		WITH emergency AS MATERIALIZED (
			SELECT array_agg(m.place) AS places, concat_ws('/', 'emergency', m.rule_id, m.touchpoint_id) AS name
			FROM ROWS FROM (jsonb_to_recordset(matches) AS (rule_id bigint, touchpoint_id bigint)) WITH ORDINALITY AS m (rule_id, touchpoint_id, place)
			JOIN cx_data.alert_rule AS r ON r.alert_rule_id = m.rule_id
			WHERE r.opens_ticket AND r.severity = 'critical'
			GROUP BY m.rule_id, m.touchpoint_id
		)
		SELECT coalesce(array_agg(p.place), '{}') FROM emergency AS e CROSS JOIN LATERAL unnest(e.places) AS p (place)
		WHERE NOT pg_try_advisory_xact_lock(1668833345, hashtext(e.name))
	);
END
$$;
COMMENT ON FUNCTION cx.emergency_locks(jsonb) IS 'which matches, by number from 1, are of an emergency to which others are writing in transactions of theirs, and which they may be opening; locks the rest against them. Part of raise_alerts';
-- Alerts: raised in the transaction of what they tell of, and told to those concerned

CREATE FUNCTION cx.alert_status_changed() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	NEW.acknowledged_at := CASE WHEN NEW.status = 'open' THEN NULL ELSE coalesce(NEW.acknowledged_at, now()) END;
	NEW.resolved_at := CASE WHEN NEW.status = 'resolved' THEN coalesce(NEW.resolved_at, now()) END;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION cx.alert_status_changed() IS 'trigger on cx_data.alert: notes when an alert was acknowledged and resolved';

CREATE FUNCTION cx.route_targets(route text, OUT item text, OUT channel_id bigint, OUT send_to text, OUT problem text) RETURNS SETOF record
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	kind text;
	wanted text;
	person bigint;
	contact text;
BEGIN
	FOR item IN SELECT DISTINCT trim(i) FROM unnest(string_to_array(route, ',')) AS i WHERE trim(i) !~ '(^|:)$' LOOP
		kind := split_part(item, ':', 1);
		wanted := substr(item, strpos(item, ':') + 1);
		channel_id := NULL;
		send_to := NULL;
		problem := NULL;
		IF kind = 'unit' AND EXISTS (SELECT FROM cx_data.channel AS c JOIN cx_data.org_unit AS u ON u.org_unit_id = c.owner_unit_id WHERE u.code = wanted) THEN
			FOR channel_id IN SELECT c.channel_id FROM cx_data.channel AS c JOIN cx_data.org_unit AS u ON u.org_unit_id = c.owner_unit_id WHERE u.code = wanted ORDER BY c.channel_id LOOP
				RETURN NEXT;
			END LOOP;
			CONTINUE;
		END IF;
		person := CASE
			WHEN kind IN ('unit', 'manager') THEN (SELECT u.manager_id FROM cx_data.org_unit AS u WHERE u.code = wanted)
			WHEN kind = 'owner' THEN (SELECT coalesce(t.owner_staff_id, u.manager_id) FROM cx_data.touchpoint AS t LEFT JOIN cx_data.org_unit AS u ON u.org_unit_id = t.owner_unit_id WHERE t.code = wanted)
			WHEN kind = 'staff' THEN (SELECT s.staff_id FROM cx_data.staff AS s WHERE s.code = wanted) END;
		contact := CASE WHEN kind = 'channel' THEN item ELSE (SELECT s.contact FROM cx_data.staff AS s WHERE s.staff_id = person) END;
		IF contact IS NULL THEN
			problem := CASE WHEN person IS NULL THEN 'there is nobody to tell' ELSE 'column contact of cx_data.staff is empty' END;
		ELSIF contact LIKE 'channel:%' THEN
			channel_id := (SELECT c.channel_id FROM cx_data.channel AS c WHERE c.code = substr(contact, 9));
			problem := CASE WHEN channel_id IS NULL THEN format('channel "%s" does not exist', substr(contact, 9)) END;
		ELSE
			-- an address goes by the first channel that takes it
			send_to := contact;
			channel_id := (SELECT c.channel_id FROM cx_data.channel AS c WHERE c.active AND (c.format = 'email') = (contact !~ '^https?:') AND c.url IS NULL ORDER BY c.channel_id LIMIT 1);
			problem := CASE WHEN channel_id IS NULL THEN format('there is no channel without url for %s', CASE WHEN contact ~ '^https?:' THEN 'web addresses' ELSE 'e-mail' END) END;
		END IF;
		RETURN NEXT;
	END LOOP;
END
$$;
COMMENT ON FUNCTION cx.route_targets(text) IS 'where messages on a route go: channel: to that channel, unit: to the channels of the unit, else to its manager, manager:, owner: (of a touchpoint) and staff: to the contact of that person, which is an address or channel: with a code; problem says why one cannot go anywhere';

CREATE FUNCTION cx.filled_in(template text, rule text, customer text, customer_name text, touchpoint text, touchpoint_name text, org_unit text, org_unit_name text, staff text, staff_name text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	BEGIN ATOMIC
		-- watch() marks names of the program by a character that values never hold, so nothing is filled in twice
		SELECT CASE WHEN pg_catalog.strpos(template, E'\x01') = 0 THEN template
			ELSE replace(replace(replace(replace(replace(replace(replace(replace(replace(template,
				E'\x01rule\x01', translate(rule, E'\x01', ' ')), E'\x01customer\x01', translate(customer, E'\x01', ' ')), E'\x01customer.name\x01', translate(customer_name, E'\x01', ' ')),
				E'\x01touchpoint\x01', translate(touchpoint, E'\x01', ' ')), E'\x01touchpoint.name\x01', translate(touchpoint_name, E'\x01', ' ')),
				E'\x01org_unit\x01', translate(org_unit, E'\x01', ' ')), E'\x01org_unit.name\x01', translate(org_unit_name, E'\x01', ' ')),
				E'\x01staff\x01', translate(staff, E'\x01', ' ')), E'\x01staff.name\x01', translate(staff_name, E'\x01', ' ')) END;
	END;
COMMENT ON FUNCTION cx.filled_in(text, text, text, text, text, text, text, text, text, text) IS 'a message or route with the names that the program knows filled in; called by raise_alerts';

CREATE FUNCTION cx.add_alerted_customers(matches jsonb, busy bigint[]) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	names CONSTANT text[] := ARRAY(SELECT DISTINCT m.customer FROM ROWS FROM (jsonb_to_recordset(matches) AS (customer text)) WITH ORDINALITY AS m (customer, place)
		WHERE m.customer <> '' AND m.place <> ALL (busy) AND NOT EXISTS (SELECT FROM cx_data.customer AS c WHERE c.code = m.customer)
			AND NOT EXISTS (SELECT FROM cx_data.customer_identity AS i WHERE i.kind = 'code' AND i.value = m.customer));
BEGIN
	IF names <> '{}' THEN
		-- as capturing does
		PERFORM cx.add_customers(names, array_fill(now(), ARRAY[cardinality(names)]));
	END IF;
END
$$;
COMMENT ON FUNCTION cx.add_alerted_customers(jsonb, bigint[]) IS 'adds customers whom nobody knew yet, but for those whom others are adding; part of raise_alerts';

CREATE FUNCTION cx.raise_alerts(matches jsonb) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
	is_fixed CONSTANT boolean := current_setting('transaction_isolation') IN ('repeatable read', 'serializable');
	new_ids CONSTANT regclass := pg_get_serial_sequence('cx_data.alert', 'alert_id');
	ticket_ids CONSTANT regclass := pg_get_serial_sequence('cx_data.ticket', 'ticket_id');
	busy bigint[];
	elsewhere bigint[];
	tickets cx.new_ticket[];
	raised bigint;
	told bigint;
BEGIN
	-- before the look at what is there, which then sees all that others did before they unlocked
	busy := cx.alert_locks(matches);
	elsewhere := cx.emergency_locks(matches);
	PERFORM cx.add_alerted_customers(matches, busy);

	WITH given AS (
		SELECT r.alert_rule_id, r.name, r.severity, r.cooldown, r.opens_ticket, r.opens_ticket AND r.severity = 'critical' AS is_emergency, r.sla, m.feedback_id,
			c.customer_id, c.code AS customer, coalesce(c.name, c.code) AS customer_name, c.segment,
			t.touchpoint_id, t.code AS touchpoint, coalesce(t.name, t.code) AS touchpoint_name,
			u.org_unit_id, u.code AS org_unit, coalesce(u.name, u.code) AS org_unit_name,
			s.staff_id, s.code AS staff, coalesce(s.name, s.code) AS staff_name,
			m.place, m.customer AS given_customer, coalesce(m.customer_merge_id, i.customer_merge_id) AS customer_merge_id, m.message, m.route, m.matches, m.value, m.last_matched_at,
			sum(m.matches) OVER alike AS all_matches, row_number() OVER (alike ORDER BY m.place) AS number
		FROM (
			SELECT row_number() OVER () AS place, element.*
			FROM jsonb_to_recordset(matches) AS element (rule_id bigint, customer_id bigint, customer text, touchpoint_id bigint, org_unit_id bigint, staff_id bigint,
				customer_merge_id bigint, feedback_id bigint, message text, route text, matches bigint, value double precision, last_matched_at timestamptz)
		) AS m
		JOIN cx_data.alert_rule AS r ON r.alert_rule_id = m.rule_id
		-- by code, which one look-up finds, else by key or by a code of old
		LEFT JOIN cx_data.customer AS n ON n.code = m.customer AND m.customer_id IS NULL
		LEFT JOIN cx_data.customer_identity AS i ON i.kind = 'code' AND i.value = m.customer
		LEFT JOIN cx_data.customer AS k ON k.customer_id = CASE WHEN n.customer_id IS NULL THEN coalesce(m.customer_id, i.customer_id) END
		CROSS JOIN LATERAL (SELECT coalesce(n.customer_id, k.customer_id) AS customer_id, coalesce(n.code, k.code) AS code, coalesce(n.name, k.name) AS name,
			coalesce(n.segment, k.segment) AS segment, coalesce(n.org_unit_id, k.org_unit_id) AS org_unit_id) AS c
		LEFT JOIN cx_data.touchpoint AS t ON t.touchpoint_id = m.touchpoint_id
		LEFT JOIN cx_data.org_unit AS u ON u.org_unit_id = coalesce(m.org_unit_id, c.org_unit_id)
		LEFT JOIN cx_data.staff AS s ON s.staff_id = m.staff_id
		WHERE CASE WHEN r.scope IS NULL OR r.kind <> 'row' THEN true ELSE cx.scope_holds(r.scope, t.touchpoint_id, u.org_unit_id) END
		WINDOW alike AS (PARTITION BY r.alert_rule_id, c.customer_id, CASE WHEN c.customer_id IS NULL OR (r.opens_ticket AND r.severity = 'critical') THEN t.touchpoint_id END, CASE WHEN c.customer_id IS NULL THEN u.org_unit_id END)
	), latest AS MATERIALIZED (
		SELECT f.*, CASE WHEN f.is_new THEN nextval(new_ids) END AS new_id,
			CASE WHEN f.is_new AND f.opens_ticket AND f.open_ticket IS NULL AND NOT f.is_emergency THEN nextval(ticket_ids) END AS own_ticket,
			cx.filled_in(f.route, translate(f.name, ',', ' '), translate(coalesce(f.customer, ''), ',', ' '), '', translate(coalesce(f.touchpoint, ''), ',', ' '), '',
				translate(coalesce(f.org_unit, ''), ',', ' '), '', translate(coalesce(f.staff, ''), ',', ' '), '') AS new_route,	-- a comma begins another one
			left(CASE WHEN f.message IS NULL THEN concat_ws(', ', f.name, f.customer_name, f.touchpoint_name, f.org_unit_name)
				ELSE cx.filled_in(f.message, f.name, coalesce(f.customer, ''), coalesce(f.customer_name, ''), coalesce(f.touchpoint, ''), coalesce(f.touchpoint_name, ''),
					coalesce(f.org_unit, ''), coalesce(f.org_unit_name, ''), coalesce(f.staff, ''), coalesce(f.staff_name, '')) END, 2000) AS new_message
		FROM (
			SELECT k.*, NOT k.is_joined AND k.place <> ALL (busy) AND (k.open_ticket IS NOT NULL OR k.place <> ALL (elsewhere)) AS is_new
			FROM (
				SELECT g.*, l.alert_id, coalesce(l.is_joined, false) AS is_joined,
					-- an alert joins the ticket about the same, or the emergency at the touchpoint, unless that is solved or about to be
					CASE WHEN NOT g.opens_ticket OR l.is_joined THEN NULL
						WHEN g.is_emergency THEN (SELECT t.ticket_id FROM cx_data.ticket AS t JOIN cx_data.alert AS a ON a.alert_id = t.alert_id
							WHERE t.emergency AND t.status NOT IN ('solved', 'closed') AND t.touchpoint_id IS NOT DISTINCT FROM g.touchpoint_id AND a.alert_rule_id = g.alert_rule_id
							ORDER BY t.ticket_id LIMIT 1 FOR SHARE OF t SKIP LOCKED)
						WHEN l.ticket_id IS NOT NULL THEN (SELECT t.ticket_id FROM cx_data.ticket AS t WHERE t.ticket_id = l.ticket_id AND t.status NOT IN ('solved', 'closed') FOR SHARE SKIP LOCKED) END AS open_ticket
				FROM given AS g
				LEFT JOIN LATERAL (
					SELECT a.alert_id, a.ticket_id, CASE WHEN g.cooldown IS NULL THEN a.status <> 'resolved'
							-- one without a ticket, or whose ticket is solved, would keep others from getting one
							AND (NOT g.opens_ticket OR EXISTS (SELECT FROM cx_data.ticket AS t WHERE t.ticket_id = a.ticket_id AND t.status NOT IN ('solved', 'closed'))) ELSE a.opened_at + g.cooldown > now() END AS is_joined
					FROM (
						SELECT k.alert_id, k.ticket_id, k.status, k.opened_at FROM cx_data.alert AS k
						WHERE g.customer_id IS NOT NULL AND k.alert_rule_id = g.alert_rule_id AND k.customer_id = g.customer_id
							AND (NOT g.is_emergency OR k.touchpoint_id IS NOT DISTINCT FROM g.touchpoint_id)
						UNION ALL
						SELECT k.alert_id, k.ticket_id, k.status, k.opened_at FROM cx_data.alert AS k
						WHERE g.customer_id IS NULL AND k.customer_id IS NULL AND k.alert_rule_id = g.alert_rule_id
							AND k.touchpoint_id IS NOT DISTINCT FROM g.touchpoint_id AND k.org_unit_id IS NOT DISTINCT FROM g.org_unit_id
					) AS a
					ORDER BY a.alert_id DESC LIMIT 1
				) AS l ON true
				WHERE g.number = 1
				OFFSET 0	-- or the ticket would be looked up for each use of it
			) AS k
		) AS f
	), free AS (
		SELECT a.alert_id FROM cx_data.alert AS a
		WHERE NOT is_fixed AND a.alert_id IN (SELECT l.alert_id FROM latest AS l WHERE l.is_joined)
		FOR NO KEY UPDATE SKIP LOCKED
	), counted AS (
		UPDATE cx_data.alert AS a SET matches = a.matches + l.all_matches, last_matched_at = greatest(a.last_matched_at, coalesce(l.last_matched_at, now()))
		FROM latest AS l
		WHERE l.is_joined AND a.alert_id = l.alert_id AND a.alert_id IN (SELECT f.alert_id FROM free AS f)
		RETURNING a.alert_id
	), kept AS (
		INSERT INTO cx_data.alert_match (alert_rule_id, customer_id, org_unit_id, customer_merge_id, payload)
		SELECT l.alert_rule_id, l.customer_id, l.org_unit_id, l.customer_merge_id,
			jsonb_strip_nulls(jsonb_build_object('rule_id', l.alert_rule_id, 'customer_id', l.customer_id, 'customer', CASE WHEN l.customer_id IS NULL THEN l.given_customer END, 'touchpoint_id', l.touchpoint_id, 'org_unit_id', l.org_unit_id, 'staff_id', l.staff_id,
				'customer_merge_id', l.customer_merge_id, 'feedback_id', l.feedback_id, 'message', l.message, 'route', l.route, 'matches', l.all_matches, 'value', l.value, 'last_matched_at', coalesce(l.last_matched_at, now())))
		FROM latest AS l
		WHERE CASE WHEN l.is_joined THEN l.alert_id NOT IN (SELECT c.alert_id FROM counted AS c) ELSE NOT l.is_new END
	), emergency AS MATERIALIZED (
		-- one ticket, whoever it hits
		SELECT e.*, nextval(ticket_ids) AS ticket_id
		FROM (SELECT l.alert_rule_id, l.touchpoint_id, min(l.new_id) AS first_id FROM latest AS l WHERE l.is_new AND l.is_emergency AND l.open_ticket IS NULL GROUP BY 1, 2 ORDER BY 3) AS e
	), fresh AS NOT MATERIALIZED (
		SELECT l.*, coalesce(l.own_ticket, l.open_ticket, CASE WHEN l.is_emergency THEN
				(SELECT e.ticket_id FROM emergency AS e WHERE e.alert_rule_id = l.alert_rule_id AND e.touchpoint_id IS NOT DISTINCT FROM l.touchpoint_id) END) AS ticket_id,
			l.own_ticket IS NOT NULL OR (l.is_emergency AND l.new_id IN (SELECT e.first_id FROM emergency AS e)) AS is_first
		FROM latest AS l WHERE l.is_new
	), opened AS (
		INSERT INTO cx_data.alert (alert_id, alert_rule_id, rule, customer_id, touchpoint_id, org_unit_id, staff_id, severity, message, matches, value, last_matched_at, customer_merge_id, ticket_id)
		SELECT l.new_id, l.alert_rule_id, l.name, l.customer_id, l.touchpoint_id, l.org_unit_id, l.staff_id, l.severity, l.new_message, l.all_matches, l.value, coalesce(l.last_matched_at, now()), l.customer_merge_id,
			l.ticket_id
		FROM fresh AS l
		RETURNING alert_id
	), joined AS (
		-- what another customer said is not for those who work on the ticket
		INSERT INTO cx_data.ticket_event (ticket_id, kind)
		SELECT l.open_ticket, 'alert' FROM fresh AS l WHERE l.open_ticket IS NOT NULL
	), target AS MATERIALIZED (
		SELECT DISTINCT ON (r.new_route, t.channel_id, t.send_to, t.problem) r.new_route, t.item, t.channel_id, t.send_to, t.problem
		FROM (SELECT DISTINCT l.new_route FROM fresh AS l WHERE l.new_route IS NOT NULL) AS r
		CROSS JOIN LATERAL cx.route_targets(r.new_route) AS t
		ORDER BY r.new_route, t.channel_id, t.send_to, t.problem, t.item COLLATE "C"
	), sent AS (
		INSERT INTO cx_data.outbox (alert_id, customer_id, org_unit_id, customer_merge_id, route, channel_id, send_to, dead_at, last_error, payload)
		SELECT l.new_id, l.customer_id, l.org_unit_id, l.customer_merge_id, t.item, t.channel_id, t.send_to, CASE WHEN t.problem IS NOT NULL THEN now() END, t.problem,
			jsonb_strip_nulls(jsonb_build_object('alert_id', l.new_id, 'rule', l.name, 'severity', l.severity, 'message', l.new_message, 'customer', l.customer, 'touchpoint', l.touchpoint,
				'org_unit', l.org_unit, 'staff', l.staff, 'value', l.value, 'ticket_id', l.ticket_id, 'opened_at', now()))
		FROM fresh AS l JOIN target AS t USING (new_route)
		ORDER BY l.new_id, t.item COLLATE "C"
		RETURNING outbox_id
	)
	SELECT (SELECT count(*) FROM opened), (SELECT count(*) FROM sent),
		(SELECT array_agg(ROW(l.ticket_id, NULL, CASE l.severity WHEN 'critical' THEN 'urgent' ELSE l.severity END, l.is_emergency, l.customer_id, l.customer_merge_id, l.segment, l.touchpoint_id,
			l.org_unit_id, NULL, l.new_id, l.feedback_id, l.new_message, NULL, l.sla, NULL, NULL)::cx.new_ticket)
		FROM fresh AS l WHERE l.is_first)
	INTO raised, told, tickets;
	IF tickets IS NOT NULL THEN
		PERFORM cx.add_tickets(tickets);
	END IF;
	IF told > 0 AND current_setting('cx.notify')::boolean THEN
		PERFORM pg_notify('cx_outbox', '');
	END IF;
	RETURN raised;
END
$$;
COMMENT ON FUNCTION cx.raise_alerts(jsonb) IS 'raises alerts for what rules found, an array of objects; counts on alerts that are there instead, as the rule''s cooldown says, writes messages into the outbox and opens tickets. Gives how many alerts it raised. It waits for nobody: what others are writing to meanwhile is left in cx_data.alert_match for maintain. Takes the rights of the program''s owner';

CREATE FUNCTION cx.keep_matches(matches jsonb) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	INSERT INTO cx_data.alert_match (alert_rule_id, customer_id, org_unit_id, customer_merge_id, payload)
	SELECT (m ->> 'rule_id')::bigint, (m ->> 'customer_id')::bigint, (m ->> 'org_unit_id')::bigint, (m ->> 'customer_merge_id')::bigint, m FROM jsonb_array_elements(matches) AS m;
END
$$;
COMMENT ON FUNCTION cx.keep_matches(jsonb) IS 'keeps what rules found and could not be raised, for maintain to try again; takes the rights of the program''s owner';

CREATE FUNCTION cx.raise_one_by_one(matches jsonb) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	match jsonb;
BEGIN
	FOR match IN SELECT m FROM jsonb_array_elements(matches) AS m LOOP
		BEGIN
			PERFORM cx.raise_alerts(jsonb_build_array(match));
		EXCEPTION WHEN OTHERS THEN
			PERFORM cx.note_alert_errors(jsonb_build_array(jsonb_build_object('rule_id', match -> 'rule_id', 'sqlstate', SQLSTATE, 'message', left(SQLERRM, 2000))));
		END;
	END LOOP;
END
$$;
COMMENT ON FUNCTION cx.raise_one_by_one(jsonb) IS 'raises what rules found, each by itself, and notes what cannot be raised; called by count_matches';

CREATE FUNCTION cx.count_matches() RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	taken jsonb;
BEGIN
	WITH gone AS (
		DELETE FROM cx_data.alert_match
		WHERE alert_match_id IN (SELECT alert_match_id FROM cx_data.alert_match ORDER BY alert_match_id LIMIT 10000)
		RETURNING *
	)
	SELECT jsonb_agg((payload - '{customer_id,customer_merge_id}'::text[])
		|| jsonb_strip_nulls(jsonb_build_object('customer_id', customer_id, 'customer_merge_id', customer_merge_id)) ORDER BY alert_match_id)
	INTO taken FROM gone WHERE payload ? 'rule_id';
	IF taken IS NOT NULL THEN
		BEGIN
			PERFORM cx.raise_alerts(taken);
		EXCEPTION WHEN OTHERS THEN
			PERFORM cx.raise_one_by_one(taken);
		END;
	END IF;
	RETURN coalesce(jsonb_array_length(taken), 0);
END
$$;
COMMENT ON FUNCTION cx.count_matches() IS 'counts matches that were left in cx_data.alert_match on their alerts, or raises these; gives how many. cx.maintain() calls it';

CREATE FUNCTION cx.note_alert_errors(errors jsonb) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	INSERT INTO cx_data.alert_error (alert_rule_id, source_row, sqlstate, message)
	SELECT e.rule_id, e.source_row, e.sqlstate, e.message
	FROM jsonb_to_recordset(errors) AS e (rule_id bigint, source_row text, sqlstate text, message text);
END
$$;
COMMENT ON FUNCTION cx.note_alert_errors(jsonb) IS 'notes errors of alert rules, an array of objects; takes the rights of the program''s owner';

CREATE FUNCTION cx.alert_rule_dropped() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	UPDATE cx_data.alert AS a SET alert_rule_id = NULL FROM gone WHERE a.alert_rule_id = gone.alert_rule_id;
	DELETE FROM cx_data.alert_match AS m USING gone WHERE m.alert_rule_id = gone.alert_rule_id;
	DELETE FROM cx_data.alert_error AS e USING gone WHERE e.alert_rule_id = gone.alert_rule_id;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.alert_rule_dropped() IS 'trigger on cx_data.alert_rule: alerts of a rule that was dropped stay, its errors go';

CREATE FUNCTION cx.set_alert_status(alert bigint, status text) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	UPDATE cx_data.alert AS a SET status = set_alert_status.status WHERE a.alert_id = alert;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'alert % does not exist', alert
			USING ERRCODE = 'undefined_object', HINT = 'SELECT alert_id, message FROM cx_data.alert_queue shows those that are not resolved.';
	END IF;
END
$$;
COMMENT ON FUNCTION cx.set_alert_status(bigint, text) IS 'sets the status of an alert; called by acknowledge_alert and resolve_alert';

CREATE FUNCTION cx.acknowledge_alert(alert bigint) RETURNS void
	LANGUAGE sql
	RETURN cx.set_alert_status(alert, 'acknowledged');
COMMENT ON FUNCTION cx.acknowledge_alert(bigint) IS 'notes that somebody looks after an alert';

CREATE FUNCTION cx.resolve_alert(alert bigint) RETURNS void
	LANGUAGE sql
	RETURN cx.set_alert_status(alert, 'resolved');
COMMENT ON FUNCTION cx.resolve_alert(bigint) IS 'notes that an alert is settled; what matches its rule from then on, and after the cool-down of the rule if it has one, raises another';

CREATE FUNCTION cx.erase_from_outbox(customer bigint, strings text[]) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	stopped bigint;
BEGIN
	UPDATE cx_data.outbox SET dead_at = now(), last_error = 'the customer was erased' WHERE customer_id = customer AND delivered_at IS NULL AND dead_at IS NULL;
	GET DIAGNOSTICS stopped = ROW_COUNT;
	RETURN stopped;
END
$$;
COMMENT ON FUNCTION cx.erase_from_outbox(bigint, text[]) IS 'stops messages about a customer that were not delivered; part of erase_customer';

CREATE FUNCTION cx.erase_from_alert_error(customer bigint, strings text[]) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	erased bigint;
BEGIN
	UPDATE cx_data.alert_error AS e SET source_row = NULL, message = 'the message is not kept, for it may name a customer who was erased'
	WHERE EXISTS (SELECT FROM unnest(strings) AS s
			WHERE strpos(e.source_row, quote_literal(s)) > 0
				OR strpos(lower(concat_ws(' ', e.source_row, e.message)), lower(CASE WHEN length(s) > 2 THEN s ELSE format('"%s"', s) END)) > 0)
		-- what is wrong may quote the row: nobody knows whose it is in tables of the user
		OR (e.source_row IS NOT NULL AND CASE (SELECT r.relation FROM cx_data.alert_rule AS r WHERE r.alert_rule_id = e.alert_rule_id)
			WHEN 'cx_data.feedback'::regclass THEN EXISTS (SELECT FROM cx_data.feedback AS f WHERE f.customer_id = customer AND e.source_row = 'feedback_id = ' || f.feedback_id)
			WHEN 'cx_data.event'::regclass THEN EXISTS (SELECT FROM cx_data.event AS f WHERE f.customer_id = customer AND e.source_row = 'event_id = ' || f.event_id)
			ELSE true END);
	GET DIAGNOSTICS erased = ROW_COUNT;
	RETURN erased;
END
$$;
COMMENT ON FUNCTION cx.erase_from_alert_error(bigint, text[]) IS 'takes what may name a customer out of errors of alert rules; part of erase_customer';

CREATE FUNCTION cx.last_alert_error(rule bigint) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF has_column_privilege('cx_data.alert_error', 'message', 'SELECT') THEN
		RETURN (SELECT e.message FROM cx_data.alert_error AS e WHERE e.alert_rule_id = rule ORDER BY e.created_at DESC, e.alert_error_id DESC LIMIT 1);
	END IF;
	RETURN 'only admins may read why';
END
$$;
COMMENT ON FUNCTION cx.last_alert_error(bigint) IS 'what was wrong when an alert rule last failed, for those who may read cx_data.alert_error.message; for the view cx_data.alert_rule_status';

CREATE FUNCTION cx.alert_message(alert bigint) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF has_column_privilege('cx_data.alert', 'message', 'SELECT') THEN
		RETURN (SELECT a.message FROM cx_data.alert AS a WHERE a.alert_id = alert);
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.alert_message(bigint) IS 'message of an alert, for those who may read cx_data.alert.message, else NULL; for the view cx_data.alert_queue';
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
-- Service levels: which one a ticket starts with, and what its clocks show

CREATE FUNCTION cx.is_hours(duration interval) RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN duration > '0' AND date_trunc('day', duration) = '0';
COMMENT ON FUNCTION cx.is_hours(interval) IS 'whether an interval is positive and consists of hours, minutes and seconds, for a day of business time has no fixed length';

CREATE FUNCTION cx.policy_stays() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	-- the foreign key renames calendars
	IF TG_OP = 'UPDATE' AND pg_trigger_depth() > 1 THEN
		RETURN NEW;
	END IF;
	IF TG_OP = 'DELETE' AND NOT EXISTS (SELECT FROM cx_data.ticket AS t WHERE t.sla_policy_id = OLD.sla_policy_id) THEN
		RETURN OLD;
	END IF;
	RAISE EXCEPTION 'service levels are not changed, for tickets keep the one they started with'
		USING ERRCODE = 'object_in_use', HINT = 'cx.set_sla_policy() adds a version; to end one, set its valid_until.';
END
$$;
COMMENT ON FUNCTION cx.policy_stays() IS 'trigger on cx_data.sla_policy: only valid_until changes, and what tickets refer to is not deleted';

CREATE FUNCTION cx.check_priority(priority text) RETURNS void
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF coalesce(priority NOT IN ('low', 'normal', 'high', 'urgent'), true) THEN
		RAISE EXCEPTION 'priority "%" is not known', priority
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Use low, normal, high or urgent.';
	END IF;
END
$$;
COMMENT ON FUNCTION cx.check_priority(text) IS 'raises an error unless this is the priority of a ticket';

CREATE FUNCTION cx.check_hours(duration interval, what text) RETURNS void
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF duration > interval '100000 hours' THEN
		RAISE EXCEPTION '% must be at most 100000 hours', what USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF NOT cx.is_hours(duration) THEN
		RAISE EXCEPTION '% must be hours and minutes, not %', what, duration
			USING ERRCODE = 'invalid_parameter_value', HINT = 'A day of business time has no fixed length; write for example ''16 hours''.';
	END IF;
END
$$;
COMMENT ON FUNCTION cx.check_hours(interval, text) IS 'raises an error unless an interval, if it is given, is positive and consists of hours, minutes and seconds';

CREATE FUNCTION cx.find_code(relation text, code text) RETURNS bigint
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	key bigint;
BEGIN
	IF find_code.code IS NULL THEN
		RETURN NULL;
	END IF;
	EXECUTE format('SELECT %I FROM cx_data.%I WHERE code = $1', relation || '_id', relation) INTO key USING find_code.code;
	IF key IS NULL THEN
		RAISE EXCEPTION '% "%" does not exist', relation, find_code.code
			USING ERRCODE = 'undefined_object', HINT = format('SELECT code, name FROM cx_data.%s shows what there is.', relation);
	END IF;
	RETURN key;
END
$$;
COMMENT ON FUNCTION cx.find_code(text, text) IS 'key of the row of a table of the program with this code; an error if there is none, NULL for NULL';

CREATE FUNCTION cx.set_sla_policy(code text DEFAULT 'standard', priority text DEFAULT NULL, segment text DEFAULT NULL, touchpoint text DEFAULT NULL, first_response_within interval DEFAULT NULL, resolve_within interval DEFAULT NULL, escalate_every interval DEFAULT '4 hours', calendar text DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	place CONSTANT bigint := cx.find_code('touchpoint', set_sla_policy.touchpoint);
	last_version integer;
	key bigint;
BEGIN
	PERFORM cx.require_program();
	IF set_sla_policy.code IS NULL OR set_sla_policy.escalate_every IS NULL OR (set_sla_policy.first_response_within IS NULL AND set_sla_policy.resolve_within IS NULL) THEN
		RAISE EXCEPTION 'code, escalate_every, and first_response_within or resolve_within must be given' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF set_sla_policy.priority IS NOT NULL THEN
		PERFORM cx.check_priority(set_sla_policy.priority);
	END IF;
	PERFORM cx.check_hours(set_sla_policy.first_response_within, 'first_response_within');
	PERFORM cx.check_hours(set_sla_policy.resolve_within, 'resolve_within');
	PERFORM cx.check_hours(set_sla_policy.escalate_every, 'escalate_every');
	PERFORM cx.find_code('calendar', set_sla_policy.calendar);
	-- one at a time
	LOCK TABLE cx_data.sla_policy IN SHARE ROW EXCLUSIVE MODE;
	UPDATE cx_data.sla_policy AS p SET valid_until = greatest(now(), p.valid_from)
	WHERE p.code = set_sla_policy.code AND p.priority IS NOT DISTINCT FROM set_sla_policy.priority AND p.segment IS NOT DISTINCT FROM set_sla_policy.segment
		AND p.touchpoint_id IS NOT DISTINCT FROM place AND p.valid_until IS NULL;
	SELECT max(p.version) INTO last_version FROM cx_data.sla_policy AS p
	WHERE p.code = set_sla_policy.code AND p.priority IS NOT DISTINCT FROM set_sla_policy.priority AND p.segment IS NOT DISTINCT FROM set_sla_policy.segment
		AND p.touchpoint_id IS NOT DISTINCT FROM place;
	INSERT INTO cx_data.sla_policy (code, priority, segment, touchpoint_id, version, calendar, first_response_within, resolve_within, escalate_every, valid_from)
	VALUES (set_sla_policy.code, set_sla_policy.priority, set_sla_policy.segment, place, coalesce(last_version, 0) + 1, set_sla_policy.calendar,
		set_sla_policy.first_response_within, set_sla_policy.resolve_within, set_sla_policy.escalate_every,
		-- what a code said first holds for tickets of the past that are brought in later
		CASE WHEN EXISTS (SELECT FROM cx_data.sla_policy AS p WHERE p.code = set_sla_policy.code) THEN now() ELSE '-infinity' END)
	RETURNING sla_policy_id INTO key;
	RETURN key;
END
$$;
COMMENT ON FUNCTION cx.set_sla_policy(text, text, text, text, interval, interval, interval, text) IS 'sets the service level of tickets of a priority, segment and touchpoint, each NULL for all: business hours for the first response and the solution, and how often an overdue ticket climbs. Tickets opened before keep theirs. Without a calendar that of the unit counts. Gives the key of the new version; takes access as an admin';

CREATE FUNCTION cx.units_above(unit bigint) RETURNS TABLE (org_unit_id bigint, manager_id bigint, calendar text, height integer)
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN QUERY
	WITH RECURSIVE above AS (
		SELECT u.org_unit_id, u.parent_id, u.manager_id, u.calendar, 0 AS height FROM cx_data.org_unit AS u WHERE u.org_unit_id = unit
		UNION ALL
		SELECT u.org_unit_id, u.parent_id, u.manager_id, u.calendar, a.height + 1 FROM above AS a JOIN cx_data.org_unit AS u ON u.org_unit_id = a.parent_id
		WHERE a.height < 100	-- a circle of parents comes to an end
	)
	SELECT a.org_unit_id, a.manager_id, a.calendar, a.height FROM above AS a;
END
$$;
COMMENT ON FUNCTION cx.units_above(bigint) IS 'a unit, of height 0, and the units above it, with managers and calendars';

CREATE FUNCTION cx.unit_manager(unit bigint) RETURNS bigint
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN coalesce((SELECT u.manager_id FROM cx.units_above(unit) AS u WHERE u.manager_id IS NOT NULL ORDER BY u.height LIMIT 1),
		(SELECT u.manager_id FROM cx_data.org_unit AS u WHERE u.manager_id IS NOT NULL ORDER BY u.tier, u.org_unit_id LIMIT 1));
END
$$;
COMMENT ON FUNCTION cx.unit_manager(bigint) IS 'key of the manager of a unit, else of the nearest unit above it that has one, else of the highest unit of all: somebody answers for everything';

CREATE FUNCTION cx.usable_calendar(wanted text, unit bigint) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN (SELECT c.calendar FROM (SELECT wanted AS calendar, -1 AS height UNION ALL SELECT u.calendar, u.height FROM cx.units_above(unit) AS u) AS c
		WHERE EXISTS (SELECT FROM cx_data.calendar_hours AS h WHERE h.calendar = c.calendar)
		ORDER BY c.height LIMIT 1);
END
$$;
COMMENT ON FUNCTION cx.usable_calendar(text, bigint) IS 'the first calendar that exists and has hours: the one that is wanted, that of the unit, those of the units above it; NULL, which is around the clock, if there is none';

CREATE FUNCTION cx.due_at(at timestamptz, duration interval, calendar text) RETURNS timestamptz
	LANGUAGE sql STABLE PARALLEL SAFE
	RETURN CASE WHEN calendar IS NULL THEN at + duration ELSE cx.add_business_time(at, duration, calendar) END;
COMMENT ON FUNCTION cx.due_at(timestamptz, interval, text) IS 'add_business_time, where no calendar is around the clock';

CREATE FUNCTION cx.spent_seconds(started_at timestamptz, ended_at timestamptz, calendar text) RETURNS double precision
	LANGUAGE sql STABLE PARALLEL SAFE
	RETURN CASE WHEN calendar IS NULL THEN extract(epoch FROM ended_at - started_at)::double precision ELSE cx.business_seconds(started_at, ended_at, calendar) END;
COMMENT ON FUNCTION cx.spent_seconds(timestamptz, timestamptz, text) IS 'business_seconds, where no calendar is around the clock';

CREATE FUNCTION cx.ticket_terms(sla text, priority text, segment text, touchpoint bigint, unit bigint, at timestamptz, OUT sla_policy_id bigint, OUT calendar text, OUT first_response_within interval, OUT resolve_within interval)
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	SELECT p.sla_policy_id, p.calendar, p.first_response_within, p.resolve_within
	INTO sla_policy_id, calendar, first_response_within, resolve_within
	FROM cx_data.sla_policy AS p
	WHERE p.code IN (ticket_terms.sla, 'standard') AND coalesce(p.priority = ticket_terms.priority, p.priority IS NULL) AND coalesce(p.segment = ticket_terms.segment, p.segment IS NULL)
		AND coalesce(p.touchpoint_id = touchpoint, p.touchpoint_id IS NULL) AND p.valid_from <= at AND coalesce(p.valid_until > at, true)
	ORDER BY p.code IS NOT DISTINCT FROM ticket_terms.sla DESC, p.touchpoint_id IS NOT NULL DESC, p.segment IS NOT NULL DESC, p.priority IS NOT NULL DESC, p.version DESC LIMIT 1;
	calendar := cx.usable_calendar(calendar, unit);
END
$$;
COMMENT ON FUNCTION cx.ticket_terms(text, text, text, bigint, bigint, timestamptz) IS 'service level for a ticket opened at a time: of those with the wanted code, else standard, the one for its touchpoint comes before that for its segment, and that before the one for its priority; and the calendar by which its clocks run';

CREATE FUNCTION cx.resolution_due(ticket bigint) RETURNS timestamptz
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	calendar text;
	left_over interval;
	stretch record;
	spent double precision;
	due timestamptz;
BEGIN
	SELECT cx.usable_calendar(t.calendar, t.org_unit_id), p.resolve_within INTO calendar, left_over
	FROM cx_data.ticket AS t JOIN cx_data.sla_policy AS p USING (sla_policy_id) WHERE t.ticket_id = ticket;
	IF left_over IS NULL THEN
		RETURN NULL;
	END IF;
	FOR stretch IN
		SELECT e.status, e.occurred_at AS starts, lead(e.occurred_at) OVER (ORDER BY e.ticket_event_id) AS ends
		FROM cx_data.ticket_event AS e WHERE e.ticket_id = ticket AND e.status IS NOT NULL AND e.ticket_task_id IS NULL ORDER BY e.ticket_event_id
	LOOP
		IF stretch.status IN ('new', 'open') THEN
			due := cx.due_at(stretch.starts, left_over, calendar);
			IF stretch.ends IS NULL OR due <= stretch.ends THEN
				RETURN due;
			END IF;
			spent := cx.spent_seconds(stretch.starts, stretch.ends, calendar);
			left_over := left_over - make_interval(secs => spent);
		ELSIF stretch.status IN ('pending', 'on_hold') THEN
			-- while it waits it has none, and if it is solved then, it met the one that it would have had
			due := NULL;
		END IF;
	END LOOP;
	RETURN due;
END
$$;
COMMENT ON FUNCTION cx.resolution_due(bigint) IS 'when a ticket is due, from its history: the clock runs while it is new or open; NULL while it waits with time left, and if it was solved while it waited';

CREATE FUNCTION cx.ticket_owner(touchpoint bigint, unit bigint) RETURNS bigint
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN coalesce((SELECT p.owner_staff_id FROM cx_data.touchpoint AS p WHERE p.touchpoint_id = touchpoint), cx.unit_manager(unit));
END
$$;
COMMENT ON FUNCTION cx.ticket_owner(bigint, bigint) IS 'key of the member of staff who answers for a ticket: the owner of its touchpoint, else the manager of its unit or of the nearest one above it';

CREATE FUNCTION cx.set_ticket_terms(tickets bigint[], is_new boolean) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
	-- by index, for one ticket and for many
	SET enable_nestloop = on SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off SET jit = off
	AS $$
DECLARE
	-- between two of these instants the same service levels are valid
	turns CONSTANT timestamptz[] := ARRAY(SELECT p.valid_from FROM cx_data.sla_policy AS p UNION SELECT p.valid_until FROM cx_data.sla_policy AS p WHERE p.valid_until IS NOT NULL ORDER BY 1);
	alike record;
BEGIN
	FOR alike IN
		SELECT t.sla, t.priority, c.segment, t.touchpoint_id, t.org_unit_id, min(t.opened_at) AS opened_at, array_agg(t.ticket_id) AS tickets
		FROM unnest(set_ticket_terms.tickets) AS k (ticket_id) JOIN cx_data.ticket AS t USING (ticket_id) LEFT JOIN cx_data.customer AS c USING (customer_id)
		GROUP BY t.sla, t.priority, c.segment, t.touchpoint_id, t.org_unit_id, width_bucket(t.opened_at, turns)
	LOOP
		UPDATE cx_data.ticket AS t SET sla_policy_id = s.sla_policy_id, calendar = s.calendar, first_response_due_at = cx.due_at(t.opened_at, s.first_response_within, s.calendar),
			owner_staff_id = CASE WHEN is_new THEN s.owner_staff_id ELSE t.owner_staff_id END,
			-- whose history is that it was open from the beginning on, if it does not wait
			resolution_due_at = CASE WHEN is_new THEN CASE WHEN t.status NOT IN ('pending', 'on_hold') THEN cx.due_at(t.opened_at, s.resolve_within, s.calendar) END ELSE t.resolution_due_at END
		FROM (SELECT m.*, cx.ticket_owner(alike.touchpoint_id, alike.org_unit_id) AS owner_staff_id
			FROM cx.ticket_terms(alike.sla, alike.priority, alike.segment, alike.touchpoint_id, alike.org_unit_id, alike.opened_at) AS m OFFSET 0) AS s
		WHERE t.ticket_id = ANY (alike.tickets);
	END LOOP;
	IF NOT is_new THEN
		UPDATE cx_data.ticket AS t SET resolution_due_at = cx.resolution_due(t.ticket_id) WHERE t.ticket_id = ANY (set_ticket_terms.tickets);
	END IF;
END
$$;
COMMENT ON FUNCTION cx.set_ticket_terms(bigint[], boolean) IS 'gives tickets the service level that they would have started with, and the deadlines that follow from it and from their history; if they are new, also whoever answers for them. Takes the rights of the program''s owner';

CREATE FUNCTION cx.sla_status(status text, first_response_due_at timestamptz, first_responded_at timestamptz, resolution_due_at timestamptz, solved_at timestamptz, at timestamptz) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE
		WHEN coalesce(first_responded_at, at) > first_response_due_at OR coalesce(solved_at, at) > resolution_due_at THEN 'missed'
		WHEN solved_at IS NOT NULL THEN 'met'
		WHEN status IN ('pending', 'on_hold') AND (first_responded_at IS NOT NULL OR first_response_due_at IS NULL) THEN 'paused'
		ELSE 'active' END;
COMMENT ON FUNCTION cx.sla_status(text, timestamptz, timestamptz, timestamptz, timestamptz, timestamptz) IS 'active, paused, met or missed (the first response, the solution or both came too late, or have not come though they are due) at a time, of a ticket with this status and these times';

CREATE FUNCTION cx.ticket_subject(ticket bigint) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF has_column_privilege('cx_data.ticket', 'subject', 'SELECT') THEN
		RETURN (SELECT t.subject FROM cx_data.ticket AS t WHERE t.ticket_id = ticket);
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.ticket_subject(bigint) IS 'subject of a ticket, for those who may read cx_data.ticket.subject, else NULL; for the views of tickets';

CREATE FUNCTION cx.task_block(task bigint) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF has_column_privilege('cx_data.ticket_task', 'blocked_reason', 'SELECT') THEN
		RETURN (SELECT k.blocked_reason FROM cx_data.ticket_task AS k WHERE k.ticket_task_id = task);
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.task_block(bigint) IS 'what blocks a task, for those who may read cx_data.ticket_task.blocked_reason, else NULL; for the view cx_data.emergency';
-- Tickets: opened, and who may work on them

CREATE FUNCTION cx.ticket_event_stays() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RAISE EXCEPTION 'the history of a ticket does not change'
		USING ERRCODE = 'object_in_use', HINT = 'What happens next is added: cx.move_ticket() and its like do so.';
END
$$;
COMMENT ON FUNCTION cx.ticket_event_stays() IS 'trigger on cx_data.ticket_event: what happened stays as it was';

CREATE FUNCTION cx.owner_forget_tickets(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	gone CONSTANT bigint[] := CASE WHEN argument <> '{}' THEN ARRAY(SELECT g::bigint FROM jsonb_array_elements(argument) AS g) END;
BEGIN
	-- whoever calls: only of tickets that are not there any more
	DELETE FROM cx_data.ticket_event AS e WHERE (gone IS NULL OR e.ticket_id = ANY (gone)) AND NOT EXISTS (SELECT FROM cx_data.ticket AS t WHERE t.ticket_id = e.ticket_id);
	DELETE FROM cx_data.ticket_task AS k WHERE (gone IS NULL OR k.ticket_id = ANY (gone)) AND NOT EXISTS (SELECT FROM cx_data.ticket AS t WHERE t.ticket_id = k.ticket_id);
	UPDATE cx_data.alert AS a SET ticket_id = NULL WHERE CASE WHEN gone IS NULL THEN a.ticket_id IS NOT NULL ELSE a.ticket_id = ANY (gone) END AND NOT EXISTS (SELECT FROM cx_data.ticket AS t WHERE t.ticket_id = a.ticket_id);
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.owner_forget_tickets(jsonb, oid) IS 'deletes history and tasks of tickets that are gone, an array of their numbers, or {} for all; part of ticket_deleted, with the rights of the program''s owner';

CREATE FUNCTION cx.ticket_deleted() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
	-- by index, for one ticket and for many
	SET enable_nestloop = on SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off SET jit = off
	AS $$
BEGIN
	IF TG_OP = 'TRUNCATE' THEN
		PERFORM cx.as_program_owner('forget_tickets', '{}');
	ELSE
		PERFORM cx.as_program_owner('forget_tickets', (SELECT coalesce(jsonb_agg(g.ticket_id), '[]') FROM gone AS g));
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.ticket_deleted() IS 'trigger on cx_data.ticket: history and tasks of a ticket that is deleted go with it';

CREATE FUNCTION cx.add_ticket_event(ticket bigint, kind text, caller oid, at timestamptz, status text DEFAULT NULL, staff bigint DEFAULT NULL, unit bigint DEFAULT NULL, note text DEFAULT NULL, automatic boolean DEFAULT NULL, task bigint DEFAULT NULL, level integer DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	INSERT INTO cx_data.ticket_event (ticket_id, ticket_task_id, kind, status, staff_id, to_unit_id, level, automatic, note, actor, occurred_at)
	VALUES (ticket, task, kind, status, staff, unit, level, automatic, note, pg_get_userbyid(caller), at);
END
$$;
COMMENT ON FUNCTION cx.add_ticket_event(bigint, text, oid, timestamptz, text, bigint, bigint, text, boolean, bigint, integer) IS 'adds to the history of a ticket; takes the rights of the program''s owner';

CREATE FUNCTION cx.add_tickets(given cx.new_ticket[]) RETURNS SETOF bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
	new_ids CONSTANT regclass := pg_get_serial_sequence('cx_data.ticket', 'ticket_id');
BEGIN
	RETURN QUERY
	WITH asked AS MATERIALIZED (
		SELECT coalesce(g.ticket_id, nextval(new_ids)) AS ticket_id, coalesce(g.origin, 'centre') AS origin, g.priority, coalesce(g.emergency, false) AS emergency,
			g.customer_id, g.customer_merge_id, g.touchpoint_id, p.unit_id, g.staff_id, g.alert_id, g.feedback_id, g.subject, g.detail, g.sla, g.segment,
			p.opened_at, coalesce(g.actor, current_user) AS actor,
			dense_rank() OVER (ORDER BY g.priority, g.sla, g.segment, g.touchpoint_id, p.unit_id, p.opened_at) AS alike
		FROM unnest(given) AS g
		LEFT JOIN cx_data.touchpoint AS t ON t.touchpoint_id = g.touchpoint_id
		CROSS JOIN LATERAL (SELECT coalesce(g.org_unit_id, t.owner_unit_id) AS unit_id, coalesce(g.opened_at, now()) AS opened_at) AS p
	), kind AS (
		SELECT DISTINCT ON (a.alike) a.alike, a.priority, a.sla, a.segment, a.touchpoint_id, a.unit_id, a.opened_at FROM asked AS a ORDER BY a.alike
	), terms AS MATERIALIZED (
		SELECT k.alike, s.sla_policy_id, s.calendar, cx.ticket_owner(k.touchpoint_id, k.unit_id) AS owner_staff_id,
			cx.due_at(k.opened_at, s.first_response_within, s.calendar) AS first_response_due_at, cx.due_at(k.opened_at, s.resolve_within, s.calendar) AS resolution_due_at
		FROM kind AS k CROSS JOIN LATERAL cx.ticket_terms(k.sla, k.priority, k.segment, k.touchpoint_id, k.unit_id, k.opened_at) AS s
	), added AS (
		INSERT INTO cx_data.ticket (ticket_id, origin, priority, emergency, customer_id, customer_merge_id, touchpoint_id, org_unit_id, staff_id, owner_staff_id, alert_id, feedback_id,
			subject, detail, sla, sla_policy_id, calendar, opened_at, first_response_due_at, resolution_due_at)
		SELECT a.ticket_id, a.origin, a.priority, a.emergency, a.customer_id, a.customer_merge_id, a.touchpoint_id, a.unit_id,
			coalesce(a.staff_id, CASE WHEN a.emergency THEN m.owner_staff_id END), m.owner_staff_id, a.alert_id, a.feedback_id,
			a.subject, a.detail, a.sla, m.sla_policy_id, m.calendar, a.opened_at, m.first_response_due_at, m.resolution_due_at
		FROM asked AS a JOIN terms AS m USING (alike)
		ORDER BY a.ticket_id
		RETURNING ticket_id
	), told AS (
		INSERT INTO cx_data.ticket_event (ticket_id, kind, status, staff_id, to_unit_id, actor, occurred_at)
		SELECT a.ticket_id, 'opened', 'new', coalesce(a.staff_id, CASE WHEN a.emergency THEN m.owner_staff_id END), a.unit_id, a.actor, a.opened_at FROM asked AS a JOIN terms AS m USING (alike) ORDER BY a.ticket_id
	)
	SELECT a.ticket_id FROM added AS a;
	IF true = ANY (SELECT g.emergency FROM unnest(given) AS g) THEN
		PERFORM cx.add_emergency_tasks(ARRAY(SELECT g.ticket_id FROM unnest(given) AS g WHERE g.emergency));
	END IF;
END
$$;
COMMENT ON FUNCTION cx.add_tickets(cx.new_ticket[]) IS 'opens tickets, with their deadlines and whoever answers for them; gives their keys. Takes the rights of the program''s owner';

CREATE FUNCTION cx.check_may_work(caller oid) RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT (cx.owns_program(caller) OR has_table_privilege(caller, 'cx_data.ticket', 'UPDATE') OR cx.role_has_level(caller, '{agent,manager,admin}')) THEN
		RAISE EXCEPTION 'permission denied to work on tickets'
			USING ERRCODE = 'insufficient_privilege', HINT = 'It takes access as an agent, a manager or an admin: CALL cx.grant_access().';
	END IF;
END
$$;
COMMENT ON FUNCTION cx.check_may_work(oid) IS 'raises an error unless a role may work on tickets';

CREATE FUNCTION cx.unit_is_visible(unit bigint, caller oid) RETURNS boolean
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN NOT (SELECT p.row_security FROM cx_data.program AS p) OR cx.owns_program(caller) OR cx.role_sees_all(caller) OR coalesce(unit = ANY (cx.units_of_role(caller)), false)
		OR (SELECT r.rolbypassrls FROM pg_roles AS r WHERE r.oid = caller);
END
$$;
COMMENT ON FUNCTION cx.unit_is_visible(bigint, oid) IS 'whether row security lets a role see the rows of a unit';

CREATE FUNCTION cx.lock_ticket(ticket bigint, caller oid) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	unit bigint;
BEGIN
	PERFORM cx.check_may_work(caller);
	SELECT t.org_unit_id INTO unit FROM cx_data.ticket AS t WHERE t.ticket_id = ticket FOR NO KEY UPDATE;
	IF NOT FOUND OR NOT cx.unit_is_visible(unit, caller) THEN
		RAISE EXCEPTION 'ticket % does not exist', ticket
			USING ERRCODE = 'undefined_object', HINT = 'SELECT ticket_id, subject FROM cx_data.ticket_queue shows those that are not solved.';
	END IF;
END
$$;
COMMENT ON FUNCTION cx.lock_ticket(bigint, oid) IS 'locks a ticket; an error if there is none, or none that the role may work on';

CREATE FUNCTION cx.check_lives_here(ticket bigint) RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	home text := (SELECT coalesce(s.relation::text, s.name) FROM cx_data.ticket AS t JOIN cx_data.source AS s USING (source_id) WHERE t.ticket_id = ticket);
BEGIN
	IF home IS NOT NULL THEN
		RAISE EXCEPTION 'ticket % lives in %', ticket, home
			USING ERRCODE = 'wrong_object_type', HINT = 'Change it there; what is changed there is captured.';
	END IF;
END
$$;
COMMENT ON FUNCTION cx.check_lives_here(bigint) IS 'raises an error if a ticket is captured from a table of the user';

CREATE FUNCTION cx.ticket_time(ticket bigint, wanted timestamptz, caller oid) RETURNS timestamptz
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	last_at CONSTANT timestamptz := (SELECT max(e.occurred_at) FROM cx_data.ticket_event AS e WHERE e.ticket_id = ticket);
BEGIN
	IF wanted IS NULL THEN
		-- transactions begin in another order than they come to write
		RETURN greatest(now(), last_at);
	END IF;
	IF NOT cx.owns_program(caller) AND NOT cx.role_has_level(caller, '{admin}') THEN
		RAISE EXCEPTION 'only admins may say when something happened' USING ERRCODE = 'insufficient_privilege', HINT = 'Leave argument at out, then it happens now.';
	END IF;
	IF wanted > clock_timestamp() OR wanted < coalesce(last_at, '1900-01-01') OR NOT isfinite(wanted) THEN
		RAISE EXCEPTION 'the time % is %', wanted, CASE WHEN wanted < last_at THEN format('before the last entry of ticket %s, %s', ticket, last_at) ELSE 'not one of the past' END USING ERRCODE = 'invalid_parameter_value';
	END IF;
	RETURN wanted;
END
$$;
COMMENT ON FUNCTION cx.ticket_time(bigint, timestamptz, oid) IS 'when the next entry in the history of a ticket happens: now, or when an admin says';

CREATE FUNCTION cx.start_work(ticket bigint, wanted timestamptz, caller oid) RETURNS timestamptz
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.lock_ticket(ticket, caller);
	PERFORM cx.check_lives_here(ticket);
	RETURN cx.ticket_time(ticket, wanted, caller);
END
$$;
COMMENT ON FUNCTION cx.start_work(bigint, timestamptz, oid) IS 'locks a ticket that lives here for a role that may work on it, and gives the time at which the next entry in its history happens';

CREATE FUNCTION cx.customer_to_help(code text, caller oid) RETURNS bigint
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	found_id CONSTANT bigint := CASE WHEN customer_to_help.code IS NOT NULL THEN cx.find_customer(customer_to_help.code) END;
BEGIN
	IF found_id IS NOT NULL AND NOT cx.unit_is_visible((SELECT c.org_unit_id FROM cx_data.customer AS c WHERE c.customer_id = found_id), caller) THEN
		-- what find_customer() says of somebody whom nobody knows
		PERFORM cx.no_customer(customer_to_help.code);
	END IF;
	RETURN found_id;
END
$$;
COMMENT ON FUNCTION cx.customer_to_help(text, oid) IS 'key of the customer with this code, if row security lets the role see him; an error if not, NULL for NULL. Part of open_ticket';

CREATE FUNCTION cx.owner_open_ticket(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	feedback CONSTANT bigint := (argument -> 'feedback')::bigint;
	new cx.new_ticket;
	said record;
BEGIN
	PERFORM cx.check_may_work(caller);
	PERFORM cx.check_priority(argument ->> 'priority');
	PERFORM cx.check_sla(argument ->> 'sla');
	SELECT f.customer_id, f.customer_merge_id, f.touchpoint_id, f.org_unit_id INTO said FROM cx_data.feedback AS f WHERE f.feedback_id = feedback;
	IF feedback IS NOT NULL AND (NOT FOUND OR NOT cx.unit_is_visible(said.org_unit_id, caller)) THEN
		RAISE EXCEPTION 'feedback % does not exist', feedback USING ERRCODE = 'undefined_object', HINT = 'SELECT feedback_id FROM cx_data.feedback_detail shows what customers said.';
	END IF;
	new.opened_at := cx.ticket_time(NULL, (argument ->> 'at')::timestamptz, caller);
	new.actor := pg_get_userbyid(caller);
	new.origin := coalesce(argument ->> 'origin', CASE WHEN cx.owns_program(caller) OR cx.units_of_role(caller) = '{}' THEN 'centre' ELSE 'unit' END);
	new.subject := argument ->> 'subject';
	new.detail := argument ->> 'detail';
	new.priority := argument ->> 'priority';
	new.sla := argument ->> 'sla';
	new.feedback_id := feedback;
	new.staff_id := cx.find_code('staff', argument ->> 'staff');
	new.touchpoint_id := coalesce(cx.find_code('touchpoint', argument ->> 'touchpoint'), said.touchpoint_id);
	new.customer_id := coalesce(cx.customer_to_help(argument ->> 'customer', caller), said.customer_id);
	new.customer_merge_id := CASE WHEN argument ? 'customer' THEN (SELECT i.customer_merge_id FROM cx_data.customer_identity AS i WHERE i.kind = 'code' AND i.value = argument ->> 'customer') ELSE said.customer_merge_id END;
	SELECT c.segment, coalesce(cx.find_code('org_unit', argument ->> 'org_unit'), said.org_unit_id, c.org_unit_id) INTO new.segment, new.org_unit_id
	FROM (SELECT new.customer_id AS customer_id) AS k LEFT JOIN cx_data.customer AS c USING (customer_id);
	new.ticket_id := cx.add_tickets(ARRAY[new]);
	IF new.staff_id IS NOT NULL THEN
		PERFORM cx.set_ticket_status(new.ticket_id, 'open', caller, new.opened_at, NULL);
	END IF;
	RETURN to_jsonb(new.ticket_id);
END
$$;
COMMENT ON FUNCTION cx.owner_open_ticket(jsonb, oid) IS 'does the work of open_ticket with the rights of the program''s owner';

CREATE FUNCTION cx.open_ticket(subject text, customer text DEFAULT NULL, touchpoint text DEFAULT NULL, org_unit text DEFAULT NULL, priority text DEFAULT 'normal', sla text DEFAULT NULL, detail text DEFAULT NULL, staff text DEFAULT NULL, feedback bigint DEFAULT NULL, origin text DEFAULT NULL, at timestamptz DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	IF coalesce(trim(subject), '') = '' THEN
		RAISE EXCEPTION 'subject must be given' USING ERRCODE = 'invalid_parameter_value', HINT = 'It says in words what is to be done.';
	END IF;
	IF origin NOT IN ('centre', 'unit') THEN
		RAISE EXCEPTION 'origin "%" is not known', origin USING ERRCODE = 'invalid_parameter_value', HINT = 'Use centre or unit.';
	END IF;
	RETURN cx.as_program_owner('open_ticket', jsonb_strip_nulls(jsonb_build_object('subject', subject, 'customer', customer, 'touchpoint', touchpoint, 'org_unit', org_unit, 'priority', priority,
		'sla', sla, 'detail', detail, 'staff', staff, 'feedback', feedback, 'origin', origin, 'at', at)))::bigint;
END
$$;
COMMENT ON FUNCTION cx.open_ticket(text, text, text, text, text, text, text, text, bigint, text, timestamptz) IS 'opens a ticket, with its deadlines by service level; customer, touchpoint, org_unit and staff are codes, and come from the feedback where one is given. Call it with named arguments; gives its number';

CREATE FUNCTION cx.check_sla(sla text) RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF sla IS NOT NULL AND NOT EXISTS (SELECT FROM cx_data.sla_policy AS p WHERE p.code = sla AND coalesce(p.valid_until > now(), true)) THEN
		RAISE EXCEPTION 'service level "%" does not exist', sla
			USING ERRCODE = 'undefined_object', HINT = format('SELECT cx.set_sla_policy(%L, first_response_within => ''4 hours'', resolve_within => ''24 hours'') makes it.', sla);
	END IF;
END
$$;
COMMENT ON FUNCTION cx.check_sla(text) IS 'raises an error unless there is a service level with this code, if one is given';

CREATE FUNCTION cx.erase_from_ticket_event(customer bigint, strings text[]) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	erased bigint;
BEGIN
	UPDATE cx_data.ticket_event AS e SET note = NULL FROM cx_data.ticket AS t WHERE t.ticket_id = e.ticket_id AND t.customer_id = customer AND e.note IS NOT NULL;
	GET DIAGNOSTICS erased = ROW_COUNT;
	RETURN erased;
END
$$;
COMMENT ON FUNCTION cx.erase_from_ticket_event(bigint, text[]) IS 'takes what was said out of the history of a customer''s tickets; part of erase_customer';

CREATE FUNCTION cx.erase_from_ticket_task(customer bigint, strings text[]) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	erased bigint;
BEGIN
	UPDATE cx_data.ticket_task AS k SET subject = '', result = NULL, blocked_reason = CASE WHEN k.blocked_reason IS NOT NULL THEN '' END FROM cx_data.ticket AS t
	WHERE t.ticket_id = k.ticket_id AND t.customer_id = customer;
	GET DIAGNOSTICS erased = ROW_COUNT;
	RETURN erased;
END
$$;
COMMENT ON FUNCTION cx.erase_from_ticket_task(bigint, text[]) IS 'takes what was said out of the tasks of a customer''s tickets; part of erase_customer';
-- Tickets: answered, passed on, solved, reopened
--
-- Every step is one function that runs with the rights of the program's owner,
-- and looks first whether the caller may work on the ticket.

CREATE FUNCTION cx.set_ticket_status(ticket bigint, status text, caller oid, at timestamptz, note text) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	was CONSTANT text := (SELECT t.status FROM cx_data.ticket AS t WHERE t.ticket_id = ticket);
	is_reopened CONSTANT boolean := was IN ('solved', 'closed') AND set_ticket_status.status NOT IN ('solved', 'closed');
BEGIN
	PERFORM cx.add_ticket_event(ticket, 'status', caller, at, status => set_ticket_status.status, note => note);
	UPDATE cx_data.ticket AS t SET status = set_ticket_status.status,
		first_responded_at = CASE set_ticket_status.status WHEN 'solved' THEN coalesce(t.first_responded_at, at) ELSE t.first_responded_at END,
		solved_at = CASE set_ticket_status.status WHEN 'solved' THEN at WHEN 'closed' THEN t.solved_at END,
		closed_at = CASE set_ticket_status.status WHEN 'closed' THEN at END,
		reopened_at = CASE WHEN is_reopened THEN at ELSE t.reopened_at END,
		reopen_count = t.reopen_count + is_reopened::integer,
		-- what is overdue from then on climbs anew
		escalation_level = CASE WHEN is_reopened THEN 0 ELSE t.escalation_level END,
		escalated_unit_id = CASE WHEN NOT is_reopened THEN t.escalated_unit_id END,
		resolution_due_at = cx.resolution_due(ticket)
	WHERE t.ticket_id = ticket;
	IF set_ticket_status.status = 'solved' THEN
		UPDATE cx_data.alert AS a SET status = 'resolved' WHERE a.ticket_id = ticket AND a.status <> 'resolved';
	END IF;
END
$$;
COMMENT ON FUNCTION cx.set_ticket_status(bigint, text, oid, timestamptz, text) IS 'sets the status of a ticket and what follows from it; takes the rights of the program''s owner';

CREATE FUNCTION cx.next_statuses(status text) RETURNS text[]
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE status
		WHEN 'new' THEN '{open,pending,on_hold,solved}'
		WHEN 'open' THEN '{pending,on_hold,solved}'
		WHEN 'pending' THEN '{open,on_hold,solved}'
		WHEN 'on_hold' THEN '{open,pending,solved}'
		WHEN 'solved' THEN '{open,closed}'
		ELSE '{}' END::text[];
COMMENT ON FUNCTION cx.next_statuses(text) IS 'statuses to which move_ticket() may take a ticket from this one';

CREATE FUNCTION cx.check_may_solve(ticket bigint) RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	known record;
	unfinished bigint;
BEGIN
	SELECT t.root_cause, t.action_taken INTO known FROM cx_data.ticket AS t WHERE t.ticket_id = ticket;
	IF coalesce(trim(known.root_cause), '') = '' OR coalesce(trim(known.action_taken), '') = '' THEN
		RAISE EXCEPTION 'ticket % cannot be solved without root cause and action taken', ticket
			USING ERRCODE = 'object_not_in_prerequisite_state', HINT = format('SELECT cx.move_ticket(%s, ''solved'', root_cause => ''process'', action_taken => ''what was done''); cx_data.root_cause has the causes.', ticket);
	END IF;
	SELECT count(*) INTO unfinished FROM cx_data.ticket_task AS k WHERE k.ticket_id = ticket AND k.status IN ('open', 'blocked');
	IF unfinished > 0 THEN
		RAISE EXCEPTION 'ticket % has % tasks that are not finished', ticket, unfinished
			USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'SELECT cx.move_task() to done or cancelled first; cx_data.ticket_task shows them.';
	END IF;
END
$$;
COMMENT ON FUNCTION cx.check_may_solve(bigint) IS 'raises an error unless root cause and action taken of a ticket are known and its tasks are finished';

CREATE FUNCTION cx.owner_move_ticket(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	ticket CONSTANT bigint := (argument -> 'ticket')::bigint;
	-- other tools say resolved
	wanted CONSTANT text := CASE argument ->> 'status' WHEN 'resolved' THEN 'solved' ELSE argument ->> 'status' END;
	was text;
	at timestamptz;
BEGIN
	at := cx.start_work(ticket, (argument ->> 'at')::timestamptz, caller);
	SELECT t.status INTO was FROM cx_data.ticket AS t WHERE t.ticket_id = ticket;
	IF coalesce(wanted <> ALL (cx.next_statuses(was)), true) THEN
		RAISE EXCEPTION 'ticket % is % and cannot become %', ticket, was, coalesce(wanted, 'NULL')
			USING ERRCODE = 'object_not_in_prerequisite_state', HINT = CASE was WHEN 'closed' THEN format('SELECT cx.reopen(%s, ''why'').', ticket) ELSE format('From %s it goes to %s.', was, array_to_string(cx.next_statuses(was), ', ')) END;
	END IF;
	PERFORM cx.find_code('root_cause', argument ->> 'root_cause');
	UPDATE cx_data.ticket AS t SET root_cause = coalesce(argument ->> 'root_cause', t.root_cause), action_taken = coalesce(argument ->> 'action_taken', t.action_taken)
	WHERE t.ticket_id = ticket AND (argument ? 'root_cause' OR argument ? 'action_taken');
	IF wanted = 'solved' THEN
		PERFORM cx.check_may_solve(ticket);
	END IF;
	PERFORM cx.set_ticket_status(ticket, wanted, caller, at, argument ->> 'note');
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.owner_move_ticket(jsonb, oid) IS 'does the work of move_ticket with the rights of the program''s owner';

CREATE FUNCTION cx.move_ticket(ticket bigint, status text, note text DEFAULT NULL, root_cause text DEFAULT NULL, action_taken text DEFAULT NULL, at timestamptz DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	PERFORM cx.as_program_owner('move_ticket', jsonb_strip_nulls(jsonb_build_object('ticket', ticket, 'status', status, 'note', note, 'root_cause', root_cause, 'action_taken', action_taken, 'at', at)));
END
$$;
COMMENT ON FUNCTION cx.move_ticket(bigint, text, text, text, text, timestamptz) IS 'takes a ticket to another status: new to open, pending (waits for the customer), on_hold (waits for a third party) and solved, which go to each other, and solved to closed. To solve it, root_cause, a code of cx_data.root_cause, and action_taken must be known, now or before, and its tasks finished';

CREATE FUNCTION cx.owner_reopen(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	ticket CONSTANT bigint := (argument -> 'ticket')::bigint;
	at timestamptz;
	was text;
BEGIN
	at := cx.start_work(ticket, (argument ->> 'at')::timestamptz, caller);
	SELECT t.status INTO was FROM cx_data.ticket AS t WHERE t.ticket_id = ticket;
	IF was NOT IN ('solved', 'closed') THEN
		RAISE EXCEPTION 'ticket % is %, so it cannot be reopened', ticket, was USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Only solved and closed tickets are.';
	END IF;
	PERFORM cx.set_ticket_status(ticket, 'open', caller, at, argument ->> 'note');
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.owner_reopen(jsonb, oid) IS 'does the work of reopen with the rights of the program''s owner';

CREATE FUNCTION cx.reopen(ticket bigint, note text DEFAULT NULL, at timestamptz DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	PERFORM cx.as_program_owner('reopen', jsonb_strip_nulls(jsonb_build_object('ticket', ticket, 'note', note, 'at', at)));
END
$$;
COMMENT ON FUNCTION cx.reopen(bigint, text, timestamptz) IS 'opens a ticket again that was solved or closed; its clock goes on with what was left, and what was missed stays missed';

CREATE FUNCTION cx.owner_assign_ticket(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	ticket CONSTANT bigint := (argument -> 'ticket')::bigint;
	at timestamptz;
	was text;
BEGIN
	at := cx.start_work(ticket, (argument ->> 'at')::timestamptz, caller);
	SELECT t.status INTO was FROM cx_data.ticket AS t WHERE t.ticket_id = ticket;
	IF was IN ('solved', 'closed') THEN
		RAISE EXCEPTION 'ticket % is %, so it cannot be assigned', ticket, was USING ERRCODE = 'object_not_in_prerequisite_state', HINT = format('SELECT cx.reopen(%s, ''why'') first.', ticket);
	END IF;
	PERFORM cx.give_ticket(ticket, cx.find_code('staff', argument ->> 'staff'), cx.find_code('org_unit', argument ->> 'org_unit'), caller, at, argument ->> 'note');
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.owner_assign_ticket(jsonb, oid) IS 'does the work of assign_ticket with the rights of the program''s owner';

CREATE FUNCTION cx.give_ticket(ticket bigint, person bigint, unit bigint, caller oid, at timestamptz, note text) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.add_ticket_event(ticket, 'assigned', caller, at, staff => person, unit => coalesce(unit, (SELECT t.org_unit_id FROM cx_data.ticket AS t WHERE t.ticket_id = ticket)), note => note);
	IF unit IS DISTINCT FROM (SELECT t.org_unit_id FROM cx_data.ticket AS t WHERE t.ticket_id = ticket) AND unit IS NOT NULL THEN
		-- another manager answers for it, and what is overdue climbs anew
		UPDATE cx_data.ticket AS t SET org_unit_id = unit, owner_staff_id = coalesce(cx.unit_manager(unit), t.owner_staff_id), escalation_level = 0, escalated_unit_id = NULL WHERE t.ticket_id = ticket;
		UPDATE cx_data.ticket_task AS k SET asked_by_unit_id = unit WHERE k.ticket_id = ticket;
	END IF;
	UPDATE cx_data.ticket AS t SET staff_id = person WHERE t.ticket_id = ticket;
	IF person IS NOT NULL AND (SELECT t.status FROM cx_data.ticket AS t WHERE t.ticket_id = ticket) = 'new' THEN
		PERFORM cx.set_ticket_status(ticket, 'open', caller, at, NULL);
	END IF;
END
$$;
COMMENT ON FUNCTION cx.give_ticket(bigint, bigint, bigint, oid, timestamptz, text) IS 'gives a ticket to a member of staff, a unit or both; takes the rights of the program''s owner';

CREATE FUNCTION cx.assign_ticket(ticket bigint, staff text DEFAULT NULL, org_unit text DEFAULT NULL, note text DEFAULT NULL, at timestamptz DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	IF staff IS NULL AND org_unit IS NULL THEN
		RAISE EXCEPTION 'staff or org_unit must be given' USING ERRCODE = 'invalid_parameter_value', HINT = 'They are codes; cx.route_ticket() finds somebody.';
	END IF;
	PERFORM cx.as_program_owner('assign_ticket', jsonb_strip_nulls(jsonb_build_object('ticket', ticket, 'staff', staff, 'org_unit', org_unit, 'note', note, 'at', at)));
END
$$;
COMMENT ON FUNCTION cx.assign_ticket(bigint, text, text, text, timestamptz) IS 'gives a ticket to a member of staff, or to a unit, where it waits until somebody takes it, or to both; a new ticket becomes open with its first member of staff';

CREATE FUNCTION cx.owner_prioritise(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	ticket CONSTANT bigint := (argument -> 'ticket')::bigint;
	at timestamptz;
BEGIN
	at := cx.start_work(ticket, (argument ->> 'at')::timestamptz, caller);
	IF (SELECT t.solved_at IS NOT NULL FROM cx_data.ticket AS t WHERE t.ticket_id = ticket) THEN
		RAISE EXCEPTION 'ticket % is solved, so its priority stays', ticket USING ERRCODE = 'object_not_in_prerequisite_state', HINT = format('SELECT cx.reopen(%s, ''why'') first.', ticket);
	END IF;
	PERFORM cx.add_ticket_event(ticket, 'priority', caller, at, note => concat_ws(': ', argument ->> 'priority', argument ->> 'note'));
	UPDATE cx_data.ticket AS t SET priority = argument ->> 'priority', escalation_level = 0, escalated_unit_id = NULL WHERE t.ticket_id = ticket;
	PERFORM cx.set_ticket_terms(ARRAY[ticket], false);
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.owner_prioritise(jsonb, oid) IS 'does the work of set_ticket_priority with the rights of the program''s owner';

CREATE FUNCTION cx.set_ticket_priority(ticket bigint, priority text, note text DEFAULT NULL, at timestamptz DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	PERFORM cx.check_priority(priority);
	PERFORM cx.as_program_owner('prioritise', jsonb_strip_nulls(jsonb_build_object('ticket', ticket, 'priority', priority, 'note', note, 'at', at)));
END
$$;
COMMENT ON FUNCTION cx.set_ticket_priority(bigint, text, text, timestamptz) IS 'changes the priority of a ticket, and with it the service level, to the version of the time when it was opened; what its clocks have counted, and how long it waited, stays';

CREATE FUNCTION cx.owner_reply(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	ticket CONSTANT bigint := (argument -> 'ticket')::bigint;
	automatic CONSTANT boolean := (argument -> 'automatic')::boolean;
	at timestamptz;
BEGIN
	at := cx.start_work(ticket, (argument ->> 'at')::timestamptz, caller);
	PERFORM cx.add_ticket_event(ticket, 'reply', caller, at, note => argument ->> 'body', automatic => automatic);
	IF NOT automatic THEN
		-- the solution, once it is overdue, climbs anew
		UPDATE cx_data.ticket AS t SET first_responded_at = at, escalation_level = 0, escalated_unit_id = NULL WHERE t.ticket_id = ticket AND t.first_responded_at IS NULL;
		IF (SELECT t.status FROM cx_data.ticket AS t WHERE t.ticket_id = ticket) = 'new' THEN
			PERFORM cx.set_ticket_status(ticket, 'open', caller, at, NULL);
		END IF;
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.owner_reply(jsonb, oid) IS 'does the work of reply_ticket with the rights of the program''s owner';

CREATE FUNCTION cx.reply_ticket(ticket bigint, body text, automatic boolean DEFAULT false, at timestamptz DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	IF coalesce(trim(body), '') = '' THEN
		RAISE EXCEPTION 'body must be given' USING ERRCODE = 'invalid_parameter_value', HINT = 'It is what was said to the customer, or that he was called.';
	END IF;
	PERFORM cx.as_program_owner('reply', jsonb_strip_nulls(jsonb_build_object('ticket', ticket, 'body', body, 'automatic', coalesce(automatic, false), 'at', at)));
END
$$;
COMMENT ON FUNCTION cx.reply_ticket(bigint, text, boolean, timestamptz) IS 'notes what was said to the customer; the first reply that is not automatic is the first response, and opens a new ticket';
-- Tasks: what units do for a ticket, what blocks them, and the closing question

CREATE FUNCTION cx.add_task(ticket bigint, unit bigint, person bigint, subject text, due timestamptz, caller oid, at timestamptz) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	key bigint;
BEGIN
	INSERT INTO cx_data.ticket_task (ticket_id, org_unit_id, asked_by_unit_id, staff_id, subject, due_at, created_at)
	SELECT t.ticket_id, unit, t.org_unit_id, person, add_task.subject, due, at FROM cx_data.ticket AS t WHERE t.ticket_id = ticket
	RETURNING ticket_task_id INTO key;
	PERFORM cx.add_ticket_event(ticket, 'task', caller, at, status => 'open', staff => person, unit => unit, note => add_task.subject, task => key);
	RETURN key;
END
$$;
COMMENT ON FUNCTION cx.add_task(bigint, bigint, bigint, text, timestamptz, oid, timestamptz) IS 'adds a task to a ticket; takes the rights of the program''s owner';

CREATE FUNCTION cx.add_emergency_tasks(tickets bigint[]) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.add_task(t.ticket_id, r.org_unit_id, u.manager_id, concat_ws(', ', 'emergency', coalesce(p.name, p.code)), t.resolution_due_at, quote_ident(current_user)::regrole::oid, t.opened_at)
	-- what customers said is not for other units
	FROM cx_data.ticket AS t
	LEFT JOIN cx_data.touchpoint AS p USING (touchpoint_id)
	CROSS JOIN LATERAL (
		SELECT p.owner_unit_id AS org_unit_id WHERE p.owner_unit_id IS NOT NULL
		UNION
		SELECT r.org_unit_id FROM cx_data.touchpoint_unit AS r WHERE r.touchpoint_id = t.touchpoint_id
	) AS r
	JOIN cx_data.org_unit AS u ON u.org_unit_id = r.org_unit_id
	WHERE t.ticket_id = ANY (tickets)
	ORDER BY t.ticket_id, r.org_unit_id;
END
$$;
COMMENT ON FUNCTION cx.add_emergency_tasks(bigint[]) IS 'gives each unit responsible for the touchpoint of an emergency its task; takes the rights of the program''s owner';

CREATE FUNCTION cx.task_due(task jsonb, ticket bigint, unit bigint, at timestamptz) RETURNS timestamptz
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	due timestamptz;
BEGIN
	IF task ? 'within' THEN
		PERFORM cx.check_hours((task ->> 'within')::interval, 'within');
		RETURN cx.due_at(at, (task ->> 'within')::interval, cx.usable_calendar(NULL, unit));
	END IF;
	due := coalesce((task ->> 'due_at')::timestamptz, (SELECT t.resolution_due_at FROM cx_data.ticket AS t WHERE t.ticket_id = ticket));
	IF (task ->> 'due_at')::timestamptz < at THEN
		RAISE EXCEPTION 'a task cannot be due before it is given, at %', at USING ERRCODE = 'invalid_parameter_value', HINT = 'Use within for business hours from now on.';
	END IF;
	RETURN due;
END
$$;
COMMENT ON FUNCTION cx.task_due(jsonb, bigint, bigint, timestamptz) IS 'when a task is due: after so many hours of the unit''s calendar, at a time, or together with the ticket; part of decompose_ticket';

CREATE FUNCTION cx.owner_decompose(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	ticket CONSTANT bigint := (argument -> 'ticket')::bigint;
	at timestamptz;
	task jsonb;
	unit bigint;
	strange text;
	keys bigint[] := '{}';
BEGIN
	PERFORM cx.lock_ticket(ticket, caller);
	at := cx.ticket_time(ticket, (argument ->> 'at')::timestamptz, caller);
	IF (SELECT t.solved_at IS NOT NULL FROM cx_data.ticket AS t WHERE t.ticket_id = ticket) THEN
		RAISE EXCEPTION 'ticket % is solved', ticket USING ERRCODE = 'object_not_in_prerequisite_state', HINT = format('SELECT cx.reopen(%s, ''why'') first.', ticket);
	END IF;
	FOR task IN SELECT e FROM jsonb_array_elements(argument -> 'tasks') AS e LOOP
		strange := (SELECT k FROM jsonb_object_keys(task) AS k WHERE k NOT IN ('unit', 'subject', 'staff', 'within', 'due_at') LIMIT 1);
		IF strange IS NOT NULL OR task ?& '{within,due_at}' OR coalesce(trim(task ->> 'unit'), '') = '' OR coalesce(trim(task ->> 'subject'), '') = '' THEN
			RAISE EXCEPTION 'a task must have unit and subject%', coalesce(', and has no ' || strange, CASE WHEN task ?& '{within,due_at}' THEN ', and within or due_at' ELSE '' END)
				USING ERRCODE = 'invalid_parameter_value', HINT = '[{"unit": "network", "subject": "mend the cell", "within": "8 hours"}]; staff, and due_at in place of within, may be added.';
		END IF;
		unit := cx.find_code('org_unit', task ->> 'unit');
		keys := keys || cx.add_task(ticket, unit, cx.find_code('staff', task ->> 'staff'), task ->> 'subject', cx.task_due(task, ticket, unit, at), caller, at);
	END LOOP;
	IF (SELECT t.status = 'new' AND t.source_id IS NULL FROM cx_data.ticket AS t WHERE t.ticket_id = ticket) THEN
		PERFORM cx.set_ticket_status(ticket, 'open', caller, at, NULL);
	END IF;
	RETURN to_jsonb(keys);
END
$$;
COMMENT ON FUNCTION cx.owner_decompose(jsonb, oid) IS 'does the work of decompose_ticket with the rights of the program''s owner';

CREATE FUNCTION cx.decompose_ticket(ticket bigint, tasks jsonb, at timestamptz DEFAULT NULL) RETURNS SETOF bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	IF jsonb_typeof(tasks) IS DISTINCT FROM 'array' OR tasks = '[]' OR tasks @? 'strict $[*] ? (@.type() != "object")' THEN
		RAISE EXCEPTION 'tasks must be an array of objects'
			USING ERRCODE = 'invalid_parameter_value', HINT = '[{"unit": "network", "subject": "mend the cell", "within": "8 hours"}]';
	END IF;
	RETURN QUERY SELECT k::bigint FROM jsonb_array_elements(cx.as_program_owner('decompose', jsonb_strip_nulls(jsonb_build_object('ticket', ticket, 'tasks', tasks, 'at', at)))) AS k;
END
$$;
COMMENT ON FUNCTION cx.decompose_ticket(bigint, jsonb, timestamptz) IS 'splits a ticket into tasks for units: an array of objects with unit and subject, and if wanted staff, and within (hours of the unit''s calendar) or due_at; else a task is due with the ticket. Gives the numbers of the tasks';

CREATE FUNCTION cx.owner_move_task(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	task CONSTANT bigint := (argument -> 'task')::bigint;
	wanted CONSTANT text := argument ->> 'status';
	note CONSTANT text := argument ->> 'note';
	known record;
	at timestamptz;
BEGIN
	PERFORM cx.check_may_work(caller);
	SELECT k.ticket_id, k.status, k.org_unit_id, k.asked_by_unit_id INTO known FROM cx_data.ticket_task AS k WHERE k.ticket_task_id = task FOR NO KEY UPDATE;
	IF NOT FOUND OR NOT (cx.unit_is_visible(known.org_unit_id, caller) OR cx.unit_is_visible(known.asked_by_unit_id, caller)) THEN
		RAISE EXCEPTION 'task % does not exist', task USING ERRCODE = 'undefined_object', HINT = 'SELECT ticket_task_id, subject FROM cx_data.ticket_task shows the tasks.';
	END IF;
	at := cx.ticket_time(known.ticket_id, (argument ->> 'at')::timestamptz, caller);
	IF coalesce(wanted NOT IN ('open', 'blocked', 'done', 'cancelled') OR wanted = known.status OR known.status = 'cancelled', true) THEN
		RAISE EXCEPTION 'task % is % and cannot become %', task, known.status, coalesce(wanted, 'NULL')
			USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'A task is open, blocked, done or cancelled; what was cancelled stays so.';
	END IF;
	IF wanted = 'blocked' AND coalesce(note, '') = '' THEN
		RAISE EXCEPTION 'what blocks task % must be given', task USING ERRCODE = 'invalid_parameter_value', HINT = format('SELECT cx.move_task(%s, ''blocked'', ''why'').', task);
	END IF;
	IF wanted IN ('open', 'blocked') AND (SELECT t.solved_at IS NOT NULL FROM cx_data.ticket AS t WHERE t.ticket_id = known.ticket_id FOR SHARE) THEN
		RAISE EXCEPTION 'ticket % of the task is solved', known.ticket_id USING ERRCODE = 'object_not_in_prerequisite_state', HINT = format('SELECT cx.reopen(%s, ''why'') first.', known.ticket_id);
	END IF;
	PERFORM cx.add_ticket_event(known.ticket_id, 'task', caller, at, status => wanted, note => note, task => task);
	UPDATE cx_data.ticket_task AS k SET status = wanted,
		blocked_reason = CASE WHEN wanted = 'blocked' THEN note END, blocked_at = CASE WHEN wanted = 'blocked' THEN at END,
		ended_at = CASE WHEN wanted IN ('done', 'cancelled') THEN at END, result = CASE WHEN wanted IN ('done', 'cancelled') THEN note END,
		-- a block climbs anew
		escalation_level = CASE WHEN 'blocked' IN (wanted, known.status) THEN 0 ELSE k.escalation_level END
	WHERE k.ticket_task_id = task;
	IF wanted = 'blocked' THEN
		PERFORM cx.climb('task', task, 1, caller, at);
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.owner_move_task(jsonb, oid) IS 'does the work of move_task with the rights of the program''s owner';

CREATE FUNCTION cx.move_task(task bigint, status text, note text DEFAULT NULL, at timestamptz DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	PERFORM cx.as_program_owner('move_task', jsonb_strip_nulls(jsonb_build_object('task', task, 'status', status, 'note', note, 'at', at)));
END
$$;
COMMENT ON FUNCTION cx.move_task(bigint, text, text, timestamptz) IS 'takes a task to another status: done or cancelled, with what came of it, blocked, with the reason, or open again. A block is told at once to the unit above, and climbs further until it is removed';

CREATE FUNCTION cx.score_is_bad(metric text, score integer) RETURNS boolean
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN (SELECT CASE m.kind WHEN 'nps' THEN score <= 6 ELSE cx.experience_of(score::smallint, m.scale_min, m.scale_max, m.lower_is_better) < 50 END
		FROM cx_data.metric AS m WHERE m.code = metric);
END
$$;
COMMENT ON FUNCTION cx.score_is_bad(text, integer) IS 'whether an answer is bad: a detractor''s, 0..6, where the metric is of kind nps, else below the middle of the scale; NULL for NULL';

CREATE FUNCTION cx.owner_close_loop(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	ticket CONSTANT bigint := (argument -> 'ticket')::bigint;
	score CONSTANT integer := (argument -> 'score')::integer;
	scale record;
	known record;
	at timestamptz;
BEGIN
	PERFORM cx.lock_ticket(ticket, caller);
	at := cx.ticket_time(ticket, (argument ->> 'at')::timestamptz, caller);
	SELECT t.solved_at, t.source_id, coalesce(argument ->> 'metric', f.metric, 'csat') AS metric INTO known
	FROM cx_data.ticket AS t LEFT JOIN cx_data.feedback AS f USING (feedback_id) WHERE t.ticket_id = ticket;
	IF known.solved_at IS NULL THEN
		RAISE EXCEPTION 'ticket % is not solved', ticket USING ERRCODE = 'object_not_in_prerequisite_state', HINT = format('SELECT cx.move_ticket(%s, ''solved'', ...) first, then ask the customer.', ticket);
	END IF;
	SELECT m.scale_min, m.scale_max INTO scale FROM cx_data.metric AS m WHERE m.code = known.metric;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'metric "%" does not exist', known.metric USING ERRCODE = 'undefined_object', HINT = 'SELECT code FROM cx_data.metric shows the metrics.';
	END IF;
	IF score NOT BETWEEN scale.scale_min AND scale.scale_max THEN
		RAISE EXCEPTION 'score % is outside %..%, the scale of metric "%"', score, scale.scale_min, scale.scale_max, known.metric USING ERRCODE = 'numeric_value_out_of_range';
	END IF;
	UPDATE cx_data.ticket AS t SET followup_metric = CASE WHEN score IS NOT NULL OR t.followup_score IS NULL THEN known.metric ELSE t.followup_metric END, followup_asked_at = coalesce(t.followup_asked_at, at), followup_score = coalesce(score, t.followup_score),
		followup_at = CASE WHEN score IS NOT NULL THEN at ELSE t.followup_at END
	WHERE t.ticket_id = ticket;
	PERFORM cx.add_ticket_event(ticket, 'follow_up', caller, at, level => score, note => argument ->> 'comment');
	IF score IS NULL THEN
		RETURN to_jsonb('asked'::text);
	END IF;
	-- a ticket that lives elsewhere is reopened there
	IF known.source_id IS NULL THEN
		PERFORM cx.set_ticket_status(ticket, CASE WHEN cx.score_is_bad(known.metric, score) THEN 'open' ELSE 'closed' END, caller, at, NULL);
	END IF;
	RETURN to_jsonb(CASE WHEN NOT cx.score_is_bad(known.metric, score) THEN 'closed' WHEN known.source_id IS NULL THEN 'reopened' ELSE 'to be reopened' END);
END
$$;
COMMENT ON FUNCTION cx.owner_close_loop(jsonb, oid) IS 'does the work of close_the_loop with the rights of the program''s owner';

CREATE FUNCTION cx.close_the_loop(ticket bigint, score integer DEFAULT NULL, comment text DEFAULT NULL, metric text DEFAULT NULL, at timestamptz DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	RETURN cx.as_program_owner('close_loop', jsonb_strip_nulls(jsonb_build_object('ticket', ticket, 'score', score, 'comment', comment, 'metric', metric, 'at', at))) #>> '{}';
END
$$;
COMMENT ON FUNCTION cx.close_the_loop(bigint, integer, text, text, timestamptz) IS 'notes that the customer of a solved ticket was asked again, and the answer once there is one: a good one closes the ticket, a bad one (a detractor''s, or below the middle of the scale) reopens it. metric is that of the first answer, else csat. Gives asked, closed or reopened; a ticket that lives in a table of yours is to be reopened there';
-- Escalation: what is overdue or blocked climbs to whoever answers for it

CREATE FUNCTION cx.climb(what text, key bigint, to_tier integer, caller oid, at timestamptz) RETURNS boolean
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	item record;
	target record;
	said text;
	severity text;
	happened_at timestamptz;
	new_alert bigint;
BEGIN
	IF what = 'task' THEN
		SELECT k.ticket_id, k.ticket_task_id, k.org_unit_id, k.escalation_level AS reached, t.priority, t.customer_id, t.touchpoint_id, t.customer_merge_id, t.owner_staff_id,
			CASE k.status WHEN 'blocked' THEN 'blocked' ELSE 'overdue' END AS why INTO item
		FROM cx_data.ticket_task AS k JOIN cx_data.ticket AS t USING (ticket_id) WHERE k.ticket_task_id = key;
	ELSE
		SELECT t.ticket_id, NULL::bigint AS ticket_task_id, t.org_unit_id, t.escalation_level AS reached, t.priority, t.customer_id, t.touchpoint_id, t.customer_merge_id, t.owner_staff_id, 'overdue' AS why INTO item
		FROM cx_data.ticket AS t WHERE t.ticket_id = key;
	END IF;
	-- the top is where climbing ends
	SELECT u.org_unit_id, least(to_tier, greatest(max(u.height) OVER (), 1)) AS level, o.code, o.name, cx.unit_manager(u.org_unit_id) AS manager_id INTO target
	FROM cx.units_above(item.org_unit_id) AS u JOIN cx_data.org_unit AS o USING (org_unit_id) WHERE u.height <= to_tier ORDER BY u.height DESC LIMIT 1;
	IF coalesce(target.level, 1) <= item.reached THEN
		RETURN false;
	END IF;

	happened_at := greatest(at, (SELECT max(e.occurred_at) FROM cx_data.ticket_event AS e WHERE e.ticket_id = item.ticket_id));
	severity := CASE item.priority WHEN 'urgent' THEN 'critical' ELSE item.priority END;
	IF what = 'task' THEN
		UPDATE cx_data.ticket_task AS k SET escalation_level = coalesce(target.level, 1), escalated_unit_id = target.org_unit_id, escalated_at = happened_at WHERE k.ticket_task_id = key;
	ELSE
		UPDATE cx_data.ticket AS t SET escalation_level = coalesce(target.level, 1), escalated_unit_id = target.org_unit_id, escalated_at = happened_at,
			owner_staff_id = coalesce(target.manager_id, t.owner_staff_id) WHERE t.ticket_id = key;
	END IF;
	PERFORM cx.add_ticket_event(item.ticket_id, 'escalated', caller, happened_at, staff => coalesce(target.manager_id, item.owner_staff_id), unit => target.org_unit_id, level => coalesce(target.level, 1), note => item.why, task => item.ticket_task_id);
	-- neither subject nor reason: who is told works for another unit
	said := concat_ws(', ', format('%sticket %s is %s', 'task ' || item.ticket_task_id || ' of ', item.ticket_id, item.why), (SELECT coalesce(p.name, p.code) FROM cx_data.touchpoint AS p WHERE p.touchpoint_id = item.touchpoint_id),
		(SELECT coalesce(u.name, u.code) FROM cx_data.org_unit AS u WHERE u.org_unit_id = item.org_unit_id));
	INSERT INTO cx_data.alert (rule, customer_id, customer_merge_id, touchpoint_id, org_unit_id, staff_id, severity, message, ticket_id, opened_at, last_matched_at)
	VALUES ('escalation', item.customer_id, item.customer_merge_id, item.touchpoint_id, coalesce(target.org_unit_id, item.org_unit_id), coalesce(target.manager_id, item.owner_staff_id),
		severity, said, item.ticket_id, happened_at, happened_at)
	RETURNING alert_id INTO new_alert;
	INSERT INTO cx_data.outbox (alert_id, customer_id, customer_merge_id, org_unit_id, route, channel_id, send_to, dead_at, last_error, payload)
	SELECT new_alert, item.customer_id, item.customer_merge_id, target.org_unit_id, g.item, g.channel_id, g.send_to, CASE WHEN g.problem IS NOT NULL THEN now() END, g.problem,
		jsonb_strip_nulls(jsonb_build_object('alert_id', new_alert, 'rule', 'escalation', 'severity', severity, 'message', said,
			'ticket_id', item.ticket_id, 'ticket_task_id', item.ticket_task_id, 'org_unit', target.code, 'level', coalesce(target.level, 1), 'opened_at', happened_at))
	FROM (SELECT s.code FROM cx_data.staff AS s WHERE s.staff_id = coalesce(target.manager_id, item.owner_staff_id)) AS m
	CROSS JOIN LATERAL cx.route_targets('staff:' || translate(m.code, ',', ' ')) AS g;	-- a comma begins another one
	IF FOUND AND current_setting('cx.notify')::boolean THEN
		PERFORM pg_notify('cx_outbox', '');
	END IF;
	RETURN true;
END
$$;
COMMENT ON FUNCTION cx.climb(text, bigint, integer, oid, timestamptz) IS 'lets a ticket or a task climb to a tier above its unit, 1 for the next, or to the top, and tells the manager there; false if it is there already. Takes the rights of the program''s owner';

CREATE FUNCTION cx.tier_at(due timestamptz, at timestamptz, every interval, calendar text, unit bigint) RETURNS integer
	LANGUAGE sql STABLE PARALLEL SAFE
	RETURN CASE WHEN at > due THEN 1 + least(100, floor(cx.spent_seconds(due, at, cx.usable_calendar(calendar, unit)) / extract(epoch FROM every)::double precision))::integer ELSE 0 END;
COMMENT ON FUNCTION cx.tier_at(timestamptz, timestamptz, interval, text, bigint) IS 'tiers that what was due at a time has to climb until another one: one at once, and one more after each interval of business time; 0 if it is not due yet';

CREATE FUNCTION cx.owner_escalate(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	at CONSTANT timestamptz := (argument ->> 'as_of')::timestamptz;
	late record;
	climbed bigint := 0;
BEGIN
	IF NOT cx.owns_program(caller) AND NOT cx.role_has_level(caller, '{admin}') THEN
		RAISE EXCEPTION 'permission denied to escalate' USING ERRCODE = 'insufficient_privilege', HINT = 'It takes access as an admin; cx.maintain() does it regularly.';
	END IF;
	IF at > now() THEN
		RAISE EXCEPTION 'as_of is in the future' USING ERRCODE = 'invalid_parameter_value', HINT = 'Leave it out for now.';
	END IF;
	-- whoever else escalates just now, or works on a ticket, is not waited for: the next run sees to it; what is left of a
	-- source that was detached is a record, and rests
	FOR late IN
		SELECT t.ticket_id, t.escalation_level AS reached, cx.tier_at(least(CASE WHEN t.first_responded_at IS NULL THEN t.first_response_due_at END, t.resolution_due_at), at, p.escalate_every, t.calendar, t.org_unit_id) AS tier
		FROM cx_data.ticket AS t JOIN cx_data.sla_policy AS p USING (sla_policy_id)
		WHERE t.status NOT IN ('solved', 'closed') AND NOT EXISTS (SELECT FROM cx_data.source AS r WHERE r.source_id = t.source_id AND r.relation IS NULL)
			AND ((t.first_responded_at IS NULL AND t.first_response_due_at < at) OR t.resolution_due_at < at)
		ORDER BY t.ticket_id FOR NO KEY UPDATE OF t SKIP LOCKED
	LOOP
		climbed := climbed + (late.tier > late.reached AND cx.climb('ticket', late.ticket_id, late.tier, caller, at))::integer;
	END LOOP;
	FOR late IN
		SELECT k.ticket_task_id, k.ticket_id, k.escalation_level AS reached,
			cx.tier_at(CASE k.status WHEN 'blocked' THEN least(k.blocked_at, k.due_at) ELSE k.due_at END, at, coalesce(p.escalate_every, '4 hours'), t.calendar, k.org_unit_id) AS tier
		FROM cx_data.ticket_task AS k JOIN cx_data.ticket AS t USING (ticket_id) LEFT JOIN cx_data.sla_policy AS p USING (sla_policy_id)
		WHERE k.status IN ('open', 'blocked') AND (k.due_at < at OR (k.status = 'blocked' AND k.blocked_at < at))
		ORDER BY k.ticket_task_id FOR NO KEY UPDATE OF k SKIP LOCKED
	LOOP
		climbed := climbed + (late.tier > late.reached AND cx.climb('task', late.ticket_task_id, late.tier, caller, at))::integer;
	END LOOP;
	RETURN to_jsonb(climbed);
END
$$;
COMMENT ON FUNCTION cx.owner_escalate(jsonb, oid) IS 'does the work of escalate_overdue with the rights of the program''s owner';

CREATE FUNCTION cx.escalate_overdue(as_of timestamptz DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	PERFORM cx.require_read_committed();
	RETURN cx.as_program_owner('escalate', jsonb_build_object('as_of', coalesce(as_of, now())))::bigint;
END
$$;
COMMENT ON FUNCTION cx.escalate_overdue(timestamptz) IS 'lets tickets and tasks climb that are overdue or blocked: to the unit above when they are due, and one tier more after each escalate_every of their service level; each step is in the history, raises an alert and tells the manager there. Gives how many climbed; doing it again at the same time changes nothing. cx.maintain() calls it';
-- Routing: who works on a ticket, and what he needs to know

CREATE FUNCTION cx.route_candidates(ticket bigint) RETURNS TABLE (staff_id bigint, place bigint)
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
	RETURN QUERY
	SELECT s.staff_id, row_number() OVER (ORDER BY s.staff_id IS NOT DISTINCT FROM p.owner_staff_id DESC,
		(SELECT count(*) FROM unnest(s.skills) AS skill WHERE skill IN (p.code, g.code, p.channel, c.segment)) DESC, l.tickets, s.staff_id)
	FROM cx_data.ticket AS t
	LEFT JOIN cx_data.touchpoint AS p USING (touchpoint_id)
	LEFT JOIN cx_data.stage AS g USING (stage_id)
	LEFT JOIN cx_data.customer AS c ON c.customer_id = t.customer_id
	JOIN cx_data.staff AS s ON s.org_unit_id = t.org_unit_id OR s.staff_id = p.owner_staff_id
	CROSS JOIN LATERAL (SELECT count(*) AS tickets FROM cx_data.ticket AS k WHERE k.staff_id = s.staff_id AND k.status NOT IN ('solved', 'closed')) AS l
	WHERE t.ticket_id = ticket AND l.tickets < s.max_tickets;
END
$$;
COMMENT ON FUNCTION cx.route_candidates(bigint) IS 'members of staff who could take a ticket, the best first: the owner of the touchpoint, then those of the unit, who knows touchpoint, stage, channel and segment best, of these who has least to do';

CREATE FUNCTION cx.take_if_free(ticket bigint, person bigint, caller oid, waits boolean) RETURNS boolean
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	most integer;
BEGIN
	IF waits THEN
		SELECT s.max_tickets INTO most FROM cx_data.staff AS s WHERE s.staff_id = person FOR NO KEY UPDATE;
	ELSE
		SELECT s.max_tickets INTO most FROM cx_data.staff AS s WHERE s.staff_id = person FOR NO KEY UPDATE SKIP LOCKED;
	END IF;
	-- counted under the lock, so that no two routers give the last place away
	IF NOT FOUND OR (SELECT count(*) FROM cx_data.ticket AS k WHERE k.staff_id = person AND k.status NOT IN ('solved', 'closed')) >= most THEN
		-- undone, which takes the lock off: two routers that keep one each might wait for each other's
		RAISE SQLSTATE 'CX000';
	END IF;
	PERFORM cx.give_ticket(ticket, person, NULL, caller, cx.ticket_time(ticket, NULL, caller), NULL);
	RETURN true;
EXCEPTION WHEN SQLSTATE 'CX000' THEN
	RETURN false;
END
$$;
COMMENT ON FUNCTION cx.take_if_free(bigint, bigint, oid, boolean) IS 'gives a ticket to a member of staff unless that is one too many; without waiting for others who give him one just now, if so wanted. Part of route_ticket';

CREATE FUNCTION cx.give_to_best(ticket bigint, caller oid, waits boolean) RETURNS text
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	candidates CONSTANT bigint[] := ARRAY(SELECT c.staff_id FROM cx.route_candidates(ticket) AS c ORDER BY c.place);
	person bigint;
	is_second boolean;
BEGIN
	FOREACH is_second IN ARRAY CASE WHEN waits THEN '{false,true}' ELSE '{false}' END::boolean[] LOOP
		FOREACH person IN ARRAY candidates LOOP
			IF cx.take_if_free(ticket, person, caller, is_second) THEN
				RETURN (SELECT s.code FROM cx_data.staff AS s WHERE s.staff_id = person);
			END IF;
		END LOOP;
	END LOOP;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.give_to_best(bigint, oid, boolean) IS 'gives a ticket to the best member of staff who is free; gives his code, NULL if there is nobody. Where all who are free are just given others it waits, if so wanted. Part of route_ticket';

CREATE FUNCTION cx.give_first(caller oid, waits boolean, units bigint[], owners bigint[], OUT ticket_id bigint, OUT staff text)
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	seen CONSTANT bigint[] := CASE WHEN NOT cx.unit_is_visible(NULL, caller) THEN cx.units_of_role(caller) END;
	unrouted refcursor;
BEGIN
	-- one by one, so that others who route take the next ones
	IF units IS NULL THEN
		OPEN unrouted FOR
			SELECT t.ticket_id FROM cx_data.ticket AS t
			WHERE t.staff_id IS NULL AND t.status NOT IN ('solved', 'closed') AND t.source_id IS NULL AND (seen IS NULL OR t.org_unit_id = ANY (seen))
			ORDER BY t.first_response_due_at, t.ticket_id LIMIT 5 FOR NO KEY UPDATE SKIP LOCKED;
	ELSE
		OPEN unrouted FOR
			SELECT t.ticket_id FROM cx_data.ticket AS t
			WHERE t.staff_id IS NULL AND t.status NOT IN ('solved', 'closed') AND t.source_id IS NULL AND (seen IS NULL OR t.org_unit_id = ANY (seen))
				AND (t.org_unit_id = ANY (units) OR t.touchpoint_id IN (SELECT p.touchpoint_id FROM cx_data.touchpoint AS p WHERE p.owner_staff_id = ANY (owners)))
			ORDER BY t.first_response_due_at, t.ticket_id LIMIT 100 FOR NO KEY UPDATE OF t SKIP LOCKED;
	END IF;
	LOOP
		FETCH unrouted INTO ticket_id;
		EXIT WHEN NOT FOUND;
		staff := cx.give_to_best(ticket_id, caller, waits);
		EXIT WHEN staff IS NOT NULL;
	END LOOP;
	CLOSE unrouted;
END
$$;
COMMENT ON FUNCTION cx.give_first(oid, boolean, bigint[], bigint[]) IS 'gives the most urgent ticket for which somebody is free: of the first five that wait, or of the first hundred in these units or at touchpoints of these owners. staff is NULL if there is none. Part of route_ticket';

CREATE FUNCTION cx.owner_route(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	wanted CONSTANT bigint := (argument -> 'ticket')::bigint;
	-- a transaction that has written before may hold what the other one waits for
	waits CONSTANT boolean := pg_current_xact_id_if_assigned() IS NULL;
	free record;
	given record;
BEGIN
	IF wanted IS NOT NULL THEN
		PERFORM cx.lock_ticket(wanted, caller);
		PERFORM cx.check_lives_here(wanted);
		IF (SELECT t.solved_at IS NOT NULL FROM cx_data.ticket AS t WHERE t.ticket_id = wanted) THEN
			RAISE EXCEPTION 'ticket % is solved', wanted USING ERRCODE = 'object_not_in_prerequisite_state', HINT = format('SELECT cx.reopen(%s, ''why'') first.', wanted);
		END IF;
		-- who works on it already goes on
		RETURN jsonb_build_object('ticket_id', wanted, 'staff',
			coalesce((SELECT s.code FROM cx_data.ticket AS t JOIN cx_data.staff AS s USING (staff_id) WHERE t.ticket_id = wanted), cx.give_to_best(wanted, caller, waits)));
	END IF;
	PERFORM cx.check_may_work(caller);
	given := cx.give_first(caller, false, NULL, NULL);
	IF given.staff IS NULL THEN
		-- nobody is free for the first ones; whoever is free may be so for others
		SELECT coalesce(array_agg(DISTINCT s.org_unit_id), '{}') AS units, array_agg(s.staff_id) AS owners INTO free FROM cx_data.staff AS s
		WHERE (SELECT count(*) FROM cx_data.ticket AS k WHERE k.staff_id = s.staff_id AND k.status NOT IN ('solved', 'closed')) < s.max_tickets;
		IF free.owners IS NOT NULL THEN
			given := cx.give_first(caller, false, free.units, free.owners);
			IF given.staff IS NULL AND waits THEN
				given := cx.give_first(caller, true, free.units, free.owners);
			END IF;
		END IF;
	END IF;
	RETURN CASE WHEN given.staff IS NOT NULL THEN jsonb_build_object('ticket_id', given.ticket_id, 'staff', given.staff) ELSE '{}' END;
END
$$;
COMMENT ON FUNCTION cx.owner_route(jsonb, oid) IS 'does the work of route_ticket with the rights of the program''s owner';

CREATE FUNCTION cx.route_ticket(ticket bigint DEFAULT NULL, OUT ticket_id bigint, OUT staff text)
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	routed jsonb;
BEGIN
	PERFORM cx.require_program();
	PERFORM cx.require_read_committed();
	routed := cx.as_program_owner('route', jsonb_strip_nulls(jsonb_build_object('ticket', ticket)));
	ticket_id := (routed -> 'ticket_id')::bigint;
	staff := routed ->> 'staff';
END
$$;
COMMENT ON FUNCTION cx.route_ticket(bigint) IS 'gives a ticket, or without one the most urgent that nobody works on, to a member of staff: the owner of the touchpoint, then somebody of the unit, who knows touchpoint, stage, channel and segment (column skills) and has least to do; nobody gets more than max_tickets. Gives the ticket and the code of that person, or of the one who works on it already; NULL if nobody is free';

CREATE FUNCTION cx.ticket_brief(ticket bigint) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	brief jsonb;
BEGIN
	SELECT jsonb_strip_nulls(jsonb_build_object(
		'ticket', to_jsonb(d) - '{customer,customer_name}'::text[],
		'subject', t.subject,
		'detail', t.detail,
		'action_taken', t.action_taken,
		'customer', (SELECT to_jsonb(p) FROM cx_data.customer_profile AS p WHERE p.customer_id = t.customer_id),
		'risk', cx.risk_of_customer(t.customer_id),
		'value', (SELECT NULLIF(c.attributes, '{}') FROM cx_data.customer AS c WHERE c.customer_id = t.customer_id),
		'last_feedback', (SELECT jsonb_build_object('responded_at', f.responded_at, 'kind', f.kind, 'metric', f.metric, 'score', f.score, 'comment', f.comment, 'channel', f.channel)
			FROM cx_data.feedback AS f WHERE f.customer_id = t.customer_id ORDER BY f.responded_at DESC, f.feedback_id DESC LIMIT 1),
		'history', (SELECT jsonb_agg(to_jsonb(h) ORDER BY h.happened_at DESC) FROM (
			SELECT l.* FROM cx_data.customer AS c CROSS JOIN LATERAL cx.customer_timeline(c.code) AS l WHERE c.customer_id = t.customer_id ORDER BY l.happened_at DESC LIMIT 10) AS h),
		'open_tickets', (SELECT jsonb_agg(jsonb_build_object('ticket_id', o.ticket_id, 'subject', o.subject, 'status', o.status, 'priority', o.priority, 'opened_at', o.opened_at) ORDER BY o.opened_at DESC)
			FROM cx_data.ticket AS o WHERE o.customer_id = t.customer_id AND o.ticket_id <> t.ticket_id AND o.status NOT IN ('solved', 'closed')),
		'tasks', (SELECT jsonb_agg(jsonb_build_object('ticket_task_id', k.ticket_task_id, 'org_unit', u.code, 'subject', k.subject, 'status', k.status, 'due_at', k.due_at, 'blocked_reason', k.blocked_reason) ORDER BY k.ticket_task_id)
			FROM cx_data.ticket_task AS k LEFT JOIN cx_data.org_unit AS u USING (org_unit_id) WHERE k.ticket_id = t.ticket_id),
		'events', (SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('occurred_at', e.occurred_at, 'kind', e.kind, 'status', e.status, 'level', e.level, 'automatic', e.automatic, 'note', e.note, 'actor', e.actor)) ORDER BY e.ticket_event_id)
			FROM cx_data.ticket_event AS e WHERE e.ticket_id = t.ticket_id)))
	INTO brief
	FROM cx_data.ticket AS t JOIN cx_data.ticket_detail AS d USING (ticket_id) WHERE t.ticket_id = ticket;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'ticket % does not exist', ticket
			USING ERRCODE = 'undefined_object', HINT = 'SELECT ticket_id, subject FROM cx_data.ticket_queue shows those that are not solved.';
	END IF;
	RETURN brief;
END
$$;
COMMENT ON FUNCTION cx.ticket_brief(bigint) IS 'all that somebody needs to work on a ticket, on one page: the ticket, the customer and what is known of him (customer_profile), how likely he is to leave and why (customer_churn_risk), his value (attributes), his last feedback, the last ten things that happened, his other tickets, tasks and history; reads with the caller''s rights';
-- Tickets that live in a table of the user's own: what follows from their changes
--
-- Capture writes what the table says into cx_data.ticket.  These triggers add
-- what it does not say, the deadlines, and the history.  They run within the
-- statements of those who write to the table, one row or many thousand at a time.

CREATE FUNCTION cx.attached_ticket_written() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	-- a ticket that came solved, and does not say since when, was so when it was changed last, else when it was opened
	at CONSTANT timestamptz := greatest(NEW.opened_at, coalesce(NEW.changed_at, CASE TG_OP WHEN 'UPDATE' THEN now() END));
	is_solved CONSTANT boolean := NEW.status IN ('solved', 'closed');
BEGIN
	IF is_solved THEN
		NEW.solved_at := coalesce(NEW.solved_at, at);
		NEW.first_responded_at := coalesce(NEW.first_responded_at, NEW.solved_at);
	END IF;
	IF NEW.status = 'closed' THEN
		NEW.closed_at := coalesce(NEW.closed_at, greatest(at, NEW.solved_at));
	END IF;
	IF TG_OP = 'UPDATE' THEN
		IF NOT is_solved AND (OLD.status IN ('solved', 'closed') OR NEW.reopen_count > OLD.reopen_count) THEN
			NEW.reopened_at := at;
			NEW.escalation_level := 0;
			NEW.escalated_unit_id := NULL;
		ELSIF OLD.first_responded_at IS NULL AND NEW.first_responded_at IS NOT NULL THEN
			NEW.escalation_level := 0;
			NEW.escalated_unit_id := NULL;
		END IF;
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION cx.attached_ticket_written() IS 'trigger on cx_data.ticket: when a ticket of an attached table was solved, closed, first answered and reopened, where the table does not say. Solved: when it was closed; else when it was changed last, as changed_at says, or in a statement that solves it now; else, if it came solved, when it was opened';

CREATE FUNCTION cx.attached_tickets_added() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
	tickets CONSTANT bigint[] := ARRAY(SELECT n.ticket_id FROM came AS n WHERE n.source_id IS NOT NULL);
BEGIN
	IF tickets = '{}' THEN
		RETURN NULL;
	END IF;
	INSERT INTO cx_data.ticket_event (ticket_id, kind, status, staff_id, to_unit_id, automatic, actor, occurred_at)
	SELECT n.ticket_id, e.kind, e.status, e.staff_id, e.unit_id, e.automatic, session_user, e.at
	FROM came AS n
	CROSS JOIN LATERAL (VALUES
		(1, true, 'opened', CASE WHEN n.solved_at IS NULL THEN n.status ELSE 'open' END, n.staff_id, n.org_unit_id, NULL::boolean, n.opened_at),
		(2, n.first_responded_at IS NOT NULL AND n.first_responded_at IS DISTINCT FROM n.solved_at, 'reply', NULL, NULL, NULL, false, greatest(n.first_responded_at, n.opened_at)),
		(3, n.solved_at IS NOT NULL, 'status', 'solved', NULL, NULL, NULL, greatest(n.solved_at, n.opened_at)),
		(4, n.status = 'closed', 'status', 'closed', NULL, NULL, NULL, greatest(n.closed_at, n.solved_at, n.opened_at))
	) AS e (place, happened, kind, status, staff_id, unit_id, automatic, at)
	WHERE n.source_id IS NOT NULL AND e.happened
	ORDER BY n.ticket_id, e.at, e.place;
	PERFORM cx.set_ticket_terms(tickets, true);
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.attached_tickets_added() IS 'trigger on cx_data.ticket: the history of tickets that come from an attached table, as far as their rows tell it, and their deadlines';

CREATE FUNCTION cx.attached_tickets_changed() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
	-- one plan for one row and for many: the two sets are joined by a hash table, the history is read by index
	SET enable_nestloop = off SET enable_hashjoin = on SET enable_seqscan = off SET jit = off
	AS $$
DECLARE
	changed record;
BEGIN
	SELECT array_agg(n.ticket_id) AS tickets,
		array_agg(n.ticket_id) FILTER (WHERE (n.priority, n.touchpoint_id, n.org_unit_id, n.opened_at) IS DISTINCT FROM (o.priority, o.touchpoint_id, o.org_unit_id, o.opened_at)) AS with_new_terms,
		array_agg(n.ticket_id) FILTER (WHERE (n.touchpoint_id, n.org_unit_id) IS DISTINCT FROM (o.touchpoint_id, o.org_unit_id)) AS with_new_place,
		array_agg(n.ticket_id) FILTER (WHERE n.status <> o.status) AS with_new_status,
		array_agg(n.ticket_id) FILTER (WHERE n.solved_at IS NOT NULL AND o.solved_at IS NULL) AS solved
	INTO changed
	FROM came AS n JOIN went AS o USING (ticket_id)
	WHERE n.source_id IS NOT NULL
		AND (n.status, n.priority, n.touchpoint_id, n.org_unit_id, n.staff_id, n.opened_at, n.first_responded_at) IS DISTINCT FROM (o.status, o.priority, o.touchpoint_id, o.org_unit_id, o.staff_id, o.opened_at, o.first_responded_at);
	IF changed.tickets IS NULL THEN
		RETURN NULL;
	END IF;
	INSERT INTO cx_data.ticket_event (ticket_id, kind, status, staff_id, to_unit_id, note, automatic, actor, occurred_at)
	SELECT c.ticket_id, e.kind, e.status, e.staff_id, e.unit_id, e.note, e.automatic, session_user, greatest(e.at, c.last_at)
	FROM (
		SELECT n.*, o.status AS old_status, o.priority AS old_priority, o.staff_id AS old_staff_id, o.org_unit_id AS old_unit_id, o.solved_at IS NOT NULL AS was_solved, o.first_responded_at IS NOT NULL AS was_answered,
			coalesce(n.changed_at, now()) AS at, (SELECT max(h.occurred_at) FROM cx_data.ticket_event AS h WHERE h.ticket_id = n.ticket_id) AS last_at
		FROM came AS n JOIN went AS o USING (ticket_id)
		WHERE n.source_id IS NOT NULL
			AND (n.status, n.priority, n.org_unit_id, n.staff_id, n.first_responded_at IS NULL) IS DISTINCT FROM (o.status, o.priority, o.org_unit_id, o.staff_id, o.first_responded_at IS NULL)
	) AS c
	CROSS JOIN LATERAL (VALUES
		(1, (c.staff_id, c.org_unit_id) IS DISTINCT FROM (c.old_staff_id, c.old_unit_id), 'assigned', NULL::text, c.staff_id, CASE WHEN c.org_unit_id IS DISTINCT FROM c.old_unit_id THEN c.org_unit_id END, NULL::text, NULL::boolean, c.at),
		(2, c.priority <> c.old_priority, 'priority', NULL, NULL, NULL, c.priority, NULL, c.at),
		(3, NOT c.was_answered AND c.first_responded_at IS NOT NULL AND c.first_responded_at IS DISTINCT FROM c.solved_at, 'reply', NULL, NULL, NULL, NULL, false, c.first_responded_at),
		(4, NOT c.was_solved AND c.solved_at IS NOT NULL, 'status', 'solved', NULL, NULL, NULL, NULL, c.solved_at),
		(5, c.status = 'closed' AND c.old_status <> 'closed', 'status', 'closed', NULL, NULL, NULL, NULL, greatest(c.closed_at, c.solved_at)),
		(6, c.status <> c.old_status AND c.status <> 'closed' AND (c.status <> 'solved' OR c.was_solved), 'status', c.status, NULL, NULL, NULL, NULL, c.at)
	) AS e (place, happened, kind, status, staff_id, unit_id, note, automatic, at)
	WHERE e.happened
	ORDER BY c.ticket_id, greatest(e.at, c.last_at), e.place;
	PERFORM cx.follow_attached_tickets(changed.with_new_terms, changed.with_new_place, changed.with_new_status, changed.solved);
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.attached_tickets_changed() IS 'trigger on cx_data.ticket: what changed of tickets of an attached table becomes part of their history, at the time their table says, else now, and never before their last entry; and their deadlines follow';

CREATE FUNCTION cx.follow_attached_tickets(with_new_terms bigint[], with_new_place bigint[], with_new_status bigint[], solved bigint[]) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
	-- by index, for one ticket and for many
	SET enable_nestloop = on SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off SET jit = off
	AS $$
BEGIN
	IF with_new_place IS NOT NULL THEN
		UPDATE cx_data.ticket AS t SET owner_staff_id = cx.ticket_owner(t.touchpoint_id, t.org_unit_id) WHERE t.ticket_id = ANY (with_new_place);
	END IF;
	IF with_new_terms IS NOT NULL THEN
		PERFORM cx.set_ticket_terms(with_new_terms, false);
	END IF;
	IF with_new_status IS NOT NULL THEN
		UPDATE cx_data.ticket AS t SET resolution_due_at = cx.resolution_due(t.ticket_id) WHERE t.ticket_id = ANY (with_new_status) AND t.ticket_id <> ALL (coalesce(with_new_terms, '{}'));
	END IF;
	IF solved IS NOT NULL THEN
		UPDATE cx_data.alert AS a SET status = 'resolved' WHERE a.ticket_id = ANY (solved) AND a.status <> 'resolved';
	END IF;
END
$$;
COMMENT ON FUNCTION cx.follow_attached_tickets(bigint[], bigint[], bigint[], bigint[]) IS 'what follows once the history of tickets of an attached table is written: whoever answers for them, deadlines, and alerts that are resolved with them; takes the rights of the program''s owner';
-- The type cx.predictor

CREATE TYPE cx.predictor;

CREATE FUNCTION cx.predictor_in(cstring) RETURNS cx.predictor
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION cx.predictor_out(cx.predictor) RETURNS cstring
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION cx.predictor_recv(internal) RETURNS cx.predictor
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION cx.predictor_send(cx.predictor) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE TYPE cx.predictor (
	INPUT = cx.predictor_in,
	OUTPUT = cx.predictor_out,
	RECEIVE = cx.predictor_recv,
	SEND = cx.predictor_send,
	INTERNALLENGTH = VARIABLE,
	STORAGE = extended
);

COMMENT ON TYPE cx.predictor IS 'a trained model as a value: what it was told of each feature, and how it predicts; its text form is base64';
COMMENT ON FUNCTION cx.predictor_in(cstring) IS 'text input of predictor';
COMMENT ON FUNCTION cx.predictor_out(cx.predictor) IS 'text output of predictor';
COMMENT ON FUNCTION cx.predictor_recv(internal) IS 'binary input of predictor';
COMMENT ON FUNCTION cx.predictor_send(cx.predictor) IS 'binary output of predictor';

CREATE FUNCTION cx.predictor_eq(cx.predictor, cx.predictor) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.predictor_eq(cx.predictor, cx.predictor) IS 'implementation of = operator';

CREATE OPERATOR cx.= (
	LEFTARG = cx.predictor, RIGHTARG = cx.predictor, FUNCTION = cx.predictor_eq,
	COMMUTATOR = OPERATOR(cx.=), RESTRICT = pg_catalog.eqsel, JOIN = pg_catalog.eqjoinsel
);
COMMENT ON OPERATOR cx.= (cx.predictor, cx.predictor) IS 'the same model, to the last bit';

-- How well a score tells those with an event from those without

-- support functions of all aggregates over scores and outcomes

CREATE FUNCTION cx.number_columns_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.number_columns_combine(internal, internal) IS 'both states together; support function of roc_area, roc_difference and evaluation';

CREATE FUNCTION cx.number_columns_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.number_columns_serialize(internal) IS 'the state as bytes for another process; support function of roc_area, roc_difference and evaluation';

CREATE FUNCTION cx.number_columns_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.number_columns_deserialize(bytea, internal) IS 'the state out of bytes; support function of roc_area, roc_difference and evaluation';

CREATE FUNCTION cx.roc_area_add(state internal, score double precision, outcome boolean) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.roc_area_add(internal, double precision, boolean) IS 'adds one row; support function of roc_area';

CREATE FUNCTION cx.roc_area_final(internal) RETURNS cx.estimate
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.roc_area_final(internal) IS 'final function of roc_area';

CREATE AGGREGATE cx.roc_area(score double precision, outcome boolean) (
	SFUNC = cx.roc_area_add, STYPE = internal, FINALFUNC = cx.roc_area_final,
	COMBINEFUNC = cx.number_columns_combine, SERIALFUNC = cx.number_columns_serialize, DESERIALFUNC = cx.number_columns_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.roc_area(double precision, boolean) IS 'area under the ROC curve, 0..1: the share of pairs of a row with the outcome and one without in which the former has the higher score, ties half; 0.5 tells nothing. Standard error of DeLong, DeLong and Clarke-Pearson (1988), 95 % normal interval cut off at 0 and 1; responses are rows. Rows with a NULL are left out; NULL without any; a NULL value if only one outcome occurs. A score is any finite number. Memory: 16 bytes a row while reading, at most twice that while it grows, 24 more at the end';

CREATE FUNCTION cx.roc_difference_add(state internal, outcome boolean, before_score double precision, after_score double precision) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.roc_difference_add(internal, boolean, double precision, double precision) IS 'adds one row; support function of roc_difference';

CREATE FUNCTION cx.roc_difference_final(internal) RETURNS cx.change
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.roc_difference_final(internal) IS 'final function of roc_difference';

CREATE AGGREGATE cx.roc_difference(outcome boolean, before_score double precision, after_score double precision) (
	SFUNC = cx.roc_difference_add, STYPE = internal, FINALFUNC = cx.roc_difference_final,
	COMBINEFUNC = cx.number_columns_combine, SERIALFUNC = cx.number_columns_serialize, DESERIALFUNC = cx.number_columns_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.roc_difference(boolean, double precision, double precision) IS 'area under the ROC curve of the second score minus that of the first, on the same rows, -1..1: paired normal test of DeLong, DeLong and Clarke-Pearson (1988) with its 95 % interval; responses are rows on both sides. Rows with a NULL are left out; NULL without any. Memory: 24 bytes a row while reading, at most twice that while it grows, 32 more at the end';
-- Reports on predictions whose outcome is known

CREATE FUNCTION cx.evaluation_add(state internal, probability double precision, outcome boolean) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.evaluation_add(internal, double precision, boolean) IS 'adds one row; support function of evaluation';

CREATE FUNCTION cx.evaluation_final(internal) RETURNS jsonb
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.evaluation_final(internal) IS 'final function of evaluation';

CREATE AGGREGATE cx.evaluation(probability double precision, outcome boolean) (
	SFUNC = cx.evaluation_add, STYPE = internal, FINALFUNC = cx.evaluation_final,
	COMBINEFUNC = cx.number_columns_combine, SERIALFUNC = cx.number_columns_serialize, DESERIALFUNC = cx.number_columns_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.evaluation(double precision, boolean) IS 'report on predicted probabilities (0..1) of an outcome that is known by now: rows, events, base_rate, mean_probability; auc with auc_std_error, auc_lower and auc_upper as roc_area gives them, gini (2 auc - 1), ks (Kolmogorov-Smirnov distance); log_loss (natural logarithm, probabilities at least 1e-15 from 0 and 1), brier (mean squared error); accuracy, precision, recall and counts where 0.5 and more predicts the event, base_accuracy of always saying the commoner outcome; calibration_error (mean distance of predicted and observed over tenths of the rows); lift, calibration and roc, which lift_table, calibration_table and roc_table read. Rows of the same probability share their events out, so the order of rows does not matter. What is undefined is null, rows with a NULL are left out; NULL without any. Memory as roc_area';

CREATE FUNCTION cx.evaluation_of_numbers_add(state internal, predicted double precision, outcome double precision) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.evaluation_of_numbers_add(internal, double precision, double precision) IS 'adds one row; support function of evaluation_of_numbers';

CREATE FUNCTION cx.evaluation_of_numbers_final(internal) RETURNS jsonb
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.evaluation_of_numbers_final(internal) IS 'final function of evaluation_of_numbers';

CREATE AGGREGATE cx.evaluation_of_numbers(predicted double precision, outcome double precision) (
	SFUNC = cx.evaluation_of_numbers_add, STYPE = internal, FINALFUNC = cx.evaluation_of_numbers_final,
	COMBINEFUNC = cx.number_columns_combine, SERIALFUNC = cx.number_columns_serialize, DESERIALFUNC = cx.number_columns_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.evaluation_of_numbers(double precision, double precision) IS 'report on predicted numbers whose outcome is known by now: rows, mean_predicted, mean_outcome, rmse (root of the mean squared error), mae (mean absolute error), both in the unit of the outcome, r_squared (1 - squared errors / squared deviations from the mean outcome; negative if the mean predicts better), and calibration, which calibration_table reads. What is undefined is null, rows with a NULL are left out; NULL without any. Memory as roc_area';

CREATE FUNCTION cx.lift_table(report jsonb) RETURNS TABLE (decile integer, rows bigint, events double precision, lowest_probability double precision, rate double precision, lift double precision, cumulative_lift double precision, capture double precision)
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	BEGIN ATOMIC
		SELECT t.decile, t.rows, t.events, t.lowest_probability, t.rate, t.lift, t.cumulative_lift, t.capture
		FROM pg_catalog.jsonb_to_recordset(pg_catalog.jsonb_extract_path(report, 'lift'))
			AS t (decile integer, rows bigint, events double precision, lowest_probability double precision, rate double precision, lift double precision, cumulative_lift double precision, capture double precision)
		ORDER BY t.decile;
	END;
COMMENT ON FUNCTION cx.lift_table(jsonb) IS 'tenths of the rows of a report of evaluation, those with the highest probability first: decile 1..10, its rows (the first k tenths are that many rows rounded up) and events (not whole where rows of the same probability are divided), the lowest probability in it, rate (events / rows, 0..1), lift (rate / base rate), cumulative_lift and capture (share of all events, 0..1) of it and the deciles before it';

CREATE FUNCTION cx.calibration_table(report jsonb) RETURNS TABLE (bin integer, rows bigint, predicted double precision, observed double precision, observed_lower double precision, observed_upper double precision)
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	BEGIN ATOMIC
		SELECT t.bin, t.rows, t.predicted, t.observed, t.observed_lower, t.observed_upper
		FROM pg_catalog.jsonb_to_recordset(pg_catalog.jsonb_extract_path(report, 'calibration'))
			AS t (bin integer, rows bigint, predicted double precision, observed double precision, observed_lower double precision, observed_upper double precision)
		ORDER BY t.bin;
	END;
COMMENT ON FUNCTION cx.calibration_table(jsonb) IS 'ten bins of rows of a report of evaluation or evaluation_of_numbers, as ntile(10) makes them, the lowest prediction first: bin 1..10, its rows, the mean prediction, the mean outcome (of a probability the share of events, 0..1, with its 95 % Wilson interval)';

CREATE FUNCTION cx.roc_table(report jsonb) RETURNS TABLE (threshold double precision, false_positive_rate double precision, true_positive_rate double precision)
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	BEGIN ATOMIC
		SELECT t.threshold, t.false_positive_rate, t.true_positive_rate
		FROM pg_catalog.jsonb_to_recordset(pg_catalog.jsonb_extract_path(report, 'roc'))
			AS t (threshold double precision, false_positive_rate double precision, true_positive_rate double precision)
		ORDER BY t.true_positive_rate, t.false_positive_rate;
	END;
COMMENT ON FUNCTION cx.roc_table(jsonb) IS 'points of the ROC curve of a report of evaluation, at most 201: which share of those without the event (false_positive_rate) and with it (true_positive_rate) have at least the probability threshold, NULL where no row is taken; none if only one outcome occurs';
-- Risk of leaving from signals, without a trained model

CREATE FUNCTION cx.churn_risk_add(state double precision[], log_odds double precision, at timestamptz, as_of timestamptz, half_life interval, base_rate double precision) RETURNS double precision[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.churn_risk_add(double precision[], double precision, timestamptz, timestamptz, interval, double precision) IS 'adds one signal; support function of churn_risk';

CREATE FUNCTION cx.churn_risk_combine(state double precision[], other double precision[]) RETURNS double precision[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.churn_risk_combine(double precision[], double precision[]) IS 'puts two states together; support function of churn_risk';

CREATE FUNCTION cx.churn_risk_final(state double precision[]) RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.churn_risk_final(double precision[]) IS 'gives the risk; support function of churn_risk';

CREATE FUNCTION cx.decayed_log_odds(log_odds double precision, at timestamptz, as_of timestamptz, half_life interval) RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.decayed_log_odds(double precision, timestamptz, timestamptz, interval) IS 'what a signal adds to the log-odds in churn_risk: log_odds 2^(-(as_of - at) / half_life), 0 if it happens after as_of';

CREATE AGGREGATE cx.churn_risk(log_odds double precision, at timestamptz, as_of timestamptz, half_life interval, base_rate double precision) (
	SFUNC = cx.churn_risk_add, STYPE = double precision[], INITCOND = '{0,0}',
	FINALFUNC = cx.churn_risk_final, COMBINEFUNC = cx.churn_risk_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.churn_risk(double precision, timestamptz, timestamptz, interval, double precision) IS 'risk of leaving from signals, 0..1: logistic(logit(base_rate) + sum of log_odds 2^(-(as_of - at) / half_life)). log_odds is the natural logarithm of the factor by which a signal multiplies the odds of leaving; signals after as_of count nothing, and so do rows with NULL log_odds, as of a customer without signals, whose risk is base_rate; NULL if there are no rows. half_life in days or hours (a day is 24 hours), no months, may differ from signal to signal; base_rate between 0 and 1, the same for all rows of a group';
-- Whether customers still are as they were when a model was trained
--
-- A query runs with the search_path of the caller, as journey/query.sql says.

CREATE FUNCTION cx.drift_of(query text, predictor cx.predictor, profile jsonb, OUT feature text, OUT psi double precision, OUT by_chance double precision, OUT band text, OUT row_count bigint) RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C STRICT;
COMMENT ON FUNCTION cx.drift_of(text, cx.predictor, jsonb) IS 'how far the rows of a query moved from the profile that a model was trained with; support function of drift';

CREATE FUNCTION cx.drift(model text, query text) RETURNS TABLE (feature text, psi double precision, by_chance double precision, band text, row_count bigint)
	LANGUAGE plpgsql AS $$
BEGIN
	PERFORM cx.query_columns(query);
	RETURN QUERY SELECT d.feature, d.psi, d.by_chance, d.band, d.row_count
	FROM cx.champion_to_watch(model) AS c CROSS JOIN LATERAL cx.drift_of(pg_catalog.format('SELECT * FROM %s AS given', cx.query_subselect(query)), c.predictor, c.profile) AS d;
END
$$;
COMMENT ON FUNCTION cx.drift(text, text) IS 'how far the rows of a query, with the columns of the training query, moved from those that the champion of a model was trained with: for each feature, and as (score) for what it says, the population stability index (0 if nothing moved), what chance alone exceeds in 5 of 100 samples of this size, and a band: stable below 0.1, shifting to 0.25, shifted above it, too few where 0.1 is no more than chance. Siddiqi 2006; Yurdakul and Naranjo 2020';

CREATE FUNCTION cx.owner_record_drift(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT cx.owns_program(caller) AND NOT has_table_privilege(caller, 'cx_data.model_drift', 'INSERT') THEN
		RAISE EXCEPTION 'permission denied to record how models drift'
			USING ERRCODE = 'insufficient_privilege', HINT = 'It takes access as an admin or INSERT on cx_data.model_drift; cx.drift() only looks.';
	END IF;
	INSERT INTO cx_data.model_drift (model, version, feature, psi, by_chance, band, row_count)
	SELECT argument ->> 'model', (argument -> 'version')::integer, d.feature, d.psi, d.by_chance, d.band, d.row_count
	FROM jsonb_to_recordset(argument -> 'drift') AS d (feature text, psi double precision, by_chance double precision, band text, row_count bigint);
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.owner_record_drift(jsonb, oid) IS 'notes how far a model drifted; part of record_drift, with the rights of the program''s owner';

CREATE FUNCTION cx.record_drift(model text, query text) RETURNS TABLE (feature text, psi double precision, by_chance double precision, band text, row_count bigint)
	LANGUAGE plpgsql SET extra_float_digits = 1 AS $$
DECLARE
	known record;
	measured pg_catalog.jsonb;
BEGIN
	PERFORM cx.query_columns(query);
	SELECT c.version, c.predictor, c.profile INTO known FROM cx.champion_to_watch(model) AS c;
	measured := (SELECT pg_catalog.jsonb_agg(pg_catalog.to_jsonb(d)) FROM cx.drift_of(pg_catalog.format('SELECT * FROM %s AS given', cx.query_subselect(query)), known.predictor, known.profile) AS d);
	PERFORM cx.as_program_owner('record_drift', pg_catalog.jsonb_build_object('model', model, 'version', known.version, 'drift', measured));
	RETURN QUERY SELECT d.feature, d.psi, d.by_chance, d.band, d.row_count
	FROM pg_catalog.jsonb_to_recordset(measured) AS d (feature text, psi double precision, by_chance double precision, band text, row_count bigint);
END
$$;
COMMENT ON FUNCTION cx.record_drift(text, text) IS 'what drift gives, and notes it in cx_data.model_drift, which alert rules may watch: cx.create_alert(name, ''cx_data.model_drift'', ''psi > 0.25'')';
-- Which rows a model is judged by

CREATE FUNCTION cx.holdout_share(key anyelement, seed bigint DEFAULT 1, copy bigint DEFAULT 1) RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.holdout_share(anyelement, bigint, bigint) IS 'where train puts a key, or a whole row of a query without one, between 0 and 1: it holds out what lies below its argument holdout. Equal values have one place, in whatever database; enum values go by their labels. Of equal whole rows each has a place of its own: copy is the number of a row among them, from 1 on, as row_number() OVER (PARTITION BY cx.holdout_share(row, seed)) gives it. Depends on nothing but the values of the key, or of all columns of the row in their order, seed and copy';
-- Training a model on the rows of a query
--
-- The query runs with the search_path of the caller, as journey/query.sql says.

CREATE FUNCTION cx.fit_model(query text, target text, algorithm text, key text, holdout double precision, seed bigint, options jsonb,
		OUT predictor cx.predictor, OUT outcome text, OUT row_count bigint, OUT event_count bigint, OUT report jsonb, OUT profile jsonb, OUT fit jsonb, OUT excluded jsonb)
	AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION cx.fit_model(text, text, text, text, double precision, bigint, jsonb) IS 'does the work of train without keeping the model: query stands in parentheses, as query_subselect gives it; the result is what cx_data.model keeps. Memory: 8 bytes for each row and feature, at most 100 million of them, boosting one or two bytes more, and up to 100 bytes for each row';

CREATE FUNCTION cx.check_may_train(role oid) RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT (cx.owns_program(role) OR has_table_privilege(role, 'cx_data.model', 'INSERT') OR cx.role_has_level(role, '{analyst,admin}')) THEN
		RAISE EXCEPTION 'permission denied to train models'
			USING ERRCODE = 'insufficient_privilege', HINT = 'It takes access as an analyst or an admin, or INSERT on cx_data.model.';
	END IF;
END
$$;
COMMENT ON FUNCTION cx.check_may_train(oid) IS 'raises an error unless a role may train models: owner of the program, admins, analysts and whoever may INSERT into cx_data.model';

CREATE FUNCTION cx.owner_check_may_train(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.check_may_train(caller);
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.owner_check_may_train(jsonb, oid) IS 'raises an error unless a role may train models; part of train, with the rights of the program''s owner';

CREATE FUNCTION cx.may_change_model(name text, role oid) RETURNS boolean
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN cx.owns_program(role) OR has_table_privilege(role, 'cx_data.model', 'UPDATE') OR cx.role_has_level(role, '{admin}')
		OR NOT EXISTS (SELECT FROM cx_data.model AS m WHERE m.name = may_change_model.name AND m.trained_by <> pg_get_userbyid(role));
END
$$;
COMMENT ON FUNCTION cx.may_change_model(text, oid) IS 'whether a role may say which version of a model scores, and drop versions: owner of the program, admins, whoever may UPDATE cx_data.model, and who trained all of its versions';

CREATE FUNCTION cx.benchmark_of(report jsonb) RETURNS jsonb
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	BEGIN ATOMIC
		SELECT pg_catalog.jsonb_object_agg(part.key, part.value) FROM pg_catalog.jsonb_each(report) AS part WHERE part.key IN ('kind', 'auc', 'auc_std_error', 'r_squared');
	END;
COMMENT ON FUNCTION cx.benchmark_of(jsonb) IS 'what of a report on rows held out the next version of a model is measured against: kind, auc and auc_std_error, or r_squared; NULL without a report';

CREATE FUNCTION cx.better_benchmark(a jsonb, b jsonb) RETURNS jsonb
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	BEGIN ATOMIC
		SELECT CASE WHEN b IS NULL OR coalesce((a ->> 'auc')::double precision, (a ->> 'r_squared')::double precision) >= coalesce((b ->> 'auc')::double precision, (b ->> 'r_squared')::double precision) THEN a ELSE coalesce(b, a) END;
	END;
COMMENT ON FUNCTION cx.better_benchmark(jsonb, jsonb) IS 'of two benchmarks of a model the one with the larger area under the ROC curve, or R squared';

CREATE FUNCTION cx.is_not_worse(report jsonb, benchmark jsonb) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	BEGIN ATOMIC
		SELECT coalesce(CASE WHEN report ->> 'kind' = 'probability' AND benchmark ->> 'kind' = 'probability'
				THEN (report ->> 'auc')::double precision >= (benchmark ->> 'auc')::double precision
					- least(1.959963984540054 * sqrt(coalesce((report ->> 'auc_std_error')::double precision, 0) ^ 2 + coalesce((benchmark ->> 'auc_std_error')::double precision, 0) ^ 2), 0.05)
			WHEN report ->> 'kind' = 'number' AND benchmark ->> 'kind' = 'number' THEN (report ->> 'r_squared')::double precision >= (benchmark ->> 'r_squared')::double precision - 0.02 END, false);
	END;
COMMENT ON FUNCTION cx.is_not_worse(jsonb, jsonb) IS 'whether a report on rows held out is not clearly worse than a benchmark, the best report of the champions so far: its area under the ROC curve is lower by no more than 1.96 standard errors of the difference (the roots of the sum of both squared), nor by more than 0.05, or of numbers R squared by no more than 0.02; false if one of them is missing. As the benchmark is the best so far, quality does not sink step by step';

CREATE FUNCTION cx.owner_register_model(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	entry record;
	before record;
	chosen CONSTANT boolean := (argument #>> '{options,champion}')::boolean;
	becomes_champion boolean;
	benchmark jsonb;
BEGIN
	PERFORM cx.check_may_train(caller);
	SELECT * INTO entry FROM jsonb_populate_record(NULL::cx_data.model, argument);
	-- one at a time
	LOCK TABLE cx_data.model IN SHARE ROW EXCLUSIVE MODE;
	SELECT max(m.version) AS version, bool_or(m.champion) AS has_champion, (array_agg(m.benchmark) FILTER (WHERE m.champion))[1] AS benchmark
	INTO before FROM cx_data.model AS m WHERE m.name = entry.name;
	becomes_champion := before.has_champion IS NOT TRUE
		OR (coalesce(chosen, cx.is_not_worse(entry.report, before.benchmark)) AND cx.may_change_model(entry.name, caller));
	IF becomes_champion THEN
		benchmark := cx.benchmark_of(entry.report);
		IF chosen IS NOT TRUE THEN
			benchmark := cx.better_benchmark(benchmark, before.benchmark);
		END IF;
		UPDATE cx_data.model AS m SET champion = false WHERE m.name = entry.name AND m.champion;
	END IF;
	INSERT INTO cx_data.model (name, version, champion, algorithm, outcome, query, columns, column_types, target, key, holdout, seed, options, row_count, event_count, report, benchmark, fit, profile, excluded, trained_by, predictor)
	VALUES (entry.name, coalesce(before.version, 0) + 1, becomes_champion, entry.algorithm, entry.outcome, entry.query, entry.columns, entry.column_types, entry.target, entry.key, entry.holdout, entry.seed, entry.options,
		entry.row_count, entry.event_count, entry.report, benchmark, entry.fit, entry.profile, entry.excluded, pg_get_userbyid(caller), entry.predictor);
	RETURN jsonb_build_object('version', coalesce(before.version, 0) + 1, 'champion', becomes_champion);
END
$$;
COMMENT ON FUNCTION cx.owner_register_model(jsonb, oid) IS 'keeps a model as a new version; part of train, with the rights of the program''s owner';

CREATE FUNCTION cx.keep_model(definition jsonb) RETURNS TABLE (version integer, champion boolean)
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	kept CONSTANT jsonb := cx.as_program_owner('register_model', definition);
BEGIN
	IF NOT (kept -> 'champion')::boolean THEN
		RAISE NOTICE 'version % of model "%" is not its champion', kept -> 'version', definition ->> 'name'
			USING HINT = 'Look at cx.model_report() and cx.compare_models(); cx.set_champion() changes the version that scores.';
	END IF;
	RETURN QUERY SELECT (kept -> 'version')::integer, (kept -> 'champion')::boolean;
END
$$;
COMMENT ON FUNCTION cx.keep_model(jsonb) IS 'keeps a model as a new version, and tells whether it is the champion; part of train';

CREATE FUNCTION cx.check_training(name text, query text, target text, algorithm text, holdout double precision, seed bigint, options jsonb) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	IF num_nulls(name, query, target, algorithm, holdout, seed, options) > 0 OR name = '' THEN
		RAISE EXCEPTION 'name, query, target, algorithm, holdout, seed and options must be given'
			USING ERRCODE = 'invalid_parameter_value', HINT = 'SELECT * FROM cx.train(''churn'', ''SELECT ... AS churned, ... FROM ...'', ''churned'').';
	END IF;
	PERFORM cx.as_program_owner('check_may_train', '{}');
END
$$;
COMMENT ON FUNCTION cx.check_training(text, text, text, text, double precision, bigint, jsonb) IS 'raises an error unless the current role may train and gives all that it takes; part of train';

CREATE FUNCTION cx.train(name text, query text, target text, algorithm text DEFAULT 'boosting', key text DEFAULT NULL, holdout double precision DEFAULT 0.2, seed bigint DEFAULT 1, options jsonb DEFAULT '{}')
	RETURNS TABLE (model text, version integer, champion boolean, row_count bigint, event_count bigint, auc double precision, r_squared double precision)
	LANGUAGE plpgsql AS $$
DECLARE
	columns pg_catalog.text[];
	fitted record;
BEGIN
	PERFORM cx.check_training(name, query, target, algorithm, holdout, seed, options);
	columns := cx.query_columns(query);
	SELECT * INTO fitted FROM cx.fit_model(cx.query_subselect(query), target, algorithm, key, holdout, seed, options) AS f;
	RETURN QUERY SELECT name, k.version, k.champion, fitted.row_count, fitted.event_count,
		pg_catalog.jsonb_extract_path_text(fitted.report, 'auc')::pg_catalog.float8, pg_catalog.jsonb_extract_path_text(fitted.report, 'r_squared')::pg_catalog.float8
	FROM cx.keep_model(pg_catalog.jsonb_build_object('name', name, 'query', query, 'columns', columns, 'column_types', cx.query_types(query), 'target', target, 'algorithm', algorithm, 'key', key, 'holdout', holdout, 'seed', seed,
		'options', options, 'predictor', fitted.predictor::pg_catalog.text, 'outcome', fitted.outcome, 'row_count', fitted.row_count, 'event_count', fitted.event_count,
		'report', fitted.report, 'profile', fitted.profile, 'fit', fitted.fit, 'excluded', fitted.excluded)) AS k;
END
$$;
COMMENT ON FUNCTION cx.train(text, text, text, text, text, double precision, bigint, jsonb) IS 'trains a model on the rows of a query, which runs read-only as the caller (it changes no table but, through functions that do so, temporary ones), and keeps it as a new version in cx_data.model. target is the column to predict: Boolean, or a number (a probability if it is always 0 or 1; option outcome says "probability" or "number"); rows in which it is NULL are left out. algorithm: boosting (trees) or logistic (a linear model; of a number least squares). The other columns are the features: numbers, Booleans, texts and enums (the most frequent levels, others as one), dates and times, intervals, arrays of numbers; NULL and infinite is missing. Constants and identifiers are left out with a notice, which option keep (array of columns) prevents for identifiers; a column that tells the target by itself is an error, one that almost does so a notice. key: rows with one value of it are never both learnt from and held out, and it is no feature. holdout: share of keys, or of rows without key, held out by a hash with seed, 0..0.9 (rows without key are taken for different cases even if they are equal); option holdout_after (rows with a later "time", a column; rows without a time are left out) or holdout_where (an SQL condition over the columns) instead, then holdout decides only for keys of which there are rows on both sides. Of the rest, the share "validation" (0.2, by key as well) stops boosting and calibrates probabilities, unless "calibrate" is false. It takes 50 rows of the rarer outcome, or 50 rows, that are not held out, and 10 of either outcome that train. A new version becomes the champion, which scores by name, unless its report is clearly worse than the best one of the champions so far, as is_not_worse says, or the model belongs to somebody else; option champion decides. Other options: exclude, keep, allow_leak (arrays of columns), max_levels (32), level_rows (10: rows that a level must have); of logistic ridge (0; penalty ridge/2 times the squared coefficients of standardised terms against the mean loss of a row), collinear (drop, error); of boosting trees, depth, leaves, learning_rate, leaf_rows, penalty, row_share, feature_share, patience, monotone (object of features with 1 or -1)';
-- What models say of records

-- of a predictor, which is a value; strict, for without a record there is nothing to predict of

CREATE FUNCTION cx.predict(predictor cx.predictor, features record) RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.predict(cx.predictor, record) IS 'what a predictor says of a record with the columns of its training query, in any order: a probability 0..1, or a number in units of the target; NULL and infinite values count as missing, unknown categories as any other; error if a column is missing or of another type; NULL without a record';

CREATE FUNCTION cx.churn_risk(predictor cx.predictor, features record) RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.churn_risk(cx.predictor, record) IS 'probability 0..1 that a predictor of a Boolean target says of a record, as predict does; error if the predictor says a number';

CREATE FUNCTION cx.explain(predictor cx.predictor, features record, OUT feature text, OUT value text, OUT contribution double precision) RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 20;
COMMENT ON FUNCTION cx.explain(cx.predictor, record) IS 'why a predictor says what it does: what each feature adds, the most first, in log-odds or units of the target, and last, as feature (base), what the average training row has; the sum is the log-odds of the prediction, or the prediction, but for the rounding of the last digits; for trees exact Shapley values (TreeSHAP, Lundberg 2018)';

CREATE FUNCTION cx.predict_jsonb(predictor cx.predictor, features jsonb) RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.predict_jsonb(cx.predictor, jsonb) IS 'what predict says of an object whose keys are the columns of the training query, with the values that to_jsonb() writes; numbers may be texts, times are in ISO 8601, null is missing; error if a key is missing';

-- of the champion of a model, which is looked up in cx_data.model with the rights of the caller, once in a query

CREATE FUNCTION cx.predict(model text, features record) RETURNS double precision
	AS 'MODULE_PATHNAME', 'predict_by_name' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.predict(text, record) IS 'what the champion of a model says of a record: a probability 0..1, or a number in units of the target';

CREATE FUNCTION cx.churn_risk(model text, features record) RETURNS double precision
	AS 'MODULE_PATHNAME', 'churn_risk_by_name' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.churn_risk(text, record) IS 'probability 0..1 that the champion of a model says of a record; error if it says a number';

CREATE FUNCTION cx.explain(model text, features record, OUT feature text, OUT value text, OUT contribution double precision) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'explain_by_name' LANGUAGE C STABLE STRICT PARALLEL SAFE ROWS 20;
COMMENT ON FUNCTION cx.explain(text, record) IS 'why the champion of a model says what it does of a record: what each feature adds, the most first, and last, as feature (base), what they are added to; in log-odds or units of the target';

CREATE FUNCTION cx.predict_jsonb(model text, features jsonb) RETURNS double precision
	AS 'MODULE_PATHNAME', 'predict_jsonb_by_name' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.predict_jsonb(text, jsonb) IS 'what the champion of a model says of an object whose keys are the columns of the training query';

-- What is in a predictor

CREATE FUNCTION cx.predictor_features(predictor cx.predictor, OUT feature text, OUT type text, OUT levels text[]) RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 20;
COMMENT ON FUNCTION cx.predictor_features(cx.predictor) IS 'the features that a predictor needs, an array element as column[i]: type is number, boolean, category, time or interval; levels are the categories that it tells apart, the most frequent one first';

CREATE FUNCTION cx.coefficients(predictor cx.predictor, OUT term text, OUT coefficient double precision, OUT std_error double precision, OUT z double precision, OUT p_value double precision) RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 20;
COMMENT ON FUNCTION cx.coefficients(cx.predictor) IS 'the coefficients of a linear predictor, before calibration: log-odds, or units of the target, per unit of the term (of times and intervals per day); z is coefficient / std_error, p_value two-sided (for a numeric target of Student''s t); NULL where a penalty leaves no standard error; error for trees';

CREATE FUNCTION cx.feature_importance(predictor cx.predictor, OUT feature text, OUT importance double precision) RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 20;
COMMENT ON FUNCTION cx.feature_importance(cx.predictor) IS 'how much each feature matters to a predictor, the most first, as shares that sum to 1: of the loss that splits on it saved in trees, of the standard deviations of what features add in linear models; NULL where it adds nothing or it is not known';

-- The type cx.moments: what is needed of many rows for means, correlations, regressions and drivers

CREATE TYPE cx.moments;

CREATE FUNCTION cx.moments_in(cstring) RETURNS cx.moments
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION cx.moments_out(cx.moments) RETURNS cstring
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION cx.moments_recv(internal) RETURNS cx.moments
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION cx.moments_send(cx.moments) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE TYPE cx.moments (
	INPUT = cx.moments_in,
	OUTPUT = cx.moments_out,
	RECEIVE = cx.moments_recv,
	SEND = cx.moments_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = double,
	STORAGE = extended
);

COMMENT ON TYPE cx.moments IS 'number of rows, means and co-moments of up to 1000 columns: a summary that merges without loss, and from which correlations, regressions and drivers are computed; its text form is JSON';
COMMENT ON FUNCTION cx.moments_in(cstring) IS 'text input of moments';
COMMENT ON FUNCTION cx.moments_out(cx.moments) IS 'text output of moments';
COMMENT ON FUNCTION cx.moments_recv(internal) IS 'binary input of moments';
COMMENT ON FUNCTION cx.moments_send(cx.moments) IS 'binary output of moments';

-- Comparison: the same numbers, to the last digit

CREATE FUNCTION cx.moments_eq(cx.moments, cx.moments) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION cx.moments_ne(cx.moments, cx.moments) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION cx.moments_eq(cx.moments, cx.moments) IS 'implementation of = operator';
COMMENT ON FUNCTION cx.moments_ne(cx.moments, cx.moments) IS 'implementation of <> operator';

CREATE OPERATOR cx.= (
	LEFTARG = cx.moments, RIGHTARG = cx.moments, FUNCTION = cx.moments_eq,
	COMMUTATOR = OPERATOR(cx.=), NEGATOR = OPERATOR(cx.<>),
	RESTRICT = pg_catalog.eqsel, JOIN = pg_catalog.eqjoinsel
);
CREATE OPERATOR cx.<> (
	LEFTARG = cx.moments, RIGHTARG = cx.moments, FUNCTION = cx.moments_ne,
	COMMUTATOR = OPERATOR(cx.<>), NEGATOR = OPERATOR(cx.=),
	RESTRICT = pg_catalog.neqsel, JOIN = pg_catalog.neqjoinsel
);

COMMENT ON OPERATOR cx.= (cx.moments, cx.moments) IS 'equal to the last digit; moments of the same rows in another order may differ there';
COMMENT ON OPERATOR cx.<> (cx.moments, cx.moments) IS 'not equal in some digit';

-- Aggregation

CREATE FUNCTION cx.moments_add(state cx.moments, "row" double precision[]) RETURNS cx.moments
	AS 'MODULE_PATHNAME', 'moments_add_array' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.moments_add(cx.moments, double precision[]) IS 'adds one row; support function of moments';

CREATE FUNCTION cx.moments_add(state cx.moments, first double precision, others double precision[]) RETURNS cx.moments
	AS 'MODULE_PATHNAME', 'moments_add_numbers' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.moments_add(cx.moments, double precision, double precision[]) IS 'adds one row; support function of moments';

CREATE FUNCTION cx.merge(cx.moments, cx.moments) RETURNS cx.moments
	AS 'MODULE_PATHNAME', 'moments_merge' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.merge(cx.moments, cx.moments) IS 'the moments of all rows of both (Chan, Golub and LeVeque 1983); error if they are not of as many columns';

CREATE FUNCTION cx.moments_final(cx.moments) RETURNS cx.moments
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.moments_final(cx.moments) IS 'final function of moments';

CREATE AGGREGATE cx.moments("row" double precision[]) (
	SFUNC = cx.moments_add, STYPE = cx.moments, SSPACE = 2048,
	FINALFUNC = cx.moments_final, COMBINEFUNC = cx.merge, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.moments(double precision[]) IS 'number of rows, means and co-moments of rows that are arrays of 1 to 1000 columns, all of the same length; a row that is NULL or has a NULL is skipped as a whole; error at NaN or infinity; no rows give NULL';

CREATE AGGREGATE cx.moments(first double precision, VARIADIC others double precision[]) (
	SFUNC = cx.moments_add, STYPE = cx.moments, SSPACE = 2048,
	FINALFUNC = cx.moments_final, COMBINEFUNC = cx.merge, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.moments(double precision, double precision[]) IS 'number of rows, means and co-moments of two or more columns; a row with a NULL is skipped as a whole; error at NaN or infinity; no rows give NULL';

CREATE AGGREGATE cx.moments(cx.moments) (
	SFUNC = cx.merge, STYPE = cx.moments, SSPACE = 2048,
	FINALFUNC = cx.moments_final, COMBINEFUNC = cx.merge, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.moments(cx.moments) IS 'moments merged: the roll-up of stored moments, which must be of as many columns; NULL is skipped; no moments give NULL';
-- Least squares, out of moments

CREATE FUNCTION cx.regression(summary cx.moments, outcome integer, collinear text DEFAULT 'error', names text[] DEFAULT NULL)
	RETURNS TABLE (term text, coefficient double precision, std_error double precision, t double precision, p_value double precision, vif double precision)
	AS 'MODULE_PATHNAME', 'moments_regression' LANGUAGE C IMMUTABLE PARALLEL SAFE ROWS 20;
COMMENT ON FUNCTION cx.regression(cx.moments, integer, text, text[]) IS 'least squares of one column, counted from 1 on, on all others: the intercept and each column with its coefficient in units of the outcome per unit of the column, standard error, t, two-sided p-value, and variance inflation factor (1 is independent of the others); columns of which less than 1e-10 of the variance is their own, and constant ones, are named in an error or, with collinear => ''drop'', in a notice, and left out; names has one for each column, the outcome included';

CREATE FUNCTION cx.regression_fit(summary cx.moments, outcome integer, collinear text DEFAULT 'error', names text[] DEFAULT NULL,
	OUT row_count bigint, OUT r_squared double precision, OUT adjusted_r_squared double precision, OUT residual_error double precision, OUT df bigint,
	OUT f double precision, OUT p_value double precision, OUT condition_number double precision, OUT dropped text[])
	RETURNS record
	AS 'MODULE_PATHNAME', 'moments_regression_fit' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.regression_fit(cx.moments, integer, text, text[]) IS 'how well the regression of the same arguments fits: R-squared 0..1, also adjusted for the number of columns, standard deviation of the residuals in units of the outcome, their degrees of freedom, F test of all columns together, condition number (largest to smallest singular value of the standardised columns: from 30 on coefficients are shaky), and the columns dropped';
-- What drives an outcome, and how well each driver does

CREATE FUNCTION cx.driver_weights(summary cx.moments, names text[], outcome text, method text DEFAULT 'relative_weights', collinear text DEFAULT 'error')
	RETURNS TABLE (driver text, importance double precision, coefficient double precision, std_error double precision, p_value double precision, performance double precision)
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE ROWS 20;
COMMENT ON FUNCTION cx.driver_weights(cx.moments, text[], text, text, text) IS 'drivers in order of their columns, with their parts of R-squared; what cx.drivers is made of';

CREATE FUNCTION cx.importance_quadrant(importance double precision, importance_from double precision, performance double precision, performance_from double precision) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE WHEN importance >= importance_from THEN CASE WHEN performance >= performance_from THEN 'keep up the good work' WHEN performance < performance_from THEN 'concentrate here' END
		WHEN importance < importance_from THEN CASE WHEN performance >= performance_from THEN 'possible overkill' WHEN performance < performance_from THEN 'low priority' END END;
COMMENT ON FUNCTION cx.importance_quadrant(double precision, double precision, double precision, double precision) IS 'where a driver lies in importance-performance analysis (Martilla and James 1977), of what is high from two bounds on: keep up the good work (both high), concentrate here (important, performs low), possible overkill (not important, performs high), low priority; NULL if one is unknown';

CREATE FUNCTION cx.drivers(summary cx.moments, names text[], outcome text, method text DEFAULT 'relative_weights', collinear text DEFAULT 'error')
	RETURNS TABLE (driver text, importance double precision, share double precision, coefficient double precision, std_error double precision, p_value double precision, performance double precision, quadrant text)
	LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 20
BEGIN ATOMIC
	SELECT d.driver, d.importance, 100 * d.importance / nullif(sum(d.importance) OVER (), 0), d.coefficient, d.std_error, d.p_value, d.performance,
		cx.importance_quadrant(d.importance, avg(d.importance) OVER (), d.performance, avg(d.performance) OVER ())
	FROM cx.driver_weights(summary, names, outcome, method, collinear) AS d
	ORDER BY d.importance DESC, d.driver COLLATE pg_catalog."C";
END;
COMMENT ON FUNCTION cx.drivers(cx.moments, text[], text, text, text) IS 'what drives the column named outcome, the most important driver first. importance: part of R-squared, to which all add up, by Johnson''s relative weights (2000) or, with method => ''shapley'', by Shapley''s value of at most 15 drivers (LMG, Lindeman, Merenda and Gold 1980); share: the same in percent; coefficient, std_error and p_value of the least squares regression, in units of the outcome per unit of the driver; performance: mean of the driver; quadrant: importance and performance against their means over all drivers, which should be on one scale where more is better. names has one for each column, the outcome included; columns of one name are one driver, such as the dummy columns of a category: importances are added, p_value is that of their F test, and the rest is NULL. Collinear columns are named in an error or, with collinear => ''drop'', in a notice and left out';
-- Drivers of a Boolean outcome

CREATE FUNCTION cx.driver_odds(query text, names text[]) RETURNS TABLE (place integer, coefficient double precision, std_error double precision, p_value double precision)
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED ROWS 20;
COMMENT ON FUNCTION cx.driver_odds(text, text[]) IS 'logistic regression over the rows of a query, each of which is an array of numbers: an outcome, 0 or 1, and its drivers, named so; for each driver its place in the array from 2 on, the coefficient in log-odds per unit, its standard error, and the two-sided p-value by the normal distribution; none for columns that are constant or combinations of others; support function of driver_analysis';
-- Means and correlations, out of moments

CREATE FUNCTION cx.row_count(summary cx.moments) RETURNS bigint
	AS 'MODULE_PATHNAME', 'moments_row_count' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.row_count(cx.moments) IS 'number of rows, those skipped because of a NULL not counted';

CREATE FUNCTION cx.column_count(summary cx.moments) RETURNS integer
	AS 'MODULE_PATHNAME', 'moments_column_count' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.column_count(cx.moments) IS 'number of columns, 1..1000';

CREATE FUNCTION cx.mean_of(summary cx.moments, "column" integer) RETURNS double precision
	AS 'MODULE_PATHNAME', 'moments_mean_of' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.mean_of(cx.moments, integer) IS 'mean of a column, counted from 1 on';

CREATE FUNCTION cx.stddev_of(summary cx.moments, "column" integer) RETURNS double precision
	AS 'MODULE_PATHNAME', 'moments_stddev_of' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.stddev_of(cx.moments, integer) IS 'sample standard deviation (n - 1) of a column, counted from 1 on; NULL for one row';

CREATE FUNCTION cx.covariance(summary cx.moments, a integer, b integer) RETURNS double precision
	AS 'MODULE_PATHNAME', 'moments_covariance_of' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.covariance(cx.moments, integer, integer) IS 'sample covariance (n - 1) of two columns, counted from 1 on; NULL for one row';

CREATE FUNCTION cx.correlation(summary cx.moments, a integer, b integer) RETURNS double precision
	AS 'MODULE_PATHNAME', 'moments_correlation_of' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.correlation(cx.moments, integer, integer) IS 'Pearson correlation -1..1 of two columns, counted from 1 on; NULL if one of them does not vary beyond its rounding';

CREATE FUNCTION cx.correlations(summary cx.moments, names text[] DEFAULT NULL)
	RETURNS TABLE (a text, b text, correlation double precision, p_value double precision)
	AS 'MODULE_PATHNAME', 'moments_correlations' LANGUAGE C IMMUTABLE PARALLEL SAFE ROWS 200;
COMMENT ON FUNCTION cx.correlations(cx.moments, text[]) IS 'Pearson correlation -1..1 of every pair of columns, and its two-sided p-value by Student''s t; names has one for each column; NULL where a column does not vary';
-- How long customers stay: the type cx.survival_curve and the aggregate kaplan_meier

CREATE TYPE cx.survival_curve;

CREATE FUNCTION cx.survival_curve_in(cstring) RETURNS cx.survival_curve
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION cx.survival_curve_out(cx.survival_curve) RETURNS cstring
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION cx.survival_curve_recv(internal) RETURNS cx.survival_curve
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION cx.survival_curve_send(cx.survival_curve) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE TYPE cx.survival_curve (
	INPUT = cx.survival_curve_in,
	OUTPUT = cx.survival_curve_out,
	RECEIVE = cx.survival_curve_recv,
	SEND = cx.survival_curve_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = double,
	STORAGE = extended
);

COMMENT ON TYPE cx.survival_curve IS 'customers by how long they stayed, such as {1:380+233,2:123+115}: for each duration how many ended after it + how many were seen that long and had not ended; a lossless summary that adds up, 24 bytes for each different duration';
COMMENT ON FUNCTION cx.survival_curve_in(cstring) IS 'text input of survival_curve';
COMMENT ON FUNCTION cx.survival_curve_out(cx.survival_curve) IS 'text output of survival_curve';
COMMENT ON FUNCTION cx.survival_curve_recv(internal) IS 'binary input of survival_curve';
COMMENT ON FUNCTION cx.survival_curve_send(cx.survival_curve) IS 'binary output of survival_curve';

CREATE FUNCTION cx.survival_curve_eq(cx.survival_curve, cx.survival_curve) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.survival_curve_eq(cx.survival_curve, cx.survival_curve) IS 'implementation of = operator';

CREATE FUNCTION cx.survival_curve_ne(cx.survival_curve, cx.survival_curve) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.survival_curve_ne(cx.survival_curve, cx.survival_curve) IS 'implementation of <> operator';

CREATE FUNCTION cx.merge(cx.survival_curve, cx.survival_curve) RETURNS cx.survival_curve
	AS 'MODULE_PATHNAME', 'survival_curve_merge' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.merge(cx.survival_curve, cx.survival_curve) IS 'the customers of both curves together; error if they exceed bigint';

CREATE OPERATOR cx.= (
	LEFTARG = cx.survival_curve, RIGHTARG = cx.survival_curve, FUNCTION = cx.survival_curve_eq,
	COMMUTATOR = OPERATOR(cx.=), NEGATOR = OPERATOR(cx.<>),
	RESTRICT = pg_catalog.eqsel, JOIN = pg_catalog.eqjoinsel
);
CREATE OPERATOR cx.<> (
	LEFTARG = cx.survival_curve, RIGHTARG = cx.survival_curve, FUNCTION = cx.survival_curve_ne,
	COMMUTATOR = OPERATOR(cx.<>), NEGATOR = OPERATOR(cx.=),
	RESTRICT = pg_catalog.neqsel, JOIN = pg_catalog.neqjoinsel
);
CREATE OPERATOR cx.+ (
	LEFTARG = cx.survival_curve, RIGHTARG = cx.survival_curve, FUNCTION = cx.merge, COMMUTATOR = OPERATOR(cx.+)
);
COMMENT ON OPERATOR cx.= (cx.survival_curve, cx.survival_curve) IS 'equal';
COMMENT ON OPERATOR cx.<> (cx.survival_curve, cx.survival_curve) IS 'not equal';
COMMENT ON OPERATOR cx.+ (cx.survival_curve, cx.survival_curve) IS 'both curves together';

CREATE FUNCTION cx.kaplan_meier_add(state internal, duration double precision, ended boolean) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.kaplan_meier_add(internal, double precision, boolean) IS 'adds one customer; support function of kaplan_meier';

CREATE FUNCTION cx.kaplan_meier_add(state internal, duration interval, ended boolean) RETURNS internal
	AS 'MODULE_PATHNAME', 'kaplan_meier_add_interval' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.kaplan_meier_add(internal, interval, boolean) IS 'adds one customer; support function of kaplan_meier';

CREATE FUNCTION cx.kaplan_meier_add(state internal, curve cx.survival_curve) RETURNS internal
	AS 'MODULE_PATHNAME', 'kaplan_meier_add_curve' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.kaplan_meier_add(internal, cx.survival_curve) IS 'adds the customers of a curve; support function of kaplan_meier';

CREATE FUNCTION cx.kaplan_meier_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.kaplan_meier_combine(internal, internal) IS 'both states together; support function of kaplan_meier';

CREATE FUNCTION cx.kaplan_meier_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.kaplan_meier_serialize(internal) IS 'the state as bytes for another process; support function of kaplan_meier';

CREATE FUNCTION cx.kaplan_meier_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.kaplan_meier_deserialize(bytea, internal) IS 'the state out of bytes; support function of kaplan_meier';

CREATE FUNCTION cx.kaplan_meier_final(internal) RETURNS cx.survival_curve
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.kaplan_meier_final(internal) IS 'final function of kaplan_meier';

CREATE AGGREGATE cx.kaplan_meier(duration double precision, ended boolean) (
	SFUNC = cx.kaplan_meier_add, STYPE = internal, FINALFUNC = cx.kaplan_meier_final,
	COMBINEFUNC = cx.kaplan_meier_combine, SERIALFUNC = cx.kaplan_meier_serialize, DESERIALFUNC = cx.kaplan_meier_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.kaplan_meier(double precision, boolean) IS 'survival curve of customers: how long each one stayed, in a unit of your choice, and whether that was the end (true) or he was still there when last seen (false); durations are equal only if they are exactly equal, and may be 0; rows with a NULL are left out; NULL without any; error if a duration is negative or not finite. cx.points shows the Kaplan-Meier estimate';

CREATE AGGREGATE cx.kaplan_meier(duration interval, ended boolean) (
	SFUNC = cx.kaplan_meier_add, STYPE = internal, FINALFUNC = cx.kaplan_meier_final,
	COMBINEFUNC = cx.kaplan_meier_combine, SERIALFUNC = cx.kaplan_meier_serialize, DESERIALFUNC = cx.kaplan_meier_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.kaplan_meier(interval, boolean) IS 'survival curve as kaplan_meier(double precision, boolean) gives it, in days of 24 hours; error if a duration has months, whose length varies: subtract times instead of using age()';

CREATE AGGREGATE cx.kaplan_meier(curve cx.survival_curve) (
	SFUNC = cx.kaplan_meier_add, STYPE = internal, FINALFUNC = cx.kaplan_meier_final,
	COMBINEFUNC = cx.kaplan_meier_combine, SERIALFUNC = cx.kaplan_meier_serialize, DESERIALFUNC = cx.kaplan_meier_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.kaplan_meier(cx.survival_curve) IS 'the customers of all curves together, in the unit of these; NULL without any';

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

-- Whether groups of customers stay equally long

CREATE TYPE cx.log_rank_group AS (name text, customers bigint, observed bigint, expected double precision);
COMMENT ON TYPE cx.log_rank_group IS 'a group of a log-rank test';
COMMENT ON COLUMN cx.log_rank_group.name IS 'the group';
COMMENT ON COLUMN cx.log_rank_group.customers IS 'customers in it';
COMMENT ON COLUMN cx.log_rank_group.observed IS 'customers that ended';
COMMENT ON COLUMN cx.log_rank_group.expected IS 'customers that would be expected to have ended if all groups were alike; fewer observed means that they stay longer';

CREATE TYPE cx.log_rank_test AS (chi_square double precision, degrees_of_freedom integer, p_value double precision, groups cx.log_rank_group[]);
COMMENT ON TYPE cx.log_rank_test IS 'a test whether groups of customers stay equally long';
COMMENT ON COLUMN cx.log_rank_test.chi_square IS 'the statistic, 0 or more; NULL if the groups cannot be compared, for there is only one, or none ended while another was at risk';
COMMENT ON COLUMN cx.log_rank_test.degrees_of_freedom IS 'groups that were at risk, less one';
COMMENT ON COLUMN cx.log_rank_test.p_value IS 'chance of such a statistic or a larger one if the groups are alike, 0..1; 0 if it is below about 1e-308';
COMMENT ON COLUMN cx.log_rank_test.groups IS 'the groups, in the order of the bytes of their names';

CREATE FUNCTION cx.log_rank_add(state internal, duration double precision, ended boolean, "group" text) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.log_rank_add(internal, double precision, boolean, text) IS 'adds one customer; support function of log_rank';

CREATE FUNCTION cx.log_rank_add(state internal, duration double precision, ended boolean, "group" text, stratum text) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.log_rank_add(internal, double precision, boolean, text, text) IS 'adds one customer; support function of log_rank';

CREATE FUNCTION cx.log_rank_add(state internal, duration interval, ended boolean, "group" text) RETURNS internal
	AS 'MODULE_PATHNAME', 'log_rank_add_interval' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.log_rank_add(internal, interval, boolean, text) IS 'adds one customer; support function of log_rank';

CREATE FUNCTION cx.log_rank_add(state internal, duration interval, ended boolean, "group" text, stratum text) RETURNS internal
	AS 'MODULE_PATHNAME', 'log_rank_add_interval' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.log_rank_add(internal, interval, boolean, text, text) IS 'adds one customer; support function of log_rank';

CREATE FUNCTION cx.log_rank_add(state internal, curve cx.survival_curve, "group" text) RETURNS internal
	AS 'MODULE_PATHNAME', 'log_rank_add_curve' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.log_rank_add(internal, cx.survival_curve, text) IS 'adds the customers of a curve; support function of log_rank';

CREATE FUNCTION cx.log_rank_add(state internal, curve cx.survival_curve, "group" text, stratum text) RETURNS internal
	AS 'MODULE_PATHNAME', 'log_rank_add_curve' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.log_rank_add(internal, cx.survival_curve, text, text) IS 'adds the customers of a curve; support function of log_rank';

CREATE FUNCTION cx.log_rank_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.log_rank_combine(internal, internal) IS 'both states together; support function of log_rank';

CREATE FUNCTION cx.log_rank_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.log_rank_serialize(internal) IS 'the state as bytes for another process; support function of log_rank';

CREATE FUNCTION cx.log_rank_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.log_rank_deserialize(bytea, internal) IS 'the state out of bytes; support function of log_rank';

CREATE FUNCTION cx.log_rank_final(internal) RETURNS cx.log_rank_test
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.log_rank_final(internal) IS 'final function of log_rank';

CREATE AGGREGATE cx.log_rank(duration double precision, ended boolean, "group" text) (
	SFUNC = cx.log_rank_add, STYPE = internal, FINALFUNC = cx.log_rank_final,
	COMBINEFUNC = cx.log_rank_combine, SERIALFUNC = cx.log_rank_serialize, DESERIALFUNC = cx.log_rank_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.log_rank(double precision, boolean, text) IS 'log-rank test (Mantel 1966) whether groups of customers, at most 1000, stay equally long; duration and ended are those of kaplan_meier; rows with a NULL are left out; NULL without any';

CREATE AGGREGATE cx.log_rank(duration double precision, ended boolean, "group" text, stratum text) (
	SFUNC = cx.log_rank_add, STYPE = internal, FINALFUNC = cx.log_rank_final,
	COMBINEFUNC = cx.log_rank_combine, SERIALFUNC = cx.log_rank_serialize, DESERIALFUNC = cx.log_rank_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.log_rank(double precision, boolean, text, text) IS 'stratified log-rank test: whether groups stay equally long among customers of the same stratum, such as a region; rows with a NULL are left out; NULL without any';

CREATE AGGREGATE cx.log_rank(duration interval, ended boolean, "group" text) (
	SFUNC = cx.log_rank_add, STYPE = internal, FINALFUNC = cx.log_rank_final,
	COMBINEFUNC = cx.log_rank_combine, SERIALFUNC = cx.log_rank_serialize, DESERIALFUNC = cx.log_rank_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.log_rank(interval, boolean, text) IS 'log-rank test as log_rank(double precision, boolean, text) gives it; error if a duration has months';

CREATE AGGREGATE cx.log_rank(duration interval, ended boolean, "group" text, stratum text) (
	SFUNC = cx.log_rank_add, STYPE = internal, FINALFUNC = cx.log_rank_final,
	COMBINEFUNC = cx.log_rank_combine, SERIALFUNC = cx.log_rank_serialize, DESERIALFUNC = cx.log_rank_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.log_rank(interval, boolean, text, text) IS 'stratified log-rank test as log_rank(double precision, boolean, text, text) gives it; error if a duration has months';

CREATE AGGREGATE cx.log_rank(curve cx.survival_curve, "group" text) (
	SFUNC = cx.log_rank_add, STYPE = internal, FINALFUNC = cx.log_rank_final,
	COMBINEFUNC = cx.log_rank_combine, SERIALFUNC = cx.log_rank_serialize, DESERIALFUNC = cx.log_rank_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.log_rank(cx.survival_curve, text) IS 'log-rank test of the customers in survival curves, of which a group may have several';

CREATE AGGREGATE cx.log_rank(curve cx.survival_curve, "group" text, stratum text) (
	SFUNC = cx.log_rank_add, STYPE = internal, FINALFUNC = cx.log_rank_final,
	COMBINEFUNC = cx.log_rank_combine, SERIALFUNC = cx.log_rank_serialize, DESERIALFUNC = cx.log_rank_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.log_rank(cx.survival_curve, text, text) IS 'stratified log-rank test of the customers in survival curves';

-- Risks of customers: scored by a model, noted as they move, told for one
--
-- A query runs with the search_path of the caller, as journey/query.sql says.

CREATE FUNCTION cx.champion_to_watch(model text, OUT version integer, OUT predictor cx.predictor, OUT profile jsonb)
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	SELECT m.version, m.predictor, m.profile INTO version, predictor, profile FROM cx_data.model AS m WHERE m.model_id = cx.find_model(model);
	IF predictor IS NULL THEN
		RAISE EXCEPTION 'the predictor of model "%" is lost', model
			USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'It went with the extension; train the model again with cx.train().';
	END IF;
END
$$;
COMMENT ON FUNCTION cx.champion_to_watch(text) IS 'the version of a model that scoring uses, with what it was trained with; an error if there is none';

CREATE FUNCTION cx.note_risks(scored jsonb, model text, version integer) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	INSERT INTO cx_data.risk_history (customer_id, model, version, risk, reasons)
	SELECT s.customer_id, note_risks.model, note_risks.version, s.risk, s.reasons
	FROM jsonb_to_recordset(scored) AS s (customer_id bigint, risk double precision, reasons text[])
	LEFT JOIN LATERAL (SELECT h.* FROM cx_data.risk_history AS h WHERE h.customer_id = s.customer_id ORDER BY h.scored_at DESC, h.risk_history_id DESC LIMIT 1) AS h ON true
	WHERE h.risk IS NULL OR h.model IS DISTINCT FROM note_risks.model OR h.version IS DISTINCT FROM note_risks.version OR abs(h.risk - s.risk) >= 0.01
	ORDER BY s.customer_id;
END
$$;
COMMENT ON FUNCTION cx.note_risks(jsonb, text, integer) IS 'adds those risks to risk_history that moved by at least 0.01 or changed their basis; part of score_customers and maintain';

CREATE FUNCTION cx.owner_score_customers(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT cx.owns_program(caller) AND NOT has_table_privilege(caller, 'cx_data.customer_risk', 'INSERT') THEN
		RAISE EXCEPTION 'permission denied to score customers'
			USING ERRCODE = 'insufficient_privilege', HINT = 'It takes access as an admin or INSERT on cx_data.customer_risk; cx.churn_risk() scores without writing.';
	END IF;
	INSERT INTO cx_data.customer_risk AS k (customer_id, model, version, risk, reasons)
	SELECT s.customer_id, argument ->> 'model', (argument -> 'version')::integer, s.risk, s.reasons
	FROM jsonb_to_recordset(argument -> 'scored') AS s (customer_id bigint, risk double precision, reasons text[])
	ON CONFLICT (customer_id, model) DO UPDATE SET version = excluded.version, risk = excluded.risk, reasons = excluded.reasons, scored_at = excluded.scored_at;
	PERFORM cx.note_risks(argument -> 'scored', argument ->> 'model', (argument -> 'version')::integer);
	UPDATE cx_data.risk_setting SET model = argument ->> 'model' WHERE model IS NULL;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.owner_score_customers(jsonb, oid) IS 'keeps the scores of customers; part of score_customers, with the rights of the program''s owner';

CREATE FUNCTION cx.score_customers(model text, query text) RETURNS bigint
	LANGUAGE plpgsql SET extra_float_digits = 1 AS $$
DECLARE
	known record;
	batch record;
	customers pg_catalog.int8 := 0;
BEGIN
	PERFORM cx.query_columns(query, 'customer_id');
	SELECT c.version, c.predictor INTO known FROM cx.champion_to_watch(model) AS c;
	FOR batch IN EXECUTE pg_catalog.format($score$
		SELECT pg_catalog.count(*) AS customers, pg_catalog.min(customer_id) FILTER (WHERE customer_id = customer_before) AS repeated,
			pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('customer_id', customer_id, 'risk', risk, 'reasons', reasons)) AS scored
		FROM (
			SELECT *, pg_catalog.lag(customer_id) OVER (ORDER BY customer_id) AS customer_before, (pg_catalog.row_number() OVER (ORDER BY customer_id) - 1) / 10000 AS batch
			FROM (
				SELECT given.customer_id::pg_catalog.int8 AS customer_id, cx.churn_risk($1, given.*) AS risk,
					ARRAY(SELECT pg_catalog.format('%%s = %%s', e.feature, COALESCE(e.value, 'unknown')) FROM cx.explain($1, given.*) AS e
						WHERE e.contribution > 0 AND e.feature <> '(base)'::pg_catalog.text ORDER BY e.contribution DESC, e.feature LIMIT 3) AS reasons
				FROM %s AS given WHERE given.customer_id IS NOT NULL
			) AS scored
		) AS placed
		GROUP BY batch ORDER BY batch$score$, cx.query_subselect(query)) USING known.predictor
	LOOP
		IF batch.repeated IS NOT NULL THEN
			RAISE EXCEPTION 'query gives customer % more than once', batch.repeated
				USING ERRCODE = 'cardinality_violation', HINT = 'Give one row for each customer, with the features as they are now.';
		END IF;
		PERFORM cx.as_program_owner('score_customers', pg_catalog.jsonb_build_object('model', model, 'version', known.version, 'scored', batch.scored));
		customers := customers + batch.customers;
	END LOOP;
	RETURN customers;
END
$$;
COMMENT ON FUNCTION cx.score_customers(text, text) IS 'scores customers by the champion of a model and keeps risks and reasons, in cx_data.customer_risk and, where they moved, in cx_data.risk_history. The query gives customer_id, a key of cx_data.customer, and the columns of the training query as they are now; rows without customer_id are left out. Gives how many were scored. The first model to score customers is the one that customer_churn_risk takes: cx_data.risk_setting says which';

CREATE FUNCTION cx.record_signal_risks() RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "cx.as_of" = '' SET extra_float_digits = 1 AS $$
DECLARE
	batch jsonb;
	before CONSTANT bigint := (SELECT coalesce(max(risk_history_id), 0) FROM cx_data.risk_history);
BEGIN
	UPDATE cx_data.risk_setting AS g SET signals_recorded_at = now()
	FROM cx_data.program AS p
	WHERE g.signals_recorded_at IS NULL OR (g.signals_recorded_at AT TIME ZONE p.time_zone)::date < (now() AT TIME ZONE p.time_zone)::date;
	IF NOT FOUND THEN
		RETURN NULL;
	END IF;
	FOR batch IN
		SELECT jsonb_agg(jsonb_build_object('customer_id', k.customer_id, 'risk', k.risk, 'reasons', string_to_array(k.reasons, '; ')))
		FROM (SELECT r.customer_id, r.risk, coalesce(r.reasons, '') AS reasons, (row_number() OVER (ORDER BY r.customer_id) - 1) / 10000 AS batch
			FROM cx_data.customer_churn_risk AS r WHERE r.basis = 'signals') AS k
		GROUP BY k.batch ORDER BY k.batch
	LOOP
		PERFORM cx.note_risks(batch, NULL, NULL);
	END LOOP;
	RETURN (SELECT count(*) FROM cx_data.risk_history WHERE risk_history_id > before);
END
$$;
COMMENT ON FUNCTION cx.record_signal_risks() IS 'adds the risks by signals to risk_history, once a day of the program; gives how many rows it added, NULL if that was done today; called by maintain';

CREATE FUNCTION cx.risk_of_customer(customer bigint) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN (SELECT jsonb_build_object('risk', k.risk, 'band', CASE WHEN k.risk >= g.high_from THEN 'high' WHEN k.risk >= g.medium_from THEN 'medium' ELSE 'low' END,
			'reasons', k.reasons, 'basis', k.basis, 'scored_at', k.scored_at)
		FROM cx_data.risk_setting AS g
		LEFT JOIN (cx_data.customer_risk AS m JOIN cx_data.model AS champion ON champion.name = m.model AND champion.version = m.version AND champion.champion)
			ON m.customer_id = customer AND m.model = g.model AND m.scored_at <= cx.as_of()
		LEFT JOIN LATERAL (
			SELECT cx.churn_risk(s.present_log_odds, cx.as_of(), cx.as_of(), interval '1 day', g.base_rate) AS risk,
				(array_agg(s.signal_name ORDER BY s.present_log_odds DESC, s.signal) FILTER (WHERE s.present_log_odds > 0))[1:3] AS reasons
			FROM cx_data.customer_signal AS s WHERE s.customer_id = customer AND m.risk IS NULL
		) AS s ON true
		CROSS JOIN LATERAL (SELECT coalesce(m.risk, s.risk, g.base_rate) AS risk, coalesce(m.reasons, s.reasons, '{}') AS reasons,
			CASE WHEN m.risk IS NULL THEN 'signals' ELSE format('model %s v%s', m.model, m.version) END AS basis, coalesce(m.scored_at, cx.as_of()) AS scored_at) AS k
		WHERE EXISTS (SELECT FROM cx_data.customer AS c WHERE c.customer_id = customer));
END
$$;
COMMENT ON FUNCTION cx.risk_of_customer(bigint) IS 'what customer_churn_risk says of one customer, by key: risk, band, reasons, basis and scored_at; NULL if there is no such customer. Reads with the caller''s rights';
-- Drivers of an outcome that a query gives
--
-- The query is the caller's: it runs with the caller's rights and search_path, as query.sql says.
-- It is read for the levels of its categories, for its moments, and for logistic regression.

CREATE FUNCTION cx.finite_number(value double precision, "column" text) RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.finite_number(double precision, text) IS 'the value itself; error that names the column if it is NaN or infinite; support function of driver_analysis';

CREATE FUNCTION cx.driver_kind(name text, type regtype) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	base oid := type;
	kind "char" := 'd';
	category "char";
BEGIN
	WHILE kind = 'd' LOOP
		SELECT t.typtype, t.typcategory, CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END INTO kind, category, base FROM pg_type AS t WHERE t.oid = base;
	END LOOP;
	CASE
		WHEN base IN ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype, 'real'::regtype, 'double precision'::regtype, 'numeric'::regtype) THEN
			RETURN 'number';
		WHEN base = 'boolean'::regtype THEN
			RETURN 'boolean';
		WHEN category IN ('S', 'E') THEN
			RETURN 'category';
		ELSE
			RAISE EXCEPTION 'column "%" is of type %, which is no number, Boolean or category', name, type
				USING ERRCODE = 'datatype_mismatch', HINT = 'Leave it out, or make a number of it, such as the days since a date, or a text.';
	END CASE;
END
$$;
COMMENT ON FUNCTION cx.driver_kind(text, regtype) IS 'how a column of this type enters: as number, boolean or category; error that names the column if it cannot; support function of driver_analysis';

CREATE FUNCTION cx.query_kinds(query text, columns text[]) RETURNS text[]
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED AS $$
DECLARE
	types pg_catalog.regtype[];
BEGIN
	EXECUTE pg_catalog.format('SELECT ARRAY[%s]::pg_catalog.regtype[] FROM (SELECT) AS one LEFT JOIN %s AS q ON false',
		(SELECT pg_catalog.string_agg(pg_catalog.format('pg_catalog.pg_typeof(q.%I)', name), ', ' ORDER BY place) FROM pg_catalog.unnest(columns) WITH ORDINALITY AS c (name, place)),
		cx.query_subselect(query)) INTO types;
	RETURN ARRAY(SELECT cx.driver_kind(c.name, c.type) FROM ROWS FROM (pg_catalog.unnest(columns), pg_catalog.unnest(types)) WITH ORDINALITY AS c (name, type, place) ORDER BY c.place);
END
$$;
COMMENT ON FUNCTION cx.query_kinds(text, text[]) IS 'how each of these columns of a query enters: as number, boolean or category, without running the query; error that names a column that cannot; support function of driver_analysis';

CREATE FUNCTION cx.query_levels(query text, columns text[], kinds text[], most integer) RETURNS TABLE (name text, level text, place bigint, levels bigint, responses numeric)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED AS $$
BEGIN
	IF 'category' = ANY (kinds) THEN
		RETURN QUERY EXECUTE pg_catalog.format($levels$
			SELECT r.name, r.level, r.place, r.levels, r.responses
			FROM (
				SELECT v.name, v.level, pg_catalog.row_number() OVER (PARTITION BY v.name ORDER BY pg_catalog.count(*) DESC, v.level) AS place,
					pg_catalog.count(*) OVER (PARTITION BY v.name) AS levels, pg_catalog.sum(pg_catalog.count(*)) OVER (PARTITION BY v.name) AS responses
				FROM %s AS q CROSS JOIN LATERAL (VALUES %s) AS v (name, level)
				WHERE %s
				GROUP BY v.name, v.level
			) AS r
			WHERE r.place OPERATOR(pg_catalog.<=) %L::bigint$levels$,
			cx.query_subselect(query),
			(SELECT pg_catalog.string_agg(pg_catalog.format('(%1$L::text COLLATE pg_catalog."C", q.%1$I::text COLLATE pg_catalog."C")', c.name), ', ')
				FROM ROWS FROM (pg_catalog.unnest(columns), pg_catalog.unnest(kinds)) AS c (name, kind) WHERE c.kind = 'category'),
			(SELECT pg_catalog.string_agg(pg_catalog.format('q.%I IS NOT NULL', c.name), ' AND ') FROM pg_catalog.unnest(columns) AS c (name)),
			most);
	END IF;
END
$$;
COMMENT ON FUNCTION cx.query_levels(text, text[], text[], integer) IS 'the most frequent levels of each category among the complete rows of a query, how many levels it has, and how many complete rows there are; support function of driver_analysis';

CREATE FUNCTION cx.driver_elements(name text, kind text, levels text[], has_other boolean) RETURNS TABLE (element text, expression text)
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	-- with two levels, the one that is not the most frequent
	label CONSTANT text := name || CASE WHEN cardinality(levels) = 2 AND NOT has_other THEN ' = ' || levels[2] ELSE '' END;
BEGIN
	CASE kind
		WHEN 'number' THEN
			RETURN QUERY SELECT name, format('cx.finite_number(q.%1$I::pg_catalog.float8, %1$L)', name);
		WHEN 'boolean' THEN
			RETURN QUERY SELECT name, format('q.%I::pg_catalog.int4::pg_catalog.float8', name);
		ELSE
			RETURN QUERY SELECT label, format('((q.%I::pg_catalog.text COLLATE pg_catalog."C") OPERATOR(pg_catalog.=) %L)::pg_catalog.int4::pg_catalog.float8', name, level)
				FROM unnest(levels[2:]) AS level;
			IF has_other THEN
				RETURN QUERY SELECT label, format('((q.%I::pg_catalog.text COLLATE pg_catalog."C") OPERATOR(pg_catalog.<>) ALL (%L::pg_catalog.text[]))::pg_catalog.int4::pg_catalog.float8', name, levels);
			END IF;
			IF cardinality(levels) = 1 THEN
				RETURN QUERY SELECT label, '0::pg_catalog.float8'::text;
			END IF;
	END CASE;
END
$$;
COMMENT ON FUNCTION cx.driver_elements(text, text, text[], boolean) IS 'the numbers that a column enters as, which share a name: itself, or 1 for each level but the most frequent one and for all other levels together; support function of driver_analysis';

CREATE FUNCTION cx.driver_rows(query text, outcome text, OUT rows_query text, OUT names text[], OUT kinds text[])
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED AS $$
#variable_conflict use_column
DECLARE
	most_levels CONSTANT integer := 20;
	columns text[];
	column_kinds text[];
	identifiers text[];
	elements text[];
BEGIN
	PERFORM cx.require_argument('outcome'::text, outcome IS NOT NULL);
	columns := cx.query_columns(query, outcome);
	PERFORM cx.query_columns(query, VARIADIC columns);
	column_kinds := cx.query_kinds(query, columns);
	IF column_kinds[pg_catalog.array_position(columns, outcome)] = 'category' THEN
		RAISE EXCEPTION 'outcome "%" is a category', outcome
			USING ERRCODE = 'datatype_mismatch', HINT = 'Give a number or a Boolean, such as answer = ''yes'' AS answer.';
	END IF;
	WITH levels AS MATERIALIZED (
		SELECT l.name, pg_catalog.array_agg(l.level ORDER BY l.place) AS levels, l.levels > most_levels AS has_other, l.levels > most_levels AND l.levels > 0.9 * l.responses AS is_identifier
		FROM cx.query_levels(query, columns, column_kinds, most_levels) AS l GROUP BY l.name, l.levels, l.responses
	), source AS (
		SELECT c.name, c.kind, c.place, l.levels, l.has_other, COALESCE(l.is_identifier, false) AS is_identifier
		FROM ROWS FROM (pg_catalog.unnest(columns), pg_catalog.unnest(column_kinds)) WITH ORDINALITY AS c (name, kind, place) LEFT JOIN levels AS l ON l.name = c.name
	)
	SELECT pg_catalog.array_agg(e.element ORDER BY s.name = outcome DESC, s.place), pg_catalog.array_agg(s.kind ORDER BY s.name = outcome DESC, s.place), pg_catalog.array_agg(e.expression ORDER BY s.name = outcome DESC, s.place),
		(SELECT pg_catalog.array_agg(i.name ORDER BY i.place) FROM source AS i WHERE i.is_identifier)
	INTO names, kinds, elements, identifiers
	FROM source AS s CROSS JOIN LATERAL cx.driver_elements(s.name, s.kind, s.levels, s.has_other) AS e
	WHERE NOT s.is_identifier;
	IF identifiers IS NOT NULL THEN
		RAISE NOTICE 'left out columns that have another value in almost every row: %', pg_catalog.array_to_string(identifiers, ', ');
		columns := ARRAY(SELECT c.name FROM pg_catalog.unnest(columns) AS c (name) WHERE c.name <> ALL (identifiers));
	END IF;
	IF pg_catalog.cardinality(columns) < 2 THEN
		RAISE EXCEPTION 'query gives no column besides the outcome that may drive it' USING ERRCODE = 'invalid_parameter_value', HINT = 'Select the columns that may drive the outcome, too.';
	END IF;
	rows_query := pg_catalog.format('SELECT CASE WHEN %s THEN ARRAY[%s]::pg_catalog.float8[] END AS x FROM %s AS q OFFSET 0',
		(SELECT pg_catalog.string_agg(pg_catalog.format('q.%I IS NOT NULL', c.name), ' AND ') FROM pg_catalog.unnest(columns) AS c (name)),
		pg_catalog.array_to_string(elements, ', '), cx.query_subselect(query));
END
$$;
COMMENT ON FUNCTION cx.driver_rows(text, text) IS 'a query for the rows of a query as arrays of numbers named x, the outcome first, NULL if a column is NULL; the columns that the numbers come from, and how these enter; support function of driver_analysis';

CREATE FUNCTION cx.driver_analysis(query text, outcome text, method text DEFAULT 'relative_weights', collinear text DEFAULT 'drop')
	RETURNS TABLE (driver text, importance double precision, share double precision, coefficient double precision, std_error double precision, p_value double precision, performance double precision, performance_index double precision, quadrant text)
	LANGUAGE plpgsql STABLE ROWS 20 AS $$
#variable_conflict use_column
DECLARE
	source record;
	summary cx.moments;
	rows_read bigint;
	lows double precision[];
	highs double precision[];
BEGIN
	source := cx.driver_rows(query, outcome);
	EXECUTE pg_catalog.format('SELECT cx.moments(r.x), pg_catalog.count(*), ARRAY[%s]::pg_catalog.float8[], ARRAY[%s]::pg_catalog.float8[] FROM (%s) AS r',
		(SELECT pg_catalog.string_agg(CASE WHEN k.kind = 'category' THEN 'NULL' ELSE pg_catalog.format('pg_catalog.min(r.x[%s])', k.place) END, ', ' ORDER BY k.place) FROM pg_catalog.unnest(source.kinds) WITH ORDINALITY AS k (kind, place)),
		(SELECT pg_catalog.string_agg(CASE WHEN k.kind = 'category' THEN 'NULL' ELSE pg_catalog.format('pg_catalog.max(r.x[%s])', k.place) END, ', ' ORDER BY k.place) FROM pg_catalog.unnest(source.kinds) WITH ORDINALITY AS k (kind, place)),
		source.rows_query) INTO summary, rows_read, lows, highs;
	IF summary IS NULL THEN
		RAISE EXCEPTION 'query gives no row without a NULL' USING ERRCODE = 'data_exception', HINT = 'Leave out columns that are mostly NULL, or fill them with coalesce().';
	END IF;
	IF rows_read > cx.row_count(summary) THEN
		RAISE NOTICE 'left out % of % rows, which have a NULL', rows_read - cx.row_count(summary), rows_read;
	END IF;
	RETURN QUERY
	WITH odds AS MATERIALIZED (
		SELECT * FROM cx.driver_odds(CASE WHEN source.kinds[1] = 'boolean' THEN source.rows_query END, source.names)
	)
	SELECT d.driver, d.importance, d.share, d.coefficient, d.std_error, d.p_value, CASE WHEN d.kind <> 'category' THEN d.performance END, d.position,
		cx.importance_quadrant(d.importance, pg_catalog.avg(d.importance) OVER (), d.position, pg_catalog.avg(d.position) OVER ())
	FROM (
		SELECT w.driver, w.importance, w.share, w.performance, source.kinds[e.element] AS kind,
			CASE WHEN source.kinds[1] = 'boolean' AND w.coefficient IS NOT NULL THEN o.coefficient ELSE w.coefficient END AS coefficient,
			CASE WHEN source.kinds[1] = 'boolean' AND w.coefficient IS NOT NULL THEN o.std_error ELSE w.std_error END AS std_error,
			CASE WHEN source.kinds[1] = 'boolean' AND w.coefficient IS NOT NULL THEN o.p_value ELSE w.p_value END AS p_value,
			100 * CASE WHEN cx.correlation(summary, e.element, 1) < 0 THEN highs[e.element] - w.performance ELSE w.performance - lows[e.element] END / (highs[e.element] - lows[e.element]) AS position
		FROM cx.drivers(summary, source.names, outcome, method, collinear) AS w CROSS JOIN LATERAL (SELECT pg_catalog.array_position(source.names, w.driver) AS element) AS e
			LEFT JOIN odds AS o ON o.place = e.element
	) AS d
	ORDER BY d.importance DESC, d.driver COLLATE pg_catalog."C";
END
$$;
COMMENT ON FUNCTION cx.driver_analysis(text, text, text, text) IS 'what drives one column of a query, the outcome, which is a number or a Boolean: cx.drivers of all its other columns, which are numbers, Booleans or categories (texts and enums), in one call. If the outcome is a Boolean, coefficient, std_error and p_value are those of logistic regression, in log-odds per unit of the driver, while importance is the part of R-squared of the linear model of its probability. Rows with a NULL are left out with a notice. A category enters as one driver, compared with its most frequent level (one of two levels as name = level, with a coefficient; others have none, and p_value is that of the F test of the linear model); its 20 most frequent levels are told apart; one with another value in almost every row is left out with a notice. performance_index: where the mean of a driver lies between its lowest (0) and its highest (100) value, turned round if more of it goes with less of the outcome, so that drivers of unlike scales compare, and by which the quadrant is found; a category has none';
-- The program's tables, indexes, views and triggers
--
-- What stands between this line and "END OF PROGRAM" is the body of one
-- procedure: the fragments src/<room>/program.sql and src/<room>/views.sql.
-- They are written so that running them again adds what is missing and leaves
-- the rest alone: that is how a program of an older version is upgraded.  A
-- column that came after its table is an ALTER TABLE ... ADD COLUMN IF NOT
-- EXISTS below it, and new columns of a view go to its end.

CREATE PROCEDURE cx.define_program()
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	SET client_min_messages = warning
	AS $program$
BEGIN
-- People: the program itself, organisation, staff, customers and what is known of them

CREATE TABLE IF NOT EXISTS cx_data.program (
	singleton boolean PRIMARY KEY DEFAULT true CONSTRAINT program_singleton_check CHECK (singleton),
	version text NOT NULL,
	time_zone text NOT NULL CONSTRAINT program_time_zone_check CHECK ('epoch'::timestamptz AT TIME ZONE time_zone IS NOT NULL),
	relations text[] NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE cx_data.program IS 'the CX program: one row';
COMMENT ON COLUMN cx_data.program.version IS 'version of cx that made these tables; CALL cx.upgrade_program() brings it up to date';
COMMENT ON COLUMN cx_data.program.time_zone IS 'time zone in which hours and days are cut, unless the unit has its own';
COMMENT ON COLUMN cx_data.program.relations IS 'tables and views that cx made in this schema, the others are yours';
ALTER TABLE cx_data.program
	ADD COLUMN IF NOT EXISTS columns text[],
	ADD COLUMN IF NOT EXISTS row_security boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN cx_data.program.columns IS 'columns that cx made in its tables, as table.column; the others are yours';
COMMENT ON COLUMN cx_data.program.row_security IS 'whether cx.enable_row_security() is on';

CREATE TABLE IF NOT EXISTS cx_data.org_unit (
	org_unit_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	parent_id bigint REFERENCES cx_data.org_unit,
	code text NOT NULL UNIQUE,
	name text,
	tier integer NOT NULL DEFAULT 1 CONSTRAINT org_unit_tier_check CHECK (tier >= 1),
	manager_id bigint,
	calendar text,
	time_zone text CONSTRAINT org_unit_time_zone_check CHECK (time_zone IS NULL OR 'epoch'::timestamptz AT TIME ZONE time_zone IS NOT NULL),
	created_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT org_unit_parent_check CHECK (parent_id <> org_unit_id)
);
CREATE INDEX IF NOT EXISTS org_unit_parent_id_idx ON cx_data.org_unit (parent_id);
COMMENT ON TABLE cx_data.org_unit IS 'organisation units: group, region, branch, shop';
COMMENT ON COLUMN cx_data.org_unit.parent_id IS 'unit that this one belongs to; NULL at the top';
COMMENT ON COLUMN cx_data.org_unit.code IS 'what people type';
COMMENT ON COLUMN cx_data.org_unit.tier IS 'level in the organisation, 1 is the group';
COMMENT ON COLUMN cx_data.org_unit.manager_id IS 'member of staff in charge';
COMMENT ON COLUMN cx_data.org_unit.calendar IS 'code of the business calendar';
COMMENT ON COLUMN cx_data.org_unit.time_zone IS 'time zone in which its hours and days are cut; NULL means that of the program';

CREATE TABLE IF NOT EXISTS cx_data.staff (
	staff_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	org_unit_id bigint REFERENCES cx_data.org_unit,
	code text NOT NULL UNIQUE,
	name text,
	db_role text,
	contact text,
	created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS staff_org_unit_id_idx ON cx_data.staff (org_unit_id);
COMMENT ON TABLE cx_data.staff IS 'members of staff who serve customers or answer for units, journeys and touchpoints';
COMMENT ON COLUMN cx_data.staff.org_unit_id IS 'unit that this person works for';
COMMENT ON COLUMN cx_data.staff.code IS 'what people type';
COMMENT ON COLUMN cx_data.staff.db_role IS 'database role of this person, if any; with row security it sees the rows of the unit';
COMMENT ON COLUMN cx_data.staff.contact IS 'where to reach this person';

IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = 'cx_data.org_unit'::regclass AND conname = 'org_unit_manager_id_fkey') THEN
	ALTER TABLE cx_data.org_unit ADD CONSTRAINT org_unit_manager_id_fkey FOREIGN KEY (manager_id) REFERENCES cx_data.staff;
END IF;

CREATE TABLE IF NOT EXISTS cx_data.access (
	access_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	role text NOT NULL UNIQUE,
	level text NOT NULL CONSTRAINT access_level_check CHECK (level IN ('analyst', 'agent', 'manager', 'admin')),
	created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE cx_data.access IS 'database roles with a level of access to the program: written by cx.grant_access() and cx.revoke_access()';
COMMENT ON COLUMN cx_data.access.role IS 'name of the database role';
COMMENT ON COLUMN cx_data.access.level IS 'analyst, agent, manager or admin';

CREATE TABLE IF NOT EXISTS cx_data.customer (
	customer_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	code text NOT NULL UNIQUE,
	name text,
	segment text,
	org_unit_id bigint REFERENCES cx_data.org_unit,
	attributes jsonb NOT NULL DEFAULT '{}',
	first_seen_at timestamptz NOT NULL DEFAULT now() CONSTRAINT customer_first_seen_at_check CHECK (isfinite(first_seen_at)),
	created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS customer_org_unit_id_idx ON cx_data.customer (org_unit_id) WHERE org_unit_id IS NOT NULL;
COMMENT ON TABLE cx_data.customer IS 'customers; capturing adds those who are not known yet';
COMMENT ON COLUMN cx_data.customer.code IS 'what the operational systems call this customer';
COMMENT ON COLUMN cx_data.customer.segment IS 'customer segment, such as consumer or business';
COMMENT ON COLUMN cx_data.customer.org_unit_id IS 'unit in charge; stands in where feedback names no unit';
COMMENT ON COLUMN cx_data.customer.attributes IS 'anything else that is known';
COMMENT ON COLUMN cx_data.customer.first_seen_at IS 'time of the earliest feedback or event when this customer was added, else the time of adding';

CREATE TABLE IF NOT EXISTS cx_data.customer_merge (
	customer_merge_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	keep_id bigint NOT NULL,
	lose_id bigint NOT NULL,
	lost jsonb,
	org_unit_id bigint REFERENCES cx_data.org_unit,
	merged_at timestamptz NOT NULL DEFAULT now(),
	merged_by text NOT NULL DEFAULT current_user,
	undone_at timestamptz,
	undone_by text,
	created_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT customer_merge_check CHECK (keep_id <> lose_id)
);
CREATE UNIQUE INDEX IF NOT EXISTS customer_merge_lose_id_key ON cx_data.customer_merge (lose_id) WHERE undone_at IS NULL;
CREATE INDEX IF NOT EXISTS customer_merge_keep_id_idx ON cx_data.customer_merge (keep_id);
CREATE INDEX IF NOT EXISTS customer_merge_org_unit_id_idx ON cx_data.customer_merge (org_unit_id) WHERE org_unit_id IS NOT NULL;
COMMENT ON TABLE cx_data.customer_merge IS 'customers merged into others by cx.merge_customers(); cx.unmerge() undoes one';
COMMENT ON COLUMN cx_data.customer_merge.keep_id IS 'customer who got everything; may have been merged himself since';
COMMENT ON COLUMN cx_data.customer_merge.lose_id IS 'customer who went';
COMMENT ON COLUMN cx_data.customer_merge.lost IS 'his row of cx_data.customer; NULL once he is back';
COMMENT ON COLUMN cx_data.customer_merge.org_unit_id IS 'his unit, which still stands in for feedback under his names that names no unit';
COMMENT ON COLUMN cx_data.customer_merge.merged_at IS 'when they were merged';
COMMENT ON COLUMN cx_data.customer_merge.merged_by IS 'role that merged them';
COMMENT ON COLUMN cx_data.customer_merge.undone_at IS 'when that was undone; NULL if it holds';
COMMENT ON COLUMN cx_data.customer_merge.undone_by IS 'role that undid it';

CREATE TABLE IF NOT EXISTS cx_data.customer_merge_fact (
	customer_merge_fact_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	customer_merge_id bigint NOT NULL REFERENCES cx_data.customer_merge ON DELETE CASCADE,
	relation regclass NOT NULL,
	customer_column text NOT NULL,
	fact jsonb NOT NULL,
	set_aside boolean NOT NULL DEFAULT false,
	created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS customer_merge_fact_customer_merge_id_idx ON cx_data.customer_merge_fact (customer_merge_id);
COMMENT ON TABLE cx_data.customer_merge_fact IS 'rows that a merge moved in tables without a column customer_merge_id, and rows that could not be moved';
COMMENT ON COLUMN cx_data.customer_merge_fact.relation IS 'table of the row';
COMMENT ON COLUMN cx_data.customer_merge_fact.customer_column IS 'column of the table that names the customer, for there may be several';
COMMENT ON COLUMN cx_data.customer_merge_fact.fact IS 'key of the row, as an array; if it was set aside, the whole row';
COMMENT ON COLUMN cx_data.customer_merge_fact.set_aside IS 'whether the customer who was kept had such a row already, so that this one waits here';

CREATE TABLE IF NOT EXISTS cx_data.customer_identity (
	customer_identity_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	kind text NOT NULL,
	value text NOT NULL,
	customer_id bigint NOT NULL REFERENCES cx_data.customer ON DELETE CASCADE,
	created_at timestamptz NOT NULL DEFAULT now(),
	UNIQUE (kind, value)
);
ALTER TABLE cx_data.customer_identity
	ADD COLUMN IF NOT EXISTS customer_merge_id bigint CONSTRAINT customer_identity_customer_merge_id_fkey REFERENCES cx_data.customer_merge;
IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = 'cx_data.customer_identity'::regclass AND conname = 'customer_identity_kind_check') THEN
	ALTER TABLE cx_data.customer_identity ADD CONSTRAINT customer_identity_kind_check CHECK (kind <> 'code' OR customer_merge_id IS NOT NULL);
END IF;
CREATE INDEX IF NOT EXISTS customer_identity_customer_id_idx ON cx_data.customer_identity (customer_id);
COMMENT ON TABLE cx_data.customer_identity IS 'names under which the same customer appears: CRM id, phone, device, account';
COMMENT ON COLUMN cx_data.customer_identity.kind IS 'kind of name, such as crm, phone or device';
COMMENT ON COLUMN cx_data.customer_identity.value IS 'the name itself, unique within its kind';
COMMENT ON COLUMN cx_data.customer_identity.customer_merge_id IS 'merge by which the name came to this customer; NULL if it always was his';

CREATE TABLE IF NOT EXISTS cx_data.seal (
	singleton boolean PRIMARY KEY DEFAULT true CONSTRAINT seal_singleton_check CHECK (singleton),
	key text NOT NULL DEFAULT gen_random_uuid() || '/' || gen_random_uuid(),
	created_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO cx_data.seal DEFAULT VALUES ON CONFLICT DO NOTHING;
COMMENT ON TABLE cx_data.seal IS 'one row: what marks the triggers on tables of users as made by the owners of these; for nobody to read but the owner of the program';
COMMENT ON COLUMN cx_data.seal.key IS 'key of the marks; whoever knows it can make out those of others';

CREATE TABLE IF NOT EXISTS cx_data.erasure (
	singleton boolean PRIMARY KEY DEFAULT true CONSTRAINT erasure_singleton_check CHECK (singleton),
	salt text NOT NULL DEFAULT gen_random_uuid() || '/' || gen_random_uuid(),
	created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE cx_data.erasure IS 'one row once a customer was erased';
COMMENT ON COLUMN cx_data.erasure.salt IS 'what names and keys are hashed with; whoever knows it can try names out';

CREATE TABLE IF NOT EXISTS cx_data.erased_customer (
	erased_customer_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	name_hash text NOT NULL UNIQUE,
	org_unit_id bigint REFERENCES cx_data.org_unit,
	erased_by text NOT NULL DEFAULT current_user,
	created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS erased_customer_org_unit_id_idx ON cx_data.erased_customer (org_unit_id) WHERE org_unit_id IS NOT NULL;
COMMENT ON TABLE cx_data.erased_customer IS 'names of customers who were erased, as hashes, so that capturing them again brings nothing back';
COMMENT ON COLUMN cx_data.erased_customer.name_hash IS 'hash of a code or another name: cx.erased_hash(kind, name)';
COMMENT ON COLUMN cx_data.erased_customer.org_unit_id IS 'unit that stands in for anonymous feedback under this name that names no unit';
COMMENT ON COLUMN cx_data.erased_customer.erased_by IS 'role that erased the customer';

CREATE TABLE IF NOT EXISTS cx_data.persona (
	persona_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	code text NOT NULL UNIQUE,
	name text,
	description text,
	created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE cx_data.persona IS 'typical customers that journeys are drawn for';
COMMENT ON COLUMN cx_data.persona.code IS 'what people type';
COMMENT ON COLUMN cx_data.persona.description IS 'who this is, what they want and fear';

CREATE TABLE IF NOT EXISTS cx_data.tag (
	tag_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	code text NOT NULL UNIQUE,
	name text,
	description text,
	created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE cx_data.tag IS 'tags that customers may carry';
COMMENT ON COLUMN cx_data.tag.code IS 'what people type';

CREATE TABLE IF NOT EXISTS cx_data.customer_tag (
	customer_tag_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	customer_id bigint NOT NULL REFERENCES cx_data.customer ON DELETE CASCADE,
	tag_id bigint NOT NULL REFERENCES cx_data.tag,
	valid_from timestamptz NOT NULL DEFAULT now(),
	valid_until timestamptz,
	created_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT customer_tag_period_check CHECK (valid_from < valid_until),
	UNIQUE (customer_id, tag_id, valid_from)
);
CREATE INDEX IF NOT EXISTS customer_tag_tag_id_idx ON cx_data.customer_tag (tag_id);
COMMENT ON TABLE cx_data.customer_tag IS 'which customer carries which tag, and when';
COMMENT ON COLUMN cx_data.customer_tag.valid_from IS 'first instant of the period';
COMMENT ON COLUMN cx_data.customer_tag.valid_until IS 'first instant after the period; NULL while it lasts';
-- Journey: journeys, their stages and touchpoints, notes, and what was published

CREATE TABLE IF NOT EXISTS cx_data.journey (
	journey_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	code text NOT NULL UNIQUE,
	name text,
	description text,
	owner_staff_id bigint REFERENCES cx_data.staff,
	owner_unit_id bigint REFERENCES cx_data.org_unit,
	created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE cx_data.journey IS 'customer journeys; scores and maps take what cx.publish_journey() has published';
COMMENT ON COLUMN cx_data.journey.code IS 'what people type';
COMMENT ON COLUMN cx_data.journey.owner_staff_id IS 'member of staff who answers for it';
COMMENT ON COLUMN cx_data.journey.owner_unit_id IS 'unit that answers for it';

CREATE TABLE IF NOT EXISTS cx_data.stage (
	stage_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	journey_id bigint NOT NULL REFERENCES cx_data.journey,
	code text NOT NULL UNIQUE,
	name text,
	position integer NOT NULL DEFAULT 1,
	weight double precision NOT NULL DEFAULT 1 CONSTRAINT stage_weight_check CHECK (weight >= 0 AND weight < 'infinity'),
	created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS stage_journey_id_idx ON cx_data.stage (journey_id);
COMMENT ON TABLE cx_data.stage IS 'stages of a journey';
COMMENT ON COLUMN cx_data.stage.code IS 'what people type';
COMMENT ON COLUMN cx_data.stage.position IS 'order within the journey';
COMMENT ON COLUMN cx_data.stage.weight IS 'weight in the score of the journey';

CREATE TABLE IF NOT EXISTS cx_data.touchpoint (
	touchpoint_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	stage_id bigint REFERENCES cx_data.stage,
	code text NOT NULL UNIQUE,
	name text,
	position integer NOT NULL DEFAULT 1,
	weight double precision NOT NULL DEFAULT 1 CONSTRAINT touchpoint_weight_check CHECK (weight >= 0 AND weight < 'infinity'),
	channel text,
	moment_of_truth boolean NOT NULL DEFAULT false,
	owner_staff_id bigint REFERENCES cx_data.staff,
	owner_unit_id bigint REFERENCES cx_data.org_unit,
	created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS touchpoint_stage_id_idx ON cx_data.touchpoint (stage_id);
COMMENT ON TABLE cx_data.touchpoint IS 'touchpoints: where customers meet the organisation';
COMMENT ON COLUMN cx_data.touchpoint.stage_id IS 'stage that it belongs to; NULL while it has no place in a journey';
COMMENT ON COLUMN cx_data.touchpoint.code IS 'what people type and sources deliver';
COMMENT ON COLUMN cx_data.touchpoint.position IS 'order within the stage';
COMMENT ON COLUMN cx_data.touchpoint.weight IS 'weight in the score of the stage';
COMMENT ON COLUMN cx_data.touchpoint.channel IS 'channel, such as app, shop or phone';
COMMENT ON COLUMN cx_data.touchpoint.moment_of_truth IS 'whether it decides how the customer remembers the journey';
COMMENT ON COLUMN cx_data.touchpoint.owner_staff_id IS 'member of staff who answers for it';
COMMENT ON COLUMN cx_data.touchpoint.owner_unit_id IS 'unit that answers for it';

CREATE TABLE IF NOT EXISTS cx_data.journey_note (
	journey_note_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	stage_id bigint REFERENCES cx_data.stage,
	touchpoint_id bigint REFERENCES cx_data.touchpoint,
	persona_id bigint REFERENCES cx_data.persona,
	kind text NOT NULL CONSTRAINT journey_note_kind_check CHECK (kind IN ('thought', 'emotion', 'action', 'pain_point', 'opportunity')),
	body text NOT NULL,
	author text NOT NULL DEFAULT current_user,
	created_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT journey_note_place_check CHECK (num_nonnulls(stage_id, touchpoint_id) = 1)
);
CREATE INDEX IF NOT EXISTS journey_note_stage_id_idx ON cx_data.journey_note (stage_id);
CREATE INDEX IF NOT EXISTS journey_note_touchpoint_id_idx ON cx_data.journey_note (touchpoint_id);
COMMENT ON TABLE cx_data.journey_note IS 'notes on the journey map: what customers think, feel and do, pain points and opportunities';
COMMENT ON COLUMN cx_data.journey_note.persona_id IS 'persona it is about; NULL means everybody';
COMMENT ON COLUMN cx_data.journey_note.kind IS 'thought, emotion, action, pain_point or opportunity';

CREATE TABLE IF NOT EXISTS cx_data.journey_version (
	journey_version_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	journey_id bigint NOT NULL REFERENCES cx_data.journey,
	version integer NOT NULL,
	published_at timestamptz NOT NULL DEFAULT now() CONSTRAINT journey_version_published_at_check CHECK (isfinite(published_at)),
	published_by text NOT NULL DEFAULT current_user,
	definition jsonb NOT NULL,
	UNIQUE (journey_id, version)
);
COMMENT ON TABLE cx_data.journey_version IS 'journeys as they were published, so that old reports can be made again';
COMMENT ON COLUMN cx_data.journey_version.version IS '1, 2, ... within the journey';
COMMENT ON COLUMN cx_data.journey_version.definition IS 'the journey with its stages, touchpoints, positions, weights, moments of truth, owners and notes';
-- Collect: metrics, sources, feedback, events and their tallies

CREATE TABLE IF NOT EXISTS cx_data.metric (
	metric_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	code text NOT NULL UNIQUE,
	name text,
	kind text NOT NULL CONSTRAINT metric_kind_check CHECK (kind IN ('nps', 'csat', 'ces', 'rating')),
	scale_min integer NOT NULL CONSTRAINT metric_scale_min_check CHECK (scale_min BETWEEN 0 AND 10),
	scale_max integer NOT NULL CONSTRAINT metric_scale_max_check CHECK (scale_max BETWEEN 0 AND 10),
	satisfied_from integer,
	lower_is_better boolean NOT NULL DEFAULT false,
	target double precision,
	created_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT metric_scale_check CHECK (scale_min < scale_max),
	CONSTRAINT metric_satisfied_from_check CHECK (satisfied_from > scale_min AND satisfied_from <= scale_max),
	CONSTRAINT metric_csat_check CHECK (kind <> 'csat' OR (satisfied_from IS NOT NULL AND NOT lower_is_better)),
	CONSTRAINT metric_nps_check CHECK (kind <> 'nps' OR (scale_min = 0 AND scale_max = 10 AND NOT lower_is_better))
);
COMMENT ON TABLE cx_data.metric IS 'rating scales and the formula that makes a score of them';
COMMENT ON COLUMN cx_data.metric.code IS 'what feedback refers to';
COMMENT ON COLUMN cx_data.metric.kind IS 'nps: percent promoters minus percent detractors; csat: percent satisfied; ces and rating: mean';
COMMENT ON COLUMN cx_data.metric.scale_min IS 'least answer, within 0..10';
COMMENT ON COLUMN cx_data.metric.scale_max IS 'greatest answer, within 0..10; wider scales are mapped when attaching';
COMMENT ON COLUMN cx_data.metric.satisfied_from IS 'least answer that counts as satisfied';
COMMENT ON COLUMN cx_data.metric.lower_is_better IS 'whether a low answer is good, as in a score of effort';
COMMENT ON COLUMN cx_data.metric.target IS 'score to be reached, in the unit of the metric''s kind';

INSERT INTO cx_data.metric (code, name, kind, scale_min, scale_max, satisfied_from, lower_is_better)
VALUES
	('nps', 'Net Promoter Score', 'nps', 0, 10, NULL, false),
	('enps', 'Net Promoter Score of staff', 'nps', 0, 10, NULL, false),
	('csat3', 'Customer satisfaction, 1-3', 'csat', 1, 3, 3, false),
	('csat4', 'Customer satisfaction, 1-4', 'csat', 1, 4, 3, false),
	('csat', 'Customer satisfaction, 1-5', 'csat', 1, 5, 4, false),
	('csat7', 'Customer satisfaction, 1-7', 'csat', 1, 7, 6, false),
	('csat10', 'Customer satisfaction, 1-10', 'csat', 1, 10, 8, false),
	('thumbs', 'Thumbs up', 'csat', 0, 1, 1, false),
	('ces', 'Customer Effort Score, 1-7, higher is easier', 'ces', 1, 7, 5, false),
	('effort5', 'Customer effort, 1-5, lower is easier', 'rating', 1, 5, NULL, true),
	('stars', 'Stars', 'rating', 1, 5, NULL, false)
ON CONFLICT (code) DO NOTHING;

CREATE TABLE IF NOT EXISTS cx_data.source (
	source_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	name text NOT NULL UNIQUE,
	kind text NOT NULL CONSTRAINT source_kind_check CHECK (kind IN ('feedback', 'event', 'ticket')),
	relation regclass,
	mapping jsonb NOT NULL DEFAULT '{}',
	pulled boolean NOT NULL DEFAULT false,
	pulled_at timestamptz,
	pulled_until timestamptz,
	compared_at timestamptz,
	created_at timestamptz NOT NULL DEFAULT now()
);
IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = 'cx_data.source'::regclass AND conname = 'source_kind_check' AND pg_get_constraintdef(oid) LIKE '%ticket%') THEN
	ALTER TABLE cx_data.source DROP CONSTRAINT IF EXISTS source_kind_check;
	ALTER TABLE cx_data.source ADD CONSTRAINT source_kind_check CHECK (kind IN ('feedback', 'event', 'ticket'));
END IF;
COMMENT ON TABLE cx_data.source IS 'where feedback, events and tickets come from';
COMMENT ON COLUMN cx_data.source.kind IS 'what it delivers: feedback, event or ticket';
COMMENT ON COLUMN cx_data.source.relation IS 'table, view or foreign table that is attached; NULL for other ways in';
COMMENT ON COLUMN cx_data.source.mapping IS 'a copy of the mapping to look at: what runs is in the arguments of the trigger on the relation';
COMMENT ON COLUMN cx_data.source.pulled IS 'whether sync_source brings the rows in, where triggers cannot';
COMMENT ON COLUMN cx_data.source.pulled_at IS 'when rows were last pulled';
COMMENT ON COLUMN cx_data.source.pulled_until IS 'greatest changed_at pulled so far';
COMMENT ON COLUMN cx_data.source.compared_at IS 'when all rows were last compared, those that left included';

-- feedback and event are written row by row by live systems: what their rows must fulfil is
-- checked by their triggers, for foreign keys and CHECK constraints would cost more than the rest

CREATE TABLE IF NOT EXISTS cx_data.feedback (
	feedback_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	customer_id bigint,
	touchpoint_id bigint,
	org_unit_id bigint,
	staff_id bigint,
	responded_at timestamptz NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	source_id bigint,
	score smallint,
	kind text NOT NULL DEFAULT 'survey',
	metric text,
	source_key text,
	channel text,
	comment text,
	attributes jsonb,
	CONSTRAINT feedback_source_key UNIQUE (source_id, source_key)
);
ALTER TABLE cx_data.feedback ADD COLUMN IF NOT EXISTS changed_at timestamptz;
ALTER TABLE cx_data.feedback ADD COLUMN IF NOT EXISTS customer_merge_id bigint;
-- without the time: a customer says few things, and sorting those when they are read costs less than keeping them sorted
CREATE INDEX IF NOT EXISTS feedback_customer_id_idx ON cx_data.feedback (customer_id);
CREATE INDEX IF NOT EXISTS feedback_touchpoint_id_idx ON cx_data.feedback (touchpoint_id, responded_at);
COMMENT ON TABLE cx_data.feedback IS 'what customers say: answers, complaints, suggestions, posts (X-data)';
COMMENT ON COLUMN cx_data.feedback.customer_id IS 'customer who said it; NULL if anonymous';
COMMENT ON COLUMN cx_data.feedback.touchpoint_id IS 'touchpoint it is about; NULL if it is about the relationship as a whole';
COMMENT ON COLUMN cx_data.feedback.org_unit_id IS 'unit that served the customer; capturing puts the customer''s unit where none is given';
COMMENT ON COLUMN cx_data.feedback.staff_id IS 'member of staff who served the customer';
COMMENT ON COLUMN cx_data.feedback.responded_at IS 'when the customer said it';
COMMENT ON COLUMN cx_data.feedback.source_id IS 'source that delivered it; NULL if written by hand';
COMMENT ON COLUMN cx_data.feedback.score IS 'whole number on the scale of the metric';
COMMENT ON COLUMN cx_data.feedback.kind IS 'survey, complaint, suggestion, social, mystery, trial or staff; scores count surveys only';
COMMENT ON COLUMN cx_data.feedback.metric IS 'code of the metric that the score is for';
COMMENT ON COLUMN cx_data.feedback.source_key IS 'key of the row in its source; the same source and key is the same feedback';
COMMENT ON COLUMN cx_data.feedback.changed_at IS 'when an imported response was changed last, for the newest wins; NULL for captured rows';
COMMENT ON COLUMN cx_data.feedback.customer_merge_id IS 'merge by which it came to its customer, who was another one by the name it came under; NULL for most';
COMMENT ON COLUMN cx_data.feedback.channel IS 'channel the answer came by, such as sms or app';

CREATE TABLE IF NOT EXISTS cx_data.event (
	event_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	customer_id bigint,
	touchpoint_id bigint,
	org_unit_id bigint,
	occurred_at timestamptz NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	source_id bigint,
	value double precision,
	name text NOT NULL,
	source_key text,
	attributes jsonb,
	CONSTRAINT event_source_key UNIQUE (source_id, source_key)
);
ALTER TABLE cx_data.event ADD COLUMN IF NOT EXISTS customer_merge_id bigint;
CREATE INDEX IF NOT EXISTS event_customer_id_idx ON cx_data.event (customer_id, occurred_at);
CREATE INDEX IF NOT EXISTS event_name_idx ON cx_data.event (name, occurred_at);
COMMENT ON TABLE cx_data.event IS 'what happened to customers: orders, bills, calls, faults, visits (O-data)';
COMMENT ON COLUMN cx_data.event.customer_id IS 'customer it happened to; NULL if unknown';
COMMENT ON COLUMN cx_data.event.touchpoint_id IS 'touchpoint where it happened';
COMMENT ON COLUMN cx_data.event.org_unit_id IS 'unit where it happened; capturing puts the customer''s unit where none is given';
COMMENT ON COLUMN cx_data.event.value IS 'how much: an amount, a duration in seconds, a count';
COMMENT ON COLUMN cx_data.event.name IS 'what happened, such as bill or outage';
COMMENT ON COLUMN cx_data.event.source_id IS 'source that delivered it; NULL if written by hand';
COMMENT ON COLUMN cx_data.event.customer_merge_id IS 'merge by which it came to its customer, who was another one by the name it came under; NULL for most';
COMMENT ON COLUMN cx_data.event.source_key IS 'key of the row in its source; the same source and key is the same event';

CREATE TABLE IF NOT EXISTS cx_data.import_error (
	import_error_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	source_id bigint NOT NULL REFERENCES cx_data.source ON DELETE CASCADE,
	source_key text,
	sqlstate text NOT NULL,
	message text NOT NULL,
	attempts integer NOT NULL DEFAULT 1,
	last_attempt_at timestamptz NOT NULL DEFAULT now(),
	created_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT import_error_source_key UNIQUE (source_id, source_key)
);
ALTER TABLE cx_data.import_error ADD COLUMN IF NOT EXISTS payload jsonb;
COMMENT ON TABLE cx_data.import_error IS 'rows of sources that could not be captured or imported; CALL cx.maintain() tries them again';
COMMENT ON COLUMN cx_data.import_error.payload IS 'the response that could not be imported; NULL if the row stands in an attached relation';
COMMENT ON COLUMN cx_data.import_error.source_key IS 'key of the row in its source; NULL if it has none';
COMMENT ON COLUMN cx_data.import_error.sqlstate IS 'error code';
COMMENT ON COLUMN cx_data.import_error.message IS 'what is wrong';
COMMENT ON COLUMN cx_data.import_error.attempts IS 'how often it was tried';

CREATE TABLE IF NOT EXISTS cx_data.response_apart (
	response_apart_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	source_id bigint NOT NULL REFERENCES cx_data.source ON DELETE CASCADE,
	source_key text,
	state text NOT NULL CONSTRAINT response_apart_state_check CHECK (state IN ('partial', 'preview', 'test', 'spam')),
	payload jsonb NOT NULL,
	received_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT response_apart_source_key UNIQUE (source_id, source_key)
);
COMMENT ON TABLE cx_data.response_apart IS 'imported responses that are not feedback: not complete yet, or not given by a customer';
COMMENT ON COLUMN cx_data.response_apart.source_key IS 'key of the response in its source; it goes when the complete one comes';
COMMENT ON COLUMN cx_data.response_apart.state IS 'partial, preview, test or spam';
COMMENT ON COLUMN cx_data.response_apart.payload IS 'the response as it came';
COMMENT ON COLUMN cx_data.response_apart.received_at IS 'when it came last';

CREATE TABLE IF NOT EXISTS cx_data.import_format (
	import_format_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	code text NOT NULL UNIQUE,
	name text,
	definition jsonb NOT NULL CONSTRAINT import_format_definition_check CHECK (jsonb_typeof(definition) = 'object' AND definition ? 'key' AND definition ? 'responded_at'),
	created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE cx_data.import_format IS 'formats in which survey tools deliver responses: where in them what stands, as SQL/JSON paths. Rows may be added';
COMMENT ON COLUMN cx_data.import_format.code IS 'what cx.create_import refers to';
COMMENT ON COLUMN cx_data.import_format.definition IS 'paths: responses (within a payload), key, responded_at, changed_at, answer and comment (of $question and $comment), customer, invitation (its token, which leads to the customer), touchpoint, metric, channel, org_unit, staff, kind, attributes; states: paths that find something in responses which are partial, preview, test or spam; header_rows and separator of comma-separated values; time_zone';

INSERT INTO cx_data.import_format (code, name, definition)
VALUES
	('cx', 'Fields under the names of submit_feedback', '{"key": "$.source_key", "responded_at": "$.responded_at", "answer": "$.score", "comment": "$.comment", "customer": "$.customer", "touchpoint": "$.touchpoint", "metric": "$.metric", "channel": "$.channel", "org_unit": "$.org_unit", "staff": "$.staff", "kind": "$.kind", "attributes": "$.attributes", "changed_at": "$.changed_at"}'),
	('typeform', 'Typeform webhook', '{"key": "$.form_response.token", "responded_at": "$.form_response.submitted_at", "answer": "$.form_response.answers[*] ? (@.field.ref == $question || @.field.id == $question).number", "comment": "$.form_response.answers[*] ? (@.field.ref == $comment || @.field.id == $comment).text", "customer": "$.form_response.hidden.customer", "states": {"partial": "$ ? (@.event_type == \"form_response_partial\")"}}'),
	('formbricks', 'Formbricks webhook', '{"key": "$.data.id", "responded_at": "$.data.createdAt", "changed_at": "$.data.updatedAt", "answer": "$.data.data.keyvalue() ? (@.key == $question).value", "comment": "$.data.data.keyvalue() ? (@.key == $comment).value", "customer": "$.data.contactAttributes.userId", "states": {"partial": "$.data ? (@.finished == false)"}}'),
	('delighted', 'Delighted webhook', '{"key": "$.event_data.id", "responded_at": "$.event_data.created_at", "changed_at": "$.event_data.updated_at", "answer": "$.event_data.score", "comment": "$.event_data.comment", "metric": "$.event_data.survey_type", "customer": "$.event_data.person.id"}'),
	('surveymonkey', 'SurveyMonkey responses, in bulk', '{"responses": "$.data[*]", "key": "$.id", "responded_at": "$.date_modified", "answer": "$.pages[*].questions[*] ? (@.id == $question).answers[*].choice_id", "comment": "$.pages[*].questions[*] ? (@.id == $comment).answers[*].text", "customer": "$.custom_variables.customer", "states": {"preview": "$.collection_mode ? (@ == \"preview\")", "partial": "$.response_status ? (@ != \"completed\")"}}'),
	('qualtrics', 'Qualtrics export, comma-separated', '{"header_rows": 3, "key": "$.ResponseId", "responded_at": "$.RecordedDate", "answer": "$.keyvalue() ? (@.key == $question).value", "comment": "$.keyvalue() ? (@.key == $comment).value", "customer": "$.ExternalReference", "channel": "$.DistributionChannel", "states": {"test": "$.Status ? (@ == \"Survey Test\" || @ == \"2\")", "preview": "$.Status ? (@ == \"Survey Preview\" || @ == \"1\" || @ == \"9\")", "spam": "$.Status ? (@ like_regex \"spam\" flag \"i\" || @ == \"8\")", "partial": "$.Finished ? (@ like_regex \"^(false|0)$\" flag \"i\")"}}'),
	('limesurvey', 'LimeSurvey export, comma-separated', '{"header_rows": 1, "key": "$.id", "responded_at": "$.submitdate", "answer": "$.keyvalue() ? (@.key == $question).value", "comment": "$.keyvalue() ? (@.key == $comment).value", "customer": "$.token", "states": {"partial": "$ ? (!(exists (@.submitdate)) || @.submitdate == null)"}}')
ON CONFLICT (code) DO NOTHING;

CREATE TABLE IF NOT EXISTS cx_data.survey (
	survey_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	code text NOT NULL UNIQUE,
	name text,
	source_id bigint REFERENCES cx_data.source ON DELETE SET NULL,
	channel text,
	valid_for interval NOT NULL DEFAULT '14 days' CONSTRAINT survey_valid_for_check CHECK (valid_for > '0'),
	cooldown interval NOT NULL DEFAULT '90 days' CONSTRAINT survey_cooldown_check CHECK (cooldown >= '0'),
	active boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE cx_data.survey IS 'surveys that customers are invited to';
COMMENT ON COLUMN cx_data.survey.code IS 'what people type';
COMMENT ON COLUMN cx_data.survey.source_id IS 'source that its answers come from, by which invitations are seen to be answered';
COMMENT ON COLUMN cx_data.survey.channel IS 'channel of invitations that name none, such as email or sms';
COMMENT ON COLUMN cx_data.survey.valid_for IS 'how long an invitation may be answered; days are calendar days of the program';
COMMENT ON COLUMN cx_data.survey.cooldown IS 'how long after an invitation the same customer is not invited to this survey again';
COMMENT ON COLUMN cx_data.survey.active IS 'whether customers may be invited';

CREATE TABLE IF NOT EXISTS cx_data.question (
	question_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	survey_id bigint NOT NULL REFERENCES cx_data.survey ON DELETE CASCADE,
	code text NOT NULL,
	position integer NOT NULL DEFAULT 1,
	wording text,
	metric text REFERENCES cx_data.metric (code) ON UPDATE CASCADE,
	touchpoint_id bigint REFERENCES cx_data.touchpoint,
	created_at timestamptz NOT NULL DEFAULT now(),
	UNIQUE (survey_id, code)
);
COMMENT ON TABLE cx_data.question IS 'questions of surveys, as customers read them';
COMMENT ON COLUMN cx_data.question.code IS 'what the survey tool calls the question';
COMMENT ON COLUMN cx_data.question.position IS 'order within the survey';
COMMENT ON COLUMN cx_data.question.wording IS 'what the customer reads';
COMMENT ON COLUMN cx_data.question.metric IS 'code of the metric that it measures; NULL if it asks for words';
COMMENT ON COLUMN cx_data.question.touchpoint_id IS 'touchpoint it asks about; NULL if the relationship as a whole';

CREATE TABLE IF NOT EXISTS cx_data.contact_rule (
	contact_rule_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	code text NOT NULL UNIQUE,
	max_invitations integer NOT NULL CONSTRAINT contact_rule_max_invitations_check CHECK (max_invitations >= 0),
	period interval NOT NULL CONSTRAINT contact_rule_period_check CHECK (period > '0'),
	channel text,
	created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE cx_data.contact_rule IS 'how often a customer may be invited, whatever the survey: at most so many times in a period';
COMMENT ON COLUMN cx_data.contact_rule.code IS 'name of the rule, which suppressed invitations give as their reason';
COMMENT ON COLUMN cx_data.contact_rule.max_invitations IS 'most invitations in the period';
COMMENT ON COLUMN cx_data.contact_rule.period IS 'period before the invitation; days are calendar days of the program';
COMMENT ON COLUMN cx_data.contact_rule.channel IS 'channel that it is about; NULL for all together';

CREATE TABLE IF NOT EXISTS cx_data.contact_opt_out (
	contact_opt_out_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	customer_id bigint NOT NULL REFERENCES cx_data.customer ON DELETE CASCADE,
	survey_id bigint REFERENCES cx_data.survey ON DELETE CASCADE,
	channel text,
	reason text,
	opted_out_at timestamptz NOT NULL DEFAULT now(),
	customer_merge_id bigint,
	CONSTRAINT contact_opt_out_key UNIQUE NULLS NOT DISTINCT (customer_id, survey_id, channel, customer_merge_id)
);
COMMENT ON TABLE cx_data.contact_opt_out IS 'customers who do not want to be invited';
COMMENT ON COLUMN cx_data.contact_opt_out.survey_id IS 'survey that it is about; NULL for all';
COMMENT ON COLUMN cx_data.contact_opt_out.channel IS 'channel that it is about; NULL for all';
COMMENT ON COLUMN cx_data.contact_opt_out.reason IS 'what the customer said';
COMMENT ON COLUMN cx_data.contact_opt_out.customer_merge_id IS 'merge by which it came to its customer, or of the name under which he said it; NULL if it always was his';

CREATE TABLE IF NOT EXISTS cx_data.invitation (
	invitation_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	survey_id bigint NOT NULL REFERENCES cx_data.survey,
	customer_id bigint REFERENCES cx_data.customer ON DELETE CASCADE,
	channel text,
	status text NOT NULL DEFAULT 'queued' CONSTRAINT invitation_status_check CHECK (status IN ('queued', 'sent', 'answered', 'expired', 'suppressed')),
	reason text CONSTRAINT invitation_reason_check CHECK (status <> 'suppressed' OR reason IS NOT NULL),
	token uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE,
	invited_at timestamptz NOT NULL DEFAULT now(),
	sent_at timestamptz,
	expires_at timestamptz NOT NULL,
	answered_at timestamptz,
	feedback_id bigint
);
ALTER TABLE cx_data.invitation ADD COLUMN IF NOT EXISTS customer_merge_id bigint;
CREATE INDEX IF NOT EXISTS invitation_customer_id_idx ON cx_data.invitation (customer_id, invited_at);
CREATE INDEX IF NOT EXISTS invitation_queued_idx ON cx_data.invitation (invitation_id) WHERE status = 'queued';
CREATE INDEX IF NOT EXISTS invitation_open_idx ON cx_data.invitation (survey_id, customer_id) WHERE status IN ('queued', 'sent');
COMMENT ON TABLE cx_data.invitation IS 'invitations to surveys, those that were suppressed included';
COMMENT ON COLUMN cx_data.invitation.status IS 'queued, sent, answered, expired (not answered in time) or suppressed';
COMMENT ON COLUMN cx_data.invitation.reason IS 'why it was suppressed: opted out, already invited, cooldown, erased, or the code of a contact rule';
COMMENT ON COLUMN cx_data.invitation.customer_merge_id IS 'merge by which it came to its customer; NULL if it always was his';
COMMENT ON COLUMN cx_data.invitation.token IS 'secret for the link; a response that carries it is that of the customer';
COMMENT ON COLUMN cx_data.invitation.invited_at IS 'when it was queued or suppressed';
COMMENT ON COLUMN cx_data.invitation.expires_at IS 'first instant at which it cannot be answered any more';
COMMENT ON COLUMN cx_data.invitation.answered_at IS 'when the customer answered';
COMMENT ON COLUMN cx_data.invitation.feedback_id IS 'first feedback that answers it';

CREATE TABLE IF NOT EXISTS cx_data.tally_hourly (
	touchpoint_id bigint,
	org_unit_id bigint,
	hour timestamptz NOT NULL,
	metric text NOT NULL
) WITH (fillfactor = 80);
ALTER TABLE cx_data.tally_hourly ADD COLUMN IF NOT EXISTS tally cx.tally NOT NULL;
CREATE UNIQUE INDEX IF NOT EXISTS tally_hourly_key ON cx_data.tally_hourly (hour, touchpoint_id, metric, org_unit_id) NULLS NOT DISTINCT;
COMMENT ON TABLE cx_data.tally_hourly IS 'survey answers counted by touchpoint, metric, unit and hour, without those still in tally_delta: read tally_live';
COMMENT ON COLUMN cx_data.tally_hourly.hour IS 'start of the hour in the time zone of the unit, else of the program';
COMMENT ON COLUMN cx_data.tally_hourly.metric IS 'code of the metric';
COMMENT ON COLUMN cx_data.tally_hourly.tally IS 'answers per score';

CREATE TABLE IF NOT EXISTS cx_data.tally_daily (
	touchpoint_id bigint,
	org_unit_id bigint,
	day date NOT NULL,
	metric text NOT NULL
) WITH (fillfactor = 80);
ALTER TABLE cx_data.tally_daily ADD COLUMN IF NOT EXISTS tally cx.tally NOT NULL;
CREATE UNIQUE INDEX IF NOT EXISTS tally_daily_key ON cx_data.tally_daily (day, touchpoint_id, metric, org_unit_id) NULLS NOT DISTINCT;
COMMENT ON TABLE cx_data.tally_daily IS 'tally_hourly summed by day, for the views: read tally_live_daily';
COMMENT ON COLUMN cx_data.tally_daily.day IS 'day in the time zone of the unit, else of the program';
COMMENT ON COLUMN cx_data.tally_daily.metric IS 'code of the metric';
COMMENT ON COLUMN cx_data.tally_daily.tally IS 'answers per score';

CREATE TABLE IF NOT EXISTS cx_data.tally_delta (
	touchpoint_id bigint,
	org_unit_id bigint,
	hour timestamptz NOT NULL,
	day date NOT NULL,
	metric text NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE cx_data.tally_delta
	ADD COLUMN IF NOT EXISTS added cx.tally,
	ADD COLUMN IF NOT EXISTS removed cx.tally,
	REPLICA IDENTITY FULL;
COMMENT ON TABLE cx_data.tally_delta IS 'changes of tally_hourly and tally_daily that maintain() has still to fold in; one row for each statement, touchpoint, metric, unit and hour';
COMMENT ON COLUMN cx_data.tally_delta.hour IS 'as in tally_hourly';
COMMENT ON COLUMN cx_data.tally_delta.day IS 'as in tally_daily';
COMMENT ON COLUMN cx_data.tally_delta.metric IS 'code of the metric';
COMMENT ON COLUMN cx_data.tally_delta.added IS 'answers that came; NULL if none';
COMMENT ON COLUMN cx_data.tally_delta.removed IS 'answers that went, by deletion or change; NULL if none';

-- Triggers: on each table of which sessions keep rows in memory, and those that check and count

CREATE OR REPLACE TRIGGER program_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON cx_data.program
	FOR EACH STATEMENT EXECUTE FUNCTION cx.catalog_changed();
CREATE OR REPLACE TRIGGER org_unit_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON cx_data.org_unit
	FOR EACH STATEMENT EXECUTE FUNCTION cx.catalog_changed();
CREATE OR REPLACE TRIGGER staff_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON cx_data.staff
	FOR EACH STATEMENT EXECUTE FUNCTION cx.catalog_changed();
CREATE OR REPLACE TRIGGER metric_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON cx_data.metric
	FOR EACH STATEMENT EXECUTE FUNCTION cx.catalog_changed();
CREATE OR REPLACE TRIGGER touchpoint_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON cx_data.touchpoint
	FOR EACH STATEMENT EXECUTE FUNCTION cx.catalog_changed();
CREATE OR REPLACE TRIGGER source_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON cx_data.source
	FOR EACH STATEMENT EXECUTE FUNCTION cx.catalog_changed();

CREATE OR REPLACE TRIGGER customer_merge_changed AFTER INSERT OR DELETE OR TRUNCATE ON cx_data.customer_merge
	FOR EACH STATEMENT EXECUTE FUNCTION cx.catalog_changed();
CREATE OR REPLACE TRIGGER seal_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON cx_data.seal
	FOR EACH STATEMENT EXECUTE FUNCTION cx.catalog_changed();
CREATE OR REPLACE TRIGGER erasure_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON cx_data.erasure
	FOR EACH STATEMENT EXECUTE FUNCTION cx.catalog_changed();
CREATE OR REPLACE TRIGGER customer_changed AFTER DELETE OR TRUNCATE ON cx_data.customer
	FOR EACH STATEMENT EXECUTE FUNCTION cx.catalog_changed();
CREATE OR REPLACE TRIGGER customer_added BEFORE INSERT ON cx_data.customer
	FOR EACH ROW EXECUTE FUNCTION cx.customer_added();

CREATE OR REPLACE TRIGGER metric_in_use BEFORE UPDATE OR DELETE ON cx_data.metric
	FOR EACH ROW EXECUTE FUNCTION cx.metric_in_use();
CREATE OR REPLACE TRIGGER zone_changed AFTER UPDATE ON cx_data.program
	REFERENCING OLD TABLE AS before_rows NEW TABLE AS after_rows FOR EACH STATEMENT EXECUTE FUNCTION cx.zone_changed('singleton');
CREATE OR REPLACE TRIGGER zone_changed AFTER UPDATE ON cx_data.org_unit
	REFERENCING OLD TABLE AS before_rows NEW TABLE AS after_rows FOR EACH STATEMENT EXECUTE FUNCTION cx.zone_changed('org_unit_id');
CREATE OR REPLACE TRIGGER org_unit_tree AFTER INSERT OR UPDATE OF parent_id ON cx_data.org_unit
	FOR EACH ROW WHEN (NEW.parent_id IS NOT NULL) EXECUTE FUNCTION cx.check_org_unit_tree();
CREATE OR REPLACE TRIGGER customer_in_use AFTER DELETE ON cx_data.customer
	REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION cx.row_in_use('customer_id');
CREATE OR REPLACE TRIGGER touchpoint_in_use AFTER DELETE ON cx_data.touchpoint
	REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION cx.row_in_use('touchpoint_id');
CREATE OR REPLACE TRIGGER org_unit_in_use AFTER DELETE ON cx_data.org_unit
	REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION cx.row_in_use('org_unit_id');
CREATE OR REPLACE TRIGGER staff_in_use AFTER DELETE ON cx_data.staff
	REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION cx.row_in_use('staff_id');
CREATE OR REPLACE TRIGGER source_in_use AFTER DELETE ON cx_data.source
	REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION cx.row_in_use('source_id');

CREATE OR REPLACE TRIGGER customer_id_stays BEFORE UPDATE OF customer_id ON cx_data.customer
	FOR EACH ROW WHEN (OLD.customer_id <> NEW.customer_id) EXECUTE FUNCTION cx.key_stays();
CREATE OR REPLACE TRIGGER touchpoint_id_stays BEFORE UPDATE OF touchpoint_id ON cx_data.touchpoint
	FOR EACH ROW WHEN (OLD.touchpoint_id <> NEW.touchpoint_id) EXECUTE FUNCTION cx.key_stays();
CREATE OR REPLACE TRIGGER org_unit_id_stays BEFORE UPDATE OF org_unit_id ON cx_data.org_unit
	FOR EACH ROW WHEN (OLD.org_unit_id <> NEW.org_unit_id) EXECUTE FUNCTION cx.key_stays();
CREATE OR REPLACE TRIGGER staff_id_stays BEFORE UPDATE OF staff_id ON cx_data.staff
	FOR EACH ROW WHEN (OLD.staff_id <> NEW.staff_id) EXECUTE FUNCTION cx.key_stays();
CREATE OR REPLACE TRIGGER source_id_stays BEFORE UPDATE OF source_id ON cx_data.source
	FOR EACH ROW WHEN (OLD.source_id <> NEW.source_id) EXECUTE FUNCTION cx.key_stays();

CREATE OR REPLACE TRIGGER feedback_inserted AFTER INSERT ON cx_data.feedback
	REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION cx.feedback_changed();
CREATE OR REPLACE TRIGGER feedback_updated AFTER UPDATE ON cx_data.feedback
	REFERENCING OLD TABLE AS went NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION cx.feedback_changed();
CREATE OR REPLACE TRIGGER feedback_deleted AFTER DELETE ON cx_data.feedback
	REFERENCING OLD TABLE AS went FOR EACH STATEMENT EXECUTE FUNCTION cx.feedback_changed();
CREATE OR REPLACE TRIGGER feedback_truncated AFTER TRUNCATE ON cx_data.feedback
	FOR EACH STATEMENT EXECUTE FUNCTION cx.feedback_changed();
CREATE OR REPLACE TRIGGER event_inserted AFTER INSERT ON cx_data.event
	REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION cx.event_changed();
CREATE OR REPLACE TRIGGER event_updated AFTER UPDATE ON cx_data.event
	REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION cx.event_changed();
-- Watch: alert rules, alerts, and messages on their way

CREATE TABLE IF NOT EXISTS cx_data.alert_rule (
	alert_rule_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	name text NOT NULL UNIQUE,
	kind text NOT NULL CONSTRAINT alert_rule_kind_check CHECK (kind IN ('row', 'metric', 'anomaly')),
	relation regclass,
	condition text,
	definition jsonb NOT NULL DEFAULT '{}',
	severity text NOT NULL DEFAULT 'normal' CONSTRAINT alert_rule_severity_check CHECK (severity IN ('low', 'normal', 'high', 'critical')),
	message text,
	route text,
	scope text,
	cooldown interval CONSTRAINT alert_rule_cooldown_check CHECK (cooldown >= '0'),
	opens_ticket boolean NOT NULL DEFAULT false,
	sla text,
	enabled boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE cx_data.alert_rule IS 'alert rules: written by cx.create_alert() and its like';
COMMENT ON COLUMN cx_data.alert_rule.kind IS 'row: looks at rows that are written; metric: at a score; anomaly: at a series';
COMMENT ON COLUMN cx_data.alert_rule.relation IS 'table whose rows it looks at; NULL for other kinds';
COMMENT ON COLUMN cx_data.alert_rule.condition IS 'a copy of the condition to look at, as of message and route: what runs is in the arguments of the triggers on the relation';
COMMENT ON COLUMN cx_data.alert_rule.definition IS 'what else the rule was made with, by argument';
COMMENT ON COLUMN cx_data.alert_rule.severity IS 'low, normal, high or critical';
COMMENT ON COLUMN cx_data.alert_rule.message IS 'template of the message, with columns in braces';
COMMENT ON COLUMN cx_data.alert_rule.route IS 'whom to tell: channel:, unit:, manager:, owner: and staff: with a code, separated by commas; a template like the message';
COMMENT ON COLUMN cx_data.alert_rule.scope IS 'what it is about: touchpoint:, stage:, journey: or unit: with a code; NULL for everything';
COMMENT ON COLUMN cx_data.alert_rule.cooldown IS 'how long after an alert further matches only count on it; NULL: until it is resolved';
COMMENT ON COLUMN cx_data.alert_rule.opens_ticket IS 'whether its alerts open tickets';
COMMENT ON COLUMN cx_data.alert_rule.sla IS 'code of the service level of these tickets';
COMMENT ON COLUMN cx_data.alert_rule.enabled IS 'whether it raises alerts';

-- alerts and messages are written in the transactions of others, which must neither wait nor fail: no foreign
-- keys; raise_alerts() looks up what their rows refer to, and triggers keep or clear it

CREATE TABLE IF NOT EXISTS cx_data.alert (
	alert_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	alert_rule_id bigint,
	rule text NOT NULL,
	customer_id bigint,
	touchpoint_id bigint,
	org_unit_id bigint,
	staff_id bigint,
	severity text NOT NULL CONSTRAINT alert_severity_check CHECK (severity IN ('low', 'normal', 'high', 'critical')),
	status text NOT NULL DEFAULT 'open' CONSTRAINT alert_status_check CHECK (status IN ('open', 'acknowledged', 'resolved')),
	message text NOT NULL,
	matches bigint NOT NULL DEFAULT 1,
	value double precision,
	opened_at timestamptz NOT NULL DEFAULT now(),
	last_matched_at timestamptz NOT NULL DEFAULT now(),
	acknowledged_at timestamptz,
	resolved_at timestamptz,
	customer_merge_id bigint
) WITH (fillfactor = 90);
CREATE INDEX IF NOT EXISTS alert_customer_id_idx ON cx_data.alert (customer_id, alert_rule_id);
CREATE INDEX IF NOT EXISTS alert_alert_rule_id_idx ON cx_data.alert (alert_rule_id, touchpoint_id, org_unit_id) WHERE customer_id IS NULL;
CREATE INDEX IF NOT EXISTS alert_unresolved_idx ON cx_data.alert (opened_at) WHERE status <> 'resolved';
COMMENT ON TABLE cx_data.alert IS 'alerts that rules raised';
COMMENT ON COLUMN cx_data.alert.alert_rule_id IS 'rule that raised it; NULL if it was dropped since';
COMMENT ON COLUMN cx_data.alert.rule IS 'name of the rule when it raised the alert';
COMMENT ON COLUMN cx_data.alert.customer_id IS 'customer it is about; NULL if about none';
COMMENT ON COLUMN cx_data.alert.touchpoint_id IS 'touchpoint it is about, that of the first row; NULL if about none';
COMMENT ON COLUMN cx_data.alert.org_unit_id IS 'unit of the first row, else of the customer';
COMMENT ON COLUMN cx_data.alert.staff_id IS 'member of staff that the first row names';
COMMENT ON COLUMN cx_data.alert.severity IS 'low, normal, high or critical';
COMMENT ON COLUMN cx_data.alert.status IS 'open, acknowledged or resolved';
COMMENT ON COLUMN cx_data.alert.message IS 'what happened, in words; that of the first row';
COMMENT ON COLUMN cx_data.alert.matches IS 'rows that came together in this alert';
COMMENT ON COLUMN cx_data.alert.value IS 'score or value that a metric or anomaly rule saw when it raised the alert';
COMMENT ON COLUMN cx_data.alert.opened_at IS 'when the first row was written';
COMMENT ON COLUMN cx_data.alert.last_matched_at IS 'when the last row was written';
COMMENT ON COLUMN cx_data.alert.customer_merge_id IS 'merge by which it came to its customer; NULL for most';

-- what could not be counted at once, because somebody else was writing to the same alert: nobody waits for anybody
CREATE TABLE IF NOT EXISTS cx_data.alert_match (
	alert_match_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	alert_rule_id bigint NOT NULL,
	customer_id bigint,
	org_unit_id bigint,
	payload jsonb NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	customer_merge_id bigint
);
COMMENT ON TABLE cx_data.alert_match IS 'matches of alert rules that maintain() has still to count on their alerts, or to raise as alerts';
COMMENT ON COLUMN cx_data.alert_match.customer_id IS 'customer it is about; NULL if about none';
COMMENT ON COLUMN cx_data.alert_match.org_unit_id IS 'unit it is about';
COMMENT ON COLUMN cx_data.alert_match.payload IS 'the match as cx.raise_alerts() takes it';
COMMENT ON COLUMN cx_data.alert_match.customer_merge_id IS 'merge by which it came to its customer; NULL for most';

CREATE TABLE IF NOT EXISTS cx_data.alert_rule_point (
	alert_rule_id bigint PRIMARY KEY REFERENCES cx_data.alert_rule ON DELETE CASCADE,
	bucket_end timestamptz NOT NULL,
	value double precision,
	lower double precision,
	upper double precision,
	responses bigint,
	expected double precision,
	breached boolean NOT NULL DEFAULT false,
	decided_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE cx_data.alert_rule_point IS 'what metric and anomaly rules saw last';
COMMENT ON COLUMN cx_data.alert_rule_point.bucket_end IS 'end of the hour or day that was decided last';
COMMENT ON COLUMN cx_data.alert_rule_point.value IS 'score of the period before, or value of the series; NULL without answers';
COMMENT ON COLUMN cx_data.alert_rule_point.lower IS 'lower end of the 95 % interval, or lower limit of the chart';
COMMENT ON COLUMN cx_data.alert_rule_point.upper IS 'upper end of the 95 % interval, or upper limit of the chart';
COMMENT ON COLUMN cx_data.alert_rule_point.responses IS 'answers in the period';
COMMENT ON COLUMN cx_data.alert_rule_point.expected IS 'threshold, or centre of the chart';
COMMENT ON COLUMN cx_data.alert_rule_point.breached IS 'whether that is beyond the threshold or a signal';
COMMENT ON COLUMN cx_data.alert_rule_point.decided_at IS 'when that was decided';

CREATE TABLE IF NOT EXISTS cx_data.alert_error (
	alert_error_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	alert_rule_id bigint,
	source_row text,
	sqlstate text NOT NULL,
	message text NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS alert_error_alert_rule_id_idx ON cx_data.alert_error (alert_rule_id, created_at);
COMMENT ON TABLE cx_data.alert_error IS 'errors in alert rules; the statements that met them went through';
COMMENT ON COLUMN cx_data.alert_error.alert_rule_id IS 'rule that failed; NULL if all rules of a statement did';
COMMENT ON COLUMN cx_data.alert_error.source_row IS 'condition by which the row is found; NULL if the rule fails with any';
COMMENT ON COLUMN cx_data.alert_error.sqlstate IS 'error code';
COMMENT ON COLUMN cx_data.alert_error.message IS 'what is wrong';

CREATE TABLE IF NOT EXISTS cx_data.channel_format (
	channel_format_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	code text NOT NULL UNIQUE,
	name text,
	body jsonb,
	digest jsonb,
	signing text CONSTRAINT channel_format_signing_check CHECK (signing IN ('standard', 'dingtalk', 'feishu')),
	success text,
	max_bytes integer CONSTRAINT channel_format_max_bytes_check CHECK (max_bytes > 0),
	created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE cx_data.channel_format IS 'forms in which messages are delivered. Rows may be added';
COMMENT ON COLUMN cx_data.channel_format.code IS 'what a channel refers to';
COMMENT ON COLUMN cx_data.channel_format.body IS 'JSON body of a request, in whose strings {text} and the names of the payload, such as {severity}, {rule} and {alert_id}, are filled in; NULL for the payload itself, or for e-mail';
COMMENT ON COLUMN cx_data.channel_format.digest IS 'the same for several messages in one, with {text} and {count}; NULL for an array of their payloads';
COMMENT ON COLUMN cx_data.channel_format.signing IS 'how requests are signed: standard (Standard Webhooks), dingtalk or feishu; NULL if they are not';
COMMENT ON COLUMN cx_data.channel_format.success IS 'SQL/JSON path predicate on the answer, which is true if the message was taken; NULL if the status says so';
COMMENT ON COLUMN cx_data.channel_format.max_bytes IS 'longest text; NULL for no limit';

INSERT INTO cx_data.channel_format (code, name, body, digest, signing, success, max_bytes)
VALUES
	('webhook', 'JSON, signed as Standard Webhooks has it', NULL, NULL, 'standard', NULL, NULL),
	('slack', 'Slack-like incoming webhook', '{"text": "{text}"}', '{"text": "{text}"}', NULL, NULL, 40000),
	('wecom', 'WeCom robot', '{"msgtype": "text", "text": {"content": "{text}"}}', '{"msgtype": "text", "text": {"content": "{text}"}}', NULL, '$.errcode == 0', 2048),
	('dingtalk', 'DingTalk robot', '{"msgtype": "text", "text": {"content": "{text}"}}', '{"msgtype": "text", "text": {"content": "{text}"}}', 'dingtalk', '$.errcode == 0', 20000),
	('feishu', 'Feishu or Lark robot', '{"msg_type": "text", "content": {"text": "{text}"}}', '{"msg_type": "text", "content": {"text": "{text}"}}', 'feishu', '$.code == 0', 20000),
	('email', 'E-mail', NULL, NULL, NULL, NULL, NULL)
ON CONFLICT (code) DO NOTHING;

CREATE TABLE IF NOT EXISTS cx_data.channel (
	channel_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	code text NOT NULL UNIQUE,
	name text,
	format text NOT NULL REFERENCES cx_data.channel_format (code) ON UPDATE CASCADE,
	url text,
	signing_key text,
	rate_limit integer CONSTRAINT channel_rate_limit_check CHECK (rate_limit > 0),
	owner_unit_id bigint REFERENCES cx_data.org_unit,
	active boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE cx_data.channel IS 'ways on which messages are delivered: chats, webhooks, e-mail';
COMMENT ON COLUMN cx_data.channel.code IS 'what a route refers to';
COMMENT ON COLUMN cx_data.channel.format IS 'code of the form in which messages are delivered';
COMMENT ON COLUMN cx_data.channel.url IS 'where to: http:, https:, or mailto: with an address; NULL if each message says that by itself';
COMMENT ON COLUMN cx_data.channel.signing_key IS 'secret that signs webhooks, whsec_ and the key in Base64; NULL if they are not signed';
COMMENT ON COLUMN cx_data.channel.rate_limit IS 'most messages in a minute, more are put together; NULL for no limit';
COMMENT ON COLUMN cx_data.channel.owner_unit_id IS 'unit whose channel it is: route unit: leads to it';
COMMENT ON COLUMN cx_data.channel.active IS 'whether messages are delivered; if not, they wait';

CREATE TABLE IF NOT EXISTS cx_data.outbox (
	outbox_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	alert_id bigint,
	customer_id bigint,
	org_unit_id bigint,
	route text NOT NULL,
	channel_id bigint,
	send_to text,
	payload jsonb NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	available_at timestamptz NOT NULL DEFAULT now(),
	attempts integer NOT NULL DEFAULT 0,
	leased_by text,
	leased_until timestamptz,
	claimed_at timestamptz,
	digest_id bigint,
	delivered_at timestamptz,
	dead_at timestamptz,
	last_error text,
	customer_merge_id bigint,
	CONSTRAINT outbox_end_check CHECK (delivered_at IS NULL OR dead_at IS NULL)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01);
CREATE INDEX IF NOT EXISTS outbox_waiting_idx ON cx_data.outbox (available_at, outbox_id) WHERE delivered_at IS NULL AND dead_at IS NULL;
CREATE INDEX IF NOT EXISTS outbox_claimed_idx ON cx_data.outbox (channel_id, claimed_at) WHERE claimed_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS outbox_customer_id_idx ON cx_data.outbox (customer_id);
COMMENT ON TABLE cx_data.outbox IS 'messages to be delivered, written in the transaction of their alert; cx-courier or a program of yours takes them by cx.outbox_claim()';
COMMENT ON COLUMN cx_data.outbox.outbox_id IS 'names the message to its receiver, who may get it more than once';
COMMENT ON COLUMN cx_data.outbox.alert_id IS 'alert that it tells of';
COMMENT ON COLUMN cx_data.outbox.customer_id IS 'customer of the alert';
COMMENT ON COLUMN cx_data.outbox.org_unit_id IS 'unit of the alert';
COMMENT ON COLUMN cx_data.outbox.route IS 'whom it tells, as the rule said it';
COMMENT ON COLUMN cx_data.outbox.channel_id IS 'way on which it goes';
COMMENT ON COLUMN cx_data.outbox.send_to IS 'address on that way; NULL for that of the channel';
COMMENT ON COLUMN cx_data.outbox.payload IS 'what to say; the same at each attempt';
COMMENT ON COLUMN cx_data.outbox.available_at IS 'not to be tried before';
COMMENT ON COLUMN cx_data.outbox.attempts IS 'how often it was claimed';
COMMENT ON COLUMN cx_data.outbox.leased_by IS 'worker that claimed it last';
COMMENT ON COLUMN cx_data.outbox.leased_until IS 'until when nobody else may claim it';
COMMENT ON COLUMN cx_data.outbox.claimed_at IS 'when it was claimed last';
COMMENT ON COLUMN cx_data.outbox.digest_id IS 'message whose request it shared when it was claimed last; NULL if it had its own';
COMMENT ON COLUMN cx_data.outbox.delivered_at IS 'when it was delivered; NULL if it was not';
COMMENT ON COLUMN cx_data.outbox.dead_at IS 'when it was given up; NULL if it was not. cx.outbox_replay() gives it another chance';
COMMENT ON COLUMN cx_data.outbox.last_error IS 'why the last attempt failed';
COMMENT ON COLUMN cx_data.outbox.customer_merge_id IS 'merge by which it came to its customer; NULL for most';

CREATE OR REPLACE TRIGGER alert_rule_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON cx_data.alert_rule
	FOR EACH STATEMENT EXECUTE FUNCTION cx.catalog_changed();
CREATE OR REPLACE TRIGGER alert_rule_dropped AFTER DELETE ON cx_data.alert_rule
	REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION cx.alert_rule_dropped();
CREATE OR REPLACE TRIGGER alert_status_changed BEFORE UPDATE OF status ON cx_data.alert
	FOR EACH ROW WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION cx.alert_status_changed();
-- Resolve: business calendars

CREATE TABLE IF NOT EXISTS cx_data.calendar (
	calendar_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	code text NOT NULL UNIQUE,
	name text,
	time_zone text CONSTRAINT calendar_time_zone_check CHECK (time_zone IS NULL OR 'epoch'::timestamptz AT TIME ZONE time_zone IS NOT NULL),
	created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE cx_data.calendar IS 'business calendars: when somebody is there';
COMMENT ON COLUMN cx_data.calendar.code IS 'what people type';
COMMENT ON COLUMN cx_data.calendar.time_zone IS 'time zone whose clock its hours are read by; NULL means that of the program';

CREATE TABLE IF NOT EXISTS cx_data.calendar_hours (
	calendar_hours_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	calendar text NOT NULL REFERENCES cx_data.calendar (code) ON UPDATE CASCADE ON DELETE CASCADE,
	weekday integer NOT NULL CONSTRAINT calendar_hours_weekday_check CHECK (weekday BETWEEN 1 AND 7),
	opens_at time NOT NULL,
	closes_at time NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT calendar_hours_check CHECK (opens_at < closes_at),
	UNIQUE (calendar, weekday, opens_at)
);
COMMENT ON TABLE cx_data.calendar_hours IS 'open hours of a calendar in every week; a day may have several, and where they overlap they count once';
COMMENT ON COLUMN cx_data.calendar_hours.calendar IS 'code of the calendar';
COMMENT ON COLUMN cx_data.calendar_hours.weekday IS '1 is Monday, 7 is Sunday';
COMMENT ON COLUMN cx_data.calendar_hours.opens_at IS 'first time of the day that is open';
COMMENT ON COLUMN cx_data.calendar_hours.closes_at IS 'first time of the day that is closed again; 24:00 is the end of the day, and a shift over midnight is two rows';

CREATE TABLE IF NOT EXISTS cx_data.calendar_exception (
	calendar_exception_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	calendar text NOT NULL REFERENCES cx_data.calendar (code) ON UPDATE CASCADE ON DELETE CASCADE,
	day date NOT NULL CONSTRAINT calendar_exception_day_check CHECK (isfinite(day)),
	opens_at time,
	closes_at time,
	name text,
	created_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT calendar_exception_times_check CHECK ((opens_at IS NULL) = (closes_at IS NULL)),
	CONSTRAINT calendar_exception_check CHECK (opens_at < closes_at),
	UNIQUE NULLS NOT DISTINCT (calendar, day, opens_at)
);
COMMENT ON TABLE cx_data.calendar_exception IS 'days on which a calendar is open at other times than their weekday, or not at all: holidays, and working weekends before them';
COMMENT ON COLUMN cx_data.calendar_exception.calendar IS 'code of the calendar';
COMMENT ON COLUMN cx_data.calendar_exception.day IS 'day whose rows stand in place of the hours of its weekday';
COMMENT ON COLUMN cx_data.calendar_exception.opens_at IS 'first time of the day that is open; NULL if the day is closed, unless another row of the day has times';
COMMENT ON COLUMN cx_data.calendar_exception.closes_at IS 'first time of the day that is closed again';

-- the hours come with the calendar, and are whatever one made of them afterwards
WITH added AS (
	INSERT INTO cx_data.calendar (code, name, time_zone) VALUES ('always', 'Around the clock', 'UTC')
	ON CONFLICT (code) DO NOTHING RETURNING code
)
INSERT INTO cx_data.calendar_hours (calendar, weekday, opens_at, closes_at)
SELECT code, weekday, '00:00', '24:00' FROM added, generate_series(1, 7) AS weekday;

CREATE OR REPLACE TRIGGER calendar_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON cx_data.calendar
	FOR EACH STATEMENT EXECUTE FUNCTION cx.catalog_changed();
CREATE OR REPLACE TRIGGER calendar_hours_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON cx_data.calendar_hours
	FOR EACH STATEMENT EXECUTE FUNCTION cx.catalog_changed();
CREATE OR REPLACE TRIGGER calendar_exception_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON cx_data.calendar_exception
	FOR EACH STATEMENT EXECUTE FUNCTION cx.catalog_changed();
-- Predict: trained models

CREATE TABLE IF NOT EXISTS cx_data.model (
	model_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	name text NOT NULL CONSTRAINT model_name_check CHECK (name <> ''),
	version integer NOT NULL CONSTRAINT model_version_check CHECK (version > 0),
	champion boolean NOT NULL DEFAULT false,
	algorithm text NOT NULL CONSTRAINT model_algorithm_check CHECK (algorithm IN ('logistic', 'boosting')),
	outcome text NOT NULL CONSTRAINT model_outcome_check CHECK (outcome IN ('probability', 'number')),
	query text NOT NULL,
	columns text[] NOT NULL,
	column_types text[] NOT NULL,
	target text NOT NULL,
	key text,
	holdout double precision NOT NULL,
	seed bigint NOT NULL,
	options jsonb NOT NULL,
	row_count bigint NOT NULL,
	event_count bigint,
	report jsonb,
	benchmark jsonb,
	fit jsonb NOT NULL,
	profile jsonb NOT NULL,
	excluded jsonb NOT NULL,
	trained_by text NOT NULL,
	trained_at timestamptz NOT NULL DEFAULT now(),
	UNIQUE (name, version)
);
-- goes when the extension is dropped with CASCADE, and comes back empty
ALTER TABLE cx_data.model ADD COLUMN IF NOT EXISTS predictor cx.predictor;
CREATE UNIQUE INDEX IF NOT EXISTS model_champion_idx ON cx_data.model (name) WHERE champion;
COMMENT ON TABLE cx_data.model IS 'trained models, each version of them: written by cx.train() and cx.set_champion()';
COMMENT ON COLUMN cx_data.model.name IS 'what people type; its champion scores where the name is given';
COMMENT ON COLUMN cx_data.model.version IS 'from 1 on; training anew adds one';
COMMENT ON COLUMN cx_data.model.champion IS 'whether it is the version that scoring uses; one of each name is';
COMMENT ON COLUMN cx_data.model.algorithm IS 'logistic (a linear model) or boosting (trees)';
COMMENT ON COLUMN cx_data.model.outcome IS 'what it predicts: a probability of a Boolean target, or a number';
COMMENT ON COLUMN cx_data.model.query IS 'training query';
COMMENT ON COLUMN cx_data.model.columns IS 'columns that the query gave, in their order';
COMMENT ON COLUMN cx_data.model.column_types IS 'their types';
COMMENT ON COLUMN cx_data.model.target IS 'column that it predicts';
COMMENT ON COLUMN cx_data.model.key IS 'column whose values kept rows together; NULL if none did';
COMMENT ON COLUMN cx_data.model.holdout IS 'share of keys, or of rows, that was held out';
COMMENT ON COLUMN cx_data.model.seed IS 'seed of all chance in it';
COMMENT ON COLUMN cx_data.model.options IS 'other options that it was trained with';
COMMENT ON COLUMN cx_data.model.row_count IS 'rows that it was made of: those that it learnt from, validation included, and those held out; not those left out because their target, or the time that holdout_after needs, is not known, or because their key is on both sides of the hold-out';
COMMENT ON COLUMN cx_data.model.event_count IS 'rows of them in which the target is true; NULL if it is a number';
COMMENT ON COLUMN cx_data.model.report IS 'what it did on the rows held out, as cx.evaluation() gives it; NULL if none were';
COMMENT ON COLUMN cx_data.model.benchmark IS 'of a version that became champion: the best of its report and those of the champions before it, back to the one that somebody chose (kind, auc and auc_std_error, or r_squared), which the next version is measured against; NULL of others';
COMMENT ON COLUMN cx_data.model.fit IS 'how it was fitted: rows of each part, calibration, coefficients with standard errors, importance of features (mean size of the contribution to the score in up to 500 rows, and share of their sum)';
COMMENT ON COLUMN cx_data.model.profile IS 'how features and scores were distributed, which drift is measured against';
COMMENT ON COLUMN cx_data.model.excluded IS 'columns of the query that are no features, with the reason';
COMMENT ON COLUMN cx_data.model.trained_by IS 'role that trained it';
COMMENT ON COLUMN cx_data.model.trained_at IS 'start of the transaction that trained it';
COMMENT ON COLUMN cx_data.model.predictor IS 'the model itself, a value; NULL if the extension was dropped since, then train anew';
-- Resolve: service levels, root causes, tickets, their history and their tasks

ALTER TABLE cx_data.staff
	ADD COLUMN IF NOT EXISTS skills text[] NOT NULL DEFAULT '{}',
	ADD COLUMN IF NOT EXISTS max_tickets integer NOT NULL DEFAULT 20 CONSTRAINT staff_max_tickets_check CHECK (max_tickets >= 0);
COMMENT ON COLUMN cx_data.staff.skills IS 'what this person knows best: codes of touchpoints, stages, channels and customer segments; cx.route_ticket() prefers who knows';
COMMENT ON COLUMN cx_data.staff.max_tickets IS 'most unsolved tickets that cx.route_ticket() gives this person; 0 for none';

-- what stands there already may be no calendar yet
IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = 'cx_data.org_unit'::regclass AND conname = 'org_unit_calendar_fkey') THEN
	ALTER TABLE cx_data.org_unit ADD CONSTRAINT org_unit_calendar_fkey FOREIGN KEY (calendar) REFERENCES cx_data.calendar (code) ON UPDATE CASCADE NOT VALID;
END IF;

CREATE TABLE IF NOT EXISTS cx_data.touchpoint_unit (
	touchpoint_unit_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	touchpoint_id bigint NOT NULL REFERENCES cx_data.touchpoint ON DELETE CASCADE,
	org_unit_id bigint NOT NULL REFERENCES cx_data.org_unit ON DELETE CASCADE,
	created_at timestamptz NOT NULL DEFAULT now(),
	UNIQUE (touchpoint_id, org_unit_id)
);
COMMENT ON TABLE cx_data.touchpoint_unit IS 'units responsible for a touchpoint besides the one that owns it: in an emergency each gets a task';

CREATE TABLE IF NOT EXISTS cx_data.root_cause (
	root_cause_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	code text NOT NULL UNIQUE,
	name text,
	parent_id bigint REFERENCES cx_data.root_cause,
	owner_unit_id bigint REFERENCES cx_data.org_unit,
	created_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT root_cause_parent_check CHECK (parent_id <> root_cause_id)
);
COMMENT ON TABLE cx_data.root_cause IS 'why tickets had to be opened; what is frequent here is for the outer loop to mend. Rows may be added';
COMMENT ON COLUMN cx_data.root_cause.code IS 'what people type to solve a ticket';
COMMENT ON COLUMN cx_data.root_cause.parent_id IS 'more general cause that this one is part of; NULL at the top';
COMMENT ON COLUMN cx_data.root_cause.owner_unit_id IS 'unit that can mend it';

INSERT INTO cx_data.root_cause (code, name)
VALUES
	('communication', 'Information missing, late or wrong'),
	('people', 'Knowledge or conduct of staff'),
	('policy', 'Rules, prices or contracts'),
	('process', 'How the work is done'),
	('product', 'The product or service itself'),
	('supplier', 'Suppliers and partners'),
	('system', 'Software, network or equipment'),
	('other', 'Something else')
ON CONFLICT (code) DO NOTHING;

CREATE TABLE IF NOT EXISTS cx_data.sla_policy (
	sla_policy_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	code text NOT NULL DEFAULT 'standard',
	priority text CONSTRAINT sla_policy_priority_check CHECK (priority IN ('low', 'normal', 'high', 'urgent')),
	segment text,
	touchpoint_id bigint REFERENCES cx_data.touchpoint,
	version integer NOT NULL DEFAULT 1 CONSTRAINT sla_policy_version_check CHECK (version >= 1),
	calendar text REFERENCES cx_data.calendar (code) ON UPDATE CASCADE,
	first_response_within interval CONSTRAINT sla_policy_first_response_within_check CHECK (first_response_within > '0' AND first_response_within <= '100000 hours' AND date_trunc('day', first_response_within) = '0'),
	resolve_within interval CONSTRAINT sla_policy_resolve_within_check CHECK (resolve_within > '0' AND resolve_within <= '100000 hours' AND date_trunc('day', resolve_within) = '0'),
	escalate_every interval NOT NULL DEFAULT '4 hours' CONSTRAINT sla_policy_escalate_every_check CHECK (escalate_every > '0' AND escalate_every <= '100000 hours' AND date_trunc('day', escalate_every) = '0'),
	valid_from timestamptz NOT NULL DEFAULT now(),
	valid_until timestamptz,
	created_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT sla_policy_period_check CHECK (valid_from <= valid_until),
	CONSTRAINT sla_policy_key UNIQUE NULLS NOT DISTINCT (code, priority, segment, touchpoint_id, version)
);
CREATE UNIQUE INDEX IF NOT EXISTS sla_policy_current_key ON cx_data.sla_policy (code, priority, segment, touchpoint_id) NULLS NOT DISTINCT WHERE valid_until IS NULL;
COMMENT ON TABLE cx_data.sla_policy IS 'service levels by priority, segment and touchpoint, the most particular one counts: written by cx.set_sla_policy(), which adds a version; a ticket keeps the one it started with';
COMMENT ON COLUMN cx_data.sla_policy.code IS 'what alert rules and tickets refer to; standard for those that name none';
COMMENT ON COLUMN cx_data.sla_policy.priority IS 'priority of the tickets that it is for; NULL for all';
COMMENT ON COLUMN cx_data.sla_policy.segment IS 'segment of the customers that it is for; NULL for all';
COMMENT ON COLUMN cx_data.sla_policy.touchpoint_id IS 'touchpoint that it is for; NULL for all';
COMMENT ON COLUMN cx_data.sla_policy.calendar IS 'business calendar by which its clocks run; NULL for that of the unit or of the nearest one above it, else around the clock';
COMMENT ON COLUMN cx_data.sla_policy.first_response_within IS 'business hours from opening to the first reply; NULL for no limit';
COMMENT ON COLUMN cx_data.sla_policy.resolve_within IS 'business hours from opening to the solution, without those that the ticket waits; NULL for no limit';
COMMENT ON COLUMN cx_data.sla_policy.escalate_every IS 'business hours after which an overdue ticket climbs one tier more';
COMMENT ON COLUMN cx_data.sla_policy.valid_from IS 'first instant at which tickets start with this version';
COMMENT ON COLUMN cx_data.sla_policy.valid_until IS 'first instant at which they do no more; NULL for the present version';

INSERT INTO cx_data.sla_policy (priority, first_response_within, resolve_within, escalate_every, valid_from)
SELECT p.* FROM (VALUES
	('urgent', interval '1 hour', interval '8 hours', interval '1 hour', timestamptz '-infinity'),
	('high', '4 hours', '24 hours', '4 hours', '-infinity'),
	('normal', '24 hours', '72 hours', '8 hours', '-infinity'),
	('low', '48 hours', '120 hours', '24 hours', '-infinity')) AS p
WHERE NOT EXISTS (SELECT FROM cx_data.sla_policy);

CREATE TABLE IF NOT EXISTS cx_data.ticket (
	ticket_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	origin text NOT NULL DEFAULT 'centre' CONSTRAINT ticket_origin_check CHECK (origin IN ('centre', 'unit')),
	status text NOT NULL DEFAULT 'new' CONSTRAINT ticket_status_check CHECK (status IN ('new', 'open', 'pending', 'on_hold', 'solved', 'closed')),
	priority text NOT NULL DEFAULT 'normal' CONSTRAINT ticket_priority_check CHECK (priority IN ('low', 'normal', 'high', 'urgent')),
	emergency boolean NOT NULL DEFAULT false,
	customer_id bigint,
	touchpoint_id bigint,
	org_unit_id bigint,
	staff_id bigint,
	owner_staff_id bigint,
	alert_id bigint,
	feedback_id bigint,
	source_id bigint,
	source_key text,
	subject text,
	detail text,
	sla text,
	sla_policy_id bigint,
	calendar text,
	opened_at timestamptz NOT NULL DEFAULT now(),
	first_response_due_at timestamptz,
	first_responded_at timestamptz,
	resolution_due_at timestamptz,
	solved_at timestamptz,
	closed_at timestamptz,
	reopened_at timestamptz,
	reopen_count integer NOT NULL DEFAULT 0 CONSTRAINT ticket_reopen_count_check CHECK (reopen_count >= 0),
	root_cause text,
	action_taken text,
	followup_metric text,
	followup_score smallint,
	followup_asked_at timestamptz,
	followup_at timestamptz,
	escalation_level integer NOT NULL DEFAULT 0,
	escalated_unit_id bigint,
	escalated_at timestamptz,
	created_at timestamptz NOT NULL DEFAULT now(),
	customer_merge_id bigint,
	changed_at timestamptz,
	CONSTRAINT ticket_solved_at_check CHECK ((solved_at IS NOT NULL) = (status IN ('solved', 'closed')))
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX IF NOT EXISTS ticket_source_key ON cx_data.ticket (source_id, source_key) WHERE source_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS ticket_customer_id_idx ON cx_data.ticket (customer_id);
CREATE INDEX IF NOT EXISTS ticket_feedback_id_idx ON cx_data.ticket (feedback_id) WHERE feedback_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS ticket_staff_id_idx ON cx_data.ticket (staff_id) WHERE staff_id IS NOT NULL AND status NOT IN ('solved', 'closed');
CREATE INDEX IF NOT EXISTS ticket_unrouted_idx ON cx_data.ticket (first_response_due_at, ticket_id) WHERE staff_id IS NULL AND status NOT IN ('solved', 'closed');
CREATE INDEX IF NOT EXISTS ticket_emergency_idx ON cx_data.ticket (touchpoint_id) WHERE emergency AND status NOT IN ('solved', 'closed');
COMMENT ON TABLE cx_data.ticket IS 'tickets: what is to be done for a customer, by whom and until when; written by cx.open_ticket() and its like, or captured from a table of yours by cx.attach_ticket()';
COMMENT ON COLUMN cx_data.ticket.origin IS 'who opened it: the centre or a unit';
COMMENT ON COLUMN cx_data.ticket.status IS 'new, open, pending (waits for the customer), on_hold (waits for a third party), solved or closed';
COMMENT ON COLUMN cx_data.ticket.priority IS 'low, normal, high or urgent';
COMMENT ON COLUMN cx_data.ticket.emergency IS 'whether an alert rule of severity critical opened it: all units responsible for the touchpoint have tasks';
COMMENT ON COLUMN cx_data.ticket.customer_id IS 'customer it is about; NULL if about none';
COMMENT ON COLUMN cx_data.ticket.touchpoint_id IS 'touchpoint it is about; NULL if about none';
COMMENT ON COLUMN cx_data.ticket.org_unit_id IS 'unit that it lies with';
COMMENT ON COLUMN cx_data.ticket.staff_id IS 'member of staff who works on it, in an emergency the coordinator; NULL while nobody does';
COMMENT ON COLUMN cx_data.ticket.owner_staff_id IS 'member of staff who answers for it: the owner of the touchpoint, else the manager of the unit or of the nearest one above it; once it is overdue the manager of the unit that it climbed to';
COMMENT ON COLUMN cx_data.ticket.alert_id IS 'alert that opened it; NULL if none did';
COMMENT ON COLUMN cx_data.ticket.feedback_id IS 'feedback that it is about; NULL if that is not known';
COMMENT ON COLUMN cx_data.ticket.source_id IS 'source that delivers it, a table of yours; NULL for tickets that live here';
COMMENT ON COLUMN cx_data.ticket.source_key IS 'key of the row in its source';
COMMENT ON COLUMN cx_data.ticket.subject IS 'what it is about, in words';
COMMENT ON COLUMN cx_data.ticket.detail IS 'more of that';
COMMENT ON COLUMN cx_data.ticket.sla IS 'code of the service level that was asked for; NULL for standard';
COMMENT ON COLUMN cx_data.ticket.sla_policy_id IS 'service level, in the version that it started with; NULL if there was none for it';
COMMENT ON COLUMN cx_data.ticket.calendar IS 'business calendar by which its clocks run; NULL for around the clock';
COMMENT ON COLUMN cx_data.ticket.first_response_due_at IS 'last instant for the first reply; this clock runs in all states';
COMMENT ON COLUMN cx_data.ticket.first_responded_at IS 'when the first reply was given that was not automatic, else when it was solved first';
COMMENT ON COLUMN cx_data.ticket.resolution_due_at IS 'last instant for the solution; NULL while the ticket waits, or if it was solved while it did, unless it was missed before';
COMMENT ON COLUMN cx_data.ticket.solved_at IS 'when it was solved last; NULL while it is not';
COMMENT ON COLUMN cx_data.ticket.closed_at IS 'when the loop was closed: nothing more is to come';
COMMENT ON COLUMN cx_data.ticket.reopened_at IS 'when it was reopened last';
COMMENT ON COLUMN cx_data.ticket.root_cause IS 'code of the cause; must be known to solve it';
COMMENT ON COLUMN cx_data.ticket.action_taken IS 'what was done for the customer; must be known to solve it';
COMMENT ON COLUMN cx_data.ticket.followup_metric IS 'code of the metric of the closing question';
COMMENT ON COLUMN cx_data.ticket.followup_score IS 'what the customer answered to it';
COMMENT ON COLUMN cx_data.ticket.followup_asked_at IS 'when the customer was asked again; NULL if that was not done';
COMMENT ON COLUMN cx_data.ticket.followup_at IS 'when the customer answered';
COMMENT ON COLUMN cx_data.ticket.escalation_level IS 'tiers that it has climbed since it was overdue';
COMMENT ON COLUMN cx_data.ticket.escalated_unit_id IS 'unit that it has climbed to';
COMMENT ON COLUMN cx_data.ticket.changed_at IS 'when its row in the source was changed last, as that says; NULL if it does not';
COMMENT ON COLUMN cx_data.ticket.customer_merge_id IS 'merge by which it came to its customer; NULL for most';

ALTER TABLE cx_data.alert ADD COLUMN IF NOT EXISTS ticket_id bigint;
CREATE INDEX IF NOT EXISTS alert_ticket_id_idx ON cx_data.alert (ticket_id) WHERE ticket_id IS NOT NULL;
COMMENT ON COLUMN cx_data.alert.ticket_id IS 'ticket that it opened or belongs to; NULL if there is none';

CREATE TABLE IF NOT EXISTS cx_data.ticket_task (
	ticket_task_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	ticket_id bigint NOT NULL,
	org_unit_id bigint NOT NULL,
	asked_by_unit_id bigint,
	staff_id bigint,
	status text NOT NULL DEFAULT 'open' CONSTRAINT ticket_task_status_check CHECK (status IN ('open', 'blocked', 'done', 'cancelled')),
	subject text NOT NULL,
	due_at timestamptz,
	blocked_reason text,
	blocked_at timestamptz,
	ended_at timestamptz,
	result text,
	escalation_level integer NOT NULL DEFAULT 0,
	escalated_unit_id bigint,
	escalated_at timestamptz,
	created_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT ticket_task_blocked_check CHECK (status <> 'blocked' OR (blocked_reason IS NOT NULL AND blocked_at IS NOT NULL))
) WITH (fillfactor = 80);
CREATE INDEX IF NOT EXISTS ticket_task_ticket_id_idx ON cx_data.ticket_task (ticket_id);
CREATE INDEX IF NOT EXISTS ticket_task_due_idx ON cx_data.ticket_task (due_at) WHERE status IN ('open', 'blocked');
COMMENT ON TABLE cx_data.ticket_task IS 'what units do for a ticket, and until when; written by cx.decompose_ticket() and cx.move_task()';
COMMENT ON COLUMN cx_data.ticket_task.org_unit_id IS 'unit that is to do it';
COMMENT ON COLUMN cx_data.ticket_task.asked_by_unit_id IS 'unit that asks for it: that of the ticket';
COMMENT ON COLUMN cx_data.ticket_task.staff_id IS 'member of staff who does it; NULL if that is not decided';
COMMENT ON COLUMN cx_data.ticket_task.status IS 'open, blocked, done or cancelled';
COMMENT ON COLUMN cx_data.ticket_task.subject IS 'what is to be done';
COMMENT ON COLUMN cx_data.ticket_task.due_at IS 'last instant for it; NULL for no limit';
COMMENT ON COLUMN cx_data.ticket_task.blocked_reason IS 'why it cannot be done, as said last';
COMMENT ON COLUMN cx_data.ticket_task.blocked_at IS 'since when it cannot';
COMMENT ON COLUMN cx_data.ticket_task.ended_at IS 'when it was done or cancelled';
COMMENT ON COLUMN cx_data.ticket_task.result IS 'what came of it';
COMMENT ON COLUMN cx_data.ticket_task.escalation_level IS 'tiers that it has climbed since it was blocked or overdue';
COMMENT ON COLUMN cx_data.ticket_task.escalated_unit_id IS 'unit that it has climbed to';

CREATE TABLE IF NOT EXISTS cx_data.ticket_event (
	ticket_event_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	ticket_id bigint NOT NULL,
	ticket_task_id bigint,
	kind text NOT NULL CONSTRAINT ticket_event_kind_check CHECK (kind IN ('opened', 'status', 'assigned', 'priority', 'reply', 'alert', 'task', 'escalated', 'follow_up')),
	status text,
	staff_id bigint,
	to_unit_id bigint,
	level integer,
	automatic boolean,
	note text,
	actor text NOT NULL DEFAULT current_user,
	occurred_at timestamptz NOT NULL DEFAULT now(),
	created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS ticket_event_ticket_id_idx ON cx_data.ticket_event (ticket_id, ticket_event_id);
COMMENT ON TABLE cx_data.ticket_event IS 'history of tickets, from which all durations are computed; rows are added and never changed';
COMMENT ON COLUMN cx_data.ticket_event.ticket_task_id IS 'task that it is about; NULL for the ticket itself';
COMMENT ON COLUMN cx_data.ticket_event.kind IS 'opened, status, assigned, priority, reply, alert (another one joined the ticket), task, escalated or follow_up';
COMMENT ON COLUMN cx_data.ticket_event.status IS 'status of the ticket or task from then on; NULL if the event did not set it';
COMMENT ON COLUMN cx_data.ticket_event.staff_id IS 'member of staff who works on it, or was told, from then on';
COMMENT ON COLUMN cx_data.ticket_event.to_unit_id IS 'unit that it lies with, or climbed to, from then on';
COMMENT ON COLUMN cx_data.ticket_event.level IS 'tier that it climbed to, 1 for the first one';
COMMENT ON COLUMN cx_data.ticket_event.automatic IS 'reply: whether a machine gave it';
COMMENT ON COLUMN cx_data.ticket_event.note IS 'what was said';
COMMENT ON COLUMN cx_data.ticket_event.actor IS 'database role that did it';
COMMENT ON COLUMN cx_data.ticket_event.occurred_at IS 'when it happened';

CREATE OR REPLACE TRIGGER sla_policy_stays BEFORE UPDATE OF code, priority, segment, touchpoint_id, version, calendar, first_response_within, resolve_within, escalate_every, valid_from ON cx_data.sla_policy
	FOR EACH ROW EXECUTE FUNCTION cx.policy_stays();
CREATE OR REPLACE TRIGGER sla_policy_in_use BEFORE DELETE ON cx_data.sla_policy
	FOR EACH ROW EXECUTE FUNCTION cx.policy_stays();
CREATE OR REPLACE TRIGGER ticket_event_stays BEFORE UPDATE OF ticket_id, ticket_task_id, kind, status, staff_id, to_unit_id, level, automatic, actor, occurred_at ON cx_data.ticket_event
	FOR EACH ROW EXECUTE FUNCTION cx.ticket_event_stays();
CREATE OR REPLACE TRIGGER ticket_deleted AFTER DELETE ON cx_data.ticket
	REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION cx.ticket_deleted();
CREATE OR REPLACE TRIGGER ticket_truncated AFTER TRUNCATE ON cx_data.ticket
	FOR EACH STATEMENT EXECUTE FUNCTION cx.ticket_deleted();
CREATE OR REPLACE TRIGGER attached_ticket_written BEFORE INSERT OR UPDATE ON cx_data.ticket
	FOR EACH ROW WHEN (NEW.source_id IS NOT NULL) EXECUTE FUNCTION cx.attached_ticket_written();
CREATE OR REPLACE TRIGGER attached_tickets_added AFTER INSERT ON cx_data.ticket
	REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION cx.attached_tickets_added();
CREATE OR REPLACE TRIGGER attached_tickets_changed AFTER UPDATE ON cx_data.ticket
	REFERENCING OLD TABLE AS went NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION cx.attached_tickets_changed();
-- Predict: signals of leaving, the risks of customers, and how models drift

CREATE TABLE IF NOT EXISTS cx_data.risk_signal (
	risk_signal_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	code text NOT NULL UNIQUE,
	name text,
	source text NOT NULL CONSTRAINT risk_signal_source_check CHECK (source IN ('detractor', 'promoter', 'low_score', 'high_effort', 'complaint',
		'unresolved_ticket', 'overdue_ticket', 'reopened_ticket', 'event', 'repeated_event', 'coming_event', 'falling_event')),
	events text[] NOT NULL DEFAULT '{}',
	period interval,
	threshold double precision CONSTRAINT risk_signal_threshold_check CHECK (threshold > 0 AND threshold < 'infinity'),
	log_odds double precision NOT NULL CONSTRAINT risk_signal_log_odds_check CHECK (log_odds BETWEEN -1000 AND 1000),
	half_life interval NOT NULL CONSTRAINT risk_signal_half_life_check CHECK (half_life > '0' AND half_life <= '36500 days' AND extract(year FROM half_life) = 0 AND extract(month FROM half_life) = 0),
	enabled boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT risk_signal_period_check CHECK (period > '0' AND period <= '3650 days'),
	CONSTRAINT risk_signal_needs_check CHECK (CASE source WHEN 'repeated_event' THEN num_nulls(period, threshold) = 0 WHEN 'coming_event' THEN period IS NOT NULL
		WHEN 'falling_event' THEN num_nulls(period, threshold) = 0 AND threshold < 1 ELSE true END)
);
COMMENT ON TABLE cx_data.risk_signal IS 'signals that a customer may leave, and what each adds to the log-odds of it. The rows that come with the program are what experts would guess, not what was measured: edit them, add the events of your own, and let a trained model take their place';
COMMENT ON COLUMN cx_data.risk_signal.code IS 'what people type';
COMMENT ON COLUMN cx_data.risk_signal.name IS 'what it is called where it is the reason of a risk';
COMMENT ON COLUMN cx_data.risk_signal.source IS 'what it is seen from. detractor, promoter: the last answer to a metric of kind nps is 0..6, or 9..10; low_score, high_effort: the last answer to a metric of kind csat or rating, or to one of effort, is below the middle of its scale; complaint: feedback of that kind; unresolved_ticket: a ticket is not solved; overdue_ticket: its time is over; reopened_ticket: one was; event: one of the events happened; repeated_event: at least threshold of them in a period; coming_event: one will happen within a period, as the end of a contract; falling_event: what they count (their values, 1 without one) fell in a period to threshold or less of the mean of the three periods before';
COMMENT ON COLUMN cx_data.risk_signal.events IS 'names of the events that it is seen from, in cx_data.event: put those of your business here';
COMMENT ON COLUMN cx_data.risk_signal.period IS 'time before now that is looked at, for a coming event after it; NULL for sources that need none';
COMMENT ON COLUMN cx_data.risk_signal.threshold IS 'repeated_event: least number of events; falling_event: largest share of what it was before, below 1; NULL for other sources';
COMMENT ON COLUMN cx_data.risk_signal.log_odds IS 'natural logarithm of the factor by which it multiplies the odds of leaving: 0.7 doubles them, a negative one lowers them';
COMMENT ON COLUMN cx_data.risk_signal.half_life IS 'time in which its log-odds halve, in days or hours; what lasts, as a ticket that is not solved, does not fade while it does';
COMMENT ON COLUMN cx_data.risk_signal.enabled IS 'whether it counts';

INSERT INTO cx_data.risk_signal (code, name, source, events, period, threshold, log_odds, half_life)
SELECT s.* FROM (VALUES
	('detractor', 'would not recommend us', 'detractor', '{}'::text[], NULL::interval, NULL::double precision, 0.9::double precision, interval '90 days'),
	('promoter', 'would recommend us', 'promoter', '{}', NULL, NULL, -0.7, '90 days'),
	('low_score', 'gave a low score', 'low_score', '{}', NULL, NULL, 0.6, '60 days'),
	('high_effort', 'found it hard to get help', 'high_effort', '{}', NULL, NULL, 0.6, '60 days'),
	('complaint', 'complained', 'complaint', '{}', NULL, NULL, 0.8, '60 days'),
	('unresolved_ticket', 'waits for a ticket to be solved', 'unresolved_ticket', '{}', NULL, NULL, 0.3, '30 days'),
	('overdue_ticket', 'has a ticket that is overdue', 'overdue_ticket', '{}', NULL, NULL, 0.5, '30 days'),
	('reopened_ticket', 'had to reopen a ticket', 'reopened_ticket', '{}', NULL, NULL, 0.5, '45 days'),
	('repeat_contact', 'had to contact us again and again', 'repeated_event', '{call,chat,contact}', '30 days', 3, 0.7, '30 days'),
	('falling_usage', 'uses us less', 'falling_event', '{login,order,usage,visit}', '30 days', 0.5, 1.1, '30 days'),
	('failed_payment', 'a payment failed', 'event', '{"failed payment",failed_payment,payment_failed}', NULL, NULL, 0.8, '30 days'),
	('fault', 'had a fault', 'event', '{fault,incident,outage}', NULL, NULL, 0.3, '21 days'),
	('price_rise', 'pays more than before', 'event', '{"high bill","price rise",price_rise}', NULL, NULL, 0.4, '45 days'),
	('cancellation', 'asked about cancelling', 'event', '{cancellation,cancellation_request}', NULL, NULL, 2.2, '45 days'),
	('contract_ending', 'the contract is about to end', 'coming_event', '{"contract end",contract_end}', '60 days', NULL, 0.9, '30 days')) AS s
WHERE NOT EXISTS (SELECT FROM cx_data.risk_signal);

CREATE TABLE IF NOT EXISTS cx_data.risk_setting (
	singleton boolean PRIMARY KEY DEFAULT true CONSTRAINT risk_setting_singleton_check CHECK (singleton),
	base_rate double precision NOT NULL DEFAULT 0.05 CONSTRAINT risk_setting_base_rate_check CHECK (base_rate > 0 AND base_rate < 1),
	medium_from double precision NOT NULL DEFAULT 0.1,
	high_from double precision NOT NULL DEFAULT 0.3,
	model text,
	signals_recorded_at timestamptz,
	created_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT risk_setting_band_check CHECK (medium_from > 0 AND medium_from <= high_from AND high_from < 1)
);
INSERT INTO cx_data.risk_setting DEFAULT VALUES ON CONFLICT DO NOTHING;
COMMENT ON TABLE cx_data.risk_setting IS 'one row: what risks start from, and how they are called. It may be edited';
COMMENT ON COLUMN cx_data.risk_setting.base_rate IS 'risk of a customer without any signal, 0..1: about the share of customers who leave in the time that you plan for, such as a quarter';
COMMENT ON COLUMN cx_data.risk_setting.medium_from IS 'least risk of band medium, below it is low';
COMMENT ON COLUMN cx_data.risk_setting.high_from IS 'least risk of band high';
COMMENT ON COLUMN cx_data.risk_setting.model IS 'name of the model whose scores are the risks of customers, where it has scored them; the first one that cx.score_customers() is called with is put here';
COMMENT ON COLUMN cx_data.risk_setting.signals_recorded_at IS 'when maintain() last added the risks by signals to risk_history; it does so once a day of the program';

CREATE TABLE IF NOT EXISTS cx_data.customer_risk (
	customer_risk_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	customer_id bigint NOT NULL REFERENCES cx_data.customer ON DELETE CASCADE,
	model text NOT NULL,
	version integer NOT NULL,
	risk double precision NOT NULL CONSTRAINT customer_risk_risk_check CHECK (risk BETWEEN 0 AND 1),
	reasons text[] NOT NULL DEFAULT '{}',
	scored_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT customer_risk_key UNIQUE (customer_id, model)
) WITH (fillfactor = 80);
COMMENT ON TABLE cx_data.customer_risk IS 'what models gave customers last, written by cx.score_customers(): read customer_churn_risk';
COMMENT ON COLUMN cx_data.customer_risk.model IS 'name of the model';
COMMENT ON COLUMN cx_data.customer_risk.version IS 'its version';
COMMENT ON COLUMN cx_data.customer_risk.risk IS 'probability of leaving, 0..1';
COMMENT ON COLUMN cx_data.customer_risk.reasons IS 'up to three features that raise it most, with their values, the strongest first';
COMMENT ON COLUMN cx_data.customer_risk.scored_at IS 'when';

CREATE TABLE IF NOT EXISTS cx_data.risk_history (
	risk_history_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	customer_id bigint NOT NULL REFERENCES cx_data.customer ON DELETE CASCADE,
	model text,
	version integer,
	risk double precision NOT NULL CONSTRAINT risk_history_risk_check CHECK (risk BETWEEN 0 AND 1),
	reasons text[] NOT NULL DEFAULT '{}',
	scored_at timestamptz NOT NULL DEFAULT now(),
	customer_merge_id bigint,
	CONSTRAINT risk_history_basis_check CHECK ((model IS NULL) = (version IS NULL))
);
CREATE INDEX IF NOT EXISTS risk_history_customer_id_idx ON cx_data.risk_history (customer_id, scored_at);
COMMENT ON TABLE cx_data.risk_history IS 'risks of customers as they were: one row where a risk moved by at least 0.01 or changed its basis; written by cx.score_customers(), and for signals once a day by maintain()';
COMMENT ON COLUMN cx_data.risk_history.model IS 'name of the model that gave it; NULL if signals did';
COMMENT ON COLUMN cx_data.risk_history.version IS 'version of the model; NULL if signals gave it';
COMMENT ON COLUMN cx_data.risk_history.risk IS 'probability of leaving, 0..1';
COMMENT ON COLUMN cx_data.risk_history.reasons IS 'up to three reasons, the strongest first';
COMMENT ON COLUMN cx_data.risk_history.scored_at IS 'from when on it was so';
COMMENT ON COLUMN cx_data.risk_history.customer_merge_id IS 'merge by which it came to its customer; NULL for most';

CREATE TABLE IF NOT EXISTS cx_data.model_drift (
	model_drift_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	model text NOT NULL,
	version integer NOT NULL,
	feature text NOT NULL,
	psi double precision NOT NULL,
	by_chance double precision NOT NULL,
	band text NOT NULL CONSTRAINT model_drift_band_check CHECK (band IN ('stable', 'too few', 'shifting', 'shifted')),
	row_count bigint NOT NULL,
	measured_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS model_drift_model_idx ON cx_data.model_drift (model, measured_at);
COMMENT ON TABLE cx_data.model_drift IS 'how far what models see had moved from what they were trained with, written by cx.record_drift(); alert rules may watch it';
COMMENT ON COLUMN cx_data.model_drift.model IS 'name of the model';
COMMENT ON COLUMN cx_data.model_drift.version IS 'its version, the champion of that time';
COMMENT ON COLUMN cx_data.model_drift.feature IS 'feature of the model; (score) for what it says';
COMMENT ON COLUMN cx_data.model_drift.psi IS 'population stability index';
COMMENT ON COLUMN cx_data.model_drift.by_chance IS 'psi that chance alone exceeds in 5 of 100 samples of this size';
COMMENT ON COLUMN cx_data.model_drift.band IS 'stable, too few (rows to tell from chance), shifting or shifted';
COMMENT ON COLUMN cx_data.model_drift.row_count IS 'rows that it was measured in';
COMMENT ON COLUMN cx_data.model_drift.measured_at IS 'when';

-- Views of answers: live tallies, by day, and the last 28 full days against the 28 before
--
-- What is folded stands in tally_hourly and tally_daily, what came since in
-- tally_delta.  Hours and days are those of the unit's time zone, else of the
-- program's, never of the session's.

CREATE OR REPLACE VIEW cx_data.tally_live WITH (security_invoker = true) AS
SELECT touchpoint_id, org_unit_id, hour, metric, tally
FROM (
	SELECT touchpoint_id, org_unit_id, hour, metric,
		coalesce(cx.tally(added) OPERATOR(cx.-) cx.tally(removed), cx.tally(added)) AS tally
	FROM (
		SELECT touchpoint_id, org_unit_id, hour, metric, tally AS added, NULL::cx.tally AS removed
		FROM cx_data.tally_hourly
		UNION ALL
		SELECT touchpoint_id, org_unit_id, hour, metric, added, removed
		FROM cx_data.tally_delta
	) AS counted
	GROUP BY touchpoint_id, org_unit_id, hour, metric
) AS summed
WHERE cx.responses(tally) > 0;
COMMENT ON VIEW cx_data.tally_live IS 'survey answers counted by touchpoint, unit, hour and metric, exact at every moment';
COMMENT ON COLUMN cx_data.tally_live.touchpoint_id IS 'touchpoint answered about; NULL if the relationship as a whole';
COMMENT ON COLUMN cx_data.tally_live.org_unit_id IS 'unit that served; NULL if unknown';
COMMENT ON COLUMN cx_data.tally_live.hour IS 'start of the hour in the time zone of the unit, else of the program';
COMMENT ON COLUMN cx_data.tally_live.metric IS 'code of the metric';
COMMENT ON COLUMN cx_data.tally_live.tally IS 'answers per score';

CREATE OR REPLACE VIEW cx_data.tally_recent WITH (security_invoker = true) AS
WITH
program AS (
	SELECT (cx.as_of() AT TIME ZONE time_zone)::date AS today FROM cx_data.program
),
unit AS MATERIALIZED (
	SELECT org_unit_id, (cx.as_of() AT TIME ZONE time_zone)::date AS today FROM cx_data.org_unit WHERE time_zone IS NOT NULL
),
counted AS (
	SELECT touchpoint_id, org_unit_id, day, metric, tally AS added, NULL::cx.tally AS removed
	FROM cx_data.tally_daily
	UNION ALL
	SELECT touchpoint_id, org_unit_id, day, metric, added, removed
	FROM cx_data.tally_delta
),
summed AS (
	SELECT c.touchpoint_id, c.org_unit_id, c.metric, c.day >= coalesce(u.today, (SELECT today FROM program)) - 28 AS after,
		coalesce(cx.tally(c.added) OPERATOR(cx.-) cx.tally(c.removed), cx.tally(c.added)) AS tally
	FROM counted AS c
	LEFT JOIN unit AS u USING (org_unit_id)
	WHERE c.day >= (cx.as_of() AT TIME ZONE 'UTC')::date - 58	-- earlier than in any zone, for the index
		AND c.day >= coalesce(u.today, (SELECT today FROM program)) - 56
		AND c.day < coalesce(u.today, (SELECT today FROM program))
	GROUP BY 1, 2, 3, 4
)
SELECT touchpoint_id, org_unit_id, metric,
	cx.tally(tally) FILTER (WHERE after) AS tally,
	cx.tally(tally) FILTER (WHERE NOT after) AS tally_before
FROM summed WHERE cx.responses(tally) > 0
GROUP BY touchpoint_id, org_unit_id, metric;
COMMENT ON VIEW cx_data.tally_recent IS 'survey answers counted by touchpoint, unit and metric: last 28 full days before that of cx.as_of(), and the 28 before; days are local';
COMMENT ON COLUMN cx_data.tally_recent.touchpoint_id IS 'touchpoint answered about; NULL if the relationship as a whole';
COMMENT ON COLUMN cx_data.tally_recent.org_unit_id IS 'unit that served; NULL if unknown';
COMMENT ON COLUMN cx_data.tally_recent.metric IS 'code of the metric';
COMMENT ON COLUMN cx_data.tally_recent.tally IS 'answers per score, last 28 full days; NULL if none';
COMMENT ON COLUMN cx_data.tally_recent.tally_before IS 'answers per score, the 28 days before these; NULL if none';

CREATE OR REPLACE VIEW cx_data.tally_live_daily WITH (security_invoker = true) AS
SELECT day, touchpoint_id, org_unit_id, metric, tally
FROM (
	SELECT day, touchpoint_id, org_unit_id, metric,
		coalesce(cx.tally(added) OPERATOR(cx.-) cx.tally(removed), cx.tally(added)) AS tally
	FROM (
		SELECT day, touchpoint_id, org_unit_id, metric, tally AS added, NULL::cx.tally AS removed
		FROM cx_data.tally_daily
		UNION ALL
		SELECT day, touchpoint_id, org_unit_id, metric, added, removed
		FROM cx_data.tally_delta
	) AS counted
	GROUP BY day, touchpoint_id, org_unit_id, metric
) AS summed
WHERE cx.responses(tally) > 0;
COMMENT ON VIEW cx_data.tally_live_daily IS 'survey answers counted by local day, touchpoint, unit and metric';
COMMENT ON COLUMN cx_data.tally_live_daily.day IS 'day in the time zone of the unit, else of the program';
COMMENT ON COLUMN cx_data.tally_live_daily.touchpoint_id IS 'touchpoint answered about; NULL if the relationship as a whole';
COMMENT ON COLUMN cx_data.tally_live_daily.org_unit_id IS 'unit that served; NULL if unknown';
COMMENT ON COLUMN cx_data.tally_live_daily.metric IS 'code of the metric';
COMMENT ON COLUMN cx_data.tally_live_daily.tally IS 'answers per score';

CREATE OR REPLACE VIEW cx_data.touchpoint_daily WITH (security_invoker = true) AS
SELECT d.day,
	cx.day_start(d.day, (SELECT time_zone FROM cx_data.program)) AS starts_at,
	d.touchpoint_id, t.code AS touchpoint, t.name AS touchpoint_name,
	d.metric, m.name AS metric_name,
	e.value, e.lower, e.upper, cx.responses(d.tally) AS responses
FROM (SELECT day, touchpoint_id, metric, cx.tally(tally) AS tally FROM cx_data.tally_live_daily GROUP BY day, touchpoint_id, metric) AS d
LEFT JOIN cx_data.touchpoint AS t USING (touchpoint_id)
LEFT JOIN cx_data.metric AS m ON m.code = d.metric
CROSS JOIN LATERAL cx.estimate_of(m.kind, m.satisfied_from, d.tally) AS e;
COMMENT ON VIEW cx_data.touchpoint_daily IS 'scores by local day, touchpoint and metric, all units together';
COMMENT ON COLUMN cx_data.touchpoint_daily.day IS 'day in the time zone of the unit that served, else of the program';
COMMENT ON COLUMN cx_data.touchpoint_daily.starts_at IS 'start of the day in the time zone of the program';
COMMENT ON COLUMN cx_data.touchpoint_daily.touchpoint_id IS 'touchpoint answered about; NULL if the relationship as a whole';
COMMENT ON COLUMN cx_data.touchpoint_daily.touchpoint IS 'code of the touchpoint';
COMMENT ON COLUMN cx_data.touchpoint_daily.touchpoint_name IS 'name of the touchpoint';
COMMENT ON COLUMN cx_data.touchpoint_daily.metric IS 'code of the metric';
COMMENT ON COLUMN cx_data.touchpoint_daily.metric_name IS 'name of the metric';
COMMENT ON COLUMN cx_data.touchpoint_daily.value IS 'score in the unit of the metric: NPS in points, CSAT in percent, or a mean; not to be summed or averaged over days';
COMMENT ON COLUMN cx_data.touchpoint_daily.lower IS 'lower end of the 95 % interval of the value';
COMMENT ON COLUMN cx_data.touchpoint_daily.upper IS 'upper end of the 95 % interval of the value';
COMMENT ON COLUMN cx_data.touchpoint_daily.responses IS 'answers counted';

CREATE OR REPLACE VIEW cx_data.unit_daily WITH (security_invoker = true) AS
SELECT d.day,
	cx.day_start(d.day, coalesce(u.time_zone, (SELECT time_zone FROM cx_data.program))) AS starts_at,
	d.org_unit_id, u.code AS org_unit, u.name AS org_unit_name, u.tier,
	d.metric, m.name AS metric_name,
	e.value, e.lower, e.upper, cx.responses(d.tally) AS responses
FROM (SELECT day, org_unit_id, metric, cx.tally(tally) AS tally FROM cx_data.tally_live_daily GROUP BY day, org_unit_id, metric) AS d
LEFT JOIN cx_data.org_unit AS u USING (org_unit_id)
LEFT JOIN cx_data.metric AS m ON m.code = d.metric
CROSS JOIN LATERAL cx.estimate_of(m.kind, m.satisfied_from, d.tally) AS e;
COMMENT ON VIEW cx_data.unit_daily IS 'scores by local day, unit and metric: the unit''s own answers, without the units below it';
COMMENT ON COLUMN cx_data.unit_daily.day IS 'day in the time zone of the unit, else of the program';
COMMENT ON COLUMN cx_data.unit_daily.starts_at IS 'start of the day in that time zone';
COMMENT ON COLUMN cx_data.unit_daily.org_unit_id IS 'unit that served; NULL if unknown';
COMMENT ON COLUMN cx_data.unit_daily.org_unit IS 'code of the unit';
COMMENT ON COLUMN cx_data.unit_daily.org_unit_name IS 'name of the unit';
COMMENT ON COLUMN cx_data.unit_daily.tier IS 'level in the organisation, 1 is the group';
COMMENT ON COLUMN cx_data.unit_daily.metric IS 'code of the metric';
COMMENT ON COLUMN cx_data.unit_daily.metric_name IS 'name of the metric';
COMMENT ON COLUMN cx_data.unit_daily.value IS 'score in the unit of the metric: NPS in points, CSAT in percent, or a mean; not to be summed or averaged over days';
COMMENT ON COLUMN cx_data.unit_daily.lower IS 'lower end of the 95 % interval of the value';
COMMENT ON COLUMN cx_data.unit_daily.upper IS 'upper end of the 95 % interval of the value';
COMMENT ON COLUMN cx_data.unit_daily.responses IS 'answers counted';

CREATE OR REPLACE VIEW cx_data.touchpoint_score WITH (security_invoker = true) AS
WITH compared AS (
	SELECT r.touchpoint_id, r.metric, m.name AS metric_name, m.lower_is_better, c.*,
		least(c.responses, c.responses_before) >= cx.min_responses() AS comparable
	FROM (SELECT touchpoint_id, metric, cx.tally(tally) AS tally, cx.tally(tally_before) AS tally_before
		FROM cx_data.tally_recent GROUP BY touchpoint_id, metric) AS r
	LEFT JOIN cx_data.metric AS m ON m.code = r.metric
	CROSS JOIN LATERAL cx.compare(m.kind, m.satisfied_from, r.tally_before, r.tally) AS c
),
tested AS (
	SELECT *, cx.fdr(CASE WHEN comparable THEN p_value END) OVER (PARTITION BY metric) AS q_value
	FROM compared
)
SELECT s.touchpoint_id, t.code AS touchpoint, t.name AS touchpoint_name, s.metric, s.metric_name,
	s.value, s.lower, s.upper, s.responses, s.value_before, s.responses_before,
	s.change, s.change_lower, s.change_upper, s.p_value, s.q_value,
	coalesce(s.q_value < 0.05, false) AS significant,
	cx.verdict(s.change, s.q_value, s.comparable, s.lower_is_better) AS verdict
FROM tested AS s
LEFT JOIN cx_data.touchpoint AS t USING (touchpoint_id);
COMMENT ON VIEW cx_data.touchpoint_score IS 'scores by touchpoint and metric, all units together: last 28 full days before that of cx.as_of(), against the 28 before';
COMMENT ON COLUMN cx_data.touchpoint_score.touchpoint_id IS 'touchpoint answered about; NULL if the relationship as a whole';
COMMENT ON COLUMN cx_data.touchpoint_score.touchpoint IS 'code of the touchpoint';
COMMENT ON COLUMN cx_data.touchpoint_score.touchpoint_name IS 'name of the touchpoint';
COMMENT ON COLUMN cx_data.touchpoint_score.metric IS 'code of the metric';
COMMENT ON COLUMN cx_data.touchpoint_score.metric_name IS 'name of the metric';
COMMENT ON COLUMN cx_data.touchpoint_score.value IS 'score of the last 28 full days, in the unit of the metric: NPS in points, CSAT in percent, or a mean';
COMMENT ON COLUMN cx_data.touchpoint_score.lower IS 'lower end of the 95 % interval of the value';
COMMENT ON COLUMN cx_data.touchpoint_score.upper IS 'upper end of the 95 % interval of the value';
COMMENT ON COLUMN cx_data.touchpoint_score.responses IS 'answers of the last 28 full days';
COMMENT ON COLUMN cx_data.touchpoint_score.value_before IS 'score of the 28 days before these';
COMMENT ON COLUMN cx_data.touchpoint_score.responses_before IS 'answers of the 28 days before';
COMMENT ON COLUMN cx_data.touchpoint_score.change IS 'value minus value_before, in the unit of the metric';
COMMENT ON COLUMN cx_data.touchpoint_score.change_lower IS 'lower end of the 95 % interval of the change';
COMMENT ON COLUMN cx_data.touchpoint_score.change_upper IS 'upper end of the 95 % interval of the change';
COMMENT ON COLUMN cx_data.touchpoint_score.p_value IS 'p-value of the change by itself, 0..1';
COMMENT ON COLUMN cx_data.touchpoint_score.q_value IS 'p-value adjusted for the false discovery rate over the touchpoints of the metric that have at least cx.min_responses answers in both periods; NULL for the others';
COMMENT ON COLUMN cx_data.touchpoint_score.significant IS 'whether q_value is below 0.05';
COMMENT ON COLUMN cx_data.touchpoint_score.verdict IS 'better, worse, no clear change, or too few: fewer than cx.min_responses answers in one of the periods';

CREATE OR REPLACE VIEW cx_data.unit_score WITH (security_invoker = true) AS
WITH RECURSIVE below (org_unit_id, top_id) AS (
	SELECT org_unit_id, org_unit_id FROM cx_data.org_unit
	UNION	-- not ALL, so a circle of parents comes to an end
	SELECT below.org_unit_id, u.parent_id
	FROM below JOIN cx_data.org_unit AS u ON u.org_unit_id = below.top_id
	WHERE u.parent_id IN (SELECT org_unit_id FROM cx_data.org_unit)	-- a parent that row security hides has no score
),
compared AS (
	SELECT r.org_unit_id, r.metric, m.name AS metric_name, m.lower_is_better, c.*,
		least(c.responses, c.responses_before) >= cx.min_responses() AS comparable
	FROM (SELECT coalesce(below.top_id, org_unit_id) AS org_unit_id, metric, cx.tally(tally) AS tally, cx.tally(tally_before) AS tally_before
		FROM (SELECT org_unit_id, metric, cx.tally(tally) AS tally, cx.tally(tally_before) AS tally_before
			FROM cx_data.tally_recent GROUP BY org_unit_id, metric) AS own
		LEFT JOIN below USING (org_unit_id) GROUP BY 1, 2) AS r
	LEFT JOIN cx_data.metric AS m ON m.code = r.metric
	CROSS JOIN LATERAL cx.compare(m.kind, m.satisfied_from, r.tally_before, r.tally) AS c
),
tested AS (
	SELECT *, cx.fdr(CASE WHEN comparable THEN p_value END) OVER (PARTITION BY metric) AS q_value
	FROM compared
)
SELECT s.org_unit_id, u.code AS org_unit, u.name AS org_unit_name, u.tier, s.metric, s.metric_name,
	s.value, s.lower, s.upper, s.responses, s.value_before, s.responses_before,
	s.change, s.change_lower, s.change_upper, s.p_value, s.q_value,
	coalesce(s.q_value < 0.05, false) AS significant,
	cx.verdict(s.change, s.q_value, s.comparable, s.lower_is_better) AS verdict
FROM tested AS s
LEFT JOIN cx_data.org_unit AS u USING (org_unit_id);
COMMENT ON VIEW cx_data.unit_score IS 'scores by unit and metric, a unit with all units below it: last 28 full days before that of cx.as_of(), against the 28 before';
COMMENT ON COLUMN cx_data.unit_score.org_unit_id IS 'unit that served, itself or through a unit below it; NULL if unknown';
COMMENT ON COLUMN cx_data.unit_score.org_unit IS 'code of the unit';
COMMENT ON COLUMN cx_data.unit_score.org_unit_name IS 'name of the unit';
COMMENT ON COLUMN cx_data.unit_score.tier IS 'level in the organisation, 1 is the group';
COMMENT ON COLUMN cx_data.unit_score.metric IS 'code of the metric';
COMMENT ON COLUMN cx_data.unit_score.metric_name IS 'name of the metric';
COMMENT ON COLUMN cx_data.unit_score.value IS 'score of the last 28 full days, in the unit of the metric: NPS in points, CSAT in percent, or a mean';
COMMENT ON COLUMN cx_data.unit_score.lower IS 'lower end of the 95 % interval of the value';
COMMENT ON COLUMN cx_data.unit_score.upper IS 'upper end of the 95 % interval of the value';
COMMENT ON COLUMN cx_data.unit_score.responses IS 'answers of the last 28 full days';
COMMENT ON COLUMN cx_data.unit_score.value_before IS 'score of the 28 days before these';
COMMENT ON COLUMN cx_data.unit_score.responses_before IS 'answers of the 28 days before';
COMMENT ON COLUMN cx_data.unit_score.change IS 'value minus value_before, in the unit of the metric';
COMMENT ON COLUMN cx_data.unit_score.change_lower IS 'lower end of the 95 % interval of the change';
COMMENT ON COLUMN cx_data.unit_score.change_upper IS 'upper end of the 95 % interval of the change';
COMMENT ON COLUMN cx_data.unit_score.p_value IS 'p-value of the change by itself, 0..1';
COMMENT ON COLUMN cx_data.unit_score.q_value IS 'p-value adjusted for the false discovery rate over the units of the metric that have at least cx.min_responses answers in both periods; NULL for the others';
COMMENT ON COLUMN cx_data.unit_score.significant IS 'whether q_value is below 0.05';
COMMENT ON COLUMN cx_data.unit_score.verdict IS 'better, worse, no clear change, or too few: fewer than cx.min_responses answers in one of the periods';

CREATE OR REPLACE VIEW cx_data.feedback_detail WITH (security_invoker = true) AS
SELECT f.feedback_id,
	(f.responded_at AT TIME ZONE coalesce(u.time_zone, (SELECT time_zone FROM cx_data.program)))::date AS day,
	f.responded_at, f.kind, f.metric, m.name AS metric_name, f.score::integer AS score, f.channel,
	f.touchpoint_id, t.code AS touchpoint, t.name AS touchpoint_name,
	g.code AS stage, g.name AS stage_name, j.code AS journey, j.name AS journey_name,
	f.customer_id, c.code AS customer, c.name AS customer_name, c.segment,
	f.org_unit_id, u.code AS org_unit, u.name AS org_unit_name,
	f.staff_id, p.code AS staff, p.name AS staff_name,
	s.name AS source, f.source_key
FROM cx_data.feedback AS f
LEFT JOIN cx_data.metric AS m ON m.code = f.metric
LEFT JOIN cx_data.touchpoint AS t USING (touchpoint_id)
LEFT JOIN cx_data.stage AS g USING (stage_id)
LEFT JOIN cx_data.journey AS j USING (journey_id)
LEFT JOIN cx_data.customer AS c USING (customer_id)
LEFT JOIN cx_data.org_unit AS u ON u.org_unit_id = f.org_unit_id
LEFT JOIN cx_data.staff AS p ON p.staff_id = f.staff_id
LEFT JOIN cx_data.source AS s USING (source_id);
COMMENT ON VIEW cx_data.feedback_detail IS 'feedback with the names of what it refers to, one row each; comments stay in cx_data.feedback, for those who may read them';
COMMENT ON COLUMN cx_data.feedback_detail.feedback_id IS 'key of the feedback, unique per row';
COMMENT ON COLUMN cx_data.feedback_detail.day IS 'day in the time zone of the unit that served, else of the program';
COMMENT ON COLUMN cx_data.feedback_detail.responded_at IS 'when the customer said it';
COMMENT ON COLUMN cx_data.feedback_detail.kind IS 'survey, complaint, suggestion, social, mystery, trial or staff; scores count surveys only';
COMMENT ON COLUMN cx_data.feedback_detail.metric IS 'code of the metric that the score is for';
COMMENT ON COLUMN cx_data.feedback_detail.metric_name IS 'name of the metric';
COMMENT ON COLUMN cx_data.feedback_detail.score IS 'whole number on the scale of the metric';
COMMENT ON COLUMN cx_data.feedback_detail.channel IS 'channel the answer came by, such as sms or app';
COMMENT ON COLUMN cx_data.feedback_detail.touchpoint_id IS 'touchpoint it is about; NULL if it is about the relationship as a whole';
COMMENT ON COLUMN cx_data.feedback_detail.touchpoint IS 'code of the touchpoint';
COMMENT ON COLUMN cx_data.feedback_detail.touchpoint_name IS 'name of the touchpoint';
COMMENT ON COLUMN cx_data.feedback_detail.stage IS 'code of the stage that the touchpoint belongs to now';
COMMENT ON COLUMN cx_data.feedback_detail.stage_name IS 'name of the stage';
COMMENT ON COLUMN cx_data.feedback_detail.journey IS 'code of the journey that the stage belongs to';
COMMENT ON COLUMN cx_data.feedback_detail.journey_name IS 'name of the journey';
COMMENT ON COLUMN cx_data.feedback_detail.customer_id IS 'customer who said it; NULL if anonymous';
COMMENT ON COLUMN cx_data.feedback_detail.customer IS 'code of the customer';
COMMENT ON COLUMN cx_data.feedback_detail.customer_name IS 'name of the customer';
COMMENT ON COLUMN cx_data.feedback_detail.segment IS 'segment of the customer';
COMMENT ON COLUMN cx_data.feedback_detail.org_unit_id IS 'unit that served the customer';
COMMENT ON COLUMN cx_data.feedback_detail.org_unit IS 'code of the unit';
COMMENT ON COLUMN cx_data.feedback_detail.org_unit_name IS 'name of the unit';
COMMENT ON COLUMN cx_data.feedback_detail.staff_id IS 'member of staff who served the customer';
COMMENT ON COLUMN cx_data.feedback_detail.staff IS 'code of the member of staff';
COMMENT ON COLUMN cx_data.feedback_detail.staff_name IS 'name of the member of staff';
COMMENT ON COLUMN cx_data.feedback_detail.source IS 'name of the source that delivered it; NULL if written by hand';
COMMENT ON COLUMN cx_data.feedback_detail.source_key IS 'key of the row in its source';
-- View of sources: whether what they hold has arrived

CREATE OR REPLACE VIEW cx_data.source_status WITH (security_invoker = true) AS
WITH attached AS (
	SELECT s.source_id, quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS relation,
		EXISTS (SELECT FROM pg_trigger AS t
			WHERE t.tgrelid = c.oid AND starts_with(t.tgname, format('cx_%s_%s_', s.kind, s.source_id))) AS has_trigger
	FROM cx_data.source AS s JOIN pg_class AS c ON c.oid = s.relation JOIN pg_namespace AS n ON n.oid = c.relnamespace
),
captured AS (
	SELECT source_id, count(*) AS captured_rows, max(responded_at) AS last_row_at FROM cx_data.feedback GROUP BY source_id
	UNION ALL
	SELECT source_id, count(*), max(occurred_at) FROM cx_data.event GROUP BY source_id
	UNION ALL
	SELECT source_id, count(*), max(opened_at) FROM cx_data.ticket GROUP BY source_id
),
failed AS (
	SELECT source_id, count(*) AS error_rows, cx.last_import_error(source_id) AS last_error
	FROM cx_data.import_error GROUP BY source_id
)
SELECT s.name AS source, s.kind, a.relation,
	CASE WHEN s.relation IS NULL AND s.mapping ? 'format' THEN 'imported' WHEN s.relation IS NULL AND s.mapping = '{}' THEN 'submitted'
		WHEN a.has_trigger IS NOT TRUE THEN 'detached' WHEN s.pulled THEN 'pulled' ELSE 'triggers' END AS how,
	coalesce(s.mapping ->> 'on_error', 'fail') AS on_error,
	counted.source_rows, coalesce(c.captured_rows, 0) AS captured_rows, coalesce(f.error_rows, 0) AS error_rows,
	counted.source_rows - coalesce(c.captured_rows, 0) - coalesce(f.error_rows, 0) AS difference,
	c.last_row_at, extract(epoch FROM now() - c.last_row_at)::double precision AS lag_seconds,
	s.pulled_at, s.compared_at, coalesce(counted.problem, f.last_error) AS last_error
FROM cx_data.source AS s
LEFT JOIN attached AS a USING (source_id)
LEFT JOIN captured AS c USING (source_id)
LEFT JOIN failed AS f USING (source_id)
LEFT JOIN LATERAL cx.try_count_source(s.name) AS counted ON a.has_trigger;
COMMENT ON VIEW cx_data.source_status IS 'state of each source, counted now: rows it holds, rows captured, and what is between them';
COMMENT ON COLUMN cx_data.source_status.source IS 'name of the source, unique per row';
COMMENT ON COLUMN cx_data.source_status.kind IS 'what it delivers: feedback, event or ticket';
COMMENT ON COLUMN cx_data.source_status.relation IS 'table, view or foreign table that is attached, with its schema; NULL if none is or it was dropped';
COMMENT ON COLUMN cx_data.source_status.how IS 'how rows come in: triggers, pulled (by cx.sync_source), imported (cx.import_feedback, cx.import_csv), submitted (cx.submit_feedback, or by hand), or detached: they do not';
COMMENT ON COLUMN cx_data.source_status.on_error IS 'what happens to a row that cannot be captured: fail (the statement fails), or record (in cx_data.import_error)';
COMMENT ON COLUMN cx_data.source_status.source_rows IS 'rows of the relation that are to be captured; NULL if detached, or if they cannot be counted: last_error says why';
COMMENT ON COLUMN cx_data.source_status.captured_rows IS 'rows of feedback, events or tickets from this source';
COMMENT ON COLUMN cx_data.source_status.error_rows IS 'rows that could not be captured, as recorded in cx_data.import_error';
COMMENT ON COLUMN cx_data.source_status.difference IS 'source_rows minus captured_rows minus error_rows: above 0, rows are still to come, below 0, to leave';
COMMENT ON COLUMN cx_data.source_status.last_row_at IS 'latest responded_at, occurred_at or opened_at captured; NULL if nothing is';
COMMENT ON COLUMN cx_data.source_status.lag_seconds IS 'seconds from last_row_at to now';
COMMENT ON COLUMN cx_data.source_status.pulled_at IS 'when rows were last pulled';
COMMENT ON COLUMN cx_data.source_status.compared_at IS 'when all rows were last compared, those that left included';
COMMENT ON COLUMN cx_data.source_status.last_error IS 'why the rows cannot be counted, else why the last row that failed could not be captured';
-- View of surveys: how many answer

CREATE OR REPLACE VIEW cx_data.response_rate WITH (security_invoker = true) AS
WITH counted AS (
	SELECT i.survey_id, i.channel,
		count(*) FILTER (WHERE status = 'suppressed') AS suppressed_count,
		count(*) FILTER (WHERE status <> 'suppressed' AND sent_at IS NULL AND answered_at IS NULL) AS queued_count,
		count(*) FILTER (WHERE status <> 'suppressed' AND (sent_at IS NOT NULL OR answered_at IS NOT NULL)) AS sent_count,
		count(*) FILTER (WHERE answered_at <= cx.as_of()) AS answered_count,
		count(*) FILTER (WHERE status <> 'suppressed' AND sent_at IS NOT NULL AND answered_at IS NULL AND expires_at > cx.as_of()) AS open_count
	FROM cx_data.invitation AS i
	WHERE invited_at <= cx.as_of()
	GROUP BY i.survey_id, i.channel
)
SELECT s.survey_id, s.code AS survey, s.name AS survey_name, c.channel,
	c.suppressed_count, c.queued_count, c.sent_count, c.open_count, c.answered_count,
	e.value AS response_rate, e.lower, e.upper
FROM counted AS c
JOIN cx_data.survey AS s USING (survey_id)
CROSS JOIN LATERAL cx.share_estimate(c.answered_count, c.sent_count, 0.95) AS e;
COMMENT ON VIEW cx_data.response_rate IS 'how many of those invited answer, by survey and channel. The rate is that of all invitations sent until cx.as_of(), answered or not, those that may still be answered included; suppressed and queued ones do not count';
COMMENT ON COLUMN cx_data.response_rate.survey_id IS 'the survey';
COMMENT ON COLUMN cx_data.response_rate.survey IS 'code of the survey';
COMMENT ON COLUMN cx_data.response_rate.survey_name IS 'name of the survey';
COMMENT ON COLUMN cx_data.response_rate.channel IS 'channel of the invitations';
COMMENT ON COLUMN cx_data.response_rate.suppressed_count IS 'invitations that a rule or the customer forbade';
COMMENT ON COLUMN cx_data.response_rate.queued_count IS 'invitations not sent yet, or never';
COMMENT ON COLUMN cx_data.response_rate.sent_count IS 'invitations sent: the denominator of the rate';
COMMENT ON COLUMN cx_data.response_rate.open_count IS 'of these, not answered and not expired';
COMMENT ON COLUMN cx_data.response_rate.answered_count IS 'of these, answered';
COMMENT ON COLUMN cx_data.response_rate.response_rate IS 'answered_count in percent of sent_count; NULL if none was sent';
COMMENT ON COLUMN cx_data.response_rate.lower IS 'lower end of its 95 % interval (Wilson)';
COMMENT ON COLUMN cx_data.response_rate.upper IS 'upper end of its 95 % interval';
-- Views of journeys: what is published, and how customers experience it
--
-- An experience is 0 (worst) to 100 (best): all answers to a touchpoint,
-- brought there from their scales.  A stage is the weighted mean of those
-- touchpoints that have enough answers, a journey that of its stages.

CREATE OR REPLACE VIEW cx_data.journey_published WITH (security_invoker = true) AS
SELECT j.journey_id, j.code AS journey, v.definition ->> 'name' AS journey_name, v.version, v.published_at, t.*
FROM cx_data.journey AS j
CROSS JOIN LATERAL (
	SELECT version, published_at, definition FROM cx_data.journey_version
	WHERE journey_id = j.journey_id AND published_at <= cx.as_of()
	ORDER BY version DESC LIMIT 1
) AS v
CROSS JOIN LATERAL cx.touchpoints_of(v.definition) AS t;
COMMENT ON VIEW cx_data.journey_published IS 'touchpoints of the journeys as published: the version in force at cx.as_of()';
COMMENT ON COLUMN cx_data.journey_published.journey_id IS 'the journey';
COMMENT ON COLUMN cx_data.journey_published.journey IS 'code of the journey';
COMMENT ON COLUMN cx_data.journey_published.journey_name IS 'name of the journey, as all that follows when it was published';
COMMENT ON COLUMN cx_data.journey_published.version IS '1, 2, ... within the journey';
COMMENT ON COLUMN cx_data.journey_published.published_at IS 'when this version was published';
COMMENT ON COLUMN cx_data.journey_published.stage_id IS 'the stage';
COMMENT ON COLUMN cx_data.journey_published.stage IS 'code of the stage';
COMMENT ON COLUMN cx_data.journey_published.stage_name IS 'name of the stage';
COMMENT ON COLUMN cx_data.journey_published.stage_position IS 'order within the journey';
COMMENT ON COLUMN cx_data.journey_published.stage_weight IS 'weight in the score of the journey';
COMMENT ON COLUMN cx_data.journey_published.touchpoint_id IS 'the touchpoint; NULL if the stage has none';
COMMENT ON COLUMN cx_data.journey_published.touchpoint IS 'code of the touchpoint';
COMMENT ON COLUMN cx_data.journey_published.touchpoint_name IS 'name of the touchpoint';
COMMENT ON COLUMN cx_data.journey_published.touchpoint_position IS 'order within the stage';
COMMENT ON COLUMN cx_data.journey_published.touchpoint_weight IS 'weight in the score of the stage';
COMMENT ON COLUMN cx_data.journey_published.channel IS 'channel, such as app, shop or phone';
COMMENT ON COLUMN cx_data.journey_published.moment_of_truth IS 'whether it decides how the customer remembers the journey';
COMMENT ON COLUMN cx_data.journey_published.owner_staff_id IS 'member of staff who answers for it';
COMMENT ON COLUMN cx_data.journey_published.owner_staff IS 'code of that member of staff';
COMMENT ON COLUMN cx_data.journey_published.owner_unit_id IS 'unit that answers for it';
COMMENT ON COLUMN cx_data.journey_published.owner_unit IS 'code of that unit';

CREATE OR REPLACE VIEW cx_data.emotion_curve WITH (security_invoker = true) AS
WITH experienced AS (
	SELECT r.touchpoint_id, cx.experience_estimate(r.tally, m.scale_min, m.scale_max, m.lower_is_better) AS experience
	FROM (SELECT touchpoint_id, metric, cx.tally(tally) AS tally FROM cx_data.tally_recent GROUP BY touchpoint_id, metric) AS r
	JOIN cx_data.metric AS m ON m.code = r.metric
	GROUP BY r.touchpoint_id
)
SELECT j.journey_id, j.journey, j.journey_name, j.stage_id, j.stage, j.stage_name, j.stage_position,
	j.touchpoint_id, j.touchpoint, j.touchpoint_name, j.touchpoint_position, j.channel, j.moment_of_truth,
	((e.experience).value - 50) / 25 AS emotion, (e.experience).value, (e.experience).lower, (e.experience).upper,
	coalesce((e.experience).responses, 0) AS responses,
	coalesce((e.experience).responses, 0) >= cx.min_responses() AS enough_responses
FROM cx_data.journey_published AS j
LEFT JOIN experienced AS e USING (touchpoint_id)
WHERE j.touchpoint_id IS NOT NULL;
COMMENT ON VIEW cx_data.emotion_curve IS 'how customers experienced the touchpoints of the published journeys in the last 28 full days: order by journey, stage_position, touchpoint_position';
COMMENT ON COLUMN cx_data.emotion_curve.journey_id IS 'the journey';
COMMENT ON COLUMN cx_data.emotion_curve.journey IS 'code of the journey';
COMMENT ON COLUMN cx_data.emotion_curve.journey_name IS 'name of the journey';
COMMENT ON COLUMN cx_data.emotion_curve.stage_id IS 'the stage';
COMMENT ON COLUMN cx_data.emotion_curve.stage IS 'code of the stage';
COMMENT ON COLUMN cx_data.emotion_curve.stage_name IS 'name of the stage';
COMMENT ON COLUMN cx_data.emotion_curve.stage_position IS 'order of the stage within the journey';
COMMENT ON COLUMN cx_data.emotion_curve.touchpoint_id IS 'the touchpoint';
COMMENT ON COLUMN cx_data.emotion_curve.touchpoint IS 'code of the touchpoint';
COMMENT ON COLUMN cx_data.emotion_curve.touchpoint_name IS 'name of the touchpoint';
COMMENT ON COLUMN cx_data.emotion_curve.touchpoint_position IS 'order of the touchpoint within the stage';
COMMENT ON COLUMN cx_data.emotion_curve.channel IS 'channel, such as app, shop or phone';
COMMENT ON COLUMN cx_data.emotion_curve.moment_of_truth IS 'whether it decides how the customer remembers the journey';
COMMENT ON COLUMN cx_data.emotion_curve.emotion IS 'experience on the scale of the map, -2 (worst) to 2 (best): (value - 50) / 25; NULL without answers';
COMMENT ON COLUMN cx_data.emotion_curve.value IS 'experience, 0..100: mean of all answers, each brought from its scale to 0 (worst) to 100 (best); NULL without answers';
COMMENT ON COLUMN cx_data.emotion_curve.lower IS 'lower end of the 95 % interval of the value; NULL for one answer';
COMMENT ON COLUMN cx_data.emotion_curve.upper IS 'upper end of the 95 % interval of the value; NULL for one answer';
COMMENT ON COLUMN cx_data.emotion_curve.responses IS 'answers of the last 28 full days';
COMMENT ON COLUMN cx_data.emotion_curve.enough_responses IS 'whether these are at least cx.min_responses, enough to count in the score of the stage';

CREATE OR REPLACE VIEW cx_data.stage_score WITH (security_invoker = true) AS
WITH experienced AS (
	SELECT r.touchpoint_id, cx.experience_estimate(r.tally, m.scale_min, m.scale_max, m.lower_is_better) AS experience
	FROM (SELECT touchpoint_id, metric, cx.tally(tally) AS tally FROM cx_data.tally_recent GROUP BY touchpoint_id, metric) AS r
	JOIN cx_data.metric AS m ON m.code = r.metric
	GROUP BY r.touchpoint_id
),
placed AS (
	SELECT *, touchpoint_weight > 0 AND coalesce((experience).responses, 0) >= cx.min_responses() AS counted
	FROM cx_data.journey_published LEFT JOIN experienced USING (touchpoint_id)
),
scored AS (
	SELECT journey_id, journey, journey_name, stage_id, stage, stage_name, stage_position, stage_weight,
		cx.journey_stage_estimate(experience, touchpoint_weight) FILTER (WHERE counted) AS score,
		count(*) FILTER (WHERE counted) AS touchpoint_count,
		count(touchpoint_id) FILTER (WHERE NOT counted) AS left_out_count,
		(array_agg(touchpoint ORDER BY (experience).value, touchpoint_position) FILTER (WHERE counted))[1] AS worst_touchpoint,
		min((experience).value) FILTER (WHERE counted) AS worst_value
	FROM placed
	GROUP BY journey_id, journey, journey_name, stage_id, stage, stage_name, stage_position, stage_weight
)
SELECT journey_id, journey, journey_name, stage_id, stage, stage_name, stage_position, stage_weight,
	(score).value, (score).lower, (score).upper, ((score).value - 50) / 25 AS emotion,
	coalesce((score).responses, 0) AS responses, touchpoint_count, left_out_count, worst_touchpoint, worst_value
FROM scored;
COMMENT ON VIEW cx_data.stage_score IS 'how customers experienced the stages of the published journeys in the last 28 full days';
COMMENT ON COLUMN cx_data.stage_score.journey_id IS 'the journey';
COMMENT ON COLUMN cx_data.stage_score.journey IS 'code of the journey';
COMMENT ON COLUMN cx_data.stage_score.journey_name IS 'name of the journey';
COMMENT ON COLUMN cx_data.stage_score.stage_id IS 'the stage';
COMMENT ON COLUMN cx_data.stage_score.stage IS 'code of the stage';
COMMENT ON COLUMN cx_data.stage_score.stage_name IS 'name of the stage';
COMMENT ON COLUMN cx_data.stage_score.stage_position IS 'order of the stage within the journey';
COMMENT ON COLUMN cx_data.stage_score.stage_weight IS 'weight of the stage in the score of the journey';
COMMENT ON COLUMN cx_data.stage_score.value IS 'experience, 0..100: mean of its touchpoints weighted by their weights, over those that have at least cx.min_responses answers in the last 28 full days; NULL if none has';
COMMENT ON COLUMN cx_data.stage_score.lower IS 'lower end of the 95 % interval of the value';
COMMENT ON COLUMN cx_data.stage_score.upper IS 'upper end of the 95 % interval of the value';
COMMENT ON COLUMN cx_data.stage_score.emotion IS 'the value on the scale of the map, -2 (worst) to 2 (best): (value - 50) / 25';
COMMENT ON COLUMN cx_data.stage_score.responses IS 'answers to the touchpoints counted';
COMMENT ON COLUMN cx_data.stage_score.touchpoint_count IS 'touchpoints counted';
COMMENT ON COLUMN cx_data.stage_score.left_out_count IS 'touchpoints left out, because they have too few answers or weight 0';
COMMENT ON COLUMN cx_data.stage_score.worst_touchpoint IS 'code of the touchpoint with the worst experience among those counted';
COMMENT ON COLUMN cx_data.stage_score.worst_value IS 'experience of that touchpoint, 0..100';

CREATE OR REPLACE VIEW cx_data.journey_score WITH (security_invoker = true) AS
WITH experienced AS (
	SELECT r.touchpoint_id, cx.experience_estimate(r.tally, m.scale_min, m.scale_max, m.lower_is_better) AS experience
	FROM (SELECT touchpoint_id, metric, cx.tally(tally) AS tally FROM cx_data.tally_recent GROUP BY touchpoint_id, metric) AS r
	JOIN cx_data.metric AS m ON m.code = r.metric
	GROUP BY r.touchpoint_id
),
placed AS (
	SELECT *, touchpoint_weight > 0 AND coalesce((experience).responses, 0) >= cx.min_responses() AS counted
	FROM cx_data.journey_published LEFT JOIN experienced USING (touchpoint_id)
),
staged AS (
	SELECT journey_id, journey, journey_name, stage, stage_position, stage_weight,
		cx.journey_stage_estimate(experience, touchpoint_weight) FILTER (WHERE counted) AS experience,
		stage_weight > 0 AND bool_or(counted) AS counted
	FROM placed
	GROUP BY journey_id, journey, journey_name, stage, stage_position, stage_weight
),
scored AS (
	SELECT journey_id, journey, journey_name,
		cx.journey_stage_estimate(experience, stage_weight) FILTER (WHERE counted) AS score,
		count(*) FILTER (WHERE counted) AS stage_count,
		count(*) FILTER (WHERE NOT counted) AS left_out_count,
		(array_agg(stage ORDER BY (experience).value, stage_position) FILTER (WHERE counted))[1] AS worst_stage,
		min((experience).value) FILTER (WHERE counted) AS worst_value
	FROM staged
	GROUP BY journey_id, journey, journey_name
)
SELECT journey_id, journey, journey_name,
	(score).value, (score).lower, (score).upper, ((score).value - 50) / 25 AS emotion,
	coalesce((score).responses, 0) AS responses, stage_count, left_out_count, worst_stage, worst_value
FROM scored;
COMMENT ON VIEW cx_data.journey_score IS 'how customers experienced the published journeys in the last 28 full days';
COMMENT ON COLUMN cx_data.journey_score.journey_id IS 'the journey';
COMMENT ON COLUMN cx_data.journey_score.journey IS 'code of the journey';
COMMENT ON COLUMN cx_data.journey_score.journey_name IS 'name of the journey';
COMMENT ON COLUMN cx_data.journey_score.value IS 'experience, 0..100: mean of its stages weighted by their weights, over those that have a score; NULL if none has';
COMMENT ON COLUMN cx_data.journey_score.lower IS 'lower end of the 95 % interval of the value';
COMMENT ON COLUMN cx_data.journey_score.upper IS 'upper end of the 95 % interval of the value';
COMMENT ON COLUMN cx_data.journey_score.emotion IS 'the value on the scale of the map, -2 (worst) to 2 (best): (value - 50) / 25';
COMMENT ON COLUMN cx_data.journey_score.responses IS 'answers to the touchpoints counted';
COMMENT ON COLUMN cx_data.journey_score.stage_count IS 'stages counted';
COMMENT ON COLUMN cx_data.journey_score.left_out_count IS 'stages left out, because they have no score or weight 0';
COMMENT ON COLUMN cx_data.journey_score.worst_stage IS 'code of the stage with the worst experience among those counted';
COMMENT ON COLUMN cx_data.journey_score.worst_value IS 'experience of that stage, 0..100';

CREATE OR REPLACE VIEW cx_data.stage_daily WITH (security_invoker = true) AS
WITH experienced AS (
	SELECT d.day, d.touchpoint_id, cx.experience_estimate(d.tally, m.scale_min, m.scale_max, m.lower_is_better) AS experience
	FROM (SELECT day, touchpoint_id, metric, cx.tally(tally) AS tally FROM cx_data.tally_live_daily GROUP BY day, touchpoint_id, metric) AS d
	JOIN cx_data.metric AS m ON m.code = d.metric
	GROUP BY d.day, d.touchpoint_id
),
placed AS (
	SELECT *, touchpoint_weight > 0 AND coalesce((experience).responses, 0) >= cx.min_responses() AS counted
	FROM cx_data.journey_published JOIN experienced USING (touchpoint_id)
),
scored AS (
	SELECT day, journey_id, journey, journey_name, stage_id, stage, stage_name, stage_position, stage_weight,
		cx.journey_stage_estimate(experience, touchpoint_weight) FILTER (WHERE counted) AS score,
		count(*) FILTER (WHERE counted) AS touchpoint_count,
		count(touchpoint_id) FILTER (WHERE NOT counted) AS left_out_count,
		(array_agg(touchpoint ORDER BY (experience).value, touchpoint_position) FILTER (WHERE counted))[1] AS worst_touchpoint,
		min((experience).value) FILTER (WHERE counted) AS worst_value
	FROM placed
	GROUP BY day, journey_id, journey, journey_name, stage_id, stage, stage_name, stage_position, stage_weight
)
SELECT day, cx.day_start(day, (SELECT time_zone FROM cx_data.program)) AS starts_at,
	journey_id, journey, journey_name, stage_id, stage, stage_name, stage_position, stage_weight,
	(score).value, (score).lower, (score).upper, ((score).value - 50) / 25 AS emotion,
	coalesce((score).responses, 0) AS responses, touchpoint_count, left_out_count, worst_touchpoint, worst_value
FROM scored;
COMMENT ON VIEW cx_data.stage_daily IS 'how customers experienced the stages of the published journeys, day by day';
COMMENT ON COLUMN cx_data.stage_daily.day IS 'day in the time zone of the unit that served, else of the program';
COMMENT ON COLUMN cx_data.stage_daily.starts_at IS 'start of the day in the time zone of the program';
COMMENT ON COLUMN cx_data.stage_daily.journey_id IS 'the journey';
COMMENT ON COLUMN cx_data.stage_daily.journey IS 'code of the journey';
COMMENT ON COLUMN cx_data.stage_daily.journey_name IS 'name of the journey';
COMMENT ON COLUMN cx_data.stage_daily.stage_id IS 'the stage';
COMMENT ON COLUMN cx_data.stage_daily.stage IS 'code of the stage';
COMMENT ON COLUMN cx_data.stage_daily.stage_name IS 'name of the stage';
COMMENT ON COLUMN cx_data.stage_daily.stage_position IS 'order of the stage within the journey';
COMMENT ON COLUMN cx_data.stage_daily.stage_weight IS 'weight of the stage in the score of the journey';
COMMENT ON COLUMN cx_data.stage_daily.value IS 'experience, 0..100: mean of its touchpoints weighted by their weights, over those that have at least cx.min_responses answers on that day; NULL if none has';
COMMENT ON COLUMN cx_data.stage_daily.lower IS 'lower end of the 95 % interval of the value';
COMMENT ON COLUMN cx_data.stage_daily.upper IS 'upper end of the 95 % interval of the value';
COMMENT ON COLUMN cx_data.stage_daily.emotion IS 'the value on the scale of the map, -2 (worst) to 2 (best): (value - 50) / 25';
COMMENT ON COLUMN cx_data.stage_daily.responses IS 'answers to the touchpoints counted';
COMMENT ON COLUMN cx_data.stage_daily.touchpoint_count IS 'touchpoints counted';
COMMENT ON COLUMN cx_data.stage_daily.left_out_count IS 'touchpoints with answers on that day that are left out, because these are too few or their weight is 0';
COMMENT ON COLUMN cx_data.stage_daily.worst_touchpoint IS 'code of the touchpoint with the worst experience among those counted';
COMMENT ON COLUMN cx_data.stage_daily.worst_value IS 'experience of that touchpoint, 0..100';

CREATE OR REPLACE VIEW cx_data.journey_daily WITH (security_invoker = true) AS
WITH experienced AS (
	SELECT d.day, d.touchpoint_id, cx.experience_estimate(d.tally, m.scale_min, m.scale_max, m.lower_is_better) AS experience
	FROM (SELECT day, touchpoint_id, metric, cx.tally(tally) AS tally FROM cx_data.tally_live_daily GROUP BY day, touchpoint_id, metric) AS d
	JOIN cx_data.metric AS m ON m.code = d.metric
	GROUP BY d.day, d.touchpoint_id
),
placed AS (
	SELECT *, touchpoint_weight > 0 AND coalesce((experience).responses, 0) >= cx.min_responses() AS counted
	FROM cx_data.journey_published JOIN experienced USING (touchpoint_id)
),
staged AS (
	SELECT day, journey_id, journey, journey_name, stage, stage_position, stage_weight,
		cx.journey_stage_estimate(experience, touchpoint_weight) FILTER (WHERE counted) AS experience,
		stage_weight > 0 AND bool_or(counted) AS counted
	FROM placed
	GROUP BY day, journey_id, journey, journey_name, stage, stage_position, stage_weight
),
scored AS (
	SELECT day, journey_id, journey, journey_name,
		cx.journey_stage_estimate(experience, stage_weight) FILTER (WHERE counted) AS score,
		count(*) FILTER (WHERE counted) AS stage_count,
		count(*) FILTER (WHERE NOT counted) AS left_out_count,
		(array_agg(stage ORDER BY (experience).value, stage_position) FILTER (WHERE counted))[1] AS worst_stage,
		min((experience).value) FILTER (WHERE counted) AS worst_value
	FROM staged
	GROUP BY day, journey_id, journey, journey_name
)
SELECT day, cx.day_start(day, (SELECT time_zone FROM cx_data.program)) AS starts_at,
	journey_id, journey, journey_name,
	(score).value, (score).lower, (score).upper, ((score).value - 50) / 25 AS emotion,
	coalesce((score).responses, 0) AS responses, stage_count, left_out_count, worst_stage, worst_value
FROM scored;
COMMENT ON VIEW cx_data.journey_daily IS 'how customers experienced the published journeys, day by day';
COMMENT ON COLUMN cx_data.journey_daily.day IS 'day in the time zone of the unit that served, else of the program';
COMMENT ON COLUMN cx_data.journey_daily.starts_at IS 'start of the day in the time zone of the program';
COMMENT ON COLUMN cx_data.journey_daily.journey_id IS 'the journey';
COMMENT ON COLUMN cx_data.journey_daily.journey IS 'code of the journey';
COMMENT ON COLUMN cx_data.journey_daily.journey_name IS 'name of the journey';
COMMENT ON COLUMN cx_data.journey_daily.value IS 'experience, 0..100: mean of its stages weighted by their weights, over those that have a score; NULL if none has';
COMMENT ON COLUMN cx_data.journey_daily.lower IS 'lower end of the 95 % interval of the value';
COMMENT ON COLUMN cx_data.journey_daily.upper IS 'upper end of the 95 % interval of the value';
COMMENT ON COLUMN cx_data.journey_daily.emotion IS 'the value on the scale of the map, -2 (worst) to 2 (best): (value - 50) / 25';
COMMENT ON COLUMN cx_data.journey_daily.responses IS 'answers to the touchpoints counted';
COMMENT ON COLUMN cx_data.journey_daily.stage_count IS 'stages counted';
COMMENT ON COLUMN cx_data.journey_daily.left_out_count IS 'stages with answers on that day that are left out, because they have no score or weight 0';
COMMENT ON COLUMN cx_data.journey_daily.worst_stage IS 'code of the stage with the worst experience among those counted';
COMMENT ON COLUMN cx_data.journey_daily.worst_value IS 'experience of that stage, 0..100';

CREATE OR REPLACE VIEW cx_data.journey_coverage WITH (security_invoker = true) AS
WITH covered AS (
	SELECT t.touchpoint_id, t.code AS touchpoint, t.name AS touchpoint_name,
		g.code AS stage, g.name AS stage_name, j.code AS journey, j.name AS journey_name, t.channel, t.moment_of_truth,
		NOT EXISTS (SELECT FROM cx_data.feedback AS f
			WHERE f.touchpoint_id = t.touchpoint_id AND f.responded_at <= cx.as_of()
				AND f.kind = 'survey' AND f.score IS NOT NULL) AS lacks_metric,
		num_nonnulls(t.owner_staff_id, t.owner_unit_id) = 0 AS lacks_owner,
		(SELECT max(f.responded_at) FROM cx_data.feedback AS f
			WHERE f.touchpoint_id = t.touchpoint_id AND f.responded_at <= cx.as_of()) AS last_feedback_at
	FROM cx_data.touchpoint AS t
	LEFT JOIN cx_data.stage AS g USING (stage_id)
	LEFT JOIN cx_data.journey AS j USING (journey_id)
),
aged AS (
	SELECT *, coalesce(last_feedback_at < cx.days_ago(28, (SELECT time_zone FROM cx_data.program)), true) AS lacks_data
	FROM covered
)
SELECT touchpoint_id, touchpoint, touchpoint_name, stage, stage_name, journey, journey_name, channel, moment_of_truth,
	lacks_metric, lacks_owner, lacks_data, last_feedback_at
FROM aged
WHERE lacks_metric OR lacks_owner OR lacks_data;
COMMENT ON VIEW cx_data.journey_coverage IS 'touchpoints of the catalogue, published or not, that nobody measures, owns or hears of';
COMMENT ON COLUMN cx_data.journey_coverage.touchpoint_id IS 'key of the touchpoint, unique per row';
COMMENT ON COLUMN cx_data.journey_coverage.touchpoint IS 'code of the touchpoint';
COMMENT ON COLUMN cx_data.journey_coverage.touchpoint_name IS 'name of the touchpoint';
COMMENT ON COLUMN cx_data.journey_coverage.stage IS 'code of the stage; NULL while it has no place in a journey';
COMMENT ON COLUMN cx_data.journey_coverage.stage_name IS 'name of the stage';
COMMENT ON COLUMN cx_data.journey_coverage.journey IS 'code of the journey';
COMMENT ON COLUMN cx_data.journey_coverage.journey_name IS 'name of the journey';
COMMENT ON COLUMN cx_data.journey_coverage.channel IS 'channel, such as app, shop or phone';
COMMENT ON COLUMN cx_data.journey_coverage.moment_of_truth IS 'whether it decides how the customer remembers the journey';
COMMENT ON COLUMN cx_data.journey_coverage.lacks_metric IS 'whether no survey answer was ever scored';
COMMENT ON COLUMN cx_data.journey_coverage.lacks_owner IS 'whether neither a member of staff nor a unit answers for it';
COMMENT ON COLUMN cx_data.journey_coverage.lacks_data IS 'whether there is no feedback of any kind since the start of the last 28 full days';
COMMENT ON COLUMN cx_data.journey_coverage.last_feedback_at IS 'when customers last said something about it; NULL if never';
-- Views of journeys as behaviour: who goes on, who stays, who drops out
--
-- They look at events at the touchpoints of the published journeys.  Everybody
-- gets 28 days to go on, so what begins counts from 56 to 28 full days ago: each
-- has been observed for as long.

CREATE OR REPLACE VIEW cx_data.stage_conversion WITH (security_invoker = true) AS
WITH bounds AS (
	SELECT cx.days_ago(56, time_zone) AS starts_at, cx.days_ago(28, time_zone) AS ends_at FROM cx_data.program
),
stage AS (
	SELECT DISTINCT journey_id, journey, journey_name, stage_id, stage, stage_name, stage_position,
		dense_rank() OVER (PARTITION BY journey_id ORDER BY stage_position, stage_id)::integer AS number
	FROM cx_data.journey_published
),
place AS MATERIALIZED (
	-- for each touchpoint, which stage of its journey it is: true at its number
	SELECT j.touchpoint_id, s.journey_id, array_agg(other.number = s.number ORDER BY other.number) AS steps
	FROM cx_data.journey_published AS j
	JOIN stage AS s USING (journey_id, stage_id)
	JOIN stage AS other ON other.journey_id = s.journey_id AND other.number <= 32
	WHERE j.touchpoint_id IS NOT NULL
	GROUP BY j.touchpoint_id, s.journey_id
),
chain AS (
	SELECT p.journey_id,
		cx.funnel_times(interval '28 days', e.occurred_at, VARIADIC CASE WHEN e.occurred_at < b.ends_at THEN p.steps ELSE false || p.steps[2:] END) AS times
	FROM bounds AS b
	JOIN cx_data.event AS e ON e.occurred_at >= b.starts_at AND e.occurred_at <= least(b.ends_at + interval '672 hours', cx.as_of())
	JOIN place AS p USING (touchpoint_id)
	WHERE e.customer_id IS NOT NULL
	GROUP BY p.journey_id, e.customer_id
),
reached AS (
	SELECT s.journey_id, s.number, count(c.times) AS customers,
		percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM c.times[s.number + 1] - c.times[s.number])::double precision) AS median_seconds
	FROM stage AS s LEFT JOIN chain AS c ON c.journey_id = s.journey_id AND cardinality(c.times) >= s.number
	WHERE s.number <= 32
	GROUP BY s.journey_id, s.number
),
followed AS (
	SELECT *, first_value(customers) OVER onward AS entered, lag(customers) OVER onward AS before FROM reached WINDOW onward AS (PARTITION BY journey_id ORDER BY number)
)
SELECT s.journey_id, s.journey, s.journey_name, s.stage_id, s.stage, s.stage_name, s.stage_position,
	f.entered, f.customers AS reached, p.value AS from_previous, p.lower AS from_previous_lower, p.upper AS from_previous_upper,
	e.value AS from_first, e.lower AS from_first_lower, e.upper AS from_first_upper, f.median_seconds
FROM followed AS f
JOIN stage AS s USING (journey_id, number)
CROSS JOIN LATERAL cx.share_estimate(f.customers, f.before, 0.95) AS p
CROSS JOIN LATERAL cx.share_estimate(f.customers, f.entered, 0.95) AS e;
COMMENT ON VIEW cx_data.stage_conversion IS 'how many customers go from stage to stage of the published journeys, in their order, within 28 days of entering the first one, from 56 to 28 full days ago (at most the first 32 stages): order by journey, stage_position';
COMMENT ON COLUMN cx_data.stage_conversion.journey_id IS 'the journey';
COMMENT ON COLUMN cx_data.stage_conversion.journey IS 'code of the journey';
COMMENT ON COLUMN cx_data.stage_conversion.journey_name IS 'name of the journey';
COMMENT ON COLUMN cx_data.stage_conversion.stage_id IS 'the stage';
COMMENT ON COLUMN cx_data.stage_conversion.stage IS 'code of the stage';
COMMENT ON COLUMN cx_data.stage_conversion.stage_name IS 'name of the stage';
COMMENT ON COLUMN cx_data.stage_conversion.stage_position IS 'order of the stage within the journey';
COMMENT ON COLUMN cx_data.stage_conversion.entered IS 'customers with an event at a touchpoint of the first stage in that time';
COMMENT ON COLUMN cx_data.stage_conversion.reached IS 'of these, customers who came through the stages to this one within 28 days';
COMMENT ON COLUMN cx_data.stage_conversion.from_previous IS 'reached in percent of those who reached the stage before; NULL for the first stage';
COMMENT ON COLUMN cx_data.stage_conversion.from_previous_lower IS 'lower end of its 95 % interval (Wilson)';
COMMENT ON COLUMN cx_data.stage_conversion.from_previous_upper IS 'upper end of its 95 % interval';
COMMENT ON COLUMN cx_data.stage_conversion.from_first IS 'reached in percent of entered; NULL if nobody entered';
COMMENT ON COLUMN cx_data.stage_conversion.from_first_lower IS 'lower end of its 95 % interval (Wilson)';
COMMENT ON COLUMN cx_data.stage_conversion.from_first_upper IS 'upper end of its 95 % interval';
COMMENT ON COLUMN cx_data.stage_conversion.median_seconds IS 'median time to the next stage, in seconds, of those who reached it';

CREATE OR REPLACE VIEW cx_data.stage_dwell WITH (security_invoker = true) AS
WITH bounds AS (
	SELECT cx.days_ago(84, time_zone) AS looks_from, cx.days_ago(56, time_zone) AS starts_at, cx.days_ago(28, time_zone) AS ends_at FROM cx_data.program
),
happened AS (
	SELECT j.journey_id, j.stage_id, e.customer_id, e.occurred_at, e.event_id, b.starts_at, b.ends_at,
		lag(j.stage_id) OVER onward AS stage_before, lag(e.occurred_at) OVER onward AS at_before
	FROM bounds AS b
	JOIN cx_data.event AS e ON e.occurred_at >= b.looks_from AND e.occurred_at <= cx.as_of()
	JOIN cx_data.journey_published AS j USING (touchpoint_id)
	WHERE e.customer_id IS NOT NULL
	WINDOW onward AS (PARTITION BY j.journey_id, e.customer_id ORDER BY e.occurred_at, e.event_id)
),
visit AS (
	SELECT *, lead(stage_id) OVER onward AS stage_after, lead(occurred_at) OVER onward AS at_after,
		row_number() OVER (PARTITION BY journey_id, customer_id, stage_id ORDER BY occurred_at, event_id) AS visit
	FROM happened
	WHERE stage_before IS DISTINCT FROM stage_id OR occurred_at - at_before > interval '28 days'
	WINDOW onward AS (PARTITION BY journey_id, customer_id ORDER BY occurred_at, event_id)
),
stayed AS (
	SELECT journey_id, stage_id, customer_id, visit,
		CASE WHEN stage_after <> stage_id AND at_after - occurred_at <= interval '28 days' THEN extract(epoch FROM at_after - occurred_at)::double precision END AS seconds
	FROM visit
	WHERE occurred_at >= starts_at AND occurred_at < ends_at
)
SELECT j.journey_id, j.journey, j.journey_name, j.stage_id, j.stage, j.stage_name, j.stage_position,
	count(s.visit) AS visit_count, count(DISTINCT s.customer_id) AS customer_count, count(*) FILTER (WHERE s.visit > 1) AS reentry_count,
	count(s.visit) - count(s.seconds) AS not_left_count, avg(s.seconds) AS mean_seconds,
	percentile_cont(0.5) WITHIN GROUP (ORDER BY s.seconds) AS median_seconds, percentile_cont(0.9) WITHIN GROUP (ORDER BY s.seconds) AS p90_seconds
FROM (SELECT DISTINCT journey_id, journey, journey_name, stage_id, stage, stage_name, stage_position FROM cx_data.journey_published) AS j
LEFT JOIN stayed AS s USING (journey_id, stage_id)
GROUP BY j.journey_id, j.journey, j.journey_name, j.stage_id, j.stage, j.stage_name, j.stage_position;
COMMENT ON VIEW cx_data.stage_dwell IS 'how long customers stay in the stages of the published journeys, over the visits that began from 56 to 28 full days ago: from the first event in the stage to the first event in another one, if that came within 28 days; a repeat after more than 28 days is a new visit';
COMMENT ON COLUMN cx_data.stage_dwell.journey_id IS 'the journey';
COMMENT ON COLUMN cx_data.stage_dwell.journey IS 'code of the journey';
COMMENT ON COLUMN cx_data.stage_dwell.journey_name IS 'name of the journey';
COMMENT ON COLUMN cx_data.stage_dwell.stage_id IS 'the stage';
COMMENT ON COLUMN cx_data.stage_dwell.stage IS 'code of the stage';
COMMENT ON COLUMN cx_data.stage_dwell.stage_name IS 'name of the stage';
COMMENT ON COLUMN cx_data.stage_dwell.stage_position IS 'order of the stage within the journey';
COMMENT ON COLUMN cx_data.stage_dwell.visit_count IS 'visits of customers to the stage that began in that time';
COMMENT ON COLUMN cx_data.stage_dwell.customer_count IS 'customers with such visits';
COMMENT ON COLUMN cx_data.stage_dwell.reentry_count IS 'of these visits, those of customers who had been in the stage before, since 84 full days ago';
COMMENT ON COLUMN cx_data.stage_dwell.not_left_count IS 'of these visits, those after which no other stage followed within 28 days; they are not in the times';
COMMENT ON COLUMN cx_data.stage_dwell.mean_seconds IS 'mean time in the stage, in seconds';
COMMENT ON COLUMN cx_data.stage_dwell.median_seconds IS 'median time in the stage, in seconds';
COMMENT ON COLUMN cx_data.stage_dwell.p90_seconds IS 'time in the stage within which 90 % of the visits left it, in seconds';

CREATE OR REPLACE VIEW cx_data.drop_off WITH (security_invoker = true) AS
SELECT j.journey_id, j.journey, j.journey_name, j.stage_id, j.stage, j.stage_name, j.stage_position,
	j.touchpoint_id, j.touchpoint, j.touchpoint_name, j.touchpoint_position, j.is_last_stage,
	coalesce(d.customers, 0) AS customer_count, coalesce(d.dropped, 0) AS drop_off_count,
	e.value AS drop_off_rate, e.lower, e.upper
FROM (
	SELECT *, stage_position = max(stage_position) OVER (PARTITION BY journey_id) AS is_last_stage FROM cx_data.journey_published
) AS j
LEFT JOIN (
	SELECT p.journey_id, d.*
	FROM (SELECT journey_id, array_agg(touchpoint_id) AS touchpoints FROM cx_data.journey_published WHERE touchpoint_id IS NOT NULL GROUP BY journey_id) AS p
	CROSS JOIN cx_data.program AS o
	CROSS JOIN LATERAL cx.drop_off_counts(p.touchpoints, cx.days_ago(56, o.time_zone), cx.days_ago(28, o.time_zone)) AS d
) AS d USING (journey_id, touchpoint_id)
CROSS JOIN LATERAL cx.share_estimate(d.dropped, d.customers, 0.95) AS e
WHERE j.touchpoint_id IS NOT NULL;
COMMENT ON VIEW cx_data.drop_off IS 'where customers drop out of the published journeys: of those with an event at a touchpoint from 56 to 28 full days ago, how many had no event at any touchpoint of the journey in the 28 days after their last one there: order by journey, stage_position, touchpoint_position';
COMMENT ON COLUMN cx_data.drop_off.journey_id IS 'the journey';
COMMENT ON COLUMN cx_data.drop_off.journey IS 'code of the journey';
COMMENT ON COLUMN cx_data.drop_off.journey_name IS 'name of the journey';
COMMENT ON COLUMN cx_data.drop_off.stage_id IS 'the stage';
COMMENT ON COLUMN cx_data.drop_off.stage IS 'code of the stage';
COMMENT ON COLUMN cx_data.drop_off.stage_name IS 'name of the stage';
COMMENT ON COLUMN cx_data.drop_off.stage_position IS 'order of the stage within the journey';
COMMENT ON COLUMN cx_data.drop_off.touchpoint_id IS 'the touchpoint';
COMMENT ON COLUMN cx_data.drop_off.touchpoint IS 'code of the touchpoint';
COMMENT ON COLUMN cx_data.drop_off.touchpoint_name IS 'name of the touchpoint';
COMMENT ON COLUMN cx_data.drop_off.touchpoint_position IS 'order of the touchpoint within the stage';
COMMENT ON COLUMN cx_data.drop_off.is_last_stage IS 'whether the journey ends here, so that no event after it is no loss';
COMMENT ON COLUMN cx_data.drop_off.customer_count IS 'customers with events at the touchpoint in that time';
COMMENT ON COLUMN cx_data.drop_off.drop_off_count IS 'of these, customers who went no further';
COMMENT ON COLUMN cx_data.drop_off.drop_off_rate IS 'drop_off_count in percent of customer_count; NULL if nobody was there';
COMMENT ON COLUMN cx_data.drop_off.lower IS 'lower end of its 95 % interval (Wilson)';
COMMENT ON COLUMN cx_data.drop_off.upper IS 'upper end of its 95 % interval';

-- View of customers: what is known of each, in one row
--
-- Everything but the customer comes from LATERAL subqueries on indexes, so
-- one customer takes about a millisecond, and what is not asked for nothing.

CREATE OR REPLACE VIEW cx_data.customer_profile WITH (security_invoker = true) AS
SELECT c.customer_id, c.code, c.name, c.segment, u.code AS org_unit, u.name AS org_unit_name, carried.tags,
	said.last_nps_score, said.last_nps_at,
	said.last_csat_score, said.last_csat_metric, said.last_csat_at,
	said.last_ces_score, said.last_ces_metric, said.last_ces_at,
	said.feedback_count, said.experience, said.experience_before,
	said.experience - said.experience_before AS feedback_trend,
	said.complaint_90_day_count, problem.problem_touchpoints,
	happened.event_30_day_count, happened.event_90_day_count,
	latest.last_event, latest.last_event_at, latest.recent_events,
	least(c.first_seen_at, said.first_feedback_at, latest.first_event_at) AS first_seen_at, greatest(said.last_feedback_at, latest.last_event_at) AS last_seen_at
FROM cx_data.customer AS c
LEFT JOIN cx_data.org_unit AS u USING (org_unit_id)
LEFT JOIN LATERAL (
	SELECT string_agg(DISTINCT t.code, ', ' ORDER BY t.code) AS tags
	FROM cx_data.customer_tag AS g JOIN cx_data.tag AS t USING (tag_id)
	WHERE g.customer_id = c.customer_id AND g.valid_from <= cx.as_of() AND (g.valid_until > cx.as_of() OR g.valid_until IS NULL)
) AS carried ON true
LEFT JOIN LATERAL (
	SELECT count(*) AS feedback_count, min(responded_at) AS first_feedback_at, max(responded_at) AS last_feedback_at,
		max(responded_at) FILTER (WHERE formula = 'nps') AS last_nps_at,
		(array_agg(score ORDER BY recency) FILTER (WHERE formula = 'nps'))[1] AS last_nps_score,
		max(responded_at) FILTER (WHERE formula = 'csat') AS last_csat_at,
		(array_agg(score ORDER BY recency) FILTER (WHERE formula = 'csat'))[1] AS last_csat_score,
		(array_agg(metric ORDER BY recency) FILTER (WHERE formula = 'csat'))[1] AS last_csat_metric,
		max(responded_at) FILTER (WHERE formula = 'ces') AS last_ces_at,
		(array_agg(score ORDER BY recency) FILTER (WHERE formula = 'ces'))[1] AS last_ces_score,
		(array_agg(metric ORDER BY recency) FILTER (WHERE formula = 'ces'))[1] AS last_ces_metric,
		avg(experience) FILTER (WHERE age < 90 * interval '24 hours') AS experience,
		avg(experience) FILTER (WHERE age >= 90 * interval '24 hours' AND age < 180 * interval '24 hours') AS experience_before,
		count(*) FILTER (WHERE kind = 'complaint' AND age < 90 * interval '24 hours') AS complaint_90_day_count
	FROM (
		SELECT f.kind, f.metric, f.score::integer AS score, f.responded_at, cx.as_of() - f.responded_at AS age,
			row_number() OVER (ORDER BY f.responded_at DESC, f.feedback_id DESC) AS recency,
			m.kind AS formula, cx.experience_of(f.score, m.scale_min, m.scale_max, m.lower_is_better) AS experience
		FROM cx_data.feedback AS f
		LEFT JOIN cx_data.metric AS m ON m.code = f.metric AND f.kind = 'survey' AND f.score IS NOT NULL
		WHERE f.customer_id = c.customer_id AND f.responded_at <= cx.as_of()
	) AS f
) AS said ON true
LEFT JOIN LATERAL (
	SELECT string_agg(coalesce(t.name, t.code), ', ' ORDER BY t.code) AS problem_touchpoints
	FROM (
		SELECT DISTINCT ON (touchpoint_id) touchpoint_id, metric, score
		FROM cx_data.feedback
		WHERE customer_id = c.customer_id AND responded_at <= cx.as_of() AND responded_at > cx.as_of() - 90 * interval '24 hours'
			AND kind = 'survey' AND score IS NOT NULL
		ORDER BY touchpoint_id, responded_at DESC, feedback_id DESC
	) AS f
	JOIN cx_data.touchpoint AS t USING (touchpoint_id)
	JOIN cx_data.metric AS m ON m.code = f.metric
	WHERE CASE WHEN m.kind = 'nps' THEN f.score <= 6
		ELSE cx.experience_of(f.score, m.scale_min, m.scale_max, m.lower_is_better) < 50 END
) AS problem ON true
LEFT JOIN LATERAL (
	SELECT count(*) AS event_90_day_count,
		count(*) FILTER (WHERE occurred_at > cx.as_of() - 30 * interval '24 hours') AS event_30_day_count
	FROM cx_data.event
	WHERE customer_id = c.customer_id AND occurred_at <= cx.as_of() AND occurred_at > cx.as_of() - 90 * interval '24 hours'
) AS happened ON true
LEFT JOIN LATERAL (
	SELECT max(occurred_at) AS last_event_at,
		(SELECT min(e.occurred_at) FROM cx_data.event AS e WHERE e.customer_id = c.customer_id AND e.occurred_at <= cx.as_of()) AS first_event_at,
		(array_agg(name ORDER BY occurred_at DESC, event_id DESC))[1] AS last_event,
		string_agg(name, ', ' ORDER BY occurred_at DESC, event_id DESC) AS recent_events
	FROM (
		SELECT name, occurred_at, event_id
		FROM cx_data.event
		WHERE customer_id = c.customer_id AND occurred_at <= cx.as_of()
		ORDER BY occurred_at DESC, event_id DESC LIMIT 5
	) AS e
) AS latest ON true;
COMMENT ON VIEW cx_data.customer_profile IS 'what is known of each customer at cx.as_of(), in one row; customer_timeline(code) tells the story';
COMMENT ON COLUMN cx_data.customer_profile.customer_id IS 'key of the customer, unique per row';
COMMENT ON COLUMN cx_data.customer_profile.code IS 'what the operational systems call this customer';
COMMENT ON COLUMN cx_data.customer_profile.name IS 'name of the customer';
COMMENT ON COLUMN cx_data.customer_profile.segment IS 'customer segment, such as consumer or business';
COMMENT ON COLUMN cx_data.customer_profile.org_unit IS 'code of the unit in charge';
COMMENT ON COLUMN cx_data.customer_profile.org_unit_name IS 'name of the unit in charge';
COMMENT ON COLUMN cx_data.customer_profile.tags IS 'codes of the tags carried, separated by commas';
COMMENT ON COLUMN cx_data.customer_profile.last_nps_score IS 'last answer to a metric of kind nps, 0..10';
COMMENT ON COLUMN cx_data.customer_profile.last_nps_at IS 'when that was';
COMMENT ON COLUMN cx_data.customer_profile.last_csat_score IS 'last answer to a metric of kind csat, on the scale of last_csat_metric';
COMMENT ON COLUMN cx_data.customer_profile.last_csat_metric IS 'code of that metric';
COMMENT ON COLUMN cx_data.customer_profile.last_csat_at IS 'when that was';
COMMENT ON COLUMN cx_data.customer_profile.last_ces_score IS 'last answer to a metric of kind ces, on the scale of last_ces_metric';
COMMENT ON COLUMN cx_data.customer_profile.last_ces_metric IS 'code of that metric';
COMMENT ON COLUMN cx_data.customer_profile.last_ces_at IS 'when that was';
COMMENT ON COLUMN cx_data.customer_profile.feedback_count IS 'feedback of all kinds';
COMMENT ON COLUMN cx_data.customer_profile.experience IS 'mean of the survey answers of the last 90 days, each brought from its scale to 0 (worst) to 100 (best); NULL if none';
COMMENT ON COLUMN cx_data.customer_profile.experience_before IS 'the same of the 90 days before';
COMMENT ON COLUMN cx_data.customer_profile.feedback_trend IS 'experience minus experience_before, -100..100; NULL if there is nothing to compare';
COMMENT ON COLUMN cx_data.customer_profile.complaint_90_day_count IS 'complaints of the last 90 days';
COMMENT ON COLUMN cx_data.customer_profile.problem_touchpoints IS 'touchpoints that this customer last scored badly (NPS 0..6, else below the middle of the scale) in the last 90 days, separated by commas';
COMMENT ON COLUMN cx_data.customer_profile.event_30_day_count IS 'events of the last 30 days';
COMMENT ON COLUMN cx_data.customer_profile.event_90_day_count IS 'events of the last 90 days';
COMMENT ON COLUMN cx_data.customer_profile.last_event IS 'name of the last event';
COMMENT ON COLUMN cx_data.customer_profile.last_event_at IS 'when that was';
COMMENT ON COLUMN cx_data.customer_profile.recent_events IS 'names of the last five events, the latest first, separated by commas';
COMMENT ON COLUMN cx_data.customer_profile.first_seen_at IS 'time of the earliest feedback or event, or of adding the customer, whichever came first';
COMMENT ON COLUMN cx_data.customer_profile.last_seen_at IS 'time of the latest feedback or event; NULL if none';
-- Views of alert rules, alerts and messages

CREATE OR REPLACE VIEW cx_data.alert_queue WITH (security_invoker = true) AS
SELECT a.alert_id, a.rule, a.severity, a.status, cx.alert_message(a.alert_id) AS message, c.code AS customer, t.code AS touchpoint, u.code AS org_unit, s.code AS staff,
	a.matches, a.value, a.opened_at, a.last_matched_at, extract(epoch FROM cx.as_of() - a.opened_at)::double precision AS age_seconds
FROM cx_data.alert AS a
LEFT JOIN cx_data.customer AS c USING (customer_id)
LEFT JOIN cx_data.touchpoint AS t ON t.touchpoint_id = a.touchpoint_id
LEFT JOIN cx_data.org_unit AS u ON u.org_unit_id = a.org_unit_id
LEFT JOIN cx_data.staff AS s ON s.staff_id = a.staff_id
WHERE a.status <> 'resolved'
ORDER BY array_position('{critical,high,normal,low}'::text[], a.severity), a.opened_at, a.alert_id;
COMMENT ON VIEW cx_data.alert_queue IS 'alerts that are not resolved, the most severe and oldest first';
COMMENT ON COLUMN cx_data.alert_queue.alert_id IS 'key of the alert';
COMMENT ON COLUMN cx_data.alert_queue.rule IS 'name of the rule that raised it';
COMMENT ON COLUMN cx_data.alert_queue.severity IS 'low, normal, high or critical';
COMMENT ON COLUMN cx_data.alert_queue.status IS 'open or acknowledged';
COMMENT ON COLUMN cx_data.alert_queue.message IS 'what happened, in words; NULL for those who may not read what customers say';
COMMENT ON COLUMN cx_data.alert_queue.customer IS 'code of the customer; NULL if about none';
COMMENT ON COLUMN cx_data.alert_queue.touchpoint IS 'code of the touchpoint; NULL if about none';
COMMENT ON COLUMN cx_data.alert_queue.org_unit IS 'code of the unit; NULL if about none';
COMMENT ON COLUMN cx_data.alert_queue.staff IS 'code of the member of staff; NULL if about none';
COMMENT ON COLUMN cx_data.alert_queue.matches IS 'rows that came together in this alert';
COMMENT ON COLUMN cx_data.alert_queue.value IS 'score or value that a metric or anomaly rule saw';
COMMENT ON COLUMN cx_data.alert_queue.opened_at IS 'when the first row was written';
COMMENT ON COLUMN cx_data.alert_queue.last_matched_at IS 'when the last row was written';
COMMENT ON COLUMN cx_data.alert_queue.age_seconds IS 'seconds since it was opened';

CREATE OR REPLACE VIEW cx_data.alert_rule_status WITH (security_invoker = true) AS
SELECT r.alert_rule_id, r.name AS rule, r.kind, r.relation::text AS relation, r.severity, r.enabled,
	CASE WHEN p.problem IS NOT NULL THEN 'broken' WHEN NOT r.enabled THEN 'disabled' WHEN e.errors > 0 THEN 'errors' ELSE 'ok' END AS status,
	p.problem, coalesce(o.open_alerts, 0) AS open_alerts, o.last_matched_at, coalesce(e.errors, 0) AS errors, e.last_error_at, cx.last_alert_error(r.alert_rule_id) AS last_error
FROM cx_data.alert_rule AS r
CROSS JOIN LATERAL (SELECT CASE r.kind WHEN 'row' THEN cx.rule_problem(r.relation, r.name) ELSE cx.definition_problem(r.kind, r.definition, r.scope) END AS problem) AS p
LEFT JOIN (SELECT a.alert_rule_id, count(*) FILTER (WHERE a.status <> 'resolved') AS open_alerts, max(a.last_matched_at) AS last_matched_at FROM cx_data.alert AS a GROUP BY a.alert_rule_id) AS o USING (alert_rule_id)
LEFT JOIN (SELECT f.alert_rule_id, count(*) AS errors, max(f.created_at) AS last_error_at FROM cx_data.alert_error AS f WHERE f.created_at > cx.as_of() - interval '1 day' GROUP BY f.alert_rule_id) AS e USING (alert_rule_id);
COMMENT ON VIEW cx_data.alert_rule_status IS 'alert rules and whether they work';
COMMENT ON COLUMN cx_data.alert_rule_status.alert_rule_id IS 'key of the rule';
COMMENT ON COLUMN cx_data.alert_rule_status.rule IS 'name of the rule';
COMMENT ON COLUMN cx_data.alert_rule_status.kind IS 'row, metric or anomaly';
COMMENT ON COLUMN cx_data.alert_rule_status.relation IS 'table whose rows it looks at; NULL for other kinds';
COMMENT ON COLUMN cx_data.alert_rule_status.severity IS 'severity of its alerts';
COMMENT ON COLUMN cx_data.alert_rule_status.enabled IS 'whether it raises alerts';
COMMENT ON COLUMN cx_data.alert_rule_status.status IS 'ok, disabled, broken (it cannot run) or errors (it failed with rows during the last day)';
COMMENT ON COLUMN cx_data.alert_rule_status.problem IS 'why it cannot run, such as a column that was dropped';
COMMENT ON COLUMN cx_data.alert_rule_status.open_alerts IS 'its alerts that are not resolved';
COMMENT ON COLUMN cx_data.alert_rule_status.last_matched_at IS 'when a row last matched';
COMMENT ON COLUMN cx_data.alert_rule_status.errors IS 'errors during the last day';
COMMENT ON COLUMN cx_data.alert_rule_status.last_error_at IS 'when it last failed, within that day';
COMMENT ON COLUMN cx_data.alert_rule_status.last_error IS 'what was wrong then, for admins';

CREATE OR REPLACE VIEW cx_data.outbox_stats WITH (security_invoker = true) AS
SELECT c.channel_id, c.code AS channel, coalesce(o.waiting, 0) AS waiting, coalesce(o.leased, 0) AS leased, coalesce(o.delivered, 0) AS delivered, coalesce(o.dead, 0) AS dead,
	o.oldest_seconds, o.median_seconds, o.p95_seconds, o.retried
FROM (
	SELECT m.channel_id,
		count(*) FILTER (WHERE m.delivered_at IS NULL AND m.dead_at IS NULL AND coalesce(m.leased_until <= cx.as_of(), true)) AS waiting,
		count(*) FILTER (WHERE m.delivered_at IS NULL AND m.dead_at IS NULL AND m.leased_until > cx.as_of()) AS leased,
		count(*) FILTER (WHERE m.delivered_at IS NOT NULL) AS delivered,
		count(*) FILTER (WHERE m.dead_at IS NOT NULL) AS dead,
		count(*) FILTER (WHERE m.attempts > 1) AS retried,
		extract(epoch FROM cx.as_of() - min(m.created_at) FILTER (WHERE m.delivered_at IS NULL AND m.dead_at IS NULL))::double precision AS oldest_seconds,
		percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM m.delivered_at - m.created_at)::double precision) AS median_seconds,
		percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM m.delivered_at - m.created_at)::double precision) AS p95_seconds
	FROM cx_data.outbox AS m WHERE m.created_at > cx.as_of() - interval '1 day' OR (m.delivered_at IS NULL AND m.dead_at IS NULL)
	GROUP BY m.channel_id
) AS o
FULL JOIN cx_data.channel AS c USING (channel_id);
COMMENT ON VIEW cx_data.outbox_stats IS 'messages by channel: those of the last day and all that still wait';
COMMENT ON COLUMN cx_data.outbox_stats.channel_id IS 'channel; NULL for messages that found none';
COMMENT ON COLUMN cx_data.outbox_stats.channel IS 'code of the channel';
COMMENT ON COLUMN cx_data.outbox_stats.waiting IS 'messages that a worker may claim, now or later';
COMMENT ON COLUMN cx_data.outbox_stats.leased IS 'messages that a worker has at hand';
COMMENT ON COLUMN cx_data.outbox_stats.delivered IS 'messages delivered';
COMMENT ON COLUMN cx_data.outbox_stats.dead IS 'messages given up';
COMMENT ON COLUMN cx_data.outbox_stats.oldest_seconds IS 'age of the oldest message that is neither delivered nor given up, in seconds';
COMMENT ON COLUMN cx_data.outbox_stats.median_seconds IS 'median of the seconds from alert to delivery';
COMMENT ON COLUMN cx_data.outbox_stats.p95_seconds IS '95th percentile of the seconds from alert to delivery';
COMMENT ON COLUMN cx_data.outbox_stats.retried IS 'messages that took more than one attempt';
-- Views of tickets: what is to be done, and how long it takes

CREATE OR REPLACE VIEW cx_data.ticket_detail WITH (security_invoker = true) AS
SELECT t.ticket_id, t.priority, t.status, cx.ticket_subject(t.ticket_id) AS subject, c.code AS customer, c.name AS customer_name, c.segment, p.code AS touchpoint, p.name AS touchpoint_name,
	u.code AS org_unit, u.name AS org_unit_name, s.code AS staff, o.code AS owner, t.origin, t.emergency, t.opened_at, t.first_response_due_at, t.first_responded_at, t.resolution_due_at, t.solved_at, t.closed_at,
	CASE WHEN t.sla_policy_id IS NOT NULL THEN cx.sla_status(t.status, t.first_response_due_at, t.first_responded_at, t.resolution_due_at, t.solved_at, cx.as_of()) END AS sla_status,
	coalesce(coalesce(t.first_responded_at, cx.as_of()) > t.first_response_due_at, false) AS first_response_missed,
	coalesce(coalesce(t.solved_at, cx.as_of()) > t.resolution_due_at, false) AS resolution_missed,
	CASE WHEN t.solved_at IS NULL THEN extract(epoch FROM least(CASE WHEN t.first_responded_at IS NULL THEN t.first_response_due_at END, t.resolution_due_at) - cx.as_of())::double precision END AS due_in_seconds,
	t.escalation_level, e.code AS escalated_unit, t.reopen_count, t.root_cause, t.sla_policy_id, t.calendar, t.alert_id, t.feedback_id, r.name AS source, t.followup_score::integer AS followup_score, t.followup_asked_at, t.followup_at
FROM cx_data.ticket AS t
LEFT JOIN cx_data.customer AS c USING (customer_id)
LEFT JOIN cx_data.touchpoint AS p ON p.touchpoint_id = t.touchpoint_id
LEFT JOIN cx_data.org_unit AS u ON u.org_unit_id = t.org_unit_id
LEFT JOIN cx_data.org_unit AS e ON e.org_unit_id = t.escalated_unit_id
LEFT JOIN cx_data.staff AS s ON s.staff_id = t.staff_id
LEFT JOIN cx_data.staff AS o ON o.staff_id = t.owner_staff_id
LEFT JOIN cx_data.source AS r ON r.source_id = t.source_id;
COMMENT ON VIEW cx_data.ticket_detail IS 'tickets with names in place of keys, and what their clocks show at cx.as_of()';
COMMENT ON COLUMN cx_data.ticket_detail.ticket_id IS 'number of the ticket';
COMMENT ON COLUMN cx_data.ticket_detail.priority IS 'low, normal, high or urgent';
COMMENT ON COLUMN cx_data.ticket_detail.status IS 'new, open, pending (waits for the customer), on_hold (waits for a third party), solved or closed';
COMMENT ON COLUMN cx_data.ticket_detail.subject IS 'what it is about; NULL for those who may not read what customers say';
COMMENT ON COLUMN cx_data.ticket_detail.customer IS 'code of the customer; NULL if about none';
COMMENT ON COLUMN cx_data.ticket_detail.customer_name IS 'name of the customer';
COMMENT ON COLUMN cx_data.ticket_detail.segment IS 'segment of the customer';
COMMENT ON COLUMN cx_data.ticket_detail.touchpoint IS 'code of the touchpoint; NULL if about none';
COMMENT ON COLUMN cx_data.ticket_detail.touchpoint_name IS 'name of the touchpoint';
COMMENT ON COLUMN cx_data.ticket_detail.org_unit IS 'code of the unit that it lies with';
COMMENT ON COLUMN cx_data.ticket_detail.org_unit_name IS 'name of that unit';
COMMENT ON COLUMN cx_data.ticket_detail.staff IS 'code of the member of staff who works on it, in an emergency the coordinator; NULL while nobody does';
COMMENT ON COLUMN cx_data.ticket_detail.owner IS 'code of the member of staff who answers for it';
COMMENT ON COLUMN cx_data.ticket_detail.origin IS 'who opened it: centre or unit';
COMMENT ON COLUMN cx_data.ticket_detail.emergency IS 'whether an alert rule of severity critical opened it';
COMMENT ON COLUMN cx_data.ticket_detail.opened_at IS 'when it was opened';
COMMENT ON COLUMN cx_data.ticket_detail.first_response_due_at IS 'last instant for the first reply';
COMMENT ON COLUMN cx_data.ticket_detail.first_responded_at IS 'when that was given; NULL if it was not';
COMMENT ON COLUMN cx_data.ticket_detail.resolution_due_at IS 'last instant for the solution; NULL while the ticket waits with time left';
COMMENT ON COLUMN cx_data.ticket_detail.solved_at IS 'when it was solved last; NULL while it is not';
COMMENT ON COLUMN cx_data.ticket_detail.closed_at IS 'when the loop was closed';
COMMENT ON COLUMN cx_data.ticket_detail.sla_status IS 'active, paused, met or missed at cx.as_of(); NULL without a service level';
COMMENT ON COLUMN cx_data.ticket_detail.first_response_missed IS 'whether the first reply came too late, or has not come though it is due';
COMMENT ON COLUMN cx_data.ticket_detail.resolution_missed IS 'the same for the solution';
COMMENT ON COLUMN cx_data.ticket_detail.due_in_seconds IS 'seconds until what is due next, negative when that is over; NULL once it is solved';
COMMENT ON COLUMN cx_data.ticket_detail.escalation_level IS 'tiers that it has climbed since it was overdue';
COMMENT ON COLUMN cx_data.ticket_detail.escalated_unit IS 'code of the unit that it has climbed to';
COMMENT ON COLUMN cx_data.ticket_detail.reopen_count IS 'how often it was reopened';
COMMENT ON COLUMN cx_data.ticket_detail.root_cause IS 'code of the root cause';
COMMENT ON COLUMN cx_data.ticket_detail.sla_policy_id IS 'service level, in the version that it started with';
COMMENT ON COLUMN cx_data.ticket_detail.calendar IS 'business calendar by which its clocks run; NULL for around the clock';
COMMENT ON COLUMN cx_data.ticket_detail.alert_id IS 'alert that opened it';
COMMENT ON COLUMN cx_data.ticket_detail.feedback_id IS 'feedback that it is about';
COMMENT ON COLUMN cx_data.ticket_detail.source IS 'source that delivers it; NULL for tickets that live here';
COMMENT ON COLUMN cx_data.ticket_detail.followup_score IS 'what the customer answered to the closing question';
COMMENT ON COLUMN cx_data.ticket_detail.followup_asked_at IS 'when that was asked';
COMMENT ON COLUMN cx_data.ticket_detail.followup_at IS 'when it was answered';

CREATE OR REPLACE VIEW cx_data.ticket_queue WITH (security_invoker = true) AS
SELECT d.ticket_id, d.priority, d.status, d.subject, d.customer, d.touchpoint, d.org_unit, d.staff, d.owner, d.sla_status, d.first_response_due_at, d.resolution_due_at, d.due_in_seconds,
	d.escalation_level, d.emergency, d.opened_at, k.open_tasks, k.blocked_tasks
FROM cx_data.ticket_detail AS d
CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE a.status = 'open') AS open_tasks, count(*) FILTER (WHERE a.status = 'blocked') AS blocked_tasks FROM cx_data.ticket_task AS a WHERE a.ticket_id = d.ticket_id) AS k
WHERE d.status NOT IN ('solved', 'closed')
ORDER BY d.emergency DESC, d.due_in_seconds, d.ticket_id;
COMMENT ON VIEW cx_data.ticket_queue IS 'tickets that are not solved: emergencies first, then what is due first';
COMMENT ON COLUMN cx_data.ticket_queue.ticket_id IS 'number of the ticket';
COMMENT ON COLUMN cx_data.ticket_queue.priority IS 'low, normal, high or urgent';
COMMENT ON COLUMN cx_data.ticket_queue.status IS 'new, open, pending or on_hold';
COMMENT ON COLUMN cx_data.ticket_queue.subject IS 'what it is about; NULL for those who may not read what customers say';
COMMENT ON COLUMN cx_data.ticket_queue.customer IS 'code of the customer; NULL if about none';
COMMENT ON COLUMN cx_data.ticket_queue.touchpoint IS 'code of the touchpoint; NULL if about none';
COMMENT ON COLUMN cx_data.ticket_queue.org_unit IS 'code of the unit that it lies with';
COMMENT ON COLUMN cx_data.ticket_queue.staff IS 'code of the member of staff who works on it; NULL while nobody does';
COMMENT ON COLUMN cx_data.ticket_queue.owner IS 'code of the member of staff who answers for it';
COMMENT ON COLUMN cx_data.ticket_queue.sla_status IS 'active, paused or missed at cx.as_of()';
COMMENT ON COLUMN cx_data.ticket_queue.first_response_due_at IS 'last instant for the first reply';
COMMENT ON COLUMN cx_data.ticket_queue.resolution_due_at IS 'last instant for the solution; NULL while the ticket waits with time left';
COMMENT ON COLUMN cx_data.ticket_queue.due_in_seconds IS 'seconds until what is due next, negative when that is over';
COMMENT ON COLUMN cx_data.ticket_queue.escalation_level IS 'tiers that it has climbed since it was overdue';
COMMENT ON COLUMN cx_data.ticket_queue.emergency IS 'whether an alert rule of severity critical opened it';
COMMENT ON COLUMN cx_data.ticket_queue.opened_at IS 'when it was opened';
COMMENT ON COLUMN cx_data.ticket_queue.open_tasks IS 'its tasks that are open';
COMMENT ON COLUMN cx_data.ticket_queue.blocked_tasks IS 'its tasks that are blocked';

CREATE OR REPLACE VIEW cx_data.ticket_overdue WITH (security_invoker = true) AS
SELECT d.ticket_id, d.priority, d.status, d.subject, d.customer, d.touchpoint, d.org_unit, d.staff, d.owner, d.first_response_missed AND d.first_responded_at IS NULL AS first_response_overdue,
	d.resolution_missed AS resolution_overdue, -d.due_in_seconds AS overdue_seconds, d.escalation_level, d.escalated_unit, d.opened_at
FROM cx_data.ticket_detail AS d
WHERE d.status NOT IN ('solved', 'closed') AND d.due_in_seconds < 0
ORDER BY d.due_in_seconds, d.ticket_id;
COMMENT ON VIEW cx_data.ticket_overdue IS 'tickets that are not solved, and whose first reply or solution is overdue at cx.as_of(), the longest first';
COMMENT ON COLUMN cx_data.ticket_overdue.ticket_id IS 'number of the ticket';
COMMENT ON COLUMN cx_data.ticket_overdue.priority IS 'low, normal, high or urgent';
COMMENT ON COLUMN cx_data.ticket_overdue.status IS 'new, open, pending or on_hold';
COMMENT ON COLUMN cx_data.ticket_overdue.opened_at IS 'when it was opened';
COMMENT ON COLUMN cx_data.ticket_overdue.subject IS 'what it is about; NULL for those who may not read what customers say';
COMMENT ON COLUMN cx_data.ticket_overdue.customer IS 'code of the customer; NULL if about none';
COMMENT ON COLUMN cx_data.ticket_overdue.touchpoint IS 'code of the touchpoint; NULL if about none';
COMMENT ON COLUMN cx_data.ticket_overdue.org_unit IS 'code of the unit that it lies with';
COMMENT ON COLUMN cx_data.ticket_overdue.staff IS 'code of the member of staff who works on it; NULL while nobody does';
COMMENT ON COLUMN cx_data.ticket_overdue.owner IS 'code of the member of staff who answers for it';
COMMENT ON COLUMN cx_data.ticket_overdue.first_response_overdue IS 'whether it waits for its first reply though that is due';
COMMENT ON COLUMN cx_data.ticket_overdue.resolution_overdue IS 'whether it waits for its solution though that is due';
COMMENT ON COLUMN cx_data.ticket_overdue.overdue_seconds IS 'seconds since the first of these was due';
COMMENT ON COLUMN cx_data.ticket_overdue.escalation_level IS 'tiers that it has climbed';
COMMENT ON COLUMN cx_data.ticket_overdue.escalated_unit IS 'code of the unit that it has climbed to';

CREATE OR REPLACE VIEW cx_data.emergency WITH (security_invoker = true) AS
SELECT d.ticket_id, d.subject, d.touchpoint, d.staff AS coordinator, d.status, d.opened_at, d.resolution_due_at, a.alerts, k.ticket_task_id, u.code AS org_unit, s.code AS staff, k.status AS task_status, k.due_at AS task_due_at,
	coalesce(k.status IN ('open', 'blocked') AND k.due_at < cx.as_of(), false) AS task_overdue, cx.task_block(k.ticket_task_id) AS blocked_reason
FROM cx_data.ticket_detail AS d
CROSS JOIN LATERAL (SELECT count(*) AS alerts FROM cx_data.alert AS l WHERE l.ticket_id = d.ticket_id AND NOT (l.alert_rule_id IS NULL AND l.rule = 'escalation')) AS a
LEFT JOIN cx_data.ticket_task AS k ON k.ticket_id = d.ticket_id
LEFT JOIN cx_data.org_unit AS u ON u.org_unit_id = k.org_unit_id
LEFT JOIN cx_data.staff AS s ON s.staff_id = k.staff_id
WHERE d.emergency AND d.status NOT IN ('solved', 'closed')
ORDER BY d.opened_at, d.ticket_id, k.ticket_task_id;
COMMENT ON VIEW cx_data.emergency IS 'emergencies that are not solved, one row for each unit that has a task';
COMMENT ON COLUMN cx_data.emergency.ticket_id IS 'number of the ticket';
COMMENT ON COLUMN cx_data.emergency.subject IS 'what happened; NULL for those who may not read what customers say';
COMMENT ON COLUMN cx_data.emergency.touchpoint IS 'code of the touchpoint';
COMMENT ON COLUMN cx_data.emergency.coordinator IS 'code of the member of staff who coordinates';
COMMENT ON COLUMN cx_data.emergency.status IS 'status of the ticket';
COMMENT ON COLUMN cx_data.emergency.opened_at IS 'when it began';
COMMENT ON COLUMN cx_data.emergency.resolution_due_at IS 'when it is to be over';
COMMENT ON COLUMN cx_data.emergency.alerts IS 'alerts that belong to it';
COMMENT ON COLUMN cx_data.emergency.ticket_task_id IS 'number of the task; NULL if no unit is responsible';
COMMENT ON COLUMN cx_data.emergency.org_unit IS 'code of the unit that has it';
COMMENT ON COLUMN cx_data.emergency.staff IS 'code of the member of staff who has it';
COMMENT ON COLUMN cx_data.emergency.task_status IS 'open, blocked, done or cancelled';
COMMENT ON COLUMN cx_data.emergency.task_due_at IS 'when it is due';
COMMENT ON COLUMN cx_data.emergency.task_overdue IS 'whether that is over';
COMMENT ON COLUMN cx_data.emergency.blocked_reason IS 'what blocks it; NULL for those who may not read what customers say';
-- Views of what became of tickets: how long they took, whether they were solved for good, and why they had to be

CREATE OR REPLACE VIEW cx_data.ticket_outcome WITH (security_invoker = true) AS
SELECT t.ticket_id, t.customer_id, t.touchpoint_id, t.org_unit_id, t.staff_id, (date_trunc('month', t.opened_at AT TIME ZONE g.time_zone))::date AS cohort, t.opened_at, d.solved_at, t.root_cause, t.reopen_count,
	extract(epoch FROM coalesce(d.solved_at, cx.as_of()) - t.opened_at)::double precision AS total_seconds,
	coalesce(s.ours_seconds, 0) AS ours_seconds, coalesce(s.waiting_customer_seconds, 0) AS waiting_customer_seconds, coalesce(s.waiting_others_seconds, 0) AS waiting_others_seconds,
	coalesce(h.replies, 0) AS replies, coalesce(h.handovers, 0) AS handovers,
	CASE WHEN d.solved_at <= cx.as_of() - interval '168 hours' THEN
		t.reopen_count = 0 AND coalesce(h.replies, 0) <= 1 AND coalesce(h.handovers, 0) = 0 AND NOT coalesce(s.has_waited, false)
		AND NOT EXISTS (SELECT FROM cx_data.ticket_task AS k WHERE k.ticket_id = t.ticket_id)
		AND NOT EXISTS (SELECT FROM cx_data.event AS e WHERE e.customer_id = t.customer_id AND e.touchpoint_id = t.touchpoint_id AND e.occurred_at > t.solved_at AND e.occurred_at <= t.solved_at + interval '168 hours')
		AND NOT EXISTS (SELECT FROM cx_data.feedback AS f WHERE f.customer_id = t.customer_id AND f.touchpoint_id = t.touchpoint_id AND f.kind <> 'survey' AND f.responded_at > t.solved_at AND f.responded_at <= t.solved_at + interval '168 hours')
		AND NOT EXISTS (SELECT FROM cx_data.ticket AS k WHERE k.customer_id = t.customer_id AND k.touchpoint_id IS NOT DISTINCT FROM t.touchpoint_id AND k.ticket_id <> t.ticket_id AND k.opened_at > t.solved_at AND k.opened_at <= t.solved_at + interval '168 hours')
	END AS first_contact_resolved
FROM cx_data.ticket AS t
CROSS JOIN cx_data.program AS g
CROSS JOIN LATERAL (SELECT CASE WHEN t.solved_at <= cx.as_of() THEN t.solved_at END AS solved_at) AS d
LEFT JOIN (
	SELECT w.ticket_id, sum(w.seconds) FILTER (WHERE w.status IN ('new', 'open')) AS ours_seconds, sum(w.seconds) FILTER (WHERE w.status = 'pending') AS waiting_customer_seconds,
		sum(w.seconds) FILTER (WHERE w.status = 'on_hold') AS waiting_others_seconds, bool_or(w.status IN ('pending', 'on_hold')) AS has_waited
	FROM (
		SELECT e.ticket_id, e.status, extract(epoch FROM lead(e.occurred_at, 1, greatest(e.occurred_at, cx.as_of())) OVER (PARTITION BY e.ticket_id ORDER BY e.ticket_event_id) - e.occurred_at)::double precision AS seconds
		FROM cx_data.ticket_event AS e WHERE e.status IS NOT NULL AND e.ticket_task_id IS NULL AND e.occurred_at <= cx.as_of()
	) AS w
	GROUP BY w.ticket_id
) AS s USING (ticket_id)
LEFT JOIN (
	SELECT e.ticket_id, count(*) FILTER (WHERE NOT e.automatic) AS replies, count(*) FILTER (WHERE e.is_other) AS handovers
	FROM (
		SELECT e.ticket_id, e.automatic, coalesce(e.kind = 'assigned' AND (e.staff_id IS DISTINCT FROM lag(e.staff_id) OVER held AND lag(e.staff_id) OVER held IS NOT NULL OR e.to_unit_id <> lag(e.to_unit_id) OVER held), false) AS is_other
		FROM cx_data.ticket_event AS e WHERE e.kind IN ('opened', 'assigned', 'reply') AND e.occurred_at <= cx.as_of()
		WINDOW held AS (PARTITION BY e.ticket_id, e.kind = 'reply' ORDER BY e.ticket_event_id)
	) AS e
	GROUP BY e.ticket_id
) AS h USING (ticket_id)
WHERE t.opened_at <= cx.as_of();
COMMENT ON VIEW cx_data.ticket_outcome IS 'what became of each ticket opened until cx.as_of(), as far as it had come then: how long it took and who was waited for, from its history, and whether the first contact was enough';
COMMENT ON COLUMN cx_data.ticket_outcome.ticket_id IS 'number of the ticket';
COMMENT ON COLUMN cx_data.ticket_outcome.customer_id IS 'customer it is about';
COMMENT ON COLUMN cx_data.ticket_outcome.touchpoint_id IS 'touchpoint it is about';
COMMENT ON COLUMN cx_data.ticket_outcome.org_unit_id IS 'unit that it lies with';
COMMENT ON COLUMN cx_data.ticket_outcome.staff_id IS 'member of staff who worked on it last';
COMMENT ON COLUMN cx_data.ticket_outcome.opened_at IS 'when it was opened';
COMMENT ON COLUMN cx_data.ticket_outcome.root_cause IS 'code of the root cause';
COMMENT ON COLUMN cx_data.ticket_outcome.reopen_count IS 'how often it was reopened';
COMMENT ON COLUMN cx_data.ticket_outcome.cohort IS 'first day of the month in which it was opened, in the program''s time zone';
COMMENT ON COLUMN cx_data.ticket_outcome.solved_at IS 'when it was solved last; NULL while it is not';
COMMENT ON COLUMN cx_data.ticket_outcome.total_seconds IS 'seconds from opening to the last solution, else until cx.as_of(), by the clock on the wall; contains the time between a solution and reopening';
COMMENT ON COLUMN cx_data.ticket_outcome.ours_seconds IS 'seconds in status new or open: it was up to us';
COMMENT ON COLUMN cx_data.ticket_outcome.waiting_customer_seconds IS 'seconds in status pending: it was up to the customer';
COMMENT ON COLUMN cx_data.ticket_outcome.waiting_others_seconds IS 'seconds in status on_hold: it was up to a third party';
COMMENT ON COLUMN cx_data.ticket_outcome.replies IS 'replies that were not automatic';
COMMENT ON COLUMN cx_data.ticket_outcome.handovers IS 'how often it was passed on, to somebody else or to another unit';
COMMENT ON COLUMN cx_data.ticket_outcome.first_contact_resolved IS 'whether it was solved for good at first contact: at most one reply, never passed on, split, waiting or reopened, and no event, complaint or other ticket of the customer at the touchpoint in the 7 days (168 hours) after; NULL until these are over';

CREATE OR REPLACE VIEW cx_data.time_to_resolve WITH (security_invoker = true) AS
SELECT u.code AS org_unit, o.cohort, count(*) AS tickets, count(o.solved_at) AS solved, 100.0::double precision * count(*) FILTER (WHERE o.solved_at IS NULL) / count(*) AS open_share,
	percentile_cont(0.5) WITHIN GROUP (ORDER BY o.total_seconds) FILTER (WHERE o.solved_at IS NOT NULL) AS median_seconds,
	percentile_cont(0.9) WITHIN GROUP (ORDER BY o.total_seconds) FILTER (WHERE o.solved_at IS NOT NULL) AS p90_seconds,
	percentile_cont(0.5) WITHIN GROUP (ORDER BY o.ours_seconds) FILTER (WHERE o.solved_at IS NOT NULL) AS ours_median_seconds,
	percentile_cont(0.9) WITHIN GROUP (ORDER BY o.ours_seconds) FILTER (WHERE o.solved_at IS NOT NULL) AS ours_p90_seconds,
	percentile_cont(0.5) WITHIN GROUP (ORDER BY o.waiting_customer_seconds) FILTER (WHERE o.solved_at IS NOT NULL) AS waiting_customer_median_seconds,
	percentile_cont(0.9) WITHIN GROUP (ORDER BY o.waiting_customer_seconds) FILTER (WHERE o.solved_at IS NOT NULL) AS waiting_customer_p90_seconds,
	percentile_cont(0.5) WITHIN GROUP (ORDER BY o.waiting_others_seconds) FILTER (WHERE o.solved_at IS NOT NULL) AS waiting_others_median_seconds,
	percentile_cont(0.9) WITHIN GROUP (ORDER BY o.waiting_others_seconds) FILTER (WHERE o.solved_at IS NOT NULL) AS waiting_others_p90_seconds
FROM cx_data.ticket_outcome AS o
LEFT JOIN cx_data.org_unit AS u USING (org_unit_id)
GROUP BY u.code, o.cohort
ORDER BY u.code, o.cohort;
COMMENT ON VIEW cx_data.time_to_resolve IS 'how long tickets take, by unit and month of opening: the metric that departments share. Medians are of solved tickets, so read them together with open_share';
COMMENT ON COLUMN cx_data.time_to_resolve.org_unit IS 'code of the unit that the tickets lie with; NULL for those without';
COMMENT ON COLUMN cx_data.time_to_resolve.cohort IS 'first day of the month in which they were opened, in the program''s time zone';
COMMENT ON COLUMN cx_data.time_to_resolve.tickets IS 'tickets opened';
COMMENT ON COLUMN cx_data.time_to_resolve.solved IS 'of these solved at present';
COMMENT ON COLUMN cx_data.time_to_resolve.open_share IS 'percent that is still open';
COMMENT ON COLUMN cx_data.time_to_resolve.median_seconds IS 'median of the seconds from opening to the last solution';
COMMENT ON COLUMN cx_data.time_to_resolve.p90_seconds IS '90th percentile of the same';
COMMENT ON COLUMN cx_data.time_to_resolve.ours_median_seconds IS 'median of the seconds that it was up to us';
COMMENT ON COLUMN cx_data.time_to_resolve.ours_p90_seconds IS '90th percentile of the same';
COMMENT ON COLUMN cx_data.time_to_resolve.waiting_customer_median_seconds IS 'median of the seconds of waiting for the customer';
COMMENT ON COLUMN cx_data.time_to_resolve.waiting_customer_p90_seconds IS '90th percentile of the same';
COMMENT ON COLUMN cx_data.time_to_resolve.waiting_others_median_seconds IS 'median of the seconds of waiting for third parties';
COMMENT ON COLUMN cx_data.time_to_resolve.waiting_others_p90_seconds IS '90th percentile of the same';

CREATE OR REPLACE VIEW cx_data.first_contact_resolution WITH (security_invoker = true) AS
SELECT r.org_unit, r.touchpoint, r.solved_month, r.tickets, r.first_contact_resolved, (r.estimate).value AS share, (r.estimate).lower, (r.estimate).upper
FROM (
	SELECT u.code AS org_unit, p.code AS touchpoint, date_trunc('month', o.solved_at AT TIME ZONE g.time_zone)::date AS solved_month, count(*) AS tickets,
		count(*) FILTER (WHERE o.first_contact_resolved) AS first_contact_resolved, cx.csat_estimate(cx.tally(o.first_contact_resolved::integer), 1) AS estimate
	FROM cx_data.ticket_outcome AS o
	CROSS JOIN cx_data.program AS g
	LEFT JOIN cx_data.org_unit AS u USING (org_unit_id)
	LEFT JOIN cx_data.touchpoint AS p USING (touchpoint_id)
	WHERE o.first_contact_resolved IS NOT NULL
	GROUP BY 1, 2, 3
) AS r
ORDER BY r.org_unit, r.touchpoint, r.solved_month;
COMMENT ON VIEW cx_data.first_contact_resolution IS 'share of tickets that the first contact solved for good (see ticket_outcome), of those solved at least 7 days before cx.as_of()';
COMMENT ON COLUMN cx_data.first_contact_resolution.org_unit IS 'code of the unit; NULL for tickets without';
COMMENT ON COLUMN cx_data.first_contact_resolution.touchpoint IS 'code of the touchpoint; NULL for tickets without';
COMMENT ON COLUMN cx_data.first_contact_resolution.solved_month IS 'first day of the month in which they were solved, in the program''s time zone';
COMMENT ON COLUMN cx_data.first_contact_resolution.tickets IS 'tickets solved then, and at least 7 days ago';
COMMENT ON COLUMN cx_data.first_contact_resolution.first_contact_resolved IS 'of these solved at first contact';
COMMENT ON COLUMN cx_data.first_contact_resolution.share IS 'percent of these';
COMMENT ON COLUMN cx_data.first_contact_resolution.lower IS 'lower end of its 95 % interval (Wilson)';
COMMENT ON COLUMN cx_data.first_contact_resolution.upper IS 'upper end';

CREATE OR REPLACE VIEW cx_data.loop_closed WITH (security_invoker = true) AS
SELECT u.code AS org_unit, date_trunc('month', t.opened_at AT TIME ZONE g.time_zone)::date AS cohort, count(*) AS tickets,
	count(*) FILTER (WHERE t.solved_at IS NOT NULL) AS solved,
	100.0::double precision * count(*) FILTER (WHERE t.solved_at <= t.resolution_due_at OR (t.solved_at IS NOT NULL AND t.resolution_due_at IS NULL)) / count(*) AS in_time_share,
	100.0::double precision * count(t.followup_asked_at) / count(*) AS asked_share, count(t.followup_score) AS answers,
	avg(b.experience) FILTER (WHERE a.experience IS NOT NULL) AS experience_before, avg(a.experience) FILTER (WHERE b.experience IS NOT NULL) AS experience_after,
	avg(a.experience - b.experience) AS experience_change
FROM cx_data.ticket AS t
CROSS JOIN cx_data.program AS g
LEFT JOIN cx_data.org_unit AS u USING (org_unit_id)
LEFT JOIN LATERAL (
	SELECT cx.experience_of(f.score, m.scale_min, m.scale_max, m.lower_is_better) AS experience FROM cx_data.feedback AS f JOIN cx_data.metric AS m ON m.code = f.metric
	WHERE f.feedback_id = t.feedback_id AND f.score IS NOT NULL
) AS b ON true
LEFT JOIN LATERAL (
	SELECT cx.experience_of(t.followup_score, m.scale_min, m.scale_max, m.lower_is_better) AS experience FROM cx_data.metric AS m WHERE m.code = t.followup_metric AND t.followup_score IS NOT NULL
) AS a ON true
WHERE t.customer_id IS NOT NULL AND t.opened_at <= cx.as_of()
GROUP BY 1, 2
ORDER BY 1, 2;
COMMENT ON VIEW cx_data.loop_closed IS 'whether the loop with customers is closed, by unit and month of opening: solved in time, asked again, and how they answered before and after';
COMMENT ON COLUMN cx_data.loop_closed.org_unit IS 'code of the unit; NULL for tickets without';
COMMENT ON COLUMN cx_data.loop_closed.cohort IS 'first day of the month in which the tickets were opened, in the program''s time zone';
COMMENT ON COLUMN cx_data.loop_closed.tickets IS 'tickets about a customer';
COMMENT ON COLUMN cx_data.loop_closed.solved IS 'of these solved at present';
COMMENT ON COLUMN cx_data.loop_closed.in_time_share IS 'percent solved in time';
COMMENT ON COLUMN cx_data.loop_closed.asked_share IS 'percent whose customer was asked again';
COMMENT ON COLUMN cx_data.loop_closed.answers IS 'customers who answered';
COMMENT ON COLUMN cx_data.loop_closed.experience_before IS 'mean of the first answers of those with both, each brought to 0 (worst) to 100 (best)';
COMMENT ON COLUMN cx_data.loop_closed.experience_after IS 'mean of their answers to the closing question, likewise';
COMMENT ON COLUMN cx_data.loop_closed.experience_change IS 'mean of the changes';

CREATE OR REPLACE VIEW cx_data.unhandled_detractors WITH (security_invoker = true) AS
SELECT f.feedback_id, c.code AS customer, p.code AS touchpoint, u.code AS org_unit, f.metric, f.score::integer AS score, f.responded_at, extract(epoch FROM cx.as_of() - f.responded_at)::double precision AS age_seconds
FROM cx_data.feedback AS f
JOIN cx_data.metric AS m ON m.code = f.metric
LEFT JOIN cx_data.customer AS c USING (customer_id)
LEFT JOIN cx_data.touchpoint AS p ON p.touchpoint_id = f.touchpoint_id
LEFT JOIN cx_data.org_unit AS u ON u.org_unit_id = f.org_unit_id
WHERE f.kind = 'survey' AND f.responded_at > cx.as_of() - interval '672 hours' AND f.responded_at <= cx.as_of()
	AND CASE m.kind WHEN 'nps' THEN f.score <= 6 ELSE cx.experience_of(f.score, m.scale_min, m.scale_max, m.lower_is_better) < 50 END
	AND NOT EXISTS (SELECT FROM cx_data.ticket AS t WHERE t.feedback_id = f.feedback_id)
	AND NOT EXISTS (SELECT FROM cx_data.ticket AS t WHERE t.customer_id = f.customer_id AND coalesce(t.touchpoint_id = f.touchpoint_id, true) AND coalesce(t.solved_at > f.responded_at, true))
	AND NOT EXISTS (SELECT FROM cx_data.alert AS a JOIN cx_data.ticket AS t USING (ticket_id)
		WHERE a.customer_id = f.customer_id AND coalesce(t.touchpoint_id = f.touchpoint_id, true) AND coalesce(t.solved_at > f.responded_at, true))
ORDER BY f.responded_at, f.feedback_id;
COMMENT ON VIEW cx_data.unhandled_detractors IS 'bad survey answers of the last 28 days (672 hours) that nobody looks after: no ticket is about them, and none about the touchpoint that the customer or an alert of his belongs to was open then or was opened since';
COMMENT ON COLUMN cx_data.unhandled_detractors.feedback_id IS 'key of the feedback; cx_data.feedback_detail tells more';
COMMENT ON COLUMN cx_data.unhandled_detractors.customer IS 'code of the customer; NULL if anonymous';
COMMENT ON COLUMN cx_data.unhandled_detractors.touchpoint IS 'code of the touchpoint; NULL if the relationship as a whole';
COMMENT ON COLUMN cx_data.unhandled_detractors.org_unit IS 'code of the unit that served';
COMMENT ON COLUMN cx_data.unhandled_detractors.metric IS 'code of the metric';
COMMENT ON COLUMN cx_data.unhandled_detractors.score IS 'answer: 0..6 where the metric is of kind nps, else below the middle of the scale';
COMMENT ON COLUMN cx_data.unhandled_detractors.responded_at IS 'when the customer answered';
COMMENT ON COLUMN cx_data.unhandled_detractors.age_seconds IS 'seconds since then';

CREATE OR REPLACE VIEW cx_data.root_cause_pareto WITH (security_invoker = true) AS
WITH RECURSIVE part AS (
	SELECT r.root_cause_id AS whole_id, r.root_cause_id, r.code FROM cx_data.root_cause AS r
	UNION
	SELECT part.whole_id, r.root_cause_id, r.code FROM part JOIN cx_data.root_cause AS r ON r.parent_id = part.root_cause_id
), counted AS (
	SELECT coalesce(o.root_cause, '') AS code, count(*) AS tickets, count(*) FILTER (WHERE o.reopen_count > 0) AS reopened, sum(o.total_seconds) AS seconds
	FROM cx_data.ticket_outcome AS o WHERE o.root_cause IS NOT NULL AND o.opened_at > cx.as_of() - interval '2160 hours' GROUP BY 1
)
SELECT c.code AS root_cause, r.name, w.code AS part_of, u.code AS owner_unit, c.tickets, (SELECT coalesce(sum(b.tickets), 0)::bigint FROM part JOIN counted AS b ON b.code = part.code WHERE part.whole_id = r.root_cause_id) AS tickets_with_parts,
	100.0::double precision * c.tickets / sum(c.tickets) OVER () AS share,
	(100.0 * sum(c.tickets) OVER (ORDER BY c.tickets DESC, c.code) / sum(c.tickets) OVER ())::double precision AS cumulative_share,
	100.0::double precision * c.reopened / NULLIF(c.tickets, 0) AS reopened_share, c.seconds
FROM (SELECT k.code, 0::bigint AS tickets, 0::bigint AS reopened, 0::double precision AS seconds FROM cx_data.root_cause AS k WHERE k.code NOT IN (SELECT code FROM counted)
	UNION ALL SELECT code, tickets, reopened, seconds FROM counted) AS c
LEFT JOIN cx_data.root_cause AS r USING (code)
LEFT JOIN cx_data.root_cause AS w ON w.root_cause_id = r.parent_id
LEFT JOIN cx_data.org_unit AS u ON u.org_unit_id = r.owner_unit_id
WHERE c.tickets > 0 OR EXISTS (SELECT FROM part JOIN counted AS b ON b.code = part.code WHERE part.whole_id = r.root_cause_id)
ORDER BY c.tickets DESC, c.code;
COMMENT ON VIEW cx_data.root_cause_pareto IS 'root causes of the tickets opened in the last 90 days (2160 hours), the most frequent first: what the outer loop is to mend';
COMMENT ON COLUMN cx_data.root_cause_pareto.root_cause IS 'code of the root cause';
COMMENT ON COLUMN cx_data.root_cause_pareto.name IS 'name of the root cause';
COMMENT ON COLUMN cx_data.root_cause_pareto.part_of IS 'code of the more general cause that it is part of';
COMMENT ON COLUMN cx_data.root_cause_pareto.owner_unit IS 'code of the unit that can mend it';
COMMENT ON COLUMN cx_data.root_cause_pareto.tickets IS 'tickets with this cause';
COMMENT ON COLUMN cx_data.root_cause_pareto.tickets_with_parts IS 'the same together with the causes that are part of it';
COMMENT ON COLUMN cx_data.root_cause_pareto.share IS 'percent of all tickets with a cause';
COMMENT ON COLUMN cx_data.root_cause_pareto.cumulative_share IS 'percent of this and all more frequent ones';
COMMENT ON COLUMN cx_data.root_cause_pareto.reopened_share IS 'percent of its tickets that were reopened';
COMMENT ON COLUMN cx_data.root_cause_pareto.seconds IS 'seconds that its tickets took altogether, from opening to the solution or until now';
-- View of agents: what customers say of their work, fairly compared
--
-- Who answers the hard cases gets the worse scores, so each agent is compared
-- with what the whole team got on the same mix of cases (indirect
-- standardisation): expected is the sum over touchpoint, segment and root cause
-- of the agent's answers times the team's rate there.  The variance of the
-- difference takes into account that the agent is part of the team; with rate
-- r and N answers of the team, and n of the agent, a stratum adds
-- n (1 - n/N) r (1 - r).  Differences are shrunk towards nought by how much of
-- their spread chance explains: the variance between agents is that of
-- DerSimonian and Laird, Meta-analysis in clinical trials (1986).

CREATE OR REPLACE VIEW cx_data.agent_scorecard WITH (security_invoker = true) AS
WITH
since AS (
	SELECT p.time_zone, cx.day_start((date_trunc('month', cx.as_of() AT TIME ZONE p.time_zone) - interval '12 months')::date, p.time_zone) AS at FROM cx_data.program AS p
),
answer AS (
	SELECT date_trunc('month', f.responded_at AT TIME ZONE s.time_zone)::date AS period, f.staff_id, f.touchpoint_id, c.segment, t.root_cause, (f.score >= m.satisfied_from)::integer AS satisfied
	FROM since AS s
	JOIN cx_data.feedback AS f ON f.responded_at >= s.at AND f.responded_at <= cx.as_of()
	JOIN cx_data.metric AS m ON m.code = f.metric AND m.kind = 'csat'
	LEFT JOIN cx_data.customer AS c USING (customer_id)
	LEFT JOIN LATERAL (SELECT k.root_cause FROM cx_data.ticket AS k WHERE k.feedback_id = f.feedback_id ORDER BY k.ticket_id LIMIT 1) AS t ON true
	WHERE f.kind = 'survey' AND f.staff_id IS NOT NULL AND f.score IS NOT NULL
	UNION ALL
	SELECT date_trunc('month', t.followup_at AT TIME ZONE s.time_zone)::date, t.staff_id, t.touchpoint_id, c.segment, t.root_cause, (t.followup_score >= m.satisfied_from)::integer
	FROM since AS s
	JOIN cx_data.ticket AS t ON t.followup_at >= s.at AND t.followup_at <= cx.as_of()
	JOIN cx_data.metric AS m ON m.code = t.followup_metric AND m.kind = 'csat'
	LEFT JOIN cx_data.customer AS c USING (customer_id)
	WHERE t.staff_id IS NOT NULL AND t.followup_score IS NOT NULL
),
stratum AS (
	SELECT a.period, a.staff_id, count(*) AS responses, sum(a.satisfied) AS satisfied,
		sum(count(*)) OVER alike AS team_responses, (sum(sum(a.satisfied)) OVER alike)::double precision / (sum(count(*)) OVER alike)::double precision AS rate
	FROM answer AS a
	GROUP BY a.period, a.staff_id, a.touchpoint_id, a.segment, a.root_cause
	WINDOW alike AS (PARTITION BY a.period, a.touchpoint_id, a.segment, a.root_cause)
),
agent AS (
	SELECT s.period, s.staff_id, sum(s.responses)::bigint AS responses, (100 * sum(s.satisfied) / sum(s.responses))::double precision AS csat, 100 * sum(s.responses * s.rate) / sum(s.responses)::double precision AS expected,
		100 * sqrt(sum(s.responses * (1 - s.responses / s.team_responses) * s.rate * (1 - s.rate))) / sum(s.responses)::double precision AS std_error
	FROM stratum AS s GROUP BY s.period, s.staff_id
),
tested AS (
	SELECT a.period, a.staff_id, a.responses, a.csat, a.expected, a.csat - a.expected AS difference, NULLIF(a.std_error, 0) AS std_error, a.responses >= cx.min_responses() AS is_enough,
		CASE WHEN a.std_error > 0 THEN ROW(a.csat, a.std_error, 0, 0, a.responses, a.responses)::cx.estimate OPERATOR(cx.-) ROW(a.expected, 0, 0, 0, a.responses, a.responses)::cx.estimate END AS change
	FROM agent AS a
),
spread AS (
	SELECT w.period, greatest(0, (sum(w.weight * (w.difference - w.mean) ^ 2) - (count(*) - 1)) / NULLIF(sum(w.weight) - sum(w.weight ^ 2) / sum(w.weight), 0)) AS variance
	FROM (
		SELECT t.period, t.difference, t.std_error ^ (-2) AS weight, sum(t.difference * t.std_error ^ (-2)) OVER month / sum(t.std_error ^ (-2)) OVER month AS mean
		FROM tested AS t WHERE t.std_error IS NOT NULL WINDOW month AS (PARTITION BY t.period)
	) AS w
	GROUP BY w.period
),
judged AS (
	SELECT t.period, t.staff_id, t.responses, t.csat, t.expected, t.difference, (t.change).lower, (t.change).upper, t.is_enough,
		cx.fdr(CASE WHEN t.is_enough THEN (t.change).p_value END) OVER (PARTITION BY t.period) AS q_value,
		t.difference * coalesce(s.variance / (s.variance + t.std_error ^ 2), 0) AS shrunk_difference
	FROM tested AS t LEFT JOIN spread AS s USING (period)
),
handled AS (
	SELECT date_trunc('month', o.solved_at AT TIME ZONE s.time_zone)::date AS period, o.staff_id, count(*) AS handled, 100.0::double precision * count(*) FILTER (WHERE o.reopen_count > 0) / count(*) AS reopened_share,
		100.0::double precision * count(*) FILTER (WHERE o.first_contact_resolved) / NULLIF(count(o.first_contact_resolved), 0) AS first_contact_share,
		percentile_cont(0.5) WITHIN GROUP (ORDER BY o.ours_seconds) AS median_handling_seconds
	FROM since AS s JOIN cx_data.ticket_outcome AS o ON o.solved_at >= s.at AND o.solved_at <= cx.as_of()
	WHERE o.staff_id IS NOT NULL
	GROUP BY 1, 2
)
SELECT period, k.code AS staff, k.name AS staff_name, u.code AS org_unit, coalesce(j.responses, 0) AS responses, j.csat, j.expected, j.difference, j.lower, j.upper, j.q_value, j.shrunk_difference,
	CASE WHEN j.is_enough THEN rank() OVER (PARTITION BY period, j.is_enough ORDER BY j.shrunk_difference DESC) END AS rank,
	coalesce(h.handled, 0) AS handled, h.reopened_share, h.first_contact_share, h.median_handling_seconds
FROM judged AS j
FULL JOIN handled AS h USING (period, staff_id)
JOIN cx_data.staff AS k USING (staff_id)
LEFT JOIN cx_data.org_unit AS u ON u.org_unit_id = k.org_unit_id
ORDER BY period, rank, k.code;
COMMENT ON VIEW cx_data.agent_scorecard IS 'agents by month, the present one and the 12 before: satisfaction against what the whole team got on the same mix of touchpoint, segment and root cause, and how they handle tickets';
COMMENT ON COLUMN cx_data.agent_scorecard.period IS 'first day of the month, in the program''s time zone';
COMMENT ON COLUMN cx_data.agent_scorecard.staff IS 'code of the agent';
COMMENT ON COLUMN cx_data.agent_scorecard.staff_name IS 'name of the agent';
COMMENT ON COLUMN cx_data.agent_scorecard.org_unit IS 'code of the unit that the agent works for';
COMMENT ON COLUMN cx_data.agent_scorecard.responses IS 'answers to metrics of kind csat: survey answers that name the agent, and closing questions of tickets';
COMMENT ON COLUMN cx_data.agent_scorecard.csat IS 'percent satisfied';
COMMENT ON COLUMN cx_data.agent_scorecard.expected IS 'percent that the whole team would have got on the same mix of touchpoint, segment and root cause';
COMMENT ON COLUMN cx_data.agent_scorecard.difference IS 'csat minus expected, in points';
COMMENT ON COLUMN cx_data.agent_scorecard.lower IS 'lower end of its 95 % interval';
COMMENT ON COLUMN cx_data.agent_scorecard.upper IS 'upper end';
COMMENT ON COLUMN cx_data.agent_scorecard.q_value IS 'p value of the difference, for all agents of the month together (Benjamini-Hochberg); NULL below cx.min_responses answers';
COMMENT ON COLUMN cx_data.agent_scorecard.shrunk_difference IS 'difference without what chance explains of it: best guess of the agent''s own part';
COMMENT ON COLUMN cx_data.agent_scorecard.rank IS 'place in the month by shrunk_difference; NULL below cx.min_responses answers';
COMMENT ON COLUMN cx_data.agent_scorecard.handled IS 'tickets solved';
COMMENT ON COLUMN cx_data.agent_scorecard.reopened_share IS 'percent of these that were reopened';
COMMENT ON COLUMN cx_data.agent_scorecard.first_contact_share IS 'percent solved at first contact, of those solved at least 7 days ago';
COMMENT ON COLUMN cx_data.agent_scorecard.median_handling_seconds IS 'median of the seconds that tickets were up to us';
-- Views of who may leave, and why: signals, risks, and those that rose

CREATE OR REPLACE VIEW cx_data.customer_signal WITH (security_invoker = true) AS
SELECT s.customer_id, r.code AS signal, coalesce(r.name, r.code) AS signal_name, s.happened_at, r.log_odds,
	extract(epoch FROM r.half_life)::double precision AS half_life_seconds,
	cx.decayed_log_odds(r.log_odds, s.happened_at, cx.as_of(), r.half_life) AS present_log_odds
FROM (
	-- of each kind of question the last answer
	SELECT a.customer_id, r.risk_signal_id, a.responded_at AS happened_at
	FROM (
		SELECT DISTINCT ON (f.customer_id, k.kind) f.customer_id, k.kind, f.responded_at,
			CASE WHEN m.kind = 'nps' AND f.score <= 6 THEN 'detractor' WHEN m.kind = 'nps' AND f.score >= 9 THEN 'promoter'
				WHEN m.kind <> 'nps' AND cx.experience_of(f.score, m.scale_min, m.scale_max, m.lower_is_better) < 50
					THEN CASE k.kind WHEN 'effort' THEN 'high_effort' ELSE 'low_score' END END AS source
		FROM cx_data.feedback AS f
		JOIN cx_data.metric AS m ON m.code = f.metric
		CROSS JOIN LATERAL (SELECT CASE WHEN m.kind = 'nps' THEN 'nps' WHEN m.kind = 'ces' OR m.lower_is_better THEN 'effort' ELSE 'satisfaction' END AS kind) AS k
		WHERE f.customer_id IS NOT NULL AND f.kind = 'survey' AND f.score IS NOT NULL AND f.responded_at <= cx.as_of()
		ORDER BY f.customer_id, k.kind, f.responded_at DESC, f.feedback_id DESC
	) AS a
	JOIN cx_data.risk_signal AS r USING (source)
	UNION ALL
	SELECT f.customer_id, r.risk_signal_id, max(f.responded_at)
	FROM cx_data.feedback AS f JOIN cx_data.risk_signal AS r ON r.source = 'complaint'
	WHERE f.customer_id IS NOT NULL AND f.kind = 'complaint' AND f.responded_at <= cx.as_of()
	GROUP BY f.customer_id, r.risk_signal_id
	UNION ALL
	-- what lasts happens now
	SELECT t.customer_id, r.risk_signal_id, max(CASE r.source WHEN 'reopened_ticket' THEN t.reopened_at ELSE cx.as_of() END)
	FROM cx_data.ticket AS t JOIN cx_data.risk_signal AS r ON r.source IN ('unresolved_ticket', 'overdue_ticket', 'reopened_ticket')
	WHERE t.customer_id IS NOT NULL AND t.opened_at <= cx.as_of() AND CASE r.source
		WHEN 'reopened_ticket' THEN t.reopened_at <= cx.as_of()
		ELSE coalesce(t.solved_at > cx.as_of(), true) AND (r.source = 'unresolved_ticket' OR t.resolution_due_at < cx.as_of()) END
	GROUP BY t.customer_id, r.risk_signal_id
	UNION ALL
	(WITH named AS MATERIALIZED (
		-- made first, so that events are looked through once
		SELECT DISTINCT r.risk_signal_id, r.source, r.period, r.threshold, n.name,
			cx.as_of() - CASE r.source WHEN 'event' THEN 10 * r.half_life WHEN 'repeated_event' THEN r.period WHEN 'falling_event' THEN 4 * r.period ELSE '0' END AS after,
			cx.as_of() + CASE r.source WHEN 'coming_event' THEN r.period ELSE '0' END AS until
		FROM cx_data.risk_signal AS r CROSS JOIN LATERAL unnest(r.events) AS n (name)
		WHERE r.enabled AND r.source IN ('event', 'repeated_event', 'coming_event', 'falling_event')
	)
	SELECT e.customer_id, r.risk_signal_id, CASE WHEN min(r.source) IN ('event', 'repeated_event') THEN max(e.occurred_at) ELSE cx.as_of() END
	FROM named AS r JOIN cx_data.event AS e ON e.name = r.name AND e.occurred_at > r.after AND e.occurred_at <= r.until
	WHERE e.customer_id IS NOT NULL
	GROUP BY e.customer_id, r.risk_signal_id
	HAVING CASE min(r.source)
		WHEN 'repeated_event' THEN count(*) >= min(r.threshold)
		-- of fewer than two in each of the periods before, none would be no news
		WHEN 'falling_event' THEN count(*) FILTER (WHERE e.occurred_at <= cx.as_of() - r.period) >= 6
			AND coalesce(sum(coalesce(e.value, 1)) FILTER (WHERE e.occurred_at > cx.as_of() - r.period), 0)
				<= min(r.threshold) / 3 * sum(coalesce(e.value, 1)) FILTER (WHERE e.occurred_at <= cx.as_of() - r.period)
		ELSE true END)
) AS s
JOIN cx_data.risk_signal AS r USING (risk_signal_id)
WHERE r.enabled AND s.happened_at > cx.as_of() - 10 * r.half_life;
COMMENT ON VIEW cx_data.customer_signal IS 'signals that customers may leave, or will stay, at cx.as_of(): of each one the latest time; those of more than ten half-lives ago are forgotten';
COMMENT ON COLUMN cx_data.customer_signal.customer_id IS 'the customer';
COMMENT ON COLUMN cx_data.customer_signal.signal IS 'code of the signal, once for each customer';
COMMENT ON COLUMN cx_data.customer_signal.signal_name IS 'what it is called as a reason';
COMMENT ON COLUMN cx_data.customer_signal.happened_at IS 'when; for what lasts, as a ticket that is not solved, cx.as_of()';
COMMENT ON COLUMN cx_data.customer_signal.log_odds IS 'what it added to the log-odds of leaving when it happened';
COMMENT ON COLUMN cx_data.customer_signal.half_life_seconds IS 'seconds in which that halves';
COMMENT ON COLUMN cx_data.customer_signal.present_log_odds IS 'what is left of it at cx.as_of()';

CREATE OR REPLACE VIEW cx_data.customer_churn_risk WITH (security_invoker = true) AS
SELECT k.customer_id, k.customer, k.customer_name, k.segment, k.org_unit_id, u.code AS org_unit, k.risk,
	CASE WHEN k.risk >= g.high_from THEN 'high' WHEN k.risk >= g.medium_from THEN 'medium' ELSE 'low' END AS band,
	array_to_string(k.reasons, '; ') AS reasons, k.basis,
	rank() OVER (PARTITION BY k.basis ORDER BY k.risk DESC) AS rank, k.scored_at
FROM cx_data.risk_setting AS g
CROSS JOIN LATERAL (
	SELECT c.customer_id, c.code AS customer, c.name AS customer_name, c.segment, c.org_unit_id,
		coalesce(m.risk, s.risk, g.base_rate) AS risk, CASE WHEN m.risk IS NULL THEN s.reasons ELSE m.reasons END AS reasons,
		CASE WHEN m.risk IS NULL THEN 'signals' ELSE format('model %s v%s', m.model, m.version) END AS basis, coalesce(m.scored_at, cx.as_of()) AS scored_at
	FROM cx_data.customer AS c
	LEFT JOIN (cx_data.customer_risk AS m JOIN cx_data.model AS champion ON champion.name = m.model AND champion.version = m.version AND champion.champion)
		ON m.customer_id = c.customer_id AND m.model = g.model AND m.scored_at <= cx.as_of()
	LEFT JOIN (
		-- the log-odds are those of now
		SELECT s.customer_id, cx.churn_risk(s.present_log_odds, cx.as_of(), cx.as_of(), interval '1 day', base.base_rate) AS risk,
			(array_agg(s.signal_name ORDER BY s.present_log_odds DESC, s.signal) FILTER (WHERE s.present_log_odds > 0))[1:3] AS reasons
		FROM cx_data.customer_signal AS s CROSS JOIN cx_data.risk_setting AS base
		GROUP BY s.customer_id
	) AS s ON s.customer_id = c.customer_id
) AS k
LEFT JOIN cx_data.org_unit AS u USING (org_unit_id);
COMMENT ON VIEW cx_data.customer_churn_risk IS 'how likely each customer is to leave at cx.as_of(), and why: as the champion of the model in cx_data.risk_setting scored him last, else by signals. Who sees only a part of his feedback, events and tickets sees a risk by signals of that part';
COMMENT ON COLUMN cx_data.customer_churn_risk.customer_id IS 'key of the customer, unique per row';
COMMENT ON COLUMN cx_data.customer_churn_risk.customer IS 'code of the customer';
COMMENT ON COLUMN cx_data.customer_churn_risk.customer_name IS 'name of the customer';
COMMENT ON COLUMN cx_data.customer_churn_risk.segment IS 'segment of the customer';
COMMENT ON COLUMN cx_data.customer_churn_risk.org_unit_id IS 'unit in charge';
COMMENT ON COLUMN cx_data.customer_churn_risk.org_unit IS 'code of that unit';
COMMENT ON COLUMN cx_data.customer_churn_risk.risk IS 'probability of leaving, 0..1: that of a model is estimated from what happened, that of signals from what experts guess: never rank one with the other';
COMMENT ON COLUMN cx_data.customer_churn_risk.band IS 'low, medium or high, by the limits in cx_data.risk_setting';
COMMENT ON COLUMN cx_data.customer_churn_risk.reasons IS 'up to three that raise the risk most, the strongest first, separated by semicolons';
COMMENT ON COLUMN cx_data.customer_churn_risk.basis IS 'signals, or model with its name and version';
COMMENT ON COLUMN cx_data.customer_churn_risk.rank IS 'place by risk among the customers with the same basis, 1 is the highest risk; in a query for one customer leave it out, or use cx.risk_of_customer()';
COMMENT ON COLUMN cx_data.customer_churn_risk.scored_at IS 'when the model gave it; cx.as_of() for signals';

CREATE OR REPLACE VIEW cx_data.risk_rise WITH (security_invoker = true) AS
SELECT n.customer_id, c.code AS customer, c.name AS customer_name, c.segment, u.code AS org_unit, b.risk AS risk_before, n.risk, n.risk - b.risk AS rise,
	CASE WHEN b.risk >= g.high_from THEN 'high' WHEN b.risk >= g.medium_from THEN 'medium' ELSE 'low' END AS band_before,
	CASE WHEN n.risk >= g.high_from THEN 'high' WHEN n.risk >= g.medium_from THEN 'medium' ELSE 'low' END AS band,
	array_to_string(ARRAY(SELECT r.reason FROM unnest(n.reasons) WITH ORDINALITY AS r (reason, place) WHERE r.reason <> ALL (b.reasons) ORDER BY r.place), '; ') AS new_reasons,
	array_to_string(n.reasons, '; ') AS reasons, CASE WHEN n.model IS NULL THEN 'signals' ELSE format('model %s v%s', n.model, n.version) END AS basis,
	b.scored_at AS scored_before_at, n.scored_at
FROM (
	SELECT DISTINCT ON (h.customer_id) h.* FROM cx_data.risk_history AS h WHERE h.scored_at <= cx.as_of()
	ORDER BY h.customer_id, h.scored_at DESC, h.risk_history_id DESC
) AS n
CROSS JOIN LATERAL (
	-- as it was 28 days ago, else as it was first since
	SELECT h.risk, h.reasons, h.scored_at
	FROM cx_data.risk_history AS h
	WHERE h.customer_id = n.customer_id AND h.model IS NOT DISTINCT FROM n.model AND h.version IS NOT DISTINCT FROM n.version AND h.scored_at < n.scored_at
	ORDER BY h.scored_at > cx.as_of() - interval '672 hours', abs(extract(epoch FROM h.scored_at - (cx.as_of() - interval '672 hours'))), h.risk_history_id
	LIMIT 1
) AS b
JOIN cx_data.customer AS c ON c.customer_id = n.customer_id
LEFT JOIN cx_data.org_unit AS u ON u.org_unit_id = c.org_unit_id
CROSS JOIN cx_data.risk_setting AS g
WHERE n.scored_at > cx.as_of() - interval '672 hours' AND n.risk > b.risk;
COMMENT ON VIEW cx_data.risk_rise IS 'customers whose risk rose in the last 28 days, and why: risk_history at cx.as_of() against 28 days before, or the first since, on the same basis';
COMMENT ON COLUMN cx_data.risk_rise.customer_id IS 'key of the customer, unique per row';
COMMENT ON COLUMN cx_data.risk_rise.customer IS 'code of the customer';
COMMENT ON COLUMN cx_data.risk_rise.customer_name IS 'name of the customer';
COMMENT ON COLUMN cx_data.risk_rise.segment IS 'segment of the customer';
COMMENT ON COLUMN cx_data.risk_rise.org_unit IS 'code of the unit in charge';
COMMENT ON COLUMN cx_data.risk_rise.risk_before IS 'risk before, 0..1';
COMMENT ON COLUMN cx_data.risk_rise.risk IS 'risk now, 0..1';
COMMENT ON COLUMN cx_data.risk_rise.rise IS 'risk minus risk_before';
COMMENT ON COLUMN cx_data.risk_rise.band_before IS 'low, medium or high, before';
COMMENT ON COLUMN cx_data.risk_rise.band IS 'low, medium or high, now';
COMMENT ON COLUMN cx_data.risk_rise.new_reasons IS 'reasons that were not among those before, the strongest first; of a model also those whose value changed';
COMMENT ON COLUMN cx_data.risk_rise.reasons IS 'all reasons now';
COMMENT ON COLUMN cx_data.risk_rise.basis IS 'signals, or model with its name and version';
COMMENT ON COLUMN cx_data.risk_rise.scored_before_at IS 'when the risk before was noted';
COMMENT ON COLUMN cx_data.risk_rise.scored_at IS 'when the risk now was noted';

END
$program$;
-- END OF PROGRAM

COMMENT ON PROCEDURE cx.define_program() IS 'makes whatever the program lacks in schema cx_data; called by create_program and upgrade_program';
-- Capture: the trigger on attached relations and what it needs

CREATE FUNCTION cx.capture() RETURNS trigger
	AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION cx.capture() IS 'trigger on attached relations: keeps feedback, events or tickets in step; its arguments hold the mapping, which runs with the rights of the relation''s owner';

CREATE FUNCTION cx.as_program_owner(work text, argument jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME' LANGUAGE C STRICT;
COMMENT ON FUNCTION cx.as_program_owner(text, jsonb) IS 'runs cx.owner_<work>(argument, caller) with the rights of the program''s owner, so that nothing planted on the program''s tables runs with the rights of a mightier caller';

CREATE FUNCTION cx.add_customers(names text[], seen_at timestamptz[], identity_kind text DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	added bigint;
	ids bigint[];
BEGIN
	IF identity_kind IS NULL THEN
		INSERT INTO cx_data.customer (code, first_seen_at)
		SELECT name, at FROM unnest(names, seen_at) AS seen (name, at) ORDER BY name
		ON CONFLICT (code) DO NOTHING;
		GET DIAGNOSTICS added = ROW_COUNT;
		RETURN added;
	END IF;

	ids := ARRAY(SELECT nextval(pg_get_serial_sequence('cx_data.customer', 'customer_id')) FROM unnest(names));
	INSERT INTO cx_data.customer (customer_id, code, first_seen_at)
	SELECT id, 'cx-' || id, at FROM unnest(ids, seen_at) AS seen (id, at);
	INSERT INTO cx_data.customer_identity (kind, value, customer_id)
	SELECT identity_kind, name, id FROM unnest(names, ids) AS seen (name, id) ORDER BY name
	ON CONFLICT (kind, value) DO NOTHING;
	GET DIAGNOSTICS added = ROW_COUNT;
	-- whom somebody else added at the same time has his identity from there
	IF added < cardinality(names) THEN
		DELETE FROM cx_data.customer WHERE customer_id = ANY (ids)
			AND NOT EXISTS (SELECT FROM cx_data.customer_identity AS identity WHERE identity.customer_id = customer.customer_id);
	END IF;
	RETURN added;
END
$$;
COMMENT ON FUNCTION cx.add_customers(text[], timestamptz[], text) IS 'adds customers by their codes, or by their identities of one kind, unless they exist; gives how many it added';

CREATE FUNCTION cx.create_capture_triggers(source text, arguments text[]) RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE C STRICT;
COMMENT ON FUNCTION cx.create_capture_triggers(text, text[]) IS 'checks a mapping and makes the triggers of a source on its relation; called by attach_feedback and its like';

CREATE FUNCTION cx.drop_capture_triggers(relation regclass, source text) RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE C STRICT;
COMMENT ON FUNCTION cx.drop_capture_triggers(regclass, text) IS 'drops the triggers of a source on a relation; for the relation''s owner and the program''s';

CREATE FUNCTION cx.captured_relations(source text) RETURNS SETOF regclass
	AS 'MODULE_PATHNAME' LANGUAGE C STRICT;
COMMENT ON FUNCTION cx.captured_relations(text) IS 'relations that have triggers of a source: what is attached, its children, and partitions that were detached meanwhile';

CREATE FUNCTION cx.cover_children(source text) RETURNS SETOF regclass
	AS 'MODULE_PATHNAME' LANGUAGE C STRICT;
COMMENT ON FUNCTION cx.cover_children(text) IS 'makes the triggers of a source on partitions and children that lack them, and gives these; called by maintain';

CREATE FUNCTION cx.pull_source(source text, since timestamptz, keys text[], part regclass, OUT inserted bigint, OUT updated bigint, OUT deleted bigint, OUT failed bigint, OUT changed_until timestamptz)
	AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION cx.pull_source(text, timestamptz, text[], regclass) IS 'brings feedback, events or tickets in step with the attached relation, with its rows changed since a time, with some of its keys, or with one of its partitions; called by sync_source';

CREATE FUNCTION cx.count_source(source text) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C STRICT;
COMMENT ON FUNCTION cx.count_source(text) IS 'rows of the attached relation that are to be captured, counted now; NULL if nothing is attached or you may neither read nor own it';

CREATE FUNCTION cx.try_count_source(source text, OUT source_rows bigint, OUT problem text)
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	source_rows := cx.count_source(source);
EXCEPTION WHEN OTHERS THEN
	-- one source that cannot be read must not hide the others
	problem := SQLERRM;
END
$$;
COMMENT ON FUNCTION cx.try_count_source(text) IS 'count_source, or why the rows cannot be counted; for the view cx_data.source_status';

CREATE FUNCTION cx.last_import_error(source bigint) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF has_column_privilege('cx_data.import_error', 'message', 'SELECT') THEN
		RETURN (SELECT message FROM cx_data.import_error WHERE source_id = source ORDER BY last_attempt_at DESC, import_error_id DESC LIMIT 1);
	END IF;
	RETURN 'only admins may read why';
END
$$;
COMMENT ON FUNCTION cx.last_import_error(bigint) IS 'why the row of a source that failed last could not be captured, for those who may read cx_data.import_error.message; for the view cx_data.source_status';
-- Attach and detach the user's tables

CREATE FUNCTION cx.check_attachable(relation regclass, pulled boolean) RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	attached record;
	why text;
	constraint_name name;
BEGIN
	SELECT relkind, relpersistence, relnamespace, relowner INTO STRICT attached FROM pg_class WHERE oid = relation;
	IF NOT pg_has_role(attached.relowner, 'USAGE') THEN
		RAISE EXCEPTION 'must be owner of relation %', relation
			USING ERRCODE = 'insufficient_privilege', HINT = 'Capturing runs with the rights of the owner, so the owner attaches it.';
	END IF;
	IF attached.relnamespace = to_regnamespace('cx_data') THEN
		RAISE EXCEPTION '% belongs to the CX program', relation
			USING ERRCODE = 'wrong_object_type', HINT = 'Attach tables of your own.';
	END IF;
	IF attached.relkind NOT IN ('r', 'p', 'v', 'f') OR attached.relpersistence = 't' THEN
		RAISE EXCEPTION '% cannot be attached', relation
			USING ERRCODE = 'wrong_object_type', HINT = 'Attach a table, a view or a foreign table that is not temporary; of a materialized view, attach a view that selects from it.';
	END IF;
	why := CASE
		WHEN attached.relkind = 'v' THEN 'It is a view.'
		WHEN attached.relkind = 'f' THEN 'It is a foreign table.'
		WHEN attached.relpersistence = 'u' THEN 'It is unlogged and empty after a crash, feedback is not.'
		ELSE (
			WITH RECURSIVE child AS (
				SELECT relation::oid AS oid UNION SELECT inhrelid FROM pg_inherits JOIN child ON inhparent = child.oid
			)
			SELECT format('%s, one of its partitions or children, is %s.', oid::regclass, CASE WHEN relkind = 'f' THEN 'a foreign table' WHEN relpersistence = 't' THEN 'temporary' ELSE 'unlogged' END)
			FROM pg_class JOIN child USING (oid)
			WHERE relkind = 'f' OR relpersistence <> 'p'
			ORDER BY oid
			LIMIT 1
		) END;
	IF NOT pulled AND why IS NOT NULL THEN
		RAISE EXCEPTION 'changes of % cannot be captured by triggers', relation
			USING ERRCODE = 'wrong_object_type', DETAIL = why,
				HINT = 'Give changed_at, the time at which a row was last changed; cx.sync_source() then brings the rows in.';
	END IF;
	IF NOT pulled AND EXISTS (SELECT FROM pg_subscription_rel WHERE srrelid = relation) THEN
		RAISE WARNING '% is filled by a subscription, for whose changes triggers for each statement never fire', relation
			USING HINT = 'Detach it and attach it with changed_at; cx.sync_source() then brings the rows in.';
	END IF;
	SELECT conname INTO constraint_name FROM pg_constraint
	WHERE condeferrable AND conrelid IN ('cx_data.feedback'::regclass, 'cx_data.event'::regclass, 'cx_data.ticket'::regclass, 'cx_data.ticket_event'::regclass, 'cx_data.customer'::regclass, 'cx_data.customer_identity'::regclass, 'cx_data.touchpoint'::regclass, 'cx_data.import_error'::regclass);
	IF FOUND THEN
		RAISE EXCEPTION 'constraint "%" of the CX program is deferrable', constraint_name
			USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Make it NOT DEFERRABLE: capturing cannot leave checks for later.';
	END IF;
END
$$;
COMMENT ON FUNCTION cx.check_attachable(regclass, boolean) IS 'raises an error unless the caller may attach the relation, by triggers or to be pulled; called by attach_feedback and its like';

CREATE FUNCTION cx.owner_register(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT has_table_privilege(caller, 'cx_data.source', 'INSERT') OR NOT pg_has_role(caller, (SELECT relowner FROM pg_class WHERE oid = (argument ->> 'relation')::oid), 'USAGE') THEN
		RAISE EXCEPTION 'permission denied to register a source'
			USING ERRCODE = 'insufficient_privilege', HINT = 'The owner of a relation registers it, and needs INSERT on cx_data.source.';
	END IF;
	IF EXISTS (SELECT FROM cx_data.source WHERE name = argument ->> 'source' AND relation IS NULL) AND NOT has_table_privilege(caller, 'cx_data.source', 'UPDATE') THEN
		RAISE EXCEPTION 'permission denied to attach a relation to source "%", which exists', argument ->> 'source'
			USING ERRCODE = 'insufficient_privilege', HINT = 'What it delivered would be compared with the relation; that takes UPDATE on cx_data.source.';
	END IF;
	INSERT INTO cx_data.source AS known (name, kind, relation, mapping, pulled)
	VALUES (argument ->> 'source', argument ->> 'kind', (argument ->> 'relation')::oid, argument -> 'mapping', (argument -> 'pulled')::boolean)
	ON CONFLICT (name) DO UPDATE SET relation = excluded.relation, mapping = excluded.mapping, pulled = excluded.pulled
	WHERE known.relation IS NULL AND known.kind = excluded.kind;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'source "%" exists already', argument ->> 'source'
			USING ERRCODE = 'duplicate_object', HINT = format('Choose another name, or SELECT cx.detach_source(%L) first.', argument ->> 'source');
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.owner_register(jsonb, oid) IS 'notes that a relation is attached; part of attach_feedback and its like, with the rights of the program''s owner';

CREATE FUNCTION cx.check_may_act_for_source(source text, caller oid) RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF cx.owns_program(caller) IS NOT TRUE
		AND NOT coalesce((SELECT pg_has_role(caller, relowner, 'USAGE') FROM pg_class JOIN cx_data.source AS s ON s.relation = pg_class.oid WHERE s.name = check_may_act_for_source.source), false) THEN
		RAISE EXCEPTION 'must be owner of the attached relation or of the CX program' USING ERRCODE = 'insufficient_privilege';
	END IF;
END
$$;
COMMENT ON FUNCTION cx.check_may_act_for_source(text, oid) IS 'raises an error unless a role owns the relation of a source or the CX program';

CREATE FUNCTION cx.owner_unregister(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	known record;
	removed bigint := 0;
BEGIN
	PERFORM cx.check_may_act_for_source(argument ->> 'source', caller);
	SELECT source_id, kind INTO known FROM cx_data.source WHERE name = argument ->> 'source' FOR NO KEY UPDATE;
	IF (argument -> 'keep_rows')::boolean THEN
		UPDATE cx_data.source SET relation = NULL, pulled = false WHERE source_id = known.source_id;
		RETURN to_jsonb(removed);
	END IF;
	IF NOT has_table_privilege(caller, 'cx_data.' || known.kind, 'DELETE') THEN
		RAISE EXCEPTION 'permission denied to delete what source "%" delivered', argument ->> 'source' USING ERRCODE = 'insufficient_privilege';
	END IF;
	IF known.kind = 'event' THEN
		DELETE FROM cx_data.event WHERE source_id = known.source_id;
	ELSIF known.kind = 'ticket' THEN
		DELETE FROM cx_data.ticket WHERE source_id = known.source_id;
	ELSE
		DELETE FROM cx_data.feedback WHERE source_id = known.source_id;
	END IF;
	GET DIAGNOSTICS removed = ROW_COUNT;
	DELETE FROM cx_data.source WHERE source_id = known.source_id;
	RETURN to_jsonb(removed);
END
$$;
COMMENT ON FUNCTION cx.owner_unregister(jsonb, oid) IS 'notes that a source is attached no more; part of detach_source, with the rights of the program''s owner';

CREATE FUNCTION cx.owner_begin_sync(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.check_may_act_for_source(argument ->> 'source', caller);
	-- one at a time
	PERFORM FROM cx_data.source WHERE name = argument ->> 'source' FOR NO KEY UPDATE;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.owner_begin_sync(jsonb, oid) IS 'keeps other synchronisations of the source waiting; part of sync_source, with the rights of the program''s owner';

CREATE FUNCTION cx.owner_end_sync(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.check_may_act_for_source(argument ->> 'source', caller);
	UPDATE cx_data.source SET
		pulled_at = now(),
		pulled_until = greatest(pulled_until, (argument ->> 'changed_until')::timestamptz),
		compared_at = CASE WHEN (argument -> 'all_rows')::boolean THEN now() ELSE compared_at END
	WHERE name = argument ->> 'source';
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.owner_end_sync(jsonb, oid) IS 'notes what was synchronised; part of sync_source, with the rights of the program''s owner';

CREATE FUNCTION cx.attach(kind text, source text, relation regclass, mapping json) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	is_pulled CONSTANT boolean := mapping ->> 'changed_at' IS NOT NULL;
	trigger_arguments text[] := ARRAY[kind, source, 'alias', (SELECT relname FROM pg_class WHERE oid = relation)];
	entry record;
	missing text;
	result record;
BEGIN
	PERFORM cx.require_program();
	PERFORM cx.require_read_committed();
	FOREACH missing IN ARRAY ARRAY['key', CASE kind WHEN 'event' THEN 'occurred_at' WHEN 'ticket' THEN 'opened_at' ELSE 'responded_at' END] LOOP
		IF mapping ->> missing IS NULL THEN
			RAISE EXCEPTION '% must be given', missing USING ERRCODE = 'invalid_parameter_value', HINT = 'It is an SQL expression over the columns of the relation, in a text.';
		END IF;
	END LOOP;
	IF source IS NULL OR relation IS NULL THEN
		RAISE EXCEPTION 'source and relation must be given' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF mapping ->> 'on_unknown' NOT IN ('error', 'create') THEN
		RAISE EXCEPTION 'on_unknown "%" is not known', mapping ->> 'on_unknown' USING ERRCODE = 'invalid_parameter_value', HINT = 'Use error or create.';
	END IF;
	IF mapping ->> 'on_error' NOT IN ('fail', 'record') THEN
		RAISE EXCEPTION 'on_error "%" is not known', mapping ->> 'on_error' USING ERRCODE = 'invalid_parameter_value', HINT = 'Use fail or record.';
	END IF;
	PERFORM cx.check_attachable(relation, is_pulled);

	FOR entry IN SELECT key, value FROM json_each_text(mapping) LOOP
		trigger_arguments := trigger_arguments || ARRAY[entry.key, entry.value];
	END LOOP;
	PERFORM cx.as_program_owner('register', jsonb_build_object('source', source, 'kind', kind, 'relation', relation::oid::bigint,
		'mapping', mapping, 'pulled', is_pulled));
	PERFORM cx.create_capture_triggers(source, trigger_arguments);
	PERFORM cx.cover_children(source);
	SELECT * INTO result FROM cx.sync_source(source);
	IF result.failed > 0 THEN
		RAISE WARNING '% rows of source "%" could not be captured', result.failed, source
			USING HINT = 'Table cx_data.import_error tells why; CALL cx.maintain() tries them again.';
	END IF;
	RETURN result.inserted + result.updated;
END
$$;
COMMENT ON FUNCTION cx.attach(text, text, regclass, json) IS 'attaches a relation; called by attach_feedback and its like';

CREATE FUNCTION cx.attach_feedback(source text, relation regclass, key text, customer text DEFAULT NULL, touchpoint text DEFAULT NULL, metric text DEFAULT NULL, score text DEFAULT NULL, responded_at text DEFAULT NULL, comment text DEFAULT NULL, channel text DEFAULT NULL, org_unit text DEFAULT NULL, staff text DEFAULT NULL, kind text DEFAULT NULL, attributes text DEFAULT NULL, only_if text DEFAULT NULL, customer_kind text DEFAULT NULL, on_unknown text DEFAULT 'error', on_error text DEFAULT 'fail', changed_at text DEFAULT NULL) RETURNS bigint
	LANGUAGE sql
	RETURN cx.attach('feedback', source, relation, pg_catalog.json_strip_nulls(pg_catalog.json_build_object('key', key, 'customer', customer, 'touchpoint', touchpoint, 'metric', metric, 'score', score, 'responded_at', responded_at, 'comment', comment, 'channel', channel, 'org_unit', org_unit, 'staff', staff, 'kind', kind, 'attributes', attributes, 'only_if', only_if, 'customer_kind', NULLIF(customer_kind, 'code'), 'on_unknown', NULLIF(on_unknown, 'error'), 'on_error', NULLIF(on_error, 'fail'), 'changed_at', changed_at)));
COMMENT ON FUNCTION cx.attach_feedback(text, regclass, text, text, text, text, text, text, text, text, text, text, text, text, text, text, text, text, text) IS 'attaches a table whose rows are feedback: from key on, each argument is an SQL expression over its columns, in a text; from then on cx_data.feedback follows each of its changes. Call it with named arguments; gives how many rows were captured. With changed_at, cx.sync_source() brings the rows in instead of triggers';

CREATE FUNCTION cx.attach_event(source text, relation regclass, key text, customer text DEFAULT NULL, touchpoint text DEFAULT NULL, name text DEFAULT NULL, value text DEFAULT NULL, occurred_at text DEFAULT NULL, org_unit text DEFAULT NULL, attributes text DEFAULT NULL, only_if text DEFAULT NULL, customer_kind text DEFAULT NULL, on_unknown text DEFAULT 'error', on_error text DEFAULT 'fail', changed_at text DEFAULT NULL) RETURNS bigint
	LANGUAGE sql
	RETURN cx.attach('event', source, relation, pg_catalog.json_strip_nulls(pg_catalog.json_build_object('key', key, 'customer', customer, 'touchpoint', touchpoint, 'name', name, 'value', value, 'occurred_at', occurred_at, 'org_unit', org_unit, 'attributes', attributes, 'only_if', only_if, 'customer_kind', NULLIF(customer_kind, 'code'), 'on_unknown', NULLIF(on_unknown, 'error'), 'on_error', NULLIF(on_error, 'fail'), 'changed_at', changed_at)));
COMMENT ON FUNCTION cx.attach_event(text, regclass, text, text, text, text, text, text, text, text, text, text, text, text, text) IS 'attaches a table whose rows are events, as attach_feedback does for feedback: cx_data.event follows each of its changes';

CREATE FUNCTION cx.attach_ticket(source text, relation regclass, key text, customer text DEFAULT NULL, touchpoint text DEFAULT NULL, status text DEFAULT NULL, priority text DEFAULT NULL, opened_at text DEFAULT NULL, first_response_at text DEFAULT NULL, solved_at text DEFAULT NULL, reopened text DEFAULT NULL, staff text DEFAULT NULL, org_unit text DEFAULT NULL, root_cause text DEFAULT NULL, subject text DEFAULT NULL, closed_at text DEFAULT NULL, only_if text DEFAULT NULL, customer_kind text DEFAULT NULL, on_unknown text DEFAULT 'error', on_error text DEFAULT 'fail', changed_at text DEFAULT NULL) RETURNS bigint
	LANGUAGE sql
	RETURN cx.attach('ticket', source, relation, pg_catalog.json_strip_nulls(pg_catalog.json_build_object('key', key, 'customer', customer, 'touchpoint', touchpoint, 'status', status, 'priority', priority, 'opened_at', opened_at, 'first_response_at', first_response_at, 'solved_at', solved_at, 'reopened', reopened, 'staff', staff, 'org_unit', org_unit, 'root_cause', root_cause, 'subject', subject, 'closed_at', closed_at, 'only_if', only_if, 'customer_kind', NULLIF(customer_kind, 'code'), 'on_unknown', NULLIF(on_unknown, 'error'), 'on_error', NULLIF(on_error, 'fail'), 'changed_at', changed_at)));
COMMENT ON FUNCTION cx.attach_ticket(text, regclass, text, text, text, text, text, text, text, text, text, text, text, text, text, text, text, text, text, text, text) IS 'attaches a table whose rows are tickets of another tool, as attach_feedback does for feedback: cx_data.ticket and its history follow each of its changes. status gives new, open, pending, on_hold, solved (or resolved) or closed, and where it is not given follows from closed_at and solved_at; priority gives low, normal, high or urgent, and NULL is normal; reopened gives how often it was reopened, else that is counted. Where solved_at is not given or NULL, a solved ticket takes closed_at, else the time of the change that solved it: changed_at, else now; if it came solved, opened_at';

CREATE FUNCTION cx.detach_source(source text, keep_rows boolean DEFAULT true) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	attached regclass;
BEGIN
	PERFORM cx.require_program();
	PERFORM FROM cx_data.source WHERE name = detach_source.source;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'source "%" does not exist', source
			USING ERRCODE = 'undefined_object', HINT = 'SELECT name FROM cx_data.source shows the sources.';
	END IF;
	FOR attached IN SELECT cx.captured_relations(source) LOOP
		PERFORM cx.drop_capture_triggers(attached, source);
	END LOOP;
	RETURN cx.as_program_owner('unregister', jsonb_build_object('source', source, 'keep_rows', coalesce(keep_rows, true)))::bigint;
END
$$;
COMMENT ON FUNCTION cx.detach_source(text, boolean) IS 'ends the capturing of a source; what was captured stays unless keep_rows is false; gives how many rows of feedback, events or tickets were removed';

CREATE FUNCTION cx.sync_source(source text, since timestamptz DEFAULT NULL, OUT inserted bigint, OUT updated bigint, OUT deleted bigint, OUT failed bigint)
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	changed_until timestamptz;
BEGIN
	PERFORM cx.require_program();
	PERFORM cx.require_read_committed();
	PERFORM cx.as_program_owner('begin_sync', jsonb_build_object('source', source));
	SELECT pull.inserted, pull.updated, pull.deleted, pull.failed, pull.changed_until
	INTO inserted, updated, deleted, failed, changed_until
	FROM cx.pull_source(source, since, NULL, NULL) AS pull;
	PERFORM cx.as_program_owner('end_sync', jsonb_build_object('source', source, 'changed_until', changed_until, 'all_rows', since IS NULL));
END
$$;
COMMENT ON FUNCTION cx.sync_source(text, timestamptz) IS 'brings feedback, events or tickets in step with a source: with since only rows changed since then, else all of them, and rows that left leave; doing it again changes nothing';
-- Adapters: products that keep their answers in this database

CREATE FUNCTION cx.check_adapter(schema name, relation text, columns text[]) RETURNS regclass
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	found CONSTANT regclass := to_regclass(format('%I.%I', schema, relation));
	missing text;
BEGIN
	IF found IS NULL THEN
		RAISE EXCEPTION 'relation "%.%" does not exist', schema, relation
			USING ERRCODE = 'undefined_table', HINT = 'Give the schema that the product keeps its tables in.';
	END IF;
	SELECT string_agg(quote_ident(name), ', ') INTO missing
	FROM unnest(columns) AS name
	WHERE NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = found AND attname = name AND attnum > 0 AND NOT attisdropped);
	IF missing IS NOT NULL THEN
		RAISE EXCEPTION 'relation "%.%" lacks %', schema, relation, missing
			USING ERRCODE = 'undefined_column', HINT = 'Is it that of the product? Otherwise attach it with cx.attach_feedback().';
	END IF;
	RETURN found;
END
$$;
COMMENT ON FUNCTION cx.check_adapter(name, text, text[]) IS 'a relation of a product, after checking that it has these columns; called by the adapters';

CREATE FUNCTION cx.formbricks_questions(schema name) RETURNS TABLE (survey text, question text, metric text)
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF to_regclass(format('%I.%I', schema, 'Survey')) IS NULL THEN
		RETURN;
	END IF;
	RETURN QUERY EXECUTE format($query$
		SELECT s.id::text, q ->> 'id',
			CASE WHEN q ->> 'type' = 'nps' THEN 'nps'
				WHEN q ->> 'type' = 'rating' AND q ->> 'range' = '5' THEN 'csat'
				WHEN q ->> 'type' = 'rating' AND q ->> 'range' = '7' THEN 'csat7'
				WHEN q ->> 'type' = 'rating' AND q ->> 'range' = '10' THEN 'csat10'
				WHEN q ->> 'type' = 'rating' AND q ->> 'range' = '3' THEN 'csat3'
				WHEN q ->> 'type' = 'rating' AND q ->> 'range' = '4' THEN 'csat4' END
		FROM %I."Survey" AS s CROSS JOIN jsonb_array_elements(CASE jsonb_typeof(to_jsonb(s.questions)) WHEN 'array' THEN to_jsonb(s.questions) ELSE '[]' END) AS q
		WHERE q ->> 'type' IN ('nps', 'rating')
		ORDER BY 1, 2$query$, schema);
END
$$;
COMMENT ON FUNCTION cx.formbricks_questions(name) IS 'questions of Formbricks that ask for a score, with the metric of their scale; none if the schema has no table "Survey"';

CREATE FUNCTION cx.attach_formbricks(schema name, questions jsonb DEFAULT NULL) RETURNS TABLE (source text, question text, metric text, captured bigint)
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	response CONSTANT regclass := cx.check_adapter(schema, 'Response', '{id,surveyId,contactId,finished,data,createdAt}');
	asked record;
BEGIN
	PERFORM cx.require_program();
	IF questions IS NULL AND NOT EXISTS (SELECT FROM cx.formbricks_questions(schema)) THEN
		RAISE EXCEPTION 'no question of Formbricks was found in schema "%"', schema
			USING ERRCODE = 'no_data_found', HINT = 'Name them: questions => ''{"question id": {"metric": "nps", "touchpoint": "app", "comment": "other question id"}}''.';
	END IF;
	FOR asked IN
		SELECT DISTINCT ON (id) id, setting
		FROM (
			SELECT q.question AS id, jsonb_build_object('metric', q.metric, 'survey', q.survey) AS setting FROM cx.formbricks_questions(schema) AS q WHERE questions IS NULL AND q.metric IS NOT NULL
			UNION ALL SELECT key, value FROM jsonb_each(questions)
		) AS all_questions
		ORDER BY id
	LOOP
		source := 'formbricks/' || asked.id;
		question := asked.id;
		metric := asked.setting ->> 'metric';
		captured := cx.attach_feedback(source, response, key => 'id', customer => '"contactId"', customer_kind => 'formbricks', touchpoint => quote_literal(asked.setting ->> 'touchpoint'),
			metric => quote_literal(metric), score => format('(data ->> %L)::double precision', asked.id), responded_at => '"createdAt"' || CASE
				-- Formbricks keeps times without a zone, which are those of Greenwich
				WHEN (SELECT atttypid = 'timestamp'::regtype FROM pg_attribute WHERE attrelid = response AND attname = 'createdAt') THEN ' AT TIME ZONE ''UTC''' ELSE '' END,
			comment => format('data ->> %L', asked.setting ->> 'comment'), channel => '''formbricks''',
			only_if => format('finished AND jsonb_typeof(data -> %L) = ''number''', asked.id)
				|| CASE WHEN asked.setting ? 'survey' THEN format(' AND "surveyId" = %L', asked.setting ->> 'survey') ELSE '' END,
			on_error => 'record', on_unknown => 'create');
		RETURN NEXT;
	END LOOP;
END
$$;
COMMENT ON FUNCTION cx.attach_formbricks(name, jsonb) IS 'attaches the table "Response" of Formbricks in a schema: one source for each question that asks for a score. The questions are found in its table "Survey", or given as {"question id": {"metric": "nps", "touchpoint": "app", "comment": "id of the question for words", "survey": "survey id"}}; customers are known by identities of kind formbricks. Gives what was attached';

CREATE FUNCTION cx.attach_chatwoot(schema name, touchpoint text DEFAULT 'chat') RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	response CONSTANT regclass := cx.check_adapter(schema, 'csat_survey_responses', '{id,account_id,conversation_id,contact_id,assigned_agent_id,rating,feedback_message,created_at}');
BEGIN
	PERFORM cx.require_program();
	RETURN cx.attach_feedback('chatwoot', response, key => 'id', customer => 'contact_id', customer_kind => 'chatwoot', touchpoint => quote_literal(touchpoint), metric => '''csat''',
		score => 'rating', responded_at => 'created_at' || CASE
			-- Chatwoot keeps times without a zone, which are those of Greenwich
			WHEN (SELECT atttypid = 'timestamp'::regtype FROM pg_attribute WHERE attrelid = response AND attname = 'created_at') THEN ' AT TIME ZONE ''UTC''' ELSE '' END,
		comment => 'feedback_message', channel => '''chat''',
		attributes => 'jsonb_strip_nulls(jsonb_build_object(''account_id'', account_id, ''conversation_id'', conversation_id, ''agent_id'', assigned_agent_id))',
		on_error => 'record', on_unknown => 'create');
END
$$;
COMMENT ON FUNCTION cx.attach_chatwoot(name, text) IS 'attaches the table csat_survey_responses of Chatwoot in a schema, as satisfaction of 1-5 with a touchpoint; customers are known by identities of kind chatwoot. Gives how many rows were captured';
-- Invitations: who is asked, and who is left in peace

CREATE FUNCTION cx.program_time(at timestamptz, period interval) RETURNS timestamptz
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN (SELECT (at AT TIME ZONE time_zone + period) AT TIME ZONE time_zone FROM cx_data.program);
END
$$;
COMMENT ON FUNCTION cx.program_time(timestamptz, interval) IS 'an instant and a period after it: days, months and years are those of the calendar in the program''s time zone';

CREATE FUNCTION cx.invitation_token(value text) RETURNS uuid
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	BEGIN ATOMIC
		SELECT CASE WHEN value ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' THEN value::uuid END;
	END;
COMMENT ON FUNCTION cx.invitation_token(text) IS 'the token of an invitation that a link carries; NULL for whatever else it may carry';

CREATE FUNCTION cx.invited_customer(token text) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	invited CONSTANT uuid := cx.invitation_token(token);
BEGIN
	IF invited IS NULL THEN
		RETURN NULL;
	END IF;
	RETURN coalesce(
		-- as he was called when he was invited
		(SELECT coalesce(n.value, c.code)
			FROM cx_data.invitation AS i JOIN cx_data.customer AS c USING (customer_id)
			LEFT JOIN cx_data.customer_identity AS n ON n.customer_merge_id = i.customer_merge_id AND n.customer_id = i.customer_id AND n.kind = 'code'
			WHERE i.token = invited),
		-- that of a customer who was erased stands for himself
		CASE WHEN EXISTS (SELECT FROM cx_data.erased_customer AS e WHERE e.name_hash = cx.erased_hash('invitation', invited::text)) THEN invited::text END);
END
$$;
COMMENT ON FUNCTION cx.invited_customer(text) IS 'code of the customer whose invitation has this token; the token itself if he was erased; NULL if none has';

CREATE FUNCTION cx.erase_from_invitation(customer bigint, strings text[]) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	erased bigint;
BEGIN
	UPDATE cx_data.invitation AS i SET token = gen_random_uuid(),
		status = CASE i.status WHEN 'queued' THEN 'suppressed' ELSE i.status END, reason = CASE i.status WHEN 'queued' THEN 'erased' ELSE i.reason END
	WHERE i.customer_id = customer;
	GET DIAGNOSTICS erased = ROW_COUNT;
	RETURN erased;
END
$$;
COMMENT ON FUNCTION cx.erase_from_invitation(bigint, text[]) IS 'takes the tokens of a customer''s invitations out, which lead to his responses, and suppresses those that are queued; part of erase_customer';

CREATE FUNCTION cx.opted_out(customer bigint, survey bigint, channel text) RETURNS boolean
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN EXISTS (SELECT FROM cx_data.contact_opt_out AS o
		WHERE o.customer_id = customer AND coalesce(o.survey_id, survey) = survey AND (o.channel IS NULL OR o.channel = opted_out.channel));
END
$$;
COMMENT ON FUNCTION cx.opted_out(bigint, bigint, text) IS 'whether a customer does not want to be invited to a survey by a channel';

CREATE FUNCTION cx.suppress_opted_out(customer bigint DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	suppressed bigint;
BEGIN
	UPDATE cx_data.invitation AS i SET status = 'suppressed', reason = 'opted out'
	WHERE i.status = 'queued' AND (customer IS NULL OR i.customer_id = customer)
		AND i.customer_id IN (SELECT o.customer_id FROM cx_data.contact_opt_out AS o) AND cx.opted_out(i.customer_id, i.survey_id, i.channel);
	GET DIAGNOSTICS suppressed = ROW_COUNT;
	RETURN suppressed;
END
$$;
COMMENT ON FUNCTION cx.suppress_opted_out(bigint) IS 'suppresses queued invitations of a customer, or of all, that they do not want; gives how many. Called by opt_out and claim_invitations';

CREATE FUNCTION cx.suppression_reason(customer bigint, survey bigint, channel text, at timestamptz) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF cx.opted_out(customer, survey, channel) THEN
		RETURN 'opted out';
	END IF;
	IF EXISTS (SELECT FROM cx_data.invitation AS i
			WHERE i.customer_id = customer AND i.survey_id = survey AND i.status IN ('queued', 'sent') AND i.expires_at > at) THEN
		RETURN 'already invited';
	END IF;
	IF EXISTS (SELECT FROM cx_data.invitation AS i JOIN cx_data.survey AS s USING (survey_id)
			WHERE i.customer_id = customer AND i.survey_id = survey AND i.status <> 'suppressed'
				AND coalesce(i.sent_at, i.invited_at) > cx.program_time(at, -s.cooldown) AND i.invited_at < cx.program_time(at, s.cooldown)) THEN
		RETURN 'cooldown';
	END IF;
	RETURN (SELECT r.code FROM cx_data.contact_rule AS r
		WHERE (r.channel IS NULL OR r.channel = suppression_reason.channel)
			AND r.max_invitations <= (SELECT count(*) FROM cx_data.invitation AS i
				WHERE i.customer_id = customer AND i.status <> 'suppressed' AND (r.channel IS NULL OR i.channel = r.channel)
					AND coalesce(i.sent_at, i.invited_at) > cx.program_time(at, -r.period) AND i.invited_at < cx.program_time(at, r.period))
		ORDER BY r.contact_rule_id LIMIT 1);
END
$$;
COMMENT ON FUNCTION cx.suppression_reason(bigint, bigint, text, timestamptz) IS 'why a customer must not be invited to a survey at a time: opted out, already invited, cooldown, or the code of a contact rule; NULL if nothing is against it. Called by invite';

CREATE FUNCTION cx.merge_of_code(code text) RETURNS bigint
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN (SELECT n.customer_merge_id FROM cx_data.customer_identity AS n WHERE n.kind = 'code' AND n.value = code);
END
$$;
COMMENT ON FUNCTION cx.merge_of_code(text) IS 'merge in which the customer of this code went into another one; NULL if he did not';

CREATE FUNCTION cx.invite(customer text, survey text, channel text DEFAULT NULL, at timestamptz DEFAULT now(), OUT invitation_id bigint, OUT status text, OUT reason text, OUT token uuid)
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	invited bigint;
	asked record;
BEGIN
	PERFORM cx.require_program();
	PERFORM cx.require_read_committed();
	SELECT s.survey_id, s.active, s.valid_for, coalesce(invite.channel, s.channel) AS channel INTO asked FROM cx_data.survey AS s WHERE s.code = survey;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'survey "%" does not exist', survey USING ERRCODE = 'undefined_object', HINT = 'Add it to cx_data.survey.';
	END IF;
	IF NOT asked.active THEN
		RAISE EXCEPTION 'survey "%" is not active', survey
			USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'UPDATE cx_data.survey SET active = true.';
	END IF;
	IF NOT isfinite(at) OR at IS NULL THEN
		RAISE EXCEPTION 'at must be a time' USING ERRCODE = 'invalid_parameter_value', HINT = 'Leave it out for now.';
	END IF;
	-- one at a time for each customer, so that rules see what others do
	SELECT c.customer_id INTO invited FROM cx_data.customer AS c WHERE c.customer_id = cx.identify('code', customer) FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'customer "%" does not exist', customer USING ERRCODE = 'undefined_object', HINT = 'Add it to cx_data.customer.';
	END IF;
	reason := cx.suppression_reason(invited, asked.survey_id, asked.channel, at);
	INSERT INTO cx_data.invitation AS i (survey_id, customer_id, customer_merge_id, channel, status, reason, invited_at, expires_at)
	VALUES (asked.survey_id, invited, cx.merge_of_code(customer),
		asked.channel, CASE WHEN invite.reason IS NULL THEN 'queued' ELSE 'suppressed' END, invite.reason, at, cx.program_time(at, asked.valid_for))
	RETURNING i.invitation_id, i.status, CASE i.status WHEN 'queued' THEN i.token END INTO invitation_id, status, token;
END
$$;
COMMENT ON FUNCTION cx.invite(text, text, text, timestamptz) IS 'invites a customer to a survey, unless he opted out, is invited already, the survey''s cooldown lasts or a contact rule forbids it: then the invitation is noted as suppressed, with the reason. Gives its key, status, and the token for the link';

CREATE FUNCTION cx.claim_invitations(most integer DEFAULT 100, survey text DEFAULT NULL)
	RETURNS TABLE (invitation_id bigint, survey_code text, customer text, channel text, token uuid, expires_at timestamptz)
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	-- who opted out meanwhile, by whatever way that came
	PERFORM cx.suppress_opted_out();
	-- who was invited twice, as two customers that were merged since
	UPDATE cx_data.invitation AS i SET status = 'suppressed', reason = 'already invited'
	WHERE i.status = 'queued' AND EXISTS (SELECT FROM cx_data.invitation AS earlier
		WHERE earlier.survey_id = i.survey_id AND earlier.customer_id = i.customer_id AND earlier.invitation_id < i.invitation_id
			AND earlier.status IN ('queued', 'sent') AND earlier.expires_at > greatest(i.invited_at, now()));
	RETURN QUERY
	WITH claimed AS (
		SELECT i.invitation_id FROM cx_data.invitation AS i JOIN cx_data.survey AS s USING (survey_id)
		WHERE i.status = 'queued' AND i.invited_at <= now() AND i.expires_at > now() AND (claim_invitations.survey IS NULL OR s.code = claim_invitations.survey)
		ORDER BY i.invitation_id LIMIT greatest(most, 0) FOR UPDATE OF i SKIP LOCKED
	), sent AS (
		UPDATE cx_data.invitation AS i SET status = 'sent', sent_at = now() FROM claimed WHERE i.invitation_id = claimed.invitation_id RETURNING i.*
	)
	SELECT sent.invitation_id, s.code, c.code, sent.channel, sent.token, sent.expires_at
	FROM sent JOIN cx_data.survey AS s USING (survey_id) LEFT JOIN cx_data.customer AS c USING (customer_id)
	ORDER BY sent.invitation_id;
END
$$;
COMMENT ON FUNCTION cx.claim_invitations(integer, text) IS 'takes queued invitations to send them, the oldest first, and notes them as sent; several senders at once get different ones, and if the transaction is rolled back they are queued again';

CREATE FUNCTION cx.opt_out(customer text, survey text DEFAULT NULL, channel text DEFAULT NULL, reason text DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	who bigint;
	asked bigint;
BEGIN
	PERFORM cx.require_program();
	SELECT c.customer_id INTO who FROM cx_data.customer AS c WHERE c.customer_id = cx.identify('code', customer) FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'customer "%" does not exist', customer USING ERRCODE = 'undefined_object', HINT = 'Add it to cx_data.customer.';
	END IF;
	SELECT s.survey_id INTO asked FROM cx_data.survey AS s WHERE s.code = survey;
	IF NOT FOUND AND survey IS NOT NULL THEN
		RAISE EXCEPTION 'survey "%" does not exist', survey USING ERRCODE = 'undefined_object', HINT = 'Leave it out for all surveys.';
	END IF;
	INSERT INTO cx_data.contact_opt_out (customer_id, customer_merge_id, survey_id, channel, reason)
	VALUES (who, cx.merge_of_code(customer), asked, opt_out.channel, opt_out.reason)
	ON CONFLICT ON CONSTRAINT contact_opt_out_key DO UPDATE SET reason = coalesce(excluded.reason, contact_opt_out.reason);
	-- what waits to be sent does not go out either
	PERFORM cx.suppress_opted_out(who);
END
$$;
COMMENT ON FUNCTION cx.opt_out(text, text, text, text) IS 'notes that a customer does not want to be invited, to a survey or by a channel or at all; queued invitations are suppressed. Deleting the row of cx_data.contact_opt_out takes it back';

CREATE FUNCTION cx.match_invitations() RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	answered bigint;
BEGIN
	UPDATE cx_data.invitation AS i SET status = 'answered', answered_at = found.responded_at, feedback_id = found.feedback_id
	FROM (
		-- the first answer of each invitation, and of those that have the same the first invitation
		SELECT DISTINCT ON (answer.feedback_id) open.invitation_id, answer.feedback_id, answer.responded_at
		FROM cx_data.invitation AS open
		JOIN cx_data.survey AS s USING (survey_id)
		CROSS JOIN LATERAL (
			SELECT f.feedback_id, f.responded_at
			FROM cx_data.feedback AS f
			WHERE f.customer_id = open.customer_id AND f.source_id = s.source_id
				AND f.responded_at >= open.invited_at AND f.responded_at < open.expires_at
				-- an answer to another invitation, be it to another question of the survey
				AND NOT EXISTS (SELECT FROM cx_data.invitation AS other JOIN cx_data.survey AS asked USING (survey_id)
					WHERE other.customer_id = open.customer_id AND (other.feedback_id = f.feedback_id OR (other.answered_at = f.responded_at AND asked.source_id = s.source_id)))
			ORDER BY f.responded_at, f.feedback_id LIMIT 1
		) AS answer
		-- files may come weeks after the answers in them
		WHERE open.status IN ('queued', 'sent') OR (open.status = 'expired' AND open.expires_at > now() - interval '60 days')
		ORDER BY answer.feedback_id, open.invitation_id
	) AS found
	-- unless an import answered it meanwhile
	WHERE found.invitation_id = i.invitation_id AND i.status IN ('queued', 'sent', 'expired');
	GET DIAGNOSTICS answered = ROW_COUNT;
	UPDATE cx_data.invitation SET status = 'expired' WHERE status IN ('queued', 'sent') AND expires_at <= now();
	RETURN answered;
END
$$;
COMMENT ON FUNCTION cx.match_invitations() IS 'finds invitations that feedback of their customer from their survey''s source answers, and those that expired; gives how many are answered. cx.maintain() calls it';
-- Import: responses of survey tools, and feedback from one's own programs

CREATE FUNCTION cx.csv_rows(content text, separator text DEFAULT NULL, OUT line bigint, OUT fields text[]) RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.csv_rows(text, text) IS 'rows of comma-separated values (RFC 4180; line breaks in quotes, byte-order mark), each with the number of its first line; empty fields are NULL. The separator is found in the first line unless given. Error if a quote is never closed';

CREATE FUNCTION cx.import_score(answer jsonb, choices jsonb DEFAULT NULL) RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.import_score(jsonb, jsonb) IS 'the score that an answer is: what choices say of it, which it must then be among; else a number, a number that words follow (10 - Extremely likely), true and false as 1 and 0; NULL if empty. Error for anything else';

CREATE FUNCTION cx.import_time(value jsonb, zone text) RETURNS timestamptz
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.import_time(jsonb, text) IS 'the time that a value is: seconds or milliseconds since 1970, or a text, read in the zone unless it says its own; NULL if empty';

CREATE FUNCTION cx.import_responses(source text, payload jsonb, work text, customer_kind text DEFAULT NULL, OUT responses bigint, OUT inserted bigint, OUT updated bigint, OUT set_aside bigint, OUT failed bigint)
	AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION cx.import_responses(text, jsonb, text, text) IS 'imports the responses of a payload as the source''s definition says; work is delivered, again or submitted. Called by import_feedback, import_csv, maintain and submit_feedback, which say more';

CREATE FUNCTION cx.import_is_path(setting text) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	BEGIN ATOMIC
		SELECT setting ~ '^\s*((strict|lax)\s+)?\$';
	END;
COMMENT ON FUNCTION cx.import_is_path(text) IS 'whether a setting of an import is a SQL/JSON path, which begins with $, rather than what is meant itself';

CREATE FUNCTION cx.import_setting(question jsonb, definition jsonb, name text, OUT given text, OUT path jsonpath)
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	BEGIN ATOMIC
		SELECT CASE WHEN NOT is_path THEN setting END, CASE WHEN is_path THEN setting END::pg_catalog.jsonpath
		FROM (SELECT coalesce(question ->> name, definition ->> name) AS setting) AS s
		CROSS JOIN LATERAL cx.import_is_path(setting) AS is_path;
	END;
COMMENT ON FUNCTION cx.import_setting(jsonb, jsonb, text) IS 'a setting of a question, else of the definition: a path, or what is meant itself';

CREATE FUNCTION cx.import_questions(definition jsonb)
	RETURNS TABLE (suffix text, variables jsonb, customer text, customer_path jsonpath, touchpoint text, touchpoint_path jsonpath,
		metric text, metric_path jsonpath, choices jsonb, responded_at_path jsonpath, time_zone text, channel text, channel_path jsonpath,
		org_unit text, org_unit_path jsonpath, staff text, staff_path jsonpath, kind text, kind_path jsonpath,
		attributes_path jsonpath, changed_at_path jsonpath, answer_path jsonpath, comment_path jsonpath, invitation_path jsonpath)
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
	IF definition ? 'invitation' AND coalesce(definition ->> 'customer_kind', 'code') <> 'code' THEN
		RAISE EXCEPTION 'an import cannot have both invitation and customer_kind'
			USING ERRCODE = 'invalid_parameter_value', HINT = 'A token leads to the code of a customer, customer_kind to names of another kind; make two imports.';
	END IF;
	RETURN QUERY
	SELECT CASE code WHEN '' THEN '' ELSE '/' || code END, jsonb_build_object('question', code, 'comment', comment.given),
		customer.given, customer.path, touchpoint.given, touchpoint.path, metric.given, metric.path, question -> 'choices',
		(definition ->> 'responded_at')::jsonpath, coalesce(definition ->> 'time_zone', (SELECT program.time_zone FROM cx_data.program)),
		channel.given, channel.path, org_unit.given, org_unit.path, staff.given, staff.path, kind.given, kind.path,
		attributes.path, (definition ->> 'changed_at')::jsonpath, answer.path,
		-- a question's comment is another question, by the path of the definition, or a path
		coalesce(comment.path, (definition ->> 'comment')::jsonpath), (definition ->> 'invitation')::jsonpath
	FROM jsonb_each(coalesce(definition -> 'questions', '{"": {}}')) AS q (code, question),
		cx.import_setting(question, definition, 'customer') AS customer, cx.import_setting(question, definition, 'touchpoint') AS touchpoint,
		cx.import_setting(question, definition, 'metric') AS metric, cx.import_setting(question, definition, 'channel') AS channel,
		cx.import_setting(question, definition, 'org_unit') AS org_unit, cx.import_setting(question, definition, 'staff') AS staff,
		cx.import_setting(question, definition, 'kind') AS kind, cx.import_setting(question, definition, 'attributes') AS attributes,
		cx.import_setting(question, definition, 'answer') AS answer, cx.import_setting(question, '{}', 'comment') AS comment;
END
$$;
COMMENT ON FUNCTION cx.import_questions(jsonb) IS 'the questions of a definition, one row each, as import_responses maps them: what is given and what is to be found by a path';

CREATE FUNCTION cx.import_definition(source text) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	result jsonb;
BEGIN
	SELECT format.definition || (s.mapping - 'format') INTO result
	FROM cx_data.source AS s JOIN cx_data.import_format AS format ON format.code = s.mapping ->> 'format'
	WHERE s.name = import_definition.source AND s.relation IS NULL;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'nothing can be imported for source "%"', source
			USING ERRCODE = 'undefined_object', HINT = 'SELECT cx.create_import(source, format, questions) says what its responses look like.';
	END IF;
	RETURN result;
END
$$;
COMMENT ON FUNCTION cx.import_definition(text) IS 'how responses of a source are read: the definition of its format with the source''s own settings. Error if the source has no format';

CREATE FUNCTION cx.response_version(definition jsonb, response jsonb) RETURNS timestamptz
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	zone CONSTANT text := coalesce(response ->> '(time zone)', definition ->> 'time_zone', (SELECT program.time_zone FROM cx_data.program));
BEGIN
	RETURN coalesce(cx.import_time(jsonb_path_query_first(response, (definition ->> 'changed_at')::jsonpath, '{}', true), zone),
		cx.import_time(jsonb_path_query_first(response, (definition ->> 'responded_at')::jsonpath, '{}', true), zone));
EXCEPTION WHEN data_exception THEN
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.response_version(jsonb, jsonb) IS 'when a response was changed last, else made; NULL if it does not say so in a way that can be read';

CREATE FUNCTION cx.is_older_response(source bigint, response jsonb, than jsonb) RETURNS boolean
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	definition CONSTANT jsonb := (SELECT cx.import_definition(s.name) FROM cx_data.source AS s WHERE s.source_id = source AND s.mapping ? 'format');
BEGIN
	RETURN coalesce(cx.response_version(definition, response) < cx.response_version(definition, than), false);
END
$$;
COMMENT ON FUNCTION cx.is_older_response(bigint, jsonb, jsonb) IS 'whether one version of a response was changed before another one; false if that cannot be told';

CREATE FUNCTION cx.check_import_setting(name text, value jsonb) RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	setting CONSTANT text := value #>> '{}';
BEGIN
	IF name NOT IN ('responses', 'key', 'responded_at', 'changed_at', 'answer', 'comment', 'customer', 'invitation', 'touchpoint', 'metric', 'channel', 'org_unit', 'staff', 'kind',
		'attributes', 'choices', 'states', 'header_rows', 'separator', 'time_zone', 'customer_kind', 'on_unknown') THEN
		RAISE EXCEPTION 'setting "%" of an import is not known', name
			USING ERRCODE = 'invalid_parameter_value', HINT = 'The comment of cx_data.import_format.definition names the settings.';
	END IF;
	IF name IN ('responses', 'key', 'responded_at', 'changed_at', 'answer', 'attributes', 'invitation') AND NOT cx.import_is_path(setting) THEN
		RAISE EXCEPTION 'setting "%" must be a path', name
			USING ERRCODE = 'invalid_parameter_value', HINT = 'A SQL/JSON path begins with $.';
	END IF;
	IF cx.import_is_path(setting) THEN
		PERFORM setting::jsonpath;
	ELSIF name = 'metric' AND NOT EXISTS (SELECT FROM cx_data.metric WHERE code = setting) THEN
		RAISE EXCEPTION 'metric "%" does not exist', setting USING ERRCODE = 'undefined_object', HINT = 'SELECT code FROM cx_data.metric shows the metrics.';
	ELSIF name = 'time_zone' THEN
		PERFORM now() AT TIME ZONE setting;
	ELSIF name = 'on_unknown' AND setting NOT IN ('error', 'create') THEN
		RAISE EXCEPTION 'on_unknown "%" is not known', setting USING ERRCODE = 'invalid_parameter_value', HINT = 'Use error or create.';
	ELSIF name = 'states' THEN
		PERFORM each.value::jsonpath FROM jsonb_each_text(value) AS each;
	END IF;
END
$$;
COMMENT ON FUNCTION cx.check_import_setting(text, jsonb) IS 'raises an error unless a setting of an import is one, and its path or code is right; called by create_import';

CREATE FUNCTION cx.create_import(source text, format text, questions jsonb DEFAULT '{"": {}}', settings jsonb DEFAULT '{}') RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	question record;
	result bigint;
BEGIN
	PERFORM cx.require_program();
	IF NOT EXISTS (SELECT FROM cx_data.import_format WHERE code = format) THEN
		RAISE EXCEPTION 'format "%" does not exist', format
			USING ERRCODE = 'undefined_object', HINT = 'SELECT code, name FROM cx_data.import_format shows the formats; a row of your own adds another.';
	END IF;
	IF coalesce(jsonb_typeof(questions), '') <> 'object' OR coalesce(jsonb_typeof(settings), '') <> 'object' THEN
		RAISE EXCEPTION 'questions and settings must be JSON objects'
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Questions have the name of each question as a key: {"Q1": {"metric": "nps", "touchpoint": "shop"}}.';
	END IF;
	FOR question IN SELECT key, value FROM jsonb_each(questions) LOOP
		IF jsonb_typeof(question.value) <> 'object' THEN
			RAISE EXCEPTION 'question "%" must be a JSON object', question.key
				USING ERRCODE = 'invalid_parameter_value', HINT = 'Such as {"metric": "nps", "touchpoint": "shop", "comment": "Q2"}.';
		END IF;
		PERFORM cx.check_import_setting(setting.key, setting.value) FROM jsonb_each(question.value) AS setting;
		IF question.value ?| ARRAY['responses', 'key', 'responded_at', 'changed_at', 'invitation', 'states', 'header_rows', 'separator', 'time_zone', 'customer_kind', 'on_unknown'] THEN
			RAISE EXCEPTION 'question "%" has a setting that is one of the whole import', question.key
				USING ERRCODE = 'invalid_parameter_value', HINT = 'Give it among the settings, the last argument.';
		END IF;
	END LOOP;
	PERFORM cx.check_import_setting(setting.key, setting.value) FROM jsonb_each(settings) AS setting;
	PERFORM FROM cx_data.import_format AS f, cx.import_questions(f.definition || settings || jsonb_build_object('questions', questions)) WHERE f.code = format;

	INSERT INTO cx_data.source AS known (name, kind, mapping)
	VALUES (create_import.source, 'feedback', settings || jsonb_build_object('format', format, 'questions', questions))
	ON CONFLICT (name) DO UPDATE SET mapping = excluded.mapping WHERE known.relation IS NULL AND known.kind = 'feedback'
	RETURNING source_id INTO result;
	IF result IS NULL THEN
		RAISE EXCEPTION 'source "%" is attached to a relation, or delivers no feedback', source
			USING ERRCODE = 'duplicate_object', HINT = 'Choose another name.';
	END IF;
	RETURN result;
END
$$;
COMMENT ON FUNCTION cx.create_import(text, text, jsonb, jsonb) IS 'says what the responses of a source look like: its format, and for each question that makes feedback its metric, touchpoint, the question that holds the comment, choices and whatever else differs from the format. Called again it changes that. Gives the source''s key';

CREATE FUNCTION cx.import_feedback(source text, payload jsonb, OUT responses bigint, OUT inserted bigint, OUT updated bigint, OUT set_aside bigint, OUT failed bigint)
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	PERFORM cx.require_read_committed();
	IF payload IS NULL THEN
		RAISE EXCEPTION 'payload is NULL' USING ERRCODE = 'null_value_not_allowed';
	END IF;
	SELECT * INTO responses, inserted, updated, set_aside, failed
	FROM cx.import_responses(source, payload, 'delivered');
END
$$;
COMMENT ON FUNCTION cx.import_feedback(text, jsonb) IS 'imports what a survey tool delivered, one payload or an array of them: each question answered becomes feedback; the same response again updates it, the newest version wins. Partial, preview, test and spam responses go to cx_data.response_apart, those that cannot be mapped to cx_data.import_error. Gives how many of each; needs INSERT and UPDATE on cx_data.feedback';

CREATE FUNCTION cx.owner_note_lines(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT has_table_privilege(caller, 'cx_data.feedback', 'INSERT') THEN
		RAISE EXCEPTION 'permission denied to import feedback' USING ERRCODE = 'insufficient_privilege';
	END IF;
	INSERT INTO cx_data.import_error AS e (source_id, source_key, sqlstate, message)
	SELECT s.source_id, 'line ' || line.number, '22P04', format('line %s has %s fields, the header %s', line.number, line.fields, line.names)
	FROM jsonb_to_recordset(argument -> 'lines') AS line (number bigint, fields integer, names integer)
	JOIN cx_data.source AS s ON s.name = argument ->> 'source' AND s.relation IS NULL AND s.mapping ? 'format'
	ON CONFLICT (source_id, source_key) DO UPDATE SET message = excluded.message, attempts = e.attempts + 1, last_attempt_at = now();
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.owner_note_lines(jsonb, oid) IS 'notes lines with too many fields as errors; part of import_csv, with the rights of the program''s owner';

CREATE FUNCTION cx.import_csv(source text, content text, OUT responses bigint, OUT inserted bigint, OUT updated bigint, OUT set_aside bigint, OUT failed bigint)
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	definition jsonb;
	header_rows integer;
	batch record;
	counts record;
BEGIN
	PERFORM cx.require_program();
	PERFORM cx.require_read_committed();
	definition := cx.import_definition(source);
	header_rows := coalesce((definition ->> 'header_rows')::integer, 1);
	SELECT 0, 0, 0, 0, 0 INTO responses, inserted, updated, set_aside, failed;
	FOR batch IN
		WITH parsed AS MATERIALIZED (
			SELECT place, line, fields, sum(octet_length(fields::text)) OVER (ORDER BY place) AS bytes
			FROM (SELECT row_number() OVER () AS place, line, fields FROM cx.csv_rows(content, definition ->> 'separator')) AS numbered
		), named AS MATERIALIZED (
			SELECT array_agg(coalesce(name, 'column ' || number) ORDER BY number) AS names FROM parsed, unnest(fields) WITH ORDINALITY AS cell (name, number) WHERE place = 1
		), described AS MATERIALIZED (
			-- Qualtrics says in a third row what it calls the columns itself, and in which zone it writes times
			SELECT array_agg(cell::jsonb ->> 'ImportId' ORDER BY number) AS names, array_agg(number ORDER BY number) AS places, max(cell::jsonb ->> 'timeZone') AS time_zone
			FROM parsed, unnest(fields) WITH ORDINALITY AS c (cell, number) WHERE place = 3 AND header_rows >= 3 AND cell LIKE '{%"ImportId"%}'
		)
		SELECT (place - header_rows - 1) / 10000 AS number, bytes / 33554432 AS part,
			coalesce(jsonb_agg(jsonb_object(named.names || described.names || ARRAY['(time zone)'], padded || ARRAY(SELECT padded[i] FROM unnest(described.places) WITH ORDINALITY AS p (i, o) ORDER BY o) || ARRAY[described.time_zone]) ORDER BY place)
				FILTER (WHERE NOT is_long), '[]') AS payload,
			jsonb_agg(jsonb_build_object('number', line, 'fields', cardinality(fields), 'names', cardinality(named.names))) FILTER (WHERE is_long) AS long_lines
		FROM parsed CROSS JOIN named CROSS JOIN described
		CROSS JOIN LATERAL (SELECT (fields || array_fill(NULL::text, ARRAY[greatest(cardinality(named.names) - cardinality(fields), 0)]))[1:cardinality(named.names)] AS padded,
			num_nonnulls(VARIADIC fields[cardinality(named.names) + 1:] || ARRAY[NULL::text]) > 0 AS is_long) AS row
		WHERE place > header_rows
		GROUP BY 1, 2 ORDER BY 1, 2
	LOOP
		SELECT * INTO counts FROM cx.import_responses(source, batch.payload, 'delivered');
		responses := responses + counts.responses + coalesce(jsonb_array_length(batch.long_lines), 0);
		inserted := inserted + counts.inserted;
		updated := updated + counts.updated;
		set_aside := set_aside + counts.set_aside;
		failed := failed + counts.failed + coalesce(jsonb_array_length(batch.long_lines), 0);
		IF batch.long_lines IS NOT NULL THEN
			PERFORM cx.as_program_owner('note_lines', jsonb_build_object('source', source, 'lines', batch.long_lines));
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION cx.import_csv(text, text) IS 'imports an export of comma-separated values as it is, such as of Qualtrics or LimeSurvey: line breaks in quotes, header rows as the format says, byte-order mark, times in the zone that the export names. Otherwise as import_feedback';

CREATE FUNCTION cx.submit_feedback(source text DEFAULT 'direct', source_key text DEFAULT NULL, customer text DEFAULT NULL, touchpoint text DEFAULT NULL, metric text DEFAULT NULL,
		score double precision DEFAULT NULL, responded_at timestamptz DEFAULT now(), comment text DEFAULT NULL, channel text DEFAULT NULL, org_unit text DEFAULT NULL,
		staff text DEFAULT NULL, kind text DEFAULT 'survey', attributes jsonb DEFAULT NULL, customer_kind text DEFAULT NULL, changed_at timestamptz DEFAULT now()) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	key CONSTANT text := coalesce(source_key, gen_random_uuid()::text);
	result bigint;
BEGIN
	PERFORM cx.require_program();
	PERFORM cx.require_read_committed();
	IF source IS NULL THEN
		RAISE EXCEPTION 'source is NULL' USING ERRCODE = 'null_value_not_allowed', HINT = 'Leave it out, or name where the feedback comes from.';
	END IF;
	PERFORM FROM cx_data.source AS s WHERE s.name = source;
	IF NOT FOUND THEN
		INSERT INTO cx_data.source (name, kind) VALUES (source, 'feedback') ON CONFLICT (name) DO NOTHING;
	END IF;
	PERFORM cx.import_responses(source, jsonb_build_object('source_key', key, 'customer', customer, 'touchpoint', touchpoint, 'metric', metric, 'score', score,
		'responded_at', responded_at, 'comment', comment, 'channel', channel, 'org_unit', org_unit, 'staff', staff, 'kind', kind, 'attributes', attributes,
		'changed_at', changed_at), 'submitted', customer_kind);
	SELECT f.feedback_id INTO result FROM cx_data.feedback AS f JOIN cx_data.source AS s USING (source_id) WHERE s.name = source AND f.source_key = key;
	RETURN result;
END
$$;
COMMENT ON FUNCTION cx.submit_feedback(text, text, text, text, text, double precision, timestamptz, text, text, text, text, text, jsonb, text, timestamptz) IS 'writes one piece of feedback: an answer, or with kind a complaint, suggestion, post or mystery visit. The same source and source_key again update it, unless what is there was changed later than changed_at. Codes as in attach_feedback; a source that is not known is added. Call it with named arguments; gives the key of the feedback, and needs INSERT and UPDATE on cx_data.feedback';

CREATE FUNCTION cx.retry_import(source text) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	failed_source bigint;
	batch record;
	removed bigint;
	mended bigint := 0;
BEGIN
	PERFORM cx.require_read_committed();
	-- one at a time
	SELECT source_id INTO failed_source FROM cx_data.source AS s WHERE s.name = retry_import.source FOR NO KEY UPDATE;
	-- of customers who were erased nothing was kept that could be tried
	DELETE FROM cx_data.import_error WHERE source_id = failed_source AND payload IS NULL AND starts_with(source_key, 'erased:') IS NOT FALSE;
	-- ten times, then once an hour; in parts, for one jsonb holds no more than 256 MB
	FOR batch IN
		SELECT bytes / 16777216 AS part, source_key IS NULL AS is_nameless, array_agg(import_error_id) AS ids, array_agg(attempts) AS attempts,
			array_agg(payload) AS payloads, jsonb_agg(payload) AS payload
		FROM (SELECT *, sum(pg_column_size(payload)) OVER (ORDER BY import_error_id) AS bytes FROM cx_data.import_error
			WHERE source_id = failed_source AND payload IS NOT NULL AND (attempts < 10 OR last_attempt_at < now() - interval '1 hour')) AS due
		GROUP BY 1, 2
	LOOP
		PERFORM cx.import_responses(source, batch.payload, CASE WHEN batch.is_nameless THEN 'anew' ELSE 'again' END);
		-- what failed again was recorded again, and has one more attempt; without a key as another row
		WITH again AS (
			DELETE FROM cx_data.import_error
			WHERE batch.is_nameless AND source_id = failed_source AND source_key IS NULL AND payload = ANY (batch.payloads) AND import_error_id <> ALL (batch.ids)
			RETURNING payload
		)
		UPDATE cx_data.import_error SET attempts = import_error.attempts + 1, last_attempt_at = now()
		WHERE import_error_id = ANY (batch.ids) AND source_key IS NULL AND payload IN (SELECT payload FROM again);
		DELETE FROM cx_data.import_error
		WHERE (import_error_id, import_error.attempts) IN (SELECT * FROM unnest(batch.ids, batch.attempts));
		GET DIAGNOSTICS removed = ROW_COUNT;
		mended := mended + removed;
	END LOOP;
	RETURN mended;
END
$$;
COMMENT ON FUNCTION cx.retry_import(text) IS 'tries responses again that could not be imported, gives how many errors went; called by maintain';
-- What collecting keeps of persons besides feedback and events, and how erase_customer takes it out

CREATE FUNCTION cx.customers_of_response(definition jsonb, response jsonb) RETURNS SETOF text
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
	RETURN QUERY
	SELECT DISTINCT found.customer
	FROM cx.import_questions(definition) AS q
	CROSS JOIN LATERAL (SELECT coalesce(q.customer, nullif(jsonb_path_query_first(response, q.customer_path, q.variables, true) #>> '{}', ''),
		cx.invited_customer(jsonb_path_query_first(response, q.invitation_path, q.variables, true) #>> '{}')) AS customer) AS found
	WHERE found.customer IS NOT NULL;
END
$$;
COMMENT ON FUNCTION cx.customers_of_response(jsonb, jsonb) IS 'names of the customers that an imported response is of, as its definition finds them';

CREATE FUNCTION cx.response_is_erased(definition jsonb, response jsonb) RETURNS boolean
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
	RETURN EXISTS (SELECT FROM cx.customers_of_response(definition, response) AS name
		JOIN cx_data.erased_customer AS e ON e.name_hash IN (cx.erased_hash(coalesce(definition ->> 'customer_kind', 'code'), name), cx.erased_hash('invitation', name)));
END
$$;
COMMENT ON FUNCTION cx.response_is_erased(jsonb, jsonb) IS 'whether an imported response is of a customer who was erased, so that nothing of it is set aside';

CREATE FUNCTION cx.response_is_of(source bigint, response jsonb, customer bigint, strings text[]) RETURNS boolean
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
	definition CONSTANT jsonb := (SELECT f.definition || (s.mapping - 'format') FROM cx_data.source AS s JOIN cx_data.import_format AS f ON f.code = s.mapping ->> 'format' WHERE s.source_id = source);
	named CONSTANT text[] := ARRAY(SELECT cx.customers_of_response(definition, response) WHERE definition IS NOT NULL);
BEGIN
	IF cardinality(named) > 0 THEN
		-- the tokens of his invitations are among the strings, for they may be replaced by now
		RETURN named && strings OR EXISTS (SELECT FROM cx.names_of_customer(customer) AS n WHERE n.kind IN ('code', 'invitation', definition ->> 'customer_kind') AND n.name = ANY (named));
	END IF;
	RETURN EXISTS (SELECT FROM unnest(strings) AS s WHERE length(s) > 2 AND strpos(lower(response::text), lower(trim(BOTH '"' FROM to_jsonb(s)::text))) > 0);
END
$$;
COMMENT ON FUNCTION cx.response_is_of(bigint, jsonb, bigint, text[]) IS 'whether a response is of a customer: one that names its customer by that, any other if a string of his stands in it; part of erase_customer';

CREATE FUNCTION cx.response_may_tell(response jsonb, strings text[]) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	BEGIN ATOMIC
		SELECT EXISTS (SELECT FROM unnest(strings) AS s WHERE pg_catalog.strpos(lowered, pg_catalog.lower(trim(BOTH '"' FROM pg_catalog.to_jsonb(s)::text))) > 0)
		FROM pg_catalog.lower(response::text) AS lowered;
	END;
COMMENT ON FUNCTION cx.response_may_tell(jsonb, text[]) IS 'whether one of these strings stands in a response, so that it is worth a closer look; part of erase_customer';

CREATE FUNCTION cx.erase_from_response_apart(customer bigint, strings text[]) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	erased bigint;
BEGIN
	DELETE FROM cx_data.response_apart AS a WHERE CASE WHEN cx.response_may_tell(a.payload, strings) THEN cx.response_is_of(a.source_id, a.payload, customer, strings) END;
	GET DIAGNOSTICS erased = ROW_COUNT;
	RETURN erased;
END
$$;
COMMENT ON FUNCTION cx.erase_from_response_apart(bigint, text[]) IS 'deletes responses of a customer that were set aside; part of erase_customer, which calls all functions erase_from_<table>';

CREATE FUNCTION cx.erase_from_import_error(customer bigint, strings text[]) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	deleted bigint;
	erased bigint;
BEGIN
	DELETE FROM cx_data.import_error AS e WHERE e.payload IS NOT NULL AND CASE WHEN cx.response_may_tell(e.payload, strings) THEN cx.response_is_of(e.source_id, e.payload, customer, strings) END;
	GET DIAGNOSTICS deleted = ROW_COUNT;
	-- maintain() still tries rows of attached tables, and finds them by comparing all
	UPDATE cx_data.import_error AS e SET source_key = 'erased:' || cx.erased_hash('source_key', e.source_key), message = 'the message is not kept, for it may name a customer who was erased'
	WHERE e.payload IS NULL AND (
		EXISTS (SELECT FROM unnest(strings) AS s WHERE e.source_key = s
			OR strpos(lower(e.message), lower(CASE WHEN length(s) > 2 THEN s ELSE format('"%s"', s) END)) > 0
			OR (length(s) > 2 AND strpos(lower(e.source_key), lower(s)) > 0))
		OR EXISTS (SELECT FROM cx_data.feedback AS f WHERE f.source_id = e.source_id AND f.source_key = e.source_key AND f.customer_id = customer)
		OR EXISTS (SELECT FROM cx_data.event AS f WHERE f.source_id = e.source_id AND f.source_key = e.source_key AND f.customer_id = customer)
		OR EXISTS (SELECT FROM cx_data.ticket AS f WHERE f.source_id = e.source_id AND f.source_key = e.source_key AND f.customer_id = customer));
	GET DIAGNOSTICS erased = ROW_COUNT;
	RETURN deleted + erased;
END
$$;
COMMENT ON FUNCTION cx.erase_from_import_error(bigint, text[]) IS 'deletes responses of a customer that could not be imported, and takes keys and messages out that may name him; part of erase_customer';
-- Keeping the program: folding tallies, new partitions, sources without triggers, failed rows

CREATE FUNCTION cx.owner_rebuild(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT has_table_privilege(caller, 'cx_data.tally_hourly', 'TRUNCATE') AND NOT has_column_privilege(caller, 'cx_data.org_unit', 'time_zone', 'UPDATE') THEN
		RAISE EXCEPTION 'permission denied to count the tallies anew' USING ERRCODE = 'insufficient_privilege';
	END IF;
	LOCK TABLE cx_data.feedback IN SHARE ROW EXCLUSIVE MODE;
	TRUNCATE cx_data.tally_hourly, cx_data.tally_daily, cx_data.tally_delta;
	INSERT INTO cx_data.tally_hourly (touchpoint_id, org_unit_id, hour, metric, tally)
	SELECT answer.touchpoint_id, answer.org_unit_id, cx.bucket('hour', answer.responded_at, coalesce(unit.time_zone, program.time_zone)), answer.metric, cx.tally(answer.score)
	FROM cx_data.feedback AS answer
	CROSS JOIN cx_data.program
	LEFT JOIN cx_data.org_unit AS unit USING (org_unit_id)
	WHERE answer.kind = 'survey' AND answer.score BETWEEN 0 AND 10 AND answer.metric IS NOT NULL AND isfinite(answer.responded_at)
	GROUP BY 1, 2, 3, 4
	ORDER BY 3;
	INSERT INTO cx_data.tally_daily (touchpoint_id, org_unit_id, day, metric, tally)
	SELECT counted.touchpoint_id, counted.org_unit_id, (counted.hour AT TIME ZONE coalesce(unit.time_zone, program.time_zone))::date, counted.metric, cx.tally(counted.tally)
	FROM cx_data.tally_hourly AS counted
	CROSS JOIN cx_data.program
	LEFT JOIN cx_data.org_unit AS unit USING (org_unit_id)
	GROUP BY 1, 2, 3, 4
	ORDER BY 3;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.owner_rebuild(jsonb, oid) IS 'counts all tallies anew; part of rebuild_tallies, with the rights of the program''s owner';

CREATE PROCEDURE cx.rebuild_tallies()
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	PERFORM cx.require_read_committed();
	PERFORM cx.as_program_owner('rebuild', '{}');
END
$$;
COMMENT ON PROCEDURE cx.rebuild_tallies() IS 'counts all tallies anew from cx_data.feedback; writers of feedback wait meanwhile';

CREATE FUNCTION cx.fold_tallies(part integer DEFAULT 0, parts integer DEFAULT 1) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	folded bigint;
	touchpoints bigint[];
	units bigint[];
	hours timestamptz[];
	days date[];
	metrics text[];
	removals cx.tally[];
BEGIN
	-- one fold at a time; it waits for no writer and no writer for it; first what readers and rebuild_tallies() lock first
	LOCK TABLE cx_data.tally_hourly IN ROW EXCLUSIVE MODE;
	LOCK TABLE cx_data.tally_delta IN SHARE UPDATE EXCLUSIVE MODE;
	-- whole keys: what was removed was added before, so nothing falls below zero
	WITH taken AS (
		DELETE FROM cx_data.tally_delta
		WHERE parts = 1 OR hash_record_extended(ROW(touchpoint_id, metric, hour), 0) & 65535 BETWEEN 65536 * part / parts AND 65536 * (part + 1) / parts - 1
		RETURNING *
	), summed AS (
		SELECT touchpoint_id, org_unit_id, hour, day, metric, coalesce(cx.tally(added), '{}'::cx.tally) AS added, cx.tally(removed) AS removed, count(*) AS deltas
		FROM taken
		GROUP BY touchpoint_id, org_unit_id, hour, day, metric
	), into_hours AS (
		INSERT INTO cx_data.tally_hourly AS hourly (touchpoint_id, org_unit_id, hour, metric, tally)
		SELECT touchpoint_id, org_unit_id, hour, metric, added FROM summed
		ON CONFLICT (hour, touchpoint_id, metric, org_unit_id) DO UPDATE SET tally = hourly.tally OPERATOR(cx.+) excluded.tally
	), into_days AS (
		INSERT INTO cx_data.tally_daily AS daily (touchpoint_id, org_unit_id, day, metric, tally)
		SELECT touchpoint_id, org_unit_id, day, metric, coalesce(cx.tally(added), '{}'::cx.tally) FROM summed GROUP BY touchpoint_id, org_unit_id, day, metric
		ON CONFLICT (day, touchpoint_id, metric, org_unit_id) DO UPDATE SET tally = daily.tally OPERATOR(cx.+) excluded.tally
	)
	SELECT coalesce(sum(deltas), 0), array_agg(touchpoint_id) FILTER (WHERE removed IS NOT NULL), array_agg(org_unit_id) FILTER (WHERE removed IS NOT NULL),
		array_agg(hour) FILTER (WHERE removed IS NOT NULL), array_agg(day) FILTER (WHERE removed IS NOT NULL), array_agg(metric) FILTER (WHERE removed IS NOT NULL), array_agg(removed) FILTER (WHERE removed IS NOT NULL)
	INTO folded, touchpoints, units, hours, days, metrics, removals
	FROM summed;

	IF removals IS NOT NULL THEN
		INSERT INTO cx_data.tally_hourly AS hourly (touchpoint_id, org_unit_id, hour, metric, tally)
		SELECT * FROM unnest(touchpoints, units, hours, metrics, removals)
		ON CONFLICT (hour, touchpoint_id, metric, org_unit_id) DO UPDATE SET tally = hourly.tally OPERATOR(cx.-) excluded.tally;
		INSERT INTO cx_data.tally_daily AS daily (touchpoint_id, org_unit_id, day, metric, tally)
		SELECT touchpoint_id, org_unit_id, day, metric, cx.tally(removed)
		FROM unnest(touchpoints, units, days, metrics, removals) AS gone (touchpoint_id, org_unit_id, day, metric, removed)
		GROUP BY touchpoint_id, org_unit_id, day, metric
		ON CONFLICT (day, touchpoint_id, metric, org_unit_id) DO UPDATE SET tally = daily.tally OPERATOR(cx.-) excluded.tally;
	END IF;
	RETURN folded;
END
$$;
COMMENT ON FUNCTION cx.fold_tallies(integer, integer) IS 'folds the rows of tally_delta, or one of so many parts of their keys, into tally_hourly and tally_daily; gives how many it folded. cx.maintain() calls it';

CREATE FUNCTION cx.cover_source(source text) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	attached regclass;
	part regclass;
	captured bigint := 0;
BEGIN
	PERFORM cx.require_read_committed();
	-- partitions that were detached are tables like any other
	SELECT relation INTO attached FROM cx_data.source WHERE name = cover_source.source;
	FOR part IN
		WITH RECURSIVE child AS (
			SELECT attached::oid AS oid UNION SELECT inhrelid FROM pg_inherits JOIN child ON inhparent = child.oid
		)
		SELECT relation FROM cx.captured_relations(source) AS relation WHERE relation NOT IN (SELECT oid FROM child)
	LOOP
		PERFORM cx.drop_capture_triggers(part, source);
	END LOOP;
	FOR part IN SELECT cx.cover_children(source) LOOP
		captured := captured + (SELECT inserted + updated FROM cx.pull_source(source, NULL, NULL, part));
	END LOOP;
	RETURN captured;
END
$$;
COMMENT ON FUNCTION cx.cover_source(text) IS 'captures partitions and children that came after their table was attached, with the rows they hold; called by maintain';

CREATE FUNCTION cx.retry_source(source text) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	failed_source bigint;
	last_compared_at timestamptz;
	must_compare boolean;
	nameless_attempts integer;
	failed_ids bigint[];
	failed_keys text[];
	failed_attempts integer[];
	renewed bigint;
	removed bigint;
BEGIN
	PERFORM cx.require_read_committed();
	-- one at a time
	SELECT source_id, compared_at INTO failed_source, last_compared_at FROM cx_data.source WHERE name = retry_source.source FOR NO KEY UPDATE;
	-- rows without a key, or with the hash of one, can only be found by comparing all: ten times, then once an hour
	SELECT coalesce(bool_or(attempts < 10 OR last_compared_at < now() - interval '1 hour'), false), max(attempts) INTO must_compare, nameless_attempts
	FROM cx_data.import_error WHERE source_id = failed_source AND starts_with(source_key, 'erased:') IS NOT FALSE;
	SELECT array_agg(import_error_id), array_agg(source_key), array_agg(attempts)
	INTO failed_ids, failed_keys, failed_attempts
	FROM cx_data.import_error WHERE source_id = failed_source AND (NOT starts_with(source_key, 'erased:') OR must_compare);
	IF failed_keys IS NULL THEN
		RETURN 0;
	END IF;
	IF must_compare THEN
		PERFORM cx.sync_source(source);
	ELSE
		PERFORM cx.pull_source(source, NULL, failed_keys, NULL);
	END IF;
	-- what failed again was recorded again, and has one more attempt
	UPDATE cx_data.import_error SET attempts = nameless_attempts + 1
	WHERE must_compare AND source_id = failed_source AND source_key IS NULL AND import_error_id <> ALL (failed_ids);
	GET DIAGNOSTICS renewed = ROW_COUNT;
	DELETE FROM cx_data.import_error
	WHERE (import_error_id, attempts) IN (SELECT * FROM unnest(failed_ids, failed_attempts));
	GET DIAGNOSTICS removed = ROW_COUNT;
	RETURN removed - renewed;
END
$$;
COMMENT ON FUNCTION cx.retry_source(text) IS 'tries rows again that could not be captured, gives how many errors are mended; called by maintain';

CREATE FUNCTION cx.maintain_step(work text, part integer, parts integer, source text) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	CASE work
		WHEN 'fold' THEN PERFORM cx.fold_tallies(part, parts);
		WHEN 'invitations' THEN PERFORM cx.match_invitations();
		WHEN 'alerts' THEN
			PERFORM cx.count_matches();
			PERFORM cx.evaluate_alerts();
			DELETE FROM cx_data.alert_error WHERE created_at < now() - interval '30 days';
			PERFORM cx.cover_rules(watched.relation) FROM (SELECT DISTINCT relation FROM cx_data.alert_rule WHERE relation IS NOT NULL) AS watched;
		WHEN 'tickets' THEN PERFORM cx.escalate_overdue();
		WHEN 'risks' THEN PERFORM cx.record_signal_risks();
		WHEN 'cover' THEN PERFORM cx.cover_source(source);
		WHEN 'retry' THEN PERFORM cx.retry_source(source);
		WHEN 'import' THEN PERFORM cx.retry_import(source);
		WHEN 'sync' THEN
			-- clocks differ and transactions last, hence the hour; once a day all rows are compared
			PERFORM cx.sync_source(name, CASE WHEN compared_at > now() - interval '1 day' THEN pulled_until - interval '1 hour' END)
			FROM cx_data.source WHERE name = maintain_step.source;
	END CASE;
EXCEPTION WHEN OTHERS THEN
	-- the other steps go on
	RAISE WARNING 'maintenance step % of % failed: %', work, coalesce('source ' || quote_ident(source), CASE work WHEN 'fold' THEN 'the tallies' ELSE 'the program' END), SQLERRM;
END
$$;
COMMENT ON FUNCTION cx.maintain_step(text, integer, integer, text) IS 'one step of cx.maintain(); an error becomes a warning';

CREATE FUNCTION cx.next_maintenance_step(last_step jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	parts integer := (last_step -> 'parts')::integer;
	part integer := (last_step -> 'part')::integer + 1;
BEGIN
	IF last_step = '{}' THEN
		parts := greatest(1, least(16, pg_relation_size('cx_data.tally_delta') / 100000000));
		part := 0;
	END IF;
	IF part < parts THEN
		RETURN jsonb_build_object('work', 'fold', 'part', part, 'parts', parts);
	END IF;
	IF last_step ->> 'work' = 'fold' THEN
		RETURN jsonb_build_object('work', 'invitations');
	END IF;
	IF last_step ->> 'work' = 'invitations' THEN
		RETURN jsonb_build_object('work', 'alerts');
	END IF;
	IF last_step ->> 'work' = 'alerts' THEN
		RETURN jsonb_build_object('work', 'tickets');
	END IF;
	IF last_step ->> 'work' = 'tickets' THEN
		RETURN jsonb_build_object('work', 'risks');
	END IF;
	RETURN (SELECT jsonb_build_object('work', work, 'source', name, 'source_id', source_id, 'place', place)
		FROM cx_data.source
		CROSS JOIN (VALUES (1, 'cover', false), (2, 'sync', true), (3, 'retry', false), (3, 'retry', true), (4, 'import', NULL)) AS steps (place, work, pulled)
		WHERE CASE work
				WHEN 'import' THEN EXISTS (SELECT FROM cx_data.import_error AS e WHERE e.source_id = source.source_id AND e.payload IS NOT NULL)
				ELSE EXISTS (SELECT FROM pg_class WHERE oid = relation) AND source.pulled = steps.pulled END
			AND (source_id, place) > (coalesce((last_step -> 'source_id')::bigint, 0), coalesce((last_step -> 'place')::integer, 0))
		ORDER BY source_id, place
		LIMIT 1);
END
$$;
COMMENT ON FUNCTION cx.next_maintenance_step(jsonb) IS 'what cx.maintain() does after a step; after {} the first one, NULL after the last';

CREATE FUNCTION cx.owner_maintain(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	step CONSTANT jsonb := cx.next_maintenance_step(argument);
BEGIN
	PERFORM cx.check_owns_program(caller);
	IF step IS NOT NULL THEN
		PERFORM cx.maintain_step(step ->> 'work', (step -> 'part')::integer, (step -> 'parts')::integer, step ->> 'source');
	END IF;
	RETURN step;
END
$$;
COMMENT ON FUNCTION cx.owner_maintain(jsonb, oid) IS 'the step of cx.maintain() after another one, with the rights of the program''s owner; gives that step, NULL after the last';

CREATE PROCEDURE cx.maintain()
	LANGUAGE plpgsql AS $$
DECLARE
	step pg_catalog.jsonb := '{}';
BEGIN
	-- no SET search_path, for this commits; so nothing here depends on it
	PERFORM cx.require_program();
	LOOP
		step := cx.as_program_owner('maintain', step);
		EXIT WHEN step IS NULL;
		COMMIT;
	END LOOP;
END
$$;
COMMENT ON PROCEDURE cx.maintain() IS 'the regular work of the program, to be called each minute or so outside a transaction block by its owner: folds tallies, captures new partitions, syncs sources without triggers, tries failed rows again, decides alert rules, lets overdue tickets climb, once a day notes the risks of customers by signals';
-- What an alert rule may look at, what it may be about, and whom it may tell

CREATE FUNCTION cx.check_watchable(relation regclass) RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	watched record;
	other regclass;
BEGIN
	SELECT relkind, relpersistence, relnamespace, relowner INTO STRICT watched FROM pg_class WHERE oid = relation;
	IF NOT pg_has_role(watched.relowner, 'USAGE') THEN
		RAISE EXCEPTION 'must be owner of relation %', relation
			USING ERRCODE = 'insufficient_privilege', HINT = 'Alert rules run with the rights of the owner, so the owner makes them.';
	END IF;
	IF watched.relnamespace = to_regnamespace('cx_data') AND relation NOT IN ('cx_data.feedback'::regclass, 'cx_data.event'::regclass, 'cx_data.model_drift'::regclass) THEN
		RAISE EXCEPTION '% cannot have alert rules', relation
			USING ERRCODE = 'wrong_object_type', HINT = 'Of the program''s own tables, feedback, event and model_drift can.';
	END IF;
	IF watched.relkind NOT IN ('r', 'p') OR watched.relpersistence = 't' THEN
		RAISE EXCEPTION '% cannot have alert rules', relation
			USING ERRCODE = 'wrong_object_type', HINT = 'Watch a table that is not temporary; rows of a view or foreign table can be attached with cx.attach_feedback() or cx.attach_event(), and cx_data.feedback or cx_data.event watched.';
	END IF;
	other := (
		WITH RECURSIVE above AS (
			SELECT inhparent AS oid FROM pg_inherits WHERE inhrelid = relation UNION SELECT i.inhparent FROM pg_inherits AS i JOIN above ON i.inhrelid = above.oid
		), below AS (
			SELECT inhrelid AS oid FROM pg_inherits WHERE inhparent = relation UNION SELECT i.inhrelid FROM pg_inherits AS i JOIN below ON i.inhparent = below.oid
		)
		SELECT t.tgrelid FROM pg_trigger AS t
		WHERE t.tgfoid = 'cx.watch'::regproc AND (t.tgrelid IN (SELECT oid FROM above)
			-- once this one has rules, those below have them too
			OR (t.tgrelid IN (SELECT oid FROM below) AND NOT EXISTS (SELECT FROM pg_trigger AS own WHERE own.tgrelid = relation AND own.tgfoid = 'cx.watch'::regproc)))
		ORDER BY 1 LIMIT 1);
	IF other IS NOT NULL THEN
		RAISE EXCEPTION '% has alert rules', other
			USING ERRCODE = 'wrong_object_type', DETAIL = format('%s and %s are a table and a partition or child of it.', relation, other),
				HINT = 'Make all of them on the topmost table; a condition may tell partitions apart.';
	END IF;
END
$$;
COMMENT ON FUNCTION cx.check_watchable(regclass) IS 'raises an error unless the caller may make alert rules for a relation';

CREATE FUNCTION cx.check_severity(severity text) RETURNS void
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF severity IS NULL OR severity NOT IN ('low', 'normal', 'high', 'critical') THEN
		RAISE EXCEPTION 'severity "%" is not known', severity
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Use low, normal, high or critical.';
	END IF;
END
$$;
COMMENT ON FUNCTION cx.check_severity(text) IS 'raises an error unless a severity is low, normal, high or critical';

CREATE FUNCTION cx.check_scope(scope text) RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	kind CONSTANT text := split_part(scope, ':', 1);
	wanted CONSTANT text := substr(scope, strpos(scope, ':') + 1);
BEGIN
	IF scope IS NULL OR scope = 'all' THEN
		RETURN;
	END IF;
	IF kind NOT IN ('touchpoint', 'stage', 'journey', 'unit') OR strpos(scope, ':') = 0 THEN
		RAISE EXCEPTION 'scope "%" is not known', scope
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Use touchpoint:, stage:, journey: or unit: with a code behind it, or all.';
	END IF;
	IF NOT (CASE kind
			WHEN 'touchpoint' THEN EXISTS (SELECT FROM cx_data.touchpoint AS t WHERE t.code = wanted)
			WHEN 'stage' THEN EXISTS (SELECT FROM cx_data.stage AS s WHERE s.code = wanted)
			WHEN 'journey' THEN EXISTS (SELECT FROM cx_data.journey AS j WHERE j.code = wanted)
			ELSE EXISTS (SELECT FROM cx_data.org_unit AS u WHERE u.code = wanted) END) THEN
		RAISE EXCEPTION '% "%" does not exist', kind, wanted
			USING ERRCODE = 'undefined_object', HINT = format('Add it to cx_data.%s.', CASE kind WHEN 'unit' THEN 'org_unit' ELSE kind END);
	END IF;
END
$$;
COMMENT ON FUNCTION cx.check_scope(text) IS 'raises an error unless a scope is one: touchpoint:, stage:, journey: or unit: with a code, all, or NULL';

CREATE FUNCTION cx.scope_touchpoints(scope text) RETURNS bigint[]
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	wanted CONSTANT text := substr(scope, strpos(scope, ':') + 1);
BEGIN
	CASE split_part(scope, ':', 1)
		WHEN 'touchpoint' THEN
			RETURN ARRAY(SELECT t.touchpoint_id FROM cx_data.touchpoint AS t WHERE t.code = wanted);
		WHEN 'stage' THEN
			RETURN ARRAY(SELECT t.touchpoint_id FROM cx_data.touchpoint AS t JOIN cx_data.stage AS s USING (stage_id) WHERE s.code = wanted);
		WHEN 'journey' THEN
			RETURN ARRAY(SELECT t.touchpoint_id FROM cx_data.touchpoint AS t JOIN cx_data.stage AS s USING (stage_id) JOIN cx_data.journey AS j USING (journey_id) WHERE j.code = wanted);
		ELSE
			RETURN NULL;
	END CASE;
END
$$;
COMMENT ON FUNCTION cx.scope_touchpoints(text) IS 'touchpoints within a scope; NULL if it is about all, and answers without one';

CREATE FUNCTION cx.scope_units(scope text) RETURNS bigint[]
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF split_part(scope, ':', 1) IS DISTINCT FROM 'unit' THEN
		RETURN NULL;
	END IF;
	RETURN ARRAY(
		WITH RECURSIVE below AS (
			SELECT u.org_unit_id FROM cx_data.org_unit AS u WHERE u.code = substr(scope, strpos(scope, ':') + 1)
			UNION	-- not ALL, so a circle of parents comes to an end
			SELECT u.org_unit_id FROM cx_data.org_unit AS u JOIN below ON u.parent_id = below.org_unit_id
		)
		SELECT org_unit_id FROM below);
END
$$;
COMMENT ON FUNCTION cx.scope_units(text) IS 'units within a scope, with all below; NULL if it is about all, and rows without one';

CREATE FUNCTION cx.scope_holds(scope text, touchpoint bigint, org_unit bigint) RETURNS boolean
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	touchpoints CONSTANT bigint[] := cx.scope_touchpoints(scope);
	units CONSTANT bigint[] := cx.scope_units(scope);
BEGIN
	RETURN coalesce((touchpoints IS NULL OR touchpoint = ANY (touchpoints)) AND (units IS NULL OR org_unit = ANY (units)), false);
END
$$;
COMMENT ON FUNCTION cx.scope_holds(text, bigint, bigint) IS 'whether a touchpoint and a unit lie within a scope';

CREATE FUNCTION cx.check_route(route text) RETURNS void
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	item text;
BEGIN
	FOREACH item IN ARRAY coalesce(string_to_array(route, ','), '{}') LOOP
		IF trim(item) !~ '^(channel|unit|manager|owner|staff):.+$' THEN
			RAISE EXCEPTION 'route "%" is not known', trim(item)
				USING ERRCODE = 'invalid_parameter_value', HINT = 'Use channel:, unit:, manager:, owner: or staff: with a code or a placeholder such as {org_unit} behind it; commas separate several.';
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION cx.check_route(text) IS 'raises an error unless a route names whom to tell: channel:, unit:, manager:, owner: or staff:, several separated by commas';
-- Alert rules over rows: made, changed and dropped

CREATE FUNCTION cx.watch() RETURNS trigger
	AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION cx.watch() IS 'trigger on relations with alert rules; its arguments hold the rules, which run with the rights of the relation''s owner';

CREATE FUNCTION cx.set_rule(relation regclass, rule text, fields jsonb, anew boolean) RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION cx.set_rule(regclass, text, jsonb, boolean) IS 'writes an alert rule into the triggers of its relation and the children of that: fields are texts by name, empty ones are taken out, and what is not named stays unless the rule is made anew; without fields the rule goes. Called by create_alert, alter_alert and drop_alert';

CREATE FUNCTION cx.cover_rules(relation regclass) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C STRICT;
COMMENT ON FUNCTION cx.cover_rules(regclass) IS 'gives partitions and children that came later the alert rules of a relation, and gives how many; called by maintain';

CREATE FUNCTION cx.check_rule(relation regclass, rule text) RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE C STRICT;
COMMENT ON FUNCTION cx.check_rule(regclass, text) IS 'raises an error unless an alert rule of a relation still runs on its rows';

CREATE FUNCTION cx.rule_problem(relation regclass, rule text) RETURNS text
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_class WHERE oid = relation) THEN
		RETURN 'the table was dropped';
	END IF;
	PERFORM cx.check_rule(relation, rule);
	RETURN NULL;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLERRM;
END
$$;
COMMENT ON FUNCTION cx.rule_problem(regclass, text) IS 'why an alert rule does not run on the rows of its relation any more; NULL if it does. For the view cx_data.alert_rule_status';

CREATE FUNCTION cx.owner_register_rule(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	entry record;
	key bigint;
BEGIN
	SELECT * INTO entry FROM jsonb_populate_record(NULL::cx_data.alert_rule, argument);
	IF NOT (has_table_privilege(caller, 'cx_data.alert_rule', 'INSERT') OR cx.role_has_level(caller, '{admin}'))
		OR (entry.relation IS NOT NULL AND NOT pg_has_role(caller, (SELECT relowner FROM pg_class WHERE oid = entry.relation), 'USAGE')) THEN
		RAISE EXCEPTION 'permission denied to make an alert rule'
			USING ERRCODE = 'insufficient_privilege', HINT = 'It takes access as an admin or INSERT on cx_data.alert_rule, and the owner of a relation makes its rules.';
	END IF;
	INSERT INTO cx_data.alert_rule (name, kind, relation, condition, definition, severity, message, route, scope, cooldown, opens_ticket, sla)
	VALUES (entry.name, entry.kind, entry.relation, entry.condition, coalesce(entry.definition, '{}'), entry.severity, entry.message, entry.route, entry.scope, entry.cooldown, coalesce(entry.opens_ticket, false), entry.sla)
	ON CONFLICT (name) DO NOTHING
	RETURNING alert_rule_id INTO key;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'alert rule "%" exists already', entry.name
			USING ERRCODE = 'duplicate_object', HINT = 'Choose another name, or change it with cx.alter_alert().';
	END IF;
	RETURN to_jsonb(key);
END
$$;
COMMENT ON FUNCTION cx.owner_register_rule(jsonb, oid) IS 'notes an alert rule; part of create_alert and its like, with the rights of the program''s owner';

CREATE FUNCTION cx.check_may_change_rule(rule text, caller oid) RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT cx.owns_program(caller) AND NOT coalesce((SELECT pg_has_role(caller, c.relowner, 'USAGE') FROM cx_data.alert_rule AS r JOIN pg_class AS c ON c.oid = r.relation WHERE r.name = rule),
			has_table_privilege(caller, 'cx_data.alert_rule', 'UPDATE') OR cx.role_has_level(caller, '{admin}')) THEN
		RAISE EXCEPTION 'must be owner of the relation of alert rule "%", or of the CX program', rule USING ERRCODE = 'insufficient_privilege';
	END IF;
END
$$;
COMMENT ON FUNCTION cx.check_may_change_rule(text, oid) IS 'raises an error unless a role owns the relation of an alert rule or the CX program; other rules take access as an admin or UPDATE on cx_data.alert_rule';

CREATE FUNCTION cx.owner_change_rule(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	changed record;
BEGIN
	PERFORM cx.check_may_change_rule(argument ->> 'name', caller);
	PERFORM FROM cx_data.alert_rule AS r WHERE r.name = argument ->> 'name' FOR NO KEY UPDATE;
	SELECT c.* INTO changed FROM cx_data.alert_rule AS r CROSS JOIN LATERAL jsonb_populate_record(r, argument) AS c WHERE r.name = argument ->> 'name';
	UPDATE cx_data.alert_rule AS r SET condition = changed.condition, definition = changed.definition, severity = changed.severity, message = changed.message,
		route = changed.route, scope = changed.scope, cooldown = changed.cooldown, opens_ticket = changed.opens_ticket, sla = changed.sla, enabled = changed.enabled
	WHERE r.name = changed.name;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.owner_change_rule(jsonb, oid) IS 'notes what is changed of an alert rule; part of alter_alert, enable_alert and disable_alert, with the rights of the program''s owner';

CREATE FUNCTION cx.owner_drop_rule(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.check_may_change_rule(argument ->> 'name', caller);
	DELETE FROM cx_data.alert_rule AS r WHERE r.name = argument ->> 'name';
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.owner_drop_rule(jsonb, oid) IS 'forgets an alert rule; part of drop_alert, with the rights of the program''s owner';

CREATE FUNCTION cx.find_rule(rule text, kinds text[]) RETURNS regclass
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	known record;
BEGIN
	SELECT r.kind, r.relation INTO known FROM cx_data.alert_rule AS r WHERE r.name = rule;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'alert rule "%" does not exist', rule
			USING ERRCODE = 'undefined_object', HINT = 'SELECT rule, status FROM cx_data.alert_rule_status shows the rules.';
	END IF;
	IF known.kind <> ALL (kinds) THEN
		RAISE EXCEPTION 'alert rule "%" is of kind %', rule, known.kind
			USING ERRCODE = 'wrong_object_type', HINT = CASE known.kind WHEN 'row' THEN 'Use cx.alter_alert() and cx.test_alert().' ELSE 'Use cx.alter_metric_alert() and cx.test_metric_alert().' END;
	END IF;
	RETURN (SELECT oid FROM pg_class WHERE oid = known.relation);
END
$$;
COMMENT ON FUNCTION cx.find_rule(text, text[]) IS 'relation of an alert rule, which must be of one of these kinds; NULL if it has none or that was dropped';

CREATE FUNCTION cx.create_alert(name text, relation regclass, condition text, severity text DEFAULT 'normal', message text DEFAULT NULL, customer text DEFAULT NULL, touchpoint text DEFAULT NULL, route text DEFAULT NULL, scope text DEFAULT NULL, cooldown interval DEFAULT NULL, opens_ticket boolean DEFAULT false, sla text DEFAULT NULL, org_unit text DEFAULT NULL, staff text DEFAULT NULL, at text DEFAULT NULL, on_update boolean DEFAULT true) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	fields CONSTANT jsonb := jsonb_strip_nulls(jsonb_build_object('condition', condition, 'customer', customer, 'touchpoint', touchpoint, 'org_unit', org_unit,
		'staff', staff, 'at', at, 'message', message, 'route', route, 'on_update', CASE WHEN NOT on_update THEN 'false' END));
	key bigint;
BEGIN
	PERFORM cx.require_program();
	IF name IS NULL OR relation IS NULL OR condition IS NULL THEN
		RAISE EXCEPTION 'name, relation and condition must be given'
			USING ERRCODE = 'invalid_parameter_value', HINT = 'The condition is an SQL expression over the columns of the relation, in a text.';
	END IF;
	PERFORM cx.check_watchable(relation);
	PERFORM cx.check_severity(severity);
	PERFORM cx.check_scope(scope);
	PERFORM cx.check_route(route);
	PERFORM cx.check_sla(sla);
	key := cx.as_program_owner('register_rule', jsonb_build_object('name', name, 'kind', 'row', 'relation', relation::oid::bigint::text, 'condition', condition,
		'definition', fields - '{condition,message,route}'::text[], 'severity', severity, 'message', message, 'route', route, 'scope', NULLIF(scope, 'all'),
		'cooldown', cooldown, 'opens_ticket', opens_ticket, 'sla', sla))::bigint;
	PERFORM cx.set_rule(relation, name, fields, true);
	RETURN key;
END
$$;
COMMENT ON FUNCTION cx.create_alert(text, regclass, text, text, text, text, text, text, text, interval, boolean, text, text, text, text, boolean) IS 'makes an alert rule: rows written to the relation for which the condition holds, and did not before an UPDATE, raise an alert in the same transaction. condition, customer, touchpoint, org_unit, staff and at are SQL expressions over the columns of a row, in texts, and may use old_row and new_row, then the rule looks at updates only; message and route are templates with {column} in them. Call it with named arguments; gives the key of the rule';

CREATE FUNCTION cx.texts_to_change(message text, route text, scope text, sla text) RETURNS jsonb
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	BEGIN ATOMIC
		SELECT coalesce(pg_catalog.jsonb_object_agg(given.key, CASE WHEN given.value <> '' AND NOT (given.key = 'scope' AND given.value = 'all') THEN given.value END), '{}')
		FROM (VALUES ('message', message), ('route', route), ('scope', scope), ('sla', sla)) AS given (key, value) WHERE given.value IS NOT NULL;
	END;
COMMENT ON FUNCTION cx.texts_to_change(text, text, text, text) IS 'texts of an alert rule that are given; empty ones become NULL. Called by alter_alert and alter_metric_alert';

CREATE FUNCTION cx.alter_alert(name text, condition text DEFAULT NULL, severity text DEFAULT NULL, message text DEFAULT NULL, customer text DEFAULT NULL, touchpoint text DEFAULT NULL, route text DEFAULT NULL, scope text DEFAULT NULL, cooldown interval DEFAULT NULL, opens_ticket boolean DEFAULT NULL, sla text DEFAULT NULL, org_unit text DEFAULT NULL, staff text DEFAULT NULL, at text DEFAULT NULL, on_update boolean DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	relation regclass;
	fields CONSTANT jsonb := jsonb_strip_nulls(jsonb_build_object('condition', condition, 'customer', customer, 'touchpoint', touchpoint, 'org_unit', org_unit,
		'staff', staff, 'at', at, 'message', message, 'route', route, 'on_update', on_update::text));
BEGIN
	PERFORM cx.require_program();
	relation := cx.find_rule(name, '{row}');
	IF condition = '' THEN
		RAISE EXCEPTION 'a rule must have a condition' USING ERRCODE = 'invalid_parameter_value', HINT = 'cx.disable_alert() puts it out of action.';
	END IF;
	IF severity IS NOT NULL THEN
		PERFORM cx.check_severity(severity);
	END IF;
	PERFORM cx.check_scope(NULLIF(scope, ''));
	PERFORM cx.check_route(NULLIF(route, ''));
	PERFORM cx.check_sla(NULLIF(sla, ''));
	PERFORM cx.as_program_owner('change_rule',
		jsonb_build_object('name', name, 'definition', (
			SELECT coalesce(jsonb_object_agg(d.key, d.value), '{}') FROM cx_data.alert_rule AS r, jsonb_each(r.definition || (fields - '{condition,message,route}'::text[])) AS d
			WHERE r.name = alter_alert.name AND d.value NOT IN ('""', '"true"')))
		|| jsonb_strip_nulls(jsonb_build_object('condition', condition, 'severity', severity, 'cooldown', cooldown, 'opens_ticket', opens_ticket))
		|| cx.texts_to_change(message, route, scope, sla));
	IF fields <> '{}' THEN
		IF relation IS NULL THEN
			RAISE EXCEPTION 'the relation of alert rule "%" was dropped', name
				USING ERRCODE = 'undefined_table', HINT = format('SELECT cx.drop_alert(%L).', name);
		END IF;
		PERFORM cx.set_rule(relation, name, fields, false);
	END IF;
END
$$;
COMMENT ON FUNCTION cx.alter_alert(text, text, text, text, text, text, text, text, interval, boolean, text, text, text, text, boolean) IS 'changes an alert rule made by create_alert: what is not given stays, an empty text takes out';

CREATE FUNCTION cx.renew_rules() RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	-- only those on relations of our own, for only these are written by nobody else than who may write the copy
	PERFORM cx.set_rule(r.relation, r.name, r.definition || jsonb_strip_nulls(jsonb_build_object('condition', r.condition, 'message', r.message, 'route', r.route)), true)
	FROM cx_data.alert_rule AS r JOIN pg_class AS c ON c.oid = r.relation
	WHERE pg_has_role(c.relowner, 'USAGE') AND NOT EXISTS (SELECT FROM pg_trigger AS t WHERE t.tgrelid = c.oid AND t.tgfoid = 'cx.watch'::regproc)
	ORDER BY r.alert_rule_id;
END
$$;
COMMENT ON FUNCTION cx.renew_rules() IS 'makes the triggers of alert rules again that went with the extension, on tables of the program''s owner; called by upgrade_program';

CREATE FUNCTION cx.drop_alert(name text) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	relation regclass;
BEGIN
	PERFORM cx.require_program();
	relation := cx.find_rule(name, '{row,metric,anomaly}');
	IF relation IS NOT NULL THEN
		PERFORM cx.set_rule(relation, name, NULL, false);
	END IF;
	PERFORM cx.as_program_owner('drop_rule', jsonb_build_object('name', name));
END
$$;
COMMENT ON FUNCTION cx.drop_alert(text) IS 'drops an alert rule of any kind; its alerts stay';

CREATE FUNCTION cx.set_alert_enabled(name text, enabled boolean) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	PERFORM cx.find_rule(name, '{row,metric,anomaly}');
	PERFORM cx.as_program_owner('change_rule', jsonb_build_object('name', name, 'enabled', enabled));
END
$$;
COMMENT ON FUNCTION cx.set_alert_enabled(text, boolean) IS 'sets whether an alert rule raises alerts; called by enable_alert and disable_alert';

CREATE FUNCTION cx.enable_alert(name text) RETURNS void
	LANGUAGE sql
	RETURN cx.set_alert_enabled(name, true);
COMMENT ON FUNCTION cx.enable_alert(text) IS 'lets an alert rule of any kind raise alerts again';

CREATE FUNCTION cx.disable_alert(name text) RETURNS void
	LANGUAGE sql
	RETURN cx.set_alert_enabled(name, false);
COMMENT ON FUNCTION cx.disable_alert(text) IS 'keeps an alert rule of any kind from raising alerts';

CREATE FUNCTION cx.rule_history(relation regclass, rule text, during tstzrange, OUT happened_at timestamptz, OUT customer text, OUT touchpoint text, OUT org_unit text) RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C STRICT;
COMMENT ON FUNCTION cx.rule_history(regclass, text, tstzrange) IS 'rows of a relation that an alert rule matches as they are now: when, whose and where, by code, or by key in feedback and event. Runs with the rights of the relation''s owner, for those who may read all of it. Called by test_alert';

CREATE FUNCTION cx.test_alert(name text, during tstzrange DEFAULT NULL) RETURNS TABLE (day date, matches bigint, alerts bigint, customers bigint)
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	relation regclass;
	rule record;
	zone text;
	hit record;
	last_key text;
	opened_at timestamptz;
	found_days date[] := '{}';
	found_keys text[] := '{}';
	opened_days date[] := '{}';
BEGIN
	PERFORM cx.require_program();
	relation := cx.find_rule(name, '{row}');
	IF relation IS NULL THEN
		RAISE EXCEPTION 'the relation of alert rule "%" was dropped', name
			USING ERRCODE = 'undefined_table', HINT = format('SELECT cx.drop_alert(%L).', name);
	END IF;
	SELECT r.scope, r.cooldown INTO rule FROM cx_data.alert_rule AS r WHERE r.name = test_alert.name;
	zone := (SELECT time_zone FROM cx_data.program);
	FOR hit IN
		SELECT h.happened_at, (h.happened_at AT TIME ZONE zone)::date AS day,
			coalesce('customer ' || h.customer, concat_ws(' ', 'place', h.touchpoint, h.org_unit)) AS key
		FROM cx.rule_history(relation, name, coalesce(during, tstzrange(NULL, NULL))) AS h
		LEFT JOIN cx_data.touchpoint AS t ON t.code = h.touchpoint
		LEFT JOIN cx_data.org_unit AS u ON u.code = h.org_unit
		WHERE rule.scope IS NULL OR cx.scope_holds(rule.scope, t.touchpoint_id, u.org_unit_id)
		ORDER BY key, h.happened_at
	LOOP
		IF hit.key IS DISTINCT FROM last_key OR (CASE WHEN rule.cooldown IS NULL THEN (opened_at AT TIME ZONE zone)::date < hit.day ELSE opened_at + rule.cooldown <= hit.happened_at END) THEN
			opened_at := hit.happened_at;
			opened_days := opened_days || hit.day;
		END IF;
		last_key := hit.key;
		found_days := found_days || hit.day;
		found_keys := found_keys || hit.key;
	END LOOP;
	RETURN QUERY
	SELECT f.day, f.matches, coalesce(o.alerts, 0), f.customers
	FROM (SELECT d.day, count(*) AS matches, count(DISTINCT d.key) FILTER (WHERE d.key LIKE 'customer %') AS customers FROM unnest(found_days, found_keys) AS d (day, key) GROUP BY d.day) AS f
	LEFT JOIN (SELECT d.day, count(*) AS alerts FROM unnest(opened_days) AS d (day) GROUP BY d.day) AS o USING (day)
	ORDER BY f.day;
END
$$;
COMMENT ON FUNCTION cx.test_alert(text, tstzrange) IS 'which alerts a rule would have raised during a period, by day in the program''s time zone: rows that match as they are now, alerts after the cool-down, and customers concerned. Without a cool-down it is taken that alerts are resolved by the end of the day. Writes nothing';
-- Alert rules over scores and series: decided once for each full hour or day, from tallies and events

CREATE FUNCTION cx.rule_grain(definition jsonb) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE WHEN definition ? 'grain' THEN definition ->> 'grain' WHEN (definition ->> 'period')::interval < interval '1 day' THEN 'hour' ELSE 'day' END;
COMMENT ON FUNCTION cx.rule_grain(jsonb) IS 'hour or day: how often a metric or anomaly rule is decided';

CREATE FUNCTION cx.rule_zone() RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN (SELECT time_zone FROM cx_data.program);
END
$$;
COMMENT ON FUNCTION cx.rule_zone() IS 'the program''s time zone, in which metric and anomaly rules cut hours and days';

CREATE FUNCTION cx.last_full_bucket(grain text, at timestamptz) RETURNS timestamptz
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF grain = 'hour' THEN
		RETURN cx.bucket('hour', at, cx.rule_zone());
	END IF;
	-- a day is full where it has ended for all units
	RETURN cx.day_start(least((at AT TIME ZONE cx.rule_zone())::date, (SELECT min((at AT TIME ZONE u.time_zone)::date) FROM cx_data.org_unit AS u WHERE u.time_zone IS NOT NULL)), cx.rule_zone());
END
$$;
COMMENT ON FUNCTION cx.last_full_bucket(text, timestamptz) IS 'end of the last hour or day that is over at a time';

CREATE FUNCTION cx.metric_points(definition jsonb, scope text, first_end timestamptz, last_end timestamptz)
	RETURNS TABLE (bucket_end timestamptz, value double precision, lower double precision, upper double precision, responses bigint, expected double precision, breached boolean, recovered boolean)
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
	zone CONSTANT text := cx.rule_zone();
	is_hourly CONSTANT boolean := cx.rule_grain(definition) = 'hour';
	metric_code CONSTANT text := definition ->> 'metric';
	period CONSTANT interval := (definition ->> 'period')::interval;
	below CONSTANT double precision := (definition ->> 'below')::double precision;
	above CONSTANT double precision := (definition ->> 'above')::double precision;
	margin CONSTANT double precision := (definition ->> 'margin')::double precision;
	whole CONSTANT boolean := coalesce((definition -> 'whole_interval')::boolean, false);
	touchpoints CONSTANT bigint[] := cx.scope_touchpoints(scope);
	units CONSTANT bigint[] := cx.scope_units(scope);
BEGIN
	RETURN QUERY
	WITH bucket AS (
		SELECT CASE WHEN is_hourly THEN g.local AT TIME ZONE 'UTC' ELSE cx.day_start(g.local::date, zone) END AS ends, g.local::date AS day
		FROM generate_series(CASE WHEN is_hourly THEN first_end AT TIME ZONE 'UTC' ELSE (first_end AT TIME ZONE zone)::date::timestamp END,
			CASE WHEN is_hourly THEN last_end AT TIME ZONE 'UTC' ELSE (last_end AT TIME ZONE zone)::date::timestamp END, CASE WHEN is_hourly THEN interval '1 hour' ELSE interval '1 day' END) AS g (local)
	), counted AS MATERIALIZED (
		SELECT h.hour + interval '1 hour' AS ends, NULL::date AS day, cx.tally(h.tally) AS tally
		FROM cx_data.tally_live AS h
		WHERE is_hourly AND h.metric = metric_code AND h.hour > first_end - period - interval '1 hour' AND h.hour < last_end
			AND (touchpoints IS NULL OR h.touchpoint_id = ANY (touchpoints)) AND (units IS NULL OR h.org_unit_id = ANY (units))
		GROUP BY h.hour
		UNION ALL
		SELECT NULL, d.day, cx.tally(d.tally)
		FROM cx_data.tally_live_daily AS d
		WHERE NOT is_hourly AND d.metric = metric_code AND d.day >= ((first_end AT TIME ZONE zone)::date - period)::date AND d.day < (last_end AT TIME ZONE zone)::date
			AND (touchpoints IS NULL OR d.touchpoint_id = ANY (touchpoints)) AND (units IS NULL OR d.org_unit_id = ANY (units))
		GROUP BY d.day
	), estimated AS (
		SELECT b.ends, e.value, e.lower, e.upper, e.std_error, coalesce(cx.responses(t.tally), 0) AS responses
		FROM bucket AS b
		LEFT JOIN LATERAL (SELECT cx.tally(c.tally) AS tally FROM counted AS c
			WHERE CASE WHEN is_hourly THEN c.ends > b.ends - period AND c.ends <= b.ends ELSE c.day >= (b.day - period)::date AND c.day < b.day END) AS t ON true
		CROSS JOIN LATERAL cx.metric_estimate(metric_code, t.tally) AS e
	)
	SELECT s.ends, s.value, s.lower, s.upper, s.responses, coalesce(below, above),
		s.responses >= (definition -> 'min_responses')::bigint AND coalesce(CASE WHEN whole THEN s.upper ELSE s.value END < below OR CASE WHEN whole THEN s.lower ELSE s.value END > above, false),
		s.responses >= (definition -> 'min_responses')::bigint AND coalesce(s.value >= below + coalesce(margin, s.std_error, 0), true) AND coalesce(s.value <= above - coalesce(margin, s.std_error, 0), true)
	FROM estimated AS s ORDER BY s.ends;
END
$$;
COMMENT ON FUNCTION cx.metric_points(jsonb, text, timestamptz, timestamptz) IS 'what a metric rule sees at the end of each hour or day between two: score, interval and answers of the period before, exact from tallies, the threshold, whether it is crossed, and whether it is recovered from by the margin, else by one standard error';

CREATE FUNCTION cx.series_values(definition jsonb, scope text, first_start timestamptz, last_end timestamptz)
	RETURNS TABLE (starts timestamptz, value double precision, std_error double precision)
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
	zone CONSTANT text := cx.rule_zone();
	grain CONSTANT text := cx.rule_grain(definition);
	kind CONSTANT text := split_part(definition ->> 'series', ':', 1);
	wanted CONSTANT text := substr(definition ->> 'series', strpos(definition ->> 'series', ':') + 1);
	touchpoints CONSTANT bigint[] := cx.scope_touchpoints(scope);
	units CONSTANT bigint[] := cx.scope_units(scope);
BEGIN
	RETURN QUERY
	WITH observed AS MATERIALIZED (
		SELECT cx.bucket(grain, e.occurred_at, zone) AS starts, CASE kind WHEN 'events' THEN count(*) ELSE avg(e.value) END::double precision AS value,
			CASE kind WHEN 'events' THEN sqrt(count(*)) ELSE stddev_samp(e.value) / sqrt(count(e.value)) END AS std_error
		FROM cx_data.event AS e
		WHERE kind IN ('events', 'mean') AND e.name = wanted AND e.occurred_at >= first_start AND e.occurred_at < last_end
			AND (touchpoints IS NULL OR e.touchpoint_id = ANY (touchpoints)) AND (units IS NULL OR e.org_unit_id = ANY (units))
		GROUP BY 1
		UNION ALL
		SELECT t.starts, CASE kind WHEN 'responses' THEN cx.responses(t.tally) ELSE f.value END, CASE kind WHEN 'responses' THEN sqrt(cx.responses(t.tally)) ELSE f.std_error END
		FROM (
			SELECT cx.bucket(grain, h.hour, zone) AS starts, cx.tally(h.tally) AS tally
			FROM cx_data.tally_live AS h
			WHERE kind IN ('responses', 'score') AND h.metric = wanted AND h.hour >= first_start AND h.hour < last_end
				AND (touchpoints IS NULL OR h.touchpoint_id = ANY (touchpoints)) AND (units IS NULL OR h.org_unit_id = ANY (units))
			GROUP BY 1
		) AS t
		CROSS JOIN LATERAL cx.metric_estimate(wanted, t.tally) AS f
	)
	-- where nothing is counted, that is 0, from the first bucket on in which anything was
	SELECT g.starts, coalesce(o.value, CASE WHEN kind IN ('events', 'responses') THEN 0 END), coalesce(o.std_error, CASE WHEN kind IN ('events', 'responses') THEN 1 END)
	FROM (SELECT CASE grain WHEN 'hour' THEN s.local AT TIME ZONE 'UTC' ELSE cx.day_start(s.local::date, zone) END AS starts
		FROM generate_series((SELECT CASE grain WHEN 'hour' THEN min(o.starts) AT TIME ZONE 'UTC' ELSE min(o.starts) AT TIME ZONE zone END FROM observed AS o),
			CASE grain WHEN 'hour' THEN last_end AT TIME ZONE 'UTC' ELSE last_end AT TIME ZONE zone END, CASE grain WHEN 'hour' THEN interval '1 hour' ELSE interval '1 day' END) AS s (local)) AS g
	LEFT JOIN observed AS o USING (starts)
	WHERE g.starts < last_end
	ORDER BY g.starts;
END
$$;
COMMENT ON FUNCTION cx.series_values(jsonb, text, timestamptz, timestamptz) IS 'the series that an anomaly rule looks at, by hour or day, with what chance alone does to each value: counts of events, means of their values, counts of answers, or scores';

CREATE FUNCTION cx.anomaly_points(definition jsonb, scope text, first_end timestamptz, last_end timestamptz)
	RETURNS TABLE (bucket_end timestamptz, value double precision, lower double precision, upper double precision, responses bigint, expected double precision, breached boolean, recovered boolean)
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
	zone CONSTANT text := cx.rule_zone();
	step CONSTANT interval := CASE cx.rule_grain(definition) WHEN 'hour' THEN interval '1 hour' ELSE interval '1 day' END;
	weeks CONSTANT integer := coalesce((definition -> 'weeks')::integer, 8);
	width CONSTANT double precision := coalesce((definition ->> 'width')::double precision, 4);
	side CONSTANT text := coalesce(definition ->> 'side', 'both');
	holidays CONSTANT date[] := ARRAY(SELECT h::date FROM jsonb_array_elements_text(coalesce(definition -> 'holidays', '[]')) AS h);
	below CONSTANT double precision := (definition ->> 'below')::double precision;
	above CONSTANT double precision := (definition ->> 'above')::double precision;
BEGIN
	RETURN QUERY
	WITH drawn AS (
		SELECT CASE WHEN step = '1 hour' THEN s.starts + step ELSE cx.day_start((s.starts AT TIME ZONE zone)::date + 1, zone) END AS ends, s.value,
			cx.seasonal_chart(s.value, s.starts AT TIME ZONE zone, (s.starts AT TIME ZONE zone)::date = ANY (holidays), s.std_error, weeks, width) OVER (ORDER BY s.starts) AS c
		FROM cx.series_values(definition, scope, first_end - make_interval(weeks => weeks + 1), last_end) AS s
	)
	SELECT d.ends, d.value, CASE WHEN below IS NULL AND above IS NULL THEN (d.c).lower END, CASE WHEN below IS NULL AND above IS NULL THEN (d.c).upper END, NULL::bigint,
		coalesce(below, above, (d.c).centre), e.breached, NOT e.breached AND d.value IS NOT NULL
	FROM drawn AS d
	CROSS JOIN LATERAL (SELECT coalesce(CASE WHEN below IS NULL AND above IS NULL
			THEN (d.c).signal AND CASE side WHEN 'high' THEN d.value > (d.c).centre WHEN 'low' THEN d.value < (d.c).centre ELSE true END
			ELSE coalesce(d.value < below, false) OR coalesce(d.value > above, false) END, false) AS breached) AS e
	WHERE d.ends BETWEEN first_end AND last_end
	ORDER BY d.ends;
END
$$;
COMMENT ON FUNCTION cx.anomaly_points(jsonb, text, timestamptz, timestamptz) IS 'what an anomaly rule sees in each hour or day that ends between two: value, limits and centre of cx.seasonal_chart(), or where the rule has thresholds these, and whether the value is beyond them';

CREATE FUNCTION cx.rule_points(rule bigint, first_end timestamptz, last_end timestamptz)
	RETURNS TABLE (bucket_end timestamptz, value double precision, lower double precision, upper double precision, responses bigint, expected double precision, breached boolean, recovered boolean)
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	asked record;
BEGIN
	SELECT r.kind, r.definition, r.scope INTO asked FROM cx_data.alert_rule AS r WHERE r.alert_rule_id = rule;
	IF asked.kind = 'metric' THEN
		RETURN QUERY SELECT * FROM cx.metric_points(asked.definition, asked.scope, first_end, last_end);
	ELSIF asked.kind = 'anomaly' THEN
		RETURN QUERY SELECT * FROM cx.anomaly_points(asked.definition, asked.scope, first_end, last_end);
	END IF;
END
$$;
COMMENT ON FUNCTION cx.rule_points(bigint, timestamptz, timestamptz) IS 'what a metric or anomaly rule sees at the end of each hour or day between two';

CREATE FUNCTION cx.test_metric_alert(name text, during tstzrange DEFAULT NULL)
	RETURNS TABLE (bucket_end timestamptz, value double precision, lower double precision, upper double precision, responses bigint, expected double precision, breached boolean, alert text)
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	asked record;
	last_end timestamptz;
	first_end timestamptz;
	is_open boolean := false;
BEGIN
	PERFORM cx.require_program();
	PERFORM cx.find_rule(name, '{metric,anomaly}');
	SELECT r.alert_rule_id, cx.rule_grain(r.definition) AS grain INTO asked FROM cx_data.alert_rule AS r WHERE r.name = test_metric_alert.name;
	last_end := cx.last_full_bucket(asked.grain, least(upper(during), cx.as_of()));
	-- the first bucket that ends within the range
	first_end := cx.last_full_bucket(asked.grain, coalesce(lower(during), last_end - CASE asked.grain WHEN 'hour' THEN interval '7 days' ELSE interval '90 days' END));
	IF NOT isfinite(first_end) OR NOT isfinite(last_end) THEN
		RAISE EXCEPTION 'during must have finite ends' USING ERRCODE = 'invalid_parameter_value', HINT = 'Leave it out for the last 90 days, or 7 days of hours.';
	END IF;
	FOR bucket_end, value, lower, upper, responses, expected, breached, alert IN
		SELECT p.bucket_end, p.value, p.lower, p.upper, p.responses, p.expected, p.breached, CASE WHEN p.recovered THEN 'recovered' END
		FROM cx.rule_points(asked.alert_rule_id, first_end, last_end) AS p WHERE during IS NULL OR p.bucket_end <@ during OR p.bucket_end = upper(during)
	LOOP
		alert := CASE WHEN breached AND NOT is_open THEN 'opened' WHEN alert = 'recovered' AND is_open THEN 'resolved' END;
		is_open := CASE alert WHEN 'opened' THEN true WHEN 'resolved' THEN false ELSE is_open END;
		RETURN NEXT;
	END LOOP;
END
$$;
COMMENT ON FUNCTION cx.test_metric_alert(text, tstzrange) IS 'what a metric or anomaly rule would have seen at the end of each hour or day of a range, and where it would have opened and resolved an alert; without a range the last 90 days, or 7 days of hours. Writes nothing';

CREATE FUNCTION cx.rule_message(rule bigint, point jsonb) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	asked record;
	what text;
BEGIN
	SELECT r.name, r.kind, r.message, r.definition, r.scope, t.code AS touchpoint, t.name AS touchpoint_name, u.code AS org_unit, u.name AS org_unit_name INTO asked
	FROM cx_data.alert_rule AS r
	LEFT JOIN cx_data.touchpoint AS t ON r.scope = 'touchpoint:' || t.code
	LEFT JOIN cx_data.org_unit AS u ON r.scope = 'unit:' || u.code
	WHERE r.alert_rule_id = rule;
	what := coalesce(asked.definition ->> 'metric', asked.definition ->> 'series');
	RETURN cx.fill_json(to_jsonb(coalesce(asked.message, CASE asked.kind WHEN 'metric' THEN '{metric} of {scope} is {value}, {responses} answers in {period}; threshold {expected}' ELSE '{series} of {scope} is {value}, {expected} expected' END)),
		point || jsonb_strip_nulls(jsonb_build_object('rule', asked.name, 'metric', what, 'series', what, 'scope', coalesce(asked.scope, 'all'), 'period', asked.definition ->> 'period',
			'touchpoint', coalesce(asked.touchpoint, ''), 'touchpoint.name', coalesce(asked.touchpoint_name, asked.touchpoint, ''), 'org_unit', coalesce(asked.org_unit, ''), 'org_unit.name', coalesce(asked.org_unit_name, asked.org_unit, '')))) #>> '{}';
END
$$;
COMMENT ON FUNCTION cx.rule_message(bigint, jsonb) IS 'message of a metric or anomaly rule about a point';

CREATE FUNCTION cx.evaluate_rule(rule_id bigint, at timestamptz) RETURNS text
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	asked record;
	point record;
	open_alert bigint;
	said jsonb;
BEGIN
	SELECT r.name, r.kind, r.definition, r.scope, r.route, r.message, cx.last_full_bucket(cx.rule_grain(r.definition), at) AS ends INTO asked FROM cx_data.alert_rule AS r WHERE r.alert_rule_id = rule_id AND r.enabled;
	-- once for each bucket, whoever comes first
	INSERT INTO cx_data.alert_rule_point AS p (alert_rule_id, bucket_end) SELECT rule_id, asked.ends WHERE asked.ends IS NOT NULL
	ON CONFLICT (alert_rule_id) DO UPDATE SET bucket_end = excluded.bucket_end, decided_at = now() WHERE p.bucket_end < excluded.bucket_end;
	IF NOT FOUND THEN
		RETURN NULL;
	END IF;
	SELECT * INTO point FROM cx.rule_points(rule_id, asked.ends, asked.ends);
	open_alert := (SELECT max(a.alert_id) FROM cx_data.alert AS a WHERE a.alert_rule_id = rule_id AND a.status <> 'resolved');
	UPDATE cx_data.alert_rule_point AS p SET value = point.value, lower = point.lower, upper = point.upper, responses = point.responses, expected = point.expected, breached = coalesce(point.breached, false)
	WHERE p.alert_rule_id = rule_id;
	IF point.breached THEN
		said := (SELECT jsonb_object_agg(e.key, CASE WHEN jsonb_typeof(e.value) = 'number' THEN to_jsonb(trim_scale(round((e.value)::numeric, 1))::text) ELSE e.value END) FROM jsonb_each(to_jsonb(point)) AS e);
		PERFORM cx.raise_alerts(jsonb_build_array(jsonb_strip_nulls(jsonb_build_object('rule_id', rule_id, 'value', point.value,
			'touchpoint_id', (SELECT t.touchpoint_id FROM cx_data.touchpoint AS t WHERE asked.scope = 'touchpoint:' || t.code), 'org_unit_id', (SELECT u.org_unit_id FROM cx_data.org_unit AS u WHERE asked.scope = 'unit:' || u.code),
			'message', cx.rule_message(rule_id, said), 'route', cx.fill_json(to_jsonb(asked.route), jsonb_build_object('touchpoint', coalesce(split_part(asked.scope, 'touchpoint:', 2), ''), 'org_unit', coalesce(split_part(asked.scope, 'unit:', 2), ''))) #>> '{}',
			'matches', 1))));
		IF open_alert IS NULL AND asked.definition ->> 'on_signal' = 'invite' THEN
			BEGIN
				PERFORM cx.probe_customers(asked.definition, asked.scope, asked.ends);
			EXCEPTION WHEN OTHERS THEN
				-- the alert stays
				PERFORM cx.note_alert_errors(jsonb_build_array(jsonb_build_object('rule_id', rule_id, 'sqlstate', SQLSTATE, 'message', SQLERRM)));
			END;
		END IF;
		RETURN CASE WHEN open_alert IS NULL THEN 'opened' ELSE 'goes on' END;
	ELSIF point.recovered AND open_alert IS NOT NULL THEN
		UPDATE cx_data.alert AS a SET status = 'resolved' WHERE a.alert_rule_id = rule_id AND a.status <> 'resolved';
		RETURN 'resolved';
	END IF;
	RETURN CASE WHEN open_alert IS NULL THEN 'quiet' ELSE 'waits' END;
END
$$;
COMMENT ON FUNCTION cx.evaluate_rule(bigint, timestamptz) IS 'decides a metric or anomaly rule on the last full hour or day, once for each: opened, goes on, resolved, waits (neither crossed nor recovered), or quiet; NULL if that was decided already. Takes the rights of the program''s owner; called by evaluate_alerts';

CREATE FUNCTION cx.owner_evaluate(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	decided jsonb := '[]';
	asked record;
	verdict text;
BEGIN
	IF NOT cx.owns_program(caller) AND NOT cx.role_has_level(caller, '{admin}') THEN
		RAISE EXCEPTION 'permission denied to evaluate alert rules' USING ERRCODE = 'insufficient_privilege', HINT = 'It takes access as an admin.';
	END IF;
	FOR asked IN SELECT r.alert_rule_id, r.name FROM cx_data.alert_rule AS r WHERE r.kind <> 'row' AND r.enabled ORDER BY r.alert_rule_id LOOP
		BEGIN
			verdict := cx.evaluate_rule(asked.alert_rule_id, (argument ->> 'at')::timestamptz);
		EXCEPTION WHEN OTHERS THEN
			-- one rule that cannot be decided must not stop the others
			verdict := 'error';
			PERFORM cx.note_alert_errors(jsonb_build_array(jsonb_build_object('rule_id', asked.alert_rule_id, 'sqlstate', SQLSTATE, 'message', SQLERRM)));
		END;
		IF verdict IS NOT NULL THEN
			decided := decided || jsonb_build_object('rule', asked.name, 'verdict', verdict);
		END IF;
	END LOOP;
	RETURN decided;
END
$$;
COMMENT ON FUNCTION cx.owner_evaluate(jsonb, oid) IS 'decides metric and anomaly rules; part of evaluate_alerts, with the rights of the program''s owner';

CREATE FUNCTION cx.evaluate_alerts() RETURNS TABLE (rule text, verdict text)
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	PERFORM cx.require_read_committed();
	RETURN QUERY SELECT d ->> 'rule', d ->> 'verdict' FROM jsonb_array_elements(cx.as_program_owner('evaluate', jsonb_build_object('at', cx.as_of()))) AS d;
END
$$;
COMMENT ON FUNCTION cx.evaluate_alerts() IS 'decides metric and anomaly rules on the last full hour or day before cx.as_of(), once for each: opened (an alert), goes on, resolved, waits (neither crossed nor recovered), quiet, or error. cx.maintain() does the same';
-- Alert rules over scores and series: made and changed

CREATE FUNCTION cx.check_rule_message(message text) RETURNS void
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	known CONSTANT text[] := '{rule,metric,series,scope,period,value,lower,upper,responses,expected,bucket_end,touchpoint,touchpoint.name,org_unit,org_unit.name}';
	name text;
BEGIN
	FOR name IN SELECT m[1] FROM regexp_matches(message, '\{([^{}]*)\}', 'g') AS m LOOP
		IF name <> ALL (known) THEN
			RAISE EXCEPTION '{%} in the message of an alert rule is not known', name
				USING ERRCODE = 'invalid_parameter_value', HINT = format('There are {%s}.', array_to_string(known, '}, {'));
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION cx.check_rule_message(text) IS 'raises an error if a message of a metric or anomaly rule holds a name in braces that is not known';

CREATE FUNCTION cx.check_finite(value double precision, what text, is_positive boolean DEFAULT false) RETURNS void
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF value IN ('infinity', '-infinity', 'NaN') OR (is_positive AND value < 0) THEN
		RAISE EXCEPTION '% must be a number%', what, CASE WHEN is_positive THEN ' that is not negative' ELSE '' END USING ERRCODE = 'invalid_parameter_value';
	END IF;
END
$$;
COMMENT ON FUNCTION cx.check_finite(double precision, text, boolean) IS 'raises an error for NaN and infinity, and if so wanted for negative numbers';

CREATE FUNCTION cx.check_rule_definition(kind text, definition jsonb) RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	period CONSTANT interval := (definition ->> 'period')::interval;
	series CONSTANT text := definition ->> 'series';
	wanted CONSTANT text := coalesce(definition ->> 'metric', CASE WHEN series ~ '^(responses|score):' THEN substr(series, strpos(series, ':') + 1) END);
BEGIN
	IF wanted IS NOT NULL AND NOT EXISTS (SELECT FROM cx_data.metric AS m WHERE m.code = wanted) THEN
		RAISE EXCEPTION 'metric "%" does not exist', wanted USING ERRCODE = 'undefined_object', HINT = 'SELECT code FROM cx_data.metric shows the metrics.';
	END IF;
	PERFORM cx.check_finite((definition ->> 'below')::double precision, 'below');
	PERFORM cx.check_finite((definition ->> 'above')::double precision, 'above');
	PERFORM cx.check_finite((definition ->> 'margin')::double precision, 'margin', true);
	IF kind = 'metric' THEN
		IF definition ->> 'metric' IS NULL OR period IS NULL OR (definition -> 'below' IS NULL AND definition -> 'above' IS NULL) THEN
			RAISE EXCEPTION 'metric, period, and below or above must be given' USING ERRCODE = 'invalid_parameter_value', HINT = 'below and above are scores that are not to be crossed.';
		END IF;
		IF period <= '0' OR (period < interval '1 day' AND extract(epoch FROM period)::numeric % 3600 <> 0) OR (period >= interval '1 day' AND period <> date_trunc('day', period)) OR period > interval '10 years' THEN
			RAISE EXCEPTION 'period must be whole hours within a day, or whole days' USING ERRCODE = 'invalid_parameter_value', HINT = 'Use for example 6 hours, 7 days or 1 month.';
		END IF;
		IF coalesce((definition -> 'min_responses')::bigint < 1, true) THEN
			RAISE EXCEPTION 'min_responses must be positive' USING ERRCODE = 'invalid_parameter_value';
		END IF;
		RETURN;
	END IF;
	IF series IS NULL OR series !~ '^(events|mean|responses|score):.+$' THEN
		RAISE EXCEPTION 'series "%" is not known', series
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Use events: or mean: with the name of events, responses: or score: with the code of a metric.';
	END IF;
	IF coalesce(definition ->> 'grain' NOT IN ('hour', 'day'), true) THEN
		RAISE EXCEPTION 'grain "%" is not known', definition ->> 'grain' USING ERRCODE = 'invalid_parameter_value', HINT = 'Use hour or day.';
	END IF;
	IF coalesce(definition ->> 'side' NOT IN ('both', 'high', 'low'), true) THEN
		RAISE EXCEPTION 'side "%" is not known', definition ->> 'side' USING ERRCODE = 'invalid_parameter_value', HINT = 'Use high, low or both.';
	END IF;
	IF coalesce((definition -> 'weeks')::integer NOT BETWEEN 3 AND 52, true) THEN
		RAISE EXCEPTION 'weeks must be within 3..52' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF coalesce((definition ->> 'width')::double precision NOT BETWEEN 0.1 AND 100, true) THEN
		RAISE EXCEPTION 'width must be within 0.1..100' USING ERRCODE = 'invalid_parameter_value', HINT = 'It is how many sigma away an observation raises an alarm.';
	END IF;
	IF coalesce(definition ->> 'on_signal' NOT IN ('alert', 'invite'), true) THEN
		RAISE EXCEPTION 'on_signal "%" is not known', definition ->> 'on_signal' USING ERRCODE = 'invalid_parameter_value', HINT = 'Use alert or invite.';
	END IF;
	IF definition ->> 'on_signal' = 'invite' AND series !~ '^(events|mean):' THEN
		RAISE EXCEPTION 'only a series of events tells which customers to invite' USING ERRCODE = 'invalid_parameter_value', HINT = 'Use a series events: or mean:.';
	END IF;
	IF definition ->> 'on_signal' = 'invite' AND NOT EXISTS (SELECT FROM cx_data.survey AS s WHERE s.code = definition ->> 'survey') THEN
		RAISE EXCEPTION 'survey "%" does not exist', definition ->> 'survey' USING ERRCODE = 'undefined_object', HINT = 'Add it to cx_data.survey.';
	END IF;
END
$$;
COMMENT ON FUNCTION cx.check_rule_definition(text, jsonb) IS 'raises an error unless a metric or anomaly rule can be decided';

CREATE FUNCTION cx.register_rule(name text, kind text, definition jsonb, scope text, severity text, message text, route text, cooldown interval, opens_ticket boolean, sla text) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	IF name IS NULL THEN
		RAISE EXCEPTION 'name must be given' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	PERFORM cx.check_rule_definition(kind, definition);
	PERFORM cx.check_severity(severity);
	PERFORM cx.check_scope(scope);
	PERFORM cx.check_route(route);
	PERFORM cx.check_sla(sla);
	PERFORM cx.check_rule_message(message);
	RETURN cx.as_program_owner('register_rule', jsonb_build_object('name', name, 'kind', kind, 'definition', definition, 'severity', severity, 'message', message, 'route', route,
		'scope', NULLIF(scope, 'all'), 'cooldown', cooldown, 'opens_ticket', opens_ticket, 'sla', sla))::bigint;
END
$$;
COMMENT ON FUNCTION cx.register_rule(text, text, jsonb, text, text, text, text, interval, boolean, text) IS 'checks and notes a metric or anomaly rule; called by create_metric_alert and create_anomaly_alert';

CREATE FUNCTION cx.create_metric_alert(name text, metric text, scope text DEFAULT 'all', period interval DEFAULT '7 days', below double precision DEFAULT NULL, above double precision DEFAULT NULL, min_responses integer DEFAULT 30, severity text DEFAULT 'normal', message text DEFAULT NULL, route text DEFAULT NULL, whole_interval boolean DEFAULT false, margin double precision DEFAULT NULL, cooldown interval DEFAULT NULL, opens_ticket boolean DEFAULT false, sla text DEFAULT NULL) RETURNS bigint
	LANGUAGE sql SET IntervalStyle = 'postgres'
	RETURN cx.register_rule(name, 'metric', pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object('metric', metric, 'period', period::text, 'below', below, 'above', above, 'min_responses', min_responses,
		'whole_interval', NULLIF(whole_interval, false), 'margin', margin)), scope, severity, message, route, cooldown, opens_ticket, sla);
COMMENT ON FUNCTION cx.create_metric_alert(text, text, text, interval, double precision, double precision, integer, text, text, text, boolean, double precision, interval, boolean, text) IS 'makes an alert rule over a score of a touchpoint:, stage:, journey:, unit: (with all below) or all, all answers within it pooled: an alert is opened when the score of the last full period, or with whole_interval its whole 95 % interval, is below or above a threshold and there are min_responses answers; it is resolved by itself when the score is back by margin, else by one standard error. Decided once for each full day, or for periods of hours each full hour; period is whole days, or whole hours within a day';

CREATE FUNCTION cx.create_anomaly_alert(name text, series text, scope text DEFAULT 'all', grain text DEFAULT 'hour', side text DEFAULT 'both', below double precision DEFAULT NULL, above double precision DEFAULT NULL, weeks integer DEFAULT 8, width double precision DEFAULT 4, holidays date[] DEFAULT NULL, on_signal text DEFAULT 'alert', survey text DEFAULT NULL, severity text DEFAULT 'normal', message text DEFAULT NULL, route text DEFAULT NULL, cooldown interval DEFAULT NULL, opens_ticket boolean DEFAULT false, sla text DEFAULT NULL) RETURNS bigint
	LANGUAGE sql
	RETURN cx.register_rule(name, 'anomaly', pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object('series', series, 'grain', grain, 'side', side, 'below', below, 'above', above, 'weeks', weeks, 'width', width,
		'holidays', pg_catalog.to_jsonb(holidays), 'on_signal', on_signal, 'survey', survey)), scope, severity, message, route, cooldown, opens_ticket, sla);
COMMENT ON FUNCTION cx.create_anomaly_alert(text, text, text, text, text, double precision, double precision, integer, double precision, date[], text, text, text, text, text, interval, boolean, text) IS 'makes an alert rule over an hourly or daily series: events: (their number) or mean: (of their values) with the name of events, responses: or score: with a metric. An alert is opened where cx.seasonal_chart() signals, which compares with the same weekday and hour of the last weeks, so that nights, weekends and holidays do not alarm, or where a value is below or above a threshold; and resolved by itself in the first hour or day without. With on_signal => invite the customers of these events are invited to the survey too, if the contact rules let them';

CREATE FUNCTION cx.alter_metric_alert(name text, scope text DEFAULT NULL, period interval DEFAULT NULL, below double precision DEFAULT NULL, above double precision DEFAULT NULL, min_responses integer DEFAULT NULL, severity text DEFAULT NULL, message text DEFAULT NULL, route text DEFAULT NULL, whole_interval boolean DEFAULT NULL, margin double precision DEFAULT NULL, cooldown interval DEFAULT NULL, opens_ticket boolean DEFAULT NULL, sla text DEFAULT NULL, side text DEFAULT NULL, weeks integer DEFAULT NULL, width double precision DEFAULT NULL, holidays date[] DEFAULT NULL, on_signal text DEFAULT NULL, survey text DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET IntervalStyle = 'postgres' AS $$
DECLARE
	known record;
	changed jsonb;
BEGIN
	PERFORM cx.require_program();
	PERFORM cx.find_rule(name, '{metric,anomaly}');
	SELECT r.kind, r.definition INTO known FROM cx_data.alert_rule AS r WHERE r.name = alter_metric_alert.name;
	changed := jsonb_strip_nulls(CASE known.kind
		WHEN 'metric' THEN jsonb_build_object('period', period::text, 'below', below, 'above', above, 'min_responses', min_responses, 'whole_interval', whole_interval, 'margin', margin)
		ELSE jsonb_build_object('below', below, 'above', above, 'side', side, 'weeks', weeks, 'width', width, 'holidays', to_jsonb(holidays), 'on_signal', on_signal, 'survey', survey) END);
	PERFORM cx.check_rule_definition(known.kind, known.definition || changed);
	IF severity IS NOT NULL THEN
		PERFORM cx.check_severity(severity);
	END IF;
	PERFORM cx.check_scope(NULLIF(scope, ''));
	PERFORM cx.check_route(NULLIF(route, ''));
	PERFORM cx.check_sla(NULLIF(sla, ''));
	PERFORM cx.check_rule_message(message);
	PERFORM cx.as_program_owner('change_rule', jsonb_build_object('name', name, 'definition', known.definition || changed)
		|| jsonb_strip_nulls(jsonb_build_object('severity', severity, 'cooldown', cooldown, 'opens_ticket', opens_ticket)) || cx.texts_to_change(message, route, scope, sla));
END
$$;
COMMENT ON FUNCTION cx.alter_metric_alert(text, text, interval, double precision, double precision, integer, text, text, text, boolean, double precision, interval, boolean, text, text, integer, double precision, date[], text, text) IS 'changes a metric or anomaly rule: what is not given stays, an empty text takes out; it is decided anew from the next full hour or day on';

CREATE FUNCTION cx.probe_customers(definition jsonb, scope text, bucket_end timestamptz) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	zone CONSTANT text := cx.rule_zone();
	bucket_start CONSTANT timestamptz := CASE definition ->> 'grain' WHEN 'hour' THEN bucket_end - interval '1 hour' ELSE cx.day_start((bucket_end AT TIME ZONE zone)::date - 1, zone) END;
	touchpoints CONSTANT bigint[] := cx.scope_touchpoints(scope);
	units CONSTANT bigint[] := cx.scope_units(scope);
	customer text;
	invited bigint := 0;
BEGIN
	FOR customer IN
		SELECT c.code FROM cx_data.customer AS c
		WHERE c.customer_id IN (SELECT e.customer_id FROM cx_data.event AS e
			WHERE e.name = substr(definition ->> 'series', strpos(definition ->> 'series', ':') + 1) AND e.occurred_at >= bucket_start AND e.occurred_at < bucket_end
				AND (touchpoints IS NULL OR e.touchpoint_id = ANY (touchpoints)) AND (units IS NULL OR e.org_unit_id = ANY (units)))
		ORDER BY c.customer_id
	LOOP
		invited := invited + (SELECT count(*) FROM cx.invite(customer, definition ->> 'survey') AS i WHERE i.status = 'queued');
	END LOOP;
	RETURN invited;
END
$$;
COMMENT ON FUNCTION cx.probe_customers(jsonb, text, timestamptz) IS 'invites the customers of the events of an hour or day to the survey of an anomaly rule; those whom the contact rules protect are noted as suppressed. Gives how many are queued; called by evaluate_rule';

CREATE FUNCTION cx.definition_problem(kind text, definition jsonb, scope text) RETURNS text
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.check_rule_definition(kind, definition);
	PERFORM cx.check_scope(scope);
	RETURN NULL;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLERRM;
END
$$;
COMMENT ON FUNCTION cx.definition_problem(text, jsonb, text) IS 'why a metric or anomaly rule cannot be decided any more, such as a metric that is gone; NULL if it can. For the view cx_data.alert_rule_status';
-- The outbox: messages are claimed, delivered outside the database, and what became of them is reported

CREATE FUNCTION cx.hmac_sha256(key bytea, message bytea) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.hmac_sha256(bytea, bytea) IS 'HMAC of a message with SHA-256 (RFC 2104), 32 bytes';

CREATE FUNCTION cx.webhook_signature(signing_key text, message_id text, at bigint, body text) RETURNS text
	LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN 'v1,' || encode(cx.hmac_sha256(CASE WHEN signing_key LIKE 'whsec\_%' THEN decode(substr(signing_key, 7), 'base64') ELSE convert_to(signing_key, 'UTF8') END,
		convert_to(format('%s.%s.%s', message_id, at, body), 'UTF8')), 'base64');
END
$$;
COMMENT ON FUNCTION cx.webhook_signature(text, text, bigint, text) IS 'value of the header webhook-signature, as the Standard Webhooks convention has it: v1, and the Base64 of the HMAC-SHA256 of id.timestamp.body; the timestamp is in Unix seconds, the key whsec_ and Base64, or any text';

CREATE FUNCTION cx.fill_json(template jsonb, names jsonb) RETURNS jsonb
	LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	filled text;
	name record;
BEGIN
	CASE jsonb_typeof(template)
		WHEN 'object' THEN
			RETURN (SELECT coalesce(jsonb_object_agg(e.key, cx.fill_json(e.value, names)), '{}') FROM jsonb_each(template) AS e);
		WHEN 'array' THEN
			RETURN (SELECT coalesce(jsonb_agg(cx.fill_json(e.value, names) ORDER BY e.place), '[]') FROM jsonb_array_elements(template) WITH ORDINALITY AS e (value, place));
		WHEN 'string' THEN
			-- from left to right, so that what was filled in is not looked at again
			SELECT string_agg(CASE WHEN part.place % 2 = 1 OR NOT names ? part.text THEN part.text ELSE names ->> part.text END, '' ORDER BY part.place)
			INTO filled FROM regexp_split_to_table(replace(template #>> '{}', '{', E'\x01'), E'[\x01}]') WITH ORDINALITY AS part (text, place);
			RETURN to_jsonb(filled);
		ELSE
			RETURN template;
	END CASE;
END
$$;
COMMENT ON FUNCTION cx.fill_json(jsonb, jsonb) IS 'a JSON template with the names in braces in its strings filled in; called by outbox_claim';

CREATE FUNCTION cx.message_text(payloads jsonb) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	BEGIN ATOMIC
		SELECT CASE pg_catalog.jsonb_array_length(payloads)
			WHEN 1 THEN pg_catalog.format('[%s] %s', payloads #>> '{0,severity}', payloads #>> '{0,message}')
			ELSE pg_catalog.format(E'%s alerts\n%s', pg_catalog.jsonb_array_length(payloads),
				(SELECT pg_catalog.string_agg(pg_catalog.format('[%s] %s', p.value ->> 'severity', p.value ->> 'message'), E'\n' ORDER BY p.ordinality)
					FROM pg_catalog.jsonb_array_elements(payloads) WITH ORDINALITY AS p)) END;
	END;
COMMENT ON FUNCTION cx.message_text(jsonb) IS 'text of a message, or of several put together, for people to read';

CREATE FUNCTION cx.message_request(channel bigint, ids bigint[], payloads jsonb, send_to text, OUT url text, OUT headers text[], OUT body text)
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	way record;
	seconds CONSTANT bigint := extract(epoch FROM clock_timestamp())::bigint;
	said text := cx.message_text(payloads);
	template jsonb;
BEGIN
	SELECT c.url, c.signing_key, f.code, f.body, f.digest, f.signing, f.max_bytes INTO STRICT way
	FROM cx_data.channel AS c JOIN cx_data.channel_format AS f ON f.code = c.format WHERE c.channel_id = channel;
	url := coalesce(send_to, way.url);
	IF octet_length(said) > way.max_bytes THEN
		said := left(said, greatest(way.max_bytes / 4, 1)) || '...';
	END IF;
	IF way.code = 'email' THEN
		url := 'mailto:' || regexp_replace(url, '^mailto:', '');
		headers := ARRAY['To: ' || regexp_replace(substr(url, 8), '[^[:graph:]]', '', 'g'),
			'Subject: =?UTF-8?B?' || replace(encode(convert_to(left(split_part(said, E'\n', 1), 45), 'UTF8'), 'base64'), E'\n', '') || '?=',
			format('Message-ID: <%s.%s@cx>', ids[1], regexp_replace(current_database(), '[^[:alnum:]]', '-', 'g')),
			'MIME-Version: 1.0', 'Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: base64', 'Auto-Submitted: auto-generated'];
		body := encode(convert_to(said, 'UTF8'), 'base64');
		RETURN;
	END IF;
	headers := ARRAY['Content-Type: application/json'];
	template := CASE WHEN cardinality(ids) > 1 THEN way.digest ELSE way.body END;
	body := CASE
		WHEN template IS NOT NULL THEN cx.fill_json(template, coalesce(payloads -> 0, '{}') || jsonb_build_object('text', said, 'count', cardinality(ids)))::text
		WHEN cardinality(ids) > 1 THEN jsonb_build_object('count', cardinality(ids), 'messages', payloads)::text
		ELSE (payloads -> 0)::text END;
	CASE way.signing
		WHEN 'standard' THEN
			headers := headers || ARRAY['webhook-id: ' || ids[1], 'webhook-timestamp: ' || seconds];
			IF way.signing_key IS NOT NULL THEN
				headers := headers || ('webhook-signature: ' || cx.webhook_signature(way.signing_key, ids[1]::text, seconds, body));
			END IF;
		WHEN 'dingtalk' THEN
			IF way.signing_key IS NOT NULL THEN
				url := format('%s&timestamp=%s&sign=%s', url, seconds * 1000,
					replace(replace(replace(encode(cx.hmac_sha256(convert_to(way.signing_key, 'UTF8'), convert_to(format(E'%s\n%s', seconds * 1000, way.signing_key), 'UTF8')), 'base64'), '+', '%2B'), '/', '%2F'), '=', '%3D'));
			END IF;
		WHEN 'feishu' THEN
			IF way.signing_key IS NOT NULL THEN
				body := (body::jsonb || jsonb_build_object('timestamp', seconds::text,
					'sign', encode(cx.hmac_sha256(convert_to(format(E'%s\n%s', seconds, way.signing_key), 'UTF8'), ''), 'base64')))::text;
			END IF;
		ELSE NULL;
	END CASE;
END
$$;
COMMENT ON FUNCTION cx.message_request(bigint, bigint[], jsonb, text) IS 'what is to be sent: address, headers and body of a request or an e-mail, signed as the channel''s format says; called by outbox_claim';

CREATE FUNCTION cx.channel_room(channel bigint) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	most integer;
BEGIN
	-- one worker at a time, the others leave the channel out
	SELECT c.rate_limit INTO most FROM cx_data.channel AS c WHERE c.channel_id = channel FOR NO KEY UPDATE SKIP LOCKED;
	IF NOT FOUND THEN
		RETURN 0;
	END IF;
	RETURN greatest(0, most - (SELECT count(DISTINCT coalesce(o.digest_id, o.outbox_id)) FROM cx_data.outbox AS o
		WHERE o.channel_id = channel AND o.claimed_at > clock_timestamp() - interval '1 minute'));
END
$$;
COMMENT ON FUNCTION cx.channel_room(bigint) IS 'how many more requests the rate limit of a channel allows at this moment; called by outbox_claim';

CREATE FUNCTION cx.outbox_worker(worker text) RETURNS text
	LANGUAGE sql
	RETURN coalesce(worker, pg_catalog.format('%s, process %s', session_user, pg_catalog.pg_backend_pid()));
COMMENT ON FUNCTION cx.outbox_worker(text) IS 'name under which messages are leased: the one that is given, else that of the session';

CREATE FUNCTION cx.outbox_claim(most integer DEFAULT 100, lease interval DEFAULT '1 minute', worker text DEFAULT NULL)
	RETURNS TABLE (ids bigint[], channel text, format text, url text, headers text[], body text, attempts integer)
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
	me CONSTANT text := cx.outbox_worker(worker);
BEGIN
	PERFORM cx.require_program();
	IF lease IS NULL OR lease <= '0' THEN
		RAISE EXCEPTION 'lease must be positive' USING ERRCODE = 'invalid_parameter_value', HINT = 'It is for how long the worker has the messages to itself.';
	END IF;
	RETURN QUERY
	WITH way AS MATERIALIZED (
		SELECT c.channel_id, c.code, c.format, CASE WHEN c.rate_limit IS NOT NULL THEN cx.channel_room(c.channel_id) END AS room
		FROM cx_data.channel AS c
		WHERE c.active AND EXISTS (SELECT FROM cx_data.outbox AS o WHERE o.channel_id = c.channel_id AND o.delivered_at IS NULL AND o.dead_at IS NULL AND o.available_at <= clock_timestamp())
	), due AS (
		SELECT o.outbox_id FROM cx_data.outbox AS o
		WHERE o.delivered_at IS NULL AND o.dead_at IS NULL AND o.available_at <= clock_timestamp()
			AND o.channel_id IN (SELECT w.channel_id FROM way AS w WHERE coalesce(w.room, 1) > 0)
		ORDER BY o.available_at, o.outbox_id LIMIT greatest(most, 0) FOR UPDATE OF o SKIP LOCKED
	), placed AS (
		SELECT o.outbox_id, o.channel_id, o.send_to, w.room,
			row_number() OVER (PARTITION BY o.channel_id ORDER BY o.outbox_id) AS place, count(*) OVER (PARTITION BY o.channel_id) AS waiting
		FROM due JOIN cx_data.outbox AS o USING (outbox_id) JOIN way AS w USING (channel_id)
	), grouped AS (
		-- those for which there is no room go together with the last one for which there is, one request for each address
		SELECT p.outbox_id, first_value(p.outbox_id) OVER (PARTITION BY p.channel_id, p.send_to, CASE WHEN p.waiting > p.room THEN least(p.place, p.room) ELSE p.place END ORDER BY p.outbox_id) AS leader
		FROM placed AS p
	), leased AS (
		-- until the lease ends it is not available to others; who is killed loses it to them
		UPDATE cx_data.outbox AS o SET attempts = o.attempts + 1, leased_by = me, leased_until = clock_timestamp() + lease, available_at = clock_timestamp() + lease,
			claimed_at = clock_timestamp(), digest_id = NULLIF(g.leader, o.outbox_id)
		FROM grouped AS g WHERE o.outbox_id = g.outbox_id
		RETURNING o.outbox_id, g.leader, o.channel_id, o.send_to, o.payload, o.attempts
	), request AS (
		SELECT l.leader, l.channel_id, min(l.send_to) AS send_to, array_agg(l.outbox_id ORDER BY l.outbox_id) AS ids, jsonb_agg(l.payload ORDER BY l.outbox_id) AS payloads, max(l.attempts) AS attempts
		FROM leased AS l GROUP BY l.leader, l.channel_id
	)
	SELECT r.ids, w.code, w.format, m.url, m.headers, m.body, r.attempts
	FROM request AS r JOIN way AS w USING (channel_id) CROSS JOIN LATERAL cx.message_request(r.channel_id, r.ids, r.payloads, r.send_to) AS m
	ORDER BY r.leader;
END
$$;
COMMENT ON FUNCTION cx.outbox_claim(integer, interval, text) IS 'takes messages to deliver them, the oldest first, one row for each request to be made: nobody else gets them before the lease ends. Over the rate limit of a channel several go into one request. Commit before delivering, then tell by outbox_report, or outbox_ack and outbox_fail, what became of them; workers at the same time get different ones';

CREATE FUNCTION cx.outbox_ack(ids bigint[], worker text DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	delivered bigint;
BEGIN
	PERFORM cx.require_program();
	UPDATE cx_data.outbox AS o SET delivered_at = clock_timestamp(), leased_until = NULL, last_error = NULL
	WHERE o.outbox_id = ANY (ids) AND o.leased_by = cx.outbox_worker(worker) AND o.delivered_at IS NULL AND o.dead_at IS NULL;
	GET DIAGNOSTICS delivered = ROW_COUNT;
	RETURN delivered;
END
$$;
COMMENT ON FUNCTION cx.outbox_ack(bigint[], text) IS 'notes that messages were delivered, by the worker that claimed them last; gives how many. Others, whose lease has ended and passed on, change nothing';

CREATE FUNCTION cx.outbox_fail(ids bigint[], error text, worker text DEFAULT NULL, retry_after interval DEFAULT NULL, most_attempts integer DEFAULT 12) RETURNS timestamptz
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	next_at timestamptz;
BEGIN
	PERFORM cx.require_program();
	WITH failed AS (
		UPDATE cx_data.outbox AS o SET last_error = left(error, 500), leased_until = NULL,
			dead_at = CASE WHEN o.attempts >= most_attempts THEN clock_timestamp() END,
			-- half a minute, doubled with each attempt up to an hour, less up to a half by chance, so that not all come at once
			available_at = clock_timestamp() + greatest(retry_after, least(interval '30 seconds' * 2 ^ least(o.attempts - 1, 10), interval '1 hour') * (0.5 + 0.5 * random()))
		WHERE o.outbox_id = ANY (ids) AND o.leased_by = cx.outbox_worker(worker) AND o.delivered_at IS NULL AND o.dead_at IS NULL
		RETURNING o.available_at, o.dead_at
	)
	SELECT min(f.available_at) INTO next_at FROM failed AS f WHERE f.dead_at IS NULL;
	RETURN next_at;
END
$$;
COMMENT ON FUNCTION cx.outbox_fail(bigint[], text, text, interval, integer) IS 'notes that messages could not be delivered, by the worker that claimed them last; gives when they will be tried again: after half a minute, doubled with each attempt up to an hour, less up to a half by chance, but not before retry_after. NULL if they were given up after most_attempts, or are another worker''s';

CREATE FUNCTION cx.outbox_release(ids bigint[], worker text DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	released bigint;
BEGIN
	PERFORM cx.require_program();
	UPDATE cx_data.outbox AS o SET attempts = greatest(o.attempts - 1, 0), leased_until = NULL, available_at = clock_timestamp(), claimed_at = NULL, digest_id = NULL
	WHERE o.outbox_id = ANY (ids) AND o.leased_by = cx.outbox_worker(worker) AND o.leased_until IS NOT NULL AND o.delivered_at IS NULL AND o.dead_at IS NULL;
	GET DIAGNOSTICS released = ROW_COUNT;
	RETURN released;
END
$$;
COMMENT ON FUNCTION cx.outbox_release(bigint[], text) IS 'gives messages back that were claimed but not tried, by the worker that claimed them last: they can be claimed again at once, and that was no attempt. Gives how many';

CREATE FUNCTION cx.outbox_report(ids bigint[], worker text, status integer, response text DEFAULT NULL, error text DEFAULT NULL, retry_after interval DEFAULT NULL) RETURNS boolean
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	success CONSTANT jsonpath := (SELECT f.success::jsonpath FROM cx_data.outbox AS o JOIN cx_data.channel AS c USING (channel_id) JOIN cx_data.channel_format AS f ON f.code = c.format WHERE o.outbox_id = ids[1]);
	problem text := error;
BEGIN
	IF problem IS NULL AND (status BETWEEN 200 AND 299) IS NOT TRUE THEN
		problem := concat('status ', coalesce(status::text, 'unknown'));
	ELSIF problem IS NULL AND success IS NOT NULL THEN
		-- chat robots answer 200 whatever happens, and say in the body what did
		BEGIN
			IF (response::jsonb @@ success) IS NOT TRUE THEN
				problem := 'refused: ' || left(regexp_replace(response, '[[:cntrl:]]', ' ', 'g'), 200);
			END IF;
		EXCEPTION WHEN data_exception THEN
			problem := 'the answer is not JSON';
		END;
	END IF;
	IF problem IS NULL THEN
		RETURN cx.outbox_ack(ids, worker) > 0;
	END IF;
	PERFORM cx.outbox_fail(ids, problem, worker, retry_after);
	RETURN false;
END
$$;
COMMENT ON FUNCTION cx.outbox_report(bigint[], text, integer, text, text, interval) IS 'notes what became of a request: the status and body that the receiver answered with, or why there was no answer; acknowledges the messages, or has them tried again. True if they are delivered';

CREATE FUNCTION cx.outbox_replay(ids bigint[] DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	replayed bigint;
BEGIN
	PERFORM cx.require_program();
	-- where the route led nowhere it may lead somewhere now
	UPDATE cx_data.outbox AS o SET channel_id = t.channel_id, send_to = t.send_to
	FROM cx_data.outbox AS lost CROSS JOIN LATERAL (SELECT r.channel_id, r.send_to FROM cx.route_targets(lost.route) AS r WHERE r.problem IS NULL LIMIT 1) AS t
	WHERE o.outbox_id = lost.outbox_id AND lost.channel_id IS NULL AND CASE WHEN ids IS NULL THEN lost.dead_at IS NOT NULL ELSE lost.outbox_id = ANY (ids) END;
	UPDATE cx_data.outbox AS o SET attempts = 0, available_at = clock_timestamp(), leased_by = NULL, leased_until = NULL, delivered_at = NULL, dead_at = NULL
	WHERE CASE WHEN ids IS NULL THEN o.dead_at IS NOT NULL ELSE o.outbox_id = ANY (ids) END AND o.channel_id IS NOT NULL AND o.payload <> '{}';
	GET DIAGNOSTICS replayed = ROW_COUNT;
	RETURN replayed;
END
$$;
COMMENT ON FUNCTION cx.outbox_replay(bigint[]) IS 'has messages delivered once more, or without an argument all that were given up; gives how many. Those about customers who were erased stay where they are';

CREATE FUNCTION cx.outbox_purge(older_than interval DEFAULT '30 days') RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	purged bigint;
BEGIN
	PERFORM cx.require_program();
	DELETE FROM cx_data.outbox AS o WHERE coalesce(o.delivered_at, o.dead_at) < now() - older_than;
	GET DIAGNOSTICS purged = ROW_COUNT;
	RETURN purged;
END
$$;
COMMENT ON FUNCTION cx.outbox_purge(interval) IS 'deletes messages that were delivered or given up longer ago than that; gives how many';
-- Versions of models: which of them scores, what was found of it, which is better

CREATE FUNCTION cx.find_model(name text, version integer DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	found_id bigint;
BEGIN
	PERFORM cx.require_program();
	SELECT m.model_id INTO found_id FROM cx_data.model AS m
	WHERE m.name = find_model.name AND CASE WHEN find_model.version IS NULL THEN m.champion ELSE m.version = find_model.version END;
	IF NOT FOUND THEN
		RAISE EXCEPTION '%', CASE WHEN version IS NULL OR NOT EXISTS (SELECT FROM cx_data.model AS m WHERE m.name = find_model.name)
				THEN format('model "%s" does not exist', name) ELSE format('model "%s" has no version %s', name, version) END
			USING ERRCODE = 'undefined_object', HINT = 'SELECT name, version, champion FROM cx_data.model shows the models; cx.train() makes one.';
	END IF;
	RETURN found_id;
END
$$;
COMMENT ON FUNCTION cx.find_model(text, integer) IS 'key of a version of a model in cx_data.model, of the champion without a version; error if there is none';

CREATE FUNCTION cx.find_model_text(model text) RETURNS bigint
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	parts CONSTANT text[] := regexp_match(model, '^(.+)@([0-9]{1,9})$');
BEGIN
	PERFORM cx.require_program();
	IF parts IS NULL OR EXISTS (SELECT FROM cx_data.model AS m WHERE m.name = model) THEN
		RETURN cx.find_model(model);
	END IF;
	RETURN cx.find_model(parts[1], parts[2]::integer);
END
$$;
COMMENT ON FUNCTION cx.find_model_text(text) IS 'key in cx_data.model of what a text names: name is the champion of a model, name@3 its version 3; error if there is none';

CREATE FUNCTION cx.owner_set_champion(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT cx.may_change_model(argument ->> 'name', caller) THEN
		RAISE EXCEPTION 'permission denied to change model "%"', argument ->> 'name'
			USING ERRCODE = 'insufficient_privilege', HINT = 'It takes access as an admin, UPDATE on cx_data.model, or to have trained all versions of it.';
	END IF;
	LOCK TABLE cx_data.model IN SHARE ROW EXCLUSIVE MODE;
	PERFORM cx.find_model(argument ->> 'name', (argument -> 'version')::integer);
	UPDATE cx_data.model AS m SET champion = false WHERE m.name = argument ->> 'name' AND m.champion AND m.version <> (argument -> 'version')::integer;
	UPDATE cx_data.model AS m SET champion = true, benchmark = cx.benchmark_of(m.report) WHERE m.name = argument ->> 'name' AND m.version = (argument -> 'version')::integer;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.owner_set_champion(jsonb, oid) IS 'does the work of set_champion with the rights of the program''s owner';

CREATE FUNCTION cx.set_champion(name text, version integer) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	IF num_nulls(name, version) > 0 THEN
		RAISE EXCEPTION 'name and version must be given' USING ERRCODE = 'null_value_not_allowed';
	END IF;
	PERFORM cx.as_program_owner('set_champion', jsonb_build_object('name', name, 'version', version));
END
$$;
COMMENT ON FUNCTION cx.set_champion(text, integer) IS 'makes a version of a model the one that scores by name, in place of the one before; its report is then what the next version is measured against';

CREATE FUNCTION cx.owner_drop_model(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	dropped record;
BEGIN
	IF NOT cx.may_change_model(argument ->> 'name', caller) THEN
		RAISE EXCEPTION 'permission denied to drop model "%"', argument ->> 'name'
			USING ERRCODE = 'insufficient_privilege', HINT = 'It takes access as an admin, UPDATE on cx_data.model, or to have trained all versions of it.';
	END IF;
	LOCK TABLE cx_data.model IN SHARE ROW EXCLUSIVE MODE;
	SELECT m.* INTO STRICT dropped FROM cx_data.model AS m WHERE m.model_id = cx.find_model(argument ->> 'name', (argument ->> 'version')::integer);
	IF argument ->> 'version' IS NULL THEN
		DELETE FROM cx_data.model AS m WHERE m.name = dropped.name;
	ELSIF dropped.champion AND EXISTS (SELECT FROM cx_data.model AS m WHERE m.name = dropped.name AND NOT m.champion) THEN
		RAISE EXCEPTION 'version % is the champion of model "%"', dropped.version, dropped.name
			USING ERRCODE = 'dependent_objects_still_exist', HINT = 'Make another version the champion with cx.set_champion() first, or drop the model without a version.';
	ELSE
		DELETE FROM cx_data.model AS m WHERE m.model_id = dropped.model_id;
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.owner_drop_model(jsonb, oid) IS 'does the work of drop_model with the rights of the program''s owner';

CREATE FUNCTION cx.drop_model(name text, version integer DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	IF name IS NULL THEN
		RAISE EXCEPTION 'name must be given' USING ERRCODE = 'null_value_not_allowed';
	END IF;
	PERFORM cx.as_program_owner('drop_model', jsonb_build_object('name', name, 'version', version));
END
$$;
COMMENT ON FUNCTION cx.drop_model(text, integer) IS 'drops a version of a model, or all of it without one; the champion goes only with the others';

CREATE FUNCTION cx.model_report(name text, version integer DEFAULT NULL)
	RETURNS TABLE (section text, measure text, value double precision, lower double precision, upper double precision, note text)
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	m cx_data.model;
	r jsonb;
BEGIN
	SELECT * INTO m FROM cx_data.model AS known WHERE known.model_id = cx.find_model(model_report.name, model_report.version);
	r := m.report;
	RETURN QUERY
	SELECT 'model', part.measure, part.value, NULL::double precision, NULL::double precision, part.note
	FROM (VALUES ('version', m.version::double precision, concat_ws(', ', m.algorithm, m.outcome || ' of ' || m.target, CASE WHEN m.champion THEN 'champion' END)),
		('rows', m.row_count, NULL), ('events', m.event_count, NULL)) AS part (measure, value, note) WHERE part.value IS NOT NULL
	UNION ALL
	SELECT 'model', replace(f.key, '_', ' '), f.value::double precision, NULL, NULL, NULL
	FROM jsonb_each(m.fit) AS f WHERE f.key ~ '_rows$|^rows_|^trees$' AND (f.value::double precision > 0 OR f.key !~ '^rows_');
	IF r IS NULL THEN
		RETURN QUERY SELECT 'held out', 'rows', 0::double precision, NULL::double precision, NULL::double precision, 'nothing is known of how good it is';
	ELSE
		RETURN QUERY
		SELECT 'held out', q.measure, (r ->> q.key)::double precision, (r ->> q.lower)::double precision, (r ->> q.upper)::double precision, q.note
		FROM (VALUES (1, 'AUC', 'auc', 'auc_lower', 'auc_upper', 'area under the ROC curve: 0.5 tells nothing, 1 all'), (2, 'log-loss', 'log_loss', NULL, NULL, 'smaller is better'), (3, 'Brier score', 'brier', NULL, NULL, 'mean squared error, smaller is better'),
			(4, 'accuracy', 'accuracy', NULL, NULL, 'share predicted rightly at 0.5'), (5, 'accuracy at the base rate', 'base_accuracy', NULL, NULL, 'of always saying the commoner outcome'),
			(6, 'base rate', 'base_rate', NULL, NULL, NULL), (7, 'mean probability', 'mean_probability', NULL, NULL, NULL), (8, 'calibration error', 'calibration_error', NULL, NULL, 'mean distance of predicted and observed'),
			(9, 'R squared', 'r_squared', NULL, NULL, 'of the variance explained'), (10, 'RMSE', 'rmse', NULL, NULL, 'root of the mean squared error'), (11, 'MAE', 'mae', NULL, NULL, 'mean absolute error'))
			AS q (place, measure, key, lower, upper, note)
		WHERE r ? q.key ORDER BY q.place;
		RETURN QUERY
		SELECT 'lift', 'decile ' || t.decile, t.lift, NULL::double precision, NULL::double precision, format('%s %% of all events so far', round((100 * t.capture)::numeric, 1))
		FROM cx.lift_table(r) AS t ORDER BY t.decile;
		RETURN QUERY
		SELECT 'calibration', 'bin ' || t.bin || ' observed', t.observed, t.observed_lower, t.observed_upper, format('predicted %s', round(t.predicted::numeric, 4))
		FROM cx.calibration_table(r) AS t ORDER BY t.bin;
	END IF;
	RETURN QUERY
	SELECT 'importance', i.value ->> 'feature', (i.value ->> 'share')::double precision, NULL::double precision, NULL::double precision, NULL::text
	FROM jsonb_array_elements(m.fit -> 'importance') WITH ORDINALITY AS i (value, place) ORDER BY i.place;
	RETURN QUERY
	SELECT 'coefficient', c.term, c.coefficient, c.coefficient - 1.959963984540054 * c.std_error, c.coefficient + 1.959963984540054 * c.std_error, NULL::text
	FROM jsonb_to_recordset(m.fit -> 'coefficients') AS c (term text, coefficient double precision, std_error double precision);
	RETURN QUERY
	SELECT 'excluded', e.value ->> 'column', NULL::double precision, NULL::double precision, NULL::double precision, e.value ->> 'reason'
	FROM jsonb_array_elements(m.excluded) WITH ORDINALITY AS e (value, place) ORDER BY e.place;
END
$$;
COMMENT ON FUNCTION cx.model_report(text, integer) IS 'what is known of a version of a model, of the champion without one: rows it was made of; on the rows held out AUC with its 95 % interval of DeLong, log-loss, Brier score, accuracy beside that of always saying the commoner outcome, lift by decile (lift of the decile; note: events in it and those before), calibration (observed share with its 95 % Wilson interval beside the prediction); importance (share of the mean size of contributions); coefficients with 95 % intervals, in log-odds or units of the target per unit of the feature; columns that were left out, and why. Of a number R squared, RMSE and MAE instead';

CREATE FUNCTION cx.holdout_condition(model bigint) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	m cx_data.model;
	place text;
	flag text;
BEGIN
	SELECT * INTO m FROM cx_data.model AS known WHERE known.model_id = holdout_condition.model;
	place := CASE WHEN m.key IS NULL THEN format('(cx.holdout_share(q, %1$L::pg_catalog.int8, pg_catalog.row_number() OVER (PARTITION BY cx.holdout_share(q, %1$L::pg_catalog.int8))) < %2$L::pg_catalog.float8)', m.seed, m.holdout)
		ELSE format('(cx.holdout_share(q.%I, %L::pg_catalog.int8) < %L::pg_catalog.float8)', m.key, m.seed, m.holdout) END;
	IF m.options ? 'holdout_after' THEN
		-- null where there is no time: such rows are on no side
		flag := format('(q.%I > %L)', m.options ->> 'time', m.options ->> 'holdout_after');
	ELSIF m.options ? 'holdout_where' THEN
		flag := format(E'coalesce((%s\n)::pg_catalog.bool, false)', m.options ->> 'holdout_where');
	END IF;
	RETURN CASE WHEN flag IS NULL THEN place WHEN m.key IS NULL THEN flag
		ELSE format('(%s AND (%s OR pg_catalog.bool_and(%1$s) OVER (PARTITION BY q.%3$I)))', flag, place, m.key) END;
END
$$;
COMMENT ON FUNCTION cx.holdout_condition(bigint) IS 'SQL condition over rows q of a training query that says whether a model held them out; part of compare_models';

CREATE FUNCTION cx.comparable_query(a bigint, b bigint, query text) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	first cx_data.model;
	second cx_data.model;
BEGIN
	SELECT * INTO first FROM cx_data.model AS m WHERE m.model_id = a;
	SELECT * INTO second FROM cx_data.model AS m WHERE m.model_id = b;
	IF first.outcome <> 'probability' OR second.outcome <> 'probability' THEN
		RAISE EXCEPTION 'compare_models compares probabilities, and a model predicts a number'
			USING ERRCODE = 'feature_not_supported', HINT = 'Compare R squared and RMSE of cx.model_report().';
	END IF;
	IF first.target <> second.target THEN
		RAISE EXCEPTION 'the models predict different columns, "%" and "%"', first.target, second.target USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF query IS NOT NULL THEN
		RETURN (query);
	END IF;
	-- a stored text runs with the rights of whoever runs it: nobody but him, or who owns all that can write it, may have put it there
	IF first.trained_by <> current_user OR (current_setting('is_superuser')::boolean AND NOT cx.owns_program((SELECT r.oid FROM pg_roles AS r WHERE r.rolname = current_user))) THEN
		RAISE EXCEPTION 'the training query of model "%" is of role "%"', first.name, first.trained_by
			USING ERRCODE = 'insufficient_privilege', HINT = 'Look at column query of cx_data.model, and give a query that you trust as third argument.';
	END IF;
	RETURN first.query;
END
$$;
COMMENT ON FUNCTION cx.comparable_query(bigint, bigint, text) IS 'query for compare_models, by default the training query of the first model; error if the models cannot be compared, or if that query is not of the current role';

CREATE FUNCTION cx.check_comparable_rows(model bigint, columns text[], types text[]) RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	m cx_data.model;
BEGIN
	SELECT * INTO m FROM cx_data.model AS known WHERE known.model_id = check_comparable_rows.model;
	IF m.key IS NULL AND NOT m.options ?| '{holdout_after,holdout_where}' AND (columns, types) IS DISTINCT FROM (m.columns, m.column_types) THEN
		RAISE EXCEPTION 'the rows that model "%" held out cannot be told, for it has no key and the query gives other columns than its training query', m.name
			USING ERRCODE = 'invalid_parameter_value', DETAIL = format('The training query gives %s.', (SELECT string_agg(c.name || ' ' || c.type, ', ' ORDER BY c.place) FROM unnest(m.columns, m.column_types) WITH ORDINALITY AS c (name, type, place))),
				HINT = 'Give the same columns in the same order with the same types, or train with key, or on one query, from which option exclude takes columns.';
	ELSIF m.column_types[array_position(m.columns, m.key)] <> types[array_position(columns, m.key)] THEN
		RAISE EXCEPTION 'key "%" of model "%" is of type %, and the query gives %', m.key, m.name, m.column_types[array_position(m.columns, m.key)], types[array_position(columns, m.key)]
			USING ERRCODE = 'datatype_mismatch', HINT = 'Cast the key in the query to the type that it had in training.';
	END IF;
END
$$;
COMMENT ON FUNCTION cx.check_comparable_rows(bigint, text[], text[]) IS 'raises an error if a query with these columns does not tell which rows a model held out; part of compare_models';

CREATE FUNCTION cx.compare_models(a text, b text, query text DEFAULT NULL)
	RETURNS TABLE (row_count bigint, event_count bigint, auc_a double precision, auc_b double precision, difference double precision, lower double precision, upper double precision, p_value double precision, verdict text)
	LANGUAGE plpgsql AS $$
DECLARE
	first CONSTANT pg_catalog.int8 := cx.find_model_text(a);
	second CONSTANT pg_catalog.int8 := cx.find_model_text(b);
	source CONSTANT pg_catalog.text := cx.comparable_query(first, second, query);
	columns CONSTANT pg_catalog.text[] := cx.query_columns(source);
	types CONSTANT pg_catalog.text[] := cx.query_types(source);
	column_name pg_catalog.text;
BEGIN
	PERFORM cx.check_comparable_rows(first, columns, types), cx.check_comparable_rows(second, columns, types);
	SELECT pg_catalog.quote_ident(m.target) INTO column_name FROM cx_data.model AS m WHERE m.model_id OPERATOR(pg_catalog.=) first;
	RETURN QUERY EXECUTE pg_catalog.format($compare$
		SELECT c.row_count, c.event_count, (c.area_a).value, (c.area_b).value, (c.d).difference, (c.d).lower, (c.d).upper, (c.d).p_value,
			CASE WHEN (c.d).significant IS NOT TRUE THEN 'no difference to be told' WHEN (c.d).difference > 0 THEN %L ELSE %L END
		FROM (SELECT pg_catalog.count(*) AS row_count, pg_catalog.count(*) FILTER (WHERE s.outcome) AS event_count,
				cx.roc_area(s.score_a, s.outcome) AS area_a, cx.roc_area(s.score_b, s.outcome) AS area_b, cx.roc_difference(s.outcome, s.score_a, s.score_b) AS d
			FROM (SELECT q.%3$s::pg_catalog.int4::pg_catalog.bool AS outcome, cx.predict(first.predictor, q.row_of_query) AS score_a, cx.predict(second.predictor, q.row_of_query) AS score_b
				FROM (SELECT q AS row_of_query, q.%3$s, %4$s AND %5$s AS is_held_out FROM %6$s AS q WHERE q.%3$s IS NOT NULL) AS q,
					cx_data.model AS first, cx_data.model AS second
				WHERE q.is_held_out AND first.model_id OPERATOR(pg_catalog.=) $1 AND second.model_id OPERATOR(pg_catalog.=) $2) AS s) AS c$compare$,
		b || ' is better'::pg_catalog.text, a || ' is better'::pg_catalog.text, column_name, cx.holdout_condition(first), cx.holdout_condition(second), cx.query_subselect(source))
	USING first, second;
END
$$;
COMMENT ON FUNCTION cx.compare_models(text, text, text) IS 'which of two models tells the outcomes apart better, on rows that both held out: areas under the ROC curve, their difference (b minus a) with its 95 % interval, and p-value of the paired test of DeLong, DeLong and Clarke-Pearson (1988). A model is named by its name (its champion) or as name@version. The rows are those of the query, which must give the columns of both training queries, and just these in their order if a model has neither key nor time nor condition, by default the training query of a, if the caller trained it. Rows of a query that changed since may have been learnt from, unless both models have a key or a time';
-- Who may see what: levels of access, and row security by unit
--
-- A level is plain GRANTs, made from the catalogue: all views, and the tables
-- under them column by column.  Row security adds which rows: those of the
-- unit that the role works for, and of the units below it.

-- A room with columns that are personal adds them here; admins read them all.
CREATE FUNCTION cx.private_columns() RETURNS TABLE (relation text, columns text[], levels text[])
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	VALUES
		('feedback', '{comment,attributes}'::text[], '{agent,manager}'::text[]),
		('event', '{attributes}', '{agent,manager}'),
		('customer', '{attributes}', '{agent,manager}'),
		('customer_identity', '{value}', '{agent,manager}'),
		('staff', '{contact}', '{manager}'),
		('staff', '{db_role}', '{}'),
		('import_error', '{source_key,message,payload}', '{}'),
		('alert', '{message}', '{agent,manager}'),
		('alert_match', '{payload}', '{}'),
		('alert_error', '{source_row,message}', '{}'),
		('channel', '{url,signing_key}', '{}'),
		('outbox', '{send_to,payload,last_error}', '{}'),
		('ticket', '{subject,detail,action_taken,source_key}', '{agent,manager}'),
		('ticket_task', '{subject,blocked_reason,result}', '{agent,manager}'),
		('ticket_event', '{note}', '{agent,manager}'),
		('invitation', '{token}', '{}');
END;
COMMENT ON FUNCTION cx.private_columns() IS 'columns of the program that are not for every level of access, and the levels besides admin that read them';

-- A room adds what a level needs beyond reading the views and the tables under them.
CREATE FUNCTION cx.other_privileges() RETURNS TABLE (privilege text, relation text, columns text[], levels text[])
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	VALUES
		('SELECT', 'customer_identity', NULL::text[], '{agent,manager}'::text[]),
		('SELECT', 'persona', NULL, '{analyst,agent,manager}'),
		('SELECT', 'journey_note', NULL, '{analyst,agent,manager}'),
		('SELECT', 'model', NULL, '{analyst,agent,manager}'),
		('SELECT', 'model_drift', NULL, '{analyst,agent,manager}'),
		('UPDATE', 'alert', '{status}', '{agent,manager}'),
		('INSERT', 'journey_note', '{stage_id,touchpoint_id,persona_id,kind,body}', '{agent,manager}'),
		('DELETE', 'ticket', NULL, '{admin}'),
		('UPDATE', 'ticket', '{customer_id,customer_merge_id,source_key,subject,detail,action_taken}', '{admin}'),
		('UPDATE', 'ticket_task', '{subject,blocked_reason,result}', '{admin}'),
		('UPDATE', 'ticket_event', '{note}', '{admin}'),
		('UPDATE', 'program', '{time_zone}', '{admin}');
END;
COMMENT ON FUNCTION cx.other_privileges() IS 'what levels of access may do beyond reading the views and the tables under them, and what admins may do beyond writing';

CREATE FUNCTION cx.program_columns() RETURNS TABLE (relation text, column_name text, attnum smallint)
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	relations CONSTANT text[] := (SELECT p.relations FROM cx_data.program AS p);
	columns CONSTANT text[] := (SELECT p.columns FROM cx_data.program AS p);
BEGIN
	RETURN QUERY
	SELECT c.relname::text, a.attname::text, a.attnum
	FROM pg_class AS c
	JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
	WHERE c.relnamespace = 'cx_data'::regnamespace AND c.relkind = 'r' AND c.relname = ANY (relations) AND c.relname || '.' || a.attname = ANY (columns);
END
$$;
COMMENT ON FUNCTION cx.program_columns() IS 'columns that cx made in its tables, the others are yours';

CREATE FUNCTION cx.privileges_of_level(level text) RETURNS TABLE (privilege text, relation text, columns text[])
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	relations CONSTANT text[] := (SELECT p.relations FROM cx_data.program AS p);
BEGIN
	RETURN QUERY
	WITH made AS (
		SELECT c.oid, c.relname::text AS name, c.relkind = 'v' AS is_view
		FROM pg_class AS c
		WHERE c.relnamespace = 'cx_data'::regnamespace AND c.relkind IN ('r', 'v') AND c.relname = ANY (relations)
	), readable AS (
		SELECT under.name FROM made AS v
		JOIN pg_rewrite AS r ON r.ev_class = v.oid
		JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass
		JOIN made AS under ON under.oid = d.refobjid AND NOT under.is_view
		WHERE v.is_view
		UNION
		SELECT o.relation FROM cx.other_privileges() AS o
		WHERE o.privilege = 'SELECT' AND privileges_of_level.level = ANY (o.levels)
	)
	SELECT 'SELECT', m.name, NULL::text[] FROM made AS m WHERE m.is_view OR (level = 'admin' AND m.name <> 'seal')
	UNION ALL
	SELECT 'SELECT', c.relation, array_agg(c.column_name ORDER BY c.attnum)
	FROM readable JOIN cx.program_columns() AS c ON c.relation = readable.name
	WHERE level <> 'admin' AND NOT EXISTS (SELECT FROM cx.private_columns() AS p
		WHERE p.relation = c.relation AND c.column_name = ANY (p.columns) AND NOT level = ANY (p.levels))
	GROUP BY c.relation
	UNION ALL
	SELECT o.privilege, o.relation, o.columns FROM cx.other_privileges() AS o WHERE o.privilege <> 'SELECT' AND level = ANY (o.levels)
	UNION ALL
	-- what cx keeps for itself is written by nobody: the tallies, the program's row, the levels, what rules run, the history of tickets, models
	SELECT p.privilege, m.name, NULL
	FROM made AS m CROSS JOIN unnest('{INSERT,UPDATE,DELETE}'::text[]) AS p (privilege)
	WHERE level = 'admin' AND NOT m.is_view AND m.name NOT LIKE 'tally\_%' AND m.name NOT IN ('program', 'access', 'alert_rule', 'seal', 'ticket', 'ticket_task', 'ticket_event', 'model');
END
$$;
COMMENT ON FUNCTION cx.privileges_of_level(text) IS 'what a level of access (analyst, agent, manager, admin) may do on which tables and views; columns is NULL where that is all of them';

CREATE FUNCTION cx.apply_level(role text, level text) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	allowed record;
BEGIN
	EXECUTE format('GRANT USAGE ON SCHEMA cx_data TO %I', role);
	FOR allowed IN SELECT * FROM cx.privileges_of_level(level) ORDER BY relation, privilege LOOP
		EXECUTE format('GRANT %s%s ON cx_data.%I TO %I', allowed.privilege,
			'(' || (SELECT string_agg(quote_ident(name), ', ') FROM unnest(allowed.columns) AS name) || ')', allowed.relation, role);
	END LOOP;
END
$$;
COMMENT ON FUNCTION cx.apply_level(text, text) IS 'grants a role what a level of access may do; called by grant_access and upgrade_program';

CREATE FUNCTION cx.remove_level(role text) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	allowed regclass;
BEGIN
	FOR allowed IN
		SELECT c.oid FROM cx_data.program AS p
		JOIN pg_class AS c ON c.relnamespace = 'cx_data'::regnamespace AND c.relkind IN ('r', 'v') AND c.relname = ANY (p.relations)
		WHERE EXISTS (SELECT FROM pg_roles AS r,
				(SELECT c.relacl UNION ALL SELECT a.attacl FROM pg_attribute AS a WHERE a.attrelid = c.oid) AS o (acl), aclexplode(o.acl) AS entry
			WHERE r.rolname = remove_level.role AND entry.grantee = r.oid)
		ORDER BY c.oid
	LOOP
		-- the privileges on columns go with those on the table
		EXECUTE format('REVOKE ALL ON %s FROM %I', allowed, role);
	END LOOP;
	EXECUTE format('REVOKE USAGE ON SCHEMA cx_data FROM %I', role);
END
$$;
COMMENT ON FUNCTION cx.remove_level(text) IS 'revokes all that a role may do on the tables and views of the program; called by grant_access and revoke_access';

CREATE FUNCTION cx.owner_grant_access(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	grantee CONSTANT text := argument ->> 'role';
	new_level CONSTANT text := argument ->> 'level';
BEGIN
	PERFORM cx.check_owns_program(caller);
	IF grantee IS NULL OR new_level IS NULL THEN
		RAISE EXCEPTION 'role and level must be given' USING ERRCODE = 'null_value_not_allowed';
	END IF;
	IF new_level NOT IN ('analyst', 'agent', 'manager', 'admin') THEN
		RAISE EXCEPTION 'level "%" is not known', new_level
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Use analyst, agent, manager or admin.';
	END IF;
	IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = grantee) THEN
		RAISE EXCEPTION 'role "%" does not exist', grantee
			USING ERRCODE = 'undefined_object', HINT = 'CREATE ROLE makes one; write its name as it stands in pg_roles, without quotes around it.';
	END IF;
	IF grantee = current_user THEN
		RAISE EXCEPTION 'role "%" owns the CX program', grantee
			USING ERRCODE = 'invalid_grant_operation', HINT = 'The owner may do everything already.';
	END IF;
	-- one at a time
	LOCK TABLE cx_data.access IN SHARE ROW EXCLUSIVE MODE;
	PERFORM cx.remove_level(grantee);
	PERFORM cx.apply_level(grantee, new_level);
	INSERT INTO cx_data.access AS known (role, level) VALUES (grantee, new_level)
	ON CONFLICT (role) DO UPDATE SET level = excluded.level;
	IF new_level IN ('agent', 'manager') AND NOT (SELECT row_security FROM cx_data.program) THEN
		RAISE WARNING 'row security is off, so role "%" sees the rows of all units', grantee
			USING HINT = 'CALL cx.enable_row_security().';
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.owner_grant_access(jsonb, oid) IS 'does the work of grant_access with the rights of the program''s owner';

CREATE PROCEDURE cx.grant_access(role text, level text)
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	PERFORM cx.as_program_owner('grant_access', jsonb_build_object('role', role, 'level', level));
END
$$;
COMMENT ON PROCEDURE cx.grant_access(text, text) IS 'gives a database role a level of access to the CX program, in place of whatever it might do there before: analyst, agent, manager or admin';

CREATE FUNCTION cx.owner_revoke_access(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	grantee CONSTANT text := argument ->> 'role';
BEGIN
	PERFORM cx.check_owns_program(caller);
	LOCK TABLE cx_data.access IN SHARE ROW EXCLUSIVE MODE;
	DELETE FROM cx_data.access WHERE role = grantee;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'role "%" has no level of access to the CX program', grantee
			USING ERRCODE = 'undefined_object', HINT = 'SELECT role, level FROM cx_data.access shows who has; what was granted by hand, REVOKE takes back.';
	END IF;
	IF EXISTS (SELECT FROM pg_roles WHERE rolname = grantee) THEN
		PERFORM cx.remove_level(grantee);
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.owner_revoke_access(jsonb, oid) IS 'does the work of revoke_access with the rights of the program''s owner';

CREATE PROCEDURE cx.revoke_access(role text)
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	PERFORM cx.as_program_owner('revoke_access', jsonb_build_object('role', role));
END
$$;
COMMENT ON PROCEDURE cx.revoke_access(text) IS 'takes from a database role all that it may do in the CX program; call it before DROP ROLE';

-- Row security.  A role sees what each role sees whose privileges it inherits, as it is with GRANTs.

CREATE FUNCTION cx.role_has_level(role oid, levels text[]) RETURNS boolean
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN EXISTS (SELECT FROM cx_data.access AS a JOIN pg_roles AS r ON r.rolname = a.role
		WHERE a.level = ANY (levels) AND pg_has_role(role_has_level.role, r.oid, 'USAGE'));
END
$$;
COMMENT ON FUNCTION cx.role_has_level(oid, text[]) IS 'whether a role has one of these levels of access, itself or inherited; reads cx_data.access with the caller''s rights';

CREATE FUNCTION cx.role_sees_all(role oid) RETURNS boolean
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN cx.role_has_level(role, '{analyst,admin}');
END
$$;
COMMENT ON FUNCTION cx.role_sees_all(oid) IS 'whether the rows of all units are for a role; support function of sees_all_units';

CREATE FUNCTION cx.units_of_role(role oid) RETURNS bigint[]
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN ARRAY(
		WITH RECURSIVE worker AS (
			SELECT s.staff_id, s.org_unit_id, cx.role_has_level(r.oid, '{manager}') AS manages
			FROM cx_data.staff AS s JOIN pg_roles AS r ON r.rolname = s.db_role
			WHERE pg_has_role(units_of_role.role, r.oid, 'USAGE') AND cx.role_has_level(r.oid, '{agent,manager}')
		), visible AS (
			(SELECT org_unit_id, manages FROM worker WHERE org_unit_id IS NOT NULL
			UNION
			SELECT u.org_unit_id, true FROM cx_data.org_unit AS u JOIN worker ON worker.staff_id = u.manager_id WHERE worker.manages)
			UNION	-- not ALL, so a circle of parents comes to an end
			SELECT u.org_unit_id, true FROM visible JOIN cx_data.org_unit AS u ON u.parent_id = visible.org_unit_id WHERE visible.manages
		)
		SELECT DISTINCT org_unit_id FROM visible ORDER BY org_unit_id);
END
$$;
COMMENT ON FUNCTION cx.units_of_role(oid) IS 'units whose rows are for a role: those its members of staff work for, and for managers those they manage, with all below; support function of visible_units';

CREATE FUNCTION cx.sees_all_units() RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.sees_all_units() IS 'whether the rows of all units, and those without a unit, are for the current role: analysts and admins; policies of row security ask it';

CREATE FUNCTION cx.visible_units() RETURNS bigint[]
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.visible_units() IS 'units whose rows are for the current role, as an agent or a manager; policies of row security ask it';

CREATE FUNCTION cx.check_sees_all_rows() RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF (row_security_active('cx_data.feedback') OR row_security_active('cx_data.event')) AND NOT cx.sees_all_units() THEN
		RAISE EXCEPTION 'rows that you do not see may refer to this'
			USING ERRCODE = 'insufficient_privilege', HINT = 'It takes access as an admin.';
	END IF;
END
$$;
COMMENT ON FUNCTION cx.check_sees_all_rows() IS 'raises an error if row security hides feedback or events from the current role; for triggers that look whether a row is still referred to';

CREATE FUNCTION cx.row_policies() RETURNS TABLE (relation text, visible text)
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN QUERY
	SELECT c.relation, '(SELECT cx.sees_all_units()) OR ' || CASE
		-- both subqueries run once in a statement, and the second one is hashed
		WHEN bool_or(c.column_name = 'org_unit_id') THEN 'org_unit_id IN (SELECT unnest(cx.visible_units()))'
			|| CASE WHEN bool_or(c.column_name = 'asked_by_unit_id') THEN ' OR asked_by_unit_id IN (SELECT unnest(cx.visible_units()))' ELSE '' END
		ELSE format('EXISTS (SELECT FROM cx_data.%1$s AS c WHERE c.%1$s_id = %2$I.%1$s_id)', CASE WHEN bool_or(c.column_name = 'customer_id') THEN 'customer' ELSE 'ticket' END, c.relation) END
	FROM cx.program_columns() AS c
	WHERE c.column_name IN ('org_unit_id', 'customer_id', 'ticket_id', 'asked_by_unit_id')
	GROUP BY c.relation
	-- in the order in which they were made, in which others lock them
	ORDER BY to_regclass('cx_data.' || quote_ident(c.relation))::oid;
END
$$;
COMMENT ON FUNCTION cx.row_policies() IS 'tables under row security: all that have a unit, a customer or a ticket; and the condition by which a row is visible';

CREATE FUNCTION cx.make_policies() RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET client_min_messages = warning AS $$
DECLARE
	policy record;
BEGIN
	FOR policy IN SELECT * FROM cx.row_policies() LOOP
		EXECUTE format('ALTER TABLE cx_data.%I ENABLE ROW LEVEL SECURITY', policy.relation);
		EXECUTE format('DROP POLICY IF EXISTS cx_visible ON cx_data.%I', policy.relation);
		EXECUTE format('CREATE POLICY cx_visible ON cx_data.%I USING (%s)', policy.relation, policy.visible);
		EXECUTE format('COMMENT ON POLICY cx_visible ON cx_data.%I IS %L', policy.relation, 'made by cx.enable_row_security(): rows of the units that cx.visible_units() gives');
	END LOOP;
END
$$;
COMMENT ON FUNCTION cx.make_policies() IS 'makes the policies of row security; called by enable_row_security and upgrade_program';

CREATE FUNCTION cx.drop_policies() RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET client_min_messages = warning AS $$
DECLARE
	name text;
BEGIN
	FOR name IN SELECT relation FROM cx.row_policies() LOOP
		EXECUTE format('DROP POLICY IF EXISTS cx_visible ON cx_data.%I', name);
		-- where the user has policies of his own, these go on
		IF NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = format('cx_data.%I', name)::regclass) THEN
			EXECUTE format('ALTER TABLE cx_data.%I DISABLE ROW LEVEL SECURITY', name);
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION cx.drop_policies() IS 'drops the policies of row security; called by disable_row_security';

CREATE FUNCTION cx.owner_row_security(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.check_owns_program(caller);
	UPDATE cx_data.program SET row_security = (argument -> 'enable')::boolean;
	IF (argument -> 'enable')::boolean THEN
		PERFORM cx.make_policies();
	ELSE
		PERFORM cx.drop_policies();
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.owner_row_security(jsonb, oid) IS 'does the work of enable_row_security and disable_row_security with the rights of the program''s owner';

CREATE PROCEDURE cx.enable_row_security()
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	PERFORM cx.as_program_owner('row_security', '{"enable": true}');
END
$$;
COMMENT ON PROCEDURE cx.enable_row_security() IS 'from now on agents see the rows of their unit and managers those of their unit and all below, in every table of the program with a unit or a customer; analysts and admins see all rows';

CREATE PROCEDURE cx.disable_row_security()
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	PERFORM cx.as_program_owner('row_security', '{"enable": false}');
END
$$;
COMMENT ON PROCEDURE cx.disable_row_security() IS 'undoes enable_row_security; policies of yours stay, and so does row security on tables that have some';

CREATE FUNCTION cx.renew_access() RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	known record;
BEGIN
	LOCK TABLE cx_data.access IN SHARE ROW EXCLUSIVE MODE;
	-- roles that were dropped, even if others have their names now
	DELETE FROM cx_data.access AS a WHERE NOT EXISTS (
		SELECT FROM pg_roles AS r, pg_namespace AS n, aclexplode(n.nspacl) AS acl
		WHERE r.rolname = a.role AND n.nspname = 'cx_data' AND acl.grantee = r.oid AND acl.privilege_type = 'USAGE');
	FOR known IN SELECT role, level FROM cx_data.access ORDER BY role LOOP
		PERFORM cx.apply_level(known.role, known.level);
	END LOOP;
	IF (SELECT row_security FROM cx_data.program) THEN
		PERFORM cx.make_policies();
	END IF;
END
$$;
COMMENT ON FUNCTION cx.renew_access() IS 'grants every level of access what it lacks, and makes the policies of row security where it is on; called by upgrade_program';
-- Life of a program: create, upgrade, drop

CREATE FUNCTION cx.version() RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.version() IS 'version of the extension''s library';

CREATE FUNCTION cx.require_program() RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.require_program() IS 'raises an error with a hint if there is no CX program';

CREATE FUNCTION cx.require_read_committed() RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
		RAISE EXCEPTION 'the CX program is maintained at isolation level read committed only'
			USING ERRCODE = 'active_sql_transaction', DETAIL = 'At a higher level, rows that others committed meanwhile would be missed.',
				HINT = 'SET default_transaction_isolation = ''read committed'' first.';
	END IF;
END
$$;
COMMENT ON FUNCTION cx.require_read_committed() IS 'raises an error at isolation levels repeatable read and serializable, at which reading a table as it is after locking it is impossible';

CREATE FUNCTION cx.owns_program(role oid) RETURNS boolean
	LANGUAGE sql STABLE PARALLEL SAFE
	RETURN pg_catalog.pg_has_role(role, (SELECT relowner FROM pg_catalog.pg_class WHERE oid = pg_catalog.to_regclass('cx_data.feedback')), 'USAGE');
COMMENT ON FUNCTION cx.owns_program(oid) IS 'whether a role owns the CX program, itself or as a member of the owner';

CREATE FUNCTION cx.check_owns_program(role oid) RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF cx.owns_program(role) IS NOT TRUE THEN
		RAISE EXCEPTION 'must be owner of the CX program' USING ERRCODE = 'insufficient_privilege';
	END IF;
END
$$;
COMMENT ON FUNCTION cx.check_owns_program(oid) IS 'raises an error unless a role owns the CX program';

CREATE FUNCTION cx.relations_of_program() RETURNS text[]
	LANGUAGE sql STABLE PARALLEL SAFE
	RETURN ARRAY(SELECT relname::text FROM pg_catalog.pg_class
		WHERE relnamespace = pg_catalog.to_regnamespace('cx_data') AND relkind IN ('r', 'v') ORDER BY oid);
COMMENT ON FUNCTION cx.relations_of_program() IS 'names of the tables and views in schema cx_data';

CREATE FUNCTION cx.columns_of_program() RETURNS text[]
	LANGUAGE sql STABLE PARALLEL SAFE
	RETURN ARRAY(SELECT c.relname || '.' || a.attname FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid
		WHERE c.relnamespace = pg_catalog.to_regnamespace('cx_data') AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
		ORDER BY c.oid, a.attnum);
COMMENT ON FUNCTION cx.columns_of_program() IS 'columns of the tables in schema cx_data, as table.column';

CREATE PROCEDURE cx.create_program(time_zone text DEFAULT 'UTC')
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF to_regclass('cx_data.program') IS NOT NULL THEN
		RAISE NOTICE 'the CX program exists already, nothing is changed';
		RETURN;
	END IF;
	IF time_zone IS NULL THEN
		RAISE EXCEPTION 'time_zone must not be NULL' USING ERRCODE = 'null_value_not_allowed';
	END IF;
	PERFORM now() AT TIME ZONE time_zone;
	IF to_regnamespace('cx_data') IS NOT NULL THEN
		RAISE EXCEPTION 'schema "cx_data" already exists, but holds no CX program'
			USING ERRCODE = 'duplicate_schema', HINT = 'Rename or drop that schema; the program makes its own.';
	END IF;
	CREATE SCHEMA cx_data;
	COMMENT ON SCHEMA cx_data IS 'the CX program: customers, journeys, feedback and scores, ordinary tables of whoever called cx.create_program()';
	CALL cx.define_program();
	INSERT INTO cx_data.program (version, time_zone, relations, columns)
	VALUES (cx.version(), create_program.time_zone, cx.relations_of_program(), cx.columns_of_program());
END
$$;
COMMENT ON PROCEDURE cx.create_program(text) IS 'makes the tables and views of the CX program in schema cx_data, owned by the caller; hours and days are cut in time_zone';

CREATE FUNCTION cx.owner_upgrade(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET client_min_messages = warning AS $$
DECLARE
	old_version text;
	tallies_are_lost boolean;
	relations_before text[];
	columns_before text[];
BEGIN
	PERFORM cx.check_owns_program(caller);
	SELECT version INTO STRICT old_version FROM cx_data.program;
	IF string_to_array(old_version, '.')::integer[] > string_to_array(cx.version(), '.')::integer[] THEN
		RAISE EXCEPTION 'the CX program is of version %, newer than the extension, which is of version %', old_version, cx.version()
			USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Install the newer cx and ALTER EXTENSION cx UPDATE.';
	END IF;

	-- DROP EXTENSION ... CASCADE takes the columns of type tally along
	tallies_are_lost := (SELECT count(*) < 2 FROM pg_attribute
		WHERE attrelid IN (to_regclass('cx_data.tally_hourly'), to_regclass('cx_data.tally_daily')) AND attname = 'tally' AND NOT attisdropped);
	IF tallies_are_lost THEN
		DROP TABLE IF EXISTS cx_data.tally_hourly, cx_data.tally_daily, cx_data.tally_delta;
	END IF;
	relations_before := cx.relations_of_program();
	columns_before := cx.columns_of_program();
	CALL cx.define_program();
	IF tallies_are_lost THEN
		CALL cx.rebuild_tallies();
	END IF;
	UPDATE cx_data.program SET version = cx.version(),
		relations = relations || ARRAY(SELECT unnest(cx.relations_of_program()) EXCEPT SELECT unnest(relations || relations_before)),
		columns = coalesce(columns || ARRAY(SELECT unnest(cx.columns_of_program()) EXCEPT SELECT unnest(columns || columns_before)), cx.columns_of_program());
	PERFORM cx.renew_access();
	PERFORM cx.renew_rules();
	RETURN to_jsonb(old_version);
END
$$;
COMMENT ON FUNCTION cx.owner_upgrade(jsonb, oid) IS 'does the work of upgrade_program with the rights of the program''s owner; gives the version before';

CREATE PROCEDURE cx.upgrade_program()
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	old_version text;
BEGIN
	PERFORM cx.require_program();
	old_version := cx.as_program_owner('upgrade', '{}') #>> '{}';
	IF old_version = cx.version() THEN
		RAISE NOTICE 'the CX program is of version % already; what it lacked is made again', old_version;
	ELSE
		RAISE NOTICE 'the CX program is upgraded from version % to %', old_version, cx.version();
	END IF;
END
$$;
COMMENT ON PROCEDURE cx.upgrade_program() IS 'brings the CX program to the version of the extension, and makes again what it lacks; keeps all rows and whatever you built on it';

CREATE PROCEDURE cx.drop_program(with_feedback boolean DEFAULT false)
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	source_name text;
	rule_name text;
	views text;
	tables text;
BEGIN
	PERFORM cx.require_program();
	LOCK TABLE cx_data.feedback, cx_data.event, cx_data.ticket, cx_data.source IN ACCESS EXCLUSIVE MODE;
	IF NOT coalesce(with_feedback, false) AND (EXISTS (SELECT FROM cx_data.feedback) OR EXISTS (SELECT FROM cx_data.event) OR EXISTS (SELECT FROM cx_data.ticket)) THEN
		RAISE EXCEPTION 'the CX program holds feedback, events or tickets'
			USING ERRCODE = 'dependent_objects_still_exist', HINT = 'To lose them, CALL cx.drop_program(with_feedback => true).';
	END IF;
	FOR source_name IN SELECT name FROM cx_data.source WHERE relation IS NOT NULL LOOP
		PERFORM cx.detach_source(source_name);
	END LOOP;
	FOR rule_name IN SELECT name FROM cx_data.alert_rule LOOP
		PERFORM cx.drop_alert(rule_name);
	END LOOP;
	-- without CASCADE: what others built on it stops it, as it should
	SELECT string_agg(oid::regclass::text, ', ' ORDER BY relname) FILTER (WHERE relkind = 'v'), string_agg(oid::regclass::text, ', ' ORDER BY relname) FILTER (WHERE relkind = 'r')
	INTO views, tables
	FROM pg_class
	WHERE relnamespace = 'cx_data'::regnamespace AND relname = ANY ((SELECT relations FROM cx_data.program)::text[]);
	IF views IS NOT NULL THEN
		EXECUTE 'DROP VIEW ' || views;
	END IF;
	EXECUTE 'DROP TABLE ' || tables;
	DROP SCHEMA cx_data;
END
$$;
COMMENT ON PROCEDURE cx.drop_program(boolean) IS 'detaches all sources, drops all alert rules and the CX program; refuses while there are feedback, events or tickets, unless with_feedback is true, and while anything of yours depends on it';
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

-- Pictures of funnels
--
-- The query runs with the search_path of the caller, as query.sql says.

CREATE FUNCTION cx.funnel_svg(query text, steps text[], win interval, as_of timestamptz DEFAULT NULL, title text DEFAULT NULL) RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION cx.funnel_svg(text, text[], interval, timestamptz, text) IS 'what cx.funnel gives for these arguments as an SVG picture: a bar for each step, as long as its share of those who entered, with the 95 % interval; how many reached it, in percent of the first step and of the step before; how many left before the next step, and the median time to it; how many are in progress. If the query gives a column breakdown, a funnel for each of the 8 values with the most customers, one below the other. Times are in UTC';

-- Pictures of paths
--
-- The query runs with the search_path of the caller, as query.sql says.

CREATE FUNCTION cx.path_svg(query text, max_length integer DEFAULT 5, title text DEFAULT NULL) RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION cx.path_svg(text, integer, text) IS 'what cx.path_counts gives for these arguments, repeats joined, as an SVG picture of the flow from step to step: a column for each of the first max_length (2..10) steps of the customers, in it the steps, as high as many customers were there, at most 8, of which the last ones are other, the joined rest, and end, where paths that were shorter end; from column to column, how many went from which step to which, as wide as many customers they are. Percent are of all customers';

-- Pictures of how good predictions were

CREATE FUNCTION cx.roc_svg(report jsonb, title text DEFAULT NULL) RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.roc_svg(jsonb, text) IS 'ROC curve of a report of evaluation as an SVG picture: which share of those with the event and of those without it is taken, threshold by threshold, beside it AUC with its 95 % interval, Gini and Kolmogorov-Smirnov; NULL for NULL';

CREATE FUNCTION cx.lift_svg(report jsonb, title text DEFAULT NULL) RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.lift_svg(jsonb, text) IS 'lift by decile of a report of evaluation as an SVG picture: a bar for each tenth of the rows, those with the highest probability first, as high as its share with the event; a line where that share is among all rows; below, lift, share, events captured so far and the probability that the tenth begins from; NULL for NULL';

CREATE FUNCTION cx.calibration_svg(report jsonb, title text DEFAULT NULL) RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.calibration_svg(jsonb, text) IS 'calibration of a report of evaluation as an SVG picture: a dot for each tenth of the rows, what was predicted across and what was observed up with its 95 % Wilson interval, on the dashed line if they are the same; beside it calibration error, Brier score and logarithmic loss; NULL for NULL';

-- The pictures of evaluation of models by their names

CREATE FUNCTION cx.model_picture_report(model text) RETURNS jsonb
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	found_report jsonb;
BEGIN
	SELECT m.report INTO found_report FROM cx_data.model AS m WHERE m.model_id = cx.find_model_text(model);
	RETURN found_report;
END
$$;
COMMENT ON FUNCTION cx.model_picture_report(text) IS 'report of a model that is named as name (its champion) or name@version, on the rows held out; NULL if none were; error if there is no such model';

CREATE FUNCTION cx.roc_svg(model text, title text DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN cx.roc_svg(cx.model_picture_report(model), coalesce(title, model));
END
$$;
COMMENT ON FUNCTION cx.roc_svg(text, text) IS 'ROC curve of a model, named as name (its champion) or name@version, on the rows held out, as roc_svg draws it of a report; its name is the title by default; NULL if no rows were held out';

CREATE FUNCTION cx.lift_svg(model text, title text DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN cx.lift_svg(cx.model_picture_report(model), coalesce(title, model));
END
$$;
COMMENT ON FUNCTION cx.lift_svg(text, text) IS 'lift by decile of a model, named as name (its champion) or name@version, on the rows held out, as lift_svg draws it of a report; its name is the title by default; NULL if no rows were held out';

CREATE FUNCTION cx.calibration_svg(model text, title text DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN cx.calibration_svg(cx.model_picture_report(model), coalesce(title, model));
END
$$;
COMMENT ON FUNCTION cx.calibration_svg(text, text) IS 'calibration of a model, named as name (its champion) or name@version, on the rows held out, as calibration_svg draws it of a report; its name is the title by default; NULL if no rows were held out';
-- Pictures of drivers
--
-- The query runs with the search_path of the caller, as query.sql says.

CREATE FUNCTION cx.importance_performance_svg(query text, outcome text, method text DEFAULT 'relative_weights', title text DEFAULT NULL) RETURNS text
	AS 'MODULE_PATHNAME', 'driver_analysis_svg' LANGUAGE C STABLE;
COMMENT ON FUNCTION cx.importance_performance_svg(text, text, text, text) IS 'what cx.driver_analysis gives for these arguments as an SVG picture: a dot for each of the 30 most important drivers, the higher the more important and the further right the better it performs, in the four quadrants of importance-performance analysis (Martilla and James 1977), whose borders are the means over all drivers; beside it a table of the drivers; performance is performance_index, and a category stands in the table only';

CREATE FUNCTION cx.importance_performance_svg(summary cx.moments, names text[], outcome text, method text DEFAULT 'relative_weights', title text DEFAULT NULL) RETURNS text
	AS 'MODULE_PATHNAME', 'drivers_svg' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.importance_performance_svg(cx.moments, text[], text, text, text) IS 'the same for what cx.drivers gives for these arguments; performance is the mean of a driver, and all drivers should be on one scale';
-- Survival curves of groups that a query gives, and their picture
--
-- The query runs with the search_path of the caller, as query.sql says.

CREATE FUNCTION cx.survival_curves(query text) RETURNS TABLE (breakdown text, curve cx.survival_curve)
	LANGUAGE plpgsql STABLE AS $$
DECLARE
	columns CONSTANT text[] := cx.query_columns(query, 'duration', 'ended');
BEGIN
	IF 'breakdown' = ANY (columns) THEN
		PERFORM cx.query_columns(query, 'breakdown');
	END IF;
	RETURN QUERY EXECUTE pg_catalog.format($curves$
		SELECT c.breakdown, c.curve
		FROM (
			SELECT g.breakdown, cx.kaplan_meier(g.duration, g.ended) AS curve
			FROM (SELECT given.duration, given.ended::pg_catalog.bool AS ended, %s COLLATE pg_catalog."C" AS breakdown FROM %s AS given) AS g
			GROUP BY g.breakdown) AS c
		WHERE c.curve IS NOT NULL
		ORDER BY c.breakdown$curves$,
		CASE WHEN 'breakdown' = ANY (columns) THEN 'given.breakdown::pg_catalog.text' ELSE 'NULL::pg_catalog.text' END, cx.query_subselect(query));
END
$$;
COMMENT ON FUNCTION cx.survival_curves(text) IS 'survival curves, as cx.kaplan_meier makes them, of a query that gives columns duration (a number or an interval) and ended (Boolean, or what can be cast to it), and breakdown to have a curve for each value of it; rows with NULL duration or ended are left out';

CREATE FUNCTION cx.survival_svg(query text, unit text DEFAULT NULL, title text DEFAULT NULL) RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE;
COMMENT ON FUNCTION cx.survival_svg(text, text, text) IS 'survival curves of a query, as cx.survival_curves takes it, as an SVG picture: for each value of breakdown, at most the 8 with the most customers, the share of customers that has not ended over the time, with its 95 % interval, how many are at risk, and the median; of up to 100 groups also the p-value of the log-rank test of all of them whose breakdown is known. unit is the name of the unit of durations, such as months';

-- Everybody may use the extension; whoever installed it may also pass that on.

GRANT USAGE ON SCHEMA cx TO @extowner@ WITH GRANT OPTION;
GRANT EXECUTE ON ALL ROUTINES IN SCHEMA cx TO @extowner@ WITH GRANT OPTION;
GRANT USAGE ON TYPE cx.tally, cx.estimate, cx.change, cx.mix_change, cx.state_time, cx.predictor, cx.moments, cx.survival_curve, cx.log_rank_group, cx.log_rank_test TO @extowner@ WITH GRANT OPTION;
