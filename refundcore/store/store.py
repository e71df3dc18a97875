"""The opened store: an engine, the policy it judges by, and the two ways to a connection."""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

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
    policy: Any
    """The `refundcore.policy.Policy` that claims are judged under."""
    judge: Callable[..., pd.DataFrame]
    """`rules.judge` or, in a test, a stand-in of the same signature."""
    path: Path | None = None
    """The SQLite file; None for another database."""
    notice: str = ""
    """A sentence for the start, where the store runs in a lesser mode; else ""."""
    writer: threading.Lock = field(default_factory=threading.Lock, repr=False)
    seen: dict[int, dict[int, str]] = field(default_factory=dict, repr=False)
    """Running import -> claims that its file has named so far -> the fingerprint of the row."""
    keeps_time: bool = False
    """Whether an act may not lie before the journal's last entry: the desk's store, whose acts happen now."""
    sessions_ended: int = 0
    """How often this process changed an account: whoever remembers sessions asks anew when it grows."""

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
        if not self.writer.acquire(timeout=LONGEST_WAIT):
            raise StoreError(_BUSY)
        try:
            with _in_words(), self.engine.connect() as plain, _turn(self.path, until):
                connection = plain.execution_options(**{sqlite.WRITE: True})
                _begin(connection, until)
                try:
                    yield connection
                    connection.commit()
                finally:
                    if connection.in_transaction():
                        connection.rollback()
        finally:
            self.writer.release()


@contextmanager
def _turn(path: Path | None, until: float) -> Iterator[None]:
    """Take a turn among the processes that write: asking for a file's lock costs little, a refused BEGIN a lot.

    It only keeps them from crowding: what is safe rests on SQLite's lock. Who has waited longer asks more often, so
    that nobody starves.
    """
    try:
        file = -1 if path is None or fcntl is None else os.open(f"{path}-turn", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:
        file = -1
    if file < 0:
        yield
        return
    began = time.monotonic()
    try:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                waited = time.monotonic() - began
            if began + waited > until:
                raise StoreError(_BUSY)
            time.sleep((0.2 + secrets.randbelow(1_000) / 1_000) * 0.006 / (1 + 8 * waited))
        yield
    finally:
        os.close(file)


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
