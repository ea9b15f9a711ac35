"""schedule against a real Redis: slots that are accepted once, missed ones, the
switch, the work of each job, the history."""
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Skip, main, program, run  # noqa: E402
from schedule_kit import (DAILY, DAY, JOBS, META, Q, SLOTS, ago,  # noqa: E402
                          history, quiet, same, schedule, servers, shifted, show,
                          since, tasks, tests_of)

def daily_is_two_forced_tasks_an_index(s):
    s.fresh()
    quiet(s, "run", "daily")
    same(tasks(s), DAILY)
    specs = [s.cli("HGET", key, "spec") for key in
             s.cli("--scan", "--pattern", Q + "task:*").split()]
    same(sorted(x for x in specs if x[0] == "1"),
         ["11calculate_annual_returns|DJIA|Any",
          "11calculate_annual_returns|S&P 500|Any"])
    (one,) = history(s, "daily")
    same((one["exit"], one["enqueued"], one["merged"], one["missed"]),
         (0, 4, 0, 0))
    quiet(s, "run", "daily")
    same(tasks(s), DAILY)
    same(len(history(s, "daily")), 1)
    s.cli("FLUSHALL")
    quiet(s, "run", "daily", SCHEDULER_INDEXES="NASDAQ 100")
    same(tasks(s), [("NASDAQ 100", "Any", "1", "1"),
                    ("NASDAQ 100", "Any", "2", "1")])
    s.cli("FLUSHALL")
    quiet(s, "run", "daily", SCHEDULER_INDEXES="Any")
    same(tasks(s), [("Any", "Any", "2", "1")])


def tasks_that_wait_already_are_merged(s):
    s.fresh()
    r = run("enqueue", "stock-data", "--index", "DJIA", env=s.env())
    same(r.code, 0, r)
    quiet(s, "run", "daily")
    same(tasks(s), DAILY)
    (one,) = history(s, "daily")
    same((one["enqueued"], one["merged"]), (3, 1))


def the_switch_is_durable_and_idempotent(s):
    s.fresh()
    same(show(s)["running"], True, "a fresh installation")
    quiet(s, "stop")
    since_us = s.cli("HGET", SLOTS, "switch")
    quiet(s, "stop")
    same(s.cli("HGET", SLOTS, "switch"), since_us)
    for job in JOBS:
        quiet(s, "run", job)
    same(tasks(s), [])
    r = schedule(s, "run", "daily", "-v")
    same(r.code, 0, r)
    assert "stopped" in r.err and r.err.count("\n") == 1, r
    assert "accepted" not in r.err, r
    doc = show(s)
    same((doc["running"], set(doc["next_run"].values())), (False, {None}))
    quiet(s, "start")
    quiet(s, "start")
    same(show(s)["running"], True)
    # what was due while it was stopped is not caught up
    quiet(s, "run", "hourly", SCHEDULER_DAILY_REFRESH=ago(3600))
    same(tasks(s), [])
    same(history(s, "daily"), [])


def a_missed_slot_is_caught_up_once(s):
    s.fresh()
    since(s, 2.5 * DAY)
    env = {"SCHEDULER_DAILY_REFRESH": ago(3600)}
    quiet(s, "run", "hourly", **env)
    same(tasks(s), DAILY)
    (one,) = history(s, "daily", **env)
    same((one["exit"], one["enqueued"], one["missed"]), (0, 4, 3))
    # and not again, by whichever run
    s.cli("HDEL", SLOTS, history(s, "hourly", **env)[0]["slot"])
    quiet(s, "run", "hourly", **env)
    quiet(s, "run", "daily", **env)
    same(len(history(s, "daily", **env)), 1)
    same(len(history(s, "hourly", **env)), 2)
    same(tasks(s), DAILY)


def a_missed_warming_is_not_caught_up(s):
    s.fresh()
    since(s, 9 * DAY)
    quiet(s, "run", "hourly", SCHEDULER_WARM=ago(3600))
    same(history(s, "warm"), [])
    same(len(history(s, "weekly")), 1, "what was missed otherwise is")


def what_was_accepted_is_not_counted_as_missed(s):
    s.fresh()
    since(s, 9 * DAY)
    env = {"SCHEDULER_DAILY_REFRESH": ago(3600)}
    accepted = time.time() - 3 * DAY - 3600
    s.cli("HSET", SLOTS, time.strftime("daily:%Y-%m-%d", time.gmtime(accepted)),
          "%d other done" % (accepted * 1e6))
    quiet(s, "run", "hourly", **env)
    same(history(s, "daily", **env)[0]["missed"], 3)


def a_slot_that_is_only_just_due_is_left_to_its_own_run(s):
    s.fresh()
    since(s, 0.5 * DAY)
    env = {"SCHEDULER_DAILY_REFRESH": ago(60)}
    quiet(s, "run", "hourly", **env)
    same(history(s, "daily", **env), [])
    quiet(s, "run", "daily", **env)
    same(history(s, "daily", **env)[0]["missed"], 0)


def a_full_queue_leaves_the_slot_open(s):
    s.fresh()
    since(s, 0.5 * DAY)
    env = {"SCHEDULER_DAILY_REFRESH": ago(3600)}
    r = schedule(s, "run", "daily", QUEUE_MAX=1, **env)
    same((r.code, r.out, r.err.count("\n")), (75, "", 1), r)
    same((tasks(s), history(s, "daily", **env)), ([], []))
    r = schedule(s, "run", "hourly", QUEUE_MAX=1, **env)
    same((r.code, r.err.count("\n")), (75, 1), r)
    assert "open" in r.err, r
    same((tasks(s), history(s, "daily", **env)), ([], []))
    (hour,) = history(s, "hourly", **env)
    same(hour["exit"], 75)
    s.cli("HDEL", SLOTS, hour["slot"])
    quiet(s, "run", "hourly", **env)
    same(tasks(s), DAILY)
    same(history(s, "daily", **env)[0]["missed"], 1)


def a_slot_has_all_its_tasks_or_none(s):
    """High ones may fill nine tenths of the queue, normal ones eight; what is
    merged needs no room."""
    env = {"SCHEDULER_DAILY_REFRESH": ago(3600), "QUEUE_MAX": 20}
    most = (["stock-data", "--all", "--priority", "high"],
            ["annual-returns", "--index", "DJIA"])
    for others, held, code in ((14, (), 75), (12, (), 0), (12, most, 0),
                               (13, most, 75)):
        s.fresh()
        since(s, 0.5 * DAY)
        for args in held:
            same(run("enqueue", *args, "--force", env=s.env(**env)).code, 0)
        before = tasks(s)
        for i in range(others):
            same(run("enqueue", "probe", str(i), "--priority", "urgent",
                     env=s.env(**env)).code, 0)
        r = schedule(s, "run", "daily", **env)
        same((r.code, r.err.count("\n")), (code, code and 1), (r, others))
        same([t for t in tasks(s) if t[1] == "Any"], before if code else DAILY)


def an_older_slot_is_refused(s):
    """The clock goes back an hour."""
    def at(shift, *args):
        return schedule(s, *args, **shifted(s, shift))

    s.fresh()
    for job in JOBS:
        same(at(0, "run", job).code, 0)
    before = tasks(s)
    for job in JOBS:
        for shift in (-3600, -2 * 3600, -40 * DAY):
            r = at(shift, "run", job, "-v")
            same(r.code, 0, r)
            assert "nothing done" in r.err and "accepted before" in r.err, r
    same([len(history(s, job)) for job in JOBS], [1, 1, 1, 1])
    same(tasks(s), before)
    # back in time it begins where it stopped; a clock ahead is refused
    s.fresh()
    same([at(-n * 3600, "run", "hourly").code for n in (3, 2, 1, 2, 3, 0)],
         [0] * 6)
    same(len(history(s, "hourly")), 4)
    r = at(7200, "run", "hourly")
    same((r.code, r.err.count("\n")), (75, 1), r)
    assert "ahead" in r.err, r
    same(len(history(s, "hourly")), 4)


def a_clock_may_be_two_minutes_ahead(s):
    """A slot that is due within two minutes by the clock of Redis is accepted."""
    for due_in, code in ((60, 0), (300, 75)):  # seconds, cut to the minute
        s.fresh()
        r = schedule(s, "run", "daily", SCHEDULER_DAILY_REFRESH=ago(-due_in),
                     **shifted(s, due_in + 30))
        same((r.code, len(tasks(s))), (code, 4 if code == 0 else 0), r)


def a_living_run_is_not_overlapped_and_a_dead_one_taken_up(s):
    s.fresh()
    quiet(s, "run", "daily")
    slot = history(s, "daily")[0]["slot"]
    now = time.time() * 1000000
    s.cli("DEL", Q + "runs:daily")

    def held(accepted, until):
        s.cli("HSET", SLOTS, slot, "%d other" % accepted)
        s.cli("HDEL", SLOTS, "lease:" + slot)
        if until:
            s.cli("HSET", SLOTS, "lease:" + slot, "%d other" % until)

    # held by a lease, or only just accepted
    for accepted, until in ((now - 300e6, now + 50e6), (now, 0)):
        held(accepted, until)
        r = schedule(s, "run", "daily", "-v")
        same(r.code, 0, r)
        assert "another run" in r.err, r
        same(history(s, "daily"), [])
        same(show(s)["runs"]["daily_refresh"]["ended_at"], None)
    for job in ("daily", "hourly"):
        s.cli("DEL", Q + "runs:daily")
        held(now - 300e6, now - 100e6)
        quiet(s, "run", job)
        (one,) = history(s, "daily")
        same((one["exit"], one["enqueued"], one["missed"]), (0, None, None))
    same(tasks(s), DAILY)


def many_at_once(s, front):
    """Two hosts, each with the four jobs at once, three runs of each."""
    for _ in range(5):
        s.cli("FLUSHALL")
        children = [subprocess.Popen(
            [*front, program("schedule"), "run", job],
            env=s.env(TZ="UTC"), stderr=subprocess.PIPE)
            for _ in range(3) for job in JOBS]
        for child in children:
            same((child.communicate()[1], child.returncode), (b"", 0))
        for job in JOBS:
            same(len(history(s, job)), 1, job)
        same(tasks(s), DAILY)
        both = [history(s, job)[0] for job in ("daily", "warm")]
        same([sum(run[n] for run in both) for n in ("enqueued", "merged")],
             [4, 2], "who came second found what the first had enqueued")


def runs_at_once_run_a_slot_once(s):
    many_at_once(s, [])


def two_hosts_run_a_slot_once(s):
    """Each run in a network of its own; Redis by its socket."""
    if subprocess.run(["unshare", "-n", "true"],
                      capture_output=True).returncode != 0:
        raise Skip("unshare -n is not permitted")
    many_at_once(s, ["unshare", "-n"])


def the_history_is_bounded(s):
    s.fresh()
    for day in range(1, 30):
        for month in (1, 2):
            slot = "daily:2026-%02d-%02d" % (month, day)
            s.cli("HSET", SLOTS, slot, "%d other" % (1e15 + month * 100 + day))
        if day % 10 == 0:
            quiet(s, "run", "hourly")
            s.cli("HDEL", SLOTS, history(s, "hourly")[0]["slot"])
    quiet(s, "run", "daily")
    same(len(history(s, "daily")), 50)
    assert int(s.cli("HLEN", SLOTS)) < 10, s.cli("HGETALL", SLOTS)


def seed(s, name, read_s_ago, fresh_in_s, fetched_s_ago=600):
    now = time.time()
    s.cli("SET", "stock_data:" + name, '{"success":true}')
    s.cli("HSET", META % name, "fetched_us",
          str(int((now - fetched_s_ago) * 1e6)),
          "fresh_ms", str(int((now + fresh_in_s) * 1e3)), "rows", "1",
          "bytes", "16", "source", "finviz",
          "last_read_ms", str(int((now - read_s_ago) * 1e3)))


def hourly_refreshes_what_is_read(s):
    s.fresh()
    seed(s, "DJIA:Energy", 600, -60)            # stale, and read
    seed(s, "DJIA:Healthcare", 2 * DAY, -60)    # not read for two days
    seed(s, "S&P 500:Energy", 600, 7200)        # fresh till after the next
    seed(s, "NASDAQ 100:Energy", 600, -60)      # not of SCHEDULER_INDEXES
    quiet(s, "run", "hourly")
    same(tasks(s), [("DJIA", "Energy", "0", "1")])
    s.fresh()
    seed(s, "S&P 500:Energy", 600, -60)
    seed(s, "S&P 500:Technology", 600, -60)
    quiet(s, "run", "hourly")
    same(tasks(s), [("S&P 500", "Any", "0", "1")])
    same(history(s, "hourly")[0]["enqueued"], 1)


def hourly_says_what_is_wrong(s):
    s.fresh()
    same(run("enqueue", "--pause", "repairs", env=s.env()).code, 0)
    r = schedule(s, "run", "hourly")
    same((r.code, r.out, r.err.count("\n")), (1, "", 1), r)
    assert "repairs" in r.err, r
    (one,) = history(s, "hourly")
    same((one["exit"], one["findings"]), (1, 1))


def a_full_queue_does_not_keep_the_hourly_check_away(s):
    """Only what is kept warm is left out, and that is said."""
    s.fresh()
    seed(s, "DJIA:Energy", 600, -60)
    same(run("enqueue", "probe", "x", env=s.env()).code, 0)
    r = schedule(s, "run", "hourly", QUEUE_MAX=1)
    same((r.code, r.out, r.err.count("\n")), (1, "", 1), r)
    assert "no room to refresh" in r.err, r
    (one,) = history(s, "hourly")
    same((one["exit"], one["findings"], one["enqueued"]), (1, 1, 0), one)
    same([t for t in tasks(s) if t[0] == "DJIA"], [])


def weekly_cleans_up(s):
    s.fresh()
    seed(s, "DJIA:Energy", 600, -60, fetched_s_ago=100 * DAY)
    seed(s, "DJIA:Any", 600, -60, fetched_s_ago=6 * DAY)  # stale, but for 7
    s.cli("SET", "stock_data:S&P 500:Any", "another's")
    old = str(int((time.time() - 40 * DAY) * 1e6))
    s.cli("HSET", Q + "task:01a20fc1-6f02-7768-ac22-242f73994371", "type",
          "probe", "index", "x", "status", "completed")
    s.cli("ZADD", Q + "completed", old, "01a20fc1-6f02-7768-ac22-242f73994371")
    ident = run("enqueue", "probe", "y", env=s.env()).out.strip()
    s.cli("ZREM", Q + "ready", ident)
    quiet(s, "run", "weekly")
    (one,) = history(s, "weekly")
    same((one["exit"], one["purged"], one["repaired"], one["findings"]),
         (0, 2, 1, 0))
    same(s.cli("EXISTS", "stock_data:DJIA:Energy", META % "DJIA:Energy"), "0")
    same(s.cli("EXISTS", "stock_data:DJIA:Any", "stock_data:S&P 500:Any"), "2")
    same(s.cli("ZRANGE", Q + "ready", "0", "-1"), ident)


def weekly_forgets_annual_returns(s):
    """By a life of their own: here ten days, where a dataset has one."""
    s.fresh()
    for name, age in (("annual_returns", 11), ("annual_returns:S&P 500", 11),
                      ("annual_returns:DJIA", 9)):
        s.cli("SET", name, '{"success":true}')
        s.cli("HSET", "stocknity:meta:{%s}" % name, "fetched_us",
              str(int((time.time() - age * DAY) * 1e6)))
    quiet(s, "run", "weekly", ANNUAL_RETURNS_TTL=9 * DAY, STALE_TTL=DAY)
    same(history(s, "weekly")[0]["purged"], 2)
    same(sorted(s.cli("--scan", "--pattern", "*annual_returns*").split("\n")),
         ["annual_returns:DJIA", "stocknity:meta:{annual_returns:DJIA}"])


def show_has_all_keys_and_fits(s):
    s.fresh()
    fresh = show(s)
    since(s, 9 * DAY)
    for job in ("hourly", "daily", "weekly", "warm"):
        schedule(s, "run", job, SCHEDULER_DAILY_REFRESH=ago(3600))
    full = show(s)

    def keys(doc, at=""):
        if not isinstance(doc, dict):
            return {at}
        return {at} | {k for x in doc for k in keys(doc[x], at + "/" + x)}

    assert keys(fresh) <= keys(full), keys(fresh) - keys(full)
    same(set(full), {"running", "since", "last_run", "next_run",
                     "queue_stats", "schedule_config", "runs", "findings",
                     "at",
                     "history"})
    jobs = {"daily_refresh", "hourly_check", "weekly_cleanup", "warming"}
    for name in ("last_run", "next_run", "runs", "history"):
        same((set(fresh[name]), set(full[name])), (jobs, jobs), name)
    same(set(fresh["last_run"].values()), {None})
    for at in (*full["last_run"].values(), *full["next_run"].values()):
        time.strptime(at, "%Y-%m-%dT%H:%M:%S")
    same(full["schedule_config"], {
        "daily_refresh": "08:00", "hourly_check": "00:00",
        "weekly_cleanup": "02:00", "warming": "09:00", "indexes": ["DJIA", "S&P 500"]})
    same(full["queue_stats"]["pending"], 4)
    same({len(x) for x in full["history"].values()}, {1})
    r = schedule(s, "show")
    same(r.code, 0, r)
    assert all(len(x) <= 80 for x in r.out.split("\n")), r.out
    for x in full["history"].values():
        assert x[0]["slot"] in r.out, r.out
    assert "missed" in r.out, r.out
    r = schedule(s, "show", "--history", "0")
    assert full["history"]["daily_refresh"][0]["slot"] not in r.out, r.out


def show_keeps_counts_apart(s):
    s.fresh()
    s.cli("LPUSH", Q + "runs:weekly",
          "weekly:2026-W40 other %d %d 1 -1 -1 -1 2 3 4 %d" % (
              1790000000e6, 1790000000e6, 1790000001.5e6))
    (line,) = [x for x in schedule(s, "show").out.split("\n") if "W40" in x]
    same(line.split(), ["weekly:2026-W40", "09-21", "14:13:20", "14:13:21", "1.5",
                        "s", "1", "taken", "up"], line)
    s.cli("LPUSH", Q + "runs:weekly",
          "weekly:2026-W41 other %d %d 1 -1 -1 -1 2 0 0 %d" % (
              1790000000e6, 1790000000e6, 1790000001.5e6))
    assert schedule(s, "show").out.count("  taken up, 2 purged\n") == 1
    # accepted by itself, but the answer was lost
    s.cli("LPUSH", Q + "runs:weekly",
          "weekly:2026-W42 other %d %d 0 -1 -1 0 2 0 0 %d" % (
              1790000000e6, 1790000000e6, 1790000001.5e6))
    assert schedule(s, "show").out.count("  ? tasks, 2 purged\n") == 1
    assert all(len(x) <= 80 for x in schedule(s, "show").out.split("\n"))


def looking_changes_nothing(s):
    s.fresh()
    schedule(s, "run", "daily")
    before = s.cli("INFO", "commandstats").count("hset")
    digest = s.cli("DEBUG", "DIGEST")
    show(s)
    schedule(s, "show")
    same(s.cli("DEBUG", "DIGEST"), digest)
    same(s.cli("INFO", "commandstats").count("hset"), before)


def wrong_use_has_its_status(s):
    for args, code in ((("run",), 64), (("run", "monthly"), 64), ((), 64),
                       (("sing",), 64), (("show", "--bin", "/x"), 64),
                       (("run", "daily", "--json"), 64),
                       (("run", "daily", "--at", "8:00"), 64),
                       (("show", "--at", "08:00"), 64),
                       (("show", "--history", "51"), 64),
                       (("crontab", "--user", "--system"), 64),
                       (("crontab", "--system=a b"), 64),
                       (("crontab", "--bin", "bin"), 64),
                       (("crontab", "--bin", "/a%b"), 64),
                       (("--version",), 0), (("-h",), 0)):
        r = schedule(s, *args)
        same(r.code, code, args)
        same((r.err == "", r.out == ""), (code == 0, code != 0), args)
    for name, value in (("SCHEDULER_DAILY_REFRESH", "8"),
                        ("SCHEDULER_HOURLY_CHECK", "24:00"),
                        ("SCHEDULER_WEEKLY_CLEANUP", "02:60")):
        r = schedule(s, "run", "daily", **{name: value})
        same((r.code, r.err.count("\n")), (78, 1), r)
        assert name in r.err and "00:00 to 23:59" in r.err, r
    r = schedule(s, "run", "daily", REDIS_URL="unix:///nowhere/redis.sock")
    same((r.code, r.err.count("\n")), (69, 1), r)
    r = schedule(s, "crontab", REDIS_URL="unix:///nowhere/redis.sock")
    same(r.code, 0, "no Redis is needed")


if __name__ == "__main__":
    main(tests_of(globals()), servers)
