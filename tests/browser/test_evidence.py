"""Evidence in a real browser: an invalid number from no evidence to an approval, and what only a browser shows."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from browsing import settled, visiting
from evidence_of_tests import MAIL, png, saved, screen
from playwright.sync_api import Browser, Page, expect
from serving import Desk, served_desk

from refundcore import clock, store
from refundcore.deadlines import micros
from refundcore.evidence import Kept, read

pytestmark = pytest.mark.browser

PASTE = """([box, data]) => {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    const held = new DataTransfer();
    held.items.add(new File([bytes], "image.png", {type: "image/png"}));
    box.dispatchEvent(new ClipboardEvent("paste", {clipboardData: held, bubbles: true, cancelable: true}));
}"""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with served_desk(tmp_path_factory.mktemp("evidence")) as served:
        served.sign_up()
        _add(served, "INV-0", read("shown before.png", png(7)))
        for number in (1, 2):
            _add(served, f"INV-{number}")
        yield served


def _add(desk: Desk, ref: str, *kept: Kept) -> None:
    at = clock.now()
    opened = store.connect(f"sqlite:///{desk.data / 'refunds.db'}", at=at)
    facts = {
        "claim_ref": ref, "order_ref": f"ORD-{ref}", "customer_email": f"{ref}@example.com", "currency": "USD",
        "reason": "invalid_number", "amount": 1250, "sms_code_received": True, "third_party_cause": False,
        "description": "The number is shown as invalid by every service that I tried since yesterday",
        "purchased_at": micros(at - timedelta(days=2)), "sms_received_at": micros(at - timedelta(days=2)),
        "submitted_at": micros(at - timedelta(hours=3)), "contacted_at": micros(at - timedelta(hours=3)),
    }  # fmt: skip
    made = store.add_claim(opened, actor=1, at=at, key=f"browser {ref}", facts=facts)
    if kept:
        given = {"claim": made.claim, "version": made.version, "evidence": kept}
        store.attach_evidence(opened, actor=1, at=at, key=f"evidence {ref}", **given)
    opened.engine.dispose()


@pytest.fixture(scope="module")
def page(desk: Desk, browser: Browser) -> Iterator[Page]:
    with visiting(browser, desk, height=1000) as visited:
        yield visited


def evidence_of(page: Page, desk: Desk, ref: str) -> None:
    page.goto(f"{desk.base}/claim?claim={ref}")
    settled(page)
    page.get_by_role("tab", name="Evidence").click()
    expect(page.locator(".st-key-needs")).to_contain_text("The order's record")
    settled(page)


def choose(page: Page, **files: bytes) -> None:
    page.locator('[data-testid="stFileUploaderDropzoneInput"]').set_input_files(
        [
            {"name": name.replace("_", "."), "mimeType": "application/octet-stream", "buffer": data}
            for name, data in files.items()
        ]
    )
    expect(page.locator('[data-testid="stFileChip"]')).to_have_count(len(files))
    page.get_by_role("button", name="Attach", exact=False).last.click()
    settled(page)


def test_two_screenshots_are_attached_seen_and_found_sufficient(desk, page):
    evidence_of(page, desk, "INV-1")
    expect(page.locator(".st-key-needs")).to_contain_text("missing")
    expect(page.locator(".st-key-needs .ticking")).to_have_count(1)
    choose(page, first_png=png(1), second_png=png(2))

    for name in ("first.png", "second.png"):
        picture = page.get_by_alt_text(f"{name}, attached by Mia Manager")
        expect(picture).to_be_visible()
        assert picture.evaluate("picture => picture.complete && picture.naturalWidth > 100")
    page.get_by_role("button", name="View").first.click()
    full = page.get_by_alt_text("first.png in full")
    expect(full).to_be_visible()
    page.wait_for_function("picture => picture.naturalWidth === 540", arg=full.element_handle())
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Sufficient").first.click()
    page.get_by_role("dialog").get_by_label("Why").fill("The service says that the number is not valid")
    page.get_by_role("dialog").get_by_role("button", name="It is sufficient").click()
    expect(page.get_by_role("button", name="Approve 12.50 USD")).to_be_visible()

    page.get_by_role("button", name="Approve 12.50 USD").click()
    page.get_by_role("dialog").get_by_role("button", name="Approve").click()
    expect(page.get_by_text("Approved by Mia Manager")).to_be_visible()
    assert "3 files of evidence are unchanged" in desk.command("verify").stdout


def test_a_pasted_copy_is_flagged_with_a_link_to_the_other_claim(desk, page):
    evidence_of(page, desk, "INV-2")
    copy = saved(screen(7).resize((270, 480)), "JPEG", quality=60)
    box = page.get_by_placeholder("Paste a screenshot here")
    box.click()
    # Enter sends nothing while a pasted file is still on its way.
    with page.expect_response(lambda answer: "/upload_file/" in answer.url and answer.request.method == "PUT"):
        page.evaluate(PASTE, [box.element_handle(), base64.b64encode(copy).decode()])
    expect(page.get_by_text("image.png").first).to_be_visible()
    settled(page)
    box.fill("sent by chat")
    page.keyboard.press("Enter")
    expect(page.locator(".st-key-copies")).to_contain_text("may be a copy")
    expect(page.locator(".st-key-timeline")).to_contain_text("“sent by chat”")
    page.locator(".st-key-copies a").click()
    expect(page.get_by_role("heading", name="INV-0")).to_be_visible()


def test_a_mail_is_only_ever_handed_out_as_a_download(desk, page, tmp_path: Path):
    evidence_of(page, desk, "INV-2")
    choose(page, letter_eml=MAIL)
    card = page.locator('[class*="st-key-evidence_"]', has_text="letter.eml")
    with page.expect_download() as waiting:
        card.get_by_role("button", name="Download").click()
    waiting.value.save_as(tmp_path / "got")

    assert (tmp_path / "got").read_bytes() == MAIL
    assert waiting.value.suggested_filename == "letter.eml"
    address = waiting.value.url
    path = address.removeprefix(desk.base)
    assert desk.get(path).status == 401  # without a session nothing is handed out
    answer = desk.get(path, token=desk.sign_in())
    assert answer.headers["content-type"].startswith("application/octet-stream")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "private, no-store"


def test_what_is_no_picture_is_refused_whatever_it_is_called(desk, page):
    evidence_of(page, desk, "INV-2")
    choose(page, holiday_png=b"<svg xmlns='http://www.w3.org/2000/svg' onload='document.title=\"taken\"'/>")

    expect(page.get_by_text("which is not taken as evidence")).to_be_visible()
    assert "taken" not in page.title()
