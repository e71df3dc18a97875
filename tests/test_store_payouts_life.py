"""Money at random and by many at once: in whatever order things are pressed, nothing is paid twice or too much."""

from __future__ import annotations

import os
import random
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from store_of_tests import ANA, AT, MAX, MIA, VERDICTS, Desk, facts, key, open_desk
from test_store_races import _said, _start

from refundcore import store
from refundcore.store import Refused, Returned

PICK = st.integers(0, 10**6)
MANAGER = st.sampled_from([MIA, MAX])
PERSON = st.sampled_from([ANA, MIA, MAX])
PRICE = 1000
ITEMS = ("N1", "N2", "N3")


class Money(RuleBasedStateMachine):
    """A store beside a bank that pays what it is sent, once a key, and a model of what may be paid."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.desk = open_desk(Path(self.folder.name))
        self.claims: list[int] = []
        self.bank: dict[str, str] = {}
        """Key -> paid or failed."""
        self.paid: Counter[tuple[str, str]] = Counter()
        """(item, remedy) -> how often the bank paid it."""
        self.total = 0
        """What the bank paid for the one order of these claims."""

    def teardown(self) -> None:
        self.desk.store.engine.dispose()
        self.folder.cleanup()

    def _try(self, act: Any, person: int, **given: Any) -> Any:
        try:
            return act(self.desk.store, actor=person, at=self.desk.at, key=key(), **given)
        except Refused:
            return None

    def _claim(self, pick: int) -> store.ClaimRecord:
        return self.desk.claim(self.claims[pick % len(self.claims)])

    def _on_claim(self, act: Any, pick: int, person: int, **given: Any) -> None:
        claim = self._claim(pick)
        done = self._try(act, person, claim=claim.id, version=claim.version, **given)
        assert self.desk.claim(claim.id).version == claim.version + (done is not None)

    def _on_payout(self, act: Any, pick: int, person: int, **given: Any) -> None:
        found = store.payouts_of(self.desk.store, self._claim(pick).id)
        if found:
            self._on_claim(act, pick, person, payout=found[pick // 7 % len(found)].id, **given)

    @rule(item=st.sampled_from(ITEMS), verdict=st.sampled_from(["approve", "deny"]))
    def add(self, item: str, verdict: str) -> None:
        given = {"order_ref": "O-1", "item_ref": item, "amount": PRICE, "chargeback_open": None}
        self.claims.append(self.desk.add(**(given | VERDICTS[verdict])).id)

    @precondition(lambda self: self.claims)
    @rule(pick=PICK, person=PERSON, refund=st.sampled_from([None, 1, 400, PRICE]))
    def approve(self, pick: int, person: int, refund: int | None) -> None:
        self._on_claim(store.decide, pick, person, outcome="approve", reason="as agreed", refund=refund)

    @precondition(lambda self: self.claims)
    @rule(pick=PICK, person=PERSON)
    def deny(self, pick: int, person: int) -> None:
        self._on_claim(store.decide, pick, person, outcome="deny", reason="as agreed")

    @precondition(lambda self: self.claims)
    @rule(pick=PICK, person=MANAGER, act=st.sampled_from([store.approve_override, store.reject_override]))
    def second(self, pick: int, person: int, act: Any) -> None:
        self._on_claim(act, pick, person, reason="looked at")

    @precondition(lambda self: self.claims)
    @rule(
        pick=PICK,
        person=MANAGER,
        act=st.sampled_from([store.approve_payout, store.approve_payout, store.reject_payout]),
    )
    def look_at(self, pick: int, person: int, act: Any) -> None:
        self._on_payout(act, pick, person, reason="looked at")

    @precondition(lambda self: self.claims)
    @rule(pick=PICK, person=MANAGER, route=st.sampled_from(["bank", "paypal"]))
    def another_way(self, pick: int, person: int, route: str) -> None:
        self._on_payout(store.ask_route, pick, person, route=route, reason="card expired")

    @precondition(lambda self: self.claims)
    @rule(pick=PICK, person=PERSON, amount=st.sampled_from([1, 600, PRICE]))
    def be_kind(self, pick: int, person: int, amount: int) -> None:
        self._on_claim(store.goodwill, pick, person, amount=amount, reason="kind")

    @precondition(lambda self: self.claims)
    @rule(pick=PICK, is_open=st.booleans())
    def chargeback(self, pick: int, is_open: bool) -> None:  # noqa: FBT001 - generated
        self._on_claim(store.set_chargeback, pick, ANA, is_open=is_open)

    @precondition(lambda self: self.claims)
    @rule(pick=PICK, person=PERSON)
    def reopen(self, pick: int, person: int) -> None:
        self._on_claim(store.reopen, pick, person, reason="again")

    @precondition(lambda self: self.claims)
    @rule(pick=PICK, person=PERSON)
    def take_back(self, pick: int, person: int) -> None:
        self._on_claim(store.undo, pick, person)

    @precondition(lambda self: self.claims)
    @rule(pick=PICK, person=PERSON)
    def queue_again(self, pick: int, person: int) -> None:
        self._on_payout(store.queue_payout, pick, person)

    @rule(person=MANAGER, most=st.integers(1, 4))
    def make(self, person: int, most: int) -> None:
        due = [payout for payout in store.payouts_in(self.desk.store, "queued") if not payout.blocked]
        done = self._try(store.make_batch, person, payouts=[payout.id for payout in due[:most]])
        assert (done is not None) == bool(due)

    @rule(person=MANAGER, discard=st.booleans(), pick=PICK)
    def send(self, person: int, discard: bool, pick: int) -> None:  # noqa: FBT001 - generated
        if drafted := [batch for batch in store.batches(self.desk.store) if batch.state == "drafted"]:
            act = store.discard_batch if discard else store.export_batch
            self._try(act, person, batch=drafted[pick % len(drafted)].id)

    @rule(person=MANAGER, pick=PICK, results=st.lists(st.sampled_from(["paid", "failed"]), min_size=1, max_size=4))
    def come_back(self, person: int, pick: int, results: list[str]) -> None:
        out = [batch for batch in store.batches(self.desk.store) if batch.state in {"exported", "settled"}]
        if not out:
            return
        batch = out[pick % len(out)].id
        lines = []
        for payout, wanted in zip(store.payouts_of_batch(self.desk.store, batch), results, strict=False):
            if payout.key not in self.bank:
                self._pay(payout, wanted)
            result = self.bank[payout.key]
            lines.append(Returned(len(lines) + 2, payout.key, payout.amount, payout.currency, result, "closed"))
        assert self._try(store.settle_batch, person, batch=batch, lines=lines) is not None

    def _pay(self, payout: store.Payout, result: str) -> None:
        """What the bank does with a payout that it sees for the first time."""
        self.bank[payout.key] = result
        if result == "paid":
            self.paid[payout.item_ref, payout.remedy] += 1
            self.total += payout.amount

    @precondition(lambda self: self.claims)
    @rule(pick=PICK, person=MANAGER, result=st.sampled_from(["paid", "failed"]))
    def by_hand(self, pick: int, person: int, result: str) -> None:
        for payout in store.payouts_of(self.desk.store, self._claim(pick).id):
            if payout.state == "in_batch" and payout.batch_state == "exported":
                if payout.key not in self.bank:
                    self._pay(payout, result)
                given = {"payout": payout.id, "result": self.bank[payout.key], "why": "closed"}
                self._on_claim(store.mark_payout, pick, person, **given)
                return

    @rule(hours=st.sampled_from([1, 400]))
    def wait(self, hours: int) -> None:
        self.desk.at += timedelta(hours=hours)
        store.rejudge_due(self.desk.store, self.desk.at)

    @invariant()
    def nothing_is_paid_twice_or_beyond_what_was_paid(self) -> None:
        assert all(count == 1 for count in self.paid.values())
        known = {self.desk.claim(number).facts["item_ref"] for number in self.claims}
        assert self.total <= PRICE * len(known)

    @invariant()
    def the_store_and_the_bank_agree(self) -> None:
        self.desk.verified()
        paid = {payout.key for payout in store.payouts_in(self.desk.store, "paid")}
        assert paid <= {each for each, result in self.bank.items() if result == "paid"}
        live = sum(
            total.amount for total in store.payout_totals(self.desk.store) if total.state not in {"failed", "withdrawn"}
        )
        assert (self.desk.number("SELECT sum(refunded) FROM order_balances") or 0) == live


TestMoney = Money.TestCase
TestMoney.settings = settings(max_examples=12, stateful_step_count=30)


PROCESSES, CLAIMS = 16, 200


def _work(number: int) -> Callable[[Desk, Connection], None]:
    """One of many who decide all claims, batch what is due, send it and record what comes back, again and again."""

    def work(desk: Desk, pipe: Connection) -> None:
        order = random.Random(number)  # noqa: S311 - an order, no secret
        person = (MIA, MAX)[number % 2]
        claims = list(range(1, CLAIMS + 1))
        order.shuffle(claims)

        def attempt(act: Any, form: str, **given: Any) -> Any:
            try:
                return act(desk.store, actor=person, at=AT, key=f"{number} {form}", **given)
            except Refused:
                return None

        for claim in claims:
            attempt(store.decide, f"decide {claim}", claim=claim, version=1, outcome="approve")
        turn = 0
        while True:
            turn += 1
            due = store.payouts_in(desk.store, "queued")
            out = [batch.id for batch in store.batches(desk.store, limit=200) if batch.state != "settled"]
            if not due and not out:
                break
            if some := order.sample(due, min(len(due), order.randint(1, 5))):
                attempt(store.make_batch, f"make {turn}", payouts=[payout.id for payout in some])
            for batch in order.sample(out, min(len(out), 2)):
                sent = attempt(store.export_batch, f"send {turn}", batch=batch)
                found = store.payouts_of_batch(desk.store, batch)
                pipe.send([payout.key for payout in found] if sent and not sent.repeated else [])
                lines = [Returned(2, p.key, p.amount, p.currency, "paid") for p in found]
                attempt(store.settle_batch, f"back {turn}", batch=batch, lines=lines)

    return work


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="Processes are started by fork here, which this system has not.")
def test_sixteen_processes_that_pay_the_same_claims_pay_each_once(tmp_path: Path) -> None:
    desk = open_desk(tmp_path)
    desk.load([facts(claim_ref=f"T-{number}") for number in range(CLAIMS)])
    desk.store.engine.dispose()
    with warnings.catch_warnings():
        # The parent holds no threads but pytest's own, and its store is closed before it forks.
        warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
        started = [_start(_work(number), tmp_path) for number in range(PROCESSES)]
    sent = [sent for _, pipe in started for word in _said(pipe) for sent in word]
    for process, _ in started:
        process.join()
        assert process.exitcode == 0
    assert len(sent) == len(set(sent)) == CLAIMS
    desk = open_desk(tmp_path)
    desk.verified()
    (total,) = store.payout_totals(desk.store)
    assert (total.state, total.count, total.amount) == ("paid", CLAIMS, CLAIMS * 1250)
    assert {desk.claim(number).state for number in range(1, CLAIMS + 1)} == {"closed"}
    desk.store.engine.dispose()
