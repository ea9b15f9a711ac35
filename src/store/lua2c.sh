#!/bin/sh
# Make every lua/NAME.lua the struct script script_NAME: its name, its SHA1 and
# its text, a literal a line, so that line numbers in Redis errors are the
# file's own.
set -eu
printf '#include "store/redis.h"\n'
for f in "$@"; do
	name=$(basename "$f" .lua)
	sha=$(sha1sum "$f" | cut -d' ' -f1)
	printf '\nconst struct script script_%s = {\n    "%s", "%s",\n' \
	    "$name" "$name" "$sha"
	sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/    "&\\n"/' "$f"
	printf '};\n'
done
