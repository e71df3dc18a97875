"""Working claims in a real browser: from the empty queue to a decided claim, and what only a browser shows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from browsing import settled, visiting
from playwright.sync_api import Browser, Locator, Page, expect
from serving import Desk, served_desk

from refundcore import clock, store
from refundcore.deadlines import micros

pytestmark = pytest.mark.browser

NASTY = "<img src=x onerror=\"document.title='taken'\"> [x](http://e.example) :red[y]"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with served_desk(tmp_path_factory.mktemp("working")) as served:
        served.sign_up()
        yield served


@pytest.fixture(scope="module")
def page(desk: Desk, browser: Browser) -> Iterator[Page]:
    with visiting(browser, desk) as visited:
        yield visited


def rows(page: Page) -> Locator:
    return page.locator(".st-key-claims tbody tr")


def opened(page: Page, desk: Desk, path: str = "/") -> None:
    page.goto(desk.base + path)
    settled(page)


def seconds(ticking: Locator) -> int:
    """What a countdown shows, in seconds."""
    found = re.match(r"(?:(\d+) d )?(\d\d):(\d\d):(\d\d)", ticking.inner_text())
    assert found, ticking.inner_text()
    days, hours, minutes, rest = (int(part or 0) for part in found.groups())
    return days * 86_400 + hours * 3_600 + minutes * 60 + rest


def add(desk: Desk, ref: str, **facts: object) -> None:
    """A claim from somewhere else, while a page is open."""
    at = clock.now()
    opened_here = store.connect(f"sqlite:///{desk.data / 'refunds.db'}", at=at)
    given = {
        "claim_ref": ref, "order_ref": f"ORD-{ref}", "customer_email": "kim@example.com", "reason": "major_defect",
        "description": "The panel shows nothing but an empty page since today", "amount": 1250, "currency": "USD",
        "purchased_at": micros(at - timedelta(days=4)), "submitted_at": micros(at - timedelta(hours=71)), **facts,
    }  # fmt: skip
    store.add_claim(opened_here, actor=1, at=at, key=f"browser {ref}", facts=given)
    opened_here.engine.dispose()


def test_from_the_empty_queue_to_a_decided_claim(desk, page):
    opened(page, desk)
    page.get_by_role("button", name="Load the sample").click()
    expect(rows(page)).to_have_count(50)
    page.locator(".st-key-verdict input").fill("Approve")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("verdict=Approve"))
    settled(page)
    row = rows(page).filter(has_text="SAMPLE-70")  # the first that isn't overdue
    ref, number = row.locator("a").inner_text(), rows(page).count()
    before = seconds(row.locator(".ticking"))
    page.wait_for_timeout(2_100)
    assert 1 <= before - seconds(row.locator(".ticking")) <= 4

    row.locator("a").click()
    expect(page.get_by_role("heading", name=ref)).to_be_visible()
    page.get_by_role("button", name=re.compile(r"^check_circle Approve|^Approve")).click()
    page.get_by_role("dialog").get_by_role("button", name="Approve").click()
    expect(page.get_by_text("Approved by Mia Manager")).to_be_visible()
    page.get_by_role("button", name="Queue").last.click()
    expect(page).to_have_url(re.compile("verdict=Approve"))
    expect(rows(page)).to_have_count(number - 1)
    expect(page.locator(".st-key-claims")).not_to_contain_text(ref)


def test_what_is_selected_is_a_claim_and_not_a_line(desk, page):
    opened(page, desk)
    second = rows(page).nth(1)
    chosen = second.get_attribute("data-id")
    second.locator("input").check()
    expect(page.get_by_role("button", name="Act on 1 selected claim")).to_be_enabled()
    add(desk, "URGENT-1")
    page.locator(".st-key-figure_us button").focus()
    rows(page).nth(3).locator("input").check()  # any rerun of the table brings the new claim to the top

    expect(rows(page).nth(2).locator("a")).to_have_text("URGENT-1")  # after the two that are overdue
    expect(page.locator(f".st-key-claims tr[data-id='{chosen}']")).to_have_class("picked")
    expect(rows(page).nth(2)).not_to_have_class("picked")
    expect(page.get_by_role("button", name="Act on 2 selected claims")).to_be_enabled()


def test_a_claim_opens_by_the_keyboard_and_by_its_address(desk, page):
    opened(page, desk)
    link = rows(page).nth(2).locator("a")
    ref, address = link.inner_text(), link.get_attribute("href")
    link.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=ref)).to_be_visible()
    opened(page, desk, f"/{address}")

    expect(page.get_by_role("heading", name=ref)).to_be_visible()


def test_a_shortcut_does_not_fire_while_one_types(desk, page):
    opened(page, desk)
    page.locator(".st-key-text input").fill("")
    page.locator(".st-key-text input").press_sequentially("TNQ")
    settled(page)

    expect(page).to_have_url(re.compile("text=TNQ"))
    expect(page.get_by_text("No claim fits this filter")).to_be_visible()


def test_what_a_customer_wrote_stays_text_in_the_browser(desk, page):
    add(desk, "NASTY-1", description=NASTY + " and a few more words of grounds", product=NASTY)
    opened(page, desk, "/?text=NASTY-1")
    expect(rows(page).first).to_contain_text(NASTY)
    rows(page).first.locator("a").click()
    expect(page.get_by_role("heading", name="NASTY-1")).to_be_visible()
    settled(page)

    expect(page.locator(".st-key-summary")).to_contain_text(NASTY)
    assert "taken" not in page.title()
    assert page.locator("a[href*='e.example'], img[src='x']").count() == 0


def test_news_covers_neither_the_way_out_nor_the_next_claim(desk, page):
    add(desk, "NEWS-1")
    opened(page, desk, "/claim?claim=NEWS-1")
    page.get_by_role("button", name=re.compile("Assign to me")).click()
    toast = page.locator('[data-testid="stToast"]').first
    expect(toast).to_contain_text("NEWS-1 is now yours")
    page.wait_for_timeout(700)  # it moves in
    shown = toast.bounding_box()
    assert shown
    for name in ("Sign out", "Previous", "Next"):
        button = page.get_by_role("button", name=re.compile(name)).first.bounding_box()
        assert button
        assert button["y"] + button["height"] < shown["y"], name
    assert shown["y"] + shown["height"] <= 900


def test_a_filter_in_any_letters_and_all_that_it_finds_is_decided_once(desk, page):
    opened(page, desk, "/?verdict=deny")
    expect(page.locator(".st-key-claims")).to_contain_text("Deny")
    expect(page).to_have_url(re.compile("verdict=Deny"))
    page.get_by_role("button", name="Act on all of this filter").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("Decide", exact=True).click()
    dialog.get_by_text("Deny", exact=True).click()
    button = dialog.get_by_role("button", name=re.compile(r"Deny \d+ claims"))
    expect(button).to_be_enabled()
    number = re.search(r"\d+", button.inner_text())
    assert number
    button.dblclick()
    expect(page.get_by_text(f"Done for {number[0]} claims")).to_be_visible()
    expect(dialog).to_be_hidden()
