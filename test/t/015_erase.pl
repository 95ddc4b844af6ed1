# Forgetting a person: a dump of the program holds none of his strings, no score changes, nothing brings him back,
# and everybody else is as before.
use strict;
use warnings FATAL => 'all';
use lib 'test/perl';
use CxTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('erase', 'jit = off');

# Whatever of Greta stands anywhere holds one of these strings; so does what she was called before a merge.
my @strings = qw(Greta Müller GR-0815 gretchen +4917755501 greta@example Lindenallee Zaubertrank Gartenzwerg Quittengelee Nebelhorn);

$node->safe_psql('postgres', q{
	CALL cx.create_program('Europe/Berlin');
	INSERT INTO cx_data.org_unit (code, time_zone) VALUES ('east', 'Asia/Kolkata'), ('west', NULL);
	INSERT INTO cx_data.touchpoint (code) VALUES ('shop'), ('app');
	INSERT INTO cx_data.tag (code) VALUES ('vip');
	INSERT INTO cx_data.customer (code, name, segment, org_unit_id, attributes) VALUES
		('GR-0815', 'Greta Müller', 'consumer', 1, '{"street": "Lindenallee 1", "mail": ["greta@example.org"]}'),
		('gretchen', 'Müller, Greta', NULL, 2, '{"drinks": "Zaubertrank"}');
	INSERT INTO cx_data.customer (code, name, org_unit_id, attributes) SELECT 'C' || i, 'Name ' || i, nullif(i % 3, 0), jsonb_build_object('i', i) FROM generate_series(1, 20) AS i;
	SELECT cx.identify('phone', '+4917755501', 'gretchen'), cx.identify('phone', '+49' || i, 'C' || i) FROM generate_series(1, 20) AS i;
	INSERT INTO cx_data.customer_tag (customer_id, tag_id, valid_from) SELECT customer_id, 1, '2026-01-01' FROM cx_data.customer;

	CREATE TABLE answer (id integer PRIMARY KEY, who text, place text, score text, words text, at timestamptz, changed_at timestamptz DEFAULT now());
	INSERT INTO answer SELECT i, CASE i % 10 WHEN 0 THEN 'GR-0815' WHEN 1 THEN 'gretchen' ELSE 'C' || i % 20 END, CASE i % 3 WHEN 0 THEN 'app' ELSE 'shop' END, i * i % 11,
		CASE WHEN i % 10 < 2 THEN 'my Gartenzwerg' ELSE 'words ' || i END, timestamptz '2026-05-14 09:00+02' - i * interval '5 hours' FROM generate_series(1, 400) AS i;
	CREATE TABLE call (id integer PRIMARY KEY, phone text, at timestamptz, note text);
	INSERT INTO call SELECT i, CASE i % 10 WHEN 0 THEN '+4917755501' ELSE '+49' || i % 20 + 1 END, timestamptz '2026-05-14 09:00+02' - i * interval '3 hours',
		CASE WHEN i % 10 = 0 THEN 'Quittengelee' ELSE 'note' END FROM generate_series(1, 200) AS i;
	CREATE VIEW answer_view AS SELECT * FROM answer;
	CREATE TABLE visit (id integer, who text, at timestamptz, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
	CREATE TABLE visit_may PARTITION OF visit FOR VALUES FROM ('2026-05-01') TO ('2026-06-01');
	INSERT INTO visit SELECT i, CASE i % 5 WHEN 0 THEN 'GR-0815' ELSE 'C' || i % 20 END, timestamptz '2026-05-02' + i * interval '1 hour' FROM generate_series(1, 100) AS i;
	SELECT cx.attach_feedback('answers', 'answer', key => $$who || ' ' || id$$, customer => 'who', touchpoint => 'place', metric => $$'nps'$$, score => 'score', responded_at => 'at',
		comment => 'words', attributes => $$jsonb_build_object('who', who)$$, on_error => 'record');
	SELECT cx.attach_feedback('pulled', 'answer_view', key => 'id', customer => 'who', touchpoint => 'place', metric => $$'csat10'$$, score => 'greatest(1, score::integer)', responded_at => 'at',
		comment => 'words', changed_at => 'changed_at', only_if => $$id NOT IN (1001, 1002, 1003, 2002) AND score ~ '^\d+$'$$);
	SELECT cx.attach_event('calls', 'call', key => 'id', customer => 'phone', customer_kind => 'phone', name => $$'call'$$, occurred_at => 'at', attributes => $$jsonb_build_object('note', note)$$);
	SELECT cx.attach_event('visits', 'visit', key => 'id', customer => 'who', name => $$'visit'$$, occurred_at => 'at');
	INSERT INTO cx_data.feedback (customer_id, touchpoint_id, metric, score, responded_at, comment, source_key) SELECT customer_id, 1, 'stars', 4, '2026-05-01', 'Nebelhorn', 'by hand of Greta' FROM cx_data.customer WHERE code = 'GR-0815';
	CALL cx.maintain();
	SELECT cx.merge_customers('GR-0815', 'gretchen');
	-- rows that fail, of hers and of somebody else
	INSERT INTO answer VALUES (1001, 'GR-0815', 'Lindenallee', '5', '', '2026-05-14'), (1002, 'gretchen', 'shop', 'Nebelhorn', '', '2026-05-14'), (1003, 'C1', 'shop', '77', '', '2026-05-14');
	UPDATE answer SET score = 10 - score::integer WHERE id BETWEEN 10 AND 40;
	SELECT cx.sync_source('pulled');
	CREATE TABLE tally_before AS SELECT * FROM cx_data.tally_live;
});
tallies_are_exact($node, 'postgres', 'the tallies are exact before');

# A dump of the schema of the program.
sub dump_of_program
{
	my ($dump) = run_command([ 'pg_dump', '-d', $node->connstr('postgres'), '-n', 'cx_data' ]);

	return $dump;
}

# The strings that occur in a text.
sub strings_in
{
	my ($text) = @_;

	return join(' ', grep { index(lc($text), lc($_)) >= 0 } @strings);
}

# Scores, counts and everything that belongs to others.
sub scores
{
	return $node->safe_psql('postgres', q{
		SET cx.as_of = '2026-05-15'; SET cx.min_responses = 3;
		TABLE cx_data.tally_live ORDER BY 1, 2, 3, 4;
		SELECT * FROM cx_data.touchpoint_score ORDER BY 1, 4;
		SELECT * FROM cx_data.unit_score ORDER BY 1, 5;
		SELECT day, touchpoint, metric, value, lower, upper, responses FROM cx_data.touchpoint_daily ORDER BY 1, 2, 3;
		SELECT count(*), sum(score), min(responded_at), max(responded_at) FROM cx_data.feedback;
		SELECT count(*), sum(value), min(occurred_at), max(occurred_at) FROM cx_data.event;
		SELECT source, source_rows, captured_rows, error_rows, difference FROM cx_data.source_status ORDER BY 1;
	});
}

sub others
{
	return $node->safe_psql('postgres', q{
		SET cx.as_of = '2026-05-15';
		SELECT * FROM cx_data.customer WHERE code LIKE 'C%' ORDER BY 1;
		SELECT t.* FROM cx_data.customer_identity AS t JOIN cx_data.customer USING (customer_id) WHERE code LIKE 'C%' ORDER BY 1;
		SELECT t.* FROM cx_data.customer_tag AS t JOIN cx_data.customer USING (customer_id) WHERE code LIKE 'C%' ORDER BY 1;
		SELECT t.* FROM cx_data.feedback AS t JOIN cx_data.customer USING (customer_id) WHERE code LIKE 'C%' ORDER BY 1;
		SELECT t.* FROM cx_data.event AS t JOIN cx_data.customer USING (customer_id) WHERE code LIKE 'C%' ORDER BY 1;
		SELECT * FROM cx_data.customer_profile WHERE code LIKE 'C%' ORDER BY 1;
		SELECT customer, round(risk::numeric, 9), band, reasons FROM cx_data.customer_churn_risk WHERE customer LIKE 'C%' ORDER BY 1;
		SELECT code, t.risk, t.reasons FROM cx_data.risk_history AS t JOIN cx_data.customer USING (customer_id) WHERE code LIKE 'C%' ORDER BY 1, risk_history_id;
		SELECT source_key, message FROM cx_data.import_error WHERE source_key LIKE 'C%';
	});
}

my @untouched = map { $node->safe_psql('postgres', "SELECT * FROM $_ ORDER BY id") } qw(answer call visit);
my ($scores, $others) = (scores(), others());
is(strings_in(dump_of_program()), join(' ', @strings), 'before, a dump holds every string of hers');

is($node->safe_psql('postgres', q{SELECT relation, what, row_count FROM cx.erase_customer('gretchen') WHERE row_count > 0}),
	join("\n", 'cx_data.import_error|cleared|2', 'cx_data.feedback|made anonymous|161', 'cx_data.event|made anonymous|40', 'cx_data.customer_identity|deleted|2', 'cx_data.customer_tag|deleted|1', 'cx_data.risk_history|deleted|2',
		'cx_data.customer_merge|deleted|1', 'cx_data.customer|deleted|1', 'public.answer|yours, not touched|80', 'public.answer_view|yours, not touched|80', 'public.call|yours, not touched|20', 'public.visit|yours, not touched|20'),
	'she is erased by a code from before the merge, and attached tables that hold her are named');
is(strings_in(dump_of_program()), '', 'a dump holds none of her strings');
same_lines(scores(), $scores, 'no score, tally or count has changed');
same_lines(others(), $others, 'nobody else has');
is(join("\n", map { $node->safe_psql('postgres', "SELECT * FROM $_ ORDER BY id") } qw(answer call visit)), join("\n", @untouched), 'the attached tables are not touched');
tallies_are_exact($node, 'postgres', 'the tallies are exact');

# Whatever the user does with the rows, she stays erased.
my $compared = q{SELECT s.name, inserted, updated, deleted, failed FROM cx_data.source AS s CROSS JOIN LATERAL cx.sync_source(s.name) ORDER BY s.name};
my $nothing = "answers|0|0|0|3\ncalls|0|0|0|0\npulled|0|0|0|0\nvisits|0|0|0|0";
is($node->safe_psql('postgres', $compared), $nothing, 'comparing all sources changes nothing');
$node->safe_psql('postgres', 'CALL cx.maintain(); CALL cx.maintain()');
is(strings_in(dump_of_program()), '', 'nor does maintenance bring anything back');
same_lines(others(), $others, 'and nobody else has changed');
$node->safe_psql('postgres', 'CALL cx.rebuild_tallies()');
same_lines(scores(), $scores, 'counting anew gives the same');

$node->safe_psql('postgres', q{
	UPDATE answer SET words = 'Quittengelee' WHERE who IN ('GR-0815', 'gretchen');
	UPDATE answer SET score = 'Zaubertrank' WHERE id = 30;
	UPDATE call SET note = 'Nebelhorn', at = at + interval '1 minute' WHERE phone = '+4917755501';
	UPDATE visit SET at = at + interval '1 minute';
	INSERT INTO answer VALUES (2001, 'GR-0815', 'shop', '3', 'Zaubertrank', '2026-05-13', now()), (2002, 'gretchen', 'Gartenzwerg', '3', 'Zaubertrank', '2026-05-13', now());
	INSERT INTO call VALUES (2001, '+4917755501', '2026-05-13', 'Lindenallee');
	DELETE FROM answer WHERE id IN (50, 51, 52);
	INSERT INTO cx_data.customer (code, name) VALUES ('GR-0815', 'Greta Müller') ON CONFLICT DO NOTHING;
	CREATE TABLE visit_june PARTITION OF visit FOR VALUES FROM ('2026-06-01') TO ('2026-07-01');
	INSERT INTO visit_june VALUES (2001, 'GR-0815', '2026-06-02');
	CALL cx.maintain();
});
$node->safe_psql('postgres', $compared);
is(strings_in(dump_of_program()), '', 'nor do changes of her rows');
is($node->safe_psql('postgres', $compared), "answers|0|0|0|5\ncalls|0|0|0|0\npulled|0|0|0|0\nvisits|0|0|0|0", 'which leave everything in step');
is($node->safe_psql('postgres', q{SELECT source, difference FROM cx_data.source_status ORDER BY 1}), "answers|0\ncalls|0\npulled|0\nvisits|0", 'and no row missing or twice');
tallies_are_exact($node, 'postgres', 'the tallies follow');

$node->safe_psql('postgres', q{
	SELECT cx.detach_source('answers', keep_rows => false), cx.detach_source('calls'), cx.detach_source('visits', keep_rows => false);
	DELETE FROM answer WHERE place <> ALL ('{shop,app}') OR score !~ '^\d+$' OR score::integer > 10;
	SELECT cx.attach_feedback('answers', 'answer', key => $$who || ' ' || id$$, customer => 'who', touchpoint => 'place', metric => $$'nps'$$, score => 'score', responded_at => 'at', comment => 'words');
	SELECT cx.attach_event('calls', 'call', key => 'id', customer => 'phone', customer_kind => 'phone', name => $$'call'$$, occurred_at => 'at', attributes => $$jsonb_build_object('note', note)$$);
	SELECT cx.attach_event('visits again', 'visit', key => 'id', customer => 'who', name => $$'visit'$$, occurred_at => 'at');
});
is(strings_in(dump_of_program()), '', 'nor does attaching again');
is($node->safe_psql('postgres', q{SELECT source, difference FROM cx_data.source_status WHERE how <> 'detached' ORDER BY 1}), "answers|0\ncalls|0\npulled|0\nvisits again|0", 'by which each row is captured once');

# A restored program knows her as well.
my $dump = $node->basedir . '/dump';
run_command([ 'pg_dump', '-d', $node->connstr('postgres'), '-f', $dump ]);
$node->safe_psql('postgres', 'CREATE DATABASE restored');
command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('restored'), '-f', $dump ], 'it is restored');
is($node->safe_psql('restored', q{
	INSERT INTO answer VALUES (3001, 'GR-0815', 'shop', '3', 'Zaubertrank', '2026-05-13');
	SELECT count(*) - count(customer_id) - count(comment), count(*) FROM cx_data.feedback WHERE feedback_id = (SELECT max(feedback_id) FROM cx_data.feedback)
}), '1|1', 'and what she says is still captured without her');

$node->stop;
done_testing();
