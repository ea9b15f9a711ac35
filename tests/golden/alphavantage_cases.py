"""Bodies of Alpha Vantage and what fetch -f must make of them: every recording
of recordings/alphavantage, and hostile bodies of our own."""
import csv
import io
import json

from keyed_oracle import TICKER, own, pick, recorded

QUOTE = {
    "02. open": ("Open", 0), "03. high": ("High", 0), "04. low": ("Low", 0),
    "05. price": ("price", 0), "06. volume": ("Volume", 0),
    "08. previous close": ("Prev Close", 0),
    "10. change percent": ("Change", 0),
}
CSV = {
    "open": ("Open", 0), "high": ("High", 0), "low": ("Low", 0),
    "price": ("price", 0), "volume": ("Volume", 0),
    "previousClose": ("Prev Close", 0), "changePercent": ("Change", 0),
}
OVERVIEW = {
    "MarketCapitalization": ("Market Cap", 0), "PERatio": ("pe", 0),
    "ForwardPE": ("fpe", 0), "PEGRatio": ("peg", 0),
    "PriceToSalesRatioTTM": ("P/S", 0), "PriceToBookRatio": ("pb", 0),
    "DividendYield": ("dividend", 0), "EPS": ("EPS", 0),
    "SharesOutstanding": ("Outstanding", 0), "SharesFloat": ("Float", 0),
    "PercentInsiders": ("insider_own", -2),
    "PercentInstitutions": ("Inst Own", -2),
    "ReturnOnAssetsTTM": ("ROA", 0), "ReturnOnEquityTTM": ("roe", 0),
    "OperatingMarginTTM": ("Oper M", 0), "ProfitMargin": ("Profit M", 0),
    "QuarterlyRevenueGrowthYOY": ("Sales Q/Q", 0), "RevenueTTM": ("Sales", 0),
    "Beta": ("beta", 0), "AnalystTargetPrice": ("Target Price", 0),
    "BookValue": ("Book/sh", 0),
}
NOT_ZERO = {"MarketCapitalization", "PERatio", "ForwardPE", "PEGRatio",
            "PriceToSalesRatioTTM", "PriceToBookRatio", "SharesOutstanding",
            "SharesFloat", "Beta", "AnalystTargetPrice", "BookValue"}
TEXTS = {"Name": "Company", "Industry": "Industry", "Country": "Country"}
LISTS = ("top_gainers", "top_losers", "most_actively_traded")

REFUSED = [
    (r"burst", 75, "a second"),
    (r"error-information-daily", 75, "quota of the day"),
    (r"error-note", 75, "a minute"),
    (r"demo-key", 69, "demo key"),
    (r"premium", 69, "premium plan"),
    (r"invalid-call", 66, "not known"),
    (r"TIME_SERIES.*json", 65, "series"),
    (r"TIME_SERIES.*csv", 65, "columns"),
]


def overview(doc):
    record = pick(doc, OVERVIEW, {"Ticker": doc["Symbol"]}, NOT_ZERO)
    for name, field in TEXTS.items():
        if doc.get(name) not in (None, "", "None", "-"):
            record[field] = doc[name]
    return record


def movers(doc):
    seen, out = set(), {}
    for row in (row for name in LISTS for row in doc[name]):
        if row["ticker"] in seen:
            continue
        seen.add(row["ticker"])
        if TICKER.match(row["ticker"]):
            out[row["ticker"]] = pick(
                row, {"price": ("price", 0), "volume": ("Volume", 0),
                      "change_percentage": ("Change", 0)},
                {"Ticker": row["ticker"]})
    return out, len(seen)


def records(name, text):
    if name.endswith(".csv"):
        rows = list(csv.DictReader(io.StringIO(text)))
        return {r["symbol"]: pick(r, CSV, {"Ticker": r["symbol"]})
                for r in rows}, len(rows)
    doc = json.loads(text)
    if "Global Quote" in doc:
        quote = doc["Global Quote"]
        return {quote["01. symbol"]:
                pick(quote, QUOTE, {"Ticker": quote["01. symbol"]})}, 1
    if "top_gainers" in doc:
        return movers(doc)
    return {doc["Symbol"]: overview(doc)}, 1


def body(**members):
    return json.dumps(members).encode()


def quote(**more):
    return json.dumps({"Global Quote": {"01. symbol": "A", **more}}).encode()


GOOD = [
    ("missing figures", body(Symbol="A", Name="None", PERatio="None",
                             ForwardPE="-", PEGRatio="0", DividendYield="0",
                             EPS="-1.5", Beta=""),
     {"A": {"Ticker": "A", "dividend": 0.0, "EPS": -1.5}}, 1),
    ("delayed quote", json.dumps({
        "Global Quote - DATA DELAYED BY 15 MINUTES": {
            "01. symbol": "A", "05. price": "1.5"}}).encode(),
     {"A": {"Ticker": "A", "price": 1.5}}, 1),
    ("price of 0", quote(**{"05. price": "0.0000"}), {"A": {"Ticker": "A"}}, 1),
    ("unknown symbol", b"{}", {}, 0),
    ("unknown symbol of a quote", b'{"Global Quote": {}}', {}, 0),
]

BAD = [
    ("NaN", 200, 65, quote(**{"05. price": "NaN"})),
    ("inf", 200, 65, quote(**{"05. price": "inf"})),
    ("hexadecimal", 200, 65, quote(**{"05. price": "0x10"})),
    ("overflow", 200, 65, quote(**{"05. price": "1e999"})),
    ("text", 200, 65, quote(**{"05. price": "n/a"})),
    ("list for a figure", 200, 65, quote(**{"05. price": [1]})),
    ("control byte in the symbol", 200, 65, body(Symbol="A\u0007")),
    ("no symbol", 200, 65, b'{"Global Quote": {"05. price": "1"}}'),
    ("quote is a list", 200, 65, b'{"Global Quote": []}'),
    ("symbol is a number", 200, 65, b'{"Symbol": 1}'),
    ("long name", 200, 65, body(Symbol="A", Name="x" * 513)),
    ("gainers are no list", 200, 65, b'{"top_gainers": 1}'),
    ("other JSON", 200, 65, b'{"a": 1}'),
    ("refused key", 200, 69, json.dumps({
        "Error Message": "the parameter apikey is invalid or missing."
    }).encode()),
    ("burst pattern", 200, 75, body(
        Information="Burst pattern detected. 25 requests per day")),
    ("unknown information", 200, 69, body(Information="k3y")),
    ("other note", 200, 75, body(Note="x")),
    ("data beside a message", 200, 69, body(message="x", Symbol="A")),
    ("CSV with another column", 200, 65, b"symbol,price\r\nA,1\r\n"),
    ("CSV row too short", 200, 65,
     b"symbol,open,high,low,price,volume,latestDay,previousClose,change,"
     b"changePercent\r\nA,1\r\n"),
]


def cases(shared):
    yield from recorded(shared, "alphavantage", REFUSED, records)
    yield from own("alphavantage", GOOD, BAD)
