"""Bodies of Yahoo and what fetch -f must make of them.

Every recording of recordings/yahoo but the charts (returns_cases.py) with the status that its MANIFEST entry
gives, and hostile bodies of our own.  Figures are compared cell by cell with a
reading by Python's own json, which keeps numbers as text.
"""
import json
import os
import re
from decimal import Decimal

# Member of a quote -> (JSON name, power of ten).
MEMBERS = {
    "marketCap": ("Market Cap", 0),
    "trailingPE": ("pe", 0),
    "forwardPE": ("fpe", 0),
    "priceToBook": ("pb", 0),
    "dividendYield": ("dividend", -2),
    "epsTrailingTwelveMonths": ("EPS", 0),
    "sharesOutstanding": ("Outstanding", 0),
    "fiftyTwoWeekChangePercent": ("Perf Year", -2),
    "beta": ("beta", 0),
    "fiftyDayAverageChangePercent": ("SMA50", 0),
    "twoHundredDayAverageChangePercent": ("SMA200", 0),
    "fiftyTwoWeekHighChangePercent": ("52W High", 0),
    "fiftyTwoWeekLowChangePercent": ("52W Low", 0),
    "averageDailyVolume3Month": ("Avg Volume", 0),
    "regularMarketPrice": ("price", 0),
    "regularMarketChangePercent": ("Change", -2),
    "regularMarketVolume": ("Volume", 0),
    "regularMarketPreviousClose": ("Prev Close", 0),
    "regularMarketOpen": ("Open", 0),
    "regularMarketDayHigh": ("High", 0),
    "regularMarketDayLow": ("Low", 0),
    "bookValue": ("Book/sh", 0),
}
PRICES = {"price", "Prev Close", "Open", "High", "Low"}
HUNDREDTHS = {"GBp", "ZAc", "ILA"}
SOURCE = ["--source", "yahoo"]
OURS = {"Index", "Last_Updated"}  # besides the fields of a source


def plain(value):
    """{"raw": 1, "fmt": "1.00"} is 1, {} is nothing."""
    return value.get("raw") if isinstance(value, dict) else value


def scaled(text, exp10):
    return float(Decimal(text).scaleb(exp10))


def expected(quote):
    """The record of a quote without its nulls; None where it is no quote."""
    if plain(quote.get("regularMarketPrice")) is None:
        return None
    if quote.get("quoteType") == "NONE":
        return None
    record = {"Ticker": quote["symbol"]}
    for name in (quote.get("longName"), quote.get("shortName")):
        if name and name.strip():
            record["Company"] = name.strip()
            break
    for member, (field, exp10) in MEMBERS.items():
        value = plain(quote.get(member))
        if value is None:
            continue
        if field in PRICES and quote.get("currency") in HUNDREDTHS:
            exp10 -= 2
        record[field] = scaled(value, exp10)
    value = plain(quote.get("trailingAnnualDividendYield"))
    same = quote.get("currency") == quote.get("financialCurrency")
    if "dividend" not in record and value is not None and same \
            and quote.get("currency"):
        record["dividend"] = scaled(value, 0)
    return record


def records(body):
    """Records by ticker (the first of equal ones), and how many results."""
    doc = json.loads(body, parse_float=str, parse_int=str)
    result = doc["quoteResponse"]["result"]
    out = {}
    for quote in result:
        record = expected(quote)
        if record is not None:
            out.setdefault(record["Ticker"], record)
    return out, len(result)


def compare(want, doc):
    """Mismatches between expected records and an envelope."""
    bad = []
    data = doc["data"]
    tickers = [r["Ticker"] for r in data]
    if tickers != list(want):
        bad.append("tickers %s, not %s" % (tickers, list(want)))
    can = {field for field, _ in MEMBERS.values()} | {"Ticker", "Company"}
    for got in data:
        record = want.get(got["Ticker"], {})
        for field in sorted(set(got) | set(record)):
            if field in OURS:
                continue
            a, b = got.get(field), record.get(field)
            if a != b or isinstance(a, str) != isinstance(b, str):
                bad.append("%s %s: %r, not %r" % (got["Ticker"], field, a, b))
        lacking = set(got) - OURS - can
        if set(doc["missing_fields"]) != lacking:
            bad.append("missing_fields: %s" % doc["missing_fields"])
    if doc["partial"] != (doc["count"] < doc["total"]):
        bad.append("partial is %s" % doc["partial"])
    return bad


def failed(doc):
    bad = []
    if doc["success"] or doc["data"] or not doc["error"]:
        bad.append("not a failed envelope")
    if not doc.get("attempts"):
        bad.append("no attempts")
    return bad


def empty(doc):
    return [] if doc["success"] and not doc["data"] else ["not empty"]


# What is neither quotes nor 200: first fit of (pattern, exit, total).
REFUSED = [
    (r"^error-401-", 69, "null"),
    (r"^error-404-wrong-path", 65, "null"),
    (r"^error-429-", 75, "null"),
    (r"^quote-400-missing", 65, "null"),
    (r"^consent-collectConsent-page", 69, "null"),
    (r"^quoteSummary-.*404", 66, 0),
    (r"^(spark|quoteSummary|screener)-", 65, "null"),
    (r"^(getcrumb|consent-flow|session-cookies)", 65, "null"),
]


def statuses(folder):
    """File -> status of its MANIFEST entry (200 where it gives none)."""
    with open(os.path.join(folder, "MANIFEST.md"), encoding="utf-8") as f:
        text = f.read()
    out = {}
    for entry in re.split(r"^## ", text, flags=re.M)[1:]:
        name = entry.split("\n", 1)[0].strip()
        status = re.search(r"; HTTP (\d+)", entry)
        out[name] = int(status.group(1)) if status else 200
    return out


def recorded(shared_dir):
    folder = os.path.join(shared_dir or "", "recordings", "yahoo")
    if not shared_dir or not os.path.isdir(folder):
        yield ("recordings of Yahoo", [], None, 0, None, None, None)
        return
    known = statuses(folder)
    for name in sorted(os.listdir(folder)):
        if name == "MANIFEST.md" or name.startswith("chart-"):
            continue
        path = os.path.join(folder, name)
        argv = SOURCE + ["--status", str(known[name])]
        for pattern, status, total in REFUSED:
            if re.search(pattern, name):
                check = empty if status == 66 else failed
                yield (name, argv, path, status, 0, total, check)
                break
        else:
            with open(path, encoding="utf-8") as f:
                want, total = records(f.read())
            yield (name, argv, path, 0 if want else 66, len(want), total,
                   lambda doc, want=want: compare(want, doc))


def body(*quotes):
    return ('{"quoteResponse":{"result":[%s],"error":null}}'
            % ",".join(quotes)).encode()


def error(key, code, text):
    return json.dumps({key: {"result": None, "error": {
        "code": code, "description": text}}}).encode()


def quote(symbol, more=""):
    return ('{"symbol":"%s","regularMarketPrice":1.5%s}' % (symbol, more))


# Quotes that are read: name, body.
GOOD = [
    ("exponents", body(quote("A", ',"marketCap":3.60630321E11,'
                       '"regularMarketChangePercent":-4.4950072E-4'))),
    ("formatted", body('{"symbol":"A","regularMarketPrice":{"raw":1.5,'
                       '"fmt":"1.50"},"trailingPE":{},"marketCap":'
                       '{"raw":4869931925504,"fmt":"4.87T","longFmt":"x"}}')),
    ("same symbol twice", body(quote("A", ',"beta":1'), quote("A"))),
    ("without symbol order", body(quote("B"), quote("^A"), quote("C=X"))),
    ("stub among quotes", body(quote("A"), '{"symbol":"B"}')),
    ("rand", body(quote("A.JO", ',"currency":"ZAc","marketCap":7'))),
    ("trailing white space", body(quote("A")) + b"\r\n \t"),
    ("thousand quotes", body(*[quote("T%03d" % i) for i in range(1000)])),
]

# Bodies that are refused: name, status, exit, body.
BAD = [
    ("NaN", 200, 65, body(quote("A", ',"beta":NaN'))),
    ("Infinity", 200, 65, body(quote("A", ',"trailingPE":Infinity'))),
    ("overflow", 200, 65, body(quote("A", ',"beta":1e999'))),
    ("whole number overflow", 200, 65,
     body(quote("A", ',"marketCap":99999999999999999999'))),
    ("text for a number", 200, 65, body(quote("A", ',"beta":"1.2"'))),
    ("list for a number", 200, 65, body(quote("A", ',"beta":[1]'))),
    ("ticker with a control byte", 200, 65, body(quote("A\\u0007"))),
    ("ticker with a NUL", 200, 65, body(quote("A\\u0000B"))),
    ("ticker too long", 200, 65, body(quote("A" * 17))),
    ("no symbol", 200, 65, body('{"regularMarketPrice":1}')),
    ("quote is a number", 200, 65, body("1")),
    ("cut off", 200, 65, body(quote("A"))[:-3]),
    ("trailing garbage", 200, 65, body(quote("A")) + b"x"),
    ("two documents", 200, 65, body(quote("A")) * 2),
    ("NUL and more", 200, 65, body(quote("A")) + b"\0{}"),
    ("empty", 200, 65, b""),
    ("white space", 200, 65, b" \r\n"),
    ("html", 200, 65, b"<!DOCTYPE html><html></html>"),
    ("html with 503", 503, 69, b"<html>Will be right back...</html>"),
    ("html with 403", 403, 69, b"<html></html>"),
    ("text", 200, 65, b"crumb"),
    ("deep", 200, 65, b"[" * 100000),
    ("deep in a member", 200, 65,
     body(quote("A", ',"x":' + "[" * 64 + "]" * 64))),
    ("million lists", 200, 65, body(*["[]"] * 1000000)),
    ("million quotes in hiding", 200, 65,
     b"{'\"':[" + b"{}," * 1000000 + b"1]}"),
    ("nine megabytes", 200, 65, b'{"a":"' + b"x" * (9 << 20) + b'"}'),
    ("long name", 200, 65, body(quote("A", ',"longName":"%s"' % ("x" * 513)))),
    ("null", 200, 65, b"null"),
    ("list", 200, 65, b"[]"),
    ("no result", 200, 65, b'{"quoteResponse":{"error":null}}'),
    ("too many with 200", 200, 75, b"Too Many Requests\r\n"),
    ("edge with 503", 503, 75, b"Edge: Too Many Requests"),
    ("999", 999, 75, b"<html></html>"),
    ("error 999 with 200", 200, 75, b"<html>Sorry, Unable to process request "
     b"at this time -- error 999.</html>"),
    ("429 with quotes", 429, 75, body(quote("A"))),
    ("consent with 200", 200, 69,
     b'<html><form><input type="hidden" name="csrfToken" value="x"></html>'),
    ("unauthorized with 200", 200, 69,
     error("finance", "Unauthorized", "Invalid Cookie")),
    ("too many in JSON", 200, 75, error("finance", "Too Many Requests", "x")),
    ("internal error", 200, 69, error(
        "quoteResponse", "internal-error",
        "Connection is deallocated and cannot be used anymore")),
    ("unknown error", 200, 69, error("finance", "x", "y\n\x1b[31m")),
    ("quotes with 500", 500, 69, body(quote("A"))),
]


def cases(shared_dir):
    yield from recorded(shared_dir)
    for name, data in GOOD:
        want, total = records(data.decode())
        yield ("own: " + name, SOURCE, data, 0, len(want), total,
               lambda doc, want=want: compare(want, doc))
    for name, status, exit_, data in BAD:
        yield ("own: " + name, SOURCE + ["--status", str(status)], data,
               exit_, 0, "null", failed)
