"""What the chaos tests share: how long they are, servers that can die, crews
of journaling workers, and the judgement of a journal.

CHAOS=1 is the short form; CHAOS=20 is the long one.  A failure names its seed:
CHAOS_SEED=that runs that one alone.
"""
import collections
import contextlib
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

import redis

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "integration"))
from harness import (BUILD, Servers, program, run, unpacked,  # noqa: E402
                     wait_until)

CHAOS = max(1, int(os.environ.get("CHAOS", "1")))
KEY = "stocknity:{default}:"
FIELDS = ("status", "spec", "run", "tries", "errors",
          "e1", "e2", "e3", "e4", "e5", "e6", "e7", "e8")


def times(short, most=None):
    """So many in the short form, CHAOS times more in the long one."""
    return min(short * CHAOS, most or short * CHAOS)


def seeds(salt):
    """The seeds of a test: 3 in the short form, CHAOS in the long one."""
    if "CHAOS_SEED" in os.environ:
        return [int(os.environ["CHAOS_SEED"])]
    return [1000 * salt + i for i in range(max(3, CHAOS))]


@contextlib.contextmanager
def seeded(seed):
    """A failure says with which seed."""
    try:
        yield random.Random(seed)
    except Exception as why:
        raise AssertionError("CHAOS_SEED=%d: %s: %s" % (
            seed, type(why).__name__, why)) from why


class World(Servers):
    """Redis, with a market where it is wanted, and the queue in it."""

    def __init__(self, redis_args=(), market=False):
        if market:
            super().__init__(redis_args)
        else:
            self.dir = tempfile.mkdtemp(prefix="stocknity-")
            self.socket = os.path.join(self.dir, "redis.sock")
            self.children, self.redis_args = [], list(redis_args)
            self.url = "http://127.0.0.1:9"
            self.start_redis()
        self.db = redis.Redis(unix_socket_path=self.socket,
                              decode_responses=True, socket_timeout=30)
        self.files = 0

    def start_redis(self, *more, says="PONG"):
        self.redis = self.spawn(
            ["redis-server", "--port", "0", "--unixsocket", self.socket,
             "--save", "", "--dir", self.dir, *self.redis_args, *more])
        wait_until(lambda: says in self.cli("PING"), says + " of Redis", 60)

    def kill_redis(self):
        self.redis.kill()
        self.redis.wait()
        self.children.remove(self.redis)

    def path(self, name):
        self.files += 1
        return os.path.join(self.dir, "%s-%d" % (name, self.files))

    def begin(self, name, *args, **env):
        """A driver, or a program of ours, that runs beside the test."""
        argv0 = os.path.join(BUILD, "tests/chaos", name)
        if not os.path.exists(argv0):
            argv0 = program(name)
        log = open(self.path("out"), "w+b")
        p = subprocess.Popen([argv0, *map(str, args)], stdout=log, stderr=log,
                             stdin=subprocess.DEVNULL, env=self.env(**env))
        p.log = log
        self.children.append(p)
        return p

    def end(self, p, seconds=60):
        """Wait for it; what it said."""
        try:
            p.wait(seconds)
        finally:
            if p.poll() is None:
                p.kill()
                p.wait()
            self.children.remove(p)
        with p.log as log:
            log.seek(0)
            return log.read().decode()

    def driver(self, name, *args, seconds=600, **env):
        """A driver to its end, which is a good one."""
        p = self.begin(name, *args, **env)
        said = self.end(p, seconds)
        assert p.returncode == 0, "%s %s: %s: %s" % (
            name, args, p.returncode, said[-600:])
        return said

    def program(self, name, *args, stdin=None, timeout=60, **env):
        return run(name, *args, env=self.env(**env), stdin=stdin,
                   timeout=timeout)

    def put(self, lines, **env):
        """Tasks by enqueue -, all of which are taken."""
        r = self.program("enqueue", "-", stdin="\n".join(lines) + "\n", **env)
        assert r.code == 0, r
        return r

    def sizes(self):
        """One moment: a pipeline that arrives whole is run whole (a full
        Redis refuses MULTI)."""
        p = self.db.pipeline(transaction=False)
        for name in ("ready", "scheduled", "processing", "completed", "failed"):
            p.zcard(KEY + name)
        return collections.namedtuple(
            "Sizes", "ready scheduled processing completed failed")(*p.execute())

    def counters(self):
        """Those that never fall, as status says them."""
        r = self.program("status", "--queue", "--json")
        assert r.code == 0, r
        return r.doc["counters"]

    def tasks(self, ids):
        """Their hashes; without a status where there is none."""
        p = self.db.pipeline(transaction=False)
        for i in ids:
            p.hmget(KEY + "task:" + i, FIELDS)
        return {i: unpacked(dict(zip(FIELDS, t)))
                for i, t in zip(ids, p.execute())}

    def all_ids(self):
        """Of the tasks; without names of others, which have but `as`."""
        prefix = KEY + "task:"
        keys = list(self.db.scan_iter(prefix + "*", count=1000))
        p = self.db.pipeline(transaction=False)
        for k in keys:
            p.hexists(k, "as")
        return [k[len(prefix):] for k, other in zip(keys, p.execute())
                if not other]

    def snapshot(self):
        """All that is in Redis, to compare."""
        return {k: self._value(k)
                for k in self.db.scan_iter("*", count=1000)}

    def _value(self, key):
        kind = self.db.type(key)
        if kind == "hash":
            return self.db.hgetall(key)
        if kind == "zset":
            return self.db.zrange(key, 0, -1, withscores=True)
        return self.db.get(key)

    def audit(self):
        r = self.program("enqueue", "--audit")
        assert r.code == 0, "the audit: %r" % r


class Crew:
    """Journaling workers; those that are killed are replaced."""

    def __init__(self, world, size, rng, *args, **env):
        self.world, self.rng, self.env = world, rng, env
        self.journal = world.path("journal")
        open(self.journal, "w").close()
        self.args = ("-j", self.journal) + args
        self.killed, self.stopped = set(), {}  # pids; when to wake, by process
        self.ever_stopped = set()
        self.workers = [self.start() for _ in range(size)]

    def start(self):
        return self.world.begin("chaos_worker", "-s", self.rng.getrandbits(32),
                                *self.args, **self.env)

    def kill(self, at=None):
        at = self.rng.randrange(len(self.workers)) if at is None else at
        p = self.workers[at]
        self.must_run(p)
        self.killed.add(p.pid)
        self.stopped.pop(p, None)
        p.kill()
        self.world.end(p)
        self.workers[at] = self.start()

    def stop(self, seconds):
        p = self.rng.choice(self.workers)
        if p in self.stopped:
            return
        self.must_run(p)
        self.ever_stopped.add(p.pid)
        p.send_signal(signal.SIGSTOP)
        self.stopped[p] = time.monotonic() + seconds

    def wake(self, now=None):
        for p, when in list(self.stopped.items()):
            if now is None or when <= now:
                p.send_signal(signal.SIGCONT)
                del self.stopped[p]

    def must_run(self, p):
        if p.poll() is not None:
            p.log.seek(0)
            raise AssertionError("a worker ended with %s: %s" % (
                p.returncode, p.log.read().decode()[-400:]))

    def close(self):
        """All end well."""
        self.wake()
        for p in self.workers:
            self.must_run(p)
            p.terminate()
        for p in self.workers:
            said = self.world.end(p)
            assert p.returncode == 0, "a worker: %s" % said[-400:]

    def abandon(self):
        for p in self.workers:
            if p in self.world.children:
                p.kill()
                self.world.end(p)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is None:
            self.close()
        else:
            self.abandon()


ID = r"([0-9a-f]{8}-[0-9a-f-]{27})"
LINE = re.compile("(?:run (\\d+) %s (\\d+) (\\d) (\\d+)|end (\\d+) %s (\\d+) "
                  "(ok|fail|refuse)|set (\\d+) %s (\\d+) ([a-z-]+) (\\d+)|"
                  "ack %s (\\d) (\\d))$" % (ID, ID, ID, ID))


class Run(collections.namedtuple("Run", "id token pid priority ready")):
    @property
    def key(self):
        """The tasks of one claim share its token."""
        return self.id, self.token


class Journal:
    """What the workers did, read from outside of Redis.  A line that a kill
    cut off is none."""

    def __init__(self, path):
        self.runs, self.ends, self.sets, self.acks = {}, {}, {}, {}
        with open(path) as f:
            for line in f:
                m = LINE.search(line)
                if m is None:
                    continue
                g = m.groups()
                if g[0]:
                    r = Run(g[1], int(g[2]), int(g[0]), int(g[3]), int(g[4]))
                    assert r.key not in self.runs, "a token given twice"
                    self.runs[r.key] = r
                elif g[5]:
                    self.ends[g[6], int(g[7])] = g[8]
                elif g[9]:
                    self.sets[g[10], int(g[11])] = (g[12], int(g[13]))
                else:
                    self.acks[g[14]] = (int(g[15]), int(g[16]))

    def in_order(self):
        """Of their claims; in one claim as they stand in the journal."""
        return sorted(self.runs.values(), key=lambda r: r.token)


def wait_empty(world, crew=None, seconds=120):
    """Nothing waits, nothing runs."""
    def empty():
        if crew is not None:
            crew.wake(time.monotonic())
        s = world.sizes()
        return s.ready + s.scheduled + s.processing == 0
    wait_until(empty, "the end of the queue, %r," % (world.sizes(),), seconds)


class Ticker(threading.Thread):
    """How late this machine is: the longest that a nap was too long."""

    def __init__(self):
        super().__init__(daemon=True)
        self.late, self.on = 0.0, True

    def run(self):
        while self.on:
            began = time.monotonic()
            time.sleep(0.01)
            self.late = max(self.late, time.monotonic() - began - 0.01)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.on = False
        self.join()
