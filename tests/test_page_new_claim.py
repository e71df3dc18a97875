"""Entering a claim: the questions follow the reason, the verdict stands beside them, saving opens the claim."""

from __future__ import annotations

from datetime import timedelta

import pytest
from desk_of_tests import Desk, drawn, labels, open_desk, texts

from refundcore import clock, store


@pytest.fixture
def desk(tmp_path, monkeypatch) -> Desk:
    return open_desk(tmp_path, monkeypatch)


def day(days_ago: float) -> str:
    return f"{clock.now() - timedelta(days=days_ago):%Y-%m-%d}"


def fill(page, reason="sms_not_received", currency="USD", **answers):
    page.segmented_control(key="entry_reason").select(reason).run()
    for name, text in {
        "order_ref": "ORD-1",
        "customer_email": "kim@example.com",
        "purchased_at": day(2),
        "submitted_at": day(1),
        "amount": "12.50",
        **answers,
    }.items():
        page.text_input(key=f"entry_{name}").set_value(text)
    page.text_area(key="entry_description").set_value("No code arrived on the number although I tried it five times")
    page.selectbox(key="entry_currency").set_value(currency)
    return page.run()


def keys(page) -> set[str]:
    kinds = ("text_input", "selectbox", "segmented_control", "text_area")
    return {str(element.key).removeprefix("entry_") for kind in kinds for element in page.get(kind)}


QUESTIONS = [
    ("sms_not_received", {"sms_code_received", "sms_received_at"}, {"evidence_attached", "defect_approved"}),
    ("invalid_number", {"sms_code_received", "evidence_attached", "contacted_at"}, {"defect_approved"}),
    ("major_defect", {"defect_approved", "access_refused", "remedy_choice"}, {"sms_code_received"}),
    ("incompatibility", {"third_party_cause", "listed_compatible"}, {"sms_code_received", "defect_approved"}),
]


@pytest.mark.parametrize(("reason", "there", "absent"), QUESTIONS, ids=[row[0] for row in QUESTIONS])
def test_the_questions_follow_the_reason(desk, reason, there, absent):
    page = desk.page("new_claim").run()
    page.segmented_control(key="entry_reason").select(reason).run()

    assert not page.exception
    assert there <= keys(page)
    assert not absent & keys(page)


def test_before_anything_is_known_it_says_where_the_verdict_will_be(desk):
    page = desk.page("new_claim").run()

    assert "The verdict appears here" in texts(page)


def test_the_verdict_stands_beside_what_is_typed(desk):
    page = fill(desk.page("new_claim").run())
    assert "Ask first" in texts(page)
    assert [row["head"] for row in drawn(page, "entry_missing")["rows"]] == ["Code delivered?"]
    assert drawn(page, "entry_deadlines")["rows"]
    page.segmented_control(key="entry_sms_code_received").select("No").run()

    assert "Approved" in texts(page)


UNREADABLE = [
    ("purchased_at", "yesterday", "'yesterday' is not a date"),
    ("amount", "12.505", "'12.505' has too many decimals"),
    ("amount", "-3", "is negative"),
    ("customer_email", "not mail", "An e-mail address such as ana@example.org is wanted"),
    ("order_ref", "O" * 201, "At most 200 characters are wanted; these are 201"),
    ("currency", None, "Choose the currency too"),
]


@pytest.mark.parametrize(
    ("name", "typed", "says"), UNREADABLE, ids=[f"{row[0]} {str(row[1])[:10]}" for row in UNREADABLE]
)
def test_what_cannot_be_read_is_said_at_its_field_and_keeps_the_claim_from_being_saved(desk, name, typed, says):
    page = fill(desk.page("new_claim").run(), **{name: typed})
    assert says in texts(page).replace("\\", "")
    page.button(key="save").click().run()

    assert "Not saved yet" in texts(page)
    assert not store.queue(desk.store, store.Filter(), person=1, at=clock.now()).rows


def test_without_an_order_or_a_reference_nothing_is_saved(desk):
    page = fill(desk.page("new_claim").run(), order_ref="")
    page.button(key="save").click().run()

    assert "Not saved yet: the order is wanted" in texts(page)


def test_saving_opens_the_claim_and_empties_the_form(desk):
    page = desk.app("ana").run()
    page.switch_page("pages/new_claim.py").run()
    fill(page)
    page.button(key="save").click().run()

    assert not page.exception
    claim = desk.claim(page.query_params["claim"])
    assert (claim.facts["order_ref"], claim.facts["amount"], claim.assignee) == ("ORD-1", 1250, "Ana")
    assert claim.facts["purchased_at_latest"] - claim.facts["purchased_at"] == 86_400_000_000 - 1
    page.switch_page("pages/new_claim.py").run()
    assert page.text_input(key="entry_order_ref").value == ""


def test_an_hour_of_the_day_may_be_given(desk):
    page = fill(desk.page("new_claim").run(), purchased_at=f"{day(2)} 13:05")

    assert "is not a date" not in texts(page).replace("\\", "")


def test_the_same_claim_again_is_refused_with_a_sentence(desk):
    page = desk.app("ana").run()
    for _ in range(2):
        page.switch_page("pages/new_claim.py").run()
        fill(page, claim_ref="X-1")
        page.button(key="save").click().run()

    assert not page.exception
    assert "X-1" in texts(page).replace("\\", "")
    assert len(store.queue(desk.store, store.Filter(), person=1, at=clock.now()).rows) == 1


def test_half_a_claim_is_still_there_after_a_look_at_the_queue(desk):
    page = desk.app("ana").run()
    page.switch_page("pages/new_claim.py").run()
    fill(page)
    page.switch_page("pages/queue.py").run()
    page.switch_page("pages/new_claim.py").run()

    assert page.text_input(key="entry_order_ref").value == "ORD-1"


def test_an_auditor_is_told_whom_the_page_is_for(desk):
    page = desk.page("new_claim", "aud").run()

    assert "This page is for agents and managers" in texts(page)
    assert "Save the claim" not in labels(page)
