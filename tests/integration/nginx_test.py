"""The site and the snippet of nginx/ in a real nginx, in front of the API."""
import gzip
import itertools
import json
import os
import re
import select
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import main, wait_until  # noqa: E402
from web import Web, fill  # noqa: E402

SP500 = "/api/stocks?index=S%26P%20500&sector=Any"
DJIA = "/api/stocks?index=DJIA&sector=Any"


def same(got, want, what=""):
    assert got == want, "%s: got %r, want %r" % (what, got, want)


def problem(answer, status):
    same(answer.status, status, answer.body)
    same(answer.headers["Content-Type"], "application/problem+json")
    doc = json.loads(answer.body)
    same((doc["success"], doc["status"], doc["error"]),
         (False, status, doc["detail"]))
    same(doc["instance"], "urn:request:" + answer.headers["X-Request-Id"])
    same([answer.headers.get_all(name) for name in (
        "Cache-Control", "Cross-Origin-Resource-Policy", "Referrer-Policy",
        "X-Content-Type-Options")],
         [["no-store"], ["same-origin"], ["no-referrer"], ["nosniff"]], answer.body)


def expired(w):
    """Nothing of nginx's cache is fresh any more: it counts whole seconds."""
    time.sleep(3.1)


def checked(w, conf):
    done = subprocess.run(["nginx", "-t", "-q", "-e", w.path("test.log"), "-p",
                           w.dir, "-c", conf], capture_output=True, text=True)
    same((done.returncode, done.stderr), (0, ""))


def site_is_valid(w):
    checked(w, w.path("nginx.conf"))


def snippet_is_valid_in_a_server_of_its_own(w):
    with open(w.path("nginx.conf")) as f:
        conf = f.read()
    conf = re.sub(r"include \"[^\"]*stocknity-site.conf\";",
                  "server { listen 127.0.0.1:1; server_name example.org;\n"
                  "location / { return 204; }\n"
                  "include \"%s\"; }" % w.path("stocknity.conf"), conf)
    assert "example.org" in conf
    with open(w.path("other.conf"), "w") as f:
        f.write(conf)
    checked(w, w.path("other.conf"))


def a_place_that_nobody_fills_is_an_error(w):
    try:
        fill("site.conf", w.path("bad.conf"), SNIPPETS="x")
    except subprocess.CalledProcessError as why:
        assert "@L" in why.stderr, why.stderr
        return
    raise AssertionError("it was printed")


def head_then_get_gives_the_body(w):
    w.fill_cache("DJIA")
    w.forget()
    for path in (DJIA, DJIA):
        same(len(w.ask("HEAD", path).body), 0)
        body = w.get(path).body
        same(json.loads(body)["count"], 30)


def hits_are_told(w):
    w.fill_cache("DJIA")
    w.forget()
    w.get(DJIA)
    answer = w.get(DJIA)
    lines = answer.headers.get_all("Cache-Status")
    same(lines[-1], "nginx; hit", lines)
    assert len(lines) == 2, lines
    with open(w.path("stocknity.log")) as f:
        log = f.read()
    assert "cache=HIT" in log and "upstream=0." in log, log[-300:]


def levels(w, path=DJIA):
    """Who had it, and how old it is there: by Cache-Status alone."""
    out = []
    for line in w.get(path).headers.get_all("Cache-Status"):
        name, *rest = line.split("; ")
        ttl = [int(x[4:]) for x in rest if x.startswith("ttl=")]
        out.append((name, *(x for x in rest if not x.startswith("ttl=")),
                    *("for %s" % ("long" if t > 0 else "no more") for t in ttl)))
    return out


def three_levels_are_seen_working(w):
    """nginx's memory zone, Redis fresh, Redis stale, and none of them; what nginx
    keeps has the API's line of when it was asked."""
    w.fill_cache("DJIA")
    w.forget()
    fresh = ("stocknity", "hit", "for long")
    same(levels(w), [fresh, ("nginx", "fwd=miss")], "Redis, fresh")
    same(levels(w), [fresh, ("nginx", "hit")], "nginx")
    w.cli("HSET", "stocknity:meta:{stock_data:DJIA:Any}", "fresh_ms", "1000")
    same(levels(w), [fresh, ("nginx", "hit")], "nginx does not know yet")
    stale = ("stocknity", "hit", "detail=stale", "for no more")
    w.forget()
    same(levels(w), [stale, ("nginx", "fwd=miss")], "Redis, stale")
    same(levels(w), [stale, ("nginx", "hit")], "nginx, of the stale one")
    w.cli("FLUSHALL")
    w.forget()
    same(levels(w), [("stocknity", "fwd=miss"), ("nginx", "fwd=miss")], "none")
    same(levels(w), [("stocknity", "fwd=miss"), ("nginx", "fwd=miss")],
         "what is absent is kept nowhere")


def cleared_cache_shows_its_202_within_3_s(w):
    w.fill_cache("DJIA")
    w.forget()
    same(w.get(DJIA).status, 200)
    w.cli("FLUSHALL")
    began = time.monotonic()
    while w.get(DJIA).status != 202:
        assert time.monotonic() - began < 3, "still 200"
        time.sleep(0.05)
    answer = w.get(DJIA)
    same((answer.status, answer.headers["Cache-Control"]), (202, "no-store"))
    same(json.loads(answer.body)["data"], [])
    # And the new table shows as soon as it is there: a 202 is kept nowhere.
    w.fill_cache("DJIA")
    same(w.get(DJIA).status, 200)


def sixteen_cold_clients_wait_under_100_ms(w):
    w.fill_cache("S&P 500")
    body = w.get(SP500).body
    same(json.loads(body)["count"], 503)
    best = None
    # Of none does nginx know anything; other work may run on the machine.
    for path in ("/api/stocks?index=S%26P+500", "/api/screener/data",
                 "/api/stocks?sector=Any", "/api/stocks", SP500):
        waits, answers = [], set()
        start, served = threading.Barrier(16), threading.Barrier(16, timeout=20)
        w.forget()

        def client():
            with socket.create_connection(("127.0.0.1", w.port)) as s:
                start.wait()
                began = time.monotonic()
                s.sendall(b"GET %s HTTP/1.1\r\nHost: localhost\r\n"
                          b"Connection: close\r\n\r\n" % path.encode())
                whole = s.recv(12)
                waits.append(time.monotonic() - began)
                served.wait()  # the bodies come when all are measured
                while part := s.recv(1 << 16):
                    whole += part
                answers.add((whole[:12], whole.partition(b"\r\n\r\n")[2]))

        threads = [threading.Thread(target=client) for _ in range(16)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        same(len(waits), 16)
        assert answers == {(b"HTTP/1.1 200", body)}, \
            [(head, len(b)) for head, b in answers]
        best = min(best or 9, max(waits))
        if best < 0.1:
            break
    assert best < 0.1, best


def gzip_only_for_those_who_ask(w):
    w.fill_cache("DJIA")
    w.forget()
    yes = ("gzip", "GZIP", "br, gzip", "deflate, gzip;q=0.5", "gzip; q=1.0, *;q=0")
    no = ("", "identity", "br", "gzip;q=0", "gzip; q=0.000, br", "x-gzip-not",
          "notgzip", "*;q=0")
    plain = w.get(DJIA).body
    for _ in range(2):
        for word in yes:
            answer = w.get(DJIA, Accept_Encoding=word)
            same(answer.headers["Content-Encoding"], "gzip", word)
            same(gzip.decompress(answer.body), plain, word)
            assert "Accept-Encoding" in answer.headers["Vary"], word
        for word in no:
            answer = w.get(DJIA, Accept_Encoding=word)
            same((answer.headers["Content-Encoding"], answer.body),
                 (None, plain), word)
        w.forget()


def etag_is_answered_out_of_the_cache(w):
    w.fill_cache("DJIA")
    first = w.get(DJIA)
    tags = {first.headers["ETag"],
            w.get(DJIA, Accept_Encoding="gzip").headers["ETag"]}
    same(len(tags), 2, tags)
    answer = w.get(DJIA, If_None_Match=first.headers["ETag"])
    same((answer.status, answer.body), (304, b""))


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


def raw(w, text):
    with socket.create_connection(("127.0.0.1", w.port), 10) as s:
        s.sendall(text)
        s.shutdown(socket.SHUT_WR)
        got = b""
        while chunk := s.recv(65536):
            got += chunk
        return got


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
            return re.findall(r" id=(\S+)$", f.read(), re.M)[-len(ids):]
    wait_until(lambda: logged() == [i for several in ids for i in several],
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


def without_redis_what_nginx_has_is_served(w):
    w.fill_cache("DJIA")
    expired(w)
    want = w.get(DJIA).body
    w.stop_redis()
    try:
        expired(w)
        answer = w.get(DJIA)
        same((answer.status, answer.body), (200, want))
        same(answer.headers.get_all("Cache-Status")[-1],
             "nginx; hit; detail=stale")
        same(w.get("/api/stocks?index=DJIA&sector=Energy").status, 503)
    finally:
        if os.path.exists(w.socket):
            os.unlink(w.socket)
        w.start_redis()
    w.fill_cache("DJIA")
    wait_until(lambda: w.get("/api/stocks?index=DJIA&sector=Energy").status
               == 200, "the way back")


def without_the_api_too(w):
    w.fill_cache("DJIA")
    expired(w)
    want = w.get(DJIA).body
    w.stop_api()
    try:
        expired(w)
        same(w.get(DJIA).body, want)
        answer = w.get("/api/queue/stats")
        problem(answer, 502)
        same(answer.headers["Retry-After"], "5")
    finally:
        w.start_api()
    same(w.get("/api/queue/stats").status, 200)


TESTS = [
    site_is_valid, snippet_is_valid_in_a_server_of_its_own,
    a_place_that_nobody_fills_is_an_error, head_then_get_gives_the_body,
    hits_are_told, three_levels_are_seen_working,
    cleared_cache_shows_its_202_within_3_s,
    sixteen_cold_clients_wait_under_100_ms, gzip_only_for_those_who_ask,
    etag_is_answered_out_of_the_cache, foreign_hosts_get_421,
    what_nginx_refuses_is_told_like_the_api, what_is_no_request_is_told_so,
    every_request_has_an_id_of_its_own, page_has_its_headers,
    metrics_are_for_this_machine, an_address_has_100_connections_at_work,
    slow_clients_hold_nobody_up,
    without_redis_what_nginx_has_is_served, without_the_api_too,
    rate_limit_bites, a_head_has_ten_seconds,
]


def with_a_unix_socket(folder):
    """The site answers there too."""
    path = os.path.join(folder, "stocknity-site.conf")
    with open(path) as f:
        text = f.read()
    with open(path, "w") as f:
        f.write(text.replace("\tserver_name localhost",
                             "\tlisten unix:%s/other.sock;\n"
                             "\tserver_name localhost" % folder))


class World(Web):
    def __init__(self):
        super().__init__(with_a_unix_socket)
        self.patience = []
        self.dawdler = threading.Thread(target=self.dawdle)
        self.dawdler.start()

    def dawdle(self):
        """Half a head, beside all tests: how long until nginx hangs up."""
        with socket.create_connection(("127.0.0.1", self.port), 40) as s:
            s.sendall(b"GET / HTTP/1.1\r\nHost: ")
            began = time.monotonic()
            try:
                while s.recv(4096):
                    pass
            except OSError:
                pass
            self.patience.append(time.monotonic() - began)


if __name__ == "__main__":
    main(TESTS, World)
