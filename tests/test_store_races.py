"""Several processes at once, and processes that are killed: nothing happens twice, nothing half, nothing is lost."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from store_of_tests import ANA, AT, BEN, MIA, POLICY, Desk, batch, facts, open_desk

from refundcore import store
from refundcore.store import Impossible, Refused, importing, sqlite

KILLS = 7
"""Of each kind; each takes some tenths of a second."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not hasattr(os, "fork"), reason="Processes are started by fork here, which this system has not."
    ),
    # The parent holds no threads but pytest's own, and its store is closed before it forks.
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]

_fork = multiprocessing.get_context("fork")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a store with 50 claims that are approved, open, and of different orders."""
    desk = open_desk(tmp_path)
    desk.load([facts(claim_ref=f"T-{number}") for number in range(50)])
    desk.store.engine.dispose()
    return tmp_path


def _child(work: Callable[[Desk, Connection], None], folder: Path, pipe: Connection) -> None:
    desk = open_desk(folder)
    work(desk, pipe)
    pipe.send("end")
    os._exit(0)


def _start(work: Callable[[Desk, Connection], None], folder: Path) -> tuple[Any, Connection]:
    ours, theirs = _fork.Pipe()
    process = _fork.Process(target=_child, args=(work, folder, theirs))
    process.start()
    theirs.close()
    return process, ours


def _said(pipe: Connection) -> list[Any]:
    """Everything a process said before its end."""
    found = []
    try:
        while (word := pipe.recv()) != "end":
            found.append(word)
    except EOFError:
        pass
    return found


@pytest.fixture(params=["the library's journal", "the slower journal"])
def _journal(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "the slower journal":
        monkeypatch.setattr(sqlite, "wal_is_safe", lambda _: False)


@pytest.mark.usefixtures("_journal")
def test_eight_processes_decide_the_same_claims_each_exactly_once(folder: Path) -> None:
    def work(number: int) -> Callable[[Desk, Connection], None]:
        def decide_all(desk: Desk, pipe: Connection) -> None:
            claims = list(range(1, 51))
            random.Random(number).shuffle(claims)  # noqa: S311 - an order, no secret
            for claim in claims:
                try:
                    store.decide(
                        desk.store,
                        actor=(ANA, BEN, MIA)[number % 3],
                        at=AT,
                        key=f"{number}-{claim}",
                        claim=claim,
                        version=1,
                        outcome="approve",
                    )
                except Refused as refusal:
                    pipe.send(("refused", claim, str(refusal)))
                else:
                    pipe.send(("won", claim, ""))

        return decide_all

    started = [_start(work(number), folder) for number in range(8)]
    said = [word for _, pipe in started for word in _said(pipe)]
    for process, _ in started:
        process.join()
    assert Counter(claim for kind, claim, _ in said if kind == "won") == dict.fromkeys(range(1, 51), 1)
    refusals = [why for kind, _, why in said if kind == "refused"]
    assert len(refusals) == 350
    assert all("approved this claim at 09:00 UTC; reload to see it." in why for why in refusals)
    desk = open_desk(folder)
    assert desk.number("SELECT count(*) FROM decisions") == 50
    desk.verified()
    desk.store.engine.dispose()


def test_processes_that_start_at_once_make_one_store(tmp_path: Path) -> None:
    def start(folder: Path, pipe: Connection) -> None:
        try:
            opened = store.connect(f"sqlite:///{folder / 'new' / 'refunds.db'}", at=AT, policy=POLICY)
            found = store.verify(opened)
            pipe.send(found.sentence if found.good else f"wrong: {found.sentence}")
        except store.StoreError as refusal:
            pipe.send(f"refused: {refusal}")
        os._exit(0)

    started = []
    for _ in range(6):
        ours, theirs = _fork.Pipe()
        process = _fork.Process(target=start, args=(tmp_path, theirs))
        process.start()
        theirs.close()
        started.append((process, ours))
    said = {word for _, pipe in started for word in _said(pipe)}
    for process, _ in started:
        process.join()
    assert len(said) == 1
    assert said.pop().startswith("0 claims agree")


def test_a_first_start_that_was_cut_off_anywhere_is_made_good_by_the_next(tmp_path: Path) -> None:
    path, point, survived = tmp_path / "refunds.db", 0, False

    def start(_folder: Path, pipe: Connection) -> None:
        left = iter(range(1, 10_000))

        def count(*_: object) -> None:
            if next(left) == point:
                os.kill(os.getpid(), signal.SIGKILL)

        sa.event.listen(sa.Engine, "before_cursor_execute", count)
        store.connect(f"sqlite:///{path}", at=AT, policy=POLICY)
        pipe.send("made")
        os._exit(0)

    while not survived:
        point += 12 if point else 1
        for old in tmp_path.iterdir():
            old.unlink()
        ours, theirs = _fork.Pipe()
        process = _fork.Process(target=start, args=(tmp_path, theirs))
        process.start()
        theirs.close()
        survived = bool(_said(ours))
        process.join()
        opened = store.connect(f"sqlite:///{path}", at=AT, policy=POLICY)
        assert store.verify(opened).good
        opened.engine.dispose()
    assert point > 30


def test_processes_that_take_the_next_claim_never_take_the_same(folder: Path) -> None:
    def work(number: int) -> Callable[[Desk, Connection], None]:
        def take(desk: Desk, pipe: Connection) -> None:
            turn = 0
            while receipt := store.take_next(desk.store, actor=(ANA, BEN)[number % 2], at=AT, key=f"{number}-{turn}"):
                turn += 1
                pipe.send(receipt.claim)

        return take

    started = [_start(work(number), folder) for number in range(4)]
    taken = [claim for _, pipe in started for claim in _said(pipe)]
    for process, _ in started:
        process.join()
    assert sorted(taken) == list(range(1, 51))


def test_one_file_sent_by_four_processes_at_once_is_imported_once(folder: Path) -> None:
    rows = [facts(claim_ref=f"N-{number}") for number in range(200)]

    def send(desk: Desk, pipe: Connection) -> None:
        try:
            pipe.send(desk.load(rows))
        except Impossible as refusal:
            pipe.send(str(refusal))

    started = [_start(send, folder) for _ in range(4)]
    said = [word for _, pipe in started for word in _said(pipe)]
    for process, _ in started:
        process.join()
    created = sum(word.created for word in said if isinstance(word, store.Balance))
    assert created == 200
    assert all("importing this very file" in word for word in said if isinstance(word, str))
    desk = open_desk(folder)
    desk.verified()
    desk.store.engine.dispose()


@pytest.fixture
def moments() -> random.Random:
    """When to kill: other moments at each run, told by their seed where a test fails."""
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")  # noqa: T201 - pytest shows it for a test that fails
    return random.Random(seed)  # noqa: S311 - moments, no secrets


def _kill_after(process: Any, pipe: Connection, moment: float) -> list[Any]:
    time.sleep(moment)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    return _said(pipe)


@pytest.mark.usefixtures("_journal")
def test_a_decision_that_was_told_survives_a_kill_and_none_is_half_made(folder: Path, moments: random.Random) -> None:
    told: set[int] = set()
    for kill in range(KILLS):

        def decide_all(desk: Desk, pipe: Connection, kill: int = kill) -> None:
            for claim in range(1, 51):
                now = desk.claim(claim)
                act, more = (
                    (store.decide, {"outcome": "approve"})
                    if now.state == "new"
                    else (store.reopen, {"reason": "again"})
                )
                receipt = act(  # type: ignore[operator]
                    desk.store, actor=ANA, at=AT, key=f"{kill}-{claim}", claim=claim, version=now.version, **more
                )
                pipe.send((claim, receipt.version, receipt.event_id))

        process, pipe = _start(decide_all, folder)
        said = [pipe.recv(), *_kill_after(process, pipe, moments.uniform(0.0, 0.25))]
        desk = open_desk(folder)
        desk.verified()
        for claim, version, event in said:
            told.add(event)
            assert desk.claim(claim).version >= version
        desk.store.engine.dispose()
    desk = open_desk(folder)
    with desk.store.read() as connection:
        kept = set(connection.exec_driver_sql("SELECT id FROM events").scalars())
    assert told <= kept
    assert len(told) >= KILLS
    desk.store.engine.dispose()


@pytest.mark.usefixtures("_journal")
def test_an_import_that_was_killed_leaves_nothing_or_everything(
    folder: Path, moments: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "TOGETHER", 40)
    monkeypatch.setattr(importing, "UPDATED_TOGETHER", 7)
    finished = 0
    for kill in range(KILLS):
        rows = [facts(claim_ref=f"K{kill}-{number}") for number in range(160)]
        rows += [facts(claim_ref=f"T-{number}", amount=2000 + kill) for number in range(30)]

        def send(desk: Desk, pipe: Connection, kill: int = kill, rows: list[dict[str, Any]] = rows) -> None:
            prepared = batch(rows)
            pipe.send("ready")
            number = desk.begin(update=True, sha256=str(kill))
            store.import_batch(desk.store, number, actor=ANA, at=AT, **prepared)
            store.finish_import(desk.store, number, actor=ANA, at=AT)
            pipe.send("finished")

        process, pipe = _start(send, folder)
        assert pipe.recv() == "ready"
        said = _kill_after(process, pipe, moments.uniform(0.02, 0.3))
        desk = open_desk(folder)
        desk.verified()
        store.resume_or_remove(desk.store, AT)
        desk.verified()
        created = len(desk.queue(text=f"K{kill}-"))
        assert created in ({160} if said else {0, 160})
        finished += created == 160
        updated = desk.number(f"SELECT count(*) FROM claims WHERE amount = {2000 + kill} AND import_id = 1")  # noqa: S608
        assert updated == (30 if created else 0)
        assert desk.number("SELECT count(*) FROM imports WHERE status NOT IN ('finished', 'removed')") == 0
        again = desk.load(rows, update=True, sha256=str(kill))
        assert again.created == 160 - created
        desk.verified()
        desk.store.engine.dispose()


@pytest.mark.parametrize("side", ["before", "after"])
def test_an_import_killed_at_each_of_its_transactions_is_whole_or_gone(
    folder: Path, side: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "TOGETHER", 20)
    monkeypatch.setattr(importing, "UPDATED_TOGETHER", 10)
    point, survived = 0, False
    while not survived:
        point += 1
        rows = [facts(claim_ref=f"P{point}-{number}") for number in range(30)]
        rows += [facts(claim_ref=f"T-{number}", amount=3000 + point) for number in range(15)]

        def send(desk: Desk, pipe: Connection, point: int = point, rows: list[dict[str, Any]] = rows) -> None:
            real, left = sa.Connection.commit, iter(range(1, 1000))

            def commit(connection: sa.Connection) -> None:
                fatal = next(left) == point
                if fatal and side == "before":
                    os.kill(os.getpid(), signal.SIGKILL)
                real(connection)
                if fatal:
                    os.kill(os.getpid(), signal.SIGKILL)

            sa.Connection.commit = commit  # type: ignore[method-assign]
            pipe.send(desk.load(rows, update=True, sha256=str(point)))

        process, pipe = _start(send, folder)
        survived = bool(_said(pipe))
        process.join()
        desk = open_desk(folder)
        desk.verified()
        store.resume_or_remove(desk.store, AT)
        desk.verified()
        created = len(desk.queue(text=f"P{point}-"))
        assert created in {0, 30}
        updated = desk.number(f"SELECT count(*) FROM claims WHERE amount = {3000 + point}")  # noqa: S608
        assert updated == created // 2
        desk.store.engine.dispose()
    assert created == 30
    assert point > 8


def test_a_writer_waits_for_its_turn_and_gives_up_with_a_sentence(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder, other = open_desk(folder), open_desk(folder)
    monkeypatch.setattr("refundcore.store.store.LONGEST_WAIT", 0.2)
    with holder.store.write(), pytest.raises(store.StoreError, match="busy for too long"), other.store.write():
        pass
    other.decide(1)
    later = AT + timedelta(minutes=1)
    assert other.do(store.note, 1, text="x", at=later).version == 3
    for desk in (holder, other):
        desk.store.engine.dispose()


def test_reading_goes_on_while_somebody_writes(folder: Path) -> None:
    desk = open_desk(folder)
    with desk.store.write() as connection:
        connection.exec_driver_sql("UPDATE claims SET product = 'being written'")
        page = store.queue(desk.store, store.Filter(), person=ANA, at=AT)
        assert len(page.rows) == 50
        assert page.rows[0].product is None
    desk.store.engine.dispose()
