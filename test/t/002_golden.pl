# Golden values: test/golden/*.sql against CX_SHARED, a folder with data/ and golden/.
use strict;
use warnings FATAL => 'all';
use Cwd qw(abs_path);
use lib 'test/perl';
use CxTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $shared = $ENV{CX_SHARED} // '';
if ($shared eq '' || !-d "$shared/golden")
{
	BAIL_OUT("CX_SHARED names no folder with golden values: '$shared'") if $ENV{CX_REQUIRE_SHARED};
	plan skip_all => 'CX_SHARED names no folder with golden values';
}

my $node = start_server('golden');
foreach my $script (sort glob 'test/golden/*.sql')
{
	my $file = abs_path($script);
	my ($out, $err) = ('', '');

	# \copy reads relative to the folder that psql runs in
	my $status = run_log([ 'sh', '-c', 'cd "$0" && exec psql -X -d "$1" -f "$2"', $shared, $node->connstr('postgres'), $file ], '>', \$out, '2>', \$err);
	ok($status, "$script runs") or diag($err);
	my @lines = split /\n/, $out;
	my ($planned) = map { /^1\.\.(\d+)$/ ? $1 : () } @lines;
	my @results = grep { /^(not )?ok/ } @lines;
	is(scalar @results, $planned, "$script compares every file");
	foreach my $result (@results)
	{
		ok($result =~ /^ok - /, $result =~ s/^(not )?ok - //r);
	}
	diag($_) foreach grep { /^#/ } @lines;
}
$node->stop;
done_testing();
