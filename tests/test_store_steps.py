"""What happens on a claim, step by step: what each step changes, when it is refused, whom the claim then waits for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from store_of_tests import ANA, AT, AUD, BEN, MIA, Desk, key, open_desk

from refundcore import store
from refundcore.deadlines import HOUR, micros
from refundcore.store import Given, Impossible, Stale
from refundcore.store.erasing import erase

NOW = micros(AT)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = open_desk(tmp_path)
    yield opened
    opened.verified()
    opened.store.engine.dispose()


def hours_ago(hours: float) -> int:
    return NOW - int(hours * HOUR)


def when(hours: float) -> tuple[int, int]:
    return hours_ago(hours), hours_ago(hours)


def defect(desk: Desk, **others: Any) -> store.ClaimRecord:
    """A claim about a defect that was notified ten hours ago."""
    given = {"reason": "major_defect", "sms_code_received": None, "submitted_at": hours_ago(10), **others}
    return desk.add(**given)


@dataclass(frozen=True)
class Row:
    """A step on a claim with some facts, and what becomes of it."""

    step: str
    given: Given = field(default_factory=Given)
    facts: dict[str, Any] = field(default_factory=dict)
    changed: dict[str, Any] = field(default_factory=dict)
    state: str = "new"
    asked_for: str = ""
    verdict: str = "pending"
    outcome: str = ""
    told: str = ""


ASKED = {"access_needed": True, "access_requested_at": hours_ago(6)}
LATE = {"submitted_at": hours_ago(80), "defect_notified_at": hours_ago(80), "purchased_at": hours_ago(100)}
TAKEN = [
    Row(
        "access_requested", Given("to see the log", when(2)),
        changed={"access_needed": True, "access_requested_at": hours_ago(2)},
        state="waiting_customer", asked_for="access_granted_at", told="“to see the log”",
    ),
    Row(
        "access_granted", Given(when=when(1)), ASKED, {"access_granted_at": hours_ago(1)},
        state="waiting_technician", asked_for="defect_approved",
    ),
    Row(
        "access_granted", Given(when=when(1)), {**ASKED, "defect_approved": True}, {"access_granted_at": hours_ago(1)},
        state="waiting_technician", asked_for="defect_fixed_at",
    ),
    Row(
        "access_refused", Given("You will never get that password"), ASKED, {"access_refused": True},
        verdict="deny", told="“You will never get that password”",
    ),
    Row(
        "defect_confirmed", facts={}, changed={"defect_approved": True},
        state="waiting_technician", asked_for="defect_fixed_at",
    ),
    Row(
        "defect_confirmed", facts=ASKED, changed={"defect_approved": True},
        state="waiting_customer", asked_for="access_granted_at",
    ),
    Row("defect_confirmed", facts=LATE, changed={"defect_approved": True}, verdict="approve"),
    Row("defect_rejected", Given("It works as it should"), changed={"defect_approved": False}, verdict="deny"),
    Row(
        "fix_recorded", Given("A new driver", when(1)), {"defect_approved": True},
        {"defect_fixed_at": hours_ago(1)}, verdict="deny",
    ),
    Row(
        "fix_recorded", Given("A new driver", when(1)), {"defect_approved": True, **LATE},
        {"defect_fixed_at": hours_ago(1)}, verdict="approve",
    ),
    Row(
        "fix_accepted", Given("Thank you, that is fine"),
        {"defect_approved": True, "defect_fixed_at": hours_ago(1), **LATE}, {"fix_accepted": True}, verdict="deny",
    ),
    Row(
        "replacement_offered", Given("The yearly panel", price=1375), {"defect_approved": True, **LATE},
        {"replacement_price": 1375}, state="waiting_customer", asked_for="remedy_choice", verdict="approve",
        told="13.75 USD; “The yearly panel”",
    ),
    Row(
        "remedy_chosen", Given(choice="replacement"), {"defect_approved": True, "replacement_price": 1125, **LATE},
        {"remedy_choice": "replacement"}, verdict="exchange", told="replacement",
    ),
    Row(
        "remedy_chosen", Given(choice="refund"), {"defect_approved": True, **LATE}, {"remedy_choice": "refund"},
        verdict="approve",
    ),
    Row("withdrawn", Given("It works now, never mind"), state="closed", outcome="withdrawn"),
]  # fmt: skip


@pytest.mark.parametrize("row", TAKEN, ids=[f"{row.step} {place}" for place, row in enumerate(TAKEN)])
def test_a_step_changes_its_facts_and_the_claim_waits_for_whom_it_has_to(desk: Desk, row: Row) -> None:
    claim = defect(desk, **row.facts)
    receipt = desk.do(store.take_step, claim, step=row.step, given=row.given)
    after = desk.claim(claim.id)
    changed = {name: after.facts[name] for name in row.changed}
    assert changed == row.changed
    assert {name for name in after.facts if after.facts[name] != claim.facts[name]} <= {
        *row.changed, *(f"{name}_latest" for name in row.changed), "access_refused",
    }  # fmt: skip
    found = (after.state, " ".join(after.asked_for), after.verdict, after.outcome)
    assert found == (row.state, row.asked_for, row.verdict, row.outcome)
    assert claim.ref in receipt.sentence
    event = store.events(desk.store, claim.id)[-1]
    assert event.kind == row.step
    assert row.told in event.sentence


REFUSED = [
    (Row("access_requested", Given(when=when(1)), ASKED), "asked for already"),
    (Row("access_requested", Given(when=when(1)), {"access_refused": True}), "refused access already"),
    (Row("access_requested", Given(when=when(1)), {"defect_approved": False}), "found no defect"),
    (Row("access_requested", Given(when=when(1)), {"defect_fixed_at": hours_ago(2)}), "put right already"),
    (Row("access_requested", Given(when=when(30))), "before the notice"),
    (Row("access_requested", Given()), "Say when"),
    (Row("access_requested", Given(when=when(-1))), "in the future"),
    (Row("access_granted", Given(when=when(1))), "Nobody has asked for access yet"),
    (Row("access_granted", Given(when=when(8)), ASKED), "before the request"),
    (Row("access_granted", Given(when=when(1)), {**ASKED, "access_granted_at": hours_ago(3)}), "given already"),
    (Row("access_granted", Given(when=when(1)), {**ASKED, "access_refused": True}), "refused access"),
    (Row("access_refused", Given(" "), ASKED), "The customer's words is missing"),
    (Row("access_refused", Given("no"), {}), "Nobody has asked for access yet"),
    (Row("defect_confirmed", facts={"defect_approved": True}), "confirmed already"),
    (Row("defect_rejected", Given("no"), {"defect_approved": False}), "recorded already"),
    (Row("defect_rejected", Given("")), "What the technicians say is missing"),
    (Row("fix_recorded", Given(when=when(1)), {"defect_fixed_at": hours_ago(2)}), "put right already"),
    (Row("fix_recorded", Given(when=when(20))), "before the notice"),
    (Row("fix_accepted", Given("fine")), "No fix is recorded"),
    (Row("fix_accepted", Given("fine"), {"defect_fixed_at": hours_ago(2)}), "in time"),
    (
        Row("fix_accepted", Given("fine"), {"defect_fixed_at": hours_ago(2), "fix_accepted": True, **LATE}),
        "recorded already",
    ),
    (Row("replacement_offered", Given("x", price=1376)), "between 11.25 USD and 13.75 USD .C6d.; this one costs 13.76"),
    (Row("replacement_offered", Given("x", price=1124)), "about the same value"),
    (Row("replacement_offered", Given("x")), "Name the price"),
    (Row("replacement_offered", Given("x", price=1250), {"currency": None, "amount": None}), "paid is unknown"),
    (Row("replacement_offered", Given("", price=1250)), "What is offered is missing"),
    (Row("remedy_chosen", Given(choice="money")), "refund or the replacement"),
    (Row("remedy_chosen", Given(choice="refund"), {"remedy_choice": "refund"}), "recorded already"),
    (Row("remedy_chosen", Given(choice="refund"), {"defect_approved": False}), "A clause bars this claim"),
    (Row("replacement_offered", Given("x", price=1250), {"defect_approved": False}), "A clause bars this claim"),
    (Row("fix_recorded", Given(when=when(1)), {"defect_approved": False}), "found no defect"),
    (Row("access_requested", Given(when=when(1)), {"access_granted_at": hours_ago(3)}), "given already"),
    (Row("answered", Given(answers={"amount": 5})), "Nothing was asked"),
    (Row("withdrawn", Given("")), "The customer's words is missing"),
    (Row("teleported"), "no step called"),
]


@pytest.mark.parametrize(("row", "why"), REFUSED, ids=[f"{row.step} {place}" for place, (row, _) in enumerate(REFUSED)])
def test_a_step_that_does_not_fit_is_refused_with_its_sentence_and_changes_nothing(
    desk: Desk, row: Row, why: str
) -> None:
    claim = defect(desk, **row.facts)
    with pytest.raises(Impossible, match=why):
        desk.do(store.take_step, claim, step=row.step, given=row.given)
    assert desk.claim(claim.id) == claim


@pytest.mark.parametrize("step", [name for name in store.STEPS if name not in {"answered", "withdrawn"}])
def test_steps_of_a_defect_fit_no_other_reason(desk: Desk, step: str) -> None:
    claim = desk.add()
    with pytest.raises(Impossible, match="major defect only"):
        desk.do(store.take_step, claim, step=step, given=Given("x", when(1), 1250, "refund"))


@pytest.mark.parametrize("step", store.STEPS)
def test_no_step_is_taken_on_a_decided_claim_by_an_auditor_on_a_stale_page_or_twice(desk: Desk, step: str) -> None:
    claim = defect(desk, **LATE, defect_approved=True, access_needed=True, access_requested_at=hours_ago(79))
    given = Given("as they said", when(1), 1250, "refund", {"product": "panel"})
    with pytest.raises(store.Forbidden, match="As an auditor you cannot record what happened"):
        desk.do(store.take_step, claim, AUD, step=step, given=given)
    desk.do(store.note, claim, BEN, text="seen")
    with pytest.raises(Stale, match="Ben added a note"):
        desk.do(store.take_step, claim, step=step, given=given, version=claim.version)
    decided = desk.add()
    desk.decide(decided, "approve")
    with pytest.raises(Impossible, match="reopen it first"):
        desk.do(store.take_step, decided, step=step, given=given)


def test_a_step_pressed_twice_is_taken_once(desk: Desk) -> None:
    claim, once = defect(desk), key()
    first = desk.do(store.take_step, claim, step="defect_confirmed", given=Given(), key=once)
    again = desk.do(store.take_step, claim, step="defect_confirmed", given=Given(), key=once, version=claim.version)
    assert (again.repeated, again.version) == (True, first.version)
    with pytest.raises(Impossible, match="used for something else"):
        desk.do(store.take_step, claim, step="defect_rejected", given=Given("no"), key=once)


def test_an_answer_tells_only_what_was_asked_and_who_is_waited_for_is_gone(desk: Desk) -> None:
    claim = desk.add(sms_code_received=None)
    until = NOW + 5 * HOUR
    desk.decide(claim, "ask", ask_for=["sms_code_received"], ask_until=until)
    asked = desk.claim(claim.id)
    assert (asked.state, asked.asked_until, asked.act_by) == ("waiting_customer", until, until)
    assert "until 2026-05-12 14:00 UTC" in store.events(desk.store, claim.id)[-1].sentence
    with pytest.raises(Impossible, match="was not asked for"):
        desk.do(store.take_step, claim, step="answered", given=Given(answers={"amount": 1}))
    desk.do(store.take_step, claim, step="answered", given=Given("None came", answers={"sms_code_received": False}))
    after = desk.claim(claim.id)
    assert (after.state, after.asked_for, after.asked_until, after.verdict) == ("new", (), None, "approve")
    assert "Code delivered?; “None came”" in store.events(desk.store, claim.id)[-1].sentence


def test_an_answer_is_not_asked_for_by_a_moment_that_has_passed(desk: Desk) -> None:
    claim = desk.add(sms_code_received=None)
    with pytest.raises(Impossible, match="a moment that has passed"):
        desk.decide(claim, "ask", ask_for=["sms_code_received"], ask_until=NOW)


def test_an_answer_that_changes_who_the_claim_is_of_is_found_under_the_new_address(desk: Desk) -> None:
    claim = desk.add(customer_email=None)
    desk.decide(claim, "ask", ask_for=["customer_email"])
    desk.do(store.take_step, claim, step="answered", given=Given(answers={"customer_email": "Kim@Example.com"}))
    assert desk.queue(text="kim@example.com") == [claim.ref]


def test_access_that_was_asked_for_and_given_lengthens_the_clock_by_what_it_took(desk: Desk) -> None:
    claim = defect(desk)
    assert claim.next_deadline == hours_ago(10) + 72 * HOUR
    desk.do(store.take_step, claim, step="access_requested", given=Given(when=when(6)))
    assert desk.claim(claim.id).next_deadline == hours_ago(6) + 240 * HOUR
    desk.do(store.take_step, claim, step="access_granted", given=Given(when=when(1)))
    assert desk.claim(claim.id).next_deadline == hours_ago(10) + (72 + 5) * HOUR


def test_what_a_step_would_change_is_told_beforehand_and_is_what_it_then_changes(desk: Desk) -> None:
    claim = defect(desk)
    row = {**claim.facts, "state": claim.state, "asked_for": ""}
    told = store.step_changes("access_requested", row, Given(when=when(2)), NOW, desk.store.policy)
    desk.do(store.take_step, claim, step="access_requested", given=Given(when=when(2)))
    after = desk.claim(claim.id)
    assert told == {name: after.facts[name] for name in after.facts if after.facts[name] != claim.facts[name]}


def test_a_withdrawn_claim_leaves_the_queue_and_can_be_opened_again(desk: Desk) -> None:
    claim = defect(desk)
    desk.do(store.take_step, claim, step="withdrawn", given=Given("Never mind"))
    assert claim.ref not in desk.queue()
    desk.verified()
    desk.do(store.reopen, claim, BEN, reason="They changed their mind")
    again = desk.claim(claim.id)
    assert (again.state, again.outcome) == ("new", "")
    assert claim.ref in desk.queue()


def test_once_time_has_settled_a_claim_that_waits_for_others_it_is_ours_to_answer_from_that_moment(desk: Desk) -> None:
    claim = defect(desk, defect_approved=True)
    desk.decide(claim, "ask", ask_for=["defect_fixed_at"], ask_of="technician")
    end = hours_ago(10) + 72 * HOUR
    desk.at = AT + timedelta(hours=63)
    store.rejudge_due(desk.store, desk.at)
    after = desk.claim(claim.id)
    assert (after.state, after.verdict, after.act_by) == ("waiting_technician", "approve", end + 24 * HOUR)


def test_a_fact_that_was_not_asked_for_ends_no_waiting(desk: Desk) -> None:
    claim = desk.add(sms_code_received=None)
    desk.decide(claim, "ask", ask_for=["sms_code_received"], ask_until=NOW + HOUR)
    waiting = desk.claim(claim.id)
    desk.do(store.set_facts, claim, changes={"product": "panel"})
    after = desk.claim(claim.id)
    assert (after.state, after.asked_for, after.asked_until, after.act_by) == (
        waiting.state, waiting.asked_for, waiting.asked_until, waiting.act_by,
    )  # fmt: skip
    desk.do(store.set_facts, claim, changes={"sms_code_received": False})
    assert (desk.claim(claim.id).state, desk.claim(claim.id).asked_for) == ("new", ())


def test_a_claim_is_taken_back_with_its_import_although_somebody_has_it_open(desk: Desk) -> None:
    desk.load([{"claim_ref": "X-1", "order_ref": "O-1"}])
    (ref,) = desk.queue()
    found = store.claim(desk.store, ref)
    assert found
    assert store.look_in(desk.store, person=BEN, at=AT, claim=found.id) == []
    assert [viewer.person for viewer in store.look_in(desk.store, person=ANA, at=AT, claim=found.id)] == ["Ben"]
    later = AT + timedelta(seconds=46)
    assert store.look_in(desk.store, person=ANA, at=later, claim=found.id) == [], "whoever gives no sign is gone"
    assert store.undo_import(desk.store, 1, actor=MIA, at=AT) == 1
    assert desk.queue() == []


def test_a_reopened_claim_of_an_erased_customer_can_be_worked_and_not_taken_back(desk: Desk) -> None:
    claim = desk.add()
    desk.decide(claim, "deny", MIA, reason="as agreed")
    desk.do(store.close, claim, MIA)
    erase(desk.store, actor=MIA, at=AT, key=key(), reason="asked", claim=claim.id)
    desk.do(store.reopen, claim, reason="again")
    desk.do(store.set_facts, claim, changes={"amount": 999})
    assert store.can_undo(desk.store, actor=ANA, at=NOW, claim=claim.id) == ""
    desk.verified()


def test_a_reference_is_neither_asked_for_nor_changed_by_an_answer(desk: Desk) -> None:
    claim = desk.add()
    with pytest.raises(Impossible, match="cannot be changed"):
        desk.decide(claim, "ask", ask_for=["claim_ref"])


# --- taking back ----------------------------------------------------------------------------------------------------


def _asked(desk: Desk) -> store.ClaimRecord:
    return desk.add(sms_code_received=None)


UNDOABLE = {
    "facts": lambda d, c: d.do(store.set_facts, c, changes={"amount": 999, "customer_email": "x@example.com"}),
    "assigned": lambda d, c: d.do(store.assign, c, to=BEN),
    "asked": lambda d, c: d.decide(c, "ask", ask_for=["product"], ask_until=NOW + HOUR),
    "decided": lambda d, c: d.decide(c, "approve", reason="as agreed"),
    "waiting for approval": lambda d, c: d.decide(c, "deny", reason="as agreed"),
    "step": lambda d, c: d.do(store.take_step, c, step="withdrawn", given=Given("Never mind")),
}


@pytest.mark.parametrize("what", UNDOABLE)
def test_ones_own_last_act_is_taken_back_and_the_claim_is_as_it_was(desk: Desk, what: str) -> None:
    claim = desk.add()
    UNDOABLE[what](desk, claim)
    assert store.can_undo(desk.store, actor=ANA, at=NOW, claim=claim.id)
    desk.at = AT + timedelta(minutes=9)
    receipt = desk.do(store.undo, claim)
    after = desk.claim(claim.id)
    same = ("facts", "state", "outcome", "assignee_id", "asked_for", "asked_until", "verdict", "act_by", "decision")
    assert {name: getattr(after, name) for name in same} == {name: getattr(claim, name) for name in same}
    assert receipt.version == after.version == claim.version + 2
    assert "took back their last act" in store.events(desk.store, claim.id)[-1].sentence
    assert not store.payouts_of(desk.store, claim.id)
    assert desk.queue(text=claim.ref) == [claim.ref]


def test_taking_back_restores_since_when_the_claim_waits(desk: Desk) -> None:
    claim = desk.add(sms_code_received=None)
    desk.decide(claim, "ask", ask_for=["sms_code_received"])
    waiting = desk.claim(claim.id)
    desk.at = AT + timedelta(hours=30)
    desk.decide(claim, "ask", ask_for=["sms_code_received"])
    desk.do(store.undo, claim)
    assert desk.claim(claim.id).act_by == waiting.act_by
    desk.do(store.assign, claim, to=BEN)
    desk.do(store.undo, claim)
    assert desk.claim(claim.id).act_by == waiting.act_by


def test_closing_is_taken_back_to_the_decision(desk: Desk) -> None:
    claim = desk.add()
    desk.decide(claim, "approve", MIA)
    desk.do(store.close, claim)
    desk.do(store.undo, claim)
    assert (desk.claim(claim.id).state, desk.claim(claim.id).outcome) == ("decided", "approved")


def test_after_taking_back_the_claim_can_be_decided_again_and_is_paid_once(desk: Desk) -> None:
    claim = desk.add()
    desk.decide(claim, "approve")
    desk.do(store.undo, claim)
    desk.decide(claim, "approve")
    assert [payout.state for payout in store.payouts_of(desk.store, claim.id)] == ["queued"]


@pytest.mark.parametrize(
    ("acts", "why"),
    [
        ([(store.assign, BEN, {"to": BEN})], "only your own last act"),
        ([(store.reopen, ANA, {"reason": "again"})], "cannot be taken back"),
        ([(store.undo, ANA, {})], "cannot be taken back"),
    ],
    ids=["another's", "reopening", "taking back"],
)
def test_what_is_anothers_or_cannot_be_taken_back_is_refused(desk: Desk, acts: Any, why: str) -> None:
    claim = desk.add()
    desk.decide(claim, "approve")
    for act, who, given in acts:
        desk.do(act, claim, who, **given)
    before = desk.claim(claim.id)
    with pytest.raises(Impossible, match=why):
        desk.do(store.undo, claim)
    assert desk.claim(claim.id) == before
    assert store.can_undo(desk.store, actor=ANA, at=NOW, claim=claim.id) == ""


def test_after_ten_minutes_nothing_is_taken_back(desk: Desk) -> None:
    claim = desk.add()
    desk.decide(claim, "approve")
    desk.at = AT + timedelta(minutes=10, seconds=1)
    with pytest.raises(Impossible, match="for 10 minutes, and yours was at 09:00 UTC"):
        desk.do(store.undo, claim)


def test_money_that_is_under_way_is_not_taken_back(desk: Desk) -> None:
    claim = desk.add()
    desk.decide(claim, "approve", MIA)
    (payout,) = store.payouts_of(desk.store, claim.id)
    store.make_batch(desk.store, actor=MIA, at=AT, key=key(), payouts=[payout.id])
    with pytest.raises(Impossible, match="cannot be taken back"):
        desk.do(store.undo, claim, MIA)


def test_a_colleagues_note_does_not_stand_in_the_way(desk: Desk) -> None:
    claim = desk.add()
    desk.do(store.assign, claim, to=ANA)
    desk.do(store.note, claim, BEN, text="hello")
    desk.do(store.undo, claim)
    assert desk.claim(claim.id).assignee_id is None
