"""Imports: every row is accounted for, nothing shows before the end, the same file creates nothing new."""

from __future__ import annotations

import json
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from store_of_tests import ANA, AT, BEN, MIA, SERVER, VERDICTS, Desk, batch, facts, key, on_sqlite, open_desk

from refundcore import store
from refundcore.store import Balance, Filter, Impossible, chain, importing, tables


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = open_desk(tmp_path)
    yield opened
    opened.verified()
    opened.store.engine.dispose()


def rows(count: int, **others: Any) -> list[dict[str, Any]]:
    return [facts(claim_ref=f"T-{number}", order_ref=f"S-{number}", **others) for number in range(count)]


def test_imported_claims_have_their_facts_verdict_and_first_event(desk: Desk) -> None:
    given = [facts(claim_ref=f"T-{verdict}", **changed) for verdict, changed in VERDICTS.items()]
    assert desk.load(given) == Balance(rows=4, created=4)
    for row, verdict in zip(given, VERDICTS, strict=True):
        claim = store.claim(desk.store, row["claim_ref"])
        assert claim is not None
        assert claim.verdict == verdict
        assert claim.act_by is not None
        assert {name: value for name, value in claim.facts.items() if value is not None and name in row} == {
            name: value for name, value in row.items() if value is not None
        }
        told = store.events(desk.store, claim.id)
        assert [(event.kind, event.sentence) for event in told] == [("created", "Ana imported this claim.")]


def test_an_imported_claim_is_judged_as_one_that_was_typed_in(desk: Desk) -> None:
    for changed in VERDICTS.values():
        given = facts(claim_ref=None, **changed)
        typed = store.add_claim(desk.store, actor=ANA, at=AT, key=key(), facts=given)
        desk.load([given | {"order_ref": given["order_ref"] + "b"}])
        one, other = desk.claim(typed.claim), desk.claim(typed.claim + 1)
        for name in ("verdict", "leaning", "clause", "clauses", "missing", "refund", "fee", "holds_until", "act_by"):
            assert getattr(one, name) == getattr(other, name), name


def test_an_imported_claims_event_is_written_in_the_one_form_that_is_hashed(desk: Desk) -> None:
    odd = 'He said "no" \\ \n\t\x01 – ü 漢 \u2028'
    given = [
        facts(claim_ref=odd, description=odd, customer_email=None, listed_compatible=True),
        facts(claim_ref="T-2", description=""),
        facts(claim_ref="T-3", description=None, customer_email=None),
    ]
    desk.load(given)
    with desk.store.read() as connection:
        told = connection.execute(sa.select(tables.events).order_by(tables.events.c.id)).all()
    for event, row in zip(told, given, strict=True):
        kept = json.loads(event.private) if event.private else {}
        personal = {name: row[name] for name in ("customer_email", "description") if row[name]}
        assert {name: value for name, value in kept.items() if name != "salt"} == personal
        body = json.loads(event.body)
        typed, _ = chain.committed({k: v for k, v in row.items() if v is not None}, kept.get("salt", ""))
        assert body["facts"] == typed | {f"{name}_latest": typed[name] for name in ("purchased_at", "submitted_at")}
        for text in (event.body, event.private):
            assert text is None or text == chain.canonical(json.loads(text))


def test_the_same_file_again_creates_nothing_even_after_agents_changed_facts(desk: Desk) -> None:
    given = rows(20) + [facts(claim_ref=None) for _ in range(5)]
    assert desk.load(given) == Balance(rows=25, created=25)
    desk.do(store.set_facts, 3, changes={"amount": 1, "grounds_sufficient": True})
    desk.decide(4)
    assert desk.load(given) == Balance(rows=25, unchanged=25)
    assert desk.load(given, update=True) == Balance(rows=25, unchanged=25)
    assert desk.number("SELECT count(*) FROM claims") == 25


def test_a_row_twice_in_a_file_is_a_duplicate_and_one_that_differs_is_in_conflict(desk: Desk) -> None:
    one = facts(claim_ref="T-1", order_ref="S-1")
    assert desk.load([one, one, one | {"amount": 5}, one]) == Balance(rows=4, created=1, duplicates=2, conflicting=1)
    unnamed = facts(claim_ref=None)
    assert desk.load([unnamed, unnamed, unnamed | {"amount": 5}]) == Balance(3, created=1, duplicates=1, conflicting=1)
    assert desk.load([one, one, one | {"amount": 5}]) == Balance(3, unchanged=1, duplicates=1, conflicting=1)
    assert desk.claim(1).facts["amount"] == 1250


def test_duplicates_are_known_over_the_bounds_of_batches(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "TOGETHER", 3)
    given = rows(4)
    assert desk.load(given + given) == Balance(rows=8, created=4, duplicates=4)
    number = desk.begin()
    for part in (given, given[::-1], [given[0] | {"amount": 9}]):
        store.import_batch(desk.store, number, actor=ANA, at=AT, **batch(part, 10 * part[0]["amount"]))
    assert store.finish_import(desk.store, number, actor=ANA, at=AT) == Balance(
        9, unchanged=4, duplicates=4, conflicting=1
    )


def test_a_conflict_is_listed_with_its_cells_and_changes_nothing(desk: Desk) -> None:
    given = rows(2)
    desk.load(given)
    given[1]["amount"], given[1]["product"] = 900, "UK number"
    assert desk.load(given) == Balance(rows=2, unchanged=1, conflicting=1)
    (listed,) = store.rejects(desk.store, 2)
    assert (listed.line, listed.kind, listed.claim) == (3, "conflicting", 2)
    assert listed.cells == {"Case": "T-1", "Order": "S-1"}
    assert listed.why == "Claim T-1 is here with other facts: Product, Amount paid."
    assert desk.claim(2).facts["amount"] == 1250


def test_confirmed_updates_change_undecided_claims_and_judge_them_again(desk: Desk) -> None:
    given = rows(3)
    desk.load(given)
    desk.decide(2, "approve")
    changed = [row | {"sms_code_received": True, "item_ref": None} for row in given]
    assert desk.load(changed, update=True) == Balance(rows=3, updated=2, conflicting=1)
    first = desk.claim(1)
    assert (first.verdict, first.version) == ("deny", 2)
    assert first.facts["item_ref"] is not None, "a blank cell of a file says nothing"
    assert store.events(desk.store, 1)[-1].body["import"] == 2
    assert "is decided, so its facts are not changed" in store.rejects(desk.store, 2)[0].why
    assert desk.load(changed, update=True) == Balance(rows=3, unchanged=2, conflicting=1)


def test_an_update_of_a_claim_that_was_decided_meanwhile_becomes_a_conflict(desk: Desk) -> None:
    given = rows(2)
    desk.load(given)
    number = desk.begin(update=True)
    store.import_batch(desk.store, number, actor=ANA, at=AT, **batch([row | {"amount": 7} for row in given]))
    desk.decide(1, "approve", BEN)
    assert store.finish_import(desk.store, number, actor=ANA, at=AT) == Balance(rows=2, updated=1, conflicting=1)
    assert store.rejects(desk.store, number)[0].why.startswith("This claim is decided")


def test_rejected_rows_are_kept_with_their_cells_and_why_page_by_page(desk: Desk) -> None:
    number = desk.begin()
    bad = [(line, ["T", "\ud83d", "extra"], f"Line {line}: '\ud83d' is no date.") for line in range(2, 302)]
    store.import_batch(desk.store, number, actor=ANA, at=AT, **batch([]), rejected=bad)
    assert store.finish_import(desk.store, number, actor=ANA, at=AT) == Balance(rows=300, rejected=300)
    listed = store.rejects(desk.store, number, limit=200)
    listed += store.rejects(desk.store, number, after=listed[-1].line)
    assert [item.line for item in listed] == list(range(2, 302))
    assert dict(listed[0].cells) == {"Case": "T", "Order": "\ud83d", "column 3": "extra"}


def test_nothing_of_an_import_shows_before_its_end(desk: Desk) -> None:
    shown = desk.add()
    number = desk.begin()
    store.import_batch(desk.store, number, actor=ANA, at=AT, **batch(rows(3)))
    assert desk.queue() == desk.queue(state="all") == [shown.ref]
    assert desk.queue(text="T-") == []
    assert store.claim(desk.store, "T-1") is None
    assert store.events(desk.store, 2) == []
    assert len(store.journal(desk.store)) == 1
    assert store.related(desk.store, 2) == []
    assert store.queue_figures(desk.store, person=ANA, at=AT).open == 1
    assert store.take_next(desk.store, actor=BEN, at=AT, key=key(), filter=Filter(text="T-")) is None
    with pytest.raises(Impossible, match="no such claim"):
        store.note(desk.store, actor=ANA, at=AT, key=key(), claim=2, version=1, text="x")
    desk.verified()
    store.finish_import(desk.store, number, actor=ANA, at=AT)
    assert desk.queue(text="T-") == ["T-0", "T-1", "T-2"]
    assert desk.queue(imported=str(number)) == ["T-0", "T-1", "T-2"]


def test_a_cancelled_import_leaves_no_claim_and_its_file_can_come_again(desk: Desk) -> None:
    number = desk.begin()
    store.import_batch(desk.store, number, actor=ANA, at=AT, **batch(rows(7)))
    between = desk.add()
    store.cancel_import(desk.store, number, actor=ANA, at=AT)
    assert desk.queue(state="all") == [between.ref]
    record = store.import_record(desk.store, number)
    assert record is not None
    assert record.status == "removed"
    desk.verified()
    for act in (store.finish_import, store.cancel_import):
        with pytest.raises(Impossible, match="removed already"):
            act(desk.store, number, actor=ANA, at=AT)
    assert desk.load(rows(7)) == Balance(rows=7, created=7)


def test_one_file_is_imported_by_one_person_at_a_time(desk: Desk) -> None:
    number = desk.begin()
    with pytest.raises(Impossible, match="Ana is importing this very file now"):
        desk.begin()
    with pytest.raises(Impossible, match="Somebody else began"):
        store.finish_import(desk.store, number, actor=MIA, at=AT)
    with pytest.raises(Impossible, match="no such import"):
        store.finish_import(desk.store, 9, actor=MIA, at=AT)
    store.finish_import(desk.store, number, actor=ANA, at=AT)
    assert desk.begin() == 2


def test_an_import_that_fell_silent_is_taken_back_and_one_that_is_at_work_is_left(desk: Desk) -> None:
    number = desk.begin()
    store.import_batch(desk.store, number, actor=ANA, at=AT, **batch(rows(3)))
    assert store.resume_or_remove(desk.store, AT + timedelta(minutes=14)) == 0
    assert store.resume_or_remove(desk.store, AT + timedelta(minutes=16)) == 1
    assert desk.number("SELECT count(*) FROM claims") == 0
    assert store.imports(desk.store)[0].status == "removed"


def test_an_import_cut_off_while_it_was_applying_updates_is_carried_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "UPDATED_TOGETHER", 2)
    desk.load(rows(5))
    number = desk.begin(update=True)
    changed = [row | {"amount": 5} for row in rows(7)]
    store.import_batch(desk.store, number, actor=ANA, at=AT, **batch(changed))
    real, left = importing._apply_updates, iter([1])

    def cut_off(*given: Any, **named: Any) -> bool:
        next(left)
        return real(*given, **named)

    monkeypatch.setattr(importing, "_apply_updates", cut_off)
    with pytest.raises(StopIteration):
        store.finish_import(desk.store, number, actor=ANA, at=AT)
    monkeypatch.setattr(importing, "_apply_updates", real)
    assert desk.number("SELECT count(*) FROM claims WHERE amount = 5 AND import_id = 1") == 2
    desk.verified()
    assert store.resume_or_remove(desk.store, AT + timedelta(minutes=16)) == 1
    assert store.imports(desk.store)[0].balance == Balance(rows=7, created=2, updated=5)
    assert len(desk.queue()) == 7


def test_references_that_the_desk_would_give_are_left_to_rows_that_bring_them(desk: Desk) -> None:
    given = [facts(claim_ref=None), facts(claim_ref="RC-000001"), facts(claim_ref=None)]
    desk.load(given)
    assert desk.queue(text="RC-") == ["RC-1000001", "RC-000001", "RC-000003"]
    assert desk.load(given) == Balance(rows=3, unchanged=3)


def test_a_claim_of_the_desk_is_found_again_by_its_reference(desk: Desk) -> None:
    claim = desk.add()
    exported = {name: value for name, value in claim.facts.items() if value is not None} | {"claim_ref": claim.ref}
    assert desk.load([exported]) == Balance(rows=1, unchanged=1)


def test_a_mapping_is_remembered_for_files_of_the_same_header(desk: Desk) -> None:
    header, mapping = ["Case  ID", "Größe"], {"Case  ID": "claim_ref"}
    assert store.remembered_mapping(desk.store, header) is None
    for kept in ({}, mapping):
        store.remember_mapping(desk.store, actor=ANA, at=AT, header=header, mapping=kept)
    assert store.remembered_mapping(desk.store, ["case id", "GRÖSSE"]) == mapping
    assert store.remembered_mapping(desk.store, ["Größe", "Case ID"]) is None


def test_as_many_lines_as_claims_are_wanted(desk: Desk) -> None:
    number = desk.begin()
    with pytest.raises(ValueError, match="2 claims, 1 line numbers"):
        store.import_batch(desk.store, number, actor=ANA, at=AT, **(batch(rows(2)) | {"lines": [2]}))
    assert store.imports(desk.store)[0].balance == Balance(0)


def _row(*, ref: str | None, order: str, amount: int | None, code: bool | None) -> dict[str, Any]:
    return facts(claim_ref=ref, order_ref=order, customer_email="k@example.com", amount=amount, sms_code_received=code)


ROWS = st.builds(
    _row,
    ref=st.sampled_from(["A", "B", "C", None]),
    order=st.sampled_from(["S-1", "S-2"]),
    amount=st.sampled_from([100, 200, None]),
    code=st.sampled_from([True, None]),
)
FILES = st.lists(st.tuples(st.lists(ROWS, max_size=6), st.integers(0, 3), st.booleans()), min_size=1, max_size=4)


@settings(max_examples=12)
@given(FILES)
def test_whatever_is_imported_balances_and_again_creates_nothing(files: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        desk = open_desk(Path(folder))
        for given_rows, rejected, update in files:
            before = desk.number("SELECT count(*) FROM claims")
            bad = [(900 + line, ["x"], "why") for line in range(rejected)]
            balance = desk.load(given_rows, update=update, rejected=bad)
            assert balance.holds
            assert (balance.rows, balance.rejected) == (len(given_rows) + rejected, rejected)
            assert desk.number("SELECT count(*) FROM claims") == before + balance.created
            again = desk.load(given_rows, update=update)
            assert again.holds
            assert again.created == 0
            assert again.updated == 0
            assert again.conflicting == balance.conflicting
            listed = [item.kind for item in store.rejects(desk.store, store.imports(desk.store)[0].id)]
            assert len(listed) == again.conflicting
        desk.verified()
        desk.store.engine.dispose()


@on_sqlite
@pytest.mark.parametrize("own", [True, False], ids=["of this process", "of another store on the file"])
def test_an_import_sees_who_waits_to_write_and_gives_way(desk: Desk, tmp_path: Path, own: bool) -> None:  # noqa: FBT001
    other = desk if own else open_desk(tmp_path)

    def write() -> None:
        with other.store.write():
            pass

    waiting = threading.Thread(target=write)
    with desk.store.write():
        waiting.start()
        until = time.monotonic() + 5
        while not desk.store.wanted() and time.monotonic() < until:
            time.sleep(0.001)
        assert desk.store.wanted()
    assert desk.store.crowded
    waiting.join()
    assert not desk.store.wanted()
    with desk.store.write():
        pass
    assert not desk.store.crowded


def test_while_others_wait_an_import_writes_less_at_once_and_all_the_same_everything(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "TOGETHER", 7)
    monkeypatch.setattr(importing, "CROWDED", 2)
    given_way: list[Any] = []
    monkeypatch.setattr(importing, "_give_way", given_way.append)
    number = desk.begin()
    desk.store.crowded = True
    store.import_batch(desk.store, number, actor=ANA, at=AT, **batch(rows(12)))
    assert store.finish_import(desk.store, number, actor=ANA, at=AT) == Balance(rows=12, created=12)
    with desk.store.read() as connection:
        heads = connection.exec_driver_sql("SELECT last_event - first_event + 1 FROM heads ORDER BY id").scalars()
        sizes = [size for size in heads if size]
    assert given_way
    assert sizes == ([2] * 6 if SERVER else [2, 7, 3])  # on a server nobody sees who waits
