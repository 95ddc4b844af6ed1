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

