"""Cases of the source Finviz for golden.py: recordings and hostile bodies."""
import glob
import os

import finviz_oracle as oracle

HERE = os.path.dirname(os.path.abspath(__file__))
FINVIZ = ["--source", "finviz"]

# Recording (a pattern), status, exit, count, total: as in its MANIFEST.
RECORDINGS = [
    ("2020-10-v110-*", 200, 0, 20, 87),
    ("2021-05-too-many-requests.txt", 200, 75, None, None),
    ("2021-05-too-many-requests.txt", 429, 75, None, None),
    ("2021-05-too-many-requests.txt", 503, 75, None, None),
    ("2021-05-v1?0-*-unusualvolume-p1.html", 200, 0, 20, 31),
    ("2021-05-v1?0-*-unusualvolume-p2.html", 200, 0, 11, 31),
    ("2021-05-v140-*-topgainers-p[1-8].html", 200, 0, 20, 164),
    ("2021-05-v140-*-topgainers-p9.html", 200, 0, 4, 164),
    ("2021-05-v2*", 200, 65, None, None),
    ("2021-05-v3*", 200, 65, None, None),
    ("2021-06-v[45]10-*", 200, 65, None, None),
    ("2023-02-v161-financial-elite.csv", 200, 0, 3157, 3157),
    ("2023-07-v111-*", 200, 0, 20, 146),
    ("2025-03-*-truncated-head.html", 200, 65, None, None),
    ("2025-06-v111-overview-elite50-p1.html", 200, 0, 50, 10188),
    ("2025-08-v152-custom66-elite.csv", 200, 0, 10377, 10377),
    ("2025-10-v161-financial-pastend-168.html", 200, 66, 0, 168),
    ("2025-10-v161-financial-pastend-216.html", 200, 66, 0, 216),
    ("2025-10-v161-financial-pastend-94.html", 200, 66, 0, 94),
    ("2026-01-v152-custom17-elite.csv", 200, 0, 379, 379),
    ("2026-03-v111-*", 200, 0, 20, 899),
    ("2026-05-v152-custom-technology-p1.html", 200, 0, 20, 779),
    ("2026-05-v152-custom-technology-p1.html", 503, 69, None, None),
    ("2026-05-v152-custom-technology-p1.html", 403, 69, None, None),
    ("2026-07-v111-*-fragment.html", 200, 0, 2, "null"),
    ("derived/2026-05-v152-custom-empty.html", 200, 66, 0, 0),
    ("derived/2026-07-v152-custom-technology-p1.html", 200, 0, 20, 779),
]

WHOLE = {
    "A": {"Company": "Agilent Technologies Inc", "Market Cap": 33830000000,
          "pe": 29.38, "price": 119.11, "Change": 0, "Volume": 1734703},
    "AA": {"Market Cap": 7360000000, "pe": None, "price": 28.47,
           "Change": -0.0351, "Volume": 9417453},
    "AAPL": {"Company": "Apple & Sons &amp; Co", "Market Cap": 4374480000000,
             "price": 297.84, "Change": 0.0706, "Volume": 34422117},
    "BRK-B": {"Market Cap": 1050000000000, "price": 480.1, "Volume": 374},
}
ELITE = {
    "A": {"Company": 'Agilent, "the" Inc', "Market Cap": 33834950000,
          "Avg Volume": 1831240, "Change": 0, "Volume": 0,
          "Earnings": "8/27/2025 4:30:00 PM", "Sector": None},
    "AA": {"Market Cap": None, "pe": None, "Avg Volume": 9417453,
           "price": None},
}

# Fixture, exit, count, total, what its records must hold.
FIXTURES = [
    ("whole.html", 0, 4, 4, WHOLE),
    ("reordered.html", 0, 4, 4, WHOLE),
    ("shuffled.html", 0, 4, 4, WHOLE),
    ("no-ts.html", 0, 4, 4, WHOLE),
    ("upper-case-header.html", 0, 4, 4, WHOLE),
    ("header-in-cells.html", 0, 4, 4, WHOLE),
    ("advertisement-row.html", 0, 4, 4, WHOLE),
    ("duplicate-column.html", 0, 4, 4, WHOLE),
    ("unknown-columns.html", 0, 4, 4, WHOLE),
    ("ticker-by-link-text.html", 0, 4, 4, WHOLE),
    ("ticker-by-href.html", 0, 4, 4, WHOLE),
    ("two-counts-equal.html", 0, 4, 4, WHOLE),
    ("count-2021.html", 0, 4, 4, WHOLE),
    ("count-commas.html", 0, 4, 10188, WHOLE),
    ("no-count.html", 0, 4, "null", WHOLE),
    ("renamed-price.html", 0, 4, 4, {"AAPL": {"price": None, "pe": 36.03}}),
    ("no-break-spaces.html", 0, 4, 4, {"AAPL": {"Company": "Apple Inc"}}),
    ("latin-1.html", 0, 4, 4, {"AAPL": {"price": 297.84}}),
    ("utf-8.html", 0, 4, 4, {"AAPL": {"Company": "Est\u00e9e \u65e5"}}),
    ("elite.csv", 0, 2, 2, ELITE),
    ("elite-bom-lf.csv", 0, 2, 2, ELITE),
    ("elite-quoted.csv", 0, 1, 1, {"A": ELITE["A"]}),
    ("zero-total.html", 66, 0, 0, None),
    ("zero-total-2021.html", 66, 0, 0, None),
    ("empty-mark.html", 66, 0, 0, None),
    ("past-the-end.html", 66, 0, 4, None),
    ("elite-header-only.csv", 66, 0, 0, None),
] + [(name, 65, None, None, None) for name in """
    empty.html blank.html no-table.html server-error.html
    cut-head.html cut-in-row.html cut-in-tag.html cut-between-rows.html
    cut-in-comment.html ts-lists-more.html rows-gone.html short-page.html
    renamed-ticker.html renamed-number.html
    row-too-short.html row-too-long.html table-in-row.html
    missing-number.html first-row-lost.html duplicate-number.html
    duplicate-ticker.html number-is-text.html number-past-total.html
    figure-text.html figure-nan.html figure-inf.html figure-hex.html
    figure-overflow.html figure-exponent.html figure-two-points.html
    figure-commas.html figure-without-percent.html
    ticker-control-byte.html ticker-control-reference.html ticker-nul.html ticker-lower-case.html
    ticker-too-long.html cell-too-long.html
    two-counts-differ.html count-garbled.html zero-total-with-rows.html
    table-without-count.html
    elite-short-row.csv elite-open-quote.csv elite-twice.csv elite-nan.csv
    elite-no-ticker.csv elite-control-byte.csv""".split()]

# Fixture, status, exit: refusals, whatever the status.
REFUSALS = [(name, status, status_exit) for name, status_exit in (
    ("challenge.html", 69), ("captcha.html", 69), ("access-denied.html", 69),
    ("error-1010.txt", 69), ("error-1015.txt", 75), ("too-many.txt", 75),
    ("too-many-lines.txt", 75)) for status in (200, 403, 429, 503)] + [
    ("login.html", 200, 69), ("elite-page.html", 200, 69),
    ("whole.html", 401, 69), ("whole.html", 403, 69), ("whole.html", 404, 69),
    ("whole.html", 429, 75), ("whole.html", 999, 75), ("whole.html", 500, 69),
    ("server-error.html", 502, 69)]

TABLE = b"<table><tr><td>No.</td><td>Ticker</td>"
ROW = b'<tr><td>%d</td><td>T%d</td><td>1.5</td></tr>'


def huge():
    """Bodies too large to keep: (name, body, exit, count)."""
    mib = 1 << 20
    rows = b"".join(ROW % (i, i) for i in range(1, 20002))
    yield "10^6 columns in the header", TABLE + b"<td>x</td>" * 10**6, 65, None
    yield ("10^6 columns in a row", TABLE + b"</tr><tr>" + b"<td>1" * 10**6
           + b"</table>", 65, None)
    yield "10^6 nested elements", b"<div>" * 10**6 + b"</i>" * 10**6, 65, None
    yield "10^5 nested tables", b"<table><tr><td>" * 10**5, 65, None
    yield ("10^6 attributes", b"<a " + b"".join(b"x%d " % i for i in
           range(10**6)) + b">", 65, None)
    yield "10^6 attributes in each of many discarded tags", b"<html>" + (
        b"<html " + b"".join(b"y%d " % i for i in range(5000)) + b">") * 200, \
        65, None
    yield "an attribute of 8 MiB", b'<a href="' + b"x" * (8 * mib), 65, None
    yield "a comment of 8 MiB", b"<!--" + b"-" * (8 * mib), 65, None
    yield "a text of 8 MiB", b"<p>" + b"x" * (8 * mib), 65, None
    yield "8 MiB of <", b"<" * (8 * mib), 65, None
    yield "8 MiB of &", b"&" * (8 * mib), 65, None
    yield "8 MiB of NUL", b"\0" * (8 * mib), 65, None
    yield "8 MiB of <tr>", TABLE + b"<tr>" * (2 * mib), 65, None
    yield "8 MiB of unclosed <b>", b"<b>" * (8 * mib // 3), 65, None
    yield "8 MiB of stray </p>", b"</p>" * (2 * mib), 65, None
    yield "a cell of 8 MiB", TABLE + b"<td>P/E</tr><tr><td>1<td>A<td>" + \
        b"1" * (8 * mib) + b"</table>", 65, None
    yield "20001 rows", TABLE + b"<td>P/E</td></tr>" + rows + b"</table>", \
        65, None
    yield "20000 rows", TABLE + b"<td>P/E</td></tr>" + \
        rows[:rows.rindex(b"<tr>")] + b"</table>", 0, 20000
    yield "8 MiB of open quotes in CSV", b'Ticker\n"' + b'""' * (4 * mib), \
        65, None
    yield "10^6 columns in CSV", b"Ticker," * 10**6 + b"\n", 65, None


def holds(want):
    """A check that the records hold these values."""
    def check(document):
        got = {r["Ticker"]: r for r in document["data"]}
        if want is None:
            return []
        if len(want) == len(got) and set(want) != set(got):
            return [f"tickers {sorted(got)}"]
        return [f"{t} {name}: {got[t][name]!r}, not {value!r}"
                for t, values in want.items() for name, value in values.items()
                if got[t][name] != value]
    return check


def agrees(path, contract):
    """A check against the other reading."""
    def check(document):
        read = oracle.export if path.endswith(".csv") else oracle.page
        have, records = read(path, contract)
        return oracle.compare(document, have, records, contract)
    return check


def recorded(shared):
    folder = os.path.join(shared, "recordings", "finviz")
    contract = oracle.Contract(os.path.join(shared, "data", "fields.csv"))
    for pattern, status, code, count, total in RECORDINGS:
        paths = sorted(glob.glob(os.path.join(folder, pattern)))
        if not paths:
            yield (f"finviz {pattern}: no such recording", [], b"", -1, None,
                   None, None)
        for path in paths:
            yield (f"finviz {os.path.basename(path)} {status}",
                   FINVIZ + ["--status", str(status)], path, code, count,
                   total, agrees(path, contract) if code == 0 else None)


def cases(shared):
    if shared is None:
        for pattern, *_ in RECORDINGS:
            yield "finviz " + pattern, FINVIZ, None, 0, None, None, None
    else:
        yield from recorded(shared)
    fixtures = os.path.join(HERE, "fixtures")
    for name, code, count, total, want in FIXTURES:
        yield ("finviz " + name, FINVIZ, os.path.join(fixtures, name), code,
               count, total, holds(want))
    for name, status, code in REFUSALS:
        yield (f"finviz {name} {status}", FINVIZ + ["--status", str(status)],
               os.path.join(fixtures, name), code, None, None, None)
    for name, body, code, count in huge():
        yield "finviz " + name, FINVIZ, body, code, count, None, None
