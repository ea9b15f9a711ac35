"""make bench-web: GET /api/stocks of the S&P 500 out of nginx's cache, against
a bare fastcgi_cache hit of the same bytes, node, and Flask under gunicorn.
Both caches on a tmpfs; limit_req off. tests/bench/wrk.py says how it is
measured."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
BENCH = os.path.dirname(HERE)
sys.path[:0] = [BENCH, os.path.join(os.path.dirname(BENCH), "integration")]
from harness import ROOT, wait_until  # noqa: E402
from web import Web, free_port  # noqa: E402
from wrk import compare, pin_servers  # noqa: E402

QUERY = "?index=S%26P%20500&sector=Any"
PATH = "/api/stocks" + QUERY
GZIP = ("Accept-Encoding: gzip",)

BARE = """
fastcgi_cache_path %(dir)s/bare keys_zone=bare:1m;
server {
	listen 127.0.0.1:%(port)d;
	location / {
		fastcgi_pass stocknity;
		fastcgi_param REQUEST_METHOD $request_method;
		fastcgi_param DOCUMENT_URI $document_uri;
		fastcgi_param QUERY_STRING $query_string;
		fastcgi_cache bare;
		fastcgi_cache_key $request_uri$http_accept_encoding;
		fastcgi_cache_valid 200 1h;
		fastcgi_ignore_headers Vary Cache-Control Expires;
	}
}
"""


class Stack(Web):
    def __init__(self):
        self.bare_port = free_port()
        self.shm = tempfile.mkdtemp(prefix="stocknity-", dir="/dev/shm")
        super().__init__(self.for_bench, processes=1)

    def write_site(self):
        self.cache = self.shm + "/cache"
        super().write_site()

    def close(self):
        super().close()
        shutil.rmtree(self.shm, ignore_errors=True)

    def for_bench(self, _):
        """Our site as it is but for its limits, and beside it a bare one."""
        path = self.path("stocknity-fastcgi.conf")
        with open(path) as f:
            text = f.read()
        with open(path, "w") as f:
            f.write(re.sub(r"(?m)^limit_(?:req|conn) .*\n", "", text))
        with open(self.path("stocknity-site.conf"), "a") as f:
            f.write(BARE % {"dir": self.shm, "port": self.bare_port})
        with open(self.path("nginx.conf")) as f:
            text = f.read()
        with open(self.path("nginx.conf"), "w") as f:
            f.write(text.replace("worker_processes 2", "worker_processes 1"))

    def peer(self, argv, port, env, what):
        if shutil.which(argv[0]) is None:
            print("%s is not to be had: left out" % what)
            return None
        self.spawn(argv, dict(self.env(**env), SOCKET=self.socket))
        try:
            wait_until(lambda: size("http://127.0.0.1:%d/json%s" % (port, QUERY)),
                       what, 10)
        except TimeoutError:
            print("%s does not start: left out" % what)
            return None
        return "http://127.0.0.1:%d" % port

    def node(self):
        port = free_port()
        return self.peer(["node", os.path.join(HERE, "node_http.js"), str(port),
                          self.socket], port,
                         {"NODE_PATH": os.path.join(ROOT, "build/bench/node_modules")},
                         "node with ioredis")

    def flask(self, module):
        port = free_port()
        return self.peer(["/usr/bin/python3", "-m", "gunicorn", "-w", "2", "-b",
                          "127.0.0.1:%d" % port, "--chdir", HERE, module + ":app"],
                         port, {"PYTHONDONTWRITEBYTECODE": "1"},
                         module + " under gunicorn")


def size(url, *headers):
    """Bytes of the body; 0 if it is not a 200."""
    out = subprocess.run(["curl", "-s", "-o", "/dev/null", "-w",
                          "%{http_code} %{size_download}", url,
                          *[a for h in headers for a in ("-H", h)]],
                         capture_output=True, text=True).stdout.split()
    return int(out[1]) if out and out[0] == "200" else 0


def main():
    pin_servers()
    stack = Stack()
    try:
        stack.fill_cache("S&P 500")
        ours = "http://localhost:%d%s" % (stack.port, PATH)
        bare = "http://localhost:%d%s" % (stack.bare_port, PATH)
        n = size(ours)
        assert n > 500000 and n == size(bare), (n, size(bare))
        assert size(ours, *GZIP) == size(bare, *GZIP) < n
        print("GET /api/stocks of the S&P 500: %d bytes, %d in gzip" %
              (n, size(ours, *GZIP)))
        fine = compare("out of nginx's cache / a bare fastcgi_cache hit", ours, bare,
                       0.75)
        compare("the same in gzip", ours, bare, None, (GZIP, GZIP))
        fine &= compare("gzip / plain, out of nginx's cache", ours, ours, 2.5,
                        (GZIP, ()))
        node = stack.node()
        if node:
            fine &= compare("out of nginx's cache / node http + ioredis", ours,
                            node + PATH, 2)
        flask = stack.flask("flask_app")
        if flask:
            fine &= compare("out of nginx's cache / Flask under gunicorn, bytes",
                            ours, flask + "/bytes" + QUERY, 3)
            compare("out of nginx's cache / Flask decoding and encoding, without "
                    "pandas", ours, flask + "/json" + QUERY, None)
        flask = stack.flask("flask_replaced")
        if flask:
            fine &= compare("out of nginx's cache / Flask decoding and encoding as "
                            "the replaced program does", ours,
                            flask + "/replaced" + QUERY, 100)
    finally:
        stack.close()
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
