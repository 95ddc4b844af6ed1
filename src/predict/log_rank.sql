-- Whether groups of customers stay equally long

CREATE TYPE cx.log_rank_group AS (name text, customers bigint, observed bigint, expected double precision);
COMMENT ON TYPE cx.log_rank_group IS 'a group of a log-rank test';
COMMENT ON COLUMN cx.log_rank_group.name IS 'the group';
COMMENT ON COLUMN cx.log_rank_group.customers IS 'customers in it';
COMMENT ON COLUMN cx.log_rank_group.observed IS 'customers that ended';
COMMENT ON COLUMN cx.log_rank_group.expected IS 'customers that would be expected to have ended if all groups were alike; fewer observed means that they stay longer';

CREATE TYPE cx.log_rank_test AS (chi_square double precision, degrees_of_freedom integer, p_value double precision, groups cx.log_rank_group[]);
COMMENT ON TYPE cx.log_rank_test IS 'a test whether groups of customers stay equally long';
COMMENT ON COLUMN cx.log_rank_test.chi_square IS 'the statistic, 0 or more; NULL if the groups cannot be compared, for there is only one, or none ended while another was at risk';
COMMENT ON COLUMN cx.log_rank_test.degrees_of_freedom IS 'groups that were at risk, less one';
COMMENT ON COLUMN cx.log_rank_test.p_value IS 'chance of such a statistic or a larger one if the groups are alike, 0..1; 0 if it is below about 1e-308';
COMMENT ON COLUMN cx.log_rank_test.groups IS 'the groups, in the order of the bytes of their names';

CREATE FUNCTION cx.log_rank_add(state internal, duration double precision, ended boolean, "group" text) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.log_rank_add(internal, double precision, boolean, text) IS 'adds one customer; support function of log_rank';

CREATE FUNCTION cx.log_rank_add(state internal, duration double precision, ended boolean, "group" text, stratum text) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.log_rank_add(internal, double precision, boolean, text, text) IS 'adds one customer; support function of log_rank';

CREATE FUNCTION cx.log_rank_add(state internal, duration interval, ended boolean, "group" text) RETURNS internal
	AS 'MODULE_PATHNAME', 'log_rank_add_interval' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.log_rank_add(internal, interval, boolean, text) IS 'adds one customer; support function of log_rank';

CREATE FUNCTION cx.log_rank_add(state internal, duration interval, ended boolean, "group" text, stratum text) RETURNS internal
	AS 'MODULE_PATHNAME', 'log_rank_add_interval' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.log_rank_add(internal, interval, boolean, text, text) IS 'adds one customer; support function of log_rank';

CREATE FUNCTION cx.log_rank_add(state internal, curve cx.survival_curve, "group" text) RETURNS internal
	AS 'MODULE_PATHNAME', 'log_rank_add_curve' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.log_rank_add(internal, cx.survival_curve, text) IS 'adds the customers of a curve; support function of log_rank';

CREATE FUNCTION cx.log_rank_add(state internal, curve cx.survival_curve, "group" text, stratum text) RETURNS internal
	AS 'MODULE_PATHNAME', 'log_rank_add_curve' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.log_rank_add(internal, cx.survival_curve, text, text) IS 'adds the customers of a curve; support function of log_rank';

CREATE FUNCTION cx.log_rank_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.log_rank_combine(internal, internal) IS 'both states together; support function of log_rank';

CREATE FUNCTION cx.log_rank_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.log_rank_serialize(internal) IS 'the state as bytes for another process; support function of log_rank';

CREATE FUNCTION cx.log_rank_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.log_rank_deserialize(bytea, internal) IS 'the state out of bytes; support function of log_rank';

CREATE FUNCTION cx.log_rank_final(internal) RETURNS cx.log_rank_test
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.log_rank_final(internal) IS 'final function of log_rank';

CREATE AGGREGATE cx.log_rank(duration double precision, ended boolean, "group" text) (
	SFUNC = cx.log_rank_add, STYPE = internal, FINALFUNC = cx.log_rank_final,
	COMBINEFUNC = cx.log_rank_combine, SERIALFUNC = cx.log_rank_serialize, DESERIALFUNC = cx.log_rank_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.log_rank(double precision, boolean, text) IS 'log-rank test (Mantel 1966) whether groups of customers, at most 1000, stay equally long; duration and ended are those of kaplan_meier; rows with a NULL are left out; NULL without any';

CREATE AGGREGATE cx.log_rank(duration double precision, ended boolean, "group" text, stratum text) (
	SFUNC = cx.log_rank_add, STYPE = internal, FINALFUNC = cx.log_rank_final,
	COMBINEFUNC = cx.log_rank_combine, SERIALFUNC = cx.log_rank_serialize, DESERIALFUNC = cx.log_rank_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.log_rank(double precision, boolean, text, text) IS 'stratified log-rank test: whether groups stay equally long among customers of the same stratum, such as a region; rows with a NULL are left out; NULL without any';

CREATE AGGREGATE cx.log_rank(duration interval, ended boolean, "group" text) (
	SFUNC = cx.log_rank_add, STYPE = internal, FINALFUNC = cx.log_rank_final,
	COMBINEFUNC = cx.log_rank_combine, SERIALFUNC = cx.log_rank_serialize, DESERIALFUNC = cx.log_rank_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.log_rank(interval, boolean, text) IS 'log-rank test as log_rank(double precision, boolean, text) gives it; error if a duration has months';

CREATE AGGREGATE cx.log_rank(duration interval, ended boolean, "group" text, stratum text) (
	SFUNC = cx.log_rank_add, STYPE = internal, FINALFUNC = cx.log_rank_final,
	COMBINEFUNC = cx.log_rank_combine, SERIALFUNC = cx.log_rank_serialize, DESERIALFUNC = cx.log_rank_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.log_rank(interval, boolean, text, text) IS 'stratified log-rank test as log_rank(double precision, boolean, text, text) gives it; error if a duration has months';

CREATE AGGREGATE cx.log_rank(curve cx.survival_curve, "group" text) (
	SFUNC = cx.log_rank_add, STYPE = internal, FINALFUNC = cx.log_rank_final,
	COMBINEFUNC = cx.log_rank_combine, SERIALFUNC = cx.log_rank_serialize, DESERIALFUNC = cx.log_rank_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.log_rank(cx.survival_curve, text) IS 'log-rank test of the customers in survival curves, of which a group may have several';

CREATE AGGREGATE cx.log_rank(curve cx.survival_curve, "group" text, stratum text) (
	SFUNC = cx.log_rank_add, STYPE = internal, FINALFUNC = cx.log_rank_final,
	COMBINEFUNC = cx.log_rank_combine, SERIALFUNC = cx.log_rank_serialize, DESERIALFUNC = cx.log_rank_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.log_rank(cx.survival_curve, text, text) IS 'stratified log-rank test of the customers in survival curves';

