"""A full disk, a file that is read-only, locked or damaged, a wrong clock: a sentence, nothing half, and on it goes.

Each act is tried while the cause is there and again when it is gone.
"""

from __future__ import annotations

import os
import re
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from evidence_of_tests import png
from store_of_tests import ANA, AT, MIA, Desk, batch, facts, key, on_sqlite, open_desk

from refundcore import accounts, evidence, store
from refundcore.evidence import EvidenceError
from refundcore.store import StoreError, sqlite
from refundcore.store.backing_up import back_up

pytestmark = on_sqlite
SHOT = evidence.read("shot.png", png(1))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = open_desk(tmp_path)
    opened.load([facts(claim_ref=f"T-{number}") for number in range(10)])
    opened.decide(2)
    yield opened
    opened.store.engine.dispose()


def load(desk: Desk) -> Any:
    rows = [facts(claim_ref=f"N-{number}", description="word " * 200) for number in range(400)]
    number = desk.begin(sha256="9" * 64)
    store.import_batch(desk.store, number, actor=ANA, at=AT, **batch(rows))
    return store.finish_import(desk.store, number, actor=ANA, at=AT)


def pay(desk: Desk) -> Any:
    due = [payout.id for payout in store.payouts_in(desk.store, "queued")]
    return store.make_batch(desk.store, actor=MIA, at=AT, key=key(), payouts=due)


ACTS: dict[str, Callable[[Desk], Any]] = {
    "add": lambda desk: desk.add(description="word " * 3_000),
    "decision": lambda desk: desk.decide(1),
    "note": lambda desk: desk.do(store.note, 1, text="word " * 3_000),
    "import": load,
    "payout": pay,
    "evidence": lambda desk: desk.do(store.attach_evidence, 1, evidence=[SHOT]),
    "role": lambda desk: accounts.set_role(desk.store, actor=MIA, number=ANA, role="manager", at=AT),
    "setting": lambda desk: store.set_setting(desk.store, actor=MIA, at=AT, name="answer_hours", value=12),
}


def before_each(desk: Desk, statement: str) -> Callable[[], None]:
    """Have each transaction begin with a statement; what ends that."""

    def run(connection: sa.Connection) -> None:
        connection.exec_driver_sql(statement)

    sa.event.listen(desk.store.engine, "begin", run)
    return lambda: sa.event.remove(desk.store.engine, "begin", run)


@contextmanager
def full(desk: Desk) -> Iterator[str]:
    with desk.store.read() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    undo = before_each(desk, f"PRAGMA max_page_count={pages}")
    yield "The disk is full, so nothing was saved"
    undo()
    undo = before_each(desk, "PRAGMA max_page_count=4294967294")
    desk.claim(1)
    desk.store.engine.dispose()
    undo()


@contextmanager
def readonly(desk: Desk) -> Iterator[str]:
    undo = before_each(desk, "PRAGMA query_only=1")
    yield "The store's file cannot be written"
    undo()
    desk.store.engine.dispose()


@contextmanager
def locked(desk: Desk) -> Iterator[str]:
    library = sqlite.library()
    other = library.connect(str(desk.store.path), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield "The store was busy for too long"
    other.execute("ROLLBACK")
    other.close()


@contextmanager
def clock_back(desk: Desk) -> Iterator[str]:
    desk.at = AT
    desk.store.keeps_time = True
    for number in (9, 10):
        desk.do(store.note, number, text="later", at=AT + timedelta(days=2))
    yield "clock stands at 2026-05-12 09:00 UTC, but the journal's last entry was made on 2026-05-14 09:00 UTC"
    desk.sql("DELETE FROM sessions")


CAUSES = {"full": full, "readonly": readonly, "locked": locked}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("cause", CAUSES)
def test_what_cannot_be_saved_is_told_nothing_half_is_there_and_afterwards_it_works(
    desk: Desk, cause: str, act: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("refundcore.store.store.LONGEST_WAIT", 0.2)
    state = "SELECT group_concat(version || state || coalesce(assignee_id, '')) FROM claims"
    before = desk.number(state), desk.number("SELECT count(*) FROM events")
    with CAUSES[cause](desk) as sentence:
        try:
            ACTS[act](desk)
        except StoreError as problem:
            assert sentence in str(problem)  # noqa: PT017 - a small act may still fit on a full disk
            assert (desk.number(state), desk.number("SELECT count(*) FROM events")) == before or act == "import"
        else:
            assert (cause, act) in SMALL
        assert store.verify(desk.store).good
    store.resume_or_remove(desk.store, AT + timedelta(hours=1))
    if (cause, act) not in SMALL:
        ACTS[act](desk)
    desk.verified()


SMALL = {("full", act) for act in ("decision", "payout", "evidence", "role", "setting")}
"""What may still fit into the pages that are there."""


@pytest.mark.parametrize("act", [act for act in ACTS if act != "import"])
def test_with_the_clock_set_back_nothing_is_written_and_with_the_clock_right_it_is(desk: Desk, act: str) -> None:
    with (
        clock_back(desk) as sentence,
        pytest.raises(StoreError, match=r"nothing was saved\. Set the clock right") as told,
    ):
        ACTS[act](desk)
    assert sentence in str(told.value)
    desk.verified()
    opened = store.note(
        desk.store, actor=ANA, at=AT + timedelta(days=2), key=key(), claim=1, version=1, text="right again"
    )
    assert opened.version == 2
    desk.verified()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="The limit is set in a process of its own.")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("act", [*ACTS, "backup"])
def test_a_file_that_may_not_grow_at_the_system_is_a_sentence_too(desk: Desk, tmp_path: Path, act: str) -> None:
    """The system's own limit of a file's size, so that the journal beside the file cannot grow either."""
    desk.store.engine.dispose()
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover - in the child
        said = "problem"
        try:
            again = open_desk(tmp_path)
            resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048))
            (ACTS | {"backup": lambda desk: back_up(desk.store, at=AT)})[act](again)
            said = "done"
        except (StoreError, EvidenceError) as problem:
            said = f"told {problem}"
        except BaseException as problem:  # noqa: BLE001 - told to the parent
            said = f"problem {problem!r}"
        os.write(theirs, said.encode())
        os._exit(0)
    os.close(theirs)
    said = b""
    while part := os.read(ours, 1000):
        said += part
    os.close(ours)
    os.waitpid(child, 0)
    assert re.match(rb"told (The disk|shot.png could not be kept: File too large. Nothing was saved)", said), said
    again = open_desk(tmp_path)
    again.verified()
    ACTS.get(act, lambda desk: back_up(desk.store, at=AT))(again)
    again.verified()
    again.store.engine.dispose()


def _note_all(desk: Desk) -> None:
    for number in range(1, 11):
        desk.do(store.note, number, text="x")


def test_a_file_that_is_damaged_while_the_desk_runs_is_told_and_a_backup_puts_it_right(
    desk: Desk, tmp_path: Path
) -> None:
    from refundcore.store.restoring import restore

    copy = back_up(desk.store, at=AT)
    desk.store.engine.dispose()  # the last to leave empties the journal into the file
    path = tmp_path / "refunds.db"
    with path.open("r+b") as file:
        file.seek(4096 * 3)
        file.write(b"\xa5" * 4096 * 40)
    with pytest.raises(StoreError, match="damaged"):
        _note_all(desk)
    with pytest.raises(StoreError, match="damaged"):
        open_desk(tmp_path)
    desk.store.engine.dispose()
    done = restore(copy, path, at=AT + timedelta(hours=1))
    assert done.before is not None
    assert (done.before / "refunds.db").read_bytes()[4096 * 3 : 4096 * 4] == b"\xa5" * 4096
    again = open_desk(tmp_path)
    again.verified()
    assert again.do(store.note, 1, text="x").version == 2
    again.store.engine.dispose()
