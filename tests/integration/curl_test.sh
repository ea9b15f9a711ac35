#!/bin/bash
# The lines of curl that people were given, word for word, against make demo's
# stack on its own port 5001: in a network namespace where that port is free,
# and in a mount namespace where nothing can be written but the stack's folder.
set -u
cd "$(dirname "$0")/../.." || exit 71
if [ "${B:-build/rel}" != build/rel ]; then
	echo "skipped curl_test: it is about make demo"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
fi
if [ -z "${CURL_TEST_INSIDE:-}" ]; then
	export CURL_TEST_INSIDE=1
	root=$([ "$(id -u)" -eq 0 ] || echo -r)
	# shellcheck disable=SC2086 # an option or nothing
	exec unshare $root -n -m tests/integration/curl_test.sh
fi
ip link set lo up || exit 71
mount --make-rprivate / || exit 71
while read -r _ at _; do
	case $at in
	/proc* | /sys* | /dev*) ;;
	*) mount -o remount,bind,ro "$at" ;;
	esac
done </proc/self/mounts
tmp=/mnt
empty=
for at in $tmp /tmp /var/tmp /run; do
	case $PWD/ in
	"$at"/*) continue ;; # the checkout is there
	esac
	mount -t tmpfs tmpfs "$at" || exit 71
	[ "$at" = $tmp ] || empty="$empty $at"
done
export STACK_DIR=$tmp/run HOME=$tmp/home
mkdir "$HOME"
unset STACK_PORT REDIS_URL FINVIZ_URL STOCKNITY_CONF API_TOKEN
unset http_proxy HTTP_PROXY ALL_PROXY all_proxy
passed=0 failed=0
trap 'tools/stack.sh stop >/dev/null 2>&1' EXIT

line() { # COMMAND: as it stands in the README; its answer is in $tmp/out
	grep -qF -- "$1" README.md || {
		failed=$((failed + 1))
		echo "FAILED not in README.md: $1"
	}
	sh -c "$1" >"$tmp/out" 2>"$tmp/err"
}

check() { # WHAT PYTHON: an expression over the answer d
	if /usr/bin/python3 -c "
import json, sys
d = json.load(open(sys.argv[1]))
sys.exit(0 if ($2) else 1)" "$tmp/out"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED $1: $(head -c 1000 "$tmp/out" "$tmp/err")"
	fi
}

if touch x 2>/dev/null; then
	rm x
	echo "0 passed, 1 failed: the checkout can be written"
	exit 1
fi
tools/stack.sh demo >"$tmp/demo" 2>&1 || {
	cat "$tmp/demo"
	echo "0 passed, 1 failed"
	exit 1
}

line "curl -X POST http://localhost:5001/api/scheduler/start"
check start "d['success'] and d['running'] is True and d['message']"
line "curl http://localhost:5001/api/scheduler/status"
check status "d['running'] is True
	and set(d['last_run']) == set(d['next_run']) == {'daily_refresh', 'hourly_check', 'weekly_cleanup', 'warming'}
	and {'pending', 'processing', 'completed', 'failed'} <= set(d['queue_stats'])
	and {'daily_refresh', 'hourly_check', 'weekly_cleanup'} <= set(d['schedule_config'])"
line "curl -X POST http://localhost:5001/api/scheduler/refresh -H \"Content-Type: application/json\" -d '{\"index\": \"S&P 500\", \"sector\": \"Technology\"}'"
check refresh "d['success'] and d['message'] and d['task_id'] == d['task']['id']
	and (d['task']['index'], d['task']['sector']) == ('S&P 500', 'Technology')
	and d['task']['priority'] == 'urgent'"
id=$(/usr/bin/python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["task_id"])' "$tmp/out")
line "curl -X POST http://localhost:5001/api/scheduler/force-refresh"
check force-refresh "d['success'] and d['message'] and len(d['tasks']) == 2"

# And the workers of the stack do what was asked for.
for _ in $(seq 120); do
	curl -s "http://localhost:5001/api/tasks/$id" >"$tmp/out"
	grep -q '"status":"completed"' "$tmp/out" && break
	sleep 0.5
done
check "the refresh is done" "d['task']['status'] == 'completed'"
curl -s "http://localhost:5001/api/stocks?index=S%26P%20500&sector=Technology" >"$tmp/out"
check "its table is there" "d['count'] > 60 and d['sector'] == 'Technology'"

tools/stack.sh stop
# shellcheck disable=SC2086 # a list of folders
left=$(find $empty "$HOME" "$STACK_DIR" -mindepth 1 2>/dev/null)
if [ -z "$left" ] && ! grep -i 'read-only' "$tmp/demo"; then
	passed=$((passed + 1))
else
	failed=$((failed + 1))
	echo "FAILED outside of its folder the stack touched: $left"
fi

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
