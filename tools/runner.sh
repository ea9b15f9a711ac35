#!/bin/sh
# Run test programs, JOBS=1 at once, and add up what they say.  Each prints
# "N passed, N failed[, N skipped]" as a line, or is a cmocka program.  One
# that fails, or says nothing, fails the run; all are run.
#
#   tools/runner.sh TEST...      those after "--" one at a time, at the end
set -u

number() { # WORD: the number before it in the closing line
	printf '%s\n' "$line" | sed -n "s/.*[^0-9]*\b\([0-9][0-9]*\) $1.*/\1/p"
}

# TEST: run it, print its line and what went wrong, keep its numbers in $sums.
one() {
	t=$1
	log=$(mktemp)
	begin=$(date +%s)
	case $t in
	*.py) PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$t" >"$log" 2>&1 ;;
	*/*) "$t" >"$log" 2>&1 ;;
	*) "./$t" >"$log" 2>&1 ;;
	esac
	status=$?
	line=$(grep -aE '^([a-z]+: )?[0-9]+ passed, [0-9]+ failed' "$log" | tail -n 1)
	if [ -n "$line" ]; then
		p=$(number passed) f=$(number failed) s=$(number skipped)
	else
		p=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test.*/\1/p' "$log")
		f=$(sed -n 's/^\[  FAILED  \] \([0-9]*\) test.*/\1/p' "$log" | head -n 1)
		s=$(sed -n 's/^\[  SKIPPED \] \([0-9]*\) test.*/\1/p' "$log" | head -n 1)
	fi
	p=${p:-0} f=${f:-0} s=${s:-0}
	if [ "$status" -ne 0 ] && [ "$f" -eq 0 ]; then
		f=1
	elif [ "$((p + f + s))" -eq 0 ]; then
		echo "$t says nothing of what passed" >>"$log"
		f=1
	fi
	{
		printf '%-44s %4d passed %3d failed %3d skipped %4d s\n' "$t" \
			"$p" "$f" "$s" "$(($(date +%s) - begin))"
		if [ "$f" -gt 0 ]; then
			grep -av '^\[\( RUN      \|       OK \)\]' "$log" |
				tail -n 60
		elif [ "$s" -gt 0 ]; then
			grep -a '^skipped' "$log" | head -n 20
		fi
	} >"$log.said"
	cat "$log.said" # at once: another may be printing its own
	echo "$p $f $s" >>"$sums"
	rm -f "$log" "$log.said"
}

if [ "${1-}" = --one ]; then
	one "$2"
	exit
fi
sums=$(mktemp)
export sums
trap 'rm -f "$sums"' EXIT
side='' # those that may run beside others; no name has a space
while [ $# -gt 0 ] && [ "$1" != -- ]; do
	side="$side $1"
	shift
done
[ $# -eq 0 ] || shift
count=0
for t in $side "$@"; do
	count=$((count + 1))
done
[ -z "$side" ] ||
	printf '%s\n' "$side" | xargs -n 1 -P "${JOBS:-1}" sh "$0" --one
for t in "$@"; do
	one "$t"
done
awk -v count="$count" '
	{ p += $1; f += $2; s += $3 }
	END {
		f += count - NR # one that was killed has said nothing
		printf("%d passed, %d failed%s\n", p, f,
			(s > 0 ? ", " s " skipped" : ""))
		exit f > 0
	}' "$sums"
