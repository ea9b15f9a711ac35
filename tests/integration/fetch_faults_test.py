"""fetch where a source misbehaves: broken and changed pages, sessions that end,
sources that are not there."""
import concurrent.futures
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from fetch_kit import DJIA, pages  # noqa: E402
from harness import main, same, Servers, tests_of  # noqa: E402


def failing_page_is_asked_once_more(s):
    for kind in ("kind=reset", "kind=short", "kind=502",
                 "kind=cut", "kind=badgzip"):
        s.fresh(kind + " path=/screener after=1 count=1")
        r = s.fetch("--index", DJIA)
        same((r.code, r.doc["source"], r.doc["count"]), (0, "finviz", 30),
             kind + " %r" % r)
        same(len(pages(s)), 3, kind)


def unreadable_pages_name_the_fault(s):
    cases = [
        ("kind=layout", 65, "table"),
        ("kind=figure to=NaN", 65, "NaN"),
        ("kind=figure to=inf", 65, "inf"),
        ("kind=figure to=1e999", 65, "1e999"),
        ("kind=control", 65, "ticker"),
        ("kind=wide", 65, "512 cells"),
        ("kind=endless n=64", 65, "8 MiB"),
        ("kind=bomb", 65, "8 MiB"),
        ("kind=loop", 69, "redirect"),
        ("kind=redirect to=http://other.invalid/x", 69, "other.invalid"),
        ("kind=404", 69, "404"),
    ]
    for fault, code, text in cases:
        s.fresh(fault + " path=/screener")
        r = s.fetch("--index", DJIA, "--source", "finviz")
        same(r.code, code, "%s: %r" % (fault, r))
        assert text in r.err, "%s: %r lacks %r" % (fault, r.err, text)
        same(s.cli("EXISTS", "stock_data:DJIA:Any"), "0", fault)
        assert len(pages(s)) <= 14, "%s: %d calls" % (fault, len(pages(s)))


def stalled_source_is_given_up(s):
    s.fresh("kind=stall n=20 path=/screener", )
    r = s.fetch("--index", DJIA, "--source", "finviz", STALL_TIMEOUT=1)
    same(r.code, 69, r)
    assert r.seconds < 10, r.seconds
    s.fresh("kind=silence n=20 path=/screener")
    r = s.fetch("--index", DJIA, "--source", "finviz", REQUEST_TIMEOUT=1)
    same(r.code, 69, r)
    assert r.seconds < 8, r.seconds


def moved_and_renamed_columns_are_found_by_their_header(s):
    s.fresh()
    want = s.fetch("--index", DJIA).doc["data"]
    for c in want:
        c.pop("Last_Updated")
    s.fresh("kind=reorder path=/screener")
    got = s.fetch("--index", DJIA).doc["data"]
    for c in got:
        c.pop("Last_Updated")
    same(got, want)
    s.fresh("kind=rename column=7 to=Kurs path=/screener")
    r = s.fetch("--index", DJIA)
    same((r.code, r.doc["missing_fields"][:9].count("pe")), (0, 1), r)
    same({c["pe"] for c in r.doc["data"]}, {None})


def refused_columns_fall_back_to_the_classic_views(s):
    s.fresh()
    want = {c["Ticker"]: c for c in s.fetch("--index", DJIA).doc["data"]}
    s.fresh("kind=refuse path=/screener")
    r = s.fetch("--index", DJIA)
    same((r.code, r.doc["count"], r.doc["source"]), (0, 30, "finviz"), r)
    missing = set(r.doc["missing_fields"]) | {"Last_Updated"}
    for c in r.doc["data"]:
        for name, value in c.items():
            if name not in missing:
                same(value, want[c["Ticker"]][name], c["Ticker"] + " " + name)
    assert len(r.doc["missing_fields"]) < 40, r.doc["missing_fields"]


def total_that_changes_restarts_the_sweep_once(s):
    s.fresh("kind=count n=1 path=/screener after=2 count=1")
    r = s.fetch("--sector", "Technology")
    same((r.code, r.doc["source"]), (0, "finviz"), r)
    s.fresh("kind=count n=1 path=/screener after=1 count=1",
            "kind=count n=2 path=/screener after=3 count=1")
    # The second rule sees only what the first lets pass.
    r = s.fetch("--source", "finviz")
    assert r.code in (0, 65), r
    s.fresh("kind=shrink n=100 path=/screener after=5")
    r = s.fetch()
    same((r.code, r.doc["source"], r.doc["count"]), (0, "finviz", 403), r)


def missing_row_is_asked_for(s):
    s.fresh()
    want = s.fetch("--index", DJIA).doc
    s.fresh("kind=missing n=2 path=/screener count=1")
    r = s.fetch("--index", DJIA)
    same((r.code, r.doc["count"], r.doc["data_hash"]),
         (0, 30, want["data_hash"]), r)
    assert len(pages(s)) <= 4, len(pages(s))


def duplicated_row_is_dropped(s):
    s.fresh("kind=twice n=3 path=/screener after=1 count=1")
    r = s.fetch("--index", DJIA)
    same((r.code, r.doc["count"]), (0, 30), r)


def shrunken_sweep_is_held_back(s):
    s.fresh()
    good = s.fetch()
    s.post("/_/faults", "kind=shrink n=150 path=/screener\n")
    r = s.fetch("--source", "finviz")
    same(r.code, 3, r)
    assert "held back" in r.err, r.err
    same(s.cli("GET", "stock_data:S&P 500:Any") + "\n", good.out)
    # Ten minutes later it agrees with itself.
    meta = "stocknity:meta:{stock_data:S&P 500:Any}"
    held = int(s.cli("HGET", meta, "held_at_us"))
    s.cli("HSET", meta, "held_at_us", str(held - 601 * 1000000))
    r = s.fetch("--source", "finviz")
    same((r.code, r.doc["count"]), (0, 353), r)


def yahoo_session_is_made_once_and_shared(s):
    s.fresh()
    r = s.fetch("--index", DJIA, "--source", "yahoo")
    same((r.code, r.doc["count"], r.doc["source"]), (0, 30, "yahoo"), r)
    paths = [c["path"] for c in s.calls()]
    same(paths, ["/cookie", "/v1/test/getcrumb", "/v7/finance/quote"])
    s.fetch("--index", DJIA, "--source", "yahoo")
    paths = [c["path"] for c in s.calls()]
    same(paths[3:], ["/v7/finance/quote"])


def yahoo_crumb_is_refreshed_once_for_all(s):
    s.fresh("kind=crumb path=/v7 count=1")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(
            lambda i: s.fetch("--index", ("S&P 500", DJIA, "NASDAQ 100", DJIA)[i],
                              "--source", "yahoo"), range(4)))
    # Three companies of the list have no price in the market: rows missing.
    same([r.code for r in runs], [4, 0, 0, 0], runs)
    crumbs = [c for c in s.calls() if c["path"].endswith("getcrumb")]
    same(len(crumbs), 2)
    s.fresh("kind=crumb path=/v7")
    r = s.fetch("--index", DJIA, "--source", "yahoo")
    same(r.code, 69, r)
    crumbs = [c for c in s.calls() if c["path"].endswith("getcrumb")]
    assert len(crumbs) <= 2, len(crumbs)


def yahoo_answers_that_are_none(s):
    for fault, code in (("kind=html path=/v7", 65),
                        ("kind=consent path=/v7", 69),
                        ("kind=429 path=/v7", 75),
                        ("kind=429 path=/v1/test/getcrumb", 75)):
        s.fresh(fault)
        r = s.fetch("--index", DJIA, "--source", "yahoo")
        same(r.code, code, "%s: %r" % (fault, r))
    log = s.fetch("--index", DJIA, "--source", "yahoo", "-v", "-v").err
    assert "crumb=" not in log, log


def breaker_opens_and_is_shared(s):
    s.fresh("kind=500 path=/screener")
    for _ in range(3):
        s.fetch("--index", DJIA, "--source", "finviz")
    before = len(pages(s))
    same(before, 5)
    r = s.fetch("--index", DJIA, "--source", "finviz")
    same(r.code, 75, r)
    assert "open" in r.err, r.err
    same(len(pages(s)), before)


def unreachable_sources(s):
    s.fresh()
    for url, text in (("http://name.invalid", "name.invalid"),
                      ("http://127.0.0.1:1", "127.0.0.1"),
                      ("https" + s.url[4:], "127.0.0.1")):
        r = s.fetch("--index", DJIA, "--source", "finviz", FINVIZ_URL=url)
        same(r.code, 69, "%s %r" % (url, r))
        assert text in r.err, r.err
        s.cli("FLUSHALL")


if __name__ == "__main__":
    main(tests_of(globals()), Servers)
