"""Visiting a desk with the real browser: who one is, when a page is done, and what must not happen meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, expect
from serving import COOKIE, Desk

expect.set_options(timeout=15_000)  # on a busy machine a page takes its time; what is wrong stays wrong that long

DONE = '[data-testid="stApp"][data-test-script-state="notRunning"]'
ALLOWED = ("data:", "blob:", "ws")
"""What a page may ask for beside its own desk."""


@contextmanager
def visiting(
    browser: Browser, desk: Desk | None = None, *, height: int = 900, email: str = "mia@example.com"
) -> Iterator[Page]:
    """A page of somebody signed in, the first manager by default, or of a fresh visitor without a desk.

    What the pages' own rules refuse to load, or an error of a script, fails the test that visits.
    """
    context = browser.new_context(viewport={"width": 1440, "height": height})
    if desk is not None:
        context.add_cookies([{"name": COOKIE, "value": desk.sign_in(email), "url": desk.base}])
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda told: "Content Security Policy" in told.text and wrong.append(told.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    yield page
    context.close()
    assert wrong == []
    if desk is not None:
        assert [url for url in asked if not url.startswith((desk.base, *ALLOWED))] == []


def settled(page: Page) -> None:
    """Waits until the desk has drawn the page, once what was pressed has reached it."""
    page.wait_for_timeout(300)
    page.wait_for_selector(DONE, timeout=30_000)
