#!/bin/sh
# The whole stack out of a checkout, touching nothing outside of it:
#
#	stack.sh demo	a private Redis and the demo market, and a refresh
#	stack.sh run	the same on the live sources
#	stack.sh stop	end either
#
# Everything lies in .run (STACK_DIR): the socket, the pids, the logs.
set -eu
cd "$(dirname "$0")/.."
root=$PWD
dir=${STACK_DIR:-$root/.run}

alive() { # NAME: is the process of .run/NAME.pid ours, and running?
	pid=$(cat "$dir/$1.pid" 2>/dev/null) || return 1
	case $(readlink "/proc/$pid/exe" 2>/dev/null) in
	*"$2"*) return 0 ;;
	esac
	return 1
}

wait_for() { # SECONDS COMMAND...: until it succeeds
	left=$(($1 * 20))
	shift
	until "$@" >/dev/null 2>&1; do
		left=$((left - 1))
		[ "$left" -gt 0 ] || return 1
		sleep 0.05
	done
}

start_redis() {
	alive redis redis && return
	# A socket's path has room for 107 bytes; a deep checkout has more.
	sock=$dir/redis.sock
	[ ${#sock} -lt 100 ] || {
		echo "stack.sh: the path of this checkout is too long for a socket" >&2
		exit 71
	}
	redis-server --port 0 --unixsocket "$sock" --unixsocketperm 700 \
		--dir "$dir" --appendonly yes --appendfsync everysec --save "" \
		--maxmemory-policy noeviction --daemonize yes \
		--pidfile "$dir/redis.pid" --logfile "$dir/redis.log" >/dev/null
	wait_for 10 redis-cli -s "$sock" ping || {
		echo "stack.sh: Redis does not start, see $dir/redis.log" >&2
		exit 71
	}
}

start_market() {
	alive market market && return
	rm -f "$dir/market.port"
	build/rel/tests/market --port 0 --port-file "$dir/market.port" \
		--companies tests/upstream/companies.csv --label " (demo)" \
		</dev/null >"$dir/market.log" 2>&1 &
	echo $! >"$dir/market.pid"
	wait_for 10 test -s "$dir/market.port" || {
		echo "stack.sh: the market does not start, see $dir/market.log" >&2
		exit 71
	}
}

stop() {
	for name in market redis; do
		if alive $name $name; then
			kill "$pid"
			wait_for 10 sh -c "! kill -0 $pid" || kill -9 "$pid"
		fi
		rm -f "$dir/$name.pid"
	done
}

settings() { # the environment that a program of this stack needs
	echo "REDIS_URL=unix://$dir/redis.sock"
	if [ "$1" = demo ]; then
		market=http://127.0.0.1:$(cat "$dir/market.port")
		echo "FINVIZ_URL=$market"
		echo "YAHOO_URL=$market"
		echo "YAHOO_COOKIE_URL=$market/cookie"
	fi
}

failed() { # STATUS WHAT: the stack stays, for a look at it
	echo "stack.sh: $2 (exit $1). The stack is up ($dir);" \
		"make stop ends it." >&2
	exit "$1"
}

refresh() { # OPTION...: of a dataset; its task must have completed
	id=$(bin/enqueue stock-data "$@" --priority urgent) ||
		failed $? "the refresh was not enqueued"
	bin/drain-queue || failed $? "the queue was not drained"
	# drain-queue ends with 0 although tasks failed. The same id is the same
	# task: that only asks what became of it, and ends as it did.
	bin/enqueue stock-data "$@" --id "$id" --wait -t 0 >/dev/null ||
		failed $? "the refresh has not been done"
}

show() {
	STOCKNITY_CONF=$dir/settings
	export STOCKNITY_CONF
	echo
	if [ "$1" = demo ]; then
		echo "DEMO: a market server on this machine stands in for Finviz" \
			"and Yahoo. Not live data."
	fi
	# The environment goes before the file: nothing of the caller's may lead
	# a program of this stack to another Redis, or the demo's data into it.
	unset REDIS_URL REDIS_HOST REDIS_PORT REDIS_DB REDIS_USERNAME \
		REDIS_PASSWORD
	[ "$1" = run ] || unset FINVIZ_URL YAHOO_URL YAHOO_COOKIE_URL SOURCES \
		RATE_LIMIT YAHOO_RATE_LIMIT http_proxy HTTP_PROXY ALL_PROXY all_proxy
	# A refresh through the queue; what it made is read out of the cache.
	refresh --index "S&P 500" --sector Technology
	bin/fetch --index "S&P 500" --sector Technology --format table ||
		failed $? "what it fetched cannot be shown"
	echo
	echo "The stack is up ($dir). Try:"
	echo "  export STOCKNITY_CONF=$dir/settings   # and no REDIS_URL of your own"
	echo "  bin/fetch --index DJIA --sort -Change"
	echo "  bin/enqueue stock-data --all && bin/drain-queue && bin/status"
	[ "$1" = run ] || echo "  curl http://127.0.0.1:$(cat "$dir/market.port")/_/calls"
	echo "make stop ends it."
}

case ${1:-} in
demo | run)
	mkdir -p "$dir"
	if [ -s "$dir/kind" ] && [ "$(cat "$dir/kind")" != "$1" ]; then
		stop
		rm -rf "$dir/appendonlydir" "$dir/dump.rdb"
	fi
	echo "$1" >"$dir/kind"
	start_redis
	[ "$1" = run ] || start_market
	settings "$1" >"$dir/settings"
	show "$1"
	;;
stop)
	stop
	rm -rf "$dir"
	;;
*)
	echo "usage: stack.sh demo|run|stop" >&2
	exit 64
	;;
esac
