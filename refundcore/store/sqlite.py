"""What only SQLite needs: the library, the settings of a connection, the checks of a file, the copy.

Every statement that PostgreSQL would not understand stands in this file (and, in both dialects, in the migrations'
triggers). The settings follow sqlite.org/pragma.html and sqlite.org/wal.html: before 3.51.3 (3.50.7, 3.44.6) two
writers could damage a file in WAL mode, so older libraries keep a rollback journal.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import sqlalchemy as sa

from refundcore.store.errors import StoreError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

APPLICATION_ID = 0x52464453
"""PRAGMA application_id of a store: RFDS."""

READ_WAIT_MS = 5_000
WRITE = "refund_desk_write"
"""Execution option of a connection that is going to write."""

PAGE = 8_192
"""Bytes of a page: an event takes about a kilobyte and a half, so that several lie in one."""

USUALLY, SELDOM = 1_000, 8_000
"""Pages of the journal after which it is copied into the file: SQLite's own number, and that of an import (64 MB)."""

_SELDOM = "refund_desk_seldom"
"""Marks a connection whose journal may grow."""

CHECKED_AT_START = 16 * 2**20
"""Files up to this size are checked page by page when they are opened; larger ones by `verify` and each backup."""


def library() -> ModuleType:
    """The newest SQLite at hand: pysqlite3's where it is installed, else the standard library's."""
    try:
        from pysqlite3 import dbapi2  # noqa: PLC0415 - not there on every system
    except ImportError:
        import sqlite3 as dbapi2  # noqa: PLC0415
    found: ModuleType = dbapi2
    return found


def wal_is_safe(version: tuple[int, ...]) -> bool:
    """Whether this SQLite has the fix of the WAL-reset fault."""
    if version[:2] == (3, 50):
        return version >= (3, 50, 7)
    if version[:2] == (3, 44):
        return version >= (3, 44, 6)
    return version >= (3, 51, 3)


def make_engine(path: Path, module: ModuleType, *, wal: bool) -> sa.Engine:
    """An engine on a file whose connections are durable at each commit and begin as their task wants.

    The journal's mode is set once by `set_journal`, since two connections that ask for different modes at once get
    "database is locked".
    """
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(path)),
        module=module,
        hide_parameters=True,  # what somebody typed must not get into a log with an error
        pool_size=20,
        max_overflow=20,
        connect_args={"check_same_thread": False, "timeout": READ_WAIT_MS / 1000, "isolation_level": None},
    )

    @sa.event.listens_for(engine, "connect")
    def _settings(connection: Any, _record: Any) -> None:  # noqa: ANN401 - the driver's own
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA page_size={PAGE}")  # of a file that is still empty
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA trusted_schema=OFF")
        cursor.execute("PRAGMA cache_size=-32000")
        cursor.execute("PRAGMA temp_store=MEMORY")
        # WAL is kept in the file (`set_journal`); the rollback journal's mode is each connection's own.
        cursor.execute("PRAGMA journal_size_limit=67108864" if wal else "PRAGMA journal_mode=TRUNCATE")
        cursor.close()

    @sa.event.listens_for(engine, "checkin")
    def _usual(connection: Any, record: Any) -> None:  # noqa: ANN401 - the driver's own, and the pool's
        if connection is not None and record.info.pop(_SELDOM, False):
            connection.execute(f"PRAGMA wal_autocheckpoint={USUALLY}").close()

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        options = connection.get_execution_options()
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get(WRITE) else "BEGIN")

    return engine


def set_journal(engine: sa.Engine, *, wal: bool) -> None:
    """Set the journal's mode of the file, once."""
    wanted = "wal" if wal else "truncate"
    raw = engine.raw_connection()
    try:
        cursor = raw.cursor()
        present = cursor.execute("PRAGMA journal_mode").fetchone()[0]
        if present != wanted:
            cursor.execute(f"PRAGMA journal_mode={wanted}")
        cursor.close()
    finally:
        raw.close()


def checkpoint_seldom(connection: sa.Connection) -> None:
    """Let the journal grow before it is copied into the file, until the connection goes back to the pool.

    An import's transactions change the same pages of an index over and over, and copy each of them once a checkpoint.
    """
    if connection.dialect.name == "sqlite" and not connection.info.get(_SELDOM):
        connection.info[_SELDOM] = True
        driver: Any = connection.connection.driver_connection
        driver.execute(f"PRAGMA wal_autocheckpoint={SELDOM}").close()


def checkpoint(engine: sa.Engine) -> None:
    """Copy the journal into the file as far as nobody is in the way, so that the next who writes need not."""
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            driver.execute("PRAGMA wal_checkpoint(PASSIVE)").close()


def wait_ms(connection: sa.Connection, milliseconds: int) -> None:
    """How long the connection's next statements wait for a lock."""
    driver: Any = connection.connection.driver_connection
    driver.execute(f"PRAGMA busy_timeout={milliseconds:d}").close()


def among(column: sa.Column[Any], values: Sequence[str]) -> sa.ColumnElement[bool]:
    """The condition that a column is one of some texts, however many: they are one parameter."""
    listed = sa.func.json_each(json.dumps(values)).table_valued("value")
    return column.in_(sa.select(listed.c.value))


def is_busy(error: BaseException) -> bool:
    """Whether an error only says that somebody else is writing."""
    return "locked" in str(error) or "busy" in str(error)


_SENTENCES = (
    ("full", "The disk is full, so nothing was saved. Make room and try again."),
    ("readonly", "The store's file cannot be written: check the permissions of its folder."),
    ("disk i/o", "The disk reported an error, so nothing was saved. Check the disk before going on."),
    ("malformed", "The store's file is damaged. Stop the desk and restore the latest backup."),
    ("not a database", "The store's file is damaged. Stop the desk and restore the latest backup."),
    ("unable to open", "The store's file cannot be opened: check that its folder is there and may be written."),
    ("lock timeout", "The store was busy for too long, so nothing was saved. Try again in a moment."),
    ("locked", "The store was busy for too long, so nothing was saved. Try again in a moment."),
    ("busy", "The store was busy for too long, so nothing was saved. Try again in a moment."),
)


def sentence_of(error: BaseException) -> str | None:
    """A sentence for an error of the file or the disk; None for any other error."""
    text = str(getattr(error, "orig", error)).lower()
    return next((sentence for sign, sentence in _SENTENCES if sign in text), None)


def marker(path: Path) -> Path:
    """The file beside a store that says that a store was made here."""
    return path.with_name(path.name + ".here")


def standing(path: Path, module: ModuleType) -> str | None:
    """The revision of the store in a file; None where a new one is to be made.

    Raises `StoreError` for a file that is missing though a store was here, foreign or damaged.
    """
    was_here = marker(path).exists()  # asked first: another process may be making the store meanwhile
    try:
        found = None if not path.exists() or path.stat().st_size == 0 else _look(path, module)
    except module.DatabaseError as error:
        if is_busy(error):
            raise StoreError(f"The store {path} is busy. Try again in a moment.") from error
        raise _damaged(path) from error
    if found is None and was_here:
        raise StoreError(
            f"A store was at {path}, and the file is now missing or empty. Put it back from a backup; or, to begin anew"
            f" on purpose, remove {marker(path).name} beside it."
        )
    return found


def _look(path: Path, module: ModuleType) -> str | None:
    # Not mode=ro: a transaction that was cut off may have to be rolled back before anything can be read.
    with contextlib.closing(module.connect(f"file:{_quoted(path)}?mode=rw", uri=True, timeout=5)) as connection:
        return _revision(path, connection)


def _quoted(path: Path) -> str:
    return re.sub(r"[?#%]", lambda found: f"%{ord(found[0]):02x}", str(path.resolve()))


def _revision(path: Path, connection: Any) -> str | None:  # noqa: ANN401 - the driver's own
    connection.execute("BEGIN")  # one look: a store that another process makes meanwhile is either there or not
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if application == 0 and not tables:  # a first start that was cut off, or is under way in another process
        return None
    if application != APPLICATION_ID or "alembic_version" not in tables:
        raise StoreError(f"{path} is a database, but not one of Refund Desk's. Name another file.")
    if path.stat().st_size <= CHECKED_AT_START:
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise _damaged(path)
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    if row is None:
        raise _damaged(path)
    return str(row[0])


def revision_of(path: Path, module: ModuleType) -> str:
    """The revision of a file that has to be a store. Raises `StoreError` for anything else."""
    try:
        found = _look(path, module)
    except module.DatabaseError as error:
        raise StoreError(f"{path} is damaged, or no store: it cannot be put back.") from error
    if found is None:
        raise StoreError(f"{path} is empty: it cannot be put back.")
    return found


@contextlib.contextmanager
def in_use(path: Path) -> Iterator[None]:
    """While the block runs, `alone` refuses: a desk that serves is never given another file. By the system's locks."""
    with _locked(path, exclusive=False) as had:
        if not had:
            raise StoreError(f"A backup is being put in the place of {path} right now. Try again in a moment.")
        yield


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """While the block runs, no desk serves this store. Raises `StoreError` where one does."""
    with _locked(path, exclusive=True) as had:
        if not had:
            raise StoreError(f"A desk serves the store {path}: stop it first.")
        yield


@contextlib.contextmanager
def _locked(path: Path, *, exclusive: bool) -> Iterator[bool]:
    """A lock that goes with its process; whether it was had. Always, where the system has no such locks."""
    if fcntl is None:
        yield True
        return
    number = os.open(f"{path}.serving", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(number, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True
    finally:
        os.close(number)


def mark(path: Path) -> None:
    """Write beside a file that a store was made here, unless it stands there."""
    if not marker(path).exists():
        marker(path).write_text("A Refund Desk store was made here. It is no longer new if its file is gone.\n")
        private(marker(path))


def sync_folder(folder: Path) -> None:
    """Make new names in a folder durable, where the system lets a folder be opened."""
    try:
        number = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _damaged(path: Path) -> StoreError:
    return StoreError(f"The store {path} is damaged. Keep the file, and restore the latest backup in its place.")


def sign(connection: sa.Connection) -> None:
    """Write into a new file that it is a store."""
    connection.exec_driver_sql(f"PRAGMA application_id={APPLICATION_ID}")


def integrity(connection: sa.Connection) -> str:
    """The library's own check of every page, index and foreign key: "" or the first thing that is wrong."""
    found = connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar()
    if found != "ok":
        return f"The file is damaged: {found}."
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        return f"A row of the table {broken[0]} refers to a row of {broken[2]} that is not there."
    return ""


def copy(path: Path, module: ModuleType, target: Path) -> None:
    """A whole copy of a store at one moment, while others go on working. Raises `StoreError`."""
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        with contextlib.closing(module.connect(str(path), timeout=15, isolation_level=None)) as connection:
            connection.execute("VACUUM INTO ?", (str(target),))
    except module.Error as error:
        raise StoreError(sentence_of(error) or f"The store could not be copied: {error}.") from error
    private(target)
    with target.open("rb") as file:
        os.fsync(file.fileno())


def sweep(engine: sa.Engine) -> None:
    """Write a store's file anew without its free pages and empty its journal, so that nothing removed is left in it."""
    raw = engine.raw_connection()
    try:
        cursor = raw.cursor()
        cursor.execute("VACUUM")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        cursor.close()
    finally:
        raw.close()


def private(path: Path) -> None:
    """Make a file or a folder its owner's alone."""
    with contextlib.suppress(OSError):  # a file system without permissions
        path.chmod(0o700 if path.is_dir() else 0o600)
