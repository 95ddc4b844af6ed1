-- What alert rules cost those who write many rows at once.
\set ON_ERROR_STOP on
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE PROCEDURE empty() LANGUAGE sql AS 'TRUNCATE bare, matched, watched_10, watched_100, watched_score, loop_10, loop_100, join_10, join_100, when_10, when_100, raised, cx_data.alert, cx_data.outbox';
CALL compare('INSERT of 300,000 rows, none of which matches: 10 rules', '{bare,"10 alert rules","statement trigger that joins a rule table","10 row triggers with WHEN"}',
	ARRAY['INSERT INTO bare SELECT * FROM source', 'INSERT INTO watched_10 SELECT * FROM source', 'INSERT INTO join_10 SELECT * FROM source', 'INSERT INTO when_10 SELECT * FROM source'], 'at most 1.25', :rounds, 'CALL empty()');
CALL compare('the same, 100 rules', '{bare,"100 alert rules","100 alert rules that differ in a threshold","statement trigger that joins a rule table","100 row triggers with WHEN"}',
	ARRAY['INSERT INTO bare SELECT * FROM source', 'INSERT INTO watched_100 SELECT * FROM source', 'INSERT INTO watched_score SELECT * FROM source', 'INSERT INTO join_100 SELECT * FROM source', 'INSERT INTO when_100 SELECT * FROM source'], 'at most 2.0', :rounds, 'CALL empty()');
CALL compare('10 rules, 2 % of 300,000 rows match, each of another customer', '{bare,"10 alert rules, alert and message for each"}',
	ARRAY['INSERT INTO bare SELECT * FROM source', 'INSERT INTO matched SELECT * FROM source'], 'at most 1.6', :rounds, 'CALL empty()');
CALL compare('INSERT of 10,000 rows beside a loop in PL/pgSQL over a rule table', '{bare,"10 alert rules","10 rules in a loop","100 alert rules","100 rules in a loop"}',
	ARRAY['INSERT INTO bare SELECT * FROM source LIMIT 10000', 'INSERT INTO watched_10 SELECT * FROM source LIMIT 10000', 'INSERT INTO loop_10 SELECT * FROM source LIMIT 10000',
		'INSERT INTO watched_100 SELECT * FROM source LIMIT 10000', 'INSERT INTO loop_100 SELECT * FROM source LIMIT 10000'], '', least(:rounds, 3), 'CALL empty()');
INSERT INTO matched SELECT * FROM source;
SELECT format('  (that raised %s alerts and wrote %s messages)', (SELECT count(*) FROM cx_data.alert), (SELECT count(*) FROM cx_data.outbox)) AS told \gset
\echo :told
CALL empty();
