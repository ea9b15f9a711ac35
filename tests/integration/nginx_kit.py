"""What the tests of nginx share: the stack, and what they say of an answer."""
import json
import os
import socket
import threading
import time

from web import Web

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


def raw(w, text):
    with socket.create_connection(("127.0.0.1", w.port), 10) as s:
        s.sendall(text)
        s.shutdown(socket.SHUT_WR)
        got = b""
        while chunk := s.recv(65536):
            got += chunk
        return got


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
