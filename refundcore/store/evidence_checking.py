"""Checking evidence: every row against the events, every file against its hash; and what a backup needs of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
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


def check_rows(connection: sa.Connection) -> str:
    """What is wrong with the rows beside the events that tell of them; "" where they agree."""
    events, claims = tables.events, tables.claims
    told: dict[tuple[int, str], Counter[str]] = {}
    removed: dict[int, str] = {}
    query = sa.select(events.c.id, events.c.kind, events.c.claim_id, events.c.body).where(
        events.c.kind.in_(("evidence_attached", "evidence_removed"))
    )
    for event in connection.execute(query):
        body = json.loads(event.body)
        if event.kind == "evidence_removed":
            removed[event.id] = body["sha256"]
            continue
        told[event.id, "files"] = Counter(f"{event.claim_id} {_plain(file)}" for file in body["files"])
    rows = connection.execute(
        sa.select(evidence, claims.c.ref).join(claims, claims.c.id == evidence.c.claim_id).order_by(evidence.c.id)
    ).all()
    for row in rows:
        found = told.get((row.event_id, "files"), Counter())
        mark = f"{row.claim_id} {_plain({'sha256': row.sha256, 'kind': row.kind, 'size': row.size})}"
        if not found[mark]:
            return f"Claim {row.ref}: the evidence {row.name} is not what its event says."
        found[mark] -= 1
        if row.removed_event is not None and removed.pop(row.removed_event, None) != row.sha256:
            return f"Claim {row.ref}: the evidence {row.name} was taken away, but no event says so."
    left = [number for (number, _), count in told.items() if count.total()]
    if left:
        return f"Event {left[0]} tells of evidence that is not here."
    if removed:
        return f"Event {min(removed)} tells of evidence that was taken away, but is here."
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
