"""fetch when several things go wrong at once: Redis going away at bad moments,
signals, closed descriptors, processes in each other's way."""
import concurrent.futures
import json
import os
import resource
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Servers, main, program, wait_until  # noqa: E402

DJIA = "DJIA"
META = "stocknity:meta:{stock_data:S&P 500:Any}"


def same(got, want, what=""):
    assert got == want, "%s: got %r, want %r" % (what, got, want)


def pages(s):
    return [c for c in s.calls() if c["path"].startswith("/screener")]


def start(s, *args, **env):
    return subprocess.Popen([program("fetch"), *args], env=s.env(**env),
                            text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)


def redis_lost_while_a_session_is_made(s):
    s.fresh("kind=slow n=3 path=/v1/test/getcrumb")
    child = start(s, "--index", DJIA, "--source", "yahoo")
    wait_until(lambda: any("getcrumb" in c["path"] for c in s.calls()) or
               child.poll() is not None, "the crumb call")
    time.sleep(0.2)
    s.stop_redis()
    try:
        out, err = child.communicate(timeout=60)
    finally:
        s.start_redis()
    assert child.returncode in (0, 4), (child.returncode, err)
    same(json.loads(out)["source"], "yahoo")


def sweep_that_may_call_no_more_ends(s):
    s.fresh("kind=refuse path=/screener match=v=152",
            "kind=count n=1 path=/screener match=v=110 after=3 count=1",
            "kind=missing n=2 path=/screener")
    r = s.fetch("--index", DJIA, "--source", "finviz", TASK_DEADLINE=30)
    assert r.seconds < 10, r
    assert r.code in (0, 65), r


def shrink_is_accepted_although_the_fallback_answers(s):
    s.fresh()
    s.fetch()
    s.post("/_/faults", "kind=shrink n=150 path=/screener\n")
    r = s.fetch("--refresh")
    same((r.code, r.doc["source"]), (4, "yahoo"), r)
    held = int(s.cli("HGET", META, "held_at_us"))
    s.cli("HSET", META, "held_at_us", str(held - 601 * 1000000))
    r = s.fetch("--refresh")
    same((r.code, r.doc["source"], r.doc["count"]), (0, "finviz", 353), r)
    same(s.cli("HEXISTS", META, "held_at_us"), "0")


def one_source_is_not_answered_with_another(s):
    s.fresh("kind=slow n=200000 path=/screener count=1")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        finviz = pool.submit(s.fetch, "--index", DJIA)
        wait_until(lambda: pages(s), "the first call")
        yahoo = pool.submit(s.fetch, "--index", DJIA, "--source", "yahoo")
        same(finviz.result().doc["source"], "finviz")
        same(yahoo.result().doc["source"], "yahoo")
    s.fresh()
    s.fetch("--index", DJIA)
    s.post("/_/faults", "kind=500 path=/v7\n")
    r = s.fetch("--index", DJIA, "--source", "yahoo")
    same((r.code, r.doc["success"]), (69, False), r)


def redis_that_refuses_in_the_middle_is_not_the_sources_fault(s):
    s.fresh("kind=slow n=100000 path=/screener count=2")
    child = start(s, "--index", DJIA)
    wait_until(lambda: pages(s), "the first call")
    s.cli("REPLICAOF", "127.0.0.1", "1")
    try:
        out, err = child.communicate(timeout=30)
    finally:
        s.cli("REPLICAOF", "NO", "ONE")
    same((child.returncode, json.loads(out)["source"]), (0, "finviz"), err)
    assert "READONLY" in err, err
    for key in ("stocknity:guard:{finviz}", "stocknity:session:{yahoo}",
                "stocknity:members:{stock_data:DJIA:Any}"):
        s.fresh("kind=challenge path=/screener")
        s.cli("SET" if "guard" in key else "LPUSH", key, "x")
        r = s.fetch("--index", DJIA)
        same((r.code, r.doc["count"], r.doc["source"]), (0, 30, "yahoo"),
             "%s %r" % (key, r))


def signals_are_heeded_while_redis_hangs(s):
    s.fresh("kind=stall n=20 path=/screener")
    child = start(s, "--index", DJIA)
    wait_until(lambda: pages(s), "the first call")
    s.redis.send_signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        child.send_signal(signal.SIGTERM)
        same(child.wait(10), 128 + signal.SIGTERM)
        assert time.monotonic() - began < 1.5, time.monotonic() - began
    finally:
        s.redis.send_signal(signal.SIGCONT)
    child.communicate()


def hangup_gives_the_flight_back(s):
    s.fresh("kind=stall n=20 path=/screener count=1")
    child = start(s, "--index", DJIA)
    wait_until(lambda: pages(s), "the first call")
    child.send_signal(signal.SIGHUP)
    same(child.wait(10), 128 + signal.SIGHUP)
    child.communicate()
    r = s.fetch("--index", DJIA)
    assert r.code == 0 and r.seconds < 10, r


def closed_descriptors_are_not_taken_by_sockets(s):
    for how, code in ((">&-", 71), ("<&- >&-", 71), ("2>&-", 0), ("<&-", 0)):
        s.fresh()
        s.cli("CONFIG", "RESETSTAT")
        p = subprocess.run(["/bin/sh", "-c", 'exec "$0" --index DJIA ' + how,
                            program("fetch")], env=s.env(), text=True,
                           capture_output=True, timeout=30)
        same(p.returncode, code, "%s: %s" % (how, p.stderr))
        assert "errorstat_ERR:" not in s.cli("INFO", "errorstats"), how


def waiting_for_another_spends_no_grants(s):
    s.fresh("kind=slow n=300000 path=/screener count=1")
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        runs = list(pool.map(
            lambda _: s.fetch("--index", DJIA, RATE_LIMIT=2), range(12)))
    same([r.code for r in runs], [0] * 12, runs)
    same(len(pages(s)), 2)
    us = s.cli("TIME").split()
    ahead = int(s.cli("HGET", "stocknity:guard:{finviz}", "tat_us")) - (
        int(us[0]) * 1000000 + int(us[1]))
    assert ahead <= 500000, "%d us of grants ahead" % ahead


def foreign_key_of_a_sector_stops_no_other(s):
    s.fresh()
    s.cli("LPUSH", "stock_data:DJIA:Basic Materials", "x")
    r = s.fetch("--index", DJIA)
    same(r.code, 0, r)
    assert "Basic Materials" in r.err, r.err
    same(len(s.cli("KEYS", "stock_data:DJIA:*").splitlines()), 12)
    same(s.cli("EXISTS", "stocknity:members:{stock_data:DJIA:Any}"), "1")


def clock_that_was_set_back_does_not_block_the_cache(s):
    s.fresh()
    s.fetch("--index", DJIA)
    meta = "stocknity:meta:{stock_data:DJIA:Any}"
    ahead = int(s.cli("HGET", meta, "fetched_us")) + 86400 * 1000000
    s.cli("HSET", meta, "fetched_us", str(ahead), "fresh_ms", str(ahead // 1000))
    r = s.fetch("--index", DJIA)
    same((r.code, len(pages(s))), (0, 4), r)
    assert int(s.cli("HGET", meta, "fetched_us")) < ahead


def lack_of_descriptors_does_not_open_the_breaker(s):
    s.fresh()
    few = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (6, 6))  # noqa: E731
    for _ in range(4):
        subprocess.run([program("fetch"), "--index", DJIA], env=s.env(),
                       preexec_fn=few, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, timeout=30)
    r = s.fetch("--index", DJIA, "--refresh")
    same((r.code, r.doc["source"]), (0, "finviz"), r)


def address_that_is_gone_does_not_open_the_breaker(s):
    s.fresh("kind=404 path=/screener")
    for _ in range(6):
        r = s.fetch("--index", DJIA, "--source", "finviz")
        same(r.code, 69, r)
        assert "404" in r.err, r.err


def probe_that_is_cut_short_is_given_back(s):
    s.fresh("kind=500 path=/screener")
    for _ in range(3):
        s.fetch("--index", DJIA, "--source", "finviz")
    s.post("/_/reset")
    s.post("/_/faults", "kind=stall n=20 path=/screener count=1\n")
    s.cli("HSET", "stocknity:guard:{finviz}", "open_until_us", "1")
    child = start(s, "--index", DJIA, "--source", "finviz")
    wait_until(lambda: pages(s), "the probe")
    child.terminate()
    child.communicate(timeout=10)
    r = s.fetch("--index", DJIA, "--source", "finviz")
    same(r.code, 0, r)


def each_hop_of_a_redirect_has_its_grant(s):
    s.fresh("kind=redirect to=%s/screener.ashx path=/screener count=2 match=o="
            % s.url)
    r = s.fetch("--index", DJIA, "--source", "finviz", RATE_LIMIT=2)
    times = [c["us"] for c in s.calls()]
    assert len(times) >= 2, r
    for a, b in zip(times, times[1:]):
        assert b - a > 350000, "two calls within %d us" % (b - a)


def hit_is_counted_once_among_several(s):
    s.fresh()
    s.fetch("--index", DJIA)
    s.fetch("--index", DJIA, "--index", "NASDAQ 100")
    same(s.cli("HGET", "stocknity:meta:{stock_data:DJIA:Any}", "hits"), "1")
    s.fetch("--index", DJIA, "--index", "NASDAQ 100")
    same(s.cli("HGET", "stocknity:meta:{stock_data:DJIA:Any}", "hits"), "2")


def settings_are_checked_even_for_a_hit(s):
    s.fresh()
    s.fetch("--index", DJIA)
    for name, value in (("SOURCES", "bing"), ("SOURCES", ","),
                        ("SCHEDULER_INDEXES", "FOO"),
                        ("FINVIZ_URL", "http://me:sesame@host"),
                        ("FINVIZ_URL", "http://"),
                        ("FINVIZ_URL", "https://exa mple.com"),
                        ("FINVIZ_URL", "http://" + "h" * 250)):
        r = s.fetch("--index", DJIA, **{name: value})
        same((r.code, r.out), (78, ""), "%s=%s %r" % (name, value, r))
        assert name in r.err and "sesame" not in r.err, r.err
    r = s.fetch("--all", SCHEDULER_INDEXES=" djia , NASDAQ 100 ")
    same(len(r.out.splitlines()), 24, r)


def wrong_setting_of_ours_ends_the_fetch(s):
    s.fresh()
    r = s.fetch("--index", DJIA, TLS_CIPHERS="nonsense",
                FINVIZ_URL="https" + s.url[4:])
    same(r.code, 78, r)
    assert "TLS_CIPHERS" in r.err, r.err


TESTS = [redis_lost_while_a_session_is_made, sweep_that_may_call_no_more_ends,
         shrink_is_accepted_although_the_fallback_answers,
         one_source_is_not_answered_with_another,
         redis_that_refuses_in_the_middle_is_not_the_sources_fault,
         signals_are_heeded_while_redis_hangs, hangup_gives_the_flight_back,
         closed_descriptors_are_not_taken_by_sockets,
         waiting_for_another_spends_no_grants,
         foreign_key_of_a_sector_stops_no_other,
         clock_that_was_set_back_does_not_block_the_cache,
         lack_of_descriptors_does_not_open_the_breaker,
         address_that_is_gone_does_not_open_the_breaker,
         probe_that_is_cut_short_is_given_back,
         each_hop_of_a_redirect_has_its_grant,
         hit_is_counted_once_among_several,
         settings_are_checked_even_for_a_hit,
         wrong_setting_of_ours_ends_the_fetch]

if __name__ == "__main__":
    main(TESTS, Servers)
