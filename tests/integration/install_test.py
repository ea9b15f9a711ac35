"""make install and make uninstall: what is laid down works, is what README.md
says, and leaves alone what was edited; the units and the one file of settings."""
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from api_kit import Answer, begin, finish, variables  # noqa: E402
from harness import BIN, ROOT, Servers, Skip, main, same, wait_until  # noqa: E402

ETC = ("cron.d/stocknity", "nginx/conf.d/stocknity.conf",
       "nginx/sites-available/stocknity", "nginx/snippets/stocknity.conf",
       "nginx/snippets/stocknity-fastcgi.conf",
       "nginx/snippets/stocknity-headers.conf",
       "nginx/snippets/stocknity-problems.conf", "stocknity.conf")


def readme():
    with open(os.path.join(ROOT, "README.md")) as f:
        return f.read()


def read(path):
    with open(path) as f:
        return f.read()


def write(path, text):
    with open(path, "w") as f:
        f.write(text)


def make(target, **places):
    done = subprocess.run(
        ["make", "--no-print-directory", "-s", "-C", ROOT, target,
         *("%s=%s" % p for p in places.items())],
        capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done
    return done.stdout


def files(folder):
    return sorted(os.path.relpath(os.path.join(at, name), folder)
                  for at, _, names in os.walk(folder) for name in names)


def whole(s):
    """A whole installation below s.dir/d, as a package would have it."""
    d = os.path.join(s.dir, "d")
    shutil.rmtree(d, ignore_errors=True)
    return d


def own(s):
    """An installation that runs from where it is: (prefix, etc)."""
    at = os.path.join(s.dir, "own")
    if not os.path.exists(at):
        make("install", PREFIX=at, SYSCONFDIR=at + "/etc", RUNDIR=s.dir,
             LOGDIR=s.dir)
    return at, at + "/etc"


def what_readme_lists_is_laid_down(s):
    d = whole(s)
    make("install", DESTDIR=d)
    listed = re.findall(r"^\| `(/etc/[^`]+)` \|", readme(), re.M)
    same(sorted(listed), ["/etc/" + name for name in sorted(ETC)])
    for name in ETC:
        path = d + "/etc/" + name
        same(oct(os.stat(path).st_mode & 0o777),
             oct(0o640 if name == "stocknity.conf" else 0o644), name)
    page = d + "/usr/local/share/stocknity/www/"
    for name in ("index.html", "js/app.js", "style.css", "lib/d3-hierarchy.js"):
        assert os.path.getsize(page + name) > 0, name
    make("uninstall", DESTDIR=d)
    same(files(d), [])


def readme_lines_are_true(s):
    """The lines to install, upgrade and uninstall, as far as they can be run
    without a systemd and an nginx of the machine."""
    d = whole(s)
    make("install", DESTDIR=d, PREFIX="/usr")
    text = readme()
    targets = set(re.findall(r"^make ([a-z-]+)", text, re.M))
    assert {"install", "uninstall"} <= targets, targets
    for target in targets:
        assert re.search(r"^[a-z -]*\b%s\b.*:" % target, read(ROOT + "/Makefile"),
                         re.M), target
    link = re.search(r"^ln -s (\S+) (/etc/\S+)$", text, re.M)
    os.makedirs(d + link[2])
    os.symlink(link[1], d + link[2] + os.path.basename(link[1]))
    assert os.path.samefile(d + link[2] + "stocknity",
                            d + "/etc/nginx/sites-available/stocknity")
    commands = re.findall(r"^systemctl (.*?)(?: &&.*)?$", text, re.M)
    units = {u for c in commands for u in re.findall(r"stocknity-\S+", c)}
    same(units, {"stocknity-api.socket", "stocknity-api.service"})
    for unit in units:
        assert os.path.exists(d + "/usr/lib/systemd/system/" + unit), unit
    if shutil.which("systemctl"):
        subprocess.run(["systemctl", "--root=" + d, "enable",
                        "stocknity-api.socket"], check=True, capture_output=True)
        assert os.path.islink(d + "/etc/systemd/system/sockets.target.wants/"
                              "stocknity-api.socket")
        subprocess.run(["systemctl", "--root=" + d, "disable",
                        "stocknity-api.socket"], check=True, capture_output=True)
    make("uninstall", DESTDIR=d, PREFIX="/usr")
    same(files(d), [])


def edited_files_stay(s):
    d = whole(s)
    make("install", DESTDIR=d)
    shipped = {name: read("%s/etc/%s" % (d, name)) for name in ETC}
    for name in ETC:
        write("%s/etc/%s" % (d, name), shipped[name] + "# mine\n")
    said = make("install", DESTDIR=d)
    for name in ETC:
        path = "%s/etc/%s" % (d, name)
        same(read(path), shipped[name] + "# mine\n", name)
        same(read(path + ".new"), shipped[name], name)
        assert path + ".new" in said, said
        # It is as it was shipped again: nothing lies beside it.
        write(path, shipped[name])
    same(make("install", DESTDIR=d), "")
    same([f for f in files(d) if f.endswith(".new")], [])
    # What an older version had laid down, and nobody edited, is replaced.
    for name in ETC:
        for path in ("/etc/", "/usr/local/share/stocknity/made/"):
            write(d + path + name, "older\n")
    same(make("install", DESTDIR=d), "")
    same({name: read("%s/etc/%s" % (d, name)) for name in ETC}, shipped)


def uninstall_keeps_edited_settings_alone(s):
    d = whole(s)
    make("install", DESTDIR=d)
    for name in ETC:
        write("%s/etc/%s" % (d, name), "# mine\n")
    make("install", DESTDIR=d)
    said = make("uninstall", DESTDIR=d)
    same(files(d), ["etc/stocknity.conf"])
    same(read(d + "/etc/stocknity.conf"), "# mine\n")
    assert d + "/etc/stocknity.conf" in said, said


def nginx_takes_what_is_installed(s):
    at, etc = own(s)
    write(s.dir + "/nginx.conf", """
pid %s/nginx.pid;
error_log %s/nginx.log;
events { }
http {
	include %s/nginx/conf.d/*.conf;
	include %s/nginx/sites-available/*;
}
""" % (s.dir, s.dir, etc, etc))
    done = subprocess.run(["nginx", "-q", "-t", "-e", s.dir + "/nginx.log", "-p",
                           s.dir, "-c", s.dir + "/nginx.conf"],
                          capture_output=True, text=True)
    same((done.returncode, done.stderr), (0, ""))


def installed_programs_find_their_parts(s):
    at, _ = own(s)
    env = s.env(YAHOO_URL="http://127.0.0.1:1", REDIS_URL="unix:///nowhere",
                YAHOO_COOKIE_URL="http://127.0.0.1:1/", STATE_DIR=s.dir)

    def run(*args):
        return subprocess.run([at + "/bin/stocknity-fetch", *args], cwd="/",
                              env=env, capture_output=True, text=True)
    same(run("--version").stdout, subprocess.run(
        [os.path.join(BIN, "fetch"), "--version"], capture_output=True,
        text=True).stdout)
    body = s.dir + "/body"
    write(body, '{"quoteResponse":{"result":[],"error":null}}\n')
    same(run("-f", body, "--source", "yahoo").returncode, 66)
    done = run("--index", "DJIA", "--source", "yahoo")  # the members are there
    assert "127.0.0.1" in done.stderr, done


def unit(s):
    """The lines NAME=value of the installed service."""
    at, _ = own(s)
    text = read(at + "/lib/systemd/system/stocknity-api.service")
    return dict(re.findall(r"^(\w+)=(.*)$", text, re.M))


def api(s, env):
    """The service as systemd starts it, with the socket as its input."""
    path = s.dir + "/unit.sock"
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(path)
    listening.listen(64)
    child = subprocess.Popen(shlex.split(unit(s)["ExecStart"]), stdin=listening,
                             env={"PATH": "/usr/bin:/bin", **env},
                             stdout=subprocess.DEVNULL,
                             stderr=open(s.dir + "/unit.log", "ab"))
    s.children.append(child)
    listening.close()
    return child, path


def ask(path, method, target):
    with socket.socket(socket.AF_UNIX) as c:
        c.settimeout(20)
        c.connect(path)
        c.sendall(begin(variables(method, target, {}, b"", {})))
        return Answer(*finish(c))


def one_file_of_settings_serves_api_and_cron(s):
    at, etc = own(s)
    s.fresh()
    conf = etc + "/stocknity.conf"
    with open(conf, "a") as f:
        f.write("REDIS_URL=unix://%s\nSCHEDULER_INDEXES=NASDAQ 100\n"
                "API_TOKEN=t\n" % s.socket)
    # cron: the environment of its file, and nothing else
    lines = read(etc + "/cron.d/stocknity").split("\n")
    env = dict(line.split("=", 1) for line in lines
               if re.match("[A-Z_]+=", line))
    same(env["STOCKNITY_CONF"], conf)
    daily = next(line for line in lines if "run daily" in line).split(None, 6)
    same(daily[5], "stocknity")
    subprocess.run(["/bin/sh", "-c", daily[6]], env=env, check=True)
    same(s.cli("HKEYS", "stocknity:{default}:unique").count("NASDAQ 100"), 2)
    # the API: EnvironmentFile, which systemd reads
    same(unit(s)["EnvironmentFile"], "-" + conf)
    child, path = api(s, dict(line.split("=", 1) for line in
                              read(conf).split("\n") if re.match("[A-Z]", line)))
    answer = ask(path, "GET", "/api/scheduler/status")
    same(answer.doc["schedule_config"]["indexes"], ["NASDAQ 100"])
    same(ask(path, "POST", "/api/scheduler/stop").status, 401)

    # Two processes; one that dies has a successor.  Before it is the API it is
    # a copy of multiwatch, which a signal does not end.
    def workers():
        try:
            found = read("/proc/%d/task/%d/children" % (child.pid, child.pid))
            return [p for p in found.split()
                    if read("/proc/%s/comm" % p) == "api\n"]
        except OSError:
            return []
    wait_until(lambda: len(workers()) == 2, "two processes")
    first = workers()
    os.kill(int(first[0]), signal.SIGKILL)
    wait_until(lambda: len(set(workers()) - {first[0]}) == 2, "its successor")
    same(ask(path, "GET", "/api/health/live").status, 200)
    child.terminate()
    child.wait(10)
    wait_until(lambda: not any(os.path.exists("/proc/%s/exe" % p)
                               for p in first[1:]), "their end")


def a_wrong_setting_is_told_before_the_api_starts(s):
    check = shlex.split(unit(s)["ExecStartPre"])
    for setting, code in (({}, 0), ({"CACHE_TTL": "abc"}, 78)):
        r = subprocess.run(check, env={"PATH": "/usr/bin:/bin", **setting},
                           capture_output=True, text=True)
        same((r.returncode, r.stdout, "CACHE_TTL" in r.stderr),
             (code, "", code > 0), r)


def systemd_takes_the_units(s):
    if not shutil.which("systemd-analyze"):
        raise Skip("there is no systemd-analyze")
    at, _ = own(s)
    folder = at + "/lib/systemd/system/"
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no",
         folder + "stocknity-api.service", folder + "stocknity-api.socket"],
        capture_output=True, text=True)
    ours = [line for line in done.stderr.split("\n") if "stocknity" in line]
    same((done.returncode, ours), (0, []), done.stderr)


TESTS = [what_readme_lists_is_laid_down, readme_lines_are_true,
         edited_files_stay, uninstall_keeps_edited_settings_alone,
         nginx_takes_what_is_installed, installed_programs_find_their_parts,
         a_wrong_setting_is_told_before_the_api_starts,
         systemd_takes_the_units, one_file_of_settings_serves_api_and_cron]

if __name__ == "__main__":
    if os.environ.get("B", "build/rel") != "build/rel":
        print("skipped install_test: it is about the programs in bin/")
        print("0 passed, 0 failed, 1 skipped")
        sys.exit(0)
    main(TESTS, Servers)
