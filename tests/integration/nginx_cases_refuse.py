"""What is refused, to whom, and in which words; limits and slow clients."""
import gzip
import itertools
import json
import os
import re
import select
import signal
import socket
import threading
import time

from harness import wait_until
from nginx_kit import DJIA, SP500, problem, raw, same
from web import Web


def a_head_has_ten_seconds(w):
    w.dawdler.join()
    assert 9 < w.patience[0] < 30, w.patience


def rate_limit_bites(w):
    """The read burst is 200, the write burst 10; then it recovers."""
    w.fill_cache("DJIA")
    time.sleep(2.2)  # what the tests before have used is back
    began = time.monotonic()
    c = w.connect()
    codes = []
    for _ in range(1000):  # out of nginx's cache: a slow machine is too fast
        c.request("HEAD", DJIA)
        answer = c.getresponse()
        answer.read()
        codes.append(answer.status)
        if answer.will_close:
            c.close()
    c.close()
    most = 201 + 100 * (time.monotonic() - began)
    assert 200 <= codes.count(200) <= most + 1, (codes.count(200), most)
    same(set(codes), {200, 429})
    for _ in range(50):
        answer = w.get("/api/queue/stats")
        if answer.status == 429:
            break
    problem(answer, 429)
    same(answer.headers["Retry-After"], "1")
    time.sleep(1.1)
    same(w.get("/api/queue/stats").status, 200)
    began = time.monotonic()
    codes = [w.ask("POST", "/api/scheduler/start").status for _ in range(40)]
    most = 1 + 10 + 5 * (time.monotonic() - began)
    assert 429 in codes and codes[0] != 429, codes
    assert 11 <= codes.count(200) <= most + 1, (codes, most)
    time.sleep(2.2)


def slow_clients_hold_nobody_up(w):
    """200 at a byte a second: heads, bodies, and readers."""
    w.fill_cache("S&P 500")
    slow, stop = [], threading.Event()
    # Each in a spelling of its own: it is read from the API, not from nginx's
    # cache.
    readers = ["GET /api/stocks?index=%s HTTP/1.1\r\nHost: localhost\r\n\r\n" %
               "".join(c) for c in itertools.product(
                   ("S", "s", "%53", "%73"), ("%26",), ("P", "p", "%50", "%70"),
                   ("%20", "+"), ("5", "%35"), ("0", "%30"), ("0", "%30"))]
    body = (b"POST /api/scheduler/refresh HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: application/json\r\nContent-Length: 4000\r\n\r\n")
    for i in range(200):
        s = socket.socket()
        s.bind(("127.0.0.%d" % (2 + i % 4), 0))
        if i % 3 == 0:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.connect(("127.0.0.1", w.port))
        s.sendall((readers[i].encode(), body, b"GET /api/")[i % 3])
        slow.append(s)

    def dawdle():
        while not stop.wait(1):
            for i, s in enumerate(slow):
                try:
                    if i % 3 == 0:
                        s.recv(1)
                    else:
                        s.send(b"x")
                except OSError:
                    pass

    thread = threading.Thread(target=dawdle)
    thread.start()
    waits = []
    try:
        time.sleep(2.5)  # what the burst of readers took is back
        c = w.connect()
        for i in range(300):
            began = time.monotonic()
            c.request("GET", DJIA if i % 3 else "/api/queue/stats")
            answer = c.getresponse()
            answer.read()
            wait = time.monotonic() - began
            assert answer.status in (200, 202), answer.status
            # Those who would have come meanwhile would have waited as well.
            while wait > 0:
                waits.append(wait)
                wait -= 0.012
            time.sleep(0.012)
        c.close()
    finally:
        stop.set()
        thread.join()
        for s in slow:
            s.close()
    waits.sort()
    assert waits[int(len(waits) * 0.99)] < 0.1, waits[-5:]


def foreign_hosts_get_421(w):
    for host in ("localhost", "LOCALHOST", "localhost:5001", "127.0.0.1:9",
                 "[::1]:5001"):
        same(w.get("/api/health/live", Host=host).status, 200, host)
        same(w.get("/", Host=host).status, 200, host)
    for host in ("example.org", "localhost.example.org", "xlocalhost",
                 "127.0.0.2", "10.0.0.1:5001"):
        for path in ("/", "/api/health/live", SP500, "/stocknity/"):
            problem(w.get(path, Host=host), 421)
    line = raw(w, b"GET http://example.org/api/health/live HTTP/1.1\r\n"
               b"Host: localhost\r\nConnection: close\r\n\r\n")
    assert b" 421 " in line.split(b"\r\n")[0], line
    assert b" 421 " in raw(w, b"GET /api/health/live HTTP/1.0\r\n\r\n")[:20]


def what_nginx_refuses_is_told_like_the_api(w):
    answer = w.ask("POST", "/api/scheduler/refresh", b"x" * 65537,
                   Content_Type="application/json")
    problem(answer, 413)
    problem(w.get("/nothing"), 404)
    for path in ("/api", "/api?x=1", "/api/"):
        problem(w.get(path), 404)
    answer = w.ask("POST", "/stocknity/")
    problem(answer, 405)
    same(answer.headers["Allow"], "GET, HEAD")
    answer = w.ask("TRACE", "/api/stocks")
    problem(answer, 405)
    assert "POST" in answer.headers["Allow"], answer.headers
    head = "/api/stocks?index="
    same(w.get(head + "x" * (4096 - len(head))).status, 422, "the API's own word")
    for n in (4097, 9000):
        answer = w.get(head + "x" * (n - len(head)))
        problem(answer, 414)
        same(json.loads(answer.body)["detail"], "an address may have 4096 bytes")
    same(w.get("/stocknity").headers["Cache-Control"], "no-store")
    problem(w.get("/api/stocks", X="x" * 9000), 400)


def every_request_has_an_id_of_its_own(w):
    """nginx's own answers and the API's; one that is given is kept."""
    paths = ("/nothing", "/api/health/live", "/api/nothing", "/nothing")
    ids = [w.get(path).headers.get_all("X-Request-Id") for path in paths]
    same(len({i for several in ids for i in several}), len(paths), ids)

    def logged():
        with open(w.path("stocknity.log")) as f:
            return set(re.findall(r" id=(\S+)$", f.read(), re.M))
    wait_until(lambda: {i for several in ids for i in several} <= logged(),
               "the same ids in the log")
    for path in paths:
        same(w.get(path, X_Request_Id="Mine-1.x_y").headers["X-Request-Id"],
             "Mine-1.x_y", path)
        for bad in ("not mine", "x" * 65, 'x"y'):
            assert w.get(path, X_Request_Id=bad).headers["X-Request-Id"] != bad


def what_is_no_request_is_told_so(w):
    head = b" HTTP/1.1\r\nHost: localhost\r\n"
    for text in (b"garbage\r\n\r\n", b"\x16\x03\x01\r\n\r\n",
                 b"GET / HTTP/1.1\r\n\r\n", b"GET /../.." + head + b"\r\n",
                 b"GET /" + head + b"Content-Length: x\r\n\r\n"):
        got = raw(w, text)
        head_of, _, body = got.partition(b"\r\n\r\n")
        assert head_of.startswith(b"HTTP/1.1 400 "), (text, got)
        assert b"\r\nContent-Type: application/problem+json\r\n" in head_of, got
        same(json.loads(body)["status"], 400, text)


def page_has_its_headers(w):
    for path in ("/", "/stocknity/", "/stocknity/js/app.js", "/stocknity/no"):
        headers = w.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; "), path
        assert "unsafe" not in policy and "*" not in policy, policy
        same([headers[n] for n in (
            "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy",
            "Cross-Origin-Opener-Policy")],
             ["nosniff", "DENY", "no-referrer", "same-origin"], path)
        same(headers["Server"], "nginx", path)
    same(w.get("/", Host="example.org").headers["Server"], "nginx")
    same(w.get("/").body, w.get("/stocknity/").body)
    css = w.get("/stocknity/style.css", Accept_Encoding="gzip")
    assert gzip.decompress(css.body).startswith(b"/*"), css.body[:50]
    same(w.get("/stocknity/style.css").headers["Content-Encoding"], None)
    same(w.get("/stocknity/js/").status, 403)
    same(w.get("/stocknity/../nginx.conf").status, 404)
    same(w.get("/stocknity/%2e%2e/stocknity.log").status, 404)
    same(w.get("/stocknity").headers["Location"][-11:], "/stocknity/")
    for lib in ("d3-array", "d3-hierarchy"):
        assert b"d3" in w.get("/stocknity/lib/%s.js" % lib).body, lib
    same(w.get("/api/health/live").headers["X-Content-Type-Options"], "nosniff")


def metrics_are_for_this_machine(w):
    """Who comes by the unix socket has no address of this machine."""
    same(w.get("/metrics").status, 200)
    for path, status in (("/api/health/live", 200), ("/metrics", 403)):
        c = w.connect()
        c.sock = socket.socket(socket.AF_UNIX)
        c.sock.connect(w.path("other.sock"))
        c.request("GET", path)
        answer = c.getresponse()
        answer.body = answer.read()
        c.close()
        same(answer.status, status, path)
    problem(answer, 403)


def an_address_has_100_connections_at_work(w):
    """Each sends a head, and no body: it is at work until it does."""
    head = (b"GET /api/queue/stats HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Length: 1\r\n\r\n")
    held = []
    try:
        for _ in range(101):
            s = socket.create_connection(("127.0.0.1", w.port), 10,
                                         ("127.0.0.9", 0))
            held.append(s)
            s.sendall(head)
        ready = select.select(held, [], [], 10)[0]
        same(len(ready), 1, "refused")
        same(ready[0].recv(12), b"HTTP/1.1 429")
        same(select.select(held, [], [], 0)[0], ready, "the others wait")
        same(w.get("/api/queue/stats").status, 200, "another address")
    finally:
        for s in held:
            s.close()

    def is_free():
        c = w.connect(source="127.0.0.9")
        c.request("GET", "/api/queue/stats")
        status = c.getresponse().status
        c.close()
        return status == 200
    wait_until(is_free, "room for the address")


def what_does_not_come_in_time_is_504(_):
    def hurried(folder):
        path = os.path.join(folder, "stocknity-fastcgi.conf")
        with open(path) as f:
            text = f.read()
        assert "fastcgi_read_timeout 30s;" in text, text
        with open(path, "w") as f:
            f.write(text.replace("fastcgi_read_timeout 30s;",
                                 "fastcgi_read_timeout 1s;"))
    w = Web(hurried)
    try:
        for pid in w.api_pids:
            os.kill(pid, signal.SIGSTOP)
        answer = w.get("/api/health/live")
        problem(answer, 504)
        same(answer.headers["Retry-After"], "5")
    finally:
        for pid in w.api_pids:
            os.kill(pid, signal.SIGCONT)
        w.close()


CASES = [
    foreign_hosts_get_421, what_nginx_refuses_is_told_like_the_api,
    what_is_no_request_is_told_so, every_request_has_an_id_of_its_own,
    page_has_its_headers, metrics_are_for_this_machine,
    an_address_has_100_connections_at_work, slow_clients_hold_nobody_up,
    rate_limit_bites, what_does_not_come_in_time_is_504, a_head_has_ten_seconds,
]
