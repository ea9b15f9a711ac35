"""Reliability: what the queue promises while processes are killed, machines
stand still and Redis dies.  CHAOS=1 (the default) is short, CHAOS=20 long.
"""
import signal
import sys

import cases_crash
import cases_flow
import cases_redis
import cases_term
from kit import World
from harness import main

TESTS = (cases_crash.TESTS + cases_flow.TESTS + cases_redis.TESTS +
         cases_term.TESTS)

if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    # ended from outside, the servers end too
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    main(TESTS, World)
