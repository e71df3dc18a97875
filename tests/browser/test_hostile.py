"""Hostile words in every field, seen in a real browser on every page: nothing runs, nothing is fetched, nothing breaks.

The words are some of our own and, where they lie beside the project, those of the shared corpus. They reach the desk
as claims of a file, as claims made by hand, notes, reasons, replies, names of files, of people and of settings. What a
page must not load is refused by its headers and fails the test (`visiting`), and so does any dialog of a script.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import settled, visiting
from evidence_of_tests import png
from playwright.sync_api import Browser, Page, expect
from serving import PROJECT, Desk, served_desk

from refundcore import accounts, clock, evidence, replies, store
from refundcore.desk.journaling import as_csv
from refundcore.intake.exporting import harmless, rejects_file
from refundcore.store.journal_reading import JournalFilter, journal_rows
from refundcore.store.replying import begin_reply

pytestmark = pytest.mark.browser

OURS = (
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "![x](https://evil.example/x.png)",
    "[go](javascript:alert(1))", "<style>body{display:none}</style>", "</textarea><script>alert(1)</script>",
    '"><svg onload=alert(1)>', "{{7*7}}${7*7}", ":red[x] :material/home: $$\\frac{1}{0}$$ `x`",
    "<iframe src=//evil.example>",
    "=cmd|' /C calc'!A1", "@SUM(1+1)*cmd|' /C calc'!A0", "+1+1", "-2+3", "\t=1+1", "'; DROP TABLE claims;--",
    "\u202egnp.exe", "a\u0000b", "%s%n%x", "../../../../etc/passwd", "x" * 5000, "\u0301" * 200, "|a|b|\n|-|-|\n|c|d|",
    '<a href="data:text/html,<script>alert(1)</script>">x</a>', "javascript:alert(1)",
    "<meta http-equiv=refresh content=0>",
)  # fmt: skip
SHARED = Path(os.environ.get("REFUND_CORPUS", PROJECT.parent / "shared" / "corpus")) / "e_malicious"
PAGES = ("", "journal", "metrics", "payouts", "policy", "settings", "team", "upload", "new_claim")
IN_ONE = 8
"""Payloads of each kind that one claim takes."""


def payloads() -> list[str]:
    found = list(OURS)
    for name in ("xss_and_markup.csv", "csv_injection.csv"):
        if (SHARED / name).exists():
            with (SHARED / name).open(encoding="utf-8", newline="") as file:
                found += [row["text"] for row in csv.DictReader(file)]
    if (SHARED / "filenames.csv").exists():
        with (SHARED / "filenames.csv").open(encoding="utf-8", newline="") as file:
            found += [str(json.loads(row["name_json"])) for row in csv.DictReader(file)]
    return [text for text in dict.fromkeys(found) if text.strip()]


PAYLOADS = payloads()


def clean(text: str) -> str:
    """As a store takes a text: no character that no database keeps."""
    return "".join(letter for letter in text if letter != "\0" and not "\ud800" <= letter <= "\udfff")


class Filled:
    """A desk whose every field holds hostile words; what went in, and what was refused with a sentence."""

    def __init__(self, served: Desk) -> None:
        self.served, self.refs, self.taken, self.refused = served, list[str](), 0, 0
        self.store = store.connect(f"sqlite:///{served.data / 'refunds.db'}", at=clock.now())
        for start in range(0, len(PAYLOADS), IN_ONE):
            self._claim(PAYLOADS[start : start + IN_ONE], start)
        for number, text in enumerate(PAYLOADS[:40]):
            name, mail = clean(text)[:100], f"p{number}@example.com"
            self._try(accounts.invite, name=name, email=mail, role="agent")
            self._try(accounts.invite, name="Plain", email=f"{text[:60]}@example.com", role="agent")
        for text in PAYLOADS[:30]:
            self._try(store.set_setting, name="sender_name", value=text[:80])
            self._try(replies.reword, key="w", sentence=next(iter(replies.document())).id, text=text)
        self.store.engine.dispose()

    def _try(self, act, **given) -> object:
        try:
            done = act(self.store, actor=1, at=clock.now(), **given)
        except (store.StoreError, replies.ReplyError, evidence.EvidenceError, ValueError):
            self.refused += 1
            return None
        self.taken += 1
        return done

    def _claim(self, words: list[str], start: int) -> None:
        texts = [clean(text) for text in words]
        facts = {
            "claim_ref": f"H-{start}", "order_ref": texts[0], "item_ref": texts[-1], "product": texts[len(texts) // 2],
            "customer_email": f"h{start}@example.com", "description": "\n".join(texts)[:19_000],
            "reason": "sms_not_received", "amount": 1250, "currency": "USD", "purchased_at": None,
        }  # fmt: skip
        receipt = self._try(store.add_claim, key=f"h{start}", facts=facts)
        if receipt is None:
            return
        self.refs.append(f"H-{start}")
        for number, text in enumerate(words):
            version = {"version": store.claim(self.store, receipt.claim).version, "claim": receipt.claim}
            self._try(store.note, key=f"n{start}-{number}", text=text, **version)
            kept = self._try_file(text)
            if kept is not None:
                self._try(
                    store.attach_evidence,
                    key=f"e{start}-{number}",
                    evidence=[kept],
                    **version | self._now(receipt.claim),
                )
        self._try(store.add_claim, key=f"r{start}", facts={"claim_ref": texts[0][:200], "reason": "sms_not_received"})
        self._try(
            store.take_step,
            key=f"s{start}",
            step="withdrawn",
            given=store.Given(text=words[0]),
            **self._now(receipt.claim),
        )
        self._try(store.reopen, key=f"o{start}", reason=words[-1], **self._now(receipt.claim))
        self._try(begin_reply, key=f"m{start}", outcome="ask", how="hand", to=words[0][:100], subject=words[0][:100],
                  text="\n".join(words), **self._now(receipt.claim))  # fmt: skip

    def _try_file(self, name: str) -> evidence.Kept | None:
        try:
            return evidence.read(name, png(1))
        except evidence.EvidenceError:
            self.refused += 1
            return None

    def _now(self, claim: int) -> dict[str, int]:
        return {"claim": claim, "version": store.claim(self.store, claim).version}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    with served_desk(tmp_path_factory.mktemp("hostile")) as served:
        served.sign_up()
        yield Filled(served)


@pytest.fixture(scope="module")
def page(filled: Filled, browser: Browser) -> Iterator[Page]:
    opened: list[str] = []
    with visiting(browser, filled.served, height=1400) as visited:
        visited.on("dialog", lambda dialog: (opened.append(dialog.message), dialog.dismiss()))
        yield visited
        assert opened == []


def whole(page: Page) -> None:
    """The page is there as it should be: its frame, its head, no error, nothing that hides it."""
    settled(page)
    expect(page.get_by_role("button", name="Sign out", exact=True)).to_be_visible()
    expect(page.locator('[data-testid="stException"]')).to_have_count(0)
    assert "Something went wrong" not in page.locator("body").inner_text()
    assert page.evaluate("getComputedStyle(document.body).display") != "none"
    foreign = page.evaluate(
        "[...document.querySelectorAll('img,iframe,object,embed,link[rel=stylesheet],script,audio,video')]"
        ".map(e => e.src || e.href || e.data || '').filter(u => u && !u.startsWith(location.origin)"
        " && !u.startsWith('data:image/') && !u.startsWith('blob:'))"
    )
    assert foreign == []
    assert (
        page.evaluate("[...document.querySelectorAll('a')].filter(a => /^(javascript|data):/i.test(a.href)).length")
        == 0
    )


def test_most_words_were_taken_as_they_are_and_the_others_refused_with_a_sentence(filled: Filled) -> None:
    assert filled.taken > 1.5 * len(PAYLOADS)
    assert len(filled.refs) == -(-len(PAYLOADS) // IN_ONE)


@pytest.mark.parametrize("name", PAGES)
def test_every_page_stands_with_hostile_words_in_every_field(filled: Filled, page: Page, name: str) -> None:
    page.goto(f"{filled.served.base}/{name}")
    whole(page)


def test_every_claim_shows_them_as_text(filled: Filled, page: Page) -> None:
    for start, ref in zip(range(0, len(PAYLOADS), IN_ONE), filled.refs, strict=True):
        page.goto(f"{filled.served.base}/claim?claim={ref}")
        whole(page)
        if start == 0:
            expect(page.get_by_text("<script>alert(1)</script>").first).to_be_visible()
            for tab in ("Evidence", "Facts"):
                page.get_by_role("tab", name=tab).click()
                whole(page)


def test_a_filter_and_an_address_of_hostile_words_are_harmless(filled: Filled, page: Page) -> None:
    from urllib.parse import quote

    for text in PAYLOADS[:25]:
        page.goto(f"{filled.served.base}/?text={quote(text[:300])}&state={quote(text[:50])}")
        whole(page)
    for text in PAYLOADS[:8]:
        page.goto(f"{filled.served.base}/claim?claim={quote(text[:300])}")
        settled(page)
        expect(page.locator('[data-testid="stException"]')).to_have_count(0)


def test_a_file_of_claims_full_of_them_is_previewed_and_brought_in(filled: Filled, page: Page) -> None:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(
        ["claim_ref", "order_ref", "product", "reason", "paid", "currency", "description", "<script>alert(1)</script>"]
    )
    for number, text in enumerate(PAYLOADS):
        writer.writerow([f"F-{number}", text, text, "sms_not_received", "10.00", "USD", text, text])
    page.goto(f"{filled.served.base}/upload")
    settled(page)
    file = {
        "name": "<img src=x onerror=alert(1)>.csv",
        "mimeType": "text/csv",
        "buffer": buffer.getvalue().encode("utf-8", "replace"),
    }
    page.locator('input[type="file"]').set_input_files(file)
    whole(page)


def cells(data: bytes) -> list[str]:
    return [cell for row in csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")) for cell in row]


def dangerous(cell: str) -> bool:
    """Whether a spreadsheet would take it for a formula: by its first letter, a number aside."""
    number = cell.lstrip("+-").replace(".", "").replace(",", "")
    return cell.lstrip().startswith(("=", "+", "-", "@")) and not number.isdecimal()


def test_no_export_holds_a_formula(filled: Filled) -> None:
    opened = store.connect(f"sqlite:///{filled.served.data / 'refunds.db'}", at=clock.now())
    journal = cells(as_csv(journal_rows(opened, JournalFilter(), zone="UTC")))
    opened.engine.dispose()
    rejects = cells(b"".join(rejects_file(["a", "b"], [(2, (text, text), text) for text in PAYLOADS])))
    assert len(journal) > 1000
    for cell in [*journal, *rejects, *map(harmless, PAYLOADS)]:
        assert not dangerous(cell), cell[:100]
