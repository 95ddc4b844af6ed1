# Every SQL example in the README gives the output that stands below it.
#
# A block ```sql is run against the telecom example; the block ```text that
# follows must be what psql prints.  With CX_README_UPDATE=file the README is
# written there with the outputs of today.
use strict;
use warnings FATAL => 'all';
use lib 'test/perl';
use CxTest;
use PostgreSQL::Test::Utils;
use Test::More;

# without JIT compilation, of which a server that is set to use it for all queries does one for each of many small ones
my $node = start_server('readme', 'jit = off');
command_ok([ 'psql', '-Xq', '-d', $node->connstr('postgres'), '-f', 'examples/telecom/database.sql' ], 'the telecom example loads');

command_ok([ 'env', 'PGHOST=' . $node->host, 'PGPORT=' . $node->port, 'examples/telecom/pictures', 'draw' ], 'its pictures are drawn');
is(slurp_file("pictures/$_.svg"), slurp_file("docs/$_.svg"), "the picture $_ is that of the example (make pictures draws it anew)")
  foreach qw(journey-map funnel paths drivers survival lift);

my $readme = slurp_file('README.md');
my $written = '';
my $examples = 0;
my $position = 0;
while ($readme =~ /^```sql\n(.*?)^```\n(?:\n*^```text\n(.*?)^```\n)?/gms)
{
	my ($sql, $expected, $start, $end) = ($1, $2, $-[0], $+[0]);
	my ($out, $err) = ('', '');
	my ($title) = $sql =~ /^(.*)$/m;

	$examples++;
	run_log([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=0', '-d', $node->connstr('telecom'), '-f', '-' ], '<', \$sql, '>', \$out, '2>&1');
	$out =~ s/^psql:<stdin>:\d+: //mg;
	$out =~ s/[ \t]+$//mg;
	# which line of which function called which is of no use to a reader
	$out =~ s/^(CONTEXT:  )?(SQL statement|PL\/pgSQL function) .*\n//mg;
	$out =~ s/\n+\z/\n/;
	is($out, $expected // '', "example $examples: $title");
	$written .= substr($readme, $position, $start - $position) . "```sql\n$sql```\n" . ($out eq '' ? '' : "\n```text\n$out```\n");
	$position = $end;
}
cmp_ok($examples, '>=', 10, 'there are examples');
append_to_file($ENV{CX_README_UPDATE}, $written . substr($readme, $position)) if $ENV{CX_README_UPDATE};

$node->stop;
done_testing();
