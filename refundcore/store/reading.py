"""Reading one claim and the journal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from refundcore import promises
from refundcore.facts import COLUMNS
from refundcore.store import sentences, tables
from refundcore.store.acting import names_of, visible
from refundcore.store.chain import opened
from refundcore.store.model import ClaimRecord, Decision, Event
from refundcore.store.store import Store, first_of

_DIRECT = (
    "id",
    "ref",
    "version",
    "state",
    "outcome",
    "verdict",
    "leaning",
    "clause",
    "next_deadline",
    "refund",
    "fee",
    "holds_until",
    "edition",
    "act_by",
    "assignee_id",
    "created_at",
    "updated_at",
    "import_id",
)


def claim(store: Store, which: int | str) -> ClaimRecord | None:
    """A claim by its id (int) or its reference (str); None where there is none."""
    claims = tables.claims
    found = claims.c.id == which if isinstance(which, int) else claims.c.ref == which
    with store.read() as connection:
        row = first_of(connection, sa.select(claims).where(found, visible(connection)))
        if row is None:
            return None
        names = names_of(connection)
        decisions = tables.decisions
        query = sa.select(decisions).where(
            decisions.c.claim_id == row["id"], decisions.c.status.in_(("standing", "awaiting_approval"))
        )
        decision = first_of(connection, query.order_by(decisions.c.id.desc()).limit(1))
    return ClaimRecord(
        **{name: row[name] for name in _DIRECT},
        facts={name: row[name] for name in COLUMNS},
        clauses=tuple(row["clauses"].split()),
        missing=tuple(row["missing"].split()),
        assignee=names.get(row["assignee_id"], ""),
        asked_for=tuple(row["asked_for"].split()),
        asked_until=row["asked_until"],
        told=promises.read(row["promised"]),
        decision=_decision(decision, names) if decision else None,
    )


def _decision(row: Mapping[str, Any], names: Mapping[int, str]) -> Decision:
    same = ("id", "at", "person_id", "outcome", "status", "override", "verdict", "reason", "reply", "refund", "fee")
    return Decision(
        **{name: row[name] for name in same},
        claim=row["claim_id"],
        person=names[row["person_id"]],
        currency=row["currency"],
        approver_id=row["approver_id"],
        approver=names.get(row["approver_id"], ""),
        approved_at=row["approved_at"],
        approver_reason=row["approver_reason"],
    )


def events(store: Store, claim: int) -> list[Event]:
    """What happened to a claim, first to last."""
    table = tables.events
    with store.read() as connection:
        query = (
            sa.select(table)
            .join(tables.claims, tables.claims.c.id == table.c.claim_id)
            .where(table.c.claim_id == claim, visible(connection))
            .order_by(table.c.seq)
        )
        return _told(connection, query)


def journal(store: Store, *, before: int | None = None, person: int | None = None, limit: int = 100) -> list[Event]:
    """What happened in the whole desk, latest first; `before` is an event's id, for the next page."""
    table = tables.events
    with store.read() as connection:
        query = (
            sa.select(table)
            .join(tables.claims, tables.claims.c.id == table.c.claim_id)
            .where(visible(connection))
            .order_by(table.c.id.desc())
            .limit(limit)
        )
        if before is not None:
            query = query.where(table.c.id < before)
        if person is not None:
            query = query.where(table.c.person_id == person)
        return _told(connection, query)


def _told(connection: sa.Connection, query: sa.Select[Any]) -> list[Event]:
    names = names_of(connection)
    found = []
    for row in connection.execute(query):
        body, who = opened(row.body, row.private), names[row.person_id]
        found.append(
            Event(
                id=row.id,
                claim=row.claim_id,
                seq=row.seq,
                at=row.at,
                person_id=row.person_id,
                person=who,
                kind=row.kind,
                body=body,
                sentence=sentences.told(who, row.kind, body, names),
                hash=row.hash,
            )
        )
    return found
