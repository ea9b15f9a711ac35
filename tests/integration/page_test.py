"""The page in a real Chromium, on the whole stack: what it shows, its buttons,
keyboard, phone, themes and contrast."""
import csv
import json
import os
import sys
import time

from selenium.webdriver.common.keys import Keys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from browser import Browser  # noqa: E402
from harness import BUILD, ROOT, main, program, run, wait_until  # noqa: E402
from web import Web  # noqa: E402

TOKEN = "a-good-token"
ROWS = "document.querySelectorAll('#table tbody tr').length"


def same(got, want, what=""):
    assert got == want, "%s: got %r, want %r" % (what, got, want)


class World(Web):
    def __init__(self):
        super().__init__(API_TOKEN=TOKEN, ALPHAVANTAGE_KEY="k",
                         SOURCES="finviz,yahoo,polygon,alphavantage")
        self.workers = None
        try:
            self.browser = Browser(self.dir)
        except BaseException:
            self.close()
            raise

    def settled(self, query=""):
        """A fresh page of filled datasets, and its browser."""
        self.cli("FLUSHALL")
        self.fill_cache()
        b = self.browser
        b.open("http://localhost:%d/%s" % (self.port, query))
        b.wait(ROWS + " > 0", "the table")
        b.complaints()
        return b

    def drain(self, **env):
        self.workers = self.spawn([program("drain-queue"), "--wait", "-t", "60"],
                                  self.env(**env))

    def rest(self):
        self.workers.terminate()
        self.workers.wait(10)

    def close(self):
        if getattr(self, "browser", None):
            self.browser.close()
        super().close()


def loads_without_a_console_error(w):
    w.cli("FLUSHALL")
    w.fill_cache()
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
    b.wait("document.querySelectorAll('#sources article').length === 4", "them")
    texts = dict(zip(("finviz", "yahoo", "polygon", "alphavantage"),
                     b.js("[...document.querySelectorAll('#sources article')]"
                          ".map((a) => a.textContent)")))
    assert "1,000 calls a second at most" in texts["finviz"], texts
    assert "off" in texts["polygon"] and "POLYGON_KEY" in texts["polygon"], texts
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


def absent_dataset_is_told_and_comes(w):
    b = w.settled()
    w.cli("FLUSHALL")
    time.sleep(3.1)  # nginx forgets, too
    b.choose("#index", "DJIA")
    b.wait("/not cached|being fetched/i.test("
           "document.getElementById('notice').textContent)", "the word")
    same(b.js(ROWS), 0)
    w.drain()
    try:
        b.wait(ROWS + " === 30", "the table")
    finally:
        w.rest()


def stale_data_say_so(w):
    b = w.settled()
    w.cli("FLUSHALL")
    r = run("fetch", "--index", "DJIA", env=w.env(CACHE_TTL="1"))
    same(r.code, 0, r)
    time.sleep(3.1)  # nginx forgets, too
    b.choose("#index", "DJIA")
    b.wait(ROWS + " === 30", "the table")
    same(b.text("#about .pill.warn"), "stale")


def changed_market(w):
    """A market where Apple costs 999.99."""
    path = w.path("companies.csv")
    with open(os.path.join(ROOT, "tests/upstream/companies.csv")) as f:
        rows = list(csv.DictReader(line for line in f
                                   if not line.startswith("#")))
    for row in rows:
        if row["ticker"] == "AAPL":
            row["price"] = "999.99"
    with open(path, "w") as f:
        out = csv.DictWriter(f, rows[0], lineterminator="\n")
        out.writeheader()
        out.writerows(rows)
    ports = w.path("market2.port")
    w.spawn([os.path.join(BUILD, "tests/market"), "--port", "0",
             "--port-file", ports, "--with-parent", "--companies", path])
    wait_until(lambda: os.path.exists(ports) and os.path.getsize(ports), "it")
    with open(ports) as f:
        return "http://127.0.0.1:%d" % int(f.read())


def give_token(b, token):
    b.wait("document.getElementById('ask').open", "the question")
    b.find("#token").send_keys(token, Keys.ENTER)


def refresh_leads_to_a_new_table(w):
    b = w.settled()
    b.choose("#index", "DJIA")
    b.wait(ROWS + " === 30", "the table")
    before = b.js("document.querySelector('#about time').dateTime")
    price = dict(zip(b.column("Ticker"), b.column("price")))
    assert price["AAPL"] != "999.99"
    time.sleep(1.1)
    w.drain(FINVIZ_URL=changed_market(w))
    try:
        b.js("sessionStorage.setItem('stocknity-token', arguments[0])", TOKEN)
        b.click("#refresh")
        b.wait("/done/.test(document.getElementById('notice').textContent)",
               "the end of the refresh", 40)
    finally:
        w.rest()
    after = b.js("document.querySelector('#about time').dateTime")
    assert after > before, (before, after)
    same(dict(zip(b.column("Ticker"), b.column("price"))),
         dict(price, AAPL="999.99"))
    same(b.complaints(), [])


def bad_token_is_refused_and_the_switch_works(w):
    b = w.settled()
    b.js("sessionStorage.clear()")
    b.wait("!document.getElementById('switch').disabled", "the switch")
    same(b.js("document.getElementById('switch').ariaChecked"), "true")
    b.click("#switch")
    same(b.js("document.getElementById('ask-bad').hidden"), True)
    give_token(b, "a-bad-token")
    b.wait("!document.getElementById('ask-bad').hidden", "the refusal")
    assert "refused" in b.text("#ask-bad"), b.text("#ask-bad")
    same(b.js("document.getElementById('switch').ariaChecked"), "true")
    same(b.js("sessionStorage.length"), 0)
    give_token(b, TOKEN)
    b.wait("document.getElementById('switch').ariaChecked === 'false'", "off")
    same(json.loads(w.get("/api/scheduler/status").body)["running"], False)
    same(b.js("localStorage.getItem('stocknity-token')"), None)
    b.click("#switch")  # not asked again
    b.wait("document.getElementById('switch').ariaChecked === 'true'", "on")
    same(json.loads(w.get("/api/scheduler/status").body)["running"], True)
    same(b.js("document.getElementById('ask').open"), False)


def no_token_sends_nothing(w):
    b = w.settled()
    b.js("sessionStorage.clear()")
    b.click("#refresh")
    b.wait("document.getElementById('ask').open", "the question")
    b.keys(Keys.ESCAPE)
    b.wait("/token/.test(document.getElementById('notice').textContent)", "word")
    same(w.cli("ZCARD", "stocknity:{default}:ready"), "0")


def force_refresh_follows_every_task(w):
    b = w.settled()
    b.js("sessionStorage.setItem('stocknity-token', arguments[0])", TOKEN)
    w.drain()
    try:
        b.click("#force")
        b.wait("/every index: done/.test("
               "document.getElementById('notice').textContent)", "the end", 40)
    finally:
        w.rest()
    same(w.cli("ZCARD", "stocknity:{default}:completed"), "2")


def works_by_keyboard_alone(w):
    b = w.settled()
    b.js("document.body.focus()")
    b.keys(Keys.TAB)
    same(b.js("document.activeElement.className"), "skip")
    seen = []
    for _ in range(40):
        b.keys(Keys.TAB)
        seen.append(b.js("document.activeElement.id || "
                         "document.activeElement.className"))
        outline = b.js("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", seen[-1]
        if seen[-1].startswith("tile"):
            break
    for name in ("theme", "index", "sector", "refresh", "colour"):
        assert name in seen, (name, seen)
    first = b.js("document.activeElement.dataset.ticker")
    b.keys(Keys.ARROW_RIGHT)
    second = b.js("document.activeElement.dataset.ticker")
    assert second and second != first, (first, second)
    assert second in b.text("#tip"), b.text("#tip")
    same(b.js("document.querySelectorAll('.tile[tabindex=\"0\"]').length"), 1)
    b.keys(Keys.ENTER)
    same(b.text("#table tr.here th"), second)
    b.keys(Keys.TAB)  # out of the map it goes on to the table, not to 500 tiles


def everything_has_a_name(w):
    b = w.settled()
    tree = b.cdp("Accessibility.getFullAXTree")["nodes"]
    roles = ("button", "combobox", "textbox", "searchbox", "switch", "link",
             "table", "region", "dialog", "figure", "columnheader")
    seen = set()
    for node in tree:
        role = node.get("role", {}).get("value")
        if node.get("ignored") or role not in roles:
            continue
        seen.add(role)
        assert node["name"].get("value"), node
    for role in ("button", "combobox", "searchbox", "switch", "table",
                 "columnheader"):
        assert role in seen, (role, seen)
    same(b.js("document.querySelector('#table caption') !== null"), True)


def fits_a_phone(w):
    b = w.browser
    for width in (375, 320):
        b.size(width, 740)
        try:
            b = w.settled()
            time.sleep(0.5)
            wide = b.js("document.documentElement.scrollWidth")
            same(wide, width)
            over = b.js("""[...document.querySelectorAll('body *')].filter((e) =>
                !e.closest('.scroll, .tiles, .unseen, .skip, dialog, .tip') &&
                e.getBoundingClientRect().right > innerWidth + 1)
                .map((e) => e.id || e.className || e.tagName)""")
            same(over, [])
            assert b.js("document.querySelectorAll('#map .tile b').length") > 10
        finally:
            b.size(1440, 1000)


def does_not_jump(w):
    b = w.settled()
    for width in (1440, 375):
        b.size(width, 900)
        b.open("http://localhost:%d/" % w.port)
        b.wait(ROWS + " > 0", "the table")
        time.sleep(1)
        shift = b.driver.execute_async_script("""
            const done = arguments[0]; let sum = 0;
            const what = [];
            new PerformanceObserver((list) => {
                for (const e of list.getEntries()) {
                    sum += e.value;
                    for (const s of e.sources)
                        what.push(s.node?.id || s.node?.className);
                }
            }).observe({type: "layout-shift", buffered: true});
            setTimeout(() => done([sum, what]), 300);""")
        assert shift[0] < 0.1, (width, shift)
    b.size(1440, 1000)


CONTRAST = """(() => {
    const part = (c) => { c /= 255; return c <= .03928 ? c / 12.92
        : ((c + .055) / 1.055) ** 2.4; };
    const light = ([r, g, b]) => .2126 * part(r) + .7152 * part(g) + .0722 * part(b);
    const rgb = (t) => (t.match(/[\\d.]+/g) ?? []).map(Number);
    const ground = (e) => { for (; e; e = e.parentElement) {
        const c = rgb(getComputedStyle(e).backgroundColor);
        if (c.length === 3 || c[3] === 1) return c; } return [255, 255, 255]; };
    const bad = [];
    for (const e of document.querySelectorAll('body *')) {
        const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
        if (!own || !e.checkVisibility() || e.closest('.unseen, .bx, svg, option'))
            continue;
        const [a, b] = [light(rgb(getComputedStyle(e).color)), light(ground(e))];
        const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
        if (ratio < 4.5)
            bad.push([e.className || e.tagName, e.textContent.slice(0, 20), ratio]);
    }
    return bad; })()"""


def contrast_is_enough_in_both_themes(w):
    b = w.browser
    try:
        for scheme in ("light", "dark"):
            b.scheme(scheme)
            b = w.settled()
            same(b.js("document.documentElement.dataset.theme"), "auto")
            dark = b.js("getComputedStyle(document.body).backgroundColor")
            same(sum(map(int, dark[4:-1].split(","))) < 200, scheme == "dark")
            same(b.js(CONTRAST), [], scheme)
        b.scheme("light")
        b.click("#theme")
        b.click("#theme")
        same(b.js("document.documentElement.dataset.theme"), "dark")
        same(b.js(CONTRAST), [])
        b.driver.refresh()
        same(b.js("document.documentElement.dataset.theme"), "dark", "kept")
    finally:
        b.js("localStorage.clear()")
        b.scheme("light")


def survives_a_redis_that_goes(w):
    b = w.settled()
    w.stop_redis()
    try:
        time.sleep(3.1)
        b.choose("#sector", "Energy")
        b.wait("document.getElementById('notice').className.includes('bad')",
               "the word")
        b.wait("document.getElementById('health').textContent === 'down'", "it")
    finally:
        os.unlink(w.socket) if os.path.exists(w.socket) else None
        w.start_redis()
    w.fill_cache()
    b.choose("#sector", "Any")
    b.wait(ROWS + " === 503", "the way back")
    b.wait("document.getElementById('health').textContent !== 'down'", "it")
    b.complaints()


def without_the_library_the_table_stands(w):
    lib = w.path("www/lib/d3-hierarchy.js")
    os.rename(lib, lib + ".off")
    try:
        b = w.settled()
        same(b.js(ROWS), 503)
        assert "library is missing" in b.text("#map"), b.text("#map")
    finally:
        os.rename(lib + ".off", lib)


TESTS = [
    loads_without_a_console_error, sources_say_what_they_may,
    annual_returns_are_drawn_and_listed, filled_gaps_say_so, demo_data_say_so,
    missing_is_a_dash_and_never_0, sorts_with_the_keyboard,
    filters_by_index_sector_and_text, absent_dataset_is_told_and_comes,
    stale_data_say_so, refresh_leads_to_a_new_table,
    bad_token_is_refused_and_the_switch_works, no_token_sends_nothing,
    force_refresh_follows_every_task, works_by_keyboard_alone,
    everything_has_a_name, fits_a_phone, does_not_jump,
    contrast_is_enough_in_both_themes, survives_a_redis_that_goes,
    without_the_library_the_table_stands,
]

if __name__ == "__main__":
    main(TESTS, World)
