# Every view as BI tools get it, through psqlODBC and JDBC, in several time zones: what is listed, types, comments, values.
use strict;
use warnings FATAL => 'all';
use Time::Local qw(timegm);
use lib 'test/perl';
use CxTest;
use PostgreSQL::Test::Utils;
use Test::More;

# Debian's Python is the one that its pyodbc is built for.
my ($python, $jar) = ('/usr/bin/python3', '/usr/share/java/postgresql.jar');
my ($driver) = glob '/usr/lib/*/odbc/psqlodbcw.so';
my @missing = (
	$driver ? () : 'psqlODBC',
	system("$python -c 'import pyodbc' 2>/dev/null") == 0 ? () : 'pyodbc',
	-e $jar ? () : 'the JDBC driver',
	system('javac -version >/dev/null 2>&1') == 0 ? () : 'a Java compiler');
if (@missing)
{
	my $reason = 'tools/setup --tests installs what is missing: ' . join(', ', @missing);
	BAIL_OUT($reason) if $ENV{CX_REQUIRE_SHARED};
	plan skip_all => $reason;
}

# The clients connect by TCP, and so with a password.
my $password = join '', map { ('a' .. 'z', 0 .. 9)[ rand 36 ] } 1 .. 24;
my $hba = PostgreSQL::Test::Utils::tempdir() . '/hba';
append_to_file($hba, "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n");
my $node = start_server('bi_clients', "jit = off\nlisten_addresses = '127.0.0.1'\nhba_file = '$hba'\n");
$node->safe_psql('postgres', q{CREATE DATABASE bi TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'});

# A program with something in every view: two time zones, clocks that go back in St. John's on the
# 1st of November, text that is hard to pass on, numbers of many digits, and NULL.
$node->safe_psql('bi', q{
	CREATE EXTENSION cx;
	CALL cx.create_program('Europe/Berlin');
	ALTER DATABASE bi SET cx.as_of = '2026-11-03 10:00+00';
	INSERT INTO cx_data.org_unit (parent_id, code, name, time_zone) VALUES (NULL, 'group', 'Group', NULL), (1, 'delhi', 'Delhi / दिल्ली', 'Asia/Kolkata'), (1, 'west', NULL, NULL);
	INSERT INTO cx_data.staff (code, name, org_unit_id) VALUES ('ann', 'Ann', 1);
	INSERT INTO cx_data.customer (code, name, segment, org_unit_id, first_seen_at) VALUES
		('zoe', E'Zoë "Ö" \\\\N, O''Neill\t☕\n张伟', 'family', 2, '1969-12-31 23:59:59.999999+00'), ('bob', NULL, NULL, NULL, '2026-02-01'), ('long', repeat('long ', 3000), '', 1, '2026-02-01');
	INSERT INTO cx_data.tag (code) VALUES ('vip');
	INSERT INTO cx_data.customer_tag (customer_id, tag_id, valid_from) VALUES (1, 1, '2026-01-01');
	INSERT INTO cx_data.journey (code, name, owner_staff_id) VALUES ('care', 'Care', 1);
	INSERT INTO cx_data.stage (journey_id, code, name, position, weight) VALUES (1, 'ask', 'Ask', 1, 0.1), (1, 'pay', NULL, 2, 1e-5), (1, 'wait', 'Wait', 3, 1);
	INSERT INTO cx_data.touchpoint (stage_id, code, name, position, weight, channel, moment_of_truth, owner_staff_id) VALUES
		(1, 'shop', 'Shop', 1, 1, 'shop', true, 1), (1, 'app', 'App', 2, 0.3, 'app', false, NULL), (2, 'bill', 'Bill', 1, 1, NULL, false, 1), (NULL, 'fair', NULL, 1, 1, NULL, false, NULL);
	SELECT cx.publish_journey('care', '2026-01-01');

	CREATE TABLE answer (id integer PRIMARY KEY, who text, place text, question text, score integer, unit text, at timestamptz);
	INSERT INTO answer
	SELECT i, (ARRAY['zoe', 'bob', 'long', NULL])[1 + i % 4], (ARRAY['shop', 'app', 'bill', NULL])[1 + i / 4 % 4], CASE WHEN i / 4 % 4 = 2 THEN 'csat' ELSE 'nps' END,
		CASE WHEN i / 4 % 4 = 2 THEN 1 + i * i % 5 ELSE (i * i + i / 300 * i) % 11 END, (ARRAY['delhi', 'west', NULL])[1 + i % 3], timestamptz '2026-09-04 00:15:00.250001+00' + i * interval '2 hours 7 minutes'
	FROM generate_series(1, 680) AS i;
	INSERT INTO answer VALUES (1001, 'zoe', 'shop', 'nps', 10, 'delhi', '2026-11-01 03:45+00'), (1002, 'zoe', 'shop', 'nps', 9, 'delhi', '2026-11-01 04:45+00');
	CREATE TABLE visit (id integer PRIMARY KEY, who text, at timestamptz);
	INSERT INTO visit VALUES (1, 'zoe', '2026-10-25 00:30+00'), (2, 'zoe', '2026-10-25 01:30+00');
	SELECT cx.attach_feedback('answers', 'answer', key => 'id', customer => 'who', touchpoint => 'place', metric => 'question', score => 'score', responded_at => 'at', org_unit => 'unit');
	SELECT cx.attach_event('visits', 'visit', key => 'id', customer => 'who', touchpoint => $$'shop'$$, name => $$'visit'$$, occurred_at => 'at');
	CALL cx.maintain();
	UPDATE answer SET score = 11 - score WHERE id % 7 = 0 AND score > 5 AND question = 'nps';
	INSERT INTO cx_data.feedback (kind, customer_id, responded_at) VALUES ('complaint', 1, '2026-11-02 23:59:59.999999+00');
	INSERT INTO cx_data.survey (code) VALUES ('relation');
	INSERT INTO cx_data.channel (code, format) VALUES ('ops', 'slack');
	SELECT cx.create_alert('low', 'cx_data.feedback', 'score < 1', message => E'{customer.name}\\\\t"Ä"', route => 'channel:ops'), cx.create_alert('odd', 'visit', '1 / (id - 3) > 0');
	INSERT INTO cx_data.feedback (customer_id, touchpoint_id, org_unit_id, staff_id, metric, score, responded_at) VALUES (1, 1, 2, 1, 'nps', 0, '2026-11-02 23:59:59.999999+00'), (NULL, NULL, NULL, NULL, 'nps', 0, '2026-11-02 23:59:59.999999+00');
	INSERT INTO visit VALUES (3, 'zoe', '2026-10-25 01:30+00');
	SELECT cx.outbox_ack(ids, 'w') FROM cx.outbox_claim(1, worker => 'w');
	INSERT INTO cx_data.invitation (survey_id, customer_id, channel, status, invited_at, sent_at, answered_at, expires_at) VALUES
		(1, 1, 'sms', 'answered', '2026-10-01', '2026-10-02', '2026-10-03', '2026-11-01'), (1, 2, 'sms', 'sent', '2026-10-01', '2026-10-02', NULL, '2026-12-01'),
		(1, 3, NULL, 'queued', '2026-10-01', NULL, NULL, '2026-12-01');
	INSERT INTO cx_data.touchpoint_unit (touchpoint_id, org_unit_id) VALUES (1, 3);
	INSERT INTO cx_data.risk_history (customer_id, risk, reasons, scored_at) VALUES (1, 0.1, '{}', '2026-09-20'), (1, 0.4, ARRAY[E'\\\\t"Ö"', 'b'], '2026-11-01');
	SELECT cx.create_alert('fire', 'visit', 'id = 4', severity => 'critical', touchpoint => $$'shop'$$, message => E'fire\\\\t"Ä"', opens_ticket => true);
	INSERT INTO visit VALUES (4, 'zoe', '2026-10-25 01:30+00');
	SELECT cx.open_ticket(E'no\\\\t"Ö" ☕', customer => 'zoe', touchpoint => 'shop', org_unit => 'delhi', staff => 'ann', at => '2026-09-01 10:00+00'), cx.open_ticket('late', at => '2026-09-01 10:00+00');
	SELECT cx.move_ticket(ticket_id, 'solved', root_cause => 'process', action_taken => 'x', at => '2026-09-03 10:00:00.1+00') FROM cx_data.ticket WHERE customer_id = 1 AND NOT emergency;
	SELECT cx.close_the_loop(ticket_id, 5, at => '2026-09-04 10:00+00') FROM cx_data.ticket WHERE solved_at IS NOT NULL;
});

# bi_reader may read all but comments and identities, and one of the attached tables; bi_guest one view with what it stands on.
$node->safe_psql('bi', qq{
	CREATE ROLE bi_reader LOGIN PASSWORD '$password';
	CREATE ROLE bi_guest LOGIN PASSWORD '$password';
	GRANT USAGE ON SCHEMA cx_data TO bi_reader, bi_guest;
	GRANT SELECT ON ALL TABLES IN SCHEMA cx_data TO bi_reader;
	REVOKE SELECT ON cx_data.feedback, cx_data.customer_identity FROM bi_reader;
	GRANT SELECT (feedback_id, kind, customer_id, touchpoint_id, metric, score, channel, org_unit_id, staff_id, responded_at, source_id, source_key) ON cx_data.feedback TO bi_reader;
	GRANT SELECT ON answer TO bi_reader;
	GRANT SELECT ON cx_data.touchpoint_score, cx_data.tally_recent, cx_data.touchpoint, cx_data.metric, cx_data.org_unit, cx_data.program, cx_data.tally_daily, cx_data.tally_delta TO bi_guest;
});

# The rows of a query, each a list of fields, escaped as COPY does.
sub rows_of_query
{
	my ($query, $user) = @_;
	my $rows = '';

	$node->psql('bi', "SET timezone = 'UTC'; COPY ($query) TO STDOUT", stdout => \$rows, extra_params => [ '-U', $user // 'postgres' ], on_error_die => 1);
	return map { [ split /\t/, $_, -1 ] } split /\n/, $rows;
}

# The catalogue: views with their comments, and of each the columns.
my %view_comment = map { @$_ } rows_of_query(q{SELECT relname, obj_description(oid, 'pg_class') FROM pg_class WHERE relnamespace = 'cx_data'::regnamespace AND relkind = 'v'});
my @views = sort keys %view_comment;
my %columns;
foreach (rows_of_query(q{
	SELECT relname, attname, format_type(atttypid, atttypmod), col_description(attrelid, attnum),
		quote_ident(relname) || quote_ident(attname) ~ '^[a-z][a-z0-9_]*$' AND octet_length(attname) < 64
	FROM pg_attribute JOIN pg_class AS c ON c.oid = attrelid
	WHERE relnamespace = 'cx_data'::regnamespace AND relkind = 'v' AND attnum > 0 ORDER BY relname, attnum}))
{
	my ($view, %column);
	($view, @column{qw(name type comment plain)}) = @$_;
	push @{ $columns{$view} }, \%column;
}

# The rows that psql gets from a view in UTC, with times as the clocks of a zone show them.
sub rows_of_view
{
	my ($view, $zone, $where) = @_;
	my $fields = join ', ', map { qq{"$_->{name}"} . ($_->{type} eq 'timestamp with time zone' ? " AT TIME ZONE '$zone'" : '') } @{ $columns{$view} };
	my $order = join ', ', 1 .. @{ $columns{$view} };

	return [ rows_of_query("SELECT $fields FROM (SELECT * FROM cx_data.\"$view\" $where ORDER BY $order) AS v", 'bi_reader') ];
}

# What columns may be declared as, by their type in the catalogue.  A tally, which only the views of
# that name have, is text to ODBC, and to JDBC an object that reads as text.
my %declared = (
	ODBC => { 'bigint' => 'BIGINT', 'integer' => 'INTEGER', 'double precision' => 'FLOAT|DOUBLE', 'text' => 'W?(LONG)?VARCHAR', 'boolean' => 'BIT',
		'date' => 'DATE', 'timestamp with time zone' => 'TIMESTAMP', 'cx.tally' => 'W?VARCHAR' },
	JDBC => { 'bigint' => 'BIGINT', 'integer' => 'INTEGER', 'double precision' => 'DOUBLE', 'text' => 'VARCHAR', 'boolean' => 'BIT|BOOLEAN',
		'date' => 'DATE', 'timestamp with time zone' => 'TIMESTAMP(_WITH_TIMEZONE)?', 'cx.tally' => 'OTHER' });
# and what they are in results, of which pyodbc tells the types that Python has
my %delivered = (
	ODBC => { 'bigint' => 'int', 'integer' => 'int', 'double precision' => 'float', 'text' => 'str', 'boolean' => 'bool', 'date' => 'date',
		'timestamp with time zone' => 'datetime', 'cx.tally' => 'str' },
	JDBC => $declared{JDBC});
my %program = (
	ODBC => [ $python, 'test/clients/odbc.py' ],
	JDBC => [ 'java', '-XX:TieredStopAtLevel=1', '-cp', $jar, 'test/clients/Jdbc.java' ]);

# What rows are read with parameters: from a day on, of a touchpoint; and from a time on.
my @parameters = ('2026-10-20', 'shop', timegm(0, 30, 21, 30, 9, 2026));
my %chosen = (
	touchpoint_daily => "WHERE day >= '$parameters[0]' AND touchpoint = '$parameters[1]'",
	feedback_detail => "WHERE responded_at >= to_timestamp($parameters[2])");

# Run a client; gives the fields of the lines that it prints, by what they begin with.
sub run_client
{
	my ($client, $user, $zone, $settings) = @_;
	my ($out, $err, %said) = ('', '');
	local %ENV = (%ENV, PGHOST => '127.0.0.1', PGPORT => $node->port, PGDATABASE => 'bi', PGUSER => $user, PGPASSWORD => $password,
		TZ => $zone, PGTZ => $zone, CX_ODBC => "DRIVER=$driver;$settings", ODBCSYSINI => $node->basedir, ODBCINI => $node->basedir . '/odbc.ini');

	my $status = run_log([ @{ $program{$client} }, @parameters ], '>', \$out, '2>', \$err);
	ok($status && $err eq '', "$client runs as $user in $zone") or diag($err);
	foreach (split /\n/, $out)
	{
		my ($what, @fields) = split /\t/, $_, -1;
		push @{ $said{$what} }, \@fields;
	}
	return \%said;
}

# Columns and the types they arrived with, one in a line, where a type that goes with the one of
# the catalogue is called that.
sub columns_said
{
	my ($types, @arrived) = @_;
	my @lines;

	foreach (@arrived)
	{
		my ($view, $name, $type, $comment) = @$_;
		my ($expected) = map { $_->{type} } grep { $_->{name} eq $name } @{ $columns{$view} };
		$type = $expected if exists $types->{ $expected // '' } && $type =~ /^($types->{$expected})$/ && ($expected ne 'cx.tally' || $view =~ /^tally_/);
		push @lines, join ' ', grep { defined } "$view.$name", $type, $comment;
	}
	return join "\n", @lines;
}

# The columns of the results of a pass, as columns_said takes them.
sub columns_of_results
{
	my ($said, $pass) = @_;

	return map { my (undef, $view, @result) = @$_; map { [ $view, split /:/ ] } @result } grep { $_->[0] eq $pass } @{ $said->{result} };
}

# The columns of all views as they are to arrive, one in a line, with comments or without.
sub columns_expected
{
	my ($with_comment) = @_;

	return join "\n", map { my $view = $_; map { join ' ', "$view.$_->{name}", $_->{type}, $with_comment ? $_->{comment} : () } @{ $columns{$view} } } @views;
}

# Whether a value is what it was before and after; numbers exactly.  A number may change in between,
# such as an age.
sub same_value
{
	my ($type, $got, $before, $after) = @_;

	return 1 if $got eq $before;
	return 0 if $type !~ /^(bigint|integer|double precision)$/ || "$got $before $after" =~ /[^-+.\de ]/i;
	return $before eq $after ? $got == $before : $before <= $got && $got <= $after;
}

# What differs between the rows of a view that a client printed in a pass and those of psql before
# and after; the first few.
sub differences
{
	my ($said, $pass, $view, $before, $after) = @_;
	my @got = map { [ @$_[ 2 .. $#$_ ] ] } grep { $_->[0] eq $pass && $_->[1] eq $view } @{ $said->{row} };
	my @columns = @{ $columns{$view} };
	my @different;

	return "$view: " . @got . ' rows instead of ' . @$before if @got != @$before;
	foreach my $row (0 .. $#got)
	{
		return "$view: " . @{ $got[$row] } . ' values in a row' if @{ $got[$row] } != @columns;
		push @different, map { "$view.$columns[$_]{name}: $got[$row][$_] instead of $before->[$row][$_]" }
		  grep { !same_value($columns[$_]{type}, $got[$row][$_], $before->[$row][$_], $after->[$row][$_]) } 0 .. $#columns;
	}
	splice @different, 5 if @different > 5;
	return @different;
}

# What must hold whatever the client is.
my %before;
foreach my $zone (qw(UTC Asia/Kolkata America/St_Johns))
{
	$before{$zone} = { map { $_ => rows_of_view($_, $zone, '') } @views };
}
is(join(' ', grep { !@{ $before{UTC}{$_} } } @views), '', 'there is a row in every view');
is(join(' ', map { my $view = $_; map { "$view.$_->{name}" } grep { $_->{plain} ne 't' } @{ $columns{$view} } } @views), '', 'no name needs quotes or is too long');
is(join(' ', grep { my $view = $_; grep { $_ eq '\N' } $view_comment{$view}, map { $_->{comment} } @{ $columns{$view} } } @views), '', 'each view and column has a comment');
foreach my $view (@views)
{
	my @finite = grep { $columns{$view}[$_]{type} ne 'text' } 0 .. $#{ $columns{$view} };
	is(join(' ', grep { /nan|infinity/i } map { @$_[@finite] } @{ $before{UTC}{$view} }), '', "numbers and times are finite in $view");
}

# A reader gets the same from all clients, wherever they are: from ODBC times by the clock of the
# session, from JDBC instants, and from JDBC only, comments.
foreach my $client (qw(ODBC JDBC))
{
	foreach my $zone (sort keys %before)
	{
		my $said = run_client($client, 'bi_reader', $zone, 'BoolsAsChar=0');
		my $clock = $client eq 'ODBC' ? $zone : 'UTC';
		my %after = map { $_ => rows_of_view($_, $clock, '') } @views;

		is(join(' ', map { "@$_" } @{ $said->{error} }), '', "$client in $zone: no errors");
		same_lines(join("\n", map { join ' ', @$_[ 0 .. ($client eq 'JDBC' ? 2 : 1) ] } @{ $said->{table} }),
			join("\n", map { "$_ VIEW" . ($client eq 'JDBC' ? " $view_comment{$_}" : '') } @views), "$client in $zone: the views are listed");
		same_lines(columns_said($declared{$client}, map { [ @$_[ 0 .. ($client eq 'JDBC' ? 3 : 2) ] ] } @{ $said->{column} }),
			columns_expected($client eq 'JDBC'), "$client in $zone: their columns have standard types");
		foreach my $pass ('limit 0', 'where 1=0', 'all', 'cursor', $client eq 'JDBC' ? 'prepared' : ())
		{
			same_lines(columns_said($delivered{$client}, columns_of_results($said, $pass)), columns_expected(0), "$client in $zone: so have the results of pass $pass");
		}
		foreach my $pass ('all', 'cursor')
		{
			is(join("\n", map { differences($said, $pass, $_, $before{$clock}{$_}, $after{$_}) } @views), '', "$client in $zone: pass $pass gives the rows of psql");
		}
		foreach my $view (sort keys %chosen)
		{
			my $expected = rows_of_view($view, $clock, $chosen{$view});
			ok(@$expected > 0 && @$expected < @{ $before{UTC}{$view} }, "some rows of $view are chosen");
			is(join("\n", differences($said, 'parameters', $view, $expected, $expected)), '', "$client in $zone: with parameters $view gives these");
		}
	}
}

# Who may read one view with what it stands on finds and reads these; and Boolean values come through
# psqlODBC as text, unless it is told otherwise.
foreach my $client (qw(ODBC JDBC))
{
	my $said = run_client($client, 'bi_guest', 'UTC', '');
	my ($significant) = grep { $columns{touchpoint_score}[$_]{name} eq 'significant' } 0 .. $#{ $columns{touchpoint_score} };
	my @readable = qw(tally_recent touchpoint_score);

	is(scalar(grep { my $view = $_; grep { $_->[0] eq $view } @{ $said->{table} } } @readable), 2, "$client lists what a guest may read");
	is(join(' ', map { $_->[1] } grep { $_->[0] eq 'all' } @{ $said->{result} }), "@readable", "$client: the guest reads it");
	is(join(' ', map { $_->[2] } grep { $_->[0] eq 'all' } @{ $said->{error} }), join(' ', map { '42501' } 3 .. @views), "$client: and nothing else");
	$_->[$significant + 2] =~ tr/01/ft/ foreach grep { $client eq 'ODBC' && $_->[1] eq 'touchpoint_score' } @{ $said->{row} };
	is(join("\n", map { differences($said, 'all', $_, $before{UTC}{$_}, $before{UTC}{$_}) } @readable), '', "$client: what he reads is what psql gives");
	like(join(' ', map { $_->[2] } grep { "@$_[0, 1]" eq 'touchpoint_score significant' } @{ $said->{column} }), $client eq 'ODBC' ? qr/^W?VARCHAR$/ : qr/^(BIT|BOOLEAN)$/, "$client: type of a Boolean column");
}

$node->stop;
done_testing();
