"""enqueue against a real Redis: what it puts into the queue, what it says of
each task and line, and its exit statuses."""
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import ROOT, Servers, main, program, run, same, wait_until  # noqa: E402

ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
LIGHT = {"libhiredis", "libjson-c", "libm", "libc", "linux-vdso", "ld-linux-x86-64",
         "libasan", "libubsan", "libgcc_s", "libstdc++"}


def enqueue(s, *args, stdin=None, **env):
    return run("enqueue", *args, env=s.env(**env), stdin=stdin)


def task(s, ident):
    r = run("status", "--task", ident, "--json", env=s.env())
    same(r.code, 0, r)
    return r.doc


def queue(s):
    return run("status", "--queue", "--json", env=s.env()).doc


def drain(s, *args, **env):
    r = run("drain-queue", *args, env=s.env(**env))
    same(r.code, 0, r)


def lines(s, *objects, **env):
    text = "".join((o if isinstance(o, str) else json.dumps(o)) + "\n"
                   for o in objects)
    r = enqueue(s, "-", stdin=text, **env)
    return r, [json.loads(line) for line in r.out.splitlines()]


def one_task_with_everything_said(s):
    s.fresh()
    r = enqueue(s, "stock-data", "--index", "djia", "--sector", "technology",
                "--force", "--priority", "high")
    same((r.code, r.err), (0, ""), r)
    ident = r.out.strip()
    assert ID.fullmatch(ident), ident
    t = task(s, ident)
    same((t["type"], t["index"], t["sector"], t["force"], t["priority"],
          t["status"], t["retry_count"], t["position"]),
         ("fetch_stock_data", "DJIA", "Technology", True, "high", "pending", 0,
          0))


def defaults_are_those_of_fetch(s):
    s.fresh()
    t = task(s, enqueue(s, "stock-data").out.strip())
    same((t["index"], t["sector"], t["force"], t["priority"]),
         ("S&P 500", "Any", False, "normal"))


def priorities_by_name_and_number(s):
    s.fresh()
    for given, want in (("low", "low"), ("1", "low"), ("2", "normal"),
                        ("3", "high"), ("4", "urgent"), ("urgent", "urgent")):
        t = task(s, enqueue(s, "probe", given, "--priority", given).out.strip())
        same(t["priority"], want, given)


def all_is_a_task_an_index(s):
    s.fresh()
    r = enqueue(s, "stock-data", "--all", SCHEDULER_INDEXES="DJIA,NASDAQ 100,djia")
    same((r.code, len(r.out.split())), (0, 2), r)
    same([(task(s, i)["index"], task(s, i)["sector"]) for i in r.out.split()],
         [("DJIA", "Any"), ("NASDAQ 100", "Any")])
    r = enqueue(s, "stock-data", "--all", SCHEDULER_INDEXES="DJIA,Nasdak")
    same(r.code, 78, r)
    assert "SCHEDULER_INDEXES" in r.err, r


def delayed_task_is_scheduled(s):
    s.fresh()
    r = enqueue(s, "probe", "later", "--delay", "3600", "--json")
    same(r.doc["status"], "scheduled", r)
    t = task(s, r.doc["id"])
    same((t["status"], t["position"]), ("scheduled", None))
    assert t["due_at"] > t["created_at"], t


def equal_work_is_one_task(s):
    s.fresh()
    first = enqueue(s, "stock-data", "--json").doc
    again = enqueue(s, "stock-data", "--json", "--force", "--priority", "4").doc
    same((first["status"], again["status"], again["id"]),
         ("pending", "merged", first["id"]))
    t = task(s, first["id"])
    same((t["force"], t["priority"]), (True, "urgent"))


def same_id_is_the_same_task(s):
    s.fresh()
    ident = str(uuid.uuid4())
    a = enqueue(s, "probe", "x", "--id", ident, "--json").doc
    b = enqueue(s, "probe", "x", "--id", ident, "--json").doc
    same((a, b), ({"id": ident, "status": "pending"},
                  {"id": ident, "status": "same"}))
    same(queue(s)["pending"], 1)


def wrong_usage_is_64(s):
    for args, word in (
            ((), "stock-data"), (("stok-data",), 'did you mean "stock-data"'),
            (("stock-data", "--index", "Dija"), 'did you mean "DJIA"'),
            (("stock-data", "--sector", "Tecnology"), 'did you mean "Technology"'),
            (("stock-data", "--priority", "hihg"), "did you mean high"),
            (("stock-data", "--delay", "-1"), "--delay"),
            (("stock-data", "--id", "abc"), "UUID"),
            (("stock-data", "extra"), "extra"),
            (("probe", "a", "b"), "b"), (("probe", "--index", "DJIA"), "dataset"),
            (("probe", "x" * 41), "40 bytes"), (("probe", "a\nb"), "control"),
            (("stock-data", "--all", "--index", "DJIA"), "--all"),
            (("stock-data", "-t", "3"), "--wait"), (("-", "--force"), "line"),
            (("-", "--wait"), "--wait"), (("--cancel", "x"), "id"),
            (("--requeue", "some"), "id"), (("--pause", ""), "reason"),
            (("--pause", "y" * 65), "reason"), (("--resume", "probe"), "without"),
            (("--resume", "--audit"), "at a time"), (("--for", "3", "probe"), "--pause"),
            (("--repair", "probe"), "--audit"), (("--purge", "x"), "--purge"),
            (("--nonsense",), "option")):
        r = enqueue(s, *args, stdin="")
        same((r.code, r.out), (64, ""), "%s %s" % (args, r))
        assert word in r.err and "enqueue -h" in r.err, (args, r)


def help_and_version(s):
    r = enqueue(s, "-h")
    same((r.code, r.err), (0, ""))
    assert r.out.startswith("usage: enqueue "), r
    assert all(len(line) <= 80 for line in r.out.splitlines())
    same(enqueue(s, "--version").out, "enqueue (Stocknity Data) 1.0.0\n")


def every_exit_status_is_in_help_and_manual(s):
    """Those of its man page, and no other."""
    for name in ("fetch", "enqueue", "drain-queue"):
        help_ = run(name, "-h", env=s.env()).out.split("Exit status: ")[1]
        with open(os.path.join(ROOT, "man/stocknity-%s.1" % name)) as f:
            manual = f.read().split("\n.Sh EXIT STATUS\n")[1].split("\n.Sh ")[0]
        same(sorted(int(n) for n in re.findall(r"(?:^|;) *(\d+) ", help_.replace("\n", " "))),
             sorted(int(n) for n in re.findall(r"^\.It (\d+)$", manual, re.M)), name)


def no_redis_is_69_and_a_bad_setting_78(s):
    r = enqueue(s, "probe", REDIS_URL="unix:///nowhere/redis.sock")
    same((r.code, r.out), (69, ""), r)
    same(len(r.err.splitlines()), 1, r)
    r = enqueue(s, "probe", QUEUE_MAX="0")
    same(r.code, 78, r)
    assert "QUEUE_MAX" in r.err, r


def lines_have_a_result_each(s):
    s.fresh()
    ident = str(uuid.uuid4())
    r, got = lines(
        s, {"type": "fetch_stock_data", "index": "S&P 500",
            "sector": "Technology", "priority": 3},
        {"type": "fetch_stock_data", "index": "S&P 500", "sector": "Technology",
         "priority": "urgent", "force": True},
        "", "   ",
        {"type": "probe", "index": "p", "id": ident, "delay": 0},
        {"type": "probe", "index": "q", "delay": 30.5, "sector": None},
        {"type": "probe", "index": "p", "id": ident})
    same((r.code, r.err), (0, ""), r)
    same([(g["line"], g["status"]) for g in got],
         [(1, "pending"), (2, "merged"), (5, "pending"), (6, "scheduled"),
          (7, "same")])
    same(got[0]["id"], got[1]["id"])
    same((got[2]["id"], got[4]["id"]), (ident, ident))
    t = task(s, got[0]["id"])
    same((t["priority"], t["force"]), ("urgent", True))


def lines_of_the_replaced_system(s):
    s.fresh()
    r, got = lines(s, *[{"type": "fetch_stock_data", "index": i, "sector": "Any",
                         "priority": p}
                        for i, p in (("DJIA", 4), ("S&P 500", "HIGH"),
                                     ("NASDAQ 100", "2"), ("Any", None))])
    same(r.code, 0, r)
    same([task(s, g["id"])["priority"] for g in got],
         ["urgent", "high", "normal", "normal"])


def bad_lines_are_named_and_the_rest_is_done(s):
    s.fresh()
    bad = ["{", "[]", "3", "nonsense", '{"type":"probe"} {"type":"probe"}',
           '{"type":"probe","extra":1}', '{"type":"prope"}', '{"index":"DJIA"}',
           '{"type":7}', '{"type":"fetch_stock_data","index":"Dow"}',
           '{"type":"fetch_stock_data","sector":"Tech\\u0000"}',
           '{"type":"probe","priority":5}', '{"type":"probe","priority":"x"}',
           '{"type":"probe","priority":{}}', '{"type":"probe","force":1}',
           '{"type":"probe","delay":-1}', '{"type":"probe","delay":1e99}',
           '{"type":"probe","delay":"3"}', '{"type":"probe","id":"x"}',
           '{"type":"probe","index":"%s"}' % ("x" * 41),
           '{"type":"probe","index":"a\\nb"}', '{"type":"probe","index":["a"]}',
           '{"type":"probe","index":"%s"}' % ("x" * 5000), "\0", "x" * 600000,
           '{"type":"probe","index":"' + "[" * 300 + '"',
           "[" * 3000, "{'type':'probe'}"]
    mixed = []
    for i, line in enumerate(bad):
        mixed += [line, {"type": "probe", "index": str(i)}]
    r, got = lines(s, *mixed)
    same(r.code, 65, r)
    same([g["line"] for g in got], list(range(1, len(mixed) + 1)))
    same([g["status"] for g in got], ["error", "pending"] * len(bad), got)
    said = [int(n) for n in re.findall(r"^enqueue: line (\d+): ", r.err, re.M)]
    same(said, list(range(1, len(mixed) + 1, 2)), r)
    same(queue(s)["pending"], len(bad))
    assert "%d lines were wrong" % len(bad) in r.err, r


def last_line_needs_no_line_feed(s):
    s.fresh()
    r = enqueue(s, "-", stdin='{"type":"probe"}')
    same((r.code, json.loads(r.out)["line"]), (0, 1), r)
    r = enqueue(s, "-", stdin="")
    same((r.code, r.out, r.err), (0, "", ""), r)
    r = enqueue(s, "-", stdin='{"type":"probe"}\r\n')
    same(r.code, 0, r)


def twenty_thousand_lines(s):
    s.fresh()
    r, got = lines(s, *[{"type": "probe", "index": "t%d" % i}
                        for i in range(20000)])
    same(r.code, 0, r)
    same([g["line"] for g in got], list(range(1, 20001)))
    same(len({g["id"] for g in got}), 20000)
    same(queue(s)["pending"], 20000)


def who_sends_a_line_gets_its_result(s):
    s.fresh()
    child = subprocess.Popen([program("enqueue"), "-"], env=s.env(), text=True,
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    timer = threading.Timer(20, child.kill)
    timer.start()
    for i in range(3):
        child.stdin.write('{"type":"probe","index":"%d"}\n' % i)
        child.stdin.flush()
        same(json.loads(child.stdout.readline())["line"], i + 1)
    child.stdin.close()
    same(child.wait(10), 0)
    timer.cancel()


def full_queue_is_75(s):
    s.fresh()
    r, got = lines(s, *[{"type": "probe", "index": str(i), "priority": p}
                        for p in ("low", "urgent") for i in range(20)],
                   QUEUE_MAX="10")
    same(r.code, 75, r)
    words = [g["status"] for g in got]
    same((words[:20].count("pending"), words[:20].count("full")), (7, 13))
    assert all("id" not in g for g in got if g["status"] == "full")
    r = enqueue(s, "probe", "one more", "--priority", "low", QUEUE_MAX="10")
    same((r.code, r.out), (75, ""), r)
    assert "full" in r.err, r
    r = enqueue(s, "probe", "one more", "--priority", "low", "--json",
                QUEUE_MAX="10")
    same((r.code, r.doc), (75, {"status": "full"}), r)


def full_redis_refuses_whole_and_leaves_nothing(s):
    s.fresh()
    s.cli("CONFIG", "SET", "maxmemory", "1")
    try:
        r = enqueue(s, "probe", "x")
        same((r.code, r.out), (75, ""), r)
        r, got = lines(s, {"type": "probe"}, "{")
        same([g["status"] for g in got], ["full", "error"], r)
        same(r.code, 75, r)
    finally:
        s.cli("CONFIG", "SET", "maxmemory", "0")
    same(s.cli("DBSIZE"), "0")


def lost_connection_is_settled_by_id(s):
    """Redis is killed (with its data kept) while lines come; the rest goes on
    and nothing is there twice."""
    own = Servers(redis_args=["--appendonly", "yes", "--appendfsync", "always"])
    try:
        child = subprocess.Popen([program("enqueue"), "-"], env=own.env(),
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True)
        out = []
        reader = threading.Thread(target=lambda: out.extend(child.stdout))
        reader.start()
        for i in range(60):
            child.stdin.write("".join(
                '{"type":"probe","index":"%d.%d"}\n' % (i, j)
                for j in range(200)))
            child.stdin.flush()
            if i in (20, 40):
                own.redis.kill()
                own.redis.wait()
                own.start_redis("--appendonly", "yes", "--appendfsync", "always")
        child.stdin.close()
        same(child.wait(60), 0, child.stderr.read())
        reader.join(10)
        got = [json.loads(line) for line in out]
        same({g["status"] for g in got}, {"pending"})
        same(len({g["id"] for g in got}), 12000)
        same(queue(own)["pending"], 12000)
        same(run("enqueue", "--audit", env=own.env()).code, 0)
    finally:
        own.close()


def closed_output_is_no_loss(s):
    s.fresh()
    child = subprocess.Popen([program("enqueue"), "probe", "x"], env=s.env(),
                             stdout=open("/dev/full", "w"),
                             stderr=subprocess.PIPE, text=True)
    err = child.communicate(timeout=20)[1]
    same(child.returncode, 71, err)
    same(queue(s)["pending"], 1)


def wait_follows_to_the_end(s):
    s.fresh()
    child = subprocess.Popen([program("enqueue"), "probe", "w", "--wait"],
                             env=s.env(), stdout=subprocess.PIPE, text=True)
    ident = child.stdout.readline().strip()
    same(child.poll(), None, "it waits")
    drain(s)
    same(child.wait(10), 0)
    same(task(s, ident)["status"], "completed")


def wait_ends_with_its_time(s):
    s.fresh()
    r = enqueue(s, "probe", "w", "--wait", "-t", "1")
    same(r.code, 75, r)
    assert "still pending" in r.err, r
    r = enqueue(s, "probe", "w", "--wait", "-t", "0")
    same(r.code, 75, r)


def wait_ends_as_the_task_did(s):
    s.fresh("kind=layout path=/screener")
    child = subprocess.Popen(
        [program("enqueue"), "stock-data", "--index", "DJIA", "--wait"],
        env=s.env(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    ident = child.stdout.readline().strip()
    drain(s, TASK_MAX_ATTEMPTS="1", SOURCES="finviz")
    err = child.communicate(timeout=20)[1]
    same(child.returncode, 65, err)
    assert "failed: unreadable" in err and ident in err, err
    same(task(s, ident)["status"], "failed")


def wait_for_a_cancelled_task(s):
    s.fresh()
    child = subprocess.Popen([program("enqueue"), "probe", "c", "--wait"],
                             env=s.env(), stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
    ident = child.stdout.readline().strip()
    same(enqueue(s, "--cancel", ident).code, 0)
    err = child.communicate(timeout=20)[1]
    same(child.returncode, 75, err)
    assert "cancelled" in err, err


def wait_for_all(s):
    s.fresh()
    child = subprocess.Popen([program("enqueue"), "stock-data", "--all", "--wait"],
                             env=s.env(), stdout=subprocess.PIPE, text=True)
    ids = [child.stdout.readline().strip() for _ in range(2)]
    drain(s)
    same(child.wait(30), 0)
    same({task(s, i)["status"] for i in ids}, {"completed"})
    same(len(s.calls()), 28)


def cancel_says_what_is_not_there(s):
    s.fresh()
    ident = enqueue(s, "probe", "x").out.strip()
    r = enqueue(s, "--cancel", ident)
    same((r.code, r.out), (0, ident + " cancelled\n"), r)
    same(task(s, ident)["status"], "cancelled")
    other = enqueue(s, "probe", "y").out.strip()
    r = enqueue(s, "--cancel", other, "--json")
    same((r.code, r.doc), (0, {"id": other, "status": "cancelled"}), r)
    same(enqueue(s, "--cancel", ident).code, 65, "it has ended")
    same(enqueue(s, "--cancel", str(uuid.uuid4())).code, 66)
    same(enqueue(s, "--requeue", str(uuid.uuid4())).code, 66)


def failed_tasks_wait_again(s):
    s.fresh("kind=layout path=/screener")
    ids = [enqueue(s, "stock-data", "--index", i).out.strip()
           for i in ("DJIA", "NASDAQ 100")]  # a third opens the breaker
    drain(s, TASK_MAX_ATTEMPTS="1", SOURCES="finviz")
    same({task(s, i)["status"] for i in ids}, {"failed"},
         [task(s, i) for i in ids])
    r = enqueue(s, "--requeue", ids[0])
    same((r.code, r.out), (0, ids[0] + "\n"), r)
    t = task(s, ids[0])
    same((t["status"], t["retry_count"]), ("pending", 0))
    r = enqueue(s, "--requeue", "all")
    same((r.code, r.out), (0, "1 requeued\n"), r)
    same(queue(s)["failed"], 0)
    same(queue(s)["pending"], 2)


def pause_and_resume(s):
    s.fresh()
    enqueue(s, "probe", "x")
    same(enqueue(s, "--pause", "upstream is being mended").code, 0)
    drain(s)
    q = queue(s)
    same((q["pending"], q["paused"], q["pause_reason"], q["pause_until"]),
         (1, True, "upstream is being mended", None))
    same(enqueue(s, "--resume").code, 0)
    drain(s)
    same(queue(s)["completed"], 1)
    same(enqueue(s, "--pause", "short", "--for", "3600").code, 0)
    assert queue(s)["pause_until"], queue(s)
    same(enqueue(s, "--resume").code, 0)


def purge_forgets_what_ended(s):
    s.fresh()
    ids = [enqueue(s, "probe", str(i)).out.strip() for i in range(5)]
    drain(s)
    same(enqueue(s, "--purge", "1").out, "0 purged\n")
    same(enqueue(s, "--purge", "0").out, "5 purged\n")
    same(run("status", "--task", ids[0], env=s.env()).code, 66)


def audit_finds_and_mends(s):
    s.fresh()
    ident = enqueue(s, "probe", "x").out.strip()
    r = enqueue(s, "--audit")
    same(r.code, 0, r)
    assert "0 orphans" in r.out, r
    s.cli("ZREM", "stocknity:{default}:ready", ident)
    r = enqueue(s, "--audit", "--json")
    same((r.code, r.doc["orphans"], r.doc["repaired"]), (1, 1, 0), r)
    r = enqueue(s, "--audit", "--repair")
    same(r.code, 0, r)
    same(enqueue(s, "--audit").code, 0)
    drain(s)
    same(task(s, ident)["status"], "completed")


def is_as_light_as_a_client(s):
    for name in ("enqueue", "status", "schedule"):
        out = subprocess.run(["ldd", program(name)], capture_output=True,
                             text=True).stdout
        libs = {os.path.basename(line.split()[0]).split(".so")[0]
                for line in out.splitlines()}
        same(libs - LIGHT, set(), name)
        assert not libs & {"libcurl", "libxml2", "libssl"}, libs


TESTS = [f for name, f in list(globals().items())
         if callable(f) and getattr(f, "__module__", "") == "__main__"
         and f.__code__.co_argcount == 1 and f.__code__.co_varnames[0] == "s"
         and name not in ("queue",)]

if __name__ == "__main__":
    main(TESTS, Servers)
