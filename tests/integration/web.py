"""What the tests of API, nginx and page share: a stack of its own, with the
API under spawn-fcgi and the nginx of nginx/ in front, on a free port."""
import http.client
import os
import socket
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import ROOT, Servers, run, wait_until  # noqa: E402

API = os.path.join(ROOT, os.environ.get("P", ""), "cgi/api")
NGINX = os.path.join(ROOT, "nginx")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def fill(template, path, **places):
    """nginx/TEMPLATE with its places filled, as tools/stack.sh does it."""
    pairs = ["%s=%s" % p for p in places.items()]
    text = subprocess.run([os.path.join(ROOT, "tools/fill.sh"),
                           os.path.join(NGINX, template), *pairs],
                          check=True, capture_output=True, text=True).stdout
    with open(path, "w") as f:
        f.write(text)


class Web(Servers):
    """Redis, market, API and nginx.  change(dir): a hand on nginx's files
    before it starts."""

    def __init__(self, change=None, processes=2, **env):
        super().__init__()
        self.api_env = env
        self.processes = processes
        self.cache = self.path("cache")
        self.api_pids = []
        self.port = free_port()
        try:
            self.start_web(change)
        except BaseException:
            self.close()
            raise

    def start_web(self, change):
        self.start_api()
        self.write_site()
        if change is not None:
            change(self.dir)
        self.nginx = self.spawn(["nginx", "-e", self.path("nginx.log"), "-p",
                                 self.dir, "-c", self.path("nginx.conf"),
                                 "-g", "daemon off;"])
        wait_until(lambda: self.get("/stocknity/").status == 200, "nginx")

    def path(self, name):
        return os.path.join(self.dir, name)

    def start_api(self):
        pids = self.path("api.pid")
        if os.path.exists(self.path("api.sock")):
            os.unlink(self.path("api.sock"))
        subprocess.run(["spawn-fcgi", "-s", self.path("api.sock"), "-M", "0600",
                        "-F", str(self.processes), "-P", pids, "--", API],
                       check=True, stdout=subprocess.DEVNULL,
                       env=self.env(**self.api_env))
        with open(pids) as f:
            self.api_pids = [int(p) for p in f.read().split()]

    def stop_api(self):
        for pid in self.api_pids:
            os.kill(pid, 15)
        wait_until(lambda: not any(os.path.exists("/proc/%d/exe" % p)
                                   for p in self.api_pids), "the API's end")
        self.api_pids = []

    def write_site(self):
        d = self.dir
        os.makedirs(self.path("www/lib"), exist_ok=True)
        for name in os.listdir(os.path.join(NGINX, "www")):
            os.symlink(os.path.join(NGINX, "www", name), self.path("www/" + name))
        for lib in ("d3-array", "d3-hierarchy"):
            os.symlink("/usr/share/nodejs/%s/dist/%s.min.js" % (lib, lib),
                       self.path("www/lib/%s.js" % lib))
        fill("http.conf", self.path("stocknity-http.conf"),
             SOCKET=self.path("api.sock"), CACHE=self.cache)
        fill("fastcgi.conf", self.path("stocknity-fastcgi.conf"))
        fill("headers.conf", self.path("stocknity-headers.conf"))
        fill("problems.conf", self.path("stocknity-problems.conf"), SNIPPETS=d)
        fill("snippet.conf", self.path("stocknity.conf"), SNIPPETS=d,
             WWW=self.path("www"))
        fill("site.conf", self.path("stocknity-site.conf"), SNIPPETS=d, LOG=d,
             LISTEN="127.0.0.1:%d" % self.port)
        fill("demo.conf", self.path("nginx.conf"), SNIPPETS=d, DIR=d,
             USER="user root;" if os.getuid() == 0 else "")

    def connect(self, timeout=15, source="127.0.0.1"):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout,
                                          source_address=(source, 0))

    def ask(self, method, path, body=None, **headers):
        """One request on a connection of its own; .body is what came."""
        c = self.connect()
        try:
            c.request(method, path, body,
                      {k.replace("_", "-"): v for k, v in headers.items()})
            answer = c.getresponse()
            answer.body = answer.read()
            return answer
        finally:
            c.close()

    def get(self, path, **headers):
        return self.ask("GET", path, **headers)

    def fill_cache(self, *indexes):
        for index in indexes or ("S&P 500", "DJIA"):
            r = run("fetch", "--index", index, env=self.env())
            assert r.code == 0, r

    def forget(self):
        """nginx's cache is empty: a file that is gone is a miss."""
        for name in os.listdir(self.cache):
            os.unlink(os.path.join(self.cache, name))

    def close(self):
        if self.api_pids:
            self.stop_api()
        super().close()
