-- What the views of the program depend on

CREATE FUNCTION cx.min_responses() RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.min_responses() IS 'setting cx.min_responses (default 30): answers below which the views compare nothing and leave touchpoints out of stage scores';

CREATE FUNCTION cx.as_of() RETURNS timestamptz
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.as_of() IS 'time at which the views look: the setting cx.as_of, such as 2026-07-01, if it is not empty, else now';
