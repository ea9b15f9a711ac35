"""make bench: the figures of README.md, measured anew in one run on this
machine. Ratios are of interleaved pairs, pinned to one core: median, and the
range of the middle nine tenths."""
import json
import os
import re
import statistics
import subprocess
import sys
import time
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "integration"))
from harness import ROOT, Servers, program, wait_until  # noqa: E402

CORE = max(os.sched_getaffinity(0))
rows = []


def say(what, value, bound=""):
    rows.append((what, value, bound))
    print("%-62s %s%s" % (what, value, "   (%s)" % bound if bound else ""),
          flush=True)


def spread(values, unit=""):
    values = sorted(values)
    cut = len(values) // 20
    return "%.2f%s (%.2f-%.2f)" % (statistics.median(values), unit,
                                  values[cut], values[-1 - cut])


def pin(core=None):
    """This process, and with it those that it starts, on one core or on all."""
    os.sched_setaffinity(0, range(os.cpu_count()) if core is None else {core})


def process(argv, env=None):
    """Run a program into a pipe; seconds and bytes."""
    begin = time.perf_counter()
    child = subprocess.Popen(argv, env=env, stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL)
    size = 0
    while True:
        part = child.stdout.read(1 << 20)
        if not part:
            break
        size += len(part)
    child.stdout.close()
    if child.wait() != 0:
        sys.exit("%r ended with %d" % (argv, child.returncode))
    return time.perf_counter() - begin, size


def peak_rss(argv, env):
    """Of a program, in MiB, and its seconds. By way of time(1): of a child of
    ours the kernel would count our own memory before the exec."""
    begin = time.perf_counter()
    p = subprocess.run(["/usr/bin/time", "-f", "%M", *argv], env=env, text=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if p.returncode != 0:
        sys.exit("%r ended with %d" % (argv, p.returncode))
    return int(p.stderr.split()[-1]) / 1024, time.perf_counter() - begin


def refresh(s):
    """Both default indexes with all their sectors, at the default rate."""
    s.fresh()
    env = s.env(RATE_LIMIT="2")
    rss, seconds = peak_rss([program("fetch"), "--all", "--refresh"], env)
    calls = len(s.calls())
    forced = (calls - 1) / 2
    say("refresh of S&P 500 and DJIA x 12 sectors: calls", calls, "28")
    say("refresh: elapsed / forced by 2 calls a second",
        "%.1f s / %.1f s = %.3f" % (seconds, forced, seconds / forced),
        "at most 1.1")
    say("refresh: peak RSS", "%.1f MiB" % rss)


def page(s):
    """A 20-row page with all columns, against libxml2's DOM and bs4."""
    ids = ",".join(str(i) for i in range(0, 151))
    url = s.url + "/screener?" + urllib.parse.urlencode(
        {"v": "152", "f": "idx_sp500", "o": "ticker", "c": ids}, safe=",")
    body = urllib.request.urlopen(url, timeout=10).read()
    path = os.path.join(s.dir, "page.html")
    with open(path, "wb") as f:
        f.write(body)
    out = subprocess.run([os.path.join(ROOT, "build/rel/tests/bench_page"),
                          path, "60"], capture_output=True, text=True,
                         check=True).stdout
    pairs = [tuple(map(int, line.split())) for line in out.splitlines()]
    say("parsing a 20-row page (%d KB) / htmlReadMemory" % (len(body) // 1000),
        spread([a / b for a, b in pairs]), "at most 1.4")
    say("  that is, milliseconds", "%.1f / %.1f" % (
        statistics.median(a for a, _ in pairs) / 1e6,
        statistics.median(b for _, b in pairs) / 1e6))
    ours = statistics.median(a for a, _ in pairs) / 1e9
    soup = [beautiful_soup(body) for _ in range(7)]
    say("BeautifulSoup as finvizfinance does / ours",
        "%.1f (%.0f ms)" % (statistics.median(soup) / ours,
                            statistics.median(soup) * 1000))


def beautiful_soup(body):
    from bs4 import BeautifulSoup
    begin = time.perf_counter()
    soup = BeautifulSoup(body, "lxml")
    table = soup.find("table", class_="screener_table")
    found = [[cell.text for cell in row.find_all("td")]
             for row in table.find_all("tr")[1:]]
    assert len(found) == 20, len(found)
    return time.perf_counter() - begin


def cached(s):
    """fetch of the cached S&P 500, whole process, against redis-cli."""
    s.fresh()
    env = s.env()
    cold, _ = peak_rss([program("fetch")], env)
    key = "stock_data:S&P 500:Any"
    pairs = []
    for _ in range(100):
        ours, size = process([program("fetch")], env)
        theirs, other = process(["redis-cli", "-s", s.socket, "--raw", "GET",
                                 key])
        assert size == other, (size, other)
        pairs.append((ours, theirs))
    warm, _ = peak_rss([program("fetch")], env)
    say("fetch of the cached S&P 500 (%d KB) / redis-cli --raw GET" %
        (size // 1000), spread([a / b for a, b in pairs]), "at most 2.5")
    say("  that is, milliseconds", "%.1f / %.1f" % (
        statistics.median(a for a, _ in pairs) * 1000,
        statistics.median(b for _, b in pairs) * 1000))
    say("fetch of the cached S&P 500: peak RSS", "%.1f MiB" % warm,
        "at most 16")
    say("the same cold: peak RSS", "%.1f MiB" % cold, "at most 32")


def limiter(s):
    """Eight processes at once, by the limiter's own log and at the server; in
    the middle one call is answered 429 and the source is held."""
    s.fresh("kind=429 retry-after=2 path=/screener after=12 count=1")
    rate = 20
    sectors = ["Technology", "Financial", "Energy", "Utilities", "Healthcare",
               "Industrials", "Real Estate", "Basic Materials"]
    env = s.env(RATE_LIMIT=str(rate), MAX_WAIT="600")
    children = [subprocess.Popen(
        [program("fetch"), "--index", "Any", "--sector", sector], env=env,
        stdout=subprocess.DEVNULL) for sector in sectors]
    for child in children:
        if child.wait(120) != 0:
            sys.exit("a fetch of the limiter's bench failed")
    log = s.cli("LRANGE", "stocknity:guard:{finviz}:grants", "0", "-1")
    grants = sorted(tuple(map(int, x.split())) for x in log.splitlines())
    due = [g[0] for g in grants]
    calls = s.calls()
    say("limiter, 8 processes, %d grants: over burst + W x rate" % len(due),
        "%.3f" % excess(due, rate), "at most 0")
    say("limiter: the same at the server",
        "%.3f" % excess([c["us"] for c in calls], rate), "at most 1")
    # The two seconds without a grant are the hold: it begins when the last
    # grant before it was given at the latest.
    hold = max(b[1] - a[1] for a, b in zip(grants, grants[1:]))
    say("limiter: seconds without a grant after Retry-After: 2",
        "%.2f" % (hold / 1e6), "at least 2 less a call's own time")
    refused = next(c for c in calls if c["status"] == 429)
    late = [c for c in calls
            if refused["done_us"] < c["us"] < refused["done_us"] + 1900000]
    say("limiter: calls at the server within the hold", len(late), "at most 1")


def excess(times, rate):
    """The most calls of any window beyond 1 + its length x rate."""
    most = -1.0
    for i, begin in enumerate(times):
        for j in range(i, len(times)):
            most = max(most, j - i + 1 - (1 + (times[j] - begin) / 1e6 * rate))
    return most


def main():
    s = Servers(market_args=["--latency", "50"])
    try:
        pin(CORE)
        page(s)
        s.pin(CORE)
        cached(s)
        s.pin()
        pin()
        limiter(s)
        refresh(s)
    finally:
        s.close()
    with open("/proc/cpuinfo") as f:
        model = re.search(r"model name\s*: (.*)", f.read())
    print("\n| what | measured | asked for |\n| --- | --- | --- |")
    for row in rows:
        print("| %s | %s | %s |" % tuple(str(x).strip() for x in row))
    print("\n%d cores, %s" % (os.cpu_count(), model.group(1) if model else "?"))


if __name__ == "__main__":
    main()
