"""fetch --returns: annual returns here and now, by whoever is first, and what is
left of it when that fails."""
import csv
import io
import json
import re
import signal
import subprocess

from drain_kit import Drain, put, status, world
from harness import main, program, same, tests_of, wait_until
from returns_kit import (CHART, HEAD, INDEX, NAMES, VALUE, WORK, charts,
                         document, kept, returns, warm)


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


def a_partial_one_replaces_no_fresh_one(s):
    warm(s)
    same(s.fetch("--returns", "--index", INDEX).code, 0)
    before = s.r.get(VALUE % INDEX)
    s.post("/_/faults", "kind=503%s after=26\n" % CHART)
    r = s.fetch("--returns", "--index", INDEX, "--refresh")
    same((r.code, r.doc["partial"]), (4, True))
    assert "not cached" in r.err and "the cached one has 30" in r.err, r.err
    same(s.r.get(VALUE % INDEX), before)
    same(s.fetch("--returns", "--index", INDEX).code, 0)


def _begun(s, *args, **env):
    """fetch --returns in the background, with its output."""
    return subprocess.Popen([program("fetch"), "--returns", "--index", INDEX, *args],
                            env=s.env(**env), text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)


def one_asks_for_all(s):
    """Eight cold readers: one sweep, whose document all of them print."""
    warm(s)
    readers = [_begun(s, YAHOO_RATE_LIMIT="40") for _ in range(8)]
    outs = {r.communicate(timeout=60) for r in readers}
    same((len(outs), [r.returncode for r in readers]), (1, [0] * 8))
    same((len(charts(s)), set(charts(s).values())), (30, {1}))


def the_second_goes_on_where_the_first_failed(s):
    """Whoever waits for one that fails asks for the rest."""
    warm(s, "kind=404 count=2%s/MSFT" % CHART)
    first = _begun(s, YAHOO_RATE_LIMIT="15")
    wait_until(lambda: kept(s), "the first")
    second = _begun(s, YAHOO_RATE_LIMIT="15")
    a, b = first.communicate(timeout=60)[0], second.communicate(timeout=60)[0]
    # it takes what came of it: partial, but newer than it had
    same((first.returncode, second.returncode), (4, 4))
    same((json.loads(a)["count"], b), (29, a))
    r = s.fetch("--returns", "--index", INDEX, "--refresh")
    same((r.code, r.doc["count"]), (0, 30))


def what_is_known_is_kept(s):
    """A signal takes nothing with it but the rest."""
    warm(s)
    p = _begun(s, YAHOO_RATE_LIMIT="15")
    wait_until(lambda: len(kept(s)) > 5, "some")
    p.send_signal(signal.SIGTERM)
    same((p.communicate(timeout=10)[0], p.returncode), ("", 128 + 15))
    known = kept(s)
    assert 5 < len(known) < 30, known
    s.post("/_/reset")
    r = s.fetch("--returns", "--index", INDEX)
    same((r.code, r.doc["count"]), (0, 30))
    same(len(charts(s)), 30 - len(known))
    same(s.r.exists(WORK % INDEX), 0)


def workers_at_the_same_work_help(s):
    """What the queue has done is not asked for again, and the other way round."""
    index = "NASDAQ 100"
    warm(s, index=index)
    ids = put(s, returns(index))
    with Drain(s, "--workers", "1", "--wait", "-t", "60", YAHOO_RATE_LIMIT="40") as d:
        wait_until(lambda: len(kept(s, index)) > 5, "some")
        r = s.fetch("--returns", "--index", index, YAHOO_RATE_LIMIT="40")
        wait_until(lambda: status(s, *ids) == ["completed"], "the task")
        d.end(signal.SIGTERM)
    same((r.code, r.doc["count"]), (0, 101))
    twice = [t for t, n in charts(s).items() if n > 1]
    assert len(twice) <= 50, "no more than the chunk where they met: %r" % twice
    same(document(s, index)["data_hash"], r.doc["data_hash"])


def each_index_for_itself(s):
    """One that cannot be had is no reason to ask for no other."""
    warm(s)
    r = s.fetch("--returns", "--index", "RUSSELL 2000", "--index", INDEX)
    same((r.code, r.doc["index"], r.doc["count"]), (66, INDEX, 30), r)
    assert "RUSSELL 2000" in r.err, r


def on_a_terminal_words_are_clean(s):
    warm(s)
    doc = s.fetch("--returns", "--index", INDEX).doc
    doc["data"][0].update(currency="U\x1b[1m", error="\x1b]0;x\x07 odd")
    text = json.dumps(doc, separators=(",", ":"))
    s.r.set(VALUE % INDEX, text)
    s.r.hset("stocknity:meta:{%s}" % (VALUE % INDEX), "bytes", len(text))
    table = s.fetch("--returns", "--index", INDEX, "--format", "table").out
    assert "U?[1m" in table and "?]0;x? odd" in table, table
    assert "\x1b" not in table and "\x07" not in table, table


def beside_a_dataset(s):
    """As fields of it: chosen, sorted by, in every format, by ticker."""
    warm(s)
    args = ("--index", INDEX, "--fields", "Ticker,price,expected_annual_return,"
            "expected_annual_risk,return_risk_ratio", "--sort", "-return_risk_ratio")
    r = s.fetch(*args)
    same((r.code, len(charts(s))), (0, 0))
    assert "no annual returns of DJIA are cached" in r.err, r.err
    assert "returns_fetched_at" not in r.doc, r.doc.keys()
    same({x["expected_annual_return"] for x in r.doc["data"]}, {None})
    returns_of = s.fetch("--returns", "--index", INDEX).doc
    want = {x["Ticker"]: x for x in returns_of["data"]}
    r = s.fetch(*args)
    same((r.code, r.err, r.doc["count"], r.doc["missing_fields"]), (0, "", 30, []))
    same(r.doc["returns_fetched_at"], returns_of["fetched_at"])
    same(list(r.doc["data"][0]), ["Ticker", "price", "expected_annual_return",
                                  "expected_annual_risk", "return_risk_ratio",
                                  "Index", "Last_Updated"])
    for x in r.doc["data"]:
        for name in list(x)[2:5]:
            same(x[name], want[x["Ticker"]][name], x)
    ratios = [x["return_risk_ratio"] for x in r.doc["data"]]
    same(ratios, sorted(ratios, reverse=True))
    rows = list(csv.DictReader(io.StringIO(s.fetch(*args, "--format", "csv").out)))
    same([float(x["return_risk_ratio"]) for x in rows], ratios)
    table = s.fetch(*args, "--format", "table").out
    assert "Return p.a." in table and "Risk p.a." in table, table
    assert re.search(r"^return and risk from yahoo, fetched \d+ s ago$", table,
                     re.M), table
    same(s.fetch("--index", INDEX, "--sort", "-Return p.a.", "--limit", "1",
                 "--fields", "Ticker").doc["data"][0]["Ticker"],
         max(want.values(), key=lambda x: x["expected_annual_return"])["Ticker"])
    # It is no field of a dataset: not stored, and no gap of it to be filled.
    assert "expected_annual" not in s.fetch("--index", INDEX).out
    assert "expected_annual" not in s.r.get("stock_data:DJIA:Any")
    same(s.fetch("--index", INDEX, "--fill=expected_annual_return").code, 64)


def beside_by_ticker_and_stale(s):
    warm(s)
    doc = s.fetch("--returns", "--index", INDEX).doc
    s.r.hset("stocknity:meta:{%s}" % (VALUE % INDEX), "fresh_ms", 1)
    doc["data"] = [dict(doc["data"][5], Ticker="MSFT"), {"Ticker": 7}, 8,
                   dict(doc["data"][6], Ticker="NONE")]
    text = json.dumps(dict(doc, fresh_until="2020-01-01T00:00:00Z"),
                      separators=(",", ":"))
    s.r.set(VALUE % INDEX, text)
    s.r.hset("stocknity:meta:{%s}" % (VALUE % INDEX), "bytes", len(text))
    args = ("--index", INDEX, "--fields", "Ticker,expected_annual_return")
    got = {x["Ticker"]: x["expected_annual_return"] for x in s.fetch(*args).doc["data"]}
    same({t for t, v in got.items() if v is not None}, {"MSFT"})
    same((len(got), got["MSFT"]), (30, doc["data"][0]["expected_annual_return"]))
    assert "ago, STALE" in s.fetch(*args, "--format", "table").out


if __name__ == "__main__":
    main(tests_of(globals()), world)
