#!/bin/sh
# queue_test.sh [BUILD]: the queue against a real Redis of our own, on a unix
# socket, without persistence, and its text against a list of the commands that
# Redis 6.2 knows.  BUILD ($B, build/rel) holds
# tests/queue_{life,care,full,model}.
set -u
cd "$(dirname "$0")/../.." || exit 1
B=${1:-${B:-build/rel}}
# shellcheck source=tests/integration/own_redis.sh
. tests/integration/own_redis.sh

# Words that the list does not have, one a line; none is wanted.
judge() { # WHAT FILE
	if [ -s "$2" ]; then
		echo "FAIL $1:"
		cat "$2"
		failed=$((failed + 1))
	else
		passed=$((passed + 1))
	fi
}

# Commands and options of Redis 6.2 and older that we use.
cat >"$tmp/known" <<-'EOW'
	AUTH
	CH
	CONFIG
	COUNT
	DBSIZE
	DEL
	EVAL
	EVALSHA
	EX
	EXISTS
	EXPIRE
	GET
	GETRANGE
	HDEL
	HEXISTS
	HGET
	HGETALL
	HINCRBY
	HINCRBYFLOAT
	HLEN
	HMGET
	HSCAN
	HSET
	HSETNX
	INFO
	LASTSAVE
	LIMIT
	LINDEX
	LLEN
	LPOP
	LPUSH
	LRANGE
	LT
	LTRIM
	MATCH
	MEMORY
	PERSIST
	PEXPIRE
	PEXPIREAT
	PING
	PTTL
	PX
	RPUSH
	SCAN
	SCRIPT
	SELECT
	SET
	TIME
	TTL
	TYPE
	UNLINK
	WITHSCORES
	XX
	ZADD
	ZCARD
	ZCOUNT
	ZINCRBY
	ZPOPMIN
	ZRANGE
	ZRANGEBYSCORE
	ZRANK
	ZREM
	ZREMRANGEBYRANK
	ZREVRANGE
	ZSCAN
	ZSCORE
	ZSET
EOW
sort -o "$tmp/known" "$tmp/known"

only_old_commands() {
	grep -ohE "'[A-Z][A-Z]+'" src/store/lua/*.lua | tr -d "'" |
		sort -u | comm -23 - "$tmp/known" >"$tmp/new"
	judge "Lua uses words that are not of the list" "$tmp/new"
	# What a command of ours begins with, and what its options are.
	grep -ohE '"[A-Z][A-Z]+"' src/store/queue*.c src/store/redis.c \
		src/store/script.c src/store/cache.c src/store/guard.c \
		src/store/flight.c src/scheduler.c | tr -d '"' | sort -u |
		grep -vxE 'MISCONF|NOPERM' | # error replies
		comm -23 - "$tmp/known" >"$tmp/new"
	judge "C uses words that are not of the list" "$tmp/new"
	grep -nE '^#!|redis\.(acl_check_cmd|register_function|setresp)' \
		src/store/lua/*.lua >"$tmp/new"
	judge "script features newer than 6.2" "$tmp/new"
	find src/store/lua -name '*.lua' -size +6143c >"$tmp/new"
	judge "scripts over 6 KB" "$tmp/new"
}

start --port 0 || no_redis
export REDIS_URL="unix://$tmp/redis.sock"
unset REDIS_HOST REDIS_PORT REDIS_DB REDIS_USERNAME REDIS_PASSWORD \
	STOCKNITY_CONF QUEUE_MAX TASK_LEASE TASK_MAX_ATTEMPTS RETRY_DELAY

only_old_commands
for t in queue_life queue_equal queue_care queue_audit queue_full queue_model; do
	unit "$t"
done
finish
