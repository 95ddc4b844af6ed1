-- Tables alike: bare, watched by alert rules, and watched the ways that one would write by hand.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE EXTENSION cx;
\ir compare.sql
CALL cx.create_program();
INSERT INTO cx_data.channel (code, format, url) VALUES ('ops', 'slack', 'https://example.com');
INSERT INTO cx_data.customer (code) SELECT 'c' || i FROM generate_series(0, 99999) AS i;
CREATE TABLE bare (id bigint PRIMARY KEY, customer text, place text, score integer, at timestamptz);
CREATE TABLE source AS
SELECT i AS id, 'c' || i / 50 * 7919 % 100000 AS customer, 'tp' || 1 + i % 50 AS place, (i * 31 % 50)::integer AS score, timestamptz '2026-03-01' + i * interval '7 seconds' AS at FROM generate_series(1::bigint, 300000) AS i;

-- rules that match nothing: no score is below 0
CREATE TABLE rule (rule_id integer PRIMARY KEY, place text, below integer);
INSERT INTO rule SELECT i, 'tp' || 1 + i % 50, 0 FROM generate_series(1, 100) AS i;
CREATE TABLE raised (rule_id integer, id bigint, at timestamptz DEFAULT now());
CREATE FUNCTION loop_over_rules() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	r record;
BEGIN
	FOR r IN SELECT * FROM rule WHERE rule_id <= TG_ARGV[0]::integer LOOP
		IF NEW.place = r.place AND NEW.score < r.below THEN
			INSERT INTO raised VALUES (r.rule_id, NEW.id);
		END IF;
	END LOOP;
	RETURN NULL;
END $$;
CREATE FUNCTION join_rules() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO raised SELECT r.rule_id, n.id FROM new_rows AS n JOIN rule AS r ON n.place = r.place AND n.score < r.below WHERE r.rule_id <= TG_ARGV[0]::integer;
	RETURN NULL;
END $$;
CREATE FUNCTION raise_one() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO raised VALUES (TG_ARGV[0]::integer, NEW.id);
	RETURN NULL;
END $$;
DO $$
DECLARE
	rules integer;
BEGIN
	CREATE TABLE matched (LIKE bare INCLUDING ALL);
	CREATE TABLE matched_set (LIKE bare INCLUDING ALL);
	PERFORM cx.create_alert('matching ' || i, 'matched', CASE i WHEN 1 THEN 'score = 0' ELSE format('place = %L AND score < 0', 'tp' || i) END, customer => 'customer', message => '{customer} gave {score} at {place}', route => 'channel:ops') FROM generate_series(1, 10) AS i;
	CREATE TABLE watched_score (LIKE bare INCLUDING ALL);
	PERFORM cx.create_alert(format('score below %s', -i), 'watched_score', format('score < %s AND place <> %L', -i, 'tp' || i), customer => 'customer') FROM generate_series(0, 99) AS i;
	FOREACH rules IN ARRAY ARRAY[10, 100] LOOP
		EXECUTE format('CREATE TABLE watched_%s (LIKE bare INCLUDING ALL)', rules);
		PERFORM cx.create_alert(format('%s of %s', rule_id, rules), format('watched_%s', rules)::regclass, format('place = %L AND score < %s', place, below), customer => 'customer') FROM rule WHERE rule_id <= rules;
		EXECUTE format('CREATE TABLE loop_%s (LIKE bare INCLUDING ALL)', rules);
		EXECUTE format('CREATE TRIGGER watch AFTER INSERT ON loop_%s FOR EACH ROW EXECUTE FUNCTION loop_over_rules(%1$s)', rules);
		EXECUTE format('CREATE TABLE join_%s (LIKE bare INCLUDING ALL)', rules);
		EXECUTE format('CREATE TRIGGER watch AFTER INSERT ON join_%s REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION join_rules(%1$s)', rules);
		EXECUTE format('CREATE TABLE when_%s (LIKE bare INCLUDING ALL)', rules);
		FOR i IN 1 .. rules LOOP
			EXECUTE format('CREATE TRIGGER watch_%s AFTER INSERT ON when_%s FOR EACH ROW WHEN (NEW.place = %L AND NEW.score < 0) EXECUTE FUNCTION raise_one(%1$s)', i, rules, 'tp' || 1 + i % 50);
		END LOOP;
	END LOOP;
END $$;
ANALYZE;
VACUUM (ANALYZE) cx_data.customer, source;
CHECKPOINT;
