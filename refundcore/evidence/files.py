"""The folder of evidence: each file under the hash of its content, written whole or not at all."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from refundcore.evidence.kinds import EvidenceError
from refundcore.evidence.reading import Kept, thumbnail_of

GRACE = 24 * 3600
"""Seconds for which a file that no claim names is left alone: its claim may be just about to be written."""

_HASH = re.compile(r"[0-9a-f]{64}")
_PART = "part-"
_SMALL = ".small"


@dataclass(frozen=True)
class Files:
    """A folder of evidence; a file with the hash abcd... lies at ab/cd..., its thumbnail beside it."""

    folder: Path

    def path(self, sha256: str) -> Path:
        """Where a file lies. Raises `ValueError` for what is no hash, so that no other path can be reached."""
        if not _HASH.fullmatch(sha256):
            raise ValueError(f"{sha256[:80]!r} is not the hash of a file.")
        return self.folder / sha256[:2] / sha256[2:]

    def put(self, kept: Kept) -> None:
        """Keep a file and its thumbnail. Raises `EvidenceError` where the disk refuses."""
        try:
            self._put(self.path(kept.sha256), kept.data)
            if kept.small:
                self._put(self._small(kept.sha256), kept.small)
        except OSError as error:
            raise EvidenceError(f"{kept.name} could not be kept: {error.strerror}. Nothing was saved.") from error

    def data(self, sha256: str) -> bytes:
        """The content of a file. Raises `EvidenceError` for one that is missing or not what it was."""
        try:
            data = self.path(sha256).read_bytes()
        except OSError as error:
            raise EvidenceError("This file is missing from the desk's folder: restore it from a backup.") from error
        if hashlib.sha256(data).hexdigest() != sha256:
            raise EvidenceError("This file is not what was attached: it was changed. Restore it from a backup.")
        return data

    def small(self, sha256: str) -> bytes:
        """The thumbnail of a picture; made anew where it is gone. Raises `EvidenceError`."""
        path = self._small(sha256)
        with suppress(OSError):
            return path.read_bytes()
        made = thumbnail_of(self.data(sha256))
        with suppress(OSError):
            self._put(path, made)
        return made

    def wrong(self, sha256: str) -> str:
        """What is wrong with a file: "missing", "changed" or nothing. It is read in parts."""
        found = hashlib.sha256()
        try:
            with self.path(sha256).open("rb") as file:
                while part := file.read(2**20):
                    found.update(part)
        except OSError:
            return "missing"
        return "" if found.hexdigest() == sha256 else "changed"

    def copy_from(self, other: Files, sha256: str) -> None:
        """Take over a file from another folder unless it is here. Raises `EvidenceError`."""
        if self.wrong(sha256):
            data = other.data(sha256)
            try:
                self._put(self.path(sha256), data)
            except OSError as error:
                raise EvidenceError(f"Evidence could not be copied: {error.strerror}.") from error

    def remove(self, sha256: str) -> None:
        """Give a file and its thumbnail up. One that cannot be removed now is an orphan, and `clean` removes it."""
        for path in (self.path(sha256), self._small(sha256)):
            with suppress(OSError):
                path.unlink()

    def clean(self, named: Collection[str], *, now: float) -> int:
        """Remove what no claim names and what was cut off while it was written, once it is a day old; how many."""
        removed = 0
        for path in self._all():
            name = path.name.removesuffix(_SMALL)
            if path.parent.name + name in named:
                continue
            with suppress(OSError):
                if now - path.stat().st_mtime > GRACE:
                    path.unlink()
                    removed += 1
        return removed

    def _all(self) -> Iterator[Path]:
        if self.folder.is_dir():
            yield from (path for path in self.folder.glob("*/*") if path.is_file())
            yield from self.folder.glob(f"{_PART}*")

    def _small(self, sha256: str) -> Path:
        path = self.path(sha256)
        return path.with_name(path.name + _SMALL)

    def _put(self, path: Path, data: bytes) -> None:
        """Write a file under a name of its own, then give it its place; one that is there is only touched."""
        with suppress(OSError):
            if path.stat().st_size == len(data) and path.read_bytes() == data:
                os.utime(path)  # an older one that no claim named begins its grace anew
                return
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.parent.mkdir(exist_ok=True, mode=0o700)
        part = self.folder / f"{_PART}{secrets.token_hex(8)}"
        try:
            with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        except OSError:
            part.unlink(missing_ok=True)
            raise
        for folder in (path.parent, self.folder):
            _sync(folder)


def _sync(folder: Path) -> None:
    """Make a new name durable, where the system lets a folder be opened."""
    with suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
