# Aggregates over sequences of events: parallel plans, groups of millions, and
# temporary files, which nothing may leave behind.
use strict;
use warnings FATAL => 'all';
use lib 'test/perl';
use CxTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('funnel', 'log_temp_files = 0');
my $serial = q{SET max_parallel_workers_per_gather = 0; SET work_mem = '64MB'};
my $parallel = q{SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2};
my $little = q{SET work_mem = '64kB'; SET hash_mem_multiplier = 1};
my $files = q{SELECT count(*) || ' files' FROM pg_ls_dir('base/pgsql_tmp', true, false)};

$node->safe_psql('postgres', q{
	SELECT setseed(0.2);
	CREATE TABLE event AS
	SELECT id, floor(random() ^ 2 * 9000)::bigint * 7919 - 9000000 AS customer, timestamptz '2026-01-01 00:00+00' + floor(random() * 200000) * interval '1 second' AS at,
		floor(random() * 13)::integer AS step
	FROM generate_series(1, 60000) AS id;
	VACUUM ANALYZE event;
});

# What each statement of a session gives, errors too, one in a line; a session
# looks for files itself, for a client hears of an error before they are removed.
sub session
{
	my ($statements) = @_;
	my ($out, $err);

	$node->psql('postgres', $statements, stdout => \$out, stderr => \$err, on_error_stop => 0);
	return join("\n", grep { $_ ne '' } $out, map { /(ERROR: .*)/ ? $1 : () } split /\n/, $err);
}

# The processes that have told of temporary files in the log since this place.
sub writers
{
	my ($place) = @_;

	return map { $_ => 1 } substr(slurp_file($node->logfile), $place) =~ /pgsql_tmp(\d+)\.\d+/g;
}

# parallel plans, by customer and over all
my $steps = 'step < 3, step IN (2, 3), step = 4, step > 4';
my $twelve = join(', ', map { "step IN ($_, $_ + 1)" } 0 .. 11);
my @by_customer = (
	map({ "cx.window_funnel('5 hours', '$_', at, $steps)" } qw(default strict_order strict_once strict_increase)),
	"cx.window_funnel('5 hours', at, $twelve)", "cx.funnel_times('5 hours', at, $steps)",
	"cx.sequence_match('(?1)(?t<=3600)(?3)', at, $steps)", "cx.sequence_count('(?1).*(?2)(?4)', at, $steps)",
	'cx.path(at, step::text)', 'cx.path(at, step::text, 3, true)', q{cx.time_in_state(step::text, at, '2026-02-01')});
my @over_all = map { my $customer = $_; map { "cx.funnel_counts($customer, '5 hours', $_)" } "at, $steps", "at, $twelve", "'strict_order', at, $twelve", "'strict_once', at, $steps" }
  'customer', 'md5(customer::text)::uuid', "'customer ' || customer";

# An expression for a title.
sub in_short
{
	my ($expression) = @_;

	$expression =~ s/\Q$twelve\E/twelve steps/;
	$expression =~ s/\Q$steps\E/four steps/;
	return $expression;
}

foreach my $expression (@by_customer)
{
	my $title = in_short($expression);

	same_result($node, "SELECT customer, $expression FROM event GROUP BY customer ORDER BY customer", $serial, $parallel, "$title by customer");
	same_result($node, "SELECT $expression FROM event", $serial, $parallel, "$title over all");
}
foreach my $expression (@over_all)
{
	my $title = in_short($expression);

	same_result($node, "SELECT $expression FROM event", $serial, "$parallel; SET parallel_leader_participation = $_; $little", "$title from files, leader participating: $_")
	  foreach qw(on off);
	same_result($node, "SELECT id % 3, $expression FROM event GROUP BY 1 ORDER BY 1", $serial, "$parallel; $little", "$title by group, from files");
}
foreach my $expression (@by_customer, @over_all)
{
	like($node->safe_psql('postgres', "$parallel; EXPLAIN (COSTS OFF) SELECT $expression FROM event"), qr/Finalize Aggregate.*Gather.*Partial Aggregate/s, in_short($expression) . ' is aggregated in the workers');
}
my $place = -s $node->logfile;
my ($leader) = split /\n/, session("$parallel; SET parallel_leader_participation = off; $little; SELECT pg_backend_pid(); SELECT $over_all[1] FROM event");
my %writers = writers($place);
ok(delete $writers{$leader}, 'the leader uses temporary files');
cmp_ok(scalar keys %writers, '>', 0, 'so do workers');

# hash aggregates that spill
my @hashed = ("SELECT count(*), sum(level) FROM (SELECT cx.window_funnel('5 hours', at, $steps) AS level FROM event GROUP BY customer) AS c",
	"SELECT count(*), sum(counts[1]), sum(counts[4]) FROM (SELECT cx.funnel_counts('customer ' || customer, '5 hours', at, $steps) AS counts FROM event GROUP BY id % 40) AS g");
foreach my $query (@hashed)
{
	my $hash = "SET max_parallel_workers_per_gather = 0; SET enable_sort = off; $little";

	like($node->safe_psql('postgres', "$hash; EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) $query"), qr/HashAggregate.*Disk Usage/s, 'a hash aggregate spills');
	same_result($node, $query, "$serial; SET enable_hashagg = off", $hash, 'a hash aggregate that spills loses nothing');
}

# ten million events in one group: the last steps are met only if they are put in order
my $millions = q{
	SELECT cx.window_funnel('1 day', timestamptz '2026-01-01' + n * interval '1 microsecond', n > 0, n = 9999990, n = 9999995, n = 1),
		cx.window_funnel('1 day', timestamptz '2026-01-01' + m * interval '1 microsecond', m > 0, m = 9999990, m = 9999995, m = 1)
	FROM (SELECT n, n * 7919 % 10000019 AS m FROM generate_series(1::bigint, 10000000) AS n) AS event};
is(session("$serial; $millions"), '3|3', 'a group of ten million events, in order and shuffled');
is(session("$serial; SET statement_timeout = 500; $millions; SET statement_timeout = 0; SELECT 'still here'"), "still here\nERROR:  canceling statement due to statement timeout",
	'such a group is cancelled');

# sorting and reading at the end are cancelled: of three aggregates the first one's final function asks for it, and the last one's is not reached
$node->safe_psql('postgres', q{
	CREATE SEQUENCE reached;
	CREATE FUNCTION keep(regclass) RETURNS regclass LANGUAGE sql AS 'SELECT $1';
	CREATE AGGREGATE ask_to_cancel(integer) (SFUNC = int4larger, STYPE = integer, FINALFUNC = pg_cancel_backend);
	CREATE AGGREGATE reach(*) (SFUNC = keep, STYPE = regclass, INITCOND = 'reached', FINALFUNC = nextval);
});
foreach my $expression ("cx.window_funnel('5 hours', at, $steps)", "cx.funnel_times('5 hours', at, $steps)", "cx.sequence_count('(?1)(?2)', at, $steps)",
	'cx.path(at, step::text)', q{cx.time_in_state(step::text, at, '2026-02-01')}, @over_all[1, 5, 9])
{
	is(session("$serial; $little; ALTER SEQUENCE reached RESTART; SELECT ask_to_cancel(pg_backend_pid()), $expression, reach(*) FILTER (WHERE id = 1) FROM event; $files; SELECT is_called FROM reached"),
		"0 files\nf\nERROR:  canceling statement due to user request", 'the end of ' . in_short($expression) . ' is cancelled, no file stays');
}
is(session("$serial; ALTER SEQUENCE reached RESTART; SELECT reach(*) FILTER (WHERE id = 1) FROM event; SELECT is_called FROM reached"), "1\nt", 'without the request the last final function is reached');

# temporary files go with what they were for
my $counts = "cx.funnel_counts('customer ' || customer, '5 hours', at, $steps";
my $by_step = "SELECT g, $counts) FROM (SELECT *, id % 2 AS g FROM event ORDER BY g) AS e GROUP BY g";
like(session("$serial; $little; BEGIN; DECLARE c CURSOR FOR $by_step; FETCH 1 FROM c; $files; CLOSE c; $files; COMMIT"), qr/^0\|.*\n[1-9]\d* files\n0 files$/, 'an open cursor has files, a closed one has not');
like(session("$serial; $little; BEGIN; DECLARE c CURSOR FOR $by_step; FETCH 1 FROM c; COMMIT; $files"), qr/^0\|.*\n0 files$/, 'nor has one that the transaction closes');
my @groups = session("$serial; $little; SET enable_hashagg = off; BEGIN; DECLARE c CURSOR FOR SELECT $counts) FROM event GROUP BY id % 20; FETCH 1 FROM c; $files; MOVE 15 IN c; $files; COMMIT") =~ /^(\d+) files$/mg;
cmp_ok($groups[1], '<', 2 * $groups[0], 'a group that is done leaves no files to the next ones');
foreach my $plan ($serial, $parallel)
{
	my $name = $plan eq $serial ? 'serial' : 'parallel';

	like(session("$plan; $little; SELECT $counts) FROM event; $files"), qr/^\{.*\}\n0 files$/, "no file after a $name plan");
	is(session("$plan; $little; SELECT $counts, 1 / (id - 59990) = 2) FROM event; $files"), "0 files\nERROR:  division by zero", "no file after an error in a $name plan");
	is(session("$plan; $little; SET statement_timeout = 1000; SELECT $counts, id = 59990 AND pg_sleep(600) IS NULL) FROM event; SET statement_timeout = 0; $files"),
		"0 files\nERROR:  canceling statement due to statement timeout", "no file after a $name plan was cancelled");
}
is(session(qq{
	$serial; $little;
	DO \$\$
	DECLARE
		failed integer := 0;
		counts text[] := '{}';
	BEGIN
		FOR i IN 1..6 LOOP
			BEGIN
				counts := counts || (SELECT $counts, 1 / (id - 59990 - i % 2 * 100000) = 2)::text FROM event);
			EXCEPTION WHEN division_by_zero THEN
				failed := failed + 1;
			END;
		END LOOP;
		PERFORM set_config('test.outcome', format('%s failed, %s counted, %s different', failed, cardinality(counts), (SELECT count(DISTINCT c) FROM unnest(counts) AS c)), false);
	END \$\$;
	SELECT current_setting('test.outcome');
	$files}), "3 failed, 3 counted, 1 different\n0 files", 'errors that a block catches leave no file and disturb nothing');
same_result($node, "SELECT g, (SELECT $counts) FROM event WHERE id % 4 = g) FROM generate_series(0, 3) AS g ORDER BY g", $serial, "$serial; $little", 'subqueries that run again start anew');
same_result($node, "SELECT g, h, $counts), $counts, step = 0) FROM (SELECT *, id % 2 AS g, id % 3 AS h FROM event) AS e GROUP BY ROLLUP (g, h) ORDER BY g, h", $serial, "$serial; $little", 'grouping sets have files of their own');
is(session($files), '0 files', 'no file at the end');

$node->stop;
done_testing();
