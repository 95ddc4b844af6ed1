# Parallel plans give what serial plans give, for every aggregate.
use strict;
use warnings FATAL => 'all';
use lib 'test/perl';
use CxTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('parallel');
my $serial = 'SET max_parallel_workers_per_gather = 0';
my $parallel = 'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; '
  . 'SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2';

$node->safe_psql('postgres', q{
	SELECT setseed(0.4);
	CREATE TABLE answer AS
	SELECT id, (id % 7)::integer AS grp, CASE WHEN random() > 0.02 THEN (random() * 10)::smallint END AS small,
		(random() * 10)::integer AS whole, round((random() * 10)::numeric, 0) AS digits, round(random() * 10) AS double,
		(1 + random() * 4)::integer AS stars, (0.1 + random())::double precision AS weight,
		format('{%s:%s}', id % 11, 1 + id % 5)::cx.tally AS tally, format('{%s:%s}', id % 7, 1 + id % 3)::cx.tally AS other
	FROM generate_series(1, 60000) AS id;
	VACUUM ANALYZE answer;
});

# weighted sums depend on the order of addition in their last digits
my $estimate = sub { "(SELECT array_agg(round(v::numeric, 6)) FROM unnest(ARRAY[($_[0]).value, ($_[0]).std_error, ($_[0]).lower, ($_[0]).upper, ($_[0]).effective_responses]) AS v)" };
my @expressions;
foreach my $score (qw(small whole digits double tally))
{
	push @expressions, "cx.tally($score)", "cx.nps($score)", "cx.csat($score, 8)", "cx.csat(nullif(least($score, 5), 0))"
	  if $score ne 'tally';
	push @expressions, "cx.ces(nullif(least($score, 7), 0))" if $score ne 'tally';
	push @expressions, $estimate->("cx.weighted_nps($score, weight)"), $estimate->("cx.weighted_csat($score, 7, weight)"),
	  $estimate->("cx.weighted_mean($score, weight)");
}
push @expressions, 'cx.tally(tally)', 'cx.nps(tally)', 'cx.csat(tally, 8)', 'cx.csat(other) FILTER (WHERE id % 7 BETWEEN 1 AND 5)',
  'cx.ces(other) FILTER (WHERE id % 7 > 0)';
push @expressions, 'cx.paired_nps_change(small, (10 - whole)::smallint)', 'cx.paired_nps_change(whole, 10 - small)',
  'cx.paired_nps_change(digits, 10 - small::numeric)', 'cx.paired_nps_change(double, 10 - small::double precision)';
push @expressions, 'round(cx.journey_stage_score(digits::float8 * 10, weight)::numeric, 10)',
  q{round(cx.journey_stage_score(digits::float8 * 10, weight, timestamptz '2026-01-01' + id * interval '1 hour', '30 days')::numeric, 10)};
push @expressions, q{cx.time_in_state(whole::text, timestamptz 'epoch' + id % 997 * interval '1 second', '2000-01-01')};
push @expressions, q{cx.path(timestamptz 'epoch' + id % 997 * interval '1 second', whole::text)},
  q{cx.path(timestamptz 'epoch' + id % 997 * interval '1 second', digits::text, 12, true)};
push @expressions, q{round(cx.churn_risk(double - 5, timestamptz '2026-01-01' - id * interval '1 hour', '2026-01-01', stars * interval '1 day', 0.1)::numeric, 10)};
push @expressions, 'cx.retention(whole > 3, small = 1, stars = 2)';
push @expressions, 'cx.kaplan_meier(double, small > 5)', q{cx.kaplan_meier(id % 997 * interval '1 hour', small > 5)}, q{cx.kaplan_meier(format('{%s:%s+1}', id % 13, id % 3)::cx.survival_curve)},
  'cx.log_rank(double, small > 5, whole::text)', 'cx.log_rank(id % 9973 / 7.0, small > 5, whole::text, stars::text)';
push @expressions, '(SELECT array_agg(round(v::numeric, 6)) FROM unnest(ARRAY[(cx.nps_mix_change(tally, other)).within, (cx.nps_mix_change(tally, other)).mix, (cx.nps_mix_change(tally, other)).upper]) AS v)';
# so do co-moments
push @expressions, '(SELECT array_agg(round(r.correlation::numeric, 10)) FROM cx.correlations(cx.moments(small, whole, weight)) AS r)',
  '(SELECT array_agg(round(r.coefficient::numeric, 10)) FROM cx.regression(cx.moments(ARRAY[double, stars, weight]::float8[]), 3) AS r)',
  'round(cx.covariance(cx.moments(nullif(whole, 3), id), 1, 2)::numeric, 6)';

push @expressions, '(cx.roc_area(weight, whole > 5)).value', $estimate->('cx.roc_area(digits::float8, whole > 5)'), 'round((cx.roc_difference(whole > 5, weight, digits::float8)).std_error::numeric, 10)',
  q{cx.evaluation(digits::float8 / 10, whole > 5) - 'auc_std_error' - 'auc_lower' - 'auc_upper'}, q{round((cx.evaluation_of_numbers(weight, whole) ->> 'rmse')::numeric, 10)};

foreach my $expression (@expressions)
{
	my $short = $expression =~ /(cx\.\w+\([^()]*\))/ ? $1 : $expression;
	same_result($node, "SELECT grp, $expression FROM answer GROUP BY grp ORDER BY grp", $serial, $parallel, "$short by group");
	same_result($node, "SELECT $expression FROM answer", $serial, $parallel, "$short over all");
	like($node->safe_psql('postgres', "$parallel; EXPLAIN (COSTS OFF) SELECT $short FROM answer"),
		qr/Finalize Aggregate.*Gather.*Partial Aggregate/s, "$short is aggregated in the workers");
}

like($node->safe_psql('postgres', "$parallel; EXPLAIN (COSTS OFF) SELECT count(*) FROM answer WHERE cx.bucket('day', now() + id * interval '1 minute') > now()"),
	qr/Parallel Seq Scan/, 'bucket runs in workers');

# roll-up of parts made in any plan, spilled to disk or not
same_result($node, 'SELECT cx.tally(t), count(*) FROM (SELECT id % 20000, cx.tally(small) AS t FROM answer GROUP BY 1) AS parts',
	"$serial; SET work_mem = '64MB'", "$serial; SET work_mem = '64kB'; SET hash_mem_multiplier = 1", 'a hash aggregate that spills loses nothing');
same_result($node, 'SELECT t, count(*) FROM (SELECT grp, stars, cx.tally(small) AS t FROM answer GROUP BY 1, 2) AS parts GROUP BY t ORDER BY t',
	'SET enable_hashagg = off', 'SET enable_sort = off', 'grouping by a tally is the same by hash and by sort');
same_result($node, 'SELECT id, cx.tally(small) OVER w, cx.nps(tally) OVER w FROM answer WHERE id < 2000 WINDOW w AS (ORDER BY id ROWS BETWEEN 50 PRECEDING AND 10 PRECEDING) ORDER BY id',
	'SET jit = off', 'SET jit = on; SET jit_above_cost = 0', 'windows are the same with JIT compilation');

$node->stop;
done_testing();
