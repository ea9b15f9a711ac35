"""schedule when things go wrong: killed anywhere, cut off from Redis anywhere,
and with things in Redis that are not its own."""
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cut import Cut, Meddler, Script  # noqa: E402
from harness import BUILD, main, run  # noqa: E402
from schedule_kit import (DAILY, DAY, JOBS, Q, SLOTS, ago,  # noqa: E402
                          history, quiet, same, schedule, servers, shifted, show,
                          take_lease, tasks, tests_of)


def killed_anywhere(s, job, env, prepare, want):
    """Kill a run behind each of its commands that may have written, and before
    the first; then run it again."""
    s.fresh()
    for db in (62, 63):  # the first time Redis does not know all scripts
        prepare(str(db))
        whole = Cut(s, "%s-whole-%d" % (job, db), 1 << 30)
        same(whole.run(s, db, "schedule", "run", job, **env), 0)
    points = [k for k in range(len(whole.names) + 1)
              if k == 0 or whole.names[k - 1].startswith("EVAL")]
    assert len(points) >= 5, whole.names
    points = points[:30] + points[30:-10:10] + points[30:][-10:]
    assert len(points) < 60, points
    s.cli("FLUSHALL")
    for at, k in enumerate(points):
        prepare(str(at + 1))
        code = Cut(s, "%s-%d" % (job, k), k).run(
            s, at + 1, "schedule", "run", job, **env)
        same(code, 0 if k == len(whole.names) else -9, "at command %d" % k)
    time.sleep(1.1)  # the leases, of TASK_LEASE
    for at, k in enumerate(points):
        db = {"REDIS_URL": "unix://%s?db=%d" % (s.socket, at + 1)}
        quiet(s, "run", job, **db, **env)
        quiet(s, "run", job, **db, **env)
        same(tasks(s, str(at + 1)), want, "killed at command %d" % k)
        left = s.cli("-n", str(at + 1), "HGETALL", SLOTS).split("\n")
        assert not any(x.startswith("lease:") for x in left), left
        same(len(history(s, job, **db, **env)), 1, k)


def a_daily_run_may_be_killed_anywhere(s):
    killed_anywhere(s, "daily", {"TASK_LEASE": 1}, lambda db: None, DAILY)


def an_hourly_run_that_catches_up_may_be_killed_anywhere(s):
    def missed(db):
        s.cli("-n", db, "HSET", SLOTS, "switch",
              "1 %d" % ((time.time() - 0.5 * DAY) * 1000000))

    killed_anywhere(s, "hourly", {
        "TASK_LEASE": 1, "SCHEDULER_DAILY_REFRESH": ago(3600)}, missed, DAILY)


def a_weekly_run_may_be_killed_anywhere(s):
    killed_anywhere(s, "weekly", {"TASK_LEASE": 1}, lambda db: None, [])


def an_answer_that_is_lost_changes_nothing(s):
    """The connection breaks behind each command of a daily run."""
    env = {"TASK_LEASE": 1}
    s.fresh()
    whole = Cut(s, "whole", 1 << 30)
    same(whole.run(s, 63, "schedule", "run", "daily", **env), 0)
    s.cli("FLUSHALL")
    codes, shown = [], ""
    for k in range(len(whole.names)):
        codes.append(Cut(s, "lost-%d" % k, k, drop=True).run(
            s, k + 1, "schedule", "run", "daily", **env))
        # who says that it is done has done it, and not somebody else later
        db = {"REDIS_URL": "unix://%s?db=%d" % (s.socket, k + 1)}
        done = len(history(s, "daily", **db))
        assert codes[-1] != 0 or done == 1, (k, whole.names[k])
        shown += schedule(s, "show", **db).out
    assert "  ? tasks\n" in shown and "taken up" not in shown, shown
    assert set(codes) <= {0, 69} and 0 in codes, codes
    time.sleep(1.1)
    for k in range(len(whole.names)):
        db = {"REDIS_URL": "unix://%s?db=%d" % (s.socket, k + 1)}
        quiet(s, "run", "daily", **db, **env)
        same(tasks(s, str(k + 1)), DAILY, "lost behind command %d" % k)
        same(len(history(s, "daily", **db)), 1, k)


def while_it_accepts(s, action, *args, **env):
    """A run, and what another host does between its last look at the slots and
    the call that accepts its own."""
    meddler = Meddler(s, Script("queue_enqueue").sha, action)
    r = schedule(s, *args, REDIS_URL="unix://" + meddler.path, **env)
    meddler.server.close()
    same((r.code, meddler.action), (0, None), r)
    return r


def an_older_slot_loses_to_a_newer_one_that_was_quicker(s):
    """A host whose clock is a day behind, and one whose clock is right."""
    s.fresh()
    r = while_it_accepts(s, lambda: quiet(s, "run", "daily"), "run", "daily",
                         "-v", **shifted(s, -DAY))
    assert "a later one was accepted before" in r.err, r
    (one,) = history(s, "daily")
    same((one["enqueued"], tasks(s)), (4, DAILY))
    same(s.cli("HGET", Q + "stats", "merged"), "", "nothing was asked for twice")
    assert "daily:" not in s.cli("HKEYS", SLOTS).replace(one["slot"], "")


def while_it_catches_up(s, action, days=0.5):
    """An hourly run, and what happens when it accepts a daily slot that was
    missed: it holds its own by then."""
    s.fresh()
    s.cli("HSET", SLOTS, "switch", "1 %d" % ((time.time() - days * DAY) * 1e6))
    meddler = Meddler(s, b"fetch_stock_data|DJIA", action)
    r = schedule(s, "run", "hourly", REDIS_URL="unix://" + meddler.path,
                 SCHEDULER_DAILY_REFRESH=ago(3600))
    meddler.server.close()
    same(meddler.action, None, r)
    return r


def a_run_that_lost_its_lease_says_so(s):
    """And leaves the slot to who has it, and the weekly one, missed as well."""
    r = while_it_catches_up(s, lambda: take_lease(s), 8)
    same((r.code, r.out, r.err.count("\n")), (75, "", 1), r)
    assert "another run has taken it up" in r.err, r
    same((history(s, "hourly"), tasks(s)), ([], DAILY))
    slots = s.cli("HGETALL", SLOTS)
    assert " other" in slots and "weekly:" not in slots, slots


def a_run_that_lost_its_lease_at_the_end_does_not_write_it(s):
    """Whoever took the slot up meanwhile has it, and writes when it is done."""
    s.fresh()
    meddler = Meddler(s, Script("schedule_done").sha, lambda: take_lease(s))
    r = schedule(s, "run", "daily", REDIS_URL="unix://" + meddler.path)
    meddler.server.close()
    same((r.code, r.out, r.err.count("\n")), (75, "", 1), r)
    assert "another run has taken it up" in r.err, r
    same((history(s, "daily"), tasks(s)), ([], DAILY))


def a_run_lasts_from_its_first_step_to_its_last(s):
    same(while_it_catches_up(s, lambda: time.sleep(0.3)).code, 0)
    (one,) = history(s, "hourly")
    assert one["duration_seconds"] >= 0.3, one


def taken_and_stopped_are_told_apart(s):
    for action, word in ((lambda: quiet(s, "run", "daily"), "it was accepted"),
                         (lambda: quiet(s, "stop"), "it is stopped")):
        s.fresh()
        r = while_it_accepts(s, action, "run", "daily", "-v")
        assert "nothing done: " + word in r.err, r
        same(r.err.count("\n"), 1, r)


def slots_in_the_future_are_named_and_dropped(s):
    """The clock of a machine, Redis and all, was a month ahead; now it is right.
    Its switch, a slot that is done and one whose run died are left."""
    s.fresh()
    ahead = time.time() + 30 * DAY
    day = time.strftime("%Y-%m-%d", time.gmtime(ahead))
    quiet(s, "run", "warm")
    s.cli("HSET", SLOTS, "switch", "1 %d" % (ahead * 1e6),
          "daily:" + day, "%d other done" % (ahead * 1e6),
          "hourly:%sT00Z" % day, "%d other" % (ahead * 1e6),
          "lease:hourly:%sT00Z" % day, "%d other" % (ahead * 1e6 + 60e6))
    for job, slot in (("daily", "daily:" + day), ("hourly", "hourly:" + day)):
        r = schedule(s, "run", job)
        same((r.code, r.out, r.err.count("\n")), (75, "", 1), r)
        assert slot in r.err and "schedule start" in r.err, r
    # another job goes on, and the hourly one will say it of the daily one
    quiet(s, "run", "weekly")
    found = show(s)["findings"]
    same([x.split(" ")[0] for x in found],
         ["daily:" + day, "hourly:%sT00Z" % day])
    text = schedule(s, "show").out
    check = run("status", "--check", env=s.env(TZ="UTC"))
    same(check.code, 1, check)
    for x in found:
        assert "finding: %s\n" % x in text, text
        assert "scheduler: %s\n" % x in check.out, check
    r = schedule(s, "start", "-v")
    same((r.code, "dropped: 2" in r.err), (0, True), r)
    left = s.cli("HKEYS", SLOTS)
    assert day not in left and "warm:" in left, left
    assert int(s.cli("HGET", SLOTS, "switch")[2:]) < time.time() * 1e6
    same(show(s)["findings"], [])
    quiet(s, "run", "daily")
    quiet(s, "run", "hourly")
    same(tasks(s), DAILY)


def a_switch_of_the_future_is_set_anew_by_a_run(s):
    """Else nothing is missed, and caught up, until then."""
    s.fresh()
    s.cli("HSET", SLOTS, "switch", "1 %d" % ((time.time() + 30 * DAY) * 1e6))
    quiet(s, "run", "hourly")
    assert int(s.cli("HGET", SLOTS, "switch")[2:]) < time.time() * 1e6
    # and one that is off stays off
    s.cli("HSET", SLOTS, "switch", "0 %d" % ((time.time() + 30 * DAY) * 1e6))
    quiet(s, "run", "daily")
    same((show(s)["running"], tasks(s)), (False, []))


def what_is_not_ours_is_passed_over(s):
    s.fresh()
    s.cli("HSET", SLOTS, "switch", "zzz", "daily:", "x", "weekly", "1 2",
          "hourly:2026-01-01T00Z", "12", "x" * 100, "y" * 100)
    for line in ("", "daily:2026-01-01", "a b c d e f", "x" * 1000,
                 "daily:2026-01-01 r 1 2 3 4 5 6 7 8 9 99999999999999999999"):
        s.cli("LPUSH", Q + "runs:daily", line)
    doc = show(s)
    same((doc["running"], doc["history"]["daily_refresh"]), (True, []))
    quiet(s, "run", "hourly")
    same(len(history(s, "hourly")), 1)
    s.fresh()
    s.cli("SET", SLOTS, "x")
    for args in (("run", "daily"), ("show",), ("stop",)):
        r = schedule(s, *args)
        same((r.code, r.out, r.err.count("\n")), (65, "", 1), r)


def a_full_redis_leaves_the_slot_open(s):
    s.fresh()
    s.cli("CONFIG", "SET", "maxmemory", "1")
    try:
        for job in JOBS:
            r = schedule(s, "run", job)
            same((r.code, r.out, r.err.count("\n")), (75, "", 1), r)
    finally:
        s.cli("CONFIG", "SET", "maxmemory", "0")
    same((tasks(s), s.cli("EXISTS", SLOTS)), ([], "0"))
    quiet(s, "run", "daily")
    same(tasks(s), DAILY)


def the_switch_turns_in_a_full_redis(s):
    """It is what one reaches for when too much is put there."""
    for before in ("never set", "on"):
        s.fresh()
        if before == "on":
            quiet(s, "run", "weekly")
        s.cli("CONFIG", "SET", "maxmemory", "1")
        try:
            for word, running in (("stop", False), ("start", True),
                                  ("stop", False)):
                quiet(s, word)
                same(show(s)["running"], running, (before, word))
            head = schedule(s, "show").out
            assert head.startswith("stopped since "), head
        finally:
            s.cli("CONFIG", "SET", "maxmemory", "0")


def refresh_is_an_urgent_forced_task(s):
    """What POST /api/scheduler/refresh and force-refresh call."""
    def ask(*args):
        p = subprocess.run([os.path.join(BUILD, "tests/schedule_refresh"),
                            *args], env=s.env(), capture_output=True, text=True)
        same((p.returncode, p.stderr), (0, ""), p)
        return p.stdout

    s.fresh()
    quiet(s, "stop")
    same(ask("DJIA", "Energy"), "new\n")
    same(tasks(s), [("DJIA", "Energy", "3", "1")])
    same(ask(), "new\nnew\n")
    same(ask(), "merged\nmerged\n")
    same(tasks(s), sorted([("DJIA", "Energy", "3", "1"),
                           ("DJIA", "Any", "3", "1"),
                           ("S&P 500", "Any", "3", "1")]))


def a_refresh_whose_answer_is_lost_is_asked_for_once(s):
    """Its second try finds the task there, and says that it is new."""
    def ask(cut):
        p = subprocess.run([os.path.join(BUILD, "tests/schedule_refresh"), "DJIA",
                            "Energy"], env=s.env(REDIS_URL="unix://" + cut.path),
                           capture_output=True, text=True)
        cut.server.close()
        return p.returncode, p.stdout, p.stderr

    s.fresh()
    whole = Cut(s, "whole", 1 << 30)
    same(ask(whole), (0, "new\n", ""))
    for k, name in enumerate(whole.names):
        if name.startswith("EVAL"):
            s.fresh()
            same(ask(Cut(s, "lost", k, drop=True)), (0, "new\n", ""), name)
            same(tasks(s), [("DJIA", "Energy", "3", "1")])


if __name__ == "__main__":
    main(tests_of(globals()), servers)
