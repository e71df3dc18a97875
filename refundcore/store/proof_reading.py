"""What a certificate of a decision rests on: the decision, its event as it was hashed, and who stood behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from refundcore.store import tables
from refundcore.store.acting import names_of, visible
from refundcore.store.errors import Impossible
from refundcore.store.store import Row, Store, first_of

_EVENT = ("id", "claim_id", "seq", "at", "person_id", "kind", "body", "private", "prev_hash", "hash")


@dataclass(frozen=True)
class Decided:
    """A decision that stands."""

    ref: str
    decision: Mapping[str, Any]
    """The row of the decision."""
    event: Mapping[str, Any]
    """The event that made it: id, claim_id, seq, at, person_id, kind, body, private, prev_hash, hash."""
    approval: Mapping[str, Any] | None
    """The event by which a second person let it stand."""
    names: Mapping[int, str]
    """People's names by id."""


def decided(store: Store, which: int | str) -> Decided:
    """The decision that stands on a claim, by its id or reference. Raises `Impossible` where there is none."""
    claims, decisions, events = tables.claims, tables.decisions, tables.events
    found = claims.c.id == which if isinstance(which, int) else claims.c.ref == which
    with store.read() as connection:
        claim = first_of(connection, sa.select(claims.c.id, claims.c.ref).where(found, visible(connection)))
        if claim is None:
            raise Impossible(f"There is no claim {which}.")
        query = sa.select(decisions).where(decisions.c.claim_id == claim["id"], decisions.c.status == "standing")
        decision = first_of(connection, query)
        if decision is None:
            raise Impossible(f"No decision stands on claim {claim['ref']}, so there is nothing to certify.")
        columns = [events.c[name] for name in _EVENT]
        event = first_of(connection, sa.select(*columns).where(events.c.id == decision["event_id"]))
        approval = None
        if decision["approver_id"] is not None:
            query = sa.select(*columns).where(
                events.c.claim_id == claim["id"], events.c.kind == "override_approved", events.c.id > event_id(event)
            )
            approval = first_of(connection, query.order_by(events.c.id.desc()).limit(1))
        names = names_of(connection)
    if event is None:
        raise Impossible(f"The event of the decision on claim {claim['ref']} is missing: run `verify`.")
    return Decided(claim["ref"], decision, event, approval, names)


def event_id(event: Row | None) -> int:
    """The number of an event; 0 for none."""
    return int(event["id"]) if event else 0


def event_of(store: Store, number: int) -> Row | None:
    """An event as it was hashed; None where there is none."""
    columns = [tables.events.c[name] for name in _EVENT]
    with store.read() as connection:
        return first_of(connection, sa.select(*columns).where(tables.events.c.id == number))


def status_of(store: Store, event: int) -> str:
    """The status of the decision that an event made; "" where there is none."""
    query = sa.select(tables.decisions.c.status).where(tables.decisions.c.event_id == event)
    with store.read() as connection:
        return connection.execute(query).scalar() or ""
