#!/bin/sh
# Run every fuzz target for SECONDS_EACH (5) seconds, over the recordings
# where they stand and what earlier campaigns found (build/fuzz/corpus).
set -u
cd "$(dirname "$0")/.." || exit 71
[ $# -gt 0 ] || set -- build/fuzz/fuzz_*
passed=0 failed=0
for f in "$@"; do
	[ -x "$f" ] || continue
	name=$(basename "$f")
	corpus=build/fuzz/corpus/$name
	mkdir -p "$corpus" build/fuzz/found
	seeds=tests/golden/fixtures
	case $name in
	*finviz*) seeds="$seeds ../shared/recordings/finviz" ;;
	*request*) seeds="tests/fuzz/seeds/request" ;;
	*alphavantage*) seeds="$seeds ../shared/recordings/alphavantage" ;;
	*polygon*) seeds="$seeds ../shared/recordings/polygon" ;;
	*iex*) seeds="$seeds ../shared/recordings/iex" ;;
	*yahoo* | *num*) seeds="$seeds ../shared/recordings/yahoo" ;;
	esac
	set -- "$corpus"
	for d in $seeds; do
		[ ! -d "$d" ] || set -- "$@" "$d"
	done
	if "$f" -max_total_time="${SECONDS_EACH:-5}" -max_len=600000 -timeout=10 \
		-rss_limit_mb=2048 -close_fd_mask=1 \
		-artifact_prefix=build/fuzz/found/"$name"- "$@" \
		>build/fuzz/"$name".log 2>&1; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED $name:"
		tail -n 40 build/fuzz/"$name".log
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
