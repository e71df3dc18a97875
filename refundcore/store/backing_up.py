"""Backups: a whole, checked copy of the store while the desk goes on working."""

from __future__ import annotations

import contextlib
import re
from datetime import datetime
from pathlib import Path
from types import ModuleType

from refundcore.evidence import EvidenceError, Files
from refundcore.store import sqlite
from refundcore.store.errors import StoreError
from refundcore.store.evidence_checking import kept_files
from refundcore.store.evidence_reading import FOLDER as EVIDENCE
from refundcore.store.evidence_reading import files
from refundcore.store.opening import connect_to_check
from refundcore.store.sentences import utc
from refundcore.store.store import Store
from refundcore.store.verifying import verify

KEEP = 14
"""Backups that are kept; older ones are removed."""

CUT_OFF_AFTER = 3600
"""Seconds after which an unfinished copy is taken for one that was cut off."""

FOLDER = "backups"
_NAME = re.compile(r"refunds-\d{8}T\d{6}Z\.db")


def back_up(store: Store, *, at: datetime, folder: Path | None = None, keep: int = KEEP) -> Path:
    """Copy the store into `folder` (default: `backups` beside it), check the copy, keep the last `keep`; its path.

    Raises `StoreError` where the copy cannot be made or does not verify; then no earlier backup is removed.
    """
    if store.path is None:
        raise StoreError("This store is on a database server: back it up with the server's own means, such as pg_dump.")
    if keep < 1:
        raise StoreError("Keep at least one backup.")
    target = _folder(folder or store.path.parent / FOLDER) / f"refunds-{utc(at)}.db"
    if target.exists():
        raise StoreError(f"There is a backup called {target.name} already; try again in a second.")
    _remove_cut_off(target.parent, at)
    part = target.with_suffix(".part")
    _copy(store.path, sqlite.library(), part)
    try:
        _copy_evidence(store, part)
        _check(part)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    sqlite.sync_folder(target.parent)
    backups = sorted(path for path in target.parent.iterdir() if _NAME.fullmatch(path.name))
    for old in backups[:-keep]:
        old.unlink()
    files(store).clean(_named(store), now=at.timestamp())
    _clean_copies(target, at)
    return target


def _remove_cut_off(folder: Path, at: datetime) -> None:
    """Remove what backups left that were cut off a while ago."""
    for left in folder.glob("refunds-*.part*"):
        with contextlib.suppress(OSError):
            if at.timestamp() - left.stat().st_mtime > CUT_OFF_AFTER:
                left.unlink()


def _copy_evidence(store: Store, copy: Path) -> None:
    """Bring the evidence that a copy names into the folder beside it, which all copies there share.

    A file never changes, so each is copied once. What is missing or changed in the desk's own folder is left to the
    check of the copy, which names it, unless an earlier backup has it.
    """
    opened = connect_to_check(f"sqlite:///{copy}")
    try:
        for sha256 in sorted(_named(opened)):
            with contextlib.suppress(EvidenceError):
                files(opened).copy_from(files(store), sha256)
    finally:
        opened.engine.dispose()


def _clean_copies(latest: Path, at: datetime) -> None:
    """Remove from the folder beside the copies what none of them names any longer; nothing where one cannot tell."""
    named: set[str] = set()
    module = sqlite.library()
    for path in latest.parent.glob("*.db"):
        try:
            with contextlib.closing(module.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True)) as connection:
                if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'evidence'").fetchone():
                    query = "SELECT DISTINCT sha256 FROM evidence WHERE erased_at IS NULL"
                    named.update(row[0] for row in connection.execute(query))
        except module.Error:
            return
    Files(latest.parent / EVIDENCE).clean(named, now=at.timestamp())


def _named(store: Store) -> set[str]:
    with store.read() as connection:
        return kept_files(connection)


def _check(path: Path) -> None:
    copy = connect_to_check(f"sqlite:///{path}")
    try:
        found = verify(copy)
    finally:
        copy.engine.dispose()
        for suffix in ("-wal", "-shm", "-journal"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
    if not found.good:
        raise StoreError(f"The copy does not verify, so it was thrown away: {found.sentence}")


def back_up_before_upgrade(path: Path, module: ModuleType, revision: str, at: datetime) -> Path:
    """Copy a store of an older revision before it is upgraded; these copies are kept until somebody removes them."""
    target = _folder(path.parent / FOLDER) / f"refunds-{utc(at)}-before-upgrade-from-{revision}.db"
    target.unlink(missing_ok=True)
    _copy(path, module, target)
    sqlite.sync_folder(target.parent)
    return target


def _folder(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StoreError(f"The folder {folder} cannot be made: {error.strerror}.") from error
    return folder


def _copy(path: Path, module: ModuleType, target: Path) -> None:
    target.unlink(missing_ok=True)
    try:
        sqlite.copy(path, module, target)
    except StoreError:
        target.unlink(missing_ok=True)
        raise
