"""drain-queue against a real Redis and the market server: what is run, when,
by how many, and what it says."""
import calendar
import json
import os
import re
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from drain_kit import (  # noqa: E402
    Drain, drain, fetch_task, in_ms, on_a_terminal, probe, put, running, runs,
    SLOW, stat, status, task, world)
from harness import main, run, same, tests_of, wait_until  # noqa: E402


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
    same((r.code, r.out, len(r.err.splitlines())), (0, "", 1), r)
    assert id in r.err and "failed: rc=blocked" in r.err, r
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


def running_task_can_be_cancelled(s):
    s.fresh(SLOW)
    ids = put(s, fetch_task("S&P 500"), probe("sleep:20000"))
    with Drain(s, "-v", TASK_LEASE=1) as d:
        wait_until(running(s, *ids), "the tasks")
        r = run("enqueue", "--cancel", ids[0], env=s.env())
        same((r.code, r.out),
             (0, ids[0] + " is running: its worker was told to stop\n"), r)
        r = run("enqueue", "--cancel", ids[1], "--json", env=s.env())
        same((r.code, r.doc), (0, {"id": ids[1], "status": "told"}), r)
        same(d.end(timeout=5), 0)
    same(status(s, *ids), ["cancelled"] * 2)
    assert "2 cancelled" in d.out, d.out
    same(s.r.exists("stock_data:S&P 500:Any"), 0)
    # Its flight is free.
    s.post("/_/reset")
    r = s.fetch(timeout=20)
    same(r.code, 0, r)


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


def paused_queue_is_left_alone(s):
    s.fresh()
    id, = put(s, probe())
    r = run("enqueue", "--pause", "being \x1b[1mmended", env=s.env())
    same(r.code, 0, r)
    r = drain(s)
    same((r.code, r.out, r.err), (0, "", ""), "quiet in a pipe")
    r = drain(s, "-v")
    same(r.code, 0, r)
    assert r.out.startswith("drained 0 tasks: "), r
    assert "drain-queue: the queue is paused until enqueue --resume: being " in r.err, r
    assert "\x1b" not in r.err, r
    run("enqueue", "--pause", "short", "--for", "3600", env=s.env())
    r = drain(s, "-v")
    until = re.search(r"paused until (\S+Z): short\n", r.err)
    assert until, r
    at = calendar.timegm(time.strptime(until.group(1), "%Y-%m-%dT%H:%M:%SZ"))
    assert 3500 < at - time.time() <= 3601, until.group(0)
    same(status(s, id), ["pending"])
    code, seen = on_a_terminal(s)
    same(code, 0, seen)
    assert b"the queue is paused until 2" in seen, seen
    run("enqueue", "--resume", env=s.env())
    r = drain(s, "-v")
    assert "paused" not in r.err, r
    same(status(s, id), ["completed"])


def terminal_sees_progress_and_summary(s):
    s.fresh()
    put(s, *[probe("sleep:600") for _ in range(2)])
    code, seen = on_a_terminal(s)
    same(code, 0, seen)
    assert b"2 running" in seen, seen
    assert seen.rstrip().split(b"\x1b[K")[-1].startswith(
        b"drained 2 tasks: 2 completed, 0 retried, 0 failed, "), seen


def pause_that_ends_while_we_wait_is_not_told(s):
    s.fresh()
    id, = put(s, probe())
    run("enqueue", "--pause", "short", "--for", "1", env=s.env())
    with Drain(s, "--wait", "-t", "3", "-v") as d:
        same(d.end(), 0)
    same(status(s, id), ["completed"])
    assert "paused" not in d.err, d.err


if __name__ == "__main__":
    main(tests_of(globals()), world)
