-- what the extension leaves in the catalog
SET extra_float_digits = 0;

-- every public object says what it is
SELECT 'function ' || p.oid::regprocedure AS undocumented FROM pg_proc AS p WHERE pronamespace = 'cx'::regnamespace AND obj_description(p.oid, 'pg_proc') IS NULL
UNION ALL
SELECT 'operator ' || oid::regoperator FROM pg_operator WHERE oprnamespace = 'cx'::regnamespace AND obj_description(oid, 'pg_operator') IS NULL
UNION ALL
SELECT 'operator class ' || opcname FROM pg_opclass WHERE opcnamespace = 'cx'::regnamespace AND obj_description(oid, 'pg_opclass') IS NULL
UNION ALL
SELECT 'type ' || oid::regtype FROM pg_type WHERE typnamespace = 'cx'::regnamespace AND typcategory <> 'A' AND obj_description(oid, 'pg_type') IS NULL
UNION ALL
SELECT 'column ' || attrelid::regclass || '.' || attname FROM pg_attribute JOIN pg_class AS c ON c.oid = attrelid
WHERE relnamespace = 'cx'::regnamespace AND attnum > 0 AND col_description(attrelid, attnum) IS NULL;
-- every function that changes nothing can run in a parallel worker, unless it looks into a query of the caller; none runs as its owner, none is revoked
SELECT p.oid::regprocedure AS unsafe FROM pg_proc AS p
WHERE pronamespace = 'cx'::regnamespace AND ((proparallel <> 's' AND provolatile <> 'v' AND 'query' IS DISTINCT FROM proargnames[1]) OR prosecdef OR NOT has_function_privilege('public', p.oid, 'EXECUTE'));
-- every aggregate merges its states, and none has a state that could not be passed on to another process
SELECT aggfnoid::regprocedure AS unfit FROM pg_aggregate JOIN pg_proc AS p ON p.oid = aggfnoid
WHERE pronamespace = 'cx'::regnamespace AND (aggcombinefn = 0 OR (aggtranstype = 'internal'::regtype AND (aggserialfn = 0 OR aggdeserialfn = 0)) OR aggmtranstype = 'internal'::regtype);
-- those whose state is a tally can slide
SELECT count(*) AS aggregates, count(*) FILTER (WHERE aggminvtransfn <> 0) AS sliding FROM pg_aggregate JOIN pg_proc AS p ON p.oid = aggfnoid
WHERE pronamespace = 'cx'::regnamespace AND aggtranstype = 'cx.tally'::regtype;
-- the opclasses hold together
SELECT opcname, amname, amvalidate(c.oid) FROM pg_opclass AS c JOIN pg_am AS a ON a.oid = opcmethod WHERE opcnamespace = 'cx'::regnamespace ORDER BY amname;

-- misspelt settings are refused once the library is loaded
SELECT cx.nps(9);
SET cx.no_such_setting = 1;

-- it goes without leaving anything
DROP EXTENSION cx;
SELECT count(*) FROM pg_namespace WHERE nspname = 'cx';

-- somebody else's schema cx is refused, and left alone
CREATE SCHEMA cx;
CREATE TABLE cx.mine (id integer);
\set SHOW_CONTEXT never
CREATE EXTENSION cx;
TABLE cx.mine;
SET client_min_messages = warning;
DROP SCHEMA cx CASCADE;
RESET client_min_messages;

-- the owner of a database, no superuser, installs it, uses it and passes it on
CREATE ROLE cx_regress_owner;
CREATE ROLE cx_regress_analyst;
SELECT current_database() AS database, rolname AS owner FROM pg_database JOIN pg_roles AS r ON r.oid = datdba WHERE datname = current_database() \gset
ALTER DATABASE :"database" OWNER TO cx_regress_owner;
SET ROLE cx_regress_owner;
CREATE EXTENSION cx;
SELECT cx.nps(score) FROM (VALUES (9), (10), (0)) AS v (score);
SELECT (cx.nps_estimate('{9:1}')).responses;
SELECT extowner::regrole, current_setting('is_superuser') FROM pg_extension WHERE extname = 'cx';
GRANT USAGE ON SCHEMA cx TO cx_regress_analyst;
GRANT EXECUTE ON FUNCTION cx.nps_of(cx.tally), cx.nps(integer) TO cx_regress_analyst;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA cx TO cx_regress_analyst;
GRANT USAGE ON TYPE cx.tally, cx.estimate, cx.change, cx.mix_change, cx.state_time, cx.predictor, cx.moments, cx.survival_curve, cx.log_rank_group, cx.log_rank_test TO cx_regress_analyst;
-- but the schema is the superuser's
CREATE TABLE cx.intruder (id integer);
CREATE FUNCTION cx.nps(text) RETURNS integer LANGUAGE sql AS 'SELECT 1';
ALTER FUNCTION cx.nps_of(cx.tally) OWNER TO cx_regress_analyst;
SET ROLE cx_regress_analyst;
SELECT cx.nps(9);
CREATE TABLE cx.intruder (id integer);
DROP EXTENSION cx;
SET ROLE cx_regress_owner;
DROP EXTENSION cx;
RESET ROLE;
ALTER DATABASE :"database" OWNER TO :"owner";
DROP ROLE cx_regress_owner, cx_regress_analyst;
