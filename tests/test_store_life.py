"""The life of claims, walked at random: whatever people do in whatever order, what must hold holds after each step."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from store_of_tests import ANA, BEN, MIA, POLICY, VERDICTS, facts, key, open_desk

from refundcore import replies, store
from refundcore.deadlines import HOUR, micros
from refundcore.facts import COLUMNS, Claims
from refundcore.store import Refused
from refundcore.store.chain import Ledger

PERSON = st.sampled_from([ANA, BEN, MIA])
PICK = st.integers(0, 10**6)
REASON = st.sampled_from(["", "as agreed"])

OPEN = ("new", "waiting_customer", "waiting_technician")

# What an act may make of a state; an act that is refused leaves it as it is.
NEXT = {
    "new": {*OPEN, "awaiting_approval", "decided", "closed"},
    "waiting_customer": {*OPEN, "awaiting_approval", "decided", "closed"},
    "waiting_technician": {*OPEN, "awaiting_approval", "decided", "closed"},
    "awaiting_approval": {"awaiting_approval", "decided", *OPEN},
    "decided": {"decided", "closed", *OPEN},
    "closed": {"closed", "decided", *OPEN},
}


def _cut(*_: Any) -> None:
    raise KeyboardInterrupt


class Life(RuleBasedStateMachine):
    """A store beside a plain model: each claim's state and version, and what was paid for each item."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.desk = open_desk(Path(self.folder.name))
        self.versions: dict[int, int] = {}
        self.states: dict[int, str] = {}

    def teardown(self) -> None:
        self.desk.store.engine.dispose()
        self.folder.cleanup()

    def _act(self, act: Any, pick: int, person: int, **others: Any) -> None:
        """Try an act on some claim: its version moves by one and its state as the table allows, or nothing changes."""
        number = sorted(self.versions)[pick % len(self.versions)]
        before = self.desk.claim(number)
        try:
            receipt = self.desk.do(act, number, person, **others)
        except Refused:
            assert self.desk.claim(number) == before
            return
        after = self.desk.claim(number)
        assert receipt.version == after.version == before.version + 1
        assert after.state in NEXT[before.state]
        self.versions[number], self.states[number] = after.version, after.state

    @rule(verdict=st.sampled_from([*VERDICTS]), item=st.sampled_from(["N1", "N2", None]), person=PERSON)
    def add(self, verdict: str, item: str | None, person: int) -> None:
        claim = self.desk.add(person, order_ref="O-1", item_ref=item, **VERDICTS[verdict])
        self.versions[claim.id], self.states[claim.id] = 1, "new"

    @rule(verdict=st.sampled_from([*VERDICTS]), count=st.integers(0, 3))
    def bring_in(self, verdict: str, count: int) -> None:
        before = len(self.versions)
        balance = self.desk.load([facts(order_ref="O-1", **VERDICTS[verdict]) for _ in range(count)])
        assert balance.created == count
        for number in range(before + 1, before + count + 1):
            self.versions[number], self.states[number] = 1, "new"

    @precondition(lambda self: self.versions)
    @rule(pick=PICK, person=PERSON, outcome=st.sampled_from(["approve", "deny", "exchange"]), reason=REASON)
    def decide(self, pick: int, person: int, outcome: str, reason: str) -> None:
        self._act(store.decide, pick, person, outcome=outcome, reason=reason)

    @precondition(lambda self: self.versions)
    @rule(pick=PICK, person=PERSON, of=st.sampled_from(["customer", "technician"]))
    def ask(self, pick: int, person: int, of: str) -> None:
        self._act(store.decide, pick, person, outcome="ask", ask_for=["amount"], ask_of=of)

    @precondition(lambda self: self.versions)
    @rule(pick=PICK, person=PERSON, code=st.sampled_from([True, False, None]))
    def answer(self, pick: int, person: int, code: bool | None) -> None:  # noqa: FBT001 - generated
        self._act(store.set_facts, pick, person, changes={"sms_code_received": code})

    @rule(approved=st.sampled_from([True, None]), hours=st.sampled_from([2, 80]), person=PERSON)
    def report(self, approved: bool | None, hours: int, person: int) -> None:  # noqa: FBT001 - generated
        """A defect, notified some hours ago."""
        told = micros(self.desk.at - timedelta(hours=hours))
        given = {"reason": "major_defect", "sms_code_received": None, "submitted_at": told, "defect_approved": approved}
        claim = self.desk.add(person, order_ref="O-1", item_ref="N3", purchased_at=told - HOUR, **given)
        self.versions[claim.id], self.states[claim.id] = 1, "new"

    @precondition(lambda self: self.versions)
    @rule(pick=PICK, person=PERSON, step=st.sampled_from([*store.STEPS]), hours=st.sampled_from([0, 1, 30]))
    def happen(self, pick: int, person: int, step: str, hours: int) -> None:
        when = micros(self.desk.at - timedelta(hours=hours))
        given = store.Given("as they said", (when, when), 1250, "replacement", {"amount": 1100})
        self._act(store.take_step, pick, person, step=step, given=given)

    @precondition(lambda self: self.versions)
    @rule(pick=PICK, person=PERSON, outcome=st.sampled_from(["ask", "wait", "look"]))
    def tell(self, pick: int, person: int, outcome: str) -> None:
        """Tell the customer what the desk would write, deadlines and all."""
        claim = self.desk.claim(sorted(self.versions)[pick % len(self.versions)])
        facts_now = Claims.of({name: [claim.facts[name]] for name in COLUMNS})
        reply = replies.compose(facts_now, POLICY, micros(self.desk.at), outcome, ref=claim.ref)
        self._act(replies.keep, pick, person, ref=claim.ref, to="kim@example.com", reply=reply)

    @precondition(lambda self: self.versions)
    @rule(pick=PICK, person=PERSON)
    def take_back(self, pick: int, person: int) -> None:
        self._act(store.undo, pick, person)

    @precondition(lambda self: self.versions)
    @rule(pick=PICK, person=PERSON)
    def crash(self, pick: int, person: int) -> None:
        """An act that is cut off before its end leaves nothing behind."""
        number = sorted(self.versions)[pick % len(self.versions)]
        before = self.desk.claim(number)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Ledger, "seal", _cut)
            with pytest.raises((KeyboardInterrupt, Refused)):
                self.desk.decide(number, "deny", person, reason="as agreed")
        assert self.desk.claim(number) == before

    @precondition(lambda self: "awaiting_approval" in self.states.values())
    @rule(pick=PICK, person=PERSON, act=st.sampled_from([store.approve_override, store.reject_override]), reason=REASON)
    def second(self, pick: int, person: int, act: Any, reason: str) -> None:
        self._act(act, pick, person, reason=reason)

    @precondition(lambda self: {"decided", "closed"} & {*self.states.values()})
    @rule(pick=PICK, person=PERSON, reopened=st.booleans())
    def end(self, pick: int, person: int, reopened: bool) -> None:  # noqa: FBT001 - generated
        if reopened:
            self._act(store.reopen, pick, person, reason="again")
        else:
            self._act(store.close, pick, person)

    @precondition(lambda self: self.versions)
    @rule(pick=PICK, person=PERSON, to=st.sampled_from([ANA, MIA, None]))
    def give(self, pick: int, person: int, to: int | None) -> None:
        self._act(store.assign, pick, person, to=to)

    @rule(person=PERSON)
    def take(self, person: int) -> None:
        receipt = store.take_next(self.desk.store, actor=person, at=self.desk.at, key=key())
        if receipt is not None:
            assert self.states[receipt.claim] == "new"
            self.versions[receipt.claim] = receipt.version

    @rule(hours=st.sampled_from([1, 30, 400]))
    def wait(self, hours: int) -> None:
        self.desk.at += timedelta(hours=hours)
        store.rejudge_due(self.desk.store, self.desk.at)

    @rule()
    def start_again(self) -> None:
        at = self.desk.at
        self.desk.store.engine.dispose()
        self.desk = open_desk(Path(self.folder.name))
        self.desk.at = at

    @invariant()
    def everything_holds(self) -> None:
        self.desk.verified()
        for number, version in self.versions.items():
            claim = self.desk.claim(number)
            assert (claim.version, claim.state) == (version, self.states[number])
            assert (claim.act_by is not None) or claim.outcome == "denied" or claim.state == "closed"
        fresh = store.verify(self.desk.store, at=self.desk.at)
        assert fresh.good, fresh.sentence
        is_open = [number for number, state in self.states.items() if state in store.OPEN_STATES]
        assert len(self.desk.queue()) == len(is_open)
        assert store.queue_figures(self.desk.store, person=ANA, at=self.desk.at).open == len(is_open)

    @invariant()
    def no_item_has_two_remedies(self) -> None:
        twice = self.desk.number(
            "SELECT count(*) FROM (SELECT 1 FROM decisions WHERE status = 'standing' AND remedy <> ''"
            " GROUP BY order_ref, item_ref HAVING count(*) > 1) AS twice"
        )
        assert twice == 0


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=12, stateful_step_count=25)
