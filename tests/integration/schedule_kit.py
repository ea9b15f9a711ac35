"""What the tests of schedule share: the program, and what it left in Redis."""
import os
import subprocess
import time
from types import FunctionType

from harness import Servers, run

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


CLOCK = b"""
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
int clock_gettime(clockid_t c, struct timespec *t)
{
        int (*real)(clockid_t, struct timespec *);
        *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
        int r = real(c, t);
        if (c == CLOCK_REALTIME)
                t->tv_sec += atol(getenv("SHIFT"));
        return r;
}"""


def shifted(s, seconds):
    """The environment of a program whose clock is that much ahead."""
    shim = os.path.join(s.dir, "clock.so")
    if not os.path.exists(shim):
        subprocess.run(["gcc", "-shared", "-fPIC", "-D_GNU_SOURCE", "-o", shim,
                        "-xc", "-"], input=CLOCK, check=True)
    options = s.env().get("ASAN_OPTIONS", "")
    return {"LD_PRELOAD": shim, "SHIFT": seconds,
            "ASAN_OPTIONS": options + ":verify_asan_link_order=0"}


def take_lease(s):
    """As another run that takes up the slot, the only one that is held."""
    (lease,) = [x for x in s.cli("HKEYS", SLOTS).split("\n")
                if x.startswith("lease:")]
    s.cli("HSET", SLOTS, lease, "%d other" % ((time.time() + 60) * 1e6))


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
