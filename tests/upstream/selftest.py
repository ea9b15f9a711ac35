"""Test the market server from outside: what it answers, each fault, the end.

Run it through selftest.sh.  Each test is a function; before each the state is
reset.  The last line says how many passed.
"""
import csv
import gzip
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import traceback

import checks
from client import COMPANIES, Market, crumb_of, quote, read, session


def fault(market, rule, path="/screener?v=152&f=idx_dji", **headers):
    market.reset()
    market.faults(rule)
    return market.call(path, **headers)


def refuses_bad_rules(market):
    for rule in ("kind=nonsense", "count=1", "kind=429 rate=2", "kind=429 foo=1",
                 "kind=busy\nkind=slow n=x", "kind=42", "word"):
        status, _, body = market.call("/_/faults", rule)
        assert status == 400, rule
    assert b"line 2" in market.call("/_/faults", "kind=busy\nkind=slow n=x")[2]
    assert market.call("/_/faults")[2] == b"[]\n"


def rules_say_which_calls_and_how_often(market):
    market.faults("# two of them\nkind=429 path=/screener after=1 count=2\n\n"
                  "kind=500 path=/v8/ match=range%3D1y\n")
    got = [market.call("/screener?f=idx_dji")[0] for _ in range(5)]
    assert got == [200, 429, 429, 200, 200]
    assert chart_status(market, "range=5d") == 200
    listed = json.loads(market.call("/_/faults")[2])
    assert (listed[0]["seen"], listed[0]["fired"]) == (5, 2)


def chart_status(market, query):
    return market.call("/v8/finance/chart/AAPL?" + query)[0]


def rates_repeat_with_the_seed(market):
    runs = []
    for _ in range(2):
        market.reset()
        market.faults("kind=503 rate=0.3")
        runs.append([market.call("/")[0] for _ in range(100)])
    assert runs[0] == runs[1] and 15 < runs[0].count(503) < 45


EXPORT = "/export/screener?v=152&f=idx_dji&c=0,1,2,6,63,67&auth="


def exports_for_who_has_the_token(market):
    status, headers, body = market.call(EXPORT + "demo-elite%2Ftoken%2B1")
    assert status == 200 and headers["Content-Type"].startswith("text/csv")
    assert body.endswith(b"\r\n")
    lines = list(csv.reader(body.decode().split("\r\n")[:-1]))
    assert lines[0] == ["No.", "Ticker", "Company", "Market Cap",
                        "Average Volume", "Volume"]
    assert len(lines) == 31
    with open(COMPANIES, newline="") as f:
        want = {c["ticker"]: c for c in
                csv.DictReader(line for line in f if line[0] != "#")}
    for i, line in enumerate(lines[1:]):
        c = want[line[1]]
        assert line == [str(i + 1), c["ticker"], c["company"] + " (demo)",
                        c["marketCap"], c["averageVolume"], c["volume"]], line
    for token in ("", "demo-elite", "demo-elite%2Ftoken%2B1x"):
        status, headers, _ = market.call(EXPORT + token)
        assert (status, headers["Location"]) == (302, "/login?remember=true")
    assert b"password" in market.call("/login?remember=true")[2]
    status, headers, _ = market.call("/export.ashx?v=152&auth=x")
    assert (status, headers["Location"]) == (301, "/export/screener?v=152&auth=x")
    market.faults("kind=token path=/export")
    assert market.call(EXPORT + "demo-elite%2Ftoken%2B1")[0] == 302


def answers_with_statuses(market):
    status, headers, body = fault(market, "kind=429 retry-after=7")
    assert (status, headers["Retry-After"], body) == (429, "7", b"Too many requests.")
    status, headers, body = fault(market, "kind=429")
    assert status == 429 and headers["Retry-After"] is None
    assert fault(market, "kind=429", "/v7/finance/quote")[2] == b"Edge: Too Many Requests"
    assert fault(market, "kind=429", "/v1/test/getcrumb")[2] == b"Too Many Requests\r\n"
    assert fault(market, "kind=403")[2] == b"Access is denied"
    for n in (500, 502, 503, 999):
        assert fault(market, f"kind={n}")[0] == n
    status, _, body = fault(market, "kind=busy")
    assert status == 200 and body == b"Too many requests."
    status, headers, body = fault(market, "kind=challenge")
    assert status == 403 and headers["cf-mitigated"] == "challenge"
    assert b"<title>Just a moment...</title>" in body


def redirects_and_consents(market):
    status, headers, _ = fault(market, "kind=redirect")
    assert status == 302 and headers["Location"] == "http://elsewhere.invalid/"
    assert fault(market, "kind=redirect to=/else%20where")[1]["Location"] == "/else where"
    _, headers, _ = fault(market, "kind=loop")
    assert headers["Location"] == "/screener?v=152&f=idx_dji"
    market.reset()
    market.faults("kind=consent path=/v7")
    path, hops = "/v7/finance/quote?symbols=A", 0
    while True:
        status, headers, body = market.call(path)
        if status == 200:
            break
        path, hops = headers["Location"], hops + 1
    assert hops == 2 and b"consent-form" in body and "html" in headers["Content-Type"]
    status, headers, body = fault(market, "kind=html", "/v8/finance/chart/A")
    assert status == 200 and body.startswith(b"<!DOCTYPE")


def crumbs_are_rejected_and_void(market):
    cookie, crumb = session(market)
    market.faults("kind=crumb path=/v7 count=1")
    assert "Invalid Crumb" in quote(market, cookie, crumb, "A")[1]
    assert quote(market, cookie, crumb, "A")[0] == 401
    new = crumb_of(market, cookie)
    assert new != crumb and quote(market, cookie, new, "A")[0] == 200


def error_of(f, *args, **kw):
    try:
        f(*args, **kw)
    except Exception as e:  # which one is the point
        return e
    return None


def connections_break(market):
    e = error_of(fault, market, "kind=reset")
    assert isinstance(e, ConnectionResetError), e
    assert market.calls()["log"][-1]["status"] == 0
    e = error_of(fault, market, "kind=reset n=5000")
    assert isinstance(e, (ConnectionResetError, http.client.IncompleteRead)), e
    e = error_of(fault, market, "kind=short")
    assert isinstance(e, http.client.IncompleteRead) and len(e.partial) > 20000, e
    start = time.monotonic()
    assert isinstance(error_of(fault, market, "kind=silence n=1"),
                      (http.client.RemoteDisconnected, ConnectionResetError))
    e = error_of(fault, market, "kind=stall n=1")
    assert isinstance(e, http.client.IncompleteRead) and e.partial == b"", e
    assert 1.9 < time.monotonic() - start < 4


def a_stalled_client_may_leave(market):
    market.faults("kind=stall count=1")
    s = socket.create_connection(("127.0.0.1", market.port))
    s.sendall(b"GET /screener HTTP/1.1\r\nHost: x\r\n\r\n")
    assert s.recv(100).startswith(b"HTTP/1.1 200")
    s.close()
    end = time.monotonic() + 2
    while market.calls()["under_way"] > 0:
        assert time.monotonic() < end
        time.sleep(0.02)


def bodies_are_slow_or_endless(market):
    start = time.monotonic()
    _, _, body = fault(market, "kind=slow n=500000")
    assert b"TE -->" in body and time.monotonic() - start > 0.1
    _, headers, body = fault(market, "kind=endless n=3")
    assert headers["Content-Length"] is None and len(body) >= 3 << 20


def encodings_are_broken(market):
    _, headers, body = fault(market, "kind=bomb n=32", Accept_Encoding="gzip")
    assert len(body) < 1 << 18 and len(gzip.decompress(body)) == 32 << 20
    for n in (0, 1):
        _, headers, body = fault(market, f"kind=badgzip n={n}", Accept_Encoding="gzip")
        assert headers["Content-Encoding"] == "gzip"
        assert error_of(gzip.decompress, body) is not None
    _, _, body = fault(market, "kind=latin1")
    assert isinstance(error_of(body.decode, "utf-8"), UnicodeDecodeError)
    body = fault(market, "kind=cut")[2]
    assert b"styled-row" in body and b"TE -->" not in body


def pages_are_altered(market):
    whole = read(market.page(f="idx_dji"))

    def altered(rule, **query):
        market.reset()
        market.faults(rule)
        return read(market.page(**{"f": "idx_dji", **query}))

    heads, rows, _ = altered("kind=rename column=65 to=Last%20price")
    assert "Last price" in heads and "Price" not in heads
    heads, rows, _ = altered("kind=reorder")
    assert heads == whole[0][::-1] and rows == whole[1]
    assert altered("kind=refuse", c="1,2")[0] == whole[0]
    assert altered("kind=layout")[:2] == ([], [])
    _, rows, count = altered("kind=shrink n=12")
    assert len(rows) == 18 and count == (1, 18)
    assert altered("kind=count")[2] == (1, 31)
    rows = altered("kind=twice n=3")[1]
    assert len(rows) == 21 and rows[2] == rows[3]
    rows = altered("kind=missing")[1]
    assert len(rows) == 19 and [r["No."] for r in rows[:2]] == ["1", "3"]
    for to in ("NaN", "inf", "1e999", "9" * 40 + "B"):
        rows = altered(f"kind=figure column=6 to={to}")[1]
        assert {r["Market Cap"] for r in rows} == {to}
    assert {r["P/E"] for r in altered("kind=figure")[1]} == {"NaN"}
    market.reset()
    market.faults("kind=control")
    assert b">AAPL\x01\x1b[31m\x7f</a>" in market.page(f="idx_dji")
    market.reset()
    market.faults("kind=wide")
    body = market.page(f="idx_dji")
    assert body.count(b"<th>x") == 1000000 and len(body) < 8 << 20


def figures_of_yahoo_are_altered(market):
    cookie, crumb = session(market)
    for to in ("NaN", "Infinity", "1E999"):
        market.call("/_/faults", f"kind=figure path=/v7 column=65 count=1 to={to}")
        assert f'"regularMarketPrice":{to},' in quote(market, cookie, crumb, "A")[1]
    market.faults("kind=figure path=/v8")
    assert b'"close":[NaN,' in market.call("/v8/finance/chart/A?range=5d")[2]


# the server itself

def counts_calls_and_connections(market):
    con = http.client.HTTPConnection("127.0.0.1", market.port, timeout=5)
    for i in range(3):
        con.request("GET", f"/screener?r={i}", headers={"User-Agent": "test/1"})
        con.getresponse().read()
    con.close()
    market.call("/cookie")
    got = market.calls()
    assert got["total"] == 4 and got["connections"] == 2 and got["peak"] == 1
    assert got["paths"] == {"/screener": 3, "/cookie": 1}
    assert [c["query"] for c in got["log"]] == ["r=0", "r=1", "r=2", ""]
    assert got["log"][0]["agent"] == "test/1"
    times = [c["us"] for c in got["log"]]
    assert times == sorted(times) and got["log"][0]["done_us"] >= times[0]
    since = json.loads(market.call(f"/_/calls?since={got['log'][2]['n']}")[2])
    assert [c["path"] for c in since["log"]] == ["/cookie"]
    market.reset()
    assert market.calls()["total"] == 0


def answers_health_and_unknown_paths(market):
    assert json.loads(market.call("/_/health")[2])["companies"] == 517
    assert market.call("/nowhere")[0] == 404
    assert json.loads(market.call("/v9/nowhere")[2])["finance"]["error"]
    assert market.call("/screener", "body")[0] == 405
    assert market.call("/_/reset")[0] == 405


BOTH = [checks.pages_through_the_indexes, checks.sectors_part_an_index,
        checks.past_the_end_has_a_heading_and_no_rows,
        checks.any_row_may_come_first, checks.views_have_their_columns,
        checks.orders_by_figures, checks.what_is_asked_cannot_break_the_page]
ERA_2021 = BOTH + [checks.era_2021_is_as_recorded]
ERA_2026 = BOTH + [
    checks.era_2026_is_sloppy_as_recorded,
    checks.columns_follow_the_request, checks.figures_are_as_on_the_site,
    checks.pages_weigh_what_real_ones_do, checks.both_paths_and_gzip_work,
    checks.a_session_is_needed_for_quotes, checks.quotes_are_as_recorded,
    checks.charts_are_as_recorded,
    checks.charts_have_nulls_and_the_recorded_year, checks.sparks_take_twenty,
    refuses_bad_rules, rules_say_which_calls_and_how_often,
    rates_repeat_with_the_seed, answers_with_statuses, redirects_and_consents,
    crumbs_are_rejected_and_void, connections_break, a_stalled_client_may_leave,
    exports_for_who_has_the_token, bodies_are_slow_or_endless, encodings_are_broken, pages_are_altered,
    figures_of_yahoo_are_altered, counts_calls_and_connections,
    answers_health_and_unknown_paths]


def ends_within_a_second(program, folder):
    market = Market(program, folder)
    market.faults("kind=stall")
    s = socket.create_connection(("127.0.0.1", market.port))
    s.sendall(b"GET /screener HTTP/1.1\r\nHost: x\r\n\r\n")
    s.recv(100)
    status, took = market.stop()
    s.close()
    assert status == 0 and took < 1, (status, took)


def listens_on_loopback_and_takes_turns(program, folder):
    market = Market(program, folder, "--latency", "300")
    start = time.monotonic()
    market.call("/screener")
    assert time.monotonic() - start >= 0.3
    taken = subprocess.run([program, "--port", str(market.port), "--companies",
                            COMPANIES], capture_output=True, timeout=5)
    assert taken.returncode == 69, taken
    with open(f"/proc/{market.process.pid}/net/tcp") as f:
        mine = [line.split()[1] for line in f if f":{market.port:04X}" in line]
    assert "0100007F" in {m.split(":")[0] for m in mine}
    assert "00000000" not in {m.split(":")[0] for m in mine}
    market.stop()


def ends_with_its_parent(program, folder):
    port_file = os.path.join(folder, "port2")
    shell = subprocess.run(
        ["sh", "-c", '"$0" --with-parent --port-file "$1" --companies "$2" & '
         'while [ ! -e "$1" ]; do sleep 0.02; done; echo $!',
         program, port_file, COMPANIES],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=10)
    pid, end = int(shell.stdout), time.monotonic() + 2
    while os.path.exists(f"/proc/{pid}") and time.monotonic() < end:
        with open(f"/proc/{pid}/stat") as f:
            if f.read().rsplit(")", 1)[1].split()[0] == "Z":
                return
        time.sleep(0.02)
    assert not os.path.exists(f"/proc/{pid}")


def knows_its_options(program, folder):
    def status(*options):
        return subprocess.run([program, *options], capture_output=True,
                              timeout=5).returncode

    assert status("-h") == 0 and status("--nonsense") == 64
    assert status("extra") == 64 and status("--port", "70000") == 64
    assert status("--era", "1999") == 64 and status("--today", "soon") == 64
    assert status("--companies", os.path.join(folder, "none")) == 65


ALONE = [ends_within_a_second, listens_on_loopback_and_takes_turns,
         ends_with_its_parent, knows_its_options]


def run(test, tally, *args):
    try:
        test(*args)
        tally[0] += 1
    except Exception:
        tally[1] += 1
        print(f"FAIL {test.__name__}")
        traceback.print_exc()


def main(program):
    folder, tally = tempfile.mkdtemp(prefix="market."), [0, 0]
    try:
        for era, tests in (("2026", ERA_2026), ("2021", ERA_2021)):
            market = Market(program, folder, "--era", era, "--label", " (demo)")
            for test in tests:
                market.reset()
                run(test, tally, market)
            if market.stop()[0] != 0:
                print(f"FAIL exit status, era {era}")
                tally[1] += 1
        for test in ALONE:
            run(test, tally, program, folder)
    finally:
        shutil.rmtree(folder)
    print(f"{tally[0]} passed, {tally[1]} failed")
    return 1 if tally[1] else 0


if __name__ == "__main__":
    sys.exit(main(os.path.abspath(sys.argv[1])))
