"""Decisions: who may make which alone, what waits for a second person, and that nothing is paid twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from store_of_tests import ANA, AT, BEN, MAX, MIA, VERDICTS, Desk, facts, key, open_desk

from refundcore import store
from refundcore.deadlines import DAY, HOUR, micros
from refundcore.policy import DOCUMENT, read
from refundcore.store import Forbidden, Impossible, Stale, sentences


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = open_desk(tmp_path)
    yield opened
    opened.verified()
    opened.store.engine.dispose()


@pytest.mark.parametrize("verdict", VERDICTS)
def test_the_facts_of_these_tests_have_the_verdicts_they_are_named_after(desk: Desk, verdict: str) -> None:
    assert desk.add(**VERDICTS[verdict]).verdict == verdict


# verdict, outcome, by an agent: with a reason, without; by a manager: with a reason, without
TABLE = [
    ("approve", "approve", "decided", "decided", "decided", "decided"),
    ("approve", "deny", "awaiting_approval", "refused", "decided", "refused"),
    ("approve", "exchange", "awaiting_approval", "refused", "decided", "refused"),
    ("deny", "deny", "decided", "decided", "decided", "decided"),
    ("deny", "approve", "awaiting_approval", "refused", "decided", "refused"),
    ("need_info", "approve", "awaiting_approval", "refused", "decided", "refused"),
    ("need_info", "deny", "awaiting_approval", "refused", "decided", "refused"),
    ("review", "approve", "decided", "refused", "decided", "refused"),
    ("review", "deny", "decided", "refused", "decided", "refused"),
    ("review", "exchange", "decided", "refused", "decided", "refused"),
]
CASES = [
    (row[0], row[1], person, reason, expected)
    for row in TABLE
    for (person, reason), expected in zip(
        [(ANA, "as agreed"), (ANA, " "), (MIA, "as agreed"), (MIA, "")], row[2:], strict=True
    )
]


@pytest.mark.parametrize(("verdict", "outcome", "person", "reason", "expected"), CASES)
def test_a_decision_stands_waits_or_is_refused_by_the_table(
    desk: Desk, *, verdict: str, outcome: str, person: int, reason: str, expected: str
) -> None:
    claim = desk.add(**VERDICTS[verdict])
    if expected == "refused":
        with pytest.raises(Impossible, match=f"verdict is {sentences.verdict(verdict)}.*give a reason"):
            desk.decide(claim, outcome, person, reason=reason)
        assert desk.claim(claim.id) == claim
        return
    desk.decide(claim, outcome, person, reason=reason)
    after = desk.claim(claim.id)
    assert after.state == expected
    assert after.decision is not None
    assert after.decision.status == ("standing" if expected == "decided" else expected)
    assert after.decision.override == (verdict not in {outcome, "review"})
    outcomes = {"approve": "approved", "exchange": "exchanged", "deny": "denied"}
    assert after.outcome == (outcomes[outcome] if expected == "decided" else "")


def test_an_approval_freezes_refund_fee_and_currency(desk: Desk) -> None:
    claim = desk.add(amount=1000, refunded_before=400)
    receipt = desk.decide(claim, reply="Dear customer, ...")
    assert receipt.sentence == f"Claim {claim.ref} was approved: 6.00 USD to be refunded."
    decision = desk.claim(claim.id).decision
    assert decision is not None
    assert (decision.refund, decision.fee, decision.currency, decision.reply) == (600, 0, "USD", "Dear customer, ...")


def test_a_refund_cannot_be_changed_where_the_policy_sets_it_nor_exceed_what_was_paid(desk: Desk) -> None:
    claim = desk.add()
    with pytest.raises(Impossible, match=r"sets the refund: 12\.50 USD"):
        desk.decide(claim, refund=1249)
    denied = desk.add(**VERDICTS["deny"], refunded_before=250)
    for wrong in (0, -5, 1001):
        with pytest.raises(Impossible, match=r"At most 10\.00 USD"):
            desk.decide(denied, person=MIA, reason="goodwill", refund=wrong)
    desk.decide(denied, person=MIA, reason="goodwill", refund=300)
    decision = desk.claim(denied.id).decision
    assert decision is not None
    assert decision.refund == 300


def test_the_fee_of_the_schedule_is_kept_where_the_customer_was_told_of_it(desk: Desk) -> None:
    fees = '[[fee]]\nmethod = "card"\nfrom = 2020-01-01\npercent = "5"\nfixed = { USD = "0.30" }\n'
    desk.store.policy = read(DOCUMENT.read_text(encoding="utf-8"), fees)
    told = {"payment_method": "card", "fee_disclosed": True, "amount": 1000}
    for others, person, expected in (
        (told, ANA, (920, 80)),
        (told | VERDICTS["review"], ANA, (920, 80)),
        (told | VERDICTS["deny"], MIA, (920, 80)),
        (told | VERDICTS["deny"] | {"fee_disclosed": None}, MIA, (1000, 0)),
        (told | VERDICTS["deny"] | {"payment_method": "paypal"}, MIA, (1000, 0)),
        (told | VERDICTS["deny"] | {"reason": "major_defect", "third_party_cause": True}, MIA, (1000, 0)),
    ):
        claim = desk.add(**others)
        desk.decide(claim, "approve", person, reason="as agreed")
        decision = desk.claim(claim.id).decision
        assert decision is not None
        assert (decision.refund, decision.fee) == expected
    with pytest.raises(Impossible, match="fee would take the whole refund"):
        desk.decide(desk.add(**(told | VERDICTS["deny"] | {"amount": 20})), "approve", MIA, reason="goodwill")


@pytest.mark.parametrize("unknown", ["amount", "currency", "order_ref"])
def test_nothing_is_approved_while_amount_currency_or_order_are_unknown(desk: Desk, unknown: str) -> None:
    claim = desk.add(claim_ref="T-1", **{unknown: None})
    with pytest.raises(Impossible, match="unknown: fill it in"):
        desk.decide(claim, person=MIA, reason="goodwill")


def test_an_override_stands_only_after_another_manager_has_approved_it(desk: Desk) -> None:
    claim = desk.add(**VERDICTS["deny"])
    desk.decide(claim, "approve", ANA, reason="promised on the phone")
    with pytest.raises(Forbidden, match="As an agent you cannot approve"):
        desk.do(store.approve_override, claim, BEN)
    with pytest.raises(Impossible, match=r"You asked at 09:00 UTC for approval .*approved"):
        desk.decide(claim, "deny", ANA)
    with pytest.raises(Impossible, match="waiting for a manager's approval"):
        desk.do(store.set_facts, claim, changes={"amount": 5})
    desk.do(store.approve_override, claim, MIA, reason="fine")
    after = desk.claim(claim.id)
    assert (after.state, after.outcome) == ("decided", "approved")
    assert after.decision is not None
    assert (after.decision.person, after.decision.approver, after.decision.status) == ("Ana", "Mia", "standing")
    assert [event.kind for event in store.events(desk.store, claim.id)][1:] == [
        "override_requested",
        "override_approved",
    ]


@pytest.mark.parametrize("act", [store.approve_override, store.reject_override])
def test_who_asked_for_an_override_cannot_settle_it_even_as_a_manager_now(desk: Desk, act: Any) -> None:
    claim = desk.add()
    desk.decide(claim, "deny", ANA, reason="withdrawn")
    desk.sql("UPDATE people SET role = 'manager' WHERE name = 'Ana'")
    with pytest.raises(Forbidden, match="You asked for this decision yourself"):
        desk.do(act, claim, ANA, reason="mine")


def test_a_rejected_override_makes_the_claim_new_with_a_reason_on_record(desk: Desk) -> None:
    claim = desk.add()
    desk.decide(claim, "deny", ANA, reason="withdrawn")
    with pytest.raises(Impossible, match="reason is missing"):
        desk.do(store.reject_override, claim, MIA, reason="")
    desk.do(store.reject_override, claim, MIA, reason="they did not withdraw")
    after = desk.claim(claim.id)
    assert (after.state, after.outcome, after.decision) == ("new", "", None)
    with pytest.raises(Impossible, match="no decision waits"):
        desk.do(store.approve_override, claim, MAX)
    desk.decide(claim)


def test_a_decided_claim_is_not_decided_again_and_says_by_whom(desk: Desk) -> None:
    claim = desk.add()
    desk.decide(claim, at=AT + timedelta(hours=1))
    with pytest.raises(Impossible, match=r"Ana approved this claim at 10:00 UTC; reopen it to decide again\."):
        desk.decide(claim, "deny", BEN, reason="no", at=AT + timedelta(hours=2))


def test_the_verdict_counts_as_it_is_at_the_decision_not_as_it_was_on_the_page(desk: Desk) -> None:
    claim = desk.add(reason="major_defect", defect_approved=None, description="The number drops every call after 5 s")
    assert claim.holds_until is not None
    later = AT + timedelta(days=60)
    with pytest.raises(Impossible, match="give a reason"):
        desk.decide(claim, "exchange", at=later)
    assert store.rejudge_due(desk.store, later) == 1
    again = desk.claim(claim.id)
    assert again.verdict != claim.verdict
    assert again.version == claim.version


@pytest.mark.parametrize("outcome", ["approve", "exchange"])
@pytest.mark.parametrize(("first", "second"), [("N1", "N1"), (None, None), (None, "N1"), ("N1", None)])
def test_one_item_of_an_order_has_a_remedy_once(
    desk: Desk, outcome: str, first: str | None, second: str | None
) -> None:
    one = desk.add(order_ref="O-7", item_ref=first)
    two = desk.add(order_ref="O-7", item_ref=second)
    desk.decide(one, outcome, MIA, reason="as agreed")
    with pytest.raises(
        Impossible, match=f"You approved a .* of order O-7 on claim {one.ref} at 09:00 UTC: one remedy an item"
    ):
        desk.decide(two, outcome, MIA, reason="as agreed")
    desk.decide(two, "deny", MIA, reason="paid already")


def test_different_items_of_an_order_are_separate_but_a_replaced_item_is_not_refunded_too(desk: Desk) -> None:
    for item in ("N1", "N2"):
        desk.decide(desk.add(order_ref="O-7", item_ref=item))
    replaced = desk.add(order_ref="O-7", item_ref="N3")
    desk.decide(replaced, "exchange", MIA, reason="as agreed")
    with pytest.raises(
        Impossible, match=f"You approved a replacement for item N3 of order O-7 on claim {replaced.ref}"
    ):
        desk.decide(desk.add(order_ref="O-7", item_ref="N3"), "approve", MIA)


def test_the_database_itself_refuses_a_second_remedy(desk: Desk) -> None:
    desk.decide(desk.add(order_ref="O-7", item_ref="N1"))
    undecided = desk.add(order_ref="O-7", item_ref="N1")
    other = desk.add(order_ref="O-8", item_ref="N1")
    desk.decide(other)
    columns = (
        "event_id, at, person_id, outcome, status, override, verdict, clause, policy, reason, reply, item_ref, remedy"
    )
    with pytest.raises(Exception, match=r"UNIQUE constraint failed: decisions\.order_ref|decisions_one_remedy"):
        desk.sql(
            f"INSERT INTO decisions (claim_id, order_ref, approver_reason, {columns}) "  # noqa: S608
            f"SELECT {undecided.id}, 'O-7', '', {columns} FROM decisions WHERE claim_id = {other.id}"
        )


def test_an_override_is_not_approved_when_the_item_was_refunded_meanwhile(desk: Desk) -> None:
    late = desk.add(order_ref="O-7", **VERDICTS["deny"])
    desk.decide(late, "approve", ANA, reason="promised")
    desk.decide(desk.add(order_ref="O-7"), "approve", BEN)
    with pytest.raises(Impossible, match=r"Ben approved a refund .* one remedy an item"):
        desk.do(store.approve_override, late, MIA)


def test_a_reopened_claim_gives_its_remedy_back_and_can_be_decided_again(desk: Desk) -> None:
    one, two = desk.add(order_ref="O-7"), desk.add(order_ref="O-7")
    desk.decide(one)
    with pytest.raises(Impossible, match="reason is missing"):
        desk.do(store.reopen, one, reason=" ")
    later = AT + timedelta(hours=3)
    desk.do(store.reopen, one, reason="wrong order", at=later)
    reopened = desk.claim(one.id)
    assert (reopened.state, reopened.outcome, reopened.decision) == ("new", "", None)
    assert reopened.act_by == micros(later) + 24 * HOUR
    desk.decide(two)
    desk.decide(one, "deny", MIA, reason="other claim paid")


def test_only_decided_claims_close_and_only_decided_or_closed_ones_reopen(desk: Desk) -> None:
    claim = desk.add()
    with pytest.raises(Impossible, match="only a decided claim"):
        desk.do(store.close, claim)
    with pytest.raises(Impossible, match="nothing to reopen"):
        desk.do(store.reopen, claim, reason="x")
    desk.decide(claim)
    assert desk.claim(claim.id).act_by == end_of_day_14(claim.facts["submitted_at"])
    desk.do(store.close, claim)
    assert desk.claim(claim.id).act_by is None
    with pytest.raises(Impossible, match="closed"):
        desk.do(store.assign, claim, to=BEN)
    desk.do(store.reopen, claim, reason="bounced")
    assert desk.claim(claim.id).state == "new"


def test_asking_names_facts_and_sets_the_day_to_ask_again(desk: Desk) -> None:
    claim = desk.add(**VERDICTS["need_info"])
    for wrong in ({}, {"ask_for": ["colour"]}, {"ask_for": ["amount"], "ask_of": "neighbour"}):
        with pytest.raises(Impossible):
            desk.decide(claim, "ask", **wrong)
    sentence = desk.decide(claim, "ask", ask_for=["sms_code_received", "amount"]).sentence
    assert sentence == f"Claim {claim.ref} now waits for the customer: Code delivered?, Amount paid."
    assert desk.claim(claim.id).act_by == min(micros(AT) + 7 * 24 * HOUR, desk.claim(claim.id).next_deadline or 2**62)
    desk.decide(claim, "ask", ask_for=["sms_code_received"], ask_of="technician")
    assert desk.claim(claim.id).state == "waiting_technician"


@pytest.mark.parametrize("verdict", ["approve", "deny", "review"])
def test_an_open_claim_is_to_be_acted_on_at_the_earliest_of_its_moments(desk: Desk, verdict: str) -> None:
    soon = micros(AT) + 2 * HOUR
    came = soon - 14 * DAY
    claim = desk.add(**VERDICTS[verdict], submitted_at=came, purchased_at=came - DAY)
    moments = [micros(AT) + 24 * HOUR, claim.next_deadline or 2**62]
    if claim.verdict in {"approve", "exchange"}:
        moments.append(end_of_day_14(came))
    assert claim.act_by == min(moments)


def end_of_day_14(came: int) -> int:
    """The last second of the fourteenth day after a claim's own, in UTC."""
    return (came // DAY + 15) * DAY - 1_000_000


def test_until_when_is_paid_is_said_by_the_policy_document(desk: Desk) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    shorter = text.replace("[clauses.C3.pay_by_days]\n2024-04-02 = 14", "[clauses.C3.pay_by_days]\n2024-04-02 = 3")
    assert shorter != text
    desk.store.policy = read(shorter)
    claim = desk.add(**VERDICTS["approve"])
    desk.decide(claim)
    assert desk.claim(claim.id).act_by == end_of_day_14(claim.facts["submitted_at"]) - 11 * DAY


def test_a_denied_claim_asks_for_nothing_more(desk: Desk) -> None:
    claim = desk.add(**VERDICTS["deny"])
    desk.decide(claim, "deny")
    assert desk.claim(claim.id).act_by is None
    assert claim.ref not in desk.queue()


def test_an_unknown_outcome_is_refused(desk: Desk) -> None:
    with pytest.raises(Impossible, match="'burn' is no decision"):
        desk.decide(desk.add(), "burn")


def test_a_decision_on_a_stale_page_changes_nothing(desk: Desk) -> None:
    claim = desk.add()
    desk.do(store.set_facts, claim, BEN, changes={"amount": 900})
    with pytest.raises(Stale, match="Ben changed Amount paid at 09:00 UTC"):
        store.decide(desk.store, actor=ANA, at=AT, key=key(), claim=claim.id, version=1, outcome="approve")
    assert desk.claim(claim.id).state == "new"


def test_the_event_of_a_decision_holds_its_facts_and_the_policy(desk: Desk) -> None:
    given = facts(amount=700)
    number = store.add_claim(desk.store, actor=ANA, at=AT, key=key(), facts=given).claim
    desk.decide(number)
    body = store.events(desk.store, number)[-1].body
    assert body["policy"] == desk.store.policy.fingerprint
    assert given.items() <= body["facts"].items()
