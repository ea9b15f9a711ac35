#!/bin/sh
# Put the tables of settings and fields, as the code has them, into README.md.
set -eu
cd "$(dirname "$0")/.."
build/rel/tests/test_docs 2>/dev/null | awk -v readme=README.md '
/^\| (setting|field) / { n++; head[n] = $0; take = 1 }
take && /^\|/ { text[n] = text[n] $0 "\n"; next }
{ take = 0 }
END {
	while ((getline line < readme) > 0) {
		if (!skip)
			for (i = 1; i <= n; i++)
				if (line == head[i]) {
					printf "%s", text[i] > (readme ".new")
					skip = 1
				}
		if (skip && line !~ /^\|/)
			skip = 0
		if (!skip)
			print line > (readme ".new")
	}
}'
[ ! -e README.md.new ] || mv README.md.new README.md
