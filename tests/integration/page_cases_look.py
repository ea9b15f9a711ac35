"""Keyboard, names, phone, themes and contrast."""
from selenium.webdriver.common.keys import Keys

from harness import run
from page_kit import ROWS, same


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
    """Also when jobs have run and things have failed: with returns, errors and
    words that are long and have no space."""
    w.cli("FLUSHALL")
    w.fill_cache("S&P 500", "DJIA", "Any")
    same(run("fetch", "--returns", "--index", "DJIA", env=w.env()).code, 0)
    for job in ("daily", "hourly", "weekly", "warm"):
        run("schedule", "run", job, env=w.env())
    w.post("/_/faults", "kind=500 path=/screener\n")
    for _ in range(5):
        run("fetch", "--index", "DJIA", "--refresh", env=w.env(SOURCES="finviz"))
    w.post("/_/reset")
    run("enqueue", "--pause", "x" * 64, env=w.env())
    w.forget()
    b = w.browser
    try:
        b.size(375, 740)
        b.open("http://localhost:%d/?index=DJIA" % w.port)
        b.wait("!document.getElementById('risk').hidden && "
               "document.querySelectorAll('#jobs tbody tr').length === 4 && "
               "!document.getElementById('why-paused').hidden && "
               "document.querySelector('#sources .bad')", "all of it")
        b.click("#health")
        b.js("document.querySelector('summary').focus()")
        assert b.js("document.activeElement.getBoundingClientRect().bottom <= "
                    "document.getElementById('origin').getBoundingClientRect()"
                    ".top"), "the focus is hidden"
        b.keys(Keys.ENTER)
        b.js("document.getElementById('notice').textContent = 'x'.repeat(200)")
        for width in (375, 320):
            b.size(width, 740)
            b.wait("document.querySelector('#scatter svg').clientWidth <= "
                   "document.getElementById('scatter').clientWidth", "the width")
            same(b.js("document.documentElement.scrollWidth"), width)
            same(b.js("""[...document.querySelectorAll('body *')].filter((e) =>
                !e.closest('.scroll, .tiles, .unseen, .skip, dialog, .tip') &&
                e.getBoundingClientRect().right > arguments[0] + 1)
                .map((e) => e.id || e.className || e.tagName)""", width), [])
            same(b.js("""[...document.querySelectorAll('#legend li, .pill, .plain td,'
                + ' .plain th, .figures dd')].filter((e) =>
                e.scrollWidth > e.clientWidth + 1).map((e) => e.textContent)"""),
                 [], width)
            marks_are_whole(b)
        assert b.js("document.querySelectorAll('#map .tile b').length") > 10
    finally:
        b.size(1440, 1000)
    b.wait("document.getElementById('scatter').clientWidth > 700", "the window")
    marks_are_whole(b)


def marks_are_whole(b):
    same(b.js("""(() => { const out = document.getElementById('scatter')
        .getBoundingClientRect();
        return [...document.querySelectorAll('#scatter :is(circle, text)')]
        .filter((e) => { const r = e.getBoundingClientRect();
            return r.left < out.left || r.right > out.right || r.top < out.top
                || r.bottom > out.bottom; }).map((e) => e.outerHTML); })()"""), [])


def does_not_jump(w):
    b = w.settled()
    for width in (1440, 375):
        b.size(width, 900)
        b.open("http://localhost:%d/" % w.port)
        b.wait(ROWS + " > 0 && "
               "document.querySelectorAll('#jobs tbody tr').length === 4 && "
               "document.querySelector('#datasets article') && "
               "document.querySelector('#sources article') && "
               "document.querySelector('#queue div')", "all of it")
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
            requestAnimationFrame(() => setTimeout(() => done([sum, what]), 200));""")
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


CASES = [
    works_by_keyboard_alone, everything_has_a_name, fits_a_phone,
    does_not_jump, contrast_is_enough_in_both_themes,
]
