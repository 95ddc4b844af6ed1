# CxTest: what the Perl tests share.
package CxTest;

use strict;
use warnings FATAL => 'all';
use Exporter 'import';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(start_server same_result);

# A running server with the extension in database postgres; CX_SERVER_SETTINGS
# holds further lines for its configuration.
sub start_server
{
	my ($name) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init;
	$node->append_conf('postgresql.conf', $ENV{CX_SERVER_SETTINGS} // '');
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

1;
