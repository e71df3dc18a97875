"""The opened store: an engine, the policy it judges by, and the two ways to a connection."""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from refundcore.editions import Editions
from refundcore.store import sqlite
from refundcore.store.errors import StoreError

try:
    import fcntl
except ImportError:  # Windows: processes take turns by SQLite's own lock alone
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    import pandas as pd

LONGEST_WAIT = 15.0
"""Seconds that a change waits for its turn to write."""

_BUSY = "The store was busy for too long, so nothing was saved. Try again in a moment."
_POSTGRES_LOCK = 0x52464453
"""The advisory lock that makes writers on PostgreSQL take turns, so that the journal has one end."""


Row = dict[str, Any]
"""A row of a table: column -> value."""


def rows_of(connection: sa.Connection, query: sa.Select[Any]) -> list[Row]:
    """The rows that a query finds."""
    return [dict(row) for row in connection.execute(query).mappings()]


def first_of(
    connection: sa.Connection, query: sa.Select[Any], parameters: Mapping[str, Any] | None = None
) -> Row | None:
    """The first row that a query finds."""
    found = connection.execute(query, parameters).mappings().first()
    return dict(found) if found is not None else None


@dataclass
class Store:
    """An opened store. `connect` makes it; everything else takes it as its first argument."""

    engine: sa.Engine
    url: str
    given: Any
    """A `refundcore.policy.Policy` to judge by instead of the store's own editions; None for those."""
    judge: Callable[..., pd.DataFrame]
    """`rules.judge` or, in a test, a stand-in of the same signature."""
    path: Path | None = None
    """The SQLite file; None for another database."""
    notice: str = ""
    """A sentence for the start, where the store runs in a lesser mode; else ""."""
    writer: threading.Lock = field(default_factory=threading.Lock, repr=False)
    ruled: bool = field(default=False, init=False)
    """Whether the store's own editions rule."""
    seen: dict[int, dict[int, str]] = field(default_factory=dict, repr=False)
    """Running import -> claims that its file has named so far -> the fingerprint of the row."""
    keeps_time: bool = False
    """Whether an act may not lie before the journal's last entry: the desk's store, whose acts happen now."""
    sessions_ended: int = 0
    """How often this process changed an account: whoever remembers sessions asks anew when it grows."""
    waiting: set[int] = field(default_factory=set, repr=False)
    """Threads of this process that wait to write."""
    crowded: bool = field(default=False, repr=False)
    """Whether somebody waited to write when this process last did: one who goes on writing gives way first."""

    def wanted(self) -> bool:
        """Whether somebody waits to write now, as far as that can be seen from outside."""
        if self.waiting:
            return True
        try:
            return self.path is not None and _turns(self.path).stat().st_size > 0
        except OSError:
            return False

    def __post_init__(self) -> None:
        self.policy = self.given

    @property
    def policy(self) -> Any:  # noqa: ANN401 - a policy.Policy; None in a store that was opened to be checked
        """The `refundcore.policy.Policy` in force; claims are judged by `laws`."""
        return self._law[0]

    @policy.setter
    def policy(self, policy: Any) -> None:  # noqa: ANN401
        """From now on judge everything by one policy."""
        self._law, self.ruled = (policy, Editions.only(policy)), False

    @property
    def laws(self) -> Editions:
        """The editions, each claim being judged by the one that was in force at its order."""
        return self._law[1]

    def follow(self, editions: Editions, at: int) -> None:
        """From now on judge by the store's own editions; in force is the one that judges an order of the moment."""
        self._law, self.ruled = (editions.at(at).policy, editions), True

    def fingerprint(self, edition: int) -> str:
        """Of the document of an edition."""
        return str(self.laws.of_number(edition).policy.fingerprint)

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A connection for reading: one snapshot, never blocked by a writer for long."""
        with _in_words(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A connection in a transaction that is the only writer; commits at the end, rolls back on any exception.

        Raises `StoreError` where the store stays busy for 15 seconds, the disk is full or cannot be written.
        """
        until = time.monotonic() + LONGEST_WAIT  # how long we have waited, not what time it is
        self.waiting.add(threading.get_ident())
        acquired = self.writer.acquire(timeout=LONGEST_WAIT)
        self.waiting.discard(threading.get_ident())
        if not acquired:
            raise StoreError(_BUSY)
        try:
            with _in_words(), self.engine.connect() as plain, _turn(self.path, until) as wanted:
                connection = plain.execution_options(**{sqlite.WRITE: True})
                _begin(connection, until)
                try:
                    yield connection
                    connection.commit()
                    self.crowded = bool(self.waiting) or wanted()
                finally:
                    if connection.in_transaction():
                        connection.rollback()
        finally:
            self.writer.release()


@contextmanager
def _turn(path: Path | None, until: float) -> Iterator[Callable[[], bool]]:
    """Take a turn among the processes that write: asking for a file's lock costs little, a refused BEGIN a lot.

    It only keeps them from crowding: what is safe rests on SQLite's lock. Who has waited longer asks more often, so
    that nobody starves. Who waits leaves a mark in the file; what is yielded tells whether anybody did since the turn
    began, and true where that cannot be known.
    """
    try:
        file = -1 if path is None or fcntl is None else os.open(_turns(path), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:
        file = -1
    if file < 0:
        yield lambda: True
        return
    began = time.monotonic()
    try:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                _mark(file, b".")
                waited = time.monotonic() - began
            if began + waited > until:
                raise StoreError(_BUSY)
            time.sleep((0.2 + secrets.randbelow(1_000) / 1_000) * 0.006 / (1 + 8 * waited))
        if os.fstat(file).st_size:
            _mark(file, b"")
        yield lambda: os.fstat(file).st_size > 0
    finally:
        os.close(file)


def _turns(path: Path) -> Path:
    return path.with_name(f"{path.name}-turn")


def _mark(file: int, mark: bytes) -> None:
    """Leave a mark in the file of turns, or take all marks out of it."""
    with suppress(OSError):  # a full disk: nobody gives way then
        if mark:
            os.pwrite(file, mark, 0)
        else:
            os.ftruncate(file, 0)


def _begin(connection: sa.Connection, until: float) -> None:
    """Begin to write. SQLite's own waiting lets one writer starve for seconds; short random naps don't."""
    if connection.dialect.name != "sqlite":
        connection.begin()
        connection.execute(sa.select(sa.func.set_config("lock_timeout", f"{LONGEST_WAIT * 1000:.0f}ms", True)))  # noqa: FBT003
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_POSTGRES_LOCK)))
        return
    sqlite.wait_ms(connection, 0)
    try:
        while True:
            try:
                connection.begin()
            except sa.exc.OperationalError as error:
                if not sqlite.is_busy(error) or time.monotonic() > until:
                    raise
            else:
                return
            time.sleep(0.0005 + secrets.randbelow(19_500) / 1_000_000)
    finally:
        sqlite.wait_ms(connection, sqlite.READ_WAIT_MS)


@contextmanager
def _in_words() -> Iterator[None]:
    """Turn errors of the file or the disk into sentences."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        sentence = sqlite.sentence_of(error)
        if sentence is None:
            raise
        raise StoreError(sentence) from error
