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

