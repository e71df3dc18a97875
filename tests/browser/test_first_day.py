"""The first day in a real browser: from an empty desk to the first decision, and nothing without a session."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import settled, visiting
from playwright.sync_api import Browser, Page, expect
from serving import PASSWORD, Desk, served_desk

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with served_desk(tmp_path_factory.mktemp("first-day")) as served:
        yield served


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    with visiting(browser) as visited:
        yield visited


def rows(page: Page) -> list[str]:
    """The references of the claims in the table, in order."""
    return page.locator("a.ref").all_inner_texts()


def test_a_person_goes_from_nothing_to_the_first_decided_claim(desk, page):
    start_with_the_one_time_link(desk, page)
    load_the_sample(page)
    narrow_the_queue(page)
    ref = open_a_claim(page)
    watch_the_countdown(page)
    approve(page)
    find_it_gone(desk, page, ref)


def start_with_the_one_time_link(desk: Desk, page: Page) -> None:
    page.goto(desk.link)
    page.get_by_label("Your name").fill("Mia Manager")
    page.get_by_label("E-mail address").fill("mia@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password again").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    settled(page)
    expect(page.get_by_text("Mia Manager · manager")).to_be_visible()


def load_the_sample(page: Page) -> None:
    expect(page.get_by_text("No claims yet.")).to_be_visible()
    page.get_by_role("button", name="Load the sample").click()
    expect(page.locator("a.ref").first).to_be_visible(timeout=30_000)
    settled(page)
    assert len(rows(page)) == 50


def narrow_the_queue(page: Page) -> None:
    page.get_by_test_id("stSelectbox").filter(has_text="Verdict").locator("input").click()
    page.get_by_role("option", name="Approve", exact=True).click()
    expect(page).to_have_url(re.compile(r"verdict=Approve", re.IGNORECASE))
    expect(page.locator("tbody .verdict").filter(has_not_text="Approve")).to_have_count(0)
    settled(page)


def open_a_claim(page: Page) -> str:
    ref = "SAMPLE-70"  # the first that isn't overdue
    page.locator("a.ref", has_text=ref).click()
    expect(page).to_have_url(re.compile(rf"claim={ref}"))
    settled(page)
    expect(page.get_by_text(re.compile(r"^Approved: .* is due\.$"))).to_be_visible()
    return ref


def watch_the_countdown(page: Page) -> None:
    clock = page.locator(".ticking").first
    expect(clock).to_have_text(re.compile(r"\d+:\d\d:\d\d"))
    shown = clock.inner_text()
    expect(clock).not_to_have_text(shown, timeout=3_000)


def approve(page: Page) -> None:
    page.get_by_role("button", name=re.compile(r"^check_circle Approve .* …|Approve .*…")).first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("will be due to the customer")
    dialog.get_by_role("button", name=re.compile("Approve")).click()
    expect(page.get_by_text(re.compile(r"Approved by Mia Manager"))).to_be_visible(timeout=15_000)


def find_it_gone(desk: Desk, page: Page, ref: str) -> None:
    page.goto(desk.base)
    settled(page)
    expect(page.locator("a.ref").first).to_be_visible()
    assert ref not in rows(page)
    page.goto(f"{desk.base}/claim?claim={ref}")
    settled(page)
    expect(page.get_by_text("Approved by Mia Manager", exact=False).first).to_be_visible()


CLOSED = (
    *("/", "/claim?claim=SAMPLE-01", "/metrics", "/_stcore/health", "/_stcore/metrics", "/_stcore/host-config"),
    *("/_stcore/stream", "/media/0123.png", "/_stcore/upload_file/a/b", "/static/js/index.js", "/component/x/y"),
)


@pytest.mark.parametrize("path", CLOSED)
def test_nothing_of_the_desk_is_to_be_had_without_a_session(desk, browser, path):
    context = browser.new_context()
    stranger = context.new_page()
    answer = stranger.goto(f"{desk.base}{path}")
    shown = stranger.content()
    context.close()
    assert answer is not None
    assert answer.status == 401 or "/signin" in answer.url or "/signin" in stranger.url
    assert "ORD-" not in shown
    assert "streamlit" not in shown.lower()


def test_a_stranger_cannot_open_the_socket(desk, browser):
    context = browser.new_context()
    stranger = context.new_page()
    stranger.goto(f"{desk.base}/signin")
    closed = stranger.evaluate(
        """base => new Promise(done => {
            const socket = new WebSocket(base.replace('http', 'ws') + '/_stcore/stream');
            socket.onopen = () => done('opened'); socket.onerror = () => done('refused');
        })""",
        desk.base,
    )
    context.close()
    assert closed == "refused"


def test_the_sample_is_part_of_the_project():
    assert (Path(__file__).parents[2] / "data" / "sample_claims.csv").exists()
