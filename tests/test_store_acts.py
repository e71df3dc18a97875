"""Adding claims, their facts, assigning and notes; who may do what; stale pages and double clicks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from evidence_of_tests import png
from store_of_tests import ANA, AT, AUD, BEN, GONE, MAX, MIA, PEOPLE, VERDICTS, Desk, batch, facts, key, open_desk

from refundcore import store
from refundcore.deadlines import HOUR, micros
from refundcore.evidence import read
from refundcore.facts import BY_NAME, COLUMNS, FACTS
from refundcore.policy import texts
from refundcore.store import Filter, Forbidden, Impossible, Stale
from refundcore.store.erasing import erase


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = open_desk(tmp_path)
    yield opened
    opened.store.engine.dispose()


VALUES: dict[str, Any] = {
    "text": "00 Łódź — “quoted”, 'single'; DROP TABLE claims; 🙂\nsecond line",
    "truth": True,
    "instant": micros(AT) - 123_456,
    "money": 10**15,
    "currency": "KWD",
}


def value_of(name: str) -> Any:
    fact = BY_NAME[name.removesuffix("_latest")]
    return fact.codes[-1] if fact.kind == "code" else VALUES[fact.kind]


@pytest.mark.parametrize("name", [fact.name for fact in FACTS])
def test_each_fact_comes_back_as_it_was_given(desk: Desk, name: str) -> None:
    claim = desk.add(**{name: value_of(name)})
    found = claim.facts[name]
    assert found == value_of(name)
    assert type(found) is type(value_of(name))


def test_unknown_facts_stay_unknown_and_false_is_not_unknown(desk: Desk) -> None:
    claim = desk.add(chargeback_open=False, product="  ")
    assert claim.facts["chargeback_open"] is False
    assert claim.facts["product"] is None
    assert set(claim.facts) == set(COLUMNS)


def test_an_instant_known_to_the_day_keeps_both_ends_and_one_to_the_moment_has_equal_ends(desk: Desk) -> None:
    day = micros(AT) - 30 * HOUR
    claim = desk.add(ordered_at=day, ordered_at_latest=day + 24 * HOUR - 1)
    assert claim.facts["ordered_at_latest"] - claim.facts["ordered_at"] == 24 * HOUR - 1
    assert claim.facts["purchased_at_latest"] == claim.facts["purchased_at"]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"amount": "a lot"}, "Amount paid: 'a lot' is no value"),
        ({"amount": 2**63}, "Amount paid: 9223372036854775808 is no value"),
        ({"amount": 2**62}, "cannot be an amount"),
        ({"amount": -1}, "cannot be an amount"),
        ({"currency": "EURO"}, "Currency: 'EURO' is no value"),
        ({"sms_code_received": "yes"}, "Code delivered"),
        ({"submitted_at": 2**64}, "Claim received"),
        ({"reason": "boredom"}, "'boredom' is not one of"),
        ({"colour": "red"}, "There is no fact called colour."),
        ({"ordered_at": 5, "ordered_at_latest": 4}, "latest moment lies before"),
        ({"ordered_at": 5, "ordered_at_latest": None}, "give both"),
        ({"description": "x" * 20_001}, "too long"),
        ({"description": "\ud800"}, "Grounds"),
        ({"description": "a\0b"}, "Grounds"),
        ({"order_ref": None}, "Name the claim or the order"),
    ],
)
def test_facts_that_do_not_fit_are_refused_with_a_sentence(desk: Desk, wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(Impossible, match=sentence):
        desk.add(**wrong)
    assert desk.queue() == []
    desk.verified()


def test_a_claim_without_a_reference_gets_one_that_no_sender_has_used(desk: Desk) -> None:
    assert desk.add(claim_ref="RC-000002").ref == "RC-000002"
    assert desk.add().ref == "RC-1000002"
    assert desk.add().ref == "RC-000003"


@pytest.mark.parametrize("ref", [None, "T-1"])
def test_the_same_claim_is_not_added_twice(desk: Desk, ref: str | None) -> None:
    given = facts(claim_ref=ref)
    first = store.add_claim(desk.store, actor=ANA, at=AT, key=key(), facts=given)
    with pytest.raises(Impossible, match=f"This claim is here already, as {first.ref}"):
        store.add_claim(desk.store, actor=BEN, at=AT, key=key(), facts=given)


def test_changed_facts_change_the_verdict_at_once(desk: Desk) -> None:
    claim = desk.add(sms_code_received=None)
    assert (claim.verdict, claim.missing) == ("need_info", ("sms_code_received",))
    desk.do(store.set_facts, claim, changes={"sms_code_received": False})
    assert desk.claim(claim.id).verdict == "approve"
    desk.do(store.set_facts, claim, changes={"sms_code_received": True})
    assert desk.claim(claim.id).verdict == "deny"
    desk.verified()


def test_the_answer_to_a_question_makes_a_waiting_claim_new_and_its_clock_starts_again(desk: Desk) -> None:
    claim = desk.add(sms_code_received=None)
    desk.decide(claim, "ask", ask_for=["sms_code_received"])
    waiting = desk.claim(claim.id)
    assert (waiting.state, waiting.asked_for) == ("waiting_customer", ("sms_code_received",))
    later = AT + timedelta(hours=30)
    desk.do(store.set_facts, claim, at=later, changes={"sms_code_received": True})
    answered = desk.claim(claim.id)
    assert (answered.state, answered.asked_for, answered.act_by) == ("new", (), micros(later) + 24 * HOUR)


@pytest.mark.parametrize("changes", [{}, {"amount": 1250}, {"claim_ref": "X"}])
def test_changing_nothing_or_the_reference_is_refused(desk: Desk, changes: dict[str, Any]) -> None:
    with pytest.raises(Impossible):
        desk.do(store.set_facts, desk.add(), changes=changes)


def test_facts_of_a_decided_claim_are_not_changed(desk: Desk) -> None:
    claim = desk.add()
    desk.decide(claim)
    with pytest.raises(Impossible, match="reopen it"):
        desk.do(store.set_facts, claim, changes={"amount": 1})


def test_a_claim_is_given_to_people_who_can_work_on_it_only(desk: Desk) -> None:
    claim = desk.add()
    assert desk.do(store.assign, claim, to=BEN).sentence == f"Claim {claim.ref} is now Ben's."
    assert desk.claim(claim.id).assignee == "Ben"
    for nobody in (AUD, GONE, 99):
        with pytest.raises(Impossible, match="cannot work on claims"):
            desk.do(store.assign, claim, to=nobody)
    assert desk.do(store.assign, claim, to=None).sentence == f"Claim {claim.ref} is now nobody's."
    with pytest.raises(Impossible, match="nobody's already"):
        desk.do(store.assign, claim, to=None)


def test_a_stale_page_is_refused_with_who_did_what_and_when(desk: Desk) -> None:
    claim = desk.add()
    desk.decide(claim, at=AT + timedelta(hours=5, minutes=2))
    desk.do(store.note, claim, BEN, text="told the customer")
    seen = {"claim": claim.id, "version": claim.version}
    later = AT + timedelta(hours=6)
    with pytest.raises(Stale, match=r"^Ana approved this claim at 14:02 UTC; reload to see it\.$"):
        store.decide(desk.store, actor=BEN, at=later, key=key(), outcome="deny", reason="no", **seen)
    with pytest.raises(Stale, match=r"^You approved this claim on 2026-05-12 at 14:02 UTC; reload"):
        store.assign(desk.store, actor=ANA, at=later + timedelta(days=1), key=key(), to=BEN, **seen)
    with pytest.raises(Stale, match="never was"):
        store.assign(desk.store, actor=ANA, at=later, key=key(), to=BEN, claim=claim.id, version=99)


def test_a_note_is_taken_from_a_stale_page_and_read_back_to_the_letter(desk: Desk) -> None:
    claim = desk.add()
    desk.do(store.assign, claim, to=BEN)
    desk.do(store.note, claim, MIA, version=1, text=" [x](javascript:y) <b>bold</b> ")
    told = store.events(desk.store, claim.id)[-1]
    assert told.body["text"] == "[x](javascript:y) <b>bold</b>"
    assert told.sentence == "Mia added a note to this claim: [x](javascript:y) <b>bold</b>."
    for wrong, why in (
        ("  ", "missing"),
        ("x" * 20_001, "too long"),
        ("a\0", "cannot be stored"),
        ("\ud800", "cannot"),
    ):
        with pytest.raises(Impossible, match=why):
            desk.do(store.note, claim, text=wrong)


def test_a_click_repeated_twenty_times_acts_once_and_tells_the_same(desk: Desk) -> None:
    claim = desk.add()
    given = {"actor": ANA, "at": AT, "key": key(), "claim": claim.id, "version": 1, "outcome": "approve"}
    receipts = [store.decide(desk.store, **given) for _ in range(20)]
    assert [receipt.repeated for receipt in receipts] == [False] + [True] * 19
    assert len({(r.claim, r.version, r.event_id, r.sentence, r.ref) for r in receipts}) == 1
    assert [event.kind for event in store.events(desk.store, claim.id)] == ["created", "decided"]
    assert desk.number("SELECT count(*) FROM decisions") == 1


@pytest.mark.parametrize("other", [{"outcome": "deny"}, {"actor": BEN}, {"reason": "other"}])
def test_a_key_used_for_something_else_is_refused(desk: Desk, other: dict[str, Any]) -> None:
    claim = desk.add()
    given = {"actor": ANA, "at": AT, "key": key(), "claim": claim.id, "version": 1, "outcome": "approve"}
    store.decide(desk.store, **given)
    with pytest.raises(Impossible, match="used for something else"):
        store.decide(desk.store, **(given | other))


def test_an_act_without_a_key_is_refused(desk: Desk) -> None:
    with pytest.raises(Impossible, match="no key"):
        desk.do(store.note, desk.add(), key="", text="x")


def test_a_claim_that_is_not_there_is_refused(desk: Desk) -> None:
    with pytest.raises(Impossible, match="no such claim"):
        store.assign(desk.store, actor=ANA, at=AT, key=key(), claim=77, version=1, to=ANA)
    assert store.claim(desk.store, 77) is None
    assert store.claim(desk.store, "nothing") is None


def _awaiting(desk: Desk) -> store.ClaimRecord:
    claim = desk.add()
    desk.decide(claim, "deny", BEN, reason="customer withdrew")
    return claim


def _decided(desk: Desk) -> store.ClaimRecord:
    claim = desk.add()
    desk.decide(claim, "approve", BEN)
    return claim


def _denied(desk: Desk) -> store.ClaimRecord:
    claim = desk.add(**VERDICTS["deny"])
    desk.decide(claim, "deny", BEN)
    return claim


def _with_evidence(desk: Desk) -> store.ClaimRecord:
    claim = desk.add()
    desk.do(store.attach_evidence, claim, BEN, evidence=(SHOT,))
    return claim


def _remove_evidence(desk: Desk, who: int) -> store.Receipt:
    claim = _with_evidence(desk)
    (file,) = store.evidence_of(desk.store, claim.id)
    return desk.do(store.remove_evidence, claim, who, evidence_id=file.id, reason="of another claim")


def _import(desk: Desk, who: int) -> None:
    given = {"filename": "a.csv", "sha256": key(), "header": ["a"], "mapping": {}}
    number = store.begin_import(desk.store, actor=who, at=AT, **given)
    store.cancel_import(desk.store, number, actor=who, at=AT)


def _undo_import(desk: Desk, who: int) -> int:
    number = desk.begin(sha256=key())
    store.import_batch(desk.store, number, actor=ANA, at=AT, **batch([facts(claim_ref=key())]))
    store.finish_import(desk.store, number, actor=ANA, at=AT)
    return store.undo_import(desk.store, number, actor=who, at=AT)


def _payout(desk: Desk, state: str = "queued", manager: int = MAX) -> dict[str, Any]:
    """A decided claim with a payout in a state: what the acts on payouts take."""
    claim = desk.add(**VERDICTS["deny"]) if state == "awaiting" else desk.add()
    desk.decide(claim, "approve", manager if state == "awaiting" else BEN, reason="as agreed")
    found = store.payouts_of(desk.store, claim.id)[0].id
    if state in {"in_batch", "failed"}:
        number = store.make_batch(desk.store, actor=MAX, at=AT, key=key(), payouts=[found]).batch
        store.export_batch(desk.store, actor=MAX, at=AT, key=key(), batch=number)
    if state == "failed":
        desk.do(store.mark_payout, claim, MAX, payout=found, result="failed", why="account closed")
    return {"claim": claim, "payout": found}


def _on_payout(act: Any, state: str, **others: Any) -> Any:
    def do(desk: Desk, who: int) -> store.Receipt:
        given = _payout(desk, state, MIA if who == MAX else MAX)
        return desk.do(act, given["claim"], who, payout=given["payout"], **others)

    return do


SHOT = read("shot.png", png())


def proposed(desk: Desk, who: int) -> int:
    """An edition that somebody proposed."""
    document, fees = texts()
    given = {"document": document.replace("= 14", "= 15", 1), "fees": fees, "effective_from": AT.date()}
    return store.propose_edition(desk.store, actor=who, at=AT, key=key(), reason="A day more.", **given).id


ACTS: dict[str, Any] = {
    "add_claim": lambda d, who: store.add_claim(d.store, actor=who, at=AT, key=key(), facts=facts()),
    "set_facts": lambda d, who: d.do(store.set_facts, d.add(), who, changes={"amount": 999}),
    "assign": lambda d, who: d.do(store.assign, d.add(), who, to=BEN),
    "note": lambda d, who: d.do(store.note, d.add(), who, text="hello"),
    "decide": lambda d, who: d.decide(d.add(), "approve", who),
    "record": lambda d, who: d.do(
        store.take_step, d.add(), who, step="withdrawn", given=store.Given(text="never mind, it works now")
    ),
    "undo": lambda d, who: d.do(store.undo, d.do(store.assign, d.add(), who, to=BEN).claim, who),
    "take_next": lambda d, who: d.add() and store.take_next(d.store, actor=who, at=AT, key=key()),
    "close": lambda d, who: d.do(store.close, _decided(d), who),
    "reopen": lambda d, who: d.do(store.reopen, _decided(d), who, reason="new evidence"),
    "reply": lambda d, who: d.do(
        store.begin_reply, d.add(), who, outcome="look", how="hand", to="", subject="About it", text="We look at it."
    ),
    "import": _import,
    "approve_override": lambda d, who: d.do(store.approve_override, _awaiting(d), who),
    "reject_override": lambda d, who: d.do(store.reject_override, _awaiting(d), who, reason="pay"),
    "undo_import": _undo_import,
    "erase": lambda d, who: erase(d.store, actor=who, at=AT, key=key(), reason="asked", claim=_denied(d).id),
    "attach_evidence": lambda d, who: d.do(store.attach_evidence, d.add(), who, evidence=(SHOT,)),
    "judge_evidence": lambda d, who: d.do(
        store.judge_evidence, _with_evidence(d), who, sufficient=False, reason="blurred"
    ),
    "remove_evidence": _remove_evidence,
    "approve_payout": _on_payout(store.approve_payout, "awaiting"),
    "reject_payout": _on_payout(store.reject_payout, "awaiting", reason="no"),
    "ask_route": _on_payout(store.ask_route, "queued", route="bank_transfer", reason="card expired"),
    "queue_payout": _on_payout(store.queue_payout, "failed"),
    "pay": _on_payout(store.mark_payout, "in_batch", result="paid"),
    "make_batch": lambda d, who: store.make_batch(d.store, actor=who, at=AT, key=key(), payouts=[_payout(d)["payout"]]),
    "goodwill": lambda d, who: d.do(store.goodwill, _denied(d), who, amount=5, reason="kind"),
    "set_chargeback": lambda d, who: d.do(store.set_chargeback, _decided(d), who, is_open=True),
    "set_payout_limit": lambda d, who: store.set_payout_limit(d.store, actor=who, at=AT, currency="CHF", limit=5),
    "change_settings": lambda d, who: store.set_setting(d.store, actor=who, at=AT, name="answer_hours", value=12),
    "assign_many": lambda d, who: store.assign_many(d.store, actor=who, at=AT, key=key(), claims=Filter(), to=BEN),
    "note_many": lambda d, who: store.note_many(d.store, actor=who, at=AT, key=key(), claims=Filter(), text="x"),
    "decide_many": lambda d, who: store.decide_many(
        d.store, actor=who, at=AT, key=key(), claims=[(d.add().id, 1)], outcome="deny"
    ),
    "propose_edition": proposed,
    "approve_edition": lambda d, who: store.reject_edition(
        d.store, actor=who, at=AT, key=key(), edition=proposed(d, MAX if who == MIA else MIA), reason="Too costly."
    ),
    "preview_many": lambda d, who: store.preview_many(d.store, actor=who, at=AT, claims=Filter()),
    "preview_decide_many": lambda d, who: store.preview_decide_many(
        d.store, actor=who, at=AT, claims=Filter(), outcome="deny"
    ),
}
MANAGERS_ONLY = {
    "erase",
    "undo_import",
    "approve_override",
    "reject_override",
    "change_settings",
    "approve_payout",
    "reject_payout",
    "ask_route",
    "pay",
    "make_batch",
    "set_payout_limit",
    "propose_edition",
    "approve_edition",
}


@pytest.fixture(scope="module")
def shared_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One store for the whole table of roles and actions, checked at its end."""
    opened = open_desk(tmp_path_factory.mktemp("roles"))
    yield opened
    opened.verified()
    opened.store.engine.dispose()


@pytest.mark.parametrize("who", PEOPLE, ids=lambda who: PEOPLE[who][0])
@pytest.mark.parametrize("action", ACTS)
def test_everybody_can_do_what_their_role_allows_and_nothing_else(shared_desk: Desk, action: str, who: int) -> None:
    if who in {GONE, AUD} or (who in {ANA, BEN} and action in MANAGERS_ONLY):
        why = "account is not active" if who == GONE else "As an (auditor|agent) you cannot"
        with pytest.raises(Forbidden, match=why):
            ACTS[action](shared_desk, who)
    else:
        assert ACTS[action](shared_desk, who) is not False


@pytest.mark.parametrize("who", [AUD, GONE])
def test_an_auditor_and_a_person_who_left_have_written_nothing_at_all(desk: Desk, who: int) -> None:
    for act in ACTS.values():
        with pytest.raises(Forbidden):
            act(desk, who)
    assert desk.number(f"SELECT count(*) FROM events WHERE person_id = {who}") == 0  # noqa: S608 - a number
    assert desk.number(f"SELECT count(*) FROM heads WHERE person_id = {who}") == 0  # noqa: S608 - a number


def test_every_action_of_the_table_of_roles_is_tried_above() -> None:
    not_acts = {name for name in store.ACTIONS if name.startswith("read")}  # tests/test_roles.py has their cells
    not_acts |= {"decide_override_alone", "manage_people", "own_account", "try_policy"}
    assert set(store.ACTIONS) - not_acts <= set(ACTS)


def test_a_role_that_was_taken_away_is_gone_at_the_next_act(desk: Desk) -> None:
    claim = desk.add()
    desk.sql("UPDATE people SET role = 'auditor' WHERE name = 'Ana'")
    with pytest.raises(Forbidden, match="As an auditor you cannot add notes"):
        desk.do(store.note, claim, text="still here?")


def test_a_new_answer_target_moves_open_claims_at_once(desk: Desk) -> None:
    claim = desk.add()
    assert claim.act_by == micros(AT) + 24 * HOUR
    store.set_setting(desk.store, actor=MAX, at=AT, name="answer_hours", value=8)
    assert store.setting(desk.store, "answer_hours") == 8
    assert desk.claim(claim.id).act_by == micros(AT) + 8 * HOUR
    for name, value in (("answer_hours", 0), ("colour", 3)):
        with pytest.raises(Impossible):
            store.set_setting(desk.store, actor=MAX, at=AT, name=name, value=value)
    desk.verified()
