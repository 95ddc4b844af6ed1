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

