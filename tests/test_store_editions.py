"""Editions in the store: proposed by one manager, released by another, judging the orders from its day on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from store_of_tests import ANA, AT, AUD, MAX, MIA, Desk, key, on_sqlite, open_desk

from refundcore import certificates, policy, store
from refundcore.amending import Amendment, amended, written
from refundcore.deadlines import DAY, micros
from refundcore.store import Forbidden, Impossible
from refundcore.store.ruling import take_up
from refundcore.store.tables import claims

LATER = AT.date() + timedelta(days=6)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = open_desk(tmp_path)
    take_up(opened.store, AT)
    yield opened
    opened.store.engine.dispose()


def longer(days: int = 10, start: date = LATER) -> tuple[str, str]:
    numbers = {("C4c", "window_days"): days, ("C8b", "window_days"): days}
    return written(amended(policy.load(), Amendment(start, numbers=numbers)))


def propose(desk: Desk, day: date = LATER, person: int = MIA, **others: Any) -> int:
    document, fees = longer(start=day)
    given = {"document": document, "fees": fees, "reason": "Seven days are too few.", "key": key(), **others}
    return store.propose_edition(desk.store, actor=person, at=desk.at, effective_from=day, **given).id


def release(desk: Desk, edition: int, person: int = MAX) -> store.EditionReceipt:
    return store.approve_edition(desk.store, actor=person, at=desk.at, key=key(), edition=edition)


def late(desk: Desk, days_after: int, ordered: int) -> store.ClaimRecord:
    """A claim that came some days after its purchase."""
    desk.at = AT + timedelta(days=days_after, microseconds=ordered - micros(AT))
    return desk.add(ordered_at=ordered, purchased_at=ordered, submitted_at=micros(desk.at))


def test_the_document_of_the_first_start_is_the_first_edition(desk):
    (first,) = store.edition_records(desk.store)

    assert (first.number, first.state, first.person) == (1, "released", "")
    assert first.document == policy.DOCUMENT.read_text()
    assert first.policy == desk.store.policy == policy.load()


def test_the_stores_edition_rules_although_the_document_beside_it_was_changed(desk, monkeypatch, tmp_path):
    changed = tmp_path / "policy.toml"
    changed.write_text(longer()[0])
    monkeypatch.setattr(policy, "DOCUMENT", changed)
    take_up(desk.store, AT)

    assert desk.store.policy.clauses["C4c"].numbers["window_days"] == {date(2024, 4, 2): 7}
    assert len(store.edition_records(desk.store)) == 1


def test_a_claim_is_judged_by_the_edition_in_force_at_its_order_and_open_claims_keep_theirs(desk):
    waiting = desk.add(sms_code_received=None)
    release(desk, propose(desk))
    before = late(desk, 9, micros(AT) + 2 * DAY)
    after = late(desk, 9, micros(AT) + 8 * DAY)

    assert (before.edition, before.verdict, before.clause) == (1, "deny", "C4c")
    assert (after.edition, after.verdict) == (2, "approve")
    store.rejudge_due(desk.store, desk.at, everything=True)
    assert desk.claim(waiting.id).edition == 1
    assert desk.claim(before.id).verdict == "deny"
    assert desk.verified()


def test_a_claim_without_any_date_keeps_the_edition_under_which_it_came(desk):
    blank = desk.add(ordered_at=None, purchased_at=None, submitted_at=None)
    release(desk, propose(desk))
    desk.at = AT + timedelta(days=30)
    store.rejudge_due(desk.store, desk.at, everything=True)
    new = desk.add(ordered_at=None, purchased_at=None, submitted_at=None)

    assert (desk.claim(blank.id).edition, new.edition) == (1, 2)


def test_an_edition_of_today_judges_no_order_from_before_its_release(desk):
    open_claim = desk.add(ordered_at=micros(AT) - 60_000_000, purchased_at=micros(AT) - 60_000_000)
    release(desk, propose(desk, AT.date()))
    store.rejudge_due(desk.store, AT + timedelta(hours=1), everything=True)

    assert desk.claim(open_claim.id).edition == 1
    desk.at = AT + timedelta(hours=2)
    assert desk.add(ordered_at=micros(AT), purchased_at=micros(AT), submitted_at=micros(desk.at)).edition == 2


def test_every_decision_holds_the_hash_of_the_document_that_judged_it(desk):
    release(desk, propose(desk))
    old, new = late(desk, 3, micros(AT) + 2 * DAY), late(desk, 9, micros(AT) + 8 * DAY)
    for claim in (old, new):
        desk.decide(claim, claim.verdict)
    prints = [edition.policy.fingerprint for edition in desk.store.laws.all]

    with desk.store.read() as connection:
        kept = list(connection.execute(sa.text("SELECT policy FROM decisions ORDER BY id")).scalars())
    assert kept == prints
    for claim, number in ((old, 1), (new, 2)):
        body = store.events(desk.store, claim.id)[-1].body
        assert body["policy"] == prints[number - 1]
        made = certificates.certificate(desk.store, claim.id)["policy"]
        assert (made["fingerprint"], made["same"]) == (prints[number - 1], True)


REFUSED = [
    (MIA, "You proposed this edition yourself: another manager has to approve it."),
    (ANA, "As an agent you cannot release editions of the policy."),
    (AUD, "As an auditor you cannot release editions of the policy."),
]


@pytest.mark.parametrize(("person", "sentence"), REFUSED)
def test_only_another_manager_releases(desk, person, sentence):
    edition = propose(desk)

    with pytest.raises(Forbidden, match=sentence):
        release(desk, edition, person)
    assert len(desk.store.laws.all) == 1


def test_an_agent_proposes_nothing(desk):
    with pytest.raises(Forbidden, match="As an agent you cannot change the policy"):
        propose(desk, person=ANA)


def test_what_cannot_be_an_edition_is_refused_with_a_sentence(desk):
    present, fees = written(policy.load())
    wrong = [
        ({"day": AT.date() - timedelta(days=1)}, "11 May 2026 is over"),
        ({"reason": "  "}, "The reason is missing"),
        ({"document": "title = 1"}, "'zone' must be a text"),
        ({"document": longer()[0].replace('roles = ["bar", "hold"]', 'roles = ["bar"]', 1)}, "by a rule"),
        ({"document": present, "fees": fees}, "nothing would change"),
    ]
    for given, sentence in wrong:
        with pytest.raises(Impossible, match=sentence):
            propose(desk, **given)
    assert len(store.edition_records(desk.store)) == 1


def test_an_edition_whose_day_passed_before_anybody_approved_it_is_not_released(desk):
    edition = propose(desk)
    desk.at = AT + timedelta(days=7)

    with pytest.raises(Impossible, match="18 May 2026 is over"):
        release(desk, edition)


def test_a_double_click_proposes_and_releases_once(desk):
    same = key()
    first, second = propose(desk, key=same), propose(desk, key=same)
    release(desk, first)

    assert first == second
    assert release(desk, first).repeated
    assert [edition.number for edition in desk.store.laws.all] == [1, 2]


def test_who_refuses_gives_a_reason_and_who_proposed_can_take_it_back(desk):
    refused, own = propose(desk), propose(desk)
    with pytest.raises(Impossible, match="The reason is missing"):
        store.reject_edition(desk.store, actor=MAX, at=AT, key=key(), edition=refused, reason="")
    store.reject_edition(desk.store, actor=MAX, at=AT, key=key(), edition=refused, reason="Too costly.")
    store.reject_edition(desk.store, actor=MIA, at=AT, key=key(), edition=own, reason="A slip.")

    states = {record.id: record.state for record in store.edition_records(desk.store)}
    assert (states[refused], states[own]) == ("rejected", "withdrawn")
    with pytest.raises(Impossible, match="Max rejected this edition already"):
        release(desk, refused)


def test_another_process_learns_of_a_release_before_it_acts(desk, tmp_path):
    other = open_desk(tmp_path)
    take_up(other.store, AT)
    release(desk, propose(desk))

    assert late(other, 9, micros(AT) + 8 * DAY).edition == 2
    other.store.engine.dispose()


@on_sqlite
def test_a_released_edition_is_never_rewritten(desk):
    release(desk, propose(desk))
    for statement in ("UPDATE editions SET document = 'x'", "DELETE FROM editions"):
        with pytest.raises(sa.exc.DBAPIError, match="editions are"):
            desk.sql(statement, past_guards=False)
    desk.sql("UPDATE editions SET document = document || '# x' WHERE number = 2")
    assert "its document is another" in store.verify(desk.store).sentence


def test_editions_survive_a_new_start(desk):
    release(desk, propose(desk))
    url = str(desk.store.engine.url.render_as_string(hide_password=False))
    again = store.connect(url, at=AT + timedelta(days=8))

    assert [edition.number for edition in again.laws.all] == [1, 2]
    assert again.policy.clauses["C4c"].numbers["window_days"][LATER] == 10
    again.engine.dispose()


def test_a_draft_is_kept_replaced_and_dropped(desk):
    document, fees = longer()
    for days in (10, 12):
        document, fees = longer(days)
        store.save_draft(
            desk.store, actor=MIA, at=AT, key=key(), name="Ten days", document=document, fees=fees, start=LATER
        )
    (kept,) = store.drafts_kept(desk.store)
    assert (kept.name, kept.start, kept.person) == ("Ten days", LATER, "Mia")
    assert kept.policy.clauses["C4c"].numbers["window_days"][LATER] == 12
    store.drop_draft(desk.store, actor=MAX, at=AT, key=key(), draft=kept.id)

    assert store.drafts_kept(desk.store) == []
    with desk.store.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(claims)).scalar() == 0
    assert desk.verified()
