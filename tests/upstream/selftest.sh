#!/bin/sh
# Test the market server: selftest.sh [PROGRAM], by default the built one.
here=$(dirname "$0")
PYTHONDONTWRITEBYTECODE=1 exec /usr/bin/python3 "$here/selftest.py" "${1:-$here/../../${B:-build/rel}/tests/market}"
