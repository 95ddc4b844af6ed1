-- training queries and options that are hostile or wrong
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS cx;
CALL cx.create_program();
SET timezone = 'UTC';
SET extra_float_digits = 0;
SET jit = off;
\set VERBOSITY default
\set SHOW_CONTEXT never
CREATE FUNCTION pg_temp.chance(i integer, use integer) RETURNS double precision LANGUAGE sql IMMUTABLE RETURN (hashint8extended(i, use) & 1048575) / 1048576.0::double precision;
CREATE TABLE q AS SELECT i, pg_temp.chance(i, 1) AS x, pg_temp.chance(i, 2) < 0.2 + 0.5 * pg_temp.chance(i, 1) AS y FROM generate_series(1, 1000) AS i;

-- too little to learn from
SELECT FROM cx.train('m', 'SELECT x, y FROM q WHERE false', 'y');
SELECT FROM cx.train('m', 'SELECT x, NULL::boolean AS y FROM q', 'y');
SELECT FROM cx.train('m', 'SELECT x, y FROM q LIMIT 1', 'y', 'logistic');
SELECT FROM cx.train('m', 'SELECT x, true AS y FROM q', 'y', 'logistic');
SELECT FROM cx.train('m', 'SELECT x, i <= 60 AS y FROM q', 'y', holdout => 0.5);
SELECT FROM cx.train('m', 'SELECT x, i % 7 AS z FROM q LIMIT 40', 'z', 'logistic');
SELECT FROM cx.train('m', 'SELECT x, 7 AS z FROM q', 'z', 'logistic');
SELECT FROM cx.train('m', 'SELECT i, y FROM q', 'y', 'logistic');
SELECT FROM cx.train('m', 'SELECT y FROM q', 'y', 'logistic');
SELECT FROM cx.train('m', 'SELECT x, i AS z FROM q', 'z', 'logistic', options => '{"outcome": "probability"}');

-- values that are none
SELECT row_count FROM cx.train('odd', $$SELECT y, CASE i % 7 WHEN 0 THEN 'Infinity' WHEN 1 THEN '-Infinity' WHEN 2 THEN 'NaN' WHEN 3 THEN NULL ELSE x END::float8 AS x,
	CASE i % 5 WHEN 0 THEN 'NaN'::numeric ELSE i % 9 END AS n, CASE i % 3 WHEN 0 THEN timestamptz 'infinity' ELSE timestamptz '2026-01-01' + i * 7919 % 100 * interval '1 day' END AS at FROM q$$, 'y', 'logistic');
SELECT c.term FROM cx_data.model AS m, jsonb_to_recordset(m.fit -> 'coefficients') AS c (term text) WHERE name = 'odd';
SELECT row_count FROM cx.train('odd', $$SELECT y, CASE i % 7 WHEN 0 THEN 'Infinity' WHEN 1 THEN '-Infinity' WHEN 2 THEN 'NaN' WHEN 3 THEN NULL ELSE x END::float8 AS x FROM q$$, 'y', options => '{"trees": 5}');
SELECT FROM cx.train('m', 'SELECT x, CASE i WHEN 7 THEN ''NaN'' ELSE x END::float8 AS z FROM q', 'z', 'logistic');
SELECT FROM cx.train('m', 'SELECT x, CASE i WHEN 7 THEN ''-Infinity'' ELSE x END::float8 AS z FROM q', 'z', 'logistic');
SELECT FROM cx.train('m', 'SELECT y, x * 1e308 * sign(x - 0.5) AS x FROM q', 'y', 'logistic');
SELECT row_count FROM cx.train('huge', 'SELECT y, x * 1e150 AS x, x * x * 1e-300 AS tiny FROM q', 'y', 'logistic');

-- categories without number, and names that need quotes
SELECT row_count FROM cx.train('many', 'SELECT y, x, ''c'' || i % 7 AS few, CASE WHEN i % 2 = 0 THEN ''often'' ELSE ''c'' || i END AS often FROM generate_series(1, 20) AS g, q', 'y', 'logistic', options => '{"max_levels": 3}');
SELECT c.term FROM cx_data.model AS m, jsonb_to_recordset(m.fit -> 'coefficients') AS c (term text) WHERE name = 'many';
SELECT row_count FROM cx.train('many', 'SELECT i % 3 = 0 AS y, ''c'' || i / 7 AS code, i % 11 AS n FROM generate_series(1, 70000) AS i', 'y', options => '{"trees": 3}');
SELECT excluded FROM cx_data.model WHERE name = 'many' ORDER BY version;
SELECT row_count FROM cx.train('it''s "odd"; --', 'SELECT y AS "the ""y""; --", x AS "x''s", ''it''''s "'' || i % 3 AS "c%", i AS "key""" FROM q;; ;', 'the "y"; --', 'logistic', key => 'key"', options => '{"holdout_where": "\"x''s\" > 0.8"}');
SELECT measure FROM cx.model_report('it''s "odd"; --') WHERE section = 'coefficient';
SELECT event_count > 0 AS compared FROM cx.compare_models('it''s "odd"; --', 'it''s "odd"; --@1');

-- queries that fail, write or train
SELECT FROM cx.train('m', 'SELECT y, 1 / (i - 500) AS x FROM q ORDER BY i', 'y');
SELECT FROM cx.train('m', 'SELECT y, no_such_column FROM q', 'y');
SELECT FROM cx.train('m', 'SELECT y, x FROM', 'y');
SELECT FROM cx.train('m', 'DELETE FROM q RETURNING y, x', 'y');
SELECT FROM cx.train('m', 'WITH gone AS (DELETE FROM q RETURNING y, x) SELECT * FROM gone', 'y');
SELECT FROM cx.train('m', 'SELECT y, x FROM q; DROP TABLE q', 'y');
SELECT FROM cx.train('m', 'SELECT y, x FROM q) AS a, (SELECT 1', 'y');
SELECT FROM cx.train('m', 'SELECT y, x FROM q FOR UPDATE', 'y');
SELECT FROM cx.train('m', 'SELECT y, x INTO r FROM q', 'y');
CREATE FUNCTION writes() RETURNS integer LANGUAGE plpgsql AS 'BEGIN DELETE FROM q; RETURN 1; END';
SELECT FROM cx.train('m', 'SELECT y, x, writes() AS w FROM q', 'y');
CREATE SEQUENCE s;
SELECT FROM cx.train('m', 'SELECT y, x, nextval(''s'') AS w FROM q', 'y');
CREATE FUNCTION trains() RETURNS bigint LANGUAGE sql AS $$SELECT row_count FROM cx.train('inner', 'SELECT y, x FROM q', 'y', 'logistic')$$;
SELECT FROM cx.train('m', 'SELECT y, x, trains() AS t FROM q', 'y');
-- the next one is as if nothing had happened, and may write again
SELECT count(*) FROM cx.train('after', 'SELECT y, x FROM q', 'y', 'logistic');
DELETE FROM q WHERE i > 1000;
CREATE FUNCTION survives() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM cx.train('m', 'SELECT y, x, writes() AS w FROM q', 'y');
EXCEPTION WHEN read_only_sql_transaction THEN
	CREATE TEMP TABLE written AS SELECT 1 AS one;
	INSERT INTO q SELECT 1000 + one FROM written;
	RETURN current_setting('transaction_read_only');
END
$$;
SELECT survives();
DELETE FROM q WHERE i > 1000;
SET statement_timeout = '300ms';
SELECT FROM cx.train('m', 'SELECT y, x FROM q, generate_series(1, 1000000)', 'y');
RESET statement_timeout;
SELECT count(*) AS rows, (SELECT count(*) FROM cx_data.model WHERE name IN ('m', 'inner')) AS models FROM q;

-- columns
SELECT FROM cx.train('m', 'SELECT y, x, x FROM q', 'y');
SELECT FROM cx.train('m', 'SELECT y, y, x FROM q', 'y');
SELECT FROM cx.train('m', 'SELECT x FROM q', 'y');
SELECT FROM cx.train('m', 'SELECT FROM q', 'y');
SELECT FROM cx.train('m', 'SELECT x, y::text AS y FROM q', 'y');
SELECT FROM cx.train('m', 'SELECT x, ARRAY[x] AS y FROM q', 'y');
SELECT FROM cx.train('m', 'SELECT x, y FROM q', 'y', key => 'customer');
SELECT FROM cx.train('m', 'SELECT x, y, nullif(i, 500) AS i FROM q', 'y', key => 'i');
SELECT FROM cx.train('m', 'SELECT y, array_fill(x, ARRAY[CASE i WHEN 500 THEN 2 ELSE 3 END]) AS a FROM q ORDER BY i', 'y', 'logistic');
SELECT FROM cx.train('m', 'SELECT y, ARRAY[[x, x], [x, x]] AS a FROM q', 'y', 'logistic');
SELECT FROM cx.train('m', 'SELECT y, ''{}''::float8[] AS a, x FROM q', 'y', 'logistic');
SELECT FROM cx.train('m', 'SELECT y, array_fill(x, ARRAY[1001]) AS a FROM q', 'y', 'logistic');
SELECT row_count FROM cx.train('arrays', 'SELECT y, CASE WHEN i > 20 THEN ARRAY[x, i % 5, NULL, 1] END AS a FROM q ORDER BY i', 'y', 'logistic', options => '{"exclude": ["a[2]"]}');
SELECT excluded, (SELECT array_agg(c.term) FROM jsonb_to_recordset(fit -> 'coefficients') AS c (term text)) AS terms FROM cx_data.model WHERE name = 'arrays';

-- arguments and options
SELECT FROM cx.train(NULL, 'SELECT x, y FROM q', 'y');
SELECT FROM cx.train('', 'SELECT x, y FROM q', 'y');
SELECT FROM cx.train('m', NULL, 'y');
SELECT FROM cx.train('m', 'SELECT x, y FROM q', 'y', 'forest');
SELECT FROM cx.train('m', 'SELECT x, y FROM q', 'y', holdout => 1);
SELECT FROM cx.train('m', 'SELECT x, y FROM q', 'y', holdout => 'NaN');
SELECT FROM cx.train('m', 'SELECT x, y FROM q', 'y', options => '[]');
SELECT FROM cx.train('m', 'SELECT x, y FROM q', 'y', options => '{"ridge": 1}');
SELECT FROM cx.train('m', 'SELECT x, y FROM q', 'y', 'logistic', options => '{"trees": 1}');
SELECT FROM cx.train('m', 'SELECT x, y FROM q', 'y', options => '{"trees": 0}');
SELECT FROM cx.train('m', 'SELECT x, y FROM q', 'y', options => '{"trees": 1.5}');
SELECT FROM cx.train('m', 'SELECT x, y FROM q', 'y', options => '{"trees": "many"}');
SELECT FROM cx.train('m', 'SELECT x, y FROM q', 'y', 'logistic', options => '{"ridge": -1}');
SELECT FROM cx.train('m', 'SELECT x, y FROM q', 'y', 'logistic', options => '{"ridge": 1e400}');
SELECT FROM cx.train('m', 'SELECT x, y FROM q', 'y', options => '{"calibrate": 1}');
SELECT FROM cx.train('m', 'SELECT x, y FROM q', 'y', options => '{"outcome": "both"}');
SELECT FROM cx.train('m', 'SELECT x, y FROM q', 'y', options => '{"exclude": "x"}');
SELECT FROM cx.train('m', 'SELECT x, y FROM q', 'y', options => '{"exclude": [1]}');
SELECT FROM cx.train('m', 'SELECT x, y FROM q', 'y', options => '{"exclude": ["z"]}');
SELECT FROM cx.train('m', 'SELECT x, y FROM q', 'y', options => '{"monotone": {"z": 1}}');
SELECT FROM cx.train('m', 'SELECT x, y FROM q', 'y', options => '{"monotone": {"x": 2}}');
SELECT FROM cx.train('m', 'SELECT x, y FROM q', 'y', options => '{"monotone": ["x"]}');
SELECT FROM cx.train('m', 'SELECT x, y FROM q', 'y', options => '{"validation": 0}');
SELECT FROM cx.train('m', 'SELECT x, y FROM q', 'y', options => '{"holdout_after": "2026-01-01"}');
SELECT FROM cx.train('m', 'SELECT x, y FROM q', 'y', options => '{"holdout_after": "2026-01-01", "time": "at"}');
SELECT FROM cx.train('m', 'SELECT x, y FROM q', 'y', options => '{"holdout_after": "soon", "time": "x"}');
SELECT FROM cx.train('m', 'SELECT x, y FROM q', 'y', options => '{"holdout_where": "true) FROM q, (SELECT (1"}');
SELECT FROM cx.train('m', 'SELECT x, y FROM q', 'y', options => '{"holdout_where": "x > 0.5, 1"}');
SELECT FROM cx.train('m', 'SELECT x, y FROM q', 'y', options => '{"holdout_where": "count(*) > 1"}');
SELECT FROM cx.train('m', 'SELECT x, y FROM q', 'y', options => '{"holdout_where": "true"}');
SELECT FROM cx.train('m', 'SELECT x, y FROM q', 'y', options => '{"holdout_where": "x > 0.5", "holdout_after": "0", "time": "x"}');
SELECT row_count FROM cx.train('risen', 'SELECT x, y FROM q', 'y', options => '{"monotone": {"x": 1}, "trees": 20}');
SELECT bool_and(risk >= before) AS rises FROM (SELECT risk, lag(risk) OVER (ORDER BY x) AS before FROM (SELECT x, cx.churn_risk('risen', q) AS risk FROM (SELECT x FROM q) AS q) AS s) AS s WHERE before IS NOT NULL;

-- who may: analysts train and look, but do not say which version scores, unless all of them are theirs
CREATE ROLE cx_regress_analyst;
CREATE ROLE cx_regress_admin;
CREATE ROLE cx_regress_nobody;
CALL cx.grant_access('cx_regress_analyst', 'analyst');
CALL cx.grant_access('cx_regress_admin', 'admin');
GRANT SELECT ON q TO cx_regress_analyst;
SET ROLE cx_regress_analyst;
SELECT champion FROM cx.train('hers', 'SELECT y, x FROM q', 'y', 'logistic');
SELECT version, champion FROM cx.train('hers', 'SELECT y, x FROM q', 'y', 'logistic');
SELECT version, champion FROM cx.train('after', 'SELECT y, x FROM q', 'y', 'logistic', options => '{"champion": true}');
SELECT cx.set_champion('hers', 1);
SELECT row_count > 0 AS compared FROM cx.compare_models('hers', 'after');
SELECT row_count > 0 AS compared FROM cx.compare_models('after', 'hers');
SELECT row_count > 0 AS compared FROM cx.compare_models('after', 'hers', 'SELECT y, x FROM q');
SELECT cx.set_champion('after', 2);
SELECT cx.drop_model('after');
SELECT count(*) > 0 AS told FROM cx.model_report('after');
INSERT INTO cx_data.model (name) VALUES ('forged');
UPDATE cx_data.model SET query = 'SELECT writes()';
SET ROLE cx_regress_nobody;
SELECT FROM cx.train('theirs', 'SELECT 1 AS x, true AS y', 'y');
SELECT cx.set_champion('hers', 1);
SET ROLE cx_regress_admin;
SELECT FROM cx.train('after', 'SELECT y, x FROM q', 'y', 'logistic');
SELECT cx.set_champion('after', 2), cx.drop_model('hers');
UPDATE cx_data.model SET query = 'SELECT writes()';
RESET ROLE;
SELECT name, version, champion, trained_by = current_user AS mine FROM cx_data.model WHERE name IN ('hers', 'after') ORDER BY 1, 2;
CALL cx.revoke_access('cx_regress_analyst');
CALL cx.revoke_access('cx_regress_admin');
CALL cx.drop_program();
DROP FUNCTION writes, trains, survives;
DROP SEQUENCE s;
DROP TABLE q;
DROP ROLE cx_regress_analyst, cx_regress_admin, cx_regress_nobody;
