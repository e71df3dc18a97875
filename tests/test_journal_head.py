"""The journal's head, kept elsewhere: a cut end and a rewritten past are noticed. Verdicts are judged afresh."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from store_of_tests import AT, VERDICTS, Desk, on_sqlite, open_desk

from refundcore import __main__, store
from refundcore.deadlines import micros
from refundcore.store import figure_keeping
from refundcore.store.chain import GENESIS
from refundcore.store.journal_head import Head, compare_heads, heads_in, journal_head

pytestmark = on_sqlite


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = open_desk(tmp_path)
    opened.add()
    opened.add(**VERDICTS["deny"])
    yield opened
    opened.store.engine.dispose()


def cut(desk: Desk, entries: int) -> None:
    """Take the last entries out of the journal and out of the store, so that what is left is whole."""
    for _ in range(entries):
        first = desk.number("SELECT first_event FROM heads ORDER BY id DESC LIMIT 1")
        claim = desk.number(f"SELECT claim_id FROM events WHERE id = {first} AND kind = 'created'")  # noqa: S608 - numbers
        desk.sql(f"DELETE FROM receipts WHERE event_id >= {first}")  # noqa: S608 - numbers
        desk.sql(f"DELETE FROM events WHERE id >= {first}")  # noqa: S608 - numbers
        desk.sql(f"DELETE FROM claims WHERE id = {claim}")  # noqa: S608 - numbers
        desk.sql("DELETE FROM heads WHERE id = (SELECT max(id) FROM heads)")
    figure_keeping.rebuild(desk.store, micros(AT))


def test_a_head_is_one_line_that_reads_back(desk: Desk) -> None:
    head = journal_head(desk.store)
    assert re.fullmatch(r"2 [0-9a-f]{64} 2026-05-12T09:00:00Z", str(head))
    assert heads_in(str(head)) == [head]


def test_an_empty_journal_has_a_head_too(tmp_path: Path) -> None:
    opened = open_desk(tmp_path)
    assert journal_head(opened.store) == Head(0, GENESIS)
    assert compare_heads(opened.store, [Head(0, GENESIS)]) == ""
    opened.store.engine.dispose()


def test_earlier_heads_are_found_in_a_journal_that_went_on(desk: Desk) -> None:
    earlier = journal_head(desk.store)
    desk.add()
    assert compare_heads(desk.store, [earlier, journal_head(desk.store)]) == ""


@pytest.mark.parametrize("entries", [1, 2])
def test_a_cut_end_is_noticed_though_what_is_left_is_whole(desk: Desk, entries: int) -> None:
    desk.add()
    head = journal_head(desk.store)
    cut(desk, entries)

    desk.verified()
    assert f"ends with entry {3 - entries}, but had 3 entries on 2026-05-12T09:00:00Z" in compare_heads(
        desk.store, [head]
    )


def test_a_tail_that_was_rewritten_is_noticed_and_the_oldest_entry_named(desk: Desk) -> None:
    earlier = [journal_head(desk.store)]
    desk.add()
    earlier.append(journal_head(desk.store))
    cut(desk, 2)
    desk.add(amount=9999)
    desk.add()
    desk.add()

    desk.verified()
    assert "Entry 2 of the journal is not the one that was there" in compare_heads(desk.store, earlier)


@pytest.mark.parametrize("text", ["", "\n", "hello", "12 abc", "x " + "0" * 64])
def test_what_is_no_head_is_said_so(text: str) -> None:
    with pytest.raises(store.StoreError, match="no head of a journal"):
        heads_in(text)


def test_the_commands_print_a_head_and_compare_with_it(desk: Desk, tmp_path: Path, capsys) -> None:
    url = desk.store.url
    assert __main__.main(["journal", "head", "--store", url]) == 0
    printed = capsys.readouterr().out
    kept = tmp_path / "heads.txt"
    kept.write_text(printed)
    assert __main__.main(["verify", "--store", url, "--head", str(kept)]) == 0
    assert __main__.main(["verify", "--store", url, "--head", printed]) == 0
    assert "1 earlier head is in the journal" in capsys.readouterr().out

    cut(desk, 1)
    assert __main__.main(["verify", "--store", url]) == 0
    assert __main__.main(["verify", "--store", url, "--head", str(kept)]) == 1
    assert "its end was cut off" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("verdict = 'deny'", "its verdict is kept as deny, but the policy says approve"),
        ("refund = 1", "its refund is kept as 1, but the policy says 1250"),
        ("clause = 'C1'", "its clause is kept as C1"),
        ("missing = 'amount'", "its missing is kept as amount, but the policy says nothing"),
    ],
)
def test_a_verdict_that_is_not_the_policys_is_found(desk: Desk, change: str, sentence: str) -> None:
    store.rejudge_due(desk.store, AT)
    good = store.verify(desk.store, at=AT)
    assert "2 open claims were judged afresh" in good.sentence
    desk.sql(f"UPDATE claims SET {change} WHERE id = 1")  # noqa: S608 - numbers
    found = store.verify(desk.store, at=AT)
    assert not found.good
    assert "Claim RC-000001: its" in found.sentence
    assert sentence in found.sentence


def test_claims_whose_time_has_passed_are_judged_as_of_when_their_verdict_held(desk: Desk) -> None:
    desk.add(reason="major_defect", defect_notified_at=desk.claim(1).facts["submitted_at"])
    desk.add(sms_code_received=None)
    store.rejudge_due(desk.store, AT)
    for days in (0, 1, 3, 30, 400):
        found = store.verify(desk.store, at=AT + timedelta(days=days))
        assert found.good, found.sentence


def test_under_a_policy_that_changed_since_nothing_is_compared(desk: Desk) -> None:
    store.rejudge_due(desk.store, AT)
    desk.sql("UPDATE settings SET value = 'another' WHERE name = 'judged_under'")
    desk.sql("UPDATE claims SET clause = 'C1' WHERE id = 1")
    assert store.verify(desk.store, at=AT).good
