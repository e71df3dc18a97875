"""Messages in the store: a claim or a note each, exactly once, and gone with an import that is taken back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from store_of_tests import ANA, BEN, MIA, Desk, facts, open_desk

from refundcore import store
from refundcore.store import Balance, Mailed
from refundcore.store.erasing import erase
from refundcore.store.messages import attachments_folder


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = open_desk(tmp_path)
    yield opened
    opened.store.engine.dispose()


def claim(key: str, line: int = 1, **others: Any) -> Mailed:
    """A message that becomes a claim of which neither order nor amount are known."""
    known = facts(order_ref=None, amount=None, currency=None, channel="email") | others
    return Mailed(key, line, [key], "claim", f"found in {key}", known)


def answer(key: str, *answers: str, line: int = 1) -> Mailed:
    return Mailed(key, line, [key], "note", f"says {key}", answers=answers)


def brought(desk: Desk, *messages: Mailed, person: int = ANA, name: str = "inbox.mbox") -> Balance:
    number = store.begin_import(
        desk.store, actor=person, at=desk.at, filename=name, sha256=name, header=["Message"], mapping={}
    )
    store.import_messages(desk.store, number, actor=person, at=desk.at, messages=messages)
    return store.finish_import(desk.store, number, actor=person, at=desk.at)


def refs(desk: Desk) -> list[str]:
    found = store.queue(desk.store, store.Filter(state="all"), person=ANA, at=desk.at)
    return sorted(row.ref for row in found.rows)


def test_each_message_becomes_a_claim_even_where_nothing_tells_them_apart(desk: Desk) -> None:
    same = {"customer_email": "a@example.com", "submitted_at": None, "reason": None}
    assert brought(desk, claim("m1", 1, **same), claim("m2", 2, **same)) == Balance(2, created=2)
    assert refs(desk) == ["RC-000001", "RC-000002"]
    assert store.verify(desk.store).good


def test_the_same_messages_again_by_anybody_change_nothing(desk: Desk) -> None:
    brought(desk, claim("m1"), answer("m2", "m1", line=2))
    again = brought(desk, claim("m1", description="otherwise"), answer("m2", "m1", line=2), person=BEN)

    assert again == Balance(2, unchanged=2)
    assert len(refs(desk)) == 1
    assert len(store.events(desk.store, 1)) == 2


def test_the_same_message_twice_in_a_file_is_a_duplicate(desk: Desk) -> None:
    assert brought(desk, claim("m1", 1), claim("m1", 2)) == Balance(2, created=1, duplicates=1)


def test_an_answer_becomes_a_note_wherever_its_claim_comes_from(desk: Desk) -> None:
    first = brought(desk, answer("m2", "m1", line=1), claim("m1", 2))
    later = brought(desk, answer("m3", "unknown", "m2"))

    assert (first, later) == (Balance(2, created=1, updated=1), Balance(1, updated=1))
    said = [event.body["text"] for event in store.events(desk.store, 1) if event.kind == "noted"]
    assert said == ["says m2", "says m3"]
    assert {known.claim for known in store.known_messages(desk.store, ["m1", "m2", "m3", "m4"]).values()} == {1}


def test_an_answer_to_nothing_known_is_left_out_and_said(desk: Desk) -> None:
    assert brought(desk, answer("m2", "m1")) == Balance(1, rejected=1)
    assert store.rejects(desk.store, 1)[0].why == "It answers a message whose claim is not here."
    assert store.known_messages(desk.store, ["m2"]) == {}


def test_what_is_no_claim_is_left_out_with_why(desk: Desk) -> None:
    assert brought(desk, Mailed("m1", 7, ["x"], "nothing", "It is an automatic answer.")) == Balance(1, rejected=1)
    assert store.rejects(desk.store, 1)[0].line == 7


def test_an_import_that_is_taken_back_forgets_its_messages(desk: Desk) -> None:
    number = store.begin_import(
        desk.store, actor=ANA, at=desk.at, filename="a.eml", sha256="a", header=["Message"], mapping={}
    )
    store.import_messages(desk.store, number, actor=ANA, at=desk.at, messages=[claim("m1")])
    assert store.known_messages(desk.store, ["m1"]) == {}, "nobody sees it before the import is finished"
    store.cancel_import(desk.store, number, actor=ANA, at=desk.at)

    assert brought(desk, claim("m1")) == Balance(1, created=1)
    assert store.verify(desk.store).good


def test_an_import_of_mail_can_be_taken_back_and_brought_again(desk: Desk) -> None:
    brought(desk, claim("m1"))
    store.undo_import(desk.store, 1, actor=MIA, at=desk.at)
    assert refs(desk) == []

    assert brought(desk, claim("m1")) == Balance(1, created=1)
    assert store.verify(desk.store).good


def test_a_claim_that_is_here_by_another_way_is_met_by_its_message(desk: Desk) -> None:
    known = facts()
    store.add_claim(desk.store, actor=ANA, at=desk.at, key="by hand", facts=known)

    assert brought(desk, Mailed("m1", 1, ["m1"], "claim", "", known)) == Balance(1, unchanged=1)
    assert store.known_messages(desk.store, ["m1"])["m1"].claim == 1


def test_where_the_facts_were_found_and_what_came_with_a_message_is_kept(desk: Desk) -> None:
    file = {"name": "a.png", "kind": "image/png", "size": 3, "sha256": "00"}
    brought(desk, Mailed("m1", 1, ["m1"], "claim", "order: line 2", facts(), attachments=[file]))

    assert [(one.text, one.attachments) for one in store.messages_of(desk.store, 1)] == [
        ("order: line 2", ({**file, "attached": False},))
    ]


def test_erasing_a_customer_takes_what_came_with_their_messages(desk: Desk) -> None:
    folder = attachments_folder(desk.store)
    folder.mkdir()
    for name in ("mine", "theirs"):
        (folder / name).write_bytes(b"content")
    files = {name: {"name": "a.png", "kind": "image/png", "size": 7, "sha256": name} for name in ("mine", "theirs")}
    mine = Mailed(
        "m1", 1, ["m1"], "claim", "found here", facts(customer_email="q@example.com"), attachments=[files["mine"]]
    )
    brought(desk, mine, Mailed("m2", 2, ["m2"], "claim", "", facts(), attachments=[files["theirs"]]))
    desk.decide(desk.claim(1), "deny", MIA, reason="r")

    erase(desk.store, actor=MIA, at=desk.at, key="erase", reason="Asked for by letter", email="q@example.com")

    assert [path.name for path in folder.iterdir()] == ["theirs"]
    (kept,) = store.messages_of(desk.store, 1)
    assert (kept.attachments, "found" in kept.text) == ((), False)
    assert brought(desk, mine) == Balance(1, unchanged=1), "what was erased does not come back with its mailbox"
    assert store.verify(desk.store).good
