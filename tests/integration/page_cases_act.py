"""What the buttons do."""
import json
import time

from selenium.webdriver.common.keys import Keys

from harness import wait_until
from page_kit import ROWS, TOKEN, changed_market, give_token, same


def absent_dataset_is_told_and_comes(w):
    b = w.settled()
    w.cli("FLUSHALL")
    w.forget()
    b.choose("#index", "DJIA")
    b.wait("/not cached|being fetched/i.test("
           "document.getElementById('notice').textContent)", "the word")
    same(b.js(ROWS), 0)
    # The task is lost, with all of Redis: there will be another.
    first = w.cli("ZRANGE", "stocknity:{default}:ready", "0", "-1")
    w.cli("FLUSHALL")
    wait_until(lambda: w.cli("ZRANGE", "stocknity:{default}:ready", "0", "-1")
               not in ("", first), "another task")
    w.drain()
    try:
        b.wait(ROWS + " === 30", "the table")
    finally:
        w.rest()


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


CASES = [
    absent_dataset_is_told_and_comes, refresh_leads_to_a_new_table,
    bad_token_is_refused_and_the_switch_works, no_token_sends_nothing,
    force_refresh_follows_every_task,
]
