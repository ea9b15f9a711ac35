#!/bin/sh
# Run test programs one after another and add up what they say.  Each prints
# "N passed, N failed[, N skipped]" as a line, or is a cmocka program.  One
# that fails, or says nothing, fails the run; all are run.
set -u
passed=0 failed=0 skipped=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

number() { # WORD: the number before it in the closing line
	printf '%s\n' "$line" | sed -n "s/.*[^0-9]*\b\([0-9][0-9]*\) $1.*/\1/p"
}

for t in "$@"; do
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
	printf '%-44s %4d passed %3d failed %3d skipped %4d s\n' "$t" \
		"$p" "$f" "$s" "$(($(date +%s) - begin))"
	if [ "$f" -gt 0 ]; then
		grep -av '^\[\( RUN      \|       OK \)\]' "$log" | tail -n 60
	elif [ "$s" -gt 0 ]; then
		grep -a '^skipped' "$log" | head -n 20
	fi
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
done
if [ "$skipped" -gt 0 ]; then
	echo "$passed passed, $failed failed, $skipped skipped"
else
	echo "$passed passed, $failed failed"
fi
[ "$failed" -eq 0 ]
