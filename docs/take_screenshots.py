"""Takes the README's pictures anew: a fresh desk with the sample and some decisions, in a headless browser.

`.venv/bin/python docs/take_screenshots.py` writes docs/screenshots/*.png.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(PROJECT), str(PROJECT / "tests")]

from browsing import settled as drawn  # noqa: E402 - the folder of the tests is put on the path above
from conftest import chromium  # noqa: E402
from playwright.sync_api import Browser, Page, sync_playwright  # noqa: E402
from serving import PASSWORD, served_desk  # noqa: E402

TARGET = PROJECT / "docs" / "screenshots"
DECIDED = 8


def settled(page: Page) -> None:
    drawn(page)
    page.wait_for_timeout(900)


def first_day(page: Page, link: str) -> None:
    """An account, the sample, and some decisions for the charts."""
    page.goto(link)
    page.get_by_label("Your name").fill("Mia Manager")
    page.get_by_label("E-mail address").fill("mia@example.com")
    for label in ("Password", "Password again"):
        page.get_by_label(label, exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    settled(page)
    page.get_by_role("button", name="Load the sample").click()
    page.locator("a.ref").first.wait_for(timeout=30_000)
    settled(page)


def decide_some(page: Page, base: str) -> None:
    for verdict in ("Approve", "Deny"):
        page.goto(f"{base}/?verdict={verdict}")
        settled(page)
        for ref in page.locator("a.ref").all_inner_texts()[:DECIDED]:
            page.goto(f"{base}/claim?claim={ref}")
            settled(page)
            page.get_by_role("button", name=re.compile(f"{verdict}.*…")).first.click()
            page.get_by_role("dialog").get_by_role("button", name=re.compile(verdict)).click()
            page.get_by_role("dialog").wait_for(state="hidden", timeout=15_000)  # some wait for a second person


def take(browser: Browser, base: str, state: str) -> None:
    shots = (
        ("queue", "/", "light"),
        ("queue-dark", "/", "dark"),
        ("claim", "/claim?claim=SAMPLE-43", "light"),
        ("new-claim", "/new_claim", "light"),
        ("upload", "/upload", "light"),
        ("metrics", "/metrics?period=All+time", "light"),
        ("policy", "/policy", "light"),
        ("payouts", "/payouts", "light"),
        ("journal", "/journal", "light"),
        ("settings", "/settings", "light"),
        ("team", "/team", "light"),
    )
    for name, path, scheme in shots:
        context = browser.new_context(
            viewport={"width": 1440, "height": 900},
            storage_state=state,
            color_scheme="dark" if scheme == "dark" else "light",
        )
        page = context.new_page()
        page.goto(f"{base}{path}")
        settled(page)
        if name == "new-claim":
            fill_in(page)
        page.screenshot(path=TARGET / f"{name}.png")
        context.close()


def fill_in(page: Page) -> None:
    page.get_by_text("SMS not received", exact=True).first.click()
    settled(page)
    for label, text in (
        ("Order", "ORD-9001"),
        ("Customer's e-mail", "ana@example.org"),
        ("Grounds", "The code for my new account never reached the number that I bought."),
        ("Number purchased", "2026-11-10"),
        ("Claim received", "2026-11-19 09:20"),
    ):
        page.get_by_label(label, exact=True).first.fill(text)
        page.keyboard.press("Tab")
        page.wait_for_timeout(400)
    settled(page)


def main() -> None:
    TARGET.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        served_desk(Path(folder)) as desk,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        page = context.new_page()
        first_day(page, desk.link)
        decide_some(page, desk.base)
        state = str(Path(folder) / "state.json")
        context.storage_state(path=state)
        take(browser, desk.base, state)
        browser.close()


if __name__ == "__main__":
    main()
