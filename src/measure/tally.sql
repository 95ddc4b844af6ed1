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

