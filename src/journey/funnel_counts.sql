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

