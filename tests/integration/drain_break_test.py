"""drain-queue where something breaks: signals, workers that die, hang or sleep,
and a Redis that is lost, full, or has something else in its keys."""
import json
import os
import random
import signal
import subprocess
import sys
import time

import redis

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from drain_kit import (  # noqa: E402
    Drain, drain, fetch_task, KEY, owner_pid, probe, put, running, runs, SLOW,
    stat, status, task, world)
from harness import main, program, same, Servers, tests_of, wait_until  # noqa: E402

SEED = int(os.environ.get("SEED", "20261123"))
POINTS = int(os.environ.get("POINTS", "20"))  # moments of SIGTERM; 200: long


def keys_of_another_type_fail_the_task(s):
    """It is not put off without end, and its error names the key."""
    for key, sector in (("stock_data:DJIA:Any", "Any"),
                        ("stocknity:meta:{stock_data:DJIA:Any}", "Any"),
                        ("stocknity:flight:{DJIA}", "Any"),
                        ("stocknity:guard:{finviz}", "Any"),
                        ("stocknity:guard:{finviz}:grants", "Any"),
                        ("stock_data:DJIA:Technology", "Technology")):
        s.fresh()
        s.r.zadd(key, {"foreign": 1})
        if sector != "Any":
            # Another sector just before: this one becomes a sweep of Any.
            s.fetch("--index", "DJIA", "--sector", "Energy")
        id, = put(s, fetch_task(sector=sector))
        r = drain(s, TASK_MAX_ATTEMPTS=2)
        same(r.code, 0, (key, r))
        t = task(s, id)
        same((t["status"], runs(t)), ("failed", 1), (key, t))
        assert "denied: " + key.split(":grants")[0] in t["e1"], (key, t)
        same(s.r.zrange(key, 0, -1), ["foreign"], key)


def members_of_another_type_are_done_without(s):
    s.fresh("kind=challenge path=/screener")
    s.r.lpush("stocknity:members:{stock_data:DJIA:Any}", "foreign")
    id, = put(s, fetch_task())
    same(drain(s).code, 0)
    same(json.loads(task(s, id)["result"])["source"], "yahoo")


def terminated_at_any_moment(s):
    rng = random.Random(SEED)
    for point in range(POINTS):
        s.fresh(SLOW)
        ids = put(s, fetch_task("S&P 500"), fetch_task("DJIA"),
                  *[probe("sleep:%d" % rng.randint(0, 300)) for _ in range(9)])
        what = "seed %d, point %d" % (SEED, point)
        with Drain(s, "--workers", "2") as d:
            time.sleep(rng.uniform(0, 1.2))
            code = d.end(signal.SIGTERM)
        # Before it had begun at all, a signal is what it always is.
        assert code == 0 or (code == -15 and stat(s, "claimed") == 0), what
        same((d.out, d.err), ("", ""), what)
        assert d.seconds < 1, "%s: %.2f s" % (what, d.seconds)
        same(s.r.zcard(KEY + "processing"), 0, what)
        for id in ids:
            t = task(s, id)
            assert t["status"] in ("pending", "completed"), (what, t)
            same((runs(t), int(t.get("lost") or 0)), (0, 0), what)
        same(s.r.keys("stocknity:flight:*") and
             [s.r.hget(k, "lease_until_us") not in (None, "0") and
              int(s.r.hget(k, "lease_until_us")) > time.time() * 1e6
              for k in s.r.keys("stocknity:flight:*")].count(True) or 0, 0,
             what + ": flights held")
        s.post("/_/reset")
        same(drain(s).code, 0, what)
        same(set(status(s, *ids)), {"completed"}, what)


def hangup_ends_it_but_not_under_nohup(s):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # ignored: so are we
    for how in ("", "nohup "):
        s.fresh()
        ids = put(s, *[probe("sleep:800") for _ in range(2)])
        p = subprocess.Popen(["sh", "-c", "exec %s%s" % (
            how, program("drain-queue"))], env=s.env(),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True)
        wait_until(running(s, *ids), "the tasks")
        os.killpg(p.pid, signal.SIGHUP)
        same(p.wait(10), 0)
        same(status(s, *ids), ["completed" if how else "pending"] * 2)


def redis_that_is_away_for_a_while_costs_nothing(s):
    """Shorter than the lease: what runs goes on, and is not charged."""
    s.fresh()
    ids = put(s, *[probe("sleep:4000") for _ in range(2)])
    d = Drain(s, "--workers", "2", REDIS_TIMEOUT="1", TASK_LEASE="12")
    wait_until(running(s, *ids), "the tasks")
    time.sleep(1)
    s.redis.send_signal(signal.SIGSTOP)
    try:
        time.sleep(3.5)  # a renewal, and then the completion, fail
    finally:
        s.redis.send_signal(signal.SIGCONT)
    same(d.p.wait(20), 0)
    for id in ids:
        t = task(s, id)
        same((t["status"], runs(t), t["lost"], t.get("errors")),
             ("completed", 0, None, None), t)


def sigterm_while_redis_hangs_ends_within_a_second(s):
    s.fresh()
    ids = put(s, probe("sleep:9000"))
    d = Drain(s, "--workers", "1", TASK_LEASE="12")
    wait_until(running(s, *ids), "the task")
    s.redis.send_signal(signal.SIGSTOP)
    try:
        begin = time.monotonic()
        d.p.send_signal(signal.SIGTERM)
        d.p.wait(10)
        took = time.monotonic() - begin
    finally:
        s.redis.send_signal(signal.SIGCONT)
    assert took < 1.5, took  # it would have been three


def killed_worker_is_replaced(s):
    s.fresh()
    id, = put(s, probe("sleep:1500"))
    with Drain(s, "--wait", "-t", "20", "--workers", "2", TASK_LEASE=1) as d:
        wait_until(running(s, id), "the task")
        pid = owner_pid(s, id)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: len(d.workers()) == 2 and pid not in d.workers(),
                   "the new worker", 3)
        wait_until(lambda: status(s, id) == ["completed"], "the second run")
        same(d.end(signal.SIGTERM), 0)
    assert "a worker ended with signal 9: replaced" in d.err, d.err
    same(runs(task(s, id)), 0)
    same(stat(s, "claimed"), 2)


def killing_task_takes_no_others_with_it(s):
    s.fresh()
    ids = put(s, probe("sleep:30000"), *[probe("n%d" % i) for i in range(5)])
    with Drain(s, "--wait", "-t", "60", "--workers", "1", TASK_LEASE=1) as d:
        for lost in range(5):
            wait_until(lambda: task(s, ids[0]).get("status") == "processing" and
                       int(task(s, ids[0]).get("lost") or 0) == lost,
                       "run %d" % (lost + 1))
            os.kill(owner_pid(s, ids[0]), signal.SIGKILL)
        wait_until(lambda: status(s, *ids) == ["failed"] + ["completed"] * 5,
                   "the others")
        same(d.end(signal.SIGTERM), 0)


def workers_that_keep_crashing_end_the_drain(s):
    s.fresh()
    seen = set()
    with Drain(s, "--wait", "--workers", "1") as d:
        for _ in range(11):
            wait_until(lambda: set(d.workers()) - seen, "a worker")
            pid, = set(d.workers()) - seen
            seen.add(pid)
            os.kill(pid, signal.SIGKILL)
        same(d.end(), 70)
    assert "keep crashing" in d.err, d.err


def orphaned_workers_hand_back(s):
    s.fresh()
    ids = put(s, *[probe("sleep:3000") for _ in range(3)])
    with Drain(s, "--workers", "1") as d:
        wait_until(running(s, *ids), "the tasks")
        d.p.kill()
        d.p.wait()
        wait_until(lambda: status(s, *ids) == ["pending"] * 3, "them back", 2)
    same([runs(task(s, id)) for id in ids], [0] * 3)


def lease_is_renewed_while_a_fetch_runs(s):
    s.fresh(SLOW)
    id, = put(s, fetch_task("NASDAQ 100"))
    progress = set()
    with Drain(s, TASK_LEASE=1) as d:
        while d.p.poll() is None:
            progress.add(task(s, id).get("progress"))
            time.sleep(0.05)
        same(d.end(), 0)
    same((d.out, d.err), ("", ""))
    same((status(s, id), stat(s, "claimed"), stat(s, "lost")),
         (["completed"], 1, 0))
    assert any(p and p.endswith("of 101 rows") for p in progress), progress


def stopped_worker_settles_nothing_when_it_wakes(s):
    s.fresh()
    for task_ in (probe("sleep:300"), fetch_task()):
        id, = put(s, task_)
        if task_["type"] != "probe":
            s.post("/_/faults", SLOW + " count=1\n")
        with Drain(s, "-v", "--workers", "1", TASK_LEASE=1) as d:
            wait_until(running(s, id), "the task")
            pid = owner_pid(s, id)
            os.kill(pid, signal.SIGSTOP)
            time.sleep(1.2)
            s.r.hset("stocknity:flight:{DJIA}", "lease_until_us", 1)
            same(drain(s, TASK_LEASE=20).code, 0)
            want = task(s, id)
            cached = s.r.get("stock_data:DJIA:Any")
            same(want["status"], "completed")
            os.kill(pid, signal.SIGCONT)
            same(d.end(), 0)
        same(task(s, id), want)
        same(s.r.get("stock_data:DJIA:Any"), cached)
        assert "0 completed" in d.out and "1 lost" in d.out, d.out


def unusable_settings_hand_the_task_back(s):
    s.fresh()
    id, = put(s, fetch_task())
    r = drain(s, SOURCES="nonsense")
    same((r.code, len(r.err.splitlines())), (78, 1), r)
    same((status(s, id), runs(task(s, id))), (["pending"], 0))


def lost_redis_ends_the_drain(s):
    other = Servers()
    try:
        other.r = redis.Redis(unix_socket_path=other.socket,
                              decode_responses=True)
        other.fresh(SLOW)
        id, = put(other, fetch_task("S&P 500"))
        with Drain(other, "--wait", TASK_LEASE=2) as d:
            wait_until(lambda: other.calls(), "the first call")
            other.stop_redis()
            same(d.end(), 69)
            calls = len(other.calls())
        same(len(d.err.splitlines()), 1, d.err)
        assert calls < 10, calls
    finally:
        other.close()


def full_redis_drains_what_it_can(s):
    other = Servers()
    try:
        other.r = redis.Redis(unix_socket_path=other.socket,
                              decode_responses=True)
        other.fresh()
        ids = put(other, fetch_task(), probe(), probe("sleep:10"))
        other.r.config_set("maxmemory", 1)
        r = drain(other)
        same(r.code, 75, r)
        assert "full" in r.err, r.err
        same(status(other, *ids), ["scheduled", "completed", "completed"])
        same(runs(task(other, ids[0])), 0)
        same(other.calls(), [])
    finally:
        other.close()


def data_that_redis_does_not_take_is_not_done(s):
    other = Servers()
    try:
        other.r = redis.Redis(unix_socket_path=other.socket,
                              decode_responses=True)
        other.fresh("kind=slow n=300000 path=/screener after=1")
        id, = put(other, fetch_task())
        with Drain(other) as d:
            wait_until(lambda: len(other.calls()) == 2, "the last page")
            other.r.config_set("maxmemory", 1)
            same(d.end(), 75)
        same((status(other, id), runs(task(other, id))), (["scheduled"], 0))
        same(other.r.exists("stock_data:DJIA:Any"), 0)
    finally:
        other.close()


if __name__ == "__main__":
    main(tests_of(globals()), world)
