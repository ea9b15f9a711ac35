"""Charts of Yahoo and what fetch -f must make of them.

Every chart of recordings/yahoo, series of our own making with nulls, splits,
gaps, dividends and a live last bar, and hostile bodies.  The figures are
compared with a calculation of Python's own, which keeps to the definition:
statistics.stdev of the daily returns times the root of 252.
"""
import copy
import json
import math
import os
import random
import re
import statistics

from yahoo_cases import SOURCE, error, statuses

NAMES = ["success", "symbol", "source", "currency", "points", "nulls", "first",
         "last", "expected_annual_return", "expected_annual_risk",
         "return_risk_ratio", "error"]
FIGURES = NAMES[8:11]
ROUNDS = int(os.environ.get("RETURNS_ROUNDS", "120"))


def series(result):
    """Prices by day, and how many bars were null."""
    prices, nulls = {}, 0
    offset = result["meta"].get("gmtoffset") or 0
    closes = result["indicators"]["quote"][0]["close"]
    adjusted = result["indicators"]["adjclose"][0]["adjclose"]
    for at, close, price in zip(result["timestamp"], closes, adjusted,
                                strict=True):
        if close is None or price is None:
            nulls += 1
        else:
            prices[(at + offset) // 86400] = price
    return list(prices.values()), nulls


def wanted(result):
    """(exit, members) of a chart's result."""
    meta = result["meta"]
    out = dict.fromkeys(NAMES)
    out.update(symbol=meta["symbol"], source="yahoo", success=False,
               currency=meta["currency"], points=0, nulls=0)
    if "timestamp" not in result:
        closes = result["indicators"]["quote"][0].get("close")
        return (65 if closes else 66), out
    if meta["dataGranularity"] != "1d":
        return 65, out
    prices, out["nulls"] = series(result)
    out["points"] = len(prices)
    if not prices:
        return 66, out
    out["success"] = True
    out["first"], out["last"] = prices[0], prices[-1]
    if len(prices) >= 60:
        daily = [b / a - 1 for a, b in zip(prices, prices[1:])]
        total = prices[-1] / prices[0] - 1
        risk = statistics.stdev(daily) * math.sqrt(252)
        ratio = total / risk if risk > 0 else None
        out.update(zip(FIGURES, (total, risk, ratio)))
    return 0, out


def compare(want, got):
    bad = []
    if list(got) != NAMES:
        return ["members %s" % list(got)]
    for name in NAMES[:-1]:
        a, b = want[name], got[name]
        if name in FIGURES and a is not None and b is not None:
            if not math.isclose(a, b, rel_tol=1e-11, abs_tol=1e-14):
                bad.append("%s: %r, not %r" % (name, b, a))
        elif a != b:
            bad.append("%s: %r, not %r" % (name, b, a))
    if (got["error"] is None) != (want["expected_annual_return"] is not None):
        bad.append("error is %r" % got["error"])
    return bad


def checked(body):
    """(exit, check) of a chart's body, an error in its place included."""
    result = json.loads(body)["chart"]["result"]
    if not result:
        want = dict.fromkeys(NAMES)
        want.update(success=False, source="yahoo", points=0, nulls=0)
        return 66, lambda got: compare(want, got)
    status, want = wanted(result[0])
    return status, lambda got: compare(want, got)


def recorded(shared_dir):
    folder = os.path.join(shared_dir or "", "recordings", "yahoo")
    if not shared_dir or not os.path.isdir(folder):
        yield ("charts of Yahoo", [], None, 0, None, None, None)
        return
    known = statuses(folder)
    for name in sorted(os.listdir(folder)):
        if not re.match("chart-", name):
            continue
        path = os.path.join(folder, name)
        with open(path, encoding="utf-8") as f:
            status, check = checked(f.read())
        yield (name, SOURCE + ["--status", str(known[name])], path, status,
               None, None, check)


def made(rng):
    """A chart of our own: a walk with all that Yahoo's series have."""
    n = rng.choice([0, 1, 2, 59, 60, 61, rng.randint(3, 300)])
    at, price, factor = 1_700_000_000 // 86400 * 86400 + 52200, 50.0, 1.0
    times, closes, adjusted = [], [], []
    for _ in range(n):
        at += 86400 * rng.choice([1, 1, 1, 1, 3, 4, 12])
        price *= math.exp(rng.gauss(0.0005, 0.02))
        if rng.random() < 0.01:
            factor *= rng.choice([0.99, 0.25, 2.0])
        null = rng.random() < 0.05
        times.append(at)
        closes.append(None if null and rng.random() < 0.8 else price)
        adjusted.append(None if null else price * factor)
    if n and rng.random() < 0.4:  # the live bar, of the last day again
        times.append(at + rng.randint(60, 20000))
        closes.append(rng.choice([None, price * 1.01]))
        adjusted.append(price * factor * 1.01)
    if rng.random() < 0.05:
        adjusted = [12.5] * len(times)
    result = {"meta": {"symbol": "OWN", "currency": rng.choice(["USD", None]),
                       "gmtoffset": rng.choice([-18000, 0, 7200]),
                       "dataGranularity": "1d"},
              "indicators": {"quote": [{"close": closes}],
                             "adjclose": [{"adjclose": adjusted}]}}
    if times:
        result["timestamp"] = times
    else:
        result["indicators"] = {"quote": [{}], "adjclose": [{}]}
    return result


def chart(result):
    return json.dumps({"chart": {"result": [result], "error": None}}).encode()


def whole(n=80):
    return {"meta": {"symbol": "OWN", "currency": "USD", "gmtoffset": 0,
                     "dataGranularity": "1d"},
            "timestamp": [86400 * (i + 1) for i in range(n)],
            "indicators": {
                "quote": [{"close": [100.0 + i % 7 for i in range(n)]}],
                "adjclose": [{"adjclose": [90.0 + i % 7 for i in range(n)]}]}}


def spoilt():
    """(name, body): each is 65."""
    def one(name, change):
        result = copy.deepcopy(whole())
        change(result, result["indicators"])
        return name, chart(result)

    def adjusted(i, value):
        return lambda r, n: n["adjclose"][0]["adjclose"].__setitem__(i, value)

    yield one("a time too few", lambda r, n: r["timestamp"].pop())
    yield one("a close too few", lambda r, n: n["quote"][0]["close"].pop())
    yield one("an adjusted close too many",
              lambda r, n: n["adjclose"][0]["adjclose"].append(1.0))
    yield one("no times", lambda r, n: r.pop("timestamp"))
    yield one("no adjusted closes", lambda r, n: n.pop("adjclose"))
    yield one("empty adjusted closes",
              lambda r, n: n.__setitem__("adjclose", [{}]))
    yield one("no closes", lambda r, n: n.__setitem__("quote", []))
    yield one("no granularity", lambda r, n: r["meta"].pop("dataGranularity"))
    yield one("by the hour",
              lambda r, n: r["meta"].__setitem__("dataGranularity", "1h"))
    yield one("no meta", lambda r, n: r.pop("meta"))
    yield one("time goes back", lambda r, n: r["timestamp"].reverse())
    yield one("the same time twice",
              lambda r, n: r["timestamp"].__setitem__(5, r["timestamp"][4]))
    yield one("a null time",
              lambda r, n: r["timestamp"].__setitem__(5, None))
    yield one("a price of nothing", adjusted(7, 0))
    yield one("a negative price", adjusted(7, -3.5))
    yield one("a text for a price", adjusted(7, "90"))
    yield one("not a number", adjusted(7, math.nan))
    yield one("no end", adjusted(7, math.inf))
    yield one("a figure that no double holds",
              lambda r, n: n["adjclose"][0].__setitem__(
                  "adjclose", [5e-324, 1.7e308] * 40))
    yield "cut off", chart(whole())[:-40]
    yield "result is no list", b'{"chart":{"result":{},"error":null}}'
    yield "a number for a chart", b'{"chart":{"result":[1],"error":null}}'


def cases(shared_dir):
    yield from recorded(shared_dir)
    rng = random.Random(20261124)
    for i in range(ROUNDS):
        body = chart(made(rng))
        status, check = checked(body)
        yield ("made %d" % i, SOURCE, body, status, None, None, check)
    body = chart(whole())
    yield ("plain", SOURCE, body, 0, None, None, checked(body)[1])
    for name, body in spoilt():
        yield ("spoilt: " + name, SOURCE, body, 65, None, None, None)
    body = b'{"chart":{"result":[],"error":null}}'
    yield ("no result", SOURCE, body, 66, None, None, None)
    for name, status, exit_, body in (
            ("429", 429, 75, b'{"chart":{"result":null}}'),
            ("503", 503, 69, error("chart", "Not Found", "No data found")),
            ("refused", 401, 69, error("chart", "Unauthorized", "Crumb"))):
        yield (name, SOURCE + ["--status", str(status)], body, exit_, None,
               None, lambda got: [] if got["error"] else ["no error"])
