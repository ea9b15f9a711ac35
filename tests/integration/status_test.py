"""status against a real Redis: every view for people and as JSON, what the
check and the doctor find, and that it never writes."""
import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Servers, main, program, run  # noqa: E402

Q = "stocknity:{default}:"
META = "stocknity:meta:{stock_data:%s}"


def same(got, want, what=""):
    assert got == want, "%s: got %r, want %r" % (what, got, want)


def status(s, *args, **env):
    return run("status", *args, env=s.env(**env))


def put(s, *args, **env):
    r = run("enqueue", *args, env=s.env(**env))
    same(r.code, 0, r)
    return r.out.strip()


def drain(s, *args, **env):
    r = run("drain-queue", *args, env=s.env(**env))
    same(r.code, 0, r)


def fill(s):
    """Something of everything."""
    s.fresh("kind=layout path=/screener match=idx_ndx")
    put(s, "stock-data", "--index", "DJIA")
    put(s, "stock-data", "--index", "NASDAQ 100")
    drain(s, TASK_MAX_ATTEMPTS="1", SOURCES="finviz")
    put(s, "probe", "waits", "--priority", "low")
    put(s, "probe", "urgent", "--priority", "urgent")
    put(s, "probe", "later", "--delay", "60")


def overview(s):
    fill(s)
    r = status(s)
    same((r.code, r.err), (0, ""), r)
    assert "pending     2 (1 low, 1 urgent)" in r.out, r
    assert re.search(r"^scheduled   1$", r.out, re.M), r
    assert "DJIA: 12 fresh, 0 stale" in r.out and "from finviz" in r.out, r
    assert re.search(r"^finviz +1000/s, breaker closed", r.out, re.M), r
    r = status(s, "--json")
    same(list(r.doc), ["queue", "sources", "datasets", "annual_returns"])
    same((r.doc["queue"]["pending"], r.doc["queue"]["scheduled"],
          r.doc["queue"]["completed"], r.doc["queue"]["failed"]), (2, 1, 1, 1))
    same(len([d for d in r.doc["datasets"] if d["state"] == "fresh"]), 12, r)


def queue_view(s):
    fill(s)
    r = status(s, "--queue")
    for word in ("processing  0", "completed   1", "failed      1", "5 enqueued"):
        assert word in r.out, (word, r)
    q = status(s, "--queue", "--json").doc
    same(q["by_priority"], {"low": 1, "normal": 0, "high": 0, "urgent": 1})
    same((q["paused"], q["pause_reason"], q["expired"]), (False, None, 0))
    assert 0 <= q["oldest_seconds"] < 60, q
    same(q["counters"]["enqueued"], 5)
    put(s, "--pause", "b\x1b[31m\u00e9 \"x\"", "--for", "60")
    r = status(s, "--queue")
    assert re.match("PAUSED      b\\?\\[31m\u00e9 \"x\", for another (59|60) s\n",
                    r.out), r
    same(status(s, "--queue", "--json").doc["pause_reason"],
         "b\x1b[31m\u00e9 \"x\"")


def task_view(s):
    s.fresh("kind=503 path=/screener")
    ident = put(s, "stock-data", "--index", "DJIA", "--force")
    r = status(s, "--task", ident)
    same(r.code, 0, r)
    for word in (ident, "fetch_stock_data DJIA / Any, forced", "normal",
                 "pending, 0 before it", "0 of 3 failed"):
        assert word in r.out, (word, r)
    drain(s, SOURCES="finviz")
    t = status(s, "--task", ident, "--json").doc
    same((t["status"], t["retry_count"], t["max_retries"], len(t["attempts"])),
         ("scheduled", 1, 3, 1))
    assert t["due_at"] and t["error_message"] == t["attempts"][0]["error"], t
    same(set(t) >= {"id", "type", "index", "sector", "priority", "status",
                    "error_message", "retry_count", "max_retries", "created_at",
                    "updated_at", "result", "attempts", "progress"}, True)
    assert "error 1 " in status(s, "--task", ident).out
    r = status(s, "--task", str(uuid.uuid4()))
    same((r.code, r.out), (66, ""), r)


def done_task_has_its_result(s):
    s.fresh()
    ident = put(s, "stock-data", "--index", "DJIA")
    drain(s)
    t = status(s, "--task", ident, "--json").doc
    same((t["status"], t["position"]), ("completed", None))
    same(json.loads(t["result"])["rows"], 30)
    assert t["finished_at"] >= t["started_at"] >= t["created_at"], t


def watch_follows_to_the_end(s):
    s.fresh()
    ident = put(s, "probe", "w")
    child = subprocess.Popen([program("status"), "--task", ident, "--watch",
                              "--json"], env=s.env(), text=True,
                             stdout=subprocess.PIPE)
    same(json.loads(child.stdout.readline())["status"], "pending")
    drain(s)
    last = child.communicate(timeout=10)[0].splitlines()[-1]
    same((child.returncode, json.loads(last)["status"]), (0, "completed"))
    r = status(s, "--task", ident, "--watch")
    same(r.code, 0, "it has ended already")


def failed_view(s):
    s.fresh("kind=layout path=/screener")
    ids = []
    for index in ("DJIA", "NASDAQ 100"):
        ids.insert(0, put(s, "stock-data", "--index", index))
        drain(s, TASK_MAX_ATTEMPTS="1", SOURCES="finviz")
    r = status(s, "--failed")
    same([line.split()[0] for line in r.out.splitlines()[::2]], ids, r)
    assert "fetch_stock_data DJIA / Any: unreadable" in r.out, r
    got = status(s, "--failed", "--limit", "1", "--json").doc
    same([t["id"] for t in got], ids[:1])
    s.fresh()
    same(status(s, "--failed", "--json").doc, [])
    same(status(s, "--failed").out, "")


def rates_are_whole_calls(s):
    s.fresh()
    env = {"SOURCES": "finviz,yahoo,polygon", "POLYGON_KEY": "k",
           "RATE_LIMIT": "2", "YAHOO_RATE_LIMIT": "0.25"}
    same(status(s, "--sources", **env).out,
         "finviz      2/s, not asked yet\n"
         "yahoo       15 a minute, not asked yet\n"
         "polygon     5 a minute, not asked yet\n")
    same([d["minute_quota"] for d in status(s, "--sources", "--json", **env).doc],
         [None, None, 5])


def sources_view(s):
    s.fresh("kind=503 path=/screener")
    r = status(s, "--sources")
    same(r.out, "finviz      1000/s, not asked yet\n"
                "yahoo       1000/s, not asked yet\n")
    for _ in range(5):
        s.fetch("--index", "DJIA", SOURCES="finviz", RATE_LIMIT="0.5", MAX_WAIT="0")
        s.cli("HSET", "stocknity:guard:{finviz}", "tat_us", "0")
    got = status(s, "--sources", "--json").doc[0]
    assert got["breaker"] == "open" and 20 < got["open_seconds"] <= 30, got
    assert got["calls_last_minute"] == 0, "counted anew once it is open"
    same(got["last_error"], "upstream")
    r = status(s, "--sources")
    assert re.search(r"finviz +1000/s, breaker open for (2\d|30) s.*last error "
                     r"upstream \d s ago", r.out), r
    s.cli("HSET", "stocknity:guard:{finviz}", "open_until_us", "1")
    assert "breaker half-open" in status(s, "--sources").out


def hold_and_next_slot(s):
    s.fresh("kind=429 retry-after=77 path=/screener")
    s.fetch("--index", "DJIA", SOURCES="finviz", RATE_LIMIT="0.05", MAX_WAIT="0")
    got = status(s, "--sources", "--json", RATE_LIMIT="0.05").doc[0]
    assert 70 < got["hold_seconds"] <= 77, got
    assert 0 < got["next_seconds"] <= 20, got
    same((got["rate"], got["last_error"], got["calls_last_minute"]),
         (0.05, "rate-limited", 0))
    r = status(s, "--sources", RATE_LIMIT="0.05")
    assert re.search(r"HELD for 7\d s, next slot in \d+\.\d s", r.out), r
    r = status(s, "--sources", SOURCES="yahoo,finviz,yahoo")
    same([line.split()[0] for line in r.out.splitlines()], ["yahoo", "finviz"])


def cached(s, what="datasets"):
    return status(s, "--cache", "--json").doc[what]


def cache_view(s):
    s.fresh()
    s.fetch("--index", "DJIA")
    for _ in range(3):
        s.fetch("--index", "DJIA", "--sector", "Energy")
    r = status(s, "--cache")
    rows = [line for line in r.out.splitlines() if line.startswith("DJIA")]
    same(len(rows), 12, r)
    energy = [line for line in rows if "Energy" in line][0].split()
    same((energy[2], energy[5], energy[6], energy[7]), ("fresh", "1", "finviz", "3"),
         r)
    got = {(d["index"], d["sector"]): d for d in cached(s)}
    same((got["DJIA", "Any"]["rows"], got["DJIA", "Any"]["state"]), (30, "fresh"))
    same(got["DJIA", "Any"]["bytes"],
         int(s.cli("STRLEN", "stock_data:DJIA:Any")))
    s.cli("HSET", META % "DJIA:Any", "fresh_ms", "1")
    got = {d["sector"]: d for d in cached(s)}
    same(got["Any"]["state"], "stale")
    s.cli("DEL", "stock_data:DJIA:Any")
    got = {d["sector"]: d for d in cached(s)}
    same(got["Any"]["state"], "absent")
    s.fresh()
    s.cli("SET", META % "DJIA:Any", "of another type")
    same(cached(s), [])


def annual_returns_are_listed(s):
    s.fresh()
    same(cached(s, "annual_returns"), [])
    assert "returns" not in status(s).out
    s.fetch("--index", "DJIA")
    same(s.fetch("--returns", "--index", "DJIA").code, 0)
    [got] = cached(s, "annual_returns")
    same((got["index"], got["state"], got["rows"], got["source"], got["bytes"]),
         ("DJIA", "fresh", 30, "yahoo", int(s.cli("STRLEN", "annual_returns:DJIA"))))
    assert "sector" not in got, got
    row = [line for line in status(s, "--cache").out.splitlines()
           if "(annual returns)" in line]
    same((len(row), row[0].split()[3::4][:2]), (1, ["fresh", "yahoo"]), row)
    assert re.search(r"^returns     DJIA: fresh, \d+ s old$", status(s).out, re.M)


def findings(s, **env):
    r = status(s, "--check", **env)
    j = status(s, "--check", "--json", **env)
    names = [line.split(":")[0] for line in r.out.splitlines()]
    same(r.err, "")
    same([f["name"] for f in j.doc["findings"]], names)
    same((r.code, j.code, j.doc["healthy"]),
         (1, 1, False) if names else (0, 0, True), r)
    return names


def healthy(s):
    s.fresh()
    s.fetch("--all")


def check_is_quiet_when_all_is_well(s):
    healthy(s)
    put(s, "probe")
    drain(s)
    same(findings(s), [])
    same(status(s, "--check").out, "")


def check_of_failed_tasks(s):
    healthy(s)
    for i in range(10):
        s.cli("ZADD", Q + "failed", str(i + 1), str(uuid.uuid4()))
    same(findings(s), [])
    s.cli("ZADD", Q + "failed", "11", str(uuid.uuid4()))
    same(findings(s), ["failed"])


def check_of_old_pending_tasks(s):
    healthy(s)
    ident = put(s, "probe", "x", "--priority", "low")
    same(findings(s), [])
    ago = (int(time.time()) - 901) * 1000000
    s.cli("ZADD", Q + "ready", str(ago), ident)
    s.cli("HSET", Q + "task:" + ident, "ready", str(ago))
    same(findings(s), ["pending"])
    assert "15 min" in status(s, "--check").out


def check_of_expired_leases(s):
    healthy(s)
    ident = put(s, "probe", "x")
    s.cli("ZREM", Q + "ready", ident)
    s.cli("ZADD", Q + "processing", str(int(time.time() * 1e6) - 10), ident)
    same(findings(s), ["leases"])


def check_of_an_open_breaker(s):
    healthy(s)
    s.cli("HSET", "stocknity:guard:{yahoo}", "seen_us", "1", "open_until_us",
          str(int((time.time() + 100) * 1e6)), "last_error", "timeout")
    same(findings(s), ["breaker"])
    assert "yahoo is open for" in status(s, "--check").out
    same(findings(s, SOURCES="finviz"), [])


def check_of_data(s):
    healthy(s)
    same(findings(s, SCHEDULER_INDEXES="DJIA,NASDAQ 100"), ["data"])
    for sector in s.cli("KEYS", "stocknity:meta:{stock_data:DJIA:*").splitlines():
        s.cli("HSET", sector, "fresh_ms", "1", "fetched_us",
              str(int((time.time() - 7000) * 1e6)))
    same(findings(s), [], "stale, but not old")
    same(findings(s, CACHE_TTL="3000"), ["data"])
    s.cli("FLUSHALL")
    same(findings(s), ["data", "data"])
    r = status(s, "--check", SCHEDULER_INDEXES="Dow")
    same(r.code, 78, r)


def check_of_a_pause(s):
    healthy(s)
    put(s, "--pause", "mending")
    same(findings(s), ["paused"])
    assert "mending" in status(s, "--check").out


def diagnosis(s, **env):
    r = status(s, "--doctor", "--json", **env)
    human = status(s, "--doctor", **env)
    same(human.code, r.code)
    got = {f["name"]: f for f in r.doc["findings"]}
    for f in got.values():
        assert f["level"] == "ok" or f["advice"], f
        assert f["name"] in human.out, human
    same(r.code, 1 if any(f["level"] == "bad" for f in got.values()) else 0, r)
    return {name: f["level"] for name, f in got.items()}


def doctor_of_a_bare_redis(s):
    s.fresh()
    got = diagnosis(s)
    disk = got.pop("disk")
    assert disk in ("ok", "warn"), disk
    same(got, {"connection": "ok", "version": "ok", "role": "ok",
               "persistence": "warn", "eviction": "ok", "memory": "ok",
               "clock": "ok", "scripts": "ok"})
    assert "appendonly yes" in status(s, "--doctor").out


def doctor_of_eviction_and_memory(s):
    s.fresh()
    try:
        s.cli("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        same(diagnosis(s)["eviction"], "bad")
        s.cli("CONFIG", "SET", "maxmemory-policy", "volatile-lru")
        same(diagnosis(s)["eviction"], "warn")
        s.cli("CONFIG", "SET", "maxmemory-policy", "noeviction")
        s.cli("CONFIG", "SET", "maxmemory", "1")
        same(diagnosis(s)["memory"], "bad")
        s.cli("CONFIG", "SET", "maxmemory", "1gb")
        same(diagnosis(s)["memory"], "ok")
    finally:
        s.cli("CONFIG", "SET", "maxmemory-policy", "noeviction")
        s.cli("CONFIG", "SET", "maxmemory", "0")


def doctor_of_persistence(s):
    s.fresh()
    s.cli("CONFIG", "SET", "appendonly", "yes")
    try:
        same(diagnosis(s)["persistence"], "ok")
        s.cli("CONFIG", "SET", "appendfsync", "no")
        same(diagnosis(s)["persistence"], "warn")
    finally:
        s.cli("CONFIG", "SET", "appendonly", "no", "appendfsync", "everysec")
    same(diagnosis(s)["persistence"], "warn")


def doctor_of_a_replica(s):
    s.fresh()
    s.cli("REPLICAOF", "127.0.0.1", "1")
    try:
        same(diagnosis(s)["role"], "bad")
    finally:
        s.cli("REPLICAOF", "NO", "ONE")


def doctor_of_a_narrow_user(s):
    s.fresh()
    s.cli("ACL", "SETUSER", "narrow", "on", ">pw", "~*", "+time", "+ping", "+auth")
    got = diagnosis(s, REDIS_USERNAME="narrow", REDIS_PASSWORD="pw",
                    REDIS_URL=None, REDIS_HOST=s.socket)
    same(got, {"connection": "ok", "info": "warn", "clock": "ok",
               "scripts": "bad"})


def reading_is_all_it_does(s):
    """Every view works for a user who may only read, and leaves no trace."""
    fill(s)
    ident = put(s, "probe", "seen")
    s.cli("ACL", "SETUSER", "reader", "on", ">pw", "~*", "-@all", "+@read",
          "+eval", "+evalsha", "+script", "+time", "+info", "+ping", "+select",
          "+config|get")
    user = dict(REDIS_USERNAME="reader", REDIS_PASSWORD="pw", REDIS_URL=None,
                REDIS_HOST=s.socket)
    before = s.cli("--raw", "DEBUG", "DIGEST")
    for args in ((), ("--queue",), ("--task", ident), ("--failed",),
                 ("--sources",), ("--cache",), ("--doctor",), ("--check",)):
        for more in ((), ("--json",)):
            r = status(s, *args, *more, **user)
            same(r.err, "", args)
            same(r.code, 1 if args == ("--check",) else 0, (args, r))
            if more:
                r.doc
    same(s.cli("--raw", "DEBUG", "DIGEST"), before)
    r = run("enqueue", "probe", env=s.env(**user))
    same(r.code, 69, r)


def exit_statuses(s):
    for view in ((), ("--queue",), ("--doctor",), ("--check",), ("--cache",)):
        r = status(s, *view, REDIS_URL="unix:///nowhere")
        same((r.code, r.out, len(r.err.splitlines())), (69, "", 1), (view, r))
    same(status(s, REDIS_PORT="x").code, 78)
    same(status(s, REDIS_URL=None, REDIS_HOST=s.socket, REDIS_PASSWORD="no").code,
         69)
    for args in (("--task", "x"), ("--queue", "--cache"), ("--watch",),
                 ("--limit", "3"), ("--failed", "--limit", "0"), ("extra",),
                 ("--nonsense",), ("--task",)):
        r = status(s, *args)
        same((r.code, r.out), (64, ""), args)
    r = status(s, "-h")
    same((r.code, r.err), (0, ""))
    assert all(len(line) <= 80 for line in r.out.splitlines())
    same(status(s, "--version").out, "status (Stocknity Data) 1.0.0\n")
    with open("/dev/full", "w") as full:
        child = subprocess.run([program("status")], env=s.env(), stdout=full,
                               stderr=subprocess.PIPE)
    same(child.returncode, 71)


def on_a_terminal(s, columns, *args):
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ,
                struct.pack("HHHH", 24, columns, 0, 0))
    child = subprocess.Popen([program("status"), *args],
                             env=s.env(TERM="xterm"), stdin=follower,
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


def fits_the_terminal(s):
    fill(s)
    put(s, "probe", "\u00fc" * 20)
    for columns in (40, 80, 200):
        for view in ((), ("--queue",), ("--cache",), ("--sources",),
                     ("--doctor",), ("--failed",)):
            text = on_a_terminal(s, columns, *view)
            lines = text.replace("\r", "").splitlines()
            assert lines and all(len(line) <= columns for line in lines), \
                (columns, view, text)
    wide = on_a_terminal(s, 80, "--cache")
    assert "misses" in wide, "the table itself fits 80 columns"


def the_overview_asks_no_more_than_it_must(s):
    """A script and plain reads; status_trip_test.py counts the trips."""
    fill(s)
    status(s)  # Redis knows the script then

    def calls():
        text = s.cli("INFO", "commandstats")
        return {m[0]: int(m[1]) for m in
                re.findall(r"cmdstat_([\w|]+):calls=(\d+)", text)}
    before = calls()
    status(s)
    after = calls()
    made = {name: n - before.get(name, 0) for name, n in after.items()}
    same({name: n for name, n in made.items() if n and name in
          ("ping", "time", "evalsha", "eval", "exists", "get", "keys", "scan")},
         {"ping": 1, "time": made["time"], "evalsha": 1, "exists": 65})


TESTS = [f for name, f in list(globals().items())
         if callable(f) and getattr(f, "__module__", "") == "__main__"
         and f.__code__.co_argcount == 1 and f.__code__.co_varnames[0] == "s"
         and name not in ("fill", "healthy", "put", "status", "drain")]

if __name__ == "__main__":
    main(TESTS, lambda: Servers(redis_args=["--enable-debug-command", "yes",
                                          "--save", "3600 1"]))
