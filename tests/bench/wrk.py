"""What bench-api and bench-web share: wrk with 32 connections, interleaved
pairs, every server on one core and wrk on the other.

A core of wrk takes some 2,000 answers of 767 KB a second (it reads 8 KiB at a
time), and nginx's cache keeps up with half a core: such a rate is wrk's and not
the server's. So the ratios are of answers a busy second of the servers' core,
whatever ran on it: of /proc/stat, all but idle and iowait. What wrk counted is
printed beside it. Where a server is busy all the time the two are the same.

Before each run the servers have come to rest: what wrk leaves when it ends, 32
requests, keeps a slow one busy for seconds.

BENCH_PAIRS and BENCH_SECONDS say how long; with one core there is nothing that
this could measure."""
import os
import re
import statistics
import subprocess
import sys
import time

PAIRS = int(os.environ.get("BENCH_PAIRS", "9"))
SECONDS = os.environ.get("BENCH_SECONDS", "2")
CORES = sorted(os.sched_getaffinity(0))
SERVERS, CLIENT = CORES[0], CORES[-1]
TICK = os.sysconf("SC_CLK_TCK")


def pin_servers():
    """This process, and those that it starts."""
    if SERVERS == CLIENT:
        sys.exit("this takes two cores: one for the servers, one for wrk")
    os.sched_setaffinity(0, {SERVERS})


def busy():
    """Seconds that the servers' core has been busy."""
    with open("/proc/stat") as f:
        for line in f:
            name, *ticks = line.split()
            if name == "cpu%d" % SERVERS:
                ticks = [int(t) for t in ticks[:8]]
                return (sum(ticks) - ticks[3] - ticks[4]) / TICK
    sys.exit("/proc/stat says nothing of core %d" % SERVERS)


def rest():
    """Wait until the servers' core has next to nothing to do."""
    for _ in range(150):
        begin = busy()
        time.sleep(0.2)
        if busy() - begin <= 0.02:
            return
    sys.exit("core %d does not come to rest" % SERVERS)


def rate(url, *headers):
    """Answers a busy second of the servers' core, and a second."""
    rest()
    begin = busy()
    out = subprocess.run(["wrk", "-t1", "-c32", "-d%ss" % SECONDS,
                          *[a for h in headers for a in ("-H", h)], url],
                         capture_output=True, text=True, check=True,
                         preexec_fn=lambda: os.sched_setaffinity(0, {CLIENT})).stdout
    seconds = busy() - begin
    # That an answer of a slow server was not there in time is no error here.
    if "Non-2xx" in out or re.search(r"(connect|read|write) [1-9]", out):
        sys.exit("wrk of %s:\n%s" % (url, out))
    n = int(re.search(r"(\d+) requests in", out).group(1))
    if n == 0 or seconds <= 0:
        sys.exit("nothing was answered in %s s: %s" % (SECONDS, out))
    return n / seconds, float(re.search(r"Requests/sec:\s*([\d.]+)", out).group(1))


def compare(what, ours, theirs, bound, headers=((), ())):
    """Print our rate by theirs; is it at least what was asked for?"""
    rate(ours, *headers[0]), rate(theirs, *headers[1])  # warm
    pairs = [(rate(ours, *headers[0]), rate(theirs, *headers[1]))
             for _ in range(PAIRS)]
    ratios = sorted(a[0] / b[0] for a, b in pairs)
    ratio = statistics.median(ratios)
    print("| %s | %.2f (%.2f-%.2f) | %s |" % (
        what, ratio, ratios[0], ratios[-1],
        "at least %s" % bound if bound else ""))
    for text, i in ("a busy second of their core", 0), ("a second, as wrk took them", 1):
        print("| %s | %.0f / %.0f |  |" % (
            text, statistics.median(p[0][i] for p in pairs),
            statistics.median(p[1][i] for p in pairs)), flush=True)
    return not bound or ratio >= bound
