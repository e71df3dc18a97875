"""Who has a claim open right now: a courtesy among colleagues that locks nothing and is no part of the journal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from refundcore.deadlines import SECOND, micros
from refundcore.store import tables
from refundcore.store.store import Store

SEEN_FOR = 45 * SECOND
"""After how long without a sign somebody no longer has the claim open; pages look in three times within it."""


@dataclass(frozen=True)
class Viewer:
    """Somebody who has a claim open."""

    person: str
    since: int
    """When they opened it, in microseconds."""


def look_in(store: Store, *, person: int, at: datetime, claim: int) -> list[Viewer]:
    """Say that a person has a claim open, and learn who else has, whoever opened it first leading."""
    viewing, moment = tables.viewing, micros(at)
    mine = sa.and_(viewing.c.claim_id == claim, viewing.c.person_id == person)
    with store.write() as connection:
        connection.execute(sa.delete(viewing).where(viewing.c.seen_at < moment - SEEN_FOR))
        found = connection.execute(sa.update(viewing).where(mine).values(seen_at=moment))
        if not found.rowcount:
            connection.execute(
                sa.insert(viewing).values(claim_id=claim, person_id=person, since=moment, seen_at=moment)
            )
        query = (
            sa.select(tables.people.c.name, viewing.c.since)
            .join(tables.people, tables.people.c.id == viewing.c.person_id)
            .where(viewing.c.claim_id == claim, viewing.c.person_id != person, viewing.c.seen_at <= moment)
            .order_by(viewing.c.since, viewing.c.person_id)
        )
        return [Viewer(row.name, row.since) for row in connection.execute(query)]


def look_away(store: Store, *, person: int, claim: int) -> None:
    """Say that a person no longer has a claim open."""
    viewing = tables.viewing
    with store.write() as connection:
        connection.execute(sa.delete(viewing).where(viewing.c.claim_id == claim, viewing.c.person_id == person))
