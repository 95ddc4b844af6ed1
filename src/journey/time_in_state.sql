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

