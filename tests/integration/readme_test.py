"""The examples of README's queue chapter, run as they stand there."""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import BIN, ROOT, Servers, main, run  # noqa: E402


def same(got, want, what=""):
    assert got == want, "%s: got %r, want %r" % (what, got, want)


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


def readme_from_cron(s):
    s.fresh()
    s.fetch("--all")
    (table,) = blocks("crontab")
    entries = [line for line in table.splitlines()
               if line and not line.startswith("#") and "=" not in line.split()[0]]
    assert len(entries) >= 3, table
    for line in entries:
        fields = line.split(None, 5)
        for field in fields[:5]:
            assert re.fullmatch(r"[\d*/,-]+", field), line
        command = fields[5].replace("-t 70", "-t 1")
        assert "%" not in command, "cron would make a line feed of it"
        p = subprocess.run(["/bin/sh", "-c", command], text=True,
                           env=s.env(PATH=on_path(s)), capture_output=True)
        assert p.returncode == 0, (command, p)
        same(p.stderr, "", command)
        if "drain-queue" in command or "status" in command:
            same(p.stdout, "", command)


TESTS = [readme_from_python, readme_from_the_shell, readme_from_cron]

if __name__ == "__main__":
    main(TESTS, lambda: Servers(redis_args=["--save", "3600 1"]))
