"""Mail in a real browser: a mailbox is dropped, looked through and imported, and its attachment becomes evidence."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import settled, visiting
from evidence_of_tests import saved, screen
from playwright.sync_api import Browser, Page, expect
from serving import Desk, served_desk

pytestmark = pytest.mark.browser

FOLDER = Path(__file__).resolve().parent.parent / "data" / "mail"
NASTY = "<img src=x onerror=\"document.title='taken'\"> [x](http://e.example) :red[y]"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with served_desk(tmp_path_factory.mktemp("mail")) as served:
        served.sign_up()
        yield served


@pytest.fixture
def page(desk: Desk, browser: Browser) -> Iterator[Page]:
    with visiting(browser, desk, height=1000) as visited:
        yield visited


def brought(page: Page, desk: Desk, name: str, data: bytes) -> None:
    page.goto(f"{desk.base}/upload")
    settled(page)
    page.locator("input[type=file]").set_input_files({"name": name, "mimeType": "message/rfc822", "buffer": data})
    expect(page.get_by_text("of e-mail:")).to_be_visible(timeout=20_000)
    settled(page)


def test_a_mailbox_is_looked_through_changed_and_imported_once(desk, page):
    brought(page, desk, "inbox.mbox", (FOLDER / "inbox.mbox").read_bytes())
    expect(page.get_by_text("2 would become claims, 1 would be a note on a claim, 1 would be left out")).to_be_visible()
    expect(page.get_by_text("line 5: I paid €12.50 by card. The order is 48213.").first).to_be_visible()

    order = page.get_by_role("textbox", name="Order", exact=True)
    order.fill("48299")
    order.press("Tab")
    page.wait_for_timeout(1_000)
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("4 messages in the file: 2 created, 1 updated, 1 rejected.")).to_be_visible(timeout=20_000)

    page.get_by_role("button", name="Show these claims").click()
    expect(page.get_by_text("48299").first).to_be_visible(timeout=20_000)

    brought(page, desk, "inbox.mbox", (FOLDER / "inbox.mbox").read_bytes())
    expect(page.get_by_text("1 would be left out, 3 are here already")).to_be_visible()


def test_a_message_of_markup_is_text_and_its_picture_becomes_evidence(desk, page):
    picture = base64.encodebytes(saved(screen())).decode()
    data = (
        f"From: a@example.org\nSubject: Order 51 {NASTY}\nMessage-ID: <markup@example.org>\nMIME-Version: 1.0\n"
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n\n"
        f"<p>The number is invalid.</p><img src='http://tracker.example/x.gif'><script>document.title='taken'</script>\n"
        f'--b\nContent-Disposition: attachment; filename="{NASTY[:9]}.png"\nContent-Transfer-Encoding: base64\n\n'
        f"{picture}\n--b--\n"
    )
    brought(page, desk, "claim.eml", data.encode())
    expect(page.get_by_text(NASTY).first).to_be_visible()
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("1 message in the file: 1 created.")).to_be_visible(timeout=20_000)

    page.goto(f"{desk.base}/claim?claim=RC-000003")
    page.get_by_role("tab", name="Evidence").click()
    expect(page.get_by_text("Came with the e-mail, not attached yet")).to_be_visible(timeout=20_000)
    page.get_by_role("button", name="Attach", exact=True).first.click()
    expect(page.get_by_text("attached as evidence").first).to_be_visible(timeout=20_000)
    expect(page.get_by_text("Came with the e-mail, not attached yet")).to_be_hidden()
    assert "taken" not in page.title()
