"""What the tests of schedule share: the program, what it left in Redis, and a
way to cut it off from there."""
import os
import socket
import subprocess
import threading
import time
from types import FunctionType

from harness import Servers, program, run

Q = "stocknity:{default}:"
SLOTS = Q + "slots"
META = "stocknity:meta:{stock_data:%s}"
JOBS = ("daily", "hourly", "weekly", "warm")
DAY = 86400


def same(got, want, what=""):
    assert got == want, "%s: got %r, want %r" % (what, got, want)


def schedule(s, *args, **env):
    return run("schedule", *args, env=s.env(TZ="UTC", **env))


def quiet(s, *args, **env):
    r = schedule(s, *args, **env)
    same((r.code, r.out, r.err), (0, "", ""), args)


def show(s, **env):
    r = schedule(s, "show", "--json", "--history", "50", **env)
    same(r.code, 0, r)
    return r.doc


def history(s, job, **env):
    names = dict(zip(JOBS, ("daily_refresh", "hourly_check", "weekly_cleanup",
                            "warming")))
    return show(s, **env)["history"][names[job]]


def tasks(s, db="0"):
    """(index, sector, priority, force) of every task, by index; a name for
    another one is none."""
    found = []
    for key in s.cli("-n", db, "--scan", "--pattern", Q + "task:*").split():
        spec = s.cli("-n", db, "HGET", key, "spec")
        if spec:
            found.append((*spec[2:].split("|")[1:], spec[0], spec[1]))
    return sorted(found)


# The returns of an index ("1", normal) and its refresh ("2", high).
DAILY = [("DJIA", "Any", "1", "1"), ("DJIA", "Any", "2", "1"),
         ("S&P 500", "Any", "1", "1"), ("S&P 500", "Any", "2", "1")]


def ago(seconds):
    """HH:MM that many seconds ago."""
    return time.strftime("%H:%M", time.gmtime(time.time() - seconds))


def since(s, seconds, on="1"):
    """As if the switch had been set that long ago."""
    s.cli("HSET", SLOTS, "switch", "%s %d" % (
        on, (time.time() - seconds) * 1000000))


class Cut:
    """Between a program and Redis: kills the program instead of passing its
    command number `most` on; or, if told to drop, passes that on and closes
    the connection without an answer."""

    def __init__(self, s, name, most, drop=False):
        self.path = os.path.join(s.dir, name)
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(self.path)
        self.server.listen(4)
        self.redis, self.most, self.drop = s.socket, most, drop
        self.names, self.child = [], None
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            redis = socket.socket(socket.AF_UNIX)
            redis.connect(self.redis)
            threading.Thread(target=self.answers, args=(redis, client),
                             daemon=True).start()
            threading.Thread(target=self.commands, args=(client, redis),
                             daemon=True).start()

    def answers(self, redis, client):
        try:
            while data := redis.recv(65536):
                if self.most == -1:  # this one was dropped
                    self.most = 1 << 30
                    client.shutdown(socket.SHUT_RDWR)
                    return
                client.sendall(data)
        except OSError:
            pass

    def commands(self, client, redis):
        stream = client.makefile("rb")
        try:
            while head := stream.readline():
                command = [head]
                for _ in range(int(head[1:])):
                    command.append(stream.readline())
                    command.append(stream.read(int(command[-1][1:]) + 2))
                if len(self.names) == self.most and self.drop:
                    self.most = -1
                elif len(self.names) == self.most:
                    self.child.kill()
                    self.child.wait()
                    break
                self.names.append(command[2].strip().decode())
                redis.sendall(b"".join(command))
        except OSError:
            pass
        finally:
            redis.close()
            client.close()

    def run(self, s, db, job, **env):
        with subprocess.Popen(
                [program("schedule"), "run", job], stdin=subprocess.DEVNULL,
                env=s.env(REDIS_URL="unix://%s?db=%s" % (self.path, db),
                          TZ="UTC", **env)) as child:
            self.child = child
            child.wait(30)
            self.server.close()
            return child.returncode


def servers():
    left = 3600 - time.time() % 3600
    if left < 30:  # the slot of the hour stays the same one throughout
        time.sleep(left)
    return Servers(["--appendonly", "yes", "--databases", "64",
                    "--enable-debug-command", "yes"])


def tests_of(names):
    """The functions of a module that take the servers and no more."""
    return [f for f in names.values()
            if isinstance(f, FunctionType) and
            f.__module__ == names["__name__"] and
            f.__code__.co_varnames[:f.__code__.co_argcount] == ("s",) and
            f.__code__.co_flags & 12 == 0]  # no *args, no **env
