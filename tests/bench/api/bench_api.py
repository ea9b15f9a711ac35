"""make bench-api: the API process behind nginx without its cache, against a
bare libfcgi program with one GET of the same bytes. tests/bench/wrk.py says
how it is measured."""
import os
import re
import socket
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
BENCH = os.path.dirname(HERE)
sys.path[:0] = [BENCH, os.path.join(os.path.dirname(BENCH), "integration")]
from api_kit import API, Stack  # noqa: E402
from harness import BUILD, wait_until  # noqa: E402
from web import free_port  # noqa: E402
from wrk import compare, pin_servers  # noqa: E402

PROMISED = 0.75
MIB_MOST = 12
STATUS = "/api/scheduler/status"

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


def main():
    pin_servers()
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
        fine = compare("GET /api/stocks, S&P 500, %d bytes / a bare libfcgi "
                       "program with one GET" % size,
                       base + "/api/stocks", base + "/bare/table", PROMISED)
        fine &= compare("GET %s, %d bytes / the same with one GET of that answer" %
                        (STATUS, len(status.body)),
                        base + STATUS, base + "/bare/status", PROMISED)
        with open("/proc/%d/status" % s.api.pid) as f:
            mib = int(re.search(r"VmHWM:\s*(\d+)", f.read()).group(1)) / 1024
        print("| API process: peak RSS, shared libraries included | %.1f MiB "
              "| at most %d |" % (mib, MIB_MOST))
        fine &= mib <= MIB_MOST
    finally:
        s.close()
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    assert os.path.exists(API)
    main()
