"""A reply in a real browser: changed in its dialog, sent by a real mail server, once for many fast clicks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from browsing import settled, visiting
from mail_server import Inbox, mail_server
from playwright.sync_api import Browser, Page, expect
from serving import Desk, served_desk

from refundcore import clock, store
from refundcore.deadlines import micros

pytestmark = pytest.mark.browser

REF = "LATE-1"


@pytest.fixture(scope="module")
def inbox() -> Iterator[Inbox]:
    with mail_server() as running:
        yield running


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, inbox: Inbox) -> Iterator[Desk]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in inbox.environment().items():
            patch.setenv(name, value)
        with served_desk(tmp_path_factory.mktemp("replying")) as served:
            served.sign_up()
            opened = _store(served)
            at = clock.now()
            store.set_setting(opened, actor=1, at=at, name="sender_address", value="support@desk.example")
            facts = {
                "claim_ref": REF,
                "order_ref": "ORD-1",
                "customer_email": "kim@example.org",
                "reason": "sms_not_received",
                "description": "No code arrived on the number although I tried five times with two services",
                "purchased_at": micros(at - timedelta(days=9)),
                "submitted_at": micros(at - timedelta(hours=3)),
                "sms_code_received": False,
                "amount": 1250,
                "currency": "USD",
            }
            store.add_claim(opened, actor=1, at=at, key="add", facts=facts)
            opened.engine.dispose()
            yield served


def _store(desk: Desk) -> store.Store:
    return store.connect(f"sqlite:///{desk.data / 'refunds.db'}", at=clock.now(), backup=False)


@pytest.fixture
def page(desk: Desk, browser: Browser) -> Iterator[Page]:
    with visiting(browser, desk, height=1400) as visited:
        yield visited


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).click()
    settled(page)


def test_a_denial_is_decided_worded_saved_and_sent_once(desk: Desk, inbox: Inbox, page: Page) -> None:
    page.goto(f"{desk.base}/claim?claim={REF}")
    settled(page)
    expect(page.get_by_role("button", name="Send …")).to_be_disabled()
    press(page, "Deny …")
    page.get_by_role("dialog").get_by_role("button", name="Deny").click()
    expect(page.get_by_text("Denied by Mia Manager")).to_be_visible(timeout=15_000)
    settled(page)

    press(page, "Change …")
    words = page.get_by_role("dialog").locator("textarea").first
    words.fill(words.input_value().replace("Hello,", "Dear Kim,"))
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("own words")).to_be_visible(timeout=15_000)
    expect(page.get_by_role("dialog")).to_have_count(0)
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save as mail").click()
    mail = message_from_bytes(Path(saved.value.path()).read_bytes(), policy=default)
    assert (mail["To"], mail["X-Unsent"]) == ("kim@example.org", "1")

    press(page, "Send …")
    send = page.get_by_role("dialog").get_by_role("button", name="Send")
    send.evaluate("button => { for (let click = 0; click < 6; click += 1) button.click(); }")
    expect(page.get_by_text("Sent to kim")).to_be_visible(timeout=15_000)
    settled(page)

    (sent,) = inbox.mails()
    assert sent.get_content().startswith("Dear Kim,")
    assert "day 9 after the purchase" in sent.get_content()
    opened = _store(desk)
    claim = store.claim(opened, REF)
    assert claim is not None
    assert [event.kind for event in store.events(opened, claim.id)][-3:] == ["decided", "reply_begun", "reply_sent"]
    assert store.verify(opened).good
    opened.engine.dispose()
