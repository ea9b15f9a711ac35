"""What the tests of the cache that thinks ahead share: how a dataset is made to
be about to expire, and what is in the queue then."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from api_kit import API  # noqa: E402
from harness import same  # noqa: E402

Q = "stocknity:{default}:"
META = "stocknity:meta:{stock_data:%s:%s}"
OF_RETURNS = "stocknity:meta:{annual_returns:%s}"
KEY = "stock_data:%s:%s"
WEEK_MS = 604800000
EPOCH_MS = 1767225600000


def now_ms(s):
    seconds, micro = s.cli("TIME").split()
    return int(seconds) * 1000 + int(micro) // 1000


def _key(index, sector):
    """sector None: of the annual returns."""
    return OF_RETURNS % index if sector is None else META % (index, sector)


def meta(s, field, index="DJIA", sector="Any"):
    return s.cli("HGET", _key(index, sector), field)


def set_meta(s, *fields, index="DJIA", sector="Any"):
    s.cli("HSET", _key(index, sector), *map(str, fields))


def ends_in(s, ms, **of):
    set_meta(s, "fresh_ms", now_ms(s) + ms, **of)


def tasks(s, of="fetch_stock_data"):
    """index, sector, priority and force of each that waits or is scheduled."""
    ids = s.cli("ZRANGE", Q + "ready", "0", "-1").split() + \
        s.cli("ZRANGE", Q + "scheduled", "0", "-1").split()
    specs = [s.cli("HGET", Q + "task:" + i, "spec") for i in ids]
    return sorted((*x.split("|")[1:], x[0], x[1]) for x in specs
                  if x[2:].startswith(of + "|"))


def asked(s):
    """How often the queue was asked for a task."""
    return int(s.cli("HGET", Q + "stats", "enqueued") or 0) + \
        int(s.cli("HGET", Q + "stats", "merged") or 0)


def filled(s, index="DJIA", **env):
    s.fresh()
    s.restart_api(**env)
    same(s.fetch("--index", index).code, 0)


def as_cgi(s, target):
    """A process of its own for one request: it remembers nothing."""
    env = s.env(REQUEST_METHOD="GET", SCRIPT_NAME=target.partition("?")[0],
                QUERY_STRING=target.partition("?")[2], REMOTE_ADDR="127.0.0.1",
                HTTP_HOST="localhost", SERVER_PROTOCOL="HTTP/1.1",
                GATEWAY_INTERFACE="CGI/1.1")
    p = subprocess.run([API], env=env, stdin=subprocess.DEVNULL,
                       capture_output=True, timeout=60)
    same(p.returncode, 0, p.stderr)
    return p.stdout
