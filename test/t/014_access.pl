# Roles that log in: what each sees, whatever the session kept of another role, and in what pg_dump writes.
use strict;
use warnings FATAL => 'all';
use lib 'test/perl';
use CxTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('access', "jit = off\ncx.as_of = '2026-04-01 12:00Z'");
$node->safe_psql('postgres', q{
	CREATE ROLE owner_role LOGIN;
	CREATE ROLE analyst LOGIN;
	CREATE ROLE agent LOGIN;
	CREATE ROLE manager LOGIN;
	CREATE ROLE admin LOGIN;
	CREATE ROLE pool LOGIN NOINHERIT IN ROLE agent, manager;
	GRANT CREATE ON DATABASE postgres TO owner_role;
	SET ROLE owner_role;
	CALL cx.create_program();
	INSERT INTO cx_data.org_unit (code, parent_id) VALUES ('group', NULL), ('east', 1), ('berlin', 2), ('west', 1);
	INSERT INTO cx_data.staff (code, org_unit_id, db_role) VALUES ('anna', 3, 'agent'), ('emil', 2, 'manager');
	INSERT INTO cx_data.touchpoint (code) VALUES ('shop');
	INSERT INTO cx_data.customer (code, org_unit_id) SELECT 'c' || i, i FROM generate_series(1, 4) AS i;
	INSERT INTO cx_data.feedback (customer_id, touchpoint_id, org_unit_id, metric, score, responded_at, comment)
	SELECT 1 + i % 4, 1, 1 + i % 4, 'nps', i % 11, timestamptz '2026-03-31 23:00Z' - i * interval '1 hour', 'unit ' || 1 + i % 4 FROM generate_series(1, 4000) AS i;
	CALL cx.maintain();
	CALL cx.enable_row_security();
	CALL cx.grant_access('analyst', 'analyst');
	CALL cx.grant_access('agent', 'agent');
	CALL cx.grant_access('manager', 'manager');
	CALL cx.grant_access('admin', 'admin');
});

# What a role is told that logs in: answer and complaint.
sub login
{
	my ($role, $command) = @_;
	my ($status, $out, $err) = $node->psql('postgres', $command, connstr => $node->connstr('postgres') . " user=$role");

	return $out . ($err =~ /(ERROR:.*)/ ? $1 : '');
}

my %count = (analyst => 4000, agent => 1000, manager => 2000, admin => 4000);
foreach my $role (sort keys %count)
{
	is(login($role, 'SELECT count(*) FROM cx_data.feedback'), $count{$role}, "rows of feedback that the $role sees");
	is(login($role, 'SELECT sum(responses) FROM cx_data.touchpoint_daily'), $count{$role}, "answers that the views count for the $role");
	is(login($role, 'SELECT count(comment) FROM cx_data.feedback'), $role eq 'analyst' ? 'ERROR:  permission denied for table feedback' : $count{$role}, "comments that the $role sees");
	is(login($role, 'SET ROLE owner_role'), 'ERROR:  permission denied to set role "owner_role"', "the $role does not become the owner");
}
is(login('pool', 'SELECT count(*) FROM cx_data.feedback'), 'ERROR:  permission denied for schema cx_data', 'who inherits nothing sees nothing');

# A session of a connection pool that acts for one role and then for another.
is(login('pool', q{
	SET plan_cache_mode = force_generic_plan;
	SET ROLE agent;
	PREPARE seen AS SELECT count(*), max(org_unit_id) FROM cx_data.feedback;
	PREPARE scored AS SELECT responses FROM cx_data.touchpoint_score;
	EXECUTE seen;
	EXECUTE scored;
	SET ROLE manager;
	EXECUTE seen;
	EXECUTE scored;
	SET ROLE agent;
	EXECUTE seen;
	EXECUTE scored;
}), "1000|3\n168\n2000|3\n336\n1000|3\n168", 'prepared statements see what the role of the moment sees');

# A function that runs with the rights of somebody who sees all: that is what its maker wants.
$node->safe_psql('postgres', q{
	CREATE FUNCTION public.answers() RETURNS bigint LANGUAGE sql SECURITY DEFINER RETURN (SELECT count(*) FROM cx_data.feedback);
	ALTER FUNCTION public.answers() OWNER TO analyst;
});
is(login('agent', 'SELECT public.answers()'), '4000', 'a function of the analyst shows what he sees');

# Dumps: the owner writes all of it, and who sees a part is refused rather than given a part.
foreach my $role (qw(owner_role agent))
{
	my $file = $node->basedir . "/$role.dump";
	my ($out, $err) = ('', '');
	my $ok = run_log([ 'pg_dump', '-d', $node->connstr('postgres') . " user=$role", '-t', 'cx_data.customer', '-a', '-f', $file ], '>', \$out, '2>', \$err);

	if ($role eq 'agent')
	{
		ok(!$ok, 'an agent does not dump a table of which he sees a part');
		like($err, qr/permission denied|row-level security/, 'and is told so');
		next;
	}
	ok($ok, 'the owner dumps a table');
	is(() = slurp_file($file) =~ /^\d+\tc\d/mg, 4, 'with all its rows');
}

# Writers that meet: tallies stay exact while row security is on.
$node->safe_psql('postgres', q{
	CREATE TABLE answer (id integer PRIMARY KEY, who text, unit text, score integer);
	GRANT INSERT, UPDATE, SELECT ON answer TO agent;
	SELECT cx.attach_feedback('answers', 'answer', key => 'id', customer => 'who', org_unit => 'unit', touchpoint => $$'shop'$$, metric => $$'nps'$$, score => 'score', responded_at => $$timestamptz '2026-03-15'$$);
});
is(login('agent', q{
	INSERT INTO answer SELECT i, 'c' || i % 6, ('{group,east,berlin,west}'::text[])[1 + i % 4], i % 11 FROM generate_series(1, 400) AS i;
	UPDATE answer SET score = 10 - score WHERE id % 3 = 0;
	SELECT count(*) FROM cx_data.feedback WHERE responded_at = '2026-03-15' AND source_id IS NOT NULL;
}), '100', 'an agent writes for all units, and sees those of his own');
tallies_are_exact($node, 'postgres', 'all are counted');
is(login('owner_role', 'CALL cx.maintain(); SELECT count(*) FROM cx_data.tally_delta'), '0', 'the owner folds all of them');
tallies_are_exact($node, 'postgres', 'and they are exact after that');

# The program goes to another owner, who then sees all, and the old one, who has no level, nothing.
$node->safe_psql('postgres', q{
	CREATE ROLE new_owner LOGIN;
	GRANT CREATE ON DATABASE postgres TO new_owner;
	REASSIGN OWNED BY owner_role TO new_owner;
});
is(login('new_owner', 'SELECT count(*) FROM cx_data.feedback'), 4400, 'a new owner sees all');
like(login('owner_role', 'SELECT count(*) FROM cx_data.feedback'), qr/permission denied/, 'the old one no more');
is(login('agent', 'SELECT count(*) FROM cx_data.feedback'), 1100, 'an agent what he saw');
is(login('new_owner', q{CALL cx.grant_access('owner_role', 'analyst')}), '', 'and the new one gives levels');
is(login('owner_role', 'SELECT count(*) FROM cx_data.feedback'), 4400, 'also to the old one');

$node->stop;
done_testing();
