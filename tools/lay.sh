#!/bin/sh
# Lay a file of /etc down, and keep what its owner has made of it:
#
#	lay.sh MODE NEW DEST MADE
#
# MADE is a copy of what was laid down here the last time.  A DEST that is
# neither that nor NEW was edited: it stays, and NEW lies beside it as DEST.new.
set -eu
mode=$1 new=$2 dest=$3 made=$4

if [ ! -e "$dest" ] || cmp -s "$dest" "$made" || cmp -s "$dest" "$new"; then
	install -D -m "$mode" "$new" "$dest"
	rm -f "$dest.new"
else
	install -m "$mode" "$new" "$dest.new"
	chgrp --reference="$dest" "$dest.new"
	echo "kept, as it was edited: $dest; the new one is $dest.new"
fi
install -D -m 600 "$new" "$made"
