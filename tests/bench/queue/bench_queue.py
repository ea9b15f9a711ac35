"""make bench-queue: the queue against its peers and against the bare ceiling,
measured in one run on this machine, Redis and clients on one core.

Every round gives each contestant a Redis of its own on a unix socket, once
with AOF (everysec) and once without. A ratio is of one round; printed are its
median and its range over the rounds. Our programs, the ceiling and the client
of beanstalkd are timed as whole processes; the peers in Python and Node only
from a connection that stands to the last task, so that their start does not
count against them. All keep status and result of each task, but beanstalkd,
which keeps neither.

	bench_queue.py [ROUNDS]
"""
import importlib.util
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
from bench import CORE, pin, rows, say, spread  # noqa: E402
from harness import BUILD, ROOT, program, wait_until  # noqa: E402

TASKS = 20000
FEWER = {"BullMQ one at a time": 5000, "Celery": 2000, "RQ": 2000,
         "plain loop": 5000}
KEY = "stocknity:{default}:"
MODULES = os.path.join(ROOT, "build/bench/node_modules")


def tool(name):
    return os.path.join(BUILD, "tests/queue", name)


def timed(argv, env=None, **more):
    """Seconds of a whole process."""
    begin = time.perf_counter()
    p = subprocess.run(argv, env=env, stdout=subprocess.DEVNULL,
                       stderr=subprocess.PIPE, text=True, timeout=300, **more)
    seconds = time.perf_counter() - begin
    if p.returncode != 0:
        sys.exit("%r ended with %d: %s" % (argv, p.returncode, p.stderr[-500:]))
    return seconds


def printed(argv, env=None, cwd=HERE):
    """What a process printed."""
    p = subprocess.run(argv, env=env, cwd=cwd, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, text=True, timeout=300)
    if p.returncode != 0 or not p.stdout.strip():
        sys.exit("%r ended with %d: %s" % (argv, p.returncode, p.stderr[-500:]))
    return p.stdout.strip()


class Server:
    """A process with a socket in a folder of its own."""

    def __init__(self, aof):
        self.dir = tempfile.mkdtemp(prefix="stocknity-bench-")
        self.socket = os.path.join(self.dir, "socket")
        self.process = subprocess.Popen(
            self.command(aof), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.env = {"PATH": os.environ["PATH"], "HOME": self.dir,
                    "NODE_PATH": MODULES, "PYTHONDONTWRITEBYTECODE": "1",
                    "PYTHONWARNINGS": "ignore", "QUEUE_MAX": "1000000",
                    "REDIS_URL": "unix://" + self.socket}
        try:
            wait_until(self.answers, self.process.args[0])
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)
        shutil.rmtree(self.dir, ignore_errors=True)


class Redis(Server):
    def command(self, aof):
        # A rewrite of the AOF would fall on whoever is being measured then.
        return ["redis-server", "--port", "0", "--unixsocket", self.socket,
                "--dir", self.dir, "--save", "", "--appendonly",
                "yes" if aof else "no", "--appendfsync", "everysec",
                "--auto-aof-rewrite-percentage", "0"]

    def answers(self):
        return self.cli("PING") == "PONG"

    def cli(self, *args):
        return subprocess.run(["redis-cli", "-s", self.socket, *args],
                              capture_output=True, text=True).stdout.strip()

    def expect(self, value, *args):
        got = self.cli(*args)
        if got != str(value):
            sys.exit("%s is %s, not %s" % (" ".join(args), got, value))


class Beanstalkd(Server):
    def command(self, aof):
        return ["beanstalkd", "-l", "unix:" + self.socket,
                *(["-b", self.dir, "-f", "1000"] if aof else [])]

    def answers(self):
        return os.path.exists(self.socket)


class Ours:
    """enqueue - and drain-queue; one at a time by the queue's functions, as
    drain-queue always claims light tasks in batches."""
    name, server = "ours", Redis
    missing = None

    def __init__(self, lines):
        self.lines = lines

    def enqueue(self, s, n):
        with open(self.lines) as f:
            seconds = timed([program("enqueue"), "-"], s.env, stdin=f)
        s.expect(n, "ZCARD", KEY + "ready")
        return seconds

    def drain(self, s, n):
        seconds = timed([program("drain-queue"), "--workers", "1"], s.env)
        s.expect(n, "HGET", KEY + "stats", "done")
        return seconds

    def single(self, s, n):
        seconds = timed([tool("driver"), "drain", "1"], s.env)
        s.expect(0, "ZCARD", KEY + "ready")
        return seconds


class Ceiling:
    name, server = "ceiling", Redis
    missing = None

    def step(self, s, mode, n):
        return timed([tool("ceiling"), s.socket, mode, str(n)])

    def enqueue(self, s, n):
        return self.step(s, "enqueue", n)

    def drain(self, s, n):
        return self.step(s, "drain", n)

    def single(self, s, n):
        return self.step(s, "single", n)


class BullMQ:
    name, server = "BullMQ", Redis

    def __init__(self):
        there = shutil.which("node") and os.path.isdir(
            os.path.join(MODULES, "bullmq"))
        self.missing = None if there else "not installed"

    def step(self, s, *args):
        return float(printed(["node", "bullmq.js", s.socket,
                              *map(str, args)], s.env))

    def enqueue(self, s, n):
        return self.step(s, "add", n)

    def drain(self, s, n):
        return self.step(s, "drain", n, 100)

    def single(self, s, n):
        return self.step(s, "drain", n, 1)


class Python:
    """A peer in Python: add and drain, no difference between batches and one
    at a time."""
    server, single = Redis, None

    def __init__(self, name, script, module):
        self.name, self.script = name, script
        there = importlib.util.find_spec(module)
        self.missing = None if there else "not installed"

    def step(self, s, mode, n):
        return float(printed([sys.executable, self.script, s.socket, mode,
                              str(n)], s.env))

    def enqueue(self, s, n):
        return self.step(s, "add", n)

    def drain(self, s, n):
        return self.step(s, "drain", n)


class Beanstalk:
    name, server, single = "beanstalkd", Beanstalkd, None

    def __init__(self):
        self.missing = None if shutil.which("beanstalkd") else "not installed"

    def enqueue(self, s, n):
        return timed([tool("beanstalk"), s.socket, "put", str(n)])

    def drain(self, s, n):
        return timed([tool("beanstalk"), s.socket, "drain", str(n)])


def one_round(contestant, aof, rates):
    """Tasks a second of each measure, added to rates[measure, name]."""
    def measure(what, s, n):
        seconds = getattr(contestant, what)(s, n)
        return n / seconds

    name = contestant.name
    n = FEWER.get(name, TASKS)
    with contestant.server(aof) as s:
        for what in ("enqueue", "drain"):
            rates.setdefault((what, name), []).append(measure(what, s, n))
    if contestant.single is None:
        return
    n = FEWER.get(name + " one at a time", TASKS)
    with contestant.server(aof) as s:
        contestant.enqueue(s, n)
        rates.setdefault(("single", name), []).append(
            measure("single", s, n))


# What is asked for; the Python peers have no mode of their own for one at a
# time, and what beanstalkd does is no more than a sight.
TITLES = {"enqueue": "enqueue - of 20,000 tasks",
          "drain": "drain-queue --workers 1 of 20,000 tasks",
          "single": "one at a time"}
ASKED = {("enqueue", "ceiling"): "at least 0.4",
         ("enqueue", "BullMQ"): "at least 5",
         ("drain", "ceiling"): "at least 0.5",
         ("drain", "BullMQ"): "at least 6",
         ("drain", "Celery"): "at least 20", ("drain", "RQ"): "at least 20",
         ("drain", "plain loop"): "at least 20",
         ("single", "ceiling"): "at least 0.6",
         ("single", "BullMQ"): "at least 2"}


def against_peers(contestants, aof, rounds, mode):
    rates = {}
    for _ in range(rounds):
        for contestant in contestants:
            if contestant.missing is None:
                one_round(contestant, aof, rates)
    for what, title in TITLES.items():
        ours = rates[what, "ours"]
        say("%s: %s, tasks a second" % (mode, title),
            "%.0f" % statistics.median(ours))
        for peer in contestants[1:]:
            theirs = rates.get((what, peer.name))
            if theirs is None:
                continue
            say("  / %s (%.0f)" % (peer.name, statistics.median(theirs)),
                spread([a / b for a, b in zip(ours, theirs)]),
                ASKED.get((what, peer.name), ""))


def pairs(text):
    both = [tuple(map(int, line.split())) for line in text.splitlines()]
    return (spread([a / b for a, b in both]),
            "%.3f / %.3f" % tuple(statistics.median(x) / 1e6
                                  for x in zip(*both)))


def whole_processes(aof, mode):
    """One enqueue and one status, against redis-cli."""
    with Redis(aof) as s:
        timed([tool("driver"), "fill", "300"], s.env)
        for ours, theirs in ((["enqueue", "probe", "{}"], ["LPUSH", "l", "{}"]),
                             (["status", "--queue"], ["INFO"])):
            text = printed([tool("pairs"), "200", program(ours[0]), *ours[1:],
                            "--", "redis-cli", "-s", s.socket, *theirs], s.env)
            what = "%s / redis-cli %s" % (" ".join(ours[:2]), theirs[0])
            ratio, ms = pairs(text)
            say("%s: %s, whole processes" % (mode, what), ratio, "at most 1.4")
            say("  that is, milliseconds", ms)


def depth(aof, mode):
    """A claim with many tasks waiting, and with few."""
    with Redis(aof) as many, Redis(aof) as few:
        timed([tool("driver"), "fill", "300000"], many.env)
        timed([tool("driver"), "fill", "300"], few.env)
        for most, turns in ((1, 1000), (50, 300)):
            text = printed([tool("driver"), "claim", str(most), str(turns),
                            many.socket, few.socket], few.env)
            ratio, ms = pairs(text)
            say("%s: claim of %d, 300,000 waiting / 300" % (mode, most), ratio,
                "at most 1.5")
            say("  that is, milliseconds", ms)
        many.expect(300000, "ZCARD", KEY + "ready")


def table(contestants):
    with open("/proc/cpuinfo") as f:
        model = re.search(r"model name\s*: (.*)", f.read())
    print("\n| what | measured | asked for |\n| --- | --- | --- |")
    for row in rows:
        print("| %s | %s | %s |" % tuple(str(x).strip() for x in row))
    print("\n%d cores, all on one of them; %s; %s" % (
        os.cpu_count(), model.group(1) if model else "?",
        printed(["redis-server", "--version"])))
    print("Fewer tasks than 20,000, the rates compared: " + ", ".join(
        "%s %d" % x for x in FEWER.items()))
    for c in contestants:
        if c.missing:
            print("%s: %s" % (c.name, c.missing))


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    pin(CORE)
    with tempfile.NamedTemporaryFile("w", prefix="stocknity-bench-") as f:
        f.writelines('{"type":"probe","index":"p%d"}\n' % i
                     for i in range(TASKS))
        f.flush()
        contestants = [Ours(f.name), Ceiling(), BullMQ(),
                       Python("Celery", "celery_bench.py", "celery"),
                       Python("RQ", "rq_bench.py", "rq"),
                       Python("plain loop", "loop_bench.py", "redis"),
                       Beanstalk()]
        for aof, mode in ((False, "no AOF"), (True, "AOF everysec")):
            against_peers(contestants, aof, rounds, mode)
            whole_processes(aof, mode)
            depth(aof, mode)
    table(contestants)


if __name__ == "__main__":
    main()
