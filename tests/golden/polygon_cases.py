"""Bodies of Polygon and what fetch -f must make of them: every recording of
recordings/polygon, and hostile bodies of our own."""
import json

from keyed_oracle import TICKER, own, pick, recorded

BAR = {"o": ("Open", 0), "h": ("High", 0), "l": ("Low", 0), "c": ("price", 0),
       "v": ("Volume", 0)}
PRICES = {"o", "h", "l", "c"}
DAY = {"open": ("Open", 0), "high": ("High", 0), "low": ("Low", 0),
       "close": ("price", 0), "volume": ("Volume", 0)}
REFERENCE = {"market_cap": ("Market Cap", 0),
             "share_class_shares_outstanding": ("Outstanding", 0),
             "total_employees": ("Employees", 0)}

REFUSED = [
    (r"401-no-key", 69, "no key"),
    (r"401-unknown", 69, "not known"),
    (r"403", 69, "plan"),
    (r"429", 75, "429"),
]


def bars(doc):
    """The last bar of each ticker, and the change since the one before it."""
    out, seen = {}, set()
    for row in doc["results"]:
        ticker = row.get("T", doc.get("ticker"))
        seen.add(ticker)
        if not TICKER.match(ticker):
            continue
        before = out.get(ticker, {}).get("price")
        record = pick(row, BAR, {"Ticker": ticker}, PRICES)
        if before is not None and "price" in record:
            record["Prev Close"] = before
            record["Change"] = (record["price"] - before) / before
        out[ticker] = record
    return out, len(seen)


def snapshot(s):
    record = {"Ticker": s["ticker"]}
    if float(s["day"]["c"]):
        pick(s["day"], BAR, record, PRICES)
        pick(s, {"todaysChangePerc": ("Change", -2)}, record)
    for part, key in (("lastTrade", "p"), ("min", "c"), ("day", "c"),
                      ("prevDay", "c")):
        value = float(s.get(part, {}).get(key, "0"))
        if value:
            record["price"] = value
            break
    pick(s["prevDay"], {"c": ("Prev Close", 0)}, record, {"c"})
    return record


def reference(r):
    record = pick(r, REFERENCE, {"Ticker": r["ticker"]}, set(REFERENCE))
    record["Company"] = r["name"]
    return record


def records(name, text):
    doc = json.loads(text, parse_float=str, parse_int=str)
    if "snapshot" in name:
        rows = doc.get("tickers") or [doc["ticker"]]
        return {s["ticker"]: snapshot(s) for s in rows}, len(rows)
    if "reference" in name:
        rows = doc.get("tickers") or doc["results"]
        rows = rows if isinstance(rows, list) else [rows]
        return {r["ticker"]: reference(r) for r in rows
                if TICKER.match(r["ticker"])}, len(rows)
    if "open-close" in name:
        return {doc["symbol"]: pick(doc, DAY, {"Ticker": doc["symbol"]})}, 1
    return bars(doc)


def grouped(*rows):
    return ('{"status":"OK","queryCount":1,"resultsCount":%d,"results":[%s]}'
            % (len(rows), ",".join(rows))).encode()


def snap(**more):
    return json.dumps({"status": "OK", "ticker": {
        "ticker": "A", "todaysChangePerc": 0, "day": {"c": 0, "v": 0},
        "min": {"c": 0}, "prevDay": {"c": 2.5}, **more}}).encode()


def status(word, key, text):
    return json.dumps({"status": word, key: text}).encode()


A = '{"T":"A","c":1.5}'
GOOD = [
    ("fractional volume", grouped('{"T":"A","c":2,"v":6.1436228189065e+07}'),
     {"A": {"Ticker": "A", "price": 2.0, "Volume": 61436228.189065}}, 1),
    ("bar without a close", grouped('{"T":"A","v":1}', A.replace("A", "B")),
     {"A": {"Ticker": "A", "Volume": 1.0}, "B": {"Ticker": "B", "price": 1.5}},
     2),
    ("close of 0", grouped('{"T":"A","c":0}'), {"A": {"Ticker": "A"}}, 1),
    ("day without trading",
     b'{"queryCount":0,"resultsCount":0,"adjusted":true,"status":"OK"}', {}, 0),
    ("empty list", grouped(), {}, 0),
    ("only symbols that are no tickers", grouped('{"T":"ABRpA","c":1}'), {}, 1),
    ("cleared snapshot", snap(),
     {"A": {"Ticker": "A", "price": 2.5, "Prev Close": 2.5}}, 1),
    ("snapshot before the first trade", snap(lastTrade={"p": 2.75}),
     {"A": {"Ticker": "A", "price": 2.75, "Prev Close": 2.5}}, 1),
    ("delayed", status("DELAYED", "ticker", "A")[:-1]
     + b',"results":[{"c":1.5}]}', {"A": {"Ticker": "A", "price": 1.5}}, 1),
]

BAD = [
    ("NaN", 200, 65, grouped('{"T":"A","c":NaN}')),
    ("overflow", 200, 65, grouped('{"T":"A","c":1e999}')),
    ("whole number overflow", 200, 65,
     grouped('{"T":"A","c":1,"v":99999999999999999999}')),
    ("text for a number", 200, 65, grouped('{"T":"A","c":"1.5"}')),
    ("row without a ticker", 200, 65, grouped('{"c":1}')),
    ("row is a number", 200, 65, grouped("1")),
    ("results are a text", 200, 65, b'{"status":"OK","results":"x"}'),
    ("other JSON", 200, 65, b'{"status":"OK"}'),
    ("list", 200, 65, b"[]"),
    ("error with 200", 200, 69, status("ERROR", "error", "x")),
    ("limit with 200", 200, 75, status(
        "ERROR", "error", "You've exceeded the maximum requests per minute")),
    ("no entitlement with 200", 200, 69,
     status("NOT_AUTHORIZED", "message", "x")),
    ("not found", 404, 66, status("NotFound", "message", "x")),
    ("day that the plan lacks", 403, 66, status(
        "NOT_AUTHORIZED", "message", "Your plan doesn't include this data "
        "timeframe.")),
    ("empty 429", 429, 75, b""),
    ("bars with 500", 500, 69, grouped(A)),
]


def cases(shared):
    yield from recorded(shared, "polygon", REFUSED, records)
    yield from own("polygon", GOOD, BAD)
