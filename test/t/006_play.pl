# make play keeps a server with the example in it, make stop removes it.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Utils;
use Test::More;

my ($out, $err) = run_command([ 'tools/private-server', 'play' ]);
my ($host) = $out =~ /psql -h (\S+) -U postgres telecom/;
ok($host && -d $host, 'play says where the server is') or diag("$out$err");

my ($answer) = run_command([ 'psql', '-XAt', '-h', $host, '-p', 5432, '-U', 'postgres', 'telecom', '-c',
	q{SELECT round(cx.nps(score)), current_setting('timezone') FROM telecom.nps_answer WHERE touchpoint = 'store'} ]);
like($answer, qr/^\d+\|UTC$/, 'the server answers, with cx and in the zone of the README');

(undef, $err) = run_command([ 'tools/private-server', 'play' ]);
like($err, qr/running already/, 'a second one is refused');
($out) = run_command([ 'tools/private-server', 'stop' ]);
is($out, 'Stopped.', 'stop ends it');
ok(!-e $host, 'and nothing is left of it');
($out) = run_command([ 'tools/private-server', 'stop' ]);
is($out, 'No server is running.', 'a second stop says so');

done_testing();
