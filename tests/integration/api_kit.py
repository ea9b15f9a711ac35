"""A stack for the tests of the API: Redis, cgi/api under spawn-fcgi, and a
FastCGI client of a few lines in place of the web server."""
import json
import os
import socket
import struct
import subprocess
import sys

import redis

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import BIN, Servers, run, wait_until  # noqa: E402

API = os.path.join(os.path.dirname(BIN), "cgi", "api")
LOCAL = {"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "localhost:5001"}


class Answer:
    def __init__(self, raw, err=b""):
        head, _, self.body = raw.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.headers = {}
        for line in lines:
            name, _, value = line.partition(": ")
            assert name.lower() not in self.headers, "twice: " + line
            self.headers[name.lower()] = value
        self.status = int(self.headers.pop("status").split()[0])
        self.err = err

    def __getattr__(self, name):
        if name == "doc":
            return json.loads(self.body)
        raise AttributeError(name)

    def __repr__(self):
        return "%s %s %s" % (self.status, self.headers, self.body[:400])


def record(kind, content, ident=1):
    return struct.pack(">BBHHBx", 1, kind, ident, len(content), 0) + content


def pair(name, value):
    name, value = name.encode(), value if isinstance(value, bytes) else value.encode(
        "utf-8", "surrogateescape")
    out = b""
    for text in (name, value):
        out += bytes([len(text)]) if len(text) < 128 else struct.pack(
            ">I", len(text) | 1 << 31)
    return out + name + value


def begin(params, body=b"", keep=0):
    """The bytes of a request."""
    text = b"".join(pair(k, v) for k, v in params.items())
    out = record(1, struct.pack(">HB5x", 1, keep))
    for at in range(0, len(text), 65000):
        out += record(4, text[at:at + 65000])
    out += record(4, b"")
    for at in range(0, len(body), 65000):
        out += record(5, body[at:at + 65000])
    return out + record(5, b"")


def read_exactly(s, n):
    out = b""
    while len(out) < n:
        part = s.recv(n - len(out))
        if not part:
            raise ConnectionError("cut off")
        out += part
    return out


def finish(s):
    out, err = [], []
    while True:
        _, kind, _, n, pad = struct.unpack(">BBHHBx", read_exactly(s, 8))
        content = read_exactly(s, n)
        read_exactly(s, pad)
        if kind == 6:
            out.append(content)
        elif kind == 7:
            err.append(content)
        elif kind == 3:
            return b"".join(out), b"".join(err)


def variables(method, target, headers, body, more):
    path, _, query = target.partition("?")
    v = {"REQUEST_METHOD": method, "SCRIPT_NAME": path, "DOCUMENT_URI": path,
         "QUERY_STRING": query, "SERVER_PROTOCOL": "HTTP/1.1",
         "CONTENT_LENGTH": str(len(body)) if body else "", **LOCAL}
    if body:
        v["CONTENT_TYPE"] = "application/json"
    for name, value in (headers or {}).items():
        key = name.upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = "HTTP_" + key
        v[key] = value
    v.update(more)
    return {k: x for k, x in v.items() if x is not None}


class Stack(Servers):
    """Servers, and an API process on self.api_socket."""

    def __init__(self, *args, **env):
        super().__init__(*args)
        self.api_env = env
        self.api_socket = os.path.join(self.dir, "api.sock")
        self.api_log = os.path.join(self.dir, "api.log")
        self.start_api()

    def start_api(self, **env):
        self.api_args = {**self.api_env, **env}
        with open(self.api_log, "ab") as log:
            self.api = subprocess.Popen(
                ["spawn-fcgi", "-n", "-s", self.api_socket, "--", API],
                env=self.env(**self.api_args), stderr=log,
                stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        self.children.append(self.api)
        wait_until(lambda: self.get("/api/health/live").status == 200, "the API")

    def stop_api(self):
        self.api.terminate()
        code = self.api.wait(10)
        self.children.remove(self.api)
        return code

    def restart_api(self, **env):
        self.stop_api()
        self.start_api(**env)

    def connect(self, timeout=20):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(timeout)
        s.connect(self.api_socket)
        return s

    def call(self, method, target, headers=None, body=b"", keep=0, **more):
        body = body.encode() if isinstance(body, str) else body
        with self.connect() as s:
            s.sendall(begin(variables(method, target, headers, body, more), body,
                            keep))
            return Answer(*finish(s))

    def get(self, target, **headers):
        return self.call("GET", target,
                         {k.replace("_", "-"): v for k, v in headers.items()})

    def post(self, target, body="", **more):
        """Of the API; the market's is market_post."""
        if target.startswith("/_/"):
            return super().post(target, body)
        if not isinstance(body, (str, bytes)):
            body = json.dumps(body)
        return self.call("POST", target, body=body, **more)

    def drain(self, **env):
        """Work the queue off; the exit status."""
        return run("drain-queue", env=self.env(**env)).code

    def logged(self):
        with open(self.api_log, errors="replace") as f:
            return f.read()


def same(got, want, what=""):
    assert got == want, "%s: got %r, want %r" % (what, got, want)


def problem(answer, status, word=""):
    """The answer is that problem, and says so everywhere it should."""
    same(answer.status, status, answer)
    same(answer.headers["content-type"], "application/problem+json", answer)
    same(answer.headers["cache-control"], "no-store", answer)
    doc = answer.doc
    same((doc["success"], doc["status"], doc["detail"]),
         (False, status, doc["error"]), answer)
    same(doc["instance"], "urn:request:" + answer.headers["x-request-id"], answer)
    assert word in doc["detail"], (word, answer)
    return doc


def put(s, key, body, rows):
    """As if it had been published."""
    s.cli("HSET", "stocknity:meta:{%s}" % key, "bytes", str(len(body)), "rows",
          str(rows), "source", "yahoo", "fetched_us", "1000000", "fresh_ms",
          "99999999999999", "expires_ms", "99999999999999", "etag", "e" * 32)
    redis.Redis(unix_socket_path=s.socket).set(key, body)


def put_returns(s, index, body):
    put(s, "annual_returns:" + index, body, 1)


def returns_of(records):
    """A document of annual returns for these companies, as bytes."""
    return json.dumps({
        "success": True, "fetched_at": "2026-11-23T00:00:00Z", "data": [
            {"Ticker": r["Ticker"], "currency": "USD", "points": 250, "nulls": 0,
             "first": 100.5, "last": 150.75, "expected_annual_return": 0.5,
             "expected_annual_risk": 0.25, "return_risk_ratio": 2,
             "error": None} for r in reversed(records)]},
        separators=(",", ":")).encode()
