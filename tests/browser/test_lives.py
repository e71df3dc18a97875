"""Two whole lives of claims in a real browser, from the first notice to the end, by the people who work on them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from browsing import settled, visiting
from evidence_of_tests import png
from playwright.sync_api import Browser, Locator, Page, expect
from serving import PASSWORD, Desk, served_desk

from refundcore import clock

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with served_desk(tmp_path_factory.mktemp("lives")) as served:
        served.sign_up()
        words = ("user", "add", "max@example.com", "--name", "Max Manager", "--role", "manager")
        made = served.command(*words, given=f"{PASSWORD}\n{PASSWORD}\n")
        assert made.returncode == 0, made.stderr
        yield served


@pytest.fixture(scope="module")
def page(desk: Desk, browser: Browser) -> Iterator[Page]:
    with visiting(browser, desk, height=1400) as visited:
        yield visited


@pytest.fixture(scope="module")
def other(desk: Desk, browser: Browser) -> Iterator[Page]:
    """What the second manager sees."""
    with visiting(browser, desk, height=1200, email="max@example.com") as visited:
        yield visited


def opened(page: Page, desk: Desk, path: str) -> None:
    page.goto(desk.base + path)
    page.wait_for_timeout(200)
    settled(page)


def ago(**length: float) -> str:
    """A moment as people type it."""
    return f"{clock.now() - timedelta(**length):%Y-%m-%d %H:%M}"


def press(page: Page | Locator, name: str) -> None:
    page.get_by_role("button", name=name).first.click()


def fill(page: Page, name: str, text: str) -> None:
    field = page.locator(f".st-key-entry_{name}").locator("input, textarea").first
    field.fill(text)
    field.press("Tab")
    settled(page)


def choose(page: Page, name: str, option: str) -> None:
    page.locator(f".st-key-entry_{name}").get_by_role("radio", name=option).click()
    settled(page)


def enter(page: Page, desk: Desk, reason: str, **answers: str) -> str:
    """A claim typed into the form; its reference."""
    opened(page, desk, "/new_claim")
    choose(page, "reason", reason)
    for name, answer in answers.items():
        (choose if answer in {"Yes", "No"} else fill)(page, name, answer)
    box = page.locator(".st-key-entry_currency input")
    box.fill("USD")
    box.press("Enter")
    settled(page)
    press(page, "Save the claim")
    page.wait_for_url("**/claim?claim=*")
    settled(page)
    return page.url.rpartition("claim=")[2]


def confirm(page: Page, name: str) -> None:
    """Press the button of the dialog once the dialog is drawn, and wait until it is gone."""
    settled(page)
    page.get_by_role("dialog").get_by_role("button", name=name, exact=False).last.click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    settled(page)


def record(page: Page, step: str, **given: str) -> None:
    """Record what happened outside of the desk."""
    press(page, "Record …")
    page.get_by_role("menuitem", name=step).or_(page.get_by_role("option", name=step)).first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("What it will do")).to_be_visible()
    if "when" in given:
        dialog.locator("input").first.fill(given["when"])
        dialog.locator("input").first.press("Tab")
        settled(page)
    if "words" in given:
        dialog.locator("textarea").first.fill(given["words"])
        dialog.locator("textarea").first.press("Tab")
        settled(page)
    confirm(page, "Record")


def test_a_major_defect_from_the_first_notice_to_the_money_and_its_proof(desk, page, other, tmp_path: Path):
    opened(page, desk, "/settings")
    page.get_by_label("Currency").fill("USD")
    page.keyboard.press("Enter")
    page.get_by_label("Largest payout by one manager").fill("10.00")
    page.locator(".st-key-save_limit button").click()
    expect(page.get_by_text("Above 10.00 USD")).to_be_visible()

    ref = enter(
        page, desk, "Major defect", order_ref="ORD-90", customer_email="kim@example.com",
        description="The panel shows nothing but an empty page since this morning", purchased_at=ago(hours=100),
        submitted_at=ago(hours=90), defect_notified_at=ago(hours=90), amount="12.50", payment_method="card",
    )  # fmt: skip
    expect(page.get_by_text("C6c").first).to_be_visible()  # the 72 hours went by, and nobody had looked
    record(page, "Access was asked for", when=ago(hours=80), words="The log of their server is needed")
    expect(page.get_by_text("Waiting for customer").first).to_be_visible()
    record(page, "Access was given", when=ago(hours=78), words="Here is the password")
    record(page, "Defect confirmed", words="The driver loses its settings")
    expect(page.get_by_text("Approved: the defect was confirmed and not put right in time")).to_be_visible()
    page.get_by_text("What moved the clocks").click()
    expect(page.locator(".st-key-ledger_lines")).to_contain_text("stands still")
    expect(page.locator(".st-key-ledger_lines")).to_contain_text("later")

    press(page, "Approve 12.50 USD")
    confirm(page, "Approve")
    expect(page.get_by_text("Refund 12.50 USD.")).to_be_visible()  # in full, without a fee
    opened(page, desk, "/payouts?payouts_tab=Approvals")
    expect(page.get_by_text("another manager has to look at it")).to_be_visible()

    opened(other, desk, "/payouts?payouts_tab=Approvals")
    press(other, "Approve")
    expect(other.get_by_text("No payout waits for approval.")).to_be_visible()
    other.get_by_role("tab", name="Due").click()
    press(other, "Make a batch of 1 payout, 12.50 USD")
    other.get_by_role("tab", name="Batches").click()
    press(other, "Export it")
    other.get_by_text("Record one by hand").click()
    press(other, "It was paid")
    expect(other.get_by_text("Settled").first).to_be_visible()
    opened(other, desk, f"/claim?claim={ref}")
    expect(other.get_by_text("Payout of 12.50 USD by card: paid, as recorded")).to_be_visible()

    with other.expect_download() as download:
        press(other, "Certificate as data")
    proof = tmp_path / "proof.json"
    proof.write_bytes(Path(download.value.path()).read_bytes())
    assert desk.command("verify", "--certificate", str(proof)).returncode == 0
    proof.write_text(proof.read_text("utf-8").replace("12.50 USD", "92.50 USD", 1), "utf-8")
    assert "refund" in desk.command("verify", "--certificate", str(proof)).stderr
    assert desk.command("verify").returncode == 0


def test_an_invalid_number_from_the_form_through_its_evidence_to_a_denial_and_its_reply(desk, page):
    ref = enter(
        page, desk, "Invalid number", order_ref="ORD-91", customer_email="lee@example.com",
        description="The number is shown as invalid by every service that I tried since yesterday",
        purchased_at=ago(days=16), submitted_at=ago(days=12), sms_code_received="Yes", sms_received_at=ago(days=15),
        amount="12.50", payment_method="card",
    )  # fmt: skip
    page.get_by_role("tab", name="Evidence").click()
    settled(page)
    page.locator('[data-testid="stFileUploaderDropzoneInput"]').set_input_files(
        [{"name": "screen.png", "mimeType": "image/png", "buffer": png(3)}]
    )
    expect(page.locator('[data-testid="stFileChip"]')).to_have_count(1)
    page.get_by_role("button", name="Attach", exact=False).last.click()
    expect(page.get_by_alt_text("screen.png, attached by Mia Manager")).to_be_visible()
    page.get_by_role("button", name="Insufficient").first.click()
    page.get_by_role("dialog").get_by_label("Why").fill("Nothing can be read on it")
    page.get_by_role("dialog").get_by_label("Why").press("Tab")
    confirm(page, "It is insufficient")
    expect(page.get_by_role("button", name="Deny …")).to_be_visible()

    press(page, "Deny …")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Nothing will be paid.")
    confirm(page, "Deny")
    expect(page.get_by_text("Denied by Mia Manager")).to_be_visible()
    settled(page)
    expect(page.locator(".st-key-reply")).to_contain_text("C5b")
    press(page, "Record as sent")
    expect(page.get_by_text("Sent to lee")).to_be_visible()

    settled(page)
    opened(page, desk, f"/claim?claim={ref}")
    expect(page.get_by_text("Denied by Mia Manager")).to_be_visible()
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)  # what a customer was told is not taken back


def test_two_people_on_one_claim_see_each_other_and_lose_nothing_they_typed(desk, page, other):
    ref = enter(
        page, desk, "SMS not received", order_ref="ORD-92", customer_email="sam@example.com",
        description="No code arrived on the number although I tried five times with two services",
        purchased_at=ago(days=2), submitted_at=ago(days=1), sms_code_received="No", amount="12.50",
    )  # fmt: skip
    opened(other, desk, f"/claim?claim={ref}")
    expect(other.get_by_text("Mia Manager has this claim open too")).to_be_visible()
    other.get_by_role("button", name="Decide otherwise …").click()
    other.get_by_role("dialog").get_by_text("Deny the claim").click()
    settled(other)
    other.get_by_role("dialog").get_by_label("Reason").fill("They wrote that it came after all")
    other.get_by_role("dialog").get_by_label("Reason").press("Tab")

    page.get_by_role("tab", name="Facts").click()
    settled(page)
    page.get_by_role("textbox", name="Product").fill("Virtual number, 30 days")
    press(page, "Save the facts")
    expect(page.get_by_text("Product changed")).to_be_visible()

    other.get_by_role("dialog").get_by_role("button", name="Decide", exact=False).last.click()
    expect(other.get_by_role("dialog")).to_contain_text("Mia Manager changed Product")
    press(other, "Reload, keeping what I typed")
    settled(other)
    expect(other.get_by_role("dialog").get_by_label("Reason")).to_have_value("They wrote that it came after all")
    confirm(other, "Decide")
    expect(other.get_by_text("Denied by Max Manager")).to_be_visible()
    expect(page.get_by_text("What you typed stays.")).to_be_visible(timeout=40_000)
    press(page, "Show the claim as it is now")
    expect(page.get_by_text("Denied by Max Manager")).to_be_visible()
