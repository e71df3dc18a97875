"""Changing the policy in a real browser: tried, looked into, proposed, approved by another, and in force."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from browsing import settled, visiting
from playwright.sync_api import Browser, Page, expect
from serving import COOKIE, Desk, served_desk

from refundcore import accounts, clock, store
from refundcore.deadlines import SECOND, micros, moment

pytestmark = pytest.mark.browser

OTHER = "max@example.com"
PASSWORD = "nine blue herons over Lund"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with served_desk(tmp_path_factory.mktemp("lab")) as served:
        served.sign_up()
        opened = store.connect(f"sqlite:///{served.data / 'refunds.db'}", at=clock.now())
        person = {"name": "Max Manager", "email": OTHER, "role": "manager", "password": PASSWORD}
        accounts.create_person(opened, actor=None, at=clock.now(), **person)
        add(opened, "LATE-1", bought=9, claimed=0)
        add(opened, "FINE-1", bought=2, claimed=0)
        opened.engine.dispose()
        yield served


def add(opened: store.Store, ref: str, *, bought: int, claimed: int) -> store.ClaimRecord:
    """A claim that no code came; its purchase so many days ago, and the claim."""
    now = clock.now()
    purchase = micros(now - timedelta(days=bought, minutes=5))
    facts = {
        "claim_ref": ref,
        "order_ref": f"O-{ref}",
        "customer_email": "jo@example.com",
        "reason": "sms_not_received",
        "description": "No code arrived on the number although I tried five times with two services",
        "ordered_at": purchase,
        "purchased_at": purchase,
        "submitted_at": micros(now - timedelta(days=claimed, minutes=1)),
        "sms_code_received": False,
        "amount": 1250,
        "currency": "USD",
    }
    receipt = store.add_claim(opened, actor=1, at=now, key=ref, facts=facts)
    found = store.claim(opened, receipt.claim)
    assert found is not None
    return found


def choose_numbers(page: Page) -> None:
    """Give the window of the first reason, and the week that its strict reading counts, ten days."""
    page.get_by_role("tab", name="Try a change").click()
    for clause, title in (("C4c", "In time from the purchase"), ("C8b", "In time from the order")):
        field = page.get_by_role("combobox", name=re.compile("Numbers"))
        field.click()
        field.fill(clause)
        page.get_by_role("option", name=re.compile(f"^{clause} ")).click()
        page.keyboard.press("Escape")
        number = page.get_by_label(f"{clause} {title}: window, days", exact=True)
        expect(number).to_be_visible()
        settled(page)
        number.fill("10")
        page.keyboard.press("Enter")
        settled(page)
        expect(number).to_have_value("10")


def try_and_propose(page: Page) -> None:
    """What a manager does: try, read the effect, open a flipped claim, propose."""
    choose_numbers(page)
    expect(page.get_by_test_id("stMetric").filter(has_text="Verdicts that flip")).to_contain_text("1")
    expect(page.get_by_text("Deny → Approve")).to_be_visible()
    page.get_by_role("link", name="LATE-1").click()
    expect(page.get_by_role("tab", name="Try a change")).to_have_count(0)  # the policy page is gone
    expect(page.get_by_text("LATE-1").first).to_be_visible()
    settled(page)
    page.get_by_role("link", name="Policy").first.click()
    page.get_by_role("tab", name="Try a change").click()
    expect(page.get_by_text("Deny → Approve")).to_be_visible()  # the draft is still there
    page.get_by_label("Why").fill("Seven days are too few.")
    page.get_by_role("button", name="Propose", exact=True).click()
    expect(page.get_by_text("another manager has to approve it").first).to_be_visible(timeout=15_000)


def order_and_claim(opened: store.Store, like: store.ClaimRecord, ordered: int, ref: str) -> store.ClaimRecord:
    """A claim nine days after an order of some moment."""
    at = moment(ordered) + timedelta(days=9)
    dates = {"ordered_at": ordered, "purchased_at": ordered, "submitted_at": micros(at)}
    dates |= {f"{name}_latest": instant for name, instant in dates.items()}
    facts = {**like.facts, "claim_ref": ref, "order_ref": ref, **dates}
    receipt = store.add_claim(opened, actor=1, at=at, key=ref, facts=facts)
    found = store.claim(opened, receipt.claim)
    assert found is not None
    return found


def test_seven_days_become_ten(desk: Desk, browser: Browser) -> None:
    monday = clock.now().date() + timedelta(days=7 - clock.now().weekday())
    with visiting(browser, desk, height=1400) as page:
        page.goto(f"{desk.base}/policy")
        try_and_propose(page)
        page.goto(f"{desk.base}/policy?part=Editions")
        expect(page.get_by_text("You proposed it, so another manager has to approve it.")).to_be_visible()
        expect(page.get_by_role("button", name="Approve")).to_have_count(0)

    with visiting(browser, None, height=1400) as page:
        token = desk.sign_in(OTHER, PASSWORD)
        page.context.add_cookies([{"name": COOKIE, "value": token, "url": desk.base}])
        page.goto(f"{desk.base}/policy?part=Editions")
        expect(page.get_by_text("it would have changed 1 verdict of 2: Deny to Approve 1")).to_be_visible()
        page.get_by_role("button", name="Approve").click()
        expect(page.get_by_text("released, lies ahead")).to_be_visible(timeout=15_000)
        expect(page.get_by_text(f"for orders from {monday.day} {monday:%B %Y}").first).to_be_visible()

    opened = store.connect(f"sqlite:///{desk.data / 'refunds.db'}", at=clock.now())
    late = store.claim(opened, "LATE-1")
    assert late is not None
    assert (late.edition, late.verdict) == (1, "deny")
    starts = store.day_begins(monday, "UTC")
    before = order_and_claim(opened, late, starts - SECOND, "BEFORE-1")
    after = order_and_claim(opened, late, starts, "AFTER-1")
    opened.engine.dispose()
    assert [(claim.edition, claim.verdict) for claim in (before, after)] == [(1, "deny"), (2, "approve")]

    with served_desk(desk.data.parent, days_ahead=21) as later, visiting(browser, later) as page:
        page.goto(f"{later.base}/claim?claim=BEFORE-1")
        expect(page.get_by_text("within 7 days").first).to_be_visible(timeout=15_000)
        page.goto(f"{later.base}/claim?claim=AFTER-1")
        expect(page.get_by_text("within 10 days").first).to_be_visible(timeout=15_000)
        page.goto(f"{later.base}/policy?part=Editions")
        expect(page.get_by_text("in force", exact=True)).to_be_visible(timeout=15_000)
