#!/usr/bin/python3
"""src/net/http.c against servers that behave and servers that do not.

    http_test.py [path of http_get]

Each case starts the server that it needs on a free port of the loopback
interface.  A line for each failure, then "N passed, N failed, N skipped";
exit 1 where a case failed.
"""
import concurrent.futures
import shutil
import sys
import traceback

sys.dont_write_bytecode = True  # the source tree stays as it is

# Their cases list themselves in CASES.
import http_cases_answers  # noqa: F401
import http_cases_links  # noqa: F401
import http_cases_ways  # noqa: F401
from http_kit import CASES, TMP, Skip


def run(f):
    try:
        f()
        return "passed", ""
    except Skip as e:
        return "skipped", str(e)
    except AssertionError as e:
        return "failed", str(e)
    except Exception:  # a server that cannot start, a driver that is missing
        return "failed", traceback.format_exc()


def main():
    count = dict.fromkeys(("passed", "failed", "skipped"), 0)
    try:
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            for f, (what, why) in zip(CASES, pool.map(run, CASES)):
                count[what] += 1
                if what != "passed":
                    print(f"{f.__name__}: {what}: {why}")
    finally:
        shutil.rmtree(TMP)
    print(", ".join(f"{n} {what}" for what, n in count.items()))
    return 1 if count["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
