# CxTest: what the Perl tests share.
package CxTest;

use strict;
use warnings FATAL => 'all';
use Exporter 'import';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(start_server same_result same_lines error_of rows_of_program catalog_of_program tallies_are_exact);

# A running server with the extension in database postgres.  CX_SERVER_SETTINGS
# holds further lines for its configuration, settings those that this test needs.
sub start_server
{
	my ($name, $settings) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init;
	$node->append_conf('postgresql.conf', $ENV{CX_SERVER_SETTINGS} // '');
	$node->append_conf('postgresql.conf', $settings // '');
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION cx');
	return $node;
}

# Whether a query gives the same rows under two groups of settings.
sub same_result
{
	my ($node, $query, $one, $other, $title) = @_;
	my $expected = $node->safe_psql('postgres', "$one; $query");

	isnt($expected, '', "$title: there is a result");
	is($node->safe_psql('postgres', "$other; $query"), $expected, $title);
	return;
}

# Whether two texts consist of the same lines; tells only those that differ.
sub same_lines
{
	my ($got, $expected, $title) = @_;
	my (%count, @different);

	$count{$_}++ foreach split /\n/, $got;
	$count{$_}-- foreach split /\n/, $expected;
	@different = map { ($count{$_} > 0 ? 'got:      ' : 'expected: ') . $_ } grep { $count{$_} != 0 } sort keys %count;
	ok(!@different, $title) or diag(join("\n", @different));
	return;
}

# What a command complains about; empty if it succeeds silently.
sub error_of
{
	my ($node, $database, $command) = @_;
	my ($status, $out, $err) = $node->psql($database, $command);

	return $err;
}

# Every row of every table (kind 'r') or view (kind 'v') of the program, one in
# a line; the views look at a time that does not pass.
sub rows_of_program
{
	my ($node, $database, $kind, @but) = @_;
	my @relations = split /\n/, $node->safe_psql($database, "SELECT relname FROM pg_class WHERE relnamespace = 'cx_data'::regnamespace AND relkind = '$kind' ORDER BY relname");
	my @queries = map { "SELECT '$_', (to_jsonb(t) - 'lag_seconds')::text COLLATE \"C\" FROM cx_data.$_ AS t ORDER BY 2" }
	  grep { my $relation = $_; !grep { $_ eq $relation } @but } @relations;
	my $rows = $node->safe_psql($database, join(';', q{SET cx.as_of = '2026-05-15'}, 'SET cx.min_responses = 3', @queries));

	# sums of numbers depend on the order of addition in their last digits
	$rows =~ s/-?\d+\.\d+(e-?\d+)?/sprintf('%.9g', $&)/gie;
	return $rows;
}

# The definition of everything in schema cx_data, one in a line; columns of
# tables in no order, for those that came later stand at the end.
sub catalog_of_program
{
	my ($node, $database) = @_;

	return $node->safe_psql($database, q{
		WITH relation AS (SELECT * FROM pg_class WHERE relnamespace = 'cx_data'::regnamespace AND relkind IN ('r', 'v', 'S'))
		SELECT 'relation', relname::text, relkind::text, relpersistence::text, relreplident::text, relrowsecurity, reloptions, pg_get_userbyid(relowner), relacl,
			obj_description(oid, 'pg_class'), NULL
		FROM relation
		UNION ALL
		SELECT 'view', relname, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, regexp_replace(pg_get_viewdef(oid), '\s+', ' ', 'g')
		FROM relation WHERE relkind = 'v'
		UNION ALL
		SELECT 'column', relname || '.' || attname, CASE WHEN relkind = 'v' THEN attnum::text END, format_type(atttypid, atttypmod), attidentity::text, attnotnull, NULL, NULL,
			attacl, col_description(relation.oid, attnum), pg_get_expr(adbin, adrelid)
		FROM relation JOIN pg_attribute ON attrelid = relation.oid LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
		WHERE attnum > 0 AND NOT attisdropped AND relkind <> 'S'
		UNION ALL
		SELECT 'constraint', relname || '.' || conname, NULL, NULL, NULL, convalidated, NULL, NULL, NULL, obj_description(c.oid, 'pg_constraint'), pg_get_constraintdef(c.oid)
		FROM relation JOIN pg_constraint AS c ON conrelid = relation.oid
		UNION ALL
		SELECT 'index', indexrelid::regclass::text, NULL, NULL, NULL, indisvalid, NULL, NULL, NULL, obj_description(indexrelid, 'pg_class'), pg_get_indexdef(indexrelid)
		FROM relation JOIN pg_index ON indrelid = relation.oid
		UNION ALL
		SELECT 'trigger', relname || '.' || tgname, tgenabled::text, NULL, NULL, NULL, NULL, NULL, NULL, obj_description(t.oid, 'pg_trigger'), pg_get_triggerdef(t.oid)
		FROM relation JOIN pg_trigger AS t ON tgrelid = relation.oid AND NOT tgisinternal
		UNION ALL
		SELECT 'policy', relname || '.' || polname, polcmd::text, NULL, NULL, polpermissive, polroles::text[], NULL, NULL, obj_description(p.oid, 'pg_policy'), pg_get_expr(polqual, polrelid)
		FROM relation JOIN pg_policy AS p ON polrelid = relation.oid
		ORDER BY 1, 2
	});
}

# Whether the live tallies are what counting all feedback anew gives.
sub tallies_are_exact
{
	my ($node, $database, $title) = @_;

	is($node->safe_psql($database, q{
		WITH live AS (
			SELECT touchpoint_id, org_unit_id, hour, metric, tally FROM cx_data.tally_live
		), counted AS (
			SELECT f.touchpoint_id, f.org_unit_id, date_trunc('hour', f.responded_at, coalesce(u.time_zone, p.time_zone)), f.metric, cx.tally(f.score)
			FROM cx_data.feedback AS f CROSS JOIN cx_data.program AS p LEFT JOIN cx_data.org_unit AS u USING (org_unit_id)
			WHERE f.kind = 'survey' AND f.score IS NOT NULL
			GROUP BY 1, 2, 3, 4
		)
		SELECT 'nothing is counted' WHERE NOT EXISTS (SELECT FROM live)
		UNION ALL SELECT 'live: ' || wrong FROM (TABLE live EXCEPT ALL TABLE counted) AS wrong
		UNION ALL SELECT 'counted: ' || wrong FROM (TABLE counted EXCEPT ALL TABLE live) AS wrong
		LIMIT 10
	}), '', $title);
	return;
}

1;
