"""status and its round trips to Redis, what a terminal shows of long lines,
tasks that cannot be read, and a Redis that must not be trusted with tasks."""
import fcntl
import os
import pty
import select
import socket
import struct
import subprocess
import sys
import termios
import threading
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Servers, main, program, run  # noqa: E402

Q = "stocknity:{default}:"


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


class Proxy:
    """Between a program and Redis; counts the round trips: how often the
    program spoke after Redis had answered."""

    def __init__(self, s):
        self.upstream = s.socket
        self.path = os.path.join(s.dir, "proxy.%s" % uuid.uuid4().hex[:8])
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(4)
        self.trips = 0
        self.asked = b""
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        """Until one of them is gone; status may go without reading all."""
        try:
            self.pass_on()
        except ConnectionError:
            pass

    def pass_on(self):
        client = self.listener.accept()[0]
        server = socket.socket(socket.AF_UNIX)
        server.connect(self.upstream)
        answered = True
        while True:
            for ready in select.select([client, server], [], [])[0]:
                data = ready.recv(1 << 20)
                if not data:
                    client.close()
                    server.close()
                    return
                if ready is server:
                    answered = True
                    client.sendall(data)
                    continue
                self.trips += answered
                answered = False
                self.asked += data
                server.sendall(data)

    def close(self):
        self.thread.join(10)
        assert not self.thread.is_alive()
        self.listener.close()


def trips(s, name, *args, password=None, db=0, code=0):
    proxy = Proxy(s)
    url = "unix://%s%s%s" % (":%s@" % password if password else "", proxy.path,
                             "?db=%d" % db if db else "")
    r = run(name, *args, env=s.env(REDIS_URL=url))
    proxy.close()
    same(r.code, code, (args, r))
    return proxy.trips


def one_round_trip(s):
    """Greeting, queue, sources and datasets: all in one."""
    s.fresh()
    put(s, "probe", "x")
    s.fetch("--index", "DJIA")
    status(s)  # Redis knows the script then
    for args in ((), ("--json",), ("--prometheus",), ("--queue",),
                 ("--sources",), ("--cache",), ("--doctor",)):
        same(trips(s, "status", *args), 1, args)
    same(trips(s, "status", "--check", code=1), 1, "--check: no S&P 500")


def one_more_for_a_script_that_is_not_known(s):
    s.fresh()
    s.cli("SCRIPT", "FLUSH")
    same(trips(s, "status"), 2)
    same(trips(s, "status"), 1)
    s.cli("SCRIPT", "FLUSH")
    same(status(s, "--json").doc["queue"]["pending"], 0)


def password_and_database_cost_nothing(s):
    s.fresh()
    s.cli("CONFIG", "SET", "requirepass", "pw")
    try:
        same(trips(s, "status", password="pw", db=3), 1)
        same(trips(s, "enqueue", "probe", "x", password="pw", db=3), 3,
             "greeting, EVALSHA, EVAL at most")
        same(trips(s, "enqueue", "probe", "x", password="pw", db=3), 2)
        same(trips(s, "status", password="no", code=69), 1)
    finally:
        subprocess.run(["redis-cli", "-s", s.socket, "-a", "pw", "CONFIG", "SET",
                        "requirepass", ""], capture_output=True)


def the_database_is_still_the_one_asked_for(s):
    s.fresh()
    url = "unix://%s?db=%%d" % s.socket
    put(s, "probe", "only in 5", REDIS_URL=url % 5)
    same(status(s, "--json", REDIS_URL=url % 5).doc["queue"]["pending"], 1)
    same(status(s, "--json").doc["queue"]["pending"], 0)
    r = status(s, REDIS_URL=url % 999)
    same((r.code, r.out), (69, ""), r)
    assert "database" in r.err and "(in " not in r.err, r


def hints_name_the_setting_that_is_used(s):
    s.fresh()
    s.cli("CONFIG", "SET", "requirepass", "pw")
    try:
        socket_of = dict(REDIS_URL=None, REDIS_HOST=s.socket)
        for name in ("status", "enqueue"):
            args = () if name == "status" else ("probe",)
            for env, used, other in (
                    ({}, "REDIS_URL", "REDIS_PASSWORD"),
                    (socket_of, "REDIS_PASSWORD", "REDIS_URL"),
                    ({"REDIS_URL": "unix://:no@" + s.socket}, "REDIS_URL",
                     "REDIS_PASSWORD"),
                    (dict(socket_of, REDIS_PASSWORD="no"), "REDIS_PASSWORD",
                     "REDIS_URL")):
                r = run(name, *args, env=s.env(**env))
                same((r.code, r.out), (69, ""), r)
                assert used in r.err and other not in r.err, (env, r)
    finally:
        subprocess.run(["redis-cli", "-s", s.socket, "-a", "pw", "CONFIG", "SET",
                        "requirepass", ""], capture_output=True)
    r = status(s, REDIS_URL="unix://u:@" + s.socket)
    same(r.code, 78)
    assert "REDIS_URL names a user" in r.err, r


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
    return out.decode().replace("\r", "")


def nothing_is_lost_on_a_terminal(s):
    """The words of a pipe, in lines that fit."""
    s.fresh("kind=429 retry-after=3000 path=/screener")
    s.fetch("--index", "DJIA", SOURCES="finviz", RATE_LIMIT="0.02", MAX_WAIT="0")
    s.cli("HSET", "stocknity:guard:{finviz}", "open_until_us",
          "9" * 16, "cons", "7")
    for i in range(12):
        put(s, "probe", "\u00fc" * 18 + str(i), "--priority",
            ("low", "normal", "high", "urgent")[i % 4])
    put(s, "--pause", "a reason that is as long as reasons may be, up to 64 b")
    s.cli("HSET", Q + "stats", *[w for name in
                                 ("enqueued", "merged", "refused", "done")
                                 for w in (name, "123456789012")])
    for columns in (60, 80, 120):
        for view in ((), ("--queue",), ("--sources",)):
            shown = on_a_terminal(s, columns, *view)
            piped = status(s, *view).out
            assert all(len(line) <= columns for line in shown.splitlines()), shown
            # Seconds go on between the two.
            words = [[w for w in text.split() if not w[:1].isdigit()]
                     for text in (shown, piped)]
            same(words[0], words[1], (columns, view))
            if columns == 80 and view:
                assert len(shown.splitlines()) > len(piped.splitlines()), shown
                assert any(line.startswith(" " * 12) for line in
                           shown.splitlines()), shown


def a_word_that_is_too_long_is_broken(s):
    s.fresh()
    ident = put(s, "probe", "x" * 40)
    shown = on_a_terminal(s, 20, "--task", ident)
    assert all(len(line) <= 20 for line in shown.splitlines()), shown
    same(shown.replace("\n", "").replace(" ", "").count("x" * 40), 1, shown)
    assert ident in shown.replace("\n", "").replace(" ", ""), shown


def failed_tasks_that_cannot_be_read(s):
    s.fresh("kind=layout path=/screener")
    ids = []
    for index in ("DJIA", "NASDAQ 100", "S&P 500"):
        s.cli("DEL", "stocknity:guard:{finviz}")
        ids.insert(0, put(s, "stock-data", "--index", index))
        drain(s, TASK_MAX_ATTEMPTS="1", SOURCES="finviz")
    s.cli("HSET", Q + "task:" + ids[1], "spec",
          "10from\x1b the future|x|y")
    r = status(s, "--failed")
    same(r.code, 65, r)
    same([line.split()[0] for line in r.out.splitlines()[::2]], ids, r)
    assert "unreadable: a task that we cannot read: its spec is \"10from? the " \
        "future" in r.out, r
    same(r.err, "status: 1 of 3 failed tasks cannot be read\n")
    j = status(s, "--failed", "--json")
    same((j.code, [t["id"] for t in j.doc]), (65, ids), j)
    assert "from\x1b the future" in j.doc[1]["unreadable"], j
    same(j.doc[0]["status"], "failed")
    r = status(s, "--task", ids[1])
    same((r.code, r.out), (65, ""), r)


def keys_of_another_type_cannot_be_read(s):
    s.fresh()
    s.cli("SET", Q + "ready", "not a set")
    for name, args in (("status", ()), ("status", ("--queue",)),
                       ("drain-queue", ())):
        r = run(name, *args, env=s.env())
        same((r.code, r.out), (65, ""), (name, r))
        assert "WRONGTYPE" in r.err, r
        same(len(r.err.splitlines()), 1, r)


def a_redis_that_evicts_tasks_gets_none(s):
    s.fresh()
    s.fetch("--all")
    ident = put(s, "probe", "there")
    try:
        for policy in ("allkeys-lru", "allkeys-random"):
            s.cli("CONFIG", "SET", "maxmemory-policy", policy)
            before = s.cli("HGETALL", Q + "stats")
            for name, args, stdin in (
                    ("enqueue", ("probe", "y"), None),
                    ("enqueue", ("stock-data", "--all"), None),
                    ("enqueue", ("-",), '{"type":"probe","index":"z"}\n'),
                    ("enqueue", ("--requeue", "all"), None),
                    ("drain-queue", (), None)):
                r = run(name, *args, env=s.env(), stdin=stdin)
                same((r.code, r.out), (78, ""), (args, r))
                assert policy in r.err and "noeviction" in r.err, r
                same(len(r.err.splitlines()), 1, r)
            same(s.cli("HGETALL", Q + "stats"), before)
            # Looking and stopping are still possible.
            same(status(s, "--queue").code, 0)
            r = status(s, "--check")
            same((r.code, r.out.split(":")[0]), (1, "eviction"), r)
            same(run("enqueue", "--pause", "x", env=s.env()).code, 0)
            same(run("enqueue", "--resume", env=s.env()).code, 0)
        for policy in ("volatile-lru", "noeviction"):
            s.cli("CONFIG", "SET", "maxmemory-policy", policy)
            put(s, "probe", policy)
        same(run("enqueue", "--cancel", ident, env=s.env()).code, 0)
    finally:
        s.cli("CONFIG", "SET", "maxmemory-policy", "noeviction")


def a_redis_that_does_not_tell_is_believed(s):
    s.fresh()
    s.cli("ACL", "SETUSER", "noinfo", "on", ">pw", "~*", "+@all", "-info")
    s.cli("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    try:
        user = dict(REDIS_USERNAME="noinfo", REDIS_PASSWORD="pw",
                    REDIS_URL=None, REDIS_HOST=s.socket)
        put(s, "probe", "x", **user)
        drain(s, **user)
    finally:
        s.cli("CONFIG", "SET", "maxmemory-policy", "noeviction")
        s.cli("ACL", "DELUSER", "noinfo")


def a_redis_that_keeps_nothing_is_said(s):
    s.fresh()
    s.fetch("--all")
    save = s.cli("CONFIG", "GET", "save").splitlines()[1]

    def said():
        check, doctor = status(s, "--check"), status(s, "--doctor")
        same(check.code, doctor.code, (check, doctor))
        same("persistence: " in check.out, "BAD   persistence" in doctor.out)
        return check.code
    same(said(), 0)
    try:
        s.cli("CONFIG", "SET", "save", "")
        same(said(), 1)
        r = status(s, "--check", "--json")
        same([f["name"] for f in r.doc["findings"]], ["persistence"], r)
        assert "neither AOF nor snapshots" in status(s, "--doctor").out
        s.cli("CONFIG", "SET", "appendonly", "yes")
        same(said(), 0)
        s.cli("CONFIG", "SET", "appendonly", "no")
        # Who may not ask cannot say.
        s.cli("ACL", "SETUSER", "noconfig", "on", ">pw", "~*", "+@all",
              "-config")
        r = status(s, "--check", REDIS_USERNAME="noconfig", REDIS_PASSWORD="pw",
                   REDIS_URL=None, REDIS_HOST=s.socket)
        same((r.code, r.out, r.err), (0, "", ""), r)
    finally:
        s.cli("CONFIG", "SET", "appendonly", "no")
        s.cli("CONFIG", "SET", "save", save)


TESTS = [
    one_round_trip, one_more_for_a_script_that_is_not_known,
    password_and_database_cost_nothing, the_database_is_still_the_one_asked_for,
    hints_name_the_setting_that_is_used, nothing_is_lost_on_a_terminal,
    a_word_that_is_too_long_is_broken, failed_tasks_that_cannot_be_read,
    keys_of_another_type_cannot_be_read,
    a_redis_that_evicts_tasks_gets_none, a_redis_that_does_not_tell_is_believed,
    a_redis_that_keeps_nothing_is_said]

if __name__ == "__main__":
    main(TESTS, lambda: Servers(redis_args=["--save", "3600 1"]))
