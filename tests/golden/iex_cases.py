"""Bodies of IEX Cloud and what fetch -f must make of them: every recording of
recordings/iex, and hostile bodies of our own."""
import json

from keyed_oracle import own, pick, recorded

QUOTE = {
    "latestPrice": ("price", 0), "open": ("Open", 0), "high": ("High", 0),
    "low": ("Low", 0), "previousClose": ("Prev Close", 0),
    "changePercent": ("Change", 0), "latestVolume": ("Volume", 0),
    "marketCap": ("Market Cap", 0), "peRatio": ("pe", 0),
    "ytdChange": ("Perf YTD", 0),
}
STATS = {
    "marketcap": ("Market Cap", 0), "peRatio": ("pe", 0),
    "forwardPERatio": ("fpe", 0), "pegRatio": ("peg", 0),
    "priceToSales": ("P/S", 0), "priceToBook": ("pb", 0),
    "debtToEquity": ("Debt/Eq", 0), "dividendYield": ("dividend", 0),
    "ttmEPS": ("EPS", 0), "sharesOutstanding": ("Outstanding", 0),
    "float": ("Float", 0), "beta": ("beta", 0), "employees": ("Employees", 0),
    "profitMargin": ("Profit M", 0), "day5ChangePercent": ("Perf Week", 0),
    "month1ChangePercent": ("Perf Month", 0),
    "month3ChangePercent": ("Perf Quart", 0),
    "month6ChangePercent": ("Perf Half", 0),
    "ytdChangePercent": ("Perf YTD", 0), "year1ChangePercent": ("Perf Year", 0),
}
V1 = {  # in percent there
    "dividendYield": ("dividend", -2), "profitMargin": ("Profit M", -2),
    "returnOnEquity": ("roe", -2), "returnOnAssets": ("ROA", -2),
    "returnOnCapital": ("roi", -2), "institutionPercent": ("Inst Own", -2),
    "insiderPercent": ("insider_own", -2),
    "shortInterest": ("Short Interest", 0), "shortRatio": ("Short Ratio", 0),
}
COMPANY = {"employees": ("Employees", 0)}
NOT_ZERO = {"latestPrice", "peRatio", "beta", "open", "high", "low"}

REFUSED = [
    (r"advanced-stats", 65, "do not name"),
    (r"empty", 66, None),
    (r"^chart", 65, "chart"),
    (r"400", 65, "request"),
    (r"403", 69, "token"),
    (r"404", 66, "symbol"),
]


def record(symbol, parts):
    out = {"Ticker": symbol}
    company = parts.get("company", {})
    pick(company, COMPANY, out)
    if company.get("industry"):
        out["Industry"] = company["industry"]
    stats = parts.get("stats", {})
    pick(stats, STATS, out, NOT_ZERO)
    if "dividendRate" in stats:
        pick(stats, V1, out)
    pick(parts.get("quote", {}), QUOTE, out, NOT_ZERO)
    for name in ("company", "stats", "quote"):
        if parts.get(name, {}).get("companyName"):
            out["Company"] = parts[name]["companyName"]
    return out


def records(name, text):
    doc = json.loads(text, parse_float=str, parse_int=str)
    if name.startswith("batch"):
        return {s: record(s, parts) for s, parts in doc.items()}, len(doc)
    part = name.split("-")[0]
    return {doc["symbol"]: record(doc["symbol"], {part: doc})}, 1


def body(doc):
    return json.dumps(doc).encode()


def quote(**more):
    return body({"A": {"quote": {"latestPrice": 1.5, **more}}})


GOOD = [
    ("without a licence", quote(open=None, high=None, low=None,
                                latestVolume=None, peRatio=-3),
     {"A": {"Ticker": "A", "price": 1.5, "pe": -3.0}}, 1),
    ("P/E of 0", quote(peRatio=0), {"A": {"Ticker": "A", "price": 1.5}}, 1),
    ("stats of the cloud are fractions", body({"A": {"stats": {
        "dividendYield": 0.0095, "ttmDividendRate": 2}}}),
     {"A": {"Ticker": "A", "dividend": 0.0095}}, 1),
    ("stats of version 1 are percent", body({"A": {"stats": {
        "dividendYield": 1.3, "dividendRate": 2}}}),
     {"A": {"Ticker": "A", "dividend": 0.013}}, 1),
    ("advanced statistics of a batch", body({"A": {"advanced-stats": {
        "priceToBook": 13.7, "forwardPERatio": None}}}),
     {"A": {"Ticker": "A", "pb": 13.7}}, 1),
    ("unknown parts", body({"A": {"news": [], "quote": None}}),
     {"A": {"Ticker": "A"}}, 1),
    ("no symbol known", b"{}", {}, 0),
]

BAD = [
    ("NaN", 200, 65, b'{"A":{"quote":{"latestPrice":NaN}}}'),
    ("text for a number", 200, 65, quote(peRatio="x")),
    ("overflow", 200, 65, b'{"A":{"quote":{"latestPrice":1e999}}}'),
    ("part is a list", 200, 65, body({"A": {"quote": []}})),
    ("entry is a number", 200, 65, body({"A": 1})),
    ("ticker with a control byte", 200, 65, body({"A\u0007": {}})),
    ("chart", 200, 65, b'[{"date":"2018-09-04"}]'),
    ("error with 200", 200, 69, b'{"error":"x"}'),
    ("quota used up", 402, 75, b"You have exceeded your message quota."),
    ("too many requests", 429, 75, b"Too many requests"),
    ("quote with 500", 500, 69, quote()),
]


def cases(shared):
    yield from recorded(shared, "iex", REFUSED, records)
    yield from own("iex", GOOD, BAD)
