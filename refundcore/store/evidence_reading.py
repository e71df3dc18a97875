"""Reading evidence: what a claim holds, and which other claims hold the same or nearly the same."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import sqlalchemy as sa

from refundcore.evidence import ALIKE, EvidenceError, Files, distance
from refundcore.store import tables
from refundcore.store.acting import names_of, visible
from refundcore.store.errors import StoreError
from refundcore.store.evidence_table import evidence
from refundcore.store.opening import data_folder
from refundcore.store.store import Store

FOLDER = "evidence"


@dataclass(frozen=True)
class EvidenceRecord:
    """A file that is, or was, evidence of a claim."""

    id: int
    claim: int
    at: int
    person_id: int
    person: str
    name: str
    kind: str
    """png, jpeg, pdf or mail."""
    size: int
    sha256: str
    width: int | None
    height: int | None
    removed: bool
    """Taken away: still told, no longer shown."""
    erased: bool
    """The file itself was given up."""

    @property
    def picture(self) -> bool:
        """Whether it can be shown; everything else is only handed out."""
        return self.kind in {"png", "jpeg"}


@dataclass(frozen=True)
class Alike:
    """A file of another claim that is the same as one of this claim, or looks so."""

    evidence_id: int
    """The file of this claim."""
    ref: str
    """The other claim."""
    other: EvidenceRecord
    same: bool
    """The very same file; otherwise a picture that may be a copy."""
    bits: int
    """In how many of 64 bits the looks differ."""


def files(store: Store) -> Files:
    """The folder of evidence: beside the store's file, or in the data folder for a database on a server."""
    return Files((store.path.parent if store.path else data_folder()) / FOLDER)


def evidence_of(store: Store, claim: int) -> list[EvidenceRecord]:
    """All files of a claim, in the order in which they came; those that were taken away are marked."""
    with store.read() as connection:
        query = (
            sa.select(evidence)
            .join(tables.claims, tables.claims.c.id == evidence.c.claim_id)
            .where(evidence.c.claim_id == claim, visible(connection))
            .order_by(evidence.c.id)
        )
        rows = connection.execute(query).all()
        names = names_of(connection) if rows else {}
    return [_record(row, names) for row in rows]


def evidence_file(store: Store, record: EvidenceRecord) -> bytes:
    """The content of a file. Raises `StoreError` for one that is missing, changed or erased."""
    try:
        return files(store).data(record.sha256)
    except EvidenceError as error:
        raise StoreError(str(error)) from error


def evidence_thumbnail(store: Store, record: EvidenceRecord) -> bytes:
    """A small picture of a picture. Raises `StoreError` where the file is missing or changed."""
    try:
        return files(store).small(record.sha256)
    except EvidenceError as error:
        raise StoreError(str(error)) from error


def alike_evidence(store: Store, claim: int, *, most: int = 20) -> list[Alike]:
    """Files of other claims that are the same as this claim's, or pictures that look like copies; the same first."""
    with store.read() as connection:
        mine = connection.execute(
            sa.select(evidence).where(evidence.c.claim_id == claim, evidence.c.removed_event.is_(None))
        ).all()
        if not mine:
            return []
        seen = [row.look for row in mine if row.look is not None]
        numbers = _looks.setdefault(store.engine, _Looks()).near(connection, seen) if seen else set()
        shas, sent = [row.sha256 for row in mine], [row.sent_sha256 for row in mine]
        query = (
            sa.select(evidence, tables.claims.c.ref)
            .join(tables.claims, tables.claims.c.id == evidence.c.claim_id)
            .where(
                evidence.c.claim_id != claim,
                evidence.c.removed_event.is_(None),
                visible(connection),
                sa.or_(
                    evidence.c.sha256.in_(shas),
                    evidence.c.sent_sha256.in_(sent),
                    evidence.c.id.in_(sorted(numbers)[-500:]),
                ),
            )
        )
        others = connection.execute(query).all()
        names = names_of(connection) if others else {}
    pairs = [pair for row in mine for pair in _pairs(row, others, names)]
    return sorted(pairs, key=lambda pair: (not pair.same, pair.bits, -pair.other.id))[:most]


class _Looks:
    """The looks of all pictures, kept in memory and caught up at each question: 16 bytes a picture."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ids = np.empty(0, np.int64)
        self._looks = np.empty(0, np.uint64)

    def near(self, connection: sa.Connection, looks: Iterable[int]) -> set[int]:
        """Ids of the pictures that look like one of these. Some may have been taken away since."""
        with self._lock:
            self._catch_up(connection)
            ids, known = self._ids, self._looks
        found: set[int] = set()
        for look in looks:
            found.update(ids[np.bitwise_count(known ^ np.uint64(look & (2**64 - 1))) <= ALIKE].tolist())
        return found

    def _catch_up(self, connection: sa.Connection) -> None:
        last = int(self._ids[-1]) if len(self._ids) else 0
        new = (
            sa.select(evidence.c.id, evidence.c.look)
            .where(evidence.c.id > last, evidence.c.look.isnot(None))
            .order_by(evidence.c.id)
        )
        rows = connection.execute(new).all()
        if rows:
            table = np.array([tuple(row) for row in rows], dtype=np.int64)
            self._ids = np.concatenate([self._ids, table[:, 0]])
            self._looks = np.concatenate([self._looks, table[:, 1].astype(np.uint64)])


_looks: WeakKeyDictionary[sa.Engine, _Looks] = WeakKeyDictionary()


def _pairs(mine: Any, others: Any, names: dict[int, str]) -> Iterator[Alike]:  # noqa: ANN401 - rows
    for row in others:
        same = row.sha256 == mine.sha256 or row.sent_sha256 == mine.sent_sha256
        bits = 0 if same else 64
        if not same and None not in {row.look, mine.look}:
            bits = distance(row.look, mine.look)
        if bits <= ALIKE:
            yield Alike(mine.id, row.ref, _record(row, names), same, bits)


def _record(row: Any, names: dict[int, str]) -> EvidenceRecord:  # noqa: ANN401 - a row
    return EvidenceRecord(
        id=row.id,
        claim=row.claim_id,
        at=row.at,
        person_id=row.person_id,
        person=names.get(row.person_id, ""),
        name=row.name or "(erased)",
        kind=row.kind,
        size=row.size,
        sha256=row.sha256,
        width=row.width,
        height=row.height,
        removed=row.removed_event is not None,
        erased=row.erased_at is not None,
    )
