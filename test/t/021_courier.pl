# cx-courier delivers to real web and mail servers, which misbehave: what arrives, what is tried again, what is refused, and what the log keeps to itself.
use strict;
use warnings FATAL => 'all';
use Cwd qw(abs_path);
use Digest::SHA qw(hmac_sha256);
use IPC::Run qw(start finish run);
use JSON::PP qw(decode_json);
use MIME::Base64 qw(decode_base64 encode_base64);
use Time::HiRes qw(sleep);
use lib 'test/perl';
use CxTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($courier, $python) = (abs_path('src/courier') . '/cx-courier', '/usr/bin/python3');
my @missing = (
	-x $courier ? () : 'libcurl, without which cx-courier is not built',
	system("$python -c 'import aiosmtpd' 2>/dev/null") == 0 ? () : 'aiosmtpd',
	system('openssl version >/dev/null 2>&1') == 0 ? () : 'openssl');
if (@missing)
{
	my $reason = 'tools/setup --tests installs what is missing: ' . join(', ', @missing);
	BAIL_OUT($reason) if $ENV{CX_REQUIRE_SHARED};
	plan skip_all => $reason;
}
delete @ENV{grep { /^(CX_SMTP_|.*_proxy$)/i } keys %ENV};

# What must not turn up in a log.
my %secret = (key => 'c2VjcmV0LXNpZ25pbmcta2V5', query => 'query-of-robot', user => 'user-in-url', password => 'password-of-mail', words => 'words-of-customer', header => 'value-of-header');
my $logs = '';

my $node = start_server('courier', "autovacuum = off\n");
my $directory = abs_path($node->basedir);
my @programs;

# What was started ends with the test, however that ends.
END
{
	my $status = $?;
	$_->kill_kill(grace => 1) foreach @programs;
	$? = $status;
}

# Start one of our servers; gives its port.
sub start_receiver
{
	my ($script, @arguments) = @_;
	my ($out, $err) = ('', '');

	my $server = start([ $python, "test/clients/$script.py", @arguments ], '<', \'', '>', \$out, '2>', \$err);
	push @programs, $server;
	foreach (1 .. 200)
	{
		$server->pump_nb;
		last if $out =~ /\n/;
		sleep 0.05;
	}
	$out =~ /^(\d+)\n/ or BAIL_OUT("$script does not start: $err");
	return $1;
}

# What a server wrote down: a list of hashes.
sub received
{
	my ($file) = @_;

	return -e "$directory/$file" ? map { decode_json($_) } split /\n/, slurp_file("$directory/$file") : ();
}

# The requests for a path.
sub requests_for
{
	my ($path) = @_;

	return grep { $_->{path} =~ /^\Q$path\E(\?|$)/ } received('web');
}

# Query the database.
sub ask
{
	my ($query) = @_;

	return $node->safe_psql('postgres', $query);
}

# Run the program until nothing is due; gives its status and log.
sub deliver
{
	my ($variables, @options) = @_;
	my ($out, $err) = ('', '');
	local %ENV = (%ENV, %$variables);

	run([ $courier, '--once', @options, $node->connstr('postgres') ], '<', \'', '>', \$out, '2>', \$err);
	$logs .= $err;
	return ($? >> 8, $out . $err);
}

# Start the program, to go on until it is stopped.
sub start_courier
{
	my (@options) = @_;
	my %courier = (log => '');

	$courier{run} = start([ $courier, @options, $node->connstr('postgres') ], '<', \'', '>', \my $out, '2>', \$courier{log});
	push @programs, $courier{run};
	return \%courier;
}

# Wait until the log of a program that was started says something.
sub wait_for_log
{
	my ($courier, $pattern) = @_;

	foreach (1 .. 400)
	{
		$courier->{run}->pump_nb;
		return 1 if $courier->{log} =~ $pattern;
		sleep 0.05;
	}
	return 0;
}

# Send a signal to a program that was started, and wait for its end; gives its exit status.
sub stop_courier
{
	my ($courier, @signals) = @_;

	foreach (@signals)
	{
		$courier->{run}->signal($_);
		wait_for_log($courier, qr/stopping/);
	}
	finish($courier->{run});
	$logs .= $courier->{log};
	return $courier->{run}->full_result >> 8;
}

# Have an alert, of a customer of its own, that is told on a route: a rule raises it for a bad answer.
my $alarms = 0;
sub raise_alarm
{
	my ($route, $times, $unit) = @_;

	$alarms++;
	$times //= 1;
	$unit //= 'NULL';
	ask(qq{
		SELECT cx.create_alert('alarm $alarms', 'cx_data.feedback', 'score <= 6', message => 'Größe $secret{words} {comment}, 100 %', route => '$route');
		INSERT INTO cx_data.customer (code, first_seen_at) SELECT 'c$alarms.' || i, now() FROM generate_series(1, $times) AS i;
		INSERT INTO cx_data.feedback (customer_id, org_unit_id, responded_at, metric, score, comment)
		SELECT customer_id, $unit, now(), 'nps', 3, E'said "so"\\n张伟' FROM cx_data.customer WHERE code LIKE 'c$alarms.%' ORDER BY 1;
		SELECT cx.drop_alert('alarm $alarms');
	});
	return;
}

# Make a channel; gives its code.
my $web_port;
sub make_channel
{
	my ($code, $format, $url, $rate_limit) = @_;

	$url = $url =~ m{^/} ? "'http://127.0.0.1:$web_port$url'" : $url eq '' ? 'NULL' : "'$url'";
	ask("INSERT INTO cx_data.channel (code, format, url, signing_key, rate_limit) VALUES ('$code', '$format', $url, 'whsec_$secret{key}', " . ($rate_limit // 'NULL') . ')');
	return $code;
}

# What became of the last message on a channel: delivered, or why not.
sub outcome
{
	my ($channel) = @_;

	return ask("SELECT CASE WHEN delivered_at IS NOT NULL THEN 'delivered' WHEN leased_until IS NOT NULL THEN 'leased' ELSE last_error END
		FROM cx_data.outbox JOIN cx_data.channel USING (channel_id) WHERE code = '$channel' ORDER BY outbox_id DESC LIMIT 1");
}

# Have whatever waits be due at once.
sub hasten
{
	ask('UPDATE cx_data.outbox SET available_at = now() WHERE delivered_at IS NULL AND dead_at IS NULL');
	return;
}

# Give up what still waits, so that it is in nobody's way.
sub clear_outbox
{
	ask('UPDATE cx_data.outbox SET dead_at = now() WHERE delivered_at IS NULL AND dead_at IS NULL');
	return;
}

# The command line and the environment.
my ($out, $err);
ok(run([ $courier, '--version' ], '>', \$out), 'the version is told');
like($out, qr/^cx-courier \d+\.\d+\n$/, 'which is that');
ok(run([ $courier, '--help' ], '>', \$out), 'help is given');
like($out, qr/--allow-private.*CX_SMTP_URL_FILE/s, 'with options and variables');
foreach (
	[ 'an unknown option', {}, [ '--frobnicate' ], qr/unknown option "--frobnicate"\n.*Try cx-courier --help\./ ],
	[ 'an option of a letter', {}, [ '-xy' ], qr/unknown option "-x"/ ],
	[ 'an option without its value', {}, [ '--timeout' ], qr/there is no value for option "--timeout"/ ],
	[ 'a number that is none', {}, [ '--poll=5s' ], qr/value "5s" of option --poll is not a number in 1\.\.3600/ ],
	[ 'a number outside its range', {}, [ '--parallel=0' ], qr/value "0" of option --parallel is not a number in 1\.\.100/ ],
	[ 'a file that is not there', {}, [ '--ca-file=/nonexistent/file' ], qr{cannot read file "/nonexistent/file"} ],
	[ 'two connections', {}, [ 'dbname=a', 'dbname=b' ], qr/there is more than one connection/ ],
	[ 'a connection string that is none', {}, [ "dbname='$secret{password}" ], qr/the connection string is not understood/ ],
	[ 'a password in the connection string', {}, [ "dbname=a password=$secret{password}" ], qr/the connection string holds a password/ ],
	[ 'a password in the URI of the connection', {}, [ "postgresql://a:$secret{password}\@localhost/a" ], qr/the connection string holds a password/ ],
	[ 'a password for the proxy', {}, [ "--proxy=http://a:$secret{password}\@localhost:3128" ], qr/the URL of the proxy holds a user/ ],
	[ 'a mail server without a sender', { CX_SMTP_URL => 'smtp://localhost' }, [], qr/CX_SMTP_FROM is not set/ ],
	[ 'a mail server that is none', { CX_SMTP_URL => "http://a:$secret{password}\@localhost" }, [], qr/CX_SMTP_URL is not the URL of a mail server/ ],
	[ 'a sender that is none', { CX_SMTP_URL => 'smtp://localhost', CX_SMTP_FROM => "cx\@example.org\nBcc: all\@example.org" }, [], qr/CX_SMTP_FROM is not an address/ ],
	[ 'encryption that is not understood', { CX_SMTP_TLS => 'yes' }, [], qr/CX_SMTP_TLS is not understood/ ],
	[ 'a file for the mail server that is not there', { CX_SMTP_URL_FILE => '/nonexistent/file' }, [], qr/CX_SMTP_URL_FILE names a file that cannot be read/ ])
{
	my ($what, $variables, $arguments, $pattern) = @$_;
	local %ENV = (%ENV, %$variables);

	run([ $courier, @$arguments ], '<', \'', '>', \$out, '2>', \$err);
	is($? >> 8, 2, "$what is an error of use");
	like($err, $pattern, 'and says so');
	$logs .= $err;
}
run([ $courier, '--once', 'host=/nonexistent' ], '<', \'', '>', \$out, '2>', \$err);
is($? >> 8, 1, 'no database: exit status 1');
like($err, qr/^cx-courier: cannot connect to the database: [^\n]+\n$/, 'and one line');
my ($status, $log) = deliver({});
is($status, 1, 'no program: exit status 1');
like($log, qr/cannot claim messages: /, 'and why');

# A program, servers and channels; one receiver for each way to misbehave.
ask(q{CALL cx.create_program('UTC')});
$web_port = start_receiver('webhook_server', "$directory/web");
my $mail_port = start_receiver('mail_server', "$directory/mail");
my %mail = (CX_SMTP_URL => "smtp://127.0.0.1:$mail_port", CX_SMTP_FROM => 'Customer Care <cx@example.org>');
($status, $log) = deliver({});
is($status, 0, 'nothing is due: exit status 0');
unlike($log, qr/delivered/, 'and nothing is delivered');

make_channel('fine', 'webhook', '/ok');
make_channel('slow', 'webhook', '/slow/5');
make_channel('failing', 'webhook', '/500');
make_channel('busy', 'webhook', '/429');
make_channel('reset', 'webhook', '/reset');
make_channel('moved', 'webhook', '/redirect');
make_channel('huge', 'webhook', '/huge');
make_channel('garbage', 'webhook', '/garbage');
make_channel('bytes', 'wecom', '/bytes');
make_channel('odd', 'wecom', '/odd');
make_channel('again', 'webhook', '/again');
make_channel('robot', 'wecom', "/robot?key=$secret{query}");
make_channel('dingtalk', 'dingtalk', "/ok/dingtalk?access_token=$secret{query}");
make_channel('closed', 'webhook', "http://$secret{user}:$secret{password}\@127.0.0.1:1/");
make_channel('ftp', 'webhook', 'ftp://127.0.0.1/');
make_channel('file', 'webhook', 'file:///etc/passwd');
make_channel('email', 'email', '');
my @channels = qw(fine slow failing busy reset moved huge garbage bytes odd again robot dingtalk closed ftp file);

# Receivers that misbehave, and a proxy in the environment that would swallow everything.
raise_alarm(join ',', map { "channel:$_" } @channels);
($status, $log) = deliver({ http_proxy => 'http://127.0.0.1:1', all_proxy => 'http://127.0.0.1:1' }, '--allow-private', '--timeout=3', '--verbose');
is($status, 0, 'what failed is tried again another time: exit status 0');
my %expected = (
	fine => qr/^delivered$/, dingtalk => qr/^delivered$/, slow => qr/timed out/i, failing => qr/^status 500$/, busy => qr/^status 429$/, reset => qr/reset/i,
	moved => qr/^status 302$/, huge => qr/^the answer is longer than 64 kB$/, garbage => qr/./, bytes => qr/^the answer is not JSON$/, again => qr/^status 500$/,
	robot => qr/^refused: .*45009/, odd => qr/^refused: /, closed => qr/connect/i, ftp => qr/^address is not understood$/, file => qr/^address is not understood$/);
like(outcome($_), $expected{$_}, "what became of it: $_") foreach @channels;
is(scalar(requests_for('/target')), 0, 'a redirect is not followed');
is(scalar(requests_for('/slow/5')), 1, 'one attempt at a time');
is(ask(q{SELECT bool_and(CASE code WHEN 'busy' THEN available_at - claimed_at BETWEEN '100 s' AND '103 s' ELSE available_at - claimed_at < '35 s' END)
	FROM cx_data.outbox JOIN cx_data.channel USING (channel_id) WHERE delivered_at IS NULL}), 't', 'Retry-After is obeyed');
is(ask('SELECT count(*) FROM cx_data.outbox WHERE leased_until IS NOT NULL'), '0', 'nothing is left leased');
like($log, qr{^cx-courier: delivered: messages \{\d+\} of channel fine to http://127\.0\.0\.1, status 200, \d+\.\d+ seconds$}m, 'the log tells what was delivered');
like($log, qr{^cx-courier: not delivered: messages \{\d+\} of channel failing to http://127\.0\.0\.1, status 500, \d+\.\d+ seconds$}m, 'and what was not');

# A second attempt sends the same bytes.
hasten();
deliver({}, '--allow-private', '--timeout=3', '--quiet');
is(outcome($_), 'delivered', "at the second attempt it is delivered: $_") foreach qw(again robot);
my @again = requests_for('/again');
is(scalar(@again), 2, 'there were two requests');
is($again[1]{body}, $again[0]{body}, 'with the same body');
is($again[1]{headers}{'webhook-id'}, $again[0]{headers}{'webhook-id'}, 'and the same key');
my $body = decode_base64($again[0]{body});
is(decode_json($body)->{message}, "Gr\x{f6}\x{df}e $secret{words} said \"so\" \x{5f20}\x{4f1f}, 100 %", 'the text is what the rule made of the answer');
is(decode_json(decode_base64((requests_for('/robot'))[0]{body}))->{text}{content}, '[normal] ' . decode_json($body)->{message}, 'a robot gets it in its own form');
clear_outbox();

# The signature, computed by somebody else.
foreach (@again)
{
	my %headers = %{ $_->{headers} };
	my $signed = join '.', @headers{qw(webhook-id webhook-timestamp)}, decode_base64($_->{body});

	is($headers{'webhook-signature'}, 'v1,' . encode_base64(hmac_sha256($signed, decode_base64($secret{key})), ''), 'the signature is that of Standard Webhooks');
	cmp_ok(abs(time - $headers{'webhook-timestamp'}), '<', 60, 'of this minute');
	is($headers{'content-type'}, 'application/json', 'the body is JSON');
}

# A proxy that is asked for.
make_channel('far', 'webhook', 'http://receiver.invalid/ok');
raise_alarm('channel:far');
deliver({}, "--proxy=http://127.0.0.1:$web_port");
is(outcome('far'), 'delivered', 'through a proxy');
is(scalar(requests_for('http://receiver.invalid/ok')), 1, 'which gets the whole address');

# Private addresses, by whatever name.
make_channel('anywhere', 'webhook', '');
my @private = ("127.0.0.1:$web_port", "localhost:$web_port", "0x7f000001:$web_port", "2130706433:$web_port", "127.1:$web_port", "0.0.0.0:$web_port", '10.0.0.1', '172.31.255.255',
	'192.168.1.1', '100.64.0.1', '100.127.255.255', '169.254.169.254', '224.0.0.1', '255.255.255.255', "[::1]:$web_port", '[::]', "[::ffff:127.0.0.1]:$web_port", '[::ffff:8.8.8.8]', '[fd00::1]',
	'[fe80::1]', '[ff02::1]', '[64:ff9b::10.0.0.1]', '[2002:0a00:0001::1]');
my $requests = () = received('web');
ask(qq{INSERT INTO cx_data.outbox (route, channel_id, send_to, payload)
	SELECT 'staff:x', channel_id, 'http://' || host || '/ok', '{"message": "x"}' FROM cx_data.channel, unnest(string_to_array('@private', ' ')) AS host WHERE code = 'anywhere'});
($status, $log) = deliver({});
is(ask(q{SELECT string_agg(send_to || ': ' || coalesce(last_error, 'delivered'), E'\n') FROM cx_data.outbox JOIN cx_data.channel USING (channel_id)
	WHERE code = 'anywhere' AND last_error IS DISTINCT FROM 'address is private'}), '', 'private addresses are refused');
is(scalar(() = received('web')), $requests, 'and nobody got anything');
is(scalar(() = $log =~ /address is private/g), scalar(@private), 'the log says why');
clear_outbox();

# Certificates: one that nobody has signed, first not trusted, then trusted.
system_or_bail('openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost',
	'-days', '2', '-keyout', "$directory/key", '-out', "$directory/certificate");
my $tls_port = start_receiver('webhook_server', "$directory/web_tls", "$directory/certificate", "$directory/key");
make_channel('encrypted', 'webhook', "https://localhost:$tls_port/ok");
make_channel('wrong name', 'webhook', "https://127.0.0.1:$tls_port/ok");
raise_alarm('channel:encrypted,channel:wrong name');
deliver({}, '--allow-private');
like(outcome('encrypted'), qr/certificate/, 'a certificate that nobody has signed is refused');
is(scalar(() = received('web_tls')), 0, 'nothing was sent');
hasten();
deliver({}, '--allow-private', "--ca-file=$directory/certificate");
is(outcome('encrypted'), 'delivered', 'unless it is trusted');
isnt(outcome('wrong name'), 'delivered', 'and then for its name only');
is(scalar(() = received('web_tls')), 1, 'one request arrived');
clear_outbox();

# E-mail.
ask(q{
	INSERT INTO cx_data.org_unit (code, name) VALUES ('north', 'North');
	INSERT INTO cx_data.staff (code, name, contact) VALUES ('ann', 'Ann', 'ann@example.org'), ('bob', 'Bob', 'nobody@example.org'), ('eve', 'Eve', 'a@example.org,b@example.org');
	UPDATE cx_data.org_unit SET manager_id = 1;
});
raise_alarm('staff:ann');
deliver({});
is(outcome('email'), 'no mail server is configured', 'e-mail needs a server');
hasten();
($status, $log) = deliver(\%mail);
is(outcome('email'), 'delivered', 'then it is delivered, to a server at a private address too');
like($log, qr{of channel email to smtp://127\.0\.0\.1, status 200}, 'the log names the server');
my @mails = received('mail');
is(scalar(@mails), 1, 'one message has arrived');
is_deeply([ @{ $mails[0] }{qw(from to encrypted)} ], [ 'cx@example.org', ['ann@example.org'], JSON::PP::false ], 'from and to whom it is');
my ($head, $text) = split /\r\n\r\n/, decode_base64($mails[0]{message}), 2;
my %head = map { /^([^:]+): (.*)$/ } split /\r\n/, $head;
is($head{From}, 'Customer Care <cx@example.org>', 'From');
is($head{To}, 'ann@example.org', 'To');
like($head{Date}, qr/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) 20\d\d \d\d:\d\d:\d\d \+0000$/, 'Date');
like($head{'Message-ID'}, qr/^<\d+\.postgres\@cx>$/, 'Message-ID');
my ($subject) = $head{Subject} =~ /^=\?UTF-8\?B\?([^?]*)\?=$/;
is(decode_base64($subject), "[normal] Gr\xc3\xb6\xc3\x9fe $secret{words} said \"so\" \xe5\xbc\xa0\xe4\xbc\x9f", 'Subject, as far as it goes');
is($text =~ s/\r\n//gr =~ tr/\r\n//, 0, 'lines end as they must');
is(decode_base64($text), "[normal] Gr\xc3\xb6\xc3\x9fe $secret{words} said \"so\" \xe5\xbc\xa0\xe4\xbc\x9f, 100 %", 'and what it says');
raise_alarm('staff:bob');
deliver(\%mail);
like(outcome('email'), qr/550/, 'what the mail server refuses is told');
clear_outbox();
raise_alarm('staff:eve');
deliver(\%mail);
is(outcome('email'), 'address is not understood', 'two addresses are not one');
clear_outbox();
raise_alarm('staff:ann');
deliver({ %mail, CX_SMTP_TLS => 'require' });
isnt(outcome('email'), 'delivered', 'if encryption is required, nothing goes without it');
clear_outbox();

# A mail server that wants encryption, user and password, which are in a file.
my $mail_tls_port = start_receiver('mail_server', "$directory/mail_tls", "$directory/certificate", "$directory/key", $secret{password});
append_to_file("$directory/mail_url", "smtp://courier:$secret{password}\@localhost:$mail_tls_port\n");
my %mail_tls = (CX_SMTP_URL_FILE => "$directory/mail_url", CX_SMTP_FROM => 'cx@example.org');
raise_alarm('staff:ann');
deliver(\%mail_tls);
like(outcome('email'), qr/certificate/, 'its certificate is looked at');
hasten();
deliver(\%mail_tls, "--ca-file=$directory/certificate");
is(outcome('email'), 'delivered', 'and then it is delivered');
is_deeply([ map { $_->{encrypted} } received('mail_tls') ], [ JSON::PP::true ], 'encrypted');

# More than the channel takes in a minute goes together.
make_channel('limited', 'webhook', '/ok/limited', 2);
raise_alarm('channel:limited', 5);
deliver({}, '--allow-private');
my @limited = map { decode_json(decode_base64($_->{body})) } requests_for('/ok/limited');
is(join(' ', sort map { $_->{count} // 1 } @limited), '1 4', 'of five messages four go into one request');
is(ask(q{SELECT delivered FROM cx_data.outbox_stats WHERE channel = 'limited'}), '5', 'and all are delivered');
raise_alarm('channel:limited');
($status) = deliver({}, '--allow-private');
is("$status " . ask(q{SELECT waiting FROM cx_data.outbox_stats WHERE channel = 'limited'}), '0 1', 'one more waits for the next minute');
clear_outbox();

# A slow receiver holds up nobody else.
make_channel('slower', 'webhook', '/slow/1');
raise_alarm('channel:slower', 3);
raise_alarm('channel:fine');
deliver({}, '--allow-private', '--parallel=2');
is(ask(q{SELECT string_agg(code, ' ' ORDER BY delivered_at) FROM (
	SELECT code, delivered_at FROM cx_data.outbox JOIN cx_data.channel USING (channel_id) WHERE code IN ('slower', 'fine') ORDER BY outbox_id DESC LIMIT 4) AS last}),
	'fine slower slower slower', 'the others are delivered meanwhile');

# The rights that the program needs.
ask(q{
	CREATE ROLE courier LOGIN;
	GRANT USAGE ON SCHEMA cx_data TO courier;
	GRANT SELECT ON cx_data.program, cx_data.channel, cx_data.channel_format, cx_data.outbox TO courier;
	GRANT UPDATE (attempts, leased_by, leased_until, available_at, claimed_at, digest_id, delivered_at, dead_at, last_error) ON cx_data.outbox TO courier;
	GRANT UPDATE (created_at) ON cx_data.channel TO courier;
});
raise_alarm('channel:fine,channel:limited,channel:failing');
{
	local $ENV{PGUSER} = 'courier';
	deliver({}, '--allow-private');
}
is(join(' ', map { outcome($_) } qw(fine limited failing)), 'delivered  status 500', 'a role that may read channels and write to the outbox can deliver');

# At work: woken by a notification, through a restart of the server, and up to a signal.
ask(q{ALTER DATABASE postgres SET cx.notify = on});
{
	local %ENV = (%ENV, %mail);
	my $running = start_courier('--allow-private', '--listen', '--poll=3600');
	ok(wait_for_log($running, qr/connected to database postgres/), 'the program connects');
	is(ask(q{SELECT count(*) FROM pg_stat_activity WHERE application_name = 'cx-courier'}), '1', 'under its name');
	raise_alarm('manager:{org_unit}', 1, 1);
	ok($node->poll_query_until('postgres', q{SELECT delivered = 3 AND waiting + leased = 0 FROM cx_data.outbox_stats WHERE channel = 'email'}), 'a notification wakes it');
	cmp_ok(ask(q{SELECT extract(epoch FROM delivered_at - created_at) FROM cx_data.outbox WHERE route = 'manager:north'}), '<', 60, 'the manager knows within a minute of the answer');
	cmp_ok(ask(q{SELECT median_seconds FROM cx_data.outbox_stats WHERE channel = 'email'}), '<', 60, 'as the statistics say');
	is((received('mail'))[-1]{to}[0], 'ann@example.org', 'who is the manager');

	$node->restart;
	ok(wait_for_log($running, qr/lost.*connected to database postgres/s), 'after a restart of the server it connects again');
	raise_alarm('channel:fine');
	ok($node->poll_query_until('postgres', q{SELECT waiting + leased = 0 FROM cx_data.outbox_stats WHERE channel = 'fine'}), 'and delivers');

	make_channel('patient', 'webhook', '/slow/2/patient');
	raise_alarm('channel:patient');
	foreach (1 .. 200)
	{
		last if requests_for('/slow/2/patient');
		sleep 0.05;
	}
	is(outcome('patient'), 'leased', 'a request is being made');
	is(stop_courier($running, 'TERM'), 0, 'a signal ends it');
	is(outcome('patient'), 'delivered', 'after it has reported what it had at hand');
	unlike($running->{log}, qr/could not be reported/, 'all of it');
}

# What it has claimed but not begun when it has to end is given back, and was no attempt.
make_channel('crowd', 'webhook', '/slow/2/crowd');
raise_alarm('channel:crowd', 6);
my $leaving = start_courier('--allow-private', '--parallel=2', '--timeout=3');
foreach (1 .. 200)
{
	last if requests_for('/slow/2/crowd');
	sleep 0.05;
}
is(stop_courier($leaving, 'TERM'), 0, 'a signal ends it before all is done');
is(ask(q{SELECT count(*) FILTER (WHERE delivered_at IS NOT NULL) BETWEEN 1 AND 5, count(*) FILTER (WHERE attempts = 0) > 0, bool_and(leased_until IS NULL), bool_and(attempts = (delivered_at IS NOT NULL OR last_error IS NOT NULL)::integer)
	FROM cx_data.outbox JOIN cx_data.channel USING (channel_id) WHERE code = 'crowd'}), 't|t|t|t', 'what was not begun can be claimed again');
ask(q{UPDATE cx_data.outbox AS o SET dead_at = now() FROM cx_data.channel AS c WHERE c.channel_id = o.channel_id AND c.code = 'crowd' AND o.delivered_at IS NULL});

# A second signal does not wait.
make_channel('endless', 'webhook', '/slow/20');
raise_alarm('channel:endless');
my $impatient = start_courier('--allow-private', '--timeout=30');
foreach (1 .. 200)
{
	last if requests_for('/slow/20');
	sleep 0.05;
}
is(stop_courier($impatient, 'INT', 'TERM'), 1, 'a second signal ends it at once');
is(outcome('endless'), 'leased', 'what it had at hand is for others when the lease ends');
is(ask(q{SELECT cx.outbox_report(ARRAY[outbox_id], leased_by, NULL) FROM cx_data.outbox JOIN cx_data.channel USING (channel_id) WHERE code = 'endless'}) . ' ' . outcome('endless'),
	'f status unknown', 'a report that says nothing is not one of success');

# Rows as no program of ours writes them, and reports that cannot be made.
$node->safe_psql('postgres', 'CREATE DATABASE hostile');
$node->safe_psql('hostile', q{
	CREATE SCHEMA cx;
	CREATE TABLE row (place integer GENERATED ALWAYS AS IDENTITY, ids bigint[], channel text, format text, url text, headers text[], body text, attempts integer);
	CREATE TABLE report (ids bigint[], worker text, status integer, response text, error text, retry_after interval);
	CREATE FUNCTION cx.outbox_claim(integer, interval, text) RETURNS TABLE (ids bigint[], channel text, format text, url text, headers text[], body text, attempts integer) LANGUAGE sql
		AS 'WITH gone AS (DELETE FROM row RETURNING *) SELECT ids, channel, format, url, headers, body, attempts FROM gone ORDER BY place';
	CREATE FUNCTION cx.outbox_report(bigint[], text, integer, text, text, interval) RETURNS boolean LANGUAGE sql
		AS 'INSERT INTO report VALUES ($1, $2, $3, $4, $5, $6) RETURNING 1 / ($1[1] - 99) IS NOT NULL AND $5 IS NULL';
});
my $url = "http://127.0.0.1:$web_port/ok/hostile";
$node->safe_psql('hostile', qq{
	INSERT INTO row (ids, channel, url, headers, body) VALUES
		(NULL, NULL, NULL, NULL, NULL), ('{}', '', '', '{}', ''), ('{NULL}', 'c', '$url', '{}', 'x'),
		('{1}', NULL, NULL, NULL, NULL), ('{2,3}', 'c', '$url', NULL, NULL), ('{4}', 'c', '$url', '{{"X-A: 1"},{"X-B: 2"}}', 'x'), ('{5}', 'c', '$url', '{NULL,"X-Null: 1"}', 'x'),
		('{6}', 'c', '$url', ARRAY[E'X-A: $secret{header}\\r\\nX-Injected: 1'], 'x'), ('{7}', 'c', '$url', ARRAY[E'X-A: 1\\nX-Injected: 1'], 'x'), ('{8}', 'c', '$url', '{"no colon"}', 'x'),
		('{9}', 'c', '$url', '{": no name"}', 'x'), ('{10}', 'c', '$url', '{""}', 'x'), ('{11}', 'c', '$url', ARRAY['X-Huge: ' || repeat('$secret{header}', 1000000)], 'x'),
		('{12}', 'c', '$url', ARRAY(SELECT 'X-' || i || ': $secret{header}' FROM generate_series(1, 50) AS i), repeat('x', 5000000)),
		('{13}', E'new\\nline', 'http://[', '{}', 'x'), ('{14}', 'c', 'http://', '{}', 'x'), ('{15}', 'c', E'$url\\r\\nX-Injected: 1', '{}', 'x'), ('{16}', 'c', 'http://' || repeat('x', 100000), '{}', 'x'),
		('{17}', 'c', 'mailto:', '{}', 'x'), ('{18}', 'c', E'mailto:a\@example.org>\\r\\nRCPT TO:<b\@example.org', '{}', 'x'), ('{19}', 'c', 'mailto:-oQ\@example.org', '{}', 'x'),
		('{20}', 'c', 'mailto:ann\@example.org', ARRAY[E'To: a\\nBcc: b'], 'x'), ('{21}', 'c', 'mailto:ann\@example.org', NULL, E'.\\r\\nQUIT\\n.\\n..\\rx'),
		('{22}', 'c', 'http://127.0.0.1:$web_port/garbage', '{}', 'x'), ('{23}', 'c', 'http://127.0.0.1:$web_port/bytes', '{}', 'x'), ('{24}', 'c', 'javascript:alert(1)', '{}', 'x'),
		('{99}', 'c', '$url', '{}', 'x'), ('{25}', 'c', '$url', '{"X-Last: 1"}', 'x');
});
{
	my ($out, $err) = ('', '');
	local %ENV = (%ENV, %mail);
	run([ $courier, '--once', '--allow-private', $node->connstr('hostile') ], '<', \'', '>', \$out, '2>', \$err);
	is($?, 0, 'hostile rows do not stop it') or diag($err);
	$logs .= $err;
	is($node->safe_psql('hostile', q{SELECT string_agg(ids[1] || CASE WHEN status IS NULL THEN ' ' || error ELSE ' ' || status END, E'\n' ORDER BY ids) FROM report WHERE error IS NULL OR error ~ '^(head|address)'}),
		join("\n", '1 address is not understood', '2 200', '4 headers are not understood', '5 200', (map { "$_ header holds a line break" } 6, 7), (map { "$_ header is not understood" } 8, 9, 10), '12 200',
			(map { "$_ address is not understood" } 17 .. 19), '20 header holds a line break', '21 200', '23 200', '24 address is not understood', '25 200'), 'each is reported, for what it is');
	is($node->safe_psql('hostile', q{SELECT string_agg(ids[1]::text, ' ' ORDER BY ids) FROM report WHERE error IS NOT NULL AND error !~ '^(head|address)'}), '11 13 14 15 16 22', 'and some for what libcurl says');
	is($node->safe_psql('hostile', q{SELECT response FROM report WHERE ids = '{23}'}), '???', 'an answer that is not text is made one');
	is(scalar(() = $err =~ /a claimed row names no messages/g), 3, 'rows without messages are left out');
	like($err, qr/cannot report on messages: division by zero/, 'a report that fails is told');
	like($err, qr/channel new\?line/, 'and a name does not break the line');
	is(scalar(grep { exists $_->{headers}{'x-injected'} } received('web')), 0, 'no header was slipped in');
	is((split /\r\n\r\n/, decode_base64((received('mail'))[-1]{message}), 2)[1], ".\r\nQUIT\r\n.\r\n..\r\nx\r\n", 'nor a command to the mail server');
}

# Nothing secret in all that was logged.
unlike($logs, qr/\Q$secret{$_}\E/, "no log holds the secret: $_") foreach sort keys %secret;
unlike($logs, qr{/ok|/slow|(ann|nobody)@|webhook-|X-}, 'nor a path, an address of a person or a header');

$node->stop;
done_testing();
