#!/bin/sh
# store_test.sh [BUILD]: src/store against a real Redis of our own, on a unix
# socket and a free port, without persistence.  BUILD ($B, build/rel) holds
# tests/store_{redis,restart,guard,quota,breaker,flight,cache} and guard_load.
set -u
cd "$(dirname "$0")/../.." || exit 1
B=${1:-${B:-build/rel}}
# shellcheck source=tests/integration/own_redis.sh
. tests/integration/own_redis.sh

# Another may take the port between the question and the answer: try again.
start_on_port() {
	tries=0
	while [ $((tries += 1)) -le 5 ]; do
		STORE_PORT=$(/usr/bin/python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
		start --port "$STORE_PORT" --bind 127.0.0.1 && return
	done
	return 1
}

load() {
	if "$B/tests/guard_load" "$@" >"$tmp/log" 2>&1; then
		passed=$((passed + 5))
	else
		failed=$((failed + 1))
		cat "$tmp/log"
	fi
}

# What the application does: RedisDataManager.get_stock_data.
reader() {
	if /usr/bin/python3 - "$tmp/redis.sock" <<-'EOF'
		import json, redis, sys
		r = redis.Redis(unix_socket_path=sys.argv[1],
		                decode_responses=True)
		index, sector = "S&P 500", "Technology"
		data = json.loads(r.get(f"stock_data:{index}:{sector}"))
		assert data["success"] is True, data
		assert data["index"] == index and data["sector"] == sector, data
		assert data["data"][0]["Ticker"] == "AAPL", data
	EOF
	then
		passed=$((passed + 1))
	else
		echo "FAIL the application's reader cannot read the dataset"
		failed=$((failed + 1))
	fi
}

start_on_port || no_redis
export STORE_PORT STORE_TMP="$tmp" REDIS_URL="unix://$tmp/redis.sock"
unset REDIS_HOST REDIS_PORT REDIS_DB REDIS_USERNAME REDIS_PASSWORD \
	STOCKNITY_CONF

for t in store_redis store_restart store_guard store_quota store_breaker \
	store_flight; do
	unit "$t"
done
redis-cli -s "$tmp/redis.sock" flushall >/dev/null
load -r 50 -b 1 -s 3
redis-cli -s "$tmp/redis.sock" flushall >/dev/null
load -r 100 -b 4 -s 2
unit store_cache # leaves a dataset
reader
finish
