"""The journal is only ever added to, and `verify` names the first thing that was tampered with."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from store_of_tests import ANA, BEN, MIA, VERDICTS, Desk, facts, on_sqlite, open_desk

from refundcore import store
from refundcore.store import chain

pytestmark = on_sqlite


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a store in which some of everything happened: claims 1 to 5, of which 3 and 4 were imported."""
    folder = tmp_path_factory.mktemp("lived")
    opened = open_desk(folder)
    opened.add()
    opened.add(**VERDICTS["deny"])
    opened.load([facts(claim_ref="T-1"), facts(claim_ref="T-2")])
    opened.add()
    opened.do(store.set_facts, 1, changes={"amount": 900, "customer_email": "new@example.com"})
    opened.decide(1, "approve", reply="Dear customer")
    opened.decide(2, "approve", ANA, reason="promised")
    opened.decide(5, "deny", MIA, reason="withdrawn")
    opened.do(store.note, 5, BEN, text="a note")
    opened.verified()
    opened.store.engine.dispose()
    return folder


@pytest.fixture
def desk(lived_in: Path, tmp_path: Path) -> Iterator[Desk]:
    """A copy of that store."""
    for path in lived_in.iterdir():
        shutil.copy(path, tmp_path)
    opened = open_desk(tmp_path)
    yield opened
    opened.store.engine.dispose()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET kind = 'noted' WHERE id = 1",
        "UPDATE events SET private = '{}' WHERE id = 1",
        "UPDATE events SET private = NULL, at = 0 WHERE id = 1",
        "DELETE FROM events WHERE id = 1",
        "DELETE FROM events",
        "INSERT OR REPLACE INTO events SELECT * FROM events WHERE id = 1",
        "REPLACE INTO events SELECT 99, claim_id, seq, at, 2, kind, body, private, prev_hash, hash FROM events",
        "INSERT INTO events SELECT 1, 1, 99, at, 2, kind, body, private, prev_hash, hash FROM events WHERE id = 1",
        "UPDATE heads SET at = 0",
        "DELETE FROM heads WHERE id = 2",
        "REPLACE INTO heads SELECT * FROM heads WHERE id = 1",
        "DELETE FROM claims WHERE id = 1",
        "UPDATE decisions SET refund = 1",
        "UPDATE decisions SET reason = 'another'",
        "DELETE FROM decisions",
        "UPDATE imports SET status = 'removing'",
        "UPDATE imports SET created = 3, rejected = 0",
        "DELETE FROM imports",
        "UPDATE claims SET import_id = 99",
        "UPDATE decisions SET approver_id = person_id",
    ],
)
def test_the_database_itself_refuses_to_rewrite_what_happened(desk: Desk, statement: str) -> None:
    with pytest.raises(Exception, match=r"only ever added|never removed|not rewritten|constraint failed"):
        desk.sql(statement, past_guards=False)
    desk.verified()


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("UPDATE events SET body = replace(body, '900', '901') WHERE kind = 'facts_set'", "event 2 was changed"),
        ("UPDATE events SET at = at + 1 WHERE id = 3", "event 1 was changed"),
        ("UPDATE events SET person_id = 2 WHERE id = 1", "event 1 was changed"),
        ("UPDATE events SET kind = 'noted' WHERE id = 1", "event 1 was changed"),
        ("UPDATE events SET private = replace(private, 'new@', 'old@') WHERE kind = 'facts_set'", "personal value"),
        ("DELETE FROM events WHERE id = 6", "Events 6 to 6 are not those"),
        ("DELETE FROM events WHERE id = (SELECT max(id) FROM events)", "Events 10 to 10 are not those"),
        ("UPDATE events SET hash = 'x' WHERE id = 2", "Events 2 to 2 are not those"),
        ("UPDATE events SET prev_hash = 'x' WHERE id = 6", "does not follow the one before"),
        (
            "INSERT INTO events SELECT 99, 5, 4, at, 2, kind, body, private, hash, hash FROM events WHERE id = 10",
            "Event 99 is not in the journal",
        ),
        ("DELETE FROM heads WHERE id = 3", "Entry 3 of the journal is missing"),
        ("DELETE FROM heads WHERE id = (SELECT max(id) FROM heads)", "Event 10 is not in the journal"),
        ("UPDATE heads SET at = at + 1 WHERE id = 3", "Entry 3 of the journal was changed"),
        ("UPDATE heads SET body = '{}' WHERE import_id = 1", "of the journal was changed"),
        ("UPDATE heads SET prev_hash = 'x' WHERE id = 3", "Entry 3 of the journal does not follow"),
        ("UPDATE claims SET amount = 901 WHERE id = 1", "amount is not what its events say"),
        ("UPDATE claims SET description = 'x' WHERE id = 1", "description is not what its events say"),
        ("UPDATE claims SET chargeback_open = 0 WHERE id = 3", "chargeback_open is not what its events say"),
        ("UPDATE claims SET outcome = 'denied' WHERE id = 1", "outcome is not what its events say"),
        ("UPDATE claims SET state = 'new' WHERE id = 1", "state is not what its events say"),
        ("UPDATE claims SET assignee_id = 2 WHERE id = 1", "assignee_id is not what its events say"),
        ("UPDATE claims SET ref = 'other' WHERE id = 3", "Claim other: ref is not what its events say"),
        ("UPDATE claims SET version = 9 WHERE id = 3", "is at version 9, but has 1 events"),
        ("UPDATE claims SET queue_at = NULL WHERE id = 3", "is open, but does not stand in the queue"),
        ("UPDATE claims SET queue_at = queue_at + 1 WHERE id = 3", "is open, but does not stand in the queue"),
        ("UPDATE claims SET queue_at = act_by WHERE id = 1", "is decided, but still stands in the queue"),
        ("UPDATE claims SET email_key = 'x' WHERE id = 3", "is not found by its customer's address"),
        ("UPDATE decisions SET refund = 901 WHERE claim_id = 1", "decision 1 is not what its event says"),
        ("UPDATE decisions SET status = 'rejected' WHERE claim_id = 1", "no decision says so"),
        ("UPDATE decisions SET status = 'rejected' WHERE claim_id = 2", "no decision says so"),
        ("UPDATE decisions SET claim_id = 3, status = 'rejected' WHERE claim_id = 1", "is not what its event says"),
        ("DELETE FROM decisions WHERE claim_id = 2", "There are 2 decisions, but the events tell of 3"),
        ("UPDATE imports SET created = 1, rejected = 1", "counted 1 rows as created, but 2 are here"),
        ("UPDATE imports SET filename = 'x', unchanged = 5, \"rows\" = 7", "not the one that was sealed"),
        ("UPDATE imports SET status = 'removed'", "was taken back, but some of it is here"),
        ("UPDATE claims SET import_id = NULL WHERE id = 3", "counted 2 rows as created, but 1 are here"),
    ],
)
def test_verify_finds_what_was_tampered_with_and_names_it(desk: Desk, statement: str, sentence: str) -> None:
    desk.sql(statement)
    found = store.verify(desk.store)
    assert not found.good
    assert sentence in found.sentence


def test_verify_finds_a_claim_that_was_taken_out_with_all_its_events(desk: Desk) -> None:
    desk.sql("DELETE FROM events WHERE claim_id = 4")
    desk.sql("DELETE FROM claims WHERE id = 4")
    assert "Events 3 to 4 are not those" in store.verify(desk.store).sentence


def test_verify_finds_a_claim_without_events_and_events_without_a_claim(desk: Desk) -> None:
    with desk.store.engine.connect() as connection:
        connection.connection.driver_connection.execute("PRAGMA foreign_keys = OFF")
        connection.connection.driver_connection.execute("DROP TRIGGER claims_no_delete")
        connection.exec_driver_sql("DELETE FROM claims WHERE id = 4")
        connection.commit()
    assert "refers to a row of claims that is not there" in store.verify(desk.store).sentence


def test_a_personal_value_that_is_gone_without_an_erasure_is_named_and_the_chain_still_holds(desk: Desk) -> None:
    kept = json.loads(desk.number("SELECT body FROM events WHERE id = 1"))["facts"]
    assert kept["customer_email"].startswith("#")
    assert "@" not in desk.number("SELECT group_concat(body) FROM events")
    desk.sql("UPDATE events SET private = NULL WHERE claim_id = 1", past_guards=False)
    desk.sql("UPDATE claims SET customer_email = NULL, email_key = NULL, description = NULL WHERE id = 1")
    found = store.verify(desk.store)
    assert "a personal value of event 1 is gone, but no event says that it was erased" in found.sentence
    assert store.events(desk.store, 1)[0].body["facts"]["customer_email"] == "(erased)"


def test_equal_values_have_different_commitments() -> None:
    one, other = (chain.commitment(salt, "customer_email", "a@b.example") for salt in ("1", "2"))
    assert one != other


def test_a_byte_changed_in_the_file_is_found(desk: Desk, tmp_path: Path) -> None:
    desk.store.engine.dispose()
    path = tmp_path / "refunds.db"
    content = bytearray(path.read_bytes())
    place = content.index(b"new@example.com")
    content[place] ^= 1
    path.write_bytes(bytes(content))
    again = open_desk(tmp_path)
    assert not store.verify(again.store).good
    again.store.engine.dispose()
