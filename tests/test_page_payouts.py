"""The payouts page and the money of a claim: approvals, batches, the returned file, and who sees what."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from desk_of_tests import Desk, drawn, labels, open_desk, texts
from streamlit.testing.v1 import AppTest

from refundcore import clock, store
from refundcore.intake.payout_files import COLUMNS, batch_file, returned_file


@pytest.fixture
def desk(tmp_path, monkeypatch) -> Desk:
    return open_desk(tmp_path, monkeypatch)


def approved(desk: Desk, person: str = "ana", **facts: Any) -> store.ClaimRecord:
    claim = desk.add(**facts)
    given = {"actor": desk.people[person].id, "at": clock.now(), "key": f"approve {claim.id}"}
    store.decide(desk.store, claim=claim.id, version=claim.version, outcome="approve", reason="as agreed", **given)
    return desk.claim(claim.ref)


def tab(desk: Desk, name: str, person: str = "mia") -> AppTest:
    return desk.page("payouts", person, payouts_tab=name).run()


def exported(desk: Desk) -> AppTest:
    """The page with one exported batch."""
    tab(desk, "Due").button(key="make_USD").click().run()
    return tab(desk, "Batches").button(key="export_1").click().run()


def answer(desk: Desk, *results: str, **others: str) -> bytes:
    """The file of batch 1 as it comes back, a result a line."""
    rows = list(csv.DictReader(io.StringIO(batch_file(store.payouts_of_batch(desk.store, 1)).decode())))
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, [*COLUMNS, "result", "why"])
    writer.writeheader()
    for row, result in zip(rows, results, strict=False):
        writer.writerow({**row, "result": result, "why": "no such account" if result == "failed" else "", **others})
    return buffer.getvalue().encode()


def state(desk: Desk, claim: store.ClaimRecord) -> str:
    return desk.claim(claim.ref).state


def test_a_payout_goes_from_due_to_paid_by_the_returned_file(desk):
    claims = [approved(desk, claim_ref=f"T-{number}") for number in range(3)]
    page = tab(desk, "Due")
    assert "Make a batch of 3 payouts, 37.50 USD" in labels(page)
    page.multiselect(key="leave_USD").select(store.payouts_of(desk.store, claims[2].id)[0].id).run()
    page.button(key="make_USD").click().run()
    assert not page.exception
    assert "Make a batch of 1 payout, 12.50 USD" in labels(tab(desk, "Due"))

    page = tab(desk, "Batches")
    assert "2 payouts, 25.00 USD; made by Mia" in texts(page)
    page.button(key="export_1").click().run()
    assert len(page.get("download_button")) == 1
    page.file_uploader(key="returned_1").upload("back.csv", answer(desk, "paid", "failed")).run()
    assert "It says: 1 paid, 1 failed, of 2." in texts(page)
    assert state(desk, claims[0]) == "decided"
    page.button(key="record_1").click().run()
    assert not page.exception
    assert [state(desk, claim) for claim in claims] == ["closed", "payout_failed", "decided"]
    assert store.batches(desk.store)[0].state == "settled"


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"a,b\n1,2\n", "Line 1: the column payout_key is missing"),
        (b"\xff\xfe\x00", "not text in UTF-8"),
        (b"payout_key,amount,currency,result\nx,1.234,USD,paid\n", "Line 2: '1.234' has more decimals"),
        (b"payout_key;amount;currency;result\nx;12,50;USD;paid\n", "Line 2: the payout “x” is not in batch 1."),
    ],
)
def test_a_file_that_does_not_fit_is_told_by_line_and_records_nothing(desk, data, sentence):
    claim = approved(desk)
    page = exported(desk)
    page.file_uploader(key="returned_1").upload("back.csv", data).run()
    assert sentence in texts(page)
    assert "Record this" not in labels(page)
    assert state(desk, claim) == "decided"


def test_a_payout_is_recorded_by_hand_and_a_failed_one_says_why(desk):
    claim = approved(desk)
    page = exported(desk)
    page.button(key="failed_1").click().run()
    assert "Why it failed is missing" in texts(page)
    payout = store.payouts_of(desk.store, claim.id)[0]
    page.text_input(key=f"why_hand_{payout.id}_{payout.version}").input("account closed").run()
    page.button(key="failed_1").click().run()
    assert state(desk, claim) == "payout_failed"

    page = desk.page("claim", "ana", claim=claim.ref).run()
    assert "because: account closed." in texts(page)
    page.button(key=f"requeue_{payout.id}").click().run()
    assert "by original: due." in texts(page)
    assert state(desk, claim) == "decided"


def test_two_managers_who_make_the_same_batch_make_one(desk):
    approved(desk)
    first, second = tab(desk, "Due", "mia"), tab(desk, "Due", "max")
    first.button(key="make_USD").click().run()
    second.button(key="make_USD").click().run()
    assert not second.exception
    assert len(store.batches(desk.store)) == 1
    assert "is in batch 1 already, made by Mia" in texts(second)


def test_a_click_on_an_overtaken_page_makes_no_other_batch_than_was_shown(desk):
    shown = approved(desk)
    page = tab(desk, "Due")
    late = approved(desk)
    page.button(key="make_USD").click().run()
    assert store.payouts_of(desk.store, shown.id)[0].batch == 1
    assert store.payouts_of(desk.store, late.id)[0].state == "queued"


def test_a_manager_approves_what_another_asked_for_and_never_their_own(desk):
    claim = approved(desk, "mia", sms_code_received=True)
    page = tab(desk, "Approvals", "mia")
    assert "another manager has to look at it" in texts(page)
    assert not [label for label in labels(page) if label in {"Approve", "Reject"}]
    page = tab(desk, "Approvals", "max")
    assert "Mia asked for it. It waits for another manager, since it goes against the policy's verdict." in texts(page)
    page.button(key="reject_1").click().run()
    assert "The reason is missing" in texts(page)
    page.button(key="approve_1").click().run()
    assert store.payouts_of(desk.store, claim.id)[0].state == "queued"


def test_an_auditor_reads_payouts_and_changes_nothing(desk):
    approved(desk)
    approved(desk, "mia", sms_code_received=True)
    for name in ("Due", "Batches", "Approvals"):
        page = tab(desk, name, "aud")
        assert not page.exception
        assert labels(page) == []


def test_a_limit_is_told_and_holds_for_what_is_decided_after(desk):
    assert "No currency has a limit for one person yet." in texts(tab(desk, "Due"))
    mia = desk.people["mia"].id
    store.set_payout_limit(desk.store, actor=mia, at=clock.now(), currency="USD", limit=1249)
    claim = approved(desk)
    assert "since it is above the limit for one person." in texts(desk.page("claim", claim=claim.ref).run())
    assert "Another manager has to approve payouts above 12.49 USD." in texts(tab(desk, "Due"))


def test_another_way_and_goodwill_are_asked_for_on_the_claim(desk):
    claim = approved(desk, amount=1000, refunded_before=400)
    page = desk.page("claim", "mia", claim=claim.ref).run()
    page.button(key="route").click().run()
    version = claim.version
    page.text_input(key=f"way_route_{claim.id}_{version}").input("bank").run()
    page.text_area(key=f"reason_route_{claim.id}_{version}").input("card expired").run()
    page.button(key="confirm_route").click().run()
    assert "by bank: waits for another manager, since it goes another way than it was paid." in texts(page)

    version = desk.claim(claim.ref).version
    page = desk.page("claim", "ana", claim=claim.ref).run()
    page.button(key="goodwill").click().run()
    page.text_input(key=f"amount_goodwill_{claim.id}_{version}").input("1").run()
    page.text_area(key=f"reason_goodwill_{claim.id}_{version}").input("kind").run()
    page.button(key="confirm_goodwill").click().run()
    assert "at most 0\\.00 USD more can be refunded" in texts(page)


def test_a_chargeback_blocks_what_is_due_until_it_is_closed(desk):
    claim = approved(desk)
    desk.page("claim", "ana", claim=claim.ref).run().button(key="chargeback").click().run()
    assert not [label for label in labels(tab(desk, "Due")) if label.startswith("Make a batch")]
    page = desk.page("claim", "ana", claim=claim.ref).run()
    assert "A chargeback is open: nothing is paid out until it is closed." in texts(page)
    page.button(key="chargeback").click().run()
    assert "Make a batch of 1 payout, 12.50 USD" in labels(tab(desk, "Due"))


def test_sums_stand_a_line_a_currency(desk):
    for currency in ("USD", "USD", "JPY"):
        approved(desk, currency=currency)
    rows = drawn(tab(desk, "Due"), "payout_totals")["rows"]
    assert [(row["head"], row["text"]) for row in rows] == [("JPY", "1 due: 1,250 JPY"), ("USD", "2 due: 25.00 USD")]


def test_the_file_of_a_batch_is_no_formula_and_comes_back_as_it_was(desk):
    approved(desk, claim_ref="=1+1", order_ref="@SUM(A1)", item_ref="+4915112345")
    payouts = store.payouts_in(desk.store, "queued")
    data = batch_file(payouts)
    (row,) = csv.DictReader(io.StringIO(data.decode()))
    assert (row["amount"], row["claim"], row["order"], row["item"]) == ("12.50", "'=1+1", "'@SUM(A1)", "+4915112345")
    lines, problems = returned_file(
        data.replace(b"claim\r\n", b"claim,result\r\n").replace(b"'=1+1\r\n", b"'=1+1,PAID\r\n")
    )
    assert problems == []
    assert [(line.line, line.key, line.amount, line.result) for line in lines] == [(2, payouts[0].key, 1250, "paid")]
