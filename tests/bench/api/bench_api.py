"""make bench-api: the API process behind nginx without its cache, against a
bare libfcgi program with one GET of the same bytes. Interleaved pairs, wrk with
32 connections; all servers on one core, wrk on another where there is one.
BENCH_PAIRS (9) and BENCH_SECONDS (2) say how long."""
import os
import re
import socket
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(HERE)),
                                "integration"))
from api_kit import API, Stack  # noqa: E402
from harness import BUILD, wait_until  # noqa: E402

PAIRS = int(os.environ.get("BENCH_PAIRS", "9"))
SECONDS = os.environ.get("BENCH_SECONDS", "2")
CORES = sorted(os.sched_getaffinity(0))
SERVERS, CLIENT = CORES[0], CORES[-1]
PROMISED = 0.75
STATUS = os.environ.get("BENCH_STATUS", "/api/scheduler/status")

NGINX = """
daemon off; worker_processes 1; pid %(dir)s/nginx.pid; error_log %(dir)s/nginx.log;
events { worker_connections 512; }
http {
  access_log off;
  client_body_temp_path %(dir)s/body; fastcgi_temp_path %(dir)s/fcgi;
  proxy_temp_path %(dir)s/proxy; scgi_temp_path %(dir)s/scgi;
  uwsgi_temp_path %(dir)s/uwsgi;
  fastcgi_buffers 64 16k; fastcgi_busy_buffers_size 256k;
  server {
    listen 127.0.0.1:%(port)d;
    include /etc/nginx/fastcgi_params;
    location /bare/table { fastcgi_pass unix:%(dir)s/table.sock; }
    location /bare/status { fastcgi_pass unix:%(dir)s/status.sock; }
    location / { fastcgi_pass unix:%(dir)s/api.sock; }
  }
}
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def bare(s, name, key):
    """A bare program at NAME.sock."""
    path = os.path.join(s.dir, name + ".sock")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(path)
        os.chmod(path, 0o666)
        sock.listen(512)
        child = subprocess.Popen([os.path.join(BUILD, "tests/bare"), s.socket, key,
                                  "application/json"], stdin=sock, env=s.env())
    s.children.append(child)


def nginx(s):
    port = free_port()
    conf = os.path.join(s.dir, "nginx.conf")
    with open(conf, "w") as f:
        f.write(NGINX % {"dir": s.dir, "port": port})
    s.spawn(["nginx", "-c", conf, "-p", s.dir])
    base = "http://127.0.0.1:%d" % port
    wait_until(lambda: subprocess.run(
        ["curl", "-sf", "-o", "/dev/null", base + "/api/health/live"]).returncode == 0,
        "nginx")
    return base


def rate(url):
    """Answers a second."""
    out = subprocess.run(["taskset", "-c", str(CLIENT), "wrk", "-t1", "-c32",
                          "-d" + SECONDS, url], capture_output=True, text=True).stdout
    if "Non-2xx" in out or "Socket errors" in out:
        sys.exit("wrk of %s:\n%s" % (url, out))
    return float(re.search(r"Requests/sec:\s*([\d.]+)", out).group(1))


def compare(what, ours, peer):
    rate(ours), rate(peer)  # warm
    pairs = [(rate(ours), rate(peer)) for _ in range(PAIRS)]
    ratios = sorted(a / b for a, b in pairs)
    ratio = statistics.median(ratios)
    print("%-46s %7.0f/s against %7.0f/s: x %.2f (%.2f-%.2f), promised %.2f" % (
        what, statistics.median(p[0] for p in pairs),
        statistics.median(p[1] for p in pairs), ratio, ratios[0], ratios[-1],
        PROMISED), flush=True)
    return ratio >= PROMISED


def main():
    s = Stack()
    try:
        if s.fetch("--index", "S&P 500").code != 0:
            sys.exit("no data")
        size = len(s.get("/api/stocks").body)
        status = s.get(STATUS)
        if status.status != 200:
            sys.exit("%s: %r" % (STATUS, status))
        s.cli("SET", "bench:status", status.body.decode())
        bare(s, "table", "stock_data:S&P 500:Any")
        bare(s, "status", "bench:status")
        os.chmod(s.dir, 0o755)
        os.chmod(s.api_socket, 0o666)
        base = nginx(s)
        s.pin(SERVERS)
        for child in s.children:  # nginx's workers
            for pid in subprocess.run(["pgrep", "-P", str(child.pid)],
                                      capture_output=True, text=True).stdout.split():
                os.sched_setaffinity(int(pid), {SERVERS})
        fine = bool(os.environ.get("ONLY")) or compare("GET /api/stocks, S&P 500, %d bytes" % size,
                       base + "/api/stocks", base + "/bare/table")
        fine &= compare("GET %s, %d bytes" % (STATUS, len(status.body)),
                        base + STATUS, base + "/bare/status")
        with open("/proc/%d/status" % s.api.pid) as f:
            print("resident, shared libraries included: %s KiB" %
                  re.search(r"VmHWM:\s*(\d+)", f.read()).group(1))
    finally:
        s.close()
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    assert os.path.exists(API)
    main()
