"""What the tests of annual returns share: their tasks, what Yahoo was asked, and
what became of it."""
import json
import math
import statistics
import urllib.request

from drain_kit import KEY

INDEX = "DJIA"
VALUE = "annual_returns:%s"
WORK = "stocknity:work:{annual_returns:%s}"
CHART = " path=/v8/finance/chart"
NAMES = ["Ticker", "currency", "points", "nulls", "first", "last",
         "expected_annual_return", "expected_annual_risk",
         "return_risk_ratio", "error"]
HEAD = ["success", "index", "sector", "source", "origin", "error", "timestamp",
        "fetched_at", "fresh_until", "partial", "count", "total",
        "missing_fields", "data_hash", "data"]


def charts(s):
    """How often each ticker was asked for."""
    out = {}
    for c in s.calls():
        if c["path"].startswith("/v8/finance/chart/"):
            name = c["path"].split("?")[0].rsplit("/", 1)[1]
            out[name] = out.get(name, 0) + 1
    return out


def returns(index=INDEX, **more):
    return dict({"type": "calculate_annual_returns", "index": index}, **more)


def document(s, index=INDEX):
    text = s.r.get(VALUE % index)
    return json.loads(text) if text else None


def kept(s, index=INDEX):
    """The tickers whose records are kept while the work is under way."""
    return {k[2:] for k in s.r.hkeys(WORK % index) if k.startswith("t:")}


def chunk_tasks(s):
    """Tasks of chunks by their name, as Redis has them."""
    out = {}
    for key in s.r.scan_iter(KEY + "task:*"):
        spec = s.r.hget(key, "spec") or ""
        if "calculate_annual_returns|" in spec and "/" in spec:
            out[spec.rsplit("|", 1)[1]] = key.rsplit(":", 1)[1]
    return out


def figures(s, ticker):
    """What Python makes of the chart that the market shows."""
    url = s.url + "/v8/finance/chart/%s?range=1y&interval=1d" % ticker
    with urllib.request.urlopen(url, timeout=10) as a:
        r = json.load(a)["chart"]["result"][0]
    prices = [p for p in r["indicators"]["adjclose"][0]["adjclose"]
              if p is not None]
    daily = [b / a - 1 for a, b in zip(prices, prices[1:])]
    total = prices[-1] / prices[0] - 1
    return len(prices), total, statistics.stdev(daily) * math.sqrt(252)


def warm(s, *faults, index=INDEX):
    s.fresh()
    assert s.fetch("--index", index).code == 0
    s.post("/_/reset")
    if faults:
        s.post("/_/faults", "\n".join(faults) + "\n")
