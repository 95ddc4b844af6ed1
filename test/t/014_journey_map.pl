# Journey maps in databases of other encodings, bytes that are no text included; and a map that is drawn while its reader gives up.
use strict;
use warnings FATAL => 'all';
use lib 'test/perl';
use CxTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('journey_map', 'jit = off');

# A database of an encoding, and the map of a journey with this name, an SQL expression.
sub map_in
{
	my ($encoding, $name) = @_;
	my $database = lc "map_$encoding";

	$node->safe_psql('postgres', "CREATE DATABASE $database ENCODING $encoding LOCALE 'C' TEMPLATE template0");
	$node->safe_psql($database, qq{
		SET client_encoding = $encoding;
		SET client_min_messages = warning;
		CREATE EXTENSION cx;
		CALL cx.create_program('Europe/Berlin');
		INSERT INTO cx_data.journey (code, name) VALUES ('use', $name);
		INSERT INTO cx_data.stage (journey_id, code, name) VALUES (1, 'buy', $name);
		INSERT INTO cx_data.touchpoint (stage_id, code, name, channel) VALUES (1, 'shop', $name, $name);
		INSERT INTO cx_data.journey_note (touchpoint_id, kind, body) VALUES (1, 'pain_point', $name);
		SELECT cx.publish_journey('use', '2026-01-01');
	});
	return $node->safe_psql($database, "SET client_encoding = $encoding; SET cx.as_of = '2026-07-01'; SELECT cx.journey_map_svg('use')");
}

my $chinese = map_in('UTF8', q{U&'\5BA2\6237\65C5\7A0B'});
like($chinese, qr/Journey map: &#x5BA2;&#x6237;&#x65C5;&#x7A0B;/, 'characters are written as references');
is(map_in('EUC_CN', q{convert_from('\xbfcdbba7c2c3b3cc', 'EUC_CN')}), $chinese, 'a map in EUC_CN is the same, byte by byte');
is(map_in('SQL_ASCII', q{convert_from('\xe5aea2e688b7e69785e7a88b', 'SQL_ASCII')}), $chinese, 'and so it is where the encoding is unknown and the bytes are UTF-8');

my $umlaut = $chinese =~ s/&#x5BA2;&#x6237;&#x65C5;&#x7A0B;/Z&#xFC;rich/gr;
like(map_in('LATIN1', q{convert_from('\x5afc72696368', 'LATIN1')}), qr/Journey map: Z&#xFC;rich"/, 'LATIN1 is brought to Unicode');
like(map_in('WIN1252', q{'a' || chr(129) || 'b' || chr(128)}), qr/Journey map: a\?b&#x20AC;"/, 'what stands for nothing in an encoding is a question mark');
my $bytes = join ' || ', map { "chr($_)" } 195, 40, 237, 160, 128, 255, 244, 144, 128, 128, 122, 228, 184;
like($node->safe_psql('map_sql_ascii', qq{
	UPDATE cx_data.journey_version SET definition = jsonb_set(definition, '{name}', to_jsonb($bytes));
	SET cx.as_of = '2026-07-01';
	SELECT cx.journey_map_svg('use')}), qr/Journey map: &#xFFFD;\((?:&#xFFFD;){8}z(?:&#xFFFD;){2}"/, 'bytes that are no text are replaced, the last ones too');

# ten thousand touchpoints: the map is cut, and soon there; cancelling it leaves the session as it was
$node->safe_psql('map_utf8', q{
	INSERT INTO cx_data.journey (code) VALUES ('many');
	INSERT INTO cx_data.journey_version (journey_id, version, published_at, definition)
	SELECT 2, 1, '2026-01-01', jsonb_build_object('stages', jsonb_agg(jsonb_build_object('stage_id', i, 'code', 'stage ' || i, 'weight', 1, 'touchpoints',
		jsonb_build_array(jsonb_build_object('touchpoint_id', i, 'code', 'touchpoint ' || i, 'weight', 1,
			'notes', (SELECT jsonb_agg(jsonb_build_object('kind', 'pain_point', 'body', repeat(chr(23458), 400))) FROM generate_series(1, 5)))))))
	FROM generate_series(1, 10000) AS i});
my $size = $node->safe_psql('map_utf8', q{SET cx.as_of = '2026-07-01'; SELECT length(cx.journey_map_svg('many'))});
cmp_ok($size, '<', 10_000_000, 'a map of 10,000 touchpoints with 50,000 long notes has less than 10 MB');
like(error_of($node, 'map_utf8', q{SET cx.as_of = '2026-07-01'; SET statement_timeout = 5; SELECT cx.journey_map_svg('many')}), qr/canceling statement due to statement timeout/, 'drawing can be cancelled');
is($node->safe_psql('map_utf8', q{SET cx.as_of = '2026-07-01'; SELECT cx.journey_map_svg('use')}), $chinese, 'and other maps are drawn as before');

$node->stop;
done_testing();
