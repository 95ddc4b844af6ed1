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

