"""Checking evidence: every row against the events, every file against its hash; and what a backup needs of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import sqlalchemy as sa

from refundcore.evidence import Files
from refundcore.store import tables
from refundcore.store.evidence_table import evidence

_NAMED = 5
"""Files that a sentence names one by one."""


def kept_files(connection: sa.Connection) -> set[str]:
    """The hashes of all files that claims hold or held, but for those that were given up."""
    return set(
        connection.execute(sa.select(evidence.c.sha256).where(evidence.c.erased_at.is_(None)).distinct()).scalars()
    )


@dataclass
class _Told:
    """What the events tell of evidence."""

    attached: dict[int, Counter[str]] = field(default_factory=dict)
    """Event -> the files that it attached."""
    removed: dict[int, str] = field(default_factory=dict)
    """Event -> the hash of the file that it took away."""
    erased: set[int] = field(default_factory=set)
    """Claims whose customer's data was erased."""


def _told(connection: sa.Connection) -> _Told:
    events, told = tables.events, _Told()
    query = sa.select(events.c.id, events.c.kind, events.c.claim_id, events.c.body).where(
        events.c.kind.in_(("evidence_attached", "evidence_removed", "erased"))
    )
    for event in connection.execute(query):
        body = json.loads(event.body)
        if event.kind == "evidence_attached":
            told.attached[event.id] = Counter(f"{event.claim_id} {_plain(file)}" for file in body["files"])
        elif event.kind == "evidence_removed":
            told.removed[event.id] = body["sha256"]
        else:
            told.erased.add(event.claim_id)
    return told


def check_rows(connection: sa.Connection) -> str:
    """What is wrong with the rows beside the events that tell of them; "" where they agree."""
    told, claims = _told(connection), tables.claims
    query = sa.select(evidence, claims.c.ref).join(claims, claims.c.id == evidence.c.claim_id)
    for row in connection.execute(query.order_by(evidence.c.id)).all():
        found = told.attached.get(row.event_id, Counter())
        mark = f"{row.claim_id} {_plain({'sha256': row.sha256, 'kind': row.kind, 'size': row.size})}"
        if not found[mark]:
            return f"Claim {row.ref}: the evidence {row.name} is not what its event says."
        found[mark] -= 1
        if row.removed_event is not None and told.removed.pop(row.removed_event, None) != row.sha256:
            return f"Claim {row.ref}: the evidence {row.name} was taken away, but no event says so."
        if row.erased_at is not None and row.claim_id not in told.erased:
            return f"Claim {row.ref}: a file of its evidence was erased, but no event says so."
    left = [number for number, count in told.attached.items() if count.total()]
    if left:
        return f"Event {left[0]} tells of evidence that is not here."
    if told.removed:
        return f"Event {min(told.removed)} tells of evidence that was taken away, but is here."
    return ""


def _plain(file: dict[str, Any]) -> str:
    return f"{file['sha256']} {file['kind']} {file['size']}"


class Listed(NamedTuple):
    """A file that has to be there."""

    sha256: str
    name: str
    ref: str


def listed_files(connection: sa.Connection) -> list[Listed]:
    """The files that have to be there, by the claims that name them."""
    claims = tables.claims
    query = (
        sa.select(evidence.c.sha256, evidence.c.name, claims.c.ref)
        .join(claims, claims.c.id == evidence.c.claim_id)
        .where(evidence.c.erased_at.is_(None))
        .order_by(evidence.c.id)
    )
    return [Listed(row.sha256, row.name, row.ref) for row in connection.execute(query)]


def check_files(listed: Iterable[Listed], folder: Files) -> tuple[int, str]:
    """How many files were looked at, and which of them are missing or changed; "" where none is."""
    seen: dict[str, str] = {}
    bad = []
    for row in listed:
        if row.sha256 not in seen:
            seen[row.sha256] = folder.wrong(row.sha256)
            if seen[row.sha256]:
                bad.append(f"{row.name} of claim {row.ref} is {seen[row.sha256]}")
    if not bad:
        return len(seen), ""
    more = f"; and {len(bad) - _NAMED} more" if len(bad) > _NAMED else ""
    return len(seen), f"Evidence: {'; '.join(bad[:_NAMED])}{more} ({folder.folder})."
