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
