"""fetch as a program: usage, views, the terminal, saved bodies, and --async."""
import csv
import fcntl
import io
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from fetch_kit import DJIA, SP500  # noqa: E402
from harness import main, program, run, same, Servers, Skip, tests_of  # noqa: E402


def wrong_usage_and_settings(s):
    cases = [
        (("--index", "S&P 50"), {}, 64, 'did you mean "S&P 500"'),
        (("--sector", "Tecnology"), {}, 64, 'did you mean "Technology"'),
        (("--sector", "x" * 5000), {}, 64, "Utilities"),
        (("--fields", "Pric"), {}, 64, 'did you mean "price"'),
        (("--sort", "nonsense"), {}, 64, "nonsense"),
        (("--limit", "-1"), {}, 64, "0 to 20000"),
        (("--source", "nowhere"), {}, 64, "finviz, yahoo"),
        (("--format", "xml"), {}, 64, "ndjson"),
        (("--status", "99", "-f", "x", "--source", "finviz"), {}, 64, "100 to 999"),
        (("-f", "x"), {}, 64, "--source"),
        (("--nonsense",), {}, 64, "-h"),
        (("stray",), {}, 64, "stray"),
        ((), {"CACHE_TTL": "0"}, 78, "CACHE_TTL"),
        ((), {"RATE_LIMIT": "nan"}, 78, "from 0.01 to 1000"),
        ((), {"FINVIZ_URL": "finviz.com"}, 78, "FINVIZ_URL"),
        ((), {"SOURCES": "finviz,nowhere"}, 78, "nowhere"),
        ((), {"REDIS_URL": "rediss://x"}, 78, "rediss"),
        ((), {"STOCKNITY_CONF": "/nowhere"}, 78, "/nowhere"),
        (("-f", "/nowhere", "--source", "finviz"), {}, 71, "/nowhere"),
    ]
    for args, env, code, text in cases:
        r = s.fetch(*args, **env)
        same((r.code, r.out), (code, ""), "%r %r: %r" % (args, env, r))
        assert text in r.err, "%r %r: %r" % (args, env, r.err)
    r = s.fetch("-h", CACHE_TTL="0")
    same((r.code, r.err), (0, ""), r)
    assert "--max-age" in r.out
    assert re.fullmatch(r"fetch \(Stocknity Data\) \d+\.\d+\.\d+\n",
                        s.fetch("--version").out)


def views_of_a_dataset(s):
    s.fresh()
    s.fetch("--index", DJIA)
    r = s.fetch("--index", DJIA, "--format", "csv", "--fields",
                "Ticker,price,Market Cap", "--sort", "-Market Cap", "--limit", "5")
    rows = list(csv.DictReader(io.StringIO(r.out)))
    same(list(rows[0]), ["Ticker", "price", "Market Cap"])
    caps = [float(x["Market Cap"]) for x in rows]
    same((len(rows), caps), (5, sorted(caps, reverse=True)))
    r = s.fetch("--index", DJIA, "--format", "ndjson")
    same(len(r.out.splitlines()), 30)
    same(len(json.loads(r.out.splitlines()[0])), 87)
    r = s.fetch("--index", DJIA, "--format", "json", "--fields", "Ticker",
                "--limit", "2")
    same([sorted(c) for c in r.doc["data"]],
         [["Index", "Last_Updated", "Ticker"]] * 2)
    r = s.fetch("--index", DJIA, "--format", "table")
    assert "NOT LIVE DATA" in r.out and "30 companies" in r.out, r.out
    r = s.fetch("--index", DJIA, "--max-age", "0")
    same(r.code, 0, r)
    same(len(s.calls()), 4, "too old for --max-age 0")


def on_a_terminal(s, columns=72, **env):
    """stdout and stderr of fetch on a terminal of its own."""
    try:
        leader, follower = pty.openpty()
    except OSError as why:
        raise Skip("no pseudo terminal: %s" % why)
    fcntl.ioctl(follower, termios.TIOCSWINSZ,
                struct.pack("HHHH", 24, columns, 0, 0))
    child = subprocess.Popen([program("fetch"), "--index", DJIA],
                             env=s.env(TERM="xterm", **env), stdin=follower,
                             stdout=follower, stderr=follower)
    os.close(follower)
    out = b""
    while select.select([leader], [], [], 20)[0]:
        try:
            part = os.read(leader, 65536)
        except OSError:
            break
        if not part:
            break
        out += part
    child.wait(20)
    os.close(leader)
    return out.decode()


def terminal_gets_a_table_that_fits(s):
    s.fresh()
    out = on_a_terminal(s)
    assert "\r\033[K" in out and "page" in out, repr(out[:200])
    assert "\033[3" in out, "colour"
    table = out[out.rindex("\033[K") + 3:]
    for line in re.sub(r"\033\[[0-9;]*m", "", table).splitlines()[:33]:
        assert len(line) <= 72, (len(line), line)
    assert "30 companies" in table
    plain = on_a_terminal(s, NO_COLOR="1")
    assert "\033[3" not in plain
    assert "Ticker" in plain


def saved_body_needs_no_network_and_no_redis(s):
    env = dict(REDIS_URL="unix:///nowhere", FINVIZ_URL="http://127.0.0.1:1",
               SOURCE_DATE_EPOCH="1700000000")
    path = os.path.join(s.dir, "busy")
    with open(path, "w") as f:
        f.write("Too many requests.")
    r = s.fetch("-f", path, "--source", "finviz", **env)
    same((r.code, r.doc["success"], r.doc["fetched_at"]),
         (75, False, "2023-11-14T22:13:20Z"), r)
    r = run("fetch", "-f", "-", "--source", "yahoo", env=s.env(**env),
            stdin='{"quoteResponse":{"result":[],"error":null}}')
    same((r.code, r.doc["count"], r.doc["total"]), (66, 0, 0), r)


def _enqueued(s):
    """Index, sector and force of what waits, in the order of its coming."""
    ids = s.cli("ZRANGE", "stocknity:{default}:ready", "0", "-1").split()
    docs = [run("status", "--task", i, "--json", env=s.env()).doc for i in ids]
    return ids, [(d["type"], d["index"], d["sector"], d["force"], d["priority"])
                 for d in docs]


def async_is_a_task_for_each_dataset(s):
    s.fresh()
    r = s.fetch("--async", "--index", DJIA, "--sector", "Energy",
                "--sector", "technology")
    same((r.code, r.err), (0, ""), r)
    ids, tasks = _enqueued(s)
    same(r.out.splitlines(), ids)
    same(tasks, [("fetch_stock_data", DJIA, x, False, "normal")
                 for x in ("Energy", "Technology")])
    same(s.calls(), [], "nothing is fetched")
    # Equal work is one task, and --refresh is its force.
    again = s.fetch("--async", "--index", DJIA, "--sector", "Energy", "--refresh")
    same((again.code, again.out.split()), (0, ids[:1]), again)
    same([t[3] for t in _enqueued(s)[1]], [True, False])
    same(run("drain-queue", env=s.env()).code, 0)
    same(s.fetch("--index", DJIA, "--sector", "Energy").code, 0)


def async_asks_once_for_an_index(s):
    s.fresh()
    r = s.fetch("--async", "--all")
    same((r.code, [t[1:3] for t in _enqueued(s)[1]]),
         (0, [(DJIA, "Any"), (SP500, "Any")]), r)
    same(run("drain-queue", env=s.env()).code, 0)
    same(len(s.calls()), 28)
    r = s.fetch("--all")
    same((r.code, len(r.out.splitlines()), len(s.calls())), (0, 24, 28), r)


def async_says_json_where_asked(s):
    for format in ("json", "ndjson"):
        s.fresh()
        r = s.fetch("--async", "--index", DJIA, "--index", SP500,
                    "--format", format)
        got = [json.loads(line) for line in r.out.splitlines()]
        same((r.code, [g["status"] for g in got], [g["id"] for g in got]),
             (0, ["pending"] * 2, _enqueued(s)[0]), r)
    r = s.fetch("--async", "--index", DJIA, "--format", "json")
    same(r.doc["status"], "merged", r)
    same(s.fetch("--async", "-v").out.strip(), _enqueued(s)[0][1])


def async_ends_as_enqueue_does(s):
    s.fresh()
    r = s.fetch("--async", REDIS_URL="unix:///nowhere/redis.sock")
    same((r.code, r.out, len(r.err.splitlines())), (69, "", 1), r)
    both = ("--async", "--index", DJIA, "--index", SP500)
    r = s.fetch(*both, QUEUE_MAX="1")
    same((r.code, r.out.split()), (75, _enqueued(s)[0]), r)
    assert "full" in r.err, r
    r = s.fetch(*both, "--format", "json", QUEUE_MAX="1")
    same((r.code, [json.loads(x)["status"] for x in r.out.splitlines()]),
         (75, ["merged", "full"]), r)
    for args, word in ((("--source", "finviz"), "--source"),
                       (("--max-age", "3"), "--max-age"),
                       (("--limit", "3"), "--limit"),
                       (("--format", "csv"), "ndjson"),
                       (("--format", "table"), "ndjson"),
                       (("-f", "x", "--source", "finviz"), "-f")):
        r = s.fetch("--async", *args)
        same((r.code, r.out), (64, ""), (args, r))
        assert word in r.err, (args, r)


def cached_reads_are_as_light_as_a_client(s):
    """What fetch shares with enqueue costs it no shared object."""
    s.fresh()
    light = {"libhiredis", "libjson-c", "libm", "libc", "linux-vdso",
             "ld-linux-x86-64", "libasan", "libubsan", "libgcc_s", "libstdc++"}
    out = subprocess.run(["ldd", program("fetch")], capture_output=True,
                         text=True).stdout
    same({os.path.basename(line.split()[0]).split(".so")[0]
          for line in out.splitlines()} - light, set())


if __name__ == "__main__":
    main(tests_of(globals()), Servers)
