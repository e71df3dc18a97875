"""Processes that are killed at random instants while they import, decide, pay, upgrade, back up and restore.

    python tests/killing.py --kills 2000 [--seed N]     as ./refund-desk soak does

Each round starts a process on a store, kills it (SIGKILL) after some time or at one of its statements, opens the store
again, has all of it verified, and looks whether each act is there wholly or not at all; then everything is tried again
under the keys of before, and must be there once. Half of the kills come from outside at a random moment of an act's
usual length, half from inside at a random statement, which hits the middle of transactions more often.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from evidence_of_tests import png
from store_of_tests import ANA, AT, MIA, POLICY, Desk, facts, open_desk

from refundcore import evidence, store
from refundcore.store import importing, opening, sqlite
from refundcore.store.backing_up import back_up
from refundcore.store.opening import connect_to_check
from refundcore.store.restoring import restore

_fork = multiprocessing.get_context("fork")
Work = Callable[["Round", Connection], None]
SHARES = {"decisions": 60, "imports": 40, "payouts": 40, "upgrades": 20, "backups": 25, "restores": 15}
"""Of 200 kills, how many hit what."""


@dataclass
class Round:
    """One process that is to be killed."""

    number: int
    folder: Path
    rng: random.Random

    @contextmanager
    def desk(self) -> Iterator[Desk]:
        opened = open_desk(self.folder)
        try:
            yield opened
        finally:
            opened.store.engine.dispose()


@dataclass
class Tally:
    """What became of the rounds of one kind."""

    kills: int = 0
    ended: int = 0
    """Processes that were done before their moment came."""
    told: int = 0
    """Acts that a process had reported as done before it died, all of which were found again."""
    retried: int = 0
    """Acts that were tried again under their key, each of which is there once."""
    seconds: float = 0.0
    length: float = field(default=0.2, repr=False)
    """How long a process takes that nobody kills."""
    statements: int = field(default=40, repr=False)
    """How many statements it executes."""


def kill_one(work: Work, about: Round, tally: Tally, *, inside: bool) -> list[Any]:
    """Start a process, kill it, and return what it said before."""
    ours, theirs = _fork.Pipe(duplex=False)
    point = about.rng.randint(1, max(2, tally.statements)) if inside else 0
    process = _fork.Process(target=_child, args=(work, about, theirs, point))
    process.start()
    theirs.close()
    if not inside:
        time.sleep(about.rng.uniform(0.0, tally.length * 1.05))
        with suppress(ProcessLookupError):
            os.kill(process.pid or 0, signal.SIGKILL)
    said: list[Any] = []
    with suppress(EOFError):
        while True:
            said.append(ours.recv())
    process.join()
    ours.close()
    if process.exitcode == -signal.SIGKILL:
        tally.kills += 1
    elif process.exitcode == 0:
        tally.ended += 1
    else:
        raise AssertionError(f"The process ended by itself with {process.exitcode}; it said {said[-3:]}.")
    return said


def _child(work: Work, about: Round, pipe: Connection, point: int) -> None:
    executed = 0

    def count(*_: object) -> None:
        nonlocal executed
        executed += 1
        if executed == point:
            os.kill(os.getpid(), signal.SIGKILL)

    sa.event.listen(sa.Engine, "before_cursor_execute", count)
    sa.event.listen(sa.Engine, "commit", count)
    began = time.monotonic()
    try:
        work(about, pipe)
    except BaseException as problem:  # noqa: BLE001 - told to the parent
        pipe.send(("problem", repr(problem)))
        os._exit(3)
    pipe.send(("whole", time.monotonic() - began, executed))
    os._exit(0)


# --- decisions ------------------------------------------------------------------------------------------------------


def _decide(about: Round, pipe: Connection) -> None:
    with about.desk() as desk:
        claims = list(range(1, 13))
        about.rng.shuffle(claims)
        for claim in claims:
            now = desk.claim(claim)
            act = "decide" if now.state == "new" else "reopen"
            asked = (act, claim, now.version, f"{about.number}-{claim}")
            pipe.send(("began", asked))
            pipe.send(("done", asked, _act(desk, asked).event_id))


def _act(desk: Desk, asked: tuple[str, int, int, str]) -> store.Receipt:
    name, claim, version, key = asked
    given: dict[str, Any] = {"outcome": "approve"} if name == "decide" else {"reason": "again"}
    act: Any = getattr(store, name)
    receipt: store.Receipt = act(desk.store, actor=ANA, at=AT, key=key, claim=claim, version=version, **given)
    return receipt


def _decided(about: Round, said: list[Any], tally: Tally) -> None:
    with about.desk() as desk:
        desk.verified()
        told = {asked: event for kind, asked, event in (word for word in said if word[0] == "done")}
        for asked in [word[1] for word in said if word[0] == "began"]:
            receipt = _act(desk, asked)
            assert asked not in told or (receipt.repeated and receipt.event_id == told[asked]), asked
            assert _act(desk, asked).event_id == receipt.event_id
            events = [one for one in store.events(desk.store, asked[1]) if one.id == receipt.event_id]
            assert len(events) == 1
            tally.retried += 1
        tally.told += len(told)
        assert desk.number("SELECT count(*) FROM receipts WHERE key LIKE '%-%'") == desk.number(
            "SELECT count(DISTINCT event_id) FROM receipts WHERE key LIKE '%-%'"
        )
        desk.verified()


# --- imports --------------------------------------------------------------------------------------------------------


def _rows(about: Round) -> list[dict[str, Any]]:
    created = [facts(claim_ref=f"K{about.number}-{n}", order_ref=f"K{about.number}-{n}") for n in range(60)]
    return created + [facts(claim_ref=f"T-{n}", order_ref=f"T-{n}", amount=2000 + about.number) for n in range(10)]


def _import(about: Round, pipe: Connection) -> None:
    importing.TOGETHER, importing.UPDATED_TOGETHER = 20, 4
    rows = about.rows  # type: ignore[attr-defined]
    with about.desk() as desk:
        desk.load(rows, update=True, sha256=f"{about.number:064}")
        pipe.send(("done", about.number, 0))


def _imported(about: Round, said: list[Any], tally: Tally) -> None:
    whole = any(word[0] == "done" for word in said)
    with about.desk() as desk:
        desk.verified()
        store.resume_or_remove(desk.store, AT)
        desk.verified()
        created = len(desk.queue(text=f"K{about.number}-"))
        assert created in ({60} if whole else {0, 60})
        changed = desk.number(f"SELECT count(*) FROM claims WHERE amount = {2000 + about.number}")  # noqa: S608
        assert changed == (10 if created else 0)
        assert desk.number("SELECT count(*) FROM imports WHERE status NOT IN ('finished', 'removed')") == 0
        again = desk.load(about.rows, update=True, sha256=f"{about.number:064}")  # type: ignore[attr-defined]
        assert again.created == 60 - created
        desk.verified()
        tally.told += whole
        tally.retried += 1


# --- payouts --------------------------------------------------------------------------------------------------------


def _pay(about: Round, pipe: Connection) -> None:
    with about.desk() as desk:
        _payout_acts(desk, about.number, lambda *word: pipe.send(word))


def _payout_acts(desk: Desk, number: int, say: Callable[..., None]) -> None:
    """A batch from draft to settled; under the same keys it is the same batch."""
    due = [one.id for one in store.payouts_in(desk.store, "queued")][:4] if number >= 0 else []
    kept = desk.folder / f"batch-{number}"
    if not kept.exists():
        kept.write_text(",".join(map(str, due)))
    chosen = [int(one) for one in kept.read_text().split(",") if one]
    given: dict[str, Any] = {"actor": MIA, "at": AT}
    made = store.make_batch(desk.store, key=f"make-{number}", payouts=chosen, **given)
    say("done", "make", made.batch)
    store.export_batch(desk.store, key=f"export-{number}", batch=made.batch, **given)
    say("done", "export", made.batch)
    lines = [
        store.Returned(line, one.key, one.amount, one.currency, "failed" if line == 1 else "paid", "closed")
        for line, one in enumerate(store.payouts_of_batch(desk.store, made.batch), 1)
    ]
    store.settle_batch(desk.store, key=f"settle-{number}", batch=made.batch, lines=lines, **given)
    say("done", "settle", made.batch)


def _paid(about: Round, said: list[Any], tally: Tally) -> None:
    told = {word[1]: word[2] for word in said if word[0] == "done"}
    with about.desk() as desk:
        desk.verified()
        if (desk.folder / f"batch-{about.number}").exists():
            again: dict[str, int] = {}
            for _ in range(2):
                _payout_acts(desk, about.number, lambda _kind, what, number: again.update({what: number}))
            assert all(again[what] == number for what, number in told.items())
            assert desk.number(f"SELECT count(*) FROM payout_batches WHERE key = 'make-{about.number}'") == 1  # noqa: S608
            tally.retried += len(again)
        paid = "SELECT count(*) FROM payouts WHERE state = 'paid' GROUP BY order_ref, item_ref ORDER BY 1 DESC LIMIT 1"
        assert desk.number(paid) in {None, 1}
        desk.verified()
        tally.told += len(told)
    if about.number % 20 == 19:
        _start_anew(about.folder)


# --- upgrades -------------------------------------------------------------------------------------------------------


def _make_first(path: Path) -> None:
    """A store as the first revision made it, with people."""
    from alembic import command
    from alembic.config import Config

    for left in path.parent.glob(f"{path.name}*"):
        left.unlink()
    shutil.rmtree(path.parent / "backups", ignore_errors=True)
    engine = sqlite.make_engine(path, sqlite.library(), wal=True)
    config = Config()
    config.set_main_option("script_location", str(opening.MIGRATIONS))
    config.set_main_option("path_separator", "os")
    with engine.connect().execution_options(**{sqlite.WRITE: True}) as connection:
        connection.begin()
        config.attributes["connection"] = connection
        command.upgrade(config, opening.REVISIONS[0])
        sqlite.sign(connection)
        for number in range(50):
            connection.execute(
                sa.text("INSERT INTO people (id, name, email, role, password_hash, active, created_at)"
                        " VALUES (:n, :name, :email, 'manager', 'none', 1, 0)"),
                {"n": number + 1, "name": f"P{number}", "email": f"p{number}@example.com"},
            )  # fmt: skip
        connection.commit()
    engine.dispose()
    sqlite.mark(path)


def _upgrade(about: Round, pipe: Connection) -> None:
    store.connect(f"sqlite:///{about.folder / 'old' / 'refunds.db'}", at=AT, policy=POLICY).engine.dispose()
    pipe.send(("done", "upgrade", 0))


def _upgraded(about: Round, said: list[Any], tally: Tally) -> None:
    path = about.folder / "old" / "refunds.db"
    before = sqlite.standing(path, sqlite.library())
    done = any(word[0] == "done" for word in said)
    assert before in ({opening.HEAD} if done else {opening.REVISIONS[0], opening.HEAD})
    for _ in range(2):
        opened = store.connect(f"sqlite:///{path}", at=AT, policy=POLICY)
        assert store.verify(opened).good
        assert len(store.people(opened)) == 50
        opened.engine.dispose()
    copies = list((path.parent / "backups").glob("*before-upgrade*"))
    assert copies
    for copy in copies:
        assert sqlite.standing(copy, sqlite.library()) == opening.REVISIONS[0]
    tally.told += done
    tally.retried += 1
    _make_first(path)


# --- backups and restores -------------------------------------------------------------------------------------------


def _back_up(about: Round, pipe: Connection) -> None:
    with about.desk() as desk:
        made = back_up(desk.store, at=AT + timedelta(seconds=about.number), keep=3)
        pipe.send(("done", "backup", str(made)))


def _backed_up(about: Round, said: list[Any], tally: Tally) -> None:
    with about.desk() as desk:
        desk.verified()
        for copy in (about.folder / "backups").glob("refunds-*Z.db"):
            opened = connect_to_check(f"sqlite:///{copy}")
            assert store.verify(opened).good
            opened.engine.dispose()
        done = [word[2] for word in said if word[0] == "done"]
        assert all(Path(made).exists() for made in done)
        desk.do(store.note, 1, text=f"after {about.number}")
        tally.told += len(done)
        tally.retried += 1


def _restore(about: Round, pipe: Connection) -> None:
    restore(about.folder / "kept" / "refunds.db", about.folder / "refunds.db", at=AT + timedelta(seconds=about.number))
    pipe.send(("done", "restore", 0))


def _restored(about: Round, said: list[Any], tally: Tally) -> None:
    with about.desk() as desk:
        found = desk.verified()
        notes = desk.number("SELECT count(*) FROM events WHERE kind = 'noted'")
        done = any(word[0] == "done" for word in said)
        assert notes in ({0} if done else {0, 1}), f"{notes} notes; {found}"
    restore(about.folder / "kept" / "refunds.db", about.folder / "refunds.db", at=AT + timedelta(hours=1))
    with about.desk() as desk:
        desk.verified()
        assert desk.number("SELECT count(*) FROM events WHERE kind = 'noted'") == 0
        desk.do(store.note, 1, text="what the next restore takes back")
    for left in about.folder.glob("before-restore-*"):
        shutil.rmtree(left)
    tally.told += done
    tally.retried += 1


# --- all of it ------------------------------------------------------------------------------------------------------


def _start_anew(folder: Path) -> None:
    """A store with claims, due payouts and evidence, made once and copied."""
    for left in folder.iterdir():
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    shutil.copytree(_template(), folder, dirs_exist_ok=True)


_made: list[Path] = []


def _template() -> Path:
    if not _made:
        folder = Path(tempfile.mkdtemp(prefix="refund-desk-kills-"))
        desk = open_desk(folder)
        desk.load([facts(claim_ref=f"T-{number}", order_ref=f"T-{number}") for number in range(12)])
        for number in range(90):
            desk.decide(desk.add(order_ref=f"PAY-{number}"))
        kept = evidence.read("screen.png", png(1))
        desk.do(store.attach_evidence, 1, evidence=[kept])
        desk.store.engine.dispose()
        shutil.copytree(folder, folder.with_name(folder.name + "-kept"))
        (folder / "kept").mkdir()
        desk = open_desk(folder.with_name(folder.name + "-kept"))
        copy = back_up(desk.store, at=AT)
        desk.store.engine.dispose()
        shutil.copytree(copy.parent, folder / "kept", dirs_exist_ok=True)
        copy_here = folder / "kept" / copy.name
        copy_here.rename(folder / "kept" / "refunds.db")
        shutil.rmtree(folder.with_name(folder.name + "-kept"))
        (folder / "old").mkdir()
        _made.append(folder)
    return _made[0]


KINDS: dict[str, tuple[Work, Callable[[Round, list[Any], Tally], None]]] = {
    "decisions": (_decide, _decided),
    "imports": (_import, _imported),
    "payouts": (_pay, _paid),
    "upgrades": (_upgrade, _upgraded),
    "backups": (_back_up, _backed_up),
    "restores": (_restore, _restored),
}


def rounds(kind: str, kills: int, folder: Path, seed: int) -> Tally:
    """Kill so many processes of a kind; raises `AssertionError` for the first thing that is not as it should be."""
    work, check = KINDS[kind]
    folder.mkdir(parents=True, exist_ok=True)
    _start_anew(folder)
    if kind == "upgrades":
        _make_first(folder / "old" / "refunds.db")
    tally, rng, began = Tally(), random.Random(f"{seed} {kind}"), time.monotonic()  # noqa: S311 - moments
    number = 0
    while tally.kills < kills:
        about = Round(number, folder, rng)
        about.rows = _rows(about) if kind == "imports" else []  # type: ignore[attr-defined]
        inside = number % 2 == 1 and kind != "restores"
        # The first one is left alone, to learn how long it takes.
        first = number == 0
        if first:
            tally.length, tally.statements = 60.0, 10**9
        said = _whole(work, about, tally) if first else kill_one(work, about, tally, inside=inside)
        problem = next((word for word in said if word[0] == "problem"), None)
        assert problem is None, problem
        try:
            check(about, [word for word in said if word[0] != "whole"], tally)
        except BaseException:
            print(f"{kind}: round {number} of seed {seed}, {'inside' if inside else 'outside'}; it said {said[-3:]}")
            raise
        number += 1
    tally.seconds = time.monotonic() - began
    return tally


def _whole(work: Work, about: Round, tally: Tally) -> list[Any]:
    said = kill_one(work, about, tally, inside=True)
    _, tally.length, tally.statements = next(word for word in said if word[0] == "whole")
    return said


def main(words: list[str]) -> int:
    """Kill as often as asked, in the shares of `SHARES`, and print the figures."""
    parser = argparse.ArgumentParser(prog="refund-desk soak", description=__doc__)
    parser.add_argument("--kills", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    args = parser.parse_args(words)
    print(f"seed {args.seed}")
    total = 0
    with tempfile.TemporaryDirectory(prefix="refund-desk-soak-") as folder:
        for kind, share in SHARES.items():
            tally = rounds(kind, -(-share * args.kills // 200), Path(folder) / kind, args.seed)
            total += tally.kills
            print(f"{kind:<10} {tally}", flush=True)
    print(f"{total} kills survived.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
