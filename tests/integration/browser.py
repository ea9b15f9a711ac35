"""A headless Chromium for the tests of the page, over chromedriver."""
import json
import os
import subprocess
import sys

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import wait_until  # noqa: E402

FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu",
         "--disable-dev-shm-usage", "--disable-background-networking",
         "--no-first-run", "--disable-component-update")


class Browser:
    def __init__(self, folder):
        options = Options()
        options.binary_location = "/usr/bin/chromium"
        for flag in FLAGS + ("--user-data-dir=%s/chromium" % folder,):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(
            options=options,
            service=Service("/usr/bin/chromedriver", log_output=subprocess.DEVNULL))
        self.driver.set_script_timeout(30)
        self.size(1440, 1000)

    def size(self, width, height):
        self.cdp("Emulation.setDeviceMetricsOverride", width=width,
                 height=height, deviceScaleFactor=1, mobile=width < 600)

    def scheme(self, word):
        self.cdp("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": word}])

    def cdp(self, command, **arguments):
        return self.driver.execute_cdp_cmd(command, arguments)

    def open(self, url):
        self.driver.get(url)

    def js(self, code, *arguments):
        return self.driver.execute_script("return " + code, *arguments)

    def text(self, selector):
        return self.js("document.querySelector(arguments[0]).textContent.trim()",
                       selector)

    def find(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def click(self, selector):
        self.find(selector).click()

    def choose(self, selector, value):
        self.js("""(() => { const e = document.querySelector(arguments[0]);
            e.value = arguments[1];
            e.dispatchEvent(new Event("change", {bubbles: true})); })
            .apply(null, arguments)""", selector, value)

    def keys(self, *keys):
        self.driver.switch_to.active_element.send_keys(*keys)

    def wait(self, code, what, seconds=20):
        wait_until(lambda: self.js(code), what, seconds)

    def column(self, field):
        """The cells of a column, from top to bottom."""
        return self.js("""(() => {
            const heads = [...document.querySelectorAll("#table thead th")];
            const i = heads.findIndex((h) => h.dataset.field === arguments[0]);
            return [...document.querySelectorAll("#table tbody tr")]
                .map((r) => r.cells[i].textContent); }).apply(null, arguments)""",
                       field)

    def complaints(self):
        """What the console has had to say since the last time."""
        return [json.dumps(line["message"])
                for line in self.driver.get_log("browser")
                if line["level"] in ("SEVERE", "WARNING")]

    def close(self):
        self.driver.quit()
