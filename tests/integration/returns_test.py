#!/usr/bin/python3
"""Annual returns by the queue: tasks, chunks, document, with Yahoo's charts of the
market server, and with faults."""
import gzip
import json
import math
import os
import signal
import subprocess
import time
import uuid

from drain_kit import Drain, drain, put, running, status, task, KEY, world
from harness import main, run, same, tests_of, wait_until
from returns_kit import (CHART, HEAD, INDEX, NAMES, VALUE, WORK, charts,
                         chunk_tasks, document, figures, kept, returns, warm)



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
    same((r.code, status(s, *ids)), (0, ["scheduled"]))
    total = int(s.r.hget(WORK % "S&P 500", "n"))
    chunks = chunk_tasks(s)
    n = math.ceil(total / 50)
    same(sorted(chunks), sorted("%d/%d" % (i + 1, n) for i in range(n)))
    same({int(k.split(":")[1]): v for k, v in s.r.hgetall(WORK % "S&P 500").items()
          if k.startswith("task:")},
         {int(k.split("/")[0]): v for k, v in chunks.items()})
    same(charts(s), {})
    # Asking again while they wait makes no second ones.
    put(s, returns("S&P 500"))
    same(drain(s, "--workers", "4").code, 0)
    doc = document(s, "S&P 500")
    same((doc["count"], doc["partial"]), (total, False))
    same(set(charts(s).values()), {1})
    same(len(charts(s)), total)
    same(s.r.get("annual_returns"), s.r.get(VALUE % "S&P 500"))
    # The task of the index is done when the document is there.
    same(json.loads(task(s, ids[0])["result"]),
         {"companies": total, "partial": False, "cached": False})
    same(set(status(s, *chunks.values())), {"completed"})


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


def an_index_that_does_not_become_fresh(s):
    """It is waited for while somebody tries, and not for ever."""
    s.fresh("kind=503 path=/screener", "kind=503 path=/v7")
    ids = put(s, returns())
    for i in range(10):
        same(drain(s, TASK_MAX_ATTEMPTS=1).code, 0)
        s.r.delete("stocknity:guard:{finviz}", "stocknity:guard:{yahoo}")
        if status(s, *ids) == ["failed"]:
            break
        _later(s, *ids)
    same((status(s, *ids), charts(s)), (["failed"], {}))
    assert 1 <= i < 5, i
    assert "DJIA is not fresh" in task(s, ids[0])["e1"], task(s, ids[0])


def delisted(s):
    """What Yahoo says of a company is in its record."""
    warm(s, "kind=delisted path=/v8/finance/chart/AAPL",
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
    """A chart that stays unreadable, or a status without Yahoo's own words, says
    nothing of the company, and does not keep the others."""
    for kind in ("html", "404"):
        warm(s, "kind=%s path=/v8/finance/chart/AAPL" % kind)
        put(s, returns())
        same(drain(s).code, 0)
        doc = document(s)
        same((doc["count"], doc["total"], doc["partial"]), (29, 30, True), kind)
        assert "AAPL" not in [x["Ticker"] for x in doc["data"]], kind
        same([x["error"] for x in doc["data"]], [None] * 29, kind)
        same(charts(s)["AAPL"], 2, kind)


def one_that_fails(s):
    """An error for one symbol does not keep the others, nor does an unreadable
    chart; the breaker hears of all of it."""
    for kind, failures in (("503", 2), ("html", 2), ("404", 0)):
        warm(s, "kind=%s path=/v8/finance/chart/MSFT" % kind)
        ids = put(s, returns())
        same(drain(s).code, 0)
        same(status(s, *ids), ["completed"], kind)
        doc = document(s)
        same((doc["count"], doc["total"], doc["partial"]), (29, 30, True), kind)
        assert "MSFT" not in [x["Ticker"] for x in doc["data"]], kind
        same((len(charts(s)), charts(s)["MSFT"]), (30, 2), kind)
        seen = s.r.hgetall("stocknity:guard:{yahoo}")
        same(sum(int(v.split()[2]) for k, v in seen.items()
                 if k in ("w0", "w1", "w2", "w3", "w4", "w5")), failures, kind)


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
    warm(s, "kind=503 after=10" + CHART)
    ids = put(s, returns())
    drain(s, "-n", "2", "--workers", "1")
    chunk = chunk_tasks(s)["1/1"]
    same(status(s, *ids, chunk), ["scheduled", "scheduled"])
    # It got something: that is no failed run.
    same(task(s, chunk)["retry_count"], None)
    known = kept(s)
    assert known and len(known) < 30, known
    same(document(s), None)
    s.post("/_/reset")
    s.r.delete("stocknity:guard:{yahoo}")
    s.r.zadd(KEY + "scheduled", {chunk: 1})
    same(drain(s).code, 0)
    same(status(s, *ids, chunk), ["completed", "completed"])
    same(len(charts(s)), 30 - len(known))
    same(document(s)["count"], 30)


def _later(s, *ids):
    """What is scheduled is due."""
    for id in ids:
        s.r.zadd(KEY + "scheduled", {id: 1}, xx=True)


def _drained(s, *ids, **env):
    """As cron does it: again and again, until these have ended."""
    for _ in range(40):
        same(drain(s, **env).code, 0)
        if "scheduled" not in status(s, *ids):
            return
        _later(s, *ids, *chunk_tasks(s).values())
        s.r.delete("stocknity:guard:{yahoo}")  # its breaker is open
    raise AssertionError("they have not ended: %r" % [task(s, i) for i in ids])


def fails_for_good(s):
    """The document is written without what a failed chunk did not get, and the
    rest is asked for when somebody wants it again."""
    warm(s, "kind=503 after=20" + CHART)
    ids = put(s, returns())
    _drained(s, *ids, TASK_MAX_ATTEMPTS=1)
    same(status(s, chunk_tasks(s)["1/1"], *ids), ["failed", "completed"])
    doc = document(s)
    same((doc["success"], doc["partial"], doc["total"]), (True, True, 30))
    assert 15 < doc["count"] <= 20, doc["count"]
    same(json.loads(task(s, ids[0])["result"])["partial"], True)
    # A partial one is not fresh for a day,
    fresh = int(s.r.hget("stocknity:meta:{%s}" % (VALUE % INDEX), "fresh_ms")) / 1000
    assert fresh - s.r.time()[0] < 3602, fresh
    # but for an hour, also one that went on hours after it began,
    s.post("/_/faults", "kind=503" + CHART)
    s.r.delete("stocknity:guard:{yahoo}")
    began = s.r.time()[0] - 4 * 3600
    s.r.hset(WORK % INDEX, "began", "%d000000" % began)
    ids = put(s, returns())
    _drained(s, *ids, TASK_MAX_ATTEMPTS=1)
    left = int(s.r.hget("stocknity:meta:{%s}" % (VALUE % INDEX), "fresh_ms")) / 1000 \
        - s.r.time()[0]
    assert 3500 < left < 3602, left
    # and what is missing alone is asked for.
    s.post("/_/reset")
    s.r.delete("stocknity:guard:{yahoo}")
    put(s, returns())
    same(drain(s).code, 0)
    same(len(charts(s)), 30 - doc["count"])
    same((document(s)["count"], document(s)["partial"]), (30, False))
    same(s.r.exists(WORK % INDEX), 0)


def an_old_work_goes_on_no_more(s):
    """It would be written before it has asked anybody."""
    warm(s, "kind=503 after=20" + CHART)
    ids = put(s, returns())
    _drained(s, *ids, TASK_MAX_ATTEMPTS=1)
    s.r.hset(WORK % INDEX, "began", "%d000000" % (s.r.time()[0] - 18100))
    s.post("/_/reset")
    s.r.delete("stocknity:guard:{yahoo}")
    put(s, returns())
    same(drain(s).code, 0)
    same((len(charts(s)), document(s)["partial"]), (30, False))


def one_answer_for_all_replaces_nothing(s):
    """A Yahoo that says the same of every company is not believed."""
    warm(s)
    put(s, returns())
    drain(s)
    before = s.r.get(VALUE % INDEX)
    for kind in ("delisted", "missing", "html", "404", "400", "401", "consent"):
        s.post("/_/reset")
        s.post("/_/faults", "kind=%s%s\n" % (kind, CHART))
        ids = put(s, returns(force=True))
        for _ in range(20):
            # A breaker that is open, or a hold, puts it off.
            s.r.delete("stocknity:guard:{yahoo}")
            _later(s, *ids, *chunk_tasks(s).values())
            same(drain(s, TASK_MAX_ATTEMPTS=1).code, 0)
            if status(s, *ids) != ["scheduled"]:
                break
        same((status(s, *ids), s.r.get(VALUE % INDEX) == before),
             (["failed"], True), kind)
        assert task(s, ids[0])["e1"].split(" ", 1)[1].startswith("no-source: ")
        s.r.delete("stocknity:guard:{yahoo}", WORK % INDEX)


def nothing_is_cached_of_nothing(s):
    """No document without a figure, and the next one asks again."""
    warm(s, "kind=401" + CHART)
    ids = put(s, returns())
    same(drain(s, TASK_MAX_ATTEMPTS=1).code, 0)
    same((status(s, *ids), document(s)), (["failed"], None))
    assert "401" in task(s, ids[0])["e1"], task(s, ids[0])
    s.post("/_/reset")
    s.r.delete("stocknity:guard:{yahoo}")
    put(s, returns())
    same(drain(s).code, 0)
    same((len(charts(s)), document(s)["count"]), (30, 30))


def held_back_and_not_lost(s):
    """A document that lost too much waits, with its records, for the rest."""
    index = "NASDAQ 100"
    warm(s, index=index)
    put(s, returns(index))
    same(drain(s).code, 0)
    before = document(s, index)
    s.r.hset("stocknity:meta:{%s}" % (VALUE % index), "fresh_ms", 1)
    ids = put(s, returns(index, force=True))
    same(drain(s, "-n", "1", "--workers", "1").code, 0)
    chunk = s.r.hget(WORK % index, "task:2")
    same(run("enqueue", "--cancel", chunk, env=s.env()).code, 0)
    _drained(s, *ids, TASK_MAX_ATTEMPTS=1)
    same((status(s, *ids), document(s, index)), (["failed"], before))
    assert "cancelled: held back" in task(s, ids[0])["e1"], task(s, ids[0])
    missing = before["count"] - len(kept(s, index))
    same(missing, 50)
    s.post("/_/reset")
    put(s, returns(index))
    same(drain(s).code, 0)
    same((len(charts(s)), document(s, index)["count"]), (50, before["count"]))


def a_chunk_that_will_not_run_has_ended(s):
    """Cancelled, or failed as poison: the others' figures are not lost."""
    index = "NASDAQ 100"
    for how in ("cancelled", "poison"):
        warm(s, index=index)
        ids = put(s, returns(index))
        same(drain(s, "-n", "1", "--workers", "1").code, 0)
        chunk = chunk_tasks(s)["2/3"]
        if how == "cancelled":
            same(run("enqueue", "--cancel", chunk, env=s.env()).code, 0)
        else:
            s.r.zrem(KEY + "ready", chunk)
            s.r.hset(KEY + "task:" + chunk, mapping={
                "status": "processing", "tries": "0 4", "run": "1 x:1 1 1"})
            s.r.zadd(KEY + "processing", {chunk: 1})
        _drained(s, *ids)
        doc = document(s, index)
        same((status(s, *ids), doc["partial"], doc["total"] - doc["count"]),
             (["completed"], True, 50), how)
        if how == "poison":
            same(status(s, chunk), ["failed"])


def a_chunk_that_is_gone_gets_a_new_task(s):
    warm(s)
    put(s, returns())
    same(drain(s, "-n", "1", "--workers", "1").code, 0)
    chunk = chunk_tasks(s)["1/1"]
    s.r.delete(KEY + "task:" + chunk)
    s.r.zrem(KEY + "ready", chunk)
    s.r.hdel(KEY + "unique", "calculate_annual_returns|DJIA|1/1")
    _later(s, *[t.rsplit(":", 1)[1] for t in s.r.scan_iter(KEY + "task:*")])
    same(drain(s).code, 0)
    same((document(s)["count"], document(s)["partial"]), (30, False))


def a_cancelled_task_of_the_index_is_made_anew(s):
    """Its chunks go on, and somebody has to write the document."""
    warm(s)
    ids = put(s, returns())
    same(drain(s, "-n", "1", "--workers", "1").code, 0)
    same(run("enqueue", "--cancel", ids[0], env=s.env()).code, 0)
    same(drain(s).code, 0)
    same((status(s, *ids), document(s)["count"]), (["cancelled"], 30))


def a_work_too_long_is_written_as_it_is(s):
    """A source that is held for hours does not take with it what is known."""
    warm(s, "kind=429 retry-after=36000 after=20" + CHART)
    ids = put(s, returns())
    same(drain(s).code, 0)
    same((status(s, *ids), document(s)), (["scheduled"], None))
    known = kept(s)
    began = int(s.r.hget(WORK % INDEX, "began"))
    s.r.hset(WORK % INDEX, "began", began - 18001 * 1000000)
    _later(s, *ids)
    same(drain(s).code, 0)
    doc = document(s)
    same((status(s, *ids), doc["partial"], {x["Ticker"] for x in doc["data"]}),
         (["completed"], True, known))
    # The chunk that is late finds its work over, and asks nobody.
    s.post("/_/reset")
    s.r.delete("stocknity:guard:{yahoo}")
    _later(s, *chunk_tasks(s).values())
    same(drain(s).code, 0)
    same((charts(s), status(s, *chunk_tasks(s).values())), ({}, ["completed"]))


def a_record_of_another_work_is_not_kept(s):
    warm(s)
    put(s, returns())
    same(drain(s, "-n", "1", "--workers", "1").code, 0)
    ttl = s.r.ttl(WORK % INDEX)
    assert 21600 - 60 < ttl <= 21600, ttl
    chunk = chunk_tasks(s)["1/1"]
    with Drain(s, "--workers", "1", YAHOO_RATE_LIMIT="10") as d:
        wait_until(running(s, chunk), "the chunk")
        wait_until(lambda: kept(s), "a record")
        s.r.delete(WORK % INDEX)
        s.r.hset(WORK % INDEX, mapping={"fence": "1", "began": "1", "n": "1",
                                        "chunks": "1", "tickers": "AAPL"})
        wait_until(lambda: status(s, chunk) == ["completed"], "its end")
        d.end(signal.SIGTERM)
    same(kept(s), set())
    same(document(s), None)


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
        wait_until(lambda: len(kept(s)) > 4, "five records")
        os.kill(int(task(s, chunk)["owner"].rsplit(":", 1)[1]), signal.SIGKILL)
        d.end(signal.SIGTERM)
    known = kept(s)
    assert 5 <= len(known) < 30, known
    s.post("/_/reset")
    s.r.zadd(KEY + "processing", {chunk: 1})  # its lease has run out
    same(drain(s).code, 0)
    same(len(charts(s)), 30 - len(known))
    same((document(s)["count"], document(s)["partial"]), (30, False))


def rate_and_progress(s):
    """Yahoo's own limit holds, and the task says how far it is."""
    warm(s)
    ids = put(s, returns())
    same(drain(s, "-n", "1", "--workers", "1").code, 0)
    chunk, seen = chunk_tasks(s)["1/1"], set()
    began = time.monotonic()
    with Drain(s, "--workers", "2", YAHOO_RATE_LIMIT="10", TASK_LEASE="1") as d:
        wait_until(lambda: seen.add(task(s, chunk).get("progress")) or
                   any(p and p.endswith("of 30 companies") for p in seen),
                   "progress")
        wait_until(lambda: "of 30 companies" in (task(s, ids[0])["put_off"] or ""),
                   "that of the index")
        same(d.end(timeout=60), 0)
    assert time.monotonic() - began >= 29 / 10 - 0.2
    same(document(s)["count"], 30)


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
