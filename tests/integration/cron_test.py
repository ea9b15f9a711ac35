"""The crontab: its lines run as cron runs them (a bare environment, /bin/sh
-c, no terminal), and once by a real cron; its generations of workers leave no
gap.  cron/ holds what `schedule crontab` prints."""
import os
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import (BIN, ROOT, Servers, Skip, main, run,  # noqa: E402
                     wait_until)

# A namespace of its own: an empty /etc/cron.d but for our file, no spool, no
# crontab of the system, and no pid of another cron.
CRON = """
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /etc/cron.d
mount -t tmpfs tmpfs /var/spool/cron/crontabs
mount -t tmpfs tmpfs /run
mount --bind /dev/null /etc/crontab
cp "$1" /etc/cron.d/stocknity
chmod 644 /etc/cron.d/stocknity
exec cron -f
"""


def same(got, want, what=""):
    assert got == want, "%s: got %r, want %r" % (what, got, want)


def crontab(*args, **env):
    r = run("schedule", "crontab", *args,
            env={"PATH": os.environ["PATH"], **env})
    same((r.code, r.err), (0, ""), r)
    return r.out


def parse(text, system):
    """(assignments, [(the five fields, user, command)])"""
    env, lines = {}, []
    for line in text.split("\n"):
        name = re.fullmatch(r"([A-Z_]+)=(.*)", line)
        if name:
            env[name[1]] = name[2]
        elif line and not line.startswith("#"):
            words = line.split(None, 6 if system else 5)
            lines.append((words[:5], words[5] if system else None, words[-1]))
    return env, lines


def settings(s, **more):
    """The file of STOCKNITY_CONF: cron gives a program nothing else."""
    path = os.path.join(s.dir, "settings")
    env = s.env(**more)
    with open(path, "w") as f:
        for name, value in env.items():
            if name not in ("PATH", "HOME", "ASAN_OPTIONS", "UBSAN_OPTIONS"):
                f.write("%s=%s\n" % (name, value))
    return path


def as_cron(s, env, command):
    """Popen of a command as cron does it."""
    bare = {"HOME": s.dir, "LOGNAME": "root", "USER": "root", **env}
    return subprocess.Popen(
        [env["SHELL"], "-c", command], env=bare, cwd=s.dir,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, start_new_session=True)


def show(s):
    r = run("schedule", "show", "--json", env=s.env())
    same(r.code, 0, r)
    return r.doc


def stats(s):
    r = run("status", "--queue", "--json", env=s.env())
    same(r.code, 0, r)
    return r.doc


def cron_holds_what_the_program_prints(s):
    for name, args in (("crontab", ()), ("crontab", ("--user",)),
                       ("stocknity", ("--system",))):
        with open(os.path.join(ROOT, "cron", name)) as f:
            same(crontab(*args), f.read(), name)
    with open(os.path.join(ROOT, "README.md")) as f:
        body = crontab().split("\n", 2)[2]  # without its two comments
        assert "```\n" + body + "```\n" in f.read(), body


def the_lines_are_those_of_the_settings(s):
    conf = settings(s)
    text = crontab("--system=worker", "--bin", "/opt/stocknity/bin",
                   SCHEDULER_DAILY_REFRESH="23:05",
                   SCHEDULER_HOURLY_CHECK="07:30",
                   SCHEDULER_WEEKLY_CLEANUP="00:59",
                   SCHEDULER_WARM="14:30",
                   STOCKNITY_CONF=conf)
    env, lines = parse(text, True)
    same(env, {"SHELL": "/bin/sh", "STOCKNITY_CONF": conf,
               "PATH": "/opt/stocknity/bin:/usr/local/bin:/usr/bin:/bin"})
    name = "stocknity-schedule run "
    same([(" ".join(f), u, c) for f, u, c in lines], [
        ("5 23 * * *", "worker", name + "daily --at 23:05"),
        ("30 * * * *", "worker", name + "hourly --at 07:30"),
        ("59 0 * * 0", "worker", name + "weekly --at 00:59"),
        ("30 14 * * 1-5", "worker", name + "warm --at 14:30"),
        ("* * * * *", "worker", "stocknity-drain-queue --wait -t 70")])
    assert "warm" not in crontab(SCHEDULER_WARM="")


def every_line_runs_as_cron_runs_it(s):
    s.fresh()
    conf = settings(s, SCHEDULER_INDEXES="DJIA")
    env, lines = parse(crontab("--bin", BIN, STOCKNITY_CONF=conf), False)
    same(len(lines), 5)
    assert "%" not in "".join(c for _, _, c in lines)
    for _, _, command in lines[:4]:
        child = as_cron(s, env, command)
        same((child.communicate(timeout=30)[0], child.returncode), (b"", 0),
             command)
    doc = show(s)
    same([r["exit"] for r in doc["runs"].values()], [0, 0, 0, 0])
    same(doc["queue_stats"]["pending"], 2)  # the sweep and the returns
    child = as_cron(s, env, lines[4][2])
    wait_until(lambda: stats(s)["completed"] == 1, "the task's end", 30)
    same(child.poll(), None, "it waits for more")
    os.killpg(child.pid, signal.SIGTERM)
    same(child.communicate(timeout=30)[0], b"")
    r = s.fetch("--index", "DJIA", "--format", "json")
    same((r.code, r.doc["success"]), (0, True), r)
    # and what fails says so in one line
    with open(conf, "a") as f:
        f.write("SCHEDULER_DAILY_REFRESH=8\n")
    for _, _, command in lines[:4]:
        child = as_cron(s, env, command)
        out = child.communicate(timeout=30)[0]
        same((out.count(b"\n"), child.returncode), (1, 78), out)


def a_line_that_no_longer_fits_says_so(s):
    """The settings were changed, the crontab was not."""
    s.fresh()
    old = parse(crontab("--bin", BIN, STOCKNITY_CONF=settings(s)), False)
    conf = settings(s, SCHEDULER_INDEXES="DJIA", SCHEDULER_WARM="",
                    SCHEDULER_DAILY_REFRESH="09:00",
                    SCHEDULER_HOURLY_CHECK="05:00")
    said = [as_cron(s, old[0], command).communicate(timeout=30)[0].decode()
            for _, _, command in old[1][:4]]
    for line, fits, names in zip(
            said, (False, True, True, False),
            (("08:00", "SCHEDULER_DAILY_REFRESH is 09:00"), (), (),
             ("09:00", "SCHEDULER_WARM is empty"))):
        same((line == "", line.count("\n")), (fits, not fits), said)
        assert all(x in line for x in ("schedule crontab", *names)
                   if not fits), line
    runs = show(s)["runs"]
    same([runs[x]["exit"] for x in ("daily_refresh", "hourly_check")], [0, 0])
    new = parse(crontab("--bin", BIN, STOCKNITY_CONF=conf), False)
    same(len(new[1]), 4)  # no line of the warming
    for _, _, command in new[1][:3]:
        child = as_cron(s, new[0], command)
        same((child.communicate(timeout=30)[0], child.returncode), (b"", 0))
    child = as_cron(s, old[0], old[1][0][2])
    child.communicate(timeout=30)
    same(child.returncode, 78)


def generations_overlap_without_a_gap(s):
    """The line of the workers, faster: every 2 s, for 3 s each."""
    s.fresh()
    conf = settings(s)
    env, lines = parse(crontab("--bin", BIN, STOCKNITY_CONF=conf), False)
    command = lines[4][2].replace("-t 70", "-t 3")
    assert command != lines[4][2]
    children, ids, began = [], [], time.monotonic()
    while time.monotonic() - began < 6:
        if (time.monotonic() - began) // 2 >= len(children):
            children.append(as_cron(s, env, command))
        ids.append(run("enqueue", "probe", "p%d" % len(ids),
                       env=s.env()).out.strip())
        time.sleep(0.1)
    for child in children:
        same((child.communicate(timeout=30)[0], child.returncode), (b"", 0))
    same(len(children), 3)
    waits = []
    for ident in ids:
        t = run("status", "--task", ident, "--json", env=s.env()).doc
        same(t["status"], "completed", t)
        times = [time.mktime(time.strptime(t[k][:19], "%Y-%m-%dT%H:%M:%S"))
                 for k in ("created_at", "updated_at")]
        waits.append(times[1] - times[0])
    # A gap would be a second and more; waking takes up to one.
    assert max(waits) <= 3, waits


def processes():
    """The children of each process."""
    children = {}
    out = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True,
                         text=True).stdout
    for line in out.splitlines():
        pid, parent = map(int, line.split())
        children.setdefault(parent, []).append(pid)
    return children


def end(pid, children):
    """A process and its descendants: those of cron have other sessions."""
    for child in children.get(pid, []):
        end(child, children)
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        pass


def a_real_cron_runs_them(s):
    if os.geteuid() != 0 or subprocess.run(
            ["unshare", "-m", "true"], capture_output=True).returncode != 0:
        raise Skip("unshare -m is not permitted")
    if time.localtime().tm_sec > 55:
        time.sleep(6)
    s.fresh()
    now = time.localtime(time.time() + 60)
    at = {"SCHEDULER_DAILY_REFRESH": time.strftime("%H:%M", now),
          "SCHEDULER_HOURLY_CHECK": time.strftime("%H:%M", now)}
    conf = settings(s, SCHEDULER_INDEXES="DJIA", **at)
    path = os.path.join(s.dir, "cron.d")
    with open(path, "w") as f:
        f.write(crontab("--system=root", "--bin", BIN, STOCKNITY_CONF=conf,
                        **at))
    cron = subprocess.Popen(["unshare", "-m", "sh", "-c", CRON, "sh", path],
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, start_new_session=True)
    try:
        wait_until(lambda: show(s)["runs"]["daily_refresh"] is not None or
                   cron.poll() is not None, "the daily run", 90)
        same(cron.poll(), None, "cron runs")
        wait_until(lambda: stats(s)["completed"] == 1, "the task's end", 30)
        wait_until(lambda: show(s)["runs"]["hourly_check"] is not None,
                   "the hourly run")
    finally:
        end(cron.pid, processes())
        cron.wait(10)
    doc = show(s)
    for name in ("daily_refresh", "hourly_check"):
        same(doc["runs"][name]["exit"], 0, doc["runs"][name])
    same(doc["runs"]["daily_refresh"]["enqueued"], 2)
    same(doc["runs"]["weekly_cleanup"], None)
    due = time.strftime("%Y-%m-%d", now)
    same(doc["runs"]["daily_refresh"]["slot"], "daily:" + due)


TESTS = [cron_holds_what_the_program_prints,
         the_lines_are_those_of_the_settings,
         every_line_runs_as_cron_runs_it,
         a_line_that_no_longer_fits_says_so,
         generations_overlap_without_a_gap,
         a_real_cron_runs_them]

if __name__ == "__main__":
    main(TESTS, lambda: Servers(["--appendonly", "yes"]))
