"""A real browser for the tests of the site: Debian's Chromium, or any Chrome, through Playwright.

Where Playwright or a browser is missing, the tests that need them are skipped with one sentence
that says how to get it.
"""

import importlib.util
import os
import shutil
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
)
NO_BROWSER = (
    "No Chromium or Chrome was found: on Debian or Ubuntu `sudo apt-get install chromium`, "
    "elsewhere install Chrome, or name one by the environment variable COURSE_BROWSER."
)
NO_PLAYWRIGHT = "Playwright is not installed: `make test-site` installs it and runs these tests."
# (colour scheme, width, height).
WIDE, NARROW = ("light", 1440, 900), ("dark", 390, 844)


def executable():
    """The path of a browser, or None."""
    told = os.environ.get("COURSE_BROWSER")
    if told:
        return told
    found = next(filter(None, map(shutil.which, NAMES)), None)
    return found or next((place for place in PLACES if Path(place).exists()), None)


def missing():
    """One sentence about what is missing, or ""."""
    if importlib.util.find_spec("playwright") is None:
        return NO_PLAYWRIGHT
    return "" if executable() else NO_BROWSER


needs_browser = pytest.mark.skipif(bool(missing()), reason=missing() or "-")


@contextmanager
def chromium():
    """A browser that runs without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable(), args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@contextmanager
def tab(browser, kind=WIDE, **options):
    """A page of the given colour and width, and a list of what it complains about."""
    scheme, width, height = kind
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, **options
    )
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.complaints, page.asked = [], []
    page.on("console", lambda told: told.type in ("error", "warning")
            and page.complaints.append(f"{told.type}: {told.text}"))  # fmt: skip
    page.on("pageerror", lambda error: page.complaints.append(f"script: {error}"))
    # What is broken off because the reader goes on to another page is no fault of either.
    page.on("requestfailed", lambda asked: asked.failure != "net::ERR_ABORTED"
            and page.complaints.append(f"{asked.failure}: {asked.url}"))  # fmt: skip
    page.on("request", lambda asked: page.asked.append(asked.url))
    yield page
    context.close()


def chapter(slug):
    (found,) = (ROOT / "chapters").glob(f"[0-9][0-9]-{slug}.ipynb")
    return f"chapters/{found.stem}.html"


def open_page(page, site, name, wait=True):
    page.complaints.clear()
    page.asked.clear()
    page.goto(f"{(site / name.split('?')[0]).as_uri()}{name[len(name.split('?')[0]) :]}")
    if wait:
        page.wait_for_load_state("load")


def expect(*told):
    """Playwright's, with the patience that a busy machine needs."""
    from playwright.sync_api import expect as of_playwright

    of_playwright.set_options(timeout=30_000)
    return of_playwright(*told)


def eventually(condition, seconds=30):
    """Whether a condition comes true: a canvas is drawn a frame later, or two."""
    end = time.monotonic() + seconds
    while not (told := condition()) and time.monotonic() < end:
        time.sleep(0.05)
    return told


def main():
    """Name the browser, or say what is missing; ``--missing`` says only that, and never fails."""
    if "--missing" in sys.argv:
        if missing():
            print(f"The site was not opened in a browser. {missing()}")
        return 0
    print(missing() or f"the browser: {executable()}")
    return int(bool(missing()))


if __name__ == "__main__":
    sys.exit(main())
