# Dump and restore of a program with all that users built on it, and dropping the extension under it.
use strict;
use warnings FATAL => 'all';
use Cwd qw(abs_path);
use lib 'test/perl';
use CxTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('program_dump', 'jit = off');

# The program belongs to owner_role, two attached tables to app_owner, one to the superuser.
$node->safe_psql('postgres', q{
	CREATE ROLE owner_role;
	CREATE ROLE app_owner;
	CREATE ROLE analyst;
	CREATE ROLE reader;
	GRANT CREATE ON DATABASE postgres TO owner_role, app_owner;

	SET ROLE owner_role;
	CALL cx.create_program('Europe/Berlin');
	GRANT USAGE ON SCHEMA cx_data TO app_owner, analyst;
	GRANT SELECT, INSERT, UPDATE ON cx_data.source TO app_owner;
	GRANT SELECT (feedback_id, org_unit_id, score) ON cx_data.feedback TO analyst;
	INSERT INTO cx_data.org_unit (code, time_zone) VALUES ('east', 'Asia/Kolkata'), ('west', NULL);
	INSERT INTO cx_data.staff (code, org_unit_id, db_role) VALUES ('dora', 1, 'reader');
	UPDATE cx_data.org_unit SET manager_id = 1 WHERE code = 'west';
	INSERT INTO cx_data.customer (code, name, org_unit_id) VALUES ('anna', E'An\\\\na\t"Ä"', 1), ('bob', NULL, 2);
	INSERT INTO cx_data.customer_identity (kind, value, customer_id) VALUES ('phone', '+49 1', 1);
	INSERT INTO cx_data.customer (code, name) VALUES ('ann', 'Ann'), ('gone', 'Gone');
	INSERT INTO cx_data.persona (code) VALUES ('commuter');
	INSERT INTO cx_data.tag (code) VALUES ('vip');
	INSERT INTO cx_data.customer_tag (customer_id, tag_id, valid_from) VALUES (1, 1, '2026-01-01');
	INSERT INTO cx_data.customer_tag (customer_id, tag_id, valid_from) VALUES (3, 1, '2026-02-01');
	SELECT cx.merge_customers('anna', 'ann');
	SELECT * FROM cx.erase_customer('gone');
	INSERT INTO cx_data.metric (code, kind, scale_min, scale_max) VALUES ('taste', 'rating', 0, 9);
	INSERT INTO cx_data.journey (code) VALUES ('move');
	INSERT INTO cx_data.stage (journey_id, code) VALUES (1, 'pack');
	INSERT INTO cx_data.touchpoint (code, stage_id) VALUES ('shop', 1), ('app', 1), ('phone', NULL);
	INSERT INTO cx_data.journey_note (stage_id, persona_id, kind, body) VALUES (1, 1, 'thought', 'so many boxes');
	SELECT cx.publish_journey('move');
	UPDATE cx_data.journey_version SET published_at = '2026-01-01';
	INSERT INTO cx_data.feedback (customer_id, touchpoint_id, org_unit_id, metric, score, responded_at, comment)
	SELECT 1 + i % 2, 1 + i % 3, nullif(i % 3, 0), 'nps', i * i % 11, timestamptz '2026-03-01 10:15+01' + i * interval '7 hours', 'line' || chr(10) || i
	FROM generate_series(1, 240) AS i;
	CALL cx.maintain();
	INSERT INTO cx_data.feedback (touchpoint_id, metric, score, responded_at) VALUES (1, 'taste', 9, '2026-04-01 10:15+02');
	UPDATE cx_data.feedback SET score = 10 - score WHERE feedback_id % 5 = 0;
	SELECT cx.create_import('web', 'typeform', '{"q": {"metric": "nps"}}');
	SELECT * FROM cx.import_feedback('web', '[{"event_type": "form_response_partial", "form_response": {"token": "t"}}, {"form_response": {"token": "u", "submitted_at": "soon", "answers": [{"number": 1, "field": {"ref": "q"}}]}}]');
	INSERT INTO cx_data.survey (code, source_id) SELECT 'relation', source_id FROM cx_data.source WHERE name = 'web';
	INSERT INTO cx_data.question (survey_id, code, metric) VALUES (1, 'q', 'nps');
	INSERT INTO cx_data.contact_rule (code, max_invitations, period) VALUES ('one a month', 1, '1 month');
	INSERT INTO cx_data.calendar (code) VALUES ('office');
	INSERT INTO cx_data.calendar_hours (calendar, weekday, opens_at, closes_at) VALUES ('office', 1, '9:00', '24:00');
	INSERT INTO cx_data.calendar_exception (calendar, day) VALUES ('office', '2026-04-06');
	INSERT INTO cx_data.touchpoint_unit (touchpoint_id, org_unit_id) SELECT min(touchpoint_id), (SELECT min(org_unit_id) FROM cx_data.org_unit) FROM cx_data.touchpoint;
	UPDATE cx_data.org_unit SET calendar = 'office';
	SELECT cx.decompose_ticket(cx.open_ticket('call', org_unit => code, at => '2026-03-02 20:00'), jsonb_build_array(jsonb_build_object('unit', code, 'subject', 'ask', 'within', '2 hours')), at => '2026-03-02 21:00') FROM cx_data.org_unit ORDER BY org_unit_id LIMIT 1;
	SELECT cx.escalate_overdue('2026-03-09 12:00');
	INSERT INTO cx_data.channel (code, format, url, signing_key) VALUES ('ops', 'webhook', 'https://example.com', 'secret');
	GRANT SELECT, INSERT, UPDATE ON cx_data.alert_rule TO app_owner;
	SELECT cx.create_alert('low', 'cx_data.feedback', 'score < 2 AND comment IS NULL', message => '{customer.name}: {score} "it''s {{}}" \\\\ ', route => 'channel:ops');
	INSERT INTO cx_data.feedback (customer_id, metric, score, responded_at) VALUES (2, 'nps', 1, '2026-05-01');
	SELECT cx.create_metric_alert('falls', 'nps', below => 90, min_responses => 1);
	SET cx.as_of = '2026-05-02';
	SELECT * FROM cx.evaluate_alerts();
	RESET cx.as_of;
	INSERT INTO cx_data.alert_match (alert_rule_id, customer_id, payload) VALUES (1, 2, '{}');
	CREATE TEMP TABLE snapshot AS SELECT 1 + i % 2 AS customer_id, i % 10 AS calls, CASE i % 3 WHEN 0 THEN 'basic' ELSE 'plus' END AS plan, hashint4(i) % 10 > 4 - i % 10 AS gone FROM generate_series(1, 400) AS i;
	SELECT model FROM cx.train('churn', 'SELECT calls, plan, gone FROM snapshot', 'gone', 'logistic');
	SELECT cx.score_customers('churn', 'SELECT * FROM snapshot LIMIT 2');
	SELECT count(*) FROM cx.record_drift('churn', 'SELECT * FROM snapshot');
	SELECT FROM cx.train('likes', $$SELECT feedback_id, score, 'it''s ' || metric AS "the ""metric""", feedback_id % 3 = 0 OR score > 8 AS liked FROM cx_data.feedback$$, 'liked', 'logistic', key => 'feedback_id');
	SELECT FROM cx.train('likes', $$SELECT feedback_id, score, feedback_id % 3 = 0 OR score > 8 AS liked FROM cx_data.feedback$$, 'liked', key => 'feedback_id', options => '{"trees": 20}');
	SELECT cx.opt_out('bob', reason => 'no "time"'), cx.invite('bob', 'relation'), cx.invite('anna', 'relation');

	SET ROLE app_owner;
	CREATE SCHEMA app;
	CREATE TABLE app.answer (id integer PRIMARY KEY, who text, place text, score integer, at timestamptz);
	INSERT INTO app.answer SELECT i, 'c' || i % 7, 'app', i % 11, timestamptz '2026-04-20 09:00+02' + i * interval '5 hours' FROM generate_series(1, 60) AS i;
	CREATE TABLE app.visit (id integer, who text, at timestamptz, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
	CREATE TABLE app.visit_march PARTITION OF app.visit FOR VALUES FROM ('2026-03-01') TO ('2026-04-01');
	CREATE TABLE app.visit_april PARTITION OF app.visit FOR VALUES FROM ('2026-04-01') TO ('2026-05-01');
	INSERT INTO app.visit SELECT i, 'c' || i % 7, timestamptz '2026-03-02 09:00+01' + i * interval '1 day' FROM generate_series(1, 40) AS i;
	SELECT cx.attach_feedback('answers', 'app.answer', key => 'id', customer => 'who', touchpoint => 'place', metric => $$'nps'$$, score => 'score',
		responded_at => 'at', attributes => $$jsonb_build_object('it''s', place, 'path', E'a\\\\b')$$, on_error => 'record');
	SELECT cx.attach_event('visits', 'app.visit', key => 'id', customer => 'who', name => $$'visit'$$, occurred_at => 'at');
	INSERT INTO app.answer VALUES (61, 'c1', 'app', 99, '2026-05-01');
	DELETE FROM app.answer WHERE id <= 5;
	SELECT cx.create_alert('april', 'app.visit', '1 / (id - 105) > 7 OR who = ''c3''', customer => 'who', message => '{who}', cooldown => '0');
	INSERT INTO app.visit VALUES (105, 'c4', '2026-04-02'), (103, 'c3', '2026-04-02');

	RESET ROLE;
	CREATE TABLE complaint (id integer PRIMARY KEY, body text, at timestamptz);
	INSERT INTO complaint VALUES (1, 'too slow', '2026-05-01'), (2, 'too loud', '2026-05-02');
	SELECT cx.attach_feedback('complaints', 'complaint', key => 'id', responded_at => 'at', comment => 'body', kind => $$'complaint'$$);
	CREATE VIEW worst AS SELECT touchpoint, metric, value, verdict FROM cx_data.touchpoint_score ORDER BY value LIMIT 2;

	-- what users add to the program's tables
	SET ROLE owner_role;
	CREATE INDEX feedback_channel ON cx_data.feedback (channel) WHERE channel IS NOT NULL;
	ALTER TABLE cx_data.feedback ENABLE ROW LEVEL SECURITY;
	CALL cx.enable_row_security();
	CALL cx.grant_access('reader', 'manager');
	CREATE POLICY east_only ON cx_data.feedback FOR SELECT TO analyst USING (org_unit_id = 1);
	ALTER TABLE cx_data.customer ADD COLUMN loyalty text DEFAULT 'none' NOT NULL;
	UPDATE cx_data.customer SET loyalty = 'gold' WHERE code = 'anna';
	CREATE SCHEMA own;
	CREATE TABLE own.log (feedback_id bigint);
	CREATE FUNCTION own.note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO own.log VALUES (NEW.feedback_id); RETURN NULL; END';
	CREATE TRIGGER note AFTER INSERT ON cx_data.feedback FOR EACH ROW EXECUTE FUNCTION own.note();
	COMMENT ON TRIGGER note ON cx_data.feedback IS 'ours';
	COMMENT ON COLUMN cx_data.customer.loyalty IS 'how loyal';
});

# What a manager sees with row security.
sub seen_by_manager
{
	my ($database) = @_;

	return $node->safe_psql($database, q{
		SET ROLE reader;
		SET cx.as_of = '2026-05-15';
		SELECT count(*), min(org_unit_id), max(org_unit_id), max(comment) FROM cx_data.feedback;
		SELECT code FROM cx_data.customer;
		SELECT touchpoint, metric, responses FROM cx_data.touchpoint_score ORDER BY 1, 2;
		SELECT org_unit FROM cx_data.unit_score;
	});
}

# What a database holds, to be compared with what another one does.
sub contents
{
	my ($database) = @_;

	return {
		'every row of every table' => rows_of_program($node, $database, 'r'),
		'every row of every view' => rows_of_program($node, $database, 'v'),
		'every column, view, trigger, index and policy' => catalog_of_program($node, $database),
		'every sequence' => $node->safe_psql($database, q{SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'cx_data' ORDER BY 1}),
		'the view on a view' => $node->safe_psql($database, q{SET cx.as_of = '2026-05-15'; SET cx.min_responses = 3; TABLE worst}),
		'every trigger on attached tables' => $node->safe_psql($database, q{SELECT tgrelid::regclass::text, pg_get_triggerdef(oid) FROM pg_trigger WHERE tgfoid IN ('cx.capture'::regproc, 'cx.watch'::regproc) ORDER BY 1, 2}),
		'the hours of calendars' => $node->safe_psql($database, q{SELECT code, cx.business_seconds('2026-03-23', '2026-04-20', code) FROM cx_data.calendar ORDER BY code}),
		'the clocks of tickets' => $node->safe_psql($database, q{SET cx.as_of = '2026-04-01'; SELECT ticket_id, sla_status, due_in_seconds, escalation_level FROM cx_data.ticket_detail ORDER BY 1}),
		'what models say' => $node->safe_psql($database, q{SELECT version, champion, cx.predict(predictor, q) FROM cx_data.model, (SELECT score, 'it''s nps' AS "the ""metric""" FROM generate_series(0, 10) AS score) AS q WHERE name = 'likes' ORDER BY version, score}),
		'what the user logs' => $node->safe_psql($database, 'TABLE own.log'),
		'what row-level security shows' => $node->safe_psql($database, 'SET ROLE analyst; SELECT count(*), max(org_unit_id), sum(score) FROM cx_data.feedback'),
		'what a manager sees' => seen_by_manager($database),
	};
}

my $before = contents('postgres');
is($node->safe_psql('postgres', q{
	SELECT relname FROM pg_class WHERE relnamespace = 'cx_data'::regnamespace AND relkind = 'r'
		AND (xpath('//n/text()', query_to_xml(format('SELECT count(*) AS n FROM cx_data.%I', relname), false, true, '')))[1]::text = '0'
}), '', 'there is a row in every table');
isnt($before->{$_}, '', "there is something to compare: $_") foreach grep { $_ ne 'what the user logs' } sort keys %$before;
tallies_are_exact($node, 'postgres', 'the tallies are exact before the dump');

my $dump = abs_path($node->basedir) . '/dump';
foreach my $format (qw(plain custom directory))
{
	my @jobs = $format eq 'directory' ? ('-j', 2) : ();
	command_ok([ 'pg_dump', '-d', $node->connstr('postgres'), '-F', $format, '-f', "$dump.$format", @jobs ], "pg_dump in $format format");
	$node->safe_psql('postgres', "CREATE DATABASE $format");
	command_ok($format eq 'plain'
		? [ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($format), '-f', "$dump.$format" ]
		: [ 'pg_restore', '--exit-on-error', '-d', $node->connstr($format), @jobs, "$dump.$format" ],
		"restore from $format format");
	my $after = contents($format);
	same_lines($after->{$_}, $before->{$_}, "$_ is back from $format format") foreach sort keys %$before;
	tallies_are_exact($node, $format, "nothing is counted twice in $format format");
}

# Who is not a superuser goes on working in the restored database.
$node->safe_psql('custom', q{
	GRANT CREATE ON DATABASE custom TO owner_role;
	SET ROLE app_owner;
	INSERT INTO app.answer VALUES (100, 'new', 'app', 9, '2026-05-03');
	UPDATE app.answer SET score = 0 WHERE id BETWEEN 20 AND 30;
	UPDATE app.answer SET score = 8 WHERE id = 61;
	DELETE FROM app.answer WHERE id > 50 AND id < 60;
	INSERT INTO app.visit_april VALUES (200, 'new', '2026-04-02');
	CREATE TABLE app.visit_may PARTITION OF app.visit FOR VALUES FROM ('2026-05-01') TO ('2026-06-01');
	INSERT INTO app.visit_may VALUES (300, 'new', '2026-05-02');
	RESET ROLE;
	INSERT INTO complaint VALUES (3, 'too dear', '2026-05-03');

	SET ROLE owner_role;
	INSERT INTO cx_data.feedback (customer_id, touchpoint_id, metric, score, responded_at) VALUES (1, 1, 'nps', 3, '2026-05-03');
	UPDATE cx_data.feedback SET score = 4 WHERE feedback_id = 7;
	DELETE FROM cx_data.feedback WHERE feedback_id = 8;
	CREATE INDEX event_value ON cx_data.event (value);
	CREATE TABLE own.rating (id integer, stars integer, at timestamptz);
	INSERT INTO own.rating VALUES (1, 5, '2026-05-04');
	SELECT cx.attach_feedback('ratings', 'own.rating', key => 'id', metric => $$'stars'$$, score => 'stars', responded_at => 'at');
	INSERT INTO own.rating VALUES (2, 4, '2026-05-04');
});
is(error_of($node, 'custom', 'SET ROLE owner_role; CALL cx.maintain()'), '', 'the owner maintains the restored program');
tallies_are_exact($node, 'custom', 'the tallies are exact after writing into the restored program');
my $last_alert = $node->safe_psql('custom', 'SELECT max(alert_id) FROM cx_data.alert');
$node->safe_psql('custom', q{
	SET ROLE app_owner;
	INSERT INTO app.visit_may VALUES (301, 'c3', '2026-05-02');
	SET ROLE owner_role;
	INSERT INTO cx_data.feedback (customer_id, metric, score, responded_at) VALUES (1, 'nps', 0, '2026-05-03');
});
is($node->safe_psql('custom', "SELECT rule, matches FROM cx_data.alert WHERE alert_id > $last_alert ORDER BY 1"), "april|1\nlow|1", 'and the alert rules work, on partitions too that came after the restore');
is($node->safe_psql('custom', q{
	SET ROLE owner_role;
	SELECT cx.move_task(1, 'done'), cx.move_ticket(1, 'solved', root_cause => 'process', action_taken => 'called');
	SELECT status, sla_status FROM cx_data.ticket_detail WHERE ticket_id = 1;
}), "|\nsolved|missed", 'and tickets go on');
is($node->safe_psql('custom', q{SELECT rule, problem FROM cx_data.alert_rule_status ORDER BY 1}), "april|\nfalls|\nlow|", 'all of them');

# What is captured of the attached tables differs from what they hold.
my $not_captured = q{
	(SELECT 'feedback', id::text, score, NULL FROM app.answer UNION ALL SELECT 'feedback', id::text, NULL, body FROM complaint
		UNION ALL SELECT 'event', id::text, NULL, NULL FROM app.visit)
	EXCEPT ALL
	(SELECT 'feedback', source_key, score, comment FROM cx_data.feedback JOIN cx_data.source USING (source_id) WHERE name IN ('answers', 'complaints')
		UNION ALL SELECT 'event', source_key, NULL, NULL FROM cx_data.event)
};
my $captured_rows = q{SELECT (SELECT count(*) FROM cx_data.feedback JOIN cx_data.source USING (source_id) WHERE name IN ('answers', 'complaints')) + (SELECT count(*) FROM cx_data.event)
	- (SELECT count(*) FROM app.answer) - (SELECT count(*) FROM complaint) - (SELECT count(*) FROM app.visit)};
is($node->safe_psql('custom', $not_captured), '', 'every row of the attached tables is captured, with its changes');
is($node->safe_psql('custom', $captured_rows), '0', 'and nothing else');
is($node->safe_psql('custom', 'SELECT source, how, difference, error_rows FROM cx_data.source_status ORDER BY source'),
	"answers|triggers|0|0\ncomplaints|triggers|0|0\nratings|triggers|0|0\nvisits|triggers|0|0\nweb|imported||1", 'the status of the sources agrees');
is($node->safe_psql('custom', 'SELECT count(*) FROM own.log'), 7, 'the trigger of the user saw what came in after the restore, nothing else');

# The extension leaves, the data stays.
like(error_of($node, 'plain', 'DROP EXTENSION cx'), qr/cannot drop extension cx because other objects depend on it/, 'the extension is not dropped from under the program');
my @counted = qw(tally_hourly tally_daily tally_delta model);
my $models = $node->safe_psql('plain', q{SELECT to_jsonb(m) - 'predictor' FROM cx_data.model AS m ORDER BY model_id});
my $kept = rows_of_program($node, 'plain', 'r', @counted);
$node->safe_psql('plain', 'DROP EXTENSION cx CASCADE');
same_lines(rows_of_program($node, 'plain', 'r', @counted), $kept, 'with CASCADE no row is lost but those of the tallies');
is($node->safe_psql('plain', q{SELECT to_jsonb(m) FROM cx_data.model AS m ORDER BY model_id}), $models, 'of models only what predicts, not what is known of it');
$node->safe_psql('plain', q{
	SET ROLE app_owner;
	INSERT INTO app.answer VALUES (101, 'later', 'app', 9, '2026-05-03');
	UPDATE app.answer SET score = 1 WHERE id = 6;
	DELETE FROM app.answer WHERE id = 61;
	DELETE FROM app.visit WHERE id = 2;
	TRUNCATE app.visit_april;
	RESET ROLE;
	INSERT INTO complaint VALUES (4, 'too far', '2026-05-03');
});
same_lines(rows_of_program($node, 'plain', 'r', @counted), $kept, 'the attached tables accept writes, which are not captured');

$node->safe_psql('plain', 'CREATE EXTENSION cx; SET ROLE owner_role; CALL cx.upgrade_program()');
same_lines(catalog_of_program($node, 'plain'), $before->{'every column, view, trigger, index and policy'}, 'upgrade_program makes again all that went');
is($node->safe_psql('plain', q{SELECT rule, status FROM cx_data.alert_rule_status ORDER BY 1}), "april|broken\nfalls|ok\nlow|ok", 'alert rules on the program\'s tables too; those on others their owners make again');
is(seen_by_manager('plain'), $before->{'what a manager sees'}, 'row security too');
same_lines(rows_of_program($node, 'plain', 'v', qw(source_status alert_rule_status)), rows_of_program($node, 'postgres', 'v', qw(source_status alert_rule_status)), 'the views show what they showed');
tallies_are_exact($node, 'plain', 'the tallies are back');
is($node->safe_psql('plain', q{SELECT to_jsonb(m) - 'predictor' FROM cx_data.model AS m WHERE predictor IS NULL ORDER BY model_id}), $models, 'and models are trained again');
$node->safe_psql('plain', q{SET ROLE owner_role; SELECT version FROM cx.train('likes', (SELECT query FROM cx_data.model WHERE name = 'likes' AND champion), 'liked', key => 'feedback_id')});
same_lines(rows_of_program($node, 'plain', 'r', @counted), $kept, 'and no row changed');

$node->safe_psql('plain', q{
	SET ROLE app_owner;
	SELECT cx.detach_source('answers');
	SELECT cx.detach_source('visits');
	SELECT cx.attach_feedback('answers', 'app.answer', key => 'id', customer => 'who', touchpoint => 'place', metric => $$'nps'$$, score => 'score', responded_at => 'at');
	SELECT cx.attach_event('visits', 'app.visit', key => 'id', customer => 'who', name => $$'visit'$$, occurred_at => 'at');
	RESET ROLE;
	SELECT cx.detach_source('complaints');
	SELECT cx.attach_feedback('complaints', 'complaint', key => 'id', responded_at => 'at', comment => 'body', kind => $$'complaint'$$);
	INSERT INTO complaint VALUES (5, 'too small', '2026-05-04');
});
is($node->safe_psql('plain', $not_captured), '', 'attached again, every row is captured');
is($node->safe_psql('plain', $captured_rows), '0', 'and none twice');
tallies_are_exact($node, 'plain', 'the tallies follow');

$node->stop;
done_testing();
