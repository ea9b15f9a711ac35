"""drain-queue against a real Redis and the market server: what is run, what
becomes of a task when something breaks, and how the processes behave."""
import json
import os
import pty
import random
import signal
import subprocess
import sys
import time
import uuid

import redis

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Servers, main, program, run, wait_until  # noqa: E402

KEY = "stocknity:{default}:"
SEED = int(os.environ.get("SEED", "20261123"))
POINTS = int(os.environ.get("POINTS", "20"))  # moments of SIGTERM; 200: long
SLOW = "kind=slow n=150000 path=/screener"  # a page takes seconds


def same(got, want, what=""):
    assert got == want, "%s: got %r, want %r" % (what, got, want)


def world():
    s = Servers()
    s.r = redis.Redis(unix_socket_path=s.socket, decode_responses=True)
    return s


def put(s, *tasks):
    """Enqueue; each a dict of what is special.  Their ids."""
    lines, ids = [], []
    for t in tasks:
        t = dict({"id": str(uuid.uuid4())}, **t)
        ids.append(t["id"])
        lines.append(json.dumps(t))
    r = run("enqueue", "-", env=s.env(), stdin="\n".join(lines) + "\n")
    assert r.code == 0, r
    return ids


def fetch_task(index="DJIA", **more):
    return dict({"type": "fetch_stock_data", "index": index}, **more)


def probe(index="", **more):
    """Unequal to all others, so that none is merged."""
    return dict({"type": "probe", "index": index,
                 "sector": uuid.uuid4().hex[:12]}, **more)


def task(s, id):
    return s.r.hgetall(KEY + "task:" + id)


def status(s, *ids):
    return [task(s, id).get("status") for id in ids]


def stat(s, name):
    where = "config" if name == "claimed" else "stats"
    return int(s.r.hget(KEY + where, name) or 0)


def runs(t):
    """How many runs of a task were charged."""
    return int(t.get("retry_count") or 0)


def in_ms(s, id):
    """When a scheduled task is due, from now."""
    sec, us = s.r.time()
    return s.r.zscore(KEY + "scheduled", id) / 1000 - sec * 1000 - us / 1000


def drain(s, *args, timeout=60, **env):
    return run("drain-queue", *args, env=s.env(**env), timeout=timeout)


class Drain:
    """drain-queue in the background; ended by its pid."""

    def __init__(self, s, *args, **env):
        self.p = subprocess.Popen([program("drain-queue"), *args],
                                  env=s.env(**env), stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for pid in self.workers():
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass
        if self.p.poll() is None:
            self.p.terminate()
        try:
            self.p.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            self.p.kill()
            self.p.communicate()

    def workers(self):
        try:
            with open("/proc/%d/task/%d/children" % (self.p.pid, self.p.pid)) as f:
                return [int(pid) for pid in f.read().split()]
        except OSError:
            return []

    def end(self, sig=None, timeout=20):
        """Its exit status, what it said, and how long that took."""
        began = time.monotonic()
        if sig is not None:
            self.p.send_signal(sig)
        self.out, self.err = self.p.communicate(timeout=timeout)
        self.seconds = time.monotonic() - began
        return self.p.returncode


def running(s, *ids):
    return lambda: all(x == "processing" for x in status(s, *ids))


def owner_pid(s, id):
    return int(task(s, id)["owner"].rsplit(":", 1)[1])


def empty_queue_is_done_at_once(s):
    s.fresh()
    r = drain(s)
    same((r.code, r.out, r.err), (0, "", ""), r)
    assert r.seconds < 2, r.seconds


def datasets_fill_the_cache(s):
    s.fresh()
    ids = put(s, fetch_task("DJIA"), fetch_task("S&P 500", priority="urgent"))
    r = drain(s)
    same((r.code, r.out, r.err), (0, "", ""), r)
    same(status(s, *ids), ["completed"] * 2)
    same(json.loads(task(s, ids[1])["result"]),
         {"source": "finviz", "rows": 503, "total": 503, "cached": False})
    same(len(s.calls()), 28)
    for index, rows in (("DJIA", 30), ("S&P 500", 503)):
        r = s.fetch("--index", index)
        same((r.code, r.doc["count"]), (0, rows), r)
    same(len(s.calls()), 28)


def fresh_dataset_is_fetched_again_only_by_force(s):
    s.fresh()
    s.fetch("--index", "DJIA")
    id, = put(s, fetch_task())
    same(drain(s).code, 0)
    same(json.loads(task(s, id)["result"])["cached"], True)
    same(len(s.calls()), 2)
    id, = put(s, fetch_task(force=True))
    same(drain(s).code, 0)
    same(json.loads(task(s, id)["result"])["cached"], False)
    same(len(s.calls()), 4)


def empty_dataset_is_a_result(s):
    s.fresh()
    id, = put(s, fetch_task(sector="Utilities"))
    same(drain(s).code, 0)
    same(json.loads(task(s, id)["result"])["rows"], 0)
    same(status(s, id), ["completed"])


def probes_go_through_with_one_line(s):
    s.fresh()
    put(s, *[probe() for _ in range(120)], probe("refuse"))
    r = drain(s, "-v")
    same(r.code, 0, r)
    line = r.out.splitlines()
    same(len(line), 1, r)
    assert line[0].startswith("drained 121 tasks: 120 completed, 0 retried, "
                              "1 failed, 0 handed back in "), r
    same((stat(s, "done"), stat(s, "dead")), (120, 1))


def failure_is_retried_later(s):
    s.fresh("kind=500")
    id, = put(s, fetch_task())
    r = drain(s, SOURCES="finviz")
    same((r.code, r.out, r.err), (0, "", ""), r)
    t = task(s, id)
    same((t["status"], runs(t)), ("scheduled", 1), t)
    assert "upstream" in t["e1"] or "no-source" in t["e1"], t
    assert 14000 < in_ms(s, id) <= 30000, in_ms(s, id)


def retries_until_it_works(s):
    s.fresh("kind=500 path=/screener count=2")
    id, = put(s, fetch_task())
    with Drain(s, "--wait", "-t", "20", SOURCES="finviz", RETRY_DELAY=1) as d:
        wait_until(lambda: status(s, id) == ["completed"], "the retry")
        same(d.end(signal.SIGTERM), 0)
    same(runs(task(s, id)), 1)


def attempts_are_counted(s):
    s.fresh()
    id, = put(s, probe("fail"))
    with Drain(s, "--wait", "-t", "20", "-v", RETRY_DELAY=0) as d:
        wait_until(lambda: status(s, id) == ["failed"], "three attempts")
        same(d.end(signal.SIGTERM), 0)
    same(runs(task(s, id)), 3)
    assert "0 completed, 2 retried, 1 failed, 0 handed" in d.out, d.out
    assert "failed: rc=upstream: as the probe asked" in d.err, d.err


def permanent_failure_is_not_retried(s):
    s.fresh()
    id, = put(s, probe("refuse"))
    r = drain(s)
    same(r.code, 0, r)
    same((status(s, id), runs(task(s, id))), (["failed"], 1))


def limited_first_page_is_not_charged(s):
    s.fresh("kind=429 retry-after=7 path=/screener")
    id, = put(s, fetch_task())
    r = drain(s, "-v", SOURCES="finviz")
    same(r.code, 0, r)
    assert "0 failed, 1 handed back" in r.out, r
    t = task(s, id)
    same((t["status"], runs(t), t.get("e1")), ("scheduled", 0, None), t)
    assert 5000 < in_ms(s, id) <= 7100, in_ms(s, id)
    same(len(s.calls()), 1)


def retry_after_is_honoured(s):
    s.fresh("kind=429 retry-after=900 path=/screener after=1")
    id, = put(s, fetch_task())
    r = drain(s, SOURCES="finviz", TASK_DEADLINE=5)
    same(r.code, 0, r)
    t = task(s, id)
    same((t["status"], runs(t)), ("scheduled", 1), t)
    assert 880000 < in_ms(s, id) <= 901000, in_ms(s, id)


def open_breaker_is_not_charged(s):
    s.fresh("kind=500 path=/screener")
    put(s, *[fetch_task(i) for i in ("DJIA", "S&P 500", "NASDAQ 100")])
    drain(s, "--workers", "1", SOURCES="finviz")
    id, = put(s, fetch_task("RUSSELL 2000"))
    calls = len(s.calls())
    same(drain(s, SOURCES="finviz").code, 0)
    same((status(s, id), runs(task(s, id))), (["scheduled"], 0))
    same(len(s.calls()), calls)


def stale_data_is_no_success(s):
    s.fresh()
    s.fetch("--index", "DJIA")
    s.post("/_/faults", "kind=500\n")
    id, = put(s, fetch_task(force=True))
    same(drain(s).code, 0)
    same((status(s, id), runs(task(s, id))), (["scheduled"], 1))


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


def running_task_can_be_cancelled(s):
    s.fresh(SLOW)
    ids = put(s, fetch_task("S&P 500"), probe("sleep:20000"))
    with Drain(s, "-v", TASK_LEASE=1) as d:
        wait_until(running(s, *ids), "the tasks")
        for id in ids:
            r = run("enqueue", "--cancel", id, env=s.env())
            same(r.code, 0, r)
        same(d.end(timeout=5), 0)
    same(status(s, *ids), ["cancelled"] * 2)
    assert "2 cancelled" in d.out, d.out
    same(s.r.exists("stock_data:S&P 500:Any"), 0)
    # Its flight is free.
    s.post("/_/reset")
    r = s.fetch(timeout=20)
    same(r.code, 0, r)


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


def no_more_than_n_tasks(s):
    s.fresh()
    ids = put(s, *[probe("sleep:20") for _ in range(120)])
    for n in (1, 7, 70):
        done = stat(s, "done")
        r = drain(s, "-n", str(n), "--workers", "4")
        same(r.code, 0, r)
        same(stat(s, "done") - done, n)
    same(status(s, *ids).count("completed"), 78)
    s.fresh()
    put(s, *[fetch_task("DJIA", sector=x) for x in
             ("Energy", "Technology", "Healthcare", "Utilities")])
    same(drain(s, "-n", "3").code, 0)
    same((stat(s, "done"), stat(s, "claimed")), (3, 3))


def time_bounds_claiming_only(s):
    s.fresh()
    ids = put(s, *[probe("sleep:1500") for _ in range(3)])
    r = drain(s, "-t", "1", "--workers", "1")
    same(r.code, 0, r)
    # What ran ends; what was claimed with it but not begun goes back.
    same(status(s, *ids), ["completed", "pending", "pending"])
    same(runs(task(s, ids[1])), 0)
    s.fresh()
    began = time.monotonic()
    same(drain(s, "--wait", "-t", "2").code, 0)
    assert 1.9 < time.monotonic() - began < 3, time.monotonic() - began


def task_that_outlives_its_deadline_has_failed(s):
    s.fresh()
    ids = put(s, probe("sleep:5000"))
    r = drain(s, "--workers", "1", TASK_DEADLINE="1", TASK_MAX_ATTEMPTS="1")
    same(r.code, 0, r)
    assert r.seconds < 3, r.seconds
    same(status(s, *ids), ["failed"])


def waiting_wakes_within_a_second(s):
    s.fresh()
    with Drain(s, "--wait", "-t", "30", "--workers", "1") as d:
        wait_until(d.workers, "the worker")
        for pause in (0.6, 0.1, 0.35):
            time.sleep(pause)
            id, = put(s, probe())
            began = time.monotonic()
            wait_until(lambda: status(s, id) == ["completed"], "it", 5)
            assert time.monotonic() - began <= 1, time.monotonic() - began
        before = int(s.r.info("stats")["total_commands_processed"])
        time.sleep(2)
        after = int(s.r.info("stats")["total_commands_processed"])
        # A look is a script of a few commands, and twice a second.
        assert after - before < 60, after - before
        same(d.end(signal.SIGTERM), 0)
        assert d.seconds < 1, d.seconds


def delayed_task_is_run_when_due(s):
    s.fresh()
    id, = put(s, probe(delay=1))
    same(drain(s).code, 0)
    same(status(s, id), ["scheduled"])
    with Drain(s, "--wait", "-t", "30") as d:
        wait_until(lambda: status(s, id) == ["completed"], "it", 4)
        same(d.end(signal.SIGTERM), 0)


def backlog_decides_how_many_workers(s):
    s.fresh()
    # Light ones go fifty to a worker: the rest calls others.
    ids = put(s, *[probe("sleep:100") for _ in range(120)])
    most = 0
    with Drain(s, "--workers", "auto", MAX_WORKERS=3) as d:
        while d.p.poll() is None:
            most = max(most, len(d.workers()))
            time.sleep(0.02)
        same(d.end(), 0)
    same(set(status(s, *ids)), {"completed"})
    same(most, 3)
    same(len({task(s, id)["owner"] for id in ids}), 3)
    # Surplus workers go when there is nothing to do.
    with Drain(s, "--workers", "auto", "--wait", "-t", "30", MAX_WORKERS=3) as d:
        put(s, *[probe("sleep:100") for _ in range(60)])
        wait_until(lambda: len(d.workers()) == 3, "three workers")
        wait_until(lambda: len(d.workers()) == 1, "one worker")
        same(d.end(signal.SIGTERM), 0)


def eight_workers_share_the_limiter(s):
    s.fresh()
    ids = put(s, *[fetch_task(i) for i in
                   ("DJIA", "S&P 500", "NASDAQ 100", "RUSSELL 2000")])
    same(drain(s, "--workers", "8", RATE_LIMIT=50).code, 0)
    same(set(status(s, *ids)), {"completed"})
    due = sorted(int(g.split()[0]) for g in
                 s.r.lrange("stocknity:guard:{finviz}:grants", 0, -1))
    same(len(due), len(s.calls()))
    gaps = [b - a for a, b in zip(due, due[1:])]
    assert min(gaps) >= 19900, sorted(gaps)[:5]
    same(s.r.hget("stocknity:guard:{finviz}", "open_until_us") or "0", "0")


def wrong_ways_to_start(s):
    s.fresh()
    for args in (["--workers", "0"], ["--workers", "65"], ["--workers", "x"],
                 ["-n", "0"], ["-t", "-1"], ["--what"], ["more"]):
        same(drain(s, *args).code, 64, args)
    for env in ({"WORKERS": "x"}, {"WORKERS": "0"}, {"TASK_LEASE": "0"}):
        r = drain(s, **env)
        same(r.code, 78, r)
        assert next(iter(env)) in r.err, r
    r = drain(s, REDIS_URL="unix:///nowhere/redis.sock")
    same((r.code, r.out, len(r.err.splitlines())), (69, "", 1), r)
    r = drain(s, "--version")
    same((r.code, r.out[:12]), (0, "drain-queue "), r)
    same(drain(s, "-h").code, 0)


def unusable_settings_hand_the_task_back(s):
    s.fresh()
    id, = put(s, fetch_task())
    r = drain(s, SOURCES="nonsense")
    same((r.code, len(r.err.splitlines())), (78, 1), r)
    same((status(s, id), runs(task(s, id))), (["pending"], 0))


def paused_queue_is_left_alone(s):
    s.fresh()
    id, = put(s, probe())
    s.r.hset(KEY + "config", "paused", "1")
    same(drain(s).code, 0)
    same(status(s, id), ["pending"])


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


def terminal_sees_progress_and_summary(s):
    s.fresh()
    put(s, *[probe("sleep:600") for _ in range(2)])
    leader, follower = pty.openpty()
    p = subprocess.Popen([program("drain-queue")], env=s.env(),
                         stdin=follower, stdout=follower, stderr=follower)
    os.close(follower)
    seen = b""
    try:
        while True:
            seen += os.read(leader, 4096)
    except OSError:
        pass  # the other side is closed
    same(p.wait(10), 0)
    os.close(leader)
    assert b"2 running" in seen, seen
    assert seen.rstrip().split(b"\x1b[K")[-1].startswith(
        b"drained 2 tasks: 2 completed, 0 retried, 0 failed, "), seen


TESTS = [
    empty_queue_is_done_at_once,
    datasets_fill_the_cache,
    fresh_dataset_is_fetched_again_only_by_force,
    empty_dataset_is_a_result,
    probes_go_through_with_one_line,
    failure_is_retried_later,
    retries_until_it_works,
    attempts_are_counted,
    permanent_failure_is_not_retried,
    limited_first_page_is_not_charged,
    retry_after_is_honoured,
    open_breaker_is_not_charged,
    stale_data_is_no_success,
    keys_of_another_type_fail_the_task,
    members_of_another_type_are_done_without,
    terminated_at_any_moment,
    hangup_ends_it_but_not_under_nohup,
    killed_worker_is_replaced, killing_task_takes_no_others_with_it,
    workers_that_keep_crashing_end_the_drain,
    orphaned_workers_hand_back,
    lease_is_renewed_while_a_fetch_runs,
    running_task_can_be_cancelled,
    stopped_worker_settles_nothing_when_it_wakes,
    no_more_than_n_tasks,
    time_bounds_claiming_only,
    task_that_outlives_its_deadline_has_failed,
    waiting_wakes_within_a_second,
    delayed_task_is_run_when_due,
    backlog_decides_how_many_workers,
    eight_workers_share_the_limiter,
    wrong_ways_to_start,
    unusable_settings_hand_the_task_back,
    paused_queue_is_left_alone,
    lost_redis_ends_the_drain,
    full_redis_drains_what_it_can,
    data_that_redis_does_not_take_is_not_done,
    terminal_sees_progress_and_summary,
]

if __name__ == "__main__":
    main(TESTS, world)
