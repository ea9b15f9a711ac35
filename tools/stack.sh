#!/bin/sh
# The whole stack out of a checkout, touching nothing outside of it:
#
#	stack.sh demo	a private Redis, the demo market, API, nginx, workers,
#			and a refresh
#	stack.sh run	the same on the live sources
#	stack.sh stop	end either
#
# Everything lies in .run (STACK_DIR): sockets, pids, logs.  nginx listens on
# port 5001 (STACK_PORT) of the loopback; a stack that is up keeps its port until
# another is asked for.
set -eu
cd "$(dirname "$0")/.."
root=$PWD
dir=${STACK_DIR:-$root/.run}
case $dir in
/*) ;;
*) dir=$root/$dir ;;
esac
[ ! -d "$dir" ] || dir=$(cd "$dir" && pwd -P)
port=${STACK_PORT:-$(cat "$dir/port" 2>/dev/null || echo 5001)}

fail() {
	echo "stack.sh: $*" >&2
	exit 71
}

# Is there a stack in the folder, or nothing at all?  Else it is not ours.
is_ours() {
	[ ! -e "$dir" ] || [ -s "$dir/kind" ] ||
		[ -z "$(ls -A "$dir" 2>/dev/null || echo unreadable)" ]
}

# NAME COMMAND: does the process of NAME.pid run, and is it that of this stack?
# A pid is given to others when its process has gone: the folder of the stack is
# where ours work, and nobody else of that name.
alive() {
	pid=$(cat "$dir/$1.pid" 2>/dev/null) && [ -n "$pid" ] &&
		[ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$2" ] &&
		[ "$(readlink "/proc/$pid/cwd")" = "$dir" ]
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
	alive redis redis-server && return
	redis-server --port 0 --unixsocket "$dir/redis.sock" --unixsocketperm 700 \
		--dir "$dir" --appendonly yes --appendfsync everysec --save "" \
		--maxmemory-policy noeviction --daemonize yes \
		--pidfile "$dir/redis.pid" --logfile "$dir/redis.log" >/dev/null
	wait_for 10 redis-cli -s "$dir/redis.sock" ping ||
		fail "Redis does not start, see $dir/redis.log"
}

start_market() {
	alive market market && return
	rm -f "$dir/market.port"
	(
		cd "$dir"
		exec "$root/build/rel/tests/market" --port 0 \
			--port-file "$dir/market.port" --label " (demo)" \
			--companies "$root/tests/upstream/companies.csv"
	) </dev/null >"$dir/market.log" 2>&1 &
	echo $! >"$dir/market.pid"
	wait_for 10 test -s "$dir/market.port" ||
		fail "the market does not start, see $dir/market.log"
}

# Two processes: one that waits for Redis does not hold up all.  Without -n,
# spawn-fcgi throws what they log away.
start_api() {
	alive api multiwatch && return
	rm -f "$dir/api.sock"
	(
		cd "$dir"
		exec setsid spawn-fcgi -n -s "$dir/api.sock" -M 0600 \
			-- /usr/bin/multiwatch -f 2 -- "$root/cgi/api"
	) </dev/null >>"$dir/api.log" 2>&1 &
	echo $! >"$dir/api.pid"
	wait_for 10 alive api multiwatch ||
		fail "the API does not start, see $dir/api.log"
}

start_drain() {
	alive drain stack.sh && return
	STACK_DIR=$dir setsid tools/stack.sh drain </dev/null \
		>>"$dir/drain.log" 2>&1 &
	echo $! >"$dir/drain.pid"
}

drain() { # what cron does every minute: workers, and at once the next ones
	cd "$dir"
	trap 'kill "$child" 2>/dev/null; wait; exit 0' TERM INT
	while :; do
		"$root/bin/drain-queue" --wait -t 600 &
		child=$!
		wait "$child" || sleep 2
	done
}

site() { # the files of nginx, and the page with Debian's library beside it
	mkdir -p "$dir/www/lib"
	ln -sfn "$root"/nginx/www/* "$dir/www/"
	for lib in d3-array d3-hierarchy; do
		ln -sfn "/usr/share/nodejs/$lib/dist/$lib.min.js" "$dir/www/lib/$lib.js"
	done
	user=
	[ "$(id -u)" -ne 0 ] || user='user root;'
	tools/fill.sh nginx/http.conf "SOCKET=$dir/api.sock" "CACHE=$dir/cache" \
		>"$dir/stocknity-http.conf"
	tools/fill.sh nginx/fastcgi.conf >"$dir/stocknity-fastcgi.conf"
	tools/fill.sh nginx/headers.conf >"$dir/stocknity-headers.conf"
	tools/fill.sh nginx/problems.conf "SNIPPETS=$dir" \
		>"$dir/stocknity-problems.conf"
	tools/fill.sh nginx/snippet.conf "SNIPPETS=$dir" "WWW=$dir/www" \
		>"$dir/stocknity.conf"
	tools/fill.sh nginx/site.conf "SNIPPETS=$dir" "LOG=$dir" \
		"LISTEN=127.0.0.1:$port" >"$dir/stocknity-site.conf"
	tools/fill.sh nginx/demo.conf "SNIPPETS=$dir" "DIR=$dir" "USER=$user" \
		>"$dir/nginx.conf"
}

start_nginx() {
	if alive nginx nginx; then
		[ "$(cat "$dir/port")" != "$port" ] || return 0
		stop_one nginx nginx
	fi
	echo "$port" >"$dir/port"
	site
	(cd "$dir" && nginx -e "$dir/nginx.log" -p "$dir" \
		-c "$dir/nginx.conf" >"$dir/nginx.out" 2>&1) ||
		fail "nginx does not start on port $port (STACK_PORT): $(tail -n 1 "$dir/nginx.out" "$dir/nginx.log")"
}

gone() { ! alive "$@"; }

stop_one() { # NAME COMMAND, as of alive
	if alive "$1" "$2"; then
		kill "$pid"
		wait_for 10 gone "$1" "$2" || kill -9 "$pid"
	fi
	rm -f "$dir/$1.pid"
}

stop() {
	stop_one nginx nginx
	stop_one drain stack.sh
	stop_one api multiwatch
	stop_one market market
	stop_one redis redis-server
}

settings() { # the environment that a program of this stack needs
	echo "REDIS_URL=unix://$dir/redis.sock"
	if [ "$1" = demo ]; then
		market=http://127.0.0.1:$(cat "$dir/market.port")
		echo "FINVIZ_URL=$market"
		echo "YAHOO_URL=$market"
		echo "YAHOO_COOKIE_URL=$market/cookie"
		# It stands in for the others too, and bears more than they do.
		echo "RATE_LIMIT=20"
		echo "YAHOO_RATE_LIMIT=100"
		echo "SOURCES=finviz,yahoo,polygon,alphavantage,iex"
		echo "POLYGON_URL=$market"
		echo "POLYGON_KEY=demo"
		echo "ALPHAVANTAGE_URL=$market"
		echo "ALPHAVANTAGE_KEY=demo"
		echo "IEX_URL=$market/stable"
		echo "IEX_TOKEN=demo"
	fi
}

# The environment goes before the file: nothing of the caller's may lead a
# program of this stack to another Redis, or the demo's data into it.  The demo
# takes no setting of his at all, whatever the programs know; a run takes the
# others.
own_settings() {
	settings "$1" >"$dir/settings"
	STOCKNITY_CONF=$dir/settings
	export STOCKNITY_CONF
	unset REDIS_URL REDIS_HOST REDIS_PORT REDIS_DB REDIS_USERNAME \
		REDIS_PASSWORD
	[ "$1" = demo ] || return 0
	known=$(env -i bin/fetch --settings) || fail "bin/fetch has no settings"
	for name in $(echo "$known" | sed 's/=.*//'); do
		unset "$name"
	done
	unset http_proxy HTTP_PROXY ALL_PROXY all_proxy
}

failed() { # STATUS WHAT: the stack stays, for a look at it
	echo "stack.sh: $2 (exit $1). The stack is up ($dir);" \
		"make stop ends it." >&2
	exit "$1"
}

columns="Ticker,Company,price,Change" # with these three they fit 80 characters
columns="$columns,expected_annual_return,expected_annual_risk,return_risk_ratio"

refresh() { # OPTION...: of a dataset by the workers; its task must complete
	id=$(bin/enqueue stock-data "$@" --priority urgent) ||
		failed $? "the refresh was not enqueued"
	# The same id is the same task: that only waits for what becomes of it.
	bin/enqueue stock-data "$@" --id "$id" --wait -t "${STACK_WAIT:-120}" \
		>/dev/null || failed $? "the refresh has not been done"
}

# The indexes that are kept fresh, then return and risk of a year of one.  That
# is a call a company: on the live sources over eight minutes, so it is begun
# there and not waited for.
everything() { # demo|run INDEX
	kind=$1 index=$2
	set --
	[ "$kind" = run ] || set -- --wait -t "${STACK_WAIT:-120}"
	bin/enqueue stock-data --all "$@" >/dev/null ||
		failed $? "the indexes are not there"
	bin/enqueue annual-returns --index "$index" "$@" >/dev/null ||
		failed $? "the annual returns are not there"
}

show() {
	echo
	if [ "$1" = demo ]; then
		echo "DEMO: a market server on this machine stands in for the" \
			"sources. Not live data."
	fi
	# A refresh through the queue; what it made is read out of the cache.
	refresh --index "S&P 500" --sector Technology
	everything "$1" "S&P 500"
	bin/fetch --index "S&P 500" --sector Technology --format table \
		--fields "$columns" || failed $? "what it fetched cannot be shown"
	echo
	echo "The stack is up ($dir): http://localhost:$port/"
	echo "Try:"
	echo "  curl http://localhost:$port/api/scheduler/status"
	[ -z "${API_TOKEN:-}" ] || # only a run has one, its caller's
		echo "  curl -X POST -H \"Authorization: Bearer \$API_TOKEN\"" \
			"http://localhost:$port/api/scheduler/start   # writing takes it"
	echo "  export STOCKNITY_CONF=$dir/settings   # and no REDIS_URL of your own"
	echo "  bin/fetch --index DJIA --sort -Change"
	[ "$1" = run ] ||
		echo "  bin/fetch --index DJIA --source polygon --fill"
	echo "  bin/enqueue stock-data --all --wait && bin/status"
	[ "$1" = run ] || echo "  curl http://127.0.0.1:$(cat "$dir/market.port")/_/calls"
	echo "What they log is in $dir: api.log, drain.log, nginx.log, redis.log"
	echo "make stop ends it."
}

case ${1:-} in
demo | run)
	# A socket's path has room for 107 bytes; a deep checkout has more.
	sock=$dir/redis.sock
	[ ${#sock} -lt 100 ] ||
		fail "the path of this checkout is too long for a socket"
	is_ours || fail "$dir is there, and is not the folder of a stack"
	mkdir -p "$dir"
	dir=$(cd "$dir" && pwd -P)
	if [ -s "$dir/kind" ] && [ "$(cat "$dir/kind")" != "$1" ]; then
		stop
		rm -rf "$dir/appendonlydir" "$dir/dump.rdb" "$dir/cache"
	fi
	echo "$1" >"$dir/kind"
	start_redis
	[ "$1" = run ] || start_market
	own_settings "$1"
	start_api
	start_drain
	start_nginx
	show "$1"
	;;
drain)
	drain
	;;
stop)
	is_ours || fail "$dir is not the folder of a stack"
	stop
	rm -rf "$dir"
	;;
*)
	echo "usage: stack.sh demo|run|stop" >&2
	exit 64
	;;
esac
