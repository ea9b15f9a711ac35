"""fetch against a real Redis and the market server: what is fetched, how often
the sources are called for it, and who answers when one does not."""
import concurrent.futures
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from fetch_kit import DJIA, MEMBERS, pages  # noqa: E402
from harness import (  # noqa: E402
    BUILD, main, program, same, Servers, tests_of, wait_until)


def cold_sweep_makes_a_call_a_page_and_is_then_a_hit(s):
    s.fresh()
    r = s.fetch()
    same(r.code, 0, r)
    same(list(r.doc), MEMBERS)
    same((r.doc["count"], r.doc["total"], r.doc["partial"]), (503, 503, False))
    same(r.doc["source"], "finviz")
    same(r.doc["origin"], s.url)
    same(len({c["Ticker"] for c in r.doc["data"]}), 503)
    same(len(s.calls()), 26)
    again = s.fetch()
    same(again.out, r.out, "the cached bytes")
    same(len(s.calls()), 26)
    same(s.cli("GET", "stock_data:S&P 500:Any") + "\n", r.out)


def sectors_of_a_swept_index_need_no_call(s):
    s.fresh()
    whole = s.fetch("--index", DJIA).doc
    calls = len(s.calls())
    same(calls, 2)
    names = set()
    for sector in {c["Sector"] for c in whole["data"]}:
        r = s.fetch("--index", DJIA, "--sector", sector)
        same(r.code, 0, r)
        names |= {c["Ticker"] for c in r.doc["data"]}
        same({c["Sector"] for c in r.doc["data"]}, {sector})
    same(names, {c["Ticker"] for c in whole["data"]})
    r = s.fetch("--index", DJIA, "--sector", "Utilities")
    same((r.code, r.doc["count"], r.doc["success"]), (66, 0, True), r)
    same(len(s.calls()), calls)


def sector_is_cut_out_of_a_fresh_any(s):
    s.fresh()
    s.fetch("--index", DJIA)
    tech = s.fetch("--index", DJIA, "--sector", "Technology").doc
    s.cli("DEL", "stock_data:DJIA:Technology",
          "stocknity:meta:{stock_data:DJIA:Technology}")
    calls = len(s.calls())
    r = s.fetch("--index", DJIA, "--sector", "technology")
    same(r.doc["data"], tech["data"])
    same(r.doc["fetched_at"], tech["fetched_at"])
    same(len(s.calls()), calls)


def all_is_twenty_eight_calls(s):
    s.fresh()
    r = s.fetch("--all", "--refresh")
    lines = r.out.splitlines()
    same(len(lines), 24)
    same(len(s.calls()), 28)
    same(r.code, 0, r)


def second_cold_sector_becomes_one_sweep_of_any(s):
    s.fresh()
    same(s.fetch("--sector", "Energy").code, 0)
    few = len(s.calls())
    assert few < 5, few
    same(s.fetch("--sector", "Utilities").code, 0)
    same(len(s.calls()) - few, 26)
    same(s.fetch("--sector", "Healthcare").code, 0)
    same(len(s.calls()) - few, 26)


def processes_share_one_sweep(s):
    s.fresh("kind=slow n=400000 path=/screener count=1")
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        runs = list(pool.map(lambda _: s.fetch(), range(6)))
    same([r.code for r in runs], [0] * 6, runs)
    same(len({r.out for r in runs}), 1)
    same(len(s.calls()), 26)


def killed_holder_is_waited_for_no_longer_than_its_lease(s):
    s.fresh("kind=stall n=30 path=/screener count=1")
    child = subprocess.Popen([program("fetch"), "--index", DJIA],
                             env=s.env(), stdout=subprocess.DEVNULL)
    wait_until(lambda: pages(s), "the first call")
    child.kill()
    child.wait()
    # What is left of the lease, cut short as if the time had passed.
    same(s.cli("EXISTS", "stocknity:flight:{DJIA}"), "1")
    s.cli("HSET", "stocknity:flight:{DJIA}", "lease_until_us", "1")
    r = s.fetch("--index", DJIA)
    same(r.code, 0, r)


def terminated_fetch_gives_its_flight_back(s):
    s.fresh("kind=stall n=30 path=/screener count=1")
    child = subprocess.Popen([program("fetch"), "--index", DJIA],
                             env=s.env(), stdout=subprocess.DEVNULL)
    wait_until(lambda: pages(s), "the first call")
    began = time.monotonic()
    child.send_signal(signal.SIGTERM)
    same(child.wait(5), 128 + signal.SIGTERM)
    assert time.monotonic() - began < 1.5
    r = s.fetch("--index", DJIA)
    same(r.code, 0, r)
    assert r.seconds < 10, r.seconds


def limited_first_page_falls_back_to_yahoo(s):
    for fault in ("kind=429 path=/screener",
                  "kind=busy path=/screener"):
        s.fresh(fault)
        r = s.fetch("--index", DJIA)
        same(r.doc["source"], "yahoo", r)
        assert "source=finviz rc=rate-limited" in r.err, r.err
        assert "attempts" not in r.doc, "what is cached has none"
        assert r.doc["members"].startswith("file "), r.doc["members"]
        same(r.doc["count"], 30)
        same(len(pages(s)), 1)
        # The hold keeps everyone away.
        s.fetch("--index", DJIA, "--refresh")
        same(len(pages(s)), 1)


def limit_in_the_middle_is_waited_out(s):
    s.fresh("kind=429 retry-after=1 path=/screener after=5 count=1")
    r = s.fetch()
    same((r.code, r.doc["count"], r.doc["source"]), (0, 503, "finviz"), r)
    same(len(pages(s)), 27)
    assert r.seconds > 1


def what_has_begun_waits_at_a_slow_rate(s):
    # Between two calls is more than MAX_WAIT; a session alone takes two.
    s.fresh()
    r = s.fetch("--index", "NASDAQ 100", "--source", "yahoo", MAX_WAIT=0,
                YAHOO_RATE_LIMIT=4)
    same((r.code, len(s.calls())), (0, 5), r)
    assert 1 <= r.seconds < 2, r.seconds
    s.fresh()
    r = s.fetch("--index", DJIA, MAX_WAIT=0, RATE_LIMIT=4)
    same((r.code, r.doc["source"], len(pages(s))), (0, "finviz", 2), r)


def _next_slot(s):
    """Intervals from the last call to the next free slot."""
    key = "stocknity:guard:{finviz}"
    last = int(s.cli("LINDEX", key + ":grants", "0").split()[0])
    return (int(s.cli("HGET", key, "tat_us")) - last) / 250000


def a_slot_that_is_not_used_is_left(s):
    # The second page restarts the sweep: the third, which waits, is not asked
    # for, and the first takes its slot.
    s.fresh("kind=count n=1 path=/screener after=1 count=1")
    r = s.fetch("--index", "NASDAQ 100", RATE_LIMIT=4)
    same((r.code, r.doc["source"]), (0, "finviz"), r)
    firsts = [dict(p.split("=") for p in c["query"].split("&")).get("r", "1")
              for c in pages(s)]
    same(firsts[:3], ["1", "21", "1"])
    same((len(firsts), _next_slot(s)), (8, 1), firsts)
    # The second page fails: nobody needs the slot of the third.
    s.fresh("kind=challenge path=/screener after=1")
    r = s.fetch("--index", "NASDAQ 100", "--source", "finviz", RATE_LIMIT=4)
    same((r.code, len(pages(s)), _next_slot(s)), (69, 2, 1), r)


def only_source_limited_is_try_later(s):
    s.fresh("kind=429 retry-after=7 path=/screener")
    r = s.fetch("--index", DJIA, "--source", "finviz")
    same((r.code, r.doc["success"], r.doc["data"]), (75, False, []), r)
    assert "try again in 7 s" in r.err, r
    same(r.doc["attempts"][0]["retry_after"], 7)


def blocked_is_answered_by_the_next_source(s):
    s.fresh("kind=challenge path=/screener")
    r = s.fetch("--index", DJIA)
    same((r.code, r.doc["source"]), (0, "yahoo"), r)
    assert "source=finviz rc=blocked" in r.err, r.err
    same(len(pages(s)), 1)


def members_come_from_the_last_good_sweep(s):
    s.fresh()
    s.fetch("--index", DJIA)
    s.post("/_/faults", "kind=challenge path=/screener\n")
    r = s.fetch("--index", DJIA, "--refresh")
    same(r.doc["source"], "yahoo", r)
    assert r.doc["members"].startswith("cache "), r.doc["members"]
    sectors = {c["Sector"] for c in r.doc["data"]}
    assert None not in sectors and len(sectors) > 4, sectors


def nobody_knows_the_members(s):
    for index in ("RUSSELL 2000", "Any"):
        s.fresh()
        r = s.fetch("--index", index, "--source", "yahoo")
        same(r.code, 69, r)
        assert index in r.err and "members" in r.err, r.err


def stale_is_served_when_all_sources_fail(s):
    s.fresh()
    good = s.fetch("--index", DJIA)
    s.post("/_/faults", "kind=500\n")
    r = s.fetch("--index", DJIA, "--refresh")
    same(r.code, 3, r)
    assert r.out.startswith('{"stale":true,"attempts":['), r.out[:80]
    same([a["source"] for a in r.doc["attempts"]], ["finviz", "yahoo"])
    assert r.out.endswith("," + good.out[1:]), "the stored bytes follow"
    assert "stale" in r.err
    same(s.cli("GET", "stock_data:DJIA:Any") + "\n", good.out)


def failure_is_an_envelope_with_every_attempt(s):
    s.fresh("kind=503")
    r = s.fetch("--index", DJIA)
    same(r.code, 69, r)
    same((r.doc["success"], r.doc["data"], r.doc["source"]), (False, [], None))
    same([a["source"] for a in r.doc["attempts"]], ["finviz", "yahoo"])
    assert isinstance(r.doc["error"], str), r.doc["error"]
    same(s.cli("EXISTS", "stock_data:DJIA:Any"), "0")


def rate_is_kept_by_eight_processes(s):
    s.fresh()
    rate = 20
    sectors = ["Technology", "Financial", "Energy", "Utilities", "Healthcare",
               "Industrials", "Real Estate", "Basic Materials"]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(
            lambda i: s.fetch("--index", "Any", "--sector", sectors[i],
                              RATE_LIMIT=rate, MAX_WAIT=600), range(8)))
    same([r.code for r in runs], [0] * 8, runs)
    times = [c["us"] for c in pages(s)]
    assert len(times) > 20, len(times)
    for i, begin in enumerate(times):
        for j in range(i, len(times)):
            window = (times[j] - begin) / 1e6
            assert j - i + 1 <= 2 + window * rate + 1e-9, \
                "%d calls in %.3f s" % (j - i + 1, window)


def synchronous_call_is_a_call_on_top(s):
    s.fresh()
    p = subprocess.run([os.path.join(BUILD, "tests/fetcher_sync")], env=s.env(),
                       capture_output=True, text=True, timeout=30)
    same((p.returncode, p.stdout), (0, "ok DJIA 0\nok DJIA 1\n"), p.stderr)


if __name__ == "__main__":
    main(tests_of(globals()), Servers)
