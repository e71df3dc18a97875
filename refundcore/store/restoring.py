"""Putting a backup in the store's place: checked before, in one rename, with what was there kept beside it.

Until the rename the store is what it was; from then on it is the backup. A cut at any moment leaves one or the other.
Sessions and one-time links of the backup are void: whoever was signed out since stays so.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import ModuleType

from refundcore.evidence import EvidenceError, Files
from refundcore.store import sqlite
from refundcore.store.errors import StoreError
from refundcore.store.evidence_checking import kept_files
from refundcore.store.evidence_reading import FOLDER as EVIDENCE
from refundcore.store.opening import HEAD, REVISIONS, connect_to_check
from refundcore.store.sentences import utc
from refundcore.store.store import Store
from refundcore.store.verifying import verify

SIDE = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a file: one that belongs to another file must never stay."""

_PART = ".restoring"
_VOID = ("sessions", "password_links", "setup_tokens")


@dataclass(frozen=True)
class Restored:
    """What was put back, and where what was there before is kept."""

    sentence: str
    before: Path | None


def restore(copy: Path, path: Path, *, at: datetime) -> Restored:
    """Put the backup `copy` in the place of the store's file `path`. Raises `StoreError`; then nothing was changed.

    The store must not be in use. A backup of an older version is taken as it is: the next start upgrades it.
    """
    module = sqlite.library()
    if copy.absolute() == path.absolute():
        raise StoreError("That is the store itself, not a backup of it.")
    if not copy.is_file():
        raise StoreError(f"There is no backup at {copy}.")
    revision = sqlite.revision_of(copy, module)
    if revision not in REVISIONS:
        raise StoreError(f"The backup {copy} was written by a newer version of Refund Desk (revision {revision}).")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with sqlite.alone(path):
        part = path.with_name(path.name + _PART)
        part.unlink(missing_ok=True)
        try:
            sqlite.copy(copy, module, part)
            _void(part, module)
            said = _checked(copy, part, current=revision == HEAD)
            before = _set_aside(path, module, at)
            part.replace(path)
        finally:
            for left in (part, *(part.with_name(part.name + side) for side in SIDE)):
                left.unlink(missing_ok=True)
        sqlite.sync_folder(path.parent)
        sqlite.mark(path)
    return Restored(said, before)


def _void(part: Path, module: ModuleType) -> None:
    with contextlib.closing(module.connect(str(part), isolation_level=None)) as connection:
        there = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        for table in _VOID:
            if table in there:
                connection.execute(f"DELETE FROM {table}")  # noqa: S608 - a name of ours


def _checked(copy: Path, part: Path, *, current: bool) -> str:
    """Bring the backup's evidence beside the store and check the whole; the sentence of what was found."""
    if not current:
        return "The backup is of an older version: the next start upgrades it."
    opened = connect_to_check(f"sqlite:///{part}")
    try:
        _evidence(copy, opened, part.parent)
        found = verify(opened)
    finally:
        opened.engine.dispose()
    if not found.good:
        raise StoreError(f"The backup does not verify, so it was not put back: {found.sentence}")
    return found.sentence


def _evidence(copy: Path, opened: Store, folder: Path) -> None:
    with opened.read() as connection:
        named = kept_files(connection)
    here, there = Files(folder / EVIDENCE), Files(copy.parent / EVIDENCE)
    for sha256 in sorted(named):
        with contextlib.suppress(EvidenceError):  # the check names what is missing
            here.copy_from(there, sha256)


def _set_aside(path: Path, module: ModuleType, at: datetime) -> Path | None:
    """Keep the store that is there, with all that belongs to it, in a folder of its own; None where there is none.

    One that is whole is first brought into a single file, for which nobody else may use it: then the rename that
    follows is all there is to do.
    """
    there = [file for file in (path, *(path.with_name(path.name + side) for side in SIDE)) if file.exists()]
    if not there:
        return None
    folder = path.with_name(f"before-restore-{utc(at)}")
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    beside = [file for file in there if file != path]
    for file in beside:
        shutil.copy2(file, folder / file.name)  # SQLite throws away what it finds beside a damaged file
    if path.exists():
        try:
            folded = _in_one_file(path, module)
        except StoreError:
            shutil.rmtree(folder)
            raise
        if folded:
            for file in beside:
                (folder / file.name).unlink()
        (folder / path.name).unlink(missing_ok=True)
        _linked(path, folder / path.name)
    for file in beside:
        file.unlink(missing_ok=True)
    sqlite.sync_folder(folder)
    return folder


def _in_one_file(path: Path, module: ModuleType) -> bool:
    """Fold what stands beside the file into it; False for a damaged one. Raises `StoreError` where it is in use."""
    try:
        with contextlib.closing(module.connect(str(path), timeout=2, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE").fetchone()
    except module.DatabaseError as error:
        if sqlite.is_busy(error):
            raise StoreError(
                f"The store {path} is in use: stop the desk and every command that uses it, then try again."
            ) from error
        return False
    return True


def _linked(file: Path, kept: Path) -> None:
    try:
        os.link(file, kept)
    except OSError:  # another file system, or one without links
        shutil.copy2(file, kept)
