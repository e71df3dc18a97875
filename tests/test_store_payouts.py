"""Payouts: what is due when, who has to look at it, batches from draft to settled, and that nothing is paid twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from store_of_tests import ANA, AT, AUD, BEN, MAX, MIA, VERDICTS, Desk, key, on_sqlite, open_desk

from refundcore import store
from refundcore.store import Forbidden, Impossible, Mismatch, Payout, Returned, Stale


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = open_desk(tmp_path)
    yield opened
    opened.verified()
    opened.store.engine.dispose()


def payout(desk: Desk, claim: store.ClaimRecord) -> Payout:
    """The last payout of a claim."""
    return store.payouts_of(desk.store, claim.id)[-1]


def approved(desk: Desk, person: int = ANA, **others: Any) -> store.ClaimRecord:
    """A claim that was approved."""
    claim = desk.add(**others)
    desk.decide(claim, "approve", person, reason="as agreed")
    return claim


def batched(desk: Desk, *claims: store.ClaimRecord, person: int = MIA, exported: bool = True) -> int:
    """A batch of the payouts of claims."""
    chosen = [payout(desk, claim).id for claim in claims]
    number = store.make_batch(desk.store, actor=person, at=AT, key=key(), payouts=chosen).batch
    if exported:
        store.export_batch(desk.store, actor=person, at=AT, key=key(), batch=number)
    return number


def returned(desk: Desk, batch: int, **others: Any) -> list[Returned]:
    """The lines of a returned file that tells of every payout of a batch."""
    found = store.payouts_of_batch(desk.store, batch)
    return [
        Returned(**({"line": at, "key": p.key, "amount": p.amount, "currency": p.currency, "result": "paid"} | others))
        for at, p in enumerate(found, 2)
    ]


def settle(desk: Desk, batch: int, lines: list[Returned], person: int = MIA) -> store.BatchReceipt:
    return store.settle_batch(desk.store, actor=person, at=AT, key=key(), batch=batch, lines=lines)


# States of a payout, each as (state of the payout, who decided, how it comes to it).


def _queued(desk: Desk) -> store.ClaimRecord:
    return approved(desk)


def _awaiting(desk: Desk) -> store.ClaimRecord:
    return approved(desk, MAX, **VERDICTS["deny"])


def _drafted(desk: Desk) -> store.ClaimRecord:
    claim = approved(desk)
    batched(desk, claim, exported=False)
    return claim


def _in_batch(desk: Desk) -> store.ClaimRecord:
    claim = approved(desk)
    batched(desk, claim)
    return claim


def _paid(desk: Desk) -> store.ClaimRecord:
    claim = _in_batch(desk)
    desk.do(store.mark_payout, claim, MIA, payout=payout(desk, claim).id, result="paid")
    return claim


def _failed(desk: Desk) -> store.ClaimRecord:
    claim = _in_batch(desk)
    desk.do(store.mark_payout, claim, MIA, payout=payout(desk, claim).id, result="failed", why="account closed")
    return claim


STATES: dict[str, Callable[[Desk], store.ClaimRecord]] = {
    "queued": _queued,
    "awaiting": _awaiting,
    "drafted": _drafted,
    "in_batch": _in_batch,
    "paid": _paid,
    "failed": _failed,
}


@dataclass(frozen=True)
class Row:
    """An act on a payout: with what, who may, in which states, and what becomes of payout and claim."""

    act: Any
    given: dict[str, Any]
    agents: bool
    makes: dict[str, tuple[str, str]]
    """State -> the last payout's state and the claim's state afterwards; any other state is refused."""


TABLE = {
    "approve": Row(store.approve_payout, {}, agents=False, makes={"awaiting": ("queued", "decided")}),
    "reject": Row(store.reject_payout, {"reason": "no"}, agents=False, makes={"awaiting": ("", "new")}),
    "route": Row(
        store.ask_route,
        {"route": "bank_transfer", "reason": "card expired"},
        agents=False,
        makes={"queued": ("awaiting", "decided"), "awaiting": ("awaiting", "decided")},
    ),
    "paid": Row(store.mark_payout, {"result": "paid"}, agents=False, makes={"in_batch": ("paid", "closed")}),
    "failed": Row(
        store.mark_payout,
        {"result": "failed", "why": "account closed"},
        agents=False,
        makes={"in_batch": ("failed", "payout_failed")},
    ),
    "queue again": Row(store.queue_payout, {}, agents=True, makes={"failed": ("queued", "decided")}),
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("act", TABLE)
def test_every_act_is_done_or_refused_by_the_state_of_the_payout(desk: Desk, act: str, state: str) -> None:
    row, claim = TABLE[act], STATES[state](desk)
    given = {"payout": payout(desk, claim).id, **row.given}
    before = desk.claim(claim.id)
    if state not in row.makes:
        wrong = r"cannot be changed so; reload|was not exported yet|no payout of it can be queued"
        with pytest.raises(Impossible, match=wrong):
            desk.do(row.act, claim, MIA, **given)
        assert desk.claim(claim.id) == before
        return
    receipt = desk.do(row.act, claim, MIA, **given)
    after = desk.claim(claim.id)
    last = store.payouts_of(desk.store, claim.id)
    assert (last[-1].state if last else "", after.state) == row.makes[state]
    assert after.version == receipt.version == before.version + 1
    assert receipt.sentence.startswith(f"Claim {claim.ref}")


@pytest.mark.parametrize("act", TABLE)
def test_every_act_is_refused_to_the_wrong_role_on_a_stale_page_and_done_once(desk: Desk, act: str) -> None:
    row = TABLE[act]
    claim = STATES[next(iter(row.makes))](desk)
    now = desk.claim(claim.id)
    given = {"claim": claim.id, "payout": payout(desk, claim).id, "at": AT, **row.given}
    for who in (AUD, *([] if row.agents else [ANA])):
        with pytest.raises(Forbidden, match=r"As an (auditor|agent) you cannot"):
            row.act(desk.store, actor=who, key=key(), version=now.version, **given)
    with pytest.raises(Stale, match="reload to see it"):
        row.act(desk.store, actor=MIA, key=key(), version=now.version - 1, **given)
    assert desk.claim(claim.id) == now
    same = key()
    first = row.act(desk.store, actor=MIA, key=same, version=now.version, **given)
    again = row.act(desk.store, actor=MIA, key=same, version=now.version, **given)
    assert (first.repeated, again.repeated, again.version) == (False, True, first.version)


def test_an_approval_makes_its_payout_due_by_the_way_it_was_paid(desk: Desk) -> None:
    found = payout(desk, approved(desk, payment_method="card"))
    assert (found.state, found.amount, found.currency, found.route, found.needs) == ("queued", 1250, "USD", "card", ())
    assert payout(desk, approved(desk)).route == "original"


def test_a_split_payment_goes_back_pro_rata_by_largest_remainder(desk: Desk) -> None:
    claim = approved(desk, amount=1000, refunded_before=50, payment_split="card:6.00;balance:4.00")
    assert payout(desk, claim).route == "card:5.70;balance:3.80"
    assert (
        payout(desk, approved(desk, amount=100, payment_split="a:0.33; b:0.33;c:0.34")).route == "a:0.33;b:0.33;c:0.34"
    )


@pytest.mark.parametrize("split", ["card", "card:6.00;card:4.00", "card:1.00", "card:x", "card:6.005;b:6.00"])
def test_a_split_that_cannot_be_read_stops_the_approval_with_a_sentence(desk: Desk, split: str) -> None:
    claim = desk.add(amount=1000, payment_split=split)
    with pytest.raises(Impossible, match=r"Payment split: .* write it as card:6.00;balance:4.00"):
        desk.decide(claim)
    assert desk.claim(claim.id).state == "new"


@pytest.mark.parametrize("outcome", ["deny", "exchange"])
def test_only_a_refund_has_a_payout(desk: Desk, outcome: str) -> None:
    claim = desk.add(**VERDICTS["review"])
    desk.decide(claim, outcome, MIA, reason="as agreed")
    assert store.payouts_of(desk.store, claim.id) == []


# Four eyes


def test_a_managers_own_override_pays_only_after_another_manager(desk: Desk) -> None:
    claim = approved(desk, MIA, **VERDICTS["deny"])
    found = payout(desk, claim)
    assert (found.state, found.needs) == ("awaiting", ("override",))
    with pytest.raises(Impossible, match="waiting for another manager, not due"):
        batched(desk, claim)
    for act, more in ((store.approve_payout, {}), (store.reject_payout, {"reason": "x"})):
        with pytest.raises(Forbidden, match="You asked for this payout yourself"):
            desk.do(act, claim, MIA, payout=found.id, **more)
    desk.do(store.approve_payout, claim, MAX, payout=found.id)
    assert (payout(desk, claim).state, payout(desk, claim).approver) == ("queued", "Max")


def test_an_override_that_a_manager_approved_has_had_its_second_person(desk: Desk) -> None:
    claim = desk.add(**VERDICTS["deny"])
    desk.decide(claim, "approve", ANA, reason="promised")
    assert store.payouts_of(desk.store, claim.id) == []
    desk.do(store.approve_override, claim, MIA)
    assert payout(desk, claim).state == "queued"


@pytest.mark.parametrize(("amount", "state"), [(1000, "queued"), (1001, "awaiting")])
@pytest.mark.parametrize("person", [ANA, MIA])
def test_above_the_limit_of_its_currency_a_payout_waits(desk: Desk, person: int, amount: int, state: str) -> None:
    store.set_payout_limit(desk.store, actor=MAX, at=AT, currency="USD", limit=1000)
    assert store.payout_limits(desk.store) == {"USD": 1000}
    claim = approved(desk, person, amount=amount)
    found = payout(desk, claim)
    assert (found.state, found.needs) == (state, ("limit",) if state == "awaiting" else ())
    assert payout(desk, approved(desk, person, amount=9_999_999, currency="EUR")).state == "queued"
    if state == "awaiting":
        if person == MIA:
            with pytest.raises(Forbidden, match="yourself"):
                desk.do(store.approve_payout, claim, MIA, payout=found.id)
        desk.do(store.approve_payout, claim, MAX, payout=found.id)
    store.set_payout_limit(desk.store, actor=MAX, at=AT, currency="USD", limit=None)
    assert store.payout_limits(desk.store) == {}


def test_confirmed_unlawful_use_is_denied_only_with_a_second_person_whoever_denies_it(desk: Desk) -> None:
    for person in (ANA, MIA):
        claim = desk.add(unlawful_use="confirmed")
        assert claim.verdict == "deny"
        assert "rests on unlawful use" in desk.decide(claim, "deny", person).sentence
        assert desk.claim(claim.id).state == "awaiting_approval"
        if person == MIA:
            with pytest.raises(Forbidden, match="yourself"):
                desk.do(store.approve_override, claim, MIA)
        desk.do(store.approve_override, claim, MAX)
        assert desk.claim(claim.id).outcome == "denied"


def test_another_route_is_asked_for_by_one_manager_and_settled_by_another(desk: Desk) -> None:
    claim = approved(desk, payment_method="card")
    first = payout(desk, claim)
    for route, reason in (("", "x"), ("bank", " "), ("card", "x"), ("b" * 61, "x")):
        with pytest.raises(Impossible):
            desk.do(store.ask_route, claim, MIA, payout=first.id, route=route, reason=reason)
    desk.do(store.ask_route, claim, MIA, payout=first.id, route="bank", reason="card expired")
    asked = payout(desk, claim)
    assert (asked.state, asked.route, asked.needs, asked.reason) == ("awaiting", "bank", ("route",), "card expired")
    with pytest.raises(Forbidden, match="yourself"):
        desk.do(store.approve_payout, claim, MIA, payout=asked.id)
    desk.do(store.reject_payout, claim, MAX, payout=asked.id, reason="the card works")
    assert (payout(desk, claim).state, payout(desk, claim).route) == ("queued", "card")
    desk.do(store.ask_route, claim, MIA, payout=payout(desk, claim).id, route="bank", reason="it does not")
    desk.do(store.approve_payout, claim, MAX, payout=payout(desk, claim).id)
    assert (payout(desk, claim).state, payout(desk, claim).route) == ("queued", "bank")
    assert len({first.key, asked.key, payout(desk, claim).key}) == 3


def test_another_route_does_not_get_around_the_limit(desk: Desk) -> None:
    store.set_payout_limit(desk.store, actor=MAX, at=AT, currency="USD", limit=10)
    claim = approved(desk, MAX)
    desk.do(store.ask_route, claim, MIA, payout=payout(desk, claim).id, route="bank", reason="card expired")
    assert payout(desk, claim).needs == ("limit", "route")
    for who in (MIA, MAX):
        with pytest.raises(Forbidden, match="yourself"):
            desk.do(store.approve_payout, claim, who, payout=payout(desk, claim).id)


def test_goodwill_needs_a_reason_and_another_manager_and_is_no_decision(desk: Desk) -> None:
    claim = desk.add(**VERDICTS["deny"])
    with pytest.raises(Impossible, match="goodwill is for claims that were decided"):
        desk.do(store.goodwill, claim, amount=100, reason="kind")
    desk.decide(claim, "deny")
    for amount, reason in ((100, " "), (0, "kind"), (-1, "kind"), (1001 + 250, "kind")):
        with pytest.raises(Impossible):
            desk.do(store.goodwill, claim, amount=amount, reason=reason)
    desk.do(store.goodwill, claim, MIA, amount=100, reason="a loyal customer")
    found = payout(desk, claim)
    assert (found.remedy, found.state, found.amount) == ("goodwill", "awaiting", 100)
    with pytest.raises(Impossible, match="already: nothing is paid twice"):
        desk.do(store.goodwill, claim, MAX, amount=1, reason="more")
    with pytest.raises(Forbidden, match="yourself"):
        desk.do(store.approve_payout, claim, MIA, payout=found.id)
    desk.do(store.approve_payout, claim, MAX, payout=found.id)
    settle(desk, number := batched(desk, claim), returned(desk, number))
    after = desk.claim(claim.id)
    assert (after.state, after.outcome) == ("closed", "denied")
    assert desk.number("SELECT count(*) FROM decisions WHERE outcome = 'approve'") == 0


@on_sqlite
def test_the_database_itself_refuses_a_payout_without_its_second_person_or_a_second_one(desk: Desk) -> None:
    claim = _awaiting(desk)
    for statement in (
        "UPDATE payouts SET state = 'queued'",
        "UPDATE payouts SET state = 'queued', approver_id = person_id",
        "UPDATE payouts SET amount = 1",
        "DELETE FROM payouts",
        "UPDATE order_balances SET refunded = 999999",
        (
            "INSERT INTO payouts SELECT 99, claim_id, decision_id, event_id, at, person_id, order_ref, item_ref,"
            " remedy, amount, currency, route, 'k', '', '', replaces, 'queued', NULL, NULL, NULL, NULL, '' FROM payouts"
        ),
    ):
        with pytest.raises(Exception, match=r"constraint failed|not rewritten|never removed|paid twice"):
            desk.sql(statement, past_guards=False)
    assert payout(desk, claim).state == "awaiting"


# Caps and chargebacks


def test_partial_refunds_of_an_order_never_exceed_what_was_paid_over_all_its_claims(desk: Desk) -> None:
    one = desk.add(order_ref="O-9", item_ref="N1", amount=1000, **VERDICTS["deny"])
    two = desk.add(order_ref="O-9", item_ref="N2", amount=500, refunded_before=100, **VERDICTS["deny"])
    desk.decide(one, "approve", MIA, reason="half", refund=500)
    desk.decide(two, "deny")
    with pytest.raises(Impossible, match=r"of 15\.00 USD paid, 6\.00 USD went back .* at most 9\.00 USD more"):
        desk.do(store.goodwill, two, amount=901, reason="kind")
    desk.do(store.goodwill, two, amount=900, reason="kind")
    with pytest.raises(Impossible, match=r"at most 0\.00 USD more"):
        desk.do(store.goodwill, one, amount=1, reason="kind")
    desk.do(store.reject_payout, two, MIA, payout=payout(desk, two).id, reason="too kind")
    desk.do(store.goodwill, one, amount=1, reason="kind")


def test_an_open_chargeback_blocks_the_payout_until_it_is_closed(desk: Desk) -> None:
    claim = approved(desk, chargeback_open=True)
    assert (payout(desk, claim).state, payout(desk, claim).blocked) == ("queued", True)
    with pytest.raises(Impossible, match=f"claim {claim.ref} is blocked by an open chargeback"):
        batched(desk, claim)
    with pytest.raises(Impossible, match="open already"):
        desk.do(store.set_chargeback, claim, is_open=True)
    desk.do(store.set_chargeback, claim, is_open=False)
    number = batched(desk, claim, exported=False)
    desk.do(store.set_chargeback, claim, is_open=True)
    with pytest.raises(Impossible, match="chargeback was opened on claim"):
        store.export_batch(desk.store, actor=MIA, at=AT, key=key(), batch=number)
    store.discard_batch(desk.store, actor=MIA, at=AT, key=key(), batch=number)
    assert (payout(desk, claim).state, payout(desk, claim).batch) == ("queued", None)


# Reopening


def test_reopening_withdraws_what_is_due_but_never_what_is_under_way_or_paid(desk: Desk) -> None:
    for state, wrong in (
        ("drafted", "is in batch 1"),
        ("in_batch", "is in batch"),
        ("paid", r"were paid at 09:00 UTC"),
    ):
        claim = STATES[state](desk)
        with pytest.raises(Impossible, match=wrong):
            desk.do(store.reopen, claim, reason="again")
    for state in ("queued", "awaiting", "failed"):
        claim = STATES[state](desk)
        desk.do(store.reopen, claim, reason="again")
        assert desk.claim(claim.id).state == "new"
        desk.decide(claim, "approve", MIA, reason="as agreed")
        assert payout(desk, claim).state in {"queued", "awaiting"}


def test_a_failed_payout_of_a_decision_that_was_withdrawn_is_not_queued_again(desk: Desk) -> None:
    claim = _failed(desk)
    old = payout(desk, claim).id
    desk.do(store.reopen, claim, reason="again")
    desk.decide(claim)
    with pytest.raises(Impossible, match=r"queued again already, or its decision no longer stands"):
        desk.do(store.queue_payout, claim, payout=old)


# Batches


def test_a_payout_is_in_one_batch_whoever_presses_and_however_often(desk: Desk) -> None:
    claims = [approved(desk) for _ in range(3)]
    chosen, form = [payout(desk, claim).id for claim in claims], key()
    first = store.make_batch(desk.store, actor=MIA, at=AT, key=form, payouts=chosen)
    again = store.make_batch(desk.store, actor=MIA, at=AT, key=form, payouts=chosen)
    assert (first.batch, again.batch, again.repeated) == (1, 1, True)
    with pytest.raises(Impossible, match="used for something else"):
        store.make_batch(desk.store, actor=MIA, at=AT, key=form, payouts=chosen[:1])
    other = approved(desk)
    with pytest.raises(Impossible, match="is in batch 1 already, made by Mia"):
        batched(desk, other, claims[0], person=MAX)
    assert payout(desk, other).state == "queued"
    with pytest.raises(Impossible, match="one currency, not of EUR and USD"):
        batched(desk, other, approved(desk, currency="EUR"))
    for wrong in ([], [999]):
        with pytest.raises(Impossible):
            store.make_batch(desk.store, actor=MIA, at=AT, key=key(), payouts=wrong)


def test_a_batch_is_settled_by_its_file_once_its_last_payout_is_told(desk: Desk) -> None:
    claims = [approved(desk) for _ in range(3)]
    number = batched(desk, *claims)
    lines = returned(desk, number)
    lines[1] = Returned(**{**lines[1].__dict__, "result": "failed", "why": "unknown account"})
    assert settle(desk, number, lines[:2]).sentence == "Batch 1: 1 paid, 1 failed; the others are still to be told."
    assert store.batches(desk.store)[0].state == "exported"
    assert settle(desk, number, lines, MAX).sentence == "Batch 1: 1 paid, 0 failed; it is settled."
    assert settle(desk, number, lines, MAX).repeated
    (batch,) = store.batches(desk.store)
    assert (batch.state, batch.count, batch.total) == ("settled", 3, 3750)
    assert [desk.claim(claim.id).state for claim in claims] == ["closed", "payout_failed", "closed"]
    assert payout(desk, claims[1]).why == "unknown account"
    assert desk.queue(state="failed") == [claims[1].ref]
    assert claims[1].ref in desk.queue(state="us")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"key": "nobody"}, "Line 2: the payout “nobody” is not in batch"),
        ({"amount": 1249}, r"Line 2: 12\.49 USD came back, but 12\.50 USD were sent"),
        ({"currency": "EUR"}, r"Line 2: 12\.50 EUR came back"),
        ({"result": "maybe"}, "Line 2: the result is “maybe”, neither paid nor failed"),
    ],
)
def test_a_returned_file_with_one_line_that_does_not_fit_records_nothing(
    desk: Desk, change: dict[str, Any], sentence: str
) -> None:
    claims = [approved(desk) for _ in range(2)]
    number = batched(desk, *claims)
    good = returned(desk, number)
    lines = [Returned(**{**good[0].__dict__, **change}), good[1]]
    with pytest.raises(Mismatch, match=f"Nothing was recorded. {sentence}"):
        settle(desk, number, lines)
    assert store.check_returned(desk.store, actor=MIA, batch=number, lines=lines)
    assert {p.state for p in store.payouts_of_batch(desk.store, number)} == {"in_batch"}


def test_a_line_that_stands_twice_or_contradicts_what_was_recorded_is_told(desk: Desk) -> None:
    claim = approved(desk)
    number = batched(desk, claim)
    (line,) = returned(desk, number)
    with pytest.raises(Mismatch, match=r"Line 3: the payout .* stands in line 2 already"):
        settle(desk, number, [line, Returned(**{**line.__dict__, "line": 3})])
    with pytest.raises(Mismatch, match="no line in the file"):
        settle(desk, number, [])
    settle(desk, number, [line])
    with pytest.raises(Mismatch, match="was recorded as paid before"):
        settle(desk, number, [Returned(**{**line.__dict__, "result": "failed"})])


def test_a_batch_is_exported_before_anything_comes_back_and_not_given_up_after(desk: Desk) -> None:
    number = batched(desk, approved(desk), exported=False)
    with pytest.raises(Impossible, match="Batch 1 is drafted: nothing can have come back"):
        settle(desk, number, returned(desk, number))
    assert not store.export_batch(desk.store, actor=MIA, at=AT, key=key(), batch=number).repeated
    assert store.export_batch(desk.store, actor=MAX, at=AT, key=key(), batch=number).repeated
    with pytest.raises(Impossible, match="what was sent to be paid cannot be taken back"):
        store.discard_batch(desk.store, actor=MIA, at=AT, key=key(), batch=number)
    for act in (store.export_batch, store.discard_batch):
        with pytest.raises(Impossible, match="no such batch"):
            act(desk.store, actor=MIA, at=AT, key=key(), batch=77)


def test_a_failed_payout_is_queued_again_as_another_one(desk: Desk) -> None:
    claim = _failed(desk)
    failed = payout(desk, claim)
    with pytest.raises(Impossible, match="No refund of this claim is without its payout"):
        desk.do(store.queue_payout, claim, BEN)
    desk.do(store.queue_payout, claim, BEN, payout=failed.id)
    again = payout(desk, claim)
    assert (again.state, again.amount, again.key != failed.key) == ("queued", failed.amount, True)
    settle(desk, number := batched(desk, claim), returned(desk, number))
    assert desk.claim(claim.id).state == "closed"
    with pytest.raises(Impossible):
        desk.do(store.queue_payout, claim, BEN, payout=failed.id)


def test_totals_are_told_by_currency_and_never_added_across(desk: Desk) -> None:
    for currency in ("USD", "USD", "JPY"):
        approved(desk, currency=currency)
    found = {(t.currency, t.state): (t.count, t.amount) for t in store.payout_totals(desk.store)}
    assert found == {("JPY", "queued"): (1, 1250), ("USD", "queued"): (2, 2500)}
    assert [p.currency for p in store.payouts_in(desk.store, "queued", currency="JPY")] == ["JPY"]


# The check of the store

TAMPERED = [
    ("UPDATE payouts SET amount = 1 WHERE id = 1", "Payout 1: amount is not what its events say"),
    ("UPDATE payouts SET state = 'queued' WHERE id = 1", "Payout 1: state is not what its events say"),
    ("UPDATE payouts SET route = 'mine' WHERE id = 2", "Payout 2: route is not what its events say"),
    ("UPDATE payouts SET approver_id = 4 WHERE id = 2", "Payout 2: approver_id is not what its events say"),
    ("UPDATE payouts SET claim_id = 2 WHERE id = 1", "Payout 1 belongs to another claim"),
    ("UPDATE payouts SET decision_id = 2 WHERE id = 1", "Payout 1 does not belong to a decision"),
    ("DELETE FROM payouts WHERE id = 2", "Payout 2 is missing"),
    ("UPDATE order_balances SET refunded = refunded - 1", "its balance counts"),
    ("DELETE FROM order_balances", "has payouts, but no balance"),
    ("UPDATE payout_batches SET state = 'exported'", "Batch 1 is exported, but the journal says otherwise"),
]


@on_sqlite
@pytest.mark.parametrize(("statement", "sentence"), TAMPERED)
def test_verify_names_the_first_payout_balance_or_batch_that_was_tampered_with(
    tmp_path: Path, statement: str, sentence: str
) -> None:
    desk = open_desk(tmp_path)
    _paid(desk)
    _queued(desk)
    assert "2 payouts agree with their decisions and orders." in desk.verified()
    desk.sql(statement)
    found = store.verify(desk.store)
    assert not found.good
    assert sentence in found.sentence
    desk.store.engine.dispose()
