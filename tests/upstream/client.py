"""A market server of one's own and how to talk to it, for tests in Python."""
import csv
import http.client
import json
import os
import re
import signal
import subprocess
import time
import urllib.parse

from lxml import html

HERE = os.path.dirname(os.path.abspath(__file__))
COMPANIES = os.path.join(HERE, "companies.csv")


class Market:
    """A market server of our own, and how to talk to it."""

    def __init__(self, program, folder, *options):
        self.port_file = os.path.join(folder, "port")
        if os.path.exists(self.port_file):
            os.unlink(self.port_file)
        self.process = subprocess.Popen(
            [program, "--port-file", self.port_file, "--companies", COMPANIES,
             *options])
        end = time.monotonic() + 10
        while not os.path.exists(self.port_file):
            if time.monotonic() > end or self.process.poll() is not None:
                raise RuntimeError("the market does not start")
            time.sleep(0.01)
        with open(self.port_file) as f:
            self.port = int(f.read())

    def call(self, path, body=None, **headers):
        """Status, headers, body of one call on a connection of its own."""
        con = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            con.request("GET" if body is None else "POST", path, body,
                        {k.replace("_", "-"): v for k, v in headers.items()})
            r = con.getresponse()
            return r.status, r.headers, r.read()
        finally:
            con.close()

    def faults(self, rules):
        status, _, body = self.call("/_/faults", rules)
        assert status == 200, body

    def reset(self):
        self.call("/_/reset", "")

    def calls(self):
        return json.loads(self.call("/_/calls")[2])

    def page(self, **query):
        query.setdefault("v", "152")
        s = urllib.parse.urlencode(query, safe=",_|")
        return self.call("/screener?" + s)[2]

    def stop(self):
        start = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(5)
        return status, time.monotonic() - start


def read(body):
    """Headings, rows as dicts (the ticker as a client must find it), count."""
    tree = html.fromstring(body.decode("utf-8"))
    heads = [th.text_content().strip()
             for th in tree.xpath("//table[contains(@class,'screener_table')]"
                                  "//th | //td[starts-with(@class,'table-top')]")]
    rows = []
    for tr in tree.xpath("//tr[contains(@class,'styled-row') or "
                         "contains(@class,'-row-cp')]"):
        cells = [td.text_content().strip() for td in tr.xpath("./td")]
        assert len(cells) == len(heads), (len(cells), len(heads))
        row = dict(zip(heads, cells))
        link = tr.xpath(".//a[contains(@class,'tab-link') or "
                        "contains(@class,'screener-link-primary')]")
        if link:
            row["Ticker"] = link[0].text_content()
        rows.append(row)
    texts = [e.text_content() for e in tree.xpath("//*[contains(@class,'count-text')]")]
    count = [re.search(r"#(\d+) / (\d+) Total", t) for t in texts]
    count = [(int(m[1]), int(m[2])) for m in count if m]
    old = [re.match(r"Total: (\d+) #(\d+)", t) for t in texts]
    count += [(int(m[2]), int(m[1])) for m in old if m]
    return heads, rows, count[0] if count else None


def sweep(market, **query):
    rows, r = [], 1
    while True:
        _, more, count = read(market.page(r=r, **query))
        if not more:
            return rows, count, (r + 19) // 20
        rows += more
        r += len(more)


def members(name):
    with open(COMPANIES, newline="") as f:
        lines = csv.DictReader(line for line in f if line[0] != "#")
        return sorted(r["ticker"] for r in lines if name in r["index"].split(", "))


def session(market):
    status, headers, _ = market.call("/cookie")
    cookies = dict(c.split(";")[0].split("=", 1)
                   for c in headers.get_all("Set-Cookie"))
    assert status == 404 and set(cookies) == {"A1", "A3", "A1S"}
    cookie = "A1=%s; A3=%s" % (cookies["A1"], cookies["A3"])
    return cookie, crumb_of(market, cookie)


def crumb_of(market, cookie):
    status, _, body = market.call("/v1/test/getcrumb", Cookie=cookie)
    assert status == 200
    return body.decode()


def quote(market, cookie, crumb, symbols, fields=""):
    query = urllib.parse.urlencode({"symbols": symbols, "crumb": crumb,
                                    **({"fields": fields} if fields else {})})
    headers = {"Cookie": cookie} if cookie else {}
    status, _, body = market.call("/v7/finance/quote?" + query, **headers)
    return status, body.decode()


def results(answer):
    assert answer[0] == 200, answer
    return json.loads(answer[1])["quoteResponse"]["result"]


def chart(market, symbol, query="range=1y&interval=1d"):
    status, _, body = market.call(f"/v8/finance/chart/{symbol}?{query}")
    return status, json.loads(body)["chart"]
