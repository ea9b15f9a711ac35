"""What the tests of the page share: the whole stack, and one Chromium."""
import contextlib
import csv
import os
import sys

from selenium.webdriver.common.keys import Keys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from browser import Browser  # noqa: E402
from harness import BUILD, ROOT, program, wait_until  # noqa: E402
from web import Web  # noqa: E402

TOKEN = "a-good-token"
ROWS = "document.querySelectorAll('#table tbody tr').length"


def same(got, want, what=""):
    assert got == want, "%s: got %r, want %r" % (what, got, want)


def refusing(folder):
    """While FOLDER/limited is there, nginx answers 429, and with FOLDER/away
    503 in words of its own, with FOLDER/no-returns for the annual returns."""
    with open(os.path.join(folder, "stocknity-fastcgi.conf"), "a") as f:
        f.write('set $stocknity_no "$uri";\n'
                'if (-f "%s/no-returns") { set $stocknity_no "no $uri"; }\n'
                'if ($stocknity_no = "no /api/annual-returns") '
                '{ return 503; }\n' % folder)
        f.write('if (-f "%s/limited") { return 429; }\n' % folder)
        f.write('if (-f "%s/away") { add_header Retry-After 3 always; '
                'return 503; }\n' % folder)


class World(Web):
    def __init__(self):
        self.workers = None
        super().__init__(refusing, API_TOKEN=TOKEN, ALPHAVANTAGE_KEY="k",
                         POLYGON_KEY="k", YAHOO_RATE_LIMIT="0.25",
                         SOURCES="finviz,yahoo,polygon,alphavantage,iex")
        try:
            self.browser = Browser(self.dir)
        except BaseException:
            self.close()
            raise

    def forget(self):
        super().forget()
        self.browser.cdp("Network.clearBrowserCache")

    def settled(self, query="", *indexes):
        """A fresh page of filled datasets, and its browser."""
        self.cli("FLUSHALL")
        self.fill_cache(*indexes)
        self.forget()
        b = self.browser
        b.open("http://localhost:%d/%s" % (self.port, query))
        b.wait(ROWS + " > 0", "the table")
        b.complaints()
        return b

    def look(self):
        """The page looks now, as when somebody comes back to its tab."""
        self.browser.js("document.dispatchEvent(new Event('visibilitychange'))")

    @contextlib.contextmanager
    def refuses(self, how):
        """"limited", "away" or "no-returns": see refusing()."""
        open(self.path(how), "w").close()
        try:
            yield
        finally:
            os.unlink(self.path(how))

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
