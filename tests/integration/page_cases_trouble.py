"""What the page does when something is away, refused or failed: it says so, tries
again when it may, and takes its words back when their cause has gone."""
import os

from selenium.webdriver.common.keys import Keys

from harness import run
from page_kit import ROWS, TOKEN, give_token, same

NOTICE = "document.getElementById('notice')"
BAD = NOTICE + ".className.includes('bad')"
HEALTH = "document.getElementById('health').textContent"
TOKEN_IS = "sessionStorage.setItem('stocknity-token', arguments[0])"


def says(b, words, seconds=20):
    b.wait("%s.textContent.includes(%r)" % (NOTICE, words), words, seconds)


def asked(b, times):
    """When the page has asked for its dataset, in milliseconds: so many times."""
    when = ("performance.getEntriesByType('resource').filter((e) => "
            "e.name.includes('/api/stocks')).map((e) => e.startTime)")
    b.wait("%s.length === %d" % (when, times), "%d calls" % times)
    return b.js(when)


def hasty(b):
    """What is shown to be read is shown for a moment only."""
    b.js("""(() => { const real = setTimeout;
        window.setTimeout = (f, ms) => real(f, ms === 10000 ? 50 : ms); })()""")


def a_limit_is_waited_for(w):
    b = w.settled("?index=DJIA", "DJIA")
    b.wait(HEALTH + " !== 'connecting'", "the health")
    health = b.js(HEALTH)
    with w.refuses("limited"):
        b.choose("#sector", "Energy")
        says(b, "too many requests")
        same((b.js(BAD), b.js(ROWS)), (True, 0))
        w.look()
        b.js("new Promise((r) => setTimeout(r, 300))")
        same(b.js(HEALTH), health, "a 429 is not the server's health")
    b.wait(ROWS + " > 0", "the way back")
    same(b.js(BAD), False)


def retry_after_is_honoured(w):
    b = w.settled("?index=DJIA", "DJIA")
    asked(b, 1)
    with w.refuses("away"):
        b.choose("#sector", "Energy")
        says(b, "the server answers 503")
    b.wait(ROWS + " > 0", "the way back")
    _, first, second = asked(b, 3)
    assert 2900 < second - first < 4500, (first, second)
    same(b.js(BAD), False)


def comes_back_by_itself(w, away, back):
    b = w.settled()
    away()
    try:
        w.forget()
        b.choose("#sector", "Energy")
        b.wait(BAD, "the word")
        w.look()
        b.wait("['down', 'unreachable'].includes(%s)" % HEALTH, "it")
    finally:
        back()
    b.wait(ROWS + " > 0", "the way back")
    same(set(b.column("Sector")), {"Energy"})
    same(b.js(BAD), False)
    b.wait("!['down', 'unreachable'].includes(%s)" % HEALTH, "health")
    b.complaints()


def survives_a_redis_that_goes(w):
    def back():
        if os.path.exists(w.socket):
            os.unlink(w.socket)
        w.start_redis()
        w.fill_cache()
    comes_back_by_itself(w, w.stop_redis, back)


def survives_an_api_that_goes(w):
    comes_back_by_itself(w, w.stop_api, w.start_api)


def failed_fetch_of_an_absent_dataset_is_told(w):
    b = w.settled("?index=DJIA", "DJIA")
    w.fresh("kind=500")
    w.forget()
    w.drain(TASK_MAX_ATTEMPTS="1")
    try:
        b.choose("#sector", "Energy")
        says(b, "their fetch failed: ")
        same(b.js(BAD), True)
        assert "HTTP status" in b.text("#notice"), b.text("#notice")
        # It is not tried again until somebody says so.
        w.look()
        b.wait("document.getElementById('queue').textContent.includes('Failed1')",
               "a look at the queue")
        same(w.cli("ZCARD", "stocknity:{default}:failed"), "1")
    finally:
        w.rest()
        w.fresh()
    # What somebody else has fetched shows, and the word goes.
    w.fill_cache("DJIA")
    w.look()
    b.wait(ROWS + " > 0", "the data")
    same(b.js(BAD), False)


def a_failed_refresh_is_told_until_there_are_newer_data(w):
    b = w.settled("?index=DJIA", "DJIA")
    b.js(TOKEN_IS, TOKEN)
    hasty(b)
    w.post("/_/faults", "kind=500\n")
    w.drain(TASK_MAX_ATTEMPTS="1")
    try:
        b.click("#refresh")
        says(b, "failed: ")
    finally:
        w.rest()
        w.post("/_/reset")
    w.look()
    b.js("new Promise((r) => setTimeout(r, 300))")
    same((b.js(BAD), "failed" in b.text("#notice")), (True, True))
    w.cli("DEL", "stocknity:guard:{finviz}")
    same(run("fetch", "--index", "DJIA", "--refresh", env=w.env()).code, 0)
    w.forget()
    w.look()
    b.wait("!" + BAD, "the end of the word")
    same(b.text("#notice"), "")


def an_index_that_nobody_keeps_is_told(w):
    b = w.settled("?index=DJIA", "DJIA")
    b.js("sessionStorage.clear()")
    b.choose("#index", "NASDAQ 100")
    says(b, "Refresh asks for it")
    w.fill_cache("NASDAQ 100")
    w.look()
    b.wait(ROWS + " > 0", "the data")
    same(b.text("#notice"), "")
    # Who may write may have any of them fetched by looking.
    b.js(TOKEN_IS, TOKEN)
    b.choose("#index", "RUSSELL 2000")
    says(b, "not cached yet")
    same(w.cli("ZCARD", "stocknity:{default}:ready"), "1")


def a_refresh_is_followed_through_trouble(w):
    b = w.settled("?index=DJIA", "DJIA")
    b.js(TOKEN_IS, TOKEN)
    b.click("#refresh")
    says(b, "pending")
    with w.refuses("away"):
        says(b, "it is asked again")
    w.drain()
    try:
        says(b, "done", 30)
    finally:
        w.rest()


def returns_are_asked_for_again(w):
    b = w.settled("?index=DJIA", "DJIA")
    b.wait("document.querySelector('#datasets article')", "a look")
    with w.refuses("no-returns"):
        same(run("fetch", "--returns", "--index", "DJIA", env=w.env()).code, 0)
        w.look()
        b.wait("document.getElementById('datasets').textContent"
               ".includes('annual returns')", "them")
        b.wait("performance.getEntriesByType('resource').some((e) => "
               "e.name.includes('annual-returns') && e.responseEnd > 0)", "the no")
        same(b.js("document.getElementById('risk').hidden"), True)
    w.look()
    b.wait("!document.getElementById('risk').hidden", "the picture")


def words_go_when_they_are_old(w):
    b = w.settled("?index=DJIA", "DJIA")
    hasty(b)
    b.js("sessionStorage.clear()")
    b.click("#refresh")
    b.wait("document.getElementById('ask').open", "the question")
    b.js("""(() => { const e = document.getElementById('notice');
        window.seen = [];
        new MutationObserver(() => window.seen.push(e.textContent))
            .observe(e, {childList: true}); })()""")
    b.keys(Keys.ESCAPE)
    b.wait("window.seen.length > 1", "the words, and their end")
    assert "needs the token" in b.js("window.seen[0]"), b.js("window.seen")
    same(b.text("#notice"), "")
    same(b.js("document.getElementById('refresh').ariaDisabled"), None)


def two_buttons_ask_for_one_token(w):
    b = w.settled("?index=DJIA", "DJIA")
    b.js("sessionStorage.clear()")
    b.wait("!document.getElementById('switch').disabled", "the switch")
    b.js("['refresh', 'switch'].forEach((id) => "
         "document.getElementById(id).click())")
    give_token(b, TOKEN)
    w.drain()
    try:
        b.wait("document.getElementById('switch').ariaChecked === 'false'", "off")
        says(b, "done", 30)
    finally:
        w.rest()
    b.wait("document.querySelectorAll('[aria-disabled]').length === 0", "rest")


def a_token_that_grew_old_is_asked_for_anew(w):
    b = w.settled("?index=DJIA", "DJIA")
    b.js(TOKEN_IS, "the-token-of-last-year")
    b.wait("!document.getElementById('switch').disabled", "the switch")
    b.click("#switch")
    give_token(b, TOKEN)
    b.wait("document.getElementById('switch').ariaChecked === 'false'", "off")
    same(b.js("sessionStorage.getItem('stocknity-token')"), TOKEN)
    same(b.js(BAD), False)


CASES = [
    a_limit_is_waited_for, retry_after_is_honoured, survives_a_redis_that_goes,
    survives_an_api_that_goes, failed_fetch_of_an_absent_dataset_is_told,
    a_failed_refresh_is_told_until_there_are_newer_data,
    an_index_that_nobody_keeps_is_told, a_refresh_is_followed_through_trouble,
    returns_are_asked_for_again, words_go_when_they_are_old, two_buttons_ask_for_one_token,
    a_token_that_grew_old_is_asked_for_anew,
]
