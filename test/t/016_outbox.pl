# 20,000 messages, four workers, one of them killed in the middle, and a server that crashes: each is delivered at
# least once, none is lost, and only those that the killed worker had leased are delivered twice.
use strict;
use warnings FATAL => 'all';
use IPC::Run qw(start finish);
use lib 'test/perl';
use CxTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $messages = 20_000;
my $lease = 8;
my $node = start_server('outbox', "restart_after_crash = on\njit = off\n");
my $folder = PostgreSQL::Test::Utils::tempdir();
$node->safe_psql('postgres', qq{
	CALL cx.create_program();
	INSERT INTO cx_data.channel (code, format, url) VALUES ('ops', 'webhook', 'https://example.com');
	CREATE TABLE fault (id integer PRIMARY KEY, who text);
	SELECT cx.create_alert('fault', 'fault', 'true', customer => 'who', message => 'fault {id}', route => 'channel:ops');
	INSERT INTO fault SELECT i, 'c' || i FROM generate_series(1, $messages) AS i;
});
is($node->safe_psql('postgres', 'SELECT count(*), count(DISTINCT alert_id) FROM cx_data.outbox'), "$messages|$messages", 'each alert has a message in the outbox');

# What a worker does: claim, deliver by writing into a file of its own, acknowledge.  It goes on when the
# server comes back, and ends when nothing is left.
my $worker = q{
	use strict;
	use warnings;
	my ($connection, $name, $folder, $lease, $pause) = @ARGV;
	$| = 1;
	open my $delivered, '>>', "$folder/$name" or die $!;
	$delivered->autoflush(1);
	my $idle = 0;
	sub query { my $out = `psql -XAtq -d "$connection" -c "$_[0]" 2>/dev/null`; return $? == 0 ? $out : undef; }
	while ($idle < 2 * $lease + 4)
	{
		my $claimed = query("SELECT ids[1] FROM cx.outbox_claim(100, '$lease seconds', '$name')");
		unless (defined $claimed) { sleep 1; next; }
		my @ids = split /\n/, $claimed;
		unless (@ids) { $idle++; select undef, undef, undef, 0.5; next; }
		$idle = 0;
		foreach my $id (@ids)
		{
			print $delivered "$id\n";
			select undef, undef, undef, 0.01 if $pause && $id % 20 == 0;
		}
		# what was delivered is told once the server is there again
		select undef, undef, undef, 0.1 until defined query("SELECT cx.outbox_ack(ARRAY[" . join(',', @ids) . "]::bigint[], '$name')");
	}
};
append_to_file("$folder/worker.pl", "use IO::Handle;\n$worker");
my %run = map { my $out = ''; $_ => start([ $^X, "$folder/worker.pl", $node->connstr('postgres'), $_, $folder, $lease, $_ eq 'killed' ], '>', \$out) } qw(killed one two three);

# Ids that a worker delivered, in the order in which it did.
sub delivered_by
{
	my ($name) = @_;

	return -e "$folder/$name" ? split /\n/, slurp_file("$folder/$name") : ();
}

# Wait until so many messages were delivered.
sub wait_for_deliveries
{
	my ($count) = @_;

	for (1 .. 1200)
	{
		return if (map { delivered_by($_) } keys %run) >= $count;
		sleep 0.05;
	}
	die 'the workers deliver nothing';
}

# One worker dies in mid-batch.
wait_for_deliveries(2000);
sleep 0.05 until delivered_by('killed') % 100 > 0 && delivered_by('killed') % 100 < 90;
kill 'KILL', $run{killed}{KIDS}[0]{PID};
finish $run{killed};
my $leased = $node->safe_psql('postgres', q{SELECT count(*) FROM cx_data.outbox WHERE leased_by = 'killed' AND delivered_at IS NULL});
cmp_ok($leased, '>', 0, 'the worker that was killed leaves leased messages behind');

# The server crashes under the others.
wait_for_deliveries(8000);
$node->stop('immediate');
$node->start;
finish $run{$_} foreach qw(one two three);

is($node->safe_psql('postgres', 'SELECT count(*) FILTER (WHERE delivered_at IS NULL), count(*) FILTER (WHERE dead_at IS NOT NULL) FROM cx_data.outbox'), '0|0', 'every message is acknowledged, none was given up');
my %times;
$times{$_}++ foreach map { delivered_by($_) } keys %run;
is(scalar keys %times, $messages, 'every message was delivered');
my @twice = grep { $times{$_} > 1 } keys %times;
my %killed = map { $_ => 1 } delivered_by('killed');
is(scalar(grep { !$killed{$_} } @twice), 0, 'only messages that the killed worker had delivered were delivered twice');
cmp_ok(scalar @twice, '<=', $leased, 'and of these only those that it had no time to acknowledge: ' . @twice);
is($node->safe_psql('postgres', 'SELECT waiting, leased, delivered, dead FROM cx_data.outbox_stats'), "0|0|$messages|0", 'outbox_stats says so');

$node->stop;
done_testing();
