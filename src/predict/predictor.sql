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

