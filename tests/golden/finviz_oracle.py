"""Finviz bodies read a second way: lxml's tree and Python's csv.

Shares nothing with the program but the contract of the fields, fields.csv.
"""
import csv
import io
import re

from lxml import html

SUFFIX = {"%": "e-2", "K": "e3", "M": "e6", "B": "e9", "T": "e12"}
EPOCH_ONLY = ("Index", "Last_Updated")


class Contract:
    def __init__(self, path):
        with open(path, newline="") as f:
            rows = list(csv.DictReader(f))
        self.types = {r["json_name"]: r["type"] for r in rows}
        self.elite = {r["json_name"]: r["elite_scale"].replace("1e", "e")
                      for r in rows}
        self.by_header = {}
        for r in rows:
            for alias in r["header_aliases"].split("|"):
                self.by_header[alias.strip().lower()] = r["json_name"]

    def value(self, name, text, elite=False):
        """The text of a cell as JSON has it."""
        text = " ".join(text.replace("\xa0", " ").split())
        if text in ("", "-"):
            return None
        kind = self.types[name]
        if kind == "text":
            return text
        if kind == "date":
            month, day, year = text.split("/")
            return "%04d-%02d-%02d" % (int(year), int(month), int(day))
        scale = SUFFIX.get(text[-1])
        digits = text[:-1] if scale else text
        if scale is None:
            scale = self.elite[name] if elite else ""
        return float(digits.replace(",", "") + scale)


def collapse(element):
    return " ".join("".join(element.itertext()).replace("\xa0", " ").split())


def ts_lines(body):
    found = re.search(rb"<!-- TS\s*(.*?)TE -->", body, re.S)
    if found is None:
        return None
    return [line.split("|") for line in found.group(1).decode().split("\n")
            if line.strip()]


def ticker_of(cell):
    if cell.get("data-boxover-ticker"):
        return cell.get("data-boxover-ticker")
    for kind in ("tab-link", "screener-link-primary"):
        for link in cell.iter("a"):
            if kind in (link.get("class") or "").split():
                return collapse(link)
    raise ValueError("no ticker")


def page(path, contract):
    """(fields the page has, its records in order) of an HTML page."""
    with open(path, "rb") as f:
        body = f.read()
    tree = html.fromstring(body, parser=html.HTMLParser(encoding="utf-8"))
    columns, records = None, []
    for row in tree.iter("tr"):
        if row.find(".//table") is not None:
            continue
        cells = row.findall("td") + row.findall("th")
        texts = [collapse(c) for c in cells]
        if columns is None:
            if "No." in texts and "Ticker" in texts:
                columns = [contract.by_header.get(t.lower()) for t in texts]
                table = next(row.iterancestors("table"), None)
            continue
        if next(row.iterancestors("table"), None) is not table:
            continue
        assert len(cells) == len(columns), texts
        record = {}
        for name, cell, text in zip(columns, cells, texts):
            if name == "Ticker":
                record[name] = ticker_of(cell)
            elif name is not None and name not in record:
                record[name] = contract.value(name, text)
        records.append(record)
    lines = ts_lines(body)
    if lines is not None:
        assert [r["Ticker"] for r in records] == [x[0] for x in lines]
        for record, (_, price, volume) in zip(records, lines):
            record["price"] = float(price)
            record["Volume"] = float(volume)
            # Views without these columns have them in the comment alone.
            for name in ("price", "Volume"):
                if name not in columns:
                    del record[name]
    return {c for c in columns if c}, records


def export(path, contract):
    """The same of an Elite export."""
    with open(path, encoding="utf-8-sig", newline="") as f:
        rows = list(csv.reader(io.StringIO(f.read())))
    columns = [contract.by_header.get(h.lower()) for h in rows[0]]
    records = []
    for row in rows[1:]:
        records.append({n: contract.value(n, text, True)
                        for n, text in zip(columns, row) if n})
    return {c for c in columns if c}, records


def compare(document, have, records, contract):
    """What of a document does not agree, cell by cell."""
    out = []
    missing = {n for n in contract.types if n not in have}
    if set(document["missing_fields"]) != missing:
        out.append("missing_fields " + str(sorted(
            set(document["missing_fields"]) ^ missing)))
    if len(records) != len(document["data"]):
        out.append(f"{len(records)} records by the oracle")
    for want, got in zip(records, document["data"]):
        names = set(got) - set(EPOCH_ONLY)
        if names != set(contract.types):
            out.append(f"fields {sorted(names ^ set(contract.types))}")
        for name in contract.types:
            if got.get(name, "absent") != want.get(name):
                out.append(f"{want['Ticker']} {name}: {got.get(name)!r}, "
                           f"not {want.get(name)!r}")
    return out
