# test/bench/rates.sh: sourced by what compares the rates of 8 clients that write single rows.
#
# The contenders run in turn (A B C A B C ...), SECONDS_EACH at a time, one round to
# warm up; the ratio is the median over ROUNDS rounds.  The caller sets database,
# scripts (the folder of the contenders' scripts) and reset (what empties the tables).
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Transactions per second of a script.
rate() # SCRIPT
{
	pgbench -n -M prepared -c 8 -T "${SECONDS_EACH:-6}" -f "$scripts/$1.sql" "$database" 2>/dev/null | sed -n 's/^tps = \([0-9]*\).*/\1/p'
}

median() { sort -n | awk '{ value[NR] = $1 } END { print value[int((NR + 1) / 2)] }'; }

# Compare scripts with the first of them.
compare() # TITLE GOAL SCRIPT...
{
	local title=$1 goal=$2 round script
	shift 2
	for ((round = 0; round <= ${ROUNDS:-7}; round++)); do
		psql -Xqd "$database" -c "$reset"
		for script; do
			rate "$script" >"$work/rate"
			[ "$round" = 0 ] || cat "$work/rate" >>"$work/$script"
		done
	done
	printf '%-66s%s\n' "$title" "$goal"
	for script; do
		printf '  %-50s %7s tps %7s x\n' "${script//_/ }" "$(median <"$work/$script")" \
			"$(paste "$work/$1" "$work/$script" | awk '{ printf "%.2f\n", $2 / $1 }' | median)"
	done
	for script; do rm "$work/$script"; done
}
