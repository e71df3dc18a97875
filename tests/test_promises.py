"""What a customer was told: a deadline that a later change makes worse for them is for a person, with both values."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_of_tests import ANA, AT, MIA, POLICY, Desk, facts, key, open_desk

from refundcore import certificates, promises, replies, store, words
from refundcore.deadlines import DAY, HOUR, SECOND, micros
from refundcore.facts import COLUMNS, Claims
from refundcore.promises import Told
from refundcore.rules import judge
from refundcore.store import Given

NOW = micros(AT)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = open_desk(tmp_path)
    yield opened
    opened.verified()
    found = store.verify(opened.store, at=opened.at)
    assert found.good, found.sentence
    opened.store.engine.dispose()


def number_claim(desk: Desk, **others: Any) -> store.ClaimRecord:
    """A claim about an invalid number without evidence, bought two days ago."""
    return desk.add(**{"reason": "invalid_number", "sms_code_received": True, "evidence_attached": False, **others})


def defect_claim(desk: Desk, **others: Any) -> store.ClaimRecord:
    return desk.add(**{
        "reason": "major_defect", "sms_code_received": None, "submitted_at": NOW - 10 * HOUR, "defect_approved": True,
        **others,
    })  # fmt: skip


def one(claim: store.ClaimRecord) -> Claims:
    return Claims.of({name: [claim.facts[name]] for name in COLUMNS})


def tell(desk: Desk, claim: store.ClaimRecord, outcome: str) -> tuple[Told, ...]:
    """Send the desk's own reply by hand; the deadlines that it tells."""
    now = desk.claim(claim.id)
    reply = replies.compose(one(now), POLICY, micros(desk.at), outcome, ref=now.ref)
    desk.do(replies.keep, now, ref=now.ref, to="kim@example.com", reply=reply)
    return desk.claim(claim.id).told


def test_a_sent_reply_holds_the_desk_to_the_deadline_that_it_tells(desk: Desk) -> None:
    claim = number_claim(desk)
    (told,) = tell(desk, claim, "ask")
    assert told == Told("evidence", claim.next_deadline)
    after = desk.claim(claim.id)
    assert (after.verdict, after.next_deadline) == ("need_info", claim.next_deadline)


def test_a_sentence_of_ones_own_in_the_place_of_the_deadline_tells_none(desk: Desk) -> None:
    claim = number_claim(desk)
    reply = replies.compose(one(claim), POLICY, NOW, "ask", ref=claim.ref)
    changed = replies.attributed(reply, reply.text.replace("Please answer by", "Do answer by"))
    desk.do(replies.keep, claim, ref=claim.ref, to="kim@example.com", reply=changed)
    assert reply.told
    assert desk.claim(claim.id).told == ()


def test_evidence_that_was_told_to_be_in_time_until_then_is_for_a_person_where_the_purchase_turns_out_earlier(
    desk: Desk,
) -> None:
    claim = number_claim(desk)
    (told,) = tell(desk, claim, "ask")
    desk.do(store.set_facts, claim, changes={"purchased_at": NOW - 6 * DAY})
    after = desk.claim(claim.id)
    assert (after.verdict, after.clause, after.leaning) == ("review", "C5b", "")
    said = words.explain(one(after), POLICY, NOW, told=after.told)
    assert said.broken is not None
    assert (said.broken.told, said.verdict) == (told, "review")
    for at in (told.at, said.broken.now):
        assert f"{datetime.fromtimestamp(at / 1e6, UTC).day} May 2026" in said.headline
    desk.decide(claim, "deny", reason="They agreed to the earlier day")
    assert desk.claim(claim.id).state == "decided"


def test_a_deadline_that_moves_in_the_customers_favour_is_no_matter(desk: Desk) -> None:
    claim = number_claim(desk, purchased_at=NOW - 6 * DAY)
    tell(desk, claim, "ask")
    desk.do(store.set_facts, claim, changes={"purchased_at": NOW - 2 * DAY})
    assert desk.claim(claim.id).verdict == "need_info"


def test_evidence_that_came_within_the_time_that_was_told_is_not_late(desk: Desk) -> None:
    claim = number_claim(desk)
    (told,) = tell(desk, claim, "ask")
    changes = {"purchased_at": NOW - 9 * DAY, "submitted_at": NOW - 3 * DAY}
    desk.do(store.set_facts, claim, changes=changes)
    desk.at = datetime.fromtimestamp((told.at - HOUR) / 1e6, UTC)
    came = {"evidence_attached": True, "evidence_sufficient": True, "evidence_received_at": micros(desk.at)}
    desk.do(store.set_facts, claim, changes=came)
    after = desk.claim(claim.id)
    assert after.verdict == "review"
    assert promises.broken(one(after), POLICY, micros(desk.at), after.told, "approve")


def test_once_the_told_moment_has_passed_without_evidence_nothing_was_broken(desk: Desk) -> None:
    claim = number_claim(desk)
    (told,) = tell(desk, claim, "ask")
    desk.do(store.set_facts, claim, changes={"purchased_at": NOW - 6 * DAY})
    assert desk.claim(claim.id).verdict == "review"
    desk.at = datetime.fromtimestamp(told.at / 1e6, UTC) + timedelta(seconds=2)
    store.rejudge_due(desk.store, desk.at)
    after = desk.claim(claim.id)
    plain = judge(one(after), POLICY, micros(desk.at)).iloc[0]
    assert after.verdict == plain["verdict"] == "need_info"


def test_the_time_that_access_takes_was_excepted_and_breaks_no_promise(desk: Desk) -> None:
    claim = defect_claim(desk)
    (told,) = tell(desk, claim, "wait")
    assert told == Told("work", NOW + 62 * HOUR)
    for step in ("access_requested", "access_granted"):
        desk.do(store.take_step, claim, step=step, given=Given(when=(NOW, NOW)))
        assert desk.claim(claim.id).verdict == "pending"
    assert "not counting time in which we may wait for access" in replies.compose(one(claim), POLICY, NOW, "wait").text


def test_a_later_notice_than_the_one_that_was_told_of_is_for_a_person(desk: Desk) -> None:
    claim = defect_claim(desk)
    (told,) = tell(desk, claim, "wait")
    desk.do(store.set_facts, claim, changes={"defect_notified_at": NOW - 2 * HOUR})
    after = desk.claim(claim.id)
    assert (after.verdict, after.clause, after.next_deadline) == ("review", "C6b", told.at)
    said = words.explain(one(after), POLICY, NOW, told=after.told)
    assert said.broken == promises.Broken(told, NOW + 70 * HOUR)


def test_a_fix_after_the_time_that_was_told_is_not_made_timely_by_a_later_notice(desk: Desk) -> None:
    claim = defect_claim(desk)
    (told,) = tell(desk, claim, "wait")
    desk.at = AT + timedelta(hours=65)
    fixed = micros(desk.at) - HOUR
    desk.do(store.take_step, claim, step="fix_recorded", given=Given("mended", (fixed, fixed)))
    assert fixed > told.at
    assert desk.claim(claim.id).verdict == "approve"
    desk.do(store.set_facts, claim, changes={"defect_notified_at": NOW})
    assert (desk.claim(claim.id).verdict, desk.claim(claim.id).leaning) == ("review", "deny")


@pytest.mark.parametrize("reason", ["other", "sms_not_received"])
def test_another_reason_does_not_end_what_was_told(desk: Desk, reason: str) -> None:
    claim = number_claim(desk)
    tell(desk, claim, "ask")
    desk.do(store.set_facts, claim, changes={"reason": reason})
    after = desk.claim(claim.id)
    assert (after.verdict, after.leaning, after.clause) == ("review", "deny", "C5b")
    assert "there is no such time" in words.explain(one(after), POLICY, NOW, told=after.told).headline


def test_many_claims_are_held_to_what_was_told_as_each_is_alone(desk: Desk) -> None:
    claims = [number_claim(desk), defect_claim(desk), desk.add(), number_claim(desk, purchased_at=NOW - 6 * DAY)]
    told = [(Told("evidence", NOW + 5 * DAY),), (Told("work", NOW),), (Told("payment", NOW),), ()]
    table = Claims.of({name: [claim.facts[name] for claim in claims] for name in COLUMNS})
    verdicts = [claim.verdict for claim in claims]
    instants = np.full(len(claims), NOW, dtype=np.int64)
    together = promises.broken_of(table, POLICY, instants, told, verdicts)
    alone = [promises.broken(one(c), POLICY, NOW, t, v) for c, t, v in zip(claims, told, verdicts, strict=True)]
    assert together == alone
    assert [each is not None for each in together] == [False, True, True, False]


def test_of_two_promises_the_better_one_for_the_customer_is_kept(desk: Desk) -> None:
    claim = number_claim(desk, purchased_at=NOW - 6 * DAY)
    (first,) = tell(desk, claim, "ask")
    desk.do(store.set_facts, claim, changes={"purchased_at": NOW - DAY})
    (second,) = tell(desk, claim, "ask")
    assert second.at > first.at
    desk.do(store.set_facts, claim, changes={"purchased_at": NOW - 6 * DAY})
    tell(desk, claim, "look")
    assert desk.claim(claim.id).told == (second,)


def test_a_mail_that_did_not_leave_told_nothing(desk: Desk) -> None:
    claim = number_claim(desk)
    told = (Told("evidence", NOW + DAY),)
    begun = desk.do(
        store.begin_reply, claim, outcome="ask", how="smtp", to="k@example.com", subject="s", text="t", told=told
    )
    assert desk.claim(claim.id).told == told
    store.end_reply(desk.store, actor=ANA, at=AT, key=key(), begun=begun, problem="no such mailbox")
    assert desk.claim(claim.id).told == ()


def test_the_pay_by_day_that_was_told_is_held_when_the_claim_is_opened_again(desk: Desk) -> None:
    claim = desk.add()
    desk.decide(claim, "approve", MIA)
    (told,) = tell(desk, claim, "approve")
    assert told.what == "payment"
    desk.do(store.reopen, claim, MIA, reason="the date was wrong")
    desk.do(store.set_facts, claim, changes={"submitted_at": NOW + 0 * HOUR - 1 * SECOND, "purchased_at": NOW - DAY})
    assert desk.claim(claim.id).verdict == "approve"  # the same local day
    desk.at = AT + timedelta(days=2)
    desk.do(store.set_facts, claim, changes={"submitted_at": micros(desk.at) - HOUR})
    after = desk.claim(claim.id)
    assert (after.verdict, after.leaning, after.clause, after.refund) == ("review", "approve", "C3", None)


def test_the_certificate_of_a_claim_that_was_held_to_a_promise_says_so_and_is_checked(desk: Desk) -> None:
    claim = number_claim(desk)
    tell(desk, claim, "ask")
    desk.do(store.set_facts, claim, changes={"purchased_at": NOW - 6 * DAY})
    desk.decide(claim, "deny", MIA, reason="They agreed")
    made = certificates.certificate(desk.store, claim.id)
    assert made["policy"]["same"]
    assert made["verdict"]["verdict"] == "review"
    assert "we told the customer" in made["verdict"]["sentence"]
    assert certificates.check(certificates.as_json(made).encode(), desk.store).good


@pytest.mark.parametrize("outcome", ["ask", "wait", "approve"])
@pytest.mark.parametrize("make", [number_claim, defect_claim, Desk.add], ids=["number", "defect", "sms"])
def test_nothing_is_broken_by_the_very_facts_from_which_it_was_told(desk: Desk, make: Any, outcome: str) -> None:
    claim = make(desk)
    reply = replies.compose(one(claim), POLICY, NOW, outcome, ref=claim.ref)
    for later in (0, HOUR, 30 * HOUR, 62 * HOUR, 8 * DAY, 13 * DAY, 40 * DAY):
        found = promises.broken(one(claim), POLICY, NOW + later, reply.told, claim.verdict)
        assert found is None, (later, found)


@given(
    first=st.lists(st.tuples(st.sampled_from([*promises.KINDS]), st.integers(0, 9)).map(lambda pair: Told(*pair))),
    second=st.lists(st.tuples(st.sampled_from([*promises.KINDS]), st.integers(0, 9)).map(lambda pair: Told(*pair))),
)
def test_what_was_told_is_read_as_it_was_written_and_adding_it_again_changes_nothing(
    first: list[Told], second: list[Told]
) -> None:
    kept = promises.added(promises.added((), first), second)
    assert promises.read(promises.write(kept)) == kept
    assert promises.added(kept, [*first, *second]) == kept
    assert {told.what for told in kept} == {told.what for told in [*first, *second]}
    assert promises.write([]) is None


@given(days=st.integers(0, 13), hours=st.integers(0, 300), told=st.integers(-20, 20))
def test_a_claim_without_a_broken_promise_has_the_policys_verdict(days: int, hours: int, told: int) -> None:
    given_facts = dict.fromkeys(COLUMNS) | facts(
        reason="invalid_number", sms_code_received=True, evidence_attached=False, purchased_at=NOW - days * DAY
    )
    claim = Claims.of({name: [given_facts[name]] for name in COLUMNS})
    promise = (Told("evidence", NOW + told * DAY),)
    said = words.explain(claim, POLICY, NOW + hours * HOUR, told=promise)
    plain = words.explain(claim, POLICY, NOW + hours * HOUR)
    assert said == plain if said.broken is None else said.verdict == "review"
