# Dump, restore, copy and crash: what users build on a tally stays whole.
use strict;
use warnings FATAL => 'all';
use Cwd qw(abs_path);
use lib 'test/perl';
use CxTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('dump');
$node->safe_psql('postgres', q{
	CREATE TABLE rollup (grp integer, day date, tally cx.tally NOT NULL, PRIMARY KEY (grp, day));
	INSERT INTO rollup SELECT grp, date '2026-01-01' + day, cx.tally(((grp * 31 + day * 17 + s) % 11)::smallint)
	FROM generate_series(1, 5) AS grp, generate_series(0, 29) AS day, generate_series(1, 40) AS s GROUP BY grp, day;
	INSERT INTO rollup VALUES (0, '2026-01-01', '{}'), (0, '2026-01-02', '{0:9223372036854775807,10:1}');
	CREATE INDEX rollup_tally ON rollup (tally);
	CREATE TABLE arrays AS SELECT grp, array_agg(tally ORDER BY day) AS tallies FROM rollup GROUP BY grp;
	CREATE VIEW score AS SELECT grp, cx.nps(tally), cx.nps_estimate(cx.tally(tally)) AS estimate FROM rollup WHERE grp > 0 GROUP BY grp;
	CREATE MATERIALIZED VIEW kept AS SELECT grp, cx.tally(tally) AS tally FROM rollup WHERE grp > 0 GROUP BY grp;
	CREATE FUNCTION promoters_of(t cx.tally) RETURNS bigint LANGUAGE sql RETURN cx.promoters(t);
	CREATE TABLE summary AS SELECT grp, cx.moments(grp + day, day * day, s / 7.0) AS m FROM generate_series(1, 3) AS grp, generate_series(1, 5) AS day, generate_series(1, 3) AS s GROUP BY grp;
	CREATE TABLE generated (t cx.tally, nps double precision GENERATED ALWAYS AS (cx.nps_of(t)) STORED);
	INSERT INTO generated (t) VALUES ('{0:1,9:1}');
});
my $look = q{SELECT * FROM rollup ORDER BY 1, 2; SELECT * FROM arrays ORDER BY 1; SELECT * FROM score ORDER BY 1;
	SELECT * FROM kept ORDER BY 1; SELECT *, promoters_of(t) FROM generated; SELECT * FROM summary ORDER BY grp;};
my $before = $node->safe_psql('postgres', $look);

my $dump = abs_path($node->basedir) . '/dump';
foreach my $format (qw(plain custom directory))
{
	my $file = "$dump.$format";
	command_ok([ 'pg_dump', '-d', $node->connstr('postgres'), '-F', $format, '-f', $file, $format eq 'directory' ? ('-j', 2) : () ], "pg_dump in $format format");
	$node->safe_psql('postgres', "CREATE DATABASE restored_$format");
	command_ok($format eq 'plain'
		? [ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr("restored_$format"), '-f', $file ]
		: [ 'pg_restore', '--exit-on-error', '-d', $node->connstr("restored_$format"), $format eq 'directory' ? ('-j', 2) : (), $file ],
		"restore from $format format");
	is($node->safe_psql("restored_$format", $look), $before, "everything is back from $format format");
	unlike(slurp_file($file), qr/CREATE (FUNCTION|AGGREGATE|TYPE) cx\./, 'what the extension owns is not dumped') if $format eq 'plain';
}

$node->safe_psql('postgres', "COPY rollup TO '$dump.bin' (FORMAT binary); CREATE TABLE again (LIKE rollup); COPY again FROM '$dump.bin' (FORMAT binary)");
is($node->safe_psql('postgres', 'SELECT * FROM again ORDER BY 1, 2'), $node->safe_psql('postgres', 'SELECT * FROM rollup ORDER BY 1, 2'), 'binary COPY brings every tally back');

my ($status, $out, $err) = $node->psql('postgres', 'DROP EXTENSION cx');
like($err, qr/cannot drop extension cx because other objects depend on it/, 'the extension cannot be dropped from under a column');

$node->stop('immediate');
$node->start;
is($node->safe_psql('postgres', $look), $before, 'everything is there after a crash');
is($node->safe_psql('postgres', q{SET enable_seqscan = off; SELECT grp, day FROM rollup WHERE tally OPERATOR(cx.=) '{0:9223372036854775807,10:1}'}), '0|2026-01-02', 'the index finds a tally');

$node->stop;
done_testing();
