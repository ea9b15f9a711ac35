"""fetch --fill and FILL_FIELDS: gaps of the first source filled from the others,
by ticker, with the source of each figure told."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from fetch_kit import DJIA, MEMBERS, pages  # noqa: E402
from harness import (  # noqa: E402
    main, program, same, Servers, tests_of, wait_until)

NO_BETA = "kind=rename column=48 to=Kurs path=/screener"
NO_PE = "kind=rename column=7 to=Kurs path=/screener"
BACKWARDS = "yahoo,finviz"


def _quotes(s):
    return [c for c in s.calls() if c["path"] == "/v7/finance/quote"]


def _by_ticker(doc):
    return {c["Ticker"]: c for c in doc["data"]}


def _alone(s, source):
    """What a source says by itself."""
    s.fresh()
    return s.fetch("--index", DJIA, "--source", source).doc


def a_field_that_finviz_lacks_is_yahoos(s):
    yahoo = _by_ticker(_alone(s, "yahoo"))
    finviz = _by_ticker(_alone(s, "finviz"))
    s.fresh(NO_PE)
    r = s.fetch("--index", DJIA, "--fill")
    same((r.code, r.doc["source"], r.doc["count"], r.err),
         (0, "finviz", 30, ""), r)
    have = [t for t in yahoo if yahoo[t]["pe"] is not None]
    want = {"pe": "yahoo" if len(have) == 30 else {"yahoo": len(have)}}
    same(r.doc["filled"], want)
    same("pe" in r.doc["missing_fields"], len(have) < 30)
    for t, c in _by_ticker(r.doc).items():
        for name, value in c.items():
            if name != "Last_Updated":
                same(value, (yahoo if name == "pe" else finviz)[t][name],
                     t + " " + name)
    same(len(_quotes(s)), 1, "one sweep of the filler")


def what_yahoo_lacks_is_finvizs(s):
    yahoo, finviz = _alone(s, "yahoo"), _alone(s, "finviz")
    lacking = set(yahoo["missing_fields"])
    s.fresh()
    r = s.fetch("--index", DJIA, "--fill", SOURCES=BACKWARDS)
    same((r.code, r.doc["source"], len(_quotes(s)), len(pages(s))),
         (0, "yahoo", 1, 2), r)
    filled = r.doc["filled"]
    mine, theirs = _by_ticker(yahoo), _by_ticker(finviz)
    for name in lacking:
        n = sum(c[name] is not None for c in finviz["data"])
        same(filled.get(name),
             "finviz" if n == 30 else {"finviz": n} if n else None, name)
        same(name in r.doc["missing_fields"], n < 30, name)
    taken = 0
    for t, c in _by_ticker(r.doc).items():
        for name, value in c.items():
            if name in ("Last_Updated", "Sector"):
                continue
            own = mine[t][name]
            same(value, theirs[t][name] if own is None else own, t + " " + name)
            taken += own is None and value is not None
    counts = [{"finviz": 30} if v == "finviz" else v for v in filled.values()]
    same(sum(v["finviz"] for v in counts), taken)


def figures_go_by_ticker_whatever_the_order(s):
    s.fresh()
    want = s.fetch("--index", DJIA, "--fill", SOURCES=BACKWARDS).doc
    s.fresh("kind=reorder path=/screener")
    got = s.fetch("--index", DJIA, "--fill", SOURCES=BACKWARDS).doc
    same((got["data_hash"], got["filled"]), (want["data_hash"], want["filled"]))
    # The filler is asked for the ten companies of the second page alone.
    yahoo = _by_ticker(_alone(s, "yahoo"))
    finviz = _by_ticker(_alone(s, "finviz"))
    s.fresh("kind=figure column=7 to=- path=/screener match=r%3D21")
    got = s.fetch("--index", DJIA, "--fill=pe")
    for i, c in enumerate(got.doc["data"]):
        same(c["pe"], (yahoo if i >= 20 or finviz[c["Ticker"]]["pe"] is None
                       else finviz)[c["Ticker"]]["pe"], c["Ticker"])
    have = sum(c["pe"] is not None for c in got.doc["data"][20:])
    same((got.doc["filled"], have > 5), ({"pe": {"yahoo": have}}, True))
    # A company that the filler lacks stays as it is.
    s.fresh("kind=shrink n=1 path=/screener")
    got = s.fetch("--index", DJIA, "--fill", SOURCES=BACKWARDS).doc
    same((got["count"], got["filled"]["roi"]), (30, {"finviz": 29}))
    assert "roi" in got["missing_fields"]
    whole = _by_ticker(want)
    lacking = [c for c in got["data"] if c["roi"] is None]
    same(len(lacking), 1)
    for c in got["data"]:
        if c is not lacking[0]:
            same(c["roi"], whole[c["Ticker"]]["roi"])


def only_the_named_fields(s):
    s.fresh()
    r = s.fetch("--index", DJIA, "--fill=roi", SOURCES=BACKWARDS)
    same((r.doc["filled"], len(pages(s))), ({"roi": "finviz"}, 2), r)
    assert "roi" not in r.doc["missing_fields"]
    assert "Volatility W" in r.doc["missing_fields"]
    s.fresh()
    r = s.fetch("--index", DJIA, SOURCES=BACKWARDS, FILL_FIELDS="ROI")
    same(r.doc["filled"], {"roi": "finviz"}, r)


def who_cannot_help_is_not_asked(s):
    # Yahoo has no ROI: nobody else does.
    s.fresh("kind=figure column=34 to=- path=/screener")
    r = s.fetch("--index", DJIA, "--fill=roi")
    same((r.code, r.doc["filled"], len(_quotes(s))), (0, {}, 0), r)
    # No gap, no call.
    s.fresh()
    r = s.fetch("--index", DJIA, "--fill=price")
    same((r.code, r.doc["filled"], len(_quotes(s))), (0, {}, 0), r)
    # Who failed first is not asked again.
    for fault, calls in (("kind=challenge", 1), ("kind=500", 2)):
        s.fresh(fault + " path=/screener")
        r = s.fetch("--index", DJIA, "--fill")
        same((r.doc["source"], r.doc["filled"], len(pages(s))),
             ("yahoo", {}, calls), r)


def only_companies_with_gaps_are_asked_for(s):
    pe = {t: c["pe"] for t, c in _by_ticker(_alone(s, "finviz")).items()}
    gaps = {t for t, v in pe.items() if v is None}
    assert 0 < len(gaps) < 30, gaps
    s.fresh()
    s.fetch("--index", DJIA, "--fill=pe")
    asked = set()
    for c in _quotes(s):
        query = dict(p.split("=", 1) for p in c["query"].split("&"))
        asked |= set(query["symbols"].replace("%2C", ",").split(","))
    same(asked, gaps)


def without_fill_nothing_is_filled(s):
    s.fresh(NO_PE)
    r = s.fetch("--index", DJIA)
    same((list(r.doc), len(_quotes(s))), (MEMBERS, 0), r)
    assert "pe" in r.doc["missing_fields"]


def a_filler_that_fails_leaves_the_table(s):
    for fault, word in (("kind=429 path=/v7", "rate-limited"),
                        ("kind=html path=/v7", "unreadable"),
                        ("kind=500 path=/", "upstream"),
                        ("kind=reset path=/v7", "network")):
        s.fresh(NO_PE, fault)
        r = s.fetch("--index", DJIA, "--fill")
        same((r.code, r.doc["source"], r.doc["count"], r.doc["filled"]),
             (0, "finviz", 30, {}), "%s %r" % (fault, r))
        assert "not filled from source=yahoo" in r.err, r.err
        assert "pe" in r.doc["missing_fields"]
        n = len(s.calls())
        # It is cached so: nobody asks again until it is stale.
        same(s.fetch("--index", DJIA, "--fill").out, r.out)
        same(len(s.calls()), n, fault)


def who_has_none_of_the_fields_is_not_asked(s):
    s.fresh(NO_PE)
    r = s.fetch("-v", "--index", DJIA, "--fill=pe,peg",
                SOURCES="finviz,polygon,yahoo", POLYGON_KEY="k",
                POLYGON_URL=s.url)
    same((r.code, set(r.doc["filled"])), (0, {"pe"}), r)
    assert "source=polygon is not asked: it has none of" in r.err, r.err
    assert not any(c["path"].startswith("/v2") for c in s.calls())
    # Nothing is lacking: nothing is said.
    s.fresh()
    r = s.fetch("-v", "--index", DJIA, "--fill=price")
    assert "is not asked" not in r.err, r.err


def who_has_no_key_is_passed_over(s):
    # Polygon could have it, if it were to be asked.
    sources = {"SOURCES": "finviz,polygon,iex,alphavantage,yahoo",
               "POLYGON_URL": s.url, "ALPHAVANTAGE_URL": s.url}
    for args, err in (((), ""), (("-v",), "source=%s is passed over: ")):
        s.fresh("kind=rename column=81 to=Kurs path=/screener")
        r = s.fetch("--index", DJIA, "--fill=Prev Close", *args, **sources)
        same((r.code, r.doc["filled"]), (0, {"Prev Close": "yahoo"}), r)
        same({c["path"] for c in s.calls()} & {"/query"}, set())
        assert not any(c["path"].startswith("/v2") for c in s.calls())
        if not err:
            same(r.err, "")
        else:
            for name in ("polygon", "iex", "alphavantage"):
                assert err % name in r.err, r.err


def figures_of_a_few_are_taken(s):
    # Four companies, of which the filler lacks one: no table, but figures.
    some = ("--index", DJIA, "--sector", "Consumer Cyclical")
    for name, path, more in (("yahoo", "/v7", {}), ("iex", "/stable", {
            "IEX_URL": s.url + "/stable", "IEX_TOKEN": "t"})):
        s.fresh(NO_PE, "kind=missing n=2 path=" + path)
        r = s.fetch(*some, "--fill=pe", SOURCES="finviz," + name, **more)
        same((r.code, r.doc["count"], r.doc["filled"]),
             (0, 4, {"pe": {name: 3}}), r)
        r = s.fetch(*some, "--source", name, "--refresh", **more)
        same((r.code, "less than 80 %" in r.err), (65, True), r)


def a_slow_filler_does_not_lose_the_table(s):
    s.fresh(NO_PE, "kind=silence n=20 path=/v7")
    r = s.fetch("--index", DJIA, "--fill", TASK_DEADLINE=3)
    same((r.code, r.doc["count"], r.doc["filled"]), (0, 30, {}), r)
    assert "not filled from source=yahoo rc=timeout" in r.err, r.err
    assert 1 < r.seconds < 2.5, r.seconds


def a_filler_without_its_columns_fills_nothing(s):
    s.fresh("kind=rename column=65 to=Kurs path=/screener")
    r = s.fetch("--index", DJIA, "--fill=roi", SOURCES=BACKWARDS)
    same((r.code, r.doc["source"], r.doc["filled"]), (0, "yahoo", {}), r)
    assert "not filled from source=finviz rc=invalid" in r.err, r.err


def the_guards_hold_for_fillers(s):
    s.fresh(NO_PE, "kind=429 retry-after=60 path=/v7")
    s.fetch("--index", DJIA, "--fill")
    n = len(_quotes(s))
    r = s.fetch("--index", DJIA, "--fill", "--refresh")
    same((r.code, len(_quotes(s))), (0, n), r)
    assert "not filled from source=yahoo" in r.err, r.err


def what_is_cached_unfilled_is_not_enough_for_fill(s):
    s.fresh(NO_PE)
    plain = s.fetch("--index", DJIA)
    calls = len(s.calls())
    same(s.fetch("--index", DJIA, FILL_FIELDS="all").out, plain.out,
         "the setting is for what is fetched")
    filled = s.fetch("--index", DJIA, "--fill")
    assert "pe" in filled.doc["filled"], filled
    assert len(s.calls()) > calls
    calls = len(s.calls())
    same(s.fetch("--index", DJIA, "--fill").out, filled.out)
    same(s.fetch("--index", DJIA).out, filled.out)
    same(s.cli("GET", "stock_data:DJIA:Any") + "\n", filled.out)
    same(len(s.calls()), calls)
    meta = "stocknity:meta:{stock_data:DJIA:Any}"
    same(s.cli("HMGET", meta, "hits", "misses").split(), ["3", "2"],
         "what did not answer was missed")
    same(s.fetch("--index", DJIA, "--refresh").code, 0)
    same(s.cli("HMGET", meta, "hits", "misses").split(), ["3", "3"])


def sectors_say_what_of_them_was_filled(s):
    s.fresh()
    whole = s.fetch("--index", DJIA, "--fill", SOURCES=BACKWARDS)
    rows = _by_ticker(whole.doc)
    mine = _by_ticker(_alone(s, "yahoo"))
    s.fresh()
    s.fetch("--index", DJIA, "--fill", SOURCES=BACKWARDS)
    calls = len(s.calls())
    for sector in {c["Sector"] for c in whole.doc["data"]}:
        d = s.fetch("--index", DJIA, "--sector", sector, "--fill").doc
        for name, of in d["filled"].items():
            n = sum(mine[c["Ticker"]][name] is None and
                    rows[c["Ticker"]][name] is not None for c in d["data"])
            same(of, "finviz" if n == d["count"] else {"finviz": n},
                 sector + " " + name)
        for name in d["missing_fields"]:
            assert None in {c[name] for c in d["data"]}, (sector, name)
    same(len(s.calls()), calls)


def a_sector_cut_out_keeps_what_is_certain(s):
    cut = ("DEL", "stock_data:DJIA:Technology",
           "stocknity:meta:{stock_data:DJIA:Technology}")
    s.fresh()
    s.fetch("--index", DJIA, "--fill=roi", SOURCES=BACKWARDS)
    s.cli(*cut)
    calls = len(s.calls())
    r = s.fetch("--index", DJIA, "--sector", "Technology", SOURCES=BACKWARDS)
    same((r.doc["filled"], len(s.calls())), ({"roi": "finviz"}, calls), r)
    # Which of the records were filled, the whole does not say.
    s.fresh()
    s.fetch("--index", DJIA, "--fill=roe", SOURCES=BACKWARDS)
    s.cli(*cut)
    calls = len(s.calls())
    r = s.fetch("--index", DJIA, "--sector", "Technology", SOURCES=BACKWARDS,
                FILL_FIELDS="roe")
    assert len(s.calls()) > calls, "fetched anew"
    same(r.doc["filled"], {"roe": "finviz"}, r)


def views_keep_it(s):
    s.fresh()
    s.fetch("--index", DJIA, "--fill=roi,roe", SOURCES=BACKWARDS)
    r = s.fetch("--index", DJIA, "--fields", "Ticker,roi", "--limit", "3")
    same((r.doc["filled"], r.doc["count"]), ({"roi": "finviz"}, 3), r)
    r = s.fetch("--index", DJIA, "--format", "table")
    assert "figures in 2 columns are from finviz" in r.out, r.out[-300:]


def one_source_and_the_others_fill(s):
    s.fresh()
    r = s.fetch("--index", DJIA, "--source", "yahoo", "--fill=roi")
    same((r.doc["source"], r.doc["filled"]), ("yahoo", {"roi": "finviz"}), r)


def elite_fills_by_one_call(s):
    s.fresh()
    r = s.fetch("--fill", SOURCES=BACKWARDS, FINVIZ_AUTH="demo-elite/token+1")
    same(len([c for c in s.calls() if c["path"] == "/export/screener"]), 1, r)
    assert r.doc["filled"]["roi"], r.doc["filled"]


def a_redis_that_dies_while_gaps_are_filled(s):
    s.fresh("kind=slow n=60000 path=/screener count=1")
    child = subprocess.Popen(
        [program("fetch"), "--index", DJIA, "--fill=roi"],
        env=s.env(SOURCES=BACKWARDS), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_until(lambda: pages(s), "the filler's first call")
    s.stop_redis()
    out, err = child.communicate(timeout=60)
    s.start_redis()
    same(child.returncode, 0, err)
    same(json.loads(out)["filled"], {"roi": "finviz"}, err)
    same(len(_quotes(s)), 1, "the first source's table was kept")
    assert err.count("going on without Redis") == 1, err


def wrong_names(s):
    for args, env, code in (
            (("--fill=beta,foo",), {}, 64), (("--fill=",), {}, 64),
            (("--fill=Sector",), {}, 64), (("--fill", "--async"), {}, 64),
            ((), {"FILL_FIELDS": "beta,foo"}, 78),
            ((), {"FILL_FIELDS": "Ticker"}, 78)):
        r = s.fetch(*args, **env)
        same(r.code, code, "%r %r %r" % (args, env, r))
        assert ("FILL_FIELDS" if env else "--") in r.err, r.err


if __name__ == "__main__":
    main(tests_of(globals()), Servers)
