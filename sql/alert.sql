-- Alert rules over rows: what they see, what they raise, whom they tell, and what becomes of errors in them
\set ECHO none
\set VERBOSITY terse
SET client_min_messages = warning;
-- without JIT compilation, of which a server that is set to use it for all queries does one for each of many small ones; alert_security and metric_alert run with it
SET jit = off;
CREATE EXTENSION IF NOT EXISTS cx;
CALL cx.create_program('Europe/Berlin');
SET DateStyle = 'ISO';
INSERT INTO cx_data.org_unit (code, name) VALUES ('north', 'North'), ('shop17', 'Shop 17');
INSERT INTO cx_data.staff (code, name, contact, org_unit_id) VALUES ('mia', 'Mia', 'mia@example.com', 1), ('tom', 'Tom', 'channel:ops', 2), ('eva', NULL, NULL, 2);
UPDATE cx_data.org_unit SET manager_id = CASE code WHEN 'north' THEN 1 ELSE 2 END, parent_id = CASE code WHEN 'shop17' THEN 1 END;
INSERT INTO cx_data.journey (code) VALUES ('buying');
INSERT INTO cx_data.stage (journey_id, code) VALUES (1, 'paying'), (1, 'using');
INSERT INTO cx_data.touchpoint (code, name, stage_id, owner_staff_id) VALUES ('billing', 'Billing', 1, 1), ('shop', 'Shop', 2, NULL);
INSERT INTO cx_data.customer (code, name, org_unit_id) VALUES ('anna', 'Anna', 2), ('bob', NULL, 1);
INSERT INTO cx_data.channel (code, format, url) VALUES ('ops', 'slack', 'https://chat.example.com/ops'), ('mail', 'email', NULL);
INSERT INTO cx_data.channel (code, format, url, owner_unit_id) VALUES ('shop17', 'wecom', 'https://chat.example.com/17', 2);
CREATE VIEW raised AS
SELECT a.rule, c.code AS customer, t.code AS touchpoint, u.code AS org_unit, s.code AS staff, a.severity, a.status, a.matches, a.message
FROM cx_data.alert AS a LEFT JOIN cx_data.customer AS c USING (customer_id) LEFT JOIN cx_data.touchpoint AS t USING (touchpoint_id)
LEFT JOIN cx_data.org_unit AS u ON u.org_unit_id = a.org_unit_id LEFT JOIN cx_data.staff AS s ON s.staff_id = a.staff_id ORDER BY a.alert_id;
CREATE VIEW failed AS
SELECT r.name AS rule, e.source_row, e.sqlstate, e.message FROM cx_data.alert_error AS e LEFT JOIN cx_data.alert_rule AS r USING (alert_rule_id) ORDER BY alert_error_id;
-- runs a command; tells the error, its hint and where in an expression it is
CREATE FUNCTION try(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	hint text;
BEGIN
	EXECUTE command;
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(' | ', SQLERRM, NULLIF(hint, ''));
END
$$;
RESET client_min_messages;
\set ECHO all

-- a detractor's answer and its alert commit together
SELECT cx.create_alert('detractor', 'cx_data.feedback', 'score <= 6 AND metric = ''nps''', severity => 'high',
	message => '{customer.name} gave {score} at {touchpoint.name}, {org_unit.name}: {comment} {{{metric}}}', route => 'channel:ops, manager:{org_unit}, owner:{touchpoint}, unit:{org_unit}');
BEGIN;
INSERT INTO cx_data.feedback (customer_id, touchpoint_id, metric, score, responded_at, comment) VALUES
	(1, 1, 'nps', 3, now(), E'the {customer.name}\nbill is wrong'), (2, 2, 'nps', 9, now(), 'fine'), (1, 2, 'nps', 0, now(), 'again'), (NULL, 1, 'nps', 1, now(), NULL), (2, NULL, 'csat', 1, now(), 'no nps');
SELECT * FROM raised;
ROLLBACK;
SELECT count(*) FROM cx_data.alert;
INSERT INTO cx_data.feedback (customer_id, touchpoint_id, org_unit_id, metric, score, responded_at, comment) VALUES
	(1, 1, NULL, 'nps', 3, '2026-03-01 12:00+01', E'the {customer.name}\nbill is wrong'), (2, 2, NULL, 'nps', 9, '2026-03-01 12:00+01', 'fine'),
	(1, 2, NULL, 'nps', 0, '2026-03-02 12:00+01', 'again'), (NULL, 1, 1, 'nps', 1, '2026-03-02 12:00+01', NULL), (2, NULL, NULL, 'csat', 1, '2026-03-02 12:00+01', 'no nps');
SELECT * FROM raised;
-- whom it tells: the shop has a channel of its own, its manager one too, and nobody twice on the same way
SELECT o.alert_id - first.alert_id AS alert, o.route, c.code AS channel, o.send_to, o.payload - '{alert_id,opened_at}'::text[] AS payload, o.last_error
FROM cx_data.outbox AS o LEFT JOIN cx_data.channel AS c USING (channel_id) CROSS JOIN (SELECT min(alert_id) AS alert_id FROM cx_data.alert) AS first ORDER BY outbox_id;
-- further answers count on the alert until it is resolved; rows that already matched before an UPDATE raise nothing
INSERT INTO cx_data.feedback (customer_id, touchpoint_id, metric, score, responded_at) VALUES (1, 1, 'nps', 5, now());
UPDATE cx_data.feedback SET score = 2 WHERE score = 3;
UPDATE cx_data.feedback SET score = 4 WHERE score = 9;
SELECT rule, customer, matches, message FROM raised;
SELECT cx.acknowledge_alert(min(alert_id)) FROM cx_data.alert;
SELECT cx.resolve_alert(max(alert_id)) FROM cx_data.alert;
SELECT status, acknowledged_at IS NOT NULL AS is_acknowledged, resolved_at IS NOT NULL AS is_resolved FROM cx_data.alert ORDER BY alert_id;
SELECT rule, customer, status FROM cx_data.alert_queue;
INSERT INTO cx_data.feedback (customer_id, touchpoint_id, metric, score, responded_at) VALUES (1, 1, 'nps', 5, '2026-03-02 13:00+01'), (2, 2, 'nps', 6, '2026-03-04 12:00+01');
SELECT rule, customer, status, matches FROM raised;
SELECT cx.resolve_alert(0);
-- a cool-down: each match within it counts, the first one after it raises another
SELECT cx.create_alert('calm', 'cx_data.event', 'name = ''outage''', cooldown => '1 hour');
INSERT INTO cx_data.event (customer_id, name, occurred_at) VALUES (1, 'outage', now());
INSERT INTO cx_data.event (customer_id, name, occurred_at) VALUES (1, 'outage', now());
SELECT cx.resolve_alert(max(alert_id)) FROM cx_data.alert;
INSERT INTO cx_data.event (customer_id, name, occurred_at) VALUES (1, 'outage', now());
UPDATE cx_data.alert SET opened_at = opened_at - interval '1 hour' WHERE rule = 'calm';
INSERT INTO cx_data.event (customer_id, name, occurred_at) VALUES (1, 'outage', now());
SELECT rule, customer, status, matches FROM raised WHERE rule = 'calm';
SELECT cx.drop_alert('calm');
SELECT tgname FROM pg_trigger WHERE tgrelid = 'cx_data.event'::regclass AND tgfoid = 'cx.watch'::regproc;
SELECT rule, customer, status, matches FROM raised WHERE rule = 'calm';
-- what would have fired
SELECT * FROM cx.test_alert('detractor', '[2026-03-01, 2026-03-03)');
SELECT cx.alter_alert('detractor', cooldown => '3 days');
SELECT * FROM cx.test_alert('detractor', '[2026-03-01, 2026-03-05)');
SELECT cx.alter_alert('detractor', scope => 'stage:paying');
SELECT * FROM cx.test_alert('detractor', '[2026-03-01, 2026-03-05)');
SELECT * FROM cx.test_alert('detractor', '[2025-03-01, 2025-03-03)');
-- a scope keeps rows apart that another place would hide
TRUNCATE cx_data.alert;
INSERT INTO cx_data.feedback (customer_id, touchpoint_id, metric, score, responded_at) VALUES (1, 2, 'nps', 5, now()), (1, 1, 'nps', 4, now()), (2, 2, 'nps', 4, now());
SELECT customer, touchpoint, matches FROM raised;
SELECT cx.alter_alert('detractor', scope => 'unit:north', cooldown => '0');
INSERT INTO cx_data.feedback (customer_id, touchpoint_id, metric, score, responded_at) VALUES (1, 2, 'nps', 5, now()), (2, 1, 'nps', 4, now()), (NULL, 1, 'nps', 4, now());
SELECT customer, touchpoint, org_unit, matches FROM raised;
SELECT cx.alter_alert('detractor', scope => 'journey:buying', message => '', route => 'staff:eva,staff:tom');
INSERT INTO cx_data.feedback (customer_id, touchpoint_id, metric, score, responded_at) VALUES (2, NULL, 'nps', 5, now()), (1, 1, 'nps', 4, now());
SELECT customer, touchpoint, message FROM raised ORDER BY message DESC LIMIT 1;
SELECT route, last_error FROM cx_data.outbox ORDER BY outbox_id DESC LIMIT 2;
SELECT name, condition, severity, message, route, scope, cooldown FROM cx_data.alert_rule;
SELECT cx.disable_alert('detractor');
INSERT INTO cx_data.feedback (customer_id, touchpoint_id, metric, score, responded_at) VALUES (1, 1, 'nps', 4, now());
SELECT cx.enable_alert('detractor');
SELECT count(*) FROM raised;
SELECT cx.drop_alert('detractor');

-- any table of the user's, with expressions for whom and where; unknown customers are added, as capturing adds them
CREATE TABLE orders (id integer PRIMARY KEY, who text, place text, branch text, clerk text, amount numeric, status text DEFAULT 'open', tags text[], note varchar, "odd name" integer, placed_at timestamptz DEFAULT now());
TRUNCATE cx_data.alert;
SELECT cx.create_alert('big', 'orders', 'orders.amount > 1000 AND note !~* ''^test'' AND place IN (''shop'', ''billing'') AND lower(note) LIKE ''%please%''', customer => 'who', touchpoint => 'place', org_unit => 'branch', staff => 'clerk',
	message => '{customer} {customer.name} {org_unit} {touchpoint} {staff.name} {amount} {odd name} {tags} {note}', at => 'placed_at');
INSERT INTO orders VALUES (1, 'zoe', 'shop', 'shop17', 'tom', 2000, 'open', '{a,b}', 'Please', 5), (2, 'anna', 'shop', NULL, NULL, 2000.50, 'open', NULL, 'please ' || repeat('ä', 300), 5),
	(3, 'zoe', 'moon', 'nowhere', 'nobody', 9999, 'open', NULL, 'please', NULL), (4, NULL, 'billing', 'nowhere', 'nobody', 9999, 'open', NULL, 'please', NULL), (5, 'zoe', 'shop', NULL, NULL, 9999, 'open', NULL, 'test please', NULL);
SELECT * FROM raised;
SELECT code FROM cx_data.customer ORDER BY customer_id;
SELECT matches, alerts, customers FROM cx.test_alert('big');
-- old and new row
SELECT cx.create_alert('reopened', 'orders', 'old_row.status = ''done'' AND new_row.status <> ''done''', customer => 'new_row.who', message => '{old_row.status} to {new_row.status}', cooldown => '0');
UPDATE orders SET status = 'done' WHERE id < 4;
UPDATE orders SET status = 'open' WHERE id < 3;
INSERT INTO orders (id, status) VALUES (6, 'open') ON CONFLICT DO NOTHING;
INSERT INTO orders (id, status, who) VALUES (3, 'new', 'zoe'), (7, 'done', 'bob') ON CONFLICT (id) DO UPDATE SET status = excluded.status;
SELECT rule, customer, matches, message FROM raised WHERE rule = 'reopened';
SELECT * FROM cx.test_alert('reopened');
-- inserted rows only
SELECT cx.create_alert('inserted', 'orders', 'status = ''odd''', on_update => false);
INSERT INTO orders (id, status) VALUES (8, 'odd');
UPDATE orders SET status = 'odd' WHERE id = 7;
SELECT matches FROM raised WHERE rule = 'inserted';
SELECT cx.alter_alert('inserted', on_update => true);
UPDATE orders SET status = 'odd' WHERE id = 6;
SELECT matches FROM raised WHERE rule = 'inserted';
SELECT cx.drop_alert(rule) FROM unnest('{big,reopened,inserted}'::text[]) AS rule;
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'orders'::regclass;

-- many rules that differ in what a column is equal to: the ones that a value leads to, whichever way that is written
CREATE TABLE pick (id integer PRIMARY KEY, place text, code varchar(10), size bigint, at date);
SELECT count(cx.create_alert(format('%s %s', what, i), 'pick', format(condition, i), message => '{id}', cooldown => '0')) FROM generate_series(1, 5) AS i,
	(VALUES ('place', $$place = 'p%s' AND size > 0$$), ('code', $$size > 0 AND 'c%s' = code$$), ('size', $$size = %s$$), ('in', $$place IN ('p%s', 'p1', NULL, 'p1') AND size IS NOT NULL$$), ('date', $$at = '2026-03-0%s'$$),
		('or', $$place = 'p%1$s' OR size = 10 * %1$s$$), ('not', $$NOT place = 'p%s'$$), ('cross', $$size = %s::integer$$)) AS c (what, condition);
SELECT count(cx.create_alert(format('division %s', i), 'pick', format($$10 / size > 3 AND place = 'p%s'$$, i), message => '{id}', cooldown => '0')) FROM generate_series(1, 5) AS i;
TRUNCATE cx_data.alert, cx_data.alert_error;
INSERT INTO pick VALUES (1, 'p1', 'c1', 1, '2026-03-01'), (2, 'p2', 'c9', 20, NULL), (3, 'p3', 'c2', NULL, '2026-03-05'), (4, NULL, NULL, 5, NULL), (5, 'p9', 'c9', 0, '2026-03-09'), (6, 'p5', 'c5', 0, NULL);
SELECT rule, matches, message FROM raised ORDER BY rule COLLATE "C";
-- as many as plain SQL finds
SELECT (SELECT sum(matches) FROM cx_data.alert) AS matches, count(*) AS plain FROM pick CROSS JOIN generate_series(1, 5) AS i CROSS JOIN LATERAL (VALUES
	(place = 'p' || i AND size > 0), (size > 0 AND 'c' || i = code), (size = i), (place IN ('p' || i, 'p1', NULL) AND size IS NOT NULL), (at = date '2026-02-28' + i), (place = 'p' || i OR size = 10 * i), (NOT place = 'p' || i), (size = i),
	(CASE WHEN size <> 0 THEN 10 / size > 3 AND place = 'p' || i END)) AS c (holds) WHERE holds;
SELECT rule, source_row, message FROM failed;
SELECT count(cx.drop_alert(name)) FROM cx_data.alert_rule;

-- refused at creation, with a finger on what is wrong
\set VERBOSITY default
\set SHOW_CONTEXT never
SELECT cx.create_alert('x', 'orders', 'amount > 5 AND ammount > 5');
SELECT cx.create_alert('x', 'orders', 'amount > 5 AND EXISTS (SELECT FROM public.orders)');
SELECT cx.create_alert('x', 'orders', 'amount >');
SELECT cx.create_alert('x', 'orders', 'amount');
SELECT cx.create_alert('x', 'orders', 'true; DROP TABLE orders');
\set VERBOSITY terse
SELECT arguments, try(format('SELECT cx.create_alert(%s)', arguments)) FROM unnest(ARRAY[
	$$'x', 'orders', 'sum(amount) > 1'$$, $$'x', 'orders', 'ctid IS NOT NULL'$$, $$'x', 'orders', 'true FROM orders'$$, $$'x', 'orders', 'amount > $1'$$, $$'x', 'orders', 'generate_series(1, 2) > 1'$$,
	$$'x', 'orders', 'old_row.amount > 1', on_update => false$$, $$'x', 'orders', 'true', customer => 'nobody'$$, $$'x', 'orders', 'true', at => 'tags'$$,
	$$'x', 'orders', 'true', message => '{nobody}'$$, $$'x', 'orders', 'true', message => '{amount'$$, $$'x', 'orders', 'true', route => '{org_unit}'$$, $$'x', 'orders', 'true', route => 'unit:{shop}'$$, $$'x', 'orders', 'true', route => 'everybody'$$,
	$$'x', 'orders', 'true', severity => 'worst'$$, $$'x', 'orders', 'true', severity => NULL$$, $$'x', 'orders', 'true', scope => 'touchpoint:moon'$$, $$'x', 'orders', 'true', scope => 'galaxy:moon'$$, $$'x', 'orders', 'true', cooldown => '-1 day'$$,
	$$NULL, 'orders', 'true'$$, $$'x', NULL, 'true'$$, $$'x', 'orders', NULL$$, $$'x', 'cx_data.customer', 'true'$$, $$'x', 'raised', 'true'$$]) AS arguments;
SELECT cx.create_alert('taken', 'orders', 'false');
SELECT command, try(command) FROM unnest(ARRAY[$$SELECT cx.create_alert('taken', 'orders', 'true')$$, $$SELECT cx.alter_alert('x', severity => 'low')$$, $$SELECT cx.alter_alert('taken', condition => '')$$, $$SELECT cx.alter_alert('taken', condition => 'nothing')$$,
	$$SELECT cx.drop_alert('x')$$, $$SELECT cx.enable_alert('x')$$, $$SELECT cx.disable_alert(NULL)$$, $$SELECT * FROM cx.test_alert('x')$$, $$SELECT * FROM cx.test_alert('taken')$$]) AS command;
CREATE TEMP TABLE temporary_orders (id integer);
SELECT try($$SELECT cx.create_alert('x', 'temporary_orders', 'true')$$);
SELECT cx.drop_alert('taken');

-- errors never break the statement: of 10,000 rows one fails, the others alert, and so do the other rules
TRUNCATE cx_data.alert;
CREATE TABLE readings (id bigint PRIMARY KEY, device text, load numeric, capacity numeric);
SELECT cx.create_alert('overload', 'readings', 'load / capacity > 0.9', customer => 'device'), cx.create_alert('hot', 'readings', 'load > 9990');
INSERT INTO readings SELECT i, 'd' || i % 3, i, CASE WHEN i = 5000 THEN 0 ELSE 10000 END FROM generate_series(1, 10000) AS i;
SELECT count(*) FROM readings;
SELECT rule, customer, matches FROM raised;
SELECT * FROM failed;
SELECT rule, status, problem, open_alerts, errors, last_error FROM cx_data.alert_rule_status ORDER BY rule;
-- 100 errors in a statement, and the rule is left out of the rest of it
INSERT INTO readings SELECT i, 'd', 9999, 0 FROM generate_series(10001, 10150) AS i;
SELECT rule, count(*), count(source_row), max(message) FROM failed GROUP BY rule;
SELECT rule, matches FROM raised WHERE rule = 'hot';
-- but they do when that is asked for
SET cx.strict_alerts = on;
INSERT INTO readings VALUES (20000, 'd', 1, 0);
RESET cx.strict_alerts;
SELECT count(*) FROM readings WHERE id = 20000;
-- and whoever wants a statement to end is obeyed
CREATE TABLE slow (id integer PRIMARY KEY);
SELECT cx.create_alert('slow', 'slow', 'pg_sleep(id) IS NULL');
SET statement_timeout = 100;
INSERT INTO slow VALUES (60);
RESET statement_timeout;
SELECT count(*) FROM slow;
DROP TABLE slow;
SELECT cx.drop_alert('slow');
-- a function, a type or a column that goes away
TRUNCATE cx_data.alert, cx_data.alert_error;
CREATE FUNCTION is_odd(numeric) RETURNS boolean LANGUAGE sql AS 'SELECT $1 % 2 = 1';
CREATE TYPE grade AS ENUM ('good', 'bad');
ALTER TABLE readings ADD COLUMN grade grade;
SELECT cx.create_alert('odd', 'readings', 'public.is_odd(load)', customer => 'device', cooldown => '0'), cx.create_alert('graded', 'readings', 'grade = ''bad''', customer => 'device', cooldown => '0');
INSERT INTO readings VALUES (30001, 'a', 1, 1, 'bad'), (30002, 'a', 2, 1, 'good');
SELECT rule, customer, matches FROM raised;
ALTER FUNCTION is_odd(numeric) RENAME TO is_even;
INSERT INTO readings VALUES (30003, 'a', 1, 1, 'bad');
INSERT INTO readings VALUES (30004, 'a', 1, 1, 'bad');
SELECT * FROM failed;
SELECT rule, status, problem FROM cx_data.alert_rule_status ORDER BY rule;
ALTER FUNCTION is_even(numeric) RENAME TO is_odd;
INSERT INTO readings VALUES (30005, 'b', 1, 1, 'bad');
DROP FUNCTION is_odd(numeric);
ALTER TABLE readings DROP COLUMN grade;
INSERT INTO readings VALUES (30006, 'b', 1, 1);
ALTER TABLE readings ALTER COLUMN capacity TYPE text;
INSERT INTO readings VALUES (30007, 'b', 9999, 1);
SELECT rule, customer, matches FROM raised;
SELECT * FROM failed;
SELECT rule, status, problem FROM cx_data.alert_rule_status ORDER BY rule;
ALTER TABLE readings DISABLE TRIGGER cx_watch_insert;
SELECT rule, status, problem FROM cx_data.alert_rule_status WHERE rule = 'hot';
DROP TABLE readings;
SELECT rule, status, problem FROM cx_data.alert_rule_status ORDER BY rule;
SELECT cx.drop_alert(name) FROM cx_data.alert_rule ORDER BY name;

-- a storm: 100,000 rows of one statement make one alert for each customer, with a count
CREATE TABLE storm (id integer PRIMARY KEY, who text);
SELECT cx.create_alert('storm', 'storm', 'id > 0', customer => 'who', route => 'channel:ops'), cx.create_alert('flood', 'storm', 'id > 0');
TRUNCATE cx_data.alert, cx_data.outbox;
INSERT INTO storm SELECT i, 's' || i % 4 FROM generate_series(1, 100000) AS i;
SELECT rule, customer, matches FROM raised;
SELECT count(*) FROM cx_data.outbox;
-- and where each row is another customer, one alert for each
TRUNCATE storm, cx_data.alert, cx_data.outbox;
INSERT INTO storm SELECT i, 't' || i FROM generate_series(1, 25000) AS i;
SELECT rule, count(DISTINCT customer_id), count(*), sum(matches) FROM cx_data.alert GROUP BY rule ORDER BY rule;
SELECT count(*) FROM cx_data.outbox;
SELECT cx.drop_alert('storm'), cx.drop_alert('flood');

-- thousands of alerts in one transaction do not use up the server's locks
CREATE TABLE stream (id integer PRIMARY KEY);
SELECT cx.create_alert('stream', 'stream', 'true', customer => $$'s' || id$$);
TRUNCATE cx_data.alert, cx_data.alert_match;
BEGIN;
DO $$ BEGIN FOR i IN 1 .. 1000 LOOP INSERT INTO stream VALUES (i); END LOOP; END $$;
SELECT count(*) BETWEEN 1 AND 50 AS few_locks FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid();
COMMIT;
SELECT count(*) AS alerts, (SELECT count(*) FROM cx_data.alert_match) AS waiting FROM cx_data.alert;
SELECT cx.drop_alert('stream');
DROP TABLE stream;

-- partitions, those that are added later, and rows that move; a trigger that throws rows away leaves pairs by key
CREATE TABLE visits (id integer, place text, score integer, PRIMARY KEY (id, place)) PARTITION BY LIST (place);
CREATE TABLE visits_shop (score integer, gone text, place text NOT NULL, id integer NOT NULL);
ALTER TABLE visits_shop DROP COLUMN gone;
ALTER TABLE visits ATTACH PARTITION visits_shop FOR VALUES IN ('shop');
SELECT cx.create_alert('low', 'visits', 'score < 3', touchpoint => 'place', message => '{id} {place} {score}', cooldown => '0'),
	cx.create_alert('fell', 'visits', 'old_row.score > new_row.score', message => '{old_row.id} {id}: {old_row.score} to {score}', cooldown => '0');
CREATE TABLE visits_billing PARTITION OF visits FOR VALUES IN ('billing');
TRUNCATE cx_data.alert, cx_data.alert_error;
INSERT INTO visits VALUES (1, 'shop', 1), (2, 'billing', 5);
INSERT INTO visits_shop (id, place, score) VALUES (3, 'shop', 2);
INSERT INTO visits_billing VALUES (4, 'billing', 2);
SELECT rule, touchpoint, message FROM raised;
CALL cx.maintain();
INSERT INTO visits_billing VALUES (5, 'billing', 2), (6, 'billing', 9), (7, 'billing', 9);
UPDATE visits SET place = 'shop', score = score - 1 WHERE id = 6;
SELECT rule, touchpoint, message FROM raised;
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF NEW.id = 6 THEN RETURN NULL; END IF; RETURN NEW; END';
CREATE TRIGGER refuse BEFORE INSERT ON visits_billing FOR EACH ROW EXECUTE FUNCTION refuse();
TRUNCATE cx_data.alert;
-- the key holds the place, which changes: rules that look at the old row err, the others do not
UPDATE visits SET place = 'billing', score = score - 4 WHERE place = 'shop';
SELECT rule, touchpoint, message FROM raised;
TABLE failed;
-- with some rows that move and are thrown away, others stay
CREATE TABLE stays (id integer, place integer, score integer) PARTITION BY LIST (place);
CREATE TABLE stays_1 PARTITION OF stays FOR VALUES IN (1);
CREATE TABLE stays_2 PARTITION OF stays FOR VALUES IN (2);
ALTER TABLE stays ADD PRIMARY KEY (id, place);
CREATE TRIGGER refuse BEFORE INSERT ON stays_2 FOR EACH ROW EXECUTE FUNCTION refuse();
INSERT INTO stays SELECT i, 1, i FROM generate_series(4, 9) AS i;
SELECT cx.create_alert('stayed', 'stays', 'old_row.score > new_row.score', message => '{old_row.id} {id}: {old_row.score} to {score}', cooldown => '0', customer => 'id');
TRUNCATE cx_data.alert, cx_data.alert_error;
UPDATE stays SET place = CASE id WHEN 6 THEN 2 ELSE 1 END, score = score - 3 WHERE id > 4;
SELECT rule, customer, message FROM raised;
TABLE failed;
SELECT cx.drop_alert('stayed');
SELECT cx.drop_alert('low'), cx.drop_alert('fell');
SELECT tgrelid::regclass, tgname FROM pg_trigger WHERE tgfoid = 'cx.watch'::regproc;

-- a rule that writes, and one that calls its own table
CREATE TABLE pot (id integer PRIMARY KEY);
CREATE TABLE noted (id integer);
CREATE FUNCTION note(integer) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.noted VALUES ($1); RETURN 1 / ($1 - 3) IS NULL; END';
CREATE FUNCTION again(integer) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.pot VALUES ($1 + 10) ON CONFLICT DO NOTHING; RETURN $1 < 15; END';
TRUNCATE cx_data.alert, cx_data.alert_error;
SELECT cx.create_alert('noting', 'pot', 'public.note(id)'), cx.create_alert('circle', 'pot', 'id < 30 AND public.again(id)', cooldown => '0', message => '{id}');
INSERT INTO pot VALUES (1), (3), (5);
SELECT * FROM pot ORDER BY id;
-- what the failing row wrote is undone, and so is what came before it in the same run
SELECT count(*) > 0 AS some FROM noted;
SELECT rule, message FROM raised ORDER BY message;
SELECT rule, source_row, message FROM failed;
SELECT cx.drop_alert('noting'), cx.drop_alert('circle');

-- a rule's function that changes what the rules run on, and writes to their own table
CREATE TABLE nest (id integer PRIMARY KEY, a integer);
CREATE FUNCTION victim(i integer) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RETURN i = 1; END';
CREATE FUNCTION flip(i integer) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RETURN i > 100; END';
CREATE FUNCTION dropper(i integer) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	IF i = 1 THEN
		DROP FUNCTION public.victim(integer);
		EXECUTE 'CREATE OR REPLACE FUNCTION public.flip(i integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS ''SELECT i > 200''';
		PERFORM cx.disable_alert('nest 3');
		INSERT INTO public.nest VALUES (1000, 1);
	END IF;
	RETURN false;
END $$;
SELECT cx.create_alert('nest 1', 'nest', 'public.dropper(id)'), cx.create_alert('nest 2', 'nest', 'public.victim(a)', message => '{id}', cooldown => '0'), cx.create_alert('nest 3', 'nest', 'a = 3', message => '{id}', cooldown => '0');
SELECT count(cx.create_alert('flip ' || i, 'nest', format('public.flip(a + %s)', i))) FROM generate_series(1, 20) AS i;
TRUNCATE cx_data.alert, cx_data.alert_error;
INSERT INTO nest SELECT i, i FROM generate_series(1, 5) AS i;
SELECT count(*) FROM nest;
SELECT rule, message FROM raised ORDER BY rule, message;
SELECT DISTINCT rule, regexp_replace(message, '\d+', '...') AS message FROM failed;
SELECT count(cx.drop_alert(name)) FROM cx_data.alert_rule;
DROP TABLE nest;
DROP FUNCTION flip(integer), dropper(integer);

-- functions that are not volatile see the rows of the statement; the row as it was may err; codes too long, and none
CREATE TABLE odd (id integer PRIMARY KEY, who text, load numeric, cap numeric, place text);
CREATE FUNCTION many(text) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT count(*) >= 3 FROM public.odd WHERE who = $1';
SELECT cx.create_alert('many', 'odd', 'public.many(who)', customer => 'who', message => '{id}'), cx.create_alert('full', 'odd', 'load / cap > 0.5', message => '{id}', cooldown => '0', touchpoint => 'place', customer => 'who');
TRUNCATE cx_data.alert, cx_data.alert_error;
INSERT INTO odd VALUES (1, 'x', 0, 1), (2, 'x', 0, 1);
INSERT INTO odd VALUES (3, 'x', 0, 1);
INSERT INTO odd VALUES (4, 'y', 9, 0);
UPDATE odd SET cap = 10 WHERE id = 4;
INSERT INTO odd VALUES (5, repeat('long', 1000), 1, 1, NULL), (6, '', 1, 1, 'shop'), (7, '', 1, 1, 'billing'), (8, 'z', 1, 1, NULL);
SELECT rule, customer, touchpoint, matches, message FROM raised;
SELECT * FROM failed;
SELECT cx.drop_alert('many'), cx.drop_alert('full');
DROP TABLE odd;
DROP FUNCTION many(text);
-- what comes in with a row does not say whom else to tell, nor fill in what follows
SELECT cx.create_alert('route', 'orders', 'amount = 1', customer => 'who', route => 'staff:{clerk}, channel:{customer}', message => '{customer} {staff.name}', staff => 'clerk');
TRUNCATE cx_data.alert, cx_data.outbox;
INSERT INTO orders (id, amount, clerk, who) VALUES (901, 1, 'tom,channel:ops,unit:shop17', E'\x01staff.name\x01,channel:ops');
SELECT route, last_error, payload ->> 'message' AS message FROM cx_data.outbox;
SELECT cx.drop_alert('route');
-- what cannot be raised is kept, and maintain() tells which it is
CREATE TABLE fresh (id integer PRIMARY KEY, who text);
SELECT cx.create_alert('fresh', 'fresh', 'true', customer => 'who', message => '{who}');
TRUNCATE cx_data.alert, cx_data.alert_error;
ALTER TABLE cx_data.alert ADD CONSTRAINT nobody_called_u7 CHECK (message <> 'u7');
INSERT INTO fresh SELECT i, 'u' || i FROM generate_series(1, 10) AS i;
SELECT count(*) AS alerts, (SELECT count(*) FROM cx_data.alert_match) AS waiting FROM cx_data.alert;
CALL cx.maintain();
SELECT count(*) AS alerts, (SELECT count(*) FROM cx_data.alert_match) AS waiting FROM cx_data.alert;
SELECT * FROM failed;
ALTER TABLE cx_data.alert DROP CONSTRAINT nobody_called_u7;
-- the program that is not what it should be
BEGIN;
DROP TABLE cx_data.alert_rule CASCADE;
INSERT INTO fresh VALUES (100, 'u1');
ROLLBACK;
BEGIN;
ALTER SCHEMA cx_data RENAME TO elsewhere;
INSERT INTO fresh VALUES (100, 'u1');
ROLLBACK;
SELECT cx.drop_alert('fresh');
DROP TABLE fresh;
-- rules of a table and of a part of it would be in each other's way
CREATE TABLE whole (id integer) PARTITION BY LIST (id);
CREATE TABLE part PARTITION OF whole FOR VALUES IN (1);
SELECT cx.create_alert('part', 'part', 'true');
SELECT cx.create_alert('whole', 'whole', 'true');
SELECT cx.drop_alert('part');
SELECT cx.create_alert('whole', 'whole', 'true'), cx.create_alert('whole too', 'whole', 'true');
SELECT cx.create_alert('part', 'part', 'true');
CREATE TABLE later (id integer);
SELECT cx.create_alert('later', 'later', 'true');
ALTER TABLE whole ATTACH PARTITION later FOR VALUES IN (2);
CALL cx.maintain();
SELECT rule, status FROM cx_data.alert_rule_status ORDER BY rule COLLATE "C";
SELECT cx.drop_alert(name) FROM cx_data.alert_rule ORDER BY name COLLATE "C" DESC;
DROP TABLE whole;

-- the program's drop takes the rules off the user's tables, which stay as they are
SELECT cx.create_alert('last', 'orders', 'amount < 0');
SELECT count(*) FROM orders;
DROP VIEW raised, failed;
CALL cx.drop_program(with_feedback => true);
SELECT count(*) FROM orders;
SELECT tgrelid::regclass, tgname FROM pg_trigger WHERE tgfoid = 'cx.watch'::regproc;
\set ECHO none
SET client_min_messages = warning;
DROP TABLE orders, pick, storm, visits, stays, pot, noted;
DROP FUNCTION try(text), note(integer), again(integer), refuse();
DROP TYPE grade;
