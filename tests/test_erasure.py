"""Erasing a customer's data: nothing of it is left in the file, and everything that was decided still verifies."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from evidence_of_tests import png
from store_of_tests import ANA, AUD, BEN, MIA, Desk, batch, facts, key, on_sqlite, open_desk

from refundcore import __main__, evidence, store
from refundcore.store.erasing import erase, erased_before, preview_erasure, sweep
from refundcore.store.evidence_reading import files

ADDRESS = "Quentin.Quist@example.com"
GROUNDS = "My neighbour Wilhelmina Zwart saw that no code ever came"
NOTE = "He rang from his office at Brinkmann and was upset"
REPLY = "Dear Mr Quist, we are sorry that nothing came"
TRACES = (ADDRESS, ADDRESS.lower(), "Wilhelmina", "Brinkmann", "Dear Mr Quist", "quists-phone")
"""What must not be found afterwards."""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = open_desk(tmp_path)
    yield opened
    opened.store.engine.dispose()


def lived(desk: Desk) -> store.ClaimRecord:
    """A decided claim of the customer with a note, a reply and a file, and a row of an import that was left out."""
    claim = desk.add(customer_email=ADDRESS, description=GROUNDS)
    kept = evidence.read("quists-phone.png", png(7))
    desk.do(store.attach_evidence, claim, evidence=[kept])
    desk.do(store.note, claim, BEN, text=NOTE)
    desk.decide(claim, "deny", MIA, reason="The code came after all", reply=REPLY)
    number = desk.begin()
    given = batch([facts(claim_ref="T-1")])
    rejects: list[tuple[int, list[str], str]] = [
        (9, ["T-2", f"his address is {ADDRESS}"], f"Line 9: '{ADDRESS}' is no order")
    ]
    store.import_batch(desk.store, number, actor=ANA, at=desk.at, rejected=rejects, **given)
    store.finish_import(desk.store, number, actor=ANA, at=desk.at)
    return desk.claim(claim.id)


def erased(desk: Desk, person: int = MIA, **others: object) -> store.Receipt:
    given = {"key": key(), "reason": "Asked for by letter", "email": ADDRESS, **others}
    return erase(desk.store, actor=person, at=desk.at, **given)


def traces(folder: Path) -> list[str]:
    """What is found of the customer in any file of the desk's folder, in whatever letters."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = path.read_bytes().lower()
            found += [f"{word} in {path.name}" for word in TRACES if word.lower().encode() in content]
    return found


@on_sqlite
def test_no_trace_is_left_in_the_folder_and_everything_still_verifies(desk: Desk, tmp_path: Path) -> None:
    claim = lived(desk)
    (file,) = store.evidence_of(desk.store, claim.id)
    assert {trace.split(" in ")[0] for trace in traces(tmp_path)} == set(TRACES)

    erased(desk)
    assert sweep(desk.store)
    desk.store.engine.dispose()

    assert traces(tmp_path) == []
    assert files(desk.store).wrong(file.sha256) == "missing"
    desk.verified()


def test_an_erased_claim_says_so_everywhere(desk: Desk) -> None:
    claim = lived(desk)
    erased(desk)

    now = desk.claim(claim.id)
    assert now.facts["customer_email"] == now.facts["description"] == "erased on 2026-05-12"
    assert now.decision is not None
    assert now.decision.reply == "erased on 2026-05-12"
    assert (now.state, now.outcome, now.decision.reason) == ("decided", "denied", "The code came after all")
    happened = store.events(desk.store, claim.id)
    assert happened[-1].sentence == "Mia erased the customer's personal data: “Asked for by letter”."
    assert any("(erased)" in event.sentence for event in happened if event.kind == "noted")
    assert store.evidence_of(desk.store, claim.id)[0].name == "(erased)"
    (left_out,) = store.rejects(desk.store, now.import_id or 1)
    assert set(left_out.cells.values()) == {"erased on 2026-05-12"}


def test_erased_customers_are_not_taken_for_one_another(desk: Desk) -> None:
    one, other = (desk.add(customer_email=f"{name}@example.com") for name in ("a", "b"))
    for claim in (one, other):
        desk.decide(claim, "deny", MIA, reason="r")
        erased(desk, email="", claim=claim.id)
    assert store.related(desk.store, one.id) == []
    desk.verified()


def test_all_claims_of_the_customer_go_at_once_whichever_is_named(desk: Desk) -> None:
    first, second = desk.add(customer_email=ADDRESS), desk.add(customer_email=ADDRESS.lower())
    other = desk.add()
    for claim in (first, second):
        desk.decide(claim, "deny", MIA, reason="r")
    receipt = erased(desk, email="", claim=first.id)

    assert f"{first.ref}, {second.ref}" in receipt.sentence
    assert ADDRESS not in receipt.sentence
    assert desk.claim(other.id).facts["customer_email"] == other.facts["customer_email"]
    assert erased_before(desk.store) == [first.ref, second.ref]


def test_a_preview_counts_and_changes_nothing(desk: Desk) -> None:
    claim = lived(desk)
    before = desk.claim(claim.id)
    found = preview_erasure(desk.store, email=ADDRESS.upper())

    assert (found.refs, found.files, found.rejects, found.refusal) == ((claim.ref,), 1, 1, "")
    assert found.events >= 4
    assert desk.claim(claim.id) == before


def test_an_open_claim_is_refused_with_a_sentence(desk: Desk) -> None:
    claim = desk.add(customer_email=ADDRESS)
    with pytest.raises(store.Impossible, match=rf"Claim {claim.ref} is new: decide and close it before"):
        erased(desk)
    assert desk.claim(claim.id) == claim


def test_a_payout_under_way_is_waited_for(desk: Desk) -> None:
    claim = desk.add(customer_email=ADDRESS)
    desk.decide(claim)
    with pytest.raises(store.Impossible, match="has a payout that is not settled yet"):
        erased(desk)


@pytest.mark.parametrize("person", [ANA, AUD])
def test_only_a_manager_erases(desk: Desk, person: int) -> None:
    claim = lived(desk)
    with pytest.raises(store.Forbidden, match="you cannot erase a customer's data"):
        erased(desk, person)
    assert desk.claim(claim.id) == claim


def test_a_reason_is_needed(desk: Desk) -> None:
    lived(desk)
    with pytest.raises(store.Impossible, match="The reason is missing"):
        erased(desk, reason=" ")


def test_a_double_press_erases_once_and_a_second_time_finds_nothing(desk: Desk) -> None:
    claim = lived(desk)
    same = key()
    first, again = erased(desk, key=same), erased(desk, key=same)
    assert (again.repeated, again.event_id) == (True, first.event_id)
    with pytest.raises(store.Impossible, match="Nothing of this customer is here"):
        erased(desk)
    assert [event.kind for event in store.events(desk.store, claim.id)].count("erased") == 1


def test_a_file_that_another_customers_claim_holds_too_stays_for_that_one(desk: Desk) -> None:
    claim, other = lived(desk), desk.add()
    desk.do(store.attach_evidence, other, evidence=[evidence.read("mine.png", png(7))])
    erased(desk)
    (file,) = store.evidence_of(desk.store, other.id)
    assert store.evidence_file(desk.store, file)
    assert store.evidence_of(desk.store, claim.id)[0].erased
    desk.verified()


@on_sqlite
def test_personal_values_that_come_back_into_an_erased_claim_are_found(desk: Desk) -> None:
    claim = lived(desk)
    erased(desk)
    desk.sql(f"UPDATE claims SET description = 'back again' WHERE id = {claim.id}")  # noqa: S608 - numbers
    assert "description is not what its events say" in store.verify(desk.store).sentence


def test_the_replys_guard_lets_nothing_else_through(desk: Desk) -> None:
    lived(desk)
    with pytest.raises(Exception, match="not rewritten"):
        desk.sql("UPDATE decisions SET reply = 'another'", past_guards=False)


def test_the_journals_events_are_the_same_before_and_after(desk: Desk) -> None:
    claim = lived(desk)
    before = [(event.seq, event.hash) for event in store.events(desk.store, claim.id)]
    erased(desk)
    after = [(event.seq, event.hash) for event in store.events(desk.store, claim.id)]
    assert after[: len(before)] == before
    bodies = desk.number("SELECT group_concat(body) FROM events") if desk.store.path else json.dumps([])
    assert ADDRESS not in bodies


@on_sqlite
def test_the_command_says_what_it_would_do_does_it_and_does_it_again_after_a_backup_was_put_back(
    desk: Desk, tmp_path: Path, capsys
) -> None:
    claim = lived(desk)
    store.rejudge_due(desk.store, desk.at)
    url, path = desk.store.url, tmp_path / "refunds.db"
    desk.store.engine.dispose()
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    backup = path.read_bytes()
    by = ["--actor", "mia@shop.example", "--store", url]

    assert __main__.main(["erase", ADDRESS, "--dry-run", *by]) == 0
    assert f"Would be erased: Claim {claim.ref}" in capsys.readouterr().out
    assert path.read_bytes()[:100] == backup[:100]
    assert __main__.main(["erase", ADDRESS, "--store", url]) == 1
    assert "--actor EMAIL" in capsys.readouterr().err
    assert __main__.main(["erase", ADDRESS, *by]) == 0
    assert "nothing of what was erased is left" in capsys.readouterr().out
    assert traces(tmp_path) == []
    assert __main__.main(["erase", ADDRESS, *by]) == 1
    assert "Nothing of this customer is here" in capsys.readouterr().err

    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    path.write_bytes(backup)
    assert __main__.main(["erase", "--again", *by]) == 0
    assert "1 claims held data that was erased before" in capsys.readouterr().out
    assert traces(tmp_path) == []
    assert __main__.main(["erase", "--again", *by]) == 0
    assert "0 claims held data" in capsys.readouterr().out
    assert __main__.main(["verify", "--store", url]) == 0
