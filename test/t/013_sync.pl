# Sources without triggers: a foreign table, a view, and a table that a subscription fills.
use strict;
use warnings FATAL => 'all';
use lib 'test/perl';
use CxTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $remote = PostgreSQL::Test::Cluster->new('remote');
$remote->init(allows_streaming => 'logical');
$remote->start;
my $node = start_server('sync', 'jit = off');

my $columns = '(id integer PRIMARY KEY, who text, score integer, at timestamptz, changed_at timestamptz)';
my $rows = q{SELECT i, 'c' || i % 4, i % 11, timestamptz '2026-03-01 00:00+00' + i * interval '1 hour', timestamptz '2026-04-01 00:00+00' FROM generate_series(1, 20) AS i};
$remote->safe_psql('postgres', "CREATE TABLE call $columns; INSERT INTO call $rows; CREATE TABLE chat $columns; INSERT INTO chat $rows; CREATE PUBLICATION chats FOR TABLE chat");
$node->safe_psql('postgres', "CALL cx.create_program(); CREATE TABLE visit_kept $columns; INSERT INTO visit_kept $rows; CREATE TABLE chat $columns");
$node->safe_psql('postgres', 'CREATE VIEW visit AS SELECT id, max(who) AS who, max(score) AS score, max(at) AS at, max(changed_at) AS changed_at FROM visit_kept GROUP BY id');
$node->safe_psql('postgres', sprintf(q{CREATE SUBSCRIPTION chats CONNECTION '%s dbname=postgres' PUBLICATION chats}, $remote->connstr));
$node->wait_for_subscription_sync($remote, 'chats');

# Attach a relation, with changed_at unless told otherwise.
sub attach
{
	my ($relation, $more) = @_;

	$more //= q{changed_at => 'changed_at'};
	return error_of($node, 'postgres', qq{SELECT cx.attach_feedback('$relation', '$relation', key => 'id', customer => 'who', metric => \$\$'nps'\$\$, score => 'score', responded_at => 'at', $more)});
}

# What source_status tells: how|source_rows|captured_rows|error_rows|difference.
sub status
{
	my ($source) = @_;

	return $node->safe_psql('postgres', "SELECT how, source_rows, captured_rows, error_rows, difference FROM cx_data.source_status WHERE source = '$source'");
}

# What a full synchronisation does: inserted|updated|deleted|failed.
sub sync
{
	my ($source) = @_;

	return $node->safe_psql('postgres', "SELECT * FROM cx.sync_source('$source')");
}

# Whether the captured rows are those of the relation.
sub is_in_step
{
	my ($source, $title) = @_;
	my $expected = $node->safe_psql('postgres', "SELECT id, who, score, at FROM $source ORDER BY 1");

	isnt($expected, '', "$title: there are rows");
	is($node->safe_psql('postgres', qq{SELECT f.source_key, c.code, f.score, f.responded_at FROM cx_data.feedback AS f JOIN cx_data.source AS s USING (source_id)
		JOIN cx_data.customer AS c USING (customer_id) WHERE s.name = '$source' ORDER BY f.source_key::integer}), $expected, $title);
	return;
}

# Rows that arrive, change and leave; written by a subroutine that is given SQL.
sub follow
{
	my ($source, $write) = @_;

	is(attach($source), '', "$source is attached");
	is(status($source), 'pulled|20|20|0|0', "the status of $source says that all its rows are there");
	is_in_step($source, "$source as it was attached");

	$write->(q{
		INSERT INTO TABLE_NAME VALUES (21, 'new', 9, '2026-04-02 10:00+00', '2026-04-02 10:00+00'), (22, 'new', 1, '2026-04-02 11:00+00', '2026-04-02 11:00+00');
		UPDATE TABLE_NAME SET score = 10, changed_at = '2026-04-02 12:00+00' WHERE id = 1;
		DELETE FROM TABLE_NAME WHERE id = 2;
	});
	is(status($source), 'pulled|21|20|0|1', "the status of $source says that rows are missing");
	is(error_of($node, 'postgres', 'CALL cx.maintain()'), '', "maintain() pulls $source");
	is(status($source), 'pulled|21|22|0|-1', "rows of $source that arrived are there, one that left still is");
	is($node->safe_psql('postgres', "SELECT score FROM cx_data.feedback_detail WHERE source = '$source' AND source_key = '1'"), '10', "a row of $source that changed is changed");
	is(sync($source), '0|0|1|0', "sync_source() takes the row out that left $source");
	is(sync($source), '0|0|0|0', 'the second time it changes nothing');
	is_in_step($source, "$source after it was synced");
	is($node->safe_psql('postgres', "SELECT last_row_at, lag_seconds = extract(epoch FROM now() - last_row_at), pulled_at = compared_at, last_error FROM cx_data.source_status WHERE source = '$source'"),
		'2026-04-02 11:00:00+00|t|t|', "the status of $source says since when nothing came");

	$write->(q{UPDATE TABLE_NAME SET score = 0 WHERE id = 3; DELETE FROM TABLE_NAME WHERE id = 4});
	$node->safe_psql('postgres', "CALL cx.maintain()");
	is(status($source), 'pulled|20|21|0|-1', "maintain() reads of $source what changed_at says");
	$node->safe_psql('postgres', "UPDATE cx_data.source SET compared_at = compared_at - interval '1 day'; CALL cx.maintain()");
	is(status($source), 'pulled|20|20|0|0', "and once a day all of $source");
	is_in_step($source, "$source a day later");
	return;
}

# Write into a table of a server.
sub writer
{
	my ($server, $table, $then) = @_;

	return sub {
		$server->safe_psql('postgres', $_[0] =~ s/TABLE_NAME/$table/gr);
		$then->() if $then;
	};
}

like(attach('visit', q{on_error => 'fail'}), qr/changes of public.visit cannot be captured by triggers.*changed_at/s, 'a view is not attached without changed_at');
follow('visit', writer($node, 'visit_kept'));

like(attach('chat', q{on_error => 'fail'}), qr/WARNING:  public.chat is filled by a subscription/, 'attaching a table that a subscription fills warns');
is(status('chat'), 'triggers|20|20|0|0', 'the rows it has are captured');
my $write_chat = writer($remote, 'chat', sub { $remote->wait_for_catchup('chats') });
$write_chat->(q{INSERT INTO chat VALUES (30, 'new', 5, '2026-03-30', '2026-04-01')});
is(status('chat'), 'triggers|21|20|0|1', 'as the warning said, its changes are not captured');
$write_chat->(q{DELETE FROM chat WHERE id = 30});
$node->safe_psql('postgres', q{SELECT cx.detach_source('chat')});
is(status('chat'), 'detached||20|0|', 'detached, it keeps its rows');
follow('chat', $write_chat);

SKIP:
{
	skip 'postgres_fdw is not installed', 24 if $node->safe_psql('postgres', q{SELECT count(*) FROM pg_available_extensions WHERE name = 'postgres_fdw'}) eq '0';
	$node->safe_psql('postgres', sprintf(q{
		CREATE EXTENSION postgres_fdw;
		CREATE SERVER remote FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '%s', port '%s', dbname 'postgres');
		CREATE USER MAPPING FOR CURRENT_USER SERVER remote;
		IMPORT FOREIGN SCHEMA public LIMIT TO (call) FROM SERVER remote INTO public;
	}, $remote->host, $remote->port));
	like(attach('call', q{on_error => 'fail'}), qr/changes of public.call cannot be captured by triggers.*changed_at/s, 'a foreign table is not attached without changed_at');
	follow('call', writer($remote, 'call'));

	$remote->stop;
	like(error_of($node, 'postgres', 'CALL cx.maintain()'), qr/WARNING:  maintenance step sync of source call failed: could not connect/, 'maintain() says that the other server is away');
	is(status('call'), 'pulled||20|0|', 'its rows cannot be counted, but stay');
	like($node->safe_psql('postgres', q{SELECT last_error FROM cx_data.source_status WHERE source = 'call'}), qr/^could not connect/, 'the status says why');
	is(status('visit'), 'pulled|20|20|0|0', 'the status of the others is there');
	$remote->start;
	is(error_of($node, 'postgres', 'CALL cx.maintain()'), '', 'all is well when the server is back');
	is(status('call'), 'pulled|20|20|0|0', 'the status agrees');
}

# a row that cannot be captured
$node->safe_psql('postgres', q{SELECT cx.detach_source('visit')});
is(attach('visit', q{changed_at => 'changed_at', only_if => 'score IS NOT NULL', on_error => 'record'}), '', 'the view is attached again');
$node->safe_psql('postgres', q{INSERT INTO visit_kept VALUES (23, 'new', 11, '2026-04-03', '2026-04-03'), (24, 'new', NULL, '2026-04-03', '2026-04-03'); CALL cx.maintain()});
is(status('visit'), 'pulled|21|20|1|0', 'a row with a wrong score is recorded, one without is not to be captured');
is($node->safe_psql('postgres', q{SELECT on_error, last_error FROM cx_data.source_status WHERE source = 'visit'}),
	'record|score 11 is outside 0..10, the scale of metric "nps"', 'the status says why');
$node->safe_psql('postgres', q{UPDATE visit_kept SET score = 8 WHERE id = 23; CALL cx.maintain()});
is(status('visit'), 'pulled|21|21|0|0', 'mended, it is captured, although changed_at stayed');

# one step of maintenance that fails does not keep the others
$node->safe_psql('postgres', q{ALTER TABLE cx_data.tally_hourly RENAME tally TO other; INSERT INTO visit_kept VALUES (25, 'new', 7, '2026-04-04', '2026-04-04')});
like(error_of($node, 'postgres', 'CALL cx.maintain()'), qr/WARNING:  maintenance step fold of the tallies failed/, 'maintain() says which step failed');
is(status('visit'), 'pulled|22|22|0|0', 'and goes on with the others');
$node->safe_psql('postgres', 'ALTER TABLE cx_data.tally_hourly RENAME other TO tally');

tallies_are_exact($node, 'postgres', 'the tallies of all sources are exact');
$node->safe_psql('postgres', q{DROP VIEW visit});
is(status('visit'), 'detached||22|0|', 'a source whose view was dropped is detached');

$node->stop;
$remote->stop;
done_testing();
