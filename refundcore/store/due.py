"""Which open claims are due until an instant, for warnings outside of the queue."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from refundcore.store import tables
from refundcore.store.acting import names_of, visible
from refundcore.store.store import Store


@dataclass(frozen=True)
class DueClaim:
    """An open claim and when it is to be acted on."""

    id: int
    ref: str
    state: str
    verdict: str
    act_by: int
    assignee: str
    """The assignee's name, "" for nobody."""


def due_claims(store: Store, *, until: int) -> list[DueClaim]:
    """The open claims that are to be acted on until an instant, and all that wait for approval; most urgent first."""
    claims = tables.claims
    wanted = sa.or_(claims.c.queue_at <= until, claims.c.state == "awaiting_approval")
    query = (
        sa.select(claims.c.id, claims.c.ref, claims.c.state, claims.c.verdict, claims.c.queue_at, claims.c.assignee_id)
        .where(claims.c.queue_at.isnot(None), wanted)
        .order_by(claims.c.queue_at, claims.c.id)
    )
    with store.read() as connection:
        names = names_of(connection)
        rows = connection.execute(query.where(visible(connection)))
        return [
            DueClaim(row.id, row.ref, row.state, row.verdict, row.queue_at, names.get(row.assignee_id, ""))
            for row in rows
        ]
