"""The process: FastCGI in all its ways, CGI, signals, a Redis that goes and
comes, many calls.  API_CALLS sets how many (100000; under sanitizers, which
see a leak in fewer, 10000)."""
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time

from api_kit import (API, Answer, begin, finish, problem, put, put_returns,
                     returns_of, same, variables)
from harness import Skip, wait_until

SANITIZED = "san" in os.environ.get("P", "")
CALLS = int(os.environ.get("API_CALLS", "10000" if SANITIZED else "100000"))
RSS_MOST = 12 << 20


def cgi(s, method, target, body=b"", **more):
    """As a web server runs a CGI program."""
    v = variables(method, target, {}, body, {"GATEWAY_INTERFACE": "CGI/1.1"})
    v["PATH_INFO"], v["SCRIPT_NAME"] = v["SCRIPT_NAME"], "/cgi-bin/api"
    v.pop("DOCUMENT_URI")
    p = subprocess.run([API], env={**s.env(**more), **v}, input=body,
                       capture_output=True, timeout=20)
    same(p.returncode, 0, p)
    return Answer(p.stdout, p.stderr)


def plain_cgi_answers_the_same(s):
    s.fresh()
    s.fetch("--index", "DJIA")
    a, b = cgi(s, "GET", "/api/stocks?index=DJIA"), s.get("/api/stocks?index=DJIA")
    same((a.status, a.body, a.headers), (b.status, b.body, b.headers))
    same(cgi(s, "HEAD", "/api/stocks?index=DJIA").body, b"")
    problem(cgi(s, "GET", "/api/x"), 404)
    a = cgi(s, "POST", "/api/cache/clear", b'{"all":true}')
    same((a.status, a.doc["cleared"]), (200, 12), a)
    a = cgi(s, "POST", "/api/cache/clear", b'{"all":true}', API_TOKEN="x")
    problem(a, 401)
    assert b" warn api: id=" in a.err, a.err
    # the query of a program's arguments (RFC 3875, 4.4) is no option
    v = variables("GET", "/api/health/live", {}, b"", {})
    p = subprocess.run([API, "--version"], env={**s.env(), **v},
                       capture_output=True, timeout=20, stdin=subprocess.DEVNULL)
    same(Answer(p.stdout).status, 200)


def command_line(s):
    def ran(*args, **env):
        p = subprocess.run([API, *args], env=s.env(**env), capture_output=True,
                           text=True, timeout=20, stdin=subprocess.DEVNULL)
        return p.returncode, p.stdout, p.stderr
    code, out, err = ran("-h")
    same((code, err, out.split()[:2]), (0, "", ["usage:", "api"]))
    same(ran("--version")[:2], (0, "api (Stocknity Data) 1.0.0\n"))
    same(ran("-x")[0], 64)
    code, out, err = ran()
    same((code, out), (64, ""))
    assert "no FastCGI socket" in err, err
    v = variables("GET", "/api/health/live", {}, b"", {})
    same(ran(REDIS_PORT="x", **v)[0], 78)


def listening(s, name):
    path = os.path.join(s.dir, name)
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(path)
    sock.listen(64)
    return sock, path


def ask_at(path, target="/api/health/live"):
    with socket.socket(socket.AF_UNIX) as c:
        c.settimeout(20)
        c.connect(path)
        c.sendall(begin(variables("GET", target, {}, b"", {})))
        return Answer(*finish(c))


def systemd_hands_over_descriptor_3(s):
    sock, path = listening(s, "systemd.sock")
    child = subprocess.Popen(
        ["sh", "-c", "LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" 3<&%d" % sock.fileno(),
         API], env=s.env(), pass_fds=(sock.fileno(),), stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)
    try:
        for _ in range(3):
            same(ask_at(path).status, 200)
    finally:
        child.terminate()
        same(child.wait(10), 0)
        sock.close()


def several_share_a_socket(s):
    sock, path = listening(s, "shared.sock")
    children = [subprocess.Popen([API], stdin=sock, env=s.env(),
                                 stderr=subprocess.DEVNULL) for _ in range(3)]
    try:
        for _ in range(60):
            same(ask_at(path).status, 200)
        # one is busy with a client that says nothing; the others answer
        with socket.socket(socket.AF_UNIX) as silent:
            silent.connect(path)
            silent.sendall(b"\x01")
            for _ in range(30):
                same(ask_at(path).status, 200)
        children[0].terminate()
        same(children[0].wait(10), 0, "one goes")
        for _ in range(30):
            same(ask_at(path).status, 200)
    finally:
        for child in children:
            child.terminate()
        for child in children:
            same(child.wait(10), 0)
        sock.close()


def runs_api(pid):
    """Children of a process that are the API by now."""
    with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
        children = f.read().split()
    found = 0
    for child in children:
        with open("/proc/%s/cmdline" % child, "rb") as f:
            found += f.read().startswith(API.encode())
    return found


def multiwatch_runs_it(s):
    sock, path = listening(s, "multi.sock")
    try:
        child = subprocess.Popen(["multiwatch", "-f", "2", "--", API], stdin=sock,
                                 env=s.env(), stderr=subprocess.DEVNULL,
                                 start_new_session=True)
    except FileNotFoundError:
        raise Skip("no multiwatch") from None
    try:
        same({ask_at(path).status for _ in range(20)}, {200})
        # a signal before that is lost on a child
        wait_until(lambda: runs_api(child.pid) == 2, "both")
    finally:
        child.terminate()
        try:
            child.wait(10)
        finally:
            if child.returncode is None:  # with what it started
                os.killpg(child.pid, signal.SIGKILL)
            sock.close()


def term_ends_it_after_the_running_request(s):
    s.fresh()
    s.restart_api()
    began = time.monotonic()
    same(s.stop_api(), 0, "idle")
    assert time.monotonic() - began < 5
    s.start_api()
    s.redis.send_signal(signal.SIGSTOP)
    try:
        with s.connect() as c:
            c.sendall(begin(variables("GET", "/api/queue/stats", {}, b"", {})))
            time.sleep(0.3)
            s.api.terminate()
            time.sleep(0.3)
            same(s.api.poll(), None, "it still answers")
            s.redis.send_signal(signal.SIGCONT)
            same(Answer(*finish(c)).status, 200)
        same(s.api.wait(10), 0)
        s.children.remove(s.api)
    finally:
        s.redis.send_signal(signal.SIGCONT)
    s.start_api()


def kept_connections_keep_nobody_out(s):
    with s.connect() as c:
        c.sendall(begin(variables("GET", "/api/health/live", {}, b"", {}), keep=1))
        same(Answer(*finish(c)).status, 200)
        same(s.get("/api/health/live").status, 200)
        same(c.recv(1), b"", "closed, though it was to be kept")


def clients_that_go_away_do_no_harm(s):
    s.fresh()
    s.fetch("--index", "S&P 500")
    whole = begin(variables("GET", "/api/stocks", {}, b"", {}))
    for n in (0, 1, 8, 20, len(whole) - 9, len(whole) - 1, len(whole)):
        with s.connect() as c:
            c.sendall(whole[:n])
    with s.connect() as c:
        c.sendall(whole)
        c.recv(1000)
    for junk in (b"\0" * 100, b"\xff" * 100, b"GET / HTTP/1.0\r\n\r\n" * 10):
        with s.connect() as c:
            c.sendall(junk)
    same((s.get("/api/stocks").status, s.api.poll()), (200, None))


def silent_clients_are_given_up(s):
    """One that does not go on, neither sending nor reading."""
    s.fresh()
    s.fetch("--index", "S&P 500")
    s.restart_api(REQUEST_TIMEOUT=1)
    whole = begin(variables("GET", "/api/stocks", {}, b"", {}))
    for part in (whole[:1], whole[:-9], whole):
        with s.connect() as c:
            c.sendall(part)
            same(s.get("/api/health/live").status, 200, part[:1])
    same(s.api.poll(), None)
    s.restart_api()


def redis_is_back(s):
    s.start_redis()
    wait_until(lambda: s.cli("PING") == "PONG", "Redis")


def redis_goes_and_comes_back(s):
    s.fresh()
    s.restart_api(REDIS_TIMEOUT=60)  # waiting for what never comes would show
    s.fetch("--index", "DJIA")
    same(s.get("/api/stocks?index=DJIA").status, 200)
    s.redis.kill()
    s.redis.wait()
    for path in ("/api/stocks?index=DJIA", "/api/queue/stats", "/api/cache/info",
                 "/api/annual-returns", "/api/health/ready"):
        a = s.get(path)
        problem(a, 503, "redis")
        assert int(a.headers["retry-after"]) > 0, a
    problem(s.post("/api/cache/clear", {"all": True}), 503)
    a = s.get("/api/health")
    same((a.status, a.doc["success"], a.doc["status"]), (503, False, "down"), a)
    same([c["name"] for c in a.doc["checks"]], ["redis"])
    same((a.headers["content-type"], a.headers["cache-control"]),
         ("application/json", "no-store"))
    same(s.get("/api/health/live").status, 200)
    same(s.get("/api/openapi.json").status, 200)
    a = s.get("/metrics")
    same(a.status, 200)
    assert re.search(rb"^stocknity_\w+ 0$", a.body, re.M), a
    assert "error api: id=" in s.logged()
    redis_is_back(s)
    same(s.get("/api/health/ready").status, 200, "at once")
    same(s.get("/api/stocks?index=DJIA").status, 202)
    # and once more, between two requests, with counters on their way
    s.stop_redis()
    redis_is_back(s)
    for _ in range(3):
        same(s.get("/api/stocks?index=DJIA").status, 202, "no request is lost")
    s.restart_api()


def a_redis_that_hangs_is_waited_for_once(s):
    """Then it is looked at in short, once a second; what needs none answers."""
    s.restart_api(REDIS_TIMEOUT=2)
    same(s.get("/api/queue/stats").status, 200)
    s.redis.send_signal(signal.SIGSTOP)
    try:
        problem(s.get("/api/queue/stats"), 503, "no answer within 2 s")
        said = [problem(s.get("/api/queue/stats"), 503) for _ in range(20)]
        assert all("has not answered just now" in d["detail"] or
                   "no answer within 0.25 s" in d["detail"] for d in said), said
        assert "just now" in said[0]["detail"], said[0]
        wait_until(lambda: "within 0.25 s" in s.get("/api/queue/stats").doc["detail"],
                   "a look")
        same(s.get("/api/health/live").status, 200)
    finally:
        s.redis.send_signal(signal.SIGCONT)
    wait_until(lambda: s.get("/api/queue/stats").status == 200, "Redis", 5)
    # and it has all of REDIS_TIMEOUT again
    s.redis.send_signal(signal.SIGSTOP)
    problem(s.get("/api/queue/stats"), 503, "no answer within 2 s")
    s.redis.send_signal(signal.SIGCONT)
    wait_until(lambda: s.get("/api/queue/stats").status == 200, "Redis", 5)
    s.restart_api()


def starts_without_redis(s):
    s.stop_redis()
    s.restart_api()
    problem(s.get("/api/queue/stats"), 503)
    redis_is_back(s)
    same(s.get("/api/queue/stats").status, 200)


def redis_that_loads_or_denies_is_503(s):
    s.fresh()
    s.cli("ACL", "SETUSER", "default", "-@all", "+@connection", "+acl")
    try:
        a = s.get("/api/queue/stats")
        assert a.status == 503, a
    finally:
        s.cli("ACL", "SETUSER", "default", "+@all")
    same(s.get("/api/queue/stats").status, 200)


def status_of(pid):
    """Bytes resident (all, and without what is of files) and descriptors."""
    kib = {}
    with open("/proc/%d/status" % pid) as f:
        for line in f:
            name, _, value = line.partition(":")
            if name in ("VmRSS", "RssAnon"):
                kib[name] = int(value.split()[0]) << 10
    return kib["VmRSS"], kib["RssAnon"], len(os.listdir("/proc/%d/fd" % pid))


def calls_of_every_kind(s):
    """(method, target, headers, body, status): served in every way, unchanged,
    stale, joined, absent, queued, refused."""
    put_returns(s, "DJIA", returns_of(s.get("/api/stocks?index=DJIA").doc["data"]))
    s.cli("HSET", "stocknity:meta:{stock_data:DJIA:Energy}", "fresh_ms", "1")
    there, joined = "/api/stocks?index=DJIA", "/api/stocks?index=DJIA&returns=1"
    task = "/api/tasks/" + s.get("/api/stocks").doc["task_id"]
    gzip, evil = {"Accept-Encoding": "gzip"}, {"Origin": "http://evil.example"}
    calls = [("GET", there, {}, b"", 200), ("GET", there, gzip, b"", 200),
             ("GET", joined, {}, b"", 200),
             ("GET", "/api/annual-returns?index=DJIA", {}, b"", 200),
             ("GET", there + "&sector=Energy", {}, b"", 200),
             ("HEAD", there + "&sector=Energy", {}, b"", 200),
             ("GET", "/api/stocks", {}, b"", 202), ("GET", task, {}, b"", 200),
             ("GET", "/api/queue/stats", {}, b"", 200),
             ("GET", "/api/scheduler/status", {}, b"", 200),
             ("GET", "/api/health", {}, b"", 200), ("GET", "/metrics", {}, b"", 200),
             ("GET", "/api/cache/info", {}, b"", 200),
             ("GET", "/api/openapi.json", {}, b"", 200),
             ("GET", "/api/x", {}, b"", 404), ("PUT", "/api/stocks", {}, b"", 405),
             ("OPTIONS", "/api/stocks", {}, b"", 204),
             ("GET", "/api/stocks?index=x", {}, b"", 422),
             ("GET", "/api/stocks?%", {}, b"", 400),
             ("POST", "/api/scheduler/start", {}, b"", 200),
             ("POST", "/api/scheduler/refresh", {}, b'{"index":"DJIA"}', 202),
             ("POST", "/api/scheduler/refresh", evil, b"", 403),
             ("POST", "/api/cache/clear", {}, b'{"index":"NASDAQ 100"}', 200),
             ("POST", "/api/cache/clear", {}, b"{", 400),
             ("POST", "/api/cache/clear", {"Content-Type": "text/plain"}, b"x", 415)]
    for target, more in ((there, {}), (there, gzip), (joined, {})):
        tag = s.call("GET", target, more).headers["etag"]
        calls.append(("GET", target, {"If-None-Match": tag, **more}, b"", 304))
    return calls


def many_calls_grow_nothing(s):
    s.fresh()
    s.restart_api()
    s.fetch("--index", "DJIA")
    calls = calls_of_every_kind(s)

    def some(n):
        for i in range(n):
            *call, status = calls[i % len(calls)]
            same(s.call(*call).status, status, call)
    some(600)
    time.sleep(0.2)
    before = status_of(s.api.pid)
    some(CALLS)
    # the last connection may still be closing, in either count
    wait_until(lambda: status_of(s.api.pid)[2] <= before[2], "the descriptors")
    after = status_of(s.api.pid)
    if not SANITIZED:
        assert after[1] - before[1] < 256 << 10, (before, after)


def memory_stays_under_12_mib(s):
    """VmRSS, shared libraries and all, while 640 KB are served."""
    if SANITIZED:
        raise Skip("a sanitizer needs memory of its own")
    s.fresh()
    s.restart_api()
    s.fetch("--index", "S&P 500")
    put_returns(s, "S&P 500", returns_of(s.get("/api/stocks").doc["data"]))
    most = [0]
    stop = threading.Event()

    def watch():
        while not stop.is_set():
            most[0] = max(most[0], status_of(s.api.pid)[0])
            time.sleep(0.002)
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        for i in range(200):
            a = s.get("/api/stocks" + ("?returns=1" if i % 2 else ""),
                      Accept_Encoding="gzip" if i % 4 == 0 else "")
            assert a.status == 200
            if i % 50 == 0:
                s.cli("HSET", "stocknity:meta:{stock_data:S&P 500:Any}", "fresh_ms",
                      "1" if i % 100 == 0 else "99999999999999")
    finally:
        stop.set()
        watcher.join()
    print("most resident: %.1f MiB" % (most[0] / (1 << 20)))
    assert 0 < most[0] < RSS_MOST, most[0]


def a_big_table_is_answered_and_given_back(s):
    """10 000 companies, plain and with their annual returns."""
    s.fresh()
    s.restart_api()
    s.fetch("--index", "DJIA")
    doc = s.get("/api/stocks?index=DJIA").doc
    doc["index"], one = "RUSSELL 2000", doc["data"][0]
    doc["data"] = [{**one, "Ticker": "T%d" % i} for i in range(10000)]
    doc["count"] = doc["total"] = 10000
    put(s, "stock_data:RUSSELL 2000:Any", json.dumps(
        doc, separators=(",", ":")).encode(), 10000)
    put_returns(s, "RUSSELL 2000", returns_of(doc["data"]))
    s.get("/api/stocks?index=DJIA&returns=1")
    before = status_of(s.api.pid)
    for _ in range(3):  # malloc learns from what was freed
        plain = s.get("/api/stocks?index=RUSSELL+2000")
        a = s.get("/api/stocks?index=RUSSELL+2000&returns=1")
        same((plain.status, a.status), (200, 200))
    assert len(plain.body) > 10 << 20, len(plain.body)
    same([(r["Ticker"], r["return_risk_ratio"]) for r in a.doc["data"][-2:]],
         [("T9998", 2), ("T9999", 2)])
    same(len(a.doc["data"]), 10000)
    if not SANITIZED:  # it gives back when the answer is out of its hands
        wait_until(lambda: status_of(s.api.pid)[1] - before[1] < 1 << 20,
                   "what it took")


def libraries_are_few(s):
    """Neither curl nor an XML parser lie in the memory of the API."""
    out = subprocess.run(["ldd", API], capture_output=True, text=True).stdout
    assert "libfcgi" in out, out
    for name in ("curl", "xml2", "ssl", "libz."):
        assert name not in out, name


CASES = [plain_cgi_answers_the_same, command_line, systemd_hands_over_descriptor_3,
         several_share_a_socket, multiwatch_runs_it,
         term_ends_it_after_the_running_request, kept_connections_keep_nobody_out,
         clients_that_go_away_do_no_harm,
         silent_clients_are_given_up, redis_goes_and_comes_back,
         a_redis_that_hangs_is_waited_for_once, starts_without_redis, redis_that_loads_or_denies_is_503,
         many_calls_grow_nothing, memory_stays_under_12_mib,
         a_big_table_is_answered_and_given_back, libraries_are_few]
