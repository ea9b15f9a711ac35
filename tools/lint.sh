#!/bin/sh
# Style and static analysis over what git tracks.
set -u
cd "$(dirname "$0")/.." || exit 71
st=0

git ls-files '*.c' '*.h' | xargs clang-format --dry-run --Werror || st=1

# With the flags of compile_flags.txt; one file at a time: clang-tidy 14 finds
# what is not there when it reads several in a row.
# shellcheck disable=SC2016 # the inner shell expands it
git ls-files '*.c' | xargs -P 2 -n 1 sh -c '
	out=$(clang-tidy --quiet "$@" 2>/dev/null) || {
		printf "%s\n" "$out"
		exit 1
	}' sh || st=1

git ls-files '*.sh' .ci/run | xargs shellcheck || st=1

for m in man/*.[178]; do
	w=$(LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings=w -l "$m" 2>&1 >/dev/null)
	[ -z "$w" ] || {
		echo "$m: $w"
		st=1
	}
done

# Things that tools do not know.
if git grep -nE '\b(strcpy|strcat|sprintf|strtok|atoi|atol|alloca|system)\(' -- 'src/*.[ch]' 'bin/*.[ch]' 'cgi/*.[ch]'; then
	echo "a banned function" >&2
	st=1
fi
exit $st
