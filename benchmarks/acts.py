"""How fast many people decide at once: 16 processes through the store, against the driver doing the same statements.

`python benchmarks/acts.py [PROCESSES] [SECONDS]`: each of PROCESSES (16) approves claims of its own for SECONDS (4),
each approval with its event, head, decision, payout, order's balance and receipt in one transaction on the disk; the
claims' verdicts are known to hold, as they are on a desk that was started. The peer is the SQLite driver alone in as
many processes: the very statements that the store was seen to send for the same claims, in transactions begun in the
same way, without hashing, building them or checking foreign keys (the rows come in another order). Told are acts a
second, the longest that an act took, and how many the least and the most served process did. The last line is the
ratio.
"""

from __future__ import annotations

import multiprocessing
import secrets
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa

PROJECT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(PROJECT), str(PROJECT / "tests")]

from store_of_tests import ANA, AT, Desk, facts, open_desk  # noqa: E402 - the folder of the tests is put on the path

from refundcore import store  # noqa: E402
from refundcore.store import sqlite  # noqa: E402

SHARE = 400
"""Claims of each process: more than it can decide in the time."""

WARM = 3
"""Acts of each process before the time runs."""

_fork = multiprocessing.get_context("fork")
Statements = list[tuple[str, Any, bool]]
"""Each with its parameters, and whether these are of many rows."""


def decide(desk: Desk, claim: int) -> None:
    """One act."""
    store.decide(
        desk.store, actor=ANA, at=AT, key=f"bench {claim}", claim=claim, version=1, outcome="approve", reply="Dear ..."
    )


def prepared(folder: Path, claims: int) -> None:
    """A store with claims that are approved, each of its own order."""
    folder.mkdir()
    desk = open_desk(folder)
    desk.load([facts(claim_ref=f"B-{number}") for number in range(claims)])
    store.rejudge_due(desk.store, AT)
    with desk.store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    desk.store.engine.dispose()


def recorded(folder: Path, claims: int) -> list[Statements]:
    """The statements that the store sends for each act, one after the other in one process."""
    desk = open_desk(folder)
    acts: list[Statements] = []

    def see(_: Any, __: Any, statement: str, parameters: Any, ___: Any, many: bool) -> None:  # noqa: FBT001, ANN401
        if not statement.startswith(("BEGIN", "PRAGMA")):
            acts[-1].append((statement, parameters, many))

    sa.event.listen(desk.store.engine, "before_cursor_execute", see)
    for claim in range(1, claims + 1):
        acts.append([])
        decide(desk, claim)
    desk.store.engine.dispose()
    return acts


def through_the_store(folder: Path, mine: range, until: float, pipe: Any) -> None:  # noqa: ANN401 - a connection
    """One process that decides its claims."""
    desk, waits = open_desk(folder), []
    for claim in mine[:WARM]:  # statements are compiled once a process
        decide(desk, claim)
    _wait_for(pipe)
    until += time.monotonic()
    for claim in mine[WARM:]:
        began = time.monotonic()
        if began > until:
            break
        decide(desk, claim)
        waits.append(time.monotonic() - began)
    pipe.send(waits)


def by_the_driver(folder: Path, mine: list[Statements], until: float, pipe: Any) -> None:  # noqa: ANN401 - a connection
    """One process that sends recorded statements."""
    driver = sqlite.library()
    connection, waits = driver.connect(folder / "refunds.db", isolation_level=None), []
    for pragma in ("synchronous = FULL", "foreign_keys = OFF", "busy_timeout = 0", "cache_size = -32000"):
        connection.execute(f"PRAGMA {pragma}")
    _wait_for(pipe)
    until += time.monotonic()
    for act in mine[WARM:]:
        began = time.monotonic()
        if began > until:
            break
        _begin(connection, driver)
        for statement, parameters, many in act:
            (connection.executemany if many else connection.execute)(statement, parameters).fetchall()
        connection.execute("COMMIT")
        waits.append(time.monotonic() - began)
    pipe.send(waits)


def _begin(connection: Any, driver: Any) -> None:  # noqa: ANN401 - the driver's own
    """Begin as the store does: short random naps until it is our turn."""
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except driver.OperationalError as error:
            if "locked" not in str(error) and "busy" not in str(error):
                raise
        else:
            return
        time.sleep(0.0005 + secrets.randbelow(19_500) / 1_000_000)


def _wait_for(pipe: Any) -> None:  # noqa: ANN401 - a connection
    pipe.send("ready")
    pipe.recv()


def measured(work: Any, folder: Path, shares: list[Any], seconds: float) -> tuple[float, float, int, int]:  # noqa: ANN401
    """Acts a second, the longest wait, and the acts of the least and the most served process."""
    started = []
    for share in shares:
        ours, theirs = _fork.Pipe()
        process = _fork.Process(target=work, args=(folder, share, seconds, theirs))
        process.start()
        started.append((process, ours))
    for _, pipe in started:
        pipe.recv()
    began = time.monotonic()
    for _, pipe in started:
        pipe.send("go")
    waits = [pipe.recv() for _, pipe in started]
    took = time.monotonic() - began
    for process, _ in started:
        process.join()
    counts = [len(each) for each in waits]
    if max(counts) == SHARE - WARM:
        print(f"  (a process ran out of its {SHARE} claims)")
    return sum(counts) / took, max(max(each, default=seconds) for each in waits), min(counts), max(counts)


def told(name: str, figures: tuple[float, float, int, int]) -> None:
    """Print the figures of one side."""
    rate, longest, least, most = figures
    print(f"{name}: {rate:,.0f} acts/s, longest wait {longest:.2f} s, least served {least}, most served {most}")


def main(processes: int = 16, seconds: float = 4.0) -> None:
    """Prepare, record, measure both, check what the store did."""
    claims = processes * SHARE
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        prepared(root / "base", claims)
        for name in ("recording", "ours", "peer"):
            shutil.copytree(root / "base", root / name)
        acts = recorded(root / "recording", claims)
        print(f"{processes} processes; {sum(map(len, acts)) / len(acts):.0f} statements an act")
        shares = [range(first + 1, claims + 1, processes) for first in range(processes)]
        ours = measured(through_the_store, root / "ours", shares, seconds)
        peer = measured(by_the_driver, root / "peer", [acts[first::processes] for first in range(processes)], seconds)
        desk = open_desk(root / "ours")
        found = desk.verified()
        decided = desk.number("SELECT count(*) FROM decisions")
        paid = desk.number("SELECT count(*) FROM payouts")
        desk.store.engine.dispose()
    told("store ", ours)
    told("driver", peer)
    print(f"{decided:,} decisions, {paid:,} payouts; {found.split(';')[0][:90]}")
    print(f"{ours[0] / peer[0]:.2f} of the driver's acts a second")


if __name__ == "__main__":
    main(*(kind(word) for kind, word in zip((int, float), sys.argv[1:], strict=False)))
