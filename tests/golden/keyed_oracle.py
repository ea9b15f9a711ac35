"""What the cases of the sources behind keys share: figures read by Python's own
json, which keeps numbers as text, and the comparison cell by cell."""
import os
import re
from decimal import Decimal

OURS = {"Index", "Last_Updated"}  # besides the fields of a source
TICKER = re.compile(r"(?=.*[A-Z0-9])[A-Z0-9.\-^=&]{1,16}\Z")


def scaled(text, exp10=0):
    return float(Decimal(text).scaleb(exp10))


def pick(source, members, out, zero_is_none=()):
    """Put the numbers of source under their names of ours into out."""
    for member, (field, exp10) in members.items():
        text = source.get(member)
        if text in (None, "", "None", "-"):
            continue
        if text.endswith("%"):
            text, exp10 = text[:-1], -2
        value = scaled(text, exp10)
        if value == 0 and member in zero_is_none:
            continue
        out[field] = value
    return out


def compare(want, doc):
    """Mismatches between expected records by ticker and an envelope."""
    bad = []
    tickers = [r["Ticker"] for r in doc["data"]]
    if tickers != list(want):
        bad.append("tickers %s, not %s" % (tickers[:9], list(want)[:9]))
    for got in doc["data"]:
        record = want.get(got["Ticker"], {})
        for field in sorted((set(got) | set(record)) - OURS):
            a, b = got.get(field), record.get(field)
            if a != b or isinstance(a, str) != isinstance(b, str):
                bad.append("%s %s: %r, not %r" % (got["Ticker"], field, a, b))
            if a is not None and field in doc["missing_fields"]:
                bad.append("%s is in missing_fields" % field)
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


def says(*texts):
    """A failure whose error has these texts."""
    return lambda doc: failed(doc) + [
        "the error lacks %r: %s" % (t, doc["error"]) for t in texts
        if t not in (doc["error"] or "")]


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


def recorded(shared, source, refused, records):
    """A case for every recording of the source.  refused: (pattern, exit,
    text of the error) of those that are not read; records(name, text) ->
    records by ticker and the total."""
    folder = os.path.join(shared or "", "recordings", source)
    if not shared or not os.path.isdir(folder):
        yield ("recordings of " + source, [], None, 0, None, None, None)
        return
    known = statuses(folder)
    for name in sorted(os.listdir(folder)):
        if name == "MANIFEST.md":
            continue
        path = os.path.join(folder, name)
        argv = ["--source", source, "--status", str(known[name])]
        for pattern, exit_, text in refused:
            if re.search(pattern, name):
                yield (name, argv, path, exit_, 0,
                       "null" if text else 0, says(text) if text else empty)
                break
        else:
            with open(path, encoding="utf-8") as f:
                want, total = records(name, f.read())
            yield (name, argv, path, 0, len(want), total,
                   lambda doc, want=want: compare(want, doc))


# Bodies that no source of JSON takes: name, status, exit, body.
HOSTILE = [
    ("empty", 200, 65, b""),
    ("white space", 200, 65, b" \r\n"),
    ("html", 200, 65, b"<!DOCTYPE html><html></html>"),
    ("html with 503", 503, 69, b"<html>Will be right back...</html>"),
    ("html with 403", 403, 69, b"<html></html>"),
    ("html with 429", 429, 75, b"<html></html>"),
    ("text", 200, 65, b"nothing"),
    ("cut off", 200, 65, b'{"a":{"b":"c"'),
    ("two documents", 200, 65, b'{"a":1}{"a":1}'),
    ("NUL", 200, 65, b'{"a":1}\0'),
    ("NUL in a name", 200, 65, b'{"a\\u0000":1}'),
    ("number", 200, 65, b"1"),
    ("deep", 200, 65, b"[" * 100000),
    ("deep in a member", 200, 65, b'{"a":' + b"[" * 64 + b"]" * 64 + b"}"),
    ("million lists", 200, 65, b'{"a":[' + b"[]," * 1000000 + b"1]}"),
    ("nine megabytes", 200, 65, b'{"a":"' + b"x" * (9 << 20) + b'"}'),
]


def own(source, good, bad):
    """Cases of our own bodies: good (name, body, records, total), bad (name,
    status, exit, body)."""
    for name, body, want, total in good:
        yield ("own %s: %s" % (source, name), ["--source", source], body,
               0 if want else 66, len(want), total,
               lambda doc, want=want: compare(want, doc))
    for name, status, exit_, body in list(bad) + HOSTILE:
        yield ("own %s: %s" % (source, name),
               ["--source", source, "--status", str(status)], body, exit_, 0,
               "null", failed)
