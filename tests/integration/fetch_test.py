"""fetch against a real Redis and the market server: what is fetched, how often
the sources are called for it, and what happens when something breaks."""
import concurrent.futures
import csv
import io
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
import fcntl

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import BUILD, Servers, Skip, main, program, run, wait_until  # noqa: E402

MEMBERS = ["success", "index", "sector", "source", "origin", "error",
           "timestamp", "fetched_at", "fresh_until", "partial", "count",
           "total", "missing_fields", "data_hash", "data"]
SP500, DJIA = "S&P 500", "DJIA"


def same(got, want, what=""):
    assert got == want, "%s: got %r, want %r" % (what, got, want)


def pages(s):
    return [c for c in s.calls() if c["path"].startswith("/screener")]


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


def without_redis_it_works_and_warns_once(s):
    s.fresh()
    r = s.fetch("--index", DJIA, REDIS_URL="unix:///nowhere/redis.sock")
    same((r.code, r.doc["count"]), (0, 30), r)
    same(len(r.err.splitlines()), 1, r.err)
    assert "uncached" in r.err, r.err
    assert os.path.exists(os.path.join(
        s.dir, ".local/state/stocknity/limits"))


def limiter_holds_without_redis_too(s):
    s.fresh("kind=429 retry-after=30 path=/screener count=1")
    nowhere = {"REDIS_URL": "unix:///nowhere/redis.sock", "STATE_DIR": s.dir + "/st"}
    r = s.fetch("--index", DJIA, "--source", "finviz", **nowhere)
    same(r.code, 75, r)
    r = s.fetch("--index", DJIA, "--source", "finviz", **nowhere)
    same((r.code, len(pages(s))), (75, 1), r)


def refusing_redis_has_a_clear_line(s):
    other = Servers(["--requirepass", "right"])
    try:
        other.post("/_/reset")
        for env in ({}, {"REDIS_URL": "unix://:wrong@%s" % other.socket},
                    {"REDIS_URL": None, "REDIS_HOST": other.socket,
                     "REDIS_PASSWORD": "wrong"}):
            r = other.fetch("--index", DJIA, **env)
            same((r.code, r.doc["count"]), (0, 30), r)
            assert "password" in r.err.lower(), r.err
            assert "wrong" not in r.err.replace("WRONGPASS", ""), r.err
        r = other.fetch("--index", DJIA, REDIS_URL=None,
                        REDIS_HOST=other.socket, REDIS_PASSWORD="right")
        same((r.code, r.err), (0, ""), r)
    finally:
        other.close()


def full_redis_puts_the_fetch_back(s):
    s.fresh()
    s.cli("CONFIG", "SET", "maxmemory", "1")
    try:
        r = s.fetch("--index", DJIA)
        same(r.code, 75, r)
        assert "full" in r.err, r.err
        same(len(s.calls()), 0)
    finally:
        s.cli("CONFIG", "SET", "maxmemory", "0")


def redis_that_dies_in_the_middle_is_done_without(s):
    s.fresh("kind=stall n=2 path=/screener count=1")
    child = subprocess.Popen([program("fetch"), "--index", DJIA], text=True,
                             env=s.env(), stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)
    wait_until(lambda: pages(s), "the first call")
    s.stop_redis()
    try:
        out, err = child.communicate(timeout=30)
    finally:
        s.start_redis()
    same((child.returncode, json.loads(out)["count"]), (0, 30), err)
    assert "without Redis" in err, err


def foreign_values_are_passed_over(s):
    s.fresh()
    s.cli("SET", "stock_data:DJIA:Any", "not ours")
    r = s.fetch("--index", DJIA)
    same((r.code, r.doc["count"]), (0, 30), r)
    assert "not ours" in r.err, r.err
    s.fresh()
    s.cli("LPUSH", "stock_data:DJIA:Any", "a list")
    r = s.fetch("--index", DJIA)
    same((r.code, r.doc["count"]), (0, 30), r)
    assert "not cached" in r.err and "stock_data:DJIA:Any" in r.err, r.err
    same(s.cli("TYPE", "stock_data:DJIA:Any"), "list")


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


def unreachable_sources(s):
    s.fresh()
    for url, text in (("http://name.invalid", "name.invalid"),
                      ("http://127.0.0.1:1", "127.0.0.1"),
                      ("https" + s.url[4:], "127.0.0.1")):
        r = s.fetch("--index", DJIA, "--source", "finviz", FINVIZ_URL=url)
        same(r.code, 69, "%s %r" % (url, r))
        assert text in r.err, r.err
        s.cli("FLUSHALL")


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


def reads_are_counted(s):
    s.fresh()
    s.fetch("--index", DJIA)
    for _ in range(3):
        s.fetch("--index", DJIA)
    meta = "stocknity:meta:{stock_data:DJIA:Any}"
    same(s.cli("HMGET", meta, "misses", "hits").split(), ["1", "3"])


def the_application_reads_it(s):
    import redis
    s.fresh()
    s.fetch("--index", SP500, "--sector", "Technology")
    # RedisDataManager.get_stock_data, as the application has it.
    client = redis.Redis(unix_socket_path=s.socket, decode_responses=True)
    cached = client.get("stock_data:%s:%s" % (SP500, "Technology"))
    data = json.loads(cached)
    assert data["success"] and data["data"][0]["Ticker"]
    assert {"pe", "fpe", "peg", "pb", "pc", "price", "dividend", "roe", "roi",
            "insider_own", "beta", "Index", "Last_Updated"} <= set(data["data"][0])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", data["timestamp"])
    ttl = client.ttl("stock_data:S&P 500:Technology")
    assert 604800 < ttl <= 604800 + 3600, ttl


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


TESTS = [f for name, f in list(globals().items())
         if callable(f) and getattr(f, "__module__", "") == "__main__"
         and f.__code__.co_argcount == 1 and f.__code__.co_varnames[0] == "s"
         and name not in ("pages",)]

if __name__ == "__main__":
    main(TESTS, Servers)
