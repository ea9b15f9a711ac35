"""The cache that thinks ahead, against real parts: what is stale or will be
soon is fetched once, whoever and how many read; what is warmed and what is
predicted; what is forgotten."""
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import redis

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from ahead_kit import (  # noqa: E402
    EPOCH_MS, KEY, META, Q, WEEK_MS, as_cgi, asked, ends_in, filled, meta, now_ms,
    set_meta, tasks)
from api_kit import Stack  # noqa: E402
from harness import main, program, run, same, tests_of, wait_until  # noqa: E402
from schedule_kit import shifted  # noqa: E402


def _schedule(s, *args, **env):
    return run("schedule", *args, env=s.env(TZ="UTC", **env))


def _status(s, index="DJIA", sector="Any"):
    doc = run("status", "--cache", "--json", env=s.env()).doc
    return next(d for d in doc["datasets"] if (d["index"], d["sector"]) == (index, sector))


def sixty_four_cold_readers_are_one_sweep(s):
    s.fresh()
    with ThreadPoolExecutor(64) as pool:
        runs = list(pool.map(
            lambda _: s.fetch("--index", "DJIA", timeout=120), range(64)))
    same({r.code for r in runs}, {0}, [r for r in runs if r.code][:1])
    same(len({r.out for r in runs}), 1)
    same(len([c for c in s.calls() if c["path"] == "/screener"]), 2)


def readers_of_a_killed_holder_are_one_more_sweep(s):
    """Not before its lease has run out, of which all but a second is spared."""
    s.fresh("kind=stall n=30 path=/screener count=1")
    flight, readers = "stocknity:flight:{DJIA}", 64
    holder = subprocess.Popen([program("fetch"), "--index", "DJIA"],
                              env=s.env(), stdout=subprocess.DEVNULL)
    wait_until(lambda: s.calls(), "the holder's first call")
    holder.kill()
    holder.wait()
    left = int(s.cli("HGET", flight, "lease_until_us")) - 1000 * now_ms(s)
    assert 50000000 < left <= 60001000, left
    with ThreadPoolExecutor(readers) as pool:
        others = [pool.submit(s.fetch, "--index", "DJIA", timeout=120)
                  for _ in range(readers)]
        wait_until(lambda: s.cli("CLIENT", "LIST").count("\n") >= readers,
                   "all of them, waiting")
        until = 1000 * (now_ms(s) + 1000)
        s.cli("HSET", flight, "lease_until_us", str(until))
        runs = [f.result() for f in others]
    same({r.code for r in runs}, {0}, [r for r in runs if r.code][:1])
    same(len({r.out for r in runs}), 1)
    same(_pages(s), 3, "the holder's page and one sweep")
    assert int(meta(s, "fetched_us")) >= until, "it began before"


def stale_readers_are_served_and_queue_one_refresh(s):
    filled(s)
    ends_in(s, -1000)
    before = asked(s)
    with ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(
            lambda _: s.get("/api/stocks?index=DJIA"), range(64)))
    same({(a.status, a.doc["stale"]) for a in answers}, {(200, True)})
    same(tasks(s), [("DJIA", "Any", "1", "0")])
    same(asked(s) - before, 1, "the queue was asked once")
    same(meta(s, "early"), "", "that is not early")
    same(s.drain(), 0)
    same("stale" in s.get("/api/stocks?index=DJIA").doc, False)


def processes_queue_one_refresh_too(s):
    for _ in range(3):
        filled(s)
        ends_in(s, -1000)
        with ThreadPoolExecutor(64) as pool:
            answers = list(pool.map(
                lambda _: as_cgi(s, "/api/stocks?index=DJIA"), range(64)))
        same({b'{"stale":true,' in a for a in answers}, {True}, answers[0][:300])
        same(tasks(s), [("DJIA", "Any", "1", "0")])
        same(asked(s), 1, "the queue was asked once")


def what_is_stale_again_is_asked_for_again(s):
    """By the same process too, some seconds after it has asked."""
    filled(s)
    ends_in(s, -1000)
    same(s.get("/api/stocks?index=DJIA").doc["stale"], True)
    same((s.drain(), asked(s)), (0, 1))
    ends_in(s, -1000)

    def is_asked():
        s.get("/api/stocks?index=DJIA")
        return asked(s) == 2
    wait_until(is_asked, "the second refresh")
    same(tasks(s), [("DJIA", "Any", "1", "0")])


def another_process_finds_the_marker(s):
    filled(s)
    ends_in(s, -1000)
    s.cli("SET", "stocknity:asked:{stock_data:DJIA:Any}", "1", "PX", "60000")
    same(s.get("/api/stocks?index=DJIA").status, 200)
    same(tasks(s), [])


def work_that_is_queued_is_not_asked_for(s):
    filled(s)
    ends_in(s, -1000, sector="Energy")
    same(run("enqueue", "stock-data", "--index", "DJIA", "--sector", "Any",
             env=s.env()).code, 0)
    same(s.get("/api/stocks?index=DJIA&sector=Energy").status, 200)
    same(tasks(s), [("DJIA", "Any", "1", "0")])


def early_is_queued_and_the_reader_gets_fresh(s):
    filled(s)
    fetched = meta(s, "fetched_us")
    ends_in(s, 3000)
    set_meta(s, "cost_ms", 100000)  # early but for a chance of 3 in a hundred
    a = s.get("/api/stocks?index=DJIA")
    for _ in range(4):
        if tasks(s):
            break
        s.get("/api/stocks?index=DJIA")
    same((a.status, "stale" in a.doc), (200, False))
    same(tasks(s), [("DJIA", "Any", "1", "1")])
    same(meta(s, "early"), "1")
    # while its worker is at it nobody has it run once more
    s.cli("DEL", "stocknity:asked:{stock_data:DJIA:Any}")
    s.restart_api()
    for _ in range(5):
        s.get("/api/stocks?index=DJIA")
    same((tasks(s), meta(s, "early")), ([("DJIA", "Any", "1", "1")], "1"))
    same(s.drain(), 0)
    assert int(meta(s, "fetched_us")) > int(fetched)
    same(_status(s)["early_refreshes"], 1)


def early_is_never_by_far_nor_where_it_is_off(s):
    filled(s)
    set_meta(s, "cost_ms", 60000)
    for _ in range(100):
        s.get("/api/stocks?index=DJIA")
    same(tasks(s), [])
    filled(s, EARLY_REFRESH="0")
    set_meta(s, "cost_ms", 1000000)
    for _ in range(20):
        ends_in(s, 5000)
        same("stale" in s.get("/api/stocks?index=DJIA").doc, False)
    same(tasks(s), [])


def fetch_itself_queues_nothing(s):
    filled(s)
    ends_in(s, 5000)
    set_meta(s, "cost_ms", 1000000)
    for _ in range(5):
        same(s.fetch("--index", "DJIA").code, 0)
    same(s.cli("KEYS", Q + "*"), "")


def a_sweep_leaves_what_it_cost(s):
    s.fresh("kind=slow n=600000 path=/screener")
    began = time.monotonic()
    same(s.fetch("--index", "DJIA").code, 0)
    took = (time.monotonic() - began) * 1000
    cost = int(meta(s, "cost_ms"))
    assert 150 <= cost <= took, (cost, took)
    same(meta(s, "cost_ms", sector="Energy"), str(cost), "one sweep")
    same(_status(s)["sweep_seconds"], cost / 1000)
    # cut out of the whole, it keeps what is known
    s.cli("DEL", KEY % ("DJIA", "Energy"))
    same(s.fetch("--index", "DJIA", "--sector", "Energy").code, 0)
    same(meta(s, "cost_ms", sector="Energy"), str(cost))


def reads_count_a_day_once_for_their_hour(s):
    filled(s)
    s.cli("DEL", META % ("DJIA", "Energy"))
    if now_ms(s) % 3600000 > 3590000:
        time.sleep(11)
    filled(s)
    hour = "h%02d" % (now_ms(s) // 3600000 % 24)
    for _ in range(3):
        same(s.fetch("--index", "DJIA").code, 0)
        same(s.get("/api/stocks?index=DJIA").status, 200)
    days = float(meta(s, hour)) / 2 ** ((now_ms(s) - EPOCH_MS) / WEEK_MS)
    assert abs(days - 1) < 0.01, days
    fields = s.cli("HKEYS", META % ("DJIA", "Any")).split()
    same([f for f in fields if f[0] == "h" and f[1:].isdigit()], [hour])
    since = int(meta(s, "hours_since_ms"))
    assert 0 <= now_ms(s) - since < 60000, since
    # by another hour it counts again; a worker's look never does
    _an_hour_on(s)
    same(run("enqueue", "stock-data", "--index", "DJIA", env=s.env()).code, 0)
    hits = meta(s, "hits")
    same(s.drain(), 0)
    same(meta(s, "hits"), hits)
    same(s.fetch("--index", "DJIA").code, 0)
    days = float(meta(s, hour)) / 2 ** ((now_ms(s) - EPOCH_MS) / WEEK_MS)
    assert abs(days - 2) < 0.02, days


def _an_hour_on(s):
    """As if the last read had been in the hour before."""
    hour = now_ms(s) // 3600000 - 1
    set_meta(s, "last_read_ms", hour * 3600000, "counted_hour", hour)


def processes_that_read_at_once_lose_and_double_nothing(s):
    if now_ms(s) % 3600000 > 3580000:
        time.sleep(21)
    filled(s)
    hour = "h%02d" % (now_ms(s) // 3600000 % 24)
    hits, days = int(meta(s, "hits") or 0), float(meta(s, hour))
    rounds, readers, r = 4, 32, redis.Redis(unix_socket_path=s.socket)
    for _ in range(rounds):
        _an_hour_on(s)
        with ThreadPoolExecutor(readers) as pool:
            reads = [pool.submit(
                lambda i: as_cgi(s, "/api/stocks?index=DJIA") if i % 2 else
                s.fetch("--index", "DJIA").out.encode(), i) for i in range(readers)]
            # Each of them is the first, as far as it can see.
            before = now_ms(s) - 3600000
            while not all(x.done() for x in reads):
                r.hset(META % ("DJIA", "Any"), "last_read_ms", before)
        assert all(b'"success":true' in x.result() for x in reads)
        set_meta(s, "last_read_ms", before)
        as_cgi(s, "/api/stocks?index=DJIA")
    weight = 2 ** ((now_ms(s) - EPOCH_MS) / WEEK_MS)
    counted = (float(meta(s, hour)) - days) / weight
    same(int(meta(s, "hits")) - hits, rounds * (readers + 1))
    assert abs(counted - rounds) < 0.001, "%s days for %d hours" % (counted, rounds)
    same(meta(s, "counted_hour"), str(now_ms(s) // 3600000))


def _habit(s, days, sector, index="DJIA"):
    """As if it had been read in the coming hour on the last so many days."""
    now = now_ms(s)
    hour = (now + 1800000) // 3600000 % 24
    weights = sum(2 ** ((now - i * 86400000 - EPOCH_MS) / WEEK_MS)
                  for i in range(1, days + 1))
    set_meta(s, "h%02d" % hour, repr(weights), "hours_since_ms",
         now - 10 * 86400000, index=index, sector=sector)


def the_likely_is_fetched_ahead_and_nothing_else(s):
    filled(s)
    same(s.fetch("--index", "S&P 500").code, 0)
    for sector in ("Any", "Energy", "Technology"):
        ends_in(s, 60000, sector=sector)
        ends_in(s, 60000, index="S&P 500", sector=sector)
        _habit(s, 1, sector)
    _habit(s, 1, "Any", "S&P 500")  # read, today too, but not likely
    _habit(s, 3, "Energy")
    same(_schedule(s, "run", "hourly").code, 0)
    same(tasks(s), [("DJIA", "Energy", "0", "1")])
    d = _status(s, sector="Energy")
    same((d["predicted_refreshes"], d["predicted_used"]), (1, 0))
    same(_status(s)["predicted_refreshes"], 0)
    same(s.get("/api/stocks?index=DJIA&sector=Energy").status, 200)
    same(_status(s, sector="Energy")["predicted_used"], 0, "of the old data")
    same(s.drain(), 0)
    for _ in range(3):
        same(s.get("/api/stocks?index=DJIA&sector=Energy").status, 200)
        same(s.fetch("--index", "DJIA", "--sector", "Energy").code, 0)
    same(_status(s, sector="Energy")["predicted_used"], 1)
    out = run("status", "--prometheus", env=s.env()).out
    label = '{index="DJIA",sector="Energy"}'
    for name, n in (("early_refreshes", 0), ("predicted_refreshes", 1),
                    ("predicted_used", 1)):
        assert "stocknity_dataset_%s_total%s %d\n" % (name, label, n) in out, name
    text = run("status", "--cache", env=s.env()).out
    assert "fetched ahead: 0 early, 1 predicted, of those 1 read\n" in text, text
    # the next prediction keeps the count, and is not used yet
    s.cli("DEL", Q + "slots")
    ends_in(s, 60000, sector="Energy")
    same(_schedule(s, "run", "hourly").code, 0)
    d = _status(s, sector="Energy")
    same((d["predicted_refreshes"], d["predicted_used"]), (2, 1))
    # one that nobody read was no good, and is not counted as if it were
    s.cli("DEL", Q + "slots")
    same(_schedule(s, "run", "hourly").code, 0)
    d = _status(s, sector="Energy")
    same((d["predicted_refreshes"], d["predicted_used"]), (3, 1))


def the_likely_is_so_by_the_clock_of_redis(s):
    """That of the machine is hours behind: what it counts is of another hour."""
    filled(s)
    for sector, left_ms in (("Energy", 60000), ("Technology", 3700000)):
        ends_in(s, left_ms, sector=sector)
        _habit(s, 3, sector)
    before = now_ms(s)
    r = _schedule(s, "run", "hourly", **shifted(s, -5 * 3600))
    same(r.code, 0, r)
    same(tasks(s), [("DJIA", "Energy", "0", "1")])
    predicted = int(meta(s, "predicted_ms", sector="Energy"))
    assert before <= predicted <= now_ms(s), predicted - before


def warming_is_low_and_spread_over_the_time(s):
    s.fresh()
    env = {"SCHEDULER_INDEXES": "DJIA,S&P 500,NASDAQ 100",
           "RATE_LIMIT": "1000"}
    for index, cost in (("DJIA", 6000), ("S&P 500", 30000)):
        same(s.fetch("--index", index).code, 0)
        ends_in(s, 60000, index=index)
        set_meta(s, "cost_ms", cost, index=index)
    same(_schedule(s, "run", "warm", **env).code, 0)
    same(tasks(s), [(x, "Any", "0", "1")
                     for x in ("DJIA", "NASDAQ 100", "S&P 500")])
    now, due = now_ms(s), []
    for ident in s.cli("ZRANGE", Q + "scheduled", "0", "-1").split():
        at = float(s.cli("ZSCORE", Q + "scheduled", ident)) / 1000
        due.append((s.cli("HGET", Q + "task:" + ident, "spec").split("|")[1],
                    at - now))
    # DJIA at once; then so far apart that 6 s and 36 s are 30 %
    same([x for x, _ in due], ["S&P 500", "NASDAQ 100"])
    for (_, ms), want in zip(due, (20000, 120000)):
        assert want - 10000 < ms <= want, (ms, want)
    same(_schedule(s, "run", "warm", **env).code, 0)
    same(len(tasks(s)), 3, "once a day")


def warming_keeps_within_its_share_of_a_real_limiter(s):
    """Sweeps that the limiter held to its rate, warmed as their cost says: until
    each of them was due those before it had 30 % of what the limiter bears."""
    s.fresh()
    rate, share = 20, 0.3
    indexes = ("DJIA", "NASDAQ 100", "S&P 500")
    env = {"RATE_LIMIT": rate, "SCHEDULER_INDEXES": ",".join(indexes)}
    calls = []
    for index in indexes:
        before = _pages(s)
        same(s.fetch("--index", index, **env).code, 0)
        calls.append(_pages(s) - before)
        ends_in(s, 60000, index=index)
    same(calls, [2, 6, 26])
    s.post("/_/reset")
    start, began = time.monotonic(), now_ms(s)  # the market's clock, and Redis's
    same(_schedule(s, "run", "warm", **env).code, 0)
    due = {}
    for ident in s.cli("ZRANGE", Q + "scheduled", "0", "-1").split():
        spec = s.cli("HGET", Q + "task:" + ident, "spec")
        due[spec.split("|")[1]] = \
            float(s.cli("ZSCORE", Q + "scheduled", ident)) / 1000 - began
    had = 0
    for n, index in zip(calls, indexes[1:]):
        had += n
        assert had * 1000 / (share * rate) <= due[index] + 1, (had, due)
    same(run("drain-queue", "--workers", "1", "--wait", "-n", "3", "-t", "60",
             env=s.env(**env)).code, 0)
    at = [c["us"] / 1e6 for c in s.calls() if c["path"] == "/screener"]
    same(len(at), 34)
    assert 8 <= share * rate * (at[8] - start), (start, at[:9])


def what_somebody_fetched_meanwhile_is_warm(s):
    """The sweep began after the warming was put into the queue: it will do."""
    filled(s)
    ends_in(s, 60000)
    same(_schedule(s, "run", "warm", SCHEDULER_INDEXES="DJIA,NASDAQ 100").code, 0)
    same(len(tasks(s)), 2)
    for index in ("DJIA", "NASDAQ 100"):
        same(s.fetch("--index", index, "--refresh").code, 0)
    before = _pages(s)
    for ident in s.cli("ZRANGE", Q + "scheduled", "0", "-1").split():
        s.cli("ZADD", Q + "scheduled", "XX", "1", ident)
    same((s.drain(), _pages(s) - before), (0, 0))


def what_is_warm_is_left_alone_and_empty_is_never(s):
    filled(s)
    same(_schedule(s, "run", "warm", SCHEDULER_INDEXES="DJIA").code, 0)
    same(tasks(s), [])
    doc = _schedule(s, "show", "--json").doc
    same(len(doc["history"]["warming"]), 1)
    s.fresh()
    r = _schedule(s, "run", "warm", "-v", SCHEDULER_WARM="")
    same((r.code, "SCHEDULER_WARM is empty" in r.err), (0, True), r)
    same(s.cli("KEYS", "*"), "")
    doc = _schedule(s, "show", "--json", SCHEDULER_WARM="").doc
    same((doc["next_run"]["warming"], doc["schedule_config"]["warming"]),
         (None, ""))


def what_is_forgotten_is_named(s):
    s.fresh()
    for index in ("DJIA", "S&P 500"):
        same(s.fetch("--index", index).code, 0)
    def left():
        return len(s.cli("KEYS", "stock_data:*").split("\n"))
    same(left(), 24)
    for args in ((), ("--sector", "Energy"), ("--all", "--refresh"),
                 ("--all", "--format", "csv"), ("--all", "--async"),
                 ("--all", "--index", "DJIA")):
        r = s.fetch("--forget", *args)
        same((r.code, r.out, left()), (64, "", 24), r)
    r = s.fetch("--forget", "--index", "DJIA", "--sector", "Energy", "-v")
    same((r.code, r.out, left()), (0, "", 23), r)
    assert "forgot 1 dataset\n" in r.err, r
    assert s.cli("EXISTS", "stocknity:gzip:{stock_data:DJIA:Energy}") == "0"
    r = s.fetch("--forget", "--index", "DJIA")
    same((r.code, r.out, r.err, left()), (0, "", "", 12), r)
    same(s.cli("KEYS", "stock_data:DJIA:*"), "")
    same(s.fetch("--forget", "--all").code, 0)
    same(s.cli("KEYS", "stock_data:*"), "")
    same(s.cli("KEYS", "stocknity:gzip:*"), "")
    same(s.fetch("--forget", "--all", REDIS_URL="unix:///nowhere").code, 69)


def _pages(s):
    return len([c for c in s.calls() if c["path"] == "/screener"])


def _enqueue(s, *more):
    r = run("enqueue", "stock-data", "--index", "DJIA", *more, env=s.env())
    same(r.code, 0, r)
    return r.out.strip()


def what_was_satisfied_while_it_waited_is_not_fetched(s):
    """Put off or just waiting: a sweep that began after it was asked for will
    do; one that began before, or is not fresh any more, will not."""
    for between, sweeps in (([], 1), (["--force"], 1), (["sweep"], 1),
                            (["sweep", "--"], 1), (["sweep", "--force"], 2),
                            (["sweep", "stale"], 2)):
        filled(s)
        s.post("/_/reset")
        ident = _enqueue(s, "--force")
        for step in between:
            if step == "sweep":
                same(s.fetch("--index", "DJIA", "--refresh").code, 0)
            elif step == "stale":
                ends_in(s, -1000)
            else:
                same(_enqueue(s, *([] if step == "--" else [step])), ident)
        same(s.drain(), 0)
        same(_pages(s), 2 * sweeps, between)
        task = s.get("/api/tasks/" + ident).doc["task"]
        same((task["status"], json.loads(task["result"])["cached"]),
             ("completed", "sweep" in between and sweeps == 1), between)


def a_sweep_under_way_is_not_enough_for_who_asks_later(s):
    s.fresh("kind=slow n=600000 path=/screener")
    sweep = subprocess.Popen([program("fetch"), "--index", "DJIA", "--refresh"],
                             env=s.env(), stdout=subprocess.DEVNULL)
    wait_until(lambda: s.calls(), "its first call")
    _enqueue(s, "--force")
    same(s.drain(), 0)
    same((sweep.wait(), _pages(s)), (0, 4))


def a_refresh_never_deletes_first(s):
    filled(s)
    before = s.cli("GET", KEY % ("DJIA", "Any"))
    s.post("/_/faults", "kind=500 path=/screener\n"
           "kind=500 path=/v7\n")
    r = s.fetch("--index", "DJIA", "--refresh")
    assert r.code != 0, r
    same(s.cli("GET", KEY % ("DJIA", "Any")), before)


if __name__ == "__main__":
    main(tests_of(globals()), lambda: Stack(["--appendonly", "yes"]))
