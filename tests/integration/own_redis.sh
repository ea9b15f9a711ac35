# shellcheck shell=sh
# Sourced by the shell tests that start a Redis of their own: a folder that goes
# when they end, the server in it, and the count of what passed.  Sets tmp and
# pid; passed and failed are the test's to raise.
tmp=$(mktemp -d "/tmp/$(basename "$0" _test.sh).XXXXXX") || exit 1
pid=
passed=0 failed=0

# shellcheck disable=SC2317 # the trap calls it
end() {
	[ -n "$pid" ] && kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
	rm -rf "$tmp"
}
trap end EXIT
trap 'exit 1' HUP INT TERM

finish() {
	echo "$passed passed, $failed failed, 0 skipped"
	[ "$failed" -eq 0 ]
	exit
}

# Without persistence, on $tmp/redis.sock and what the options add.  1: it does
# not answer, and is gone.
start() { # OPTION...
	redis-server "$@" --unixsocket "$tmp/redis.sock" --save '' \
		--appendonly no --dir "$tmp" >"$tmp/redis.log" 2>&1 &
	pid=$!
	n=0
	while kill -0 "$pid" 2>/dev/null && [ $n -lt 100 ]; do
		redis-cli -s "$tmp/redis.sock" ping >/dev/null 2>&1 && return 0
		sleep 0.05
		n=$((n + 1))
	done
	kill "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	pid=
	return 1
}

no_redis() {
	echo "FAIL redis-server does not start"
	cat "$tmp/redis.log"
	failed=1
	finish
}

# A cmocka program: its failures and what it says of them, counted.
unit() { # NAME
	"$B/tests/$1" >"$tmp/log" 2>&1
	st=$?
	ok=$(grep -c '^\[       OK \]' "$tmp/log")
	bad=$(grep -c '^\[  FAILED  \] [a-z]' "$tmp/log")
	bad=$((bad / 2))
	[ $st -ne 0 ] && [ $bad -eq 0 ] && bad=1
	[ $bad -gt 0 ] && grep -v -e '^\[ RUN' -e '^\[       OK' "$tmp/log"
	passed=$((passed + ok))
	failed=$((failed + bad))
}
