# Eight routers at the same time, with room for all tickets and without, and writers that are killed while their rows
# open tickets: nobody gets too many, no ticket is given twice, and no alert is without its ticket.
use strict;
use warnings FATAL => 'all';
use Cwd qw(abs_path);
use IPC::Run qw(start finish);
use lib 'test/perl';
use CxTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $node = start_server('ticket', "restart_after_crash = on\nmax_connections = 30\ndeadlock_timeout = 100ms\njit = off\n");
$node->safe_psql('postgres', q{
	CALL cx.create_program();
	INSERT INTO cx_data.org_unit (code, tier) SELECT 'unit' || i, 1 FROM generate_series(1, 5) AS i;
	INSERT INTO cx_data.staff (code, org_unit_id, max_tickets) SELECT 'agent' || i, 1 + i % 5, 8 + i % 3 FROM generate_series(0, 49) AS i;
});

# Run a script of SQL by 8 clients, each so many times; whether none failed.
sub routed
{
	my ($transactions, %script) = @_;
	my ($out, $err) = ('', '');
	my @scripts;

	foreach my $name (sort keys %script)
	{
		my $file = abs_path($node->basedir) . "/$name";
		unlink $file =~ s/@.*//r;
		append_to_file($file =~ s/@.*//r, "$script{$name}\n");
		push @scripts, '-f', $file;
	}
	my $run = start([ 'pgbench', '-n', '-h', $node->host, '-p', $node->port, '-c', 8, '-j', 2, '-t', $transactions, '--random-seed', 7, @scripts, 'postgres' ], '>', \$out, '2>', \$err);
	# who looks in between never sees too many
	my $most = 0;
	while ($run->pumpable)
	{
		my $seen = $node->safe_psql('postgres', q{
			SELECT coalesce(max(l.tickets - s.max_tickets), 0) FROM (SELECT staff_id, count(*) AS tickets FROM cx_data.ticket WHERE staff_id IS NOT NULL AND status NOT IN ('solved', 'closed') GROUP BY 1) AS l JOIN cx_data.staff AS s USING (staff_id)});
		$most = $seen if $seen > $most;
		$run->pump_nb;
		sleep 0.05;
	}
	ok(finish($run), 'no router failed') or diag($err);
	unlike($err, qr/ERROR|deadlock/, 'and none complained');
	is($most, 0, 'nobody had too many while they were at work');
	return;
}

# Route what is left, one after the other.
sub route_rest
{
	$node->safe_psql('postgres', q{DO $$ BEGIN WHILE (cx.route_ticket()).staff IS NOT NULL LOOP END LOOP; END $$});
	return;
}

# Whether the history says so too: who got a ticket had room for it, and no ticket was given twice.
sub history_is_right
{
	my ($when) = @_;

	is($node->safe_psql('postgres', q{
		WITH step AS (
			SELECT e.ticket_event_id, t.staff_id, CASE e.kind WHEN 'assigned' THEN 1 ELSE -1 END AS change
			FROM cx_data.ticket_event AS e JOIN cx_data.ticket AS t USING (ticket_id) WHERE e.kind = 'assigned' OR e.status = 'solved'
		), load AS (
			SELECT staff_id, sum(change) OVER (PARTITION BY staff_id ORDER BY ticket_event_id) AS tickets FROM step
		)
		SELECT count(*) FROM load JOIN cx_data.staff USING (staff_id) WHERE tickets > max_tickets
	}), '0', "nobody ever had too many $when");
	is($node->safe_psql('postgres', q{SELECT count(*) FROM (SELECT ticket_id FROM cx_data.ticket_event WHERE kind = 'assigned' GROUP BY 1 HAVING count(*) > 1) AS twice}), '0', "no ticket was given twice $when");
	is($node->safe_psql('postgres', q{SELECT count(*) FROM cx_data.ticket AS t WHERE (t.staff_id IS NOT NULL) <> EXISTS (SELECT FROM cx_data.ticket_event AS e WHERE e.ticket_id = t.ticket_id AND e.kind = 'assigned' AND e.staff_id = t.staff_id)}),
		'0', "who has a ticket is who got it $when");
	return;
}

# Room for all.
$node->safe_psql('postgres', q{SELECT cx.open_ticket('ticket ' || i, org_unit => 'unit' || 1 + i % 5) FROM generate_series(1, 400) AS i});
routed(50, route => 'SELECT * FROM cx.route_ticket();');
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM cx_data.ticket WHERE staff_id IS NOT NULL'), '>=', 390, 'as many tickets are routed as routers were started, but for those that met others at the end');
route_rest();
is($node->safe_psql('postgres', 'SELECT count(*) FROM cx_data.ticket WHERE staff_id IS NULL'), '0', 'all tickets are routed');
history_is_right('where there is room for all');

# More tickets than room, of a unit without staff the most urgent ones; routers that take two at a time, by number too, and people who solve theirs.
$node->safe_psql('postgres', q{
	DELETE FROM cx_data.ticket;
	UPDATE cx_data.staff SET max_tickets = staff_id % 3;
	INSERT INTO cx_data.org_unit (code, tier) VALUES ('nobody', 1);
	SELECT cx.open_ticket('ticket ' || i, org_unit => 'nobody', at => now() - interval '1 day') FROM generate_series(1, 150) AS i;
	SELECT cx.open_ticket('ticket ' || i, org_unit => 'unit' || 1 + i % 5) FROM generate_series(1, 400) AS i;
});
routed(60,
	'route@4' => 'SELECT * FROM cx.route_ticket();',
	'two@1' => 'BEGIN; SELECT * FROM cx.route_ticket(); SELECT * FROM cx.route_ticket(); END;',
	'number@1' => q{SELECT r.* FROM (SELECT ticket_id FROM cx_data.ticket WHERE staff_id IS NULL AND status = 'new' ORDER BY random() LIMIT 1) AS t CROSS JOIN LATERAL cx.route_ticket(t.ticket_id) AS r;},
	'solve@2' => q{SELECT cx.move_ticket(ticket_id, 'solved', root_cause => 'other', action_taken => 'done')
		FROM (SELECT ticket_id FROM cx_data.ticket WHERE status = 'open' ORDER BY random() LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED) AS t;});
cmp_ok($node->safe_psql('postgres', q{SELECT count(*) FROM cx_data.ticket WHERE status = 'solved'}), '>', 10, 'places became free meanwhile');
route_rest();
history_is_right('where there is less room');
is($node->safe_psql('postgres', q{
	SELECT count(*) FROM cx_data.ticket AS t JOIN cx_data.staff AS s USING (org_unit_id)
	WHERE t.staff_id IS NULL AND t.status = 'new' AND s.max_tickets > (SELECT count(*) FROM cx_data.ticket AS k WHERE k.staff_id = s.staff_id AND k.status NOT IN ('solved', 'closed'))
}), '0', 'nobody has room for a ticket of his unit that waits');
is($node->safe_psql('postgres', q{SELECT count(*) FROM cx_data.ticket JOIN cx_data.org_unit USING (org_unit_id) WHERE code = 'nobody' AND staff_id IS NULL}), '150', 'a unit without staff keeps its tickets');

# Rows that open tickets, each of a customer of its own; some are of an emergency as well.
$node->safe_psql('postgres', q{
	DELETE FROM cx_data.ticket;
	INSERT INTO cx_data.touchpoint (code, owner_unit_id) SELECT 'place' || i, i FROM generate_series(1, 5) AS i;
	INSERT INTO cx_data.channel (code, format, url) VALUES ('ops', 'webhook', 'https://example.com');
	CREATE TABLE fault (id integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, who text, place text);
	SELECT cx.create_alert('fault', 'fault', 'place IS NULL', customer => 'who', message => 'fault {id}', route => 'channel:ops', opens_ticket => true);
	SELECT cx.create_alert('outage', 'fault', 'place IS NOT NULL', customer => 'who', touchpoint => 'place', severity => 'critical', message => 'outage {id}', route => 'channel:ops', opens_ticket => true);
});

# Whether alerts, tickets, their history, tasks and messages belong together.
sub nothing_is_orphaned
{
	my ($when) = @_;

	is($node->safe_psql('postgres', q{
		SELECT 'an alert without its ticket' FROM cx_data.alert AS a WHERE NOT EXISTS (SELECT FROM cx_data.ticket AS t WHERE t.ticket_id = a.ticket_id)
		UNION ALL SELECT 'a ticket without its alert' FROM cx_data.ticket AS t WHERE NOT EXISTS (SELECT FROM cx_data.alert AS a WHERE a.alert_id = t.alert_id AND a.ticket_id = t.ticket_id)
		UNION ALL SELECT 'a ticket without a beginning' FROM cx_data.ticket AS t WHERE (SELECT count(*) FROM cx_data.ticket_event AS e WHERE e.ticket_id = t.ticket_id AND e.kind = 'opened') <> 1
		UNION ALL SELECT 'history or a task without a ticket' FROM (SELECT ticket_id FROM cx_data.ticket_event UNION ALL SELECT ticket_id FROM cx_data.ticket_task) AS e WHERE NOT EXISTS (SELECT FROM cx_data.ticket AS t WHERE t.ticket_id = e.ticket_id)
		UNION ALL SELECT 'an emergency without its task' FROM cx_data.ticket AS t WHERE t.emergency AND (SELECT count(*) FROM cx_data.ticket_task AS k WHERE k.ticket_id = t.ticket_id) <> 1
		UNION ALL SELECT 'two emergencies at a touchpoint' FROM cx_data.ticket WHERE emergency GROUP BY touchpoint_id HAVING count(*) > 1
		UNION ALL SELECT 'an alert without its message' FROM cx_data.alert AS a LEFT JOIN cx_data.outbox AS o USING (alert_id) GROUP BY a.alert_id HAVING count(o.outbox_id) <> 1
		UNION ALL SELECT 'a message without its alert' FROM cx_data.outbox AS o WHERE NOT EXISTS (SELECT FROM cx_data.alert AS a WHERE a.alert_id = o.alert_id)
		UNION ALL SELECT 'an alert without its row' FROM cx_data.alert JOIN cx_data.customer USING (customer_id) WHERE NOT EXISTS (SELECT FROM fault AS f WHERE f.who = code)
		UNION ALL SELECT 'an alert twice' FROM cx_data.alert GROUP BY alert_rule_id, customer_id HAVING count(*) > 1
		UNION ALL SELECT 'what was wrong: ' || message FROM cx_data.alert_error
		LIMIT 10
	}), '', "alerts and tickets belong together $when");
	return;
}

# Whether each row that was committed has its ticket once maintenance has run.
sub every_row_has_its_ticket
{
	my ($when) = @_;

	nothing_is_orphaned($when);
	is($node->safe_psql('postgres', 'CALL cx.maintain(); SELECT count(*) FROM cx_data.alert_match'), '0', "nothing is left to maintenance $when");
	nothing_is_orphaned("$when and maintenance");
	is($node->safe_psql('postgres', q{
		SELECT count(*) FROM fault AS f WHERE NOT EXISTS (SELECT FROM cx_data.customer AS c JOIN cx_data.alert AS a USING (customer_id) JOIN cx_data.ticket AS t ON t.ticket_id = a.ticket_id
			WHERE c.code = f.who AND t.emergency = (f.place IS NOT NULL) AND (t.emergency OR t.customer_id = c.customer_id))
	}), '0', "every row has its ticket $when");
	is($node->safe_psql('postgres', q{SELECT count(*) FROM fault WHERE who ~ 'lost'}), '0', "nothing of what was cut off is there $when");
	return;
}

# Start four writers that go on until they are cut off.
sub start_writers
{
	my %writers = (out => '', err => '');
	my $file = abs_path($node->basedir) . '/write';

	unlink $file;
	append_to_file($file, q{
		\set place random(1, 5)
		BEGIN;
		INSERT INTO fault (who) SELECT format('%s-%s', pg_current_xact_id(), i) FROM generate_series(1, 10) AS i;
		INSERT INTO fault (who, place) VALUES (format('%s-out', pg_current_xact_id()), 'place' || :place);
		END;
	});
	$writers{run} = start([ 'pgbench', '-n', '-h', $node->host, '-p', $node->port, '-c', 4, '-j', 2, '-t', 1000000, '-f', $file, 'postgres' ], '>', \$writers{out}, '2>', \$writers{err});
	return \%writers;
}

# Start one that is to be killed, and give its process once it is where the query says; it writes many rows at once.
sub victim
{
	my ($writing, $is_there) = @_;
	my %victim = (out => '', err => '');

	$victim{run} = start([ 'psql', '-XAtq', '-d', $node->connstr('postgres') . ' application_name=victim', '-c', $writing ], '>', \$victim{out}, '2>', \$victim{err});
	for (1 .. 1200)
	{
		my $pid = $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE application_name = 'victim' AND $is_there");
		return ($pid, \%victim) if $pid;
		sleep 0.05;
	}
	die "the victim does not come there: $victim{err}";
}

my %killed = (
	# in the middle of it once it has locked the table of tickets
	'a bulk INSERT' => [ q{INSERT INTO fault (who) SELECT 'lost ' || i FROM generate_series(1, 50000) AS i},
		q{EXISTS (SELECT FROM pg_locks AS l WHERE l.pid = pg_stat_activity.pid AND l.relation = 'cx_data.ticket'::regclass AND l.mode = 'RowExclusiveLock')} ],
	'a transaction' => [ q{BEGIN; INSERT INTO fault (who) SELECT 'lost ' || i FROM generate_series(1, 5000) AS i; INSERT INTO fault (who, place) VALUES ('lost too', 'place1'); SELECT pg_sleep(600)}, q{wait_event = 'PgSleep'} ],
);
foreach my $what (sort keys %killed)
{
	foreach my $way ('termination', 'killing', 'crash')
	{
		my $writers = start_writers();
		my $written = $node->safe_psql('postgres', 'SELECT coalesce(max(id), 0) FROM fault');
		$node->poll_query_until('postgres', "SELECT max(id) > $written + 100 FROM fault") or die 'the writers do not write';
		my ($pid, $victim) = victim(@{ $killed{$what} });

		if ($way eq 'termination')
		{
			is($node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)"), 't', "$what is terminated");
			ok(!finish($victim->{run}), 'which cuts it off');
			# the others go on
			my $now = $node->safe_psql('postgres', 'SELECT max(id) FROM fault');
			$node->poll_query_until('postgres', "SELECT max(id) > $now + 100 FROM fault") or die 'the writers stopped';
			$writers->{run}->signal('TERM');
			finish($writers->{run});
			unlike($writers->{err}, qr/ERROR|deadlock/, 'and nobody else');
			$node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = 'pgbench'}) or die 'the writers are still there';
		}
		else
		{
			if ($way eq 'killing')
			{
				kill 'KILL', $pid or die "cannot kill $pid: $!";
			}
			else
			{
				$node->stop('immediate');
				$node->start;
			}
			ok(!finish($victim->{run}), "the $way cuts $what off");
			ok(!finish($writers->{run}), 'and so were the others');
			$node->poll_query_until('postgres', 'SELECT true') or die 'the server does not come back';
		}
		every_row_has_its_ticket("after the $way of $what");
	}
}
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM cx_data.ticket'), '>', 500, 'there are tickets');
is($node->safe_psql('postgres', 'SELECT count(*) FROM cx_data.ticket WHERE emergency'), $node->safe_psql('postgres', 'SELECT count(DISTINCT place) FROM fault'), 'each emergency is one ticket');
like(slurp_file($node->logfile), qr/automatic recovery in progress.*terminated by signal 9: Killed.*automatic recovery in progress/s, 'the server had to recover');

$node->stop;
done_testing();
