"""An import taken back by a manager while nobody worked on its claims; what rows of a file would meet."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from store_of_tests import ANA, AT, AUD, BEN, MIA, Desk, batch, facts, open_desk

from refundcore import metrics, store
from refundcore.store import Balance, Forbidden, Impossible, undoing


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = open_desk(tmp_path)
    yield opened
    opened.verified()
    opened.store.engine.dispose()


def rows(count: int, **others: Any) -> list[dict[str, Any]]:
    return [facts(claim_ref=f"T-{number}", order_ref=f"S-{number}", **others) for number in range(count)]


def undo(desk: Desk, number: int, person: int = MIA) -> int:
    return store.undo_import(desk.store, number, actor=person, at=desk.at)


def test_an_undone_import_vanishes_and_its_file_comes_in_again_whole(desk: Desk) -> None:
    before = desk.add()
    given = rows(7)
    desk.load(given, rejected=[(99, ["x"], "why")])
    seen = store.preview_undo(desk.store, 1)
    assert (seen.possible, seen.claims) == (True, 7)
    assert "7 claims that came with claims.csv will be removed" in seen.sentence

    assert undo(desk, 1) == 7

    assert desk.queue(state="all") == [before.ref]
    assert desk.number("SELECT count(*) FROM events") == 1
    record = store.import_record(desk.store, 1)
    assert record is not None
    assert (record.status, record.undone_by) == ("removed", "Mia")
    desk.verified()
    assert desk.load(given) == Balance(rows=7, created=7)
    assert len(desk.queue()) == 8


def test_an_undone_import_is_out_of_the_figures(desk: Desk) -> None:
    frame = metrics.Frame(date(2026, 1, 1), AT.date())
    empty = store.queue_figures(desk.store, person=ANA, at=AT)
    desk.load(rows(4))
    assert metrics.headline(desk.store, frame, AT.date()).claims == 4
    undo(desk, 1)
    assert metrics.headline(desk.store, frame, AT.date()).claims == 0
    assert store.queue_figures(desk.store, person=ANA, at=AT) == empty


@pytest.mark.parametrize("person", [ANA, AUD])
def test_only_a_manager_takes_an_import_back(desk: Desk, person: int) -> None:
    desk.load(rows(2))
    with pytest.raises(Forbidden, match="take back an import"):
        undo(desk, 1, person)
    assert len(desk.queue()) == 2


@pytest.mark.parametrize("work", ["note", "assign", "decide", "facts"])
def test_an_import_is_not_taken_back_once_a_claim_of_it_was_worked(desk: Desk, work: str) -> None:
    desk.load(rows(3))
    if work == "note":
        desk.do(store.note, 2, text="I called.")
    elif work == "assign":
        desk.do(store.assign, 2, to=BEN)
    elif work == "decide":
        desk.decide(2)
    else:
        desk.do(store.set_facts, 2, changes={"amount": 1})
    assert not store.preview_undo(desk.store, 1).possible
    with pytest.raises(Impossible, match=r"Claim T-1 of this import was worked on already"):
        undo(desk, 1)
    assert desk.number("SELECT count(*) FROM claims") == 3


def test_the_database_itself_keeps_a_finished_import_whose_claims_were_worked(desk: Desk) -> None:
    desk.load(rows(2))
    desk.do(store.note, 1, text="I called.")
    wanted = "UPDATE imports SET status = 'removing', undone_by = 3 WHERE id = 1"
    with pytest.raises(sa.exc.DBAPIError, match="imports are not rewritten"):
        desk.sql(wanted, past_guards=False)
    with pytest.raises(sa.exc.DBAPIError, match="imports are not rewritten"):
        desk.sql("UPDATE imports SET created = 1 WHERE id = 1", past_guards=False)


def test_an_import_that_changed_claims_is_not_taken_back(desk: Desk) -> None:
    desk.load(rows(1))
    desk.load([row | {"amount": 5} for row in rows(2)], update=True)
    with pytest.raises(Impossible, match="also changed 1 claim that was here before"):
        undo(desk, 2)
    assert len(desk.queue()) == 2


def test_an_import_is_not_taken_back_twice_nor_while_another_runs(desk: Desk) -> None:
    desk.load(rows(2))
    number = desk.begin(sha256="1" * 64)
    with pytest.raises(Impossible, match="Another import is running"):
        undo(desk, 1)
    with pytest.raises(Impossible, match="not finished yet"):
        undo(desk, number)
    store.cancel_import(desk.store, number, actor=ANA, at=AT)
    undo(desk, 1)
    with pytest.raises(Impossible, match="taken back already"):
        undo(desk, 1)
    with pytest.raises(Impossible, match="no such import"):
        undo(desk, 9)


def test_an_undoing_that_is_cut_off_hides_the_claims_and_is_carried_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.load(rows(5))

    def cut_off(*_: Any) -> None:
        raise RuntimeError("The power went.")

    monkeypatch.setattr(undoing, "remove", cut_off)
    with pytest.raises(RuntimeError):
        undo(desk, 1)
    assert desk.queue(state="all") == []
    desk.verified()
    with pytest.raises(Impossible, match="being taken back now"):
        desk.begin()
    assert store.resume_or_remove(desk.store, AT + timedelta(minutes=16)) == 1
    assert desk.number("SELECT count(*) FROM claims") == 0
    assert desk.load(rows(5)) == Balance(rows=5, created=5)


@pytest.mark.parametrize(
    "tamper",
    [
        "UPDATE imports SET undone_by = NULL WHERE id = 1",
        "UPDATE imports SET undone_by = 3, undone_at = 1 WHERE id = 2",
        "UPDATE imports SET status = 'removed', undone_by = 3 WHERE id = 2",
    ],
)
def test_an_undoing_that_the_journal_does_not_know_is_found(tmp_path: Path, tamper: str) -> None:
    desk = open_desk(tmp_path)
    desk.load(rows(2))
    undo(desk, 1)
    desk.load(rows(2), sha256="1" * 64)
    desk.verified()
    desk.sql(tamper)
    found = store.verify(desk.store)
    assert not found.good
    assert "undoing" in found.sentence
    desk.store.engine.dispose()


# What rows would meet.


def compared(desk: Desk, given: list[dict[str, Any]]) -> store.Comparison:
    made = batch(given)
    return store.compare(desk.store, made["claims"], made["lines"])


def test_a_comparison_counts_new_and_unchanged_rows_and_shows_what_differs(desk: Desk) -> None:
    given = rows(4)
    desk.load(given[:3])
    given[1] |= {"amount": 900, "item_ref": None}
    desk.decide(3)
    given[2] |= {"amount": 900}

    found = compared(desk, [*given, given[1]])

    assert (found.new, found.unchanged) == (1, 1)
    first, second = found.differing
    assert (first.line, first.ref, first.version, first.facts) == (3, "T-1", 1, ("amount",))
    assert (first.stored["amount"], first.wanted, first.refusal) == (1250, {"amount": 900}, "")
    assert second.refusal == "Claim T-2 is decided, so its facts are not changed."
    assert desk.claim(2).facts["amount"] == 1250


def test_only_confirmed_claims_are_changed_each_by_an_event(desk: Desk) -> None:
    given = rows(3)
    desk.load(given)
    changed = [row | {"amount": 900} for row in given]
    seen = {one.claim: one.version for one in compared(desk, changed).differing}
    desk.do(store.note, 2, text="Somebody was here meanwhile.")
    number = desk.begin(update=True)
    chosen = {claim: version for claim, version in seen.items() if claim != 3}

    store.import_batch(desk.store, number, actor=ANA, at=AT, **batch(changed), confirmed=chosen)
    balance = store.finish_import(desk.store, number, actor=ANA, at=AT)

    assert balance == Balance(rows=3, updated=1, conflicting=2)
    assert [desk.claim(claim).facts["amount"] for claim in (1, 2, 3)] == [900, 1250, 1250]
    assert store.events(desk.store, 1)[-1].body["changes"] == {"amount": 900}
    whys = [reject.why for reject in store.rejects(desk.store, number)]
    assert "was changed after you saw how it differs" in whys[0]
    assert "is here with other facts" in whys[1]


def test_a_row_whose_claim_another_import_is_bringing_in_is_kept_for_later(desk: Desk) -> None:
    given = rows(2)
    other = desk.begin(sha256="1" * 64)
    store.import_batch(desk.store, other, actor=ANA, at=AT, **batch(given))

    assert desk.load(given) == Balance(rows=2, conflicting=2)
    assert "is being brought in or taken back by another import" in store.rejects(desk.store, 2)[0].why
    store.cancel_import(desk.store, other, actor=ANA, at=AT)
    assert desk.load(given) == Balance(rows=2, created=2)


def test_an_import_tells_how_much_of_its_file_is_read(desk: Desk) -> None:
    number = desk.begin()
    store.import_batch(desk.store, number, actor=ANA, at=AT, **batch(rows(2)), share=0.25)
    record = store.import_record(desk.store, number)
    assert record is not None
    assert (record.share, record.balance.rows, record.status) == (0.25, 2, "running")
    store.finish_import(desk.store, number, actor=ANA, at=AT)
