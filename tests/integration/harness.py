"""What the integration tests share: servers of their own in a temporary
folder, programs run as a user runs them, and a count of what passed.

Every server listens on a unix socket or a free port of the loopback, and is
ended by its pid; nothing is left behind.
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, os.environ.get("B", "build/rel"))
BIN = os.path.join(ROOT, os.environ.get("P", ""), "bin")


class Servers:
    """Redis and the market server."""

    def __init__(self, redis_args=(), market_args=()):
        self.dir = tempfile.mkdtemp(prefix="stocknity-")
        self.socket = os.path.join(self.dir, "redis.sock")
        self.children = []
        self.redis_args = list(redis_args)
        self.start_redis()
        port_file = os.path.join(self.dir, "market.port")
        self.market = self.spawn(
            [os.path.join(BUILD, "tests/market"), "--port", "0",
             "--port-file", port_file, "--with-parent",
             "--companies", os.path.join(ROOT, "tests/upstream/companies.csv"),
             *market_args])
        wait_until(lambda: os.path.exists(port_file) and
                   os.path.getsize(port_file) > 0, "the market's port")
        with open(port_file) as f:
            self.url = "http://127.0.0.1:%d" % int(f.read())

    def spawn(self, argv, env=None):
        child = subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL,
                                 stdout=open(os.path.join(self.dir, "log"), "ab"),
                                 stderr=subprocess.STDOUT)
        self.children.append(child)
        return child

    def start_redis(self, *more):
        self.redis = self.spawn(
            ["redis-server", "--port", "0", "--unixsocket", self.socket,
             "--save", "", "--appendonly", "no", "--dir", self.dir,
             *self.redis_args, *more])
        wait_until(lambda: self.cli("PING") in ("PONG", "") or
                   "NOAUTH" in self.cli("PING"), "Redis")

    def stop_redis(self):
        self.redis.terminate()
        self.redis.wait(10)

    def cli(self, *args):
        return subprocess.run(["redis-cli", "-s", self.socket, *args],
                              capture_output=True, text=True).stdout.strip()

    def env(self, **more):
        """The environment of a program: nothing of ours but what is needed."""
        env = {"PATH": os.environ["PATH"], "HOME": self.dir,
               "REDIS_URL": "unix://" + self.socket,
               "FINVIZ_URL": self.url, "YAHOO_URL": self.url,
               "YAHOO_COOKIE_URL": self.url + "/cookie",
               "RATE_LIMIT": "1000", "YAHOO_RATE_LIMIT": "1000"}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                env[name] = os.environ[name]
        for name, value in more.items():
            if value is None:
                env.pop(name, None)
            else:
                env[name] = str(value)
        return env

    def post(self, path, text=""):
        request = urllib.request.Request(self.url + path, text.encode(),
                                         method="POST")
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read().decode()

    def calls(self):
        """The calls since the last reset, but for those of the tests."""
        with urllib.request.urlopen(self.url + "/_/calls", timeout=10) as a:
            log = json.load(a)["log"]
        return [c for c in log if not c["path"].startswith("/_/")]

    def fresh(self, *faults):
        """Empty cache, no faults but these, counters at 0."""
        self.cli("FLUSHALL")
        self.post("/_/reset")
        if faults:
            self.post("/_/faults", "\n".join(faults) + "\n")

    def fetch(self, *args, timeout=60, **env):
        return run("fetch", *args, env=self.env(**env), timeout=timeout)

    def pin(self, core=None):
        """The servers on one core, or on all."""
        cores = range(os.cpu_count()) if core is None else {core}
        for child in self.children:
            for task in os.listdir("/proc/%d/task" % child.pid):
                os.sched_setaffinity(int(task), cores)

    def close(self):
        for child in self.children:
            if child.poll() is None:
                child.send_signal(signal.SIGCONT)
                child.terminate()
                try:
                    child.wait(5)
                except subprocess.TimeoutExpired:
                    child.kill()
                    child.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


class Run:
    def __init__(self, code, out, err, seconds):
        self.code, self.out, self.err, self.seconds = code, out, err, seconds

    @property
    def doc(self):
        return json.loads(self.out)

    def __repr__(self):
        return "exit %s, stdout %r, stderr %r" % (
            self.code, self.out[:300], self.err[:400])


def program(name):
    return os.path.join(BIN, name)


def run(name, *args, env, timeout=60, stdin=None):
    began = time.monotonic()
    p = subprocess.run([program(name), *args], env=env, capture_output=True,
                       text=True, timeout=timeout, input=stdin)
    return Run(p.returncode, p.stdout, p.stderr, time.monotonic() - began)


def unpacked(t):
    """A task's hash with what it packs (see src/store/queue.h) beside it; None
    is what there is nothing of yet."""
    token, owner = ((t.get("run") or "") + " ").split(" ")[:2]
    retries, lost = (t.get("tries") or "0 0").split(" ")
    return dict(t, token=token or None, owner=owner or None,
                retry_count=None if retries == "0" else retries,
                lost=None if lost == "0" else lost,
                index=t["spec"].split("|")[1] if t.get("spec") else None)


def wait_until(condition, what, seconds=15):
    end = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return
        except OSError:
            pass
        if time.monotonic() > end:
            raise TimeoutError("%s did not come in %d s" % (what, seconds))
        time.sleep(0.02)


def same(got, want, what=""):
    assert got == want, "%s: got %r, want %r" % (what, got, want)


def tests_of(names):
    """The tests among the globals of a file: its functions of s alone, but for
    helpers, whose names begin with _."""
    return [f for name, f in names.items()
            if callable(f) and getattr(f, "__module__", "") == "__main__"
            and not name.startswith("_") and f.__code__.co_argcount == 1
            and f.__code__.co_varnames[0] == "s"]


class Skip(Exception):
    """This machine cannot run the test; the reason."""


def main(tests, setup):
    """Run the functions with what setup() makes, each on its own; names on
    the command line choose some.  Prints failures and the count."""
    passed = failed = skipped = 0
    world = setup()
    chosen = sys.argv[1:]
    try:
        for test in tests:
            if chosen and test.__name__ not in chosen:
                continue
            try:
                test(world)
                passed += 1
            except Skip as why:
                skipped += 1
                print("skipped %s: %s" % (test.__name__, why))
            except Exception as why:  # a failed assertion or a broken run
                failed += 1
                trace = why.__traceback__
                while trace.tb_next is not None and \
                        trace.tb_next.tb_frame.f_code.co_filename == test.__code__.co_filename:
                    trace = trace.tb_next
                print("FAILED %s (line %d): %s: %s" % (
                    test.__name__, trace.tb_lineno, type(why).__name__,
                    str(why)[:1500]))
    finally:
        world.close()
    print("%d passed, %d failed, %d skipped" % (passed, failed, skipped))
    sys.exit(1 if failed else 0)
