# Upgrading a program: an older one becomes what a fresh one is, and what users made of it stays.
use strict;
use warnings FATAL => 'all';
use lib 'test/perl';
use CxTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('program_upgrade', 'jit = off');
$node->safe_psql('postgres', q{
	CREATE ROLE owner_role;
	CREATE ROLE somebody;
	GRANT CREATE ON DATABASE postgres TO owner_role;
	SET ROLE owner_role;
	CALL cx.create_program();
});
my $fresh = catalog_of_program($node, 'postgres');

# A program as an older version may have left it: without some columns, tables, views, indexes, triggers, constraints and
# comments, and with a view that had fewer columns.
$node->safe_psql('postgres', 'CREATE DATABASE old; GRANT CREATE ON DATABASE old TO owner_role');
$node->safe_psql('old', q{
	CREATE EXTENSION cx;
	SET ROLE owner_role;
	CALL cx.create_program();
	RESET ROLE;
	INSERT INTO cx_data.org_unit (code, time_zone) VALUES ('east', 'Asia/Kolkata');
	INSERT INTO cx_data.customer (code) VALUES ('anna');
	INSERT INTO cx_data.metric (code, kind, scale_min, scale_max) VALUES ('taste', 'rating', 0, 9);
	UPDATE cx_data.metric SET name = 'Würden Sie uns empfehlen?', target = 40 WHERE code = 'nps';
	INSERT INTO cx_data.journey (code) VALUES ('move');
	INSERT INTO cx_data.stage (journey_id, code) VALUES (1, 'pack');
	INSERT INTO cx_data.touchpoint (code, stage_id) VALUES ('shop', 1);
	SELECT cx.publish_journey('move');
	CREATE TABLE answer (id integer PRIMARY KEY, score integer, at timestamptz);
	INSERT INTO answer SELECT i, i % 11, timestamptz '2026-04-01' + i * interval '9 hours' FROM generate_series(1, 80) AS i;
	SELECT cx.attach_feedback('answers', 'answer', key => 'id', touchpoint => $$'shop'$$, metric => $$'nps'$$, score => 'score', responded_at => 'at');
	CALL cx.maintain();
	UPDATE answer SET score = 10 - score WHERE id > 70;
	INSERT INTO cx_data.event (name, occurred_at) VALUES ('bill', '2026-04-01');
	CREATE TABLE kept AS SELECT * FROM cx_data.tally_live;

	-- what users made of it
	ALTER TABLE cx_data.customer ADD COLUMN loyalty text DEFAULT 'none';
	CREATE TABLE cx_data.own (remark text);
	CREATE INDEX own_index ON cx_data.feedback (score);
	CREATE VIEW complaints AS SELECT feedback_id, touchpoint FROM cx_data.feedback_detail WHERE score < 3;
});
my $with_own = catalog_of_program($node, 'old');
my $older = q{
	DROP VIEW complaints;
	SET ROLE owner_role;
	ALTER TABLE cx_data.tally_hourly DROP COLUMN tally CASCADE;
	ALTER TABLE cx_data.tally_delta DROP COLUMN added CASCADE;
	DROP TABLE cx_data.journey_note, cx_data.tally_daily;
	DROP VIEW cx_data.source_status, cx_data.journey_coverage, cx_data.risk_rise;
	DROP TABLE cx_data.model_drift, cx_data.risk_history;
	DROP INDEX cx_data.feedback_touchpoint_id_idx;
	DROP TRIGGER metric_in_use ON cx_data.metric;
	DROP TRIGGER feedback_truncated ON cx_data.feedback;
	CREATE OR REPLACE TRIGGER org_unit_tree AFTER INSERT ON cx_data.org_unit FOR EACH ROW EXECUTE FUNCTION cx.check_org_unit_tree();
	ALTER TABLE cx_data.org_unit DROP CONSTRAINT org_unit_manager_id_fkey;
	DELETE FROM cx_data.metric WHERE code = 'thumbs';
	COMMENT ON TABLE cx_data.feedback IS 'older words';
	COMMENT ON COLUMN cx_data.stage.weight IS NULL;
	DROP VIEW cx_data.feedback_detail;
	CREATE VIEW cx_data.feedback_detail AS SELECT f.feedback_id, f.responded_at::date AS day, f.responded_at, f.kind, f.metric, 'older'::text AS metric_name, f.score::integer AS score,
		f.channel, f.touchpoint_id, t.code AS touchpoint FROM cx_data.feedback AS f LEFT JOIN cx_data.touchpoint AS t USING (touchpoint_id);
	UPDATE cx_data.program SET version = '0.9', relations = array_remove(array_remove(relations, 'journey_note'), 'tally_daily');
	RESET ROLE;
	CREATE VIEW complaints AS SELECT feedback_id, touchpoint FROM cx_data.feedback_detail WHERE score < 3;
};
$node->safe_psql('old', $older);
my $rows = rows_of_program($node, 'old', 'r', qw(program tally_hourly tally_daily tally_delta));
my $old = catalog_of_program($node, 'old');
isnt($old, $with_own, 'there is something to upgrade');

# Who may not, and what must not be.
like(error_of($node, 'old', 'SET ROLE somebody; CALL cx.upgrade_program()'), qr/permission denied|must be owner/, 'somebody else does not upgrade the program');
like(error_of($node, 'old', 'BEGIN; GRANT USAGE ON SCHEMA cx_data TO somebody; GRANT ALL ON ALL TABLES IN SCHEMA cx_data TO somebody; SET ROLE somebody; CALL cx.upgrade_program()'),
	qr/must be owner of the CX program/, 'not even with all rights on its tables');
$node->safe_psql('old', q{UPDATE cx_data.program SET version = '10.0'});
like(error_of($node, 'old', 'CALL cx.upgrade_program()'), qr/the CX program is of version 10\.0, newer than the extension.*Install the newer cx/s, 'a newer program is refused');
$node->safe_psql('old', q{UPDATE cx_data.program SET version = '0.9'});
same_lines(catalog_of_program($node, 'old'), $old, 'and stays as it is');

# In the way of a view stands a table of the user's; in the way of a table, a view.
my %obstacle = ('source_status' => 'CREATE TABLE cx_data.source_status (remark text)', 'journey_note' => 'CREATE VIEW cx_data.journey_note AS SELECT 1 AS remark');
foreach my $name (sort keys %obstacle)
{
	$node->safe_psql('old', $obstacle{$name});
	my $blocked = catalog_of_program($node, 'old');
	like(error_of($node, 'old', 'CALL cx.upgrade_program()'), qr/ERROR:  must be owner of (table|view) $name\n/, "the upgrade fails where the user has another $name");
	same_lines(catalog_of_program($node, 'old'), $blocked, 'and changes nothing');
	same_lines(rows_of_program($node, 'old', 'r', qw(program tally_hourly tally_daily tally_delta), $name), $rows, 'not a row either');
	is($node->safe_psql('old', 'SELECT version FROM cx_data.program'), '0.9', 'so the version stays');
	$node->safe_psql('old', $obstacle{$name} =~ /^CREATE (\w+)/ ? "DROP $1 cx_data.$name" : die);
}

# The upgrade, by a superuser; the program stays its owner's.
is(error_of($node, 'old', 'CALL cx.upgrade_program()'), "psql:<stdin>:1: NOTICE:  the CX program is upgraded from version 0.9 to " . $node->safe_psql('old', 'SELECT cx.version()'), 'the program is upgraded');
same_lines(catalog_of_program($node, 'old'), $with_own, 'it is defined as it was before, with what users made of it');
$node->safe_psql('old', q{INSERT INTO cx_data.own VALUES ('kept')});
same_lines(rows_of_program($node, 'old', 'r', qw(program tally_hourly tally_daily tally_delta metric own)), join("\n", grep { !/^(metric|own)\|/ } split /\n/, $rows), 'all rows are there');
is($node->safe_psql('old', q{SELECT name, target, (SELECT count(*) FROM cx_data.metric) FROM cx_data.metric WHERE code = 'nps'}), 'Würden Sie uns empfehlen?|40|12', 'metrics keep what users wrote, and the missing one is back');
is($node->safe_psql('old', 'SELECT count(*), min(touchpoint) FROM complaints'), $node->safe_psql('old', 'SELECT count(*), min($$shop$$) FROM answer WHERE score < 3'), 'the view on a view goes on');
is($node->safe_psql('old', '(TABLE kept EXCEPT ALL TABLE cx_data.tally_live) UNION ALL (TABLE cx_data.tally_live EXCEPT ALL TABLE kept)'), '', 'the tallies are as before');
tallies_are_exact($node, 'old', 'and exact');
is($node->safe_psql('old', q{SELECT string_agg(relname, ',') FROM pg_class WHERE relnamespace = 'cx_data'::regnamespace AND relkind IN ('r', 'v') AND relname <> ALL ((SELECT relations FROM cx_data.program)::text[])}),
	'own', 'the program knows which tables and views are its own');

# With the user's things away, it is a fresh one.
$node->safe_psql('old', 'ALTER TABLE cx_data.customer DROP COLUMN loyalty; DROP TABLE cx_data.own; DROP INDEX cx_data.own_index');
same_lines(catalog_of_program($node, 'old'), $fresh, 'an upgraded program equals a fresh one');
my $numbers = q{SELECT oid, relname, relfilenode FROM pg_class WHERE relnamespace = 'cx_data'::regnamespace ORDER BY oid};
my @before = ($node->safe_psql('old', $numbers), rows_of_program($node, 'old', 'r'));
is(error_of($node, 'old', 'CALL cx.upgrade_program()') =~ s/version \S+/version X/r, 'psql:<stdin>:1: NOTICE:  the CX program is of version X already; what it lacked is made again', 'a second upgrade says so');
same_lines(catalog_of_program($node, 'old'), $fresh, 'and changes no definition');
is($node->safe_psql('old', $numbers), $before[0], 'makes nothing anew');
same_lines(rows_of_program($node, 'old', 'r'), $before[1], 'and changes no row');

# The program works on.
$node->safe_psql('old', q{INSERT INTO answer VALUES (90, 9, '2026-05-01'); DELETE FROM answer WHERE id = 3});
is(error_of($node, 'old', 'SET ROLE owner_role; CALL cx.maintain()'), '', 'its owner maintains it');
is($node->safe_psql('old', 'SELECT how, captured_rows, difference FROM cx_data.source_status'), 'triggers|80|0', 'capturing goes on');
tallies_are_exact($node, 'old', 'so do the tallies');
like(error_of($node, 'old', q{CALL cx.drop_program(with_feedback => true)}), qr/cannot drop .*because other objects depend on them/s, 'what depends on the program keeps it from being dropped');
$node->safe_psql('old', 'DROP VIEW complaints; CALL cx.drop_program(with_feedback => true)');
is($node->safe_psql('old', q{SELECT count(*) FROM pg_namespace WHERE nspname = 'cx_data'}), '0', 'dropping it leaves nothing behind');

$node->stop;
done_testing();
