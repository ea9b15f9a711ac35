"""What is refused: malformed requests, wrong bodies, and who may not write."""
import json
import os
import random
import re
import uuid

import redis

from api_kit import problem, same
from harness import ROOT, run

TOKEN = "t0ken-of-the-tests"
CLEAR = "/api/cache/clear"
BODY = b'{"all":true}'


def writing(s):
    spec = s.get("/api/openapi.json").doc["paths"]
    return [(m.upper(), p.replace("{id}", str(uuid.uuid4())))
            for p, ops in spec.items() for m in ops if m != "get"]


def malformed_queries_are_400(s):
    for query in ("index", "index=DJIA&", "&index=DJIA", "=x", "index=%", "index=%4",
                  "index=%zz", "index=%00", "index=%ff", "index=%c0%af",
                  "index=%ed%a0%80", "index=a%0d%0ab", "index=\x01",
                  "index=S&P 500", "?index=DJIA", "index=DJIA#x=%"):
        a = s.get("/api/stocks?" + query)
        assert a.status in (400, 422), (query, a)
        problem(a, a.status)
    problem(s.get("/api/stocks?index=S&P 500"), 400, "%26")
    problem(s.get("/api/stocks?index=" + "x" * 5000), 414)
    problem(s.get("/api/stocks?" + "&".join("a%d=1" % i for i in range(100))), 400)


def parameters_are_matched_whole_and_once(s):
    for name in ("inde", "indexx", "Index", "INDEX", "index ", "index%20", "all"):
        problem(s.get("/api/stocks?%s=DJIA" % name), 400, "unknown parameter")
    problem(s.get("/api/stocks?index=DJIA&index=DJIA"), 400, '"index" is given twice')
    problem(s.get("/api/stocks?sector=Any&ind%65x=DJIA&index=DJIA"), 400, "twice")
    problem(s.get("/api/queue/stats?x=1"), 400, '"x"')
    problem(s.post(CLEAR + "?all=true", BODY), 400, '"all"')


def bodies_that_are_no_objects_are_400(s):
    for body in (b"x", b"[]", b"1", b'"x"', b"null", b"{", b"{}{}", b'{"all":true',
                 b'{"all":true,}', b'{"all":true,"all":true}', b'{"all":"\xff"}',
                 b'{"all":{"a":1}}', b'{"all":[[[[]]]]}', b'{"a' + b"\x00" + b'":1}',
                 b'{"index":"\\ud800"}', b"{'all':true}", b"all=true", b" ",
                 b"\xef\xbb\xbf{}", b'{"x":' * 1000 + b"1" + b"}" * 1000):
        a = s.call("POST", CLEAR, body=body)
        problem(a, 400)
    problem(s.post(CLEAR, {"al": True}), 400, '"al"')
    problem(s.post(CLEAR, {"force": 1, "all": True}), 400, '"force"')


def bodies_of_another_type_are_415(s):
    for kind in ("text/plain", "application/x-www-form-urlencoded", "", None,
                 "application/jsonp", "application/json; charset=latin1",
                 "multipart/form-data; boundary=x"):
        a = s.call("POST", CLEAR, body=BODY, CONTENT_TYPE=kind)
        problem(a, 415, "application/json")
    for kind in ("application/json", "APPLICATION/JSON; charset=UTF-8"):
        same(s.call("POST", CLEAR, body=BODY, CONTENT_TYPE=kind).status, 200)


def bodies_above_64_kib_are_413(s):
    pad = 65536 - len(b'{"all":true}')
    fits = b'{"all":true' + b" " * pad + b"}"
    same(len(fits), 65536)
    same(s.call("POST", CLEAR, body=fits).status, 200)
    problem(s.call("POST", CLEAR, body=fits + b" "), 413, "65536")
    problem(s.call("POST", CLEAR, body=b"{}", CONTENT_LENGTH="9" * 30), 413)
    for length in ("-1", "x", "1e3", " 2", "2 ", "0x2"):
        problem(s.call("POST", CLEAR, body=b"{}", CONTENT_LENGTH=length), 400)
    problem(s.call("POST", CLEAR, body=b"{}", CONTENT_LENGTH="3"), 400, "shorter")


def paths_of_any_bytes_are_refused(s):
    for path in (b"/\xff", b"/api/\xc3", b"/api/stocks\x01", b"/api\r\nX: y",
                 b"x", b""):
        a = s.call("GET", "/", SCRIPT_NAME=path, DOCUMENT_URI=path)
        problem(a, 400)
    problem(s.call("GET", "/" + "a" * 5000), 414)
    a = s.call("GET", "/api/queue/stats", SCRIPT_NAME=None, DOCUMENT_URI=None)
    problem(a, 400, "no path")


def hostile_headers_do_no_harm(s):
    s.fresh()
    s.fetch("--index", "DJIA")
    for name in ("If-None-Match", "Accept-Encoding", "Origin", "Host", "Authorization",
                 "X-Request-Id", "X-Forwarded-For", "Content-Type", "Sec-Fetch-Site",
                 "Accept", "Cookie", "Range"):
        for value in (b"", b"\xff" * 50, b'"', b",,,,;;;===", b"x" * 60000, b"%s%n",
                      b'"' * 1001, b"gzip;q=" + b"9" * 400, b"\r\nX: y"):
            a = s.call("GET", "/api/stocks?index=DJIA", {name: value})
            assert a.status in (200, 304), (name, value[:20], a)
            assert "x" not in a.headers, a
            a = s.call("POST", CLEAR, {name: value}, HTTP_HOST="evil.example")
            assert a.status in (401, 403), (name, value[:20], a)


def ids_of_callers_are_kept_if_sane(s):
    a = s.get("/api/nothing", X_Request_Id="abc-1.2_Z")
    same(a.headers["x-request-id"], "abc-1.2_Z")
    same(problem(a, 404)["instance"], "urn:request:abc-1.2_Z")
    assert "id=abc-1.2_Z GET /api/nothing status=404" in s.logged()
    for bad in ('a"b', "a b", "x" * 65, "", "\u00e9", "a\r\nX: y"):
        got = s.get("/api/nothing", X_Request_Id=bad).headers["x-request-id"]
        assert re.fullmatch("[0-9a-f-]{36}", got), got
    assert s.get("/api/nothing").headers["x-request-id"] != \
        s.get("/api/nothing").headers["x-request-id"]


def token_is_wanted_on_every_writing_route(s):
    s.restart_api(API_TOKEN=TOKEN)
    try:
        assert len(writing(s)) >= 3, writing(s)
        for method, path in writing(s):
            a = s.call(method, path)
            problem(a, 401, "token")
            same(a.headers["www-authenticate"], 'Bearer realm="stocknity"')
            for value in ("Bearer x", "Bearer " + TOKEN[:-1], "Bearer " + TOKEN + "x",
                          "Bearer " + TOKEN.upper(), "Basic " + TOKEN, TOKEN,
                          "Bearer", "", "Bearer " + TOKEN + " "):
                a = s.call(method, path, {"Authorization": value})
                problem(a, 401)
                assert "invalid_token" in a.headers["www-authenticate"], a
            a = s.call(method, path, {"Authorization": "Bearer " + TOKEN},
                       REMOTE_ADDR="192.0.2.1", HTTP_HOST="example.org",
                       HTTP_X_FORWARDED_FOR="192.0.2.2")
            assert a.status in (200, 202, 404, 422), a
            a = s.call(method, path, {"Authorization": "Bearer " + TOKEN,
                                      "Origin": "http://evil.example"})
            problem(a, 403, "another site")
        same(s.get("/api/queue/stats").status, 200, "reading is free")
        assert TOKEN not in s.logged()
    finally:
        s.restart_api()


def without_token_only_this_machine_writes(s):
    for method, path in writing(s):
        for v in ({"REMOTE_ADDR": "192.0.2.1"}, {"REMOTE_ADDR": None},
                  {"REMOTE_ADDR": "unix:"}, {"HTTP_HOST": "example.org"},
                  {"HTTP_HOST": None}, {"HTTP_HOST": "localhost.evil.example"},
                  {"HTTP_X_FORWARDED_FOR": "127.0.0.1"},
                  {"HTTP_FORWARDED": "for=127.0.0.1"},
                  {"HTTP_X_REAL_IP": "127.0.0.1"}):
            problem(s.call(method, path, **v), 403, "this machine")
        for v in ({}, {"HTTP_HOST": "127.0.0.1"}, {"HTTP_HOST": "[::1]:5001"},
                  {"REMOTE_ADDR": "::1"}, {"HTTP_AUTHORIZATION": "Bearer x"}):
            a = s.call(method, path, **v)
            assert a.status in (200, 202, 404, 422), (method, path, v, a)


def what_the_manual_calls_a_proxy_does_not_write(s):
    with open(os.path.join(ROOT, "man/stocknity-api.8")) as f:
        listed = f.read().split("and none of\n")[1].split("else 403")[0]
    names = re.findall(r"[A-Z][\w-]+(?= [,:]|$)", re.sub(r"\.Li |^and$", "", listed),
                       re.M)
    same(len(names), 9, listed)
    for name in names:
        for value in ("127.0.0.1", ""):
            problem(s.call("POST", CLEAR, {name: value}, body=BODY), 403,
                    "this machine")


def pages_of_other_sites_do_not_write(s):
    for method, path in writing(s):
        for origin in ("http://evil.example", "null", "http://localhost:5002",
                       "http://localhost:5001.evil.example", "file://",
                       "localhost:5001"):
            problem(s.call(method, path, {"Origin": origin}), 403, "another site")
        problem(s.call(method, path, {"Sec-Fetch-Site": "cross-site"}), 403)
        for origin in ("http://localhost:5001", "https://localhost:5001"):
            a = s.call(method, path, {"Origin": origin,
                                      "Sec-Fetch-Site": "same-origin"})
            assert a.status in (200, 202, 404, 422), (method, path, a)
    same(s.get("/api/queue/stats", Origin="http://evil.example").status, 200)


def refused_before_anything_is_done(s):
    """Who may not is told so before a body is judged; nothing is changed."""
    s.fresh()
    s.fetch("--index", "DJIA")
    a = s.call("POST", CLEAR, {"Origin": "null"}, body=b"{")
    problem(a, 403)
    problem(s.call("POST", CLEAR + "?x=1", {"Origin": "null"}), 403)
    a = s.call("POST", CLEAR, {"Origin": "null"}, body=BODY)
    problem(a, 403)
    same(s.get("/api/stocks?index=DJIA").status, 200)


def failures_are_logged_in_a_line(s):
    at = len(s.logged())
    s.call("GET", "/api/\u00e9\n<x>", {"X-Request-Id": "evil"})
    s.get("/api/stocks?index=%1b", X_Request_Id="one")
    s.get("/api/stocks?in%c3%a9=x", X_Request_Id="two")
    lines = s.logged()[at:].splitlines()
    same(len(lines), 3, lines)
    for ident, line in zip(("evil", "one", "two"), lines):
        assert re.match(r"20\S+Z warn api: id=%s GET /api/\S+ status=400 " % ident, line), line
        assert line.isascii() and line.isprintable(), line


def random_bytes_are_answered(s):
    """Requests of chance, seeded; API_SEED repeats one."""
    seed = int(os.environ.get("API_SEED", random.randrange(1 << 30)))
    rng = random.Random(seed)
    words = [b"index", b"sector", b"DJIA", b"%", b"%41", b"&", b"=", b"+", b'"', b"{",
             b"}", b":", b",", b"\\u0041", b"\\ud83d", b"true", b"null", b"1e5", b"\xff",
             b"\xc3\xa9", b"\x00", b" ", b"[", b"all"]
    for _ in range(1500):
        query = b"".join(rng.choices(words, k=rng.randrange(8))).replace(b"\0", b"")
        body = b"".join(rng.choices(words, k=rng.randrange(12)))
        if rng.random() < 0.5:
            body = b'{"all":' + body + b"}"
        a = s.call(rng.choice(("GET", "POST", "DELETE", "HEAD")),
                   rng.choice(("/api/stocks", CLEAR, "/api/annual-returns")),
                   body=body, QUERY_STRING=query)
        assert a.status < 500, (seed, query, body, a)
        if a.status >= 400 and a.body:
            json.loads(a.body)
    same(s.api.poll(), None)


def every_refusal_is_a_line_of_the_log(s):
    """As the manual says: level, id, method, path, status, code, reason."""
    s.fresh()
    long = "/api/" + "a" * 300
    unknown = "/api/tasks/" + str(uuid.uuid4())
    ident = run("enqueue", "probe", "x", env=s.env()).out.strip()
    asked = [("GET", "/api/x", 404, "warn"), ("GET", long, 404, "warn"),
             ("PUT", "/api/stocks", 405, "warn"), ("GET", unknown, 404, "warn"),
             ("GET", "/api/stocks?x=1", 400, "warn"),
             ("GET", "/api/stocks?index=x", 422, "warn"),
             ("GET", "/api/stocks?a=" + "x" * 5000, 414, "warn"),
             ("POST", "/api/tasks/%s/requeue" % ident, 409, "warn")]
    at = len(s.logged())
    for i, (method, target, status, _) in enumerate(asked):
        problem(s.call(method, target, {"X-Request-Id": "id%d" % i}), status)
    s.call("POST", CLEAR, body=b"x" * 70000)
    s.call("POST", CLEAR, body=b"x", CONTENT_TYPE="text/plain")
    s.call("POST", CLEAR, {"Origin": "null"})
    s.get("/api/health/live"), s.call("OPTIONS", "/api/stocks")
    s.cli("SET", "stocknity:{default}:ready", "x")
    status = s.get("/api/queue/stats").status
    assert status >= 500, status
    lines = s.logged()[at:].splitlines()
    same(len(lines), len(asked) + 4, lines)
    for i, (method, target, status, level) in enumerate(asked):
        path = target.partition("?")[0][:200]
        assert re.fullmatch(r"20\S+Z %s api: id=id%d %s %s status=%d rc=[a-z-]+: .+" % (
            level, i, method, re.escape(path), status), lines[i]), lines[i]
    for line, status in zip(lines[-4:], (413, 415, 403)):
        assert " warn api: id=" in line and "status=%d" % status in line, line
    assert " error api: id=" in lines[-1], lines[-1]


def any_byte_that_comes_in_comes_out_as_json(s):
    """Each byte where it may be said again: a name, a value, a path, an id."""
    s.fresh()
    for b in range(1, 256):
        byte = bytes([b])
        for a in (s.call("GET", "/api/stocks", QUERY_STRING=b"a" + byte + b"=1"),
                  s.get("/api/stocks?a%%%02x=1" % b),
                  s.get("/api/stocks?index=%%%02x" % b),
                  s.call("POST", CLEAR, body=b'{"' + byte + b'":1}'),
                  s.call("POST", CLEAR, body=b'{"index":"\\u%04x' % b + byte + b'"}'),
                  s.call("GET", "/", SCRIPT_NAME=b"/" + byte, DOCUMENT_URI=None),
                  s.call("GET", "/api/x", HTTP_X_REQUEST_ID=b"a" + byte)):
            assert 400 <= a.status < 500, (b, a)
            same(json.loads(a.body.decode("utf-8"))["success"], False)
            assert a.body[:-1].decode().isprintable() and a.body[-1:] == b"\n", (b, a)


def any_byte_that_is_stored_comes_out_as_json(s):
    """A reason to pause and an error of a task, by some other program."""
    s.fresh()
    every = bytes(range(1, 256)) + b"\xe2\x82" + b"\0" + "\u2028\U0001f600".encode()
    same(run("enqueue", "--pause", "why", env=s.env()).code, 0)
    ident = run("enqueue", "probe", "x", env=s.env()).out.strip()
    q = "stocknity:{default}:"
    r = redis.Redis(unix_socket_path=s.socket)
    (field,) = [k for k, v in r.hgetall(q + "config").items() if b"why" in v]
    r.hset(q + "config", field, r.hget(q + "config", field).replace(b"why", every))
    r.hset(q + "task:" + ident, mapping={"put_off": every, "progress": every})
    for path in ("/api/queue/stats", "/api/health", "/api/tasks/" + ident):
        a = s.get(path)
        same(a.status, 200, path)
        json.loads(a.body.decode("utf-8"))
        assert b"\\u001b" in a.body, (path, a.body)


CASES = [what_the_manual_calls_a_proxy_does_not_write,
         every_refusal_is_a_line_of_the_log, any_byte_that_comes_in_comes_out_as_json,
         any_byte_that_is_stored_comes_out_as_json, malformed_queries_are_400, parameters_are_matched_whole_and_once,
         bodies_that_are_no_objects_are_400, bodies_of_another_type_are_415,
         bodies_above_64_kib_are_413, paths_of_any_bytes_are_refused,
         hostile_headers_do_no_harm, ids_of_callers_are_kept_if_sane,
         token_is_wanted_on_every_writing_route,
         without_token_only_this_machine_writes, pages_of_other_sites_do_not_write,
         refused_before_anything_is_done, failures_are_logged_in_a_line,
         random_bytes_are_answered]
