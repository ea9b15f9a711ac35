#!/bin/bash
# make demo and make stop, in a folder of the test's own.
set -u
cd "$(dirname "$0")/../.." || exit 71
if [ "${B:-build/rel}" != build/rel ]; then
	echo "skipped stack_test: it is about the programs in bin/"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
fi
tmp=$(mktemp -d)
export STACK_DIR=$tmp/run
free_port() {
	/usr/bin/python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}
STACK_PORT=$(free_port)
export STACK_PORT
unset REDIS_URL FINVIZ_URL STOCKNITY_CONF
passed=0 failed=0
trap 'tools/stack.sh stop >/dev/null 2>&1; rm -rf "$tmp"' EXIT

check() { # WHAT COMMAND...
	what=$1
	shift
	if "$@"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED $what"
		[ ! -s "$tmp/out" ] || tail -n 20 "$tmp/out"
	fi
}

says() { grep -q -- "$1" "$tmp/out"; }
pids() { cat "$STACK_DIR"/{redis,market,api,drain,nginx}.pid; }
asks() { curl -s "http://localhost:$STACK_PORT$1" | grep -q -- "$2"; }
starts() { # CURL'S OPTION...: the status of a call that writes
	curl -s -o "$tmp/answer" -w '%{http_code}' -X POST "$@" \
		"http://localhost:$STACK_PORT/api/scheduler/start"
}
lacks() { ! grep -q -- "$1" "$tmp/out"; }
gone() { for p in $1; do [ ! -e "/proc/$p/exe" ] || return 1; done; }

# What is not a stack of ours is left alone: a folder of somebody, and the
# processes that a stale pid file names, whatever they are called.
mkdir -p "$tmp/somebody" "$tmp/stale" "$tmp/other"
touch "$tmp/somebody/letter"
for command in demo stop; do
	STACK_DIR=$tmp/somebody tools/stack.sh $command >"$tmp/out" 2>&1
	check "$command refuses a folder that is none of a stack" test $? -eq 71
	check "and says so" says 'not the folder of a stack'
	check "and leaves it" test "$(ls -A "$tmp/somebody")" = letter
done
words='redis-server nginx multiwatch cgi/api tests/market stack.sh drain'
(cd "$tmp/stale" && exec -a "$words" sleep 300) >/dev/null &
named=$!
(cd "$tmp/other" && exec redis-server --port 0 --unixsocket r.sock --save "") \
	>/dev/null &
other=$!
strangers="$named $other"
for _ in $(seq 200); do
	[ -S "$tmp/other/r.sock" ] && break
	sleep 0.02
done
echo demo >"$tmp/stale/kind"
echo $other >"$tmp/stale/redis.pid"
for name in nginx drain api market; do
	echo $named >"$tmp/stale/$name.pid"
done
STACK_DIR=$tmp/stale tools/stack.sh stop
for pid in $strangers; do
	check "stop leaves a stranger alone" kill -0 "$pid"
	kill "$pid"
done
check "a stale stack is removed" test ! -e "$tmp/stale"

# What the caller's environment says is for programs of his own.
REDIS_URL=redis://127.0.0.1:1 FINVIZ_URL=http://127.0.0.1:1 SOURCES=finviz \
	API_TOKEN=abc QUEUE_MAX=1 SCHEDULER_INDEXES=NONE \
	tools/stack.sh demo >"$tmp/out" 2>&1
check "demo ends with 0" test $? -eq 0
check "writing takes no token of the caller's" test "$(starts)" = 200
check "nor does it say so" lacks Bearer
check "the table is there" says 'AAPL .*Apple Inc (demo)'
check "it says what it is" says 'NOT LIVE DATA'
check "companies are counted" says '^[0-9]* companies  S&P 500 / Technology'
check "return and risk are beside it" says '^AAPL .*%  *[0-9.]*%  *-*[0-9.]*$'
check "and it says whose" says '^return and risk from yahoo, fetched'
check "it prints the URL" says "http://localhost:$STACK_PORT/\$"
check "the page is there" asks / '<title>Stocknity Data'
check "its library is there" asks /stocknity/lib/d3-hierarchy.js d3
check "the API is there" asks /api/health/live '"success":true'
check "a route that is none" asks /api/nothing '"status":404'
check "what the API logs is kept" grep -q '/api/nothing status=404' \
	"$STACK_DIR/api.log"
check "and it says where" says "$STACK_DIR: api.log"
check "it serves returns" asks '/api/annual-returns' '"Ticker":"AAPL"'
check "it joins them" asks '/api/stocks?sector=Technology&returns=1' \
	'"expected_annual_risk":0'
check "it serves the table" asks '/api/stocks?sector=Technology' '"Ticker":"AAPL"'
first=$(pids)
for source in finviz yahoo polygon alphavantage iex; do
	check "$source can be asked" test "$(env STOCKNITY_CONF="$STACK_DIR/settings" \
		bin/fetch --index DJIA --sector Energy --source "$source" --format csv \
		--fields Ticker,price)" = "$(printf 'Ticker,price\r\nCVX,152.8\r')"
done
check "what it prints to try works" env STOCKNITY_CONF="$STACK_DIR/settings" \
	bin/fetch --index DJIA --format csv --limit 1 -v >/dev/null
tools/stack.sh demo >"$tmp/out" 2>&1
check "a second demo ends with 0" test $? -eq 0
check "a second demo finds the first" test "$(pids)" = "$first"
env -u STACK_PORT tools/stack.sh demo >"$tmp/out" 2>&1
check "it is found on its own port" says "http://localhost:$STACK_PORT/\$"
STACK_PORT=$(free_port)
tools/stack.sh demo >"$tmp/out" 2>&1
check "it moves to another port" says "http://localhost:$STACK_PORT/\$"
check "and answers there" asks /api/health/live '"success":true'
first=$(pids)
env STOCKNITY_CONF="$STACK_DIR/settings" bin/enqueue --pause "for a test"
STACK_WAIT=2 tools/stack.sh demo >"$tmp/out" 2>&1
check "a refresh that is not done is no success" test $? -eq 75
check "it says so" says 'the refresh has not been done (exit 75)'
check "it does not invite" lacks 'Try:'
env STOCKNITY_CONF="$STACK_DIR/settings" bin/enqueue --resume
redis-cli -s "$STACK_DIR/redis.sock" flushall >/dev/null
redis-cli -s "$STACK_DIR/redis.sock" rpush 'stock_data:S&P 500:Technology' x \
	>/dev/null
tools/stack.sh demo >"$tmp/out" 2>&1
check "a refresh that failed is no success" test $? -eq 69
check "it says why" says 'failed: denied: stock_data:S&P 500:Technology'
redis-cli -s "$STACK_DIR/redis.sock" config set maxmemory 1 >/dev/null
tools/stack.sh demo >"$tmp/out" 2>&1
check "a full Redis is no success" test $? -eq 75
check "it names the step" says 'the refresh was not enqueued'
redis-cli -s "$STACK_DIR/redis.sock" config set maxmemory 0 >/dev/null
check "the demo has data" test "$(redis-cli -s "$STACK_DIR/redis.sock" \
	keys 'stock_data:*')" != ""
first="$(pids) $(pgrep -d ' ' -P "$(pids | paste -sd,)")"
env FINVIZ_URL=http://127.0.0.1:1 SOURCES=finviz STACK_WAIT=1 \
	tools/stack.sh run >"$tmp/out" 2>&1
check "a run without a source is no success" test $? -ne 0
check "it is a stack of its own" gone "$first"
check "no data of the demo are in it" test "$(redis-cli \
	-s "$STACK_DIR/redis.sock" keys 'stock_data:*')" = ""
first="$(cat "$STACK_DIR"/{redis,api,drain,nginx}.pid)"
first="$first $(pgrep -d ' ' -P "$(echo "$first" | paste -sd,)")"
tools/stack.sh stop >"$tmp/out" 2>&1
check "stop ends with 0" test $? -eq 0
check "stop ends the servers, and who works for them" gone "$first"
check "stop leaves nothing" test ! -e "$STACK_DIR"

# A run takes the caller's settings: here for its source, and his token.
build/rel/tests/market --port 0 --port-file "$tmp/port" --with-parent \
	--companies tests/upstream/companies.csv >/dev/null 2>&1 &
market=$!
for _ in $(seq 200); do
	[ -s "$tmp/port" ] && break
	sleep 0.02
done
env FINVIZ_URL="http://127.0.0.1:$(cat "$tmp/port")" SOURCES=finviz \
	YAHOO_URL="http://127.0.0.1:$(cat "$tmp/port")" RATE_LIMIT=20 \
	YAHOO_COOKIE_URL="http://127.0.0.1:$(cat "$tmp/port")/cookie" \
	API_TOKEN=abc tools/stack.sh run >"$tmp/out" 2>&1
check "a run with a source ends with 0" test $? -eq 0
check "it says that writing takes the token" says \
	'curl -X POST -H "Authorization: Bearer [$]API_TOKEN" http'
check "which it does" test "$(starts)" = 401
check "and is done with it" test \
	"$(starts -H "Authorization: Bearer abc")" = 200
tools/stack.sh stop >"$tmp/out" 2>&1
kill $market
check "stop without a stack is fine" tools/stack.sh stop

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
