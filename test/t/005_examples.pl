# The demos run through and say what they are meant to show.
use strict;
use warnings FATAL => 'all';
use lib 'test/perl';
use CxTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('examples');
my %connection = (PGHOST => $node->host, PGPORT => $node->port, PGDATABASE => 'postgres');
local @ENV{ keys %connection } = values %connection;

my ($out, $err) = run_command([ 'examples/telecom/demo' ]);
is($err, '', 'the telecom demo runs without a complaint');
like($out, qr/app +│ +16 │ +-11 │ .*▼ worse/, 'it finds the app that got worse');
is(() = $out =~ /no clear change/g, 5 + 6, 'and nothing else that changed, in June or in the last 28 days');
like($out, qr/total: +\+[\d.]+ within, +-[\d.]+ mix/, 'it takes the change of the mix apart');
like($out, qr/South +│ +\d+ │ \d+ │ +-\d+ │/, 'it shows the region that suffers');
like($out, qr/App +│ nps +│ +-13 │ +-29 +│ < 0.001 │ worse/, 'the program finds the same app');
like($out, qr/Pay and get help +│ Pay +│ +65 │.*│ billing +│/, 'and the stage where it hurts');
like($out, qr/Emma Hill │ family +│ East +│ bill_shock/, 'it knows a customer');
like($out, qr/ticket about bill │ support/, 'and what happened to her');
like($out, qr/22 │ \{0:3,/, 'and counts an answer in the transaction that writes it');
like($out, qr/hours waited +│ 7\d %/, 'it knows what drives satisfaction');
like($out, qr/South +│ 8\d\.\d %.*\n.*│ 9\d\.\d %/, 'and where customers leave');
my ($reasons) = $out =~ /what it goes by(.*?)\n\n/s;
is(join(' ', sort(($reasons =~ /^ (\w+)/mg)[0 .. 4])), 'high_bills months_with_us overage region slow_tickets', 'and that they leave for what was planted');
like($out, qr{journey-map\.svg.* in pictures/}, 'it draws a journey');
like(slurp_file('pictures/journey-map.svg'), qr/^<svg .*Become a customer.*<\/svg>\n\z/s, 'where it says');
my $scale = $node->safe_psql('telecom', q{SELECT (SELECT count(*) >= 20000 FROM telecom.customer),
	(SELECT count(*) FROM telecom.nps_answer) + (SELECT count(*) FROM telecom.csat_answer) + (SELECT count(*) FROM telecom.effort_answer) >= 200000});
is($scale, 't|t', 'at least 20,000 customers and 200,000 answers');

SKIP:
{
	my $csv = ($ENV{CX_SHARED} // '') . '/data/sfo2017.csv';
	if (!-e $csv)
	{
		BAIL_OUT("no airport survey at $csv") if $ENV{CX_REQUIRE_SHARED};
		skip 'CX_SHARED names no folder with the airport survey', 4;
	}
	my ($report, $complaint) = ('', '');
	ok(run_log([ 'examples/airport/demo' ], '<', $csv, '>', \$report, '2>', \$complaint), 'the airport demo runs');
	is($complaint, '', 'without a complaint');
	like($report, qr/\bG\b.*│/, 'it reports by boarding area');
	like($report, qr/2746/, 'on every answer of the survey');
}

$node->stop;
done_testing();
