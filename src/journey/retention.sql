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
