"""Signing in and out in a real browser: what only a browser enforces (cookies, what may load, where it leads)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from browsing import settled, visiting
from playwright.sync_api import Browser, Page, expect
from serving import COOKIE, PASSWORD, Desk, served_desk

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with served_desk(tmp_path_factory.mktemp("browser")) as served:
        served.sign_up()
        yield served


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with visiting(browser) as visited:
        yield visited


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """Another site: any path of it is a page with a link to the address after the question mark."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(f'<a id="link" href="{self.path.partition("?")[2]}">go</a>'.encode())

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def sign_in(page: Page) -> None:
    page.get_by_label("E-mail address").fill("mia@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def test_from_the_one_time_link_to_the_queue_and_out_again(tmp_path, page):
    with served_desk(tmp_path) as fresh:
        first_start(fresh, page)


def first_start(desk: Desk, page: Page) -> None:
    page.goto(desk.base)
    expect(page.get_by_role("heading")).to_have_text("Nobody has an account yet")
    page.goto(desk.link)
    page.get_by_label("Your name").fill("Mia Manager")
    page.get_by_label("E-mail address").fill("mia@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password again").fill(PASSWORD + "!")
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("alert")).to_have_text("The two passwords differ.")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password again").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    settled(page)
    assert page.url == f"{desk.base}/"
    loaded = page.evaluate("performance.getEntriesByType('resource').map(entry => new URL(entry.name).origin)")
    assert set(loaded) == {desk.base}
    assert COOKIE not in page.evaluate("document.cookie")
    page.get_by_text("Sign out").click()
    expect(page.get_by_role("heading")).to_have_text("Sign in")
    assert COOKIE not in {cookie["name"] for cookie in page.context.cookies()}


def test_a_wrong_password_is_told_and_the_right_one_leads_where_one_wanted_to_go(desk, page):
    page.goto(f"{desk.base}/new_claim")
    page.get_by_label("E-mail address").fill("mia@example.com")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("E-mail address and password don't belong together.")
    sign_in(page)
    settled(page)
    assert page.url == f"{desk.base}/new_claim"


def test_a_link_on_another_site_finds_one_signed_in_although_the_cookie_is_strict(desk, page, elsewhere):
    page.goto(desk.base)
    sign_in(page)
    settled(page)
    page.goto(f"{elsewhere}/?{desk.base}/new_claim")
    page.click("#link")
    settled(page)
    assert page.url == f"{desk.base}/new_claim"


def test_a_link_on_another_site_leads_a_stranger_to_the_sign_in_and_on(desk, page, elsewhere):
    page.goto(f"{elsewhere}/?{desk.base}/new_claim")
    page.click("#link")
    expect(page.get_by_role("heading")).to_have_text("Sign in")
    sign_in(page)
    settled(page)
    assert page.url == f"{desk.base}/new_claim"


def test_a_page_left_open_tells_that_one_is_signed_out(desk, page):
    page.goto(desk.base)
    sign_in(page)
    settled(page)
    token = next(cookie["value"] for cookie in page.context.cookies() if cookie["name"] == COOKIE)
    assert desk.post("/signout", {}, token=token).status == 303
    expect(page.get_by_text("You are signed out.")).to_be_visible(timeout=20_000)
