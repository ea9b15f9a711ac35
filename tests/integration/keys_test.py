"""The sources behind keys against the market server: each by its own protocol,
its quota, what it refuses with, and that a key shows nowhere."""
import json
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from fetch_kit import DJIA  # noqa: E402
from harness import (main, program, run, same, Servers,  # noqa: E402
                     tests_of, wait_until)

KEY = "s3cret+key"
TECH = ("--index", DJIA, "--sector", "Technology")
GUARD = "stocknity:guard:{%s}"
PATHS = {"alphavantage": "/query", "polygon": "/v2/aggs", "iex": "/stable"}


def _env(s, **more):
    return {"ALPHAVANTAGE_KEY": KEY, "ALPHAVANTAGE_URL": s.url,
            "ALPHAVANTAGE_RATE_LIMIT": 1000, "POLYGON_KEY": KEY,
            "POLYGON_URL": s.url + "/", "IEX_TOKEN": KEY,
            "IEX_URL": s.url + "/stable", "IEX_RATE_LIMIT": 1000, **more}


def _fetch(s, source, *args, **more):
    return s.fetch("--source", source, *(args or TECH), **_env(s, **more))


def _by_ticker(doc):
    return {c["Ticker"]: c for c in doc["data"]}


def _members(s):
    """How many companies DJIA / Technology has, by a sweep of Finviz."""
    s.fresh()
    return s.fetch(*TECH).doc["count"]


def _agree(got, want, fields):
    for ticker, company in want.items():
        for name in fields:
            same(got[ticker][name], company[name], ticker + " " + name)


def alphavantage_makes_two_calls_a_company(s):
    s.fresh()
    want = _by_ticker(s.fetch(*TECH).doc)
    s.fresh()
    r = _fetch(s, "alphavantage")
    same((r.code, r.doc["source"], r.doc["count"]),
         (0, "alphavantage", len(want)), r)
    same(r.doc["origin"], s.url)
    calls = s.calls()
    same([c["path"] for c in calls], ["/query"] * 2 * len(want))
    assert all("apikey=s3cret%2Bkey" in c["query"] for c in calls), calls
    got = _by_ticker(r.doc)
    _agree(got, want, ["price", "Prev Close", "Volume", "pe", "fpe", "peg",
                       "pb", "dividend", "roe", "ROA", "beta", "insider_own",
                       "Sector", "Company"])
    for ticker, c in got.items():  # Finviz rounds these for its pages
        for name in ("Market Cap", "Outstanding"):
            assert abs(c[name] / want[ticker][name] - 1) < 5e-3, (ticker, name)
    same({c["Target Price"] for c in got.values()}, {None}, "None")
    same(r.doc["missing_fields"].count("pc"), 1)


def polygon_makes_three_calls_for_an_index(s):
    s.fresh()
    want = _by_ticker(s.fetch("--index", DJIA).doc)
    s.fresh()
    r = _fetch(s, "polygon", "--index", DJIA)
    same((r.code, r.doc["source"], r.doc["count"]), (0, "polygon", 30), r)
    days = "/v2/aggs/grouped/locale/us/market/stocks/"
    same([c["path"] for c in s.calls()],
         ["/v2/aggs/ticker/SPY/prev", days + "2025-08-20", days + "2025-08-19"])
    same([c["query"] for c in s.calls()], ["adjusted=true"] * 3)
    got = _by_ticker(r.doc)
    _agree(got, want, ["price", "Prev Close", "Volume", "Sector"])
    for c in got.values():
        same(c["Change"], (c["price"] - c["Prev Close"]) / c["Prev Close"])
    for name in ("pe", "fpe", "pb", "dividend", "beta", "Market Cap"):
        same({c[name] for c in got.values()}, {None}, name)
        assert name in r.doc["missing_fields"], name


def polygon_finds_class_shares_by_their_dot(s):
    s.fresh()
    r = _fetch(s, "polygon", "--sector", "Financial")
    assert r.code in (0, 4), r
    assert "BRK-B" in _by_ticker(r.doc), "BRK.B"


def polygon_walks_over_a_holiday(s):
    s.fresh("kind=holiday path=/v2/aggs/grouped count=1")
    r = _fetch(s, "polygon", "--index", DJIA, POLYGON_MINUTE_QUOTA=1000)
    same(r.code, 0, r)
    same([c["path"][-10:] for c in s.calls()[1:]],
         ["2025-08-20", "2025-08-19", "2025-08-18"])
    # Two equal days: no change, by the bars of the market.
    same({c["Change"] for c in r.doc["data"]}, {0})
    s.fresh("kind=holiday path=/v2/aggs/grouped after=1")
    r = _fetch(s, "polygon", "--index", DJIA, POLYGON_MINUTE_QUOTA=1000)
    same(r.code, 65, r)
    same(len(s.calls()), 9, "days that it looks back")


def iex_asks_in_batches(s):
    s.fresh()
    want = _by_ticker(s.fetch().doc)
    s.fresh()
    r = _fetch(s, "iex", "--index", "S&P 500")
    same((r.code, r.doc["source"]), (4, "iex"), r)
    same([c["path"] for c in s.calls()], ["/stable/stock/market/batch"] * 6)
    got = _by_ticker(r.doc)
    assert len(got) > 490 and "BRK-B" in got, len(got)
    _agree(got, {t: want[t] for t in got if t in want},
           ["price", "Change", "Volume", "Prev Close", "pe", "dividend",
            "beta", "Industry", "Perf Year"])
    same({c["pb"] for c in got.values()}, {None})


def iex_without_an_address_says_that_it_ended(s):
    s.fresh()
    r = _fetch(s, "iex", IEX_URL=None)
    same((r.code, len(s.calls())), (69, 0), r)
    assert "2024-08-31" in r.err and "IEX_URL" in r.err, r.err


def dataset_larger_than_the_day_is_refused_whole(s):
    s.fresh()
    r = _fetch(s, "alphavantage", "--index", DJIA)
    same((r.code, len(s.calls())), (69, 0), r)
    assert "30 companies take 60 calls, and its day has 25" in r.err, r.err
    r = s.fetch("--index", DJIA, **_env(s, SOURCES="alphavantage,yahoo"))
    same((r.code, r.doc["source"]), (0, "yahoo"), r)
    r = _fetch(s, "alphavantage", "--index", DJIA, ALPHAVANTAGE_DAY_QUOTA=0)
    same((r.code, r.doc["count"]), (0, 30), r)


def quota_of_the_day_is_kept_and_ends_at_midnight(s):
    n = _members(s)
    quota = 2 * n + 1
    s.fresh()
    same(_fetch(s, "alphavantage", ALPHAVANTAGE_DAY_QUOTA=quota).code, 0)
    key = GUARD % "alphavantage"
    same(s.cli("HGET", key, "day_used"), str(2 * n))
    # One call is left, which does not do: none is made.
    r = _fetch(s, "alphavantage", *TECH, "--refresh",
               ALPHAVANTAGE_DAY_QUOTA=quota)
    same((r.code, r.doc.get("stale")), (3, True), r)
    same(r.doc["attempts"][0]["error"], "rate-limited", r.doc["attempts"])
    assert 0 < r.doc["attempts"][0]["retry_after"] <= 25 * 3600, r.out[:300]
    assert "quota of its day" in r.err, r.err
    same(len(s.calls()), 2 * n)
    r = s.fetch(*TECH, "--refresh", **_env(
        s, SOURCES="alphavantage,yahoo", ALPHAVANTAGE_DAY_QUOTA=quota))
    same((r.code, r.doc["source"]), (0, "yahoo"), r)
    r = run("status", "--sources", env=s.env(**_env(
        s, SOURCES="alphavantage", ALPHAVANTAGE_DAY_QUOTA=quota)))
    assert "1 of %d calls left today" % quota in r.out, r.out
    # As if the day had changed.
    s.cli("HINCRBY", key, "day", "-1")
    r = _fetch(s, "alphavantage", *TECH, "--refresh",
               ALPHAVANTAGE_DAY_QUOTA=quota)
    same((r.code, r.doc["source"]), (0, "alphavantage"), r)
    same(s.cli("HGET", key, "day_used"), str(2 * n))


def a_call_that_is_made_again_was_not_booked(s):
    # Six companies, twelve calls, and one of them fails.
    for quota, code, calls in ((12, 69, 2), (13, 0, 13)):
        s.fresh("kind=502 path=/query after=1 count=1")
        r = _fetch(s, "alphavantage", ALPHAVANTAGE_DAY_QUOTA=quota)
        same((r.code, len(s.calls())), (code, calls), r)
        same(s.cli("HMGET", GUARD % "alphavantage", "day_used", "booked")
             .split(), [str(calls)])
        if code != 0:
            # What failed is said, and not that the day was booked, by itself.
            (attempt,) = r.doc["attempts"]
            same((attempt["error"], attempt.get("retry_after")),
                 ("upstream", None), r)
            assert "502" in r.err and "booked" not in r.err, r.err


def calls_of_a_fetch_under_way_are_booked(s):
    # 12 calls and 8, but no more than 19 a day.
    other = ("--index", "NASDAQ 100", "--sector", "Utilities")
    quota = {"ALPHAVANTAGE_DAY_QUOTA": 19}
    for more in (quota, {"REDIS_URL": "unix:///nowhere",
                         "STATE_DIR": s.dir + "/booked", **quota}):
        s.fresh("kind=stall n=30 path=/query count=1")
        child = subprocess.Popen(
            [program("fetch"), "--source", "alphavantage", *TECH],
            env=s.env(**_env(s, **more)), stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        wait_until(s.calls, "the first call")
        if more is quota:
            r = run("status", "--sources", env=s.env(**_env(
                s, SOURCES="alphavantage", **quota)))
            assert " 7 of 19 calls left today" in r.out, r.out
        r = _fetch(s, "alphavantage", *other, **more)
        same((r.code, len(s.calls())), (75, 1), r)
        assert "booked by others" in r.err, r.err
        # Its holder needs them no more.
        child.send_signal(signal.SIGTERM)
        same(child.wait(5), 128 + signal.SIGTERM)
        r = _fetch(s, "alphavantage", *other, **more)
        same((r.code, len(s.calls())), (0, 9), r)


def source_says_that_the_day_is_over(s):
    s.fresh("kind=quota path=/query after=3 count=1 retry-after=1")
    r = _fetch(s, "alphavantage")
    same(r.code, 75, r)
    assert KEY not in r.err + r.out, r
    same(len(s.calls()), 4, "it is not asked again")
    r = _fetch(s, "alphavantage", "--index", "NASDAQ 100", "--sector",
               "Utilities")
    same((r.code, len(s.calls())), (75, 4), r)
    assert r.doc["attempts"][0]["retry_after"] > 60, r.out
    held = int(s.cli("HGET", GUARD % "alphavantage", "hold_until_us"))
    now = int(s.cli("TIME").split()[0])
    # Midnight of New York: a full hour of UTC, 4:00 or 5:00.
    moment = round(held / 1e6) % 86400
    assert min(abs(moment - h * 3600) for h in (4, 5)) < 5, moment
    assert 0 <= held / 1e6 - now <= 25 * 3600, held / 1e6 - now


def burst_is_waited_out(s):
    s.fresh("kind=burst path=/query after=2 count=1")
    r = _fetch(s, "alphavantage")
    same(r.code, 0, r)
    assert r.seconds > 1.9, r.seconds
    s.fresh("kind=burst path=/query count=1")
    same(_fetch(s, "alphavantage").code, 75)


def polygon_never_makes_more_than_its_minute(s):
    s.fresh()
    same(_fetch(s, "polygon", "--index", DJIA).code, 0)
    r = _fetch(s, "polygon", "--index", DJIA, "--refresh")
    same((r.code, r.doc.get("stale")), (3, True), r)
    same(len(s.calls()), 3)
    s.fresh("kind=quota path=/v2/aggs")
    r = _fetch(s, "polygon", "--index", DJIA)
    same((r.code, len(s.calls())), (75, 1), r)


def refused_keys_are_answered_by_the_next_source(s):
    for source, name in (("alphavantage", "ALPHAVANTAGE_KEY"),
                         ("polygon", "POLYGON_KEY"), ("iex", "IEX_TOKEN")):
        s.fresh()
        r = _fetch(s, source, **{name: "wrong-key"})
        same((r.code, len(s.calls())), (69, 1), source + " %r" % r)
        assert "wrong-key" not in r.err + r.out, r
        s.fresh()
        r = s.fetch(*TECH, **_env(s, SOURCES=source + ",finviz",
                                  **{name: "wrong-key"}))
        same((r.code, r.doc["source"]), (0, "finviz"), r)
        assert "source=%s rc=blocked" % source in r.err, r.err


def plan_that_lacks_it_is_not_asked_again(s):
    for source in ("alphavantage", "polygon"):
        s.fresh("kind=premium path=" + PATHS[source])
        r = _fetch(s, source)
        same((r.code, len(s.calls())), (69, 1), source + " %r" % r)


def sources_are_tried_in_their_order(s):
    s.fresh("kind=503 path=/screener", "kind=quota path=/query")
    r = s.fetch(*TECH, **_env(s, SOURCES="finviz,alphavantage,polygon,yahoo"))
    same((r.code, r.doc["source"]), (0, "polygon"), r)
    assert "source=finviz rc=upstream" in r.err, r.err
    assert "source=alphavantage rc=rate-limited" in r.err, r.err


def source_without_a_key_is_passed_over(s):
    s.fresh()
    r = s.fetch("--index", DJIA, SOURCES="polygon,iex,alphavantage,finviz")
    same((r.code, r.doc["source"], r.err), (0, "finviz", ""), r)
    # It does not make a limit into a failure,
    s.fresh("kind=429 retry-after=7 path=/screener")
    r = s.fetch("--index", DJIA, SOURCES="polygon,finviz")
    same(r.code, 75, r)
    same([a["source"] for a in r.doc["attempts"]], ["polygon", "finviz"])
    assert "POLYGON_KEY" in r.doc["attempts"][0]["message"], r.out
    # and alone it is no source.
    r = s.fetch("--index", DJIA, SOURCES="polygon,alphavantage,iex")
    same((r.code, [a["source"] for a in r.doc["attempts"]]),
         (69, ["polygon", "alphavantage", "iex"]), r)
    same(len([c for c in s.calls() if c["path"] != "/screener"]), 0)
    env = s.env(SOURCES="polygon,finviz")
    out = run("status", "--sources", env=env).out
    assert "polygon     passed over: no key: POLYGON_KEY is not set" in out, out
    doc = json.loads(run("status", "--sources", "--json", env=env).out)
    same([(d["name"], d["off"]) for d in doc],
         [("polygon", "no key: POLYGON_KEY is not set"), ("finviz", None)])


def broken_answers_are_asked_for_once_more(s):
    for source, path in PATHS.items():
        for kind in ("reset", "short", "502", "cut", "badgzip"):
            s.fresh("kind=%s path=%s after=1 count=1" % (kind, path))
            r = _fetch(s, source, "--index", DJIA, "--sector",
                       "Technology", POLYGON_MINUTE_QUOTA=1000) \
                if source != "iex" else _fetch(s, source, "--index", "S&P 500")
            assert r.code == (4 if source == "iex" else 0), \
                "%s %s: %r" % (source, kind, r)


def unreadable_answers_name_the_fault(s):
    for source, path in PATHS.items():
        for kind, code, text in (("html", 65, "HTML"),
                                 ("figure to=1e999", 65, ""),
                                 ("endless n=64", 65, "8 MiB"),
                                 ("redirect to=http://other.invalid/x", 69,
                                  "other.invalid"),
                                 ("500", 69, "500")):
            s.fresh("kind=%s path=%s" % (kind, path))
            r = _fetch(s, source, POLYGON_MINUTE_QUOTA=1000)
            same(r.code, code, "%s %s: %r" % (source, kind, r))
            assert text in r.err, "%s: %r lacks %r" % (kind, r.err, text)
            assert KEY not in r.err and "s3cret" not in r.err, r.err


def companies_that_a_source_lacks_are_missing_rows(s):
    s.fresh("kind=missing path=/query match=MSFT")
    n = _members(s)
    s.fresh("kind=missing path=/query match=symbol%3DMSFT")
    r = _fetch(s, "alphavantage")
    same((r.code, r.doc["partial"], r.doc["count"]), (4, True, n - 1), r)
    same(len(s.calls()), 2 * n - 1, "no overview of what has no quote")


def keys_show_nowhere(s):
    for source in PATHS:
        s.fresh()
        r = _fetch(s, source, *TECH, "-v", "-v")
        same(r.code, 0, r)
        dump = r.out + r.err + s.cli("KEYS", "*")
        for key in s.cli("KEYS", "*").split("\n"):
            for command in ("GET", "HGETALL"):
                dump += s.cli("--no-raw", command, key)
        assert "s3cret" not in dump, source
    r = run("fetch", "--settings", env=s.env(**_env(s)))
    assert "s3cret" not in r.out and "POLYGON_KEY=(set)" in r.out, r.out


def without_redis_the_day_is_kept_in_the_file(s):
    n = _members(s)
    nowhere = {"REDIS_URL": "unix:///nowhere", "STATE_DIR": s.dir + "/state"}
    s.fresh()
    r = _fetch(s, "alphavantage", ALPHAVANTAGE_DAY_QUOTA=2 * n, **nowhere)
    same(r.code, 0, r)
    r = _fetch(s, "alphavantage", ALPHAVANTAGE_DAY_QUOTA=2 * n, **nowhere)
    same((r.code, len(s.calls())), (75, 2 * n), r)


if __name__ == "__main__":
    main(tests_of(globals()), Servers)
