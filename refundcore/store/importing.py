"""Imports: rows of a file become claims, in transactions of some 5,000, invisible until the last one.

Every row is accounted for: rows = created + updated + unchanged + duplicates + conflicting + rejected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from refundcore.facts import Claims
from refundcore.store.model import Balance, ImportRecord, Reject
from refundcore.store.store import Store


def begin_import(
    store: Store,
    *,
    actor: int,
    at: datetime,
    filename: str,
    sha256: str,
    header: Sequence[str],
    mapping: Mapping[str, str],
    update: bool = False,
) -> int:
    """Begin an import; its id.

    `mapping` is header -> name of a fact. With `update`, a row that differs from an undecided claim of the same
    reference changes that claim; otherwise it is listed as conflicting. The same file may be imported again:
    it creates nothing new. Raises `Forbidden`, or `Impossible` while the same file is being imported.
    """
    raise NotImplementedError


def import_batch(
    store: Store,
    number: int,
    *,
    actor: int,
    at: datetime,
    claims: Claims,
    lines: Sequence[int],
    cells: Sequence[Sequence[str]] | None = None,
    rejected: Sequence[tuple[int, Sequence[str], str]] = (),
) -> Balance:
    """Store the next rows of an import; the balance so far.

    `lines` are the line numbers of `claims` in the file and `cells` their raw cells in the order of the header (kept
    for conflicting rows). `rejected` are rows that cannot be read: (line, raw cells, why). Any number of rows may be
    given: they are judged in one call and written in transactions of 5,000. Some 20,000 at a time are fastest.
    """
    raise NotImplementedError


def finish_import(store: Store, number: int, *, actor: int, at: datetime) -> Balance:
    """Apply the updates, make the rows visible and close the balance."""
    raise NotImplementedError


def cancel_import(store: Store, number: int, *, actor: int, at: datetime) -> None:
    """Take an unfinished import back: its rows were never visible."""
    raise NotImplementedError


def resume_or_remove(store: Store, at: datetime) -> int:
    """Take back imports that were cut off (their process is gone or silent for 15 minutes); how many."""
    raise NotImplementedError


def imports(store: Store, limit: int = 50) -> list[ImportRecord]:
    """The imports, latest first."""
    raise NotImplementedError


def import_record(store: Store, number: int) -> ImportRecord | None:
    """One import; None where there is none."""
    raise NotImplementedError


def rejects(store: Store, number: int, *, after: int = 0, limit: int = 1000) -> list[Reject]:
    """The rejected and conflicting rows of an import by line, those after line `after`."""
    raise NotImplementedError


def remembered_mapping(store: Store, header: Sequence[str]) -> dict[str, str] | None:
    """The mapping used last for files of this header; None for a header not seen before."""
    raise NotImplementedError


def remember_mapping(
    store: Store, *, actor: int, at: datetime, header: Sequence[str], mapping: Mapping[str, str]
) -> None:
    """Keep the mapping for files of this header."""
    raise NotImplementedError
