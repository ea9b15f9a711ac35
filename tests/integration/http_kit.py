"""What the cases of http_test.py are made of: servers, and http_get."""
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

DRIVER = sys.argv[1] if len(sys.argv) > 1 else os.path.join(
    os.environ.get("B", "build/rel"), "tests/http_get")
SECRET = "s3cret"
MIB = 1 << 20
TMP = tempfile.mkdtemp(prefix="http_test.")
SANITIZED = b"__asan_init" in open(DRIVER, "rb").read()

CASES = []


class Skip(Exception):
    pass


def case(f):
    CASES.append(f)
    return f


def expect(what, got, wanted):
    if got != wanted:
        raise AssertionError(f"{what}: {got!r}, not {wanted!r}")


def expect_in(what, text, part):
    if part not in text:
        raise AssertionError(f"{what}: {part!r} is not in {text!r}")


def expect_between(what, low, got, high):
    if not low <= got <= high:
        raise AssertionError(f"{what}: {got:.2f}, not {low} to {high}")


class Server:
    """answer(conn, path, head) is called for each request; it says True to
    keep the connection."""

    def __init__(self, answer, tls=None, backlog=50):
        self.answer, self.tls = answer, tls
        self.heads, self.conns, self.aborted = [], [], 0
        self.resumed, self.open, self.most = [], 0, 0
        self.lock = threading.Lock()
        self.stopped = threading.Event()
        self.sock = socket.create_server(("127.0.0.1", 0), backlog=backlog)
        self.port = self.sock.getsockname()[1]
        if answer is not None:
            threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stopped.set()
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()
        for c in self.conns:
            c.close()

    def url(self, path="/", host="127.0.0.1"):
        scheme = "https" if self.tls else "http"
        return f"{scheme}://{host}:{self.port}{path}?crumb={SECRET}"

    def accept(self):
        while not self.stopped.is_set():
            try:
                conn, _ = self.sock.accept()
            except OSError:
                return
            conn.settimeout(15)
            self.conns.append(conn)
            threading.Thread(
                target=self.serve, args=(conn,), daemon=True).start()

    def serve(self, conn):
        with self.lock:
            self.open += 1
            self.most = max(self.most, self.open)
        try:
            if self.tls:
                conn = self.tls.wrap_socket(conn, server_side=True)
                self.resumed.append(conn.session_reused)
                self.conns.append(conn)
            while True:
                head = read_head(conn)
                if not head:
                    break
                with self.lock:
                    self.heads.append(head)
                path = head.split(b" ")[1].split(b"?")[0].decode()
                if not self.answer(conn, path, head):
                    break
        except (OSError, ValueError):  # ValueError: TLS on a closed socket
            with self.lock:
                self.aborted += 1
        finally:
            with self.lock:
                self.open -= 1
            conn.close()


def read_head(conn):
    head = b""
    while b"\r\n\r\n" not in head:
        more = conn.recv(65536)
        if not more:
            return b""
        head += more
    return head


def wait_closed(conn):
    """Until the client hangs up, or the server is stopped."""
    try:
        while conn.recv(65536):
            pass
    except OSError:
        pass


def reply(body=b"", status="200 OK", headers=()):
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def always(data, keep=False):
    def answer(conn, _path, _head):
        conn.sendall(data)
        return keep
    return answer


def silent(conn, _path, _head):
    wait_closed(conn)


class Result:
    """What http_get printed: rows of [status, length, rc, message]."""

    def __init__(self, out, elapsed):
        out, _, peak = out.partition("peak ")
        self.out, self.elapsed = out, elapsed
        self.peak_mib = int(peak or 0) / 1024
        self.rows = [(line.split(" ", 3) + ["", "", ""])[:4]
                     for line in out.splitlines()]

    def one(self, status, length, rc, message=""):
        self.all(1, status, length, rc, message)

    def all(self, n, status, length, rc, message=""):
        expect("lines", len(self.rows), n)
        for row in self.rows:
            expect("status, length, rc", row[:3],
                   [str(status), str(length), rc])
            expect_in("message", row[3], message)


def get(*args, **settings):
    env = {k: v for k, v in os.environ.items()
           if not k.lower().endswith("_proxy") and
           k not in ("STOCKNITY_CONF", "CURL_CA_BUNDLE", "SSL_CERT_FILE")}
    env.update(REQUEST_TIMEOUT="20", STALL_TIMEOUT="10", CONNECT_TIMEOUT="10")
    env.update(settings)
    start = time.monotonic()
    p = subprocess.run([DRIVER, *map(str, args)], env=env, timeout=30,
                       capture_output=True, check=False)
    elapsed = time.monotonic() - start
    expect("exit and stderr", (p.returncode, p.stderr), (0, b""))
    out = p.stdout.decode()
    if SECRET in out:
        raise AssertionError(f"the address is quoted: {out!r}")
    return Result(out, elapsed)


def redirect(location, status="302 Found"):
    return reply(b"moved", status, [f"Location: {location}"])


def cert(name="IP:127.0.0.1"):
    """The path of a self-signed certificate, with its key beside it."""
    path = os.path.join(TMP, name.replace(":", "-") + ".pem")
    with CERT_LOCK:
        if not os.path.exists(path):
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                 "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                 "-subj", "/CN=test", "-addext", f"subjectAltName={name}",
                 "-keyout", path + ".key", "-out", path],
                check=True, capture_output=True)
    return path


CERT_LOCK = threading.Lock()


def server_tls(name="IP:127.0.0.1"):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(cert(name), cert(name) + ".key")
    return tls


NGINX = """
daemon off; master_process off; pid {tmp}/nginx.pid;
error_log {tmp}/nginx.log;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {tmp}; proxy_temp_path {tmp};
    fastcgi_temp_path {tmp}; uwsgi_temp_path {tmp}; scgi_temp_path {tmp};
    server {{
        listen 127.0.0.1:{port} ssl http2;
        ssl_certificate {cert}; ssl_certificate_key {cert}.key;
        location / {{ return 200 "$server_protocol $connection"; }}
        location /big {{ root {tmp}; }}
    }}
}}
"""


class Nginx:
    def __enter__(self):
        program = shutil.which(
            "nginx", path=os.environ["PATH"] + ":/usr/sbin")
        if program is None:
            raise Skip("nginx is not installed")
        with socket.create_server(("127.0.0.1", 0)) as s:
            self.port = s.getsockname()[1]
        conf = os.path.join(TMP, "nginx.conf")
        with open(conf, "w", encoding="ascii") as f:
            f.write(NGINX.format(tmp=TMP, port=self.port, cert=cert()))
        with open(os.path.join(TMP, "big"), "wb") as f:
            f.truncate(20 * MIB)
        self.process = subprocess.Popen(
            [program, "-p", TMP, "-c", conf, "-e", TMP + "/nginx.log"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return self
            except OSError:
                time.sleep(0.05)
        self.__exit__()
        raise AssertionError("nginx does not start: " +
                             open(TMP + "/nginx.log").read())

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def url(self, path):
        return f"https://127.0.0.1:{self.port}{path}?crumb={SECRET}"
