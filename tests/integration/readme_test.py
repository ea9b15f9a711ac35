"""The examples of README's queue chapter, run as they stand there, and figures
of it that are the same on every machine."""
import os
import re
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import BIN, BUILD, ROOT, Servers, main, run, same, wait_until  # noqa: E402


def figures_of_the_replay(s):
    """They are what make bench-replay prints."""
    with open(os.path.join(ROOT, "README.md")) as f:
        chapter = f.read().split("\n## Thinking ahead\n")[1].split("\n## ")[0]
    text = " ".join(chapter.split())
    for more, words in (([], "Of the %s predicted refreshes of the first log %s were"),
                        (["60"], "of the %s of the second %s.")):
        out = subprocess.run([os.path.join(BUILD, "tests/replay"), "1", *more],
                             capture_output=True, text=True, timeout=60).stdout
        rows = [line.strip("| \n").split(" | ") for line in out.splitlines()
                if line.startswith("| ") and "---" not in line][1:]
        same(len(rows), 5, out)
        table = "\n".join("| %s |" % " | ".join(row[:5]) for row in rows)
        assert table in chapter, table
        assert words % tuple(rows[-1][6:]) in text, words % tuple(rows[-1][6:])
        reads = out.split(": ")[1].split()[0]
        assert not more or "%s reads instead of %s" % (reads, first) in text, out
        first = reads


def blocks(language):
    with open(os.path.join(ROOT, "README.md")) as f:
        text = f.read()
    chapter = text.split("\n## The queue\n")[1].split("\n## ")[0]
    return re.findall(r"^```%s\n(.*?)^```$" % language, chapter, re.M | re.S)


def on_path(s):
    """A folder where the programs have the names that make install gives."""
    folder = os.path.join(s.dir, "bin")
    os.makedirs(folder, exist_ok=True)
    for name in ("fetch", "fetch-live", "enqueue", "drain-queue", "status"):
        link = os.path.join(folder, "stocknity-" + name)
        if not os.path.islink(link):
            os.symlink(os.path.join(os.path.abspath(BIN), name), link)
    return folder + ":" + os.environ["PATH"]


def readme_from_python(s):
    s.fresh()
    (code,) = blocks("python")
    p = subprocess.run(["/usr/bin/python3", "-c", code], text=True,
                       env=s.env(PATH=on_path(s)), capture_output=True)
    same(p.returncode, 0, p.stderr)
    same(run("status", "--queue", "--json", env=s.env()).doc["pending"], 2, p.stdout)
    assert len(re.findall(r"[0-9a-f-]{36}", p.stdout)) == 2, p.stdout


def readme_from_the_shell(s):
    s.fresh()
    (code,) = blocks("sh")
    p = subprocess.run(["sh", "-euc", code], env=s.env(PATH=on_path(s)),
                       capture_output=True, text=True)
    same(p.returncode, 0, p)
    q = run("status", "--queue", "--json", env=s.env()).doc
    same((q["pending"], q["failed"], q["processing"]), (0, 0, 0), p)
    assert q["completed"] >= 3, q


def _as_cron(s, command):
    """What cron would do with it, and mail: word for word.  One that waits
    for more is told to end once a task of ours is done."""
    child = subprocess.Popen(["/bin/sh", "-c", command], text=True,
                             env=s.env(PATH=on_path(s)),
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)
    try:
        if "--wait" in command:
            ident = run("enqueue", "probe", command[:40], env=s.env()).out.strip()
            wait_until(lambda: '"status":"completed"' in run(
                "status", "--task", ident, "--json", env=s.env()).out, command)
            with open("/proc/%d/task/%d/children" % (child.pid, child.pid)) as f:
                for pid in f.read().split():  # the shell waits for it
                    os.kill(int(pid), signal.SIGTERM)
        out, err = child.communicate(timeout=60)
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
    return child.returncode, out, err


def readme_from_cron(s):
    s.fresh()
    s.fetch("--all")
    (table,) = blocks("crontab")
    entries = [line for line in table.splitlines()
               if line and not line.startswith("#") and "=" not in line.split()[0]]
    assert len(entries) >= 3, table
    for line in entries:
        *fields, command = line.split(None, 5)
        for field in fields:
            assert re.fullmatch(r"[\d*/,-]+", field), line
        assert "%" not in command, "cron would make a line feed of it"
        code, out, err = _as_cron(s, command)
        same((code, err), (0, ""), command)
        if "drain-queue" in command or "status" in command:
            same(out, "", command)
        else:
            same(len(re.findall(r"^[0-9a-f-]{36}$", out, re.M)), 2, command)


TESTS = [figures_of_the_replay, readme_from_python, readme_from_the_shell,
         readme_from_cron]

if __name__ == "__main__":
    main(TESTS, lambda: Servers(redis_args=["--save", "3600 1"]))
