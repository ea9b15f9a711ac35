#!/usr/bin/python3
"""Annual returns: tasks, chunks, document, and fetch --returns, with Yahoo's
charts of the market server, and with faults."""
import csv
import gzip
import io
import json
import math
import os
import signal
import subprocess
import time
import uuid

from drain_kit import Drain, drain, put, running, status, task, KEY, world
from harness import main, run, same, tests_of, wait_until
from returns_kit import (INDEX, VALUE, WORK, charts, chunk_tasks, document,
                         figures, returns, warm)

NAMES = ["Ticker", "currency", "points", "nulls", "first", "last",
         "expected_annual_return", "expected_annual_risk",
         "return_risk_ratio", "error"]
HEAD = ["success", "index", "sector", "source", "origin", "error", "timestamp",
        "fetched_at", "fresh_until", "partial", "count", "total",
        "missing_fields", "data_hash", "data"]
CHART = " path=/v8/finance/chart"


def figures_and_document(s):
    warm(s)
    ids = put(s, returns())
    r = drain(s)
    same((r.code, r.err), (0, ""))
    same(status(s, *ids), ["completed"])
    doc = document(s)
    same(list(doc), HEAD)
    same((doc["success"], doc["index"], doc["source"], doc["partial"]),
         (True, INDEX, "yahoo", False))
    same((doc["count"], doc["total"], len(doc["data"])), (30, 30, 30))
    same(set(charts(s).values()), {1})
    members = [x["Ticker"] for x in s.fetch("--index", INDEX).doc["data"]]
    same([x["Ticker"] for x in doc["data"]], members)
    for x in doc["data"][:5]:
        same(list(x), NAMES)
        points, total, risk = figures(s, x["Ticker"].replace(".", "-"))
        same(x["points"], points)
        assert math.isclose(x["expected_annual_return"], total, rel_tol=1e-12)
        assert math.isclose(x["expected_annual_risk"], risk, rel_tol=1e-11)
    same(s.r.exists(WORK % INDEX), 0)
    packed = subprocess.run(["redis-cli", "-s", s.socket, "GET",
                             "stocknity:gzip:{%s}" % (VALUE % INDEX)],
                            capture_output=True).stdout
    same(gzip.decompress(packed[:-1]).decode(), s.r.get(VALUE % INDEX))
    ttl = s.r.ttl(VALUE % INDEX)
    assert 86400 + 604800 - 60 < ttl <= 86400 + 604800, ttl
    # Fresh: nothing is asked again, but by force.
    s.post("/_/reset")
    put(s, returns())
    same((drain(s).code, charts(s)), (0, {}))
    put(s, returns(force=True))
    same((drain(s).code, len(charts(s))), (0, 30))


def chunks_of_fifty(s):
    warm(s, index="S&P 500")
    ids = put(s, returns("S&P 500", priority="high"))
    r = drain(s, "-n", "1", "--workers", "1")
    same(r.code, 0)
    total = json.loads(task(s, ids[0])["result"])
    chunks = chunk_tasks(s)
    n = math.ceil(total["tickers"] / 50)
    same(total["chunks"], n)
    same(sorted(chunks), sorted("%d/%d" % (i + 1, n) for i in range(n)))
    same(charts(s), {})
    # Asking again while they wait makes no second ones.
    put(s, returns("S&P 500"))
    same(drain(s, "--workers", "4").code, 0)
    doc = document(s, "S&P 500")
    same((doc["count"], doc["partial"]), (total["tickers"], False))
    same(set(charts(s).values()), {1})
    same(len(charts(s)), total["tickers"])
    same(s.r.get("annual_returns"), s.r.get(VALUE % "S&P 500"))
    same(sum(json.loads(task(s, i)["result"])["last"] for i in chunks.values()),
         1)


def index_not_fresh(s):
    s.fresh()
    ids = put(s, returns())
    r = drain(s, "-n", "1", "--workers", "1")
    same((r.code, status(s, *ids)), (0, ["scheduled"]))
    t = task(s, ids[0])
    same((t["retry_count"], "not fresh" in t["put_off"]), (None, True))
    sec, us = s.r.time()
    due = s.r.zscore(KEY + "scheduled", ids[0]) / 1e6 - sec - us / 1e6
    assert 20 < due <= 30, due
    # A refresh of the index was asked for meanwhile.
    same(drain(s).code, 0)
    same(s.r.exists("stock_data:DJIA:Any"), 1)


def delisted(s):
    warm(s, "kind=404 path=/v8/finance/chart/AAPL",
          "kind=missing path=/v8/finance/chart/MSFT")
    put(s, returns())
    same(drain(s).code, 0)
    doc = document(s)
    same((doc["count"], doc["partial"]), (30, False))
    by = {x["Ticker"]: x for x in doc["data"]}
    for ticker in ("AAPL", "MSFT"):
        same(by[ticker]["expected_annual_return"], None)
        assert by[ticker]["error"], by[ticker]
    same(by["MSFT"]["error"], "Yahoo has no bars of this symbol")
    same(sum(x["error"] is None for x in doc["data"]), 28)


def unreadable(s):
    """A chart that stays unreadable does not keep the others."""
    warm(s, "kind=html path=/v8/finance/chart/AAPL")
    put(s, returns())
    same(drain(s).code, 0)
    doc = document(s)
    same((doc["count"], doc["partial"]), (30, False))
    same([x["Ticker"] for x in doc["data"] if x["error"]], ["AAPL"])
    same(charts(s)["AAPL"], 2)


def passing_faults(s):
    """One 5xx, a body cut off and a reset are asked again."""
    warm(s, *("kind=%s after=%d count=1%s" % (k, i, CHART)
               for k, i in (("503", 3), ("short", 8), ("reset", 15))))
    put(s, returns())
    same(drain(s).code, 0)
    doc = document(s)
    same((doc["count"], doc["partial"]), (30, False))
    same([x["error"] for x in doc["data"]], [None] * 30)
    same(sum(charts(s).values()), 33)


def kept_when_it_fails(s):
    """What is done stays; the second run asks for the rest only."""
    warm(s, "kind=503 count=2 path=/v8/finance/chart/MSFT")
    ids = put(s, returns())
    drain(s, "-n", "2", "--workers", "1")
    same(status(s, *ids), ["completed"])
    chunk = chunk_tasks(s)["1/1"]
    same(task(s, chunk)["status"], "scheduled")
    kept = [k for k in s.r.hkeys(WORK % INDEX) if k.startswith("t:")]
    assert kept and len(kept) < 30, kept
    same(document(s), None)
    s.post("/_/reset")
    s.r.zadd(KEY + "scheduled", {chunk: 1})
    same(drain(s).code, 0)
    same(task(s, chunk)["status"], "completed")
    asked = charts(s)
    same(len(asked), 30 - len(kept))
    same(document(s)["count"], 30)


def fails_for_good(s):
    """The document is written without what a failed chunk did not get."""
    warm(s, "kind=503 path=/v8/finance/chart/MSFT")
    put(s, returns())
    same(drain(s, TASK_MAX_ATTEMPTS=1).code, 0)
    same(task(s, chunk_tasks(s)["1/1"])["status"], "failed")
    doc = document(s)
    same((doc["success"], doc["partial"], doc["total"]), (True, True, 30))
    assert 0 < doc["count"] < 30
    assert "MSFT" not in [x["Ticker"] for x in doc["data"]]
    same(s.r.exists(WORK % INDEX), 0)


def limited(s):
    """A 429 holds Yahoo and is no attempt before anything came."""
    warm(s, "kind=429 retry-after=120" + CHART)
    put(s, returns())
    same(drain(s).code, 0)
    t = task(s, chunk_tasks(s)["1/1"])
    same((t["status"], t["retry_count"]), ("scheduled", None))
    assert "rate-limited" in t["put_off"], t
    assert sum(charts(s).values()) <= 2  # two are in flight together
    same(document(s), None)


def killed(s):
    """The worker of a chunk dies: another goes on, and asks for the rest."""
    warm(s)
    put(s, returns())
    same(drain(s, "-n", "1", "--workers", "1").code, 0)
    chunk = chunk_tasks(s)["1/1"]
    with Drain(s, "--workers", "1", YAHOO_RATE_LIMIT="20") as d:
        wait_until(running(s, chunk), "the chunk")
        wait_until(lambda: s.r.hlen(WORK % INDEX) > 8, "five records")
        os.kill(int(task(s, chunk)["owner"].rsplit(":", 1)[1]), signal.SIGKILL)
        d.end(signal.SIGTERM)
    kept = [k for k in s.r.hkeys(WORK % INDEX) if k.startswith("t:")]
    assert 5 <= len(kept) < 30, kept
    s.post("/_/reset")
    s.r.zadd(KEY + "processing", {chunk: 1})  # its lease has run out
    same(drain(s).code, 0)
    same(len(charts(s)), 30 - len(kept))
    same((document(s)["count"], document(s)["partial"]), (30, False))


def rate_and_progress(s):
    """Yahoo's own limit holds, and the task says how far it is."""
    warm(s)
    put(s, returns())
    same(drain(s, "-n", "1", "--workers", "1").code, 0)
    chunk, seen = chunk_tasks(s)["1/1"], set()
    began = time.monotonic()
    with Drain(s, "--workers", "2", YAHOO_RATE_LIMIT="10", TASK_LEASE="1") as d:
        wait_until(lambda: seen.add(task(s, chunk).get("progress")) or
                   any(p and p.endswith("of 30 tickers") for p in seen),
                   "progress")
        same(d.end(timeout=60), 0)
    assert time.monotonic() - began >= 29 / 10 - 0.2
    same(document(s)["count"], 30)


def foreground(s):
    warm(s)
    r = s.fetch("--returns", "--index", INDEX)
    same((r.code, r.err), (0, ""))
    same((r.doc["count"], list(r.doc)), (30, HEAD))
    same(len(charts(s)), 30)
    again = s.fetch("--returns", "--index", "djia", "--format", "json")
    same((again.code, again.out), (0, r.out))
    same(len(charts(s)), 30)
    same(document(s)["data_hash"], r.doc["data_hash"])
    rows = list(csv.reader(io.StringIO(s.fetch(
        "--returns", "--index", INDEX, "--format", "csv").out)))
    same(rows[0], NAMES)
    same(len(rows), 31)
    for row, x in zip(rows[1:], r.doc["data"]):
        same(float(row[6]), x["expected_annual_return"])
    lines = s.fetch("--returns", "--index", INDEX, "--format",
                    "ndjson").out.splitlines()
    same([json.loads(line) for line in lines], r.doc["data"])
    table = s.fetch("--returns", "--index", INDEX, "--format", "table").out
    assert "NOT LIVE DATA" in table and "30 companies" in table, table
    by = {x["Ticker"]: x for x in r.doc["data"]}
    for line in table.splitlines()[1:31]:
        ticker, _, _, _, first, last = line.split()[:6]
        same((first, last), tuple("%.2f" % by[ticker][k] for k in ("first", "last")))
    same(s.fetch("--returns", "--index", INDEX, "--refresh").code, 0)
    same(set(charts(s).values()), {2})


def foreground_without(s):
    """Without Redis it is uncached; without the dataset the members do."""
    s.fresh()
    r = s.fetch("--returns", "--index", INDEX,
                REDIS_URL="unix://" + s.dir + "/none")
    same((r.code, r.doc["count"]), (0, 30))
    assert "uncached" in r.err and r.doc["members"].startswith("file "), r
    r = s.fetch("--returns", "--index", INDEX)
    same((r.code, r.doc["partial"]), (0, False))


def foreground_faults(s):
    warm(s, "kind=503" + CHART)
    r = s.fetch("--returns", "--index", INDEX)
    same((r.code, r.out), (69, ""))
    assert "503" in r.err, r
    s.fresh()
    same(s.fetch("--returns", "--index", INDEX).code, 0)
    s.post("/_/faults", "kind=503%s\n" % CHART)
    r = s.fetch("--returns", "--index", INDEX, "--refresh")
    same((r.code, r.doc["stale"], r.doc["count"]), (3, True, 30))
    same(r.doc["attempts"][0]["source"], "yahoo")


def usage(s):
    s.fresh()
    for args in (["--returns", "--sector", "Energy"], ["--returns", "--all"],
                 ["--returns", "--index", "Any"], ["--returns", "--limit", "3"],
                 ["--returns", "--async"], ["--returns", "--source", "yahoo"]):
        same(s.fetch(*args).code, 64, args)
    for args in (["annual-returns", "--sector", "Energy"],
                 ["annual-returns", "--index", "Any"]):
        same(run("enqueue", *args, env=s.env()).code, 64, args)
    r = run("enqueue", "-", env=s.env(), stdin=json.dumps(
        returns(sector="1/1", id=str(uuid.uuid4()))) + "\n")
    same(r.code, 65)


def enqueue_words(s):
    warm(s)
    r = run("enqueue", "annual-returns", "--index", "djia", env=s.env())
    same(r.code, 0)
    same(task(s, r.out.strip())["spec"].split("|")[1:], ["DJIA", "Any"])
    same(drain(s).code, 0)
    same(document(s)["count"], 30)


if __name__ == "__main__":
    main(tests_of(globals()), world)
