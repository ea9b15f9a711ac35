"""What the tests of drain-queue share: tasks, and what became of them."""
import json
import os
import pty
import signal
import subprocess
import time
import uuid

import redis

from harness import program, run, Servers, unpacked

KEY = "stocknity:{default}:"
SLOW = "kind=slow n=150000 path=/screener"  # a page takes seconds


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
    return unpacked(s.r.hgetall(KEY + "task:" + id))


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


def on_a_terminal(s, *args):
    """Its exit status, and all that it showed."""
    leader, follower = pty.openpty()
    p = subprocess.Popen([program("drain-queue"), *args], env=s.env(),
                         stdin=follower, stdout=follower, stderr=follower)
    os.close(follower)
    seen = b""
    try:
        while True:
            seen += os.read(leader, 4096)
    except OSError:
        pass  # the other side is closed
    code = p.wait(10)
    os.close(leader)
    return code, seen
