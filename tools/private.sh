# shellcheck shell=bash
# tools/private.sh: a private installation of the server with cx in it, and a
# throwaway server running from it.  Sourced by the other tools.
#
# Everything lives in one directory under TMPDIR that belongs to an ordinary
# user: yourself, or the user postgres when run as root, for PostgreSQL does
# not run as root.  Nothing outside that directory is written.

pg_config=$(command -v "${PG_CONFIG:-pg_config}")
tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Run a command as the ordinary user.
as_user()
{
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid=postgres --regid=postgres --init-groups env HOME="$base" "$@"
	else
		"$@"
	fi
}

# Make the directory; sets base.
private_create()
{
	base=$(mktemp -d "${TMPDIR:-/tmp}/cx.XXXXXX")
	[ "$(id -u)" != 0 ] || chown postgres: "$base"
}

# Copy the source tree to $base/NAME and build it there with these make arguments.
private_build() # NAME [MAKE-ARGUMENT...]
{
	local source=$base/$1
	shift
	mkdir "$source"
	tar -C "$tree" --exclude=./.git --exclude=./.play --exclude=./pictures --exclude='*.o' --exclude='*.bc' --exclude='*.so' -cf - . |
		tar -C "$source" --no-same-owner -xf -
	[ "$(id -u)" != 0 ] || chown -R postgres: "$source"
	as_user make -s -j2 -C "$source" "PG_CONFIG=$pg_config" "$@" >"$base/make.log" 2>&1 ||
		{ cat "$base/make.log" >&2; return 1; }
}

# Link into a directory what it lacks of another one.
private_fill() # FROM TO
{
	local entry
	mkdir -p "$2"
	for entry in "$1"/*; do
		[ -e "$2/${entry##*/}" ] || ln -s "$entry" "$2/${entry##*/}"
	done
}

# Install the build NAME as $base/NAME.pg, a server that finds its files by where its programs are.
private_install() # NAME [MAKE-ARGUMENT...]
{
	local source=$base/$1 prefix=$base/$1.pg bindir sharedir pkglibdir
	shift
	bindir=$("$pg_config" --bindir)
	sharedir=$("$pg_config" --sharedir)
	pkglibdir=$("$pg_config" --pkglibdir)
	as_user make -s -C "$source" install "PG_CONFIG=$pg_config" DESTDIR="$prefix" "$@" >"$base/make.log" 2>&1 ||
		{ cat "$base/make.log" >&2; return 1; }
	mkdir -p "$prefix$bindir"
	cp "$bindir"/* "$prefix$bindir/"
	private_fill "$sharedir/extension" "$prefix$sharedir/extension"
	private_fill "$sharedir" "$prefix$sharedir"
	[ ! -d "$pkglibdir/bitcode" ] || private_fill "$pkglibdir/bitcode" "$prefix$pkglibdir/bitcode"
	private_fill "$pkglibdir" "$prefix$pkglibdir"
	[ "$(id -u)" != 0 ] || chown -R postgres: "$prefix"
	PATH=$prefix$bindir:$PATH
	private_pg_config=$prefix$bindir/pg_config
}

# Start a server in $base/data with these settings; sets PGHOST and friends.
private_start() # [SETTING...]
{
	local setting
	unset PGSERVICE PGPASSFILE PGOPTIONS PGHOSTADDR PGDATA
	export PGHOST=$base PGPORT=5432 PGUSER=postgres PGDATABASE=postgres
	as_user initdb -D "$base/data" -U postgres --auth=trust --encoding=UTF8 --no-locale --no-sync >"$base/initdb.log" ||
		{ cat "$base/initdb.log" >&2; return 1; }
	{
		echo "listen_addresses = ''"
		echo "unix_socket_directories = '$base'"
		echo "fsync = off"
		echo "shared_buffers = 256MB"
		for setting in "$@"; do echo "$setting"; done
	} >>"$base/data/postgresql.conf"
	as_user pg_ctl -D "$base/data" -l "$base/server.log" -w -s start || { tail "$base/server.log" >&2; return 1; }
}

# Stop the server, if it runs.
private_stop()
{
	[ ! -f "$base/data/postmaster.pid" ] || as_user pg_ctl -D "$base/data" -m fast -w -s stop
	rm -rf "$base/data"
}

# Stop the server and remove the directory.
private_remove()
{
	trap '' INT TERM HUP
	private_stop || true
	rm -rf "$base"
}
