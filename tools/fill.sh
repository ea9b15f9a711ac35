#!/bin/sh
# Print a template with its places filled in:
#
#	fill.sh FILE NAME=VALUE...	each @NAME@ becomes VALUE
#
# A place that nobody fills is an error.
set -eu
file=$1
shift
for pair in "$@"; do
	name=${pair%%=*}
	value=$(printf '%s' "${pair#*=}" | sed 's/[\\&|]/\\&/g')
	set -- "$@" -e "s|@$name@|$value|g"
	shift
done
out=$(sed -e '' "$@" "$file")
if place=$(printf '%s\n' "$out" | grep -oE '@[A-Z]+@' | head -n 1) && [ -n "$place" ]; then
	echo "fill.sh: $file: nothing given for $place" >&2
	exit 70
fi
printf '%s\n' "$out"
