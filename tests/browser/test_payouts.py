"""Money in a real browser: a claim is approved, batched, exported, and paid by the file that comes back."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from browsing import settled, visiting
from playwright.sync_api import Browser, Page, expect
from serving import Desk, served_desk

from refundcore import clock, store
from refundcore.deadlines import micros

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with served_desk(tmp_path_factory.mktemp("paying")) as served:
        served.sign_up()
        yield served


@pytest.fixture(scope="module")
def page(desk: Desk, browser: Browser) -> Iterator[Page]:
    with visiting(browser, desk) as visited:
        yield visited


def opened(page: Page, desk: Desk, path: str) -> None:
    page.goto(desk.base + path)
    page.wait_for_timeout(200)
    settled(page)


def add(desk: Desk, ref: str) -> None:
    """A claim that is approved by the policy."""
    at = clock.now()
    opened_here = store.connect(f"sqlite:///{desk.data / 'refunds.db'}", at=at)
    given = {
        "claim_ref": ref, "order_ref": f"ORD-{ref}", "customer_email": "kim@example.com", "reason": "sms_not_received",
        "description": "No code arrived on the number although I tried five times with two services",
        "amount": 1250, "currency": "USD", "payment_method": "card", "sms_code_received": False,
        "purchased_at": micros(at - timedelta(days=2)), "submitted_at": micros(at - timedelta(hours=3)),
    }  # fmt: skip
    store.add_claim(opened_here, actor=1, at=at, key=f"browser {ref}", facts=given)
    opened_here.engine.dispose()


def test_from_the_approval_to_the_money_by_the_returned_file(desk, page, tmp_path: Path):
    for ref in ("PAY-1", "PAY-2"):
        add(desk, ref)
        opened(page, desk, f"/claim?claim={ref}")
        page.get_by_role("button", name="Approve 12.50 USD").click()
        page.get_by_role("dialog").get_by_role("button", name="Approve").click()
        expect(page.get_by_text("Payout of 12.50 USD by card: due.")).to_be_visible()

    opened(page, desk, "/payouts?payouts_tab=Due")
    page.get_by_role("button", name="Make a batch of 2 payouts, 25.00 USD").dblclick()
    expect(page.get_by_text("Nothing is due.")).to_be_visible()
    page.get_by_role("tab", name="Batches").click()
    expect(page.get_by_text("Batch 1", exact=True)).to_be_visible()
    page.get_by_role("button", name="Export it").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the file for the payment system").click()
    assert download.value.suggested_filename == "payouts-batch-1.csv"
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text("utf-8"))))
    assert [(row["amount"], row["currency"], row["route"]) for row in rows] == [("12.50", "USD", "card")] * 2

    back = tmp_path / "back.csv"
    with back.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*rows[0], "result", "why"])
        writer.writeheader()
        writer.writerow({**rows[0], "result": "paid"})
        writer.writerow({**rows[1], "result": "failed", "why": "card expired"})
    page.locator('input[type="file"]').set_input_files(back)
    expect(page.get_by_text("It says: 1 paid, 1 failed, of 2.")).to_be_visible()
    page.get_by_role("button", name="Record this").click()
    expect(page.get_by_text("it is settled").first).to_be_visible()

    opened(page, desk, f"/claim?claim={rows[0]['claim']}")
    expect(page.get_by_text("Payout of 12.50 USD by card: paid, as recorded")).to_be_visible()
    opened(page, desk, "/?state=Payout+failed")
    expect(page.locator(".st-key-claims tbody tr a")).to_have_text([rows[1]["claim"]])
    opened(page, desk, f"/claim?claim={rows[1]['claim']}")
    page.get_by_role("button", name="Queue 12.50 USD again").click()
    expect(page.get_by_text("Payout of 12.50 USD by card: due.")).to_be_visible()
