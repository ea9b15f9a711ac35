"""What the page shows of the data and of the machine."""
import json
import os
import time

from selenium.webdriver.common.keys import Keys

from harness import run
from page_kit import ROWS, same


def loads_without_a_console_error(w):
    w.cli("FLUSHALL")
    w.fill_cache()
    w.forget()
    b = w.browser
    b.complaints()
    b.open("http://localhost:%d/" % w.port)
    b.wait(ROWS + " === 503", "the S&P 500")
    b.wait("document.querySelectorAll('#jobs tbody tr').length === 4",
           "the scheduler")
    b.wait("document.querySelectorAll('#datasets .cell.fresh').length === 24",
           "the datasets")
    same(b.complaints(), [])
    same(b.text("#data-title"), "S&P 500")
    assert b.js("document.querySelectorAll('#map .tile').length") > 480
    same(b.js("document.querySelectorAll('#map .group').length"), 11)
    same(b.text("#sources article h3"), "finviz")
    assert "breaker closed" in b.text("#sources"), b.text("#sources")
    same(b.text("#queue div dt"), "Pending")
    assert "503 companies from finviz" in b.text("#about"), b.text("#about")
    same(b.js("document.getElementById('risk').hidden"), True)


def sources_say_what_they_may(w):
    b = w.settled()
    b.wait("document.querySelectorAll('#sources article').length === 5", "them")
    texts = dict(zip(("finviz", "yahoo", "polygon", "alphavantage", "iex"),
                     b.js("[...document.querySelectorAll('#sources article')]"
                          ".map((a) => a.textContent)")))
    assert "1,000 calls a second at most" in texts["finviz"], texts
    assert "off" in texts["iex"] and "IEX_URL" in texts["iex"], texts
    assert "5 calls a minute at most" in texts["polygon"], texts
    assert "15 calls a minute at most" in texts["yahoo"], texts
    assert "1 call a second at most" in texts["alphavantage"], texts
    assert "25 of 25 calls left today" in texts["alphavantage"], texts
    assert "not asked yet" in texts["alphavantage"], texts
    assert "today" not in texts["finviz"], texts


def annual_returns_are_drawn_and_listed(w):
    w.cli("FLUSHALL")
    w.fill_cache()
    same(run("fetch", "--returns", "--index", "DJIA", env=w.env()).code, 0)
    b = w.browser
    b.open("http://localhost:%d/?index=DJIA" % w.port)
    b.wait("!document.getElementById('risk').hidden", "the picture")
    same(b.js("document.querySelectorAll('#scatter circle').length"), 30)
    assert "from yahoo (demo)" in b.text("#risk-about"), b.text("#risk-about")
    doc = json.loads(w.get("/api/annual-returns?index=DJIA").body)
    want = {r["Ticker"]: r for r in doc["data"]}
    for field, form in (("expected_annual_return", "%+.2f%%"),
                        ("expected_annual_risk", "%.2f%%")):
        for ticker, text in zip(b.column("Ticker"), b.column(field)):
            same(text.replace("−", "-"), form % (want[ticker][field] * 100), ticker)
    assert "annual returns: fresh, " in b.text("#datasets"), b.text("#datasets")
    ends = {a: [number(t) / 100 for t in b.js(
        "[...document.querySelectorAll('.axis text:not(.name)')].filter((e) => "
        "e.getAttribute('text-anchor') === arguments[0])"
        ".map((e) => e.textContent)", a)] for a in ("end", "middle")}
    beyond = sum(not min(ends["end"]) <= r["expected_annual_return"] <=
                 max(ends["end"]) or r["expected_annual_risk"] >
                 max(ends["middle"]) for r in doc["data"])
    words = "%d on the rim" % beyond
    assert beyond and words in b.text("#risk-about"), (ends, b.text("#risk-about"))
    # what falls lies below the line of zero, and what rises above it
    heights = b.js("""[...document.querySelectorAll('#scatter circle')].map((c) =>
        [c.classList[0], Number(c.getAttribute('cy')) - Number(
            document.querySelector('.axis .zero').getAttribute('y1'))])""")
    same({kind for kind, _ in heights}, {"up", "down"})
    for kind, below in heights:
        assert (below >= -0.01) if kind == "down" else (below <= 0.01), heights
    # another index has none
    b.choose("#index", "S&P 500")
    b.wait("document.getElementById('risk').hidden", "no picture")
    same(b.js("document.querySelectorAll('[data-field=expected_annual_risk]')"
              ".length"), 0)
    same(b.complaints(), [])


def filled_gaps_say_so(w):
    w.cli("FLUSHALL")
    r = run("fetch", "--index", "DJIA", "--fill=beta,peg",
            env=w.env(SOURCES="yahoo,finviz"))
    assert '"filled":{' in r.out, r
    b = w.browser
    b.open("http://localhost:%d/?index=DJIA" % w.port)
    b.wait("document.querySelector('#about .filled')", "the words")
    assert "gaps filled: peg" in b.text("#about") and \
        "from finviz" in b.text("#about .filled"), b.text("#about")
    b = w.settled("?index=DJIA")
    b.wait("document.querySelector('#about .filled') === null", "those without")


def demo_data_say_so(w):
    b = w.settled()
    same(b.text("#origin"), "Not live data: %s stands in for finviz." % w.url)
    same(b.js("document.getElementById('origin').hidden"), False)
    same(b.text("#about .pill.demo"), "demo")


def missing_is_a_dash_and_never_0(w):
    b = w.settled("?index=S%26P+500&sector=Technology")
    doc = json.loads(w.get("/api/stocks?sector=Technology").body)
    rows = {r["Ticker"]: r for r in doc["data"]}
    for field in ("price", "pe", "dividend", "beta", "Perf Year"):
        shown = dict(zip(b.column("Ticker"), b.column(field)))
        same(len(shown), len(rows))
        for ticker, text in shown.items():
            same(text == "–", rows[ticker][field] is None, (ticker, field))
        assert "–" in shown.values() or field == "price", field
    apple = rows["AAPL"]
    cells = {f: dict(zip(b.column("Ticker"), b.column(f)))["AAPL"]
             for f in ("price", "Change", "dividend", "Market Cap")}
    same(cells["price"], "%.2f" % apple["price"])
    same(cells["Change"], "%+.2f%%" % (apple["Change"] * 100)
         if apple["Change"] > 0 else "−%.2f%%" % -(apple["Change"] * 100))
    same(cells["dividend"], "%.2f%%" % (apple["dividend"] * 100))
    same(cells["Market Cap"], "%.2f T" % (apple["Market Cap"] / 1e12))
    caps = [r for r in rows.values() if r["Market Cap"]]
    small = min(caps, key=lambda r: r["Market Cap"])
    shown = dict(zip(b.column("Ticker"), b.column("Market Cap")))[small["Ticker"]]
    same((shown[-1], round(number(shown[:-2]))),
         ("B", round(small["Market Cap"] / 1e9)))
    # The map: area is market cap, colour is whether it rises.
    tiles = b.js("""[...document.querySelectorAll('#map .tile')].map((t) =>
        [t.dataset.ticker, t.offsetWidth * t.offsetHeight,
         Number(t.className.match(/ b(-?\\d)/)?.[1] ?? NaN)])""")
    by_area = [rows[t]["Market Cap"] for t, _, _ in
               sorted(tiles, key=lambda t: -t[1])[:5]]
    same(by_area, sorted((r["Market Cap"] for r in caps), reverse=True)[:5])
    for ticker, _, step in tiles:
        change = rows[ticker]["Change"]
        assert step is None if change is None else step * change >= 0, ticker
    same({step > 0 for _, _, step in tiles if step}, {True, False})


def number(text):
    return float(text.replace(",", "").replace("−", "-").rstrip("%"))


def sorts_with_the_keyboard(w):
    b = w.settled("?index=S%26P+500&sector=Any")
    same(b.js("document.querySelector('[data-field=\"Market Cap\"]')"
              ".getAttribute('aria-sort')"), "descending")
    for order in ("descending", "ascending"):
        b.js("document.querySelector('[data-field=pe] button').focus()")
        b.keys(Keys.ENTER)
        same(b.js("document.querySelector('[data-field=pe]')"
                  ".getAttribute('aria-sort')"), order)
        same(b.js("document.activeElement.parentElement.dataset.field"), "pe")
        cells = b.column("pe")
        known = [number(c) for c in cells if c != "–"]
        same(cells[len(known):], ["–"] * (len(cells) - len(known)))
        assert len(known) < len(cells), "no missing one to see"
        same(known, sorted(known, reverse=order == "descending"))
    same(b.js("document.querySelectorAll('[aria-sort]').length"), 1)


def filters_by_index_sector_and_text(w):
    b = w.settled()
    b.choose("#index", "DJIA")
    b.wait(ROWS + " === 30", "the DJIA")
    b.choose("#sector", "Technology")
    b.wait("document.getElementById('data-title').textContent === "
           "'DJIA, Technology'", "the sector")
    b.wait(ROWS + " < 30", "its rows")
    same(set(b.column("Sector")), {"Technology"})
    same(b.text("#map-title"), "Industry map")
    assert "sector=Technology" in b.js("location.search")
    b.choose("#sector", "Any")
    b.wait(ROWS + " === 30", "all sectors")
    b.find("#search").send_keys("apple")
    same(b.column("Ticker"), ["AAPL"])
    same(b.text("#count"), "1 of 30")
    same(b.complaints(), [])


def every_index_and_sector_is_offered(w):
    b = w.settled("?index=Any", "DJIA", "Any")
    parameters = json.loads(w.get("/api/openapi.json").body)[
        "paths"]["/api/stocks"]["get"]["parameters"]
    known = {p["name"]: p["schema"]["enum"] for p in parameters
             if p["name"] in ("index", "sector")}
    for name in ("index", "sector"):
        same(sorted(b.js("[...document.getElementById(arguments[0]).options]"
                         ".map((o) => o.value)", name)), sorted(known[name]))
    same(b.js("document.getElementById('index').value"), "Any")
    same(b.text("#data-title"), "All companies")
    assert b.js(ROWS) > 503, b.js(ROWS)


def what_is_wrong_can_be_read(w):
    b = w.settled("?index=DJIA", "DJIA")
    same(run("enqueue", "--pause", "a new disk", env=w.env()).code, 0)
    w.look()
    b.wait("!document.getElementById('paused').hidden", "the word")
    same(b.text("#why-paused"), "Paused: a new disk.")
    same(b.js("document.getElementById('checks').checkVisibility()"), False)
    b.click("#health")
    same(b.js("document.getElementById('checks').checkVisibility()"), True)
    same(b.js("document.getElementById('health').ariaExpanded"), "true")
    b.wait("document.getElementById('checks').textContent"
           ".includes('the queue is paused: a new disk')", "the reason")
    same(run("enqueue", "--resume", env=w.env()).code, 0)
    w.look()
    b.wait("document.getElementById('paused').hidden", "the end")
    same(b.text("#why-paused"), "")


def stale_data_say_so(w):
    b = w.settled()
    w.cli("FLUSHALL")
    r = run("fetch", "--index", "DJIA", env=w.env(CACHE_TTL="1"))
    same(r.code, 0, r)
    w.forget()
    end = time.monotonic() + 1.1
    b.choose("#index", "DJIA")
    b.wait(ROWS + " === 30", "the table")
    time.sleep(max(0, end - time.monotonic()))
    w.look()
    b.wait("document.querySelector('#about .pill.warn')?.textContent === 'stale'",
           "the word")
    w.forget()
    b.choose("#sector", "Energy")
    b.wait("document.getElementById('notice').textContent.startsWith('Stale')",
           "more words")
    w.fill_cache("DJIA")
    w.forget()
    w.look()
    b.wait("document.querySelector('#about .pill.warn') === null", "their end")
    same(b.text("#notice"), "")


def without_the_library_the_table_stands(w):
    lib = w.path("www/lib/d3-hierarchy.js")
    os.rename(lib, lib + ".off")
    try:
        b = w.settled()
        same(b.js(ROWS), 503)
        assert "library is missing" in b.text("#map"), b.text("#map")
    finally:
        os.rename(lib + ".off", lib)


CASES = [
    loads_without_a_console_error, sources_say_what_they_may,
    annual_returns_are_drawn_and_listed, filled_gaps_say_so,
    demo_data_say_so, missing_is_a_dash_and_never_0,
    sorts_with_the_keyboard, filters_by_index_sector_and_text,
    stale_data_say_so,
    every_index_and_sector_is_offered, what_is_wrong_can_be_read, without_the_library_the_table_stands,
]
