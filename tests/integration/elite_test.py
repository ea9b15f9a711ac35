"""fetch with FINVIZ_AUTH: the export of Finviz Elite instead of pages, and a
token that is seen by nobody else."""
import csv
import http.server
import os
import subprocess
import sys
import threading
import urllib.parse
import zlib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from fetch_kit import DJIA, pages  # noqa: E402
from harness import (  # noqa: E402
    main, program, ROOT, run, same, Servers, tests_of, wait_until)

TOKEN = "demo-elite/token+1"  # of tests/upstream/market.h
SHOWN = ("demo-elite", urllib.parse.quote("/token+1", safe=""))
KEYS = {"marketCap": ("Market Cap", "e6"), "PE": ("pe", ""),
        "dividendYield": ("dividend", "%"), "averageVolume": ("Avg Volume", "e3"),
        "volume": ("Volume", ""), "price": ("price", "")}


def _companies():
    with open(os.path.join(ROOT, "tests/upstream/companies.csv")) as f:
        rows = csv.DictReader(line for line in f if line[0] != "#")
        return {r["ticker"]: r for r in rows}


def _exports(s):
    return [c for c in s.calls() if c["path"].startswith("/export")]


def _dump(s):
    """All that Redis has, what is compressed there opened."""
    dump = []
    for key in s.cli("--raw", "KEYS", "*").splitlines():
        read = {"string": ("GET",), "hash": ("HGETALL",),
                "zset": ("ZRANGE", "0", "-1"),
                "list": ("LRANGE", "0", "-1")}[s.cli("TYPE", key)]
        dump += [key.encode(), subprocess.run(
            ["redis-cli", "-s", s.socket, "--raw", read[0], key, *read[1:]],
            capture_output=True, check=True).stdout]
    dump = b"\n".join(dump)
    for part in dump.split(b"\x1f\x8b\x08")[1:]:
        dump += zlib.decompressobj(31).decompress(b"\x1f\x8b\x08" + part)
    return dump


def _failed(s):
    """The key of the one task that failed."""
    (task,) = s.cli("ZRANGE", "stocknity:{default}:failed", "0", "-1").split()
    return "stocknity:{default}:task:" + task


def one_call_brings_an_index(s):
    s.fresh()
    r = s.fetch(FINVIZ_AUTH=TOKEN)
    same((r.code, r.doc["source"], r.doc["count"], r.doc["total"]),
         (0, "finviz", 503, 503), r)
    same([c["path"] for c in s.calls()], ["/export/screener"])
    same(r.doc["missing_fields"], [])
    again = s.fetch("--sector", "Energy", FINVIZ_AUTH=TOKEN)
    same((again.code, len(s.calls())), (0, 1), again)


def a_sector_is_one_call_too(s):
    s.fresh()
    r = s.fetch("--sector", "Energy", FINVIZ_AUTH=TOKEN)
    same((r.code, len(s.calls())), (0, 1), r)
    same({c["Sector"] for c in r.doc["data"]}, {"Energy"})
    r = s.fetch("--index", DJIA, "--sector", "Utilities", "--refresh",
                FINVIZ_AUTH=TOKEN)
    same((r.code, r.doc["count"], r.doc["success"]), (66, 0, True), r)


def figures_are_those_of_the_export_in_our_units(s):
    s.fresh()
    r = s.fetch(FINVIZ_AUTH=TOKEN)
    want = _companies()
    seen = 0
    for c in r.doc["data"]:
        row = want[c["Ticker"]]
        for key, (field, unit) in KEYS.items():
            text = row[key]
            if text == "":
                same(c[field], None, c["Ticker"] + " " + field)
                continue
            number = float(text[:-1] + "e-2") if unit == "%" else float(text + unit)
            same(c[field], number, c["Ticker"] + " " + field)
            seen += 1
    assert seen > 2000, seen


def pages_and_export_agree(s):
    s.fresh()
    page = s.fetch("--index", DJIA).doc["data"]
    export = s.fetch("--index", DJIA, "--refresh", FINVIZ_AUTH=TOKEN).doc["data"]
    for a, b in zip(page, export):
        for name in a:
            if name == "Last_Updated":
                continue
            if isinstance(a[name], (int, float)):
                # Pages round to five digits at the least.
                assert abs(a[name] - b[name]) <= 0.006 * abs(a[name]), \
                    (a["Ticker"], name, a[name], b[name])
            else:
                same(b[name], a[name], a["Ticker"] + " " + name)


def a_token_that_is_refused_is_said_and_the_next_source_asked(s):
    for how in ("bad", "kind=token", "kind=html", "kind=401", "kind=402",
                "kind=token to=Invalid%20API%20token",
                "kind=redirect to=http://other.invalid/login"):
        s.fresh(*([how + " path=/export"] if how != "bad" else []))
        token = "sesame-99" if how == "bad" else TOKEN
        r = s.fetch("--index", DJIA, FINVIZ_AUTH=token)
        same((r.code, r.doc["source"]), (0, "yahoo"), "%s %r" % (how, r))
        assert "rc=blocked: not authorised" in r.err, r.err
        assert "FINVIZ_AUTH" in r.err and "sesame" not in r.err, r.err
        assert not any(part in r.out + r.err for part in SHOWN), r
        same((len(_exports(s)), len(pages(s))), (1, 0), how)
    s.fresh("kind=token to=Not%20subscribed path=/export")
    r = s.fetch("--index", DJIA, "--source", "finviz", FINVIZ_AUTH=TOKEN)
    same((r.code, s.cli("KEYS", "stock_data:*")), (69, ""), r)
    s.fresh()
    r = s.fetch("--index", DJIA, "--source", "finviz", FINVIZ_AUTH="sesame-99")
    same((r.code, r.doc["success"], r.doc["attempts"][0]["error"]),
         (69, False, "blocked"), r)
    assert "sesame" not in r.out + r.err, r


def a_token_that_expires_on_the_way_costs_only_what_follows(s):
    s.fresh("kind=token path=/export after=1")
    r = s.fetch("--index", "S&P 500", "--index", DJIA, FINVIZ_AUTH=TOKEN)
    docs = [s.fetch("--index", i).doc for i in ("S&P 500", DJIA)]
    same(sorted(d["source"] for d in docs), ["finviz", "yahoo"], r)
    same(len(_exports(s)), 2)
    assert "FINVIZ_AUTH" in r.err, r.err


def faults_of_the_export(s):
    for fault, code, calls, text in (
            ("kind=cut", 65, 2, ""), ("kind=busy", 75, 1, "too many requests"),
            ("kind=challenge", 69, 1, "just a moment"),
            ("kind=500", 69, 2, "500"), ("kind=badgzip", 65, 2, ""),
            ("kind=figure to=inf", 65, 2, "inf"),
            ("kind=rename column=1 to=Kurs", 65, 2, "Ticker"),
            ("kind=rename column=65 to=Kurs", 65, 1, "price"),
            ("kind=loop", 69, 7, "redirect")):
        s.fresh(fault + " path=/export")
        r = s.fetch("--index", DJIA, "--source", "finviz", FINVIZ_AUTH=TOKEN)
        same(r.code, code, "%s: %r" % (fault, r))
        assert text in r.err, (fault, r.err)
        same(s.cli("EXISTS", "stock_data:DJIA:Any"), "0", fault)
        assert len(s.calls()) <= calls, (fault, len(s.calls()))
        for part in SHOWN:
            assert part not in r.err + r.out, (fault, part)
    s.fresh("kind=reorder path=/export")
    r = s.fetch("--index", DJIA, FINVIZ_AUTH=TOKEN)
    same((r.code, r.doc["count"], r.doc["missing_fields"]), (0, 30, []), r)
    # Five hundred become 403: held back, as a sweep of pages would be.
    s.fresh()
    s.fetch(FINVIZ_AUTH=TOKEN)
    s.post("/_/faults", "kind=shrink n=150 path=/export\n")
    r = s.fetch("--source", "finviz", FINVIZ_AUTH=TOKEN)
    same(r.code, 3, r)
    assert "held back" in r.err, r.err


def the_token_is_nowhere_but_in_the_call(s):
    s.fresh("kind=slow n=200000 path=/export count=1")
    child = subprocess.Popen(
        [program("fetch"), "-v", "-v", "--index", DJIA],
        env=s.env(FINVIZ_AUTH=TOKEN, LOG_LEVEL="debug"),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_until(lambda: _exports(s), "the call")
    with open("/proc/%d/cmdline" % child.pid, "rb") as f:
        argv = f.read()
    out, err = child.communicate(timeout=30)
    same(child.returncode, 0, err)
    dump = _dump(s)
    assert dump.count(b"AAPL") > 1, "the dump is one"
    settings = s.fetch("--settings", FINVIZ_AUTH=TOKEN)
    assert "FINVIZ_AUTH=(set)" in settings.out, settings
    for part in SHOWN:
        for what in (argv, out, err, dump, settings.out.encode()):
            assert part.encode() not in what, part
    # The market saw it, so the search would have found it.
    assert SHOWN[0] in _exports(s)[0]["query"]


def the_token_is_in_no_file_of_the_limiter(s):
    s.fresh()
    state = os.path.join(s.dir, "state")
    os.makedirs(state, exist_ok=True)
    r = s.fetch("--index", DJIA, FINVIZ_AUTH=TOKEN, STATE_DIR=state,
                REDIS_URL="unix:///nowhere")
    same((r.code, len(_exports(s))), (0, 1), r)
    files = [os.path.join(d, n) for d, _, names in os.walk(state) for n in names]
    assert files
    for path in files:
        with open(path, "rb") as f:
            assert SHOWN[0].encode() not in f.read(), path


def workers_keep_it_to_themselves(s):
    s.fresh("kind=token path=/export match=idx_dji")
    env = s.env(FINVIZ_AUTH=TOKEN, LOG_LEVEL="debug", SOURCES="finviz",
                TASK_MAX_ATTEMPTS="1")
    for index in ("NASDAQ 100", DJIA):
        same(run("enqueue", "stock-data", "--index", index, env=env).code, 0)
    r = run("drain-queue", "-v", "--workers", "1", env=env)
    same((r.code, len(_exports(s))), (0, 2), r)
    assert "not authorised: FINVIZ_AUTH" in s.cli("HGETALL", _failed(s)), r
    dump = _dump(s)
    for part in SHOWN:
        assert part not in r.out + r.err and part.encode() not in dump, part


class _Elsewhere(http.server.BaseHTTPRequestHandler):
    seen = []

    def do_GET(self):
        self.seen.append((self.path, str(self.headers)))
        self.send_error(404)

    def log_message(self, *args):
        pass


def a_redirect_never_carries_it_to_another_host(s):
    with http.server.HTTPServer(("127.0.0.1", 0), _Elsewhere) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        port = other.server_address[1]
        for to in ("http://127.0.0.1:%d/export" % port,
                   "http://localhost:%d/x" % port, "//localhost:%d/x" % port):
            s.fresh("kind=redirect path=/export to=" + to)
            r = s.fetch("--index", DJIA, "--source", "finviz",
                        FINVIZ_AUTH=TOKEN)
            same(r.code, 69, r)
            assert "not authorised" in r.err and SHOWN[0] not in r.err, r.err
        other.shutdown()
    same(_Elsewhere.seen, [])


def a_redirect_on_the_host_is_followed(s):
    s.fresh("kind=redirect path=/export/screener count=1 to=/export.ashx?"
            "v%3D152%26f%3Didx_dji%26o%3Dticker%26auth%3Ddemo-elite/token%252B1")
    r = s.fetch("--index", DJIA, "--source", "finviz", FINVIZ_AUTH=TOKEN)
    same([c["path"] for c in s.calls()],
         ["/export/screener", "/export.ashx", "/export/screener"], r)
    same((r.code, r.doc["count"]), (0, 30), r)


if __name__ == "__main__":
    main(tests_of(globals()), Servers)
